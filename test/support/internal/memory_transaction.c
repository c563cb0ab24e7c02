/* test/support: the in-memory store's transactions: alone, or sharing a commit. */
#include "support/internal/memory_transaction.h"

#include "support/internal/memory_waits.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- Tables ---- */

/* Rows have as much room as memory_grow() would have given them. */
static void *copy_rows(const void *rows, size_t count, size_t size)
{
    size_t room = 1;
    void *copy;

    while (room < count) room *= 2;
    copy = malloc(room * size);
    if (!copy) abort();
    if (count) memcpy(copy, rows, count * size);
    return copy;
}

static void copy_step(memory_step *step)
{
    step->name = memory_copy_bytes(step->name, step->name_length);
    step->site = memory_copy_text(step->site);
    step->value = memory_copy_datum(&step->value);
}

static void copy_waits(memory_run *run)
{
    const memory_run from = *run;

    run->pending = NULL;
    for (run->pending_count = 0; run->pending_count < from.pending_count;) {
        const memory_pending *pending = &from.pending[run->pending_count];

        memory_pending_put(run, &pending->row);
        run->pending[run->pending_count - 1].damaged = pending->damaged;
    }
    run->awaits = NULL;
    run->await_count = 0;
    memory_run_await(run, (const char *const *)from.awaits, from.await_count);
}

static void copy_steps(memory_run *run)
{
    const memory_run from = *run;

    run->steps = NULL;
    for (run->count = 0; run->count < from.count; run->count++) {
        run->steps = memory_grow(run->steps, run->count, sizeof *run->steps);
        run->steps[run->count] = from.steps[run->count];
        copy_step(&run->steps[run->count]);
    }
}

/* Give a row that was copied as it is memory of its own. */
static void copy_run(memory_run *run)
{
    run->id = memory_copy_text(run->id);
    run->uid = memory_copy_text(run->uid);
    run->workflow = memory_copy_text(run->workflow);
    run->code_version = memory_copy_text(run->code_version);
    run->owner = memory_copy_text(run->owner);
    run->failure = memory_copy_text(run->failure);
    run->queue = memory_copy_text(run->queue);
    run->input = memory_copy_datum(&run->input);
    run->output = memory_copy_datum(&run->output);
    copy_steps(run);
    copy_waits(run);
}

static memory_tables copy_tables(const memory_tables *tables)
{
    memory_tables copy = *tables;

    copy.runs = copy_rows(tables->runs, tables->count, sizeof *tables->runs);
    for (size_t i = 0; i < copy.count; i++) copy_run(&copy.runs[i]);
    copy.signals = copy_rows(tables->signals, tables->signal_count, sizeof *tables->signals);
    for (size_t i = 0; i < copy.signal_count; i++) memory_signal_copy(&copy.signals[i]);
    copy.queues = copy_rows(tables->queues, tables->queue_count, sizeof *tables->queues);
    for (size_t i = 0; i < copy.queue_count; i++)
        copy.queues[i].name = memory_copy_text(copy.queues[i].name);
    return copy;
}

static memory_tables tables_of(const memory_log *log)
{
    return (memory_tables){log->runs,         log->count,  log->signals,
                           log->signal_count, log->queues, log->queue_count};
}

static void set_tables(memory_log *log, const memory_tables *tables)
{
    log->runs = tables->runs;
    log->count = tables->count;
    log->signals = tables->signals;
    log->signal_count = tables->signal_count;
    log->queues = tables->queues;
    log->queue_count = tables->queue_count;
}

static void forget(memory_tables *tables)
{
    memory_tables_free(tables);
    memset(tables, 0, sizeof *tables);
}

/* The log is again what it was then. */
static void go_back(memory_log *log, memory_tables *then)
{
    memory_tables now = tables_of(log);

    set_tables(log, then);
    memset(then, 0, sizeof *then);
    memory_tables_free(&now);
    log->version++;
}

/* ---- Ends of a transaction ---- */

static void is_over(memory_log *log)
{
    forget(&log->transaction.committed);
    forget(&log->transaction.before_step);
    memset(&log->transaction, 0, sizeof log->transaction);
}

static void take_all_back(memory_log *log)
{
    if (!log->transaction.is_broken) go_back(log, &log->transaction.committed);
    is_over(log);
}

void memory_transaction_abandon(memory_store *store)
{
    if (store->log->transaction.owner == store) take_all_back(store->log);
}

/* Also of a commit that failed: a fault with which it survives leaves everything where it is. */
static void commit(memory_log *log, const memory_fault *fault)
{
    if (fault->prevents)
        take_all_back(log);
    else
        is_over(log);
}

int memory_commit_shared(durable_store *base)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "commit");
    memory_transaction *transaction = &store->log->transaction;
    bool waits = transaction->owner == store && !transaction->is_open;

    if (waits) commit(store->log, &fault);
    if (!waits && !fault.code) return memory_conclude(store, &fault, DUR_OK);
    return memory_finish(store, &fault, DUR_OK, NULL, "commit");
}

/* ---- Who may do what meanwhile ---- */

static bool is_one_of(const char *verb, const char *const *verbs)
{
    for (; *verbs; verbs++)
        if (strcmp(*verbs, verb) == 0) return true;
    return false;
}

static void refuse(memory_fault *fault, int code, const char *why)
{
    fault->code = code;
    fault->prevents = true;
    fault->why = why;
}

static void swap_tables(memory_log *log)
{
    memory_tables now = tables_of(log);

    set_tables(log, &log->transaction.committed);
    log->transaction.committed = now;
}

static void enter_own(memory_store *store, const char *verb, memory_fault *fault)
{
    static const char *const steps[] = {"append", "begin", "keep", "undo", NULL};
    static const char *const imports[] = {"import", "put", "finish", "keep", "undo", NULL};
    static const char *const ends[] = {"begin", "keep", "undo", "commit", NULL};
    int code;

    if (store->log->transaction.is_open) {
        if (!is_one_of(verb, store->log->transaction.is_import ? imports : steps))
            refuse(fault, DUR_MISUSE, "a transactional step is open on this connection");
    } else if (!is_one_of(verb, ends)) {
        code = memory_commit_shared(&store->head);
        if (code && strcmp(verb, "append") == 0) code = DUR_ROLLED_BACK;
        if (code) refuse(fault, code, "the steps that shared a commit were taken back");
    }
}

void memory_transaction_enter(memory_store *store, const char *verb, memory_fault *fault)
{
    static const char *const reads[] = {"find",    "confirm", "load", "summarize",
                                        "pending", "peek",    "due",  "held",
                                        "queue",   "version", "earliest",
                                        "list",    "visit", NULL};
    const void *owner = store->log->transaction.owner;
    bool is_read = is_one_of(verb, reads);

    if (!owner || fault->prevents) return;
    if (owner == store) {
        if (!is_read) enter_own(store, verb, fault);
    } else if (!is_read) {
        refuse(fault, DUR_BUSY, "another handle has a transaction open");
    } else if (!store->log->transaction.is_broken) {
        swap_tables(store->log);
        store->looks_back = true;
    }
}

void memory_transaction_leave(memory_store *store)
{
    if (store->looks_back) swap_tables(store->log);
    store->looks_back = false;
}

bool memory_transaction_refuses(const memory_store *store, const durable_outcome *outcome)
{
    return store->log->transaction.is_open && !outcome->in_transaction;
}

bool memory_transaction_is_shared(const memory_store *store)
{
    const memory_transaction *transaction = &store->log->transaction;

    return transaction->is_open && transaction->kept + 1 < transaction->shared;
}

bool memory_transaction_is_broken(const memory_store *store)
{
    return store->log->transaction.is_open && store->log->transaction.is_broken;
}

/* ---- The verbs around a step ---- */

void memory_transaction_begin(memory_store *store, int64_t shared)
{
    memory_transaction *transaction = &store->log->transaction;
    memory_tables now = tables_of(store->log);

    if (!transaction->owner) transaction->committed = copy_tables(&now);
    transaction->before_step = copy_tables(&now);
    transaction->owner = store;
    transaction->is_open = true;
    transaction->shared = shared;
}

int memory_begin_transaction(durable_store *base, int64_t shared, bool attached)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "begin");
    bool is_open = store->log->transaction.is_open;

    (void)attached; /* there is one database */
    fault.prevents = fault.code != DUR_OK;
    if (!fault.prevents && !is_open) memory_transaction_begin(store, shared);
    return memory_finish(store, &fault, is_open ? DUR_MISUSE : DUR_OK, NULL, "begin transaction");
}

static void keep_step(memory_log *log, const memory_fault *fault)
{
    memory_transaction *transaction = &log->transaction;

    transaction->is_open = false;
    forget(&transaction->before_step);
    if (fault->prevents)
        take_all_back(log);
    else if (++transaction->kept >= transaction->shared)
        is_over(log);
}

static void undo_step(memory_log *log)
{
    memory_transaction *transaction = &log->transaction;

    transaction->is_open = false;
    go_back(log, &transaction->before_step);
    if (!transaction->kept) is_over(log);
}

int memory_transaction_end(memory_store *store, const memory_fault *fault, bool keep)
{
    bool is_broken = store->log->transaction.is_broken;

    if (is_broken)
        is_over(store->log);
    else if (keep)
        keep_step(store->log, fault);
    else
        undo_step(store->log);
    return is_broken ? DUR_ROLLED_BACK : DUR_OK;
}

int memory_end_transaction(durable_store *base, bool keep)
{
    memory_store *store = (memory_store *)base;
    const char *verb = keep ? "keep" : "undo";
    memory_fault fault = memory_next_fault(store, verb);
    const memory_transaction *transaction = &store->log->transaction;
    bool waits;
    int code = DUR_OK;

    if (transaction->owner != store || !transaction->is_open || transaction->is_import)
        return memory_conclude(store, &fault, DUR_OK);
    code = memory_transaction_end(store, &fault, keep);
    waits = store->log->transaction.owner == store;
    return memory_finish(store, &fault, code, waits ? "commit to come" : NULL, "%s transaction",
                         verb);
}

/* ---- Mischief ---- */

void memory_store_host_rolls_back(durable_store *base)
{
    memory_log *log = ((memory_store *)base)->log;

    if (!log->transaction.is_open) abort();
    go_back(log, &log->transaction.committed);
    log->transaction.is_broken = true;
    narrative_add(&log->story, "the host rolls back\n");
}
