/*
 * test/support: sweeping faults over the scenarios. For one scenario and one kind of fault, the
 * Nth call fails, N rising until nothing fires any more, once and then persistently; after each,
 * an exact oracle looks at codes, the connection, the database, memory, and at how the run ends
 * once the fault is gone: on the same log, and on a fresh connection.
 */
#ifndef FAULT_SWEEP_H
#define FAULT_SWEEP_H

#include "support/fault_scenario.h"

typedef struct fault_kind {
    const char *name;
    unsigned operations; /* of the fault VFS; 0: allocations */
    int sqlite_code;
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

/* journal_mode: as in PRAGMA journal_mode. */
fault_sweep_result fault_sweep(const fault_scenario *scenario, const fault_kind *kind,
                               const char *journal_mode);

#endif
