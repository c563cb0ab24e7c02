/* test/store: the conformance suite, what is asked of runs: to end, and to go on after a doubt. */
#include "store/conformance_children.h"

static int cancel(conformance *c, const char *id, int64_t now)
{
    return c->store->methods->cancel_run(c->store, id, now);
}

/* ---- To end ---- */

static void a_request_is_kept_whoever_holds_the_run(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_run_record run;

    assert_false(look(c, "order-1").cancels);
    assert_int_equal(cancel(c, "order-1", 1600), DUR_OK);
    run = look(c, "order-1");
    assert_true(run.cancels && run.due == DURABLE_NEVER);
    assert_int_equal(run.status, DURABLE_RUNNING);
    assert_string_equal(run.owner, "owner-1");
    record(c, &fence, 1);
    take_over(c, &fence);
    assert_true(look(c, "order-1").cancels);
    reopen(c);
    assert_true(look(c, "order-1").cancels);
}

static void a_request_is_made_once(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_run_record before, after;

    assert_int_equal(cancel(c, "order-2", 1600), DUR_NOT_FOUND);
    assert_int_equal(suspend(c, &fence, 5000, NULL), DUR_OK);
    assert_int_equal(cancel(c, "order-1", 1600), DUR_OK);
    before = look(c, "order-1");
    assert_int_equal(cancel(c, "order-1", 1500), DUR_REPLAYED);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
}

static void a_run_that_waits_to_be_taken_up_is_due_at_its_request(void **state)
{
    conformance *c = *state;

    start_unclaimed(c, "order-1", 3000);
    assert_int_equal(cancel(c, "order-1", 1600), DUR_OK);
    assert_true(look(c, "order-1").cancels && look(c, "order-1").due == 1600);
}

static void a_suspended_run_is_due_at_its_request(void **state)
{
    conformance *c = *state;
    durable_fence never = start(c, "a"), later = start(c, "b"), earlier = start(c, "c");

    assert_int_equal(suspend(c, &never, DURABLE_NEVER, "approval"), DUR_OK);
    assert_int_equal(suspend(c, &later, 5000, NULL), DUR_OK);
    assert_int_equal(suspend(c, &earlier, 1550, NULL), DUR_OK);
    for (const char *id = "a\0b\0c\0"; *id; id += 2)
        assert_int_equal(cancel(c, id, 1600), DUR_OK);
    assert_true(look(c, "a").due == 1600 && look(c, "b").due == 1600);
    assert_true(look(c, "c").due == 1550);
    assert_int_equal(look(c, "a").status, DURABLE_SUSPENDED);
}

static void a_parked_run_is_taken_up_to_end(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    end_as(c, &fence, DURABLE_PARKED);
    assert_int_equal(cancel(c, "order-1", 1950), DUR_OK);
    assert_int_equal(look(c, "order-1").status, DURABLE_RUNNING);
    assert_true(look(c, "order-1").due == 1950);
    claim_run_of(c, "order-1");
    assert_true(look(c, "order-1").cancels);
}

static void a_run_that_has_ended_is_asked_nothing(void **state)
{
    conformance *c = *state;
    static const int statuses[] = {DURABLE_COMPLETED, DURABLE_FAILED, DURABLE_CANCELLED,
                                   DURABLE_TIMED_OUT};

    for (size_t i = 0; i < 4; i++) {
        const char id[] = {(char)('a' + i), '\0'};
        durable_fence fence = start(c, id);
        durable_run_record before, after;

        end_as(c, &fence, statuses[i]);
        before = look(c, id);
        assert_int_equal(cancel(c, id, 1950), DUR_ENDED);
        after = look(c, id);
        assert_same_run(&before, &after);
    }
}

/* The trap: a request that comes between the look for it and the wait. */
static void who_did_not_know_of_the_request_is_due_at_once(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_suspension suspension = {.due = 4000, .now = 1500};

    assert_int_equal(cancel(c, "order-1", 1400), DUR_OK);
    assert_int_equal(c->store->methods->suspend_run(c->store, &fence, &suspension), DUR_OK);
    assert_true(look(c, "order-1").due == 1500);
    fence = claim_run_of(c, "order-1");
    suspension.cancels = true; /* it waits in its clean-up */
    assert_int_equal(c->store->methods->suspend_run(c->store, &fence, &suspension), DUR_OK);
    assert_true(look(c, "order-1").due == 4000);
}

static void a_request_to_a_called_child_makes_its_root_due(void **state)
{
    conformance *c = *state;
    durable_fence root = start(c, "order-1"), child;
    durable_child_spec spec = {"order-1/3", &root, 3, root.run, 1, 0};

    child = create_child(c, &spec);
    assert_int_equal(suspend(c, &child, DURABLE_NEVER, "approval"), DUR_OK);
    assert_int_equal(suspend(c, &root, 5000, NULL), DUR_OK);
    assert_int_equal(cancel(c, "order-1/3", 1600), DUR_OK);
    assert_true(look(c, "order-1/3").due == 1600 && look(c, "order-1").due == 1600);
    assert_false(look(c, "order-1").cancels);
}

static void an_end_asks_those_children_that_it_names(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "order-1"), ended;
    durable_ending ending = {.status = DURABLE_FAILED,
                             .failure = "no",
                             .cancels_children = 1u << DUR_CHILD_WAIT | 1u << DUR_CHILD_CANCEL,
                             .now = 1900};
    static const char *const ids[] = {"wait", "cancel", "leave", "ended", "called"};

    for (int i = 0; i < 5; i++) {
        durable_child_spec spec = {ids[i], &parent, 2 + i, i == 4 ? parent.run : 0, 1, i % 3};
        durable_fence child = create_child(c, &spec);

        if (i == 4) assert_int_equal(suspend(c, &child, 9000, NULL), DUR_OK);
    }
    ended = claim_run_of(c, "wait");
    assert_int_equal(suspend(c, &ended, 7000, NULL), DUR_OK);
    ended = claim_run_of(c, "ended");
    end_as(c, &ended, DURABLE_COMPLETED);
    assert_int_equal(c->store->methods->end_run(c->store, &parent, &ending), DUR_OK);
    assert_true(look(c, "wait").cancels && look(c, "wait").due == 1900);
    assert_true(look(c, "cancel").cancels && look(c, "cancel").due == 1900);
    assert_false(look(c, "leave").cancels);
    assert_false(look(c, "ended").cancels);
    assert_false(look(c, "called").cancels);
}

static void an_end_that_names_no_children_asks_none(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "order-1");
    durable_child_spec spec = {"wait", &parent, 2, 0, 1, DUR_CHILD_WAIT};

    create_child(c, &spec);
    end_as(c, &parent, DURABLE_COMPLETED);
    assert_false(look(c, "wait").cancels);
}

/* ---- To go on after a doubt ---- */

static durable_pending intent_row(int64_t position)
{
    durable_pending pending = plain_pending(position);

    pending.intent = DURABLE_INTENT;
    pending.due = 0;
    return pending;
}

/* Parked with a step in doubt at 2. */
static durable_fence start_doubt(conformance *c, const char *id)
{
    durable_fence fence = start(c, id);

    assert_int_equal(put(c, &fence, intent_row(2)), DUR_OK);
    end_as(c, &fence, DURABLE_PARKED);
    return fence;
}

static int resolve(conformance *c, const char *id, int64_t position, int intent)
{
    durable_resolution answer = {.position = position, .intent = intent, .now = 2100};

    if (intent == DURABLE_RESOLVED_RESULT) answer.value = datum_text("done");
    if (intent == DURABLE_RESOLVED_FAILURE) answer.failure = "not done";
    return c->store->methods->resolve_step(c->store, id, &answer);
}

static void an_intent_is_kept(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_pending row = intent_row(2);
    waits rows;

    for (int intent = DURABLE_NO_INTENT; intent <= DURABLE_RESOLVED_FAILURE; intent++) {
        row.intent = intent;
        assert_int_equal(put(c, &fence, row), DUR_OK);
        rows = load_waits(c, fence.run);
        assert_int_equal(rows.count, 1);
        assert_same_pending(&rows.rows[0], &row);
    }
}

static void an_answer_changes_the_row_and_the_run_is_due(void **state)
{
    conformance *c = *state;
    static const int intents[] = {DURABLE_NO_INTENT, DURABLE_RESOLVED_RESULT,
                                  DURABLE_RESOLVED_FAILURE};

    for (size_t i = 0; i < 3; i++) {
        const char id[] = {(char)('a' + i), '\0'};
        durable_fence fence = start_doubt(c, id);
        durable_datum done = datum_text("done");
        durable_run_record run;
        waits rows;

        assert_int_equal(resolve(c, id, 2, intents[i]), DUR_OK);
        run = look(c, id);
        assert_true(run.due == 2100 && !run.owner);
        assert_int_equal(run.status, DURABLE_RUNNING);
        rows = load_waits(c, fence.run);
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.rows[0].intent, intents[i]);
        assert_int_equal(rows.rows[0].name_length, 6);
        assert_true(rows.rows[0].attempt == 1 && rows.rows[0].began == 1100);
        if (i == 1) assert_datum(&rows.rows[0].details, &done);
        if (i == 2) assert_string_equal(rows.rows[0].failure, "not done");
        assert_int_equal(resolve(c, id, 2, intents[i]), DUR_ENDED); /* answered already */
    }
}

static void what_is_in_no_doubt_is_not_answered(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    const int answer = DURABLE_RESOLVED_RESULT;

    assert_int_equal(resolve(c, "order-2", 2, answer), DUR_NOT_FOUND);
    assert_int_equal(put(c, &fence, intent_row(2)), DUR_OK);
    assert_int_equal(put(c, &fence, plain_pending(3)), DUR_OK);
    assert_int_equal(resolve(c, "order-1", 2, answer), DUR_ENDED); /* held */
    assert_int_equal(suspend(c, &fence, 4000, NULL), DUR_OK);
    assert_int_equal(resolve(c, "order-1", 2, answer), DUR_ENDED);
    fence = claim_run_of(c, "order-1");
    release(c, &fence, 1700);
    assert_int_equal(resolve(c, "order-1", 2, answer), DUR_ENDED);
    fence = claim_run_of(c, "order-1");
    end_as(c, &fence, DURABLE_PARKED);
    assert_int_equal(resolve(c, "order-1", 1, answer), DUR_ENDED);
    assert_int_equal(resolve(c, "order-1", 3, answer), DUR_ENDED);
    assert_int_equal(look(c, "order-1").status, DURABLE_PARKED);
    assert_int_equal(load_waits(c, fence.run).rows[0].intent, DURABLE_INTENT);
    fence = claim_run_of(c, "order-1");
    end_as(c, &fence, DURABLE_FAILED);
    assert_int_equal(resolve(c, "order-1", 2, answer), DUR_ENDED);
}

/* A root in each status that it can be in when a child of it is parked. */
static void an_answer_to_a_called_child_makes_its_root_due(void **state)
{
    conformance *c = *state;

    for (int is_parked = 0; is_parked < 2; is_parked++) {
        const char id[] = {(char)('a' + is_parked), '\0'}, of[] = {(char)('p' + is_parked), '\0'};
        durable_fence root = start(c, of), child;
        durable_child_spec spec = {id, &root, 3, root.run, 1, 0};

        child = create_child(c, &spec);
        assert_int_equal(put(c, &child, intent_row(2)), DUR_OK);
        end_as(c, &child, DURABLE_PARKED);
        if (is_parked)
            end_as(c, &root, DURABLE_PARKED);
        else
            assert_int_equal(suspend(c, &root, DURABLE_NEVER, NULL), DUR_OK);
        assert_int_equal(resolve(c, id, 2, DURABLE_NO_INTENT), DUR_OK);
        assert_true(look(c, of).due == 2100);
        assert_int_equal(look(c, of).status, is_parked ? DURABLE_RUNNING : DURABLE_SUSPENDED);
    }
}

size_t conformance_request_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(a_request_is_kept_whoever_holds_the_run),
        cmocka_unit_test(a_request_is_made_once),
        cmocka_unit_test(a_run_that_waits_to_be_taken_up_is_due_at_its_request),
        cmocka_unit_test(a_suspended_run_is_due_at_its_request),
        cmocka_unit_test(a_parked_run_is_taken_up_to_end),
        cmocka_unit_test(a_run_that_has_ended_is_asked_nothing),
        cmocka_unit_test(who_did_not_know_of_the_request_is_due_at_once),
        cmocka_unit_test(a_request_to_a_called_child_makes_its_root_due),
        cmocka_unit_test(an_end_asks_those_children_that_it_names),
        cmocka_unit_test(an_end_that_names_no_children_asks_none),
        cmocka_unit_test(an_intent_is_kept),
        cmocka_unit_test(an_answer_changes_the_row_and_the_run_is_due),
        cmocka_unit_test(what_is_in_no_doubt_is_not_answered),
        cmocka_unit_test(an_answer_to_a_called_child_makes_its_root_due),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
