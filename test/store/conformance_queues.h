/* test/store: what the parts of the conformance suite share that are about queues. */
#ifndef CONFORMANCE_QUEUES_H
#define CONFORMANCE_QUEUES_H

#include "store/conformance_waits.h"

#define PROCESS "process-1"
#define PROCESS_LENGTH (sizeof PROCESS - 1)

static inline durable_queue look_at(conformance *c, const char *queue)
{
    durable_queue found = {{-1, -1, -1}, -1, -1, -1};

    assert_int_equal(
        c->store->methods->look_at_queue(c->store, queue, PROCESS "/a", PROCESS_LENGTH, &found),
        DUR_OK);
    return found;
}

static inline void limit(conformance *c, int64_t max_active, int64_t max_active_process,
                         int64_t interval_us)
{
    const durable_limits limits = {max_active, max_active_process, interval_us};

    assert_int_equal(c->store->methods->limit_queue(c->store, "orders", &limits), DUR_OK);
}

/* A claim that keeps the limits, of one who looks at the queue now. */
static inline durable_claim limited_claim(conformance *c, const char *id, const char *owner,
                                          int64_t now)
{
    durable_claim claim = claim_on(c, id);

    claim.owner = owner;
    claim.limited = true;
    claim.seen_next_us = look_at(c, "orders").next_us;
    claim.process_length = PROCESS_LENGTH;
    claim.now = now;
    return claim;
}

/* … by a worker of a process. */
static inline bool work_on(conformance *c, const char *id, const char *owner, int64_t now,
                           durable_fence *fence)
{
    durable_claim claim = limited_claim(c, id, owner, now);
    durable_fence unwanted;

    return try_claim(c, &claim, fence ? fence : &unwanted);
}

static inline void start_runs(conformance *c)
{
    static const char *const ids[] = {"a", "b", "c", "d", "e"};

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) start_unclaimed(c, ids[i], 1000);
}

#endif
