/* store/sqlite: several writes that belong together: a savepoint, or a transaction of our own. */
#include "store/sqlite/connection.h"

/* An interrupt may come and go between the tries to undo a group. */
#define UNDO_TRIES 8

static int step_plain(durable_sqlite *store, durable_write *write, durable_statement which)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, which);

    if (!statement) return store->head.error.sqlite_code;
    return durable_sqlite_write_step(store, write, statement, NULL);
}

/* What ends a group is prepared before it begins: ending it then needs no memory. False: the error
 * is set. The last one is for an emergency, and has no table yet while the log is being made. */
static bool prepare_group(durable_sqlite *store, const durable_write *write)
{
    static const durable_statement alone[] = {DURABLE_SQL_BEGIN, DURABLE_SQL_COMMIT,
                                              DURABLE_SQL_ROLLBACK};
    static const durable_statement joined[] = {DURABLE_SQL_SAVEPOINT, DURABLE_SQL_RELEASE,
                                               DURABLE_SQL_ROLLBACK_TO};

    for (int i = 0; i < 3; i++)
        if (!durable_sqlite_statement(store, write->joined ? joined[i] : alone[i])) return false;
    if (durable_sqlite_statement(store, DURABLE_SQL_DROP_CLAIM)) return true;
    return store->head.error.sqlite_code == SQLITE_ERROR &&
           durable_sqlite_statement(store, DURABLE_SQL_EMERGENCY) != NULL;
}

/* In a transaction SAVEPOINT takes no lock: where it is "busy", a write statement of the host is
 * half stepped, and waiting would not help. */
static int open_savepoint(durable_sqlite *store, durable_write *write)
{
    int result;

    write->waited_ms = store->busy_wait_ms;
    result = step_plain(store, write, DURABLE_SQL_SAVEPOINT);
    write->waited_ms = 0;
    if ((result & 0xff) == SQLITE_BUSY) store->head.error.code = DUR_HOST_STATEMENT;
    return result;
}

/* True where nothing is left to be undone. A savepoint that is not there was never opened; a whole
 * transaction that is rolled back has nothing to be released. */
static bool undo_savepoint(durable_sqlite *store, durable_write *write,
                           durable_statement rollback_to, durable_statement release)
{
    int result = step_plain(store, write, rollback_to);

    if ((result & 0xff) == SQLITE_ERROR) return true;
    if (rollback_to == release) return result == SQLITE_DONE;
    return result == SQLITE_DONE && step_plain(store, write, release) == SQLITE_DONE;
}

static bool undo_group(durable_sqlite *store, durable_write *write)
{
    if (!write->joined) return step_plain(store, write, DURABLE_SQL_ROLLBACK) == SQLITE_DONE;
    return undo_savepoint(store, write, DURABLE_SQL_ROLLBACK_TO, DURABLE_SQL_RELEASE);
}

/* While the host's sqlite3_interrupt() holds, no ROLLBACK runs. But SQLite rolls back by itself
 * where a write statement is interrupted. The one, whose fence is null, deletes nothing if it runs;
 * what the other makes is undone by the next try. */
static void provoke_rollback(durable_sqlite *store, durable_write *write)
{
    bool has_tables = store->statements[DURABLE_SQL_DROP_CLAIM] != NULL;

    step_plain(store, write, has_tables ? DURABLE_SQL_DROP_CLAIM : DURABLE_SQL_EMERGENCY);
}

/* SQLite may have rolled back by itself; then there is nothing left to do. The error that led here
 * is the one to keep. */
static void group_rollback(durable_sqlite *store, durable_write *write)
{
    durable_error error;

    durable_error_copy(&error, &store->head.error);
    for (int i = 0; i < UNDO_TRIES && !sqlite3_get_autocommit(store->db); i++) {
        if (undo_group(store, write)) break;
        provoke_rollback(store, write);
    }
    store->grouped = false;
    store->host_gone = false;
    durable_error_copy(&store->head.error, &error);
}

DURABLE_INTERNAL void durable_sqlite_undo(durable_sqlite *store, durable_write *write,
                                          durable_statement rollback_to,
                                          durable_statement release)
{
    durable_error error;

    durable_error_copy(&error, &store->head.error);
    for (int i = 0; i < UNDO_TRIES && !sqlite3_get_autocommit(store->db); i++) {
        if (undo_savepoint(store, write, rollback_to, release)) break;
        provoke_rollback(store, write);
    }
    store->host_gone = false;
    durable_error_copy(&store->head.error, &error);
}

/*
 * A deferred BEGIN takes no lock at all, on no attached database: each group's first statement is a
 * write to our schema, which takes the one lock that is needed.
 */
DURABLE_INTERNAL int durable_sqlite_group_begin(durable_sqlite *store, durable_write *write)
{
    int result;

    if (!prepare_group(store, write)) return store->head.error.sqlite_code;
    if (write->joined) {
        result = open_savepoint(store, write);
    } else {
        result = step_plain(store, write, DURABLE_SQL_BEGIN);
        store->grouped = !sqlite3_get_autocommit(store->db);
    }
    /* It may have begun all the same. */
    if ((result & 0xff) == SQLITE_INTERRUPT) group_rollback(store, write);
    return result;
}

static int group_commit(durable_sqlite *store, durable_write *write)
{
    int result =
        step_plain(store, write, write->joined ? DURABLE_SQL_RELEASE : DURABLE_SQL_COMMIT);

    if (sqlite3_get_autocommit(store->db)) store->grouped = false;
    return result;
}

DURABLE_INTERNAL int durable_sqlite_group_end(durable_sqlite *store, durable_write *write,
                                              int result)
{
    if (result == SQLITE_DONE) result = group_commit(store, write);
    if (result != SQLITE_DONE) group_rollback(store, write);
    return result;
}

DURABLE_INTERNAL int durable_sqlite_group_undo(durable_sqlite *store, durable_write *write)
{
    group_rollback(store, write);
    return SQLITE_DONE;
}
