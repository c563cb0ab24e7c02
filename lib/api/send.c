/* api: what is put into the log for others: runs to start, signals, answers. */
#include "api/api.h"

DUR_API int dur_start(dur_log *log, const char *workflow, const char *run_id,
                      const dur_start_options *start)
{
    dur_start_options full;
    int code = durable_check_log(log);

    if (code == DUR_OK) code = durable_check_name(log, "workflow's name", workflow);
    if (code == DUR_OK) code = durable_check_name(log, "run id", run_id);
    if (code == DUR_OK) code = durable_check_start(log, run_id, true, &start, &full);
    return code == DUR_OK ? durable_run_start(log, workflow, run_id, start) : code;
}

static int check_signal(dur_log *log, const char *run_id, const char *name, dur_value value,
                        const dur_signal_options *options)
{
    int code = durable_check_name(log, "run id", run_id);

    if (code == DUR_OK) code = durable_check_name(log, "signal's name", name);
    if (code == DUR_OK && options->key)
        code = durable_check_name(log, "signal's key", options->key);
    if (code != DUR_OK || !options->failure || value.type == DUR_NULL) return code;
    return durable_error_set(&log->error, DUR_MISUSE,
                             "run \"%s\", signal \"%s\": it has a value and rejects: one of the"
                             " two, please",
                             run_id, name);
}

DUR_API int dur_signal(dur_log *log, const char *run_id, const char *name, dur_value value,
                       const dur_signal_options *options)
{
    dur_signal_options full = DUR_SIGNAL_OPTIONS_INIT;
    int code = durable_check_log(log);

    if (code != DUR_OK) return code;
    if (options && !durable_copy_struct(&full, sizeof full, options))
        return durable_error_set(&log->error, DUR_MISUSE,
                                 "the signal options must be set up with DUR_SIGNAL_OPTIONS_INIT");
    code = check_signal(log, run_id, name, value, &full);
    if (code != DUR_OK) return code;
    return durable_send_signal(log, run_id, name, value, full.key, full.failure);
}

DUR_API int dur_complete_callback(dur_log *log, const char *token, dur_value value)
{
    int code = durable_check_log(log);

    return code == DUR_OK ? durable_send_answer(log, token, value, NULL) : code;
}

DUR_API int dur_fail_callback(dur_log *log, const char *token, const char *message)
{
    int code = durable_check_log(log);

    if (code != DUR_OK) return code;
    return durable_send_answer(log, token, dur_null(), message ? message : "rejected");
}

DUR_API int dur_heartbeat_callback(dur_log *log, const char *token)
{
    int code = durable_check_log(log);

    return code == DUR_OK ? durable_send_heartbeat(log, token) : code;
}

static int check_resolution(dur_log *log, const char *run_id, int64_t position, int answer,
                            dur_value value, const char *message)
{
    const char *problem = NULL;

    if (position < 1)
        problem = "positions count from 1";
    else if (answer != DUR_OK && answer != DUR_FAILED && answer != DUR_EXECUTE)
        problem = "the answer must be DUR_OK, DUR_FAILED or DUR_EXECUTE";
    else if (answer != DUR_OK && value.type != DUR_NULL)
        problem = "a value goes with the answer DUR_OK only";
    else if (answer != DUR_FAILED && message)
        problem = "a message goes with the answer DUR_FAILED only";
    if (!problem) return DUR_OK;
    return durable_error_set(&log->error, DUR_MISUSE, "run \"%s\", position %lld: %s", run_id,
                             (long long)position, problem);
}

DUR_API int dur_resolve_step(dur_log *log, const char *run_id, int64_t position, int answer,
                             dur_value value, const char *message)
{
    int code = durable_check_log(log);

    if (code == DUR_OK) code = durable_check_name(log, "run id", run_id);
    if (code == DUR_OK)
        code = check_resolution(log, run_id, position, answer, value, message);
    if (code != DUR_OK) return code;
    return durable_intent_resolve(log, run_id, position, answer, value, message);
}
