/* api: the one door between the public interface and a store. */
#ifndef DURABLE_OPEN_H
#define DURABLE_OPEN_H

#include "store/store.h"

/* The store in a SQLite connection. *store is set unless out of memory. */
DURABLE_INTERNAL int durable_open_store(struct sqlite3 *db, const dur_options *options,
                                        durable_store **store);

#endif
