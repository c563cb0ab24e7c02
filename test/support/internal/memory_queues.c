/* test/support: the queues of the in-memory store; see memory_queues.h. */
#include "support/internal/memory_queues.h"

#include <stdlib.h>

/* ---- Heads ---- */

typedef struct grouping {
    bool (*is_member)(const memory_run *run);
    bool (*is_same_group)(const memory_run *a, const memory_run *b);
    int64_t (*order)(const memory_run *run); /* runs that are equal in it stay as created */
} grouping;

static bool is_to_become_due(const memory_run *run)
{
    return !run->owner && run->due != DURABLE_NEVER;
}

static bool is_same_work(const memory_run *a, const memory_run *b)
{
    return a->priority == b->priority && strcmp(a->workflow, b->workflow) == 0;
}

static int64_t due_of(const memory_run *run)
{
    return run->due;
}

static bool is_held(const memory_run *run)
{
    return run->owner != NULL;
}

static bool is_same_hand(const memory_run *a, const memory_run *b)
{
    return strcmp(a->owner, b->owner) == 0 && strcmp(a->workflow, b->workflow) == 0;
}

static int64_t lease_end_of(const memory_run *run)
{
    return run->lease_end;
}

/* The heads, in the order in which their groups came up. */
static const memory_run **collect_heads(const memory_log *log, const char *queue,
                                        const grouping *by, size_t *count)
{
    const memory_run **heads = NULL;

    *count = 0;
    for (size_t i = 0; i < log->count; i++) {
        const memory_run *run = &log->runs[i];
        size_t group = 0;

        if (run->deleted || strcmp(run->queue, queue) != 0 || !by->is_member(run)) continue;
        while (group < *count && !by->is_same_group(heads[group], run)) group++;
        if (group == *count) {
            heads = memory_grow(heads, *count, sizeof *heads);
            heads[(*count)++] = run;
        } else if (by->order(run) < by->order(heads[group])) {
            heads[group] = run;
        }
    }
    return heads;
}

static void each_head(const memory_log *log, const char *queue, const grouping *by,
                      memory_head_visitor *visit, void *context)
{
    size_t count;
    const memory_run **heads = collect_heads(log, queue, by, &count);

    for (size_t i = 0; i < count; i++)
        if (visit(heads[i], context)) break;
    free(heads);
}

void memory_each_due(const memory_log *log, const char *queue, memory_head_visitor *visit,
                     void *context)
{
    static const grouping by = {is_to_become_due, is_same_work, due_of};

    each_head(log, queue, &by, visit, context);
}

void memory_each_held(const memory_log *log, const char *queue, memory_head_visitor *visit,
                      void *context)
{
    static const grouping by = {is_held, is_same_hand, lease_end_of};

    each_head(log, queue, &by, visit, context);
}

/* ---- Limits ---- */

static memory_queue *queue_named(const memory_log *log, const char *name)
{
    for (size_t i = 0; i < log->queue_count; i++)
        if (strcmp(log->queues[i].name, name) == 0) return &log->queues[i];
    return NULL;
}

/* Times beyond the range are its ends. */
static int64_t microseconds(int64_t ms)
{
    if (ms > INT64_MAX / 1000) return INT64_MAX;
    return ms < INT64_MIN / 1000 ? INT64_MIN : ms * 1000;
}

static int64_t later_by(int64_t us, int64_t interval_us)
{
    return us > INT64_MAX - interval_us ? INT64_MAX : us + interval_us;
}

/* When the next turn is, an interval after the last one. */
static int64_t rebased(const memory_queue *queue, int64_t interval_us)
{
    int64_t last_us = (queue->next_us > 0 ? queue->next_us : 0) - queue->limits.interval_us;
    int64_t next_us = later_by(last_us, interval_us);

    if (!interval_us || !queue->next_us) return 0;
    return next_us > 0 ? next_us : 0;
}

void memory_queue_limit(memory_log *log, const char *name, const durable_limits *limits)
{
    memory_queue *queue = queue_named(log, name);

    if (!queue) {
        log->queues = memory_grow(log->queues, log->queue_count, sizeof *log->queues);
        queue = &log->queues[log->queue_count++];
        *queue = (memory_queue){.name = memory_copy_text(name)};
    }
    queue->next_us = rebased(queue, limits->interval_us);
    queue->limits = *limits;
}

/* Held runs whose owner's mark begins so; at most `limit`. */
static int64_t count_held(const memory_log *log, const char *queue, const char *process,
                          size_t process_length, int64_t limit)
{
    int64_t count = 0;

    for (size_t i = 0; i < log->count && count < limit; i++) {
        const memory_run *run = &log->runs[i];
        bool counts = !run->deleted && run->owner &&
                      strcmp(run->queue, queue) == 0 &&
                      strncmp(run->owner, process, process_length) == 0;

        count += counts;
    }
    return count;
}

void memory_queue_look(const memory_log *log, const char *name, const char *process,
                       size_t process_length, durable_queue *found)
{
    const memory_queue *queue = queue_named(log, name);

    *found = (durable_queue){.next_us = 0};
    if (!queue) return;
    found->limits = queue->limits;
    found->next_us = queue->next_us;
    found->active = count_held(log, name, "", 0, queue->limits.max_active);
    found->active_process =
        count_held(log, name, process, process_length, queue->limits.max_active_process);
}

/* A clock that was set back leaves a time behind that is further away than it can have been, and
 * that was seen before that clock was asked. Gives when the claim has its turn: *passes where that
 * is within its ms. */
static int64_t turn_of(const memory_queue *queue, const durable_claim *claim, bool *passes)
{
    int64_t now_us = microseconds(claim->now), last_us = later_by(now_us, 999);
    bool is_of_another_clock = queue->next_us == claim->seen_next_us &&
                               queue->next_us > later_by(last_us, queue->limits.interval_us);

    *passes = is_of_another_clock || queue->next_us <= last_us;
    return is_of_another_clock || queue->next_us < now_us ? now_us : queue->next_us;
}

/* Who takes over a run that is held makes nothing more active, even where the limits were lowered
 * below what is held. */
static bool has_room(const memory_log *log, const memory_run *run, const durable_claim *claim,
                     const durable_limits *limits)
{
    bool is_own = run->owner && strncmp(run->owner, claim->owner, claim->process_length) == 0;
    durable_queue held;

    memory_queue_look(log, run->queue, claim->owner, claim->process_length, &held);
    if (!run->owner && limits->max_active && held.active == limits->max_active) return false;
    return is_own || !limits->max_active_process ||
           held.active_process < limits->max_active_process;
}

bool memory_queue_admits(const memory_log *log, const memory_run *run, const durable_claim *claim)
{
    const memory_queue *queue = queue_named(log, run->queue);
    bool passes = true;

    if (!queue) return true;
    if (!has_room(log, run, claim, &queue->limits)) return false;
    if (queue->limits.interval_us) (void)turn_of(queue, claim, &passes);
    return passes;
}

void memory_queue_note_claim(memory_log *log, const memory_run *run, const durable_claim *claim)
{
    memory_queue *queue = queue_named(log, run->queue);
    bool passes;

    if (!queue || !queue->limits.interval_us) return;
    queue->next_us = later_by(turn_of(queue, claim, &passes), queue->limits.interval_us);
}
