/* test/engine: law 5 where nothing is recorded yet: code that asks for something else than what
 * waits at a position is caught before it does harm. And damaged rows of what waits. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

/* What stands at position 2, behind a step. */
typedef enum asks {
    ASKS_STEP,
    ASKS_TIMER,
    ASKS_RECEIVE,
    ASKS_SELECT,
    ASKS_CALLBACK,
    ASKS_NOTHING,
    ASKS_COUNT
} asks;

typedef struct visit {
    asks asks;
    const char *name;
    int bodies;
} visit;

static int ask_step(dur_run *run, visit *user)
{
    dur_retry policy = DUR_RETRY_INIT;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int64_t value = 0;

    policy.jitter = DUR_JITTER_NONE;
    options.retry = &policy;
    DUR_STEP(run, user->name, value, &options)
    {
        value = ++user->bodies;
        if (dur_step_attempt(dur_current_step(run)) == 1) dur_fail(run, "no");
    }
    return 0;
}

static int ask_callback(dur_run *run, const char *name)
{
    dur_step *callback = NULL;
    int code = dur_begin_callback(run, name, NULL, &callback);

    return code == DUR_OK ? dur_await(callback, NULL) : code;
}

static int work(dur_run *run, void *context)
{
    visit *user = context;
    const dur_case one = dur_on_timer(1000);
    int code = 0;

    DUR_STEP(run, "before") {}
    switch (user->asks) {
    case ASKS_STEP: return ask_step(run, user);
    case ASKS_TIMER: code = dur_sleep(run, user->name, 1000); break;
    case ASKS_RECEIVE: code = dur_receive(run, user->name, 1000, NULL); break;
    case ASKS_SELECT: code = dur_select(run, user->name, &one, 1, NULL); break;
    case ASKS_CALLBACK: code = ask_callback(run, user->name); break;
    default: break;
    }
    return code == DUR_OK || code == DUR_TIMED_OUT ? 0 : 1;
}

static const char *const kinds[] = {"step", "timer", "receive", "select", "callback"};

/* Every kind that waits, against every other request: nothing runs, nothing is written but the
 * report, the run is parked, and code that fits goes on where it was. */
static void other_requests_at_what_waits_are_caught_before_harm(void **state)
{
    (void)state;
    for (asks waits = ASKS_STEP; waits < ASKS_NOTHING; waits++)
        for (asks wants = ASKS_STEP; wants < ASKS_NOTHING; wants++)
            for (int renamed = 0; renamed < 2; renamed++) {
                visit old = {waits, "same", 0}, new = {wants, renamed ? "other" : "same", 0};
                engine_world world;
                const dur_divergence *report;
                char words[160];

                if (waits == wants && !renamed) continue;
                engine_world_open(&world);
                world.clock.now_ms = WAITS_START_MS;
                assert_int_equal(waits_execute(&world, work, &old), DUR_SUSPENDED);
                memory_store_answer(world.witness, "run-1", 2, dur_null(), 1500);
                memory_store_forget(world.witness);
                assert_int_equal(waits_execute_at(&world, 2000, work, &new), DUR_DIVERGED);
                assert_int_equal(new.bodies, 0);
                snprintf(words, sizeof words, "position 2: the log holds %s \"same\" (no call"
                                              " site), the code asks for %s \"%s\"",
                         kinds[waits], kinds[wants], new.name);
                waits_assert_says(&world, words);
                assert_story(&world, "find run-1: suspended epoch 1\n"
                                     "claim run-1 after epoch 1 claims 1\n"
                                     "load run-1 1..134217727: 1 rows\n"
                                     "pending run-1: 1 rows\n"
                                     "load run-1 1..134217727 in detail: 1 rows\n"
                                     "end run-1 parked\n");
                report = dur_get_divergence(world.log);
                assert_non_null(report);
                assert_true(report->position == 2);
                assert_string_equal(report->recorded.kind, kinds[waits]);
                assert_string_equal(report->recorded.name, "same");
                assert_true(report->recorded.recorded_ms == 1000);
                assert_string_equal(report->requested.kind, kinds[wants]);
                assert_string_equal(report->before.name, "before");
                assert_true(memory_store_pending(world.witness, "run-1") == 1);
                assert_int_equal(waits_execute(&world, work, &old), DUR_OK);
                engine_world_close(&world);
            }
}

static void code_that_ends_without_asking_for_what_waits_is_caught(void **state)
{
    (void)state;
    for (asks waits = ASKS_STEP; waits < ASKS_NOTHING; waits++) {
        visit old = {waits, "same", 0}, new = {ASKS_NOTHING, "", 0};
        engine_world world;
        char words[160];

        engine_world_open(&world);
        world.clock.now_ms = WAITS_START_MS;
        assert_int_equal(waits_execute(&world, work, &old), DUR_SUSPENDED);
        memory_store_answer(world.witness, "run-1", 2, dur_null(), 1500);
        assert_int_equal(waits_execute_at(&world, 2000, work, &new), DUR_DIVERGED);
        snprintf(words, sizeof words, "position 2: the log holds %s \"same\" (no call site), but"
                                      " the code ended without asking for it",
                 kinds[waits]);
        waits_assert_says(&world, words);
        assert_int_equal(dur_get_divergence(world.log)->change, DUR_CHANGE_ENDED_EARLY);
        assert_int_equal(waits_execute(&world, work, &old), DUR_OK);
        engine_world_close(&world);
    }
}

/* The code that is waiting now had handled the failure: code that does not is another one. */
static int catch_and_sleep(dur_run *run, void *context)
{
    const bool *catches = context;

    DUR_STEP(run, "pay") { dur_fail(run, "no money"); }
    if (*catches) dur_catch(run);
    return dur_sleep(run, "nap", 1000) == DUR_OK ? 0 : 1;
}

static void a_failure_that_was_caught_before_the_wait_must_be_caught_again(void **state)
{
    engine_world *world = *state;
    bool catches = true;

    assert_int_equal(waits_execute(world, catch_and_sleep, &catches), DUR_SUSPENDED);
    catches = false;
    assert_int_equal(waits_execute_at(world, 2000, catch_and_sleep, &catches), DUR_DIVERGED);
    catches = true;
    assert_int_equal(waits_execute(world, catch_and_sleep, &catches), DUR_OK);
}

/* ---- Damage ---- */

/* Law 9: what waits cannot be read: nothing is executed on top of it. */
static void a_damaged_row_of_what_waits_is_corrupt_and_named(void **state)
{
    engine_world *world = *state;
    visit user = {ASKS_STEP, "same", 0};

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    memory_store_damage_pending(world->witness, "run-1", 2);
    assert_int_equal(waits_execute_at(world, 2000, work, &user), DUR_CORRUPT);
    waits_assert_says(world, "run \"run-1\", position 2");
    assert_int_equal(user.bodies, 1);
    user.asks = ASKS_NOTHING;
    assert_int_equal(waits_execute_at(world, 2000, work, &user), DUR_CORRUPT);
}

/* ---- Wrong names, wrong policies, wrong times ---- */

typedef int wrong_call(dur_run *run);

static int sleep_without_name(dur_run *run)
{
    return dur_sleep(run, NULL, 5);
}

static int sleep_until_with_empty_name(dur_run *run)
{
    return dur_sleep_until(run, "", 5);
}

static int receive_with_a_tab(dur_run *run)
{
    return dur_receive(run, "\t1", 5, NULL);
}

static int select_with_wrong_utf8(dur_run *run)
{
    const dur_case one = dur_on_timer(5);

    return dur_select(run, "\xc3", &one, 1, NULL);
}

static int receive_with_negative_timeout(dur_run *run)
{
    return dur_receive(run, "go", -2, NULL);
}

static int begin_with(dur_run *run, const dur_retry *retry, const dur_retry *poll)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_step *step = NULL;

    options.retry = retry;
    options.poll = poll;
    return dur_begin_step(run, "step", &options, &step);
}

static int step_with_wrong_retry(dur_run *run)
{
    dur_retry policy = DUR_RETRY_INIT;

    policy.coefficient = 0.5;
    return begin_with(run, &policy, NULL);
}

static int step_with_wrong_poll(dur_run *run)
{
    dur_retry policy = DUR_RETRY_INIT;

    policy.initial_ms = -1;
    return begin_with(run, NULL, &policy);
}

static int sleep_in_a_body(dur_run *run)
{
    int code = DUR_OK;

    DUR_STEP(run, "body") { code = dur_sleep(run, "nap", 5); }
    return code;
}

typedef struct wrong_row {
    wrong_call *call;
    const char *words;
} wrong_row;

static void wrong_calls_stop_the_run_with_words(void **state)
{
    static const wrong_row rows[] = {
        {sleep_without_name, "1 to 255 bytes of UTF-8 without control characters, not NULL"},
        {sleep_until_with_empty_name, "1 to 255 bytes of UTF-8 without control characters"},
        {receive_with_a_tab, "1 to 255 bytes of UTF-8 without control characters"},
        {select_with_wrong_utf8, "1 to 255 bytes of UTF-8 without control characters"},
        {receive_with_negative_timeout,
         "dur_receive() takes a timeout in ms or DUR_FOREVER, not -2"},
        {step_with_wrong_retry,
         "the retry policy of the step's options: its coefficient must be 0 or from 1 to 1000000"},
        {step_with_wrong_poll,
         "the poll policy of the step's options: its initial_ms must not be negative"},
        {sleep_in_a_body, "the body of step \"body\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        engine_world world;
        dur_run *run = NULL;

        engine_world_open(&world);
        assert_int_equal(dur_begin_run(world.log, "work", "run-1", NULL, &run), DUR_OK);
        assert_int_equal(rows[i].call(run), DUR_MISUSE);
        if (!strstr(dur_run_errmsg(run), rows[i].words)) fail_msg("%s", dur_run_errmsg(run));
        assert_int_equal(dur_run_code(run), DUR_MISUSE);
        assert_int_equal(dur_complete_run(run, dur_null()), DUR_MISUSE);
        dur_close_run(run);
        assert_int_equal(count_in_story(&world, "append"), 0);
        assert_int_equal(count_in_story(&world, "put"), 0);
        engine_world_close(&world);
    }
    assert_int_equal(dur_sleep(NULL, "nap", 5), DUR_MISUSE);
    assert_int_equal(dur_sleep_until(NULL, "nap", 5), DUR_MISUSE);
    assert_int_equal(dur_receive(NULL, "go", 5, NULL), DUR_MISUSE);
    assert_int_equal(dur_select(NULL, "first", NULL, 0, NULL), DUR_MISUSE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(other_requests_at_what_waits_are_caught_before_harm),
        WAITS_TEST(code_that_ends_without_asking_for_what_waits_is_caught),
        WAITS_TEST(a_failure_that_was_caught_before_the_wait_must_be_caught_again),
        WAITS_TEST(a_damaged_row_of_what_waits_is_corrupt_and_named),
        WAITS_TEST(wrong_calls_stop_the_run_with_words),
    };

    return cmocka_run_group_tests_name("engine.pending", tests, NULL, NULL);
}
