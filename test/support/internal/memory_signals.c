/* test/support: the in-memory store's verbs on signals and callbacks. */
#include "support/internal/memory_tell.h"
#include "support/internal/memory_waits.h"

#include <inttypes.h>
#include <stdio.h>

int memory_deliver(memory_log *log, const char *run_id, const durable_signal *signal)
{
    memory_run *run = memory_run_by_id(log, run_id);

    if (!run) return DUR_NOT_FOUND;
    if (signal->key && memory_signal_sent(log, run->key, signal->name, signal->key))
        return DUR_REPLAYED;
    if (memory_run_has_ended(run)) return DUR_ENDED;
    memory_signal_send(log, run, signal->name, signal);
    return DUR_OK;
}

int memory_send_signal(durable_store *base, const char *run_id, const durable_signal *signal)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "signal");
    int code = fault.prevents ? DUR_OK : memory_deliver(store->log, run_id, signal);

    return memory_finish(store, &fault, code, NULL, "signal %s \"%s\"%s%s%s", run_id, signal->name,
                         signal->key ? " key " : "", signal->key ? signal->key : "",
                         signal->failure ? " failure" : "");
}

/* ---- Callbacks ---- */

/* DUR_OK and the pending row of a callback that waits for its answer, and still may get it. */
static int find_callback(const memory_log *log, const durable_callback *callback, int64_t now,
                         memory_pending **pending)
{
    const memory_run *run = memory_run_by_key(log, callback->run);
    char address[DURABLE_ADDRESS_SIZE];

    if (!run || strcmp(run->uid, callback->uid) != 0) return DUR_NOT_FOUND;
    *pending = memory_pending_at(run, callback->position);
    memory_callback_address(callback->position, address);
    if (!*pending || (*pending)->row.kind != DURABLE_KIND_CALLBACK || memory_run_has_ended(run) ||
        (*pending)->row.due < now || memory_signal_sent(log, run->key, address, NULL))
        return DUR_ENDED;
    return DUR_OK;
}

int memory_answer(memory_log *log, const durable_callback *callback, const durable_signal *signal)
{
    memory_pending *pending;
    char address[DURABLE_ADDRESS_SIZE];
    int code = find_callback(log, callback, signal->now, &pending);

    memory_callback_address(callback->position, address);
    if (!code) memory_signal_send(log, memory_run_by_key(log, callback->run), address, signal);
    return code;
}

int memory_answer_callback(durable_store *base, const durable_callback *callback,
                           const durable_signal *signal)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "answer");
    int code = fault.prevents ? DUR_OK : memory_answer(store->log, callback, signal);

    return memory_finish(store, &fault, code, NULL, "answer %s #%" PRId64 "%s",
                         memory_run_name(store->log, callback->run), callback->position,
                         signal->failure ? " failure" : "");
}

static int beat(memory_log *log, const durable_callback *callback, int64_t now)
{
    memory_pending *pending;
    int code = find_callback(log, callback, now, &pending);
    durable_pending *row;

    if (code) return code;
    row = &pending->row;
    if (row->interval > 0) {
        bool is_late = now > 0 && row->interval > INT64_MAX - now;
        int64_t due = is_late ? DURABLE_NEVER : now + row->interval;

        row->due = due < row->deadline ? due : row->deadline;
    }
    log->version++;
    return DUR_OK;
}

int memory_beat_callback(durable_store *base, const durable_callback *callback, int64_t now)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "beat");
    int code = fault.prevents ? DUR_OK : beat(store->log, callback, now);

    return memory_finish(store, &fault, code, NULL, "beat %s #%" PRId64,
                         memory_run_name(store->log, callback->run), callback->position);
}

/* ---- Peek ---- */

int memory_peek_signal(durable_store *base, int64_t key, const char *address,
                       durable_signal_visitor *visit, void *context)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "peek");
    const memory_run *run = memory_run_by_key(store->log, key);
    int64_t signal = run ? memory_signal_oldest(store->log, key, address) : 0;
    char result[32] = "none", text[DURABLE_ADDRESS_SIZE + 2];
    int code = DUR_NOT_FOUND;

    if (signal) {
        snprintf(result, sizeof result, "%" PRId64, signal);
        code = fault.prevents ? DUR_OK : memory_signal_show(store->log, signal, visit, context);
    }
    return memory_finish(store, &fault, code, result, "peek %s %s",
                         memory_run_name(store->log, key), memory_address_text(address, text));
}
