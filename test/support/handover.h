/*
 * test/support: a run whose owner is killed in the middle, and the process that goes on with it:
 * open, claim, replay, execute the next step. For the crash room, which counts, and for the
 * benchmark, which measures. POSIX only.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include "durable.h"

#include <sqlite3.h>
#include <sys/types.h>

#define HANDOVER_WORKFLOW "handover"
#define HANDOVER_ID "the-run"

/* Make a database in WAL mode at `path` (where there is none; a log that is there is used further),
 * with a run of `steps` recorded steps, whose owner gets SIGKILL in the body of the next one. The
 * owner is waited for; where `dead` is not NULL it gets its pid instead, for process_wait(): until
 * then the system still knows it as a zombie. False: it did not come to that. */
bool handover_leave(const char *path, int steps, pid_t *dead);

typedef enum handover_way {
    HANDOVER_EXECUTE, /* dur_execute() */
    HANDOVER_WORK     /* one dur_work() */
} handover_way;

typedef struct handover {
    int code;             /* of the pass; DUR_NOT_FOUND: a worker found nothing to do */
    int replayed;         /* steps answered from the log before the first that is executed */
    int executed;         /* steps executed */
    int64_t sleeps;       /* calls of the log's sleep callback */
    int64_t lease_end_ms; /* of the killed owner's claim, Unix ms; 0: there was none */
    int64_t reached_us;   /* when the first body ran, by process_now_us() */
    char message[256];
} handover;

/* Take the run over, on a connection of its own, in this process or another: it is executed to its
 * end, which is one step behind those that are recorded. With `look`, what the killed owner left is
 * read first. */
handover handover_take(const char *path, int steps, handover_way way, bool look);

#endif
