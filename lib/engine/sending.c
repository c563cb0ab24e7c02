/* engine: what is sent to a run from outside: signals, and answers to its callbacks. */
#include "engine/engine.h"

/* ---- Tokens -------------------------------------------------------------------------------- */

DURABLE_INTERNAL void durable_token_print(char token[DUR_TOKEN_SIZE],
                                          const durable_callback *callback)
{
    durable_print(token, DUR_TOKEN_SIZE, "%lld.%lld.%s", (long long)callback->run,
                  (long long)callback->position, callback->uid);
}

/* A number from 1 to `most`, as it is printed and not otherwise, and the dot behind it. NULL:
 * something else. */
static const char *parse_number(const char *text, int64_t most, int64_t *number)
{
    if (*text < '1' || *text > '9') return NULL;
    *number = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        int digit = *text - '0';

        if (*number > (most - digit) / 10) return NULL;
        *number = *number * 10 + digit;
    }
    return *text == '.' ? text + 1 : NULL;
}

static bool parse_uid(const char *text, char uid[DURABLE_UID_SIZE])
{
    if (strlen(text) != DURABLE_UID_SIZE - 1) return false;
    if (strspn(text, "0123456789abcdef") != DURABLE_UID_SIZE - 1) return false;
    memcpy(uid, text, DURABLE_UID_SIZE);
    return true;
}

DURABLE_INTERNAL bool durable_token_parse(const char *token, durable_callback *callback,
                                          char uid[DURABLE_UID_SIZE])
{
    token = parse_number(token, INT64_MAX, &callback->run);
    if (token) token = parse_number(token, DUR_POSITION_MAX, &callback->position);
    if (!token || !parse_uid(token, uid)) return false;
    callback->uid = uid;
    return true;
}

/* ---- Messages ------------------------------------------------------------------------------ */

static int take_status(const durable_run_record *record, void *context)
{
    *(int *)context = record->status;
    return DUR_OK;
}

DURABLE_INTERNAL const char *durable_ending_words(dur_log *log, const char *run_id)
{
    int status = 0;

    log->store->methods->find_run(log->store, run_id, take_status, &status);
    if (status == DURABLE_COMPLETED) return " (completed)";
    if (status == DURABLE_CANCELLED) return " (cancelled)";
    if (status == DURABLE_TIMED_OUT) return " (timed out)";
    if (status == DURABLE_CONTINUED) return " (continued as new)";
    if (status == DURABLE_TERMINATED) return " (terminated)";
    return status == DURABLE_FAILED ? " (failed)" : "";
}

static int tell_signal(dur_log *log, int code, const char *run_id, const char *name,
                       const char *key)
{
    switch (code) {
    case DUR_OK: return code;
    case DUR_REPLAYED:
        return durable_error_set(&log->error, code,
                                 "run \"%s\": a signal \"%s\" with the key \"%s\" was sent before",
                                 run_id, name, key ? key : "");
    case DUR_NOT_FOUND:
        return durable_error_set(&log->error, code,
                                 "run \"%s\": there is no such run in this log, signal \"%s\" was"
                                 " not sent",
                                 run_id, name);
    case DUR_ENDED:
        return durable_error_set(&log->error, code,
                                 "run \"%s\" has ended%s: signal \"%s\" was not sent", run_id,
                                 durable_ending_words(log, run_id), name);
    default:
        durable_error_copy(&log->error, &log->store->error);
        durable_error_prefix(&log->error, "run \"%s\", signal \"%s\": ", run_id, name);
        return code;
    }
}

static int tell_callback(dur_log *log, int code, const durable_callback *callback)
{
    switch (code) {
    case DUR_OK: return code;
    case DUR_NOT_FOUND:
        return durable_error_set(&log->error, code, "there is no run with such a token in this"
                                                    " log");
    case DUR_ENDED:
        return durable_error_set(&log->error, code,
                                 "the callback at position %lld of its run is over: it was"
                                 " answered, its time was up, or the run has ended",
                                 (long long)callback->position);
    default:
        durable_error_copy(&log->error, &log->store->error);
        durable_error_prefix(&log->error, "callback at position %lld of its run: ",
                             (long long)callback->position);
        return code;
    }
}

/* ---- Sending ------------------------------------------------------------------------------- */

/* What signals and answers have in common. The failure's text is put into `text`. */
static int describe(dur_log *log, dur_value value, const char *failure,
                    char text[DURABLE_FAILURE_SIZE], durable_signal *signal)
{
    memset(signal, 0, sizeof *signal);
    signal->now = durable_clock_now(&log->clock);
    if (failure) {
        durable_failure_text(text, failure, strlen(failure));
        signal->failure = text;
    }
    if (durable_value_encode(value, &signal->value) == DUR_OK) return DUR_OK;
    return durable_error_set(&log->error, DUR_MISUSE, "what is sent is no value (type %d)",
                             (int)value.type);
}

DURABLE_INTERNAL int durable_send_signal(dur_log *log, const char *run_id, const char *name,
                                         dur_value value, const char *key, const char *failure)
{
    durable_store *store = log->store;
    char text[DURABLE_FAILURE_SIZE];
    durable_signal signal;
    int code = describe(log, value, failure, text, &signal);

    if (code != DUR_OK) return code;
    signal.name = name;
    signal.key = key;
    code = store->methods->send_signal(store, run_id, &signal);
    return tell_signal(log, code, run_id, name, key);
}

static int find_callback(dur_log *log, const char *token, durable_callback *callback,
                         char uid[DURABLE_UID_SIZE])
{
    if (token && durable_token_parse(token, callback, uid)) return DUR_OK;
    return durable_error_set(&log->error, DUR_MISUSE,
                             "\"%s\" is no token as dur_callback_token() gives it",
                             token ? token : "(null)");
}

DURABLE_INTERNAL int durable_send_answer(dur_log *log, const char *token, dur_value value,
                                         const char *failure)
{
    durable_store *store = log->store;
    char text[DURABLE_FAILURE_SIZE], uid[DURABLE_UID_SIZE];
    durable_callback callback;
    durable_signal signal;
    int code = find_callback(log, token, &callback, uid);

    if (code == DUR_OK) code = describe(log, value, failure, text, &signal);
    if (code != DUR_OK) return code;
    code = store->methods->answer_callback(store, &callback, &signal);
    return tell_callback(log, code, &callback);
}

DURABLE_INTERNAL int durable_send_heartbeat(dur_log *log, const char *token)
{
    durable_store *store = log->store;
    char uid[DURABLE_UID_SIZE];
    durable_callback callback;
    int code = find_callback(log, token, &callback, uid);

    if (code != DUR_OK) return code;
    code = store->methods->beat_callback(store, &callback, durable_clock_now(&log->clock));
    return tell_callback(log, code, &callback);
}
