/* test/engine: patch markers: the manual's table row by row, and what else stands around them. Each
 * row of a table is recorded by old code, met by new code, and replayed by that once more: an
 * answer depends on nothing but the log. */
#include "patched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

typedef struct meeting {
    const char *name;
    const char *recorded; /* what old code has left behind; it is not ended */
    const char *code;
    int expected;         /* of the first pass of new code */
    const char *answers;
    const char *bodies;   /* that it executed */
    const char *rows;     /* behind it */
} meeting;

static void fail_row(const meeting *row, const char *what, const char *expected, const char *found)
{
    fail_msg("%s: %s: expected \"%s\", found \"%s\"", row->name, what, expected, found);
}

static void assert_texts(const meeting *row, const char *what, const char *expected,
                         const char *found)
{
    if (strcmp(expected, found) != 0) fail_row(row, what, expected, found);
}

static void assert_pass(engine_world *world, const meeting *row, const char *code, int expected,
                        const char *bodies)
{
    patched it;
    int result = patched_execute(world, code, &it);

    if (result != expected) fail_row(row, "code", dur_code_name(expected), dur_code_name(result));
    assert_texts(row, "answers", row->answers, it.answers);
    assert_texts(row, "bodies", bodies, it.bodies);
    assert_texts(row, "rows", row->rows, patched_rows(world));
}

/* The first pass is left before its end, the next one replays all of it; a second owner makes it,
 * who has nothing but the log. */
static void assert_meets(const meeting *row)
{
    engine_world world;
    char code[128];
    patched it;

    engine_world_open(&world);
    snprintf(code, sizeof code, "%s!", row->recorded);
    patched_execute(&world, code, &it);
    engine_world_succeed(&world);
    world.clock.now_ms += 1000;
    if (row->expected == DUR_OK) {
        snprintf(code, sizeof code, "%s!", row->code);
        assert_pass(&world, row, code, DUR_STOPPED, row->bodies);
        engine_world_succeed(&world);
        assert_pass(&world, row, row->code, DUR_OK, "");
    } else {
        assert_pass(&world, row, row->code, row->expected, row->bodies);
    }
    engine_world_close(&world);
}

static void assert_all_meet(const meeting *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) assert_meets(&rows[i]);
}

#define ASSERT_ALL_MEET(rows) assert_all_meet(rows, sizeof rows / sizeof rows[0])

/* ---- The table of the manual, row by row ---- */

static void the_marker_of_this_id_is_there(void **state)
{
    static const meeting rows[] = {
        {"patch: true", "aX[n]b", "aX[n]bc", DUR_OK, "1", "c", "aXnbc"},
        {"patch, the log ends behind it", "aX", "aX[n|o]b", DUR_OK, "1", "nb", "aXnb"},
        {"patch, as the first of all", "X[n]", "X[n]b", DUR_OK, "1", "b", "Xnb"},
        {"retire: it is passed", "aX[n]b", "a-Xnbc", DUR_OK, "", "c", "aXnbc"},
        {"neither: diverged", "aX[n]b", "anb", DUR_DIVERGED, "", "", "aXnb"},
        {"neither, at the log's end: diverged", "aX", "ab", DUR_DIVERGED, "", "", "aX"},
        {"neither, and the code ends: diverged", "aX", "a", DUR_DIVERGED, "", "", "aX"},
    };

    (void)state;
    ASSERT_ALL_MEET(rows);
}

static void another_row_is_there(void **state)
{
    static const meeting rows[] = {
        {"patch: false", "ab", "aX[n|o]b", DUR_DIVERGED, "0", "", "ab"},
        {"patch, the old way goes on", "ab", "aX[n]bc", DUR_OK, "0", "c", "abc"},
        {"patch, a way of its own for old runs", "aob", "aX[n|o]b", DUR_OK, "0", "", "aob"},
        {"retire: nothing", "ab", "a-Xbc", DUR_OK, "", "c", "abc"},
        {"neither: as without", "ab", "abc", DUR_OK, "", "c", "abc"},
    };

    (void)state;
    ASSERT_ALL_MEET(rows);
}

static void an_attempt_or_a_wait_has_begun_there(void **state)
{
    static const meeting rows[] = {
        {"patch, a wait: false", "aw", "aX[n]wb", DUR_OK, "0", "b", "awb"},
        {"patch, an attempt: false", "ar", "aX[n]rb", DUR_OK, "0", "rb", "arb"},
        {"retire, a wait: nothing", "aw", "a-Xwb", DUR_OK, "", "b", "awb"},
        {"retire, an attempt: nothing", "ar", "a-Xrb", DUR_OK, "", "rb", "arb"},
        {"neither: as without", "ar", "arb", DUR_OK, "", "rb", "arb"},
        {"patch, the wait is gone", "aw", "aX[n]b", DUR_DIVERGED, "0", "", "a(w)"},
    };

    (void)state;
    ASSERT_ALL_MEET(rows);
}

static void the_log_ends_there(void **state)
{
    static const meeting rows[] = {
        {"patch: true, one row", "a", "aX[n]b", DUR_OK, "1", "nb", "aXnb"},
        {"patch, and the run with it", "a", "aX", DUR_OK, "1", "", "aX"},
        {"patch, nothing is recorded", "", "X[n]b", DUR_OK, "1", "nb", "Xnb"},
        {"patch, before a wait", "a", "aX[n]", DUR_OK, "1", "n", "aXn"},
        {"retire: nothing", "a", "a-Xb", DUR_OK, "", "b", "ab"},
        {"neither: as without", "a", "ab", DUR_OK, "", "b", "ab"},
    };

    (void)state;
    ASSERT_ALL_MEET(rows);
}

static void the_id_was_asked_for_before(void **state)
{
    static const meeting rows[] = {
        {"patch, true: true, no row", "", "aX[n]bX[m]c", DUR_OK, "11", "anbmc", "aXnbmc"},
        {"patch, false: false", "ab", "aX[n]bX[m]c", DUR_OK, "00", "c", "abc"},
        {"patch, false, behind the log's end", "ab", "X[n]abcX[m]d", DUR_OK, "00", "cd", "abcd"},
        {"patch, at once again", "", "XXXa", DUR_OK, "111", "a", "Xa"},
        {"retire, true: nothing", "aXb", "aXb-Xc", DUR_OK, "1", "c", "aXbc"},
        {"retire, false: nothing", "ab", "aX[n]b-Xc", DUR_OK, "0", "c", "abc"},
        {"patch behind retire, which passed one", "aXb", "a-XbX[n]c", DUR_OK, "1", "nc", "aXbnc"},
        {"patch behind retire, which passed none", "ab", "a-XbX[n]c", DUR_OK, "1", "nc", "abXnc"},
    };

    (void)state;
    ASSERT_ALL_MEET(rows);
}

/* ---- Loops, two places, two ids ---- */

static void a_loop_asks_and_the_first_answer_is_the_answer(void **state)
{
    static const meeting rows[] = {
        {"a new run has one row", "", "X[n]aX[n]aX[n]a", DUR_OK, "111", "nanana", "Xnanana"},
        {"an old one half through", "aa", "X[n]aX[n]aX[n]a", DUR_OK, "000", "a", "aaa"},
        {"an old one at its first turn", "z", "zX[n]aX[n]a", DUR_OK, "11", "nana", "zXnana"},
        {"retired: at the turn where it is", "aX[n]a", "-Xna-Xna", DUR_DIVERGED, "", "", "aXna"},
        {"retired: in a loop", "X[n]aX[n]a", "-Xna-Xna-Xna", DUR_OK, "", "na", "Xnanana"},
    };

    (void)state;
    ASSERT_ALL_MEET(rows);
}

static void one_id_at_two_places(void **state)
{
    static const meeting rows[] = {
        {"behind both", "abc", "aX[n]bX[m]c", DUR_OK, "00", "", "abc"},
        {"between them: the old way to the end", "ab", "aX[n]bX[m]c", DUR_OK, "00", "c", "abc"},
        {"before both", "a", "aX[n]bX[m]c", DUR_OK, "11", "nbmc", "aXnbmc"},
        {"the first place came later", "abX[m]c", "aX[n]bX[m]c", DUR_DIVERGED, "00", "", "abXmc"},
        {"retired at both", "aX[n]bX[m]c", "a-Xnb-Xmcd", DUR_OK, "", "d", "aXnbmcd"},
        {"retired at both, it stands at the second", "abX[m]c", "a-Xb-Xmcd", DUR_OK, "", "d",
         "abXmcd"},
    };

    (void)state;
    ASSERT_ALL_MEET(rows);
}

static void two_ids_beside_each_other(void **state)
{
    static const meeting rows[] = {
        {"both are new", "a", "aX[n]Y[m]b", DUR_OK, "11", "nmb", "aXnYmb"},
        {"both are recorded", "aXYb", "aXYbc", DUR_OK, "11", "c", "aXYbc"},
        {"an old run", "ab", "aX[n]Y[m]bc", DUR_OK, "00", "c", "abc"},
        {"the second is newer", "aXb", "aXY[m]bc", DUR_OK, "10", "c", "aXbc"},
        {"the first is newer", "aYb", "aX[m]Ybc", DUR_OK, "01", "c", "aYbc"},
        {"the second is newer, at the end", "aX", "aXY[m]b", DUR_OK, "11", "mb", "aXYmb"},
        {"asked in another order", "aXYb", "aYXb", DUR_DIVERGED, "01", "", "aXYb"},
        {"one is retired", "aXYb", "a-XYbc", DUR_OK, "1", "c", "aXYbc"},
        {"both are retired", "aXYb", "a-X-Ybc", DUR_OK, "", "c", "aXYbc"},
        {"both are retired, in another order", "aXYb", "a-Y-Xb", DUR_DIVERGED, "", "", "aXYb"},
        {"one within the other", "a", "aX[nY[m]]b", DUR_OK, "11", "nmb", "aXnYmb"},
    };

    (void)state;
    ASSERT_ALL_MEET(rows);
}

/* Asked, retired, gone: each version of the code meets the runs of the one before it. */
static void the_life_of_a_patch(void **state)
{
    static const meeting rows[] = {
        {"1: old runs and new ones", "ab", "aX[n]b", DUR_OK, "0", "", "ab"},
        {"2: retired, runs of 1", "aX[n]b", "a-Xnb", DUR_OK, "", "", "aXnb"},
        {"2: retired, runs of its own", "anb", "a-Xnb", DUR_OK, "", "", "anb"},
        {"2: retired too early, for an old run", "ab", "a-Xnb", DUR_DIVERGED, "", "", "ab"},
        {"3: gone, runs of 2", "anb", "anbc", DUR_OK, "", "c", "anbc"},
        {"3: gone too early, for a run of 1", "aXnb", "anb", DUR_DIVERGED, "", "", "aXnb"},
    };

    (void)state;
    ASSERT_ALL_MEET(rows);
}

/* ---- What is said ---- */

static void a_lost_patch_is_reported_with_what_to_do(void **state)
{
    engine_world *world = *state;
    const dur_divergence *report;
    patched it;

    patched_execute(world, "aX[n]bc!", &it);
    assert_int_equal(patched_execute(world, "anbc", &it), DUR_DIVERGED);
    report = dur_get_divergence(world->log);
    assert_non_null(report);
    assert_true(report->position == 2);
    assert_string_equal(report->recorded.kind, "patch");
    assert_string_equal(report->recorded.name, "x");
    assert_int_equal(report->change, DUR_CHANGE_REMOVED);
    assert_non_null(strstr(report->text, "dur_retire_patch()"));
}

typedef struct class_row {
    const char *recorded, *code;
    int64_t position;
    dur_change change;
} class_row;

/* A stopped run shows its way by the markers that its log holds behind the divergence. */
static void markers_are_evidence_on_both_sides(void **state)
{
    static const class_row rows[] = {
        {"aX[n]bcd", "zX[n]bcd", 1, DUR_CHANGE_RENAMED},
        {"aX[n]bcd", "zaX[n]bcd", 1, DUR_CHANGE_INSERTED},
        {"baX[n]cd", "aX[n]cd", 1, DUR_CHANGE_REMOVED},
        {"abX[n]cd", "baX[n]cd", 1, DUR_CHANGE_REORDERED},
        {"ab-Xcd", "zbX[n]cd", 1, DUR_CHANGE_RENAMED},
        {"aX[n]bcd", "z-Xnbcd", 1, DUR_CHANGE_RENAMED},
        {"aX[n]bcd", "aX[m]bcd", 3, DUR_CHANGE_RENAMED},
        {"abcd", "a-Xnbcd", 2, DUR_CHANGE_INSERTED},
        {"aX[n]bcd", "abcd", 2, DUR_CHANGE_REMOVED},
        {"aXYbcd", "aYXbcd", 3, DUR_CHANGE_REMOVED},
        {"aXbcd", "aYbcd", 2, DUR_CHANGE_REMOVED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const dur_divergence *report;
        engine_world world;
        char code[64];
        patched it;

        engine_world_open(&world);
        snprintf(code, sizeof code, "%s!", rows[i].recorded);
        patched_execute(&world, code, &it);
        assert_int_equal(patched_execute(&world, rows[i].code, &it), DUR_DIVERGED);
        assert_string_equal(it.bodies, "");
        report = dur_get_divergence(world.log);
        if (report->change != rows[i].change || report->position != rows[i].position)
            fail_msg("\"%s\" for \"%s\": class %d at %d", rows[i].code, rows[i].recorded,
                     (int)report->change, (int)report->position);
        engine_world_close(&world);
    }
}

/* ---- The cost ---- */

static void a_marker_is_one_commit_and_renews_the_lease(void **state)
{
    engine_world *world = *state;
    patched it;

    world->clock.now_ms = 1000;
    assert_int_equal(patched_execute(world, "a!", &it), DUR_STOPPED);
    memory_store_forget(world->witness);
    assert_int_equal(patched_execute(world, "aXXaXb", &it), DUR_OK);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 1 rows\n"
                        "pending run-1: 0 rows\n"
                        "append run-1 #2 \"x\" result low 2: recorded\n"
                        "append run-1 #3 \"a\" result low 3: recorded\n"
                        "append run-1 #4 \"b\" result low 4: recorded\n"
                        "end run-1 completed\n");
}

static int ask_late(dur_run *run, void *user)
{
    engine_world *world = user;

    world->clock.now_ms += DURABLE_DEFAULT_LEASE_MS / 2 + 1;
    return dur_patch(run, "x") ? 0 : 1;
}

static void a_late_marker_renews_the_lease(void **state)
{
    engine_world *world = *state;

    assert_int_equal(dur_execute(world->log, "letters", PATCHED_ID, NULL, ask_late, world), DUR_OK);
    assert_int_equal(count_in_story(world, "append run-1 #1 \"x\" result low 1 lease"), 1);
}

static void replayed_it_costs_no_write(void **state)
{
    engine_world *world = *state;
    patched it;

    assert_int_equal(patched_execute(world, "XaYbX!", &it), DUR_STOPPED);
    memory_store_forget(world->witness);
    assert_int_equal(patched_execute(world, "XaYbX", &it), DUR_OK);
    assert_int_equal(count_in_story(world, "append"), 0);
    assert_string_equal(it.answers, "111");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_marker_of_this_id_is_there),
        cmocka_unit_test(another_row_is_there),
        cmocka_unit_test(an_attempt_or_a_wait_has_begun_there),
        cmocka_unit_test(the_log_ends_there),
        cmocka_unit_test(the_id_was_asked_for_before),
        cmocka_unit_test(a_loop_asks_and_the_first_answer_is_the_answer),
        cmocka_unit_test(one_id_at_two_places),
        cmocka_unit_test(two_ids_beside_each_other),
        cmocka_unit_test(the_life_of_a_patch),
        ENGINE_TEST(a_lost_patch_is_reported_with_what_to_do),
        cmocka_unit_test(markers_are_evidence_on_both_sides),
        ENGINE_TEST(a_marker_is_one_commit_and_renews_the_lease),
        ENGINE_TEST(a_late_marker_renews_the_lease),
        ENGINE_TEST(replayed_it_costs_no_write),
    };

    return cmocka_run_group_tests_name("engine.patch", tests, NULL, NULL);
}
