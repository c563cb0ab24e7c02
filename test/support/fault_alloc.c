/* test/support: an allocator under SQLite that fails on command and counts. */
#include "support/fault_alloc.h"

#include <stddef.h>

#include <sqlite3.h>

static sqlite3_mem_methods under; /* SQLite's own */
static fault_plan plan;
static int64_t live;
static int64_t asked;

static void *allocate(int size)
{
    void *memory;

    asked++;
    if (fault_plan_fires(&plan)) return NULL;
    memory = under.xMalloc(size);
    if (memory) live++;
    return memory;
}

static void release(void *memory)
{
    if (memory) live--;
    under.xFree(memory);
}

static void *reallocate(void *memory, int size)
{
    asked++;
    if (fault_plan_fires(&plan)) return NULL;
    return under.xRealloc(memory, size);
}

static int size_of(void *memory)
{
    return under.xSize(memory);
}

static int round_up(int size)
{
    return under.xRoundup(size);
}

static int start(void *unused)
{
    (void)unused;
    return under.xInit(under.pAppData);
}

static void stop(void *unused)
{
    (void)unused;
    under.xShutdown(under.pAppData);
}

int fault_alloc_install(bool lookaside)
{
    static const sqlite3_mem_methods methods = {allocate, release, reallocate, size_of,
                                                round_up, start,   stop,       NULL};
    int code = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &under);

    if (code == SQLITE_OK) code = sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    if (code == SQLITE_OK && !lookaside) code = sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    return code == SQLITE_OK ? sqlite3_initialize() : code;
}

void fault_alloc_arm(int64_t nth, bool persistent)
{
    fault_plan_arm(&plan, nth, persistent);
}

void fault_alloc_disarm(void)
{
    fault_plan_disarm(&plan);
}

int64_t fault_alloc_fired(void)
{
    return plan.fired;
}

int64_t fault_alloc_live(void)
{
    return live;
}

int64_t fault_alloc_asked(void)
{
    return asked;
}
