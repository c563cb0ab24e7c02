/* test/support: the in-memory store's verb that copies a run's beginning into a new one. */
#include "support/internal/memory_transaction.h"
#include "support/internal/memory_waits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- What may be copied ---- */

static bool is_end(const memory_step *step)
{
    return step->kind == DURABLE_KIND_UNDO || step->kind == DURABLE_KIND_CANCEL;
}

/* The first position that is not copied. */
static int64_t end_of_copy(const memory_run *source, int64_t position)
{
    for (size_t i = 0; i < source->count && source->steps[i].position < position; i++)
        if (is_end(&source->steps[i])) return source->steps[i].position;
    return position;
}

static bool is_replaceable(const memory_run *source, int64_t position)
{
    const memory_step *step = memory_step_at(source, position);

    if (!step || step->outcome != DURABLE_OUTCOME_RESULT) return false;
    return step->kind == DURABLE_KIND_STEP || step->kind == DURABLE_KIND_RECEIVE ||
           step->kind == DURABLE_KIND_CALLBACK || step->kind == DURABLE_KIND_CHILD;
}

static int check(const memory_run *source, const durable_restart *restart)
{
    int64_t last = source->count ? source->steps[source->count - 1].position : 0;

    if (restart->position < 1 || restart->position > last + 1 ||
        restart->position > DUR_POSITION_MAX)
        return DUR_MISUSE;
    if (restart->replace_at == 0) return DUR_OK;
    if (restart->replace_at >= end_of_copy(source, restart->position)) return DUR_MISUSE;
    return is_replaceable(source, restart->replace_at) ? DUR_OK : DUR_MISUSE;
}

/* ---- One that is there ---- */

/* But for the value that was replaced, what was copied is as it is there. */
static bool is_copy(const memory_run *copy, const memory_run *source,
                    const durable_restart *restart)
{
    for (size_t i = 0; i < copy->count; i++) {
        const memory_step *step = &copy->steps[i];
        const memory_step *from = memory_step_at(source, step->position);
        const durable_datum *value = from ? &from->value : &step->value;

        if (step->epoch || step->position >= restart->position) continue;
        if (step->position == restart->replace_at) value = &restart->value;
        if (!durable_datum_equal(&step->value, value)) return false;
    }
    return restart->replace_at == 0 || is_replaceable(copy, restart->replace_at);
}

static bool is_this_restart(const memory_run *there, const memory_run *source,
                            const durable_restart *restart)
{
    const char *queue = restart->queue ? restart->queue : source->queue;

    return there->origin == source->key && there->restarted_at == restart->position &&
           strcmp(there->queue, queue) == 0 && is_copy(there, source, restart);
}

/* ---- Copying ---- */

static void copy_step_into(memory_run *run, const memory_step *from, const durable_datum *value)
{
    memory_step *step;

    run->steps = memory_grow(run->steps, run->count, sizeof *run->steps);
    step = &run->steps[run->count++];
    *step = *from;
    step->epoch = 0;
    step->name = memory_copy_bytes(from->name, from->name_length);
    step->site = memory_copy_text(from->site);
    step->value = memory_copy_datum(value);
}

static memory_run *copy_run(memory_log *log, int64_t source_key, const durable_restart *restart)
{
    const memory_run *source = memory_run_by_key(log, source_key);
    const durable_new_run new_run = {.id = restart->id,
                                     .uid = restart->uid,
                                     .workflow = source->workflow,
                                     .behaviour = source->behaviour,
                                     .input = source->input,
                                     .queue = restart->queue ? restart->queue : source->queue,
                                     .priority = source->priority,
                                     .due = restart->now,
                                     .deadline = DURABLE_NEVER,
                                     .now = restart->now};
    int64_t end = end_of_copy(source, restart->position);
    memory_run *run = memory_run_add(log, &new_run);

    source = memory_run_by_key(log, source_key); /* they may have moved */
    run->origin = source_key;
    run->restarted_at = restart->position;
    for (size_t i = 0; i < source->count && source->steps[i].position < end; i++) {
        const memory_step *from = &source->steps[i];
        bool is_replaced = from->position == restart->replace_at;

        copy_step_into(run, from, is_replaced ? &restart->value : &from->value);
    }
    return run;
}

/* Of the run that a child's parent was copied to. */
static void print_child_id(const memory_run *parent, int64_t position, char id[DUR_NAME_MAX + 1])
{
    char number[32];
    bool fits;

    snprintf(number, sizeof number, "/%" PRId64, position);
    fits = strlen(parent->id) + strlen(number) <= DUR_NAME_MAX;
    snprintf(id, DUR_NAME_MAX + 1, "%s%s", fits ? parent->id : parent->uid, number);
}

static bool is_named_by_parent(const memory_run *child)
{
    char number[32];
    size_t length = strlen(child->id), end;

    snprintf(number, sizeof number, "/%" PRId64, child->called_at);
    end = strlen(number);
    return length > end && strcmp(child->id + length - end, number) == 0;
}

/* The child, if it is to be copied below the run of that key. */
static memory_run *child_to_copy(const memory_log *log, size_t index, int64_t parent,
                                 int64_t copied_to)
{
    memory_run *child = &log->runs[index];
    const memory_step *row = memory_step_at(memory_run_by_key(log, copied_to), child->called_at);

    if (child->deleted || !child->root || child->parent != parent) return NULL;
    if (!child->ended || !is_named_by_parent(child)) return NULL;
    return row && row->kind == DURABLE_KIND_CHILD ? child : NULL;
}

/* All of an ended child, and what it has called. False: an id is taken. */
static bool copy_children(memory_log *log, int64_t parent, int64_t copied_to, int64_t root,
                          const durable_restart *restart)
{
    size_t count = log->count;

    for (size_t i = 0; i < count; i++) {
        const memory_run *child = child_to_copy(log, i, parent, copied_to);
        const memory_run *above = memory_run_by_key(log, copied_to);
        char id[DUR_NAME_MAX + 1], uid[64];
        durable_new_run new_run;
        memory_run *run;

        if (!child) continue;
        print_child_id(above, child->called_at, id);
        if (memory_run_by_id(log, id)) return false;
        snprintf(uid, sizeof uid, "%.23s%09zx", restart->uid, log->count + 1);
        new_run = (durable_new_run){.id = id,
                                    .uid = uid,
                                    .workflow = child->workflow,
                                    .behaviour = child->behaviour,
                                    .input = child->input,
                                    .queue = child->queue,
                                    .priority = child->priority,
                                    .due = DURABLE_NEVER,
                                    .token = child->token,
                                    .deadline = child->deadline,
                                    .now = child->created};
        run = memory_run_add(log, &new_run);
        child = &log->runs[i];
        run->epoch = child->epoch;
        run->claims = child->claims;
        run->cancels = child->cancels;
        run->status = child->status;
        run->ended = child->ended;
        run->output = memory_copy_datum(&child->output);
        run->failure = memory_copy_text(child->failure);
        run->parent = copied_to;
        run->called_at = child->called_at;
        run->root = root;
        run->on_parent_end = child->on_parent_end;
        run->depth = memory_run_by_key(log, copied_to)->depth + 1;
        for (size_t step = 0; step < child->count; step++)
            copy_step_into(run, &child->steps[step], &child->steps[step].value);
        if (!copy_children(log, child->key, run->key, root, restart)) return false;
    }
    return true;
}

static void copy_signals(memory_log *log, int64_t from, int64_t to,
                         const durable_restart *restart)
{
    int64_t end = end_of_copy(memory_run_by_key(log, from), restart->position);
    size_t count = log->signal_count;

    for (size_t i = 0; i < count; i++) {
        memory_signal copy = log->signals[i];
        bool waits = !copy.received && copy.address[0] != '\t' && restart->with_signals;

        if (copy.run != from) continue;
        if (!waits && !(copy.received && copy.key && copy.received_at < end)) continue;
        copy.run = to;
        memory_signal_copy(&copy);
        log->signals = memory_grow(log->signals, log->signal_count, sizeof *log->signals);
        log->signals[log->signal_count++] = copy;
    }
}

/* ---- The verb ---- */

/* Runs that were added last. */
static void take_back(memory_log *log, size_t count)
{
    for (size_t i = count; i < log->count; i++) log->runs[i].deleted = true;
}

static int restart_run(memory_log *log, const durable_restart *restart)
{
    const memory_run *source = memory_run_by_id(log, restart->source);
    const memory_run *there = memory_run_by_id(log, restart->id);
    size_t count = log->count;
    int64_t key, copy;
    int code;

    if (!source) return DUR_NOT_FOUND;
    if (source->root) return DUR_CONFLICT;
    if (there) return is_this_restart(there, source, restart) ? DUR_REPLAYED : DUR_CONFLICT;
    code = check(source, restart);
    if (code != DUR_OK) return code;
    key = source->key;
    copy = copy_run(log, key, restart)->key;
    if (!copy_children(log, key, copy, copy, restart)) {
        take_back(log, count);
        return DUR_CONFLICT;
    }
    copy_signals(log, key, copy, restart);
    log->version++;
    return DUR_OK;
}

int memory_restart_run(durable_store *base, const durable_restart *restart)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "restart");
    int code = fault.prevents ? DUR_OK : restart_run(store->log, restart);

    return memory_finish(store, &fault, code, NULL, "restart %s as %s at #%" PRId64,
                         restart->source, restart->id, restart->position);
}
