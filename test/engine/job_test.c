/* test/engine: branches on the host's executor, which here has one hand and chooses the order. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#define MOST 8

typedef struct limb {
    struct office *office;
    int64_t pause_ms, clean_ms, takes_ms, value;
    bool fails, stops, closes;
    int calls, bodies, tidied;
} limb;

typedef struct office {
    fake_clock *clock;
    limb limbs[MOST];
    dur_branch branches[MOST];
    size_t count;
    dur_batch_options options;
    dur_log *jobs_log;  /* the executor's */
    dur_log *first_log; /* for its first job only; it may be NULL */
    bool gives_first;
    bool backwards, twice;
    size_t leaves;      /* so many at the end of the list are not run */
    char waves[64];     /* how many jobs each had */
    int code, after;
    dur_batch batch;
    char told[128];
} office;

static int grow(dur_run *run, void *context)
{
    limb *one = context;
    int64_t value = 0;

    one->calls++;
    if (one->stops) dur_stop(run, "not now");
    if (one->closes) {
        dur_close(one->office->jobs_log);
        one->office->jobs_log = NULL;
        return 0;
    }
    if (one->pause_ms && dur_sleep(run, "pause", one->pause_ms) != DUR_OK) {
        if (!dur_cancelled(run)) return 0;
        if (one->clean_ms && dur_sleep(run, "settle", one->clean_ms) != DUR_OK) return 0;
        DUR_STEP(run, "tidy") { one->tidied++; }
        return 0;
    }
    DUR_STEP(run, "work", value)
    {
        one->bodies++;
        one->office->clock->now_ms += one->takes_ms;
        value = one->value;
    }
    if (one->fails) dur_fail(run, "no luck");
    dur_set_output(run, one->value == 2 ? dur_text("two") : dur_integer(value));
    return 0;
}

static void execute_jobs(dur_job *const *jobs, size_t count, void *context)
{
    office *user = context;
    size_t length = strlen(user->waves);

    snprintf(user->waves + length, sizeof user->waves - length, "%zu ", count);
    for (size_t i = 0; i + user->leaves < count; i++) {
        dur_job *job = jobs[user->backwards ? count - 1 - i : i];
        dur_log *log = user->gives_first && i == 0 ? user->first_log : user->jobs_log;

        dur_run_job(job, log);
        if (user->twice) dur_run_job(job, log);
    }
    dur_run_job(NULL, user->jobs_log); /* harmless */
}

static void tell_batch(office *user)
{
    const dur_batch *batch = &user->batch;
    size_t length = (size_t)snprintf(user->told, sizeof user->told, "%d %zu/%zu:",
                                     (int)batch->reason, batch->started, batch->count);

    for (size_t i = 0; i < batch->count; i++) {
        char *at = user->told + length;
        size_t room = sizeof user->told - length;

        if (batch->codes[i] == DUR_OK && batch->values[i].type == DUR_INTEGER)
            length += (size_t)snprintf(at, room, " %" PRId64, batch->values[i].as.integer);
        else if (batch->values[i].type == DUR_TEXT)
            length += (size_t)snprintf(at, room, " %s", dur_as_text(batch->values[i]));
        else
            length += (size_t)snprintf(at, room, " %s", dur_code_name(batch->codes[i]));
    }
}

static int work(dur_run *run, void *context)
{
    office *user = context;

    user->told[0] = '\0';
    user->code =
        dur_parallel(run, "fan", user->branches, user->count, &user->options, &user->batch);
    if (user->code == DUR_OK) tell_batch(user);
    DUR_STEP(run, "after") { user->after++; }
    return 0;
}

/* The first owner's log becomes the executor's, the second's is the run's. */
static void open_office(engine_world *world, office *user, size_t count)
{
    const dur_batch_options options = DUR_BATCH_OPTIONS_INIT;

    memset(user, 0, sizeof *user);
    user->jobs_log = engine_world_join(world);
    user->clock = &world->clock;
    user->count = count;
    user->options = options;
    user->options.file = NULL;
    user->options.execute = execute_jobs;
    user->options.user = user;
    for (size_t i = 0; i < count; i++) {
        user->limbs[i].office = user;
        user->limbs[i].value = (int64_t)i + 1;
        user->branches[i].fn = grow;
        user->branches[i].user = &user->limbs[i];
    }
}

static int execute(engine_world *world, office *user)
{
    return waits_execute(world, work, user);
}

/* ---- The narrative ---- */

/* The children are there before a thread hears of them; the rows come in the order of the ends. */
static void what_ended_first_is_recorded_first(void **state)
{
    engine_world *world = *state;
    office user;

    open_office(world, &user, 2);
    user.backwards = true;
    assert_int_equal(DUR_OK, execute(world, &user));
    assert_string_equal("1 2/2: 1 two", user.told);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "find run-1/1: none\n"
                        "create run-1/1 epoch 1 called by run-1 #1 put #1 \"fan\" attempt 0 due"
                        " never\n"
                        "find run-1/1/1: none\n"
                        "create run-1/1/1 epoch 0 due 1000 called by run-1/1 #1 put #1 \"branch\""
                        " attempt 0 due never\n"
                        "find run-1/1/2: none\n"
                        "create run-1/1/2 epoch 0 due 1000 called by run-1/1 #2 put #2 \"branch\""
                        " attempt 0 due never\n"
                        "find run-1/1/2: running epoch 0\n"
                        "claim run-1/1/2 after epoch 0 claims 1\n"
                        "append run-1/1/2 #1 \"work\" result low 1: recorded\n"
                        "end run-1/1/2 completed\n"
                        "find run-1/1/1: running epoch 0\n"
                        "claim run-1/1/1 after epoch 0 claims 1\n"
                        "append run-1/1/1 #1 \"work\" result low 1: recorded\n"
                        "end run-1/1/1 completed\n"
                        "append run-1/1 #2 \"branch\" result low 1 clears: recorded\n"
                        "append run-1/1 #1 \"branch\" result low 1 clears: recorded\n"
                        "end run-1/1 completed\n"
                        "append run-1 #1 \"fan\" result low 1 clears: recorded\n"
                        "find run-1/1: completed epoch 1\n"
                        "load run-1/1 1..2: 2 rows\n"
                        "append run-1 #2 \"after\" result low 2: recorded\n"
                        "end run-1 completed\n");
}

static void a_wave_has_as_many_jobs_as_may_be_open(void **state)
{
    engine_world *world = *state;
    office user;

    open_office(world, &user, 5);
    user.options.max_concurrency = 2;
    user.limbs[1].pause_ms = 100;
    user.twice = true; /* once is enough */
    assert_int_equal(DUR_SUSPENDED, execute(world, &user));
    assert_string_equal("2 1 1 1 ", user.waves);
    user.waves[0] = '\0';
    world->clock.now_ms += 100;
    assert_int_equal(DUR_OK, execute(world, &user));
    assert_string_equal("1 ", user.waves);
    assert_string_equal("1 5/5: 1 two 3 4 5", user.told);
    for (size_t i = 0; i < user.count; i++) assert_int_equal(1, user.limbs[i].bodies);
}

static void those_that_are_open_are_cancelled_on_the_executor(void **state)
{
    engine_world *world = *state;
    office user;

    open_office(world, &user, 4);
    user.options.min_successes = 1;
    user.options.max_concurrency = 3;
    user.limbs[0].pause_ms = 9000;
    user.limbs[0].clean_ms = 50;
    assert_int_equal(DUR_SUSPENDED, execute(world, &user));
    assert_string_equal("3 1 ", user.waves);
    assert_int_equal(1, user.limbs[2].bodies); /* too late: it has no say, and no row */
    world->clock.now_ms += 50;
    assert_int_equal(DUR_OK, execute(world, &user));
    assert_string_equal("3 1 2 ", user.waves);
    assert_int_equal(1, user.limbs[0].tidied);
    assert_int_equal(1, user.limbs[2].bodies);
    assert_int_equal(0, user.limbs[3].calls);
    assert_string_equal("2 3/4: DUR_CANCELLED two DUR_CANCELLED DUR_NOT_FOUND", user.told);
    assert_int_equal(1, count_in_story(world, "append run-1/1 #"));
}

/* Law 6: waves that take long in all keep the claims of the batch and of its run. */
static void records_prolong_the_claims_of_those_that_call(void **state)
{
    engine_world *world = *state;
    office user;

    open_office(world, &user, 6);
    user.options.max_concurrency = 1;
    for (size_t i = 0; i < user.count; i++)
        user.limbs[i].takes_ms = DURABLE_DEFAULT_LEASE_MS * 2 / 5;
    assert_int_equal(DUR_OK, execute(world, &user));
    assert_int_equal(3, count_in_story(world, "renew run-1 until")); /* by each second record */
    assert_int_equal(0, count_in_story(world, "renew run-1/1 until")); /* which renews its own */
}

/* ---- Trouble ---- */

static void a_job_that_is_not_run_stops_the_batch(void **state)
{
    engine_world *world = *state;
    office user;

    open_office(world, &user, 3);
    user.branches[2].name = "the last";
    user.leaves = 1;
    assert_int_equal(DUR_MISUSE, execute(world, &user));
    waits_assert_says(world, "position 3, branch \"the last\": the executor has returned");
    assert_int_equal(2, count_in_story(world, "append run-1/1 #"));
    user.leaves = 0;
    assert_int_equal(DUR_OK, execute(world, &user));
    assert_string_equal("3 1 ", user.waves);
    assert_string_equal("1 3/3: 1 two 3", user.told);
}

/* The others of its wave are recorded before. */
static void a_branch_that_stops_stops_the_batch(void **state)
{
    engine_world *world = *state;
    office user;

    open_office(world, &user, 3);
    user.limbs[0].stops = true;
    assert_int_equal(DUR_STOPPED, execute(world, &user));
    waits_assert_says(world, "run \"run-1/1/1\": not now");
    assert_int_equal(2, count_in_story(world, "append run-1/1 #"));
    user.limbs[0].stops = false;
    assert_int_equal(DUR_OK, execute(world, &user));
    assert_string_equal("1 3/3: 1 two 3", user.told);
}

static void assert_refused(engine_world *world, office *user, int code, const char *why)
{
    user->gives_first = true;
    assert_int_equal(code, execute(world, user));
    waits_assert_says(world, "position 1, branch \"branch\": ");
    waits_assert_says(world, why);
    user->gives_first = false;
}

static void a_job_needs_a_log_of_its_own(void **state)
{
    engine_world *world = *state;
    office user;

    open_office(world, &user, 2);
    user.first_log = NULL;
    assert_refused(world, &user, DUR_MISUSE, "needs a log, not NULL");
    user.first_log = world->log;
    assert_refused(world, &user, DUR_MISUSE, "another log than the run's");
    assert_int_equal(1, user.limbs[1].bodies);
    assert_int_equal(0, user.limbs[0].calls);
    assert_int_equal(DUR_OK, execute(world, &user));
}

static void a_log_of_another_database_does_not_know_the_branch(void **state)
{
    engine_world *world = *state;
    engine_world other;
    office user;

    engine_world_open(&other);
    open_office(world, &user, 1);
    user.first_log = other.log;
    user.gives_first = true;
    assert_int_equal(DUR_NOT_FOUND, execute(world, &user));
    waits_assert_says(world, "run \"run-1/1/1\": the branch is not in this log's database");
    assert_int_equal(0, user.limbs[0].calls);
    user.gives_first = false;
    assert_int_equal(DUR_OK, execute(world, &user));
    engine_world_close(&other);
}

/* Law 9: what a branch does to the log of its thread is an error, and nothing worse. */
static void a_branch_may_close_the_log_that_it_runs_on(void **state)
{
    engine_world *world = *state;
    office user;

    open_office(world, &user, 1);
    world->dead_count--; /* it is closed here */
    user.limbs[0].closes = true;
    assert_int_equal(DUR_MISUSE, execute(world, &user));
    waits_assert_says(world, "the log was closed by the branch");
}

/* ---- Crashes and faults ---- */

static void reset_office(engine_world *world, void *context)
{
    office *user = context;

    open_office(world, user, 4);
    world->dead_count--; /* nobody has died yet; it is closed below */
    user->backwards = true;
    user->options.max_concurrency = 3;
    user->limbs[0].pause_ms = 100;
    user->limbs[2].fails = true;
}

static void check_office(engine_world *world, void *context, int code)
{
    office *user = context;

    assert_int_equal(DUR_OK, code);
    assert_string_equal("1 4/4: 1 two no luck 4", user->told);
    assert_int_equal(4, waits_rows_written(world, "append run-1/1 #"));
    for (size_t i = 0; i < user->count; i++) assert_int_equal(1, user->limbs[i].bodies);
    dur_close(user->jobs_log);
}

/* The executor's log lives on: no body runs a second time, whenever the run's owner dies. */
static void owners_may_die_anywhere_around_an_executor(void **state)
{
    static office user;
    const waits_sweep all = {{work, &user, NULL, NULL, 30}, reset_office, check_office};
    int deaths = waits_sweep_deaths(&all);
    int faults = waits_sweep_faults(&all);

    (void)state;
    print_message("%d deaths, %d faults\n", deaths, faults);
    assert_true(deaths > 20 && faults > 80);
}

/* A thread's connection fails for good, at its nth verb: the batch stops, and a thread with another
 * one goes on; what it had recorded is not done again. */
static bool lose_thread_at(int nth)
{
    engine_world world;
    office user;
    bool struck;
    int code;

    engine_world_open(&world);
    world.clock.now_ms = WAITS_START_MS;
    open_office(&world, &user, 3);
    user.limbs[2].fails = true;
    memory_store_die(user.jobs_log->store, nth);
    code = execute(&world, &user);
    struck = memory_store_is_dead(user.jobs_log->store);
    assert_int_equal(struck ? DUR_IOERR : DUR_OK, code);
    if (struck) {
        user.jobs_log = engine_world_join(&world);
        assert_int_equal(DUR_OK, execute(&world, &user));
    }
    assert_string_equal("1 3/3: 1 two no luck", user.told);
    assert_int_equal(3, waits_rows_written(&world, "append run-1/1 #"));
    for (size_t i = 0; i < user.count; i++) assert_in_range(user.limbs[i].bodies, 1, 2);
    engine_world_close(&world);
    return struck;
}

static void a_thread_may_lose_its_connection_anywhere(void **state)
{
    int nth = 1;

    (void)state;
    while (lose_thread_at(nth)) nth++;
    print_message("%d places\n", nth - 1);
    assert_true(nth > 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAITS_TEST(what_ended_first_is_recorded_first),
        WAITS_TEST(a_wave_has_as_many_jobs_as_may_be_open),
        WAITS_TEST(those_that_are_open_are_cancelled_on_the_executor),
        WAITS_TEST(records_prolong_the_claims_of_those_that_call),
        WAITS_TEST(a_job_that_is_not_run_stops_the_batch),
        WAITS_TEST(a_branch_that_stops_stops_the_batch),
        WAITS_TEST(a_job_needs_a_log_of_its_own),
        WAITS_TEST(a_log_of_another_database_does_not_know_the_branch),
        WAITS_TEST(a_branch_may_close_the_log_that_it_runs_on),
        cmocka_unit_test(owners_may_die_anywhere_around_an_executor),
        cmocka_unit_test(a_thread_may_lose_its_connection_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
