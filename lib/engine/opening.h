/* engine: what starting and claiming a run share. */
#ifndef DURABLE_OPENING_H
#define DURABLE_OPENING_H

#include "engine/engine.h"

/* What the caller wants, and what the log was found to hold. */
typedef struct durable_opening {
    dur_log *log;
    const char *workflow;
    const char *run_id;
    const dur_start_options *start; /* NULL: to resume, whatever the input was */
    durable_datum input;
    const durable_call *call; /* of a child that is called; NULL: it is executed by itself */
    bool only_due;        /* a worker's: only what is there and due, and one try */
    bool limited;         /* within the limits of its queue */
    int64_t seen_next_us; /* … whose next turn was seen to be this */
    dur_run *run;         /* the handle in the making */
    int64_t claims;       /* to be stored with the claim */
    bool must_park;       /* too many claims without a new row */
    int64_t now;
    durable_run_record record; /* without its bytes, but for: */
    char owner[DURABLE_OWNER_MARK_SIZE];
} durable_opening;

/* ---- opened.c ------------------------------------------------------------------------------ */

/* A handle in the making, with its own copies of the names; NULL: out of memory. Freed so, or put
 * among the open ones of its log. */
DURABLE_INTERNAL dur_run *durable_opened_new(dur_log *log, const char *workflow,
                                             const char *run_id);
DURABLE_INTERNAL void durable_opened_free(dur_run *run);
DURABLE_INTERNAL void durable_opened_link(dur_run *run);

/* A copy of the recorded input. DUR_OK, or why not, in `error`. */
DURABLE_INTERNAL int durable_opened_input(dur_run *run, const durable_datum *datum,
                                          durable_error *error);

/* What its record says about family, deadline and requests. */
DURABLE_INTERNAL void durable_opened_take(dur_run *run, const durable_run_record *record);
DURABLE_INTERNAL bool durable_opened_interrupts(const dur_run *run);

/* ---- ownership.c, claim.c ------------------------------------------------------------------ */

/* May the run be claimed: does nobody else hold it, and is it due? DUR_OK, or a code whose message
 * is in the store's error. */
DURABLE_INTERNAL int durable_opening_check(durable_opening *open);

/* The same; then write what was kept for the run, and count its claims. */
DURABLE_INTERNAL int durable_opening_prepare(durable_opening *open);

/* Claim it as it was seen. *claimed is false where somebody was faster, or its queue's limits are
 * reached. */
DURABLE_INTERNAL int durable_opening_claim(durable_opening *open, bool *claimed);

/* Park the run that was claimed once too often. Gives DUR_PARKED, or why it could not be. */
DURABLE_INTERNAL int durable_opening_park(durable_opening *open);

#endif
