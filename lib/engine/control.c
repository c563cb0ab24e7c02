/* engine: what is asked of a run from outside: to pause, to go on, to end at once, to be gone. */
#include "engine/engine.h"

static int tell_control(dur_log *log, int code, const char *run_id, const char *already)
{
    switch (code) {
    case DUR_OK: return code;
    case DUR_NOT_FOUND:
        return durable_error_set(&log->error, code, "run \"%s\": there is no such run in this log",
                                 run_id);
    case DUR_REPLAYED:
        return durable_error_set(&log->error, code, "run \"%s\": %s", run_id, already);
    case DUR_ENDED:
        return durable_error_set(&log->error, code, "run \"%s\" has ended%s: nothing was changed",
                                 run_id, durable_ending_words(log, run_id));
    default: return durable_log_store_error(log, run_id);
    }
}

DURABLE_INTERNAL int durable_control_pause(dur_log *log, const char *run_id, bool pause)
{
    durable_store *store = log->store;
    int code = store->methods->pause_run(store, run_id, pause, durable_clock_now(&log->clock));

    return tell_control(log, code, run_id, pause ? "it is paused already" : "it is not paused");
}

DURABLE_INTERNAL int durable_control_terminate(dur_log *log, const char *run_id,
                                               const char *reason)
{
    durable_store *store = log->store;
    char text[DURABLE_FAILURE_SIZE];
    int code;

    durable_failure_text(text, reason, strlen(reason));
    code = store->methods->terminate_run(store, run_id, text, durable_clock_now(&log->clock));
    return tell_control(log, code, run_id, "it was terminated before");
}

DURABLE_INTERNAL int durable_control_delete(dur_log *log, const char *run_id)
{
    durable_store *store = log->store;

    return tell_control(log, store->methods->delete_run(store, run_id), run_id, "");
}

/* When a run of that age has ended: not before the first ms that there is. */
static int64_t ended_before(int64_t now, int64_t age_ms)
{
    return now < INT64_MIN + age_ms ? INT64_MIN : now - age_ms;
}

DURABLE_INTERNAL int durable_control_retain(dur_log *log, const dur_retention *retention,
                                            int64_t *deleted)
{
    durable_store *store = log->store;
    durable_retention asked = {
        .workflow = retention->workflow,
        .ended_until = ended_before(durable_clock_now(&log->clock), retention->older_than_ms),
        .keep = retention->keep,
        .max_runs = retention->max_runs ? retention->max_runs : 100};
    int code = store->methods->delete_ended(store, &asked, deleted);

    if (code == DUR_OK) return code;
    durable_error_copy(&log->error, &store->error);
    durable_error_prefix(&log->error, "runs that have ended: ");
    return code;
}
