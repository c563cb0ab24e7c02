/*
 * test/model: a run, its owners, its signals, the clock and what goes wrong, as a state machine
 * that is small enough to look at every state it can get into.
 *
 * Each action of an owner is one verb of lib/store/store.h, or a read and the decision taken from
 * it, and happens in one piece; between two actions anything else may happen, so that an owner that
 * is stopped (SIGSTOP) past its lease and goes on is simply one that takes no turn for a while.
 * Which action stands for what:
 *
 *   looks      find_due, find_held, find_run; the decision is is_free() in lib/engine/ownership.c
 *   claims     claim_run: a claim's row is put, or taken over, in lib/store/sqlite/runs.c; a fresh
 *              token, the epoch counted up, done only if both are the ones seen
 *   loads      load_history, load_pending: replay up to the first position without a row
 *   records    append_outcomes, lib/store/sqlite/steps.c, called by lib/engine/record.c; the fence
 *              is in the statement, the lease is renewed, the pending row goes, in the same act
 *   asks       peek_signal, and the decision of dur_receive() in durable.h
 *   takes      append_outcomes with takes_signal
 *   times out  append_outcomes of DURABLE_OUTCOME_TIMED_OUT
 *   suspends   suspend_run: pending row, due time and giving back, and a signal that is there
 *              already makes it due, in the same act
 *   gives up   release_run: a pass that was stopped
 *   ends       end_run
 *   send       send_signal, by anybody, at any time
 *   back up, restore   a copy of the file brought back, or a host's ROLLBACK, for which the epochs
 *              repeat that owners still have in their hands. Claims of passes that go on do not
 *              come back: what a ROLLBACK takes from under them is durable_fence.provisional's
 *              matter, and rows that miss are told by `low`
 *
 * A written answer may get lost (the commit was reported as failed and has survived): the verb is
 * done again. Behaviours that need luck are bounded by a budget each, see model_world.
 *
 * A claim's token is its serial number, which no other claim ever has; it is how the model itself
 * knows who holds the claim, whatever a mutated verb checks.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_OWNERS_MAX 3
#define MODEL_SIGNALS_MAX 2
#define MODEL_POSITIONS_MAX 3

/* What the workflow asks for at a position. */
typedef enum model_kind {
    MODEL_NOTHING = 0, /* its function has returned */
    MODEL_STEP,
    MODEL_RECEIVE,        /* with a timeout */
    MODEL_RECEIVE_FOREVER /* without */
} model_kind;

/* Faults of the design that the search must find. */
enum {
    MODEL_APPEND_IGNORES_EPOCH = 1 << 0,
    MODEL_APPEND_IGNORES_TOKEN = 1 << 1,
    MODEL_CLAIM_COMPARES_NOTHING = 1 << 2,
    MODEL_SUSPEND_DOES_NOT_LOOK = 1 << 3, /* signal checked and suspended in two transactions */
    MODEL_CONSUME_THEN_RECORD = 1 << 4,   /* in two transactions */
    MODEL_RECORD_THEN_CONSUME = 1 << 5,
    MODEL_EXPIRED_STAYS_HELD = 1 << 6,
    MODEL_SUSPEND_KEEPS_CLAIM = 1 << 7,
    MODEL_END_IGNORES_FENCE = 1 << 8,
    MODEL_SUSPEND_IGNORES_FENCE = 1 << 9,
    MODEL_RELEASE_IGNORES_FENCE = 1 << 10,
    MODEL_TIMEOUT_EATS_SIGNAL = 1 << 11,
    MODEL_STAMP_ALONE_COUNTS = 1 << 12, /* a signal's time against the deadline, not the clock's */
    MODEL_ENDED_IS_CLAIMED = 1 << 13,   /* by who saw its lease run out before it ended */
    MODEL_SEND_WAKES_NOBODY = 1 << 14
};

/* What there is, and how often what may happen. */
typedef struct model_world {
    const char *name;
    int owners;
    int signals;
    model_kind script[MODEL_POSITIONS_MAX];
    int horizon; /* the clock stops here, and every lease and deadline has come then */
    int lease;
    int timeout;
    int crashes;
    int outlived; /* claims taken from owners that live, for their leases ran out */
    int jumps;    /* the clock goes back to its start */
    int releases;
    int lost_answers;
    int backups; /* 0 or 1 */
    bool one_machine; /* who is dead is known at once; else only the lease tells */
    bool same_tokens; /* the host's random numbers are all the same */
    bool plain;       /* tell all states apart; to hold the shorter search against */
    unsigned faults;
} model_world;

/* No such time; and: not fixed yet. */
#define MODEL_NEVER 255
#define MODEL_UNSET 254

/* model_log.held: nobody, an owner's number + 1, or a process that is gone. */
#define MODEL_NOBODY 0
#define MODEL_GONE 100

enum { MODEL_RUNNING = 0, MODEL_SUSPENDED, MODEL_COMPLETED };
enum { MODEL_UNSENT = 0, MODEL_BUFFERED, MODEL_TAKEN };

/* A row's outcome: none, a result, a timeout, or a signal's number + MODEL_FIRST_SIGNAL. */
enum { MODEL_NONE = 0, MODEL_RESULT, MODEL_TIMED_OUT, MODEL_FIRST_SIGNAL };

/* All states are bytes without gaps: they are compared and hashed as such. */
typedef struct model_row {
    uint8_t outcome;
    uint8_t epoch;
} model_row;

typedef struct model_signal {
    uint8_t state;
    uint8_t sent;
} model_signal;

/* The database. Epoch and serial are those of the claim's row, or, without one, those that the
 * run's row keeps of the last claim that was given back. */
typedef struct model_log {
    uint8_t status;
    uint8_t held;
    uint8_t epoch;
    uint8_t serial;
    uint8_t lease_end;
    uint8_t due;
    uint8_t awaits;   /* a signal makes it due */
    uint8_t armed;    /* the position of its pending row; 0: none */
    uint8_t deadline; /* of that */
    model_row rows[MODEL_POSITIONS_MAX];
    model_signal signals[MODEL_SIGNALS_MAX]; /* in the order of sending */
} model_log;

/* What an owner does next. */
enum {
    MODEL_IDLE = 0,
    MODEL_FOUND,
    MODEL_CLAIMED,
    MODEL_WORKS,
    MODEL_ASKS,
    MODEL_TAKES,
    MODEL_TIMES_OUT,
    MODEL_SUSPENDS,
    MODEL_ENDS,
    MODEL_RECORDS,  /* a signal that it has consumed: faulty */
    MODEL_CONSUMES  /* a signal that it has recorded: faulty */
};

typedef struct model_owner {
    uint8_t doing;
    uint8_t epoch; /* seen, then its fence */
    uint8_t serial;
    uint8_t time;     /* of its look, then the deadline of its wait */
    uint8_t position; /* from 0 */
    uint8_t signal;   /* the one it takes */
    uint8_t refused;  /* a signal that is there, but came too late */
} model_owner;

typedef struct model_state {
    model_log log;
    model_log backup;
    model_owner owners[MODEL_OWNERS_MAX];
    uint8_t clock;
    uint8_t latest; /* that the clock has shown before it went back */
    uint8_t crashes;
    uint8_t outlived;
    uint8_t jumps;
    uint8_t releases;
    uint8_t lost_answers;
    uint8_t backups;
    uint8_t has_backup;
} model_state;

typedef enum model_action {
    MODEL_DOES_LOOK,
    MODEL_DOES_CLAIM,
    MODEL_DOES_LOAD,
    MODEL_DOES_RECORD,
    MODEL_DOES_ASK,
    MODEL_DOES_TAKE,
    MODEL_DOES_CONSUME,
    MODEL_DOES_TIME_OUT,
    MODEL_DOES_SUSPEND,
    MODEL_DOES_GIVE_UP,
    MODEL_DOES_END,
    MODEL_DOES_CRASH,
    MODEL_TICK,
    MODEL_JUMP,
    MODEL_SEND,
    MODEL_BACK_UP,
    MODEL_RESTORE
} model_action;

#define MODEL_ACTIONS (MODEL_RESTORE + 1)

/* What a verb came to. */
typedef enum model_verdict { MODEL_OK, MODEL_REFUSED, MODEL_CORRUPT } model_verdict;

typedef struct model_move {
    model_state after;
    model_action action;
    int owner; /* whose, for those that an owner does */
    model_verdict verdict;
    bool answer_lost;
    bool fair;          /* happens sooner or later: no mishap, nobody's whim */
    const char *broken; /* the promise that this act breaks; NULL: none */
} model_move;

typedef void model_visitor(const model_move *move, void *context);

void model_start(const model_world *world, model_state *state);

/* Every move that is possible now. */
void model_moves(const model_world *world, const model_state *state, model_visitor *visit,
                 void *context);

/* The promise that this state breaks; NULL: none. */
const char *model_broken(const model_world *world, const model_state *state);

/* One state for all that differ only in the names of owners and tokens. */
void model_make_canonical(const model_world *world, model_state *state);

/* A move in words; and what sort of move it is. */
void model_tell(const model_state *before, const model_move *move, char *text, size_t size);
const char *model_action_name(model_action action);

/* ---- Inside the model ---------------------------------------------------------------------- */

/* owner.c: the moves of one owner. */
void model_owner_moves(const model_world *world, const model_state *state, int owner,
                       model_visitor *visit, void *context);

/* Whether this very pass holds the claim: what every fence is there to tell. */
static inline bool model_holds(const model_log *log, const model_owner *owner)
{
    return owner->doing > MODEL_FOUND && log->held && log->serial == owner->serial;
}

static inline int model_time_after(const model_world *world, int time, int span)
{
    return time + span < world->horizon ? time + span : world->horizon;
}

/* verbs.c: what the store does. They change the state and may say which promise that broke. */
model_verdict model_claim(const model_world *world, model_move *move);
model_verdict model_append(const model_world *world, model_move *move, int outcome, bool takes);
model_verdict model_consume(const model_world *world, model_move *move);
model_verdict model_suspend(const model_world *world, model_move *move);
model_verdict model_release(const model_world *world, model_move *move);
model_verdict model_end(const model_world *world, model_move *move);
void model_send(const model_world *world, model_log *log, int signal, int now);

#endif
