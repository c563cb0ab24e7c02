/* engine: the handle of a run: made, filled from the log, and put into it. */
#include "engine/opening.h"

DURABLE_INTERNAL dur_run *durable_opened_new(dur_log *log, const char *workflow,
                                             const char *run_id)
{
    dur_run *run = durable_allocate(sizeof *run);

    if (!run) return NULL;
    run->log = log;
    run->deadline = DURABLE_NEVER;
    run->position = 1;
    run->generation = 1;
    run->id = durable_copy_text(run_id, strlen(run_id));
    run->workflow = durable_copy_text(workflow, strlen(workflow));
    if (run->id && run->workflow) return run;
    durable_free(run->id);
    durable_free(run->workflow);
    durable_free(run);
    return NULL;
}

DURABLE_INTERNAL void durable_opened_free(dur_run *run)
{
    durable_arena_clear(&run->input_arena);
    durable_free(run->id);
    durable_free(run->workflow);
    durable_free(run);
}

DURABLE_INTERNAL void durable_opened_link(dur_run *run)
{
    run->next = run->log->runs;
    if (run->next) run->next->previous = run;
    run->log->runs = run;
}

DURABLE_INTERNAL int durable_opened_input(dur_run *run, const durable_datum *datum,
                                          durable_error *error)
{
    int code = durable_value_decode(datum, &run->input);

    if (code != DUR_OK) return durable_error_set(error, code, "its input cannot be read here");
    if (run->input.type < DUR_TEXT) return DUR_OK;
    run->input.as.bytes =
        durable_arena_copy(&run->input_arena, run->input.as.bytes, run->input.length);
    if (run->input.as.bytes) return DUR_OK;
    return durable_error_set(error, DUR_NOMEM, "out of memory for its input");
}

DURABLE_INTERNAL bool durable_opened_interrupts(const dur_run *run)
{
    const dur_log *log = run->log;

    return run->cancels || run->deadline != DURABLE_NEVER || log->before_body || log->check;
}

DURABLE_INTERNAL void durable_opened_take(dur_run *run, const durable_run_record *record)
{
    run->parent = record->parent;
    run->called_at = record->called_at;
    run->root = record->root;
    run->depth = record->depth;
    run->behaviour = record->behaviour;
    run->generation = record->generation;
    run->renamed = record->status == DURABLE_CONTINUED;
    run->deadline = record->deadline;
    run->cancels |= record->cancels;
    run->interrupts = durable_opened_interrupts(run);
}
