/* store/sqlite: opening and closing. */
#include "store/sqlite/sqlite_store.h"

#include "store/sqlite/schema.h"
#include "store/sqlite/verbs.h"

#define DEFAULT_BUSY_WAIT_MS 5000

static void close_store(durable_store *base)
{
    durable_sqlite *store = durable_sqlite_of(base);

    durable_sqlite_end_import(base, false);
    durable_sqlite_end_transaction(base, false);
    durable_sqlite_commit_shared(base);
    durable_sqlite_forget_statements(store);
    if (store->owns_db) sqlite3_close(store->db);
    durable_free(store->schema);
    durable_free(store);
}

/* The one number counts the commits of others, the other one our own changes. */
static int read_version(durable_store *base, int64_t *version)
{
    durable_sqlite *store = durable_sqlite_of(base);
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_READ_VERSION);
    int result;

    *version = 0;
    if (!statement) return store->head.error.code;
    result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW)
        *version = (int64_t)((uint64_t)sqlite3_column_int64(statement, 0) << 32 |
                             (uint32_t)sqlite3_total_changes(store->db));
    else
        durable_sqlite_failed(store, result, "look for news");
    durable_sqlite_rest(statement);
    return result == SQLITE_ROW ? DUR_OK : store->head.error.code;
}

static bool is_joined(durable_store *base)
{
    durable_sqlite *store = durable_sqlite_of(base);

    return !sqlite3_get_autocommit(store->db) && !store->step_alone && !store->shared;
}

static const durable_store_methods methods = {
    durable_sqlite_find_run,
    durable_sqlite_create_run,
    durable_sqlite_claim_run,
    durable_sqlite_release_run,
    durable_sqlite_suspend_run,
    durable_sqlite_end_run,
    durable_sqlite_renew_lease,
    durable_sqlite_confirm_run,
    durable_sqlite_append_outcomes,
    durable_sqlite_load_history,
    durable_sqlite_summarize_history,
    durable_sqlite_put_pending,
    durable_sqlite_load_pending,
    durable_sqlite_send_signal,
    durable_sqlite_answer_callback,
    durable_sqlite_beat_callback,
    durable_sqlite_cancel_run,
    durable_sqlite_resolve_step,
    durable_sqlite_earliest_due,
    durable_sqlite_begin_transaction,
    durable_sqlite_end_transaction,
    durable_sqlite_commit_shared,
    durable_sqlite_peek_signal,
    durable_sqlite_find_due,
    durable_sqlite_find_held,
    durable_sqlite_look_at_queue,
    durable_sqlite_limit_queue,
    durable_sqlite_pause_run,
    durable_sqlite_terminate_run,
    durable_sqlite_delete_run,
    durable_sqlite_delete_ended,
    durable_sqlite_restart_run,
    durable_sqlite_list_runs,
    durable_sqlite_visit_rows,
    durable_sqlite_begin_import,
    durable_sqlite_put_row,
    durable_sqlite_end_import,
    read_version,
    is_joined,
    close_store,
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

DURABLE_INTERNAL durable_sqlite *durable_sqlite_new(const durable_sqlite_options *options)
{
    durable_sqlite *store = durable_allocate(sizeof *store);
    const char *schema = options->schema ? options->schema : "main";

    if (!store) return NULL;
    store->schema = durable_copy_text(schema, strlen(schema));
    if (!store->schema) {
        durable_free(store);
        return NULL;
    }
    store->head.methods = &methods;
    store->clock = options->clock;
    store->busy_wait_ms = options->busy_wait_ms ? options->busy_wait_ms : DEFAULT_BUSY_WAIT_MS;
    store->read_only = options->read_only;
    return store;
}

DURABLE_INTERNAL int durable_sqlite_settle(durable_sqlite *store)
{
    int code = check_library(store);

    if (code == DUR_OK) code = durable_sqlite_ensure_schema(store);
    if (code == DUR_OK) code = read_encoding(store);
    return code;
}

DURABLE_INTERNAL int durable_sqlite_open(struct sqlite3 *db, const durable_sqlite_options *options,
                                         durable_store **out)
{
    durable_sqlite *store = durable_sqlite_new(options);

    *out = store ? &store->head : NULL;
    if (!store) return DUR_NOMEM;
    store->db = db;
    return durable_sqlite_settle(store);
}
