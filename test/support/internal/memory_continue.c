/* test/support: runs that continue as new in the in-memory store. */
#include "support/internal/memory_children.h"

#include "support/internal/memory_waits.h"

static memory_run *add_successor(memory_log *log, int64_t key, const durable_ending *ending)
{
    const durable_successor *successor = ending->successor;
    const memory_run *old = memory_run_by_key(log, key);
    const durable_new_run new_run = {.id = successor->id,
                                     .uid = successor->uid,
                                     .workflow = old->workflow,
                                     .code_version = successor->code_version,
                                     .behaviour = successor->behaviour,
                                     .input = successor->input,
                                     .queue = old->queue,
                                     .priority = old->priority,
                                     .due = successor->due,
                                     .deadline = old->deadline,
                                     .now = ending->now};

    return memory_run_add(log, &new_run); /* which may move the old one */
}

static void take_family(const memory_log *log, memory_run *run, int64_t key)
{
    const memory_run *old = memory_run_by_key(log, key);

    run->parent = old->parent;
    run->called_at = old->called_at;
    run->root = old->root;
    run->depth = old->depth;
    run->on_parent_end = old->on_parent_end;
    run->cancels = old->cancels;
    run->paused = old->paused;
    if (run->paused) run->due = DURABLE_NEVER;
    run->generation = old->generation + 1;
    run->origin = key;
    if (run->root) run->status = DURABLE_SUSPENDED;
}

static void hand_on_signals(memory_log *log, int64_t from, int64_t to)
{
    for (size_t i = 0; i < log->signal_count; i++) {
        memory_signal *signal = &log->signals[i];
        bool stays = signal->address[0] == '\t' || (signal->received && !signal->key);

        if (signal->run != from || stays) continue;
        signal->run = to;
        signal->received_at = 0;
    }
}

bool memory_run_may_continue(const memory_log *log, const durable_ending *ending)
{
    return !ending->successor || !memory_run_by_id(log, ending->successor->old_id);
}

void memory_run_continue(memory_log *log, int64_t key, const durable_ending *ending)
{
    memory_run *run, *root;

    memory_replace_text(&memory_run_by_key(log, key)->id, ending->successor->old_id);
    run = add_successor(log, key, ending);
    take_family(log, run, key);
    memory_run_by_key(log, key)->paused = false;
    hand_on_signals(log, key, run->key);
    root = memory_run_by_key(log, run->root);
    if (root && root->status == DURABLE_SUSPENDED && !root->paused && root->due > run->due)
        root->due = run->due;
}
