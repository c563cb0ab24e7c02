/* test/api: law 3, a kept result is neither lost nor written against what the host has undone. */
#include "api/lock.h"
#include "api/meanwhile.h"

/* ---- Written in a transaction ---------------------------------------------------------------- */

static void keep_second(test_script *script, dur_log *log)
{
    script->inside[1] = lock;
    assert_code(DUR_BUSY, script_execute(script, log), log);
    unlock(script->host);
}

/* Law 3: written in a host transaction that is rolled back, it is still kept. */
static void law3_a_kept_result_survives_a_rollback(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    keep_second(&script, log);
    for (int i = 0; i < 2; i++) {
        host_run(host->db, "BEGIN");
        assert_code(DUR_OK, script_execute(&script, log), log);
        script_assert_done(&script, log);
        host_run(host->db, "ROLLBACK");
    }
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(2, script.rows_at_start);
    assert_bodies(&script, 1, 1, 3, 3); /* the last two were rolled back with their rows */
    script_assert_done(&script, log);
    dur_close(log);
}

/* … for the last try of dur_close(), too. */
static void law3_close_writes_what_a_rollback_took(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    keep_second(&script, log);
    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, script_execute(&script, log), log);
    host_run(host->db, "ROLLBACK");
    dur_close(log);
    assert_int_equal(2, script_rows(&script));
    log = host_log(host);
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 1, 2, 2);
    dur_close(log);
}

/* Law 4: committed, it is final and is not written again. */
static void law4_a_kept_result_is_written_once(void **state)
{
    test_host *host = with_other(state);
    test_script script = script_for(host);
    dur_log *log = host_log(host);
    char *before;

    keep_second(&script, log);
    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, script_execute(&script, log), log);
    host_run(host->db, "COMMIT");
    before = host_log_rows(host->db, "main");
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 1, 1, 1);
    dur_close(log);
    assert_same(before, host_log_rows(host->db, "main"));
}

/* ---- A record that failed in a transaction --------------------------------------------------- */

typedef struct transfer {
    test_host *host;
    int bodies;
    void (*spoil)(struct transfer *); /* what keeps the first record from being written */
    void (*mend)(struct transfer *);
} transfer;

static int interrupt_it(void *user)
{
    (void)user;
    return 1;
}

static void interrupt(transfer *work)
{
    sqlite3_progress_handler(work->host->db, 1, interrupt_it, NULL);
}

static void interrupt_no_more(transfer *work)
{
    sqlite3_progress_handler(work->host->db, 0, NULL, NULL);
}

static int deny_inserts(void *user, int action, const char *table, const char *a, const char *b,
                        const char *c)
{
    (void)user, (void)a, (void)b, (void)c;
    return action == SQLITE_INSERT && strcmp(table, "durable_steps") == 0 ? SQLITE_DENY : SQLITE_OK;
}

static void deny(transfer *work)
{
    sqlite3_set_authorizer(work->host->db, deny_inserts, NULL);
}

static void deny_no_more(transfer *work)
{
    sqlite3_set_authorizer(work->host->db, NULL, NULL);
}

/* A step whose business rows are in the transaction that the record joins. */
static int move_money(dur_run *run, void *user)
{
    transfer *work = user;
    sqlite3 *db = work->host->db;

    host_run(db, "BEGIN IMMEDIATE");
    DUR_STEP(run, "move") {
        work->bodies++;
        host_run(db, "INSERT INTO mine VALUES (300)");
        if (work->bodies == 1) work->spoil(work);
    }
    work->mend(work);
    if (!sqlite3_get_autocommit(db)) host_run(db, dur_ok(run) ? "COMMIT" : "ROLLBACK");
    return 0;
}

/* Law 3: the host has undone what the result tells of, so the result is not written either. */
static void law3_a_result_of_a_rolled_back_body_is_not_kept(void **state)
{
    void (*const ways[][2])(transfer *) = {{interrupt, interrupt_no_more}, {deny, deny_no_more}};
    /* SQLite itself rolls back where an INSERT is interrupted; else the host does. */
    const int codes[] = {DUR_ROLLED_BACK, DUR_DATABASE};
    test_host *host = with_other(state);

    for (int i = 0; i < 4; i++) {
        transfer work = {host, 0, ways[i % 2][0], ways[i % 2][1]};
        dur_log *log = host_log(host);

        assert_code(codes[i % 2], dur_execute(log, "w", "r", NULL, move_money, &work), log);
        assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM mine"));
        if (i >= 2) { /* the last try of dur_close() comes too late as well */
            dur_close(log);
            log = host_log(host);
        }
        assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps"));
        assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, move_money, &work), log);
        assert_int_equal(2, work.bodies);
        assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM mine"));
        assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps"));
        dur_close(log);
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs; "
                           "DELETE FROM mine");
    }
}

/* ---- Too big by now -------------------------------------------------------------------------- */

typedef struct large {
    test_host *host;
    int bodies;
    char text[100001];
} large;

static int make_large(dur_run *run, void *user)
{
    large *work = user;
    const char *text;

    DUR_STEP(run, "large", text) {
        text = work->text;
        if (++work->bodies == 1) host_run(work->host->other, "BEGIN IMMEDIATE");
    }
    return 0;
}

/* Law 3: a limit lowered meanwhile is told, and what was kept waits for it to be restored. */
static void law3_a_kept_result_is_too_big_by_now(void **state)
{
    static large work;
    test_host *host = with_other(state);
    dur_log *log = host_log(host);
    int limit;

    memset(&work, 0, sizeof work);
    memset(work.text, 'x', sizeof work.text - 1);
    work.host = host;
    assert_code(DUR_BUSY, dur_execute(log, "w", "r", NULL, make_large, &work), log);
    unlock(host);
    limit = sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, 50000);
    for (int i = 0; i < 2; i++) {
        assert_code(DUR_TOO_BIG, dur_execute(log, "w", "r", NULL, make_large, &work), log);
        assert_has(dur_errmsg(log), "\"r\"");
        assert_int_equal(1, work.bodies);
    }
    sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, limit);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, make_large, &work), log);
    assert_int_equal(1, work.bodies);
    assert_int_equal(100000, host_number(host->db, "SELECT length(value) FROM durable_steps"));
    dur_close(log);
}

/* ---- Recorded again -------------------------------------------------------------------------- */

typedef struct order {
    test_host *host;
    bool ask; /* for a step while the first one's record has failed */
    int pass, reserved, charged, shipped;
} order;

static int reserve_again(dur_run *run, dur_step *step, order *work)
{
    if (work->ask) DUR_STEP(run, "charge") work->charged++;
    unlock(work->host);
    assert_int_equal(DUR_OK, dur_record_result(step, dur_integer(1)));
    assert_int_equal(work->ask ? DUR_BUSY : DUR_OK, dur_run_code(run));
    return DUR_OK;
}

static int place_order(dur_run *run, void *user)
{
    order *work = user;
    dur_step *step = NULL;

    work->pass++;
    if (dur_begin_step(run, "reserve", NULL, &step) == DUR_EXECUTE) {
        work->reserved++;
        host_run(work->host->other, "BEGIN IMMEDIATE");
        assert_int_equal(DUR_BUSY, dur_record_result(step, dur_integer(1)));
        assert_int_equal(DUR_OK, reserve_again(run, step, work));
    }
    if (work->pass > 1 || !work->ask) DUR_STEP(run, "charge") work->charged++;
    DUR_STEP(run, "ship") work->shipped++;
    return 0;
}

/* Law 5: a step that was asked for in vain keeps its place: recording the one before again does not
 * set the pass going, for the next step would stand where that one belongs. */
static void law5_recording_again_shifts_nothing(void **state)
{
    test_host *host = with_other(state);

    for (int ask = 0; ask < 2; ask++) {
        dur_log *log = host_log(host);
        order work = {host, ask == 1, 0, 0, 0, 0};

        if (work.ask)
            assert_code(DUR_BUSY, dur_execute(log, "w", "r", NULL, place_order, &work), log);
        assert_int_equal(0, work.charged + work.shipped);
        assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, place_order, &work), log);
        assert_int_equal(1, work.reserved);
        assert_int_equal(1, work.charged);
        assert_int_equal(1, work.shipped);
        assert_same(host_rows(host->db, "SELECT name FROM durable_steps ORDER BY step"),
                    host_rows(host->db, "VALUES ('reserve'), ('charge'), ('ship')"));
        dur_close(log);
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(law3_a_kept_result_survives_a_rollback),
        ON_DISK(law3_close_writes_what_a_rollback_took),
        ON_DISK(law4_a_kept_result_is_written_once),
        ON_DISK(law3_a_result_of_a_rolled_back_body_is_not_kept),
        ON_DISK(law3_a_kept_result_is_too_big_by_now),
        ON_DISK(law5_recording_again_shifts_nothing),
    };

    return cmocka_run_group_tests_name("attack_kept", tests, NULL, NULL);
}
