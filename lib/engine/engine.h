/*
 * engine: logs, runs and steps from the inside. The engine decides, the store persists.
 *
 * The public functions stand in lib/api; they check their arguments and call what is declared
 * here. All of this is used by one thread at a time, like the handles it is about.
 */
#ifndef DURABLE_ENGINE_H
#define DURABLE_ENGINE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/decision.h"
#include "engine/history.h"
#include "store/store.h"

/* The number of the library's behaviour, pinned in each run that is started: where a later version
 * must act otherwise, old runs go on in the old way. */
#define DURABLE_BEHAVIOUR 1

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

typedef struct durable_divergence durable_divergence;

struct dur_log {
    durable_store *store;
    durable_clock clock;
    int64_t lease_ms;
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
    DURABLE_STEP_REPLAYED,
    DURABLE_STEP_CLOSED
} durable_step_state;

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
    int64_t began;
    dur_value value;     /* what replay found */
    dur_value *result;   /* where dur_replay_or_run() wants the recorded value; NULL: nowhere */
    bool unrecorded;     /* recording it has failed, and may be tried again */
    bool kept;           /* the outcome below waits for a database that works */
    durable_outcome kept_outcome; /* its bytes are the step's; fence and site are filled in late */
    char *kept_memory; /* where the inline room is too small */
    durable_fence fence; /* of a kept one whose run is closed */
    char name_inline[DURABLE_NAME_INLINE];
    char kept_inline[DURABLE_KEPT_SIZE];
    char key[DURABLE_KEY_SIZE];
};

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
    bool failing;           /* dur_fail() was called in the body that runs */
    bool failure_pending;   /* a failed step that nobody has caught yet */
    int64_t position;     /* of the next step */
    int64_t low;          /* highest `low` of the recorded rows; 0: not asked for yet */
    int64_t stopped_calls;
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

/* Start or claim a run. DUR_OK with *run; DUR_REPLAYED or DUR_FAILED for an ended one; else an
 * error, told by the log. */
DURABLE_INTERNAL int durable_run_begin(dur_log *log, const char *workflow, const char *run_id,
                                       const dur_start_options *start, dur_run **run);

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

/* What is to be done for a stopped run before it is left: park it, fail it. Gives the code. */
DURABLE_INTERNAL int durable_run_settle_stop(dur_run *run);

/* Keep a copy for the run's end. */
DURABLE_INTERNAL int durable_run_set_output(dur_run *run, dur_value output);

DURABLE_INTERNAL int durable_run_close(dur_run *run);

/* Take the run from its log, releasing the claim where that is right. */
DURABLE_INTERNAL int durable_run_detach(dur_run *run);

/* ---- handle.c ------------------------------------------------------------------------------ */

/* A handle with its own copy of the request's name, in no list. NULL: out of memory. */
DURABLE_INTERNAL dur_step *durable_step_new(dur_run *run, const durable_request *request);

/* Into the run's list of open steps, and out of it. */
DURABLE_INTERNAL void durable_step_link(dur_step *step);
DURABLE_INTERNAL void durable_step_unlink(dur_step *step);

/* To the spare ones, at the end of their queue; to close an open step puts it there, too. */
DURABLE_INTERNAL void durable_step_spare(dur_step *step);
DURABLE_INTERNAL void durable_step_close(dur_step *step);

DURABLE_INTERNAL void durable_step_free(dur_step *step);

/* "base name:line" into a buffer; "" without a file. */
DURABLE_INTERNAL void durable_site_text(char site[DURABLE_SITE_SIZE], const char *file, int line);

/* ---- step.c -------------------------------------------------------------------------------- */

/* What the code asks for, and where. */
typedef struct durable_asked {
    int kind;
    const char *name; /* may be NULL, which is refused */
    const char *file; /* NULL: not told */
    int line;
    bool sequential; /* the step before it is over: DUR_STEP and dur_replay_or_run() */
} durable_asked;

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

/* ---- record.c ------------------------------------------------------------------------------ */

/* Record an open step's outcome; see dur_record_result(). */
DURABLE_INTERNAL int durable_step_conclude(dur_step *step, int outcome, dur_value value);

/* ---- divergence.c -------------------------------------------------------------------------- */

/* Stop the run: `code` is DUR_DIVERGED, or DUR_MISMATCH with `detail` saying what does not fit.
 * `asked` is NULL where the code has ended. */
DURABLE_INTERNAL int durable_diverge(dur_run *run, int code, int64_t position,
                                     const durable_asked *asked, const char *detail);

/* Note what a diverged run's code asks for next. */
DURABLE_INTERNAL void durable_divergence_note(dur_run *run, const durable_asked *asked);

/* The function has returned: tell the class, write the report, park the run. */
DURABLE_INTERNAL int durable_divergence_settle(dur_run *run);

DURABLE_INTERNAL const dur_divergence *durable_divergence_report(const durable_divergence *report);
DURABLE_INTERNAL void durable_divergence_free(durable_divergence *report);

#endif
