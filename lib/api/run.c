/* api: runs. */
#include "api/api.h"

#include <stdio.h>

/* ---- Starting and ending ------------------------------------------------------------------- */

static int begin(dur_log *log, const char *workflow, const char *run_id,
                 const dur_start_options *start, dur_run **run)
{
    dur_start_options full;
    int code = durable_check_log(log);

    if (code == DUR_OK) code = durable_check_name(log, "workflow's name", workflow);
    if (code == DUR_OK) code = durable_check_name(log, "run id", run_id);
    if (code != DUR_OK) return code;
    code = durable_check_start(log, run_id, false, &start, &full);
    if (code != DUR_OK) return code;
    return durable_run_begin(log, workflow, run_id, start, run);
}

DUR_API int dur_begin_run(dur_log *log, const char *workflow, const char *run_id,
                          const dur_start_options *start, dur_run **run)
{
    if (run) *run = NULL;
    if (log && !run)
        return durable_error_set(&log->error, DUR_MISUSE, "dur_begin_run() needs a place for the"
                                                          " run's handle, not NULL");
    return begin(log, workflow, run_id, start, run);
}

static int check_not_ended(dur_run *run)
{
    int code = durable_check_run(run);

    if (code != DUR_OK || !run->ended) return code;
    return durable_run_misuse(run, "the run has ended already");
}

DUR_API int dur_execute(dur_log *log, const char *workflow, const char *run_id,
                        const dur_start_options *start, dur_workflow *fn, void *user)
{
    dur_run *run = NULL;
    int code;

    if (log && !fn)
        return durable_error_set(&log->error, DUR_MISUSE,
                                 "dur_execute() needs a workflow function, not NULL");
    code = begin(log, workflow, run_id, start, &run);
    if (code == DUR_REPLAYED) return DUR_OK;
    if (code != DUR_OK) return code;
    return durable_run_pass(run, fn, user);
}

DUR_API int dur_complete_run(dur_run *run, dur_value output)
{
    int code = check_not_ended(run);

    if (code != DUR_OK) return code;
    return durable_run_end(run, output, NULL);
}

DUR_API int dur_fail_run(dur_run *run, const char *message)
{
    int code = check_not_ended(run);

    if (code != DUR_OK) return code;
    code = durable_run_end(run, dur_null(), message ? message : "run failed");
    return code == DUR_FAILED && run->ended ? DUR_OK : code;
}

DUR_API void dur_close_run(dur_run *run)
{
    if (!run) return;
    if (run->lent)
        durable_run_stop(run, DUR_MISUSE, "dur_close_run() was called in the workflow that"
                                          " dur_execute() runs, and closes");
    else
        durable_run_close(run);
}

/* ---- In the workflow ----------------------------------------------------------------------- */

DUR_API dur_value dur_input(const dur_run *run)
{
    return run ? run->input : dur_null();
}

/* What a stopped run is told changes nothing, but it counts as one more request: recording again
 * what has stopped it must not make as if nothing had been said. */
static bool is_heard(dur_run *run)
{
    if (!run || !run->log || run->ended) return false;
    if (run->stop != DUR_OK) run->stopped_calls++;
    return run->stop == DUR_OK;
}

DUR_API int dur_set_output(dur_run *run, dur_value output)
{
    durable_datum datum;
    int code = check_not_ended(run);

    if (code != DUR_OK) return code;
    if (!is_heard(run)) return run->stop;
    if (durable_value_encode(output, &datum) != DUR_OK)
        return durable_run_stop(run, DUR_MISUSE, "the output is no value (type %d)",
                                (int)output.type);
    return durable_run_set_output(run, output);
}

DUR_API const char *dur_run_id(const dur_run *run)
{
    return run ? run->id : NULL;
}

DUR_API const char *dur_run_workflow(const dur_run *run)
{
    return run ? run->workflow : NULL;
}

DUR_API bool dur_ok(const dur_run *run)
{
    if (!run) return false;
    if (run->stop != DUR_OK) ((dur_run *)run)->told = true;
    return run->log && run->stop == DUR_OK && !run->ended && !run->failure_pending;
}

DUR_API int dur_run_code(const dur_run *run)
{
    if (!run || !run->log) return DUR_MISUSE;
    if (run->stop != DUR_OK) ((dur_run *)run)->told = true;
    return run->stop;
}

DUR_API const char *dur_run_errmsg(const dur_run *run)
{
    return run ? run->error.message : "no run";
}

/* C's own printf, not SQLite's, so that %zu and the compiler's checks of the format hold. */
static void print_message(char text[DURABLE_FAILURE_SIZE], const char *format, va_list arguments)
{
    char message[DURABLE_FAILURE_SIZE + 4]; /* room to see whether the cut splits a character */

    if (!format || vsnprintf(message, sizeof message, format, arguments) < 0)
        durable_print(message, sizeof message, "no message");
    durable_failure_text(text, message, strlen(message));
}

DUR_API void dur_fail(dur_run *run, const char *format, ...)
{
    va_list arguments;

    if (!is_heard(run) || run->failing) return;
    va_start(arguments, format);
    print_message(run->failure, format, arguments);
    va_end(arguments);
    if (run->body && run->body->state == DURABLE_STEP_OPEN) {
        run->failing = true;
        return;
    }
    durable_run_stop_failed(run);
}

DUR_API void dur_stop(dur_run *run, const char *format, ...)
{
    char message[DURABLE_FAILURE_SIZE];
    va_list arguments;

    if (!is_heard(run)) return;
    va_start(arguments, format);
    print_message(message, format, arguments);
    va_end(arguments);
    durable_run_stop(run, DUR_STOPPED, "%s", message);
}

DUR_API const char *dur_catch(dur_run *run)
{
    if (!run || run->stop != DUR_OK || !run->failure_pending) return NULL;
    run->failure_pending = false;
    return run->failure;
}

/* ---- Memory -------------------------------------------------------------------------------- */

DUR_API void *dur_own(dur_run *run, void *memory, void (*free_fn)(void *))
{
    if (!memory || !free_fn) return memory;
    if (run && durable_arena_own(&run->arena, memory, free_fn)) return memory;
    free_fn(memory);
    if (run && run->log)
        durable_run_stop(run, DUR_NOMEM, "out of memory while taking memory over from a step");
    return NULL;
}

DUR_API uint64_t dur_mark(const dur_run *run)
{
    return run ? durable_arena_mark(&run->arena) : 0;
}

DUR_API void dur_release(dur_run *run, uint64_t mark)
{
    if (run) durable_arena_release(&run->arena, mark);
}
