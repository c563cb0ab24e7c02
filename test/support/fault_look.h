/* test/support: what another process sees of the run, by plain SQL and the default VFS. */
#ifndef FAULT_LOOK_H
#define FAULT_LOOK_H

#include "support/fault_scenario.h"

typedef struct fault_picture {
    char text[2048]; /* the recorded steps' names, and "name#2" for an attempt that is recorded as
                      * having failed: "\nname\n…\n" */
    uint64_t digest; /* of all that the rows hold, but for times and epochs */
    int64_t left;    /* positions that are pending, and signals that were not received */
    int64_t torn;    /* cents that were moved without a record, or the other way round */
    int64_t status;  /* the run's, see dur_status; 0: there is no such run */
} fault_picture;

void fault_look(const fault_world *world, fault_picture *picture);

/* Is the step, or the attempt, recorded? */
bool fault_picture_holds(const fault_picture *picture, const char *name);

#endif
