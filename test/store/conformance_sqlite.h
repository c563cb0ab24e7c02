/* test/store: the SQLite store as a subject of the conformance suite. */
#ifndef CONFORMANCE_SQLITE_H
#define CONFORMANCE_SQLITE_H

#include "store/conformance.h"
#include "support/host.h"

typedef struct sqlite_variant {
    host_journal journal;
    const char *encoding; /* NULL: UTF-8 */
    const char *schema;   /* NULL: main */
    const char *before;   /* SQL to be run before the store is opened, or NULL */
    const char *after;    /* and when it was opened */
} sqlite_variant;

/* The subject's world. */
typedef struct sqlite_world {
    test_host host;
    const char *schema; /* never NULL */
} sqlite_world;

/* The variant must outlive the subject. */
conformance_subject sqlite_subject(const char *name, const sqlite_variant *variant);

#endif
