/* test/store: the conformance suite, what is due and what is held: the first of each group. */
#include "store/conformance_waits.h"

#include <stdio.h>

/* ---- Due ---- */

enum { HEADS_MAX = 64 };

typedef struct due_list {
    conformance *c;
    durable_due heads[HEADS_MAX];
    size_t count, stop_after;
} due_list;

static int keep_due(const durable_due *due, void *context)
{
    due_list *list = context;
    durable_due *head = &list->heads[list->count];

    assert_true(list->count < HEADS_MAX);
    *head = *due;
    head->workflow = keep(list->c, due->workflow, strlen(due->workflow));
    head->id = keep(list->c, due->id, strlen(due->id));
    return ++list->count == list->stop_after;
}

static due_list find_due(conformance *c, const char *queue)
{
    due_list list = {.c = c};

    assert_int_equal(c->store->methods->find_due(c->store, queue, keep_due, &list), DUR_OK);
    return list;
}

/* There is exactly one head of that workflow and priority: this one. */
static void assert_head(const due_list *list, const char *workflow, int priority, const char *id,
                        int64_t due)
{
    size_t found = 0;

    for (size_t i = 0; i < list->count; i++) {
        const durable_due *head = &list->heads[i];

        if (head->priority != priority || strcmp(head->workflow, workflow) != 0) continue;
        assert_string_equal(head->id, id);
        assert_true(head->due == due);
        found++;
    }
    assert_int_equal(found, 1);
}

static void start_in(conformance *c, const char *id, const char *workflow, int priority,
                     int64_t due)
{
    durable_new_run new_run = unclaimed_run(id);

    new_run.workflow = workflow;
    new_run.priority = priority;
    new_run.due = due;
    start_unclaimed_run(c, &new_run);
}

static void the_first_due_run_of_each_workflow_and_priority_is_met(void **state)
{
    conformance *c = *state;
    due_list list;

    start_in(c, "a", "order", 0, 3000);
    start_in(c, "b", "order", 0, 2000);
    start_in(c, "c", "order", 0, 2500);
    start_in(c, "d", "order", 7, 9000);
    start_in(c, "e", "refund", 0, 8000);
    start_in(c, "f", "refund", 0, INT64_MAX - 1); /* what is far away is to become due, too */
    start_in(c, "g", "refund", 3, -7);
    start_in(c, "h", "refund", 3, INT64_MIN);
    list = find_due(c, "orders");
    assert_int_equal(list.count, 4);
    assert_head(&list, "order", 0, "b", 2000);
    assert_head(&list, "order", 7, "d", 9000);
    assert_head(&list, "refund", 0, "e", 8000);
    assert_head(&list, "refund", 3, "h", INT64_MIN);
}

static void every_priority_of_many_workflows_has_its_head(void **state)
{
    conformance *c = *state;
    static const char *const workflows[] = {"order", "orders", "Order", "1", "01", "\xc3\xa9", "%"};
    enum { COUNT = sizeof workflows / sizeof workflows[0] };
    due_list list;
    char id[40];

    for (int run = 0; run < 3; run++) {
        for (int workflow = 0; workflow < COUNT; workflow++) {
            for (int priority = 0; priority <= 7; priority++) {
                snprintf(id, sizeof id, "%d-%d-%d", workflow, priority, run);
                start_in(c, id, workflows[workflow], priority, 5000 + (run + priority) % 3);
            }
        }
    }
    list = find_due(c, "orders");
    assert_int_equal(list.count, COUNT * 8);
    for (int workflow = 0; workflow < COUNT; workflow++) {
        for (int priority = 0; priority <= 7; priority++) {
            snprintf(id, sizeof id, "%d-%d-%d", workflow, priority, (3 - priority % 3) % 3);
            assert_head(&list, workflows[workflow], priority, id, 5000);
        }
    }
}

/* Whoever is claimed makes way for the next one. */
static void of_runs_due_at_once_the_first_created_is_first(void **state)
{
    conformance *c = *state;
    static const char *const ids[] = {"z", "a", "m", "b"};
    due_list list;

    for (size_t i = 0; i < 4; i++) start_in(c, ids[i], "order", 3, 2000);
    for (size_t i = 0; i < 4; i++) {
        list = find_due(c, "orders");
        assert_int_equal(list.count, 1);
        assert_head(&list, "order", 3, ids[i], 2000);
        claim_run_of(c, ids[i]);
    }
    assert_int_equal(find_due(c, "orders").count, 0);
}

static void other_queues_are_not_met(void **state)
{
    conformance *c = *state;
    durable_new_run new_run = unclaimed_run("other");
    due_list list;

    new_run.queue = "Orders";
    start_unclaimed_run(c, &new_run);
    assert_int_equal(find_due(c, "orders").count, 0);
    assert_int_equal(find_due(c, "order").count, 0); /* the workflow's name */
    list = find_due(c, "Orders");
    assert_int_equal(list.count, 1);
    assert_head(&list, "order", 3, "other", 3000);
}

static void runs_that_nobody_is_to_take_up_are_not_due(void **state)
{
    conformance *c = *state;
    durable_fence completed = start(c, "completed"), failed = start(c, "failed");
    durable_fence parked = start(c, "parked"), suspended = start(c, "waits");
    durable_fence released = start(c, "released");

    start(c, "held");
    start_unclaimed(c, "never", DURABLE_NEVER);
    start_unclaimed(c, "claimed", 1);
    claim_run_of(c, "claimed");
    end_as(c, &completed, DURABLE_COMPLETED);
    end_as(c, &failed, DURABLE_FAILED);
    end_as(c, &parked, DURABLE_PARKED);
    assert_int_equal(suspend(c, &suspended, DURABLE_NEVER, "approval"), DUR_OK);
    release(c, &released, DURABLE_NEVER);
    assert_int_equal(find_due(c, "orders").count, 0);
}

static void a_run_becomes_the_head_when_it_is_given_back_or_awaited_something(void **state)
{
    conformance *c = *state;
    durable_fence suspended = start(c, "suspended"), released = start(c, "released");
    due_list list;

    start_unclaimed(c, "late", 9000);
    assert_int_equal(suspend(c, &suspended, 8000, "approval"), DUR_OK);
    list = find_due(c, "orders");
    assert_head(&list, "order", 3, "suspended", 8000);
    release(c, &released, 7000);
    list = find_due(c, "orders");
    assert_head(&list, "order", 3, "released", 7000);
    assert_int_equal(send(c, "suspended", plain_signal("approval", 1, 1600)), DUR_OK);
    list = find_due(c, "orders");
    assert_head(&list, "order", 3, "suspended", 1600);
    claim_run_of(c, "suspended");
    c->subject->delete_run(c->world, "released");
    list = find_due(c, "orders");
    assert_int_equal(list.count, 1);
    assert_head(&list, "order", 3, "late", 9000);
}

static void a_visitor_that_has_enough_ends_the_search_for_due_runs(void **state)
{
    conformance *c = *state;
    due_list list = {.c = c, .stop_after = 2};

    for (int priority = 0; priority < 4; priority++) {
        char id[2] = {(char)('a' + priority), '\0'};

        start_in(c, id, "order", priority, 2000);
    }
    assert_int_equal(c->store->methods->find_due(c->store, "orders", keep_due, &list), DUR_OK);
    assert_int_equal(list.count, 2);
    assert_true(c->subject->is_idle(c->world));
    assert_int_equal(find_due(c, "orders").count, 4);
}

/* ---- Held ---- */

typedef struct held_list {
    conformance *c;
    durable_held heads[HEADS_MAX];
    size_t count, stop_after;
} held_list;

static int keep_held(const durable_held *held, void *context)
{
    held_list *list = context;
    durable_held *head = &list->heads[list->count];

    assert_true(list->count < HEADS_MAX);
    *head = *held;
    head->owner = keep(list->c, held->owner, strlen(held->owner));
    head->workflow = keep(list->c, held->workflow, strlen(held->workflow));
    head->id = keep(list->c, held->id, strlen(held->id));
    return ++list->count == list->stop_after;
}

static held_list find_held(conformance *c, const char *queue)
{
    held_list list = {.c = c};

    assert_int_equal(c->store->methods->find_held(c->store, queue, keep_held, &list), DUR_OK);
    return list;
}

static void assert_held(const held_list *list, const char *owner, const char *workflow,
                        const char *id, int64_t lease_end)
{
    size_t found = 0;

    for (size_t i = 0; i < list->count; i++) {
        const durable_held *head = &list->heads[i];

        if (strcmp(head->owner, owner) != 0 || strcmp(head->workflow, workflow) != 0) continue;
        assert_string_equal(head->id, id);
        assert_true(head->lease_end == lease_end);
        found++;
    }
    assert_int_equal(found, 1);
}

static durable_fence hold(conformance *c, const char *id, const char *owner, const char *workflow,
                          int64_t lease_end)
{
    durable_new_run new_run = plain_run(id);

    new_run.owner = owner;
    new_run.workflow = workflow;
    new_run.lease_end = lease_end;
    return start_run(c, &new_run);
}

static void the_first_lease_to_end_of_each_owner_and_workflow_is_met(void **state)
{
    conformance *c = *state;
    held_list list;

    hold(c, "a", "owner-1", "order", 3000);
    hold(c, "b", "owner-1", "order", 2000);
    hold(c, "c", "owner-1", "refund", 9000);
    hold(c, "d", "owner-2", "order", INT64_MAX);
    hold(c, "e", "owner-2", "refund", 0);
    hold(c, "f", "owner-2", "refund", INT64_MIN);
    hold(c, "g", "Owner-2", "refund", -1);
    list = find_held(c, "orders");
    assert_int_equal(list.count, 5);
    assert_held(&list, "owner-1", "order", "b", 2000);
    assert_held(&list, "owner-1", "refund", "c", 9000);
    assert_held(&list, "owner-2", "order", "d", INT64_MAX);
    assert_held(&list, "owner-2", "refund", "f", INT64_MIN);
    assert_held(&list, "Owner-2", "refund", "g", -1);
}

static void the_lease_counts_as_it_is_now(void **state)
{
    conformance *c = *state;
    durable_fence fence = hold(c, "a", "owner-1", "order", 2000);
    durable_outcome outcome = plain_outcome(&fence, 1);
    durable_pending pending = plain_pending(2);
    held_list list;

    hold(c, "b", "owner-1", "order", 3000);
    hold(c, "c", "owner-1", "order", 4000);
    assert_int_equal(c->store->methods->renew_lease(c->store, &fence, 5000), DUR_OK);
    list = find_held(c, "orders");
    assert_held(&list, "owner-1", "order", "b", 3000);
    outcome.lease_end = 2500;
    assert_int_equal(append(c, outcome), DUR_OK);
    list = find_held(c, "orders");
    assert_held(&list, "owner-1", "order", "a", 2500);
    assert_int_equal(c->store->methods->put_pending(c->store, &fence, &pending, 3500), DUR_OK);
    list = find_held(c, "orders");
    assert_held(&list, "owner-1", "order", "b", 3000);
    assert_int_equal(list.count, 1);
}

static void runs_that_nobody_holds_are_not_held(void **state)
{
    conformance *c = *state;
    durable_fence released = start(c, "released"), suspended = start(c, "suspended");
    durable_fence ended = start(c, "ended"), parked = start(c, "parked");
    held_list list;

    start_unclaimed(c, "waits", 1);
    start(c, "deleted");
    c->subject->delete_run(c->world, "deleted");
    release(c, &released, 1);
    assert_int_equal(suspend(c, &suspended, 1, NULL), DUR_OK);
    end_as(c, &ended, DURABLE_COMPLETED);
    end_as(c, &parked, DURABLE_PARKED);
    assert_int_equal(find_held(c, "orders").count, 0);
    claim_run_of(c, "suspended");
    list = find_held(c, "orders");
    assert_int_equal(list.count, 1);
    assert_held(&list, "owner-2", "order", "suspended", 5000);
    assert_int_equal(find_held(c, "order").count, 0);
}

static void a_run_that_is_taken_over_is_held_by_its_new_owner(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    held_list list;

    take_over(c, &fence);
    list = find_held(c, "orders");
    assert_int_equal(list.count, 1);
    assert_held(&list, "owner-2", "order", "order-1", 5000);
}

static void a_visitor_that_has_enough_ends_the_search_for_held_runs(void **state)
{
    conformance *c = *state;
    held_list list = {.c = c, .stop_after = 1};

    hold(c, "a", "owner-1", "order", 2000);
    hold(c, "b", "owner-2", "order", 2000);
    assert_int_equal(c->store->methods->find_held(c->store, "orders", keep_held, &list), DUR_OK);
    assert_int_equal(list.count, 1);
    assert_true(c->subject->is_idle(c->world));
}

size_t conformance_head_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(the_first_due_run_of_each_workflow_and_priority_is_met),
        cmocka_unit_test(every_priority_of_many_workflows_has_its_head),
        cmocka_unit_test(of_runs_due_at_once_the_first_created_is_first),
        cmocka_unit_test(other_queues_are_not_met),
        cmocka_unit_test(runs_that_nobody_is_to_take_up_are_not_due),
        cmocka_unit_test(a_run_becomes_the_head_when_it_is_given_back_or_awaited_something),
        cmocka_unit_test(a_visitor_that_has_enough_ends_the_search_for_due_runs),
        cmocka_unit_test(the_first_lease_to_end_of_each_owner_and_workflow_is_met),
        cmocka_unit_test(the_lease_counts_as_it_is_now),
        cmocka_unit_test(runs_that_nobody_holds_are_not_held),
        cmocka_unit_test(a_run_that_is_taken_over_is_held_by_its_new_owner),
        cmocka_unit_test(a_visitor_that_has_enough_ends_the_search_for_held_runs),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
