/* test/engine: what the tests of waiting runs share; see waits.h. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void begin(engine_world *world)
{
    world->clock.now_ms = WAITS_START_MS;
}

int waits_setup(void **state)
{
    if (engine_world_setup(state)) return -1;
    begin(*state);
    return 0;
}

int waits_execute(engine_world *world, dur_workflow *fn, void *user)
{
    return dur_execute(world->log, "work", "run-1", NULL, fn, user);
}

int waits_execute_at(engine_world *world, int64_t now_ms, dur_workflow *fn, void *user)
{
    world->clock.now_ms = now_ms;
    return waits_execute(world, fn, user);
}

void waits_assert_says(const engine_world *world, const char *words)
{
    if (!strstr(dur_errmsg(world->log), words))
        fail_msg("\"%s\" does not say \"%s\"", dur_errmsg(world->log), words);
}

static bool line_has(const char *line, size_t length, const char *part)
{
    const char *at = strstr(line, part);

    return at && at + strlen(part) <= line + length;
}

size_t waits_rows_written(const engine_world *world, const char *part)
{
    const char *line = memory_store_narrative(world->witness);
    size_t count = 0;

    while (*line) {
        size_t length = strcspn(line, "\n");

        if (line_has(line, length, part) &&
            (line_has(line, length, ": recorded") || line_has(line, length, ", survived")))
            count++;
        line += length + 1;
    }
    return count;
}

/* ---- To the end ---- */

static void wait_until_due(engine_world *world, const waits_drive *drive)
{
    int64_t due;

    if (drive->suspended) drive->suspended(world, drive->user);
    due = memory_store_due(world->witness, "run-1");
    assert_true(due != DURABLE_NEVER); /* or nobody would ever wake it */
    if (world->clock.now_ms < due) world->clock.now_ms = due;
}

static bool is_passing(int code)
{
    return code == DUR_BUSY || code == DUR_IOERR || code == DUR_FULL || code == DUR_NOMEM;
}

int waits_run(engine_world *world, const waits_drive *drive)
{
    for (int i = 0; i < drive->most; i++) {
        int code = waits_execute(world, drive->fn, drive->user);

        if (memory_store_is_dead(world->store)) {
            if (drive->died) drive->died(world, drive->user);
            engine_world_succeed(world);
        } else if (code == DUR_SUSPENDED) {
            wait_until_due(world, drive);
        } else if (!is_passing(code)) {
            return code;
        }
    }
    fail_msg("the run did not end after %d passes: %s\n%s", drive->most, dur_errmsg(world->log),
             memory_store_narrative(world->witness));
    return DUR_MISUSE;
}

/* ---- Sweeps ---- */

typedef struct blow {
    int nth;
    int code; /* DUR_OK: death */
    memory_moment when;
} blow;

static void strike(engine_world *world, const blow *one)
{
    if (one->code == DUR_OK)
        memory_store_die(world->store, one->nth);
    else
        memory_store_fail(world->store, NULL, one->nth, one->code, one->when);
}

/* A fault is told in the narrative; a death leaves a log behind. */
static bool has_struck(const engine_world *world, const blow *one)
{
    if (one->code == DUR_OK) return world->dead_count > 0;
    return count_in_story(world, dur_code_name(one->code)) > 0;
}

static bool run_with(const waits_sweep *sweep, const blow *one)
{
    engine_world world;
    bool struck;
    int code;

    engine_world_open(&world);
    begin(&world);
    sweep->reset(&world, sweep->drive.user);
    strike(&world, one);
    code = waits_run(&world, &sweep->drive);
    struck = has_struck(&world, one);
    sweep->check(&world, sweep->drive.user, code);
    engine_world_close(&world);
    return struck;
}

static int sweep_with(const waits_sweep *sweep, blow one)
{
    for (one.nth = 1; run_with(sweep, &one); one.nth++) assert_true(one.nth < 1000);
    assert_true(one.nth > 1);
    return one.nth - 1;
}

int waits_sweep_deaths(const waits_sweep *sweep)
{
    const blow death = {0, DUR_OK, MEMORY_AFTER};

    return sweep_with(sweep, death);
}

int waits_sweep_faults(const waits_sweep *sweep)
{
    static const int codes[] = {DUR_BUSY, DUR_IOERR};
    int hit = 0;

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        const blow before = {0, codes[i], MEMORY_BEFORE}, after = {0, codes[i], MEMORY_AFTER};

        hit += sweep_with(sweep, before);
        hit += sweep_with(sweep, after);
    }
    return hit;
}
