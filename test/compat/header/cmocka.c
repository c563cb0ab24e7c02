/* test/compat: durable_cmocka.h by itself, before anything else of cmocka's, and each of its
 * assertions, with every warning, in C and C++. */
#include <durable_cmocka.h>

#ifdef __cplusplus
#define NOTHING nullptr
#else
#define NOTHING NULL
#endif

void assert_all(dur_log *log, dur_workflow *fn);

void assert_all(dur_log *log, dur_workflow *fn)
{
    dur_check_options options = DUR_CHECK_OPTIONS_INIT;
    dur_log *recording = dur_assert_recording("a.jsonl");

    dur_assert_replays("a.jsonl", fn, NOTHING);
    dur_assert_replays_with("a.jsonl", "order", &options, fn, NOTHING);
    dur_assert_goes_on_at("a.jsonl", fn, NOTHING, 3);
    dur_assert_diverges("a.jsonl", fn, NOTHING, 2, DUR_CHANGE_INSERTED);
    dur_assert_diverges_with("a.jsonl", "order", &options, fn, NOTHING, 2, DUR_CHANGE_INPUT);
    dur_assert_log_replays(log, "order", &options, fn, NOTHING);
    dur_assert_all_replay(log);
    dur_assert_steps(recording, "42", "charge", "ship", NOTHING);
    dur_assert_steps(recording, "43", NOTHING);
    dur_assert_step_count(log, "42", "ship", 1);
    dur_assert_step_value(log, "42", "charge", 1, dur_unsigned(1));
    dur_assert_step_null(log, "42", "charge", 1);
    dur_assert_step_integer(log, "42", "charge", 1, 4711);
    dur_assert_step_real(log, "42", "charge", 1, 0.5);
    dur_assert_step_text(log, "42", "charge", 1, "4711");
    dur_assert_step_blob(log, "42", "charge", -1, "4711", 4);
    dur_assert_step_failed(log, "42", "charge", 1, "declined");
    dur_assert_step_timed_out(log, "42", "charge", 1);
    dur_assert_status(log, "42", DUR_COMPLETED);
    dur_assert_input(log, "42", dur_null());
    dur_assert_output(log, "42", dur_null());
    dur_assert_failure(log, "42", "declined");
    dur_close(recording);
}
