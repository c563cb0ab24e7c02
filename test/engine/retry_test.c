/* test/engine: trying again: attempts, their last failure and the time of the next one are in the
 * log, and neither a death nor a clock changes them. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#define CALLS_MAX 64

typedef struct upload {
    dur_retry policy;
    bool without_policy; /* the step brings none */
    int failures;        /* attempts up to this number fail */
    int64_t retry_after; /* 0: not called; else given to dur_retry_after() */
    int calls;
    int64_t attempts[CALLS_MAX], times[CALLS_MAX];
    char last_failures[CALLS_MAX][32];
    fake_clock *clock;   /* NULL: nobody looks at it */
    int64_t set_back_to; /* the clock, before the step is asked for; 0: it is not */
    fake_clock chance;   /* as it was in the last attempt */
    int questions;       /* that the predicate was asked */
    bool catches;
    char caught[64];
    int64_t result;
} upload;

static void note_attempt(upload *user, const dur_step *step)
{
    const char *failure = dur_step_last_failure(step);

    assert_true(user->calls < CALLS_MAX);
    user->attempts[user->calls] = dur_step_attempt(step);
    if (user->clock) {
        user->times[user->calls] = user->clock->now_ms;
        user->chance = *user->clock;
    }
    snprintf(user->last_failures[user->calls++], sizeof user->last_failures[0], "%s",
             failure ? failure : "none");
}

static int work(dur_run *run, void *context)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    upload *user = context;
    const char *failure;
    int64_t result = -1;

    if (user->set_back_to) user->clock->now_ms = user->set_back_to;
    if (!user->without_policy) options.retry = &user->policy;
    DUR_STEP(run, "upload", result, &options)
    {
        dur_step *step = dur_current_step(run);
        int64_t attempt = dur_step_attempt(step);

        note_attempt(user, step);
        if (user->retry_after)
            assert_int_equal(dur_retry_after(step, user->retry_after), DUR_OK);
        result = attempt;
        if (attempt <= user->failures) dur_fail(run, "broken %lld", (long long)attempt);
    }
    failure = user->catches ? dur_catch(run) : NULL;
    if (failure) snprintf(user->caught, sizeof user->caught, "%s", failure);
    user->result = result;
    return 0;
}

static upload new_upload(int failures)
{
    upload user;
    const dur_retry policy = DUR_RETRY_INIT;

    memset(&user, 0, sizeof user);
    user.policy = policy;
    user.policy.jitter = DUR_JITTER_NONE;
    user.failures = failures;
    return user;
}

/* ---- The narrative of a retry ---- */

/* The failed attempt is one act of the store: its row and the claim's end. */
static void a_failed_attempt_suspends_the_run_until_the_next_one(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(1);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    waits_assert_says(world, "to try step \"upload\" again (attempt 2): broken 1");
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "suspend run-1 until 2000 put #1 \"upload\" attempt 1 due 2000\n");
    assert_int_equal(user.result, 0); /* a step without a value is zero */
    assert_int_equal(waits_execute_at(world, 2000, work, &user), DUR_OK);
    assert_story(world, "find run-1: suspended epoch 1\n"
                        "claim run-1 after epoch 1 claims 1\n"
                        "load run-1 1..134217727: 0 rows\n"
                        "pending run-1: 1 rows\n"
                        "append run-1 #1 \"upload\" result low 1 clears: recorded\n"
                        "end run-1 completed\n");
    assert_int_equal(user.calls, 2);
    assert_int_equal(user.attempts[1], 2);
    assert_string_equal(user.last_failures[0], "none");
    assert_string_equal(user.last_failures[1], "broken 1");
    assert_true(memory_store_pending(world->witness, "run-1") == 0);
}

/* Executed too early, the run is neither claimed nor read. */
static void a_run_is_not_claimed_before_it_is_due(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(1);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    memory_store_forget(world->witness);
    for (int64_t now = -5000; now < 2000; now += 999) {
        assert_int_equal(waits_execute_at(world, now, work, &user), DUR_SUSPENDED);
        waits_assert_says(world, "it waits until 1970-01-01 00:00:02 UTC");
        assert_story(world, "find run-1: suspended epoch 1\n");
    }
    assert_int_equal(user.calls, 1);
}

static void each_attempt_waits_longer_than_the_one_before(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(4);

    user.policy.max_interval_ms = 3000;
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 2000, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 4000, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 7000, work, &user), DUR_SUSPENDED);
    assert_int_equal(count_in_story(world, "attempt 1 due 2000\n"), 1);
    assert_int_equal(count_in_story(world, "attempt 2 due 4000\n"), 1);
    assert_int_equal(count_in_story(world, "attempt 3 due 7000\n"), 1);
    assert_int_equal(count_in_story(world, "attempt 4 due 10000\n"), 1);
    assert_int_equal(waits_execute_at(world, 10000, work, &user), DUR_OK);
    for (int i = 0; i < 5; i++) assert_int_equal(user.attempts[i], i + 1);
    assert_string_equal(user.last_failures[4], "broken 4");
    assert_true(user.result == 5);
}

/* The pause begins when the attempt has failed, at whatever time the clock shows then. */
static void the_next_time_is_stored_once_whatever_the_clock_does(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(2);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 0, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, INT64_MIN, work, &user), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 2000);
    assert_int_equal(user.calls, 1);
    assert_int_equal(waits_execute_at(world, 1000000, work, &user), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 1002000);
    assert_int_equal(waits_execute_at(world, INT64_MAX, work, &user), DUR_OK);
    assert_int_equal(user.attempts[2], 3);
}

/* Woken and claimed, but the clock goes back before the step is asked for: the pause holds. */
static void a_clock_set_back_within_a_pass_shortens_no_pause(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(1);

    user.clock = &world->clock;
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    memory_store_forget(world->witness);
    user.set_back_to = 1500;
    assert_int_equal(waits_execute_at(world, 2000, work, &user), DUR_SUSPENDED);
    waits_assert_says(world, "position 1: it waits to try step \"upload\" again (attempt 2)");
    assert_story(world, "find run-1: suspended epoch 1\n"
                        "claim run-1 after epoch 1 claims 1\n"
                        "load run-1 1..134217727: 0 rows\n"
                        "pending run-1: 1 rows\n"
                        "suspend run-1 until 2000\n");
    user.set_back_to = 0;
    assert_int_equal(waits_execute_at(world, 2000, work, &user), DUR_OK);
    assert_int_equal(user.calls, 2);
    assert_int_equal(user.attempts[1], 2);
}

/* ---- Limits ---- */

static void the_last_failure_is_the_steps_outcome(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(9);

    user.policy.max_attempts = 2;
    user.catches = true;
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute_at(world, 2000, work, &user), DUR_OK);
    assert_story(world, "find run-1: suspended epoch 1\n"
                        "claim run-1 after epoch 1 claims 1\n"
                        "load run-1 1..134217727: 0 rows\n"
                        "pending run-1: 1 rows\n"
                        "append run-1 #1 \"upload\" failure low 1 clears: recorded\n"
                        "end run-1 completed\n");
    assert_string_equal(user.caught, "broken 2");
    assert_int_equal(user.calls, 2);
}

static void an_exhausted_failure_that_nobody_catches_fails_the_run(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(9);

    user.policy.max_attempts = 2;
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 2000, work, &user), DUR_FAILED);
    assert_string_equal(dur_errmsg(world->log), "broken 2");
    assert_int_equal(waits_execute(world, work, &user), DUR_FAILED);
    assert_int_equal(user.calls, 2);
}

/* Attempts at 1000, 2000 and 4000; the next one would be at 8000. */
static void no_attempt_begins_later_than_max_elapsed_after_the_first(void **state)
{
    (void)state;
    for (int64_t limit = 6999; limit <= 7000; limit++) {
        engine_world world;
        upload user = new_upload(9);
        int expected = limit < 7000 ? 3 : 4;
        const waits_drive drive = {work, &user, NULL, NULL, 20};

        engine_world_open(&world);
        world.clock.now_ms = WAITS_START_MS;
        user.policy.max_elapsed_ms = limit;
        assert_int_equal(waits_run(&world, &drive), DUR_FAILED);
        assert_int_equal(user.calls, expected);
        engine_world_close(&world);
    }
}

static void exhausted_steps_can_park_their_run_for_a_person(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(3);

    user.policy.max_attempts = 2;
    user.policy.exhausted = DUR_EXHAUSTED_PARK;
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute_at(world, 2000, work, &user), DUR_PARKED);
    waits_assert_says(world, "position 1, step \"upload\": given up after 2 attempts: broken 2;"
                             " parked: mend the cause, then execute it again");
    assert_story(world, "find run-1: suspended epoch 1\n"
                        "claim run-1 after epoch 1 claims 1\n"
                        "load run-1 1..134217727: 0 rows\n"
                        "pending run-1: 1 rows\n"
                        "put run-1 #1 \"upload\" attempt 2 due never\n"
                        "end run-1 parked\n");
    /* By hand, one attempt more each time, at once. */
    assert_int_equal(waits_execute(world, work, &user), DUR_PARKED);
    assert_int_equal(user.attempts[2], 3);
    assert_string_equal(user.last_failures[2], "broken 2");
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_int_equal(user.attempts[3], 4);
    assert_true(user.result == 4);
    assert_true(memory_store_pending(world->witness, "run-1") == 0);
}

static void used_up_time_parks_likewise(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(1);

    user.policy.max_elapsed_ms = 999;
    user.policy.exhausted = DUR_EXHAUSTED_PARK;
    assert_int_equal(waits_execute(world, work, &user), DUR_PARKED);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_int_equal(user.attempts[1], 2);
}

/* ---- Which policy, and which failures ---- */

static void without_a_policy_a_failure_is_an_outcome(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(1);

    user.without_policy = true;
    assert_int_equal(waits_execute(world, work, &user), DUR_FAILED);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"upload\" failure low 1: recorded\n"
                        "end run-1 failed\n");
}

/* The log's policy is copied when it is opened. */
static void open_log_with_policy(engine_world *world)
{
    dur_retry policy = DUR_RETRY_INIT;

    policy.initial_ms = 70;
    policy.jitter = DUR_JITTER_NONE;
    world->options.retry = &policy;
    engine_world_succeed(world);
    memset(&policy, 0xff, sizeof policy);
    world->options.retry = NULL;
}

static void the_logs_policy_is_for_steps_that_bring_none(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(1);

    open_log_with_policy(world);
    user.without_policy = true;
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 1070);
    assert_int_equal(waits_execute_at(world, 1070, work, &user), DUR_OK);
}

static void a_step_overrides_the_logs_policy(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(1);

    open_log_with_policy(world);
    user.policy.max_attempts = 1;
    assert_int_equal(waits_execute(world, work, &user), DUR_FAILED);
    assert_int_equal(user.calls, 1);
    assert_int_equal(count_in_story(world, "put"), 0);
}

/* Asked with the failure and its attempt; its no makes the failure an outcome. */
static bool is_not_broken_2(const char *message, int64_t attempt, void *context)
{
    upload *user = context;

    user->questions++;
    assert_true(attempt == user->attempts[user->calls - 1]);
    return strcmp(message, "broken 2") != 0;
}

static void the_predicate_tells_what_is_worth_another_try(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(9);

    user.policy.retryable = is_not_broken_2;
    user.policy.user = &user;
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 2000, work, &user), DUR_FAILED);
    assert_string_equal(dur_errmsg(world->log), "broken 2");
    assert_int_equal(user.questions, 2);
}

static void a_delay_of_the_attempts_own_goes_before_the_policy(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(2);

    user.policy.retryable = is_not_broken_2;
    user.policy.user = &user;
    user.retry_after = 777;
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 1777);
    assert_int_equal(waits_execute_at(world, 1777, work, &user), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 2554);
    assert_int_equal(waits_execute_at(world, 2554, work, &user), DUR_OK);
    assert_int_equal(user.questions, 0);
}

static void but_its_limits_hold(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(9);

    user.policy.max_attempts = 2;
    user.retry_after = 10;
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 1010, work, &user), DUR_FAILED);
    assert_int_equal(user.calls, 2);
}

static void a_step_without_a_policy_that_asks_for_it_is_retried_without_limit(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(40);
    const waits_drive drive = {work, &user, NULL, NULL, 60};

    user.without_policy = true;
    user.retry_after = INT64_C(86400000);
    assert_int_equal(waits_run(world, &drive), DUR_OK);
    assert_int_equal(user.calls, 41);
    assert_true(world->clock.now_ms == 1000 + 40 * INT64_C(86400000));
}

static void a_permanent_failure_is_not_tried_again(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(1);

    user.retry_after = DUR_NEVER;
    assert_int_equal(waits_execute(world, work, &user), DUR_FAILED);
    assert_string_equal(dur_errmsg(world->log), "broken 1");
    assert_int_equal(user.calls, 1);
}

/* ---- Jitter ---- */

/* Law 7: chance is the host's. One number for each failed attempt, and none without jitter. */
static void jitter_is_drawn_from_the_options(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(3);

    user.policy.jitter = DUR_JITTER_FULL;
    user.clock = &world->clock;
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    for (int64_t interval = 1000; interval <= 4000; interval *= 2) {
        int64_t due = memory_store_due(world->witness, "run-1");
        int64_t pause = (int64_t)(fake_clock_random(&user.chance) % (uint64_t)(interval + 1));

        assert_true(due == world->clock.now_ms + pause);
        assert_true(world->clock.random_bytes == user.chance.random_bytes + 8);
        assert_int_equal(waits_execute_at(world, due, work, &user),
                         interval < 4000 ? DUR_SUSPENDED : DUR_OK);
    }
}

static void without_jitter_no_chance_is_asked(void **state)
{
    engine_world *world = *state;
    upload user = new_upload(1);

    user.clock = &world->clock;
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_true(world->clock.random_bytes == user.chance.random_bytes);
}

/* ---- Deaths and faults ---- */

static void reset_upload(engine_world *world, void *context)
{
    upload *user = context;

    *user = new_upload(3);
    user->clock = &world->clock;
}

/* Other machines have other clocks. */
static void set_clock_back(engine_world *world, void *context)
{
    (void)context;
    world->clock.now_ms = 500;
}

/* A cut attempt is made again under its own number; one that was noted is not; and no attempt
 * comes before the pause behind the one before it is over. */
static void check_attempts(engine_world *world, void *context, int code)
{
    upload *user = context;
    int64_t interval = 1000;

    (void)world;
    assert_int_equal(code, DUR_OK);
    assert_true(user->calls >= 4 && user->calls <= 5);
    assert_true(user->attempts[0] == 1 && user->attempts[user->calls - 1] == 4);
    for (int i = 1; i < user->calls; i++) {
        int64_t more = user->attempts[i] - user->attempts[i - 1];

        assert_true(more == 0 || more == 1);
        if (more == 0) continue;
        assert_true(user->times[i] >= user->times[i - 1] + interval);
        interval *= 2;
    }
    assert_true(user->result == 4);
    assert_true(memory_store_pending(world->witness, "run-1") == 0);
}

/* Regression: a retry count that was lost by a restart. */
static void a_death_at_any_verb_resets_no_count_and_shortens_no_pause(void **state)
{
    upload user;
    const waits_sweep sweep = {
        {work, &user, set_clock_back, set_clock_back, 30}, reset_upload, check_attempts};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) > 12);
}

static void a_failing_store_costs_at_most_one_attempt_more(void **state)
{
    upload user;
    const waits_sweep sweep = {{work, &user, NULL, NULL, 30}, reset_upload, check_attempts};

    (void)state;
    assert_true(waits_sweep_faults(&sweep) > 48);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(a_failed_attempt_suspends_the_run_until_the_next_one),
        WAITS_TEST(a_run_is_not_claimed_before_it_is_due),
        WAITS_TEST(each_attempt_waits_longer_than_the_one_before),
        WAITS_TEST(the_next_time_is_stored_once_whatever_the_clock_does),
        WAITS_TEST(a_clock_set_back_within_a_pass_shortens_no_pause),
        WAITS_TEST(the_last_failure_is_the_steps_outcome),
        WAITS_TEST(an_exhausted_failure_that_nobody_catches_fails_the_run),
        WAITS_TEST(no_attempt_begins_later_than_max_elapsed_after_the_first),
        WAITS_TEST(exhausted_steps_can_park_their_run_for_a_person),
        WAITS_TEST(used_up_time_parks_likewise),
        WAITS_TEST(without_a_policy_a_failure_is_an_outcome),
        WAITS_TEST(the_logs_policy_is_for_steps_that_bring_none),
        WAITS_TEST(a_step_overrides_the_logs_policy),
        WAITS_TEST(the_predicate_tells_what_is_worth_another_try),
        WAITS_TEST(a_delay_of_the_attempts_own_goes_before_the_policy),
        WAITS_TEST(but_its_limits_hold),
        WAITS_TEST(a_step_without_a_policy_that_asks_for_it_is_retried_without_limit),
        WAITS_TEST(a_permanent_failure_is_not_tried_again),
        WAITS_TEST(jitter_is_drawn_from_the_options),
        WAITS_TEST(without_jitter_no_chance_is_asked),
        WAITS_TEST(a_death_at_any_verb_resets_no_count_and_shortens_no_pause),
        WAITS_TEST(a_failing_store_costs_at_most_one_attempt_more),
    };

    return cmocka_run_group_tests_name("engine.retry", tests, NULL, NULL);
}
