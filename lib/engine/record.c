/* engine: recording what a step came to. */
#include "engine/engine.h"

static bool has_unrecorded(const dur_run *run)
{
    for (const dur_step *step = run->open_first; step; step = step->next)
        if (step->unrecorded) return true;
    return false;
}

static bool has_put_off(const dur_run *run)
{
    for (const dur_step *step = run->open_first; step; step = step->next)
        if (step->state == DURABLE_STEP_PUT_OFF) return true;
    return false;
}

/* One that a request met stays: its step was passed over, and the positions behind would shift. */
DURABLE_INTERNAL void durable_run_lift_stop(dur_run *run)
{
    if (!run->stopped_by_record || run->stopped_calls || has_unrecorded(run)) return;
    run->stop = has_put_off(run) ? DUR_SUSPENDED : DUR_OK;
    run->stopped_by_record = false;
}

DURABLE_INTERNAL void durable_run_outrank(dur_run *run, int code)
{
    bool parks = code == DUR_PARKED;
    bool may = run->stop == DUR_SUSPENDED
                   ? parks
                   : durable_is_transient(run->stop) && (parks || !has_unrecorded(run));

    if (!may) return;
    run->stop = DUR_OK;
    run->stopped_by_record = false;
}

/* What a record adds to its run, and whether that has become long. */
static inline void count_record(dur_run *run, int64_t position, size_t bytes)
{
    const dur_log *log = run->log;

    run->bytes += (int64_t)bytes;
    if (position > log->long_run_steps || run->bytes > log->long_run_bytes)
        durable_continue_tell_long(run);
}

static void note_recorded(dur_step *step, const durable_outcome *outcome)
{
    dur_run *run = step->run;

    if (outcome->lease_end && !outcome->joined) {
        run->lease_end = outcome->lease_end;
        durable_call_prolong(run, outcome->lease_end);
    }
    if (outcome->outcome == DURABLE_OUTCOME_FAILURE) {
        durable_run_set_failure(run, outcome->value.bytes, outcome->value.length);
        run->failure_pending = true;
    }
    count_record(run, step->position, outcome->value.length);
    durable_step_close(step);
    if (run->stopped_by_record) durable_run_lift_stop(run);
}

/* What dur_replay_or_run() hands to its caller, alike to what a replay will give. */
static int give_result(dur_step *step, const durable_outcome *outcome, dur_value *result)
{
    dur_run *run = step->run;

    if (!result || outcome->outcome == DURABLE_OUTCOME_FAILURE) return DUR_OK;
    durable_value_decode(&outcome->value, result);
    if (durable_run_copy_value(run, result)) return DUR_OK;
    *result = dur_null();
    return durable_run_stop(run, DUR_NOMEM,
                            "position %lld, step \"%s\": it is recorded, but there is no memory to"
                            " hand its result out",
                            (long long)step->position, step->name);
}

/* `taken_back`: what the body did is gone with the record, so that there is nothing to be kept. */
static int fail_to_record(dur_step *step, const durable_outcome *outcome, int code, bool taken_back)
{
    dur_run *run = step->run;

    if (code == DUR_TOO_BIG) /* the caller may have something smaller to say */
        return durable_run_take_error(run, code, step->position, step->name);
    /* The newest reason is the true one. */
    if (run->stopped_by_record && !run->stopped_calls) run->stop = DUR_OK;
    if (run->stop == DUR_OK) run->stopped_by_record = durable_is_transient(code) && !taken_back;
    durable_run_stop_with_store(run, code, step->position, step->name);
    if (durable_is_transient(code) && !taken_back) {
        step->unrecorded = true;
        /* Tried within a transaction of the host's only, or once outside it? */
        if (step->kept) step->kept_outcome.joined &= outcome->joined;
        durable_keep(step, outcome);
    } else if (taken_back) {
        step->state = DURABLE_STEP_PUT_OFF; /* it counts as open in the rows of other steps */
    } else {
        durable_step_close(step);
    }
    return code;
}

/* Loops record from one call site again and again: its text is made once. */
static const char *site_of(const dur_step *step)
{
    dur_run *run = step->run;

    if (!step->file) return NULL;
    if (run->site_file != step->file || run->site_line != step->line) {
        durable_site_text(run->site, step->file, step->line);
        run->site_file = step->file;
        run->site_line = step->line;
    }
    return run->site;
}

/* This and what follows are every step's way into the log: inline, though waits take it, too. */
static inline int append(dur_step *step, durable_outcome *outcome)
{
    dur_run *run = step->run;
    int code;

    outcome->site = site_of(step);
    outcome->fence = &run->fence;
    code = run->log->store->methods->append_outcomes(run->log->store, outcome, 1);
    outcome->site = NULL;
    return code == DUR_OK ? outcome->verdict : code;
}

static inline void describe_outcome(const dur_step *step, int kind_of_outcome,
                                    const durable_datum *datum, durable_outcome *outcome)
{
    dur_run *run = step->run;
    int64_t now = durable_clock_now(&run->log->clock);

    memset(outcome, 0, sizeof *outcome);
    outcome->position = step->position;
    outcome->kind = step->kind;
    outcome->outcome = kind_of_outcome;
    outcome->name = step->name;
    outcome->name_length = step->name_length;
    outcome->value = *datum;
    outcome->low = run->open_first->position;
    outcome->attempt = step->attempt;
    outcome->began = step->began;
    outcome->took = durable_time_between(step->began, now);
    outcome->lease_end = durable_lease_from(run, run->log->lease_ms, now);
    outcome->clears_pending = step->progress != NULL;
    outcome->fingerprint = step->fingerprint;
}

/* After some steps were put off the others may still be recorded, while the run is held. */
static bool takes_records(const dur_run *run)
{
    if (run->stop == DUR_OK || durable_is_transient(run->stop)) return true;
    return (run->stop == DUR_SUSPENDED || run->stop == DUR_PARKED) && !run->left;
}

static const char *why_not_open(const dur_step *step)
{
    if (step->state == DURABLE_STEP_REPLAYED) return "was answered from the log";
    return step->state == DURABLE_STEP_PUT_OFF ? "was put off already" : "is closed already";
}

DURABLE_INTERNAL int durable_step_check_open(dur_step *step)
{
    dur_run *run = step->run;

    if (!run->log)
        return durable_run_misuse(run, "its log was closed: position %lld, step \"%s\" cannot be"
                                       " recorded any more",
                                  (long long)step->position, step->name);
    if (step->kind != DURABLE_KIND_STEP && step->kind != DURABLE_KIND_UNDO)
        return durable_run_misuse(run, "position %lld, callback \"%s\": its outcome comes from"
                                       " outside: await it with dur_await()",
                                  (long long)step->position, step->name);
    if (step->state != DURABLE_STEP_OPEN)
        return durable_run_misuse(run, "position %lld, step \"%s\": it %s: nothing to record",
                                  (long long)step->position, step->name,
                                  why_not_open(step));
    if (run->ended) return durable_run_misuse(run, "the run has ended: nothing can be recorded");
    return takes_records(run) ? DUR_OK : run->stop;
}

/* Nothing but the step's own record may end up in its transaction. */
static int append_in_transaction(dur_step *step, durable_outcome *outcome, bool *taken_back)
{
    int code;

    outcome->in_transaction = true;
    code = append(step, outcome);
    if (code == DUR_TOO_BIG) return code;
    code = durable_transaction_end(step, code);
    *taken_back = code != DUR_OK;
    return code;
}

/* A stopped run takes nothing: what the body did in a transaction is not to outlive it. */
static int fail_to_begin(dur_step *step, int code)
{
    if (step->run->stop != DUR_OK) durable_transaction_undo(step);
    return code;
}

DURABLE_INTERNAL int durable_step_conclude(dur_step *step, int outcome, dur_value value)
{
    durable_outcome record;
    durable_datum datum;
    dur_value *result = step->result;
    bool taken_back = false;
    int code = durable_step_check_open(step);

    if (code != DUR_OK) return fail_to_begin(step, code);
    step->again = false;
    if (outcome == DURABLE_OUTCOME_FAILURE) {
        code = durable_transaction_fail(step);
        if (code != DUR_OK) return code;
        if (!step->kept && durable_attempt_put_off(step, value.as.bytes, NULL, &code)) return code;
    }
    if (durable_value_encode(value, &datum) != DUR_OK)
        return durable_run_misuse(step->run,
                                  "position %lld, step \"%s\": the result is no value (type %d,"
                                  " length %lld)",
                                  (long long)step->position, step->name, (int)value.type,
                                  (long long)value.length);
    if (step->kept)
        record = step->kept_outcome;
    else
        describe_outcome(step, outcome, &datum, &record);
    code = step->in_transaction ? append_in_transaction(step, &record, &taken_back)
                                : append(step, &record);
    if (code != DUR_OK) return fail_to_record(step, &record, code, taken_back);
    code = give_result(step, &record, result);
    note_recorded(step, &record);
    return code;
}

DURABLE_INTERNAL int durable_step_not_yet(dur_step *step, dur_value details)
{
    char message[64];
    int code = durable_step_check_open(step);

    if (code != DUR_OK) return fail_to_begin(step, code);
    step->again = false;
    code = durable_transaction_fail(step);
    if (code != DUR_OK) return code;
    if (!step->kept && durable_attempt_put_off(step, NULL, &details, &code)) return code;
    durable_print(message, sizeof message, "not yet, after %lld attempts",
                  (long long)step->attempt);
    step->retry_after = DUR_NEVER;
    return durable_step_conclude(step, DURABLE_OUTCOME_FAILURE, dur_text(message));
}

/* ---- Waits --------------------------------------------------------------------------------- */

/* As long as the handle, which may be older than the mark that the run's memory is released to. */
static dur_value keep_answer(dur_step *wait, dur_value value)
{
    if (value.type < DUR_TEXT) return value;
    wait->kept_memory = durable_copy_text(value.as.bytes, value.length);
    if (wait->kept_memory) value.as.bytes = wait->kept_memory;
    return value;
}

/* A callback, or a started child, may be asked again for its answer: its handle stays. */
static void close_wait(dur_step *wait, int outcome, dur_value value)
{
    dur_run *run = wait->run;

    if (!wait->token) {
        durable_step_close(wait);
        return;
    }
    durable_step_unlink(wait);
    wait->state = DURABLE_STEP_REPLAYED;
    wait->outcome = outcome;
    wait->value = keep_answer(wait, value);
    wait->next = run->answered;
    run->answered = wait;
}

/* Nothing was executed, so nothing is kept of what could not be recorded: the next pass waits
 * again, and finds the same. */
DURABLE_INTERNAL int durable_wait_conclude(dur_step *wait, int outcome, dur_value value,
                                           int64_t takes_signal, const char *unless_signal)
{
    dur_run *run = wait->run;
    durable_outcome record;
    durable_datum datum;
    int code = durable_value_encode(value, &datum);

    if (code != DUR_OK)
        return durable_run_stop(run, DUR_CORRUPT, "position %lld, \"%s\": what came is no value",
                                (long long)wait->position, wait->name);
    if (wait->progress) wait->began = wait->progress->pending.began; /* in an earlier pass */
    describe_outcome(wait, outcome, &datum, &record);
    record.takes_signal = takes_signal;
    record.unless_signal = unless_signal;
    code = append(wait, &record);
    if (code == DUR_CONFLICT) return code;
    if (code != DUR_OK)
        return durable_run_stop_with_store(run, code, wait->position, wait->name);
    if (record.lease_end && !record.joined) {
        run->lease_end = record.lease_end;
        durable_call_prolong(run, record.lease_end);
    }
    count_record(run, wait->position, datum.length);
    close_wait(wait, outcome, value);
    return DUR_OK;
}
