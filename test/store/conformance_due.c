/* test/store: the conformance suite, when a run is taken up, and runs without owners. */
#include "store/conformance_waits.h"

#include <stdio.h>

static void a_run_created_without_an_owner_is_found_as_it_was_created(void **state)
{
    conformance *c = *state;
    durable_new_run new_run = unclaimed_run("order-1");
    durable_run_record run;

    new_run.input = datum_text("input");
    new_run.behaviour = 2;
    start_unclaimed_run(c, &new_run);
    run = look(c, "order-1");
    assert_null(run.owner);
    assert_null(run.failure);
    assert_int_equal(run.status, DURABLE_RUNNING);
    assert_int_equal(run.behaviour, 2);
    assert_int_equal(run.priority, 3);
    assert_string_equal(run.queue, "orders");
    assert_string_equal(run.workflow, "order");
    assert_string_equal(run.uid, "0123456789abcdef");
    assert_true(run.epoch == 0 && run.claims == 0 && run.lease_end == 0);
    assert_true(run.due == 3000 && run.created == RUN_NOW && run.ended == 0);
    assert_datum(&run.input, &new_run.input);
}

static void create_without_an_owner_fills_the_fence_of_epoch_0(void **state)
{
    conformance *c = *state;
    durable_new_run new_run = unclaimed_run("order-1");
    durable_fence fence = start_run(c, &new_run);

    assert_true(fence.run == look(c, "order-1").run);
    assert_true(fence.epoch == 0 && fence.token == RUN_TOKEN);
    fence = take_up(c, &fence);
    assert_true(fence.epoch == 1);
    record(c, &fence, 1);
}

static void the_first_claim_of_a_run_without_an_owner_has_epoch_1(void **state)
{
    conformance *c = *state;
    durable_claim wanted;
    durable_fence fence;
    durable_run_record run;

    start_unclaimed(c, "order-1", 3000);
    wanted = claim_on(c, "order-1");
    assert_true(wanted.seen_epoch == 0);
    wanted.claims = 1;
    assert_true(try_claim(c, &wanted, &fence));
    assert_true(fence.epoch == 1 && fence.token == 22);
    run = look(c, "order-1");
    assert_string_equal(run.owner, "owner-2");
    assert_true(run.epoch == 1 && run.claims == 1 && run.lease_end == 5000);
    record(c, &fence, 1);
    assert_false(try_claim(c, &wanted, &fence)); /* it was seen before somebody else claimed it */
}

/* An epoch of 0 is nobody's: what holds it can be made up, and opens nothing. */
static void a_run_without_an_owner_is_open_to_no_fence(void **state)
{
    conformance *c = *state;
    durable_run_record run;
    durable_fence fence;

    start_unclaimed(c, "order-1", 3000);
    run = look(c, "order-1");
    fence = (durable_fence){run.run, run.epoch, run.token, 0};
    assert_int_equal(append(c, plain_outcome(&fence, 1)), DUR_LOST);
    assert_int_equal(put(c, &fence, plain_pending(1)), DUR_LOST);
    assert_int_equal(suspend(c, &fence, 5, NULL), DUR_LOST);
    assert_int_equal(c->store->methods->renew_lease(c->store, &fence, 5), DUR_LOST);
    assert_null(look(c, "order-1").owner);
    assert_true(look(c, "order-1").due == 3000);
    assert_int_equal(load_all(c, run.run).count, 0);
}

static void create_without_an_owner_of_a_taken_id_changes_nothing(void **state)
{
    conformance *c = *state;
    durable_new_run again = unclaimed_run("order-1"), held = unclaimed_run("order-2");
    durable_run_record before[2], after[2];
    bool created = true;

    start_unclaimed(c, "order-1", 3000);
    start(c, "order-2");
    before[0] = look(c, "order-1");
    before[1] = look(c, "order-2");
    again.workflow = held.workflow = "refund";
    again.queue = held.queue = "refunds";
    again.due = held.due = 1;
    assert_int_equal(c->store->methods->create_run(c->store, &again, &created, NULL), DUR_OK);
    assert_false(created);
    created = true;
    assert_int_equal(c->store->methods->create_run(c->store, &held, &created, NULL), DUR_OK);
    assert_false(created);
    after[0] = look(c, "order-1");
    after[1] = look(c, "order-2");
    assert_same_run(&before[0], &after[0]);
    assert_same_run(&before[1], &after[1]);
}

static void a_claim_ends_what_a_run_was_due_for(void **state)
{
    conformance *c = *state;
    durable_fence fence;
    durable_run_record run;

    start_unclaimed(c, "order-1", 3000);
    fence = claim_run_of(c, "order-1");
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
    assert_int_equal(suspend(c, &fence, 4000, "approval"), DUR_OK);
    claim_run_of(c, "order-1");
    run = look(c, "order-1");
    assert_int_equal(run.status, DURABLE_RUNNING);
    assert_true(run.due == DURABLE_NEVER);

    /* It awaits nothing any more: a signal does not make it due. */
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1600)), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
}

static void a_run_that_is_held_or_ended_or_parked_is_never_due(void **state)
{
    conformance *c = *state;
    durable_fence completed = start(c, "completed"), failed = start(c, "failed");
    durable_fence parked = start(c, "parked");

    assert_true(look(c, "completed").due == DURABLE_NEVER);
    end_as(c, &completed, DURABLE_COMPLETED);
    end_as(c, &failed, DURABLE_FAILED);
    end_as(c, &parked, DURABLE_PARKED);
    assert_true(look(c, "completed").due == DURABLE_NEVER);
    assert_true(look(c, "failed").due == DURABLE_NEVER);
    assert_true(look(c, "parked").due == DURABLE_NEVER);
}

static void a_released_run_is_due_when_it_was_told(void **state)
{
    conformance *c = *state;
    static const int64_t times[] = {0, 1, -1, 1700, INT64_MIN, INT64_MAX - 1, DURABLE_NEVER};

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        durable_fence fence;
        char id[32];

        snprintf(id, sizeof id, "released-%zu", i);
        fence = start(c, id);
        release(c, &fence, times[i]);
        assert_true(look(c, id).due == times[i]);
        assert_int_equal(look(c, id).status, DURABLE_RUNNING);
        snprintf(id, sizeof id, "created-%zu", i);
        start_unclaimed(c, id, times[i]);
        assert_true(look(c, id).due == times[i]);
    }
}

/* Law 7: given back again in the same way, whatever time is named now. */
static void release_done_twice_leaves_the_first_due_time(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    release(c, &fence, 1700);
    release(c, &fence, 1800);
    assert_true(look(c, "order-1").due == 1700);
}

static void priorities_and_queues_come_back_whole(void **state)
{
    conformance *c = *state;
    char queue[DUR_NAME_MAX + 1];

    for (size_t i = 0; i < DUR_NAME_MAX; i++) queue[i] = "\xe2\x82\xac"[i % 3];
    queue[DUR_NAME_MAX] = '\0';
    for (int priority = 0; priority <= 7; priority++) {
        durable_new_run held, unclaimed;
        char id[32];

        snprintf(id, sizeof id, "held-%d", priority);
        held = plain_run(id);
        held.priority = priority;
        held.queue = priority % 2 ? queue : "'1' OR \"q\"";
        start_run(c, &held);
        assert_int_equal(look(c, id).priority, priority);
        assert_string_equal(look(c, id).queue, held.queue);
        snprintf(id, sizeof id, "waits-%d", priority);
        unclaimed = held;
        unclaimed.id = id;
        unclaimed.owner = NULL;
        start_unclaimed_run(c, &unclaimed);
        assert_int_equal(look(c, id).priority, priority);
        assert_string_equal(look(c, id).queue, unclaimed.queue);
    }
}

size_t conformance_due_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(a_run_created_without_an_owner_is_found_as_it_was_created),
        cmocka_unit_test(create_without_an_owner_fills_the_fence_of_epoch_0),
        cmocka_unit_test(the_first_claim_of_a_run_without_an_owner_has_epoch_1),
        cmocka_unit_test(a_run_without_an_owner_is_open_to_no_fence),
        cmocka_unit_test(create_without_an_owner_of_a_taken_id_changes_nothing),
        cmocka_unit_test(a_claim_ends_what_a_run_was_due_for),
        cmocka_unit_test(a_run_that_is_held_or_ended_or_parked_is_never_due),
        cmocka_unit_test(a_released_run_is_due_when_it_was_told),
        cmocka_unit_test(release_done_twice_leaves_the_first_due_time),
        cmocka_unit_test(priorities_and_queues_come_back_whole),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
