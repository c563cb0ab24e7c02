/* store/sqlite: how the log's tables are made, known again, and told from strangers. */
#include "store/sqlite/schema.h"

#define INDEX_NAMES                                                                                \
    "'durable_runs_due', 'durable_claims_by_queue', 'durable_runs_by_parent',"                     \
    " 'durable_runs_by_root', 'durable_runs_by_origin', 'durable_runs_ended',"                     \
    " 'durable_signals_sent', 'durable_signals_by_key'"
#define OTHER_OBJECTS                                                                              \
    " FROM @sqlite_master WHERE name COLLATE NOCASE IN ('durable_runs', 'durable_claims',"         \
    " 'durable_steps', 'durable_pending', 'durable_signals', 'durable_queues',"                    \
    " 'durable_run_deleted', 'durable_relative_deleted', 'durable_signal_sent',"                   \
    " 'durable_runs_view', 'durable_steps_view', 'durable_pending_view', 'durable_signals_view',"  \
    " " INDEX_NAMES ")"

static int foreign(durable_sqlite *store, const char *what)
{
    return durable_error_set(&store->head.error, DUR_FOREIGN,
                             "schema \"%s\" holds %s that is not libdurable's: rename it, or keep"
                             " the log in another database or attached schema",
                             store->schema, what);
}

/* The first column of the first row of a query; *present tells whether there was a row. */
static int query_integer(durable_sqlite *store, const char *sql, int64_t *integer, bool *present)
{
    sqlite3_stmt *statement;
    int result = durable_sqlite_prepare(store, sql, &statement);

    *present = false;
    if (result == SQLITE_OK) {
        result = durable_sqlite_read(store, statement);
        *present = result == SQLITE_ROW;
        if (*present) *integer = sqlite3_column_int64(statement, 0);
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        durable_sqlite_failed(store, result, "read the log");
    else
        result = SQLITE_OK;
    sqlite3_finalize(statement);
    return result == SQLITE_OK ? DUR_OK : store->head.error.code;
}

/* Of our names, those that are there. */
typedef struct object_count {
    int64_t log, others, indexes; /* the others include the indexes */
} object_count;

/* In one query: between two, another process may make the log. */
static int count_objects(durable_sqlite *store, object_count *count)
{
    int64_t packed = 0;
    bool present;
    int code = query_integer(store,
                             "SELECT (SELECT 1000000 * count(*) FROM @sqlite_master"
                             " WHERE name = 'durable_log' COLLATE NOCASE)"
                             " + (SELECT 1000 * count(*) FROM @sqlite_master"
                             " WHERE type = 'index' AND name IN (" INDEX_NAMES "))"
                             " + (SELECT count(*)" OTHER_OBJECTS ")",
                             &packed, &present);

    count->log = packed / 1000000;
    count->indexes = packed / 1000 % 1000;
    count->others = packed % 1000;
    return code;
}

/* Names of ours without a durable_log beside them. */
static int foreign_names(durable_sqlite *store)
{
    char names[448] = "a durable_ table";
    sqlite3_stmt *statement;
    int result = durable_sqlite_prepare(store, "SELECT group_concat(name, ', ')" OTHER_OBJECTS,
                                        &statement);

    if (result == SQLITE_OK && durable_sqlite_read(store, statement) == SQLITE_ROW)
        sqlite3_snprintf((int)sizeof names, names, "%s", sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return foreign(store, names);
}

DURABLE_INTERNAL bool durable_sqlite_schema_exists(durable_sqlite *store)
{
    object_count count;

    return count_objects(store, &count) == DUR_OK && count.log > 0;
}

static int check_columns(durable_sqlite *store)
{
    const char *what = "", *query;

    for (size_t i = 0; (query = durable_schema_probe(i, &what)) != NULL; i++) {
        sqlite3_stmt *statement;
        int result = durable_sqlite_prepare(store, query, &statement);

        sqlite3_finalize(statement);
        if (result == SQLITE_ERROR) return foreign(store, what);
        if (result != SQLITE_OK) return durable_sqlite_failed(store, result, "read the log");
    }
    return DUR_OK;
}

static int check_version(durable_sqlite *store)
{
    int64_t minimum = 0;
    bool present;
    int code = query_integer(store,
                             "SELECT max(min_reader, min_writer) FROM @durable_log"
                             " WHERE id = 1 AND schema_version > 0 AND created NOT NULL"
                             " AND library NOT NULL",
                             &minimum, &present);

    if (code != DUR_OK && store->head.error.sqlite_code == SQLITE_ERROR)
        return foreign(store, "a durable_log");
    if (code != DUR_OK) return code;
    if (!present)
        return durable_error_set(&store->head.error, DUR_CORRUPT,
                                 "durable_log in schema \"%s\" has lost its row", store->schema);
    if (minimum > DURABLE_SCHEMA_VERSION)
        return durable_error_set(&store->head.error, DUR_VERSION_TOO_NEW,
                                 "the log needs a library that knows schema version %lld, this one"
                                 " (%s) knows %d: upgrade it; the database was not touched",
                                 (long long)minimum, DUR_VERSION, DURABLE_SCHEMA_VERSION);
    return check_columns(store);
}

static int run_template(durable_sqlite *store, durable_write *write, const char *sql)
{
    sqlite3_stmt *statement;
    int result = durable_sqlite_prepare(store, sql, &statement);

    if (result != SQLITE_OK) durable_sqlite_failed(store, result, write->doing);
    if (result == SQLITE_OK) result = durable_sqlite_write_step(store, write, statement, NULL);
    sqlite3_finalize(statement);
    return result;
}

static int write_version(durable_sqlite *store, durable_write *write)
{
    char sql[256];

    sqlite3_snprintf((int)sizeof sql, sql,
                     "INSERT INTO @durable_log VALUES(1, %d, %d, %d, %lld, %Q)",
                     DURABLE_SCHEMA_VERSION, DURABLE_SCHEMA_VERSION, DURABLE_SCHEMA_VERSION,
                     (long long)durable_clock_now(&store->clock), DUR_VERSION);
    return run_template(store, write, sql);
}

static int create_tables(durable_sqlite *store, durable_write *write)
{
    int result = SQLITE_DONE;
    const char *sql;

    for (size_t i = 1; result == SQLITE_DONE && (sql = durable_schema_object(i)) != NULL; i++)
        result = run_template(store, write, sql);
    if (result == SQLITE_DONE) result = write_version(store, write);
    return result;
}

/* Another process may have been faster. The first table is made if it is not there: that takes the
 * write lock before anything is read. Empty, it is our own; others leave it with its row. */
static int create_missing(durable_sqlite *store, durable_write *write)
{
    int64_t rows = 0;
    bool present;
    int result = run_template(store, write, durable_schema_object(0));

    if (result != SQLITE_DONE) return result;
    if (query_integer(store, "SELECT count(*) FROM @durable_log", &rows, &present) != DUR_OK)
        return store->head.error.sqlite_code;
    return rows == 0 ? create_tables(store, write) : SQLITE_DONE;
}

static int create_schema(durable_sqlite *store)
{
    durable_write write;
    int result, code = durable_sqlite_write_begin(store, &write, "create the log's tables");

    if (code != DUR_OK) return code;
    result = durable_sqlite_group_begin(store, &write);
    if (result == SQLITE_DONE) {
        result = create_missing(store, &write);
        result = durable_sqlite_group_end(store, &write, result);
    }
    return durable_sqlite_write_end(store, &write, result);
}

static int check_schema_name(durable_sqlite *store)
{
    if (sqlite3_db_readonly(store->db, store->schema) >= 0) return DUR_OK;
    if (sqlite3_stricmp(store->schema, "temp") == 0) return DUR_OK; /* made on first use */
    if (sqlite3_db_readonly(store->db, "main") < 0)
        return durable_error_set(&store->head.error, DUR_MISUSE,
                                 "the connection is not open: did sqlite3_open() fail?");
    return durable_error_set(&store->head.error, DUR_MISUSE,
                             "this connection has no schema \"%s\": attach the database first",
                             store->schema);
}

DURABLE_INTERNAL int durable_sqlite_settle_schema(durable_sqlite *store)
{
    return store->schema_provisional ? durable_sqlite_ensure_schema(store) : DUR_OK;
}

static bool is_only_read(durable_sqlite *store)
{
    return store->read_only || sqlite3_db_readonly(store->db, store->schema) == 1;
}

/* Whoever made the log may have been stopped before he came to them. Read-only, it is only read. */
static int create_indexes(durable_sqlite *store)
{
    const char *sql;
    int code = DUR_OK;

    if (is_only_read(store)) return DUR_OK;
    for (size_t i = 0; code == DUR_OK && (sql = durable_schema_index(i)) != NULL; i++) {
        durable_write write;

        code = durable_sqlite_write_begin(store, &write, "create the log's indexes");
        if (code == DUR_OK)
            code = durable_sqlite_write_end(store, &write, run_template(store, &write, sql));
    }
    durable_sqlite_forget_statements(store); /* what ends a group is to be ready when it begins */
    return code;
}

static int create_log(durable_sqlite *store, const object_count *count)
{
    if (count->others > 0) return foreign_names(store);
    if (is_only_read(store))
        return durable_error_set(&store->head.error, DUR_READONLY,
                                 "schema \"%s\" holds no log, and %s: open it for writing once",
                                 store->schema,
                                 store->read_only ? "was opened to be read only" : "is read-only");
    return create_schema(store);
}

DURABLE_INTERNAL int durable_sqlite_ensure_schema(durable_sqlite *store)
{
    object_count count = {0, 0, 0};
    int code = check_schema_name(store);

    if (code == DUR_OK) code = count_objects(store, &count);
    if (code == DUR_OK && count.log == 0) code = create_log(store, &count);
    if (code == DUR_OK) code = check_version(store);
    if (code == DUR_OK && count.indexes < DURABLE_SCHEMA_INDEXES) code = create_indexes(store);
    /* In a transaction of the host the tables may be as new as that, whoever made them. */
    if (code == DUR_OK) store->schema_provisional = !sqlite3_get_autocommit(store->db);
    return code;
}
