/* engine: which run a worker takes next. */
#ifndef DURABLE_CHOICE_H
#define DURABLE_CHOICE_H

#include "engine/engine.h"

/* So many runs that were chosen in vain are remembered and left alone, until one was had. */
#define DURABLE_MISSES_MAX 16

typedef struct durable_choice {
    bool found;
    bool held; /* left behind by an owner that is gone */
    int priority;
    int64_t due;
    int64_t seen_next_us; /* of its queue */
    char workflow[DUR_NAME_MAX + 1];
    char id[DUR_NAME_MAX + 1];
} durable_choice;

/* The chooser of one dur_work(). */
typedef struct durable_chooser {
    dur_log *log;
    int64_t now;
    int64_t wake; /* of the last choice that found nothing; DURABLE_NEVER: not known */
    durable_choice choice;
    durable_choice of_queue; /* the best one of the queue that is being looked at */
    struct durable_held_head *heads;
    const char *queue;
    bool out_of_memory;
    unsigned looks;
    bool left_behind; /* the last choice was a run that was left behind: there may be more */
    bool fair;        /* the longest due of all */
    size_t miss_count;
    char misses[DURABLE_MISSES_MAX][DUR_NAME_MAX + 1];
} durable_chooser;

/* Choose the next run, into `choice`, or find out when there may be one. DUR_OK, or a code that
 * concerns the log, with its error set. */
DURABLE_INTERNAL int durable_choose(durable_chooser *chooser);

/* Forget those that could not be had; remember one more. False: there are too many of them. */
DURABLE_INTERNAL void durable_chooser_hit(durable_chooser *chooser);
DURABLE_INTERNAL bool durable_chooser_miss(durable_chooser *chooser);

#endif
