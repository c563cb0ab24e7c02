/* store/sqlite: the verbs of the storage contract, see durable_store_methods. */
#ifndef DURABLE_SQLITE_VERBS_H
#define DURABLE_SQLITE_VERBS_H

#include "store/sqlite/connection.h"

static inline durable_sqlite *durable_sqlite_of(durable_store *store)
{
    return (durable_sqlite *)store;
}

/* sqlite_store.c: what opening a log consists of. NULL: out of memory. */
DURABLE_INTERNAL durable_sqlite *durable_sqlite_new(const durable_sqlite_options *options);
DURABLE_INTERNAL int durable_sqlite_settle(durable_sqlite *store);

/* runs.c */
DURABLE_INTERNAL int durable_sqlite_find_run(durable_store *base, const char *id,
                                             durable_run_visitor *visit, void *context);
DURABLE_INTERNAL int durable_sqlite_create_run(durable_store *base, const durable_new_run *new_run,
                                               bool *created, durable_fence *fence);
DURABLE_INTERNAL int durable_sqlite_claim_run(durable_store *base, const durable_claim *claim,
                                              bool *claimed, durable_fence *fence);
DURABLE_INTERNAL int durable_sqlite_renew_lease(durable_store *base, durable_fence *fence,
                                                int64_t lease_end);
DURABLE_INTERNAL int durable_sqlite_confirm_run(durable_store *base, const durable_fence *fence);

/* leave.c */
DURABLE_INTERNAL int durable_sqlite_release_run(durable_store *base, durable_fence *fence,
                                                int64_t due);
DURABLE_INTERNAL int durable_sqlite_suspend_run(durable_store *base, durable_fence *fence,
                                                const durable_suspension *suspension);
DURABLE_INTERNAL int durable_sqlite_end_run(durable_store *base, durable_fence *fence,
                                            const durable_ending *ending);

/* steps.c */
DURABLE_INTERNAL int durable_sqlite_append_outcomes(durable_store *base, durable_outcome *outcomes,
                                                    size_t count);
DURABLE_INTERNAL int durable_sqlite_load_history(durable_store *base, int64_t run, int64_t from,
                                                 int64_t to, int64_t limit, bool details,
                                                 durable_step_visitor *visit, void *context,
                                                 int64_t *position);
DURABLE_INTERNAL int durable_sqlite_summarize_history(durable_store *base, int64_t run,
                                                      durable_history_summary *summary);

/* pending.c */
DURABLE_INTERNAL int durable_sqlite_put_pending(durable_store *base, durable_fence *fence,
                                                const durable_pending *pending, int64_t lease_end);
DURABLE_INTERNAL int durable_sqlite_load_pending(durable_store *base, int64_t run,
                                                 durable_pending_visitor *visit, void *context,
                                                 int64_t *position);

/* signals.c */
DURABLE_INTERNAL int durable_sqlite_send_signal(durable_store *base, const char *run_id,
                                                const durable_signal *signal);
DURABLE_INTERNAL int durable_sqlite_answer_callback(durable_store *base,
                                                    const durable_callback *callback,
                                                    const durable_signal *signal);
DURABLE_INTERNAL int durable_sqlite_beat_callback(durable_store *base,
                                                  const durable_callback *callback, int64_t now);
DURABLE_INTERNAL int durable_sqlite_peek_signal(durable_store *base, int64_t run,
                                                const char *address,
                                                durable_signal_visitor *visit, void *context);

/* requests.c */
DURABLE_INTERNAL int durable_sqlite_cancel_run(durable_store *base, const char *run_id,
                                               int64_t now);
DURABLE_INTERNAL int durable_sqlite_resolve_step(durable_store *base, const char *run_id,
                                                 const durable_resolution *resolution);
DURABLE_INTERNAL int durable_sqlite_earliest_due(durable_store *base, int64_t run, int64_t *due);

/* control.c */
DURABLE_INTERNAL int durable_sqlite_pause_run(durable_store *base, const char *run_id, bool pause,
                                              int64_t now);
DURABLE_INTERNAL int durable_sqlite_terminate_run(durable_store *base, const char *run_id,
                                                  const char *failure, int64_t now);

/* deletion.c */
DURABLE_INTERNAL int durable_sqlite_delete_run(durable_store *base, const char *run_id);
DURABLE_INTERNAL int durable_sqlite_delete_ended(durable_store *base,
                                                 const durable_retention *retention,
                                                 int64_t *deleted);

/* restart.c */
DURABLE_INTERNAL int durable_sqlite_restart_run(durable_store *base,
                                                const durable_restart *restart);

/* list.c */
DURABLE_INTERNAL int durable_sqlite_list_runs(durable_store *base, int64_t after, bool open,
                                              int64_t limit, durable_list_visitor *visit,
                                              void *context);

/* whole.c */
DURABLE_INTERNAL int durable_sqlite_visit_rows(durable_store *base, const char *run_id,
                                               durable_row_visitor *visit, void *context);

/* import.c */
DURABLE_INTERNAL int durable_sqlite_begin_import(durable_store *base);
DURABLE_INTERNAL int durable_sqlite_put_row(durable_store *base, const durable_row *row);
DURABLE_INTERNAL int durable_sqlite_end_import(durable_store *base, bool keep);

/* transaction.c */
DURABLE_INTERNAL int durable_sqlite_begin_transaction(durable_store *base, int64_t shared,
                                                      bool attached);
DURABLE_INTERNAL int durable_sqlite_end_transaction(durable_store *base, bool keep);
DURABLE_INTERNAL int durable_sqlite_commit_shared(durable_store *base);
/* Ends what is begun by begin_transaction(), for whatever it was begun. */
DURABLE_INTERNAL int durable_sqlite_end_step(durable_sqlite *store, bool keep, const char *doing);

/* due.c */
DURABLE_INTERNAL int durable_sqlite_find_due(durable_store *base, const char *queue,
                                             durable_due_visitor *visit, void *context);
DURABLE_INTERNAL int durable_sqlite_find_held(durable_store *base, const char *queue,
                                              durable_held_visitor *visit, void *context);

/* queues.c */
DURABLE_INTERNAL int durable_sqlite_look_at_queue(durable_store *base, const char *queue,
                                                  const char *process, size_t process_length,
                                                  durable_queue *found);
DURABLE_INTERNAL int durable_sqlite_limit_queue(durable_store *base, const char *queue,
                                                const durable_limits *limits);

#endif
