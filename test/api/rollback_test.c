/* test/api: inside the host's transactions: joined, never ended, and what becomes of the rows is
 * noticed. */
#include "api/meanwhile.h"

/* Law 1: ROLLBACK TO between steps takes rows away; the next step notices before its body runs. */
static void law1_rollback_to_a_savepoint_between_steps(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    host_run(host->db, "BEGIN");
    script.before[1] = savepoint;
    script.before[2] = rollback_to;
    assert_code(DUR_ROLLED_BACK, script_execute(&script, log), log);
    assert_has(dur_errmsg(log), "the-run");
    assert_bodies(&script, 1, 1, 0, 0); /* nothing on top of a step that did not happen */
    assert_int_equal(1, script_rows(&script));
    assert_int_equal(0, sqlite3_get_autocommit(host->db));

    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 2, 1, 1);
    host_run(host->db, "COMMIT");
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 1: the same inside a body, and savepoints that keep the rows are none of our business. */
static void law1_savepoints_begun_by_the_workflow(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.before[0] = savepoint; /* the outermost savepoint begins a transaction */
    script.inside[1] = savepoint;
    script.inside[2] = rollback_to; /* with the row of "second" written after the savepoint */
    assert_code(DUR_ROLLED_BACK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 1, 1, 0);

    script.before[2] = savepoint;
    script.before[3] = release;
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 2, 2, 1);
    host_run(host->db, "RELEASE here; RELEASE here");
    assert_int_equal(1, sqlite3_get_autocommit(host->db));
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 1: ROLLBACK inside the workflow, of a transaction in which the run itself was started. */
static void law1_rollback_inside_the_workflow(void **state)
{
    void (*const endings[])(test_script *) = {rollback, rollback_and_begin};
    test_host *host = *state;
    dur_log *log = host_log(host);

    for (size_t i = 0; i < 2; i++) {
        test_script script = script_for(host);

        host_run(host->db, "BEGIN");
        script.before[2] = endings[i];
        assert_code(DUR_ROLLED_BACK, script_execute(&script, log), log);
        assert_bodies(&script, 1, 1, 0, 0);
        assert_int_equal(0, script_rows(&script));
        assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_runs"));

        assert_code(DUR_OK, script_execute(&script, log), log);
        assert_bodies(&script, 2, 2, 1, 1);
        script_assert_done(&script, log);
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
        if (i == 1) host_run(host->db, "COMMIT");
    }
    dur_close(log);
}

/* Law 1: the run is older than the transaction; what was committed stays. */
static void law1_rollback_of_some_steps(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.before[1] = begin;
    script.before[3] = rollback;
    assert_code(DUR_ROLLED_BACK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 1, 1, 0);
    assert_int_equal(1, script_rows(&script));
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 2, 2, 1);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 3: a run whose last row is gone must not be recorded as completed. */
static void law3_rollback_before_the_return(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.before[3] = begin;
    script.before[4] = rollback;
    assert_code(DUR_ROLLED_BACK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 1, 1, 1);
    assert_int_equal(3, script_rows(&script));
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 1, 1, 2);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 3: a pass that joined the transaction is as durable as that, and no more. */
static void law3_rollback_after_the_pass(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, script_execute(&script, log), log);
    script_assert_done(&script, log);
    host_run(host->db, "ROLLBACK");
    assert_int_equal(0, script_rows(&script));
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 2, 2, 2, 2);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 1: COMMIT between steps is the host's right. */
static void law1_commits_inside_the_workflow(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    host_run(host->db, "BEGIN");
    script.before[1] = commit_and_begin;
    script.inside[2] = commit;
    script.before[3] = begin;
    script.before[4] = commit;
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 1, 1, 1);
    assert_int_equal(1, sqlite3_get_autocommit(host->db));
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 1: the tables were made in a transaction that the host took back. */
static void law1_rollback_of_the_schema(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log;

    host_run(host->db, "BEGIN");
    log = host_log(host);
    assert_int_equal(7, host_number(host->db, "SELECT count(*) FROM sqlite_schema WHERE type = "
                                              "'table' AND name LIKE 'durable%%'"));
    host_run(host->db, "ROLLBACK");
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM sqlite_schema"));
    assert_code(DUR_OK, script_execute(&script, log), log);
    script_assert_done(&script, log);
    dur_close(log);
}

/* The same with everything used before the ROLLBACK, and again in a further transaction. */
static void law1_rollback_of_the_schema_and_a_run(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log;

    host_run(host->db, "BEGIN");
    log = host_log(host);
    assert_code(DUR_OK, script_execute(&script, log), log);
    host_run(host->db, "ROLLBACK; BEGIN");
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 2, 2, 2, 2);
    host_run(host->db, "ROLLBACK");
    assert_code(DUR_NOT_FOUND, dur_read_run(log, "the-run", &(dur_run_info)DUR_RUN_INFO_INIT), log);
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 3, 3, 3, 3);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 1, with the schema rolled back while a run is open. */
static void law1_rollback_of_the_schema_under_an_open_run(void **state)
{
    test_host *host = *state;
    dur_run *run = NULL;
    dur_step *step = NULL;
    dur_log *log;

    host_run(host->db, "BEGIN");
    log = host_log(host);
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "s", NULL, &step));
    host_run(host->db, "ROLLBACK");
    assert_code(DUR_ROLLED_BACK, dur_record_result(step, dur_null()), log);
    assert_int_equal(DUR_ROLLED_BACK, dur_run_code(run));
    dur_close_run(run);
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    dur_close_run(run);
    dur_close(log);
}

/* Law 6: after a ROLLBACK another run gets the same row number and the same epoch. The token tells
 * the two apart. */
static void law6_a_run_rolled_back_does_not_write_into_its_successor(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *gone = NULL, *successor = NULL;
    dur_step *late = NULL, *step = NULL;
    char *before;

    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, dur_begin_run(log, "w", "gone", NULL, &gone), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(gone, "late", NULL, &late));
    host_run(host->db, "ROLLBACK");
    assert_code(DUR_OK, dur_begin_run(log, "w", "successor", NULL, &successor), log);
    before = host_log_rows(host->db, "main");
    assert_code(DUR_ROLLED_BACK, dur_record_result(late, dur_integer(1)), log);
    assert_same(before, host_log_rows(host->db, "main"));
    dur_close_run(gone);

    assert_int_equal(DUR_EXECUTE, dur_begin_step(successor, "step", NULL, &step));
    assert_code(DUR_OK, dur_record_result(step, dur_null()), log);
    assert_code(DUR_OK, dur_complete_run(successor, dur_null()), log);
    dur_close_run(successor);
    dur_close(log);
}

/* Law 6: the claim alone was rolled back, not the run. */
static void law6_a_claim_rolled_back(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;

    script.before[1] = begin;
    script.before[2] = rollback;
    assert_code(DUR_ROLLED_BACK, script_execute(&script, log), log);

    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, dur_begin_run(log, "script", "the-run", NULL, &run), log);
    assert_int_equal(DUR_REPLAYED, dur_begin_step(run, "first", NULL, &step));
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "second", NULL, &step));
    host_run(host->db, "ROLLBACK");
    assert_code(DUR_ROLLED_BACK, dur_record_result(step, dur_integer(1)), log);
    dur_close_run(run);
    assert_code(DUR_OK, script_execute(&script, log), log);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 4: a provisional row, seen after its COMMIT, is final. */
static void law4_rows_are_final_after_the_commit(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    for (int i = 0; i < 4; i++) {
        host_run(host->db, "BEGIN");
        assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "s", NULL, &step));
        assert_code(DUR_OK, dur_record_result(step, dur_integer(i)), log);
        host_run(host->db, "COMMIT");
    }
    host_run(host->db, "BEGIN; ROLLBACK"); /* of nothing */
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "s", NULL, &step));
    assert_code(DUR_OK, dur_record_result(step, dur_integer(4)), log);
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), log);
    dur_close_run(run);
    assert_int_equal(5, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    dur_close(log);
}

/* Law 1: the log is closed in a transaction, with a run open, and the host goes on. */
static void law1_close_in_a_transaction(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;

    host_run(host->db, "BEGIN; CREATE TABLE mine (x)");
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    dur_close(log);
    dur_close_run(run);
    assert_null(sqlite3_next_stmt(host->db, NULL));
    assert_int_equal(0, sqlite3_get_autocommit(host->db));
    host_run(host->db, "COMMIT");
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_runs"));
}

/* Law 1: closing a run after its transaction was rolled back writes nothing anywhere. */
static void law1_close_after_a_rollback(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    char *before = host_log_rows(host->db, "main");

    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    host_run(host->db, "ROLLBACK");
    dur_close_run(run);
    assert_same(before, host_log_rows(host->db, "main"));
    dur_close(log);
}

/* Law 1: a COMMIT that fails leaves the transaction open, and the rows in it. */
static void law1_a_commit_that_fails(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    host_run(host->db, "PRAGMA foreign_keys = ON; CREATE TABLE parent (id INTEGER PRIMARY KEY);"
                       "CREATE TABLE child (parent REFERENCES parent DEFERRABLE INITIALLY "
                       "DEFERRED); BEGIN; INSERT INTO child VALUES (9)");
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(SQLITE_CONSTRAINT, sqlite3_exec(host->db, "COMMIT", NULL, NULL, NULL));
    script_assert_done(&script, log);
    host_run(host->db, "INSERT INTO parent VALUES (9); COMMIT");
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 2: a transaction that the steps joined costs one commit, the host's own. */
static int count_commit(void *user)
{
    ++*(int *)user;
    return 0;
}

static void law2_joined_steps_cost_no_commit_of_their_own(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    int commits = 0;

    host_run(host->db, "BEGIN");
    sqlite3_commit_hook(host->db, count_commit, &commits);
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(0, commits);
    host_run(host->db, "COMMIT");
    assert_int_equal(1, commits);
    sqlite3_commit_hook(host->db, NULL, NULL);
    script_assert_done(&script, log);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(law1_rollback_to_a_savepoint_between_steps),
        IN_EVERY_JOURNAL(law1_savepoints_begun_by_the_workflow),
        IN_EVERY_JOURNAL(law1_rollback_inside_the_workflow),
        IN_EVERY_JOURNAL(law1_rollback_of_some_steps),
        IN_EVERY_JOURNAL(law3_rollback_before_the_return),
        IN_EVERY_JOURNAL(law3_rollback_after_the_pass),
        IN_EVERY_JOURNAL(law1_commits_inside_the_workflow),
        IN_EVERY_JOURNAL(law1_rollback_of_the_schema),
        IN_EVERY_JOURNAL(law1_rollback_of_the_schema_and_a_run),
        IN_EVERY_JOURNAL(law1_rollback_of_the_schema_under_an_open_run),
        IN_EVERY_JOURNAL(law6_a_run_rolled_back_does_not_write_into_its_successor),
        IN_EVERY_JOURNAL(law6_a_claim_rolled_back),
        IN_EVERY_JOURNAL(law4_rows_are_final_after_the_commit),
        IN_EVERY_JOURNAL(law1_close_in_a_transaction),
        IN_EVERY_JOURNAL(law1_close_after_a_rollback),
        IN_EVERY_JOURNAL(law1_a_commit_that_fails),
        IN_EVERY_JOURNAL(law2_joined_steps_cost_no_commit_of_their_own),
    };

    return cmocka_run_group_tests_name("rollback", tests, NULL, NULL);
}
