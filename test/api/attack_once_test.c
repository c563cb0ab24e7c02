/* test/api: steps that share a commit, beside hosts, other runs and interrupts that come at a bad
 * moment: what a body did and its record stand or fall together, and the host's transaction is the
 * host's. */
#include "api/bank.h"

static void open_shared(bank *it, test_host *host)
{
    dur_options options = host_options(host);

    bank_open(it, host);
    dur_close(it->log);
    options.shared_commit_steps = 10;
    options.busy_wait_ms = 0;
    assert_int_equal(DUR_OK, dur_open(host->db, &options, &it->log));
}

static dur_run *begin_run(bank *it, const char *id)
{
    dur_run *run;

    assert_code(DUR_OK, dur_begin_run(it->log, "bank", id, NULL, &run), it->log);
    return run;
}

static dur_step *begin(dur_run *run, const char *name, int mode)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_step *step = NULL;

    options.mode = mode;
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, name, &options, &step));
    return step;
}

static void transfer(bank *it, dur_run *run, const char *name)
{
    dur_step *step = begin(run, name, DUR_TRANSACTIONAL);

    assert_true(bank_move(it, 1));
    assert_code(DUR_OK, dur_record_result(step, dur_null()), it->log);
}

static int refuse_commit(void *context)
{
    (void)context;
    return 1;
}

/* ---- A plain step beside those that share a commit ----------------------------------------- */

/* Its body's SQL is gone with the commit that failed; so must its outcome be, now, at the end of
 * the pass, and where it is recorded again. */
static void assert_plain_goes_with_shared(test_host *host, bool of_other_run, bool again)
{
    dur_run *run, *other;
    dur_step *plain = NULL;
    bank it;
    int code;

    open_shared(&it, host);
    run = begin_run(&it, "the-run");
    other = begin_run(&it, "the-other");
    plain = begin(of_other_run ? other : run, "plain", DUR_AT_LEAST_ONCE);
    transfer(&it, run, "one");
    assert_true(bank_move(&it, 5));
    sqlite3_commit_hook(host->db, refuse_commit, NULL);
    code = dur_record_result(plain, dur_null());
    sqlite3_commit_hook(host->db, NULL, NULL);
    assert_code(DUR_ROLLED_BACK, code, it.log);
    if (again) assert_int_equal(DUR_MISUSE, dur_record_result(plain, dur_null()));
    dur_close_run(run);
    dur_close_run(other);
    run = begin_run(&it, of_other_run ? "the-other" : "the-run");
    begin(run, "plain", DUR_AT_LEAST_ONCE);
    assert_bank(&it, 0, 2, 0);
    dur_close_run(run);
    host_run(host->db, "DELETE FROM durable_runs");
    dur_close(it.log);
}

/* Law 3. */
static void law3_no_outcome_without_the_sql_of_its_body(void **state)
{
    for (int i = 0; i < 4; i++) assert_plain_goes_with_shared(*state, i & 1, i & 2);
}

/* ---- The host's transaction ---------------------------------------------------------------- */

/* Law 1: the host has committed what was shared, and begun a transaction of its own, in which it
 * stands half way through a write. */
static void law1_what_the_host_began_is_not_rolled_back(void **state)
{
    test_host *host = *state;
    sqlite3_stmt *statement;
    dur_step *step;
    dur_run *run;
    bank it;

    open_shared(&it, host);
    host_run(host->db, "CREATE TABLE mine (x)");
    run = begin_run(&it, "the-run");
    transfer(&it, run, "one");
    host_run(host->db, "COMMIT; BEGIN; INSERT INTO mine VALUES (1)");
    assert_int_equal(SQLITE_OK,
                     sqlite3_prepare_v2(host->db, "INSERT INTO mine VALUES (2), (3) RETURNING x",
                                        -1, &statement, NULL));
    assert_int_equal(SQLITE_ROW, sqlite3_step(statement));
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "plain", NULL, &step));
    sqlite3_finalize(statement);
    assert_int_equal(0, sqlite3_get_autocommit(host->db));
    host_run(host->db, "COMMIT");
    assert_int_equal(3, host_number(host->db, "SELECT count(*) FROM mine"));
    dur_close_run(run);
    assert_bank(&it, 1, 1, 1);
    dur_close(it.log);
}

static int record(dur_step *step, bool fails)
{
    return fails ? dur_record_failure(step, "no") : dur_record_result(step, dur_null());
}

/* Law 1: an interrupt that holds, as long as a statement of the host's is active, lets nothing be
 * taken back but the whole transaction; that has to be told. */
static void law1_an_interrupt_that_ends_the_hosts_transaction_is_told(void **state)
{
    test_host *host = *state;
    bank it;

    bank_open(&it, host);
    host_run(host->db, "CREATE TABLE mine (x)");
    for (int fails = 0; fails < 2; fails++) {
        dur_run *run = begin_run(&it, fails ? "failing" : "succeeding");
        sqlite3_stmt *statement;
        dur_step *step;

        host_run(host->db, "BEGIN; INSERT INTO mine VALUES (1)");
        assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(host->db, "SELECT name FROM accounts", -1,
                                                       &statement, NULL));
        assert_int_equal(SQLITE_ROW, sqlite3_step(statement));
        step = begin(run, "interrupted", DUR_TRANSACTIONAL);
        assert_true(bank_move(&it, 1));
        sqlite3_interrupt(host->db);
        assert_int_equal(DUR_ROLLED_BACK, record(step, fails));
        sqlite3_finalize(statement);
        assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM mine"));
        dur_close_run(run);
        assert_bank(&it, 0, fails + 1, 0);
    }
    dur_close(it.log);
}

/* ---- The claim ----------------------------------------------------------------------------- */

static void roll_back_by_host(bank *it)
{
    host_run(it->host->db, "ROLLBACK");
}

static void roll_back_by_refusal(bank *it)
{
    sqlite3_commit_hook(it->host->db, refuse_commit, NULL);
    assert_code(DUR_DATABASE, dur_signal(it->log, "the-run", "go", dur_null(), NULL), it->log);
    sqlite3_commit_hook(it->host->db, NULL, NULL);
}

/* It is older than what was rolled back behind the run's back. */
static void a_run_that_is_closed_gives_its_claim_back(void **state)
{
    static void (*const ways[])(bank *) = {roll_back_by_host, roll_back_by_refusal};
    bank it;

    open_shared(&it, *state);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        dur_run *run = begin_run(&it, "the-run");

        transfer(&it, run, "one");
        ways[i](&it);
        dur_close_run(run);
        assert_int_equal(0, host_number(it.host->db, "SELECT count(*) FROM durable_claims"));
    }
    assert_bank(&it, 0, 2, 0);
    dur_close(it.log);
}

/* ---- A module's table that refuses the commit ---------------------------------------------- */

static bool module_refuses;

static int module_connect(sqlite3 *db, void *context, int count, const char *const *words,
                          sqlite3_vtab **table, char **message)
{
    (void)context, (void)count, (void)words, (void)message;
    *table = sqlite3_malloc(sizeof **table);
    memset(*table, 0, sizeof **table);
    return sqlite3_declare_vtab(db, "CREATE TABLE refusing (x)");
}

static int module_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

static int module_plan(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table, (void)info;
    return SQLITE_OK;
}

static int module_update(sqlite3_vtab *table, int count, sqlite3_value **values,
                         sqlite3_int64 *rowid)
{
    (void)table, (void)count, (void)values;
    *rowid = 1;
    return SQLITE_OK;
}

static int module_note(sqlite3_vtab *table)
{
    (void)table;
    return SQLITE_OK;
}

static int module_sync(sqlite3_vtab *table)
{
    (void)table;
    return module_refuses ? SQLITE_ERROR : SQLITE_OK;
}

static const sqlite3_module module = {.xCreate = module_connect,
                                      .xConnect = module_connect,
                                      .xBestIndex = module_plan,
                                      .xDisconnect = module_disconnect,
                                      .xDestroy = module_disconnect,
                                      .xUpdate = module_update,
                                      .xBegin = module_note,
                                      .xSync = module_sync,
                                      .xCommit = module_note,
                                      .xRollback = module_note};

/* Law 1: SQLite leaves the connection in a transaction then; nobody would end it. */
static void law1_no_transaction_is_left_by_a_module_that_refuses(void **state)
{
    test_host *host = *state;
    dur_step *step;
    dur_run *run;
    bank it;

    assert_int_equal(SQLITE_OK, sqlite3_create_module(host->db, "refusing", &module, NULL));
    open_shared(&it, host);
    host_run(host->db, "CREATE VIRTUAL TABLE refused USING refusing");
    run = begin_run(&it, "the-run");
    transfer(&it, run, "one");
    host_run(host->db, "INSERT INTO refused VALUES (1)");
    module_refuses = true;
    assert_int_equal(DUR_DATABASE, dur_begin_step(run, "plain", NULL, &step));
    module_refuses = false;
    assert_bank(&it, 0, 1, 0);
    dur_close_run(run);
    dur_close(it.log);
}

/* The manual: the commit comes before a step of another kind is executed, whosever it is. */
static void what_is_shared_is_committed_before_a_step_of_another_run(void **state)
{
    dur_run *run, *other;
    dur_step *plain;
    bank it;

    open_shared(&it, *state);
    run = begin_run(&it, "the-run");
    other = begin_run(&it, "the-other");
    transfer(&it, run, "one");
    assert_false(sqlite3_get_autocommit(it.host->db));
    plain = begin(other, "plain", DUR_AT_LEAST_ONCE);
    assert_true(sqlite3_get_autocommit(it.host->db));
    assert_code(DUR_OK, dur_record_result(plain, dur_null()), it.log);
    dur_close_run(run);
    dur_close_run(other);
    dur_close(it.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(what_is_shared_is_committed_before_a_step_of_another_run),
        ON_DISK(law3_no_outcome_without_the_sql_of_its_body),
        IN_WAL(law1_what_the_host_began_is_not_rolled_back),
        IN_WAL(law1_an_interrupt_that_ends_the_hosts_transaction_is_told),
        IN_WAL(a_run_that_is_closed_gives_its_claim_back),
        IN_WAL(law1_no_transaction_is_left_by_a_module_that_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
