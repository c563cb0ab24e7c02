/* test/api: runs: input and output, started once, ended once, read without being claimed. */
#include "api/script.h"

#include <stdio.h>

typedef struct test_passes {
    int count;
    int result;
    dur_value output;
    dur_value seen; /* the input; its bytes are compared inside */
    bool sets_output;
} test_passes;

static int pass(dur_run *run, void *user)
{
    test_passes *made = user;
    dur_value input = dur_input(run);

    made->count++;
    assert_int_equal(made->seen.type, input.type);
    assert_int_equal(made->seen.length, input.length);
    if (input.length) assert_memory_equal(made->seen.as.bytes, input.as.bytes, input.length);
    if (made->sets_output) assert_int_equal(DUR_OK, dur_set_output(run, made->output));
    return made->result;
}

static dur_start_options with_input(dur_value input)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.input = input;
    return start;
}

/* ---- Input and output ------------------------------------------------------------------------ */

static size_t make_values(dur_value *values)
{
    static const char bytes[] = "a\0b\xff";
    uint64_t nan_bits = UINT64_C(0x7ff8dead0000beef);
    size_t count = 0;
    double nan;

    memcpy(&nan, &nan_bits, sizeof nan);
    values[count++] = dur_null();
    values[count++] = dur_integer(INT64_MIN);
    values[count++] = dur_unsigned(UINT64_MAX);
    values[count++] = dur_real(-0.0);
    values[count++] = dur_real(nan);
    values[count++] = dur_text("text");
    values[count++] = dur_text("");
    values[count++] = dur_text_n(bytes, 4);
    values[count++] = dur_blob(bytes, 4);
    values[count++] = dur_blob(NULL, 0);
    values[count++] = dur_object(bytes, 4);
    return count;
}

static void assert_value(dur_value expected, dur_value actual)
{
    assert_int_equal(expected.type, actual.type);
    assert_int_equal(expected.length, actual.length);
    if (expected.type >= DUR_TEXT && expected.length)
        assert_memory_equal(expected.as.bytes, actual.as.bytes, expected.length);
    if (expected.type > DUR_NULL && expected.type < DUR_TEXT)
        assert_int_equal(expected.as.integer, actual.as.integer);
}

/* Point 1: a run has an input, recorded at start, and an output; both of every type. A completed
 * run gives back its output without calling the function. */
static void law4_a_completed_run_is_not_run_again(void **state)
{
    test_host *host = *state;
    dur_value values[16];
    size_t count = make_values(values);
    char id[16];

    for (size_t i = 0; i < count; i++) {
        dur_value in = values[i], out = values[count - 1 - i];
        dur_start_options start = with_input(in);
        test_passes made = {0, 0, out, in, true};
        dur_run_info info = DUR_RUN_INFO_INIT;
        dur_log *log = host_log(host);

        snprintf(id, sizeof id, "r%d", (int)i);
        assert_code(DUR_OK, dur_execute(log, "w", id, &start, pass, &made), log);
        assert_value(out, dur_output(log));
        assert_code(DUR_OK, dur_execute(log, "w", id, &start, pass, &made), log);
        assert_value(out, dur_output(log));
        dur_close(log);
        log = host_log(host);
        assert_int_equal(DUR_NULL, dur_output(log).type);
        assert_code(DUR_OK, dur_execute(log, "w", id, NULL, pass, &made), log);
        assert_value(out, dur_output(log));
        assert_code(DUR_OK, dur_read_run(log, id, &info), log);
        assert_value(in, info.input);
        assert_value(out, info.output);
        assert_int_equal(1, made.count);
        dur_close(log);
    }
}

/* The output is copied, the last call counts, and without one it is null. */
static int set_twice(dur_run *run, void *user)
{
    char text[] = "second";

    (void)user;
    assert_int_equal(DUR_OK, dur_set_output(run, dur_text("first, and longer")));
    assert_int_equal(DUR_OK, dur_set_output(run, dur_text(text)));
    memset(text, '#', sizeof text - 1);
    return 0;
}

static void the_last_output_counts(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_passes silent = {0, 0, dur_null(), dur_null(), false};

    assert_code(DUR_OK, dur_execute(log, "w", "a", NULL, set_twice, NULL), log);
    assert_string_equal("second", dur_output(log).as.bytes);
    assert_code(DUR_OK, dur_execute(log, "w", "b", NULL, pass, &silent), log);
    assert_int_equal(DUR_NULL, dur_output(log).type);
    dur_close(log);
}

/* An output that was set does not survive the workflow's failure, nor an older run's output. */
static void a_failed_run_has_no_output(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    test_passes made = {0, 1, dur_text("nearly"), dur_null(), true};

    assert_code(DUR_OK, dur_execute(log, "w", "a", NULL, set_twice, NULL), log);
    assert_code(DUR_FAILED, dur_execute(log, "w", "b", NULL, pass, &made), log);
    assert_int_equal(DUR_NULL, dur_output(log).type);
    assert_code(DUR_OK, dur_read_run(log, "b", &info), log);
    assert_int_equal(DUR_NULL, info.output.type);
    dur_close(log);
}

/* ---- The same id twice ----------------------------------------------------------------------- */

/* Law 4: a failed run gives back its failure, and is not run again. */
static void law4_a_failed_run_is_not_run_again(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_passes made = {0, 7, dur_null(), dur_null(), false};
    dur_run *run = NULL;
    char first[256];

    assert_code(DUR_FAILED, dur_execute(log, "w", "r", NULL, pass, &made), log);
    snprintf(first, sizeof first, "%s", dur_errmsg(log));
    assert_has(first, "7");
    assert_code(DUR_FAILED, dur_execute(log, "w", "r", NULL, pass, &made), log);
    assert_string_equal(first, dur_errmsg(log));
    dur_close(log);
    log = host_log(host);
    assert_code(DUR_FAILED, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_null(run);
    assert_string_equal(first, dur_errmsg(log));
    assert_int_equal(1, made.count);
    dur_close(log);
}

/* Point 1: the same id with another workflow's name. */
static void another_workflow_is_a_conflict(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_passes made = {0, 0, dur_null(), dur_null(), false};
    dur_run *run = NULL;
    char *before;

    assert_code(DUR_OK, dur_begin_run(log, "orders", "open", NULL, &run), log);
    dur_close_run(run);
    assert_code(DUR_OK, dur_execute(log, "orders", "done", NULL, pass, &made), log);
    before = host_log_rows(host->db, "main");
    for (int i = 0; i < 2; i++) {
        const char *id = i ? "done" : "open";

        assert_code(DUR_CONFLICT, dur_execute(log, "returns", id, NULL, pass, &made), log);
        assert_has(dur_errmsg(log), id);
        assert_has(dur_errmsg(log), "orders");
        assert_has(dur_errmsg(log), "returns");
        assert_code(DUR_CONFLICT, dur_begin_run(log, "Orders", id, NULL, &run), log);
        assert_null(run);
    }
    assert_same(before, host_log_rows(host->db, "main"));
    assert_int_equal(1, made.count);
    dur_close(log);
}

/* … with another input is an error that says so; the same input, and none at all, resume it. */
static void another_input_is_a_conflict(void **state)
{
    test_host *host = *state;
    dur_value values[16];
    size_t count = make_values(values);

    for (size_t i = 0; i < count; i++) {
        dur_log *log = host_log(host);
        dur_start_options start = with_input(values[i]);
        dur_run *run = NULL;

        assert_code(DUR_OK, dur_begin_run(log, "w", "r", &start, &run), log);
        dur_close_run(run);
        for (size_t j = 0; j < count; j++) {
            dur_start_options other = with_input(values[j]);
            int code = dur_begin_run(log, "w", "r", &other, &run);

            assert_code(i == j ? DUR_OK : DUR_CONFLICT, code, log);
            if (code == DUR_OK)
                assert_value(values[i], dur_input(run));
            else
                assert_has(dur_errmsg(log), "input");
            dur_close_run(run);
        }
        assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
        assert_value(values[i], dur_input(run));
        dur_close_run(run);
        dur_close(log);
        host_run(host->db, "DELETE FROM durable_runs");
    }
}

/* ---- Without a callback ---------------------------------------------------------------------- */

static void begin_steps_complete(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;
    int64_t number = 0;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_string_equal("r", dur_run_id(run));
    assert_true(dur_ok(run));
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "a", NULL, &step));
    assert_code(DUR_OK, dur_record_result(step, dur_integer(1)), log);
    dur_close_run(run); /* it goes on where it was */

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    DUR_STEP(run, "a", number) { fail(); }
    assert_int_equal(1, number);
    DUR_STEP(run, "b", number) { number = 2; }
    assert_code(DUR_OK, dur_complete_run(run, dur_integer(number)), log);
    dur_close_run(run);
    assert_int_equal(2, dur_output(log).as.integer);

    assert_code(DUR_REPLAYED, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_null(run);
    assert_int_equal(2, dur_output(log).as.integer);
    dur_close(log);
}

static void begin_and_fail(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_run *run = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "a", NULL, &run), log);
    assert_code(DUR_OK, dur_fail_run(run, "no stock"), log);
    dur_close_run(run);
    assert_code(DUR_FAILED, dur_begin_run(log, "w", "a", NULL, &run), log);
    assert_has(dur_errmsg(log), "no stock");
    assert_code(DUR_OK, dur_begin_run(log, "w", "b", NULL, &run), log);
    assert_code(DUR_OK, dur_fail_run(run, NULL), log);
    dur_close_run(run);
    assert_code(DUR_OK, dur_read_run(log, "b", &info), log);
    assert_string_equal("run failed", info.failure);
    dur_close(log);
}

/* Runs of one log side by side, and of two logs on two connections. */
static void runs_beside_each_other(void **state)
{
    test_host *host = *state;
    dur_log *logs[2] = {host_log(host), NULL};
    dur_run *runs[4];
    dur_step *step = NULL;
    char id[16];

    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_code(DUR_OK, dur_open(host->other, NULL, &logs[1]), logs[1]);
    for (int i = 0; i < 4; i++) {
        snprintf(id, sizeof id, "r%d", i);
        assert_code(DUR_OK, dur_begin_run(logs[i % 2], "w", id, NULL, &runs[i]), logs[i % 2]);
    }
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 4; i++) {
            assert_int_equal(DUR_EXECUTE, dur_begin_step(runs[i], "s", NULL, &step));
            assert_int_equal(round + 1, dur_step_position(step));
            assert_int_equal(DUR_OK, dur_record_result(step, dur_integer(10 * i + round)));
        }
    }
    for (int i = 0; i < 4; i++) {
        assert_code(DUR_OK, dur_complete_run(runs[i], dur_integer(i)), logs[i % 2]);
        assert_int_equal(i, dur_output(logs[i % 2]).as.integer);
        dur_close_run(runs[i]);
    }
    assert_int_equal(20, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(4, host_number(host->db, "SELECT count(*) FROM durable_runs_view "
                                              "WHERE status = 'completed' AND owner IS NULL"));
    dur_close(logs[0]);
    dur_close(logs[1]);
}

/* A workflow may execute another run on the same log. */
static int run_another(dur_run *run, void *user)
{
    dur_log *log = user;
    test_passes made = {0, 0, dur_text("inner output"), dur_null(), true};
    const char *text;

    DUR_STEP(run, "inner", text) {
        assert_code(DUR_OK, dur_execute(log, "w", "inner", NULL, pass, &made), log);
        text = dur_output(log).as.bytes;
    }
    return dur_set_output(run, dur_text(text));
}

static void a_run_in_the_body_of_another(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    assert_code(DUR_OK, dur_execute(log, "w", "outer", NULL, run_another, log), log);
    assert_string_equal("inner output", dur_output(log).as.bytes);
    dur_close(log);
}

/* ---- Reading a run --------------------------------------------------------------------------- */

static void what_is_known_of_a_run(void **state)
{
    test_host *host = *state;
    int64_t start_ms = host->clock.now_ms;
    dur_log *log = host_log(host);
    dur_start_options start = with_input(dur_text("the input"));
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_run *run = NULL;

    assert_code(DUR_NOT_FOUND, dur_read_run(log, "r", &info), log);
    assert_has(dur_errmsg(log), "r");
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", &start, &run), log);
    fake_clock_advance(&host->clock, 500);
    assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
    assert_int_equal(DUR_RUNNING, info.status);
    assert_string_equal("w", info.workflow);
    assert_string_equal("the input", info.input.as.bytes);
    assert_null(info.failure);
    assert_int_equal(DUR_NULL, info.output.type);
    assert_int_equal(1, info.claims);
    assert_int_equal(start_ms, info.created_ms);
    assert_int_equal(0, info.ended_ms);
    assert_code(DUR_OK, dur_complete_run(run, dur_text("the output")), log);
    dur_close_run(run);
    fake_clock_advance(&host->clock, 500);
    assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
    assert_int_equal(DUR_COMPLETED, info.status);
    assert_string_equal("the output", info.output.as.bytes);
    assert_int_equal(start_ms + 500, info.ended_ms);
    assert_int_equal(sizeof info, info.size);
    dur_close(log);
}

/* Section 4: an older program's shorter struct is filled as far as it goes. */
static void an_older_programs_info_is_filled_to_its_end(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_run *run = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    dur_close_run(run);
    info.size = offsetof(dur_run_info, claims);
    info.claims = info.created_ms = info.ended_ms = -77;
    assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
    assert_string_equal("w", info.workflow);
    assert_int_equal(-77, info.claims);
    assert_int_equal(-77, info.created_ms);
    assert_int_equal(-77, info.ended_ms);
    dur_close(log);
}

/* Reading is reading: nothing is claimed, written or waited for. */
static void reading_a_run_claims_nothing(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host), *reader;
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_run *run = NULL;
    char *before;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    before = host_log_rows(host->db, "main");
    reader = host_log(host);
    for (int i = 0; i < 20; i++) assert_code(DUR_OK, dur_read_run(reader, "r", &info), reader);
    assert_same(before, host_log_rows(host->db, "main"));
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), log);
    dur_close_run(run);
    dur_close(reader);
    dur_close(log);
}

/* ---- The log --------------------------------------------------------------------------------- */

/* Everything at its default, on the real clock. */
static void a_log_without_options(void **state)
{
    test_host *host = *state;
    dur_log *log = NULL;
    dur_run_info info = DUR_RUN_INFO_INIT;
    test_passes made = {0, 0, dur_null(), dur_null(), false};

    assert_code(DUR_OK, dur_open(host->db, NULL, &log), log);
    assert_string_equal("", dur_errmsg(log));
    assert_int_equal(0, dur_sqlite_errcode(log));
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, pass, &made), log);
    assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
    assert_true(info.created_ms > INT64_C(1600000000000)); /* since 2020 */
    assert_true(info.ended_ms >= info.created_ms);
    dur_close(log);
}

static void the_code_version_is_recorded(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    test_passes made = {0, 0, dur_null(), dur_null(), false};
    char version[] = "v1.2-rc3";
    dur_log *log = NULL;

    options.code_version = version;
    assert_code(DUR_OK, dur_open(host->db, &options, &log), log);
    memset(version, '#', sizeof version - 1);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, pass, &made), log);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_runs_view "
                                              "WHERE code_version = 'v1.2-rc3'"));
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WAL(law4_a_completed_run_is_not_run_again),
        IN_WAL(the_last_output_counts),
        IN_WAL(a_failed_run_has_no_output),
        IN_WAL(law4_a_failed_run_is_not_run_again),
        IN_WAL(another_workflow_is_a_conflict),
        IN_WAL(another_input_is_a_conflict),
        IN_EVERY_JOURNAL(begin_steps_complete),
        IN_WAL(begin_and_fail),
        ON_DISK(runs_beside_each_other),
        IN_WAL(a_run_in_the_body_of_another),
        IN_WAL(what_is_known_of_a_run),
        IN_WAL(an_older_programs_info_is_filled_to_its_end),
        IN_WAL(reading_a_run_claims_nothing),
        IN_WAL(a_log_without_options),
        IN_WAL(the_code_version_is_recorded),
    };

    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
