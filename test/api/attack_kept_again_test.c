/* test/api: law 3 once more: a kept result in a pass that is rolled back, beside another one, after
 * a try in a transaction; and what a stopped run was told before its result was recorded again. */
#include "api/script.h"

static dur_log *open_impatient(test_host *host)
{
    dur_options options = host_options(host);
    dur_log *log = NULL;

    if (!host->other) host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    options.busy_wait_ms = -1;
    assert_code(DUR_OK, dur_open(host->db, &options, &log), log);
    return log;
}

static dur_run *begin_run(dur_log *log, const char *id)
{
    dur_run *run = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", id, NULL, &run), log);
    return run;
}

static dur_step *begin(dur_run *run, const char *name)
{
    dur_step *step = NULL;

    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, name, NULL, &step));
    return step;
}

static void assert_replayed(dur_run *run, const char *name, int64_t value)
{
    dur_step *step = NULL;

    assert_int_equal(DUR_REPLAYED, dur_begin_step(run, name, NULL, &step));
    assert_int_equal(value, dur_step_value(step).as.integer);
}

static void lock(test_host *host)
{
    host_run(host->other, "BEGIN IMMEDIATE");
}

static void unlock(test_host *host)
{
    host_run(host->other, "COMMIT");
}

static void record_in_vain(dur_step *step, int64_t value)
{
    assert_int_equal(DUR_BUSY, dur_record_result(step, dur_integer(value)));
}

static void pass_once(dur_log *log)
{
    dur_run *run = begin_run(log, "r");

    assert_replayed(run, "a", 1);
    dur_close_run(run);
}

/* Law 3: a second pass finds the row that the first one wrote, in a transaction that is rolled back
 * with both. */
static void law3_a_kept_result_survives_two_passes(void **state)
{
    test_host *host = *state;
    dur_log *log = open_impatient(host);
    dur_run *run = begin_run(log, "r");
    dur_step *step = begin(run, "a");

    lock(host);
    record_in_vain(step, 1);
    dur_close_run(run);
    unlock(host);
    host_run(host->db, "BEGIN");
    for (int i = 0; i < 3; i++) pass_once(log);
    host_run(host->db, "ROLLBACK");
    pass_once(log);
    dur_close(log);
}

/* Law 3: two kept results of one run are both written by dur_close(). */
static void law3_close_writes_all_of_a_run(void **state)
{
    test_host *host = *state;
    dur_log *log = open_impatient(host);
    dur_run *run = begin_run(log, "r");
    dur_step *a = begin(run, "a"), *b = begin(run, "b");

    lock(host);
    record_in_vain(a, 1);
    record_in_vain(b, 2);
    dur_close_run(run);
    unlock(host);
    dur_close(log);
    assert_int_equal(2, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_claims"));
    log = open_impatient(host);
    run = begin_run(log, "r");
    assert_replayed(run, "a", 1);
    assert_replayed(run, "b", 2);
    dur_close_run(run);
    dur_close(log);
}

/* Law 3: first tried in a transaction of the host's, then outside it: from then on it is kept. */
static void law3_tried_outside_it_is_kept(void **state)
{
    test_host *host = *state;
    dur_log *log = open_impatient(host);
    dur_run *run = begin_run(log, "r");
    dur_step *step = begin(run, "a");

    lock(host);
    host_run(host->db, "BEGIN");
    record_in_vain(step, 1);
    host_run(host->db, "COMMIT");
    record_in_vain(step, 1);
    dur_close_run(run);
    unlock(host);
    pass_once(log);
    dur_close(log);
}

/* ---- Told while stopped ---------------------------------------------------------------------- */

static void tell_failure(dur_run *run)
{
    dur_fail(run, "no good");
}

static void tell_stop(dur_run *run)
{
    dur_stop(run, "not now");
}

static void tell_output(dur_run *run)
{
    assert_int_equal(DUR_BUSY, dur_set_output(run, dur_integer(7)));
}

/* Law 5: the run is not set going over what it did not hear, which the next pass says again. */
static void law5_what_a_stopped_run_is_told_is_not_lost(void **state)
{
    static void (*const tell[])(dur_run *) = {tell_failure, tell_stop, tell_output};
    static const char *const ids[] = {"fail", "stop", "output"};
    test_host *host = *state;
    dur_log *log = open_impatient(host);

    for (int i = 0; i < 3; i++) {
        dur_run *run = begin_run(log, ids[i]);
        dur_step *step = begin(run, "a");

        lock(host);
        record_in_vain(step, 1);
        tell[i](run);
        unlock(host);
        assert_int_equal(DUR_OK, dur_record_result(step, dur_integer(1)));
        assert_int_equal(DUR_BUSY, dur_run_code(run));
        assert_int_equal(DUR_BUSY, dur_complete_run(run, dur_null()));
        dur_close_run(run);
        run = begin_run(log, ids[i]);
        assert_replayed(run, "a", 1);
        dur_close_run(run);
    }
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(law3_a_kept_result_survives_two_passes),
        ON_DISK(law3_close_writes_all_of_a_run),
        ON_DISK(law3_tried_outside_it_is_kept),
        ON_DISK(law5_what_a_stopped_run_is_told_is_not_lost),
    };

    return cmocka_run_group_tests_name("attack_kept_again", tests, NULL, NULL);
}
