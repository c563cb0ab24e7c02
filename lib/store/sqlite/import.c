/*
 * store/sqlite: the verbs that put rows of another log into this one. The transaction around them
 * is that of a transactional step: a savepoint of the host's where it has one open; and other verbs
 * that write are refused meanwhile.
 */
#include "store/sqlite/import.h"

#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/verbs.h"

DURABLE_INTERNAL int durable_not_imported(durable_sqlite *store, const char *problem)
{
    return durable_error_set(&store->head.error, DUR_INVALID, "%s", problem);
}

DURABLE_INTERNAL bool durable_is_imported_value(const durable_datum *datum)
{
    bool is_type = datum->type >= DURABLE_DATUM_NULL && datum->type <= DURABLE_DATUM_BLOB;

    return is_type && datum->format >= 0 && datum->format != DURABLE_FORMAT_TIMED_OUT;
}

DURABLE_INTERNAL int durable_bind_imported_value(sqlite3_stmt *statement, int index,
                                                 const durable_datum *datum)
{
    durable_bind_format(statement, index, datum->format);
    return durable_bind_datum(statement, index + 1, datum);
}

DURABLE_INTERNAL void durable_bind_reference(sqlite3_stmt *statement, int index, int64_t integer)
{
    if (integer) sqlite3_bind_int64(statement, index, integer); /* a rested one holds nulls */
}

DURABLE_INTERNAL int durable_import_row(durable_sqlite *store, durable_write *write,
                                        sqlite3_stmt *statement, int result, const char *taken)
{
    int changes = 0;

    if (result != SQLITE_OK) {
        durable_sqlite_not_bound(store, write, statement, result);
        return store->head.error.code;
    }
    result = durable_sqlite_write_step(store, write, statement, &changes);
    if (result == SQLITE_CONSTRAINT_UNIQUE || result == SQLITE_CONSTRAINT_PRIMARYKEY ||
        result == SQLITE_CONSTRAINT_ROWID)
        return durable_not_imported(store, taken);
    if (result != SQLITE_DONE) return store->head.error.code;
    return changes ? DUR_OK : durable_sqlite_had_no_effect(store, write->doing);
}

/* ---- The verbs ----------------------------------------------------------------------------- */

static int read_next_key(durable_sqlite *store)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_IMPORT_KEY);
    int result;

    if (!statement) return store->head.error.code;
    result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW) store->import_first = sqlite3_column_int64(statement, 0);
    store->import_run = store->import_first - 1;
    if (result != SQLITE_ROW) durable_sqlite_failed(store, result, "import the log");
    durable_sqlite_rest(statement);
    return result == SQLITE_ROW ? DUR_OK : store->head.error.code;
}

/* Rolled back by SQLite, it is taken back as well; not what the host had done before it. */
static int take_back_import(durable_sqlite *store)
{
    bool is_gone = store->step_alone && sqlite3_get_autocommit(store->db);
    durable_error error;
    int code;

    durable_error_copy(&error, &store->head.error);
    code = durable_sqlite_end_step(store, false, "take the import back");
    if (is_gone) code = DUR_OK;
    if (code == DUR_OK) durable_error_copy(&store->head.error, &error);
    return code;
}

DURABLE_INTERNAL int durable_sqlite_begin_import(durable_store *base)
{
    durable_sqlite *store = durable_sqlite_of(base);
    int code = durable_sqlite_settle_schema(store);

    if (code == DUR_OK && !store->in_step) code = durable_sqlite_commit_shared(base);
    if (code == DUR_OK) code = durable_sqlite_begin_transaction(base, 0, true);
    if (code != DUR_OK) return code;
    store->import_failed = false;
    code = read_next_key(store);
    store->importing = code == DUR_OK;
    if (code != DUR_OK) take_back_import(store);
    return code;
}

DURABLE_INTERNAL int durable_sqlite_end_import(durable_store *base, bool keep)
{
    durable_sqlite *store = durable_sqlite_of(base);
    bool failed = store->import_failed;
    int code;

    if (!store->importing) return DUR_OK;
    store->importing = false;
    if (keep && !failed) return durable_sqlite_end_step(store, true, "commit the import");
    code = take_back_import(store);
    if (!keep || code != DUR_OK) return code;
    return durable_error_set(&store->head.error, DUR_MISUSE,
                             "a row was refused: all of the import was taken back");
}

static int put_one(durable_sqlite *store, durable_write *write, const durable_row *row)
{
    if (row->type == DURABLE_ROW_QUEUE) return durable_import_queue(store, write, &row->of.queue);
    if (row->type == DURABLE_ROW_RUN) return durable_import_run(store, write, &row->of.run);
    if (store->import_run < store->import_first)
        return durable_not_imported(store, "no run comes before it");
    if (row->type == DURABLE_ROW_STEP) return durable_import_step(store, write, &row->of.step);
    if (row->type == DURABLE_ROW_PENDING)
        return durable_import_pending(store, write, &row->of.pending);
    if (row->type == DURABLE_ROW_SIGNAL)
        return durable_import_signal(store, write, &row->of.signal);
    return durable_not_imported(store, "the row is of no kind");
}

static int refuse_row(durable_sqlite *store)
{
    return durable_error_set(&store->head.error, DUR_MISUSE,
                             store->importing ? "a row before was refused: take the import back"
                                              : "no import has begun");
}

/* Where SQLite has rolled the transaction back by itself, rows would be committed one by one. */
DURABLE_INTERNAL int durable_sqlite_put_row(durable_store *base, const durable_row *row)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write = {.doing = "import the log", .joined = true};
    int code;

    if (!store->importing || store->import_failed) return refuse_row(store);
    write.host_rowid = sqlite3_last_insert_rowid(store->db);
    if (sqlite3_get_autocommit(store->db))
        code = durable_error_set(&store->head.error, DUR_ROLLED_BACK,
                                 "the transaction of the import was rolled back");
    else
        code = put_one(store, &write, row);
    sqlite3_set_last_insert_rowid(store->db, write.host_rowid);
    store->import_failed = code != DUR_OK;
    return code;
}
