/* test/fault: the equipment itself is honest: it counts what happens, and fails what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fault_alloc.h"
#include "support/fault_vfs.h"
#include "support/place.h"

#include <sqlite3.h>
#include <stdio.h>

static place here;

static int setup(void **state)
{
    (void)state;
    if (fault_alloc_install(false) != SQLITE_OK || !place_make(&here)) return -1;
    return fault_vfs_register() == SQLITE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    place_remove(&here);
    return 0;
}

static sqlite3 *open_database(const char *journal_mode)
{
    sqlite3 *db = NULL;
    char sql[100];

    fault_vfs_reset();
    assert_int_equal(
        sqlite3_open_v2(here.path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, FAULT_VFS_NAME),
        SQLITE_OK);
    snprintf(sql, sizeof sql, "PRAGMA journal_mode = %s; CREATE TABLE t(x)", journal_mode);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void close_database(sqlite3 *db)
{
    fault_vfs_disarm();
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(remove(here.path), 0);
}

static int64_t rows(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int64_t count;

    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return count;
}

static int insert(sqlite3 *db)
{
    int code = sqlite3_exec(db, "INSERT INTO t VALUES (1)", NULL, NULL, NULL);

    return code == SQLITE_OK ? code : sqlite3_extended_errcode(db);
}

static void commits_are_counted_in_every_journal_mode(void **state)
{
    sqlite3 *db = open_database(*state);

    fault_vfs_reset();
    assert_int_equal(insert(db), SQLITE_OK);
    assert_int_equal(fault_vfs_seen()->calls[FAULT_COMMIT], 1);
    assert_int_equal(rows(db), 1);
    assert_int_equal(fault_vfs_seen()->calls[FAULT_COMMIT], 1);
    assert_int_equal(sqlite3_exec(db, "BEGIN; INSERT INTO t VALUES (2), (3); DELETE FROM t; COMMIT",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(fault_vfs_seen()->calls[FAULT_COMMIT], 2);
    assert_true(fault_vfs_seen()->calls[FAULT_WRITE] > 0);
    assert_true(fault_vfs_seen()->bytes_written > 0);
    close_database(db);
}

static void a_failing_commit_may_have_survived(void **state)
{
    sqlite3 *db = open_database(*state);

    fault_vfs_arm(FAULT_BIT(FAULT_COMMIT), SQLITE_IOERR, 1, false);
    assert_int_equal(insert(db), SQLITE_IOERR);
    assert_int_equal(fault_vfs_fired(), 1);
    assert_int_equal(rows(db), 1);
    close_database(db);
}

static void the_nth_write_fails_once_or_always(void **state)
{
    sqlite3 *db = open_database(*state);

    fault_vfs_arm(FAULT_BIT(FAULT_WRITE), SQLITE_FULL, 1, false);
    assert_int_equal(insert(db), SQLITE_FULL);
    assert_int_equal(insert(db), SQLITE_OK);
    assert_int_equal(fault_vfs_fired(), 1);
    fault_vfs_arm(FAULT_BIT(FAULT_WRITE), SQLITE_IOERR_WRITE, 1, true);
    assert_int_equal(insert(db), SQLITE_IOERR_WRITE);
    assert_int_equal(insert(db), SQLITE_IOERR_WRITE);
    assert_true(fault_vfs_fired() > 1);
    fault_vfs_disarm();
    assert_int_equal(insert(db), SQLITE_OK);
    assert_int_equal(rows(db), 2);
    close_database(db);
}

static void the_nth_allocation_fails_once_or_always(void **state)
{
    int64_t live = fault_alloc_live();
    void *memory;

    (void)state;
    fault_alloc_arm(2, false);
    memory = sqlite3_malloc(8);
    assert_non_null(memory);
    assert_int_equal(fault_alloc_live(), live + 1);
    assert_null(sqlite3_malloc(8));
    assert_int_equal(fault_alloc_fired(), 1);
    sqlite3_free(memory);
    fault_alloc_arm(1, true);
    assert_null(sqlite3_malloc(8));
    assert_null(sqlite3_malloc(8));
    fault_alloc_disarm();
    assert_int_equal(fault_alloc_fired(), 2);
    assert_int_equal(fault_alloc_live(), live);
}

int main(void)
{
    char wal[] = "WAL";
    char rollback[] = "DELETE";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(commits_are_counted_in_every_journal_mode, wal),
        cmocka_unit_test_prestate(commits_are_counted_in_every_journal_mode, rollback),
        cmocka_unit_test_prestate(a_failing_commit_may_have_survived, wal),
        cmocka_unit_test_prestate(a_failing_commit_may_have_survived, rollback),
        cmocka_unit_test_prestate(the_nth_write_fails_once_or_always, wal),
        cmocka_unit_test_prestate(the_nth_write_fails_once_or_always, rollback),
        cmocka_unit_test(the_nth_allocation_fails_once_or_always),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
