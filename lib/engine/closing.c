/* engine: the end of a pass: what is left is given back, what is held is freed. */
#include "engine/engine.h"

static void unlink_run(dur_run *run)
{
    if (run->previous)
        run->previous->next = run->next;
    else
        run->log->runs = run->next;
    if (run->next) run->next->previous = run->previous;
    run->previous = run->next = NULL;
}

static bool has_kept(const dur_run *run)
{
    for (const dur_step *step = run->open_first; step; step = step->next)
        if (durable_outlives_pass(step)) return true;
    return false;
}

/* When workers may take up a run that was left without an end: later each time. */
static int64_t back_off(const dur_run *run)
{
    int64_t pause_ms = DURABLE_BACK_OFF_FIRST_MS;

    for (int64_t i = 1; i < run->claims && pause_ms < DURABLE_BACK_OFF_MOST_MS; i++) pause_ms *= 2;
    if (pause_ms > DURABLE_BACK_OFF_MOST_MS) pause_ms = DURABLE_BACK_OFF_MOST_MS;
    return durable_time_after(durable_clock_now(&run->log->clock), pause_ms);
}

/* The claim stays where it guards kept outcomes, and there is none after the end or a loss. A
 * failing release only leaves the run to its lease, and the error that came before it counts;
 * unless SQLite ended the host's transaction with it, which the host has to know. */
static int release_claim(dur_run *run)
{
    durable_store *store = run->log->store;

    if (run->ended || run->stop == DUR_LOST || has_kept(run)) return DUR_OK;
    /* The claim may be older than a transaction that was rolled back: the fence alone tells. */
    if (run->fence.provisional) run->fence.provisional = -1;
    if (store->methods->release_run(store, &run->fence, back_off(run)) != DUR_ROLLED_BACK ||
        store->error.sqlite_code == 0)
        return DUR_OK;
    return durable_log_store_error(run->log, run->id);
}

/* The run was left within a transaction of the host's, which is over now. Where it was rolled back,
 * the claim is there again, and giving it back succeeds. */
static int check_left(dur_run *run)
{
    durable_store *store = run->log->store;
    int code;

    if (!run->left_joined || store->methods->is_joined(store)) return DUR_OK;
    code = store->methods->release_run(store, &run->fence, back_off(run));
    if (code != DUR_OK && code != DUR_ROLLED_BACK) return DUR_OK;
    run->stop = DUR_OK;
    return durable_run_stop(run, DUR_ROLLED_BACK,
                            "the transaction in which it was left to wait was rolled back: nothing"
                            " of that is in the log; commit it also where dur_run_code() is"
                            " DUR_SUSPENDED");
}

DURABLE_INTERNAL int durable_run_detach(dur_run *run)
{
    int code;

    durable_transaction_undo_run(run);
    if (run->fence.provisional) durable_transaction_settle(run);
    if (run->divergence) durable_divergence_settle(run);
    if (!has_kept(run)) {
        durable_run_leave_parked(run);
        durable_run_leave_suspended(run);
    }
    code = run->left ? check_left(run) : release_claim(run);
    durable_kept_detach(run);
    durable_history_close(&run->history);
    unlink_run(run);
    return code;
}

static void free_steps(dur_step *step)
{
    while (step) {
        dur_step *next = step->next;

        durable_step_free(step);
        step = next;
    }
}

DURABLE_INTERNAL int durable_run_close(dur_run *run)
{
    int code = run->log ? durable_run_detach(run) : DUR_OK;

    free_steps(run->open_first);
    free_steps(run->spare_first);
    free_steps(run->answered);
    durable_undo_free(run);
    durable_patch_free(run);
    durable_free(run->next_input_bytes);
    durable_progress_free_all(run);
    durable_free(run->suspension);
    durable_history_close(&run->history);
    durable_arena_clear(&run->arena);
    durable_arena_clear(&run->input_arena);
    durable_free(run->output_bytes);
    durable_free(run->id);
    durable_free(run->workflow);
    durable_free(run);
    return code;
}

/* ---- A whole pass -------------------------------------------------------------------------- */

static int end_after(dur_run *run, int result)
{
    char failure[64];

    if (result == 0) return durable_run_end(run, run->output, NULL);
    durable_print(failure, sizeof failure, "workflow returned %d", result);
    return durable_run_end(run, dur_null(), failure);
}

DURABLE_INTERNAL int durable_run_pass(dur_run *run, dur_workflow *fn, void *user)
{
    int code;

    run->lent = true;
    code = fn(run, user);
    run->lent = false;
    if (!run->log) { /* the workflow closed its own log */
        durable_run_close(run);
        return DUR_MISUSE;
    }
    if (run->ended) /* final, and not to be written a second time */
        code = durable_run_misuse(run, "its workflow ended it with dur_complete_run() or"
                                       " dur_fail_run(), which is for runs without a callback");
    else
        code = end_after(run, code);
    /* The workflow may have asked the log for other things meanwhile. */
    if (run->stop != DUR_OK) durable_run_tell_log(run);
    return durable_run_close(run) == DUR_ROLLED_BACK ? DUR_ROLLED_BACK : code;
}
