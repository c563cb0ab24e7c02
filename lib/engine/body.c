/* engine: the body of a step as a function, of the step itself or of what undoes it. */
#include "engine/engine.h"

static int record_failure(dur_step *step, const char *message)
{
    char text[DURABLE_FAILURE_SIZE];
    int code;

    durable_failure_text(text, message, strlen(message));
    code = durable_step_conclude(step, DURABLE_OUTCOME_FAILURE, dur_text(text));
    return code == DUR_OK ? DUR_FAILED : code;
}

/* The attempts may be used up: then that is a failure, and recorded. */
static int conclude_not_yet(dur_step *step)
{
    int code = durable_step_not_yet(step, *step->not_yet);

    return code == DUR_OK ? DUR_FAILED : code;
}

/* The function has returned; `answered` tells whether it recorded an outcome. */
static int check_answer(dur_run *run, dur_step *step, bool answered, int result)
{
    char message[64];

    if (run->stop != DUR_OK) return run->stop;
    if (!answered && step->not_yet) return conclude_not_yet(step);
    if (answered) return run->failure_pending ? DUR_FAILED : DUR_OK;
    if (run->failing) return record_failure(step, run->failure);
    if (result == 0)
        return durable_run_stop(run, DUR_MISUSE,
                                "position %lld, step \"%s\": its function returned 0 without"
                                " recording an outcome",
                                (long long)step->position, step->name);
    durable_print(message, sizeof message, "step function returned %d", result);
    return record_failure(step, message);
}

/* While it runs the step is the run's body: no other step may begin inside it, and dur_fail() and
 * dur_current_step() know it. */
static int run_once(dur_run *run, dur_step *step, dur_step_fn *fn, void *user)
{
    int result;

    run->body = step;
    run->failing = false;
    step->again = false;
    if (step->not_yet) durable_step_set_not_yet(step, NULL);
    result = fn(step, user);
    run->body = NULL;
    if (!run->log)
        return durable_run_misuse(run, "its log was closed: close this handle with"
                                       " dur_close_run()");
    if (!step->again) result = check_answer(run, step, step->state != DURABLE_STEP_OPEN, result);
    run->failing = false;
    return result;
}

DURABLE_INTERNAL int durable_step_run(dur_step *step, dur_step_fn *fn, void *user)
{
    dur_run *run = step->run;
    int result;

    do result = run_once(run, step, fn, user);
    while (run->log && step->again);
    durable_transaction_undo(step); /* what was not recorded */
    step->result = NULL; /* the caller's place is not ours any longer */
    return result;
}
