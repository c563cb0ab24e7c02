/* engine: outcomes that a failing database kept from being recorded. They are a promise: a step
 * that was executed is not executed again just because the disk was full for a moment. */
#include "engine/engine.h"

DURABLE_INTERNAL bool durable_is_transient(int code)
{
    switch (code) {
    case DUR_NOMEM:
    case DUR_BUSY:
    case DUR_INTERRUPTED:
    case DUR_FULL:
    case DUR_IOERR:
    case DUR_READONLY:
    case DUR_HOST_STATEMENT:
    case DUR_STALE_READ:
    case DUR_DATABASE: return true;
    default: return false;
    }
}

DURABLE_INTERNAL bool durable_keep(dur_step *step, const durable_outcome *outcome)
{
    size_t length = outcome->value.length;
    char *memory = step->kept_inline;

    if (step->kept) return true;
    if (length >= DURABLE_KEPT_SIZE) {
        memory = step->kept_memory = durable_copy_text(outcome->value.bytes, length);
        if (!memory) return false;
    } else if (length > 0) {
        memcpy(memory, outcome->value.bytes, length);
    }
    step->kept = true;
    step->kept_outcome = *outcome;
    step->kept_outcome.value.bytes = memory;
    step->kept_outcome.lease_end = 0;
    return true;
}

/* What was tried within a transaction of the host's goes with it: the body's own work may have been
 * undone. */
DURABLE_INTERNAL bool durable_outlives_pass(const dur_step *step)
{
    return step->kept && !step->kept_outcome.joined;
}

DURABLE_INTERNAL void durable_kept_detach(dur_run *run)
{
    dur_step *step = run->open_first;

    while (step) {
        dur_step *next = step->next;

        if (durable_outlives_pass(step)) {
            durable_step_unlink(step);
            step->fence = run->fence;
            step->run = NULL;
            step->next = run->log->kept;
            run->log->kept = step;
        }
        step = next;
    }
}

/* *joined: it is written, but in a transaction of the host's, which may yet be rolled back. */
static int append_kept(dur_log *log, dur_step *step, bool *joined)
{
    durable_outcome outcome = step->kept_outcome;
    char site[DURABLE_SITE_SIZE];
    int code;

    durable_site_text(site, step->file, step->line);
    outcome.site = step->file ? site : NULL;
    outcome.fence = &step->fence;
    step->fence.provisional = 0;
    code = log->store->methods->append_outcomes(log->store, &outcome, 1);
    *joined = outcome.joined;
    return code == DUR_OK ? outcome.verdict : code;
}

static bool is_of(const dur_step *step, const durable_run_record *record)
{
    return step->fence.run == record->run;
}

static bool has_fence_of(const dur_step *step, const durable_run_record *record)
{
    return step->fence.epoch == record->epoch && step->fence.token == record->token;
}

/* Whether the outcome is settled: recorded for good, or the run is another owner's for good. What
 * is done or seen within a transaction of the host's may be undone with it. */
static int settle(dur_log *log, dur_step *step, const durable_run_record *record, bool *settled)
{
    bool joined = record->joined;
    int code = DUR_OK;

    if (has_fence_of(step, record)) code = append_kept(log, step, &joined);
    if (code == DUR_LOST) code = DUR_OK;
    *settled = code == DUR_OK && !joined;
    return code;
}

DURABLE_INTERNAL int durable_kept_flush(dur_log *log, const durable_run_record *record)
{
    dur_step **link = &log->kept;

    while (*link) {
        dur_step *step = *link;
        bool settled = false;
        int code = is_of(step, record) ? settle(log, step, record, &settled) : DUR_OK;

        if (code != DUR_OK) return code;
        if (settled) {
            *link = step->next;
            durable_step_free(step);
        } else {
            link = &step->next;
        }
    }
    return DUR_OK;
}

/* All are written before the first claim is given back: it guards every one of them. */
DURABLE_INTERNAL void durable_kept_flush_all(dur_log *log)
{
    bool joined;

    for (dur_step *step = log->kept; step; step = step->next) append_kept(log, step, &joined);
    while (log->kept) {
        dur_step *step = log->kept;

        log->kept = step->next;
        log->store->methods->release_run(log->store, &step->fence,
                                         durable_clock_now(&log->clock));
        durable_step_free(step);
    }
}

DURABLE_INTERNAL void durable_kept_flush_run(dur_run *run)
{
    bool joined;

    for (dur_step *step = run->open_first; step; step = step->next) {
        step->fence = run->fence;
        if (durable_outlives_pass(step)) append_kept(run->log, step, &joined);
        step->kept = false;
    }
}
