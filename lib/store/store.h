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

/* A time that does not come. */
#define DURABLE_NEVER INT64_MAX

/* A run's status, part of the file format; see dur_status. */
enum {
    DURABLE_RUNNING = 1,
    DURABLE_COMPLETED = 2,
    DURABLE_FAILED = 3,
    DURABLE_PARKED = 4,
    DURABLE_SUSPENDED = 5,
    DURABLE_CANCELLED = 6,
    DURABLE_TIMED_OUT = 7,
    DURABLE_CONTINUED = 8,
    DURABLE_TERMINATED = 9
};

static inline bool durable_status_has_ended(int64_t status)
{
    return status != DURABLE_RUNNING && status != DURABLE_PARKED && status != DURABLE_SUSPENDED;
}

/* What somebody has asked of a run, as bits; part of the file format. */
enum { DURABLE_REQUEST_END = 1, DURABLE_REQUEST_PAUSE = 2 };

/* Kinds of step rows and of pending ones, and outcomes; part of the file format. A timed-out one
 * has a null value. */
enum {
    DURABLE_KIND_STEP = 1,
    DURABLE_KIND_TIMER = 2,
    DURABLE_KIND_RECEIVE = 3,
    DURABLE_KIND_SELECT = 4,
    DURABLE_KIND_CALLBACK = 5,
    DURABLE_KIND_CHILD = 6,
    DURABLE_KIND_UNDO = 7,
    DURABLE_KIND_CANCEL = 8,
    DURABLE_KIND_PATCH = 9
};
enum { DURABLE_OUTCOME_RESULT = 0, DURABLE_OUTCOME_FAILURE = 1, DURABLE_OUTCOME_TIMED_OUT = 2 };

/* A status and a kind as the views name them; NULL: there is none of that number. */
DURABLE_INTERNAL const char *durable_name_of_status(int status);
DURABLE_INTERNAL const char *durable_name_of_kind(int kind);

/* What stands behind a pending step whose body may run at most once; part of the file format. */
enum {
    DURABLE_NO_INTENT = 0,
    DURABLE_INTENT = 1,          /* the body is about to run, or ran */
    DURABLE_RESOLVED_RESULT = 2, /* a person's answer: the details are the result */
    DURABLE_RESOLVED_FAILURE = 3 /* … the failure is the outcome */
};

/* The queue of children that their parents call: no worker serves it. */
#define DURABLE_QUEUE_CALLED ""

/* What a signal is sent to, and received from: its name; or, for the answer of the callback (or the
 * end of the child) at a position, a tab, which no name can hold, and the position in decimal. */
#define DURABLE_ADDRESS_SIZE 256

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
    const char *queue;
    int priority;
    int64_t due; /* when workers take it up; DURABLE_NEVER where it is held, ended, parked, or
                  * suspended without a limit */
    bool cancels;     /* it was asked to end */
    bool paused;      /* nobody is to take it up */
    int generation;   /* in its chain of continuations, from 1 */
    const char *origin;   /* the id of the run that it continues or was restarted from; NULL: none,
                           * or it is gone */
    int64_t restarted_at; /* the position of that restart; 0: none */
    int64_t deadline; /* DURABLE_NEVER: none */
    int64_t parent;   /* the key of the run that started or calls it; 0: none */
    int64_t called_at; /* … at this position */
    int64_t root;     /* of a called child: the run that workers take up for it; else 0 */
    int depth;        /* of nested children; 0: no child */
    bool joined; /* read within a foreign transaction, and as provisional as that */
} durable_run_record;

struct durable_pending;

/* Whose child a new run is. The caller's fence is checked in the same act: DUR_LOST. */
typedef struct durable_caller {
    const durable_fence *fence; /* the parent's */
    int64_t position;
    int64_t root;      /* as in durable_run_record */
    int on_parent_end; /* DUR_CHILD_WAIT, … */
    int depth;         /* the child's */
    const struct durable_pending *pending; /* put for the parent in the same act; NULL: none */
} durable_caller;

/* A run to be put into the log; claimed in the same act if it has an owner. */
typedef struct durable_new_run {
    const char *id;
    const char *uid;
    const char *workflow;
    const char *code_version; /* NULL: none */
    int behaviour;
    durable_datum input;
    const char *queue;
    int priority;
    const char *owner; /* NULL: nobody claims it; its epoch is then 0, else 1 */
    int64_t token;
    int64_t lease_end; /* with an owner */
    int64_t due;       /* without one */
    int64_t deadline;  /* DURABLE_NEVER: none */
    const durable_caller *caller; /* NULL: no child */
    int64_t now;
} durable_new_run;

/* To take a run over: done only if it still has the epoch and token that the engine has seen, and
 * is still held, or still not. An owner that comes back may end it with the fence that was seen. */
typedef struct durable_claim {
    int64_t run;
    int64_t seen_epoch; /* the new epoch is this + 1 */
    int64_t seen_token;
    bool seen_held;
    const char *owner;
    int64_t token;
    int64_t lease_end;
    int64_t claims; /* to be stored: claims in a row, this one included */
    bool limited;          /* keep the limits of the run's queue: refused where they are reached */
    int64_t seen_next_us;  /* of that queue, before the clock was asked for `now`; see there */
    size_t process_length; /* so many bytes of `owner` name its process */
    int64_t now;           /* a store that waits before it claims adds that to it */
} durable_claim;

/* The run that goes on under the id of one that ends as DURABLE_CONTINUED: it has that one's
 * workflow, queue, priority, deadline, parent, root, depth and request to end, the next generation,
 * and the signals that it has not received, with those that only keep a key; not the answers of
 * callbacks. Nobody claims it. It is running; or, where it is called, suspended, as its parent's
 * next pass goes on with it: a root that is suspended is due at `due`, too. Whoever has paused the
 * run has paused its successor. */
typedef struct durable_successor {
    const char *id; /* of both; the one that ends is called `old_id` from then on. DUR_CONFLICT
                     * where that is taken */
    const char *old_id;
    const char *uid;
    const char *code_version; /* NULL: none */
    int behaviour;
    durable_datum input;
    int64_t due;
} durable_successor;

/* How a run ends or is left. */
typedef struct durable_ending {
    int status; /* any but DURABLE_RUNNING and DURABLE_SUSPENDED */
    durable_datum output;
    const char *failure; /* NULL: none */
    bool clears_pending; /* delete the run's pending rows */
    /* Send the outcome, output or failure, to where its parent has started it: as the answer of a
     * callback, unless the parent has ended. Never for a parked run. */
    bool tells_parent;
    /* Ask those of its started children that have not ended and whose on_parent_end is one of
     * these, as bits 1 << on_parent_end, to end: as cancel_run() does. 0: none. */
    unsigned cancels_children;
    const durable_successor *successor; /* of DURABLE_CONTINUED, which tells no parent; else NULL */
    int64_t now;
} durable_ending;

/* What is remembered of a position that has no outcome yet: attempts that came to nothing, a wait,
 * a callback, how far a step has come. One row a position. */
typedef struct durable_pending {
    int64_t position;
    int kind;
    int intent;       /* DURABLE_NO_INTENT, … */
    const char *name;
    size_t name_length;
    int64_t attempt;  /* attempts that have ended without an outcome; 0: none */
    int64_t began;    /* the first of them, or the wait */
    int64_t due;      /* when to go on; DURABLE_NEVER: no such time */
    int64_t deadline; /* of a callback, whatever its heartbeats; or of a step with all its attempts;
                       * DURABLE_NEVER: none */
    int64_t interval; /* of a callback's heartbeats; 0: none */
    int64_t choice;   /* of a select: the case whose time `due` is; of a child: 1 if it was started
                       * and not called */
    durable_datum details;
    const char *failure; /* why the last attempt failed; NULL: it did not */
} durable_pending;

/* How a run is left that waits. */
typedef struct durable_suspension {
    const durable_pending *pending; /* to be put in the same act; NULL: none */
    int64_t due;
    const char *const *awaits; /* addresses of the signals that make it due */
    size_t await_count;
    int64_t now; /* it is due now where one of them is there already */
    bool cancels; /* the owner knows that the run was asked to end */
} durable_suspension;

/* A signal to be sent. */
typedef struct durable_signal {
    const char *name; /* not for a callback's answer */
    const char *key;  /* the first one of a run, name and key counts, for ever; NULL: each counts */
    durable_datum value;
    const char *failure; /* the message of a rejection, whose value is null; NULL: a value */
    int64_t now;
} durable_signal;

/* A signal that was sent and not received. */
typedef struct durable_signal_record {
    int64_t signal; /* the store's own key of it */
    durable_datum value;
    const char *failure;
    int64_t sent;
} durable_signal_record;

/* Which callback. */
typedef struct durable_callback {
    int64_t run;
    int64_t position;
    const char *uid; /* the run's */
} durable_callback;

/* Of the unclaimed runs of one queue, workflow and priority that are to become due: the first. */
typedef struct durable_due {
    const char *workflow;
    int priority;
    int64_t due;
    const char *id;
} durable_due;

/* Of the runs of one queue, owner and workflow that are held: the one whose lease ends first. */
typedef struct durable_held {
    const char *owner;
    const char *workflow;
    int64_t lease_end;
    const char *id;
} durable_held;

/* Limits of a queue, for all owners; 0: none. */
typedef struct durable_limits {
    int64_t max_active;         /* runs held at once */
    int64_t max_active_process; /* by one process */
    int64_t interval_us;        /* at least so many us from one claim to the next */
} durable_limits;

/*
 * The turns of a queue with an interval: a claim has the first moment of its ms that is not before
 * next_us, and leaves that moment and an interval; it is refused where next_us lies behind its ms.
 * Behind its ms and an interval it can only have been left by a clock that was set back since; then
 * the claim passes, and its ms begins anew. But a claimer that was held up after it had asked its
 * clock sees the same where others had a turn meanwhile: next_us must be what it saw before, too.
 */
typedef struct durable_queue {
    durable_limits limits;
    int64_t next_us;        /* no claim before this, Unix us; 0: at once */
    int64_t active;         /* counted up to its limit; 0 without one */
    int64_t active_process; /* likewise */
} durable_queue;

/* A person's answer to a step in doubt. */
typedef struct durable_resolution {
    int64_t position;
    int intent;          /* what the pending row's is then: any but DURABLE_INTENT */
    durable_datum value; /* of DURABLE_RESOLVED_RESULT */
    const char *failure; /* of DURABLE_RESOLVED_FAILURE */
    int64_t now;         /* the run is due */
} durable_resolution;

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
    uint64_t fingerprint; /* of the step's input; 0: none */
    int64_t lease_end; /* renew the claim to this in the same act; 0: leave it */
    int64_t takes_signal; /* delete this signal in the same act, or, if it has a key, mark it as
                           * received; 0: none. One that is gone is DUR_CORRUPT for the whole act */
    const char *unless_signal; /* an address; where a signal of it is there and not received,
                                * nothing is done and the verdict is DUR_CONFLICT. NULL: none */
    bool clears_pending; /* delete the position's pending row in the same act */
    bool in_transaction; /* it is the one that the open begin_transaction() is for; any other is
                          * refused with DUR_MISUSE meanwhile, as other verbs are */
    bool joined;       /* out, also of a failure: the write was part of a foreign transaction */
    int verdict;       /* out: DUR_OK (also where this owner's outcome was there already: the first
                        * one stays), DUR_LOST, DUR_ROLLED_BACK, DUR_CONFLICT (see above), or
                        * DUR_CORRUPT: the position holds a row of another owner */
} durable_outcome;

/* A recorded step. What stands behind the value only where the load asked for details. */
typedef struct durable_step_record {
    int64_t position;
    int kind;
    int outcome;
    const char *name;
    size_t name_length;
    durable_datum value;
    const char *site; /* NULL: none */
    int64_t epoch;
    int64_t began;
    int64_t took;
    int64_t low;
    int64_t attempt;
    uint64_t fingerprint; /* 0: none */
} durable_step_record;

/* A run of a list. */
typedef struct durable_listed {
    int64_t run;
    const char *id;
    const char *workflow;
} durable_listed;

/* A run that was restarted. */
typedef struct durable_restart {
    const char *source; /* whose rows before `position` are copied */
    const char *id;     /* of the new run, and its uid */
    const char *uid;
    int64_t position;
    int64_t replace_at; /* 0: nothing is replaced */
    durable_datum value;
    bool with_signals;
    const char *queue;        /* NULL: the source's */
    const char *code_version; /* NULL: none */
    int64_t now;              /* it is due, and created */
} durable_restart;

/* Which ended runs are deleted. */
typedef struct durable_retention {
    const char *workflow; /* NULL: any */
    int64_t ended_until;  /* those that ended then or before */
    int64_t keep;         /* but not the last so many */
    int64_t max_runs;
} durable_retention;

/* ---- Rows as they are, for export and import ----------------------------------------------- */

enum {
    DURABLE_ROW_QUEUE = 1,
    DURABLE_ROW_RUN,
    DURABLE_ROW_STEP,
    DURABLE_ROW_PENDING,
    DURABLE_ROW_SIGNAL
};

typedef struct durable_queue_row {
    const char *queue;
    durable_limits limits;
} durable_queue_row;

/* Without what only this log can know: keys, claim and token. One that is held is given as if it
 * were released: running, and due at its creation. */
typedef struct durable_run_row {
    const char *id;
    const char *uid;
    const char *workflow;
    const char *code_version; /* NULL: none */
    int status;
    int request;
    int behaviour;
    const char *parent; /* its id; NULL: none, or not in these rows */
    int64_t called_at;
    bool called; /* its parent calls it */
    int on_parent_end;
    const char *queue;
    int priority;
    int64_t due;        /* DURABLE_NEVER: none; likewise `deadline` */
    const char *awaits; /* as in the column: each between newlines; NULL: nothing */
    int64_t deadline;
    int64_t created;
    int64_t ended; /* 0: not */
    int64_t epoch;
    int64_t claims;
    int generation;
    const char *origin; /* its id; NULL: none, or not in these rows */
    int64_t restarted_at;
    durable_datum input;
    durable_datum output;
    const char *failure; /* NULL: none */
} durable_run_row;

typedef struct durable_signal_row {
    const char *address; /* as in the column: of a callback, a tab and its position */
    const char *key;     /* NULL: none */
    durable_datum value;
    const char *failure; /* NULL: none */
    int64_t sent;
    int64_t received; /* by which position; -1: not received */
} durable_signal_row;

typedef struct durable_row {
    int type; /* DURABLE_ROW_RUN, … */
    union {
        durable_queue_row queue;
        durable_run_row run;
        durable_step_record step; /* with its details */
        durable_pending pending;
        durable_signal_row signal;
    } of; /* all but a queue and a run belong to the run that came last */
} durable_row;

typedef struct durable_history_summary {
    int64_t last;       /* highest recorded position; 0: no rows */
    int64_t last_epoch; /* highest epoch that recorded a row; 0: no rows */
    int64_t low;        /* highest `low` of the rows: every position below it was recorded */
    bool calls;         /* a child that it calls has not ended */
} durable_history_summary;

/* Return 0 to go on, anything else to end the visit after this row (that is no error). */
typedef int durable_step_visitor(const durable_step_record *record, void *context);
/* Called at most once; what it returns is the verb's result, and it may set the store's error. */
typedef int durable_run_visitor(const durable_run_record *record, void *context);
typedef int durable_signal_visitor(const durable_signal_record *record, void *context);
/* As for steps. */
typedef int durable_pending_visitor(const durable_pending *pending, void *context);
typedef int durable_due_visitor(const durable_due *due, void *context);
typedef int durable_held_visitor(const durable_held *held, void *context);
typedef int durable_list_visitor(const durable_listed *listed, void *context);
/* What it returns, if not DUR_OK, ends the visit and is the verb's result. */
typedef int durable_row_visitor(const durable_row *row, void *context);

typedef struct durable_store durable_store;

typedef struct durable_store_methods {
    /* DUR_OK, DUR_NOT_FOUND, or what the visitor returned. */
    int (*find_run)(durable_store *store, const char *id, durable_run_visitor *visit,
                    void *context);

    /* *created is false, with DUR_OK, where the id was taken meanwhile. `fence` is filled; without
     * an owner it may be NULL. */
    int (*create_run)(durable_store *store, const durable_new_run *new_run, bool *created,
                      durable_fence *fence);

    /* Compare and swap; the run is then running, without failure, end and due time, and awaits
     * nothing. *claimed is false, with DUR_OK, where epoch, token or being held are no longer as
     * seen, the queue's limits are reached, the run has ended, or is paused and nobody holds it.
     * `fence` is filled. */
    int (*claim_run)(durable_store *store, const durable_claim *claim, bool *claimed,
                     durable_fence *fence);

    /* Give the claim back; the run stays as it is, and workers may take it up when it is due. */
    int (*release_run)(durable_store *store, durable_fence *fence, int64_t due);

    /* Give the claim back of a run that waits; its claims in a row are none then. It is due no
     * later than any of the suspended runs whose root it is; and at `now` where it was asked to end
     * after it was claimed (`cancels` in the suspension tells what the claimer has seen). */
    int (*suspend_run)(durable_store *store, durable_fence *fence,
                       const durable_suspension *suspension);

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

    /* Write a position's pending row, over an earlier one; prolong the claim to `lease_end` in the
     * same act unless that is 0. */
    int (*put_pending)(durable_store *store, durable_fence *fence, const durable_pending *pending,
                       int64_t lease_end);

    /* Visit a run's pending rows in order. Impossible types are DUR_CORRUPT, as above. */
    int (*load_pending)(durable_store *store, int64_t run, durable_pending_visitor *visit,
                        void *context, int64_t *position);

    /* Send to a run. DUR_OK, DUR_REPLAYED (its key is taken), DUR_NOT_FOUND, DUR_ENDED. A run that
     * is suspended and awaits the name is due at signal->now, if it was not to be earlier; so is
     * then its root, if that is suspended. */
    int (*send_signal)(durable_store *store, const char *run_id, const durable_signal *signal);

    /* The same to a callback that is pending, unanswered and not past its due time, else DUR_ENDED;
     * DUR_NOT_FOUND where there is no run of that key and uid. */
    int (*answer_callback)(durable_store *store, const durable_callback *callback,
                           const durable_signal *signal);

    /* A heartbeat for such a callback: it is due an interval later, but not behind its deadline. */
    int (*beat_callback)(durable_store *store, const durable_callback *callback, int64_t now);

    /* Ask a run to end: its record then says `cancels`. One that is suspended, parked, or to
     * be taken up later is due at `now`, if it was not to be earlier, and running where it was
     * parked; so is its root, if that is parked or suspended. DUR_OK, DUR_REPLAYED (it was asked
     * before, and is not paused), DUR_NOT_FOUND, DUR_ENDED. */
    int (*cancel_run)(durable_store *store, const char *run_id, int64_t now);

    /* Answer a step in doubt of a parked run that nobody holds: its pending row, whose intent must
     * be DURABLE_INTENT, is changed, the run is running and due, so is its root if that is parked
     * or suspended. DUR_OK, DUR_NOT_FOUND, DUR_ENDED (it is not so). */
    int (*resolve_step)(durable_store *store, const char *run_id,
                        const durable_resolution *resolution);

    /* The earliest time at which this run, or a suspended one below it that is called (by it, by
     * one that it calls, …), is due. DURABLE_NEVER: none. */
    int (*earliest_due)(durable_store *store, int64_t run, int64_t *due);

    /*
     * What the host writes on the connection from here on stands or falls with the outcome that is
     * appended before the end. Until then every other verb that writes is DUR_MISUSE, of every
     * store on the connection. `shared` > 1: up to so many of these may share one commit; it is
     * made by the last of them, or before any other write of this store, or by commit_shared().
     * Where a commit is still to come, outcomes are `joined`, and fences provisional, as in a
     * foreign transaction. DUR_OK, DUR_MISUSE (one is open; or the store's database is not the main
     * one and `attached` is false) or a database code.
     */
    int (*begin_transaction)(durable_store *store, int64_t shared, bool attached);

    /* Keep it, or take it back; it is over whatever comes back. DUR_OK; DUR_ROLLED_BACK where
     * somebody else has ended it; or, when it is to be kept, a database code, and all is taken
     * back.
     * Without one open: DUR_OK. */
    int (*end_transaction)(durable_store *store, bool keep);

    /* Commit what waits for it. Where that fails all of it is taken back; an append of another
     * outcome, before which it failed, gives DUR_ROLLED_BACK: what its caller did meanwhile may be
     * gone as well. DUR_MISUSE within a begin_transaction(). */
    int (*commit_shared)(durable_store *store);

    /* Show the oldest signal of that address that was not received. DUR_OK, DUR_NOT_FOUND, or what
     * the visitor returned. */
    int (*peek_signal)(durable_store *store, int64_t run, const char *address,
                       durable_signal_visitor *visit, void *context);

    /* Visit the first due run of each workflow and priority in the queue; one seek each, whatever
     * stands behind it. */
    int (*find_due)(durable_store *store, const char *queue, durable_due_visitor *visit,
                    void *context);

    /* Visit the first held run of each owner and workflow in the queue, likewise. */
    int (*find_held)(durable_store *store, const char *queue, durable_held_visitor *visit,
                     void *context);

    /* The queue's limits, none where nobody has set any, and what they stand against. The process
     * is the first bytes of its owners' marks. */
    int (*look_at_queue)(durable_store *store, const char *queue, const char *process,
                         size_t process_length, durable_queue *found);

    /* A new interval counts from the last turn on: next_us moves by as much, but not below 0. */
    int (*limit_queue)(durable_store *store, const char *queue, const durable_limits *limits);

    /* Take a run out of the workers' reach, or give it back to them: one that is suspended, or was
     * given back to be taken up, is due at `now` then. What makes a run due leaves a paused one
     * where it is; to cancel it ends the pause. DUR_OK, DUR_REPLAYED (it is so already),
     * DUR_NOT_FOUND, DUR_ENDED, DUR_CONFLICT (it is called). */
    int (*pause_run)(durable_store *store, const char *run_id, bool pause, int64_t now);

    /* End a run whoever holds it, and all that is called below it: DURABLE_TERMINATED with this
     * failure. Its claim and pending rows are gone; its started children are asked to end but for
     * those that are to be left, its parent is told if it was started. Codes as above;
     * DUR_REPLAYED: it was terminated before. */
    int (*terminate_run)(durable_store *store, const char *run_id, const char *failure,
                         int64_t now);

    /* Delete an ended run that nothing open refers to, with what is called below it. DUR_OK,
     * DUR_NOT_FOUND, DUR_NOT_ENDED, DUR_CONFLICT (it is called). */
    int (*delete_run)(durable_store *store, const char *run_id);

    /* The same for those of a retention, the longest ended first. */
    int (*delete_ended)(durable_store *store, const durable_retention *retention,
                        int64_t *deleted);

    /* See dur_restart(). What stands behind the first undo or cancellation is not copied. Copied
     * rows have the epoch 0: no claim of the new run, which has epoch 0 as well, recorded them. A
     * called child is copied, all of it, where it has ended, the row at its position is copied, and
     * its id ends with '/' and its position; and so are those below it. A copy's id is that of its
     * new parent (or that one's uid, where it would be too long), '/' and the position; its uid is
     * the new run's, with the last digits changed. The keys of signals that were received before
     * the end of the copy are taken in the new run, too. DUR_OK; DUR_REPLAYED (the new run is
     * there, with this origin, position and queue, and these values), DUR_CONFLICT (it is there
     * otherwise, or a child's id is taken, or the source is called), DUR_NOT_FOUND, DUR_MISUSE (the
     * position, or what is to be replaced; the error says which): with these nothing changes. */
    int (*restart_run)(durable_store *store, const durable_restart *restart);

    /* Visit runs that are no called children, behind the key `after`, in the order of their keys;
     * where `open`, only those that have not ended. At most `limit`. */
    int (*list_runs)(durable_store *store, int64_t after, bool open, int64_t limit,
                     durable_list_visitor *visit, void *context);

    /* Visit the rows of a run and of its children, or of the whole log (NULL), at one moment, in
     * the order that durable.h tells. A damaged row is DUR_CORRUPT, and here the message names its
     * run and position. DUR_OK, DUR_NOT_FOUND, DUR_CONFLICT (it is called), DUR_CORRUPT, or what
     * the visitor returned. */
    int (*visit_rows)(durable_store *store, const char *run_id, durable_row_visitor *visit,
                      void *context);

    /* Put such rows into the log, between a beginning and an end, which keeps all of them, or takes
     * them back. In between other verbs that write are DUR_MISUSE, of every store on the
     * connection. put_row() gives DUR_CONFLICT where a run of that id was there before, DUR_INVALID
     * where the row does not fit those that were put before it (a parent, an origin or a run that
     * is missing; an id, a position or a key twice). Behind a row that was refused, more rows are
     * DUR_MISUSE, and so is the end that would keep them, which takes them back. The limits of a
     * queue are put where it has none yet. An end without a beginning is DUR_OK. */
    int (*begin_import)(durable_store *store);
    int (*put_row)(durable_store *store, const durable_row *row);
    int (*end_import)(durable_store *store, bool keep);

    /* A number that differs from the one before if anything was committed in between, by this store
     * or another; it takes no write lock. */
    int (*read_version)(durable_store *store, int64_t *version);

    /* Whether a write would join a foreign transaction now. */
    bool (*is_joined)(durable_store *store);

    void (*close)(durable_store *store);
} durable_store_methods;

/* The head of every store. */
struct durable_store {
    const durable_store_methods *methods;
    durable_error error;
};

#endif
