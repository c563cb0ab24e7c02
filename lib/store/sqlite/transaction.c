/* store/sqlite: the transaction around a step, alone or shared. */
#include "store/sqlite/verbs.h"

DURABLE_INTERNAL int durable_sqlite_cancel_run(durable_store *base, const char *run_id, int64_t now)
{ (void)run_id; (void)now; return durable_error_set(&base->error, DUR_MISUSE, "not there yet"); }
DURABLE_INTERNAL int durable_sqlite_resolve_step(durable_store *base, const char *run_id, const durable_resolution *resolution)
{ (void)run_id; (void)resolution; return durable_error_set(&base->error, DUR_MISUSE, "not there yet"); }
DURABLE_INTERNAL int durable_sqlite_earliest_due(durable_store *base, int64_t run, int64_t *due)
{ (void)run; (void)due; return durable_error_set(&base->error, DUR_MISUSE, "not there yet"); }
DURABLE_INTERNAL int durable_sqlite_begin_transaction(durable_store *base, int64_t shared, bool attached)
{ (void)shared; (void)attached; return durable_error_set(&base->error, DUR_MISUSE, "not there yet"); }
DURABLE_INTERNAL int durable_sqlite_end_transaction(durable_store *base, bool keep)
{ (void)base; (void)keep; return DUR_OK; }
DURABLE_INTERNAL int durable_sqlite_commit_shared(durable_store *base)
{ (void)base; return DUR_OK; }
