/* test/api: law 1, transactions that vanish, statements half stepped, snapshots grown old. */
#include "api/meanwhile.h"

/* ---- A transaction that vanishes under the library ------------------------------------------- */

static void put_raising_trigger(test_host *host, const char *action)
{
    host_run(host->db,
             "CREATE TRIGGER guard BEFORE INSERT ON durable_steps WHEN new.name = 'third' "
             "BEGIN SELECT RAISE(%s); END", action);
}

/* Law 1: RAISE(ROLLBACK) ends the host's transaction. That is reported, never papered over. */
static void law1_a_trigger_rolls_the_transaction_back(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    host_run(host->db, "CREATE TABLE mine (x)");
    put_raising_trigger(host, "ROLLBACK, 'the guard says no'");
    host_run(host->db, "BEGIN; INSERT INTO mine VALUES (1)");
    assert_code(DUR_ROLLED_BACK, script_execute(&script, log), log);
    assert_has(dur_errmsg(log), "the guard says no");
    assert_has(dur_errmsg(log), "third");
    assert_int_equal(1, sqlite3_get_autocommit(host->db));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM mine"));
    assert_int_equal(0, script_rows(&script));
    assert_bodies(&script, 1, 1, 1, 0);

    host_run(host->db, "DROP TRIGGER guard");
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 2, 2, 2, 1);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 3: outside a transaction a trigger's refusal is a refusal, and the result is kept. */
static void law3_a_trigger_refuses_the_row(void **state)
{
    static const char *const actions[] = {"ROLLBACK, 'the guard says no'",
                                          "ABORT, 'the guard says no'",
                                          "FAIL, 'the guard says no'"};
    test_host *host = *state;
    dur_log *log = host_log(host);

    for (size_t i = 0; i < 3; i++) {
        test_script script = script_for(host);

        put_raising_trigger(host, actions[i]);
        assert_code(DUR_DATABASE, script_execute(&script, log), log);
        assert_has(dur_errmsg(log), "the guard says no");
        assert_int_equal(SQLITE_CONSTRAINT_TRIGGER, dur_sqlite_errcode(log));
        host_run(host->db, "DROP TRIGGER guard");
        assert_code(DUR_OK, script_execute(&script, log), log);
        assert_int_equal(3, script.rows_at_start);
        assert_bodies(&script, 1, 1, 1, 1);
        script_assert_done(&script, log);
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    }
    dur_close(log);
}

/* Law 3: RAISE(IGNORE) makes SQLite say OK though no row was written. We must not. */
static void law3_a_trigger_swallows_the_row(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    int code;

    put_raising_trigger(host, "IGNORE");
    code = script_execute(&script, log);
    assert_true(code < 0);
    assert_int_equal(2, script_rows(&script));
    assert_bodies(&script, 1, 1, 1, 0);
    host_run(host->db, "DROP TRIGGER guard");
    assert_code(DUR_OK, script_execute(&script, log), log);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 1: a trigger of the host's that writes elsewhere is obeyed, and its rowid does not leak. */
static void law1_a_trigger_of_the_host_may_write(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    host_run(host->db, "CREATE TABLE audit (id INTEGER PRIMARY KEY, name);"
                       "CREATE TRIGGER note AFTER INSERT ON durable_steps "
                       "BEGIN INSERT INTO audit (name) VALUES (new.name); END;"
                       "CREATE TRIGGER note_run AFTER UPDATE ON durable_runs "
                       "BEGIN INSERT INTO audit (name) VALUES ('run ' || new.id); END");
    sqlite3_set_last_insert_rowid(host->db, -42);
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(-42, sqlite3_last_insert_rowid(host->db));
    assert_int_equal(4, host_number(host->db,
                                    "SELECT count(*) FROM audit WHERE name NOT LIKE 'run %%'"));
    script_assert_done(&script, log);
    dur_close(log);
}

/* ---- A host statement half stepped ----------------------------------------------------------- */

static sqlite3_stmt *half_step(test_host *host, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(host->db, sql, -1, &statement, NULL));
    assert_int_equal(SQLITE_ROW, sqlite3_step(statement));
    return statement;
}

/* Steps in the same open run, with the host's UPDATE … RETURNING unfinished around the record. */
static void law1_a_write_statement_half_stepped(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;
    sqlite3_stmt *update;
    char *before;

    host_run(host->db, "CREATE TABLE mine (x); INSERT INTO mine VALUES (1), (2), (3)");
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "careful", NULL, &step));
    before = host_log_rows(host->db, "main");
    update = half_step(host, "UPDATE mine SET x = x + 10 RETURNING x");

    assert_code(DUR_HOST_STATEMENT, dur_record_result(step, dur_integer(5)), log);
    assert_has(dur_errmsg(log), "careful");
    assert_int_equal(1, host_active_statements(host->db));
    assert_int_equal(DUR_HOST_STATEMENT, dur_run_code(run));
    assert_int_equal(SQLITE_ROW, sqlite3_step(update));
    assert_int_equal(SQLITE_ROW, sqlite3_step(update));
    assert_int_equal(SQLITE_DONE, sqlite3_step(update));
    sqlite3_finalize(update);
    assert_same(before, host_log_rows(host->db, "main"));
    assert_int_equal(36, host_number(host->db, "SELECT sum(x) FROM mine"));

    assert_code(DUR_OK, dur_record_result(step, dur_integer(5)), log);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    dur_close_run(run);
    dur_close(log);
}

/* The same statement open in the workflow: the pass stops, the next one writes what was kept. */
static sqlite3_stmt *left_open;

static void leave_open(test_script *script)
{
    left_open = half_step(script->host, "UPDATE mine SET x = x + 10 RETURNING x");
}

static void law3_a_result_kept_over_a_half_stepped_statement(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    host_run(host->db, "CREATE TABLE mine (x); INSERT INTO mine VALUES (1), (2), (3)");
    script.inside[2] = leave_open;
    assert_code(DUR_HOST_STATEMENT, script_execute(&script, log), log);
    assert_int_equal(1, host_active_statements(host->db));
    assert_code(DUR_HOST_STATEMENT, script_execute(&script, log), log);
    assert_int_equal(1, script.passes);
    sqlite3_finalize(left_open);
    assert_int_equal(2, script_rows(&script));
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(3, script.rows_at_start);
    assert_bodies(&script, 1, 1, 1, 1);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Nothing may be started, nothing created, while such a statement is open. */
static void law1_nothing_begins_under_a_half_stepped_statement(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_options options = host_options(host);
    dur_log *log = NULL;
    sqlite3_stmt *update;

    host_run(host->db, "CREATE TABLE mine (x); INSERT INTO mine VALUES (1), (2), (3)");
    update = half_step(host, "DELETE FROM mine RETURNING x");
    assert_code(DUR_HOST_STATEMENT, dur_open(host->db, &options, &log), log);
    dur_close(log);
    sqlite3_finalize(update);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM sqlite_schema"));

    log = host_log(host);
    host_run(host->db, "INSERT INTO mine VALUES (1), (2), (3)");
    update = half_step(host, "UPDATE mine SET x = x + 10 RETURNING x");
    assert_code(DUR_HOST_STATEMENT, script_execute(&script, log), log);
    sqlite3_finalize(update);
    assert_int_equal(0, script.passes);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_runs"));
    assert_code(DUR_OK, script_execute(&script, log), log);
    script_assert_done(&script, log);
    dur_close(log);
}

/* A half-stepped SELECT holds nothing up, except that its snapshot may grow old (see below). */
static void law1_a_select_half_stepped_is_harmless(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    sqlite3_stmt *select;

    host_run(host->db, "CREATE TABLE mine (x); INSERT INTO mine VALUES (1), (2), (3)");
    select = half_step(host, "SELECT x FROM mine");
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(SQLITE_ROW, sqlite3_step(select));
    assert_int_equal(1, host_active_statements(host->db));
    sqlite3_finalize(select);
    script_assert_done(&script, log);
    dur_close(log);
}

/* ---- A stale read snapshot ------------------------------------------------------------------- */

/* Law 1: SQLITE_BUSY_SNAPSHOT never surprises, with and without extended result codes. */
static void law1_a_stale_snapshot_of_a_select(void **state)
{
    test_host *host = *state;
    dur_log *log;
    dur_run *run = NULL;
    dur_step *step = NULL;

    host_run(host->db, "CREATE TABLE mine (x); INSERT INTO mine VALUES (1), (2), (3)");
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    log = host_log(host);
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    for (int extended = 0; extended < 2; extended++) {
        sqlite3_stmt *select = half_step(host, "SELECT x FROM mine");

        sqlite3_extended_result_codes(host->db, extended);
        host_run(host->other, "INSERT INTO mine VALUES (4)");
        assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "s", NULL, &step));
        assert_code(DUR_STALE_READ, dur_record_result(step, dur_integer(extended)), log);
        assert_int_equal(0, host->clock.sleeps); /* waiting would not help */
        assert_int_equal(1, host_active_statements(host->db));
        assert_has(dur_errmsg(log), "read");
        assert_int_equal(SQLITE_ROW, sqlite3_step(select));
        sqlite3_finalize(select);
        assert_code(DUR_OK, dur_record_result(step, dur_integer(extended)), log);
        dur_close_run(run);
        assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
        for (int i = 0; i <= extended; i++)
            assert_int_equal(DUR_REPLAYED, dur_begin_step(run, "s", NULL, &step));
    }
    dur_close_run(run);
    dur_close(log);
}

static void read_and_grow_old(test_script *script)
{
    host_number(script->host->db, "SELECT count(*) FROM mine");
    host_run(script->host->other, "INSERT INTO mine VALUES (4)");
}

/* The same in a transaction that the host began by reading. */
static void law1_a_stale_snapshot_of_a_transaction(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log;

    host_run(host->db, "CREATE TABLE mine (x)");
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    log = host_log(host);
    script.before[2] = begin;
    script.inside[2] = read_and_grow_old;
    assert_code(DUR_STALE_READ, script_execute(&script, log), log);
    assert_int_equal(0, host->clock.sleeps);
    assert_int_equal(0, sqlite3_get_autocommit(host->db));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM mine"));
    host_run(host->db, "ROLLBACK");
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM mine"));
    script.before[2] = NULL;
    script.inside[2] = NULL;
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(2, script.rows_at_start); /* nothing is kept of a transaction that is undone */
    assert_bodies(&script, 1, 1, 2, 1);
    script_assert_done(&script, log);
    dur_close(log);
}

/* A run, and a log, begun on a stale snapshot. */
static void law1_nothing_begins_on_a_stale_snapshot(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_options options = host_options(host);
    dur_log *log = NULL;

    host_run(host->db, "CREATE TABLE mine (x)");
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    host_run(host->db, "BEGIN");
    read_and_grow_old(&script);
    assert_code(DUR_STALE_READ, dur_open(host->db, &options, &log), log);
    dur_close(log);
    host_run(host->db, "ROLLBACK");

    log = host_log(host);
    host_run(host->db, "BEGIN");
    read_and_grow_old(&script);
    assert_code(DUR_STALE_READ, script_execute(&script, log), log);
    assert_int_equal(0, script.passes);
    host_run(host->db, "ROLLBACK");
    assert_code(DUR_OK, script_execute(&script, log), log);
    script_assert_done(&script, log);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(law1_a_trigger_rolls_the_transaction_back),
        IN_EVERY_JOURNAL(law3_a_trigger_refuses_the_row),
        IN_EVERY_JOURNAL(law3_a_trigger_swallows_the_row),
        IN_EVERY_JOURNAL(law1_a_trigger_of_the_host_may_write),
        IN_EVERY_JOURNAL(law1_a_write_statement_half_stepped),
        IN_EVERY_JOURNAL(law3_a_result_kept_over_a_half_stepped_statement),
        IN_EVERY_JOURNAL(law1_nothing_begins_under_a_half_stepped_statement),
        IN_EVERY_JOURNAL(law1_a_select_half_stepped_is_harmless),
        IN_WAL(law1_a_stale_snapshot_of_a_select),
        IN_WAL(law1_a_stale_snapshot_of_a_transaction),
        IN_WAL(law1_nothing_begins_on_a_stale_snapshot),
    };

    return cmocka_run_group_tests_name("transaction", tests, NULL, NULL);
}
