/* test/engine: branches: a child that calls children until a policy is met. */
#include "fan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

/* ---- The narrative ---- */

static void each_branch_is_a_child_of_the_batch_which_is_one_row_of_its_run(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(2);

    fan_wire(&user);
    user.branches[1].name = "second";
    assert_int_equal(DUR_OK, fan_execute(world, &user));
    assert_string_equal("all 2/2 +2 -0: 1 2", user.told);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "find run-1/1: none\n"
                        "create run-1/1 epoch 1 called by run-1 #1 put #1 \"fan\" attempt 0 due"
                        " never\n"
                        "find run-1/1/1: none\n"
                        "create run-1/1/1 epoch 1 called by run-1/1 #1 put #1 \"branch\" attempt 0"
                        " due never\n"
                        "append run-1/1/1 #1 \"work\" result low 1: recorded\n"
                        "end run-1/1/1 completed\n"
                        "append run-1/1 #1 \"branch\" result low 1 clears: recorded\n"
                        "find run-1/1/2: none\n"
                        "create run-1/1/2 epoch 1 called by run-1/1 #2 put #2 \"second\" attempt 0"
                        " due never\n"
                        "append run-1/1/2 #1 \"work\" result low 1: recorded\n"
                        "end run-1/1/2 completed\n"
                        "append run-1/1 #2 \"second\" result low 2 clears: recorded\n"
                        "end run-1/1 completed\n"
                        "append run-1 #1 \"fan\" result low 1 clears: recorded\n"
                        "find run-1/1: completed epoch 1\n"
                        "load run-1/1 1..2: 2 rows\n"
                        "append run-1 #2 \"after\" result low 2: recorded\n"
                        "end run-1 completed\n");
}

/* Law 2: what is complete is read, and nothing of it runs or is written. */
static void replay_reads_the_rows_of_a_complete_batch(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(3);

    fan_wire(&user);
    user.twigs[1].fails = true;
    memory_store_fail(world->store, "append", 8, DUR_IOERR, MEMORY_BEFORE); /* "after" */
    assert_int_equal(DUR_IOERR, fan_execute(world, &user));
    assert_string_equal("all 3/3 +2 -1: 1 [no luck] 3", user.told);
    engine_world_succeed(world);
    memory_store_forget(world->store);
    assert_int_equal(DUR_OK, fan_execute(world, &user));
    assert_string_equal("all 3/3 +2 -1: 1 [no luck] 3", user.told);
    assert_int_equal(3, fan_calls(&user));
    assert_int_equal(1, count_in_story(world, "load run-1/1 1..3: 3 rows"));
    assert_int_equal(1, count_in_story(world, "append"));
}

/* ---- The policy ---- */

typedef struct rule {
    const char *outcomes; /* of the branches, one after the other: + or - */
    int64_t min_successes, max_failures;
    double max_failure_percent;
    bool fails_fast;
    const char *told;
} rule;

static const rule rules[] = {
    {"", 0, 0, 0, false, "all 0/0 +0 -0:"},
    {"", 0, 0, 0, true, "all 0/0 +0 -0:"},
    {"+", 0, 0, 0, false, "all 1/1 +1 -0: 1"},
    {"--", 0, 0, 0, false, "all 2/2 +0 -2: [no luck] [no luck]"},
    {"-+-", 0, 0, 0, false, "all 3/3 +1 -2: [no luck] 2 [no luck]"},
    /* at least so many */
    {"+++", 1, 0, 0, false, "enough 1/3 +1 -0: 1 - -"},
    {"-++", 1, 0, 0, false, "enough 2/3 +1 -1: [no luck] 2 -"},
    {"++++", 2, 0, 0, false, "enough 2/4 +2 -0: 1 2 - -"},
    {"+-+", 2, 0, 0, false, "enough 3/3 +2 -1: 1 [no luck] 3"},
    {"++", 2, 0, 0, false, "enough 2/2 +2 -0: 1 2"},
    {"+--", 2, 0, 0, false, "all 3/3 +1 -2: 1 [no luck] [no luck]"},
    /* the first failure */
    {"+-+", 0, 0, 0, true, "failures 2/3 +1 -1: 1 [no luck] -"},
    {"-", 0, 0, 0, true, "failures 1/1 +0 -1: [no luck]"},
    {"++", 0, 0, 0, true, "all 2/2 +2 -0: 1 2"},
    /* more than so many */
    {"--+", 0, 1, 0, false, "failures 2/3 +0 -2: [no luck] [no luck] -"},
    {"-+-", 0, 1, 0, false, "failures 3/3 +1 -2: [no luck] 2 [no luck]"},
    {"---", 0, 3, 0, false, "all 3/3 +0 -3: [no luck] [no luck] [no luck]"},
    {"+-+", 0, 1, 0, false, "all 3/3 +2 -1: 1 [no luck] 3"},
    /* more than such a share, of all that were given */
    {"-+++", 0, 0, 25.0, false, "all 4/4 +3 -1: [no luck] 2 3 4"},
    {"--++", 0, 0, 25.0, false, "failures 2/4 +0 -2: [no luck] [no luck] - -"},
    {"-++", 0, 0, 33.0, false, "failures 1/3 +0 -1: [no luck] - -"},
    {"-++", 0, 0, 34.0, false, "all 3/3 +2 -1: [no luck] 2 3"},
    {"---", 0, 0, 100.0, false, "all 3/3 +0 -3: [no luck] [no luck] [no luck]"},
    {"-++", 0, 0, 0.5, false, "failures 1/3 +0 -1: [no luck] - -"},
    /* what comes first */
    {"--++", 3, 1, 0, false, "failures 2/4 +0 -2: [no luck] [no luck] - -"},
    {"+-+-", 2, 1, 0, false, "enough 3/4 +2 -1: 1 [no luck] 3 -"},
    {"+-+-", 2, 0, 0, true, "failures 2/4 +1 -1: 1 [no luck] - -"},
    {"-+-+", 0, 2, 40.0, false, "failures 3/4 +1 -2: [no luck] 2 [no luck] -"},
};

static void the_policy_says_when_a_batch_is_complete(void **state)
{
    engine_world *world = *state;

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const rule *one = &rules[i];
        fan user = fan_new(strlen(one->outcomes));
        char id[16];

        fan_wire(&user);
        for (size_t j = 0; j < user.count; j++) user.twigs[j].fails = one->outcomes[j] == '-';
        user.options.min_successes = one->min_successes;
        user.options.max_failures = one->max_failures;
        user.options.max_failure_percent = one->max_failure_percent;
        user.options.fails_fast = one->fails_fast;
        snprintf(id, sizeof id, "rule-%zu", i);
        assert_int_equal(DUR_OK, dur_execute(world->log, "work", id, NULL, fan_work, &user));
        if (strcmp(one->told, user.told) != 0)
            fail_msg("\"%s\": expected \"%s\", but it is \"%s\"", one->outcomes, one->told,
                     user.told);
    }
}

/* ---- Waiting ---- */

static void a_branch_waits_while_others_go_on(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(3);

    fan_wire(&user);
    user.twigs[0].pause_ms = 500;
    user.twigs[2].pause_ms = 200;
    assert_int_equal(DUR_SUSPENDED, fan_execute(world, &user));
    waits_assert_says(world, "it waits");
    assert_int_equal(1, user.twigs[1].bodies);
    assert_int_equal(WAITS_START_MS + 200, memory_store_due(world->witness, "run-1"));
    assert_int_equal(DUR_SUSPENDED, fan_execute_at(world, &user, WAITS_START_MS + 200));
    assert_int_equal(1, user.twigs[2].bodies);
    assert_int_equal(1, user.twigs[0].calls); /* it was not due */
    assert_int_equal(WAITS_START_MS + 500, memory_store_due(world->witness, "run-1"));
    assert_int_equal(DUR_OK, fan_execute_at(world, &user, WAITS_START_MS + 500));
    assert_string_equal("all 3/3 +3 -0: 1 2 3", user.told);
    assert_int_equal(5, fan_calls(&user));
    /* In the order in which they ended; the first position was open until the end. */
    assert_int_equal(1, count_in_story(world, "append run-1/1 #2 \"branch\" result low 1 clears"));
    assert_int_equal(1, count_in_story(world, "append run-1/1 #3 \"branch\" result low 1 clears"));
    assert_int_equal(1, count_in_story(world, "append run-1/1 #1 \"branch\" result low 1 clears"));
}

static int open_now(const fan *user)
{
    int open = 0;

    for (size_t i = 0; i < user->count; i++)
        open += user->twigs[i].calls > 0 && user->twigs[i].bodies == 0;
    return open;
}

static void no_more_are_open_than_may_be(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(5);
    int code = DUR_SUSPENDED, passes = 0;

    fan_wire(&user);
    user.options.max_concurrency = 2;
    for (size_t i = 0; i < user.count; i++) user.twigs[i].pause_ms = 100 + 10 * (int64_t)i;
    while ((code = fan_execute(world, &user)) == DUR_SUSPENDED) {
        assert_in_range(open_now(&user), 1, 2);
        world->clock.now_ms = memory_store_due(world->witness, "run-1");
        assert_true(++passes < 10);
    }
    assert_int_equal(DUR_OK, code);
    assert_int_equal(5, passes);
    assert_string_equal("all 5/5 +5 -0: 1 2 3 4 5", user.told);
}

/* A place that is free is given to the next one at once. */
static void a_branch_that_ends_makes_room_in_the_same_pass(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(4);

    fan_wire(&user);
    user.options.max_concurrency = 2;
    user.twigs[0].pause_ms = 100;
    user.twigs[3].pause_ms = 100;
    assert_int_equal(DUR_SUSPENDED, fan_execute(world, &user));
    assert_int_equal(1, user.twigs[1].bodies);
    assert_int_equal(1, user.twigs[2].bodies);
    assert_int_equal(1, user.twigs[3].calls);
    assert_int_equal(DUR_OK, fan_execute_at(world, &user, WAITS_START_MS + 100));
}

/* ---- What is open when it is complete ---- */

static void those_that_are_open_then_are_cancelled_and_clean_up(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(4);

    fan_wire(&user);
    user.options.min_successes = 1;
    user.options.max_concurrency = 3;
    user.twigs[0].pause_ms = 100;
    user.twigs[1].pause_ms = 9000;
    user.twigs[1].clean_ms = 50;
    user.twigs[2].pause_ms = 9000;
    assert_int_equal(DUR_SUSPENDED, fan_execute(world, &user));
    assert_int_equal(DUR_SUSPENDED, fan_execute_at(world, &user, WAITS_START_MS + 100));
    assert_int_equal(1, user.twigs[2].tidied);
    assert_int_equal(1, user.twigs[1].cancelled);
    assert_int_equal(0, user.twigs[1].tidied);
    assert_int_equal(WAITS_START_MS + 150, memory_store_due(world->witness, "run-1"));
    assert_int_equal(DUR_OK, fan_execute_at(world, &user, WAITS_START_MS + 150));
    assert_int_equal(1, user.twigs[1].tidied);
    assert_int_equal(1, user.twigs[2].tidied);
    assert_int_equal(0, user.twigs[3].calls);
    assert_string_equal("enough 3/4 +1 -0: 1 open open -", user.told);
    assert_int_equal(1, count_in_story(world, "append run-1/1 "));
    assert_int_equal(0, memory_store_pending(world->witness, "run-1/1"));
}

/* A branch that ends by itself after the last word was spoken has none. */
static void who_ends_too_late_takes_no_row(void **state)
{
    engine_world *world = *state;
    fan user = fan_new(2);

    fan_wire(&user);
    user.options.min_successes = 1;
    user.twigs[0].pause_ms = 100;
    user.twigs[1].pause_ms = 100;
    assert_int_equal(DUR_SUSPENDED, fan_execute(world, &user));
    assert_int_equal(DUR_OK, fan_execute_at(world, &user, WAITS_START_MS + 100));
    assert_string_equal("enough 2/2 +1 -0: 1 open", user.told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAITS_TEST(each_branch_is_a_child_of_the_batch_which_is_one_row_of_its_run),
        WAITS_TEST(replay_reads_the_rows_of_a_complete_batch),
        WAITS_TEST(the_policy_says_when_a_batch_is_complete),
        WAITS_TEST(a_branch_waits_while_others_go_on),
        WAITS_TEST(no_more_are_open_than_may_be),
        WAITS_TEST(a_branch_that_ends_makes_room_in_the_same_pass),
        WAITS_TEST(those_that_are_open_then_are_cancelled_and_clean_up),
        WAITS_TEST(who_ends_too_late_takes_no_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
