/* test/store: the conformance suite, runs that continue as new: one that ends, and one that goes on
 * under its id, in one act. */
#include "store/conformance_children.h"

#include <stdio.h>

#define METER "meter"
#define METER_1 "meter~1"
#define NEXT_UID "00112233445566778899aabbccddeeff"

static durable_successor plain_successor(void)
{
    return (durable_successor){.id = METER,
                               .old_id = METER_1,
                               .uid = NEXT_UID,
                               .behaviour = 1,
                               .input = datum_integer(77),
                               .due = 1900};
}

static int end_as_continued(conformance *c, durable_fence *fence,
                            const durable_successor *successor)
{
    const durable_ending ending = {.status = DURABLE_CONTINUED,
                                   .clears_pending = true,
                                   .cancels_children = 1u << DUR_CHILD_CANCEL,
                                   .successor = successor,
                                   .now = 1900};

    return c->store->methods->end_run(c->store, fence, &ending);
}

static void continue_as(conformance *c, durable_fence *fence, const char *id, const char *old_id)
{
    durable_successor successor = plain_successor();

    successor.id = id;
    successor.old_id = old_id;
    assert_int_equal(end_as_continued(c, fence, &successor), DUR_OK);
}

static void continue_meter(conformance *c, durable_fence *fence)
{
    continue_as(c, fence, METER, METER_1);
}

/* ---- The two runs ---- */

static void the_old_run_keeps_its_rows_and_takes_another_id(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER);
    durable_run_record before = look(c, METER), old;

    record(c, &fence, 1);
    assert_int_equal(put(c, &fence, plain_pending(2)), DUR_OK);
    continue_meter(c, &fence);
    old = look(c, METER_1);
    assert_true(old.run == before.run);
    assert_string_equal(old.uid, before.uid);
    assert_int_equal(old.status, DURABLE_CONTINUED);
    assert_true(old.ended == 1900 && old.due == DURABLE_NEVER);
    assert_null(old.owner);
    assert_null(old.failure);
    assert_int_equal(old.output.type, DURABLE_DATUM_NULL);
    assert_int_equal(old.generation, 1);
    assert_null(old.origin);
    assert_datum(&old.input, &before.input);
    assert_int_equal(load_all(c, old.run).count, 1);
    assert_int_equal(load_waits(c, old.run).count, 0);
}

static void the_successor_is_a_run_that_is_to_be_taken_up(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER);
    durable_datum input = datum_integer(77);
    durable_run_record old, next;

    record(c, &fence, 1);
    continue_meter(c, &fence);
    reopen(c);
    old = look(c, METER_1);
    next = look(c, METER);
    assert_true(next.run != old.run);
    assert_string_equal(next.uid, NEXT_UID);
    assert_int_equal(next.status, DURABLE_RUNNING);
    assert_true(next.epoch == 0 && next.claims == 0 && next.ended == 0);
    assert_true(next.created == 1900 && next.due == 1900);
    assert_null(next.owner);
    assert_datum(&next.input, &input);
    assert_int_equal(next.output.type, DURABLE_DATUM_NULL);
    assert_int_equal(next.generation, 2);
    assert_string_equal(next.origin, METER_1);
    assert_true(next.restarted_at == 0);
    assert_int_equal(load_all(c, next.run).count, 0);
    fence = claim_run_of(c, METER);
    assert_true(fence.run == next.run && fence.epoch == 1);
    record(c, &fence, 1);
}

static void the_successor_takes_over_what_the_run_was_started_with(void **state)
{
    conformance *c = *state;
    durable_new_run new_run = plain_run(METER);
    durable_fence fence;
    durable_run_record old, next;

    new_run.queue = "readings";
    new_run.priority = 5;
    new_run.deadline = 123456;
    fence = start_run(c, &new_run);
    continue_meter(c, &fence);
    old = look(c, METER_1);
    next = look(c, METER);
    assert_string_equal(next.workflow, old.workflow);
    assert_string_equal(next.queue, "readings");
    assert_int_equal(next.priority, 5);
    assert_true(next.deadline == 123456 && old.deadline == 123456);
    assert_false(next.cancels);
}

static void every_value_can_be_the_successors_input(void **state)
{
    conformance *c = *state;
    durable_datum specimens[64];
    size_t count = datum_specimens(specimens, 64);
    durable_fence fence = start(c, METER);
    durable_run_record next;

    for (size_t i = 0; i < count; i++) {
        durable_successor successor = plain_successor();
        char old_id[32];

        snprintf(old_id, sizeof old_id, METER "~%d", (int)i + 1);
        successor.old_id = old_id;
        successor.input = specimens[i];
        assert_int_equal(end_as_continued(c, &fence, &successor), DUR_OK);
        next = look(c, METER);
        assert_datum(&next.input, &specimens[i]);
        assert_int_equal(next.generation, (int)i + 2);
        assert_string_equal(next.origin, old_id);
        fence = claim_run_of(c, METER);
    }
}

/* ---- Laws 1 to 3 ---- */

static void an_id_that_is_taken_is_a_conflict_and_changes_nothing(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER), taken = start(c, METER_1);
    durable_successor successor = plain_successor();
    durable_run_record before = look(c, METER), after;

    assert_int_equal(put(c, &fence, plain_pending(2)), DUR_OK);
    assert_int_equal(send(c, METER, plain_signal("reading", 1, 1500)), DUR_OK);
    assert_int_equal(end_as_continued(c, &fence, &successor), DUR_CONFLICT);
    after = look(c, METER);
    assert_same_run(&before, &after);
    assert_int_equal(look(c, METER_1).status, DURABLE_RUNNING);
    assert_int_equal(load_waits(c, fence.run).count, 1);
    assert_true(peek(c, fence.run, "reading", NULL));
    record(c, &fence, 1); /* its claim is what it was */
    record(c, &taken, 1);
    successor.old_id = "meter~one";
    assert_int_equal(end_as_continued(c, &fence, &successor), DUR_OK);
    assert_int_equal(look(c, "meter~one").status, DURABLE_CONTINUED);
}

static void who_has_lost_the_run_does_not_continue_it(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER);
    durable_fence late = other_fence(fence, fence.epoch, fence.token + 1);
    durable_successor successor = plain_successor();
    durable_run_record before, after;

    assert_int_equal(end_as_continued(c, &late, &successor), DUR_LOST);
    take_over(c, &fence);
    before = look(c, METER);
    assert_int_equal(end_as_continued(c, &fence, &successor), DUR_LOST);
    after = look(c, METER);
    assert_same_run(&before, &after);
    assert_false(exists(c, METER_1));
}

static void to_continue_twice_has_the_effect_of_once(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER), next;
    durable_run_record before, after;

    continue_meter(c, &fence);
    before = look(c, METER);
    continue_meter(c, &fence);
    after = look(c, METER);
    assert_same_run(&before, &after);
    next = claim_run_of(c, METER);
    continue_meter(c, &fence);
    record(c, &next, 1);
    assert_false(exists(c, "meter~2"));
}

static void the_old_claim_opens_nothing_of_the_successor(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER);

    continue_meter(c, &fence);
    assert_int_equal(append(c, plain_outcome(&fence, 1)), DUR_LOST);
    assert_int_equal(put(c, &fence, plain_pending(1)), DUR_LOST);
    assert_int_equal(load_all(c, look(c, METER).run).count, 0);
}

/* ---- Signals ---- */

static void signals_that_wait_are_the_successors_in_their_order(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER);
    durable_signal_record first;
    int64_t old = fence.run;

    assert_int_equal(send(c, METER, plain_signal("reading", 1, 1500)), DUR_OK);
    assert_int_equal(send(c, METER, plain_signal("reading", 2, 1500)), DUR_OK);
    assert_int_equal(send(c, METER, plain_signal("other", 3, 1500)), DUR_OK);
    receive(c, &fence, 1, "reading");
    continue_meter(c, &fence);
    assert_int_equal(send(c, METER, plain_signal("reading", 4, 1950)), DUR_OK);
    assert_false(peek(c, old, "reading", NULL));
    assert_false(peek(c, old, "other", NULL));
    fence = claim_run_of(c, METER);
    assert_true(peek(c, fence.run, "reading", &first));
    assert_true(first.value.integer == 2 && first.sent == 1500);
    receive(c, &fence, 1, "reading");
    assert_true(peek(c, fence.run, "reading", &first));
    assert_true(first.value.integer == 4);
    assert_true(peek(c, fence.run, "other", NULL));
}

static durable_signal keyed(int64_t integer, const char *key)
{
    durable_signal signal = plain_signal("reading", integer, 1500);

    signal.key = key;
    return signal;
}

/* For ever, which is for the whole chain. */
static void a_key_that_is_taken_stays_taken(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER);
    durable_signal_record first;

    assert_int_equal(send(c, METER, keyed(1, "received")), DUR_OK);
    assert_int_equal(send(c, METER, keyed(2, "waiting")), DUR_OK);
    receive(c, &fence, 1, "reading");
    for (int i = 1; i <= 3; i++) {
        char old_id[32];

        snprintf(old_id, sizeof old_id, METER "~%d", i);
        continue_as(c, &fence, METER, old_id);
        fence = claim_run_of(c, METER);
        assert_int_equal(send(c, METER, keyed(3, "received")), DUR_REPLAYED);
        assert_int_equal(send(c, METER, keyed(3, "waiting")), DUR_REPLAYED);
    }
    assert_true(peek(c, fence.run, "reading", &first));
    assert_true(first.value.integer == 2);
    receive(c, &fence, 1, "reading");
    assert_false(peek(c, fence.run, "reading", NULL));
    assert_int_equal(send(c, METER, keyed(5, "third")), DUR_OK);
}

/* It was of a position of the old run. */
static void the_answer_of_a_callback_is_not_handed_on(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER);
    durable_callback callback = {fence.run, 2, look(c, METER).uid};
    durable_signal answer = plain_signal(NULL, 9, 1600);

    assert_int_equal(put(c, &fence, plain_callback(2)), DUR_OK);
    assert_int_equal(c->store->methods->answer_callback(c->store, &callback, &answer), DUR_OK);
    continue_meter(c, &fence);
    assert_false(peek(c, look(c, METER).run, "\t2", NULL));
    assert_int_equal(c->store->methods->answer_callback(c->store, &callback, &answer), DUR_ENDED);
}

static void what_comes_by_the_id_reaches_the_successor(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER);
    durable_store *first;

    continue_meter(c, &fence);
    first = use_other(c);
    assert_int_equal(send(c, METER, plain_signal("reading", 1, 1950)), DUR_OK);
    assert_int_equal(c->store->methods->cancel_run(c->store, METER, 1950), DUR_OK);
    assert_int_equal(send(c, METER_1, plain_signal("reading", 1, 1950)), DUR_ENDED);
    assert_int_equal(c->store->methods->cancel_run(c->store, METER_1, 1950), DUR_ENDED);
    close_other(c, first);
    assert_true(peek(c, look(c, METER).run, "reading", NULL));
    assert_true(look(c, METER).cancels);
    assert_false(look(c, METER_1).cancels);
}

/* ---- Requests ---- */

static void a_request_to_end_is_handed_on(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER);

    assert_int_equal(c->store->methods->cancel_run(c->store, METER, 1600), DUR_OK);
    continue_meter(c, &fence);
    assert_true(look(c, METER).cancels);
    assert_true(look(c, METER).due == 1900);
    assert_int_equal(c->store->methods->cancel_run(c->store, METER, 1950), DUR_REPLAYED);
}

static void a_paused_chain_stays_paused(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER);

    assert_int_equal(c->store->methods->pause_run(c->store, METER, true, 1600), DUR_OK);
    continue_meter(c, &fence);
    assert_true(look(c, METER).paused && look(c, METER).due == DURABLE_NEVER);
    assert_false(look(c, METER_1).paused);
    assert_int_equal(c->store->methods->pause_run(c->store, METER, false, 1950), DUR_OK);
    assert_true(look(c, METER).due == 1950);
    claim_run_of(c, METER);
}

/* ---- Families ---- */

static void a_started_child_continues_without_a_word_to_its_parent(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "order-1"), child;
    durable_child_spec spec = {METER, &parent, 4, 0, 1, DUR_CHILD_CANCEL};
    const durable_ending ending = {.status = DURABLE_COMPLETED, .output = datum_integer(42),
                                   .tells_parent = true, .now = 1950};
    durable_run_record next;
    durable_signal_record told;

    create_child(c, &spec);
    child = claim_run_of(c, METER);
    continue_meter(c, &child);
    assert_false(peek(c, parent.run, "\t4", NULL));
    next = look(c, METER);
    assert_true(next.parent == parent.run && next.called_at == 4 && next.root == 0);
    assert_int_equal(next.depth, 1);
    child = claim_run_of(c, METER);
    assert_int_equal(c->store->methods->end_run(c->store, &child, &ending), DUR_OK);
    assert_true(peek(c, parent.run, "\t4", &told));
    assert_true(told.value.integer == 42);
}

static void the_end_of_a_parent_reaches_the_successor_of_its_child(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "order-1"), child;
    durable_child_spec spec = {METER, &parent, 4, 0, 1, DUR_CHILD_CANCEL};
    const durable_ending ending = {.status = DURABLE_COMPLETED,
                                   .cancels_children = 1u << DUR_CHILD_CANCEL, .now = 1950};

    create_child(c, &spec);
    child = claim_run_of(c, METER);
    continue_meter(c, &child);
    assert_int_equal(c->store->methods->end_run(c->store, &parent, &ending), DUR_OK);
    assert_true(look(c, METER).cancels);
}

static void children_of_the_old_run_are_no_children_of_the_successor(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER);
    durable_child_spec asked = {"asked", &fence, 3, 0, 1, DUR_CHILD_CANCEL};
    durable_child_spec left = {"left", &fence, 4, 0, 1, DUR_CHILD_LEAVE};
    durable_fence child;
    int64_t old = fence.run;

    create_child(c, &asked);
    create_child(c, &left);
    continue_meter(c, &fence);
    assert_true(look(c, "asked").cancels);
    assert_true(look(c, "left").parent == old && !look(c, "left").cancels);
    child = claim_run_of(c, "left");
    end_as(c, &child, DURABLE_COMPLETED);
    assert_false(peek(c, look(c, METER).run, "\t4", NULL));
}

/* Nobody but its parent's next pass takes it up, and that is due with it. */
static void the_successor_of_a_called_child_makes_its_root_due(void **state)
{
    conformance *c = *state;
    durable_fence root = start(c, "order-1"), child, next;
    durable_child_spec spec = {METER, &root, 3, root.run, 1, 0};
    durable_run_record run;

    child = create_child(c, &spec);
    continue_meter(c, &child);
    run = look(c, METER);
    assert_true(run.root == root.run && run.parent == root.run && run.called_at == 3);
    assert_int_equal(run.status, DURABLE_SUSPENDED);
    assert_string_equal(run.queue, DURABLE_QUEUE_CALLED);
    assert_true(summarize(c, root.run).calls);
    assert_true(look(c, "order-1").due == DURABLE_NEVER); /* it is held */
    assert_int_equal(suspend(c, &root, DURABLE_NEVER, NULL), DUR_OK);
    assert_true(look(c, "order-1").due == 1900);
    root = claim_run_of(c, "order-1");
    next = claim_run_of(c, METER);
    end_as(c, &next, DURABLE_COMPLETED);
    assert_false(summarize(c, root.run).calls);
}

static void a_root_that_waits_already_is_due_with_a_successor_below_it(void **state)
{
    conformance *c = *state;
    durable_fence root = start(c, "order-1"), child;
    durable_child_spec spec = {METER, &root, 3, root.run, 1, 0};

    child = create_child(c, &spec);
    assert_int_equal(suspend(c, &root, 9000, NULL), DUR_OK);
    assert_true(look(c, "order-1").due == 9000);
    continue_meter(c, &child);
    assert_true(look(c, "order-1").due == 1900);
}

static void to_delete_one_run_of_a_chain_leaves_the_others(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, METER);

    continue_meter(c, &fence);
    c->subject->delete_run(c->world, METER_1);
    assert_false(exists(c, METER_1));
    assert_null(look(c, METER).origin);
    assert_int_equal(look(c, METER).generation, 2);
    claim_run_of(c, METER);
}

size_t conformance_continue_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(the_old_run_keeps_its_rows_and_takes_another_id),
        cmocka_unit_test(the_successor_is_a_run_that_is_to_be_taken_up),
        cmocka_unit_test(the_successor_takes_over_what_the_run_was_started_with),
        cmocka_unit_test(every_value_can_be_the_successors_input),
        cmocka_unit_test(an_id_that_is_taken_is_a_conflict_and_changes_nothing),
        cmocka_unit_test(who_has_lost_the_run_does_not_continue_it),
        cmocka_unit_test(to_continue_twice_has_the_effect_of_once),
        cmocka_unit_test(the_old_claim_opens_nothing_of_the_successor),
        cmocka_unit_test(signals_that_wait_are_the_successors_in_their_order),
        cmocka_unit_test(a_key_that_is_taken_stays_taken),
        cmocka_unit_test(the_answer_of_a_callback_is_not_handed_on),
        cmocka_unit_test(what_comes_by_the_id_reaches_the_successor),
        cmocka_unit_test(a_request_to_end_is_handed_on),
        cmocka_unit_test(a_paused_chain_stays_paused),
        cmocka_unit_test(a_started_child_continues_without_a_word_to_its_parent),
        cmocka_unit_test(the_end_of_a_parent_reaches_the_successor_of_its_child),
        cmocka_unit_test(children_of_the_old_run_are_no_children_of_the_successor),
        cmocka_unit_test(the_successor_of_a_called_child_makes_its_root_due),
        cmocka_unit_test(a_root_that_waits_already_is_due_with_a_successor_below_it),
        cmocka_unit_test(to_delete_one_run_of_a_chain_leaves_the_others),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
