/* api: the test bench for workflows. */
#include "api/api.h"
#include "api/open.h"
#include "testbench/testbench.h"

/* ---- Opening ------------------------------------------------------------------------------- */

/* A bench whose log only says what is wrong. */
static int refuse_bench(dur_testbench **bench, const char *of, const char *problem)
{
    const dur_testbench_options options = DUR_TESTBENCH_OPTIONS_INIT;
    const dur_options log = DUR_OPTIONS_INIT;
    char message[160];

    durable_print(message, sizeof message, "dur_testbench_open(): %s%s", of, problem);
    *bench = durable_bench_new(&options, &log);
    if (!*bench) return DUR_NOMEM;
    (*bench)->log = durable_log_refused(message);
    if ((*bench)->log) return DUR_MISUSE;
    durable_bench_free(*bench);
    *bench = NULL;
    return DUR_NOMEM;
}

/* NULL: nothing is wrong with them. */
static const char *find_bench_problem(struct sqlite3 *db, const dur_testbench_options *given,
                                      dur_testbench_options *full, dur_options *log)
{
    if (given && !durable_copy_struct(full, sizeof *full, given))
        return "the options must be set up with DUR_TESTBENCH_OPTIONS_INIT";
    if (full->max_passes < 0) return "max_passes must not be negative";
    if (full->log && !durable_copy_struct(log, sizeof *log, full->log))
        return "the log's options must be set up with DUR_OPTIONS_INIT";
    if (log->read_only) return "a bench does not work on a log that is only read";
    if (!db && log->schema) return "a schema is for a connection of the host's";
    return NULL;
}

static int open_bench_store(struct sqlite3 *db, const dur_options *options, durable_store **store)
{
    return db ? durable_open_store(db, options, store)
              : durable_open_own_store(NULL, DURABLE_OWN_MEMORY, options, store);
}

static int begin_bench(dur_testbench *bench, struct sqlite3 *db)
{
    durable_store *store;
    int code = open_bench_store(db, &bench->options, &store);

    if (!store) return DUR_NOMEM;
    return durable_bench_begin(bench, store, code, durable_abandon_store);
}

DUR_API int dur_testbench_open(struct sqlite3 *db, const dur_testbench_options *options,
                               dur_testbench **bench)
{
    dur_testbench_options full = DUR_TESTBENCH_OPTIONS_INIT;
    dur_options log = DUR_OPTIONS_INIT;
    bool of_policy = false;
    dur_retry retry;
    const char *problem;
    int code;

    if (!bench) return DUR_MISUSE;
    *bench = NULL;
    problem = find_bench_problem(db, options, &full, &log);
    if (!problem) problem = durable_options_problem(&log, &retry, &of_policy);
    if (problem) return refuse_bench(bench, of_policy ? "the retry policy: " : "", problem);
    *bench = durable_bench_new(&full, &log);
    if (!*bench) return DUR_NOMEM;
    code = begin_bench(*bench, db);
    if (code != DUR_NOMEM) return code;
    durable_bench_free(*bench);
    *bench = NULL;
    return code;
}

DUR_API void dur_testbench_close(dur_testbench *bench)
{
    if (!bench) return;
    if (bench->running)
        bench->closed = true;
    else
        durable_bench_free(bench);
}

/* ---- Its log and its clock ----------------------------------------------------------------- */

DUR_API dur_log *dur_testbench_log(dur_testbench *bench)
{
    if (!bench) return NULL;
    if (bench->store && !bench->running) durable_bench_recover(bench);
    return bench->log && !bench->log->closed ? bench->log : NULL;
}

DUR_API int64_t dur_testbench_now(const dur_testbench *bench)
{
    return bench ? bench->now_ms : 0;
}

DUR_API void dur_testbench_set_time(dur_testbench *bench, int64_t time_ms)
{
    if (bench && time_ms > bench->now_ms) bench->now_ms = time_ms;
}

DUR_API int64_t dur_testbench_bodies(const dur_testbench *bench, const char *name)
{
    return bench ? durable_bench_count_of(bench, name) : 0;
}

DUR_API int64_t dur_testbench_passes(const dur_testbench *bench)
{
    return bench ? bench->passes : 0;
}

DUR_API int64_t dur_testbench_crashes(const dur_testbench *bench)
{
    return bench ? bench->crashes : 0;
}

/* ---- What is to happen --------------------------------------------------------------------- */

/* May the bench be used? *log is then its log. */
static int check_bench(dur_testbench *bench, dur_log **log)
{
    if (!bench || bench->closed) return DUR_MISUSE;
    if (!bench->running && bench->store) {
        int code = durable_bench_recover(bench);

        if (code != DUR_OK) return code;
    }
    *log = bench->log;
    if (!*log || (*log)->closed) return DUR_MISUSE;
    return durable_check_log(*log);
}

static int refuse_call(dur_log *log, const char *what, const char *name, const char *problem)
{
    return durable_error_set(&log->error, DUR_MISUSE, "%s \"%s\": %s", what, name, problem);
}

static int tell_memory(dur_log *log, int code, const char *what, const char *name)
{
    if (code != DUR_NOMEM) return code;
    return durable_error_set(&log->error, code, "%s \"%s\": out of memory", what, name);
}

static bool is_value(dur_value value)
{
    durable_datum datum;

    return durable_value_encode(value, &datum) == DUR_OK;
}

DUR_API int dur_testbench_register(dur_testbench *bench, const char *workflow, dur_workflow *fn,
                                   void *user)
{
    dur_log *log;
    int code = check_bench(bench, &log);

    return code == DUR_OK ? dur_register(log, workflow, fn, user) : code;
}

static const char *find_script_problem(const dur_script *script)
{
    if (script->takes_ms < 0 || script->beats_ms < 0) return "no time in it may be negative";
    if (script->failures < -1) return "its failures must be a number, or -1 for all";
    return is_value(script->value) ? NULL : "its value is no value";
}

DUR_API int dur_testbench_script(dur_testbench *bench, const char *name, const dur_script *script)
{
    dur_script full = DUR_SCRIPT_INIT;
    const char *problem = NULL;
    dur_log *log;
    int code = check_bench(bench, &log);

    if (code == DUR_OK) code = durable_check_name(log, "script's name", name);
    if (code != DUR_OK) return code;
    if (script && !durable_copy_struct(&full, sizeof full, script))
        problem = "it must be set up with DUR_SCRIPT_INIT";
    if (script && !problem) problem = find_script_problem(&full);
    if (problem) return refuse_call(log, "script", name, problem);
    return tell_memory(log, durable_bench_set_script(bench, name, script ? &full : NULL), "script",
                       name);
}

DUR_API int dur_testbench_signal_at(dur_testbench *bench, int64_t time_ms, const char *run_id,
                                    const char *name, dur_value value)
{
    durable_bench_event event;
    dur_log *log;
    int code = check_bench(bench, &log);

    if (code == DUR_OK) code = durable_check_name(log, "run id", run_id);
    if (code == DUR_OK) code = durable_check_name(log, "signal's name", name);
    if (code != DUR_OK) return code;
    if (!is_value(value)) return refuse_call(log, "signal", name, "what is sent is no value");
    memset(&event, 0, sizeof event);
    event.time_ms = time_ms;
    event.to = run_id;
    event.name = name;
    event.value = value;
    return tell_memory(log, durable_bench_add_event(bench, &event), "signal", name);
}

DUR_API int dur_testbench_crash(dur_testbench *bench, int when, int64_t record)
{
    dur_log *log;
    int code = check_bench(bench, &log);

    if (code != DUR_OK) return code;
    if ((when != DUR_CRASH_BEFORE && when != DUR_CRASH_AFTER) || record < 1)
        return durable_error_set(&log->error, DUR_MISUSE,
                                 "a crash is DUR_CRASH_BEFORE or DUR_CRASH_AFTER a record, which"
                                 " are counted from 1");
    code = durable_bench_add_crash(bench, when, record);
    if (code == DUR_OK) return code;
    return durable_error_set(&log->error, code, "out of memory for a crash");
}

/* ---- Running ------------------------------------------------------------------------------- */

static int check_run_of(dur_testbench *bench, dur_log *log, const char *workflow,
                        const char *run_id)
{
    int code = durable_check_name(log, "workflow's name", workflow);

    if (code == DUR_OK) code = durable_check_name(log, "run id", run_id);
    if (code != DUR_OK) return code;
    if (bench->running)
        return refuse_call(log, "run", run_id, "the bench is at work already: it is not for"
                                               " workflows and other callbacks");
    if (!durable_worker_find(log, workflow))
        return refuse_call(log, "workflow", workflow,
                           "the bench does not know it: call dur_testbench_register() first");
    if (log->store->methods->is_joined(log->store))
        return refuse_call(log, "run", run_id,
                           "a bench executes no run within a transaction of the host's: end it"
                           " first");
    return DUR_OK;
}

DUR_API int dur_testbench_run(dur_testbench *bench, const char *workflow, const char *run_id,
                              const dur_start_options *start)
{
    dur_start_options full;
    dur_log *log;
    int code = check_bench(bench, &log);

    if (code == DUR_OK) code = check_run_of(bench, log, workflow, run_id);
    if (code == DUR_OK) code = durable_check_start(log, run_id, true, &start, &full);
    if (code == DUR_OK) code = durable_bench_run(bench, workflow, run_id, start);
    if (!bench || !bench->closed || bench->running) return code;
    durable_bench_free(bench); /* a workflow wanted it */
    return DUR_MISUSE;
}
