/* api: new runs that share the beginning of another one. */
#include "api/api.h"

static int refuse_options(dur_log *log, const char *run_id, const char *problem)
{
    return durable_error_set(&log->error, DUR_MISUSE, "run \"%s\": %s", run_id, problem);
}

static int check_restart(dur_log *log, const char *run_id, const dur_restart_options *options)
{
    if (options->replace_at < 0)
        return refuse_options(log, run_id, "replace_at must be a position, or 0");
    if (options->replace_at == 0 && options->value.type != DUR_NULL)
        return refuse_options(log, run_id,
                              "there is a value in the restart's options, and no replace_at to put"
                              " it to");
    return options->queue ? durable_check_name(log, "queue's name", options->queue) : DUR_OK;
}

DUR_API int dur_restart(dur_log *log, const char *run_id, const char *new_run_id, int64_t position,
                        const dur_restart_options *options)
{
    dur_restart_options full = DUR_RESTART_OPTIONS_INIT;
    int code = durable_check_log(log);

    if (code == DUR_OK) code = durable_check_name(log, "run id", run_id);
    if (code == DUR_OK) code = durable_check_name(log, "new run's id", new_run_id);
    if (code != DUR_OK) return code;
    if (options && !durable_copy_struct(&full, sizeof full, options))
        return refuse_options(log, run_id,
                              "the restart's options must be set up with"
                              " DUR_RESTART_OPTIONS_INIT");
    code = check_restart(log, run_id, &full);
    if (code != DUR_OK) return code;
    return durable_restart_run(log, run_id, new_run_id, position, &full);
}
