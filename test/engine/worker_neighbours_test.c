/* test/engine: workers beside newer ones, and beside owners that are dead or alive. */
#include "engine/worker.h"

/* ---- Newer ones ---- */

static void put_newer_run(crew *all, const char *id)
{
    durable_new_run new_run = {.id = id,
                               .uid = "0123456789abcdef0123456789abcdef",
                               .workflow = "work",
                               .queue = "work",
                               .behaviour = DURABLE_BEHAVIOUR + 1,
                               .due = 1000,
                               .deadline = DURABLE_NEVER};
    durable_store *witness = all->world->witness;
    bool created;

    assert_int_equal(DUR_OK, witness->methods->create_run(witness, &new_run, &created, NULL));
}

/* It is put back, so that those behind it are reached; never parked: a newer program reads it. */
static void a_run_of_a_newer_library_holds_up_nobody(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    put_newer_run(&all, "newer");
    start_with(&all, "behind", 0, 0);
    memory_store_forget(all.world->witness);
    assert_passes(&all, "newer: DUR_VERSION_TOO_NEW\n"
                        "behind: DUR_OK\n");
    assert_int_equal(DURABLE_BACK_OFF_FIRST_MS, all.wake_ms);
    for (int i = 0; i < 2 * DUR_CLAIMS_MAX; i++) {
        fake_clock_advance(&all.world->clock, all.wake_ms);
        assert_passes(&all, "newer: DUR_VERSION_TOO_NEW\n");
        assert_true(all.wake_ms >= DURABLE_BACK_OFF_FIRST_MS);
    }
    dismiss(&all);
}

/* Whoever cannot read a run uses up none of the claims of those that can. */
static void a_run_that_is_put_back_counts_no_claim(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    put_newer_run(&all, "newer");
    memory_store_forget(all.world->witness);
    for (int i = 0; i < 5; i++) {
        assert_passes(&all, "newer: DUR_VERSION_TOO_NEW\n");
        assert_int_equal(DURABLE_BACK_OFF_FIRST_MS << i, all.wake_ms); /* later each time */
        fake_clock_advance(&all.world->clock, all.wake_ms);
    }
    assert_int_equal(5, count_in_story(all.world, "claim newer"));
    assert_int_equal(5, count_in_story(all.world, "claims 0"));
    dismiss(&all);
}

/* ---- Many owners ---- */

/* Law 8: each is asked after once, not once a pass, and one look finds them all. */
static void dead_owners_are_judged_once(void **state)
{
    static const char *const ids[] = {"run-1", "run-2", "run-3", "run-4"};
    crew all = crew_for(*state);

    for (int i = 0; i < 4; i++) {
        hold(&all, ids[i]);
        engine_world_succeed(all.world);
        fake_clock_advance(&all.world->clock, 1);
    }
    enlist(&all);
    memory_store_forget(all.world->witness);
    assert_passes(&all, "run-1: DUR_OK\nrun-2: DUR_OK\nrun-3: DUR_OK\nrun-4: DUR_OK\n");
    assert_int_equal(8, all.world->clock.owner_questions); /* once more by each claim */
    assert_int_equal(2, count_in_story(all.world, "held work"));
    dismiss(&all);
}

/* However many runs it holds; and who lived is asked after again, as he may have died since. */
static void a_living_owner_is_judged_once_a_look(void **state)
{
    crew all = crew_for(*state);
    dur_run *play;

    hold(&all, "theirs");
    assert_int_equal(DUR_OK, dur_begin_run(all.world->log, "play", "more", NULL, &play));
    engine_world_join(all.world);
    all.world->clock.owner_alive = DUR_OWNER_ALIVE;
    enlist(&all);
    assert_int_equal(DUR_OK, dur_register(all.world->log, "play", count_steps, &all));
    assert_passes(&all, "");
    assert_int_equal(1, all.world->clock.owner_questions);
    all.world->clock.owner_alive = DUR_OWNER_DEAD;
    assert_passes(&all, "more: DUR_OK\ntheirs: DUR_OK\n");
    dur_close_run(play);
    dismiss(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_run_of_a_newer_library_holds_up_nobody),
        ENGINE_TEST(a_run_that_is_put_back_counts_no_claim),
        ENGINE_TEST(dead_owners_are_judged_once),
        ENGINE_TEST(a_living_owner_is_judged_once_a_look),
    };

    return cmocka_run_group_tests_name("engine.worker_neighbours", tests, NULL, NULL);
}
