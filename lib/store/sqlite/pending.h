/* store/sqlite: what positions without an outcome remember, for verbs that write it on their way.
 * The functions give SQLite's result, with the error set unless it is SQLITE_DONE. */
#ifndef DURABLE_SQLITE_PENDING_H
#define DURABLE_SQLITE_PENDING_H

#include "store/sqlite/connection.h"

/* *changes is 0 where the fence no longer holds. */
DURABLE_INTERNAL int durable_sqlite_write_pending(durable_sqlite *store, durable_write *write,
                                                  const durable_fence *fence,
                                                  const durable_pending *pending, int *changes);

/* Those of the positions from..to. */
DURABLE_INTERNAL int durable_sqlite_drop_pending(durable_sqlite *store, durable_write *write,
                                                 int64_t run, int64_t from, int64_t to);

#endif
