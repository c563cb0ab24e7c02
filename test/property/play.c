/* test/property: the workflow function that plays a body, node after node. */
#include "play.h"

#include <stdio.h>

void player_name(char name[16], int body, int index)
{
    snprintf(name, 16, "n%d.%d", body, index);
}

step_task *player_task(player *it, int index)
{
    step_task *task = world_take(it->world, sizeof *task);
    uint64_t seed = it->hash;

    task->world = it->world;
    task->node = &it->body->nodes[index];
    task->trace = &it->world->outside->traces[it->index][index];
    task->body = it->index;
    task->index = index;
    task->doomed = it->doomed;
    task->seed = chance_mix(seed, &index, sizeof index);
    if (!it->doomed && !world_is_dead(it->world)) {
        if (task->trace->is_known && task->trace->seed != task->seed)
            world_accuse(it->world, "n%d.%d: the values before it have changed", it->index, index);
        task->trace->is_known = true;
        task->trace->seed = task->seed;
    }
    return task;
}

/* ---- One node ------------------------------------------------------------------------------ */

static bool looks_like_uuid(const char *text)
{
    return strlen(text) == 36 && text[8] == '-' && text[14] == '4' && text[23] == '-';
}

/* Their values differ from one execution to the next, and must not decide anything. */
static void play_side(player *it, int index)
{
    char name[16], uuid[DUR_UUID_SIZE] = "";
    int64_t now = 0;
    uint64_t number;
    int code;

    player_name(name, it->index, index);
    switch (it->body->nodes[index].form) {
    case FORM_VOID:
        code = dur_now(it->run, name, &now);
        if (code == DUR_OK && (now < FAKE_CLOCK_START_MS || now > it->world->outside->clock.now_ms))
            world_accuse(it->world, "%s: dur_now() was %lld", name, (long long)now);
        break;
    case FORM_INT: code = dur_random(it->run, name, &number); break;
    default:
        code = dur_uuid(it->run, name, uuid);
        if (code == DUR_OK && !looks_like_uuid(uuid))
            world_accuse(it->world, "%s: dur_uuid() was \"%s\"", name, uuid);
        break;
    }
}

static void play_block(player *it, int index)
{
    char name[16];
    int code;

    player_name(name, it->index, index);
    code = dur_receive(it->run, name, DUR_FOREVER, NULL);
    if (code == DUR_OK) world_accuse(it->world, "%s: it was let through", name);
    if (dur_cancelled(it->run)) player_fold(it, dur_integer(code));
}

static void play_sleep(player *it, int index)
{
    const program_node *node = &it->body->nodes[index];
    char name[16];
    int code;

    player_name(name, it->index, index);
    if (it->index % 2) code = dur_sleep(it->run, name, node->time_ms);
    else code = dur_sleep_until(it->run, name, FAKE_CLOCK_START_MS + node->time_ms);
    if (code == DUR_OK) player_fold(it, dur_null());
}

static void play_node(player *it, int index)
{
    switch (it->body->nodes[index].kind) {
    case NODE_STEP: play_step(it, index); break;
    case NODE_PAIR: play_pair(it, index); break;
    case NODE_SLEEP: play_sleep(it, index); break;
    case NODE_SIDE: play_side(it, index); break;
    case NODE_BLOCK: play_block(it, index); break;
    case NODE_CALL:
    case NODE_START:
    case NODE_BATCH: play_child(it, index); break;
    default: play_wait(it, index); break;
    }
}

/* ---- All of them --------------------------------------------------------------------------- */

/* Whether to go on behind the node. */
static bool settle(player *it, const program_node *node)
{
    const char *message = node->caught && !it->doomed ? dur_catch(it->run) : NULL;

    if (message) player_fold(it, dur_text(message));
    if (dur_ok(it->run)) return true;
    if (dur_run_code(it->run) != DUR_OK || !it->body->careless) return false;
    it->doomed = true;
    return true;
}

static void stop_once(player *it, int index)
{
    node_trace *trace = &it->world->outside->traces[it->index][index];

    if (!it->world->disturbance.stops || trace->stopped || it->doomed) return;
    trace->stopped = true;
    dur_stop(it->run, "stopped before n%d.%d", it->index, index);
}

static bool play_nodes(player *it)
{
    for (int i = 0; i < it->body->count; i++) {
        uint64_t mark = dur_mark(it->run);

        if (it->body->nodes[i].dropped) continue;
        stop_once(it, i);
        if (dur_run_code(it->run) != DUR_OK) return false;
        play_node(it, i);
        if (world_is_dead(it->world) || !settle(it, &it->body->nodes[i])) return false;
        if (it->body->releases && it->body->nodes[i].kind != NODE_START)
            dur_release(it->run, mark); /* a child's handle goes with it */
    }
    return dur_ok(it->run);
}

static bool await_last(player *it)
{
    for (int i = 0; i < it->body->count; i++) {
        const program_node *node = &it->body->nodes[i];
        dur_value value;

        if (!it->children[i] || dur_cancelled(it->run)) continue;
        if (dur_await(it->children[i], &value) == DUR_OK) player_fold(it, value);
        if (!settle(it, node)) return false;
    }
    return dur_ok(it->run);
}

static void begin(player *it, struct world *where, dur_run *run)
{
    dur_value input = dur_input(run);

    memset(it, 0, sizeof *it);
    it->world = where;
    it->run = run;
    it->index = (int)input.as.integer;
    it->body = &where->program->bodies[it->index];
    it->hash = (uint64_t)it->index;
    snprintf(where->outside->run_ids[it->index], DUR_NAME_MAX + 1, "%s", dur_run_id(run));
}

int play(dur_run *run, void *user)
{
    player it;

    begin(&it, user, run);
    if (!play_nodes(&it) || !await_last(&it)) return 0;
    dur_set_output(run, dur_integer((int64_t)it.hash));
    if (it.body->fails) dur_fail(run, "body %d fails", it.index);
    return it.body->fails;
}
