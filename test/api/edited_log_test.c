/* test/api: law 9, a log edited by hand is damage with a name, never undefined behaviour. */
#include "api/script.h"

#include <stdio.h>

#define ID "order-7"

/* A run with four recorded steps that has not ended. */
static void make_unfinished(test_host *host)
{
    static const char *const names[] = {"first", "second", "third", "fourth"};
    dur_log *log = host_log(host);
    dur_run *run = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "script", ID, NULL, &run), log);
    for (int i = 0; i < 4; i++) {
        dur_step *step = NULL;

        assert_int_equal(DUR_EXECUTE, dur_begin_step(run, names[i], NULL, &step));
        assert_int_equal(DUR_OK, dur_record_result(step, dur_integer(100 + i)));
    }
    dur_close_run(run);
    dur_close(log);
}

static void forget(test_host *host)
{
    host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
}

static void assert_damaged(test_host *host, const char *edit, const char *position)
{
    test_script script = script_for(host);
    dur_log *log;
    char *steps;

    make_unfinished(host);
    host_run(host->db, "%s", edit);
    steps = host_rows(host->db, "SELECT * FROM durable_steps");
    log = host_log(host);
    host_assert_code(DUR_CORRUPT,
                     dur_execute(log, "script", ID, NULL, script_workflow, &script), log, edit, 0);
    assert_has(dur_errmsg(log), ID);
    if (position) assert_has(dur_errmsg(log), position);
    assert_bodies(&script, 0, 0, 0, 0);
    dur_close(log);
    assert_same(steps, host_rows(host->db, "SELECT * FROM durable_steps"));
    forget(host);
}

/* Law 9: a damaged step row is DUR_CORRUPT and names run and position; nothing runs. */
static void law9_step_rows_edited_by_hand(void **state)
{
    static const char *const edits[] = {
        "kind = 'x'",
        "kind = 1.5",
        "kind = x'01'",
        "kind = 4294967297", /* 1 where it is cut to 32 bits */
        "kind = 0",
        "kind = 4294967296",
        "kind = -2147483648",
        "kind = -1", /* a failure whose message is a number */
        "name = x'746869726400'",
        "name = x'7468697264'",
        "format = 'x'",
        "format = 99",
        "format = -1",
        "format = 4294967296",
        "format = 3", /* text in a blob, they say; it is an integer */
        "format = 16",
        "format = 1, value = 'x'",
        "format = 1, value = 1.5",
        "format = 1, value = NULL",
        "format = 1, value = 0", /* the bits of 0.0, which is a number */
        "format = 2, value = 'x'",
        "format = 2, value = 5", /* an integer that needs no such format */
        "format = 20, value = x'00'",
    };
    test_host *host = *state;

    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        char sql[160];

        snprintf(sql, sizeof sql, "UPDATE durable_steps SET %s WHERE name = 'third'", edits[i]);
        assert_damaged(host, sql, "position 3");
    }
}

/* Positions that are not there, or that nobody could have written. */
static void law9_positions_edited_by_hand(void **state)
{
    test_host *host = *state;

    assert_damaged(host, "DELETE FROM durable_steps WHERE name = 'first'", "position 1");
    assert_damaged(host, "DELETE FROM durable_steps WHERE name = 'second'", "position 2");
    assert_damaged(host, "DELETE FROM durable_steps WHERE name = 'third'", "position 3");
    assert_damaged(host, "UPDATE durable_steps SET step = step + 1000 WHERE name = 'third'",
                   "position 3");
    assert_damaged(host, "UPDATE durable_steps SET low = 'x' WHERE name = 'fourth';"
                         "DELETE FROM durable_steps WHERE name = 'second'", "position 2");
}

/* A name edited into another is a divergence like any other. */
static void law9_a_name_edited_by_hand(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log;

    make_unfinished(host);
    host_run(host->db, "UPDATE durable_steps SET name = 'x' WHERE name = 'third'");
    log = host_log(host);
    assert_code(DUR_DIVERGED, dur_execute(log, "script", ID, NULL, script_workflow, &script), log);
    assert_bodies(&script, 0, 0, 0, 0);
    dur_close(log);
    forget(host);
}

/* Law 9: a damaged run row. */
static void law9_run_rows_edited_by_hand(void **state)
{
    static const char *const edits[] = {
        "status = 'x'",
        "status = 0",
        "status = 99",
        "status = -1",
        "status = 4294967297",
        "epoch = 'x'",
        "epoch = 1.5",
        "epoch = -5",
        "epoch = 9223372036854775807",
        "token = 'x'",
        "token = x''",
        "claims = 'x'",
        "claims = -1",
        "claims = 9223372036854775807",
        "uid = ''",
        "uid = 'short'",
        "uid = x'00'",
        "workflow = x'7363'",
        "behaviour = 'x'",
        "behaviour = -1",
        "created = 'x'",
        "ended = 'x'",
        "input_format = 'x'",
        "input_format = 99",
        "input_format = 1, input = 'x'",
        "failure = x'00'",
        "run = -1",
        "run = 0",
        "run = 9223372036854775807",
    };
    test_host *host = *state;

    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        char sql[160];

        snprintf(sql, sizeof sql, "UPDATE durable_runs SET %s", edits[i]);
        assert_damaged(host, sql, NULL);
    }
}

/* A claim that somebody left behind, of an owner that nobody knows. */
#define LEAVE_CLAIM                                                                                \
    "INSERT INTO durable_claims(run, epoch, token, owner, lease_end, claims, queue, workflow) "    \
    "SELECT run, epoch + 1, token, 'nobody', 0, 1, queue, workflow FROM durable_runs;"

/* … and a damaged claim. */
static void law9_claim_rows_edited_by_hand(void **state)
{
    static const char *const edits[] = {
        "epoch = 'x'",     "epoch = -5",      "epoch = 9223372036854775807",
        "token = 'x'",     "token = x''",     "owner = x'00ff'",
        "lease_end = 'x'", "lease_end = 0.5", "claims = 'x'",
        "claims = -1",     "claims = 9223372036854775807",
    };
    test_host *host = *state;

    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        char sql[320];

        snprintf(sql, sizeof sql, "%s UPDATE durable_claims SET %s", LEAVE_CLAIM, edits[i]);
        assert_damaged(host, sql, NULL);
    }
}

/* A completed run whose output is damaged is not run again. */
static void law9_an_output_edited_by_hand(void **state)
{
    static const char *const edits[] = {"output_format = 'x'", "output_format = 99",
                                        "output_format = 1, output = 'x'"};
    test_host *host = *state;

    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        test_script script = script_for(host);
        dur_run_info info = DUR_RUN_INFO_INIT;
        dur_log *log = host_log(host);

        assert_code(DUR_OK, script_execute(&script, log), log);
        host_run(host->db, "UPDATE durable_runs SET %s", edits[i]);
        assert_code(DUR_CORRUPT, script_execute(&script, log), log);
        assert_has(dur_errmsg(log), "the-run");
        assert_code(DUR_CORRUPT, dur_read_run(log, "the-run", &info), log);
        assert_has(dur_errmsg(log), "the-run");
        assert_int_equal(1, script.passes);
        dur_close(log);
        forget(host);
    }
}

/* Law 9: times far out are read, shown and survived. */
static void law9_times_edited_by_hand(void **state)
{
    static const char *const times[] = {"-9223372036854775808", "-1", "0", "9223372036854775807"};
    test_host *host = *state;

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        test_script script = script_for(host);
        dur_run_info info = DUR_RUN_INFO_INIT;
        dur_run *run = NULL;
        dur_step *step = NULL;
        dur_log *log;

        make_unfinished(host);
        host->clock.owner_alive = DUR_OWNER_DEAD;
        host_run(host->db, LEAVE_CLAIM "UPDATE durable_claims SET lease_end = %s;"
                 "UPDATE durable_runs SET created = %s, due = %s;"
                 "UPDATE durable_steps SET began = %s, took = %s", times[i], times[i], times[i],
                 times[i], times[i]);
        sqlite3_free(host_rows(host->db, "SELECT * FROM durable_runs_view"));
        sqlite3_free(host_rows(host->db, "SELECT * FROM durable_steps_view"));
        log = host_log(host);
        assert_code(DUR_OK, dur_read_run(log, ID, &info), log);
        assert_code(DUR_OK, dur_begin_run(log, "script", ID, NULL, &run), log);
        assert_int_equal(DUR_DIVERGED, dur_begin_step(run, "x", NULL, &step));
        dur_close_run(run);
        assert_non_null(dur_get_divergence(log));
        assert_code(DUR_OK, dur_execute(log, "script", ID, NULL, script_workflow, &script), log);
        dur_close(log);
        forget(host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(law9_step_rows_edited_by_hand),
        IN_MEMORY(law9_positions_edited_by_hand),
        IN_MEMORY(law9_a_name_edited_by_hand),
        IN_MEMORY(law9_run_rows_edited_by_hand),
        IN_MEMORY(law9_claim_rows_edited_by_hand),
        IN_MEMORY(law9_an_output_edited_by_hand),
        IN_MEMORY(law9_times_edited_by_hand),
    };

    return cmocka_run_group_tests_name("edited log", tests, NULL, NULL);
}
