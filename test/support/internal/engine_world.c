/* test/support: owners who come and go over one log in memory. */
#include "support/internal/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

static void open_log(engine_world *world)
{
    world->store = memory_store_share(world->witness);
    world->log = durable_log_new(world->store, DUR_OK, &world->options);
    assert_non_null(world->log);
}

void engine_world_open(engine_world *world)
{
    const dur_options options = DUR_OPTIONS_INIT;

    memset(world, 0, sizeof *world);
    world->options = options;
    fake_clock_init(&world->clock, 1);
    fake_clock_install(&world->clock, &world->options);
    world->clock.owner_alive = DUR_OWNER_DEAD;
    world->witness = memory_store_new();
    open_log(world);
}

dur_log *engine_world_join(engine_world *world)
{
    dur_log *first = world->log;

    assert_true(world->dead_count < sizeof world->dead / sizeof world->dead[0]);
    world->dead[world->dead_count++] = first;
    open_log(world);
    return first;
}

void engine_world_succeed(engine_world *world)
{
    if (!memory_store_is_dead(world->store)) memory_store_die(world->store, 0);
    engine_world_join(world);
}

void engine_world_close(engine_world *world)
{
    dur_close(world->log);
    for (size_t i = 0; i < world->dead_count; i++) dur_close(world->dead[i]);
    world->witness->methods->close(world->witness);
}

int engine_world_setup(void **state)
{
    engine_world *world = malloc(sizeof *world);

    assert_non_null(world);
    engine_world_open(world);
    *state = world;
    return 0;
}

int engine_world_teardown(void **state)
{
    engine_world_close(*state);
    free(*state);
    return 0;
}

void assert_story_at(engine_world *world, const char *expected, const char *file, int line)
{
    const char *told = memory_store_narrative(world->witness);

    if (strcmp(told, expected) != 0) {
        print_error("expected:\n%stold:\n%s", expected, told);
        _fail(file, line);
    }
    memory_store_forget(world->witness);
}

size_t count_in_story(const engine_world *world, const char *part)
{
    const char *at = memory_store_narrative(world->witness);
    size_t count = 0;

    while ((at = strstr(at, part)) != NULL) {
        count++;
        at += strlen(part);
    }
    return count;
}
