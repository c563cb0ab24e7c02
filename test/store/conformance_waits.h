/* test/store: what the parts of the conformance suite share that are about waiting and driving. */
#ifndef CONFORMANCE_WAITS_H
#define CONFORMANCE_WAITS_H

#include "store/conformance_kit.h"

/* ---- Runs without an owner ---- */

/* Like plain_run(), but nobody claims it; due at 3000. */
durable_new_run unclaimed_run(const char *id);

/* Create one that must not be there yet. */
void start_unclaimed(conformance *c, const char *id, int64_t due);
void start_unclaimed_run(conformance *c, const durable_new_run *new_run);

/* What plain_claim() would be on the run as it is now. */
durable_claim claim_on(conformance *c, const char *id);

/* Whether the claim was had. */
bool try_claim(conformance *c, const durable_claim *claim, durable_fence *fence);

/* Claim the run as it is now, which must succeed. */
durable_fence claim_run_of(conformance *c, const char *id);

void release(conformance *c, durable_fence *fence, int64_t due);
void end_as(conformance *c, durable_fence *fence, int status);

/* One more handle on the same log, used instead of the first until close_other(). */
durable_store *use_other(conformance *c);
void close_other(conformance *c, durable_store *first);

/* ---- Pending rows ---- */

/* A step's failed attempt that nothing is special about: "charge", due at 2000. */
durable_pending plain_pending(int64_t position);

/* A callback due at 2000, with its deadline at 9000 and heartbeats each 500. */
durable_pending plain_callback(int64_t position);

int put(conformance *c, durable_fence *fence, durable_pending pending);

typedef struct waits {
    durable_pending *rows;
    size_t count, room;
} waits;

/* The rows, kept for the test; the load must succeed. */
waits load_waits(conformance *c, int64_t run);
void assert_same_pending(const durable_pending *a, const durable_pending *b);

/* ---- Suspending ---- */

/* Until `due`, for one address or, if NULL, for none; now is 1500. Gives the code. */
int suspend(conformance *c, durable_fence *fence, int64_t due, const char *address);

/* ---- Signals ---- */

/* The integer, sent at `now` without a key. */
durable_signal plain_signal(const char *name, int64_t integer, int64_t now);

int send(conformance *c, const char *id, durable_signal signal);

/* Whether there is one; *record (may be NULL) is kept for the test. */
bool peek(conformance *c, int64_t run, const char *address, durable_signal_record *record);

/* A plain outcome that takes the oldest signal of that name, and must be recorded. */
void receive(conformance *c, durable_fence *fence, int64_t position, const char *name);

#endif
