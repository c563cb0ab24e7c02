/* store/sqlite: what is asked of a run by its id, for verbs that do. */
#ifndef DURABLE_SQLITE_REQUESTS_H
#define DURABLE_SQLITE_REQUESTS_H

#include "store/sqlite/connection.h"

/* A statement about the run of an id, with a number behind it. Gives SQLite's result. */
DURABLE_INTERNAL int durable_sqlite_step_by_id(durable_sqlite *store, durable_write *write,
                                              durable_statement which, const char *run_id,
                                              int64_t number, int *changes);

/* Are the tables there, and may be written to? DUR_OK or a code. */
DURABLE_INTERNAL int durable_sqlite_request_begin(durable_sqlite *store, durable_write *write,
                                                 const char *doing);

/* The run of an id, as it was before its owner, if there is one, has claimed it. */
typedef struct durable_request_look {
    bool there;
    int64_t run;
    int64_t status;
    int64_t request;
    bool called;
    char part_of[DUR_NAME_MAX + 1]; /* … by this run, or by one below it */
} durable_request_look;

/* Read the row that a statement finds for an id; where there is none, `read` is not called. Gives
 * SQLITE_DONE, or SQLite's result with the error set. */
typedef void durable_row_reader(sqlite3_stmt *statement, void *context);
DURABLE_INTERNAL int durable_sqlite_look_by_id(durable_sqlite *store, durable_statement which,
                                               const char *run_id, durable_row_reader *read,
                                               void *context);

DURABLE_INTERNAL int durable_sqlite_look_at_request(durable_sqlite *store, const char *run_id,
                                                   durable_request_look *look);

/* DUR_CONFLICT, with the error set. */
DURABLE_INTERNAL int durable_sqlite_refuse_called(durable_sqlite *store, const char *part_of);

#endif
