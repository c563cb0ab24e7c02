/* base: memory of a run that is given back in one go, or back to a mark. */
#include "base/arena.h"

/* Small copies share a chunk; a larger one gets its own. Small enough to be nothing for a run with
 * three steps, large enough that a million do not call the allocator a million times. */
#define CHUNK_SIZE_FIRST ((size_t)512)
#define CHUNK_SIZE_MOST ((size_t)32768)

/* A chunk's bytes begin behind its head, whose size is a multiple of this. */
#define ALIGNMENT sizeof(uint64_t)

struct durable_arena_chunk {
    durable_arena_chunk *older;
    uint64_t start; /* the arena's position when the chunk was made */
    size_t size;
    size_t used;
};

struct durable_owned {
    durable_owned *older;
    uint64_t position;
    void *memory;
    void (*free_fn)(void *);
};

static char *chunk_bytes(durable_arena_chunk *chunk)
{
    return (char *)(chunk + 1);
}

static durable_arena_chunk *add_chunk(durable_arena *arena, size_t needed)
{
    size_t size = arena->chunk ? arena->chunk->size * 2 : CHUNK_SIZE_FIRST;
    durable_arena_chunk *chunk;

    if (size > CHUNK_SIZE_MOST) size = CHUNK_SIZE_MOST;
    if (size < needed) size = needed;
    chunk = durable_allocate_raw(sizeof *chunk + size);
    if (!chunk) return NULL;
    chunk->older = arena->chunk;
    chunk->start = arena->position;
    chunk->size = size;
    chunk->used = 0;
    arena->chunk = chunk;
    return chunk;
}

DURABLE_INTERNAL char *durable_arena_copy(durable_arena *arena, const void *bytes, size_t length)
{
    durable_arena_chunk *chunk = arena->chunk;
    char *copy;

    if (length >= SIZE_MAX / 2) return NULL;
    if (!chunk || chunk->size - chunk->used < length + 2) chunk = add_chunk(arena, length + 2);
    if (!chunk) return NULL;
    copy = chunk_bytes(chunk) + chunk->used;
    if (length) memcpy(copy, bytes, length);
    copy[length] = '\0';
    chunk->used += length + 1;
    arena->position += length + 1;
    return copy;
}

DURABLE_INTERNAL void *durable_arena_allocate(durable_arena *arena, size_t size)
{
    durable_arena_chunk *chunk = arena->chunk;
    size_t padding = chunk ? (ALIGNMENT - chunk->used % ALIGNMENT) % ALIGNMENT : 0;
    char *memory;

    if (!chunk || chunk->size - chunk->used < padding + size + 1) {
        chunk = add_chunk(arena, size + 1);
        padding = 0;
    }
    if (!chunk) return NULL;
    memory = chunk_bytes(chunk) + chunk->used + padding;
    memset(memory, 0, size);
    chunk->used += padding + size;
    arena->position += padding + size;
    return memory;
}

/* What is handed over takes one byte of a chunk, so that it has a position of its own: a mark lies
 * before it or behind it. Copies always leave that byte free. */
DURABLE_INTERNAL bool durable_arena_reserve(durable_arena *arena)
{
    durable_arena_chunk *chunk = arena->chunk;

    if (!arena->reserve) arena->reserve = durable_allocate(sizeof *arena->reserve);
    if (!arena->reserve) return false;
    return (chunk && chunk->used < chunk->size) || add_chunk(arena, 1) != NULL;
}

DURABLE_INTERNAL bool durable_arena_own(durable_arena *arena, void *memory, void (*free_fn)(void *))
{
    durable_owned *owned;

    if (!durable_arena_reserve(arena)) return false;
    owned = arena->reserve;
    arena->reserve = NULL;
    owned->memory = memory;
    owned->free_fn = free_fn;
    owned->position = arena->position++;
    arena->chunk->used++;
    owned->older = arena->owned;
    arena->owned = owned;
    return true;
}

DURABLE_INTERNAL uint64_t durable_arena_mark(const durable_arena *arena)
{
    return arena->position;
}

static void release_owned(durable_arena *arena, uint64_t mark)
{
    while (arena->owned && arena->owned->position >= mark) {
        durable_owned *owned = arena->owned;

        arena->owned = owned->older;
        owned->free_fn(owned->memory);
        durable_free(owned);
    }
}

static void free_newest_chunk(durable_arena *arena)
{
    durable_arena_chunk *chunk = arena->chunk;

    arena->chunk = chunk->older;
    durable_free(chunk);
}

DURABLE_INTERNAL void durable_arena_release(durable_arena *arena, uint64_t mark)
{
    durable_arena_chunk *chunk;

    if (mark >= arena->position) return;
    release_owned(arena, mark);
    if (mark >= arena->position) return; /* a free function has released further back itself */
    while (arena->chunk && arena->chunk->older && arena->chunk->start >= mark)
        free_newest_chunk(arena);
    chunk = arena->chunk; /* the oldest one is kept: a loop would only ask for it again */
    if (chunk && chunk->start >= mark) {
        chunk->start = mark;
        chunk->used = 0;
    } else if (chunk) {
        chunk->used = (size_t)(mark - chunk->start);
    }
    arena->position = mark;
}

DURABLE_INTERNAL void durable_arena_clear(durable_arena *arena)
{
    release_owned(arena, 0);
    while (arena->chunk) free_newest_chunk(arena);
    durable_free(arena->reserve);
    memset(arena, 0, sizeof *arena);
}
