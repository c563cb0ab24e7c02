/* store/sqlite: the verbs that look at more than one run: lists, and whole logs row by row. */
#include "store/sqlite/verbs.h"

DURABLE_INTERNAL int durable_sqlite_list_runs(durable_store *base, int64_t after, bool open,
                                              int64_t limit, durable_list_visitor *visit,
                                              void *context)
{
    (void)after, (void)open, (void)limit, (void)visit, (void)context;
    return durable_error_set(&base->error, DUR_UNSUPPORTED, "not there yet");
}

DURABLE_INTERNAL int durable_sqlite_visit_rows(durable_store *base, const char *run_id,
                                               durable_row_visitor *visit, void *context)
{
    (void)run_id, (void)visit, (void)context;
    return durable_error_set(&base->error, DUR_UNSUPPORTED, "not there yet");
}
