/* test/api: a workflow that leaves its pass and goes on in the next one. */
#include "api/tally.h"

typedef struct leaving {
    test_tally tally;
    bool inside; /* dur_stop() in the body of the second step, else before it */
    bool ready;
} leaving;

static int leave_when_not_ready(dur_run *run, void *user)
{
    leaving *pass = user;
    const char *text = NULL;

    DUR_STEP(run, "first", text) {
        pass->tally.bodies++;
        text = "kept";
    }
    if (!pass->ready && !pass->inside) dur_stop(run, "the %s is not there, try %d", "printer", 7);
    DUR_STEP(run, "second") {
        pass->tally.bodies++;
        if (!pass->ready) dur_stop(run, "the %s is not there, try %d", "printer", 7);
    }
    assert_int_equal(pass->ready, dur_ok(run));
    dur_stop(NULL, "nobody");
    if (!pass->ready) dur_stop(run, "the second call does not count");
    dur_set_output(run, dur_text(text));
    return pass->ready ? 0 : 1;
}

/* Law 4: what was recorded stays, the rest is done later; the run has neither ended nor failed. */
static void law4_a_pass_is_left_and_the_run_goes_on(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    for (int inside = 0; inside < 2; inside++) {
        dur_run_info info = DUR_RUN_INFO_INIT;
        leaving pass = {tally_for(host), inside == 1, false};

        assert_code(DUR_STOPPED, dur_execute(log, "w", "r", NULL, leave_when_not_ready, &pass),
                    log);
        assert_string_equal("run \"r\": the printer is not there, try 7", dur_errmsg(log));
        assert_int_equal(1, count_rows(host));
        assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
        assert_int_equal(DUR_RUNNING, info.status);
        assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_claims"));

        pass.ready = true;
        assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, leave_when_not_ready, &pass), log);
        assert_int_equal(inside == 1 ? 3 : 2, pass.tally.bodies);
        assert_string_equal("kept", dur_as_text(dur_output(log)));
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    }
    assert_null(dur_as_text(dur_integer(5)));
    assert_null(dur_as_text(dur_blob("x", 1)));
    dur_close(log);
}

static int close_what_is_lent(dur_run *run, void *user)
{
    test_tally *tally = user;

    DUR_STEP(run, "first") tally->bodies++;
    dur_close_run(run);
    DUR_STEP(run, "second") tally->bodies++;
    return 0;
}

/* Law 9: dur_execute() closes the run itself; a workflow that does is told so and loses nothing. */
static void law9_a_workflow_closes_its_run(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_tally tally = tally_for(host);

    assert_code(DUR_MISUSE, dur_execute(log, "w", "r", NULL, close_what_is_lent, &tally), log);
    assert_has(dur_errmsg(log), "dur_close_run()");
    assert_int_equal(1, tally.bodies);
    assert_int_equal(1, count_rows(host));
    dur_close(log);
}

/* Law 9: an open step keeps the run from its end, and can still be recorded. */
static void law9_an_open_step_at_the_end(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_code(DUR_EXECUTE, dur_begin_step(run, "late", NULL, &step), log);
    assert_code(DUR_MISUSE, dur_complete_run(run, dur_null()), log);
    assert_has(dur_errmsg(log), "late");
    assert_has(dur_errmsg(log), "no call site");
    assert_code(DUR_OK, dur_record_result(step, dur_null()), log);
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), log);
    dur_close_run(run);
    dur_close(log);
}

static int fail_after_rollback(dur_run *run, void *user)
{
    test_tally *tally = user;

    host_run(tally->host->db, "BEGIN");
    DUR_STEP(run, "batch") dur_fail(run, "batch %d is bad", 2);
    host_run(tally->host->db, "ROLLBACK");
    return 1;
}

/* A reason that a ROLLBACK keeps from being recorded is at least told. */
static void law1_a_rollback_does_not_hide_the_failure(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_tally tally = tally_for(host);

    assert_code(DUR_ROLLED_BACK, dur_execute(log, "w", "r", NULL, fail_after_rollback, &tally),
                log);
    assert_has(dur_errmsg(log), "batch 2 is bad");
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(law4_a_pass_is_left_and_the_run_goes_on),
        IN_MEMORY(law9_a_workflow_closes_its_run),
        IN_MEMORY(law9_an_open_step_at_the_end),
        IN_MEMORY(law1_a_rollback_does_not_hide_the_failure),
    };

    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
