/* test/model: an owner, one act at a time: what it may do next, and what it makes of the answer. */
#include "model.h"

#include <string.h>

typedef struct turn {
    const model_world *world;
    const model_state *state;
    int owner;
    model_visitor *visit;
    void *context;
} turn;

static model_owner *begin(const turn *now, model_action action, model_move *move)
{
    memset(move, 0, sizeof *move);
    move->after = *now->state;
    move->action = action;
    move->owner = now->owner;
    move->fair = true;
    return &move->after.owners[now->owner];
}

/* A pass is over: the owner knows nothing of the run any more. */
static void forget(model_owner *owner)
{
    memset(owner, 0, sizeof *owner);
}

static void show(const turn *now, const model_move *move)
{
    now->visit(move, now->context);
}

/* A verb that has written; and the same with its answer lost, after which the owner is where it
 * was (or has given up, if it never knew that it began). */
static void show_write(const turn *now, const model_move *move)
{
    model_move lost;

    show(now, move);
    if (!now->state->lost_answers) return;
    if (memcmp(&move->after.log, &now->state->log, sizeof move->after.log) == 0) return;
    lost = *move;
    lost.answer_lost = true;
    lost.fair = false;
    lost.after.lost_answers--;
    lost.after.owners[now->owner] = now->state->owners[now->owner];
    if (move->action == MODEL_DOES_CLAIM) forget(&lost.after.owners[now->owner]);
    show(now, &lost);
}

/* ---- Looking ------------------------------------------------------------------------------- */

static bool lives_on(const model_state *state, int held)
{
    return held != MODEL_GONE && model_holds(&state->log, &state->owners[held - 1]);
}

/* By outliving: the holder lives, and may go on. */
static void look(const turn *now, bool fair, bool outlives)
{
    model_move move;
    model_owner *owner = begin(now, MODEL_DOES_LOOK, &move);

    move.fair = fair;
    if (outlives) move.after.outlived--;
    owner->doing = MODEL_FOUND;
    owner->epoch = now->state->log.epoch;
    owner->serial = now->state->log.serial;
    owner->time = now->state->clock;
    show(now, &move);
}

/* A claim that is there: our own mark is from a pass of ours that never knew it had begun. */
static void look_at_held(const turn *now)
{
    const model_state *state = now->state;
    const model_log *log = &state->log;
    bool known_dead = log->held == MODEL_GONE && now->world->one_machine;
    bool never = (now->world->faults & MODEL_EXPIRED_STAYS_HELD) != 0;

    if (log->held == now->owner + 1 || known_dead)
        look(now, true, false);
    else if (log->lease_end > state->clock || never)
        return;
    else if (!lives_on(state, log->held))
        look(now, true, false);
    else if (state->outlived)
        look(now, false, true);
}

static void look_around(const turn *now)
{
    const model_log *log = &now->state->log;

    if (log->status == MODEL_COMPLETED) return;
    if (log->held)
        look_at_held(now);
    else if (log->due <= now->state->clock)
        look(now, true, false);
}

static void claim(const turn *now)
{
    model_move move;
    model_owner *owner = begin(now, MODEL_DOES_CLAIM, &move);

    move.verdict = model_claim(now->world, &move);
    if (move.verdict == MODEL_OK) {
        owner->doing = MODEL_CLAIMED;
        owner->time = 0;
    } else {
        forget(owner);
    }
    show_write(now, &move);
}

/* ---- The workflow's function --------------------------------------------------------------- */

/* On to a position that has no row: what its code asks for there. */
static void go_to(const turn *now, model_owner *owner, int position)
{
    model_kind kind =
        position < MODEL_POSITIONS_MAX ? now->world->script[position] : MODEL_NOTHING;

    owner->position = (uint8_t)position;
    owner->signal = owner->refused = owner->time = 0;
    if (kind == MODEL_NOTHING) {
        owner->doing = MODEL_ENDS;
    } else if (kind == MODEL_STEP) {
        owner->doing = MODEL_WORKS;
    } else {
        owner->doing = MODEL_ASKS;
        owner->time = MODEL_UNSET;
    }
}

static void load(const turn *now)
{
    const model_log *log = &now->state->log;
    model_move move;
    model_owner *owner = begin(now, MODEL_DOES_LOAD, &move);
    int position = 0;

    while (position < MODEL_POSITIONS_MAX && log->rows[position].outcome) position++;
    go_to(now, owner, position);
    if (owner->doing == MODEL_ASKS && log->armed == position + 1) owner->time = log->deadline;
    show(now, &move);
}

static int deadline_of(const turn *now, const model_owner *owner)
{
    if (owner->time != MODEL_UNSET) return owner->time;
    if (now->world->script[owner->position] == MODEL_RECEIVE_FOREVER) return MODEL_NEVER;
    return model_time_after(now->world, now->state->clock, now->world->timeout);
}

/* The oldest signal that was not received; -1: none. */
static int oldest_signal(const model_log *log)
{
    for (int i = 0; i < MODEL_SIGNALS_MAX; i++)
        if (log->signals[i].state == MODEL_BUFFERED) return i;
    return -1;
}

/* Before the deadline whatever is there is in time. After it the signal's own time counts, since
 * the run may have woken late. */
static void ask(const turn *now)
{
    const model_log *log = &now->state->log;
    bool stamp_alone = (now->world->faults & MODEL_STAMP_ALONE_COUNTS) != 0;
    model_move move;
    model_owner *owner = begin(now, MODEL_DOES_ASK, &move);
    int deadline = deadline_of(now, owner);
    int signal = oldest_signal(log);
    bool early = now->state->clock < deadline;
    bool wanted = signal >= 0 && ((early && !stamp_alone) || log->signals[signal].sent <= deadline);

    owner->time = (uint8_t)deadline;
    owner->signal = (uint8_t)(wanted ? signal : 0);
    owner->refused = signal >= 0 && !wanted && early;
    owner->doing = wanted ? MODEL_TAKES : early ? MODEL_SUSPENDS : MODEL_TIMES_OUT;
    show(now, &move);
}

static void record(const turn *now, model_action action, int outcome, bool takes)
{
    model_move move;
    model_owner *owner = begin(now, action, &move);

    move.verdict = model_append(now->world, &move, outcome, takes);
    if (move.verdict == MODEL_OK)
        go_to(now, owner, owner->position + 1);
    else
        forget(owner);
    show_write(now, &move);
}

static void consume(const turn *now, bool recorded)
{
    model_move move;
    model_owner *owner = begin(now, MODEL_DOES_CONSUME, &move);

    move.verdict = model_consume(now->world, &move);
    if (move.verdict != MODEL_OK)
        forget(owner);
    else if (recorded)
        go_to(now, owner, owner->position + 1);
    else
        owner->doing = MODEL_RECORDS;
    show_write(now, &move);
}

static void record_first(const turn *now, int outcome)
{
    model_move move;
    model_owner *owner = begin(now, MODEL_DOES_RECORD, &move);

    move.verdict = model_append(now->world, &move, outcome, false);
    if (move.verdict == MODEL_OK)
        owner->doing = MODEL_CONSUMES;
    else
        forget(owner);
    show_write(now, &move);
}

static void take(const turn *now)
{
    int outcome = MODEL_FIRST_SIGNAL + now->state->owners[now->owner].signal;

    if (now->world->faults & MODEL_CONSUME_THEN_RECORD)
        consume(now, false);
    else if (now->world->faults & MODEL_RECORD_THEN_CONSUME)
        record_first(now, outcome);
    else
        record(now, MODEL_DOES_TAKE, outcome, true);
}

/* ---- Leaving ------------------------------------------------------------------------------- */

/* Whatever the answer is, this owner is done with the run. */
static void leave(const turn *now, model_action action,
                  model_verdict (*verb)(const model_world *world, model_move *move))
{
    model_move move;
    model_owner *owner = begin(now, action, &move);

    if (action == MODEL_DOES_GIVE_UP) move.after.releases--;
    if (action == MODEL_DOES_GIVE_UP) move.fair = false;
    move.verdict = verb(now->world, &move);
    forget(owner);
    show_write(now, &move);
}

/* The process is gone, and its mark is nobody's; another one takes its place. */
static void crash(const turn *now)
{
    const model_state *state = now->state;
    model_move move;
    model_owner *owner = begin(now, MODEL_DOES_CRASH, &move);
    int mark = now->owner + 1;
    bool is_marked = state->log.held == mark || state->backup.held == mark;

    if (!state->crashes || (owner->doing == MODEL_IDLE && !is_marked)) return;
    move.fair = false;
    move.after.crashes--;
    if (state->log.held == mark) move.after.log.held = MODEL_GONE;
    if (state->backup.held == mark) move.after.backup.held = MODEL_GONE;
    forget(owner);
    show(now, &move);
}

static void go_on(const turn *now)
{
    const model_owner *owner = &now->state->owners[now->owner];

    switch (owner->doing) {
    case MODEL_IDLE: look_around(now); break;
    case MODEL_FOUND: claim(now); break;
    case MODEL_CLAIMED: load(now); break;
    case MODEL_WORKS: record(now, MODEL_DOES_RECORD, MODEL_RESULT, false); break;
    case MODEL_ASKS: ask(now); break;
    case MODEL_TAKES: take(now); break;
    case MODEL_TIMES_OUT: record(now, MODEL_DOES_TIME_OUT, MODEL_TIMED_OUT, false); break;
    case MODEL_SUSPENDS: leave(now, MODEL_DOES_SUSPEND, model_suspend); break;
    case MODEL_ENDS: leave(now, MODEL_DOES_END, model_end); break;
    case MODEL_RECORDS:
        record(now, MODEL_DOES_RECORD, MODEL_FIRST_SIGNAL + owner->signal, false);
        break;
    case MODEL_CONSUMES: consume(now, true); break;
    default: break;
    }
}

void model_owner_moves(const model_world *world, const model_state *state, int owner,
                       model_visitor *visit, void *context)
{
    const turn now = {world, state, owner, visit, context};

    go_on(&now);
    if (state->owners[owner].doing > MODEL_FOUND && state->releases)
        leave(&now, MODEL_DOES_GIVE_UP, model_release);
    crash(&now);
}
