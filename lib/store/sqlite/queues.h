/* store/sqlite: whether a queue's limits let a claim pass. */
#ifndef DURABLE_SQLITE_QUEUES_H
#define DURABLE_SQLITE_QUEUES_H

#include "store/sqlite/connection.h"

/* What a claim that keeps the limits means for its queue. */
typedef struct durable_turn {
    bool is_new;            /* nobody held the run before: one more is active */
    bool is_new_to_process; /* this process did not hold it before */
    char queue[DUR_NAME_MAX + 1];
} durable_turn;

/* Between the insert of a new claim, which may have found an old one, and the take-over of that.
 * SQLITE_DONE, or an SQLite result with the error set. */
DURABLE_INTERNAL int durable_sqlite_look_at_turn(durable_sqlite *store, const durable_claim *claim,
                                                 durable_turn *turn);

/* After the claim, in the same group: *passes is false where that is to be undone. Likewise. */
DURABLE_INTERNAL int durable_sqlite_take_turn(durable_sqlite *store, durable_write *write,
                                              const durable_claim *claim, const durable_turn *turn,
                                              bool *passes);

#endif
