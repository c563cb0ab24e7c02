/* engine: leaving a run that waits, and waits too short to be worth it. */
#include "engine/engine.h"

/* A sleep may end early, and a clock may be set back under it. */
#define SLEEPS_MAX 16

static bool has_executing(const dur_run *run)
{
    for (const dur_step *step = run->open_first; step; step = step->next)
        if (step->kind == DURABLE_KIND_STEP && step->state == DURABLE_STEP_OPEN) return true;
    return false;
}

/* Such a child ends no later than the run, hears of that first, and may take its time to clean up:
 * it is who says when to look again. */
static bool calls_child(const dur_run *run)
{
    for (const dur_step *step = run->open_first; step; step = step->next)
        if (step->kind == DURABLE_KIND_CHILD && !step->token) return true;
    return false;
}

/* ---- Leaving ------------------------------------------------------------------------------- */

static int leave(dur_run *run, const durable_suspension *suspension)
{
    durable_store *store = run->log->store;
    int code = store->methods->suspend_run(store, &run->fence, suspension);

    run->left = code == DUR_OK;
    run->left_joined = run->left && store->methods->is_joined(store);
    return code;
}

/* Due time and addresses in one piece of memory: the struct, the pointers, the text. */
static durable_suspension *copy_suspension(const durable_suspension *suspension)
{
    size_t size = sizeof *suspension + suspension->await_count * sizeof(char *);
    durable_suspension *copy;
    const char **awaits;
    char *text;

    for (size_t i = 0; i < suspension->await_count; i++) size += strlen(suspension->awaits[i]) + 1;
    copy = durable_allocate(size);
    if (!copy) return NULL;
    *copy = *suspension;
    copy->pending = NULL;
    awaits = (const char **)(void *)(copy + 1);
    text = (char *)(void *)(awaits + suspension->await_count);
    for (size_t i = 0; i < suspension->await_count; i++) {
        size_t length = strlen(suspension->awaits[i]) + 1;

        memcpy(text, suspension->awaits[i], length);
        awaits[i] = text;
        text += length;
    }
    copy->awaits = awaits;
    return copy;
}

/* While steps are being executed the claim is needed: what is to be remembered is written now, and
 * the run is left when the pass ends. */
static int put_and_stay(dur_run *run, const durable_suspension *suspension)
{
    durable_store *store = run->log->store;

    if (!run->suspension) {
        run->suspension = copy_suspension(suspension);
        if (!run->suspension) return durable_error_set(&store->error, DUR_NOMEM, "out of memory");
    }
    if (suspension->due < run->suspension->due) run->suspension->due = suspension->due;
    if (!suspension->pending) return DUR_OK;
    return store->methods->put_pending(store, &run->fence, suspension->pending, 0);
}

DURABLE_INTERNAL int durable_run_suspend(dur_run *run, const durable_suspension *suspension,
                                         int64_t position, const char *what)
{
    durable_suspension bounded = *suspension;
    bool stays = run->stop == DUR_PARKED || run->suspension || has_executing(run);
    int code;

    if (run->log->check)
        return durable_check_frontier(run, position, DURABLE_KIND_CHILD, run->workflow);
    if (run->ends_as == DUR_OK && !run->undoing && run->deadline < bounded.due && !calls_child(run))
        bounded.due = run->deadline;
    bounded.cancels = run->cancels;
    code = stays ? put_and_stay(run, &bounded) : leave(run, &bounded);

    if (code == DUR_OK) {
        durable_run_outrank(run, DUR_SUSPENDED);
        durable_run_stop(run, DUR_SUSPENDED, "position %lld: it waits %s", (long long)position,
                         what);
        return DUR_SUSPENDED;
    }
    if (run->stop != DUR_OK || code == DUR_TOO_BIG)
        return durable_run_take_error(run, code, position, NULL);
    return durable_run_stop_with_store(run, code, position, NULL);
}

DURABLE_INTERNAL int durable_run_leave_suspended(dur_run *run)
{
    int code = DUR_OK;

    if (run->suspension && run->stop == DUR_SUSPENDED && !run->left) {
        run->suspension->now = durable_clock_now(&run->log->clock);
        code = leave(run, run->suspension);
        if (code != DUR_OK) durable_run_take_error(run, code, 0, NULL);
    }
    durable_free(run->suspension);
    run->suspension = NULL;
    return code;
}

/* ---- Sleeping ------------------------------------------------------------------------------ */

/* In a transaction of the host's its locks would be held meanwhile. */
DURABLE_INTERNAL bool durable_sleeps_through(const dur_run *run, int64_t now, int64_t due)
{
    durable_store *store = run->log->store;

    return run->stop == DUR_OK && run->log->sleep_max_ms > 0 &&
           !durable_flag_is_up(&run->log->stops) &&
           durable_time_between(now, due) <= run->log->sleep_max_ms &&
           !store->methods->is_joined(store);
}

/* However the clock is set meanwhile: no longer than the pause was to be. */
DURABLE_INTERNAL void durable_sleep_through(dur_run *run, int64_t now, int64_t due)
{
    const durable_clock *clock = &run->log->clock;
    int64_t pause_ms = durable_time_between(now, due);

    for (int i = 0; i < SLEEPS_MAX && pause_ms > 0; i++) {
        int64_t left_ms;

        durable_clock_sleep(clock, pause_ms);
        left_ms = durable_time_between(durable_clock_now(clock), due);
        pause_ms = left_ms < pause_ms ? left_ms : 0;
    }
}
