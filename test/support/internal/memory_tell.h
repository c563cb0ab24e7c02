/* test/support: the in-memory store from the inside: what its verbs share. */
#ifndef MEMORY_TELL_H
#define MEMORY_TELL_H

#include "support/internal/memory_children.h"
#include "support/internal/memory_store.h"

typedef struct memory_store {
    durable_store head;
    memory_log *log;
    const char *fault_verb;
    int fault_in; /* 0: no fault is armed */
    int fault_code;
    memory_moment fault_when;
    int dies_in; /* 0: does not */
    bool dead;
    bool looks_back; /* it is shown the log without the transaction of another handle */
} memory_store;

typedef struct memory_fault {
    int code; /* DUR_OK: none */
    bool prevents;
    const char *why; /* NULL: it was asked for */
} memory_fault;

/* Every verb begins with this. */
memory_fault memory_next_fault(memory_store *store, const char *verb);

/* Tell the verb in one line, and conclude it. `result`: words for what came of it, or NULL. */
int memory_finish(memory_store *store, const memory_fault *fault, int code, const char *result,
                  const char *format, ...) DUR_PRINTF_(5, 6);

/* The parts of it. What the verb returns, after a fault and the owner's death had their say: */
int memory_conclude(memory_store *store, const memory_fault *fault, int code);
void memory_end_line(memory_store *store, const memory_fault *fault, int code,
                     const char *result);

/* "5000", or "never". */
const char *memory_time_text(int64_t time, char text[32]);

/* "\"approval\"", or for a callback's answer "#5". */
const char *memory_address_text(const char *address, char text[DURABLE_ADDRESS_SIZE + 2]);

/* The run, if this fence holds it; NULL if not. */
memory_run *memory_fenced_run(const memory_store *store, const durable_fence *fence);

/* DUR_OK where `done`; else why the fence does not open it: lost, or gone with a commit that was
 * still to come. */
int memory_verdict(const memory_store *store, const durable_fence *fence, bool done);

/* A fence that was given back opens nothing any more, but giving it back again is done. */
bool memory_is_given_back(const memory_store *store, const durable_fence *fence, int status);

void memory_fill_fence(durable_fence *fence, const memory_run *run);

const char *memory_name_of(const memory_store *store, const durable_fence *fence);

/* ---- The verbs that have files of their own ---- */

int memory_append_outcomes(durable_store *base, durable_outcome *outcomes, size_t count);
int memory_load_history(durable_store *base, int64_t key, int64_t from, int64_t to, int64_t limit,
                        bool details, durable_step_visitor *visit, void *context,
                        int64_t *position);
int memory_summarize_history(durable_store *base, int64_t key, durable_history_summary *summary);

int memory_suspend_run(durable_store *base, durable_fence *fence,
                       const durable_suspension *suspension);
int memory_put_pending(durable_store *base, durable_fence *fence, const durable_pending *pending,
                       int64_t lease_end);
int memory_load_pending(durable_store *base, int64_t key, durable_pending_visitor *visit,
                        void *context, int64_t *position);

int memory_send_signal(durable_store *base, const char *run_id, const durable_signal *signal);
int memory_answer_callback(durable_store *base, const durable_callback *callback,
                           const durable_signal *signal);
int memory_beat_callback(durable_store *base, const durable_callback *callback, int64_t now);
int memory_peek_signal(durable_store *base, int64_t key, const char *address,
                       durable_signal_visitor *visit, void *context);

int memory_find_due(durable_store *base, const char *queue, durable_due_visitor *visit,
                    void *context);
int memory_find_held(durable_store *base, const char *queue, durable_held_visitor *visit,
                     void *context);
int memory_look_at_queue(durable_store *base, const char *queue, const char *process,
                         size_t process_length, durable_queue *found);
int memory_limit_queue(durable_store *base, const char *queue, const durable_limits *limits);

int memory_create_run(durable_store *base, const durable_new_run *new_run, bool *created,
                      durable_fence *fence);
int memory_end_run(durable_store *base, durable_fence *fence, const durable_ending *ending);
int memory_cancel_run(durable_store *base, const char *run_id, int64_t now);
int memory_resolve_step(durable_store *base, const char *run_id,
                        const durable_resolution *resolution);
int memory_earliest_due(durable_store *base, int64_t run, int64_t *due);
int memory_pause_run(durable_store *base, const char *run_id, bool pause, int64_t now);
int memory_terminate_run(durable_store *base, const char *run_id, const char *failure,
                         int64_t now);
int memory_delete_run(durable_store *base, const char *run_id);
int memory_delete_ended(durable_store *base, const durable_retention *retention,
                        int64_t *deleted);
int memory_restart_run(durable_store *base, const durable_restart *restart);

int memory_list_runs(durable_store *base, int64_t after, bool open, int64_t limit,
                     durable_list_visitor *visit, void *context);
int memory_visit_rows(durable_store *base, const char *run_id, durable_row_visitor *visit,
                      void *context);
int memory_begin_import(durable_store *base);
int memory_put_row(durable_store *base, const durable_row *row);
int memory_end_import(durable_store *base, bool keep);

int memory_begin_transaction(durable_store *base, int64_t shared, bool attached);
int memory_end_transaction(durable_store *base, bool keep);
int memory_commit_shared(durable_store *base);

/* `#2 "charge" attempt 1 due 2000` */
void memory_describe_pending(narrative *words, const durable_pending *pending);

/* The ways of signals without a fault and without a word: what the verb gives. */
int memory_deliver(memory_log *log, const char *run_id, const durable_signal *signal);
int memory_answer(memory_log *log, const durable_callback *callback,
                  const durable_signal *signal);

#endif
