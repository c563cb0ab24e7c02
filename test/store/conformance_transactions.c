/* test/store: the conformance suite, transactions around steps: kept, taken back, shared. */
#include "store/conformance_waits.h"

static int begin(conformance *c, int64_t shared)
{
    return c->store->methods->begin_transaction(c->store, shared, true);
}

static int end(conformance *c, bool keep)
{
    return c->store->methods->end_transaction(c->store, keep);
}

/* The outcome that the open transaction is for; *joined may be NULL. */
static int append_inside(conformance *c, durable_fence *fence, int64_t position, bool *joined)
{
    durable_outcome outcome = plain_outcome(fence, position);

    outcome.in_transaction = true;
    assert_int_equal(c->store->methods->append_outcomes(c->store, &outcome, 1), DUR_OK);
    if (joined) *joined = outcome.joined;
    return outcome.verdict;
}

/* A transactional step; whether a commit was still to come when it was recorded. */
static bool step(conformance *c, durable_fence *fence, int64_t position, int64_t shared, bool keep)
{
    bool joined = false;

    assert_int_equal(begin(c, shared), DUR_OK);
    assert_int_equal(append_inside(c, fence, position, &joined), DUR_OK);
    assert_int_equal(end(c, keep), DUR_OK);
    return joined;
}

static void what_is_kept_stays_and_what_is_taken_back_goes(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), first;

    step(c, &fence, 1, 1, true);
    first = fence;
    step(c, &fence, 2, 1, false);
    assert_int_equal(load_all(c, fence.run).count, 1);
    record(c, &first, 2);
    reopen(c);
    assert_int_equal(load_all(c, fence.run).count, 2);
}

static void an_outcomes_signal_and_pending_row_come_back_with_it(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_outcome outcome = plain_outcome(&fence, 1);

    assert_int_equal(put(c, &fence, plain_pending(1)), DUR_OK);
    assert_int_equal(begin(c, 1), DUR_OK);
    outcome.in_transaction = outcome.clears_pending = true;
    outcome.lease_end = 7000;
    assert_int_equal(append(c, outcome), DUR_OK);
    assert_int_equal(load_waits(c, fence.run).count, 0);
    assert_int_equal(end(c, false), DUR_OK);
    assert_int_equal(load_waits(c, fence.run).count, 1);
    assert_true(look(c, "order-1").lease_end == RUN_LEASE);
}

static void a_transaction_may_hold_nothing(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(end(c, true), DUR_OK); /* none is open */
    assert_int_equal(end(c, false), DUR_OK);
    assert_int_equal(c->store->methods->commit_shared(c->store), DUR_OK);
    for (int keep = 0; keep < 2; keep++) {
        assert_int_equal(begin(c, 1), DUR_OK);
        assert_int_equal(end(c, keep), DUR_OK);
    }
    record(c, &fence, 1);
}

/* Law 2 holds within. */
static void who_has_lost_the_run_records_nothing_in_a_transaction(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), second = take_over(c, &fence);

    assert_int_equal(begin(c, 1), DUR_OK);
    assert_int_equal(append_inside(c, &fence, 1, NULL), DUR_LOST);
    assert_int_equal(end(c, false), DUR_OK);
    step(c, &second, 1, 1, true);
    assert_int_equal(load_all(c, fence.run).count, 1);
}

/* What another handle is told: it stands on the same connection, or on another one. */
static void assert_refused(int code, bool other)
{
    if (!other || code != DUR_BUSY) assert_int_equal(code, DUR_MISUSE);
}

static void assert_writes_are_refused(conformance *c, durable_fence *fence, bool other)
{
    const durable_store_methods *methods = c->store->methods;
    durable_ending ending = {.status = DURABLE_COMPLETED, .now = 1500};
    durable_resolution answer = {.position = 9, .now = 1500};
    durable_callback callback = {fence->run, 9, "0123456789abcdef"};
    durable_signal signal = plain_signal("approval", 1, 1400);
    durable_new_run new_run = unclaimed_run("order-2");
    durable_claim claim = plain_claim(fence);
    durable_outcome outcome = plain_outcome(fence, 9);
    const durable_limits limits = {1, 0, 0};
    durable_fence unwanted;
    bool done;

    assert_refused(methods->create_run(c->store, &new_run, &done, NULL), other);
    assert_refused(methods->claim_run(c->store, &claim, &done, &unwanted), other);
    assert_refused(methods->release_run(c->store, fence, 1), other);
    assert_refused(suspend(c, fence, 1, NULL), other);
    assert_refused(methods->end_run(c->store, fence, &ending), other);
    assert_refused(methods->renew_lease(c->store, fence, 1), other);
    assert_refused(methods->append_outcomes(c->store, &outcome, 1), other);
    assert_refused(put(c, fence, plain_pending(9)), other);
    assert_refused(send(c, "order-1", signal), other);
    assert_refused(methods->answer_callback(c->store, &callback, &signal), other);
    assert_refused(methods->beat_callback(c->store, &callback, 1), other);
    assert_refused(methods->cancel_run(c->store, "order-1", 1), other);
    assert_refused(methods->resolve_step(c->store, "order-1", &answer), other);
    assert_refused(methods->limit_queue(c->store, "orders", &limits), other);
    assert_refused(methods->begin_transaction(c->store, 1, true), other);
}

/* Whatever a body asks of any store: nothing but its own outcome comes into its transaction. */
static void other_writes_are_refused_meanwhile(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_run_record before = look(c, "order-1"), after;
    durable_store *first;

    assert_int_equal(begin(c, 1), DUR_OK);
    assert_writes_are_refused(c, &fence, false);
    assert_int_equal(c->store->methods->commit_shared(c->store), DUR_MISUSE);
    first = use_other(c);
    assert_writes_are_refused(c, &fence, true);
    close_other(c, first);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
    assert_int_equal(append_inside(c, &fence, 1, NULL), DUR_OK);
    assert_int_equal(end(c, true), DUR_OK);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
    assert_int_equal(load_all(c, fence.run).count, 1);
    assert_int_equal(load_waits(c, fence.run).count, 0);
    assert_false(exists(c, "order-2"));
    record(c, &fence, 2);
}

static void reads_go_on_meanwhile(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    int64_t due;

    assert_int_equal(begin(c, 1), DUR_OK);
    assert_int_equal(append_inside(c, &fence, 1, NULL), DUR_OK);
    assert_true(exists(c, "order-1"));
    assert_int_equal(load_all(c, fence.run).count, 1);
    assert_int_equal(summarize(c, fence.run).last, 1);
    assert_int_equal(load_waits(c, fence.run).count, 0);
    assert_false(peek(c, fence.run, "approval", NULL));
    assert_int_equal(c->store->methods->earliest_due(c->store, fence.run, &due), DUR_OK);
    assert_int_equal(end(c, true), DUR_OK);
}

/* ---- Shared commits ---- */

/* In a host's transaction every commit is still to come. */
static void up_to_so_many_steps_share_a_commit(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_true(step(c, &fence, 1, 3, true));
    assert_true(fence.provisional == 1);
    assert_true(step(c, &fence, 2, 3, true));
    assert_true(fence.provisional == 2);
    step(c, &fence, 3, 3, true);
    assert_int_equal(load_all(c, fence.run).count, 3);
    assert_true(step(c, &fence, 4, 3, true)); /* a new commit begins */
    assert_int_equal(c->store->methods->confirm(c->store, &fence), DUR_OK);
}

static void a_step_that_is_taken_back_leaves_those_before_it(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), before;

    step(c, &fence, 1, 5, true);
    before = fence;
    step(c, &fence, 2, 5, false);
    assert_int_equal(load_all(c, fence.run).count, 1);
    step(c, &before, 2, 5, true);
    assert_int_equal(load_all(c, fence.run).count, 2);
    assert_int_equal(c->store->methods->commit_shared(c->store), DUR_OK);
    assert_int_equal(load_all(c, fence.run).count, 2);
}

static void another_write_has_the_shared_commit_made_first(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    step(c, &fence, 1, 5, true);
    record(c, &fence, 2);
    assert_true(c->subject->joins || fence.provisional == 0);
    step(c, &fence, 3, 5, true);
    assert_int_equal(put(c, &fence, plain_pending(4)), DUR_OK);
    step(c, &fence, 4, 5, true);
    assert_int_equal(suspend(c, &fence, 4000, NULL), DUR_OK);
    reopen(c);
    assert_int_equal(load_all(c, fence.run).count, 4);
    assert_true(look(c, "order-1").due == 4000);
}

size_t conformance_transaction_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(what_is_kept_stays_and_what_is_taken_back_goes),
        cmocka_unit_test(an_outcomes_signal_and_pending_row_come_back_with_it),
        cmocka_unit_test(a_transaction_may_hold_nothing),
        cmocka_unit_test(who_has_lost_the_run_records_nothing_in_a_transaction),
        cmocka_unit_test(other_writes_are_refused_meanwhile),
        cmocka_unit_test(reads_go_on_meanwhile),
        cmocka_unit_test(up_to_so_many_steps_share_a_commit),
        cmocka_unit_test(a_step_that_is_taken_back_leaves_those_before_it),
        cmocka_unit_test(another_write_has_the_shared_commit_made_first),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
