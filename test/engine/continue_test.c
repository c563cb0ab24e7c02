/* test/engine: runs that continue as new: one act ends the one and begins the other. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct chain {
    int runs; /* of the chain */
    int bodies, passes;
    bool receives;
    int64_t output;
} chain;

/* One step, and one reading, a run. */
static int link_of_chain(dur_run *run, void *user)
{
    chain *its = user;
    int64_t sum = dur_input(run).type == DUR_INTEGER ? dur_input(run).as.integer : 0;
    int64_t step = 0;
    dur_value value = dur_integer(0);

    its->passes++;
    DUR_STEP(run, "step", step)
    {
        its->bodies++;
        step = 1;
    }
    if (its->receives && dur_receive(run, "reading", DUR_FOREVER, &value) != DUR_OK) return 0;
    if (!dur_ok(run)) return 0;
    sum += step + value.as.integer;
    if (sum % 100 < its->runs) return dur_continue_as_new(run, dur_integer(sum));
    its->output = sum;
    dur_set_output(run, dur_integer(sum));
    return 0;
}

/* One verb, and nothing before or behind it. */
static void one_act_ends_the_run_and_begins_its_successor(void **state)
{
    engine_world *world = *state;
    chain its = {.runs = 2};

    assert_int_equal(waits_execute(world, link_of_chain, &its), DUR_SUSPENDED);
    waits_assert_says(world, "it has continued as new: its successor, the 2. of its chain, is due");
    assert_string_equal(memory_store_narrative(world->witness),
                        "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"step\" result low 1: recorded\n"
                        "end run-1 continued as run-1~1\n");
    memory_store_forget(world->witness);
    assert_true(memory_store_due(world->witness, "run-1") == WAITS_START_MS);
    assert_int_equal(waits_execute(world, link_of_chain, &its), DUR_OK);
    assert_string_equal(memory_store_narrative(world->witness),
                        "find run-1: running epoch 0\n"
                        "claim run-1 after epoch 0 claims 1\n"
                        "append run-1 #1 \"step\" result low 1: recorded\n"
                        "end run-1 completed\n");
    assert_int_equal(its.output, 2);
}

/* The error before it is there again; the steps are not. */
static void an_act_that_failed_is_made_again(void **state)
{
    engine_world *world = *state;
    chain its = {.runs = 2};

    memory_store_fail(world->store, "end", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(waits_execute(world, link_of_chain, &its), DUR_BUSY);
    assert_int_equal(waits_execute(world, link_of_chain, &its), DUR_SUSPENDED);
    assert_int_equal(its.bodies, 1);
    assert_int_equal(count_in_story(world, "end run-1 continued as run-1~1"), 2);
}

/* What was recorded behind the place where the code goes on as new was asked for once. */
static int continues_early(dur_run *run, void *user)
{
    (void)user;
    return dur_continue_as_new(run, dur_null());
}

static void code_that_continues_too_early_diverges(void **state)
{
    engine_world *world = *state;
    chain its = {.runs = 2, .receives = true};

    assert_int_equal(waits_execute(world, link_of_chain, &its), DUR_SUSPENDED);
    memory_store_signal(world->witness, "run-1", "reading", dur_integer(0), WAITS_START_MS);
    assert_int_equal(waits_execute(world, continues_early, NULL), DUR_DIVERGED);
    assert_int_equal(count_in_story(world, "continued"), 0);
    assert_int_equal(waits_execute(world, link_of_chain, &its), DUR_SUSPENDED);
    assert_int_equal(its.bodies, 1);
    assert_int_equal(count_in_story(world, "end run-1 continued as run-1~1"), 1);
}

static void an_id_that_is_taken_leaves_the_run_as_it_is(void **state)
{
    engine_world *world = *state;
    chain its = {.runs = 2};

    assert_int_equal(dur_start(world->log, "work", "run-1~1", NULL), DUR_OK);
    assert_int_equal(waits_execute(world, link_of_chain, &its), DUR_CONFLICT);
    assert_int_equal(count_in_story(world, "end run-1 continued as run-1~1: DUR_CONFLICT"), 1);
    assert_int_equal(count_in_story(world, "release run-1"), 1);
}

/* ---- Whoever dies, whatever fails ---- */

static void reset_chain(engine_world *world, void *user)
{
    chain *its = user;

    (void)world;
    its->bodies = its->passes = 0;
    its->output = 0;
}

/* Each body runs again at most for the one blow; each run of the chain has each row once. */
static void check_chain(engine_world *world, void *user, int code)
{
    const chain *its = user;
    size_t runs = (size_t)its->runs;

    assert_int_equal(code, DUR_OK);
    assert_int_equal(its->output % 100, its->runs);
    assert_true(its->bodies >= its->runs && its->bodies <= its->runs + 1);
    assert_int_equal(waits_rows_written(world, "#1 \"step\" result"), runs);
}

/* A reading of 100 for each run; they are sent by somebody who was told to wait. */
static void send_reading(engine_world *world, void *user)
{
    (void)user;
    if (memory_store_signals(world->witness, "run-1") == 0)
        memory_store_signal(world->witness, "run-1", "reading", dur_integer(100),
                            world->clock.now_ms);
}

static void whoever_dies_the_chain_has_one_end(void **state)
{
    chain its = {.runs = 3};
    waits_sweep sweep = {{link_of_chain, &its, NULL, NULL, 60}, reset_chain, check_chain};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) > 8);
    assert_true(waits_sweep_faults(&sweep) > 8);
}

static void whoever_dies_no_signal_of_the_chain_is_lost(void **state)
{
    chain its = {.runs = 3, .receives = true};
    waits_sweep sweep = {
        {link_of_chain, &its, send_reading, NULL, 80}, reset_chain, check_chain};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) > 12);
    assert_true(waits_sweep_faults(&sweep) > 12);
}

static int calls_chain(dur_run *run, void *user)
{
    dur_value value = dur_null();

    if (dur_call(run, "chain", NULL, link_of_chain, user, &value) != DUR_OK) return 0;
    dur_set_output(run, value);
    return 0;
}

static void check_called(engine_world *world, void *user, int code)
{
    check_chain(world, user, code);
    assert_int_equal(waits_rows_written(world, "append run-1 #1 \"chain\" result"), 1);
}

static void whoever_dies_a_called_chain_has_one_end(void **state)
{
    chain its = {.runs = 3};
    waits_sweep sweep = {{calls_chain, &its, NULL, NULL, 80}, reset_chain, check_called};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) > 12);
    assert_true(waits_sweep_faults(&sweep) > 12);
}

/* ---- Ids of children ---- */

static void assert_prefix(const char *id, int generation, bool renamed, const char *expected)
{
    char prefix[DUR_NAME_MAX + 1], own_id[DUR_NAME_MAX + 1];
    dur_run run;

    memset(&run, 0, sizeof run);
    strcpy(own_id, id);
    run.id = own_id;
    run.generation = generation;
    run.renamed = renamed;
    durable_continue_child_prefix(prefix, &run);
    assert_string_equal(prefix, expected);
}

/* The same while the run lives and when it is read under its later name. */
static void children_are_called_after_their_run_whatever_its_name(void **state)
{
    (void)state;
    assert_prefix("meter", 1, false, "meter");
    assert_prefix("meter~1", 1, true, "meter");
    assert_prefix("meter", 2, false, "meter~2");
    assert_prefix("meter~2", 2, true, "meter~2");
    assert_prefix("meter", 12345, false, "meter~12345");
    assert_prefix("meter~1", 1, false, "meter~1"); /* that is its name */
    assert_prefix("~1", 1, true, "~1");
    assert_prefix("other", 1, true, "other"); /* an edited log */
}

static void an_id_that_is_too_long_for_a_child_gives_way_to_the_uid(void **state)
{
    char long_id[DUR_NAME_MAX + 1], id[DUR_NAME_MAX + 1];
    dur_run run;

    (void)state;
    memset(long_id, 'm', DUR_NAME_MAX);
    long_id[DUR_NAME_MAX] = '\0';
    memset(&run, 0, sizeof run);
    run.id = long_id;
    run.generation = 2;
    strcpy(run.uid, "00112233445566778899aabbccddeeff");
    durable_child_id_print(id, &run, 7);
    assert_string_equal(id, "00112233445566778899aabbccddeeff/7");
    long_id[10] = '\0';
    durable_child_id_print(id, &run, 7);
    assert_string_equal(id, "mmmmmmmmmm~2/7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAITS_TEST(one_act_ends_the_run_and_begins_its_successor),
        WAITS_TEST(an_act_that_failed_is_made_again),
        WAITS_TEST(code_that_continues_too_early_diverges),
        WAITS_TEST(an_id_that_is_taken_leaves_the_run_as_it_is),
        WAITS_TEST(whoever_dies_the_chain_has_one_end),
        WAITS_TEST(whoever_dies_no_signal_of_the_chain_is_lost),
        WAITS_TEST(whoever_dies_a_called_chain_has_one_end),
        WAITS_TEST(children_are_called_after_their_run_whatever_its_name),
        WAITS_TEST(an_id_that_is_too_long_for_a_child_gives_way_to_the_uid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
