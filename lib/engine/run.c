/* engine: a run from its claim to its end: stops, failures, endings. */
#include "engine/engine.h"

/* ---- Stops and errors ---------------------------------------------------------------------- */

DURABLE_INTERNAL void durable_run_tell_log(dur_run *run)
{
    if (run->log) durable_error_copy(&run->log->error, &run->error);
}

static void format_error(dur_run *run, int code, const char *format, va_list arguments)
{
    char text[DURABLE_MESSAGE_SIZE];

    durable_print_list(text, sizeof text, format, arguments);
    durable_error_set(&run->error, code, "run \"%s\": %s", run->id, text);
    durable_run_tell_log(run);
}

DURABLE_INTERNAL int durable_run_stop(dur_run *run, int code, const char *format, ...)
{
    va_list arguments;

    if (run->stop != DUR_OK) return run->stop;
    va_start(arguments, format);
    format_error(run, code, format, arguments);
    va_end(arguments);
    run->stop = code;
    return code;
}

/* The failure in its own words, as dur_errmsg() gives the reason of a failed run. */
static int tell_failure(dur_run *run)
{
    durable_error_set(&run->error, DUR_FAILED, "%s", run->failure);
    durable_run_tell_log(run);
    return DUR_FAILED;
}

DURABLE_INTERNAL int durable_run_stop_failed(dur_run *run)
{
    run->stop = tell_failure(run);
    return run->stop;
}

DURABLE_INTERNAL int durable_run_misuse(dur_run *run, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    format_error(run, DUR_MISUSE, format, arguments);
    va_end(arguments);
    return DUR_MISUSE;
}

DURABLE_INTERNAL int durable_run_take_error(dur_run *run, int code, int64_t position,
                                            const char *name)
{
    durable_error_copy(&run->error, &run->log->store->error);
    run->error.code = code;
    if (name)
        durable_error_prefix(&run->error, "run \"%s\", position %lld, step \"%s\": ", run->id,
                             (long long)position, name);
    else if (position)
        durable_error_prefix(&run->error, "run \"%s\", position %lld: ", run->id,
                             (long long)position);
    else
        durable_error_prefix(&run->error, "run \"%s\": ", run->id);
    durable_run_tell_log(run);
    return code;
}

DURABLE_INTERNAL int durable_run_stop_with_store(dur_run *run, int code, int64_t position,
                                                 const char *name)
{
    if (run->stop != DUR_OK) return run->stop;
    run->stop = durable_run_take_error(run, code, position, name);
    return run->stop;
}

/* ---- Failure ------------------------------------------------------------------------------- */

/* Cut at a character; what is no UTF-8 becomes '?', byte by byte. */
DURABLE_INTERNAL void durable_failure_text(char text[DURABLE_FAILURE_SIZE], const char *message,
                                           size_t length)
{
    size_t size = length < DURABLE_FAILURE_SIZE - 1 ? length : DURABLE_FAILURE_SIZE - 1;

    while (size < length && size > 0 && ((unsigned char)message[size] & 0xC0u) == 0x80u) size--;
    if (size) memcpy(text, message, size);
    text[size] = '\0';
    if (durable_utf8_valid(text, size)) return;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] >= 0x80u || text[i] == '\0') text[i] = '?';
}

DURABLE_INTERNAL void durable_run_set_failure(dur_run *run, const char *message, size_t length)
{
    if (message != run->failure) durable_failure_text(run->failure, message, length);
}

DURABLE_INTERNAL bool durable_run_copy_value(dur_run *run, dur_value *value)
{
    if (value->type < DUR_TEXT) return true;
    value->as.bytes = durable_arena_copy(&run->arena, value->as.bytes, value->length);
    return value->as.bytes != NULL;
}

/* ---- Ending -------------------------------------------------------------------------------- */

/* What the workflow left open when it ended. */
static int check_nothing_open(dur_run *run)
{
    char site[DURABLE_SITE_SIZE];
    const dur_step *step = run->body ? run->body : run->open_first;

    /* A callback that nobody awaits any more goes with the run; children are seen to later. */
    while (step && step->token) step = step->next;
    if (!step) return DUR_OK;
    durable_site_text(site, step->file, step->line);
    if (run->body)
        return durable_run_stop(run, DUR_MISUSE,
                                "position %lld: the body of step \"%s\" (%s) was left by break,"
                                " goto or return; nothing was recorded for it: reach its end"
                                " instead (dur_fail() fails it)",
                                (long long)step->position, step->name, site);
    return durable_run_misuse(run,
                              "position %lld: step \"%s\" (%s) is still open: record its outcome,"
                              " then end the run",
                              (long long)step->position, step->name,
                              site[0] ? site : "no call site");
}

/* An attempt or a wait behind the last position that the code asked for: it has to ask for it. */
static int check_nothing_pending(dur_run *run)
{
    const durable_progress *first;
    int code = durable_progress_peek(run, run->position, &first);

    if (code != DUR_OK || !first) return code;
    return durable_diverge(run, DUR_DIVERGED, first->pending.position, NULL, NULL);
}

/* Recorded steps that the code has not asked for. */
static int check_nothing_left(dur_run *run)
{
    const durable_step_record *record;
    int code = durable_run_peek(run, &record, 0);

    if (code != DUR_OK) return code;
    if (record) return durable_diverge(run, DUR_DIVERGED, record->position, NULL, NULL);
    return check_nothing_pending(run);
}

/* Of the children it has started: those that end with it. */
static unsigned cancelled_endings(const dur_run *run, int status)
{
    unsigned endings = 1u << DUR_CHILD_CANCEL;

    if (status != DURABLE_COMPLETED && status != DURABLE_CONTINUED)
        endings |= 1u << DUR_CHILD_WAIT; /* else it was waited for */
    return run->child_endings & endings;
}

DURABLE_INTERNAL int durable_run_write_ending(dur_run *run, int status,
                                              const durable_datum *output, const char *failure,
                                              const durable_successor *successor)
{
    durable_store *store = run->log->store;
    durable_ending ending;
    int code;

    memset(&ending, 0, sizeof ending);
    ending.status = status;
    if (output) ending.output = *output;
    ending.failure = failure;
    ending.successor = successor;
    ending.clears_pending = run->has_pending && status != DURABLE_PARKED;
    ending.tells_parent =
        run->parent && !run->root && status != DURABLE_PARKED && status != DURABLE_CONTINUED;
    if (status != DURABLE_PARKED) ending.cancels_children = cancelled_endings(run, status);
    ending.now = durable_clock_now(&run->log->clock);
    if (run->log->check) return durable_check_ending(run, &ending);
    code = store->methods->end_run(store, &run->fence, &ending);
    if (code == DUR_OK)
        run->ended = true;
    else if (durable_is_transient(code) || code == DUR_TOO_BIG)
        durable_run_take_error(run, code, 0, NULL); /* it may be tried again */
    else
        durable_run_stop_with_store(run, code, 0, NULL);
    if (code != DUR_OK && failure && status != DURABLE_PARKED) {
        durable_error_append(&run->error, "; the run was about to fail: %s", failure);
        durable_run_tell_log(run);
    }
    return code;
}

/* An end that is no completion: first its effects are undone; where that waits, so does the end.
 * Then nothing that was recorded may be left over, but for what was open beside a step that
 * failed. */
static int end_undone(dur_run *run, int status, int told, const char *failure)
{
    char text[DURABLE_FAILURE_SIZE];
    int code = DUR_OK;

    /* Where only the end could not be written, the run says already what was not undone. */
    if (run->undoing) failure = run->failure;
    durable_failure_text(text, failure, strlen(failure));
    run->failure_pending = false;
    run->continues = false; /* who ends badly has no successor, and may be undone */
    if (run->undos) code = durable_undo_all(run, text);
    if (code == DUR_OK && !run->in_gap) code = check_nothing_left(run);
    if (code != DUR_OK) return run->stop != DUR_OK ? durable_run_settle_stop(run) : code;
    durable_run_set_failure(run, text, strlen(text));
    code = durable_run_write_ending(run, status, NULL, run->failure, NULL);
    if (code != DUR_OK && run->undoing && run->stop == DUR_OK) run->stop = told;
    if (code != DUR_OK) return code;
    tell_failure(run);
    run->error.code = told;
    durable_run_tell_log(run);
    return told;
}

static int end_failed(dur_run *run, const char *failure)
{
    return end_undone(run, DURABLE_FAILED, DUR_FAILED, failure);
}

/* It was cancelled, or its time was up; whether the code has heard of it or not. */
static int end_interrupted(dur_run *run)
{
    bool timed_out = run->ends_as == DUR_TIMED_OUT;
    int status = timed_out ? DURABLE_TIMED_OUT : DURABLE_CANCELLED;
    int code;

    run->stop = DUR_OK;
    code = end_undone(run, status, run->ends_as,
                      timed_out ? "its deadline has passed" : "cancelled");
    if (run->ended && run->stop == DUR_OK) run->stop = run->ends_as;
    return code;
}

static int end_completed(dur_run *run, dur_value output)
{
    durable_arena arena;
    durable_datum datum;
    int code = durable_value_encode(output, &datum);

    if (code != DUR_OK)
        return durable_run_misuse(run, "the output is no value (type %d)", (int)output.type);
    /* Copied first: once the end is recorded nothing may go wrong any more. The output before it
     * stays until then: this one may lie in it, and be given again after an error. */
    code = durable_log_copy_output(run->log, &output, &arena);
    if (code == DUR_OK)
        code = durable_run_write_ending(run, DURABLE_COMPLETED, &datum, NULL, NULL);
    if (code == DUR_OK)
        durable_log_take_output(run->log, output, &arena);
    else
        durable_arena_clear(&arena);
    return code;
}

/* Where an earlier pass waited for the run's children, and heard that it is to end. */
static int hear_at_end(dur_run *run)
{
    const durable_step_record *record;
    int code = durable_run_peek(run, &record, 0);

    if (code != DUR_OK || !record || record->kind != DURABLE_KIND_CANCEL) return code;
    if (record->position != run->position) return DUR_OK;
    return durable_interrupt_replay(run, record, NULL);
}

/* One that was started within a transaction which was rolled back has never been. */
static int confirm_children(dur_run *run)
{
    int code = DUR_OK;

    for (dur_step *step = run->open_first; step && code == DUR_OK; step = step->next)
        code = durable_progress_confirm(run, step->progress);
    return code;
}

DURABLE_INTERNAL int durable_run_end(dur_run *run, dur_value output, const char *failure)
{
    int code = run->stop;

    if (code == DUR_OK) code = check_nothing_open(run);
    if (code == DUR_OK && run->fence.provisional) code = durable_transaction_settle(run);
    if (code != DUR_OK) return run->stop != DUR_OK ? durable_run_settle_stop(run) : code;
    if (run->ends_as != DUR_OK) return end_interrupted(run);
    if (run->failure_pending) return end_failed(run, run->failure);
    if (failure) return end_failed(run, failure);
    if (run->children) code = hear_at_end(run);
    if (code == DUR_OK) code = check_nothing_left(run);
    if (code == DUR_OK && run->children) code = durable_child_await_all(run);
    if (code == DUR_OK && run->child_endings) code = confirm_children(run);
    if (code == DUR_OK && run->continues) return durable_continue_end(run);
    if (code == DUR_OK) return end_completed(run, output);
    return run->stop != DUR_OK ? durable_run_settle_stop(run) : code;
}

/* An unhandled failure ends the run, unless recorded steps remain: the code that recorded them did
 * handle it. */
DURABLE_INTERNAL int durable_run_settle_stop(dur_run *run)
{
    if ((run->stop == DUR_CANCELLED || run->stop == DUR_TIMED_OUT) && run->ends_as == run->stop)
        return end_interrupted(run);
    if (run->stop == DUR_FAILED) {
        int code;

        run->stop = DUR_OK;
        code = run->ends_as != DUR_OK ? end_interrupted(run) : end_failed(run, run->failure);
        if (run->stop == DUR_OK) run->stop = DUR_FAILED;
        if (run->stop != DUR_DIVERGED && run->stop != DUR_MISMATCH) return code;
    }
    if (run->stop == DUR_DIVERGED || run->stop == DUR_MISMATCH)
        return durable_divergence_settle(run);
    return run->stop;
}

DURABLE_INTERNAL int durable_run_set_output(dur_run *run, dur_value output)
{
    char *bytes = NULL;

    if (output.type >= DUR_TEXT) {
        bytes = durable_copy_text(output.as.bytes, output.length);
        if (!bytes) return durable_run_stop(run, DUR_NOMEM, "out of memory for the output");
        output.as.bytes = bytes;
    }
    durable_free(run->output_bytes);
    run->output_bytes = bytes;
    run->output = output;
    return DUR_OK;
}

/* A step's retries are used up, it is in doubt, or a child that the run calls is parked: a person
 * is to look at it. */
DURABLE_INTERNAL void durable_run_leave_parked(dur_run *run)
{
    if (run->stop == DUR_PARKED && !run->ended)
        durable_run_write_ending(run, DURABLE_PARKED, NULL, run->error.message, NULL);
}
