/* test/support: the in-memory store's verbs that look at whole logs; see memory_store.h. */
#include "support/internal/memory_transaction.h"
#include "support/internal/memory_waits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- A list ---- */

static bool show_listed(const memory_run *run, durable_list_visitor *visit, void *context)
{
    char *id = memory_copy_text(run->id), *workflow = memory_copy_text(run->workflow);
    const durable_listed listed = {run->key, id, workflow};
    bool ends = visit(&listed, context) != 0;

    free(id);
    free(workflow);
    return ends;
}

int memory_list_runs(durable_store *base, int64_t after, bool open, int64_t limit,
                     durable_list_visitor *visit, void *context)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "list");
    const memory_log *log = store->log;
    int64_t count = 0;
    char result[32];

    for (size_t i = 0; i < log->count && count < limit && !fault.prevents; i++) {
        const memory_run *run = &log->runs[i];

        if (run->deleted || run->key <= after || run->root) continue;
        if (open && memory_run_has_ended(run)) continue;
        count++;
        if (show_listed(run, visit, context)) break;
    }
    snprintf(result, sizeof result, "%" PRId64 " runs", count);
    return memory_finish(store, &fault, DUR_OK, result, "list after %" PRId64, after);
}

/* ---- A visit ---- */

typedef struct whole_visit {
    memory_log *log;
    durable_row_visitor *visit;
    void *context;
    const memory_run *top; /* NULL: all */
    bool *came;            /* by key: the visit has come to it */
    int64_t rows;
    int code;
} whole_visit;

static int show(whole_visit *at, const durable_row *row)
{
    at->rows++;
    at->code = at->visit(row, at->context);
    return at->code;
}

static int show_step(const durable_step_record *record, void *context)
{
    const durable_row row = {.type = DURABLE_ROW_STEP, .of.step = *record};

    return show(context, &row);
}

static int show_pending(const durable_pending *pending, void *context)
{
    const durable_row row = {.type = DURABLE_ROW_PENDING, .of.pending = *pending};

    return show(context, &row);
}

/* What was received keeps nothing but its key. */
static int show_signal(whole_visit *at, const memory_signal *signal)
{
    const durable_datum null = {.type = DURABLE_DATUM_NULL};
    durable_signal_row lent = {
        .address = memory_copy_text(signal->address),
        .key = memory_copy_text(signal->key),
        .value = signal->received ? null : memory_copy_datum(&signal->value),
        .failure = signal->received ? NULL : memory_copy_text(signal->failure),
        .sent = signal->sent,
        .received = signal->received ? signal->received_at : -1};
    const durable_row row = {.type = DURABLE_ROW_SIGNAL, .of.signal = lent};
    int code = show(at, &row);

    memory_free_const(lent.address);
    memory_free_const(lent.key);
    memory_free_const(lent.value.bytes);
    memory_free_const(lent.failure);
    return code;
}

static int show_belongings(whole_visit *at, const memory_run *run)
{
    int code = DUR_OK;

    for (size_t i = 0; i < run->count && !code; i++)
        code = run->steps[i].damaged ? DUR_CORRUPT
                                     : memory_step_show(&run->steps[i], true, show_step, at);
    for (size_t i = 0; i < run->pending_count && !code; i++)
        code = run->pending[i].damaged ? DUR_CORRUPT
                                       : memory_pending_show(&run->pending[i], show_pending, at);
    for (size_t i = 0; i < at->log->signal_count && !code; i++) {
        const memory_signal *signal = &at->log->signals[i];

        if (signal->run == run->key && (!signal->received || signal->key))
            code = show_signal(at, signal);
    }
    return code;
}

/* ---- A run ---- */

static char *awaits_of(const memory_run *run)
{
    size_t length = 1;
    char *text, *end;

    if (!run->await_count) return NULL;
    for (size_t i = 0; i < run->await_count; i++) length += strlen(run->awaits[i]) + 1;
    text = end = malloc(length + 1);
    if (!text) abort();
    *end++ = '\n';
    for (size_t i = 0; i < run->await_count; i++)
        end += sprintf(end, "%s\n", run->awaits[i]);
    return text;
}

static durable_run_row row_of(const whole_visit *at, const memory_run *run)
{
    const memory_run *parent = run == at->top ? NULL : memory_run_by_key(at->log, run->parent);
    const memory_run *origin = memory_run_by_key(at->log, run->origin);
    bool has_origin = origin && at->came[origin->key];

    return (durable_run_row){.id = memory_copy_text(run->id),
                             .uid = memory_copy_text(run->uid),
                             .workflow = memory_copy_text(run->workflow),
                             .code_version = memory_copy_text(run->code_version),
                             .status = run->status,
                             .request = (run->cancels ? DURABLE_REQUEST_END : 0) |
                                        (run->paused ? DURABLE_REQUEST_PAUSE : 0),
                             .behaviour = run->behaviour,
                             .parent = parent ? memory_copy_text(parent->id) : NULL,
                             .called_at = parent ? run->called_at : 0,
                             .called = run->root != 0,
                             .on_parent_end = parent ? run->on_parent_end : 0,
                             .queue = memory_copy_text(run->queue),
                             .priority = run->priority,
                             .due = run->owner && !run->paused ? run->created : run->due,
                             .awaits = awaits_of(run),
                             .deadline = run->deadline,
                             .created = run->created,
                             .ended = run->ended,
                             .epoch = run->epoch,
                             .claims = run->claims,
                             .generation = run->generation,
                             .origin = has_origin ? memory_copy_text(origin->id) : NULL,
                             .restarted_at = run->restarted_at,
                             .input = memory_copy_datum(&run->input),
                             .output = memory_copy_datum(&run->output),
                             .failure = memory_copy_text(run->failure)};
}

static int show_run(whole_visit *at, const memory_run *run)
{
    const durable_row row = {.type = DURABLE_ROW_RUN, .of.run = row_of(at, run)};
    const durable_run_row *lent = &row.of.run;
    int code = show(at, &row);

    memory_free_const(lent->id);
    memory_free_const(lent->uid);
    memory_free_const(lent->workflow);
    memory_free_const(lent->code_version);
    memory_free_const(lent->parent);
    memory_free_const(lent->queue);
    memory_free_const(lent->awaits);
    memory_free_const(lent->origin);
    memory_free_const(lent->input.bytes);
    memory_free_const(lent->output.bytes);
    memory_free_const(lent->failure);
    at->came[run->key] = true;
    return code;
}

/* ---- Families ---- */

/* Of its children: the first behind this one, in the order of their positions and keys. */
static const memory_run *next_child(const memory_log *log, const memory_run *parent,
                                    const memory_run *after)
{
    const memory_run *next = NULL;

    for (size_t i = 0; i < log->count; i++) {
        const memory_run *run = &log->runs[i];

        if (run->deleted || run->parent != parent->key) continue;
        if (after && (run->called_at < after->called_at ||
                      (run->called_at == after->called_at && run->key <= after->key)))
            continue;
        if (!next || run->called_at < next->called_at) next = run;
    }
    return next;
}

static int show_family(whole_visit *at, const memory_run *run)
{
    const memory_run *child = NULL;
    int code = show_run(at, run);

    if (!code) code = show_belongings(at, run);
    while (!code && (child = next_child(at->log, run, child)) != NULL)
        code = show_family(at, child);
    return code;
}

/* ---- The whole log ---- */

static const memory_queue *next_queue(const memory_log *log, const memory_queue *after)
{
    const memory_queue *next = NULL;

    for (size_t i = 0; i < log->queue_count; i++) {
        const memory_queue *queue = &log->queues[i];

        if (after && strcmp(queue->name, after->name) <= 0) continue;
        if (!next || strcmp(queue->name, next->name) < 0) next = queue;
    }
    return next;
}

static int show_all(whole_visit *at)
{
    const memory_queue *queue = NULL;
    int code = DUR_OK;

    while (!code && (queue = next_queue(at->log, queue)) != NULL) {
        const durable_row row = {.type = DURABLE_ROW_QUEUE,
                                 .of.queue = {queue->name, queue->limits}};

        code = show(at, &row);
    }
    for (size_t i = 0; i < at->log->count && !code; i++) {
        const memory_run *run = &at->log->runs[i];

        if (!run->deleted && !memory_run_by_key(at->log, run->parent)) code = show_family(at, run);
    }
    return code;
}

static int visit_what(whole_visit *at, const char *run_id)
{
    if (!run_id) return show_all(at);
    at->top = memory_run_by_id(at->log, run_id);
    if (!at->top) return DUR_NOT_FOUND;
    return at->top->root ? DUR_CONFLICT : show_family(at, at->top);
}

int memory_visit_rows(durable_store *base, const char *run_id, durable_row_visitor *visit,
                      void *context)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "visit");
    whole_visit at = {.log = store->log, .visit = visit, .context = context};
    char result[32];
    int code = DUR_OK;

    at.came = calloc(store->log->count + 1, sizeof *at.came);
    if (!at.came) abort();
    if (!fault.prevents) code = visit_what(&at, run_id);
    free(at.came);
    snprintf(result, sizeof result, "%" PRId64 " rows", at.rows);
    return memory_finish(store, &fault, code, code ? NULL : result, "visit %s",
                         run_id ? run_id : "all");
}
