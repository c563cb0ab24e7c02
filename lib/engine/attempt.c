/* engine: attempts that came to nothing: counting them, putting the next one off, heartbeats. */
#include "engine/engine.h"

#include "engine/retry.h"

/* How an attempt ended, and what follows from it. */
typedef struct attempt {
    dur_step *step;
    const char *message;      /* of a failure */
    const dur_value *details; /* of "not yet" */
    dur_retry policy;
    int64_t now;
    durable_pending pending; /* as it is to be written */
} attempt;

/* Whether there is a policy that has a say, and lets this failure be retried. */
static bool choose_policy(attempt *it)
{
    const dur_step *step = it->step;
    const dur_log *log = step->run->log;
    const dur_retry *given = step->retry;
    const char *problem;

    if (!it->details && step->retry_after == DUR_NEVER) return false;
    if (it->details)
        given = step->poll;
    else if (!given && log->retry.size)
        given = &log->retry;
    else if (!given && step->retry_after == DURABLE_BY_POLICY)
        return false;
    durable_retry_fill(given, &it->policy, &problem); /* it was looked at when the step began */
    if (it->details || step->retry_after != DURABLE_BY_POLICY || !it->policy.retryable) return true;
    return it->policy.retryable(it->message, step->attempt, it->policy.user);
}

/* Never "never": that is for a step whose attempts are used up. */
static int64_t next_due(attempt *it)
{
    const dur_step *step = it->step;
    int64_t pause_ms = step->retry_after, due;
    uint64_t random = 0;

    if (pause_ms < 0) {
        if (it->policy.jitter == DUR_JITTER_FULL)
            durable_clock_random(&step->run->log->clock, &random, sizeof random);
        pause_ms = durable_retry_pause(&it->policy, step->attempt, random);
    }
    due = durable_time_after(it->now, pause_ms);
    return due < DURABLE_NEVER ? due : DURABLE_NEVER - 1;
}

static bool describe_next(attempt *it)
{
    durable_pending *pending = &it->pending;

    durable_progress_describe(it->step, pending);
    pending->attempt = it->step->attempt;
    pending->intent = DURABLE_NO_INTENT;
    pending->due = next_due(it);
    if (it->message) pending->failure = it->message;
    return !it->details || durable_value_encode(*it->details, &pending->details) == DUR_OK;
}

/* ---- Writing it ---------------------------------------------------------------------------- */

static int64_t lease_of(const dur_step *step)
{
    return step->lease_ms > 0 ? step->lease_ms : step->run->log->lease_ms;
}

/* What could not be written may be tried again, as an outcome may; but nothing of it is kept beyond
 * the pass: the attempt then counts like one that a crash cut short. */
static int fail_to_put(dur_step *step, int code)
{
    dur_run *run = step->run;

    if (code == DUR_TOO_BIG) /* the caller may have something smaller to say */
        return durable_run_take_error(run, code, step->position, step->name);
    if (run->stop == DUR_OK) run->stopped_by_record = durable_is_transient(code);
    step->unrecorded = durable_is_transient(code);
    return durable_run_stop_with_store(run, code, step->position, step->name);
}

static int begin_again(dur_step *step)
{
    int code = DUR_OK;

    step->attempt++;
    step->began = durable_clock_now(&step->run->log->clock);
    step->retry_after = DURABLE_BY_POLICY;
    step->again = true;
    if (step->progress->pending.deadline != DURABLE_NEVER) code = durable_deadline_check(step);
    if (code == DUR_OK && step->mode == DUR_AT_MOST_ONCE) code = durable_intent_put(step);
    if (code == DUR_OK && step->mode == DUR_TRANSACTIONAL) code = durable_transaction_begin(step);
    step->again = code == DUR_OK;
    if (code == DUR_FAILED) return DUR_OK; /* its time is up, which is recorded */
    return code == DUR_OK ? DUR_EXECUTE : code;
}

static int sleep_and_begin_again(attempt *it)
{
    dur_step *step = it->step;
    int64_t lease_end = durable_lease_from(step->run, lease_of(step), it->pending.due);
    int code = durable_progress_put(step, &it->pending, lease_end);

    if (code != DUR_OK) return fail_to_put(step, code);
    step->state = DURABLE_STEP_PUT_OFF; /* for calls that the sleep makes */
    durable_sleep_through(step->run, it->now, it->pending.due);
    step->state = DURABLE_STEP_OPEN;
    return begin_again(step);
}

/* Why there is no outcome yet. */
static const char *reason(const char *failure)
{
    return failure ? failure : "its condition does not hold yet";
}

DURABLE_INTERNAL int durable_attempt_give_up(dur_run *run, int64_t position, const char *name,
                                             int64_t attempts, const char *failure)
{
    durable_run_outrank(run, DUR_PARKED);
    return durable_run_stop(run, DUR_PARKED,
                            "position %lld, step \"%s\": given up after %lld attempts: %s; parked:"
                            " mend the cause, then execute it again",
                            (long long)position, name, (long long)attempts, reason(failure));
}

static void describe_pause(char *text, size_t size, const attempt *it)
{
    durable_print(text, size, "to try step \"%s\" again (attempt %lld): %s", it->step->name,
                  (long long)it->step->attempt + 1,
                  reason(it->message));
}

static int suspend(attempt *it)
{
    dur_step *step = it->step;
    dur_run *run = step->run;
    durable_suspension suspension = {.pending = &it->pending, .due = it->pending.due,
                                     .now = it->now};
    char what[DURABLE_MESSAGE_SIZE];
    bool stops = run->stop == DUR_OK; /* or it waits for another step already */
    int code;

    describe_pause(what, sizeof what, it);
    step->state = DURABLE_STEP_PUT_OFF;
    run->has_pending = true;
    code = durable_run_suspend(run, &suspension, step->position, what);
    if (code == DUR_SUSPENDED) return code;
    step->state = DURABLE_STEP_OPEN;
    step->unrecorded = durable_is_transient(code);
    if (stops) run->stopped_by_record = step->unrecorded;
    return code;
}

/* Executed again by a person, the step makes one attempt more at once; taken up by anybody else, as
 * after a crash before the run was parked, it is parked then. */
static int park(attempt *it)
{
    dur_step *step = it->step;
    int code;

    it->pending.due = DURABLE_NEVER;
    code = durable_progress_put(step, &it->pending, 0);
    if (code != DUR_OK) return fail_to_put(step, code);
    step->state = DURABLE_STEP_PUT_OFF;
    return durable_attempt_give_up(step->run, step->position, step->name, step->attempt,
                                   it->message);
}

/* The next attempt would begin after the step's end: it has failed now. */
static int time_out_step(attempt *it)
{
    dur_step *step = it->step;
    char text[64];

    if (!it->details) return durable_deadline_fail(step, it->message);
    durable_print(text, sizeof text, "not yet, after %lld attempts", (long long)step->attempt);
    return durable_deadline_fail(step, text);
}

DURABLE_INTERNAL bool durable_attempt_put_off(dur_step *step, const char *message,
                                              const dur_value *details, int *code)
{
    attempt it;
    bool exhausted;

    memset(&it, 0, sizeof it);
    it.step = step;
    it.message = message;
    it.details = details;
    if (!choose_policy(&it)) return false;
    it.now = durable_clock_now(&step->run->log->clock);
    if (!describe_next(&it)) {
        *code = durable_run_stop(step->run, DUR_MISUSE,
                                 "position %lld, step \"%s\": its details are no value (type %d)",
                                 (long long)step->position, step->name, (int)details->type);
        return true;
    }
    exhausted = durable_retry_is_exhausted(&it.policy, step->attempt, it.pending.began,
                                           it.pending.due);
    if (exhausted && it.policy.exhausted == DUR_EXHAUSTED_FAIL) return false;
    if (!exhausted && it.pending.due > it.pending.deadline) {
        *code = time_out_step(&it);
        return true;
    }
    step->unrecorded = false;
    durable_run_lift_stop(step->run);
    if (exhausted)
        *code = park(&it);
    else
        *code = durable_sleeps_through(step->run, it.now, it.pending.due)
                    ? sleep_and_begin_again(&it)
                    : suspend(&it);
    return true;
}

/* ---- Heartbeats ---------------------------------------------------------------------------- */

DURABLE_INTERNAL int durable_attempt_beat(dur_step *step, dur_value details)
{
    dur_run *run = step->run;
    durable_pending pending;
    int code;

    durable_progress_describe(step, &pending);
    pending.attempt = step->attempt - 1;
    pending.due = 0;
    if (durable_value_encode(details, &pending.details) != DUR_OK)
        return durable_run_misuse(run, "position %lld, step \"%s\": the details are no value"
                                       " (type %d)",
                                  (long long)step->position, step->name, (int)details.type);
    code = durable_progress_put(
        step, &pending, durable_time_after(durable_clock_now(&run->log->clock), lease_of(step)));
    if (code == DUR_OK) return DUR_OK;
    if (code == DUR_LOST || code == DUR_ROLLED_BACK)
        return durable_run_stop_with_store(run, code, step->position, step->name);
    return durable_run_take_error(run, code, step->position, step->name);
}
