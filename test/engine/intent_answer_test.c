/* test/engine: what settles a step in doubt: a person's answer; and runs that are to end
 * meanwhile. */
#include "intents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- A person's answers ---- */

static payment parked_payment(engine_world *world)
{
    payment user = new_payment(world);

    let_it_die(world, &user);
    assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
    memory_store_forget(world->witness);
    return user;
}

static int resolve(engine_world *world, int answer, const char *value, const char *message)
{
    return durable_intent_resolve(world->log, "run-1", 1, answer, dur_text(value), message);
}

static void it_was_done_says_a_person(void **state)
{
    engine_world *world = *state;
    payment user = parked_payment(world);

    assert_int_equal(resolve(world, DUR_OK, "by hand", NULL), DUR_OK);
    assert_true(memory_store_due(world->witness, "run-1") == WAITS_START_MS);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_int_equal(count_in_story(world, "put"), 0);
    assert_int_equal(
        count_in_story(world, "append run-1 #1 \"charge\" result low 1 clears: recorded\n"), 1);
    assert_string_equal(user.receipt, "by hand");
    assert_int_equal(user.calls, 1);
    assert_int_equal(user.questions, 0);
    assert_true(memory_store_pending(world->witness, "run-1") == 0);
}

static void it_has_failed_says_a_person(void **state)
{
    engine_world *world = *state;
    payment user = parked_payment(world);

    user.retries = true; /* an outcome is no attempt */
    user.catches = true;
    assert_int_equal(resolve(world, DUR_FAILED, NULL, "the bank has lost it"), DUR_OK);
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_string_equal(user.caught, "the bank has lost it");
    assert_int_equal(user.calls, 1);
}

static void a_failure_without_words_has_some(void **state)
{
    engine_world *world = *state;
    payment user = parked_payment(world);

    assert_int_equal(resolve(world, DUR_FAILED, NULL, NULL), DUR_OK);
    assert_int_equal(waits_execute(world, pay, &user), DUR_FAILED);
    waits_assert_says(world, "step failed");
}

/* The same attempt once more, with an intent: it can be in doubt again. */
static void it_was_not_done_says_a_person(void **state)
{
    engine_world *world = *state;
    payment user = parked_payment(world);

    for (int i = 2; i <= 3; i++) {
        assert_int_equal(resolve(world, DUR_EXECUTE, NULL, NULL), DUR_OK);
        let_it_die(world, &user);
        assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
        assert_int_equal(user.calls, i);
        assert_true(user.attempts[i - 1] == 1);
    }
    assert_int_equal(resolve(world, DUR_EXECUTE, NULL, NULL), DUR_OK);
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_string_equal(user.receipt, "receipt 1");
}

/* A process that dies before the answer is recorded loses nothing of it. */
static void an_answer_outlives_who_takes_it(void **state)
{
    engine_world *world = *state;
    payment user = parked_payment(world);

    assert_int_equal(resolve(world, DUR_OK, "by hand", NULL), DUR_OK);
    memory_store_die(world->store, 4); /* find, claim, load, pending */
    assert_int_equal(waits_execute(world, pay, &user), DUR_IOERR);
    engine_world_succeed(world);
    assert_int_equal(resolve(world, DUR_FAILED, NULL, NULL), DUR_ENDED);
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_string_equal(user.receipt, "by hand");
    assert_int_equal(user.calls, 1);
}

/* It is read by code that has become another one, too. */
static void plain_steps_take_an_answer(void **state)
{
    engine_world *world = *state;
    payment user = parked_payment(world);

    assert_int_equal(resolve(world, DUR_OK, "by hand", NULL), DUR_OK);
    user.without_options = true;
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_string_equal(user.receipt, "by hand");
    assert_int_equal(user.calls, 1);
}

static void only_doubts_can_be_resolved(void **state)
{
    engine_world *world = *state;
    dur_value wrong = dur_null();
    payment user = new_payment(world);

    assert_int_equal(resolve(world, DUR_OK, NULL, NULL), DUR_NOT_FOUND);
    waits_assert_says(world, "run \"run-1\": there is no such run in this log");
    let_it_die(world, &user);
    assert_int_equal(resolve(world, DUR_OK, NULL, NULL), DUR_ENDED); /* not parked yet */
    waits_assert_says(world, "run \"run-1\": position 1: the run is not parked, or no step is in"
                             " doubt there: nothing was changed");
    assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
    assert_int_equal(durable_intent_resolve(world->log, "run-1", 2, DUR_OK, dur_null(), NULL),
                     DUR_ENDED);
    wrong.type = (dur_type)99;
    assert_int_equal(durable_intent_resolve(world->log, "run-1", 1, DUR_OK, wrong, NULL),
                     DUR_MISUSE);
    waits_assert_says(world, "the answer is no value (type 99)");
    assert_int_equal(resolve(world, DUR_OK, "first", NULL), DUR_OK);
    assert_int_equal(resolve(world, DUR_OK, "second", NULL), DUR_ENDED);
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_string_equal(user.receipt, "first");
    assert_int_equal(resolve(world, DUR_OK, NULL, NULL), DUR_ENDED);
}

/* ---- Runs that are to end ---- */

/* Nobody knows whether it was done: that comes first. */
static void a_doubt_is_settled_before_its_run_is_cancelled(void **state)
{
    engine_world *world = *state;
    payment user = parked_payment(world);

    assert_int_equal(durable_cancel(world->log, "run-1"), DUR_OK);
    assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
    assert_int_equal(resolve(world, DUR_OK, "by hand", NULL), DUR_OK);
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK); /* nothing is asked for behind it */
    assert_string_equal(user.receipt, "by hand");
    assert_int_equal(user.calls, 1);
}

static void no_attempt_follows_a_doubt_in_a_cancelled_run(void **state)
{
    static const struct {
        int in_doubt;
        saying says;
    } ways[] = {{DUR_IN_DOUBT_RETRY, SAY_NOTHING}, {DUR_IN_DOUBT_VERIFY, SAY_EXECUTE}};

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        engine_world world;
        payment user;

        engine_world_open(&world);
        user = new_payment(&world);
        user.in_doubt = ways[i].in_doubt;
        user.says = ways[i].says;
        user.retries = true;
        let_it_die(&world, &user);
        assert_int_equal(durable_cancel(world.log, "run-1"), DUR_OK);
        assert_int_equal(waits_execute(&world, pay, &user), DUR_CANCELLED);
        assert_int_equal(count_in_story(&world, "append run-1 #1 \"cancel\""), 1);
        assert_true(memory_store_pending(world.witness, "run-1") == 0);
        assert_int_equal(user.calls, 1);
        engine_world_close(&world);
    }
}

static void not_done_and_cancelled_is_cancelled(void **state)
{
    engine_world *world = *state;
    payment user = parked_payment(world);

    assert_int_equal(resolve(world, DUR_EXECUTE, NULL, NULL), DUR_OK);
    assert_int_equal(durable_cancel(world->log, "run-1"), DUR_OK);
    assert_int_equal(waits_execute(world, pay, &user), DUR_CANCELLED);
    assert_int_equal(user.calls, 1);
}

/* A step's total time is over: what was done is a result, what was not is not begun any more. */
static void behind_a_steps_end_no_attempt_follows_a_doubt(void **state)
{
    static const struct {
        int in_doubt;
        saying says;
        int code;
    } ways[] = {{DUR_IN_DOUBT_RETRY, SAY_NOTHING, DUR_FAILED},
                {DUR_IN_DOUBT_VERIFY, SAY_EXECUTE, DUR_FAILED},
                {DUR_IN_DOUBT_VERIFY, SAY_FAILED, DUR_FAILED},
                {DUR_IN_DOUBT_VERIFY, SAY_DONE, DUR_OK}};

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        engine_world world;
        payment user;

        engine_world_open(&world);
        world.clock.now_ms = WAITS_START_MS;
        user = new_payment(&world);
        user.in_doubt = ways[i].in_doubt;
        user.says = ways[i].says;
        user.retries = true;
        user.timeout_ms = 5000;
        let_it_die(&world, &user);
        assert_int_equal(waits_execute_at(&world, 6001, pay, &user), ways[i].code);
        if (ways[i].code == DUR_FAILED) waits_assert_says(&world, "timed out after 5000 ms");
        assert_int_equal(user.calls, 1);
        assert_true(memory_store_pending(world.witness, "run-1") == 0);
        engine_world_close(&world);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(it_was_done_says_a_person),
        WAITS_TEST(it_has_failed_says_a_person),
        WAITS_TEST(a_failure_without_words_has_some),
        WAITS_TEST(it_was_not_done_says_a_person),
        WAITS_TEST(an_answer_outlives_who_takes_it),
        WAITS_TEST(plain_steps_take_an_answer),
        WAITS_TEST(only_doubts_can_be_resolved),
        WAITS_TEST(a_doubt_is_settled_before_its_run_is_cancelled),
        WAITS_TEST(no_attempt_follows_a_doubt_in_a_cancelled_run),
        WAITS_TEST(not_done_and_cancelled_is_cancelled),
        WAITS_TEST(behind_a_steps_end_no_attempt_follows_a_doubt),
    };

    return cmocka_run_group_tests_name("engine.intent_answer", tests, NULL, NULL);
}
