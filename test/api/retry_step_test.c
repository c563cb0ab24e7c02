/* test/api: trying again on SQLite: details of every type, attempts in a host's transaction, and
 * what any SQLite client sees. */
#include "api/script.h"

#include <stdlib.h>

typedef struct attempts {
    dur_retry policy;
    int failures;
    int64_t numbers[16];
    char last_failure[64];
    int calls;
    int64_t value;
} attempts;

static attempts attempts_for(int failures)
{
    const dur_retry policy = DUR_RETRY_INIT;
    attempts fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.policy = policy;
    fresh.policy.jitter = DUR_JITTER_NONE;
    fresh.failures = failures;
    return fresh;
}

static int upload(dur_run *run, void *context)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    attempts *user = context;

    options.retry = &user->policy;
    DUR_STEP(run, "upload", user->value, &options)
    {
        dur_step *step = dur_current_step(run);
        const char *failure = dur_step_last_failure(step);

        user->numbers[user->calls++] = dur_step_attempt(step);
        sqlite3_snprintf(sizeof user->last_failure, user->last_failure, "%s",
                         failure ? failure : "none");
        user->value = user->calls;
        if (dur_step_attempt(step) <= user->failures) dur_fail(run, "gr\xc3\xbc\xc3\x9f %d", 7);
    }
    return 0;
}

static int execute(dur_log *log, attempts *user)
{
    return dur_execute(log, "w", "r", NULL, upload, user);
}

/* Regression: a retry count that was lost by a restart: each attempt is made by a program of its
 * own. */
static void each_attempt_knows_the_ones_before_it(void **state)
{
    test_host *host = *state;
    attempts user = attempts_for(4);
    dur_run_info info = DUR_RUN_INFO_INIT;

    for (int i = 1; i <= 5; i++) {
        dur_log *log;

        host_reconnect(host);
        log = host_log(host);
        assert_code(i < 5 ? DUR_SUSPENDED : DUR_OK, execute(log, &user), log);
        assert_int_equal(i, user.numbers[i - 1]);
        assert_string_equal(i == 1 ? "none" : "gr\xc3\xbc\xc3\x9f 7", user.last_failure);
        assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
        if (i < 5) {
            int64_t pause = 1000 << (i - 1);

            assert_int_equal(DUR_RUN_SUSPENDED, info.status);
            assert_true(info.wake_ms == host->clock.now_ms + pause);
            fake_clock_advance(&host->clock, pause - 1);
            assert_code(DUR_SUSPENDED, execute(log, &user), log);
            fake_clock_advance(&host->clock, 1);
        }
        dur_close(log);
    }
    assert_int_equal(5, host_number(host->db, "SELECT attempt FROM durable_steps_view"));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_pending"));
}

/* Law 2: each failed attempt is one row that the outcome clears. */
static void the_view_shows_the_attempts_that_failed(void **state)
{
    test_host *host = *state;
    attempts user = attempts_for(2);
    dur_log *log = host_log(host);

    for (int i = 1; i <= 2; i++) {
        assert_code(DUR_SUSPENDED, execute(log, &user), log);
        assert_int_equal(i, host_number(host->db,
                                        "SELECT attempts FROM durable_pending_view WHERE run_id ="
                                        " 'r' AND position = 1 AND kind = 'step' AND name ="
                                        " 'upload' AND failure = 'gr\xc3\xbc\xc3\x9f 7'"));
        assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_claims"
                                                  " WHERE owner IS NOT NULL"));
        fake_clock_advance(&host->clock, 10000);
    }
    assert_code(DUR_OK, execute(log, &user), log);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_pending_view"));
    dur_close(log);
}

static void a_parked_step_is_shown_and_tried_once_more_by_hand(void **state)
{
    test_host *host = *state;
    attempts user = attempts_for(1);
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_log *log = host_log(host);

    user.policy.max_attempts = 1;
    user.policy.exhausted = DUR_EXHAUSTED_PARK;
    assert_code(DUR_PARKED, execute(log, &user), log);
    assert_has(dur_errmsg(log), "given up after 1 attempts");
    assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
    assert_int_equal(DUR_RUN_PARKED, info.status);
    assert_has(info.failure, "given up after 1 attempts: gr\xc3\xbc\xc3\x9f 7");
    assert_code(DUR_OK, execute(log, &user), log);
    assert_int_equal(2, user.numbers[1]);
    dur_close(log);
}

/* ---- Details ---- */

static void assert_alike(dur_value a, dur_value b)
{
    assert_int_equal(a.type, b.type);
    assert_true(a.length == b.length);
    if (a.type >= DUR_TEXT) {
        if (a.length) assert_memory_equal(a.as.bytes, b.as.bytes, a.length);
    } else if (a.type != DUR_NULL) {
        assert_true(a.as.unsigned_integer == b.as.unsigned_integer);
    }
}

typedef struct carrying {
    const dur_value *values;
    int count, looks;
    bool beats; /* by dur_heartbeat() and a failure, not by dur_not_yet() */
} carrying;

static int carry(dur_run *run, void *context)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_retry policy = DUR_RETRY_INIT;
    carrying *user = context;

    options.retry = options.poll = &policy;
    DUR_STEP_VOID(run, "carry", &options)
    {
        dur_step *step = dur_current_step(run);

        if (user->looks > 0) assert_alike(user->values[user->looks - 1], dur_step_details(step));
        if (user->looks == user->count) continue;
        if (user->beats) {
            assert_int_equal(DUR_OK, dur_heartbeat(step, user->values[user->looks++]));
            dur_fail(run, "again");
        } else {
            assert_int_equal(DUR_OK, dur_not_yet(step, user->values[user->looks++]));
        }
    }
    return 0;
}

static void details_of_every_type_are_carried_to_the_next_attempt(void **state)
{
    test_host *host = *state;
    const struct { int32_t a, b; } object = {7, -7};
    char *large = malloc(100000);
    const dur_value values[] = {dur_null(),
                                dur_integer(INT64_MIN),
                                dur_unsigned(UINT64_MAX),
                                dur_real(-0.0),
                                dur_text(""),
                                dur_text("gr\xc3\xbc\xc3\x9f"),
                                dur_text_n("a\0b", 3),
                                dur_text_n("\xff", 1),
                                dur_blob("\0\1", 2),
                                dur_object(&object, sizeof object),
                                dur_text_n(memset(large, 'x', 100000), 100000)};

    assert_non_null(large);
    for (int beats = 0; beats <= 1; beats++) {
        carrying user = {values, (int)(sizeof values / sizeof values[0]), 0, beats == 1};
        int code = DUR_SUSPENDED;

        for (int i = 0; i <= user.count; i++) {
            dur_log *log;

            host_reconnect(host);
            log = host_log(host);
            code = dur_execute(log, "w", beats ? "b" : "r", NULL, carry, &user);
            assert_code(i < user.count ? DUR_SUSPENDED : DUR_OK, code, log);
            fake_clock_advance(&host->clock, 1000000);
            dur_close(log);
        }
    }
    free(large);
}

/* ---- In a transaction of the host's ---- */

/* The attempt's own work and its row go together: rolled back, neither was; the step is the host's
 * to do again, under the same number. */
static void an_attempt_in_a_transaction_goes_with_it(void **state)
{
    test_host *host = *state;
    attempts user = attempts_for(1);
    dur_log *log = host_log(host);
    dur_run *run = NULL;

    assert_code(DUR_OK, dur_start(log, "w", "r", NULL), log);
    host_run(host->db, "BEGIN");
    assert_code(DUR_SUSPENDED, execute(log, &user), log);
    assert_int_equal(0, sqlite3_get_autocommit(host->db));
    host_run(host->db, "ROLLBACK");
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_pending"));
    host_run(host->db, "BEGIN");
    assert_code(DUR_SUSPENDED, execute(log, &user), log);
    host_run(host->db, "COMMIT");
    assert_int_equal(1, user.numbers[1]);
    assert_int_equal(1, host_number(host->db, "SELECT attempts FROM durable_pending_view"));
    fake_clock_advance(&host->clock, 1000);
    assert_code(DUR_OK, execute(log, &user), log);
    assert_int_equal(2, user.numbers[2]);
    assert_int_equal(DUR_REPLAYED, dur_begin_run(log, "w", "r", NULL, &run));
    dur_close(log);
}

/* A lock of the host's is never held asleep: the run is suspended instead. */
static void in_a_transaction_no_pause_is_slept_through(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    attempts user = attempts_for(1);
    dur_log *log = NULL;

    options.sleep_max_ms = 100000;
    assert_int_equal(DUR_OK, dur_open(host->db, &options, &log));
    host_run(host->db, "BEGIN");
    assert_code(DUR_SUSPENDED, execute(log, &user), log);
    assert_true(host->clock.sleeps == 0);
    host_run(host->db, "COMMIT");
    fake_clock_advance(&host->clock, 1000);
    user.failures = 2;
    assert_code(DUR_OK, execute(log, &user), log);
    assert_true(host->clock.sleeps == 1 && host->clock.slept_ms == 2000);
    dur_close(log);
}

/* ---- Wrong options ---- */

static void wrong_policies_of_a_log_are_refused(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    dur_retry policy = DUR_RETRY_INIT;
    dur_log *log = NULL;

    policy.jitter = 9;
    options.retry = &policy;
    assert_int_equal(DUR_MISUSE, dur_open(host->db, &options, &log));
    assert_has(dur_errmsg(log), "jitter");
    dur_close(log);
    options.retry = NULL;
    options.sleep_max_ms = -1;
    assert_int_equal(DUR_MISUSE, dur_open(host->db, &options, &log));
    assert_has(dur_errmsg(log), "sleep_max_ms");
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON_DISK(each_attempt_knows_the_ones_before_it),
        IN_EVERY_JOURNAL(the_view_shows_the_attempts_that_failed),
        IN_EVERY_JOURNAL(a_parked_step_is_shown_and_tried_once_more_by_hand),
        ON_DISK(details_of_every_type_are_carried_to_the_next_attempt),
        IN_EVERY_JOURNAL(an_attempt_in_a_transaction_goes_with_it),
        IN_EVERY_JOURNAL(in_a_transaction_no_pause_is_slept_through),
        IN_EVERY_JOURNAL(wrong_policies_of_a_log_are_refused),
    };

    return cmocka_run_group_tests_name("api.retry_step", tests, NULL, NULL);
}
