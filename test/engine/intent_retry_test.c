/* test/engine: steps in doubt whose attempt has failed by their policy, or who fail for good; and
 * each policy when owners die and stores fail. */
#include "intents.h"

/* ---- Retried, failed ---- */

/* The doubtful attempt counts: it has failed. */
static void a_doubtful_attempt_is_retried_by_the_policy(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.in_doubt = DUR_IN_DOUBT_RETRY;
    user.retries = true;
    let_it_die(world, &user);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute(world, pay, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 2000, pay, &user), DUR_OK);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 0 rows\n"
                        "pending run-1: 1 rows\n"
                        "suspend run-1 until 2000 put #1 \"charge\" attempt 1 due 2000\n"
                        "find run-1: suspended epoch 2\n"
                        "claim run-1 after epoch 2 claims 1\n"
                        "load run-1 1..134217727: 0 rows\n"
                        "pending run-1: 1 rows\n"
                        "put run-1 #1 \"charge\" attempt 1 due 0 intent\n"
                        "append run-1 #1 \"charge\" result low 1 clears: recorded\n"
                        "end run-1 completed\n");
    assert_true(user.attempts[1] == 2);
    assert_string_equal(user.last_failure,
                        "in doubt: the process ended before its outcome was recorded");
}

static void the_pause_behind_a_doubt_may_be_slept_through(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.in_doubt = DUR_IN_DOUBT_RETRY;
    user.retries = true;
    world->options.sleep_max_ms = 60000;
    for (int verbs = 0; verbs < 2; verbs++) {
        user.by_verbs = verbs;
        user.run_id = verbs ? "run-2" : "run-1";
        let_it_die(world, &user);
        assert_int_equal(execute_payment(world, &user), DUR_OK);
        assert_int_equal(user.calls, 2 + 2 * verbs);
        assert_true(user.attempts[user.calls - 1] == 2);
        assert_string_equal(user.receipt, "receipt 2");
    }
}

static void doubts_count_like_other_failures(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.in_doubt = DUR_IN_DOUBT_RETRY;
    user.retries = true;
    user.catches = true;
    user.policy.max_attempts = 2;
    let_it_die(world, &user);
    assert_int_equal(waits_execute(world, pay, &user), DUR_SUSPENDED);
    world->clock.now_ms = 2000;
    let_it_die(world, &user);
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_string_equal(user.caught, "in doubt: the process ended before its outcome was recorded");
    assert_string_equal(user.receipt, "");
    assert_int_equal(user.calls, 2);
}

static void used_up_by_doubts_they_park_by_their_policy(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.in_doubt = DUR_IN_DOUBT_RETRY;
    user.retries = true;
    user.policy.max_attempts = 1;
    user.policy.exhausted = DUR_EXHAUSTED_PARK;
    let_it_die(world, &user);
    assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
    waits_assert_says(world, "given up after 1 attempts: in doubt: ");
    assert_int_equal(user.calls, 1);
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_true(user.attempts[1] == 2);
}

static void without_a_policy_a_doubt_is_a_failure(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.in_doubt = DUR_IN_DOUBT_RETRY;
    let_it_die(world, &user);
    assert_int_equal(waits_execute(world, pay, &user), DUR_FAILED);
    waits_assert_says(world, "in doubt: the process ended before its outcome was recorded");
    assert_int_equal(user.calls, 1);
}

static void a_doubtful_step_can_fail_for_good(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.in_doubt = DUR_IN_DOUBT_FAIL;
    user.retries = true;
    user.catches = true;
    let_it_die(world, &user);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 0 rows\n"
                        "pending run-1: 1 rows\n"
                        "append run-1 #1 \"charge\" failure low 1 clears: recorded\n"
                        "end run-1 completed\n");
    assert_string_equal(user.caught, "in doubt: the process ended before its outcome was recorded");
    assert_int_equal(user.calls, 1);
}

/* As an outcome that a failing database kept from being recorded. */
static void what_settles_a_doubt_is_kept_and_written_first(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.in_doubt = DUR_IN_DOUBT_VERIFY;
    user.says = SAY_DONE;
    let_it_die(world, &user);
    memory_store_fail(world->store, "append", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(waits_execute(world, pay, &user), DUR_BUSY);
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_int_equal(user.questions, 1);
    assert_string_equal(user.receipt, "verified");
}

/* ---- Deaths and faults at every verb ---- */

static int swept_policy, swept_calls;

static void reset_payment(engine_world *world, void *context)
{
    payment *user = context;

    *user = new_payment(world);
    user->in_doubt = swept_policy;
    user->says = SAY_TRUTH;
    user->retries = true;
    user->catches = true;
    user->failures = 1;
}

/* The law of at most once: no attempt is made twice, whoever dies where. */
static void check_payment(engine_world *world, void *context, int code)
{
    payment *user = context;

    (void)world;
    for (int i = 1; i < user->calls; i++) assert_true(user->attempts[i] > user->attempts[i - 1]);
    if (swept_policy == DUR_IN_DOUBT_PARK) {
        assert_true(code == DUR_OK || code == DUR_PARKED);
    } else {
        assert_int_equal(code, DUR_OK);
        assert_true(memory_store_pending(world->witness, "run-1") == 0);
    }
    if (swept_policy == DUR_IN_DOUBT_VERIFY) assert_string_equal(user->receipt, "receipt 2");
    swept_calls += user->calls;
}

static void a_death_at_any_verb_repeats_no_attempt(void **state)
{
    payment user;
    const waits_sweep sweep = {{pay, &user, NULL, NULL, 30}, reset_payment, check_payment};

    (void)state;
    for (swept_policy = DUR_IN_DOUBT_PARK; swept_policy <= DUR_IN_DOUBT_VERIFY; swept_policy++) {
        swept_calls = 0;
        assert_true(waits_sweep_deaths(&sweep) > 8);
        assert_true(swept_calls > 8);
    }
}

static void nor_does_a_failing_store(void **state)
{
    payment user;
    const waits_sweep sweep = {{pay, &user, NULL, NULL, 30}, reset_payment, check_payment};

    (void)state;
    for (swept_policy = DUR_IN_DOUBT_PARK; swept_policy <= DUR_IN_DOUBT_VERIFY; swept_policy++)
        assert_true(waits_sweep_faults(&sweep) > 32);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(a_doubtful_attempt_is_retried_by_the_policy),
        WAITS_TEST(the_pause_behind_a_doubt_may_be_slept_through),
        WAITS_TEST(doubts_count_like_other_failures),
        WAITS_TEST(used_up_by_doubts_they_park_by_their_policy),
        WAITS_TEST(without_a_policy_a_doubt_is_a_failure),
        WAITS_TEST(a_doubtful_step_can_fail_for_good),
        WAITS_TEST(what_settles_a_doubt_is_kept_and_written_first),
        WAITS_TEST(a_death_at_any_verb_repeats_no_attempt),
        WAITS_TEST(nor_does_a_failing_store),
    };

    return cmocka_run_group_tests_name("engine.intent_retry", tests, NULL, NULL);
}
