/* api: waiting. */
#include "api/api.h"

static int check_waiting(dur_run *run, dur_value *value)
{
    if (value) *value = dur_null();
    return durable_check_run(run);
}

/* Whoever is told of a stop has heard it. */
static int tell(dur_run *run, int code)
{
    if (run->stop != DUR_OK) run->told = true;
    return code;
}

DUR_API int dur_sleep(dur_run *run, const char *name, int64_t duration_ms)
{
    int code = check_waiting(run, NULL);

    return code == DUR_OK ? tell(run, durable_wait_timer(run, name, duration_ms, true)) : code;
}

DUR_API int dur_sleep_until(dur_run *run, const char *name, int64_t time_ms)
{
    int code = check_waiting(run, NULL);

    return code == DUR_OK ? tell(run, durable_wait_timer(run, name, time_ms, false)) : code;
}

DUR_API int dur_receive(dur_run *run, const char *name, int64_t timeout_ms, dur_value *value)
{
    int code = check_waiting(run, value);

    if (code != DUR_OK) return code;
    if (timeout_ms < 0 && timeout_ms != DUR_FOREVER)
        return tell(run, durable_run_stop(run, DUR_MISUSE,
                                          "position %lld: dur_receive() takes a timeout in ms or"
                                          " DUR_FOREVER, not %lld",
                                          (long long)run->position, (long long)timeout_ms));
    return tell(run, durable_wait_signal(run, name, timeout_ms, value));
}

DUR_API int dur_select(dur_run *run, const char *name, const dur_case *cases, size_t count,
                       size_t *which)
{
    int code = check_waiting(run, NULL);

    if (which) *which = 0;
    return code == DUR_OK ? tell(run, durable_select(run, name, cases, count, which)) : code;
}

/* ---- Callbacks ----------------------------------------------------------------------------- */

DUR_API int dur_begin_callback(dur_run *run, const char *name, const dur_callback_options *options,
                               dur_step **callback)
{
    dur_callback_options full = {sizeof(dur_callback_options), 0, 0, NULL, 0};
    int code = check_waiting(run, NULL);

    if (callback) *callback = NULL;
    if (code != DUR_OK) return code;
    if (!callback || (options && !durable_copy_struct(&full, sizeof full, options)) ||
        full.timeout_ms < 0 || full.heartbeat_ms < 0)
        return tell(run, durable_run_stop(run, DUR_MISUSE,
                                          "position %lld: dur_begin_callback() needs a place for"
                                          " the handle, options that were set up with"
                                          " DUR_CALLBACK_OPTIONS_INIT, and no negative times",
                                          (long long)run->position));
    return tell(run, durable_callback_begin(run, name, &full, callback));
}

/* A callback, or a started child. */
static bool is_awaited(const dur_step *step)
{
    return step && step->run && step->token;
}

DUR_API const char *dur_callback_token(dur_step *callback)
{
    return is_awaited(callback) && callback->kind == DURABLE_KIND_CALLBACK ? callback->token
                                                                           : NULL;
}

DUR_API int dur_await(dur_step *callback, dur_value *value)
{
    int code;

    if (value) *value = dur_null();
    if (!callback || !callback->run) return DUR_MISUSE;
    code = durable_check_run(callback->run);
    if (code == DUR_OK && !is_awaited(callback))
        code = durable_run_stop(callback->run, DUR_MISUSE,
                                "position %lld, step \"%s\": dur_await() is for callbacks and"
                                " started children; a step has its outcome when it is recorded",
                                (long long)callback->position, callback->name);
    return code == DUR_OK ? tell(callback->run, durable_callback_await(callback, value)) : code;
}
