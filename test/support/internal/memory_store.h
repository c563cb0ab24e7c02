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
 * and, of what waits and of those who look for work:
 *     create order-2 epoch 0 due 5000
 *     claim order-2 after epoch 0 claims 1 limited
 *     pending order-1: 1 rows
 *     put order-1 #2 "charge" attempt 1 due 2000
 *     suspend order-1 until 5000 for "approval", #4
 *     suspend order-1 until never for "approval" put #3 "approval" attempt 0 due never: due now
 *     signal order-1 "approval" key mail-7 failure
 *     answer order-1 #4: DUR_ENDED
 *     beat order-1 #4
 *     peek order-1 "approval": 1
 *     append order-1 #3 "approval" result low 3 takes 1 clears: recorded
 *     append order-1 #4 "answer" timed out low 4 clears: recorded
 *     due orders: order-1 at 5, order-2 at 9
 *     held orders: none
 *     queue orders
 *     limit orders to 10, 2 a process, every 1000 us
 * and, of children, requests, doubts and transactions:
 *     create order-1/3 epoch 1 called by order-1 #3 put #3 "pay" attempt 0 due 1000
 *     create mail-1 epoch 0 due 1000 started by order-1 #4
 *     summarize order-1: last 1 epoch 1 low 1 calls
 *     suspend order-1 until never: due for a child
 *     end mail-1 completed tells cancels
 *     end meter continued as meter~1 cancels
 *     cancel order-1: DUR_REPLAYED
 *     resolve order-1 #2 result
 *     pause order-1
 *     resume order-1: DUR_REPLAYED
 *     terminate order-1
 *     delete order-1: DUR_NOT_ENDED
 *     retain order until 5000 but 2: 3
 *     earliest order-1: 5000
 *     restart order-1 as order-1b at #3: DUR_REPLAYED
 *     list after 4: 2 runs
 *     visit order-1: 7 rows
 *     visit all: 20 rows
 *     import
 *     put run
 *     put step: DUR_INVALID
 *     finish import: taken back
 *     begin transaction
 *     keep transaction: commit to come
 *     undo transaction
 *     commit
 * `#4` where a signal's name could stand is the callback at that position; `takes 1` and `: 1` name
 * the first signal of the log. Untold are read_version ("version" for memory_store_fail()),
 * is_joined, the due time of a release, and what ends a transaction or commits shared steps where
 * there is none.
 *
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

/* The nth call from now of `verb` ("append", the first word of its line; NULL: any verb) gives
 * `code`. DUR_LOST and DUR_ROLLED_BACK become the verdict of an append. One fault at a time for
 * each handle. */
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
void memory_store_damage_pending(durable_store *store, const char *id, int64_t position);

/* The body of the transactional step that is open has ended its transaction. */
void memory_store_host_rolls_back(durable_store *store);

/* A sender in another process, who meets no fault of this handle; told as "somebody signals order-1
 * "approval"", "somebody answers order-1 #4". They give what the verb gives,
 * or DUR_BUSY while a transaction is open. */
int memory_store_signal(durable_store *store, const char *id, const char *name, dur_value value,
                        int64_t now);
int memory_store_answer(durable_store *store, const char *id, int64_t position, dur_value value,
                        int64_t now);

/* What is in the log: when the run is due, its pending rows, its signals that were not received. */
int64_t memory_store_due(durable_store *store, const char *id);
size_t memory_store_pending(durable_store *store, const char *id);
size_t memory_store_signals(durable_store *store, const char *id);

#endif
