/*
 * test/crash: in a host's transaction the rows of the host and the records of the steps commit
 * together: killed at every call, a step whose body writes to the host's tables happens once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "durable.h"
#include "support/fault_vfs.h"
#include "support/place.h"
#include "support/process.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>

#define STEPS 3

typedef struct book {
    place here;
    char journal_mode[16];
    int64_t kill_at;
    int code;
} book;

static book *shared;

/* ---- The child ----------------------------------------------------------------------------- */

static int run_sql(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int workflow(dur_run *run, void *user)
{
    for (int i = 0; i < STEPS; i++) {
        DUR_STEP (run, "book") {
            if (run_sql(user, "INSERT INTO business DEFAULT VALUES") != SQLITE_OK)
                dur_fail(run, "the host cannot write");
        }
    }
    return 0;
}

static int execute(sqlite3 *db)
{
    dur_log *log = NULL;
    int code = dur_open(db, NULL, &log);

    if (code == DUR_OK && run_sql(db, "BEGIN IMMEDIATE") != SQLITE_OK) code = DUR_BUSY;
    if (code == DUR_OK) code = dur_execute(log, "books", "the-run", NULL, workflow, db);
    if (code == DUR_OK && run_sql(db, "COMMIT") != SQLITE_OK) code = DUR_IOERR;
    dur_close(log);
    return code;
}

static int child(void *unused)
{
    sqlite3 *db = NULL;
    char sql[100];

    (void)unused;
    fault_vfs_reset();
    if (shared->kill_at > 0) fault_vfs_arm_kill(FAULT_ALL, shared->kill_at);
    snprintf(
        sql, sizeof sql,
        "PRAGMA journal_mode = %s; CREATE TABLE IF NOT EXISTS business(id INTEGER PRIMARY KEY)",
        shared->journal_mode);
    if (fault_vfs_register() != SQLITE_OK ||
        sqlite3_open_v2(shared->here.path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                        FAULT_VFS_NAME) != SQLITE_OK ||
        run_sql(db, sql) != SQLITE_OK)
        return 2;
    shared->code = execute(db);
    sqlite3_close(db);
    return shared->code == DUR_OK ? 0 : 1;
}

/* ---- The test ------------------------------------------------------------------------------ */

static int setup(void **state)
{
    (void)state;
    shared = process_share(sizeof *shared);
    return shared && place_make(&shared->here) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    place_remove(&shared->here);
    process_unshare(shared, sizeof *shared);
    return 0;
}

static int64_t ask(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t answer;

    assert_int_equal(sqlite3_open(shared->here.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return answer;
}

static void expect_finished(process_end end)
{
    assert_true(end.exited);
    if (end.code != 0) print_error("%s\n", dur_code_name(shared->code));
    assert_int_equal(end.code, 0);
    assert_int_equal(ask("SELECT count(*) FROM durable_steps"), STEPS);
    assert_int_equal(ask("SELECT count(*) FROM business"), STEPS);
    assert_int_equal(ask("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}

static void a_step_and_its_rows_in_the_host_happen_once(void **state)
{
    bool killed = true;
    int64_t kills = 0;

    snprintf(shared->journal_mode, sizeof shared->journal_mode, "%s", (const char *)*state);
    for (int64_t nth = 1; killed; nth++) {
        process_end end;

        place_clear(shared->here.path);
        shared->kill_at = nth;
        end = process_run(child, NULL);
        killed = !end.exited;
        if (killed) {
            assert_int_equal(end.signal, SIGKILL);
            kills++;
            shared->kill_at = 0;
            end = process_run(child, NULL);
        }
        expect_finished(end);
    }
    printf("crash: host transaction, %s, killed at each of %lld calls\n", shared->journal_mode,
           (long long)kills);
    assert_true(kills > 0);
}

int main(void)
{
    char wal[] = "WAL";
    char rollback[] = "DELETE";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(a_step_and_its_rows_in_the_host_happen_once, wal),
        cmocka_unit_test_prestate(a_step_and_its_rows_in_the_host_happen_once, rollback),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
