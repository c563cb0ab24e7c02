/* test/engine: law 5: code that asks for something else than the log holds is caught before it does
 * harm: no body runs, nothing is appended, the run is parked once. */
#include "support/internal/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

/* ---- Code that changes: each letter is a step's name ---- */

typedef struct code {
    const char *steps;
    int bodies;
    bool asks;      /* asks dur_ok() before each step, and leaves */
    bool fails;     /* returns nonzero at its end */
    int64_t value;
} code;

static int run_code(dur_run *run, void *context)
{
    code *user = context;

    for (const char *at = user->steps; *at && (!user->asks || dur_ok(run)); at++) {
        const char name[2] = {*at, '\0'};

        DUR_STEP(run, name, user->value)
        {
            user->bodies++;
            user->value = *at;
        }
    }
    return user->fails ? 1 : 0;
}

static int execute(engine_world *world, code *user)
{
    return dur_execute(world->log, "letters", "run-1", NULL, run_code, user);
}

/* A run that holds these steps and has not ended. */
static void record(engine_world *world, const char *steps)
{
    code user = {.steps = steps};

    memory_store_fail(world->store, "end", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_BUSY);
    assert_int_equal(user.bodies, strlen(steps));
    memory_store_forget(world->witness);
}

typedef struct change_row {
    const char *recorded;
    const char *code;
    int64_t position;
    dur_change change;
    const char *load;   /* what the replay read, or more, before it diverged */
    const char *detail; /* what the report read */
} change_row;

static void assert_diverges(engine_world *world, code *user, const change_row *row)
{
    const dur_divergence *report;

    assert_int_equal(execute(world, user), DUR_DIVERGED);
    assert_int_equal(user->bodies, 0);
    report = dur_get_divergence(world->log);
    assert_non_null(report);
    if (report->change != row->change)
        fail_msg("\"%s\" for \"%s\": class %d", row->code, row->recorded, (int)report->change);
    assert_true(report->position == row->position);
    assert_string_equal(report->run_id, "run-1");
    assert_string_equal(report->workflow, "letters");
}

static void every_class_of_change_parks_once_and_appends_nothing(void **state)
{
    static const change_row rows[] = {
        {"abcd", "abXcd", 3, DUR_CHANGE_INSERTED, "1..134217727: 4 rows", "2..134217727"},
        {"abcd", "Xabcd", 1, DUR_CHANGE_INSERTED, "1..134217727: 4 rows", "1..134217727"},
        {"abcd", "abd", 3, DUR_CHANGE_REMOVED, "1..134217727: 4 rows", "2..134217727"},
        {"abcd", "bcd", 1, DUR_CHANGE_REMOVED, "1..134217727: 4 rows", "1..134217727"},
        {"abcd", "aXcd", 2, DUR_CHANGE_RENAMED, "1..134217727: 4 rows", "1..134217727"},
        {"abcd", "abcX", 4, DUR_CHANGE_RENAMED, "1..134217727: 4 rows", "3..134217727"},
        {"abcd", "acbd", 2, DUR_CHANGE_REORDERED, "1..134217727: 4 rows", "1..134217727"},
        {"abcd", "ab", 3, DUR_CHANGE_ENDED_EARLY, "1..134217727: 4 rows", "2..134217727"},
        {"abcd", "", 1, DUR_CHANGE_ENDED_EARLY, "1..134217727: 4 rows", "1..134217727"},
        {"abcd", "aXYZ", 2, DUR_CHANGE_UNKNOWN, "1..134217727: 4 rows", "1..134217727"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        engine_world world;
        code user = {.steps = rows[i].code};
        char story[512];
        int detail_rows = (int)(5 - rows[i].position + (rows[i].position > 1));

        engine_world_open(&world);
        record(&world, rows[i].recorded);
        assert_diverges(&world, &user, &rows[i]);
        snprintf(story, sizeof story,
                 "find run-1: running epoch 1\n"
                 "claim run-1 after epoch 1 claims 2\n"
                 "load run-1 %s\n"
                 "load run-1 %s in detail: %d rows\n"
                 "end run-1 parked\n",
                 rows[i].load, rows[i].detail, detail_rows);
        assert_story(&world, story);
        engine_world_close(&world);
    }
}

static void code_that_leaves_at_the_stop_shows_too_little_for_a_class(void **state)
{
    engine_world *world = *state;
    code user = {.steps = "aXcd", .asks = true};
    const change_row row = {"abcd", "aXcd", 2, DUR_CHANGE_UNKNOWN, NULL, NULL};

    record(world, "abcd");
    assert_diverges(world, &user, &row);
    assert_int_equal(count_in_story(world, "end run-1 parked"), 1);
    assert_int_equal(count_in_story(world, "append"), 0);
}

/* "The error cannot be swallowed by workflow code", whatever that returns. */
static void a_divergence_wins_over_what_the_workflow_returns(void **state)
{
    engine_world *world = *state;
    code user = {.steps = "aX", .fails = true};

    record(world, "abcd");
    assert_int_equal(execute(world, &user), DUR_DIVERGED);
    assert_int_equal(count_in_story(world, "end run-1 parked"), 1);
    assert_int_equal(count_in_story(world, "end run-1 failed"), 0);
}

/* Code that ends early by failing must not turn a run with recorded steps into a failed one. */
static void a_failing_return_with_recorded_steps_left_is_a_divergence(void **state)
{
    engine_world *world = *state;
    code user = {.steps = "ab", .fails = true};

    record(world, "abcd");
    assert_int_equal(execute(world, &user), DUR_DIVERGED);
    assert_int_equal(count_in_story(world, "end run-1 parked"), 1);
    assert_int_equal(count_in_story(world, "end run-1 failed"), 0);
}

static void a_step_after_the_recorded_ones_is_no_divergence(void **state)
{
    engine_world *world = *state;
    code user = {.steps = "abcd"};

    record(world, "ab");
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_int_equal(user.bodies, 2);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 2 rows\n"
                        "pending run-1: 0 rows\n"
                        "append run-1 #3 \"c\" result low 3: recorded\n"
                        "append run-1 #4 \"d\" result low 4: recorded\n"
                        "end run-1 completed\n");
}

/* "A parked run resumes when executed again with code that matches." */
static void a_parked_run_goes_on_with_matching_code(void **state)
{
    engine_world *world = *state;
    code changed = {.steps = "aXcd"}, matching = {.steps = "abcd"};

    record(world, "abc");
    assert_int_equal(execute(world, &changed), DUR_DIVERGED);
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &matching), DUR_OK);
    assert_story(world, "find run-1: parked epoch 2\n"
                        "claim run-1 after epoch 2 claims 1\n"
                        "load run-1 1..134217727: 3 rows\n"
                        "pending run-1: 0 rows\n"
                        "append run-1 #4 \"d\" result low 4: recorded\n"
                        "end run-1 completed\n");
    assert_int_equal(matching.bodies, 1);
}

static void a_parked_run_that_still_does_not_match_is_parked_again(void **state)
{
    engine_world *world = *state;
    code changed = {.steps = "aX"};

    record(world, "abc");
    for (int i = 0; i < 20; i++) { /* more often than DUR_CLAIMS_MAX */
        assert_int_equal(execute(world, &changed), DUR_DIVERGED);
        assert_int_equal(count_in_story(world, "end run-1 parked"), 1);
        assert_int_equal(count_in_story(world, "append"), 0);
        memory_store_forget(world->witness);
    }
    assert_int_equal(changed.bodies, 0);
}

/* ---- The report ---- */

static void the_report_shows_both_sides_and_the_neighbours(void **state)
{
    engine_world *world = *state;
    code user = {.steps = "abXd"};
    const dur_divergence *report;
    dur_run_info info = DUR_RUN_INFO_INIT;

    record(world, "abcd");
    assert_int_equal(execute(world, &user), DUR_DIVERGED);
    report = dur_get_divergence(world->log);
    assert_string_equal(report->recorded.name, "c");
    assert_string_equal(report->recorded.kind, "step");
    assert_true(report->recorded.position == 3);
    assert_true(report->recorded.recorded_ms == FAKE_CLOCK_START_MS);
    assert_non_null(strstr(report->recorded.site, "divergence_test.c:"));
    assert_string_equal(report->requested.name, "X");
    assert_true(report->requested.position == 3 && report->requested.recorded_ms == 0);
    assert_non_null(strstr(report->requested.site, "divergence_test.c:"));
    assert_string_equal(report->before.name, "b");
    assert_string_equal(report->after.name, "d");
    assert_non_null(strstr(report->text, "run-1"));
    assert_non_null(strstr(report->text, "2026-01-01 00:00:00 UTC"));

    /* "The text is also in the run's row." */
    assert_int_equal(dur_read_run(world->log, "run-1", &info), DUR_OK);
    assert_int_equal(info.status, DUR_RUN_PARKED);
    assert_string_equal(info.failure, report->text);
}

static void a_report_at_the_ends_has_no_neighbours_there(void **state)
{
    engine_world *world = *state;
    code first = {.steps = "Xb"}, none = {.steps = ""};
    const dur_divergence *report;

    record(world, "a");
    assert_int_equal(execute(world, &first), DUR_DIVERGED);
    report = dur_get_divergence(world->log);
    assert_true(report->before.position == 0 && report->after.position == 0);
    assert_int_equal(execute(world, &none), DUR_DIVERGED);
    report = dur_get_divergence(world->log);
    assert_true(report->requested.position == 0);
    assert_string_equal(report->recorded.name, "a");
}

/* A store that fails makes the report poorer, and the run is left to its next owner: it diverges
 * again, and is parked then. */
static void a_store_that_fails_while_parking_hides_no_divergence(void **state)
{
    engine_world *world = *state;
    code user = {.steps = "aX"};

    record(world, "abc");
    memory_store_fail(world->store, "load", 2, DUR_IOERR, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_DIVERGED);
    assert_non_null(dur_get_divergence(world->log));
    memory_store_forget(world->witness);
    memory_store_fail(world->store, "end", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_DIVERGED);
    assert_int_equal(user.bodies, 0);
    assert_int_equal(count_in_story(world, "append"), 0);
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_DIVERGED);
    assert_int_equal(count_in_story(world, "end run-1 parked\n"), 1);
}

/* The park is fenced: who lost the run while it diverged leaves it as it is. */
static void a_divergence_after_the_claim_was_lost_parks_nothing(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;
    dur_step *step = NULL;
    dur_run_info info = DUR_RUN_INFO_INIT;

    record(world, "abc");
    assert_int_equal(dur_begin_run(world->log, "letters", "run-1", NULL, &run), DUR_OK);
    memory_store_take_over(world->witness, "run-1");
    assert_int_equal(dur_begin_step(run, "X", NULL, &step), DUR_DIVERGED);
    dur_close_run(run);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "another owner takes run-1\n"
                        "load run-1 1..134217727: 3 rows\n"
                        "load run-1 1..134217727 in detail: 3 rows\n"
                        "end run-1 parked: DUR_LOST\n"
                        "release run-1: DUR_LOST\n");
    assert_int_equal(dur_read_run(world->log, "run-1", &info), DUR_OK);
    assert_int_equal(info.status, DUR_RUNNING);
}

/* ---- Values that do not fit ---- */

static int ask_small(dur_run *run, void *context)
{
    int8_t *small = context;

    DUR_STEP(run, "a", *small) { *small = 99; }
    return 0;
}

static void a_value_that_does_not_fit_parks_the_run(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;
    dur_step *step = NULL;
    int8_t small = 5;

    assert_int_equal(dur_begin_run(world->log, "letters", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "a", NULL, &step), DUR_EXECUTE);
    assert_int_equal(dur_record_result(step, dur_integer(1000)), DUR_OK);
    dur_close_run(run);
    memory_store_forget(world->witness);
    assert_int_equal(dur_execute(world->log, "letters", "run-1", NULL, ask_small, &small),
                     DUR_MISMATCH);
    assert_int_equal(dur_get_divergence(world->log)->change, DUR_CHANGE_RETYPED);
    assert_int_equal(small, 0);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 1 rows\n"
                        "load run-1 1..134217727 in detail: 1 rows\n"
                        "end run-1 parked\n");
}

/* ---- Failures that were handled ---- */

typedef struct handling {
    bool catches;
    int bodies;
} handling;

static int fail_then_go_on(dur_run *run, void *context)
{
    handling *user = context;

    DUR_STEP(run, "a")
    {
        user->bodies++;
        dur_fail(run, "broken");
    }
    if (user->catches) dur_catch(run);
    DUR_STEP(run, "b") { user->bodies++; }
    DUR_STEP(run, "c") { user->bodies++; }
    return 0;
}

/* Rows after a failure show that the code which recorded them handled it. Code that does not would
 * fail the run for ever: it has diverged, and the run waits for the right code. */
static void a_handled_failure_that_is_handled_no_more_is_a_divergence(void **state)
{
    engine_world *world = *state;
    handling before = {.catches = true}, after = {.catches = false};

    memory_store_fail(world->store, "end", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(
        dur_execute(world->log, "letters", "run-1", NULL, fail_then_go_on, &before), DUR_BUSY);
    memory_store_forget(world->witness);
    assert_int_equal(
        dur_execute(world->log, "letters", "run-1", NULL, fail_then_go_on, &after), DUR_DIVERGED);
    assert_int_equal(after.bodies, 0);
    assert_int_equal(count_in_story(world, "end run-1 failed"), 0);
    assert_int_equal(count_in_story(world, "end run-1 parked"), 1);
    assert_int_equal(count_in_story(world, "append"), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_of_change_parks_once_and_appends_nothing),
        ENGINE_TEST(code_that_leaves_at_the_stop_shows_too_little_for_a_class),
        ENGINE_TEST(a_divergence_wins_over_what_the_workflow_returns),
        ENGINE_TEST(a_failing_return_with_recorded_steps_left_is_a_divergence),
        ENGINE_TEST(a_step_after_the_recorded_ones_is_no_divergence),
        ENGINE_TEST(a_parked_run_goes_on_with_matching_code),
        ENGINE_TEST(a_parked_run_that_still_does_not_match_is_parked_again),
        ENGINE_TEST(the_report_shows_both_sides_and_the_neighbours),
        ENGINE_TEST(a_report_at_the_ends_has_no_neighbours_there),
        ENGINE_TEST(a_store_that_fails_while_parking_hides_no_divergence),
        ENGINE_TEST(a_divergence_after_the_claim_was_lost_parks_nothing),
        ENGINE_TEST(a_value_that_does_not_fit_parks_the_run),
        ENGINE_TEST(a_handled_failure_that_is_handled_no_more_is_a_divergence),
    };

    return cmocka_run_group_tests_name("engine.divergence", tests, NULL, NULL);
}
