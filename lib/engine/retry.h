/* engine: when a step is tried again. Pure functions: no store, no clock, no chance of theirs. */
#ifndef DURABLE_RETRY_H
#define DURABLE_RETRY_H

#include "base/base.h"

/* The caller's policy with its defaults filled in. NULL, or one without a limit or a number: the
 * defaults. False: it is wrong, and *problem says what. */
DURABLE_INTERNAL bool durable_retry_fill(const dur_retry *given, dur_retry *full,
                                         const char **problem);

/* The interval after attempt number `attempt`, before jitter. The policy is a full one. */
DURABLE_INTERNAL int64_t durable_retry_interval(const dur_retry *policy, int64_t attempt);

/* The pause after it: drawn by `random` where there is jitter. */
DURABLE_INTERNAL int64_t durable_retry_pause(const dur_retry *policy, int64_t attempt,
                                             uint64_t random);

/* Whether attempt number `attempt` was the last one, the next one being due then. */
DURABLE_INTERNAL bool durable_retry_is_exhausted(const dur_retry *policy, int64_t attempt,
                                                 int64_t began, int64_t due);

#endif
