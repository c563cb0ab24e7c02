/* test/store: the conformance suite, callbacks: one answer, heartbeats, and nothing after them. */
#include "store/conformance_waits.h"

#define UID "0123456789abcdef"

static durable_callback of(const durable_fence *fence, int64_t position)
{
    return (durable_callback){fence->run, position, UID};
}

/* A value, or a rejection. */
static int answer(conformance *c, durable_callback callback, int64_t integer, const char *failure)
{
    durable_signal signal = plain_signal(NULL, integer, 1700);

    if (failure) signal.value = datum_null();
    signal.failure = failure;
    return c->store->methods->answer_callback(c->store, &callback, &signal);
}

static int beat(conformance *c, durable_callback callback, int64_t now)
{
    return c->store->methods->beat_callback(c->store, &callback, now);
}

/* A run whose callback is at position 4. */
static durable_fence start_calling(conformance *c, const char *id)
{
    durable_fence fence = start(c, id);

    assert_int_equal(put(c, &fence, plain_callback(4)), DUR_OK);
    return fence;
}

static void an_answer_is_peeked_at_the_address_of_its_position(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_calling(c, "order-1");
    durable_run_record before = look(c, "order-1"), after;
    durable_signal_record record;

    assert_false(peek(c, fence.run, "\t4", NULL));
    assert_int_equal(answer(c, of(&fence, 4), 42, NULL), DUR_OK);
    assert_true(peek(c, fence.run, "\t4", &record));
    assert_true(record.value.integer == 42 && record.sent == 1700 && !record.failure);
    assert_false(peek(c, fence.run, "4", NULL));
    assert_false(peek(c, fence.run, "approval", NULL));
    assert_int_equal(load_waits(c, fence.run).count, 1);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
}

static void an_answer_may_be_a_rejection(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_calling(c, "order-1");
    durable_signal_record record;

    assert_int_equal(answer(c, of(&fence, 4), 0, "not this one"), DUR_OK);
    assert_true(peek(c, fence.run, "\t4", &record));
    assert_string_equal(record.failure, "not this one");
    assert_int_equal(record.value.type, DURABLE_DATUM_NULL);
}

static void every_datum_passes_as_an_answer(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_datum specimens[64];
    size_t count = datum_specimens(specimens, 64);

    for (size_t i = 0; i < count; i++) {
        durable_callback callback = of(&fence, (int64_t)i + 1);
        durable_signal signal = {.value = specimens[i], .now = 1700};
        char address[DURABLE_ADDRESS_SIZE] = {'\t', (char)('1' + i), '\0'};
        durable_signal_record record;

        if (i >= 9) { /* two digits */
            address[1] = (char)('0' + (i + 1) / 10);
            address[2] = (char)('0' + (i + 1) % 10);
        }
        assert_int_equal(put(c, &fence, plain_callback(callback.position)), DUR_OK);
        assert_int_equal(c->store->methods->answer_callback(c->store, &callback, &signal), DUR_OK);
        assert_true(peek(c, fence.run, address, &record));
        assert_datum(&record.value, &specimens[i]);
    }
}

static void of_all_answers_the_first_one_counts(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_calling(c, "order-1");
    durable_signal_record record;

    assert_int_equal(answer(c, of(&fence, 4), 1, NULL), DUR_OK);
    assert_int_equal(answer(c, of(&fence, 4), 1, NULL), DUR_ENDED);
    assert_int_equal(c->store->error.code, DUR_ENDED);
    assert_int_equal(answer(c, of(&fence, 4), 2, NULL), DUR_ENDED);
    assert_int_equal(answer(c, of(&fence, 4), 0, "no"), DUR_ENDED);
    assert_true(peek(c, fence.run, "\t4", &record));
    assert_true(record.value.integer == 1);
}

static void an_answer_is_received_once(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_calling(c, "order-1");
    durable_outcome outcome = plain_outcome(&fence, 4);
    durable_signal_record record;

    assert_int_equal(answer(c, of(&fence, 4), 1, NULL), DUR_OK);
    assert_true(peek(c, fence.run, "\t4", &record));
    outcome.kind = DURABLE_KIND_CALLBACK;
    outcome.takes_signal = record.signal;
    outcome.clears_pending = true;
    assert_int_equal(append(c, outcome), DUR_OK);
    assert_false(peek(c, fence.run, "\t4", NULL));
    assert_int_equal(load_waits(c, fence.run).count, 0);
    assert_int_equal(answer(c, of(&fence, 4), 2, NULL), DUR_ENDED);
    assert_int_equal(beat(c, of(&fence, 4), 1800), DUR_ENDED);
}

static void callbacks_of_one_run_are_answered_each(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_calling(c, "order-1");
    durable_signal_record record;

    assert_int_equal(put(c, &fence, plain_callback(5)), DUR_OK);
    assert_int_equal(put(c, &fence, plain_callback(DUR_POSITION_MAX)), DUR_OK);
    assert_int_equal(answer(c, of(&fence, DUR_POSITION_MAX), 3, NULL), DUR_OK);
    assert_int_equal(answer(c, of(&fence, 5), 2, NULL), DUR_OK);
    assert_int_equal(answer(c, of(&fence, 4), 1, NULL), DUR_OK);
    assert_true(peek(c, fence.run, "\t5", &record) && record.value.integer == 2);
    assert_true(peek(c, fence.run, "\t134217727", &record) && record.value.integer == 3);
}

/* A token of another run, or one that was made up. */
static void another_uid_or_run_is_not_found(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_calling(c, "order-1");
    const durable_callback strangers[] = {
        {fence.run, 4, "0123456789abcdee"}, {fence.run, 4, ""},  {fence.run, 4, "0123456789ABCDEF"},
        {fence.run + 1, 4, UID},            {1000000, 4, UID},   {0, 4, UID},
        {-1, 4, UID},                       {INT64_MAX, 4, UID}, {INT64_MIN, 4, UID},
    };

    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        assert_int_equal(answer(c, strangers[i], 1, NULL), DUR_NOT_FOUND);
        assert_int_equal(c->store->error.code, DUR_NOT_FOUND);
        assert_int_equal(beat(c, strangers[i], 1800), DUR_NOT_FOUND);
    }
    assert_false(peek(c, fence.run, "\t4", NULL));
    assert_true(load_waits(c, fence.run).rows[0].due == 2000);
    c->subject->delete_run(c->world, "order-1");
    assert_int_equal(answer(c, of(&fence, 4), 1, NULL), DUR_NOT_FOUND);
    assert_int_equal(beat(c, of(&fence, 4), 1800), DUR_NOT_FOUND);
}

static void a_position_without_a_callback_is_ended(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_calling(c, "order-1");
    static const int64_t positions[] = {3, 5, 6, 0, -4, DUR_POSITION_MAX, INT64_MAX, INT64_MIN};

    assert_int_equal(put(c, &fence, plain_pending(3)), DUR_OK); /* a step's attempt is none */
    for (size_t i = 0; i < sizeof positions / sizeof positions[0]; i++) {
        assert_int_equal(answer(c, of(&fence, positions[i]), 1, NULL), DUR_ENDED);
        assert_int_equal(beat(c, of(&fence, positions[i]), 1800), DUR_ENDED);
    }
    assert_false(peek(c, fence.run, "\t3", NULL));
}

/* What the key of the next run's first position would be is not this run's. */
static void a_position_does_not_reach_into_the_next_run(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second = start_calling(c, "order-2");

    assert_int_equal(answer(c, of(&first, 4 + DUR_POSITION_MAX + 1), 1, NULL), DUR_ENDED);
    assert_int_equal(beat(c, of(&first, 4 + DUR_POSITION_MAX + 1), 1800), DUR_ENDED);
    assert_true(load_waits(c, second.run).rows[0].due == 2000);
    assert_false(peek(c, second.run, "\t4", NULL));
}

static void a_callback_that_timed_out_is_ended(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_calling(c, "order-1");
    durable_outcome outcome = plain_outcome(&fence, 4);

    outcome.kind = DURABLE_KIND_CALLBACK;
    outcome.outcome = DURABLE_OUTCOME_TIMED_OUT;
    outcome.value = datum_null();
    outcome.clears_pending = true;
    assert_int_equal(append(c, outcome), DUR_OK);
    assert_int_equal(answer(c, of(&fence, 4), 1, NULL), DUR_ENDED);
    assert_int_equal(beat(c, of(&fence, 4), 1800), DUR_ENDED);
    assert_false(peek(c, fence.run, "\t4", NULL));
}

static void a_callback_of_a_run_that_has_ended_is_ended(void **state)
{
    conformance *c = *state;
    durable_fence first = start_calling(c, "kept"), second = start_calling(c, "cleared");
    durable_ending ending = {.status = DURABLE_COMPLETED, .now = 1900};

    assert_int_equal(c->store->methods->end_run(c->store, &first, &ending), DUR_OK);
    ending.clears_pending = true;
    assert_int_equal(c->store->methods->end_run(c->store, &second, &ending), DUR_OK);
    assert_int_equal(answer(c, of(&first, 4), 1, NULL), DUR_ENDED);
    assert_int_equal(answer(c, of(&second, 4), 1, NULL), DUR_ENDED);
    assert_int_equal(beat(c, of(&first, 4), 1800), DUR_ENDED);
    assert_int_equal(beat(c, of(&second, 4), 1800), DUR_ENDED);
    assert_false(peek(c, first.run, "\t4", NULL));
}

static void an_answer_makes_the_run_due_that_awaits_it(void **state)
{
    conformance *c = *state;
    durable_fence first = start_calling(c, "order-1"), second = start_calling(c, "order-2");
    durable_fence third = start_calling(c, "order-3"), parked = start_calling(c, "order-4");

    assert_int_equal(suspend(c, &first, 4000, "\t4"), DUR_OK);
    assert_int_equal(suspend(c, &second, 1600, "\t4"), DUR_OK);
    assert_int_equal(suspend(c, &third, 4000, "approval"), DUR_OK);
    end_as(c, &parked, DURABLE_PARKED);
    assert_int_equal(answer(c, of(&first, 4), 1, NULL), DUR_OK);
    assert_int_equal(answer(c, of(&second, 4), 1, NULL), DUR_OK);
    assert_int_equal(answer(c, of(&third, 4), 1, NULL), DUR_OK);
    assert_int_equal(answer(c, of(&parked, 4), 1, NULL), DUR_OK);
    assert_true(look(c, "order-1").due == 1700);
    assert_true(look(c, "order-2").due == 1600); /* never later than it was */
    assert_true(look(c, "order-3").due == 4000);
    assert_true(look(c, "order-4").due == DURABLE_NEVER);
}

static void suspend_sees_an_answer_that_came_before(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_calling(c, "order-1");

    assert_int_equal(answer(c, of(&fence, 4), 1, NULL), DUR_OK);
    assert_int_equal(suspend(c, &fence, DURABLE_NEVER, "\t4"), DUR_OK);
    assert_true(look(c, "order-1").due == 1500);
}

static void a_heartbeat_makes_the_callback_due_an_interval_later(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_calling(c, "order-1");
    durable_pending before, after;
    durable_run_record run, same;

    assert_int_equal(put(c, &fence, plain_callback(5)), DUR_OK);
    assert_int_equal(suspend(c, &fence, 2000, "\t4"), DUR_OK);
    run = look(c, "order-1");
    before = load_waits(c, fence.run).rows[0];
    assert_int_equal(beat(c, of(&fence, 4), 1900), DUR_OK);
    after = load_waits(c, fence.run).rows[0];
    assert_true(after.due == 2400);
    assert_true(load_waits(c, fence.run).rows[1].due == 2000);

    /* All else is as it was; the run looks again when it was told to. */
    after.due = before.due;
    assert_same_pending(&before, &after);
    same = look(c, "order-1");
    assert_same_run(&run, &same);
    assert_int_equal(answer(c, of(&fence, 4), 1, NULL), DUR_OK);
    assert_int_equal(beat(c, of(&fence, 4), 2000), DUR_ENDED);
    assert_true(load_waits(c, fence.run).rows[0].due == 2400);
}

static void a_heartbeat_does_not_reach_behind_the_deadline(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_calling(c, "order-1");
    durable_pending limited = plain_callback(4), endless = plain_callback(5);
    durable_pending longest = plain_callback(6);
    waits rows;

    limited.due = endless.due = longest.due = 8600;

    endless.deadline = DURABLE_NEVER;
    longest.deadline = DURABLE_NEVER;
    longest.interval = INT64_MAX;
    assert_int_equal(put(c, &fence, limited), DUR_OK);
    assert_int_equal(put(c, &fence, endless), DUR_OK);
    assert_int_equal(put(c, &fence, longest), DUR_OK);
    assert_int_equal(beat(c, of(&fence, 4), 8500), DUR_OK);
    assert_true(load_waits(c, fence.run).rows[0].due == 9000);
    assert_int_equal(beat(c, of(&fence, 4), 8501), DUR_OK);
    assert_int_equal(beat(c, of(&fence, 5), 8501), DUR_OK);
    assert_int_equal(beat(c, of(&fence, 6), 8501), DUR_OK);
    rows = load_waits(c, fence.run);
    assert_true(rows.rows[0].due == 9000);
    assert_true(rows.rows[1].due == 9001);
    assert_true(rows.rows[2].due == DURABLE_NEVER);
}

/* The last millisecond is in time; after it nobody brings the callback back. */
static void past_its_time_a_callback_takes_nothing(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_calling(c, "order-1");
    durable_pending late = plain_callback(4), last = plain_callback(5); /* answers come at 1700 */

    late.due = 1699;
    last.due = 1700;
    assert_int_equal(put(c, &fence, late), DUR_OK);
    assert_int_equal(put(c, &fence, last), DUR_OK);
    assert_int_equal(beat(c, of(&fence, 4), 1700), DUR_ENDED);
    assert_int_equal(answer(c, of(&fence, 4), 1, NULL), DUR_ENDED);
    assert_int_equal(beat(c, of(&fence, 5), 1700), DUR_OK);
    assert_int_equal(answer(c, of(&fence, 5), 1, NULL), DUR_OK);
}

static void a_heartbeat_for_a_callback_without_one_moves_nothing(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_pending patient = plain_callback(4), endless = plain_callback(5);
    waits rows;

    patient.interval = endless.interval = 0;
    patient.due = patient.deadline;
    endless.due = endless.deadline = DURABLE_NEVER;
    assert_int_equal(put(c, &fence, patient), DUR_OK);
    assert_int_equal(put(c, &fence, endless), DUR_OK);
    assert_int_equal(beat(c, of(&fence, 4), 1900), DUR_OK);
    assert_int_equal(beat(c, of(&fence, 5), 1900), DUR_OK);
    rows = load_waits(c, fence.run);
    assert_same_pending(&rows.rows[0], &patient);
    assert_same_pending(&rows.rows[1], &endless);
}

size_t conformance_callback_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(an_answer_is_peeked_at_the_address_of_its_position),
        cmocka_unit_test(an_answer_may_be_a_rejection),
        cmocka_unit_test(every_datum_passes_as_an_answer),
        cmocka_unit_test(of_all_answers_the_first_one_counts),
        cmocka_unit_test(an_answer_is_received_once),
        cmocka_unit_test(callbacks_of_one_run_are_answered_each),
        cmocka_unit_test(another_uid_or_run_is_not_found),
        cmocka_unit_test(a_position_without_a_callback_is_ended),
        cmocka_unit_test(a_position_does_not_reach_into_the_next_run),
        cmocka_unit_test(a_callback_that_timed_out_is_ended),
        cmocka_unit_test(a_callback_of_a_run_that_has_ended_is_ended),
        cmocka_unit_test(an_answer_makes_the_run_due_that_awaits_it),
        cmocka_unit_test(suspend_sees_an_answer_that_came_before),
        cmocka_unit_test(a_heartbeat_makes_the_callback_due_an_interval_later),
        cmocka_unit_test(a_heartbeat_does_not_reach_behind_the_deadline),
        cmocka_unit_test(past_its_time_a_callback_takes_nothing),
        cmocka_unit_test(a_heartbeat_for_a_callback_without_one_moves_nothing),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
