/* api: the log. */
#include "api/api.h"
#include "api/open.h"
#include "engine/retry.h"

static int refuse(dur_log **log, const char *caller, const char *of, const char *problem)
{
    char message[128];

    durable_print(message, sizeof message, "%s: %s%s", caller, of, problem);
    *log = durable_log_refused(message);
    return *log ? DUR_MISUSE : DUR_NOMEM;
}

DURABLE_INTERNAL const char *durable_options_problem(dur_options *options, dur_retry *retry,
                                                     bool *of_policy)
{
    const char *problem;

    *of_policy = false;
    if (options->lease_ms < 0) return "lease_ms must not be negative";
    if (options->sleep_max_ms < 0) return "sleep_max_ms must not be negative";
    if (options->shared_commit_steps < 0) return "shared_commit_steps must not be negative";
    if (options->long_run_steps < 0) return "long_run_steps must not be negative";
    if (options->long_run_bytes < 0) return "long_run_bytes must not be negative";
    if (!options->retry) return NULL;
    *of_policy = !durable_retry_fill(options->retry, retry, &problem);
    options->retry = retry;
    return problem;
}

DURABLE_INTERNAL int durable_take_options(const char *caller, const dur_options *given,
                                          dur_options *full, dur_retry *retry, dur_log **log)
{
    const dur_options defaults = DUR_OPTIONS_INIT;
    const char *problem;
    bool of_policy;

    *full = defaults;
    if (given && !durable_copy_struct(full, sizeof *full, given))
        return refuse(log, caller, "", "the options must be set up with DUR_OPTIONS_INIT");
    problem = durable_options_problem(full, retry, &of_policy);
    return problem ? refuse(log, caller, of_policy ? "the retry policy: " : "", problem) : DUR_OK;
}

DURABLE_INTERNAL int durable_open_log(durable_store *store, int code, const dur_options *options,
                                      dur_log **log)
{
    *log = NULL;
    if (!store) return code;
    *log = durable_log_new(store, code, options);
    if (!*log) return DUR_NOMEM;
    if (code == DUR_NOMEM) {
        durable_log_close(*log);
        *log = NULL;
    }
    return code;
}

DUR_API int dur_open(struct sqlite3 *db, const dur_options *options, dur_log **log)
{
    dur_options full;
    durable_store *store;
    dur_retry retry;
    int code;

    if (log) *log = NULL;
    if (!db || !log) return DUR_MISUSE;
    code = durable_take_options("dur_open()", options, &full, &retry, log);
    if (code != DUR_OK) return code;
    code = durable_open_store(db, &full, &store);
    return durable_open_log(store, code, &full, log);
}

DUR_API void dur_close(dur_log *log)
{
    if (log && (log->checks || log->visiting)) log->closing = true;
    else if (log) durable_log_close(log);
}

DUR_API dur_value dur_output(const dur_log *log)
{
    return log ? log->output : dur_null();
}

DUR_API const char *dur_errmsg(const dur_log *log)
{
    return log ? log->error.message : "no log";
}

DUR_API int dur_sqlite_errcode(const dur_log *log)
{
    return log ? log->error.sqlite_code : 0;
}

DUR_API const dur_divergence *dur_get_divergence(const dur_log *log)
{
    return log ? durable_divergence_report(log->divergence) : NULL;
}

DUR_API int dur_read_run(dur_log *log, const char *run_id, dur_run_info *info)
{
    int code = durable_check_log(log);

    if (code == DUR_OK) code = durable_check_name(log, "run id", run_id);
    if (code != DUR_OK) return code;
    if (!info || info->size <= sizeof info->size || info->size > 65536)
        return durable_error_set(&log->error, DUR_MISUSE,
                                 "run \"%s\": the info must be set up with DUR_RUN_INFO_INIT",
                                 run_id);
    return durable_log_read_run(log, run_id, info);
}
