/* test/store: the conformance suite, queues and how often they let somebody begin. */
#include "store/conformance_queues.h"

static void claims_keep_the_interval(void **state)
{
    conformance *c = *state;

    start_runs(c);
    limit(c, 0, 0, 500000);
    assert_true(work_on(c, "a", "process-1/a", 2000, NULL));
    assert_true(look_at(c, "orders").next_us == 2500000);
    assert_false(work_on(c, "b", "process-2/a", 2000, NULL));
    assert_false(work_on(c, "b", "process-2/a", 2499, NULL));
    assert_null(look(c, "b").owner);
    assert_true(look_at(c, "orders").next_us == 2500000); /* asking in vain costs nothing */
    assert_true(work_on(c, "b", "process-2/a", 2500, NULL));
    assert_true(look_at(c, "orders").next_us == 3000000);
    assert_true(work_on(c, "c", "process-1/a", 9000, NULL)); /* what was not used is gone */
    assert_false(work_on(c, "d", "process-1/a", 9100, NULL));
    assert_true(look_at(c, "orders").next_us == 9500000);
}

/* What it left behind is further away than an interval, and counts as now. */
static void a_clock_that_was_set_back_does_not_stop_a_queue(void **state)
{
    conformance *c = *state;

    start_runs(c);
    limit(c, 0, 0, 500000);
    assert_true(work_on(c, "a", PROCESS "/a", 90000, NULL));
    assert_false(work_on(c, "b", PROCESS "/a", 90000, NULL));
    assert_true(work_on(c, "b", PROCESS "/a", 3000, NULL));
    assert_true(look_at(c, "orders").next_us == 3500000);
    assert_false(work_on(c, "c", PROCESS "/a", 3400, NULL));
    assert_true(work_on(c, "c", PROCESS "/a", 3500, NULL));
}

/* Who asked the clock before others had their turns sees what a clock sees that was set back. */
static void a_claimer_that_was_held_up_keeps_the_interval(void **state)
{
    static const int64_t late_ms[] = {1, 400, 499, 500, 501, 300000};
    conformance *c = *state;
    durable_fence fence;

    start_runs(c);
    limit(c, 0, 0, 500000);
    assert_true(work_on(c, "a", PROCESS "/a", 2000, &fence));
    for (size_t i = 0; i < sizeof late_ms / sizeof late_ms[0]; i++) {
        int64_t now = 1000000 + 1000000 * (int64_t)i;
        durable_claim held_up = limited_claim(c, "b", PROCESS "/b", now);

        release(c, &fence, 0);
        assert_true(work_on(c, "a", PROCESS "/a", now + late_ms[i], &fence));
        assert_false(try_claim(c, &held_up, &(durable_fence){0, 0, 0, 0}));
        assert_null(look(c, "b").owner);
        assert_true(look_at(c, "orders").next_us == (now + late_ms[i] + 500) * 1000);
    }
}

/* Of several that saw the same, one. */
static void a_clock_that_was_set_back_is_believed_once(void **state)
{
    conformance *c = *state;
    durable_fence fence;
    durable_claim second, third;

    start_runs(c);
    limit(c, 0, 0, 500000);
    assert_true(work_on(c, "a", PROCESS "/a", 90000, NULL));
    second = limited_claim(c, "c", "process-2/a", 3001);
    third = limited_claim(c, "d", "process-3/a", 1000); /* set back once more */
    assert_true(work_on(c, "b", PROCESS "/a", 3000, NULL));
    assert_false(try_claim(c, &second, &fence));
    assert_false(try_claim(c, &third, &fence));
    assert_true(look_at(c, "orders").next_us == 3500000);
}

/* A clock of ms is no limit to the rate, and rounds none down. */
static void turns_are_finer_than_the_clock(void **state)
{
    conformance *c = *state;

    start_runs(c);
    limit(c, 0, 0, 400);
    assert_true(work_on(c, "a", PROCESS "/a", 2000, NULL));
    assert_true(work_on(c, "b", PROCESS "/a", 2000, NULL));
    assert_true(work_on(c, "c", PROCESS "/a", 2000, NULL));
    assert_true(look_at(c, "orders").next_us == 2001200);
    assert_false(work_on(c, "d", PROCESS "/a", 2000, NULL));
    limit(c, 0, 0, 1500);
    assert_false(work_on(c, "d", PROCESS "/a", 2001, NULL)); /* 1500 us after the last one */
    assert_true(work_on(c, "d", PROCESS "/a", 2002, NULL));
    assert_true(look_at(c, "orders").next_us == 2003800);
    assert_true(work_on(c, "e", PROCESS "/a", 2003, NULL));
    assert_true(look_at(c, "orders").next_us == 2005300);
}

static void no_time_and_no_interval_is_too_large(void **state)
{
    conformance *c = *state;

    start_runs(c);
    limit(c, 0, 0, INT64_MAX);
    assert_true(work_on(c, "a", PROCESS "/a", 2000, NULL));
    assert_true(look_at(c, "orders").next_us == INT64_MAX);
    assert_false(work_on(c, "b", PROCESS "/a", INT64_MAX / 1000 - 1, NULL));
    limit(c, 0, 0, 1000);
    assert_true(work_on(c, "b", PROCESS "/a", INT64_MAX, NULL));
    assert_true(work_on(c, "c", PROCESS "/a", INT64_MIN, NULL));
    assert_true(work_on(c, "d", PROCESS "/a", 0, NULL));
    assert_true(look_at(c, "orders").next_us == 1000);
}

static void a_refused_claim_takes_no_turn(void **state)
{
    conformance *c = *state;
    durable_claim stale;
    durable_fence fence;

    start_runs(c);
    limit(c, 1, 0, 500000);
    claim_run_of(c, "a");
    assert_false(work_on(c, "b", PROCESS "/a", 2000, NULL)); /* full */
    stale = claim_on(c, "a");
    stale.seen_epoch = 0;
    stale.limited = true;
    stale.now = 2000;
    assert_false(try_claim(c, &stale, &fence)); /* not what was seen */
    assert_true(look_at(c, "orders").next_us == 0);
}

/* The new interval counts from the last turn on. What a long one has left would else seem to be of
 * a clock that was set back, or stop the queue as long as it was to last. */
static void limits_that_are_changed_leave_the_turn(void **state)
{
    conformance *c = *state;

    start_runs(c);
    limit(c, 0, 0, 500000);
    assert_true(work_on(c, "a", PROCESS "/a", 2000, NULL));
    limit(c, 9, 0, 600000);
    assert_true(look_at(c, "orders").next_us == 2600000);
    assert_false(work_on(c, "b", PROCESS "/a", 2599, NULL));
    assert_true(work_on(c, "b", PROCESS "/a", 2600, NULL));
    assert_true(look_at(c, "orders").next_us == 3200000);
    limit(c, 8, 0, 600000);
    assert_true(look_at(c, "orders").next_us == 3200000);
    limit(c, 8, 0, 100000);
    assert_true(look_at(c, "orders").next_us == 2700000);
    assert_false(work_on(c, "c", PROCESS "/a", 2600, NULL)); /* no turn more at the same moment */
    assert_true(work_on(c, "c", PROCESS "/a", 2700, NULL));
    limit(c, 0, 0, INT64_MAX);
    assert_true(look_at(c, "orders").next_us == INT64_MAX);
}

static void without_an_interval_a_queue_claims_at_once(void **state)
{
    conformance *c = *state;

    start_runs(c);
    limit(c, 0, 0, 500000);
    assert_true(work_on(c, "a", PROCESS "/a", 2000, NULL));
    limit(c, 0, 0, 0);
    assert_true(look_at(c, "orders").next_us == 0);
    assert_true(work_on(c, "b", PROCESS "/a", 2000, NULL));
    assert_true(work_on(c, "c", PROCESS "/a", 2000, NULL));
}

size_t conformance_rate_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(claims_keep_the_interval),
        cmocka_unit_test(a_clock_that_was_set_back_does_not_stop_a_queue),
        cmocka_unit_test(a_claimer_that_was_held_up_keeps_the_interval),
        cmocka_unit_test(a_clock_that_was_set_back_is_believed_once),
        cmocka_unit_test(turns_are_finer_than_the_clock),
        cmocka_unit_test(no_time_and_no_interval_is_too_large),
        cmocka_unit_test(a_refused_claim_takes_no_turn),
        cmocka_unit_test(limits_that_are_changed_leave_the_turn),
        cmocka_unit_test(without_an_interval_a_queue_claims_at_once),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
