/* test/model: the worlds that the tests look at, each small in another way. */
#ifndef MODEL_WORLDS_H
#define MODEL_WORLDS_H

#include "search.h"

/*
 * The worlds of the design, none of which may hold a state that breaks a promise. DUR_MODEL_SCALE=n
 * makes each larger by n crashes, n leases outlived and n ticks of the clock, for runs by hand.
 */
enum {
    WORLD_TWO_OWNERS,
    WORLD_CLOCK_JUMPS,
    WORLD_BACKUP,
    WORLD_THREE_OWNERS,
    WORLD_LOST_ANSWERS,
    WORLD_TWO_SIGNALS,
    WORLD_ONE_MACHINE,
    WORLD_COUNT
};

model_world world_of(int which);

/* Search it, and print how large it was. */
void world_search(const model_world *world, search_result *result);

#endif
