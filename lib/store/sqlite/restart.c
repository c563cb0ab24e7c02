/* store/sqlite: the verb that copies a run's beginning into a new one. */
#include "store/sqlite/verbs.h"

DURABLE_INTERNAL int durable_sqlite_restart_run(durable_store *base,
                                                const durable_restart *restart)
{
    (void)restart;
    return durable_error_set(&base->error, DUR_UNSUPPORTED, "not there yet");
}
