/* test/api: steps in doubt, on SQLite: what a person sees of them, and how the answer gets into the
 * log; and the verify function. */
#include "api/charge.h"

#include <math.h>

/* ---- What a person sees, and answers -------------------------------------------------------- */

static void a_doubt_is_seen_in_any_client(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_OK, dur_read_run(log, "order-1", &info), log);
    assert_int_equal(DUR_RUN_PARKED, info.status);
    assert_has(info.failure, "position 1, step \"charge\": in doubt: the process ended before its"
                             " outcome was recorded; parked: find out whether it was done, and"
                             " answer by dur_resolve_step()");
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_pending_view WHERE"
                                              " run_id = 'order-1' AND position = 1 AND name ="
                                              " 'charge' AND kind = 'step' AND attempts = 0"));
    dur_close(log);
}

static void assert_same_value(dur_value expected, dur_value actual)
{
    assert_int_equal(expected.type, actual.type);
    assert_int_equal(expected.length, actual.length);
    if (expected.type >= DUR_TEXT)
        assert_memory_equal(expected.as.bytes, actual.as.bytes, expected.length);
    else
        assert_memory_equal(&expected.as, &actual.as, sizeof expected.as.integer);
}

/* Every kind of value is an answer, and comes back as it was given. */
static void an_answer_is_any_value(void **state)
{
    static const struct { int64_t a; char b[8]; } object = {7, "seven"};
    const dur_value values[] = {
        dur_null(), dur_integer(INT64_MIN), dur_unsigned(UINT64_MAX), dur_real((double)NAN),
        dur_real(-0.0), dur_text(""), dur_text("gr\xc3\xbc\xc3\x9f"), dur_text_n("a\0b\xff", 4),
        dur_blob("\0\1\2", 3), dur_object(&object, sizeof object)};
    test_host *host = *state;

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        order it;
        dur_log *log = parked(host, &it);

        assert_code(DUR_OK, dur_resolve_step(log, "order-1", 1, DUR_OK, values[i], NULL), log);
        assert_code(DUR_OK, execute(log, &it), log);
        assert_same_value(values[i], dur_output(log));
        assert_int_equal(it.bodies, 1);
        dur_close(log);
        log = host_log(host);
        assert_code(DUR_OK, execute(log, &it), log);
        assert_same_value(values[i], dur_output(log));
        dur_close(log);
        host_run(host->db, "DELETE FROM durable_runs WHERE id = 'order-1'");
    }
}

static void a_failure_is_an_answer(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);

    assert_code(DUR_OK,
                dur_resolve_step(log, "order-1", 1, DUR_FAILED, dur_null(), "no such card"), log);
    assert_code(DUR_FAILED, execute(log, &it), log);
    assert_string_equal(dur_errmsg(log), "no such card");
    assert_int_equal(it.bodies, 1);
    dur_close(log);
}

static void not_done_is_an_answer(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);

    assert_code(DUR_OK, dur_resolve_step(log, "order-1", 1, DUR_EXECUTE, dur_null(), NULL), log);
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(it.bodies, 2);
    assert_int_equal(it.pending, 1);
    assert_int_equal(1, host_number(host->db, "SELECT attempt FROM durable_steps_view WHERE"
                                              " position = 1"));
    dur_close(log);
}

static void workers_take_up_what_was_answered(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);
    dur_run_info info = DUR_RUN_INFO_INIT;
    int64_t next_wake_ms = 0;

    assert_code(DUR_OK, dur_register(log, "charge", charge, &it), log);
    assert_code(DUR_OK, dur_work(log, NULL, &next_wake_ms), log);
    assert_int_equal(next_wake_ms, -1);
    assert_code(DUR_OK, dur_resolve_step(log, "order-1", 1, DUR_OK, dur_text("paid"), NULL), log);
    assert_code(DUR_OK, dur_read_run(log, "order-1", &info), log);
    assert_int_equal(info.status, DUR_RUNNING);
    assert_true(info.wake_ms == host->clock.now_ms);
    assert_null(info.failure);
    assert_code(DUR_OK, dur_work(log, NULL, &next_wake_ms), log);
    assert_code(DUR_OK, dur_read_run(log, "order-1", &info), log);
    assert_int_equal(info.status, DUR_COMPLETED);
    assert_string_equal(it.text, "paid");
    dur_close(log);
}

/* An answer of the host's own transaction is as durable as that. */
static void an_answer_may_be_rolled_back(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);

    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, dur_resolve_step(log, "order-1", 1, DUR_OK, dur_text("no"), NULL), log);
    host_run(host->db, "ROLLBACK");
    assert_code(DUR_PARKED, execute(log, &it), log);
    assert_code(DUR_OK, dur_resolve_step(log, "order-1", 1, DUR_OK, dur_text("yes"), NULL), log);
    assert_code(DUR_OK, execute(log, &it), log);
    assert_string_equal(it.text, "yes");
    dur_close(log);
}

static void refused(dur_log *log, int code, const char *run_id, int64_t position, int answer,
                    dur_value value, const char *message, const char *says)
{
    assert_code(code, dur_resolve_step(log, run_id, position, answer, value, message), log);
    assert_has(dur_errmsg(log), says);
}

/* Law 9. */
static void wrong_answers_are_refused(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);
    const dur_value null = dur_null();
    dur_value wrong = null;
    char *before = host_log_rows(host->db, "main");

    wrong.type = (dur_type)99;
    assert_int_equal(DUR_MISUSE, dur_resolve_step(NULL, "order-1", 1, DUR_OK, null, NULL));
    refused(log, DUR_MISUSE, NULL, 1, DUR_OK, null, NULL, "the run id must be");
    refused(log, DUR_MISUSE, "order-1", 0, DUR_OK, null, NULL,
            "run \"order-1\", position 0: positions count from 1");
    refused(log, DUR_MISUSE, "order-1", 1, DUR_SUSPENDED, null, NULL,
            "the answer must be DUR_OK, DUR_FAILED or DUR_EXECUTE");
    refused(log, DUR_MISUSE, "order-1", 1, DUR_FAILED, dur_integer(1), "why",
            "a value goes with the answer DUR_OK only");
    refused(log, DUR_MISUSE, "order-1", 1, DUR_EXECUTE, dur_integer(1), NULL,
            "a value goes with the answer DUR_OK only");
    refused(log, DUR_MISUSE, "order-1", 1, DUR_OK, null, "why",
            "a message goes with the answer DUR_FAILED only");
    refused(log, DUR_MISUSE, "order-1", 1, DUR_OK, wrong, NULL, "the answer is no value (type 99)");
    refused(log, DUR_NOT_FOUND, "order-2", 1, DUR_OK, null, NULL,
            "run \"order-2\": there is no such run in this log");
    refused(log, DUR_ENDED, "order-1", 2, DUR_OK, null, NULL,
            "run \"order-1\": position 2: the run is not parked, or no step is in doubt there");
    refused(log, DUR_ENDED, "order-1", INT64_MAX, DUR_OK, null, NULL, "no step is in doubt there");
    assert_same(before, host_log_rows(host->db, "main"));
    dur_close(log);
}

static void an_answer_that_is_too_big_is_refused(void **state)
{
    test_host *host = *state;
    static char large[20000];
    order it;
    dur_log *log = parked(host, &it);
    int limit = sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, 10000);

    memset(large, 'x', sizeof large - 1);
    assert_code(DUR_TOO_BIG,
                dur_resolve_step(log, "order-1", 1, DUR_OK, dur_text(large), NULL), log);
    sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, limit);
    assert_code(DUR_PARKED, execute(log, &it), log);
    assert_code(DUR_OK, dur_resolve_step(log, "order-1", 1, DUR_OK, dur_text(large), NULL), log);
    /* Who cannot read it does not run the body instead. */
    sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, 10000);
    assert_int_not_equal(DUR_OK, execute(log, &it));
    sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, limit);
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(dur_output(log).length, sizeof large - 1);
    assert_int_equal(it.bodies, 1);
    dur_close(log);
}

/* ---- Verified ------------------------------------------------------------------------------- */

/* The outside world can be asked by the key that it was given. */
static void the_verify_function_has_the_bodys_key(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);

    it.in_doubt = DUR_IN_DOUBT_VERIFY;
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(it.bodies, 1);
    assert_int_equal(it.verified, 1);
    assert_string_equal(it.key, it.verified_key);
    assert_string_equal(it.text, "found");
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(it.verified, 1);
    dur_close(log);
}

/* ---- In a child ----------------------------------------------------------------------------- */

static int call_charge(dur_run *run, void *user)
{
    dur_value output;

    if (dur_call(run, "charge", NULL, charge, user, &output) == DUR_OK)
        dur_set_output(run, output);
    return 0;
}

/* A child in doubt parks its parent; the answer is given to the child, and makes both due. */
static void a_childs_doubt_is_answered_by_its_own_id(void **state)
{
    test_host *host = *state;
    order it = new_order(host);
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;

    it.unplugged = true;
    assert_code(DUR_STOPPED, dur_execute(log, "sell", "order-1", NULL, call_charge, &it), log);
    it.unplugged = false;
    assert_code(DUR_PARKED, dur_execute(log, "sell", "order-1", NULL, call_charge, &it), log);
    assert_has(dur_errmsg(log), "step \"charge\": in doubt");
    assert_code(DUR_ENDED, dur_resolve_step(log, "order-1", 1, DUR_OK, dur_null(), NULL), log);
    assert_code(DUR_OK, dur_register(log, "sell", call_charge, &it), log);
    assert_code(DUR_OK, dur_resolve_step(log, "order-1/1", 1, DUR_OK, dur_text("paid"), NULL),
                log);
    assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    assert_code(DUR_OK, dur_read_run(log, "order-1", &info), log);
    assert_int_equal(info.status, DUR_COMPLETED);
    assert_string_equal(dur_as_text(info.output), "paid");
    assert_int_equal(it.bodies, 1);
    dur_close(log);
}

/* ---- A value that does not fit --------------------------------------------------------------- */

static int count_charges(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    order *it = user;
    int count = 0;

    options.mode = DUR_AT_MOST_ONCE;
    DUR_STEP(run, "charge", count, &options) {
        it->bodies++;
        dur_stop(run, "unplugged");
    }
    return 0;
}

/* It is recorded, and so final; the code that asks for it is told, and nothing runs. */
static void an_answer_of_another_type_is_a_mismatch(void **state)
{
    test_host *host = *state;
    order it = new_order(host);
    dur_log *log = host_log(host);

    assert_code(DUR_STOPPED, dur_execute(log, "w", "r", NULL, count_charges, &it), log);
    assert_code(DUR_PARKED, dur_execute(log, "w", "r", NULL, count_charges, &it), log);
    assert_code(DUR_OK, dur_resolve_step(log, "r", 1, DUR_OK, dur_text("three"), NULL), log);
    assert_code(DUR_MISMATCH, dur_execute(log, "w", "r", NULL, count_charges, &it), log);
    assert_int_equal(it.bodies, 1);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(a_doubt_is_seen_in_any_client),
        IN_MEMORY(an_answer_is_any_value),
        IN_MEMORY(a_failure_is_an_answer),
        IN_MEMORY(not_done_is_an_answer),
        IN_EVERY_JOURNAL(workers_take_up_what_was_answered),
        IN_EVERY_JOURNAL(an_answer_may_be_rolled_back),
        IN_MEMORY(wrong_answers_are_refused),
        IN_MEMORY(an_answer_that_is_too_big_is_refused),
        IN_MEMORY(the_verify_function_has_the_bodys_key),
        IN_EVERY_JOURNAL(a_childs_doubt_is_answered_by_its_own_id),
        IN_MEMORY(an_answer_of_another_type_is_a_mismatch),
    };

    return cmocka_run_group_tests_name("api.in_doubt", tests, NULL, NULL);
}
