/* test/api: law 3, others hold the write lock: waited for; then the result is kept, and is written
 * first when the run is executed again. */
#include "api/lock.h"

static int count_tries(void *user, int tries)
{
    (void)tries;
    ++*(int *)user;
    return 0;
}

/* Law 3: the library waits its own time, keeps the result, and writes it before anything else. */
static void law3_a_busy_database_keeps_the_result(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.inside[2] = lock;
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    assert_has(dur_errmsg(log), "the-run");
    assert_has(dur_errmsg(log), "third");
    assert_int_equal(SQLITE_BUSY, dur_sqlite_errcode(log) & 0xff);
    assert_true(host->clock.sleeps > 1);
    assert_true(host->clock.slept_ms >= 5000);
    assert_bodies(&script, 1, 1, 1, 0);
    assert_int_equal(2, script_rows(&script));

    unlock(host);
    assert_int_equal(2, script_rows(&script));
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(3, script.rows_at_start);
    assert_bodies(&script, 1, 1, 1, 1);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 3, by the verbs: one call waits once, for as long as the options say. */
static void law3_one_call_waits_for_its_time(void **state)
{
    static const int64_t waits[] = {0, 1, 700, -1};
    static const int64_t expected[] = {5000, 1, 700, 0};
    test_host *host = with_other(state);
    test_script script = script_for(host);

    for (size_t i = 0; i < 4; i++) {
        dur_options options = host_options(host);
        dur_log *log = NULL;
        dur_run *run = NULL;
        dur_step *step = NULL;

        options.busy_wait_ms = waits[i];
        assert_code(DUR_OK, dur_open(host->db, &options, &log), log);
        assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
        for (size_t replayed = 0; replayed < i; replayed++)
            assert_int_equal(DUR_REPLAYED, dur_begin_step(run, "s", NULL, &step));
        assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "s", NULL, &step));
        lock(&script);
        host->clock.slept_ms = host->clock.sleeps = 0;
        assert_code(DUR_BUSY, dur_record_result(step, dur_integer(1)), log);
        assert_in_range(host->clock.slept_ms, expected[i], expected[i] + expected[i] / 2);
        assert_int_equal(DUR_BUSY, dur_run_code(run));
        unlock(host);
        assert_code(DUR_OK, dur_record_result(step, dur_integer(1)), log);
        dur_close_run(run);
        dur_close(log);
    }
}

/* Law 3: who waits gets on as soon as the other lets go. */
static void let_go(void *user)
{
    test_host *host = user;

    if (host->clock.sleeps == 3) unlock(host);
}

static void law3_waiting_ends_when_the_lock_is_free(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    host->clock.on_sleep = let_go;
    host->clock.on_sleep_user = host;
    script.inside[1] = lock;
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(3, host->clock.sleeps);
    assert_true(host->clock.slept_ms < 5000);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 1: the host's own timeout and handler act first, and are still there afterwards. */
static void law1_busy_timeout_and_handler_stay(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    int tries = 0;

    sqlite3_busy_timeout(host->db, 3);
    script.inside[1] = lock;
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    assert_int_equal(3, host_number(host->db, "PRAGMA busy_timeout"));
    assert_true(host->clock.slept_ms >= 5000);

    sqlite3_busy_handler(host->db, count_tries, &tries);
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    assert_true(tries > 0);
    tries = 0;
    assert_int_equal(SQLITE_BUSY,
                     sqlite3_exec(host->db, "INSERT INTO mine VALUES (2)", NULL, NULL, NULL));
    assert_int_equal(1, tries);
    sqlite3_busy_handler(host->db, NULL, NULL);
    unlock(host);
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 1, 1, 1);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 3: no handler is installed where there was none. */
static void law1_no_busy_handler_is_left(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.inside[1] = lock;
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    host->clock.sleeps = 0;
    assert_int_equal(SQLITE_BUSY,
                     sqlite3_exec(host->db, "INSERT INTO mine VALUES (2)", NULL, NULL, NULL));
    assert_int_equal(0, host->clock.sleeps);
    assert_int_equal(0, host_number(host->db, "PRAGMA busy_timeout"));
    dur_close(log);
}

/* Nothing begins, and nothing is lost, while somebody has the database for himself. */
static void law3_an_exclusive_lock(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_options options = host_options(host);
    dur_log *log = NULL;

    host_run(host->other, "BEGIN EXCLUSIVE; INSERT INTO mine VALUES (1)");
    assert_code(DUR_BUSY, dur_open(host->db, &options, &log), log);
    assert_non_null(log);
    assert_code(DUR_BUSY, script_execute(&script, log), log); /* as the header says of errors */
    dur_close(log);
    unlock(host);

    log = host_log(host);
    host_run(host->other, "BEGIN EXCLUSIVE; INSERT INTO mine VALUES (1)");
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    assert_int_equal(0, script.passes);
    unlock(host);
    assert_code(DUR_OK, script_execute(&script, log), log);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 3: dur_complete_run() may be called again. */
static void law3_completing_a_run_again(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    dur_run *run = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    lock(&script);
    assert_code(DUR_BUSY, dur_complete_run(run, dur_text("output")), log);
    unlock(host);
    assert_code(DUR_OK, dur_complete_run(run, dur_text("output")), log);
    assert_code(DUR_MISUSE, dur_complete_run(run, dur_text("output")), log);
    dur_close_run(run);
    assert_code(DUR_REPLAYED, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_string_equal("output", dur_output(log).as.bytes);
    dur_close(log);
}

/* Law 3: a failure is kept like a result. */
static int fail_under_lock(dur_run *run, void *user)
{
    test_script *script = user;

    script->passes++;
    DUR_STEP(run, "doomed") {
        script->bodies[0]++;
        dur_fail(run, "no luck");
        script_do(script, &script->inside[0]);
    }
    if (dur_run_code(run) == DUR_OK) assert_has(dur_catch(run), "no luck");
    return 0;
}

static void law3_a_failure_is_kept_too(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.inside[0] = lock;
    assert_code(DUR_BUSY, dur_execute(log, "w", "r", NULL, fail_under_lock, &script), log);
    unlock(host);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, fail_under_lock, &script), log);
    assert_int_equal(1, script.bodies[0]);
    assert_int_equal(1, script_rows(&script));
    dur_close(log);
}

/* Law 3: several results are kept, of several open steps and of several runs. */
static void law3_several_results_are_kept(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    dur_run *runs[2] = {NULL, NULL};
    dur_step *steps[2][2];

    for (int r = 0; r < 2; r++) {
        const char *id = r ? "right" : "left";

        assert_code(DUR_OK, dur_begin_run(log, "w", id, NULL, &runs[r]), log);
        for (int s = 0; s < 2; s++)
            assert_int_equal(DUR_EXECUTE, dur_begin_step(runs[r], "s", NULL, &steps[r][s]));
    }
    lock(&script);
    for (int r = 0; r < 2; r++) {
        for (int s = 0; s < 2; s++)
            assert_code(DUR_BUSY, dur_record_result(steps[r][s], dur_integer(10 * r + s)), log);
        dur_close_run(runs[r]);
    }
    unlock(host);
    for (int r = 0; r < 2; r++) {
        dur_step *step = NULL;

        assert_code(DUR_OK, dur_begin_run(log, "w", r ? "right" : "left", NULL, &runs[r]), log);
        for (int s = 0; s < 2; s++) {
            assert_int_equal(DUR_REPLAYED, dur_begin_step(runs[r], "s", NULL, &step));
            assert_int_equal(10 * r + s, dur_step_value(step).as.integer);
        }
        dur_close_run(runs[r]);
    }
    dur_close(log);
}

/* dur_close() gives what was kept one last try. */
static void law3_close_tries_once_more(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.inside[2] = lock;
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    unlock(host);
    dur_close(log);
    assert_int_equal(3, script_rows(&script));
    log = host_log(host);
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 1, 1, 1);
    dur_close(log);
}

/* … also for a run that is open still. */
static void law3_close_tries_once_more_for_open_runs(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "s", NULL, &step));
    lock(&script);
    assert_code(DUR_BUSY, dur_record_result(step, dur_text("kept")), log);
    unlock(host);
    dur_close(log);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps "
                                              "WHERE value = 'kept'"));
    dur_close_run(run);
    log = host_log(host);
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_int_equal(0, host->clock.owner_questions); /* the claim was given back */
    dur_close_run(run);
    dur_close(log);
}

/* A kept result of an owner who has lost the run meanwhile must not be written. */
static void law6_a_kept_result_of_a_lost_run(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host), second = script_for(host);
    dur_log *log = host_log(host), *thief;
    sqlite3 *db = host->db;

    script.inside[1] = lock;
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    unlock(host);
    host->clock.owner_alive = DUR_OWNER_DEAD;
    host->db = host->other;
    thief = host_log(host);
    assert_code(DUR_OK, script_execute(&second, thief), thief);
    script_assert_done(&second, thief);
    assert_bodies(&second, 0, 1, 1, 1);
    dur_close(thief);
    host->db = db;
    assert_code(DUR_OK, script_execute(&script, log), log); /* completed: by the other one */
    assert_int_equal(1, script.passes);
    assert_int_equal(SCRIPT_STEPS, script_rows(&script));
    dur_close(log);
}

/* … nor when that other one has only recorded something else there, and left. */
static void law4_a_kept_result_of_a_position_that_is_taken(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host), *thief;
    sqlite3 *db = host->db;
    dur_run *run = NULL;
    dur_step *step = NULL;

    script.inside[1] = lock;
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    unlock(host);
    host->clock.owner_alive = DUR_OWNER_DEAD;
    host->db = host->other;
    thief = host_log(host);
    assert_code(DUR_OK, dur_begin_run(thief, "script", "the-run", NULL, &run), thief);
    assert_int_equal(DUR_REPLAYED, dur_begin_step(run, "first", NULL, &step));
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "second", NULL, &step));
    assert_code(DUR_OK, dur_record_result(step, dur_integer(999)), thief);
    dur_close_run(run);
    dur_close(thief);
    host->db = db;
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(2, script.rows_at_start);
    assert_int_equal(999, script.values[1]);
    assert_bodies(&script, 1, 1, 1, 1);
    dur_close(log);
}

/* Busy inside the host's transaction: the transaction stays the host's. */
static void law1_busy_in_a_transaction(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "s", NULL, &step));
    host_run(host->db, "BEGIN");
    lock(&script);
    assert_code(DUR_BUSY, dur_record_result(step, dur_integer(1)), log);
    assert_int_equal(0, sqlite3_get_autocommit(host->db));
    unlock(host);
    assert_code(DUR_OK, dur_record_result(step, dur_integer(1)), log);
    host_run(host->db, "COMMIT");
    dur_close_run(run);
    assert_int_equal(1, host_number(host->other, "SELECT count(*) FROM durable_steps"));
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(law3_a_busy_database_keeps_the_result),
        ON_DISK(law3_one_call_waits_for_its_time),
        ON_DISK(law3_waiting_ends_when_the_lock_is_free),
        ON_DISK(law1_busy_timeout_and_handler_stay),
        ON_DISK(law1_no_busy_handler_is_left),
        ON_DISK(law3_an_exclusive_lock),
        ON_DISK(law3_completing_a_run_again),
        ON_DISK(law3_a_failure_is_kept_too),
        ON_DISK(law3_several_results_are_kept),
        ON_DISK(law3_close_tries_once_more),
        ON_DISK(law3_close_tries_once_more_for_open_runs),
        ON_DISK(law6_a_kept_result_of_a_lost_run),
        ON_DISK(law4_a_kept_result_of_a_position_that_is_taken),
        ON_DISK(law1_busy_in_a_transaction),
    };

    return cmocka_run_group_tests_name("busy", tests, NULL, NULL);
}
