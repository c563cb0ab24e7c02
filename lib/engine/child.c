/* engine: children. */
#include "engine/engine.h"

DURABLE_INTERNAL void durable_call_prolong(const dur_run *run, int64_t lease_end) { (void)run; (void)lease_end; }
DURABLE_INTERNAL int durable_child_await_all(dur_run *run) { (void)run; return DUR_OK; }
