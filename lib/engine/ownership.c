/* engine: who may write to a run: starting it, claiming it, and leaving it to a living owner. */
#include "engine/opening.h"

/* Others may start, claim and release between our look and our act; each time round somebody made
 * progress, so that this bound is never met but by a store that does not keep its contract. */
#define TRIES_MAX 100

/* ---- A run that is there ------------------------------------------------------------------- */

static int give_output(dur_log *log, const durable_run_record *record, durable_error *error)
{
    dur_value output;
    int code = durable_value_decode(&record->output, &output);

    if (code != DUR_OK) return durable_error_set(error, code, "its output cannot be read here");
    code = durable_log_set_output(log, output);
    if (code != DUR_OK) return durable_error_set(error, code, "out of memory for its output");
    return DUR_REPLAYED;
}

/* What the visit came to, beside the codes: the run is there and may be claimed. */
#define MAY_CLAIM DUR_EXECUTE

static bool is_unfinished(const durable_run_record *record)
{
    return record->status == DURABLE_RUNNING || record->status == DURABLE_SUSPENDED;
}

/* Of an end that is no completion; DUR_OK: it has not ended. */
static int ended_as(int status)
{
    if (status == DURABLE_FAILED) return DUR_FAILED;
    if (status == DURABLE_CANCELLED) return DUR_CANCELLED;
    if (status == DURABLE_TERMINATED) return DUR_TERMINATED;
    if (status == DURABLE_CONTINUED) return DUR_ENDED;
    return status == DURABLE_TIMED_OUT ? DUR_TIMED_OUT : DUR_OK;
}

static int check_caller(const durable_opening *open, const durable_run_record *record,
                        durable_error *error)
{
    const durable_call *call = open->call;

    if (!record->root && !call) return DUR_OK;
    if (!call)
        return durable_error_set(error, DUR_CONFLICT,
                                 "it is a child that its parent calls: execute the parent");
    if (record->root && record->called_at == call->position &&
        (!call->caller || record->parent == call->caller->fence.run))
        return DUR_OK;
    return durable_error_set(error, DUR_CONFLICT,
                             "it is no child of this place: give the child another id");
}

static int look_at_run(const durable_run_record *record, void *context)
{
    durable_opening *open = context;
    durable_error *error = &open->log->store->error;
    int code;

    open->record = *record;
    open->owner[0] = '\0';
    if (record->owner) strncat(open->owner, record->owner, sizeof open->owner - 1);
    if (open->only_due && !is_unfinished(record)) return DUR_NOT_FOUND;
    code = check_caller(open, record, error);
    if (code != DUR_OK) return code;
    code = durable_run_check_same(record, open->run->workflow, open->start ? &open->input : NULL,
                                  error);
    if (code != DUR_OK) return code;
    if (record->status == DURABLE_COMPLETED) return give_output(open->log, record, error);
    code = ended_as(record->status);
    if (code != DUR_OK)
        return durable_error_set(error, code, "%s",
                                 record->failure     ? record->failure
                                 : code == DUR_ENDED ? "it has continued as new: its successor has"
                                                       " the id without the number behind '~'"
                                                     : "run failed");
    code = durable_run_check_known(open->log, record, error);
    if (code != DUR_OK) return code;
    durable_arena_clear(&open->run->input_arena);
    code = durable_opened_input(open->run, &record->input, error);
    if (code != DUR_OK) return code;
    memcpy(open->run->uid, record->uid, DURABLE_UID_SIZE);
    durable_opened_take(open->run, record);
    return MAY_CLAIM;
}

/* ---- A run that is not --------------------------------------------------------------------- */

static void take_deadline(dur_run *run, int64_t deadline)
{
    run->deadline = deadline;
    run->interrupts = durable_opened_interrupts(run);
}

/* Its root is who workers will take up for it. */
static int put_called(const durable_call *call, durable_new_run *new_run, durable_caller *caller,
                      bool *created, durable_fence *fence)
{
    const dur_run *parent = call->caller;

    caller->root = parent->root ? parent->root : parent->fence.run;
    new_run->queue = DURABLE_QUEUE_CALLED;
    new_run->behaviour = parent->behaviour;
    new_run->deadline = durable_child_deadline(call->options, new_run->now);
    return durable_child_create(call->step, new_run, caller, created, fence);
}

static int create_called(durable_opening *open, durable_new_run *new_run, bool *created)
{
    const durable_call *call = open->call;
    durable_caller caller = {.root = 0};
    dur_run *run = open->run;
    int code;

    if (!call->caller)
        return durable_error_set(&open->log->store->error, DUR_NOT_FOUND,
                                 "the branch is not in this log's database");
    code = put_called(call, new_run, &caller, created, &run->fence);
    take_deadline(run, new_run->deadline);
    run->parent = call->caller->fence.run;
    run->called_at = call->position;
    run->root = caller.root;
    run->depth = caller.depth;
    run->behaviour = new_run->behaviour;
    return code;
}

static int create(durable_opening *open, bool *created)
{
    dur_log *log = open->log;
    dur_run *run = open->run;
    durable_new_run new_run;
    int code = durable_opened_input(run, &open->input, &log->store->error);

    *created = false;
    if (code != DUR_OK) return code;
    durable_run_describe(log, run->workflow, run->id, open->start, run->uid, &new_run);
    new_run.input = open->input;
    new_run.owner = log->owner;
    new_run.lease_end = run->lease_end = durable_time_after(open->now, log->lease_ms);
    new_run.now = open->now;
    run->claims = 1;
    durable_clock_random(&log->clock, &new_run.token, sizeof new_run.token);
    if (open->call) return create_called(open, &new_run, created);
    take_deadline(run, new_run.deadline);
    run->behaviour = new_run.behaviour;
    return log->store->methods->create_run(log->store, &new_run, created, &run->fence);
}

/* ---- Both ---------------------------------------------------------------------------------- */

/* One look and one act. DUR_OK with *done false: somebody was faster, look again. */
static int try_to_open(durable_opening *open, bool *done)
{
    durable_store *store = open->log->store;
    int code;

    open->now = durable_clock_now(&open->log->clock);
    code = store->methods->find_run(store, open->run->id, look_at_run, open);
    if (code == DUR_NOT_FOUND && !open->only_due) {
        code = create(open, done);
        if (code == DUR_OK) durable_history_init(&open->run->history, store, 0, true);
        return code;
    }
    if (code == MAY_CLAIM) code = durable_opening_prepare(open);
    if (code == DUR_OK) code = durable_opening_claim(open, done);
    if (code != DUR_OK || !*done) return code;
    durable_history_init(&open->run->history, store, open->run->fence.run,
                         open->record.epoch == 0 && open->record.restarted_at == 0);
    return open->must_park ? durable_opening_park(open) : DUR_OK;
}

static int open_run(durable_opening *open)
{
    bool done = false;

    for (int i = 0; i < TRIES_MAX && !done; i++) {
        int code = try_to_open(open, &done);

        if (code != DUR_OK) return code;
    }
    if (done) return DUR_OK;
    return durable_error_set(&open->log->store->error, DUR_BUSY,
                             "others keep taking the run: try again later");
}

DURABLE_INTERNAL bool durable_is_open_here(const dur_log *log, const char *run_id)
{
    for (const dur_run *run = log->runs; run; run = run->next)
        if (strcmp(run->id, run_id) == 0) return true;
    return false;
}

static int prepare(durable_opening *open)
{
    dur_log *log = open->log;

    durable_error_clear(&log->error);
    if (durable_value_encode(open->start ? open->start->input : dur_null(), &open->input) != DUR_OK)
        return durable_error_set(&log->error, DUR_MISUSE,
                                 "run \"%s\": the input is no value (type %d)", open->run_id,
                                 (int)open->start->input.type);
    open->run = durable_opened_new(log, open->workflow, open->run_id);
    if (open->run) return DUR_OK;
    return durable_error_set(&log->error, DUR_NOMEM, "run \"%s\": out of memory", open->run_id);
}

static bool ended_as_told(int code)
{
    return code == DUR_FAILED || code == DUR_CANCELLED || code == DUR_TIMED_OUT ||
           code == DUR_TERMINATED;
}

static void tell_opening(const durable_opening *open, int code)
{
    if (ended_as_told(code))
        durable_error_copy(&open->log->error, &open->log->store->error);
    else if (code != DUR_OK)
        durable_log_store_error(open->log, open->run->id);
}

static int begin(durable_opening *open, dur_run **run)
{
    dur_log *log = open->log;
    int code;

    *run = NULL;
    if (durable_is_open_here(log, open->run_id))
        return durable_error_set(&log->error, open->call ? DUR_CONFLICT : DUR_OWNED,
                                 "run \"%s\": it is open on this log already: %s", open->run_id,
                                 open->call ? "give the child another id"
                                            : "close that handle first");
    code = prepare(open);
    if (code != DUR_OK) return code;
    if (open->call) open->run->cancels = open->call->cancels;
    /* Names and input may lie in the output of the run before: it goes last. */
    code = open_run(open);
    if (code != DUR_REPLAYED) tell_opening(open, code);
    if (code != DUR_REPLAYED) durable_log_set_output(log, dur_null());
    if (code == DUR_OK) {
        durable_opened_link(open->run);
        *run = open->run;
    } else {
        durable_opened_free(open->run);
    }
    return code;
}

DURABLE_INTERNAL int durable_run_begin(dur_log *log, const char *workflow, const char *run_id,
                                       const dur_start_options *start, dur_run **run)
{
    durable_opening open;

    memset(&open, 0, sizeof open);
    open.log = log;
    open.workflow = workflow;
    open.run_id = run_id;
    open.start = start;
    return begin(&open, run);
}

static void open_call(durable_opening *open, const durable_call *call, dur_start_options *start)
{
    start->input = call->options->input;
    memset(open, 0, sizeof *open);
    open->log = call->log;
    open->workflow = call->name;
    open->run_id = call->run_id;
    open->start = start;
    open->call = call;
}

DURABLE_INTERNAL int durable_run_begin_call(const durable_call *call, dur_run **run)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    durable_opening open;

    open_call(&open, call, &start);
    return begin(&open, run);
}

/* ---- For an executor ----------------------------------------------------------------------- */

static int look_for_call(const durable_run_record *record, void *context)
{
    const durable_opening *open = context;
    durable_error *error = &open->log->store->error;
    int code = check_caller(open, record, error);

    if (code != DUR_OK) return code;
    return durable_run_check_same(record, open->workflow, &open->input, error);
}

/* It is there already where an earlier pass put it. */
static int put_unclaimed(durable_opening *open)
{
    durable_store *store = open->log->store;
    durable_caller caller = {.root = 0};
    durable_new_run new_run;
    char uid[DURABLE_UID_SIZE];
    bool created;
    int code = store->methods->find_run(store, open->run_id, look_for_call, open);

    if (code != DUR_NOT_FOUND) return code;
    durable_run_describe(open->log, open->workflow, open->run_id, open->start, uid, &new_run);
    new_run.input = open->input;
    new_run.now = new_run.due = durable_clock_now(&open->log->clock);
    code = put_called(open->call, &new_run, &caller, &created, NULL);
    if (code != DUR_OK || created) return code;
    return store->methods->find_run(store, open->run_id, look_for_call, open);
}

DURABLE_INTERNAL int durable_call_create(const durable_call *call)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    durable_opening open;
    int code;

    open_call(&open, call, &start);
    if (durable_value_encode(start.input, &open.input) != DUR_OK)
        return durable_error_set(&call->log->error, DUR_MISUSE,
                                 "run \"%s\": the input is no value (type %d)", call->run_id,
                                 (int)start.input.type);
    code = put_unclaimed(&open);
    return code == DUR_OK ? code : durable_log_store_error(call->log, call->run_id);
}

/* ---- For a worker -------------------------------------------------------------------------- */

/* A run that cannot be opened stands in front of others that can: it is claimed, and given back to
 * come later, like one that an error left. It is not parked, as another program may be able to read
 * it, and its claims in a row are that program's: here the times are counted that it was met. True:
 * done, and the handle is gone. */
static bool put_back(durable_opening *open, int64_t times)
{
    bool claimed = false;

    if (open->record.run == 0) return false; /* the store could not read it */
    if (durable_opening_check(open) != DUR_OK) return false;
    open->claims = open->record.claims;
    open->limited = false;
    if (durable_opening_claim(open, &claimed) != DUR_OK || !claimed) return false;
    open->run->claims = times;
    durable_opened_link(open->run);
    durable_run_close(open->run);
    return true;
}

/* What a dead owner has left behind of a paused run is its claim: that is given back, so that the
 * run does not stand in front of others. DUR_REPLAYED: done. */
static int free_paused(durable_opening *open)
{
    durable_store *store = open->log->store;
    bool claimed = false;
    int code;

    open->claims = open->record.claims;
    open->limited = false;
    code = durable_kept_flush(open->log, &open->record);
    if (code == DUR_OK) code = durable_opening_claim(open, &claimed);
    if (code == DUR_OK && !claimed) return DUR_OWNED;
    if (code == DUR_OK)
        code = store->methods->release_run(store, &open->run->fence, open->now);
    if (code == DUR_OK) return DUR_REPLAYED;
    return code == DUR_LOST ? DUR_OWNED : code;
}

DURABLE_INTERNAL bool durable_is_of_one_run(int code)
{
    return code == DUR_CORRUPT || code == DUR_MISMATCH || code == DUR_VERSION_TOO_NEW ||
           code == DUR_PARKED || code == DUR_TOO_BIG;
}

DURABLE_INTERNAL int durable_run_begin_due(dur_log *log, const char *workflow, const char *run_id,
                                           int64_t seen_next_us, dur_run **run,
                                           int64_t *vain)
{
    durable_opening open;
    bool done = false;
    int code;

    *run = NULL;
    *vain = 0;
    memset(&open, 0, sizeof open);
    open.log = log;
    open.workflow = workflow;
    open.run_id = run_id;
    open.only_due = true;
    open.limited = true;
    open.seen_next_us = seen_next_us;
    code = prepare(&open);
    if (code != DUR_OK) return code;
    code = try_to_open(&open, &done);
    if (log->closed) { /* by a callback */
        durable_opened_free(open.run);
        return DUR_MISUSE;
    }
    if (code == DUR_OK && !done)
        code = durable_error_set(&log->store->error, DUR_OWNED, "somebody was faster");
    if (code == DUR_SUSPENDED && open.record.paused && open.owner[0]) code = free_paused(&open);
    if (code == DUR_OK) {
        durable_log_set_output(log, dur_null());
        durable_opened_link(open.run);
        *run = open.run;
        return DUR_OK;
    }
    if (code != DUR_REPLAYED) tell_opening(&open, code);
    if (durable_is_of_one_run(code) && code != DUR_PARKED) {
        int64_t times = durable_worker_count_trouble(log, run_id);

        if (put_back(&open, times)) return code;
        *vain = times;
    }
    durable_opened_free(open.run);
    return code;
}
