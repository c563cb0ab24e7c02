/* base: public values and the form in which a store keeps them. */
#ifndef DURABLE_VALUE_H
#define DURABLE_VALUE_H

#include "base/base.h"

/* The five types that every store can keep. */
typedef enum durable_datum_type {
    DURABLE_DATUM_NULL = 0,
    DURABLE_DATUM_INTEGER = 1,
    DURABLE_DATUM_REAL = 2,
    DURABLE_DATUM_TEXT = 3, /* valid UTF-8 without NUL bytes */
    DURABLE_DATUM_BLOB = 4
} durable_datum_type;

/* How a datum is to be read: the log's `format` column. The numbers are part of the file format. */
enum {
    DURABLE_FORMAT_PLAIN = 0,    /* as it stands */
    DURABLE_FORMAT_NAN = 1,      /* the integer holds the bits of a double that is not a number */
    DURABLE_FORMAT_UNSIGNED = 2, /* the integer holds the bits of a uint64_t above INT64_MAX */
    DURABLE_FORMAT_TEXT = 3,     /* the blob holds text that is not UTF-8 or has NUL bytes */
    DURABLE_FORMAT_OBJECT = 16   /* the blob holds a C object; + 1 big-endian, + 2 64-bit words */
};

/* A value as kept: what a store writes and reads, without knowing what it means. */
typedef struct durable_datum {
    int type;
    int format;
    int64_t integer;
    double real;
    const void *bytes; /* text, blob; never NULL where length is not 0 */
    size_t length;
} durable_datum;

/* Put a value into its kept form; its bytes stay where they are. DUR_OK, or DUR_MISUSE for an
 * unknown type or NULL bytes with a length. */
DURABLE_INTERNAL int durable_value_encode(dur_value value, durable_datum *datum);

/* The way back. DUR_OK; DUR_CORRUPT where type and format do not go together; DUR_MISMATCH for an
 * object of another kind of machine. */
DURABLE_INTERNAL int durable_value_decode(const durable_datum *datum, dur_value *value);

DURABLE_INTERNAL bool durable_datum_equal(const durable_datum *a, const durable_datum *b);

/* By its bits, so that no compiler option and no header's macro has a say in it. */
DURABLE_INTERNAL bool durable_is_nan(double real);

/* "integer", "text", … for messages. */
DURABLE_INTERNAL const char *durable_type_name(dur_type type);

/* Valid UTF-8 as SQLite's own conversions keep it: no surrogates, no overlong forms, nothing above
 * U+10FFFF, and without U+FFFE and U+FFFF, which a UTF-16 database would not give back. NUL bytes
 * are not valid here. */
DURABLE_INTERNAL bool durable_utf8_valid(const char *text, size_t length);

/* A name by the rules at DUR_NAME_MAX; `length` is its strlen(). */
DURABLE_INTERNAL bool durable_name_valid(const char *name, size_t length);

#endif
