/* test/engine: what a run asks of the store when it starts, dies, replays, fails and ends. */
#include "support/internal/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- A workflow of three steps that counts its bodies ---- */

typedef struct order {
    engine_world *world;
    int passes;
    int charged, packed, shipped; /* bodies executed */
    int64_t payment;              /* what the workflow saw */
    char parcel[16];
    int dies_in; /* the owner dies in the body of this step; 0: in none */
} order;

static void die_here(const order *user, int step)
{
    if (user->dies_in == step) memory_store_die(user->world->store, 0);
}

static int process_order(dur_run *run, void *context)
{
    order *user = context;

    user->passes++;
    DUR_STEP(run, "charge", user->payment)
    {
        user->charged++;
        user->payment = 4200;
        die_here(user, 1);
    }
    DUR_STEP(run, "pack", user->parcel)
    {
        user->packed++;
        strcpy(user->parcel, "parcel-7");
        die_here(user, 2);
    }
    DUR_STEP(run, "ship")
    {
        user->shipped++;
        die_here(user, 3);
    }
    dur_set_output(run, dur_text("shipped"));
    return 0;
}

static int execute(engine_world *world, order *user)
{
    user->world = world;
    return dur_execute(world->log, "order", "order-1", NULL, process_order, user);
}

static void assert_shipped(const engine_world *world, const order *user)
{
    dur_value output = dur_output(world->log);

    assert_true(user->payment == 4200);
    assert_string_equal(user->parcel, "parcel-7");
    assert_int_equal(output.type, DUR_TEXT);
    assert_string_equal(output.as.bytes, "shipped");
}

static const char undisturbed[] = "find order-1: none\n"
                                  "create order-1 epoch 1\n"
                                  "append order-1 #1 \"charge\" result low 1: recorded\n"
                                  "append order-1 #2 \"pack\" result low 2: recorded\n"
                                  "append order-1 #3 \"ship\" result low 3: recorded\n"
                                  "end order-1 completed\n";

/* Law 2: one outcome, one commit, one row. */
static void a_run_costs_a_start_a_row_for_each_step_and_an_end(void **state)
{
    engine_world *world = *state;
    order user = {0};

    assert_int_equal(execute(world, &user), DUR_OK);
    assert_story(world, undisturbed);
    assert_shipped(world, &user);
    assert_true(user.passes == 1 && user.charged == 1 && user.packed == 1 && user.shipped == 1);
}

/* "The same call made twice runs the workflow once." */
static void a_completed_run_is_looked_up_and_no_more(void **state)
{
    engine_world *world = *state;
    order user = {0};

    execute(world, &user);
    memory_store_forget(world->witness);
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_story(world, "find order-1: completed epoch 1\n");
    assert_int_equal(user.passes, 1);
    assert_shipped(world, &user);
    engine_world_succeed(world);
    assert_int_equal(execute(world, &user), DUR_OK);
    assert_story(world, "find order-1: completed epoch 1\n");
    assert_int_equal(user.passes, 1);
}

/* The owner dies when the nth event has had its effect; what the second owner does is law 2 again:
 * a replayed step costs no write. Each body has run once. */
static void after_a_death_at_any_event_the_next_owner_goes_on_where_it_was(void **state)
{
    static const char *const resumed[] = {
        undisturbed,

        "find order-1: running epoch 1\n"
        "claim order-1 after epoch 1 claims 2\n"
        "load order-1 1..134217727: 0 rows\n"
        "pending order-1: 0 rows\n"
        "append order-1 #1 \"charge\" result low 1: recorded\n"
        "append order-1 #2 \"pack\" result low 2: recorded\n"
        "append order-1 #3 \"ship\" result low 3: recorded\n"
        "end order-1 completed\n",

        "find order-1: running epoch 1\n"
        "claim order-1 after epoch 1 claims 2\n"
        "load order-1 1..134217727: 1 rows\n"
        "pending order-1: 0 rows\n"
        "append order-1 #2 \"pack\" result low 2: recorded\n"
        "append order-1 #3 \"ship\" result low 3: recorded\n"
        "end order-1 completed\n",

        "find order-1: running epoch 1\n"
        "claim order-1 after epoch 1 claims 2\n"
        "load order-1 1..134217727: 2 rows\n"
        "pending order-1: 0 rows\n"
        "append order-1 #3 \"ship\" result low 3: recorded\n"
        "end order-1 completed\n",

        "find order-1: running epoch 1\n"
        "claim order-1 after epoch 1 claims 2\n"
        "load order-1 1..134217727: 3 rows\n"
        "pending order-1: 0 rows\n"
        "end order-1 completed\n",

        "find order-1: completed epoch 1\n",
    };

    (void)state;
    for (int nth = 1; nth <= 6; nth++) {
        engine_world world;
        order user = {0};

        engine_world_open(&world);
        memory_store_die(world.store, nth);
        assert_int_equal(execute(&world, &user), DUR_IOERR);
        engine_world_succeed(&world);
        memory_store_forget(world.witness);
        assert_int_equal(execute(&world, &user), DUR_OK);
        assert_story(&world, resumed[nth - 1]);
        assert_shipped(&world, &user);
        assert_true(user.charged == 1 && user.packed == 1 && user.shipped == 1);
        engine_world_close(&world);
    }
}

/* A second owner who dies likewise, at each of its events, and a third one. */
static void after_two_deaths_each_body_has_still_run_once(void **state)
{
    (void)state;
    for (int first = 1; first <= 5; first++)
        for (int second = 1; second <= 6; second++) {
            engine_world world;
            order user = {0};
            int deaths = 1;

            engine_world_open(&world);
            memory_store_die(world.store, first);
            execute(&world, &user);
            engine_world_succeed(&world);
            memory_store_die(world.store, second);
            if (execute(&world, &user) != DUR_OK) {
                engine_world_succeed(&world);
                assert_int_equal(execute(&world, &user), DUR_OK);
                deaths++;
            }
            assert_shipped(&world, &user);
            assert_true(user.charged == 1 && user.packed == 1 && user.shipped == 1);
            assert_int_equal(count_in_story(&world, "append"), 3);
            assert_int_equal(count_in_story(&world, "end order-1 completed"), 1);
            assert_true(deaths <= 2);
            engine_world_close(&world);
        }
}

/* At least once: a body whose outcome did not arrive is executed again, and only that one. */
static void a_death_in_a_body_executes_that_body_again(void **state)
{
    (void)state;
    for (int step = 1; step <= 3; step++) {
        engine_world world;
        order user = {.dies_in = step};

        engine_world_open(&world);
        assert_int_equal(execute(&world, &user), DUR_IOERR);
        engine_world_succeed(&world);
        user.dies_in = 0;
        assert_int_equal(execute(&world, &user), DUR_OK);
        assert_shipped(&world, &user);
        assert_int_equal(user.charged, step == 1 ? 2 : 1);
        assert_int_equal(user.packed, step == 2 ? 2 : 1);
        assert_int_equal(user.shipped, step == 3 ? 2 : 1);
        engine_world_close(&world);
    }
}

/* ---- Failures ---- */

typedef struct payment {
    int tries, refunds;
    bool catches;
    char caught[64];
} payment;

static int pay(dur_run *run, void *context)
{
    payment *user = context;
    const char *message;

    DUR_STEP(run, "charge")
    {
        user->tries++;
        dur_fail(run, "card %d declined", 7);
    }
    message = user->catches ? dur_catch(run) : NULL;
    if (message) {
        strcpy(user->caught, message);
        DUR_STEP(run, "refund") { user->refunds++; }
    }
    return 0;
}

/* Law 4: a failure is an outcome like any other, recorded once, and final. */
static void a_caught_failure_is_replayed_with_its_message(void **state)
{
    engine_world *world = *state;
    payment user = {.catches = true};

    memory_store_die(world->store, 3);
    assert_int_equal(dur_execute(world->log, "pay", "pay-1", NULL, pay, &user), DUR_IOERR);
    assert_story(world, "find pay-1: none\n"
                        "create pay-1 epoch 1\n"
                        "append pay-1 #1 \"charge\" failure low 1: recorded\n");
    engine_world_succeed(world);
    user.caught[0] = '\0';
    assert_int_equal(dur_execute(world->log, "pay", "pay-1", NULL, pay, &user), DUR_OK);
    assert_story(world, "find pay-1: running epoch 1\n"
                        "claim pay-1 after epoch 1 claims 2\n"
                        "load pay-1 1..134217727: 1 rows\n"
                        "pending pay-1: 0 rows\n"
                        "append pay-1 #2 \"refund\" result low 2: recorded\n"
                        "end pay-1 completed\n");
    assert_string_equal(user.caught, "card 7 declined");
    assert_true(user.tries == 1 && user.refunds == 1);
}

static void an_unhandled_failure_fails_the_run_with_its_message(void **state)
{
    engine_world *world = *state;
    payment user = {.catches = false};

    assert_int_equal(dur_execute(world->log, "pay", "pay-1", NULL, pay, &user), DUR_FAILED);
    assert_story(world, "find pay-1: none\n"
                        "create pay-1 epoch 1\n"
                        "append pay-1 #1 \"charge\" failure low 1: recorded\n"
                        "end pay-1 failed\n");
    assert_string_equal(dur_errmsg(world->log), "card 7 declined");
    assert_int_equal(dur_execute(world->log, "pay", "pay-1", NULL, pay, &user), DUR_FAILED);
    assert_story(world, "find pay-1: failed epoch 1\n");
    assert_string_equal(dur_errmsg(world->log), "card 7 declined");
    assert_int_equal(user.tries, 1);
}

static int fail_and_ask_on(dur_run *run, void *context)
{
    int *bodies = context;

    DUR_STEP(run, "first") { dur_fail(run, "broken"); }
    DUR_STEP(run, "second") { ++*bodies; }
    DUR_STEP(run, "third") { ++*bodies; }
    return 0;
}

static void an_unhandled_failure_fails_the_run_at_its_next_step(void **state)
{
    engine_world *world = *state;
    int bodies = 0;

    assert_int_equal(
        dur_execute(world->log, "pay", "pay-1", NULL, fail_and_ask_on, &bodies), DUR_FAILED);
    assert_story(world, "find pay-1: none\n"
                        "create pay-1 epoch 1\n"
                        "append pay-1 #1 \"first\" failure low 1: recorded\n"
                        "end pay-1 failed\n");
    assert_int_equal(bodies, 0);
}

static int fail_outside(dur_run *run, void *context)
{
    (void)context;
    DUR_STEP(run, "first") { }
    dur_fail(run, "nothing to do");
    return 0;
}

static int return_nonzero(dur_run *run, void *context)
{
    (void)run;
    (void)context;
    return 7;
}

static void a_run_can_fail_without_a_failed_step(void **state)
{
    engine_world *world = *state;

    assert_int_equal(dur_execute(world->log, "a", "a-1", NULL, fail_outside, NULL), DUR_FAILED);
    assert_story(world, "find a-1: none\n"
                        "create a-1 epoch 1\n"
                        "append a-1 #1 \"first\" result low 1: recorded\n"
                        "end a-1 failed\n");
    assert_string_equal(dur_errmsg(world->log), "nothing to do");
    assert_int_equal(dur_execute(world->log, "b", "b-1", NULL, return_nonzero, NULL), DUR_FAILED);
    assert_story(world, "find b-1: none\n"
                        "create b-1 epoch 1\n"
                        "end b-1 failed\n");
    assert_true(dur_errmsg(world->log)[0] != '\0');
}

/* ---- Without a callback, and misuse ---- */

static void the_explicit_form_tells_the_same_story(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;
    dur_step *step = NULL;
    static const char *const names[] = {"charge", "pack", "ship"};

    assert_int_equal(dur_begin_run(world->log, "order", "order-1", NULL, &run), DUR_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(dur_begin_step(run, names[i], NULL, &step), DUR_EXECUTE);
        assert_int_equal(dur_record_result(step, dur_integer(i)), DUR_OK);
    }
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
    dur_close_run(run);
    assert_story(world, undisturbed);
    assert_int_equal(dur_begin_run(world->log, "order", "order-1", NULL, &run), DUR_REPLAYED);
    assert_null(run);
    assert_story(world, "find order-1: completed epoch 1\n");
}

static void a_run_closed_without_an_end_gives_its_claim_back(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_int_equal(dur_begin_run(world->log, "order", "order-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "charge", NULL, &step), DUR_EXECUTE);
    assert_int_equal(dur_record_result(step, dur_integer(1)), DUR_OK);
    dur_close_run(run);
    assert_story(world, "find order-1: none\n"
                        "create order-1 epoch 1\n"
                        "append order-1 #1 \"charge\" result low 1: recorded\n"
                        "release order-1\n");
}

static int leave_a_body(dur_run *run, void *context)
{
    (void)context;
    DUR_STEP(run, "first") { }
    DUR_STEP(run, "second") { break; }
    DUR_STEP(run, "third") { }
    return 0;
}

static int begin_in_a_body(dur_run *run, void *context)
{
    (void)context;
    DUR_STEP(run, "outer")
    {
        DUR_STEP(run, "inner") { }
    }
    return 0;
}

/* Nothing is recorded for a body that was left, and the claim is given back. */
static void misuse_of_a_body_records_nothing_for_it(void **state)
{
    engine_world *world = *state;

    assert_int_equal(dur_execute(world->log, "a", "a-1", NULL, leave_a_body, NULL), DUR_MISUSE);
    assert_story(world, "find a-1: none\n"
                        "create a-1 epoch 1\n"
                        "append a-1 #1 \"first\" result low 1: recorded\n"
                        "release a-1\n");
    assert_non_null(strstr(dur_errmsg(world->log), "\"second\""));
    assert_int_equal(dur_execute(world->log, "b", "b-1", NULL, begin_in_a_body, NULL), DUR_MISUSE);
    assert_story(world, "find b-1: none\n"
                        "create b-1 epoch 1\n"
                        "release b-1\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_run_costs_a_start_a_row_for_each_step_and_an_end),
        ENGINE_TEST(a_completed_run_is_looked_up_and_no_more),
        cmocka_unit_test(after_a_death_at_any_event_the_next_owner_goes_on_where_it_was),
        cmocka_unit_test(after_two_deaths_each_body_has_still_run_once),
        cmocka_unit_test(a_death_in_a_body_executes_that_body_again),
        ENGINE_TEST(a_caught_failure_is_replayed_with_its_message),
        ENGINE_TEST(an_unhandled_failure_fails_the_run_with_its_message),
        ENGINE_TEST(an_unhandled_failure_fails_the_run_at_its_next_step),
        ENGINE_TEST(a_run_can_fail_without_a_failed_step),
        ENGINE_TEST(the_explicit_form_tells_the_same_story),
        ENGINE_TEST(a_run_closed_without_an_end_gives_its_claim_back),
        ENGINE_TEST(misuse_of_a_body_records_nothing_for_it),
    };

    return cmocka_run_group_tests_name("engine.replay", tests, NULL, NULL);
}
