/* testbench: a bench and its logs, one after another. */
#include "testbench/testbench.h"

#define START_MS INT64_C(946684800000) /* 2000-01-01 00:00:00 UTC */
#define MAX_PASSES 100000

#define FREE_LIST(type, first)                                                                     \
    while (first) {                                                                                \
        type *next = (first)->next;                                                                \
                                                                                                   \
        durable_free(first);                                                                       \
        (first) = next;                                                                            \
    }

/* ---- Callbacks of the log ------------------------------------------------------------------ */

static void bench_warn(const char *message, void *user)
{
    dur_testbench *bench = user;

    bench->warn(message, bench->user);
}

static void bench_long_run(const char *run_id, int64_t steps, int64_t bytes, void *user)
{
    dur_testbench *bench = user;

    bench->long_run(run_id, steps, bytes, bench->user);
}

/* All of a bench live in one process, and none beside another one. */
static int bench_owner_alive(const char *owner_mark, void *user)
{
    const dur_testbench *bench = user;

    for (const durable_bench_name *mark = bench->marks; mark; mark = mark->next)
        if (strcmp(mark->text, owner_mark) == 0) return DUR_OWNER_DEAD;
    return DUR_OWNER_UNKNOWN;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static bool copy_texts(dur_testbench *bench, const dur_options *log)
{
    if (log->schema) bench->schema = durable_copy_text(log->schema, strlen(log->schema));
    if (log->code_version)
        bench->code_version = durable_copy_text(log->code_version, strlen(log->code_version));
    bench->options.schema = bench->schema;
    bench->options.code_version = bench->code_version;
    return (!log->schema || bench->schema) && (!log->code_version || bench->code_version);
}

static void set_callbacks(dur_testbench *bench, const dur_options *log)
{
    dur_options *options = &bench->options;

    bench->warn = log->warn;
    bench->long_run = log->long_run;
    bench->user = log->user;
    durable_bench_set_clock(bench, options);
    options->owner_alive = bench_owner_alive;
    if (log->warn) options->warn = bench_warn;
    if (log->long_run) options->long_run = bench_long_run;
    options->sleep_max_ms = 0;
    options->user = bench;
}

DURABLE_INTERNAL dur_testbench *durable_bench_new(const dur_testbench_options *options,
                                                  const dur_options *log)
{
    dur_testbench *bench = durable_allocate(sizeof *bench);

    if (!bench) return NULL;
    bench->options = *log;
    if (log->retry) {
        bench->retry = *log->retry;
        bench->options.retry = &bench->retry;
    }
    set_callbacks(bench, log);
    bench->now_ms = options->start_ms ? options->start_ms : START_MS;
    bench->random_state = options->seed ? options->seed : 1;
    bench->always_replay = options->always_replay;
    bench->max_passes = options->max_passes ? options->max_passes : MAX_PASSES;
    if (copy_texts(bench, log)) return bench;
    durable_bench_free(bench);
    return NULL;
}

/* By which the next log knows that the owner is gone. */
static bool note_mark(dur_testbench *bench, const dur_log *log)
{
    size_t size = strlen(log->owner) + 1;
    durable_bench_name *mark = durable_allocate(sizeof *mark + size);

    if (!mark) return false;
    memcpy(mark->text, log->owner, size);
    mark->next = bench->marks;
    bench->marks = mark;
    return true;
}

/* As if a worker were in it all the time: that closing it leaves the struct, and dur_work(), which
 * knows nothing of the bench, is refused. */
static void equip(dur_testbench *bench, dur_log *log)
{
    log->working = true;
    log->bench = bench;
    log->before_step = durable_bench_before_step;
    log->before_body = durable_bench_before_body;
    log->on_callback = durable_bench_on_callback;
    log->workflows = bench->workflows;
    log->queues = bench->queues;
    bench->workflows = NULL;
    bench->queues = NULL;
    bench->log = log;
}

static void close_log(dur_log *log)
{
    bool closed = log->closed; /* by the host */

    log->working = false;
    if (closed)
        durable_free(log);
    else
        durable_log_close(log);
}

static int open_log(dur_testbench *bench, int open_code)
{
    durable_store *guard = durable_bench_guard(bench);
    dur_log *log;

    if (!guard) return DUR_NOMEM;
    durable_error_copy(&guard->error, &bench->store->error);
    log = durable_log_new(guard, open_code, &bench->options);
    if (!log) return DUR_NOMEM;
    if (!note_mark(bench, log)) {
        close_log(log);
        return DUR_NOMEM;
    }
    equip(bench, log);
    return open_code;
}

DURABLE_INTERNAL int durable_bench_begin(dur_testbench *bench, durable_store *store, int open_code,
                                         void (*abandon)(durable_store *store))
{
    bench->store = store;
    bench->abandon = abandon;
    return open_log(bench, open_code);
}

/* ---- Closing ------------------------------------------------------------------------------- */

/* What is open is rolled back first: nothing of it is to come to anything by the closing. */
static void bury(dur_testbench *bench)
{
    dur_log *log = bench->log;

    bench->workflows = log->workflows;
    bench->queues = log->queues;
    log->workflows = NULL;
    log->queues = NULL;
    bench->abandon(bench->store);
    bench->log = NULL;
    close_log(log);
    bench->dead = bench->in_step = bench->dies_with_it = false;
    bench->crashes++;
}

DURABLE_INTERNAL int durable_bench_recover(dur_testbench *bench)
{
    if (bench->log && bench->log->closed) return DUR_MISUSE;
    if (bench->log && bench->dead) bury(bench);
    if (bench->log) return DUR_OK;
    durable_error_clear(&bench->store->error);
    return open_log(bench, DUR_OK);
}

DURABLE_INTERNAL void durable_bench_free(dur_testbench *bench)
{
    if (bench->log && bench->dead && !bench->log->closed) bench->abandon(bench->store);
    if (bench->log) close_log(bench->log);
    if (bench->store) bench->store->methods->close(bench->store);
    FREE_LIST(durable_registered, bench->workflows)
    FREE_LIST(durable_served, bench->queues)
    FREE_LIST(durable_bench_name, bench->marks)
    FREE_LIST(durable_bench_event, bench->events)
    FREE_LIST(durable_bench_name, bench->tokens)
    FREE_LIST(durable_bench_script, bench->scripts)
    FREE_LIST(durable_bench_count, bench->counts)
    FREE_LIST(durable_bench_crash, bench->deaths)
    durable_free(bench->schema);
    durable_free(bench->code_version);
    durable_free(bench);
}
