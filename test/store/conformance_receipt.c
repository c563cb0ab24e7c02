/* test/store: the conformance suite, receipts: what an outcome takes and clears in its own act. */
#include "store/conformance_waits.h"

static int64_t sent(conformance *c, const char *id, const char *name, int64_t run)
{
    durable_signal_record record;

    assert_int_equal(send(c, id, plain_signal(name, 1, 1400)), DUR_OK);
    assert_true(peek(c, run, name, &record));
    return record.signal;
}

static durable_outcome taking(durable_fence *fence, int64_t position, int64_t signal)
{
    durable_outcome outcome = plain_outcome(fence, position);

    outcome.kind = DURABLE_KIND_RECEIVE;
    outcome.takes_signal = signal;
    return outcome;
}

static void every_kind_of_outcome_is_kept(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    history rows;

    for (int i = 0; i < 15; i++) {
        durable_outcome outcome = plain_outcome(&fence, i + 1);

        outcome.kind = DURABLE_KIND_STEP + i / 3;
        outcome.outcome = i % 3;
        if (i % 3 == DURABLE_OUTCOME_FAILURE) outcome.value = datum_text("no");
        if (i % 3 == DURABLE_OUTCOME_TIMED_OUT) outcome.value = datum_null();
        assert_int_equal(append(c, outcome), DUR_OK);
        assert_int_equal(append(c, outcome), DUR_OK); /* law 3 */
    }
    rows = load_all(c, fence.run);
    assert_int_equal(rows.count, 15);
    for (int i = 0; i < 15; i++) {
        assert_int_equal(rows.rows[i].kind, DURABLE_KIND_STEP + i / 3);
        assert_int_equal(rows.rows[i].outcome, i % 3);
        if (i % 3 == DURABLE_OUTCOME_TIMED_OUT)
            assert_int_equal(rows.rows[i].value.type, DURABLE_DATUM_NULL);
        assert_int_equal(rows.rows[i].value.format, DURABLE_FORMAT_PLAIN);
    }
}

/* A null result is no timeout. */
static void a_null_result_and_a_timeout_are_told_apart(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_outcome outcome = plain_outcome(&fence, 1);
    history rows;

    outcome.value = datum_null();
    assert_int_equal(append(c, outcome), DUR_OK);
    outcome.position = outcome.low = 2;
    outcome.outcome = DURABLE_OUTCOME_TIMED_OUT;
    assert_int_equal(append(c, outcome), DUR_OK);
    rows = load_all(c, fence.run);
    assert_int_equal(rows.rows[0].outcome, DURABLE_OUTCOME_RESULT);
    assert_int_equal(rows.rows[1].outcome, DURABLE_OUTCOME_TIMED_OUT);
}

static void an_outcome_takes_its_signal_and_no_other(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_signal_record record;
    int64_t first = sent(c, "order-1", "approval", fence.run);

    assert_int_equal(send(c, "order-1", plain_signal("approval", 2, 1400)), DUR_OK);
    assert_int_equal(send(c, "order-1", plain_signal("payment", 3, 1400)), DUR_OK);
    assert_int_equal(append(c, taking(&fence, 1, first)), DUR_OK);
    assert_int_equal(load_all(c, fence.run).count, 1);
    assert_true(peek(c, fence.run, "approval", &record));
    assert_true(record.value.integer == 2 && record.signal != first);
    assert_true(peek(c, fence.run, "payment", &record));
}

/* Law 6, and the trap: a signal eaten by an owner who was not the owner any more. */
static void an_append_that_is_fenced_off_takes_and_clears_nothing(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second;
    durable_outcome outcome = taking(&first, 1, sent(c, "order-1", "approval", first.run));

    outcome.clears_pending = true;
    assert_int_equal(put(c, &first, plain_pending(1)), DUR_OK);
    second = take_over(c, &first);
    assert_int_equal(verdict_of_gone(c, append(c, outcome)), DUR_LOST);
    assert_true(peek(c, first.run, "approval", NULL));
    assert_int_equal(load_waits(c, first.run).count, 1);

    /* Nor is a signal that has gone meanwhile its concern. */
    receive(c, &second, 1, "approval");
    assert_int_equal(verdict_of_gone(c, append(c, outcome)), DUR_LOST);
    assert_int_equal(load_waits(c, first.run).count, 1);
}

/* Law 3: the same receipt tried again, with the next signal in the inbox. */
static void an_append_done_twice_takes_and_clears_once(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_outcome outcome = taking(&fence, 1, sent(c, "order-1", "approval", fence.run));

    outcome.clears_pending = true;
    assert_int_equal(put(c, &fence, plain_pending(1)), DUR_OK);
    assert_int_equal(append(c, outcome), DUR_OK);
    assert_int_equal(append(c, outcome), DUR_OK);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 2, 1400)), DUR_OK);
    assert_int_equal(append(c, outcome), DUR_OK);
    assert_true(peek(c, fence.run, "approval", NULL));
    assert_int_equal(load_all(c, fence.run).count, 1);
    assert_int_equal(load_waits(c, fence.run).count, 0);
}

static void append_of_one_that_is_gone(conformance *c, durable_fence *fence, int64_t signal)
{
    durable_outcome outcomes[] = {plain_outcome(fence, 7), taking(fence, 8, signal),
                                  plain_outcome(fence, 9)};
    size_t before = load_all(c, fence->run).count;

    outcomes[0].clears_pending = outcomes[1].clears_pending = true;
    outcomes[0].lease_end = outcomes[1].lease_end = 7777;
    assert_int_equal(put(c, fence, plain_pending(7)), DUR_OK);
    assert_int_equal(put(c, fence, plain_pending(8)), DUR_OK);
    assert_int_equal(c->store->methods->append_outcomes(c->store, outcomes, 3), DUR_CORRUPT);
    assert_int_equal(c->store->error.code, DUR_CORRUPT);
    assert_true(strlen(c->store->error.message) > 0);
    assert_null(strstr(c->store->error.message, "order-1"));
    assert_int_equal(load_all(c, fence->run).count, before);
    assert_int_equal(load_waits(c, fence->run).count, 2);
    assert_true(look(c, "order-1").lease_end == RUN_LEASE);
    assert_true(c->subject->is_idle(c->world));
}

static void a_signal_that_is_gone_is_corrupt_for_the_whole_act(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), other = start(c, "order-2");
    durable_signal keyed = plain_signal("keyed", 1, 1400);
    durable_signal_record record;
    int64_t received = sent(c, "order-1", "approval", fence.run);

    assert_int_equal(append(c, taking(&fence, 1, received)), DUR_OK);
    append_of_one_that_is_gone(c, &fence, 1000000);
    append_of_one_that_is_gone(c, &fence, received);
    append_of_one_that_is_gone(c, &fence, -1);
    append_of_one_that_is_gone(c, &fence, INT64_MAX);
    append_of_one_that_is_gone(c, &fence, INT64_MIN);

    keyed.key = "mail-7";
    assert_int_equal(send(c, "order-1", keyed), DUR_OK);
    assert_true(peek(c, fence.run, "keyed", &record));
    assert_int_equal(append(c, taking(&fence, 2, record.signal)), DUR_OK);
    append_of_one_that_is_gone(c, &fence, record.signal);

    append_of_one_that_is_gone(c, &fence, sent(c, "order-2", "approval", other.run));
    assert_true(peek(c, other.run, "approval", NULL));
}

static void two_outcomes_of_one_act_do_not_share_a_signal(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    int64_t signal = sent(c, "order-1", "approval", fence.run);
    durable_outcome outcomes[] = {taking(&fence, 1, signal), taking(&fence, 2, signal)};

    assert_int_equal(c->store->methods->append_outcomes(c->store, outcomes, 2), DUR_CORRUPT);
    assert_int_equal(load_all(c, fence.run).count, 0);
    assert_true(peek(c, fence.run, "approval", NULL));
}

/* The lost one writes nothing; that is no reason for the others not to be written. */
static void a_lost_outcome_does_not_keep_others_from_their_signals(void **state)
{
    conformance *c = *state;
    durable_fence lost = start(c, "order-1"), good = start(c, "order-2");
    int64_t first = sent(c, "order-1", "approval", lost.run);
    int64_t second = sent(c, "order-2", "approval", good.run);
    durable_outcome outcomes[] = {taking(&lost, 1, first), taking(&good, 1, second)};

    take_over(c, &lost);
    assert_int_equal(c->store->methods->append_outcomes(c->store, outcomes, 2), DUR_OK);
    assert_int_equal(verdict_of_gone(c, outcomes[0].verdict), DUR_LOST);
    assert_int_equal(outcomes[1].verdict, DUR_OK);
    assert_true(peek(c, lost.run, "approval", NULL));
    assert_false(peek(c, good.run, "approval", NULL));
}

/* Law 4: the row of another owner keeps its place, and its reader's signal is not eaten. */
static void an_outcome_whose_place_is_taken_takes_and_clears_nothing(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second;
    durable_outcome outcome;

    record(c, &first, 1);
    second = take_over(c, &first);
    assert_int_equal(put(c, &second, plain_pending(1)), DUR_OK);
    outcome = taking(&second, 1, sent(c, "order-1", "approval", first.run));
    outcome.clears_pending = true;
    assert_int_equal(append(c, outcome), DUR_CORRUPT);
    assert_true(peek(c, first.run, "approval", NULL));
    assert_int_equal(load_waits(c, first.run).count, 1);
}

static void an_outcome_clears_the_pending_row_of_its_position_only(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second = start(c, "order-2");
    durable_outcome clearing = plain_outcome(&first, 2), other = plain_outcome(&first, 1);
    waits rows;

    clearing.clears_pending = true;
    for (int64_t i = 1; i <= 3; i++) {
        assert_int_equal(put(c, &first, plain_pending(i)), DUR_OK);
        assert_int_equal(put(c, &second, plain_pending(i)), DUR_OK);
    }
    assert_int_equal(append(c, clearing), DUR_OK);
    assert_int_equal(append(c, other), DUR_OK); /* was not told to */
    rows = load_waits(c, first.run);
    assert_int_equal(rows.count, 2);
    assert_true(rows.rows[0].position == 1 && rows.rows[1].position == 3);
    assert_int_equal(load_waits(c, second.run).count, 3);
    clearing.position = clearing.low = 4; /* nothing is there: that is fine */
    assert_int_equal(append(c, clearing), DUR_OK);
}

/* A wait that timed out, unless what it waited for is there after all. */
static durable_outcome unless(durable_fence *fence, int64_t position, const char *address)
{
    durable_outcome outcome = plain_outcome(fence, position);

    outcome.kind = DURABLE_KIND_RECEIVE;
    outcome.outcome = DURABLE_OUTCOME_TIMED_OUT;
    outcome.value = datum_null();
    outcome.unless_signal = address;
    outcome.clears_pending = true;
    outcome.lease_end = 7777;
    return outcome;
}

/* The trap: a signal that comes between the last look and the record of the timeout. */
static void an_outcome_is_not_written_where_the_signal_is_there_after_all(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_run_record before, after;
    durable_outcome outcomes[] = {plain_outcome(&fence, 1), unless(&fence, 2, "approval"),
                                  plain_outcome(&fence, 3)};

    assert_int_equal(put(c, &fence, plain_pending(2)), DUR_OK);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    before = look(c, "order-1");
    assert_int_equal(append(c, outcomes[1]), DUR_CONFLICT);
    assert_int_equal(c->store->error.code, DUR_CONFLICT);
    assert_true(strlen(c->store->error.message) > 0);
    assert_int_equal(load_all(c, fence.run).count, 0);
    assert_int_equal(c->store->methods->append_outcomes(c->store, outcomes, 3), DUR_OK);
    assert_int_equal(outcomes[0].verdict, DUR_OK);
    assert_int_equal(outcomes[1].verdict, DUR_CONFLICT);
    assert_int_equal(outcomes[2].verdict, DUR_OK);
    assert_int_equal(load_all(c, fence.run).count, 2);
    assert_int_equal(load_waits(c, fence.run).count, 1);
    assert_true(peek(c, fence.run, "approval", NULL));
    after = look(c, "order-1");
    assert_same_run(&before, &after);
}

static void a_callback_s_answer_stands_in_the_way_of_its_timeout(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    const durable_callback callback = {fence.run, 4, "0123456789abcdef"};
    const durable_signal signal = plain_signal(NULL, 42, 1400);

    assert_int_equal(put(c, &fence, plain_callback(4)), DUR_OK);
    assert_int_equal(c->store->methods->answer_callback(c->store, &callback, &signal), DUR_OK);
    assert_int_equal(append(c, unless(&fence, 4, "\t4")), DUR_CONFLICT);
    assert_int_equal(load_waits(c, fence.run).count, 1);
}

static void other_signals_stand_in_nobody_s_way(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_signal keyed = plain_signal("approval", 1, 1400);

    start(c, "order-2");
    keyed.key = "mail-7";
    assert_int_equal(send(c, "order-2", plain_signal("approval", 1, 1400)), DUR_OK);
    assert_int_equal(send(c, "order-1", plain_signal("payment", 1, 1400)), DUR_OK);
    assert_int_equal(send(c, "order-1", keyed), DUR_OK);
    receive(c, &fence, 1, "approval"); /* received: there no more */
    assert_int_equal(put(c, &fence, plain_pending(2)), DUR_OK);
    assert_int_equal(append(c, unless(&fence, 2, "approval")), DUR_OK);
    assert_int_equal(load_waits(c, fence.run).count, 0);
    assert_true(look(c, "order-1").lease_end == 7777);
    assert_int_equal(load_all(c, fence.run).rows[1].outcome, DURABLE_OUTCOME_TIMED_OUT);
}

/* Law 3: it was recorded, only the answer was lost; what came since is for the next wait. */
static void a_timeout_that_is_recorded_stays_whatever_comes_later(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(append(c, unless(&fence, 1, "approval")), DUR_OK);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    assert_int_equal(append(c, unless(&fence, 1, "approval")), DUR_OK);
    assert_int_equal(load_all(c, fence.run).count, 1);
}

/* Law 6: who is no owner is told that, and nothing of signals. */
static void who_is_fenced_off_is_lost_whatever_stands_in_the_way(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    take_over(c, &fence);
    assert_int_equal(verdict_of_gone(c, append(c, unless(&fence, 1, "approval"))), DUR_LOST);
}

static void a_receipt_leaves_the_run_as_it_is(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_outcome outcome = taking(&fence, 1, sent(c, "order-1", "approval", fence.run));
    durable_run_record before, after;

    assert_int_equal(put(c, &fence, plain_pending(1)), DUR_OK);
    before = look(c, "order-1");
    outcome.clears_pending = true;
    assert_int_equal(append(c, outcome), DUR_OK);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
    reopen(c);
    assert_false(peek(c, fence.run, "approval", NULL));
    assert_int_equal(load_waits(c, fence.run).count, 0);
    assert_int_equal(load_all(c, fence.run).count, 1);
}

size_t conformance_receipt_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(every_kind_of_outcome_is_kept),
        cmocka_unit_test(a_null_result_and_a_timeout_are_told_apart),
        cmocka_unit_test(an_outcome_takes_its_signal_and_no_other),
        cmocka_unit_test(an_append_that_is_fenced_off_takes_and_clears_nothing),
        cmocka_unit_test(an_append_done_twice_takes_and_clears_once),
        cmocka_unit_test(a_signal_that_is_gone_is_corrupt_for_the_whole_act),
        cmocka_unit_test(two_outcomes_of_one_act_do_not_share_a_signal),
        cmocka_unit_test(a_lost_outcome_does_not_keep_others_from_their_signals),
        cmocka_unit_test(an_outcome_whose_place_is_taken_takes_and_clears_nothing),
        cmocka_unit_test(an_outcome_clears_the_pending_row_of_its_position_only),
        cmocka_unit_test(an_outcome_is_not_written_where_the_signal_is_there_after_all),
        cmocka_unit_test(a_callback_s_answer_stands_in_the_way_of_its_timeout),
        cmocka_unit_test(other_signals_stand_in_nobody_s_way),
        cmocka_unit_test(a_timeout_that_is_recorded_stays_whatever_comes_later),
        cmocka_unit_test(who_is_fenced_off_is_lost_whatever_stands_in_the_way),
        cmocka_unit_test(a_receipt_leaves_the_run_as_it_is),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
