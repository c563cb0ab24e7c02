/*
 * test/crash: law 9, several processes, or connections, that make one log at once: one makes it,
 * the others find it whole; none is told that its names are somebody else's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "durable.h"
#include "support/place.h"
#include "support/process.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>

#define CHILDREN 5
#define ROUNDS 40

typedef struct child {
    place here;
    process_gate ready, start;
    int number;
    int code;
    bool in_transaction;
    char message[512];
} child;

static int workflow(dur_run *run, void *user)
{
    int64_t value = 0;

    (void)user;
    DUR_STEP (run, "a", value)
        value = 1;
    return 0;
}

static int open_and_execute(void *user)
{
    child *it = user;
    sqlite3 *db = NULL;
    dur_log *log = NULL;
    char id[16];

    snprintf(id, sizeof id, "run-%d", it->number);
    if (sqlite3_open(it->here.path, &db) != SQLITE_OK) return 1;
    sqlite3_busy_timeout(db, 10000); /* for this alone */
    if (sqlite3_exec(db, "PRAGMA synchronous = off", NULL, NULL, NULL) != SQLITE_OK) return 2;
    sqlite3_busy_timeout(db, 0);
    process_gate_open(&it->ready);
    if (!process_gate_wait(&it->start)) return 3;
    it->code = dur_open(db, NULL, &log);
    if (it->code == DUR_OK) it->code = dur_execute(log, "together", id, NULL, workflow, NULL);
    snprintf(it->message, sizeof it->message, "%s", dur_errmsg(log));
    it->in_transaction = !sqlite3_get_autocommit(db);
    dur_close(log);
    sqlite3_close(db);
    return 0;
}

static sqlite3 *open_place(const place *here)
{
    sqlite3 *db = NULL;

    assert_int_equal(SQLITE_OK, sqlite3_open(here->path, &db));
    return db;
}

static void make_database(const place *here, bool wal)
{
    sqlite3 *db = open_place(here);
    const char *sql = wal ? "PRAGMA journal_mode = WAL" : "PRAGMA journal_mode = DELETE";

    assert_int_equal(SQLITE_OK, sqlite3_exec(db, sql, NULL, NULL, NULL));
    assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

static int count(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int number;

    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(db, sql, -1, &statement, NULL));
    assert_int_equal(SQLITE_ROW, sqlite3_step(statement));
    number = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

static void assert_log_is_whole(const place *here)
{
    sqlite3 *db = open_place(here);

    assert_int_equal(1, count(db, "SELECT count(*) FROM durable_log"));
    assert_int_equal(CHILDREN, count(db, "SELECT count(*) FROM durable_runs"));
    assert_int_equal(CHILDREN, count(db, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(0, count(db, "SELECT count(*) FROM durable_claims"));
    assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

static void run_together(child *children, const place *here)
{
    pid_t pids[CHILDREN];
    process_gate ready, start;

    assert_true(process_gate_make(&ready) && process_gate_make(&start));
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = (child){*here, ready, start, i, -1, true, ""};
        pids[i] = process_start(open_and_execute, &children[i]);
        assert_true(pids[i] > 0);
    }
    for (int i = 0; i < CHILDREN; i++) assert_true(process_gate_wait(&ready));
    for (int i = 0; i < CHILDREN; i++) process_gate_open(&start);
    for (int i = 0; i < CHILDREN; i++) {
        process_end end = process_wait(pids[i]);

        assert_true(end.exited);
        assert_int_equal(0, end.code);
    }
    process_gate_close(&ready);
    process_gate_close(&start);
}

static void law9_one_log_is_made_by_many(void **state)
{
    child *children = process_share(CHILDREN * sizeof *children);
    place here;

    (void)state;
    assert_non_null(children);
    assert_true(place_make(&here));
    for (int round = 0; round < ROUNDS; round++) {
        make_database(&here, round % 2 == 1);
        run_together(children, &here);
        for (int i = 0; i < CHILDREN; i++) {
            assert_string_equal("", children[i].message);
            assert_int_equal(DUR_OK, children[i].code);
            assert_false(children[i].in_transaction);
        }
        assert_log_is_whole(&here);
        place_clear(here.path);
    }
    place_remove(&here);
    process_unshare(children, CHILDREN * sizeof *children);
}

/* ---- At every point ------------------------------------------------------------------------ */

typedef struct meanwhile {
    sqlite3 *other;
    int at; /* before which statement of the opening the other connection opens the log, too */
    int statements;
    bool made;
} meanwhile;

static int open_other(unsigned kind, void *user, void *statement, void *sql)
{
    meanwhile *it = user;
    dur_options options = DUR_OPTIONS_INIT;
    dur_log *log = NULL;

    (void)kind, (void)statement, (void)sql;
    if (++it->statements != it->at) return 0;
    options.busy_wait_ms = -1;
    it->made = dur_open(it->other, &options, &log) == DUR_OK;
    dur_close(log);
    return 0;
}

static void open_meanwhile(meanwhile *it, const place *here)
{
    sqlite3 *db = open_place(here);
    dur_log *log = NULL;
    int code;

    it->other = open_place(here);
    it->statements = 0;
    it->made = false;
    assert_int_equal(SQLITE_OK, sqlite3_trace_v2(db, SQLITE_TRACE_STMT, open_other, it));
    code = dur_open(db, NULL, &log);
    sqlite3_trace_v2(db, 0, NULL, NULL);
    assert_string_equal("", dur_errmsg(log));
    assert_int_equal(DUR_OK, code);
    dur_close(log);
    assert_int_equal(1, count(db, "SELECT count(*) FROM durable_log"));
    assert_int_equal(SQLITE_OK, sqlite3_close(it->other));
    assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

static void law9_a_log_is_made_meanwhile(void **state)
{
    (void)state;
    for (int wal = 0; wal < 2; wal++) {
        meanwhile it = {NULL, 0, 0, false};
        int made = 0;
        place here;

        assert_true(place_make(&here));
        do {
            it.at++;
            make_database(&here, wal == 1);
            open_meanwhile(&it, &here);
            if (it.made) made++;
            place_clear(here.path);
        } while (it.statements >= it.at);
        assert_true(made > 1);
        place_remove(&here);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law9_a_log_is_made_meanwhile),
        cmocka_unit_test(law9_one_log_is_made_by_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
