/* test/support: the rows of the in-memory store for what runs wait for; see memory_waits.h. */
#include "support/internal/memory_waits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Pending rows ---- */

static size_t pending_index(const memory_run *run, int64_t position)
{
    size_t index = 0;

    while (index < run->pending_count && run->pending[index].row.position < position) index++;
    return index;
}

memory_pending *memory_pending_at(const memory_run *run, int64_t position)
{
    size_t index = pending_index(run, position);
    bool found = index < run->pending_count && run->pending[index].row.position == position;

    return found ? &run->pending[index] : NULL;
}

static durable_pending copy_pending(const durable_pending *row)
{
    durable_pending copy = *row;

    copy.name = memory_copy_bytes(row->name, row->name_length);
    copy.details = memory_copy_datum(&row->details);
    copy.failure = memory_copy_text(row->failure);
    return copy;
}

static void free_row(const durable_pending *row)
{
    memory_free_const(row->name);
    memory_free_const(row->details.bytes);
    memory_free_const(row->failure);
}

void memory_pending_free(memory_pending *pending)
{
    free_row(&pending->row);
}

void memory_pending_put(memory_run *run, const durable_pending *row)
{
    size_t index;
    memory_pending *place;

    memory_pending_remove(run, row->position);
    index = pending_index(run, row->position);
    run->pending = memory_grow(run->pending, run->pending_count, sizeof *run->pending);
    place = &run->pending[index];
    memmove(place + 1, place, (run->pending_count++ - index) * sizeof *place);
    *place = (memory_pending){.row = copy_pending(row)};
}

void memory_pending_change(memory_run *run, const durable_pending *row)
{
    memory_pending *place = memory_pending_at(run, row->position);
    durable_pending copy = copy_pending(row);

    free_row(&place->row);
    place->row = copy;
}

void memory_pending_remove(memory_run *run, int64_t position)
{
    memory_pending *place = memory_pending_at(run, position);

    if (!place) return;
    memory_pending_free(place);
    memmove(place, place + 1,
            (size_t)(run->pending + run->pending_count - place - 1) * sizeof *place);
    run->pending_count--;
}

void memory_pending_clear(memory_run *run)
{
    while (run->pending_count) memory_pending_free(&run->pending[--run->pending_count]);
}

int memory_pending_show(const memory_pending *pending, durable_pending_visitor *visit,
                        void *context)
{
    const durable_pending lent = copy_pending(&pending->row);
    durable_pending shown = lent;
    int result = visit(&shown, context);

    free_row(&lent);
    return result;
}

/* ---- Signals ---- */

void memory_callback_address(int64_t position, char address[DURABLE_ADDRESS_SIZE])
{
    snprintf(address, DURABLE_ADDRESS_SIZE, "\t%" PRId64, position);
}

void memory_signal_add(memory_log *log, int64_t run, const char *address,
                       const durable_signal *signal)
{
    log->signals = memory_grow(log->signals, log->signal_count, sizeof *log->signals);
    log->signals[log->signal_count++] =
        (memory_signal){.run = run,
                        .sent = signal->now,
                        .address = memory_copy_text(address),
                        .key = memory_copy_text(signal->key),
                        .failure = memory_copy_text(signal->failure),
                        .value = memory_copy_datum(&signal->value)};
}

void memory_run_make_due(const memory_log *log, memory_run *run, int64_t now)
{
    memory_run *root = memory_run_by_key(log, run->root);

    if (!run->paused && run->due > now) run->due = now;
    if (root && root->status == DURABLE_SUSPENDED && !root->paused && root->due > now)
        root->due = now;
}

void memory_signal_send(memory_log *log, memory_run *run, const char *address,
                        const durable_signal *signal)
{
    memory_signal_add(log, run->key, address, signal);
    if (run->status == DURABLE_SUSPENDED && memory_run_awaits(run, address))
        memory_run_make_due(log, run, signal->now);
    log->version++;
}

void memory_signal_copy(memory_signal *signal)
{
    signal->address = memory_copy_text(signal->address);
    signal->key = memory_copy_text(signal->key);
    signal->failure = memory_copy_text(signal->failure);
    signal->value = memory_copy_datum(&signal->value);
}

void memory_signal_free(memory_signal *signal)
{
    free(signal->address);
    free(signal->key);
    free(signal->failure);
    memory_free_const(signal->value.bytes);
}

memory_signal *memory_signal_waiting(const memory_log *log, int64_t run, int64_t key)
{
    memory_signal *signal;

    if (key < 1 || (uint64_t)key > log->signal_count) return NULL;
    signal = &log->signals[key - 1];
    return signal->run == run && !signal->received ? signal : NULL;
}

int64_t memory_signal_oldest(const memory_log *log, int64_t run, const char *address)
{
    for (size_t i = 0; i < log->signal_count; i++) {
        const memory_signal *signal = &log->signals[i];

        if (signal->run == run && !signal->received && strcmp(signal->address, address) == 0)
            return (int64_t)i + 1;
    }
    return 0;
}

bool memory_signal_sent(const memory_log *log, int64_t run, const char *address, const char *key)
{
    for (size_t i = 0; i < log->signal_count; i++) {
        const memory_signal *signal = &log->signals[i];
        bool fits = !key || (signal->key && strcmp(signal->key, key) == 0);

        if (fits && signal->run == run && strcmp(signal->address, address) == 0) return true;
    }
    return false;
}

int memory_signal_show(const memory_log *log, int64_t key, durable_signal_visitor *visit,
                       void *context)
{
    const memory_signal *signal = &log->signals[key - 1];
    durable_signal_record record = {.signal = key,
                                    .value = memory_copy_datum(&signal->value),
                                    .failure = memory_copy_text(signal->failure),
                                    .sent = signal->sent};
    const durable_signal_record lent = record;
    int result = visit(&record, context);

    memory_free_const(lent.value.bytes);
    memory_free_const(lent.failure);
    return result;
}
