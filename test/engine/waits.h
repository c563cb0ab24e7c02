/* test/engine: what the tests of waiting runs share: a world whose clock begins at 1000, a run
 * that is executed until it ends, and sweeps that let its owner die, or its store fail, at every
 * verb. */
#ifndef WAITS_H
#define WAITS_H

#include "support/internal/engine_world.h"

#define WAITS_START_MS 1000

/* For cmocka, like engine_world_setup(). */
int waits_setup(void **state);

#define WAITS_TEST(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, waits_setup, engine_world_teardown)

/* Execute "run-1" once. */
int waits_execute(engine_world *world, dur_workflow *fn, void *user);

/* Set the clock, and execute. */
int waits_execute_at(engine_world *world, int64_t now_ms, dur_workflow *fn, void *user);

/* The run's error says all of these words. */
void waits_assert_says(const engine_world *world, const char *words);

/* How many of the narrative's appends that contain this wrote a row: those that were recorded,
 * and those that failed and survived. */
size_t waits_rows_written(const engine_world *world, const char *part);

typedef struct waits_drive {
    dur_workflow *fn;
    void *user;
    /* Called after each pass that came to DUR_SUSPENDED: to signal, to set the clock. NULL:
     * none. */
    void (*suspended)(engine_world *world, void *user);
    /* Called when an owner has died, before the next one comes. NULL: none. */
    void (*died)(engine_world *world, void *user);
    int most; /* passes; more of them fail the test */
} waits_drive;

/* Execute until the run ends, each time when it is due; a dead owner is succeeded, and a failing
 * store asked again. Gives the code of the end. */
int waits_run(engine_world *world, const waits_drive *drive);

/* What a sweep asks when a run has ended, in a world whose narrative is whole. */
typedef void waits_check(engine_world *world, void *user, int code);

/*
 * Run it again and again, in a new world each time, until nothing is hit any more: with an owner
 * who dies after his nth verb; and with a store that fails once at its nth, before or after it was
 * done. `reset` makes the user's state new. They give how many verbs were hit.
 */
typedef struct waits_sweep {
    waits_drive drive;
    void (*reset)(engine_world *world, void *user);
    waits_check *check;
} waits_sweep;

int waits_sweep_deaths(const waits_sweep *sweep);
int waits_sweep_faults(const waits_sweep *sweep);

#endif
