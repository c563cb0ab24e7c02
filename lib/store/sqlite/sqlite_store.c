/* store/sqlite: the verbs of the storage contract. */
#include "store/sqlite/sqlite_store.h"

#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"

#include <assert.h>

#define DEFAULT_BUSY_WAIT_MS 5000

static durable_sqlite *self(durable_store *store)
{
    return (durable_sqlite *)store;
}

/* ---- The fence ----------------------------------------------------------------------------- */

/* What stands behind a fence. */
typedef struct fence_look {
    bool there;   /* the run has a row */
    bool claimed; /* somebody holds it */
    int64_t epoch, token;
    int64_t status;
} fence_look;

static int look_at_fence(durable_sqlite *store, const durable_fence *fence, fence_look *look)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_LOOK_AT_FENCE);
    int result;

    memset(look, 0, sizeof *look);
    if (!statement) return store->head.error.code;
    sqlite3_bind_int64(statement, 1, fence->run);
    result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW) {
        look->there = true;
        look->epoch = sqlite3_column_int64(statement, 0);
        look->token = sqlite3_column_int64(statement, 1);
        look->claimed = sqlite3_column_int(statement, 2) != 0;
        look->status = sqlite3_column_int64(statement, 3);
    } else if (result != SQLITE_DONE) {
        durable_sqlite_failed(store, result, "look at the claim");
    }
    durable_sqlite_rest(statement);
    return result == SQLITE_ROW || result == SQLITE_DONE ? DUR_OK : store->head.error.code;
}

static bool is_given_back(const fence_look *look, const durable_fence *fence)
{
    return look->there && !look->claimed && look->epoch == fence->epoch &&
           look->token == fence->token;
}

/* Why a fenced write found nothing: the verdict, with the error set to it. Only an epoch newer than
 * ours tells another owner from a rollback for certain. */
static int explain_fence(durable_sqlite *store, const durable_fence *fence)
{
    fence_look look;
    int code = look_at_fence(store, fence, &look);

    if (code != DUR_OK) return code;
    if (look.there && look.epoch > fence->epoch)
        return durable_error_set(&store->head.error, DUR_LOST,
                                 "another owner has claimed the run (epoch %lld, ours was %lld)",
                                 (long long)look.epoch, (long long)fence->epoch);
    if (is_given_back(&look, fence))
        return durable_error_set(&store->head.error, DUR_LOST, "the claim was given back");
    if (fence->provisional)
        return durable_error_set(&store->head.error, DUR_ROLLED_BACK,
                                 "the transaction in which the run was claimed was rolled back");
    return durable_error_set(&store->head.error, DUR_LOST,
                             look.there ? "another owner has claimed the run"
                                        : "the run was deleted from the log");
}

/* A record that was joined to the host's transaction is believed only once it was seen again.
 * DUR_OK, DUR_ROLLED_BACK, or a database code. */
static int confirm_provisional(durable_sqlite *store, const durable_fence *fence)
{
    sqlite3_stmt *statement;
    bool there;
    int result;

    if (fence->provisional <= 0) return DUR_OK;
    statement = durable_sqlite_statement(store, DURABLE_SQL_LOOK_AT_STEP);
    if (!statement) return store->head.error.code;
    sqlite3_bind_int64(statement, 1, durable_step_key(fence->run, fence->provisional));
    result = durable_sqlite_read(store, statement);
    there = result == SQLITE_ROW && sqlite3_column_int64(statement, 0) == fence->epoch;
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        durable_sqlite_failed(store, result, "look at the last record");
    durable_sqlite_rest(statement);
    if (there) return DUR_OK;
    if (result != SQLITE_ROW && result != SQLITE_DONE) return store->head.error.code;
    return durable_error_set(&store->head.error, DUR_ROLLED_BACK,
                             "position %lld was recorded in a transaction that was rolled back",
                             (long long)fence->provisional);
}

/* Our tables may have gone with the host's transaction in which they were made. */
static int tables_gone(durable_sqlite *store, int code)
{
    durable_error error;

    if (code != DUR_DATABASE || !store->schema_provisional) return code;
    durable_error_copy(&error, &store->head.error);
    if (!durable_sqlite_schema_exists(store))
        return durable_error_set(&store->head.error, DUR_ROLLED_BACK,
                                 "the transaction in which the log was created was rolled back");
    durable_error_copy(&store->head.error, &error);
    return code;
}

static void bind_fence(sqlite3_stmt *statement, const durable_fence *fence)
{
    sqlite3_bind_int64(statement, 1, fence->run);
    sqlite3_bind_int64(statement, 2, fence->epoch);
    sqlite3_bind_int64(statement, 3, fence->token);
}

/* Binds what a fenced statement wants beside the fence; gives SQLite's result. */
typedef int bind_fn(sqlite3_stmt *statement, const void *context);

static int fenced_step(durable_sqlite *store, durable_write *write, durable_statement which,
                       const durable_fence *fence, bind_fn *bind, const void *context, int *changes)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, which);
    int result;

    *changes = 0;
    if (!statement) return store->head.error.sqlite_code;
    bind_fence(statement, fence);
    result = bind ? bind(statement, context) : SQLITE_OK;
    if (result == SQLITE_OK)
        return durable_sqlite_write_step(store, write, statement, changes);
    durable_sqlite_rest(statement);
    durable_sqlite_failed(store, result, write->doing);
    return result;
}

/* Change the run's row and give its claim back, in one commit. *changes is 0 where the fence was no
 * longer ours. */
static int leave_in_group(durable_sqlite *store, durable_write *write, durable_statement which,
                          const durable_fence *fence, bind_fn *bind, const void *context,
                          int *changes)
{
    int dropped = 0;
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    result = fenced_step(store, write, which, fence, bind, context, changes);
    if (result == SQLITE_DONE && *changes)
        result = fenced_step(store, write, DURABLE_SQL_DROP_CLAIM, fence, NULL, NULL, &dropped);
    if (result == SQLITE_DONE) result = durable_sqlite_group_commit(store, write);
    if (result != SQLITE_DONE) durable_sqlite_group_rollback(store, write);
    return result;
}

/* The claim is ours no more: was this very act done before, and only its answer lost? */
static int explain_leaving(durable_sqlite *store, const durable_fence *fence, int64_t status)
{
    fence_look look;
    int code = look_at_fence(store, fence, &look);

    if (code != DUR_OK) return code;
    if (is_given_back(&look, fence) && look.status == status) return DUR_OK;
    return explain_fence(store, fence);
}

static int leave_run(durable_sqlite *store, durable_statement which, durable_fence *fence,
                     bind_fn *bind, const void *context, int64_t status, const char *doing)
{
    durable_write write;
    int result, changes = 0;
    int code = durable_sqlite_write_begin(store, &write, doing);

    if (code == DUR_OK) code = tables_gone(store, confirm_provisional(store, fence));
    if (code != DUR_OK) return code;
    result = leave_in_group(store, &write, which, fence, bind, context, &changes);
    code = tables_gone(store, durable_sqlite_write_end(store, &write, result));
    if (code == DUR_OK && changes == 0) return explain_leaving(store, fence, status);
    return code;
}

/* ---- Runs ---------------------------------------------------------------------------------- */

static int settle_schema(durable_sqlite *store)
{
    int code;

    if (!store->schema_provisional) return DUR_OK;
    code = durable_sqlite_ensure_schema(store);
    if (code == DUR_OK && sqlite3_get_autocommit(store->db)) store->schema_provisional = false;
    return code;
}

static int find_run(durable_store *base, const char *id, durable_run_visitor *visit, void *context)
{
    durable_sqlite *store = self(base);
    durable_run_record record;
    sqlite3_stmt *statement;
    int code = settle_schema(store);
    int result;

    if (code != DUR_OK) return code;
    statement = durable_sqlite_statement(store, DURABLE_SQL_FIND_RUN);
    if (!statement) return store->head.error.code;
    result = durable_bind_string(statement, 1, id);
    if (result == SQLITE_OK) result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW) {
        code = durable_read_run_row(store, statement, &record);
        if (code == DUR_OK) code = visit(&record, context);
    } else if (result == SQLITE_DONE) {
        code = DUR_NOT_FOUND;
    } else {
        code = durable_sqlite_failed(store, result, "look the run up");
    }
    durable_sqlite_rest(statement);
    return code;
}

static int bind_new_run(sqlite3_stmt *statement, const durable_new_run *new_run)
{
    int result = durable_bind_string(statement, 1, new_run->id);

    if (result == SQLITE_OK) result = durable_bind_string(statement, 2, new_run->uid);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 3, new_run->workflow);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 4, new_run->code_version);
    if (result == SQLITE_OK) result = durable_bind_datum(statement, 9, &new_run->input);
    if (result != SQLITE_OK) return result;
    sqlite3_bind_int(statement, 5, new_run->behaviour);
    sqlite3_bind_int64(statement, 6, new_run->token);
    sqlite3_bind_int64(statement, 7, new_run->now);
    return durable_bind_format(statement, 8, new_run->input.format);
}

/* The key that the insert chose is the connection's last rowid, until that is restored. 0: there
 * was none to choose. */
static int insert_run(durable_sqlite *store, durable_write *write, const durable_new_run *new_run,
                      int64_t *run)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_CREATE_RUN);
    int result, changes = 0;

    *run = 0;
    if (!statement) return store->head.error.sqlite_code;
    result = bind_new_run(statement, new_run);
    if (result != SQLITE_OK) {
        durable_sqlite_rest(statement);
        durable_sqlite_failed(store, result, write->doing);
        return result;
    }
    result = durable_sqlite_write_step(store, write, statement, &changes);
    if (changes) *run = sqlite3_last_insert_rowid(store->db);
    return result;
}

static int step_claim(durable_sqlite *store, durable_write *write, durable_statement which,
                      const durable_claim *claim, int *changes)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, which);
    int result;

    *changes = 0;
    if (!statement) return store->head.error.sqlite_code;
    result = durable_bind_string(statement, 4, claim->owner);
    if (result != SQLITE_OK) {
        durable_sqlite_rest(statement);
        durable_sqlite_failed(store, result, write->doing);
        return result;
    }
    sqlite3_bind_int64(statement, 1, claim->run);
    sqlite3_bind_int64(statement, 2, claim->seen_epoch);
    sqlite3_bind_int64(statement, 3, claim->seen_token);
    sqlite3_bind_int64(statement, 5, claim->token);
    sqlite3_bind_int64(statement, 6, claim->lease_end);
    sqlite3_bind_int64(statement, 7, claim->claims);
    return durable_sqlite_write_step(store, write, statement, changes);
}

static void set_fence(durable_fence *fence, const durable_claim *claim, const durable_write *write)
{
    fence->run = claim->run;
    fence->epoch = claim->seen_epoch + 1;
    fence->token = claim->token;
    fence->provisional = write->joined ? -1 : 0;
}

/* The run's row, as if its claim number 0 had been given back, and claim number 1. */
static int insert_claimed(durable_sqlite *store, durable_write *write,
                          const durable_new_run *new_run, durable_fence *fence)
{
    durable_claim claim = {0, 0, new_run->token, new_run->owner, new_run->token,
                           new_run->lease_end, 1};
    int changes = 0;
    int result = insert_run(store, write, new_run, &claim.run);

    if (result == SQLITE_DONE && claim.run)
        result = step_claim(store, write, DURABLE_SQL_TAKE_CLAIM, &claim, &changes);
    set_fence(fence, &claim, write);
    assert(result != SQLITE_DONE || changes == (claim.run != 0)); /* the key is free everywhere */
    return result;
}

static int create_run(durable_store *base, const durable_new_run *new_run, bool *created,
                      durable_fence *fence)
{
    durable_sqlite *store = self(base);
    durable_write write;
    int result;
    int code = durable_sqlite_write_begin(store, &write, "start the run");

    *created = false;
    if (code != DUR_OK) return code;
    result = durable_sqlite_group_begin(store, &write);
    if (result == SQLITE_DONE) {
        result = insert_claimed(store, &write, new_run, fence);
        if (result == SQLITE_DONE) result = durable_sqlite_group_commit(store, &write);
        if (result != SQLITE_DONE) durable_sqlite_group_rollback(store, &write);
    }
    code = durable_sqlite_write_end(store, &write, result);
    if (code == DUR_DATABASE && result == SQLITE_CONSTRAINT_UNIQUE) return DUR_OK;
    if (code == DUR_OK && fence->run == 0)
        return durable_error_set(&store->head.error, DUR_CORRUPT,
                                 "the log has no free run key: the largest one was edited in");
    *created = code == DUR_OK;
    return code;
}

/* A run that nobody holds has no claim's row yet; the one that its dead or late owner left behind
 * is taken over. Each is a single statement. */
static int claim_run(durable_store *base, const durable_claim *claim, bool *claimed,
                     durable_fence *fence)
{
    durable_sqlite *store = self(base);
    durable_write write;
    int result, changes = 0;
    int code = durable_sqlite_write_begin(store, &write, "claim the run");

    *claimed = false;
    if (code != DUR_OK) return code;
    if (claim->seen_epoch == INT64_MAX) return DUR_OK; /* no run is handed out with it */
    set_fence(fence, claim, &write);
    result = step_claim(store, &write, DURABLE_SQL_TAKE_CLAIM, claim, &changes);
    if (result == SQLITE_DONE && changes == 0)
        result = step_claim(store, &write, DURABLE_SQL_TAKE_OVER, claim, &changes);
    code = durable_sqlite_write_end(store, &write, result);
    *claimed = code == DUR_OK && changes == 1;
    return code;
}

static int release_run(durable_store *base, durable_fence *fence)
{
    return leave_run(self(base), DURABLE_SQL_RELEASE_RUN, fence, NULL, NULL, DURABLE_RUNNING,
                     "release the run");
}

static int bind_ending(sqlite3_stmt *statement, const void *context)
{
    const durable_ending *ending = context;
    int result = durable_bind_datum(statement, 7, &ending->output);

    if (result == SQLITE_OK) result = durable_bind_string(statement, 8, ending->failure);
    if (result != SQLITE_OK) return result;
    sqlite3_bind_int(statement, 4, ending->status);
    sqlite3_bind_int64(statement, 5, ending->now);
    return durable_bind_format(statement, 6, ending->output.format);
}

static int end_run(durable_store *base, durable_fence *fence, const durable_ending *ending)
{
    return leave_run(self(base), DURABLE_SQL_END_RUN, fence, bind_ending, ending, ending->status,
                     ending->status == DURABLE_PARKED ? "park the run" : "end the run");
}

static int bind_lease(sqlite3_stmt *statement, const void *context)
{
    return sqlite3_bind_int64(statement, 4, *(const int64_t *)context);
}

static int renew_lease(durable_store *base, durable_fence *fence, int64_t lease_end)
{
    durable_sqlite *store = self(base);
    durable_write write;
    int result, changes = 0;
    int code = durable_sqlite_write_begin(store, &write, "renew the lease");

    if (code == DUR_OK) code = tables_gone(store, confirm_provisional(store, fence));
    if (code != DUR_OK) return code;
    result = fenced_step(store, &write, DURABLE_SQL_RENEW_LEASE, fence, bind_lease, &lease_end,
                         &changes);
    code = tables_gone(store, durable_sqlite_write_end(store, &write, result));
    if (code == DUR_OK && changes == 0) return explain_fence(store, fence);
    return code;
}

/* The records that are joined to the host's transaction, and the claim behind them. */
static int confirm(durable_store *base, const durable_fence *fence)
{
    durable_sqlite *store = self(base);
    fence_look look;
    int code = confirm_provisional(store, fence);

    if (code == DUR_OK) code = look_at_fence(store, fence, &look);
    if (code != DUR_OK) return tables_gone(store, code);
    if (look.claimed && look.epoch == fence->epoch && look.token == fence->token) return DUR_OK;
    return explain_fence(store, fence);
}

/* ---- Steps --------------------------------------------------------------------------------- */

static int bind_outcome(sqlite3_stmt *statement, const durable_outcome *outcome)
{
    bool failed = outcome->outcome == DURABLE_OUTCOME_FAILURE;
    int result = durable_bind_text(statement, 6, outcome->name, outcome->name_length);

    if (result == SQLITE_OK) result = durable_bind_datum(statement, 8, &outcome->value);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 13, outcome->site);
    if (result != SQLITE_OK) return result;
    bind_fence(statement, outcome->fence);
    sqlite3_bind_int64(statement, 4, durable_step_key(outcome->fence->run, outcome->position));
    sqlite3_bind_int64(statement, 5, failed ? -outcome->kind : outcome->kind);
    durable_bind_format(statement, 7, outcome->value.format);
    sqlite3_bind_int64(statement, 9, outcome->low);
    sqlite3_bind_int64(statement, 10, outcome->attempt);
    sqlite3_bind_int64(statement, 11, outcome->began);
    return sqlite3_bind_int64(statement, 12, outcome->took);
}

/* The position is taken. Ours: a commit that was reported as failed and had survived. */
static int explain_conflict(durable_sqlite *store, durable_outcome *outcome)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_LOOK_AT_STEP);
    int64_t epoch = 0;
    int result;

    if (!statement) return store->head.error.sqlite_code;
    sqlite3_bind_int64(statement, 1, durable_step_key(outcome->fence->run, outcome->position));
    result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW) epoch = sqlite3_column_int64(statement, 0);
    else durable_sqlite_failed(store, result, "look at the position");
    durable_sqlite_rest(statement);
    if (result != SQLITE_ROW) return result == SQLITE_DONE ? SQLITE_CONSTRAINT : result;
    if (epoch == outcome->fence->epoch) return SQLITE_DONE;
    outcome->verdict = durable_error_set(&store->head.error, DUR_CORRUPT,
                                         "its row was written under epoch %lld, not by this owner"
                                         " (epoch %lld)",
                                         (long long)epoch, (long long)outcome->fence->epoch);
    return SQLITE_DONE;
}

static int renew_with_outcome(durable_sqlite *store, durable_write *write,
                              const durable_outcome *outcome)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_RENEW_LEASE);

    if (!statement) return store->head.error.sqlite_code;
    bind_fence(statement, outcome->fence);
    sqlite3_bind_int64(statement, 4, outcome->lease_end);
    return durable_sqlite_write_step(store, write, statement, NULL);
}

static int insert_outcome(durable_sqlite *store, durable_write *write, durable_outcome *outcome)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_APPEND);
    int result, changes = 0;

    if (!statement) return store->head.error.sqlite_code;
    result = bind_outcome(statement, outcome);
    if (result != SQLITE_OK) {
        durable_sqlite_rest(statement);
        durable_sqlite_failed(store, result, write->doing);
        return result;
    }
    result = durable_sqlite_write_step(store, write, statement, &changes);
    if (result == SQLITE_CONSTRAINT_PRIMARYKEY) return explain_conflict(store, outcome);
    if (result == SQLITE_DONE && changes == 0) {
        int verdict = explain_fence(store, outcome->fence);

        if (verdict != DUR_LOST && verdict != DUR_ROLLED_BACK)
            return store->head.error.sqlite_code;
        outcome->verdict = verdict;
    }
    return result;
}

/* Gives SQLite's result; where that is SQLITE_DONE the verdict is set. */
static int append_one(durable_sqlite *store, durable_write *write, durable_outcome *outcome)
{
    int result;

    outcome->verdict = confirm_provisional(store, outcome->fence);
    if (outcome->verdict == DUR_ROLLED_BACK) return SQLITE_DONE;
    if (outcome->verdict != DUR_OK) return store->head.error.sqlite_code;
    result = insert_outcome(store, write, outcome);
    if (result == SQLITE_DONE && outcome->verdict == DUR_OK && outcome->lease_end)
        result = renew_with_outcome(store, write, outcome);
    return result;
}

static int append_all(durable_sqlite *store, durable_write *write, durable_outcome *outcomes,
                      size_t count)
{
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    for (size_t i = 0; i < count && result == SQLITE_DONE; i++)
        result = append_one(store, write, &outcomes[i]);
    if (result == SQLITE_DONE) result = durable_sqlite_group_commit(store, write);
    if (result != SQLITE_DONE) durable_sqlite_group_rollback(store, write);
    return result;
}

static int append_outcomes(durable_store *base, durable_outcome *outcomes, size_t count)
{
    durable_sqlite *store = self(base);
    durable_write write;
    int result;
    int code = durable_sqlite_write_begin(store, &write, "record the step");

    if (code != DUR_OK) return code;
    if (count == 1 && !outcomes->lease_end)
        result = append_one(store, &write, outcomes);
    else
        result = append_all(store, &write, outcomes, count);
    code = tables_gone(store, durable_sqlite_write_end(store, &write, result));
    for (size_t i = 0; code == DUR_OK && i < count; i++)
        if (outcomes[i].verdict == DUR_OK)
            outcomes[i].fence->provisional = write.joined ? outcomes[i].position : 0;
    return code;
}

/* ---- History ------------------------------------------------------------------------------- */

/* What load_history() was asked for, and the row it is at. */
typedef struct step_range {
    int64_t last_key;
    int64_t limit; /* so many rows more */
    bool details;
    durable_step_visitor *visit;
    void *context;
    int64_t *position;
    durable_step_record record;
} step_range;

/* One row, which may lie behind the range. After the last one, or an error, the limit is 0. */
static int visit_step(durable_sqlite *store, sqlite3_stmt *statement, step_range *range)
{
    int64_t key = sqlite3_column_int64(statement, 0);
    bool ends = true;
    int code = DUR_OK;

    if (key <= range->last_key) {
        range->record.position = key & DUR_POSITION_MAX;
        if (range->position) *range->position = range->record.position;
        code = durable_read_step_row(store, statement, range->details, &range->record);
        ends = code != DUR_OK || range->visit(&range->record, range->context);
    }
    range->limit = ends ? 0 : range->limit - 1;
    return code;
}

static int load_history(durable_store *base, int64_t run, int64_t from, int64_t to, int64_t limit,
                        bool details, durable_step_visitor *visit, void *context, int64_t *position)
{
    durable_sqlite *store = self(base);
    step_range range;
    sqlite3_stmt *statement =
        durable_sqlite_statement(store, details ? DURABLE_SQL_LOAD_DETAILS : DURABLE_SQL_LOAD);
    int code = DUR_OK, result;

    if (!statement) return store->head.error.code;
    memset(&range, 0, sizeof range);
    range.last_key = durable_step_key(run, to);
    range.limit = limit;
    range.details = details;
    range.visit = visit;
    range.context = context;
    range.position = position;
    sqlite3_bind_int64(statement, 1, durable_step_key(run, from));
    result = durable_sqlite_read(store, statement);
    while (result == SQLITE_ROW && range.limit > 0) {
        code = visit_step(store, statement, &range);
        if (range.limit > 0) result = sqlite3_step(statement);
        if (result != SQLITE_ROW && result != SQLITE_DONE)
            result = sqlite3_extended_errcode(store->db);
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        code = durable_sqlite_failed(store, result, "read the run's history");
    durable_sqlite_rest(statement);
    return code;
}

static int summarize_history(durable_store *base, int64_t run, durable_history_summary *summary)
{
    durable_sqlite *store = self(base);
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_SUMMARIZE);
    int code, result;

    memset(summary, 0, sizeof *summary);
    if (!statement) return store->head.error.code;
    sqlite3_bind_int64(statement, 1, durable_step_key(run, 0));
    sqlite3_bind_int64(statement, 2, durable_step_key(run, DUR_POSITION_MAX));
    result = durable_sqlite_read(store, statement);
    code = result == SQLITE_ROW ? durable_read_summary_row(store, statement, summary)
                                : durable_sqlite_failed(store, result, "read the run's history");
    durable_sqlite_rest(statement);
    return code;
}

/* ---- Opening and closing ------------------------------------------------------------------- */

static void close_store(durable_store *base)
{
    durable_sqlite *store = self(base);

    for (int i = 0; i < DURABLE_SQL_COUNT; i++) sqlite3_finalize(store->statements[i]);
    durable_free(store->schema);
    durable_free(store);
}

static const durable_store_methods methods = {
    find_run,    create_run,      claim_run,    release_run,       end_run,
    renew_lease, confirm,         append_outcomes, load_history, summarize_history, close_store,
};

static int check_library(durable_sqlite *store)
{
    if (sqlite3_libversion_number() >= 3035000) return DUR_OK;
    return durable_error_set(&store->head.error, DUR_UNSUPPORTED,
                             "this program runs with SQLite %s, libdurable needs 3.35.0 or later",
                             sqlite3_libversion());
}

static int read_encoding(durable_sqlite *store)
{
    sqlite3_stmt *statement;
    int result = durable_sqlite_prepare(store, "PRAGMA encoding", &statement);

    if (result == SQLITE_OK) result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);

        store->utf8 = name && strcmp(name, "UTF-8") == 0;
        result = SQLITE_OK;
    }
    if (result != SQLITE_OK) durable_sqlite_failed(store, result, "open the log");
    sqlite3_finalize(statement);
    return result == SQLITE_OK ? DUR_OK : store->head.error.code;
}

DURABLE_INTERNAL int durable_sqlite_open(struct sqlite3 *db, const durable_sqlite_options *options,
                                         durable_store **out)
{
    durable_sqlite *store = durable_allocate(sizeof *store);
    const char *schema = options->schema ? options->schema : "main";
    int code;

    *out = NULL;
    if (!store) return DUR_NOMEM;
    store->schema = durable_copy_text(schema, strlen(schema));
    if (!store->schema) {
        durable_free(store);
        return DUR_NOMEM;
    }
    store->head.methods = &methods;
    store->db = db;
    store->clock = options->clock;
    store->busy_wait_ms = options->busy_wait_ms ? options->busy_wait_ms : DEFAULT_BUSY_WAIT_MS;
    *out = &store->head;
    code = check_library(store);
    if (code == DUR_OK) code = durable_sqlite_ensure_schema(store);
    if (code == DUR_OK) code = read_encoding(store);
    return code;
}
