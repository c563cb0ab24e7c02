/* test/model: the design, in every state that it can get into. */
#include "worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static search_result results[WORLD_COUNT];

static int search_worlds(void **state)
{
    (void)state;
    for (int i = 0; i < WORLD_COUNT; i++) {
        model_world world = world_of(i);

        world_search(&world, &results[i]);
    }
    return 0;
}

static int forget_worlds(void **state)
{
    (void)state;
    for (int i = 0; i < WORLD_COUNT; i++) search_free(&results[i]);
    return 0;
}

/* Laws 3 to 6, and of waiting: a signal is received at most once and never lost, a run that awaits
 * one that is there is due, and from everywhere the run comes to its end. */
static void no_state_breaks_a_promise(void **state)
{
    (void)state;
    for (int i = 0; i < WORLD_COUNT; i++)
        if (results[i].broken) fail_msg("%s:\n%s", world_of(i).name, results[i].narrative);
}

/* A search that finds nothing wrong says little unless what can go wrong did happen: owners had
 * lost their claim when they acted, and there was each sort of move but the one that only a faulty
 * design has. */
static void everything_happens_somewhere(void **state)
{
    size_t refused = 0;

    (void)state;
    for (int action = 0; action < MODEL_ACTIONS; action++) {
        size_t seen = 0;

        for (int i = 0; i < WORLD_COUNT; i++) seen += results[i].seen[action];
        if ((seen > 0) == (action == MODEL_DOES_CONSUME))
            fail_msg("%s: %zu times", model_action_name((model_action)action), seen);
    }
    for (int i = 0; i < WORLD_COUNT; i++) refused += results[i].refused;
    assert_true(refused > 0);
}

/* Either half of the fence does where nothing repeats: the epoch without a backup, the token if
 * random numbers are random; and the epoch where they are not. Each half has a world in
 * faults_test.c that breaks without it. */
static void each_half_of_the_fence_has_its_use(void **state)
{
    static const struct {
        int world;
        unsigned faults;
        bool same_tokens;
    } rows[] = {
        {WORLD_TWO_OWNERS, MODEL_APPEND_IGNORES_TOKEN, false},
        {WORLD_TWO_OWNERS, MODEL_APPEND_IGNORES_EPOCH, false},
        {WORLD_BACKUP, MODEL_APPEND_IGNORES_EPOCH, false},
        {WORLD_TWO_OWNERS, 0, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        model_world world = world_of(rows[i].world);
        search_result result;

        world.faults = rows[i].faults;
        world.same_tokens = rows[i].same_tokens;
        world_search(&world, &result);
        if (result.broken) fail_msg("row %zu:\n%s", i, result.narrative);
        search_free(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_state_breaks_a_promise),
        cmocka_unit_test(everything_happens_somewhere),
        cmocka_unit_test(each_half_of_the_fence_has_its_use),
    };

    return cmocka_run_group_tests(tests, search_worlds, forget_worlds);
}
