/* engine: callbacks: a token goes out, and one answer comes back. */
#include "engine/wait.h"

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Its deadline, and its first heartbeat's, are fixed in the log before the token is handed out. */
static int arm(dur_step *callback, const dur_callback_options *options)
{
    dur_run *run = callback->run;
    int64_t now = callback->began;
    durable_pending pending;
    int code;

    durable_progress_describe(callback, &pending);
    if (options->timeout_ms) pending.deadline = durable_time_after(now, options->timeout_ms);
    pending.interval = options->heartbeat_ms;
    pending.due = pending.deadline;
    if (pending.interval)
        pending.due = earlier(pending.deadline, durable_time_after(now, pending.interval));
    code = durable_progress_put(callback, &pending, 0);
    if (code == DUR_OK) return DUR_OK;
    durable_step_close(callback);
    return durable_run_stop_with_store(run, code, callback->position, callback->name);
}

/* As long-lived as the handle: in the run's memory where that is. */
static int make_token(dur_run *run, dur_step *callback, bool replayed)
{
    durable_callback which = {run->fence.run, callback->position, run->uid};

    callback->token = replayed ? durable_arena_allocate(&run->arena, DUR_TOKEN_SIZE)
                               : durable_allocate(DUR_TOKEN_SIZE);
    if (!callback->token)
        return durable_run_stop(run, DUR_NOMEM, "position %lld, callback \"%s\": out of memory",
                                (long long)callback->position, callback->name);
    durable_token_print(callback->token, &which);
    return DUR_OK;
}

DURABLE_INTERNAL int durable_callback_begin(dur_run *run, const char *name,
                                            const dur_callback_options *options,
                                            dur_step **callback)
{
    durable_asked asked = {DURABLE_KIND_CALLBACK, name, options->file, options->line, false};
    durable_answer answer;
    int begun = durable_step_begin(run, &asked, NULL, &answer);
    int code = answer.step ? DUR_OK : begun;

    if (begun == DUR_EXECUTE && !answer.step->progress && !run->log->check)
        code = arm(answer.step, options);
    if (code == DUR_OK) code = make_token(run, answer.step, begun != DUR_EXECUTE);
    if (code != DUR_OK) return code;
    if (begun == DUR_EXECUTE && run->log->on_callback)
        code = run->log->on_callback(answer.step, run->log->bench);
    if (code == DUR_OK) *callback = answer.step;
    return code;
}

/* ---- Its answer ---------------------------------------------------------------------------- */

/* Others move the time by their heartbeats: it is read anew before it is believed to be over. */
static int is_over(dur_step *callback, bool *over)
{
    durable_progress *progress = callback->progress;
    int64_t now = durable_clock_now(&callback->run->log->clock);
    int code = DUR_OK;

    *over = now >= progress->pending.due;
    if (!*over || !progress->pending.interval) return DUR_OK;
    code = durable_progress_refresh(callback->run, progress);
    *over = now >= progress->pending.due;
    return code;
}

DURABLE_INTERNAL int durable_callback_look(dur_step *callback, bool with_value,
                                           durable_standing *standing, durable_found *found)
{
    char address[DURABLE_ADDRESS_SIZE];
    bool over = false;
    int code;

    memset(found, 0, sizeof *found);
    *standing = DURABLE_UNANSWERED;
    code = durable_progress_confirm(callback->run, callback->progress);
    if (code != DUR_OK) return code;
    durable_wait_address(address, callback->position);
    code = durable_wait_peek(callback->run, callback->position, address, with_value, found);
    if (code == DUR_OK && !found->signal) code = is_over(callback, &over);
    *standing = found->signal ? DURABLE_ANSWERED : over ? DURABLE_OUT_OF_TIME : DURABLE_UNANSWERED;
    return code;
}

/* An answer may come between the look and the record: whoever gave it was told that it counts. */
static int time_out(dur_step *callback)
{
    char address[DURABLE_ADDRESS_SIZE];
    int code;

    durable_wait_address(address, callback->position);
    code = durable_wait_conclude(callback, DURABLE_OUTCOME_TIMED_OUT, dur_null(), 0, address);
    return code == DUR_OK ? DUR_TIMED_OUT : code;
}

static int suspend(dur_step *callback)
{
    char text[DURABLE_ADDRESS_SIZE];
    const char *address = text;
    int64_t due = callback->progress->pending.due;
    durable_wanted wanted = {due, 0, due, &address, 1,
                             durable_clock_now(&callback->run->log->clock)};

    durable_wait_address(text, callback->position);
    return durable_wait_suspend(callback, &wanted);
}

DURABLE_INTERNAL int durable_callback_settle(dur_step *callback)
{
    dur_run *run = callback->run;
    durable_standing standing = DURABLE_UNANSWERED;
    durable_found found;
    int code = DUR_OK;

    if (run->log->check)
        return durable_check_frontier(run, callback->position, callback->kind, callback->name);
    if (run->interrupts && !run->undoing) code = durable_interrupt_await(run);
    if (code != DUR_OK) return code;
    do {
        code = durable_callback_look(callback, true, &standing, &found);
        if (code != DUR_OK) return code;
        if (standing == DURABLE_ANSWERED) return durable_wait_receive(callback, &found);
        if (standing == DURABLE_UNANSWERED) return suspend(callback);
        code = time_out(callback);
    } while (code == DUR_CONFLICT);
    return code;
}

/* Its outcome is known. */
static int tell_outcome(dur_step *callback, dur_value *value)
{
    dur_run *run = callback->run;

    if (callback->outcome == DURABLE_OUTCOME_TIMED_OUT) return DUR_TIMED_OUT;
    if (callback->outcome == DURABLE_OUTCOME_FAILURE) {
        durable_run_set_failure(run, callback->value.as.bytes, callback->value.length);
        run->failure_pending = true;
        return DUR_FAILED;
    }
    if (value) *value = callback->value;
    return DUR_OK;
}

/* On replay the body does not run: nobody would ask for the answer. */
static int refuse_in_body(const dur_step *callback)
{
    dur_run *run = callback->run;

    return durable_run_stop(run, DUR_MISUSE,
                            "position %lld: callback \"%s\" is awaited in the body of step \"%s\","
                            " which runs only once: await it behind the body",
                            (long long)callback->position, callback->name, run->body->name);
}

DURABLE_INTERNAL int durable_callback_await(dur_step *callback, dur_value *value)
{
    dur_run *run = callback->run;
    int code = DUR_OK;

    if (run->stop != DUR_OK) {
        run->stopped_calls++;
        return run->stop;
    }
    if (run->ended) return durable_run_misuse(run, "the run has ended: it waits for nothing more");
    if (run->body) return refuse_in_body(callback);
    if (run->continues) return durable_continue_refuse(run, callback->name);
    if (run->failure_pending) return durable_run_stop_failed(run);
    if (callback->state == DURABLE_STEP_OPEN) code = durable_callback_settle(callback);
    if (code == DUR_FAILED || code == DUR_TIMED_OUT || code == DUR_OK)
        return tell_outcome(callback, value);
    return code;
}
