/*
 * test/store: the conformance suite. Every store behind store/store.h passes it; a test is named
 * after the law or the documented result that it holds the store to.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include "store/store.h"

/* How the suite gets at one kind of store, and at what only its owner can do. */
typedef struct conformance_subject conformance_subject;

struct conformance_subject {
    const char *name;
    const void *variant; /* the subject's own */

    /* The store has joined a foreign transaction: what somebody deletes in it looks to the owner
     * like what was rolled back. */
    bool joins;

    /* A new and empty log, and a store on it. *world is the subject's own, given to the others. */
    durable_store *(*open)(const conformance_subject *subject, void **world);

    /* One more store on the same log, after the first was closed or beside it. */
    durable_store *(*reopen)(void *world);

    /* Delete a run with its rows; put something impossible into the columns of a step, or of a
     * pending row. */
    void (*delete_run)(void *world, const char *id);
    void (*damage_step)(void *world, const char *id, int64_t position);
    void (*damage_pending)(void *world, const char *id, int64_t position);

    /* Law 5: is no cursor open? */
    bool (*is_idle)(void *world);

    /* The stores are closed already. */
    void (*close)(void *world);
};

/* Run the suite; gives the number of tests that failed. */
int conformance_run(const conformance_subject *subject);

#endif
