/* engine: replay checks: what a check compares, and what it comes to. */
#ifndef DURABLE_CHECK_H
#define DURABLE_CHECK_H

#include "engine/engine.h"

struct durable_check {
    int strictness;   /* DUR_CHECK_NAMES, … */
    int64_t until;    /* 0: all */
    /* Of the run that is checked now: */
    bool reached;     /* the code goes on behind what is recorded, or what was to be checked */
    bool ended;       /* it came to the recorded end */
    int64_t position; /* where it goes on */
    char next[DURABLE_MESSAGE_SIZE]; /* with what */
};

typedef struct durable_checked {
    dur_verdict verdict;
    int code; /* that the pass gave */
    int64_t position;
} durable_checked;

/* A log of the check's own over the store of this one, to be closed before that. NULL: out of
 * memory. */
DURABLE_INTERNAL dur_log *durable_check_open(const dur_log *log, durable_check *check);

/* Check a run; `log` is the check's own. `workflow` NULL: whatever its name. DUR_OK, and the
 * result; what diverges is in log->divergence, other words in the log's error. Any other code:
 * there is no verdict. */
DURABLE_INTERNAL int durable_check_one(dur_log *log, const char *run_id, const char *workflow,
                                       dur_workflow *fn, void *user, durable_checked *result);

#endif
