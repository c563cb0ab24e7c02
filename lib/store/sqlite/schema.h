/* store/sqlite: the log's tables: how they are made, known again, and told from strangers. */
#ifndef DURABLE_SQLITE_SCHEMA_H
#define DURABLE_SQLITE_SCHEMA_H

#include "store/sqlite/connection.h"

/* The version of the tables. A library reads a log whose minimum reader, and writes one whose
 * minimum writer, is not above its own version. */
#define DURABLE_SCHEMA_VERSION 1

/* The statements, with @ for the schema, that make tables, triggers and views, durable_log first;
 * and, each on its own, those that make the indexes. NULL behind the last one. */
DURABLE_INTERNAL const char *durable_schema_object(size_t index);
DURABLE_INTERNAL const char *durable_schema_index(size_t index);
#define DURABLE_SCHEMA_INDEXES 8

/* Queries of every column, so that tables of somebody else under our names are told apart; *what
 * gets whose they would be. NULL behind the last one. */
DURABLE_INTERNAL const char *durable_schema_probe(size_t index, const char **what);

/* Make sure that our tables are there and are ours. */
DURABLE_INTERNAL int durable_sqlite_ensure_schema(durable_sqlite *store);

/* The same again where they were made in a transaction of the host, and may have gone with that:
 * before verbs that are given no fence. */
DURABLE_INTERNAL int durable_sqlite_settle_schema(durable_sqlite *store);

/* True where durable_log exists in the schema at this moment. False, too, if it cannot be told. */
DURABLE_INTERNAL bool durable_sqlite_schema_exists(durable_sqlite *store);

#endif
