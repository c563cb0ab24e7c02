/* store/sqlite: every statement that runs more than once. */
#ifndef DURABLE_SQLITE_STATEMENTS_H
#define DURABLE_SQLITE_STATEMENTS_H

#include "store/sqlite/connection.h"

DURABLE_INTERNAL const char *durable_statement_text(durable_statement which);

#endif
