/* test/api: a run that was left to wait in a transaction of the host's, which is rolled back. */
#include "api/script.h"

typedef struct left {
    test_host *host;
    const char *end; /* of the transaction */
    bool retries;
    int bodies, code;
} left;

/* The pattern of a host that undoes what did not go well; a wait did go well. */
static int wait_in_a_transaction(dur_run *run, void *context)
{
    left *user = context;
    dur_retry policy = DUR_RETRY_INIT;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    policy.jitter = DUR_JITTER_NONE;
    options.retry = &policy;
    host_run(user->host->db, "BEGIN IMMEDIATE");
    if (user->retries) {
        DUR_STEP_VOID(run, "enter", &options) {
            user->bodies++;
            dur_fail(run, "not now");
        }
        user->code = dur_run_code(run);
    } else {
        user->code = dur_sleep(run, "nap", 5000);
    }
    host_run(user->host->db, "%s", user->end);
    return 0;
}

static void check(test_host *host, left *user, int expected, dur_status status)
{
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_OK, dur_start(log, "w", "r", NULL), log);
    assert_code(expected, dur_execute(log, "w", "r", NULL, wait_in_a_transaction, user), log);
    assert_int_equal(DUR_SUSPENDED, user->code);
    if (expected == DUR_ROLLED_BACK) assert_has(dur_errmsg(log), "rolled back");
    assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
    assert_true(info.wake_ms > host->clock.now_ms);
    assert_int_equal(status, info.status);
    dur_close(log);
}

/* Whoever is told that a run waits may rely on it; and workers come back later, not at once. */
static void what_was_rolled_back_does_not_wait(void **state)
{
    test_host *host = *state;
    left timer = {host, "ROLLBACK", false, 0, 0};

    check(host, &timer, DUR_ROLLED_BACK, DUR_RUNNING);
}

static void an_attempt_that_was_rolled_back_is_no_attempt(void **state)
{
    test_host *host = *state;
    left retry = {host, "ROLLBACK", true, 0, 0};

    check(host, &retry, DUR_ROLLED_BACK, DUR_RUNNING);
    assert_int_equal(1, retry.bodies);
}

static void what_was_committed_waits(void **state)
{
    test_host *host = *state;
    left retry = {host, "COMMIT", true, 0, 0};

    check(host, &retry, DUR_SUSPENDED, DUR_RUN_SUSPENDED);
    assert_int_equal(1, host_number(host->db, "SELECT attempt FROM durable_pending"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(what_was_rolled_back_does_not_wait),
        IN_EVERY_JOURNAL(an_attempt_that_was_rolled_back_is_no_attempt),
        IN_EVERY_JOURNAL(what_was_committed_waits),
    };

    return cmocka_run_group_tests_name("api.left_rolled_back", tests, NULL, NULL);
}
