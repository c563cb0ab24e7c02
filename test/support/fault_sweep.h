/*
 * test/support: sweeping faults over the scenarios. For one scenario and one kind of fault, the
 * Nth call fails, N rising until nothing fires any more, once and then persistently; after each,
 * an exact oracle looks at codes, the connection, the database, memory, and at how the run ends
 * once the fault is gone: on the same log, and on a fresh connection.
 */
#ifndef FAULT_SWEEP_H
#define FAULT_SWEEP_H

#include "support/fault_scenario.h"

/* Does the call fail once or does every call after it fail too, and does the host then try again on
 * the log that it has, or reopen its database? */
enum {
    FAULT_ONCE_THEN_SAME_LOG = 1,
    FAULT_ONCE_THEN_REOPENED = 2,
    FAULT_LASTING_THEN_SAME_LOG = 4,
    FAULT_LASTING_THEN_REOPENED = 8,
    FAULT_LASTING = FAULT_LASTING_THEN_SAME_LOG | FAULT_LASTING_THEN_REOPENED,
    FAULT_EACH_WAY = 15,
    FAULT_WAYS = 4
};

typedef struct fault_kind {
    const char *name;
    unsigned operations; /* of the fault VFS; 0: allocations */
    int sqlite_code;
    unsigned ways;  /* FAULT_… below */
    int allowed[4]; /* what the library may answer, besides what the undisturbed pass gives */
} fault_kind;

/* Allocations; needs fault_alloc_install(). */
extern const fault_kind fault_kind_memory;

/* One for each way in which the VFS can fail. */
extern const fault_kind fault_kinds_io[];
extern const size_t fault_kind_io_count;

typedef struct fault_sweep_result {
    int64_t fired;    /* trials in which a fault fired */
    int64_t failures; /* broken laws, each printed to stderr with what brings it back */
} fault_sweep_result;

/* A directory for the databases, under TMPDIR or /tmp; and its removal. */
bool fault_sweep_setup(void);
void fault_sweep_teardown(void);

/* journal_mode: as in PRAGMA journal_mode. Of every `stride` calls each way tries one, another one
 * than the way before it: 1 tries all of them in each way. */
fault_sweep_result fault_sweep(const fault_scenario *scenario, const fault_kind *kind,
                               const char *journal_mode, int64_t stride);

#endif
