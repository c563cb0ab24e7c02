/* engine: when a step is tried again. Pure functions: no store, no clock, no chance of theirs. */
#include "engine/retry.h"

#include "base/clock.h"

#define INITIAL_MS 1000
#define COEFFICIENT 2.0
#define MAX_INTERVALS 100

static const char *find_problem(const dur_retry *policy)
{
    if (policy->initial_ms < 0) return "its initial_ms must not be negative";
    if (policy->max_interval_ms < 0) return "its max_interval_ms must not be negative";
    if (policy->max_attempts < 0) return "its max_attempts must not be negative";
    if (policy->max_elapsed_ms < 0) return "its max_elapsed_ms must not be negative";
    /* Written so that a NaN is refused, too. */
    if (policy->coefficient != 0 && !(policy->coefficient >= 1 && policy->coefficient <= 1e6))
        return "its coefficient must be 0 or from 1 to 1000000";
    if (policy->jitter != DUR_JITTER_FULL && policy->jitter != DUR_JITTER_NONE)
        return "its jitter must be one of DUR_JITTER_…";
    if (policy->exhausted != DUR_EXHAUSTED_FAIL && policy->exhausted != DUR_EXHAUSTED_PARK)
        return "its exhausted must be one of DUR_EXHAUSTED_…";
    return NULL;
}

DURABLE_INTERNAL bool durable_retry_fill(const dur_retry *given, dur_retry *full,
                                         const char **problem)
{
    const dur_retry defaults = DUR_RETRY_INIT;

    *full = defaults;
    *problem = NULL;
    if (given) {
        if (given->size <= sizeof given->size || given->size > 65536) {
            *problem = "it must be set up with DUR_RETRY_INIT";
            return false;
        }
        memcpy(full, given, given->size < sizeof *full ? given->size : sizeof *full);
        full->size = sizeof *full;
        *problem = find_problem(full);
        if (*problem) *full = defaults;
    }
    if (!full->initial_ms) full->initial_ms = INITIAL_MS;
    if (full->coefficient == 0) full->coefficient = COEFFICIENT;
    if (!full->max_interval_ms)
        full->max_interval_ms = full->initial_ms > INT64_MAX / MAX_INTERVALS
                                    ? INT64_MAX
                                    : full->initial_ms * MAX_INTERVALS;
    return !*problem;
}

/* By squaring, so that an attempt's number may be anything. */
DURABLE_INTERNAL int64_t durable_retry_interval(const dur_retry *policy, int64_t attempt)
{
    double interval = (double)policy->initial_ms, most = (double)policy->max_interval_ms;
    double factor = policy->coefficient;

    for (int64_t left = attempt - 1; left > 0 && interval < most; left /= 2) {
        if (left % 2) interval *= factor;
        factor *= factor;
    }
    return interval < most ? (int64_t)interval : policy->max_interval_ms;
}

/* Full jitter. The remainder prefers small pauses by less than one in 2^20. */
DURABLE_INTERNAL int64_t durable_retry_pause(const dur_retry *policy, int64_t attempt,
                                             uint64_t random)
{
    int64_t interval = durable_retry_interval(policy, attempt);

    if (policy->jitter == DUR_JITTER_NONE || interval == INT64_MAX) return interval;
    return (int64_t)(random % ((uint64_t)interval + 1));
}

DURABLE_INTERNAL bool durable_retry_is_exhausted(const dur_retry *policy, int64_t attempt,
                                                 int64_t began, int64_t due)
{
    if (policy->max_attempts && attempt >= policy->max_attempts) return true;
    return policy->max_elapsed_ms && durable_time_between(began, due) > policy->max_elapsed_ms;
}
