/* test/support: what runs wait for, in the in-memory store: pending rows and signals. */
#ifndef MEMORY_WAITS_H
#define MEMORY_WAITS_H

#include "support/internal/memory_log.h"

/* NULL where there is none. */
memory_pending *memory_pending_at(const memory_run *run, int64_t position);
void memory_pending_put(memory_run *run, const durable_pending *row);
/* The same on a row that is a changed copy of the one that is there. */
void memory_pending_change(memory_run *run, const durable_pending *row);
void memory_pending_remove(memory_run *run, int64_t position); /* or there is none */
void memory_pending_clear(memory_run *run);
void memory_pending_free(memory_pending *pending);
int memory_pending_show(const memory_pending *pending, durable_pending_visitor *visit,
                        void *context);

/* A callback's answer goes to an address made of its position. */
void memory_callback_address(int64_t position, char address[DURABLE_ADDRESS_SIZE]);

void memory_signal_add(memory_log *log, int64_t run, const char *address,
                       const durable_signal *signal);
/* Give a row that was copied as it is memory of its own. */
void memory_signal_copy(memory_signal *signal);
void memory_signal_free(memory_signal *signal);

/* The signal of this key, which was sent to this run and not received; NULL: none. */
memory_signal *memory_signal_waiting(const memory_log *log, int64_t run, int64_t key);

/* The key of the oldest one at that address that was not received; 0: none. */
int64_t memory_signal_oldest(const memory_log *log, int64_t run, const char *address);

/* Whether one was sent there, received or not: with this key, or any if that is NULL. */
bool memory_signal_sent(const memory_log *log, int64_t run, const char *address, const char *key);

/* It is due no later than `now`, and so is its root if that is suspended; unless it is paused. */
void memory_run_make_due(const memory_log *log, memory_run *run, int64_t now);

/* One that waits for this address is woken by it. */
void memory_signal_send(memory_log *log, memory_run *run, const char *address,
                        const durable_signal *signal);

int memory_signal_show(const memory_log *log, int64_t key, durable_signal_visitor *visit,
                       void *context);

#endif
