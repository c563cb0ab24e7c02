/* test/api: bodies of transactional steps that do what they should not, and records that fail:
 * what is not recorded has changed nothing. */
#include "api/bank.h"

/* ---- Bodies that are left ------------------------------------------------------------------ */

enum { NESTED = 1, BREAKS, STOPS };

static int is_left(dur_run *run, void *user)
{
    bank *it = user;

    DUR_TX_STEP(run, "outer") {
        bank_move(it, 40);
        if (it->code == NESTED) DUR_STEP(run, "inner")
            fail();
        if (it->code == BREAKS) break;
        if (it->code == STOPS) dur_stop(run, "later");
        bank_move(it, 2);
    }
    return 0;
}

static void assert_left(test_host *host, int how, int expected, int bodies, const char *message)
{
    bank it;
    int code;

    bank_open(&it, host);
    it.code = how;
    code = bank_execute(&it, is_left);
    assert_code(expected, code, it.log);
    assert_has(dur_errmsg(it.log), message);
    assert_bank(&it, 0, bodies, 0);
    it.code = 0;
    assert_code(DUR_OK, bank_execute(&it, is_left), it.log);
    assert_bank(&it, 42, bodies + 2, 1);
    dur_close(it.log);
}

static void a_step_inside_the_body_is_misuse(void **state)
{
    assert_left(*state, NESTED, DUR_MISUSE, 2, "has not reached its end");
}

static void a_body_left_by_break_is_taken_back(void **state)
{
    assert_left(*state, BREAKS, DUR_MISUSE, 1, "was left by break");
}

static void a_stop_in_the_body_takes_it_back(void **state)
{
    assert_left(*state, STOPS, DUR_STOPPED, 2, "later");
}

/* ---- Bodies that end the transaction they stand in ----------------------------------------- */

typedef struct ending {
    bank bank;
    const char *sql;
    bool fails;
} ending;

static int ends_its_transaction(dur_run *run, void *user)
{
    ending *it = user;

    DUR_TX_STEP(run, "ends") {
        bank_move(&it->bank, 9);
        sqlite3_exec(it->bank.host->db, it->sql, NULL, NULL, NULL);
        if (it->fails) dur_fail(run, "no");
    }
    assert_false(dur_ok(run));
    return 0;
}

/* Whether it committed or rolled back, by itself or by a statement of SQLite's: nothing is recorded
 * on top of that, neither a result nor a failure. */
static void a_body_that_ends_the_transaction_is_found_out(void **state)
{
    static const char *const endings[] = {
        "COMMIT", "ROLLBACK", "COMMIT; BEGIN", "ROLLBACK; BEGIN", "COMMIT; BEGIN IMMEDIATE",
        "COMMIT; SAVEPOINT here", "ROLLBACK; SAVEPOINT here",
        "INSERT OR ROLLBACK INTO accounts VALUES ('ann', 1)",
        "INSERT INTO guarded VALUES (1)"};
    test_host *host = *state;

    host_run(host->db, "CREATE TABLE guarded (x); CREATE TRIGGER guard BEFORE INSERT ON guarded"
                       " BEGIN SELECT RAISE(ROLLBACK, 'the guard says no'); END");
    for (size_t i = 0; i < 2 * sizeof endings / sizeof endings[0]; i++) {
        ending it = {.sql = endings[i / 2], .fails = i % 2};
        int code;

        bank_open(&it.bank, host);
        code = bank_execute(&it.bank, ends_its_transaction);
        if (code != DUR_ROLLED_BACK || bank_rows(&it.bank) != 0)
            print_error("after %s\n", it.sql);
        assert_code(DUR_ROLLED_BACK, code, it.bank.log);
        assert_int_equal(0, bank_rows(&it.bank));
        if (!sqlite3_get_autocommit(host->db)) host_run(host->db, "ROLLBACK");
        assert_int_equal(0, bank_rows(&it.bank));
        host_run(host->db, "DELETE FROM durable_runs; DELETE FROM accounts");
        dur_close(it.bank.log);
    }
}

/* Law 1: the host's own transaction is reported as gone, too. */
static void law1_so_is_one_that_ends_the_hosts(void **state)
{
    static const char *const endings[] = {"COMMIT", "ROLLBACK",
                                          "INSERT OR ROLLBACK INTO accounts VALUES ('ann', 1)"};
    test_host *host = *state;

    for (size_t i = 0; i < 2 * sizeof endings / sizeof endings[0]; i++) {
        ending it = {.sql = endings[i / 2], .fails = i % 2};
        int code;

        bank_open(&it.bank, host);
        host_run(host->db, "BEGIN");
        code = bank_execute(&it.bank, ends_its_transaction);
        assert_code(DUR_ROLLED_BACK, code, it.bank.log);
        assert_int_equal(1, sqlite3_get_autocommit(host->db));
        assert_int_equal(0, bank_rows(&it.bank));
        host_run(host->db, "DELETE FROM durable_runs; DELETE FROM accounts");
        dur_close(it.bank.log);
    }
}

/* ---- Other writes while one is open -------------------------------------------------------- */

static int must_not_run(dur_run *run, void *user)
{
    (void)run, (void)user;
    fail();
    return 0;
}

static int writes_beside(dur_run *run, void *user)
{
    bank *it = user;
    dur_log *beside = host_log(it->host);

    DUR_TX_STEP(run, "busy") {
        int64_t next;

        bank_move(it, 6);
        assert_code(DUR_MISUSE, dur_start(it->log, "bank", "other", NULL), it->log);
        assert_has(dur_errmsg(it->log), "transactional");
        assert_code(DUR_MISUSE, dur_start(beside, "bank", "other", NULL), beside);
        assert_code(DUR_MISUSE, dur_signal(it->log, "the-run", "go", dur_null(), NULL), it->log);
        assert_code(DUR_MISUSE, dur_cancel(it->log, "the-run"), it->log);
        assert_code(DUR_MISUSE, dur_execute(beside, "bank", "other", NULL, must_not_run, NULL),
                    beside);
        assert_code(DUR_MISUSE, dur_work(it->log, NULL, &next), it->log);
        assert_int_equal(DUR_MISUSE, dur_heartbeat(dur_current_step(run), dur_integer(1)));
    }
    dur_close(beside);
    return 0;
}

/* They would be taken back with the body, after they had been answered with OK. None of them breaks
 * the step. */
static void law3_no_other_write_slips_into_the_transaction(void **state)
{
    bank it;

    bank_open(&it, *state);
    assert_code(DUR_OK, dur_register(it.log, "bank", must_not_run, NULL), it.log);
    assert_code(DUR_OK, dur_start(it.log, "bank", "due", NULL), it.log);
    assert_code(DUR_OK, bank_execute(&it, writes_beside), it.log);
    assert_bank(&it, 6, 1, 1);
    assert_int_equal(2, host_number(it.host->db, "SELECT count(*) FROM durable_runs"));
    assert_int_equal(0, host_number(it.host->db, "SELECT count(*) FROM durable_signals"));
    dur_close(it.log);
}

static dur_step *begin(dur_run *run, const char *name, int mode, int expected)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_step *step = NULL;

    options.mode = mode;
    assert_int_equal(dur_begin_step(run, name, &options, &step), expected);
    return step;
}

/* The plain step's outcome would be taken back with the other one's body. */
static void law3_another_steps_outcome_is_no_part_of_it(void **state)
{
    dur_step *plain, *transactional;
    dur_run *run;
    bank it;

    bank_open(&it, *state);
    assert_int_equal(dur_begin_run(it.log, "bank", "the-run", NULL, &run), DUR_OK);
    plain = begin(run, "plain", DUR_AT_LEAST_ONCE, DUR_EXECUTE);
    transactional = begin(run, "transactional", DUR_TRANSACTIONAL, DUR_EXECUTE);
    bank_move(&it, 8);
    assert_int_equal(DUR_MISUSE, dur_record_result(plain, dur_null()));
    assert_int_equal(DUR_MISUSE, dur_record_result(transactional, dur_null()));
    assert_bank(&it, 0, 1, 0);
    dur_close_run(run);
    dur_close(it.log);
}

static void in_order_they_may_both_be_open(void **state)
{
    dur_step *plain, *transactional;
    dur_run *run;
    bank it;

    bank_open(&it, *state);
    assert_int_equal(dur_begin_run(it.log, "bank", "the-run", NULL, &run), DUR_OK);
    plain = begin(run, "plain", DUR_AT_LEAST_ONCE, DUR_EXECUTE);
    transactional = begin(run, "transactional", DUR_TRANSACTIONAL, DUR_EXECUTE);
    bank_move(&it, 8);
    assert_code(DUR_OK, dur_record_result(transactional, dur_null()), it.log);
    assert_code(DUR_OK, dur_record_result(plain, dur_null()), it.log);
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), it.log);
    assert_bank(&it, 8, 1, 2);
    dur_close_run(run);
    dur_close(it.log);
}

static void two_transactional_steps_are_not_open_at_once(void **state)
{
    dur_step *first;
    dur_run *run;
    bank it;

    bank_open(&it, *state);
    assert_int_equal(dur_begin_run(it.log, "bank", "the-run", NULL, &run), DUR_OK);
    first = begin(run, "first", DUR_TRANSACTIONAL, DUR_EXECUTE);
    bank_move(&it, 8);
    assert_null(begin(run, "second", DUR_TRANSACTIONAL, DUR_MISUSE));
    assert_int_equal(DUR_MISUSE, dur_record_result(first, dur_null()));
    assert_bank(&it, 0, 1, 0);
    dur_close_run(run);
    dur_close(it.log);
}

/* ---- Records that fail --------------------------------------------------------------------- */

/* Law 3: the body is taken back with its record: nothing is kept, and it runs again. */
static void law3_a_refused_record_takes_the_body_back(void **state)
{
    static const char *const actions[] = {"ROLLBACK", "ABORT", "FAIL"};
    test_host *host = *state;
    bank it;

    bank_open(&it, host);
    it.code = 0;
    for (int i = 0; i < 3; i++) {
        int code;

        host_run(host->db,
                 "CREATE TRIGGER guard BEFORE INSERT ON durable_steps BEGIN"
                 " SELECT RAISE(%s, 'the guard says no'); END",
                 actions[i]);
        code = bank_execute(&it, is_left);
        assert_true(code == DUR_DATABASE || (i == 0 && code == DUR_ROLLED_BACK));
        assert_has(dur_errmsg(it.log), "the guard says no");
        assert_bank(&it, 0, 2 * i + 2, 0);
        host_run(host->db, "DROP TRIGGER guard");
    }
    assert_code(DUR_OK, bank_execute(&it, is_left), it.log);
    assert_bank(&it, 42, 8, 1);
    dur_close(it.log);
}

/* What cannot be recorded is taken back as well: a host that checks foreign keys at the commit. */
static void law3_a_refused_commit_takes_the_body_back(void **state)
{
    test_host *host = *state;
    bank it;

    bank_open(&it, host);
    host_run(host->db,
             "PRAGMA foreign_keys = ON; CREATE TABLE owed (name REFERENCES accounts"
             " DEFERRABLE INITIALLY DEFERRED); CREATE TRIGGER owe AFTER UPDATE ON accounts"
             " BEGIN INSERT INTO owed VALUES ('nobody'); END");
    assert_code(DUR_DATABASE, bank_execute(&it, is_left), it.log);
    assert_has(dur_errmsg(it.log), "FOREIGN KEY");
    assert_bank(&it, 0, 2, 0);
    host_run(host->db, "DROP TRIGGER owe");
    assert_code(DUR_OK, bank_execute(&it, is_left), it.log);
    assert_bank(&it, 42, 4, 1);
    dur_close(it.log);
}

static int records_too_much(dur_run *run, void *user)
{
    static char large[200000];
    bank *it = user;
    dur_value value = dur_null();

    DUR_TX_STEP(run, "large", value) {
        bank_move(it, 42);
        value = dur_blob(large, it->code ? sizeof large : 20);
    }
    return 0;
}

static void a_result_that_is_too_big_takes_the_body_back(void **state)
{
    bank it;

    bank_open(&it, *state);
    sqlite3_limit(it.host->db, SQLITE_LIMIT_LENGTH, 100000);
    it.code = 1;
    assert_code(DUR_TOO_BIG, bank_execute(&it, records_too_much), it.log);
    assert_bank(&it, 0, 1, 0);
    it.code = 0;
    assert_code(DUR_OK, bank_execute(&it, records_too_much), it.log);
    assert_bank(&it, 42, 2, 1);
    dur_close(it.log);
}

/* With the verbs the step stays open, for something smaller. */
static void something_smaller_may_be_recorded_instead(void **state)
{
    static char large[200000];
    dur_step *step;
    dur_run *run;
    bank it;

    bank_open(&it, *state);
    sqlite3_limit(it.host->db, SQLITE_LIMIT_LENGTH, 100000);
    assert_int_equal(dur_begin_run(it.log, "bank", "the-run", NULL, &run), DUR_OK);
    step = begin(run, "large", DUR_TRANSACTIONAL, DUR_EXECUTE);
    bank_move(&it, 8);
    assert_int_equal(DUR_TOO_BIG, dur_record_result(step, dur_blob(large, sizeof large)));
    assert_code(DUR_OK, dur_record_result(step, dur_blob(large, 20)), it.log);
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), it.log);
    assert_bank(&it, 8, 1, 1);
    dur_close_run(run);
    dur_close(it.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(a_step_inside_the_body_is_misuse),
        IN_EVERY_JOURNAL(a_body_left_by_break_is_taken_back),
        IN_MEMORY(a_stop_in_the_body_takes_it_back),
        IN_EVERY_JOURNAL(a_body_that_ends_the_transaction_is_found_out),
        IN_EVERY_JOURNAL(law1_so_is_one_that_ends_the_hosts),
        IN_EVERY_JOURNAL(law3_no_other_write_slips_into_the_transaction),
        IN_EVERY_JOURNAL(law3_another_steps_outcome_is_no_part_of_it),
        IN_MEMORY(in_order_they_may_both_be_open),
        IN_MEMORY(two_transactional_steps_are_not_open_at_once),
        IN_EVERY_JOURNAL(law3_a_refused_record_takes_the_body_back),
        IN_EVERY_JOURNAL(law3_a_refused_commit_takes_the_body_back),
        IN_MEMORY(a_result_that_is_too_big_takes_the_body_back),
        IN_MEMORY(something_smaller_may_be_recorded_instead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
