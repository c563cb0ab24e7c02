/* test/api: law 9, bad input is an error: a documented code, a message that helps, nothing lost. */
#include "api/refused.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- NULL ------------------------------------------------------------------------------------ */

static void law9_null_handles(void **state)
{
    const test_host *host = *state;
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_log *log = (dur_log *)(uintptr_t)host;
    dur_run *run = (dur_run *)(uintptr_t)host;
    dur_step *step = (dur_step *)(uintptr_t)host;

    assert_int_equal(DUR_MISUSE, dur_open(NULL, NULL, &log));
    assert_null(log);
    assert_int_equal(DUR_MISUSE, dur_open(host->db, NULL, NULL));
    dur_close(NULL);
    assert_int_equal(DUR_MISUSE, dur_execute(NULL, "w", "r", NULL, complete, NULL));
    assert_int_equal(DUR_MISUSE, dur_begin_run(NULL, "w", "r", NULL, &run));
    assert_null(run);
    assert_int_equal(DUR_MISUSE, dur_read_run(NULL, "r", &info));
    assert_string_equal("no log", dur_errmsg(NULL));
    assert_int_equal(0, dur_sqlite_errcode(NULL));
    assert_null(dur_get_divergence(NULL));
    assert_int_equal(DUR_NULL, dur_output(NULL).type);

    assert_int_equal(DUR_MISUSE, dur_begin_step(NULL, "s", NULL, &step));
    assert_null(step);
    assert_int_equal(DUR_MISUSE, dur_replay_or_run(NULL, "s", NULL, answer, NULL, NULL));
    assert_int_equal(DUR_MISUSE, dur_complete_run(NULL, dur_null()));
    assert_int_equal(DUR_MISUSE, dur_fail_run(NULL, "why"));
    dur_close_run(NULL);
    assert_string_equal("no run", dur_run_errmsg(NULL));
    assert_int_equal(DUR_MISUSE, dur_run_code(NULL));
    assert_int_equal(DUR_NULL, dur_input(NULL).type);
    assert_int_equal(DUR_MISUSE, dur_set_output(NULL, dur_null()));
    assert_null(dur_run_id(NULL));
    assert_false(dur_ok(NULL));
    dur_fail(NULL, "%s", "why");
    assert_null(dur_catch(NULL));
    assert_int_equal(0, dur_mark(NULL));
    dur_release(NULL, 0);
    assert_null(dur_current_step(NULL));

    assert_int_equal(DUR_MISUSE, dur_record_result(NULL, dur_null()));
    assert_int_equal(DUR_MISUSE, dur_record_failure(NULL, "why"));
    assert_int_equal(DUR_NULL, dur_step_value(NULL).type);
    assert_int_equal(0, dur_step_position(NULL));
    assert_null(dur_step_idempotency_key(NULL));
}

static int frees;

static void count_free(void *memory)
{
    frees++;
    free(memory);
}

static void law9_null_run_frees_what_it_is_given(void **state)
{
    (void)state;
    frees = 0;
    assert_null(dur_own(NULL, malloc(1), count_free));
    assert_int_equal(1, frees);
    assert_null(dur_own(NULL, NULL, count_free));
    assert_int_equal(1, frees);
}

/* NULL where a name, a function or an out-parameter is due: the message tells which. */
static void law9_null_arguments(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_run *run = NULL;
    dur_step *step = NULL;
    int passes = 0;

    assert_refused(DUR_MISUSE, dur_execute(log, NULL, "r", NULL, complete, &passes), log,
                   "workflow");
    assert_refused(DUR_MISUSE, dur_execute(log, "w", NULL, NULL, complete, &passes), log, "id");
    assert_refused(DUR_MISUSE, dur_execute(log, "w", "r", NULL, NULL, NULL), log, "function");
    assert_refused(DUR_MISUSE, dur_begin_run(log, NULL, "r", NULL, &run), log, "workflow");
    assert_refused(DUR_MISUSE, dur_begin_run(log, "w", NULL, NULL, &run), log, "id");
    assert_refused(DUR_MISUSE, dur_begin_run(log, "w", "r", NULL, NULL), log, "run");
    assert_refused(DUR_MISUSE, dur_read_run(log, NULL, &info), log, "id");
    assert_refused(DUR_MISUSE, dur_read_run(log, "r", NULL), log, "info");
    assert_int_equal(0, passes);

    run = begin_open(log);
    assert_refused(DUR_MISUSE, dur_begin_step(run, NULL, NULL, &step), log, "name");
    assert_message(dur_run_errmsg(run), "order-7");
    dur_close_run(run);
    run = begin_open(log);
    assert_refused(DUR_MISUSE, dur_begin_step(run, "s", NULL, NULL), log, "step");
    dur_close_run(run);
    run = begin_open(log);
    assert_refused(DUR_MISUSE, dur_replay_or_run(run, NULL, NULL, answer, NULL, NULL), log, "name");
    dur_close_run(run);
    run = begin_open(log);
    DUR_STEP(run, (const char *)NULL) { fail(); }
    assert_int_equal(DUR_MISUSE, dur_run_code(run));
    dur_close_run(run);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    dur_close(log);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static void assert_name_refused(test_host *host, const char *name)
{
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_refused(DUR_MISUSE, dur_execute(log, name, "r", NULL, complete, NULL), log, "workflow");
    assert_refused(DUR_MISUSE, dur_execute(log, "w", name, NULL, complete, NULL), log, "id");
    assert_refused(DUR_MISUSE, dur_begin_run(log, "w", name, NULL, &run), log, "id");
    assert_null(run);
    assert_refused(DUR_MISUSE, dur_read_run(log, name, &info), log, "id");
    run = begin_open(log);
    assert_int_equal(DUR_OK, dur_record_result(begin(run, "first"), dur_integer(1)));
    assert_refused(DUR_MISUSE, dur_begin_step(run, name, NULL, &step), log, "order-7");
    assert_null(step);
    assert_message(dur_run_errmsg(run), "name");
    assert_message(dur_run_errmsg(run), "2"); /* the position */
    dur_close_run(run);
    dur_close(log);
    host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
}

/* Too short, too long, control characters, and each way of not being UTF-8. */
static void law9_names_out_of_bounds(void **state)
{
    static const char *const names[] = {
        "",
        "tab\there",
        "line\nbreak",
        "\x01",
        "\x1f",
        "delete\x7f",
        "\x80",
        "caf\xe9",
        "\xc0\xaf",             /* overlong */
        "\xe0\x80\xaf",         /* overlong */
        "\xf0\x80\x80\xaf",     /* overlong */
        "\xed\xa0\x80",         /* a surrogate */
        "\xf4\x90\x80\x80",     /* above U+10FFFF */
        "\xf8\x88\x80\x80\x80", /* five bytes */
        "\xfe\xff",
        "cut \xe2\x82",
        "\x89PNG\r\n\x1a\n",
    };
    char *too_long = repeat('n', DUR_NAME_MAX + 1);
    char *huge = repeat('n', 10 * 1000 * 1000);

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_name_refused(*state, names[i]);
    assert_name_refused(*state, too_long);
    assert_name_refused(*state, huge);
    free(too_long);
    free(huge);
}

static void assert_name_taken(test_host *host, const char *name)
{
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_run *run = NULL;
    dur_step *step = NULL;

    for (int pass = 0; pass < 2; pass++) {
        assert_code(DUR_OK, dur_begin_run(log, name, name, NULL, &run), log);
        assert_string_equal(name, dur_run_id(run));
        assert_int_equal(pass ? DUR_REPLAYED : DUR_EXECUTE, dur_begin_step(run, name, NULL, &step));
        if (pass == 0) assert_code(DUR_OK, dur_record_result(step, dur_null()), log);
        dur_close_run(run);
    }
    assert_code(DUR_OK, dur_read_run(log, name, &info), log);
    assert_string_equal(name, info.workflow);
    dur_close(log);
}

/* What is inside the bounds, to the last byte. */
static void law9_names_within_bounds(void **state)
{
    char *longest = repeat('n', DUR_NAME_MAX);

    assert_name_taken(*state, longest);
    assert_name_taken(*state, "x");
    assert_name_taken(*state, " ");
    assert_name_taken(*state, "'; DROP TABLE durable_runs; --");
    assert_name_taken(*state, "%s%n%d");
    assert_name_taken(*state, "\"quoted\" `and` [so]");
    assert_name_taken(*state, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_name_taken(*state, "12"); /* stays text */
    assert_name_taken(*state, "1e3");
    free(longest);
}

/* Two runs whose ids a careless comparison would mix up. */
static void law9_ids_are_told_apart(void **state)
{
    static const char *const ids[] = {"a", "A", "a ", " a", "a1", "1", "01", "1.0", "\xc3\xa4"};
    test_host *host = *state;
    dur_log *log = host_log(host);
    int passes = 0;

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_code(DUR_OK, dur_execute(log, "w", ids[i], NULL, complete, &passes), log);
        assert_int_equal(i + 1, passes);
    }
    dur_close(log);
}

/* ---- Values ---------------------------------------------------------------------------------- */

static void law9_values_that_are_none(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_run *run = NULL;
    dur_value wrong[4] = {dur_null(), dur_text_n(NULL, 5), dur_blob(NULL, 1), dur_object(NULL, 8)};

    memset(&wrong[0].type, 0x55, sizeof wrong[0].type);
    for (size_t i = 0; i < 4; i++) {
        dur_step *step;

        start.input = wrong[i];
        assert_refused(DUR_MISUSE, dur_begin_run(log, "w", "r", &start, &run), log, "input");
        run = begin_open(log);
        step = begin(run, "charge");
        assert_refused(DUR_MISUSE, dur_record_result(step, wrong[i]), log, "charge");
        assert_message(dur_run_errmsg(run), "order-7");
        dur_close_run(run);
        run = begin_open(log);
        assert_refused(DUR_MISUSE, dur_set_output(run, wrong[i]), log, "output");
        dur_close_run(run);
        run = begin_open(log);
        assert_refused(DUR_MISUSE, dur_complete_run(run, wrong[i]), log, "output");
        dur_close_run(run);
        host_run(host->db, "DELETE FROM durable_runs");
    }
    dur_close(log);
}

/* Nothing is not NULL: text and blobs of 0 bytes keep their type wherever a value goes. */
static void law9_values_of_no_bytes(void **state)
{
    const dur_value values[] = {dur_text(""), dur_text_n(NULL, 0), dur_blob("", 0),
                                dur_blob(NULL, 0), dur_null()};
    test_host *host = *state;

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        dur_log *log = host_log(host);
        dur_start_options start = DUR_START_OPTIONS_INIT;
        dur_run_info info = DUR_RUN_INFO_INIT;
        dur_run *run = NULL;
        dur_step *step = NULL;

        start.input = values[i];
        assert_code(DUR_OK, dur_begin_run(log, "w", "r", &start, &run), log);
        assert_int_equal(values[i].type, dur_input(run).type);
        assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "s", NULL, &step));
        assert_code(DUR_OK, dur_record_result(step, values[i]), log);
        dur_close_run(run);
        assert_code(DUR_OK, dur_begin_run(log, "w", "r", &start, &run), log);
        assert_int_equal(DUR_REPLAYED, dur_begin_step(run, "s", NULL, &step));
        assert_int_equal(values[i].type, dur_step_value(step).type);
        assert_int_equal(0, dur_step_value(step).length);
        assert_code(DUR_OK, dur_complete_run(run, values[i]), log);
        dur_close_run(run);
        assert_int_equal(values[i].type, dur_output(log).type);
        assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
        assert_int_equal(values[i].type, info.input.type);
        assert_int_equal(values[i].type, info.output.type);
        dur_close(log);
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    }
}

/* ---- Structs --------------------------------------------------------------------------------- */

static void law9_structs_without_their_size(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    dur_log *log = (dur_log *)(uintptr_t)host;
    dur_start_options start;
    dur_step_options step_options;
    dur_run_info info;
    dur_run *run = NULL;
    dur_step *step = NULL;

    memset(&start, 0, sizeof start);
    memset(&step_options, 0, sizeof step_options);
    memset(&info, 0, sizeof info);
    options.size = 0;
    assert_refused(DUR_MISUSE, dur_open(host->db, &options, &log), log, "INIT");
    assert_refused(DUR_MISUSE, dur_begin_run(log, "w", "r", NULL, &run), log, "INIT");
    assert_refused(DUR_MISUSE, dur_read_run(log, "r", &info), log, "INIT");
    dur_close(log);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM sqlite_schema"));

    log = host_log(host);
    assert_refused(DUR_MISUSE, dur_begin_run(log, "w", "r", &start, &run), log, "INIT");
    assert_refused(DUR_MISUSE, dur_read_run(log, "r", &info), log, "INIT");
    run = begin_open(log);
    assert_refused(DUR_MISUSE, dur_begin_step(run, "s", &step_options, &step), log, "INIT");
    dur_close_run(run);
    dur_close(log);
}

static void law9_options_out_of_range(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    dur_log *log = NULL;
    dur_step_options step_options = DUR_STEP_OPTIONS_INIT;
    dur_run *run;
    dur_step *step = NULL;

    options.lease_ms = -1;
    assert_refused(DUR_MISUSE, dur_open(host->db, &options, &log), log, "lease_ms");
    dur_close(log);
    log = host_log(host);
    run = begin_open(log);
    step_options.lease_ms = -1;
    assert_refused(DUR_MISUSE, dur_begin_step(run, "s", &step_options, &step), log, "lease_ms");
    dur_close_run(run);
    dur_close(log);
}

/* The largest durations overflow nothing. */
static void law9_options_at_the_end_of_their_range(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    dur_step_options step_options = DUR_STEP_OPTIONS_INIT;
    dur_log *log = NULL;
    dur_run *run;
    dur_step *step = NULL;

    options.lease_ms = INT64_MAX;
    options.busy_wait_ms = INT64_MAX;
    step_options.lease_ms = INT64_MAX;
    assert_code(DUR_OK, dur_open(host->db, &options, &log), log);
    run = begin_open(log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "s", &step_options, &step));
    host->clock.now_ms += INT64_C(1000000000000);
    assert_code(DUR_OK, dur_record_result(step, dur_null()), log);
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), log);
    dur_close_run(run);
    dur_close(log);
}

/* Clocks that stand before 1970 or at the end of time are no reason to fall over. */
static void law9_clocks_that_are_off(void **state)
{
    static const int64_t times[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    test_host *host = *state;
    dur_log *log = host_log(host);
    char id[16];

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        test_script script = script_for(host);

        host->clock.now_ms = times[i];
        snprintf(id, sizeof id, "r%d", (int)i);
        assert_code(DUR_OK, dur_execute(log, "w", id, NULL, script_workflow, &script), log);
        assert_bodies(&script, 1, 1, 1, 1);
    }
    dur_close(log);
}

static void law9_a_schema_that_is_not_there(void **state)
{
    static const char *const schemas[] = {"nowhere", "", "main\" --", "main;"};
    test_host *host = *state;

    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        dur_options options = host_options(host);
        dur_log *log = NULL;
        int code;

        options.schema = schemas[i];
        code = dur_open(host->db, &options, &log);
        assert_true(code < 0);
        if (log) assert_message(dur_errmsg(log), schemas[i]);
        dur_close(log);
    }
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM sqlite_schema"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(law9_null_handles),
        IN_MEMORY(law9_null_run_frees_what_it_is_given),
        IN_MEMORY(law9_null_arguments),
        IN_MEMORY(law9_names_out_of_bounds),
        IN_MEMORY(law9_names_within_bounds),
        IN_MEMORY(law9_ids_are_told_apart),
        IN_MEMORY(law9_values_that_are_none),
        IN_MEMORY(law9_values_of_no_bytes),
        IN_MEMORY(law9_structs_without_their_size),
        IN_MEMORY(law9_options_out_of_range),
        IN_MEMORY(law9_options_at_the_end_of_their_range),
        IN_MEMORY(law9_clocks_that_are_off),
        IN_MEMORY(law9_a_schema_that_is_not_there),
    };

    return cmocka_run_group_tests_name("bad input", tests, NULL, NULL);
}
