/* base: text put together with SQLite's own printf. */
#ifndef DURABLE_TEXT_H
#define DURABLE_TEXT_H

#include "base/base.h"

#include <stdarg.h>

/* Formats are those of sqlite3_snprintf(); what does not fit is cut, and a NUL always stands at the
 * end. */
DURABLE_INTERNAL void durable_print(char *buffer, size_t size, const char *format, ...);
DURABLE_INTERNAL void durable_print_list(char *buffer, size_t size, const char *format,
                                         va_list arguments);

/* Text that grows. Running out of memory shows at the end. */
typedef struct durable_text durable_text;

DURABLE_INTERNAL durable_text *durable_text_new(void);
DURABLE_INTERNAL void durable_text_add(durable_text *text, const char *format, ...);

/* The text, to be freed with durable_free(); NULL when out of memory. The builder is gone. */
DURABLE_INTERNAL char *durable_text_finish(durable_text *text);

#endif
