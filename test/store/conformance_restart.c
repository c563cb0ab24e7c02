/* test/store: the conformance suite, restarting: a new run that shares the beginning of another. */
#include "store/conformance_restart.h"

/* ---- The new run ---- */

static void the_new_run_is_like_one_that_was_just_started(void **state)
{
    conformance *c = *state;
    durable_new_run new_run = plain_run("order-1");
    durable_run_record run;
    durable_fence fence;

    new_run.input = datum_blob("\0in", 3);
    new_run.deadline = 9000;
    new_run.behaviour = 7;
    fence = start_run(c, &new_run);
    record(c, &fence, 1);
    assert_int_equal(c->store->methods->cancel_run(c->store, "order-1", 1200), DUR_OK);
    assert_int_equal(restart(c, plain_restart(2)), DUR_OK);
    run = look(c, "again");
    assert_string_equal(run.uid, NEW_UID);
    assert_string_equal(run.workflow, "order");
    assert_string_equal(run.queue, "orders");
    assert_int_equal(run.status, DURABLE_RUNNING);
    assert_int_equal(run.behaviour, 7);
    assert_int_equal(run.priority, 3);
    assert_int_equal(run.generation, 1);
    assert_true(run.epoch == 0 && run.claims == 0 && !run.owner);
    assert_true(run.due == 5000 && run.created == 5000 && run.ended == 0);
    assert_true(run.deadline == DURABLE_NEVER && !run.cancels && !run.paused);
    assert_true(run.parent == 0 && run.called_at == 0 && run.root == 0 && run.depth == 0);
    assert_string_equal(run.origin, "order-1");
    assert_true(run.restarted_at == 2);
    assert_datum(&run.input, &new_run.input);
}

static void the_queue_may_be_another_one(void **state)
{
    conformance *c = *state;
    durable_restart wanted = plain_restart(1);

    start(c, "order-1");
    wanted.queue = "repairs";
    assert_int_equal(restart(c, wanted), DUR_OK);
    assert_string_equal(look(c, "again").queue, "repairs");
}

/* A consistent copy at one moment; who holds the source goes on. */
static void the_source_is_not_touched(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_with_steps(c, 3);
    durable_run_record before = look(c, "order-1"), after;

    assert_int_equal(put(c, &fence, plain_pending(4)), DUR_OK);
    assert_int_equal(restart(c, plain_restart(3)), DUR_OK);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
    assert_int_equal(load_all(c, fence.run).count, 3);
    assert_int_equal(load_waits(c, fence.run).count, 1);
    record(c, &fence, 4);
    assert_int_equal(load_all(c, look(c, "again").run).count, 2);
}

static void a_restart_is_claimed_and_restarted_like_any_run(void **state)
{
    conformance *c = *state;
    durable_restart wanted = plain_restart(4);
    durable_fence fence;

    start_with_steps(c, 3);
    assert_int_equal(restart(c, plain_restart(3)), DUR_OK);
    fence = claim_run_of(c, "again");
    assert_true(fence.epoch == 1);
    record(c, &fence, 3);
    wanted.source = "again";
    wanted.id = "third";
    assert_int_equal(restart(c, wanted), DUR_OK);
    assert_int_equal(load_all(c, look(c, "third").run).count, 3);
    assert_string_equal(look(c, "third").origin, "again");
    end_as(c, &fence, DURABLE_COMPLETED);
    assert_int_equal(look(c, "third").status, DURABLE_RUNNING);
}

/* ---- Its steps ---- */

static void assert_copied_row(const durable_step_record *copy, const durable_step_record *row)
{
    assert_true(copy->position == row->position);
    assert_int_equal(copy->kind, row->kind);
    assert_int_equal(copy->outcome, row->outcome);
    assert_int_equal(copy->name_length, row->name_length);
    assert_memory_equal(copy->name, row->name, row->name_length);
    assert_datum(&copy->value, &row->value);
    assert_true(copy->began == row->began && copy->took == row->took && copy->low == row->low);
    assert_true(copy->attempt == row->attempt && copy->fingerprint == row->fingerprint);
    assert_string_equal(copy->site, row->site);
    assert_true(copy->epoch == 0); /* no claim of the new run has recorded it */
}

static void values_are_copied_bit_for_bit(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_datum specimens[64];
    size_t count = datum_specimens(specimens, 64);
    history rows, copies;

    for (size_t i = 0; i < count; i++) {
        durable_outcome outcome = plain_outcome(&fence, (int64_t)i + 1);

        outcome.value = specimens[i];
        outcome.attempt = (int64_t)i + 1;
        assert_int_equal(append(c, outcome), DUR_OK);
    }
    record_kind(c, &fence, (int64_t)count + 1, DURABLE_KIND_RECEIVE, DURABLE_OUTCOME_TIMED_OUT);
    record_kind(c, &fence, (int64_t)count + 2, DURABLE_KIND_STEP, DURABLE_OUTCOME_FAILURE);
    assert_int_equal(restart(c, plain_restart((int64_t)count + 3)), DUR_OK);
    rows = load_all(c, fence.run);
    copies = load_all(c, look(c, "again").run);
    assert_int_equal(copies.count, count + 2);
    for (size_t i = 0; i < rows.count; i++) assert_copied_row(&copies.rows[i], &rows.rows[i]);
}

static void a_position_is_one_that_is_recorded_or_the_next(void **state)
{
    conformance *c = *state;
    static const int64_t wrong[] = {INT64_MIN, -1, 0, 5, DUR_POSITION_MAX + 1, INT64_MAX};
    durable_fence fence = start_with_steps(c, 1);

    record(c, &fence, 3); /* two was open beside it */
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(restart(c, plain_restart(wrong[i])), DUR_MISUSE);
        assert_false(exists(c, "again"));
    }
    for (int64_t position = 1; position <= 4; position++) {
        const char id[] = {(char)('a' + position), '\0'};
        static const size_t rows[] = {0, 0, 1, 1, 2};
        durable_restart wanted = plain_restart(position);

        wanted.id = id;
        assert_int_equal(restart(c, wanted), DUR_OK);
        assert_int_equal(load_all(c, look(c, id).run).count, rows[position]);
    }
}

/* No run but the source lends its rows: its neighbours in the table have the same positions. */
static void rows_of_other_runs_are_left_alone(void **state)
{
    conformance *c = *state;
    durable_fence before = start(c, "before"), fence, after;

    record(c, &before, 1);
    record(c, &before, 7);
    fence = start_with_steps(c, 2);
    after = start(c, "after");
    record(c, &after, 1);
    assert_int_equal(restart(c, plain_restart(3)), DUR_OK);
    assert_int_equal(load_all(c, look(c, "again").run).count, 2);
    assert_int_equal(load_all(c, before.run).count, 2);
    assert_int_equal(load_all(c, after.run).count, 1);
    assert_int_equal(load_all(c, fence.run).count, 2);
}

static void no_claim_has_recorded_what_was_copied(void **state)
{
    conformance *c = *state;
    durable_history_summary summary;
    durable_fence fence = start_with_steps(c, 1);

    fence = take_over(c, &fence);
    record(c, &fence, 2);
    assert_int_equal(restart(c, plain_restart(3)), DUR_OK);
    summary = summarize(c, look(c, "again").run);
    assert_true(summary.last == 2 && summary.last_epoch == 0 && summary.low == 2);
    assert_false(summary.calls);
    fence = claim_run_of(c, "again");
    record(c, &fence, 3);
    assert_true(summarize(c, fence.run).last_epoch == 1);
}

static void what_stands_behind_a_cancellation_is_not_copied(void **state)
{
    conformance *c = *state;
    static const int kinds[] = {DURABLE_KIND_CANCEL, DURABLE_KIND_UNDO};

    for (size_t i = 0; i < 2; i++) {
        const char source[] = {(char)('a' + i), '\0'}, id[] = {(char)('k' + i), '\0'};
        durable_restart wanted = plain_restart(5);
        durable_fence fence = start(c, source);

        record(c, &fence, 1);
        record_kind(c, &fence, 2, kinds[i], i ? DURABLE_OUTCOME_FAILURE : DURABLE_OUTCOME_RESULT);
        record(c, &fence, 3);
        record(c, &fence, 4);
        wanted.source = source;
        wanted.id = id;
        assert_int_equal(restart(c, wanted), DUR_OK);
        assert_int_equal(load_all(c, look(c, id).run).count, 1);
        assert_true(look(c, id).restarted_at == 5);
        wanted.id = "replaced";
        wanted.replace_at = 3;
        assert_int_equal(restart(c, wanted), DUR_MISUSE);
        assert_false(exists(c, "replaced"));
    }
}

static void what_is_pending_is_not_copied(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_with_steps(c, 1);

    assert_int_equal(put(c, &fence, plain_callback(2)), DUR_OK);
    record(c, &fence, 3);
    assert_int_equal(restart(c, plain_restart(4)), DUR_OK);
    assert_int_equal(load_waits(c, look(c, "again").run).count, 0);
    assert_int_equal(load_waits(c, fence.run).count, 1);
}

/* ---- A value that is replaced ---- */

static void one_value_is_replaced(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_with_steps(c, 4);
    durable_restart wanted = plain_restart(5);
    history rows, copies;

    wanted.replace_at = 2;
    wanted.value = datum_format(datum_integer(INT64_MIN), DURABLE_FORMAT_UNSIGNED);
    assert_int_equal(restart(c, wanted), DUR_OK);
    rows = load_all(c, fence.run);
    copies = load_all(c, look(c, "again").run);
    assert_int_equal(copies.count, 4);
    assert_datum(&copies.rows[1].value, &wanted.value);
    rows.rows[1].value = copies.rows[1].value;
    for (size_t i = 0; i < 4; i++) assert_copied_row(&copies.rows[i], &rows.rows[i]);
}

static void the_first_and_the_last_value_are_replaced(void **state)
{
    conformance *c = *state;
    durable_datum text = datum_text("instead");

    start_with_steps(c, 3);
    for (int64_t position = 1; position <= 3; position += 2) {
        const char id[] = {(char)('a' + position), '\0'};
        durable_restart wanted = plain_restart(4);
        history copies;

        wanted.id = id;
        wanted.replace_at = position;
        wanted.value = text;
        assert_int_equal(restart(c, wanted), DUR_OK);
        copies = load_all(c, look(c, id).run);
        assert_int_equal(copies.count, 3);
        assert_datum(&copies.rows[position - 1].value, &text);
    }
}

/* Only what a step, a receipt, a callback or a child came to. */
static void what_has_no_such_value_is_not_replaced(void **state)
{
    conformance *c = *state;
    static const struct {
        int kind, outcome, code;
    } rows[] = {
        {DURABLE_KIND_STEP, DURABLE_OUTCOME_RESULT, DUR_OK},
        {DURABLE_KIND_RECEIVE, DURABLE_OUTCOME_RESULT, DUR_OK},
        {DURABLE_KIND_CALLBACK, DURABLE_OUTCOME_RESULT, DUR_OK},
        {DURABLE_KIND_CHILD, DURABLE_OUTCOME_RESULT, DUR_OK},
        {DURABLE_KIND_STEP, DURABLE_OUTCOME_FAILURE, DUR_MISUSE},
        {DURABLE_KIND_RECEIVE, DURABLE_OUTCOME_TIMED_OUT, DUR_MISUSE},
        {DURABLE_KIND_TIMER, DURABLE_OUTCOME_RESULT, DUR_MISUSE},
        {DURABLE_KIND_SELECT, DURABLE_OUTCOME_RESULT, DUR_MISUSE},
        {DURABLE_KIND_PATCH, DURABLE_OUTCOME_RESULT, DUR_MISUSE},
    };
    enum { COUNT = sizeof rows / sizeof rows[0] };
    durable_fence fence = start(c, "order-1");
    durable_restart wanted = plain_restart(COUNT + 3);

    for (int i = 0; i < COUNT; i++)
        record_kind(c, &fence, i + 1, rows[i].kind, rows[i].outcome);
    record(c, &fence, COUNT + 2); /* the one before was open beside it */
    for (int i = 0; i < COUNT; i++) {
        const char id[] = {(char)('a' + i), '\0'};

        wanted.id = id;
        wanted.replace_at = i + 1;
        assert_int_equal(restart(c, wanted), rows[i].code);
        assert_int_equal(exists(c, id), rows[i].code == DUR_OK);
    }
    wanted.id = "again";
    wanted.replace_at = COUNT + 1;
    assert_int_equal(restart(c, wanted), DUR_MISUSE);
    wanted.replace_at = COUNT + 3;
    assert_int_equal(restart(c, wanted), DUR_MISUSE);
    wanted.replace_at = -1;
    assert_int_equal(restart(c, wanted), DUR_MISUSE);
    assert_false(exists(c, "again"));
}

/* ---- Twice ---- */

/* Law 3. */
static void a_restart_is_made_once(void **state)
{
    conformance *c = *state;
    durable_restart wanted = plain_restart(3);
    durable_run_record before, after;
    durable_fence fence;

    start_with_steps(c, 3);
    wanted.replace_at = 1;
    wanted.value = datum_integer(8);
    assert_int_equal(restart(c, wanted), DUR_OK);
    before = look(c, "again");
    wanted.uid = "00000000000000000000000000000000";
    wanted.now = 6000;
    assert_int_equal(restart(c, wanted), DUR_REPLAYED);
    after = look(c, "again");
    assert_same_run(&before, &after);
    assert_string_equal(after.uid, NEW_UID);
    fence = claim_run_of(c, "again");
    record(c, &fence, 3);
    end_as(c, &fence, DURABLE_COMPLETED);
    assert_int_equal(restart(c, wanted), DUR_REPLAYED);
}

static void another_run_of_the_id_is_told_from_it(void **state)
{
    conformance *c = *state;
    durable_restart wanted = plain_restart(3), other = plain_restart(3);

    start_with_steps(c, 3);
    start(c, "other");
    wanted.replace_at = 1;
    wanted.value = datum_integer(8);
    assert_int_equal(restart(c, wanted), DUR_OK);
    assert_int_equal(restart(c, other), DUR_CONFLICT); /* nothing replaced */
    other = wanted;
    other.value = datum_real(8.0);
    assert_int_equal(restart(c, other), DUR_CONFLICT);
    other.value = datum_format(wanted.value, DURABLE_FORMAT_NAN);
    assert_int_equal(restart(c, other), DUR_CONFLICT);
    other = wanted;
    other.replace_at = 2;
    assert_int_equal(restart(c, other), DUR_CONFLICT);
    other = wanted;
    other.position = 2;
    assert_int_equal(restart(c, other), DUR_CONFLICT);
    other = wanted;
    other.queue = "repairs";
    assert_int_equal(restart(c, other), DUR_CONFLICT);
    other = wanted;
    other.source = "other";
    other.position = 1;
    other.replace_at = 0;
    assert_int_equal(restart(c, other), DUR_CONFLICT);
    other.id = other.source = "order-1"; /* it is not its own restart */
    assert_int_equal(restart(c, other), DUR_CONFLICT);
    assert_int_equal(restart(c, wanted), DUR_REPLAYED);
}

static void what_is_not_there_is_not_restarted(void **state)
{
    conformance *c = *state;

    assert_int_equal(restart(c, plain_restart(1)), DUR_NOT_FOUND);
    assert_false(exists(c, "again"));
}

size_t conformance_restart_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(the_new_run_is_like_one_that_was_just_started),
        cmocka_unit_test(the_queue_may_be_another_one),
        cmocka_unit_test(the_source_is_not_touched),
        cmocka_unit_test(a_restart_is_claimed_and_restarted_like_any_run),
        cmocka_unit_test(values_are_copied_bit_for_bit),
        cmocka_unit_test(a_position_is_one_that_is_recorded_or_the_next),
        cmocka_unit_test(rows_of_other_runs_are_left_alone),
        cmocka_unit_test(no_claim_has_recorded_what_was_copied),
        cmocka_unit_test(what_stands_behind_a_cancellation_is_not_copied),
        cmocka_unit_test(what_is_pending_is_not_copied),
        cmocka_unit_test(one_value_is_replaced),
        cmocka_unit_test(the_first_and_the_last_value_are_replaced),
        cmocka_unit_test(what_has_no_such_value_is_not_replaced),
        cmocka_unit_test(a_restart_is_made_once),
        cmocka_unit_test(another_run_of_the_id_is_told_from_it),
        cmocka_unit_test(what_is_not_there_is_not_restarted),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
