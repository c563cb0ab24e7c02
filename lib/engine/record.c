/* engine: recording what a step came to. */
#include "engine/engine.h"

/* Renewed in an outcome's own commit, once half of the lease is used. */
static int64_t renewed_lease(const dur_run *run, int64_t now)
{
    int64_t lease_ms = run->log->lease_ms;

    if (durable_time_between(now, run->lease_end) >= lease_ms / 2) return 0;
    return durable_time_after(now, lease_ms);
}

static bool has_unrecorded(const dur_run *run)
{
    for (const dur_step *step = run->open_first; step; step = step->next)
        if (step->unrecorded) return true;
    return false;
}

/* A stop that came from failed records ends with the last of them. One that a request met stays:
 * its step was passed over, and the positions after it would shift. */
static void lift_stop(dur_run *run)
{
    if (!run->stopped_by_record || run->stopped_calls || has_unrecorded(run)) return;
    run->stop = DUR_OK;
    run->stopped_by_record = false;
}

static void note_recorded(dur_step *step, const durable_outcome *outcome)
{
    dur_run *run = step->run;

    if (outcome->lease_end && !outcome->joined) run->lease_end = outcome->lease_end;
    if (outcome->outcome == DURABLE_OUTCOME_FAILURE) {
        durable_run_set_failure(run, outcome->value.bytes, outcome->value.length);
        run->failure_pending = true;
    }
    durable_step_close(step);
    lift_stop(run);
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

static int fail_to_record(dur_step *step, const durable_outcome *outcome, int code)
{
    dur_run *run = step->run;

    if (code == DUR_TOO_BIG) /* the caller may have something smaller to say */
        return durable_run_take_error(run, code, step->position, step->name);
    /* The newest reason is the true one. */
    if (run->stopped_by_record && !run->stopped_calls) run->stop = DUR_OK;
    if (run->stop == DUR_OK) run->stopped_by_record = durable_is_transient(code);
    durable_run_stop_with_store(run, code, step->position, step->name);
    if (durable_is_transient(code)) {
        step->unrecorded = true;
        /* Tried within a transaction of the host's only, or once outside it? */
        if (step->kept) step->kept_outcome.joined &= outcome->joined;
        durable_keep(step, outcome);
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

static int append(dur_step *step, durable_outcome *outcome)
{
    dur_run *run = step->run;
    int code;

    outcome->site = site_of(step);
    outcome->fence = &run->fence;
    code = run->log->store->methods->append_outcomes(run->log->store, outcome, 1);
    outcome->site = NULL;
    return code == DUR_OK ? outcome->verdict : code;
}

static void describe_outcome(const dur_step *step, int kind_of_outcome,
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
    outcome->attempt = 1;
    outcome->began = step->began;
    outcome->took = durable_time_between(step->began, now);
    outcome->lease_end = renewed_lease(run, now);
}

static int check_recordable(dur_step *step)
{
    dur_run *run = step->run;

    if (!run->log)
        return durable_run_misuse(run, "its log was closed: position %lld, step \"%s\" cannot be"
                                       " recorded any more",
                                  (long long)step->position, step->name);
    if (step->state != DURABLE_STEP_OPEN)
        return durable_run_misuse(run, "position %lld, step \"%s\": it %s: nothing to record",
                                  (long long)step->position, step->name,
                                  step->state == DURABLE_STEP_REPLAYED
                                      ? "was answered from the log"
                                      : "is closed already");
    if (run->ended) return durable_run_misuse(run, "the run has ended: nothing can be recorded");
    if (run->stop != DUR_OK && !durable_is_transient(run->stop)) return run->stop;
    return DUR_OK;
}

DURABLE_INTERNAL int durable_step_conclude(dur_step *step, int outcome, dur_value value)
{
    durable_outcome record;
    durable_datum datum;
    dur_value *result = step->result;
    int code = check_recordable(step);

    if (code != DUR_OK) return code;
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
    code = append(step, &record);
    if (code != DUR_OK) return fail_to_record(step, &record, code);
    code = give_result(step, &record, result);
    note_recorded(step, &record);
    return code;
}
