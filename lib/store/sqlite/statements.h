/* store/sqlite: every statement that runs more than once. */
#ifndef DURABLE_SQLITE_STATEMENTS_H
#define DURABLE_SQLITE_STATEMENTS_H

#include "store/sqlite/connection.h"

DURABLE_INTERNAL const char *durable_statement_text(durable_statement which);

/* By its text stores on one connection know each other's. */
#define DURABLE_STEP_SAVEPOINT "SAVEPOINT durable_step_of_ours"

#endif
