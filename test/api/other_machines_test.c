/* test/api: law 10, logs written on machines of another byte order and another word size. The files
 * and the program that wrote them are in test/support/other_machines. */
#include "api/machines.h"

#include "support/other_machines/calls.h"
#include "support/other_machines/doubts.h"
#include "support/other_machines/waits.h"
#include "support/other_machines/workflow.h"

static void assert_seen(const machine_seen *seen)
{
    assert_true(seen->least == INT64_MIN);
    assert_true(seen->most == UINT64_MAX);
    assert_true(seen->nan_bits == UINT64_C(0xFFF8000000000123));
    assert_true(seen->small <= -DBL_MIN && seen->small >= -DBL_MIN);
    assert_true(seen->third <= 1.0F / 3 && seen->third >= 1.0F / 3);
    assert_true(seen->truth);
    assert_memory_equal(seen->name, "8 bytes!", 8);
    assert_string_equal(seen->text, "gr\xc3\xbc\xc3\x9f dich");
    assert_int_equal(3, seen->blob_length);
    assert_string_equal(seen->caught, "out of paper");
}

static void assert_replays_up_to_the_object(test_host *host, const char *name)
{
    machine_seen seen;
    const dur_divergence *report;
    dur_log *log;

    load(host, name);
    log = host_log(host);
    memset(&seen, 0, sizeof seen);
    assert_code(DUR_MISMATCH, dur_execute(log, "machines", "the-run", NULL, see_everything, &seen),
                log);
    assert_has(dur_errmsg(log), "byte order");
    assert_int_equal(0, seen.bodies);
    assert_int_equal(0, seen.pair.first);
    assert_seen(&seen);
    report = dur_get_divergence(log);
    assert_non_null(report);
    assert_int_equal(DUR_CHANGE_RETYPED, report->change);
    assert_int_equal(11, report->position);
    dur_close(log);
}

/* What was over when the first machine stopped; and the callback's token, if it came so far. */
static void assert_waited(const waits_seen *seen)
{
    assert_true(seen->order == UINT64_MAX);
    assert_string_equal(seen->rejection, "no cover");
    assert_int_equal(1, seen->chosen);
    assert_true(seen->answered_bits == UINT64_C(0xFFF8000000000456));
    assert_int_equal(DUR_TIMED_OUT, seen->timed_out);
}

/* The third attempt is due a retry's second pause after the second one; the run, which the first
 * machine has left, then goes on: from the attempt, to the buffered signal, to the callback. */
static void assert_waits_go_on(test_host *host, dur_log *log)
{
    dur_signal_options again = DUR_SIGNAL_OPTIONS_INIT;
    dur_run_info info = DUR_RUN_INFO_INIT;
    waits_seen seen;

    host->clock.now_ms = FAKE_CLOCK_START_MS + 4 * WAITS_DAY_MS - 1;
    assert_code(DUR_SUSPENDED, execute_waits(log, &seen), log);
    assert_int_equal(0, seen.timed_out); /* the function was not called */
    assert_code(DUR_OK, dur_read_run(log, WAITS_ID, &info), log);
    assert_int_equal(DUR_RUN_SUSPENDED, info.status);
    assert_true(info.wake_ms == FAKE_CLOCK_START_MS + 4 * WAITS_DAY_MS);

    fake_clock_advance(&host->clock, 1);
    assert_code(DUR_SUSPENDED, execute_waits(log, &seen), log);
    assert_waited(&seen);
    assert_int_equal(1, seen.bodies);
    assert_int_equal(3, seen.attempt);
    assert_true(seen.details == UINT64_MAX);
    assert_string_equal(seen.last_failure, "gr\xc3\xbc\xc3\x9f dich 2");
    assert_int_equal(3, seen.late_length);
    assert_code(DUR_OK, dur_read_run(log, WAITS_ID, &info), log);
    assert_true(info.wake_ms == FAKE_CLOCK_START_MS + 502 * WAITS_DAY_MS); /* its heartbeat */
    again.key = "once";
    assert_code(DUR_REPLAYED, dur_signal(log, WAITS_ID, "late", dur_null(), &again), log);

    assert_code(DUR_OK, dur_complete_callback(log, seen.token, dur_text("granted")), log);
    assert_code(DUR_OK, execute_waits(log, &seen), log);
    assert_waited(&seen);
    assert_int_equal(0, seen.bodies);
    assert_string_equal(seen.answer, "granted");
    assert_code(DUR_ENDED, dur_complete_callback(log, seen.token, dur_null()), log);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_pending_view"
                                              " WHERE run_id = %Q", WAITS_ID));
}

static void assert_called(const calls_seen *seen)
{
    assert_int_equal(0, seen->ended);
    assert_true(seen->output == UINT64_MAX);
    assert_string_equal(seen->failure, "gr\xc3\xbc\xc3\x9f dich");
    assert_int_equal(DUR_ALL_COMPLETED, seen->reason);
    assert_true(seen->branch_bits == UINT64_C(0xFFF8000000000456));
    assert_string_equal(seen->branch_failure, "no input");
    assert_string_equal(seen->before, "the wait");
}

/* What has ended is not called again. The child that waits, until its deadline, gets its signal,
 * for which a worker takes up its parent. */
static void assert_calls_go_on(test_host *host, dur_log *log)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    calls_seen seen;

    memset(&seen, 0, sizeof seen);
    assert_code(DUR_OK, dur_register(log, "calls", see_calls, &seen), log);
    assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    assert_int_equal(0, seen.output); /* the function was not called */
    assert_code(DUR_OK, dur_read_run(log, CALLS_ID, &info), log);
    assert_int_equal(DUR_RUN_SUSPENDED, info.status);
    assert_true(info.wake_ms == FAKE_CLOCK_START_MS + 1000 * WAITS_DAY_MS);
    assert_code(DUR_OK, dur_read_run(log, CALLS_OPEN_ID, &info), log);
    assert_true(info.deadline_ms == FAKE_CLOCK_START_MS + 1000 * WAITS_DAY_MS);

    assert_code(DUR_OK, dur_signal(log, CALLS_OPEN_ID, "go", dur_text_n("a\0b", 3), NULL), log);
    assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    assert_called(&seen);
    assert_int_equal(3, seen.go_length);
    assert_int_equal(1, seen.bodies);
    assert_code(DUR_OK, dur_read_run(log, CALLS_ID, &info), log);
    assert_int_equal(DUR_COMPLETED, info.status);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_runs_view WHERE ended"
                                              " IS NULL AND parent NOT NULL"));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_pending_view"
                                              " WHERE run_id GLOB %Q", CALLS_ID "*"));
}

/* The doubt stays one until somebody answers; an answer that was given there is taken up here. What
 * was booked there in the step's own transaction is not booked again. */
static void assert_doubts_go_on(test_host *host, dur_log *log)
{
    doubts_seen seen;

    assert_code(DUR_PARKED, execute_doubt(log, DOUBT_ID, host->db, false, &seen), log);
    assert_has(dur_errmsg(log), "position 2, step \"charge\": in doubt");
    assert_int_equal(0, seen.bodies);
    assert_int_equal(100, seen.booked);
    assert_code(DUR_OK, dur_resolve_step(log, DOUBT_ID, 2, DUR_EXECUTE, dur_null(), NULL), log);
    assert_code(DUR_OK, execute_doubt(log, DOUBT_ID, host->db, false, &seen), log);
    assert_int_equal(1, seen.bodies);
    assert_true(seen.charged_bits == UINT64_C(0x3FE0000000000000));

    assert_code(DUR_OK, execute_doubt(log, ANSWERED_ID, host->db, false, &seen), log);
    assert_int_equal(0, seen.bodies);
    assert_int_equal(100, seen.booked);
    assert_true(seen.charged_bits == UINT64_C(0xFFF8000000000456));
    assert_int_equal(2, host_number(host->db, "SELECT count(*) FROM ledger"));
}

/* The one has ended there; the other one, which was asked to, cleans up and is undone here. */
static void assert_ends_go_on(test_host *host, dur_log *log)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    doubts_seen seen;

    assert_code(DUR_CANCELLED, execute_end(log, CANCELLED_ID, &seen), log);
    assert_string_equal("cancelled", dur_errmsg(log));
    assert_int_equal(0, seen.bodies);
    assert_true(seen.undone == 0);
    assert_code(DUR_OK, dur_read_run(log, CANCELLING_ID, &info), log);
    assert_int_equal(DUR_RUN_SUSPENDED, info.status);
    assert_true(info.cancelling);
    assert_code(DUR_CANCELLED, execute_end(log, CANCELLING_ID, &seen), log);
    assert_int_equal(1, seen.bodies);
    assert_true(seen.undone == UINT64_MAX);
    for (int i = 0; i < 2; i++)
        assert_int_equal(4, host_number(host->db, "SELECT count(*) FROM durable_steps_view"
                                                  " WHERE run_id = %Q",
                                        i ? CANCELLED_ID : CANCELLING_ID));
}

static void law10_a_log_of_a_big_endian_machine(void **state)
{
    assert_replays_up_to_the_object(*state, "big_endian_64.db");
}

static void law10_a_log_of_a_32_bit_machine(void **state)
{
    assert_replays_up_to_the_object(*state, "little_endian_32.db");
}

/* The same on one machine: everything is replayed, the object too. */
static void law10_a_log_of_this_machine(void **state)
{
    test_host *host = *state;
    machine_seen seen;
    dur_log *log = host_log(host);

    for (int pass = 0; pass < 2; pass++) {
        memset(&seen, 0, sizeof seen);
        assert_code(DUR_STOPPED,
                    dur_execute(log, "machines", "the-run", NULL, see_everything, &seen), log);
        assert_int_equal(pass == 0 ? 11 : 0, seen.bodies);
        assert_seen(&seen);
        assert_int_equal(2, seen.pair.second);
    }
    dur_close(log);
}

/* Law 10: what is pending, buffered and awaited there goes on here. */
static void law10_a_run_that_waits_on_a_big_endian_machine(void **state)
{
    assert_goes_on(*state, "big_endian_64.db", assert_waits_go_on);
}

static void law10_a_run_that_waits_on_a_32_bit_machine(void **state)
{
    assert_goes_on(*state, "little_endian_32.db", assert_waits_go_on);
}

static void law10_a_run_that_waits_on_this_machine(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    waits_seen seen;

    assert_code(DUR_OK, wait_on_this_machine(log, &host->clock.now_ms, &seen), log);
    dur_close(log);
    log = host_log(host);
    assert_waits_go_on(host, log);
    dur_close(log);
}

/* Law 10: children, branches and their outcomes. */
static void law10_calls_of_a_big_endian_machine(void **state)
{
    assert_goes_on(*state, "big_endian_64.db", assert_calls_go_on);
}

static void law10_calls_of_a_32_bit_machine(void **state)
{
    assert_goes_on(*state, "little_endian_32.db", assert_calls_go_on);
}

static void law10_calls_of_this_machine(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    assert_code(DUR_OK, call_on_this_machine(log), log);
    dur_close(log);
    log = host_log(host);
    assert_calls_go_on(host, log);
    dur_close(log);
}

/* Law 10: transactional steps, and steps that may run at most once. */
static void law10_doubts_of_a_big_endian_machine(void **state)
{
    assert_goes_on(*state, "big_endian_64.db", assert_doubts_go_on);
}

static void law10_doubts_of_a_32_bit_machine(void **state)
{
    assert_goes_on(*state, "little_endian_32.db", assert_doubts_go_on);
}

static void law10_doubts_of_this_machine(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    assert_code(DUR_OK, doubt_on_this_machine(log, host->db), log);
    dur_close(log);
    log = host_log(host);
    assert_doubts_go_on(host, log);
    dur_close(log);
}

/* Law 10: runs that are asked to end, and are undone. */
static void law10_ends_of_a_big_endian_machine(void **state)
{
    assert_goes_on(*state, "big_endian_64.db", assert_ends_go_on);
}

static void law10_ends_of_a_32_bit_machine(void **state)
{
    assert_goes_on(*state, "little_endian_32.db", assert_ends_go_on);
}

static void law10_ends_of_this_machine(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    assert_code(DUR_OK, cancel_on_this_machine(log), log);
    dur_close(log);
    log = host_log(host);
    assert_ends_go_on(host, log);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(law10_a_log_of_a_big_endian_machine),
        IN_MEMORY(law10_a_log_of_a_32_bit_machine),
        IN_MEMORY(law10_a_log_of_this_machine),
        IN_MEMORY(law10_a_run_that_waits_on_a_big_endian_machine),
        IN_MEMORY(law10_a_run_that_waits_on_a_32_bit_machine),
        IN_MEMORY(law10_a_run_that_waits_on_this_machine),
        IN_MEMORY(law10_calls_of_a_big_endian_machine),
        IN_MEMORY(law10_calls_of_a_32_bit_machine),
        IN_MEMORY(law10_calls_of_this_machine),
        IN_MEMORY(law10_doubts_of_a_big_endian_machine),
        IN_MEMORY(law10_doubts_of_a_32_bit_machine),
        IN_MEMORY(law10_doubts_of_this_machine),
        IN_MEMORY(law10_ends_of_a_big_endian_machine),
        IN_MEMORY(law10_ends_of_a_32_bit_machine),
        IN_MEMORY(law10_ends_of_this_machine),
    };

    return cmocka_run_group_tests_name("other machines", tests, NULL, NULL);
}
