/* test/support: the in-memory store's verbs on runs that wait: suspend, put, load. */
#include "support/internal/memory_tell.h"
#include "support/internal/memory_waits.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- Suspend ---- */

static bool is_signal_there(const memory_store *store, int64_t run,
                            const durable_suspension *suspension)
{
    for (size_t i = 0; i < suspension->await_count; i++)
        if (memory_signal_oldest(store->log, run, suspension->awaits[i])) return true;
    return false;
}

/* Gives the word for the narrative. */
static const char *suspend(const memory_store *store, memory_run *run,
                           const durable_suspension *suspension)
{
    bool is_due_now = is_signal_there(store, run->key, suspension) ||
                      (run->cancels && !suspension->cancels);
    int64_t due = suspension->due, due_below = memory_due_below(store->log, run);

    if (suspension->pending) memory_pending_put(run, suspension->pending);
    if (is_due_now && due > suspension->now) due = suspension->now;
    if (due > due_below) due = due_below;
    memory_run_await(run, suspension->awaits, suspension->await_count);
    memory_run_give_back(run, due);
    run->status = DURABLE_SUSPENDED;
    run->claims = 0;
    store->log->version++;
    if (is_due_now) return "due now";
    return due == due_below && due < suspension->due ? "due for a child" : NULL;
}

/* `#2 "charge" attempt 1 due 2000` */
void memory_describe_pending(narrative *words, const durable_pending *pending)
{
    static const char *const intents[] = {"", " intent", " resolved result", " resolved failure"};
    char due[32];

    narrative_add(words, "#%" PRId64 " \"%.*s\" attempt %" PRId64 " due %s%s", pending->position,
                  (int)pending->name_length, pending->name, pending->attempt,
                  memory_time_text(pending->due, due), intents[pending->intent]);
}

static void describe_suspension(narrative *words, const durable_suspension *suspension)
{
    char due[32], address[DURABLE_ADDRESS_SIZE + 2];

    narrative_add(words, " until %s", memory_time_text(suspension->due, due));
    for (size_t i = 0; i < suspension->await_count; i++)
        narrative_add(words, "%s%s", i ? ", " : " for ",
                      memory_address_text(suspension->awaits[i], address));
    if (!suspension->pending) return;
    narrative_add(words, " put ");
    memory_describe_pending(words, suspension->pending);
}

int memory_suspend_run(durable_store *base, durable_fence *fence,
                       const durable_suspension *suspension)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "suspend");
    memory_run *run = memory_fenced_run(store, fence);
    bool done = run || memory_is_given_back(store, fence, DURABLE_SUSPENDED);
    const char *result = NULL;
    narrative words;
    int code;

    narrative_init(&words);
    describe_suspension(&words, suspension);
    if (run && !fault.prevents) result = suspend(store, run, suspension);
    code = memory_finish(store, &fault, memory_verdict(store, fence, done), result,
                         "suspend %s%s", memory_name_of(store, fence), words.text);
    narrative_free(&words);
    return code;
}

/* ---- Pending rows ---- */

int memory_put_pending(durable_store *base, durable_fence *fence, const durable_pending *pending,
                       int64_t lease_end)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "put");
    memory_run *run = memory_fenced_run(store, fence);
    narrative words;
    int code;

    narrative_init(&words);
    memory_describe_pending(&words, pending);
    if (lease_end) narrative_add(&words, " lease %" PRId64, lease_end);
    if (run && !fault.prevents) {
        memory_pending_put(run, pending);
        if (lease_end) run->lease_end = lease_end;
        store->log->version++;
    }
    code = memory_finish(store, &fault, memory_verdict(store, fence, run), NULL, "put %s %s",
                         memory_name_of(store, fence), words.text);
    narrative_free(&words);
    return code;
}

static int show_pending(const memory_run *run, durable_pending_visitor *visit, void *context,
                        int64_t *position, size_t *rows)
{
    for (size_t i = 0; i < run->pending_count; i++) {
        if (run->pending[i].damaged) {
            if (position) *position = run->pending[i].row.position;
            return DUR_CORRUPT;
        }
        ++*rows;
        if (memory_pending_show(&run->pending[i], visit, context)) break;
    }
    return DUR_OK;
}

int memory_load_pending(durable_store *base, int64_t key, durable_pending_visitor *visit,
                        void *context, int64_t *position)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "pending");
    const memory_run *run = memory_run_by_key(store->log, key);
    size_t rows = 0;
    int code = DUR_OK;
    char result[32];

    if (run && !fault.prevents) code = show_pending(run, visit, context, position, &rows);
    snprintf(result, sizeof result, "%zu rows", rows);
    return memory_finish(store, &fault, code, code ? NULL : result, "pending %s",
                         memory_run_name(store->log, key));
}
