/* engine: cancellation and deadlines of runs. */
#include "engine/engine.h"

DURABLE_INTERNAL int durable_interrupt_deliver(dur_run *run, const char *name, const dur_step_options *options)
{ (void)run; (void)name; (void)options; return DUR_OK; }
DURABLE_INTERNAL int durable_interrupt_replay(dur_run *run, const durable_step_record *record, const char *name, const dur_step_options *options)
{ (void)run; (void)record; (void)name; (void)options; return DUR_OK; }
