/* test/model: the world around the owners, what must hold in every state, and which states are the
 * same. */
#include "model.h"

#include <string.h>

void model_start(const model_world *world, model_state *state)
{
    memset(state, 0, sizeof *state);
    state->crashes = (uint8_t)world->crashes;
    state->outlived = (uint8_t)world->outlived;
    state->jumps = (uint8_t)world->jumps;
    state->releases = (uint8_t)world->releases;
    state->lost_answers = (uint8_t)world->lost_answers;
    state->backups = (uint8_t)world->backups;
}

/* ---- The world's moves --------------------------------------------------------------------- */

static void begin(const model_state *state, model_action action, bool fair, model_move *move)
{
    memset(move, 0, sizeof *move);
    move->after = *state;
    move->action = action;
    move->owner = -1;
    move->fair = fair;
}

static void move_clock(const model_world *world, const model_state *state, model_visitor *visit,
                       void *context)
{
    model_move move;

    if (state->clock < world->horizon) {
        begin(state, MODEL_TICK, true, &move);
        move.after.clock++;
        visit(&move, context);
    }
    if (state->clock > 0 && state->jumps) {
        begin(state, MODEL_JUMP, false, &move);
        move.after.latest = state->clock;
        move.after.clock = 0;
        move.after.jumps--;
        visit(&move, context);
    }
}

static bool waits_forever(const model_world *world)
{
    for (int i = 0; i < MODEL_POSITIONS_MAX; i++)
        if (world->script[i] == MODEL_RECEIVE_FOREVER) return true;
    return false;
}

/* To a run that ended it is refused. It is somebody's whim, unless the run needs it to end. */
static void send(const model_world *world, const model_state *state, model_visitor *visit,
                 void *context)
{
    model_move move;
    int signal = 0;

    while (signal < world->signals && state->log.signals[signal].state != MODEL_UNSENT) signal++;
    if (signal == world->signals || state->log.status == MODEL_COMPLETED) return;
    begin(state, MODEL_SEND, waits_forever(world), &move);
    model_send(world, &move.after.log, signal, state->clock);
    visit(&move, context);
}

/* Is the claim that comes back with the backup that of a pass which goes on? */
static bool would_meet_holder(const model_world *world, const model_state *state)
{
    for (int i = 0; i < world->owners; i++)
        if (model_holds(&state->backup, &state->owners[i])) return true;
    return false;
}

static void back_up_and_restore(const model_world *world, const model_state *state,
                                model_visitor *visit, void *context)
{
    model_move move;

    if (state->backups && !state->has_backup) {
        begin(state, MODEL_BACK_UP, false, &move);
        move.after.backup = state->log;
        move.after.has_backup = 1;
        move.after.backups--;
        visit(&move, context);
    }
    if (state->has_backup && !would_meet_holder(world, state)) {
        begin(state, MODEL_RESTORE, false, &move);
        move.after.log = state->backup;
        memset(&move.after.backup, 0, sizeof move.after.backup);
        move.after.has_backup = 0;
        visit(&move, context);
    }
}

void model_moves(const model_world *world, const model_state *state, model_visitor *visit,
                 void *context)
{
    for (int i = 0; i < world->owners; i++) model_owner_moves(world, state, i, visit, context);
    send(world, state, visit, context);
    move_clock(world, state, visit, context);
    back_up_and_restore(world, state, visit, context);
}

/* ---- What must hold ------------------------------------------------------------------------ */

/* A valid claim's holder that is between the two halves of a receipt: there is no such owner in the
 * design, and the faults are not to be found by what would still come right. */
static bool is_in_hand(const model_world *world, const model_state *state, int signal)
{
    for (int i = 0; i < world->owners; i++) {
        const model_owner *owner = &state->owners[i];
        bool between = owner->doing == MODEL_RECORDS || owner->doing == MODEL_CONSUMES;

        if (between && owner->signal == signal && model_holds(&state->log, owner)) return true;
    }
    return false;
}

static const char *broken_signal(const model_world *world, const model_state *state, int signal)
{
    const model_log *log = &state->log;
    int receipts = 0;

    for (int i = 0; i < MODEL_POSITIONS_MAX; i++)
        receipts += log->rows[i].outcome == MODEL_FIRST_SIGNAL + signal;
    if (receipts > 1) return "a signal was received twice";
    if (is_in_hand(world, state, signal)) return NULL;
    if (log->signals[signal].state == MODEL_TAKEN && receipts == 0) return "a signal was lost";
    if (log->signals[signal].state == MODEL_BUFFERED && receipts > 0)
        return "a signal that was received waits to be received again";
    return NULL;
}

/* Due by the latest time that anybody has seen: a clock that jumps back delays it. */
static bool is_due(const model_state *state)
{
    int latest = state->latest > state->clock ? state->latest : state->clock;

    return state->log.due <= latest;
}

static const char *broken_wait(const model_state *state)
{
    const model_log *log = &state->log;

    if (log->status == MODEL_RUNNING && !log->held && log->due == MODEL_NEVER)
        return "a run that nobody holds will never be due";
    if (log->status == MODEL_RUNNING) return NULL;
    if (log->held) return "a run that is suspended or has ended is held";
    if (log->status == MODEL_COMPLETED) return NULL;
    for (int i = 0; i < MODEL_SIGNALS_MAX; i++)
        if (log->signals[i].state == MODEL_BUFFERED && !is_due(state))
            return "a run is asleep, and the signal that it awaits is there";
    return NULL;
}

static const char *broken_rows(const model_world *world, const model_log *log)
{
    bool missing = false;

    for (int i = 0; i < MODEL_POSITIONS_MAX && world->script[i]; i++) {
        if (missing && log->rows[i].outcome) return "a row is missing before another one";
        missing = missing || !log->rows[i].outcome;
    }
    if (missing && log->status == MODEL_COMPLETED) return "a run has ended without all its steps";
    if (log->armed && log->rows[log->armed - 1].outcome)
        return "a position has an outcome and is pending";
    return NULL;
}

const char *model_broken(const model_world *world, const model_state *state)
{
    const char *broken = broken_rows(world, &state->log);

    if (!broken) broken = broken_wait(state);
    for (int i = 0; i < world->signals && !broken; i++) broken = broken_signal(world, state, i);
    return broken;
}

/* ---- Which states are the same ------------------------------------------------------------- */

/* Tokens are numbered in the order in which they are met, from 0. One that cannot come back: */
#define DEAD_SERIAL 99

typedef struct renumbering {
    uint8_t known[MODEL_OWNERS_MAX + 2];
    uint8_t count;
} renumbering;

/* Only whether a row is of the claim's own epoch is ever asked. */
static void shift_epochs(model_log *log, int by)
{
    for (int i = 0; i < MODEL_POSITIONS_MAX; i++)
        log->rows[i].epoch = log->rows[i].epoch == log->epoch ? (uint8_t)(log->epoch - by) : 0;
    log->epoch = (uint8_t)(log->epoch - by);
}

/* Epochs are compared for being equal and counted up, so that the lowest one that can come back may
 * as well be 1. What is lower is dead: its fence fits nothing that is or will be. */
static void forget_epochs(const model_world *world, model_state *state)
{
    int lowest = state->log.epoch;

    if (state->has_backup && state->backup.epoch < lowest) lowest = state->backup.epoch;
    for (int i = 0; i < world->owners; i++) {
        model_owner *owner = &state->owners[i];

        if (owner->doing && owner->epoch < lowest) owner->serial = DEAD_SERIAL;
        if (owner->doing)
            owner->epoch = (uint8_t)(owner->epoch < lowest ? 0 : owner->epoch - lowest + 1);
    }
    shift_epochs(&state->log, lowest - 1);
    if (state->has_backup) shift_epochs(&state->backup, lowest - 1);
}

/* What has come and cannot be undone by the clock. */
static void forget_times(model_state *state)
{
    if (state->jumps) return;
    if (state->log.lease_end <= state->clock) state->log.lease_end = 0;
    if (state->log.due <= state->clock) state->log.due = 0;
}

static uint8_t renumber(renumbering *numbers, uint8_t serial)
{
    if (serial == DEAD_SERIAL) return serial;
    for (uint8_t i = 0; i < numbers->count; i++)
        if (numbers->known[i] == serial) return i;
    numbers->known[numbers->count] = serial;
    return numbers->count++;
}

static void rename_mark(model_log *log, const int *place)
{
    if (log->held != MODEL_NOBODY && log->held != MODEL_GONE)
        log->held = (uint8_t)(place[log->held - 1] + 1);
}

/* The same state with each owner in another place. */
static void rearrange(const model_world *world, const model_state *from, const int *place,
                      model_state *to)
{
    renumbering numbers = {{0}, 0};

    *to = *from;
    for (int i = 0; i < world->owners; i++) to->owners[place[i]] = from->owners[i];
    rename_mark(&to->log, place);
    rename_mark(&to->backup, place);
    to->log.serial = renumber(&numbers, to->log.serial);
    if (to->has_backup) to->backup.serial = renumber(&numbers, to->backup.serial);
    for (int i = 0; i < world->owners; i++)
        if (to->owners[i].doing) to->owners[i].serial = renumber(&numbers, to->owners[i].serial);
}

void model_make_canonical(const model_world *world, model_state *state)
{
    static const int places[6][MODEL_OWNERS_MAX] = {{0, 1, 2}, {1, 0, 2}, {0, 2, 1},
                                                    {2, 1, 0}, {1, 2, 0}, {2, 0, 1}};
    static const int counts[MODEL_OWNERS_MAX + 1] = {1, 1, 2, 6};
    model_state least, other;

    if (world->plain) return;
    forget_epochs(world, state);
    forget_times(state);
    rearrange(world, state, places[0], &least);
    for (int i = 1; i < counts[world->owners]; i++) {
        rearrange(world, state, places[i], &other);
        if (memcmp(&other, &least, sizeof least) < 0) least = other;
    }
    *state = least;
}
