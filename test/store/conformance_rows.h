/* test/store: rows of whole logs as text, and from one log to another. */
#ifndef CONFORMANCE_ROWS_H
#define CONFORMANCE_ROWS_H

#include "store/store.h"
#include "support/narrative.h"

/* A line for each row that is visited, with everything in it; gives the visit's code. */
int rows_of(durable_store *store, const char *run_id, narrative *lines);

/* Visit the one and put the rows into the other. Gives the first code that is not DUR_OK; what was
 * begun is kept or taken back. */
int rows_copy(durable_store *from, const char *run_id, durable_store *to);

#endif
