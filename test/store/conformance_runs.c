/* test/store: the conformance suite, runs: find, create, end, release, renew. */
#include "store/conformance_kit.h"

#include <stdio.h>

static int count_visit(const durable_run_record *record, void *context)
{
    (void)record;
    ++*(int *)context;
    return 0;
}

static int answer_visit(const durable_run_record *record, void *context)
{
    (void)record;
    return *(const int *)context;
}

static void find_of_an_unknown_run_is_not_found_and_visits_nobody(void **state)
{
    conformance *c = *state;
    int visits = 0;

    start(c, "order-1");
    assert_int_equal(c->store->methods->find_run(c->store, "order-2", count_visit, &visits),
                     DUR_NOT_FOUND);
    assert_int_equal(visits, 0);
}

static int tell_visit(const durable_run_record *record, void *context)
{
    durable_store *store = context;

    return durable_error_set(&store->error, DUR_CONFLICT, "run %s is another's", record->id);
}

/* The visitor knows more than the store: its error is not masked. */
static void the_error_of_the_visitor_is_the_error_of_find(void **state)
{
    conformance *c = *state;

    start(c, "order-1");
    assert_int_equal(c->store->methods->find_run(c->store, "order-1", tell_visit, c->store),
                     DUR_CONFLICT);
    assert_int_equal(c->store->error.code, DUR_CONFLICT);
    assert_string_equal(c->store->error.message, "run order-1 is another's");
}

static void what_the_visitor_returns_is_the_result_of_find(void **state)
{
    conformance *c = *state;
    int answers[] = {DUR_CONFLICT, DUR_REPLAYED, DUR_FAILED, DUR_OK};

    start(c, "order-1");
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        assert_int_equal(
            c->store->methods->find_run(c->store, "order-1", answer_visit, &answers[i]),
            answers[i]);
        assert_true(c->subject->is_idle(c->world));
    }
    assert_true(exists(c, "order-1"));
}

static void a_created_run_is_found_as_it_was_created(void **state)
{
    conformance *c = *state;
    durable_new_run new_run = plain_run("order-1");
    durable_run_record run;

    new_run.code_version = "v1.2";
    new_run.behaviour = 3;
    new_run.input = datum_text("input");
    start_run(c, &new_run);
    run = look(c, "order-1");
    assert_string_equal(run.id, "order-1");
    assert_string_equal(run.uid, "0123456789abcdef");
    assert_string_equal(run.workflow, "order");
    assert_string_equal(run.owner, "owner-1");
    assert_int_equal(run.status, DURABLE_RUNNING);
    assert_int_equal(run.behaviour, 3);
    assert_true(run.epoch == 1 && run.token == RUN_TOKEN);
    assert_true(run.lease_end == RUN_LEASE && run.claims == 1);
    assert_true(run.created == RUN_NOW && run.ended == 0);
    assert_datum(&run.input, &new_run.input);
    assert_int_equal(run.output.type, DURABLE_DATUM_NULL);
    assert_null(run.failure);
}

static void create_fills_the_fence_of_epoch_1(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_true(fence.run == look(c, "order-1").run);
    assert_true(fence.epoch == 1 && fence.token == RUN_TOKEN);
}

static void create_of_a_taken_id_creates_nothing_and_is_no_error(void **state)
{
    conformance *c = *state;
    durable_new_run again = plain_run("order-1");
    durable_run_record before, after;
    durable_fence fence;
    bool created = true;

    start(c, "order-1");
    before = look(c, "order-1");
    again.uid = "fedcba9876543210";
    again.workflow = "refund";
    again.owner = "owner-2";
    again.token = 22;
    again.input = datum_integer(1);
    assert_int_equal(c->store->methods->create_run(c->store, &again, &created, &fence), DUR_OK);
    assert_false(created);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
}

/* Law 3: tried again after a commit that failed and survived. */
static void create_done_twice_has_the_effect_of_once(void **state)
{
    conformance *c = *state;
    durable_new_run new_run = plain_run("order-1");
    durable_run_record before, after;
    durable_fence fence;
    bool created;

    start_run(c, &new_run);
    before = look(c, "order-1");
    assert_int_equal(c->store->methods->create_run(c->store, &new_run, &created, &fence), DUR_OK);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
}

static void ids_are_told_apart_byte_by_byte(void **state)
{
    conformance *c = *state;
    static const char *const ids[] = {"a",   "A",  "a ",  " a",   "1",       "01",
                                      "1.0", "1e0", "0x1", "%",    "_",       "'",
                                      "\"",  ";",   "null", "\xc3\xa9", "e\xcc\x81"};
    durable_fence fences[sizeof ids / sizeof ids[0]];

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) fences[i] = start(c, ids[i]);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        durable_run_record run = look(c, ids[i]);

        assert_string_equal(run.id, ids[i]);
        assert_true(run.run == fences[i].run);
        for (size_t j = 0; j < i; j++) assert_true(fences[i].run != fences[j].run);
    }
}

static void names_of_255_bytes_come_back_whole(void **state)
{
    conformance *c = *state;
    durable_new_run new_run;
    durable_run_record run;
    char id[DUR_NAME_MAX + 1], workflow[DUR_NAME_MAX + 1];

    for (size_t i = 0; i < DUR_NAME_MAX; i++) {
        id[i] = "\xe2\x82\xac"[i % 3];
        workflow[i] = (char)('a' + i % 26);
    }
    id[DUR_NAME_MAX] = workflow[DUR_NAME_MAX] = '\0';
    new_run = plain_run(id);
    new_run.workflow = workflow;
    start_run(c, &new_run);
    run = look(c, id);
    assert_string_equal(run.id, id);
    assert_string_equal(run.workflow, workflow);
}

static void every_datum_passes_as_input_and_output(void **state)
{
    conformance *c = *state;
    durable_datum specimens[64];
    size_t count = datum_specimens(specimens, 64);

    for (size_t i = 0; i < count; i++) {
        durable_new_run new_run;
        durable_ending ending = {
            .status = DURABLE_COMPLETED, .output = specimens[count - 1 - i], .now = 1500};
        durable_fence fence;
        durable_run_record run;
        char id[32];

        snprintf(id, sizeof id, "order-%zu", i);
        new_run = plain_run(id);
        new_run.input = specimens[i];
        fence = start_run(c, &new_run);
        assert_int_equal(c->store->methods->end_run(c->store, &fence, &ending), DUR_OK);
        run = look(c, id);
        assert_datum(&run.input, &specimens[i]);
        assert_datum(&run.output, &specimens[count - 1 - i]);
    }
}

static void numbers_of_any_size_pass_through_create_and_claim(void **state)
{
    conformance *c = *state;
    static const int64_t numbers[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(-2147483649)};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        durable_new_run new_run;
        durable_claim claim;
        durable_fence fence, taken;
        durable_run_record run;
        bool claimed = false;
        char id[32];

        snprintf(id, sizeof id, "order-%zu", i);
        new_run = plain_run(id);
        new_run.token = numbers[i];
        new_run.lease_end = numbers[i];
        new_run.now = numbers[i];
        fence = start_run(c, &new_run);
        run = look(c, id);
        assert_true(run.token == numbers[i] && fence.token == numbers[i]);
        assert_true(run.lease_end == numbers[i] && run.created == numbers[i]);
        record(c, &fence, 1);
        claim = plain_claim(&fence);
        claim.token = ~numbers[i];
        claim.lease_end = ~numbers[i];
        assert_int_equal(c->store->methods->claim_run(c->store, &claim, &claimed, &taken), DUR_OK);
        assert_true(claimed && taken.token == ~numbers[i]);
        assert_true(look(c, id).lease_end == ~numbers[i]);
        record(c, &taken, 2);
        assert_int_equal(append(c, plain_outcome(&fence, 3)), DUR_LOST);
    }
}

static void release_gives_back_the_claim_and_leaves_the_run(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_run_record run;

    record(c, &fence, 1);
    assert_int_equal(c->store->methods->release_run(c->store, &fence, 1700), DUR_OK);
    run = look(c, "order-1");
    assert_null(run.owner);
    assert_int_equal(run.status, DURABLE_RUNNING);
    assert_true(run.created == RUN_NOW && run.ended == 0 && run.claims == 1 && run.epoch == 1);
    assert_int_equal(load_all(c, fence.run).count, 1);
    take_up(c, &(durable_fence){fence.run, run.epoch, run.token, 0});
    assert_string_equal(look(c, "order-1").owner, "owner-2");
}

static void assert_ends(conformance *c, const char *id, const durable_ending *ending)
{
    durable_fence fence = start(c, id);
    durable_run_record run;

    assert_int_equal(c->store->methods->end_run(c->store, &fence, ending), DUR_OK);
    run = look(c, id);
    assert_int_equal(run.status, ending->status);
    assert_null(run.owner);
    assert_datum(&run.output, &ending->output);
    if (ending->failure)
        assert_string_equal(run.failure, ending->failure);
    else
        assert_null(run.failure);
    assert_true(run.epoch == 1 && run.claims == 1 && run.created == RUN_NOW);
    assert_true(run.ended == (ending->status == DURABLE_PARKED ? 0 : ending->now));
}

static void end_writes_status_output_failure_and_gives_back_the_claim(void **state)
{
    conformance *c = *state;
    const durable_ending endings[] = {
        {.status = DURABLE_COMPLETED, .output = datum_text("output"), .now = 1500},
        {.status = DURABLE_COMPLETED, .output = datum_null(), .now = 1500},
        {.status = DURABLE_FAILED, .output = datum_null(), .failure = "card declined", .now = 1500},
        {.status = DURABLE_FAILED, .output = datum_null(), .failure = "", .now = 1500},
        {.status = DURABLE_PARKED,
         .failure = "diverged at 3\nin two lines: \xe2\x82\xac",
         .now = 1500},
        {.status = DURABLE_CANCELLED, .failure = "cancelled", .now = 1500},
        {.status = DURABLE_TIMED_OUT, .failure = "too late", .now = 1500},
    };

    assert_ends(c, "a", &endings[0]);
    assert_ends(c, "b", &endings[1]);
    assert_ends(c, "c", &endings[2]);
    assert_ends(c, "d", &endings[3]);
    assert_ends(c, "e", &endings[4]);
    assert_ends(c, "f", &endings[5]);
    assert_ends(c, "g", &endings[6]);
}

/* Law 3: tried again after a commit that failed and survived. */
static void end_done_twice_has_the_effect_of_once(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_ending ending = {.status = DURABLE_COMPLETED, .output = datum_integer(42), .now = 1500};
    durable_run_record before, after;

    assert_int_equal(c->store->methods->end_run(c->store, &fence, &ending), DUR_OK);
    before = look(c, "order-1");
    assert_int_equal(c->store->methods->end_run(c->store, &fence, &ending), DUR_OK);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
}

static void release_done_twice_has_the_effect_of_once(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_run_record before, after;

    assert_int_equal(c->store->methods->release_run(c->store, &fence, 1700), DUR_OK);
    before = look(c, "order-1");
    assert_int_equal(c->store->methods->release_run(c->store, &fence, 1700), DUR_OK);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
}

static void renew_moves_the_lease_and_nothing_else(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_run_record before = look(c, "order-1"), after;
    static const int64_t leases[] = {RUN_LEASE + 1, RUN_LEASE - 1, INT64_MAX, 0, INT64_MIN};

    for (size_t i = 0; i < sizeof leases / sizeof leases[0]; i++) {
        assert_int_equal(c->store->methods->renew_lease(c->store, &fence, leases[i]), DUR_OK);
        after = look(c, "order-1");
        assert_true(after.lease_end == leases[i]);
        after.lease_end = before.lease_end;
        assert_same_run(&before, &after);
    }
}

/* Law 1: what was acknowledged is there for the next store on the same log. */
static void everything_is_there_after_the_store_was_opened_again(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_run_record before, after;

    record(c, &fence, 1);
    record(c, &fence, 2);
    before = look(c, "order-1");
    reopen(c);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
    assert_int_equal(load_all(c, fence.run).count, 2);
    record(c, &fence, 3);
    assert_true(summarize(c, fence.run).last == 3);
}

static void runs_do_not_see_one_another(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second = start(c, "order-2");
    durable_ending ending = {.status = DURABLE_COMPLETED, .output = datum_integer(1), .now = 1500};
    durable_run_record before = look(c, "order-2"), after;

    record(c, &first, 1);
    assert_int_equal(c->store->methods->renew_lease(c->store, &first, 9999), DUR_OK);
    assert_int_equal(c->store->methods->end_run(c->store, &first, &ending), DUR_OK);
    after = look(c, "order-2");
    assert_same_run(&before, &after);
    assert_int_equal(load_all(c, second.run).count, 0);
}

size_t conformance_run_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(find_of_an_unknown_run_is_not_found_and_visits_nobody),
        cmocka_unit_test(the_error_of_the_visitor_is_the_error_of_find),
        cmocka_unit_test(what_the_visitor_returns_is_the_result_of_find),
        cmocka_unit_test(a_created_run_is_found_as_it_was_created),
        cmocka_unit_test(create_fills_the_fence_of_epoch_1),
        cmocka_unit_test(create_of_a_taken_id_creates_nothing_and_is_no_error),
        cmocka_unit_test(create_done_twice_has_the_effect_of_once),
        cmocka_unit_test(ids_are_told_apart_byte_by_byte),
        cmocka_unit_test(names_of_255_bytes_come_back_whole),
        cmocka_unit_test(every_datum_passes_as_input_and_output),
        cmocka_unit_test(numbers_of_any_size_pass_through_create_and_claim),
        cmocka_unit_test(release_gives_back_the_claim_and_leaves_the_run),
        cmocka_unit_test(end_writes_status_output_failure_and_gives_back_the_claim),
        cmocka_unit_test(end_done_twice_has_the_effect_of_once),
        cmocka_unit_test(release_done_twice_has_the_effect_of_once),
        cmocka_unit_test(renew_moves_the_lease_and_nothing_else),
        cmocka_unit_test(everything_is_there_after_the_store_was_opened_again),
        cmocka_unit_test(runs_do_not_see_one_another),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
