/* test/support: a workflow that waits on one machine, and goes on on another. */
#ifndef OTHER_MACHINES_WAITS_H
#define OTHER_MACHINES_WAITS_H

#include "durable.h"

#define WAITS_ID "waiting-run"
#define WAITS_DAY_MS INT64_C(86400000)

/* What a pass saw. What is over on the first machine stands above; below, what is left open there:
 * two attempts have failed, a signal was not received, and nobody has answered a callback. */
typedef struct waits_seen {
    uint64_t order;
    char rejection[32];
    size_t chosen;
    uint64_t answered_bits;
    int timed_out;

    int bodies;
    int64_t attempt;
    uint64_t details;
    char last_failure[32];
    size_t late_length;
    char token[DUR_TOKEN_SIZE];
    char answer[32];
} waits_seen;

static void copy_seen(char *to, size_t size, const char *text)
{
    if (text && strlen(text) < size) memcpy(to, text, strlen(text) + 1);
}

/* A timer, a signal, a rejection, a selection, a callback and a timeout: all over. */
static void see_what_came(dur_run *run, waits_seen *seen)
{
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    dur_case cases[2];
    dur_step *callback = NULL;
    dur_value value;

    if (dur_sleep(run, "nap", WAITS_DAY_MS) != DUR_OK) return;
    if (dur_receive(run, "order", DUR_FOREVER, &value) != DUR_OK) return;
    if (value.type == DUR_UNSIGNED) seen->order = value.as.unsigned_integer;
    if (dur_receive(run, "payment", DUR_FOREVER, &value) == DUR_FAILED)
        copy_seen(seen->rejection, sizeof seen->rejection, dur_catch(run));
    cases[0] = dur_on_timer(WAITS_DAY_MS);
    cases[1] = dur_on_signal("late");
    if (dur_select(run, "first", cases, 2, &seen->chosen) != DUR_OK) return;
    options.timeout_ms = WAITS_DAY_MS;
    if (dur_begin_callback(run, "answered", &options, &callback) != DUR_OK) return;
    copy_seen(seen->token, sizeof seen->token, dur_callback_token(callback));
    if (dur_await(callback, &value) != DUR_OK) return;
    if (value.type == DUR_REAL) memcpy(&seen->answered_bits, &value.as.real, 8);
    seen->timed_out = dur_receive(run, "nobody", 0, &value);
}

/* Two attempts fail, with a heartbeat before; the third one sees what they left. */
static void see_an_upload(dur_run *run, waits_seen *seen)
{
    dur_retry patient = DUR_RETRY_INIT;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    patient.initial_ms = WAITS_DAY_MS;
    patient.jitter = DUR_JITTER_NONE;
    options.retry = &patient;
    DUR_STEP_VOID(run, "upload", &options) {
        dur_step *step = dur_current_step(run);
        dur_value details = dur_step_details(step);

        seen->bodies++;
        seen->attempt = dur_step_attempt(step);
        if (details.type == DUR_UNSIGNED) seen->details = details.as.unsigned_integer;
        copy_seen(seen->last_failure, sizeof seen->last_failure, dur_step_last_failure(step));
        if (seen->attempt < 3) {
            dur_heartbeat(step, dur_unsigned(UINT64_MAX));
            dur_fail(run, "gr\xc3\xbc\xc3\x9f dich %d", (int)seen->attempt);
        }
    }
}

static int see_waits(dur_run *run, void *user)
{
    waits_seen *seen = user;
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    dur_step *approval = NULL;
    dur_value value;

    see_what_came(run, seen);
    options.timeout_ms = 1000 * WAITS_DAY_MS;
    options.heartbeat_ms = 500 * WAITS_DAY_MS;
    if (dur_begin_callback(run, "approval", &options, &approval) != DUR_OK) return 0;
    copy_seen(seen->token, sizeof seen->token, dur_callback_token(approval));
    see_an_upload(run, seen);
    if (dur_receive(run, "late", DUR_FOREVER, &value) != DUR_OK) return 0;
    if (value.type == DUR_TEXT) seen->late_length = value.length;
    if (dur_await(approval, &value) != DUR_OK) return 0;
    copy_seen(seen->answer, sizeof seen->answer, dur_as_text(value));
    return 0;
}

static int execute_waits(dur_log *log, waits_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    return dur_execute(log, "waits", WAITS_ID, NULL, see_waits, seen);
}

static double a_nan(void)
{
    const uint64_t bits = UINT64_C(0xFFF8000000000456);
    double number;

    memcpy(&number, &bits, sizeof number);
    return number;
}

static int send_to_waits(dur_log *log)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;
    int code = dur_signal(log, WAITS_ID, "order", dur_unsigned(UINT64_MAX), NULL);

    options.key = "once";
    if (code == DUR_OK) code = dur_signal(log, WAITS_ID, "late", dur_text_n("a\0b", 3), &options);
    options.key = NULL;
    options.failure = "no cover";
    if (code == DUR_OK) code = dur_signal(log, WAITS_ID, "payment", dur_null(), &options);
    return code;
}

/* All of the first machine's passes: a day lies between each and the next. Gives the code of the
 * first call that gives another one than is meant; DUR_OK. */
static int wait_on_this_machine(dur_log *log, int64_t *now_ms, waits_seen *seen)
{
    int code = execute_waits(log, seen);

    if (code != DUR_SUSPENDED) return code;
    code = send_to_waits(log);
    if (code != DUR_OK) return code;
    *now_ms += WAITS_DAY_MS;
    code = execute_waits(log, seen); /* up to the first callback */
    if (code != DUR_SUSPENDED) return code;
    code = dur_complete_callback(log, seen->token, dur_real(a_nan()));
    if (code != DUR_OK) return code;
    for (int attempt = 1; attempt <= 2; attempt++) {
        code = execute_waits(log, seen);
        if (code != DUR_SUSPENDED) return code;
        if (seen->attempt != attempt) return DUR_MISUSE;
        if (attempt == 1) *now_ms += WAITS_DAY_MS;
    }
    return dur_heartbeat_callback(log, seen->token);
}

#endif
