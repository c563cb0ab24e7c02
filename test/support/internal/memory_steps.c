/* test/support: the in-memory store's verbs on steps. */
#include "support/internal/memory_transaction.h"
#include "support/internal/memory_waits.h"

#include <inttypes.h>
#include <stdio.h>

static void add_step(memory_log *log, memory_run *run, const durable_outcome *outcome)
{
    memory_step_add(run, outcome);
    if (outcome->clears_pending) memory_pending_remove(run, outcome->position);
    if (outcome->takes_signal) {
        memory_signal *signal = memory_signal_waiting(log, run->key, outcome->takes_signal);

        signal->received = true;
        signal->received_at = outcome->position;
    }
}

/* Gives the word for the narrative. */
static const char *append_one(memory_store *store, durable_outcome *outcome)
{
    memory_run *run = memory_fenced_run(store, outcome->fence);
    const memory_step *there = run ? memory_step_at(run, outcome->position) : NULL;

    if (!run) outcome->verdict = memory_verdict(store, outcome->fence, false);
    if (memory_transaction_is_broken(store)) outcome->verdict = DUR_ROLLED_BACK;
    if (there && !memory_step_equals(there, outcome)) outcome->verdict = DUR_CORRUPT;
    if (run && !there && outcome->unless_signal &&
        memory_signal_oldest(store->log, run->key, outcome->unless_signal))
        outcome->verdict = DUR_CONFLICT;
    if (outcome->verdict) return dur_code_name(outcome->verdict);
    if (!there) add_step(store->log, run, outcome);
    if (outcome->lease_end) run->lease_end = outcome->lease_end;
    outcome->fence->provisional = outcome->joined ? outcome->position : 0;
    store->log->version++;
    return there ? "already there" : "recorded";
}

/* Whether the signal that this outcome takes is not there, or taken by one in front of it. */
static bool is_signal_gone(const memory_store *store, const durable_outcome *outcomes, size_t index)
{
    const durable_outcome *outcome = &outcomes[index];
    const memory_run *run = memory_fenced_run(store, outcome->fence);

    if (!outcome->takes_signal || !run || memory_step_at(run, outcome->position)) return false;
    for (size_t i = 0; i < index; i++) {
        bool is_of_run = outcomes[i].fence->run == run->key;

        if (is_of_run && outcomes[i].position == outcome->position) return false;
        if (outcomes[i].takes_signal == outcome->takes_signal) return true;
    }
    return !memory_signal_waiting(store->log, run->key, outcome->takes_signal);
}

static void tell_append(memory_store *store, const durable_outcome *outcome, bool first)
{
    narrative *story = &store->log->story;
    static const char *const words[] = {"result", "failure", "timed out"};

    narrative_add(story, "%s %s #%" PRId64 " \"%.*s\" %s low %" PRId64, first ? "append" : "  with",
                  memory_name_of(store, outcome->fence), outcome->position,
                  (int)outcome->name_length, outcome->name, words[outcome->outcome], outcome->low);
    if (outcome->lease_end) narrative_add(story, " lease %" PRId64, outcome->lease_end);
    if (outcome->takes_signal) narrative_add(story, " takes %" PRId64, outcome->takes_signal);
    if (outcome->clears_pending) narrative_add(story, " clears");
}

/* A verdict is no result of the verb, but its words are where errors are. */
static void tell_verdict(memory_store *store, const durable_outcome *outcome)
{
    if (outcome->verdict)
        durable_error_set(&store->head.error, outcome->verdict, "%s",
                          dur_code_text(outcome->verdict));
}

int memory_append_outcomes(durable_store *base, durable_outcome *outcomes, size_t count)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "append");
    bool is_verdict = fault.code == DUR_LOST || fault.code == DUR_ROLLED_BACK;
    int code = DUR_OK;

    for (size_t i = 0; i < count; i++)
        if (is_signal_gone(store, outcomes, i)) code = DUR_CORRUPT;
    for (size_t i = 0; i < count; i++)
        if (memory_transaction_refuses(store, &outcomes[i])) code = DUR_MISUSE;
    for (size_t i = 0; i < count && !store->dead; i++) {
        const char *result = NULL;

        tell_append(store, &outcomes[i], i == 0);
        outcomes[i].verdict = DUR_OK;
        outcomes[i].joined = memory_transaction_is_shared(store);
        if (!fault.prevents && !code) result = append_one(store, &outcomes[i]);
        if (is_verdict) outcomes[i].verdict = fault.code;
        tell_verdict(store, &outcomes[i]);
        memory_end_line(store, &fault, code, result);
    }
    if (is_verdict) fault.code = DUR_OK;
    return memory_conclude(store, &fault, code);
}

typedef struct history_range {
    int64_t from, to, limit;
    bool details;
    int64_t rows; /* out: visited */
} history_range;

static int show_steps(const memory_run *run, history_range *range, durable_step_visitor *visit,
                      void *context, int64_t *position)
{
    for (size_t i = memory_step_index(run, range->from); i < run->count; i++) {
        const memory_step *step = &run->steps[i];

        if (step->position > range->to || range->rows == range->limit) break;
        if (step->damaged) {
            if (position) *position = step->position;
            return DUR_CORRUPT;
        }
        range->rows++;
        if (memory_step_show(step, range->details, visit, context)) break;
    }
    return DUR_OK;
}

int memory_load_history(durable_store *base, int64_t key, int64_t from, int64_t to, int64_t limit,
                        bool details, durable_step_visitor *visit, void *context, int64_t *position)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "load");
    const memory_run *run = memory_run_by_key(store->log, key);
    history_range range = {from, to, limit, details, 0};
    int code = DUR_OK;
    char result[32];

    if (run && !fault.prevents) code = show_steps(run, &range, visit, context, position);
    snprintf(result, sizeof result, "%" PRId64 " rows", range.rows);
    return memory_finish(store, &fault, code, code ? NULL : result,
                         "load %s %" PRId64 "..%" PRId64 "%s", memory_run_name(store->log, key),
                         from, to, details ? " in detail" : "");
}

int memory_summarize_history(durable_store *base, int64_t key, durable_history_summary *summary)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "summarize");
    const memory_run *run = memory_run_by_key(store->log, key);
    durable_history_summary sum = {0, 0, 0, memory_run_calls(store->log, key)};
    char result[96];

    for (size_t i = 0; run && i < run->count; i++) {
        const memory_step *step = &run->steps[i];

        sum.last = step->position;
        sum.last_epoch = step->epoch > sum.last_epoch ? step->epoch : sum.last_epoch;
        sum.low = step->low > sum.low ? step->low : sum.low;
    }
    if (!fault.prevents) *summary = sum;
    snprintf(result, sizeof result, "last %" PRId64 " epoch %" PRId64 " low %" PRId64 "%s",
             sum.last, sum.last_epoch, sum.low, sum.calls ? " calls" : "");
    return memory_finish(store, &fault, DUR_OK, result, "summarize %s",
                         memory_run_name(store->log, key));
}
