/* test/engine: what settles a step in doubt: its verify function. */
#include "intents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static payment doubtful_payment(engine_world *world, saying says)
{
    payment user = new_payment(world);

    user.in_doubt = DUR_IN_DOUBT_VERIFY;
    user.says = says;
    let_it_die(world, &user);
    memory_store_forget(world->witness);
    return user;
}

#define STORY_OF_TAKEOVER                                                                          \
    "find run-1: running epoch 1\n"                                                                \
    "claim run-1 after epoch 1 claims 2\n"                                                         \
    "load run-1 1..134217727: 0 rows\n"                                                            \
    "pending run-1: 1 rows\n"

/* ---- Verified ---- */

static void a_verified_result_is_the_outcome(void **state)
{
    engine_world *world = *state;
    payment user = doubtful_payment(world, SAY_DONE);

    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_int_equal(user.code, DUR_OK);
    assert_story(world, STORY_OF_TAKEOVER
                 "append run-1 #1 \"charge\" result low 1 clears: recorded\n"
                 "end run-1 completed\n");
    assert_string_equal(user.receipt, "verified");
    assert_int_equal(user.calls, 1);
    assert_int_equal(user.questions, 1);
}

static int never_called(dur_step *step, void *user)
{
    (void)user;
    fail_msg("the body of step %s runs again", step->name);
    return 0;
}

/* Whichever way the step is asked for, the value is the run's. */
static int pay_by_step_function(dur_run *run, void *context)
{
    payment *user = context;
    dur_step_options options = payment_options(user);
    dur_value value;

    if (dur_replay_or_run(run, "charge", &options, never_called, NULL, &value) == DUR_OK)
        snprintf(user->receipt, sizeof user->receipt, "%s", dur_as_text(value));
    return 0;
}

static void each_verb_is_given_the_verified_result(void **state)
{
    engine_world *world = *state;
    payment user = doubtful_payment(world, SAY_DONE);

    assert_int_equal(waits_execute(world, pay_by_step_function, &user), DUR_OK);
    assert_string_equal(user.receipt, "verified");

    user = new_payment(world);
    user.in_doubt = DUR_IN_DOUBT_VERIFY;
    user.run_id = "run-2";
    user.by_verbs = true;
    let_it_die(world, &user);
    assert_int_equal(execute_payment(world, &user), DUR_OK);
    assert_string_equal(user.receipt, "verified");
    assert_int_equal(user.calls, 1);
}

/* Regression: a value that lies in the memory of a handle that is used again. */
static int pay_often(dur_run *run, void *context)
{
    payment *user = context;
    dur_step_options options = payment_options(user);
    const char *value = NULL;

    DUR_STEP(run, "charge", value, &options) {
        user->calls++;
        memory_store_die(user->world->store, 0);
    }
    for (int i = 0; i < 20; i++) DUR_STEP(run, "more") {}
    if (dur_ok(run)) snprintf(user->receipt, sizeof user->receipt, "%s", value);
    return 0;
}

static void what_was_verified_lives_as_long_as_the_run(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.in_doubt = DUR_IN_DOUBT_VERIFY;
    assert_int_equal(waits_execute(world, pay_often, &user), DUR_IOERR);
    engine_world_succeed(world);
    assert_int_equal(waits_execute(world, pay_often, &user), DUR_OK);
    assert_string_equal(user.receipt, "verified");
}

static void a_verified_failure_is_a_failure(void **state)
{
    engine_world *world = *state;
    payment user = doubtful_payment(world, SAY_FAILED);

    user.catches = true;
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_string_equal(user.caught, "declined");
    assert_int_equal(user.calls, 1);

    user = new_payment(world);
    user.in_doubt = DUR_IN_DOUBT_VERIFY;
    user.says = SAY_FAIL;
    user.run_id = "run-2";
    user.by_verbs = true;
    let_it_die(world, &user);
    assert_int_equal(execute_payment(world, &user), DUR_FAILED);
    waits_assert_says(world, "declined by the bank");
    assert_int_equal(user.calls, 1);
}

/* The attempt has failed: the policy has its say, and the next one has an intent of its own. */
static void a_verified_failure_is_retried_by_the_policy(void **state)
{
    engine_world *world = *state;
    payment user = doubtful_payment(world, SAY_FAILED);

    user.retries = true;
    assert_int_equal(waits_execute(world, pay, &user), DUR_SUSPENDED);
    waits_assert_says(world, "to try step \"charge\" again (attempt 2): declined");
    assert_int_equal(waits_execute_at(world, 2000, pay, &user), DUR_OK);
    assert_int_equal(count_in_story(world, "attempt 1 due 0 intent\n"), 1);
    assert_string_equal(user.receipt, "receipt 2");

    user = new_payment(world);
    user.in_doubt = DUR_IN_DOUBT_VERIFY;
    user.says = SAY_FAILED;
    user.run_id = "run-2";
    world->options.sleep_max_ms = 60000;
    let_it_die(world, &user);
    user.retries = true;
    assert_int_equal(execute_payment(world, &user), DUR_OK);
    assert_int_equal(user.questions, 1);
    assert_string_equal(user.receipt, "receipt 2");
}

/* The same attempt, with an intent that is written anew. */
static void what_was_not_done_is_executed(void **state)
{
    engine_world *world = *state;
    payment user = doubtful_payment(world, SAY_EXECUTE);

    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_story(world, STORY_OF_TAKEOVER
                 "put run-1 #1 \"charge\" attempt 0 due 0 intent\n"
                 "append run-1 #1 \"charge\" result low 1 clears: recorded\n"
                 "end run-1 completed\n");
    assert_int_equal(user.calls, 2);
    assert_true(user.attempts[1] == 1);
}

static void who_cannot_tell_leaves_it_to_a_person(void **state)
{
    engine_world *world = *state;
    payment user = doubtful_payment(world, SAY_NOTHING);

    for (int i = 1; i <= 2 * DUR_CLAIMS_MAX; i++) {
        assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
        waits_assert_says(world, "position 1, step \"charge\": in doubt");
        assert_int_equal(user.questions, i);
    }
    user.says = SAY_DONE;
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_int_equal(user.calls, 1);
}

static void a_verify_function_may_stop_the_pass(void **state)
{
    engine_world *world = *state;
    payment user = doubtful_payment(world, SAY_STOP);

    assert_int_equal(waits_execute(world, pay, &user), DUR_STOPPED);
    waits_assert_says(world, "the bank is closed");
    user.says = SAY_DONE;
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_int_equal(user.calls, 1);
}

/* On replay nobody would ask for it. */
static void no_step_begins_in_a_verify_function(void **state)
{
    engine_world *world = *state;
    payment user = doubtful_payment(world, SAY_STEP);

    assert_int_equal(waits_execute(world, pay, &user), DUR_MISUSE);
    waits_assert_says(world, "\"inner\" is asked for");
    assert_int_equal(user.calls, 1);
    assert_true(memory_store_pending(world->witness, "run-1") == 1);
}

/* Its next attempt would run the body. */
static void not_yet_is_no_answer(void **state)
{
    engine_world *world = *state;
    payment user = doubtful_payment(world, SAY_NOT_YET);

    assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
    assert_int_equal(user.code, DUR_MISUSE);
    assert_int_equal(user.calls, 1);
}

/* Law 6: while it was asking another owner has taken the run. */
static void who_has_lost_the_run_does_not_execute(void **state)
{
    engine_world *world = *state;
    payment user = doubtful_payment(world, SAY_LOST);

    assert_int_equal(waits_execute(world, pay, &user), DUR_LOST);
    assert_int_equal(user.calls, 1);
}

static void a_verify_function_may_close_the_log(void **state)
{
    engine_world *world = *state;

    for (int verbs = 0; verbs < 2; verbs++) {
        payment user = new_payment(world);

        user.run_id = verbs ? "run-2" : "run-1";
        user.in_doubt = DUR_IN_DOUBT_VERIFY;
        let_it_die(world, &user);
        user.by_verbs = verbs;
        user.says = SAY_CLOSE;
        assert_int_equal(execute_payment(world, &user), DUR_MISUSE);
        assert_int_equal(user.calls, 1);
        world->store = memory_store_share(world->witness);
        world->log = durable_log_new(world->store, DUR_OK, &world->options);
        assert_non_null(world->log);
        user.says = SAY_DONE;
        assert_int_equal(execute_payment(world, &user), DUR_OK);
    }
}

static void a_verify_function_may_beat(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.in_doubt = DUR_IN_DOUBT_VERIFY;
    user.beats = true;
    let_it_die(world, &user);
    user.beats = false;
    user.says = SAY_DETAILS;
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_string_equal(user.receipt, "detail 7");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(a_verified_result_is_the_outcome),
        WAITS_TEST(each_verb_is_given_the_verified_result),
        WAITS_TEST(what_was_verified_lives_as_long_as_the_run),
        WAITS_TEST(a_verified_failure_is_a_failure),
        WAITS_TEST(a_verified_failure_is_retried_by_the_policy),
        WAITS_TEST(what_was_not_done_is_executed),
        WAITS_TEST(who_cannot_tell_leaves_it_to_a_person),
        WAITS_TEST(a_verify_function_may_stop_the_pass),
        WAITS_TEST(no_step_begins_in_a_verify_function),
        WAITS_TEST(not_yet_is_no_answer),
        WAITS_TEST(who_has_lost_the_run_does_not_execute),
        WAITS_TEST(a_verify_function_may_close_the_log),
        WAITS_TEST(a_verify_function_may_beat),
    };

    return cmocka_run_group_tests_name("engine.intent_verify", tests, NULL, NULL);
}
