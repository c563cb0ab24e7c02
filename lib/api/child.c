/* api: children, and ending runs from outside. */
#include "api/api.h"

static int refuse(dur_run *run, const char *call, const char *problem)
{
    return durable_told(run, durable_run_stop(run, DUR_MISUSE, "position %lld: %s %s",
                                      (long long)run->position, call, problem));
}

static bool is_name(const char *name)
{
    return durable_name_valid(name, strlen(name));
}

/* What is wrong with the options; NULL: nothing. */
static const char *find_problem(const dur_child_options *options)
{
    if (options->timeout_ms < 0) return "takes no negative timeout_ms";
    if (options->on_parent_end < DUR_CHILD_WAIT || options->on_parent_end > DUR_CHILD_LEAVE)
        return "takes DUR_CHILD_WAIT, DUR_CHILD_CANCEL or DUR_CHILD_LEAVE as on_parent_end";
    if (options->priority < 0 || options->priority > 7) return "takes a priority from 0 to 7";
    if (options->run_id && !is_name(options->run_id))
        return "takes a run_id of 1 to 255 bytes of UTF-8 without control characters";
    if (options->queue && !is_name(options->queue))
        return "takes a queue of 1 to 255 bytes of UTF-8 without control characters";
    return NULL;
}

/* The options, or the defaults; false where they are wrong, and the run is stopped. */
static bool take_options(dur_run *run, const char *call, const dur_child_options *options,
                         dur_child_options *full)
{
    const dur_child_options defaults = DUR_CHILD_OPTIONS_INIT;
    const char *problem;

    *full = defaults;
    full->file = NULL;
    if (options && !durable_copy_struct(full, sizeof *full, options)) {
        refuse(run, call, "needs options that were set up with DUR_CHILD_OPTIONS_INIT");
        return false;
    }
    problem = find_problem(full);
    if (problem) refuse(run, call, problem);
    return !problem;
}

DUR_API int dur_call(dur_run *run, const char *name, const dur_child_options *options,
                     dur_workflow *fn, void *user, dur_value *result)
{
    dur_child_options full;
    durable_child child = {name, NULL, &full, fn, user};
    int code = durable_check_run(run);

    if (result) *result = dur_null();
    if (code != DUR_OK) return code;
    if (!fn) return refuse(run, "dur_call()", "needs a workflow function, not NULL");
    if (!take_options(run, "dur_call()", options, &full)) return run->stop;
    return durable_told(run, durable_child_call(run, &child, result));
}

DUR_API int dur_start_child(dur_run *run, const char *name, const char *workflow,
                            const dur_child_options *options, dur_step **child)
{
    dur_child_options full;
    durable_child wanted = {name, workflow, &full, NULL, NULL};
    int code = durable_check_run(run);

    if (child) *child = NULL;
    if (code != DUR_OK) return code;
    if (!child) return refuse(run, "dur_start_child()", "needs a place for the handle, not NULL");
    if (!workflow || !is_name(workflow))
        return refuse(run, "dur_start_child()",
                      "needs the name of a workflow: 1 to 255 bytes of UTF-8 without control"
                      " characters");
    if (!take_options(run, "dur_start_child()", options, &full)) return run->stop;
    return durable_told(run, durable_child_start(run, &wanted, child));
}

DUR_API const char *dur_child_id(dur_step *child)
{
    return child && child->kind == DURABLE_KIND_CHILD ? child->token : NULL;
}

/* ---- Ending from outside ------------------------------------------------------------------- */

DUR_API int dur_cancel(dur_log *log, const char *run_id)
{
    int code = durable_check_log(log);

    if (code != DUR_OK) return code;
    durable_error_clear(&log->error);
    code = durable_check_name(log, "run's id", run_id);
    return code == DUR_OK ? durable_cancel(log, run_id) : code;
}

DUR_API bool dur_cancelled(dur_run *run)
{
    return run && run->log && durable_interrupt_lift(run);
}
