/* engine: compensation: what a run has begun is undone, the newest first, by steps of its own that
 * stand behind the last one. Each pass over a run that was being undone replays, ends in the same
 * way at the same place, and goes on with the first undo step that has no outcome. */
#include "engine/engine.h"

#include "engine/retry.h"

/* ---- Noting -------------------------------------------------------------------------------- */

/* The policy was looked at when the step was asked for. */
static void note_policy(durable_undo *undo, const dur_retry *given)
{
    const char *problem;

    if (given) durable_retry_fill(given, &undo->retry, &problem);
}

DURABLE_INTERNAL int durable_undo_note(dur_run *run, int64_t position, const char *name,
                                       const dur_step_options *options)
{
    size_t size = strlen(name) + 1;
    durable_undo *undo;

    if (run->undos && run->undos->position == position) return DUR_OK;
    undo = durable_allocate(sizeof *undo + size);
    if (!undo)
        return durable_run_stop(run, DUR_NOMEM, "position %lld, step \"%s\": out of memory",
                                (long long)position, name);
    undo->position = position;
    undo->fn = options->undo;
    undo->user = options->user;
    note_policy(undo, options->retry);
    memcpy(undo->name, name, size);
    undo->next = run->undos;
    run->undos = undo;
    return DUR_OK;
}

static void forget_newest(dur_run *run)
{
    durable_undo *undo = run->undos;

    run->undos = undo->next;
    durable_free(undo);
}

DURABLE_INTERNAL void durable_undo_forget(dur_run *run, int64_t position)
{
    if (run->undos && run->undos->position == position) forget_newest(run);
}

DURABLE_INTERNAL void durable_undo_free(dur_run *run)
{
    while (run->undos) forget_newest(run);
}

/* ---- Where the undo steps stand ------------------------------------------------------------ */

/* A row, or what is remembered of a position, that the code should have asked for: only beside a
 * step that failed may it be left over, and the undo steps stand behind it then. */
static int pass_left_over(dur_run *run, int64_t position)
{
    if (!run->in_gap) return durable_diverge(run, DUR_DIVERGED, position, NULL, NULL);
    if (run->position <= position) run->position = position + 1;
    return DUR_OK;
}

static int begin_at(dur_run *run, int64_t position)
{
    if (run->position != position && !run->in_gap)
        return durable_diverge(run, DUR_DIVERGED, position, NULL, NULL);
    run->position = position;
    return DUR_OK;
}

/* No undo step has its outcome; one may have failed attempts. */
static int find_pending_place(dur_run *run)
{
    for (;;) {
        const durable_progress *first;
        int code = durable_progress_peek(run, run->position, &first);

        if (code != DUR_OK || !first) return code;
        if (first->pending.kind == DURABLE_KIND_UNDO)
            return begin_at(run, first->pending.position);
        code = pass_left_over(run, first->pending.position);
        if (code != DUR_OK) return code;
    }
}

static int find_place(dur_run *run)
{
    for (;;) {
        const durable_step_record *record;
        int code = durable_run_peek(run, &record, 0);

        if (code != DUR_OK) return code;
        if (!record) return find_pending_place(run);
        if (record->kind == DURABLE_KIND_UNDO) return begin_at(run, record->position);
        code = pass_left_over(run, record->position);
        if (code != DUR_OK) return code;
        durable_history_pass(&run->history);
    }
}

/* ---- Undoing ------------------------------------------------------------------------------- */

typedef struct undone {
    dur_run *run;
    dur_value value;
    int code;
} undone;

/* A step that failed has no result, and where one was interrupted there may stand another row. */
static int take_undone(const durable_step_record *record, void *context)
{
    undone *it = context;

    if (record->kind != DURABLE_KIND_STEP || record->outcome != DURABLE_OUTCOME_RESULT) return 1;
    it->code = durable_value_decode(&record->value, &it->value);
    if (it->code == DUR_OK && !durable_run_copy_value(it->run, &it->value)) it->code = DUR_NOMEM;
    return 1;
}

static int load_undone(dur_run *run, const durable_undo *undo, dur_step *step)
{
    durable_store *store = run->log->store;
    undone it = {run, dur_null(), DUR_OK};
    int64_t position = undo->position;
    int code = store->methods->load_history(store, run->fence.run, position, position, 1, false,
                                            take_undone, &it, &position);

    if (code != DUR_OK) return durable_run_stop_with_store(run, code, undo->position, undo->name);
    if (it.code != DUR_OK)
        return durable_run_stop(run, it.code, "position %lld, step \"%s\": its result cannot be"
                                              " handed to what undoes it",
                                (long long)undo->position, undo->name);
    step->value = it.value;
    return DUR_OK;
}

static int execute_undo(dur_run *run, const durable_undo *undo, dur_step *step)
{
    uint64_t mark = durable_arena_mark(&run->arena);
    int code = load_undone(run, undo, step);

    step->undoes = undo->position;
    if (code != DUR_OK) return code;
    code = durable_step_run(step, undo->fn, undo->user);
    if (step->state == DURABLE_STEP_CLOSED) durable_arena_release(&run->arena, mark);
    return code;
}

/* DUR_OK or DUR_FAILED: it has its outcome; or the code of the stopped run. */
static int undo_one(dur_run *run, const durable_undo *undo)
{
    const durable_asked asked = {DURABLE_KIND_UNDO, undo->name, NULL, 0, true};
    dur_step_options options = {.size = sizeof options};
    durable_answer answer;
    int code;

    if (undo->retry.size) options.retry = &undo->retry;
    code = durable_step_begin(run, &asked, &options, &answer);
    if (code == DUR_EXECUTE) code = execute_undo(run, undo, answer.step);
    if (!run->log) return code;
    if (run->stop == DUR_FAILED) { /* by dur_fail(), when it had its outcome */
        run->stop = DUR_OK;
        code = run->failure_pending ? DUR_FAILED : DUR_OK;
    }
    if (run->stop != DUR_OK) return run->stop;
    return code == DUR_REPLAYED ? DUR_OK : code;
}

static void tell_failed_undo(dur_run *run, const char *name, char failure[DURABLE_FAILURE_SIZE])
{
    char whole[2 * DURABLE_FAILURE_SIZE + DUR_NAME_MAX + 64];

    durable_print(whole, sizeof whole, "%s; undoing \"%s\" failed: %s", failure, name,
                  run->failure);
    durable_failure_text(failure, whole, strlen(whole));
    run->failure_pending = false;
}

/* An undo function must not close the run under us. Stopped, the run is left to the next pass, also
 * where what could not be recorded is recorded after all. */
DURABLE_INTERNAL int durable_undo_all(dur_run *run, char failure[DURABLE_FAILURE_SIZE])
{
    bool lent = run->lent;
    int code = run->undoing ? DUR_OK : find_place(run);

    run->undoing = true;
    run->lent = true;
    while (code == DUR_OK && run->undos) {
        code = undo_one(run, run->undos);
        if (code == DUR_FAILED) {
            tell_failed_undo(run, run->undos->name, failure);
            code = DUR_OK;
        }
        if (code == DUR_OK) forget_newest(run);
    }
    run->lent = lent;
    if (code != DUR_OK) run->stopped_by_record = false;
    return code;
}
