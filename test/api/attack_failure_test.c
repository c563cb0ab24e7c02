/* test/api: failures that come at an odd time are not swallowed, and are no divergence. */
#include "api/pass.h"
#include "api/tally.h"

/* ---- dur_fail() in a step's function --------------------------------------------------------- */

typedef struct burning {
    dur_run *run;
    int bodies;
} burning;

static int fail_then_record(dur_step *step, void *user)
{
    burning *work = user;
    int code;

    work->bodies++;
    dur_fail(work->run, "disk %d on fire", 3);
    code = dur_record_result(step, dur_integer(1));
    return code < 0 ? code : 0;
}

static int record_then_fail(dur_step *step, void *user)
{
    burning *work = user;
    int code = dur_record_result(step, dur_integer(1));

    work->bodies++;
    dur_fail(work->run, "disk %d on fire", 3);
    return code;
}

static void fail_and_catch(dur_run *run, void *user)
{
    burning *work = user;
    dur_value value = dur_integer(7);
    dur_step *step = NULL;

    work->run = run;
    assert_int_equal(DUR_FAILED,
                     dur_replay_or_run(run, "write", NULL, fail_then_record, work, &value));
    assert_false(dur_ok(run));
    assert_has(dur_catch(run), "disk 3 on fire");
    assert_true(dur_ok(run));
    if (dur_begin_step(run, "go on", NULL, &step) == DUR_EXECUTE) record(step, 2);
    assert_int_equal(2, dur_step_position(step));
}

/* Section 4: said before the result, it is the step's failure, live and replayed. */
static void law4_a_failure_before_the_result_is_the_steps(void **state)
{
    test_host *host = *state;
    burning work = {NULL, 0};

    for (int pass = 0; pass < 2; pass++) {
        make_pass(host, fail_and_catch, &work, DUR_OK);
        assert_int_equal(1, work.bodies);
        assert_int_equal(2, count_rows(host));
        assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps_view WHERE "
                                                  "position = 1 AND outcome = 'failure'"));
    }
}

static int burn(dur_run *run, void *user)
{
    burning *work = user;
    dur_value value = dur_null();

    work->run = run;
    if (dur_replay_or_run(run, "write", NULL, record_then_fail, work, &value) == DUR_OK)
        assert_int_equal(1, value.as.integer);
    DUR_STEP(run, "after") work->bodies += 100;
    return 0;
}

/* Section 4: said after the result, which is final, it is the run's. */
static void law4_a_failure_after_the_result_is_the_runs(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    burning work = {NULL, 0};

    for (int pass = 0; pass < 2; pass++) {
        assert_code(DUR_FAILED, dur_execute(log, "w", "r", NULL, burn, &work), log);
        assert_has(dur_errmsg(log), "disk 3 on fire");
        assert_int_equal(1, work.bodies);
        assert_int_equal(1, count_rows(host));
        assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps_view WHERE "
                                                  "outcome = 'result' AND value = 1"));
    }
    dur_close(log);
}

/* ---- A failure before an open step ----------------------------------------------------------- */

/* A has failed, C is recorded, and the process dies before B is. */
static void crash_with_a_gap(test_host *host)
{
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    dur_step *a = begin(run, "A", DUR_EXECUTE), *c;

    begin(run, "B", DUR_EXECUTE);
    c = begin(run, "C", DUR_EXECUTE);
    assert_int_equal(DUR_OK, dur_record_failure(a, "A failed"));
    record(c, 3);
    dur_close_run(run);
    dur_close(log);
    assert_int_equal(2, count_rows(host));
}

static int begin_three(dur_run *run, void *user)
{
    static const char *const names[] = {"A", "B", "C"};
    const bool *caught = user;
    dur_step *steps[3];
    int codes[3];

    for (int i = 0; i < 3; i++) {
        codes[i] = dur_begin_step(run, names[i], NULL, &steps[i]);
        if (*caught && codes[i] == DUR_FAILED) assert_has(dur_catch(run), "A failed");
    }
    if (codes[0] == DUR_EXECUTE && dur_record_failure(steps[0], "A failed") == DUR_OK && *caught)
        assert_has(dur_catch(run), "A failed");
    for (int i = 1; i < 3; i++)
        if (codes[i] == DUR_EXECUTE) (void)dur_record_result(steps[i], dur_integer(i + 1));
    return 0;
}

static void assert_ended(dur_log *log, const char *run_id, bool caught)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(caught ? DUR_OK : DUR_FAILED,
                dur_execute(log, "w", run_id, NULL, begin_three, &caught), log);
    assert_null(dur_get_divergence(log));
    if (!caught) assert_has(dur_errmsg(log), "A failed");
    assert_code(DUR_OK, dur_read_run(log, run_id, &info), log);
    assert_int_equal(caught ? DUR_COMPLETED : DUR_RUN_FAILED, info.status);
}

/* Law 5: the resumed run ends as it would have without the crash. Recorded steps after the one that
 * is still to be executed are no sign of changed code. */
static void law5_a_failure_before_an_open_step(void **state)
{
    test_host *host = *state;

    for (int caught = 0; caught < 2; caught++) {
        dur_log *log;

        crash_with_a_gap(host);
        log = host_log(host);
        assert_ended(log, "r", caught == 1);
        assert_ended(log, "without a crash", caught == 1);
        dur_close(log);
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(law4_a_failure_before_the_result_is_the_steps),
        IN_MEMORY(law4_a_failure_after_the_result_is_the_runs),
        IN_MEMORY(law5_a_failure_before_an_open_step),
    };

    return cmocka_run_group_tests_name("attack_failure", tests, NULL, NULL);
}
