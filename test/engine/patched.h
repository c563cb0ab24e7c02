/*
 * test/engine: workflows as text, for changes of code: what runs is what stands there.
 *
 *   a … v     a step of that name
 *   w         a sleep of a second, "w"
 *   r         a step, "r", whose first attempt fails, and which is tried again after a second
 *   X Y Z     dur_patch() of "x", "y", "z"; X[new] and X[new|old] go on with what was answered
 *   -X        dur_retire_patch()
 *   !         the run is left here, without an end
 */
#ifndef PATCHED_H
#define PATCHED_H

#include "support/internal/engine_world.h"

#define PATCHED_ID "run-1"

typedef struct patched {
    const char *code;
    char answers[64]; /* of its patches, in the order in which they were asked: '0', '1' */
    char bodies[64];  /* steps that were executed */
    int code_of_retire; /* what the last one gave */
    bool tried;         /* "r" has failed */
} patched;

/* For dur_execute(); the user is a patched. Steps are executed on what was noted so far. */
int patched_workflow(dur_run *run, void *user);

/* One pass of this code; *it is made new. */
int patched_execute(engine_world *world, const char *code, patched *it);

/* The run's rows: steps by their names, waits too, markers as capitals, '#' where one is missing;
 * what is pending behind them in parentheses. The text lives until the next call. */
const char *patched_rows(engine_world *world);

#endif
