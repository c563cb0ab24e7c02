/* store/sqlite: the verbs that delete runs. */
#include "store/sqlite/verbs.h"

DURABLE_INTERNAL int durable_sqlite_delete_run(durable_store *base, const char *run_id)
{
    (void)run_id;
    return durable_error_set(&base->error, DUR_UNSUPPORTED, "not there yet");
}

DURABLE_INTERNAL int durable_sqlite_delete_ended(durable_store *base,
                                                 const durable_retention *retention,
                                                 int64_t *deleted)
{
    (void)retention, (void)deleted;
    return durable_error_set(&base->error, DUR_UNSUPPORTED, "not there yet");
}
