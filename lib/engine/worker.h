/* engine: what the two ways to work share. */
#ifndef DURABLE_WORKER_H
#define DURABLE_WORKER_H

#include "engine/engine.h"

/* Only one at a time: DUR_OK, or DUR_MISUSE. The log is not to be touched after the end: a workflow
 * may have closed it. */
DURABLE_INTERNAL int durable_worker_begin(dur_log *log);
DURABLE_INTERNAL void durable_worker_end(dur_log *log);

/* One dur_work(): how many passes it made, and when to come again. In a loop it ends early where
 * the loop is to end. */
DURABLE_INTERNAL int durable_worker_turn(dur_log *log, const dur_work_options *options,
                                         bool in_loop, int64_t *next_wake_ms, int64_t *passes);

#endif
