/*
 * test/support: when a fault fires. The countdown that the failing allocator and the failing VFS
 * share: the Nth call from now on fails, once or from there on always.
 */
#ifndef FAULT_PLAN_H
#define FAULT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fault_plan {
    int64_t countdown; /* 1: the next call fires; 0: none does */
    bool persistent;   /* having fired, fire at every call */
    int64_t fired;     /* since it was armed */
} fault_plan;

static inline void fault_plan_arm(fault_plan *plan, int64_t nth, bool persistent)
{
    plan->countdown = nth;
    plan->persistent = persistent;
    plan->fired = 0;
}

/* Ends the faults; `fired` can still be read. */
static inline void fault_plan_disarm(fault_plan *plan)
{
    plan->countdown = 0;
}

/* One call has come: does it fail? */
static inline bool fault_plan_fires(fault_plan *plan)
{
    if (plan->countdown == 0) return false;
    if (plan->countdown > 1) {
        plan->countdown--;
        return false;
    }
    if (!plan->persistent) plan->countdown = 0;
    plan->fired++;
    return true;
}

#endif
