/* test/support: the in-memory store's transactions: alone, or sharing a commit. */
#ifndef MEMORY_TRANSACTION_H
#define MEMORY_TRANSACTION_H

#include "support/internal/memory_tell.h"

/* Every verb passes here before it looks at the log. What stands in a transaction is hidden from
 * other handles; their writes are DUR_BUSY. */
void memory_transaction_enter(memory_store *store, const char *verb, memory_fault *fault);
void memory_transaction_leave(memory_store *store);

/* The owner of the handle is dead, or closes it: what was not committed is gone. */
void memory_transaction_abandon(memory_store *store);

/* Begin one, where none is open; end it. DUR_OK or DUR_ROLLED_BACK. */
void memory_transaction_begin(memory_store *store, int64_t shared);
int memory_transaction_end(memory_store *store, const memory_fault *fault, bool keep);

/* Whether an append must be refused, and whether a commit is still to come after its end. */
bool memory_transaction_refuses(const memory_store *store, const durable_outcome *outcome);
bool memory_transaction_is_shared(const memory_store *store);
bool memory_transaction_is_broken(const memory_store *store);

#endif
