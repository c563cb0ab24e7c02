/* test/store: what the parts of the conformance suite share that are about restarting. */
#ifndef CONFORMANCE_RESTART_H
#define CONFORMANCE_RESTART_H

#include "store/conformance_children.h"

#define NEW_UID "fedcba9876543210fedcba9876543210"

/* Of "order-1" as "again". */
static inline durable_restart plain_restart(int64_t position)
{
    return (durable_restart){
        .source = "order-1", .id = "again", .uid = NEW_UID, .position = position, .now = 5000};
}

static inline int restart(conformance *c, durable_restart wanted)
{
    return c->store->methods->restart_run(c->store, &wanted);
}

static inline durable_fence start_with_steps(conformance *c, int64_t count)
{
    durable_fence fence = start(c, "order-1");

    for (int64_t position = 1; position <= count; position++) record(c, &fence, position);
    return fence;
}

static inline void record_kind(conformance *c, durable_fence *fence, int64_t position, int kind,
                               int outcome)
{
    durable_outcome wanted = plain_outcome(fence, position);

    wanted.kind = kind;
    wanted.outcome = outcome;
    if (outcome == DURABLE_OUTCOME_FAILURE) wanted.value = datum_text("no");
    if (outcome == DURABLE_OUTCOME_TIMED_OUT) wanted.value = datum_null();
    assert_int_equal(append(c, wanted), DUR_OK);
}

#endif
