/* test/engine: law 8: replay is one range scan in batches, and takes memory only for the values
 * that the host has not released. */
#include "support/internal/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- A workflow of many steps ---- */

typedef struct loop {
    int steps;
    size_t size; /* of each step's text */
    bool releases;
    int64_t bodies;
    int64_t heap_most; /* bytes that the library held at most, looked at after each step */
} loop;

static char *text_of_step(const loop *user, int step)
{
    char *text = malloc(user->size + 32);

    assert_non_null(text);
    memset(text, 'a' + step % 26, user->size);
    snprintf(text + user->size, 32, "-%d", step);
    return text;
}

static int run_loop(dur_run *run, void *context)
{
    loop *user = context;

    for (int i = 0; i < user->steps && dur_ok(run); i++) {
        uint64_t mark = dur_mark(run);
        char *expected = text_of_step(user, i);
        const char *text = NULL;

        DUR_STEP(run, "step", text)
        {
            user->bodies++;
            text = expected;
        }
        if (dur_ok(run)) assert_string_equal(text, expected);
        if (sqlite3_memory_used() > user->heap_most) user->heap_most = sqlite3_memory_used();
        if (user->releases) dur_release(run, mark);
        free(expected);
    }
    return 0;
}

static int execute(engine_world *world, loop *user)
{
    return dur_execute(world->log, "loop", "run-1", NULL, run_loop, user);
}

/* Record all the steps; the end fails, so that the run can be replayed. */
static void record(engine_world *world, loop *user)
{
    memory_store_fail(world->store, "end", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(execute(world, user), DUR_BUSY);
    assert_true(user->bodies == user->steps);
    user->bodies = 0;
    user->heap_most = 0;
    memory_store_forget(world->witness);
}

/* ---- Batches ---- */

/* Before each batch but the first the claim is looked at (law 6): the run's key may be another's by
 * then. How many rows a batch holds depends on the machine's word; not that each goes on where the
 * one before it ended (one row may be read again, which did not fit), and holds at most 512. */
static void a_thousand_rows_are_read_in_a_few_batches(void **state)
{
    engine_world *world = *state;
    loop user = {.steps = 1000};
    const char *at;
    int from, rows, next = 1, loads = 0;

    record(world, &user);
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_true(user.bodies == 0);
    at = memory_store_narrative(world->witness);
    for (; (at = strstr(at, "load run-1 ")) != NULL; at++, loads++) {
        assert_int_equal(sscanf(at, "load run-1 %d..134217727: %d rows", &from, &rows), 2);
        assert_true(from == next || from == next - 1);
        assert_true(rows > 0 && rows <= (from == 1 ? 64 : 512));
        next = from + rows;
    }
    assert_int_equal(next, 1001);
    assert_true(loads >= 3 && loads <= 5);
    assert_int_equal(count_in_story(world, "confirm"), loads - 1);
    assert_int_equal(count_in_story(world, "\n"), 2 * loads + 3); /* find, claim, pending, end */
}

static void a_short_run_is_read_at_once(void **state)
{
    engine_world *world = *state;
    loop user = {.steps = 10};

    record(world, &user);
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 10 rows\n"
                        "pending run-1: 0 rows\n"
                        "end run-1 completed\n");
}

/* Each number of rows around the edges of the first batches. */
static void no_row_is_lost_at_the_edge_of_a_batch(void **state)
{
    static const int counts[] = {1, 2, 63, 64, 65, 66, 575, 576, 577, 578};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        engine_world world;
        loop user = {.steps = counts[i]};

        engine_world_open(&world);
        record(&world, &user);
        user.steps++; /* and one more than is recorded */
        assert_int_equal(execute(&world, &user), DUR_OK);
        assert_true(user.bodies == 1);
        assert_int_equal(count_in_story(&world, "append"), 1);
        engine_world_close(&world);
    }
}

static void values_larger_than_a_batch_are_read_one_by_one(void **state)
{
    engine_world *world = *state;
    loop user = {.steps = 4, .size = 100000};

    record(world, &user);
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_true(user.bodies == 0);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 2 rows\n"
                        "confirm run-1\n"
                        "load run-1 2..134217727: 2 rows\n"
                        "confirm run-1\n"
                        "load run-1 3..134217727: 2 rows\n"
                        "confirm run-1\n"
                        "load run-1 4..134217727: 1 rows\n"
                        "pending run-1: 0 rows\n"
                        "end run-1 completed\n");
}

/* A batch that could not be read is read again by the next pass; nothing was executed meanwhile. */
static void a_batch_that_fails_stops_the_run_at_its_place(void **state)
{
    engine_world *world = *state;
    loop user = {.steps = 200};

    record(world, &user);
    for (int nth = 1; nth <= 2; nth++)
        for (int when = MEMORY_BEFORE; when <= MEMORY_AFTER; when++) {
            memory_store_fail(world->store, "load", nth, DUR_IOERR, (memory_moment)when);
            assert_int_equal(execute(world, &user), DUR_IOERR);
            assert_true(user.bodies == 0);
            assert_int_equal(count_in_story(world, "append"), 0);
        }
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_true(user.bodies == 0);
}

static void a_damaged_row_stops_the_run_before_anything_is_executed(void **state)
{
    static const int64_t positions[] = {1, 64, 65, 200};

    (void)state;
    for (size_t i = 0; i < sizeof positions / sizeof positions[0]; i++) {
        engine_world world;
        loop user = {.steps = 200};
        char place[32];

        engine_world_open(&world);
        record(&world, &user);
        memory_store_damage_step(world.witness, "run-1", positions[i]);
        assert_int_equal(execute(&world, &user), DUR_CORRUPT);
        assert_true(user.bodies == 0);
        snprintf(place, sizeof place, "position %d", (int)positions[i]);
        assert_non_null(strstr(dur_errmsg(world.log), place));
        assert_non_null(strstr(dur_errmsg(world.log), "run-1"));
        engine_world_close(&world);
    }
}

/* ---- Memory ---- */

enum { HEAP_ROOM = 200000 }; /* two batches, and what a log, a run and its handles take */

static int64_t heap_of_replay(engine_world *world, loop *user)
{
    int64_t before = sqlite3_memory_used();

    memory_store_fail(world->store, "end", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(execute(world, user), DUR_BUSY);
    assert_true(user->bodies == 0);
    return user->heap_most - before;
}

static void a_loop_that_releases_replays_in_bounded_memory(void **state)
{
    engine_world *world = *state;
    loop user = {.steps = 20000, .size = 100, .releases = true};

    record(world, &user);
    assert_true(heap_of_replay(world, &user) < HEAP_ROOM);
    user.releases = false; /* the control: 20,000 values of 100 bytes are kept */
    assert_true(heap_of_replay(world, &user) > 2000000);
}

static void a_loop_that_releases_records_in_bounded_memory(void **state)
{
    engine_world *world = *state;
    loop user = {.steps = 5000, .size = 100, .releases = true};
    int64_t before = sqlite3_memory_used();

    assert_int_equal(execute(world, &user), DUR_OK);
    assert_true(user.heap_most - before < HEAP_ROOM);
}

/* A giant among small values does not stay behind in the batch. */
typedef struct giant {
    int64_t after; /* bytes that the library held some steps after the giant */
} giant;

static int run_giant(dur_run *run, void *context)
{
    enum { MEBIBYTES = 5 << 20 };
    giant *user = context;
    uint64_t mark = dur_mark(run);
    char *memory = malloc(MEBIBYTES);

    assert_non_null(memory);
    memset(memory, 'G', MEBIBYTES);
    for (int i = 0; i < 200; i++) {
        dur_value value = dur_null();

        DUR_STEP(run, "step", value) { value = dur_blob(memory, i == 3 ? MEBIBYTES : 10); }
        assert_int_equal(value.length, i == 3 ? MEBIBYTES : 10);
        assert_memory_equal(value.as.bytes, memory, value.length);
        dur_release(run, mark);
    }
    user->after = sqlite3_memory_used();
    free(memory);
    return 0;
}

static void a_giant_value_is_given_back_after_its_use(void **state)
{
    engine_world *world = *state;
    giant user = {0};
    int64_t before = sqlite3_memory_used();

    memory_store_fail(world->store, "end", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_execute(world->log, "giant", "run-1", NULL, run_giant, &user), DUR_BUSY);
    assert_true(user.after - before < HEAP_ROOM);
    assert_int_equal(dur_execute(world->log, "giant", "run-1", NULL, run_giant, &user), DUR_OK);
    assert_true(user.after - before < HEAP_ROOM);
}

static void after_a_run_its_memory_is_given_back(void **state)
{
    engine_world *world = *state;
    loop user = {.steps = 1000, .size = 100};
    int64_t before = sqlite3_memory_used();

    record(world, &user);
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_true(sqlite3_memory_used() == before);
}

/* ---- Time ---- */

/* A clock that goes backwards changes nothing in what is asked of the store, and is replayed as it
 * was recorded. */
static int turn_back(dur_run *run, void *context)
{
    engine_world *world = context;

    for (int i = 0; i < 3; i++) {
        int64_t now = 0;

        DUR_STEP(run, "step", now)
        {
            fake_clock_advance(&world->clock, -86400000);
            now = world->clock.now_ms;
        }
        assert_true(now == FAKE_CLOCK_START_MS - (i + 1) * INT64_C(86400000));
    }
    return 0;
}

static void a_clock_that_goes_backwards_changes_nothing(void **state)
{
    engine_world *world = *state;

    memory_store_fail(world->store, "end", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_execute(world->log, "time", "run-1", NULL, turn_back, world), DUR_BUSY);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"step\" result low 1: recorded\n"
                        "append run-1 #2 \"step\" result low 2: recorded\n"
                        "append run-1 #3 \"step\" result low 3: recorded\n"
                        "end run-1 completed: DUR_BUSY\n"
                        "release run-1\n");
    assert_int_equal(dur_execute(world->log, "time", "run-1", NULL, turn_back, world), DUR_OK);
    assert_int_equal(count_in_story(world, "append"), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_thousand_rows_are_read_in_a_few_batches),
        ENGINE_TEST(a_short_run_is_read_at_once),
        cmocka_unit_test(no_row_is_lost_at_the_edge_of_a_batch),
        ENGINE_TEST(values_larger_than_a_batch_are_read_one_by_one),
        ENGINE_TEST(a_batch_that_fails_stops_the_run_at_its_place),
        cmocka_unit_test(a_damaged_row_stops_the_run_before_anything_is_executed),
        ENGINE_TEST(a_loop_that_releases_replays_in_bounded_memory),
        ENGINE_TEST(a_loop_that_releases_records_in_bounded_memory),
        ENGINE_TEST(a_giant_value_is_given_back_after_its_use),
        ENGINE_TEST(after_a_run_its_memory_is_given_back),
        ENGINE_TEST(a_clock_that_goes_backwards_changes_nothing),
    };

    return cmocka_run_group_tests_name("engine.history", tests, NULL, NULL);
}
