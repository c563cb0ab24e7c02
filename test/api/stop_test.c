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

int main(void)
{
    const struct CMUnitTest tests[] = {IN_MEMORY(law4_a_pass_is_left_and_the_run_goes_on)};

    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
