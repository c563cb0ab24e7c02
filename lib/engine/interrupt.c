/* engine: cancellation and deadlines of runs: delivered once, at a position of their own. */
#include "engine/engine.h"

/* Names of the two, as the log shows them. */
#define CANCEL_NAME "cancel"
#define DEADLINE_NAME "deadline"

DURABLE_INTERNAL int durable_interrupt_reason(const dur_run *run)
{
    if (run->ends_as != DUR_OK) return DUR_OK; /* it has heard */
    if (run->cancels) return DUR_CANCELLED;
    if (run->deadline == DURABLE_NEVER) return DUR_OK;
    return durable_clock_now(&run->log->clock) >= run->deadline ? DUR_TIMED_OUT : DUR_OK;
}

static int stop_interrupted(dur_run *run, int reason, int64_t position)
{
    run->ends_as = reason;
    run->interrupts = run->log->check || run->log->before_body; /* which see the clean-up, too */
    return durable_run_stop(run, reason, "position %lld: %s", (long long)position,
                            reason == DUR_CANCELLED ? "it was cancelled"
                                                    : "its deadline has passed");
}

/* What its row's value tells: the step asked for there may have been begun; it was heard where a
 * called child had failed, and not by what was asked for next. */
enum { PERHAPS_BEGUN = 1, BEHIND_CHILD = 2 };

/* What was remembered of the position (a wait, an attempt) goes with it. */
static int record_reason(dur_run *run, int reason, int how)
{
    const char *name = reason == DUR_CANCELLED ? CANCEL_NAME : DEADLINE_NAME;
    durable_request request = {run->position, DURABLE_KIND_CANCEL, name, strlen(name)};
    durable_progress *progress;
    dur_step *step;
    int code = durable_progress_take(run, run->position, &progress);

    if (code != DUR_OK) return code;
    step = durable_step_new(run, &request);
    if (!step) {
        durable_progress_free(progress);
        return durable_run_stop(run, DUR_NOMEM, "out of memory");
    }
    step->state = DURABLE_STEP_OPEN;
    step->progress = progress;
    step->attempt = 1;
    step->began = durable_clock_now(&run->log->clock);
    durable_step_link(step);
    run->position++;
    return durable_wait_conclude(step, DURABLE_OUTCOME_RESULT, dur_integer(how), 0, NULL);
}

static int deliver(dur_run *run, const dur_step_options *options, int how)
{
    int64_t position = run->position;
    int reason = durable_interrupt_reason(run), code;

    if (reason == DUR_OK) return DUR_OK;
    /* A step that was never begun has nothing to be undone. An owner before this one may have begun
     * the one that is asked for here. */
    if (run->fence.epoch > 1) how |= PERHAPS_BEGUN;
    code = record_reason(run, reason, how);
    if (code != DUR_OK) return code;
    if (options && options->undo && !(how & PERHAPS_BEGUN)) durable_undo_forget(run, position);
    return stop_interrupted(run, reason, position);
}

DURABLE_INTERNAL int durable_interrupt_deliver(dur_run *run, const dur_step_options *options)
{
    return deliver(run, options, 0);
}

DURABLE_INTERNAL int durable_interrupt_replay(dur_run *run, const durable_step_record *record,
                                              const dur_step_options *options)
{
    int64_t position = record->position;
    bool timed_out = record->name_length == strlen(DEADLINE_NAME) &&
                     memcmp(record->name, DEADLINE_NAME, record->name_length) == 0;
    dur_value how = dur_null();

    if (durable_value_decode(&record->value, &how) != DUR_OK)
        return durable_run_stop(run, DUR_CORRUPT, "position %lld: its row was damaged or edited",
                                (long long)position);
    if (options && options->undo && !(how.as.integer & PERHAPS_BEGUN))
        durable_undo_forget(run, position);
    run->in_gap = false;
    run->position++;
    durable_history_pass(&run->history);
    return stop_interrupted(run, timed_out ? DUR_TIMED_OUT : DUR_CANCELLED, position);
}

/* Of this position or one behind it something is remembered: an earlier pass went on from here. */
static bool went_on(dur_run *run)
{
    const durable_progress *first;

    return durable_progress_peek(run, run->position, &first) == DUR_OK && first;
}

static bool was_heard_so(const durable_step_record *record, int how)
{
    dur_value value = dur_null();

    if (durable_value_decode(&record->value, &value) != DUR_OK) return true; /* which is told */
    return (value.as.integer & BEHIND_CHILD) == how;
}

static int hear(dur_run *run, int how)
{
    const durable_step_record *record;
    int code = durable_run_peek(run, &record, run->position);

    if (code != DUR_OK) return code;
    if (record && record->position == run->position && record->kind == DURABLE_KIND_CANCEL &&
        was_heard_so(record, how))
        return durable_interrupt_replay(run, record, NULL);
    if (record || went_on(run)) return DUR_OK;
    if (run->stop != DUR_OK || run->log->check) return run->stop;
    return deliver(run, NULL, how);
}

DURABLE_INTERNAL int durable_interrupt_await(dur_run *run)
{
    return hear(run, 0);
}

DURABLE_INTERNAL int durable_interrupt_behind_child(dur_run *run)
{
    bool failed = run->failure_pending;
    int code;

    if (!run->interrupts || run->undoing || run->stop != DUR_OK) return DUR_OK;
    run->failure_pending = false;
    code = hear(run, BEHIND_CHILD);
    if (code == DUR_OK) run->failure_pending = failed;
    return code;
}

DURABLE_INTERNAL bool durable_interrupt_lift(dur_run *run)
{
    if (run->ends_as == DUR_OK) return false;
    if (run->stop != run->ends_as || run->lifted || run->undoing) return true;
    run->stop = DUR_OK;
    run->stopped_calls = 0;
    run->lifted = true;
    durable_error_clear(&run->error);
    return true;
}

DURABLE_INTERNAL int durable_cancel(dur_log *log, const char *run_id)
{
    durable_store *store = log->store;
    int code = store->methods->cancel_run(store, run_id, durable_clock_now(&log->clock));

    switch (code) {
    case DUR_OK: return code;
    case DUR_NOT_FOUND:
        durable_error_set(&store->error, code, "there is no such run in this log");
        break;
    case DUR_ENDED:
        durable_error_set(&store->error, code, "it has ended: there is nothing to cancel");
        break;
    case DUR_REPLAYED:
        durable_error_set(&store->error, code, "it was asked to end before");
        break;
    default: break;
    }
    return durable_log_store_error(log, run_id);
}
