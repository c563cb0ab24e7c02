/* test/support: the in-memory store's verbs on runs whoever holds them: to pause, end, delete. */
#include "support/internal/memory_children.h"
#include "support/internal/memory_tell.h"
#include "support/internal/memory_waits.h"

#include <inttypes.h>

static int refuse_called(memory_store *store, const memory_run *run)
{
    return durable_error_set(&store->head.error, DUR_CONFLICT, "it is a part of the run \"%s\"",
                             memory_run_name(store->log, run->root));
}

/* ---- Pausing ---- */

static void set_paused(memory_log *log, memory_run *run, bool pause, int64_t now)
{
    run->paused = pause;
    if (pause)
        run->due = DURABLE_NEVER;
    else if (!run->owner && run->status != DURABLE_PARKED)
        run->due = now;
    log->version++;
}

int memory_pause_run(durable_store *base, const char *run_id, bool pause, int64_t now)
{
    memory_store *store = (memory_store *)base;
    const char *verb = pause ? "pause" : "resume";
    memory_fault fault = memory_next_fault(store, verb);
    memory_run *run = memory_run_by_id(store->log, run_id);
    int code = DUR_OK;

    if (!run)
        code = DUR_NOT_FOUND;
    else if (run->root)
        code = refuse_called(store, run);
    else if (memory_run_has_ended(run))
        code = DUR_ENDED;
    else if (run->paused == pause)
        code = DUR_REPLAYED;
    else if (!fault.prevents)
        set_paused(store->log, run, pause, now);
    return memory_finish(store, &fault, code, NULL, "%s %s", verb, run_id);
}

/* ---- Terminating ---- */

static void end_with(memory_log *log, memory_run *run, const durable_ending *ending)
{
    memory_cancel_children(log, run, ending);
    memory_run_await(run, NULL, 0);
    memory_run_end(run, ending);
}

static void terminate(memory_log *log, memory_run *root, const char *failure, int64_t now)
{
    const durable_ending ending = {.status = DURABLE_TERMINATED,
                                   .failure = failure,
                                   .clears_pending = true,
                                   .cancels_children =
                                       1u << DUR_CHILD_WAIT | 1u << DUR_CHILD_CANCEL,
                                   .now = now};

    for (size_t i = 0; i < log->count; i++) {
        memory_run *run = &log->runs[i];
        bool is_part = run == root || run->root == root->key;

        if (is_part && !run->deleted && !memory_run_has_ended(run)) end_with(log, run, &ending);
    }
    memory_tell_parent(log, root, &ending);
    log->version++;
}

int memory_terminate_run(durable_store *base, const char *run_id, const char *failure,
                         int64_t now)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "terminate");
    memory_run *run = memory_run_by_id(store->log, run_id);
    int code = DUR_OK;

    if (!run)
        code = DUR_NOT_FOUND;
    else if (run->root)
        code = refuse_called(store, run);
    else if (memory_run_has_ended(run))
        code = run->status == DURABLE_TERMINATED ? DUR_REPLAYED : DUR_ENDED;
    else if (!fault.prevents)
        terminate(store->log, run, failure, now);
    return memory_finish(store, &fault, code, NULL, "terminate %s", run_id);
}

/* ---- Deleting ---- */

static bool is_part_of(const memory_run *run, int64_t root)
{
    return !run->deleted && (run->key == root || run->root == root);
}

/* Of what refers to a run, or to what it calls, and is open: one. NULL: nothing. */
static const memory_run *open_reference(const memory_log *log, const memory_run *run)
{
    const memory_run *parent = memory_run_by_key(log, run->parent);

    if (parent && !memory_run_has_ended(parent)) return parent;
    for (size_t i = 0; i < log->count; i++) {
        const memory_run *other = &log->runs[i];
        const memory_run *of = memory_run_by_key(log, other->parent);

        if (other->deleted || other->root || memory_run_has_ended(other)) continue;
        if (other->origin == run->key || (of && is_part_of(of, run->key))) return other;
    }
    return NULL;
}

static int check_deletion(memory_store *store, const memory_run *run)
{
    const memory_run *open;

    if (!run) return DUR_NOT_FOUND;
    if (run->root) return refuse_called(store, run);
    open = memory_run_has_ended(run) ? open_reference(store->log, run) : run;
    if (!open) return DUR_OK;
    return durable_error_set(&store->head.error, DUR_NOT_ENDED, "\"%s\" has not ended", open->id);
}

int memory_delete_run(durable_store *base, const char *run_id)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "delete");
    memory_run *run = memory_run_by_id(store->log, run_id);
    int code = check_deletion(store, run);

    if (code == DUR_OK && !fault.prevents) {
        memory_run_delete(store->log, run);
        store->log->version++;
    }
    return memory_finish(store, &fault, code, NULL, "delete %s", run_id);
}

/* ---- Retention ---- */

static bool is_before(const memory_run *a, const memory_run *b)
{
    return a->ended < b->ended || (a->ended == b->ended && a->key < b->key);
}

static bool is_of_kind(const memory_run *run, const char *workflow)
{
    return !run->deleted && !run->root && memory_run_has_ended(run) &&
           (!workflow || strcmp(run->workflow, workflow) == 0);
}

static bool is_kept(const memory_log *log, const memory_run *run,
                    const durable_retention *retention)
{
    int64_t newer = 0;

    for (size_t i = 0; i < log->count; i++)
        newer += is_of_kind(&log->runs[i], retention->workflow) && is_before(run, &log->runs[i]);
    return newer < retention->keep;
}

static memory_run *longest_ended(const memory_log *log, const durable_retention *retention)
{
    memory_run *first = NULL;

    for (size_t i = 0; i < log->count; i++) {
        memory_run *run = &log->runs[i];

        if (!is_of_kind(run, retention->workflow) || run->ended > retention->ended_until) continue;
        if (is_kept(log, run, retention) || open_reference(log, run)) continue;
        if (!first || is_before(run, first)) first = run;
    }
    return first;
}

int memory_delete_ended(durable_store *base, const durable_retention *retention,
                        int64_t *deleted)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "retain");
    int64_t count = 0;
    char text[32];

    while (!fault.prevents && count < retention->max_runs) {
        memory_run *run = longest_ended(store->log, retention);

        if (!run) break;
        memory_run_delete(store->log, run);
        count++;
    }
    if (count) store->log->version++;
    *deleted = fault.code ? 0 : count;
    return memory_finish(store, &fault, DUR_OK, memory_time_text(count, text),
                         "retain %s until %" PRId64 " but %" PRId64,
                         retention->workflow ? retention->workflow : "all",
                         retention->ended_until, retention->keep);
}
