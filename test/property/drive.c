/* test/property: the driver: works, sends what is waited for, and lets time pass. */
#include "engine/engine.h"
#include "play.h"
#include "trial.h"

#include <stdio.h>

#define ROUNDS_MAX 3000
#define DEADLINE_MS INT64_C(259200000000)

/* ---- What is waited for -------------------------------------------------------------------- */

#define WAITS_MAX 64

typedef struct pending_wait {
    int kind, index, intent;
    int64_t position, attempt;
} pending_wait;

typedef struct waits {
    int body;
    size_t count;
    pending_wait all[WAITS_MAX];
} waits;

static int note_wait(const durable_pending *pending, void *context)
{
    waits *it = context;
    int body, index;
    char name[32];
    pending_wait wait = {pending->kind, 0, pending->intent, pending->position, pending->attempt};

    snprintf(name, sizeof name, "%.*s", (int)pending->name_length, pending->name);
    if (sscanf(name, "n%d.%d", &body, &index) != 2 || body != it->body) return 0;
    wait.index = index;
    if (it->count < WAITS_MAX) it->all[it->count++] = wait;
    return 0;
}

static int find_key(const durable_run_record *record, void *context)
{
    durable_run_record *found = context;

    found->run = record->run;
    found->status = record->status;
    found->root = record->root;
    found->cancels = record->cancels;
    return DUR_OK;
}

static bool find_run(world *it, const char *id, durable_run_record *record)
{
    durable_store *store = it->db ? it->log->store : it->witness;

    memset(record, 0, sizeof *record);
    return id[0] && store->methods->find_run(store, id, find_key, record) == DUR_OK;
}

/* ---- Sending it ---------------------------------------------------------------------------- */

/* What a dead owner has sent may have arrived; then it is over. */
static void took(world *it, int body, node_trace *trace, int code)
{
    const disturbing *how = &it->disturbance;

    if (code == DUR_OK || code == DUR_REPLAYED || code == DUR_ENDED) trace->sent++;
    if (code == DUR_ENDED && !how->deaths && !how->troubles && !how->goes_on &&
        !program_is_racy(it->program, body))
        world_accuse(it, "body %d: %s", body, dur_errmsg(it->log));
}

static bool send(world *it, int body, const char *name, const program_node *node, node_trace *trace)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;
    char key[16], text[400];
    uint64_t seed = trace->seed + (uint64_t)trace->sent;
    dur_value value = value_make(node->form, chance_next(&seed), text);
    bool fails = node->kind == NODE_RECEIVE && node->answer == ANSWER_FAILURE;

    if (trace->sent >= node->count) return false;
    snprintf(key, sizeof key, "%d", trace->sent);
    options.key = key;
    if (fails) options.failure = "this signal rejects";
    took(it, body, trace,
         dur_signal(it->log, it->outside->run_ids[body], name, fails ? dur_null() : value,
                    &options));
    return true;
}

static bool answer(world *it, int body, const program_node *node, node_trace *trace)
{
    char text[400];
    uint64_t seed = trace->seed;
    dur_value value = value_make(node->form, chance_next(&seed), text);
    bool fails = node->kind == NODE_CALLBACK && node->answer == ANSWER_FAILURE;

    if (trace->sent || !trace->token[0]) return false;
    took(it, body, trace,
         fails ? dur_fail_callback(it->log, trace->token, "this answer rejects")
               : dur_complete_callback(it->log, trace->token, value));
    return true;
}

static bool cancel(world *it, int body, const program_node *node, node_trace *trace)
{
    if (node->cause != BLOCK_CANCEL || trace->sent) return false;
    took(it, body, trace, dur_cancel(it->log, it->outside->run_ids[body]));
    return true;
}

/* The person who is asked what became of a step in doubt. */
static bool resolve(world *it, const char *id, const program_node *node, node_trace *trace,
                    const pending_wait *wait)
{
    char text[400], message[64];
    int64_t attempt = wait->attempt + 1;

    switch (trace_truth(trace, node, attempt)) {
    case TRUTH_NOTHING:
        return dur_resolve_step(it->log, id, wait->position, DUR_EXECUTE, dur_null(), NULL) ==
               DUR_OK;
    case TRUTH_RESULT:
        return dur_resolve_step(it->log, id, wait->position, DUR_OK,
                                value_make(node->form, trace->seed, text), NULL) == DUR_OK;
    default:
        attempt_message(message, attempt);
        return dur_resolve_step(it->log, id, wait->position, DUR_FAILED, dur_null(), message) ==
               DUR_OK;
    }
}

static bool tend_wait(world *it, int body, const durable_run_record *record,
                      const pending_wait *wait)
{
    const program_node *node = &it->program->bodies[body].nodes[wait->index];
    const char *id = it->outside->run_ids[body];
    node_trace *trace = &it->outside->traces[body][wait->index];
    char name[16];

    player_name(name, body, wait->index);
    if (wait->intent == DURABLE_INTENT)
        return record->status == DURABLE_PARKED && resolve(it, id, node, trace, wait);
    if (node->kind == NODE_BLOCK) return cancel(it, body, node, trace);
    if (node->answer == ANSWER_NONE) return false;
    switch (node->kind) {
    case NODE_RECEIVE: return send(it, body, name, node, trace);
    case NODE_CALLBACK: return answer(it, body, node, trace);
    case NODE_SELECT:
        if (wait->kind != DURABLE_KIND_SELECT) return false;
        return node->answer == ANSWER_VALUE ? send(it, body, name, node, trace)
                                            : answer(it, body, node, trace);
    default: return false;
    }
}

static bool tend_run(world *it, int body)
{
    durable_store *store = it->db ? it->log->store : it->witness;
    durable_run_record record;
    waits found = {.body = body};
    bool tended = false;
    int64_t position;

    if (!find_run(it, it->outside->run_ids[body], &record)) return false;
    if (record.status != DURABLE_SUSPENDED && record.status != DURABLE_PARKED) return false;
    store->methods->load_pending(store, record.run, note_wait, &found, &position);
    for (size_t i = 0; i < found.count; i++)
        if (tend_wait(it, body, &record, &found.all[i])) tended = true;
    return tended;
}

static bool tend(world *it)
{
    bool tended = false;

    for (int i = 0; i < it->program->count; i++)
        if (tend_run(it, i)) tended = true;
    return tended;
}

/* ---- Driving ------------------------------------------------------------------------------- */

static bool is_expected(const world *it, int code)
{
    if (code == DUR_MISUSE || code == DUR_DIVERGED || code == DUR_MISMATCH || code == DUR_CORRUPT ||
        code == DUR_CONFLICT || code == DUR_FOREIGN || code == DUR_ROLLED_BACK)
        return world_is_dead(it);
    return true;
}

static void passed(const char *workflow, const char *run_id, int code, const char *message,
                   void *user)
{
    world *it = user;

    (void)workflow;
    if (!is_expected(it, code))
        world_accuse(it, "a pass over \"%s\" came to %s: %s", run_id, dur_code_name(code), message);
}

static int execute_main(world *it)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    int code;

    start.input = dur_integer(0);
    if (it->program->bodies[0].has_deadline) start.deadline_ms = FAKE_CLOCK_START_MS + DEADLINE_MS;
    code = dur_execute(it->log, MAIN_ID, MAIN_ID, &start, play, it);
    world_drop(it);
    passed(MAIN_ID, MAIN_ID, code, dur_errmsg(it->log), it);
    return code;
}

static int64_t work(world *it)
{
    dur_work_options options = DUR_WORK_OPTIONS_INIT;
    int64_t wake = -1;
    int code;

    options.passed = passed;
    options.user = it;
    options.max_passes = 8; /* what they take is freed afterwards */
    code = dur_work(it->log, &options, &wake);
    world_drop(it);
    if (!is_expected(it, code))
        world_accuse(it, "dur_work() gave %s: %s", dur_code_name(code), dur_errmsg(it->log));
    return code == DUR_OK ? wake : 0;
}

/* Runs that were parked: a person executes them again. */
static bool unpark(world *it)
{
    bool found = false;

    for (int i = 0; i < it->program->count && !world_is_dead(it); i++) {
        const char *id = it->outside->run_ids[i];
        durable_run_record record;
        int code;

        if (!find_run(it, id, &record) || record.status != DURABLE_PARKED || record.root) continue;
        code = dur_execute(it->log, i ? KID_WORKFLOW : MAIN_ID, id, NULL, play, it);
        world_drop(it);
        passed("", id, code, dur_errmsg(it->log), it);
        found = true;
    }
    return found;
}

/* One round; false: nothing is left to be done. */
static bool go_round(world *it, bool *quiet)
{
    int64_t wake = work(it);

    if (world_is_dead(it)) {
        world_succeed(it);
        execute_main(it);
        return true;
    }
    if (wake == 0) return true;
    if (it->disturbance.reopens) world_succeed(it);
    if (it->disturbance.moves) world_move(it);
    if (tend(it) || world_is_dead(it) || unpark(it)) return true;
    if (wake > 0) fake_clock_advance(&it->outside->clock, wake);
    else if (*quiet) return false; /* twice in a row */
    *quiet = wake < 0;
    return true;
}

bool drive(world *it)
{
    durable_run_record record;
    bool quiet = false;

    for (int i = 0; i < ROUNDS_MAX; i++) {
        if (it->outside->violation[0]) return false;
        if (!find_run(it, MAIN_ID, &record)) execute_main(it);
        if (!go_round(it, &quiet)) return true;
    }
    world_accuse(it, "it does not come to an end");
    return false;
}
