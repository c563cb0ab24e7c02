/* test/api: law 9, right calls at the wrong time: twice, too late, after the end, after the log. */
#include "api/refused.h"

/* A name that changes between begin and record: the one that was asked for counts. */
static void law9_a_name_that_changes(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    char name[64] = "charge the card";
    char *far = repeat('n', DUR_NAME_MAX);
    dur_step *near_step = begin(run, name), *far_step = begin(run, far);

    memset(name, 'x', sizeof name);
    memset(far, 'x', DUR_NAME_MAX);
    assert_code(DUR_OK, dur_record_result(near_step, dur_null()), log);
    assert_code(DUR_OK, dur_record_result(far_step, dur_null()), log);
    free(far);
    dur_close_run(run);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps "
                                              "WHERE name = 'charge the card'"));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps "
                                              "WHERE name LIKE '%%x%%'"));
    dur_close(log);
}

static void law9_recording_twice(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    dur_step *step = begin(run, "charge"), *second;

    assert_code(DUR_OK, dur_record_result(step, dur_integer(1)), log);
    assert_refused(DUR_MISUSE, dur_record_result(step, dur_integer(2)), log, "charge");
    assert_message(dur_errmsg(log), "order-7");
    assert_refused(DUR_MISUSE, dur_record_result(step, dur_integer(1)), log, "charge");
    assert_refused(DUR_MISUSE, dur_record_failure(step, "why"), log, "charge");
    dur_close_run(run);

    run = begin_open(log);
    assert_int_equal(DUR_REPLAYED, dur_begin_step(run, "charge", NULL, &step));
    assert_refused(DUR_MISUSE, dur_record_result(step, dur_integer(2)), log, "charge");
    dur_close_run(run);

    run = begin_open(log);
    assert_int_equal(DUR_REPLAYED, dur_begin_step(run, "charge", NULL, &step));
    second = begin(run, "ship");
    assert_int_equal(DUR_OK, dur_record_failure(second, "why"));
    assert_refused(DUR_MISUSE, dur_record_result(second, dur_null()), log, "ship");
    dur_close_run(run);
    dur_close(log);
}

/* The end of a run is the end. */
static void law9_calls_after_the_end(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_complete_run(run, dur_null()), log);
    assert_refused(DUR_MISUSE, dur_complete_run(run, dur_null()), log, "order-7");
    assert_refused(DUR_MISUSE, dur_fail_run(run, "why"), log, "order-7");
    assert_refused(DUR_MISUSE, dur_begin_step(run, "s", NULL, &step), log, "order-7");
    assert_refused(DUR_MISUSE, dur_set_output(run, dur_null()), log, "order-7");
    assert_refused(DUR_MISUSE, dur_replay_or_run(run, "s", NULL, answer, NULL, NULL), log,
                   "order-7");
    DUR_STEP(run, "s") { fail(); }
    dur_close_run(run);
    dur_close(log);
}

/* Ending a run with steps open is refused, and nothing is recorded. */
static void law9_ending_with_open_steps(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);

    begin(run, "charge");
    assert_refused(DUR_MISUSE, dur_complete_run(run, dur_null()), log, "charge");
    dur_close_run(run);
    run = begin_open(log);
    begin(run, "charge");
    assert_refused(DUR_MISUSE, dur_fail_run(run, "why"), log, "charge");
    dur_close_run(run);
    dur_close(log);
}

static int leave_a_step_open(dur_run *run, void *user)
{
    dur_step *step = NULL;

    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "charge", NULL, &step));
    return *(const int *)user;
}

/* … returning from the workflow likewise, whatever it returns. */
static void law9_returning_with_open_steps(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    for (int result = 0; result < 2; result++) {
        dur_run_info info = DUR_RUN_INFO_INIT;

        assert_code(DUR_MISUSE, dur_execute(log, "w", "r", NULL, leave_a_step_open, &result), log);
        assert_message(dur_errmsg(log), "charge");
        assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
        assert_int_equal(DUR_RUNNING, info.status);
    }
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    dur_close(log);
}

/* Closing the log with runs open: their handles only take dur_close_run(). */
static void law9_closing_with_open_runs(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    dur_step *step = begin(run, "charge"), *none = NULL;
    char *before;

    dur_close(log);
    assert_null(sqlite3_next_stmt(host->db, NULL));
    before = host_log_rows(host->db, "main");
    assert_int_equal(DUR_MISUSE, dur_record_result(step, dur_integer(1)));
    assert_int_equal(DUR_MISUSE, dur_record_failure(step, "why"));
    assert_int_equal(DUR_MISUSE, dur_begin_step(run, "next", NULL, &none));
    assert_null(none);
    assert_int_equal(DUR_MISUSE, dur_replay_or_run(run, "next", NULL, answer, NULL, NULL));
    assert_int_equal(DUR_MISUSE, dur_complete_run(run, dur_null()));
    assert_int_equal(DUR_MISUSE, dur_fail_run(run, "why"));
    assert_int_equal(DUR_MISUSE, dur_set_output(run, dur_null()));
    assert_int_equal(DUR_MISUSE, dur_run_code(run));
    assert_false(dur_ok(run));
    assert_message(dur_run_errmsg(run), "order-7");
    assert_message(dur_run_errmsg(run), "closed");
    DUR_STEP(run, "next") { fail(); }
    dur_close_run(run);
    assert_same(before, host_log_rows(host->db, "main"));

    log = host_log(host); /* the claim was given back */
    assert_int_equal(0, host->clock.owner_questions);
    run = begin_open(log);
    assert_code(DUR_OK, dur_record_result(begin(run, "charge"), dur_integer(1)), log);
    dur_close_run(run);
    dur_close(log);
}

/* … even when the connection is gone as well. */
static void law9_closing_runs_after_the_connection(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    dur_step *step = begin(run, "charge");

    dur_close(log);
    assert_int_equal(SQLITE_OK, sqlite3_close(host->db));
    host->db = NULL;
    assert_int_equal(DUR_MISUSE, dur_record_result(step, dur_integer(1)));
    dur_close_run(run);
}

/* Nor is the log the workflow's to close; and what closes with it is not used again. */
static int close_own_log(dur_run *run, void *user)
{
    dur_log **log = user;
    dur_step *step = NULL;

    dur_close(*log);
    *log = NULL;
    assert_int_equal(DUR_MISUSE, dur_begin_step(run, "s", NULL, &step));
    DUR_STEP(run, "s") { fail(); }
    return 0;
}

static int close_own_log_in_a_body(dur_run *run, void *user)
{
    dur_log **log = user;

    DUR_STEP(run, "s") {
        dur_close(*log);
        *log = NULL;
    }
    return 0;
}

static void law9_closing_the_log_inside_a_workflow(void **state)
{
    dur_workflow *const ways[] = {close_own_log, close_own_log_in_a_body};
    test_host *host = *state;

    for (size_t i = 0; i < 2; i++) {
        dur_log *log = host_log(host), *closed = log;
        dur_run_info info = DUR_RUN_INFO_INIT;

        assert_int_equal(DUR_MISUSE, dur_execute(log, "w", "r", NULL, ways[i], &closed));
        assert_null(closed);
        assert_null(sqlite3_next_stmt(host->db, NULL));
        log = host_log(host);
        assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
        assert_int_equal(DUR_RUNNING, info.status);
        assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, complete, NULL), log);
        dur_close(log);
        host_run(host->db, "DELETE FROM durable_runs");
    }
}

/* Ending a run is the caller's business, not the workflow's; what was recorded stays (law 4). */
static int complete_own_run(dur_run *run, void *user)
{
    *(int *)user = dur_complete_run(run, dur_text("from within"));
    (void)dur_set_output(run, dur_text("from its return"));
    return 0;
}

static int fail_own_run(dur_run *run, void *user)
{
    *(int *)user = dur_fail_run(run, "from within");
    return 0;
}

static void law4_ending_a_run_inside_its_workflow(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    int inner = DUR_OK;

    assert_code(DUR_MISUSE, dur_execute(log, "w", "a", NULL, complete_own_run, &inner), log);
    assert_message(dur_errmsg(log), "dur_complete_run");
    assert_code(DUR_OK, dur_read_run(log, "a", &info), log);
    if (inner == DUR_OK) {
        assert_int_equal(DUR_COMPLETED, info.status);
        assert_string_equal("from within", info.output.as.bytes);
    }
    assert_code(DUR_MISUSE, dur_execute(log, "w", "b", NULL, fail_own_run, &inner), log);
    assert_code(DUR_OK, dur_read_run(log, "b", &info), log);
    if (inner == DUR_OK) assert_int_equal(DUR_RUN_FAILED, info.status);
    dur_close(log);
}

/* Every code has a name and a text; others have neither. */
static void law9_every_code_has_a_text(void **state)
{
    (void)state;
#define CHECK(name, number, text)                                                                  \
    assert_int_equal(number, name);                                                                \
    assert_string_equal(#name, dur_code_name(number));                                             \
    assert_string_equal(text, dur_code_text(number));
    DUR_CODE_MAP(CHECK)
#undef CHECK
    for (int code = 8; code < 200; code++) {
        assert_string_equal("unknown code", dur_code_text(code));
        assert_string_equal("unknown code", dur_code_name(-code - 20));
    }
    assert_string_equal("unknown code", dur_code_text(INT32_MIN));
    assert_string_equal("unknown code", dur_code_name(INT32_MAX));
    assert_string_equal(DUR_VERSION, dur_version());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(law9_a_name_that_changes),
        IN_MEMORY(law9_recording_twice),
        IN_MEMORY(law9_calls_after_the_end),
        IN_MEMORY(law9_ending_with_open_steps),
        IN_MEMORY(law9_returning_with_open_steps),
        IN_MEMORY(law9_closing_with_open_runs),
        IN_MEMORY(law9_closing_runs_after_the_connection),
        IN_MEMORY(law9_closing_the_log_inside_a_workflow),
        IN_MEMORY(law4_ending_a_run_inside_its_workflow),
        IN_MEMORY(law9_every_code_has_a_text),
    };

    return cmocka_run_group_tests_name("wrong time", tests, NULL, NULL);
}
