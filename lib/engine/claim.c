/* engine: claiming a run: who holds it, whether it is due, and how often it was claimed before. */
#include "engine/opening.h"

/* ---- May it be claimed? -------------------------------------------------------------------- */

/* The lease first: where it has run out the run is free, whoever lives. Asked when the store is
 * done with its row: the host's callback may use its connection. */
DURABLE_INTERNAL bool durable_owner_is_gone(const dur_log *log, const char *owner,
                                            int64_t lease_end, int64_t now)
{
    int answer = DUR_OWNER_UNKNOWN;

    if (strcmp(owner, log->owner) == 0) return true;
    if (lease_end <= now) return true;
    if (log->owner_alive) answer = log->owner_alive(owner, log->user);
    if (answer == DUR_OWNER_ALIVE) return false;
    return answer == DUR_OWNER_DEAD || durable_process_is_gone(owner);
}

static bool is_held(const durable_opening *open)
{
    return open->owner[0] != '\0';
}

/* A handle on a run may outlive its claim: the run waits, or another owner took it. Only the claim
 * counts then: what the old handle would still write is fenced off. */
static bool is_held_here(const durable_opening *open)
{
    for (const dur_run *run = open->log->runs; run; run = run->next)
        if (run->fence.run == open->record.run && run->fence.epoch == open->record.epoch &&
            run->fence.token == open->record.token)
            return true;
    return false;
}

static int check_free(const durable_opening *open)
{
    const durable_run_record *record = &open->record;
    bool gone;

    if (!is_held(open)) return DUR_OK;
    if (is_held_here(open))
        return durable_error_set(&open->log->store->error, DUR_OWNED,
                                 "it is open on this log already");
    gone = durable_owner_is_gone(open->log, open->owner, record->lease_end, open->now);
    if (open->log->closed) return DUR_MISUSE; /* by the host's callback, in a worker */
    if (gone) return DUR_OK;
    return durable_error_set(&open->log->store->error, DUR_OWNED,
                             "it is held by a live owner (%s), whose lease runs for %lld s more",
                             open->owner,
                             (long long)durable_time_between(open->now, record->lease_end) / 1000);
}

/* One that an error or dur_stop() left is due at some time, too, but that is for workers: whoever
 * executes it by hand knows why. Without any time and never claimed is only what was started in a
 * way that lost half of it, such as an authorizer that ignores writes. */
static int check_due(const durable_opening *open)
{
    const durable_run_record *record = &open->record;
    durable_error *error = &open->log->store->error;
    bool never = record->due == DURABLE_NEVER;
    bool waits = record->status == DURABLE_SUSPENDED || (record->epoch == 0 && !never);
    char when[DURABLE_TIME_SIZE];

    if (is_held(open) || record->due <= open->now || !(waits || open->only_due)) return DUR_OK;
    if (never) return durable_error_set(error, DUR_SUSPENDED, "it waits for a signal");
    durable_time_print(when, record->due);
    return durable_error_set(error, DUR_SUSPENDED, "it waits until %s (%lld)", when,
                             (long long)record->due);
}

/* A poison pill kills each owner before it records anything: after some claims in a row without a
 * new row, the run waits for a person. Whoever executes a parked run starts the count anew. */
static int count_claims(durable_opening *open)
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
    /* What it calls goes on, or is counted itself. */
    if (summary.calls) open->claims = 1;
    open->must_park = open->claims > DUR_CLAIMS_MAX;
    return DUR_OK;
}

/* A child that is called is due with what it calls itself; and at once where it is to end, or was
 * never begun: the clock of whoever put it into the log may go before this one's. */
static int find_due(durable_opening *open)
{
    durable_store *store = open->log->store;
    durable_run_record *record = &open->record;

    if (!open->call || record->due <= open->now) return DUR_OK;
    if (open->call->cancels || record->epoch == 0) {
        record->due = open->now;
        return DUR_OK;
    }
    if (record->status != DURABLE_SUSPENDED) return DUR_OK;
    return store->methods->earliest_due(store, record->run, &record->due);
}

/* A run that its parent calls is paused by who pauses its root. */
static int check_not_paused(const durable_opening *open)
{
    const durable_run_record *record = &open->record;

    if (!record->paused || open->call) return DUR_OK;
    return durable_error_set(&open->log->store->error, DUR_SUSPENDED,
                             "it is paused%s: dur_resume() lets it go on",
                             record->status == DURABLE_PARKED ? ", and parked" : "");
}

DURABLE_INTERNAL int durable_opening_check(durable_opening *open)
{
    int code = check_free(open);

    if (code == DUR_OK) code = check_not_paused(open);
    if (code == DUR_OK) code = find_due(open);
    return code == DUR_OK ? check_due(open) : code;
}

DURABLE_INTERNAL int durable_opening_prepare(durable_opening *open)
{
    int code = durable_opening_check(open);

    if (code == DUR_OK) code = durable_kept_flush(open->log, &open->record);
    if (code == DUR_OK) code = count_claims(open);
    return code;
}

/* ---- Claiming ------------------------------------------------------------------------------ */

DURABLE_INTERNAL size_t durable_owner_process_length(const char *owner)
{
    const char *blank = strrchr(owner, ' ');

    return blank ? (size_t)(blank - owner) + 1 : strlen(owner);
}

/* What came before may have taken its time: a lease and a queue's turn are counted from here. */
DURABLE_INTERNAL int durable_opening_claim(durable_opening *open, bool *claimed)
{
    dur_log *log = open->log;
    durable_claim wanted;

    open->now = durable_clock_now(&log->clock);
    memset(&wanted, 0, sizeof wanted);
    wanted.run = open->record.run;
    wanted.seen_epoch = open->record.epoch;
    wanted.seen_token = open->record.token;
    wanted.seen_held = is_held(open);
    wanted.owner = log->owner;
    wanted.lease_end = open->run->lease_end = durable_time_after(open->now, log->lease_ms);
    wanted.claims = open->run->claims = open->claims;
    open->run->was_parked = open->record.status == DURABLE_PARKED;
    wanted.limited = open->limited;
    wanted.seen_next_us = open->seen_next_us;
    wanted.process_length = durable_owner_process_length(log->owner);
    wanted.now = open->now;
    durable_clock_random(&log->clock, &wanted.token, sizeof wanted.token);
    return log->store->methods->claim_run(log->store, &wanted, claimed, &open->run->fence);
}

DURABLE_INTERNAL int durable_opening_park(durable_opening *open)
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
