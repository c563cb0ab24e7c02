/* engine: branches. */
#include "engine/engine.h"

DURABLE_INTERNAL int durable_batch_run(dur_run *run, const char *name, const dur_branch *branches, size_t count,
                                       const dur_batch_options *options, dur_batch *batch)
{ (void)run; (void)name; (void)branches; (void)count; (void)options; (void)batch; return DUR_MISUSE; }
