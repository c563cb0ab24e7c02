/* store/sqlite: the verbs about steps: appending outcomes, reading the history. */
#include "store/sqlite/verbs.h"

#include "store/sqlite/fence.h"
#include "store/sqlite/pending.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/signals.h"

static int format_of_outcome(const durable_outcome *outcome)
{
    if (outcome->outcome == DURABLE_OUTCOME_TIMED_OUT) return DURABLE_FORMAT_TIMED_OUT;
    return outcome->value.format;
}

static int bind_outcome(sqlite3_stmt *statement, const durable_outcome *outcome, int format)
{
    bool failed = outcome->outcome == DURABLE_OUTCOME_FAILURE;
    int result = durable_bind_text(statement, 6, outcome->name, outcome->name_length);

    if (result == SQLITE_OK) result = durable_bind_datum(statement, 8, &outcome->value);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 13, outcome->site);
    if (result != SQLITE_OK) return result;
    durable_bind_fence(statement, outcome->fence);
    sqlite3_bind_int64(statement, 4, durable_step_key(outcome->fence->run, outcome->position));
    sqlite3_bind_int64(statement, 5, failed ? -outcome->kind : outcome->kind);
    durable_bind_format(statement, 7, format);
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
    if (result == SQLITE_ROW)
        epoch = sqlite3_column_int64(statement, 0);
    else
        durable_sqlite_failed(store, result, "look at the position");
    durable_sqlite_rest(statement);
    if (result != SQLITE_ROW) return result == SQLITE_DONE ? SQLITE_CONSTRAINT : result;
    if (epoch == outcome->fence->epoch) return SQLITE_DONE;
    outcome->verdict = durable_error_set(&store->head.error, DUR_CORRUPT,
                                         "its row was written under epoch %lld, not by this owner"
                                         " (epoch %lld)",
                                         (long long)epoch, (long long)outcome->fence->epoch);
    return SQLITE_DONE;
}

static inline sqlite3_stmt *append_statement(durable_sqlite *store, const durable_outcome *outcome)
{
    sqlite3_stmt *statement;

    if (!outcome->fingerprint) return durable_sqlite_statement(store, DURABLE_SQL_APPEND);
    statement = durable_sqlite_statement(store, DURABLE_SQL_APPEND_FINGERPRINTED);
    if (statement) sqlite3_bind_int64(statement, 14, (int64_t)outcome->fingerprint);
    return statement;
}

/* *inserted is 0 where the row was there already, and where the verdict is not DUR_OK. */
static int insert_outcome(durable_sqlite *store, durable_write *write, durable_outcome *outcome,
                          int *inserted)
{
    /* Name, value and call site; a format, where there is one, is bound only then. */
    static const int unbound[] = {6, 8, 13, 7};
    sqlite3_stmt *statement = append_statement(store, outcome);
    int format = format_of_outcome(outcome);
    int result;

    *inserted = 0;
    if (!statement) return store->head.error.sqlite_code;
    result = bind_outcome(statement, outcome, format);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    result = durable_sqlite_write_step_unbinding(store, write, statement, inserted, unbound,
                                                 format ? 4 : 3);
    if (result == SQLITE_CONSTRAINT_PRIMARYKEY) return explain_conflict(store, outcome);
    if (result == SQLITE_DONE && *inserted == 0) {
        int verdict = durable_sqlite_explain_fence(store, outcome->fence);

        if (verdict != DUR_LOST && verdict != DUR_ROLLED_BACK) return store->head.error.sqlite_code;
        outcome->verdict = verdict;
    }
    return result;
}

/* More than one row's insert: then it takes a group. */
static inline bool has_more(const durable_outcome *outcome)
{
    return (outcome->lease_end | outcome->takes_signal | outcome->clears_pending) != 0 ||
           outcome->unless_signal;
}

/* What belongs to the row; an insert that was there already did it then, but for the lease. */
static int append_more(durable_sqlite *store, durable_write *write, const durable_outcome *outcome,
                       int inserted)
{
    int64_t run = outcome->fence->run, position = outcome->position;
    int renewed = 0, result = SQLITE_DONE;

    if (outcome->lease_end)
        result = durable_sqlite_renew_step(store, write, outcome->fence, outcome->lease_end,
                                           &renewed);
    if (result == SQLITE_DONE && inserted && outcome->takes_signal)
        result = durable_sqlite_take_signal(store, write, run, outcome->takes_signal, position);
    if (result == SQLITE_DONE && inserted && outcome->clears_pending)
        result = durable_sqlite_drop_pending(store, write, run, position, position);
    return result;
}

/* Looked for when the lock is held, which the insert took; the row is taken back where the signal
 * is there. */
static int keep_unless_sent(durable_sqlite *store, durable_write *write, durable_outcome *outcome)
{
    int64_t run = outcome->fence->run, key = durable_step_key(run, outcome->position);
    bool sent;
    int result = durable_sqlite_is_sent(store, run, outcome->unless_signal, &sent);

    if (result != SQLITE_DONE || !sent) return result;
    outcome->verdict = durable_error_set(&store->head.error, DUR_CONFLICT,
                                         "what was waited for has come meanwhile");
    return durable_sqlite_step_integers(store, write, DURABLE_SQL_TAKE_BACK, &key, 1, NULL);
}

/* Gives SQLite's result; where that is SQLITE_DONE the verdict is set. */
static int append_one(durable_sqlite *store, durable_write *write, durable_outcome *outcome)
{
    int result, inserted;

    if (outcome->verdict != DUR_OK) return SQLITE_DONE;
    result = insert_outcome(store, write, outcome, &inserted);
    if (!has_more(outcome)) return result;
    if (outcome->unless_signal && result == SQLITE_DONE && inserted)
        result = keep_unless_sent(store, write, outcome);
    if (result == SQLITE_DONE && outcome->verdict == DUR_OK)
        result = append_more(store, write, outcome, inserted);
    return result;
}

/* The outcome of most steps: one statement, no group. */
static inline int append_alone(durable_sqlite *store, durable_write *write,
                               durable_outcome *outcome)
{
    int inserted;

    if (outcome->verdict != DUR_OK) return SQLITE_DONE;
    return insert_outcome(store, write, outcome, &inserted);
}

/* Before anything is written, and before a transaction of our own begins: that has to begin with a
 * write. */
static int confirm_all(durable_sqlite *store, durable_outcome *outcomes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        outcomes[i].verdict = DUR_OK;
        if (outcomes[i].fence->provisional <= 0) continue;
        outcomes[i].verdict = durable_sqlite_confirm(store, outcomes[i].fence);
        if (outcomes[i].verdict != DUR_OK && outcomes[i].verdict != DUR_ROLLED_BACK)
            return durable_sqlite_tables_gone(store, outcomes[i].verdict);
    }
    return DUR_OK;
}

static int append_all(durable_sqlite *store, durable_write *write, durable_outcome *outcomes,
                      size_t count)
{
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    for (size_t i = 0; i < count && result == SQLITE_DONE; i++)
        result = append_one(store, write, &outcomes[i]);
    return durable_sqlite_group_end(store, write, result);
}

/* The commit that steps share has failed: what the body did meanwhile with SQL went with it. */
static int taken_back_with_shared(durable_sqlite *store)
{
    durable_error_prefix(&store->head.error, "what was done in their transaction is gone, too: ");
    return store->head.error.code = DUR_ROLLED_BACK;
}

/* While a step's transaction is open, only its own outcome is admitted: the commit that it is part
 * of is the step's, or still to come. What it stands on was confirmed before the body. */
static int admit(durable_sqlite *store, durable_write *write, durable_outcome *outcomes,
                 size_t count, int code)
{
    if (write->joined && sqlite3_get_autocommit(store->db)) return taken_back_with_shared(store);
    if (!store->in_step || store->importing || count != 1 || !outcomes->in_transaction)
        return code;
    outcomes->joined = !store->step_alone;
    outcomes->verdict = DUR_OK;
    return durable_sqlite_leave_body(store, write);
}

DURABLE_INTERNAL int durable_sqlite_append_outcomes(durable_store *base, durable_outcome *outcomes,
                                                    size_t count)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    int result;
    int code = durable_sqlite_write_begin(store, &write, "record the step");

    for (size_t i = 0; i < count; i++) outcomes[i].joined = write.joined;
    code = code == DUR_OK ? confirm_all(store, outcomes, count)
                          : admit(store, &write, outcomes, count, code);
    if (code != DUR_OK) return code;
    if (count == 1 && !has_more(outcomes))
        result = append_alone(store, &write, outcomes);
    else
        result = append_all(store, &write, outcomes, count);
    code = durable_sqlite_tables_gone(store, durable_sqlite_write_end(store, &write, result));
    for (size_t i = 0; code == DUR_OK && i < count; i++)
        if (outcomes[i].verdict == DUR_OK)
            outcomes[i].fence->provisional = outcomes[i].joined ? outcomes[i].position : 0;
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

DURABLE_INTERNAL int durable_sqlite_load_history(durable_store *base, int64_t run, int64_t from,
                                                 int64_t to, int64_t limit, bool details,
                                                 durable_step_visitor *visit, void *context,
                                                 int64_t *position)
{
    durable_sqlite *store = durable_sqlite_of(base);
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

DURABLE_INTERNAL int durable_sqlite_summarize_history(durable_store *base, int64_t run,
                                                      durable_history_summary *summary)
{
    durable_sqlite *store = durable_sqlite_of(base);
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
