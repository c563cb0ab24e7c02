/* api: the verbs. */
#include "api/api.h"

/* The verbs' side of durable_begin_step(): the call site comes with the options. */
static int begin(dur_run *run, const char *name, const dur_step_options *options, bool sequential,
                 durable_answer *answer)
{
    durable_asked asked = {DURABLE_KIND_STEP, name, NULL, 0, sequential};
    int code = durable_begin_step(run, &asked, options, answer);

    if (code < 0) run->told = true;
    return code;
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

DUR_API int dur_record_result(dur_step *step, dur_value result)
{
    if (!step) return DUR_MISUSE;
    if (fails_in_body(step)) return dur_record_failure(step, step->run->failure);
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

/* The function has returned; `answered` tells whether it recorded an outcome. */
static int check_answer(dur_run *run, dur_step *step, bool answered, int result)
{
    char message[DURABLE_FAILURE_SIZE];

    if (run->stop != DUR_OK) return run->stop;
    if (answered) return run->failure_pending ? DUR_FAILED : DUR_OK;
    if (result == 0 && !run->failing)
        return durable_run_stop(run, DUR_MISUSE,
                                "position %lld, step \"%s\": its function returned 0 without"
                                " recording an outcome",
                                (long long)step->position, step->name);
    if (run->failing)
        memcpy(message, run->failure, strlen(run->failure) + 1);
    else
        durable_print(message, sizeof message, "step function returned %d", result);
    result = dur_record_failure(step, message);
    return result == DUR_OK ? DUR_FAILED : result;
}

/* While it runs the step is the run's body: no other step may begin inside it, and dur_fail() and
 * dur_current_step() know it. */
static int run_body(dur_run *run, dur_step *step, dur_step_fn *fn, void *user)
{
    int result;

    run->body = step;
    run->failing = false;
    result = fn(step, user);
    run->body = NULL;
    step->result = NULL; /* the caller's place is not ours any longer */
    if (!run->log) return durable_check_run(run);
    result = check_answer(run, step, step->state != DURABLE_STEP_OPEN, result);
    run->failing = false;
    return result;
}

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
    return run_body(run, answer.step, fn, user);
}

/* ---- Asking -------------------------------------------------------------------------------- */

DUR_API dur_value dur_step_value(const dur_step *step)
{
    return step && step->state == DURABLE_STEP_REPLAYED ? step->value : dur_null();
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

DUR_API dur_step *dur_current_step(dur_run *run)
{
    return run ? run->body : NULL;
}
