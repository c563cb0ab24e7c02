/* test/engine: a run with a batch of branches, each of which does as it was told, and what they
 * came to in one line: "enough 3/4 +2 -1: 1 [no luck] 3 -" is the reason, how many of all were
 * started, successes and failures, and for each branch its output, its failure, "open" or "-". */
#ifndef FAN_H
#define FAN_H

#include "waits.h"

#define FAN_MOST 8

/* One branch: what it does, and what was seen of it. */
typedef struct twig {
    int64_t pause_ms; /* it waits first */
    bool fails, stops;
    int64_t clean_ms; /* cancelled, it waits so long before it tidies up */
    int64_t value;
    int calls, bodies, cancelled, tidied;
} twig;

typedef struct fan {
    twig twigs[FAN_MOST];
    dur_branch branches[FAN_MOST];
    size_t count;
    dur_batch_options options;
    int code;
    dur_batch batch;
    char told[256];
    int after; /* a step behind the batch */
} fan;

/* So many branches; they are wired when the struct stands where it will stay. */
fan fan_new(size_t count);
void fan_wire(fan *user);

/* The workflow; its batch is "fan". */
int fan_work(dur_run *run, void *user);

/* Execute "run-1" once; the second one sets the clock before. */
int fan_execute(engine_world *world, fan *user);
int fan_execute_at(engine_world *world, fan *user, int64_t now_ms);

int fan_calls(const fan *user);

#endif
