/* api: workers. */
#include "api/api.h"

DUR_API int dur_register(dur_log *log, const char *workflow, dur_workflow *fn, void *user)
{
    int code = durable_check_log(log);

    if (code == DUR_OK) code = durable_check_name(log, "workflow's name", workflow);
    return code == DUR_OK ? durable_worker_register(log, workflow, fn, user) : code;
}

/* ---- Queues -------------------------------------------------------------------------------- */

#define US_PER_MS 1000
#define DEFAULT_PERIOD_MS 1000

/* The longest period that is told from another: a thousand years. */
#define PERIOD_MOST_MS INT64_C(31536000000000)

/* Passes "spread evenly": one each so many us, rounded up, so that no period sees one too many. */
static int64_t interval_of(const dur_queue_limits *limits)
{
    int64_t period_ms = limits->period_ms ? limits->period_ms : DEFAULT_PERIOD_MS;
    int64_t period_us = (period_ms < PERIOD_MOST_MS ? period_ms : PERIOD_MOST_MS) * US_PER_MS;
    int64_t starts = limits->max_starts;

    return starts ? period_us / starts + (period_us % starts != 0) : 0;
}

static bool are_limits(const dur_queue_limits *limits)
{
    return limits->max_active >= 0 && limits->max_active_process >= 0 &&
           limits->max_starts >= 0 && limits->period_ms >= 0;
}

DUR_API int dur_serve_queue(dur_log *log, const char *queue, const dur_queue_limits *limits)
{
    dur_queue_limits full = DUR_QUEUE_LIMITS_INIT;
    durable_limits wanted;
    int code = durable_check_log(log);

    if (code == DUR_OK) code = durable_check_name(log, "queue's name", queue);
    if (code != DUR_OK) return code;
    if (!limits) return durable_worker_serve(log, queue, NULL);
    if (!durable_copy_struct(&full, sizeof full, limits) || !are_limits(&full))
        return durable_error_set(&log->error, DUR_MISUSE,
                                 "queue \"%s\": its limits must be set up with"
                                 " DUR_QUEUE_LIMITS_INIT, and none may be negative",
                                 queue);
    wanted.max_active = full.max_active;
    wanted.max_active_process = full.max_active_process;
    wanted.interval_us = interval_of(&full);
    return durable_worker_serve(log, queue, &wanted);
}

/* ---- Working ------------------------------------------------------------------------------- */

/* All of the options, with the caller's over the defaults. */
static int check_work(dur_log *log, const dur_work_options *options, dur_work_options *full)
{
    const dur_work_options defaults = DUR_WORK_OPTIONS_INIT;
    int code = durable_check_log(log);

    if (code != DUR_OK) return code;
    *full = defaults;
    if (!options || (durable_copy_struct(full, sizeof *full, options) && full->max_passes >= 0 &&
                     full->budget_ms >= 0 && full->poll_ms >= 0))
        return DUR_OK;
    return durable_error_set(&log->error, DUR_MISUSE,
                             "the work options must be set up with DUR_WORK_OPTIONS_INIT, and no"
                             " number in them may be negative");
}

DUR_API int dur_work(dur_log *log, const dur_work_options *options, int64_t *next_wake_ms)
{
    dur_work_options full;
    int64_t unused;
    int code = check_work(log, options, &full);

    if (next_wake_ms) *next_wake_ms = -1;
    if (code != DUR_OK) return code;
    return durable_worker_work(log, &full, next_wake_ms ? next_wake_ms : &unused);
}

DUR_API int dur_work_loop(dur_log *log, const dur_work_options *options)
{
    dur_work_options full;
    int code = check_work(log, options, &full);

    return code == DUR_OK ? durable_worker_loop(log, &full) : code;
}

/* Called from signal handlers and other threads: it looks at nothing else in the log. */
DUR_API void dur_stop_work_loop(dur_log *log)
{
    if (log) durable_flag_raise(&log->stops);
}
