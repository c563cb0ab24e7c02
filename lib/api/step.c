/* api: the verbs. */
#include "api/api.h"

/* The verbs' side of durable_begin_step(): the call site comes with the options. */
static int begin(dur_run *run, const char *name, const dur_step_options *options, bool sequential,
                 durable_answer *answer)
{
    durable_asked asked = {DURABLE_KIND_STEP, name, NULL, 0, sequential};

    return durable_told(run, durable_begin_step(run, &asked, options, answer));
}

DUR_API int dur_begin_step(dur_run *run, const char *name, const dur_step_options *options,
                           dur_step **step)
{
    durable_answer answer;
    int code = durable_check_run(run);

    if (step) *step = NULL;
    if (code != DUR_OK) return code;
    if (!step)
        return durable_run_stop(run, DUR_MISUSE,
                                "position %lld: dur_begin_step() needs a place for the step's"
                                " handle, not NULL",
                                (long long)run->position);
    code = begin(run, name, options, false, &answer);
    *step = answer.step;
    return code;
}

/* dur_fail() has spoken first. */
static bool fails_in_body(const dur_step *step)
{
    return step->run && step->run->body == step && step->run->failing &&
           step->state == DURABLE_STEP_OPEN;
}

/* dur_not_yet() has. */
static bool waits_in_body(const dur_step *step)
{
    return step->run && step->run->body == step && step->not_yet &&
           step->state == DURABLE_STEP_OPEN;
}

DUR_API int dur_record_result(dur_step *step, dur_value result)
{
    if (!step) return DUR_MISUSE;
    if (fails_in_body(step)) return dur_record_failure(step, step->run->failure);
    if (waits_in_body(step)) return durable_step_not_yet(step, *step->not_yet);
    return durable_step_conclude(step, DURABLE_OUTCOME_RESULT, result);
}

/* The message as it will be caught: cut, and UTF-8. The run's own copy is not touched before the
 * failure is recorded. */
DUR_API int dur_record_failure(dur_step *step, const char *message)
{
    char text[DURABLE_FAILURE_SIZE];

    if (!step) return DUR_MISUSE;
    if (!message) message = "step failed";
    durable_failure_text(text, message, strlen(message));
    return durable_step_conclude(step, DURABLE_OUTCOME_FAILURE, dur_text(text));
}

/* ---- A step as a function ------------------------------------------------------------------ */

DUR_API int dur_replay_or_run(dur_run *run, const char *name, const dur_step_options *options,
                              dur_step_fn *fn, void *user, dur_value *result)
{
    durable_answer answer;
    int code = durable_check_run(run);

    if (result) *result = dur_null();
    if (code != DUR_OK) return code;
    if (!fn)
        return durable_run_stop(run, DUR_MISUSE,
                                "position %lld: dur_replay_or_run() needs a step function, not"
                                " NULL",
                                (long long)run->position);
    code = begin(run, name, options, true, &answer);
    if (code == DUR_REPLAYED && result) *result = answer.value;
    if (code == DUR_REPLAYED) return DUR_OK;
    if (code != DUR_EXECUTE) return code;
    answer.step->result = result;
    return durable_step_run(answer.step, fn, user);
}

/* ---- Trying again -------------------------------------------------------------------------- */

DUR_API int dur_retry_after(dur_step *step, int64_t delay_ms)
{
    int code = step ? durable_step_check_open(step) : DUR_MISUSE;

    if (code != DUR_OK) return code;
    if (delay_ms < 0 && delay_ms != DUR_NEVER)
        return durable_run_misuse(step->run,
                                  "position %lld, step \"%s\": dur_retry_after() takes a delay in"
                                  " ms or DUR_NEVER, not %lld",
                                  (long long)step->position, step->name, (long long)delay_ms);
    step->retry_after = delay_ms;
    return DUR_OK;
}

/* In a body it takes effect when the body ends. */
static int note_not_yet(dur_step *step, dur_value details)
{
    dur_run *run = step->run;
    durable_datum datum;

    if (durable_value_encode(details, &datum) != DUR_OK)
        return durable_run_misuse(run, "position %lld, step \"%s\": the details are no value"
                                       " (type %d)",
                                  (long long)step->position, step->name, (int)details.type);
    if (!durable_step_set_not_yet(step, &details))
        return durable_run_stop(run, DUR_NOMEM, "position %lld, step \"%s\": out of memory",
                                (long long)step->position, step->name);
    return DUR_OK;
}

DUR_API int dur_not_yet(dur_step *step, dur_value details)
{
    int code = step ? durable_step_check_open(step) : DUR_MISUSE;

    if (code != DUR_OK) return code;
    if (step->verifying)
        return durable_run_misuse(step->run,
                                  "position %lld, step \"%s\": dur_not_yet() is for its body, not"
                                  " for its verify function",
                                  (long long)step->position, step->name);
    if (step->run->body == step) return note_not_yet(step, details);
    return durable_step_not_yet(step, details);
}

DUR_API int dur_heartbeat(dur_step *step, dur_value details)
{
    int code = step ? durable_step_check_open(step) : DUR_MISUSE;

    return code == DUR_OK ? durable_attempt_beat(step, details) : code;
}

DUR_API dur_value dur_step_details(const dur_step *step)
{
    dur_value details = dur_null();

    if (step && step->progress &&
        durable_value_decode(&step->progress->pending.details, &details) != DUR_OK)
        details = dur_null();
    return details;
}

DUR_API int64_t dur_step_attempt(const dur_step *step)
{
    return step && step->state == DURABLE_STEP_OPEN ? step->attempt : 0;
}

DUR_API const char *dur_step_last_failure(const dur_step *step)
{
    return step && step->progress ? step->progress->pending.failure : NULL;
}

/* ---- Asking -------------------------------------------------------------------------------- */

/* What undoes a step is told that one's result. */
static bool has_value(const dur_step *step)
{
    return step->state == DURABLE_STEP_REPLAYED ||
           (step->kind == DURABLE_KIND_UNDO && step->state == DURABLE_STEP_OPEN);
}

DUR_API dur_value dur_step_value(const dur_step *step)
{
    return step && has_value(step) ? step->value : dur_null();
}

DUR_API int64_t dur_step_position(const dur_step *step)
{
    return step ? step->position : 0;
}

DUR_API const char *dur_step_idempotency_key(dur_step *step)
{
    if (!step) return NULL;
    if (step->key[0] == '\0')
        durable_print(step->key, sizeof step->key, "%s-%lld", step->run->uid,
                      (long long)step->position);
    return step->key;
}

DUR_API const char *dur_undone_key(dur_step *step)
{
    char *key;

    if (!step || !step->run || step->kind != DURABLE_KIND_UNDO || !step->undoes) return NULL;
    key = durable_arena_allocate(&step->run->arena, DURABLE_KEY_SIZE);
    if (key)
        durable_print(key, DURABLE_KEY_SIZE, "%s-%lld", step->run->uid, (long long)step->undoes);
    return key;
}

DUR_API dur_step *dur_current_step(dur_run *run)
{
    return run ? run->body : NULL;
}
