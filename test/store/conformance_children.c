/* test/store: the conformance suite, children: created, told of, and waited for. */
#include "store/conformance_children.h"

/* ---- Creating ---- */

static void a_child_knows_whose_it_is(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_child_spec spec = {"order-1/3", &fence, 3, fence.run, 1, 0};
    durable_run_record child;

    create_child(c, &spec);
    child = look(c, "order-1/3");
    assert_true(child.parent == fence.run && child.called_at == 3 && child.root == fence.run);
    assert_int_equal(child.depth, 1);
    assert_string_equal(child.queue, DURABLE_QUEUE_CALLED);
    assert_string_equal(child.owner, "owner-1");
    assert_true(child.deadline == DURABLE_NEVER && !child.cancels);
    spec = (durable_child_spec){"mail-1", &fence, 4, 0, 1, 0};
    create_child(c, &spec);
    child = look(c, "mail-1");
    assert_true(child.parent == fence.run && child.called_at == 4 && child.root == 0);
    assert_null(child.owner);
    assert_true(child.due == 3000);
    child = look(c, "order-1");
    assert_true(child.parent == 0 && child.called_at == 0 && child.root == 0);
    assert_int_equal(child.depth, 0);
}

static void a_deadline_is_kept(void **state)
{
    conformance *c = *state;
    static const int64_t times[] = {0, 1, -1, INT64_MAX - 1, DURABLE_NEVER};

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        const char id[] = {(char)('a' + i), '\0'};
        durable_new_run new_run = plain_run(id);

        new_run.deadline = times[i];
        start_run(c, &new_run);
        assert_true(look(c, id).deadline == times[i]);
    }
}

/* Law 1: the parent remembers every child that there is, and no other. */
static void the_parents_row_is_put_with_the_child(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_pending pending = plain_child_row(3);
    durable_new_run new_run = unclaimed_run("mail-1");
    durable_caller caller = {.fence = &fence, .position = 3, .depth = 1, .pending = &pending};
    bool created = true;
    waits rows;

    new_run.caller = &caller;
    assert_int_equal(c->store->methods->create_run(c->store, &new_run, &created, NULL), DUR_OK);
    assert_true(created);
    rows = load_waits(c, fence.run);
    assert_int_equal(rows.count, 1);
    assert_same_pending(&rows.rows[0], &pending);
    caller.position = pending.position = 4;
    assert_int_equal(c->store->methods->create_run(c->store, &new_run, &created, NULL), DUR_OK);
    assert_false(created); /* the id is taken */
    assert_int_equal(load_waits(c, fence.run).count, 1);
    assert_true(look(c, "mail-1").called_at == 3);
}

/* Law 2, of the parent's fence. */
static void who_has_lost_the_parent_creates_no_child(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    const durable_fence fences[] = {other_fence(fence, fence.epoch + 1, fence.token),
                                    other_fence(fence, fence.epoch, fence.token + 1)};
    durable_pending pending = plain_child_row(3);
    durable_new_run new_run = unclaimed_run("mail-1");
    durable_caller caller = {.position = 3, .depth = 1, .pending = &pending};
    bool created;

    new_run.caller = &caller;
    for (size_t i = 0; i < 2; i++) {
        caller.fence = &fences[i];
        created = true;
        assert_int_equal(c->store->methods->create_run(c->store, &new_run, &created, NULL),
                         DUR_LOST);
        assert_false(created);
    }
    release(c, &fence, 1700);
    caller.fence = &fence;
    assert_int_equal(verdict_of_gone(c, c->store->methods->create_run(c->store, &new_run, &created,
                                                                      NULL)),
                     DUR_LOST);
    assert_false(exists(c, "mail-1"));
    assert_int_equal(load_waits(c, fence.run).count, 0);
}

/* ---- Ending ---- */

static void end_telling(conformance *c, durable_fence *fence, const char *failure)
{
    const durable_ending ending = {.status = failure ? DURABLE_FAILED : DURABLE_COMPLETED,
                                   .output = failure ? datum_null() : datum_integer(42),
                                   .failure = failure,
                                   .tells_parent = true,
                                   .now = 1900};

    assert_int_equal(c->store->methods->end_run(c->store, fence, &ending), DUR_OK);
    assert_int_equal(c->store->methods->end_run(c->store, fence, &ending), DUR_OK);
}

static size_t signals_taken(conformance *c, durable_fence *fence, const char *address,
                            durable_signal_record *last)
{
    durable_signal_record next;
    size_t count = 0;

    while (peek(c, fence->run, address, &next)) {
        durable_outcome outcome = plain_outcome(fence, (int64_t)count + 50);

        *last = next;
        outcome.takes_signal = next.signal;
        assert_int_equal(append(c, outcome), DUR_OK);
        count++;
    }
    return count;
}

/* Law 3: ended twice, told once. */
static void an_end_is_told_to_the_parent_once(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "order-1"), child;
    durable_child_spec spec = {"mail-1", &parent, 4, 0, 1, 0};
    durable_signal_record told;

    create_child(c, &spec);
    child = claim_run_of(c, "mail-1");
    assert_int_equal(suspend(c, &parent, DURABLE_NEVER, "\t4"), DUR_OK);
    end_telling(c, &child, NULL);
    assert_true(look(c, "order-1").due == 1900);
    parent = claim_run_of(c, "order-1");
    assert_int_equal(signals_taken(c, &parent, "\t4", &told), 1);
    assert_true(told.value.integer == 42 && !told.failure && told.sent == 1900);
}

static void a_failure_is_told_to_the_parent(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "order-1"), child;
    durable_child_spec spec = {"mail-1", &parent, 4, 0, 1, 0};
    durable_signal_record told;

    create_child(c, &spec);
    child = claim_run_of(c, "mail-1");
    end_telling(c, &child, "no such address");
    assert_int_equal(signals_taken(c, &parent, "\t4", &told), 1);
    assert_string_equal(told.failure, "no such address");
    assert_int_equal(told.value.type, DURABLE_DATUM_NULL);
}

static void a_parent_that_has_ended_is_told_nothing(void **state)
{
    conformance *c = *state;
    static const int statuses[] = {DURABLE_COMPLETED, DURABLE_FAILED, DURABLE_CANCELLED,
                                   DURABLE_TIMED_OUT};

    for (size_t i = 0; i < 4; i++) {
        const char id[] = {(char)('a' + i), '\0'}, of[] = {(char)('p' + i), '\0'};
        durable_fence parent = start(c, of), child;
        durable_child_spec spec = {id, &parent, 4, 0, 1, 0};

        create_child(c, &spec);
        child = claim_run_of(c, id);
        end_as(c, &parent, statuses[i]);
        end_telling(c, &child, NULL);
        assert_int_equal(look(c, id).status, DURABLE_COMPLETED);
        assert_false(peek(c, parent.run, "\t4", NULL));
    }
}

static void a_parked_parent_is_told(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "order-1"), child;
    durable_child_spec spec = {"mail-1", &parent, 4, 0, 1, 0};

    create_child(c, &spec);
    child = claim_run_of(c, "mail-1");
    end_as(c, &parent, DURABLE_PARKED);
    end_telling(c, &child, NULL);
    assert_true(peek(c, parent.run, "\t4", NULL));
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
}

static void a_parent_that_was_deleted_keeps_no_child_from_ending(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "order-1"), child;
    durable_child_spec spec = {"mail-1", &parent, 4, 0, 1, 0};

    create_child(c, &spec);
    child = claim_run_of(c, "mail-1");
    c->subject->delete_run(c->world, "order-1");
    end_telling(c, &child, NULL);
    assert_int_equal(look(c, "mail-1").status, DURABLE_COMPLETED);
}

/* ---- Called children, and the run that is taken up for them ---- */

static void a_run_calls_until_its_child_has_ended(void **state)
{
    conformance *c = *state;
    durable_fence root = start(c, "order-1"), child, started;
    durable_child_spec spec = {"order-1/3", &root, 3, root.run, 1, 0};
    durable_child_spec other = {"mail-1", &root, 4, 0, 1, 0};

    create_child(c, &other);
    assert_false(summarize(c, root.run).calls);
    child = create_child(c, &spec);
    assert_true(summarize(c, root.run).calls);
    assert_false(summarize(c, child.run).calls);
    assert_int_equal(suspend(c, &child, 4000, NULL), DUR_OK);
    assert_true(summarize(c, root.run).calls);
    child = claim_run_of(c, "order-1/3");
    end_as(c, &child, DURABLE_CANCELLED);
    assert_false(summarize(c, root.run).calls);
    started = claim_run_of(c, "mail-1");
    assert_false(summarize(c, started.run).calls);
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

/* Nobody takes up what its parent calls, and holding it counts against no limit. */
static void a_called_child_stands_in_no_named_queue(void **state)
{
    conformance *c = *state;
    durable_fence root = start(c, "order-1"), child;
    durable_child_spec spec = {"order-1/3", &root, 3, root.run, 1, 0};
    const durable_limits limits = {5, 5, 0};
    durable_queue queue;
    int due = 0, held = 0;

    child = create_child(c, &spec);
    c->store->methods->limit_queue(c->store, "orders", &limits);
    assert_int_equal(c->store->methods->look_at_queue(c->store, "orders", "owner", 5, &queue),
                     DUR_OK);
    assert_true(queue.active == 1 && queue.active_process == 1);
    assert_int_equal(suspend(c, &root, DURABLE_NEVER, NULL), DUR_OK);
    c->store->methods->find_held(c->store, "orders", count_held, &held);
    assert_int_equal(held, 0);
    assert_int_equal(suspend(c, &child, 1000, NULL), DUR_OK);
    root = claim_run_of(c, "order-1");
    c->store->methods->find_due(c->store, "orders", count_due, &due);
    assert_int_equal(due, 0);
}

/* Two levels of children, all held. */
typedef struct family {
    durable_fence root, child, grandchild;
} family;

static family start_family(conformance *c)
{
    family f = {.root = start(c, "order-1")};
    durable_child_spec spec = {"order-1/3", &f.root, 3, f.root.run, 1, 0};

    f.child = create_child(c, &spec);
    spec = (durable_child_spec){"order-1/3/1", &f.child, 1, f.root.run, 2, 0};
    f.grandchild = create_child(c, &spec);
    return f;
}

static void a_root_is_due_no_later_than_what_is_called_below(void **state)
{
    conformance *c = *state;
    family f = start_family(c);

    assert_int_equal(suspend(c, &f.grandchild, 4000, NULL), DUR_OK);
    assert_int_equal(suspend(c, &f.child, DURABLE_NEVER, NULL), DUR_OK);
    assert_int_equal(suspend(c, &f.root, DURABLE_NEVER, NULL), DUR_OK);
    assert_true(look(c, "order-1").due == 4000);
    assert_true(look(c, "order-1/3").due == DURABLE_NEVER);
    f.root = claim_run_of(c, "order-1");
    assert_int_equal(suspend(c, &f.root, 3500, NULL), DUR_OK);
    assert_true(look(c, "order-1").due == 3500); /* never later than its own time */
}

/* One that is held, or has ended, asks for nothing. */
static void only_a_suspended_child_bounds_its_root(void **state)
{
    conformance *c = *state;
    family f = start_family(c);

    assert_int_equal(suspend(c, &f.grandchild, 4000, NULL), DUR_OK);
    f.grandchild = claim_run_of(c, "order-1/3/1");
    assert_int_equal(suspend(c, &f.root, DURABLE_NEVER, NULL), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
    end_as(c, &f.grandchild, DURABLE_FAILED);
    f.root = claim_run_of(c, "order-1");
    assert_int_equal(suspend(c, &f.root, DURABLE_NEVER, NULL), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
}

static void a_childs_signal_makes_its_root_due(void **state)
{
    conformance *c = *state;
    family f = start_family(c);

    assert_int_equal(suspend(c, &f.grandchild, DURABLE_NEVER, "approval"), DUR_OK);
    assert_int_equal(suspend(c, &f.child, DURABLE_NEVER, NULL), DUR_OK);
    assert_int_equal(suspend(c, &f.root, 5000, NULL), DUR_OK);
    assert_int_equal(send(c, "order-1/3/1", plain_signal("other", 1, 1600)), DUR_OK);
    assert_true(look(c, "order-1").due == 5000);
    assert_int_equal(send(c, "order-1/3/1", plain_signal("approval", 1, 1700)), DUR_OK);
    assert_true(look(c, "order-1/3/1").due == 1700);
    assert_true(look(c, "order-1").due == 1700);
    assert_int_equal(send(c, "order-1/3/1", plain_signal("approval", 2, 1650)), DUR_OK);
    assert_true(look(c, "order-1").due == 1650);
    assert_int_equal(send(c, "order-1/3/1", plain_signal("approval", 3, 1800)), DUR_OK);
    assert_true(look(c, "order-1").due == 1650);
}

/* The trap: between the child's leave and its root's. */
static void a_childs_signal_is_not_lost_while_its_root_is_held(void **state)
{
    conformance *c = *state;
    family f = start_family(c);

    assert_int_equal(suspend(c, &f.grandchild, DURABLE_NEVER, "approval"), DUR_OK);
    assert_int_equal(send(c, "order-1/3/1", plain_signal("approval", 1, 1400)), DUR_OK);
    assert_true(look(c, "order-1").due == DURABLE_NEVER);
    assert_string_equal(look(c, "order-1").owner, "owner-1");
    assert_int_equal(suspend(c, &f.child, DURABLE_NEVER, NULL), DUR_OK);
    assert_int_equal(suspend(c, &f.root, DURABLE_NEVER, NULL), DUR_OK);
    assert_true(look(c, "order-1").due == 1400);
}

/* What a called child has started itself is told to it, and through it to the root. */
static void the_end_of_a_started_grandchild_makes_the_root_due(void **state)
{
    conformance *c = *state;
    family f = start_family(c);
    durable_child_spec spec = {"mail-1", &f.child, 7, 0, 2, 0};
    durable_fence mail;

    create_child(c, &spec);
    assert_int_equal(suspend(c, &f.child, DURABLE_NEVER, "\t7"), DUR_OK);
    assert_int_equal(suspend(c, &f.root, DURABLE_NEVER, NULL), DUR_OK);
    mail = claim_run_of(c, "mail-1");
    end_telling(c, &mail, NULL);
    assert_true(look(c, "order-1/3").due == 1900);
    assert_true(look(c, "order-1").due == 1900);
}

static int64_t earliest(conformance *c, int64_t run)
{
    int64_t due = -1;

    assert_int_equal(c->store->methods->earliest_due(c->store, run, &due), DUR_OK);
    return due;
}

static void the_earliest_time_of_three_levels_is_found(void **state)
{
    conformance *c = *state;
    family f = start_family(c);
    durable_child_spec spec = {"mail-1", &f.root, 9, 0, 1, 0};
    durable_fence mail;

    create_child(c, &spec);
    mail = claim_run_of(c, "mail-1");
    assert_int_equal(suspend(c, &mail, 100, NULL), DUR_OK); /* a started one has its own time */
    assert_true(earliest(c, f.root.run) == DURABLE_NEVER);
    assert_int_equal(suspend(c, &f.grandchild, 4000, NULL), DUR_OK);
    assert_true(earliest(c, f.child.run) == 4000 && earliest(c, f.root.run) == 4000);
    assert_int_equal(suspend(c, &f.child, 3000, NULL), DUR_OK);
    assert_true(earliest(c, f.child.run) == 3000 && earliest(c, f.root.run) == 3000);
    assert_true(earliest(c, f.grandchild.run) == 4000);
    f.child = claim_run_of(c, "order-1/3");
    assert_int_equal(suspend(c, &f.child, 6000, NULL), DUR_OK);
    assert_true(earliest(c, f.child.run) == 4000 && earliest(c, f.root.run) == 4000);
    assert_int_equal(suspend(c, &f.root, 2500, NULL), DUR_OK);
    assert_true(earliest(c, f.root.run) == 2500 && earliest(c, f.child.run) == 4000);
    f.grandchild = claim_run_of(c, "order-1/3/1");
    end_as(c, &f.grandchild, DURABLE_COMPLETED);
    assert_true(earliest(c, f.child.run) == 6000);
}

static void a_run_takes_what_it_calls_along(void **state)
{
    conformance *c = *state;
    family f = start_family(c);
    durable_child_spec spec = {"mail-1", &f.root, 9, 0, 1, 0};

    create_child(c, &spec);
    c->subject->delete_run(c->world, "order-1");
    assert_false(exists(c, "order-1/3"));
    assert_false(exists(c, "order-1/3/1"));
    assert_true(exists(c, "mail-1"));
}

size_t conformance_child_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(a_child_knows_whose_it_is),
        cmocka_unit_test(a_deadline_is_kept),
        cmocka_unit_test(the_parents_row_is_put_with_the_child),
        cmocka_unit_test(who_has_lost_the_parent_creates_no_child),
        cmocka_unit_test(an_end_is_told_to_the_parent_once),
        cmocka_unit_test(a_failure_is_told_to_the_parent),
        cmocka_unit_test(a_parent_that_has_ended_is_told_nothing),
        cmocka_unit_test(a_parked_parent_is_told),
        cmocka_unit_test(a_parent_that_was_deleted_keeps_no_child_from_ending),
        cmocka_unit_test(a_run_calls_until_its_child_has_ended),
        cmocka_unit_test(a_called_child_stands_in_no_named_queue),
        cmocka_unit_test(a_root_is_due_no_later_than_what_is_called_below),
        cmocka_unit_test(only_a_suspended_child_bounds_its_root),
        cmocka_unit_test(a_childs_signal_makes_its_root_due),
        cmocka_unit_test(a_childs_signal_is_not_lost_while_its_root_is_held),
        cmocka_unit_test(the_end_of_a_started_grandchild_makes_the_root_due),
        cmocka_unit_test(the_earliest_time_of_three_levels_is_found),
        cmocka_unit_test(a_run_takes_what_it_calls_along),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
