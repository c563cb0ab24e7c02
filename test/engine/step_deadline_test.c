/* test/engine: a step's total time: fixed in the log before its first attempt, retries, pauses and
 * the time that the program was down included; its end is an outcome like other failures. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

typedef struct timed {
    engine_world *world;
    dur_retry policy, poll;
    bool without_policy;
    int64_t timeout_ms;
    int failures;   /* attempts up to this number fail */
    bool polls;     /* … by dur_not_yet() */
    int64_t takes_ms;
    bool dies;      /* in the body, once */
    int attempts;
    char caught[DURABLE_FAILURE_SIZE];
    const char *message;
    int64_t result;
} timed;

static int work(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    timed *it = user;
    const char *failure;
    int64_t result = 0;

    if (!it->without_policy) options.retry = &it->policy;
    options.poll = &it->poll;
    options.timeout_ms = it->timeout_ms;
    DUR_STEP(run, "upload", result, &options)
    {
        dur_step *step = dur_current_step(run);

        it->attempts++;
        it->world->clock.now_ms += it->takes_ms;
        result = it->attempts;
        if (it->dies) {
            it->dies = false;
            memory_store_die(it->world->store, 0);
        }
        if (dur_step_attempt(step) <= it->failures && it->polls) dur_not_yet(step, dur_null());
        if (dur_step_attempt(step) <= it->failures && !it->polls) dur_fail(run, "%s", it->message);
    }
    failure = dur_catch(run);
    if (failure) snprintf(it->caught, sizeof it->caught, "%s", failure);
    it->result = result;
    return 0;
}

static timed new_timed(engine_world *world, int failures)
{
    const dur_retry policy = DUR_RETRY_INIT;
    timed it;

    memset(&it, 0, sizeof it);
    it.world = world;
    it.policy = policy;
    it.policy.jitter = DUR_JITTER_NONE;
    it.poll = it.policy;
    it.timeout_ms = 5000;
    it.failures = failures;
    it.message = "broken";
    return it;
}

/* Its row is the first commit, and is cleared by the outcome's. */
static void the_end_is_in_the_log_before_the_first_attempt(void **state)
{
    engine_world *world = *state;
    timed it = new_timed(world, 0);

    assert_int_equal(waits_execute(world, work, &it), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "put run-1 #1 \"upload\" attempt 0 due 0\n"
                        "append run-1 #1 \"upload\" result low 1 clears: recorded\n"
                        "end run-1 completed\n");
    assert_int_equal(it.result, 1);
    assert_int_equal(memory_store_pending(world->witness, "run-1"), 0);
}

/* Begun at 1000: attempts at 1000, 2000 and 4000; the next one would be at 8000. */
static void an_attempt_that_would_begin_after_the_end_fails_the_step_at_once(void **state)
{
    engine_world *world = *state;
    timed it = new_timed(world, 9);

    assert_int_equal(waits_execute(world, work, &it), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 2000, work, &it), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 4000, work, &it), DUR_OK);
    assert_int_equal(it.attempts, 3);
    assert_string_equal(it.caught, "timed out after 5000 ms: broken");
    assert_int_equal(it.result, 0);
}

static void polling_ends_with_it_too(void **state)
{
    engine_world *world = *state;
    timed it = new_timed(world, 9);

    it.polls = true;
    it.timeout_ms = 1500;
    assert_int_equal(waits_execute(world, work, &it), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 2000, work, &it), DUR_OK);
    assert_string_equal(it.caught, "timed out after 1500 ms: not yet, after 2 attempts");
}

/* The end itself is still in time. */
static void an_attempt_may_begin_at_the_end(void **state)
{
    engine_world *world = *state;
    timed it = new_timed(world, 1);

    it.timeout_ms = 1000;
    assert_int_equal(waits_execute(world, work, &it), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 2000, work, &it), DUR_OK);
    assert_int_equal(it.result, 2);
    assert_string_equal(it.caught, "");
}

/* The program was down in between, and the log's number counts, not that of newer code. */
static void no_attempt_begins_after_the_end(void **state)
{
    engine_world *world = *state;
    timed it = new_timed(world, 9);

    assert_int_equal(waits_execute(world, work, &it), DUR_SUSPENDED);
    it.timeout_ms = 100000;
    assert_int_equal(waits_execute_at(world, 6001, work, &it), DUR_OK);
    assert_int_equal(it.attempts, 1);
    assert_string_equal(it.caught, "timed out after 5000 ms: broken");
}

static void a_crash_in_the_first_attempt_does_not_move_the_end(void **state)
{
    engine_world *world = *state;
    timed it = new_timed(world, 0);

    it.dies = true;
    waits_execute(world, work, &it);
    engine_world_succeed(world);
    assert_int_equal(waits_execute_at(world, 6001, work, &it), DUR_OK);
    assert_int_equal(it.attempts, 1);
    assert_string_equal(it.caught, "timed out after 5000 ms");
}

static void a_result_that_comes_too_late_is_a_result(void **state)
{
    engine_world *world = *state;
    timed it = new_timed(world, 0);

    it.takes_ms = 60000;
    assert_int_equal(waits_execute(world, work, &it), DUR_OK);
    assert_int_equal(it.result, 1);
}

/* So is a failure that nobody would have tried again: it says what happened. */
static void a_failure_that_is_not_retried_is_its_own(void **state)
{
    engine_world *world = *state;
    timed it = new_timed(world, 1);

    it.without_policy = true;
    it.takes_ms = 60000;
    assert_int_equal(waits_execute(world, work, &it), DUR_OK);
    assert_string_equal(it.caught, "broken");
}

/* The machine slept longer than the program. */
static void oversleep(void *user)
{
    fake_clock *clock = user;

    clock->now_ms += 10000;
}

static void an_attempt_that_was_overslept_does_not_begin(void **state)
{
    engine_world *world = *state;
    timed it = new_timed(world, 9);

    world->log->sleep_max_ms = 2000;
    world->clock.on_sleep = oversleep;
    world->clock.on_sleep_user = &world->clock;
    assert_int_equal(waits_execute(world, work, &it), DUR_OK);
    assert_int_equal(it.attempts, 1);
    assert_int_equal(world->clock.sleeps, 1);
    assert_string_equal(it.caught, "timed out after 5000 ms: broken");
}

/* Law 9. */
static void a_negative_time_is_misuse(void **state)
{
    engine_world *world = *state;
    timed it = new_timed(world, 0);

    it.timeout_ms = -1;
    assert_int_equal(waits_execute(world, work, &it), DUR_MISUSE);
    waits_assert_says(world, "timeout_ms must not be negative");
    assert_int_equal(it.attempts, 0);
}

static void a_time_beyond_all_times_is_no_limit(void **state)
{
    engine_world *world = *state;
    timed it = new_timed(world, 0);

    it.timeout_ms = INT64_MAX;
    assert_int_equal(waits_execute(world, work, &it), DUR_OK);
    assert_int_equal(count_in_story(world, "put "), 0);
}

static void a_long_failure_is_cut_at_a_character(void **state)
{
    engine_world *world = *state;
    timed it = new_timed(world, 9);
    char message[1001];

    for (size_t i = 0; i + 1 < sizeof message; i += 2) memcpy(message + i, "\xc3\xbc", 2);
    message[1000] = '\0';
    it.message = message;
    it.timeout_ms = 500; /* 25 bytes and a space stand in front: an odd number is left */
    assert_int_equal(waits_execute(world, work, &it), DUR_OK);
    assert_memory_equal(it.caught, "timed out after 500 ms: \xc3\xbc", 26);
    assert_true(durable_utf8_valid(it.caught, strlen(it.caught)));
    assert_true(strlen(it.caught) <= 1000 && strlen(it.caught) >= 999);
}

/* ---- Deaths and faults ---- */

static void reset(engine_world *world, void *user)
{
    timed *it = user;

    *it = new_timed(world, 9);
}

static void check(engine_world *world, void *user, int code)
{
    const timed *it = user;

    assert_int_equal(code, DUR_OK);
    assert_memory_equal(it->caught, "timed out after 5000 ms", 23);
    assert_int_equal(waits_rows_written(world, "#1 \"upload\" failure"), 1);
    assert_int_equal(memory_store_pending(world->witness, "run-1"), 0);
}

static void a_death_or_a_fault_at_any_verb_leaves_the_end_where_it_was(void **state)
{
    timed it = new_timed(*state, 9);
    waits_sweep all = {{work, &it, NULL, NULL, 12}, reset, check};

    assert_true(waits_sweep_deaths(&all) > 6);
    assert_true(waits_sweep_faults(&all) > 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAITS_TEST(the_end_is_in_the_log_before_the_first_attempt),
        WAITS_TEST(an_attempt_that_would_begin_after_the_end_fails_the_step_at_once),
        WAITS_TEST(polling_ends_with_it_too),
        WAITS_TEST(an_attempt_may_begin_at_the_end),
        WAITS_TEST(no_attempt_begins_after_the_end),
        WAITS_TEST(a_crash_in_the_first_attempt_does_not_move_the_end),
        WAITS_TEST(a_result_that_comes_too_late_is_a_result),
        WAITS_TEST(a_failure_that_is_not_retried_is_its_own),
        WAITS_TEST(an_attempt_that_was_overslept_does_not_begin),
        WAITS_TEST(a_negative_time_is_misuse),
        WAITS_TEST(a_time_beyond_all_times_is_no_limit),
        WAITS_TEST(a_long_failure_is_cut_at_a_character),
        WAITS_TEST(a_death_or_a_fault_at_any_verb_leaves_the_end_where_it_was),
    };
    return cmocka_run_group_tests_name("a step's total time", tests, NULL, NULL);
}
