/* test/engine: what the tests of workers share: a workflow that counts, and what the passes came
 * to. */
#ifndef TEST_ENGINE_WORKER_H
#define TEST_ENGINE_WORKER_H

#include "support/internal/engine_world.h"
#include "support/narrative.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* "run-1: DUR_OK", one line a pass. */
typedef struct crew {
    engine_world *world;
    narrative passes;
    int bodies;
    void (*act)(struct crew *crew, dur_run *run); /* in the workflow, before its step; once */
    int64_t wake_ms;                              /* what the last dur_work() gave */
    dur_run *held[4];                             /* runs that nobody works on */
    int held_count;
    dur_work_options options;
} crew;

static inline int count_steps(dur_run *run, void *user)
{
    crew *all = user;
    void (*act)(crew *, dur_run *) = all->act;

    all->act = NULL;
    if (act) act(all, run);
    DUR_STEP(run, "step") { all->bodies++; }
    return 0;
}

static inline void note_pass(const char *workflow, const char *run_id, int code,
                             const char *message, void *user)
{
    crew *all = user;

    assert_non_null(workflow);
    assert_true((code == DUR_OK) == (message[0] == '\0'));
    narrative_add(&all->passes, "%s: %s\n", run_id, dur_code_name(code));
}

static inline crew crew_for(engine_world *world)
{
    const dur_work_options options = DUR_WORK_OPTIONS_INIT;
    crew all = {.world = world, .options = options};

    narrative_init(&all.passes);
    all.options.passed = note_pass;
    world->log->turn = 0; /* the eighth pass is the first fair one */
    return all;
}

/* To be called once the crew lies where it will stay. */
static inline void enlist(crew *all)
{
    all->options.user = all;
    assert_int_equal(DUR_OK, dur_register(all->world->log, "work", count_steps, all));
}

static inline int64_t now_of(const crew *all)
{
    return all->world->clock.now_ms;
}

static inline void start_with(crew *all, const char *id, int priority, int64_t start_at_ms)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.priority = priority;
    start.start_at_ms = start_at_ms;
    assert_int_equal(DUR_OK, dur_start(all->world->log, "work", id, &start));
}

static inline int work(crew *all)
{
    return dur_work(all->world->log, &all->options, &all->wake_ms);
}

static inline dur_run *hold(crew *all, const char *id)
{
    dur_run **run = &all->held[all->held_count++];

    assert_int_equal(DUR_OK, dur_begin_run(all->world->log, "work", id, NULL, run));
    return *run;
}

static inline void dismiss(crew *all)
{
    for (int i = 0; i < all->held_count; i++) dur_close_run(all->held[i]);
    narrative_free(&all->passes);
}

/* One dur_work() whose passes were these. */
#define assert_passes(crew_, expected)                                                             \
    do {                                                                                           \
        assert_int_equal(DUR_OK, work(crew_));                                                     \
        assert_string_equal(expected, (crew_)->passes.text);                                       \
        narrative_clear(&(crew_)->passes);                                                         \
    } while (0)

#endif
