/* engine: branches on the host's executor: a wave of jobs goes out, each is run by some thread on a
 * log of its own, and what they came to is recorded when all have come back. */
#include "engine/batch.h"

/* What the threads of a wave share. */
typedef struct job_wave {
    const dur_log *log; /* the run's: not to be used by them */
    durable_atomic_count ended;
    size_t count;
    dur_job *jobs;
    dur_job **list;     /* for the host, in the order of the branches; then as they have ended */
} job_wave;

/* Nothing of the run is behind it: what a thread needs is here. */
struct dur_job {
    job_wave *wave;
    durable_call call;
    dur_child_options options;
    char id[DUR_NAME_MAX + 1];
    dur_step *step; /* for when it has come back */
    durable_atomic_count taken;
    size_t order; /* from 1; 0: it was not run */
    int code;
    dur_value output;
    char *bytes;         /* its own: the output's, or the message */
    const char *message; /* where it is no output */
    bool refused;        /* and these are not the branch's words */
};

/* ---- On a thread --------------------------------------------------------------------------- */

static void refuse_job(dur_job *job, int code, const char *message)
{
    job->code = code;
    job->message = message;
    job->refused = true;
}

static void keep_job_message(dur_job *job, const char *message)
{
    job->message = job->bytes = durable_copy_text(message, strlen(message));
    if (!job->message) refuse_job(job, DUR_NOMEM, "out of memory");
}

/* What it came to lies in the log's memory: a copy goes home with the job. */
static void keep_job_outcome(dur_job *job, const dur_log *log)
{
    if (job->code != DUR_OK) {
        keep_job_message(job, log->error.message);
        return;
    }
    job->output = log->output;
    if (job->output.type < DUR_TEXT) return;
    job->bytes = durable_copy_text(job->output.as.bytes, job->output.length);
    if (!job->bytes) refuse_job(job, DUR_NOMEM, "out of memory for its output");
    job->output.as.bytes = job->bytes;
}

/* The branch may close the log that it runs on: then what is left of that goes here. */
static void call_job(dur_job *job, dur_log *log)
{
    bool outermost = !log->working;
    durable_call call = job->call;

    call.log = log;
    log->working = true;
    job->code = durable_call_run(&call);
    if (log->closed)
        refuse_job(job, DUR_MISUSE, "the log was closed by the branch that ran on it");
    else
        keep_job_outcome(job, log);
    if (!outermost) return;
    log->working = false;
    if (log->closed) durable_free(log);
}

DURABLE_INTERNAL void durable_job_run(dur_job *job, dur_log *log)
{
    if (durable_count_next(&job->taken) > 1) return; /* once is enough */
    if (!log) {
        refuse_job(job, DUR_MISUSE, "dur_run_job() needs a log, not NULL");
    } else if (log == job->wave->log) {
        refuse_job(job, DUR_MISUSE, "dur_run_job() needs another log than the run's");
    } else if (log->open_code != DUR_OK) {
        keep_job_message(job, log->open_error.message);
        refuse_job(job, log->open_code, job->message);
    } else if (log->store->methods->is_joined(log->store)) {
        refuse_job(job, DUR_MISUSE, "dur_run_job() was called within a transaction on that log's"
                                    " connection: end it first");
    } else {
        call_job(job, log);
    }
    job->order = durable_count_next(&job->wave->ended);
}

/* ---- On the run's own ---------------------------------------------------------------------- */

static void free_wave(job_wave *wave)
{
    for (size_t i = 0; wave->jobs && i < wave->count; i++) durable_free(wave->jobs[i].bytes);
    durable_free(wave->jobs);
    durable_free(wave->list);
}

static bool allocate_wave(job_wave *wave, const durable_batch *batch)
{
    memset(wave, 0, sizeof *wave);
    wave->log = batch->run->log;
    for (const dur_step *step = batch->to_call; step; step = step->next) wave->count++;
    wave->jobs = durable_allocate(wave->count * sizeof *wave->jobs);
    wave->list = durable_allocate(wave->count * sizeof *wave->list);
    return wave->jobs && wave->list;
}

/* Its child is in the log before a thread hears of it. */
static int prepare_job(durable_batch *batch, dur_job *job, dur_step *step)
{
    dur_log *log = batch->run->log;
    int code;

    job->step = step;
    durable_batch_describe(batch, step, job->id, &job->options, &job->call);
    code = durable_call_create(&job->call);
    if (code != DUR_OK)
        return durable_batch_take(batch, step, code, dur_null(), log->error.message);
    job->call.log = NULL;
    job->call.caller = NULL;
    job->call.step = NULL;
    return DUR_OK;
}

static int prepare_wave(durable_batch *batch, job_wave *wave)
{
    dur_step *step = batch->to_call;
    int code = DUR_OK;

    for (size_t i = 0; code == DUR_OK && i < wave->count; i++, step = step->next) {
        wave->list[i] = &wave->jobs[i];
        wave->jobs[i].wave = wave;
        code = prepare_job(batch, &wave->jobs[i], step);
    }
    batch->to_call = NULL;
    return code;
}

/* The list in the order in which they have ended; gives how many. */
static size_t sort_wave(job_wave *wave)
{
    size_t ended = 0;

    for (size_t i = 0; i < wave->count; i++) {
        dur_job *job = &wave->jobs[i];

        if (!job->order) continue;
        wave->list[job->order - 1] = job;
        ended++;
    }
    return ended;
}

static int stop_not_run(durable_batch *batch, const job_wave *wave)
{
    const dur_job *job = wave->jobs;

    while (job->order) job++;
    return durable_run_stop(batch->run, DUR_MISUSE,
                            "position %lld, branch \"%s\": the executor has returned, and has not"
                            " run this job to its end with dur_run_job()",
                            (long long)job->step->position, job->step->name);
}

static int stop_at_job(durable_batch *batch, const dur_job *job)
{
    if (!job->refused)
        return durable_batch_take(batch, job->step, job->code, dur_null(), job->message);
    return durable_run_stop(batch->run, job->code, "position %lld, branch \"%s\": %s",
                            (long long)job->step->position, job->step->name, job->message);
}

/* All those that came to an end are recorded before the first that did not may stop the run. */
static int take_wave(durable_batch *batch, job_wave *wave)
{
    size_t ended = sort_wave(wave);
    const dur_job *stopped = NULL;
    int code = DUR_OK;

    for (size_t i = 0; code == DUR_OK && i < ended; i++) {
        const dur_job *job = wave->list[i];

        if (job->code >= 0)
            code = durable_batch_take(batch, job->step, job->code, job->output, job->message);
        else if (!stopped)
            stopped = job;
    }
    if (code == DUR_OK && stopped) code = stop_at_job(batch, stopped);
    if (code == DUR_OK && ended < wave->count) code = stop_not_run(batch, wave);
    return code;
}

DURABLE_INTERNAL int durable_batch_execute(durable_batch *batch)
{
    dur_run *run = batch->run;
    job_wave wave;
    int code;

    if (!allocate_wave(&wave, batch))
        code = durable_run_stop(run, DUR_NOMEM, "out of memory for %lld jobs",
                                (long long)wave.count);
    else
        code = prepare_wave(batch, &wave);
    if (code == DUR_OK) {
        batch->options->execute((dur_job *const *)wave.list, wave.count, batch->options->user);
        code = run->log ? take_wave(batch, &wave) : DUR_MISUSE;
    }
    free_wave(&wave);
    return code;
}
