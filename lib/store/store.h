/*
 * store: the storage contract between the engine and whatever keeps the log.
 *
 * Each verb is one atomic act of the domain. Time, ids and the fence come in as arguments: a store
 * asks no clock and draws no random number. Rows go out through visitors. The laws that every
 * store keeps, and that the conformance suite in test/store holds it to:
 *
 *   1. A verb that changes something changes all of it or nothing. DUR_OK means it is done, and as
 *      durable as the store can make it.
 *   2. Every verb that takes a fence checks it in the same act. If the run is gone or its epoch or
 *      token is another one, the verdict is DUR_LOST (DUR_ROLLED_BACK where the claim or the last
 *      record vanished with a transaction that the store had joined), and nothing has changed.
 *   3. After any other error the act may be tried again; done twice it has the effect of once.
 *   4. Steps are only ever added. A position that holds a row keeps it.
 *   5. What a visitor is given lives until it returns. A visitor may not call the store. No
 *      cursor stays open when a verb has returned.
 *   6. Errors are in durable_store.error, code and message, those behind a verdict too; the message
 *      names no run: the engine knows more about it than the store and puts that in front.
 *   7. A claim that was given back opens nothing any more (DUR_LOST), but giving it back again in
 *      the same way is DUR_OK.
 */
#ifndef DURABLE_STORE_H
#define DURABLE_STORE_H

#include "base/error.h"
#include "base/value.h"

/* Who may write to a run. Copied at will, but for `provisional`, which is the store's own: set 0
 * before a claim, and only read afterwards. */
typedef struct durable_fence {
    int64_t run; /* the store's own key of the run */
    int64_t epoch;
    int64_t token;
    int64_t provisional; /* last position whose record was joined to a foreign transaction and not
                          * seen after its end; -1: the claim itself; 0: nothing to be confirmed */
} durable_fence;

/* A run's status, part of the file format; see dur_status. */
enum { DURABLE_RUNNING = 1, DURABLE_COMPLETED = 2, DURABLE_FAILED = 3, DURABLE_PARKED = 4 };

/* Kinds and outcomes of step rows, part of the file format. */
enum { DURABLE_KIND_STEP = 1 };
enum { DURABLE_OUTCOME_RESULT = 0, DURABLE_OUTCOME_FAILURE = 1 };

/* A run as the store hands it out. Text is UTF-8 with a NUL after it. */
typedef struct durable_run_record {
    int64_t run;
    const char *id;
    const char *uid;
    const char *workflow;
    int status;
    int behaviour;
    int64_t epoch;
    int64_t token;
    const char *owner; /* NULL: nobody holds it */
    int64_t lease_end;
    int64_t claims; /* in a row; see durable_claim */
    int64_t created;
    int64_t ended;
    durable_datum input;
    durable_datum output;
    const char *failure; /* why it failed, or the report of a parked run; NULL: none */
    bool joined;         /* read within a foreign transaction, and as provisional as that */
} durable_run_record;

/* A run to be started and claimed in one act. */
typedef struct durable_new_run {
    const char *id;
    const char *uid;
    const char *workflow;
    const char *code_version; /* NULL: none */
    int behaviour;
    durable_datum input;
    const char *owner;
    int64_t token; /* the epoch is 1 */
    int64_t lease_end;
    int64_t now;
} durable_new_run;

/* To take a run over: done only if it still has the epoch and token that the engine has seen. */
typedef struct durable_claim {
    int64_t run;
    int64_t seen_epoch; /* the new epoch is this + 1 */
    int64_t seen_token;
    const char *owner;
    int64_t token;
    int64_t lease_end;
    int64_t claims; /* to be stored: claims in a row, this one included */
} durable_claim;

/* How a run ends or is left. */
typedef struct durable_ending {
    int status; /* DURABLE_COMPLETED, DURABLE_FAILED or DURABLE_PARKED */
    durable_datum output;
    const char *failure; /* NULL: none */
    int64_t now;
} durable_ending;

/* One step's outcome to be appended. */
typedef struct durable_outcome {
    durable_fence *fence;
    int64_t position;
    int kind;
    int outcome;
    const char *name;
    size_t name_length;
    durable_datum value; /* of a failure: its message as text */
    int64_t low;         /* lowest position open when this was written, its own included */
    int64_t attempt;     /* from 1 */
    int64_t began;
    int64_t took;
    const char *site;  /* "file.c:12", NULL: none */
    int64_t lease_end; /* renew the claim to this in the same act; 0: leave it */
    bool joined;       /* out, also of a failure: the write was part of a foreign transaction */
    int verdict;       /* out: DUR_OK (also where this owner's outcome was there already: the first
                        * one stays), DUR_LOST, DUR_ROLLED_BACK, or DUR_CORRUPT: the position holds
                        * a row of another owner */
} durable_outcome;

/* A recorded step. `site`, `epoch` and `began` only where the load asked for details. */
typedef struct durable_step_record {
    int64_t position;
    int kind;
    int outcome;
    const char *name;
    size_t name_length;
    durable_datum value;
    const char *site;
    int64_t epoch;
    int64_t began;
} durable_step_record;

typedef struct durable_history_summary {
    int64_t last;       /* highest recorded position; 0: no rows */
    int64_t last_epoch; /* highest epoch that recorded a row; 0: no rows */
    int64_t low;        /* highest `low` of the rows: every position below it was recorded */
} durable_history_summary;

/* Return 0 to go on, anything else to end the visit after this row (that is no error). */
typedef int durable_step_visitor(const durable_step_record *record, void *context);
/* Called at most once; what it returns is the verb's result, and it may set the store's error. */
typedef int durable_run_visitor(const durable_run_record *record, void *context);

typedef struct durable_store durable_store;

typedef struct durable_store_methods {
    /* DUR_OK, DUR_NOT_FOUND, or what the visitor returned. */
    int (*find_run)(durable_store *store, const char *id, durable_run_visitor *visit,
                    void *context);

    /* *created is false, with DUR_OK, where the id was taken meanwhile. `fence` is filled. */
    int (*create_run)(durable_store *store, const durable_new_run *new_run, bool *created,
                      durable_fence *fence);

    /* Compare and swap; the run is then running, without failure and end. *claimed is false, with
     * DUR_OK, where epoch or token are no longer the ones seen. `fence` is filled. */
    int (*claim_run)(durable_store *store, const durable_claim *claim, bool *claimed,
                     durable_fence *fence);

    /* Give the claim back; the run stays as it is. */
    int (*release_run)(durable_store *store, durable_fence *fence);

    /* Write the ending and give the claim back. A parked run has not ended: its time stays 0. */
    int (*end_run)(durable_store *store, durable_fence *fence, const durable_ending *ending);

    /* A renewal that joined a foreign transaction makes the fence provisional. */
    int (*renew_lease)(durable_store *store, durable_fence *fence, int64_t lease_end);

    /* Before a step is executed whose run has records or a claim in a transaction that the store
     * joined: are they still there? Changes nothing. */
    int (*confirm)(durable_store *store, const durable_fence *fence);

    /* Append outcomes, of one run or of several, in one commit; each gets its verdict and only
     * those with DUR_OK are written. DUR_OK: every verdict is set. Any other code: none is
     * written. */
    int (*append_outcomes)(durable_store *store, durable_outcome *outcomes, size_t count);

    /* Visit the rows of positions from..to in order, at most `limit` of them. A row whose columns
     * have impossible types is DUR_CORRUPT, and *position (may be NULL) tells where. */
    int (*load_history)(durable_store *store, int64_t run, int64_t from, int64_t to, int64_t limit,
                        bool details, durable_step_visitor *visit, void *context,
                        int64_t *position);

    int (*summarize_history)(durable_store *store, int64_t run, durable_history_summary *summary);

    void (*close)(durable_store *store);
} durable_store_methods;

/* The head of every store. */
struct durable_store {
    const durable_store_methods *methods;
    durable_error error;
};

#endif
