/* test/engine: branches: a child that calls children until a policy is met. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST 8

/* One branch: what it does, and what was seen of it. */
typedef struct twig {
    int64_t pause_ms;   /* it waits first */
    bool fails, stops;
    int64_t clean_ms;   /* cancelled, it waits so long before it tidies up */
    int64_t value;
    int calls, bodies, cancelled, tidied;
} twig;

typedef struct fan {
    twig twigs[MOST];
    dur_branch branches[MOST];
    size_t count;
    dur_batch_options options;
    int code;
    dur_batch batch;
    char told[256]; /* what the batch came to */
    int after;
    int ended_as;
} fan;

/* ---- The workflow ---- */

static int clean_up(dur_run *run, twig *one)
{
    if (!dur_cancelled(run)) return 0;
    one->cancelled++;
    if (one->clean_ms && dur_sleep(run, "settle", one->clean_ms) != DUR_OK) return 0;
    DUR_STEP(run, "tidy") { one->tidied++; }
    return 0;
}

static int grow(dur_run *run, void *context)
{
    twig *one = context;
    int64_t value = 0;

    one->calls++;
    if (one->stops) dur_stop(run, "not now");
    if (one->pause_ms && dur_sleep(run, "pause", one->pause_ms) != DUR_OK)
        return clean_up(run, one);
    DUR_STEP(run, "work", value)
    {
        one->bodies++;
        value = one->value;
    }
    if (one->fails) dur_fail(run, "no luck");
    dur_set_output(run, dur_integer(value));
    return 0;
}

static void tell_branch(char *told, size_t size, int code, dur_value value)
{
    size_t length = strlen(told);

    if (code == DUR_OK)
        snprintf(told + length, size - length, " %" PRId64, value.as.integer);
    else if (code == DUR_FAILED)
        snprintf(told + length, size - length, " [%s]", dur_as_text(value));
    else
        snprintf(told + length, size - length, " %s", code == DUR_CANCELLED ? "open" : "-");
}

static void tell_batch(fan *user)
{
    static const char *const reasons[] = {"none", "all", "enough", "failures"};
    const dur_batch *batch = &user->batch;

    snprintf(user->told, sizeof user->told, "%s %zu/%zu +%zu -%zu:", reasons[batch->reason],
             batch->started, batch->count, batch->succeeded, batch->failed);
    for (size_t i = 0; i < batch->count; i++)
        tell_branch(user->told, sizeof user->told, batch->codes[i], batch->values[i]);
}

static int work(dur_run *run, void *context)
{
    fan *user = context;

    user->told[0] = '\0';
    user->code = dur_parallel(run, "fan", user->branches, user->count, &user->options,
                              &user->batch);
    if (user->code == DUR_OK) tell_batch(user);
    DUR_STEP(run, "after") { user->after++; }
    return 0;
}

static fan new_fan(size_t count)
{
    const dur_batch_options options = DUR_BATCH_OPTIONS_INIT;
    fan user;

    memset(&user, 0, sizeof user);
    user.count = count;
    user.options = options;
    user.options.file = NULL;
    return user;
}

/* When it stands where it will stay. */
static void wire(fan *user)
{
    for (size_t i = 0; i < user->count; i++) {
        user->twigs[i].value = (int64_t)i + 1;
        user->branches[i].fn = grow;
        user->branches[i].user = &user->twigs[i];
        user->branches[i].input = dur_integer((int64_t)i);
    }
}

static int execute(engine_world *world, fan *user)
{
    return waits_execute(world, work, user);
}

static int execute_at(engine_world *world, fan *user, int64_t now_ms)
{
    return waits_execute_at(world, now_ms, work, user);
}

static int calls_of(const fan *user)
{
    int calls = 0;

    for (size_t i = 0; i < user->count; i++) calls += user->twigs[i].calls;
    return calls;
}

/* ---- The narrative ---- */

static void each_branch_is_a_child_of_the_batch_which_is_one_row_of_its_run(void **state)
{
    engine_world *world = *state;
    fan user = new_fan(2);

    wire(&user);
    user.branches[1].name = "second";
    assert_int_equal(DUR_OK, execute(world, &user));
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
    fan user = new_fan(3);

    wire(&user);
    user.twigs[1].fails = true;
    memory_store_fail(world->store, "append", 8, DUR_IOERR, MEMORY_BEFORE); /* "after" */
    assert_int_equal(DUR_IOERR, execute(world, &user));
    assert_string_equal("all 3/3 +2 -1: 1 [no luck] 3", user.told);
    engine_world_succeed(world);
    memory_store_forget(world->store);
    assert_int_equal(DUR_OK, execute(world, &user));
    assert_string_equal("all 3/3 +2 -1: 1 [no luck] 3", user.told);
    assert_int_equal(3, calls_of(&user));
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
        fan user = new_fan(strlen(one->outcomes));
        char id[16];

        wire(&user);
        for (size_t j = 0; j < user.count; j++) user.twigs[j].fails = one->outcomes[j] == '-';
        user.options.min_successes = one->min_successes;
        user.options.max_failures = one->max_failures;
        user.options.max_failure_percent = one->max_failure_percent;
        user.options.fails_fast = one->fails_fast;
        snprintf(id, sizeof id, "rule-%zu", i);
        assert_int_equal(DUR_OK, dur_execute(world->log, "work", id, NULL, work, &user));
        if (strcmp(one->told, user.told) != 0)
            fail_msg("\"%s\": expected \"%s\", but it is \"%s\"", one->outcomes, one->told,
                     user.told);
    }
}

/* ---- Waiting ---- */

static void a_branch_waits_while_others_go_on(void **state)
{
    engine_world *world = *state;
    fan user = new_fan(3);

    wire(&user);
    user.twigs[0].pause_ms = 500;
    user.twigs[2].pause_ms = 200;
    assert_int_equal(DUR_SUSPENDED, execute(world, &user));
    waits_assert_says(world, "it waits");
    assert_int_equal(1, user.twigs[1].bodies);
    assert_int_equal(WAITS_START_MS + 200, memory_store_due(world->witness, "run-1"));
    assert_int_equal(DUR_SUSPENDED, execute_at(world, &user, WAITS_START_MS + 200));
    assert_int_equal(1, user.twigs[2].bodies);
    assert_int_equal(1, user.twigs[0].calls); /* it was not due */
    assert_int_equal(WAITS_START_MS + 500, memory_store_due(world->witness, "run-1"));
    assert_int_equal(DUR_OK, execute_at(world, &user, WAITS_START_MS + 500));
    assert_string_equal("all 3/3 +3 -0: 1 2 3", user.told);
    assert_int_equal(5, calls_of(&user));
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
    fan user = new_fan(5);
    int code = DUR_SUSPENDED, passes = 0;

    wire(&user);
    user.options.max_concurrency = 2;
    for (size_t i = 0; i < user.count; i++) user.twigs[i].pause_ms = 100 + 10 * (int64_t)i;
    while ((code = execute(world, &user)) == DUR_SUSPENDED) {
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
    fan user = new_fan(4);

    wire(&user);
    user.options.max_concurrency = 2;
    user.twigs[0].pause_ms = 100;
    user.twigs[3].pause_ms = 100;
    assert_int_equal(DUR_SUSPENDED, execute(world, &user));
    assert_int_equal(1, user.twigs[1].bodies);
    assert_int_equal(1, user.twigs[2].bodies);
    assert_int_equal(1, user.twigs[3].calls);
    assert_int_equal(DUR_OK, execute_at(world, &user, WAITS_START_MS + 100));
}

/* ---- What is open when it is complete ---- */

static void those_that_are_open_then_are_cancelled_and_clean_up(void **state)
{
    engine_world *world = *state;
    fan user = new_fan(4);

    wire(&user);
    user.options.min_successes = 1;
    user.options.max_concurrency = 3;
    user.twigs[0].pause_ms = 100;
    user.twigs[1].pause_ms = 9000;
    user.twigs[1].clean_ms = 50;
    user.twigs[2].pause_ms = 9000;
    assert_int_equal(DUR_SUSPENDED, execute(world, &user));
    assert_int_equal(DUR_SUSPENDED, execute_at(world, &user, WAITS_START_MS + 100));
    assert_int_equal(1, user.twigs[2].tidied);
    assert_int_equal(1, user.twigs[1].cancelled);
    assert_int_equal(0, user.twigs[1].tidied);
    assert_int_equal(WAITS_START_MS + 150, memory_store_due(world->witness, "run-1"));
    assert_int_equal(DUR_OK, execute_at(world, &user, WAITS_START_MS + 150));
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
    fan user = new_fan(2);

    wire(&user);
    user.options.min_successes = 1;
    user.twigs[0].pause_ms = 100;
    user.twigs[1].pause_ms = 100;
    assert_int_equal(DUR_SUSPENDED, execute(world, &user));
    assert_int_equal(DUR_OK, execute_at(world, &user, WAITS_START_MS + 100));
    assert_string_equal("enough 2/2 +1 -0: 1 open", user.told);
}

/* ---- Law 5: the same branches, in every pass ---- */

static void a_complete_batch_of_another_size_is_a_mismatch(void **state)
{
    engine_world *world = *state;
    fan user = new_fan(3);

    wire(&user);
    memory_store_fail(world->store, "append", 8, DUR_IOERR, MEMORY_BEFORE);
    assert_int_equal(DUR_IOERR, execute(world, &user));
    user.count = 2;
    assert_int_equal(DUR_MISMATCH, execute(world, &user));
    waits_assert_says(world, "a batch of 3 branches, and the code gives 2");
    assert_string_equal("", user.told);
}

static void an_open_batch_of_another_size_is_a_conflict(void **state)
{
    engine_world *world = *state;
    fan user = new_fan(3);

    wire(&user);
    user.twigs[2].pause_ms = 100;
    assert_int_equal(DUR_SUSPENDED, execute(world, &user));
    user.count = 2;
    assert_int_equal(DUR_CONFLICT, execute_at(world, &user, WAITS_START_MS + 100));
    waits_assert_says(world, "another input");
    user.count = 3;
    assert_int_equal(DUR_OK, execute(world, &user));
}

static void a_renamed_branch_diverges(void **state)
{
    engine_world *world = *state;
    fan user = new_fan(2);

    wire(&user);
    user.twigs[1].pause_ms = 100;
    assert_int_equal(DUR_SUSPENDED, execute(world, &user));
    user.branches[0].name = "other";
    assert_int_equal(DUR_DIVERGED, execute_at(world, &user, WAITS_START_MS + 100));
    assert_int_equal(1, user.twigs[1].calls);
    user.branches[0].name = NULL;
    assert_int_equal(DUR_OK, execute(world, &user));
}

/* Law 9. */
static void rows_that_are_gone_are_told(void **state)
{
    engine_world *world = *state;
    fan user = new_fan(2);

    wire(&user);
    memory_store_fail(world->store, "append", 6, DUR_IOERR, MEMORY_BEFORE);
    assert_int_equal(DUR_IOERR, execute(world, &user));
    memory_store_delete_step(world->witness, "run-1/1", 2);
    assert_int_equal(DUR_CORRUPT, execute(world, &user));
    waits_assert_says(world, "position 1, batch \"fan\"");
    waits_assert_says(world, "(run \"run-1/1\") are gone");
    memory_store_delete_run(world->witness, "run-1/1");
    assert_int_equal(DUR_CORRUPT, execute(world, &user));
    waits_assert_says(world, "(run \"run-1/1\") are gone");
    assert_string_equal("", user.told);
}

/* ---- Ending from outside ---- */

static void a_cancelled_run_ends_when_its_open_branches_have(void **state)
{
    engine_world *world = *state;
    fan user = new_fan(3);

    wire(&user);
    user.options.max_concurrency = 2;
    for (size_t i = 0; i < user.count; i++) user.twigs[i].pause_ms = 9000;
    user.twigs[0].clean_ms = 50;
    assert_int_equal(DUR_SUSPENDED, execute(world, &user));
    assert_int_equal(DUR_OK, dur_cancel(world->log, "run-1"));
    assert_int_equal(DUR_SUSPENDED, execute(world, &user));
    assert_int_equal(WAITS_START_MS + 50, memory_store_due(world->witness, "run-1"));
    assert_int_equal(1, user.twigs[1].tidied);
    assert_int_equal(0, user.twigs[2].calls); /* there would be room */
    assert_int_equal(DUR_CANCELLED, execute_at(world, &user, WAITS_START_MS + 50));
    assert_int_equal(1, user.twigs[0].tidied);
    assert_int_equal(0, user.twigs[2].calls);
    assert_int_equal(0, user.after);
    assert_int_equal(DUR_CANCELLED, user.code);
    assert_int_equal(1, count_in_story(world, "end run-1/1 cancelled"));
    assert_int_equal(1, count_in_story(world, "end run-1 cancelled"));
}

/* All of them had begun: then the batch is complete, and the run hears of it next. */
static void a_run_that_is_cancelled_late_has_its_batch(void **state)
{
    engine_world *world = *state;
    fan user = new_fan(2);

    wire(&user);
    user.twigs[1].pause_ms = 9000;
    assert_int_equal(DUR_SUSPENDED, execute(world, &user));
    assert_int_equal(DUR_OK, dur_cancel(world->log, "run-1"));
    assert_int_equal(DUR_CANCELLED, execute(world, &user));
    assert_int_equal(DUR_OK, user.code);
    assert_string_equal("all 2/2 +1 -1: 1 [cancelled]", user.told);
    assert_int_equal(0, user.after);
}

static void a_deadline_ends_the_branches_first(void **state)
{
    engine_world *world = *state;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    fan user = new_fan(3);

    wire(&user);
    start.deadline_ms = WAITS_START_MS + 300;
    user.options.max_concurrency = 2;
    for (size_t i = 0; i < user.count; i++) user.twigs[i].pause_ms = 9000;
    user.twigs[0].clean_ms = 50;
    assert_int_equal(DUR_SUSPENDED, dur_execute(world->log, "work", "run-1", &start, work, &user));
    assert_int_equal(WAITS_START_MS + 300, memory_store_due(world->witness, "run-1"));
    assert_int_equal(DUR_SUSPENDED, execute_at(world, &user, WAITS_START_MS + 300));
    assert_int_equal(WAITS_START_MS + 350, memory_store_due(world->witness, "run-1"));
    assert_int_equal(DUR_TIMED_OUT, execute_at(world, &user, WAITS_START_MS + 350));
    assert_int_equal(1, user.twigs[0].tidied);
    assert_int_equal(0, user.twigs[2].calls);
    assert_int_equal(DUR_TIMED_OUT, user.code);
}

/* Somebody cancels the batch, and not the run: a failure like that of any child. */
static void a_batch_that_is_cancelled_alone_has_failed(void **state)
{
    engine_world *world = *state;
    fan user = new_fan(2);

    wire(&user);
    user.options.max_concurrency = 1;
    user.twigs[0].pause_ms = 9000;
    assert_int_equal(DUR_SUSPENDED, execute(world, &user));
    assert_int_equal(DUR_OK, dur_cancel(world->log, "run-1/1"));
    assert_int_equal(DUR_FAILED, execute(world, &user));
    assert_int_equal(DUR_FAILED, user.code);
    assert_int_equal(1, user.twigs[0].tidied);
    assert_int_equal(0, user.twigs[1].calls);
}

/* ---- Trouble ---- */

static void a_branch_that_somebody_holds_stops_the_batch(void **state)
{
    engine_world *world = *state;
    fan user = new_fan(2);

    wire(&user);
    user.twigs[0].stops = true;
    assert_int_equal(DUR_STOPPED, execute(world, &user));
    waits_assert_says(world, "run \"run-1/1/1\": not now");
    user.twigs[0].stops = false;
    memory_store_take_over(world->witness, "run-1/1/1");
    world->clock.owner_alive = DUR_OWNER_ALIVE;
    assert_int_equal(DUR_OWNED, execute(world, &user));
    waits_assert_says(world, "run \"run-1/1/1\": it is held by a live owner");
    world->clock.owner_alive = DUR_OWNER_DEAD;
    assert_int_equal(DUR_OK, execute(world, &user));
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
    fan user = new_fan(2);

    wire(&user);
    user.branches[0].fn = give_up;
    user.twigs[0].fails = true;
    assert_int_equal(DUR_PARKED, execute(world, &user));
    waits_assert_says(world, "run \"run-1/1/1\"");
    assert_int_equal(1, count_in_story(world, "end run-1/1 parked"));
    assert_int_equal(1, count_in_story(world, "end run-1 parked"));
    user.twigs[0].fails = false;
    assert_int_equal(DUR_OK, execute(world, &user));
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
    it->user = new_fan(4);
    wire(&it->user);
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

    return work(run, &it->user);
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
        WAITS_TEST(each_branch_is_a_child_of_the_batch_which_is_one_row_of_its_run),
        WAITS_TEST(replay_reads_the_rows_of_a_complete_batch),
        WAITS_TEST(the_policy_says_when_a_batch_is_complete),
        WAITS_TEST(a_branch_waits_while_others_go_on),
        WAITS_TEST(no_more_are_open_than_may_be),
        WAITS_TEST(a_branch_that_ends_makes_room_in_the_same_pass),
        WAITS_TEST(those_that_are_open_then_are_cancelled_and_clean_up),
        WAITS_TEST(who_ends_too_late_takes_no_row),
        WAITS_TEST(a_complete_batch_of_another_size_is_a_mismatch),
        WAITS_TEST(an_open_batch_of_another_size_is_a_conflict),
        WAITS_TEST(a_renamed_branch_diverges),
        WAITS_TEST(rows_that_are_gone_are_told),
        WAITS_TEST(a_cancelled_run_ends_when_its_open_branches_have),
        WAITS_TEST(a_run_that_is_cancelled_late_has_its_batch),
        WAITS_TEST(a_deadline_ends_the_branches_first),
        WAITS_TEST(a_batch_that_is_cancelled_alone_has_failed),
        WAITS_TEST(a_branch_that_somebody_holds_stops_the_batch),
        WAITS_TEST(a_branch_that_is_parked_parks_its_run),
        cmocka_unit_test(owners_may_die_anywhere_in_a_batch_that_waits),
        cmocka_unit_test(owners_may_die_anywhere_in_a_batch_that_is_complete_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
