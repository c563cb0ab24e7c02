/* test/engine: a run with several open steps waits: those that are put off, those that are still
 * executed, and the one time that the claim is given back. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const dur_retry policy = {sizeof policy, 1000, 2.0, 0, 0, 0, DUR_JITTER_NONE, 0, NULL, NULL};
static const dur_retry slow_policy = {sizeof policy, 9000, 2.0, 0, 0, 0, DUR_JITTER_NONE, 0, NULL,
                                      NULL};

static dur_run *begin_run(engine_world *world)
{
    dur_run *run = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    return run;
}

static int begin_with(dur_run *run, const char *name, const dur_retry *retry, dur_step **step)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    options.retry = retry;
    options.file = NULL;
    return dur_begin_step(run, name, &options, step);
}

static dur_step *begin(dur_run *run, const char *name)
{
    dur_step *step = NULL;

    assert_int_equal(begin_with(run, name, &policy, &step), DUR_EXECUTE);
    return step;
}

/* ---- Put off beside others ---- */

/* The others may still be recorded after one was put off; the run is given back when the pass ends,
 * once. */
static void the_claim_stays_while_other_steps_are_executed(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin_run(world);
    dur_step *a = begin(run, "a"), *b = begin(run, "b"), *c = begin(run, "c"), *d = NULL;

    assert_int_equal(dur_record_failure(b, "no"), DUR_SUSPENDED);
    assert_false(dur_ok(run));
    assert_int_equal(dur_run_code(run), DUR_SUSPENDED);
    assert_int_equal(dur_record_result(a, dur_null()), DUR_OK);
    assert_int_equal(dur_record_failure(b, "no"), DUR_MISUSE);
    assert_non_null(strstr(dur_run_errmsg(run), "was put off already"));
    assert_int_equal(begin_with(run, "d", NULL, &d), DUR_SUSPENDED);
    assert_null(d);
    assert_int_equal(dur_record_result(c, dur_null()), DUR_OK);
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_SUSPENDED);
    dur_close_run(run);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "put run-1 #2 \"b\" attempt 1 due 2000\n"
                        "append run-1 #1 \"a\" result low 1: recorded\n"
                        "append run-1 #3 \"c\" result low 2: recorded\n"
                        "suspend run-1 until 2000\n");

    world->clock.now_ms = 2000;
    run = begin_run(world);
    assert_int_equal(begin_with(run, "a", &policy, &a), DUR_REPLAYED);
    assert_int_equal(begin_with(run, "b", &policy, &b), DUR_EXECUTE);
    assert_true(dur_step_attempt(b) == 2);
    assert_int_equal(begin_with(run, "c", &policy, &c), DUR_REPLAYED);
    assert_int_equal(dur_record_result(b, dur_null()), DUR_OK);
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
    dur_close_run(run);
    assert_story(world, "find run-1: suspended epoch 1\n"
                        "claim run-1 after epoch 1 claims 1\n"
                        "load run-1 1..134217727: 2 rows\n"
                        "summarize run-1: last 3 epoch 1 low 2\n"
                        "pending run-1: 1 rows\n"
                        "append run-1 #2 \"b\" result low 2 clears: recorded\n"
                        "end run-1 completed\n");
}

/* The run is due when the first of them is. */
static void a_run_that_was_suspended_twice_is_left_once(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        engine_world world;
        dur_step *slow = NULL, *quick = NULL;
        dur_run *run;

        engine_world_open(&world);
        world.clock.now_ms = WAITS_START_MS;
        run = begin_run(&world);
        assert_int_equal(begin_with(run, "slow", &slow_policy, &slow), DUR_EXECUTE);
        assert_int_equal(begin_with(run, "quick", &policy, &quick), DUR_EXECUTE);
        assert_int_equal(dur_record_failure(order ? slow : quick, "no"), DUR_SUSPENDED);
        assert_int_equal(dur_record_failure(order ? quick : slow, "no"), DUR_SUSPENDED);
        assert_int_equal(count_in_story(&world, "suspend"), 0);
        dur_close_run(run);
        assert_int_equal(count_in_story(&world, "suspend run-1 until 2000\n"), 1);
        assert_int_equal(count_in_story(&world, "put run-1 #1 \"slow\" attempt 1 due 10000\n"), 1);
        assert_int_equal(count_in_story(&world, "put run-1 #2 \"quick\" attempt 1 due 2000\n"), 1);
        assert_int_equal(count_in_story(&world, "release"), 0);
        engine_world_close(&world);
    }
}

/* Nothing else is open: the claim is given back with the attempt's row, in one act, and what the
 * closing does later is nothing. */
static void a_run_whose_only_open_step_is_put_off_is_left_at_once(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin_run(world);
    dur_step *a = begin(run, "a");

    assert_int_equal(dur_record_result(a, dur_null()), DUR_OK);
    assert_int_equal(dur_record_failure(begin(run, "b"), "no"), DUR_SUSPENDED);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"a\" result low 1: recorded\n"
                        "suspend run-1 until 2000 put #2 \"b\" attempt 1 due 2000\n");
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_SUSPENDED);
    assert_int_equal(dur_fail_run(run, "no"), DUR_SUSPENDED);
    dur_close_run(run);
    assert_story(world, "");
}

/* A wait beside executing steps suspends, too, and they may still be recorded. */
static void a_sleep_beside_executing_steps_waits_for_them(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin_run(world);
    dur_step *a = begin(run, "a");

    assert_int_equal(dur_sleep(run, "nap", 5000), DUR_SUSPENDED);
    assert_int_equal(dur_record_result(a, dur_null()), DUR_OK);
    dur_close_run(run);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "put run-1 #2 \"nap\" attempt 0 due 6000\n"
                        "append run-1 #1 \"a\" result low 1: recorded\n"
                        "suspend run-1 until 6000\n");
}

/* What the wait was for is kept until the run is left: a signal wakes it. */
static void a_receive_beside_executing_steps_is_woken_by_its_signal(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin_run(world);
    dur_step *a = begin(run, "a");

    assert_int_equal(dur_receive(run, "go", DUR_FOREVER, NULL), DUR_SUSPENDED);
    assert_int_equal(memory_store_signal(world->witness, "run-1", "go", dur_null(), 1200), DUR_OK);
    assert_int_equal(dur_record_failure(a, "no"), DUR_SUSPENDED);
    world->clock.now_ms = 1500;
    dur_close_run(run);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "peek run-1 \"go\": none\n"
                        "put run-1 #2 \"go\" attempt 0 due never\n"
                        "somebody signals run-1 \"go\"\n"
                        "put run-1 #1 \"a\" attempt 1 due 2000\n"
                        "suspend run-1 until 2000 for \"go\": due now\n");
    assert_true(memory_store_due(world->witness, "run-1") == 1500);
}

/* ---- With a failing store ---- */

/* Law 3: what was executed and could not be recorded is kept, and the claim guards it, though the
 * run waits for another step. */
static void what_is_kept_beside_a_step_put_off_is_not_lost(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin_run(world);
    dur_step *a = begin(run, "a"), *b = begin(run, "b");

    assert_int_equal(dur_record_failure(a, "no"), DUR_SUSPENDED);
    memory_store_fail(world->store, "append", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_record_result(b, dur_integer(7)), DUR_BUSY);
    dur_close_run(run);
    world->clock.now_ms = 2000;
    run = begin_run(world);
    assert_int_equal(begin_with(run, "a", &policy, &a), DUR_EXECUTE);
    assert_true(dur_step_attempt(a) == 2);
    assert_int_equal(begin_with(run, "b", &policy, &b), DUR_REPLAYED);
    assert_true(dur_step_value(b).as.integer == 7);
    assert_int_equal(dur_record_result(a, dur_null()), DUR_OK);
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
    dur_close_run(run);
}

static const dur_retry parking = {sizeof policy,       1000, 2.0, 0, 1, 0, DUR_JITTER_NONE,
                                  DUR_EXHAUSTED_PARK, NULL, NULL};

static void what_is_kept_beside_a_step_that_parks_is_not_lost(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin_run(world);
    dur_step *a = NULL, *b = NULL;

    assert_int_equal(begin_with(run, "a", &parking, &a), DUR_EXECUTE);
    assert_int_equal(begin_with(run, "b", &policy, &b), DUR_EXECUTE);
    assert_int_equal(dur_record_failure(a, "no"), DUR_PARKED);
    memory_store_fail(world->store, "append", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_record_result(b, dur_integer(7)), DUR_BUSY);
    dur_close_run(run);
    /* What was kept is written; nobody has looked at the run: it is parked, without an attempt. */
    run = begin_run(world);
    assert_int_equal(begin_with(run, "a", &parking, &a), DUR_PARKED);
    dur_close_run(run);
    assert_int_equal(count_in_story(world, "end run-1 parked\n"), 1);
    run = begin_run(world);
    assert_int_equal(begin_with(run, "a", &parking, &a), DUR_EXECUTE);
    assert_int_equal(begin_with(run, "b", &policy, &b), DUR_REPLAYED);
    dur_close_run(run);
}

/* Parking outranks waiting, whichever of two steps came first. */
static void parking_outranks_waiting(void **state)
{
    engine_world *world = *state;

    for (int order = 0; order < 2; order++) {
        dur_run *run = begin_run(world);
        dur_step *a = NULL, *b = NULL;

        assert_int_equal(begin_with(run, "a", &parking, &a), DUR_EXECUTE);
        assert_int_equal(begin_with(run, "b", &policy, &b), DUR_EXECUTE);
        if (order) assert_int_equal(dur_record_failure(b, "no"), DUR_SUSPENDED);
        assert_int_equal(dur_record_failure(a, "no"), DUR_PARKED);
        if (!order) dur_record_failure(b, "no");
        assert_int_equal(dur_run_code(run), DUR_PARKED);
        dur_close_run(run);
        assert_int_equal(count_in_story(world, "end run-1 parked\n"), order + 1);
        world->clock.now_ms += 10000;
    }
}

/* The first step stays put off, whatever becomes of the second one's record. */
static void a_stop_that_waits_is_not_lifted_by_a_later_record(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin_run(world);
    dur_step *a = begin(run, "a"), *b = begin(run, "b"), *c = NULL;

    assert_int_equal(dur_record_failure(a, "no"), DUR_SUSPENDED);
    memory_store_fail(world->store, "put", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_record_failure(b, "no"), DUR_BUSY);
    assert_int_equal(dur_record_result(b, dur_null()), DUR_OK);
    assert_int_equal(dur_run_code(run), DUR_SUSPENDED);
    assert_int_equal(begin_with(run, "c", &policy, &c), DUR_SUSPENDED);
    dur_close_run(run);
    assert_int_equal(count_in_story(world, "suspend run-1 until 2000\n"), 1);
}

/* An attempt that could not be noted may be noted again: it is counted once. */
static void noting_an_attempt_may_be_tried_again(void **state)
{
    static const memory_moment moments[] = {MEMORY_BEFORE, MEMORY_AFTER};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (int alone = 0; alone < 2; alone++) {
            engine_world world;
            dur_step *a, *b = NULL;
            dur_run *run;

            engine_world_open(&world);
            world.clock.now_ms = WAITS_START_MS;
            run = begin_run(&world);
            a = begin(run, "a");
            if (!alone) b = begin(run, "b");
            memory_store_fail(world.store, alone ? "suspend" : "put", 1, DUR_IOERR, moments[i]);
            assert_int_equal(dur_record_failure(a, "no"), DUR_IOERR);
            assert_true(dur_step_attempt(a) == 1);
            assert_int_equal(dur_record_failure(a, "no"), DUR_SUSPENDED);
            if (!alone) assert_int_equal(dur_record_result(b, dur_null()), DUR_OK);
            dur_close_run(run);
            assert_true(memory_store_due(world.witness, "run-1") == 2000);
            assert_true(memory_store_pending(world.witness, "run-1") == 1);
            world.clock.now_ms = 2000;
            run = begin_run(&world);
            assert_true(dur_step_attempt(begin(run, "a")) == 2);
            dur_close_run(run);
            engine_world_close(&world);
        }
}

/* Where leaving fails at the end of a pass, the run is given back to be taken up again soon: what
 * it waits for is in the log. */
static void a_run_that_could_not_be_suspended_at_the_end_finds_its_waits_again(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin_run(world);
    dur_step *a = begin(run, "a"), *b = begin(run, "b");

    assert_int_equal(dur_record_failure(a, "no"), DUR_SUSPENDED);
    assert_int_equal(dur_record_result(b, dur_null()), DUR_OK);
    memory_store_fail(world->store, "suspend", 1, DUR_BUSY, MEMORY_BEFORE);
    memory_store_forget(world->witness);
    dur_close_run(run);
    assert_story(world, "suspend run-1 until 2000: DUR_BUSY\n"
                        "release run-1\n");
    run = begin_run(world);
    assert_int_equal(begin_with(run, "a", &policy, &a), DUR_SUSPENDED);
    dur_close_run(run);
    assert_true(memory_store_due(world->witness, "run-1") == 2000);
}

/* ---- Failures beside steps that are put off ---- */

/* A failure that nobody catches fails the run at the next step that is to be executed, also where
 * that was put off before: it is no divergence. */
static int uncaught_work(dur_run *run, void *context)
{
    dur_step *a = NULL, *b = NULL;
    int *bodies = context;
    int code = begin_with(run, "a", NULL, &a);

    if (code < 0) return 0;
    if (begin_with(run, "b", &policy, &b) == DUR_EXECUTE) {
        bodies[1]++;
        if (dur_record_failure(b, "later") != DUR_SUSPENDED) return 1;
    }
    if (code == DUR_EXECUTE && ++bodies[0]) return dur_record_failure(a, "a is broken");
    return 0;
}

static void an_uncaught_failure_beside_a_step_put_off_fails_the_run(void **state)
{
    engine_world *world = *state;
    int bodies[2] = {0, 0};

    assert_int_equal(waits_execute(world, uncaught_work, bodies), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 2000, uncaught_work, bodies), DUR_FAILED);
    assert_string_equal(dur_errmsg(world->log), "a is broken");
    assert_int_equal(bodies[0], 1);
    assert_int_equal(bodies[1], 1);
    assert_true(memory_store_pending(world->witness, "run-1") == 0);
}

/* ---- Deaths ---- */

typedef struct pair {
    int bodies[2];
    int64_t attempts[2];
} pair;

static int pair_work(dur_run *run, void *context)
{
    pair *user = context;
    dur_step *steps[2] = {NULL, NULL};
    int codes[2];

    for (int i = 0; i < 2; i++) {
        codes[i] = begin_with(run, i ? "b" : "a", &policy, &steps[i]);
        if (codes[i] != DUR_EXECUTE && codes[i] != DUR_REPLAYED) return 0;
    }
    for (int i = 1; i >= 0; i--) {
        if (codes[i] != DUR_EXECUTE) continue;
        user->bodies[i]++;
        assert_true(dur_step_attempt(steps[i]) >= user->attempts[i]);
        user->attempts[i] = dur_step_attempt(steps[i]);
        if (user->attempts[i] <= 2)
            (void)dur_record_failure(steps[i], "no");
        else
            (void)dur_record_result(steps[i], dur_integer(i));
    }
    return 0;
}

static void reset_pair(engine_world *world, void *context)
{
    (void)world;
    memset(context, 0, sizeof(pair));
}

static void check_pair(engine_world *world, void *context, int code)
{
    const pair *user = context;

    assert_int_equal(code, DUR_OK);
    for (int i = 0; i < 2; i++) {
        assert_true(user->attempts[i] == 3);
        assert_in_range(user->bodies[i], 3, 4);
    }
    assert_true(waits_rows_written(world, "append run-1 #1") == 1);
    assert_true(waits_rows_written(world, "append run-1 #2") == 1);
    assert_true(memory_store_pending(world->witness, "run-1") == 0);
}

static void a_death_beside_steps_put_off_resets_nothing(void **state)
{
    pair user;
    const waits_sweep sweep = {{pair_work, &user, NULL, NULL, 30}, reset_pair, check_pair};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) >= 12);
}

static void a_failing_store_beside_steps_put_off_resets_nothing(void **state)
{
    pair user;
    const waits_sweep sweep = {{pair_work, &user, NULL, NULL, 30}, reset_pair, check_pair};

    (void)state;
    assert_true(waits_sweep_faults(&sweep) >= 48);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(the_claim_stays_while_other_steps_are_executed),
        WAITS_TEST(a_run_that_was_suspended_twice_is_left_once),
        WAITS_TEST(a_run_whose_only_open_step_is_put_off_is_left_at_once),
        WAITS_TEST(a_sleep_beside_executing_steps_waits_for_them),
        WAITS_TEST(a_receive_beside_executing_steps_is_woken_by_its_signal),
        WAITS_TEST(what_is_kept_beside_a_step_put_off_is_not_lost),
        WAITS_TEST(what_is_kept_beside_a_step_that_parks_is_not_lost),
        WAITS_TEST(parking_outranks_waiting),
        WAITS_TEST(a_stop_that_waits_is_not_lifted_by_a_later_record),
        WAITS_TEST(noting_an_attempt_may_be_tried_again),
        WAITS_TEST(a_run_that_could_not_be_suspended_at_the_end_finds_its_waits_again),
        WAITS_TEST(an_uncaught_failure_beside_a_step_put_off_fails_the_run),
        WAITS_TEST(a_death_beside_steps_put_off_resets_nothing),
        WAITS_TEST(a_failing_store_beside_steps_put_off_resets_nothing),
    };

    return cmocka_run_group_tests_name("engine.suspend", tests, NULL, NULL);
}
