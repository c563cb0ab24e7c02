/* engine: what the log remembers of positions that have no outcome yet. Read once a pass, when the
 * first of them is met, since most runs have none. */
#include "engine/engine.h"

DURABLE_INTERNAL void durable_progress_free(durable_progress *progress)
{
    if (!progress) return;
    durable_free(progress->name);
    durable_free(progress->details);
    durable_free(progress->failure);
    durable_free(progress);
}

DURABLE_INTERNAL void durable_progress_free_all(dur_run *run)
{
    while (run->progress) {
        durable_progress *first = run->progress;

        run->progress = first->next;
        durable_progress_free(first);
    }
}

static bool copy_parts(durable_progress *progress, const durable_pending *pending)
{
    const durable_datum *details = &pending->details;

    progress->name = durable_copy_text(pending->name, pending->name_length);
    if (!progress->name) return false;
    if (details->type >= DURABLE_DATUM_TEXT) {
        progress->details = durable_copy_text(details->bytes, details->length);
        if (!progress->details) return false;
    }
    if (!pending->failure) return true;
    progress->failure = durable_copy_text(pending->failure, strlen(pending->failure));
    return progress->failure != NULL;
}

DURABLE_INTERNAL durable_progress *durable_progress_copy(const durable_pending *pending)
{
    durable_progress *progress = durable_allocate(sizeof *progress);

    if (!progress) return NULL;
    progress->pending = *pending;
    if (!copy_parts(progress, pending)) {
        durable_progress_free(progress);
        return NULL;
    }
    progress->pending.name = progress->name;
    progress->pending.failure = progress->failure;
    if (progress->details) progress->pending.details.bytes = progress->details;
    return progress;
}

/* ---- Loading ------------------------------------------------------------------------------- */

typedef struct progress_load {
    dur_run *run;
    durable_progress **last;
    bool out_of_memory;
} progress_load;

static int load_progress(const durable_pending *pending, void *context)
{
    progress_load *load = context;

    /* Started, and perhaps not asked for any more before the run ends beside another step. */
    if (pending->kind == DURABLE_KIND_CHILD && pending->choice)
        load->run->child_endings |= 1u << DUR_CHILD_WAIT | 1u << DUR_CHILD_CANCEL;
    *load->last = durable_progress_copy(pending);
    load->out_of_memory = !*load->last;
    if (load->out_of_memory) return 1;
    load->last = &(*load->last)->next;
    return 0;
}

/* Whoever is the first to hold a run finds nothing. */
static int load_all(dur_run *run, durable_progress **list)
{
    durable_store *store = run->log->store;
    progress_load load = {run, list, false};
    int64_t position = 0;
    int code = DUR_OK;

    if (run->fence.epoch > 1)
        code = store->methods->load_pending(store, run->fence.run, load_progress, &load, &position);
    if (code == DUR_OK && load.out_of_memory)
        code = durable_error_set(&store->error, DUR_NOMEM, "out of memory");
    if (code == DUR_OK) return DUR_OK;
    return durable_run_stop_with_store(run, code, position, NULL);
}

/* Positions are asked for in their order: what lies before this one was passed over. */
DURABLE_INTERNAL int durable_progress_peek(dur_run *run, int64_t position,
                                           const durable_progress **progress)
{
    *progress = NULL;
    if (!run->progress_loaded) {
        int code = load_all(run, &run->progress);

        if (code != DUR_OK) {
            durable_progress_free_all(run);
            return code;
        }
        run->progress_loaded = true;
        run->has_pending |= run->progress != NULL;
    }
    while (run->progress && run->progress->pending.position < position) {
        durable_progress *passed = run->progress;

        run->progress = passed->next;
        durable_progress_free(passed);
    }
    *progress = run->progress;
    return DUR_OK;
}

DURABLE_INTERNAL int durable_progress_take(dur_run *run, int64_t position,
                                           durable_progress **progress)
{
    const durable_progress *first;
    int code = durable_progress_peek(run, position, &first);

    *progress = NULL;
    if (code != DUR_OK || !first || first->pending.position > position) return code;
    *progress = run->progress;
    run->progress = (*progress)->next;
    (*progress)->next = NULL;
    return DUR_OK;
}

DURABLE_INTERNAL void durable_progress_return(dur_run *run, durable_progress *progress)
{
    progress->next = run->progress;
    run->progress = progress;
}

typedef struct progress_look {
    durable_progress *progress;
    bool found;
} progress_look;

/* Only a callback's time is changed by others. */
static int note_due(const durable_pending *pending, void *context)
{
    progress_look *look = context;

    if (pending->position != look->progress->pending.position) return 0;
    look->progress->pending.due = pending->due;
    look->found = true;
    return 1;
}

DURABLE_INTERNAL int durable_progress_refresh(dur_run *run, durable_progress *progress)
{
    durable_store *store = run->log->store;
    progress_look look = {progress, false};
    int64_t position = progress->pending.position;
    int code = store->methods->load_pending(store, run->fence.run, note_due, &look, &position);

    if (code != DUR_OK) return durable_run_stop_with_store(run, code, position, NULL);
    if (look.found) return DUR_OK;
    /* Another owner has been here, or a transaction was rolled back: the claim tells. */
    code = store->methods->confirm(store, &run->fence);
    if (code != DUR_OK) return durable_run_stop_with_store(run, code, position, NULL);
    return durable_run_stop(run, DUR_ROLLED_BACK,
                            "position %lld: what was remembered of \"%s\" is gone with the"
                            " transaction in which it was written",
                            (long long)position, progress->name);
}

DURABLE_INTERNAL int durable_progress_confirm(dur_run *run, durable_progress *progress)
{
    durable_store *store = run->log->store;
    int code;

    if (!progress || !progress->joined) return DUR_OK;
    /* Also within a transaction: it may be another one. */
    code = durable_progress_refresh(run, progress);
    progress->joined = code != DUR_OK || store->methods->is_joined(store);
    return code;
}

/* ---- Writing ------------------------------------------------------------------------------- */

DURABLE_INTERNAL void durable_progress_describe(const dur_step *step, durable_pending *pending)
{
    memset(pending, 0, sizeof *pending);
    if (step->progress) *pending = step->progress->pending;
    pending->position = step->position;
    pending->kind = step->kind;
    pending->name = step->name;
    pending->name_length = step->name_length;
    if (step->progress) return;
    pending->began = step->began;
    pending->due = DURABLE_NEVER;
    pending->deadline = DURABLE_NEVER;
}

/* The copy is made first: what is in the log is then known here. A claim is never cut short: a
 * longer step may have prolonged it. */
DURABLE_INTERNAL int durable_progress_put(dur_step *step, const durable_pending *pending,
                                          int64_t lease_end)
{
    dur_run *run = step->run;
    durable_store *store = run->log->store;
    durable_progress *progress = durable_progress_copy(pending);
    int code;

    if (!progress) return durable_error_set(&store->error, DUR_NOMEM, "out of memory");
    if (lease_end <= run->lease_end) lease_end = 0;
    code = store->methods->put_pending(store, &run->fence, pending, lease_end);
    if (code != DUR_OK) {
        run->has_pending = true; /* a commit that failed may have survived */
        durable_progress_free(progress);
        return code;
    }
    if (lease_end && !run->fence.provisional && !store->methods->is_joined(store)) {
        run->lease_end = lease_end;
        durable_call_prolong(run, lease_end);
    }
    progress->joined = store->methods->is_joined(store);
    durable_progress_free(step->progress);
    step->progress = progress;
    run->has_pending = true;
    return DUR_OK;
}
