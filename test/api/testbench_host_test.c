/* test/api: the test bench and its host: children, SQL on a connection that is lent, misuse. */
#include "api/benched.h"

#include <string.h>

/* ---- Children ------------------------------------------------------------------------------ */

typedef struct home {
    int passes, warnings;
    char warned[256];
    bool broken;
    int64_t at_ms;
} home;

static void note_warning(const char *message, void *user)
{
    home *it = user;

    it->warnings++;
    sqlite3_snprintf(sizeof it->warned, it->warned, "%s", message);
}

static int clean_room(dur_run *run, void *user)
{
    home *it = user;

    it->passes++;
    DUR_STEP(run, "sweep") {}
    if (it->broken && it->passes > 1) DUR_STEP(run, "not-as-before") {}
    if (dur_sleep(run, "dry", HOUR_MS) != DUR_OK) return 0;
    DUR_STEP(run, "wax") {}
    return dur_set_output(run, dur_integer(5));
}

static int household(dur_run *run, void *user)
{
    home *it = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_step *child;
    dur_value value;

    options.queue = "a-queue-of-its-own";
    options.run_id = "kitchen";
    if (dur_start_child(run, "room", "clean-room", &options, &child) != DUR_OK) return 0;
    if (dur_await(child, &value) != DUR_OK || dur_now(run, "now", &it->at_ms) != DUR_OK) return 0;
    return dur_set_output(run, value);
}

static dur_testbench *bench_of_home(home *it)
{
    dur_testbench_options options = DUR_TESTBENCH_OPTIONS_INIT;
    dur_options log = DUR_OPTIONS_INIT;
    dur_testbench *bench;

    memset(it, 0, sizeof *it);
    log.warn = note_warning;
    log.user = it;
    options.log = &log;
    bench = bench_on(NULL, &options);
    assert_int_equal(DUR_OK, dur_testbench_register(bench, "household", household, it));
    assert_int_equal(DUR_OK, dur_testbench_register(bench, "clean-room", clean_room, it));
    return bench;
}

/* In whatever queue it is, and after a death, too. */
static void started_children_are_executed(void **state)
{
    (void)state;
    for (int dies = 0; dies <= 1; dies++) {
        home it;
        dur_testbench *bench = bench_of_home(&it);

        if (dies) dur_testbench_crash(bench, DUR_CRASH_AFTER, 2);
        assert_bench(DUR_OK, dur_testbench_run(bench, "household", "h", NULL), bench);
        assert_int_equal(5, dur_output(dur_testbench_log(bench)).as.integer);
        assert_true(it.at_ms == BENCH_START_MS + HOUR_MS);
        assert_int_equal(dies, dur_testbench_crashes(bench));
        assert_int_equal(0, it.warnings);
        dur_testbench_close(bench);
    }
}

/* What went wrong beside the run is told, and why it waits for ever. */
static void trouble_of_a_child_is_not_lost(void **state)
{
    home it;
    dur_testbench *bench = bench_of_home(&it);

    (void)state;
    it.broken = true;
    assert_bench(DUR_SUSPENDED, dur_testbench_run(bench, "household", "h", NULL), bench);
    assert_has(dur_errmsg(dur_testbench_log(bench)), "run \"h\": it waits");
    assert_has(dur_errmsg(dur_testbench_log(bench)), "beside it: run \"kitchen\"");
    assert_int_equal(1, it.warnings);
    assert_has(it.warned, "kitchen");
    /* Asked for itself it tells the same; mended and executed again it goes on. */
    assert_bench(DUR_DIVERGED, dur_testbench_run(bench, "clean-room", "kitchen", NULL), bench);
    it.broken = false;
    assert_bench(DUR_OK, dur_testbench_run(bench, "clean-room", "kitchen", NULL), bench);
    assert_bench(DUR_OK, dur_testbench_run(bench, "household", "h", NULL), bench);
    dur_testbench_close(bench);
}

static int nobodys(dur_run *run, void *user)
{
    dur_step *child;

    (void)user;
    if (dur_start_child(run, "room", "nobody-knows-it", NULL, &child) != DUR_OK) return 0;
    return dur_await(child, NULL) == DUR_OK ? 0 : 1;
}

static void a_child_that_nobody_executes_is_waited_for(void **state)
{
    dur_testbench *bench = bench_on(NULL, NULL);

    (void)state;
    dur_testbench_register(bench, "nobodys", nobodys, NULL);
    assert_bench(DUR_SUSPENDED, dur_testbench_run(bench, "nobodys", "r", NULL), bench);
    dur_testbench_close(bench);
}

/* ---- Scripts in children ------------------------------------------------------------------- */

static int ask_price(dur_run *run, void *user)
{
    int64_t price = 100;

    (void)user;
    DUR_STEP(run, "price", price) { price = 50; }
    return dur_set_output(run, dur_integer(price));
}

static int compare(dur_run *run, void *user)
{
    const dur_branch branches[] = {{"a", ask_price, NULL, {DUR_NULL, {0}, 0}},
                                   {"b", ask_price, NULL, {DUR_NULL, {0}, 0}}};
    dur_batch batch = {0};
    dur_value called;

    (void)user;
    if (dur_call(run, "ask", NULL, ask_price, NULL, &called) != DUR_OK) return 0;
    if (dur_parallel(run, "fan", branches, 2, NULL, &batch) != DUR_OK) return 0;
    return dur_set_output(run, dur_integer(10000 * called.as.integer +
                                           100 * batch.values[0].as.integer +
                                           batch.values[1].as.integer));
}

/* In called children and in branches, each by its id. */
static void scripts_reach_into_children(void **state)
{
    dur_testbench *bench = bench_on(NULL, NULL);
    dur_script script = DUR_SCRIPT_INIT;

    (void)state;
    dur_testbench_register(bench, "compare", compare, NULL);
    script.value = dur_integer(7);
    script.takes_ms = HOUR_MS;
    assert_int_equal(DUR_OK, dur_testbench_script(bench, "price", &script));
    script.value = dur_integer(3);
    script.run_id = "r/2/2";
    assert_int_equal(DUR_OK, dur_testbench_script(bench, "price", &script));
    assert_bench(DUR_OK, dur_testbench_run(bench, "compare", "r", NULL), bench);
    assert_int_equal(70703, dur_output(dur_testbench_log(bench)).as.integer);
    assert_int_equal(3, dur_testbench_bodies(bench, "price"));
    assert_true(bench_at(bench) == 3 * HOUR_MS);
    assert_int_equal(1, dur_testbench_passes(bench));
    dur_testbench_close(bench);
}

static int tidy(dur_run *run, void *user)
{
    (void)user;
    if (dur_receive(run, "go", DUR_FOREVER, NULL) == DUR_OK) return 0;
    if (!dur_cancelled(run)) return 0;
    DUR_STEP(run, "tidy-up") {}
    DUR_STEP(run, "lock-up") {}
    return 0;
}

/* What cleans up behind a request to end, or a deadline, is scripted and replayed like the rest. */
static void scripts_reach_into_cleaning_up(void **state)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_script script = DUR_SCRIPT_INIT;

    (void)state;
    for (int replays = 0; replays <= 1; replays++) {
        dur_testbench_options options = DUR_TESTBENCH_OPTIONS_INIT;
        dur_testbench *bench;

        options.always_replay = replays;
        bench = bench_on(NULL, &options);
        dur_testbench_register(bench, "tidy", tidy, NULL);
        start.deadline_ms = BENCH_START_MS + DAY_MS;
        script.takes_ms = HOUR_MS;
        assert_int_equal(DUR_OK, dur_testbench_script(bench, "tidy-up", &script));
        assert_bench(DUR_TIMED_OUT, dur_testbench_run(bench, "tidy", "r", &start), bench);
        assert_true(bench_at(bench) == DAY_MS + HOUR_MS);
        assert_int_equal(2, dur_testbench_bodies(bench, NULL));
        assert_int_equal(2 + replays, dur_testbench_passes(bench));
        dur_testbench_close(bench);
    }
}

/* ---- How a pass may end -------------------------------------------------------------------- */

typedef struct endings {
    int passes, stops;
} endings;

static int stops_at_first(dur_run *run, void *user)
{
    endings *it = user;

    if (it->passes++ < it->stops) dur_stop(run, "no printer");
    return 0;
}

static int for_ever(dur_run *run, void *user)
{
    (void)user;
    while (dur_sleep(run, "a-minute", 60 * SECOND_MS) == DUR_OK) {}
    return 0;
}

static int mischief(dur_run *run, void *user)
{
    (void)user;
    DUR_STEP(run, "outer")
    {
        DUR_STEP(run, "inner") {}
    }
    return 0;
}

static void a_pass_that_is_left_is_made_again(void **state)
{
    dur_testbench *bench = bench_on(NULL, NULL);
    endings it = {0, 3};

    (void)state;
    dur_testbench_register(bench, "stops", stops_at_first, &it);
    assert_bench(DUR_OK, dur_testbench_run(bench, "stops", "1", NULL), bench);
    assert_int_equal(4, it.passes);
    assert_true(bench_at(bench) == 100 + 200 + 400);
    it.passes = 0;
    it.stops = 1000;
    assert_bench(DUR_PARKED, dur_testbench_run(bench, "stops", "2", NULL), bench);
    assert_int_equal(10, it.passes);
    dur_testbench_close(bench);
}

static void a_run_without_end_comes_to_its_passes(void **state)
{
    dur_testbench_options options = DUR_TESTBENCH_OPTIONS_INIT;
    dur_testbench *bench;

    (void)state;
    options.max_passes = 10;
    bench = bench_on(NULL, &options);
    dur_testbench_register(bench, "for-ever", for_ever, NULL);
    assert_bench(DUR_SUSPENDED, dur_testbench_run(bench, "for-ever", "r", NULL), bench);
    assert_has(dur_errmsg(dur_testbench_log(bench)), "max_passes");
    assert_int_equal(10, dur_testbench_passes(bench));
    assert_true(bench_at(bench) == 9 * 60 * SECOND_MS);
    dur_testbench_close(bench);
}

static void mischief_of_the_workflow_is_told_at_once(void **state)
{
    dur_testbench *bench = bench_on(NULL, NULL);

    (void)state;
    dur_testbench_register(bench, "mischief", mischief, NULL);
    assert_bench(DUR_MISUSE, dur_testbench_run(bench, "mischief", "r", NULL), bench);
    assert_has(dur_errmsg(dur_testbench_log(bench)), "\"outer\"");
    assert_int_equal(1, dur_testbench_passes(bench));
    dur_testbench_close(bench);
}

/* ---- SQL of the workflow's own ------------------------------------------------------------- */

typedef struct ledger {
    sqlite3 *db;
    bool begins;
} ledger;

static int book(dur_run *run, void *user)
{
    ledger *it = user;

    if (it->begins) host_run(it->db, "BEGIN");
    for (int i = 0; i < 3 && dur_ok(run); i++)
        DUR_TX_STEP(run, "book") { host_run(it->db, "INSERT INTO ledger VALUES (%d)", i); }
    if (it->begins && dur_ok(run)) host_run(it->db, "COMMIT");
    return 0;
}

/* Also what the workflow began is gone with its process. */
static void sql_of_a_dead_process_is_rolled_back(void **state)
{
    test_host *host = *state;
    ledger it = {host->db, false};
    dur_testbench *bench;

    host_run(host->db, "CREATE TABLE ledger (number INTEGER)");
    bench = bench_on(host->db, NULL);
    dur_testbench_register(bench, "book", book, &it);
    for (int begins = 0; begins <= 1; begins++) {
        it.begins = begins;
        host_run(host->db, "DELETE FROM ledger");
        dur_testbench_crash(bench, DUR_CRASH_BEFORE, 2);
        dur_testbench_crash(bench, DUR_CRASH_AFTER, 2);
        assert_bench(DUR_OK, dur_testbench_run(bench, "book", begins ? "2" : "1", NULL), bench);
        assert_int_equal(2 * (begins + 1), dur_testbench_crashes(bench));
        assert_int_equal(3, host_number(host->db, "SELECT count(*) FROM ledger"));
        assert_int_equal(3, host_number(host->db, "SELECT count(DISTINCT number) FROM ledger"));
        assert_true(sqlite3_get_autocommit(host->db));
    }
    assert_int_equal(0, host_active_statements(host->db));
    dur_testbench_close(bench);
}

static void scripted_the_sql_does_not_run(void **state)
{
    test_host *host = *state;
    ledger it = {host->db, false};
    dur_script script = DUR_SCRIPT_INIT;
    dur_testbench *bench;

    host_run(host->db, "CREATE TABLE ledger (number INTEGER)");
    bench = bench_on(host->db, NULL);
    dur_testbench_register(bench, "book", book, &it);
    dur_testbench_script(bench, "book", &script);
    assert_bench(DUR_OK, dur_testbench_run(bench, "book", "1", NULL), bench);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM ledger"));
    assert_int_equal(3, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    script.failures = -1;
    dur_testbench_script(bench, "book", &script);
    assert_bench(DUR_FAILED, dur_testbench_run(bench, "book", "2", NULL), bench);
    assert_string_equal("scripted failure", dur_errmsg(dur_testbench_log(bench)));
    script.never = true;
    dur_testbench_script(bench, "book", &script);
    assert_bench(DUR_PARKED, dur_testbench_run(bench, "book", "3", NULL), bench);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM ledger"));
    dur_testbench_close(bench);
}

/* What was left on the connection is as it would be after a log that was closed. */
static void the_connection_is_left_as_it_was(void **state)
{
    test_host *host = *state;
    dur_testbench *bench;
    ledger it = {host->db, false};
    char *before;

    host_run(host->db, "CREATE TABLE ledger (number INTEGER)");
    sqlite3_free(host_picture(host->db)); /* which looks at what SQLite then makes */
    before = host_picture(host->db);
    bench = bench_on(host->db, NULL);
    dur_testbench_register(bench, "book", book, &it);
    dur_testbench_crash(bench, DUR_CRASH_BEFORE, 3);
    assert_bench(DUR_OK, dur_testbench_run(bench, "book", "1", NULL), bench);
    dur_testbench_close(bench);
    host_run(host->db, "DELETE FROM ledger");
    assert_same(before, host_picture(host->db));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_claims"
                                              " WHERE owner IS NOT NULL"));
}

/* ---- Misuse -------------------------------------------------------------------------------- */

static void null_is_harmless(void **state)
{
    dur_script script = DUR_SCRIPT_INIT;

    (void)state;
    assert_int_equal(DUR_MISUSE, dur_testbench_open(NULL, NULL, NULL));
    dur_testbench_close(NULL);
    dur_testbench_set_time(NULL, 1);
    assert_null(dur_testbench_log(NULL));
    assert_int_equal(0, dur_testbench_now(NULL));
    assert_int_equal(0, dur_testbench_bodies(NULL, "a"));
    assert_int_equal(0, dur_testbench_passes(NULL));
    assert_int_equal(0, dur_testbench_crashes(NULL));
    assert_int_equal(DUR_MISUSE, dur_testbench_register(NULL, "a", for_ever, NULL));
    assert_int_equal(DUR_MISUSE, dur_testbench_script(NULL, "a", &script));
    assert_int_equal(DUR_MISUSE, dur_testbench_signal_at(NULL, 0, "r", "a", dur_null()));
    assert_int_equal(DUR_MISUSE, dur_testbench_crash(NULL, DUR_CRASH_AFTER, 1));
    assert_int_equal(DUR_MISUSE, dur_testbench_run(NULL, "a", "r", NULL));
}

static void refuses(const dur_testbench_options *options, const char *why)
{
    dur_testbench *bench = NULL;

    assert_int_equal(DUR_MISUSE, dur_testbench_open(NULL, options, &bench));
    assert_has(dur_errmsg(dur_testbench_log(bench)), why);
    assert_int_equal(DUR_MISUSE, dur_testbench_register(bench, "a", for_ever, NULL));
    assert_int_equal(DUR_MISUSE, dur_testbench_run(bench, "a", "r", NULL));
    assert_has(dur_errmsg(dur_testbench_log(bench)), why);
    dur_testbench_close(bench);
}

static void wrong_options_are_told(void **state)
{
    const dur_testbench_options fresh = DUR_TESTBENCH_OPTIONS_INIT;
    dur_testbench_options options = fresh;
    const dur_options fresh_log = DUR_OPTIONS_INIT;
    dur_options log = fresh_log;
    dur_retry retry = DUR_RETRY_INIT;

    (void)state;
    options.size = 0;
    refuses(&options, "DUR_TESTBENCH_OPTIONS_INIT");
    options = fresh;
    options.max_passes = -1;
    refuses(&options, "max_passes");
    options = fresh;
    options.log = &log;
    log.size = 0;
    refuses(&options, "DUR_OPTIONS_INIT");
    log = fresh_log;
    log.read_only = true;
    refuses(&options, "only read");
    log = fresh_log;
    log.schema = "side";
    refuses(&options, "schema");
    log = fresh_log;
    log.lease_ms = -1;
    refuses(&options, "lease_ms");
    log = fresh_log;
    retry.coefficient = 0.5;
    log.retry = &retry;
    refuses(&options, "the retry policy");
}

static void a_schema_that_is_not_there_is_told(void **state)
{
    test_host *host = *state;
    dur_testbench_options options = DUR_TESTBENCH_OPTIONS_INIT;
    dur_options log = DUR_OPTIONS_INIT;
    dur_testbench *bench = NULL;

    log.schema = "nowhere";
    options.log = &log;
    assert_int_equal(DUR_MISUSE, dur_testbench_open(host->db, &options, &bench));
    assert_has(dur_errmsg(dur_testbench_log(bench)), "nowhere");
    dur_testbench_close(bench);
}

static void wrong_arguments_are_told(void **state)
{
    const dur_script fresh = DUR_SCRIPT_INIT;
    const dur_value nothing = {(dur_type)99, {0}, 0};
    dur_testbench *bench = bench_on(NULL, NULL);
    dur_script script = fresh;

    (void)state;
    script.size = 0;
    assert_int_equal(DUR_MISUSE, dur_testbench_script(bench, "a", &script));
    assert_has(dur_errmsg(dur_testbench_log(bench)), "DUR_SCRIPT_INIT");
    script = fresh;
    script.takes_ms = -1;
    assert_int_equal(DUR_MISUSE, dur_testbench_script(bench, "a", &script));
    script = fresh;
    script.failures = -2;
    assert_int_equal(DUR_MISUSE, dur_testbench_script(bench, "a", &script));
    script = fresh;
    script.value = nothing;
    assert_int_equal(DUR_MISUSE, dur_testbench_script(bench, "a", &script));
    assert_int_equal(DUR_MISUSE, dur_testbench_script(bench, "", &fresh));
    assert_int_equal(DUR_MISUSE, dur_testbench_script(bench, NULL, NULL));
    assert_int_equal(DUR_MISUSE, dur_testbench_signal_at(bench, 0, NULL, "a", dur_null()));
    assert_int_equal(DUR_MISUSE, dur_testbench_signal_at(bench, 0, "r", NULL, dur_null()));
    assert_int_equal(DUR_MISUSE, dur_testbench_signal_at(bench, 0, "r", "a", nothing));
    assert_int_equal(DUR_MISUSE, dur_testbench_crash(bench, 2, 1));
    assert_int_equal(DUR_MISUSE, dur_testbench_crash(bench, DUR_CRASH_AFTER, 0));
    assert_int_equal(DUR_MISUSE, dur_testbench_register(bench, NULL, for_ever, NULL));
    assert_int_equal(DUR_MISUSE, dur_testbench_run(bench, "a", "r", NULL));
    assert_has(dur_errmsg(dur_testbench_log(bench)), "dur_testbench_register");
    dur_testbench_close(bench);
}

static void it_works_in_no_transaction_of_the_hosts(void **state)
{
    test_host *host = *state;
    dur_testbench *bench = bench_on(host->db, NULL);
    ledger it = {host->db, false};

    dur_testbench_register(bench, "book", book, &it);
    host_run(host->db, "BEGIN");
    assert_bench(DUR_MISUSE, dur_testbench_run(bench, "book", "r", NULL), bench);
    assert_has(dur_errmsg(dur_testbench_log(bench)), "within a transaction");
    host_run(host->db, "ROLLBACK");
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_runs"));
    dur_testbench_close(bench);
}

/* ---- The log in the host's hand ------------------------------------------------------------ */

typedef struct culprit {
    dur_testbench *bench;
    int code;
    bool closes_log, closes_bench;
} culprit;

static int calls_back(dur_run *run, void *user)
{
    culprit *it = user;

    it->code = dur_testbench_run(it->bench, "calls-back", "other", NULL);
    if (it->closes_bench) dur_testbench_close(it->bench);
    if (it->closes_log) dur_close(dur_testbench_log(it->bench));
    DUR_STEP(run, "a") {}
    return 0;
}

static void a_workflow_does_not_drive_the_bench_that_drives_it(void **state)
{
    culprit it = {bench_on(NULL, NULL), DUR_OK, false, false};

    (void)state;
    dur_testbench_register(it.bench, "calls-back", calls_back, &it);
    assert_bench(DUR_OK, dur_testbench_run(it.bench, "calls-back", "r", NULL), it.bench);
    assert_int_equal(DUR_MISUSE, it.code);
    assert_int_equal(DUR_MISUSE, dur_work(dur_testbench_log(it.bench), NULL, NULL));
    /* One that closes the bench has it closed when the bench returns. */
    it.closes_bench = true;
    assert_int_equal(DUR_MISUSE, dur_testbench_run(it.bench, "calls-back", "s", NULL));
}

static void a_log_that_its_host_has_closed_is_noticed(void **state)
{
    culprit it = {bench_on(NULL, NULL), DUR_OK, true, false};

    (void)state;
    dur_testbench_register(it.bench, "calls-back", calls_back, &it);
    assert_int_equal(DUR_MISUSE, dur_testbench_run(it.bench, "calls-back", "r", NULL));
    assert_null(dur_testbench_log(it.bench));
    assert_int_equal(DUR_MISUSE, dur_testbench_run(it.bench, "calls-back", "r", NULL));
    assert_int_equal(DUR_MISUSE, dur_testbench_crash(it.bench, DUR_CRASH_AFTER, 1));
    dur_testbench_close(it.bench);
}

/* Executed by hand on the bench's log a run dies, too; then that is another log. */
static void the_log_is_another_one_after_a_death(void **state)
{
    test_host *host = *state;
    ledger it = {host->db, false};
    dur_testbench *bench;

    host_run(host->db, "CREATE TABLE ledger (number INTEGER)");
    bench = bench_on(host->db, NULL);
    assert_int_equal(DUR_OK, dur_testbench_crash(bench, DUR_CRASH_BEFORE, 2));
    assert_int_equal(DUR_LOST,
                     dur_execute(dur_testbench_log(bench), "book", "r", NULL, book, &it));
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    assert_bench(DUR_OK, dur_execute(dur_testbench_log(bench), "book", "r", NULL, book, &it),
                 bench);
    assert_int_equal(1, dur_testbench_crashes(bench));
    assert_int_equal(3, host_number(host->db, "SELECT count(*) FROM ledger"));
    dur_testbench_close(bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(started_children_are_executed),
        cmocka_unit_test(trouble_of_a_child_is_not_lost),
        cmocka_unit_test(a_child_that_nobody_executes_is_waited_for),
        cmocka_unit_test(scripts_reach_into_children),
        cmocka_unit_test(scripts_reach_into_cleaning_up),
        cmocka_unit_test(a_pass_that_is_left_is_made_again),
        cmocka_unit_test(a_run_without_end_comes_to_its_passes),
        cmocka_unit_test(mischief_of_the_workflow_is_told_at_once),
        IN_EVERY_JOURNAL(sql_of_a_dead_process_is_rolled_back),
        IN_MEMORY(scripted_the_sql_does_not_run),
        IN_EVERY_JOURNAL(the_connection_is_left_as_it_was),
        cmocka_unit_test(null_is_harmless),
        cmocka_unit_test(wrong_options_are_told),
        IN_MEMORY(a_schema_that_is_not_there_is_told),
        cmocka_unit_test(wrong_arguments_are_told),
        IN_MEMORY(it_works_in_no_transaction_of_the_hosts),
        cmocka_unit_test(a_workflow_does_not_drive_the_bench_that_drives_it),
        cmocka_unit_test(a_log_that_its_host_has_closed_is_noticed),
        IN_MEMORY(the_log_is_another_one_after_a_death),
    };

    return cmocka_run_group_tests_name("api.testbench_host", tests, NULL, NULL);
}
