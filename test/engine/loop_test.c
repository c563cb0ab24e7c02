/* test/engine: the worker that waits: how long it sleeps, and what wakes it. */
#include "engine/worker.h"

#include <stdio.h>

#define SLEEPS_MAX 64

/* What happens in the sleeps of a loop: the nth one does something, the last one stops it. */
typedef struct night {
    crew all; /* the first member */
    int sleeps;
    int64_t durations[SLEEPS_MAX];
    int acts_in; /* the sleep in which `disturb` is called; 0: none */
    void (*disturb)(struct night *night);
    int stops_in;
} night;

static night *tonight;

static void sleep_through(int64_t duration_ms, void *user)
{
    night *it = tonight;

    (void)user;
    assert_true(it->sleeps < SLEEPS_MAX);
    it->durations[it->sleeps++] = duration_ms;
    fake_clock_advance(&it->all.world->clock, duration_ms);
    if (it->sleeps == it->acts_in) it->disturb(it);
    if (it->sleeps == it->stops_in) dur_stop_work_loop(it->all.world->log);
}

static night night_for(engine_world *world)
{
    night it = {.sleeps = 0};

    world->options.sleep = sleep_through;
    engine_world_succeed(world);
    it.all = crew_for(world);
    return it;
}

static int loop(night *it)
{
    tonight = it;
    enlist(&it->all);
    memory_store_forget(it->all.world->witness);
    return dur_work_loop(it->all.world->log, &it->all.options);
}

static void assert_slept(const night *it, const char *expected)
{
    char told[512] = "";

    for (int i = 0; i < it->sleeps; i++)
        snprintf(told + strlen(told), sizeof told - strlen(told), "%s%d", i ? " " : "",
                 (int)it->durations[i]);
    assert_string_equal(expected, told);
}

/* ---- Stopping ---- */

static void a_loop_that_was_stopped_before_returns_at_once(void **state)
{
    night it = night_for(*state);

    start_with(&it.all, "run-1", 0, 0);
    dur_stop_work_loop(it.all.world->log);
    assert_int_equal(DUR_OK, loop(&it));
    assert_story(it.all.world, "");
    it.stops_in = 1; /* the flag was lowered */
    assert_int_equal(DUR_OK, loop(&it));
    assert_string_equal("run-1: DUR_OK\n", it.all.passes.text);
    dismiss(&it.all);
}

static void stop_the_loop(crew *all, dur_run *run)
{
    (void)run;
    dur_stop_work_loop(all->world->log);
}

static void a_loop_ends_when_the_pass_that_runs_has_ended(void **state)
{
    night it = night_for(*state);

    start_with(&it.all, "run-1", 0, 0);
    start_with(&it.all, "run-2", 0, 0);
    it.all.act = stop_the_loop;
    assert_int_equal(DUR_OK, loop(&it));
    assert_string_equal("run-1: DUR_OK\n", it.all.passes.text);
    assert_int_equal(0, it.sleeps);
    dismiss(&it.all);
}

/* The flag is for the loop: a call of dur_work() takes no notice, and leaves it up. */
static void the_flag_is_for_the_loop(void **state)
{
    night it = night_for(*state);

    start_with(&it.all, "run-1", 0, 0);
    dur_stop_work_loop(it.all.world->log);
    enlist(&it.all);
    assert_passes(&it.all, "run-1: DUR_OK\n");
    assert_int_equal(DUR_OK, loop(&it));
    assert_int_equal(0, it.sleeps);
    dismiss(&it.all);
}

/* ---- Sleeping ---- */

static void pauses_grow_up_to_poll_ms(void **state)
{
    night it = night_for(*state);

    it.stops_in = 9;
    assert_int_equal(DUR_OK, loop(&it));
    assert_slept(&it, "1 2 4 8 16 32 50 50 50");
    assert_story(it.all.world, "held work: none\n"
                               "due work: none\n"); /* one look: nobody has committed anything */
    dismiss(&it.all);
}

/* However long the pauses are, a stop from another thread is seen soon. */
static void long_pauses_are_slept_in_pieces(void **state)
{
    night it = night_for(*state);

    it.all.options.poll_ms = INT64_MAX;
    it.stops_in = 12;
    assert_int_equal(DUR_OK, loop(&it));
    assert_slept(&it, "1 2 4 8 16 32 64 100 28 100 100 56");
    dismiss(&it.all);
}

static void no_sleep_goes_beyond_what_is_due(void **state)
{
    night it = night_for(*state);

    start_with(&it.all, "run-1", 0, now_of(&it.all) + 40);
    it.stops_in = 8;
    assert_int_equal(DUR_OK, loop(&it));
    assert_slept(&it, "1 2 4 8 16 9 1 2"); /* and after work they are short again */
    assert_string_equal("run-1: DUR_OK\n", it.all.passes.text);
    dismiss(&it.all);
}

static void jump_ahead(night *it)
{
    fake_clock_advance(&it->all.world->clock, 3600000);
}

static void a_clock_that_jumps_ahead_is_noticed(void **state)
{
    night it = night_for(*state);

    start_with(&it.all, "run-1", 0, now_of(&it.all) + 3600000);
    it.acts_in = 3;
    it.disturb = jump_ahead;
    it.stops_in = 4;
    assert_int_equal(DUR_OK, loop(&it));
    assert_string_equal("run-1: DUR_OK\n", it.all.passes.text);
    dismiss(&it.all);
}

static void jump_back(night *it)
{
    fake_clock_advance(&it->all.world->clock, -86400000);
}

/* What is looked for again after a second is looked for after a second slept. */
static void a_clock_that_is_set_back_puts_off_no_look(void **state)
{
    night it = night_for(*state);
    engine_world *world = it.all.world;

    hold(&it.all, "theirs");
    engine_world_join(world);
    world->clock.owner_alive = DUR_OWNER_ALIVE;
    it.acts_in = 1;
    it.disturb = jump_back;
    it.all.options.poll_ms = 100;
    it.stops_in = 18;
    assert_int_equal(DUR_OK, loop(&it));
    assert_int_equal(2, count_in_story(world, "held work"));
    dismiss(&it.all);
}

/* ---- Waking ---- */

static void start_elsewhere(night *it)
{
    durable_store *witness = it->all.world->witness;
    durable_new_run new_run = {.id = "theirs",
                               .uid = "0123456789abcdef0123456789abcdef",
                               .workflow = "work",
                               .queue = "work",
                               .behaviour = DURABLE_BEHAVIOUR,
                               .due = 1000,
                               .deadline = DURABLE_NEVER};
    bool created;

    witness->methods->create_run(witness, &new_run, &created, NULL);
}

static void what_others_commit_is_noticed_after_a_pause(void **state)
{
    night it = night_for(*state);

    it.acts_in = 8;
    it.disturb = start_elsewhere;
    it.stops_in = 9;
    assert_int_equal(DUR_OK, loop(&it));
    assert_string_equal("theirs: DUR_OK\n", it.all.passes.text);
    assert_slept(&it, "1 2 4 8 16 32 50 50 1");
    dismiss(&it.all);
}

static void be_busy(night *it)
{
    memory_store_fail(it->all.world->store, "version", 1, DUR_BUSY, MEMORY_BEFORE);
}

static void a_busy_database_is_no_end(void **state)
{
    night it = night_for(*state);

    it.acts_in = 3;
    it.disturb = be_busy;
    it.stops_in = 6;
    assert_int_equal(DUR_OK, loop(&it));
    assert_int_equal(6, it.sleeps);
    dismiss(&it.all);
}

/* Where it was busy before the first look, a look more is taken as soon as it answers. */
static void what_could_not_be_read_may_have_changed(void **state)
{
    night it = night_for(*state);

    memory_store_fail(it.all.world->store, "version", 1, DUR_BUSY, MEMORY_BEFORE);
    it.stops_in = 3;
    assert_int_equal(DUR_OK, loop(&it));
    assert_int_equal(2, count_in_story(it.all.world, "due work"));
    dismiss(&it.all);
}

static void fail_the_disk(night *it)
{
    memory_store_fail(it->all.world->store, "version", 1, DUR_IOERR, MEMORY_BEFORE);
}

static void a_failing_database_ends_the_loop(void **state)
{
    night it = night_for(*state);

    it.acts_in = 3;
    it.disturb = fail_the_disk;
    assert_int_equal(DUR_IOERR, loop(&it));
    assert_non_null(strstr(dur_errmsg(it.all.world->log), "looking for work: "));
    memory_store_fail(it.all.world->store, "due", 1, DUR_CORRUPT, MEMORY_BEFORE);
    assert_int_equal(DUR_CORRUPT, loop(&it));
    it.stops_in = it.sleeps + 1;
    assert_int_equal(DUR_OK, loop(&it));
    dismiss(&it.all);
}

static void work_in_sleep(night *it)
{
    assert_int_equal(DUR_MISUSE, dur_work(it->all.world->log, NULL, NULL));
    assert_int_equal(DUR_MISUSE, dur_work_loop(it->all.world->log, NULL));
}

static void nobody_works_while_the_loop_sleeps(void **state)
{
    night it = night_for(*state);

    it.acts_in = 1;
    it.disturb = work_in_sleep;
    it.stops_in = 2;
    assert_int_equal(DUR_OK, loop(&it));
    dismiss(&it.all);
}

/* The budget of one call is no end of the loop, and no reason to sleep. */
static void a_small_budget_makes_many_calls(void **state)
{
    night it = night_for(*state);

    it.all.options.max_passes = 1;
    start_with(&it.all, "run-1", 0, 0);
    start_with(&it.all, "run-2", 0, 0);
    it.stops_in = 1;
    assert_int_equal(DUR_OK, loop(&it));
    assert_string_equal("run-1: DUR_OK\nrun-2: DUR_OK\n", it.all.passes.text);
    assert_slept(&it, "1");
    dismiss(&it.all);
}

static void close_the_log(crew *all, dur_run *run)
{
    (void)run;
    dur_close(all->world->log);
}

static void a_workflow_that_closes_the_log_ends_the_loop(void **state)
{
    night it = night_for(*state);
    engine_world *world = it.all.world;

    start_with(&it.all, "run-1", 0, 0);
    it.all.act = close_the_log;
    assert_int_equal(DUR_MISUSE, loop(&it));
    world->store = memory_store_share(world->witness);
    world->log = durable_log_new(world->store, DUR_OK, &world->options);
    dismiss(&it.all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_loop_that_was_stopped_before_returns_at_once),
        ENGINE_TEST(a_loop_ends_when_the_pass_that_runs_has_ended),
        ENGINE_TEST(the_flag_is_for_the_loop),
        ENGINE_TEST(pauses_grow_up_to_poll_ms),
        ENGINE_TEST(long_pauses_are_slept_in_pieces),
        ENGINE_TEST(no_sleep_goes_beyond_what_is_due),
        ENGINE_TEST(a_clock_that_jumps_ahead_is_noticed),
        ENGINE_TEST(a_clock_that_is_set_back_puts_off_no_look),
        ENGINE_TEST(what_others_commit_is_noticed_after_a_pause),
        ENGINE_TEST(a_busy_database_is_no_end),
        ENGINE_TEST(what_could_not_be_read_may_have_changed),
        ENGINE_TEST(a_failing_database_ends_the_loop),
        ENGINE_TEST(nobody_works_while_the_loop_sleeps),
        ENGINE_TEST(a_small_budget_makes_many_calls),
        ENGINE_TEST(a_workflow_that_closes_the_log_ends_the_loop),
    };

    return cmocka_run_group_tests_name("engine.loop", tests, NULL, NULL);
}
