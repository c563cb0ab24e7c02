/* test/engine: law 3: a result that the database kept from being recorded is not lost, and its step
 * is not executed again. */
#include "support/internal/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

typedef struct order {
    int bodies[4];
    char large[5000];  /* what "b" gives */
    bool seen_alike;
    bool b_fails;
} order;

static int work(dur_run *run, void *context)
{
    order *user = context;
    const char *text = NULL;

    DUR_STEP(run, "a") { user->bodies[1]++; }
    DUR_STEP(run, "b", text)
    {
        user->bodies[2]++;
        text = user->large;
        if (user->b_fails) dur_fail(run, "b is broken");
    }
    if (dur_catch(run)) return 7;
    user->seen_alike = text && strcmp(text, user->large) == 0;
    DUR_STEP(run, "c") { user->bodies[3]++; }
    return 0;
}

static int execute(engine_world *world, order *user)
{
    return dur_execute(world->log, "work", "run-1", NULL, work, user);
}

static void assert_once(const order *user)
{
    for (int i = 1; i <= 3; i++) assert_int_equal(user->bodies[i], 1);
    assert_true(user->seen_alike);
}

static const int transient[] = {DUR_BUSY,  DUR_INTERRUPTED, DUR_NOMEM,          DUR_FULL,
                                DUR_IOERR, DUR_READONLY,    DUR_HOST_STATEMENT, DUR_STALE_READ,
                                DUR_DATABASE};

#define TRANSIENT_COUNT (sizeof transient / sizeof transient[0])

/* The claim stays: it guards what was kept. */
static void what_was_not_recorded_is_written_first_by_the_next_execute(void **state)
{
    static const size_t sizes[] = {0, 5, 63, 64, 65, 3000};

    (void)state;
    for (size_t i = 0; i < TRANSIENT_COUNT; i++)
        for (size_t size = 0; size < sizeof sizes / sizeof sizes[0]; size++) {
            engine_world world;
            order user = {.seen_alike = false};
            char story[512];

            engine_world_open(&world);
            memset(user.large, 'L', sizes[size]);
            memory_store_fail(world.store, "append", 2, transient[i], MEMORY_BEFORE);
            assert_int_equal(execute(&world, &user), transient[i]);
            snprintf(story, sizeof story,
                     "find run-1: none\n"
                     "create run-1 epoch 1\n"
                     "append run-1 #1 \"a\" result low 1: recorded\n"
                     "append run-1 #2 \"b\" result low 2: %s\n",
                     dur_code_name(transient[i]));
            assert_story(&world, story);
            assert_int_equal(execute(&world, &user), DUR_OK);
            assert_story(&world, "find run-1: running epoch 1\n"
                                 "append run-1 #2 \"b\" result low 2: recorded\n"
                                 "claim run-1 after epoch 1 claims 2\n"
                                 "load run-1 1..134217727: 2 rows\n"
                                 "pending run-1: 0 rows\n"
                                 "append run-1 #3 \"c\" result low 3: recorded\n"
                                 "end run-1 completed\n");
            assert_once(&user);
            engine_world_close(&world);
        }
}

/* The commit that failed had survived: the second one finds it there. */
static void what_was_recorded_all_the_same_is_not_recorded_twice(void **state)
{
    engine_world *world = *state;
    order user = {.large = "text"};

    memory_store_fail(world->store, "append", 2, DUR_IOERR, MEMORY_AFTER);
    assert_int_equal(execute(world, &user), DUR_IOERR);
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_story(world, "find run-1: running epoch 1\n"
                        "append run-1 #2 \"b\" result low 2: already there\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 2 rows\n"
                        "pending run-1: 0 rows\n"
                        "append run-1 #3 \"c\" result low 3: recorded\n"
                        "end run-1 completed\n");
    assert_once(&user);
}

static void a_failure_is_kept_like_a_result(void **state)
{
    engine_world *world = *state;
    order user = {.b_fails = true};

    memory_store_fail(world->store, "append", 2, DUR_FULL, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_FULL);
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_FAILED);
    assert_story(world, "find run-1: running epoch 1\n"
                        "append run-1 #2 \"b\" failure low 2: recorded\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 2 rows\n"
                        "pending run-1: 0 rows\n"
                        "end run-1 failed\n");
    assert_int_equal(user.bodies[2], 1);
}

static void while_the_database_fails_nothing_else_is_done(void **state)
{
    engine_world *world = *state;
    order user = {.large = "text"};

    memory_store_fail(world->store, "append", 2, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_BUSY);
    memory_store_forget(world->witness);
    for (int i = 0; i < 20; i++) { /* more often than a poisoned run is claimed */
        memory_store_fail(world->store, "append", 1, DUR_FULL, MEMORY_BEFORE);
        assert_int_equal(execute(world, &user), DUR_FULL);
        assert_story(world, "find run-1: running epoch 1\n"
                            "append run-1 #2 \"b\" result low 2: DUR_FULL\n");
    }
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_once(&user);
}

static void a_log_that_closes_tries_once_more(void **state)
{
    engine_world *world = *state;
    order user = {.large = "text"};

    memory_store_fail(world->store, "append", 2, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_BUSY);
    memory_store_forget(world->witness);
    dur_close(engine_world_join(world));
    world->dead_count = 0;
    assert_story(world, "append run-1 #2 \"b\" result low 2: recorded\n"
                        "release run-1\n");
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 2 rows\n"
                        "pending run-1: 0 rows\n"
                        "append run-1 #3 \"c\" result low 3: recorded\n"
                        "end run-1 completed\n");
    assert_once(&user);
}

static void a_log_that_closes_under_an_open_run_tries_once_more(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "a", NULL, &step), DUR_EXECUTE);
    memory_store_fail(world->store, "append", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_record_result(step, dur_text("kept")), DUR_BUSY);
    memory_store_forget(world->witness);
    dur_close(engine_world_join(world));
    world->dead_count = 0;
    assert_story(world, "append run-1 #1 \"a\" result low 1: recorded\n"
                        "release run-1\n");
    assert_int_equal(dur_record_result(step, dur_text("kept")), DUR_MISUSE);
    dur_close_run(run);
}

/* Law 6 before law 3: another owner has executed the step meanwhile, or is about to. */
static void what_was_kept_is_forgotten_when_the_run_has_another_owner(void **state)
{
    engine_world *world = *state;
    order user = {.large = "text"};

    memory_store_fail(world->store, "append", 2, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_BUSY);
    memory_store_take_over(world->witness, "run-1");
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_OK); /* that other owner is dead */
    assert_story(world, "find run-1: running epoch 2\n"
                        "claim run-1 after epoch 2 claims 2\n"
                        "load run-1 1..134217727: 1 rows\n"
                        "pending run-1: 0 rows\n"
                        "append run-1 #2 \"b\" result low 2: recorded\n"
                        "append run-1 #3 \"c\" result low 3: recorded\n"
                        "end run-1 completed\n");
    assert_int_equal(user.bodies[2], 2);
}

/* After a restored backup another owner has the same epoch: the token tells them apart. */
static void what_was_kept_is_forgotten_when_the_token_is_another(void **state)
{
    engine_world *world = *state;
    order user = {.large = "text"};

    memory_store_fail(world->store, "append", 2, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_BUSY);
    memory_store_restore(world->witness, "run-1");
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 1 rows\n"
                        "pending run-1: 0 rows\n"
                        "append run-1 #2 \"b\" result low 2: recorded\n"
                        "append run-1 #3 \"c\" result low 3: recorded\n"
                        "end run-1 completed\n");
}

static void what_was_kept_is_forgotten_when_the_run_was_deleted(void **state)
{
    engine_world *world = *state;
    order user = {.large = "text"};

    memory_store_fail(world->store, "append", 2, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_BUSY);
    memory_store_delete_run(world->witness, "run-1");
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"a\" result low 1: recorded\n"
                        "append run-1 #2 \"b\" result low 2: recorded\n"
                        "append run-1 #3 \"c\" result low 3: recorded\n"
                        "end run-1 completed\n");
}

static void what_one_run_kept_is_not_written_for_another(void **state)
{
    engine_world *world = *state;
    order first = {.large = "first"}, second = {.large = "second"};

    memory_store_fail(world->store, "append", 2, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(execute(world, &first), DUR_BUSY);
    memory_store_forget(world->witness);
    assert_int_equal(dur_execute(world->log, "work", "run-2", NULL, work, &second), DUR_OK);
    assert_int_equal(count_in_story(world, "run-1"), 0);
    assert_int_equal(execute(world, &first), DUR_OK);
    assert_once(&first);
    assert_once(&second);
}

/* ---- With the handle in hand ---- */

static void recording_again_records_what_was_kept_and_the_run_goes_on(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "a", NULL, &step), DUR_EXECUTE);
    memory_store_fail(world->store, "append", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_record_result(step, dur_text("first")), DUR_BUSY);
    assert_int_equal(dur_run_code(run), DUR_BUSY);
    assert_false(dur_ok(run));
    memory_store_fail(world->store, "append", 1, DUR_FULL, MEMORY_BEFORE);
    assert_int_equal(dur_record_result(step, dur_text("second")), DUR_FULL);
    assert_int_equal(dur_run_code(run), DUR_FULL); /* the newest reason */
    assert_int_equal(dur_record_result(step, dur_text("third")), DUR_OK);
    assert_true(dur_ok(run));
    assert_int_equal(dur_begin_step(run, "b", NULL, &step), DUR_EXECUTE);
    assert_int_equal(dur_record_result(step, dur_null()), DUR_OK);
    dur_close_run(run);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"a\" result low 1: DUR_BUSY\n"
                        "append run-1 #1 \"a\" result low 1: DUR_FULL\n"
                        "append run-1 #1 \"a\" result low 1: recorded\n"
                        "append run-1 #2 \"b\" result low 2: recorded\n"
                        "release run-1\n");
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "a", NULL, &step), DUR_REPLAYED);
    assert_string_equal(dur_step_value(step).as.bytes, "first");
    dur_close_run(run);
}

static void several_kept_outcomes_are_written_by_the_next_execute(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;
    dur_step *first = NULL, *second = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "a", NULL, &first), DUR_EXECUTE);
    assert_int_equal(dur_begin_step(run, "b", NULL, &second), DUR_EXECUTE);
    memory_store_fail(world->store, "append", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_record_result(second, dur_integer(2)), DUR_BUSY);
    memory_store_fail(world->store, "append", 1, DUR_FULL, MEMORY_BEFORE);
    assert_int_equal(dur_record_result(first, dur_integer(1)), DUR_FULL);
    dur_close_run(run);
    memory_store_forget(world->witness);
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(count_in_story(world, "#1 \"a\" result low 1: recorded"), 1);
    assert_int_equal(count_in_story(world, "#2 \"b\" result low 1: recorded"), 1);
    assert_int_equal(dur_begin_step(run, "a", NULL, &first), DUR_REPLAYED);
    assert_true(dur_step_value(first).as.integer == 1);
    assert_int_equal(dur_begin_step(run, "b", NULL, &second), DUR_REPLAYED);
    assert_true(dur_step_value(second).as.integer == 2);
    dur_close_run(run);
}

/* One of two kept outcomes recorded leaves the run stopped for the other; and once a step was asked
 * for in vain the pass is over, as the next one would take its position. */
static void a_run_is_stopped_while_one_outcome_is_kept(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;
    dur_step *first = NULL, *second = NULL, *third = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "a", NULL, &first), DUR_EXECUTE);
    assert_int_equal(dur_begin_step(run, "b", NULL, &second), DUR_EXECUTE);
    memory_store_fail(world->store, "append", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_record_result(first, dur_null()), DUR_BUSY);
    memory_store_fail(world->store, "append", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_record_result(second, dur_null()), DUR_BUSY);
    assert_int_equal(dur_record_result(second, dur_null()), DUR_OK);
    assert_int_equal(dur_begin_step(run, "c", NULL, &third), DUR_BUSY);
    assert_int_equal(dur_record_result(first, dur_null()), DUR_OK);
    assert_int_equal(dur_begin_step(run, "d", NULL, &third), DUR_BUSY);
    dur_close_run(run);
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "a", NULL, &first), DUR_REPLAYED);
    assert_int_equal(dur_begin_step(run, "b", NULL, &second), DUR_REPLAYED);
    assert_int_equal(dur_begin_step(run, "c", NULL, &third), DUR_EXECUTE);
    dur_close_run(run);
}

/* Larger than the database allows: nothing is kept, the step stays open for something smaller. */
static void what_is_too_big_leaves_the_step_open(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "a", NULL, &step), DUR_EXECUTE);
    memory_store_fail(world->store, "append", 1, DUR_TOO_BIG, MEMORY_BEFORE);
    assert_int_equal(dur_record_result(step, dur_text("too much")), DUR_TOO_BIG);
    assert_int_equal(dur_record_result(step, dur_text("less")), DUR_OK);
    dur_close_run(run);
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "a", NULL, &step), DUR_REPLAYED);
    assert_string_equal(dur_step_value(step).as.bytes, "less");
    dur_close_run(run);
}

/* ---- The other verbs ---- */

/* Every verb of an undisturbed run fails in turn, with or without its effect: the next pass ends
 * the run, and no body runs twice. */
static void whatever_verb_fails_the_next_pass_goes_on(void **state)
{
    (void)state;
    for (int nth = 1; nth <= 6; nth++)
        for (int when = MEMORY_BEFORE; when <= MEMORY_AFTER; when++) {
            engine_world world;
            order user = {.large = "text"};

            engine_world_open(&world);
            memory_store_fail(world.store, NULL, nth, DUR_IOERR, (memory_moment)when);
            assert_int_equal(execute(&world, &user), DUR_IOERR);
            assert_int_equal(execute(&world, &user), DUR_OK);
            assert_once(&user);
            assert_int_equal(execute(&world, &user), DUR_OK);
            assert_once(&user);
            engine_world_close(&world);
        }
}

/* The same for a second pass: its look, its claim, its load, its append, its end. */
static void whatever_verb_fails_in_a_replay_the_next_pass_goes_on(void **state)
{
    (void)state;
    for (int nth = 1; nth <= 5; nth++)
        for (int when = MEMORY_BEFORE; when <= MEMORY_AFTER; when++) {
            engine_world world;
            order user = {.large = "text"};

            engine_world_open(&world);
            memory_store_die(world.store, 4);
            assert_int_equal(execute(&world, &user), DUR_IOERR);
            engine_world_succeed(&world);
            memory_store_fail(world.store, NULL, nth, DUR_IOERR, (memory_moment)when);
            assert_int_equal(execute(&world, &user), DUR_IOERR);
            assert_int_equal(execute(&world, &user), DUR_OK);
            assert_once(&user);
            engine_world_close(&world);
        }
}

/* An end that failed may be tried again with the handle in hand. */
static void an_end_that_failed_may_be_tried_again(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    memory_store_fail(world->store, "end", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_complete_run(run, dur_text("done")), DUR_BUSY);
    memory_store_fail(world->store, "end", 1, DUR_IOERR, MEMORY_AFTER);
    assert_int_equal(dur_complete_run(run, dur_text("done")), DUR_IOERR);
    assert_int_equal(dur_complete_run(run, dur_text("done")), DUR_OK);
    assert_int_equal(dur_complete_run(run, dur_text("done")), DUR_MISUSE);
    dur_close_run(run);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "end run-1 completed: DUR_BUSY\n"
                        "end run-1 completed: DUR_IOERR, survived\n"
                        "end run-1 completed\n");
    assert_string_equal(dur_output(world->log).as.bytes, "done");
}

/* "A failing release only leaves the run to its lease; the error that came before it counts." */
static void a_failing_release_hides_nothing(void **state)
{
    engine_world *world = *state;
    order user = {.large = "text"};

    memory_store_fail(world->store, "append", 2, DUR_ROLLED_BACK, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_ROLLED_BACK);
    memory_store_damage_step(world->witness, "run-1", 1);
    memory_store_fail(world->store, "release", 1, DUR_BUSY, MEMORY_BEFORE);
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_CORRUPT);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: DUR_CORRUPT\n"
                        "release run-1: DUR_BUSY\n");
    assert_non_null(strstr(dur_errmsg(world->log), "run-1"));
    assert_non_null(strstr(dur_errmsg(world->log), "position 1"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_recorded_is_written_first_by_the_next_execute),
        ENGINE_TEST(what_was_recorded_all_the_same_is_not_recorded_twice),
        ENGINE_TEST(a_failure_is_kept_like_a_result),
        ENGINE_TEST(while_the_database_fails_nothing_else_is_done),
        ENGINE_TEST(a_log_that_closes_tries_once_more),
        ENGINE_TEST(a_log_that_closes_under_an_open_run_tries_once_more),
        ENGINE_TEST(what_was_kept_is_forgotten_when_the_run_has_another_owner),
        ENGINE_TEST(what_was_kept_is_forgotten_when_the_token_is_another),
        ENGINE_TEST(what_was_kept_is_forgotten_when_the_run_was_deleted),
        ENGINE_TEST(what_one_run_kept_is_not_written_for_another),
        ENGINE_TEST(recording_again_records_what_was_kept_and_the_run_goes_on),
        ENGINE_TEST(several_kept_outcomes_are_written_by_the_next_execute),
        ENGINE_TEST(a_run_is_stopped_while_one_outcome_is_kept),
        ENGINE_TEST(what_is_too_big_leaves_the_step_open),
        cmocka_unit_test(whatever_verb_fails_the_next_pass_goes_on),
        cmocka_unit_test(whatever_verb_fails_in_a_replay_the_next_pass_goes_on),
        ENGINE_TEST(an_end_that_failed_may_be_tried_again),
        ENGINE_TEST(a_failing_release_hides_nothing),
    };

    return cmocka_run_group_tests_name("engine.kept", tests, NULL, NULL);
}
