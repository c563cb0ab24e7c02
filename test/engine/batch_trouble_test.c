/* test/engine: branches and what comes between: other code, an end from outside, deaths, faults. */
#include "fan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- Law 5: the same branches, in every pass ---- */

static void a_complete_batch_of_another_size_is_a_mismatch(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(3);

    fan_wire(&user);
    memory_store_fail(world->store, "append", 8, DUR_IOERR, MEMORY_BEFORE);
    assert_int_equal(DUR_IOERR, fan_execute(world, &user));
    user.count = 2;
    assert_int_equal(DUR_MISMATCH, fan_execute(world, &user));
    waits_assert_says(world, "a batch of 3 branches, and the code gives 2");
    assert_string_equal("", user.told);
}

static void an_open_batch_of_another_size_is_a_conflict(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(3);

    fan_wire(&user);
    user.twigs[2].pause_ms = 100;
    assert_int_equal(DUR_SUSPENDED, fan_execute(world, &user));
    user.count = 2;
    assert_int_equal(DUR_CONFLICT, fan_execute_at(world, &user, WAITS_START_MS + 100));
    waits_assert_says(world, "another input");
    user.count = 3;
    assert_int_equal(DUR_OK, fan_execute(world, &user));
}

static void a_renamed_branch_diverges(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(2);

    fan_wire(&user);
    user.twigs[1].pause_ms = 100;
    assert_int_equal(DUR_SUSPENDED, fan_execute(world, &user));
    user.branches[0].name = "other";
    assert_int_equal(DUR_DIVERGED, fan_execute_at(world, &user, WAITS_START_MS + 100));
    assert_int_equal(1, user.twigs[1].calls);
    user.branches[0].name = NULL;
    assert_int_equal(DUR_OK, fan_execute(world, &user));
}

/* Law 9. */
static void rows_that_are_gone_are_told(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(2);

    fan_wire(&user);
    memory_store_fail(world->store, "append", 6, DUR_IOERR, MEMORY_BEFORE);
    assert_int_equal(DUR_IOERR, fan_execute(world, &user));
    memory_store_delete_step(world->witness, "run-1/1", 2);
    assert_int_equal(DUR_CORRUPT, fan_execute(world, &user));
    waits_assert_says(world, "position 1, batch \"fan\"");
    waits_assert_says(world, "(run \"run-1/1\") are gone");
    memory_store_delete_run(world->witness, "run-1/1");
    assert_int_equal(DUR_CORRUPT, fan_execute(world, &user));
    waits_assert_says(world, "(run \"run-1/1\") are gone");
    assert_string_equal("", user.told);
}

/* ---- Ending from outside ---- */

static void a_cancelled_run_ends_when_its_open_branches_have(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(3);

    fan_wire(&user);
    user.options.max_concurrency = 2;
    for (size_t i = 0; i < user.count; i++) user.twigs[i].pause_ms = 9000;
    user.twigs[0].clean_ms = 50;
    assert_int_equal(DUR_SUSPENDED, fan_execute(world, &user));
    assert_int_equal(DUR_OK, dur_cancel(world->log, "run-1"));
    assert_int_equal(DUR_SUSPENDED, fan_execute(world, &user));
    assert_int_equal(WAITS_START_MS + 50, memory_store_due(world->witness, "run-1"));
    assert_int_equal(1, user.twigs[1].tidied);
    assert_int_equal(0, user.twigs[2].calls); /* there would be room */
    assert_int_equal(DUR_CANCELLED, fan_execute_at(world, &user, WAITS_START_MS + 50));
    assert_int_equal(1, user.twigs[0].tidied);
    assert_int_equal(0, user.twigs[2].calls);
    assert_int_equal(0, user.after);
    assert_int_equal(DUR_CANCELLED, user.code);
    assert_int_equal(1, count_in_story(world, "end run-1/1 cancelled"));
    assert_int_equal(1, count_in_story(world, "end run-1 cancelled"));
}

/* All of them had begun, so that the batch is complete: but what was cancelled with the run is no
 * failure of a branch, and the run hears of its own end first; on replay, too. */
static void a_run_that_is_cancelled_late_hears_of_that_first(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(2);

    fan_wire(&user);
    user.twigs[1].pause_ms = 9000;
    assert_int_equal(DUR_SUSPENDED, fan_execute(world, &user));
    assert_int_equal(DUR_OK, dur_cancel(world->log, "run-1"));
    assert_int_equal(DUR_CANCELLED, fan_execute(world, &user));
    assert_int_equal(DUR_CANCELLED, user.code);
    assert_string_equal("", user.told);
    assert_int_equal(0, user.after);
    assert_int_equal(1, count_in_story(world, "append run-1 #1 \"fan\" result"));
    assert_int_equal(1, count_in_story(world, "append run-1 #2 \"cancel\" result"));
}

static void a_deadline_ends_the_branches_first(void **state)
{
    engine_world *world = *state;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    fan user = fan_new(3);

    fan_wire(&user);
    start.deadline_ms = WAITS_START_MS + 300;
    user.options.max_concurrency = 2;
    for (size_t i = 0; i < user.count; i++) user.twigs[i].pause_ms = 9000;
    user.twigs[0].clean_ms = 50;
    assert_int_equal(DUR_SUSPENDED,
                     dur_execute(world->log, "work", "run-1", &start, fan_work, &user));
    assert_int_equal(WAITS_START_MS + 300, memory_store_due(world->witness, "run-1"));
    assert_int_equal(DUR_SUSPENDED, fan_execute_at(world, &user, WAITS_START_MS + 300));
    assert_int_equal(WAITS_START_MS + 350, memory_store_due(world->witness, "run-1"));
    assert_int_equal(DUR_TIMED_OUT, fan_execute_at(world, &user, WAITS_START_MS + 350));
    assert_int_equal(1, user.twigs[0].tidied);
    assert_int_equal(0, user.twigs[2].calls);
    assert_int_equal(DUR_TIMED_OUT, user.code);
}

/* Somebody cancels the batch, and not the run: a failure like that of any child. */
static void a_batch_that_is_cancelled_alone_has_failed(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(2);

    fan_wire(&user);
    user.options.max_concurrency = 1;
    user.twigs[0].pause_ms = 9000;
    assert_int_equal(DUR_SUSPENDED, fan_execute(world, &user));
    assert_int_equal(DUR_OK, dur_cancel(world->log, "run-1/1"));
    assert_int_equal(DUR_FAILED, fan_execute(world, &user));
    assert_int_equal(DUR_FAILED, user.code);
    assert_int_equal(1, user.twigs[0].tidied);
    assert_int_equal(0, user.twigs[1].calls);
}

/* ---- Trouble ---- */

static void a_branch_that_somebody_holds_stops_the_batch(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(2);

    fan_wire(&user);
    user.twigs[0].stops = true;
    assert_int_equal(DUR_STOPPED, fan_execute(world, &user));
    waits_assert_says(world, "run \"run-1/1/1\": not now");
    user.twigs[0].stops = false;
    memory_store_take_over(world->witness, "run-1/1/1");
    world->clock.owner_alive = DUR_OWNER_ALIVE;
    assert_int_equal(DUR_OWNED, fan_execute(world, &user));
    waits_assert_says(world, "run \"run-1/1/1\": it is held by a live owner");
    world->clock.owner_alive = DUR_OWNER_DEAD;
    assert_int_equal(DUR_OK, fan_execute(world, &user));
    assert_string_equal("all 2/2 +2 -0: 1 2", user.told);
}

static int give_up(dur_run *run, void *context)
{
    dur_retry policy = DUR_RETRY_INIT;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    twig *one = context;

    policy.max_attempts = 1;
    policy.exhausted = DUR_EXHAUSTED_PARK;
    options.retry = &policy;
    one->calls++;
    DUR_STEP_VOID(run, "work", &options)
    {
        if (one->fails) dur_fail(run, "no luck");
    }
    return 0;
}

/* It is parked, the batch, and the run; executed again, all go on. */
static void a_branch_that_is_parked_parks_its_run(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(2);

    fan_wire(&user);
    user.branches[0].fn = give_up;
    user.twigs[0].fails = true;
    assert_int_equal(DUR_PARKED, fan_execute(world, &user));
    waits_assert_says(world, "run \"run-1/1/1\"");
    assert_int_equal(1, count_in_story(world, "end run-1/1 parked"));
    assert_int_equal(1, count_in_story(world, "end run-1 parked"));
    user.twigs[0].fails = false;
    assert_int_equal(DUR_OK, fan_execute(world, &user));
    assert_string_equal("all 2/2 +2 -0: 0 2", user.told);
}

/* ---- Crashes and faults ---- */

typedef struct storm {
    fan user;
    const char *told;
} storm;

static void reset_pauses(engine_world *world, void *context)
{
    storm *it = context;

    (void)world;
    it->user = fan_new(4);
    fan_wire(&it->user);
    it->user.twigs[0].pause_ms = 300;
    it->user.twigs[1].fails = true;
    it->user.twigs[3].pause_ms = 100;
    it->told = "all 4/4 +3 -1: 1 [no luck] 3 4";
}

static void reset_race(engine_world *world, void *context)
{
    storm *it = context;

    reset_pauses(world, context);
    it->user.options.max_concurrency = 3;
    it->user.options.min_successes = 2;
    it->user.twigs[0].clean_ms = 40;
    it->user.twigs[3].clean_ms = 20;
    it->user.twigs[2].pause_ms = 50;
    it->user.twigs[3].pause_ms = 50;
    it->told = "enough 4/4 +2 -1: open [no luck] 3 4";
}

static int storm_work(dur_run *run, void *context)
{
    storm *it = context;

    return fan_work(run, &it->user);
}

/* One row for each branch that counts, however often somebody died; and the same end. */
static void check_storm(engine_world *world, void *context, int code)
{
    storm *it = context;
    const dur_batch *batch = &it->user.batch;

    assert_int_equal(DUR_OK, code);
    if (strcmp(it->told, it->user.told) != 0)
        fail_msg("expected \"%s\", but it is \"%s\"\n%s", it->told, it->user.told,
                 memory_store_narrative(world->witness));
    assert_int_equal(batch->succeeded + batch->failed,
                     waits_rows_written(world, "append run-1/1 #"));
    assert_int_equal(1, waits_rows_written(world, "append run-1 #1"));
    assert_int_equal(0, memory_store_pending(world->witness, "run-1"));
    assert_int_equal(0, memory_store_pending(world->witness, "run-1/1"));
}

static void sweep(void (*reset)(engine_world *world, void *user))
{
    static storm it;
    const waits_sweep all = {{storm_work, &it, NULL, NULL, 30}, reset, check_storm};
    int deaths = waits_sweep_deaths(&all);
    int faults = waits_sweep_faults(&all);

    print_message("%d deaths, %d faults\n", deaths, faults);
    assert_true(deaths > 20 && faults > 80);
}

static void owners_may_die_anywhere_in_a_batch_that_waits(void **state)
{
    (void)state;
    sweep(reset_pauses);
}

static void owners_may_die_anywhere_in_a_batch_that_is_complete_early(void **state)
{
    (void)state;
    sweep(reset_race);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAITS_TEST(a_complete_batch_of_another_size_is_a_mismatch),
        WAITS_TEST(an_open_batch_of_another_size_is_a_conflict),
        WAITS_TEST(a_renamed_branch_diverges),
        WAITS_TEST(rows_that_are_gone_are_told),
        WAITS_TEST(a_cancelled_run_ends_when_its_open_branches_have),
        WAITS_TEST(a_run_that_is_cancelled_late_hears_of_that_first),
        WAITS_TEST(a_deadline_ends_the_branches_first),
        WAITS_TEST(a_batch_that_is_cancelled_alone_has_failed),
        WAITS_TEST(a_branch_that_somebody_holds_stops_the_batch),
        WAITS_TEST(a_branch_that_is_parked_parks_its_run),
        cmocka_unit_test(owners_may_die_anywhere_in_a_batch_that_waits),
        cmocka_unit_test(owners_may_die_anywhere_in_a_batch_that_is_complete_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
