/* engine: what a log's workers know: workflows by name, and the queues that they serve. */
#include "engine/engine.h"

static int out_of_memory(dur_log *log, const char *what, const char *name)
{
    return durable_error_set(&log->error, DUR_NOMEM, "%s \"%s\": out of memory", what, name);
}

/* The sleep of a busy wait may call us while the lists are walked. */
static int check_not_walked(dur_log *log)
{
    if (!log->walked) return DUR_OK;
    return durable_error_set(&log->error, DUR_MISUSE,
                             "a worker of this log is looking for work: what it serves is not to be"
                             " changed by a callback meanwhile");
}

/* ---- Workflows ----------------------------------------------------------------------------- */

static durable_registered **find_link(dur_log *log, const char *workflow)
{
    durable_registered **link = &log->workflows;

    while (*link && strcmp((*link)->name, workflow) != 0) link = &(*link)->next;
    return link;
}

DURABLE_INTERNAL const durable_registered *durable_worker_find(const dur_log *log,
                                                               const char *workflow)
{
    const durable_registered *known = log->workflows;

    while (known && strcmp(known->name, workflow) != 0) known = known->next;
    return known;
}

static void forget(durable_registered **link)
{
    durable_registered *known = *link;

    if (!known) return;
    *link = known->next;
    durable_free(known);
}

DURABLE_INTERNAL int durable_worker_register(dur_log *log, const char *workflow, dur_workflow *fn,
                                             void *user)
{
    durable_registered **link = find_link(log, workflow);
    size_t size = strlen(workflow) + 1;
    int code = check_not_walked(log);

    if (code != DUR_OK) return code;
    if (!fn) {
        forget(link);
        return DUR_OK;
    }
    if (!*link) {
        *link = durable_allocate(sizeof **link + size);
        if (!*link) return out_of_memory(log, "workflow", workflow);
        memcpy((*link)->name, workflow, size);
    }
    (*link)->fn = fn;
    (*link)->user = user;
    return DUR_OK;
}

/* ---- Queues -------------------------------------------------------------------------------- */

static int serve(dur_log *log, const char *queue)
{
    durable_served **link = &log->queues;
    size_t size = strlen(queue) + 1;

    while (*link && strcmp((*link)->name, queue) != 0) link = &(*link)->next;
    if (*link) return DUR_OK;
    *link = durable_allocate(sizeof **link + size);
    if (!*link) return out_of_memory(log, "queue", queue);
    memcpy((*link)->name, queue, size);
    return DUR_OK;
}

static int tell_queue(dur_log *log, int code, const char *queue)
{
    if (code == DUR_OK) return code;
    durable_error_copy(&log->error, &log->store->error);
    durable_error_prefix(&log->error, "queue \"%s\": ", queue);
    return code;
}

static bool are_equal(const durable_limits *a, const durable_limits *b)
{
    return a->max_active == b->max_active && a->max_active_process == b->max_active_process &&
           a->interval_us == b->interval_us;
}

/* Written only where they differ: every process that starts sets the same limits again. */
DURABLE_INTERNAL int durable_worker_serve(dur_log *log, const char *queue,
                                          const durable_limits *limits)
{
    durable_store *store = log->store;
    durable_queue found;
    int code = check_not_walked(log);

    if (code == DUR_OK) code = serve(log, queue);
    if (code != DUR_OK || !limits) return code;
    code = store->methods->look_at_queue(store, queue, log->owner,
                                         durable_owner_process_length(log->owner), &found);
    if (code == DUR_OK && !are_equal(&found.limits, limits))
        code = store->methods->limit_queue(store, queue, limits);
    return tell_queue(log, code, queue);
}

DURABLE_INTERNAL int durable_worker_each_queue(dur_log *log, durable_queue_visitor *visit,
                                               void *context)
{
    int code = DUR_OK;

    log->walked = true;
    for (const durable_registered *known = log->workflows; known && code == DUR_OK;
         known = known->next)
        code = visit(known->name, context);
    for (const durable_served *queue = log->queues; queue && code == DUR_OK; queue = queue->next)
        if (!durable_worker_find(log, queue->name)) code = visit(queue->name, context);
    log->walked = false;
    return code;
}

/* ---- Runs that cannot be opened ------------------------------------------------------------ */

DURABLE_INTERNAL int64_t durable_worker_count_trouble(dur_log *log, const char *run_id)
{
    durable_troubled *troubled = log->troubled;
    size_t size = strlen(run_id) + 1;

    while (troubled && strcmp(troubled->id, run_id) != 0) troubled = troubled->next;
    if (troubled) return ++troubled->times;
    troubled = durable_allocate(sizeof *troubled + size);
    if (!troubled) return 1;
    memcpy(troubled->id, run_id, size);
    troubled->next = log->troubled;
    log->troubled = troubled;
    return troubled->times = 1;
}

DURABLE_INTERNAL void durable_worker_free(dur_log *log)
{
    while (log->troubled) {
        durable_troubled *troubled = log->troubled;

        log->troubled = troubled->next;
        durable_free(troubled);
    }
    while (log->workflows) forget(&log->workflows);
    while (log->queues) {
        durable_served *queue = log->queues;

        log->queues = queue->next;
        durable_free(queue);
    }
}
