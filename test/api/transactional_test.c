/* test/api: a transactional step's SQL and its record are one commit: exactly once. */
#include "api/bank.h"

/* ---- One commit ---------------------------------------------------------------------------- */

static int transfers(dur_run *run, void *user)
{
    bank *it = user;
    int64_t left = 0;

    DUR_TX_STEP(run, "first", left) {
        bank_move(it, 100);
        left = bank_cents(it->host->db, "ann");
    }
    DUR_TX_STEP(run, "second")
        bank_move(it, 11);
    assert_true(!dur_ok(run) || left == BANK_CENTS - 100);
    return 0;
}

/* Law 2: the step costs nothing beyond the host's own commit; replay costs nothing at all. The
 * other two commits are the run's start and its end. */
static void law2_the_bodys_sql_and_the_record_are_one_commit(void **state)
{
    bank it;

    bank_open(&it, *state);
    bank_count_commits(&it);
    assert_code(DUR_OK, bank_execute(&it, transfers), it.log);
    assert_int_equal(it.commits, 4);
    assert_bank(&it, 111, 2, 2);
    assert_code(DUR_OK, bank_execute(&it, transfers), it.log);
    assert_int_equal(it.commits, 4);
    assert_bank(&it, 111, 2, 2);
    dur_close(it.log);
}

static int in_halves(dur_run *run, void *user)
{
    bank *it = user;

    if (transfers(run, it) == 0 && it->code == 0) dur_stop(run, "the lights go out");
    return 0;
}

/* Law 4: what is recorded is not executed again. */
static void law4_a_recorded_transfer_is_not_made_again(void **state)
{
    bank it;

    bank_open(&it, *state);
    assert_code(DUR_STOPPED, bank_execute(&it, in_halves), it.log);
    assert_bank(&it, 111, 2, 2);
    it.code = 1;
    assert_code(DUR_OK, bank_execute(&it, in_halves), it.log);
    assert_bank(&it, 111, 2, 2);
    dur_close(it.log);
}

/* Law 1: the connection is as it was, but for what the body did. */
static void law1_the_connection_is_as_it_was(void **state)
{
    bank it;
    char *before;

    bank_open(&it, *state);
    sqlite3_set_last_insert_rowid(it.host->db, -42);
    sqlite3_free(host_picture(it.host->db)); /* looking for the first time opens "temp" */
    before = host_picture(it.host->db);
    assert_code(DUR_OK, bank_execute(&it, transfers), it.log);
    host_run(it.host->db, "UPDATE accounts SET cents = %d", BANK_CENTS);
    assert_same(before, host_picture(it.host->db));
    assert_int_equal(-42, sqlite3_last_insert_rowid(it.host->db));
    assert_int_equal(0, host_active_statements(it.host->db));
    dur_close(it.log);
}

static int looks_at_locks(dur_run *run, void *user)
{
    bank *it = user;

    DUR_TX_STEP(run, "first") {
        it->code = sqlite3_exec(it->host->other, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        bank_move(it, 5);
        assert_int_equal(BANK_CENTS, bank_cents(it->host->other, "ann"));
    }
    assert_int_equal(BANK_CENTS - 5, bank_cents(it->host->other, "ann"));
    return 0;
}

/* Taken later, the lock could be refused in the middle of the body. */
static void the_write_lock_is_taken_before_the_body(void **state)
{
    bank it;

    bank_open(&it, *state);
    it.host->other = host_connect(it.host, SQLITE_OPEN_READWRITE);
    assert_code(DUR_OK, bank_execute(&it, looks_at_locks), it.log);
    assert_int_equal(SQLITE_BUSY, it.code);
    assert_bank(&it, 5, 1, 1);
    dur_close(it.log);
}

/* ---- Bodies that fail ---------------------------------------------------------------------- */

static int too_much(dur_run *run, void *user)
{
    bank *it = user;
    const char *failure;

    DUR_TX_STEP(run, "too much")
        if (!bank_move(it, 5000)) dur_fail(run, "not enough money");
    failure = dur_catch(run);
    assert_true(failure || !dur_ok(run));
    if (failure) assert_string_equal(failure, "not enough money");
    DUR_TX_STEP(run, "less")
        if (!bank_move(it, 50)) dur_fail(run, "not enough money");
    return 0;
}

/* What the body did before it failed is gone; the failure is an outcome like any other. */
static void a_body_that_fails_takes_its_changes_back(void **state)
{
    bank it;

    bank_open(&it, *state);
    bank_count_commits(&it);
    assert_code(DUR_OK, bank_execute(&it, too_much), it.log);
    assert_int_equal(it.commits, 4);
    assert_bank(&it, 50, 2, 2);
    assert_int_equal(1, host_number(it.host->db, "SELECT count(*) FROM durable_steps_view"
                                                 " WHERE name = 'too much' AND outcome ="
                                                 " 'failure'"));
    assert_code(DUR_OK, bank_execute(&it, too_much), it.log);
    assert_bank(&it, 50, 2, 2);
    dur_close(it.log);
}

static int patient(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    bank *it = user;

    options.mode = DUR_TRANSACTIONAL;
    options.retry = &it->policy;
    DUR_STEP_VOID(run, "patient", &options) {
        assert_int_equal(dur_step_attempt(dur_current_step(run)), it->bodies + 1);
        assert_int_equal(BANK_CENTS, bank_cents(it->host->db, "ann"));
        bank_move(it, 7);
        if (it->bodies < 3) dur_fail(run, "not today");
    }
    return 0;
}

/* Each attempt stands in a transaction of its own, and only the last one's changes stay. */
static void each_attempt_has_its_own_transaction(void **state)
{
    bank it;

    bank_open(&it, *state);
    for (int i = 0; i < 2; i++) {
        assert_code(DUR_SUSPENDED, bank_execute(&it, patient), it.log);
        assert_bank(&it, 0, i + 1, 0);
        fake_clock_advance(&it.host->clock, 100000);
    }
    assert_code(DUR_OK, bank_execute(&it, patient), it.log);
    assert_bank(&it, 7, 3, 1);
    dur_close(it.log);
}

/* The same where the pauses are slept through: nothing is locked meanwhile. */
static void pauses_are_slept_through_outside_the_transaction(void **state)
{
    dur_options options = host_options(*state);
    bank it;

    bank_open(&it, *state);
    dur_close(it.log);
    options.sleep_max_ms = 100000;
    assert_int_equal(dur_open(it.host->db, &options, &it.log), DUR_OK);
    bank_count_commits(&it);
    assert_code(DUR_OK, bank_execute(&it, patient), it.log);
    assert_int_equal(it.commits, 5); /* start, two failed attempts, step, end */
    assert_bank(&it, 7, 3, 1);
    dur_close(it.log);
}

static int polls(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    bank *it = user;

    options.mode = DUR_TRANSACTIONAL;
    options.poll = &it->policy;
    DUR_STEP_VOID(run, "polls", &options) {
        bank_move(it, 3);
        if (it->bodies == 1) dur_not_yet(dur_current_step(run), dur_integer(1));
    }
    return 0;
}

static void not_yet_takes_the_changes_back(void **state)
{
    bank it;

    bank_open(&it, *state);
    assert_code(DUR_SUSPENDED, bank_execute(&it, polls), it.log);
    assert_bank(&it, 0, 1, 0);
    fake_clock_advance(&it.host->clock, 100000);
    assert_code(DUR_OK, bank_execute(&it, polls), it.log);
    assert_bank(&it, 3, 2, 1);
    dur_close(it.log);
}

/* ---- In a transaction of the host's -------------------------------------------------------- */

/* Law 1: a savepoint: what the host began stays, also where a body fails. */
static void law1_in_the_hosts_transaction_it_is_a_savepoint(void **state)
{
    bank it;

    bank_open(&it, *state);
    host_run(it.host->db, "BEGIN; UPDATE accounts SET cents = cents + 1");
    assert_code(DUR_OK, bank_execute(&it, too_much), it.log);
    assert_int_equal(0, sqlite3_get_autocommit(it.host->db));
    host_run(it.host->db, "UPDATE accounts SET cents = cents - 1; COMMIT");
    assert_bank(&it, 50, 2, 2);
    dur_close(it.log);
}

/* Law 3: as durable as that transaction, and no more. */
static void law3_rolled_back_with_the_host_it_runs_again(void **state)
{
    bank it;

    bank_open(&it, *state);
    host_run(it.host->db, "BEGIN");
    assert_code(DUR_OK, bank_execute(&it, transfers), it.log);
    host_run(it.host->db, "ROLLBACK");
    assert_bank(&it, 0, 2, 0);
    assert_code(DUR_OK, bank_execute(&it, transfers), it.log);
    assert_bank(&it, 111, 4, 2);
    dur_close(it.log);
}

/* ---- The verbs ----------------------------------------------------------------------------- */

static int move_and_answer(dur_step *step, void *user)
{
    bank *it = user;

    bank_move(it, it->code == 2 ? 5000 : 20);
    if (it->code == 1) return 0; /* without an answer */
    if (it->code == 2) return 7;
    return dur_record_result(step, dur_text("moved"));
}

static int by_function(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_value value = dur_null();
    int code;

    options.mode = DUR_TRANSACTIONAL;
    code = dur_replay_or_run(run, "function", &options, move_and_answer, user, &value);
    if (code == DUR_OK) assert_string_equal("moved", dur_as_text(value));
    assert_int_equal(1, sqlite3_get_autocommit(((bank *)user)->host->db));
    return 0;
}

static void a_step_function_may_be_transactional(void **state)
{
    bank it;

    bank_open(&it, *state);
    it.code = 1;
    assert_code(DUR_MISUSE, bank_execute(&it, by_function), it.log);
    assert_has(dur_errmsg(it.log), "returned 0 without recording");
    assert_bank(&it, 0, 1, 0);
    it.code = 0;
    assert_code(DUR_OK, bank_execute(&it, by_function), it.log);
    assert_bank(&it, 20, 2, 1);
    assert_code(DUR_OK, bank_execute(&it, by_function), it.log);
    assert_bank(&it, 20, 2, 1);
    dur_close(it.log);
}

static void a_step_function_that_fails_takes_its_changes_back(void **state)
{
    bank it;

    bank_open(&it, *state);
    it.code = 2;
    assert_code(DUR_FAILED, bank_execute(&it, by_function), it.log);
    assert_string_equal("step function returned 7", dur_errmsg(it.log));
    assert_bank(&it, 0, 1, 1);
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

static void the_verbs_open_and_end_it(void **state)
{
    dur_run *run;
    dur_step *step;
    bank it;

    bank_open(&it, *state);
    assert_int_equal(dur_begin_run(it.log, "bank", "the-run", NULL, &run), DUR_OK);
    step = begin(run, "one", DUR_TRANSACTIONAL, DUR_EXECUTE);
    assert_int_equal(0, sqlite3_get_autocommit(it.host->db));
    bank_move(&it, 30);
    assert_code(DUR_OK, dur_record_result(step, dur_integer(30)), it.log);
    assert_bank(&it, 30, 1, 1);
    assert_code(DUR_MISUSE, dur_record_result(step, dur_integer(31)), it.log);
    step = begin(run, "two", DUR_TRANSACTIONAL, DUR_EXECUTE);
    bank_move(&it, 5);
    assert_code(DUR_OK, dur_record_failure(step, "no"), it.log);
    assert_string_equal("no", dur_catch(run));
    assert_bank(&it, 30, 2, 2);
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), it.log);
    dur_close_run(run);
    dur_close(it.log);
}

/* Law 3: busy loses nothing: the body has not run. */
static void law3_a_busy_database_stops_the_run_before_the_body(void **state)
{
    dur_run *run;
    bank it;

    bank_open(&it, *state);
    it.host->other = host_connect(it.host, SQLITE_OPEN_READWRITE);
    assert_int_equal(dur_begin_run(it.log, "bank", "the-run", NULL, &run), DUR_OK);
    host_run(it.host->other, "BEGIN IMMEDIATE");
    assert_null(begin(run, "first", DUR_TRANSACTIONAL, DUR_BUSY));
    assert_has(dur_errmsg(it.log), "position 1, step \"first\"");
    assert_int_equal(DUR_BUSY, dur_run_code(run));
    host_run(it.host->other, "ROLLBACK");
    dur_close_run(run);
    assert_code(DUR_OK, bank_execute(&it, transfers), it.log);
    assert_bank(&it, 111, 2, 2);
    dur_close(it.log);
}

/* A body that is not recorded has changed nothing, however its run is left. */
static void closing_the_run_or_the_log_takes_it_back(void **state)
{
    dur_run *run;
    bank it;

    bank_open(&it, *state);
    for (int closes_log = 0; closes_log < 2; closes_log++) {
        assert_int_equal(dur_begin_run(it.log, "bank", "the-run", NULL, &run), DUR_OK);
        begin(run, "one", DUR_TRANSACTIONAL, DUR_EXECUTE);
        bank_move(&it, 30);
        if (closes_log) dur_close(it.log);
        dur_close_run(run);
        assert_bank(&it, 0, closes_log + 1, 0);
    }
}

static int closes_the_log(dur_run *run, void *user)
{
    bank *it = user;

    DUR_TX_STEP(run, "closes") {
        bank_move(it, 1);
        dur_close(it->log);
    }
    assert_false(dur_ok(run));
    return 0;
}

static void a_log_closed_in_the_body_takes_back_what_came_before(void **state)
{
    bank it;

    bank_open(&it, *state);
    assert_int_equal(DUR_MISUSE, bank_execute(&it, closes_the_log));
    assert_bank(&it, 0, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(law2_the_bodys_sql_and_the_record_are_one_commit),
        IN_EVERY_JOURNAL(law4_a_recorded_transfer_is_not_made_again),
        IN_EVERY_JOURNAL(law1_the_connection_is_as_it_was),
        IN_WAL(the_write_lock_is_taken_before_the_body),
        ON_DISK(law3_a_busy_database_stops_the_run_before_the_body),
        IN_EVERY_JOURNAL(a_body_that_fails_takes_its_changes_back),
        IN_EVERY_JOURNAL(each_attempt_has_its_own_transaction),
        IN_MEMORY(pauses_are_slept_through_outside_the_transaction),
        IN_MEMORY(not_yet_takes_the_changes_back),
        IN_EVERY_JOURNAL(law1_in_the_hosts_transaction_it_is_a_savepoint),
        IN_EVERY_JOURNAL(law3_rolled_back_with_the_host_it_runs_again),
        IN_MEMORY(a_step_function_may_be_transactional),
        IN_MEMORY(a_step_function_that_fails_takes_its_changes_back),
        IN_EVERY_JOURNAL(the_verbs_open_and_end_it),
        IN_EVERY_JOURNAL(closing_the_run_or_the_log_takes_it_back),
        IN_MEMORY(a_log_closed_in_the_body_takes_back_what_came_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
