/* test/api: an interrupt at every point of a call, while the host is in the middle of a SELECT or
 * is not: no transaction and no savepoint of ours stays behind, and none of the host's goes unsaid.
 */
#include "api/script.h"

/* ---- Interrupts ------------------------------------------------------------------------------ */

/* They come at `length` points of SQLite's work in a row, from the one on that is `at`. */
typedef struct storm {
    sqlite3 *db;
    sqlite3_stmt *cursor; /* a SELECT of the host's that keeps an interrupt going; NULL: none */
    int at, length;
    int points;
} storm;

static int strike(void *user)
{
    storm *it = user;

    it->points++;
    if (it->points < it->at || it->points >= it->at + it->length) return 0;
    if (!it->cursor) return 1;
    sqlite3_interrupt(it->db);
    return 0;
}

static void begin_storm(storm *it, bool reads)
{
    it->points = 0;
    it->cursor = NULL;
    if (reads) {
        assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(it->db, "SELECT x FROM seen", -1,
                                                       &it->cursor, NULL));
        assert_int_equal(SQLITE_ROW, sqlite3_step(it->cursor));
    }
    sqlite3_progress_handler(it->db, 1, strike, it);
}

/* True where the calls were disturbed. */
static bool end_storm(storm *it)
{
    sqlite3_progress_handler(it->db, 0, NULL, NULL);
    sqlite3_finalize(it->cursor);
    it->cursor = NULL;
    return it->points >= it->at;
}

/* ---- What must not be left ------------------------------------------------------------------- */

static void make_host_tables(sqlite3 *db)
{
    host_run(db, "PRAGMA synchronous = off");
    host_run(db, "CREATE TABLE seen (x); INSERT INTO seen VALUES (1), (2); CREATE TABLE mine (x)");
}

static void begin_host_transaction(sqlite3 *db)
{
    host_run(db, "BEGIN; INSERT INTO mine VALUES (1)");
}

/* Whether the host's transaction is still there, with its row; that it is not has been told. */
static bool assert_host_transaction(sqlite3 *db, int code)
{
    bool lives = !sqlite3_get_autocommit(db);

    if (!lives) assert_int_equal(DUR_ROLLED_BACK, code);
    if (lives)
        assert_int_not_equal(SQLITE_OK,
                             sqlite3_exec(db, "RELEASE durable_write_of_ours", NULL, NULL, NULL));
    assert_int_equal(lives ? 1 : 0, host_number(db, "SELECT count(*) FROM mine"));
    return lives;
}

/* ---- dur_open() ------------------------------------------------------------------------------ */

static sqlite3 *open_in_memory(void)
{
    sqlite3 *db = NULL;

    assert_int_equal(SQLITE_OK, sqlite3_open(":memory:", &db));
    make_host_tables(db);
    return db;
}

/* True where the opening was disturbed. */
static bool open_in_storm(storm *it, bool joins)
{
    dur_log *log = NULL;
    int code;
    bool disturbed;

    it->db = open_in_memory();
    if (joins) begin_host_transaction(it->db);
    begin_storm(it, true);
    code = dur_open(it->db, NULL, &log);
    if (!joins) assert_int_equal(1, sqlite3_get_autocommit(it->db));
    disturbed = end_storm(it);
    if (joins) assert_host_transaction(it->db, code);
    dur_close(log);
    if (!sqlite3_get_autocommit(it->db)) host_run(it->db, "COMMIT");
    assert_code(DUR_OK, dur_open(it->db, NULL, &log), log);
    dur_close(log);
    assert_int_equal(SQLITE_OK, sqlite3_close(it->db));
    return disturbed;
}

/* Law 1: the transaction in which the log is made ends with the call, however it is interrupted. */
static void law1_an_interrupted_open_leaves_no_transaction(void **state)
{
    (void)state;
    for (int joins = 0; joins < 2; joins++) {
        storm it = {NULL, NULL, 1, 1, 0};

        /* The first points are looked at one by one, as the transaction begins there. */
        while (open_in_storm(&it, joins == 1)) it.at += 1 + it.at / 200;
        assert_in_range(it.at, 100, 1000000);
    }
}

/* ---- dur_execute() --------------------------------------------------------------------------- */

static int step_and_stop(dur_run *run, void *user)
{
    int value = 0;

    (void)user;
    DUR_STEP(run, "a", value) value = 1;
    dur_stop(run, "enough for now");
    return 0;
}

/* True where the call was disturbed. */
static bool execute_in_storm(storm *it, dur_log *log, bool joins, bool reads)
{
    int code;
    bool disturbed;

    if (joins) begin_host_transaction(it->db);
    begin_storm(it, reads);
    code = dur_execute(log, "w", "r", NULL, step_and_stop, NULL);
    if (!joins) assert_int_equal(1, sqlite3_get_autocommit(it->db));
    disturbed = end_storm(it);
    if (joins && assert_host_transaction(it->db, code)) host_run(it->db, "ROLLBACK");
    host_run(it->db, "DELETE FROM durable_runs; DELETE FROM durable_steps; "
                     "DELETE FROM durable_claims");
    return disturbed;
}

static void execute_in_every_storm(bool joins, bool reads)
{
    for (int length = 1; length <= (reads ? 1 : 3); length++) {
        storm it = {open_in_memory(), NULL, 0, length, 0};
        bool disturbed = true;

        while (disturbed) {
            dur_log *log = NULL;

            it.at++;
            assert_code(DUR_OK, dur_open(it.db, NULL, &log), log);
            disturbed = execute_in_storm(&it, log, joins, reads);
            dur_close(log);
        }
        assert_in_range(it.at, 100, 1000000);
        assert_int_equal(SQLITE_OK, sqlite3_close(it.db));
    }
}

/* Law 1: nor does a run's start, a step, or the run's release leave a savepoint or undo the host's
 * transaction unsaid. */
static void law1_an_interrupted_run_leaves_no_savepoint(void **state)
{
    (void)state;
    execute_in_every_storm(true, false);
    execute_in_every_storm(true, true);
}

static void law1_an_interrupted_run_leaves_no_transaction(void **state)
{
    (void)state;
    execute_in_every_storm(false, false);
    execute_in_every_storm(false, true);
}

/* ---- A kept result --------------------------------------------------------------------------- */

static void keep_first(test_host *host, dur_log *log)
{
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "a", NULL, &step));
    host_run(host->other, "BEGIN IMMEDIATE");
    assert_int_equal(DUR_BUSY, dur_record_result(step, dur_integer(1)));
    dur_close_run(run);
    host_run(host->other, "COMMIT");
}

static void assert_first_is_replayed(dur_log *log, dur_run *run)
{
    dur_step *step = NULL;

    if (!run) assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_code(DUR_REPLAYED, dur_begin_step(run, "a", NULL, &step), log);
    assert_int_equal(1, dur_step_value(step).as.integer);
    dur_close_run(run);
}

/* True where the beginning was disturbed. */
static bool flush_in_storm(storm *it, dur_log *log, bool reads)
{
    dur_run *run = NULL;
    int code;
    bool disturbed;

    begin_host_transaction(it->db);
    begin_storm(it, reads);
    code = dur_begin_run(log, "w", "r", NULL, &run);
    disturbed = end_storm(it);
    if (assert_host_transaction(it->db, code)) host_run(it->db, "COMMIT");
    assert_first_is_replayed(log, run);
    return disturbed;
}

/* Law 3: what is kept is written when the run begins again; undone by an interrupt together with
 * the host's transaction, it is kept on, and the loss of the transaction is told. */
static void law3_a_kept_result_outlives_an_interrupted_begin(void **state)
{
    test_host *host = *state;

    make_host_tables(host->db);
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    for (int reads = 0; reads < 2; reads++) {
        storm it = {host->db, NULL, 0, 1, 0};
        bool disturbed = true;

        while (disturbed) {
            dur_options options = host_options(host);
            dur_log *log = NULL;

            it.at++;
            options.busy_wait_ms = -1;
            assert_code(DUR_OK, dur_open(host->db, &options, &log), log);
            keep_first(host, log);
            disturbed = flush_in_storm(&it, log, reads == 1);
            dur_close(log);
            host_run(host->db, "DELETE FROM durable_runs; DELETE FROM durable_steps; "
                               "DELETE FROM mine");
        }
        assert_in_range(it.at, 20, 1000000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law1_an_interrupted_open_leaves_no_transaction),
        cmocka_unit_test(law1_an_interrupted_run_leaves_no_savepoint),
        cmocka_unit_test(law1_an_interrupted_run_leaves_no_transaction),
        IN_WAL(law3_a_kept_result_outlives_an_interrupted_begin),
    };

    return cmocka_run_group_tests_name("attack_interrupt", tests, NULL, NULL);
}
