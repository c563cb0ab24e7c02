/* store/sqlite: the verb that lists runs. */
#include "store/sqlite/schema.h"
#include "store/sqlite/verbs.h"

/* Rows that somebody has edited are not given to those who would trust them. */
static int read_listed(durable_sqlite *store, sqlite3_stmt *statement, durable_listed *listed)
{
    bool is_text = sqlite3_column_type(statement, 1) == SQLITE_TEXT &&
                   sqlite3_column_type(statement, 2) == SQLITE_TEXT;

    listed->run = sqlite3_column_int64(statement, 0);
    if (!is_text)
        return durable_error_set(&store->head.error, DUR_CORRUPT,
                                 "the run with the key %lld has an id or a workflow that is no"
                                 " text",
                                 (long long)listed->run);
    listed->id = (const char *)sqlite3_column_text(statement, 1);
    listed->workflow = (const char *)sqlite3_column_text(statement, 2);
    if (listed->id && listed->workflow) return DUR_OK;
    return durable_sqlite_failed(store, SQLITE_NOMEM, "list the runs");
}

DURABLE_INTERNAL int durable_sqlite_list_runs(durable_store *base, int64_t after, bool open,
                                              int64_t limit, durable_list_visitor *visit,
                                              void *context)
{
    durable_sqlite *store = durable_sqlite_of(base);
    int code = durable_sqlite_settle_schema(store), result;
    sqlite3_stmt *statement;
    durable_listed listed;
    bool ends = false;

    if (code != DUR_OK) return code;
    statement = durable_sqlite_statement(store, DURABLE_SQL_LIST_RUNS);
    if (!statement) return store->head.error.code;
    sqlite3_bind_int64(statement, 1, after);
    sqlite3_bind_int(statement, 2, open);
    sqlite3_bind_int64(statement, 3, limit);
    result = durable_sqlite_read(store, statement);
    while (result == SQLITE_ROW && code == DUR_OK && !ends) {
        code = read_listed(store, statement, &listed);
        ends = code == DUR_OK && visit(&listed, context);
        if (code == DUR_OK && !ends) result = sqlite3_step(statement);
        if (result != SQLITE_ROW && result != SQLITE_DONE)
            result = sqlite3_extended_errcode(store->db);
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        code = durable_sqlite_failed(store, result, "list the runs");
    durable_sqlite_rest(statement);
    return code;
}
