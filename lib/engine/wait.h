/* engine: what timers, signals, selections and callbacks share. */
#ifndef DURABLE_WAIT_H
#define DURABLE_WAIT_H

#include "engine/engine.h"

/* A buffered signal, its value already in the run's memory. */
typedef struct durable_found {
    int64_t signal; /* 0: none is there */
    int64_t sent;
    bool rejects; /* the value is the failure's message, as text */
    dur_value value;
} durable_found;

/* Take the run's next position for a wait. DUR_EXECUTE with *wait, or the answer of the log, or the
 * code of the stopped run. */
DURABLE_INTERNAL int durable_wait_begin(dur_run *run, int kind, const char *name,
                                        durable_answer *answer);

/* The oldest signal of that address; without its value unless `with_value`. DUR_OK whether or not
 * there is one; the code of the stopped run where that cannot be told. */
DURABLE_INTERNAL int durable_wait_peek(dur_run *run, int64_t position, const char *address,
                                       bool with_value, durable_found *found);

/* The address of the answer of the callback at a position. */
DURABLE_INTERNAL void durable_wait_address(char address[DURABLE_ADDRESS_SIZE], int64_t position);

/* Whether what came at `time` is in time for a wait that looks for it now: once its deadline has
 * passed only what came before that counts; until then whatever is there, as the sender's clock may
 * go ahead of ours. */
DURABLE_INTERNAL bool durable_wait_counts(const dur_step *wait, int64_t now, int64_t time);

/* What a wait waits for. */
typedef struct durable_wanted {
    int64_t due;    /* its own deadline, or DURABLE_NEVER */
    int64_t choice; /* of a select: the case of it */
    int64_t wake;   /* when to look again, no later than that */
    const char *const *awaits;
    size_t await_count;
    int64_t now;
} durable_wanted;

/* Suspend at this wait, remembering its deadline and choice if the log does not yet. */
DURABLE_INTERNAL int durable_wait_suspend(dur_step *wait, const durable_wanted *wanted);

/* Record that a signal was received. */
DURABLE_INTERNAL int durable_wait_receive(dur_step *wait, const durable_found *found);

/* Where a callback stands. */
typedef enum durable_standing {
    DURABLE_UNANSWERED,
    DURABLE_ANSWERED,
    DURABLE_OUT_OF_TIME
} durable_standing;

/* DUR_OK, or the code of the stopped run. */
DURABLE_INTERNAL int durable_callback_look(dur_step *callback, bool with_value,
                                           durable_standing *standing, durable_found *found);

#endif
