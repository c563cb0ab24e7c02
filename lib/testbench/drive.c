/* testbench: working until a run has ended, with a clock that jumps to what comes next. */
#include "engine/worker.h"
#include "testbench/testbench.h"

/* One dur_testbench_run(). */
typedef struct bench_drive {
    dur_testbench *bench;
    const char *workflow;
    const char *run_id;
    int64_t passes, looks;
    bool over;
    int code;                           /* what the run's last pass came to, where that ends all */
    durable_error error;
    durable_error other;                /* the last trouble of another run */
    char again[DUR_NAME_MAX + 1];       /* the run whose pass was ended, to replay it; or "" */
    char again_as[DUR_NAME_MAX + 1];
} bench_drive;

static int finish(bench_drive *it, int code)
{
    it->over = true;
    return code;
}

/* ---- A pass -------------------------------------------------------------------------------- */

/* What a worker would try again later is left to that. */
static bool is_final(int code)
{
    return code < 0 && code != DUR_STOPPED;
}

static void copy_bench_name(char to[DUR_NAME_MAX + 1], const char *name)
{
    durable_print(to, DUR_NAME_MAX + 1, "%s", name);
}

/* Nobody hears what a dead process would still have said. */
static void note_pass(const char *workflow, const char *run_id, int code, const char *message,
                      void *user)
{
    bench_drive *it = user;
    dur_testbench *bench = it->bench;
    bool ours = strcmp(run_id, it->run_id) == 0;

    if (bench->dead) return;
    if (bench->ends_pass) {
        copy_bench_name(it->again, run_id);
        copy_bench_name(it->again_as, workflow);
    } else if (is_final(code) && ours) {
        it->code = durable_error_set(&it->error, code, "%s", message);
        it->error.sqlite_code = bench->log->error.sqlite_code;
    } else if (is_final(code)) {
        durable_error_set(&it->other, code, "%s", message);
        bench->log->warn(message, bench->log->user);
    }
}

static void begin_pass(bench_drive *it)
{
    it->bench->ends_pass = false;
    it->bench->bodies_in_pass = 0;
    it->again[0] = '\0';
}

/* By hand, whenever it would be due for workers. */
static int execute_now(bench_drive *it, const char *workflow, const char *run_id)
{
    dur_testbench *bench = it->bench;
    dur_log *log = bench->log;
    const durable_registered *known = durable_worker_find(log, workflow);
    dur_run *run = NULL;
    int code = DUR_SUSPENDED;

    begin_pass(it);
    if (known) code = durable_run_begin(log, workflow, run_id, NULL, &run);
    if (known && code == DUR_OK) {
        it->passes++;
        bench->passes++;
        code = durable_run_pass(run, known->fn, known->user);
    }
    if (log->closed) return DUR_MISUSE;
    note_pass(workflow, run_id, code, log->error.message, it);
    return DUR_OK;
}

static int replay_now(bench_drive *it)
{
    char run_id[DUR_NAME_MAX + 1], workflow[DUR_NAME_MAX + 1];

    copy_bench_name(run_id, it->again);
    copy_bench_name(workflow, it->again_as);
    return execute_now(it, workflow, run_id);
}

/* ---- What comes next ----------------------------------------------------------------------- */

typedef struct found_run {
    int64_t run;
    char id[DUR_NAME_MAX + 1];
    char queue[DUR_NAME_MAX + 1];
} found_run;

static int take_listed(const durable_listed *listed, void *context)
{
    found_run *found = context;

    found->run = listed->run;
    copy_bench_name(found->id, listed->id);
    return DUR_OK;
}

static int take_queue(const durable_run_record *record, void *context)
{
    copy_bench_name(((found_run *)context)->queue, record->queue);
    return DUR_OK;
}

static bool is_served(const dur_log *log, const char *queue)
{
    const durable_served *served = log->queues;

    while (served && strcmp(served->name, queue) != 0) served = served->next;
    return served || durable_worker_find(log, queue);
}

/* A child may have a queue that nobody has told of: each run's is served, seen once. */
static int serve_new_runs(dur_testbench *bench, bool *more)
{
    durable_store *store = bench->log->store;
    int code = DUR_OK;

    *more = false;
    while (code == DUR_OK) {
        found_run found = {0, "", ""};

        code = store->methods->list_runs(store, bench->last_run, false, 1, take_listed, &found);
        if (code == DUR_OK && found.run)
            code = store->methods->find_run(store, found.id, take_queue, &found);
        if (code != DUR_OK) return durable_log_store_error(bench->log, found.id);
        if (!found.run) return DUR_OK;
        bench->last_run = found.run;
        if (is_served(bench->log, found.queue)) continue;
        code = durable_worker_serve(bench->log, found.queue, NULL);
        *more = true;
    }
    return code;
}

static int say_stuck(bench_drive *it, const char *why)
{
    dur_log *log = it->bench->log;

    durable_error_set(&log->error, DUR_SUSPENDED, "run \"%s\": %s", it->run_id, why);
    if (it->other.code != DUR_OK)
        durable_error_append(&log->error, "; beside it: %s", it->other.message);
    return finish(it, DUR_SUSPENDED);
}

/* Nothing is due: the clock jumps. */
static int jump(bench_drive *it, int64_t wake_in_ms)
{
    dur_testbench *bench = it->bench;
    int64_t next_ms = DURABLE_NEVER;
    bool more;
    int code = serve_new_runs(bench, &more);

    if (code != DUR_OK || more) return code;
    if (wake_in_ms >= 0) next_ms = durable_time_after(bench->now_ms, wake_in_ms);
    if (bench->events && bench->events->time_ms < next_ms) next_ms = bench->events->time_ms;
    if (next_ms == DURABLE_NEVER)
        return say_stuck(it, "it waits, and nothing is known that could wake it");
    if (bench->now_ms < next_ms) bench->now_ms = next_ms;
    return DUR_OK;
}

/* ---- How the run stands -------------------------------------------------------------------- */

typedef struct standing {
    bench_drive *it;
    int status;
} standing;

static int take_standing(const durable_run_record *record, void *context)
{
    standing *found = context;

    found->status = record->status;
    if (record->status != DURABLE_PARKED || found->it->code != DUR_OK) return DUR_OK;
    durable_error_set(&found->it->error, DUR_PARKED, "run \"%s\": parked: %s", record->id,
                      record->failure ? record->failure : "no reason is recorded");
    return DUR_OK;
}

static int read_standing(bench_drive *it, standing *found)
{
    dur_log *log = it->bench->log;
    int code;

    found->it = it;
    found->status = 0;
    code = log->store->methods->find_run(log->store, it->run_id, take_standing, found);
    if (code == DUR_NOT_FOUND)
        durable_error_set(&log->store->error, code, "there is no such run in this log any more");
    return code == DUR_OK ? code : durable_log_store_error(log, it->run_id);
}

/* As dur_execute() tells of it, with output or reason. */
static int tell_end(bench_drive *it)
{
    dur_run *run;
    int code = durable_run_begin(it->bench->log, it->workflow, it->run_id, NULL, &run);

    return finish(it, code == DUR_REPLAYED ? DUR_OK : code);
}

static int tell_error(bench_drive *it)
{
    durable_error_copy(&it->bench->log->error, &it->error);
    return finish(it, it->error.code);
}

/* Of what was sent while a body took its time. */
static int tell_trouble(bench_drive *it)
{
    dur_testbench *bench = it->bench;
    int code = bench->trouble;

    bench->trouble = DUR_OK;
    durable_error_copy(&bench->log->error, &bench->error);
    return finish(it, code);
}

static int look_at_end(bench_drive *it)
{
    standing found;
    int code;

    if (it->bench->trouble != DUR_OK) return tell_trouble(it);
    code = read_standing(it, &found);
    if (code != DUR_OK) return code;
    if (it->code != DUR_OK) return tell_error(it);
    switch (found.status) {
    case DURABLE_RUNNING:
    case DURABLE_SUSPENDED: return DUR_OK;
    case DURABLE_PARKED: return tell_error(it);
    default: return tell_end(it);
    }
}

/* ---- Driving ------------------------------------------------------------------------------- */

static bool is_spent_now(const bench_drive *it)
{
    return it->passes >= it->bench->max_passes || it->looks > it->bench->max_passes;
}

/* One pass, or a jump of the clock. */
static int work(bench_drive *it)
{
    dur_testbench *bench = it->bench;
    dur_log *log = bench->log;
    dur_work_options options = DUR_WORK_OPTIONS_INIT;
    int64_t wake_in_ms, passes;
    int code;

    options.max_passes = 1;
    options.passed = note_pass;
    options.user = it;
    begin_pass(it);
    code = durable_worker_turn(log, &options, false, &wake_in_ms, &passes);
    it->passes += passes;
    bench->passes += passes;
    it->looks = passes ? 0 : it->looks + 1;
    if (log->closed) return DUR_MISUSE;
    if (bench->dead || it->again[0]) return DUR_OK;
    if (it->code != DUR_OK) return tell_error(it);
    if (code != DUR_OK) return code;
    return passes ? look_at_end(it) : jump(it, wake_in_ms);
}

static int drive_on(bench_drive *it)
{
    dur_testbench *bench = it->bench;
    int code = durable_bench_recover(bench);

    if (code != DUR_OK) return code;
    if (bench->trouble != DUR_OK) return tell_trouble(it);
    if (is_spent_now(it)) return say_stuck(it, "max_passes are made, and it has not ended");
    code = durable_bench_send_due(bench);
    if (code != DUR_OK) return finish(it, code);
    if (!it->again[0]) return work(it);
    code = replay_now(it);
    if (code != DUR_OK || bench->dead || it->again[0]) return code;
    return look_at_end(it);
}

/* One that is parked is executed as a person would do it. */
static int begin_drive(bench_drive *it, const dur_start_options *start)
{
    dur_testbench *bench = it->bench;
    standing found;
    int code = durable_run_start(bench->log, it->workflow, it->run_id, start);

    if (code != DUR_OK && code != DUR_REPLAYED) return code;
    code = read_standing(it, &found);
    if (code == DUR_OK && found.status == DURABLE_PARKED)
        code = execute_now(it, it->workflow, it->run_id);
    if (code != DUR_OK || bench->dead || it->again[0]) return code;
    return look_at_end(it);
}

DURABLE_INTERNAL int durable_bench_run(dur_testbench *bench, const char *workflow,
                                       const char *run_id, const dur_start_options *start)
{
    bench_drive it;
    int code;

    memset(&it, 0, sizeof it);
    it.bench = bench;
    it.workflow = workflow;
    it.run_id = run_id;
    bench->running = true;
    code = begin_drive(&it, start);
    while (code == DUR_OK && !it.over) code = drive_on(&it);
    bench->running = false;
    return code;
}
