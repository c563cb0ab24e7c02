/* store/sqlite: the verbs by which a run is paused, resumed and terminated, whoever holds it. */
#include "store/sqlite/verbs.h"

DURABLE_INTERNAL int durable_sqlite_pause_run(durable_store *base, const char *run_id, bool pause,
                                              int64_t now)
{
    (void)run_id, (void)pause, (void)now;
    return durable_error_set(&base->error, DUR_UNSUPPORTED, "not there yet");
}

DURABLE_INTERNAL int durable_sqlite_terminate_run(durable_store *base, const char *run_id,
                                                  const char *failure, int64_t now)
{
    (void)run_id, (void)failure, (void)now;
    return durable_error_set(&base->error, DUR_UNSUPPORTED, "not there yet");
}
