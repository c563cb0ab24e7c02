/* api: what DUR_STEP stands on. */
#include "api/api.h"
#include "api/variable.h"

#include <sqlite3.h>

static void describe_mismatch(char *text, size_t size, const dur_scope_ *scope, dur_value value)
{
    char variable[48];

    durable_variable_describe(variable, sizeof variable, scope->size, scope->type);
    if (value.type == DUR_INTEGER)
        sqlite3_snprintf((int)size, text, "the integer %lld, which does not fit the variable (%s)",
                         (long long)value.as.integer, variable);
    else if (value.type >= DUR_TEXT)
        sqlite3_snprintf((int)size, text, "%s of %lld bytes, which does not fit the variable (%s)",
                         durable_type_name(value.type), (long long)value.length, variable);
    else
        sqlite3_snprintf((int)size, text, "%s, which does not fit the variable (%s)",
                         durable_type_name(value.type), variable);
}

static void give_replayed(dur_scope_ *scope, const dur_step *step, const durable_asked *asked)
{
    char detail[160];

    if (durable_variable_write(scope->variable, scope->size, scope->type, step->value)) return;
    describe_mismatch(detail, sizeof detail, scope, step->value);
    durable_diverge(scope->run, DUR_MISMATCH, step->position, asked, detail);
}

/* The step options of the macro: the call site is the macro's own. */
static int begin(dur_scope_ *scope, const char *name, const dur_step_options *options,
                 const durable_asked *asked, dur_step **step)
{
    dur_step_options full = {sizeof(dur_step_options), 0, NULL, 0};

    *step = NULL;
    if (options && (!durable_copy_struct(&full, sizeof full, options) || full.lease_ms < 0))
        return durable_run_stop(scope->run, DUR_MISUSE,
                                "position %lld: the step options must be set up with"
                                " DUR_STEP_OPTIONS_INIT, and lease_ms not be negative",
                                (long long)scope->run->position);
    return durable_step_begin(scope->run, name, options ? &full : NULL, asked->file, asked->line,
                              step);
}

DUR_API dur_scope_ dur_scope_begin_(dur_run *run, const char *name, void *variable, size_t size,
                                    int type, const dur_step_options *options, const char *file,
                                    int line)
{
    const durable_asked asked = {DURABLE_KIND_STEP, name ? name : "(null)", file, line};
    dur_scope_ scope = {run, NULL, variable, size, type};
    dur_step *step;
    int code;

    durable_variable_clear(variable, size, type);
    if (durable_check_run(run) != DUR_OK) return scope;
    code = begin(&scope, name, options, &asked, &step);
    if (code == DUR_REPLAYED) give_replayed(&scope, step, &asked);
    if (code != DUR_EXECUTE) return scope;
    scope.step = step;
    run->body = step;
    run->failing = false;
    return scope;
}

static void record_failure(dur_scope_ *scope, dur_step *step)
{
    char message[DURABLE_FAILURE_SIZE];

    scope->run->failing = false;
    durable_variable_clear(scope->variable, scope->size, scope->type);
    memcpy(message, scope->run->failure, strlen(scope->run->failure) + 1);
    durable_step_conclude(step, DURABLE_OUTCOME_FAILURE, dur_text(message));
}

/* The body has reached its end. What goes wrong from here on has stopped the run, which tells it at
 * the next call; only a result that can never be recorded has to be made a stop here. */
DUR_API void dur_scope_end_(dur_scope_ *scope)
{
    dur_run *run = scope->run;
    dur_step *step = scope->step;
    int code;

    scope->step = NULL;
    if (!run->log || run->body != step) return;
    run->body = NULL;
    if (run->failing) {
        record_failure(scope, step);
        return;
    }
    code = durable_step_conclude(step, DURABLE_OUTCOME_RESULT,
                                 durable_variable_read(scope->variable, scope->size, scope->type));
    if ((code == DUR_TOO_BIG || code == DUR_MISUSE) && run->stop == DUR_OK) run->stop = code;
}
