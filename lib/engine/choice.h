/* engine: which run a worker takes next. */
#ifndef DURABLE_CHOICE_H
#define DURABLE_CHOICE_H

#include "engine/engine.h"

/* So many runs that others took first are remembered and left alone, until one was had. */
#define DURABLE_RACES_MAX 16

/* One that could not be had is tried again after this: somebody else was about to take it. */
#define DURABLE_MISSED_AGAIN_MS 100

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
    struct durable_held_head *heads; /* as the store shows them */
    struct durable_held_head *gone;  /* those left behind that were not tried yet */
    struct durable_judged *judged;
    struct durable_missed *missed;
    size_t race_count;
    const char *queue;
    bool out_of_memory;
    unsigned looks;
    bool left_behind; /* the last choice was a run that was left behind: there may be more */
    bool fair;        /* the longest due of all */
} durable_chooser;

/* Choose the next run, into `choice`, or find out when there may be one. DUR_OK, or a code that
 * concerns the log, with its error set. */
DURABLE_INTERNAL int durable_choose(durable_chooser *chooser);

/* The choice was had: forget those that others took first. */
DURABLE_INTERNAL void durable_chooser_hit(durable_chooser *chooser);

/* The choice could not be had: leave it alone, where it `lasts` to the end of the call. False: too
 * many others are faster. */
DURABLE_INTERNAL bool durable_chooser_miss(durable_chooser *chooser, bool lasts);

DURABLE_INTERNAL void durable_chooser_end(durable_chooser *chooser);

/* ---- recall.c: what is remembered between two choices -------------------------------------- */

DURABLE_INTERNAL bool durable_recall_miss(durable_chooser *chooser, bool lasts);
DURABLE_INTERNAL bool durable_recall_was_missed(const durable_chooser *chooser, const char *id,
                                                bool *lasts);

/* Whether the owner is gone, with the process looked for once. Who lives may die: that is to be
 * forgotten before each look; who is dead stays so. */
DURABLE_INTERNAL bool durable_recall_is_gone(durable_chooser *chooser, const char *owner,
                                             int64_t lease_end);
DURABLE_INTERNAL void durable_recall_forget_living(durable_chooser *chooser);

DURABLE_INTERNAL void durable_recall_end(durable_chooser *chooser);

#endif
