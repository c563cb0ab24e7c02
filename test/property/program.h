/*
 * test/property: programs: small trees of what a workflow may ask for, made from a seed and played
 * by one generic workflow function.
 *
 * A program is made so that whatever happens to its runs, they must come to the same: what is to
 * come from outside has all the time of the world, and what is never to come has little; a body's
 * success depends on the number of its attempt alone; and every value depends on all the values
 * before it.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "durable.h"

#define BODIES_MAX 20
#define NODES_MAX 8

typedef enum node_kind {
    NODE_STEP,
    NODE_PAIR, /* two steps open at once, recorded in the other order */
    NODE_SLEEP,
    NODE_RECEIVE,
    NODE_CALLBACK,
    NODE_SELECT,
    NODE_SIDE,
    NODE_CALL,
    NODE_START,
    NODE_BATCH,
    NODE_BLOCK, /* waits until the run is told to end */
    NODE_KINDS
} node_kind;

/* How a step is written, and so the type of its value. */
typedef enum step_form {
    FORM_VOID,
    FORM_INT,
    FORM_BOOL,
    FORM_REAL,
    FORM_TEXT,
    FORM_CHARS,
    FORM_OBJECT,
    FORM_VALUE,
    FORM_VERBS,
    FORM_FUNCTION,
    STEP_FORMS
} step_form;

/* What comes from outside. */
typedef enum answer_kind { ANSWER_VALUE, ANSWER_FAILURE, ANSWER_NONE } answer_kind;

/* What ends a run that is blocked. */
typedef enum block_cause { BLOCK_CANCEL, BLOCK_DEADLINE, BLOCK_BATCH } block_cause;

typedef enum await_when { AWAIT_NEVER, AWAIT_NOW, AWAIT_LAST } await_when;

typedef struct program_node {
    node_kind kind;
    bool dropped; /* while a failing program is made smaller */
    bool caught;  /* its failure */
    step_form form;
    int mode, in_doubt;
    int fails;        /* attempts before the last one */
    bool fails_at_last;
    bool never;       /* … and says that it is not to be tried again */
    bool polls;       /* attempts end in dur_not_yet() */
    bool beats;
    bool undoes;
    int undo_fails;
    bool times;       /* has a time limit that it never meets */
    int64_t time_ms;
    answer_kind answer;
    int count;        /* signals to be received; branches */
    block_cause cause;
    int body;         /* of the child; of the first branch */
    int on_parent_end;
    await_when awaits;
    bool named;       /* the child has an id of its own */
    bool maps;
    dur_batch_options policy;
} program_node;

typedef struct program_body {
    int parent; /* -1: none */
    bool started; /* a run of its own, not called */
    bool fails;
    bool careless; /* goes on asking after a failure that it does not catch */
    bool releases;
    bool has_deadline;
    int count;
    program_node nodes[NODES_MAX];
} program_body;

typedef struct whole_program {
    uint64_t seed;
    int count;
    program_body bodies[BODIES_MAX];
} whole_program;

/* splitmix64. */
uint64_t chance_next(uint64_t *state);
int chance_below(uint64_t *state, int limit);
uint64_t chance_mix(uint64_t hash, const void *bytes, size_t length);

void program_make(whole_program *it, uint64_t seed);

/* What the program says about itself, on stderr. */
void program_print(const whole_program *it);

/* How a run of this body ends. */
dur_status program_status(const whole_program *it, int body);

/* Whether the run of this body, or one above it, is told to end at a time that is not determined;
 * or what is in it is never begun. */
bool program_is_racy(const whole_program *it, int body);

#endif
