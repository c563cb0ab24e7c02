/* test/property: what is in a log when all is over, and what has become of the world outside. */
#include "engine/engine.h"
#include "play.h"
#include "support/narrative.h"
#include "trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- The log ------------------------------------------------------------------------------- */

#define KIDS_MAX 64

typedef struct painter {
    world *world;
    narrative text;
    int64_t run;
    char batches[KIDS_MAX][DUR_NAME_MAX + 1]; /* runs of batches, still to be painted */
    size_t batch_count;
    const char *id;
    bool is_batch;
} painter;

static void paint_bytes(narrative *to, const char *kind, const dur_value *value)
{
    const unsigned char *bytes = value->as.bytes;

    narrative_add(to, "%s(%d)", kind, (int)value->length);
    for (size_t i = 0; i < value->length && i < 80; i++) {
        if (bytes[i] >= ' ' && bytes[i] < 127) narrative_add(to, "%c", bytes[i]);
        else narrative_add(to, "\\%02x", bytes[i]);
    }
}

static void paint_value(narrative *to, const durable_datum *datum)
{
    dur_value value;

    if (durable_value_decode(datum, &value) != DUR_OK) {
        narrative_add(to, "undecodable");
        return;
    }
    switch (value.type) {
    case DUR_NULL: narrative_add(to, "null"); break;
    case DUR_INTEGER: narrative_add(to, "%" PRId64, value.as.integer); break;
    case DUR_UNSIGNED: narrative_add(to, "%" PRIu64 "u", value.as.unsigned_integer); break;
    case DUR_REAL: narrative_add(to, "real %" PRIx64, value.as.unsigned_integer); break;
    case DUR_TEXT: paint_bytes(to, "text", &value); break;
    case DUR_BLOB: paint_bytes(to, "blob", &value); break;
    default: paint_bytes(to, "object", &value); break;
    }
}

static const program_node *node_named(const painter *it, const char *name)
{
    int body, index;

    if (sscanf(name, "n%d.%d", &body, &index) != 2) return NULL;
    return &it->world->program->bodies[body].nodes[index];
}

static int paint_step(const durable_step_record *record, void *context)
{
    painter *it = context;
    char name[64];
    const program_node *node;

    snprintf(name, sizeof name, "%.*s", (int)record->name_length, record->name);
    node = node_named(it, name);
    narrative_add(&it->text, "  %" PRId64 " %s kind %d outcome %d ", record->position, name,
                  record->kind, record->outcome);
    if (node && node->kind == NODE_SIDE && record->kind == DURABLE_KIND_STEP)
        narrative_add(&it->text, "side value");
    else paint_value(&it->text, &record->value);
    narrative_add(&it->text, "\n");
    if (node && node->kind == NODE_BATCH && it->batch_count < KIDS_MAX)
        snprintf(it->batches[it->batch_count++], DUR_NAME_MAX + 1, "%.200s/%" PRId64, it->id,
                 record->position);
    return 0;
}

static int paint_pending(const durable_pending *pending, void *context)
{
    painter *it = context;

    narrative_add(&it->text, "  pending at %" PRId64 ": %.*s\n", pending->position,
                  (int)pending->name_length, pending->name);
    return 0;
}

static int paint_run(const durable_run_record *record, void *context)
{
    painter *it = context;

    it->run = record->run;
    narrative_add(&it->text, "%s: status %d%s ", record->id, record->status,
                  record->owner ? ", held," : "");
    paint_value(&it->text, &record->output);
    narrative_add(&it->text, " %s\n", record->failure ? record->failure : "");
    return DUR_OK;
}

static void paint(painter *it, const char *id)
{
    durable_store *store = it->world->db ? it->world->log->store : it->world->witness;
    int64_t position;

    it->id = id;
    if (store->methods->find_run(store, id, paint_run, it) != DUR_OK) {
        narrative_add(&it->text, "%s: not there\n", id);
        return;
    }
    store->methods->load_history(store, it->run, 1, DUR_POSITION_MAX, DUR_POSITION_MAX, false,
                                 paint_step, it, &position);
    store->methods->load_pending(store, it->run, paint_pending, it, &position);
}

char *picture_take(world *it)
{
    painter paints;

    memset(&paints, 0, sizeof paints);
    paints.world = it;
    narrative_init(&paints.text);
    for (int i = 0; i < it->program->count; i++) {
        if (!it->outside->run_ids[i][0] || program_is_racy(it->program, i)) continue;
        narrative_add(&paints.text, "body %d, ", i);
        paint(&paints, it->outside->run_ids[i]);
    }
    for (size_t i = 0; i < paints.batch_count; i++) paint(&paints, paints.batches[i]);
    return paints.text.text;
}

/* ---- The world outside --------------------------------------------------------------------- */

typedef struct found_row {
    int body, index;
    bool has_row, has_result;
} found_row;

static int find_row(const durable_step_record *record, void *context)
{
    found_row *it = context;
    char name[64], wanted[16];

    snprintf(name, sizeof name, "%.*s", (int)record->name_length, record->name);
    player_name(wanted, it->body, it->index);
    if (strcmp(name, wanted) != 0 || record->kind != DURABLE_KIND_STEP) return 0;
    it->has_row = true;
    it->has_result = record->outcome == DURABLE_OUTCOME_RESULT;
    return 1;
}

static int take_key(const durable_run_record *record, void *context)
{
    *(int64_t *)context = record->run;
    return DUR_OK;
}

static void look_for(world *it, found_row *found)
{
    durable_store *store = it->db ? it->log->store : it->witness;
    int64_t key, position;

    const char *id = it->outside->run_ids[found->body];

    if (store->methods->find_run(store, id, take_key, &key) == DUR_OK)
        store->methods->load_history(store, key, 1, DUR_POSITION_MAX, DUR_POSITION_MAX, false,
                                     find_row, found, &position);
}

static bool is_undisturbed(const world *it)
{
    const disturbing *how = &it->disturbance;

    return !how->deaths && !how->stops && !how->troubles && !how->goes_on;
}

static void check_step(world *it, int body, int index)
{
    const program_node *node = &it->program->bodies[body].nodes[index];
    const node_trace *trace = &it->outside->traces[body][index];
    found_row found = {.body = body, .index = index};
    dur_status status = program_status(it->program, body);

    look_for(it, &found);
    if (found.has_row && !trace->effects)
        world_accuse(it, "n%d.%d: it is recorded and has no effect", body, index);
    if (node->mode == DUR_TRANSACTIONAL && it->db &&
        world_written(it, body, index) != (found.has_row && found.has_result))
        world_accuse(it, "n%d.%d: %d rows of its body's, and %s", body, index,
                     world_written(it, body, index),
                     found.has_result ? "a result" : "no result");
    if (found.has_row && is_undisturbed(it) && trace->effects != node->fails + 1)
        world_accuse(it, "n%d.%d: %d attempts instead of %d", body, index, trace->effects,
                     node->fails + 1);
    if (program_is_racy(it->program, body) || !node->undoes || !found.has_row) return;
    if ((status == DUR_COMPLETED) != (trace->undone == 0))
        world_accuse(it, "n%d.%d: undone %d times, its run's status is %d", body, index,
                     trace->undone, (int)status);
}

static int take_status(const durable_run_record *record, void *context)
{
    *(int *)context = record->status;
    return DUR_OK;
}

static void check_status(world *it, int body)
{
    durable_store *store = it->db ? it->log->store : it->witness;
    int status = 0, expected = (int)program_status(it->program, body);

    store->methods->find_run(store, it->outside->run_ids[body], take_status, &status);
    if (status == expected) return;
    world_accuse(it, "body %d: its run's status is %d instead of %d", body, status, expected);
}

void check_effects(world *it)
{
    for (int i = 0; i < it->program->count; i++) {
        const program_body *body = &it->program->bodies[i];

        if (!it->outside->run_ids[i][0]) continue;
        if (!program_is_racy(it->program, i)) check_status(it, i);
        for (int j = 0; j < body->count; j++)
            if (body->nodes[j].kind == NODE_STEP && !body->nodes[j].dropped) check_step(it, i, j);
    }
}
