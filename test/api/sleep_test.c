/* test/api: timers on SQLite: deadlines that outlive every program, and host transactions. */
#include "api/script.h"

#define DAY_MS INT64_C(86400000)

typedef struct nap {
    int64_t time_ms;
    bool until;
    int code, bodies;
} nap;

static int sleep_and_step(dur_run *run, void *context)
{
    nap *user = context;

    user->code = user->until ? dur_sleep_until(run, "nap", user->time_ms)
                             : dur_sleep(run, "nap", user->time_ms);
    if (user->code != DUR_OK) return 0;
    DUR_STEP(run, "after") { user->bodies++; }
    return 0;
}

static int execute(dur_log *log, nap *user)
{
    return dur_execute(log, "w", "r", NULL, sleep_and_step, user);
}

/* Ten years, in programs that last a year each. */
static void ten_years_outlive_their_programs(void **state)
{
    test_host *host = *state;
    nap user = {3652 * DAY_MS, false, 0, 0};
    dur_run_info info = DUR_RUN_INFO_INIT;

    for (int year = 0; year <= 10; year++) {
        dur_log *log;

        host_reconnect(host);
        log = host_log(host);
        assert_code(year < 10 ? DUR_SUSPENDED : DUR_OK, execute(log, &user), log);
        assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
        assert_true(info.wake_ms == (year < 10 ? FAKE_CLOCK_START_MS + 3652 * DAY_MS : 0));
        dur_close(log);
        fake_clock_advance(&host->clock, 366 * DAY_MS);
    }
    assert_int_equal(1, user.bodies);
}

/* A clock that is set back after the start: the deadline is a time, not a duration. */
static void a_clock_that_jumps_moves_nothing_that_is_recorded(void **state)
{
    test_host *host = *state;
    nap user = {5000, false, 0, 0};
    dur_log *log = host_log(host);
    char *before;

    assert_code(DUR_SUSPENDED, execute(log, &user), log);
    before = host_rows(host->db, "SELECT * FROM durable_pending");
    for (int i = 0; i < 5; i++) {
        host->clock.now_ms = FAKE_CLOCK_START_MS - i * DAY_MS;
        assert_code(DUR_SUSPENDED, execute(log, &user), log);
    }
    assert_same(before, host_rows(host->db, "SELECT * FROM durable_pending"));
    host->clock.now_ms = FAKE_CLOCK_START_MS + 10 * DAY_MS;
    assert_code(DUR_OK, execute(log, &user), log);
    assert_int_equal(1, user.bodies);
    dur_close(log);
}

/* Zero and the past: one row, nothing that waits, one pass. */
static void a_time_that_has_come_is_one_row(void **state)
{
    test_host *host = *state;
    const nap naps[] = {{0, false, 0, 0},
                        {INT64_MIN, false, 0, 0},
                        {INT64_MIN, true, 0, 0},
                        {FAKE_CLOCK_START_MS, true, 0, 0}};
    dur_log *log = host_log(host);

    for (size_t i = 0; i < sizeof naps / sizeof naps[0]; i++) {
        nap user = naps[i];

        assert_code(DUR_OK, execute(log, &user), log);
        assert_int_equal(2, host_number(host->db, "SELECT count(*) FROM durable_steps"));
        assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_pending"));
        host_run(host->db, "DELETE FROM durable_runs");
    }
    dur_close(log);
}

static void times_beyond_all_numbers_mean_for_ever(void **state)
{
    test_host *host = *state;
    const nap naps[] = {{INT64_MAX, false, 0, 0}, {INT64_MAX, true, 0, 0}};
    dur_run_info info = DUR_RUN_INFO_INIT;

    for (size_t i = 0; i < sizeof naps / sizeof naps[0]; i++) {
        nap user = naps[i];
        dur_log *log = host_log(host);

        host->clock.now_ms = FAKE_CLOCK_START_MS;
        assert_code(DUR_SUSPENDED, execute(log, &user), log);
        assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
        assert_int_equal(DUR_RUN_SUSPENDED, info.status);
        assert_true(info.wake_ms == 0);
        assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_pending_view"
                                                  " WHERE kind = 'timer' AND wakes IS NULL"));
        host->clock.now_ms = INT64_MAX - 1;
        assert_code(DUR_SUSPENDED, execute(log, &user), log);
        host_run(host->db, "DELETE FROM durable_runs");
        assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_pending"));
        dur_close(log);
    }
}

static void short_sleeps_are_slept_through_but_not_in_a_transaction(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    nap user = {5000, false, 0, 0};
    dur_log *log = NULL;

    options.sleep_max_ms = 5000;
    assert_int_equal(DUR_OK, dur_open(host->db, &options, &log));
    host_run(host->db, "BEGIN");
    assert_code(DUR_SUSPENDED, execute(log, &user), log);
    host_run(host->db, "ROLLBACK");
    assert_true(host->clock.slept_ms == 0);
    assert_code(DUR_OK, execute(log, &user), log);
    assert_true(host->clock.slept_ms == 5000);
    assert_int_equal(1, user.bodies);
    dur_close(log);
}

/* Waking in a transaction that is rolled back: the timer is still pending, and rings again. */
static void a_timer_that_rang_in_a_transaction_rings_again_after_its_rollback(void **state)
{
    test_host *host = *state;
    nap user = {5000, false, 0, 0};
    dur_log *log = host_log(host);

    assert_code(DUR_SUSPENDED, execute(log, &user), log);
    fake_clock_advance(&host->clock, 5000);
    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, execute(log, &user), log);
    host_run(host->db, "ROLLBACK");
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_pending"));
    assert_code(DUR_OK, execute(log, &user), log);
    assert_int_equal(2, user.bodies);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_pending"));
    dur_close(log);
}

/* Its row tells of the wait, not of the pass that woke. */
static void a_timer_took_as_long_as_it_was_waited_for(void **state)
{
    test_host *host = *state;
    nap user = {5000, false, 0, 0};
    dur_log *log = host_log(host);

    assert_code(DUR_SUSPENDED, execute(log, &user), log);
    fake_clock_advance(&host->clock, 3000);
    assert_code(DUR_SUSPENDED, execute(log, &user), log);
    fake_clock_advance(&host->clock, 2500);
    assert_code(DUR_OK, execute(log, &user), log);
    assert_same(host_rows(host->db, "SELECT %lld, 5500 UNION ALL SELECT %lld, 0",
                          (long long)FAKE_CLOCK_START_MS, (long long)FAKE_CLOCK_START_MS + 5500),
                host_rows(host->db, "SELECT began, took FROM durable_steps"));
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON_DISK(ten_years_outlive_their_programs),
        IN_EVERY_JOURNAL(a_clock_that_jumps_moves_nothing_that_is_recorded),
        IN_EVERY_JOURNAL(a_time_that_has_come_is_one_row),
        IN_EVERY_JOURNAL(times_beyond_all_numbers_mean_for_ever),
        IN_EVERY_JOURNAL(short_sleeps_are_slept_through_but_not_in_a_transaction),
        ON_DISK(a_timer_took_as_long_as_it_was_waited_for),
        IN_EVERY_JOURNAL(a_timer_that_rang_in_a_transaction_rings_again_after_its_rollback),
    };

    return cmocka_run_group_tests_name("api.sleep", tests, NULL, NULL);
}
