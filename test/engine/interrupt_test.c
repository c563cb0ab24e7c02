/* test/engine: cancellation and deadlines of runs. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct errand {
    bool cleans;
    int cleaned, went;
    int code;
} errand;

static int work(dur_run *run, void *context)
{
    errand *user = context;

    DUR_STEP(run, "prepare") {}
    user->code = dur_receive(run, "go", DUR_FOREVER, NULL);
    if (user->code != DUR_OK) {
        if (user->cleans && dur_cancelled(run))
            DUR_STEP(run, "clean") { user->cleaned++; }
        return 0;
    }
    DUR_STEP(run, "go") { user->went++; }
    return 0;
}

/* Delivered once, at a position of its own, at once, whatever the run waits for. */
static void a_suspended_run_is_cancelled(void **state)
{
    engine_world *world = *state;
    errand user = {0};

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(dur_cancel(world->log, "run-1"), DUR_OK);
    assert_int_equal(dur_cancel(world->log, "run-1"), DUR_REPLAYED);
    assert_int_equal(waits_execute(world, work, &user), DUR_CANCELLED);
    assert_int_equal(user.code, DUR_CANCELLED);
    assert_string_equal(dur_errmsg(world->log), "cancelled");
    assert_int_equal(count_in_story(world, "append run-1 #2 \"cancel\" result"), 1);
    assert_int_equal(waits_execute(world, work, &user), DUR_CANCELLED);
    assert_int_equal(dur_cancel(world->log, "run-1"), DUR_ENDED);
    assert_int_equal(dur_cancel(world->log, "run-2"), DUR_NOT_FOUND);
}

static void a_cancelled_workflow_cleans_up(void **state)
{
    engine_world *world = *state;
    errand user = {.cleans = true};

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(dur_cancel(world->log, "run-1"), DUR_OK);
    assert_int_equal(waits_execute(world, work, &user), DUR_CANCELLED);
    assert_int_equal(user.cleaned, 1);
    assert_int_equal(count_in_story(world, "append run-1 #3 \"clean\" result"), 1);
}

/* A run that is to begin later has its first position for it, now. */
static void a_run_is_cancelled_before_it_begins(void **state)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    engine_world *world = *state;
    errand user = {0};

    start.start_at_ms = 5000;
    assert_int_equal(dur_start(world->log, "work", "run-1", &start), DUR_OK);
    assert_int_equal(dur_cancel(world->log, "run-1"), DUR_OK);
    assert_int_equal(dur_execute(world->log, "work", "run-1", NULL, work, &user), DUR_CANCELLED);
    assert_int_equal(count_in_story(world, "append run-1 #1 \"cancel\" result"), 1);
}

static int execute_until(engine_world *world, int64_t deadline_ms, errand *user)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.deadline_ms = deadline_ms;
    return dur_execute(world->log, "work", "run-1", &start, work, user);
}

/* A wait does not outlast the run's deadline. */
static void a_deadline_ends_a_wait_and_the_run(void **state)
{
    engine_world *world = *state;
    errand user = {.cleans = true};

    assert_int_equal(execute_until(world, 9000, &user), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 9000);
    world->clock.now_ms = 9000;
    assert_int_equal(execute_until(world, 0, &user), DUR_TIMED_OUT);
    assert_int_equal(user.code, DUR_TIMED_OUT);
    assert_int_equal(user.cleaned, 1);
    assert_string_equal(dur_errmsg(world->log), "its deadline has passed");
    assert_int_equal(execute_until(world, 0, &user), DUR_TIMED_OUT);
}

/* ---- Awaiting ---- */

static int approve(dur_run *run, void *context)
{
    errand *user = context;
    dur_step *callback;

    if (dur_begin_callback(run, "approval", NULL, &callback) != DUR_OK) return 0;
    DUR_STEP(run, "ask") { user->went++; }
    user->code = dur_await(callback, NULL);
    if (dur_cancelled(run)) DUR_STEP(run, "withdraw") { user->cleaned++; }
    return 0;
}

/* Awaiting asks for no position: the next one is taken. */
static void a_run_that_awaits_a_callback_is_cancelled(void **state)
{
    engine_world *world = *state;
    errand user = {0};

    assert_int_equal(waits_execute(world, approve, &user), DUR_SUSPENDED);
    assert_int_equal(dur_cancel(world->log, "run-1"), DUR_OK);
    assert_int_equal(waits_execute(world, approve, &user), DUR_CANCELLED);
    assert_int_equal(user.code, DUR_CANCELLED);
    assert_int_equal(user.went, 1);
    assert_int_equal(user.cleaned, 1);
    assert_int_equal(count_in_story(world, "append run-1 #3 \"cancel\" result"), 1);
    assert_int_equal(count_in_story(world, "append run-1 #4 \"withdraw\" result"), 1);
}

/* ---- Children hear of it first ---- */

static int call(dur_run *run, void *context)
{
    errand *user = context;

    if (dur_call(run, "inner", NULL, work, user, NULL) == DUR_FAILED) dur_catch(run);
    DUR_STEP(run, "next") { user->went++; }
    return 0;
}

static void a_called_child_is_cancelled_before_its_parent(void **state)
{
    engine_world *world = *state;
    errand user = {.cleans = true};

    assert_int_equal(waits_execute(world, call, &user), DUR_SUSPENDED);
    assert_int_equal(dur_cancel(world->log, "run-1"), DUR_OK);
    assert_int_equal(waits_execute(world, call, &user), DUR_CANCELLED);
    assert_int_equal(user.cleaned, 1);
    assert_int_equal(user.went, 0);
    assert_int_equal(count_in_story(world, "append run-1/1 #2 \"cancel\" result"), 1);
    assert_int_equal(count_in_story(world, "append run-1 #1 \"inner\" failure"), 1);
    assert_int_equal(count_in_story(world, "append run-1 #2 \"cancel\" result"), 1);
}

static int call_only(dur_run *run, void *context)
{
    errand *user = context;

    user->code = dur_call(run, "inner", NULL, work, user, NULL);
    return 0;
}

/* What the child failed of is the end of its parent, which is no failure of its own. */
static void a_parent_that_does_not_catch_it_is_cancelled_too(void **state)
{
    engine_world *world = *state;
    errand user = {0};
    dur_run *run;

    assert_int_equal(waits_execute(world, call_only, &user), DUR_SUSPENDED);
    assert_int_equal(dur_cancel(world->log, "run-1"), DUR_OK);
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(call_only(run, &user), 0);
    assert_int_equal(user.code, DUR_CANCELLED);
    engine_world_succeed(world);
    dur_close_run(run);
    assert_int_equal(waits_execute(world, call_only, &user), DUR_CANCELLED);
    assert_int_equal(user.code, DUR_CANCELLED);
    assert_int_equal(waits_rows_written(world, "append run-1 #2 \"cancel\" result"), 1);
}

/* ---- Owners that die, and stores that fail ---- */

static void reset(engine_world *world, void *context)
{
    errand *user = context;

    (void)world;
    memset(user, 0, sizeof *user);
    user->cleans = true;
}

/* By somebody who does not die. */
static void cancel_it(engine_world *world, void *context)
{
    durable_store *witness = world->witness;
    int code = witness->methods->cancel_run(witness, "run-1", world->clock.now_ms);

    (void)context;
    assert_true(code == DUR_OK || code == DUR_REPLAYED);
}

static void check(engine_world *world, void *context, int code)
{
    (void)context;
    assert_int_equal(code, DUR_CANCELLED);
    assert_int_equal(waits_rows_written(world, "#2 \"cancel\" result"), 1);
    assert_int_equal(waits_rows_written(world, "#3 \"clean\" result"), 1);
}

static void whoever_dies_where_it_is_cancelled_once(void **state)
{
    errand user;
    waits_sweep sweep = {{work, &user, cancel_it, NULL, 60}, reset, check};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) > 5);
    assert_true(waits_sweep_faults(&sweep) > 5);
}

/* A callback that was opened before the wait keeps its position; the request to end has that of the
 * wait. */
static int selects(dur_run *run, void *context)
{
    errand *user = context;
    dur_case cases[2];
    dur_step *callback;
    size_t which;

    if (dur_begin_callback(run, "approval", NULL, &callback) != DUR_OK) return 0;
    cases[0] = dur_on_signal("go");
    cases[1] = dur_on_step(callback);
    user->code = dur_select(run, "either", cases, 2, &which);
    return 0;
}

static void a_run_that_selects_behind_an_open_callback_is_cancelled(void **state)
{
    engine_world *world = *state;
    errand user = {0};

    assert_int_equal(waits_execute(world, selects, &user), DUR_SUSPENDED);
    assert_int_equal(dur_cancel(world->log, "run-1"), DUR_OK);
    assert_int_equal(waits_execute(world, selects, &user), DUR_CANCELLED);
    assert_int_equal(count_in_story(world, "append run-1 #2 \"cancel\" result"), 1);
}

/* Law 3: where what is remembered of a step cannot be read, no body runs. */
static int fails_once(dur_run *run, void *context)
{
    errand *user = context;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_retry retry = DUR_RETRY_INIT;
    dur_step *step;

    options.retry = &retry;
    options.file = NULL;
    if (dur_begin_step(run, "fragile", &options, &step) != DUR_EXECUTE) return 0;
    user->went++;
    dur_record_failure(step, "no luck");
    return 0;
}

static void a_run_with_a_deadline_executes_nothing_that_it_cannot_read(void **state)
{
    engine_world *world = *state;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    errand user = {0};

    start.deadline_ms = INT64_C(1000000);
    assert_int_equal(dur_execute(world->log, "work", "run-1", &start, fails_once, &user),
                     DUR_SUSPENDED);
    world->clock.now_ms += 5000;
    memory_store_fail(world->store, "pending", 1, DUR_FULL, MEMORY_BEFORE);
    assert_int_equal(waits_execute(world, fails_once, &user), DUR_FULL);
    assert_int_equal(user.went, 1);
}

/* A request to end that was heard by the wait behind a child that failed is heard there again, and
 * the failure is caught again. */
static int catches(dur_run *run, void *context)
{
    errand *user = context;

    if (dur_call(run, "inner", NULL, work, user, NULL) == DUR_FAILED && dur_catch(run))
        user->went++;
    if (dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK && dur_cancelled(run))
        user->code = dur_sleep(run, "cool off", 5000);
    return 0;
}

static void a_caught_failure_before_the_end_is_caught_again(void **state)
{
    engine_world *world = *state;
    errand user = {0};

    assert_int_equal(waits_execute(world, catches, &user), DUR_SUSPENDED);
    assert_int_equal(dur_cancel(world->log, "run-1/1"), DUR_OK);
    assert_int_equal(waits_execute(world, catches, &user), DUR_SUSPENDED);
    assert_int_equal(user.went, 1);
    assert_int_equal(dur_cancel(world->log, "run-1"), DUR_OK);
    assert_int_equal(waits_execute(world, catches, &user), DUR_SUSPENDED);
    assert_int_equal(user.went, 2);
    world->clock.now_ms += 5000;
    assert_int_equal(waits_execute(world, catches, &user), DUR_CANCELLED);
    assert_int_equal(user.went, 3);
    assert_int_equal(user.code, DUR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAITS_TEST(a_suspended_run_is_cancelled),
        WAITS_TEST(a_cancelled_workflow_cleans_up),
        WAITS_TEST(a_run_is_cancelled_before_it_begins),
        WAITS_TEST(a_deadline_ends_a_wait_and_the_run),
        WAITS_TEST(a_run_that_awaits_a_callback_is_cancelled),
        WAITS_TEST(a_run_that_selects_behind_an_open_callback_is_cancelled),
        WAITS_TEST(a_run_with_a_deadline_executes_nothing_that_it_cannot_read),
        WAITS_TEST(a_caught_failure_before_the_end_is_caught_again),
        WAITS_TEST(a_called_child_is_cancelled_before_its_parent),
        WAITS_TEST(a_parent_that_does_not_catch_it_is_cancelled_too),
        WAITS_TEST(whoever_dies_where_it_is_cancelled_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
