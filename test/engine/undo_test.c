/* test/engine: compensation: what a run has begun is undone when it does not complete, the newest
 * first, each by a durable step; a crash between any two of them goes on where it was. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#define STEPS 3

typedef struct undo_of {
    struct saga *saga;
    int step;
} undo_of;

/* Three steps, "reserve", "charge" and "ship", whose effects the world outside counts. */
typedef struct saga {
    engine_world *world;
    dur_retry policy;
    bool with_policy;
    int fails_at;       /* this step fails; STEPS: the workflow itself does, at its end */
    bool completes;
    bool catches;       /* there has to be a failure, and it is caught */
    bool verbs;         /* the steps are asked for by dur_begin_step() */
    bool interrupted_at_fail; /* the owner dies in that step's body, once */
    bool waits;         /* before the end, for a signal that does not come */
    int undo_failures[STEPS]; /* so many attempts at this undo fail */
    bool dies_in_undo;        /* in the body of the first one, once */
    bool silent;              /* undo functions give no answer */
    undo_of undos[STEPS];
    int effects[STEPS];
    int undone[STEPS];
    int64_t seen[STEPS];  /* dur_step_value() in the last undo; -1: null */
    int64_t positions[STEPS];
    char order[128];      /* the undo functions that recorded an outcome */
} saga;

static const char *const names[STEPS] = {"reserve", "charge", "ship"};

static int take_back(dur_step *step, void *user)
{
    undo_of *undo = user;
    saga *it = undo->saga;
    dur_value value = dur_step_value(step);

    it->undone[undo->step]++;
    it->seen[undo->step] = value.type == DUR_INTEGER ? value.as.integer : -1;
    it->positions[undo->step] = dur_step_position(step);
    if (it->silent) return 0;
    if (it->dies_in_undo) {
        it->dies_in_undo = false;
        memory_store_die(it->world->store, 0);
    }
    if (dur_step_attempt(step) <= it->undo_failures[undo->step])
        return dur_record_failure(step, "no connection");
    return dur_record_result(step, dur_null());
}

static void note_effect(saga *it, int step)
{
    it->effects[step]++;
    if (step == it->fails_at && it->interrupted_at_fail) {
        it->interrupted_at_fail = false;
        memory_store_die(it->world->store, 0);
    }
}

static void ask_by_verbs(dur_run *run, saga *it, int i, const dur_step_options *options)
{
    dur_step *step = NULL;

    if (dur_begin_step(run, names[i], options, &step) != DUR_EXECUTE) return;
    note_effect(it, i);
    if (i == it->fails_at)
        dur_record_failure(step, "broken");
    else
        dur_record_result(step, dur_integer(100 + i));
}

static void ask(dur_run *run, saga *it, int i)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int64_t value = 0;

    options.undo = take_back;
    options.user = &it->undos[i];
    if (it->with_policy) options.retry = &it->policy;
    if (it->verbs) {
        ask_by_verbs(run, it, i, &options);
        return;
    }
    DUR_STEP(run, names[i], value, &options)
    {
        note_effect(it, i);
        value = 100 + i;
        if (i == it->fails_at) {
            dur_retry_after(dur_current_step(run), DUR_NEVER);
            dur_fail(run, "broken");
        }
    }
}

static int work(dur_run *run, void *user)
{
    saga *it = user;

    for (int i = 0; i < STEPS; i++) ask(run, it, i);
    if (it->waits && dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    if (it->catches && !dur_catch(run)) return 8;
    return it->completes ? 0 : 7;
}

static saga new_saga(engine_world *world, int fails_at)
{
    const dur_retry policy = DUR_RETRY_INIT;
    saga it;

    memset(&it, 0, sizeof it);
    it.world = world;
    it.fails_at = fails_at;
    it.policy = policy;
    it.policy.jitter = DUR_JITTER_NONE;
    return it;
}

static int execute(engine_world *world, saga *it)
{
    for (int i = 0; i < STEPS; i++) it->undos[i] = (undo_of){it, i};
    return waits_execute(world, work, it);
}

/* ---- The order, and what an undo is told ---- */

static void a_failing_run_is_undone_newest_first(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, STEPS);

    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_string_equal(dur_errmsg(world->log), "workflow returned 7");
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"reserve\" result low 1: recorded\n"
                        "append run-1 #2 \"charge\" result low 2: recorded\n"
                        "append run-1 #3 \"ship\" result low 3: recorded\n"
                        "load run-1 3..3: 1 rows\n"
                        "append run-1 #4 \"ship\" result low 4: recorded\n"
                        "load run-1 2..2: 1 rows\n"
                        "append run-1 #5 \"charge\" result low 5: recorded\n"
                        "load run-1 1..1: 1 rows\n"
                        "append run-1 #6 \"reserve\" result low 6: recorded\n"
                        "end run-1 failed\n");
    for (int i = 0; i < STEPS; i++) {
        assert_int_equal(it.undone[i], 1);
        assert_int_equal(it.seen[i], 100 + i);
    }
}

/* The step that failed may have had a part of its effect: it is undone, and has no value. What was
 * never begun is not. */
static void the_step_that_failed_is_undone_and_those_behind_it_are_not(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, 1);

    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_string_equal(dur_errmsg(world->log), "broken");
    assert_int_equal(it.undone[0], 1);
    assert_int_equal(it.undone[1], 1);
    assert_int_equal(it.undone[2], 0);
    assert_int_equal(it.seen[0], 100);
    assert_int_equal(it.seen[1], -1);
    assert_int_equal(it.positions[1], 3);
    assert_int_equal(it.positions[0], 4);
}

static void a_caught_failure_undoes_nothing_where_the_run_completes(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, 2);

    it.catches = true;
    it.completes = true;
    assert_int_equal(execute(world, &it), DUR_OK);
    for (int i = 0; i < STEPS; i++) assert_int_equal(it.undone[i], 0);
}

static void an_ended_run_is_not_undone_again(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, STEPS);

    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_int_equal(it.undone[0] + it.undone[1] + it.undone[2], 3);
}

/* ---- An undo that fails ---- */

static void an_undo_that_fails_is_recorded_and_told_and_the_others_run(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, STEPS);

    it.undo_failures[1] = 1;
    it.undo_failures[0] = 1;
    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_string_equal(dur_errmsg(world->log),
                        "workflow returned 7; undoing \"charge\" failed: no connection; undoing"
                        " \"reserve\" failed: no connection");
    assert_int_equal(count_in_story(world, "#5 \"charge\" failure"), 1);
    assert_int_equal(count_in_story(world, "#6 \"reserve\" failure"), 1);
    assert_int_equal(it.undone[2], 1);
}

/* Between two attempts nobody holds the run, and the policy is the undone step's. */
static void an_undo_is_tried_again_by_the_policy_of_its_step(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, STEPS);

    it.with_policy = true;
    it.undo_failures[2] = 2;
    assert_int_equal(execute(world, &it), DUR_SUSPENDED);
    waits_assert_says(world, "position 4: it waits to try step \"ship\" again (attempt 2)");
    assert_true(memory_store_due(world->witness, "run-1") == 2000);
    world->clock.now_ms = 2000;
    assert_int_equal(execute(world, &it), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 4000);
    world->clock.now_ms = 4000;
    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_int_equal(it.undone[2], 3);
    assert_int_equal(it.undone[0], 1);
    assert_int_equal(it.effects[2], 1);
    assert_int_equal(memory_store_pending(world->witness, "run-1"), 0);
}

/* The failure is met at a request here, whose position is that of the undo that waits. */
static void an_undo_waits_also_at_the_position_of_a_step_that_was_never_begun(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, 1);

    it.with_policy = true;
    it.undo_failures[1] = 1;
    it.undo_failures[0] = 1;
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(execute(world, &it), DUR_SUSPENDED);
        world->clock.now_ms = memory_store_due(world->witness, "run-1");
    }
    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_string_equal(dur_errmsg(world->log), "broken");
    assert_int_equal(it.effects[1], 1);
    assert_int_equal(it.undone[0], 2);
    assert_int_equal(it.undone[1], 2);
    assert_int_equal(it.undone[2], 0);
}

static void an_undo_without_attempts_left_parks_the_run_where_its_policy_says_so(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, STEPS);

    it.with_policy = true;
    it.policy.max_attempts = 1;
    it.policy.exhausted = DUR_EXHAUSTED_PARK;
    it.undo_failures[2] = 1;
    assert_int_equal(execute(world, &it), DUR_PARKED);
    assert_int_equal(it.undone[1], 0);
    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_int_equal(it.undone[2], 2);
    assert_int_equal(it.undone[0], 1);
}

static void an_undo_without_an_answer_is_misuse(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, STEPS);

    it.silent = true;
    assert_int_equal(execute(world, &it), DUR_MISUSE);
    waits_assert_says(world, "returned 0 without recording an outcome");
    it.silent = false;
    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_int_equal(it.undone[2], 2);
}

/* ---- Divergence ---- */

/* Law 5: no undo runs where the code left out what the log holds. */
static void code_that_ended_early_undoes_nothing(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, STEPS);

    it.waits = true;
    assert_int_equal(execute(world, &it), DUR_SUSPENDED);
    memory_store_signal(world->witness, "run-1", "go", dur_null(), world->clock.now_ms);
    it.waits = false; /* the wait is gone from the code */
    assert_int_equal(execute(world, &it), DUR_DIVERGED);
    assert_int_equal(it.undone[2], 0);
    it.waits = true;
    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_int_equal(it.undone[2], 1);
}

/* ---- Interrupted steps ---- */

/* Its body ran, and no row tells so: with the verbs nobody knows whether it was begun. */
static void a_step_that_a_crash_cut_short_is_executed_again_and_undone_once(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, 1);

    it.interrupted_at_fail = true;
    execute(world, &it);
    engine_world_succeed(world);
    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_int_equal(it.effects[1], 2);
    assert_int_equal(it.undone[1], 1);
    assert_int_equal(it.undone[0], 1);
}

static void a_step_asked_for_by_the_verbs_behind_a_failure_is_not_undone_by_its_first_owner(
    void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, 1);

    it.verbs = true;
    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_int_equal(it.undone[0], 1);
    assert_int_equal(it.undone[1], 1);
    assert_int_equal(it.undone[2], 0);
}

/* A later owner cannot know whether an earlier one had begun it beside the step that failed. */
static void a_step_that_may_have_been_open_beside_the_failed_one_is_undone(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, 1);

    it.verbs = true;
    it.interrupted_at_fail = true;
    execute(world, &it);
    engine_world_succeed(world);
    it.dies_in_undo = true;
    execute(world, &it);
    assert_int_equal(it.undone[2], 1);
    engine_world_succeed(world);
    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_int_equal(it.undone[2], 2); /* its row was not written */
    assert_int_equal(it.seen[2], -1);
    assert_int_equal(it.undone[1], 1);
    assert_int_equal(it.undone[0], 1);
}

/* ---- Cancelled runs ---- */

static void a_cancelled_run_is_undone_and_ends_as_cancelled(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, -1);

    it.waits = true;
    it.with_policy = true;
    it.undo_failures[1] = 1;
    assert_int_equal(execute(world, &it), DUR_SUSPENDED);
    assert_int_equal(dur_cancel(world->log, "run-1"), DUR_OK);
    assert_int_equal(execute(world, &it), DUR_SUSPENDED);
    assert_int_equal(it.undone[2], 1);
    assert_true(memory_store_due(world->witness, "run-1") == 2000);
    world->clock.now_ms = 2000;
    assert_int_equal(execute(world, &it), DUR_CANCELLED);
    assert_int_equal(it.undone[2], 1);
    assert_int_equal(it.undone[1], 2);
    assert_int_equal(it.undone[0], 1);
    assert_int_equal(it.seen[0], 100);
}

/* It fails already, and goes on doing so. */
static void a_cancellation_that_comes_while_it_is_undone_changes_nothing(void **state)
{
    engine_world *world = *state;
    saga it = new_saga(world, 1);

    it.with_policy = true;
    it.undo_failures[1] = 1;
    assert_int_equal(execute(world, &it), DUR_SUSPENDED);
    assert_int_equal(dur_cancel(world->log, "run-1"), DUR_OK);
    assert_int_equal(execute(world, &it), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 2000);
    world->clock.now_ms = 2000;
    assert_int_equal(execute(world, &it), DUR_FAILED);
    assert_int_equal(it.undone[1], 2);
    assert_int_equal(it.undone[0], 1);
}

/* ---- Deaths and faults ---- */

static void reset(engine_world *world, void *user)
{
    saga *it = user;
    int fails_at = it->fails_at;
    bool waits = it->waits, verbs = it->verbs;

    *it = new_saga(world, fails_at);
    it->waits = waits;
    it->verbs = verbs;
    it->with_policy = true;
    it->undo_failures[1] = 1;
    for (int i = 0; i < STEPS; i++) it->undos[i] = (undo_of){it, i};
}

static int last_undone(const saga *it)
{
    return it->fails_at == 1 ? 1 : STEPS - 1;
}

/* Each undo that belongs to it was recorded once, in this order, whatever came between. */
static void check(engine_world *world, void *user, int code)
{
    const saga *it = user;

    assert_int_equal(code, DUR_FAILED);
    for (int i = 0; i <= last_undone(it); i++) {
        char row[64];

        snprintf(row, sizeof row, "#%d \"%s\" result", 2 * last_undone(it) + 2 - i, names[i]);
        assert_int_equal(waits_rows_written(world, row), 1);
        assert_true(it->undone[i] >= 1);
    }
    assert_int_equal(memory_store_pending(world->witness, "run-1"), 0);
}

static void sweep(engine_world *world, int fails_at)
{
    saga it = new_saga(world, fails_at);
    waits_sweep all = {{work, &it, NULL, NULL, 12}, reset, check};

    assert_true(waits_sweep_deaths(&all) > 8);
    assert_true(waits_sweep_faults(&all) > 32);
}

static void a_death_or_a_fault_at_any_verb_goes_on_where_it_was(void **state)
{
    sweep(*state, STEPS);
}

static void so_it_does_where_the_run_fails_at_a_request(void **state)
{
    sweep(*state, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAITS_TEST(a_failing_run_is_undone_newest_first),
        WAITS_TEST(the_step_that_failed_is_undone_and_those_behind_it_are_not),
        WAITS_TEST(a_caught_failure_undoes_nothing_where_the_run_completes),
        WAITS_TEST(an_ended_run_is_not_undone_again),
        WAITS_TEST(an_undo_that_fails_is_recorded_and_told_and_the_others_run),
        WAITS_TEST(an_undo_is_tried_again_by_the_policy_of_its_step),
        WAITS_TEST(an_undo_waits_also_at_the_position_of_a_step_that_was_never_begun),
        WAITS_TEST(an_undo_without_attempts_left_parks_the_run_where_its_policy_says_so),
        WAITS_TEST(an_undo_without_an_answer_is_misuse),
        WAITS_TEST(code_that_ended_early_undoes_nothing),
        WAITS_TEST(a_step_that_a_crash_cut_short_is_executed_again_and_undone_once),
        WAITS_TEST(
            a_step_asked_for_by_the_verbs_behind_a_failure_is_not_undone_by_its_first_owner),
        WAITS_TEST(a_step_that_may_have_been_open_beside_the_failed_one_is_undone),
        WAITS_TEST(a_cancelled_run_is_undone_and_ends_as_cancelled),
        WAITS_TEST(a_cancellation_that_comes_while_it_is_undone_changes_nothing),
        WAITS_TEST(a_death_or_a_fault_at_any_verb_goes_on_where_it_was),
        WAITS_TEST(so_it_does_where_the_run_fails_at_a_request),
    };
    return cmocka_run_group_tests_name("compensation", tests, NULL, NULL);
}
