/* test/api: workers among rows that cannot be read, small budgets, and callbacks that do what they
 * may not. */
#include "api/crew.h"

#include <stdio.h>

static void open_worker(test_crew *crew, void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);

    crew_open(crew, host, &options);
}

/* ---- Rows that cannot be read ---- */

static void stop_soon(void *user)
{
    test_crew *crew = user;

    if (crew->host->clock.sleeps >= 5) dur_stop_work_loop(crew->log);
}

static void start_elsewhere(test_crew *crew, const char *id)
{
    assert_code(DUR_OK, dur_register(crew->log, "play", crew_workflow, crew), crew->log);
    assert_code(DUR_OK, dur_start(crew->log, "play", id, NULL), crew->log);
}

/* It is in nobody's way, and nothing to spin on. */
static void a_row_that_cannot_be_read_is_told_once_and_left_alone(void **state)
{
    test_crew crew;

    open_worker(&crew, state);
    crew_start(&crew, NULL, 0, "bad");
    host_run(crew.host->db, "UPDATE durable_runs SET created = 'x'");
    start_elsewhere(&crew, "good");
    assert_passes(&crew, "bad: DUR_CORRUPT\ngood: DUR_OK\n");
    assert_int_equal(1000, crew.wake_ms);
    assert_passes(&crew, "");
    assert_int_equal(1000, crew.wake_ms);
    crew.host->clock.on_sleep = stop_soon;
    crew.host->clock.on_sleep_user = &crew;
    assert_code(DUR_OK, dur_work_loop(crew.log, &crew.options), crew.log);
    assert_string_equal("", crew.passes.text);
    host_run(crew.host->db, "UPDATE durable_runs SET created = 1 WHERE id = 'bad'");
    assert_passes(&crew, "bad: DUR_OK\n");
    crew_close(&crew);
}

static void a_claim_that_cannot_be_read_is_left_alone(void **state)
{
    test_crew crew;
    dur_run *run = NULL;
    dur_log *gone;

    open_worker(&crew, state);
    gone = host_log(crew.host);
    assert_code(DUR_OK, dur_begin_run(gone, "work", "bad", NULL, &run), gone);
    host_run(crew.host->db, "UPDATE durable_claims SET claims = -1");
    crew.host->clock.owner_alive = DUR_OWNER_DEAD;
    start_elsewhere(&crew, "good");
    assert_passes(&crew, "bad: DUR_CORRUPT\ngood: DUR_OK\n");
    assert_passes(&crew, "");
    assert_int_equal(1000, crew.wake_ms);
    dur_close_run(run);
    dur_close(gone);
    crew_close(&crew);
}

static void an_input_too_big_for_this_connection_is_one_runs_trouble(void **state)
{
    static char text[60001];
    dur_start_options start = DUR_START_OPTIONS_INIT;
    test_crew crew;

    open_worker(&crew, state);
    memset(text, 'x', sizeof text - 1);
    start.input = dur_text(text);
    assert_code(DUR_OK, dur_start(crew.log, "work", "big", &start), crew.log);
    start_elsewhere(&crew, "small");
    sqlite3_limit(crew.host->db, SQLITE_LIMIT_LENGTH, 50000);
    assert_passes(&crew, "big: DUR_TOO_BIG\nsmall: DUR_OK\n");
    assert_passes(&crew, "");
    sqlite3_limit(crew.host->db, SQLITE_LIMIT_LENGTH, 100000);
    assert_passes(&crew, "big: DUR_OK\n");
    crew_close(&crew);
}

/* What the index shows as due and is not to be had, in many queues: an idle loop has time. */
static void runs_that_are_never_to_be_had_do_not_keep_a_worker_busy(void **state)
{
    test_crew crew;
    char name[32];

    open_worker(&crew, state);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "work-%d", i);
        assert_code(DUR_OK, dur_register(crew.log, name, crew_workflow, &crew), crew.log);
        assert_code(DUR_OK, dur_start(crew.log, name, name, NULL), crew.log);
    }
    host_run(crew.host->db, "UPDATE durable_runs SET status = 3, ended = 1, failure = 'by hand'");
    assert_passes(&crew, "");
    assert_true(crew.wake_ms == -1 || crew.wake_ms >= 100);
    crew_close(&crew);
}

/* ---- Budgets ---- */

/* A budget that a look uses up is no standstill: each call makes a pass. */
static void the_first_pass_is_made_on_any_budget(void **state)
{
    test_crew crew;

    open_worker(&crew, state);
    crew_start(&crew, NULL, 0, "run-1");
    crew_start(&crew, NULL, 0, "run-2");
    crew.host->clock.tick_ms = 10;
    crew.options.budget_ms = 1;
    assert_passes(&crew, "run-1: DUR_OK\n");
    assert_int_equal(0, crew.wake_ms);
    assert_passes(&crew, "run-2: DUR_OK\n");
    crew_close(&crew);
}

/* Workers that live for one pass take the longest due run, too, with chance from seed 1. */
static void short_lived_workers_starve_nobody(void **state)
{
    test_crew crew;
    char id[48];
    bool had = false;

    open_worker(&crew, state);
    crew_start(&crew, NULL, 0, "patient");
    fake_clock_advance(&crew.host->clock, 1);
    crew_close(&crew);
    for (int i = 0; i < 100 && !had; i++) {
        open_worker(&crew, state);
        for (int n = 0; n < 2; n++) {
            snprintf(id, sizeof id, "pushy-%d-%d", i, n);
            crew_start(&crew, NULL, 7, id);
        }
        crew.options.max_passes = 1;
        assert_code(DUR_OK, crew_work(&crew), crew.log);
        had = strcmp(crew.passes.text, "patient: DUR_OK\n") == 0;
        crew_close(&crew);
    }
    assert_true(had);
}

/* ---- Callbacks ---- */

static void change_lists(void *user)
{
    test_crew *crew = user;

    assert_int_equal(DUR_MISUSE, dur_register(crew->log, "work", NULL, NULL));
    assert_int_equal(DUR_MISUSE, dur_serve_queue(crew->log, "another", NULL));
    if (sqlite3_get_autocommit(crew->host->other) == 0) host_run(crew->host->other, "COMMIT");
}

/* A reader waits for an exclusive lock in a rollback journal only. */
static void the_sleep_of_a_look_cannot_change_what_is_served(void **state)
{
    test_host *host = *state;
    test_crew crew;

    open_worker(&crew, state);
    assert_passes(&crew, "");
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    crew_start(&crew, NULL, 0, "run-1");
    host_run(host->other, "BEGIN EXCLUSIVE");
    host->clock.on_sleep = change_lists;
    host->clock.on_sleep_user = &crew;
    assert_passes(&crew, "run-1: DUR_OK\n");
    assert_true(host->clock.sleeps > 0);
    assert_code(DUR_OK, dur_register(crew.log, "work", NULL, NULL), crew.log);
    crew_close(&crew);
}

static void close_in_sleep(void *user)
{
    test_crew *crew = user;

    dur_close(crew->log);
}

static void a_sleep_that_closes_the_log_ends_the_loop(void **state)
{
    test_crew crew;

    open_worker(&crew, state);
    crew.host->clock.on_sleep = close_in_sleep;
    crew.host->clock.on_sleep_user = &crew;
    assert_int_equal(DUR_MISUSE, dur_work_loop(crew.log, &crew.options));
    assert_int_equal(1, crew.host->clock.sleeps);
    narrative_free(&crew.passes);
}

static dur_log *to_close;
static int questions;

static int close_when_asked(const char *owner_mark, void *user)
{
    (void)owner_mark, (void)user;
    if (--questions == 0) dur_close(to_close);
    return DUR_OWNER_DEAD;
}

/* The first question comes from the look, the second from the claim. */
static void a_question_that_closes_the_log_ends_the_work(void **state)
{
    test_host *host = *state;

    for (int i = 1; i <= 2; i++) {
        dur_options options = host_options(host);
        dur_log *theirs = host_log(host);
        dur_run *run = NULL;
        test_crew crew;

        assert_code(DUR_OK, dur_begin_run(theirs, "work", "held", NULL, &run), theirs);
        options.owner_alive = close_when_asked;
        crew_open(&crew, host, &options);
        to_close = crew.log;
        questions = i;
        assert_int_equal(DUR_MISUSE, crew_work(&crew));
        assert_int_equal(0, questions);
        narrative_free(&crew.passes);
        dur_close_run(run);
        dur_close(theirs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_row_that_cannot_be_read_is_told_once_and_left_alone),
        IN_EVERY_JOURNAL(a_claim_that_cannot_be_read_is_left_alone),
        IN_MEMORY(an_input_too_big_for_this_connection_is_one_runs_trouble),
        IN_EVERY_JOURNAL(runs_that_are_never_to_be_had_do_not_keep_a_worker_busy),
        IN_MEMORY(the_first_pass_is_made_on_any_budget),
        IN_MEMORY(short_lived_workers_starve_nobody),
        HOST_TEST_(the_sleep_of_a_look_cannot_change_what_is_served, "rollback",
                   host_with_rollback),
        IN_EVERY_JOURNAL(a_sleep_that_closes_the_log_ends_the_loop),
        IN_EVERY_JOURNAL(a_question_that_closes_the_log_ends_the_work),
    };

    return cmocka_run_group_tests_name("api.worker_mischief", tests, NULL, NULL);
}
