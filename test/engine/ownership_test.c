/* test/engine: law 6: a run has one owner; who lost it changes nothing; leases and claims. */
#include "support/internal/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#define LEASE_MS 600000

/* A workflow of steps "a", "b", "c" that does something to its world in the body of one of them. */
typedef struct pass {
    engine_world *world;
    int bodies;
    int acts_in; /* 0: in none */
    void (*act)(engine_world *world);
    int64_t step_lease_ms; /* of step "b" */
} pass;

static void body(pass *user, int step)
{
    user->bodies++;
    if (user->acts_in == step) user->act(user->world);
}

static int work(dur_run *run, void *context)
{
    pass *user = context;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    options.lease_ms = user->step_lease_ms;
    DUR_STEP(run, "a") { body(user, 1); }
    DUR_STEP_VOID(run, "b", &options) { body(user, 2); }
    DUR_STEP(run, "c") { body(user, 3); }
    return 0;
}

static int execute(engine_world *world, pass *user)
{
    user->world = world;
    return dur_execute(world->log, "work", "run-1", NULL, work, user);
}

static dur_run *begin(engine_world *world)
{
    dur_run *run = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    return run;
}

/* ---- Owned ---- */

static void a_run_that_a_living_owner_holds_is_owned(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin(world);
    pass user = {0};

    engine_world_join(world);
    memory_store_forget(world->witness);
    world->clock.owner_alive = DUR_OWNER_ALIVE;
    assert_int_equal(execute(world, &user), DUR_OWNED);
    assert_story(world, "find run-1: running epoch 1\n");
    assert_int_equal(user.bodies, 0);
    dur_close_run(run);
    assert_story(world, "release run-1\n");
    assert_int_equal(execute(world, &user), DUR_OK); /* nobody is asked: nobody holds it */
}

/* This process is the owner's, and is alive: the library sees that itself. */
static void where_the_host_does_not_know_the_library_looks_itself(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin(world);
    pass user = {0};

    engine_world_join(world);
    world->clock.owner_alive = DUR_OWNER_UNKNOWN;
    assert_int_equal(execute(world, &user), DUR_OWNED);
    assert_int_equal(world->clock.owner_questions, 1);
    dur_close_run(run);
}

static void after_its_lease_a_run_is_free_whoever_lives(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin(world);
    pass user = {0};

    engine_world_join(world);
    world->clock.owner_alive = DUR_OWNER_ALIVE;
    fake_clock_advance(&world->clock, LEASE_MS - 1);
    assert_int_equal(execute(world, &user), DUR_OWNED);
    fake_clock_advance(&world->clock, 1);
    assert_int_equal(execute(world, &user), DUR_OK);
    dur_close_run(run);
}

static void a_run_open_on_this_log_is_owned_without_a_look(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin(world);
    pass user = {0};

    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_OWNED);
    assert_story(world, "");
    dur_close_run(run);
}

/* ---- Lost ---- */

static void be_taken_over(engine_world *world)
{
    memory_store_take_over(world->witness, "run-1");
}

static void be_deleted(engine_world *world)
{
    memory_store_delete_run(world->witness, "run-1");
}

static void an_owner_that_lost_the_run_changes_nothing_and_stops(void **state)
{
    engine_world *world = *state;
    pass user = {.acts_in = 2, .act = be_taken_over};

    assert_int_equal(execute(world, &user), DUR_LOST);
    assert_int_equal(user.bodies, 2);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"a\" result low 1: recorded\n"
                        "another owner takes run-1\n"
                        "append run-1 #2 \"b\" result low 2: DUR_LOST\n");
}

static void be_restored(engine_world *world)
{
    memory_store_restore(world->witness, "run-1");
}

static void an_owner_of_the_same_epoch_and_another_token_has_lost_the_run(void **state)
{
    engine_world *world = *state;
    pass user = {.acts_in = 2, .act = be_restored};

    assert_int_equal(execute(world, &user), DUR_LOST);
    assert_int_equal(user.bodies, 2);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"a\" result low 1: recorded\n"
                        "a backup of run-1 is restored\n"
                        "append run-1 #2 \"b\" result low 2: DUR_LOST\n");
}

static void an_owner_whose_run_was_deleted_changes_nothing_and_stops(void **state)
{
    engine_world *world = *state;
    pass user = {.acts_in = 2, .act = be_deleted};

    assert_int_equal(execute(world, &user), DUR_LOST);
    assert_int_equal(user.bodies, 2);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"a\" result low 1: recorded\n"
                        "somebody deletes run-1\n"
                        "append run-1 #2 \"b\" result low 2: DUR_LOST\n");
}

static void a_claim_lost_after_the_last_step_is_noticed_at_the_end(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin(world);

    be_taken_over(world);
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_LOST);
    assert_int_equal(dur_run_code(run), DUR_LOST);
    dur_close_run(run);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "another owner takes run-1\n"
                        "end run-1 completed: DUR_LOST\n");
}

static void what_was_rolled_back_stops_the_run_and_keeps_nothing(void **state)
{
    engine_world *world = *state;
    pass user = {0};

    memory_store_fail(world->store, "append", 2, DUR_ROLLED_BACK, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_ROLLED_BACK);
    assert_int_equal(user.bodies, 2);
    assert_int_equal(count_in_story(world, "release"), 1); /* the claim may be older than that */
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 1 rows\n"
                        "pending run-1: 0 rows\n"
                        "append run-1 #2 \"b\" result low 2: recorded\n"
                        "append run-1 #3 \"c\" result low 3: recorded\n"
                        "end run-1 completed\n");
    assert_int_equal(user.bodies, 4);
}

/* ---- Races ---- */

static int be_faster(const char *owner_mark, void *user)
{
    engine_world *world = user;

    if (strcmp(owner_mark, "another-owner") == 0) return DUR_OWNER_ALIVE;
    be_taken_over(world);
    return DUR_OWNER_DEAD;
}

static void of_two_who_claim_at_once_the_slower_one_looks_again(void **state)
{
    engine_world *world = *state;
    pass user = {0};
    dur_run *run = begin(world);

    memory_store_die(world->store, 0);
    dur_close_run(run);
    world->options.owner_alive = be_faster;
    engine_world_succeed(world);
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_OWNED);
    assert_story(world, "find run-1: running epoch 1\n"
                        "another owner takes run-1\n"
                        "claim run-1 after epoch 1 claims 2: refused\n"
                        "find run-1: running epoch 2\n");
    assert_int_equal(user.bodies, 0);
}

static int random_calls;

/* Somebody else starts the run between our look and our act: the uid is drawn there. */
static void start_elsewhere(void *bytes, size_t count, void *user)
{
    engine_world *world = user;
    durable_new_run new_run = {.id = "run-1",
                               .uid = "0123456789abcdef0123456789abcdef",
                               .workflow = "work",
                               .behaviour = 1,
                               .owner = "another-owner",
                               .token = 5,
                               .lease_end = INT64_MAX,
                               .deadline = DURABLE_NEVER};
    durable_fence fence;
    bool created;

    memset(bytes, random_calls++, count);
    if (count == 16)
        world->witness->methods->create_run(world->witness, &new_run, &created, &fence);
}

static void of_two_who_start_at_once_the_slower_one_looks_again(void **state)
{
    engine_world *world = *state;
    pass user = {0};

    world->options.random = start_elsewhere;
    engine_world_succeed(world);
    world->clock.owner_alive = DUR_OWNER_ALIVE;
    assert_int_equal(execute(world, &user), DUR_OWNED);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "create run-1 epoch 1: taken\n"
                        "find run-1: running epoch 1\n");
    assert_int_equal(user.bodies, 0);
}

/* ---- Conflicts ---- */

static void another_workflow_or_input_is_a_conflict_and_changes_nothing(void **state)
{
    engine_world *world = *state;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    pass user = {.world = world};

    start.input = dur_text("input");
    assert_int_equal(dur_execute(world->log, "work", "run-1", &start, work, &user), DUR_OK);
    memory_store_forget(world->witness);
    assert_int_equal(dur_execute(world->log, "other", "run-1", NULL, work, &user), DUR_CONFLICT);
    start.input = dur_blob("input", 5);
    assert_int_equal(dur_execute(world->log, "work", "run-1", &start, work, &user), DUR_CONFLICT);
    start.input = dur_text("input");
    assert_int_equal(dur_execute(world->log, "work", "run-1", &start, work, &user), DUR_OK);
    assert_int_equal(dur_execute(world->log, "work", "run-1", NULL, work, &user), DUR_OK);
    assert_story(world, "find run-1: completed epoch 1\n"
                        "find run-1: completed epoch 1\n"
                        "find run-1: completed epoch 1\n"
                        "find run-1: completed epoch 1\n");
    assert_int_equal(user.bodies, 3);
}

/* ---- Leases ---- */

static int64_t advance_by;

static void let_time_pass(engine_world *world)
{
    fake_clock_advance(&world->clock, advance_by);
}

static void assert_lease_story(int64_t passed_ms, const char *lease)
{
    engine_world world;
    pass user = {.acts_in = 2, .act = let_time_pass};
    char story[512];

    engine_world_open(&world);
    advance_by = passed_ms;
    assert_int_equal(execute(&world, &user), DUR_OK);
    snprintf(story, sizeof story,
             "find run-1: none\n"
             "create run-1 epoch 1\n"
             "append run-1 #1 \"a\" result low 1: recorded\n"
             "append run-1 #2 \"b\" result low 2%s: recorded\n"
             "append run-1 #3 \"c\" result low 3: recorded\n"
             "end run-1 completed\n",
             lease);
    assert_story(&world, story);
    engine_world_close(&world);
}

/* "Renewed in an outcome's commit when half used", and never by a write of its own. The clock
 * starts at 1767225600000. A clock that goes backwards renews nothing. */
static void the_lease_is_renewed_in_an_append_when_half_of_it_is_used(void **state)
{
    (void)state;
    assert_lease_story(0, "");
    assert_lease_story(LEASE_MS / 2, "");
    assert_lease_story(LEASE_MS / 2 + 1, " lease 1767226500001");
    assert_lease_story(10 * LEASE_MS, " lease 1767232200000");
    assert_lease_story(-1, "");
    assert_lease_story(-3600000, "");
}

/* A step that takes longer than the claim holds prolongs it before its body. */
static void a_step_with_a_lease_of_its_own_prolongs_the_claim_first(void **state)
{
    engine_world *world = *state;
    pass user = {.step_lease_ms = 3 * LEASE_MS};

    assert_int_equal(execute(world, &user), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"a\" result low 1: recorded\n"
                        "renew run-1 until 1767227400000\n"
                        "append run-1 #2 \"b\" result low 2: recorded\n"
                        "append run-1 #3 \"c\" result low 3: recorded\n"
                        "end run-1 completed\n");
}

static void a_step_whose_own_lease_is_covered_writes_nothing_first(void **state)
{
    engine_world *world = *state;
    pass user = {.step_lease_ms = LEASE_MS};

    assert_int_equal(execute(world, &user), DUR_OK);
    assert_int_equal(count_in_story(world, "renew"), 0);
}

/* Replayed steps need no lease. */
static void a_replayed_step_with_a_lease_of_its_own_writes_nothing(void **state)
{
    engine_world *world = *state;
    pass user = {.step_lease_ms = 3 * LEASE_MS};

    memory_store_fail(world->store, "end", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_BUSY);
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_int_equal(count_in_story(world, "renew"), 0);
}

static void a_claim_that_cannot_be_prolonged_executes_nothing(void **state)
{
    engine_world *world = *state;
    pass user = {.step_lease_ms = 3 * LEASE_MS};

    memory_store_fail(world->store, "renew", 1, DUR_LOST, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_LOST);
    assert_int_equal(user.bodies, 1);
    memory_store_forget(world->witness);
    memory_store_fail(world->store, "renew", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(execute(world, &user), DUR_BUSY);
    assert_int_equal(user.bodies, 1);
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_int_equal(user.bodies, 3);
}

/* Deadlines at the end of time. */
static void the_longest_lease_is_no_overflow(void **state)
{
    engine_world *world = *state;
    pass user = {.step_lease_ms = INT64_MAX};

    assert_int_equal(execute(world, &user), DUR_OK);
    assert_int_equal(count_in_story(world, "renew run-1 until 9223372036854775807"), 1);
    world->options.lease_ms = INT64_MAX;
    engine_world_succeed(world);
    assert_int_equal(dur_execute(world->log, "work", "run-2", NULL, work, &user), DUR_OK);
    memory_store_die(world->store, 2);
    assert_int_equal(dur_execute(world->log, "work", "run-3", NULL, work, &user), DUR_IOERR);
    engine_world_succeed(world);
    assert_int_equal(dur_execute(world->log, "work", "run-3", NULL, work, &user), DUR_OK);
}

/* ---- Poison ---- */

static void die(engine_world *world)
{
    memory_store_die(world->store, 0);
}

/* Each owner dies in the first body; the tenth was the last one. */
static void a_run_claimed_ten_times_without_a_row_is_parked(void **state)
{
    engine_world *world = *state;
    pass user = {.acts_in = 1, .act = die};
    dur_run_info info = DUR_RUN_INFO_INIT;

    for (int i = 1; i <= DUR_CLAIMS_MAX; i++) {
        assert_int_equal(execute(world, &user), DUR_IOERR);
        assert_int_equal(user.bodies, i);
        engine_world_succeed(world);
    }
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_PARKED);
    assert_int_equal(user.bodies, DUR_CLAIMS_MAX);
    assert_story(world, "find run-1: running epoch 10\n"
                        "summarize run-1: last 0 epoch 0 low 0\n"
                        "claim run-1 after epoch 10 claims 11\n"
                        "end run-1 parked\n");
    assert_int_equal(dur_read_run(world->log, "run-1", &info), DUR_OK);
    assert_int_equal(info.status, DUR_RUN_PARKED);
    assert_non_null(info.failure);

    /* "Parked until executed again": the count begins anew. */
    memory_store_forget(world->witness);
    user.acts_in = 0;
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_story(world, "find run-1: parked epoch 11\n"
                        "claim run-1 after epoch 11 claims 1\n"
                        "load run-1 1..134217727: 0 rows\n"
                        "pending run-1: 0 rows\n"
                        "append run-1 #1 \"a\" result low 1: recorded\n"
                        "append run-1 #2 \"b\" result low 2: recorded\n"
                        "append run-1 #3 \"c\" result low 3: recorded\n"
                        "end run-1 completed\n");
}

/* Owners who record a row each between their deaths are no poison, however many they are. */
static int record_one(dur_run *run, void *context)
{
    pass *user = context;

    for (int i = 0; i < 25; i++) {
        DUR_STEP(run, "step")
        {
            user->bodies++;
            if (user->acts_in) user->act(user->world);
        }
    }
    return 0;
}

static void claims_with_new_rows_between_them_park_nothing(void **state)
{
    engine_world *world = *state;
    pass user = {.world = world};

    for (int i = 0; i < 25; i++) {
        memory_store_die(world->store, i == 0 ? 3 : 4); /* with its first row */
        assert_int_equal(dur_execute(world->log, "work", "run-1", NULL, record_one, &user),
                         DUR_IOERR);
        engine_world_succeed(world);
    }
    memory_store_forget(world->witness);
    assert_int_equal(dur_execute(world->log, "work", "run-1", NULL, record_one, &user), DUR_OK);
}

static void nine_deaths_after_the_last_row_are_not_ten(void **state)
{
    engine_world *world = *state;
    pass user = {.world = world, .acts_in = 2, .act = die};

    for (int i = 1; i <= DUR_CLAIMS_MAX; i++) { /* "a" is recorded by the first of them */
        assert_int_equal(execute(world, &user), DUR_IOERR);
        engine_world_succeed(world);
    }
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_IOERR);
    assert_story(world, "find run-1: running epoch 10\n"
                        "summarize run-1: last 1 epoch 1 low 1\n"
                        "claim run-1 after epoch 10 claims 10\n"
                        "load run-1 1..134217727: 1 rows\n"
                        "pending run-1: 0 rows\n");
    engine_world_succeed(world);
    assert_int_equal(execute(world, &user), DUR_PARKED);
    assert_story(world, "find run-1: running epoch 11\n"
                        "summarize run-1: last 1 epoch 1 low 1\n"
                        "claim run-1 after epoch 11 claims 11\n"
                        "end run-1 parked\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_run_that_a_living_owner_holds_is_owned),
        ENGINE_TEST(where_the_host_does_not_know_the_library_looks_itself),
        ENGINE_TEST(after_its_lease_a_run_is_free_whoever_lives),
        ENGINE_TEST(a_run_open_on_this_log_is_owned_without_a_look),
        ENGINE_TEST(an_owner_that_lost_the_run_changes_nothing_and_stops),
        ENGINE_TEST(an_owner_of_the_same_epoch_and_another_token_has_lost_the_run),
        ENGINE_TEST(an_owner_whose_run_was_deleted_changes_nothing_and_stops),
        ENGINE_TEST(a_claim_lost_after_the_last_step_is_noticed_at_the_end),
        ENGINE_TEST(what_was_rolled_back_stops_the_run_and_keeps_nothing),
        ENGINE_TEST(of_two_who_claim_at_once_the_slower_one_looks_again),
        ENGINE_TEST(of_two_who_start_at_once_the_slower_one_looks_again),
        ENGINE_TEST(another_workflow_or_input_is_a_conflict_and_changes_nothing),
        cmocka_unit_test(the_lease_is_renewed_in_an_append_when_half_of_it_is_used),
        ENGINE_TEST(a_step_with_a_lease_of_its_own_prolongs_the_claim_first),
        ENGINE_TEST(a_step_whose_own_lease_is_covered_writes_nothing_first),
        ENGINE_TEST(a_replayed_step_with_a_lease_of_its_own_writes_nothing),
        ENGINE_TEST(a_claim_that_cannot_be_prolonged_executes_nothing),
        ENGINE_TEST(the_longest_lease_is_no_overflow),
        ENGINE_TEST(a_run_claimed_ten_times_without_a_row_is_parked),
        ENGINE_TEST(claims_with_new_rows_between_them_park_nothing),
        ENGINE_TEST(nine_deaths_after_the_last_row_are_not_ten),
    };

    return cmocka_run_group_tests_name("engine.ownership", tests, NULL, NULL);
}
