/* store/sqlite: the log in the host's SQLite connection. The only door to this room. */
#ifndef DURABLE_SQLITE_STORE_H
#define DURABLE_SQLITE_STORE_H

#include "base/clock.h"
#include "store/store.h"

typedef struct durable_sqlite_options {
    const char *schema;   /* NULL: "main" */
    int64_t busy_wait_ms; /* as in dur_options: 0 means the default, negative not at all */
    bool read_only;       /* opening makes no log, and completes none */
    durable_clock clock;
} durable_sqlite_options;

/* Open the log in `db`, creating it on first use. *store is set unless out of memory (NULL then),
 * so that its error can be read; close it in every case. */
DURABLE_INTERNAL int durable_sqlite_open(struct sqlite3 *db, const durable_sqlite_options *options,
                                         durable_store **store);

typedef enum durable_sqlite_place {
    DURABLE_SQLITE_MEMORY,   /* `path` is not looked at */
    DURABLE_SQLITE_NEW_FILE, /* DUR_CONFLICT where one is there */
    DURABLE_SQLITE_READ_FILE /* DUR_INVALID where it holds no log */
} durable_sqlite_place;

/* The same in a connection of the store's own, in its main schema. */
DURABLE_INTERNAL int durable_sqlite_open_own(const char *path, durable_sqlite_place place,
                                             const durable_sqlite_options *options,
                                             durable_store **store);

/* Remove a database file that nobody has open. */
DURABLE_INTERNAL void durable_sqlite_remove(const char *path);

/* Roll back whatever is open on the connection, as the death of its process would. */
DURABLE_INTERNAL void durable_sqlite_abandon(durable_store *store);

#endif
