/* test/api: law 3, a database that will not write: busy, full, interrupted, read-only, too big. The
 * result is kept, and written first when the run is executed again. */
#include "api/script.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Others hold the write lock -------------------------------------------------------------- */

static test_host *with_other(void **state)
{
    test_host *host = *state;

    host_run(host->db, "CREATE TABLE mine (x)");
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    return host;
}

static void lock(test_script *script)
{
    host_run(script->host->other, "BEGIN IMMEDIATE; INSERT INTO mine VALUES (1)");
}

static void unlock(test_host *host)
{
    host_run(host->other, "ROLLBACK");
}

static int count_tries(void *user, int tries)
{
    (void)tries;
    ++*(int *)user;
    return 0;
}

/* Law 3: the library waits its own time, keeps the result, and writes it before anything else. */
static void law3_a_busy_database_keeps_the_result(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.inside[2] = lock;
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    assert_has(dur_errmsg(log), "the-run");
    assert_has(dur_errmsg(log), "third");
    assert_int_equal(SQLITE_BUSY, dur_sqlite_errcode(log) & 0xff);
    assert_true(host->clock.sleeps > 1);
    assert_true(host->clock.slept_ms >= 5000);
    assert_bodies(&script, 1, 1, 1, 0);
    assert_int_equal(2, script_rows(&script));

    unlock(host);
    assert_int_equal(2, script_rows(&script));
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(3, script.rows_at_start);
    assert_bodies(&script, 1, 1, 1, 1);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 3, by the verbs: one call waits once, for as long as the options say. */
static void law3_one_call_waits_for_its_time(void **state)
{
    static const int64_t waits[] = {0, 1, 700, -1};
    static const int64_t expected[] = {5000, 1, 700, 0};
    test_host *host = with_other(state);
    test_script script = script_for(host);

    for (size_t i = 0; i < 4; i++) {
        dur_options options = host_options(host);
        dur_log *log = NULL;
        dur_run *run = NULL;
        dur_step *step = NULL;

        options.busy_wait_ms = waits[i];
        assert_code(DUR_OK, dur_open(host->db, &options, &log), log);
        assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
        for (size_t replayed = 0; replayed < i; replayed++)
            assert_int_equal(DUR_REPLAYED, dur_begin_step(run, "s", NULL, &step));
        assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "s", NULL, &step));
        lock(&script);
        host->clock.slept_ms = host->clock.sleeps = 0;
        assert_code(DUR_BUSY, dur_record_result(step, dur_integer(1)), log);
        assert_in_range(host->clock.slept_ms, expected[i], expected[i] + expected[i] / 2);
        assert_int_equal(DUR_BUSY, dur_run_code(run));
        unlock(host);
        assert_code(DUR_OK, dur_record_result(step, dur_integer(1)), log);
        dur_close_run(run);
        dur_close(log);
    }
}

/* Law 3: who waits gets on as soon as the other lets go. */
static void let_go(void *user)
{
    test_host *host = user;

    if (host->clock.sleeps == 3) unlock(host);
}

static void law3_waiting_ends_when_the_lock_is_free(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    host->clock.on_sleep = let_go;
    host->clock.on_sleep_user = host;
    script.inside[1] = lock;
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(3, host->clock.sleeps);
    assert_true(host->clock.slept_ms < 5000);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 1: the host's own timeout and handler act first, and are still there afterwards. */
static void law1_busy_timeout_and_handler_stay(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    int tries = 0;

    sqlite3_busy_timeout(host->db, 3);
    script.inside[1] = lock;
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    assert_int_equal(3, host_number(host->db, "PRAGMA busy_timeout"));
    assert_true(host->clock.slept_ms >= 5000);

    sqlite3_busy_handler(host->db, count_tries, &tries);
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    assert_true(tries > 0);
    tries = 0;
    assert_int_equal(SQLITE_BUSY,
                     sqlite3_exec(host->db, "INSERT INTO mine VALUES (2)", NULL, NULL, NULL));
    assert_int_equal(1, tries);
    sqlite3_busy_handler(host->db, NULL, NULL);
    unlock(host);
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 1, 1, 1);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 3: no handler is installed where there was none. */
static void law1_no_busy_handler_is_left(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.inside[1] = lock;
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    host->clock.sleeps = 0;
    assert_int_equal(SQLITE_BUSY,
                     sqlite3_exec(host->db, "INSERT INTO mine VALUES (2)", NULL, NULL, NULL));
    assert_int_equal(0, host->clock.sleeps);
    assert_int_equal(0, host_number(host->db, "PRAGMA busy_timeout"));
    dur_close(log);
}

/* Nothing begins, and nothing is lost, while somebody has the database for himself. */
static void law3_an_exclusive_lock(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_options options = host_options(host);
    dur_log *log = NULL;

    host_run(host->other, "BEGIN EXCLUSIVE; INSERT INTO mine VALUES (1)");
    assert_code(DUR_BUSY, dur_open(host->db, &options, &log), log);
    assert_non_null(log);
    assert_code(DUR_BUSY, script_execute(&script, log), log); /* as the header says of errors */
    dur_close(log);
    unlock(host);

    log = host_log(host);
    host_run(host->other, "BEGIN EXCLUSIVE; INSERT INTO mine VALUES (1)");
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    assert_int_equal(0, script.passes);
    unlock(host);
    assert_code(DUR_OK, script_execute(&script, log), log);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Law 3: dur_complete_run() may be called again. */
static void law3_completing_a_run_again(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    dur_run *run = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    lock(&script);
    assert_code(DUR_BUSY, dur_complete_run(run, dur_text("output")), log);
    unlock(host);
    assert_code(DUR_OK, dur_complete_run(run, dur_text("output")), log);
    assert_code(DUR_MISUSE, dur_complete_run(run, dur_text("output")), log);
    dur_close_run(run);
    assert_code(DUR_REPLAYED, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_string_equal("output", dur_output(log).as.bytes);
    dur_close(log);
}

/* Law 3: a failure is kept like a result. */
static int fail_under_lock(dur_run *run, void *user)
{
    test_script *script = user;

    script->passes++;
    DUR_STEP(run, "doomed") {
        script->bodies[0]++;
        dur_fail(run, "no luck");
        script_do(script, &script->inside[0]);
    }
    if (dur_run_code(run) == DUR_OK) assert_has(dur_catch(run), "no luck");
    return 0;
}

static void law3_a_failure_is_kept_too(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.inside[0] = lock;
    assert_code(DUR_BUSY, dur_execute(log, "w", "r", NULL, fail_under_lock, &script), log);
    unlock(host);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, fail_under_lock, &script), log);
    assert_int_equal(1, script.bodies[0]);
    assert_int_equal(1, script_rows(&script));
    dur_close(log);
}

/* Law 3: several results are kept, of several open steps and of several runs. */
static void law3_several_results_are_kept(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    dur_run *runs[2] = {NULL, NULL};
    dur_step *steps[2][2];

    for (int r = 0; r < 2; r++) {
        const char *id = r ? "right" : "left";

        assert_code(DUR_OK, dur_begin_run(log, "w", id, NULL, &runs[r]), log);
        for (int s = 0; s < 2; s++)
            assert_int_equal(DUR_EXECUTE, dur_begin_step(runs[r], "s", NULL, &steps[r][s]));
    }
    lock(&script);
    for (int r = 0; r < 2; r++) {
        for (int s = 0; s < 2; s++)
            assert_code(DUR_BUSY, dur_record_result(steps[r][s], dur_integer(10 * r + s)), log);
        dur_close_run(runs[r]);
    }
    unlock(host);
    for (int r = 0; r < 2; r++) {
        dur_step *step = NULL;

        assert_code(DUR_OK, dur_begin_run(log, "w", r ? "right" : "left", NULL, &runs[r]), log);
        for (int s = 0; s < 2; s++) {
            assert_int_equal(DUR_REPLAYED, dur_begin_step(runs[r], "s", NULL, &step));
            assert_int_equal(10 * r + s, dur_step_value(step).as.integer);
        }
        dur_close_run(runs[r]);
    }
    dur_close(log);
}

/* dur_close() gives what was kept one last try. */
static void law3_close_tries_once_more(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.inside[2] = lock;
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    unlock(host);
    dur_close(log);
    assert_int_equal(3, script_rows(&script));
    log = host_log(host);
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 1, 1, 1);
    dur_close(log);
}

/* A kept result of an owner who has lost the run meanwhile must not be written. */
static void law6_a_kept_result_of_a_lost_run(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host), second = script_for(host);
    dur_log *log = host_log(host), *thief;
    sqlite3 *db = host->db;

    script.inside[1] = lock;
    assert_code(DUR_BUSY, script_execute(&script, log), log);
    unlock(host);
    host->clock.owner_alive = DUR_OWNER_DEAD;
    host->db = host->other;
    thief = host_log(host);
    assert_code(DUR_OK, script_execute(&second, thief), thief);
    script_assert_done(&second, thief);
    assert_bodies(&second, 0, 1, 1, 1);
    dur_close(thief);
    host->db = db;
    assert_code(DUR_OK, script_execute(&script, log), log); /* completed: by the other one */
    assert_int_equal(1, script.passes);
    assert_int_equal(SCRIPT_STEPS, script_rows(&script));
    dur_close(log);
}

/* Busy inside the host's transaction: the transaction stays the host's. */
static void law1_busy_in_a_transaction(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "s", NULL, &step));
    host_run(host->db, "BEGIN");
    lock(&script);
    assert_code(DUR_BUSY, dur_record_result(step, dur_integer(1)), log);
    assert_int_equal(0, sqlite3_get_autocommit(host->db));
    unlock(host);
    assert_code(DUR_OK, dur_record_result(step, dur_integer(1)), log);
    host_run(host->db, "COMMIT");
    dur_close_run(run);
    assert_int_equal(1, host_number(host->other, "SELECT count(*) FROM durable_steps"));
    dur_close(log);
}

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

/* Law 1: whether SQLite gave the host's transaction up decides what is said. */
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
        assert_code(DUR_FULL, dur_execute(log, "fill", "big", NULL, fill, &filler), log);
        room(host->db);
    } else {
        assert_code(DUR_FULL, code, log);
        host_run(host->db, "COMMIT");
    }
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
        ON_DISK(law3_a_busy_database_keeps_the_result),
        ON_DISK(law3_one_call_waits_for_its_time),
        ON_DISK(law3_waiting_ends_when_the_lock_is_free),
        ON_DISK(law1_busy_timeout_and_handler_stay),
        ON_DISK(law1_no_busy_handler_is_left),
        ON_DISK(law3_an_exclusive_lock),
        ON_DISK(law3_completing_a_run_again),
        ON_DISK(law3_a_failure_is_kept_too),
        ON_DISK(law3_several_results_are_kept),
        ON_DISK(law3_close_tries_once_more),
        ON_DISK(law6_a_kept_result_of_a_lost_run),
        ON_DISK(law1_busy_in_a_transaction),
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
