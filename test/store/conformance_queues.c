/* test/store: the conformance suite, queues and how many they let at work. */
#include "store/conformance_queues.h"

/* ---- Looking ---- */

static void a_queue_that_nobody_has_limited_has_no_limits(void **state)
{
    conformance *c = *state;
    durable_queue queue;

    start(c, "order-1");
    queue = look_at(c, "orders");
    assert_true(queue.limits.max_active == 0 && queue.limits.max_active_process == 0);
    assert_true(queue.limits.interval_us == 0 && queue.next_us == 0);
    assert_true(queue.active == 0 && queue.active_process == 0);
    queue = look_at(c, "no such queue");
    assert_true(queue.limits.max_active == 0 && queue.active == 0);
}

static void limits_are_the_queue_s_and_can_be_changed(void **state)
{
    conformance *c = *state;
    static const durable_limits limits[] = {
        {10, 2, 1000000}, {3, 0, 0}, {0, 1, 0}, {INT64_MAX, INT64_MAX, INT64_MAX}, {0, 0, 0}};

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        durable_queue queue;

        assert_int_equal(c->store->methods->limit_queue(c->store, "orders", &limits[i]), DUR_OK);
        queue = look_at(c, "orders");
        assert_true(queue.limits.max_active == limits[i].max_active);
        assert_true(queue.limits.max_active_process == limits[i].max_active_process);
        assert_true(queue.limits.interval_us == limits[i].interval_us);
        assert_true(queue.next_us == 0);
        queue = look_at(c, "Orders");
        assert_true(queue.limits.max_active == 0 && queue.limits.interval_us == 0);
        reopen(c);
    }
}

static void active_runs_are_counted_up_to_the_limit(void **state)
{
    conformance *c = *state;
    durable_new_run own = plain_run("own"), other = plain_run("other"), far = plain_run("far");
    durable_queue queue;

    own.owner = PROCESS "/b";
    start_run(c, &own);
    other.owner = "process-2/a";
    start_run(c, &other);
    far.owner = PROCESS "/a";
    far.queue = "refunds";
    start_run(c, &far);
    start_unclaimed(c, "waits", 1);
    limit(c, 5, 5, 0);
    queue = look_at(c, "orders");
    assert_true(queue.active == 2 && queue.active_process == 1);
    start(c, "third");
    limit(c, 2, 0, 0);
    queue = look_at(c, "orders");
    assert_true(queue.active == 2 && queue.active_process == 0);
    limit(c, 0, 5, 0);
    queue = look_at(c, "orders");
    assert_true(queue.active == 0 && queue.active_process == 1);
}

/* ---- How many at once ---- */

static void a_claim_is_refused_where_the_queue_is_full(void **state)
{
    conformance *c = *state;
    durable_run_record before, after;

    start_runs(c);
    limit(c, 2, 0, 0);
    assert_true(work_on(c, "a", "process-1/a", 2000, NULL));
    assert_true(work_on(c, "b", "process-2/a", 2000, NULL));
    before = look(c, "c");
    assert_false(work_on(c, "c", "process-3/a", 2000, NULL));
    after = look(c, "c");
    assert_same_run(&before, &after);
    assert_true(look_at(c, "orders").active == 2);
}

static void whoever_leaves_makes_room(void **state)
{
    conformance *c = *state;
    durable_fence fence;

    start_runs(c);
    limit(c, 1, 0, 0);
    assert_true(work_on(c, "a", PROCESS "/a", 2000, &fence));
    assert_false(work_on(c, "b", PROCESS "/a", 2000, NULL));
    release(c, &fence, 3000);
    assert_true(work_on(c, "b", PROCESS "/a", 2000, &fence));
    assert_false(work_on(c, "c", PROCESS "/a", 2000, NULL));
    assert_int_equal(suspend(c, &fence, 3000, NULL), DUR_OK);
    assert_true(work_on(c, "c", PROCESS "/a", 2000, &fence));
    assert_false(work_on(c, "d", PROCESS "/a", 2000, NULL));
    end_as(c, &fence, DURABLE_COMPLETED);
    assert_true(work_on(c, "d", PROCESS "/a", 2000, &fence));
    c->subject->delete_run(c->world, "d");
    assert_true(work_on(c, "e", PROCESS "/a", 2000, &fence));
}

static void a_process_is_held_to_its_own_limit(void **state)
{
    conformance *c = *state;

    start_runs(c);
    limit(c, 0, 1, 0);
    assert_true(work_on(c, "a", PROCESS "/a", 2000, NULL));
    assert_false(work_on(c, "b", PROCESS "/b", 2000, NULL)); /* another worker of the same */
    assert_true(work_on(c, "b", "process-2/a", 2000, NULL));
    assert_true(look_at(c, "orders").active_process == 1);
    limit(c, 3, 2, 0);
    assert_true(work_on(c, "c", PROCESS "/b", 2000, NULL));
    assert_false(work_on(c, "d", "process-2/b", 2000, NULL)); /* the limit in all */
}

static void a_claim_that_is_not_limited_is_counted_and_not_refused(void **state)
{
    conformance *c = *state;

    start_runs(c);
    limit(c, 1, 1, 1000000);
    claim_run_of(c, "a");
    claim_run_of(c, "b");
    start(c, "order-1");
    assert_true(look_at(c, "orders").active == 1);
    assert_false(work_on(c, "c", PROCESS "/a", 2000, NULL));
}

/* It was active before: otherwise a full queue of the dead would stay theirs. */
static void a_take_over_needs_no_room(void **state)
{
    conformance *c = *state;

    start_runs(c);
    claim_run_of(c, "a");
    assert_true(work_on(c, "b", PROCESS "/b", 2000, NULL));
    assert_true(work_on(c, "c", PROCESS "/b", 2000, NULL));
    limit(c, 1, 1, 0);
    assert_true(work_on(c, "c", PROCESS "/a", 2000, NULL)); /* was this process's, too */
    assert_false(work_on(c, "a", PROCESS "/a", 2000, NULL));
    limit(c, 1, 3, 0);
    assert_true(work_on(c, "a", PROCESS "/a", 2000, NULL));
    assert_false(work_on(c, "d", PROCESS "/a", 2000, NULL));
}

static void limits_are_those_of_the_run_s_own_queue(void **state)
{
    conformance *c = *state;
    durable_new_run refund = unclaimed_run("refund");

    start_runs(c);
    limit(c, 1, 0, 0);
    assert_true(work_on(c, "a", PROCESS "/a", 2000, NULL));
    refund.queue = "refunds";
    start_unclaimed_run(c, &refund);
    assert_true(work_on(c, "refund", PROCESS "/a", 2000, NULL));
}

/* ---- Several stores on one log ---- */

static void limits_hold_across_stores(void **state)
{
    conformance *c = *state;
    durable_store *first;

    start_runs(c);
    limit(c, 2, 1, 500000);
    assert_true(work_on(c, "a", PROCESS "/a", 2000, NULL));
    first = use_other(c);
    assert_true(look_at(c, "orders").limits.max_active == 2);
    assert_true(look_at(c, "orders").next_us == 2500000);
    assert_false(work_on(c, "b", "process-2/a", 2400, NULL)); /* too early */
    assert_false(work_on(c, "b", PROCESS "/b", 2500, NULL)); /* too many in one process */
    assert_true(work_on(c, "b", "process-2/a", 2500, NULL));
    assert_false(work_on(c, "c", "process-3/a", 3000, NULL)); /* too many in all */
    limit(c, 3, 1, 0);
    close_other(c, first);
    assert_true(work_on(c, "c", "process-3/a", 3000, NULL)); /* they have changed there */
    assert_false(work_on(c, "d", "process-4/a", 3000, NULL));
}

size_t conformance_queue_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(a_queue_that_nobody_has_limited_has_no_limits),
        cmocka_unit_test(limits_are_the_queue_s_and_can_be_changed),
        cmocka_unit_test(active_runs_are_counted_up_to_the_limit),
        cmocka_unit_test(a_claim_is_refused_where_the_queue_is_full),
        cmocka_unit_test(whoever_leaves_makes_room),
        cmocka_unit_test(a_process_is_held_to_its_own_limit),
        cmocka_unit_test(a_claim_that_is_not_limited_is_counted_and_not_refused),
        cmocka_unit_test(a_take_over_needs_no_room),
        cmocka_unit_test(limits_are_those_of_the_run_s_own_queue),
        cmocka_unit_test(limits_hold_across_stores),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
