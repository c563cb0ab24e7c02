/*
 * test/support: the in-memory store, the first witness of the storage contract.
 *
 * It keeps every law of store/store.h, tells what it was asked in a narrative of one line a verb,
 * and fails on demand. What visitors are given is freed when they return, and step names have no
 * NUL after them, so that a sanitizer sees whoever expects more than the contract gives.
 *
 * The narrative:
 *     find order-1: none
 *     create order-1 epoch 1
 *     summarize order-1: last 1 epoch 1 low 1
 *     load order-1 1..134217727: 0 rows
 *     append order-1 #1 "charge" result low 1: recorded
 *     end order-1 completed
 * A verb that fails ends in the code's name, `…: DUR_BUSY`, or `…: DUR_IOERR, survived` where the
 * effect took place all the same.
 */
#ifndef MEMORY_STORE_H
#define MEMORY_STORE_H

#include "store/store.h"

/* A new log with one handle on it. Running out of memory aborts the test. */
durable_store *memory_store_new(void);

/* Another handle on the same log, as another process would have it. The log lives as long as its
 * last handle; the narrative belongs to the log, faults and death to the handle. */
durable_store *memory_store_share(durable_store *store);

/* The lines told since the last memory_store_forget(), until the next verb. */
const char *memory_store_narrative(const durable_store *store);
void memory_store_forget(durable_store *store);

typedef enum memory_moment {
    MEMORY_BEFORE, /* nothing was done */
    MEMORY_AFTER   /* everything was done: the commit failed and survived */
} memory_moment;

/* The nth call from now of `verb` ("append"; NULL: any verb) gives `code`. DUR_LOST and
 * DUR_ROLLED_BACK become the verdict of an append. One fault at a time for each handle. */
void memory_store_fail(durable_store *store, const char *verb, int nth, int code,
                       memory_moment when);

/* The owner of this handle dies when the nth verb from now has had its effect (0: now): this and
 * every later verb is DUR_IOERR, changes nothing more, and is not told. */
void memory_store_die(durable_store *store, int nth);
bool memory_store_is_dead(const durable_store *store);

/* What others do to a run behind the engine's back. */
void memory_store_take_over(durable_store *store, const char *id);
void memory_store_restore(durable_store *store, const char *id); /* same epoch, other token */
void memory_store_delete_run(durable_store *store, const char *id);
void memory_store_delete_step(durable_store *store, const char *id, int64_t position);
void memory_store_damage_step(durable_store *store, const char *id, int64_t position);

#endif
