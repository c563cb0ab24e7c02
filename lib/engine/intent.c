/* engine: steps whose body runs at most once: what is written before it runs, and what is done with
 * one that was begun and has no outcome. */
#include "engine/engine.h"

#define IN_DOUBT "in doubt: the process ended before its outcome was recorded"

/* It takes no record any more, but counts as open: rows behind it tell which positions are not. */
static void hold_back(dur_step *step)
{
    step->state = DURABLE_STEP_PUT_OFF;
}

/* ---- Before the body ----------------------------------------------------------------------- */

static int refuse_joined(dur_step *step)
{
    hold_back(step);
    return durable_run_stop(step->run, DUR_MISUSE,
                            "position %lld, step \"%s\": it runs at most once, which has to be"
                            " committed before it runs: end the transaction that is open on the"
                            " connection, then execute the run again",
                            (long long)step->position, step->name);
}

static int64_t next_lease_end(const dur_step *step)
{
    const dur_log *log = step->run->log;
    int64_t lease_ms = step->lease_ms > 0 ? step->lease_ms : log->lease_ms;

    return durable_lease_from(step->run, lease_ms, durable_clock_now(&log->clock));
}

/* What waits for a shared commit may be another run's. */
static int check_alone(dur_step *step)
{
    durable_store *store = step->run->log->store;
    int code;

    if (!store->methods->is_joined(store)) return DUR_OK;
    code = durable_transaction_settle(step->run);
    if (code != DUR_OK) hold_back(step);
    if (code != DUR_OK || !store->methods->is_joined(store)) return code;
    return refuse_joined(step);
}

/* A commit that failed may have survived: then the step is in doubt, and nothing has happened. */
DURABLE_INTERNAL int durable_intent_put(dur_step *step)
{
    durable_pending pending;
    int code = check_alone(step);

    if (code != DUR_OK) return code;
    durable_progress_describe(step, &pending);
    pending.attempt = step->attempt - 1;
    pending.intent = DURABLE_INTENT;
    pending.due = 0;
    code = durable_progress_put(step, &pending, next_lease_end(step));
    return code == DUR_OK ? DUR_OK : durable_step_hold_back(step, code);
}

/* Nothing has happened yet: where the run is to end, that comes first, at the step's position. */
static int give_way(dur_step *step, const dur_step_options *options)
{
    dur_run *run = step->run;
    int code;

    run->position = step->position;
    durable_progress_return(run, step->progress);
    step->progress = NULL;
    code = durable_interrupt_deliver(run, options);
    if (code != DUR_OK) {
        durable_step_close(step);
        return code;
    }
    run->position++;
    return durable_progress_take(run, step->position, &step->progress);
}

/* The attempt that nothing came of is made again, under its own number. Others may have taken the
 * run while its verify function was at work: the intent is written anew, which then is refused. */
static int begin_body(dur_step *step, const dur_step_options *options)
{
    dur_run *run = step->run;
    int code = DUR_OK;

    step->retry_after = DURABLE_BY_POLICY;
    if (run->interrupts && !run->undoing && !run->in_gap) code = give_way(step, options);
    if (code == DUR_OK && step->progress->pending.deadline != DURABLE_NEVER)
        code = durable_deadline_check(step);
    if (code == DUR_OK) code = durable_intent_put(step);
    return code == DUR_OK ? DUR_EXECUTE : code;
}

/* ---- In doubt ------------------------------------------------------------------------------ */

static int park_in_doubt(dur_step *step)
{
    hold_back(step);
    return durable_run_stop(step->run, DUR_PARKED,
                            "position %lld, step \"%s\": " IN_DOUBT "; parked: find out whether it"
                            " was done, and answer by dur_resolve_step()",
                            (long long)step->position, step->name);
}

DURABLE_INTERNAL int durable_intent_conclude(dur_step *step, int outcome, dur_value value)
{
    dur_run *run = step->run;
    int code = durable_step_conclude(step, outcome, value);

    step->again = false;
    if (code == DUR_EXECUTE) return code;
    if (code == DUR_OK) return outcome == DURABLE_OUTCOME_FAILURE ? DUR_FAILED : DUR_REPLAYED;
    if (run->stop == DUR_OK) run->stop = code; /* as with a value that is too big */
    return run->stop;
}

static int fail_doubtful(dur_step *step, const char *message)
{
    return durable_intent_conclude(step, DURABLE_OUTCOME_FAILURE, dur_text(message));
}

static int fail_for_good(dur_step *step, const char *message)
{
    step->retry_after = DUR_NEVER;
    return fail_doubtful(step, message);
}

/* While it runs the step is the run's body, as a step function's is. */
static int call_verify(dur_step *step, const dur_step_options *options)
{
    dur_run *run = step->run;
    int answer;

    run->body = step;
    run->failing = false;
    step->verifying = true;
    answer = options->verify(step, options->user);
    step->verifying = false;
    run->body = NULL;
    return answer;
}

/* It may have recorded an outcome; said dur_fail(), which is to be recorded; or have stopped the
 * run. */
static int ask_verify(dur_step *step, const dur_step_options *options)
{
    dur_run *run = step->run;
    char message[DURABLE_FAILURE_SIZE];
    int answer = call_verify(step, options);

    if (!run->log)
        return durable_run_misuse(run, "its log was closed by the verify function of step \"%s\"",
                                  step->name);
    if (run->stop != DUR_OK) {
        if (step->state == DURABLE_STEP_OPEN && !step->unrecorded) hold_back(step);
        return run->stop;
    }
    if (step->state != DURABLE_STEP_OPEN) return run->failure_pending ? DUR_FAILED : DUR_REPLAYED;
    if (step->again) { /* the pause before the next attempt was slept through */
        step->again = false;
        return DUR_EXECUTE;
    }
    if (run->failing) {
        run->failing = false;
        memcpy(message, run->failure, strlen(run->failure) + 1);
        return fail_doubtful(step, message);
    }
    return answer == DUR_EXECUTE ? begin_body(step, options) : park_in_doubt(step);
}

static int settle_by_policy(dur_step *step, const dur_step_options *options)
{
    switch (options->in_doubt) {
    case DUR_IN_DOUBT_RETRY: return fail_doubtful(step, IN_DOUBT);
    case DUR_IN_DOUBT_FAIL: return fail_for_good(step, IN_DOUBT);
    case DUR_IN_DOUBT_VERIFY: return ask_verify(step, options);
    default: return park_in_doubt(step);
    }
}

/* ---- A person's answer --------------------------------------------------------------------- */

static int take_answer(dur_step *step)
{
    const durable_pending *pending = &step->progress->pending;
    dur_value value = dur_null();
    int code;

    if (pending->intent == DURABLE_RESOLVED_FAILURE)
        return fail_for_good(step, pending->failure ? pending->failure : "step failed");
    code = durable_value_decode(&pending->details, &value);
    if (code == DUR_OK) return durable_intent_conclude(step, DURABLE_OUTCOME_RESULT, value);
    hold_back(step);
    return durable_run_stop(step->run, code,
                            "position %lld, step \"%s\": the answer that was given by"
                            " dur_resolve_step() cannot be read here",
                            (long long)step->position, step->name);
}

DURABLE_INTERNAL int durable_intent_settle(dur_step *step, const dur_step_options *options,
                                           dur_value *value)
{
    int code;

    step->result = value;
    code = step->progress->pending.intent == DURABLE_INTENT ? settle_by_policy(step, options)
                                                            : take_answer(step);
    step->result = NULL;
    return code;
}

/* ---- Giving one ---------------------------------------------------------------------------- */

static int describe_answer(dur_log *log, int answer, dur_value value, const char *message,
                    char text[DURABLE_FAILURE_SIZE], durable_resolution *resolution)
{
    if (answer == DUR_FAILED) {
        resolution->intent = DURABLE_RESOLVED_FAILURE;
        durable_failure_text(text, message, strlen(message));
        resolution->failure = text;
        return DUR_OK;
    }
    if (answer == DUR_EXECUTE) return DUR_OK;
    resolution->intent = DURABLE_RESOLVED_RESULT;
    if (durable_value_encode(value, &resolution->value) == DUR_OK) return DUR_OK;
    return durable_error_set(&log->store->error, DUR_MISUSE, "the answer is no value (type %d)",
                             (int)value.type);
}

static int tell_answer(dur_log *log, int code, const char *run_id, int64_t position)
{
    durable_error *error = &log->store->error;

    if (code == DUR_OK) return code;
    if (code == DUR_NOT_FOUND)
        durable_error_set(error, code, "there is no such run in this log");
    if (code == DUR_ENDED)
        durable_error_set(error, code,
                          "position %lld: the run is not parked, or no step is in doubt there:"
                          " nothing was changed",
                          (long long)position);
    return durable_log_store_error(log, run_id);
}

DURABLE_INTERNAL int durable_intent_resolve(dur_log *log, const char *run_id, int64_t position,
                                            int answer, dur_value value, const char *message)
{
    durable_store *store = log->store;
    char text[DURABLE_FAILURE_SIZE];
    durable_resolution resolution;
    int code;

    memset(&resolution, 0, sizeof resolution);
    resolution.position = position;
    resolution.now = durable_clock_now(&log->clock);
    if (!message) message = "step failed";
    code = describe_answer(log, answer, value, message, text, &resolution);
    if (code == DUR_OK) code = store->methods->resolve_step(store, run_id, &resolution);
    return tell_answer(log, code, run_id, position);
}
