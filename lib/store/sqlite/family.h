/* store/sqlite: where a run stands among its family, for those who visit whole ones. */
#ifndef DURABLE_SQLITE_FAMILY_H
#define DURABLE_SQLITE_FAMILY_H

#include "store/sqlite/connection.h"

/* Whether a visit comes to `other` before it comes to `run`, which it does: each run before its
 * children, they in the order of the positions and then of the keys, runs without a parent in the
 * order of their keys. `top` is the run at which the visit begins; 0: it goes to all. DUR_OK, or a
 * database code. */
DURABLE_INTERNAL int durable_sqlite_comes_before(durable_sqlite *store, int64_t top, int64_t other,
                                                 int64_t run, bool *before);

#endif
