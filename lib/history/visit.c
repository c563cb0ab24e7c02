/* history: the recorded steps of a run, shown one by one. */
#include "history/format.h"

#include "engine/engine.h"

/* So many rows are copied before they are shown: no cursor is open while the host looks at them,
 * and memory does not grow with the run. */
#define BATCH_ROWS 64

typedef struct visiting {
    durable_error *error;
    durable_arena arena;
    dur_recorded_step steps[BATCH_ROWS];
    size_t count;
    int code;
    int64_t run;
} visiting;

static int out_of_memory(visiting *its)
{
    its->code = durable_error_set(its->error, DUR_NOMEM, "out of memory");
    return its->code;
}

static int code_of_outcome(int outcome)
{
    if (outcome == DURABLE_OUTCOME_FAILURE) return DUR_FAILED;
    return outcome == DURABLE_OUTCOME_TIMED_OUT ? DUR_TIMED_OUT : DUR_OK;
}

static int copy_value(visiting *its, const durable_step_record *record, dur_value *value)
{
    int code = durable_value_decode(&record->value, value);

    if (code != DUR_OK) {
        its->code = durable_error_set(its->error, code,
                                      "position %lld: its value cannot be read%s",
                                      (long long)record->position,
                                      code == DUR_MISMATCH ? " on this machine" : "");
        return code;
    }
    if (value->type < DUR_TEXT) return DUR_OK;
    value->as.bytes = durable_arena_copy(&its->arena, value->as.bytes, value->length);
    return value->as.bytes ? DUR_OK : out_of_memory(its);
}

static int copy_step(const durable_step_record *record, void *context)
{
    visiting *its = context;
    dur_recorded_step *step = &its->steps[its->count];
    const char *site = record->site ? record->site : "";

    memset(step, 0, sizeof *step);
    step->position = record->position;
    step->kind = durable_word_of(DURABLE_WORDS_KIND, record->kind);
    if (!step->kind) step->kind = durable_kind_name(record->kind);
    step->outcome = code_of_outcome(record->outcome);
    step->attempt = record->attempt;
    step->began_ms = record->began;
    step->took_ms = record->took;
    step->fingerprint = record->fingerprint;
    step->name = durable_arena_copy(&its->arena, record->name, record->name_length);
    step->site = durable_arena_copy(&its->arena, site, strlen(site));
    if (!step->name || !step->site) return out_of_memory(its);
    if (copy_value(its, record, &step->value) != DUR_OK) return its->code;
    its->count++;
    return 0;
}

static int note_run(const durable_run_record *record, void *context)
{
    ((visiting *)context)->run = record->run;
    return DUR_OK;
}

/* A value that cannot be read ends the batch: those before it are shown first. */
static int load_batch(visiting *its, durable_store *store, int64_t from)
{
    int64_t position = 0;
    int code;

    durable_arena_clear(&its->arena);
    its->count = 0;
    its->code = DUR_OK;
    code = store->methods->load_history(store, its->run, from, DUR_POSITION_MAX, BATCH_ROWS, true,
                                        copy_step, its, &position);
    if (code == DUR_OK) return its->code;
    durable_error_copy(its->error, &store->error);
    if (code == DUR_CORRUPT)
        durable_error_prefix(its->error, "position %lld: ", (long long)position);
    return code;
}

static int visit_batches(visiting *its, durable_store *store, int64_t from,
                         dur_step_visitor *visit, void *user)
{
    int code;

    do {
        code = load_batch(its, store, from);
        for (size_t i = 0; i < its->count; i++) {
            from = its->steps[i].position + 1;
            if (visit(&its->steps[i], user) != 0) return DUR_OK;
        }
    } while (code == DUR_OK && its->count == BATCH_ROWS && from <= DUR_POSITION_MAX);
    return code;
}

DURABLE_INTERNAL int durable_visit_steps(durable_store *store, const char *run_id, int64_t from,
                                         dur_step_visitor *visit, void *user,
                                         durable_error *error)
{
    visiting its;
    int code;

    memset(&its, 0, sizeof its);
    its.error = error;
    code = store->methods->find_run(store, run_id, note_run, &its);
    if (code == DUR_NOT_FOUND)
        return durable_error_set(error, code, "there is no such run in this log");
    if (code == DUR_OK)
        code = visit_batches(&its, store, from < 1 ? 1 : from, visit, user);
    else
        durable_error_copy(error, &store->error);
    durable_arena_clear(&its.arena);
    return code;
}
