/* store/sqlite: the verbs of the storage contract, see durable_store_methods. */
#ifndef DURABLE_SQLITE_VERBS_H
#define DURABLE_SQLITE_VERBS_H

#include "store/sqlite/connection.h"

static inline durable_sqlite *durable_sqlite_of(durable_store *store)
{
    return (durable_sqlite *)store;
}

/* runs.c */
DURABLE_INTERNAL int durable_sqlite_find_run(durable_store *base, const char *id,
                                             durable_run_visitor *visit, void *context);
DURABLE_INTERNAL int durable_sqlite_create_run(durable_store *base, const durable_new_run *new_run,
                                               bool *created, durable_fence *fence);
DURABLE_INTERNAL int durable_sqlite_claim_run(durable_store *base, const durable_claim *claim,
                                              bool *claimed, durable_fence *fence);
DURABLE_INTERNAL int durable_sqlite_release_run(durable_store *base, durable_fence *fence);
DURABLE_INTERNAL int durable_sqlite_end_run(durable_store *base, durable_fence *fence,
                                            const durable_ending *ending);
DURABLE_INTERNAL int durable_sqlite_renew_lease(durable_store *base, durable_fence *fence,
                                                int64_t lease_end);
DURABLE_INTERNAL int durable_sqlite_confirm_run(durable_store *base, const durable_fence *fence);

/* steps.c */
DURABLE_INTERNAL int durable_sqlite_append_outcomes(durable_store *base, durable_outcome *outcomes,
                                                    size_t count);
DURABLE_INTERNAL int durable_sqlite_load_history(durable_store *base, int64_t run, int64_t from,
                                                 int64_t to, int64_t limit, bool details,
                                                 durable_step_visitor *visit, void *context,
                                                 int64_t *position);
DURABLE_INTERNAL int durable_sqlite_summarize_history(durable_store *base, int64_t run,
                                                      durable_history_summary *summary);

#endif
