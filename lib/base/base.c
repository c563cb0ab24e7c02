/* base: memory, from SQLite's allocator. */
#include "base/base.h"

#include <sqlite3.h>

#if SQLITE_VERSION_NUMBER < 3035000
#error "libdurable needs SQLite 3.35.0 or later"
#endif

DURABLE_INTERNAL void *durable_allocate_raw(size_t size)
{
    return sqlite3_malloc64(size);
}

DURABLE_INTERNAL void *durable_allocate(size_t size)
{
    void *memory = durable_allocate_raw(size);

    if (memory) memset(memory, 0, size);
    return memory;
}

DURABLE_INTERNAL void durable_free(void *memory)
{
    sqlite3_free(memory);
}

DURABLE_INTERNAL char *durable_copy_text(const void *bytes, size_t length)
{
    char *copy = sqlite3_malloc64((sqlite3_uint64)length + 1);

    if (!copy) return NULL;
    if (length) memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}
