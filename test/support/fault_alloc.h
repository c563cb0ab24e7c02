/*
 * test/support: an allocator under SQLite, and so under the library, that fails on command and
 * knows how much is allocated.
 */
#ifndef FAULT_ALLOC_H
#define FAULT_ALLOC_H

#include "support/fault_plan.h"

/* Put it under SQLite. Call it before anything else of SQLite's, once in a process; gives SQLite's
 * code. Without `lookaside` every small allocation of a connection comes here too; with it, it is
 * as in most hosts. */
int fault_alloc_install(bool lookaside);

/* The nth allocation (or growth of one) from now on fails; see fault_plan. */
void fault_alloc_arm(int64_t nth, bool persistent);
void fault_alloc_disarm(void);

/* How often an allocation was refused since it was armed. */
int64_t fault_alloc_fired(void);

/* Allocations that are alive now, and how many were asked for since the start. */
int64_t fault_alloc_live(void);
int64_t fault_alloc_asked(void);

#endif
