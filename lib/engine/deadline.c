/* engine: a step's total time. */
#include "engine/engine.h"

DURABLE_INTERNAL int durable_deadline_put(dur_step *step, int64_t timeout_ms) { (void)step; (void)timeout_ms; return DUR_OK; }
DURABLE_INTERNAL int durable_deadline_check(dur_step *step) { (void)step; return DUR_OK; }
