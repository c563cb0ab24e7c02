/* test/engine: workers among others, with a failing database, and with runs that cannot be had. */
#include "engine/worker.h"

#include <stdio.h>

/* ---- Others ---- */

static crew *racer;
static int draws;

/* Another owner takes the run between our look and our act: the token is drawn there. */
static void lose_the_race(void *bytes, size_t count, void *user)
{
    (void)user;
    memset(bytes, 17 + draws++, count);
    if (count == 8 && racer) {
        crew *all = racer;

        racer = NULL;
        memory_store_take_over(all->world->witness, "run-1");
    }
}

static void after_a_lost_race_the_worker_chooses_anew(void **state)
{
    crew all = crew_for(*state);

    all.world->options.random = lose_the_race;
    engine_world_succeed(all.world);
    all.world->clock.owner_alive = DUR_OWNER_ALIVE;
    enlist(&all);
    start_with(&all, "run-1", 0, 0);
    start_with(&all, "run-2", 0, 0);
    memory_store_forget(all.world->witness);
    racer = &all;
    assert_passes(&all, "run-2: DUR_OK\n");
    assert_story(all.world, "held work: none\n"
                            "due work: run-1 at 1767225600000\n"
                            "queue work\n"
                            "find run-1: running epoch 0\n"
                            "another owner takes run-1\n"
                            "claim run-1 after epoch 0 claims 1 limited: refused\n"
                            "due work: run-2 at 1767225600000\n"
                            "queue work\n"
                            "find run-2: running epoch 0\n"
                            "claim run-2 after epoch 0 claims 1 limited\n"
                            "append run-2 #1 \"step\" result low 1: recorded\n"
                            "end run-2 completed\n"
                            "due work: none\n"
                            "held work: run-1 until 9223372036854775807\n");
    dismiss(&all);
}

/* A store that shows what cannot be had: the worker does not spin on it. */
static void a_run_that_is_shown_and_never_to_be_had_is_left_alone(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    start_with(&all, "run-1", 0, 0);
    memory_store_forget(all.world->witness);
    memory_store_fail(all.world->store, "claim", 1, DUR_OWNED, MEMORY_BEFORE);
    assert_passes(&all, "");
    assert_int_equal(100, all.wake_ms);
    assert_int_equal(1, count_in_story(all.world, "claim run-1"));
    assert_passes(&all, "run-1: DUR_OK\n");
    dismiss(&all);
}

/* ---- Limits ---- */

static void limit(crew *all, int64_t active, int64_t process, int64_t starts)
{
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;

    limits.max_active = active;
    limits.max_active_process = process;
    limits.max_starts = starts;
    assert_int_equal(DUR_OK, dur_serve_queue(all->world->log, "work", &limits));
}

static void limits_are_written_only_where_they_differ(void **state)
{
    crew all = crew_for(*state);
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;

    limit(&all, 0, 0, 0);
    assert_story(all.world, "queue work\n");
    limit(&all, 3, 2, 7);
    limit(&all, 3, 2, 7);
    assert_story(all.world, "queue work\n"
                            "limit work to 3, 2 a process, every 142858 us\n"
                            "queue work\n");
    limits.max_active = -1;
    assert_int_equal(DUR_MISUSE, dur_serve_queue(all.world->log, "work", &limits));
    limits.max_active = 0;
    limits.period_ms = -1;
    assert_int_equal(DUR_MISUSE, dur_serve_queue(all.world->log, "work", &limits));
    limits.period_ms = INT64_MAX;
    limits.max_starts = 1;
    assert_int_equal(DUR_OK, dur_serve_queue(all.world->log, "work", &limits));
    assert_story(all.world, "queue work\n"
                            "limit work to 0, 0 a process, every 31536000000000000 us\n");
    dismiss(&all);
}

static void a_rate_spreads_the_passes(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    limit(&all, 0, 0, 3); /* 333,334 us */
    start_with(&all, "a", 0, 0);
    start_with(&all, "b", 0, 0);
    start_with(&all, "c", 0, 0);
    assert_passes(&all, "a: DUR_OK\n");
    assert_int_equal(333, all.wake_ms);
    fake_clock_advance(&all.world->clock, 332);
    assert_passes(&all, "");
    assert_int_equal(1, all.wake_ms);
    fake_clock_advance(&all.world->clock, 1);
    assert_passes(&all, "b: DUR_OK\n");
    fake_clock_advance(&all.world->clock, -3600000); /* set back: it does not wait an hour */
    start_with(&all, "d", 0, 0);
    assert_passes(&all, "d: DUR_OK\n");
    dismiss(&all);
}

static void a_full_queue_waits_for_a_pass_to_end(void **state)
{
    crew all = crew_for(*state);
    dur_run *run;

    enlist(&all);
    limit(&all, 1, 0, 0);
    run = hold(&all, "held");
    start_with(&all, "due", 7, 0);
    assert_int_equal(DUR_OK, dur_register(all.world->log, "free", count_steps, &all));
    assert_int_equal(DUR_OK, dur_start(all.world->log, "free", "other-queue", NULL));
    assert_passes(&all, "other-queue: DUR_OK\n"); /* a full queue is in nobody's way */
    assert_int_equal(1000, all.wake_ms);
    assert_int_equal(DUR_OK, dur_complete_run(run, dur_null()));
    assert_passes(&all, "due: DUR_OK\n");
    dismiss(&all);
}

/* The trap: what dead owners hold counts, and would keep itself from being taken over. */
static void a_queue_that_dead_owners_have_filled_is_emptied(void **state)
{
    crew all = crew_for(*state);

    hold(&all, "begun-1");
    hold(&all, "begun-2");
    engine_world_succeed(all.world);
    enlist(&all);
    limit(&all, 1, 1, 0);
    start_with(&all, "new", 0, 0);
    assert_passes(&all, "begun-1: DUR_OK\nbegun-2: DUR_OK\nnew: DUR_OK\n");
    dismiss(&all);
}

/* ---- The database ---- */

static void a_poll_that_fails_is_told(void **state)
{
    static const int codes[] = {DUR_BUSY,     DUR_NOMEM,   DUR_FULL,        DUR_IOERR,
                                DUR_READONLY, DUR_CORRUPT, DUR_INTERRUPTED, DUR_DATABASE};
    static const char *const verbs[] = {"held", "due", "queue", "find", "claim"};
    crew all = crew_for(*state);

    enlist(&all);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0] * 5; i++) {
        char id[16];

        snprintf(id, sizeof id, "run-%d", (int)i);
        start_with(&all, id, 0, 0);
        memory_store_fail(all.world->store, verbs[i % 5], 1, codes[i / 5], MEMORY_BEFORE);
        if (codes[i / 5] == DUR_CORRUPT && i % 5 > 2) { /* one run's own */
            char told[64];

            snprintf(told, sizeof told, "%s: DUR_CORRUPT\n", id);
            assert_passes(&all, told);
            fake_clock_advance(&all.world->clock, 100);
        } else {
            assert_int_equal(codes[i / 5], work(&all));
            assert_true(dur_errmsg(all.world->log)[0] != '\0');
        }
        snprintf(id, sizeof id, "run-%d", (int)i);
        assert_int_equal(DUR_OK, work(&all));
        assert_non_null(strstr(all.passes.text, ": DUR_OK\n"));
        narrative_clear(&all.passes);
    }
    assert_int_equal(40, all.bodies);
    dismiss(&all);
}

static void a_pass_that_meets_a_failing_database_ends_the_work(void **state)
{
    static const int codes[] = {DUR_NOMEM, DUR_FULL, DUR_IOERR, DUR_READONLY, DUR_INTERRUPTED};
    crew all = crew_for(*state);

    enlist(&all);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char told[64];

        start_with(&all, "a", 0, 0);
        start_with(&all, "b", 0, 0);
        memory_store_fail(all.world->store, "append", 1, codes[i], MEMORY_BEFORE);
        assert_int_equal(codes[i], work(&all));
        assert_non_null(strstr(dur_errmsg(all.world->log), "run \"a\""));
        snprintf(told, sizeof told, "a: %s\n", dur_code_name(codes[i]));
        assert_string_equal(told, all.passes.text);
        narrative_clear(&all.passes);
        assert_passes(&all, "a: DUR_OK\nb: DUR_OK\n"); /* what was kept is written first */
        assert_int_equal(2 * ((int)i + 1), all.bodies);
        memory_store_delete_run(all.world->witness, "a");
        memory_store_delete_run(all.world->witness, "b");
    }
    dismiss(&all);
}

/* ---- A run's own troubles ---- */

static int trouble(dur_run *run, void *user)
{
    crew *all = user;

    all->bodies++;
    if (strcmp(dur_run_id(run), "fails") == 0) return 1;
    if (strcmp(dur_run_id(run), "stops") == 0) dur_stop(run, "not today");
    DUR_STEP(run, "step") { }
    return 0;
}

static void what_a_pass_comes_to_is_the_runs_own(void **state)
{
    crew all = crew_for(*state);

    assert_int_equal(DUR_OK, dur_register(all.world->log, "work", trouble, &all));
    all.options.user = &all;
    start_with(&all, "fails", 0, 0);
    start_with(&all, "stops", 0, 0);
    start_with(&all, "works", 0, 0);
    assert_passes(&all, "fails: DUR_FAILED\n"
                        "stops: DUR_STOPPED\n"
                        "works: DUR_OK\n");
    assert_string_equal("", dur_errmsg(all.world->log));
    assert_int_equal(DURABLE_BACK_OFF_FIRST_MS, all.wake_ms); /* given back, to come later */
    dismiss(&all);
}

/* Later each time, and parked in the end; by hand it goes at once. */
static void a_run_that_always_stops_comes_later_each_time(void **state)
{
    crew all = crew_for(*state);
    int64_t pause_ms = DURABLE_BACK_OFF_FIRST_MS;

    assert_int_equal(DUR_OK, dur_register(all.world->log, "work", trouble, &all));
    all.options.user = &all;
    start_with(&all, "stops", 0, 0);
    for (int i = 1; i <= DUR_CLAIMS_MAX; i++) {
        assert_passes(&all, "stops: DUR_STOPPED\n");
        assert_int_equal(pause_ms, all.wake_ms);
        assert_passes(&all, "");
        fake_clock_advance(&all.world->clock, all.wake_ms);
        if (pause_ms < 51200) pause_ms *= 2;
    }
    assert_passes(&all, "stops: DUR_PARKED\n");
    assert_int_equal(-1, all.wake_ms);
    assert_int_equal(DUR_CLAIMS_MAX, all.bodies);
    dismiss(&all);
}

static void a_damaged_run_is_not_claimed_again_and_again(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    start_with(&all, "damaged", 0, 0);
    memory_store_fail(all.world->store, "end", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_passes(&all, "damaged: DUR_BUSY\n");
    memory_store_damage_step(all.world->witness, "damaged", 1);
    fake_clock_advance(&all.world->clock, all.wake_ms);
    memory_store_forget(all.world->witness);
    start_with(&all, "sound", 0, 0);
    assert_passes(&all, "damaged: DUR_CORRUPT\n"
                        "sound: DUR_OK\n");
    assert_int_equal(1, count_in_story(all.world, "claim damaged"));
    dismiss(&all);
}

/* ---- The listener ---- */

static void call_the_log(const char *workflow, const char *run_id, int code, const char *message,
                         void *user)
{
    crew *all = user;
    dur_log *log = all->world->log;

    note_pass(workflow, run_id, code, message, user);
    assert_int_equal(DUR_MISUSE, dur_work(log, NULL, NULL));
    assert_int_equal(DUR_NOT_FOUND, dur_signal(log, "nobody", "x", dur_null(), NULL));
    if (all->bodies < 3) start_with(all, all->bodies == 1 ? "second" : "third", 0, 0);
}

static void the_listener_may_call_the_log(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    all.options.passed = call_the_log;
    start_with(&all, "first", 0, 0);
    assert_passes(&all, "first: DUR_OK\nsecond: DUR_OK\nthird: DUR_OK\n");
    dismiss(&all);
}

/* What it did does not hide why the work ended. */
static void the_listener_does_not_hide_an_error(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    all.options.passed = call_the_log;
    all.bodies = 3;
    start_with(&all, "first", 0, 0);
    memory_store_fail(all.world->store, "append", 1, DUR_FULL, MEMORY_BEFORE);
    assert_int_equal(DUR_FULL, work(&all));
    assert_non_null(strstr(dur_errmsg(all.world->log), "run \"first\", position 1"));
    dismiss(&all);
}

static void close_in_listener(const char *workflow, const char *run_id, int code,
                              const char *message, void *user)
{
    crew *all = user;

    note_pass(workflow, run_id, code, message, user);
    dur_close(all->world->log);
}

static void a_listener_that_closes_the_log_ends_the_work(void **state)
{
    engine_world *world = *state;
    crew all = crew_for(world);

    enlist(&all);
    all.options.passed = close_in_listener;
    start_with(&all, "first", 0, 0);
    assert_int_equal(DUR_MISUSE, work(&all));
    assert_string_equal("first: DUR_OK\n", all.passes.text);
    world->store = memory_store_share(world->witness);
    world->log = durable_log_new(world->store, DUR_OK, &world->options);
    dismiss(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(after_a_lost_race_the_worker_chooses_anew),
        ENGINE_TEST(a_run_that_is_shown_and_never_to_be_had_is_left_alone),
        ENGINE_TEST(limits_are_written_only_where_they_differ),
        ENGINE_TEST(a_rate_spreads_the_passes),
        ENGINE_TEST(a_full_queue_waits_for_a_pass_to_end),
        ENGINE_TEST(a_queue_that_dead_owners_have_filled_is_emptied),
        ENGINE_TEST(a_poll_that_fails_is_told),
        ENGINE_TEST(a_pass_that_meets_a_failing_database_ends_the_work),
        ENGINE_TEST(what_a_pass_comes_to_is_the_runs_own),
        ENGINE_TEST(a_run_that_always_stops_comes_later_each_time),
        ENGINE_TEST(a_damaged_run_is_not_claimed_again_and_again),
        ENGINE_TEST(the_listener_may_call_the_log),
        ENGINE_TEST(the_listener_does_not_hide_an_error),
        ENGINE_TEST(a_listener_that_closes_the_log_ends_the_work),
    };

    return cmocka_run_group_tests_name("engine.worker_trouble", tests, NULL, NULL);
}
