/* test/conformance: waiting for a time. */
#include "conformance/stage.h"

#define HOUR_MS ((int64_t)3600000)
#define DAY_MS (24 * HOUR_MS)

/* Waits as long as the input says. */
static int wait_once(dur_run *run, void *user)
{
    stage *it = user;

    if (dur_sleep(run, "custom_wait_name", dur_input(run).as.integer) != DUR_OK) return 0;
    stage_tell(it, "rested");
    return 0;
}

/* The wait's name and its end are in the log while nobody holds the run; then it is over. */
static void r2_2_a_wait_has_the_name_it_was_given(void **state)
{
    stage *it = *state;

    stage_begin(it, wait_once, dur_integer(2000));
    stage_next(it);
    assert_pending(it, "1 timer custom_wait_name #0 wakes 2000 NULL NULL\n");
    assert_steps(it, "");
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n2000: rested = DUR_OK\n");
    assert_completed(it, "NULL", "1 timer custom_wait_name result NULL /1\n");
}

/* A minute is 60 s, an hour 3600: a millisecond before nothing happens. Durations have one unit. */
static void r2_4_a_wait_is_as_long_as_it_was_to_be(void **state)
{
    stage *it = *state;

    stage_begin(it, wait_once, dur_integer(60000));
    stage_next(it);
    assert_pending(it, "1 timer custom_wait_name #0 wakes 60000 NULL NULL\n");
    assert_int_equal(60000, stage_idle(it));
    stage_advance(it, 59999);
    assert_int_equal(1, stage_idle(it));
    stage_advance(it, 1);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n60000: rested = DUR_OK\n");
    assert_completed(it, "NULL", "1 timer custom_wait_name result NULL /1\n");
}

/* Beyond: ten years are a wait like others, through a process that ends meanwhile. */
static void beyond_a_wait_of_ten_years(void **state)
{
    stage *it = *state;

    stage_begin(it, wait_once, dur_integer(3650 * DAY_MS));
    stage_next(it);
    stage_restart(it);
    assert_int_equal(3650 * DAY_MS, stage_idle(it));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n315360000000: rested = DUR_OK\n");
    assert_completed(it, "NULL", "1 timer custom_wait_name result NULL /1\n");
}

/* Beyond: no time, or one that has passed, is no suspension, but a row all the same. */
static void beyond_a_wait_of_no_length_is_over_at_once(void **state)
{
    stage *it = *state;

    stage_begin(it, wait_once, dur_integer(it->by_worker ? 0 : -5));
    stage_next(it);
    assert_story(it, "0: rested = DUR_OK\n");
    assert_completed(it, "NULL", "1 timer custom_wait_name result NULL /1\n");
}

/* Beyond: who comes late goes on at once, and the lateness is not added to anything. */
static void beyond_a_late_worker_goes_on_at_once(void **state)
{
    stage *it = *state;

    stage_begin(it, wait_once, dur_integer(2000));
    stage_next(it);
    stage_advance(it, DAY_MS);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n86400000: rested = DUR_OK\n");
    assert_completed(it, "NULL", "1 timer custom_wait_name result NULL /1\n");
}

/* ---- Several ------------------------------------------------------------------------------- */

static int wait_three_times(dur_run *run, void *user)
{
    static const int64_t durations_ms[] = {1000, 2000, 3000};
    stage *it = user;

    for (int i = 0; i < 3; i++) {
        if (dur_sleep(run, "wait", durations_ms[i]) != DUR_OK) return 0;
        stage_tell(it, "rested");
    }
    return 0;
}

/* Beyond: each wait of a row begins where the one before it ended, in a pass of its own; they need
 * no name of their own. */
static void beyond_waits_follow_each_other(void **state)
{
    stage *it = *state;

    stage_begin(it, wait_three_times, dur_null());
    stage_next(it);
    assert_pending(it, "1 timer wait #0 wakes 1000 NULL NULL\n");
    stage_next(it);
    assert_pending(it, "2 timer wait #0 wakes 3000 NULL NULL\n");
    stage_next(it);
    assert_pending(it, "3 timer wait #0 wakes 6000 NULL NULL\n");
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n1000: rested = DUR_SUSPENDED\n"
                     "3000: rested rested = DUR_SUSPENDED\n"
                     "6000: rested rested rested = DUR_OK\n");
    assert_completed(it, "NULL",
                     "1 timer wait result NULL /1\n2 timer wait result NULL /1\n"
                     "3 timer wait result NULL /1\n");
}

static int wait_between_steps(dur_run *run, void *user)
{
    stage *it = user;
    int64_t drawn = 0, doubled = 0;

    if (dur_sleep(run, "first", 1000) != DUR_OK) return 0;
    DUR_STEP(run, "draw", drawn) {
        stage_body(it, "draw");
        drawn = 21;
    }
    if (dur_sleep(run, "second", HOUR_MS) != DUR_OK) return 0;
    DUR_STEP(run, "double", doubled) {
        stage_body(it, "double");
        doubled = 2 * drawn;
    }
    dur_set_output(run, dur_integer(doubled));
    return 0;
}

/* Beyond: waits and steps take turns. */
static void beyond_waits_and_steps_take_turns(void **state)
{
    stage *it = *state;

    stage_begin(it, wait_between_steps, dur_null());
    stage_run_on(it);
    assert_story(it, "0: = DUR_SUSPENDED\n1000: draw = DUR_SUSPENDED\n3601000: double = DUR_OK\n");
    assert_completed(it, "42",
                     "1 timer first result NULL /1\n2 step draw result 21 /1\n"
                     "3 timer second result NULL /1\n4 step double result 42 /1\n");
}

/* ---- The clock ----------------------------------------------------------------------------- */

static int wait_until_noon(dur_run *run, void *user)
{
    stage *it = user;

    if (dur_sleep_until(run, "noon", FAKE_CLOCK_START_MS + 12 * HOUR_MS) != DUR_OK) return 0;
    stage_tell(it, "noon");
    if (dur_sleep_until(run, "morning", FAKE_CLOCK_START_MS + 8 * HOUR_MS) != DUR_OK) return 0;
    stage_tell(it, "past");
    return 0;
}

/* Beyond: a wait until a time of day; one that has passed is over. */
static void beyond_a_wait_until_a_time(void **state)
{
    stage *it = *state;

    stage_begin(it, wait_until_noon, dur_null());
    stage_run_on(it);
    assert_story(it, "0: = DUR_SUSPENDED\n43200000: noon past = DUR_OK\n");
    assert_completed(it, "NULL",
                     "1 timer noon result NULL /1\n2 timer morning result NULL /1\n");
}

static int wait_for_number(dur_run *run, void *user)
{
    stage *it = user;

    if (dur_sleep(run, "wait", it->number) != DUR_OK) return 0;
    stage_tell(it, "rested");
    return 0;
}

/* Beyond: the end is fixed when the wait begins: by no clock that is set back, and by no new code
 * that asks for another duration, is it moved. */
static void beyond_the_end_of_a_wait_does_not_move(void **state)
{
    stage *it = *state;

    it->number = 10000;
    stage_begin(it, wait_for_number, dur_null());
    stage_next(it);
    stage_advance(it, -HOUR_MS);
    it->number = 1;
    assert_int_equal(HOUR_MS + 10000, stage_idle(it));
    stage_restart(it);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n10000: rested = DUR_OK\n");
    assert_completed(it, "NULL", "1 timer wait result NULL /1\n");
}

/* Beyond: a short wait may be slept through where the host allows it, with the same rows. */
static void beyond_a_short_wait_is_slept_through(void **state)
{
    stage *it = *state;

    it->options.sleep_max_ms = 2500;
    stage_begin(it, wait_three_times, dur_null());
    stage_run_on(it);
    assert_story(it, "0: rested rested = DUR_SUSPENDED\n6000: rested rested rested = DUR_OK\n");
    assert_int_equal(3000, it->host.clock.slept_ms);
    assert_completed(it, "NULL",
                     "1 timer wait result NULL /1\n2 timer wait result NULL /1\n"
                     "3 timer wait result NULL /1\n");
}

static int wait_unnamed(dur_run *run, void *user)
{
    stage *it = user;

    it->number = dur_sleep(run, it->text[0] ? "" : NULL, 1000);
    return 0;
}

/* Beyond: a wait without a name. Here each has one: the log is to be read by people. */
static void beyond_a_wait_without_a_name_is_refused(void **state)
{
    stage *it = *state;

    for (int empty = 0; empty < 2; empty++) {
        it->text[0] = empty ? '*' : '\0';
        if (empty == 0) stage_begin(it, wait_unnamed, dur_null());
        it->last_code = dur_execute(it->log, STAGE_WORKFLOW, STAGE_RUN, NULL, wait_unnamed, it);
        assert_int_equal(DUR_MISUSE, it->last_code);
        assert_int_equal(DUR_MISUSE, it->number);
        assert_has(dur_errmsg(it->log), "name");
        assert_steps(it, "");
        assert_pending(it, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(r2_2_a_wait_has_the_name_it_was_given),
        BOTH_WAYS(r2_4_a_wait_is_as_long_as_it_was_to_be),
        BOTH_WAYS(beyond_a_wait_of_ten_years),
        BOTH_WAYS(beyond_a_wait_of_no_length_is_over_at_once),
        BOTH_WAYS(beyond_a_late_worker_goes_on_at_once),
        BOTH_WAYS(beyond_waits_follow_each_other),
        BOTH_WAYS(beyond_waits_and_steps_take_turns),
        BOTH_WAYS(beyond_a_wait_until_a_time),
        BOTH_WAYS(beyond_the_end_of_a_wait_does_not_move),
        BOTH_WAYS(beyond_a_short_wait_is_slept_through),
        BOTH_WAYS(beyond_a_wait_without_a_name_is_refused),
    };

    return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
