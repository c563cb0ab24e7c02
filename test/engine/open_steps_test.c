/* test/engine: several steps open at once: positions at begin, any order at record, and how a legal
 * gap is told from a lost row. */
#include "support/internal/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#define STEPS_MAX 6

static dur_run *begin_run(engine_world *world)
{
    dur_run *run = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    return run;
}

static int begin_step(dur_run *run, int position, dur_step **step)
{
    char name[] = "step-0";
    int code;

    name[5] = (char)('0' + position);
    code = dur_begin_step(run, name, NULL, step);
    if (*step) assert_true(dur_step_position(*step) == position);
    return code;
}

static void record(dur_step *step, int position)
{
    assert_int_equal(dur_record_result(step, dur_integer(100 + position)), DUR_OK);
}

/* The owner of this run dies, and another one comes. */
static void die(engine_world *world, dur_run *run)
{
    memory_store_die(world->store, 0);
    dur_close_run(run);
    engine_world_succeed(world);
}

/* Begin `count` steps and record those of `order`, one digit each; then the owner dies. */
static void die_after(engine_world *world, int count, const char *order)
{
    dur_run *run = begin_run(world);
    dur_step *steps[STEPS_MAX + 1] = {NULL};

    for (int i = 1; i <= count; i++) assert_int_equal(begin_step(run, i, &steps[i]), DUR_EXECUTE);
    for (; *order; order++) record(steps[*order - '0'], *order - '0');
    die(world, run);
}

static void steps_are_recorded_in_any_order_with_the_lowest_open_one(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin_run(world);
    dur_step *steps[5] = {NULL};

    for (int i = 1; i <= 4; i++) assert_int_equal(begin_step(run, i, &steps[i]), DUR_EXECUTE);
    record(steps[2], 2);
    record(steps[1], 1);
    record(steps[4], 4);
    record(steps[3], 3);
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
    dur_close_run(run);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #2 \"step-2\" result low 1: recorded\n"
                        "append run-1 #1 \"step-1\" result low 1: recorded\n"
                        "append run-1 #4 \"step-4\" result low 3: recorded\n"
                        "append run-1 #3 \"step-3\" result low 3: recorded\n"
                        "end run-1 completed\n");
}

/* The gap is legal: step 1 was open when step 2 was recorded. It is executed, step 2 is not. */
static void a_legal_gap_is_executed_and_the_steps_after_it_replayed(void **state)
{
    engine_world *world = *state;
    dur_step *step = NULL, *second = NULL;
    dur_run *run;

    die_after(world, 2, "2");
    memory_store_forget(world->witness);
    run = begin_run(world);
    assert_int_equal(begin_step(run, 1, &step), DUR_EXECUTE);
    assert_int_equal(begin_step(run, 2, &second), DUR_REPLAYED);
    assert_true(dur_step_value(second).as.integer == 102);
    record(step, 1);
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
    dur_close_run(run);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 1 rows\n"
                        "summarize run-1: last 2 epoch 1 low 1\n"
                        "pending run-1: 0 rows\n"
                        "append run-1 #1 \"step-1\" result low 1: recorded\n"
                        "end run-1 completed\n");
}

/* The log is asked for its lowest open position once, however many gaps there are. */
static void several_gaps_cost_one_question(void **state)
{
    engine_world *world = *state;
    dur_step *steps[STEPS_MAX + 1] = {NULL};
    dur_run *run;

    die_after(world, 6, "246");
    memory_store_forget(world->witness);
    run = begin_run(world);
    for (int i = 1; i <= 6; i++)
        assert_int_equal(begin_step(run, i, &steps[i]), i % 2 ? DUR_EXECUTE : DUR_REPLAYED);
    assert_int_equal(count_in_story(world, "summarize"), 1);
    for (int i = 5; i >= 1; i -= 2) record(steps[i], i);
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
    dur_close_run(run);
}

/* Every set of recorded steps out of four begun ones, recorded in falling order, so that each row
 * was written while those below it were open; then in rising order up to a death. */
static void every_legal_gap_replays(void **state)
{
    (void)state;
    for (unsigned set = 0; set < 16; set++) {
        engine_world world;
        dur_step *steps[STEPS_MAX + 1] = {NULL};
        char order[STEPS_MAX + 1] = "";
        dur_run *run;

        for (int i = 4; i >= 1; i--)
            if (set & 1u << (i - 1)) order[strlen(order)] = (char)('0' + i);
        engine_world_open(&world);
        die_after(&world, 4, order);
        run = begin_run(&world);
        for (int i = 1; i <= 4; i++)
            assert_int_equal(begin_step(run, i, &steps[i]),
                             set & 1u << (i - 1) ? DUR_REPLAYED : DUR_EXECUTE);
        for (int i = 1; i <= 4; i++)
            if (!(set & 1u << (i - 1))) record(steps[i], i);
        assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
        dur_close_run(run);
        engine_world_close(&world);
    }
}

/* Law 9: rows written one after the other leave no gap; where one is missing it was lost. */
static void a_lost_row_is_corrupt_and_named(void **state)
{
    (void)state;
    for (int lost = 1; lost <= 2; lost++) {
        engine_world world;
        dur_step *step = NULL;
        dur_run *run;
        char place[32];

        engine_world_open(&world);
        run = begin_run(&world);
        for (int i = 1; i <= 3; i++) {
            assert_int_equal(begin_step(run, i, &step), DUR_EXECUTE);
            record(step, i);
        }
        die(&world, run);
        memory_store_delete_step(world.witness, "run-1", lost);
        memory_store_forget(world.witness);
        run = begin_run(&world);
        for (int i = 1; i < lost; i++)
            assert_int_equal(begin_step(run, i, &step), DUR_REPLAYED);
        assert_int_equal(begin_step(run, lost, &step), DUR_CORRUPT);
        assert_null(step);
        snprintf(place, sizeof place, "position %d", lost);
        assert_non_null(strstr(dur_run_errmsg(run), place));
        assert_non_null(strstr(dur_run_errmsg(run), "run-1"));
        dur_close_run(run);
        assert_story(&world, "find run-1: running epoch 1\n"
                             "claim run-1 after epoch 1 claims 2\n"
                             "load run-1 1..134217727: 2 rows\n"
                             "summarize run-1: last 3 epoch 1 low 3\n"
                             "release run-1\n");
        engine_world_close(&world);
    }
}

/* The newest row knows that everything below it was recorded, though the gap before was legal. */
static void a_row_lost_from_among_open_steps_is_corrupt(void **state)
{
    engine_world *world = *state;
    dur_step *step = NULL;
    dur_run *run;

    die_after(world, 2, "21"); /* the low of both rows is 1 */
    run = begin_run(world);
    for (int i = 1; i <= 3; i++) {
        int code = begin_step(run, i, &step);

        assert_int_equal(code, i < 3 ? DUR_REPLAYED : DUR_EXECUTE);
    }
    record(step, 3); /* its low is 3 */
    die(world, run);
    memory_store_delete_step(world->witness, "run-1", 1);
    run = begin_run(world);
    assert_int_equal(begin_step(run, 1, &step), DUR_CORRUPT);
    dur_close_run(run);
}

static void a_gap_that_cannot_be_judged_executes_nothing(void **state)
{
    engine_world *world = *state;
    dur_step *step = NULL;
    dur_run *run;

    die_after(world, 2, "2");
    run = begin_run(world);
    memory_store_fail(world->store, "summarize", 1, DUR_IOERR, MEMORY_BEFORE);
    assert_int_equal(begin_step(run, 1, &step), DUR_IOERR);
    assert_null(step);
    dur_close_run(run);
    run = begin_run(world);
    assert_int_equal(begin_step(run, 1, &step), DUR_EXECUTE);
    dur_close_run(run);
}

/* A gap and then another name: the gap is no excuse. */
static void a_divergence_behind_a_gap_is_seen(void **state)
{
    engine_world *world = *state;
    dur_step *step = NULL;
    dur_run *run;

    die_after(world, 2, "2");
    run = begin_run(world);
    assert_int_equal(begin_step(run, 1, &step), DUR_EXECUTE);
    assert_int_equal(dur_begin_step(run, "other", NULL, &step), DUR_DIVERGED);
    dur_close_run(run);
    assert_int_equal(count_in_story(world, "end run-1 parked\n"), 1);
}

static void a_run_does_not_end_while_steps_are_open(void **state)
{
    engine_world *world = *state;
    dur_step *first = NULL, *second = NULL;
    dur_run *run = begin_run(world);

    assert_int_equal(begin_step(run, 1, &first), DUR_EXECUTE);
    assert_int_equal(begin_step(run, 2, &second), DUR_EXECUTE);
    record(first, 1);
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_MISUSE);
    dur_close_run(run);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"step-1\" result low 1: recorded\n"
                        "release run-1\n");
}

/* ---- Keys ---- */

/* "The same for every attempt at this step, and for no other step of any run." */
static void a_step_keeps_its_key_from_owner_to_owner(void **state)
{
    engine_world *world = *state;
    char keys[4][49];
    dur_step *step = NULL;
    dur_run *run = begin_run(world);

    for (int i = 1; i <= 3; i++) {
        assert_int_equal(begin_step(run, i, &step), DUR_EXECUTE);
        assert_true(strlen(dur_step_idempotency_key(step)) < sizeof keys[i]);
        strcpy(keys[i], dur_step_idempotency_key(step));
        for (int j = 1; j < i; j++) assert_string_not_equal(keys[i], keys[j]);
        if (i < 3) record(step, i);
    }
    die(world, run);
    run = begin_run(world);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(begin_step(run, i, &step), i < 3 ? DUR_REPLAYED : DUR_EXECUTE);
        assert_string_equal(dur_step_idempotency_key(step), keys[i]);
    }
    dur_close_run(run);
    memory_store_delete_run(world->witness, "run-1"); /* the id is used again: other keys */
    run = begin_run(world);
    assert_int_equal(begin_step(run, 1, &step), DUR_EXECUTE);
    assert_string_not_equal(dur_step_idempotency_key(step), keys[1]);
    dur_close_run(run);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ENGINE_TEST(steps_are_recorded_in_any_order_with_the_lowest_open_one),
        ENGINE_TEST(a_legal_gap_is_executed_and_the_steps_after_it_replayed),
        ENGINE_TEST(several_gaps_cost_one_question),
        cmocka_unit_test(every_legal_gap_replays),
        cmocka_unit_test(a_lost_row_is_corrupt_and_named),
        ENGINE_TEST(a_row_lost_from_among_open_steps_is_corrupt),
        ENGINE_TEST(a_gap_that_cannot_be_judged_executes_nothing),
        ENGINE_TEST(a_divergence_behind_a_gap_is_seen),
        ENGINE_TEST(a_run_does_not_end_while_steps_are_open),
        ENGINE_TEST(a_step_keeps_its_key_from_owner_to_owner),
    };

    return cmocka_run_group_tests_name("engine.open_steps", tests, NULL, NULL);
}
