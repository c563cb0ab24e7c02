/* test/engine: sleeping: the deadline is absolute and stored once, whatever becomes of clocks and
 * owners. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#define DAY_MS INT64_C(86400000)

typedef struct nap {
    engine_world *world;
    bool until; /* dur_sleep_until() */
    int64_t time_ms;
    int before, after, woken; /* bodies before and behind the sleep; returns from it */
    int64_t woken_at;
    int code; /* what it gave last */
} nap;

static int work(dur_run *run, void *context)
{
    nap *user = context;

    DUR_STEP(run, "before") { user->before++; }
    user->code = user->until ? dur_sleep_until(run, "nap", user->time_ms)
                             : dur_sleep(run, "nap", user->time_ms);
    if (user->code != DUR_OK) return 0;
    user->woken++;
    user->woken_at = user->world->clock.now_ms;
    DUR_STEP(run, "after") { user->after++; }
    return 0;
}

static nap new_nap(engine_world *world, bool until, int64_t time_ms)
{
    nap user;

    memset(&user, 0, sizeof user);
    user.world = world;
    user.until = until;
    user.time_ms = time_ms;
    return user;
}

/* ---- The narrative ---- */

static void a_sleep_is_one_row_that_waits_and_one_that_stays(void **state)
{
    engine_world *world = *state;
    nap user = new_nap(world, false, 5000);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(user.code, DUR_SUSPENDED);
    waits_assert_says(world,
                      "position 2: it waits for timer \"nap\" until 1970-01-01 00:00:06 UTC");
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"before\" result low 1: recorded\n"
                        "suspend run-1 until 6000 put #2 \"nap\" attempt 0 due 6000\n");
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_OK);
    assert_story(world, "find run-1: suspended epoch 1\n"
                        "claim run-1 after epoch 1 claims 1\n"
                        "load run-1 1..134217727: 1 rows\n"
                        "pending run-1: 1 rows\n"
                        "append run-1 #2 \"nap\" result low 2 clears: recorded\n"
                        "append run-1 #3 \"after\" result low 3: recorded\n"
                        "end run-1 completed\n");
    assert_int_equal(user.before, 1);
    assert_int_equal(user.after, 1);
}

static void until_a_time_is_the_same(void **state)
{
    engine_world *world = *state;
    nap user = new_nap(world, true, 6000);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(count_in_story(world, "suspend run-1 until 6000 put #2 \"nap\""), 1);
    assert_int_equal(waits_execute_at(world, 5999, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_OK);
}

/* Replayed long after the deadline, the sleep is a row among others. */
static int fail_behind(dur_run *run, void *context)
{
    nap *user = context;

    work(run, user);
    if (user->woken == 1) dur_stop(run, "not now");
    return 0;
}

static void replay_after_the_deadline_costs_nothing(void **state)
{
    engine_world *world = *state;
    nap user = new_nap(world, false, 5000);

    assert_int_equal(waits_execute(world, fail_behind, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 6000, fail_behind, &user), DUR_STOPPED);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute_at(world, -DAY_MS, fail_behind, &user), DUR_OK);
    assert_story(world, "find run-1: running epoch 2\n"
                        "claim run-1 after epoch 2 claims 2\n"
                        "load run-1 1..134217727: 3 rows\n"
                        "pending run-1: 0 rows\n"
                        "end run-1 completed\n");
    assert_int_equal(user.woken, 2);
    assert_int_equal(user.after, 1);
}

/* ---- Times that have come, and that never come ---- */

typedef struct time_row {
    bool until;
    int64_t time_ms;
} time_row;

static void a_time_that_has_come_costs_one_row_and_no_suspension(void **state)
{
    static const time_row rows[] = {{false, 0},         {false, -1},   {false, INT64_MIN},
                                    {true, 1000},       {true, 999},   {true, 0},
                                    {true, -1},         {true, INT64_MIN}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        engine_world world;
        nap user;

        engine_world_open(&world);
        world.clock.now_ms = WAITS_START_MS;
        user = new_nap(&world, rows[i].until, rows[i].time_ms);
        assert_int_equal(waits_execute(&world, work, &user), DUR_OK);
        assert_story(&world, "find run-1: none\n"
                             "create run-1 epoch 1\n"
                             "append run-1 #1 \"before\" result low 1: recorded\n"
                             "append run-1 #2 \"nap\" result low 2: recorded\n"
                             "append run-1 #3 \"after\" result low 3: recorded\n"
                             "end run-1 completed\n");
        engine_world_close(&world);
    }
}

static void times_beyond_all_numbers_mean_for_ever(void **state)
{
    static const time_row rows[] = {
        {false, INT64_MAX}, {false, INT64_MAX - 999}, {true, INT64_MAX}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        engine_world world;
        nap user;

        engine_world_open(&world);
        world.clock.now_ms = WAITS_START_MS;
        user = new_nap(&world, rows[i].until, rows[i].time_ms);
        assert_int_equal(waits_execute(&world, work, &user), DUR_SUSPENDED);
        waits_assert_says(&world, "position 2: it waits for timer \"nap\"");
        assert_null(strstr(dur_errmsg(world.log), "until"));
        assert_int_equal(count_in_story(&world, "suspend run-1 until never put #2 \"nap\" attempt 0"
                                                " due never\n"),
                         1);
        assert_int_equal(waits_execute_at(&world, INT64_MAX - 1, work, &user), DUR_SUSPENDED);
        assert_int_equal(user.woken, 0);
        engine_world_close(&world);
    }
}

static void the_longest_time_that_is_one_comes(void **state)
{
    engine_world *world = *state;
    nap user = new_nap(world, true, INT64_MAX - 1);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, INT64_MAX - 2, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, INT64_MAX - 1, work, &user), DUR_OK);
}

/* Leap days and all: 3653 days from January 1, 2026. */
static void ten_years_work(void **state)
{
    engine_world *world = *state;
    nap user = new_nap(world, false, 3652 * DAY_MS);
    int64_t start = FAKE_CLOCK_START_MS;

    assert_int_equal(waits_execute_at(world, start, work, &user), DUR_SUSPENDED);
    waits_assert_says(world, "until 2036-01-01 00:00:00 UTC");
    assert_int_equal(waits_execute_at(world, start + 3652 * DAY_MS - 1, work, &user),
                     DUR_SUSPENDED);
    assert_int_equal(user.woken, 0);
    assert_int_equal(waits_execute_at(world, start + 3652 * DAY_MS, work, &user), DUR_OK);
}

/* ---- Clocks that jump ---- */

/* In every gap: before the sleep is asked for again, and between two passes. */
static void a_clock_that_jumps_moves_no_deadline(void **state)
{
    engine_world *world = *state;
    nap user = new_nap(world, false, 5000);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    for (int64_t now = -1000000; now < 6000; now += 7001) {
        assert_int_equal(waits_execute_at(world, now, work, &user), DUR_SUSPENDED);
        assert_true(memory_store_due(world->witness, "run-1") == 6000);
    }
    assert_int_equal(user.woken, 0);
    assert_int_equal(waits_execute_at(world, 600000, work, &user), DUR_OK);
}

static int work_set_back(dur_run *run, void *context)
{
    nap *user = context;

    user->world->clock.now_ms = 2000;
    return work(run, user);
}

/* Claimed when it was due, but the clock says otherwise by now: it waits on, for the same time. */
static void a_clock_set_back_within_a_pass_waits_on(void **state)
{
    engine_world *world = *state;
    nap user = new_nap(world, false, 5000);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute_at(world, 6000, work_set_back, &user), DUR_SUSPENDED);
    assert_story(world, "find run-1: suspended epoch 1\n"
                        "claim run-1 after epoch 1 claims 1\n"
                        "load run-1 1..134217727: 1 rows\n"
                        "pending run-1: 1 rows\n"
                        "suspend run-1 until 6000\n");
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_OK);
    assert_int_equal(user.woken, 1);
}

/* What the code asks for when it is asked again does not matter: the log knows. */
static void the_deadline_is_stored_once(void **state)
{
    engine_world *world = *state;
    nap user = new_nap(world, false, 5000);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    engine_world_succeed(world);
    user.time_ms = 900000;
    assert_int_equal(waits_execute_at(world, 5999, work, &user), DUR_SUSPENDED);
    user.until = true;
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_OK);
}

/* ---- Loops ---- */

typedef struct beat {
    engine_world *world;
    int rounds;
    int64_t times[16];
} beat;

static int beat_work(dur_run *run, void *context)
{
    beat *user = context;

    for (int i = 0; i < 12; i++) {
        if (dur_sleep(run, "tick", 1000) != DUR_OK) return 0;
        if (i < user->rounds) continue;
        user->rounds = i + 1;
        user->times[i] = user->world->clock.now_ms;
    }
    return 0;
}

/* Regression: a sleep keyed by its duration (or by its name). Twelve alike are twelve. */
static void sleeps_of_one_name_and_length_are_sleeps_of_their_own(void **state)
{
    engine_world *world = *state;
    beat user = {world, 0, {0}};
    const waits_drive drive = {beat_work, &user, NULL, NULL, 20};

    assert_int_equal(waits_run(world, &drive), DUR_OK);
    for (int i = 0; i < 12; i++) assert_true(user.times[i] == 2000 + 1000 * i);
}

/* A run that waits is no run that crashes: twelve suspensions in a row count as no claims. */
static void suspending_does_not_count_towards_poison(void **state)
{
    engine_world *world = *state;
    beat user = {world, 0, {0}};
    const waits_drive drive = {beat_work, &user, NULL, NULL, 20};

    assert_int_equal(waits_run(world, &drive), DUR_OK);
    assert_int_equal(count_in_story(world, "claims 1\n"), 12);
    assert_int_equal(count_in_story(world, "claims 2"), 0);
}

/* ---- Sleeping through ---- */

static void a_short_sleep_is_slept_through(void **state)
{
    engine_world *world = *state;
    nap user = new_nap(world, false, 5000);

    world->options.sleep_max_ms = 5000;
    engine_world_succeed(world);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"before\" result low 1: recorded\n"
                        "put run-1 #2 \"nap\" attempt 0 due 6000\n"
                        "append run-1 #2 \"nap\" result low 2 clears: recorded\n"
                        "append run-1 #3 \"after\" result low 3: recorded\n"
                        "end run-1 completed\n");
    assert_true(world->clock.sleeps == 1 && world->clock.slept_ms == 5000);
}

static void die_asleep(void *context)
{
    memory_store_die(((engine_world *)context)->store, 0);
}

static void a_death_while_sleeping_moves_no_deadline(void **state)
{
    engine_world *world = *state;
    nap user = new_nap(world, false, 5000);

    world->options.sleep_max_ms = 5000;
    engine_world_succeed(world);
    world->clock.on_sleep = die_asleep;
    world->clock.on_sleep_user = world;
    assert_int_equal(waits_execute(world, work, &user), DUR_IOERR);
    world->options.sleep_max_ms = 4999;
    engine_world_succeed(world);
    assert_int_equal(waits_execute_at(world, 1000, work, &user), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 6000);
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_OK);
    assert_int_equal(user.before, 1);
}

/* ---- Deaths and faults ---- */

static void reset_nap(engine_world *world, void *context)
{
    *(nap *)context = new_nap(world, true, 6000);
}

static void set_clock_back(engine_world *world, void *context)
{
    (void)context;
    world->clock.now_ms = -5000;
}

static void check_nap(engine_world *world, void *context, int code)
{
    const nap *user = context;

    assert_int_equal(code, DUR_OK);
    assert_true(user->woken >= 1);
    assert_true(user->woken_at >= 6000);
    assert_true(waits_rows_written(world, "append run-1 #2 \"nap\"") == 1);
    assert_true(memory_store_pending(world->witness, "run-1") == 0);
    assert_true(user->before <= 2 && user->after <= 2);
}

static void a_death_at_any_verb_moves_no_deadline(void **state)
{
    nap user;
    const waits_sweep sweep = {
        {work, &user, set_clock_back, NULL, 20}, reset_nap, check_nap};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) >= 10);
}

static void a_failing_store_moves_no_deadline(void **state)
{
    nap user;
    const waits_sweep sweep = {
        {work, &user, set_clock_back, NULL, 20}, reset_nap, check_nap};

    (void)state;
    assert_true(waits_sweep_faults(&sweep) >= 40);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(a_sleep_is_one_row_that_waits_and_one_that_stays),
        WAITS_TEST(until_a_time_is_the_same),
        WAITS_TEST(replay_after_the_deadline_costs_nothing),
        WAITS_TEST(a_time_that_has_come_costs_one_row_and_no_suspension),
        WAITS_TEST(times_beyond_all_numbers_mean_for_ever),
        WAITS_TEST(the_longest_time_that_is_one_comes),
        WAITS_TEST(ten_years_work),
        WAITS_TEST(a_clock_that_jumps_moves_no_deadline),
        WAITS_TEST(a_clock_set_back_within_a_pass_waits_on),
        WAITS_TEST(the_deadline_is_stored_once),
        WAITS_TEST(sleeps_of_one_name_and_length_are_sleeps_of_their_own),
        WAITS_TEST(suspending_does_not_count_towards_poison),
        WAITS_TEST(a_short_sleep_is_slept_through),
        WAITS_TEST(a_death_while_sleeping_moves_no_deadline),
        WAITS_TEST(a_death_at_any_verb_moves_no_deadline),
        WAITS_TEST(a_failing_store_moves_no_deadline),
    };

    return cmocka_run_group_tests_name("engine.timer", tests, NULL, NULL);
}
