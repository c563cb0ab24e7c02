/* test/support: the in-memory store's verbs for workers: what is due, what is held, queues. */
#include "support/internal/memory_queues.h"
#include "support/internal/memory_tell.h"

#include <inttypes.h>

typedef struct showing {
    durable_due_visitor *visit_due;
    durable_held_visitor *visit_held;
    void *context;
    narrative *words;
} showing;

static int show_due(const memory_run *run, void *context)
{
    showing *show = context;
    char *workflow = memory_copy_text(run->workflow), *id = memory_copy_text(run->id);
    const durable_due due = {workflow, run->priority, run->due, id};
    int result = show->visit_due(&due, show->context);

    narrative_add(show->words, "%s%s at %" PRId64, show->words->length ? ", " : "", id, run->due);
    memory_free_const(workflow);
    memory_free_const(id);
    return result;
}

static int show_held(const memory_run *run, void *context)
{
    showing *show = context;
    char *owner = memory_copy_text(run->owner), *workflow = memory_copy_text(run->workflow);
    char *id = memory_copy_text(run->id);
    const durable_held held = {owner, workflow, run->lease_end, id};
    int result = show->visit_held(&held, show->context);

    narrative_add(show->words, "%s%s until %" PRId64, show->words->length ? ", " : "", id,
                  run->lease_end);
    memory_free_const(owner);
    memory_free_const(workflow);
    memory_free_const(id);
    return result;
}

static int finish_heads(memory_store *store, const memory_fault *fault, const char *verb,
                        const char *queue, narrative *words)
{
    int code = memory_finish(store, fault, DUR_OK, words->length ? words->text : "none", "%s %s",
                             verb, queue);

    narrative_free(words);
    return code;
}

int memory_find_due(durable_store *base, const char *queue, durable_due_visitor *visit,
                    void *context)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "due");
    narrative words;
    showing show = {.visit_due = visit, .context = context, .words = &words};

    narrative_init(&words);
    if (!fault.prevents) memory_each_due(store->log, queue, show_due, &show);
    return finish_heads(store, &fault, "due", queue, &words);
}

int memory_find_held(durable_store *base, const char *queue, durable_held_visitor *visit,
                     void *context)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "held");
    narrative words;
    showing show = {.visit_held = visit, .context = context, .words = &words};

    narrative_init(&words);
    if (!fault.prevents) memory_each_held(store->log, queue, show_held, &show);
    return finish_heads(store, &fault, "held", queue, &words);
}

int memory_look_at_queue(durable_store *base, const char *queue, const char *process,
                         size_t process_length, durable_queue *found)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "queue");

    if (!fault.prevents) memory_queue_look(store->log, queue, process, process_length, found);
    return memory_finish(store, &fault, DUR_OK, NULL, "queue %s", queue);
}

int memory_limit_queue(durable_store *base, const char *queue, const durable_limits *limits)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "limit");

    if (!fault.prevents) {
        memory_queue_limit(store->log, queue, limits);
        store->log->version++;
    }
    return memory_finish(store, &fault, DUR_OK, NULL,
                         "limit %s to %" PRId64 ", %" PRId64 " a process, every %" PRId64 " us",
                         queue, limits->max_active, limits->max_active_process,
                         limits->interval_us);
}
