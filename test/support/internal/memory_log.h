/* test/support: the rows of the in-memory store; see memory_store.h. */
#ifndef MEMORY_LOG_H
#define MEMORY_LOG_H

#include "store/store.h"
#include "support/narrative.h"

typedef struct memory_step {
    int64_t position, low, epoch, attempt, began;
    int kind, outcome;
    char *name, *site;
    size_t name_length;
    durable_datum value;
    bool damaged;
} memory_step;

typedef struct memory_run {
    bool deleted;
    int64_t key, epoch, token, lease_end, claims, created, ended;
    int status, behaviour;
    char *id, *uid, *workflow, *owner, *failure;
    durable_datum input, output;
    memory_step *steps; /* by rising position */
    size_t count;
} memory_run;

typedef struct memory_log {
    int handles;
    memory_run *runs; /* runs[key - 1]; deleted ones keep their place */
    size_t count;
    narrative story;
} memory_log;

memory_log *memory_log_new(void);
void memory_log_free(memory_log *log);

/* NULL where there is none, or no more. */
memory_run *memory_run_by_id(const memory_log *log, const char *id);
memory_run *memory_run_by_key(const memory_log *log, int64_t key);
memory_run *memory_run_fenced(const memory_log *log, int64_t key, int64_t epoch, int64_t token);

/* The id for the narrative, also of a run that was deleted. */
const char *memory_run_name(const memory_log *log, int64_t key);
const char *memory_status_name(int status);

memory_run *memory_run_add(memory_log *log, const durable_new_run *new_run);
void memory_run_take(memory_run *run, const char *owner, int64_t token, int64_t lease_end);
void memory_run_give_back(memory_run *run);
void memory_run_resume(memory_run *run);
void memory_run_end(memory_run *run, const durable_ending *ending);

/* The index of the first step at `position` or after it. */
size_t memory_step_index(const memory_run *run, int64_t position);
memory_step *memory_step_at(const memory_run *run, int64_t position);
void memory_step_add(memory_run *run, const durable_outcome *outcome);
void memory_step_remove(memory_run *run, memory_step *step);
bool memory_step_equals(const memory_step *step, const durable_outcome *outcome);

/* Show copies and free them, so that nobody keeps what was only lent. They give what the visitor
 * returned. */
int memory_run_show(const memory_run *run, durable_run_visitor *visit, void *context);
int memory_step_show(const memory_step *step, bool details, durable_step_visitor *visit,
                     void *context);

#endif
