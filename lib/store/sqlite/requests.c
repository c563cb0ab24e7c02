/* store/sqlite: the verbs by which somebody asks something of a run that others own. */
#include "store/sqlite/requests.h"

#include "base/text.h"
#include "store/sqlite/fence.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/verbs.h"

DURABLE_INTERNAL int durable_sqlite_step_by_id(durable_sqlite *store, durable_write *write,
                                              durable_statement which, const char *run_id,
                                              int64_t number, int *changes)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, which);
    int result;

    if (!statement) return store->head.error.sqlite_code;
    result = durable_bind_string(statement, 1, run_id);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    sqlite3_bind_int64(statement, 2, number);
    return durable_sqlite_write_step(store, write, statement, changes);
}

DURABLE_INTERNAL int durable_sqlite_request_begin(durable_sqlite *store, durable_write *write,
                                                 const char *doing)
{
    int code = durable_sqlite_settle_schema(store);

    return code == DUR_OK ? durable_sqlite_write_begin(store, write, doing) : code;
}

DURABLE_INTERNAL int durable_sqlite_look_by_id(durable_sqlite *store, durable_statement which,
                                               const char *run_id, durable_row_reader *read,
                                               void *context)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, which);
    int result;

    if (!statement) return store->head.error.sqlite_code;
    result = durable_bind_string(statement, 1, run_id);
    if (result == SQLITE_OK) result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW)
        read(statement, context);
    else if (result != SQLITE_DONE)
        durable_sqlite_failed(store, result, "look the run up");
    durable_sqlite_rest(statement);
    return result == SQLITE_ROW ? SQLITE_DONE : result;
}

static void read_look(sqlite3_stmt *statement, void *context)
{
    const unsigned char *part_of = sqlite3_column_text(statement, 4);
    durable_request_look *look = context;

    look->there = true;
    look->status = sqlite3_column_int64(statement, 0);
    look->request = sqlite3_column_int64(statement, 1);
    look->run = sqlite3_column_int64(statement, 2);
    look->called = sqlite3_column_int(statement, 3) != 0;
    durable_print(look->part_of, sizeof look->part_of, "%s",
                  part_of ? (const char *)part_of : "(it was deleted)");
}

DURABLE_INTERNAL int durable_sqlite_look_at_request(durable_sqlite *store, const char *run_id,
                                                   durable_request_look *look)
{
    memset(look, 0, sizeof *look);
    return durable_sqlite_look_by_id(store, DURABLE_SQL_LOOK_AT_REQUEST, run_id, read_look, look);
}

/* Outside a group. */
static int look_at_request(durable_sqlite *store, const char *run_id, durable_request_look *look)
{
    int result = durable_sqlite_look_at_request(store, run_id, look);

    return result == SQLITE_DONE ? DUR_OK : store->head.error.code;
}

DURABLE_INTERNAL int durable_sqlite_refuse_called(durable_sqlite *store, const char *part_of)
{
    return durable_error_set(&store->head.error, DUR_CONFLICT,
                             "it is a child that its parent calls, a part of the run \"%s\": ask"
                             " that of the whole",
                             part_of);
}

/* ---- Asking a run to end ------------------------------------------------------------------- */

static int cancel_in_group(durable_sqlite *store, durable_write *write, const char *run_id,
                           int64_t now, int *changes)
{
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    result = durable_sqlite_step_by_id(store, write, DURABLE_SQL_CANCEL_RUN, run_id, now, changes);
    if (result == SQLITE_DONE && *changes)
        result = durable_sqlite_step_by_id(store, write, DURABLE_SQL_RESUME_ROOT, run_id, now,
                                           NULL);
    return durable_sqlite_group_end(store, write, result);
}

static int explain_cancel(durable_sqlite *store, const char *run_id)
{
    durable_request_look look;
    int code = look_at_request(store, run_id, &look);

    if (code != DUR_OK) return code;
    if (!look.there)
        return durable_error_set(&store->head.error, DUR_NOT_FOUND, "there is no such run");
    if (durable_status_has_ended(look.status))
        return durable_error_set(&store->head.error, DUR_ENDED, "the run has ended");
    return look.request & DURABLE_REQUEST_END
               ? DUR_REPLAYED
               : durable_sqlite_had_no_effect(store, "ask the run to end");
}

DURABLE_INTERNAL int durable_sqlite_cancel_run(durable_store *base, const char *run_id,
                                               int64_t now)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    int result, changes = 0;
    int code = durable_sqlite_request_begin(store, &write, "ask the run to end");

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

/* The run and its root are to be taken up. */
static int resume(durable_sqlite *store, durable_write *write, const char *run_id, int64_t now)
{
    int result =
        durable_sqlite_step_by_id(store, write, DURABLE_SQL_RESUME_ROOT, run_id, now, NULL);

    if (result != SQLITE_DONE) return result;
    return durable_sqlite_step_by_id(store, write, DURABLE_SQL_RESUME_RUN, run_id, now, NULL);
}

static int resolve_in_group(durable_sqlite *store, durable_write *write, const char *run_id,
                            const durable_resolution *resolution, int *changes)
{
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    result = write_resolution(store, write, run_id, resolution, changes);
    if (result == SQLITE_DONE && *changes) result = resume(store, write, run_id, resolution->now);
    return durable_sqlite_group_end(store, write, result);
}

static int explain_resolution(durable_sqlite *store, const char *run_id)
{
    durable_request_look look;
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
    int code = durable_sqlite_request_begin(store, &write, "answer for the step");

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
