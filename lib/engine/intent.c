/* engine: steps that run at most once. */
#include "engine/engine.h"

DURABLE_INTERNAL int durable_intent_put(dur_step *step) { (void)step; return DUR_MISUSE; }
DURABLE_INTERNAL int durable_intent_settle(dur_step *step, const dur_step_options *options, dur_value *value)
{ (void)step; (void)options; (void)value; return DUR_MISUSE; }
DURABLE_INTERNAL int durable_intent_resolve(dur_log *log, const char *run_id, int64_t position, int answer, dur_value value, const char *message)
{ (void)log; (void)run_id; (void)position; (void)answer; (void)value; (void)message; return DUR_MISUSE; }
