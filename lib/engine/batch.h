/* engine: what the files about branches share. */
#ifndef DURABLE_BATCH_H
#define DURABLE_BATCH_H

#include "engine/engine.h"

/* A batch is a child of its run, and its positions are its branches': branch i has position i + 1,
 * and the row there is what it came to. What it is to do next follows from how many rows there are,
 * and nothing else, so that every pass comes to the same. */
typedef struct durable_batch {
    const dur_branch *branches;
    size_t count;
    const dur_batch_options *options;
    dur_run *run;       /* the child's */
    size_t begun;       /* their positions were asked for, in order */
    size_t open;        /* … and hold no row */
    size_t succeeded;   /* rows */
    size_t failed;
    int reason;         /* a dur_batch_reason; 0: it goes on */
    bool told;          /* … and the open ones are being told */
    dur_step *to_call;  /* the first open one that this pass has not called; those behind it, too */
} durable_batch;

/* The call of an open step's branch, as the batch's own; it points into `id` and `options`. */
DURABLE_INTERNAL void durable_batch_describe(const durable_batch *batch, dur_step *step,
                                             char id[DUR_NAME_MAX + 1],
                                             dur_child_options *options, durable_call *call);

/* What a call came to. DUR_OK, or the code of the stopped run. */
DURABLE_INTERNAL int durable_batch_take(durable_batch *batch, dur_step *step, int code,
                                        dur_value output, const char *message);

/* ---- job.c --------------------------------------------------------------------------------- */

/* Hand all that are to be called to the host's executor, and take what they came to. */
DURABLE_INTERNAL int durable_batch_execute(durable_batch *batch);

/* ---- summary.c ----------------------------------------------------------------------------- */

/* A complete batch in one line, which is the output of its child, and its run's row. */
#define DURABLE_SUMMARY_SIZE 192
DURABLE_INTERNAL void durable_summary_print(char text[DURABLE_SUMMARY_SIZE],
                                            const durable_batch *batch);

/* Whether such a line is what this text is. */
DURABLE_INTERNAL bool durable_summary_is(const char *text, size_t length);

/* The way back, with the outcomes of the branches, for the workflow; `batch` may be NULL. DUR_OK,
 * or the code of the stopped run. */
DURABLE_INTERNAL int durable_summary_read(dur_run *run, int64_t position,
                                          const durable_asked *asked, const char *text,
                                          size_t count, dur_batch *batch);

#endif
