/* test/api: restarting from a position: whatever has become of the run. */
#include "api/restarted.h"

#include <stdio.h>

/* Three steps, and before the third one whatever the test wants. */
typedef struct test_source {
    int bodies, cleanups;
    bool undoes;
    int (*before_third)(dur_run *run, struct test_source *it);
    const char *third;
    char mail[16];
    dur_log *log; /* for those that restart themselves */
} test_source;

static int undo(dur_step *step, void *user)
{
    ++((test_source *)user)->cleanups;
    return dur_record_result(step, dur_null());
}

static int source_workflow(dur_run *run, void *user)
{
    test_source *it = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int64_t number = 0;

    options.undo = it->undoes ? undo : NULL;
    options.user = it;
    DUR_STEP(run, "first", number, &options) { it->bodies++, number = 1; }
    DUR_STEP(run, "second") { it->bodies++; }
    if (it->before_third && dur_ok(run) && it->before_third(run, it)) return 0;
    DUR_STEP(run, it->third ? it->third : "third") { it->bodies++; }
    if (dur_ok(run)) dur_set_output(run, dur_integer(number));
    return 0;
}

static int execute(dur_log *log, const char *id, test_source *it)
{
    return dur_execute(log, "source", id, NULL, source_workflow, it);
}

/* With everything well from here on, the restart executes this many bodies and is completed. */
static void assert_goes_well(test_host *host, dur_log *log, const char *id, int bodies)
{
    test_source good = {0};

    assert_code(DUR_OK, execute(log, id, &good), log);
    assert_int_equal(bodies, good.bodies);
    assert_int_equal(1, dur_output(log).as.integer);
    assert_int_equal(3, steps_of(host, id));
}

/* ---- What has become of it ----------------------------------------------------------------- */

static int fail_it(dur_run *run, test_source *it)
{
    (void)it;
    dur_fail(run, "gone wrong");
    return 1;
}

static void a_failed_run(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_source it = {.before_third = fail_it};

    assert_code(DUR_FAILED, execute(log, "the-run", &it), log);
    assert_code(DUR_OK, restart(log, "again", 3), log);
    assert_goes_well(host, log, "again", 1);
    assert_code(DUR_FAILED, execute(log, "the-run", &it), log);
    dur_close(log);
}

/* What it had undone is not undone in the new run: its steps stand before that. */
static void a_failed_run_that_was_undone(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_source it = {.before_third = fail_it, .undoes = true};

    assert_code(DUR_FAILED, execute(log, "the-run", &it), log);
    assert_int_equal(1, it.cleanups);
    assert_int_equal(3, steps_of(host, "the-run"));
    assert_code(DUR_OK, restart(log, "again", 4), log);
    assert_int_equal(2, steps_of(host, "again"));
    assert_goes_well(host, log, "again", 1);
    dur_close(log);
}

static int wait_for_go(dur_run *run, test_source *it)
{
    (void)it;
    if (dur_receive(run, "go", DUR_FOREVER, NULL) == DUR_OK) return 0;
    if (dur_cancelled(run)) DUR_STEP(run, "clean up") { it->cleanups++; }
    return 1;
}

/* It goes on where it heard that it was to end; its clean-up is not what it would have done. */
static void a_cancelled_run(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_source it = {.before_third = wait_for_go}, again = {.before_third = wait_for_go};

    assert_code(DUR_SUSPENDED, execute(log, "the-run", &it), log);
    assert_code(DUR_OK, dur_cancel(log, "the-run"), log);
    assert_code(DUR_CANCELLED, execute(log, "the-run", &it), log);
    assert_int_equal(1, it.cleanups);
    assert_int_equal(4, steps_of(host, "the-run"));
    assert_code(DUR_OK, restart(log, "again", 5), log);
    assert_int_equal(2, steps_of(host, "again"));
    assert_code(DUR_SUSPENDED, execute(log, "again", &again), log);
    assert_code(DUR_OK, dur_signal(log, "again", "go", dur_null(), NULL), log);
    assert_code(DUR_OK, execute(log, "again", &again), log);
    assert_int_equal(1, again.bodies);
    assert_int_equal(0, again.cleanups);
    dur_close(log);
}

static void a_run_that_met_its_deadline(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_start_options start = DUR_START_OPTIONS_INIT;
    test_source it = {.before_third = wait_for_go};
    dur_run_info info = DUR_RUN_INFO_INIT;

    start.deadline_ms = host->clock.now_ms + 1000;
    assert_code(DUR_SUSPENDED,
                dur_execute(log, "source", "the-run", &start, source_workflow, &it), log);
    host->clock.now_ms += 2000;
    assert_code(DUR_TIMED_OUT, execute(log, "the-run", &it), log);
    assert_code(DUR_OK, restart(log, "again", 3), log);
    assert_code(DUR_OK, dur_read_run(log, "again", &info), log);
    assert_int_equal(0, info.deadline_ms);
    assert_goes_well(host, log, "again", 1);
    dur_close(log);
}

/* Parked as the code does not fit: the code is mended, the run is restarted before that place. */
static void a_diverged_run(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_source it = {.third = "other"};
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_OK, execute(log, "done", &it), log);
    assert_code(DUR_OK, dur_restart(log, "done", "the-run", 4, NULL), log);
    it.third = NULL;
    assert_code(DUR_DIVERGED, execute(log, "the-run", &it), log);
    assert_code(DUR_OK, dur_read_run(log, "the-run", &info), log);
    assert_int_equal(DUR_RUN_PARKED, info.status);
    assert_code(DUR_OK, restart(log, "again", 3), log);
    assert_goes_well(host, log, "again", 1);
    assert_code(DUR_OK, dur_read_run(log, "the-run", &info), log);
    assert_int_equal(DUR_RUN_PARKED, info.status);
    dur_close(log);
}

static int be_in_doubt(dur_run *run, test_source *it)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    (void)it;
    options.mode = DUR_AT_MOST_ONCE;
    DUR_STEP_VOID(run, "pay", &options) { dur_stop(run, "the power is gone"); }
    return !dur_ok(run);
}

/* Its intent is the other run's: the new one begins the step as if it had never been begun. */
static void a_run_that_is_parked_in_doubt(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_source it = {.before_third = be_in_doubt};

    assert_code(DUR_STOPPED, execute(log, "the-run", &it), log);
    assert_code(DUR_PARKED, execute(log, "the-run", &it), log);
    assert_code(DUR_OK, restart(log, "again", 3), log);
    assert_goes_well(host, log, "again", 1);
    assert_code(DUR_PARKED, execute(log, "the-run", &it), log);
    dur_close(log);
}

/* One that another log holds at this moment: its owner is not disturbed. */
static void a_running_run(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host), *other;
    dur_options options = host_options(host);
    dur_run *run = NULL;
    int64_t number = 0;

    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_code(DUR_OK, dur_open(host->other, &options, &other), other);
    assert_code(DUR_OK, dur_begin_run(other, "source", "the-run", NULL, &run), other);
    DUR_STEP(run, "first", number) { number = 1; }
    assert_code(DUR_OK, restart(log, "again", 2), log);
    DUR_STEP(run, "second") { number = 2; }
    assert_true(dur_ok(run));
    assert_code(DUR_OK, restart(log, "later", 3), log);
    dur_close_run(run);
    assert_goes_well(host, log, "again", 2);
    assert_goes_well(host, log, "later", 1);
    assert_goes_well(host, log, "the-run", 1);
    dur_close(other);
    dur_close(log);
}

/* Within the run's own function, between two steps. */
static int restart_myself(dur_run *run, test_source *it)
{
    assert_true(dur_ok(run));
    assert_int_equal(DUR_OK, dur_restart(it->log, "the-run", "again", 3, NULL));
    return 0;
}

static void a_run_that_restarts_itself(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_source it = {.before_third = restart_myself, .log = log};

    assert_code(DUR_OK, execute(log, "the-run", &it), log);
    assert_goes_well(host, log, "again", 1);
    dur_close(log);
}

static void a_restart(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_source it = {0};

    assert_code(DUR_OK, execute(log, "the-run", &it), log);
    assert_code(DUR_OK, restart(log, "second", 3), log);
    assert_goes_well(host, log, "second", 1);
    assert_code(DUR_OK, dur_restart(log, "second", "third", 4, NULL), log);
    assert_goes_well(host, log, "third", 0);
    dur_close(log);
}

/* Law 8: claims in a row are the new run's own: what was copied is no progress that it made. */
static void a_restart_that_kills_its_owners_is_parked(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_source it = {0};

    assert_code(DUR_OK, execute(log, "the-run", &it), log);
    host_run(host->db, "UPDATE durable_steps SET epoch = 7");
    assert_code(DUR_OK, restart(log, "again", 3), log);
    host_run(host->db, "UPDATE durable_runs SET epoch = %d, claims = %d WHERE id = 'again'",
             DUR_CLAIMS_MAX, DUR_CLAIMS_MAX);
    assert_code(DUR_PARKED, execute(log, "again", &it), log);
    assert_goes_well(host, log, "again", 1);
    dur_close(log);
}

/* ---- Continued runs ------------------------------------------------------------------------ */

static int meter_child(dur_run *run, void *user)
{
    (void)user;
    dur_set_output(run, dur_input(run));
    return 0;
}

static int meter(dur_run *run, void *user)
{
    const dur_value items[] = {dur_input(run), dur_integer(7)};
    int *bodies = user;
    dur_batch batch;
    int64_t last = 0;

    if (dur_map(run, "map", items, 2, meter_child, NULL, NULL, &batch) != DUR_OK) return 0;
    DUR_STEP(run, "read", last)
    {
        ++*bodies;
        last = batch.values[0].as.integer;
    }
    if (last < 3) return dur_continue_as_new(run, dur_integer(last + 1));
    dur_set_output(run, dur_integer(last));
    return 0;
}

static int continue_to_the_end(dur_log *log, const char *id, int *bodies)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    int code;

    start.input = dur_integer(1);
    code = dur_execute(log, "meter", id, &start, meter, bodies);
    for (int i = 0; i < 5 && code == DUR_SUSPENDED; i++)
        code = dur_execute(log, "meter", id, NULL, meter, bodies);
    return code;
}

/* Each run of the chain is one that may be restarted; its children are called otherwise there. */
static void a_continued_run(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    int bodies = 0;

    assert_code(DUR_OK, continue_to_the_end(log, "the-run", &bodies), log);
    assert_int_equal(3, bodies);
    for (int generation = 1; generation <= 3; generation++) {
        char source[32], id[32];

        snprintf(source, sizeof source, generation < 3 ? "the-run~%d" : "the-run", generation);
        snprintf(id, sizeof id, "again-%d", generation);
        assert_code(DUR_OK, dur_restart(log, source, id, 3, NULL), log);
        assert_code(DUR_OK, dur_read_run(log, id, &info), log);
        assert_int_equal(1, info.generation);
        assert_int_equal(generation, info.input.as.integer);
        bodies = 0;
        if (generation < 3)
            assert_code(DUR_SUSPENDED, dur_execute(log, "meter", id, NULL, meter, &bodies), log);
        else
            assert_code(DUR_OK, dur_execute(log, "meter", id, NULL, meter, &bodies), log);
        assert_int_equal(0, bodies);
    }
    dur_close(log);
}

/* ---- Signals ------------------------------------------------------------------------------- */

static int read_mail(dur_run *run, test_source *it)
{
    dur_value value = dur_null();

    if (dur_receive(run, "mail", 1000, &value) != DUR_OK) return !dur_ok(run);
    snprintf(it->mail, sizeof it->mail, "%s", dur_as_text(value));
    return 0;
}

static void signals_go_along_where_they_are_asked_for(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_restart_options options = DUR_RESTART_OPTIONS_INIT;
    test_source it = {.before_third = fail_it}, again = {.before_third = read_mail};

    assert_code(DUR_OK, dur_start(log, "source", "the-run", NULL), log);
    assert_code(DUR_OK, dur_signal(log, "the-run", "mail", dur_text("hello"), NULL), log);
    assert_code(DUR_FAILED, execute(log, "the-run", &it), log);
    assert_code(DUR_OK, restart(log, "without", 3), log);
    assert_code(DUR_SUSPENDED, execute(log, "without", &again), log);
    options.with_signals = true;
    assert_code(DUR_OK, dur_restart(log, "the-run", "with", 3, &options), log);
    assert_code(DUR_OK, execute(log, "with", &again), log);
    assert_string_equal("hello", again.mail);
    dur_close(log);
}

/* ---- The host's transaction ---------------------------------------------------------------- */

static void it_stands_and_falls_with_the_hosts_transaction(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    test_source it = {0};

    assert_code(DUR_OK, execute(log, "the-run", &it), log);
    host_run(host->db, "CREATE TABLE mine(x)");
    host_run(host->db, "BEGIN; INSERT INTO mine VALUES(1)");
    assert_code(DUR_OK, restart(log, "again", 3), log);
    assert_code(DUR_REPLAYED, restart(log, "again", 3), log);
    assert_code(DUR_MISUSE, restart(log, "wrong", 9), log);
    assert_int_equal(0, sqlite3_get_autocommit(host->db));
    host_run(host->db, "ROLLBACK");
    assert_code(DUR_NOT_FOUND, dur_read_run(log, "again", &info), log);
    assert_int_equal(3, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    host_run(host->db, "BEGIN; INSERT INTO mine VALUES(2)");
    assert_code(DUR_OK, restart(log, "again", 3), log);
    host_run(host->db, "COMMIT");
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM mine"));
    assert_goes_well(host, log, "again", 1);
    dur_close(log);
}

/* Law 1: the host's last_insert_rowid, and its statements. */
static void the_host_finds_its_connection_as_it_was(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_source it = {0};
    char *before;

    assert_code(DUR_OK, execute(log, "the-run", &it), log);
    host_run(host->db, "CREATE TABLE mine(x); INSERT INTO mine(rowid, x) VALUES(77, 1)");
    sqlite3_free(host_picture(host->db)); /* it looks at "temp", which is there from then on */
    before = host_picture(host->db);
    assert_code(DUR_OK, restart(log, "again", 3), log);
    assert_true(sqlite3_last_insert_rowid(host->db) == 77);
    assert_int_equal(0, host_active_statements(host->db));
    assert_same(before, host_picture(host->db));
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(a_failed_run),
        IN_MEMORY(a_failed_run_that_was_undone),
        IN_MEMORY(a_cancelled_run),
        IN_MEMORY(a_run_that_met_its_deadline),
        IN_MEMORY(a_diverged_run),
        IN_MEMORY(a_run_that_is_parked_in_doubt),
        ON_DISK(a_running_run),
        IN_MEMORY(a_run_that_restarts_itself),
        IN_MEMORY(a_restart),
        IN_MEMORY(a_restart_that_kills_its_owners_is_parked),
        IN_MEMORY(a_continued_run),
        IN_MEMORY(signals_go_along_where_they_are_asked_for),
        IN_EVERY_JOURNAL(it_stands_and_falls_with_the_hosts_transaction),
        IN_MEMORY(the_host_finds_its_connection_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
