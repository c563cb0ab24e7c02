/* test/engine: patch markers among what goes wrong and what stands open: several steps at once,
 * failures, cancellation, deadlines, bodies, undoing, owners that die and stores that fail. */
#include "patched.h"
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static void assert_rows(engine_world *world, const char *expected)
{
    assert_string_equal(patched_rows(world), expected);
}

/* ---- Several open steps ---- */

typedef struct abreast {
    int asks;     /* before the nth step; 0: never */
    bool answer;
    bool retires; /* asks dur_retire_patch() instead */
    const char *records; /* which steps are recorded, in which order; then the run is left */
} abreast;

static void ask_patch(dur_run *run, abreast *it)
{
    if (it->retires) assert_int_equal(dur_retire_patch(run, "x"), DUR_OK);
    else it->answer = dur_patch(run, "x");
}

/* Two steps that are open beside each other, and a patch. */
static int work_abreast(dur_run *run, void *user)
{
    abreast *it = user;
    dur_step *steps[2] = {NULL, NULL};
    const char *const names[2] = {"a", "b"};

    for (int i = 0; i < 2; i++) {
        if (it->asks == i + 1) ask_patch(run, it);
        if (dur_begin_step(run, names[i], NULL, &steps[i]) < 0) return 0;
    }
    if (it->asks == 3) ask_patch(run, it);
    for (const char *at = it->records; *at; at++) {
        dur_step *step = steps[*at - 'a'];

        if (step) dur_record_result(step, dur_null());
    }
    dur_stop(run, "left");
    return 0;
}

static bool pass_abreast(engine_world *world, abreast it)
{
    engine_world_succeed(world);
    assert_int_equal(dur_execute(world->log, "abreast", PATCHED_ID, NULL, work_abreast, &it),
                     DUR_STOPPED);
    return it.answer;
}

static bool ask_abreast(engine_world *world, int asks, const char *records)
{
    return pass_abreast(world, (abreast){asks, false, false, records});
}

static void none_is_there_with_later_rows(void **state)
{
    engine_world *world = *state;

    ask_abreast(world, 0, "b");
    assert_rows(world, "#b");
    assert_false(ask_abreast(world, 1, ""));
    assert_rows(world, "#b");
    assert_false(ask_abreast(world, 2, "a"));
    assert_rows(world, "ab");
}

static void retiring_finds_nothing_there_either(void **state)
{
    engine_world *world = *state;

    ask_abreast(world, 0, "b");
    pass_abreast(world, (abreast){1, false, true, ""});
    pass_abreast(world, (abreast){2, false, true, ""});
    pass_abreast(world, (abreast){3, false, true, "a"});
    assert_rows(world, "ab");
}

static void retiring_passes_one_among_open_steps(void **state)
{
    engine_world *world = *state;

    ask_abreast(world, 2, "b");
    assert_rows(world, "#Xb");
    pass_abreast(world, (abreast){2, false, true, "a"});
    assert_rows(world, "aXb");
}

/* Recorded between them: `low` tells that the first is open, and each later pass finds it. */
static void a_marker_stands_among_open_steps(void **state)
{
    engine_world *world = *state;

    assert_true(ask_abreast(world, 2, ""));
    assert_rows(world, "#X");
    assert_int_equal(count_in_story(world, "append run-1 #2 \"x\" result low 1: recorded"), 1);
    assert_true(ask_abreast(world, 2, "b"));
    assert_rows(world, "#Xb");
    assert_true(ask_abreast(world, 2, "ab"));
    assert_rows(world, "aXb");
}

static void behind_open_steps_the_log_ends_too(void **state)
{
    engine_world *world = *state;

    assert_true(ask_abreast(world, 3, "b"));
    assert_rows(world, "#bX");
    assert_true(ask_abreast(world, 3, "a"));
    assert_rows(world, "abX");
}

/* ---- Failures ---- */

static int work_failing(dur_run *run, void *user)
{
    patched *it = user;

    DUR_STEP(run, "a") dur_fail(run, "no luck");
    strcat(it->answers, dur_patch(run, "x") ? "1" : "0");
    if (dur_catch(run)) strcat(it->answers, "c");
    strcat(it->answers, dur_patch(run, "x") ? "1" : "0");
    if (it->tried) dur_stop(run, "left");
    return 0;
}

static void a_failure_that_nobody_has_caught_changes_no_answer(void **state)
{
    engine_world *world = *state;

    for (int i = 0; i < 3; i++) {
        patched it = {.tried = i < 2};

        assert_int_equal(dur_execute(world->log, "letters", PATCHED_ID, NULL, work_failing, &it),
                         i < 2 ? DUR_STOPPED : DUR_OK);
        assert_string_equal(it.answers, "1c1");
        assert_rows(world, "aX");
        engine_world_succeed(world);
    }
}

static int work_uncaught(dur_run *run, void *user)
{
    patched *it = user;

    DUR_STEP(run, "a") dur_fail(run, "no luck");
    strcat(it->answers, dur_patch(run, "x") ? "1" : "0");
    if (it->tried) dur_stop(run, "left");
    DUR_STEP(run, "b") it->code_of_retire = 1;
    return 0;
}

/* The run fails at its next step as it would have without the patch, in each pass. */
static void it_handles_no_failure(void **state)
{
    engine_world *world = *state;

    for (int i = 0; i < 2; i++) {
        patched it = {.tried = i == 0};

        assert_int_equal(dur_execute(world->log, "letters", PATCHED_ID, NULL, work_uncaught, &it),
                         i == 0 ? DUR_STOPPED : DUR_FAILED);
        assert_string_equal(it.answers, "1");
        assert_int_equal(it.code_of_retire, 0);
        assert_rows(world, "aX");
    }
}

/* ---- Cancellation and deadlines ---- */

typedef struct ending {
    int before, behind, cleaning; /* what the patch answered; -1: not asked */
    bool asks_first;              /* before the wait at which it is told, too */
    int code;
} ending;

static int work_cancelled(dur_run *run, void *user)
{
    ending *it = user;

    it->before = it->asks_first ? dur_patch(run, "x") : -1;
    it->code = dur_sleep(run, "w", 1000);
    it->behind = it->code == DUR_OK ? -1 : dur_patch(run, "y");
    it->cleaning = dur_cancelled(run) ? dur_patch(run, "y") : -1;
    return 0;
}

static int cancelled(engine_world *world, ending *it)
{
    return dur_execute(world->log, "letters", PATCHED_ID, NULL, work_cancelled, it);
}

/* It delivers nothing: the wait behind it does. On the stopped run it has no answer, and while the
 * code cleans up it has one again. */
static void a_cancelled_run_asks_while_it_cleans_up(void **state)
{
    engine_world *world = *state;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    ending it = {.asks_first = true};

    assert_int_equal(dur_start(world->log, "letters", PATCHED_ID, &start), DUR_OK);
    assert_int_equal(dur_cancel(world->log, PATCHED_ID), DUR_OK);
    memory_store_fail(world->store, "end", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(cancelled(world, &it), DUR_BUSY);
    assert_int_equal(it.code, DUR_CANCELLED);
    assert_int_equal(it.before, 1);
    assert_int_equal(it.behind, 0);
    assert_int_equal(it.cleaning, 1);
    assert_rows(world, "XcY"); /* "cancel" */
    engine_world_succeed(world);
    assert_int_equal(cancelled(world, &it), DUR_CANCELLED);
    assert_int_equal(it.before + it.cleaning, 2);
    assert_int_equal(it.behind, 0);
    assert_rows(world, "XcY");
}

/* A run that was cancelled where there was no patch yet. */
static void where_it_was_cancelled_the_old_way_goes_on(void **state)
{
    engine_world *world = *state;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    ending it = {.asks_first = false};

    assert_int_equal(dur_start(world->log, "letters", PATCHED_ID, &start), DUR_OK);
    assert_int_equal(dur_cancel(world->log, PATCHED_ID), DUR_OK);
    memory_store_fail(world->store, "end", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(cancelled(world, &it), DUR_BUSY);
    assert_rows(world, "cY");
    engine_world_succeed(world);
    it.asks_first = true;
    assert_int_equal(cancelled(world, &it), DUR_CANCELLED);
    assert_int_equal(it.before, 0);
    assert_int_equal(it.cleaning, 1);
}

static void a_deadline_is_heard_behind_it(void **state)
{
    engine_world *world = *state;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    ending it = {.asks_first = true};

    start.deadline_ms = world->clock.now_ms + 5000;
    assert_int_equal(dur_start(world->log, "letters", PATCHED_ID, &start), DUR_OK);
    world->clock.now_ms += 5000;
    assert_int_equal(cancelled(world, &it), DUR_TIMED_OUT);
    assert_int_equal(it.before, 1);
    assert_int_equal(it.code, DUR_TIMED_OUT);
    assert_rows(world, "XdY"); /* "deadline" */
}

/* ---- Where it must not stand ---- */

typedef struct misplaced {
    const char *id;
    bool knows; /* it is asked outside the body first */
    bool retires;
    bool answer;
    int code, bodies;
} misplaced;

static int work_in_body(dur_run *run, void *user)
{
    misplaced *it = user;

    if (it->knows && !dur_patch(run, it->id)) return 1;
    DUR_STEP(run, "a") {
        it->bodies++;
        if (it->retires) it->code = dur_retire_patch(run, it->id);
        else it->answer = dur_patch(run, it->id);
    }
    return 0;
}

static void in_a_body_only_known_ids_have_an_answer(void **state)
{
    engine_world *world = *state;
    misplaced it = {.id = "x"}, retired = {.id = "x", .retires = true};
    misplaced known = {.id = "x", .knows = true};

    assert_int_equal(dur_execute(world->log, "w", "run-1", NULL, work_in_body, &it), DUR_MISUSE);
    assert_false(it.answer);
    waits_assert_says(world, "\"x\" is asked for");
    assert_int_equal(dur_execute(world->log, "w", "run-2", NULL, work_in_body, &retired),
                     DUR_MISUSE);
    assert_int_equal(retired.code, DUR_MISUSE);
    assert_int_equal(dur_execute(world->log, "w", "run-3", NULL, work_in_body, &known), DUR_OK);
    assert_true(known.answer);
}

static int work_misnamed(dur_run *run, void *user)
{
    misplaced *it = user;

    if (it->retires) it->code = dur_retire_patch(run, it->id);
    else it->answer = dur_patch(run, it->id);
    return 0;
}

/* Wherever the run stands: also where the answer would be "false". */
static void a_wrong_id_is_misuse(void **state)
{
    char long_id[DUR_NAME_MAX + 2];
    const char *const ids[] = {NULL, "", "a\tb", "\xff", long_id};

    (void)state;
    memset(long_id, 'x', sizeof long_id);
    long_id[DUR_NAME_MAX + 1] = '\0';
    for (size_t i = 0; i < 4 * (sizeof ids / sizeof ids[0]); i++) {
        misplaced it = {.id = ids[i / 4], .retires = i % 2 != 0};
        engine_world world;
        patched recorded;

        engine_world_open(&world);
        if (i % 4 > 1) patched_execute(&world, "a!", &recorded);
        assert_int_equal(dur_execute(world.log, "letters", PATCHED_ID, NULL, work_misnamed, &it),
                         DUR_MISUSE);
        assert_false(it.answer);
        if (it.retires) assert_int_equal(it.code, DUR_MISUSE);
        waits_assert_says(&world, "patch's id must be");
        engine_world_close(&world);
    }
}

static void nothing_is_asked_of_no_run_and_of_one_that_is_over(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;

    assert_false(dur_patch(NULL, "x"));
    assert_int_equal(dur_retire_patch(NULL, "x"), DUR_MISUSE);
    assert_int_equal(dur_begin_run(world->log, "letters", PATCHED_ID, NULL, &run), DUR_OK);
    assert_true(dur_patch(run, "y"));
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
    assert_false(dur_patch(run, "x"));
    assert_int_equal(dur_retire_patch(run, "x"), DUR_MISUSE);
    assert_true(dur_patch(run, "y"));
    dur_close_run(run);
}

typedef struct undoing {
    dur_run *run;
    const char *id;
    bool answer;
    int bodies;
} undoing;

static int undo_asking(dur_step *step, void *user)
{
    undoing *it = user;

    it->bodies++;
    it->answer = dur_patch(it->run, it->id);
    return dur_record_result(step, dur_null());
}

static int work_undone(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    undoing *it = user;

    it->run = run;
    options.undo = undo_asking;
    options.user = it;
    if (!dur_patch(run, "x")) return 1;
    DUR_STEP_VOID(run, "a", &options) {}
    dur_fail(run, "no luck");
    return 0;
}

/* They are bodies: what the workflow has asked for they may know, too. */
static void undo_functions_are_bodies(void **state)
{
    engine_world *world = *state;
    undoing known = {NULL, "x", false, 0}, unknown = {NULL, "y", false, 0};

    assert_int_equal(dur_execute(world->log, "w", PATCHED_ID, NULL, work_undone, &known),
                     DUR_FAILED);
    assert_true(known.answer);
    assert_rows(world, "Xaa");
    assert_int_equal(dur_execute(world->log, "w", "run-2", NULL, work_undone, &unknown),
                     DUR_MISUSE);
    assert_int_equal(unknown.bodies, 1);
    assert_false(unknown.answer);
}

/* ---- Stops ---- */

static int work_stopped(dur_run *run, void *user)
{
    patched *it = user;

    strcat(it->answers, dur_patch(run, "x") ? "1" : "0");
    dur_stop(run, "left");
    strcat(it->answers, dur_patch(run, "x") ? "1" : "0");
    strcat(it->answers, dur_patch(run, "y") ? "1" : "0");
    it->code_of_retire = dur_retire_patch(run, "y");
    return 0;
}

/* What is allocated where the answer was yes is freed where it is asked again. */
static void a_stopped_run_knows_what_it_has_answered_and_no_more(void **state)
{
    engine_world *world = *state;
    patched it = {0};

    assert_int_equal(dur_execute(world->log, "letters", PATCHED_ID, NULL, work_stopped, &it),
                     DUR_STOPPED);
    assert_string_equal(it.answers, "110");
    assert_int_equal(it.code_of_retire, DUR_STOPPED);
    assert_rows(world, "X");
}

static int work_recording_again(dur_run *run, void *user)
{
    engine_world *world = user;
    dur_step *step;

    assert_int_equal(dur_begin_step(run, "a", NULL, &step), DUR_EXECUTE);
    memory_store_fail(world->store, "append", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_record_result(step, dur_null()), DUR_BUSY);
    assert_false(dur_patch(run, "x"));
    assert_int_equal(dur_record_result(step, dur_null()), DUR_OK);
    assert_int_equal(dur_run_code(run), DUR_BUSY);
    return 0;
}

/* Else the code would go on behind an answer that is none. */
static void a_stop_that_has_answered_is_not_lifted(void **state)
{
    engine_world *world = *state;

    assert_int_equal(
        dur_execute(world->log, "letters", PATCHED_ID, NULL, work_recording_again, world),
        DUR_BUSY);
    assert_rows(world, "a");
}

static void a_marker_that_cannot_be_recorded_stops_the_run(void **state)
{
    static const int codes[] = {DUR_BUSY, DUR_FULL, DUR_IOERR, DUR_LOST, DUR_DATABASE};

    (void)state;
    for (size_t i = 0; i < 2 * (sizeof codes / sizeof codes[0]); i++) {
        int code = codes[i / 2];
        bool survives = i % 2 != 0 && code != DUR_LOST;
        engine_world world;
        patched it;

        engine_world_open(&world);
        memory_store_fail(world.store, "append", 1, code, survives ? MEMORY_AFTER : MEMORY_BEFORE);
        assert_int_equal(patched_execute(&world, "X[n|o]a", &it), code);
        assert_string_equal(it.answers, "0");
        assert_string_equal(it.bodies, "");
        assert_rows(&world, survives ? "X" : "");
        engine_world_succeed(&world);
        assert_int_equal(patched_execute(&world, "X[n|o]a", &it), DUR_OK);
        assert_string_equal(it.answers, "1");
        assert_rows(&world, "Xna");
        engine_world_close(&world);
    }
}

static void a_log_that_cannot_be_read_stops_the_run(void **state)
{
    engine_world *world = *state;
    patched it;

    assert_int_equal(patched_execute(world, "aX!", &it), DUR_STOPPED);
    memory_store_damage_step(world->witness, PATCHED_ID, 2);
    assert_int_equal(patched_execute(world, "aX[n|o]b", &it), DUR_CORRUPT);
    assert_string_equal(it.bodies, "");
}

static void a_lost_marker_is_corrupt_and_not_the_old_way(void **state)
{
    engine_world *world = *state;
    patched it;

    assert_int_equal(patched_execute(world, "aX[n|o]b!", &it), DUR_STOPPED);
    memory_store_delete_step(world->witness, PATCHED_ID, 2);
    assert_int_equal(patched_execute(world, "aX[n|o]b", &it), DUR_CORRUPT);
    assert_string_equal(it.bodies, "");
}

/* ---- Deaths and faults ---- */

static void reset_patched(engine_world *world, void *user)
{
    (void)world;
    memset(user, 0, sizeof(patched));
    ((patched *)user)->code = "aX[n|o]wbX[m|p]Y[q]c";
}

/* In each pass they are the same: what came first, of three answers at most. */
static void check_patched(engine_world *world, void *user, int code)
{
    const patched *it = user;

    assert_int_equal(code, DUR_OK);
    assert_null(strpbrk(it->bodies, "op"));
    assert_int_equal(waits_rows_written(world, "append run-1 #2 \"x\""), 1);
    assert_int_equal(waits_rows_written(world, "append run-1 #7 \"y\""), 1);
    assert_rows(world, "aXnwbmYqc");
}

static void wake(engine_world *world, void *user)
{
    (void)user;
    world->clock.now_ms += 1000;
}

static void a_death_at_any_verb_changes_no_answer(void **state)
{
    patched it;
    const waits_sweep sweep = {
        {patched_workflow, &it, wake, NULL, 20}, reset_patched, check_patched};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) >= 10);
}

static void a_failing_store_changes_no_answer(void **state)
{
    patched it;
    const waits_sweep sweep = {
        {patched_workflow, &it, wake, NULL, 20}, reset_patched, check_patched};

    (void)state;
    assert_true(waits_sweep_faults(&sweep) >= 40);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ENGINE_TEST(none_is_there_with_later_rows),
        ENGINE_TEST(retiring_finds_nothing_there_either),
        ENGINE_TEST(retiring_passes_one_among_open_steps),
        ENGINE_TEST(a_marker_stands_among_open_steps),
        ENGINE_TEST(behind_open_steps_the_log_ends_too),
        ENGINE_TEST(a_failure_that_nobody_has_caught_changes_no_answer),
        ENGINE_TEST(it_handles_no_failure),
        ENGINE_TEST(a_cancelled_run_asks_while_it_cleans_up),
        ENGINE_TEST(where_it_was_cancelled_the_old_way_goes_on),
        ENGINE_TEST(a_deadline_is_heard_behind_it),
        ENGINE_TEST(in_a_body_only_known_ids_have_an_answer),
        cmocka_unit_test(a_wrong_id_is_misuse),
        ENGINE_TEST(nothing_is_asked_of_no_run_and_of_one_that_is_over),
        ENGINE_TEST(undo_functions_are_bodies),
        ENGINE_TEST(a_stopped_run_knows_what_it_has_answered_and_no_more),
        ENGINE_TEST(a_stop_that_has_answered_is_not_lifted),
        cmocka_unit_test(a_marker_that_cannot_be_recorded_stops_the_run),
        ENGINE_TEST(a_log_that_cannot_be_read_stops_the_run),
        ENGINE_TEST(a_lost_marker_is_corrupt_and_not_the_old_way),
        cmocka_unit_test(a_death_at_any_verb_changes_no_answer),
        cmocka_unit_test(a_failing_store_changes_no_answer),
    };

    return cmocka_run_group_tests_name("engine.patch_trouble", tests, NULL, NULL);
}
