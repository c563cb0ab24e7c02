/* test/api: law 3, a database that will not write: interrupted, full, too big, read-only. What was
 * done is kept, and written first when the run is executed again. */
#include "api/script.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Interrupted ----------------------------------------------------------------------------- */

static int interrupt(void *user)
{
    sqlite3_interrupt(user);
    return 0;
}

static void interrupt_from_now(test_script *script)
{
    sqlite3_progress_handler(script->host->db, 1, interrupt, script->host->db);
}

static void law3_an_interrupt_keeps_the_result(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.inside[1] = interrupt_from_now;
    assert_code(DUR_INTERRUPTED, script_execute(&script, log), log);
    sqlite3_progress_handler(host->db, 0, NULL, NULL);
    assert_int_equal(SQLITE_INTERRUPT, dur_sqlite_errcode(log));
    assert_has(dur_errmsg(log), "second");
    assert_int_equal(1, script_rows(&script));
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(2, script.rows_at_start);
    assert_bodies(&script, 1, 1, 1, 1);
    script_assert_done(&script, log);
    dur_close(log);
}

/* The interrupt comes in the middle of our INSERT, from a trigger of the host's. */
static void interrupt_now(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    (void)count, (void)arguments;
    sqlite3_interrupt(sqlite3_context_db_handle(context));
    sqlite3_result_int(context, 1);
}

/* Law 1: SQLite ends a transaction whose INSERT was interrupted. That is reported. */
static void law1_an_interrupt_ends_the_transaction(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    sqlite3_create_function(host->db, "interrupt_now", 0, SQLITE_UTF8, NULL, interrupt_now, NULL,
                            NULL);
    host_run(host->db, "CREATE TRIGGER guard BEFORE INSERT ON durable_steps "
                       "WHEN new.name = 'second' BEGIN SELECT count(i) FROM (WITH RECURSIVE n(i) "
                       "AS (SELECT interrupt_now() UNION ALL SELECT i + 1 FROM n WHERE i < 99) "
                       "SELECT i FROM n); END;"
                       "BEGIN; CREATE TABLE mine (x)");
    assert_code(DUR_ROLLED_BACK, script_execute(&script, log), log);
    assert_int_equal(1, sqlite3_get_autocommit(host->db));
    host_run(host->db, "DROP TRIGGER guard");
    assert_int_equal(0, script_rows(&script));
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 2, 2, 1, 1);
    script_assert_done(&script, log);
    dur_close(log);
}

static int ask_nothing(dur_run *run, void *user)
{
    (void)run, (void)user;
    return 0;
}

/* An interrupt at every place in a pass: no code but this one, and everything works afterwards. */
static void law3_an_interrupt_anywhere(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    int code = DUR_INTERRUPTED;
    char id[16];

    for (int opcodes = 1; code != DUR_OK; opcodes++) {
        assert_in_range(opcodes, 1, 2000);
        snprintf(id, sizeof id, "r%d", opcodes);
        sqlite3_progress_handler(host->db, opcodes, interrupt, host->db);
        code = dur_execute(log, "w", id, NULL, ask_nothing, NULL);
        sqlite3_progress_handler(host->db, 0, NULL, NULL);
        if (code != DUR_OK) assert_code(DUR_INTERRUPTED, code, log);
        assert_int_equal(0, host_active_statements(host->db));
        assert_code(DUR_OK, dur_execute(log, "w", id, NULL, ask_nothing, NULL), log);
    }
    dur_close(log);
}

/* ---- Full ------------------------------------------------------------------------------------ */

typedef struct fill_work {
    char *text; /* long enough to need new pages */
    int bodies;
    int64_t rows_at_start;
    sqlite3 *db;
} fill_work;

static void no_room(sqlite3 *db)
{
    host_run(db, "PRAGMA max_page_count = 1"); /* SQLite takes the number of pages in use */
}

static void room(sqlite3 *db)
{
    host_run(db, "PRAGMA max_page_count = 1000000");
}

static int fill(dur_run *run, void *user)
{
    fill_work *filler = user;
    const char *text;

    filler->rows_at_start = host_number(filler->db, "SELECT count(*) FROM durable_steps");
    DUR_STEP(run, "large", text) {
        filler->bodies++;
        text = filler->text;
        no_room(filler->db);
    }
    if (dur_run_code(run) == DUR_OK) assert_string_equal(filler->text, text);
    return 0;
}

static fill_work make_filler(sqlite3 *db)
{
    fill_work filler = {malloc(100001), 0, -1, db};

    assert_non_null(filler.text);
    memset(filler.text, 'x', 100000);
    filler.text[100000] = '\0';
    return filler;
}

static void law3_a_full_database_keeps_the_result(void **state)
{
    test_host *host = *state;
    fill_work filler = make_filler(host->db);
    dur_log *log = host_log(host);

    assert_code(DUR_FULL, dur_execute(log, "fill", "big", NULL, fill, &filler), log);
    assert_int_equal(SQLITE_FULL, dur_sqlite_errcode(log));
    assert_has(dur_errmsg(log), "large");
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    assert_code(DUR_FULL, dur_execute(log, "fill", "big", NULL, fill, &filler), log);
    room(host->db);
    assert_code(DUR_OK, dur_execute(log, "fill", "big", NULL, fill, &filler), log);
    assert_int_equal(1, filler.rows_at_start);
    assert_int_equal(1, filler.bodies);
    free(filler.text);
    dur_close(log);
}

/* Law 1: whether SQLite gave the host's transaction up decides what is said. Nothing is kept of a
 * transaction: the body runs again. */
static void law1_a_full_database_in_a_transaction(void **state)
{
    test_host *host = *state;
    fill_work filler = make_filler(host->db);
    dur_log *log = host_log(host);
    int code;

    host_run(host->db, "BEGIN; CREATE TABLE mine (x)");
    code = dur_execute(log, "fill", "big", NULL, fill, &filler);
    room(host->db);
    if (sqlite3_get_autocommit(host->db)) {
        assert_code(DUR_ROLLED_BACK, code, log);
    } else {
        assert_code(DUR_FULL, code, log);
        host_run(host->db, "COMMIT");
    }
    assert_code(DUR_FULL, dur_execute(log, "fill", "big", NULL, fill, &filler), log);
    assert_int_equal(2, filler.bodies);
    room(host->db);
    assert_code(DUR_OK, dur_execute(log, "fill", "big", NULL, fill, &filler), log);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    free(filler.text);
    dur_close(log);
}

/* ---- Too big --------------------------------------------------------------------------------- */

static void law3_a_value_beyond_the_limit_leaves_the_step_open(void **state)
{
    test_host *host = *state;
    fill_work filler = make_filler(host->db);
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;
    int limit;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "large", NULL, &step));
    limit = sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, 50000);
    assert_code(DUR_TOO_BIG, dur_record_result(step, dur_text(filler.text)), log);
    assert_has(dur_errmsg(log), "large");
    assert_code(DUR_TOO_BIG, dur_record_result(step, dur_blob(filler.text, 100000)), log);
    assert_int_equal(50000, sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, limit));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    free(filler.text);
    dur_close_run(run);
    dur_close(log);
}

static void law3_another_result_instead_of_one_too_big(void **state)
{
    test_host *host = *state;
    fill_work filler = make_filler(host->db);
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "large", NULL, &step));
    sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, 50000);
    assert_code(DUR_TOO_BIG, dur_record_result(step, dur_text(filler.text)), log);
    assert_code(DUR_OK, dur_record_result(step, dur_text("summary")), log);
    assert_int_equal(DUR_OK, dur_run_code(run));
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), log);
    free(filler.text);
    dur_close_run(run);
    dur_close(log);
}

static int make_too_big(dur_run *run, void *user)
{
    fill_work *filler = user;
    const char *text;

    DUR_STEP(run, "large", text) {
        filler->bodies++;
        text = filler->text;
    }
    DUR_STEP(run, "after") { filler->bodies += 100; }
    return 0;
}

/* The macro cannot record another: the run stops, nothing is recorded, nothing after it runs. */
static void law3_a_macro_value_beyond_the_limit_stops_the_run(void **state)
{
    test_host *host = *state;
    fill_work filler = make_filler(host->db);
    dur_log *log = host_log(host);
    int limit = sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, 50000);

    assert_code(DUR_TOO_BIG, dur_execute(log, "w", "r", NULL, make_too_big, &filler), log);
    assert_has(dur_errmsg(log), "large");
    assert_int_equal(1, filler.bodies);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, limit);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, make_too_big, &filler), log);
    assert_int_equal(2, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    free(filler.text);
    dur_close(log);
}

static void law3_inputs_and_outputs_beyond_the_limit(void **state)
{
    test_host *host = *state;
    fill_work filler = make_filler(host->db);
    dur_log *log = host_log(host);
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_run *run = NULL;

    sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, 50000);
    start.input = dur_text(filler.text);
    assert_code(DUR_TOO_BIG, dur_begin_run(log, "w", "r", &start, &run), log);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_runs"));
    start.input = dur_text("small");
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", &start, &run), log);
    assert_code(DUR_TOO_BIG, dur_complete_run(run, dur_text(filler.text)), log);
    assert_code(DUR_OK, dur_complete_run(run, dur_text("small")), log);
    dur_close_run(run);
    free(filler.text);
    dur_close(log);
}

/* ---- Read-only ------------------------------------------------------------------------------- */

static int count_and_complete(dur_run *run, void *user)
{
    ++*(int *)user;
    return dur_set_output(run, dur_text("the output"));
}

static int count_and_fail(dur_run *run, void *user)
{
    ++*(int *)user;
    dur_fail(run, "the reason");
    return 1;
}

/* A log with a run of each kind. */
static void make_log(test_host *host)
{
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    int passes = 0;

    assert_code(DUR_OK, dur_execute(log, "w", "done", NULL, count_and_complete, &passes), log);
    assert_code(DUR_FAILED, dur_execute(log, "w", "lost", NULL, count_and_fail, &passes), log);
    assert_code(DUR_OK, dur_begin_run(log, "w", "open", NULL, &run), log);
    dur_close_run(run);
    dur_close(log);
}

static void check_read_only(test_host *host)
{
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    char *before = host_log_rows(host->db, "main");
    int passes = 0;

    assert_code(DUR_OK, dur_execute(log, "w", "done", NULL, count_and_complete, &passes), log);
    assert_string_equal("the output", dur_output(log).as.bytes);
    assert_code(DUR_FAILED, dur_execute(log, "w", "lost", NULL, count_and_fail, &passes), log);
    assert_has(dur_errmsg(log), "the reason");
    assert_code(DUR_READONLY, dur_execute(log, "w", "open", NULL, count_and_fail, &passes), log);
    assert_has(dur_errmsg(log), "open");
    assert_code(DUR_READONLY, dur_execute(log, "w", "new", NULL, count_and_fail, &passes), log);
    assert_has(dur_errmsg(log), "new");
    assert_code(DUR_OK, dur_read_run(log, "open", &info), log);
    assert_int_equal(DUR_RUNNING, info.status);
    assert_int_equal(0, passes);
    assert_int_equal(0, host->clock.sleeps); /* waiting would not help */
    assert_same(before, host_log_rows(host->db, "main"));
    dur_close(log);
}

/* Law 9: a read-only database is read as far as it goes, and the rest is a clear error. */
static void law9_a_read_only_connection(void **state)
{
    test_host *host = *state;

    make_log(host);
    assert_int_equal(SQLITE_OK, sqlite3_close(host->db));
    host->db = host_connect(host, SQLITE_OPEN_READONLY);
    check_read_only(host);
}

static void law9_query_only(void **state)
{
    test_host *host = *state;

    make_log(host);
    host_run(host->db, "PRAGMA query_only = ON");
    check_read_only(host);
    assert_int_equal(1, host_number(host->db, "PRAGMA query_only"));
    host_run(host->db, "BEGIN");
    check_read_only(host);
    assert_int_equal(0, sqlite3_get_autocommit(host->db));
    host_run(host->db, "ROLLBACK");
}

static void law9_a_read_only_connection_without_a_log(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    dur_log *log = NULL;

    host_run(host->db, "CREATE TABLE mine (x)");
    assert_int_equal(SQLITE_OK, sqlite3_close(host->db));
    host->db = host_connect(host, SQLITE_OPEN_READONLY);
    assert_code(DUR_READONLY, dur_open(host->db, &options, &log), log);
    assert_non_null(log);
    assert_has(dur_errmsg(log), "read");
    assert_code(DUR_READONLY, dur_read_run(log, "r", &(dur_run_info)DUR_RUN_INFO_INIT), log);
    dur_close(log);
    assert_null(sqlite3_next_stmt(host->db, NULL));
}

/* Law 3: a database that turns read-only under a run. */
static void turn_read_only(test_script *script)
{
    host_run(script->host->db, "PRAGMA query_only = ON");
}

static void law3_read_only_in_the_middle_keeps_the_result(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.inside[1] = turn_read_only;
    assert_code(DUR_READONLY, script_execute(&script, log), log);
    assert_has(dur_errmsg(log), "second");
    assert_code(DUR_READONLY, script_execute(&script, log), log);
    host_run(host->db, "PRAGMA query_only = OFF");
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(2, script.rows_at_start);
    assert_bodies(&script, 1, 1, 1, 1);
    script_assert_done(&script, log);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(law3_an_interrupt_keeps_the_result),
        IN_EVERY_JOURNAL(law1_an_interrupt_ends_the_transaction),
        IN_EVERY_JOURNAL(law3_an_interrupt_anywhere),
        IN_EVERY_JOURNAL(law3_a_full_database_keeps_the_result),
        IN_EVERY_JOURNAL(law1_a_full_database_in_a_transaction),
        IN_EVERY_JOURNAL(law3_a_value_beyond_the_limit_leaves_the_step_open),
        IN_EVERY_JOURNAL(law3_another_result_instead_of_one_too_big),
        IN_EVERY_JOURNAL(law3_a_macro_value_beyond_the_limit_stops_the_run),
        IN_EVERY_JOURNAL(law3_inputs_and_outputs_beyond_the_limit),
        ON_DISK(law9_a_read_only_connection),
        IN_EVERY_JOURNAL(law9_query_only),
        ON_DISK(law9_a_read_only_connection_without_a_log),
        IN_EVERY_JOURNAL(law3_read_only_in_the_middle_keeps_the_result),
    };

    return cmocka_run_group_tests_name("trouble", tests, NULL, NULL);
}
