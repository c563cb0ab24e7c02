/* test/api: durable_cmocka.h: what its assertions pass, and the reports that they print. */
#include "api/asserted.h"

/* ---- They pass ---- */

static void a_function_that_fits(void **state)
{
    fixture it = fixture_of(*state, false);
    shop here = {FIRST, 0, false};

    dur_assert_replays(it.path, order, &here);
    assert_int_equal(1100, here.bodies); /* what was caught and timed out, but no body */
    drop(&it);
}

static void a_function_that_fits_by_options(void **state)
{
    fixture it = fixture_of(*state, false);
    dur_check_options options = DUR_CHECK_OPTIONS_INIT;
    shop here = {FIRST, 0, false};

    options.run_id = "42";
    options.strictness = DUR_CHECK_SIZES;
    dur_assert_replays_with(it.path, "order", &options, order, &here);
    here.edition = ANOTHER_AMOUNT;
    dur_assert_replays(it.path, order, &here); /* names only */
    dur_assert_diverges_with(it.path, "order", &options, order, &here, 1, DUR_CHANGE_INPUT);
    here.edition = RENAMED; /* behind position 7 */
    options.until = 7;
    options.strictness = DUR_CHECK_NAMES;
    dur_assert_replays_with(it.path, NULL, &options, order, &here);
    drop(&it);
}

static void a_function_that_goes_on_behind_the_record(void **state)
{
    fixture it = fixture_of(*state, true);
    shop here = {FIRST, 0, true};

    dur_assert_goes_on_at(it.path, order, &here, 11);
    dur_assert_replays(it.path, order, &here);
    drop(&it);
}

static void a_function_that_does_not_fit(void **state)
{
    fixture it = fixture_of(*state, false);
    shop here = {WITH_FRAUD, 0, false};

    dur_assert_diverges(it.path, order, &here, 1, DUR_CHANGE_INSERTED);
    here.edition = SHORT;
    dur_assert_diverges(it.path, order, &here, 10, DUR_CHANGE_ENDED_EARLY);
    drop(&it);
}

static void open_runs_of_a_log(void **state)
{
    test_host *host = *state;
    fixture it = fixture_of(host, true);
    dur_log *log = host_log(host);
    shop here = {FIRST, 0, true};

    assert_code(DUR_OK, dur_register(log, "order", order, &here), log);
    dur_assert_all_replay(log);
    dur_assert_log_replays(log, "order", NULL, order, &here);
    dur_close(log);
    drop(&it);
}

static void what_is_recorded(void **state)
{
    static const unsigned char seal[] = {0, 1, 255};
    fixture it = fixture_of(*state, false);
    dur_log *log = dur_assert_recording(it.path);

    dur_assert_steps(log, "42", "charge", "weigh", "note", "seal", "nothing", "insure", "hurry",
                     "ship", "ship", "ship", NULL);
    dur_assert_step_count(log, "42", "ship", 3);
    dur_assert_step_count(log, "42", "fraud", 0);
    dur_assert_step_integer(log, "42", "charge", 1, 4711);
    dur_assert_step_integer(log, "42", "ship", 2, 20);
    dur_assert_step_integer(log, "42", "ship", -1, 30);
    dur_assert_step_real(log, "42", "weigh", 1, 0.1);
    dur_assert_step_text(log, "42", "note", -1,
                         "fragile: two eggs, and a letter to whom it may concern");
    dur_assert_step_blob(log, "42", "seal", 1, seal, sizeof seal);
    dur_assert_step_null(log, "42", "nothing", 1);
    dur_assert_step_failed(log, "42", "insure", 1, "too fragile");
    dur_assert_step_timed_out(log, "42", "hurry", 1);
    dur_assert_status(log, "42", DUR_COMPLETED);
    dur_assert_input(log, "42", dur_integer(17));
    dur_assert_output(log, "42", dur_text("sent"));
    dur_close(log);
    drop(&it);
}

/* ---- They fail ---- */

static void diverge(fixture *it, dur_log *log)
{
    shop here = {WITH_FRAUD, 0, false};

    (void)log;
    AT(dur_assert_replays(it->path, order, &here));
}

static void the_whole_report_is_printed(void **state)
{
    fixture it = fixture_of(*state, false);
    shop here = {WITH_FRAUD, 0, false};
    dur_log *log = dur_assert_recording(it.path);
    dur_report *report = NULL;
    char expected[4000];

    assert_code(DUR_DIVERGED, dur_replay_check(log, NULL, NULL, order, &here, &report), log);
    snprintf(expected, sizeof expected,
             "%s: the code does not fit what is recorded:\n%s\n", it.path,
             dur_report_text(report));
    dur_free_report(report);
    dur_close(log);
    forget_lines(expected);
    assert_fails(&it, diverge, expected);
    drop(&it);
}

static void expect_other_divergence(fixture *it, dur_log *log)
{
    shop here = {WITH_FRAUD, 0, false};

    (void)log;
    AT(dur_assert_diverges(it->path, order, &here, 2, DUR_CHANGE_REMOVED));
}

static void expect_to_go_on(fixture *it, dur_log *log)
{
    shop here = {FIRST, 0, false};

    (void)log;
    AT(dur_assert_goes_on_at(it->path, order, &here, 11));
}

static void expect_a_file(fixture *it, dur_log *log)
{
    (void)it, (void)log;
    AT(dur_assert_recording("no-such-file.jsonl"));
}

static void expect_a_workflow(fixture *it, dur_log *log)
{
    shop here = {FIRST, 0, false};

    AT(dur_assert_log_replays(log, "delivery", NULL, order, &here));
    (void)it;
}

static void what_was_expected_of_the_check_is_told(void **state)
{
    fixture it = fixture_of(*state, false);
    char expected[600];

    snprintf(expected, sizeof expected,
             "%s: the code was expected to diverge at position 2, by DUR_CHANGE_REMOVED, and not by"
             " DUR_CHANGE_INSERTED:\n",
             it.path);
    assert_begins(&it, expect_other_divergence, expected);
    snprintf(expected, sizeof expected,
             "%s: the code was expected to go on at position 11:\n"
             "run \"42\" fits: the code comes to the recorded end\n",
             it.path);
    assert_fails(&it, expect_to_go_on, expected);
    assert_begins(&it, expect_a_file, "no-such-file.jsonl cannot be opened: DUR_IOERR:\n");
    assert_begins(&it, expect_a_workflow, "the log: the replay check gave DUR_NOT_FOUND:\n");
    drop(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(a_function_that_fits),
        IN_MEMORY(a_function_that_fits_by_options),
        IN_MEMORY(a_function_that_goes_on_behind_the_record),
        IN_MEMORY(a_function_that_does_not_fit),
        IN_MEMORY(open_runs_of_a_log),
        IN_MEMORY(what_is_recorded),
        IN_MEMORY(the_whole_report_is_printed),
        IN_MEMORY(what_was_expected_of_the_check_is_told),
    };

    return cmocka_run_group_tests_name("cmocka", tests, NULL, NULL);
}
