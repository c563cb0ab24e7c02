/* engine: a step's total time, over all its attempts: fixed in the log before the first one, so
 * that neither a crash nor a pause moves its end. */
#include "engine/engine.h"

DURABLE_INTERNAL int durable_deadline_put(dur_step *step, int64_t timeout_ms)
{
    durable_pending pending;
    int code;

    durable_progress_describe(step, &pending);
    pending.attempt = 0;
    pending.due = 0;
    pending.deadline = durable_time_after(pending.began, timeout_ms);
    if (pending.deadline == DURABLE_NEVER) return DUR_OK;
    code = durable_progress_put(step, &pending, 0);
    return code == DUR_OK ? DUR_OK : durable_step_hold_back(step, code);
}

/* How long it was, as the log has it: the code's own number may have changed since. */
static int64_t total_ms(const durable_pending *pending)
{
    return durable_time_between(pending->began, pending->deadline);
}

DURABLE_INTERNAL int durable_deadline_fail(dur_step *step, const char *last_failure)
{
    char text[DURABLE_FAILURE_SIZE], whole[DURABLE_FAILURE_SIZE + 64];

    durable_print(whole, sizeof whole, "timed out after %lld ms%s%s",
                  (long long)total_ms(&step->progress->pending), last_failure ? ": " : "",
                  last_failure ? last_failure : "");
    durable_failure_text(text, whole, strlen(whole));
    step->retry_after = DUR_NEVER;
    return durable_step_conclude(step, DURABLE_OUTCOME_FAILURE, dur_text(text));
}

DURABLE_INTERNAL int durable_deadline_check(dur_step *step)
{
    dur_run *run = step->run;
    const durable_pending *pending = &step->progress->pending;
    int code;

    if (durable_clock_now(&run->log->clock) <= pending->deadline) return DUR_OK;
    code = durable_deadline_fail(step, pending->failure);
    if (code == DUR_OK) return DUR_FAILED;
    if (run->stop == DUR_OK) run->stop = code; /* as with a failure that is too big */
    return run->stop;
}
