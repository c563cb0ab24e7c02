/* test/property: the one workflow function that plays every body of every program. */
#ifndef PLAY_H
#define PLAY_H

#include "world.h"

/* Its input is the number of the body; `user` is the world. */
int play(dur_run *run, void *user);

/* ---- Within ---- */

typedef struct player {
    world *world;
    dur_run *run;
    int index; /* of the body */
    const program_body *body;
    uint64_t hash; /* of all values so far */
    bool doomed;   /* a failure was not caught: no body may run any more */
    dur_step *children[NODES_MAX]; /* to be awaited at the end */
} player;

/* What a step's functions are given; it lives until the pass has ended. */
typedef struct step_task {
    world *world;
    const program_node *node;
    node_trace *trace;
    int body, index;
    uint64_t seed; /* of its value */
    bool doomed;
    char message[64]; /* of a failure, or of one that a planned attempt has */
    char text[400];   /* of a value */
    dur_retry retry;
} step_task;

step_task *player_task(player *it, int index);
void player_name(char name[16], int body, int index);

/* The value of this form and seed; its bytes lie in `text`. */
dur_value value_make(step_form form, uint64_t seed, char text[400]);
uint64_t value_fold(uint64_t hash, dur_value value);
bool value_equals(dur_value one, dur_value other);

/* Fold what was given into the values to come. */
void player_fold(player *it, dur_value value);

void play_step(player *it, int index);
void play_pair(player *it, int index);
void play_wait(player *it, int index);
void play_child(player *it, int index);

/* What a truthful observer says of an attempt of a step that may run once. */
typedef enum truth { TRUTH_NOTHING, TRUTH_RESULT, TRUTH_FAILURE } truth;
truth trace_truth(const node_trace *trace, const program_node *node, int64_t attempt);
void attempt_message(char message[64], int64_t attempt);

#endif
