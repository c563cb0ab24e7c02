/* engine: what the log says to a request of the code. Pure functions: no store, no state. */
#ifndef DURABLE_DECISION_H
#define DURABLE_DECISION_H

#include "store/store.h"

/* What the code asks for. */
typedef struct durable_request {
    int64_t position;
    int kind;
    const char *name;
    size_t name_length;
} durable_request;

typedef enum durable_decision {
    DURABLE_REPLAY,  /* the log has the answer */
    DURABLE_EXECUTE, /* the log ends before this position */
    DURABLE_GAP,     /* no row here, but later ones: legal only where no row's `low` lies above */
    DURABLE_DIVERGE  /* the log holds another kind or another name here */
} durable_decision;

/* `recorded` is the first row at or behind the request's position; NULL: there is none. */
DURABLE_INTERNAL durable_decision durable_decide(const durable_step_record *recorded,
                                                 const durable_request *request);

/* The same for a position that has no outcome yet, but of which the log remembers something. */
DURABLE_INTERNAL durable_decision durable_decide_pending(const durable_pending *pending,
                                                         const durable_request *request);

/* How many recorded steps and how many requests are looked at to tell the class of a change. */
#define DURABLE_EVIDENCE_MAX 4

/* One side's step, as far as telling the class needs it. */
typedef struct durable_evidence {
    int kind;
    const char *name;
} durable_evidence;

/*
 * The class of a change from the recorded steps at and behind the divergence and the code's
 * requests from there on; none means that the code ended. `left_early` says that the code was told
 * of the stop and left: what it did not ask for is then no evidence.
 */
DURABLE_INTERNAL dur_change durable_classify(const durable_evidence *recorded,
                                             size_t recorded_count,
                                             const durable_evidence *requested,
                                             size_t requested_count, bool left_early);

#endif
