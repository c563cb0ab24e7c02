/* engine: waiting for a moment and for a signal. */
#include "engine/wait.h"

/* ---- What all waits share ------------------------------------------------------------------ */

DURABLE_INTERNAL int durable_wait_begin(dur_run *run, int kind, const char *name,
                                        durable_answer *answer)
{
    durable_asked asked = {kind, name, NULL, 0, true};

    return durable_step_begin(run, &asked, NULL, answer);
}

DURABLE_INTERNAL void durable_wait_address(char address[DURABLE_ADDRESS_SIZE], int64_t position)
{
    durable_print(address, DURABLE_ADDRESS_SIZE, "\t%lld", (long long)position);
}

DURABLE_INTERNAL bool durable_wait_counts(const dur_step *wait, int64_t now, int64_t time)
{
    const durable_progress *progress = wait->progress;

    return !progress || now < progress->pending.due || time <= progress->pending.due;
}

typedef struct peek_context {
    dur_run *run;
    bool with_value;
    durable_found *found;
} peek_context;

static int note_signal(const durable_signal_record *record, void *context)
{
    peek_context *peek = context;
    durable_found *found = peek->found;
    durable_error *error = &peek->run->log->store->error;
    int code;

    found->signal = record->signal;
    found->sent = record->sent;
    found->rejects = record->failure != NULL;
    if (!peek->with_value) return DUR_OK;
    if (found->rejects)
        found->value = dur_text(record->failure);
    else if ((code = durable_value_decode(&record->value, &found->value)) != DUR_OK)
        return durable_error_set(error, code, "the signal's value cannot be read here");
    if (durable_run_copy_value(peek->run, &found->value)) return DUR_OK;
    return durable_error_set(error, DUR_NOMEM, "out of memory for the signal's value");
}

DURABLE_INTERNAL int durable_wait_peek(dur_run *run, int64_t position, const char *address,
                                       bool with_value, durable_found *found)
{
    durable_store *store = run->log->store;
    peek_context peek = {run, with_value, found};
    int code;

    memset(found, 0, sizeof *found);
    code = store->methods->peek_signal(store, run->fence.run, address, note_signal, &peek);
    if (code == DUR_OK || code == DUR_NOT_FOUND) return DUR_OK;
    return durable_run_stop_with_store(run, code, position, NULL);
}

/* In words that dur_errmsg() shows: what for, and until when. */
static void describe_wait(char *text, size_t size, const dur_step *wait, int64_t due)
{
    static const char *const what[] = {"",          "",             "for timer", "for signal",
                                       "in select", "for callback", "for child"};

    char time[DURABLE_TIME_SIZE] = "";

    if (due != DURABLE_NEVER) durable_time_print(time, due);
    durable_print(text, size, "%s \"%s\"%s%s", what[wait->kind], wait->name,
                  time[0] ? " until " : "", time);
}

DURABLE_INTERNAL int durable_wait_suspend(dur_step *wait, const durable_wanted *wanted)
{
    durable_suspension suspension = {NULL, wanted->wake, wanted->awaits, wanted->await_count,
                                     wanted->now, false};
    durable_pending pending;
    char what[DURABLE_MESSAGE_SIZE];
    int code = durable_progress_confirm(wait->run, wait->progress);

    if (code != DUR_OK) return code;
    if (!wait->progress) {
        durable_progress_describe(wait, &pending);
        pending.due = wanted->due;
        pending.choice = wanted->choice;
        suspension.pending = &pending;
        wait->run->has_pending = true;
    }
    describe_wait(what, sizeof what, wait, wanted->wake);
    return durable_run_suspend(wait->run, &suspension, wait->position, what);
}

DURABLE_INTERNAL int durable_wait_receive(dur_step *wait, const durable_found *found)
{
    dur_run *run = wait->run;
    int outcome = found->rejects ? DURABLE_OUTCOME_FAILURE : DURABLE_OUTCOME_RESULT;
    int code = durable_wait_conclude(wait, outcome, found->value, found->signal, NULL);

    if (code != DUR_OK || !found->rejects) return code;
    durable_run_set_failure(run, found->value.as.bytes, found->value.length);
    run->failure_pending = true;
    return DUR_FAILED;
}

/* ---- Timers -------------------------------------------------------------------------------- */

/* The deadline goes into the log first, as it would for a longer wait. */
static int sleep_timer(dur_step *timer, int64_t now, int64_t due)
{
    dur_run *run = timer->run;
    durable_pending pending;
    int code = DUR_OK;

    if (!timer->progress) {
        durable_progress_describe(timer, &pending);
        pending.due = due;
        code = durable_progress_put(timer, &pending,
                                    durable_lease_from(run, run->log->lease_ms, due));
    }
    if (code != DUR_OK)
        return durable_run_stop_with_store(run, code, timer->position, timer->name);
    durable_sleep_through(run, now, due);
    return DUR_OK;
}

static int wait_until(dur_step *timer, int64_t now, int64_t due)
{
    durable_wanted wanted = {due, 0, due, NULL, 0, now};
    int code = DUR_OK;

    if (now < due) {
        if (!durable_sleeps_through(timer->run, now, due))
            return durable_wait_suspend(timer, &wanted);
        code = sleep_timer(timer, now, due);
    }
    if (code != DUR_OK) return code;
    return durable_wait_conclude(timer, DURABLE_OUTCOME_RESULT, dur_null(), 0, NULL);
}

DURABLE_INTERNAL int durable_wait_timer(dur_run *run, const char *name, int64_t time_ms,
                                        bool relative)
{
    durable_answer answer;
    int64_t now, due;
    int code = durable_wait_begin(run, DURABLE_KIND_TIMER, name, &answer);

    if (code == DUR_REPLAYED) return DUR_OK;
    if (code != DUR_EXECUTE) return code;
    now = durable_clock_now(&run->log->clock);
    if (answer.step->progress)
        due = answer.step->progress->pending.due;
    else if (relative)
        due = time_ms <= 0 ? now : durable_time_after(now, time_ms);
    else
        due = time_ms;
    return wait_until(answer.step, now, due);
}

/* ---- Signals ------------------------------------------------------------------------------- */

/* Negative: never. */
static int64_t end_of(int64_t now, int64_t timeout_ms)
{
    return timeout_ms < 0 ? DURABLE_NEVER : durable_time_after(now, timeout_ms);
}

static int receive(dur_step *wait, int64_t timeout_ms, dur_value *value)
{
    dur_run *run = wait->run;
    const char *address = wait->name;
    int64_t now = durable_clock_now(&run->log->clock);
    int64_t due = wait->progress ? wait->progress->pending.due : end_of(now, timeout_ms);
    durable_wanted wanted = {due, 0, due, &address, 1, now};
    durable_found found;
    int code = durable_wait_peek(run, wait->position, address, true, &found);

    if (code != DUR_OK) return code;
    if (found.signal && durable_wait_counts(wait, now, found.sent)) {
        code = durable_wait_receive(wait, &found);
        if (code == DUR_OK && value) *value = found.value;
        return code;
    }
    if (now < due) return durable_wait_suspend(wait, &wanted);
    code = durable_wait_conclude(wait, DURABLE_OUTCOME_TIMED_OUT, dur_null(), 0, NULL);
    return code == DUR_OK ? DUR_TIMED_OUT : code;
}

DURABLE_INTERNAL int durable_wait_signal(dur_run *run, const char *name, int64_t timeout_ms,
                                         dur_value *value)
{
    durable_answer answer;
    int code = durable_wait_begin(run, DURABLE_KIND_RECEIVE, name, &answer);

    if (code == DUR_REPLAYED && value) *value = answer.value;
    if (code == DUR_REPLAYED) return DUR_OK;
    if (code != DUR_EXECUTE) return code;
    return receive(answer.step, timeout_ms, value);
}
