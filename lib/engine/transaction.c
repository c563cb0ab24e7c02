/* engine: transactional steps. */
#include "engine/engine.h"

DURABLE_INTERNAL int durable_transaction_begin(dur_step *step) { (void)step; return DUR_MISUSE; }
DURABLE_INTERNAL int durable_transaction_end(dur_step *step, int code) { (void)step; return code; }
DURABLE_INTERNAL void durable_transaction_undo(dur_step *step) { (void)step; }
DURABLE_INTERNAL int durable_transaction_settle(dur_run *run) { (void)run; return DUR_OK; }
