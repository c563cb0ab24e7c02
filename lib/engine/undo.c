/* engine: compensation. */
#include "engine/engine.h"

DURABLE_INTERNAL int durable_undo_note(dur_run *run, int64_t position, const char *name, const dur_step_options *options)
{ (void)run; (void)position; (void)name; (void)options; return DUR_OK; }
DURABLE_INTERNAL int durable_undo_all(dur_run *run, char failure[DURABLE_FAILURE_SIZE]) { (void)run; (void)failure; return DUR_OK; }
DURABLE_INTERNAL void durable_undo_free(dur_run *run) { (void)run; }
