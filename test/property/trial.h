/* test/property: programs that are driven to their end, and what they came to. */
#ifndef TRIAL_H
#define TRIAL_H

#include "world.h"

/* Drive the program's runs until all have ended: the clock jumps to what is due next, and what they
 * wait for is sent. False: something must not happen (see the violation), or nobody gets on. */
bool drive(world *it);

/* What is in the log of the runs that come to a determined end, a line each; free() it. */
char *picture_take(world *it);

/* Does the world outside agree with the log, and with the program? Accuses. */
void check_effects(world *it);

/* Play it once; NULL: it has come to what it must. Else what is wrong, to be freed. *picture (may
 * be NULL) gets what it came to. */
char *trial_run(const whole_program *program, const disturbing *how, const char *expected,
                char **picture);

/* The first line in which they differ, or the violation; to be freed. */
char *trial_describe(const world *it, const char *expected, const char *found);

/* All ways to play a program, undisturbed and not; NULL, or what is wrong. */
char *trial_run_all(const whole_program *program);

/* Leave out what is not needed to fail so. */
void trial_shrink(whole_program *program);

#endif
