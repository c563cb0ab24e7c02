/* test/api: law 10 and law 9, runs of a library that is newer than this one, in a log that both
 * work on: they are left to it, they hold up nobody, and nothing else of them is out of reach. */
#include "api/crew.h"

#include <stdio.h>
#include <stdlib.h>

static void make_newer(test_host *host, const char *id)
{
    host_run(host->db, "UPDATE durable_runs SET behaviour = 99 WHERE id = %Q", id);
}

static void make_known(test_host *host)
{
    host_run(host->db, "UPDATE durable_runs SET behaviour = 1 WHERE behaviour = 99");
}

static void assert_too_new(dur_log *log, int code, const char *id)
{
    assert_code(DUR_VERSION_TOO_NEW, code, log);
    assert_has(dur_errmsg(log), id);
    assert_has(dur_errmsg(log), "99");
    assert_has(dur_errmsg(log), "none above 1");
    assert_has(dur_errmsg(log), "upgrade this program");
}

typedef struct waiter {
    int calls;
    char token[DUR_TOKEN_SIZE];
} waiter;

static int wait_for_word(dur_run *run, void *user)
{
    waiter *here = user;
    dur_step *callback = NULL;
    dur_value word;

    here->calls++;
    if (dur_begin_callback(run, "word", NULL, &callback) != DUR_OK) return 0;
    snprintf(here->token, sizeof here->token, "%s", dur_callback_token(callback));
    if (dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    if (dur_await(callback, &word) == DUR_OK) dur_set_output(run, word);
    return 0;
}

/* ---- Refused ---- */

/* Not a byte of the log is changed. */
static void it_is_not_executed(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    waiter here = {0, ""};
    char *before;

    assert_code(DUR_SUSPENDED, dur_execute(log, "wait", "the-run", NULL, wait_for_word, &here),
                log);
    make_newer(host, "the-run");
    before = host_log_rows(host->db, "main");
    assert_too_new(log, dur_execute(log, "wait", "the-run", NULL, wait_for_word, &here),
                   "run \"the-run\"");
    assert_too_new(log, dur_begin_run(log, "wait", "the-run", NULL, &run), "run \"the-run\"");
    assert_null(run);
    assert_int_equal(1, here.calls);
    assert_same(before, host_log_rows(host->db, "main"));
    dur_close(log);
}

/* What needs no code goes on: the library that knows it finds all of it. */
static void it_is_read_answered_and_asked_to_end(void **state)
{
    test_host *host = *state;
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_log *log = host_log(host);
    waiter here = {0, ""};

    assert_code(DUR_SUSPENDED, dur_execute(log, "wait", "the-run", NULL, wait_for_word, &here),
                log);
    make_newer(host, "the-run");
    assert_code(DUR_REPLAYED, dur_start(log, "wait", "the-run", NULL), log);
    assert_code(DUR_OK, dur_signal(log, "the-run", "go", dur_null(), NULL), log);
    assert_code(DUR_OK, dur_heartbeat_callback(log, here.token), log);
    assert_code(DUR_OK, dur_complete_callback(log, here.token, dur_text("yes")), log);
    assert_code(DUR_OK, dur_cancel(log, "the-run"), log);
    assert_code(DUR_OK, dur_read_run(log, "the-run", &info), log);
    assert_true(info.cancelling);
    make_known(host);
    assert_code(DUR_CANCELLED, dur_execute(log, "wait", "the-run", NULL, wait_for_word, &here),
                log);
    dur_close(log);
}

static int give_a_word(dur_run *run, void *user)
{
    (void)user;
    return dur_set_output(run, dur_text("done"));
}

static void its_recorded_end_is_told(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    assert_code(DUR_OK, dur_execute(log, "give", "the-run", NULL, give_a_word, NULL), log);
    make_newer(host, "the-run");
    assert_code(DUR_OK, dur_execute(log, "give", "the-run", NULL, give_a_word, NULL), log);
    assert_string_equal("done", dur_as_text(dur_output(log)));
    dur_close(log);
}

/* ---- As text, and checked ---- */

typedef struct text {
    char *bytes;
    size_t length;
} text;

static int append(const char *line, size_t length, void *user)
{
    text *to = user;

    to->bytes = realloc(to->bytes, to->length + length);
    assert_non_null(to->bytes);
    memcpy(to->bytes + to->length, line, length);
    to->length += length;
    return 0;
}

/* It is exported by whoever reads it; but nobody imports what he cannot execute. */
static void it_is_exported_and_not_imported(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host), *copy = NULL;
    text exported = {NULL, 0};
    waiter here = {0, ""};

    assert_code(DUR_SUSPENDED, dur_execute(log, "wait", "the-run", NULL, wait_for_word, &here),
                log);
    make_newer(host, "the-run");
    assert_code(DUR_OK, dur_export(log, "the-run", NULL, append, &exported), log);
    assert_code(DUR_OK, dur_open_recording(NULL, NULL, &copy), copy);
    assert_code(DUR_VERSION_TOO_NEW, dur_import(copy, exported.bytes, exported.length), copy);
    assert_has(dur_errmsg(copy), "99");
    assert_has(dur_errmsg(copy), "the-run");
    assert_code(DUR_OK, dur_start(copy, "wait", "the-run", NULL), copy); /* it is not there */
    free(exported.bytes);
    dur_close(copy);
    dur_close(log);
}

/* No verdict about a way that is not known here: not even that it would diverge. */
static void a_check_does_not_judge_it(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_report *report = NULL;
    waiter here = {0, ""};

    assert_code(DUR_SUSPENDED, dur_execute(log, "wait", "the-run", NULL, wait_for_word, &here),
                log);
    make_newer(host, "the-run");
    assert_code(DUR_VERSION_TOO_NEW,
                dur_replay_check(log, "wait", NULL, wait_for_word, &here, &report), log);
    assert_int_equal(DUR_UNREADABLE, dur_report_verdict(report));
    assert_has(dur_report_text(report), "upgrade this program");
    dur_free_report(report);
    assert_code(DUR_OK, dur_register(log, "wait", wait_for_word, &here), log);
    assert_code(DUR_CORRUPT, dur_replay_check_all(log, NULL, &report), log);
    assert_true(dur_report_count(report, DUR_UNREADABLE) == 1);
    assert_has(dur_report_text(report), "upgrade this program");
    dur_free_report(report);
    dur_close(log);
}

/* Its copy has its rows, so its number. */
static void a_restart_keeps_the_number(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    waiter here = {0, ""};

    assert_code(DUR_SUSPENDED, dur_execute(log, "wait", "the-run", NULL, wait_for_word, &here),
                log);
    make_newer(host, "the-run");
    assert_code(DUR_OK, dur_restart(log, "the-run", "again", 1, NULL), log);
    assert_too_new(log, dur_execute(log, "wait", "again", NULL, wait_for_word, &here),
                   "run \"again\"");
    assert_code(DUR_OK, dur_terminate(log, "again", NULL), log);
    assert_code(DUR_OK, dur_delete(log, "again"), log);
    assert_code(DUR_OK, dur_pause(log, "the-run"), log);
    assert_code(DUR_OK, dur_resume(log, "the-run"), log);
    dur_close(log);
}

/* ---- Workers ---- */

/* However high its priority, and however often it is met: it is neither parked nor does it keep
 * others from being taken. */
static void it_holds_up_no_other_run(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    test_crew crew;

    crew_open(&crew, host, &options);
    crew_start(&crew, NULL, 7, "newer");
    make_newer(host, "newer");
    for (int i = 0; i < 2 * DUR_CLAIMS_MAX; i++) {
        char id[16];

        snprintf(id, sizeof id, "run-%d", i);
        crew_start(&crew, NULL, 0, id);
        assert_code(DUR_OK, crew_work(&crew), crew.log);
        assert_has(crew.passes.text, "newer: DUR_VERSION_TOO_NEW\n");
        assert_int_equal(i + 1, crew.bodies);
        assert_true(crew.wake_ms > 0);
        fake_clock_advance(&host->clock, crew.wake_ms);
    }
    make_known(host);
    assert_passes(&crew, "newer: DUR_OK\n");
    assert_int_equal(2 * DUR_CLAIMS_MAX + 1, crew.bodies);
    crew_close(&crew);
}

/* ---- Children ---- */

static int call_the_waiting(dur_run *run, void *user)
{
    dur_value word;

    if (dur_call(run, "child", NULL, wait_for_word, user, &word) != DUR_OK) return 0;
    return dur_set_output(run, word);
}

/* Its caller stops, and is neither parked nor failed for that. */
static void a_child_of_a_newer_library_stops_its_caller(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    test_crew crew;
    waiter here = {0, ""};

    crew_open(&crew, host, &options);
    assert_code(DUR_OK, dur_register(crew.log, "parent", call_the_waiting, &here), crew.log);
    assert_code(DUR_OK, dur_start(crew.log, "parent", "parent", NULL), crew.log);
    assert_passes(&crew, "parent: DUR_SUSPENDED\n");
    make_newer(host, "parent/1");
    assert_code(DUR_OK, dur_signal(crew.log, "parent/1", "go", dur_null(), NULL), crew.log);
    assert_too_new(crew.log, dur_execute(crew.log, "parent", "parent", NULL, call_the_waiting,
                                         &here),
                   "run \"parent/1\"");
    for (int i = 0; i < 2 * DUR_CLAIMS_MAX; i++) {
        fake_clock_advance(&host->clock, 60000);
        assert_passes(&crew, "parent: DUR_VERSION_TOO_NEW\n");
    }
    assert_int_equal(1, here.calls);
    make_known(host);
    fake_clock_advance(&host->clock, 60000);
    assert_passes(&crew, "parent: DUR_SUSPENDED\n"); /* for the callback, now */
    assert_int_equal(2, here.calls);
    crew_close(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(it_is_not_executed),
        IN_MEMORY(it_is_read_answered_and_asked_to_end),
        IN_MEMORY(its_recorded_end_is_told),
        IN_MEMORY(it_is_exported_and_not_imported),
        IN_MEMORY(a_check_does_not_judge_it),
        IN_MEMORY(a_restart_keeps_the_number),
        IN_MEMORY(it_holds_up_no_other_run),
        IN_MEMORY(a_child_of_a_newer_library_stops_its_caller),
    };

    return cmocka_run_group_tests_name("behaviour", tests, NULL, NULL);
}
