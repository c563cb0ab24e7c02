/* store: a store in front of another one, which is asked before each of its verbs. */
#ifndef DURABLE_GUARD_H
#define DURABLE_GUARD_H

#include "store/store.h"

typedef enum durable_verb {
    /* Verbs that write nothing. */
    DURABLE_VERB_FIND_RUN,
    DURABLE_VERB_CONFIRM,
    DURABLE_VERB_LOAD_HISTORY,
    DURABLE_VERB_SUMMARIZE_HISTORY,
    DURABLE_VERB_LOAD_PENDING,
    DURABLE_VERB_EARLIEST_DUE,
    DURABLE_VERB_PEEK_SIGNAL,
    DURABLE_VERB_FIND_DUE,
    DURABLE_VERB_FIND_HELD,
    DURABLE_VERB_LOOK_AT_QUEUE,
    DURABLE_VERB_LIST_RUNS,
    DURABLE_VERB_VISIT_ROWS,
    DURABLE_VERB_READ_VERSION,
    /* Verbs that end what was begun, and write nothing where nothing was. */
    DURABLE_VERB_END_TRANSACTION,
    DURABLE_VERB_COMMIT_SHARED,
    DURABLE_VERB_END_IMPORT,
    /* Verbs that write. */
    DURABLE_VERB_CREATE_RUN,
    DURABLE_VERB_CLAIM_RUN,
    DURABLE_VERB_RELEASE_RUN,
    DURABLE_VERB_SUSPEND_RUN,
    DURABLE_VERB_END_RUN,
    DURABLE_VERB_RENEW_LEASE,
    DURABLE_VERB_APPEND_OUTCOMES,
    DURABLE_VERB_PUT_PENDING,
    DURABLE_VERB_SEND_SIGNAL,
    DURABLE_VERB_ANSWER_CALLBACK,
    DURABLE_VERB_BEAT_CALLBACK,
    DURABLE_VERB_CANCEL_RUN,
    DURABLE_VERB_RESOLVE_STEP,
    DURABLE_VERB_BEGIN_TRANSACTION,
    DURABLE_VERB_LIMIT_QUEUE,
    DURABLE_VERB_PAUSE_RUN,
    DURABLE_VERB_TERMINATE_RUN,
    DURABLE_VERB_DELETE_RUN,
    DURABLE_VERB_DELETE_ENDED,
    DURABLE_VERB_RESTART_RUN,
    DURABLE_VERB_BEGIN_IMPORT,
    DURABLE_VERB_PUT_ROW
} durable_verb;

static inline bool durable_verb_writes(durable_verb verb)
{
    return verb >= DURABLE_VERB_CREATE_RUN;
}

/* Asked before each verb but is_joined() and close(). DUR_EXECUTE: go on; anything else is the
 * verb's result, and `error` (empty before) that of the guard. Outputs of the verb are then zero;
 * verdicts of outcomes are not set. */
typedef int durable_guard_before(durable_verb verb, durable_error *error, void *context);

/* Told after each verb that went on; may be NULL. `acted`: it gave DUR_OK, and for an append at
 * least one outcome was written. */
typedef void durable_guard_after(durable_verb verb, bool acted, void *context);

/* *context lives as long as the guard. Closing it closes `inner`, too, if it owns that. NULL: out
 * of memory, and `inner` is as it was. */
DURABLE_INTERNAL durable_store *durable_guard_new(durable_store *inner, bool owns,
                                                  durable_guard_before *before,
                                                  durable_guard_after *after, void *context);

/* For a log that is only read: DUR_READONLY to whatever writes. */
DURABLE_INTERNAL int durable_guard_read_only(durable_verb verb, durable_error *error,
                                             void *context);

#endif
