/* engine: transactional steps: what the body does with SQL in the log's database, and the record of
 * it, stand or fall together. Which transaction that is, is the store's affair. */
#include "engine/engine.h"

/* Rows that other steps shared the transaction with may be gone with it. What is left of this pass
 * is to give the claim back, which is older than they are. */
static void doubt_rows(dur_run *run)
{
    if (run->fence.provisional) run->fence.provisional = -1;
}

static int take_back(dur_step *step)
{
    durable_store *store = step->run->log->store;

    step->in_transaction = false;
    return store->methods->end_transaction(store, false);
}

/* The error that led here is the one to be told. */
static void take_back_quietly(dur_step *step)
{
    durable_store *store = step->run->log->store;
    durable_error error;

    durable_error_copy(&error, &store->error);
    take_back(step);
    durable_error_copy(&store->error, &error);
}

/* What the body of another run does with SQL would join the commit that is shared: those runs, too,
 * settle it before they execute anything. */
static void doubt_other_runs(dur_log *log)
{
    for (dur_run *run = log->runs; run; run = run->next)
        if (!run->fence.provisional) run->fence.provisional = -1;
}

DURABLE_INTERNAL int durable_transaction_begin(dur_step *step)
{
    dur_log *log = step->run->log;
    int code = log->store->methods->begin_transaction(log->store, log->shared_commit_steps,
                                                      log->transactional_when_attached);

    if (code != DUR_OK) return durable_step_hold_back(step, code);
    step->in_transaction = true;
    if (log->shared_commit_steps > 1) doubt_other_runs(log);
    return DUR_OK;
}

/* The transaction around the step, which was there, may go with it: that is more. */
static int take_back_unrecorded(dur_step *step, int code)
{
    durable_store *store = step->run->log->store;
    bool was_joined = store->methods->is_joined(store);
    durable_error error;

    durable_error_copy(&error, &store->error);
    if (take_back(step) == DUR_ROLLED_BACK && was_joined) return DUR_ROLLED_BACK;
    durable_error_copy(&store->error, &error);
    return code;
}

DURABLE_INTERNAL int durable_transaction_end(dur_step *step, int code)
{
    durable_store *store = step->run->log->store;

    if (code == DUR_OK) {
        step->in_transaction = false;
        code = store->methods->end_transaction(store, true);
    } else {
        code = take_back_unrecorded(step, code);
    }
    if (code != DUR_OK) doubt_rows(step->run);
    return code;
}

DURABLE_INTERNAL void durable_transaction_undo(dur_step *step)
{
    if (step->in_transaction) take_back_quietly(step);
}

DURABLE_INTERNAL void durable_transaction_undo_run(dur_run *run)
{
    for (dur_step *step = run->open_first; step; step = step->next) durable_transaction_undo(step);
}

/* Steps that shared the transaction may have gone with the body, where SQLite rolled back more than
 * it was asked to. */
static int confirm_shared(dur_run *run)
{
    durable_store *store = run->log->store;
    int code = durable_transaction_settle(run);

    if (code != DUR_OK || !run->fence.provisional) return code;
    code = store->methods->confirm(store, &run->fence);
    if (code == DUR_OK) return DUR_OK;
    doubt_rows(run);
    return durable_run_stop_with_store(run, code, 0, NULL);
}

/* What a body did that has ended its transaction may be committed: nothing is recorded on top. */
DURABLE_INTERNAL int durable_transaction_fail(dur_step *step)
{
    dur_run *run = step->run;
    int code;

    if (!step->in_transaction) return DUR_OK;
    if (take_back(step) == DUR_ROLLED_BACK) {
        doubt_rows(run);
        return durable_step_hold_back(step, DUR_ROLLED_BACK);
    }
    code = confirm_shared(run);
    if (code != DUR_OK) step->state = DURABLE_STEP_PUT_OFF;
    return code;
}

DURABLE_INTERNAL int durable_transaction_settle(dur_run *run)
{
    durable_store *store = run->log->store;
    int code = store->methods->commit_shared(store);

    if (code == DUR_OK) return DUR_OK;
    doubt_rows(run);
    return durable_run_stop_with_store(run, code, 0, NULL);
}
