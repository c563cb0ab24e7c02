/* api: what the public functions check first. */
#include "api/api.h"

#include "engine/retry.h"

DURABLE_INTERNAL int durable_check_log(dur_log *log)
{
    if (!log) return DUR_MISUSE;
    if (log->visiting)
        return durable_error_set(&log->error, DUR_MISUSE,
                                 "a callback that is shown what is recorded must not call the log");
    if (log->open_code == DUR_OK) return DUR_OK;
    durable_error_copy(&log->error, &log->open_error);
    return log->open_code;
}

DURABLE_INTERNAL int durable_visited(dur_log *log, int code)
{
    log->visiting = false;
    if (!log->closing || log->checks > 0) return code;
    durable_log_close(log);
    return DUR_MISUSE;
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

    if (options->lease_ms < 0) return "lease_ms must not be negative";
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

static int check_options(dur_run *run, const dur_step_options *options)
{
    const char *problem = find_step_problem(options);

    if (problem)
        return durable_run_stop(run, DUR_MISUSE, "position %lld: the step's options: %s",
                                (long long)run->position, problem);
    if (!is_policy(run, "retry", options->retry) || !is_policy(run, "poll", options->poll))
        return run->stop;
    return DUR_OK;
}

/* Most options tell no more than the call site, and are not to pay for those that do. */
static bool are_plain(const dur_step_options *options)
{
    int64_t numbers = options->lease_ms | options->timeout_ms | options->mode | options->in_doubt;

    return numbers == 0 && !options->retry && !options->poll && !options->verify;
}

/* Of a program that was compiled with another version of the header. */
static int begin_resized(dur_run *run, durable_asked *asked, const dur_step_options *options,
                         durable_answer *answer)
{
    dur_step_options full = DUR_STEP_OPTIONS_INIT;

    full.file = NULL;
    if (durable_copy_struct(&full, sizeof full, options)) {
        full.size = sizeof full;
        return durable_begin_step(run, asked, &full, answer);
    }
    return durable_run_stop(run, DUR_MISUSE,
                            "position %lld: the step options must be set up with"
                            " DUR_STEP_OPTIONS_INIT",
                            (long long)run->position);
}

DURABLE_INTERNAL int durable_begin_step(dur_run *run, durable_asked *asked,
                                        const dur_step_options *options, durable_answer *answer)
{
    answer->step = NULL;
    answer->value = dur_null();
    if (!options) return durable_step_begin(run, asked, NULL, answer);
    if (options->size != sizeof *options) return begin_resized(run, asked, options, answer);
    if (!are_plain(options) && check_options(run, options) != DUR_OK) return run->stop;
    if (!asked->file) {
        asked->file = options->file;
        asked->line = options->line;
    }
    return durable_step_begin(run, asked, options, answer);
}
