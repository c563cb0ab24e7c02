/* store/sqlite: the verbs about runs: finding, starting, claiming, leaving. */
#include "store/sqlite/verbs.h"

#include "store/sqlite/fence.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"

static int settle_schema(durable_sqlite *store)
{
    return store->schema_provisional ? durable_sqlite_ensure_schema(store) : DUR_OK;
}

DURABLE_INTERNAL int durable_sqlite_find_run(durable_store *base, const char *id,
                                             durable_run_visitor *visit, void *context)
{
    durable_sqlite *store = durable_sqlite_of(base);
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
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
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
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
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
    durable_claim claim = {0, 0, new_run->token, new_run->owner, new_run->token, new_run->lease_end,
                           1};
    int changes = 0;
    int result = insert_run(store, write, new_run, &claim.run);

    if (result == SQLITE_DONE && claim.run)
        result = step_claim(store, write, DURABLE_SQL_TAKE_CLAIM, &claim, &changes);
    if (result == SQLITE_DONE && claim.run && !changes) claim.run = 0;
    set_fence(fence, &claim, write);
    return result;
}

DURABLE_INTERNAL int durable_sqlite_create_run(durable_store *base, const durable_new_run *new_run,
                                               bool *created, durable_fence *fence)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    int result;
    int code = durable_sqlite_write_begin(store, &write, "start the run");

    *created = false;
    if (code != DUR_OK) return code;
    result = durable_sqlite_group_begin(store, &write);
    if (result == SQLITE_DONE) {
        result = insert_claimed(store, &write, new_run, fence);
        result = durable_sqlite_group_end(store, &write, result);
    }
    code = durable_sqlite_write_end(store, &write, result);
    if (code == DUR_DATABASE && result == SQLITE_CONSTRAINT_UNIQUE) return DUR_OK;
    if (code == DUR_OK && fence->run == 0)
        return durable_error_set(&store->head.error, DUR_CORRUPT,
                                 "the run was not started: no free key is left (the largest one was"
                                 " edited in), or an authorizer of the host ignores our inserts");
    *created = code == DUR_OK;
    return code;
}

/* A run that nobody holds has no claim's row yet; the one that its dead or late owner left behind
 * is taken over. Each is a single statement. */
DURABLE_INTERNAL int durable_sqlite_claim_run(durable_store *base, const durable_claim *claim,
                                              bool *claimed, durable_fence *fence)
{
    durable_sqlite *store = durable_sqlite_of(base);
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

/* ---- Leaving a run ---------------------------------------------------------------------- */

/* Binds what a fenced statement wants beside the fence; gives SQLite's result. */
typedef int bind_fn(sqlite3_stmt *statement, const void *context);

static int fenced_step(durable_sqlite *store, durable_write *write, durable_statement which,
                       const durable_fence *fence, bind_fn *bind, const void *context, int *changes)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, which);
    int result;

    *changes = 0;
    if (!statement) return store->head.error.sqlite_code;
    durable_bind_fence(statement, fence);
    result = bind ? bind(statement, context) : SQLITE_OK;
    if (result == SQLITE_OK) return durable_sqlite_write_step(store, write, statement, changes);
    return durable_sqlite_not_bound(store, write, statement, result);
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
    return durable_sqlite_group_end(store, write, result);
}

/* The claim is ours no more: was this very act done before, and only its answer lost? */
static int explain_leaving(durable_sqlite *store, const durable_fence *fence, int64_t status)
{
    durable_fence_look look;
    int code = durable_sqlite_look_at_fence(store, fence, &look);

    if (code != DUR_OK) return code;
    if (durable_fence_is_given_back(&look, fence) && look.status == status) return DUR_OK;
    return durable_sqlite_explain_fence(store, fence);
}

static int leave_run(durable_sqlite *store, durable_statement which, durable_fence *fence,
                     bind_fn *bind, const void *context, int64_t status, const char *doing)
{
    durable_write write;
    int result, changes = 0;
    int code = durable_sqlite_write_begin(store, &write, doing);

    if (code == DUR_OK)
        code = durable_sqlite_tables_gone(store, durable_sqlite_confirm(store, fence));
    if (code != DUR_OK) return code;
    result = leave_in_group(store, &write, which, fence, bind, context, &changes);
    code = durable_sqlite_tables_gone(store, durable_sqlite_write_end(store, &write, result));
    if (code == DUR_OK && changes == 0) return explain_leaving(store, fence, status);
    return code;
}

DURABLE_INTERNAL int durable_sqlite_release_run(durable_store *base, durable_fence *fence)
{
    return leave_run(durable_sqlite_of(base), DURABLE_SQL_RELEASE_RUN, fence, NULL, NULL,
                     DURABLE_RUNNING, "release the run");
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

DURABLE_INTERNAL int durable_sqlite_end_run(durable_store *base, durable_fence *fence,
                                            const durable_ending *ending)
{
    return leave_run(durable_sqlite_of(base), DURABLE_SQL_END_RUN, fence, bind_ending, ending,
                     ending->status,
                     ending->status == DURABLE_PARKED ? "park the run" : "end the run");
}

static int bind_lease(sqlite3_stmt *statement, const void *context)
{
    return sqlite3_bind_int64(statement, 4, *(const int64_t *)context);
}

DURABLE_INTERNAL int durable_sqlite_renew_lease(durable_store *base, durable_fence *fence,
                                                int64_t lease_end)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    int result, changes = 0;
    int code = durable_sqlite_write_begin(store, &write, "renew the lease");

    if (code == DUR_OK)
        code = durable_sqlite_tables_gone(store, durable_sqlite_confirm(store, fence));
    if (code != DUR_OK) return code;
    result = fenced_step(store, &write, DURABLE_SQL_RENEW_LEASE, fence, bind_lease, &lease_end,
                         &changes);
    code = durable_sqlite_tables_gone(store, durable_sqlite_write_end(store, &write, result));
    if (code == DUR_OK && changes == 0) return durable_sqlite_explain_fence(store, fence);
    if (code == DUR_OK && write.joined && !fence->provisional) fence->provisional = -1;
    return code;
}

/* The records that are joined to the host's transaction, and the claim behind them. */
DURABLE_INTERNAL int durable_sqlite_confirm_run(durable_store *base, const durable_fence *fence)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_fence_look look;
    int code = durable_sqlite_confirm(store, fence);

    if (code == DUR_OK) code = durable_sqlite_look_at_fence(store, fence, &look);
    if (code != DUR_OK) return durable_sqlite_tables_gone(store, code);
    if (look.claimed && look.epoch == fence->epoch && look.token == fence->token) return DUR_OK;
    return durable_sqlite_explain_fence(store, fence);
}
