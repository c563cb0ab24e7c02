/*
 * store/sqlite: the transaction around a step, alone or shared. Savepoints are both: the outermost
 * one of a connection begins a transaction, and its release commits; any other one stands in the
 * transaction of the host's, or in that which steps share. One that is gone when it is to be
 * released was ended by somebody else.
 */
#include "store/sqlite/statements.h"
#include "store/sqlite/verbs.h"

static int step_of_transaction(durable_sqlite *store, durable_write *write,
                               durable_statement which)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, which);

    if (!statement) return store->head.error.sqlite_code;
    return durable_sqlite_write_step(store, write, statement, NULL);
}

static void prepare_write(durable_sqlite *store, durable_write *write, const char *doing)
{
    write->doing = doing;
    write->joined = !sqlite3_get_autocommit(store->db);
    write->waited_ms = 0;
    write->host_rowid = sqlite3_last_insert_rowid(store->db);
}

/* ---- Whose is it? -------------------------------------------------------------------------- */

/* A log of another handle on this connection has its own statements. One that has run, and was not
 * set back since, stands for a step whose transaction is open. */
static bool is_step_of_other(durable_sqlite *store)
{
    sqlite3_stmt *statement = sqlite3_next_stmt(store->db, NULL);

    for (; statement; statement = sqlite3_next_stmt(store->db, statement)) {
        const char *text = sqlite3_sql(statement);

        if (statement == store->statements[DURABLE_SQL_STEP_SAVEPOINT] || !text) continue;
        if (strcmp(text, DURABLE_STEP_SAVEPOINT) != 0) continue;
        if (sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_RUN, 0) > 0) return true;
    }
    return false;
}

/* A savepoint neither begins nor ends beside a write statement that is half stepped, and to wait
 * for one of the host's is in vain. In a transaction the connection's state does not tell of it. */
static bool is_host_writing(durable_sqlite *store)
{
    sqlite3_stmt *statement = sqlite3_next_stmt(store->db, NULL);

    for (; statement; statement = sqlite3_next_stmt(store->db, statement))
        if (sqlite3_stmt_busy(statement) && !sqlite3_stmt_readonly(statement)) return true;
    return false;
}

DURABLE_INTERNAL int durable_sqlite_enter_transaction(durable_sqlite *store, durable_write *write)
{
    int code;

    if (is_step_of_other(store)) return durable_sqlite_refuse_in_step(store, write->doing);
    if (!store->shared) return DUR_OK;
    code = durable_sqlite_commit_shared(&store->head);
    if (code == DUR_OK) write->joined = !sqlite3_get_autocommit(store->db);
    return code;
}

/* ---- Beginning ----------------------------------------------------------------------------- */

/* What ends them is prepared before they begin: ending them then needs no memory. */
static bool prepare_statements(durable_sqlite *store)
{
    static const durable_statement needed[] = {
        DURABLE_SQL_STEP_SAVEPOINT,   DURABLE_SQL_STEP_RELEASE,
        DURABLE_SQL_STEP_ROLLBACK_TO, DURABLE_SQL_BODY_SAVEPOINT,
        DURABLE_SQL_BODY_RELEASE,     DURABLE_SQL_SHARED_SAVEPOINT,
        DURABLE_SQL_SHARED_RELEASE,   DURABLE_SQL_ROLLBACK,
        DURABLE_SQL_DROP_CLAIM};

    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!durable_sqlite_statement(store, needed[i])) return false;
    return true;
}

static int check_begin(durable_sqlite *store, bool attached)
{
    durable_error *error = &store->head.error;
    bool in_transaction = !sqlite3_get_autocommit(store->db);

    if (store->waiting)
        return durable_error_set(error, DUR_MISUSE,
                                 "the sleep callback of the log's options has called the same log");
    if (!attached && sqlite3_stricmp(store->schema, "main") != 0)
        return durable_error_set(error, DUR_MISUSE,
                                 "the log is in the database \"%s\" and not in \"main\": a crash"
                                 " may keep the changes in one file without those in the other;"
                                 " see dur_options.transactional_when_attached",
                                 store->schema);
    if (store->in_step || (in_transaction && is_step_of_other(store)))
        return durable_sqlite_refuse_in_step(store, "begin a transactional step");
    if (in_transaction ? is_host_writing(store)
                       : sqlite3_txn_state(store->db, NULL) == SQLITE_TXN_WRITE)
        return durable_sqlite_refuse_half_stepped(store, "begin a transactional step");
    return DUR_OK;
}

/* The claim of nobody: a write that changes nothing, but has the lock. The body has a savepoint of
 * its own, which is gone where it has ended the transaction, also if it has begun another one. */
static int open_savepoints(durable_sqlite *store, durable_write *write, bool shares)
{
    bool outermost = !write->joined;
    int result = SQLITE_DONE;

    store->grouped = outermost || store->shared;
    if (outermost && shares) {
        result = step_of_transaction(store, write, DURABLE_SQL_SHARED_SAVEPOINT);
        store->shared = result == SQLITE_DONE;
        store->shared_count = 0;
    }
    if (result == SQLITE_DONE) {
        result = step_of_transaction(store, write, DURABLE_SQL_STEP_SAVEPOINT);
        store->in_step = result == SQLITE_DONE;
        store->step_alone = outermost && !shares;
    }
    if (result == SQLITE_DONE && outermost)
        result = step_of_transaction(store, write, DURABLE_SQL_DROP_CLAIM);
    store->in_body = result == SQLITE_DONE;
    return store->in_body ? step_of_transaction(store, write, DURABLE_SQL_BODY_SAVEPOINT) : result;
}

static int ended_by_other(durable_sqlite *store)
{
    return durable_error_set(&store->head.error, DUR_ROLLED_BACK,
                             "the transaction of the step was ended by its body, or rolled back by"
                             " SQLite: a body must leave alone the transaction it stands in");
}

static void forget_step(durable_sqlite *store)
{
    sqlite3_stmt *savepoint = store->statements[DURABLE_SQL_STEP_SAVEPOINT];

    store->in_step = store->in_body = store->step_alone = store->grouped = false;
    if (savepoint) sqlite3_stmt_status(savepoint, SQLITE_STMTSTATUS_RUN, 1);
}

/* Whether the transaction is the one that the body was given. */
static bool is_there(durable_sqlite *store, durable_write *write)
{
    if (sqlite3_get_autocommit(store->db)) return false;
    if (!store->in_body) return true;
    write->waited_ms = store->busy_wait_ms; /* it takes no lock */
    store->in_body =
        step_of_transaction(store, write, DURABLE_SQL_BODY_RELEASE) == SQLITE_ERROR;
    write->waited_ms = 0;
    return !store->in_body;
}

DURABLE_INTERNAL int durable_sqlite_leave_body(durable_sqlite *store, durable_write *write)
{
    if (!sqlite3_get_autocommit(store->db) && is_host_writing(store))
        return durable_sqlite_refuse_half_stepped(store, write->doing);
    return is_there(store, write) ? DUR_OK : ended_by_other(store);
}

/* While an interrupt holds, SQLite takes back the whole transaction or nothing. */
static int more_is_gone(durable_sqlite *store)
{
    return durable_error_set(&store->head.error, DUR_ROLLED_BACK,
                             "cannot take back the step alone: SQLite rolled back the transaction"
                             " that it stood in");
}

/* Released after it was rolled back to, the outermost savepoint would be a commit of nothing. */
static int take_back_step(durable_sqlite *store, durable_write *write)
{
    bool alone = store->step_alone || !write->joined;
    bool was_there = !sqlite3_get_autocommit(store->db);

    write->waited_ms = store->busy_wait_ms;
    if (store->step_alone)
        durable_sqlite_undo(store, write, DURABLE_SQL_ROLLBACK, DURABLE_SQL_ROLLBACK);
    else
        durable_sqlite_undo(store, write, DURABLE_SQL_STEP_ROLLBACK_TO, DURABLE_SQL_STEP_RELEASE);
    forget_step(store);
    if (alone || !was_there || !sqlite3_get_autocommit(store->db)) return DUR_OK;
    return more_is_gone(store);
}

static void take_back_shared(durable_sqlite *store, durable_write *write)
{
    durable_sqlite_undo(store, write, DURABLE_SQL_ROLLBACK, DURABLE_SQL_ROLLBACK);
    store->shared = false;
}

DURABLE_INTERNAL int durable_sqlite_begin_transaction(durable_store *base, int64_t shared,
                                                      bool attached)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    bool begins;
    int result, code = check_begin(store, attached);

    if (code != DUR_OK) return code;
    if (!prepare_statements(store)) return store->head.error.code;
    prepare_write(store, &write, "begin a transactional step");
    if (!write.joined) store->shared = false; /* the host has ended it */
    begins = !write.joined;
    result = open_savepoints(store, &write, shared > 1);
    store->shared_most = shared;
    if (result == SQLITE_DONE) return DUR_OK;
    take_back_step(store, &write);
    if (begins && store->shared) take_back_shared(store, &write);
    return store->head.error.code;
}

/* ---- Ending -------------------------------------------------------------------------------- */

/* The last one of those that share a commit makes it. */
static int count_shared(durable_sqlite *store)
{
    if (!store->shared) return DUR_OK;
    store->shared_count++;
    return store->shared_count >= store->shared_most ? durable_sqlite_commit_shared(&store->head)
                                                     : DUR_OK;
}

static int keep_step(durable_sqlite *store, durable_write *write)
{
    int result = step_of_transaction(store, write, DURABLE_SQL_STEP_RELEASE);

    if (result == SQLITE_DONE) {
        forget_step(store);
        return count_shared(store);
    }
    if ((result & 0xff) == SQLITE_ERROR) ended_by_other(store);
    take_back_step(store, write);
    return store->head.error.code;
}

DURABLE_INTERNAL int durable_sqlite_end_step(durable_sqlite *store, bool keep, const char *doing)
{
    durable_write write;

    prepare_write(store, &write, doing);
    if (!is_there(store, &write)) {
        forget_step(store);
        return ended_by_other(store);
    }
    if (keep && !is_host_writing(store)) return keep_step(store, &write);
    if (take_back_step(store, &write) != DUR_OK) return DUR_ROLLED_BACK;
    return keep ? durable_sqlite_refuse_half_stepped(store, write.doing) : DUR_OK;
}

DURABLE_INTERNAL int durable_sqlite_end_transaction(durable_store *base, bool keep)
{
    durable_sqlite *store = durable_sqlite_of(base);

    if (!store->in_step || store->importing) return DUR_OK;
    return durable_sqlite_end_step(store, keep, "commit the step's transaction");
}

/* Tables of the host's modules may refuse a commit with the same code. */
static bool is_no_savepoint(durable_sqlite *store, int result)
{
    static const char words[] = "no such savepoint";

    return (result & 0xff) == SQLITE_ERROR &&
           strncmp(sqlite3_errmsg(store->db), words, sizeof words - 1) == 0;
}

/* Where the host has ended it meanwhile, the next look at what was recorded in it tells how. */
DURABLE_INTERNAL int durable_sqlite_commit_shared(durable_store *base)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    bool is_over;
    int result;

    if (store->in_step) return durable_sqlite_refuse_in_step(store, "commit");
    if (!store->shared) return DUR_OK;
    prepare_write(store, &write, "commit what transactional steps have done");
    if (!write.joined) {
        store->shared = false;
        return DUR_OK;
    }
    store->grouped = true;
    if (is_host_writing(store)) write.waited_ms = store->busy_wait_ms; /* it would be in vain */
    result = step_of_transaction(store, &write, DURABLE_SQL_SHARED_RELEASE);
    if ((result & 0xff) == SQLITE_BUSY && is_host_writing(store))
        durable_sqlite_refuse_half_stepped(store, write.doing);
    is_over = result == SQLITE_DONE || is_no_savepoint(store, result);
    store->shared = false;
    if (!is_over) take_back_shared(store, &write);
    store->grouped = false;
    return is_over ? DUR_OK : store->head.error.code;
}

/* A host's transaction goes, too: its process is the one that is said to be dead. */
DURABLE_INTERNAL void durable_sqlite_abandon(durable_store *base)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;

    prepare_write(store, &write, "leave all that is open");
    if (write.joined)
        durable_sqlite_undo(store, &write, DURABLE_SQL_ROLLBACK, DURABLE_SQL_ROLLBACK);
    forget_step(store);
    store->shared = false;
}
