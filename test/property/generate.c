/* test/property: programs made from a seed. */
#include "program.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
/* Longer than all that a program waits for in vain. */
#define AMPLE_MS (100 * DAY_MS)

typedef struct maker {
    whole_program *program;
    uint64_t chance;
    int budget;         /* of nodes */
    bool may_time_out;  /* no other run has a deadline */
} maker;

static int below(maker *it, int limit)
{
    return chance_below(&it->chance, limit);
}

static bool once_in(maker *it, int times)
{
    return below(it, times) == 0;
}

static int add_body(maker *it, int parent, int depth);

/* ---- Steps --------------------------------------------------------------------------------- */

/* One that runs at most once is asked what happened, by function or by a person. */
static void make_doubt(maker *it, program_node *node)
{
    static const int ways[] = {DUR_IN_DOUBT_VERIFY, DUR_IN_DOUBT_PARK, DUR_IN_DOUBT_RETRY};

    node->in_doubt = ways[below(it, 3)];
    node->polls = false;
    if (node->in_doubt == DUR_IN_DOUBT_PARK) node->fails = 0;
    if (node->in_doubt == DUR_IN_DOUBT_RETRY) node->fails_at_last = false;
}

static void make_step(maker *it, program_node *node)
{
    node->form = (step_form)below(it, STEP_FORMS);
    node->mode = below(it, 5) - 2;
    if (node->mode < 0) node->mode = DUR_AT_LEAST_ONCE;
    node->fails = once_in(it, 3) ? 1 + below(it, 3) : 0;
    node->fails_at_last = once_in(it, 6);
    node->never = once_in(it, 2);
    node->polls = node->fails && once_in(it, 3);
    node->beats = once_in(it, 6);
    node->undoes = once_in(it, 3);
    node->undo_fails = once_in(it, 4) ? 1 + below(it, 3) : 0;
    node->times = once_in(it, 6);
    if (node->mode == DUR_AT_MOST_ONCE) make_doubt(it, node);
    if (node->mode == DUR_TRANSACTIONAL) node->beats = false;
}

/* ---- Waits --------------------------------------------------------------------------------- */

static int64_t some_time(maker *it)
{
    static const int64_t times[] = {0, 1, 50, 1000, 60000, HOUR_MS};

    return times[below(it, 6)];
}

static void make_wait(maker *it, program_node *node)
{
    node->answer = (answer_kind)below(it, 3);
    node->count = once_in(it, 3) ? 2 + below(it, 2) : 1;
    node->form = FORM_VALUE;
    node->time_ms = node->answer == ANSWER_NONE ? some_time(it) : AMPLE_MS;
    if (node->answer != ANSWER_NONE && once_in(it, 2)) node->time_ms = DUR_FOREVER;
    if (node->kind != NODE_RECEIVE || node->answer != ANSWER_VALUE) node->count = 1;
    if (node->kind == NODE_CALLBACK && node->time_ms == 0) node->time_ms = 1;
}

/* ---- Children ------------------------------------------------------------------------------ */

static void make_child(maker *it, program_node *node, int parent, int depth)
{
    node->body = add_body(it, parent, depth + 1);
    node->named = once_in(it, 4);
    node->on_parent_end = below(it, 3);
    node->awaits = (await_when)below(it, 3);
    it->program->bodies[node->body].started = node->kind == NODE_START;
}

/* A branch without anything in it that takes time, with this end. */
static int add_prompt(maker *it, int parent, bool fails)
{
    whole_program *program = it->program;
    int index = program->count++;
    program_body *body = &program->bodies[index];

    body->parent = parent;
    body->fails = fails;
    body->count = below(it, 3);
    for (int i = 0; i < body->count; i++) {
        program_node *node = &body->nodes[i];

        make_step(it, node);
        node->kind = NODE_STEP;
        node->caught = true;
        if (node->in_doubt == DUR_IN_DOUBT_RETRY) node->in_doubt = DUR_IN_DOUBT_VERIFY;
        node->fails = 0;
        node->polls = false;
        node->undo_fails = 0;
        node->never = true;
    }
    return index;
}

static void add_blocked(maker *it, int parent)
{
    program_body *body = &it->program->bodies[it->program->count++];

    body->parent = parent;
    body->count = 1;
    body->nodes[0].kind = NODE_BLOCK;
    body->nodes[0].cause = BLOCK_BATCH;
}

/* Some that block, then those that decide, then some for which it is too late. */
static void make_race(maker *it, program_node *node, int parent)
{
    int blocked = below(it, 2), deciding = 1 + below(it, 2), late = below(it, 2);
    bool by_failure = once_in(it, 2);

    for (int i = 0; i < blocked; i++) add_blocked(it, parent);
    for (int i = 0; i < deciding + late; i++) add_prompt(it, parent, by_failure);
    node->count = blocked + deciding + late;
    if (!by_failure) node->policy.min_successes = deciding;
    else if (deciding == 1) node->policy.fails_fast = true;
    else node->policy.max_failures = deciding - 1;
    if (once_in(it, 2)) node->policy.max_concurrency = blocked + 1 + below(it, 2);
}

static void make_batch(maker *it, program_node *node, int parent, int depth)
{
    const dur_batch_options defaults = DUR_BATCH_OPTIONS_INIT;

    node->policy = defaults;
    node->policy.file = NULL;
    node->maps = once_in(it, 2);
    node->body = it->program->count;
    if (once_in(it, 2) && it->program->count + 5 <= BODIES_MAX) {
        make_race(it, node, parent);
        return;
    }
    if (once_in(it, 2)) node->policy.max_concurrency = 1 + below(it, 2);
    node->count = below(it, 4);
    if (node->count > BODIES_MAX - it->program->count) node->count = 0;
    it->program->count += node->count; /* one beside the other */
    for (int i = 0; i < node->count; i++) {
        it->program->bodies[node->body + i].parent = parent;
        it->program->bodies[node->body + i].count = -depth - 2; /* to be filled in */
    }
}

/* ---- Bodies -------------------------------------------------------------------------------- */

static node_kind some_kind(maker *it, int depth)
{
    static const node_kind kinds[] = {NODE_STEP,  NODE_STEP,    NODE_STEP,     NODE_STEP,
                                      NODE_STEP,  NODE_PAIR,    NODE_SLEEP,    NODE_RECEIVE,
                                      NODE_SIDE,  NODE_RECEIVE, NODE_CALLBACK, NODE_SELECT,
                                      NODE_CALL,  NODE_CALL,    NODE_START,    NODE_BATCH};
    bool has_room = depth < 4 && it->program->count < BODIES_MAX - 1 && it->budget > 0;

    return kinds[below(it, has_room ? 16 : 12)];
}

static void make_node(maker *it, program_node *node, int parent, int depth)
{
    node->kind = some_kind(it, depth);
    node->caught = !once_in(it, 4);
    it->budget--;
    switch (node->kind) {
    case NODE_STEP: make_step(it, node); break;
    case NODE_SLEEP: node->time_ms = some_time(it); break;
    case NODE_RECEIVE:
    case NODE_CALLBACK: make_wait(it, node); break;
    case NODE_SELECT:
        make_wait(it, node);
        node->time_ms = node->answer == ANSWER_NONE ? 1 + some_time(it) : AMPLE_MS;
        break;
    case NODE_SIDE: node->form = (step_form)below(it, 3); break;
    case NODE_CALL:
    case NODE_START: make_child(it, node, parent, depth); break;
    case NODE_BATCH: make_batch(it, node, parent, depth); break;
    default: break;
    }
}

static bool is_child(const program_node *node)
{
    return node->kind == NODE_CALL || node->kind == NODE_START || node->kind == NODE_BATCH;
}

/* Somewhere in it the run is told to end; what follows is there to clean up. A child that is called
 * behind its caller's deadline has one that has passed. */
static void block(maker *it, program_body *body)
{
    program_node *node = &body->nodes[below(it, body->count)];

    if (is_child(node)) return;
    memset(node, 0, sizeof *node);
    node->kind = NODE_BLOCK;
    node->cause = it->may_time_out && once_in(it, 2) ? BLOCK_DEADLINE : BLOCK_CANCEL;
    if (node->cause == BLOCK_CANCEL) return;
    it->may_time_out = false;
    body->has_deadline = true;
    for (node++; node < body->nodes + body->count; node++) node->dropped = is_child(node);
}

static void fill_body(maker *it, int index, int parent, int depth)
{
    program_body *body = &it->program->bodies[index];

    body->parent = parent;
    body->fails = once_in(it, 4);
    body->careless = once_in(it, 4);
    body->releases = once_in(it, 3);
    body->count = 1 + below(it, depth ? 4 : NODES_MAX);
    if (it->budget <= 0) body->count = 1;
    for (int i = 0; i < body->count; i++) make_node(it, &body->nodes[i], index, depth);
    if (once_in(it, 6)) block(it, body);
}

static int add_body(maker *it, int parent, int depth)
{
    int index = it->program->count++;

    fill_body(it, index, parent, depth);
    return index;
}

void program_make(whole_program *it, uint64_t seed)
{
    maker made = {it, seed, 24, true};

    memset(it, 0, sizeof *it);
    it->seed = seed;
    add_body(&made, -1, 0);
    made.may_time_out = false; /* branches have no deadline of their own */
    for (int i = 0; i < it->count; i++) { /* branches that are whole bodies */
        int depth = -it->bodies[i].count - 1;

        if (depth > 0) fill_body(&made, i, it->bodies[i].parent, depth);
    }
}
