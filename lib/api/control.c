/* api: pausing, terminating, deleting. */
#include "api/api.h"

static int check_run_id(dur_log *log, const char *run_id)
{
    int code = durable_check_log(log);

    return code == DUR_OK ? durable_check_name(log, "run id", run_id) : code;
}

DUR_API int dur_pause(dur_log *log, const char *run_id)
{
    int code = check_run_id(log, run_id);

    return code == DUR_OK ? durable_control_pause(log, run_id, true) : code;
}

DUR_API int dur_resume(dur_log *log, const char *run_id)
{
    int code = check_run_id(log, run_id);

    return code == DUR_OK ? durable_control_pause(log, run_id, false) : code;
}

DUR_API int dur_terminate(dur_log *log, const char *run_id, const char *reason)
{
    int code = check_run_id(log, run_id);

    if (code != DUR_OK) return code;
    return durable_control_terminate(log, run_id, reason ? reason : "terminated");
}

DUR_API int dur_delete(dur_log *log, const char *run_id)
{
    int code = check_run_id(log, run_id);

    return code == DUR_OK ? durable_control_delete(log, run_id) : code;
}

static int check_retention(dur_log *log, const dur_retention *given, dur_retention *full)
{
    const char *problem = NULL;

    if (!given || !durable_copy_struct(full, sizeof *full, given))
        problem = "it must be set up with DUR_RETENTION_INIT";
    else if (full->older_than_ms < 0)
        problem = "older_than_ms must not be negative";
    else if (full->keep < 0)
        problem = "keep must not be negative";
    else if (full->max_runs < 0)
        problem = "max_runs must not be negative";
    if (problem) return durable_error_set(&log->error, DUR_MISUSE, "the retention: %s", problem);
    return full->workflow ? durable_check_name(log, "workflow's name", full->workflow) : DUR_OK;
}

DUR_API int dur_retain(dur_log *log, const dur_retention *retention, int64_t *deleted)
{
    dur_retention full = DUR_RETENTION_INIT;
    int64_t count = 0;
    int code = durable_check_log(log);

    if (deleted) *deleted = 0;
    if (code == DUR_OK) code = check_retention(log, retention, &full);
    if (code == DUR_OK) code = durable_control_retain(log, &full, &count);
    if (deleted) *deleted = count;
    return code;
}
