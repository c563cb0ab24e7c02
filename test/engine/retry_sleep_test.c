/* test/engine: short pauses are slept through while the run is held: in a body, in a step function,
 * and between explicit verbs. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A new owner, whose log sleeps through pauses up to this. */
static void sleep_up_to(engine_world *world, int64_t most_ms)
{
    world->options.sleep_max_ms = most_ms;
    engine_world_succeed(world);
}

typedef struct task {
    dur_retry policy;
    int failures;
    int calls;
    int64_t value;
    bool answers;    /* the step function records its outcome itself */
    bool loops;      /* and goes on itself where it is told to */
    int last_code;   /* what recording the last failure gave */
    dur_run *run;
} task;

static task new_task(int failures)
{
    const dur_retry policy = DUR_RETRY_INIT;
    task user;

    memset(&user, 0, sizeof user);
    user.policy = policy;
    user.policy.jitter = DUR_JITTER_NONE;
    user.failures = failures;
    return user;
}

/* ---- In a body ---- */

static int body_work(dur_run *run, void *context)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    task *user = context;
    int64_t value = -1;

    options.retry = &user->policy;
    DUR_STEP(run, "fetch", value, &options)
    {
        assert_true(value == 0); /* new for each attempt */
        value = ++user->calls;
        assert_true(dur_step_attempt(dur_current_step(run)) == user->calls);
        if (user->calls <= user->failures) dur_fail(run, "broken");
    }
    user->value = value;
    return 0;
}

/* The attempt is in the log before its pause is slept, with a lease that reaches behind it. */
static void a_body_runs_again_after_its_pause(void **state)
{
    engine_world *world = *state;
    task user = new_task(2);

    sleep_up_to(world, 2000);
    assert_int_equal(waits_execute(world, body_work, &user), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "put run-1 #1 \"fetch\" attempt 1 due 2000\n"
                        "put run-1 #1 \"fetch\" attempt 2 due 4000\n"
                        "append run-1 #1 \"fetch\" result low 1 clears: recorded\n"
                        "end run-1 completed\n");
    assert_true(user.value == 3);
    assert_true(world->clock.sleeps == 2 && world->clock.slept_ms == 3000);
}

static void a_longer_pause_suspends(void **state)
{
    engine_world *world = *state;
    task user = new_task(2);

    sleep_up_to(world, 1999);
    assert_int_equal(waits_execute(world, body_work, &user), DUR_SUSPENDED);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "put run-1 #1 \"fetch\" attempt 1 due 2000\n"
                        "suspend run-1 until 4000 put #1 \"fetch\" attempt 2 due 4000\n");
    assert_int_equal(user.value, 0);
    assert_int_equal(waits_execute_at(world, 4000, body_work, &user), DUR_OK);
    assert_int_equal(user.calls, 3);
}

static void the_last_attempt_is_an_outcome(void **state)
{
    engine_world *world = *state;
    task user = new_task(9);

    sleep_up_to(world, 5000);
    user.policy.max_attempts = 3;
    assert_int_equal(waits_execute(world, body_work, &user), DUR_FAILED);
    assert_int_equal(user.calls, 3);
    assert_string_equal(dur_errmsg(world->log), "broken");
}

/* A host that wakes early is sent to sleep again, one whose clock was set back is not. */
static int64_t sleep_rest, sleep_jump;
static fake_clock *sleep_clock;

static void wake_early(void *context)
{
    fake_clock *clock = context;

    clock->now_ms -= sleep_rest;
    sleep_rest /= 2;
}

static void a_sleep_that_ends_early_goes_on(void **state)
{
    engine_world *world = *state;
    task user = new_task(1);

    sleep_up_to(world, 2000);
    sleep_rest = 600;
    world->clock.on_sleep = wake_early;
    world->clock.on_sleep_user = &world->clock;
    assert_int_equal(waits_execute(world, body_work, &user), DUR_OK);
    assert_true(world->clock.now_ms == 2000);
    assert_true(world->clock.sleeps > 2);
}

static void jump(void *context)
{
    (void)context;
    sleep_clock->now_ms += sleep_jump;
}

static void a_clock_that_jumps_while_sleeping_costs_no_longer_sleep(void **state)
{
    static const int64_t jumps[] = {-1000000, -1001, -1000, 1, 1000000};

    (void)state;
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        engine_world world;
        task user = new_task(1);

        engine_world_open(&world);
        world.clock.now_ms = WAITS_START_MS;
        sleep_up_to(&world, 2000);
        sleep_clock = &world.clock;
        sleep_jump = jumps[i];
        world.clock.on_sleep = jump;
        assert_int_equal(waits_execute(&world, body_work, &user), DUR_OK);
        assert_true(world.clock.sleeps == 1 && world.clock.slept_ms == 1000);
        engine_world_close(&world);
    }
}

static void die_asleep(void *context)
{
    memory_store_die(((engine_world *)context)->store, 0);
}

/* Whoever comes next waits for what is left of the pause, asleep or not. */
static void a_death_while_sleeping_shortens_nothing(void **state)
{
    (void)state;
    for (int sleeps = 0; sleeps <= 1; sleeps++) {
        engine_world world;
        task user = new_task(1);

        engine_world_open(&world);
        world.clock.now_ms = WAITS_START_MS;
        sleep_up_to(&world, 2000);
        world.clock.on_sleep = die_asleep;
        world.clock.on_sleep_user = &world;
        assert_int_equal(waits_execute(&world, body_work, &user), DUR_IOERR);
        assert_int_equal(user.calls, 2); /* the dead owner's, which nobody knows of */
        user = new_task(0);
        user.calls = 1;
        world.clock.now_ms = 1400;
        world.clock.on_sleep = NULL;
        world.clock.slept_ms = 0;
        sleep_up_to(&world, sleeps ? 2000 : 0);
        if (!sleeps) {
            assert_int_equal(waits_execute(&world, body_work, &user), DUR_SUSPENDED);
            assert_int_equal(user.calls, 1);
            assert_true(memory_store_due(world.witness, "run-1") == 2000);
            world.clock.now_ms = 2000;
        }
        assert_int_equal(waits_execute(&world, body_work, &user), DUR_OK);
        assert_true(user.value == 2);
        assert_true(world.clock.slept_ms == (sleeps ? 600 : 0));
        assert_true(world.clock.now_ms == 2000);
        engine_world_close(&world);
    }
}

/* ---- In a step function ---- */

static int attempt(dur_step *step, void *context)
{
    task *user = context;
    int code;

    do {
        assert_true(dur_step_attempt(step) == ++user->calls);
        if (user->calls > user->failures) return dur_record_result(step, dur_integer(user->calls));
        if (!user->answers) return 5;
        code = user->last_code = dur_record_failure(step, "broken");
    } while (code == DUR_EXECUTE && user->loops);
    return 0;
}

static int function_work(dur_run *run, void *context)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    task *user = context;
    dur_value value = dur_null();
    int code;

    options.retry = &user->policy;
    code = dur_replay_or_run(run, "fetch", &options, attempt, user, &value);
    if (code != DUR_OK) user->last_code = code;
    if (code == DUR_OK) user->value = value.as.integer;
    return 0;
}

/* Whether it records its failure, returns a number, or goes on by itself when it is told to: each
 * attempt is made once. */
static void a_step_function_runs_again_after_its_pause(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++)
        for (int failures = 0; failures < 4; failures++) {
            engine_world world;
            task user = new_task(failures);

            engine_world_open(&world);
            sleep_up_to(&world, 100000);
            user.answers = way > 0;
            user.loops = way > 1;
            assert_int_equal(waits_execute(&world, function_work, &user), DUR_OK);
            assert_int_equal(user.calls, failures + 1);
            assert_true(user.value == failures + 1);
            assert_true(world.clock.sleeps == failures);
            engine_world_close(&world);
        }
}

static void a_step_function_whose_pause_grows_too_long_suspends(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        engine_world world;
        task user = new_task(3);
        int64_t now;

        engine_world_open(&world);
        sleep_up_to(&world, 2000);
        user.answers = way > 0;
        user.loops = way > 1;
        assert_int_equal(waits_execute(&world, function_work, &user), DUR_SUSPENDED);
        assert_int_equal(user.last_code, DUR_SUSPENDED);
        assert_int_equal(user.calls, 3);
        now = world.clock.now_ms + 4000;
        assert_true(memory_store_due(world.witness, "run-1") == now);
        assert_int_equal(waits_execute_at(&world, now, function_work, &user), DUR_OK);
        assert_int_equal(user.calls, 4);
        engine_world_close(&world);
    }
}

static void a_step_function_that_is_used_up_fails(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        engine_world world;
        task user = new_task(9);

        engine_world_open(&world);
        sleep_up_to(&world, 100000);
        user.policy.max_attempts = 3;
        user.answers = way > 0;
        user.loops = way > 1;
        assert_int_equal(waits_execute(&world, function_work, &user), DUR_FAILED);
        assert_int_equal(user.last_code, DUR_FAILED);
        assert_int_equal(user.calls, 3);
        assert_string_equal(dur_errmsg(world.log), way ? "broken" : "step function returned 5");
        engine_world_close(&world);
    }
}

/* ---- Between the verbs ---- */

static void recording_a_failure_says_that_the_step_is_to_be_executed_again(void **state)
{
    engine_world *world = *state;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    const task user = new_task(0);
    dur_step *step = NULL;
    dur_run *run = NULL;
    const char *key;

    options.retry = &user.policy;
    sleep_up_to(world, 1000);
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "fetch", &options, &step), DUR_EXECUTE);
    assert_true(dur_step_attempt(step) == 1);
    key = dur_step_idempotency_key(step);
    assert_int_equal(dur_record_failure(step, "broken"), DUR_EXECUTE);
    assert_true(dur_step_attempt(step) == 2);
    assert_string_equal(dur_step_last_failure(step), "broken");
    assert_ptr_equal(dur_step_idempotency_key(step), key);
    assert_int_equal(dur_record_result(step, dur_integer(7)), DUR_OK);
    assert_true(dur_step_attempt(step) == 0);
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
    dur_close_run(run);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "put run-1 #1 \"fetch\" attempt 1 due 2000\n"
                        "append run-1 #1 \"fetch\" result low 1 clears: recorded\n"
                        "end run-1 completed\n");
}

/* dur_retry_after() holds for one attempt. */
static void what_one_attempt_asked_for_is_not_the_next_ones(void **state)
{
    engine_world *world = *state;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    const task user = new_task(0);
    dur_step *step = NULL;
    dur_run *run = NULL;

    options.retry = &user.policy;
    sleep_up_to(world, 1000);
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "fetch", &options, &step), DUR_EXECUTE);
    assert_int_equal(dur_retry_after(step, 5), DUR_OK);
    assert_int_equal(dur_record_failure(step, "broken"), DUR_EXECUTE);
    assert_true(world->clock.now_ms == 1005);
    assert_int_equal(dur_record_failure(step, "broken"), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 3005);
    dur_close_run(run);
}

/* ---- The claim ---- */

/* A claim that a long step has prolonged is not cut short by the lease of a later sleep: whoever
 * believes that it holds must be right. */
static int long_step_and_nap(dur_run *run, void *context)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    (void)context;
    options.lease_ms = 3600000;
    DUR_STEP_VOID(run, "long", &options) {}
    return dur_sleep(run, "nap", 500) == DUR_OK ? 0 : 1;
}

static void a_short_sleep_does_not_shorten_a_long_claim(void **state)
{
    engine_world *world = *state;

    sleep_up_to(world, 1000);
    assert_int_equal(waits_execute(world, long_step_and_nap, world), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "renew run-1 until 3601000\n"
                        "append run-1 #1 \"long\" result low 1: recorded\n"
                        "put run-1 #2 \"nap\" attempt 0 due 1500\n"
                        "append run-1 #2 \"nap\" result low 2 clears: recorded\n"
                        "end run-1 completed\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(a_body_runs_again_after_its_pause),
        WAITS_TEST(a_longer_pause_suspends),
        WAITS_TEST(the_last_attempt_is_an_outcome),
        WAITS_TEST(a_sleep_that_ends_early_goes_on),
        WAITS_TEST(a_clock_that_jumps_while_sleeping_costs_no_longer_sleep),
        WAITS_TEST(a_death_while_sleeping_shortens_nothing),
        WAITS_TEST(a_step_function_runs_again_after_its_pause),
        WAITS_TEST(a_step_function_whose_pause_grows_too_long_suspends),
        WAITS_TEST(a_step_function_that_is_used_up_fails),
        WAITS_TEST(recording_a_failure_says_that_the_step_is_to_be_executed_again),
        WAITS_TEST(what_one_attempt_asked_for_is_not_the_next_ones),
        WAITS_TEST(a_short_sleep_does_not_shorten_a_long_claim),
    };

    return cmocka_run_group_tests_name("engine.retry_sleep", tests, NULL, NULL);
}
