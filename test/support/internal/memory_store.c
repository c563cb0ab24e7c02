/* test/support: the in-memory store, the first witness of the storage contract. */
#include "support/internal/memory_store.h"

#include "support/internal/memory_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct memory_store {
    durable_store head;
    memory_log *log;
    const char *fault_verb;
    int fault_in; /* 0: no fault is armed */
    int fault_code;
    memory_moment fault_when;
    int dies_in; /* 0: does not */
    bool dead;
} memory_store;

typedef struct memory_fault {
    int code; /* DUR_OK: none */
    bool prevents;
} memory_fault;

/* ---- Faults and the narrative ---- */

static memory_fault next_fault(memory_store *store, const char *verb)
{
    memory_fault fault = {DUR_OK, false};

    durable_error_clear(&store->head.error);
    if (store->dead) {
        fault.code = DUR_IOERR;
        fault.prevents = true;
    } else if (store->fault_in > 0 &&
               (!store->fault_verb || strcmp(store->fault_verb, verb) == 0) &&
               --store->fault_in == 0) {
        fault.code = store->fault_code;
        fault.prevents = store->fault_when == MEMORY_BEFORE;
    }
    return fault;
}

static void end_line(memory_store *store, const memory_fault *fault, int code, const char *result)
{
    narrative *story = &store->log->story;

    if (fault->code)
        narrative_add(story, ": %s%s\n", dur_code_name(fault->code),
                      fault->prevents ? "" : ", survived");
    else if (code || result)
        narrative_add(story, ": %s\n", result ? result : dur_code_name(code));
    else
        narrative_add(story, "\n");
}

/* What the verb returns, after a fault and the owner's death had their say. */
static int conclude(memory_store *store, const memory_fault *fault, int code)
{
    durable_error *error = &store->head.error;

    if (!store->dead && store->dies_in > 0 && --store->dies_in == 0) store->dead = true;
    if (store->dead) return durable_error_set(error, DUR_IOERR, "the owner of this handle died");
    if (fault->code) return durable_error_set(error, fault->code, "a fault was asked for");
    if (code < 0 && error->code != code) /* else a visitor has told it already */
        return durable_error_set(error, code, "%s", dur_code_text(code));
    return code;
}

/* Tell the verb in one line, and conclude it. `result`: words for what came of it, or NULL. */
static int finish(memory_store *store, const memory_fault *fault, int code, const char *result,
                  const char *format, ...) DUR_PRINTF_(5, 6);

static int finish(memory_store *store, const memory_fault *fault, int code, const char *result,
                  const char *format, ...)
{
    char line[512];
    va_list arguments;

    if (!store->dead) {
        va_start(arguments, format);
        vsnprintf(line, sizeof line, format, arguments);
        va_end(arguments);
        narrative_add(&store->log->story, "%s", line);
        end_line(store, fault, code, result);
    }
    return conclude(store, fault, code);
}

/* ---- Runs ---- */

/* The run, if this fence holds it; NULL if not. */
static memory_run *fenced_run(const memory_store *store, const durable_fence *fence)
{
    memory_run *run = memory_run_fenced(store->log, fence->run, fence->epoch, fence->token);

    return run && run->owner ? run : NULL;
}

/* Law 3: a fence that was given back opens nothing any more, but giving it back again is done. */
static bool is_given_back(const memory_store *store, const durable_fence *fence, int status)
{
    const memory_run *run =
        memory_run_fenced(store->log, fence->run, fence->epoch, fence->token);

    return run && !run->owner && run->status == status;
}

static const char *name_of(const memory_store *store, const durable_fence *fence)
{
    return memory_run_name(store->log, fence->run);
}

static void fill_fence(durable_fence *fence, const memory_run *run)
{
    fence->run = run->key;
    fence->epoch = run->epoch;
    fence->token = run->token;
    fence->provisional = 0;
}

static int find_run(durable_store *base, const char *id, durable_run_visitor *visit, void *context)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = next_fault(store, "find");
    const memory_run *run = memory_run_by_id(store->log, id);
    char result[64] = "none";
    int code = DUR_NOT_FOUND;

    if (run) {
        snprintf(result, sizeof result, "%s epoch %" PRId64, memory_status_name(run->status),
                 run->epoch);
        code = fault.prevents ? DUR_OK : memory_run_show(run, visit, context);
    }
    return finish(store, &fault, code, result, "find %s", id);
}

static int create_run(durable_store *base, const durable_new_run *new_run, bool *created,
                      durable_fence *fence)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = next_fault(store, "create");

    *created = !fault.prevents && !memory_run_by_id(store->log, new_run->id);
    if (*created) fill_fence(fence, memory_run_add(store->log, new_run));
    return finish(store, &fault, DUR_OK, *created ? NULL : "taken", "create %s epoch 1",
                  new_run->id);
}

static int claim_run(durable_store *base, const durable_claim *claim, bool *claimed,
                     durable_fence *fence)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = next_fault(store, "claim");
    memory_run *run =
        memory_run_fenced(store->log, claim->run, claim->seen_epoch, claim->seen_token);

    *claimed = !fault.prevents && run;
    if (*claimed) {
        run->epoch++;
        run->claims = claim->claims;
        memory_run_resume(run);
        memory_run_take(run, claim->owner, claim->token, claim->lease_end);
        fill_fence(fence, run);
    }
    return finish(store, &fault, DUR_OK, *claimed ? NULL : "refused",
                  "claim %s after epoch %" PRId64 " claims %" PRId64,
                  memory_run_name(store->log, claim->run), claim->seen_epoch, claim->claims);
}

static int release_run(durable_store *base, durable_fence *fence)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = next_fault(store, "release");
    memory_run *run = fenced_run(store, fence);
    bool done = run || is_given_back(store, fence, DURABLE_RUNNING);

    if (run && !fault.prevents) memory_run_give_back(run);
    return finish(store, &fault, done ? DUR_OK : DUR_LOST, NULL, "release %s",
                  name_of(store, fence));
}

static int end_run(durable_store *base, durable_fence *fence, const durable_ending *ending)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = next_fault(store, "end");
    memory_run *run = fenced_run(store, fence);
    bool done = run || is_given_back(store, fence, ending->status);

    if (run && !fault.prevents) memory_run_end(run, ending);
    return finish(store, &fault, done ? DUR_OK : DUR_LOST, NULL, "end %s %s",
                  name_of(store, fence), memory_status_name(ending->status));
}

static int renew_lease(durable_store *base, durable_fence *fence, int64_t lease_end)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = next_fault(store, "renew");
    memory_run *run = fenced_run(store, fence);

    if (run && !fault.prevents) run->lease_end = lease_end;
    return finish(store, &fault, run ? DUR_OK : DUR_LOST, NULL, "renew %s until %" PRId64,
                  name_of(store, fence), lease_end);
}

static int confirm(durable_store *base, const durable_fence *fence)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = next_fault(store, "confirm");

    return finish(store, &fault, fenced_run(store, fence) ? DUR_OK : DUR_LOST, NULL, "confirm %s",
                  name_of(store, fence));
}

/* ---- Steps ---- */

/* Gives the word for the narrative. */
static const char *append_one(memory_store *store, durable_outcome *outcome)
{
    memory_run *run = fenced_run(store, outcome->fence);
    const memory_step *there = run ? memory_step_at(run, outcome->position) : NULL;

    if (!run) outcome->verdict = DUR_LOST;
    if (there && !memory_step_equals(there, outcome)) outcome->verdict = DUR_CORRUPT;
    if (outcome->verdict) return dur_code_name(outcome->verdict);
    if (!there) memory_step_add(run, outcome);
    if (outcome->lease_end) run->lease_end = outcome->lease_end;
    return there ? "already there" : "recorded";
}

static void tell_append(memory_store *store, const durable_outcome *outcome, bool first)
{
    narrative *story = &store->log->story;
    bool failed = outcome->outcome == DURABLE_OUTCOME_FAILURE;

    narrative_add(story, "%s %s #%" PRId64 " \"%.*s\" %s low %" PRId64, first ? "append" : "  with",
                  name_of(store, outcome->fence), outcome->position, (int)outcome->name_length,
                  outcome->name, failed ? "failure" : "result", outcome->low);
    if (outcome->lease_end) narrative_add(story, " lease %" PRId64, outcome->lease_end);
}

/* A verdict is no result of the verb, but its words are where errors are. */
static void tell_verdict(memory_store *store, const durable_outcome *outcome)
{
    if (outcome->verdict)
        durable_error_set(&store->head.error, outcome->verdict, "%s",
                          dur_code_text(outcome->verdict));
}

static int append_outcomes(durable_store *base, durable_outcome *outcomes, size_t count)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = next_fault(store, "append");
    bool is_verdict = fault.code == DUR_LOST || fault.code == DUR_ROLLED_BACK;

    for (size_t i = 0; i < count && !store->dead; i++) {
        const char *result = NULL;

        tell_append(store, &outcomes[i], i == 0);
        outcomes[i].verdict = DUR_OK;
        if (!fault.prevents) result = append_one(store, &outcomes[i]);
        if (is_verdict) outcomes[i].verdict = fault.code;
        tell_verdict(store, &outcomes[i]);
        end_line(store, &fault, DUR_OK, result);
    }
    if (is_verdict) fault.code = DUR_OK;
    return conclude(store, &fault, DUR_OK);
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

static int load_history(durable_store *base, int64_t key, int64_t from, int64_t to, int64_t limit,
                        bool details, durable_step_visitor *visit, void *context,
                        int64_t *position)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = next_fault(store, "load");
    const memory_run *run = memory_run_by_key(store->log, key);
    history_range range = {from, to, limit, details, 0};
    int code = DUR_OK;
    char result[32];

    if (run && !fault.prevents) code = show_steps(run, &range, visit, context, position);
    snprintf(result, sizeof result, "%" PRId64 " rows", range.rows);
    return finish(store, &fault, code, code ? NULL : result, "load %s %" PRId64 "..%" PRId64 "%s",
                  memory_run_name(store->log, key), from, to, details ? " in detail" : "");
}

static int summarize_history(durable_store *base, int64_t key, durable_history_summary *summary)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = next_fault(store, "summarize");
    const memory_run *run = memory_run_by_key(store->log, key);
    durable_history_summary sum = {0, 0, 0};
    char result[96];

    for (size_t i = 0; run && i < run->count; i++) {
        const memory_step *step = &run->steps[i];

        sum.last = step->position;
        sum.last_epoch = step->epoch > sum.last_epoch ? step->epoch : sum.last_epoch;
        sum.low = step->low > sum.low ? step->low : sum.low;
    }
    if (!fault.prevents) *summary = sum;
    snprintf(result, sizeof result, "last %" PRId64 " epoch %" PRId64 " low %" PRId64, sum.last,
             sum.last_epoch, sum.low);
    return finish(store, &fault, DUR_OK, result, "summarize %s",
                  memory_run_name(store->log, key));
}

/* ---- Handles ---- */

static void close_store(durable_store *base)
{
    memory_log *log = ((memory_store *)base)->log;

    free(base);
    if (--log->handles == 0) memory_log_free(log);
}

static const durable_store_methods memory_methods = {.find_run = find_run,
                                                     .create_run = create_run,
                                                     .claim_run = claim_run,
                                                     .release_run = release_run,
                                                     .end_run = end_run,
                                                     .renew_lease = renew_lease,
                                                     .confirm = confirm,
                                                     .append_outcomes = append_outcomes,
                                                     .load_history = load_history,
                                                     .summarize_history = summarize_history,
                                                     .close = close_store};

static durable_store *new_handle(memory_log *log)
{
    memory_store *store = calloc(1, sizeof *store);

    if (!store) abort();
    store->head.methods = &memory_methods;
    store->log = log;
    log->handles++;
    return &store->head;
}

durable_store *memory_store_new(void)
{
    return new_handle(memory_log_new());
}

durable_store *memory_store_share(durable_store *store)
{
    return new_handle(((memory_store *)store)->log);
}

const char *memory_store_narrative(const durable_store *store)
{
    return ((const memory_store *)store)->log->story.text;
}

void memory_store_forget(durable_store *store)
{
    narrative_clear(&((memory_store *)store)->log->story);
}

/* ---- Mischief ---- */

void memory_store_fail(durable_store *base, const char *verb, int nth, int code,
                       memory_moment when)
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
}

bool memory_store_is_dead(const durable_store *store)
{
    return ((const memory_store *)store)->dead;
}

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

void memory_store_take_over(durable_store *base, const char *id)
{
    memory_run *run = known_run(base, id);

    run->epoch++;
    memory_run_take(run, "another-owner", run->token ^ 0x5a5a, INT64_MAX);
    narrative_add(&((memory_store *)base)->log->story, "another owner takes %s\n", id);
}

void memory_store_restore(durable_store *base, const char *id)
{
    memory_run *run = known_run(base, id);

    memory_run_take(run, "another-owner", run->token ^ 0x5a5a, INT64_MAX);
    narrative_add(&((memory_store *)base)->log->story, "a backup of %s is restored\n", id);
}

void memory_store_delete_run(durable_store *base, const char *id)
{
    known_run(base, id)->deleted = true;
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
