/* test/store: the conformance suite, what is deleted, and what is not. */
#include "store/conformance_children.h"

#include <stdio.h>

static int delete_it(conformance *c, const char *id)
{
    return c->store->methods->delete_run(c->store, id);
}

static void end_at(conformance *c, durable_fence *fence, int64_t now)
{
    durable_ending ending = {
        .status = DURABLE_COMPLETED, .clears_pending = true, .now = now};

    assert_int_equal(c->store->methods->end_run(c->store, fence, &ending), DUR_OK);
}

/* A run that ended then. */
static durable_fence start_ended(conformance *c, const char *id, int64_t ended)
{
    durable_fence fence = start(c, id);

    end_at(c, &fence, ended);
    return fence;
}

static void refused(conformance *c, const char *id, const char *names)
{
    durable_run_record before = look(c, id), after;

    assert_int_equal(delete_it(c, id), DUR_NOT_ENDED);
    if (names) assert_non_null(strstr(c->store->error.message, names));
    after = look(c, id);
    assert_same_run(&before, &after);
}

/* ---- One run ------------------------------------------------------------------------------- */

static void a_deleted_run_leaves_nothing_behind(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), anew;
    durable_signal with_key = plain_signal("approval", 8, 1600);

    record(c, &fence, 1);
    with_key.key = "mail-7";
    assert_int_equal(send(c, "order-1", plain_signal("approval", 7, 1600)), DUR_OK);
    assert_int_equal(send(c, "order-1", with_key), DUR_OK);
    end_at(c, &fence, 1900);
    assert_int_equal(delete_it(c, "order-1"), DUR_OK);
    assert_false(exists(c, "order-1"));
    assert_int_equal(delete_it(c, "order-1"), DUR_NOT_FOUND);
    anew = start(c, "order-1");
    assert_int_equal(load_all(c, anew.run).count, 0);
    assert_false(peek(c, anew.run, "approval", NULL));
    assert_int_equal(send(c, "order-1", with_key), DUR_OK);
}

static void a_run_that_has_not_ended_is_not_deleted(void **state)
{
    conformance *c = *state;
    durable_fence waiting = start(c, "waits"), parks = start(c, "parks");

    start(c, "held");
    assert_int_equal(suspend(c, &waiting, 5000, NULL), DUR_OK);
    end_as(c, &parks, DURABLE_PARKED);
    start_unclaimed(c, "free", 3000);
    refused(c, "held", NULL);
    refused(c, "waits", NULL);
    refused(c, "parks", NULL);
    refused(c, "free", NULL);
}

static void what_it_calls_is_deleted_with_it(void **state)
{
    conformance *c = *state;
    durable_fence root = start(c, "order-1"), child, below;
    durable_child_spec spec = {"order-1/2", &root, 2, root.run, 1, 0};

    child = create_child(c, &spec);
    spec = (durable_child_spec){"order-1/2/1", &child, 1, root.run, 2, 0};
    below = create_child(c, &spec);
    record(c, &below, 1);
    end_at(c, &below, 1700);
    assert_int_equal(delete_it(c, "order-1/2/1"), DUR_CONFLICT);
    assert_non_null(strstr(c->store->error.message, "\"order-1\""));
    end_at(c, &child, 1800);
    end_at(c, &root, 1900);
    assert_int_equal(delete_it(c, "order-1/2"), DUR_CONFLICT);
    assert_int_equal(delete_it(c, "order-1"), DUR_OK);
    assert_false(exists(c, "order-1/2") || exists(c, "order-1/2/1"));
    assert_int_equal(load_all(c, below.run).count, 0);
}

static void who_has_an_open_parent_is_not_deleted(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "order-1"), child;
    durable_child_spec spec = {"mail-1", &parent, 2, 0, 1, DUR_CHILD_LEAVE};

    create_child(c, &spec);
    child = claim_run_of(c, "mail-1");
    end_at(c, &child, 1700);
    refused(c, "mail-1", "\"order-1\"");
    end_at(c, &parent, 1900);
    assert_int_equal(delete_it(c, "mail-1"), DUR_OK);
    assert_int_equal(delete_it(c, "order-1"), DUR_OK);
}

/* … by itself, or by a child that it calls. */
static void who_has_started_an_open_child_is_not_deleted(void **state)
{
    conformance *c = *state;

    for (int below = 0; below < 2; below++) {
        const char id[] = {(char)('a' + below), '\0'}, started[] = {(char)('p' + below), '\0'};
        const char name[] = {'"', started[0], '"', '\0'};
        durable_fence root = start(c, id), called, child;
        durable_child_spec spec = {below ? "c1" : "c0", &root, 2, root.run, 1, 0};

        called = create_child(c, &spec);
        spec = (durable_child_spec){started, below ? &called : &root, 3, 0, 1, DUR_CHILD_LEAVE};
        create_child(c, &spec);
        end_at(c, &called, 1700);
        end_at(c, &root, 1900);
        refused(c, id, name);
        child = claim_run_of(c, started);
        end_at(c, &child, 1950);
        assert_int_equal(delete_it(c, id), DUR_OK);
        assert_true(exists(c, started));
        assert_int_equal(delete_it(c, started), DUR_OK);
    }
}

/* A called child that was still open when the run ended is part of it. */
static void an_open_child_that_it_calls_goes_with_it(void **state)
{
    conformance *c = *state;
    durable_fence root = start(c, "order-1"), child;
    durable_child_spec spec = {"order-1/2", &root, 2, root.run, 1, 0};

    child = create_child(c, &spec);
    assert_int_equal(suspend(c, &child, 5000, NULL), DUR_OK);
    end_at(c, &root, 1900);
    assert_int_equal(delete_it(c, "order-1"), DUR_OK);
    assert_false(exists(c, "order-1/2"));
}

static void continue_as(conformance *c, durable_fence *fence, const char *id, const char *old_id)
{
    const durable_successor successor = {.id = id,
                                         .old_id = old_id,
                                         .uid = "fedcba9876543210",
                                         .behaviour = 1,
                                         .due = 1800};
    const durable_ending ending = {
        .status = DURABLE_CONTINUED, .successor = &successor, .now = 1800};

    assert_int_equal(c->store->methods->end_run(c->store, fence, &ending), DUR_OK);
}

static void whose_successor_is_open_is_not_deleted(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "meter");

    continue_as(c, &fence, "meter", "meter~1");
    refused(c, "meter~1", "\"meter\"");
    fence = claim_run_of(c, "meter");
    continue_as(c, &fence, "meter", "meter~2");
    assert_string_equal(look(c, "meter~2").origin, "meter~1");
    assert_int_equal(delete_it(c, "meter~1"), DUR_OK);
    assert_null(look(c, "meter~2").origin);
    refused(c, "meter~2", "\"meter\"");
    fence = claim_run_of(c, "meter");
    end_at(c, &fence, 1900);
    assert_int_equal(delete_it(c, "meter~2"), DUR_OK);
    assert_null(look(c, "meter").origin);
}

static void whose_restart_is_open_is_not_deleted(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_ended(c, "order-1", 1900);
    const durable_restart restart = {.source = "order-1",
                                     .id = "order-1b",
                                     .uid = "fedcba9876543210",
                                     .position = 1,
                                     .now = 2000};

    assert_int_equal(c->store->methods->restart_run(c->store, &restart), DUR_OK);
    refused(c, "order-1", "\"order-1b\"");
    fence = claim_run_of(c, "order-1b");
    end_at(c, &fence, 2100);
    assert_int_equal(delete_it(c, "order-1"), DUR_OK);
    assert_null(look(c, "order-1b").origin);
}

/* ---- Retention ----------------------------------------------------------------------------- */

static int64_t retain(conformance *c, durable_retention retention)
{
    int64_t deleted = -1;

    assert_int_equal(c->store->methods->delete_ended(c->store, &retention, &deleted), DUR_OK);
    return deleted;
}

static durable_retention all_until(int64_t ended_until)
{
    return (durable_retention){.ended_until = ended_until, .max_runs = 100};
}

/* Which of the runs are there, as their ids one after the other; each has one letter. */
static const char *there(conformance *c, const char *ids)
{
    char *left = keep(c, ids, strlen(ids)), *end = left;

    for (; *ids; ids++) {
        const char id[] = {*ids, '\0'};

        if (exists(c, id)) *end++ = *ids;
    }
    *end = '\0';
    return left;
}

static void those_that_ended_first_are_deleted_first(void **state)
{
    conformance *c = *state;
    durable_retention two = all_until(9000);

    two.max_runs = 2;
    start_ended(c, "d", 4000);
    start_ended(c, "a", 1000);
    start_ended(c, "c", 3000);
    start_ended(c, "b", 2000);
    start_ended(c, "e", 4000);
    assert_true(retain(c, two) == 2);
    assert_string_equal(there(c, "abcde"), "cde");
    assert_true(retain(c, two) == 2);
    assert_string_equal(there(c, "abcde"), "e");
    assert_true(retain(c, two) == 1);
    assert_true(retain(c, two) == 0);
}

static void younger_ones_and_open_ones_stay(void **state)
{
    conformance *c = *state;
    durable_fence parks = start(c, "e");

    start_ended(c, "a", 1000);
    start_ended(c, "b", 2000);
    start_ended(c, "c", 2001);
    start(c, "d");
    end_as(c, &parks, DURABLE_PARKED);
    start_unclaimed(c, "f", 3000);
    assert_true(retain(c, all_until(999)) == 0);
    assert_true(retain(c, all_until(2000)) == 2);
    assert_string_equal(there(c, "abcdef"), "cdef");
    assert_true(retain(c, all_until(INT64_MAX)) == 1);
    assert_string_equal(there(c, "abcdef"), "def");
    assert_true(retain(c, all_until(INT64_MIN)) == 0);
}

static void only_runs_of_the_workflow_are_deleted(void **state)
{
    conformance *c = *state;
    durable_retention mails = all_until(9000);

    mails.workflow = "mail";
    for (int i = 0; i < 6; i++) {
        const char id[] = {(char)('a' + i), '\0'};
        durable_new_run new_run = plain_run(id);
        durable_fence fence;

        if (i % 2) new_run.workflow = "mail";
        fence = start_run(c, &new_run);
        end_at(c, &fence, 1000 + i);
    }
    assert_true(retain(c, mails) == 3);
    assert_string_equal(there(c, "abcdef"), "ace");
    mails.workflow = "none";
    assert_true(retain(c, mails) == 0);
}

static void the_last_so_many_are_kept(void **state)
{
    conformance *c = *state;
    durable_retention but_last = all_until(9000);

    for (int i = 0; i < 6; i++) {
        const char id[] = {(char)('a' + i), '\0'};

        start_ended(c, id, 2000 - i / 2); /* some at the same time: later keys count as later */
    }
    but_last.keep = 7;
    assert_true(retain(c, but_last) == 0);
    but_last.keep = 6;
    assert_true(retain(c, but_last) == 0);
    but_last.keep = 3;
    but_last.max_runs = 2;
    assert_true(retain(c, but_last) == 2);
    assert_string_equal(there(c, "abcdef"), "abcd");
    assert_true(retain(c, but_last) == 1);
    assert_string_equal(there(c, "abcdef"), "abd");
    start_ended(c, "g", 3000);
    assert_true(retain(c, but_last) == 1);
    assert_string_equal(there(c, "abcdefg"), "abg");
}

/* Kept are the last of those of the workflow, whatever their age. */
static void those_that_are_kept_are_of_the_workflow(void **state)
{
    conformance *c = *state;
    durable_retention but_last = all_until(1002);

    but_last.workflow = "mail";
    but_last.keep = 1;
    for (int i = 0; i < 6; i++) {
        const char id[] = {(char)('a' + i), '\0'};
        durable_new_run new_run = plain_run(id);
        durable_fence fence;

        if (i < 3) new_run.workflow = "mail";
        fence = start_run(c, &new_run);
        end_at(c, &fence, 1000 + i);
    }
    assert_true(retain(c, but_last) == 2);
    assert_string_equal(there(c, "abcdef"), "cdef");
}

/* An edge of a batch that is full: what ends between two batches counts for the next one. */
static void a_run_that_ends_after_a_full_batch_moves_what_is_kept(void **state)
{
    conformance *c = *state;
    durable_retention but_last = all_until(9000);

    but_last.keep = 2;
    but_last.max_runs = 2;
    for (int i = 0; i < 4; i++) {
        const char id[] = {(char)('a' + i), '\0'};

        start_ended(c, id, 1000 + i);
    }
    assert_true(retain(c, but_last) == 2);
    assert_string_equal(there(c, "abcd"), "cd");
    start_ended(c, "e", 2000);
    assert_true(retain(c, but_last) == 1);
    assert_string_equal(there(c, "cde"), "de");
}

/* More of them than a store looks at in one go: what is referred to neither ends a batch before it
 * is full, nor hides what stands behind it, and is deleted once it is free. */
static void what_is_referred_to_is_passed_over(void **state)
{
    enum { REFERRED = 600, FREE = 5 };
    conformance *c = *state;
    durable_fence parent = start(c, "parent");
    durable_retention two = all_until(9000);
    int64_t deleted = 0, more;

    two.max_runs = 2;
    for (int i = 0; i < REFERRED + FREE; i++) {
        char id[32];
        durable_child_spec spec = {id, &parent, 2 + i, 0, 1, DUR_CHILD_LEAVE};
        durable_fence fence;

        snprintf(id, sizeof id, "%s-%d", i < REFERRED ? "child" : "free", i);
        if (i < REFERRED) create_child(c, &spec);
        fence = i < REFERRED ? claim_run_of(c, id) : start(c, id);
        end_at(c, &fence, 1000 + i);
    }
    do {
        more = retain(c, two);
        deleted += more;
    } while (more == 2);
    assert_true(deleted == FREE);
    assert_true(exists(c, "child-0") && exists(c, "child-599"));
    end_at(c, &parent, 5000);
    two.max_runs = 1000;
    assert_true(retain(c, two) == REFERRED + 1);
}

/* … also if it becomes free when the batches are past it. */
static void what_becomes_free_between_batches_is_found(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "p"), child;
    durable_child_spec spec = {"a", &parent, 2, 0, 1, DUR_CHILD_LEAVE};
    durable_retention two = all_until(4000);

    two.max_runs = 2;
    create_child(c, &spec);
    child = claim_run_of(c, "a");
    end_at(c, &child, 1000);
    for (int i = 1; i < 4; i++) {
        const char id[] = {(char)('a' + i), '\0'};

        start_ended(c, id, 1000 + i);
    }
    assert_true(retain(c, two) == 2);
    assert_string_equal(there(c, "abcd"), "ad");
    end_at(c, &parent, 5000);
    assert_true(retain(c, two) == 2);
    assert_string_equal(there(c, "abcdp"), "p");
}

/* A batch of another kind does not go on where the last one has ended. */
static void kinds_of_retention_do_not_mix(void **state)
{
    conformance *c = *state;
    durable_retention one = all_until(9000), mail = one;

    one.max_runs = mail.max_runs = 1;
    mail.workflow = "mail";
    for (int i = 0; i < 4; i++) {
        const char id[] = {(char)('a' + i), '\0'};
        durable_new_run new_run = plain_run(id);
        durable_fence fence;

        if (i % 2) new_run.workflow = "mail";
        fence = start_run(c, &new_run);
        end_at(c, &fence, 1000 + i);
    }
    assert_true(retain(c, mail) == 1);
    assert_true(retain(c, one) == 1);
    assert_string_equal(there(c, "abcd"), "cd");
    assert_true(retain(c, mail) == 1);
    assert_string_equal(there(c, "abcd"), "c");
    assert_true(retain(c, mail) == 0);
    assert_true(retain(c, one) == 1);
}

static void children_that_are_called_count_with_their_root(void **state)
{
    conformance *c = *state;
    durable_fence root = start(c, "a"), child;
    durable_child_spec spec = {"b", &root, 2, root.run, 1, 0};

    child = create_child(c, &spec);
    end_at(c, &child, 1000);
    start_ended(c, "c", 2000);
    assert_true(retain(c, all_until(9000)) == 1);
    assert_string_equal(there(c, "abc"), "ab");
    end_at(c, &root, 3000);
    assert_true(retain(c, all_until(9000)) == 1);
    assert_string_equal(there(c, "abc"), "");
}

/* A chain that goes on is shortened from its beginning, all but the last. */
static void what_was_continued_is_deleted_up_to_the_last(void **state)
{
    conformance *c = *state;
    static const char *const names[] = {"1", "2", "3"};
    durable_fence fence = start(c, "m");

    for (int i = 0; i < 3; i++) {
        continue_as(c, &fence, "m", names[i]);
        fence = claim_run_of(c, "m");
    }
    assert_true(retain(c, all_until(9000)) == 2);
    assert_string_equal(there(c, "123m"), "3m");
}

size_t conformance_deletion_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(a_deleted_run_leaves_nothing_behind),
        cmocka_unit_test(a_run_that_has_not_ended_is_not_deleted),
        cmocka_unit_test(what_it_calls_is_deleted_with_it),
        cmocka_unit_test(who_has_an_open_parent_is_not_deleted),
        cmocka_unit_test(who_has_started_an_open_child_is_not_deleted),
        cmocka_unit_test(an_open_child_that_it_calls_goes_with_it),
        cmocka_unit_test(whose_successor_is_open_is_not_deleted),
        cmocka_unit_test(whose_restart_is_open_is_not_deleted),
        cmocka_unit_test(those_that_ended_first_are_deleted_first),
        cmocka_unit_test(younger_ones_and_open_ones_stay),
        cmocka_unit_test(only_runs_of_the_workflow_are_deleted),
        cmocka_unit_test(the_last_so_many_are_kept),
        cmocka_unit_test(those_that_are_kept_are_of_the_workflow),
        cmocka_unit_test(a_run_that_ends_after_a_full_batch_moves_what_is_kept),
        cmocka_unit_test(what_is_referred_to_is_passed_over),
        cmocka_unit_test(what_becomes_free_between_batches_is_found),
        cmocka_unit_test(kinds_of_retention_do_not_mix),
        cmocka_unit_test(children_that_are_called_count_with_their_root),
        cmocka_unit_test(what_was_continued_is_deleted_up_to_the_last),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
