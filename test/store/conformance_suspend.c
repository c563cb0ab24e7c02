/* test/store: the conformance suite, suspending: a run that waits is held by nobody. */
#include "store/conformance_waits.h"

static void a_suspended_run_is_given_back_and_due(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_run_record run;

    record(c, &fence, 1);
    assert_int_equal(suspend(c, &fence, 4000, NULL), DUR_OK);
    run = look(c, "order-1");
    assert_int_equal(run.status, DURABLE_SUSPENDED);
    assert_null(run.owner);
    assert_null(run.failure);
    assert_true(run.due == 4000 && run.claims == 0 && run.lease_end == 0);
    assert_true(run.epoch == 1 && run.created == RUN_NOW && run.ended == 0);
    assert_int_equal(load_all(c, fence.run).count, 1);
}

static void a_run_may_be_suspended_until_any_time_or_for_ever(void **state)
{
    conformance *c = *state;
    static const int64_t times[] = {0, -1, INT64_MIN, INT64_MAX - 1, DURABLE_NEVER};
    durable_fence fence = start(c, "order-1");

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_int_equal(suspend(c, &fence, times[i], NULL), DUR_OK);
        assert_true(look(c, "order-1").due == times[i]);
        fence = claim_run_of(c, "order-1");
    }
}

/* Waiting is no failed start, however often the run was claimed in a row before. */
static void suspend_forgets_the_claims_in_a_row(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    release(c, &fence, 1700);
    assert_true(look(c, "order-1").claims == 1);
    fence = claim_run_of(c, "order-1");
    assert_true(look(c, "order-1").claims == 2);
    assert_int_equal(suspend(c, &fence, 4000, NULL), DUR_OK);
    assert_true(look(c, "order-1").claims == 0);
}

static void suspend_puts_the_pending_row_in_the_same_act(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_pending first = plain_pending(2), second = first;
    durable_suspension suspension = {.pending = &second, .due = 5000, .now = 1500};
    waits rows;

    second.attempt = 2;
    second.due = 5000;
    second.details = datum_text("half done");
    assert_int_equal(put(c, &fence, first), DUR_OK);
    assert_int_equal(c->store->methods->suspend_run(c->store, &fence, &suspension), DUR_OK);
    rows = load_waits(c, fence.run);
    assert_int_equal(rows.count, 1);
    assert_same_pending(&rows.rows[0], &second);
    assert_true(look(c, "order-1").due == 5000);
}

/* Laws 3 and 7: the second one is no news, even where a signal or a time has come between. */
static void suspend_done_twice_has_the_effect_of_once(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_run_record before, after;

    assert_int_equal(suspend(c, &fence, 4000, "approval"), DUR_OK);
    assert_int_equal(suspend(c, &fence, 4000, "approval"), DUR_OK);
    assert_true(look(c, "order-1").due == 4000);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1600)), DUR_OK);
    before = look(c, "order-1");
    assert_int_equal(suspend(c, &fence, 4000, "approval"), DUR_OK);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
    assert_true(after.due == 1600);
}

static void the_fence_of_a_suspended_run_opens_nothing(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), taken;
    durable_ending ending = {.status = DURABLE_COMPLETED, .now = 1900};
    const durable_store_methods *methods = c->store->methods;
    durable_run_record before, after;

    assert_int_equal(suspend(c, &fence, 4000, NULL), DUR_OK);
    before = look(c, "order-1");
    assert_int_equal(verdict_of_gone(c, append(c, plain_outcome(&fence, 1))), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, put(c, &fence, plain_pending(1))), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, methods->renew_lease(c->store, &fence, 1)), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, methods->release_run(c->store, &fence, 1)), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, methods->end_run(c->store, &fence, &ending)), DUR_LOST);
    after = look(c, "order-1");
    assert_same_run(&before, &after);

    /* Whoever takes it up is its owner; to suspend it once more is not the first one's any more. */
    taken = claim_run_of(c, "order-1");
    assert_int_equal(verdict_of_gone(c, suspend(c, &fence, 4000, NULL)), DUR_LOST);
    assert_string_equal(look(c, "order-1").owner, "owner-2");
    record(c, &taken, 1);
}

/* The trap: a signal that comes between the look for it and the wait. */
static void suspend_sees_a_signal_that_came_before(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
    assert_int_equal(suspend(c, &fence, DURABLE_NEVER, "approval"), DUR_OK);
    assert_true(look(c, "order-1").due == 1500);
    assert_int_equal(look(c, "order-1").status, DURABLE_SUSPENDED);
    fence = claim_run_of(c, "order-1");
    receive(c, &fence, 1, "approval");
    assert_int_equal(suspend(c, &fence, 4000, "approval"), DUR_OK);
    assert_true(look(c, "order-1").due == 4000); /* a received one is there no more */
}

static void suspend_sees_each_of_the_awaited_signals(void **state)
{
    conformance *c = *state;
    static const char *const awaits[] = {"approval", "payment", "\t4"};
    const durable_suspension suspension = {
        .due = 4000, .awaits = awaits, .await_count = 3, .now = 1500};

    for (size_t i = 0; i < 3; i++) {
        const char id[] = {(char)('a' + i), '\0'};
        durable_fence fence = start(c, id);

        assert_int_equal(send(c, id, plain_signal(awaits[i], 1, 1400)), DUR_OK);
        assert_int_equal(c->store->methods->suspend_run(c->store, &fence, &suspension), DUR_OK);
        assert_true(look(c, id).due == 1500);
    }
}

/* Its key is still taken, but it is not there any more. */
static void suspend_does_not_see_a_received_signal_that_had_a_key(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_signal signal = plain_signal("approval", 1, 1400);

    signal.key = "mail-7";
    assert_int_equal(send(c, "order-1", signal), DUR_OK);
    receive(c, &fence, 1, "approval");
    assert_int_equal(suspend(c, &fence, 4000, "approval"), DUR_OK);
    assert_true(look(c, "order-1").due == 4000);
}

static void suspend_does_not_see_other_signals_or_those_of_other_runs(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    start(c, "order-2");
    assert_int_equal(send(c, "order-1", plain_signal("payment", 1, 1400)), DUR_OK);
    assert_int_equal(send(c, "order-2", plain_signal("approval", 1, 1400)), DUR_OK);
    assert_int_equal(suspend(c, &fence, 4000, "approval"), DUR_OK);
    assert_true(look(c, "order-1").due == 4000);
}

static void a_signal_that_is_there_makes_no_run_due_later_than_it_was(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    assert_int_equal(suspend(c, &fence, 1450, "approval"), DUR_OK);
    assert_true(look(c, "order-1").due == 1450);
}

static void a_signal_makes_the_run_due_that_awaits_it(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second = start(c, "order-2");
    durable_run_record before, after;

    assert_int_equal(suspend(c, &first, 4000, "approval"), DUR_OK);
    assert_int_equal(suspend(c, &second, DURABLE_NEVER, "approval"), DUR_OK);
    before = look(c, "order-1");
    assert_int_equal(send(c, "order-1", plain_signal("payment", 1, 1600)), DUR_OK);
    assert_int_equal(send(c, "order-2", plain_signal("Approval", 1, 1600)), DUR_OK);
    assert_true(look(c, "order-1").due == 4000);
    assert_true(look(c, "order-2").due == DURABLE_NEVER);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1700)), DUR_OK);
    assert_int_equal(send(c, "order-2", plain_signal("approval", 1, -5)), DUR_OK);
    after = look(c, "order-1");
    assert_true(after.due == 1700);
    assert_true(look(c, "order-2").due == -5);

    /* All else is as it was. */
    after.due = before.due;
    assert_same_run(&before, &after);
}

static void a_signal_never_makes_a_run_due_later(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(suspend(c, &fence, 4000, "approval"), DUR_OK);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 5000)), DUR_OK);
    assert_true(look(c, "order-1").due == 4000);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 2, 1700)), DUR_OK);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 3, 1800)), DUR_OK);
    assert_true(look(c, "order-1").due == 1700);
}

static void each_of_the_awaited_signals_makes_a_run_due(void **state)
{
    conformance *c = *state;
    static const char *const awaits[] = {"a", "approval", "a,b", "%", "\t4"};
    enum { COUNT = sizeof awaits / sizeof awaits[0] };
    const durable_suspension suspension = {
        .due = DURABLE_NEVER, .awaits = awaits, .await_count = COUNT, .now = 1500};
    durable_fence fence = start(c, "order-1");

    for (size_t i = 0; i + 1 < COUNT; i++) {
        assert_int_equal(c->store->methods->suspend_run(c->store, &fence, &suspension), DUR_OK);
        assert_true(look(c, "order-1").due == DURABLE_NEVER);
        assert_int_equal(send(c, "order-1", plain_signal("b", 1, 1600)), DUR_OK);
        assert_int_equal(send(c, "order-1", plain_signal("approva", 1, 1600)), DUR_OK);
        assert_true(look(c, "order-1").due == DURABLE_NEVER);
        assert_int_equal(send(c, "order-1", plain_signal(awaits[i], 1, 1700)), DUR_OK);
        assert_true(look(c, "order-1").due == 1700);
        fence = claim_run_of(c, "order-1");
        receive(c, &fence, (int64_t)i + 1, awaits[i]);
    }
}

/* As many as one select can wait for, of the longest names. */
static void a_run_may_await_many_signals(void **state)
{
    enum { COUNT = DUR_CASES_MAX };
    conformance *c = *state;
    char names[COUNT][DUR_NAME_MAX + 1];
    const char *awaits[COUNT];
    durable_suspension suspension = {
        .due = DURABLE_NEVER, .awaits = awaits, .await_count = COUNT, .now = 1500};
    durable_fence fence = start(c, "order-1");

    for (size_t i = 0; i < COUNT; i++) {
        memset(names[i], 'n', DUR_NAME_MAX);
        names[i][DUR_NAME_MAX - 1] = (char)('0' + i);
        names[i][DUR_NAME_MAX] = '\0';
        awaits[i] = names[i];
    }
    assert_int_equal(c->store->methods->suspend_run(c->store, &fence, &suspension), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
    assert_int_equal(send(c, "order-1", plain_signal(names[COUNT - 1], 1, 1700)), DUR_OK);
    assert_true(look(c, "order-1").due == 1700);
}

static void only_a_suspended_run_is_made_due_by_a_signal(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(suspend(c, &fence, 4000, "approval"), DUR_OK);
    fence = claim_run_of(c, "order-1");
    release(c, &fence, 3000);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1700)), DUR_OK);
    assert_true(look(c, "order-1").due == 3000);
    fence = claim_run_of(c, "order-1");
    end_as(c, &fence, DURABLE_PARKED);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1700)), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
}

/* What it awaits now counts, not what it awaited before. */
static void a_run_that_is_suspended_again_awaits_something_else(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(suspend(c, &fence, 4000, "approval"), DUR_OK);
    fence = claim_run_of(c, "order-1");
    assert_int_equal(suspend(c, &fence, 4000, "payment"), DUR_OK);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1700)), DUR_OK);
    assert_true(look(c, "order-1").due == 4000);
    assert_int_equal(send(c, "order-1", plain_signal("payment", 1, 1700)), DUR_OK);
    assert_true(look(c, "order-1").due == 1700);
}

size_t conformance_suspend_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(a_suspended_run_is_given_back_and_due),
        cmocka_unit_test(a_run_may_be_suspended_until_any_time_or_for_ever),
        cmocka_unit_test(suspend_forgets_the_claims_in_a_row),
        cmocka_unit_test(suspend_puts_the_pending_row_in_the_same_act),
        cmocka_unit_test(suspend_done_twice_has_the_effect_of_once),
        cmocka_unit_test(the_fence_of_a_suspended_run_opens_nothing),
        cmocka_unit_test(suspend_sees_a_signal_that_came_before),
        cmocka_unit_test(suspend_sees_each_of_the_awaited_signals),
        cmocka_unit_test(suspend_does_not_see_a_received_signal_that_had_a_key),
        cmocka_unit_test(suspend_does_not_see_other_signals_or_those_of_other_runs),
        cmocka_unit_test(a_signal_that_is_there_makes_no_run_due_later_than_it_was),
        cmocka_unit_test(a_signal_makes_the_run_due_that_awaits_it),
        cmocka_unit_test(a_signal_never_makes_a_run_due_later),
        cmocka_unit_test(each_of_the_awaited_signals_makes_a_run_due),
        cmocka_unit_test(a_run_may_await_many_signals),
        cmocka_unit_test(only_a_suspended_run_is_made_due_by_a_signal),
        cmocka_unit_test(a_run_that_is_suspended_again_awaits_something_else),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
