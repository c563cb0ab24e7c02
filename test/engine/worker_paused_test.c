/* test/engine: laws 6 and 8, workers and runs that are paused or terminated beside them. */
#include "engine/worker.h"

#include <stdio.h>

static void pause_run(crew *all, const char *id)
{
    assert_int_equal(DUR_OK, dur_pause(all->world->log, id));
}

static void a_dead_owners_claim_of_a_paused_run_is_given_back(void **state)
{
    crew all = crew_for(*state);
    dur_run *run = hold(&all, "run-1");

    assert_non_null(run);
    pause_run(&all, "run-1");
    engine_world_succeed(all.world);
    enlist(&all);
    memory_store_forget(all.world->witness);
    assert_passes(&all, "");
    assert_story(all.world, "held work: run-1 until 1767226200000\n"
                            "queue work\n"
                            "find run-1: running epoch 1\n"
                            "claim run-1 after epoch 1 claims 1\n"
                            "release run-1\n"
                            "held work: none\n"
                            "due work: none\n");
    assert_int_equal(-1, all.wake_ms);
    assert_int_equal(DUR_OK, dur_resume(all.world->log, "run-1"));
    assert_passes(&all, "run-1: DUR_OK\n");
    dismiss(&all);
}

/* More of them than a worker would lose races: they do not keep it from what stands behind. */
static void many_paused_runs_stand_in_nobodys_way(void **state)
{
    enum { MANY = 40 };
    crew all = crew_for(*state);
    dur_run *held[MANY] = {NULL};

    for (int i = 0; i < MANY; i++) {
        char id[16];

        snprintf(id, sizeof id, "run-%d", i);
        assert_int_equal(DUR_OK, dur_begin_run(all.world->log, "work", id, NULL, &held[i]));
        pause_run(&all, id);
    }
    start_with(&all, "behind", 0, 0);
    engine_world_succeed(all.world);
    enlist(&all);
    memory_store_forget(all.world->witness);
    assert_passes(&all, "behind: DUR_OK\n");
    assert_int_equal(MANY, count_in_story(all.world, "release run-"));
    assert_int_equal(-1, all.wake_ms);
    for (int i = 0; i < MANY; i++) dur_close_run(held[i]);
    dismiss(&all);
}

static void pause_in_the_pass(crew *all, dur_run *run)
{
    (void)run;
    pause_run(all, "a");
}

/* Law 3: what could not be recorded is written before the claim that guards it goes. */
static void what_was_kept_for_a_paused_run_is_written_first(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    start_with(&all, "a", 0, 0);
    all.act = pause_in_the_pass;
    memory_store_fail(all.world->store, "append", 1, DUR_IOERR, MEMORY_BEFORE);
    assert_int_equal(DUR_IOERR, work(&all));
    narrative_clear(&all.passes);
    memory_store_forget(all.world->witness);
    assert_passes(&all, "");
    assert_int_equal(1, count_in_story(all.world, "append a #1 \"step\" result low 1: recorded\n"
                                                  "claim a after epoch 1 claims 1\n"
                                                  "release a\n"));
    assert_int_equal(DUR_OK, dur_resume(all.world->log, "a"));
    assert_passes(&all, "a: DUR_OK\n");
    assert_int_equal(1, all.bodies);
    dismiss(&all);
}

/* A claim that cannot be given back ends the work, which does not spin on it. */
static void a_claim_that_cannot_be_given_back_is_told(void **state)
{
    crew all = crew_for(*state);
    dur_run *run = hold(&all, "run-1");

    assert_non_null(run);
    pause_run(&all, "run-1");
    engine_world_succeed(all.world);
    enlist(&all);
    memory_store_forget(all.world->witness);
    memory_store_fail(all.world->store, "release", 1, DUR_IOERR, MEMORY_BEFORE);
    assert_int_equal(DUR_IOERR, work(&all));
    assert_non_null(strstr(dur_errmsg(all.world->log), "run \"run-1\""));
    assert_int_equal(1, count_in_story(all.world, "claim run-1"));
    assert_passes(&all, "");
    assert_int_equal(2, count_in_story(all.world, "claim run-1"));
    assert_int_equal(-1, all.wake_ms);
    dismiss(&all);
}

/* Somebody is faster: the run is left to him. */
static void a_paused_run_that_another_worker_frees(void **state)
{
    crew all = crew_for(*state);
    dur_run *run = hold(&all, "run-1");

    assert_non_null(run);
    pause_run(&all, "run-1");
    engine_world_succeed(all.world);
    enlist(&all);
    memory_store_forget(all.world->witness);
    memory_store_fail(all.world->store, "claim", 1, DUR_OWNED, MEMORY_BEFORE);
    assert_passes(&all, "");
    assert_int_equal(1, count_in_story(all.world, "claim run-1"));
    dismiss(&all);
}

static void terminate_in_the_pass(crew *all, dur_run *run)
{
    (void)run;
    assert_int_equal(DUR_OK, dur_terminate(all->world->log, "run-1", "enough"));
}

/* The pass is lost at its first write, and the worker goes on with the next run. */
static void a_run_is_terminated_under_a_worker(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    start_with(&all, "run-1", 0, 0);
    start_with(&all, "run-2", 0, 0);
    all.act = terminate_in_the_pass;
    memory_store_forget(all.world->witness);
    assert_passes(&all, "run-1: DUR_LOST\nrun-2: DUR_OK\n");
    assert_int_equal(1, count_in_story(all.world, "terminate run-1\n"
                                                  "append run-1 #1 \"step\" result low 1: "
                                                  "DUR_LOST\n"));
    assert_int_equal(0, count_in_story(all.world, "\nend run-1"));
    assert_int_equal(DUR_TERMINATED,
                     dur_execute(all.world->log, "work", "run-1", NULL, count_steps, &all));
    assert_string_equal("enough", dur_errmsg(all.world->log));
    dismiss(&all);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_dead_owners_claim_of_a_paused_run_is_given_back),
        ENGINE_TEST(many_paused_runs_stand_in_nobodys_way),
        ENGINE_TEST(what_was_kept_for_a_paused_run_is_written_first),
        ENGINE_TEST(a_claim_that_cannot_be_given_back_is_told),
        ENGINE_TEST(a_paused_run_that_another_worker_frees),
        ENGINE_TEST(a_run_is_terminated_under_a_worker),
    };

    return cmocka_run_group_tests_name("engine.worker_paused", tests, NULL, NULL);
}
