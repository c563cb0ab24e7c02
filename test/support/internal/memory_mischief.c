/* test/support: faults of the in-memory store, and what others do to its log. */
#include "support/internal/memory_store.h"

#include "support/internal/memory_transaction.h"
#include "support/internal/memory_waits.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- Faults ---- */

void memory_store_fail(durable_store *base, const char *verb, int nth, int code, memory_moment when)
{
    memory_store *store = (memory_store *)base;

    store->fault_verb = verb;
    store->fault_in = nth;
    store->fault_code = code;
    store->fault_when = when;
}

void memory_store_die(durable_store *base, int nth)
{
    memory_store *store = (memory_store *)base;

    store->dies_in = nth;
    store->dead = nth == 0;
    if (store->dead) memory_transaction_abandon(store);
}

bool memory_store_is_dead(const durable_store *store)
{
    return ((const memory_store *)store)->dead;
}

/* ---- What others do ---- */

static memory_run *known_run(durable_store *base, const char *id)
{
    memory_run *run = memory_run_by_id(((memory_store *)base)->log, id);

    if (!run) abort();
    return run;
}

static memory_step *known_step(memory_run *run, int64_t position)
{
    memory_step *step = memory_step_at(run, position);

    if (!step) abort();
    return step;
}

static void changed(durable_store *base)
{
    ((memory_store *)base)->log->version++;
}

void memory_store_take_over(durable_store *base, const char *id)
{
    memory_run *run = known_run(base, id);

    run->epoch++;
    memory_run_resume(run);
    memory_run_take(run, "another-owner", run->token ^ 0x5a5a, INT64_MAX);
    changed(base);
    narrative_add(&((memory_store *)base)->log->story, "another owner takes %s\n", id);
}

void memory_store_restore(durable_store *base, const char *id)
{
    memory_run *run = known_run(base, id);

    memory_run_resume(run);
    memory_run_take(run, "another-owner", run->token ^ 0x5a5a, INT64_MAX);
    changed(base);
    narrative_add(&((memory_store *)base)->log->story, "a backup of %s is restored\n", id);
}

void memory_store_delete_run(durable_store *base, const char *id)
{
    memory_run_delete(((memory_store *)base)->log, known_run(base, id));
    changed(base);
    narrative_add(&((memory_store *)base)->log->story, "somebody deletes %s\n", id);
}

void memory_store_delete_step(durable_store *base, const char *id, int64_t position)
{
    memory_run *run = known_run(base, id);

    memory_step_remove(run, known_step(run, position));
}

void memory_store_damage_step(durable_store *base, const char *id, int64_t position)
{
    known_step(known_run(base, id), position)->damaged = true;
}

void memory_store_damage_pending(durable_store *base, const char *id, int64_t position)
{
    memory_pending *pending = memory_pending_at(known_run(base, id), position);

    if (!pending) abort();
    pending->damaged = true;
}

/* ---- Senders in other processes, and onlookers ---- */

static durable_signal signal_of(dur_value value, int64_t now)
{
    durable_signal signal = {.now = now};

    if (durable_value_encode(value, &signal.value)) abort();
    return signal;
}

int memory_store_signal(durable_store *base, const char *id, const char *name, dur_value value,
                        int64_t now)
{
    memory_log *log = ((memory_store *)base)->log;
    durable_signal signal = signal_of(value, now);

    signal.name = name;
    narrative_add(&log->story, "somebody signals %s \"%s\"\n", id, name);
    return log->transaction.owner ? DUR_BUSY : memory_deliver(log, id, &signal);
}

int memory_store_answer(durable_store *base, const char *id, int64_t position, dur_value value,
                        int64_t now)
{
    memory_log *log = ((memory_store *)base)->log;
    const memory_run *run = known_run(base, id);
    const durable_callback callback = {run->key, position, run->uid};
    const durable_signal signal = signal_of(value, now);

    narrative_add(&log->story, "somebody answers %s #%" PRId64 "\n", id, position);
    return log->transaction.owner ? DUR_BUSY : memory_answer(log, &callback, &signal);
}

int64_t memory_store_due(durable_store *base, const char *id)
{
    return known_run(base, id)->due;
}

size_t memory_store_pending(durable_store *base, const char *id)
{
    return known_run(base, id)->pending_count;
}

size_t memory_store_signals(durable_store *base, const char *id)
{
    const memory_log *log = ((memory_store *)base)->log;
    int64_t run = known_run(base, id)->key;
    size_t count = 0;

    for (size_t i = 0; i < log->signal_count; i++)
        count += log->signals[i].run == run && !log->signals[i].received;
    return count;
}
