/* engine: children: runs that a run calls, or starts and awaits. */
#include "engine/wait.h"

DURABLE_INTERNAL void durable_child_id_print(char id[DUR_NAME_MAX + 1], const dur_run *run,
                                             int64_t position)
{
    char number[24], prefix[DUR_NAME_MAX + 1];
    const char *parent = prefix;

    durable_continue_child_prefix(prefix, run);
    durable_print(number, sizeof number, "/%lld", (long long)position);
    if (strlen(parent) + strlen(number) > DUR_NAME_MAX) parent = run->uid;
    durable_print(id, DUR_NAME_MAX + 1, "%s%s", parent, number);
}

/* The child's name in the log; `buffer` holds it where the caller gave none. */
static const char *id_of(char buffer[DUR_NAME_MAX + 1], const dur_run *run, const dur_step *step,
                         const dur_child_options *options)
{
    if (options->run_id) return options->run_id;
    durable_child_id_print(buffer, run, step->position);
    return buffer;
}

/* In the child's own words, which name its run: where children are nested, the innermost tells. */
static int stop_as_child(dur_run *run, int code)
{
    durable_error_copy(&run->error, &run->log->error);
    run->stop = run->error.code = code;
    durable_run_tell_log(run);
    return code;
}

/* What its parent remembers of a child that was started has this choice; of one that is called,
 * none. */
#define CHILD_STARTED 1

/* It is in the log already, and not as it is asked for now. */
static bool is_otherwise(const dur_step *step, int64_t choice)
{
    return step->progress && step->progress->pending.choice != choice;
}

static int diverge_from(dur_step *step, const durable_asked *asked)
{
    dur_run *run = step->run;
    durable_progress *progress = step->progress;

    step->progress = NULL;
    run->position = step->position;
    durable_step_close(step);
    durable_progress_return(run, progress);
    return durable_diverge(run, DUR_DIVERGED, run->position, asked, NULL);
}

/* ---- Calling ------------------------------------------------------------------------------- */

/* What a called child's pass came to, for its caller's row. */
static int conclude_call(dur_step *step, int code, bool wants_value, dur_value *value)
{
    dur_run *run = step->run;
    dur_log *log = run->log;
    int outcome = code == DUR_OK ? DURABLE_OUTCOME_RESULT : DURABLE_OUTCOME_FAILURE;

    if (code == DUR_OK) {
        *value = log->output;
        if (wants_value && !durable_run_copy_value(run, value))
            return durable_run_stop(run, DUR_NOMEM, "position %lld, child \"%s\": out of memory",
                                    (long long)step->position, step->name);
    } else {
        durable_run_set_failure(run, log->error.message, strlen(log->error.message));
        *value = dur_text(run->failure);
    }
    return durable_wait_conclude(step, outcome, *value, 0, NULL);
}

static int suspend_call(dur_step *step)
{
    durable_wanted wanted = {DURABLE_NEVER, 0, DURABLE_NEVER, NULL, 0,
                             durable_clock_now(&step->run->log->clock)};

    return durable_wait_suspend(step, &wanted);
}

/* Whether the child has ended, so that its caller's row can be written. */
static bool is_end(int code)
{
    return code == DUR_OK || code == DUR_FAILED || code == DUR_CANCELLED || code == DUR_TIMED_OUT;
}

static int finish_call(dur_step *step, int code, dur_value *result)
{
    dur_run *run = step->run;
    dur_value value = dur_null();
    int recorded;

    if (code == DUR_SUSPENDED) return suspend_call(step);
    if (code == DUR_LOST) code = DUR_OWNED; /* the child's claim: the caller still has its own */
    if (!is_end(code)) return stop_as_child(run, code);
    recorded = conclude_call(step, code, result != NULL, &value);
    if (recorded != DUR_OK) return recorded;
    if (code == DUR_OK) {
        if (result) *result = value;
        return DUR_OK;
    }
    run->failure_pending = true;
    return DUR_FAILED;
}

/* While the child's function runs, its caller is not to be asked for anything. */
static int call_child(dur_step *step, const durable_child *child, dur_value *result)
{
    dur_run *run = step->run;
    char buffer[DUR_NAME_MAX + 1];
    durable_call call = {.log = run->log,
                         .caller = run,
                         .step = step,
                         .position = step->position,
                         .run_id = id_of(buffer, run, step, child->options),
                         .name = child->name,
                         .cancels = run->cancels && run->ends_as == DUR_OK,
                         .options = child->options,
                         .fn = child->fn,
                         .user = child->user};
    bool lent = run->lent;
    int code;

    run->body = step;
    run->lent = true; /* nor to be closed */
    code = durable_call_run(&call);
    run->lent = lent;
    run->body = NULL;
    run->failing = false;
    if (!run->log)
        return durable_run_misuse(run, "its log was closed: close this handle with"
                                       " dur_close_run()");
    if (run->stop != DUR_OK) return run->stop;
    return finish_call(step, code, result);
}

static int check_input(dur_run *run, const durable_asked *asked, int64_t position,
                       const dur_child_options *options)
{
    char buffer[DUR_NAME_MAX + 1];
    const char *id = options->run_id;

    if (!id) durable_child_id_print(buffer, run, position);
    return durable_check_child(run, asked, position, id ? id : buffer, &options->input);
}

DURABLE_INTERNAL int durable_child_call(dur_run *run, const durable_child *child,
                                        dur_value *result)
{
    durable_asked asked = {DURABLE_KIND_CHILD, child->name, child->options->file,
                           child->options->line, true};
    durable_answer answer;
    int64_t position = run->position;
    int code = durable_step_begin(run, &asked, NULL, &answer);

    if (run->log->check && (code == DUR_REPLAYED || code == DUR_FAILED) && run->stop == DUR_OK &&
        check_input(run, &asked, position, child->options) != DUR_OK)
        return run->stop;
    if (code == DUR_REPLAYED && result) *result = answer.value;
    if (code == DUR_REPLAYED) return DUR_OK;
    if (code == DUR_EXECUTE && is_otherwise(answer.step, 0))
        return diverge_from(answer.step, &asked);
    if (code == DUR_EXECUTE) code = call_child(answer.step, child, result);
    if (code != DUR_FAILED) return code;
    code = durable_interrupt_behind_child(run);
    return code == DUR_OK ? DUR_FAILED : code;
}

/* A child renews its claim, and theirs with it, when half of its own is used: until then theirs
 * have to last. */
static void prolong_callers(const dur_run *child)
{
    const dur_run *caller = child->caller;

    if (!caller) return;
    if (durable_time_between(caller->lease_end, child->lease_end) > caller->log->lease_ms / 4)
        durable_call_prolong(child, child->lease_end);
}

DURABLE_INTERNAL int durable_call_run(const durable_call *call)
{
    dur_run *child;
    int code;

    if (call->log->check) return durable_check_call(call);
    code = durable_run_begin_call(call, &child);
    if (code == DUR_REPLAYED) return DUR_OK;
    if (code != DUR_OK) return code;
    child->caller = call->caller;
    prolong_callers(child);
    return durable_run_pass(child, call->fn, call->user);
}

/* One that fails leaves it to the caller's own next write to find out. */
DURABLE_INTERNAL void durable_call_prolong(const dur_run *run, int64_t lease_end)
{
    for (dur_run *caller = run->caller; caller; caller = caller->caller) {
        durable_store *store = caller->log->store;

        if (caller->lease_end >= lease_end) return;
        if (store->methods->renew_lease(store, &caller->fence, lease_end) != DUR_OK) return;
        if (!caller->fence.provisional) caller->lease_end = lease_end;
    }
}

/* ---- Starting ------------------------------------------------------------------------------ */

typedef struct found_child {
    const dur_step *step;
    bool ours;
} found_child;

static int look_whose(const durable_run_record *record, void *context)
{
    found_child *found = context;

    found->ours = record->parent == found->step->run->fence.run && !record->root &&
                  record->called_at == found->step->position;
    return DUR_OK;
}

/* Its id is taken: by a start whose commit had survived its error? */
static int look_at_taken(dur_step *step, const char *id)
{
    dur_run *run = step->run;
    durable_store *store = run->log->store;
    found_child found = {step, false};
    int code = store->methods->find_run(store, id, look_whose, &found);

    if (code == DUR_OK && found.ours) return DUR_OK;
    if (code == DUR_OK || code == DUR_NOT_FOUND)
        return durable_run_stop(run, DUR_CONFLICT,
                                "position %lld, child \"%s\": there is another run of the id"
                                " \"%s\": give the child another one",
                                (long long)step->position, step->name, id);
    return durable_run_stop_with_store(run, code, step->position, step->name);
}

/* What its parent remembers of a child that was put into the log, in the same commit. False: out of
 * memory. */
static bool remember(dur_step *step, bool started, durable_pending *pending,
                     durable_progress **progress)
{
    durable_progress_describe(step, pending);
    pending->choice = started ? CHILD_STARTED : 0;
    *progress = durable_progress_copy(pending);
    return *progress != NULL;
}

DURABLE_INTERNAL int durable_child_create(dur_step *step, durable_new_run *new_run,
                                          durable_caller *caller, bool *created,
                                          durable_fence *fence)
{
    dur_run *run = step->run;
    durable_store *store = run->log->store;
    durable_pending pending;
    durable_progress *progress;
    int code;

    *created = false;
    if (run->depth >= DUR_DEPTH_MAX)
        return durable_error_set(&store->error, DUR_MISUSE,
                                 "children must not be nested deeper than %d", DUR_DEPTH_MAX);
    if (!remember(step, caller->root == 0, &pending, &progress))
        return durable_error_set(&store->error, DUR_NOMEM, "out of memory");
    caller->fence = &run->fence;
    caller->position = step->position;
    caller->depth = run->depth + 1;
    caller->pending = &pending;
    new_run->caller = caller;
    /* What cleans up after a deadline is not bound by it. */
    if (run->ends_as == DUR_OK && !run->undoing && run->deadline < new_run->deadline)
        new_run->deadline = run->deadline;
    code = store->methods->create_run(store, new_run, created, fence);
    if (code != DUR_OK || !*created) {
        durable_progress_free(progress);
        return code;
    }
    progress->joined = store->methods->is_joined(store);
    durable_progress_free(step->progress);
    step->progress = progress;
    run->has_pending = true;
    return DUR_OK;
}

DURABLE_INTERNAL int64_t durable_child_deadline(const dur_child_options *options, int64_t now)
{
    return options->timeout_ms ? durable_time_after(now, options->timeout_ms) : DURABLE_NEVER;
}

static int put_started(dur_step *step, const durable_child *child, const char *id)
{
    dur_run *run = step->run;
    const dur_child_options *options = child->options;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    durable_caller caller = {.on_parent_end = options->on_parent_end};
    durable_new_run new_run;
    char uid[DURABLE_UID_SIZE];
    bool created;
    int code;

    start.queue = options->queue;
    start.priority = options->priority;
    durable_run_describe(run->log, child->workflow, id, &start, uid, &new_run);
    if (durable_value_encode(options->input, &new_run.input) != DUR_OK)
        return durable_run_stop(run, DUR_MISUSE,
                                "position %lld, child \"%s\": its input is no value (type %d)",
                                (long long)step->position, step->name, (int)options->input.type);
    new_run.now = new_run.due = durable_clock_now(&run->log->clock);
    new_run.deadline = durable_child_deadline(options, new_run.now);
    code = durable_child_create(step, &new_run, &caller, &created, NULL);
    if (code != DUR_OK) return durable_run_stop_with_store(run, code, step->position, step->name);
    return created ? DUR_OK : look_at_taken(step, id);
}

/* As long-lived as the handle: in the run's memory where that is. */
static int keep_id(dur_step *step, const char *id, bool replayed)
{
    dur_run *run = step->run;

    step->token = replayed ? durable_arena_copy(&run->arena, id, strlen(id))
                           : durable_copy_text(id, strlen(id));
    if (step->token) return DUR_OK;
    return durable_run_stop(run, DUR_NOMEM, "position %lld, child \"%s\": out of memory",
                            (long long)step->position, step->name);
}

static void note_child(dur_step *step, const dur_child_options *options)
{
    dur_run *run = step->run;

    run->child_endings |= 1u << options->on_parent_end;
    if (options->on_parent_end != DUR_CHILD_WAIT || step->state != DURABLE_STEP_OPEN) return;
    step->next_child = run->children;
    run->children = step;
}

DURABLE_INTERNAL int durable_child_start(dur_run *run, const durable_child *child,
                                         dur_step **step)
{
    durable_asked asked = {DURABLE_KIND_CHILD, child->name, child->options->file,
                           child->options->line, false};
    char buffer[DUR_NAME_MAX + 1];
    const char *id;
    durable_answer answer;
    int begun = durable_step_begin(run, &asked, NULL, &answer);
    int code = answer.step ? DUR_OK : begun;

    if (code != DUR_OK) return code;
    if (is_otherwise(answer.step, CHILD_STARTED)) return diverge_from(answer.step, &asked);
    if (run->log->check &&
        check_input(run, &asked, answer.step->position, child->options) != DUR_OK)
        return run->stop;
    id = id_of(buffer, run, answer.step, child->options);
    code = keep_id(answer.step, id, begun != DUR_EXECUTE);
    if (code == DUR_OK && begun == DUR_EXECUTE && !answer.step->progress && !run->log->check)
        code = put_started(answer.step, child, id);
    if (code != DUR_OK) return code;
    note_child(answer.step, child->options);
    *step = answer.step;
    return DUR_OK;
}

/* What each came to is in the parent's log, and does not matter to a workflow that did not ask. */
DURABLE_INTERNAL int durable_child_await_all(dur_run *run)
{
    for (dur_step *step = run->children; step; step = step->next_child) {
        int code = step->state == DURABLE_STEP_OPEN ? durable_callback_settle(step) : DUR_OK;

        if (code == DUR_FAILED) run->failure_pending = false;
        if (run->stop != DUR_OK) return run->stop;
    }
    return DUR_OK;
}
