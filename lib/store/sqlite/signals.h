/* store/sqlite: signals, for verbs that take them on their way. The functions give SQLite's result,
 * with the error set unless it is SQLITE_DONE. */
#ifndef DURABLE_SQLITE_SIGNALS_H
#define DURABLE_SQLITE_SIGNALS_H

#include "store/sqlite/connection.h"

/* Whether a signal of that address waits to be received. */
DURABLE_INTERNAL int durable_sqlite_is_sent(durable_sqlite *store, int64_t run,
                                            const char *address, bool *sent);

/* False where the host has switched triggers off: what ours do is then done by hand. */
DURABLE_INTERNAL bool durable_sqlite_triggers_work(const durable_sqlite *store);

/* The run is due now, if it is suspended and not paused, awaits the address, and was not to be due
 * earlier. */
DURABLE_INTERNAL int durable_sqlite_wake_run(durable_sqlite *store, durable_write *write,
                                             int64_t run, int64_t now, const char *address);

/* The end of a child is its parent's news: as the answer of a callback. */
DURABLE_INTERNAL int durable_sqlite_tell_parent(durable_sqlite *store, durable_write *write,
                                                int64_t child, int64_t now);

/* The signal is received by that position. DUR_CORRUPT where it is gone. */
DURABLE_INTERNAL int durable_sqlite_take_signal(durable_sqlite *store, durable_write *write,
                                                int64_t run, int64_t signal, int64_t position);

#endif
