/* engine: what the log says to a request of the code. Pure functions: no store, no state. */
#include "engine/decision.h"

DURABLE_INTERNAL durable_decision durable_decide(const durable_step_record *recorded,
                                                 const durable_request *request)
{
    if (!recorded) return DURABLE_EXECUTE;
    if (recorded->position > request->position) return DURABLE_GAP;
    if (recorded->kind != request->kind || recorded->name_length != request->name_length ||
        memcmp(recorded->name, request->name, request->name_length) != 0)
        return DURABLE_DIVERGE;
    return DURABLE_REPLAY;
}

static bool is_same(const durable_evidence *a, const durable_evidence *b)
{
    return a->kind == b->kind && strcmp(a->name, b->name) == 0;
}

/* The index at which `step` first stands in the list; `count` if it does not. */
static size_t find_same(const durable_evidence *list, size_t count, const durable_evidence *step)
{
    size_t at = 0;

    while (at < count && !is_same(&list[at], step)) at++;
    return at;
}

/* Do both lists go on alike, as far as both are known? */
static bool go_on_alike(const durable_evidence *a, size_t a_count, const durable_evidence *b,
                        size_t b_count)
{
    for (size_t i = 0; i < a_count && i < b_count; i++)
        if (!is_same(&a[i], &b[i])) return false;
    return true;
}

DURABLE_INTERNAL dur_change durable_classify(const durable_evidence *recorded, size_t recorded_count,
                                             const durable_evidence *requested,
                                             size_t requested_count, bool left_early)
{
    size_t recorded_at, requested_at;

    if (requested_count == 0) return DUR_CHANGE_ENDED_EARLY;
    if (recorded_count == 0) return DUR_CHANGE_UNKNOWN;
    if (requested_count == 1 && left_early) return DUR_CHANGE_UNKNOWN;
    recorded_at = find_same(requested, requested_count, &recorded[0]);
    requested_at = find_same(recorded, recorded_count, &requested[0]);
    if (recorded_at == 1 && recorded_at < requested_count && requested_at == 1 &&
        requested_at < recorded_count)
        return DUR_CHANGE_REORDERED;
    if (recorded_at < requested_count && requested_at == recorded_count)
        return go_on_alike(recorded, recorded_count, requested + recorded_at,
                           requested_count - recorded_at)
                   ? DUR_CHANGE_INSERTED
                   : DUR_CHANGE_UNKNOWN;
    if (requested_at < recorded_count && recorded_at == requested_count)
        return go_on_alike(recorded + requested_at, recorded_count - requested_at, requested,
                           requested_count)
                   ? DUR_CHANGE_REMOVED
                   : DUR_CHANGE_UNKNOWN;
    if (requested_at == recorded_count && recorded_at == requested_count)
        return go_on_alike(recorded + 1, recorded_count - 1, requested + 1, requested_count - 1)
                   ? DUR_CHANGE_RENAMED
                   : DUR_CHANGE_UNKNOWN;
    return DUR_CHANGE_UNKNOWN;
}
