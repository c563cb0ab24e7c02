/* testbench: the death of a process, before or after it commits a record. */
#include "store/guard.h"
#include "testbench/testbench.h"

#define DIED "its process has died on the test bench"

DURABLE_INTERNAL int durable_bench_add_crash(dur_testbench *bench, int when, int64_t record)
{
    durable_bench_crash *crash = durable_allocate(sizeof *crash);

    if (!crash) return DUR_NOMEM;
    crash->when = when;
    crash->record = durable_time_after(bench->records, record);
    crash->next = bench->deaths;
    bench->deaths = crash;
    return DUR_OK;
}

/* Is one asked for here? It happens once. */
static bool take_crash(dur_testbench *bench, int when, int64_t record)
{
    for (durable_bench_crash **link = &bench->deaths; *link; link = &(*link)->next) {
        durable_bench_crash *crash = *link;

        if (crash->when != when || crash->record != record) continue;
        *link = crash->next;
        durable_free(crash);
        return true;
    }
    return false;
}

static int before_verb(durable_verb verb, durable_error *error, void *context)
{
    dur_testbench *bench = context;

    if (!bench->dead && verb == DURABLE_VERB_APPEND_OUTCOMES)
        bench->dead = take_crash(bench, DUR_CRASH_BEFORE, bench->records + 1);
    if (bench->dead) return durable_error_set(error, DUR_LOST, DIED);
    return DUR_EXECUTE;
}

/* The outcome of a transactional step is committed when its transaction ends. */
static void note_record(dur_testbench *bench)
{
    bench->records++;
    if (!take_crash(bench, DUR_CRASH_AFTER, bench->records)) return;
    if (bench->in_step)
        bench->dies_with_it = true;
    else
        bench->dead = true;
}

static void after_verb(durable_verb verb, bool acted, void *context)
{
    dur_testbench *bench = context;

    if (verb == DURABLE_VERB_APPEND_OUTCOMES && acted) note_record(bench);
    if (verb == DURABLE_VERB_BEGIN_TRANSACTION && acted) bench->in_step = true;
    if (verb != DURABLE_VERB_END_TRANSACTION) return;
    bench->dead |= bench->dies_with_it;
    bench->in_step = bench->dies_with_it = false;
}

DURABLE_INTERNAL durable_store *durable_bench_guard(dur_testbench *bench)
{
    return durable_guard_new(bench->store, false, before_verb, after_verb, bench);
}

DURABLE_INTERNAL int durable_bench_stop_dead(dur_run *run)
{
    return durable_run_stop(run, DUR_LOST, DIED);
}
