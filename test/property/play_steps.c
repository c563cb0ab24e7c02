/* test/property: steps of every mode, in every form. */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- What a body does ---------------------------------------------------------------------- */

typedef enum work { WORK_VALUE, WORK_FAILS, WORK_NOT_YET, WORK_NOTHING } work;

void attempt_message(char message[64], int64_t attempt)
{
    snprintf(message, 64, "attempt %lld was to fail", (long long)attempt);
}

static bool attempt_fails(const program_node *node, int64_t attempt)
{
    return attempt <= node->fails || node->fails_at_last;
}

truth trace_truth(const node_trace *trace, const program_node *node, int64_t attempt)
{
    if (trace->last_attempt != attempt) return TRUTH_NOTHING;
    return attempt_fails(node, attempt) ? TRUTH_FAILURE : TRUTH_RESULT;
}

static void check_key(step_task *it, dur_step *step)
{
    const char *key = dur_step_idempotency_key(step);

    if (!it->trace->key[0]) snprintf(it->trace->key, sizeof it->trace->key, "%s", key);
    if (strcmp(it->trace->key, key) != 0)
        world_accuse(it->world, "n%d.%d: its key has changed", it->body, it->index);
}

static void check_may_run(step_task *it, int64_t attempt)
{
    const node_trace *trace = it->trace;

    if (it->doomed)
        world_accuse(it->world, "n%d.%d: a body runs behind a failure", it->body, it->index);
    if (it->node->mode == DUR_AT_MOST_ONCE && trace->last_attempt >= attempt)
        world_accuse(it->world, "n%d.%d: attempt %lld runs twice", it->body, it->index,
                     (long long)attempt);
}

static void have_effect(step_task *it, int64_t attempt)
{
    if (it->node->mode == DUR_TRANSACTIONAL) world_write(it->world, it->body, it->index);
    it->trace->effects++;
    it->trace->last_attempt = attempt;
}

/* Once, a body is left by dur_stop(): before its effect, or behind it. */
static bool is_stopped(step_task *it, dur_run *run, uint64_t moment)
{
    if (!it->world->disturbance.stops || it->trace->begun != 1) return false;
    if (it->seed % 4 != moment) return false;
    dur_stop(run, "stopped in the body of n%d.%d", it->body, it->index);
    return true;
}

static work fail_attempt(step_task *it, dur_step *step, int64_t attempt)
{
    attempt_message(it->message, attempt);
    if (attempt <= it->node->fails) return it->node->polls ? WORK_NOT_YET : WORK_FAILS;
    if (it->node->never || it->node->polls) dur_retry_after(step, DUR_NEVER);
    return WORK_FAILS;
}

static work do_work(step_task *it, dur_run *run, dur_step *step)
{
    int64_t attempt = dur_step_attempt(step);

    if (!world_lives_on(it->world)) return WORK_NOTHING;
    check_key(it, step);
    check_may_run(it, attempt);
    it->trace->begun++;
    if (is_stopped(it, run, 1)) return WORK_NOTHING;
    if (it->node->beats) dur_heartbeat(step, dur_integer(attempt));
    if (world_is_dead(it->world)) return WORK_NOTHING;
    have_effect(it, attempt);
    if (is_stopped(it, run, 2) || !world_lives_on(it->world)) return WORK_NOTHING;
    return attempt_fails(it->node, attempt) ? fail_attempt(it, step, attempt) : WORK_VALUE;
}

/* ---- Its other functions ------------------------------------------------------------------- */

static dur_value value_of(step_task *it)
{
    return value_make(it->node->form, it->seed, it->text);
}

/* It tells the truth. */
static int verify(dur_step *step, void *user)
{
    step_task *it = user;
    int64_t attempt = dur_step_attempt(step);

    if (!world_lives_on(it->world)) return 1;
    switch (trace_truth(it->trace, it->node, attempt)) {
    case TRUTH_NOTHING: return DUR_EXECUTE;
    case TRUTH_RESULT: dur_record_result(step, value_of(it)); return 0;
    default:
        fail_attempt(it, step, attempt);
        dur_record_failure(step, it->message);
        return 0;
    }
}

static void check_undo(step_task *it, dur_step *step)
{
    int *last = &it->world->outside->undone_last[it->body];
    dur_value value = dur_step_value(step);

    if (*last && *last < it->index + 1)
        world_accuse(it->world, "n%d.%d: it is undone behind an older one", it->body, it->index);
    *last = it->index + 1;
    if (program_is_racy(it->world->program, it->body) && value.type == DUR_NULL) return;
    if (!it->trace->begun)
        world_accuse(it->world, "n%d.%d: it is undone and never was begun", it->body, it->index);
    if (it->node->fails_at_last ? value.type != DUR_NULL : !value_equals(value, value_of(it)))
        world_accuse(it->world, "n%d.%d: its undo function was given another value", it->body,
                     it->index);
}

static int undo(dur_step *step, void *user)
{
    step_task *it = user;
    int64_t attempt = dur_step_attempt(step);

    if (!world_lives_on(it->world)) return 1;
    check_undo(it, step);
    it->trace->undone++;
    if (!world_lives_on(it->world)) return 1;
    attempt_message(it->message, attempt);
    if (attempt <= it->node->undo_fails) dur_record_failure(step, it->message);
    else dur_record_result(step, dur_integer(it->index));
    return 0;
}

static void set_policy(step_task *it, dur_step_options *options)
{
    const dur_retry defaults = DUR_RETRY_INIT;
    const program_node *node = it->node;

    it->retry = defaults;
    it->retry.initial_ms = 10;
    it->retry.max_interval_ms = 1000;
    it->retry.jitter = it->seed % 2 ? DUR_JITTER_FULL : DUR_JITTER_NONE;
    options->poll = &it->retry;
    if (node->fails || node->fails_at_last || node->undo_fails ||
        (node->mode == DUR_AT_MOST_ONCE && node->in_doubt == DUR_IN_DOUBT_RETRY))
        options->retry = &it->retry;
    if (node->fails_at_last && !node->never) it->retry.max_attempts = node->fails + 1;
}

static dur_step_options options_of(step_task *it)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    options.mode = it->node->mode;
    if (it->node->mode == DUR_AT_MOST_ONCE) options.in_doubt = it->node->in_doubt;
    if (it->node->mode == DUR_AT_MOST_ONCE && it->node->in_doubt == DUR_IN_DOUBT_VERIFY)
        options.verify = verify;
    /* Of a step that may have been open beside the one that failed nobody knows whether an earlier
     * owner has begun it. */
    if (it->node->undoes && !(it->doomed && it->node->form == FORM_VERBS)) options.undo = undo;
    options.user = it;
    options.timeout_ms = it->node->times ? INT64_C(8640000000) : 0;
    set_policy(it, &options);
    return options;
}

/* ---- Forms --------------------------------------------------------------------------------- */

/* In a DUR_STEP body: whether the value is to be given. */
static bool works(step_task *it, dur_run *run)
{
    dur_step *step = dur_current_step(run);

    switch (do_work(it, run, step)) {
    case WORK_VALUE: return true;
    case WORK_FAILS: dur_fail(run, "%s", it->message); return false;
    case WORK_NOT_YET: dur_not_yet(step, dur_text(it->message)); return false;
    default: return false;
    }
}

static const char *own_text(step_task *it, dur_run *run)
{
    char *copy = malloc(401);

    if (!copy) abort();
    memcpy(copy, dur_as_text(value_of(it)), 400);
    return dur_own(run, copy, free);
}

static dur_value run_numbers(step_task *it, dur_run *run, const char *name,
                             const dur_step_options *options)
{
    int32_t number = 0;
    bool yes = false;
    double real = 0;

    switch (it->node->form) {
    case FORM_INT:
        DUR_STEP(run, name, number, options)
        {
            if (works(it, run)) number = (int32_t)value_of(it).as.integer;
        }
        return dur_integer(number);
    case FORM_BOOL:
        DUR_STEP(run, name, yes, options)
        {
            if (works(it, run)) yes = value_of(it).as.integer == 1;
        }
        return dur_integer(yes);
    case FORM_REAL:
        DUR_STEP(run, name, real, options)
        {
            if (works(it, run)) real = value_of(it).as.real;
        }
        return dur_real(real);
    default:
        DUR_STEP_VOID(run, name, options)
        {
            works(it, run);
        }
        return dur_null();
    }
}

typedef struct object {
    int64_t numbers[2];
} object;

static dur_value run_bytes(step_task *it, dur_run *run, const char *name,
                           const dur_step_options *options)
{
    const char *text = NULL;
    char chars[32] = "";
    object thing = {{0, 0}};
    dur_value value;

    switch (it->node->form) {
    case FORM_TEXT:
        DUR_STEP(run, name, text, options)
        {
            if (works(it, run)) text = own_text(it, run);
        }
        return dur_text(text);
    case FORM_CHARS:
        DUR_STEP(run, name, chars, options)
        {
            if (works(it, run)) memcpy(chars, dur_as_text(value_of(it)), sizeof chars);
        }
        memcpy(it->text, chars, sizeof chars);
        return dur_text(it->text);
    case FORM_OBJECT:
        DUR_STEP(run, name, thing, options)
        {
            if (works(it, run)) memcpy(&thing, value_of(it).as.bytes, sizeof thing);
        }
        memcpy(it->text, &thing, sizeof thing);
        return dur_object(it->text, sizeof thing);
    default:
        DUR_STEP(run, name, value, options)
        {
            if (works(it, run)) value = value_of(it);
        }
        return value;
    }
}

/* ---- The verbs ----------------------------------------------------------------------------- */

static int answer(step_task *it, dur_run *run, dur_step *step)
{
    switch (do_work(it, run, step)) {
    case WORK_VALUE: return dur_record_result(step, value_of(it));
    case WORK_FAILS: return dur_record_failure(step, it->message);
    case WORK_NOT_YET: return dur_not_yet(step, dur_text(it->message));
    default: return DUR_STOPPED;
    }
}

static dur_value run_verbs(step_task *it, dur_run *run, const char *name,
                           const dur_step_options *options)
{
    dur_step *step;
    int code = dur_begin_step(run, name, options, &step);

    if (code == DUR_REPLAYED) return dur_step_value(step);
    while (code == DUR_EXECUTE) code = answer(it, run, step);
    return code == DUR_OK ? value_of(it) : dur_null();
}

typedef struct call {
    step_task *task;
    dur_run *run;
} call;

static int step_function(dur_step *step, void *user)
{
    call *it = user;
    int code = answer(it->task, it->run, step);

    return code == DUR_STOPPED;
}

static dur_value run_function(step_task *it, dur_run *run, const char *name,
                              const dur_step_options *options)
{
    call context = {it, run};
    dur_value value = dur_null();

    if (dur_replay_or_run(run, name, options, step_function, &context, &value) == DUR_OK)
        return value;
    return dur_null();
}

/* ---- Nodes --------------------------------------------------------------------------------- */

static dur_value run_form(step_task *it, dur_run *run, const char *name,
                          const dur_step_options *options)
{
    switch (it->node->form) {
    case FORM_VERBS: return run_verbs(it, run, name, options);
    case FORM_FUNCTION: return run_function(it, run, name, options);
    case FORM_TEXT:
    case FORM_CHARS:
    case FORM_OBJECT:
    case FORM_VALUE: return run_bytes(it, run, name, options);
    default: return run_numbers(it, run, name, options);
    }
}

void play_step(player *it, int index)
{
    step_task *task = player_task(it, index);
    dur_step_options options = options_of(task);
    char name[16], text[400];
    dur_value value;

    player_name(name, it->index, index);
    value = run_form(task, it->run, name, &options);
    if (!dur_ok(it->run) || world_is_dead(it->world)) return;
    if (!value_equals(value, value_make(task->node->form, task->seed, text)))
        world_accuse(it->world, "%s: it gave another value", name);
    player_fold(it, value);
}

/* Both are begun, then the second is recorded before the first. */
void play_pair(player *it, int index)
{
    step_task *task = player_task(it, index);
    char name[16], second[20];
    dur_step *steps[2];
    int codes[2];

    player_name(name, it->index, index);
    snprintf(second, sizeof second, "%s+", name);
    codes[0] = dur_begin_step(it->run, name, NULL, &steps[0]);
    codes[1] = dur_begin_step(it->run, second, NULL, &steps[1]);
    for (int i = 1; i >= 0; i--) {
        if (codes[i] != DUR_EXECUTE) continue;
        if (!world_lives_on(it->world)) return;
        task->trace->effects++;
        codes[i] = dur_record_result(steps[i], dur_integer((int64_t)task->seed + i));
    }
    if (dur_ok(it->run)) player_fold(it, dur_integer((int64_t)task->seed));
}
