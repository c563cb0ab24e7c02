/* engine: who may write to a run: starting it, claiming it, and leaving it to a living owner. */
#include "engine/engine.h"

/* Others may start, claim and release between our look and our act; each time round somebody made
 * progress, so that this bound is never met but by a store that does not keep its contract. */
#define TRIES_MAX 100

/* What the caller wants, and what the log was found to hold. */
typedef struct opening {
    dur_log *log;
    const char *workflow;
    const char *run_id;
    bool has_input;
    durable_datum input;
    dur_run *run;     /* the handle in the making */
    int64_t claims;   /* to be stored with the claim */
    bool must_park;   /* too many claims without a new row */
    int64_t now;
    durable_run_record record; /* without its bytes, but for: */
    char owner[DURABLE_OWNER_MARK_SIZE];
} opening;

/* ---- The handle ---------------------------------------------------------------------------- */

static dur_run *new_handle(dur_log *log, const char *workflow, const char *run_id)
{
    dur_run *run = durable_allocate(sizeof *run);

    if (!run) return NULL;
    run->log = log;
    run->position = 1;
    run->id = durable_copy_text(run_id, strlen(run_id));
    run->workflow = durable_copy_text(workflow, strlen(workflow));
    if (run->id && run->workflow) return run;
    durable_free(run->id);
    durable_free(run->workflow);
    durable_free(run);
    return NULL;
}

static void free_handle(dur_run *run)
{
    durable_arena_clear(&run->input_arena);
    durable_free(run->id);
    durable_free(run->workflow);
    durable_free(run);
}

static void link_run(dur_run *run)
{
    run->next = run->log->runs;
    if (run->next) run->next->previous = run;
    run->log->runs = run;
}

static int copy_input(dur_run *run, const durable_datum *datum, durable_error *error)
{
    int code = durable_value_decode(datum, &run->input);

    if (code != DUR_OK) return durable_error_set(error, code, "its input cannot be read here");
    if (run->input.type < DUR_TEXT) return DUR_OK;
    run->input.as.bytes =
        durable_arena_copy(&run->input_arena, run->input.as.bytes, run->input.length);
    if (run->input.as.bytes) return DUR_OK;
    return durable_error_set(error, DUR_NOMEM, "out of memory for its input");
}

/* ---- A run that is there ------------------------------------------------------------------- */

static int check_same(const opening *open, const durable_run_record *record, durable_error *error)
{
    if (strcmp(record->workflow, open->run->workflow) != 0)
        return durable_error_set(error, DUR_CONFLICT,
                                 "it was started as workflow \"%s\", not \"%s\": choose another id",
                                 record->workflow, open->run->workflow);
    if (open->has_input && !durable_datum_equal(&record->input, &open->input))
        return durable_error_set(error, DUR_CONFLICT,
                                 "it was started with another input: choose another id, or resume"
                                 " it without giving an input");
    if (record->behaviour > DURABLE_BEHAVIOUR)
        return durable_error_set(error, DUR_VERSION_TOO_NEW,
                                 "it was started by a newer library (behaviour %d, this one knows"
                                 " %d): upgrade it",
                                 record->behaviour, DURABLE_BEHAVIOUR);
    if (strlen(record->uid) != DURABLE_UID_SIZE - 1)
        return durable_error_set(error, DUR_CORRUPT,
                                 "its column \"uid\" does not hold 32 hex digits");
    return DUR_OK;
}

static int give_output(dur_log *log, const durable_run_record *record, durable_error *error)
{
    dur_value output;
    int code = durable_value_decode(&record->output, &output);

    if (code != DUR_OK) return durable_error_set(error, code, "its output cannot be read here");
    code = durable_log_set_output(log, output);
    if (code != DUR_OK) return durable_error_set(error, code, "out of memory for its output");
    return DUR_REPLAYED;
}

/* The lease first: where it has run out the run is free, whoever lives. Asked when the store is
 * done with its row: the host's callback may use its connection. */
static bool is_free(const opening *open)
{
    dur_log *log = open->log;
    int answer = DUR_OWNER_UNKNOWN;

    if (!open->owner[0] || strcmp(open->owner, log->owner) == 0) return true;
    if (open->record.lease_end <= open->now) return true;
    if (log->owner_alive) answer = log->owner_alive(open->owner, log->user);
    if (answer == DUR_OWNER_ALIVE) return false;
    return answer == DUR_OWNER_DEAD || durable_process_is_gone(open->owner);
}

static int check_free(const opening *open)
{
    if (is_free(open)) return DUR_OK;
    return durable_error_set(&open->log->store->error, DUR_OWNED,
                             "it is held by a live owner (%s), whose lease runs for %lld s more",
                             open->owner,
                             (long long)durable_time_between(open->now, open->record.lease_end) /
                                 1000);
}

/* What the visit came to, beside the codes: the run is there and may be claimed. */
#define MAY_CLAIM DUR_EXECUTE

static int look_at_run(const durable_run_record *record, void *context)
{
    opening *open = context;
    durable_error *error = &open->log->store->error;
    int code = check_same(open, record, error);

    if (code != DUR_OK) return code;
    if (record->status == DURABLE_COMPLETED) return give_output(open->log, record, error);
    if (record->status == DURABLE_FAILED) {
        durable_error_set(error, DUR_FAILED, "%s",
                          record->failure ? record->failure : "run failed");
        return DUR_FAILED;
    }
    durable_arena_clear(&open->run->input_arena);
    code = copy_input(open->run, &record->input, error);
    if (code != DUR_OK) return code;
    memcpy(open->run->uid, record->uid, DURABLE_UID_SIZE);
    open->record = *record;
    open->owner[0] = '\0';
    if (record->owner) strncat(open->owner, record->owner, sizeof open->owner - 1);
    return MAY_CLAIM;
}

/* A poison pill kills each owner before it records anything: after some claims in a row without a
 * new row, the run waits for a person. Whoever executes a parked run starts the count anew. */
static int count_claims(opening *open)
{
    durable_store *store = open->log->store;
    durable_history_summary summary;
    int code;

    open->must_park = false;
    open->claims = open->record.status == DURABLE_PARKED ? 1 : open->record.claims + 1;
    if (open->claims <= DUR_CLAIMS_MAX) return DUR_OK;
    code = store->methods->summarize_history(store, open->record.run, &summary);
    if (code != DUR_OK) return code;
    if (summary.last > 0 && open->record.epoch - summary.last_epoch < DUR_CLAIMS_MAX)
        open->claims = open->record.epoch - summary.last_epoch + 1;
    open->must_park = open->claims > DUR_CLAIMS_MAX;
    return DUR_OK;
}

static int claim(opening *open, bool *claimed)
{
    dur_log *log = open->log;
    durable_claim wanted;

    memset(&wanted, 0, sizeof wanted);
    wanted.run = open->record.run;
    wanted.seen_epoch = open->record.epoch;
    wanted.seen_token = open->record.token;
    wanted.owner = log->owner;
    wanted.lease_end = open->run->lease_end = durable_time_after(open->now, log->lease_ms);
    wanted.claims = open->claims;
    durable_clock_random(&log->clock, &wanted.token, sizeof wanted.token);
    return log->store->methods->claim_run(log->store, &wanted, claimed, &open->run->fence);
}

static int park_poison(opening *open)
{
    durable_store *store = open->log->store;
    durable_ending ending;
    int code;

    memset(&ending, 0, sizeof ending);
    ending.status = DURABLE_PARKED;
    ending.now = open->now;
    ending.failure = "claimed again and again without recording a new step";
    code = store->methods->end_run(store, &open->run->fence, &ending);
    if (code != DUR_OK) return code;
    return durable_error_set(&store->error, DUR_PARKED,
                             "claimed %d times in a row without recording a new step: parked; mend"
                             " what keeps it from going on (does it crash its process? does it"
                             " always stop?), then execute it again",
                             DUR_CLAIMS_MAX);
}

/* ---- A run that is not --------------------------------------------------------------------- */

static void draw_uid(dur_log *log, char uid[DURABLE_UID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[(DURABLE_UID_SIZE - 1) / 2];

    durable_clock_random(&log->clock, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        uid[2 * i] = digits[bytes[i] >> 4];
        uid[2 * i + 1] = digits[bytes[i] & 15u];
    }
    uid[DURABLE_UID_SIZE - 1] = '\0';
}

static int create(opening *open, bool *created)
{
    dur_log *log = open->log;
    dur_run *run = open->run;
    durable_new_run new_run;
    int code = copy_input(run, &open->input, &log->store->error);

    *created = false;
    if (code != DUR_OK) return code;
    memset(&new_run, 0, sizeof new_run);
    draw_uid(log, run->uid);
    new_run.id = run->id;
    new_run.uid = run->uid;
    new_run.workflow = run->workflow;
    new_run.code_version = log->code_version;
    new_run.behaviour = DURABLE_BEHAVIOUR;
    new_run.input = open->input;
    new_run.owner = log->owner;
    new_run.lease_end = run->lease_end = durable_time_after(open->now, log->lease_ms);
    new_run.now = open->now;
    durable_clock_random(&log->clock, &new_run.token, sizeof new_run.token);
    return log->store->methods->create_run(log->store, &new_run, created, &run->fence);
}

/* ---- Both ---------------------------------------------------------------------------------- */

/* One look and one act. DUR_OK with *done false: somebody was faster, look again. */
static int try_to_open(opening *open, bool *done)
{
    durable_store *store = open->log->store;
    int code;

    open->now = durable_clock_now(&open->log->clock);
    code = store->methods->find_run(store, open->run->id, look_at_run, open);
    if (code == DUR_NOT_FOUND) {
        code = create(open, done);
        if (code == DUR_OK) durable_history_init(&open->run->history, store, 0, true);
        return code;
    }
    if (code != MAY_CLAIM) return code;
    code = check_free(open);
    if (code == DUR_OK) code = durable_kept_flush(open->log, &open->record);
    if (code == DUR_OK) code = count_claims(open);
    if (code == DUR_OK) code = claim(open, done);
    if (code != DUR_OK || !*done) return code;
    durable_history_init(&open->run->history, store, open->run->fence.run, false);
    return open->must_park ? park_poison(open) : DUR_OK;
}

static int open_run(opening *open)
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

static bool is_open_here(const dur_log *log, const char *run_id)
{
    for (const dur_run *run = log->runs; run; run = run->next)
        if (strcmp(run->id, run_id) == 0) return true;
    return false;
}

static int prepare(opening *open, const dur_start_options *start)
{
    dur_log *log = open->log;

    durable_error_clear(&log->error);
    if (is_open_here(log, open->run_id))
        return durable_error_set(&log->error, DUR_OWNED,
                                 "run \"%s\": it is open on this log already: close that handle"
                                 " first",
                                 open->run_id);
    open->has_input = start != NULL;
    if (durable_value_encode(start ? start->input : dur_null(), &open->input) != DUR_OK)
        return durable_error_set(&log->error, DUR_MISUSE,
                                 "run \"%s\": the input is no value (type %d)", open->run_id,
                                 (int)start->input.type);
    open->run = new_handle(log, open->workflow, open->run_id);
    if (open->run) return DUR_OK;
    return durable_error_set(&log->error, DUR_NOMEM, "run \"%s\": out of memory", open->run_id);
}

static void tell_opening(const opening *open, int code)
{
    if (code == DUR_FAILED)
        durable_error_copy(&open->log->error, &open->log->store->error);
    else if (code != DUR_OK)
        durable_log_store_error(open->log, open->run->id);
}

DURABLE_INTERNAL int durable_run_begin(dur_log *log, const char *workflow, const char *run_id,
                                       const dur_start_options *start, dur_run **run)
{
    opening open;
    int code;

    *run = NULL;
    memset(&open, 0, sizeof open);
    open.log = log;
    open.workflow = workflow;
    open.run_id = run_id;
    code = prepare(&open, start);
    if (code != DUR_OK) return code;
    /* Names and input may lie in the output of the run before: it goes last. */
    code = open_run(&open);
    if (code != DUR_REPLAYED) tell_opening(&open, code);
    if (code != DUR_REPLAYED) durable_log_set_output(log, dur_null());
    if (code == DUR_OK) {
        link_run(open.run);
        *run = open.run;
    } else {
        free_handle(open.run);
    }
    return code;
}
