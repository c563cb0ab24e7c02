/* base: an error as the library carries it: what to do (code) and what happened (message). */
#ifndef DURABLE_ERROR_H
#define DURABLE_ERROR_H

#include "base/base.h"

#include <stdarg.h>

/* Long enough for two names of DUR_NAME_MAX bytes and a sentence of SQLite's around them. Part of
 * the struct, so that reporting an error never needs memory. */
#define DURABLE_MESSAGE_SIZE 1024

typedef struct durable_error {
    int code;
    int sqlite_code; /* extended; 0 where SQLite had no part in it */
    char message[DURABLE_MESSAGE_SIZE];
} durable_error;

/* Set code and message (formatted as sqlite3_snprintf() does, cut where it is too long, one line
 * whatever the arguments hold); gives `code` back. */
DURABLE_INTERNAL int durable_error_set(durable_error *error, int code, const char *format, ...);
DURABLE_INTERNAL void durable_error_clear(durable_error *error);
DURABLE_INTERNAL void durable_error_copy(durable_error *to, const durable_error *from);

/* Put words in front of the message that is there, or behind it. */
DURABLE_INTERNAL void durable_error_prefix(durable_error *error, const char *format, ...);
DURABLE_INTERNAL void durable_error_append(durable_error *error, const char *format, ...);

#endif
