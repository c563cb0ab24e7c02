/* test/store: the conformance suite, what is done to runs whoever holds them: pausing, ending. */
#include "store/conformance_children.h"

static int set_paused(conformance *c, const char *id, bool paused, int64_t now)
{
    return c->store->methods->pause_run(c->store, id, paused, now);
}

static void pause_it(conformance *c, const char *id)
{
    assert_int_equal(set_paused(c, id, true, 1550), DUR_OK);
    assert_true(look(c, id).paused && look(c, id).due == DURABLE_NEVER);
}

/* It must be due then. */
static void resume_it(conformance *c, const char *id, int64_t now)
{
    assert_int_equal(set_paused(c, id, false, now), DUR_OK);
    assert_true(!look(c, id).paused && look(c, id).due == now);
}

static int cancel_it(conformance *c, const char *id, int64_t now)
{
    return c->store->methods->cancel_run(c->store, id, now);
}

static int count_due(const durable_due *due, void *context)
{
    (void)due;
    ++*(int *)context;
    return 0;
}

static int count_held(const durable_held *held, void *context)
{
    (void)held;
    ++*(int *)context;
    return 0;
}

/* Runs that workers of the queue "orders" are shown, as due or as held. */
static int seen_by_workers(conformance *c)
{
    int count = 0;

    assert_int_equal(c->store->methods->find_due(c->store, "orders", count_due, &count), DUR_OK);
    assert_int_equal(c->store->methods->find_held(c->store, "orders", count_held, &count), DUR_OK);
    return count;
}

/* ---- Pausing ------------------------------------------------------------------------------- */

static void a_paused_run_is_shown_to_no_worker(void **state)
{
    conformance *c = *state;

    start_unclaimed(c, "order-1", 3000);
    assert_int_equal(seen_by_workers(c), 1);
    pause_it(c, "order-1");
    assert_int_equal(look(c, "order-1").status, DURABLE_RUNNING);
    assert_int_equal(seen_by_workers(c), 0);
    reopen(c);
    assert_true(look(c, "order-1").paused);
    resume_it(c, "order-1", 1700);
    assert_int_equal(seen_by_workers(c), 1);
}

static void pausing_and_resuming_are_done_once(void **state)
{
    conformance *c = *state;
    durable_run_record before, after;

    start_unclaimed(c, "order-1", 3000);
    before = look(c, "order-1");
    assert_int_equal(set_paused(c, "order-1", false, 1700), DUR_REPLAYED);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
    pause_it(c, "order-1");
    assert_int_equal(set_paused(c, "order-1", true, 1700), DUR_REPLAYED);
    resume_it(c, "order-1", 1800);
    assert_int_equal(set_paused(c, "order-2", true, 1700), DUR_NOT_FOUND);
    assert_int_equal(set_paused(c, "order-2", false, 1700), DUR_NOT_FOUND);
}

static void a_paused_run_that_nobody_holds_is_not_claimed(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), taken;
    durable_claim seen, limited;

    assert_int_equal(suspend(c, &fence, 1600, NULL), DUR_OK);
    seen = claim_on(c, "order-1"); /* by who has looked before it was paused */
    limited = seen;
    limited.limited = true;
    pause_it(c, "order-1");
    assert_false(try_claim(c, &seen, &taken));
    assert_false(try_claim(c, &limited, &taken));
    resume_it(c, "order-1", 1700);
    assert_true(try_claim(c, &seen, &taken));
}

static void a_pass_that_runs_goes_on_until_it_is_left(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_suspension unaware = {.due = 4000, .now = 1500};

    pause_it(c, "order-1");
    assert_string_equal(look(c, "order-1").owner, "owner-1");
    record(c, &fence, 1);
    assert_int_equal(put(c, &fence, plain_pending(2)), DUR_OK);
    release(c, &fence, 1600);
    assert_true(look(c, "order-1").paused && look(c, "order-1").due == DURABLE_NEVER);
    resume_it(c, "order-1", 1700);
    fence = claim_run_of(c, "order-1");
    pause_it(c, "order-1");
    assert_int_equal(suspend(c, &fence, 4000, NULL), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
    resume_it(c, "order-1", 1700);
    assert_int_equal(cancel_it(c, "order-1", 1700), DUR_OK);
    fence = claim_run_of(c, "order-1");
    pause_it(c, "order-1");
    assert_int_equal(c->store->methods->suspend_run(c->store, &fence, &unaware), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER && look(c, "order-1").cancels);
    assert_int_equal(seen_by_workers(c), 0);
}

/* A dead owner's claim is all that workers see of a paused run: they can take it over, and give it
 * back. */
static void a_held_paused_run_is_taken_over_and_given_back(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    pause_it(c, "order-1");
    assert_int_equal(seen_by_workers(c), 1);
    fence = take_over(c, &fence);
    release(c, &fence, 1600);
    assert_int_equal(seen_by_workers(c), 0);
    resume_it(c, "order-1", 1700);
}

static void a_held_run_is_resumed_for_the_time_after(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    pause_it(c, "order-1");
    assert_int_equal(set_paused(c, "order-1", false, 1600), DUR_OK);
    assert_string_equal(look(c, "order-1").owner, "owner-1");
    assert_int_equal(suspend(c, &fence, 4000, NULL), DUR_OK);
    assert_true(look(c, "order-1").due == 4000 && !look(c, "order-1").paused);
}

static void a_paused_run_ends_as_any_other(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    pause_it(c, "order-1");
    end_as(c, &fence, DURABLE_COMPLETED);
    assert_int_equal(look(c, "order-1").status, DURABLE_COMPLETED);
    assert_false(look(c, "order-1").paused);
    assert_int_equal(set_paused(c, "order-1", true, 1950), DUR_ENDED);
    assert_int_equal(set_paused(c, "order-1", false, 1950), DUR_ENDED);
}

/* Paused in its last pass: the run that goes on under its id is the one that stays paused. */
static void a_pause_goes_on_with_the_successor(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "meter");
    const durable_successor successor = {.id = "meter",
                                         .old_id = "meter~1",
                                         .uid = "fedcba9876543210",
                                         .behaviour = 1,
                                         .due = 1800};
    const durable_ending ending = {
        .status = DURABLE_CONTINUED, .successor = &successor, .now = 1800};

    pause_it(c, "meter");
    assert_int_equal(c->store->methods->end_run(c->store, &fence, &ending), DUR_OK);
    assert_true(look(c, "meter").paused && look(c, "meter").due == DURABLE_NEVER);
    assert_false(look(c, "meter~1").paused);
    assert_int_equal(seen_by_workers(c), 0);
    resume_it(c, "meter", 1900);
    assert_int_equal(seen_by_workers(c), 1);
}

static void a_signal_to_a_paused_run_is_kept_and_wakes_nobody(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(suspend(c, &fence, 5000, "approval"), DUR_OK);
    pause_it(c, "order-1");
    assert_int_equal(send(c, "order-1", plain_signal("approval", 7, 1600)), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
    assert_int_equal(look(c, "order-1").status, DURABLE_SUSPENDED);
    assert_true(peek(c, fence.run, "approval", NULL));
    resume_it(c, "order-1", 1700);
    fence = claim_run_of(c, "order-1");
    pause_it(c, "order-1");
    assert_int_equal(suspend(c, &fence, 5000, "approval"), DUR_OK); /* it is there already */
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
}

static void an_answer_to_a_paused_run_wakes_nobody(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    const durable_callback callback = {fence.run, 2, "0123456789abcdef"};
    const durable_signal answer = plain_signal(NULL, 7, 1600);

    assert_int_equal(put(c, &fence, plain_callback(2)), DUR_OK);
    assert_int_equal(suspend(c, &fence, 5000, "\t2"), DUR_OK);
    pause_it(c, "order-1");
    assert_int_equal(c->store->methods->beat_callback(c->store, &callback, 1590), DUR_OK);
    assert_int_equal(c->store->methods->answer_callback(c->store, &callback, &answer), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
    assert_true(peek(c, fence.run, "\t2", NULL));
}

static void a_parked_run_stays_parked_when_it_is_resumed(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    end_as(c, &fence, DURABLE_PARKED);
    pause_it(c, "order-1");
    assert_int_equal(look(c, "order-1").status, DURABLE_PARKED);
    assert_int_equal(set_paused(c, "order-1", false, 1950), DUR_OK);
    assert_int_equal(look(c, "order-1").status, DURABLE_PARKED);
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
}

/* Parked for a doubt, and paused: both have to be lifted. */
static void an_answered_doubt_leaves_a_paused_run_paused(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    const durable_resolution again = {.position = 2, .intent = DURABLE_NO_INTENT, .now = 1950};
    durable_pending doubt = plain_pending(2);

    doubt.intent = DURABLE_INTENT;
    assert_int_equal(put(c, &fence, doubt), DUR_OK);
    end_as(c, &fence, DURABLE_PARKED);
    pause_it(c, "order-1");
    assert_int_equal(c->store->methods->resolve_step(c->store, "order-1", &again), DUR_OK);
    assert_int_equal(look(c, "order-1").status, DURABLE_RUNNING);
    assert_true(look(c, "order-1").due == DURABLE_NEVER && look(c, "order-1").paused);
    resume_it(c, "order-1", 1960);
}

static void to_cancel_a_paused_run_ends_the_pause(void **state)
{
    conformance *c = *state;
    durable_fence waiting = start(c, "a"), parks = start(c, "b"), holds = start(c, "d");

    assert_int_equal(suspend(c, &waiting, DURABLE_NEVER, "approval"), DUR_OK);
    end_as(c, &parks, DURABLE_PARKED);
    start_unclaimed(c, "c", 3000);
    for (const char *id = "a\0b\0c\0"; *id; id += 2) {
        pause_it(c, id);
        assert_int_equal(cancel_it(c, id, 1950), DUR_OK);
        assert_true(look(c, id).cancels && !look(c, id).paused && look(c, id).due == 1950);
        assert_int_equal(cancel_it(c, id, 1960), DUR_REPLAYED);
    }
    pause_it(c, "d");
    assert_int_equal(cancel_it(c, "d", 1950), DUR_OK);
    assert_true(look(c, "d").cancels && !look(c, "d").paused);
    release(c, &holds, 1960);
    assert_true(look(c, "d").due == 1960);
}

static void a_run_that_was_asked_to_end_before_it_was_paused_is_resumed_likewise(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(suspend(c, &fence, DURABLE_NEVER, "approval"), DUR_OK);
    assert_int_equal(cancel_it(c, "order-1", 1600), DUR_OK);
    pause_it(c, "order-1");
    assert_true(look(c, "order-1").cancels);
    assert_int_equal(cancel_it(c, "order-1", 1700), DUR_OK);
    assert_true(look(c, "order-1").due == 1700 && look(c, "order-1").cancels);
    assert_int_equal(cancel_it(c, "order-1", 1800), DUR_REPLAYED);
}

static void what_is_called_is_paused_with_its_root_only(void **state)
{
    conformance *c = *state;
    durable_fence root = start(c, "order-1"), child;
    durable_child_spec spec = {"order-1/3", &root, 3, root.run, 1, 0};

    child = create_child(c, &spec);
    assert_int_equal(suspend(c, &child, 4000, "approval"), DUR_OK);
    assert_int_equal(set_paused(c, "order-1/3", true, 1600), DUR_CONFLICT);
    assert_non_null(strstr(c->store->error.message, "\"order-1\""));
    assert_int_equal(set_paused(c, "order-1/3", false, 1600), DUR_CONFLICT);
    pause_it(c, "order-1");
    assert_int_equal(suspend(c, &root, DURABLE_NEVER, NULL), DUR_OK); /* though the child is due */
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
    assert_int_equal(send(c, "order-1/3", plain_signal("approval", 7, 1600)), DUR_OK);
    assert_true(look(c, "order-1/3").due == 1600 && look(c, "order-1").due == DURABLE_NEVER);
    assert_int_equal(cancel_it(c, "order-1/3", 1590), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER && look(c, "order-1").paused);
    resume_it(c, "order-1", 1700);
}

/* A doubt below a root that is parked with it. */
static void an_answer_to_a_child_leaves_its_paused_root_paused(void **state)
{
    conformance *c = *state;
    durable_fence root = start(c, "order-1"), child;
    durable_child_spec spec = {"order-1/3", &root, 3, root.run, 1, 0};
    const durable_resolution again = {.position = 2, .intent = DURABLE_NO_INTENT, .now = 1950};
    durable_pending doubt = plain_pending(2);

    doubt.intent = DURABLE_INTENT;
    child = create_child(c, &spec);
    assert_int_equal(put(c, &child, doubt), DUR_OK);
    end_as(c, &child, DURABLE_PARKED);
    end_as(c, &root, DURABLE_PARKED);
    pause_it(c, "order-1");
    assert_int_equal(c->store->methods->resolve_step(c->store, "order-1/3", &again), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER && look(c, "order-1").paused);
    resume_it(c, "order-1", 1960);
}

static void the_end_of_a_started_child_wakes_no_paused_parent(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "order-1"), child;
    durable_child_spec spec = {"mail-1", &parent, 2, 0, 1, DUR_CHILD_WAIT};
    durable_ending ending = {.status = DURABLE_COMPLETED, .tells_parent = true, .now = 1600};

    create_child(c, &spec);
    assert_int_equal(suspend(c, &parent, DURABLE_NEVER, "\t2"), DUR_OK);
    pause_it(c, "order-1");
    assert_false(look(c, "mail-1").paused);
    child = claim_run_of(c, "mail-1");
    assert_int_equal(c->store->methods->end_run(c->store, &child, &ending), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
    assert_true(peek(c, parent.run, "\t2", NULL));
}

static void a_parents_end_that_asks_a_paused_child_to_end_resumes_it(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "order-1");
    durable_child_spec spec = {"mail-1", &parent, 2, 0, 1, DUR_CHILD_CANCEL};
    durable_ending ending = {
        .status = DURABLE_FAILED, .cancels_children = 1u << DUR_CHILD_CANCEL, .now = 1600};

    create_child(c, &spec);
    pause_it(c, "mail-1");
    assert_int_equal(c->store->methods->end_run(c->store, &parent, &ending), DUR_OK);
    assert_true(look(c, "mail-1").cancels && look(c, "mail-1").due == 1600);
}

/* ---- Terminating --------------------------------------------------------------------------- */

static int terminate(conformance *c, const char *id)
{
    return c->store->methods->terminate_run(c->store, id, "wrong customer", 2100);
}

static void assert_terminated(conformance *c, const char *id)
{
    durable_run_record run = look(c, id);

    assert_int_equal(run.status, DURABLE_TERMINATED);
    assert_string_equal(run.failure, "wrong customer");
    assert_true(run.ended == 2100 && run.due == DURABLE_NEVER && !run.owner && !run.paused);
    assert_int_equal(run.output.type, DURABLE_DATUM_NULL);
    assert_int_equal(load_waits(c, run.run).count, 0);
}

static void a_run_is_terminated_in_every_state(void **state)
{
    conformance *c = *state;
    durable_fence held = start(c, "a"), waiting = start(c, "b"), parks = start(c, "d");

    assert_int_equal(put(c, &held, plain_pending(2)), DUR_OK);
    assert_int_equal(put(c, &waiting, plain_pending(2)), DUR_OK);
    assert_int_equal(suspend(c, &waiting, 5000, "approval"), DUR_OK);
    start_unclaimed(c, "c", 3000);
    end_as(c, &parks, DURABLE_PARKED);
    start_unclaimed(c, "e", 3000);
    pause_it(c, "e");
    for (const char *id = "a\0b\0c\0d\0e\0"; *id; id += 2) {
        assert_int_equal(terminate(c, id), DUR_OK);
        assert_terminated(c, id);
    }
    assert_int_equal(seen_by_workers(c), 0);
    reopen(c);
    assert_terminated(c, "a");
}

static void nothing_is_asked_of_a_terminated_run(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "done");

    end_as(c, &fence, DURABLE_COMPLETED);
    assert_int_equal(terminate(c, "done"), DUR_ENDED);
    assert_int_equal(look(c, "done").status, DURABLE_COMPLETED);
    assert_int_equal(terminate(c, "order-2"), DUR_NOT_FOUND);
    start_unclaimed(c, "order-1", 3000);
    assert_int_equal(terminate(c, "order-1"), DUR_OK);
    assert_int_equal(c->store->methods->terminate_run(c->store, "order-1", "again", 2200),
                     DUR_REPLAYED);
    assert_terminated(c, "order-1");
    assert_int_equal(send(c, "order-1", plain_signal("approval", 7, 2200)), DUR_ENDED);
    assert_int_equal(cancel_it(c, "order-1", 2200), DUR_ENDED);
    assert_int_equal(set_paused(c, "order-1", true, 2200), DUR_ENDED);
}

static int put_child_of(conformance *c, const durable_fence *parent)
{
    const durable_caller caller = {.fence = parent, .position = 9, .depth = 1};
    durable_new_run new_run = unclaimed_run("late");
    bool created;

    new_run.caller = &caller;
    return c->store->methods->create_run(c->store, &new_run, &created, NULL);
}

/* Fencing: who held it has lost it, whatever it does next. */
static void the_owner_of_a_terminated_run_has_lost_it(void **state)
{
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    durable_fence fence = start(c, "order-1");
    durable_ending ending = {.status = DURABLE_TERMINATED, .now = 2200};
    durable_outcome outcome = plain_outcome(&fence, 2);

    record(c, &fence, 1);
    assert_int_equal(terminate(c, "order-1"), DUR_OK);
    assert_int_equal(methods->append_outcomes(c->store, &outcome, 1), DUR_OK);
    assert_int_equal(outcome.verdict, DUR_LOST);
    assert_int_equal(put(c, &fence, plain_pending(2)), DUR_LOST);
    assert_int_equal(methods->renew_lease(c->store, &fence, 9000), DUR_LOST);
    assert_int_equal(methods->confirm(c->store, &fence), DUR_LOST);
    assert_int_equal(put_child_of(c, &fence), DUR_LOST);
    assert_int_equal(suspend(c, &fence, 4000, "approval"), DUR_LOST);
    assert_int_equal(methods->release_run(c->store, &fence, 4000), DUR_LOST);
    ending.status = DURABLE_COMPLETED;
    assert_int_equal(methods->end_run(c->store, &fence, &ending), DUR_LOST);
    assert_terminated(c, "order-1");
    assert_int_equal(load_all(c, fence.run).count, 1);
    assert_false(exists(c, "late"));
}

/* By who had looked at it before. */
static void a_terminated_run_is_not_claimed(void **state)
{
    conformance *c = *state;
    durable_claim seen_held, seen_free;
    durable_fence taken;

    start(c, "held");
    seen_held = claim_on(c, "held");
    start_unclaimed(c, "free", 1000);
    seen_free = claim_on(c, "free");
    assert_int_equal(terminate(c, "held"), DUR_OK);
    assert_int_equal(terminate(c, "free"), DUR_OK);
    for (int i = 0; i < 2; i++) {
        assert_false(try_claim(c, &seen_held, &taken));
        assert_false(try_claim(c, &seen_free, &taken));
        seen_held.limited = seen_free.limited = true;
    }
    assert_terminated(c, "held");
    assert_terminated(c, "free");
}

/* order-1 calls order-1/2, which calls order-1/2/1 and has called order-1/2/2, which has ended;
 * each of the first two has started children. */
static void what_it_calls_ends_with_it(void **state)
{
    conformance *c = *state;
    durable_fence root = start(c, "order-1"), child, below, ended;
    durable_child_spec spec = {"order-1/2", &root, 2, root.run, 1, 0};

    child = create_child(c, &spec);
    spec = (durable_child_spec){"order-1/2/1", &child, 1, root.run, 2, 0};
    below = create_child(c, &spec);
    spec = (durable_child_spec){"order-1/2/2", &child, 2, root.run, 2, 0};
    ended = create_child(c, &spec);
    end_as(c, &ended, DURABLE_COMPLETED);
    assert_int_equal(put(c, &below, plain_pending(4)), DUR_OK);
    assert_int_equal(suspend(c, &below, 9000, "approval"), DUR_OK);
    record(c, &child, 9);
    assert_int_equal(terminate(c, "order-1/2"), DUR_CONFLICT);
    assert_non_null(strstr(c->store->error.message, "\"order-1\""));
    assert_int_equal(terminate(c, "order-1"), DUR_OK);
    assert_terminated(c, "order-1");
    assert_terminated(c, "order-1/2");
    assert_terminated(c, "order-1/2/1");
    assert_int_equal(look(c, "order-1/2/2").status, DURABLE_COMPLETED);
    assert_int_equal(load_all(c, child.run).count, 1);
    assert_int_equal(append(c, plain_outcome(&child, 10)), DUR_LOST);
}

static void started_children_are_asked_to_end_unless_they_are_to_be_left(void **state)
{
    conformance *c = *state;
    durable_fence root = start(c, "order-1"), child;
    durable_child_spec called = {"order-1/2", &root, 2, root.run, 1, 0};
    static const char *const of_root[] = {"a", "b", "c"}, *const of_child[] = {"d", "e", "f"};

    child = create_child(c, &called);
    for (int end = DUR_CHILD_WAIT; end <= DUR_CHILD_LEAVE; end++) {
        durable_child_spec one = {of_root[end], &root, 3 + end, 0, 1, end};
        durable_child_spec other = {of_child[end], &child, 3 + end, 0, 2, end};

        create_child(c, &one);
        create_child(c, &other);
    }
    pause_it(c, "a");
    assert_int_equal(terminate(c, "order-1"), DUR_OK);
    for (const char *id = "a\0b\0d\0e\0"; *id; id += 2)
        assert_true(look(c, id).cancels && look(c, id).due == 2100 && !look(c, id).paused);
    assert_false(look(c, "c").cancels || look(c, "f").cancels);
    assert_int_equal(look(c, "c").status, DURABLE_RUNNING);
}

static void the_parent_of_a_terminated_child_is_told(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "order-1");
    durable_child_spec spec = {"mail-1", &parent, 2, 0, 1, DUR_CHILD_WAIT};
    durable_signal_record told;

    create_child(c, &spec);
    assert_int_equal(suspend(c, &parent, DURABLE_NEVER, "\t2"), DUR_OK);
    assert_int_equal(terminate(c, "mail-1"), DUR_OK);
    assert_true(peek(c, parent.run, "\t2", &told));
    assert_string_equal(told.failure, "wrong customer");
    assert_true(look(c, "order-1").due == 2100);
}

size_t conformance_control_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(a_paused_run_is_shown_to_no_worker),
        cmocka_unit_test(pausing_and_resuming_are_done_once),
        cmocka_unit_test(a_paused_run_that_nobody_holds_is_not_claimed),
        cmocka_unit_test(a_pass_that_runs_goes_on_until_it_is_left),
        cmocka_unit_test(a_held_paused_run_is_taken_over_and_given_back),
        cmocka_unit_test(a_held_run_is_resumed_for_the_time_after),
        cmocka_unit_test(a_paused_run_ends_as_any_other),
        cmocka_unit_test(a_pause_goes_on_with_the_successor),
        cmocka_unit_test(a_signal_to_a_paused_run_is_kept_and_wakes_nobody),
        cmocka_unit_test(an_answer_to_a_paused_run_wakes_nobody),
        cmocka_unit_test(a_parked_run_stays_parked_when_it_is_resumed),
        cmocka_unit_test(an_answered_doubt_leaves_a_paused_run_paused),
        cmocka_unit_test(to_cancel_a_paused_run_ends_the_pause),
        cmocka_unit_test(a_run_that_was_asked_to_end_before_it_was_paused_is_resumed_likewise),
        cmocka_unit_test(what_is_called_is_paused_with_its_root_only),
        cmocka_unit_test(an_answer_to_a_child_leaves_its_paused_root_paused),
        cmocka_unit_test(the_end_of_a_started_child_wakes_no_paused_parent),
        cmocka_unit_test(a_parents_end_that_asks_a_paused_child_to_end_resumes_it),
        cmocka_unit_test(a_run_is_terminated_in_every_state),
        cmocka_unit_test(nothing_is_asked_of_a_terminated_run),
        cmocka_unit_test(the_owner_of_a_terminated_run_has_lost_it),
        cmocka_unit_test(a_terminated_run_is_not_claimed),
        cmocka_unit_test(what_it_calls_ends_with_it),
        cmocka_unit_test(started_children_are_asked_to_end_unless_they_are_to_be_left),
        cmocka_unit_test(the_parent_of_a_terminated_child_is_told),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
