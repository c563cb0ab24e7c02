/* test/store: the in-memory store keeps the contract, and fails and dies as it is told. */
#include "store/conformance_kit.h"
#include "support/internal/memory_store.h"

/* ---- The conformance suite; the world is a second handle on the log ---- */

static durable_store *open_memory(const conformance_subject *subject, void **world)
{
    durable_store *store = memory_store_new();

    (void)subject;
    *world = memory_store_share(store);
    return store;
}

static durable_store *reopen_memory(void *world)
{
    return memory_store_share(world);
}

static void delete_run(void *world, const char *id)
{
    memory_store_delete_run(world, id);
}

static void damage_step(void *world, const char *id, int64_t position)
{
    memory_store_damage_step(world, id, position);
}

static bool is_idle(void *world)
{
    return world != NULL;
}

static void close_memory(void *world)
{
    durable_store *store = world;

    store->methods->close(store);
}

static const conformance_subject memory_subject = {.name = "store.memory",
                                                   .open = open_memory,
                                                   .reopen = reopen_memory,
                                                   .delete_run = delete_run,
                                                   .damage_step = damage_step,
                                                   .is_idle = is_idle,
                                                   .close = close_memory};

/* ---- What only this store can do ---- */

static void every_verb_is_told_in_one_line(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second;
    durable_outcome outcomes[2] = {plain_outcome(&first, 1), plain_outcome(&first, 2)};
    durable_ending ending = {DURABLE_COMPLETED, datum_null(), NULL, false, 1500};

    exists(c, "order-2");
    outcomes[1].outcome = DURABLE_OUTCOME_FAILURE;
    outcomes[1].low = 1;
    outcomes[1].lease_end = 3000;
    c->store->methods->append_outcomes(c->store, outcomes, 2);
    record(c, &first, 1);
    second = take_over(c, &first);
    append(c, plain_outcome(&first, 3));
    c->store->methods->renew_lease(c->store, &second, 7000);
    summarize(c, second.run);
    load(c, second.run, 1, 9, 100, false);
    c->store->methods->end_run(c->store, &second, &ending);
    exists(c, "order-1");
    assert_string_equal(memory_store_narrative(c->store),
                        "create order-1 epoch 1\n"
                        "find order-2: none\n"
                        "append order-1 #1 \"step\" result low 1: recorded\n"
                        "  with order-1 #2 \"step\" failure low 1 lease 3000: recorded\n"
                        "append order-1 #1 \"step\" result low 1: already there\n"
                        "claim order-1 after epoch 1 claims 2\n"
                        "append order-1 #3 \"step\" result low 3: DUR_LOST\n"
                        "renew order-1 until 7000\n"
                        "summarize order-1: last 2 epoch 1 low 1\n"
                        "load order-1 1..9: 2 rows\n"
                        "end order-1 completed\n"
                        "find order-1: completed epoch 2\n");
    memory_store_forget(c->store);
    assert_string_equal(memory_store_narrative(c->store), "");
}

static void a_fault_before_prevents_and_a_fault_after_survives(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_outcome outcome = plain_outcome(&fence, 1);
    durable_store *store = c->store;

    memory_store_fail(store, "append", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(store->methods->append_outcomes(store, &outcome, 1), DUR_BUSY);
    assert_int_equal(store->error.code, DUR_BUSY);
    assert_int_equal(load_all(c, fence.run).count, 0);
    memory_store_fail(store, NULL, 2, DUR_IOERR, MEMORY_AFTER);
    assert_int_equal(store->methods->renew_lease(store, &fence, 1), DUR_OK);
    assert_int_equal(store->methods->append_outcomes(store, &outcome, 1), DUR_IOERR);
    assert_int_equal(load_all(c, fence.run).count, 1);
    assert_int_equal(append(c, outcome), DUR_OK);
    memory_store_fail(store, "append", 1, DUR_ROLLED_BACK, MEMORY_BEFORE);
    assert_int_equal(append(c, plain_outcome(&fence, 2)), DUR_ROLLED_BACK);
    assert_int_equal(load_all(c, fence.run).count, 1);
}

static void the_dead_do_nothing_more_and_others_go_on(void **state)
{
    conformance *c = *state;
    durable_store *store = c->store, *other = c->world;
    durable_fence fence = start(c, "order-1");
    durable_outcome outcome = plain_outcome(&fence, 1);

    memory_store_die(store, 1);
    assert_int_equal(store->methods->append_outcomes(store, &outcome, 1), DUR_IOERR);
    assert_true(memory_store_is_dead(store));
    memory_store_forget(store);
    assert_int_equal(store->methods->release_run(store, &fence, 1700), DUR_IOERR);
    assert_string_equal(memory_store_narrative(store), "");
    c->store = other; /* the effect of the last verb is there, of none after it */
    c->world = store;
    assert_int_equal(load_all(c, fence.run).count, 1);
    assert_string_equal(look(c, "order-1").owner, "owner-1");
}

int main(void)
{
    struct CMUnitTest own[] = {
        cmocka_unit_test_setup_teardown(every_verb_is_told_in_one_line, conformance_setup,
                                        conformance_teardown),
        cmocka_unit_test_setup_teardown(a_fault_before_prevents_and_a_fault_after_survives,
                                        conformance_setup, conformance_teardown),
        cmocka_unit_test_setup_teardown(the_dead_do_nothing_more_and_others_go_on,
                                        conformance_setup, conformance_teardown),
    };
    int failed = conformance_run(&memory_subject);

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        own[i].initial_state = (void *)(uintptr_t)&memory_subject;
    return failed + cmocka_run_group_tests_name("store.memory.own", own, NULL, NULL);
}
