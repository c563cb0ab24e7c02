/* engine: a run against recorded steps, without executing or writing anything. */
#include "engine/engine.h"

DURABLE_INTERNAL int durable_check_frontier(dur_run *run, int64_t position, int kind,
                                            const char *name)
{
    (void)kind, (void)name;
    return durable_run_stop(run, DUR_SUSPENDED, "position %lld: the log ends here",
                            (long long)position);
}

DURABLE_INTERNAL int durable_check_ending(dur_run *run, const durable_ending *ending)
{
    (void)ending;
    run->ended = true;
    return DUR_OK;
}
