/* test/model: every state of the model, the shortest way first, and the way to a bad one. */
#ifndef MODEL_SEARCH_H
#define MODEL_SEARCH_H

#include "model.h"

typedef struct search_result {
    size_t states;
    size_t transitions;
    size_t depth; /* moves to the last state, or to the broken promise */
    size_t seen[MODEL_ACTIONS]; /* how often each */
    size_t refused;             /* acts of owners that had lost their claim */
    const char *broken; /* the promise that is broken somewhere; NULL: none, anywhere */
    char *narrative;    /* how; NULL: nothing is broken */
    bool too_large;     /* more states than allowed, or no memory: the rest was not looked at */
} search_result;

/* What a narrative says where the search did not find its own way again: never, if it is right. */
#define SEARCH_LOST "(here no move leads on)"

/* Said of a state from which the run cannot come to its end by fair moves alone. */
extern const char search_stuck[];

/* Look at every state, at most `states_max`. */
void search_all(const model_world *world, size_t states_max, search_result *result);

void search_free(search_result *result);

#endif
