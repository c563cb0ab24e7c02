/* test/model: the worlds that the tests look at. */
#include "worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define STATES_MAX 2000000
#define STATES_MAX_BY_HAND 60000000

static const model_world worlds[WORLD_COUNT] = {
    {.name = "two owners",
     .owners = 2, .signals = 2, .script = {MODEL_STEP, MODEL_RECEIVE, MODEL_STEP},
     .horizon = 4, .lease = 2, .timeout = 2, .crashes = 1, .outlived = 1},
    {.name = "a clock that jumps back",
     .owners = 2, .signals = 1, .script = {MODEL_STEP, MODEL_RECEIVE},
     .horizon = 4, .lease = 2, .timeout = 2, .crashes = 1, .outlived = 1, .jumps = 1},
    {.name = "a restored backup",
     .owners = 2, .signals = 1, .script = {MODEL_STEP, MODEL_RECEIVE},
     .horizon = 3, .lease = 2, .timeout = 2, .crashes = 1, .outlived = 1, .backups = 1},
    {.name = "three owners",
     .owners = 3, .signals = 1, .script = {MODEL_STEP, MODEL_RECEIVE},
     .horizon = 4, .lease = 2, .timeout = 2, .crashes = 1, .outlived = 2},
    {.name = "an answer lost, a pass given up",
     .owners = 2, .signals = 1, .script = {MODEL_STEP, MODEL_RECEIVE, MODEL_STEP},
     .horizon = 4, .lease = 2, .timeout = 2, .crashes = 1, .outlived = 1, .releases = 1,
     .lost_answers = 1},
    {.name = "two signals, the second awaited for ever",
     .owners = 2, .signals = 2, .script = {MODEL_RECEIVE, MODEL_STEP, MODEL_RECEIVE_FOREVER},
     .horizon = 4, .lease = 2, .timeout = 2, .crashes = 1, .outlived = 1},
    {.name = "one machine, where the dead are known",
     .owners = 2, .signals = 1, .script = {MODEL_STEP, MODEL_RECEIVE, MODEL_STEP},
     .horizon = 4, .lease = 2, .timeout = 2, .crashes = 2, .outlived = 1, .one_machine = true},
};

static int scale(void)
{
    const char *text = getenv("DUR_MODEL_SCALE");

    return text ? (int)strtol(text, NULL, 10) : 0;
}

model_world world_of(int which)
{
    model_world world = worlds[which];

    world.horizon += scale();
    world.crashes += scale();
    world.outlived += scale();
    return world;
}

void world_search(const model_world *world, search_result *result)
{
    search_all(world, scale() ? STATES_MAX_BY_HAND : STATES_MAX, result);
    print_message("%s: %zu states, %zu transitions, depth %zu\n", world->name, result->states,
                  result->transitions, result->depth);
    if (result->too_large) fail_msg("%s: more states than there is room for", world->name);
}
