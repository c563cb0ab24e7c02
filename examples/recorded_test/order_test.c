/*
 * examples: recorded_test, the unit test of the workflow.
 *
 * Introduces the usage of: dur_assert_replays, dur_assert_recording, dur_assert_steps,
 * dur_assert_step_integer, dur_assert_status, dur_assert_output, dur_assert_step_count,
 * dur_testbench_script, dur_testbench_crash, dur_testbench_now.
 */
#include <durable_cmocka.h>

#include "order.h"

#define FIXTURE "fixtures/order-42.jsonl"

/* ---- The runs of yesterday ------------------------------------------------------------------ */

/* What this version would do is what was done: no card is charged, nothing is shipped. */
static void orders_that_were_begun_before_go_on(void **state)
{
    shop tea = {0, 0};

    (void)state;
    dur_assert_replays(FIXTURE, order, &tea);
    assert_int_equal(0, tea.charged + tea.shipped);
}

/* A recording is a log like any other: what happened then can be asked. */
static void an_order_was_charged_and_shipped(void **state)
{
    dur_log *log = dur_assert_recording(FIXTURE);

    (void)state;
    dur_assert_steps(log, "42", "charge", "cool-off", "ship", NULL);
    dur_assert_step_integer(log, "42", "charge", 1, 4711);
    dur_assert_status(log, "42", DUR_COMPLETED);
    dur_assert_output(log, "42", dur_integer(4711));
    dur_close(log);
}

/* ---- The runs of tomorrow ------------------------------------------------------------------- */

/* On a bench a day takes no time, and what a step comes to is the test's to say: the program is
 * killed before it records its first step, and starts again. */
static void an_order_cools_off_for_a_day(void **state)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_script charge = DUR_SCRIPT_INIT;
    dur_testbench *bench = NULL;
    shop tea = {0, 0};
    int64_t began;

    (void)state;
    start.input = dur_text("4242 4242 4242 4242");
    charge.value = dur_integer(17);
    assert_int_equal(DUR_OK, dur_testbench_open(NULL, NULL, &bench));
    began = dur_testbench_now(bench);
    assert_int_equal(DUR_OK, dur_testbench_register(bench, "order", order, &tea));
    assert_int_equal(DUR_OK, dur_testbench_script(bench, "charge", &charge));
    assert_int_equal(DUR_OK, dur_testbench_crash(bench, DUR_CRASH_BEFORE, 1));
    assert_int_equal(DUR_OK, dur_testbench_run(bench, "order", "43", &start));

    assert_true(dur_testbench_now(bench) - began >= ORDER_COOLS_OFF_MS);
    dur_assert_step_count(dur_testbench_log(bench), "43", "charge", 1);
    dur_assert_output(dur_testbench_log(bench), "43", dur_integer(17));
    assert_int_equal(1, tea.shipped);
    dur_testbench_close(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_that_were_begun_before_go_on),
        cmocka_unit_test(an_order_was_charged_and_shipped),
        cmocka_unit_test(an_order_cools_off_for_a_day),
    };

    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
