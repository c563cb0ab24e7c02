/* store/sqlite: what stands behind a fence, and why a fenced write found nothing. */
#ifndef DURABLE_SQLITE_FENCE_H
#define DURABLE_SQLITE_FENCE_H

#include "store/sqlite/connection.h"

/* What stands behind a fence. */
typedef struct durable_fence_look {
    bool there;   /* the run has a row */
    bool claimed; /* somebody holds it */
    int64_t epoch, token;
    int64_t status;
} durable_fence_look;

/* Look it up. DUR_OK, or a database code. */
DURABLE_INTERNAL int durable_sqlite_look_at_fence(durable_sqlite *store, const durable_fence *fence,
                                                  durable_fence_look *look);

/* Nobody holds the run, and this fence was the last to do so. */
DURABLE_INTERNAL bool durable_fence_is_given_back(const durable_fence_look *look,
                                                  const durable_fence *fence);

/* Why a fenced write found nothing: DUR_LOST or DUR_ROLLED_BACK with the error set to it, or a
 * database code. */
DURABLE_INTERNAL int durable_sqlite_explain_fence(durable_sqlite *store,
                                                  const durable_fence *fence);

/* A record that was joined to the host's transaction is believed only once it was seen again.
 * DUR_OK, DUR_ROLLED_BACK, or a database code. */
DURABLE_INTERNAL int durable_sqlite_confirm(durable_sqlite *store, const durable_fence *fence);

/* Our tables may have gone with the host's transaction in which they were made: then that is what
 * `code` means. Gives the code. */
DURABLE_INTERNAL int durable_sqlite_tables_gone(durable_sqlite *store, int code);

/* Parameters 1 to 3. */
DURABLE_INTERNAL void durable_bind_fence(sqlite3_stmt *statement, const durable_fence *fence);

/* Binds what a fenced statement wants beside the fence; gives SQLite's result. */
typedef int durable_bind_fn(sqlite3_stmt *statement, const void *context);

/* One step of a fenced write; `bind` may be NULL. *changes is 0 where the fence no longer holds.
 * Gives SQLite's result, as durable_sqlite_write_step(). */
DURABLE_INTERNAL int durable_sqlite_fenced_step(durable_sqlite *store, durable_write *write,
                                                durable_statement which,
                                                const durable_fence *fence, durable_bind_fn *bind,
                                                const void *context, int *changes);

/* That step which sets the claim's end. */
DURABLE_INTERNAL int durable_sqlite_renew_step(durable_sqlite *store, durable_write *write,
                                               const durable_fence *fence, int64_t lease_end,
                                               int *changes);

/* Before a fenced write: as durable_sqlite_write_begin(), and durable_sqlite_confirm(). */
DURABLE_INTERNAL int durable_sqlite_fenced_begin(durable_sqlite *store, durable_write *write,
                                                 const durable_fence *fence, const char *doing);

#endif
