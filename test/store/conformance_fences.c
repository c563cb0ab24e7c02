/* test/store: the conformance suite, ownership: claims are compared and swapped, fences hold. */
#include "store/conformance_waits.h"

static bool claim(conformance *c, const durable_claim *claim, durable_fence *fence)
{
    bool claimed = true;

    assert_int_equal(c->store->methods->claim_run(c->store, claim, &claimed, fence), DUR_OK);
    return claimed;
}

static void claim_takes_a_run_over(void **state)
{
    conformance *c = *state;
    durable_new_run new_run = plain_run("order-1");
    durable_claim wanted;
    durable_fence fence, taken;
    durable_run_record run, before;

    new_run.input = datum_text("input");
    new_run.behaviour = 2;
    fence = start_run(c, &new_run);
    before = look(c, "order-1");
    wanted = plain_claim(&fence);
    assert_true(claim(c, &wanted, &taken));
    assert_true(taken.run == fence.run && taken.epoch == 2 && taken.token == 22);
    run = look(c, "order-1");
    assert_string_equal(run.owner, "owner-2");
    assert_true(run.epoch == 2 && run.token == 22 && run.lease_end == 5000 && run.claims == 2);

    /* All else is as it was. */
    before.owner = run.owner;
    before.epoch = run.epoch;
    before.token = run.token;
    before.lease_end = run.lease_end;
    before.claims = run.claims;
    assert_same_run(&before, &run);
}

static void claim_stores_the_claims_in_a_row_that_it_is_given(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    static const int64_t claims[] = {2, 10, 1, INT64_C(1) << 40};

    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        durable_claim wanted = plain_claim(&fence);

        wanted.claims = claims[i];
        assert_true(claim(c, &wanted, &fence));
        assert_true(look(c, "order-1").claims == claims[i]);
        assert_true(fence.epoch == (int64_t)i + 2);
    }
}

static void claim_is_refused_where_epoch_or_token_are_not_those_seen(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second = take_over(c, &first), fence;
    const durable_fence unseen[] = {
        first,
        other_fence(second, 1, second.token),
        other_fence(second, 3, second.token),
        other_fence(second, second.epoch, first.token),
        other_fence(second, second.epoch, -second.token),
        other_fence(second, 0, 0),
        other_fence(second, INT64_MAX - 1, second.token), /* the last one can not be followed */
        other_fence(second, INT64_MIN, second.token),
        other_fence(second, second.epoch, INT64_MAX),
        other_fence(second, second.epoch, INT64_MIN),
    };
    durable_run_record before = look(c, "order-1"), after;

    for (size_t i = 0; i < sizeof unseen / sizeof unseen[0]; i++) {
        durable_claim wanted = plain_claim(&unseen[i]);

        wanted.token = 33;
        assert_false(claim(c, &wanted, &fence));
        after = look(c, "order-1");
        assert_same_run(&before, &after);
    }
}

/* Two owners saw the same state; law 3: the same owner tries again what has survived. */
static void of_two_claims_on_the_same_sight_one_wins(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), taken, refused;
    durable_claim wanted = plain_claim(&fence), late = plain_claim(&fence);
    durable_run_record before, after;

    late.owner = "owner-3";
    late.token = 33;
    assert_true(claim(c, &wanted, &taken));
    before = look(c, "order-1");
    assert_false(claim(c, &late, &refused));
    claim(c, &wanted, &refused);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
    record(c, &taken, 1);
}

/* Its owner was not dead, came back, and ended or left it while somebody judged it. */
static void claim_is_refused_where_the_run_is_held_no_more(void **state)
{
    conformance *c = *state;
    durable_fence ended = start(c, "ended"), released = start(c, "released");
    durable_fence suspended = start(c, "suspended"), unwanted;
    const durable_claim wanted[] = {plain_claim(&ended), plain_claim(&released),
                                    plain_claim(&suspended)};
    static const char *const ids[] = {"ended", "released", "suspended"};

    end_as(c, &ended, DURABLE_COMPLETED);
    release(c, &released, 1700);
    assert_int_equal(suspend(c, &suspended, 4000, "approval"), DUR_OK);
    for (size_t i = 0; i < 3; i++) {
        durable_run_record before = look(c, ids[i]), after;

        assert_false(claim(c, &wanted[i], &unwanted));
        after = look(c, ids[i]);
        assert_same_run(&before, &after);
    }
}

static void claim_is_refused_where_the_run_is_held_by_now(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), unwanted;
    durable_claim wanted = plain_claim(&fence);
    durable_run_record before = look(c, "order-1"), after;

    wanted.seen_held = false;
    assert_false(claim(c, &wanted, &unwanted));
    wanted.limited = true; /* nor does a worker get it */
    assert_false(claim(c, &wanted, &unwanted));
    after = look(c, "order-1");
    assert_same_run(&before, &after);
    record(c, &fence, 1);
}

static void claim_of_a_run_that_is_gone_is_refused(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), taken;
    durable_claim wanted = plain_claim(&fence);

    c->subject->delete_run(c->world, "order-1");
    assert_false(claim(c, &wanted, &taken));
    assert_false(exists(c, "order-1"));
}

static void claim_of_a_parked_run_makes_it_running(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), taken;
    durable_ending parked = {.status = DURABLE_PARKED, .failure = "diverged", .now = 1500};
    durable_ending completed = {
        .status = DURABLE_COMPLETED, .output = datum_integer(1), .now = 1600};
    durable_run_record run;

    assert_int_equal(c->store->methods->end_run(c->store, &fence, &parked), DUR_OK);
    taken = take_up(c, &fence);
    run = look(c, "order-1");
    assert_int_equal(run.status, DURABLE_RUNNING);
    assert_string_equal(run.owner, "owner-2");
    assert_null(run.failure);
    record(c, &taken, 1);
    assert_int_equal(c->store->methods->end_run(c->store, &taken, &completed), DUR_OK);
    run = look(c, "order-1");
    assert_int_equal(run.status, DURABLE_COMPLETED);
    assert_true(run.ended == 1600);
    assert_null(run.failure);
}

/* Law 2, for every verb that takes a fence. */
static void assert_fenced_out(conformance *c, durable_fence fence)
{
    const durable_store_methods *methods = c->store->methods;
    durable_ending ending = {.status = DURABLE_COMPLETED, .output = datum_integer(1), .now = 1500};
    durable_outcome outcome = plain_outcome(&fence, 9);

    outcome.lease_end = 77777;
    outcome.clears_pending = true;
    assert_int_equal(verdict_of_gone(c, put(c, &fence, plain_pending(9))), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, suspend(c, &fence, 1, "approval")), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, methods->release_run(c->store, &fence, 1700)), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, methods->renew_lease(c->store, &fence, 66666)), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, methods->end_run(c->store, &fence, &ending)), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, append(c, outcome)), DUR_LOST);
    assert_int_equal(load_waits(c, fence.run).count, 0);
}

static void a_fence_of_another_epoch_or_token_is_lost_and_changes_nothing(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second;
    durable_run_record before, after;

    record(c, &first, 1);
    second = take_over(c, &first);
    before = look(c, "order-1");

    assert_fenced_out(c, first);
    assert_fenced_out(c, other_fence(second, 1, second.token));
    assert_fenced_out(c, other_fence(second, 3, second.token));
    assert_fenced_out(c, other_fence(second, INT64_MAX, second.token));
    assert_fenced_out(c, other_fence(second, INT64_MIN, second.token));
    /* Epochs repeat after a rollback or a restored backup: the token tells owners apart. */
    assert_fenced_out(c, other_fence(second, second.epoch, first.token));
    assert_fenced_out(c, other_fence(second, second.epoch, second.token + 1));
    assert_fenced_out(c, other_fence(second, second.epoch, -second.token));
    assert_fenced_out(c, other_fence(second, second.epoch, INT64_MIN));

    after = look(c, "order-1");
    assert_same_run(&before, &after);
    assert_int_equal(load_all(c, first.run).count, 1);
    record(c, &second, 2);
}

static void a_fence_after_the_claim_was_given_back_and_taken_is_lost(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second;

    assert_int_equal(c->store->methods->release_run(c->store, &first, 1700), DUR_OK);
    second = take_up(c, &first);
    assert_fenced_out(c, first);
    record(c, &second, 1);
}

/* Nobody took it since: the fence was given back all the same. */
static void a_fence_after_the_claim_was_given_back_opens_nothing(void **state)
{
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    durable_fence released = start(c, "released"), ended = start(c, "ended");
    durable_ending ending = {.status = DURABLE_COMPLETED, .output = datum_integer(1), .now = 1500};
    durable_run_record before, after;

    assert_int_equal(methods->release_run(c->store, &released, 1700), DUR_OK);
    assert_int_equal(methods->end_run(c->store, &ended, &ending), DUR_OK);
    before = look(c, "ended");
    assert_int_equal(verdict_of_gone(c, append(c, plain_outcome(&released, 1))), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, append(c, plain_outcome(&ended, 1))), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, methods->renew_lease(c->store, &released, 1)), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, methods->renew_lease(c->store, &ended, 1)), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, put(c, &released, plain_pending(1))), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, put(c, &ended, plain_pending(1))), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, suspend(c, &released, 1, NULL)), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, suspend(c, &ended, 1, NULL)), DUR_LOST);
    assert_int_equal(verdict_of_gone(c, methods->release_run(c->store, &ended, 1)), DUR_LOST);
    ending.status = DURABLE_FAILED;
    assert_int_equal(verdict_of_gone(c, methods->end_run(c->store, &ended, &ending)), DUR_LOST);
    after = look(c, "ended");
    assert_same_run(&before, &after);
    assert_null(look(c, "released").owner);
    assert_int_equal(look(c, "released").status, DURABLE_RUNNING);
    assert_true(look(c, "released").due == 1700);
    assert_int_equal(load_waits(c, released.run).count + load_waits(c, ended.run).count, 0);
    assert_int_equal(load_all(c, released.run).count, 0);
    assert_int_equal(load_all(c, ended.run).count, 0);
}

static void a_fence_of_a_run_that_is_gone_is_lost(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    record(c, &fence, 1);
    c->subject->delete_run(c->world, "order-1");
    assert_fenced_out(c, fence);
    assert_false(exists(c, "order-1"));
    assert_int_equal(load_all(c, fence.run).count, 0);
}

static void a_fence_of_a_run_that_never_was_is_lost(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    static const int64_t runs[] = {0, -1, 1000000};

    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        durable_fence nobody = {runs[i], fence.epoch, fence.token, 0};

        assert_fenced_out(c, nobody);
    }
    assert_int_equal(load_all(c, fence.run).count, 0);
}

/* The store may use its key again; the token is another one. */
static void a_fence_of_a_deleted_run_does_not_open_its_successor(void **state)
{
    conformance *c = *state;
    durable_fence old = start(c, "order-1");
    durable_new_run again = plain_run("order-1");
    durable_run_record before, after;
    durable_fence fence;

    record(c, &old, 1);
    c->subject->delete_run(c->world, "order-1");
    again.token = 99;
    fence = start_run(c, &again);
    before = look(c, "order-1");
    assert_fenced_out(c, old);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
    assert_int_equal(load_all(c, fence.run).count, 0);
}

/* Law 6. */
static void an_error_has_its_code_and_one_line_of_message(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    fence = other_fence(fence, 5, 5);
    assert_int_equal(c->store->methods->renew_lease(c->store, &fence, 1), DUR_LOST);
    assert_int_equal(c->store->error.code, DUR_LOST);
    assert_true(strlen(c->store->error.message) > 0);
    assert_null(strchr(c->store->error.message, '\n'));
    assert_null(strstr(c->store->error.message, "order-1"));
}

static void a_verdict_has_its_code_and_message_too(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second;
    durable_outcome other;

    record(c, &first, 1);
    second = take_over(c, &first);
    assert_int_equal(append(c, plain_outcome(&first, 2)), DUR_LOST);
    assert_int_equal(c->store->error.code, DUR_LOST);
    assert_true(strlen(c->store->error.message) > 0);
    other = plain_outcome(&second, 1);
    other.value = datum_text("other");
    assert_int_equal(append(c, other), DUR_CORRUPT);
    assert_int_equal(c->store->error.code, DUR_CORRUPT);
    assert_true(strlen(c->store->error.message) > 0);
}

size_t conformance_fence_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(claim_takes_a_run_over),
        cmocka_unit_test(claim_stores_the_claims_in_a_row_that_it_is_given),
        cmocka_unit_test(claim_is_refused_where_epoch_or_token_are_not_those_seen),
        cmocka_unit_test(of_two_claims_on_the_same_sight_one_wins),
        cmocka_unit_test(claim_is_refused_where_the_run_is_held_no_more),
        cmocka_unit_test(claim_is_refused_where_the_run_is_held_by_now),
        cmocka_unit_test(claim_of_a_run_that_is_gone_is_refused),
        cmocka_unit_test(claim_of_a_parked_run_makes_it_running),
        cmocka_unit_test(a_fence_of_another_epoch_or_token_is_lost_and_changes_nothing),
        cmocka_unit_test(a_fence_after_the_claim_was_given_back_and_taken_is_lost),
        cmocka_unit_test(a_fence_after_the_claim_was_given_back_opens_nothing),
        cmocka_unit_test(a_fence_of_a_run_that_is_gone_is_lost),
        cmocka_unit_test(a_fence_of_a_run_that_never_was_is_lost),
        cmocka_unit_test(a_fence_of_a_deleted_run_does_not_open_its_successor),
        cmocka_unit_test(an_error_has_its_code_and_one_line_of_message),
        cmocka_unit_test(a_verdict_has_its_code_and_message_too),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
