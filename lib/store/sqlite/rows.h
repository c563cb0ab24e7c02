/* store/sqlite: from columns to records and back. */
#ifndef DURABLE_SQLITE_ROWS_H
#define DURABLE_SQLITE_ROWS_H

#include "store/sqlite/connection.h"

/* A step's key packs its run and its position. */
#define DURABLE_POSITION_BITS 27
#define DURABLE_RUN_KEY_MAX ((INT64_C(1) << 36) - 1)

/* The format of a step that timed out, beside a null value; see schema.c. */
#define DURABLE_FORMAT_TIMED_OUT 4

DURABLE_INTERNAL int64_t durable_step_key(int64_t run, int64_t position);

/* Give SQLite's result. The bytes of text and blobs are not copied. */
DURABLE_INTERNAL int durable_bind_datum(sqlite3_stmt *statement, int index,
                                        const durable_datum *datum);
DURABLE_INTERNAL int durable_bind_text(sqlite3_stmt *statement, int index, const char *text,
                                       size_t length);
/* Plain is null. */
DURABLE_INTERNAL int durable_bind_format(sqlite3_stmt *statement, int index, int format);
/* NULL binds null. */
DURABLE_INTERNAL int durable_bind_string(sqlite3_stmt *statement, int index, const char *text);
/* DURABLE_NEVER binds null. */
DURABLE_INTERNAL int durable_bind_time(sqlite3_stmt *statement, int index, int64_t time);

/* The columns of DURABLE_SQL_FIND_RUN. DUR_OK, DUR_CORRUPT or DUR_NOMEM, with the error set. */
DURABLE_INTERNAL int durable_read_run_row(durable_sqlite *store, sqlite3_stmt *statement,
                                          durable_run_record *record);

/* Those of DURABLE_SQL_VISIT_RUN, as a row that is held is given; likewise. *origin gets the key of
 * the run that `origin` names, or 0. */
DURABLE_INTERNAL int durable_read_whole_run(durable_sqlite *store, sqlite3_stmt *statement,
                                            durable_run_record *record, durable_run_row *whole,
                                            int64_t *origin);

/* The columns of DURABLE_SQL_VISIT_SIGNAL; likewise. */
DURABLE_INTERNAL int durable_read_whole_signal(durable_sqlite *store, sqlite3_stmt *statement,
                                               durable_signal_row *whole);

/* The columns of DURABLE_SQL_LOAD or, with details, DURABLE_SQL_LOAD_DETAILS, but for the first
 * one, which the caller has looked at; likewise. */
DURABLE_INTERNAL int durable_read_step_row(durable_sqlite *store, sqlite3_stmt *statement,
                                           bool details, durable_step_record *record);

/* The columns of DURABLE_SQL_SUMMARIZE; likewise. The summary is zero where there are no rows. */
DURABLE_INTERNAL int durable_read_summary_row(durable_sqlite *store, sqlite3_stmt *statement,
                                              durable_history_summary *summary);

/* The columns of DURABLE_SQL_LOAD_PENDING, but for the first one; likewise. */
DURABLE_INTERNAL int durable_read_pending_row(durable_sqlite *store, sqlite3_stmt *statement,
                                              durable_pending *pending);

/* The columns of DURABLE_SQL_PEEK_SIGNAL, DURABLE_SQL_FIND_DUE, DURABLE_SQL_FIND_HELD and
 * DURABLE_SQL_LOOK_AT_QUEUE; likewise. */
DURABLE_INTERNAL int durable_read_signal_row(durable_sqlite *store, sqlite3_stmt *statement,
                                             durable_signal_record *record);
DURABLE_INTERNAL int durable_read_due_row(durable_sqlite *store, sqlite3_stmt *statement,
                                          durable_due *due);
DURABLE_INTERNAL int durable_read_held_row(durable_sqlite *store, sqlite3_stmt *statement,
                                           durable_held *held);
DURABLE_INTERNAL int durable_read_queue_row(durable_sqlite *store, sqlite3_stmt *statement,
                                            durable_queue *queue);

#endif
