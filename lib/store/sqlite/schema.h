/* store/sqlite: the log's tables: how they are made, known again, and told from strangers. */
#ifndef DURABLE_SQLITE_SCHEMA_H
#define DURABLE_SQLITE_SCHEMA_H

#include "store/sqlite/connection.h"

/* The version of the tables. A library reads a log whose minimum reader, and writes one whose
 * minimum writer, is not above its own version. */
#define DURABLE_SCHEMA_VERSION 1

/* Make sure that our tables are there and are ours. */
DURABLE_INTERNAL int durable_sqlite_ensure_schema(durable_sqlite *store);

/* True where durable_log exists in the schema at this moment. False, too, if it cannot be told. */
DURABLE_INTERNAL bool durable_sqlite_schema_exists(durable_sqlite *store);

#endif
