/* test/support: the in-memory store's verbs on parents and children: creating, ending, asking. */
#include "support/internal/memory_children.h"

#include "support/internal/memory_tell.h"
#include "support/internal/memory_waits.h"

#include <inttypes.h>

/* ---- Relations ---- */

static bool is_called_by(const memory_run *run, int64_t parent)
{
    return !run->deleted && run->root && run->parent == parent;
}

bool memory_run_calls(const memory_log *log, int64_t parent)
{
    for (size_t i = 0; i < log->count; i++)
        if (is_called_by(&log->runs[i], parent) && !memory_run_has_ended(&log->runs[i]))
            return true;
    return false;
}

int64_t memory_due_below(const memory_log *log, const memory_run *root)
{
    int64_t due = DURABLE_NEVER;

    for (size_t i = 0; i < log->count; i++) {
        const memory_run *run = &log->runs[i];

        if (!run->deleted && run->root == root->key && run->status == DURABLE_SUSPENDED &&
            run->due < due)
            due = run->due;
    }
    return due;
}

void memory_run_delete(memory_log *log, memory_run *run)
{
    run->deleted = true;
    for (size_t i = 0; i < log->count; i++)
        if (is_called_by(&log->runs[i], run->key)) memory_run_delete(log, &log->runs[i]);
}

/* ---- Create ---- */

static void tell_creation(memory_store *store, const durable_new_run *new_run, narrative *words)
{
    const durable_caller *caller = new_run->caller;
    char due[32];

    narrative_add(words, "create %s epoch %d", new_run->id, new_run->owner != NULL);
    if (!new_run->owner) narrative_add(words, " due %s", memory_time_text(new_run->due, due));
    if (!caller) return;
    narrative_add(words, " %s %s #%" PRId64, caller->root ? "called by" : "started by",
                  memory_name_of(store, caller->fence), caller->position);
    if (!caller->pending) return;
    narrative_add(words, " put ");
    memory_describe_pending(words, caller->pending);
}

static void add_run(memory_store *store, const durable_new_run *new_run, durable_fence *fence)
{
    const durable_caller *caller = new_run->caller;
    const memory_run *run = memory_run_add(store->log, new_run);

    if (fence) memory_fill_fence(fence, run);
    if (caller && caller->pending)
        memory_pending_put(memory_fenced_run(store, caller->fence), caller->pending);
    store->log->version++;
}

int memory_create_run(durable_store *base, const durable_new_run *new_run, bool *created,
                      durable_fence *fence)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "create");
    const durable_caller *caller = new_run->caller;
    int code = DUR_OK;
    narrative words;

    narrative_init(&words);
    tell_creation(store, new_run, &words);
    if (caller)
        code = memory_verdict(store, caller->fence, memory_fenced_run(store, caller->fence));
    *created = !fault.prevents && !code && !memory_run_by_id(store->log, new_run->id);
    if (*created) add_run(store, new_run, fence);
    code = memory_finish(store, &fault, code, *created || code ? NULL : "taken", "%s", words.text);
    narrative_free(&words);
    return code;
}

/* ---- End ---- */

void memory_tell_parent(memory_log *log, const memory_run *run, const durable_ending *ending)
{
    memory_run *parent = memory_run_by_key(log, run->parent);
    const durable_signal signal = {
        .value = ending->output, .failure = ending->failure, .now = ending->now};
    char address[DURABLE_ADDRESS_SIZE];

    if (!parent || memory_run_has_ended(parent)) return;
    memory_callback_address(run->called_at, address);
    memory_signal_send(log, parent, address, &signal);
}

static void resume_root(memory_log *log, const memory_run *run, int64_t now)
{
    memory_run *root = memory_run_by_key(log, run->root);

    if (!root || root->status != DURABLE_PARKED) return;
    root->status = DURABLE_RUNNING;
    if (!root->paused) root->due = now;
}

/* Gives DUR_OK, DUR_REPLAYED or DUR_ENDED. */
static int ask_to_end(memory_log *log, memory_run *run, int64_t now)
{
    if (memory_run_has_ended(run)) return DUR_ENDED;
    if (run->cancels && !run->paused) return DUR_REPLAYED;
    run->cancels = true;
    if (run->status == DURABLE_PARKED || run->status == DURABLE_SUSPENDED ||
        run->due != DURABLE_NEVER || (run->paused && !run->owner)) {
        run->paused = false;
        memory_run_make_due(log, run, now);
    }
    run->paused = false;
    if (run->status == DURABLE_PARKED) run->status = DURABLE_RUNNING;
    resume_root(log, run, now);
    log->version++;
    return DUR_OK;
}

void memory_cancel_children(memory_log *log, const memory_run *parent,
                            const durable_ending *ending)
{
    for (size_t i = 0; i < log->count; i++) {
        memory_run *run = &log->runs[i];
        bool is_started = !run->deleted && !run->root && run->parent == parent->key;

        if (is_started && !run->cancels && (ending->cancels_children >> run->on_parent_end & 1))
            ask_to_end(log, run, ending->now);
    }
}

static void write_ending(memory_log *log, memory_run *run, const durable_ending *ending)
{
    int64_t key = run->key;

    memory_run_end(run, ending);
    if (ending->tells_parent) memory_tell_parent(log, run, ending);
    if (ending->cancels_children) memory_cancel_children(log, run, ending);
    if (ending->successor) memory_run_continue(log, key, ending);
    log->version++;
}

int memory_end_run(durable_store *base, durable_fence *fence, const durable_ending *ending)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "end");
    memory_run *run = memory_fenced_run(store, fence);
    bool done = run || memory_is_given_back(store, fence, ending->status);
    int code = memory_verdict(store, fence, done);

    if (run && !memory_run_may_continue(store->log, ending)) code = DUR_CONFLICT;
    if (run && !code && !fault.prevents) write_ending(store->log, run, ending);
    return memory_finish(store, &fault, code, NULL, "end %s %s%s%s%s%s",
                         ending->successor ? ending->successor->id : memory_name_of(store, fence),
                         memory_status_name(ending->status),
                         ending->successor ? " as " : "",
                         ending->successor ? ending->successor->old_id : "",
                         ending->tells_parent ? " tells" : "",
                         ending->cancels_children ? " cancels" : "");
}

/* ---- What is asked of runs ---- */

int memory_cancel_run(durable_store *base, const char *run_id, int64_t now)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "cancel");
    memory_run *run = memory_run_by_id(store->log, run_id);
    int code = DUR_NOT_FOUND;

    if (run) code = fault.prevents ? DUR_OK : ask_to_end(store->log, run, now);
    return memory_finish(store, &fault, code, NULL, "cancel %s", run_id);
}

static void answer_doubt(memory_log *log, memory_run *run, durable_pending *pending,
                         const durable_resolution *resolution)
{
    durable_pending answered = *pending;

    answered.intent = resolution->intent;
    if (resolution->intent == DURABLE_RESOLVED_RESULT) answered.details = resolution->value;
    if (resolution->intent == DURABLE_RESOLVED_FAILURE) answered.failure = resolution->failure;
    memory_pending_change(run, &answered);
    run->status = DURABLE_RUNNING;
    memory_run_make_due(log, run, resolution->now);
    resume_root(log, run, resolution->now);
    log->version++;
}

static memory_pending *doubt_at(const memory_run *run, int64_t position)
{
    memory_pending *pending = memory_pending_at(run, position);
    bool waits = run->status == DURABLE_PARKED && !run->owner;

    return waits && pending && pending->row.intent == DURABLE_INTENT ? pending : NULL;
}

int memory_resolve_step(durable_store *base, const char *run_id,
                        const durable_resolution *resolution)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "resolve");
    memory_run *run = memory_run_by_id(store->log, run_id);
    memory_pending *pending = run ? doubt_at(run, resolution->position) : NULL;
    static const char *const answers[] = {"again", "?", "result", "failure"};
    int code = pending ? DUR_OK : run ? DUR_ENDED : DUR_NOT_FOUND;

    if (pending && !fault.prevents) answer_doubt(store->log, run, &pending->row, resolution);
    return memory_finish(store, &fault, code, NULL, "resolve %s #%" PRId64 " %s", run_id,
                         resolution->position, answers[resolution->intent]);
}

static int64_t earliest_below(const memory_log *log, int64_t parent)
{
    int64_t due = DURABLE_NEVER;

    for (size_t i = 0; i < log->count; i++) {
        const memory_run *run = &log->runs[i];
        int64_t below;

        if (!is_called_by(run, parent)) continue;
        below = earliest_below(log, run->key);
        if (below < due) due = below;
        if (run->status == DURABLE_SUSPENDED && run->due < due) due = run->due;
    }
    return due;
}

int memory_earliest_due(durable_store *base, int64_t key, int64_t *due)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "earliest");
    const memory_run *run = memory_run_by_key(store->log, key);
    int64_t earliest = DURABLE_NEVER;
    char text[32];

    if (run) {
        earliest = earliest_below(store->log, key);
        if (run->due < earliest) earliest = run->due;
    }
    if (!fault.prevents) *due = earliest;
    return memory_finish(store, &fault, DUR_OK, memory_time_text(earliest, text), "earliest %s",
                         memory_run_name(store->log, key));
}
