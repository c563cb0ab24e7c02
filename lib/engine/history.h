/* engine: a run's recorded steps, read in batches, so that no cursor is open while the host's code
 * runs and memory does not grow with the run. */
#ifndef DURABLE_HISTORY_H
#define DURABLE_HISTORY_H

#include "store/store.h"

typedef struct durable_history {
    durable_store *store;
    int64_t run;
    int64_t loaded; /* last position that was read into the batch */
    char *batch;    /* the rows not yet used, one behind the other */
    size_t size, used, read;
    bool details;   /* load the fingerprints, too */
    bool exhausted; /* nothing is left in the store */
    bool first_done;
} durable_history;

/* `empty`: the run is new, there is nothing to read. */
DURABLE_INTERNAL void durable_history_init(durable_history *history, durable_store *store,
                                           int64_t run, bool empty);

/* The next row not yet passed, or NULL where none is left. The record and its bytes live until the
 * next call after it was passed. DUR_OK, DUR_NOMEM, or the store's code; *position tells where a
 * bad row is. */
DURABLE_INTERNAL int durable_history_peek(durable_history *history,
                                          const durable_step_record **record, int64_t *position);

/* Whether the next peek has to ask the store. */
DURABLE_INTERNAL bool durable_history_must_load(const durable_history *history);

/* Pass the row that was peeked at. */
DURABLE_INTERNAL void durable_history_pass(durable_history *history);

DURABLE_INTERNAL void durable_history_close(durable_history *history);

#endif
