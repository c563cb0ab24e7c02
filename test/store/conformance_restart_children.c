/* test/store: the conformance suite, restarting: the children and signals of what is copied. */
#include "store/conformance_restart.h"

/* ---- Children ---- */

/* A run that calls "order-1/1", which has called "order-1/1/1" and "own", and then the child of
 * `at` with that id. Fences of what may go on are left in `fences`. */
typedef struct called_family {
    durable_fence order, last;
} called_family;

static durable_fence called(conformance *c, const char *id, const durable_fence *parent,
                            int64_t root, int64_t position, int depth)
{
    const durable_child_spec spec = {id, parent, position, root, depth, 0};

    return create_child(c, &spec);
}

static void end_recorded(conformance *c, durable_fence *child, durable_fence *parent,
                         int64_t position)
{
    record(c, child, 9);
    end_as(c, child, DURABLE_COMPLETED);
    record_kind(c, parent, position, DURABLE_KIND_CHILD, DURABLE_OUTCOME_RESULT);
}

static called_family make_family(conformance *c)
{
    called_family family = {start(c, "order-1"), {0, 0, 0, 0}};
    durable_fence *order = &family.order;
    int64_t root = order->run;
    durable_fence child = called(c, "order-1/1", order, root, 1, 1), below;

    below = called(c, "order-1/1/1", &child, root, 1, 2);
    end_recorded(c, &below, &child, 1);
    below = called(c, "own", &child, root, 2, 2);
    end_recorded(c, &below, &child, 2);
    below = called(c, "order-1/1/3", &child, root, 3, 2); /* no row: its batch was complete */
    end_as(c, &below, DURABLE_CANCELLED);
    end_recorded(c, &child, order, 1);
    record(c, order, 2);
    family.last = called(c, "order-1/3", order, root, 3, 1);
    return family;
}

static void called_children_that_have_ended_are_copied(void **state)
{
    conformance *c = *state;
    called_family family = make_family(c);
    durable_run_record run, child, below;

    assert_int_equal(restart(c, plain_restart(3)), DUR_OK);
    run = look(c, "again");
    child = look(c, "again/1");
    below = look(c, "again/1/1");
    assert_true(child.parent == run.run && child.root == run.run && child.called_at == 1);
    assert_true(below.parent == child.run && below.root == run.run && below.called_at == 1);
    assert_int_equal(child.depth, 1);
    assert_int_equal(below.depth, 2);
    assert_int_equal(child.status, DURABLE_COMPLETED);
    assert_true(child.ended == look(c, "order-1/1").ended && child.due == DURABLE_NEVER);
    assert_string_equal(child.queue, DURABLE_QUEUE_CALLED);
    assert_string_not_equal(child.uid, below.uid);
    assert_string_not_equal(child.uid, run.uid);
    assert_string_not_equal(child.uid, look(c, "order-1/1").uid);
    assert_int_equal(strlen(child.uid), strlen(NEW_UID));
    assert_int_equal(load_all(c, child.run).count, 3);
    assert_int_equal(load_all(c, below.run).count, 1);
    assert_false(summarize(c, run.run).calls);
    assert_true(summarize(c, family.order.run).calls);
    assert_true(look(c, "order-1/1").parent == family.order.run);
}

/* One that has not ended, or whose parent's row is not copied, or that has an id of its own; and
 * what its parent did not wait for. */
static void other_called_children_are_not_copied(void **state)
{
    conformance *c = *state;
    called_family family = make_family(c);
    durable_restart wanted = plain_restart(1);

    assert_int_equal(restart(c, plain_restart(3)), DUR_OK);
    assert_false(exists(c, "again/3"));
    assert_false(exists(c, "again/1/2"));
    assert_false(exists(c, "again/1/3"));
    wanted.id = "first";
    assert_int_equal(restart(c, wanted), DUR_OK);
    assert_false(exists(c, "first/1"));
    end_as(c, &family.last, DURABLE_COMPLETED); /* its parent's row is still to come */
    wanted.id = "between";
    wanted.position = 3;
    assert_int_equal(restart(c, wanted), DUR_OK);
    assert_true(exists(c, "between/1"));
    assert_false(exists(c, "between/3"));
    record_kind(c, &family.order, 3, DURABLE_KIND_CHILD, DURABLE_OUTCOME_FAILURE);
    wanted.id = "late";
    wanted.position = 4;
    assert_int_equal(restart(c, wanted), DUR_OK);
    assert_true(exists(c, "late/3"));
}

static void a_child_is_named_by_its_parent_or_by_the_uid(void **state)
{
    conformance *c = *state;
    char id[DUR_NAME_MAX + 1], short_id[DUR_NAME_MAX];
    durable_restart wanted = plain_restart(3);

    make_family(c);
    memset(id, 'i', DUR_NAME_MAX);
    id[DUR_NAME_MAX] = '\0';
    wanted.id = id;
    assert_int_equal(restart(c, wanted), DUR_OK);
    assert_true(look(c, NEW_UID "/1").parent == look(c, id).run);
    assert_true(exists(c, NEW_UID "/1/1"));
    memset(short_id, 's', DUR_NAME_MAX - 2);
    short_id[DUR_NAME_MAX - 2] = '\0';
    wanted.id = short_id;
    wanted.uid = "11111111111111111111111111111111";
    assert_int_equal(restart(c, wanted), DUR_OK);
    memcpy(id, short_id, DUR_NAME_MAX - 2);
    memcpy(id + DUR_NAME_MAX - 2, "/1", 3);
    assert_true(look(c, id).parent == look(c, short_id).run);
}

static void a_called_child_is_not_restarted(void **state)
{
    conformance *c = *state;
    durable_restart wanted = plain_restart(1);

    make_family(c);
    wanted.source = "order-1/1";
    assert_int_equal(restart(c, wanted), DUR_CONFLICT);
    assert_false(exists(c, "again"));
}

/* Law 1. */
static void a_childs_id_that_is_taken_leaves_nothing_behind(void **state)
{
    conformance *c = *state;

    make_family(c);
    start(c, "again/1/1");
    assert_int_equal(restart(c, plain_restart(3)), DUR_CONFLICT);
    assert_false(exists(c, "again"));
    assert_false(exists(c, "again/1"));
    assert_true(exists(c, "again/1/1"));
}

static void a_started_child_is_restarted_without_its_parent(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "parent"), child, called_by_it;
    durable_child_spec spec = {"order-1", &parent, 1, 0, 1, 0};
    durable_run_record run;

    create_child(c, &spec);
    child = claim_run_of(c, "order-1");
    called_by_it = called(c, "order-1/1", &child, child.run, 1, 2);
    end_recorded(c, &called_by_it, &child, 1);
    assert_int_equal(restart(c, plain_restart(2)), DUR_OK);
    run = look(c, "again");
    assert_true(run.parent == 0 && run.depth == 0);
    assert_int_equal(look(c, "again/1").depth, 1);
    assert_true(look(c, "again/1").root == run.run);
}

/* ---- Signals ---- */

static void signals_are_copied_where_they_are_asked_for(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_with_steps(c, 1);
    durable_restart wanted = plain_restart(2);
    durable_signal signal = plain_signal("mail", 5, 1200), answer = plain_signal(NULL, 6, 1300);
    const durable_callback callback = {fence.run, 2, look(c, "order-1").uid};
    durable_signal_record first;
    int64_t run;

    signal.key = "k-1";
    assert_int_equal(send(c, "order-1", signal), DUR_OK);
    assert_int_equal(send(c, "order-1", plain_signal("mail", 7, 1250)), DUR_OK);
    assert_int_equal(put(c, &fence, plain_callback(2)), DUR_OK);
    assert_int_equal(c->store->methods->answer_callback(c->store, &callback, &answer), DUR_OK);
    assert_int_equal(restart(c, wanted), DUR_OK);
    assert_false(peek(c, look(c, "again").run, "mail", NULL));
    wanted.id = "with";
    wanted.with_signals = true;
    assert_int_equal(restart(c, wanted), DUR_OK);
    run = look(c, "with").run;
    assert_true(peek(c, run, "mail", &first));
    assert_true(first.value.integer == 5 && first.sent == 1200);
    assert_false(peek(c, run, "\t2", NULL));
    assert_int_equal(send(c, "with", signal), DUR_REPLAYED);
    assert_int_equal(send(c, "again", signal), DUR_OK);
    fence = claim_run_of(c, "with");
    receive(c, &fence, 2, "mail");
    assert_true(peek(c, run, "mail", &first));
    assert_true(first.value.integer == 7);
    assert_true(peek(c, look(c, "order-1").run, "mail", &first));
    assert_true(first.value.integer == 5);
}

/* The first one of a name and key counts: also where it was received in what was copied. */
static void keys_that_were_received_before_stay_taken(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_signal signal = plain_signal("mail", 5, 1200);

    for (int64_t position = 1; position <= 3; position++) {
        const char key[] = {(char)('0' + position), '\0'};

        signal.key = key;
        assert_int_equal(send(c, "order-1", signal), DUR_OK);
        receive(c, &fence, position, "mail");
    }
    assert_int_equal(restart(c, plain_restart(3)), DUR_OK);
    assert_false(peek(c, look(c, "again").run, "mail", NULL));
    signal.key = "1";
    assert_int_equal(send(c, "again", signal), DUR_REPLAYED);
    signal.key = "2";
    assert_int_equal(send(c, "again", signal), DUR_REPLAYED);
    signal.key = "3"; /* its receipt was not copied */
    assert_int_equal(send(c, "again", signal), DUR_OK);
}

size_t conformance_restart_child_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(called_children_that_have_ended_are_copied),
        cmocka_unit_test(other_called_children_are_not_copied),
        cmocka_unit_test(a_child_is_named_by_its_parent_or_by_the_uid),
        cmocka_unit_test(a_called_child_is_not_restarted),
        cmocka_unit_test(a_childs_id_that_is_taken_leaves_nothing_behind),
        cmocka_unit_test(a_started_child_is_restarted_without_its_parent),
        cmocka_unit_test(signals_are_copied_where_they_are_asked_for),
        cmocka_unit_test(keys_that_were_received_before_stay_taken),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
