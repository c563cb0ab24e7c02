/* test/engine: transactional steps: what stands around the body, what is taken back with it, and
 * when steps that share a commit get it. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#define STEPS_MAX 8

typedef struct ledger {
    engine_world *world;
    dur_retry policy;
    int steps;          /* of the loop */
    int plain;          /* this one, from 1, is a plain step; 0: none */
    int failures;       /* attempts at the second step that fail */
    bool retries;       /* by the policy */
    bool rolls_back;    /* the second step's body ends its transaction */
    bool stops;         /* dur_stop() in the second step's body */
    bool cleans_up;     /* the failure is caught */
    int bodies[STEPS_MAX];
} ledger;

static void in_the_second_body(ledger *user, dur_run *run)
{
    if (user->rolls_back) memory_store_host_rolls_back(user->world->store);
    user->rolls_back = false;
    if (user->stops) dur_stop(run, "not now");
    user->stops = false;
    if (user->bodies[1] <= user->failures) dur_fail(run, "broken");
}

static int work(dur_run *run, void *context)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    ledger *user = context;

    if (user->retries) options.retry = &user->policy;
    for (int i = 0; i < user->steps && dur_ok(run); i++) {
        char name[16];

        snprintf(name, sizeof name, "t%d", i + 1);
        options.mode = i + 1 == user->plain ? DUR_AT_LEAST_ONCE : DUR_TRANSACTIONAL;
        DUR_STEP_VOID(run, name, &options)
        {
            user->bodies[i]++;
            if (i == 1) in_the_second_body(user, run);
        }
        if (user->cleans_up) dur_catch(run);
    }
    return 0;
}

static ledger new_ledger(engine_world *world, int steps)
{
    const dur_retry policy = DUR_RETRY_INIT;
    ledger user;

    memset(&user, 0, sizeof user);
    user.world = world;
    user.policy = policy;
    user.policy.jitter = DUR_JITTER_NONE;
    user.steps = steps;
    return user;
}

static void share(engine_world *world, int64_t steps)
{
    world->options.shared_commit_steps = steps;
    world->log->shared_commit_steps = steps;
}

static void assert_bodies(const ledger *user, int first, int second, int third)
{
    assert_int_equal(user->bodies[0], first);
    assert_int_equal(user->bodies[1], second);
    assert_int_equal(user->bodies[2], third);
}

/* ---- Alone --------------------------------------------------------------------------------- */

static void the_record_stands_in_the_bodys_transaction(void **state)
{
    engine_world *world = *state;
    ledger user = new_ledger(world, 2);

    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "begin transaction\n"
                        "append run-1 #1 \"t1\" result low 1: recorded\n"
                        "keep transaction\n"
                        "begin transaction\n"
                        "append run-1 #2 \"t2\" result low 2: recorded\n"
                        "keep transaction\n"
                        "end run-1 completed\n");
    assert_bodies(&user, 1, 1, 0);
}

/* A failure is an outcome, and no part of what was taken back. */
static void a_failure_is_recorded_after_the_body_was_taken_back(void **state)
{
    engine_world *world = *state;
    ledger user = new_ledger(world, 2);

    user.failures = 1;
    user.cleans_up = true;
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "begin transaction\n"
                        "append run-1 #1 \"t1\" result low 1: recorded\n"
                        "keep transaction\n"
                        "begin transaction\n"
                        "undo transaction\n"
                        "append run-1 #2 \"t2\" failure low 2: recorded\n"
                        "end run-1 completed\n");
}

static void each_attempt_has_a_transaction_of_its_own(void **state)
{
    engine_world *world = *state;
    ledger user = new_ledger(world, 2);

    user.failures = 1;
    user.retries = true;
    world->log->sleep_max_ms = 5000;
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "begin transaction\n"
                        "append run-1 #1 \"t1\" result low 1: recorded\n"
                        "keep transaction\n"
                        "begin transaction\n"
                        "undo transaction\n"
                        "put run-1 #2 \"t2\" attempt 1 due 2000\n"
                        "begin transaction\n"
                        "append run-1 #2 \"t2\" result low 2 clears: recorded\n"
                        "keep transaction\n"
                        "end run-1 completed\n");
    assert_bodies(&user, 1, 2, 0);
}

static void without_a_transaction_the_body_does_not_run(void **state)
{
    engine_world *world = *state;
    ledger user = new_ledger(world, 2);

    memory_store_fail(world->store, "begin", 2, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(waits_execute(world, work, &user), DUR_BUSY);
    waits_assert_says(world, "position 2, step \"t2\"");
    assert_bodies(&user, 1, 0, 0);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_bodies(&user, 1, 1, 0);
}

/* The pause before an attempt that cannot begin: the attempts before it still count. */
static void a_later_attempt_that_cannot_begin_stops_the_run(void **state)
{
    engine_world *world = *state;
    ledger user = new_ledger(world, 2);

    user.failures = 1;
    user.retries = true;
    world->log->sleep_max_ms = 5000;
    memory_store_fail(world->store, "begin", 3, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(waits_execute(world, work, &user), DUR_BUSY);
    assert_bodies(&user, 1, 1, 0);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_int_equal(count_in_story(world, "clears: recorded"), 1);
    assert_bodies(&user, 1, 2, 0);
}

/* Law 3, for what goes with its record: nothing is kept, and the body runs again. */
static void what_is_not_recorded_is_taken_back_and_runs_again(void **state)
{
    static const char *const verbs[] = {"append", "keep"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        engine_world world;
        ledger user;

        engine_world_open(&world);
        user = new_ledger(&world, 2);
        memory_store_fail(world.store, verbs[i], 2, DUR_FULL, MEMORY_BEFORE);
        assert_int_equal(waits_execute(&world, work, &user), DUR_FULL);
        waits_assert_says(&world, "position 2, step \"t2\"");
        assert_int_equal(count_in_story(&world, "undo transaction"), i == 0);
        assert_int_equal(count_in_story(&world, "release run-1"), 1);
        assert_null(world.log->kept);
        assert_int_equal(waits_execute(&world, work, &user), DUR_OK);
        assert_bodies(&user, 1, 2, 0);
        engine_world_close(&world);
    }
}

/* A commit that was said to have failed, and had not: what the log holds counts. */
static void a_commit_that_survived_counts(void **state)
{
    engine_world *world = *state;
    ledger user = new_ledger(world, 2);

    memory_store_fail(world->store, "keep", 2, DUR_IOERR, MEMORY_AFTER);
    assert_int_equal(waits_execute(world, work, &user), DUR_IOERR);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_bodies(&user, 1, 1, 0);
}

static void a_body_that_ends_its_transaction_stops_the_run(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        engine_world world;
        ledger user;

        engine_world_open(&world);
        user = new_ledger(&world, 3);
        user.rolls_back = true;
        user.failures = fails;
        user.cleans_up = true;
        assert_int_equal(waits_execute(&world, work, &user), DUR_ROLLED_BACK);
        assert_int_equal(count_in_story(&world, "\"t2\" result low 2: recorded"), 0);
        assert_int_equal(count_in_story(&world, "\"t2\" failure"), 0);
        assert_bodies(&user, 1, 1, 0);
        assert_int_equal(waits_execute(&world, work, &user), DUR_OK);
        assert_bodies(&user, 1, 2, 1);
        engine_world_close(&world);
    }
}

static void a_stop_in_the_body_takes_it_back(void **state)
{
    engine_world *world = *state;
    ledger user = new_ledger(world, 2);

    user.stops = true;
    assert_int_equal(waits_execute(world, work, &user), DUR_STOPPED);
    assert_int_equal(count_in_story(world, "undo transaction"), 1);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_bodies(&user, 1, 2, 0);
}

/* ---- Several open steps -------------------------------------------------------------------- */

static dur_step *begin(dur_run *run, const char *name, int mode)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_step *step = NULL;

    options.mode = mode;
    assert_int_equal(dur_begin_step(run, name, &options, &step), DUR_EXECUTE);
    return step;
}

/* Law 9: that a position has no row must not look like damage. The step that was taken back counts
 * as open in the rows that are recorded after it. */
static void a_step_that_was_taken_back_leaves_no_gap(void **state)
{
    engine_world *world = *state;
    dur_step *taken_back, *plain;
    dur_step *again = NULL;
    dur_run *run;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    taken_back = begin(run, "t", DUR_TRANSACTIONAL);
    plain = begin(run, "p", DUR_AT_LEAST_ONCE);
    memory_store_fail(world->store, "keep", 1, DUR_FULL, MEMORY_BEFORE);
    assert_int_equal(dur_record_result(taken_back, dur_null()), DUR_FULL);
    assert_int_equal(dur_record_result(taken_back, dur_null()), DUR_MISUSE);
    assert_int_equal(dur_record_result(plain, dur_null()), DUR_OK);
    assert_int_equal(count_in_story(world, "#2 \"p\" result low 1: recorded"), 1);
    assert_int_equal(dur_run_code(run), DUR_FULL);
    dur_close_run(run);
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    taken_back = begin(run, "t", DUR_TRANSACTIONAL);
    assert_int_equal(dur_begin_step(run, "p", NULL, &again), DUR_REPLAYED);
    assert_int_equal(dur_record_result(taken_back, dur_null()), DUR_OK);
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
    dur_close_run(run);
}

static void closing_takes_back_what_is_open(void **state)
{
    engine_world *world = *state;
    dur_run *run;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    begin(run, "t", DUR_TRANSACTIONAL);
    dur_close_run(run);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "begin transaction\n"
                        "undo transaction\n"
                        "release run-1\n");
}

/* What was kept of another run is written in no transaction that is taken back. */
static void a_closing_log_takes_back_first(void **state)
{
    engine_world *world = *state;
    dur_run *runs[2];
    dur_step *plain;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &runs[0]), DUR_OK);
    assert_int_equal(dur_begin_run(world->log, "work", "run-2", NULL, &runs[1]), DUR_OK);
    plain = begin(runs[1], "p", DUR_AT_LEAST_ONCE);
    memory_store_fail(world->store, "append", 1, DUR_FULL, MEMORY_BEFORE);
    assert_int_equal(dur_record_result(plain, dur_null()), DUR_FULL);
    begin(runs[0], "t", DUR_TRANSACTIONAL);
    memory_store_forget(world->witness);
    dur_close(world->log);
    world->log = NULL;
    assert_story(world, "undo transaction\n"
                        "append run-2 #1 \"p\" result low 1: recorded\n"
                        "release run-2\n"
                        "release run-1\n");
    dur_close_run(runs[0]);
    dur_close_run(runs[1]);
}

/* ---- Sharing a commit ---------------------------------------------------------------------- */

static void so_many_share_a_commit_and_the_end_makes_the_last_one(void **state)
{
    engine_world *world = *state;
    ledger user = new_ledger(world, 3);

    share(world, 2);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "begin transaction\n"
                        "append run-1 #1 \"t1\" result low 1: recorded\n"
                        "keep transaction: commit to come\n"
                        "confirm run-1\n"
                        "begin transaction\n"
                        "append run-1 #2 \"t2\" result low 2: recorded\n"
                        "keep transaction\n"
                        "begin transaction\n"
                        "append run-1 #3 \"t3\" result low 3: recorded\n"
                        "keep transaction: commit to come\n"
                        "commit\n"
                        "end run-1 completed\n");
}

static void another_kind_of_step_is_executed_after_the_commit(void **state)
{
    engine_world *world = *state;
    ledger user = new_ledger(world, 3);

    share(world, 10);
    user.plain = 2;
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_int_equal(count_in_story(world, "keep transaction: commit to come\n"
                                           "commit\n"
                                           "confirm run-1\n"
                                           "append run-1 #2 \"t2\""), 1);
}

/* The failure is not written on top of steps that were taken back: positions would be missing. */
static void where_the_shared_commit_fails_nothing_is_recorded_on_top(void **state)
{
    (void)state;
    for (int retries = 0; retries < 2; retries++) {
        engine_world world;
        ledger user;

        engine_world_open(&world);
        share(&world, 10);
        user = new_ledger(&world, 3);
        user.failures = 1;
        user.retries = retries;
        user.cleans_up = true;
        world.log->sleep_max_ms = 5000;
        memory_store_fail(world.store, "commit", 1, DUR_FULL, MEMORY_BEFORE);
        assert_int_equal(waits_execute(&world, work, &user), DUR_FULL);
        assert_null(world.log->kept);
        assert_int_equal(count_in_story(&world, "failure"), 0);
        assert_int_equal(count_in_story(&world, "put"), 0);
        assert_int_equal(count_in_story(&world, "release run-1\n"), 1);
        assert_int_equal(waits_execute(&world, work, &user), DUR_OK);
        assert_bodies(&user, 2, 2, 1);
        engine_world_close(&world);
    }
}

static void a_plain_step_is_not_executed_where_the_commit_before_it_fails(void **state)
{
    engine_world *world = *state;
    ledger user = new_ledger(world, 3);

    share(world, 10);
    user.plain = 3;
    memory_store_fail(world->store, "commit", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(waits_execute(world, work, &user), DUR_BUSY);
    assert_bodies(&user, 1, 1, 0);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_bodies(&user, 2, 2, 1);
}

/* OK of the run is durable, all of it. */
static void the_run_is_not_completed_where_the_commit_before_its_end_fails(void **state)
{
    engine_world *world = *state;
    ledger user = new_ledger(world, 3);

    share(world, 10);
    memory_store_fail(world->store, "commit", 1, DUR_FULL, MEMORY_BEFORE);
    assert_int_equal(waits_execute(world, work, &user), DUR_FULL);
    assert_int_equal(count_in_story(world, "completed"), 0);
    assert_int_equal(count_in_story(world, "release run-1\n"), 1);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_bodies(&user, 2, 2, 2);
}

/* ---- Sweeps -------------------------------------------------------------------------------- */

static bool sharing;

static void reset(engine_world *world, void *context)
{
    ledger *user = context, fresh = new_ledger(world, 5);

    fresh.failures = user->failures;
    fresh.retries = user->retries;
    fresh.plain = user->plain;
    *user = fresh;
    if (sharing) share(world, 2);
}

static void check(engine_world *world, void *context, int code)
{
    const ledger *user = context;

    assert_int_equal(code, DUR_OK);
    assert_true(count_in_story(world, "end run-1 completed") >= 1);
    for (int i = 0; i < user->steps; i++) assert_true(user->bodies[i] >= 1);
    /* Alone, only the step that was struck runs again. */
    if (!sharing)
        for (int i = 0; i < user->steps; i++)
            assert_true(user->bodies[i] <= 2 + (i == 1 ? user->failures : 0));
}

static void wherever_the_owner_dies_or_the_store_fails_the_run_ends(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        ledger user = {.failures = 1, .retries = true, .plain = way & 1 ? 4 : 0};
        const waits_sweep sweep = {{work, &user, NULL, NULL, 30}, reset, check};

        sharing = way & 2;
        assert_true(waits_sweep_deaths(&sweep) > 15);
        assert_true(waits_sweep_faults(&sweep) > 60);
    }
    sharing = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAITS_TEST(the_record_stands_in_the_bodys_transaction),
        WAITS_TEST(a_failure_is_recorded_after_the_body_was_taken_back),
        WAITS_TEST(each_attempt_has_a_transaction_of_its_own),
        WAITS_TEST(without_a_transaction_the_body_does_not_run),
        WAITS_TEST(a_later_attempt_that_cannot_begin_stops_the_run),
        WAITS_TEST(what_is_not_recorded_is_taken_back_and_runs_again),
        WAITS_TEST(a_commit_that_survived_counts),
        WAITS_TEST(a_body_that_ends_its_transaction_stops_the_run),
        WAITS_TEST(a_stop_in_the_body_takes_it_back),
        WAITS_TEST(a_step_that_was_taken_back_leaves_no_gap),
        WAITS_TEST(closing_takes_back_what_is_open),
        WAITS_TEST(a_closing_log_takes_back_first),
        WAITS_TEST(so_many_share_a_commit_and_the_end_makes_the_last_one),
        WAITS_TEST(another_kind_of_step_is_executed_after_the_commit),
        WAITS_TEST(where_the_shared_commit_fails_nothing_is_recorded_on_top),
        WAITS_TEST(a_plain_step_is_not_executed_where_the_commit_before_it_fails),
        WAITS_TEST(the_run_is_not_completed_where_the_commit_before_its_end_fails),
        WAITS_TEST(wherever_the_owner_dies_or_the_store_fails_the_run_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
