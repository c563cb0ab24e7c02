/* test/api: laws 9 and 10, the log as a file: made, known again, told from strangers, read by any
 * client. */
#include "api/script.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ID "order-7"

/* ---- Whose tables these are ------------------------------------------------------------------ */

static char *schema_of(test_host *host)
{
    return host_rows(host->db, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2");
}

static void assert_open_fails(test_host *host, int expected, const char *part)
{
    dur_options options = host_options(host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_run *run = NULL;
    dur_log *log = NULL;

    assert_code(expected, dur_open(host->db, &options, &log), log);
    assert_non_null(log);
    assert_has(dur_errmsg(log), part);
    assert_code(expected, dur_begin_run(log, "w", "r", NULL, &run), log); /* every other call */
    assert_null(run);
    assert_code(expected, dur_read_run(log, "r", &info), log);
    assert_has(dur_errmsg(log), part);
    dur_close(log);
    assert_null(sqlite3_next_stmt(host->db, NULL));
}

/* Law 1: all our tables and views carry the prefix, and none needs a new SQLite to be read. */
static void law1_the_names_in_the_schema(void **state)
{
    test_host *host = *state;

    dur_close(host_log(host));
    assert_same(host_rows(host->db, "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE "
                                    "'sqlite_autoindex%%' ORDER BY 1, 2"),
                sqlite3_mprintf("row 'index'|'durable_claims_by_queue'\n"
                                "row 'index'|'durable_runs_by_origin'\n"
                                "row 'index'|'durable_runs_by_parent'\n"
                                "row 'index'|'durable_runs_by_root'\n"
                                "row 'index'|'durable_runs_due'\n"
                                "row 'index'|'durable_runs_ended'\n"
                                "row 'index'|'durable_signals_by_key'\n"
                                "row 'index'|'durable_signals_sent'\n"
                                "row 'table'|'durable_claims'\nrow 'table'|'durable_log'\n"
                                "row 'table'|'durable_pending'\nrow 'table'|'durable_queues'\n"
                                "row 'table'|'durable_runs'\nrow 'table'|'durable_signals'\n"
                                "row 'table'|'durable_steps'\n"
                                "row 'trigger'|'durable_relative_deleted'\n"
                                "row 'trigger'|'durable_run_deleted'\n"
                                "row 'trigger'|'durable_signal_sent'\n"
                                "row 'view'|'durable_pending_view'\n"
                                "row 'view'|'durable_runs_view'\n"
                                "row 'view'|'durable_signals_view'\n"
                                "row 'view'|'durable_steps_view'\n."));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM sqlite_schema WHERE "
                                              "sql LIKE '%%STRICT%%' OR sql LIKE '%%GENERATED%%' "
                                              "OR tbl_name NOT LIKE 'durable_%%'"));
    assert_int_equal(0, host_number(host->db, "PRAGMA user_version"));
}

/* Opening twice makes nothing twice. */
static void law10_opening_again_changes_nothing(void **state)
{
    test_host *host = *state;
    char *before, *rows;

    dur_close(host_log(host));
    before = schema_of(host);
    rows = host_log_rows(host->db, "main");
    dur_close(host_log(host));
    assert_same(before, schema_of(host));
    assert_same(rows, host_log_rows(host->db, "main"));
}

/* A host's table of one of our names, with other columns: left alone, with a clear error. */
static void law9_tables_of_strangers(void **state)
{
    static const char *const strangers[] = {
        "CREATE TABLE durable_log (x)",
        "CREATE TABLE durable_runs (id, name); INSERT INTO durable_runs VALUES (1, 'marathon')",
        "CREATE TABLE durable_steps (step INTEGER PRIMARY KEY, height)",
        "CREATE VIEW durable_log AS SELECT 1 AS id",
        "CREATE VIEW durable_runs AS SELECT 1 AS id",
        "CREATE VIEW durable_runs_view AS SELECT 1 AS id",
        "CREATE TABLE durable_steps_view (x)",
        "CREATE TABLE Durable_Log (x)",
        "CREATE TABLE mine (x); CREATE INDEX durable_runs ON mine (x)",
    };
    test_host *host = *state;

    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        test_host fresh;
        char *before;

        host_open(&fresh, host->journal);
        host_run(fresh.db, "%s", strangers[i]);
        before = schema_of(&fresh);
        assert_open_fails(&fresh, DUR_FOREIGN, "durable_");
        assert_same(before, schema_of(&fresh));
        host_close(&fresh);
    }
}

/* A table that only shares the prefix is none of our business. */
static void law9_a_neighbour_with_our_prefix(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log;

    host_run(host->db, "CREATE TABLE durable_customers (x); CREATE TABLE steps (x);"
                       "CREATE TABLE _litestream_seq (id)");
    log = host_log(host);
    assert_code(DUR_OK, script_execute(&script, log), log);
    script_assert_done(&script, log);
    dur_close(log);
}

/* A log that has lost a part. */
static void law9_a_log_with_parts_missing(void **state)
{
    static const struct {
        const char *sql;
        int code;
    } losses[] = {
        {"DELETE FROM durable_log", DUR_CORRUPT},
        {"DROP TABLE durable_steps", DUR_FOREIGN},
        {"DROP TABLE durable_runs", DUR_FOREIGN},
        {"ALTER TABLE durable_steps DROP COLUMN low", DUR_FOREIGN},
        {"ALTER TABLE durable_runs RENAME COLUMN token TO tocken", DUR_FOREIGN},
    };
    test_host *host = *state;

    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        test_host fresh;
        char *before;

        host_open(&fresh, host->journal);
        dur_close(host_log(&fresh));
        host_run(fresh.db, "DROP VIEW durable_runs_view; DROP VIEW durable_steps_view");
        host_run(fresh.db, "%s", losses[i].sql);
        before = schema_of(&fresh);
        assert_open_fails(&fresh, losses[i].code, "durable_");
        assert_same(before, schema_of(&fresh));
        host_close(&fresh);
    }
}

/* Law 10: what a newer library wrote is refused, and not one byte of it is touched. */
static void law10_a_newer_schema_is_left_untouched(void **state)
{
    test_host *host = *state;
    unsigned char *before, *after;
    size_t size = 0, size_after = 0;
    dur_log *log = host_log(host);
    test_script script = script_for(host);

    assert_code(DUR_OK, script_execute(&script, log), log);
    dur_close(log);
    host_run(host->db, "UPDATE durable_log SET schema_version = 1000, min_reader = 999, "
                       "min_writer = 1000, library = '99.0.0'");
    host_reconnect(host); /* the WAL is in the file */
    before = host_file(host->path, &size);
    assert_open_fails(host, DUR_VERSION_TOO_NEW, "1000");
    host_reconnect(host);
    after = host_file(host->path, &size_after);
    assert_int_equal(size, size_after);
    assert_memory_equal(before, after, size);
    free(before);
    free(after);
}

/* Law 10: newer, but made so that older libraries may still write: opened, and used. */
static void law10_a_newer_schema_that_admits_us(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log;

    dur_close(host_log(host));
    host_run(host->db, "ALTER TABLE durable_runs ADD COLUMN of_the_future;"
                       "ALTER TABLE durable_steps ADD COLUMN of_the_future DEFAULT 7;"
                       "ALTER TABLE durable_log ADD COLUMN of_the_future;"
                       "CREATE TABLE durable_timers (x);"
                       "UPDATE durable_log SET schema_version = 2");
    log = host_log(host);
    assert_code(DUR_OK, script_execute(&script, log), log);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 10: a run that a newer library started, and that goes on in a way we do not know. */
static void law10_a_run_of_a_newer_library(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    char *before;

    assert_code(DUR_OK, dur_begin_run(log, "script", "the-run", NULL, &run), log);
    dur_close_run(run);
    host_run(host->db, "UPDATE durable_runs SET behaviour = 99");
    before = host_log_rows(host->db, "main");
    assert_code(DUR_VERSION_TOO_NEW, script_execute(&script, log), log);
    assert_has(dur_errmsg(log), "the-run");
    assert_int_equal(0, script.passes);
    assert_same(before, host_log_rows(host->db, "main"));
    dur_close(log);
}

/* A file that is no database: an error, and the file stays what it is. */
static void law9_a_file_that_is_no_database(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    dur_log *log = NULL;
    unsigned char *after;
    size_t size = 0;
    FILE *file;

    sqlite3_close(host->db);
    host->db = NULL;
    file = fopen(host->path, "wb");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) fputs("this is a diary, not a database\n", file);
    fclose(file);
    host->db = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_code(DUR_CORRUPT, dur_open(host->db, &options, &log), log);
    assert_int_equal(SQLITE_NOTADB, dur_sqlite_errcode(log));
    assert_has(dur_errmsg(log), "not a database");
    dur_close(log);
    sqlite3_close(host->db);
    host->db = NULL;
    after = host_file(host->path, &size);
    assert_int_equal(32000, size);
    assert_memory_equal("this is a diary", after, 15);
    free(after);
}

/* ---- Read by any client ---------------------------------------------------------------------- */

/* The views: their columns are a public format. */
static void the_views_have_the_documented_columns(void **state)
{
    test_host *host = *state;

    dur_close(host_log(host));
    assert_same(host_rows(host->db, "SELECT group_concat(name, ' ') FROM "
                                    "pragma_table_info('durable_runs_view')"),
                sqlite3_mprintf("row 'id workflow status queue priority wakes awaits steps claims "
                                "owner lease_end created ended input output failure parent "
                                "deadline cancelling paused origin restarted_at generation "
                                "code_version uid run'\n."));
    assert_same(host_rows(host->db, "SELECT group_concat(name, ' ') FROM "
                                    "pragma_table_info('durable_steps_view')"),
                sqlite3_mprintf("row 'run_id position name kind outcome value began took_ms epoch "
                                "attempt fingerprint site'\n."));
    assert_same(host_rows(host->db, "SELECT group_concat(name, ' ') FROM "
                                    "pragma_table_info('durable_pending_view')"),
                sqlite3_mprintf("row 'run_id position name kind attempts began wakes deadline "
                                "heartbeat_ms details failure intent'\n."));
    assert_same(host_rows(host->db, "SELECT group_concat(name, ' ') FROM "
                                    "pragma_table_info('durable_signals_view')"),
                sqlite3_mprintf("row 'run_id name key value failure sent received_at signal'\n."));
}

static int all_sorts(dur_run *run, void *user)
{
    dur_value value;
    const char *text;

    DUR_STEP(run, "text", text) { text = "it reads well"; }
    DUR_STEP(run, "nan", value) { value = dur_real((double)NAN); }
    DUR_STEP(run, "large", value) { value = dur_unsigned(UINT64_MAX); }
    DUR_STEP(run, "failing") {
        fake_clock_advance(user, 250);
        dur_fail(run, "no luck");
    }
    dur_catch(run);
    return dur_set_output(run, dur_text("done"));
}

static void the_views_read_well(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    assert_code(DUR_OK, dur_execute(log, "sorts", ID, NULL, all_sorts, &host->clock), log);
    dur_close(log);
    assert_same(host_rows(host->db, "SELECT id, workflow, status, steps, claims, owner, created, "
                                    "input, output, failure FROM durable_runs_view"),
                sqlite3_mprintf("row 'order-7'|'sorts'|'completed'|4|1|NULL|"
                                "'2026-01-01 00:00:00.000'|NULL|'done'|NULL\n."));
    assert_same(host_rows(host->db, "SELECT run_id, position, name, kind, outcome, value, took_ms "
                                    "FROM durable_steps_view ORDER BY position"),
                sqlite3_mprintf("row 'order-7'|1|'text'|'step'|'result'|'it reads well'|0\n"
                                "row 'order-7'|2|'nan'|'step'|'result'|'NaN'|0\n"
                                "row 'order-7'|3|'large'|'step'|'result'|'18446744073709551615'|0\n"
                                "row 'order-7'|4|'failing'|'step'|'failure'|'no luck'|250\n."));
    assert_int_equal(1, host_number(host->db, "SELECT site LIKE 'log_test.c:%%' FROM "
                                              "durable_steps_view WHERE position = 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(law1_the_names_in_the_schema),
        IN_WAL(law10_opening_again_changes_nothing),
        IN_MEMORY(law9_tables_of_strangers),
        IN_MEMORY(law9_a_neighbour_with_our_prefix),
        IN_MEMORY(law9_a_log_with_parts_missing),
        ON_DISK(law10_a_newer_schema_is_left_untouched),
        IN_MEMORY(law10_a_newer_schema_that_admits_us),
        IN_MEMORY(law10_a_run_of_a_newer_library),
        ON_DISK(law9_a_file_that_is_no_database),
        IN_MEMORY(the_views_have_the_documented_columns),
        IN_WAL(the_views_read_well),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
