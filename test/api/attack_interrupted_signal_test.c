/* test/api: a signal whose sending is interrupted at any moment is sent or not sent, as it says. */
#include "api/script.h"

typedef struct countdown {
    int left;
    bool fired;
} countdown;

static int interrupt_at(void *context)
{
    countdown *user = context;

    if (--user->left != 0) return 0;
    user->fired = true;
    return 1;
}

static int wait_for_it(dur_run *run, void *user)
{
    (void)user;
    if (dur_receive(run, "s", DUR_FOREVER, NULL) != DUR_OK) return 0;
    return 0;
}

static void check_moment(test_host *host, dur_log *log, countdown *moment, bool *fired)
{
    int code;
    int64_t rows;

    host_run(host->db, "DELETE FROM durable_runs");
    assert_code(DUR_SUSPENDED, dur_execute(log, "w", "r", NULL, wait_for_it, NULL), log);
    sqlite3_progress_handler(host->db, 1, interrupt_at, moment);
    code = dur_signal(log, "r", "s", dur_text("value"), NULL);
    sqlite3_progress_handler(host->db, 0, NULL, NULL);
    rows = host_number(host->db, "SELECT count(*) FROM durable_signals");
    assert_int_equal(code == DUR_OK ? 1 : 0, rows);
    assert_int_equal(rows == 1, host_number(host->db, "SELECT due NOT NULL FROM durable_runs"));
    *fired = moment->fired;
}

static void an_interrupted_signal_is_sent_as_it_says(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    bool fired = true;

    for (int at = 1; fired; at++) {
        countdown moment = {at, false};

        assert_true(at < 10000);
        check_moment(host, log, &moment, &fired);
    }
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(an_interrupted_signal_is_sent_as_it_says),
    };

    return cmocka_run_group_tests_name("api.attack_interrupted_signal", tests, NULL, NULL);
}
