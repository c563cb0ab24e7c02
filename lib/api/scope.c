/* api: what DUR_STEP stands on. */
#include "api/api.h"
#include "api/variable.h"

static void describe_mismatch(char *text, size_t size, const dur_scope_ *scope, dur_value value)
{
    char variable[48];

    if (scope->type == DUR_VAR_NONE_) {
        durable_print(text, size, "%s, but the step has no variable to take it",
                      durable_type_name(value.type));
        return;
    }
    durable_variable_describe(variable, sizeof variable, scope->size, scope->type);
    if (value.type == DUR_INTEGER)
        durable_print(text, size, "the integer %lld, which does not fit the variable (%s)",
                      (long long)value.as.integer, variable);
    else if (value.type >= DUR_TEXT)
        durable_print(text, size, "%s of %lld bytes, which does not fit the variable (%s)",
                      durable_type_name(value.type), (long long)value.length, variable);
    else
        durable_print(text, size, "%s, which does not fit the variable (%s)",
                      durable_type_name(value.type), variable);
}

/* The run has passed the position when its value is found not to fit. */
static void give_replayed(dur_scope_ *scope, dur_value value, const durable_asked *asked)
{
    char detail[160];

    if (durable_variable_write(scope->variable, scope->size, scope->type, value)) return;
    describe_mismatch(detail, sizeof detail, scope, value);
    durable_diverge(scope->run, DUR_MISMATCH, scope->run->position - 1, asked, detail);
}

static void enter_body(dur_scope_ *scope, dur_step *step)
{
    scope->step = step;
    scope->run->body = step;
    scope->run->failing = false;
}

DUR_API dur_scope_ dur_scope_begin_(dur_run *run, const char *name, void *variable, size_t size,
                                    int type, const dur_step_options *options, const char *file,
                                    int line)
{
    durable_asked asked = {DURABLE_KIND_STEP, name, file, line, true};
    dur_scope_ scope = {run, NULL, variable, size, type};
    durable_answer answer;
    int code;

    durable_variable_clear(variable, size, type);
    if (durable_check_run(run) != DUR_OK) return scope;
    code = durable_begin_step(run, &asked, options, &answer);
    if (code == DUR_REPLAYED) give_replayed(&scope, answer.value, &asked);
    if (code != DUR_EXECUTE) return scope;
    enter_body(&scope, answer.step);
    return scope;
}

static int record_failure(dur_scope_ *scope, dur_step *step)
{
    char message[DURABLE_FAILURE_SIZE];

    scope->run->failing = false;
    memcpy(message, scope->run->failure, strlen(scope->run->failure) + 1);
    return durable_step_conclude(step, DURABLE_OUTCOME_FAILURE, dur_text(message));
}

/* What the attempt came to; a variable that gets no value is zero. */
static int record_attempt(dur_scope_ *scope, dur_step *step)
{
    bool failing = scope->run->failing;

    if (!failing && !step->not_yet)
        return durable_step_conclude(
            step, DURABLE_OUTCOME_RESULT,
            durable_variable_read(scope->variable, scope->size, scope->type));
    durable_variable_clear(scope->variable, scope->size, scope->type);
    return failing ? record_failure(scope, step) : durable_step_not_yet(step, *step->not_yet);
}

/* The body has reached its end. What goes wrong from here on has stopped the run, which tells it at
 * the next call; only a result that can never be recorded has to be made a stop here. A short pause
 * before the next attempt was slept through: the body runs once more. */
DUR_API void dur_scope_end_(dur_scope_ *scope)
{
    dur_run *run = scope->run;
    dur_step *step = scope->step;
    int code;

    scope->step = NULL;
    if (!run->log || run->body != step) return;
    run->body = NULL;
    code = record_attempt(scope, step);
    if (code == DUR_EXECUTE) {
        step->again = false;
        durable_step_set_not_yet(step, NULL);
        enter_body(scope, step);
    }
    if ((code == DUR_TOO_BIG || code == DUR_MISUSE) && run->stop == DUR_OK) run->stop = code;
    if (code < 0) durable_transaction_undo(step);
}

/* ---- Transactional steps in short ---------------------------------------------------------- */

DUR_API const dur_step_options *dur_transactional_(void)
{
    static const dur_step_options options = {.size = sizeof(dur_step_options),
                                             .mode = DUR_TRANSACTIONAL};

    return &options;
}
