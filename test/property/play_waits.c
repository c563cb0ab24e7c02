/* test/property: waits and children. */
#include "play.h"

#include <stdio.h>

/* The time that runs with a deadline have. */
#define DEADLINE_MS INT64_C(259200000000)

/* ---- Waits --------------------------------------------------------------------------------- */

static void fold_answer(player *it, int code, dur_value value)
{
    if (code == DUR_OK) player_fold(it, value);
    if (code == DUR_TIMED_OUT) player_fold(it, dur_integer(code));
}

static void play_receive(player *it, const char *name, const program_node *node)
{
    for (int i = 0; i < node->count && dur_ok(it->run); i++) {
        dur_value value;
        int code = dur_receive(it->run, name, node->time_ms, &value);

        fold_answer(it, code, value);
    }
}

static dur_step *begin_callback(player *it, int index, const char *name, int64_t timeout_ms)
{
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    node_trace *trace = &it->world->outside->traces[it->index][index];
    dur_step *callback;

    options.timeout_ms = timeout_ms == DUR_FOREVER ? 0 : timeout_ms;
    if (dur_begin_callback(it->run, name, &options, &callback) != DUR_OK) return NULL;
    snprintf(trace->token, sizeof trace->token, "%s", dur_callback_token(callback));
    return callback;
}

static void await_callback(player *it, dur_step *callback)
{
    dur_value value;
    int code = dur_await(callback, &value);

    fold_answer(it, code, value);
}

/* A timer, a signal and a callback, one of which comes. */
static void play_select(player *it, int index, const char *name)
{
    const program_node *node = &it->body->nodes[index];
    dur_step *callback = begin_callback(it, index, name, 0);
    dur_case cases[3];
    dur_value value;
    size_t which;
    int code;

    if (!callback) return;
    cases[0] = dur_on_timer(node->time_ms == DUR_FOREVER ? INT64_MAX : node->time_ms);
    cases[1] = dur_on_signal(name);
    cases[2] = dur_on_step(callback);
    if (dur_select(it->run, name, cases, 3, &which) != DUR_OK) return;
    player_fold(it, dur_integer((int64_t)which));
    if (which == 1) {
        code = dur_receive(it->run, name, 0, &value);
        fold_answer(it, code, value);
    }
    if (which == 2) await_callback(it, callback);
}

void play_wait(player *it, int index)
{
    const program_node *node = &it->body->nodes[index];
    dur_step *callback;
    char name[16];

    player_task(it, index);
    player_name(name, it->index, index);
    switch (node->kind) {
    case NODE_RECEIVE: play_receive(it, name, node); break;
    case NODE_SELECT: play_select(it, index, name); break;
    default:
        callback = begin_callback(it, index, name, node->time_ms);
        if (callback) await_callback(it, callback);
        break;
    }
}

/* ---- Children ------------------------------------------------------------------------------ */

static dur_child_options describe(const player *it, const program_node *node, char id[32])
{
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;

    options.input = dur_integer(node->body);
    options.on_parent_end = node->kind == NODE_START ? node->on_parent_end : DUR_CHILD_WAIT;
    if (it->world->program->bodies[node->body].has_deadline) options.timeout_ms = DEADLINE_MS;
    snprintf(id, 32, "child of body %d", node->body);
    if (node->named) options.run_id = id;
    return options;
}

static void play_start(player *it, int index, const char *name)
{
    const program_node *node = &it->body->nodes[index];
    char id[32];
    dur_child_options options = describe(it, node, id);
    dur_step *child;
    dur_value value;

    if (dur_start_child(it->run, name, KID_WORKFLOW, &options, &child) != DUR_OK) return;
    if (node->awaits == AWAIT_LAST) it->children[index] = child;
    if (node->awaits != AWAIT_NOW) return;
    if (dur_await(child, &value) == DUR_OK) player_fold(it, value);
}

static void play_call(player *it, int index, const char *name)
{
    const program_node *node = &it->body->nodes[index];
    char id[32];
    dur_child_options options = describe(it, node, id);
    dur_value value;

    if (dur_call(it->run, name, &options, play, it->world, &value) == DUR_OK)
        player_fold(it, value);
}

static void fold_batch(player *it, const program_node *node, const dur_batch *batch)
{
    if (batch->count != (size_t)node->count)
        world_accuse(it->world, "a batch of %d has become one of %d", node->count,
                     (int)batch->count);
    player_fold(it, dur_integer((int64_t)batch->reason));
    for (size_t i = 0; i < batch->count; i++) {
        player_fold(it, dur_integer(batch->codes[i]));
        player_fold(it, batch->values[i]);
    }
}

static void play_batch(player *it, int index, const char *name)
{
    const program_node *node = &it->body->nodes[index];
    dur_branch branches[BODIES_MAX];
    dur_value items[BODIES_MAX];
    size_t count = (size_t)node->count;
    dur_batch batch;
    int code;

    memset(&batch, 0, sizeof batch);
    for (int i = 0; i < node->count; i++) {
        dur_branch branch = {i ? NULL : "the first", play, it->world, dur_integer(node->body + i)};

        branches[i] = branch;
        items[i] = branch.input;
    }
    if (node->maps)
        code = dur_map(it->run, name, items, count, play, it->world, &node->policy, &batch);
    else code = dur_parallel(it->run, name, branches, count, &node->policy, &batch);
    if (code == DUR_OK) fold_batch(it, node, &batch);
}

void play_child(player *it, int index)
{
    char name[16];

    player_task(it, index);
    player_name(name, it->index, index);
    switch (it->body->nodes[index].kind) {
    case NODE_CALL: play_call(it, index, name); break;
    case NODE_START: play_start(it, index, name); break;
    default: play_batch(it, index, name); break;
    }
}
