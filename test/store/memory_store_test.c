/* test/store: the in-memory store keeps the contract, and fails and dies as it is told. */
#include "store/conformance_children.h"
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

static void damage_pending(void *world, const char *id, int64_t position)
{
    memory_store_damage_pending(world, id, position);
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
                                                   .damage_pending = damage_pending,
                                                   .is_idle = is_idle,
                                                   .close = close_memory};

/* ---- What only this store can do ---- */

static void every_verb_is_told_in_one_line(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second;
    durable_outcome outcomes[2] = {plain_outcome(&first, 1), plain_outcome(&first, 2)};
    durable_ending ending = {.status = DURABLE_COMPLETED, .output = datum_null(), .now = 1500};

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

static void what_waits_is_told(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    const char *const awaits[] = {"approval", "\t4"};
    durable_pending pending = plain_pending(2);
    durable_suspension suspension = {&pending, 5000, awaits, 2, 1500, false};
    durable_callback callback = {fence.run, 4, "0123456789abcdef"};
    durable_signal signal = plain_signal("approval", 1, 1400);
    durable_outcome outcome = plain_outcome(&fence, 3);

    memory_store_forget(c->store);
    assert_int_equal(c->store->methods->put_pending(c->store, &fence, &pending, 7000), DUR_OK);
    put(c, &fence, plain_callback(4));
    load_waits(c, fence.run);
    send(c, "order-1", signal);
    signal.key = "mail-7";
    signal.failure = "no";
    send(c, "order-1", signal);
    send(c, "order-1", signal);
    peek(c, fence.run, "approval", NULL);
    peek(c, fence.run, "\t4", NULL);
    c->store->methods->beat_callback(c->store, &callback, 1600);
    c->store->methods->answer_callback(c->store, &callback, &signal);
    c->store->methods->answer_callback(c->store, &callback, &signal);
    outcome.takes_signal = 1;
    outcome.clears_pending = true;
    append(c, outcome);
    outcome.position = 5;
    outcome.outcome = DURABLE_OUTCOME_TIMED_OUT;
    outcome.clears_pending = false;
    c->store->methods->append_outcomes(c->store, &outcome, 1);
    c->store->methods->suspend_run(c->store, &fence, &suspension);
    suspend(c, &fence, DURABLE_NEVER, NULL);
    assert_string_equal(memory_store_narrative(c->store),
                        "put order-1 #2 \"charge\" attempt 1 due 2000 lease 7000\n"
                        "put order-1 #4 \"approval\" attempt 0 due 2000\n"
                        "pending order-1: 2 rows\n"
                        "signal order-1 \"approval\"\n"
                        "signal order-1 \"approval\" key mail-7 failure\n"
                        "signal order-1 \"approval\" key mail-7 failure: DUR_REPLAYED\n"
                        "peek order-1 \"approval\": 1\n"
                        "peek order-1 #4: none\n"
                        "beat order-1 #4\n"
                        "answer order-1 #4 failure\n"
                        "answer order-1 #4 failure: DUR_ENDED\n"
                        "append order-1 #3 \"step\" result low 3 takes 1 clears: recorded\n"
                        "append order-1 #5 \"step\" timed out low 3 takes 1: DUR_CORRUPT\n"
                        "suspend order-1 until 5000 for \"approval\", #4"
                        " put #2 \"charge\" attempt 1 due 2000: due now\n"
                        "suspend order-1 until never\n");
}

static void work_is_told(void **state)
{
    conformance *c = *state;
    const durable_limits limits = {1, 0, 1000};
    durable_claim claim;
    durable_fence fence;
    durable_queue queue;

    start_unclaimed(c, "order-1", 3000);
    claim = claim_on(c, "order-1");
    memory_store_forget(c->store);
    c->store->methods->limit_queue(c->store, "orders", &limits);
    c->store->methods->look_at_queue(c->store, "orders", "owner", 5, &queue);
    c->store->methods->find_due(c->store, "orders", ignore_due, NULL);
    c->store->methods->find_held(c->store, "orders", ignore_held, NULL);
    claim.limited = true;
    assert_true(try_claim(c, &claim, &fence));
    assert_false(try_claim(c, &claim, &fence));
    c->store->methods->find_due(c->store, "orders", ignore_due, NULL);
    c->store->methods->find_held(c->store, "orders", ignore_held, NULL);
    assert_string_equal(memory_store_narrative(c->store),
                        "limit orders to 1, 0 a process, every 1000 us\n"
                        "queue orders\n"
                        "due orders: order-1 at 3000\n"
                        "held orders: none\n"
                        "claim order-1 after epoch 0 claims 2 limited\n"
                        "claim order-1 after epoch 0 claims 2 limited: refused\n"
                        "due orders: none\n"
                        "held orders: order-1 until 5000\n");
}

static void children_requests_and_doubts_are_told(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), child;
    durable_child_spec spec = {"order-1/3", &fence, 3, fence.run, 1, 0};
    durable_pending doubt = plain_pending(1);
    durable_resolution answer = {.position = 1, .intent = DURABLE_RESOLVED_RESULT, .now = 2100};
    durable_ending ending = {
        .status = DURABLE_COMPLETED, .tells_parent = true, .cancels_children = 1, .now = 1900};
    int64_t due;

    memory_store_forget(c->store);
    child = create_child(c, &spec);
    doubt.intent = DURABLE_INTENT;
    put(c, &child, doubt);
    end_as(c, &child, DURABLE_PARKED);
    summarize(c, fence.run);
    c->store->methods->resolve_step(c->store, "order-1/3", &answer);
    child = claim_run_of(c, "order-1/3");
    suspend(c, &child, 4000, NULL);
    suspend(c, &fence, DURABLE_NEVER, NULL);
    c->store->methods->earliest_due(c->store, fence.run, &due);
    c->store->methods->cancel_run(c->store, "order-1", 1600);
    c->store->methods->cancel_run(c->store, "order-1", 1600);
    spec = (durable_child_spec){"mail-1", &fence, 4, 0, 1, 0};
    fence = claim_run_of(c, "order-1");
    create_child(c, &spec);
    c->store->methods->end_run(c->store, &fence, &ending);
    assert_string_equal(memory_store_narrative(c->store),
                        "create order-1/3 epoch 1 called by order-1 #3\n"
                        "put order-1/3 #1 \"charge\" attempt 1 due 2000 intent\n"
                        "end order-1/3 parked\n"
                        "summarize order-1: last 0 epoch 0 low 0 calls\n"
                        "resolve order-1/3 #1 result\n"
                        "find order-1/3: running epoch 1\n"
                        "claim order-1/3 after epoch 1 claims 2\n"
                        "suspend order-1/3 until 4000\n"
                        "suspend order-1 until never: due for a child\n"
                        "earliest order-1: 4000\n"
                        "cancel order-1\n"
                        "cancel order-1: DUR_REPLAYED\n"
                        "find order-1: suspended epoch 1\n"
                        "claim order-1 after epoch 1 claims 2\n"
                        "create mail-1 epoch 0 due 3000 started by order-1 #4\n"
                        "end order-1 completed tells cancels\n");
}

static void append_in_transaction(conformance *c, durable_fence *fence, int64_t position,
                                  int64_t shared)
{
    durable_outcome outcome = plain_outcome(fence, position);

    outcome.in_transaction = true;
    assert_int_equal(c->store->methods->begin_transaction(c->store, shared, false), DUR_OK);
    assert_int_equal(append(c, outcome), DUR_OK);
}

static void transactions_are_told(void **state)
{
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    durable_fence fence = start(c, "order-1");

    memory_store_forget(c->store);
    append_in_transaction(c, &fence, 1, 1);
    methods->end_transaction(c->store, true);
    append_in_transaction(c, &fence, 2, 3);
    methods->renew_lease(c->store, &fence, 9000);
    methods->end_transaction(c->store, true);
    methods->renew_lease(c->store, &fence, 9000);
    append_in_transaction(c, &fence, 3, 1);
    methods->end_transaction(c->store, false);
    methods->commit_shared(c->store);
    assert_string_equal(memory_store_narrative(c->store),
                        "begin transaction\n"
                        "append order-1 #1 \"step\" result low 1: recorded\n"
                        "keep transaction\n"
                        "begin transaction\n"
                        "append order-1 #2 \"step\" result low 2: recorded\n"
                        "renew order-1 until 9000: DUR_MISUSE\n"
                        "keep transaction: commit to come\n"
                        "commit\n"
                        "renew order-1 until 9000\n"
                        "begin transaction\n"
                        "append order-1 #3 \"step\" result low 3: recorded\n"
                        "undo transaction\n");
}

/* Others see nothing of it before the commit, and nothing at all if that does not come. */
static void a_shared_commit_shows_and_dies_as_one(void **state)
{
    conformance *c = *state;
    durable_store *first = c->store;
    durable_fence fence = start(c, "order-1");

    append_in_transaction(c, &fence, 1, 2);
    assert_int_equal(first->methods->end_transaction(first, true), DUR_OK);
    assert_int_equal(load_all(c, fence.run).count, 1);
    c->store = c->world;
    assert_int_equal(load_all(c, fence.run).count, 0);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_BUSY);
    c->store = first;
    append_in_transaction(c, &fence, 2, 2);
    assert_int_equal(first->methods->end_transaction(first, true), DUR_OK);
    c->store = c->world;
    assert_int_equal(load_all(c, fence.run).count, 2);
    c->store = first;
    append_in_transaction(c, &fence, 3, 5);
    assert_int_equal(first->methods->end_transaction(first, true), DUR_OK);
    memory_store_die(first, 0);
    c->store = c->world;
    assert_int_equal(load_all(c, fence.run).count, 2);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    c->store = first;
}

/* A commit that fails takes all of it back, and is noticed by the next write. */
static void a_shared_commit_that_fails_is_rolled_back(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), before = fence;

    append_in_transaction(c, &fence, 1, 5);
    assert_int_equal(c->store->methods->end_transaction(c->store, true), DUR_OK);
    append_in_transaction(c, &fence, 2, 5);
    assert_int_equal(c->store->methods->end_transaction(c->store, true), DUR_OK);
    memory_store_fail(c->store, "commit", 1, DUR_FULL, MEMORY_BEFORE);
    assert_int_equal(c->store->methods->renew_lease(c->store, &fence, 9000), DUR_FULL);
    assert_int_equal(load_all(c, fence.run).count, 0);
    assert_int_equal(append(c, plain_outcome(&fence, 3)), DUR_ROLLED_BACK);
    assert_int_equal(c->store->methods->confirm(c->store, &fence), DUR_ROLLED_BACK);
    record(c, &before, 1);
}

static void a_transaction_that_its_body_ended_is_rolled_back(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), before = fence;
    durable_outcome outcome = plain_outcome(&fence, 1);

    outcome.in_transaction = true;
    for (int keep = 0; keep < 2; keep++) {
        assert_int_equal(c->store->methods->begin_transaction(c->store, 1, false), DUR_OK);
        memory_store_host_rolls_back(c->store);
        assert_int_equal(append(c, outcome), DUR_ROLLED_BACK);
        assert_int_equal(c->store->methods->end_transaction(c->store, keep), DUR_ROLLED_BACK);
        assert_int_equal(load_all(c, fence.run).count, 0);
    }
    record(c, &before, 1);
}

/* Every verb has its name; before: nothing has happened; after: everything has. */
static void faults_reach_the_verbs_of_waiting(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_store *store = c->store;

    memory_store_fail(store, "put", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(put(c, &fence, plain_callback(1)), DUR_BUSY);
    assert_int_equal(memory_store_pending(store, "order-1"), 0);
    memory_store_fail(store, "put", 1, DUR_IOERR, MEMORY_AFTER);
    assert_int_equal(put(c, &fence, plain_callback(1)), DUR_IOERR);
    assert_int_equal(memory_store_pending(store, "order-1"), 1);
    memory_store_fail(store, "signal", 2, DUR_FULL, MEMORY_BEFORE);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 2, 1400)), DUR_FULL);
    assert_int_equal(memory_store_signals(store, "order-1"), 1);
    memory_store_fail(store, "suspend", 1, DUR_IOERR, MEMORY_BEFORE);
    assert_int_equal(suspend(c, &fence, 4000, NULL), DUR_IOERR);
    assert_string_equal(look(c, "order-1").owner, "owner-1");
    memory_store_fail(store, "suspend", 1, DUR_IOERR, MEMORY_AFTER);
    assert_int_equal(suspend(c, &fence, 4000, NULL), DUR_IOERR);
    assert_true(memory_store_due(store, "order-1") == 4000);
    assert_int_equal(suspend(c, &fence, 4000, NULL), DUR_OK);
}

static void others_send_and_answer_whatever_befalls_this_handle(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_signal_record record;

    put(c, &fence, plain_callback(4));
    suspend(c, &fence, DURABLE_NEVER, "approval");
    memory_store_forget(c->store);
    memory_store_fail(c->store, NULL, 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(
        memory_store_signal(c->store, "order-1", "approval", dur_text("yes"), 1600), DUR_OK);
    assert_int_equal(memory_store_answer(c->store, "order-1", 4, dur_integer(42), 1700), DUR_OK);
    assert_int_equal(memory_store_answer(c->store, "order-1", 4, dur_integer(43), 1700), DUR_ENDED);
    assert_true(memory_store_due(c->store, "order-1") == 1600);
    assert_int_equal(memory_store_signals(c->store, "order-1"), 2);
    assert_string_equal(memory_store_narrative(c->store), "somebody signals order-1 \"approval\"\n"
                                                          "somebody answers order-1 #4\n"
                                                          "somebody answers order-1 #4\n");
    memory_store_fail(c->store, NULL, 0, DUR_OK, MEMORY_BEFORE);
    assert_true(peek(c, fence.run, "approval", &record));
    assert_int_equal(record.value.length, 3);
    assert_true(peek(c, fence.run, "\t4", &record));
    assert_true(record.value.integer == 42);
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
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_IOERR);
    assert_int_equal(put(c, &fence, plain_pending(2)), DUR_IOERR);
    assert_int_equal(memory_store_pending(store, "order-1"), 0);
    assert_int_equal(memory_store_signals(store, "order-1"), 0);
    memory_store_forget(store);
    assert_int_equal(store->methods->release_run(store, &fence, 1700), DUR_IOERR);
    assert_string_equal(memory_store_narrative(store), "");
    c->store = other; /* the effect of the last verb is there, of none after it */
    c->world = store;
    assert_int_equal(load_all(c, fence.run).count, 1);
    assert_string_equal(look(c, "order-1").owner, "owner-1");
}

#define OWN_TEST(test)                                                                             \
    cmocka_unit_test_setup_teardown(test, conformance_setup, conformance_teardown)

int main(void)
{
    struct CMUnitTest own[] = {
        OWN_TEST(every_verb_is_told_in_one_line),
        OWN_TEST(what_waits_is_told),
        OWN_TEST(work_is_told),
        OWN_TEST(children_requests_and_doubts_are_told),
        OWN_TEST(transactions_are_told),
        OWN_TEST(a_shared_commit_shows_and_dies_as_one),
        OWN_TEST(a_shared_commit_that_fails_is_rolled_back),
        OWN_TEST(a_transaction_that_its_body_ended_is_rolled_back),
        OWN_TEST(faults_reach_the_verbs_of_waiting),
        OWN_TEST(others_send_and_answer_whatever_befalls_this_handle),
        OWN_TEST(a_fault_before_prevents_and_a_fault_after_survives),
        OWN_TEST(the_dead_do_nothing_more_and_others_go_on),
    };
    int failed = conformance_run(&memory_subject);

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        own[i].initial_state = (void *)(uintptr_t)&memory_subject;
    return failed + cmocka_run_group_tests_name("store.memory.own", own, NULL, NULL);
}
