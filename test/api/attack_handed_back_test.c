/* test/api: what the library handed out is handed back to it: outputs, inputs and ids that live
 * only until the next call are the arguments of that very call. */
#include "api/script.h"

static const char *const long_name = "the-second-run-with-a-name-too-long-for-any-small-buffer";

static int give(dur_run *run, void *user)
{
    return dur_set_output(run, dur_text(user));
}

/* A run that gives this text, so that it is the log's output. */
static void give_output(dur_log *log, const char *run_id, const char *text)
{
    assert_code(DUR_OK, dur_execute(log, "w", run_id, NULL, give, (void *)(uintptr_t)text), log);
    assert_string_equal(text, dur_as_text(dur_output(log)));
}

static int pass_input_on(dur_run *run, void *user)
{
    (void)user;
    return dur_set_output(run, dur_input(run));
}

static void assert_read(dur_log *log, const char *run_id, const char *input, const char *output)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_OK, dur_read_run(log, run_id, &info), log);
    if (input) assert_string_equal(input, dur_as_text(info.input));
    if (output) assert_string_equal(output, dur_as_text(info.output));
}

/* Law 9: the output of one run is the input of the next. */
static void law9_an_output_as_input(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_run *run = NULL;

    for (int again = 0; again < 2; again++) { /* started, then found with an equal input */
        give_output(log, "first", long_name);
        start.input = dur_output(log);
        assert_code(DUR_OK, dur_execute(log, "w", "second", &start, pass_input_on, NULL), log);
        assert_read(log, "second", long_name, long_name);

        give_output(log, "first", long_name);
        start.input = dur_output(log);
        assert_code(DUR_OK, dur_begin_run(log, "w", "third", &start, &run), log);
        assert_string_equal(long_name, dur_as_text(dur_input(run)));
        dur_close_run(run);
        assert_read(log, "third", long_name, NULL);
    }
    dur_close(log);
}

/* Law 9: the output of a run is the output of another one. */
static void law9_an_output_as_output(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "outer", NULL, &run), log);
    give_output(log, "inner", long_name);
    assert_code(DUR_OK, dur_complete_run(run, dur_output(log)), log);
    assert_string_equal(long_name, dur_as_text(dur_output(log)));
    dur_close_run(run);
    assert_read(log, "outer", NULL, long_name);
    dur_close(log);
}

/* Law 9: the output names the next run, and its workflow. */
static void law9_an_output_as_a_name(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;

    for (int again = 0; again < 2; again++) {
        const char *name;

        give_output(log, "first", long_name);
        name = dur_as_text(dur_output(log));
        assert_code(DUR_OK, dur_execute(log, name, name, NULL, pass_input_on, NULL), log);
        assert_read(log, long_name, NULL, NULL);
    }
    give_output(log, "also first", "next");
    assert_code(DUR_OK, dur_begin_run(log, "w", dur_as_text(dur_output(log)), NULL, &run), log);
    assert_string_equal("next", dur_run_id(run));
    dur_close_run(run);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_runs WHERE id = %Q "
                                              "AND workflow = id", long_name));
    dur_close(log);
}

/* Law 9: a chain of runs is walked; each one's info names the next. */
static void law9_a_run_read_names_the_next(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;

    give_output(log, "first", long_name);
    give_output(log, long_name, "last");
    give_output(log, "last", "");
    for (int again = 0; again < 2; again++) {
        assert_code(DUR_OK, dur_read_run(log, "first", &info), log);
        assert_code(DUR_OK, dur_read_run(log, dur_as_text(info.output), &info), log);
        assert_code(DUR_OK, dur_read_run(log, dur_as_text(info.output), &info), log);
        assert_string_equal("", dur_as_text(info.output));
        assert_code(DUR_NOT_FOUND, dur_read_run(log, info.workflow, &info), log);
        assert_has(dur_errmsg(log), "\"w\"");
    }
    assert_code(DUR_OK, dur_read_run(log, "first", &info), log);
    assert_code(DUR_OK,
                dur_execute(log, info.workflow, dur_as_text(info.output), NULL, give, NULL), log);
    assert_string_equal("last", dur_as_text(dur_output(log)));
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(law9_an_output_as_input),
        IN_EVERY_JOURNAL(law9_an_output_as_output),
        IN_EVERY_JOURNAL(law9_an_output_as_a_name),
        IN_EVERY_JOURNAL(law9_a_run_read_names_the_next),
    };

    return cmocka_run_group_tests_name("attack_handed_back", tests, NULL, NULL);
}
