/* base: memory of a run that is given back in one go, or back to a mark. */
#ifndef DURABLE_ARENA_H
#define DURABLE_ARENA_H

#include "base/base.h"

typedef struct durable_arena_chunk durable_arena_chunk;
typedef struct durable_owned durable_owned;

/* Zeroed: an empty arena. */
typedef struct durable_arena {
    durable_arena_chunk *chunk; /* the newest, older ones behind it */
    durable_owned *owned;       /* what the host handed over, newest first */
    durable_owned *reserve;     /* taken beforehand, so that one hand-over cannot fail */
    uint64_t position;          /* counts on with every allocation; marks are positions */
} durable_arena;

/* A copy of `length` bytes and a NUL after them; NULL when out of memory. */
DURABLE_INTERNAL char *durable_arena_copy(durable_arena *arena, const void *bytes, size_t length);

/* Zeroed and aligned for pointers and int64_t; NULL when out of memory. */
DURABLE_INTERNAL void *durable_arena_allocate(durable_arena *arena, size_t size);

/* Make sure that the next durable_arena_own() succeeds. False when out of memory. */
DURABLE_INTERNAL bool durable_arena_reserve(durable_arena *arena);

/* free_fn(memory) will be called on release. False when out of memory: nothing was taken over. */
DURABLE_INTERNAL bool durable_arena_own(durable_arena *arena, void *memory,
                                        void (*free_fn)(void *));

DURABLE_INTERNAL uint64_t durable_arena_mark(const durable_arena *arena);

/* Give back all that came after the mark, newest first. A mark from the future does nothing. */
DURABLE_INTERNAL void durable_arena_release(durable_arena *arena, uint64_t mark);

/* Give back everything, the reserve too. */
DURABLE_INTERNAL void durable_arena_clear(durable_arena *arena);

#endif
