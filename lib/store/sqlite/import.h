/* store/sqlite: what an import consists of. Functions give DUR_OK, or a code with the error set. */
#ifndef DURABLE_SQLITE_IMPORT_H
#define DURABLE_SQLITE_IMPORT_H

#include "store/sqlite/connection.h"

/* A queue's row, or a run's. */
DURABLE_INTERNAL int durable_import_queue(durable_sqlite *store, durable_write *write,
                                          const durable_queue_row *row);
DURABLE_INTERNAL int durable_import_run(durable_sqlite *store, durable_write *write,
                                        const durable_run_row *row);

/* Rows of the run that came last. */
DURABLE_INTERNAL int durable_import_step(durable_sqlite *store, durable_write *write,
                                         const durable_step_record *row);
DURABLE_INTERNAL int durable_import_pending(durable_sqlite *store, durable_write *write,
                                            const durable_pending *row);
DURABLE_INTERNAL int durable_import_signal(durable_sqlite *store, durable_write *write,
                                           const durable_signal_row *row);

/* DUR_INVALID, because of this. */
DURABLE_INTERNAL int durable_not_imported(durable_sqlite *store, const char *problem);

/* What can be read again; a store does not know what formats mean. */
DURABLE_INTERNAL bool durable_is_imported_value(const durable_datum *datum);

/* Its format, and itself at the next parameter; gives SQLite's result. */
DURABLE_INTERNAL int durable_bind_imported_value(sqlite3_stmt *statement, int index,
                                                 const durable_datum *datum);

/* Zero is null. */
DURABLE_INTERNAL void durable_bind_reference(sqlite3_stmt *statement, int index, int64_t integer);

/* Insert one row; `result` is that of binding it. Where its key is taken: DUR_INVALID, with these
 * words. */
DURABLE_INTERNAL int durable_import_row(durable_sqlite *store, durable_write *write,
                                        sqlite3_stmt *statement, int result, const char *taken);

#endif
