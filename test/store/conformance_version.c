/* test/store: the conformance suite, others: whether somebody has committed, whether we join. */
#include "store/conformance_waits.h"

static int64_t version(conformance *c)
{
    int64_t number = -1;

    assert_int_equal(c->store->methods->read_version(c->store, &number), DUR_OK);
    return number;
}

static int ignore_due(const durable_due *due, void *context)
{
    (void)due;
    (void)context;
    return 0;
}

static int ignore_held(const durable_held *held, void *context)
{
    (void)held;
    (void)context;
    return 0;
}

static void reading_leaves_the_version_as_it_is(void **state)
{
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    durable_fence fence = start(c, "order-1");
    durable_queue queue;
    int64_t before = version(c);

    look(c, "order-1");
    load_all(c, fence.run);
    load_waits(c, fence.run);
    summarize(c, fence.run);
    assert_int_equal(
        methods->look_at_queue(c->store, "orders", "owner", strlen("owner"), &queue), DUR_OK);
    peek(c, fence.run, "approval", NULL);
    assert_int_equal(methods->find_due(c->store, "orders", ignore_due, NULL), DUR_OK);
    assert_int_equal(methods->find_held(c->store, "orders", ignore_held, NULL), DUR_OK);
    assert_true(version(c) == before);
    assert_true(c->subject->is_idle(c->world));
}

/* Where we have joined a foreign transaction, nothing is committed. */
static void the_version_tells_of_every_commit_of_any_store(void **state)
{
    conformance *c = *state;
    const durable_limits limits = {1, 0, 0};
    durable_store *first;
    durable_fence fence;
    int64_t before[6];

    if (c->subject->joins) return;
    before[0] = version(c);
    fence = start(c, "order-1");
    before[1] = version(c);
    assert_true(before[1] != before[0]);
    record(c, &fence, 1);
    before[2] = version(c);
    assert_true(before[2] != before[1]);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    before[3] = version(c);
    assert_true(before[3] != before[2]);
    first = use_other(c);
    start_unclaimed(c, "order-2", 1);
    close_other(c, first);
    before[4] = version(c);
    assert_true(before[4] != before[3]);
    assert_int_equal(suspend(c, &fence, 4000, NULL), DUR_OK);
    before[5] = version(c);
    assert_true(before[5] != before[4]);
    assert_int_equal(c->store->methods->limit_queue(c->store, "orders", &limits), DUR_OK);
    assert_true(version(c) != before[5]);
}

static void a_store_knows_whether_it_would_join(void **state)
{
    conformance *c = *state;

    assert_int_equal(c->store->methods->is_joined(c->store), c->subject->joins);
    start(c, "order-1");
    assert_int_equal(c->store->methods->is_joined(c->store), c->subject->joins);
    assert_true(c->subject->is_idle(c->world));
}

size_t conformance_version_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(reading_leaves_the_version_as_it_is),
        cmocka_unit_test(the_version_tells_of_every_commit_of_any_store),
        cmocka_unit_test(a_store_knows_whether_it_would_join),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
