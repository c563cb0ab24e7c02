/* test/engine: children: runs that a run calls, or starts and awaits. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

/* ---- Called ---- */

typedef struct family {
    int inner_calls, inner_steps, outer_steps;
    int64_t pause_ms; /* that the child waits */
    bool fails, catches;
    int64_t result;
    int code;
    char caught[64];
} family;

static int inner(dur_run *run, void *context)
{
    family *user = context;
    int64_t value = 0;

    user->inner_calls++;
    DUR_STEP(run, "compute", value)
    {
        user->inner_steps++;
        value = dur_input(run).as.integer * 2;
    }
    if (user->pause_ms && dur_sleep(run, "pause", user->pause_ms) != DUR_OK) return 0;
    if (user->fails) dur_fail(run, "no luck");
    dur_set_output(run, dur_integer(value));
    return 0;
}

static int outer(dur_run *run, void *context)
{
    family *user = context;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    const char *failure;
    dur_value value;

    options.file = NULL;
    options.input = dur_integer(21);
    user->code = dur_call(run, "inner", &options, inner, user, &value);
    user->result = value.as.integer;
    failure = user->catches ? dur_catch(run) : NULL;
    if (failure) snprintf(user->caught, sizeof user->caught, "%s", failure);
    DUR_STEP(run, "after") { user->outer_steps++; }
    return 0;
}

/* A child is a run of its own: its end is one commit, its parent's row another; the parent
 * remembers from the child's first commit on that it is there. */
static void a_called_child_is_a_run_and_one_row_of_its_parent(void **state)
{
    engine_world *world = *state;
    family user = {0};

    assert_int_equal(waits_execute(world, outer, &user), DUR_OK);
    assert_int_equal(user.result, 42);
    assert_int_equal(count_in_story(world, "create run-1/1"), 1);
    assert_int_equal(count_in_story(world, "append run-1/1 #1 \"compute\" result"), 1);
    assert_int_equal(count_in_story(world, "append run-1 #1 \"inner\" result"), 1);
    assert_int_equal(count_in_story(world, "append run-1 #2 \"after\" result"), 1);
}

/* Law 4: cached once finished: neither is the function called nor are its steps read again. */
static void a_finished_child_is_replayed_from_its_parents_row(void **state)
{
    engine_world *world = *state;
    family user = {0};
    dur_run *run;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(outer(run, &user), 0);
    engine_world_succeed(world);
    dur_close_run(run);
    assert_int_equal(waits_execute(world, outer, &user), DUR_OK);
    assert_int_equal(user.inner_calls, 1);
    assert_int_equal(user.inner_steps, 1);
    assert_int_equal(user.outer_steps, 1);
    assert_int_equal(user.result, 42);
}

/* The parent waits with its child, is due with it, and the child goes on where it was. */
static void a_parent_suspends_with_its_child(void **state)
{
    engine_world *world = *state;
    family user = {.pause_ms = 5000};

    assert_int_equal(waits_execute(world, outer, &user), DUR_SUSPENDED);
    waits_assert_says(world, "position 1: it waits for child \"inner\"");
    assert_true(memory_store_due(world->witness, "run-1") == 6000);
    assert_int_equal(waits_execute_at(world, 5999, outer, &user), DUR_SUSPENDED);
    assert_int_equal(user.inner_calls, 1);
    assert_int_equal(waits_execute_at(world, 6000, outer, &user), DUR_OK);
    assert_int_equal(user.inner_calls, 2);
    assert_int_equal(user.inner_steps, 1);
    assert_int_equal(user.result, 42);
}

static void a_childs_failure_is_caught_in_its_parent(void **state)
{
    engine_world *world = *state;
    family user = {.fails = true, .catches = true};

    assert_int_equal(waits_execute(world, outer, &user), DUR_OK);
    assert_int_equal(user.code, DUR_FAILED);
    assert_string_equal(user.caught, "no luck");
    assert_int_equal(user.result, 0);
}

static void a_childs_failure_that_nobody_catches_fails_its_parent(void **state)
{
    engine_world *world = *state;
    family user = {.fails = true};

    assert_int_equal(waits_execute(world, outer, &user), DUR_FAILED);
    assert_string_equal(dur_errmsg(world->log), "no luck");
    assert_int_equal(user.outer_steps, 0);
}

/* The parent's positions would shift on replay, where the child's function is not called. */
static int asks_its_parent(dur_run *run, void *context)
{
    dur_run *parent = context;

    (void)run;
    DUR_STEP(parent, "stray") { fail_msg("the body of a stray step ran"); }
    return 0;
}

static int stray(dur_run *run, void *context)
{
    (void)context;
    return dur_call(run, "inner", NULL, asks_its_parent, run, NULL);
}

static void a_child_must_not_ask_its_parent(void **state)
{
    engine_world *world = *state;

    assert_int_equal(waits_execute(world, stray, NULL), DUR_MISUSE);
    waits_assert_says(world, "\"stray\"");
}

/* ---- Nested ---- */

static int nest(dur_run *run, void *context)
{
    int *most = context;
    int64_t depth = dur_input(run).as.integer;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;

    if (depth > *most) *most = (int)depth;
    options.input = dur_integer(depth + 1);
    return dur_call(run, "deeper", &options, nest, context, NULL) == DUR_OK ? 0 : 1;
}

static void children_are_nested_up_to_a_limit(void **state)
{
    engine_world *world = *state;
    int most = 0;

    assert_int_equal(waits_execute(world, nest, &most), DUR_MISUSE);
    waits_assert_says(world, "nested deeper than 32");
    assert_int_equal(most, DUR_DEPTH_MAX);
}

/* ---- Started ---- */

typedef struct company {
    int on_parent_end;
    bool awaits, fails;
    int code;
    int64_t value;
} company;

static int parent(dur_run *run, void *context)
{
    company *user = context;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_step *child;
    dur_value value;

    options.file = NULL;
    options.run_id = "child-1";
    options.on_parent_end = user->on_parent_end;
    if (dur_start_child(run, "background", "child", &options, &child) != DUR_OK) return 0;
    assert_string_equal(dur_child_id(child), "child-1");
    if (user->fails) return 1;
    if (!user->awaits) return 0;
    user->code = dur_await(child, &value);
    user->value = value.as.integer;
    return 0;
}

static int answers(dur_run *run, void *context)
{
    (void)context;
    dur_set_output(run, dur_integer(7));
    return 0;
}

static int execute_child(engine_world *world)
{
    return dur_execute(world->log, "child", "child-1", NULL, answers, NULL);
}

/* The child's end is its parent's news, in the child's own last commit. */
static void a_started_child_is_awaited(void **state)
{
    engine_world *world = *state;
    company user = {.awaits = true};

    assert_int_equal(waits_execute(world, parent, &user), DUR_SUSPENDED);
    waits_assert_says(world, "it waits for child \"background\"");
    assert_int_equal(execute_child(world), DUR_OK);
    assert_true(memory_store_due(world->witness, "run-1") <= world->clock.now_ms);
    assert_int_equal(waits_execute(world, parent, &user), DUR_OK);
    assert_int_equal(user.code, DUR_OK);
    assert_int_equal(user.value, 7);
    assert_int_equal(waits_execute(world, parent, &user), DUR_OK);
}

static void a_parent_completes_when_its_child_has_ended(void **state)
{
    engine_world *world = *state;
    company user = {.on_parent_end = DUR_CHILD_WAIT};

    assert_int_equal(waits_execute(world, parent, &user), DUR_SUSPENDED);
    assert_int_equal(execute_child(world), DUR_OK);
    assert_int_equal(waits_execute(world, parent, &user), DUR_OK);
}

static bool is_cancelling(engine_world *world)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_int_equal(dur_read_run(world->log, "child-1", &info), DUR_OK);
    return info.cancelling;
}

static void a_parent_that_fails_cancels_the_child_that_it_would_wait_for(void **state)
{
    engine_world *world = *state;
    company user = {.on_parent_end = DUR_CHILD_WAIT, .fails = true};

    assert_int_equal(waits_execute(world, parent, &user), DUR_FAILED);
    assert_true(is_cancelling(world));
}

static void a_parent_cancels_or_leaves_its_child(void **state)
{
    engine_world *world = *state;
    company cancels = {.on_parent_end = DUR_CHILD_CANCEL};
    company leaves = {.on_parent_end = DUR_CHILD_LEAVE};

    assert_int_equal(waits_execute(world, parent, &cancels), DUR_OK);
    assert_true(is_cancelling(world));
    assert_int_equal(engine_world_teardown(state), 0);
    assert_int_equal(waits_setup(state), 0);
    world = *state;
    assert_int_equal(waits_execute(world, parent, &leaves), DUR_OK);
    assert_false(is_cancelling(world));
    assert_int_equal(execute_child(world), DUR_OK);
}

static void another_run_of_that_id_is_a_conflict(void **state)
{
    engine_world *world = *state;
    company user = {.awaits = true};

    assert_int_equal(dur_start(world->log, "child", "child-1", NULL), DUR_OK);
    assert_int_equal(waits_execute(world, parent, &user), DUR_CONFLICT);
    waits_assert_says(world, "there is another run of the id \"child-1\"");
}

/* ---- Owners that die, and stores that fail ---- */

static void reset_family(engine_world *world, void *user)
{
    family *its = user;
    int64_t pause_ms = its->pause_ms;

    (void)world;
    memset(its, 0, sizeof *its);
    its->pause_ms = pause_ms;
}

static void check_family(engine_world *world, void *user, int code)
{
    const family *its = user;

    assert_int_equal(code, DUR_OK);
    assert_int_equal(its->result, 42);
    assert_int_equal(waits_rows_written(world, "append run-1/1 #1 \"compute\" result"), 1);
    assert_int_equal(waits_rows_written(world, "append run-1 #1 \"inner\" result"), 1);
    assert_int_equal(waits_rows_written(world, "append run-1 #2 \"after\" result"), 1);
}

static void whoever_dies_where_the_child_has_one_end(void **state)
{
    family user = {.pause_ms = 100};
    waits_sweep sweep = {{outer, &user, NULL, NULL, 60}, reset_family, check_family};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) > 10);
    assert_true(waits_sweep_faults(&sweep) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAITS_TEST(a_called_child_is_a_run_and_one_row_of_its_parent),
        WAITS_TEST(a_finished_child_is_replayed_from_its_parents_row),
        WAITS_TEST(a_parent_suspends_with_its_child),
        WAITS_TEST(a_childs_failure_is_caught_in_its_parent),
        WAITS_TEST(a_childs_failure_that_nobody_catches_fails_its_parent),
        WAITS_TEST(a_child_must_not_ask_its_parent),
        WAITS_TEST(children_are_nested_up_to_a_limit),
        WAITS_TEST(a_started_child_is_awaited),
        WAITS_TEST(a_parent_completes_when_its_child_has_ended),
        WAITS_TEST(a_parent_that_fails_cancels_the_child_that_it_would_wait_for),
        WAITS_TEST(a_parent_cancels_or_leaves_its_child),
        WAITS_TEST(another_run_of_that_id_is_a_conflict),
        WAITS_TEST(whoever_dies_where_the_child_has_one_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
