/* test/support: the in-memory store's verbs that put rows of another log; see memory_store.h. */
#include "support/internal/memory_queues.h"
#include "support/internal/memory_transaction.h"
#include "support/internal/memory_waits.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

static bool is_value(const durable_datum *datum)
{
    return datum->type >= DURABLE_DATUM_NULL && datum->type <= DURABLE_DATUM_BLOB &&
           datum->format >= 0;
}

static bool is_position(int64_t position)
{
    return position >= 1 && position <= DUR_POSITION_MAX;
}

static bool is_count(int64_t count)
{
    return count >= 0 && count < INT64_MAX;
}

/* ---- Queues ---- */

static bool has_queue(const memory_log *log, const char *name)
{
    for (size_t i = 0; i < log->queue_count; i++)
        if (strcmp(log->queues[i].name, name) == 0) return true;
    return false;
}

static int put_queue(memory_log *log, const durable_queue_row *row)
{
    const durable_limits *limits = &row->limits;

    if (limits->max_active < 0 || limits->max_active_process < 0 || limits->interval_us < 0)
        return DUR_INVALID;
    if (!has_queue(log, row->queue)) memory_queue_limit(log, row->queue, limits);
    return DUR_OK;
}

/* ---- Runs ---- */

/* One of this import; NULL: there is none. */
static const memory_run *imported(const memory_log *log, const char *id)
{
    const memory_run *run = id ? memory_run_by_id(log, id) : NULL;

    return run && (uint64_t)run->key > log->transaction.runs_before ? run : NULL;
}

static bool is_open_status(int status)
{
    return status == DURABLE_RUNNING || status == DURABLE_PARKED || status == DURABLE_SUSPENDED;
}

static bool fits_parent(const durable_run_row *row)
{
    if (row->called != (strcmp(row->queue, DURABLE_QUEUE_CALLED) == 0)) return false;
    return row->parent ? is_position(row->called_at) : !row->called && !row->called_at;
}

static bool fits_awaits(const char *awaits)
{
    size_t length = awaits ? strlen(awaits) : 0;

    return !awaits || (length > 2 && awaits[0] == '\n' && awaits[length - 1] == '\n');
}

static bool fits(const durable_run_row *row)
{
    return row->status >= DURABLE_RUNNING && row->status <= DURABLE_TERMINATED &&
           !(is_open_status(row->status) && row->ended) && row->request >= 0 && row->request <= 3 &&
           row->behaviour >= 1 && row->generation >= 1 && is_count(row->epoch) &&
           is_count(row->claims) && row->priority >= 0 && row->priority <= 7 &&
           row->on_parent_end >= DUR_CHILD_WAIT && row->on_parent_end <= DUR_CHILD_LEAVE &&
           fits_parent(row) && fits_awaits(row->awaits) && row->restarted_at >= 0 &&
           row->restarted_at <= DUR_POSITION_MAX && is_value(&row->input) &&
           is_value(&row->output);
}

static void split_awaits(memory_run *run, const char *awaits)
{
    char *text = memory_copy_text(awaits), *rest = text ? text + 1 : NULL;

    while (rest && *rest) {
        char *end = strchr(rest, '\n');

        *end = '\0';
        run->awaits = memory_grow(run->awaits, run->await_count, sizeof *run->awaits);
        run->awaits[run->await_count++] = memory_copy_text(rest);
        rest = end + 1;
    }
    free(text);
}

static void fill_run(memory_run *run, const durable_run_row *row)
{
    run->status = row->status;
    run->cancels = (row->request & DURABLE_REQUEST_END) != 0;
    run->paused = (row->request & DURABLE_REQUEST_PAUSE) != 0;
    run->called_at = row->called_at;
    run->on_parent_end = row->on_parent_end;
    run->ended = row->ended;
    run->epoch = row->epoch;
    run->claims = row->claims;
    run->generation = row->generation;
    run->restarted_at = row->restarted_at;
    run->output = memory_copy_datum(&row->output);
    run->failure = memory_copy_text(row->failure);
    split_awaits(run, row->awaits);
}

static int add_run(memory_log *log, const durable_run_row *row)
{
    const memory_run *parent = imported(log, row->parent), *origin = imported(log, row->origin);
    const durable_new_run new_run = {.id = row->id,
                                     .uid = row->uid,
                                     .workflow = row->workflow,
                                     .code_version = row->code_version,
                                     .behaviour = row->behaviour,
                                     .input = row->input,
                                     .queue = row->queue,
                                     .priority = row->priority,
                                     .due = row->due,
                                     .deadline = row->deadline,
                                     .now = row->created};
    int64_t parent_key = parent ? parent->key : 0, origin_key = origin ? origin->key : 0;
    int64_t root = parent && parent->root ? parent->root : parent_key;
    int depth = parent ? parent->depth + 1 : 0;
    memory_run *run;

    if ((row->parent && !parent) || (row->origin && !origin)) return DUR_INVALID;
    run = memory_run_add(log, &new_run); /* which may move the others */
    fill_run(run, row);
    run->parent = parent_key;
    run->origin = origin_key;
    run->root = row->called ? root : 0;
    run->depth = depth;
    return DUR_OK;
}

static int put_run(memory_log *log, const durable_run_row *row)
{
    if (!row->id || !row->uid || !row->workflow || !row->queue || !*row->id) return DUR_INVALID;
    if (!fits(row)) return DUR_INVALID;
    if (!memory_run_by_id(log, row->id)) return add_run(log, row);
    return imported(log, row->id) ? DUR_INVALID : DUR_CONFLICT;
}

/* ---- What belongs to the run that came last ---- */

static bool fits_outcome(const durable_step_record *row)
{
    switch (row->outcome) {
    case DURABLE_OUTCOME_RESULT: return true;
    case DURABLE_OUTCOME_FAILURE: return row->value.type == DURABLE_DATUM_TEXT;
    case DURABLE_OUTCOME_TIMED_OUT: return row->value.type == DURABLE_DATUM_NULL;
    default: return false;
    }
}

static int put_step(memory_run *run, const durable_step_record *row)
{
    durable_fence fence = {.epoch = row->epoch};
    const durable_outcome outcome = {.fence = &fence,
                                     .position = row->position,
                                     .kind = row->kind,
                                     .outcome = row->outcome,
                                     .name = row->name,
                                     .name_length = row->name_length,
                                     .value = row->value,
                                     .low = row->low,
                                     .attempt = row->attempt,
                                     .began = row->began,
                                     .took = row->took,
                                     .site = row->site,
                                     .fingerprint = row->fingerprint};

    if (!is_position(row->position) || row->kind < DURABLE_KIND_STEP || row->kind == INT_MAX ||
        !row->name || !fits_outcome(row) || !is_value(&row->value) || row->low < 1 ||
        row->low > row->position || row->epoch < 0 || memory_step_at(run, row->position))
        return DUR_INVALID;
    memory_step_add(run, &outcome);
    return DUR_OK;
}

static int put_pending(memory_run *run, const durable_pending *row)
{
    if (!is_position(row->position) || row->kind < DURABLE_KIND_STEP || !row->name ||
        row->intent < DURABLE_NO_INTENT || row->intent > DURABLE_RESOLVED_FAILURE ||
        !is_count(row->attempt) || row->interval < 0 || !is_value(&row->details) ||
        memory_pending_at(run, row->position))
        return DUR_INVALID;
    memory_pending_put(run, row);
    return DUR_OK;
}

static int put_signal(memory_log *log, const memory_run *run, const durable_signal_row *row)
{
    const durable_signal signal = {
        .key = row->key, .value = row->value, .failure = row->failure, .now = row->sent};
    memory_signal *added;

    if (!row->address || !*row->address || row->received < -1 ||
        row->received > DUR_POSITION_MAX || (row->received >= 0 && !row->key) ||
        !is_value(&row->value))
        return DUR_INVALID;
    if (row->key && memory_signal_sent(log, run->key, row->address, row->key)) return DUR_INVALID;
    memory_signal_add(log, run->key, row->address, &signal);
    added = &log->signals[log->signal_count - 1];
    added->received = row->received >= 0;
    added->received_at = added->received ? row->received : 0;
    return DUR_OK;
}

/* ---- The verbs ---- */

static bool is_importing(const memory_store *store)
{
    const memory_transaction *transaction = &store->log->transaction;

    return transaction->owner == store && transaction->is_open && transaction->is_import;
}

int memory_begin_import(durable_store *base)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "import");
    memory_transaction *transaction = &store->log->transaction;
    bool is_open = transaction->is_open;

    fault.prevents = fault.code != DUR_OK;
    if (!fault.prevents && !is_open) {
        memory_transaction_begin(store, 0);
        transaction->is_import = true;
        transaction->has_failed = false;
        transaction->runs_before = store->log->count;
    }
    return memory_finish(store, &fault, is_open ? DUR_MISUSE : DUR_OK, NULL, "import");
}

static int put_one(memory_log *log, const durable_row *row)
{
    memory_run *run = log->count > log->transaction.runs_before ? &log->runs[log->count - 1] : NULL;

    if (row->type == DURABLE_ROW_QUEUE) return put_queue(log, &row->of.queue);
    if (row->type == DURABLE_ROW_RUN) return put_run(log, &row->of.run);
    if (!run) return DUR_INVALID;
    if (row->type == DURABLE_ROW_STEP) return put_step(run, &row->of.step);
    if (row->type == DURABLE_ROW_PENDING) return put_pending(run, &row->of.pending);
    if (row->type == DURABLE_ROW_SIGNAL) return put_signal(log, run, &row->of.signal);
    return DUR_INVALID;
}

int memory_put_row(durable_store *base, const durable_row *row)
{
    static const char *const types[] = {"?", "queue", "run", "step", "pending", "signal"};
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "put");
    memory_transaction *transaction = &store->log->transaction;
    int code = DUR_OK;

    fault.prevents = fault.code != DUR_OK;
    if (!is_importing(store) || transaction->has_failed)
        code = DUR_MISUSE;
    else if (!fault.prevents)
        code = put_one(store->log, row);
    if (is_importing(store) && (code || fault.code)) transaction->has_failed = true;
    return memory_finish(store, &fault, code, NULL, "put %s",
                         types[row->type >= 1 && row->type <= 5 ? row->type : 0]);
}

int memory_end_import(durable_store *base, bool keep)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "finish");
    bool has_failed = store->log->transaction.has_failed;
    int code;

    if (!is_importing(store)) return memory_conclude(store, &fault, DUR_OK);
    if (keep && !has_failed && !fault.prevents) store->log->version++;
    code = memory_transaction_end(store, &fault, keep && !has_failed);
    if (store->log->transaction.owner == store) store->log->transaction.is_import = false;
    if (code == DUR_OK && keep && has_failed) code = DUR_MISUSE;
    return memory_finish(store, &fault, code, keep ? NULL : "taken back", "finish import");
}
