/*
 * engine: logs, runs and steps from the inside. The engine decides, the store persists.
 *
 * The public functions stand in lib/api; they check their arguments and call what is declared
 * here. All of this is used by one thread at a time, like the handles it is about.
 */
#ifndef DURABLE_ENGINE_H
#define DURABLE_ENGINE_H

#include "base/arena.h"
#include "base/atomic.h"
#include "base/clock.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/behaviour.h"
#include "engine/decision.h"
#include "engine/history.h"
#include "store/store.h"

#define DURABLE_DEFAULT_LEASE_MS 600000

/* A failure's message is kept in the run, so that failing needs no memory. */
#define DURABLE_FAILURE_SIZE 1001

/* 32 hex digits and a NUL. */
#define DURABLE_UID_SIZE 33

/* uid, '-', position. */
#define DURABLE_KEY_SIZE 49

/* "file.c:12", cut in front where it is longer. */
#define DURABLE_SITE_SIZE 96

/* What fits in here is kept after a failed record without asking for memory. */
#define DURABLE_KEPT_SIZE 64
#define DURABLE_NAME_INLINE 48

/* So many steps after it was closed, a handle is used again: calls on an old one are noticed. */
#define DURABLE_SPARE_STEPS 8

/* After so many requests a stopped run's workflow is told that it spins. */
#define DURABLE_SPIN_FIRST 1000

/* A run that stopped before its end is taken up by workers after this, doubled by each claim in a
 * row. */
#define DURABLE_BACK_OFF_FIRST_MS 100
#define DURABLE_BACK_OFF_MOST_MS 60000

typedef struct durable_divergence durable_divergence;
typedef struct durable_call durable_call;
typedef struct durable_asked durable_asked;
typedef struct durable_check durable_check;

/* What a workflow's name stands for. */
typedef struct durable_registered {
    struct durable_registered *next;
    dur_workflow *fn;
    void *user;
    char name[]; /* with its NUL */
} durable_registered;

/* A queue that this log's workers serve beside those of the registered workflows' names. */
typedef struct durable_served {
    struct durable_served *next;
    char name[];
} durable_served;

/* A run that a worker of this log could not open. */
typedef struct durable_troubled {
    struct durable_troubled *next;
    int64_t times;
    char id[];
} durable_troubled;

struct dur_log {
    durable_store *store;
    durable_clock clock;
    int behaviour; /* of the runs that are started here, and the largest that are executed */
    int64_t lease_ms;
    int64_t sleep_max_ms;
    int64_t shared_commit_steps;
    bool transactional_when_attached;
    void (*long_run)(const char *run_id, int64_t steps, int64_t bytes, void *user);
    int64_t long_run_steps, long_run_bytes;
    durable_check *check; /* of a replay check's own log: nothing is executed; else NULL */
    /* Of a test bench, else NULL. Asked before a step that may have a body: DUR_OK, or it has
     * stopped the run, and given its stop. */
    int (*before_step)(dur_run *run, void *bench);
    /* Asked before each body, when all is prepared for it. DUR_EXECUTE: run it; else it was
     * recorded, or the run was stopped: what durable_step_begin() gives. */
    int (*before_body)(dur_step *step, dur_value *value, void *bench);
    /* Told of each callback that waits for its answer, at each pass. DUR_OK, or the stop. */
    int (*on_callback)(dur_step *callback, void *bench);
    void *bench;
    dur_retry retry; /* its size is 0 where there is none */
    durable_registered *workflows;
    durable_served *queues;
    bool walked;               /* a worker goes through these lists */
    durable_troubled *troubled;
    bool working;              /* in dur_work() or dur_work_loop() */
    unsigned turn;             /* passes of this log's workers, from some number on */
    durable_atomic_flag stops; /* the loop is to end */
    bool closed;               /* in that call: the struct goes when it returns */
    int checks;                /* replay checks of it that run now */
    bool visiting;             /* its rows are shown to a callback, which is not to call it */
    bool closing;              /* it is to be closed when these have ended */
    char *code_version;
    char owner[DURABLE_OWNER_MARK_SIZE];
    int (*owner_alive)(const char *owner_mark, void *user);
    void (*warn)(const char *message, void *user);
    void *user;
    int open_code; /* why the log could not be opened; every call gives it again */
    durable_error error;
    durable_error open_error;
    dur_run *runs;  /* open ones */
    dur_step *kept; /* outcomes that a failing database kept from being recorded; runs closed */
    durable_arena output_arena;
    dur_value output;
    durable_arena info_arena;
    durable_divergence *divergence;
};

typedef enum durable_step_state {
    DURABLE_STEP_OPEN = 1,
    DURABLE_STEP_REPLAYED, /* its outcome is known: from the log, or a callback's by now */
    DURABLE_STEP_CLOSED,
    DURABLE_STEP_PUT_OFF /* its next attempt is not due; it counts as open, but takes nothing */
} durable_step_state;

/* What is remembered of an open position, with memory of its own. */
typedef struct durable_progress {
    struct durable_progress *next; /* among those that the run has not come to yet */
    durable_pending pending;
    bool joined; /* written in a transaction of the host's, and not seen after its end */
    char *name;
    char *details;
    char *failure;
} durable_progress;

/* A step that is to be undone when its run fails. */
typedef struct durable_undo {
    struct durable_undo *next; /* the one before it */
    int64_t position;
    dur_undo_fn *fn;
    void *user;
    dur_retry retry; /* its size is 0 where there is none */
    char name[];
} durable_undo;

struct dur_step {
    dur_run *run;              /* NULL: kept by the log */
    dur_step *previous, *next; /* among the run's open ones, its spare ones, or the log's kept */
    durable_step_state state;
    int64_t position;
    int kind;
    int line;
    const char *file;
    const char *name; /* own copy */
    size_t name_length;
    char *name_memory; /* where the inline room is too small */
    int64_t attempt; /* this one, from 1 */
    int64_t began;
    dur_value value;     /* what replay found */
    int outcome;         /* of a replayed one */
    int64_t lease_ms;    /* of its options; 0: the log's */
    uint64_t fingerprint; /* likewise; 0: none */
    const dur_retry *retry, *poll; /* the caller's; NULL: none */
    int64_t retry_after; /* what dur_retry_after() said, or one of the two below */
    durable_progress *progress; /* NULL: nothing is in the log */
    dur_value *not_yet;  /* dur_not_yet() was called in the body that runs: its details */
    int mode;            /* of its options: DUR_TRANSACTIONAL, … */
    bool again;          /* put off and slept through: the body is to run once more */
    bool in_transaction; /* its transaction is open */
    bool unrecorded;     /* recording it has failed, and may be tried again */
    bool kept;           /* `kept_outcome` waits for a database that works */
    bool verifying;      /* it is in doubt, and its verify function is asked */
    char *token;         /* of a callback; of a started child: its id */
    dur_step *next_child; /* of the run's children */
    int64_t undoes;      /* of an undo: the position of the step */
    dur_value *result;   /* where dur_replay_or_run() wants the recorded value; NULL: nowhere */
    durable_outcome kept_outcome; /* its bytes are the step's; fence and site are filled in late */
    char *kept_memory; /* where the inline room is too small */
    durable_fence fence; /* of a kept one whose run is closed */
    char name_inline[DURABLE_NAME_INLINE];
    char kept_inline[DURABLE_KEPT_SIZE];
    char key[DURABLE_KEY_SIZE];
};

/* How a run that is checked has ended, if it has: what a check compares of it. */
typedef struct durable_recorded_end {
    int status;
    durable_datum output; /* without its bytes */
    bool failed;
} durable_recorded_end;

/* What a run was told about a patch. */
typedef struct durable_patch {
    struct durable_patch *next;
    bool answer;
    char id[];
} durable_patch;

struct dur_run {
    dur_log *log; /* NULL: the log was closed before the run */
    dur_run *previous, *next;
    char *id;
    char *workflow;
    char uid[DURABLE_UID_SIZE];
    durable_fence fence;
    int64_t lease_end;
    int stop;               /* the code that stopped it; DUR_OK: it goes on */
    bool stopped_by_record; /* by a record that failed for the time being */
    bool lent;              /* dur_execute() has handed it to a workflow, and will close it */
    bool ended;             /* its end is recorded */
    bool told;              /* the code asked whether it may go on, and heard no */
    bool in_gap;            /* the last step asked for has no row, and later ones have */
    bool left;              /* the claim was given back when the run was suspended */
    bool left_joined;       /* within a transaction of the host's */
    bool failing;           /* dur_fail() was called in the body that runs */
    bool failure_pending;   /* a failed step that nobody has caught yet */
    int64_t position;     /* of the next step */
    int64_t low;          /* highest `low` of the recorded rows; 0: not asked for yet */
    int64_t stopped_calls;
    int64_t claims;       /* in a row, this one included */
    durable_suspension *suspension; /* of a suspended run that has not been left yet */
    bool progress_loaded;
    bool has_pending; /* rows of it may be in the log */
    bool was_parked;  /* until this pass: somebody has looked at it */
    bool interrupts;  /* before something is executed there is more to be asked: it has a deadline,
                       * was asked to end (see interrupt.c), is only checked, or on a test bench */
    bool cancels;     /* it was asked to end */
    bool lifted;      /* the code has heard, and cleans up */
    int ends_as;      /* DUR_CANCELLED or DUR_TIMED_OUT once that is recorded; else DUR_OK */
    bool undoing;     /* the workflow has returned, and its effects are being undone */
    int64_t deadline; /* DURABLE_NEVER: none */
    dur_run *caller;  /* the run in this process that calls it; NULL: none */
    int64_t parent, called_at, root;
    int depth;
    int behaviour; /* the number that it was started with, see behaviour.h */
    durable_recorded_end recorded; /* of a replay check */
    int generation;
    bool renamed;            /* it has continued as new: its id is no longer its first one */
    durable_patch *patches;
    bool continues;          /* dur_continue_as_new() was called */
    char *next_input_bytes;  /* its own copy */
    dur_value next_input;
    int64_t bytes;           /* of recorded values so far */
    bool long_run_told;
    unsigned child_endings;  /* on_parent_end of the children it has started, as bits */
    dur_step *children;      /* those to be waited for before it completes, the last one first */
    durable_undo *undos;     /* what is to be undone, the newest first */
    durable_progress *progress; /* of the positions to come, in order */
    dur_step *answered;         /* callbacks whose outcome is known */
    dur_step *open_first, *open_last;   /* by position */
    dur_step *spare_first, *spare_last; /* closed ones, the oldest first */
    int spare_count;
    dur_step *body; /* the one whose DUR_STEP body runs, or was left */
    durable_history history;
    durable_arena arena;
    durable_arena input_arena;
    dur_value input;
    char *output_bytes;
    dur_value output;
    durable_divergence *divergence;
    const char *site_file; /* of the call site whose text is in `site` */
    int site_line;
    char site[DURABLE_SITE_SIZE];
    durable_error error;
    char failure[DURABLE_FAILURE_SIZE];
};

/* ---- log.c --------------------------------------------------------------------------------- */

/* A log on a store, which it closes with itself, also when NULL comes back for lack of memory.
 * `open_code` is what opening the store gave; the log then answers every call with it. */
DURABLE_INTERNAL dur_log *durable_log_new(durable_store *store, int open_code,
                                          const dur_options *options);
DURABLE_INTERNAL void durable_log_close(dur_log *log);

/* A log that answers every call with DUR_MISUSE and this message. */
DURABLE_INTERNAL dur_log *durable_log_refused(const char *message);

/* Copy the store's error into the log's, with "run "id": " in front; gives its code. */
DURABLE_INTERNAL int durable_log_store_error(dur_log *log, const char *run_id);

/* Keep an output for dur_output(). */
DURABLE_INTERNAL int durable_log_set_output(dur_log *log, dur_value output);

/* The two halves of it: copy the bytes of *output into a fresh arena, which becomes the log's. */
DURABLE_INTERNAL int durable_log_copy_output(dur_log *log, dur_value *output, durable_arena *arena);
DURABLE_INTERNAL void durable_log_take_output(dur_log *log, dur_value output,
                                              const durable_arena *arena);

DURABLE_INTERNAL int durable_log_read_run(dur_log *log, const char *run_id, dur_run_info *info);

/* ---- ownership.c --------------------------------------------------------------------------- */

/* Start or claim a run. DUR_OK with *run; DUR_REPLAYED or DUR_FAILED for an ended one;
 * DUR_SUSPENDED for one that is not due; else an error, told by the log. */
DURABLE_INTERNAL int durable_run_begin(dur_log *log, const char *workflow, const char *run_id,
                                       const dur_start_options *start, dur_run **run);

/* The same for a child that is called. */
DURABLE_INTERNAL int durable_run_begin_call(const durable_call *call, dur_run **run);

/* The same for a worker, in one try: only a run that is there and due, and within its queue's
 * limits (`seen_next_us` as in durable_claim). DUR_NOT_FOUND, DUR_SUSPENDED, DUR_OWNED,
 * DUR_CONFLICT: it is not to be had, or somebody was faster. DUR_REPLAYED: it is paused, and what
 * an owner that is gone has left of its claim was given back. Where durable_is_of_one_run(), the
 * run cannot be opened, and was parked or given back to come later; or stays where it stands, and
 * *vain tells how often it could not be opened here. Any other code is the log's. */
DURABLE_INTERNAL int durable_run_begin_due(dur_log *log, const char *workflow, const char *run_id,
                                           int64_t seen_next_us, dur_run **run,
                                           int64_t *vain);
DURABLE_INTERNAL bool durable_is_of_one_run(int code);

/* Whether a handle of the run is open on this log, with its claim or without. */
DURABLE_INTERNAL bool durable_is_open_here(const dur_log *log, const char *run_id);

/* ---- claim.c ------------------------------------------------------------------------------- */

/* Whether an owner that left this mark, whose lease ends then, leaves its runs to others. */
DURABLE_INTERNAL bool durable_owner_is_gone(const dur_log *log, const char *owner,
                                            int64_t lease_end, int64_t now);

/* How many bytes of the mark name the process: all but its last word. */
DURABLE_INTERNAL size_t durable_owner_process_length(const char *owner);

/* ---- start.c ------------------------------------------------------------------------------- */

/* Put a run into the log, see dur_start(). */
DURABLE_INTERNAL int durable_run_start(dur_log *log, const char *workflow, const char *run_id,
                                       const dur_start_options *start);

/* Whether a run in the log is the one that is meant; `input` NULL: whatever it was. */
DURABLE_INTERNAL int durable_run_check_same(const durable_run_record *record, const char *workflow,
                                            const durable_datum *input, durable_error *error);

/* Whether this library can go on with it. */
DURABLE_INTERNAL int durable_run_check_known(const dur_log *log, const durable_run_record *record,
                                             durable_error *error);

/* A new run as the options say, with a fresh uid; without input, owner and times. */
DURABLE_INTERNAL void durable_run_describe(dur_log *log, const char *workflow, const char *run_id,
                                           const dur_start_options *start,
                                           char uid[DURABLE_UID_SIZE], durable_new_run *new_run);

/* ---- kept.c -------------------------------------------------------------------------------- */

/* Copy an outcome into the step, so that it can be written later. The first one stays. False: no
 * memory for it. */
DURABLE_INTERNAL bool durable_keep(dur_step *step, const durable_outcome *outcome);

/* Whether the outcome is kept beyond its run's pass. */
DURABLE_INTERNAL bool durable_outlives_pass(const dur_step *step);

/* Move a closing run's kept steps to its log. */
DURABLE_INTERNAL void durable_kept_detach(dur_run *run);

/* Write what the log has kept for this run, if the run still has the fence it was kept under;
 * forget it if not. DUR_OK, or a database code: then it is kept further. */
DURABLE_INTERNAL int durable_kept_flush(dur_log *log, const durable_run_record *record);

/* The last try of a log that closes: for what it has kept, and for an open run, whose handles stay
 * where they are. */
DURABLE_INTERNAL void durable_kept_flush_all(dur_log *log);
DURABLE_INTERNAL void durable_kept_flush_run(dur_run *run);

/* True for the codes after which an act may be tried again with hope: the outcome is kept. */
DURABLE_INTERNAL bool durable_is_transient(int code);

/* ---- run.c --------------------------------------------------------------------------------- */

/* Stop the run: code and message (with run and position in front), unless it is stopped already.
 * Gives the code that it is stopped with. */
DURABLE_INTERNAL int durable_run_stop(dur_run *run, int code, const char *format, ...);

/* Stop the run with what the store answered; the message is the store's. `name` may be NULL. */
DURABLE_INTERNAL int durable_run_stop_with_store(dur_run *run, int code, int64_t position,
                                                 const char *name);

/* The same words in the errors of run and log, without stopping. */
DURABLE_INTERNAL int durable_run_take_error(dur_run *run, int code, int64_t position,
                                            const char *name);

/* Stop the run by the failure whose message it holds. Gives DUR_FAILED. */
DURABLE_INTERNAL int durable_run_stop_failed(dur_run *run);

/* A stop that came from failed records ends with the last of them. */
DURABLE_INTERNAL void durable_run_lift_stop(dur_run *run);

/* Make room for this stop: waiting outranks a trouble that is over, parking both. */
DURABLE_INTERNAL void durable_run_outrank(dur_run *run, int code);

/* A misuse that stops nothing: sets the error of run and log. */
DURABLE_INTERNAL int durable_run_misuse(dur_run *run, const char *format, ...);

/* A failure's message as it is kept: well-formed UTF-8, cut at a character. */
DURABLE_INTERNAL void durable_failure_text(char text[DURABLE_FAILURE_SIZE], const char *message,
                                           size_t length);
DURABLE_INTERNAL void durable_run_set_failure(dur_run *run, const char *message, size_t length);

/* A value's bytes into the run's own memory. False: out of memory. */
DURABLE_INTERNAL bool durable_run_copy_value(dur_run *run, dur_value *value);

/* End the run with an output, or with a failure if `failure` is not NULL. */
DURABLE_INTERNAL int durable_run_end(dur_run *run, dur_value output, const char *failure);

/* Write how it ends or parks; `output`, `failure` and `successor` may be NULL. */
DURABLE_INTERNAL int durable_run_write_ending(dur_run *run, int status,
                                              const durable_datum *output, const char *failure,
                                              const durable_successor *successor);

/* What is to be done for a stopped run before it is left: park it, fail it. Gives the code. */
DURABLE_INTERNAL int durable_run_settle_stop(dur_run *run);

/* Keep a copy for the run's end. */
DURABLE_INTERNAL int durable_run_set_output(dur_run *run, dur_value output);

/* Tell the log what the run's error is. */
DURABLE_INTERNAL void durable_run_tell_log(dur_run *run);

/* Park a run whose step has used up its retries. */
DURABLE_INTERNAL void durable_run_leave_parked(dur_run *run);

/* ---- closing.c ----------------------------------------------------------------------------- */

DURABLE_INTERNAL int durable_run_close(dur_run *run);

/* Take the run from its log, releasing the claim where that is right. */
DURABLE_INTERNAL int durable_run_detach(dur_run *run);

/* Call the workflow for a run that was begun, end the run or leave it, and close it. Gives what
 * dur_execute() gives. */
DURABLE_INTERNAL int durable_run_pass(dur_run *run, dur_workflow *fn, void *user);

/* ---- suspend.c ----------------------------------------------------------------------------- */

/* Stop the run because it waits: write what is to be remembered, and leave it at once if no other
 * step is being executed. Gives DUR_SUSPENDED, or why it could not be written. `what` completes
 * "it waits …". */
DURABLE_INTERNAL int durable_run_suspend(dur_run *run, const durable_suspension *suspension,
                                         int64_t position, const char *what);

/* At the end of a pass: leave a run that was stopped so and is still held. */
DURABLE_INTERNAL int durable_run_leave_suspended(dur_run *run);

/* Whether `due` is near enough to be slept through, and nobody would be kept waiting; and to do
 * so. */
DURABLE_INTERNAL bool durable_sleeps_through(const dur_run *run, int64_t now, int64_t due);
DURABLE_INTERNAL void durable_sleep_through(dur_run *run, int64_t now, int64_t due);

/* ---- progress.c ---------------------------------------------------------------------------- */

/* The first that the log remembers of this position or one behind it, which stays the run's; NULL:
 * nothing. Stops the run where it cannot be read. */
DURABLE_INTERNAL int durable_progress_peek(dur_run *run, int64_t position,
                                           const durable_progress **progress);

/* What the log remembers of this position, which is then the caller's; NULL: nothing. Stops the run
 * where it cannot be read. */
DURABLE_INTERNAL int durable_progress_take(dur_run *run, int64_t position,
                                           durable_progress **progress);

/* Read a position's row again, as others may have changed it. Stops the run with DUR_ROLLED_BACK
 * where it is gone. */
DURABLE_INTERNAL int durable_progress_refresh(dur_run *run, durable_progress *progress);

/* Before a row is relied upon that was written in a transaction of the host's: is it there? NULL is
 * fine. */
DURABLE_INTERNAL int durable_progress_confirm(dur_run *run, durable_progress *progress);

/* Give it back to the run, which has not come to this position after all. */
DURABLE_INTERNAL void durable_progress_return(dur_run *run, durable_progress *progress);

/* A copy; NULL: out of memory. */
DURABLE_INTERNAL durable_progress *durable_progress_copy(const durable_pending *pending);
DURABLE_INTERNAL void durable_progress_free(durable_progress *progress);
DURABLE_INTERNAL void durable_progress_free_all(dur_run *run);

/* The step's row as it would be written now. */
DURABLE_INTERNAL void durable_progress_describe(const dur_step *step, durable_pending *pending);

/* Write a row for the step and keep a copy of it there. */
DURABLE_INTERNAL int durable_progress_put(dur_step *step, const durable_pending *pending,
                                          int64_t lease_end);

/* ---- attempt.c ----------------------------------------------------------------------------- */

/* Values of dur_step.retry_after beside delays. */
#define DURABLE_BY_POLICY INT64_C(-2)

/* Whether the attempt that failed so (or came to nothing yet, where `details` is not NULL) is the
 * step's last one; if not, it is put off: *code is what its recording gives. */
DURABLE_INTERNAL bool durable_attempt_put_off(dur_step *step, const char *message,
                                              const dur_value *details, int *code);

/* Stop the run with DUR_PARKED, for a step that has no attempt left. `failure` may be NULL. */
DURABLE_INTERNAL int durable_attempt_give_up(dur_run *run, int64_t position, const char *name,
                                             int64_t attempts, const char *failure);

/* See dur_heartbeat(). */
DURABLE_INTERNAL int durable_attempt_beat(dur_step *step, dur_value details);

/* ---- wait.c, select.c, callback.c ---------------------------------------------------------- */

DURABLE_INTERNAL int durable_wait_timer(dur_run *run, const char *name, int64_t time_ms,
                                        bool relative);
DURABLE_INTERNAL int durable_wait_signal(dur_run *run, const char *name, int64_t timeout_ms,
                                         dur_value *value);
DURABLE_INTERNAL int durable_select(dur_run *run, const char *name, const dur_case *cases,
                                    size_t count, size_t *which);
DURABLE_INTERNAL int durable_callback_begin(dur_run *run, const char *name,
                                            const dur_callback_options *options,
                                            dur_step **callback);
DURABLE_INTERNAL int durable_callback_await(dur_step *callback, dur_value *value);

/* Wait for the answer of one that is open, or for the end of a started child, without telling what
 * it is. DUR_OK, DUR_TIMED_OUT, DUR_FAILED, or the code of the stopped run. */
DURABLE_INTERNAL int durable_callback_settle(dur_step *callback);

/* ---- transaction.c ------------------------------------------------------------------------- */

/* Open the transaction of a step whose body is to run; at its first attempt as at a later one.
 * Stops the run where that cannot be. */
DURABLE_INTERNAL int durable_transaction_begin(dur_step *step);

/* After the record of a transactional step's result, which gave `code`. The code of the commit; all
 * is taken back unless it is DUR_OK. */
DURABLE_INTERNAL int durable_transaction_end(dur_step *step, int code);

/* Take the body's changes back: it was left, or can no longer be recorded. Harmless for other
 * steps. The second one for whichever of a run's open steps it is. */
DURABLE_INTERNAL void durable_transaction_undo(dur_step *step);
DURABLE_INTERNAL void durable_transaction_undo_run(dur_run *run);

/* The same before a failed attempt is recorded, which is no part of any transaction. DUR_OK, or the
 * code that the run is stopped with, and nothing is to be recorded. */
DURABLE_INTERNAL int durable_transaction_fail(dur_step *step);

/* Before an act of the run that is no transactional step: commit what waits for it. DUR_OK, or the
 * code that the run is stopped with. */
DURABLE_INTERNAL int durable_transaction_settle(dur_run *run);

/* ---- intent.c ------------------------------------------------------------------------------ */

/* Write that the body is about to run. Stops the run where that cannot be. */
DURABLE_INTERNAL int durable_intent_put(dur_step *step);

/* What is to be done with a step that the log says was begun: DUR_EXECUTE, run it; DUR_REPLAYED,
 * with its outcome recorded and *value; DUR_FAILED likewise; or the run is stopped. */
DURABLE_INTERNAL int durable_intent_settle(dur_step *step, const dur_step_options *options,
                                           dur_value *value);

/* Record an outcome without running the body. DUR_REPLAYED or DUR_FAILED: it is recorded;
 * DUR_EXECUTE: the pause before the next attempt was slept through; else the run's stop. */
DURABLE_INTERNAL int durable_intent_conclude(dur_step *step, int outcome, dur_value value);

/* See dur_resolve_step(). */
DURABLE_INTERNAL int durable_intent_resolve(dur_log *log, const char *run_id, int64_t position,
                                            int answer, dur_value value, const char *message);

/* ---- undo.c -------------------------------------------------------------------------------- */

/* Note a step's undo; at each pass, replayed or executed, and also where the step was interrupted
 * by a cancellation. Stops the run with DUR_NOMEM. */
DURABLE_INTERNAL int durable_undo_note(dur_run *run, int64_t position, const char *name,
                                       const dur_step_options *options);

/* Run what is to be undone, for a run that is about to fail or to be cancelled. DUR_OK: all of it
 * has its outcome; `failure` may have become longer. Else the run is stopped with that code. */
DURABLE_INTERNAL int durable_undo_all(dur_run *run, char failure[DURABLE_FAILURE_SIZE]);

/* Forget the newest one, if it is of this position. */
DURABLE_INTERNAL void durable_undo_forget(dur_run *run, int64_t position);
DURABLE_INTERNAL void durable_undo_free(dur_run *run);

/* ---- interrupt.c --------------------------------------------------------------------------- */

/* At a request that has no recorded answer: is the run to be cancelled, or past its deadline? Then
 * that is recorded at its position and the run stopped. Gives DUR_OK or the stop. */
DURABLE_INTERNAL int durable_interrupt_deliver(dur_run *run,
                                               const dur_step_options *options);

/* At a request whose position holds such a record: the same without recording. */
DURABLE_INTERNAL int durable_interrupt_replay(dur_run *run, const durable_step_record *record,
                                              const dur_step_options *options);

/* The same where a handle is awaited, which asks for no position: the next one tells. */
DURABLE_INTERNAL int durable_interrupt_await(dur_run *run);

/* The same behind a called child that may have ended because its caller is to, with its row
 * recorded: that is the reason then, and no failure is left to be caught. Replayed, the code hears
 * of it where it did at first: here, or at what it asked for next. */
DURABLE_INTERNAL int durable_interrupt_behind_child(dur_run *run);

/* Why the run is to end now: DUR_CANCELLED, DUR_TIMED_OUT; or DUR_OK. */
DURABLE_INTERNAL int durable_interrupt_reason(const dur_run *run);

/* See dur_cancelled() and dur_cancel(). */
DURABLE_INTERNAL bool durable_interrupt_lift(dur_run *run);
DURABLE_INTERNAL int durable_cancel(dur_log *log, const char *run_id);

/* ---- deadline.c ---------------------------------------------------------------------------- */

/* Before a step's first attempt: fix its end in the log. */
DURABLE_INTERNAL int durable_deadline_put(dur_step *step, int64_t timeout_ms);

/* Before a later one: is it over? Then the failure is recorded: DUR_FAILED, or the run's stop. */
DURABLE_INTERNAL int durable_deadline_check(dur_step *step);

/* Record that failure, in front of the last one (NULL: none), as durable_step_conclude() does. */
DURABLE_INTERNAL int durable_deadline_fail(dur_step *step, const char *last_failure);

/* ---- child.c ------------------------------------------------------------------------------- */

/* How a child is asked for; `workflow` NULL: it is called, under its name. */
typedef struct durable_child {
    const char *name;
    const char *workflow;
    const dur_child_options *options; /* never NULL */
    dur_workflow *fn;
    void *user;
} durable_child;

/* One called child from its claim to the end of this pass, on the log `log` (the caller's own, or
 * that of an executor's thread): DUR_OK and its output in log->output, DUR_FAILED, DUR_CANCELLED or
 * DUR_TIMED_OUT with the failure as the log's message, DUR_SUSPENDED, or why it stopped. The run
 * must be there unless `caller` can create it. */
struct durable_call {
    dur_log *log;
    dur_run *caller;      /* NULL: it is another thread's; nothing of it is touched */
    dur_step *step;       /* the caller's, which remembers that the child is there; likewise */
    int64_t position;     /* of the caller */
    const char *run_id;
    const char *name;     /* its workflow's */
    bool cancels;         /* it is to end: also one that is not due */
    const dur_child_options *options;
    dur_workflow *fn;
    void *user;
};

DURABLE_INTERNAL int durable_call_run(const durable_call *call);

/* The runs that call this one, one through the other, are held at least as long as it. */
DURABLE_INTERNAL void durable_call_prolong(const dur_run *run, int64_t lease_end);

/* Put a called child into the log without claiming it, for an executor. DUR_OK (also where it is
 * there), or why not, in the log's error. */
DURABLE_INTERNAL int durable_call_create(const durable_call *call);

/* "parent's id/position", or with its uid where that is too long. */
DURABLE_INTERNAL void durable_child_id_print(char id[DUR_NAME_MAX + 1], const dur_run *run,
                                             int64_t position);

/* See dur_call() and dur_start_child(). */
DURABLE_INTERNAL int durable_child_call(dur_run *run, const durable_child *child,
                                        dur_value *result);
DURABLE_INTERNAL int durable_child_start(dur_run *run, const durable_child *child,
                                         dur_step **step);

/* Put a child into the log for the step of its parent: `new_run` and `caller` are completed here.
 * *created as in create_run(). DUR_OK, or a code with the store's error. */
DURABLE_INTERNAL int durable_child_create(dur_step *step, durable_new_run *new_run,
                                          durable_caller *caller, bool *created,
                                          durable_fence *fence);

/* Of its own options alone. */
DURABLE_INTERNAL int64_t durable_child_deadline(const dur_child_options *options, int64_t now);

/* Before a run completes: wait for the children that it has to wait for. */
DURABLE_INTERNAL int durable_child_await_all(dur_run *run);

/* ---- batch.c ------------------------------------------------------------------------------- */

/* See dur_parallel(); the options were checked. */
DURABLE_INTERNAL int durable_batch_run(dur_run *run, const char *name, const dur_branch *branches,
                                       size_t count, const dur_batch_options *options,
                                       dur_batch *batch);

/* See dur_run_job(); by another thread, on a log of its own. */
DURABLE_INTERNAL void durable_job_run(dur_job *job, dur_log *log);

/* ---- sending.c ----------------------------------------------------------------------------- */

/* See dur_signal(), dur_complete_callback() and dur_heartbeat_callback(); `failure` rejects. */
DURABLE_INTERNAL int durable_send_signal(dur_log *log, const char *run_id, const char *name,
                                         dur_value value, const char *key, const char *failure);
DURABLE_INTERNAL int durable_send_answer(dur_log *log, const char *token, dur_value value,
                                         const char *failure);
DURABLE_INTERNAL int durable_send_heartbeat(dur_log *log, const char *token);

/* How the run ended, for a message, " (completed)", or "": it costs a look. */
DURABLE_INTERNAL const char *durable_ending_words(dur_log *log, const char *run_id);

/* "RUN.POSITION.UID"; durable_token_parse() gives false for anything else. */
DURABLE_INTERNAL void durable_token_print(char token[DUR_TOKEN_SIZE],
                                          const durable_callback *callback);
DURABLE_INTERNAL bool durable_token_parse(const char *token, durable_callback *callback,
                                          char uid[DURABLE_UID_SIZE]);

/* ---- registry.c ---------------------------------------------------------------------------- */

DURABLE_INTERNAL int durable_worker_register(dur_log *log, const char *workflow, dur_workflow *fn,
                                             void *user);
DURABLE_INTERNAL int durable_worker_serve(dur_log *log, const char *queue,
                                          const durable_limits *limits);
DURABLE_INTERNAL const durable_registered *durable_worker_find(const dur_log *log,
                                                               const char *workflow);

/* A run could not be opened: how often so far. */
DURABLE_INTERNAL int64_t durable_worker_count_trouble(dur_log *log, const char *run_id);
DURABLE_INTERNAL void durable_worker_free(dur_log *log);

/* Calls back with the name of each served queue, once, until that gives another code than DUR_OK,
 * which is then given back. */
typedef int durable_queue_visitor(const char *queue, void *context);
DURABLE_INTERNAL int durable_worker_each_queue(dur_log *log, durable_queue_visitor *visit,
                                               void *context);

/* ---- worker.c, loop.c ---------------------------------------------------------------------- */

/* See dur_work(). */
DURABLE_INTERNAL int durable_worker_work(dur_log *log, const dur_work_options *options,
                                         int64_t *next_wake_ms);
DURABLE_INTERNAL int durable_worker_loop(dur_log *log, const dur_work_options *options);

/* ---- patch.c ------------------------------------------------------------------------------- */

/* See dur_patch() and dur_retire_patch(). */
DURABLE_INTERNAL bool durable_patch_ask(dur_run *run, const char *id);
DURABLE_INTERNAL int durable_patch_retire(dur_run *run, const char *id);
DURABLE_INTERNAL void durable_patch_free(dur_run *run);

/* ---- continue.c ---------------------------------------------------------------------------- */

/* See dur_continue_as_new(); and the end of such a run, in place of its completion: DUR_SUSPENDED,
 * as the chain goes on. */
DURABLE_INTERNAL int durable_continue_ask(dur_run *run, dur_value input);
DURABLE_INTERNAL int durable_continue_end(dur_run *run);

/* Something is asked for behind it: stop the run. */
DURABLE_INTERNAL int durable_continue_refuse(dur_run *run, const char *name);

/* The beginning of the ids of a run's children. */
DURABLE_INTERNAL void durable_continue_child_prefix(char prefix[DUR_NAME_MAX + 1],
                                                    const dur_run *run);

/* Behind a recorded step: tell dur_options.long_run, once. */
DURABLE_INTERNAL void durable_continue_tell_long(dur_run *run);

/* ---- control.c ----------------------------------------------------------------------------- */

DURABLE_INTERNAL int durable_control_pause(dur_log *log, const char *run_id, bool pause);
DURABLE_INTERNAL int durable_control_terminate(dur_log *log, const char *run_id,
                                               const char *reason);
DURABLE_INTERNAL int durable_control_delete(dur_log *log, const char *run_id);
DURABLE_INTERNAL int durable_control_retain(dur_log *log, const dur_retention *retention,
                                            int64_t *deleted);

/* ---- restart.c ----------------------------------------------------------------------------- */

/* See dur_restart(); the options were checked. */
DURABLE_INTERNAL int durable_restart_run(dur_log *log, const char *run_id, const char *new_run_id,
                                         int64_t position, const dur_restart_options *options);

/* ---- check.c ------------------------------------------------------------------------------- */

/* Where something would be executed or waited for: the check ends here. The run's stop. */
DURABLE_INTERNAL int durable_check_frontier(dur_run *run, int64_t position, int kind,
                                            const char *name);

/* Whether this lies beyond what is to be checked: then the check has ended here. */
DURABLE_INTERNAL bool durable_check_ends_before(dur_run *run, int64_t position);

/* Whether the run has come to its end with what is recorded: it asks for nothing behind that. */
DURABLE_INTERNAL bool durable_check_has_ended(const dur_run *run);

/* Whether a callback or a started child may have no row: the run has ended without awaiting it. */
DURABLE_INTERNAL bool durable_check_is_left_open(const dur_run *run);

/* Instead of writing how the run ends or parks: compare it with what is recorded. */
DURABLE_INTERNAL int durable_check_ending(dur_run *run, const durable_ending *ending);

/* A recorded step that is about to be replayed. DUR_OK, or the run was stopped. */
DURABLE_INTERNAL int durable_check_replayed(dur_run *run, const durable_step_record *record,
                                            const durable_asked *asked,
                                            const dur_step_options *options);

/* In place of durable_call_run(): DUR_SUSPENDED where it fits. */
DURABLE_INTERNAL int durable_check_call(const durable_call *call);

/* A recorded child of this id: was it given the like? DUR_OK, or the run was stopped. */
DURABLE_INTERNAL int durable_check_child(dur_run *run, const durable_asked *asked,
                                         int64_t position, const char *id, const dur_value *input);

/* ---- handle.c ------------------------------------------------------------------------------ */

/* A handle with its own copy of the request's name, in no list. NULL: out of memory. */
DURABLE_INTERNAL dur_step *durable_step_new(dur_run *run, const durable_request *request);

/* Into the run's list of open steps, and out of it. */
DURABLE_INTERNAL void durable_step_link(dur_step *step);
DURABLE_INTERNAL void durable_step_unlink(dur_step *step);

/* To the spare ones, at the end of their queue; to close an open step puts it there, too. */
DURABLE_INTERNAL void durable_step_spare(dur_step *step);
DURABLE_INTERNAL void durable_step_close(dur_step *step);

/* Stop the run with what the store answered. The step takes no record any more, but counts as open:
 * rows of others tell which positions are not. Gives the run's stop. */
DURABLE_INTERNAL int durable_step_hold_back(dur_step *step, int code);

DURABLE_INTERNAL void durable_step_free(dur_step *step);

/* Keep the details of dur_not_yet() in the step's own memory; NULL: there are none. False: out of
 * memory. */
DURABLE_INTERNAL bool durable_step_set_not_yet(dur_step *step, const dur_value *details);

/* "base name:line" into a buffer; "" without a file. */
DURABLE_INTERNAL void durable_site_text(char site[DURABLE_SITE_SIZE], const char *file, int line);

/* ---- step.c -------------------------------------------------------------------------------- */

/* What the code asks for, and where. */
struct durable_asked {
    int kind;
    const char *name; /* may be NULL, which is refused */
    const char *file; /* NULL: not told */
    int line;
    bool sequential; /* the step before it is over: DUR_STEP and dur_replay_or_run() */
};

/* The next row of the run's history; NULL: none is left. Stops the run where it cannot be read. */
DURABLE_INTERNAL int durable_run_peek(dur_run *run, const durable_step_record **record,
                                      int64_t position);

/* What the log says: a step to execute, or a recorded value. A handle for a replayed step only
 * where the asking is not sequential: there nobody would look at it. */
typedef struct durable_answer {
    dur_step *step;
    dur_value value;
} durable_answer;

DURABLE_INTERNAL int durable_step_begin(dur_run *run, const durable_asked *asked,
                                        const dur_step_options *options, durable_answer *answer);

/* The claim's new end, in a commit that is made anyhow, once half of the lease is used at that
 * time; 0: not yet. */
static inline int64_t durable_lease_from(const dur_run *run, int64_t lease_ms, int64_t time)
{
    if (durable_time_between(time, run->lease_end) >= lease_ms / 2) return 0;
    return durable_time_after(time, lease_ms);
}

/* ---- record.c ------------------------------------------------------------------------------ */

/* Record an open step's outcome; see dur_record_result(). A failure's value is text with a NUL. */
DURABLE_INTERNAL int durable_step_conclude(dur_step *step, int outcome, dur_value value);

/* Conclude an attempt without an outcome; see dur_not_yet(). */
DURABLE_INTERNAL int durable_step_not_yet(dur_step *step, dur_value details);

/* Whether the step is open and its run takes records. DUR_OK, DUR_MISUSE or the run's stop. */
DURABLE_INTERNAL int durable_step_check_open(dur_step *step);

/* Record the outcome of a wait, which is one act with the receipt of a signal (0: none);
 * `unless_signal` as in durable_outcome, then DUR_CONFLICT may come back and the wait is still
 * open. DUR_OK, or the code that the run is stopped with. */
DURABLE_INTERNAL int durable_wait_conclude(dur_step *wait, int outcome, dur_value value,
                                           int64_t takes_signal, const char *unless_signal);

/* ---- body.c -------------------------------------------------------------------------------- */

/* Run an open step's body as a function, again where a pause was slept through: DUR_OK or
 * DUR_FAILED, recorded; or the code of the stopped run. */
DURABLE_INTERNAL int durable_step_run(dur_step *step, dur_step_fn *fn, void *user);

/* ---- divergence.c -------------------------------------------------------------------------- */

/* Stop the run: `code` is DUR_DIVERGED, or DUR_MISMATCH with `detail` saying what does not fit.
 * `asked` is NULL where the code has ended. */
DURABLE_INTERNAL int durable_diverge(dur_run *run, int code, int64_t position,
                                     const durable_asked *asked, const char *detail);

/* The same where the class of the change is known: what is compared by replay checks only. */
DURABLE_INTERNAL int durable_diverge_as(dur_run *run, dur_change change, int64_t position,
                                        const durable_asked *asked, const char *detail);

/* As durable_steps_view names it. */
DURABLE_INTERNAL const char *durable_kind_name(int kind);

/* Note what a diverged run's code asks for next. */
DURABLE_INTERNAL void durable_divergence_note(dur_run *run, const durable_asked *asked);

/* Whether a diverged run's report knows of a marker of that id, at or behind the divergence. */
DURABLE_INTERNAL bool durable_divergence_shows_patch(const dur_run *run, const char *id);

/* The function has returned: tell the class, write the report, park the run. */
DURABLE_INTERNAL int durable_divergence_settle(dur_run *run);

DURABLE_INTERNAL const dur_divergence *durable_divergence_report(const durable_divergence *report);
DURABLE_INTERNAL void durable_divergence_free(durable_divergence *report);

#endif
