/* test/support: the rows of the in-memory store; see memory_store.h. */
#include "support/internal/memory_log.h"

#include "support/internal/memory_waits.h"

#include <stdlib.h>

/* ---- Memory ---- */

void *memory_copy_bytes(const void *bytes, size_t length)
{
    char *copy = malloc(length ? length : 1);

    if (!copy) abort();
    if (length) memcpy(copy, bytes, length);
    return copy;
}

char *memory_copy_text(const char *text)
{
    return text ? memory_copy_bytes(text, strlen(text) + 1) : NULL;
}

void memory_replace_text(char **place, const char *text)
{
    free(*place);
    *place = memory_copy_text(text);
}

durable_datum memory_copy_datum(const durable_datum *datum)
{
    durable_datum copy = *datum;
    bool has_bytes = datum->type == DURABLE_DATUM_TEXT || datum->type == DURABLE_DATUM_BLOB;

    copy.bytes = has_bytes ? memory_copy_bytes(datum->bytes, datum->length) : NULL;
    return copy;
}

void memory_free_const(const void *memory)
{
    free((void *)(uintptr_t)memory);
}

void *memory_grow(void *array, size_t count, size_t size)
{
    if (count == 0 || (count & (count - 1)) == 0)
        array = realloc(array, (count ? 2 * count : 1) * size);
    if (!array) abort();
    return array;
}

static void free_step(memory_step *step)
{
    free(step->name);
    free(step->site);
    memory_free_const(step->value.bytes);
}

static void free_run(memory_run *run)
{
    for (size_t i = 0; i < run->count; i++) free_step(&run->steps[i]);
    for (size_t i = 0; i < run->pending_count; i++) memory_pending_free(&run->pending[i]);
    memory_run_await(run, NULL, 0);
    free(run->steps);
    free(run->pending);
    free(run->queue);
    free(run->id);
    free(run->uid);
    free(run->workflow);
    free(run->code_version);
    free(run->owner);
    free(run->failure);
    memory_free_const(run->input.bytes);
    memory_free_const(run->output.bytes);
}

memory_log *memory_log_new(void)
{
    memory_log *log = calloc(1, sizeof *log);

    if (!log) abort();
    narrative_init(&log->story);
    return log;
}

void memory_tables_free(memory_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++) free_run(&tables->runs[i]);
    for (size_t i = 0; i < tables->signal_count; i++) memory_signal_free(&tables->signals[i]);
    for (size_t i = 0; i < tables->queue_count; i++) free(tables->queues[i].name);
    free(tables->runs);
    free(tables->signals);
    free(tables->queues);
}

void memory_log_free(memory_log *log)
{
    memory_tables tables = {log->runs,         log->count,  log->signals,
                            log->signal_count, log->queues, log->queue_count};

    memory_tables_free(&tables);
    narrative_free(&log->story);
    free(log);
}

/* ---- Runs ---- */

memory_run *memory_run_by_id(const memory_log *log, const char *id)
{
    for (size_t i = 0; i < log->count; i++)
        if (!log->runs[i].deleted && strcmp(log->runs[i].id, id) == 0) return &log->runs[i];
    return NULL;
}

memory_run *memory_run_by_key(const memory_log *log, int64_t key)
{
    if (key < 1 || (uint64_t)key > log->count || log->runs[key - 1].deleted) return NULL;
    return &log->runs[key - 1];
}

memory_run *memory_run_fenced(const memory_log *log, int64_t key, int64_t epoch, int64_t token)
{
    memory_run *run = memory_run_by_key(log, key);

    return run && run->epoch == epoch && run->token == token ? run : NULL;
}

const char *memory_run_name(const memory_log *log, int64_t key)
{
    if (key < 1 || (uint64_t)key > log->count) return "(no such run)";
    return log->runs[key - 1].id;
}

const char *memory_status_name(int status)
{
    static const char *const names[] = {"running",   "completed", "failed",    "parked",
                                        "suspended", "cancelled", "timed out", "continued",
                                        "terminated"};

    return status >= DURABLE_RUNNING && status <= DURABLE_TERMINATED ? names[status - 1] : "?";
}

bool memory_run_has_ended(const memory_run *run)
{
    return run->status != DURABLE_RUNNING && run->status != DURABLE_SUSPENDED &&
           run->status != DURABLE_PARKED;
}

static void note_caller(memory_run *run, const durable_caller *caller)
{
    run->parent = caller->fence->run;
    run->called_at = caller->position;
    run->root = caller->root;
    run->depth = caller->depth;
    run->on_parent_end = caller->on_parent_end;
}

memory_run *memory_run_add(memory_log *log, const durable_new_run *new_run)
{
    memory_run *run;

    log->runs = memory_grow(log->runs, log->count, sizeof *log->runs);
    run = &log->runs[log->count++];
    memset(run, 0, sizeof *run);
    run->key = (int64_t)log->count;
    run->status = DURABLE_RUNNING;
    run->behaviour = new_run->behaviour;
    run->generation = 1;
    run->id = memory_copy_text(new_run->id);
    run->uid = memory_copy_text(new_run->uid);
    run->workflow = memory_copy_text(new_run->workflow);
    run->code_version = memory_copy_text(new_run->code_version);
    run->input = memory_copy_datum(&new_run->input);
    run->queue = memory_copy_text(new_run->queue);
    run->priority = new_run->priority;
    run->created = new_run->now;
    run->token = new_run->token;
    run->due = new_run->due;
    run->deadline = new_run->deadline;
    if (new_run->caller) note_caller(run, new_run->caller);
    if (new_run->owner) {
        run->epoch = 1;
        run->claims = 1;
        memory_run_take(run, new_run->owner, new_run->token, new_run->lease_end);
    }
    return run;
}

void memory_run_take(memory_run *run, const char *owner, int64_t token, int64_t lease_end)
{
    memory_replace_text(&run->owner, owner);
    run->token = token;
    run->lease_end = lease_end;
    run->due = DURABLE_NEVER;
}

void memory_run_give_back(memory_run *run, int64_t due)
{
    memory_replace_text(&run->owner, NULL);
    run->lease_end = 0;
    run->due = run->paused ? DURABLE_NEVER : due;
}

void memory_run_await(memory_run *run, const char *const *addresses, size_t count)
{
    for (size_t i = 0; i < run->await_count; i++) free(run->awaits[i]);
    free(run->awaits);
    run->awaits = NULL;
    for (run->await_count = 0; run->await_count < count; run->await_count++) {
        run->awaits = memory_grow(run->awaits, run->await_count, sizeof *run->awaits);
        run->awaits[run->await_count] = memory_copy_text(addresses[run->await_count]);
    }
}

bool memory_run_awaits(const memory_run *run, const char *address)
{
    for (size_t i = 0; i < run->await_count; i++)
        if (strcmp(run->awaits[i], address) == 0) return true;
    return false;
}

void memory_run_resume(memory_run *run)
{
    run->status = DURABLE_RUNNING;
    run->ended = 0;
    memory_replace_text(&run->failure, NULL);
    memory_run_await(run, NULL, 0);
}

void memory_run_end(memory_run *run, const durable_ending *ending)
{
    run->status = ending->status;
    run->ended = ending->status == DURABLE_PARKED ? 0 : ending->now;
    memory_free_const(run->output.bytes);
    run->output = memory_copy_datum(&ending->output);
    memory_replace_text(&run->failure, ending->failure);
    if (ending->clears_pending) memory_pending_clear(run);
    if (ending->status != DURABLE_PARKED && ending->status != DURABLE_CONTINUED)
        run->paused = false;
    memory_run_give_back(run, DURABLE_NEVER);
}

int memory_run_show(const memory_log *log, const memory_run *run, durable_run_visitor *visit,
                    void *context)
{
    const memory_run *origin = memory_run_by_key(log, run->origin);
    durable_run_record record = {.run = run->key,
                                 .id = memory_copy_text(run->id),
                                 .uid = memory_copy_text(run->uid),
                                 .workflow = memory_copy_text(run->workflow),
                                 .status = run->status,
                                 .behaviour = run->behaviour,
                                 .epoch = run->epoch,
                                 .token = run->token,
                                 .owner = memory_copy_text(run->owner),
                                 .lease_end = run->lease_end,
                                 .claims = run->claims,
                                 .created = run->created,
                                 .ended = run->ended,
                                 .input = memory_copy_datum(&run->input),
                                 .output = memory_copy_datum(&run->output),
                                 .failure = memory_copy_text(run->failure),
                                 .queue = memory_copy_text(run->queue),
                                 .priority = run->priority,
                                 .due = run->due,
                                 .cancels = run->cancels,
                                 .paused = run->paused,
                                 .generation = run->generation,
                                 .origin = origin ? memory_copy_text(origin->id) : NULL,
                                 .restarted_at = run->restarted_at,
                                 .deadline = run->deadline,
                                 .parent = run->parent,
                                 .called_at = run->called_at,
                                 .root = run->root,
                                 .depth = run->depth};
    const durable_run_record lent = record;
    int result = visit(&record, context);

    memory_free_const(lent.id);
    memory_free_const(lent.uid);
    memory_free_const(lent.workflow);
    memory_free_const(lent.owner);
    memory_free_const(lent.failure);
    memory_free_const(lent.queue);
    memory_free_const(lent.origin);
    memory_free_const(lent.input.bytes);
    memory_free_const(lent.output.bytes);
    return result;
}

/* ---- Steps ---- */

size_t memory_step_index(const memory_run *run, int64_t position)
{
    size_t low = 0, high = run->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (run->steps[middle].position < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

memory_step *memory_step_at(const memory_run *run, int64_t position)
{
    size_t index = memory_step_index(run, position);

    if (index == run->count || run->steps[index].position != position) return NULL;
    return &run->steps[index];
}

void memory_step_add(memory_run *run, const durable_outcome *outcome)
{
    size_t index = memory_step_index(run, outcome->position);
    memory_step *step;

    run->steps = memory_grow(run->steps, run->count, sizeof *run->steps);
    step = &run->steps[index];
    memmove(step + 1, step, (run->count++ - index) * sizeof *step);
    *step = (memory_step){.position = outcome->position,
                          .low = outcome->low,
                          .epoch = outcome->fence->epoch,
                          .attempt = outcome->attempt,
                          .began = outcome->began,
                          .took = outcome->took,
                          .kind = outcome->kind,
                          .outcome = outcome->outcome,
                          .fingerprint = outcome->fingerprint,
                          .name = memory_copy_bytes(outcome->name, outcome->name_length),
                          .site = memory_copy_text(outcome->site),
                          .name_length = outcome->name_length,
                          .value = memory_copy_datum(&outcome->value)};
}

void memory_step_remove(memory_run *run, memory_step *step)
{
    size_t after = (size_t)(run->steps + run->count - step) - 1;

    free_step(step);
    memmove(step, step + 1, after * sizeof *step);
    run->count--;
}

bool memory_step_equals(const memory_step *step, const durable_outcome *outcome)
{
    return step->epoch == outcome->fence->epoch && step->attempt == outcome->attempt &&
           step->kind == outcome->kind && step->outcome == outcome->outcome &&
           step->name_length == outcome->name_length &&
           memcmp(step->name, outcome->name, step->name_length) == 0 &&
           durable_datum_equal(&step->value, &outcome->value);
}

int memory_step_show(const memory_step *step, bool details, durable_step_visitor *visit,
                     void *context)
{
    durable_step_record record = {.position = step->position,
                                  .kind = step->kind,
                                  .outcome = step->outcome,
                                  .name = memory_copy_bytes(step->name, step->name_length),
                                  .name_length = step->name_length,
                                  .value = memory_copy_datum(&step->value),
                                  .site = details ? memory_copy_text(step->site) : NULL,
                                  .epoch = details ? step->epoch : 0,
                                  .began = details ? step->began : 0,
                                  .took = details ? step->took : 0,
                                  .low = details ? step->low : 0,
                                  .attempt = details ? step->attempt : 0,
                                  .fingerprint = details ? step->fingerprint : 0};
    const durable_step_record lent = record;
    int result = visit(&record, context);

    memory_free_const(lent.name);
    memory_free_const(lent.value.bytes);
    memory_free_const(lent.site);
    return result;
}
