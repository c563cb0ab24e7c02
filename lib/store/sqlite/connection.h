/*
 * store/sqlite: how this room treats the host's connection: a guest. Every statement of ours goes
 * through the functions here, which prepare it, wait for a busy database, keep the host's
 * last_insert_rowid, notice what happened to the host's transaction, and leave no statement active
 * and nothing bound.
 */
#ifndef DURABLE_SQLITE_CONNECTION_H
#define DURABLE_SQLITE_CONNECTION_H

#include "store/sqlite/sqlite_store.h"

#include <sqlite3.h>

typedef enum durable_statement {
    DURABLE_SQL_BEGIN,
    DURABLE_SQL_COMMIT,
    DURABLE_SQL_ROLLBACK,
    DURABLE_SQL_SAVEPOINT,
    DURABLE_SQL_RELEASE,
    DURABLE_SQL_ROLLBACK_TO,
    DURABLE_SQL_EMERGENCY,
    DURABLE_SQL_FIND_RUN,
    DURABLE_SQL_CREATE_RUN,
    DURABLE_SQL_TAKE_CLAIM,
    DURABLE_SQL_TAKE_OVER,
    DURABLE_SQL_RELEASE_RUN,
    DURABLE_SQL_SUSPEND_RUN,
    DURABLE_SQL_END_RUN,
    DURABLE_SQL_RENAME_RUN,
    DURABLE_SQL_CREATE_SUCCESSOR,
    DURABLE_SQL_HAND_ON_SIGNALS,
    DURABLE_SQL_HAND_ON_KEYS,
    DURABLE_SQL_END_PAUSE,
    DURABLE_SQL_WAKE_ROOT_OF,
    DURABLE_SQL_DROP_CLAIM,
    DURABLE_SQL_RENEW_LEASE,
    DURABLE_SQL_APPEND,
    DURABLE_SQL_APPEND_FINGERPRINTED,
    DURABLE_SQL_TAKE_BACK,
    DURABLE_SQL_LOOK_AT_FENCE,
    DURABLE_SQL_LOOK_AT_STEP,
    DURABLE_SQL_LOAD,
    DURABLE_SQL_LOAD_DETAILS,
    DURABLE_SQL_SUMMARIZE,
    DURABLE_SQL_PUT_PENDING,
    DURABLE_SQL_LOAD_PENDING,
    DURABLE_SQL_DROP_PENDING,
    DURABLE_SQL_SEND_SIGNAL,
    DURABLE_SQL_ANSWER_CALLBACK,
    DURABLE_SQL_BEAT_CALLBACK,
    DURABLE_SQL_LOOK_AT_ADDRESSEE,
    DURABLE_SQL_LOOK_AT_CALLER,
    DURABLE_SQL_WAKE_RUN,
    DURABLE_SQL_WAKE_ROOT,
    DURABLE_SQL_TELL_PARENT,
    DURABLE_SQL_LOOK_AT_PARENT,
    DURABLE_SQL_CANCEL_CHILDREN,
    DURABLE_SQL_CANCEL_RUN,
    DURABLE_SQL_LOOK_AT_REQUEST,
    DURABLE_SQL_RESOLVE_STEP,
    DURABLE_SQL_RESUME_RUN,
    DURABLE_SQL_RESUME_ROOT,
    DURABLE_SQL_EARLIEST_DUE,
    DURABLE_SQL_PAUSE_RUN,
    DURABLE_SQL_UNPAUSE_RUN,
    DURABLE_SQL_TERMINATE_RUN,
    DURABLE_SQL_TERMINATE_BELOW,
    DURABLE_SQL_CANCEL_BELOW,
    DURABLE_SQL_DROP_CLAIMS_OF,
    DURABLE_SQL_DROP_PENDING_BELOW,
    DURABLE_SQL_DELETE_RUN,
    DURABLE_SQL_LOOK_AT_DELETION,
    DURABLE_SQL_LAST_NOT_KEPT,
    DURABLE_SQL_LOOK_AT_ENDED,
    DURABLE_SQL_RESTART_RUN,
    DURABLE_SQL_LOOK_AT_RESTART,
    DURABLE_SQL_COMPARE_COPY,
    DURABLE_SQL_COPY_STEPS,
    DURABLE_SQL_COPY_REPLACED,
    DURABLE_SQL_NEXT_CALLED,
    DURABLE_SQL_LOOK_AT_COPY,
    DURABLE_SQL_COPY_CHILD,
    DURABLE_SQL_COPY_SIGNALS,
    DURABLE_SQL_COPY_KEYS,
    DURABLE_SQL_STEP_SAVEPOINT,
    DURABLE_SQL_STEP_RELEASE,
    DURABLE_SQL_STEP_ROLLBACK_TO,
    DURABLE_SQL_BODY_SAVEPOINT,
    DURABLE_SQL_BODY_RELEASE,
    DURABLE_SQL_SHARED_SAVEPOINT,
    DURABLE_SQL_SHARED_RELEASE,
    DURABLE_SQL_PEEK_SIGNAL,
    DURABLE_SQL_DROP_SIGNAL,
    DURABLE_SQL_MARK_SIGNAL,
    DURABLE_SQL_FIND_DUE,
    DURABLE_SQL_FIND_HELD,
    DURABLE_SQL_LOOK_AT_QUEUE,
    DURABLE_SQL_LOOK_AT_CLAIM,
    DURABLE_SQL_COUNT_ACTIVE,
    DURABLE_SQL_COUNT_ACTIVE_PROCESS,
    DURABLE_SQL_TAKE_TURN,
    DURABLE_SQL_LIMIT_QUEUE,
    DURABLE_SQL_LIST_RUNS,
    DURABLE_SQL_VISIT_QUEUES,
    DURABLE_SQL_VISIT_ONE,
    DURABLE_SQL_VISIT_TOPS,
    DURABLE_SQL_VISIT_TREE,
    DURABLE_SQL_VISIT_PARENT,
    DURABLE_SQL_VISIT_RUN,
    DURABLE_SQL_VISIT_SIGNALS,
    DURABLE_SQL_VISIT_SIGNAL,
    DURABLE_SQL_COUNT_RUNS,
    DURABLE_SQL_IMPORT_KEY,
    DURABLE_SQL_IMPORT_FIND,
    DURABLE_SQL_IMPORT_QUEUE,
    DURABLE_SQL_IMPORT_RUN,
    DURABLE_SQL_IMPORT_STEP,
    DURABLE_SQL_IMPORT_PENDING,
    DURABLE_SQL_IMPORT_SIGNAL,
    DURABLE_SQL_IMPORT_UNRECEIVED,
    DURABLE_SQL_READ_VERSION,
    DURABLE_SQL_COUNT
} durable_statement;

/* Where the last full batch of a retention has ended; see deletion.c. */
typedef struct durable_retained {
    bool goes_on; /* false: there was none, and the rest is not set */
    int64_t ended, run;
    int64_t until_ended, until_run; /* those behind this one are kept */
    int64_t keep;
    bool of_any;
    char workflow[DUR_NAME_MAX + 1];
} durable_retained;

typedef struct durable_sqlite {
    durable_store head;
    sqlite3 *db;
    char *schema;
    durable_clock clock;
    int64_t busy_wait_ms;
    bool utf8;               /* the database's text encoding */
    bool owns_db;            /* it is closed with the store */
    bool read_only;          /* no log is made, or completed */
    bool schema_provisional; /* our tables were made in a host transaction that may be undone */
    bool grouped;            /* a transaction of our own is open */
    bool host_gone;          /* SQLite has just rolled back the host's transaction */
    bool in_step;            /* begin_transaction() waits for its end */
    bool in_body;            /* … and its body has not been left yet */
    bool step_alone;         /* … and its end will be a commit */
    bool shared;             /* steps wait for one commit */
    int64_t shared_most, shared_count;
    bool importing;          /* begin_import() waits for its end; in_step then */
    bool import_failed;      /* … and can only be taken back */
    int64_t import_first;    /* … and the keys of its runs are from this one to */
    int64_t import_run;      /* … this one, which rows are put for; one less than it: none */
    durable_retained retained;
    bool waiting;            /* in the host's sleep callback: no verb may be called */
    sqlite3_stmt *statements[DURABLE_SQL_COUNT];
} durable_sqlite;

/* A write, from before its first statement to after its last. */
typedef struct durable_write {
    const char *doing; /* completes "cannot …" */
    sqlite3_int64 host_rowid;
    bool joined; /* the host has a transaction open */
    int64_t waited_ms;
} durable_write;

/* Set the store's error from the connection's. `result` is the SQLite result; `doing` completes
 * "cannot …". Gives the DUR_ code. */
DURABLE_INTERNAL int durable_sqlite_failed(durable_sqlite *store, int result, const char *doing);

/* Sleep before the next try, if `result` says busy and there is time left to wait. */
DURABLE_INTERNAL bool durable_sqlite_wait(durable_sqlite *store, int result, int64_t *waited_ms);

/* The statement, prepared on first use; waits as above. NULL, with the error set, on failure. */
DURABLE_INTERNAL sqlite3_stmt *durable_sqlite_statement(durable_sqlite *store,
                                                        durable_statement which);

/* Finalize all of them; they are prepared anew on their next use. */
DURABLE_INTERNAL void durable_sqlite_forget_statements(durable_sqlite *store);

/* Run SQL text that is needed once (schema work), as a template: each @ stands for the schema. */
DURABLE_INTERNAL int durable_sqlite_prepare(durable_sqlite *store, const char *sql,
                                            sqlite3_stmt **statement);

/* Reset and unbind. */
DURABLE_INTERNAL void durable_sqlite_rest(sqlite3_stmt *statement);

/* The first row of a read, or SQLITE_DONE; waits as above. The caller rests the statement. */
DURABLE_INTERNAL int durable_sqlite_read(durable_sqlite *store, sqlite3_stmt *statement);

/* Before a write: refused with DUR_HOST_STATEMENT where it would join a half-stepped statement. */
DURABLE_INTERNAL int durable_sqlite_write_begin(durable_sqlite *store, durable_write *write,
                                                const char *doing);

/* One step of a write statement, with waiting; rests it; *changes (may be NULL) gets the number of
 * rows. Gives SQLite's result: SQLITE_DONE when it is done; else the store's error is set. */
DURABLE_INTERNAL int durable_sqlite_write_step(durable_sqlite *store, durable_write *write,
                                               sqlite3_stmt *statement, int *changes);

/* The same of one that runs for each step: only these parameters are unbound, which point into
 * memory of others. All others must be bound by each use. */
DURABLE_INTERNAL int durable_sqlite_write_step_unbinding(durable_sqlite *store,
                                                         durable_write *write,
                                                         sqlite3_stmt *statement, int *changes,
                                                         const int *parameters, int count);

/* The same of a statement whose parameters are `count` integers. */
DURABLE_INTERNAL int durable_sqlite_step_integers(durable_sqlite *store, durable_write *write,
                                                  durable_statement which,
                                                  const int64_t *integers, int count,
                                                  int *changes);

/* A parameter of a write statement could not be bound: rests it, sets the error, gives `result`. */
DURABLE_INTERNAL int durable_sqlite_not_bound(durable_sqlite *store, const durable_write *write,
                                              sqlite3_stmt *statement, int result);

/* After a write: `result` is the last step's. Restores last_insert_rowid; tells whether the host's
 * transaction is still there. Gives the DUR_ code. */
DURABLE_INTERNAL int durable_sqlite_write_end(durable_sqlite *store, const durable_write *write,
                                              int result);

/* Around several write statements that belong together: a savepoint in the host's transaction, a
 * transaction of our own otherwise. The first statement in it is a write. They give SQLite's
 * result; the end commits where `result` is SQLITE_DONE and undoes all otherwise, keeping the
 * error. */
DURABLE_INTERNAL int durable_sqlite_group_begin(durable_sqlite *store, durable_write *write);
DURABLE_INTERNAL int durable_sqlite_group_end(durable_sqlite *store, durable_write *write,
                                              int result);

/* The same with savepoints of another name; or of a whole transaction, where both statements are
 * DURABLE_SQL_ROLLBACK. */
DURABLE_INTERNAL void durable_sqlite_undo(durable_sqlite *store, durable_write *write,
                                          durable_statement rollback_to,
                                          durable_statement release);

/* Refusals, with the error set: a transactional step is open; a write statement of the host's is
 * half stepped; an authorizer or a trigger of the host's ignores what we write. */
DURABLE_INTERNAL int durable_sqlite_refuse_in_step(durable_sqlite *store, const char *doing);
DURABLE_INTERNAL int durable_sqlite_refuse_half_stepped(durable_sqlite *store, const char *doing);
DURABLE_INTERNAL int durable_sqlite_had_no_effect(durable_sqlite *store, const char *doing);

/* Before a write while a transaction is open: where a step of another log on this connection has
 * begun it, the write is refused; where it is what our steps share, it is committed first. */
DURABLE_INTERNAL int durable_sqlite_enter_transaction(durable_sqlite *store, durable_write *write);

/* Before the step's outcome is appended: is the transaction still there that the body was given? */
DURABLE_INTERNAL int durable_sqlite_leave_body(durable_sqlite *store, durable_write *write);

/* Undo a group in which nothing went wrong. Gives SQLITE_DONE. */
DURABLE_INTERNAL int durable_sqlite_group_undo(durable_sqlite *store, durable_write *write);

#endif
