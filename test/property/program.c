/* test/property: what can be said about a program without playing it. */
#include "program.h"

static dur_status status_of(const whole_program *it, const program_body *body);

static bool child_fails(const whole_program *it, const program_node *node)
{
    return status_of(it, &it->bodies[node->body]) != DUR_COMPLETED;
}

/* Whether a failure comes of it. */
static bool node_fails(const whole_program *it, const program_node *node)
{
    switch (node->kind) {
    case NODE_STEP: return node->fails_at_last;
    case NODE_RECEIVE:
    case NODE_CALLBACK: return node->answer == ANSWER_FAILURE;
    case NODE_CALL: return child_fails(it, node);
    case NODE_START: return node->awaits == AWAIT_NOW && child_fails(it, node);
    default: return false;
    }
}

static bool fails_at_last(const whole_program *it, const program_body *body)
{
    for (int i = 0; i < body->count; i++) {
        const program_node *node = &body->nodes[i];

        if (node->kind == NODE_START && node->awaits == AWAIT_LAST && !node->dropped &&
            !node->caught && child_fails(it, node))
            return true;
    }
    return body->fails;
}

static dur_status status_of(const whole_program *it, const program_body *body)
{
    for (int i = 0; i < body->count; i++) {
        const program_node *node = &body->nodes[i];

        if (node->dropped) continue;
        if (node->kind == NODE_BLOCK)
            return node->cause == BLOCK_DEADLINE ? DUR_RUN_TIMED_OUT : DUR_RUN_CANCELLED;
        if (!node->caught && node_fails(it, node)) return DUR_RUN_FAILED;
    }
    return fails_at_last(it, body) ? DUR_RUN_FAILED : DUR_COMPLETED;
}

dur_status program_status(const whole_program *it, int body)
{
    return status_of(it, &it->bodies[body]);
}

/* Its parent waits for it, or lets it go its way. */
static bool is_let_end(const whole_program *it, const program_body *parent,
                       const program_node *node)
{
    if (node->kind != NODE_START || node->awaits == AWAIT_NOW) return true;
    if (node->on_parent_end == DUR_CHILD_LEAVE) return true;
    return status_of(it, parent) == DUR_COMPLETED &&
           (node->awaits == AWAIT_LAST || node->on_parent_end == DUR_CHILD_WAIT);
}

static const program_node *node_of(const whole_program *it, int body)
{
    const program_body *parent = &it->bodies[it->bodies[body].parent];

    for (int i = 0; i < parent->count; i++) {
        const program_node *node = &parent->nodes[i];
        int count = node->kind == NODE_BATCH ? node->count : 1;

        if (node->kind != NODE_CALL && node->kind != NODE_START && node->kind != NODE_BATCH)
            continue;
        if (body >= node->body && body < node->body + count) return node;
    }
    return NULL;
}

bool program_is_racy(const whole_program *it, int body)
{
    while (it->bodies[body].parent >= 0) {
        int parent = it->bodies[body].parent;

        if (!is_let_end(it, &it->bodies[parent], node_of(it, body))) return true;
        body = parent;
    }
    return false;
}
