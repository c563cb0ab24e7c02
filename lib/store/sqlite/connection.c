/* store/sqlite: how this room treats the host's connection: a guest. */
#include "store/sqlite/connection.h"

#include "store/sqlite/statements.h"

/* The pace at which SQLite's own busy timeout sleeps, which it found by experience. */
static const int wait_steps_ms[] = {1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};
#define WAIT_STEP_COUNT ((int64_t)(sizeof wait_steps_ms / sizeof wait_steps_ms[0]))

/* ---- Errors -------------------------------------------------------------------------------- */

static int code_of(int result)
{
    switch (result) {
    case SQLITE_IOERR_NOMEM: return DUR_NOMEM;
    case SQLITE_BUSY_SNAPSHOT: return DUR_STALE_READ;
    default: break;
    }
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return DUR_BUSY;
    case SQLITE_NOMEM: return DUR_NOMEM;
    case SQLITE_INTERRUPT: return DUR_INTERRUPTED;
    case SQLITE_FULL: return DUR_FULL;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: return DUR_IOERR;
    case SQLITE_READONLY: return DUR_READONLY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return DUR_CORRUPT;
    case SQLITE_TOOBIG: return DUR_TOO_BIG;
    default: return DUR_DATABASE;
    }
}

/* The connection's own words fit only while they belong to this result. Of a stale snapshot they
 * say no more than "database is locked". */
static const char *words_for(durable_sqlite *store, int result)
{
    if (result == SQLITE_BUSY_SNAPSHOT)
        return "the host holds a read snapshot that is older than the last write of others; end"
               " that read, then try again";
    if (sqlite3_extended_errcode(store->db) == result) return sqlite3_errmsg(store->db);
    return sqlite3_errstr(result);
}

DURABLE_INTERNAL int durable_sqlite_failed(durable_sqlite *store, int result, const char *doing)
{
    int code = durable_error_set(&store->head.error, code_of(result), "cannot %s: %s (SQLite %d)",
                                 doing, words_for(store, result), result);

    if (store->host_gone) {
        durable_error_prefix(&store->head.error, "SQLite rolled back the host's transaction: ");
        code = store->head.error.code = DUR_ROLLED_BACK;
    }
    store->host_gone = false;
    store->head.error.sqlite_code = result;
    return code;
}

DURABLE_INTERNAL bool durable_sqlite_wait(durable_sqlite *store, int result, int64_t *waited_ms)
{
    int64_t left_ms = store->busy_wait_ms - *waited_ms;
    int64_t step_ms = 0, passed_ms = 0;

    if (code_of(result) != DUR_BUSY || left_ms <= 0) return false;
    for (int64_t i = 0; i < WAIT_STEP_COUNT && passed_ms <= *waited_ms; i++) {
        step_ms = wait_steps_ms[i];
        passed_ms += step_ms;
    }
    if (step_ms > left_ms) step_ms = left_ms;
    store->waiting = true;
    durable_clock_sleep(&store->clock, step_ms);
    store->waiting = false;
    *waited_ms += step_ms;
    return true;
}

/* ---- Statements ---------------------------------------------------------------------------- */

/* The template with each @ replaced by the quoted schema and a dot. */
static char *expand_schema(durable_sqlite *store, const char *sql)
{
    sqlite3_str *text = sqlite3_str_new(store->db);

    while (*sql) {
        size_t length = strcspn(sql, "@");

        sqlite3_str_append(text, sql, (int)length);
        sql += length;
        if (*sql == '@') {
            sqlite3_str_appendf(text, "\"%w\".", store->schema);
            sql++;
        }
    }
    return sqlite3_str_finish(text);
}

/* Out of memory and some other errors make SQLite roll back, also while it reads or prepares. */
static bool note_rollback(durable_sqlite *store, bool was_in_transaction)
{
    bool gone = was_in_transaction && sqlite3_get_autocommit(store->db);

    if (gone) store->host_gone = !store->grouped;
    return gone;
}

static int prepare_waiting(durable_sqlite *store, const char *sql, unsigned flags,
                           sqlite3_stmt **statement)
{
    char *text = expand_schema(store, sql);
    bool in_transaction = !sqlite3_get_autocommit(store->db);
    int64_t waited_ms = 0;
    int result;

    *statement = NULL;
    if (!text) return SQLITE_NOMEM;
    do {
        result = sqlite3_prepare_v3(store->db, text, -1, flags, statement, NULL);
        if (result != SQLITE_OK) result = sqlite3_extended_errcode(store->db);
    } while (result != SQLITE_OK && durable_sqlite_wait(store, result, &waited_ms));
    note_rollback(store, in_transaction);
    sqlite3_free(text);
    return result;
}

DURABLE_INTERNAL int durable_sqlite_prepare(durable_sqlite *store, const char *sql,
                                            sqlite3_stmt **statement)
{
    return prepare_waiting(store, sql, 0, statement);
}

DURABLE_INTERNAL sqlite3_stmt *durable_sqlite_statement(durable_sqlite *store,
                                                        durable_statement which)
{
    sqlite3_stmt **statement = &store->statements[which];
    int result;

    if (store->waiting) {
        durable_error_set(&store->head.error, DUR_MISUSE,
                          "the sleep callback of the log's options has called the same log");
        store->head.error.sqlite_code = SQLITE_MISUSE;
        return NULL;
    }
    if (*statement) return *statement;
    result = prepare_waiting(store, durable_statement_text(which), SQLITE_PREPARE_PERSISTENT,
                             statement);
    if (result != SQLITE_OK) durable_sqlite_failed(store, result, "prepare a statement");
    return *statement;
}

DURABLE_INTERNAL void durable_sqlite_forget_statements(durable_sqlite *store)
{
    for (int i = 0; i < DURABLE_SQL_COUNT; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
}

DURABLE_INTERNAL void durable_sqlite_rest(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

/* A step with waiting. A failed try resets the statement and keeps its bindings. */
static int step_waiting(durable_sqlite *store, sqlite3_stmt *statement, int64_t *waited_ms)
{
    bool in_transaction = !sqlite3_get_autocommit(store->db);

    for (;;) {
        int result = sqlite3_step(statement);

        if (result == SQLITE_ROW || result == SQLITE_DONE) return result;
        result = sqlite3_extended_errcode(store->db);
        sqlite3_reset(statement);
        /* SQLite has rolled back by itself: what stood before this statement is gone as well. */
        if (note_rollback(store, in_transaction)) return result;
        /* A stale snapshot that nobody holds is gone with the reset: an ordinary collision. */
        if (result == SQLITE_BUSY_SNAPSHOT &&
            sqlite3_txn_state(store->db, NULL) == SQLITE_TXN_NONE)
            result = SQLITE_BUSY;
        if (!durable_sqlite_wait(store, result, waited_ms)) return result;
    }
}

DURABLE_INTERNAL int durable_sqlite_read(durable_sqlite *store, sqlite3_stmt *statement)
{
    int64_t waited_ms = 0;

    return step_waiting(store, statement, &waited_ms);
}

/* ---- Writes -------------------------------------------------------------------------------- */

DURABLE_INTERNAL int durable_sqlite_refuse_in_step(durable_sqlite *store, const char *doing)
{
    return durable_error_set(&store->head.error, DUR_MISUSE,
                             "cannot %s: a transactional step is open on this connection; let its"
                             " body end, or record its outcome, first",
                             doing);
}

DURABLE_INTERNAL int durable_sqlite_refuse_half_stepped(durable_sqlite *store, const char *doing)
{
    return durable_error_set(&store->head.error, DUR_HOST_STATEMENT,
                             "cannot %s: a write statement of the host is half stepped on this"
                             " connection; step it to its end or reset it, then try again",
                             doing);
}

DURABLE_INTERNAL int durable_sqlite_had_no_effect(durable_sqlite *store, const char *doing)
{
    durable_error_set(&store->head.error, DUR_DATABASE,
                      "cannot %s: the write had no effect: an authorizer or a trigger of the host"
                      " ignores it",
                      doing);
    store->head.error.sqlite_code = SQLITE_AUTH;
    return DUR_DATABASE;
}

static int refuse_now(durable_sqlite *store, const char *doing)
{
    if (store->waiting)
        return durable_error_set(&store->head.error, DUR_MISUSE,
                                 "cannot %s: the sleep callback of the log's options has called"
                                 " the same log",
                                 doing);
    return durable_sqlite_refuse_in_step(store, doing);
}

/* With autocommit on and a write already under way, a write statement of the host is half stepped,
 * and ours would be committed with it, later and unseen. */
DURABLE_INTERNAL int durable_sqlite_write_begin(durable_sqlite *store, durable_write *write,
                                                const char *doing)
{
    write->doing = doing;
    write->joined = !sqlite3_get_autocommit(store->db);
    write->waited_ms = 0;
    write->host_rowid = sqlite3_last_insert_rowid(store->db);
    if (store->waiting | store->in_step) return refuse_now(store, doing);
    if (write->joined) return durable_sqlite_enter_transaction(store, write);
    if (sqlite3_txn_state(store->db, NULL) == SQLITE_TXN_WRITE)
        return durable_sqlite_refuse_half_stepped(store, doing);
    return DUR_OK;
}

/* SQLite tells its statements when an authorizer is set, but not when it is taken away: one that
 * had no effect is prepared anew. */
static void forget(durable_sqlite *store, sqlite3_stmt *statement)
{
    for (int i = 0; i < DURABLE_SQL_COUNT; i++) {
        if (store->statements[i] != statement) continue;
        sqlite3_finalize(statement);
        store->statements[i] = NULL;
    }
}

static inline int step_write(durable_sqlite *store, durable_write *write,
                             sqlite3_stmt *statement, int *changes)
{
    int before = sqlite3_total_changes(store->db);
    int result = step_waiting(store, statement, &write->waited_ms);

    /* Under the host's PRAGMA count_changes a write answers with a row. */
    if (result == SQLITE_ROW) result = step_waiting(store, statement, &write->waited_ms);
    /* A write that the host's authorizer ignores leaves the count of the one before it. */
    if (changes)
        *changes = result == SQLITE_DONE && sqlite3_total_changes(store->db) != before
                       ? sqlite3_changes(store->db)
                       : 0;
    if (result != SQLITE_DONE) durable_sqlite_failed(store, result, write->doing);
    return result;
}

DURABLE_INTERNAL int durable_sqlite_write_step(durable_sqlite *store, durable_write *write,
                                               sqlite3_stmt *statement, int *changes)
{
    int result = step_write(store, write, statement, changes);

    durable_sqlite_rest(statement);
    if (result == SQLITE_DONE && changes && *changes == 0) forget(store, statement);
    return result;
}

DURABLE_INTERNAL int durable_sqlite_write_step_unbinding(durable_sqlite *store,
                                                         durable_write *write,
                                                         sqlite3_stmt *statement, int *changes,
                                                         const int *parameters, int count)
{
    int result = step_write(store, write, statement, changes);

    sqlite3_reset(statement);
    for (int i = 0; i < count; i++) sqlite3_bind_null(statement, parameters[i]);
    if (result == SQLITE_DONE && *changes == 0) forget(store, statement);
    return result;
}

DURABLE_INTERNAL int durable_sqlite_step_integers(durable_sqlite *store, durable_write *write,
                                                  durable_statement which,
                                                  const int64_t *integers, int count, int *changes)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, which);

    if (!statement) return store->head.error.sqlite_code;
    for (int i = 0; i < count; i++) sqlite3_bind_int64(statement, i + 1, integers[i]);
    return durable_sqlite_write_step(store, write, statement, changes);
}

DURABLE_INTERNAL int durable_sqlite_not_bound(durable_sqlite *store, const durable_write *write,
                                              sqlite3_stmt *statement, int result)
{
    durable_sqlite_rest(statement);
    durable_sqlite_failed(store, result, write->doing);
    return result;
}

static int host_transaction_gone(durable_sqlite *store, int result)
{
    durable_error_prefix(&store->head.error, "SQLite rolled back the host's transaction: ");
    store->head.error.code = DUR_ROLLED_BACK;
    store->head.error.sqlite_code = result;
    return DUR_ROLLED_BACK;
}

DURABLE_INTERNAL int durable_sqlite_write_end(durable_sqlite *store, const durable_write *write,
                                              int result)
{
    bool autocommit = sqlite3_get_autocommit(store->db) != 0;

    sqlite3_set_last_insert_rowid(store->db, write->host_rowid);
    if (write->joined && autocommit && !store->step_alone &&
        store->head.error.code != DUR_ROLLED_BACK)
        return host_transaction_gone(store, result);
    if (result != SQLITE_DONE) return store->head.error.code;
    if (!write->joined && sqlite3_txn_state(store->db, NULL) == SQLITE_TXN_WRITE)
        return durable_error_set(&store->head.error, DUR_HOST_STATEMENT,
                                 "cannot %s: a write statement of the host began meanwhile and"
                                 " holds back the commit; step it to its end or reset it",
                                 write->doing);
    return DUR_OK;
}
