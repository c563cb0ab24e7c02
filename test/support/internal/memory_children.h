/* test/support: parents and children in the in-memory store. */
#ifndef MEMORY_CHILDREN_H
#define MEMORY_CHILDREN_H

#include "support/internal/memory_log.h"

/* Whether a child that it calls has not ended. */
bool memory_run_calls(const memory_log *log, int64_t parent);

/* The earliest time at which a suspended run is due whose root this is; DURABLE_NEVER: none. */
int64_t memory_due_below(const memory_log *log, const memory_run *root);

/* What an ending asks for: send the outcome to the parent, which may have ended; ask started
 * children to end. */
void memory_tell_parent(memory_log *log, const memory_run *run, const durable_ending *ending);
void memory_cancel_children(memory_log *log, const memory_run *parent,
                            const durable_ending *ending);

/* A run takes what it calls along. */
void memory_run_delete(memory_log *log, memory_run *run);

/* End a run as continued, which memory_run_end() has done to its own row, by its successor; and
 * whether that can be. */
bool memory_run_may_continue(const memory_log *log, const durable_ending *ending);
void memory_run_continue(memory_log *log, int64_t key, const durable_ending *ending);

#endif
