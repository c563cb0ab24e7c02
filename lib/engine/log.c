/* engine: a log: what is common to the runs on one connection. */
#include "engine/engine.h"

#include <stdio.h>

static void warn_on_stderr(const char *message, void *user)
{
    (void)user;
    fprintf(stderr, "libdurable: %s\n", message);
}

/* Closed by a workflow or a callback of a worker, the struct stays until the worker returns. */
static void free_log(dur_log *log)
{
    if (log->store) log->store->methods->close(log->store);
    log->store = NULL;
    durable_arena_clear(&log->output_arena);
    durable_arena_clear(&log->info_arena);
    durable_divergence_free(log->divergence);
    durable_worker_free(log);
    durable_free(log->code_version);
    log->closed = true;
    if (!log->working) durable_free(log);
}

static void refuse(dur_log *log, int code, const durable_error *error)
{
    log->open_code = code;
    durable_error_copy(&log->open_error, error);
    durable_error_copy(&log->error, error);
}

DURABLE_INTERNAL dur_log *durable_log_refused(const char *message)
{
    dur_log *log = durable_allocate(sizeof *log);
    durable_error error;

    if (!log) return NULL;
    refuse(log, durable_error_set(&error, DUR_MISUSE, "%s", message), &error);
    return log;
}

DURABLE_INTERNAL dur_log *durable_log_new(durable_store *store, int open_code,
                                          const dur_options *options)
{
    dur_log *log = durable_allocate(sizeof *log);
    uint64_t nonce = 0;

    if (!log) {
        store->methods->close(store);
        return NULL;
    }
    log->store = store;
    if (open_code != DUR_OK) refuse(log, open_code, &store->error);
    durable_clock_init(&log->clock, options);
    log->behaviour = DURABLE_BEHAVIOUR;
    log->lease_ms = options->lease_ms ? options->lease_ms : DURABLE_DEFAULT_LEASE_MS;
    log->sleep_max_ms = options->sleep_max_ms;
    log->shared_commit_steps = options->shared_commit_steps;
    log->transactional_when_attached = options->transactional_when_attached;
    log->long_run = options->long_run;
    log->long_run_steps = options->long_run_steps ? options->long_run_steps : 10000;
    log->long_run_bytes = options->long_run_bytes ? options->long_run_bytes : 16 * 1024 * 1024;
    if (!log->long_run) log->long_run_steps = log->long_run_bytes = INT64_MAX;
    if (options->retry) log->retry = *options->retry;
    log->owner_alive = options->owner_alive;
    log->warn = options->warn ? options->warn : warn_on_stderr;
    log->user = options->user;
    durable_clock_random(&log->clock, &nonce, sizeof nonce);
    durable_process_mark(log->owner, nonce);
    log->turn = (unsigned)(nonce & 0xffff); /* short-lived workers have fair passes, too */
    if (!options->code_version) return log;
    log->code_version = durable_copy_text(options->code_version, strlen(options->code_version));
    if (log->code_version) return log;
    free_log(log);
    return NULL;
}

/* What was kept is to be written in no transaction of a step's, which is taken back. */
DURABLE_INTERNAL void durable_log_close(dur_log *log)
{
    for (dur_run *run = log->runs; run; run = run->next) durable_transaction_undo_run(run);
    while (log->runs) {
        dur_run *run = log->runs;

        durable_kept_flush_run(run);
        durable_run_detach(run);
        run->log = NULL;
    }
    durable_kept_flush_all(log);
    free_log(log);
}

DURABLE_INTERNAL int durable_log_store_error(dur_log *log, const char *run_id)
{
    durable_error_copy(&log->error, &log->store->error);
    durable_error_prefix(&log->error, "run \"%s\": ", run_id);
    return log->error.code;
}

DURABLE_INTERNAL int durable_log_copy_output(dur_log *log, dur_value *output, durable_arena *arena)
{
    memset(arena, 0, sizeof *arena);
    if (output->type < DUR_TEXT) return DUR_OK;
    output->as.bytes = durable_arena_copy(arena, output->as.bytes, output->length);
    if (output->as.bytes) return DUR_OK;
    return durable_error_set(&log->error, DUR_NOMEM, "out of memory for an output of %lld bytes",
                             (long long)output->length);
}

DURABLE_INTERNAL void durable_log_take_output(dur_log *log, dur_value output,
                                              const durable_arena *arena)
{
    durable_arena_clear(&log->output_arena);
    log->output_arena = *arena;
    log->output = output;
}

/* The new output may lie in the old one. */
DURABLE_INTERNAL int durable_log_set_output(dur_log *log, dur_value output)
{
    durable_arena arena;
    int code = durable_log_copy_output(log, &output, &arena);

    if (code == DUR_OK) durable_log_take_output(log, output, &arena);
    return code;
}

/* ---- Reading a run ------------------------------------------------------------------------- */

typedef struct info_context {
    dur_log *log;
    dur_run_info *info;
} info_context;

static int copy_string(dur_log *log, const char *text, const char **copy)
{
    *copy = NULL;
    if (!text) return DUR_OK;
    *copy = durable_arena_copy(&log->info_arena, text, strlen(text));
    return *copy ? DUR_OK : durable_error_set(&log->store->error, DUR_NOMEM, "out of memory");
}

static int copy_value(dur_log *log, const durable_datum *datum, const char *what, dur_value *value)
{
    int code = durable_value_decode(datum, value);

    if (code != DUR_OK)
        return durable_error_set(&log->store->error, code, "its %s cannot be read here", what);
    if (value->type < DUR_TEXT) return DUR_OK;
    value->as.bytes = durable_arena_copy(&log->info_arena, value->as.bytes, value->length);
    if (value->as.bytes) return DUR_OK;
    return durable_error_set(&log->store->error, DUR_NOMEM, "out of memory");
}

static int fill_info(const durable_run_record *record, void *context)
{
    dur_log *log = ((info_context *)context)->log;
    dur_run_info *info = ((info_context *)context)->info;
    int code = copy_string(log, record->workflow, &info->workflow);

    if (code == DUR_OK) code = copy_string(log, record->failure, &info->failure);
    if (code == DUR_OK) code = copy_string(log, record->queue, &info->queue);
    if (code == DUR_OK) code = copy_string(log, record->origin, &info->origin);
    if (code == DUR_OK) code = copy_string(log, record->uid, &info->uid);
    if (code == DUR_OK) code = copy_value(log, &record->input, "input", &info->input);
    if (code == DUR_OK) code = copy_value(log, &record->output, "output", &info->output);
    info->status = (dur_status)record->status;
    info->claims = record->epoch;
    info->created_ms = record->created;
    info->ended_ms = record->ended;
    info->wake_ms = record->due == DURABLE_NEVER ? 0 : record->due;
    info->priority = record->priority;
    info->deadline_ms = record->deadline == DURABLE_NEVER ? 0 : record->deadline;
    info->cancelling = record->cancels;
    info->paused = record->paused;
    info->restarted_at = record->restarted_at;
    info->generation = record->generation;
    return code;
}

DURABLE_INTERNAL int durable_log_read_run(dur_log *log, const char *run_id, dur_run_info *info)
{
    const dur_run_info empty = DUR_RUN_INFO_INIT;
    dur_run_info full = empty;
    info_context context = {log, &full};
    durable_arena before = log->info_arena; /* the id may lie in it */
    size_t size = info->size;
    int code;

    memset(&log->info_arena, 0, sizeof log->info_arena);
    code = log->store->methods->find_run(log->store, run_id, fill_info, &context);
    if (code == DUR_NOT_FOUND)
        durable_error_set(&log->error, code, "run \"%s\": there is no such run in this log",
                          run_id);
    else if (code != DUR_OK)
        durable_log_store_error(log, run_id);
    durable_arena_clear(&before);
    if (code != DUR_OK) return code;
    memcpy(info, &full, size < sizeof full ? size : sizeof full);
    info->size = size;
    return DUR_OK;
}
