/* api: what the public functions check first. */
#include "api/api.h"

#include "engine/retry.h"

DURABLE_INTERNAL int durable_check_log(dur_log *log)
{
    if (!log) return DUR_MISUSE;
    if (log->open_code == DUR_OK) return DUR_OK;
    durable_error_copy(&log->error, &log->open_error);
    return log->open_code;
}

DURABLE_INTERNAL int durable_check_run(dur_run *run)
{
    if (!run) return DUR_MISUSE;
    if (run->log) return DUR_OK;
    return durable_run_misuse(run, "its log was closed: close this handle with dur_close_run()");
}

DURABLE_INTERNAL int durable_check_name(dur_log *log, const char *what, const char *name)
{
    if (name && durable_name_valid(name, strlen(name))) return DUR_OK;
    return durable_error_set(&log->error, DUR_MISUSE,
                             "the %s must be 1 to %d bytes of UTF-8 without control characters%s",
                             what, DUR_NAME_MAX, name ? "" : ", not NULL");
}

/* Every such struct begins with its size, which an older program's header made smaller and a newer
 * one's larger than ours. */
DURABLE_INTERNAL bool durable_copy_struct(void *full, size_t full_size, const void *given)
{
    size_t size;

    memcpy(&size, given, sizeof size);
    if (size <= sizeof size || size > 65536) return false;
    memcpy(full, given, size < full_size ? size : full_size);
    return true;
}

/* Stops the run where the policy, which may be NULL, is wrong. */
static bool is_policy(dur_run *run, const char *what, const dur_retry *policy)
{
    const char *problem;
    dur_retry full;

    if (durable_retry_fill(policy, &full, &problem)) return true;
    durable_run_stop(run, DUR_MISUSE, "position %lld: the %s policy of the step's options: %s",
                     (long long)run->position, what, problem);
    return false;
}

static int refuse_start(dur_log *log, const char *run_id, const char *problem)
{
    return durable_error_set(&log->error, DUR_MISUSE, "run \"%s\": %s", run_id, problem);
}

DURABLE_INTERNAL int durable_check_start(dur_log *log, const char *run_id, bool waits,
                                         const dur_start_options **start, dur_start_options *full)
{
    const dur_start_options defaults = DUR_START_OPTIONS_INIT;

    if (!*start) return DUR_OK;
    *full = defaults;
    if (!durable_copy_struct(full, sizeof *full, *start))
        return refuse_start(log, run_id,
                            "the start options must be set up with DUR_START_OPTIONS_INIT");
    *start = full;
    if (full->priority < 0 || full->priority > 7)
        return refuse_start(log, run_id, "its priority must be 0 to 7");
    if (full->deadline_ms < 0)
        return refuse_start(log, run_id, "its deadline_ms must be a time in Unix ms, or 0");
    if (full->start_at_ms != 0 && !waits)
        return refuse_start(log, run_id,
                            "start_at_ms is for dur_start(): this call executes the run at once");
    return full->queue ? durable_check_name(log, "queue's name", full->queue) : DUR_OK;
}

/* NULL: nothing is wrong with them. */
static const char *find_step_problem(const dur_step_options *options)
{
    bool doubts = options->mode == DUR_AT_MOST_ONCE;
    bool verifies = options->in_doubt == DUR_IN_DOUBT_VERIFY;

    if (options->mode < DUR_AT_LEAST_ONCE || options->mode > DUR_AT_MOST_ONCE)
        return "mode must be DUR_AT_LEAST_ONCE, DUR_TRANSACTIONAL or DUR_AT_MOST_ONCE";
    if (options->in_doubt < DUR_IN_DOUBT_PARK || options->in_doubt > DUR_IN_DOUBT_VERIFY)
        return "in_doubt must be DUR_IN_DOUBT_PARK, _RETRY, _FAIL or _VERIFY";
    if (options->in_doubt != DUR_IN_DOUBT_PARK && !doubts)
        return "in_doubt is for DUR_AT_MOST_ONCE: a step of another mode is never in doubt";
    if (verifies && !options->verify) return "DUR_IN_DOUBT_VERIFY needs a verify function";
    if (!verifies && options->verify)
        return "a verify function is only called with in_doubt DUR_IN_DOUBT_VERIFY";
    if (options->timeout_ms < 0) return "timeout_ms must not be negative";
    return NULL;
}

/* Most options say nothing about it, and are not to pay for those that do. */
static bool are_plain(const dur_step_options *options)
{
    return !options->mode && !options->in_doubt && !options->verify && options->timeout_ms == 0;
}

DURABLE_INTERNAL int durable_begin_step(dur_run *run, durable_asked *asked,
                                        const dur_step_options *options, durable_answer *answer)
{
    dur_step_options full = DUR_STEP_OPTIONS_INIT;
    bool usable = true;

    answer->step = NULL;
    answer->value = dur_null();
    if (!options) return durable_step_begin(run, asked, NULL, answer);
    if (options->size != sizeof full) {
        usable = durable_copy_struct(&full, sizeof full, options);
        options = &full;
    }
    if (!usable || options->lease_ms < 0)
        return durable_run_stop(run, DUR_MISUSE,
                                "position %lld: the step options must be set up with"
                                " DUR_STEP_OPTIONS_INIT, and lease_ms must not be negative",
                                (long long)run->position);
    if ((options->retry || options->poll) &&
        (!is_policy(run, "retry", options->retry) || !is_policy(run, "poll", options->poll)))
        return run->stop;
    if (!are_plain(options)) {
        const char *problem = find_step_problem(options);

        if (problem)
            return durable_run_stop(run, DUR_MISUSE, "position %lld: the step's options: %s",
                                    (long long)run->position, problem);
    }
    if (!asked->file) {
        asked->file = options->file;
        asked->line = options->line;
    }
    return durable_step_begin(run, asked, options, answer);
}
