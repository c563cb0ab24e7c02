/* test/engine: a long step tells how far it has come and keeps its claim; a step that polls carries
 * its state from look to look. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

typedef struct copying {
    engine_world *world;
    int64_t parts;   /* in all; each is a heartbeat */
    int64_t die_at;  /* behind this part's heartbeat; 0: never */
    int64_t fail_at; /* behind this part */
    int64_t from[8]; /* where each attempt began */
    int64_t attempts[8];
    int calls;
    dur_retry policy;
    int beat_code;
} copying;

static int work(dur_run *run, void *context)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    copying *user = context;

    options.retry = &user->policy;
    DUR_STEP_VOID(run, "copy", &options)
    {
        dur_step *step = dur_current_step(run);
        int64_t from = dur_step_details(step).as.integer;

        user->from[user->calls] = from;
        user->attempts[user->calls++] = dur_step_attempt(step);
        for (int64_t part = from + 1; part <= user->parts; part++) {
            user->world->clock.now_ms += 1000;
            user->beat_code = dur_heartbeat(step, dur_integer(part));
            if (part == user->die_at) memory_store_die(user->world->store, 0);
            if (part != user->fail_at) continue;
            user->fail_at = 0;
            dur_fail(run, "disk full");
            break;
        }
    }
    return 0;
}

static copying new_copying(engine_world *world, int64_t parts)
{
    const dur_retry policy = DUR_RETRY_INIT;
    copying user;

    memset(&user, 0, sizeof user);
    user.world = world;
    user.parts = parts;
    user.policy = policy;
    user.policy.jitter = DUR_JITTER_NONE;
    return user;
}

static void each_heartbeat_is_one_row_and_a_longer_claim(void **state)
{
    engine_world *world = *state;
    copying user = new_copying(world, 2);

    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "put run-1 #1 \"copy\" attempt 0 due 0 lease 602000\n"
                        "put run-1 #1 \"copy\" attempt 0 due 0 lease 603000\n"
                        "append run-1 #1 \"copy\" result low 1 clears: recorded\n"
                        "end run-1 completed\n");
    assert_int_equal(user.beat_code, DUR_OK);
}

/* An attempt that a crash cut short is not counted, and what it told is not lost. */
static void after_a_crash_the_next_attempt_goes_on_where_the_last_one_was(void **state)
{
    engine_world *world = *state;
    copying user = new_copying(world, 5);

    user.die_at = 3;
    assert_int_equal(waits_execute(world, work, &user), DUR_IOERR);
    engine_world_succeed(world);
    user.die_at = 0;
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_int_equal(user.calls, 2);
    assert_true(user.from[1] == 3);
    assert_true(user.attempts[0] == 1 && user.attempts[1] == 1);
}

/* Regression: a retry count lost by a restart: heartbeats of the second attempt do not make it the
 * first one again, nor forget why that failed. */
static void heartbeats_keep_count_and_failure(void **state)
{
    engine_world *world = *state;
    copying user = new_copying(world, 6);

    user.fail_at = 2;
    user.die_at = 4;
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 4000, work, &user), DUR_IOERR);
    assert_int_equal(count_in_story(world, "put run-1 #1 \"copy\" attempt 1 due 0 lease"), 2);
    engine_world_succeed(world);
    user.die_at = 0;
    user.policy.max_attempts = 2;
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_int_equal(user.calls, 3);
    assert_true(user.from[1] == 2 && user.from[2] == 4);
    assert_true(user.attempts[1] == 2 && user.attempts[2] == 2);
}

/* Law 6: another owner has the run by now: stop working. */
static void a_heartbeat_of_a_fenced_owner_is_lost(void **state)
{
    engine_world *world = *state;
    dur_step *step = NULL;
    dur_run *run = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "copy", NULL, &step), DUR_EXECUTE);
    memory_store_take_over(world->witness, "run-1");
    assert_int_equal(dur_heartbeat(step, dur_integer(1)), DUR_LOST);
    assert_int_equal(dur_run_code(run), DUR_LOST);
    assert_true(memory_store_pending(world->witness, "run-1") == 0);
    dur_close_run(run);
}

/* A heartbeat that fails for the time being stops nothing. */
static void a_failing_database_stops_no_work(void **state)
{
    engine_world *world = *state;
    dur_step *step = NULL;
    dur_run *run = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "copy", NULL, &step), DUR_EXECUTE);
    memory_store_fail(world->store, "put", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_heartbeat(step, dur_integer(1)), DUR_BUSY);
    assert_true(dur_ok(run));
    assert_int_equal(dur_step_details(step).type, DUR_NULL);
    assert_int_equal(dur_heartbeat(step, dur_integer(2)), DUR_OK);
    assert_true(dur_step_details(step).as.integer == 2);
    assert_int_equal(dur_record_result(step, dur_null()), DUR_OK);
    dur_close_run(run);
}

/* The commit that was reported as failed has survived: what it left goes with the run's end. */
static void a_heartbeat_that_survived_its_error_is_cleared(void **state)
{
    engine_world *world = *state;
    dur_step *step = NULL;
    dur_run *run = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "copy", NULL, &step), DUR_EXECUTE);
    memory_store_fail(world->store, "put", 1, DUR_IOERR, MEMORY_AFTER);
    assert_int_equal(dur_heartbeat(step, dur_integer(1)), DUR_IOERR);
    assert_int_equal(memory_store_pending(world->witness, "run-1"), 1);
    assert_int_equal(dur_record_result(step, dur_null()), DUR_OK);
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
    assert_int_equal(memory_store_pending(world->witness, "run-1"), 0);
    dur_close_run(run);
}

static void a_steps_own_lease_is_the_one_that_it_extends(void **state)
{
    engine_world *world = *state;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_step *step = NULL;
    dur_run *run = NULL;

    options.lease_ms = 5000000;
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "copy", &options, &step), DUR_EXECUTE);
    world->clock.now_ms = 2000;
    memory_store_forget(world->witness);
    assert_int_equal(dur_heartbeat(step, dur_null()), DUR_OK);
    assert_story(world, "put run-1 #1 \"copy\" attempt 0 due 0 lease 5002000\n");
    dur_close_run(run);
}

static void details_that_are_no_value_are_refused(void **state)
{
    engine_world *world = *state;
    dur_value wrong = dur_null();
    dur_step *step = NULL;
    dur_run *run = NULL;

    wrong.type = (dur_type)99;
    assert_int_equal(dur_heartbeat(NULL, dur_null()), DUR_MISUSE);
    assert_int_equal(dur_not_yet(NULL, dur_null()), DUR_MISUSE);
    assert_int_equal(dur_retry_after(NULL, 0), DUR_MISUSE);
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "copy", NULL, &step), DUR_EXECUTE);
    assert_int_equal(dur_heartbeat(step, wrong), DUR_MISUSE);
    assert_non_null(strstr(dur_run_errmsg(run), "the details are no value (type 99)"));
    assert_int_equal(dur_retry_after(step, -2), DUR_MISUSE);
    assert_non_null(strstr(dur_run_errmsg(run), "dur_retry_after() takes a delay in ms or"
                                                " DUR_NEVER, not -2"));
    assert_true(dur_ok(run));
    assert_int_equal(dur_record_result(step, dur_null()), DUR_OK);
    assert_int_equal(dur_heartbeat(step, dur_null()), DUR_MISUSE);
    assert_int_equal(dur_not_yet(step, dur_null()), DUR_MISUSE);
    assert_int_equal(dur_retry_after(step, 0), DUR_MISUSE);
    dur_close_run(run);
}

/* ---- Not yet ---- */

typedef struct polling {
    dur_retry poll, retry;
    int64_t yes_at; /* this look says yes; 0: never */
    int64_t fail_at;
    int looks;
    int64_t carried[16]; /* details found by each look */
    int64_t value;
    char caught[64];
} polling;

static int poll_work(dur_run *run, void *context)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    polling *user = context;
    int64_t value = -1;
    const char *failure;

    options.poll = &user->poll;
    options.retry = &user->retry;
    DUR_STEP(run, "paid", value, &options)
    {
        dur_step *step = dur_current_step(run);

        user->carried[user->looks++] = dur_step_details(step).as.integer;
        value = user->looks;
        if (user->looks == user->fail_at) {
            dur_fail(run, "no connection");
        } else if (user->looks != user->yes_at) {
            assert_int_equal(dur_not_yet(step, dur_integer(10 * user->looks)), DUR_OK);
        }
    }
    failure = dur_catch(run);
    if (failure) snprintf(user->caught, sizeof user->caught, "%s", failure);
    user->value = value;
    return 0;
}

static polling new_polling(int64_t yes_at)
{
    const dur_retry policy = DUR_RETRY_INIT;
    polling user;

    memset(&user, 0, sizeof user);
    user.poll = policy;
    user.poll.initial_ms = 100;
    user.poll.jitter = DUR_JITTER_NONE;
    user.retry = user.poll;
    user.retry.initial_ms = 7;
    user.yes_at = yes_at;
    return user;
}

static void polling_looks_again_with_growing_pauses(void **state)
{
    engine_world *world = *state;
    polling user = new_polling(4);

    assert_int_equal(waits_execute(world, poll_work, &user), DUR_SUSPENDED);
    waits_assert_says(world, "to try step \"paid\" again (attempt 2): its condition does not hold"
                             " yet");
    assert_int_equal(user.value, 0); /* not recorded */
    assert_int_equal(waits_execute_at(world, 1100, poll_work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 1300, poll_work, &user), DUR_SUSPENDED);
    assert_int_equal(count_in_story(world, "put #1 \"paid\" attempt 1 due 1100\n"), 1);
    assert_int_equal(count_in_story(world, "put #1 \"paid\" attempt 2 due 1300\n"), 1);
    assert_int_equal(count_in_story(world, "put #1 \"paid\" attempt 3 due 1700\n"), 1);
    assert_int_equal(waits_execute_at(world, 1700, poll_work, &user), DUR_OK);
    assert_true(user.value == 4);
    for (int i = 0; i < 4; i++) assert_true(user.carried[i] == 10 * i);
}

static void polling_that_is_used_up_is_a_failure(void **state)
{
    engine_world *world = *state;
    polling user = new_polling(0);

    user.poll.max_attempts = 3;
    assert_int_equal(waits_execute(world, poll_work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 1100, poll_work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 1300, poll_work, &user), DUR_OK);
    assert_string_equal(user.caught, "not yet, after 3 attempts");
    assert_int_equal(user.looks, 3);
}

static void polling_that_is_used_up_can_park(void **state)
{
    engine_world *world = *state;
    polling user = new_polling(2);

    user.poll.max_elapsed_ms = 99;
    user.poll.exhausted = DUR_EXHAUSTED_PARK;
    assert_int_equal(waits_execute(world, poll_work, &user), DUR_PARKED);
    waits_assert_says(world, "given up after 1 attempts: its condition does not hold yet");
    assert_int_equal(waits_execute(world, poll_work, &user), DUR_OK);
    assert_true(user.carried[1] == 10);
}

/* Failures go by the one policy and looks by the other; the details stay. */
static void a_failing_look_goes_by_the_retry_policy(void **state)
{
    engine_world *world = *state;
    polling user = new_polling(3);

    user.fail_at = 2;
    assert_int_equal(waits_execute(world, poll_work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 1100, poll_work, &user), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 1100 + 14);
    assert_int_equal(waits_execute_at(world, 1114, poll_work, &user), DUR_OK);
    assert_true(user.carried[1] == 10 && user.carried[2] == 10);
}

/* Slept through, the body runs again in the same pass, with the details. */
static void short_pauses_between_looks_are_slept_through(void **state)
{
    engine_world *world = *state;
    polling user = new_polling(4);

    world->options.sleep_max_ms = 1000;
    engine_world_succeed(world);
    assert_int_equal(waits_execute(world, poll_work, &user), DUR_OK);
    assert_true(user.value == 4);
    for (int i = 0; i < 4; i++) assert_true(user.carried[i] == 10 * i);
    assert_true(world->clock.slept_ms == 700);
}

/* Between the verbs it concludes the step like a failure. */
static void explicit_verbs_say_not_yet_too(void **state)
{
    engine_world *world = *state;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    const polling user = new_polling(0);
    dur_step *step = NULL;
    dur_run *run = NULL;

    options.poll = &user.poll;
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "paid", &options, &step), DUR_EXECUTE);
    assert_int_equal(dur_not_yet(step, dur_integer(5)), DUR_SUSPENDED);
    assert_int_equal(dur_record_result(step, dur_null()), DUR_MISUSE);
    dur_close_run(run);
    world->clock.now_ms = 1100;
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "paid", &options, &step), DUR_EXECUTE);
    assert_true(dur_step_details(step).as.integer == 5);
    assert_null(dur_step_last_failure(step));
    assert_int_equal(dur_retry_after(step, 1), DUR_OK);
    assert_int_equal(dur_not_yet(step, dur_integer(6)), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 1101);
    dur_close_run(run);
}

/* ---- Deaths and faults ---- */

static void reset_polling(engine_world *world, void *context)
{
    (void)world;
    *(polling *)context = new_polling(0);
}

/* Says yes when it has found the details of three looks, whoever took them. */
static int careful_poll(dur_run *run, void *context)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    polling *user = context;
    int64_t value = 0;

    options.poll = &user->poll;
    DUR_STEP(run, "paid", value, &options)
    {
        dur_step *step = dur_current_step(run);
        int64_t looks = dur_step_details(step).as.integer;

        assert_true(dur_step_attempt(step) == looks + 1);
        user->looks++;
        value = looks;
        if (looks < 3) assert_int_equal(dur_not_yet(step, dur_integer(looks + 1)), DUR_OK);
    }
    user->value = value;
    return 0;
}

static void check_polling(engine_world *world, void *context, int code)
{
    const polling *user = context;

    assert_int_equal(code, DUR_OK);
    assert_true(user->value == 3);
    assert_in_range(user->looks, 4, 5);
    assert_true(world->clock.now_ms >= 1000 + 100 + 200 + 400);
}

static void a_death_or_a_fault_loses_no_look(void **state)
{
    polling user;
    const waits_sweep sweep = {{careful_poll, &user, NULL, NULL, 30}, reset_polling,
                               check_polling};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) >= 12);
    assert_true(waits_sweep_faults(&sweep) >= 48);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(each_heartbeat_is_one_row_and_a_longer_claim),
        WAITS_TEST(after_a_crash_the_next_attempt_goes_on_where_the_last_one_was),
        WAITS_TEST(heartbeats_keep_count_and_failure),
        WAITS_TEST(a_heartbeat_of_a_fenced_owner_is_lost),
        WAITS_TEST(a_failing_database_stops_no_work),
        WAITS_TEST(a_heartbeat_that_survived_its_error_is_cleared),
        WAITS_TEST(a_steps_own_lease_is_the_one_that_it_extends),
        WAITS_TEST(details_that_are_no_value_are_refused),
        WAITS_TEST(polling_looks_again_with_growing_pauses),
        WAITS_TEST(polling_that_is_used_up_is_a_failure),
        WAITS_TEST(polling_that_is_used_up_can_park),
        WAITS_TEST(a_failing_look_goes_by_the_retry_policy),
        WAITS_TEST(short_pauses_between_looks_are_slept_through),
        WAITS_TEST(explicit_verbs_say_not_yet_too),
        WAITS_TEST(a_death_or_a_fault_loses_no_look),
    };

    return cmocka_run_group_tests_name("engine.heartbeat", tests, NULL, NULL);
}
