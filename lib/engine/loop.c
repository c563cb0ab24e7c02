/* engine: the worker that waits, for programs that have nothing else to do. */
#include "engine/worker.h"

#define DEFAULT_POLL_MS 50

/* No sleep is longer, so that a stop from another thread is seen soon. */
#define SLEEP_MOST_MS 100

/* Between two rounds of work. */
typedef struct rest {
    dur_log *log;
    int64_t poll_ms;
    int64_t pause_ms;  /* between two looks: grows up to poll_ms */
    bool known;        /* what follows was read */
    int64_t version;   /* of the database, before the last round */
} rest;

static int ask_version(rest *it, int64_t *version)
{
    durable_store *store = it->log->store;

    return store->methods->read_version(store, version);
}

/* Troubles that pass: somebody holds the lock for long, or has interrupted the connection. */
static int unless_passing(int code)
{
    return code == DUR_BUSY || code == DUR_INTERRUPTED ? DUR_OK : code;
}

/* A database that is busy says nothing; then the next look is a full one. */
static int note_version(rest *it)
{
    int code = ask_version(it, &it->version);

    it->known = code == DUR_OK;
    return unless_passing(code);
}

static int look_for_commits(rest *it, bool *found)
{
    int64_t version = 0;
    int code = ask_version(it, &version);

    *found = code == DUR_OK && (!it->known || version != it->version);
    return unless_passing(code);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Sleep for so long, unless the loop is to end. */
static void pause_for(const rest *it, int64_t duration_ms)
{
    dur_log *log = it->log;

    while (duration_ms > 0 && !log->closed && !durable_flag_is_up(&log->stops)) {
        int64_t slice_ms = least(duration_ms, SLEEP_MOST_MS);

        durable_clock_sleep(&log->clock, slice_ms);
        duration_ms -= slice_ms;
    }
}

static void grow(rest *it)
{
    it->pause_ms = it->pause_ms > it->poll_ms / 2 ? it->poll_ms : it->pause_ms * 2;
}

/* Until something may be due, by the clock or by the time slept (the clock may be set back),
 * somebody has committed something, or the loop is to end. */
static int rest_until(rest *it, int64_t wake_ms)
{
    dur_log *log = it->log;
    int64_t began = durable_clock_now(&log->clock), left_ms = wake_ms < 0 ? INT64_MAX : wake_ms;
    bool found = false;
    int code = DUR_OK;

    if (left_ms == 0) left_ms = 1;
    while (code == DUR_OK && !found && left_ms > 0 && !durable_flag_is_up(&log->stops)) {
        int64_t pause_ms = least(it->pause_ms, left_ms);

        pause_for(it, pause_ms);
        if (log->closed) return DUR_MISUSE; /* by the host's sleep */
        grow(it);
        left_ms -= pause_ms;
        if (wake_ms >= 0 &&
            durable_time_between(began, durable_clock_now(&log->clock)) >= wake_ms)
            return DUR_OK;
        code = look_for_commits(it, &found);
    }
    return code;
}

static int tell_version(rest *it, int code)
{
    dur_log *log = it->log;

    if (code == DUR_OK || log->closed) return code;
    durable_error_copy(&log->error, &log->store->error);
    durable_error_prefix(&log->error, "looking for work: ");
    return code;
}

/* After a round that found work there is another one: it may have made more. */
static int loop_round(rest *it, const dur_work_options *options)
{
    int64_t wake_ms = -1, passes = 0;
    int code = tell_version(it, note_version(it));

    if (code == DUR_OK)
        code = unless_passing(durable_worker_turn(it->log, options, true, &wake_ms, &passes));
    if (code != DUR_OK) return code;
    if (passes > 0)
        it->pause_ms = 1;
    else
        code = tell_version(it, rest_until(it, wake_ms));
    return code;
}

DURABLE_INTERNAL int durable_worker_loop(dur_log *log, const dur_work_options *options)
{
    rest it = {log, options->poll_ms ? options->poll_ms : DEFAULT_POLL_MS, 1, false, 0};
    int code = durable_worker_begin(log);

    if (code != DUR_OK) return code;
    while (code == DUR_OK && !durable_flag_is_up(&log->stops)) code = loop_round(&it, options);
    if (code == DUR_OK) durable_flag_lower(&log->stops);
    durable_worker_end(log);
    return code;
}
