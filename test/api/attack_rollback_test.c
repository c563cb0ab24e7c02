/* test/api: the host's ROLLBACK takes away more than rows of steps: claims, leases, run numbers and
 * the log's own tables. */
#include "api/meanwhile.h"

#define MINUTE INT64_C(60000)

static int64_t count_claims(test_host *host)
{
    return host_number(host->db, "SELECT count(*) FROM durable_claims");
}

/* Law 6: claimed before the transaction that was rolled back, the run is given back like any. */
static void law6_a_claim_is_given_back_after_a_rollback(void **state)
{
    test_host *host = *state;

    for (int last = 2; last <= SCRIPT_STEPS; last++) {
        test_script script = script_for(host);
        dur_log *log = host_log(host), *next = host_log(host);

        script.before[1] = begin;
        script.before[last] = rollback;
        assert_code(DUR_ROLLED_BACK, script_execute(&script, log), log);
        assert_int_equal(0, count_claims(host));

        assert_code(DUR_OK, script_execute(&script, next), next);
        assert_int_equal(0, host->clock.owner_questions);
        script_assert_done(&script, next);
        dur_close(log);
        dur_close(next);
        assert_int_equal(0, count_claims(host));
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    }
}

/* ---- A run number that another run has got --------------------------------------------------- */

static int leave(dur_run *run, void *user)
{
    (void)user;
    dur_stop(run, "later");
    return 0;
}

static int tell_balance(dur_run *run, void *user)
{
    int64_t balance;

    (void)user;
    DUR_STEP(run, "balance", balance) balance = 777;
    return 0;
}

/* A handle whose run was rolled back, as if it had never been. */
static dur_run *begin_and_roll_back(test_host *host, dur_log *log, const char *run_id)
{
    dur_run *run = NULL;

    host_run(host->db, "BEGIN");
    assert_code(DUR_STOPPED, dur_execute(log, "w", run_id, NULL, leave, NULL), log);
    assert_code(DUR_OK, dur_begin_run(log, "w", run_id, NULL, &run), log);
    host_run(host->db, "ROLLBACK");
    return run;
}

/* Law 6: such a handle never sees the rows of the run that has got its number. */
static void law6_a_run_rolled_back_does_not_replay_its_successor(void **state)
{
    static const char *const asked[] = {"balance", "something else"};
    static const char *const successors[] = {"bob", "dora"};
    test_host *host = *state, other = *host;
    dur_log *log = host_log(host), *others;

    if (host->journal != HOST_MEMORY)
        other.db = host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    fake_clock_init(&other.clock, 2);
    others = host_log(&other);
    for (int i = 0; i < 2; i++) {
        dur_run *run = begin_and_roll_back(host, log, "alice");
        dur_step *step = NULL;
        char *before;

        assert_code(DUR_OK, dur_execute(others, "w", successors[i], NULL, tell_balance, NULL),
                    others);
        before = host_log_rows(other.db, "main");
        assert_code(DUR_ROLLED_BACK, dur_begin_step(run, asked[i], NULL, &step), log);
        assert_null(step);
        assert_code(DUR_ROLLED_BACK, dur_complete_run(run, dur_null()), log);
        dur_close_run(run);
        assert_null(dur_get_divergence(log));
        assert_same(before, host_log_rows(other.db, "main"));
    }
    dur_close(log);
    dur_close(others);
}

/* ---- A lease that was prolonged -------------------------------------------------------------- */

static void begin_long_step_and_roll_back(test_host *host, dur_run *run,
                                          const dur_step_options *options)
{
    dur_step *step = NULL;

    host_run(host->db, "BEGIN IMMEDIATE");
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "one", options, &step));
    host_run(host->db, "ROLLBACK");
    assert_int_equal(DUR_OK, dur_record_result(step, dur_null()));
}

/* Law 6: a step's own lease holds, though the last one that prolonged was rolled back. */
static void law6_a_lease_rolled_back_is_prolonged_again(void **state)
{
    test_host *host = *state, other = *host;
    dur_log *log = host_log(host), *others;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_run *run = NULL, *refused = NULL;
    bool ran = false;

    other.db = host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    fake_clock_init(&other.clock, 2);
    others = host_log(&other);
    options.lease_ms = 60 * MINUTE;
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    begin_long_step_and_roll_back(host, run, &options);
    DUR_STEP_VOID(run, "two", &options) {
        ran = true;
        fake_clock_advance(&host->clock, 59 * MINUTE);
        fake_clock_advance(&other.clock, 59 * MINUTE);
        assert_code(DUR_OWNED, dur_begin_run(others, "w", "r", NULL, &refused), others);
    }
    assert_true(ran);
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), log);
    dur_close_run(run);
    dur_close(log);
    dur_close(others);
}

/* ---- Tables that were made in it ------------------------------------------------------------- */

/* Law 1: two logs of one connection see the same tables go and come again. */
static void law1_two_logs_and_a_rollback_of_the_schema(void **state)
{
    test_host *host = *state;

    for (int first = 0; first < 2; first++) {
        dur_log *logs[2];

        host_run(host->db, "BEGIN");
        for (int i = 0; i < 2; i++) logs[i] = host_log(host);
        host_run(host->db, "ROLLBACK");
        for (int i = 0; i < 2; i++) {
            dur_log *log = logs[(first + i) % 2];
            test_script script = script_for(host);

            script.rows_at_start = 0;
            assert_code(DUR_OK, script_execute(&script, log), log);
            if (i == 0) script_assert_done(&script, log);
            assert_int_equal(i == 0, script.passes); /* the second finds it done */
        }
        for (int i = 0; i < 2; i++) dur_close(logs[i]);
        host_run(host->db, "DROP TABLE durable_steps; DROP TABLE durable_claims;"
                           "DROP TABLE durable_pending; DROP TABLE durable_signals;"
                           "DROP TABLE durable_queues;"
                           "DROP TABLE durable_runs; DROP TABLE durable_log;"
                           "DROP VIEW durable_runs_view; DROP VIEW durable_steps_view;"
                           "DROP VIEW durable_pending_view; DROP VIEW durable_signals_view");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(law6_a_claim_is_given_back_after_a_rollback),
        IN_EVERY_JOURNAL(law6_a_run_rolled_back_does_not_replay_its_successor),
        ON_DISK(law6_a_lease_rolled_back_is_prolonged_again),
        IN_EVERY_JOURNAL(law1_two_logs_and_a_rollback_of_the_schema),
    };

    return cmocka_run_group_tests_name("attack_rollback", tests, NULL, NULL);
}
