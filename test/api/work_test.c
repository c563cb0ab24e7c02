/* test/api: dur_work() on a real database. */
#include "api/crew.h"

#include <stdio.h>

static void a_worker_executes_what_was_started(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    test_crew crew;

    crew_open(&crew, host, &options);
    assert_passes(&crew, "");
    assert_int_equal(-1, crew.wake_ms);
    crew_start(&crew, NULL, 0, "run-1");
    assert_code(DUR_OK, dur_read_run(crew.log, "run-1", &info), crew.log);
    assert_int_equal(host->clock.now_ms, info.wake_ms);
    assert_passes(&crew, "run-1: DUR_OK\n");
    assert_int_equal(1, crew.bodies);
    assert_code(DUR_OK, dur_read_run(crew.log, "run-1", &info), crew.log);
    assert_int_equal(DUR_COMPLETED, info.status);
    assert_int_equal(0, info.wake_ms);
    assert_int_equal(1, info.claims);
    crew_close(&crew);
}

/* Law 1: what dur_work() leaves behind is what dur_execute() leaves behind. */
static void law1_a_worker_is_a_guest(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    test_crew crew;
    char *before;

    host_run(host->db, "CREATE TABLE mine (x INTEGER PRIMARY KEY); INSERT INTO mine VALUES (4242)");
    crew_open(&crew, host, &options);
    sqlite3_free(host_picture(host->db)); /* which opens "temp" */
    before = host_picture(host->db);
    crew_start(&crew, NULL, 0, "run-1");
    assert_passes(&crew, "run-1: DUR_OK\n");
    assert_int_equal(0, host_active_statements(host->db));
    assert_int_equal(1, sqlite3_get_autocommit(host->db));
    assert_int_equal(4242, sqlite3_last_insert_rowid(host->db));
    assert_same(before, host_picture(host->db));
    crew_close(&crew);
}

static void in_a_transaction_of_the_hosts_it_is_misuse(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    test_crew crew;

    crew_open(&crew, host, &options);
    crew_start(&crew, NULL, 0, "run-1");
    host_run(host->db, "BEGIN");
    assert_code(DUR_MISUSE, crew_work(&crew), crew.log);
    assert_code(DUR_MISUSE, dur_work_loop(crew.log, NULL), crew.log);
    assert_has(dur_errmsg(crew.log), "transaction of the host's");
    host_run(host->db, "ROLLBACK");
    assert_passes(&crew, "run-1: DUR_OK\n");
    crew_close(&crew);
}

static void begin_and_forget(test_crew *crew, dur_run *run)
{
    (void)run;
    host_run(crew->host->db, "BEGIN");
}

static void a_workflow_that_leaves_a_transaction_open_ends_the_work(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    test_crew crew;

    crew_open(&crew, host, &options);
    crew_start(&crew, NULL, 0, "run-1");
    crew_start(&crew, NULL, 0, "run-2");
    crew.act = begin_and_forget;
    assert_code(DUR_MISUSE, crew_work(&crew), crew.log);
    assert_string_equal("run-1: DUR_MISUSE\n", crew.passes.text);
    assert_has(dur_errmsg(crew.log), "run \"run-1\"");
    host_run(host->db, "ROLLBACK");
    /* The step and its end went with the transaction; the claim is older, and is this log's own. */
    assert_passes(&crew, "run-1: DUR_OK\nrun-2: DUR_OK\n");
    assert_int_equal(3, crew.bodies);
    crew_close(&crew);
}

/* "An idle poll takes no write lock": somebody else holds it, and nobody waits for it. */
static void an_idle_call_takes_no_write_lock(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    test_crew crew;

    host_run(host->db, "CREATE TABLE mine (x)");
    crew_open(&crew, host, &options);
    crew_start(&crew, "tomorrow", 7, "not-served");
    assert_passes(&crew, "");
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    host_run(host->other, "BEGIN IMMEDIATE; INSERT INTO mine VALUES (1)");
    assert_passes(&crew, "");
    assert_int_equal(0, host->clock.sleeps);
    assert_code(DUR_BUSY, dur_start(crew.log, "work", "late", NULL), crew.log); /* a write does */
    crew_close(&crew);
}

/* Nothing was begun for a run that could not be claimed. */
static void a_locked_database_is_busy(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    test_crew crew;

    options.busy_wait_ms = -1;
    host_run(host->db, "CREATE TABLE mine (x)");
    crew_open(&crew, host, &options);
    crew_start(&crew, NULL, 0, "run-1");
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    host_run(host->other, "BEGIN IMMEDIATE; INSERT INTO mine VALUES (1)");
    assert_code(DUR_BUSY, crew_work(&crew), crew.log);
    assert_int_equal(0, crew.bodies);
    host_run(host->other, "ROLLBACK");
    assert_passes(&crew, "run-1: DUR_OK\n");
    crew_close(&crew);
}

/* Two workers on two connections share the work; no run is done twice. */
static void two_workers_share_the_runs(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    test_host other = *host;
    test_crew mine, theirs;
    char id[16];

    crew_open(&mine, host, &options);
    other.db = host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    crew_open(&theirs, &other, &options);
    for (int i = 0; i < 20; i++) {
        snprintf(id, sizeof id, "run-%d", i);
        crew_start(&mine, NULL, 0, id);
    }
    mine.options.max_passes = theirs.options.max_passes = 1;
    for (int i = 0; i < 10; i++) {
        assert_code(DUR_OK, crew_work(&mine), mine.log);
        assert_code(DUR_OK, crew_work(&theirs), theirs.log);
    }
    assert_int_equal(10, mine.bodies);
    assert_int_equal(10, theirs.bodies);
    assert_passes(&mine, "");
    assert_int_equal(20, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    crew_close(&mine);
    crew_close(&theirs);
}

static dur_log *other_log;

static void meddle(test_crew *crew, dur_run *run)
{
    test_crew *theirs = crew;

    assert_string_equal("run-1", dur_run_id(run));
    narrative_add(&theirs->passes, "meanwhile: %s\n",
                  dur_code_name(dur_work(other_log, NULL, NULL)));
}

static void what_a_worker_executes_is_left_alone_by_others(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    test_host other = *host;
    test_crew mine, theirs;

    crew_open(&mine, host, &options);
    other.db = host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    crew_open(&theirs, &other, &options);
    other_log = theirs.log;
    crew_start(&mine, NULL, 0, "run-1");
    mine.act = meddle;
    assert_passes(&mine, "meanwhile: DUR_OK\nrun-1: DUR_OK\n");
    assert_int_equal(1, mine.bodies);
    assert_int_equal(0, theirs.bodies);
    crew_close(&mine);
    crew_close(&theirs);
}

/* A lease that has ended frees the run for workers; its zombie changes nothing. */
static void law6_workers_take_over_what_a_lease_has_left(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    test_host other = *host;
    test_crew mine, theirs;
    dur_run *zombie = NULL;

    crew_open(&mine, host, &options);
    other.db = host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    crew_open(&theirs, &other, &options);
    assert_code(DUR_OK, dur_begin_run(mine.log, "work", "run-1", NULL, &zombie), mine.log);
    assert_passes(&theirs, "");
    assert_int_equal(1000, theirs.wake_ms);
    fake_clock_advance(&host->clock, 600000);
    assert_passes(&theirs, "run-1: DUR_OK\n");
    assert_code(DUR_LOST, dur_complete_run(zombie, dur_integer(1)), mine.log);
    dur_close_run(zombie);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    crew_close(&mine);
    crew_close(&theirs);
}

static int give_output(dur_run *run, void *user)
{
    (void)user;
    dur_set_output(run, dur_text("the output"));
    return 0;
}

static void look_at_output(const char *workflow, const char *run_id, int code,
                           const char *message, void *user)
{
    test_crew *crew = user;

    crew_passed(workflow, run_id, code, message, user);
    assert_string_equal("the output", dur_as_text(dur_output(crew->log)));
    assert_string_equal("", message);
}

static void the_listener_can_read_the_output(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    test_crew crew;

    crew_open(&crew, host, &options);
    crew.options.passed = look_at_output;
    assert_code(DUR_OK, dur_register(crew.log, "work", give_output, NULL), crew.log);
    crew_start(&crew, NULL, 0, "run-1");
    assert_passes(&crew, "run-1: DUR_OK\n");
    crew_close(&crew);
}

/* What workers and waits need of dur_open(). */
static void law9_wrong_log_options_are_misuse(void **state)
{
    test_host *host = *state;

    for (int i = 0; i < 5; i++) {
        dur_options options = host_options(host);
        dur_retry retry = DUR_RETRY_INIT;
        dur_log *log = NULL;

        options.retry = &retry;
        if (i == 0) options.sleep_max_ms = -1;
        if (i == 1) retry.size = 0;
        if (i == 2) retry.max_attempts = -1;
        if (i == 3) retry.coefficient = 0.5;
        assert_code(i < 4 ? DUR_MISUSE : DUR_OK, dur_open(host->db, &options, &log), log);
        if (i < 4) {
            assert_has(dur_errmsg(log), "dur_open(): ");
            assert_code(DUR_MISUSE, dur_work(log, NULL, NULL), log);
            assert_code(DUR_MISUSE, dur_start(log, "work", "run-1", NULL), log);
            assert_code(DUR_MISUSE, dur_signal(log, "run-1", "x", dur_null(), NULL), log);
            assert_code(DUR_MISUSE, dur_register(log, "work", crew_workflow, NULL), log);
            assert_code(DUR_MISUSE, dur_serve_queue(log, "work", NULL), log);
        }
        dur_close(log);
    }
}

/* Law 9: names edited into the log that no call would have accepted. */
static void law9_names_edited_by_hand_harm_nobody(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    test_crew crew;

    crew_open(&crew, host, &options);
    crew_start(&crew, NULL, 0, "run-1");
    crew_start(&crew, NULL, 1, "run-2");
    crew_start(&crew, NULL, 2, "run-3");
    host_run(host->db, "UPDATE durable_runs SET id = printf('%%.4000c', 'x') WHERE id = 'run-2'");
    host_run(host->db, "UPDATE durable_runs SET id = '' WHERE id = 'run-3'");
    assert_code(DUR_OK, crew_work(&crew), crew.log);
    assert_has(crew.passes.text, "run-1: DUR_OK\n");
    crew_close(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_worker_executes_what_was_started),
        IN_EVERY_JOURNAL(law1_a_worker_is_a_guest),
        IN_EVERY_JOURNAL(in_a_transaction_of_the_hosts_it_is_misuse),
        IN_EVERY_JOURNAL(a_workflow_that_leaves_a_transaction_open_ends_the_work),
        IN_WAL(an_idle_call_takes_no_write_lock),
        IN_WAL(a_locked_database_is_busy),
        ON_DISK(two_workers_share_the_runs),
        ON_DISK(what_a_worker_executes_is_left_alone_by_others),
        ON_DISK(law6_workers_take_over_what_a_lease_has_left),
        IN_EVERY_JOURNAL(the_listener_can_read_the_output),
        IN_MEMORY(law9_wrong_log_options_are_misuse),
        IN_MEMORY(law9_names_edited_by_hand_harm_nobody),
    };

    return cmocka_run_group_tests_name("api.work", tests, NULL, NULL);
}
