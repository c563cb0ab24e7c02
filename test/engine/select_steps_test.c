/* test/engine: dur_select() among steps that are being executed, and wrong lists of cases. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- Steps that are executed ---- */

static void an_executing_step_keeps_the_run_from_suspending(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;
    dur_step *a = NULL, *b = NULL, *c = NULL;
    dur_case cases[3];
    size_t which = 9;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "a", NULL, &a), DUR_EXECUTE);
    assert_int_equal(dur_begin_step(run, "b", NULL, &b), DUR_EXECUTE);
    cases[0] = dur_on_step(a);
    cases[1] = dur_on_step(b);
    cases[2] = dur_on_signal("go");
    memory_store_forget(world->witness);
    assert_int_equal(dur_select(run, "first", cases, 3, &which), DUR_EXECUTE);
    assert_true(dur_ok(run));
    assert_story(world, "peek run-1 \"go\": none\n"); /* no deadline, nothing to be written */
    assert_int_equal(dur_record_result(b, dur_null()), DUR_OK);
    assert_int_equal(dur_select(run, "first", cases, 3, &which), DUR_OK);
    assert_int_equal(which, 1);
    assert_int_equal(dur_begin_step(run, "c", NULL, &c), DUR_EXECUTE);
    assert_true(dur_step_position(c) == 4); /* the asking before took no position */
    assert_int_equal(dur_record_result(c, dur_null()), DUR_OK);
    assert_int_equal(dur_record_result(a, dur_null()), DUR_OK);
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
    dur_close_run(run);
    assert_story(world, "append run-1 #2 \"b\" result low 1: recorded\n"
                        "append run-1 #3 \"first\" result low 1: recorded\n"
                        "append run-1 #4 \"c\" result low 1: recorded\n"
                        "append run-1 #1 \"a\" result low 1: recorded\n"
                        "end run-1 completed\n");
}

/* Replayed with a third order of things: the recorded one counts. */
static void a_step_that_won_wins_again(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;
    dur_step *a = NULL, *b = NULL;
    dur_case cases[2];
    size_t which = 9;

    for (int pass = 0; pass < 2; pass++) {
        int expected = pass ? DUR_REPLAYED : DUR_EXECUTE;

        assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
        assert_int_equal(dur_begin_step(run, "a", NULL, &a), expected);
        assert_int_equal(dur_begin_step(run, "b", NULL, &b), expected);
        cases[0] = dur_on_step(a);
        cases[1] = dur_on_step(b);
        if (!pass) assert_int_equal(dur_record_result(b, dur_null()), DUR_OK);
        assert_int_equal(dur_select(run, "first", cases, 2, &which), DUR_OK);
        assert_int_equal(which, 1);
        if (!pass) assert_int_equal(dur_record_result(a, dur_null()), DUR_OK);
        if (!pass) engine_world_succeed(world);
        dur_close_run(run);
    }
}

/* The deadline is fixed when it is asked first, also by an owner who dies before the second
 * time. */
static void a_deadline_beside_executing_steps_is_fixed_at_the_first_asking(void **state)
{
    engine_world *world = *state;

    for (int pass = 0; pass < 2; pass++) {
        dur_run *run = NULL;
        dur_step *a = NULL;
        dur_case cases[2];
        size_t which = 9;

        assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
        assert_int_equal(dur_begin_step(run, "a", NULL, &a), DUR_EXECUTE);
        cases[0] = dur_on_step(a);
        cases[1] = dur_on_timer(5000);
        assert_int_equal(dur_select(run, "first", cases, 2, &which), DUR_EXECUTE);
        world->clock.now_ms = 3000; /* the second owner begins here */
        assert_int_equal(dur_select(run, "first", cases, 2, &which), DUR_EXECUTE);
        assert_int_equal(count_in_story(world, "put run-1 #2 \"first\" attempt 0 due 6000\n"), 1);
        assert_int_equal(count_in_story(world, "put"), 1);
        if (pass) {
            world->clock.now_ms = 5999;
            assert_int_equal(dur_select(run, "first", cases, 2, &which), DUR_EXECUTE);
            world->clock.now_ms = 6000;
            assert_int_equal(dur_select(run, "first", cases, 2, &which), DUR_OK);
            assert_int_equal(which, 1);
            assert_int_equal(dur_record_result(a, dur_null()), DUR_OK);
            assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
        } else {
            engine_world_succeed(world);
        }
        dur_close_run(run);
    }
    assert_true(memory_store_pending(world->witness, "run-1") == 0);
}

/* ---- Misuse ---- */

static void assert_refused(const dur_case *cases, size_t count, const char *words)
{
    engine_world world;
    dur_run *run = NULL;
    size_t which = 9;

    engine_world_open(&world);
    assert_int_equal(dur_begin_run(world.log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_select(run, "first", cases, count, &which), DUR_MISUSE);
    assert_int_equal(which, 0);
    assert_int_equal(dur_run_code(run), DUR_MISUSE); /* it stops the run */
    if (!strstr(dur_run_errmsg(run), words)) fail_msg("%s", dur_run_errmsg(run));
    dur_close_run(run);
    assert_int_equal(count_in_story(&world, "append"), 0);
    engine_world_close(&world);
}

static void wrong_lists_are_refused(void **state)
{
    dur_case cases[DUR_CASES_MAX + 1];
    dur_case one = dur_on_timer(5);
    char long_name[DUR_NAME_MAX + 2];

    (void)state;
    for (size_t i = 0; i <= DUR_CASES_MAX; i++) cases[i] = dur_on_timer(5);
    assert_refused(NULL, 1, "dur_select() takes 1 to 64 cases");
    assert_refused(cases, 0, "dur_select() takes 1 to 64 cases");
    assert_refused(cases, DUR_CASES_MAX + 1, "dur_select() takes 1 to 64 cases");
    cases[3] = dur_on_signal(NULL);
    assert_refused(cases, 4, "case 3 of dur_select(): its signal's name breaks the rules");
    cases[3] = dur_on_signal("");
    assert_refused(cases, 4, "case 3 of dur_select(): its signal's name breaks the rules");
    cases[3] = dur_on_signal("\t5");
    assert_refused(cases, 4, "case 3 of dur_select(): its signal's name breaks the rules");
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    cases[3] = dur_on_signal(long_name);
    assert_refused(cases, 4, "case 3 of dur_select(): its signal's name breaks the rules");
    cases[3] = dur_on_step(NULL);
    assert_refused(cases, 4, "case 3 of dur_select(): its step is none of this run");
    one.kind = 0;
    assert_refused(&one, 1, "case 0 of dur_select(): it was not made by one of the dur_on_");
    one.kind = 5;
    assert_refused(&one, 1, "case 0 of dur_select(): it was not made by one of the dur_on_");
}

static void no_place_for_the_index_is_none(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;
    const dur_case now = dur_on_timer(0);

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_select(run, "first", &now, 1, NULL), DUR_OK);
    dur_close_run(run);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(an_executing_step_keeps_the_run_from_suspending),
        WAITS_TEST(a_step_that_won_wins_again),
        WAITS_TEST(a_deadline_beside_executing_steps_is_fixed_at_the_first_asking),
        WAITS_TEST(wrong_lists_are_refused),
        WAITS_TEST(no_place_for_the_index_is_none),
    };

    return cmocka_run_group_tests_name("engine.select_steps", tests, NULL, NULL);
}
