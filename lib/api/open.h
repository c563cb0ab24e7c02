/* api: the one door between the public interface and a store. */
#ifndef DURABLE_OPEN_H
#define DURABLE_OPEN_H

#include "store/store.h"

/* The store in a SQLite connection. *store is set unless out of memory. With options->read_only the
 * log is there already, and verbs that write are DUR_READONLY. */
DURABLE_INTERNAL int durable_open_store(struct sqlite3 *db, const dur_options *options,
                                        durable_store **store);

/* Puts DUR_READONLY in front of the verbs that write, where `code` is DUR_OK; gives it, or
 * DUR_NOMEM and no store. */
DURABLE_INTERNAL int durable_only_read(int code, durable_store **store);

typedef enum durable_own {
    DURABLE_OWN_MEMORY, /* in memory; `path` is not looked at */
    DURABLE_OWN_NEW,    /* a file that is made; one that is there is DUR_CONFLICT, and stays */
    DURABLE_OWN_READ    /* a file that is there, read only: verbs that write are DUR_READONLY. One
                         * that holds no log is DUR_INVALID, none at all DUR_IOERR */
} durable_own;

/* The store in a connection of the library's own, which is closed with the store. The path is
 * SQLite's, in UTF-8; options->schema does not count. *store is set unless out of memory, so that
 * its error can be read; close it in every case. A new file in which no log could be made is gone
 * when this returns. */
DURABLE_INTERNAL int durable_open_own_store(const char *path, durable_own how,
                                            const dur_options *options, durable_store **store);

/* Remove a file of DURABLE_OWN_NEW, whose store was closed. */
DURABLE_INTERNAL void durable_remove_own(const char *path);

/* Roll back whatever is open on the store's connection, as the death of its process would. */
DURABLE_INTERNAL void durable_abandon_store(durable_store *store);

#endif
