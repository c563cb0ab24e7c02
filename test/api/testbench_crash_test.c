/* test/api: the test bench: a process that dies before and after each record, passes that end
 * before each body, and the same story told twice. */
#include "api/benched.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- A workflow of everything -------------------------------------------------------------- */

enum { PLAIN, OWN_SQL, ONCE, WITH_UNDO, IN_CHILD, IN_BRANCH, IN_STARTED, CLEAN_UP, EFFECTS };

static const char *const names[EFFECTS] = {"plain",     "own-sql",   "once",    "with-undo",
                                           "in-child",  "in-branch", "started", "clean-up"};

typedef struct everything {
    sqlite3 *db;
    dur_retry policy;
    int effects[EFFECTS];
    bool sleeps;
} everything;

static void have_effect(everything *it, int which)
{
    it->effects[which]++;
}

static int child(dur_run *run, void *user)
{
    everything *it = user;
    int64_t value = 0;

    DUR_STEP(run, names[IN_CHILD], value)
    {
        have_effect(it, IN_CHILD);
        value = 3;
    }
    if (dur_sleep(run, "nap", HOUR_MS) != DUR_OK) return 0;
    DUR_STEP(run, "behind-the-nap") {}
    return dur_set_output(run, dur_integer(value));
}

static int branch(dur_run *run, void *user)
{
    DUR_STEP(run, names[IN_BRANCH]) { have_effect(user, IN_BRANCH); }
    return 0;
}

static int started(dur_run *run, void *user)
{
    DUR_STEP(run, names[IN_STARTED]) { have_effect(user, IN_STARTED); }
    return 0;
}

static int insert(everything *it)
{
    return sqlite3_exec(it->db, "INSERT INTO effects VALUES ('own-sql')", NULL, NULL, NULL);
}

static int undo(dur_step *step, void *user)
{
    have_effect(user, CLEAN_UP);
    return dur_record_result(step, dur_null());
}

static int steps(dur_run *run, everything *it, int64_t *sum)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int64_t value = 0;

    DUR_STEP(run, names[PLAIN], value)
    {
        have_effect(it, PLAIN);
        value = 1;
    }
    *sum += value;
    DUR_TX_STEP(run, names[OWN_SQL], value)
    {
        if (insert(it) != SQLITE_OK) dur_fail(run, "no insert");
        value = 2;
    }
    *sum += value;
    options.mode = DUR_AT_MOST_ONCE;
    options.in_doubt = DUR_IN_DOUBT_FAIL;
    DUR_STEP(run, names[ONCE], value, &options)
    {
        have_effect(it, ONCE);
        value = 4;
    }
    *sum += dur_catch(run) ? 4 : value;
    options.mode = DUR_AT_LEAST_ONCE;
    options.in_doubt = DUR_IN_DOUBT_PARK;
    options.undo = undo;
    options.user = it;
    options.retry = &it->policy;
    DUR_STEP(run, names[WITH_UNDO], value, &options)
    {
        have_effect(it, WITH_UNDO);
        value = 8;
        if (dur_step_attempt(dur_current_step(run)) < 3) dur_fail(run, "not yet");
    }
    *sum += value;
    return dur_ok(run) ? DUR_OK : DUR_SUSPENDED;
}

static int children(dur_run *run, everything *it, int64_t *sum)
{
    const dur_branch branches[] = {{"left", branch, it, {DUR_NULL, {0}, 0}},
                                   {"right", branch, it, {DUR_NULL, {0}, 0}}};
    dur_value value = {DUR_NULL, {0}, 0};
    dur_batch batch = {0};
    dur_step *handle;

    if (dur_start_child(run, "other", "started", NULL, &handle) != DUR_OK) return DUR_SUSPENDED;
    if (dur_call(run, "child", NULL, child, it, &value) != DUR_OK) return DUR_SUSPENDED;
    *sum += 16 * value.as.integer;
    if (dur_parallel(run, "fan", branches, 2, NULL, &batch) != DUR_OK) return DUR_SUSPENDED;
    return dur_await(handle, NULL);
}

/* Two steps that are open at once. */
static int pair(dur_run *run, int64_t *sum)
{
    dur_step *left, *right;
    int first = dur_begin_step(run, "left-hand", NULL, &left);
    int second = first < 0 ? first : dur_begin_step(run, "right-hand", NULL, &right);

    if (first < 0 || second < 0) return DUR_SUSPENDED;
    if (second == DUR_EXECUTE && dur_record_result(right, dur_integer(64)) != DUR_OK)
        return DUR_SUSPENDED;
    if (first == DUR_EXECUTE && dur_record_result(left, dur_integer(128)) != DUR_OK)
        return DUR_SUSPENDED;
    *sum += 64 + 128;
    return DUR_OK;
}

static int everything_workflow(dur_run *run, void *user)
{
    everything *it = user;
    int64_t sum = 0, begun = 0;
    dur_value go;

    if (dur_now(run, "begun", &begun) != DUR_OK || steps(run, it, &sum) != DUR_OK) return 0;
    if (dur_sleep(run, "a-day", DAY_MS) != DUR_OK || children(run, it, &sum) != DUR_OK) return 0;
    if (pair(run, &sum) != DUR_OK) return 0;
    if (dur_receive(run, "go", DUR_FOREVER, &go) != DUR_OK) return 0;
    dur_set_output(run, dur_integer(sum + go.as.integer));
    if (go.as.integer == 0) return 0;
    DUR_STEP(run, "last") { dur_fail(run, "all is undone"); }
    return 0;
}

/* ---- A theatre ----------------------------------------------------------------------------- */

#define SUM (1 + 2 + 4 + 8 + 48 + 192)

typedef struct theatre {
    test_host host;
    everything it;
    dur_testbench *bench;
} theatre;

static void open_theatre(theatre *stage, bool always_replay, int64_t shared_steps, bool fails)
{
    dur_testbench_options options = DUR_TESTBENCH_OPTIONS_INIT;
    const dur_retry policy = DUR_RETRY_INIT;
    dur_options log = DUR_OPTIONS_INIT;

    memset(stage, 0, sizeof *stage);
    host_open(&stage->host, HOST_MEMORY);
    host_run(stage->host.db, "CREATE TABLE effects (name TEXT)");
    stage->it.db = stage->host.db;
    stage->it.policy = policy;
    log.warn = bench_hears_nothing;
    log.shared_commit_steps = shared_steps;
    options.log = &log;
    options.always_replay = always_replay;
    stage->bench = bench_on(stage->host.db, &options);
    dur_testbench_register(stage->bench, "everything", everything_workflow, &stage->it);
    dur_testbench_register(stage->bench, "started", started, &stage->it);
    dur_testbench_signal_at(stage->bench, BENCH_START_MS + 2 * DAY_MS, "r", "go",
                            dur_integer(fails));
}

static void close_theatre(theatre *stage)
{
    dur_testbench_close(stage->bench);
    host_close(&stage->host);
}

static int64_t rows_with_sql(const theatre *stage)
{
    return host_number(stage->host.db, "SELECT count(*) FROM effects");
}

/* Undisturbed. */
static int64_t count_records(void)
{
    theatre stage;
    int64_t records;

    open_theatre(&stage, false, 0, false);
    assert_bench(DUR_OK, dur_testbench_run(stage.bench, "everything", "r", NULL), stage.bench);
    assert_int_equal(SUM, dur_output(dur_testbench_log(stage.bench)).as.integer);
    assert_int_equal(1, rows_with_sql(&stage));
    records = host_number(stage.host.db, "SELECT count(*) FROM durable_steps");
    close_theatre(&stage);
    return records;
}

/* Once, but for one body whose record the crash kept from being committed. What works with SQL is
 * exactly once; what is in doubt did not run again. */
static void check_effects(const theatre *stage, int when)
{
    int more = 0;

    for (int i = 0; i < CLEAN_UP; i++) {
        int once = i == OWN_SQL ? 0 : i == IN_BRANCH ? 2 : i == WITH_UNDO ? 3 : 1;
        int count = stage->it.effects[i];

        if (count < once || count > once + 1)
            print_error("%s: %d effects\n", names[i], count);
        assert_in_range(count, once, once + 1);
        more += count - once;
    }
    assert_in_range(more, 0, when == DUR_CRASH_BEFORE);
    assert_int_equal(1, stage->it.effects[ONCE]);
    assert_int_equal(1, rows_with_sql(stage));
}

/* The promise of it all: whenever the process dies, the run ends as if it had not. */
static void whenever_it_dies_the_run_ends_as_undisturbed(void **state)
{
    int64_t records = count_records(), ran_twice = 0;

    (void)state;
    assert_in_range(records, 15, 40);
    for (int when = DUR_CRASH_BEFORE; when <= DUR_CRASH_AFTER; when++) {
        for (int64_t n = 1; n <= records; n++) {
            theatre stage;

            open_theatre(&stage, false, 0, false);
            assert_bench(DUR_OK, dur_testbench_crash(stage.bench, when, n), stage.bench);
            assert_bench(DUR_OK, dur_testbench_run(stage.bench, "everything", "r", NULL),
                         stage.bench);
            assert_int_equal(SUM, dur_output(dur_testbench_log(stage.bench)).as.integer);
            assert_int_equal(1, dur_testbench_crashes(stage.bench));
            assert_true(bench_at(stage.bench) == 2 * DAY_MS);
            check_effects(&stage, when);
            ran_twice += stage.it.effects[PLAIN] - 1;
            close_theatre(&stage);
        }
    }
    assert_int_equal(1, ran_twice);
}

static void it_may_die_at_every_record(void **state)
{
    int64_t records = count_records();
    theatre stage;

    (void)state;
    open_theatre(&stage, false, 0, true);
    for (int64_t n = 1; n <= records; n++) {
        assert_int_equal(DUR_OK, dur_testbench_crash(stage.bench, DUR_CRASH_BEFORE, n));
        assert_int_equal(DUR_OK, dur_testbench_crash(stage.bench, DUR_CRASH_AFTER, n));
    }
    assert_bench(DUR_FAILED, dur_testbench_run(stage.bench, "everything", "r", NULL), stage.bench);
    assert_string_equal("all is undone", dur_errmsg(dur_testbench_log(stage.bench)));
    assert_int_equal(2 * records, dur_testbench_crashes(stage.bench));
    assert_int_equal(2, stage.it.effects[PLAIN]);
    assert_int_equal(1, stage.it.effects[ONCE]);
    assert_int_equal(1, rows_with_sql(&stage));
    assert_in_range(stage.it.effects[CLEAN_UP], 1, 2);
    close_theatre(&stage);
}

/* What shares a commit dies with it, SQL and rows. */
static void steps_that_share_a_commit_are_lost_together(void **state)
{
    theatre stage;

    (void)state;
    open_theatre(&stage, false, 10, false);
    assert_int_equal(DUR_OK, dur_testbench_crash(stage.bench, DUR_CRASH_AFTER, 3));
    assert_bench(DUR_OK, dur_testbench_run(stage.bench, "everything", "r", NULL), stage.bench);
    assert_int_equal(SUM, dur_output(dur_testbench_log(stage.bench)).as.integer);
    assert_int_equal(1, rows_with_sql(&stage));
    assert_int_equal(2, dur_testbench_bodies(stage.bench, names[OWN_SQL]));
    close_theatre(&stage);
}

/* ---- always_replay ------------------------------------------------------------------------- */

/* Every body in a pass of its own, and all comes to the same, at the same times. */
static void each_body_has_its_own_pass(void **state)
{
    theatre stage;

    (void)state;
    for (int fails = 0; fails <= 1; fails++) {
        open_theatre(&stage, true, 0, fails);
        assert_bench(fails ? DUR_FAILED : DUR_OK,
                     dur_testbench_run(stage.bench, "everything", "r", NULL), stage.bench);
        if (!fails) assert_int_equal(SUM, dur_output(dur_testbench_log(stage.bench)).as.integer);
        check_effects(&stage, DUR_CRASH_AFTER);
        assert_int_equal(fails, stage.it.effects[CLEAN_UP]);
        assert_true(bench_at(stage.bench) == 2 * DAY_MS);
        assert_true(dur_testbench_passes(stage.bench) + 1 >= /* two are open at once */
                    dur_testbench_bodies(stage.bench, NULL));
        assert_int_equal(0, dur_testbench_crashes(stage.bench));
        close_theatre(&stage);
    }
}

static int two_steps(dur_run *run, void *user)
{
    int *passes = user;
    int seen = *passes;

    DUR_STEP(run, "first") {}
    DUR_STEP(run, seen == 0 ? "second" : "another") {}
    ++*passes;
    return 0;
}

/* What only shows when it is replayed shows at once. */
static void a_workflow_that_is_not_deterministic_diverges(void **state)
{
    dur_testbench_options options = DUR_TESTBENCH_OPTIONS_INIT;
    dur_testbench *bench;
    int passes = 0;

    (void)state;
    options.always_replay = true;
    bench = bench_on(NULL, &options);
    dur_testbench_register(bench, "two", two_steps, &passes);
    assert_bench(DUR_OK, dur_testbench_run(bench, "two", "r", NULL), bench);
    assert_int_equal(2, passes);
    assert_int_equal(0, dur_testbench_bodies(bench, "second"));
    dur_testbench_close(bench);
}

/* ---- The same again ------------------------------------------------------------------------ */

static char *play(uint64_t seed)
{
    dur_testbench_options options = DUR_TESTBENCH_OPTIONS_INIT;
    dur_options log = DUR_OPTIONS_INIT;
    theatre stage;
    char *rows;

    open_theatre(&stage, false, 0, true);
    dur_testbench_close(stage.bench);
    log.warn = bench_hears_nothing;
    options.seed = seed;
    options.log = &log;
    stage.bench = bench_on(stage.host.db, &options);
    dur_testbench_register(stage.bench, "everything", everything_workflow, &stage.it);
    dur_testbench_register(stage.bench, "started", started, &stage.it);
    dur_testbench_signal_at(stage.bench, 0, "r", "go", dur_integer(1));
    dur_testbench_crash(stage.bench, DUR_CRASH_BEFORE, 7);
    assert_bench(DUR_FAILED, dur_testbench_run(stage.bench, "everything", "r", NULL), stage.bench);
    rows = host_log_rows(stage.host.db, "main");
    close_theatre(&stage);
    return rows;
}

/* Ids, jitter and all: byte for byte. */
static void the_same_seed_tells_the_same_story(void **state)
{
    char *first = play(7), *other = play(8);

    (void)state;
    assert_string_not_equal(first, other);
    sqlite3_free(other);
    assert_same(first, play(7));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(whenever_it_dies_the_run_ends_as_undisturbed),
        cmocka_unit_test(it_may_die_at_every_record),
        cmocka_unit_test(steps_that_share_a_commit_are_lost_together),
        cmocka_unit_test(each_body_has_its_own_pass),
        cmocka_unit_test(a_workflow_that_is_not_deterministic_diverges),
        cmocka_unit_test(the_same_seed_tells_the_same_story),
    };

    return cmocka_run_group_tests_name("api.testbench_crash", tests, NULL, NULL);
}
