/* test/support: the host's side of a test. */
#define _POSIX_C_SOURCE 200809L

#include "support/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const host_journal host_in_memory = HOST_MEMORY;
const host_journal host_with_rollback = HOST_ROLLBACK;
const host_journal host_with_wal = HOST_WAL;

/* ---- Opening and closing --------------------------------------------------------------------- */

static void make_directory(test_host *host)
{
    const char *parent = getenv("TMPDIR");

    snprintf(host->directory, sizeof host->directory, "%s/durable-test-XXXXXX",
             parent && *parent ? parent : "/tmp");
    assert_non_null(mkdtemp(host->directory));
    snprintf(host->path, sizeof host->path, "%s/host.db", host->directory);
}

static void remove_directory(const char *directory)
{
    DIR *listing = opendir(directory);
    struct dirent *entry;
    char path[512];

    while (listing && (entry = readdir(listing)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        unlink(path); /* fails on . and .., as it should */
    }
    if (listing)
        closedir(listing);
    rmdir(directory);
}

void host_open_encoded(test_host *host, host_journal journal, const char *encoding)
{
    memset(host, 0, sizeof *host);
    host->journal = journal;
    fake_clock_init(&host->clock, 1);
    make_directory(host);
    host->db = host_connect(host, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    host_run(host->db, "PRAGMA encoding = %Q", encoding);
    host_run(host->db, "PRAGMA synchronous = OFF"); /* nobody cuts the power here */
    if (journal == HOST_WAL)
        host_run(host->db, "PRAGMA journal_mode = WAL");
}

void host_open(test_host *host, host_journal journal)
{
    host_open_encoded(host, journal, "UTF-8");
}

sqlite3 *host_connect(const test_host *host, int flags)
{
    sqlite3 *db = NULL;
    const char *path = host->journal == HOST_MEMORY ? ":memory:" : host->path;

    assert_int_equal(SQLITE_OK, sqlite3_open_v2(path, &db, flags, NULL));
    return db;
}

void host_reconnect(test_host *host)
{
    assert_int_not_equal(HOST_MEMORY, host->journal);
    assert_int_equal(SQLITE_OK, sqlite3_close(host->db));
    host->db = host_connect(host, SQLITE_OPEN_READWRITE);
}

void host_close(test_host *host)
{
    if (host->directory[0] == '\0')
        return;
    sqlite3_close_v2(host->other);
    sqlite3_close_v2(host->db);
    remove_directory(host->directory);
    memset(host, 0, sizeof *host);
}

int host_setup(void **state)
{
    const host_journal *journal = *state;
    test_host *fresh = calloc(1, sizeof *fresh);

    assert_non_null(fresh);
    *state = fresh;
    host_open(fresh, *journal);
    return 0;
}

int host_teardown(void **state)
{
    host_close(*state);
    free(*state);
    return 0;
}

/* ---- The log --------------------------------------------------------------------------------- */

dur_options host_options(test_host *host)
{
    dur_options options = DUR_OPTIONS_INIT;

    fake_clock_install(&host->clock, &options);
    return options;
}

dur_log *host_log(test_host *host)
{
    dur_options options = host_options(host);
    dur_log *log = NULL;

    assert_code(DUR_OK, dur_open(host->db, &options, &log), log);
    return log;
}

/* ---- SQL ------------------------------------------------------------------------------------- */

static void run_formatted(sqlite3 *db, const char *format, va_list arguments)
{
    char *sql = sqlite3_vmprintf(format, arguments);

    assert_non_null(sql);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        print_error("%s: %s\n", sql, sqlite3_errmsg(db));
        fail();
    }
    sqlite3_free(sql);
}

void host_run(sqlite3 *db, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    run_formatted(db, format, arguments);
    va_end(arguments);
}

static void append_value(sqlite3_str *text, sqlite3_stmt *statement, int column)
{
    const unsigned char *bytes;

    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        sqlite3_str_appendf(text, "%lld", sqlite3_column_int64(statement, column));
        break;
    case SQLITE_FLOAT:
        sqlite3_str_appendf(text, "%!.20g", sqlite3_column_double(statement, column));
        break;
    case SQLITE_TEXT:
        sqlite3_str_appendf(text, "%Q", sqlite3_column_text(statement, column));
        break;
    case SQLITE_BLOB:
        bytes = sqlite3_column_blob(statement, column);
        sqlite3_str_appendall(text, "x'");
        for (int i = 0; i < sqlite3_column_bytes(statement, column); i++)
            sqlite3_str_appendf(text, "%02x", bytes[i]);
        sqlite3_str_appendall(text, "'");
        break;
    default:
        sqlite3_str_appendall(text, "NULL");
    }
}

static void append_rows(sqlite3_str *text, sqlite3 *db, const char *label, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

    while (code == SQLITE_OK && sqlite3_column_count(statement) > 0 &&
           (code = sqlite3_step(statement)) == SQLITE_ROW) {
        sqlite3_str_appendall(text, label);
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            sqlite3_str_appendall(text, i ? "|" : " ");
            append_value(text, statement, i);
        }
        sqlite3_str_appendall(text, "\n");
        code = SQLITE_OK;
    }
    if (code != SQLITE_OK && code != SQLITE_DONE)
        sqlite3_str_appendf(text, "%s: %s\n", label, sqlite3_errmsg(db));
    sqlite3_finalize(statement);
}

static char *finish(sqlite3_str *text)
{
    char *all;

    sqlite3_str_appendall(text, "."); /* an empty one would come back as NULL */
    all = sqlite3_str_finish(text);
    assert_non_null(all);
    return all;
}

char *host_rows(sqlite3 *db, const char *format, ...)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    va_list arguments;
    char *sql;

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    append_rows(text, db, "row", sql);
    sqlite3_free(sql);
    return finish(text);
}

int64_t host_number(sqlite3 *db, const char *format, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list arguments;
    int64_t number;
    char *sql;

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        print_error("%s: %s\n", sql, sqlite3_errmsg(db));
        sqlite3_finalize(statement);
        fail();
    }
    number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return number;
}

/* ---- Pictures -------------------------------------------------------------------------------- */

/* PRAGMAs that do something, that need an argument to say anything, that tell of the size of the
 * file and of our tables, which the log may change, or what nobody can change. */
static bool is_left_out(const char *pragma)
{
    static const char *const names[] = {
        "incremental_vacuum", "optimize",       "wal_checkpoint",  "shrink_memory",
        "integrity_check",    "quick_check",    "schema_version",  "foreign_key_check",
        "page_count",         "freelist_count", "table_list",      "compile_options",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], pragma) == 0)
            return true;
    }
    return false;
}

/* The functions are too many to list after every call. */
static void append_pragma(sqlite3_str *text, sqlite3 *db, const char *name)
{
    char *sql;

    if (is_left_out(name)) return;
    if (strcmp(name, "function_list") == 0)
        sql = sqlite3_mprintf("SELECT count(*), total(narg), total(flags), total(length(name)) "
                              "FROM pragma_function_list");
    else
        sql = sqlite3_mprintf("PRAGMA %s", name);
    append_rows(text, db, name, sql);
    sqlite3_free(sql);
}

/* The list is read to its end first: PRAGMAs such as journal_mode dislike active statements. */
static void append_pragmas(sqlite3_str *text, sqlite3 *db)
{
    char *names[128];
    size_t count = 0;
    sqlite3_stmt *list = NULL;

    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(db, "PRAGMA pragma_list", -1, &list, NULL));
    while (sqlite3_step(list) == SQLITE_ROW && count < sizeof names / sizeof names[0])
        names[count++] = sqlite3_mprintf("%s", sqlite3_column_text(list, 0));
    sqlite3_finalize(list);
    assert_in_range(count, 40, 127);
    for (size_t i = 0; i < count; i++) {
        append_pragma(text, db, names[i]);
        sqlite3_free(names[i]);
    }
}

static void append_settings(sqlite3_str *text, sqlite3 *db)
{
    int value = 0;

    for (int limit = 0; limit <= SQLITE_LIMIT_WORKER_THREADS; limit++)
        sqlite3_str_appendf(text, "limit %d: %d\n", limit, sqlite3_limit(db, limit, -1));
    for (int setting = SQLITE_DBCONFIG_ENABLE_FKEY; setting <= SQLITE_DBCONFIG_TRUSTED_SCHEMA;
         setting++) {
        assert_int_equal(SQLITE_OK, sqlite3_db_config(db, setting, -1, &value));
        sqlite3_str_appendf(text, "setting %d: %d\n", setting, value);
    }
}

static void append_tables(sqlite3_str *text, sqlite3 *db, const char *schema)
{
    sqlite3_stmt *list = NULL;
    char *sql = sqlite3_mprintf("SELECT name FROM \"%w\".sqlite_master WHERE type = 'table' "
                                "AND name NOT LIKE 'durable\\_%%' ESCAPE '\\' ORDER BY name",
                                schema);

    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(db, sql, -1, &list, NULL));
    sqlite3_free(sql);
    while (sqlite3_step(list) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(list, 0);

        sql = sqlite3_mprintf("SELECT * FROM \"%w\".\"%w\" ORDER BY rowid", schema, name);
        append_rows(text, db, name, sql);
        sqlite3_free(sql);
    }
    sqlite3_finalize(list);
}

static void append_schema(sqlite3_str *text, sqlite3 *db, const char *schema)
{
    char *sql = sqlite3_mprintf("SELECT type, name, tbl_name, sql FROM \"%w\".sqlite_master "
                                "WHERE tbl_name NOT LIKE 'durable\\_%%' ESCAPE '\\' ORDER BY 1, 2",
                                schema);

    append_rows(text, db, schema, sql);
    sqlite3_free(sql);
    append_tables(text, db, schema);
}

char *host_picture(sqlite3 *db)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_stmt *list = NULL;

    append_pragmas(text, db);
    append_settings(text, db);
    append_schema(text, db, "temp");
    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(db, "PRAGMA database_list", -1, &list, NULL));
    while (sqlite3_step(list) == SQLITE_ROW) {
        const char *schema = (const char *)sqlite3_column_text(list, 1);

        if (strcmp(schema, "temp") != 0)
            append_schema(text, db, schema);
    }
    sqlite3_finalize(list);
    return finish(text);
}

char *host_log_rows(sqlite3 *db, const char *schema)
{
    static const char *const tables[] = {"durable_log", "durable_runs", "durable_claims",
                                         "durable_steps", "durable_pending", "durable_signals",
                                         "durable_queues"};
    sqlite3_str *text = sqlite3_str_new(NULL);

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char *sql = sqlite3_mprintf("SELECT * FROM \"%w\".%s ORDER BY 1", schema, tables[i]);

        append_rows(text, db, tables[i], sql);
        sqlite3_free(sql);
    }
    return finish(text);
}

int host_active_statements(sqlite3 *db)
{
    int active = 0;
    sqlite3_stmt *statement = NULL;

    while ((statement = sqlite3_next_stmt(db, statement)) != NULL)
        active += sqlite3_stmt_busy(statement) != 0;
    return active;
}

bool host_statements_hold(sqlite3 *db, const char *bytes)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_str *text = sqlite3_str_new(NULL);
    bool found = false;
    char *hexadecimal;

    for (const char *byte = bytes; *byte; byte++)
        sqlite3_str_appendf(text, "%02x", (unsigned char)*byte);
    hexadecimal = sqlite3_str_finish(text);
    while ((statement = sqlite3_next_stmt(db, statement)) != NULL) {
        char *sql = sqlite3_expanded_sql(statement);

        assert_non_null(sql);
        found = found || strstr(sql, bytes) || strstr(sql, hexadecimal);
        sqlite3_free(sql);
    }
    sqlite3_free(hexadecimal);
    return found;
}

unsigned char *host_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes;
    long end;

    assert_non_null(file);
    assert_int_equal(0, fseek(file, 0, SEEK_END));
    end = ftell(file);
    assert_true(end >= 0);
    rewind(file);
    *size = (size_t)end;
    bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(*size, fread(bytes, 1, *size, file));
    fclose(file);
    return bytes;
}

/* ---- Assertions ------------------------------------------------------------------------------ */

void host_assert_code(int expected, int actual, const dur_log *log, const char *file, int line)
{
    if (expected != actual) {
        print_error("expected %s, got %s: %s\n", dur_code_name(expected), dur_code_name(actual),
                    dur_errmsg(log));
        _fail(file, line);
    }
}

void host_assert_has(const char *text, const char *part, const char *file, int line)
{
    if (text == NULL || strstr(text, part) == NULL) {
        print_error("\"%s\" is not in: %s\n", part, text ? text : "(null)");
        _fail(file, line);
    }
}

/* The first line that differs is what the reader wants to see. */
static void print_difference(const char *before, const char *after)
{
    size_t line = 0;

    for (size_t i = 0; before[i] && before[i] == after[i]; i++)
        line = before[i] == '\n' ? i + 1 : line;
    print_error("before: %.300s\nafter:  %.300s\n", before + line, after + line);
}

void host_assert_same(char *before, char *after, const char *file, int line)
{
    bool same = strcmp(before, after) == 0;

    if (!same)
        print_difference(before, after);
    sqlite3_free(before);
    sqlite3_free(after);
    if (!same)
        _fail(file, line);
}
