/* store/sqlite: the verbs by which somebody asks something of a run that others own. */
#include "store/sqlite/fence.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/verbs.h"

/* A statement about the run of an id, with a number or two behind it. */
static int step_by_id(durable_sqlite *store, durable_write *write, durable_statement which,
                      const char *run_id, int64_t number, int *changes)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, which);
    int result;

    if (!statement) return store->head.error.sqlite_code;
    result = durable_bind_string(statement, 1, run_id);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    sqlite3_bind_int64(statement, 2, number);
    return durable_sqlite_write_step(store, write, statement, changes);
}

static int begin_request(durable_sqlite *store, durable_write *write, const char *doing)
{
    int code = durable_sqlite_settle_schema(store);

    return code == DUR_OK ? durable_sqlite_write_begin(store, write, doing) : code;
}

typedef struct request_look {
    bool there;
    int64_t status;
    bool asked; /* it was asked before */
} request_look;

static int look_at_request(durable_sqlite *store, const char *run_id, request_look *look)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_LOOK_AT_REQUEST);
    int result;

    memset(look, 0, sizeof *look);
    if (!statement) return store->head.error.code;
    result = durable_bind_string(statement, 1, run_id);
    if (result == SQLITE_OK) result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW) {
        look->there = true;
        look->status = sqlite3_column_int64(statement, 0);
        look->asked = sqlite3_column_int64(statement, 1) != 0;
    } else if (result != SQLITE_DONE) {
        durable_sqlite_failed(store, result, "look the run up");
    }
    durable_sqlite_rest(statement);
    return result == SQLITE_ROW || result == SQLITE_DONE ? DUR_OK : store->head.error.code;
}

static bool is_over(int64_t status)
{
    return status != DURABLE_RUNNING && status != DURABLE_PARKED && status != DURABLE_SUSPENDED;
}

/* ---- Asking a run to end ------------------------------------------------------------------- */

static int cancel_in_group(durable_sqlite *store, durable_write *write, const char *run_id,
                           int64_t now, int *changes)
{
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    result = step_by_id(store, write, DURABLE_SQL_CANCEL_RUN, run_id, now, changes);
    if (result == SQLITE_DONE && *changes)
        result = step_by_id(store, write, DURABLE_SQL_RESUME_ROOT, run_id, now, NULL);
    return durable_sqlite_group_end(store, write, result);
}

static int explain_cancel(durable_sqlite *store, const char *run_id)
{
    request_look look;
    int code = look_at_request(store, run_id, &look);

    if (code != DUR_OK) return code;
    if (!look.there)
        return durable_error_set(&store->head.error, DUR_NOT_FOUND, "there is no such run");
    if (is_over(look.status))
        return durable_error_set(&store->head.error, DUR_ENDED, "the run has ended");
    return look.asked ? DUR_REPLAYED : durable_sqlite_had_no_effect(store, "ask the run to end");
}

DURABLE_INTERNAL int durable_sqlite_cancel_run(durable_store *base, const char *run_id,
                                               int64_t now)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    int result, changes = 0;
    int code = begin_request(store, &write, "ask the run to end");

    if (code != DUR_OK) return code;
    result = cancel_in_group(store, &write, run_id, now, &changes);
    code = durable_sqlite_tables_gone(store, durable_sqlite_write_end(store, &write, result));
    return code == DUR_OK && changes == 0 ? explain_cancel(store, run_id) : code;
}

/* ---- Answering a doubt --------------------------------------------------------------------- */

static int write_resolution(durable_sqlite *store, durable_write *write, const char *run_id,
                            const durable_resolution *resolution, int *changes)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_RESOLVE_STEP);
    int result;

    if (!statement) return store->head.error.sqlite_code;
    result = durable_bind_string(statement, 1, run_id);
    if (result == SQLITE_OK) result = durable_bind_datum(statement, 5, &resolution->value);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 6, resolution->failure);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    sqlite3_bind_int64(statement, 2, resolution->position);
    sqlite3_bind_int(statement, 3, resolution->intent);
    durable_bind_format(statement, 4, resolution->value.format);
    return durable_sqlite_write_step(store, write, statement, changes);
}

static int resolve_in_group(durable_sqlite *store, durable_write *write, const char *run_id,
                            const durable_resolution *resolution, int *changes)
{
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    result = write_resolution(store, write, run_id, resolution, changes);
    if (result == SQLITE_DONE && *changes)
        result = step_by_id(store, write, DURABLE_SQL_RESUME_ROOT, run_id, resolution->now, NULL);
    if (result == SQLITE_DONE && *changes)
        result = step_by_id(store, write, DURABLE_SQL_RESUME_RUN, run_id, resolution->now, NULL);
    return durable_sqlite_group_end(store, write, result);
}

static int explain_resolution(durable_sqlite *store, const char *run_id)
{
    request_look look;
    int code = look_at_request(store, run_id, &look);

    if (code != DUR_OK) return code;
    if (!look.there)
        return durable_error_set(&store->head.error, DUR_NOT_FOUND, "there is no such run");
    return durable_error_set(&store->head.error, DUR_ENDED,
                             "it has no step in doubt at that position, or is not parked");
}

DURABLE_INTERNAL int durable_sqlite_resolve_step(durable_store *base, const char *run_id,
                                                 const durable_resolution *resolution)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    int result, changes = 0;
    int code = begin_request(store, &write, "answer for the step");

    if (code != DUR_OK) return code;
    result = resolve_in_group(store, &write, run_id, resolution, &changes);
    code = durable_sqlite_tables_gone(store, durable_sqlite_write_end(store, &write, result));
    return code == DUR_OK && changes == 0 ? explain_resolution(store, run_id) : code;
}

/* ---- Below a run --------------------------------------------------------------------------- */

DURABLE_INTERNAL int durable_sqlite_earliest_due(durable_store *base, int64_t run, int64_t *due)
{
    durable_sqlite *store = durable_sqlite_of(base);
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_EARLIEST_DUE);
    int result;

    *due = DURABLE_NEVER;
    if (!statement) return store->head.error.code;
    sqlite3_bind_int64(statement, 1, run);
    result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_INTEGER)
        *due = sqlite3_column_int64(statement, 0);
    else if (result != SQLITE_ROW && result != SQLITE_DONE)
        durable_sqlite_failed(store, result, "look what is due below the run");
    durable_sqlite_rest(statement);
    return result == SQLITE_ROW || result == SQLITE_DONE ? DUR_OK : store->head.error.code;
}
