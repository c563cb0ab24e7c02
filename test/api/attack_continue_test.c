/* test/api: runs that end badly behind dur_continue_as_new(): they have no successor, and what they
 * have done is undone like that of any other. */
#include "api/meter.h"

static int undo_reading(dur_step *step, void *user)
{
    ((meter *)user)->undone++;
    return dur_record_result(step, dur_null());
}

static meter undone_meter_of(test_host *host)
{
    meter it = meter_of(host, 5);

    it.options.undo = undo_reading;
    it.options.user = NULL; /* set where it does not move any more */
    return it;
}

static int continue_and_fail(meter *it, dur_run *run)
{
    (void)it;
    assert_code(DUR_OK, dur_continue_as_new(run, dur_integer(1)), NULL);
    dur_fail(run, "it broke");
    return 0;
}

static void who_fails_behind_it_is_undone(void **state)
{
    meter it = undone_meter_of(*state);

    it.options.user = &it;
    it.finish = continue_and_fail;
    assert_code(DUR_FAILED, meter_execute(&it), it.log);
    assert_int_equal(1, it.undone);
    assert_int_equal(DUR_RUN_FAILED, meter_look(it.log, METER).status);
    assert_false(meter_exists(it.log, "meter~1"));
    assert_code(DUR_FAILED, meter_execute(&it), it.log); /* final */
    assert_int_equal(1, it.undone);
    dur_close(it.log);
}

static int continue_and_return_an_error(meter *it, dur_run *run)
{
    (void)it;
    assert_code(DUR_OK, dur_continue_as_new(run, dur_integer(1)), NULL);
    return 1;
}

static void who_returns_an_error_behind_it_is_undone(void **state)
{
    meter it = undone_meter_of(*state);

    it.options.user = &it;
    it.finish = continue_and_return_an_error;
    assert_code(DUR_FAILED, meter_execute(&it), it.log);
    assert_int_equal(1, it.undone);
    assert_false(meter_exists(it.log, "meter~1"));
    dur_close(it.log);
}

/* It hears of it in a wait, cleans up, and goes its usual way to the end. */
static int wait_and_continue(meter *it, dur_run *run)
{
    int code = dur_receive(run, "never", DUR_FOREVER, NULL);

    (void)it;
    if (code == DUR_SUSPENDED) return 0;
    assert_true(dur_cancelled(run));
    return dur_continue_as_new(run, dur_integer(1));
}

static void who_was_told_to_end_before_it_is_undone(void **state)
{
    meter it = undone_meter_of(*state);

    it.options.user = &it;
    it.finish = wait_and_continue;
    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    assert_code(DUR_OK, dur_cancel(it.log, METER), it.log);
    assert_code(DUR_CANCELLED, meter_execute(&it), it.log);
    assert_int_equal(1, it.undone);
    assert_int_equal(DUR_RUN_CANCELLED, meter_look(it.log, METER).status);
    assert_false(meter_exists(it.log, "meter~1"));
    dur_close(it.log);
}

static void whose_time_was_up_before_it_is_undone(void **state)
{
    meter it = undone_meter_of(*state);
    dur_start_options start = DUR_START_OPTIONS_INIT;

    it.options.user = &it;
    it.finish = wait_and_continue;
    start.deadline_ms = it.host->clock.now_ms + 1000;
    assert_code(DUR_OK, dur_start(it.log, "meter", METER, &start), it.log);
    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    fake_clock_advance(&it.host->clock, 1000);
    assert_code(DUR_TIMED_OUT, meter_execute(&it), it.log);
    assert_int_equal(1, it.undone);
    assert_false(meter_exists(it.log, "meter~1"));
    dur_close(it.log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(who_fails_behind_it_is_undone),
        IN_MEMORY(who_returns_an_error_behind_it_is_undone),
        IN_MEMORY(who_was_told_to_end_before_it_is_undone),
        IN_MEMORY(whose_time_was_up_before_it_is_undone),
    };

    return cmocka_run_group_tests_name("api.attack_continue", tests, NULL, NULL);
}
