/* test/api: a host that gets in the way: by its authorizer, by sqlite3_interrupt(), by what it has
 * attached, and by calling back. */
#include "api/script.h"

#include <stdio.h>

/* ---- An authorizer that ignores -------------------------------------------------------------- */

static int ignore_inserts(void *user, int action, const char *table, const char *a, const char *b,
                          const char *c)
{
    (void)a, (void)b, (void)c;
    return action == SQLITE_INSERT && strcmp(table, user) == 0 ? SQLITE_IGNORE : SQLITE_OK;
}

static void ignore_steps(test_script *script)
{
    static char table[] = "durable_steps";

    sqlite3_set_authorizer(script->host->db, ignore_inserts, table);
}

static void ignore_nothing(sqlite3 *db)
{
    static char table[] = "no such table";

    sqlite3_set_authorizer(db, ignore_inserts, table);
}

static void assert_tells_why(const char *message)
{
    if (strstr(message, "no effect") == NULL) assert_has(message, "authorizer");
}

static void ignored_step(test_script *script, dur_log *log)
{
    script->inside[1] = ignore_steps;
    assert_code(DUR_DATABASE, script_execute(script, log), log);
    assert_tells_why(dur_errmsg(log));
    assert_bodies(script, 1, 1, 0, 0);
    assert_int_equal(1, script_rows(script));
}

static void assert_kept_is_written(test_script *script, dur_log *log)
{
    assert_code(DUR_OK, script_execute(script, log), log);
    assert_int_equal(2, script->rows_at_start);
    assert_bodies(script, 1, 1, 1, 1);
    script_assert_done(script, log);
}

/* Law 3: an INSERT that SQLite was told to ignore has recorded nothing, and says so. */
static void law3_an_ignored_insert_is_not_recorded(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    ignored_step(&script, log);
    assert_code(DUR_DATABASE, script_execute(&script, log), log);
    assert_int_equal(1, script.passes);
    ignore_nothing(host->db);
    assert_kept_is_written(&script, log);
    dur_close(log);
}

/* … and is recorded once there is no authorizer, which SQLite does not tell its statements. */
static void law3_an_authorizer_is_taken_away(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    ignored_step(&script, log);
    sqlite3_set_authorizer(host->db, NULL, NULL);
    assert_kept_is_written(&script, log);
    dur_close(log);
}

/* Law 6: a run or a claim that was ignored is not started. */
static void law6_an_ignored_claim_is_no_claim(void **state)
{
    static char tables[][16] = {"durable_runs", "durable_claims"};
    test_host *host = *state;

    for (int i = 0; i < 2; i++) {
        test_script script = script_for(host);
        dur_log *log = host_log(host);

        sqlite3_set_authorizer(host->db, ignore_inserts, tables[i]);
        assert_int_not_equal(DUR_OK, script_execute(&script, log));
        assert_tells_why(dur_errmsg(log));
        assert_int_equal(0, script.passes);
        ignore_nothing(host->db);
        assert_code(DUR_OK, script_execute(&script, log), log);
        script_assert_done(&script, log);
        dur_close(log);
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    }
}

/* ---- An interrupt with a cursor open --------------------------------------------------------- */

static void interrupt(void *user)
{
    sqlite3_interrupt(user);
}

static sqlite3_stmt *read_first(sqlite3 *db)
{
    sqlite3_stmt *cursor = NULL;

    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(db, "SELECT x FROM mine", -1, &cursor, NULL));
    assert_int_equal(SQLITE_ROW, sqlite3_step(cursor));
    return cursor;
}

/* Law 1: a reader makes our COMMIT wait, and the wait is interrupted while the host iterates, which
 * leaves SQLite interrupted. The transaction that we began must not stay behind. */
static void law1_an_interrupt_leaves_no_transaction(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    sqlite3_stmt *cursor;

    host_run(host->db, "CREATE TABLE mine (x); INSERT INTO mine VALUES (1), (2), (3)");
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    host_run(host->other, "BEGIN; SELECT * FROM mine");
    cursor = read_first(host->db);
    host->clock.on_sleep = interrupt;
    host->clock.on_sleep_user = host->db;
    assert_int_not_equal(DUR_OK, script_execute(&script, log));
    assert_int_equal(1, sqlite3_get_autocommit(host->db));
    sqlite3_finalize(cursor);
    assert_int_equal(0, host_active_statements(host->db));
    host->clock.on_sleep = NULL;

    host_run(host->other, "COMMIT");
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 1, 1, 1);
    host_run(host->db, "INSERT INTO mine VALUES (4)");
    assert_int_equal(SCRIPT_STEPS,
                     host_number(host->other, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(4, host_number(host->other, "SELECT count(*) FROM mine"));
    dur_close(log);
}

/* ---- Another database, attached -------------------------------------------------------------- */

/* Somebody writes to a database that the log does not live in. */
static sqlite3 *write_elsewhere(const char *path)
{
    sqlite3 *db = NULL;

    assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
    host_run(db, "BEGIN IMMEDIATE; INSERT INTO theirs VALUES (1)");
    return db;
}

static void make_long_run(dur_log *log, fake_clock *clock)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_run *run = NULL;
    dur_step *step = NULL;

    options.lease_ms = 7200000;
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    for (int i = 0; i < 3; i++) {
        assert_code(DUR_EXECUTE, dur_begin_step(run, "s", i == 2 ? &options : NULL, &step), log);
        fake_clock_advance(clock, 400000); /* more than half of the lease */
        assert_code(DUR_OK, dur_record_result(step, dur_integer(i)), log);
    }
    dur_close_run(run);
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    for (int i = 0; i < 3; i++)
        assert_code(DUR_REPLAYED, dur_begin_step(run, "s", i == 2 ? &options : NULL, &step), log);
    assert_code(DUR_OK, dur_complete_run(run, dur_text("done")), log);
    dur_close_run(run);
}

/* Law 1: only the log's own database is locked, from the start of a run to its end. */
static void law1_other_databases_are_not_locked(void **state)
{
    test_host *host = *state;
    char path[256];

    snprintf(path, sizeof path, "%s/other.db", host->directory);
    host_run(host->db, "ATTACH %Q AS other", path);
    if (host->journal == HOST_WAL) host_run(host->db, "PRAGMA other.journal_mode = WAL");
    host_run(host->db, "CREATE TABLE main.theirs (x); CREATE TABLE other.theirs (x)");
    for (int i = 0; i < 2; i++) {
        dur_options options = host_options(host);
        dur_log *log = NULL;
        sqlite3 *writer;

        options.schema = i == 0 ? "main" : "other";
        options.busy_wait_ms = -1;
        assert_code(DUR_OK, dur_open(host->db, &options, &log), log);
        writer = write_elsewhere(i == 0 ? path : host->path);
        make_long_run(log, &host->clock);
        host_run(writer, "COMMIT");
        assert_int_equal(SQLITE_OK, sqlite3_close(writer));
        dur_close(log);
    }
}

/* ---- A sleep that calls back ----------------------------------------------------------------- */

typedef struct event_loop {
    test_host *host;
    dur_log *log;
    dur_run *run;
    dur_step *step; /* of the other run */
    int turns;
} event_loop;

static int never(dur_run *run, void *user)
{
    (void)run, (void)user;
    fail();
    return 0;
}

static void turn(void *user)
{
    event_loop *loop = user;
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_run *run = NULL;
    dur_step *step = NULL;

    loop->turns++;
    host_run(loop->host->other, "ROLLBACK");
    assert_int_equal(DUR_MISUSE, dur_record_result(loop->step, dur_integer(2)));
    assert_int_equal(DUR_MISUSE, dur_begin_step(loop->run, "one more", NULL, &step));
    assert_int_equal(DUR_MISUSE, dur_execute(loop->log, "w", "new", NULL, never, NULL));
    assert_int_equal(DUR_MISUSE, dur_begin_run(loop->log, "w", "new", NULL, &run));
    assert_int_equal(DUR_MISUSE, dur_read_run(loop->log, "the-run", &info));
    assert_int_equal(DUR_MISUSE, dur_complete_run(loop->run, dur_null()));
    assert_null(run);
    assert_null(step);
}

static void lock(test_script *script)
{
    host_run(script->host->other, "BEGIN IMMEDIATE");
}

/* Law 9: who sleeps for the library cannot use the log meanwhile; it is told, nothing is harmed. */
static void law9_a_sleep_that_calls_the_log(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    event_loop loop = {host, host_log(host), NULL, NULL, 0};

    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_code(DUR_OK, dur_begin_run(loop.log, "w", "other", NULL, &loop.run), loop.log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(loop.run, "o", NULL, &loop.step));
    host->clock.on_sleep = turn;
    host->clock.on_sleep_user = &loop;
    script.inside[1] = lock;
    assert_code(DUR_OK, script_execute(&script, loop.log), loop.log);
    assert_int_equal(1, loop.turns);
    assert_bodies(&script, 1, 1, 1, 1);
    script_assert_done(&script, loop.log);
    dur_close_run(loop.run);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_runs "
                                              "WHERE id = 'new'"));
    dur_close(loop.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(law3_an_ignored_insert_is_not_recorded),
        IN_EVERY_JOURNAL(law3_an_authorizer_is_taken_away),
        IN_EVERY_JOURNAL(law6_an_ignored_claim_is_no_claim),
        ON_DISK(law1_other_databases_are_not_locked),
        HOST_TEST_(law1_an_interrupt_leaves_no_transaction, "rollback", host_with_rollback),
        ON_DISK(law9_a_sleep_that_calls_the_log),
    };

    return cmocka_run_group_tests_name("attack_host", tests, NULL, NULL);
}
