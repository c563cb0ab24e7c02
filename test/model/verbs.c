/* test/model: the store's verbs, each one act, and the faults that can be built into them. */
#include "model.h"

static model_owner *owner_of(model_move *move)
{
    return &move->after.owners[move->owner];
}

static bool has_fault(const model_world *world, unsigned fault)
{
    return (world->faults & fault) != 0;
}

/* What the fence's statement compares. Tokens that are all alike compare as equal. */
static bool passes_fence(const model_world *world, const model_log *log, const model_owner *owner,
                         bool epoch, bool token)
{
    if (!epoch && !token) return true;
    if (!log->held) return false;
    if (epoch && log->epoch != owner->epoch) return false;
    return !token || world->same_tokens || log->serial == owner->serial;
}

static void note(model_move *move, const char *broken)
{
    if (!move->broken) move->broken = broken;
}

/* Whoever changes something holds the claim. */
static void note_writer(model_move *move)
{
    if (!model_holds(&move->after.log, owner_of(move)))
        note(move, "an owner that was fenced has changed the log");
}

static int fresh_serial(const model_world *world, const model_state *state)
{
    int highest = state->log.serial;

    if (state->has_backup && state->backup.serial > highest) highest = state->backup.serial;
    for (int i = 0; i < world->owners; i++)
        if (state->owners[i].serial > highest) highest = state->owners[i].serial;
    return highest + 1;
}

model_verdict model_claim(const model_world *world, model_move *move)
{
    model_log *log = &move->after.log;
    model_owner *owner = owner_of(move);
    bool token_seen = world->same_tokens || log->serial == owner->serial;
    bool as_seen = log->epoch == owner->epoch && token_seen;

    if (!as_seen && !has_fault(world, MODEL_CLAIM_COMPARES_NOTHING)) return MODEL_REFUSED;
    if (log->status == MODEL_COMPLETED) {
        if (!has_fault(world, MODEL_ENDED_IS_CLAIMED | MODEL_CLAIM_COMPARES_NOTHING))
            return MODEL_REFUSED;
        note(move, "a run that has ended was claimed");
    }
    if (log->serial != owner->serial)
        note(move, "a claim was taken that nobody had seen to be free");
    log->epoch = (uint8_t)(owner->epoch + 1);
    log->serial = (uint8_t)fresh_serial(world, &move->after);
    log->held = (uint8_t)(move->owner + 1);
    log->lease_end = (uint8_t)model_time_after(world, owner->time, world->lease);
    log->status = MODEL_RUNNING;
    log->due = MODEL_NEVER;
    log->awaits = 0;
    owner->epoch = log->epoch;
    owner->serial = log->serial;
    return MODEL_OK;
}

/* The lease is renewed once half of it is used. */
static void renew(const model_world *world, model_log *log, int now)
{
    if (2 * (log->lease_end - now) < world->lease)
        log->lease_end = (uint8_t)model_time_after(world, now, world->lease);
}

/* The position holds a row: done before, and only the answer lost? */
static model_verdict met_a_row(model_move *move, const model_row *row)
{
    const model_owner *owner = owner_of(move);

    if (row->epoch != owner->epoch) {
        note(move, "the holder of the claim met a row of another owner");
        return MODEL_CORRUPT;
    }
    if (!model_holds(&move->after.log, owner))
        note(move, "two owners were told that they had recorded the same position");
    return MODEL_OK;
}

static void eat_signal(model_log *log)
{
    for (int i = 0; i < MODEL_SIGNALS_MAX; i++)
        if (log->signals[i].state == MODEL_BUFFERED) {
            log->signals[i].state = MODEL_TAKEN;
            return;
        }
}

model_verdict model_append(const model_world *world, model_move *move, int outcome, bool takes)
{
    model_log *log = &move->after.log;
    model_owner *owner = owner_of(move);
    model_row *row = &log->rows[owner->position];

    if (!passes_fence(world, log, owner, !has_fault(world, MODEL_APPEND_IGNORES_EPOCH),
                      !has_fault(world, MODEL_APPEND_IGNORES_TOKEN)))
        return MODEL_REFUSED;
    if (row->outcome) return met_a_row(move, row);
    if (takes && log->signals[owner->signal].state != MODEL_BUFFERED) {
        note(move, "the signal that was to be received is gone");
        return MODEL_CORRUPT;
    }
    note_writer(move);
    row->outcome = (uint8_t)outcome;
    row->epoch = owner->epoch;
    if (takes) log->signals[owner->signal].state = MODEL_TAKEN;
    if (outcome == MODEL_TIMED_OUT && has_fault(world, MODEL_TIMEOUT_EATS_SIGNAL)) eat_signal(log);
    if (log->armed == owner->position + 1) log->armed = log->deadline = 0;
    renew(world, log, move->after.clock);
    return MODEL_OK;
}

/* Only the signal, without the row: there is no such verb, and this is why. */
model_verdict model_consume(const model_world *world, model_move *move)
{
    model_log *log = &move->after.log;
    model_owner *owner = owner_of(move);

    if (!passes_fence(world, log, owner, true, true)) return MODEL_REFUSED;
    note_writer(move);
    log->signals[owner->signal].state = MODEL_TAKEN;
    return MODEL_OK;
}

/* ---- Leaving ------------------------------------------------------------------------------- */

/* Done before, and only the answer lost? */
static model_verdict gave_back(const model_log *log, const model_owner *owner, int status)
{
    bool same = !log->held && log->epoch == owner->epoch && log->serial == owner->serial;

    return same && log->status == status ? MODEL_OK : MODEL_REFUSED;
}

static bool may_leave(const model_world *world, model_move *move, unsigned fault)
{
    bool checked = !has_fault(world, fault);

    if (!passes_fence(world, &move->after.log, owner_of(move), checked, checked)) return false;
    note_writer(move);
    return true;
}

static void give_back(model_log *log, const model_owner *owner, int status)
{
    log->status = (uint8_t)status;
    log->epoch = owner->epoch;
    log->serial = owner->serial;
    log->held = MODEL_NOBODY;
    log->lease_end = 0;
}

static bool has_signal(const model_log *log)
{
    for (int i = 0; i < MODEL_SIGNALS_MAX; i++)
        if (log->signals[i].state == MODEL_BUFFERED) return true;
    return false;
}

model_verdict model_suspend(const model_world *world, model_move *move)
{
    model_log *log = &move->after.log;
    model_owner *owner = owner_of(move);
    bool keeps = has_fault(world, MODEL_SUSPEND_KEEPS_CLAIM);
    int holder = log->held, lease_end = log->lease_end;

    if (!may_leave(world, move, MODEL_SUSPEND_IGNORES_FENCE))
        return gave_back(log, owner, MODEL_SUSPENDED);
    give_back(log, owner, MODEL_SUSPENDED);
    if (keeps) log->held = (uint8_t)holder;
    if (keeps) log->lease_end = (uint8_t)lease_end;
    log->armed = (uint8_t)(owner->position + 1);
    log->deadline = owner->time;
    log->due = owner->time;
    log->awaits = 1;
    if (has_signal(log) && !has_fault(world, MODEL_SUSPEND_DOES_NOT_LOOK)) {
        if (log->due > move->after.clock) log->due = move->after.clock;
        if (owner->refused) note(move, "a pass ends with the run due for what it did not want");
    }
    return MODEL_OK;
}

model_verdict model_release(const model_world *world, model_move *move)
{
    model_log *log = &move->after.log;
    model_owner *owner = owner_of(move);

    if (!may_leave(world, move, MODEL_RELEASE_IGNORES_FENCE))
        return gave_back(log, owner, MODEL_RUNNING);
    give_back(log, owner, MODEL_RUNNING);
    log->due = move->after.clock;
    return MODEL_OK;
}

model_verdict model_end(const model_world *world, model_move *move)
{
    model_log *log = &move->after.log;
    model_owner *owner = owner_of(move);

    if (!may_leave(world, move, MODEL_END_IGNORES_FENCE))
        return gave_back(log, owner, MODEL_COMPLETED);
    give_back(log, owner, MODEL_COMPLETED);
    log->armed = log->deadline = 0;
    return MODEL_OK;
}

/* ---- Sending ------------------------------------------------------------------------------- */

void model_send(const model_world *world, model_log *log, int signal, int now)
{
    log->signals[signal].state = MODEL_BUFFERED;
    log->signals[signal].sent = (uint8_t)now;
    if (has_fault(world, MODEL_SEND_WAKES_NOBODY)) return;
    if (log->status == MODEL_SUSPENDED && log->awaits && log->due > now) log->due = (uint8_t)now;
}
