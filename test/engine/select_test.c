/* test/engine: waiting for the first of several things: which one it was is recorded. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

typedef struct choice {
    engine_world *world;
    dur_case cases[DUR_CASES_MAX];
    size_t count;
    int code;
    size_t which;
    int chosen;         /* how often a pass came behind it */
    bool callback;      /* open one first; it is the last case, and awaited when it has won */
    int64_t heartbeat_ms;
    int await_code;
    int64_t answer;
} choice;

static void add_case(choice *user, dur_case one)
{
    user->cases[user->count++] = one;
}

static int work(dur_run *run, void *context)
{
    choice *user = context;
    size_t count = user->count;
    dur_step *callback = NULL;
    dur_value value;

    if (user->callback) {
        dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;

        options.heartbeat_ms = user->heartbeat_ms;
        if (dur_begin_callback(run, "answer", &options, &callback) != DUR_OK) return 0;
        user->cases[count++] = dur_on_step(callback);
    }
    user->which = 77;
    user->code = dur_select(run, "first", user->cases, count, &user->which);
    if (user->code != DUR_OK) return 0;
    user->chosen++;
    if (!user->callback || user->which != count - 1) return 0;
    user->await_code = dur_await(callback, &value);
    user->answer = value.as.integer;
    return 0;
}

static choice new_choice(engine_world *world)
{
    choice user;

    memset(&user, 0, sizeof user);
    user.world = world;
    return user;
}

static void send(engine_world *world, const char *name)
{
    assert_int_equal(memory_store_signal(world->witness, "run-1", name, dur_null(),
                                         world->clock.now_ms),
                     DUR_OK);
}

/* ---- The narrative ---- */

static void the_first_signal_wakes_it_and_is_not_taken(void **state)
{
    engine_world *world = *state;
    choice user = new_choice(world);

    add_case(&user, dur_on_signal("a"));
    add_case(&user, dur_on_timer(5000));
    add_case(&user, dur_on_signal("b"));
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    waits_assert_says(world,
                      "position 1: it waits in select \"first\" until 1970-01-01 00:00:06 UTC");
    assert_int_equal(user.which, 0);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "peek run-1 \"a\": none\n"
                        "peek run-1 \"b\": none\n"
                        "suspend run-1 until 6000 for \"a\", \"b\" put #1 \"first\" attempt 0 due"
                        " 6000\n");
    world->clock.now_ms = 3000;
    send(world, "b");
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_story(world, "somebody signals run-1 \"b\"\n"
                        "find run-1: suspended epoch 1\n"
                        "claim run-1 after epoch 1 claims 1\n"
                        "load run-1 1..134217727: 0 rows\n"
                        "pending run-1: 1 rows\n"
                        "peek run-1 \"a\": none\n"
                        "peek run-1 \"b\": 1\n"
                        "append run-1 #1 \"first\" result low 1 clears: recorded\n"
                        "end run-1 completed\n");
    assert_int_equal(user.which, 2);
    assert_true(memory_store_signals(world->witness, "run-1") == 1);
}

static void a_timer_that_rings_first_is_the_answer(void **state)
{
    engine_world *world = *state;
    choice user = new_choice(world);

    add_case(&user, dur_on_signal("a"));
    add_case(&user, dur_on_timer(9000));
    add_case(&user, dur_on_time(6000));
    add_case(&user, dur_on_timer(7000));
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 6000);
    /* Woken when all of them have rung: the first one is still the first. */
    assert_int_equal(waits_execute_at(world, 60000, work, &user), DUR_OK);
    assert_int_equal(user.which, 2);
}

static void of_equals_the_first_in_the_list_wins(void **state)
{
    engine_world *world = *state;
    choice user = new_choice(world);

    add_case(&user, dur_on_timer(5000));
    add_case(&user, dur_on_time(6000));
    add_case(&user, dur_on_signal("b"));
    add_case(&user, dur_on_signal("a"));
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    send(world, "a");
    send(world, "b");
    assert_int_equal(waits_execute_at(world, 5999, work, &user), DUR_OK);
    assert_int_equal(user.which, 2);
}

static void two_timers_of_one_time_are_in_the_lists_order(void **state)
{
    engine_world *world = *state;
    choice user = new_choice(world);

    add_case(&user, dur_on_signal("a"));
    add_case(&user, dur_on_timer(5000));
    add_case(&user, dur_on_time(6000));
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_OK);
    assert_int_equal(user.which, 1);
}

static void what_is_there_already_costs_one_row(void **state)
{
    static const dur_case ready[] = {{DUR_CASE_TIMER_, 0, NULL, NULL},
                                     {DUR_CASE_TIMER_, -5, NULL, NULL},
                                     {DUR_CASE_TIME_, 1000, NULL, NULL},
                                     {DUR_CASE_TIME_, INT64_MIN, NULL, NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof ready / sizeof ready[0]; i++) {
        engine_world world;
        choice user;

        engine_world_open(&world);
        world.clock.now_ms = WAITS_START_MS;
        user = new_choice(&world);
        add_case(&user, dur_on_signal("a"));
        add_case(&user, ready[i]);
        assert_int_equal(waits_execute(&world, work, &user), DUR_OK);
        assert_int_equal(user.which, 1);
        assert_story(&world, "find run-1: none\n"
                             "create run-1 epoch 1\n"
                             "peek run-1 \"a\": none\n"
                             "append run-1 #1 \"first\" result low 1: recorded\n"
                             "end run-1 completed\n");
        engine_world_close(&world);
    }
}

/* ---- Deadlines ---- */

static void a_signal_behind_the_deadline_does_not_count(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        engine_world world;
        choice user;

        engine_world_open(&world);
        world.clock.now_ms = WAITS_START_MS;
        user = new_choice(&world);
        add_case(&user, dur_on_signal("a"));
        add_case(&user, dur_on_timer(5000));
        assert_int_equal(waits_execute(&world, work, &user), DUR_SUSPENDED);
        world.clock.now_ms = 6000 + late;
        send(&world, "a");
        assert_int_equal(waits_execute_at(&world, 9000, work, &user), DUR_OK);
        assert_int_equal(user.which, late ? 1 : 0);
        engine_world_close(&world);
    }
}

static void a_clock_that_jumps_moves_no_deadline(void **state)
{
    engine_world *world = *state;
    choice user = new_choice(world);

    add_case(&user, dur_on_signal("a"));
    add_case(&user, dur_on_timer(5000));
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    for (int64_t now = -1000000; now < 6000; now += 7001)
        assert_int_equal(waits_execute_at(world, now, work, &user), DUR_SUSPENDED);
    /* Woken by a signal of no case, at whatever time: it waits on. */
    world->clock.now_ms = 6000;
    engine_world_succeed(world);
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_OK);
    assert_int_equal(user.which, 1);
}

static void without_a_timer_it_waits_for_ever(void **state)
{
    engine_world *world = *state;
    choice user = new_choice(world);

    add_case(&user, dur_on_signal("a"));
    add_case(&user, dur_on_timer(INT64_MAX));
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == DURABLE_NEVER);
    world->clock.now_ms = INT64_MAX - 5;
    send(world, "a");
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_int_equal(user.which, 0);
}

/* ---- Replay ---- */

static int choose_and_wait(dur_run *run, void *context)
{
    choice *user = context;

    work(run, user);
    if (user->code != DUR_OK) return 0;
    return dur_receive(run, "never", DUR_FOREVER, NULL) == DUR_OK ? 0 : 1;
}

/* Things have changed since: the earlier case is there, too. The way is the recorded one. */
static void the_recorded_case_is_replayed_whatever_has_come_since(void **state)
{
    engine_world *world = *state;
    choice user = new_choice(world);

    add_case(&user, dur_on_signal("a"));
    add_case(&user, dur_on_timer(5000));
    assert_int_equal(waits_execute(world, choose_and_wait, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 6000, choose_and_wait, &user), DUR_SUSPENDED);
    send(world, "a");
    send(world, "never");
    memory_store_forget(world->witness);
    world->clock.now_ms = 7000;
    assert_int_equal(waits_execute_at(world, 7000, choose_and_wait, &user), DUR_OK);
    assert_int_equal(user.which, 1);
    assert_int_equal(count_in_story(world, "peek run-1 \"a\""), 0);
    assert_int_equal(user.chosen, 2);
}

static void a_recorded_case_that_the_list_no_longer_has_is_a_mismatch(void **state)
{
    engine_world *world = *state;
    choice user = new_choice(world);

    add_case(&user, dur_on_signal("a"));
    add_case(&user, dur_on_timer(5000));
    assert_int_equal(waits_execute(world, choose_and_wait, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 6000, choose_and_wait, &user), DUR_SUSPENDED);
    send(world, "never");
    user.count = 1;
    assert_int_equal(waits_execute(world, choose_and_wait, &user), DUR_MISMATCH);
    waits_assert_says(world, "position 1, select \"first\" (no call site): the log holds the index"
                             " of a case that is not in the list");
    user.count = 2;
    assert_int_equal(waits_execute(world, choose_and_wait, &user), DUR_OK);
}

static void a_deadline_whose_timer_is_gone_is_a_mismatch(void **state)
{
    engine_world *world = *state;
    choice user = new_choice(world);

    add_case(&user, dur_on_signal("a"));
    add_case(&user, dur_on_timer(5000));
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    user.cases[1] = dur_on_signal("b");
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_MISMATCH);
    waits_assert_says(world, "a deadline for a case that is no timer in the list");
    user.cases[1] = dur_on_timer(99);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_int_equal(user.which, 1);
}

/* ---- Callbacks among the cases ---- */

static void a_callback_that_is_answered_is_awaited_next(void **state)
{
    engine_world *world = *state;
    choice user = new_choice(world);

    user.callback = true;
    add_case(&user, dur_on_timer(5000));
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(count_in_story(world, "suspend run-1 until 6000 for #1 put #2 \"first\""), 1);
    assert_int_equal(memory_store_answer(world->witness, "run-1", 1, dur_integer(42), 2000),
                     DUR_OK);
    assert_true(memory_store_due(world->witness, "run-1") == 2000);
    assert_int_equal(waits_execute_at(world, 2000, work, &user), DUR_OK);
    assert_int_equal(user.which, 1);
    assert_int_equal(user.await_code, DUR_OK);
    assert_true(user.answer == 42);
}

/* Its own time wakes the run, and is told where it is awaited. */
static void a_callback_whose_time_is_up_is_a_case_too(void **state)
{
    engine_world *world = *state;
    choice user = new_choice(world);

    user.callback = true;
    user.heartbeat_ms = 2000;
    add_case(&user, dur_on_timer(5000));
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(count_in_story(world, "suspend run-1 until 3000 for #1 put #2 \"first\""
                                           " attempt 0 due 6000"),
                     1);
    assert_int_equal(waits_execute_at(world, 3000, work, &user), DUR_OK);
    assert_int_equal(user.which, 1);
    assert_int_equal(user.await_code, DUR_TIMED_OUT);
}

/* The timer has won; nobody awaits the callback, and the run ends all the same. */
static void a_callback_that_lost_is_dropped_with_the_run(void **state)
{
    engine_world *world = *state;
    choice user = new_choice(world);

    user.callback = true;
    add_case(&user, dur_on_timer(5000));
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_OK);
    assert_int_equal(user.which, 0);
    assert_true(memory_store_pending(world->witness, "run-1") == 0);
    assert_int_equal(memory_store_answer(world->witness, "run-1", 1, dur_null(), 6000), DUR_ENDED);
}

static void as_many_cases_as_there_may_be_work(void **state)
{
    engine_world *world = *state;
    choice user = new_choice(world);
    static char names[DUR_CASES_MAX][DUR_NAME_MAX + 1];

    for (int i = 0; i < DUR_CASES_MAX; i++) {
        memset(names[i], 'n', DUR_NAME_MAX);
        snprintf(names[i], sizeof names[i], "signal-%d", i);
        names[i][strlen(names[i])] = 'n';
        add_case(&user, dur_on_signal(names[i]));
    }
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    send(world, names[DUR_CASES_MAX - 1]);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_int_equal(user.which, DUR_CASES_MAX - 1);
}

/* ---- Deaths and faults ---- */

static void reset_choice(engine_world *world, void *context)
{
    choice *user = context;

    *user = new_choice(world);
    user->callback = true;
    add_case(user, dur_on_signal("a"));
    add_case(user, dur_on_timer(5000));
}

static void set_clock_back(engine_world *world, void *context)
{
    (void)context;
    world->clock.now_ms = -5000;
}

/* Once recorded the choice stays, although the signal came before the run was executed again. */
static int work_then_signal(dur_run *run, void *context)
{
    choice *user = context;
    int result = work(run, user);

    if (user->chosen && memory_store_signals(user->world->witness, "run-1") == 0)
        send(user->world, "a");
    return result;
}

static void check_choice(engine_world *world, void *context, int code)
{
    const choice *user = context;

    assert_int_equal(code, DUR_OK);
    assert_int_equal(user->which, 1);
    assert_true(waits_rows_written(world, "append run-1 #2 \"first\"") == 1);
    assert_true(memory_store_pending(world->witness, "run-1") == 0);
}

static void a_death_or_a_fault_changes_no_choice(void **state)
{
    choice user;
    const waits_sweep sweep = {{work_then_signal, &user, set_clock_back, NULL, 30},
                               reset_choice, check_choice};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) >= 12);
    assert_true(waits_sweep_faults(&sweep) >= 48);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(the_first_signal_wakes_it_and_is_not_taken),
        WAITS_TEST(a_timer_that_rings_first_is_the_answer),
        WAITS_TEST(of_equals_the_first_in_the_list_wins),
        WAITS_TEST(two_timers_of_one_time_are_in_the_lists_order),
        WAITS_TEST(what_is_there_already_costs_one_row),
        WAITS_TEST(a_signal_behind_the_deadline_does_not_count),
        WAITS_TEST(a_clock_that_jumps_moves_no_deadline),
        WAITS_TEST(without_a_timer_it_waits_for_ever),
        WAITS_TEST(the_recorded_case_is_replayed_whatever_has_come_since),
        WAITS_TEST(a_recorded_case_that_the_list_no_longer_has_is_a_mismatch),
        WAITS_TEST(a_deadline_whose_timer_is_gone_is_a_mismatch),
        WAITS_TEST(a_callback_that_is_answered_is_awaited_next),
        WAITS_TEST(a_callback_whose_time_is_up_is_a_case_too),
        WAITS_TEST(a_callback_that_lost_is_dropped_with_the_run),
        WAITS_TEST(as_many_cases_as_there_may_be_work),
        WAITS_TEST(a_death_or_a_fault_changes_no_choice),
    };

    return cmocka_run_group_tests_name("engine.select", tests, NULL, NULL);
}
