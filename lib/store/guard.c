/* store: a store in front of another one, which is asked before each of its verbs. */
#include "store/guard.h"

#include "base/base.h"

typedef struct guard {
    durable_store head;
    durable_store *inner;
    bool owns;
    durable_guard_before *before;
    durable_guard_after *after;
    void *context;
} guard;

static guard *guard_of(durable_store *base)
{
    return (guard *)base;
}

static int ask(guard *its, durable_verb verb)
{
    durable_error_clear(&its->head.error);
    durable_error_clear(&its->inner->error);
    return its->before(verb, &its->head.error, its->context);
}

static int finish(guard *its, durable_verb verb, int code, bool acted)
{
    /* A visitor sets the error of the store that it knows. */
    if (its->inner->error.code != DUR_OK)
        durable_error_copy(&its->head.error, &its->inner->error);
    if (its->after) its->after(verb, acted, its->context);
    return code;
}

/* A verb that goes through, or not; then its outputs say nothing. */
#define GUARDED(name, verb, say_nothing, parameters, arguments)                                    \
    static int guard_##name parameters                                                             \
    {                                                                                              \
        guard *its = guard_of(base);                                                               \
        int code = ask(its, verb);                                                                 \
                                                                                                   \
        say_nothing;                                                                               \
        if (code != DUR_EXECUTE) return code;                                                      \
        code = its->inner->methods->name arguments;                                                \
        return finish(its, verb, code, code == DUR_OK);                                            \
    }

#define NOTHING (void)0

GUARDED(find_run, DURABLE_VERB_FIND_RUN, NOTHING, (durable_store *base, const char *id,
        durable_run_visitor *visit, void *context), (its->inner, id, visit, context))
GUARDED(create_run, DURABLE_VERB_CREATE_RUN, *created = false, (durable_store *base, const
        durable_new_run *new_run, bool *created, durable_fence *fence), (its->inner, new_run,
        created, fence))
GUARDED(claim_run, DURABLE_VERB_CLAIM_RUN, *claimed = false, (durable_store *base, const
        durable_claim *claim, bool *claimed, durable_fence *fence), (its->inner, claim, claimed,
        fence))
GUARDED(release_run, DURABLE_VERB_RELEASE_RUN, NOTHING, (durable_store *base, durable_fence *fence,
        int64_t due), (its->inner, fence, due))
GUARDED(suspend_run, DURABLE_VERB_SUSPEND_RUN, NOTHING, (durable_store *base, durable_fence *fence,
        const durable_suspension *suspension), (its->inner, fence, suspension))
GUARDED(end_run, DURABLE_VERB_END_RUN, NOTHING, (durable_store *base, durable_fence *fence, const
        durable_ending *ending), (its->inner, fence, ending))
GUARDED(renew_lease, DURABLE_VERB_RENEW_LEASE, NOTHING, (durable_store *base, durable_fence *fence,
        int64_t lease_end), (its->inner, fence, lease_end))
GUARDED(confirm, DURABLE_VERB_CONFIRM, NOTHING, (durable_store *base, const durable_fence *fence),
        (its->inner, fence))
GUARDED(load_history, DURABLE_VERB_LOAD_HISTORY, NOTHING, (durable_store *base, int64_t run, int64_t
        from, int64_t to, int64_t limit, bool details, durable_step_visitor *visit, void *context,
        int64_t *position), (its->inner, run, from, to, limit, details, visit, context, position))
GUARDED(summarize_history, DURABLE_VERB_SUMMARIZE_HISTORY, memset(summary, 0, sizeof *summary),
        (durable_store *base, int64_t run, durable_history_summary *summary), (its->inner, run,
        summary))
GUARDED(put_pending, DURABLE_VERB_PUT_PENDING, NOTHING, (durable_store *base, durable_fence *fence,
        const durable_pending *pending, int64_t lease_end), (its->inner, fence, pending, lease_end))
GUARDED(load_pending, DURABLE_VERB_LOAD_PENDING, NOTHING, (durable_store *base, int64_t run,
        durable_pending_visitor *visit, void *context, int64_t *position), (its->inner, run, visit,
        context, position))
GUARDED(send_signal, DURABLE_VERB_SEND_SIGNAL, NOTHING, (durable_store *base, const char *run_id,
        const durable_signal *signal), (its->inner, run_id, signal))
GUARDED(answer_callback, DURABLE_VERB_ANSWER_CALLBACK, NOTHING, (durable_store *base, const
        durable_callback *callback, const durable_signal *signal), (its->inner, callback, signal))
GUARDED(beat_callback, DURABLE_VERB_BEAT_CALLBACK, NOTHING, (durable_store *base, const
        durable_callback *callback, int64_t now), (its->inner, callback, now))
GUARDED(cancel_run, DURABLE_VERB_CANCEL_RUN, NOTHING, (durable_store *base, const char *run_id,
        int64_t now), (its->inner, run_id, now))
GUARDED(resolve_step, DURABLE_VERB_RESOLVE_STEP, NOTHING, (durable_store *base, const char *run_id,
        const durable_resolution *resolution), (its->inner, run_id, resolution))
GUARDED(earliest_due, DURABLE_VERB_EARLIEST_DUE, *due = DURABLE_NEVER, (durable_store *base, int64_t
        run, int64_t *due), (its->inner, run, due))
GUARDED(begin_transaction, DURABLE_VERB_BEGIN_TRANSACTION, NOTHING, (durable_store *base, int64_t
        shared, bool attached), (its->inner, shared, attached))
GUARDED(end_transaction, DURABLE_VERB_END_TRANSACTION, NOTHING, (durable_store *base, bool keep),
        (its->inner, keep))
GUARDED(commit_shared, DURABLE_VERB_COMMIT_SHARED, NOTHING, (durable_store *base), (its->inner))
GUARDED(peek_signal, DURABLE_VERB_PEEK_SIGNAL, NOTHING, (durable_store *base, int64_t run, const
        char *address, durable_signal_visitor *visit, void *context), (its->inner, run, address,
        visit, context))
GUARDED(find_due, DURABLE_VERB_FIND_DUE, NOTHING, (durable_store *base, const char *queue,
        durable_due_visitor *visit, void *context), (its->inner, queue, visit, context))
GUARDED(find_held, DURABLE_VERB_FIND_HELD, NOTHING, (durable_store *base, const char *queue,
        durable_held_visitor *visit, void *context), (its->inner, queue, visit, context))
GUARDED(look_at_queue, DURABLE_VERB_LOOK_AT_QUEUE, memset(found, 0, sizeof *found), (durable_store
        *base, const char *queue, const char *process, size_t process_length, durable_queue *found),
        (its->inner, queue, process, process_length, found))
GUARDED(limit_queue, DURABLE_VERB_LIMIT_QUEUE, NOTHING, (durable_store *base, const char *queue,
        const durable_limits *limits), (its->inner, queue, limits))
GUARDED(pause_run, DURABLE_VERB_PAUSE_RUN, NOTHING, (durable_store *base, const char *run_id, bool
        pause, int64_t now), (its->inner, run_id, pause, now))
GUARDED(terminate_run, DURABLE_VERB_TERMINATE_RUN, NOTHING, (durable_store *base, const char
        *run_id, const char *failure, int64_t now), (its->inner, run_id, failure, now))
GUARDED(delete_run, DURABLE_VERB_DELETE_RUN, NOTHING, (durable_store *base, const char *run_id),
        (its->inner, run_id))
GUARDED(delete_ended, DURABLE_VERB_DELETE_ENDED, *deleted = 0, (durable_store *base, const
        durable_retention *retention, int64_t *deleted), (its->inner, retention, deleted))
GUARDED(restart_run, DURABLE_VERB_RESTART_RUN, NOTHING, (durable_store *base, const durable_restart
        *restart), (its->inner, restart))
GUARDED(list_runs, DURABLE_VERB_LIST_RUNS, NOTHING, (durable_store *base, int64_t after, bool open,
        int64_t limit, durable_list_visitor *visit, void *context), (its->inner, after, open, limit,
        visit, context))
GUARDED(visit_rows, DURABLE_VERB_VISIT_ROWS, NOTHING, (durable_store *base, const char *run_id,
        durable_row_visitor *visit, void *context), (its->inner, run_id, visit, context))
GUARDED(begin_import, DURABLE_VERB_BEGIN_IMPORT, NOTHING, (durable_store *base), (its->inner))
GUARDED(put_row, DURABLE_VERB_PUT_ROW, NOTHING, (durable_store *base, const durable_row *row),
        (its->inner, row))
GUARDED(end_import, DURABLE_VERB_END_IMPORT, NOTHING, (durable_store *base, bool keep), (its->inner,
        keep))
GUARDED(read_version, DURABLE_VERB_READ_VERSION, *version = 0, (durable_store *base, int64_t
        *version), (its->inner, version))

/* Verdicts are the outcomes' own. */
static int guard_append_outcomes(durable_store *base, durable_outcome *outcomes, size_t count)
{
    guard *its = guard_of(base);
    int code = ask(its, DURABLE_VERB_APPEND_OUTCOMES);
    bool written = false;

    if (code != DUR_EXECUTE) return code;
    code = its->inner->methods->append_outcomes(its->inner, outcomes, count);
    for (size_t i = 0; i < count && code == DUR_OK; i++)
        if (outcomes[i].verdict == DUR_OK) written = true;
    return finish(its, DURABLE_VERB_APPEND_OUTCOMES, code, written);
}

static bool guard_is_joined(durable_store *base)
{
    durable_store *inner = guard_of(base)->inner;

    return inner->methods->is_joined(inner);
}

static void guard_close(durable_store *base)
{
    guard *its = guard_of(base);

    if (its->owns) its->inner->methods->close(its->inner);
    durable_free(its);
}

static const durable_store_methods guard_methods = {
    .find_run = guard_find_run,
    .create_run = guard_create_run,
    .claim_run = guard_claim_run,
    .release_run = guard_release_run,
    .suspend_run = guard_suspend_run,
    .end_run = guard_end_run,
    .renew_lease = guard_renew_lease,
    .confirm = guard_confirm,
    .append_outcomes = guard_append_outcomes,
    .load_history = guard_load_history,
    .summarize_history = guard_summarize_history,
    .put_pending = guard_put_pending,
    .load_pending = guard_load_pending,
    .send_signal = guard_send_signal,
    .answer_callback = guard_answer_callback,
    .beat_callback = guard_beat_callback,
    .cancel_run = guard_cancel_run,
    .resolve_step = guard_resolve_step,
    .earliest_due = guard_earliest_due,
    .begin_transaction = guard_begin_transaction,
    .end_transaction = guard_end_transaction,
    .commit_shared = guard_commit_shared,
    .peek_signal = guard_peek_signal,
    .find_due = guard_find_due,
    .find_held = guard_find_held,
    .look_at_queue = guard_look_at_queue,
    .limit_queue = guard_limit_queue,
    .pause_run = guard_pause_run,
    .terminate_run = guard_terminate_run,
    .delete_run = guard_delete_run,
    .delete_ended = guard_delete_ended,
    .restart_run = guard_restart_run,
    .list_runs = guard_list_runs,
    .visit_rows = guard_visit_rows,
    .begin_import = guard_begin_import,
    .put_row = guard_put_row,
    .end_import = guard_end_import,
    .read_version = guard_read_version,
    .is_joined = guard_is_joined,
    .close = guard_close,
};

DURABLE_INTERNAL durable_store *durable_guard_new(durable_store *inner, bool owns,
                                                  durable_guard_before *before,
                                                  durable_guard_after *after, void *context)
{
    guard *its = durable_allocate(sizeof *its);

    if (!its) return NULL;
    its->head.methods = &guard_methods;
    its->inner = inner;
    its->owns = owns;
    its->before = before;
    its->after = after;
    its->context = context;
    return &its->head;
}

DURABLE_INTERNAL int durable_guard_read_only(durable_verb verb, durable_error *error,
                                             void *context)
{
    (void)context;
    if (!durable_verb_writes(verb)) return DUR_EXECUTE;
    return durable_error_set(error, DUR_READONLY, "the log was opened to be read only");
}
