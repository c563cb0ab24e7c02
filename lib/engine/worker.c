/* engine: a worker: chooses runs and executes them, as long as there are some. */
#include "engine/choice.h"
#include "engine/worker.h"

#define DEFAULT_PASSES 100

/* When to call again after a trouble of the database. */
#define TROUBLE_AGAIN_MS 100

/* One call of dur_work(). */
typedef struct work {
    dur_log *log;
    const dur_work_options *options;
    int64_t passes, passes_max;
    int64_t began;
    bool in_loop;
    durable_chooser chooser;
} work;

/* Troubles of the database, which the next run would have, too. */
static bool stops_work(int code)
{
    switch (code) {
    case DUR_NOMEM:
    case DUR_FULL:
    case DUR_IOERR:
    case DUR_READONLY:
    case DUR_INTERRUPTED: return true;
    default: return false;
    }
}

static bool is_spent(const work *it)
{
    const dur_log *log = it->log;
    int64_t budget_ms = it->options->budget_ms;

    if (it->passes >= it->passes_max) return true;
    if (it->passes == 0) return false; /* to look alone may take longer than the budget */
    return budget_ms && durable_time_between(it->began, durable_clock_now(&log->clock)) > budget_ms;
}

static bool must_end(work *it)
{
    return it->in_loop && durable_flag_is_up(&it->log->stops);
}

/* ---- A pass -------------------------------------------------------------------------------- */

/* The listener may call the log: the error is what it was, afterwards. */
static void tell(const work *it, int code)
{
    dur_log *log = it->log;
    const durable_choice *choice = &it->chooser.choice;
    durable_error error;

    if (code == DUR_OK) durable_error_clear(&log->error);
    if (!it->options->passed && code < 0) log->warn(log->error.message, log->user);
    if (!it->options->passed) return;
    durable_error_copy(&error, &log->error);
    it->options->passed(choice->workflow, choice->id, code, error.message, it->options->user);
    if (!log->closed) durable_error_copy(&log->error, &error);
}

/* Whatever the pass came to, it is not committed, and no worker can go on. */
static int refuse_joined(work *it)
{
    dur_log *log = it->log;

    durable_error_set(&log->error, DUR_MISUSE,
                      "run \"%s\": its workflow \"%s\" has returned with a transaction open: it has"
                      " to end what it begins; what it came to is not committed",
                      it->chooser.choice.id, it->chooser.choice.workflow);
    tell(it, DUR_MISUSE);
    return DUR_MISUSE;
}

/* What a pass came to is the run's own affair. Gives DUR_OK, or a code that ends the work. */
static int execute(work *it, dur_run *run, dur_workflow *fn, void *user)
{
    dur_log *log = it->log;
    int code;

    it->passes++;
    log->turn++;
    durable_chooser_hit(&it->chooser);
    code = durable_run_pass(run, fn, user);
    if (!log->closed && log->store->methods->is_joined(log->store)) return refuse_joined(it);
    if (!log->closed) tell(it, code);
    if (log->closed) return DUR_MISUSE;
    return stops_work(code) ? code : DUR_OK;
}

/* The run that was chosen, if it is to be had. The function is found first: the host's callbacks
 * may register others on the way. */
static int take(work *it, bool *misses)
{
    dur_log *log = it->log;
    const durable_choice *choice = &it->chooser.choice;
    const durable_registered *known = durable_worker_find(log, choice->workflow);
    dur_workflow *fn = known ? known->fn : NULL;
    void *user = known ? known->user : NULL;
    dur_run *run = NULL;
    int64_t vain = 0;
    int code = DUR_NOT_FOUND;

    if (fn) code = durable_run_begin_due(log, choice->workflow, choice->id, choice->seen_next_us,
                                         &run, &vain);
    if (log->closed) return DUR_MISUSE;
    switch (code) {
    case DUR_OK: return execute(it, run, fn, user);
    case DUR_REPLAYED: return DUR_OK; /* it is paused, and stands in nobody's way any more */
    case DUR_NOT_FOUND:
    case DUR_SUSPENDED:
    case DUR_OWNED:
    case DUR_CONFLICT: break;
    default:
        if (!durable_is_of_one_run(code)) return code;
        if (vain == 0) it->passes++;
        if (vain <= 1) tell(it, code); /* what stays as it is, is told once */
        if (log->closed) return DUR_MISUSE;
    }
    *misses = !durable_chooser_miss(&it->chooser, vain > 0);
    return DUR_OK;
}

/* ---- The call ------------------------------------------------------------------------------ */

static int check_not_joined(dur_log *log)
{
    durable_store *store = log->store;

    if (!store->methods->is_joined(store)) return DUR_OK;
    return durable_error_set(&log->error, DUR_MISUSE,
                             "a worker executes no run within a transaction of the host's: end it"
                             " first");
}

/* Until nothing is due, or the budget is spent: *spent then. */
static int work_on(work *it, bool *spent)
{
    int code = DUR_OK;
    bool misses = false;

    *spent = false;
    while (code == DUR_OK) {
        code = check_not_joined(it->log);
        if (code == DUR_OK) code = durable_choose(&it->chooser);
        if (code != DUR_OK || !it->chooser.choice.found) return code;
        *spent = is_spent(it) || must_end(it);
        if (*spent) return DUR_OK;
        code = take(it, &misses);
        if (code == DUR_OK && misses) { /* others are faster all the time: leave it to them */
            it->chooser.wake =
                durable_time_after(it->chooser.now, DURABLE_MISSED_AGAIN_MS);
            return DUR_OK;
        }
    }
    return code;
}

static int64_t wake_in(const work *it, bool spent)
{
    if (spent) return 0;
    if (it->chooser.wake == DURABLE_NEVER) return -1;
    return durable_time_between(it->chooser.now, it->chooser.wake);
}

/* The work of one call. Its memory is large for a stack that a host may have made small. */
static int work_once(work *it, const dur_work_options *options, int64_t *next_wake_ms)
{
    dur_log *log = it->log;
    bool spent = false;
    int code;

    it->options = options;
    it->passes_max = options->max_passes ? options->max_passes : DEFAULT_PASSES;
    it->began = durable_clock_now(&log->clock);
    it->chooser.log = log;
    code = work_on(it, &spent);
    if (code == DUR_OK) durable_error_clear(&log->error);
    *next_wake_ms = code == DUR_OK ? wake_in(it, spent) : TROUBLE_AGAIN_MS;
    return code;
}

DURABLE_INTERNAL int durable_worker_turn(dur_log *log, const dur_work_options *options,
                                         bool in_loop, int64_t *next_wake_ms, int64_t *passes)
{
    work *it = durable_allocate(sizeof *it);
    int code;

    *next_wake_ms = -1;
    *passes = 0;
    if (!it) return durable_error_set(&log->error, DUR_NOMEM, "out of memory for a worker");
    it->log = log;
    it->in_loop = in_loop;
    code = work_once(it, options, next_wake_ms);
    *passes = it->passes;
    durable_chooser_end(&it->chooser);
    durable_free(it);
    return code;
}

/* A workflow may have closed the log: what is left of it goes now. */
DURABLE_INTERNAL int durable_worker_begin(dur_log *log)
{
    if (log->working)
        return durable_error_set(&log->error, DUR_MISUSE,
                                 "a worker of this log is at work already: dur_work() and"
                                 " dur_work_loop() are not for workflows and other callbacks");
    log->working = true;
    return DUR_OK;
}

DURABLE_INTERNAL void durable_worker_end(dur_log *log)
{
    log->working = false;
    if (log->closed) durable_free(log);
}

DURABLE_INTERNAL int durable_worker_work(dur_log *log, const dur_work_options *options,
                                         int64_t *next_wake_ms)
{
    int64_t passes;
    int code = durable_worker_begin(log);

    if (code != DUR_OK) return code;
    code = durable_worker_turn(log, options, false, next_wake_ms, &passes);
    durable_worker_end(log);
    return code;
}
