/* test/support: the rows of the in-memory store; see memory_store.h. */
#ifndef MEMORY_LOG_H
#define MEMORY_LOG_H

#include "store/store.h"
#include "support/narrative.h"

typedef struct memory_step {
    int64_t position, low, epoch, attempt, began, took;
    int kind, outcome;
    uint64_t fingerprint;
    char *name, *site;
    size_t name_length;
    durable_datum value;
    bool damaged;
} memory_step;

typedef struct memory_pending {
    durable_pending row; /* its pointers are this copy's own */
    bool damaged;
} memory_pending;

typedef struct memory_run {
    bool deleted;
    int64_t key, epoch, token, lease_end, claims, created, ended, due;
    int64_t deadline, parent, called_at, root;
    int64_t origin, restarted_at;
    int status, behaviour, priority, depth, on_parent_end, generation;
    bool cancels, paused;
    char *id, *uid, *workflow, *code_version, *owner, *failure, *queue;
    durable_datum input, output;
    memory_step *steps; /* by rising position */
    size_t count;
    memory_pending *pending; /* likewise */
    size_t pending_count;
    char **awaits; /* addresses */
    size_t await_count;
} memory_run;

/* Received signals stay, as tombstones of their keys. */
typedef struct memory_signal {
    int64_t run, sent, received_at;
    char *address, *key, *failure;
    durable_datum value;
    bool received;
} memory_signal;

typedef struct memory_queue {
    char *name;
    durable_limits limits;
    int64_t next_us;
} memory_queue;

/* What a transaction may take back. */
typedef struct memory_tables {
    memory_run *runs;
    size_t count;
    memory_signal *signals;
    size_t signal_count;
    memory_queue *queues;
    size_t queue_count;
} memory_tables;

/* A step that is open, or steps whose commit is still to come. */
typedef struct memory_transaction {
    const void *owner; /* the handle; NULL: neither */
    bool is_open;
    bool is_broken; /* somebody else has ended it */
    bool is_import; /* it is open for an import, … */
    bool has_failed; /* … which can only be taken back */
    size_t runs_before; /* … and whose runs stand behind so many */
    int64_t kept, shared;
    memory_tables committed, before_step;
} memory_transaction;

typedef struct memory_log {
    int handles;
    memory_run *runs; /* runs[key - 1]; deleted ones keep their place */
    size_t count;
    memory_signal *signals; /* signals[key - 1], in the order in which they were sent */
    size_t signal_count;
    memory_queue *queues;
    size_t queue_count;
    memory_transaction transaction;
    int64_t version; /* counts the changes */
    narrative story;
} memory_log;

memory_log *memory_log_new(void);
void memory_log_free(memory_log *log);
void memory_tables_free(memory_tables *tables);

/* Copies that are the log's; running out of memory aborts. */
void *memory_copy_bytes(const void *bytes, size_t length);
char *memory_copy_text(const char *text); /* NULL of NULL */
durable_datum memory_copy_datum(const durable_datum *datum);
void memory_replace_text(char **place, const char *text);
void memory_free_const(const void *memory);

/* Room for one element more. At powers of two only, so that long histories stay cheap. */
void *memory_grow(void *array, size_t count, size_t size);

/* NULL where there is none, or no more. */
memory_run *memory_run_by_id(const memory_log *log, const char *id);
memory_run *memory_run_by_key(const memory_log *log, int64_t key);
memory_run *memory_run_fenced(const memory_log *log, int64_t key, int64_t epoch, int64_t token);

/* The id for the narrative, also of a run that was deleted. */
const char *memory_run_name(const memory_log *log, int64_t key);
const char *memory_status_name(int status);
bool memory_run_has_ended(const memory_run *run);

memory_run *memory_run_add(memory_log *log, const durable_new_run *new_run);
void memory_run_take(memory_run *run, const char *owner, int64_t token, int64_t lease_end);
void memory_run_give_back(memory_run *run, int64_t due);
void memory_run_resume(memory_run *run);
void memory_run_await(memory_run *run, const char *const *addresses, size_t count);
bool memory_run_awaits(const memory_run *run, const char *address);
void memory_run_end(memory_run *run, const durable_ending *ending);

/* The index of the first step at `position` or after it. */
size_t memory_step_index(const memory_run *run, int64_t position);
memory_step *memory_step_at(const memory_run *run, int64_t position);
void memory_step_add(memory_run *run, const durable_outcome *outcome);
void memory_step_remove(memory_run *run, memory_step *step);
bool memory_step_equals(const memory_step *step, const durable_outcome *outcome);

/* Show copies and free them, so that nobody keeps what was only lent. They give what the visitor
 * returned. */
int memory_run_show(const memory_log *log, const memory_run *run, durable_run_visitor *visit,
                    void *context);
int memory_step_show(const memory_step *step, bool details, durable_step_visitor *visit,
                     void *context);

#endif
