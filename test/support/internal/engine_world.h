/*
 * test/support: owners who come and go over one log in memory, with a fake clock and fake chance,
 * and the narrative of what the engine asked of the store.
 *
 *     engine_world world;
 *
 *     engine_world_open(&world);
 *     ... dur_execute(world.log, ...) ...
 *     assert_story(&world, "find order-1: none\n" ...);
 *     engine_world_succeed(&world);        the owner is dead, another one has come
 */
#ifndef ENGINE_WORLD_H
#define ENGINE_WORLD_H

#include "engine/engine.h"
#include "support/fake_clock.h"
#include "support/internal/memory_store.h"

typedef struct engine_world {
    fake_clock clock; /* the first member: the callbacks' user pointer is the world's too */
    dur_options options;
    durable_store *witness; /* sees the log, is never asked by the engine */
    durable_store *store;   /* the handle of the owner who lives */
    dur_log *log;
    dur_log *dead[32]; /* logs of dead owners, closed with the world */
    size_t dead_count;
} engine_world;

/* An empty log and its first owner. Owners are judged by clock.owner_alive, DUR_OWNER_DEAD at
 * first: whoever is not this one is dead. */
void engine_world_open(engine_world *world);
void engine_world_close(engine_world *world);

/* The owner dies now, if it has not died yet, and a second one opens the log. */
void engine_world_succeed(engine_world *world);

/* A second owner opens the log while the first lives on; the first one's log is given back and
 * closed with the world. */
dur_log *engine_world_join(engine_world *world);

/* For cmocka: *state is the world. */
int engine_world_setup(void **state);
int engine_world_teardown(void **state);

#define ENGINE_TEST(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, engine_world_setup, engine_world_teardown)

/* The narrative since the last time is exactly this; then it is forgotten. */
void assert_story_at(engine_world *world, const char *expected, const char *file, int line);
#define assert_story(world, expected) assert_story_at(world, expected, __FILE__, __LINE__)

/* How often `part` occurs in the narrative since the last time. */
size_t count_in_story(const engine_world *world, const char *part);

#endif
