/* api: side values: what a workflow must not ask of the world itself, each a recorded step; and
 * fingerprints of what steps are given. */
#include "api/api.h"

#define UUID_LENGTH (DUR_UUID_SIZE - 1)

/* What is asked for: made once, and known by its type when it is replayed. */
typedef struct side_value {
    const char *caller;
    const char *kind; /* "… which is no time" */
    dur_value (*make)(const durable_clock *clock, char text[DUR_UUID_SIZE]);
    bool (*fits)(dur_value value);
} side_value;

/* ---- Making -------------------------------------------------------------------------------- */

static dur_value make_time(const durable_clock *clock, char text[DUR_UUID_SIZE])
{
    text[0] = '\0'; /* it needs none */
    return dur_integer(durable_clock_now(clock));
}

static bool is_time(dur_value value)
{
    return value.type == DUR_INTEGER;
}

static dur_value make_number(const durable_clock *clock, char text[DUR_UUID_SIZE])
{
    uint64_t number = 0;

    text[0] = '\0';
    durable_clock_random(clock, &number, sizeof number);
    return dur_unsigned(number);
}

static bool is_number(dur_value value)
{
    return value.type == DUR_UNSIGNED || (value.type == DUR_INTEGER && value.as.integer >= 0);
}

/* Version 4 and the variant of RFC 9562, section 5.4; lower case. */
static dur_value make_uuid(const durable_clock *clock, char text[DUR_UUID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[16] = {0};
    char *at = text;

    durable_clock_random(clock, bytes, sizeof bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0Fu) | 0x40u);
    bytes[8] = (unsigned char)((bytes[8] & 0x3Fu) | 0x80u);
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 0x0Fu];
    }
    *at = '\0';
    return dur_text_n(text, UUID_LENGTH);
}

static bool is_uuid(dur_value value)
{
    return value.type == DUR_TEXT && value.length == UUID_LENGTH;
}

static const side_value time_value = {"dur_now()", "time", make_time, is_time};
static const side_value number_value = {"dur_random()", "random number", make_number, is_number};
static const side_value uuid_value = {"dur_uuid()", "UUID", make_uuid, is_uuid};

/* ---- Asking -------------------------------------------------------------------------------- */

/* The run has passed the position when its value is found not to fit; a failure never does, as no
 * side value fails. */
static int refuse_recorded(dur_run *run, const durable_asked *asked, const side_value *wanted,
                           dur_value value, bool failed)
{
    char detail[160];

    run->failure_pending = false;
    durable_print(detail, sizeof detail, "%s, which is no %s for %s",
                  failed ? "a failure" : durable_type_name(value.type), wanted->kind,
                  wanted->caller);
    return durable_diverge(run, DUR_MISMATCH, run->position - 1, asked, detail);
}

static int record_value(dur_run *run, dur_step *step, const side_value *wanted, dur_value *value,
                        char text[DUR_UUID_SIZE])
{
    int code;

    *value = wanted->make(&run->log->clock, text);
    code = durable_step_conclude(step, DURABLE_OUTCOME_RESULT, *value);
    if (code != DUR_OK && run->stop == DUR_OK) run->stop = code; /* it cannot be made smaller */
    return run->stop;
}

/* *value lives in `text` or in the run. */
static int ask(dur_run *run, const char *name, const side_value *wanted, dur_value *value,
               char text[DUR_UUID_SIZE])
{
    const durable_asked asked = {DURABLE_KIND_STEP, name, NULL, 0, true};
    durable_answer answer;
    int code = durable_step_begin(run, &asked, NULL, &answer);

    if (code == DUR_EXECUTE) return record_value(run, answer.step, wanted, value, text);
    if (run->stop != DUR_OK || code < 0) return code;
    if (code != DUR_REPLAYED || !wanted->fits(answer.value))
        return refuse_recorded(run, &asked, wanted, answer.value, code == DUR_FAILED);
    *value = answer.value;
    return DUR_OK;
}

static int side_value_of(dur_run *run, const char *name, const side_value *wanted,
                         const void *place, dur_value *value, char text[DUR_UUID_SIZE])
{
    int code = durable_check_run(run);

    if (code != DUR_OK) return code;
    if (!place)
        code = durable_run_stop(run, DUR_MISUSE, "position %lld: %s needs a place for its value,"
                                                 " not NULL",
                                (long long)run->position, wanted->caller);
    else
        code = ask(run, name, wanted, value, text);
    if (run->stop != DUR_OK) run->told = true;
    return code;
}

DUR_API int dur_now(dur_run *run, const char *name, int64_t *now_ms)
{
    char text[DUR_UUID_SIZE];
    dur_value value = dur_null();
    int code;

    if (now_ms) *now_ms = 0;
    code = side_value_of(run, name, &time_value, now_ms, &value, text);
    if (code == DUR_OK) *now_ms = value.as.integer;
    return code;
}

DUR_API int dur_random(dur_run *run, const char *name, uint64_t *number)
{
    char text[DUR_UUID_SIZE];
    dur_value value = dur_null();
    int code;

    if (number) *number = 0;
    code = side_value_of(run, name, &number_value, number, &value, text);
    if (code == DUR_OK) *number = value.as.unsigned_integer;
    return code;
}

DUR_API int dur_uuid(dur_run *run, const char *name, char uuid[DUR_UUID_SIZE])
{
    char text[DUR_UUID_SIZE];
    dur_value value = dur_null();
    int code;

    if (uuid) uuid[0] = '\0';
    code = side_value_of(run, name, &uuid_value, uuid, &value, text);
    if (code != DUR_OK || !uuid || !value.as.bytes) return code;
    memcpy(uuid, value.as.bytes, UUID_LENGTH);
    uuid[UUID_LENGTH] = '\0';
    return DUR_OK;
}

/* ---- Fingerprints -------------------------------------------------------------------------- */

/* The constants of the 64-bit FNV-1a, RFC 9923. What begins is as if the basis stood before it, and
 * 0 is no fingerprint: the basis takes its place, too. */
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x00000100000001b3)

DUR_API uint64_t dur_fingerprint(uint64_t before, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;
    uint64_t hash = before ? before : FNV_BASIS;

    for (size_t i = 0; byte && i < length; i++) hash = (hash ^ byte[i]) * FNV_PRIME;
    return hash ? hash : FNV_BASIS;
}
