/* store/sqlite: the verbs about what positions without an outcome remember. */
#include "store/sqlite/pending.h"

#include "store/sqlite/fence.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/verbs.h"

typedef struct pending_row {
    int64_t run;
    const durable_pending *pending;
} pending_row;

static int bind_pending(sqlite3_stmt *statement, const void *context)
{
    const pending_row *row = context;
    const durable_pending *pending = row->pending;
    int result = durable_bind_text(statement, 6, pending->name, pending->name_length);

    if (result == SQLITE_OK) result = durable_bind_datum(statement, 14, &pending->details);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 15, pending->failure);
    if (result != SQLITE_OK) return result;
    sqlite3_bind_int64(statement, 4, durable_step_key(row->run, pending->position));
    sqlite3_bind_int(statement, 5, pending->kind);
    sqlite3_bind_int64(statement, 7, pending->attempt);
    sqlite3_bind_int64(statement, 8, pending->began);
    durable_bind_time(statement, 9, pending->due);
    durable_bind_time(statement, 10, pending->deadline);
    sqlite3_bind_int64(statement, 11, pending->interval);
    sqlite3_bind_int64(statement, 12, pending->choice);
    sqlite3_bind_int(statement, 16, pending->intent);
    return durable_bind_format(statement, 13, pending->details.format);
}

DURABLE_INTERNAL int durable_sqlite_write_pending(durable_sqlite *store, durable_write *write,
                                                  const durable_fence *fence,
                                                  const durable_pending *pending, int *changes)
{
    const pending_row row = {fence->run, pending};

    return durable_sqlite_fenced_step(store, write, DURABLE_SQL_PUT_PENDING, fence, bind_pending,
                                      &row, changes);
}

DURABLE_INTERNAL int durable_sqlite_drop_pending(durable_sqlite *store, durable_write *write,
                                                 int64_t run, int64_t from, int64_t to)
{
    const int64_t keys[2] = {durable_step_key(run, from), durable_step_key(run, to)};

    return durable_sqlite_step_integers(store, write, DURABLE_SQL_DROP_PENDING, keys, 2, NULL);
}

static int put_and_renew(durable_sqlite *store, durable_write *write, const durable_fence *fence,
                         const durable_pending *pending, int64_t lease_end, int *changes)
{
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    result = durable_sqlite_write_pending(store, write, fence, pending, changes);
    if (result == SQLITE_DONE && *changes)
        result = durable_sqlite_renew_step(store, write, fence, lease_end, changes);
    return durable_sqlite_group_end(store, write, result);
}

DURABLE_INTERNAL int durable_sqlite_put_pending(durable_store *base, durable_fence *fence,
                                                const durable_pending *pending, int64_t lease_end)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    int result, changes = 0;
    int code = durable_sqlite_fenced_begin(store, &write, fence, "remember the step's state");

    if (code != DUR_OK) return code;
    result = lease_end ? put_and_renew(store, &write, fence, pending, lease_end, &changes)
                       : durable_sqlite_write_pending(store, &write, fence, pending, &changes);
    code = durable_sqlite_tables_gone(store, durable_sqlite_write_end(store, &write, result));
    if (code == DUR_OK && changes == 0) return durable_sqlite_explain_fence(store, fence);
    if (code == DUR_OK && write.joined && !fence->provisional) fence->provisional = -1;
    return code;
}

/* One row. *ends is set after the last one that is wanted. */
static int visit_pending(durable_sqlite *store, sqlite3_stmt *statement,
                         durable_pending_visitor *visit, void *context, int64_t *position,
                         bool *ends)
{
    durable_pending pending;
    int code;

    memset(&pending, 0, sizeof pending);
    pending.position = sqlite3_column_int64(statement, 0) & DUR_POSITION_MAX;
    if (position) *position = pending.position;
    code = durable_read_pending_row(store, statement, &pending);
    *ends = code != DUR_OK || visit(&pending, context);
    return code;
}

DURABLE_INTERNAL int durable_sqlite_load_pending(durable_store *base, int64_t run,
                                                 durable_pending_visitor *visit, void *context,
                                                 int64_t *position)
{
    durable_sqlite *store = durable_sqlite_of(base);
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_LOAD_PENDING);
    int code = DUR_OK, result;
    bool ends = false;

    if (!statement) return store->head.error.code;
    sqlite3_bind_int64(statement, 1, durable_step_key(run, 0));
    sqlite3_bind_int64(statement, 2, durable_step_key(run, DUR_POSITION_MAX));
    result = durable_sqlite_read(store, statement);
    while (result == SQLITE_ROW && !ends) {
        code = visit_pending(store, statement, visit, context, position, &ends);
        if (!ends) result = sqlite3_step(statement);
        if (result != SQLITE_ROW && result != SQLITE_DONE)
            result = sqlite3_extended_errcode(store->db);
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        code = durable_sqlite_failed(store, result, "read what the run waits for");
    durable_sqlite_rest(statement);
    return code;
}
