/* base: what every room may use: visibility of internals, small helpers. */
#ifndef DURABLE_BASE_H
#define DURABLE_BASE_H

#include "durable.h"

/* Internal functions carry the prefix durable_, public ones dur_. In the single-file form all of
 * the internal ones become static. */
#ifndef DURABLE_INTERNAL
#define DURABLE_INTERNAL extern
#endif

/* Memory from SQLite's allocator, NULL when there is none. durable_allocate() zeroes it;
 * durable_allocate_raw() is for large pieces that are written before they are read. */
DURABLE_INTERNAL void *durable_allocate(size_t size);
DURABLE_INTERNAL void *durable_allocate_raw(size_t size);
DURABLE_INTERNAL void durable_free(void *memory);

/* A copy of `length` bytes followed by a NUL; NULL when out of memory. */
DURABLE_INTERNAL char *durable_copy_text(const void *bytes, size_t length);

#endif
