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

DURABLE_INTERNAL durable_decision durable_decide_pending(const durable_pending *pending,
                                                         const durable_request *request)
{
    if (pending->kind != request->kind || pending->name_length != request->name_length ||
        memcmp(pending->name, request->name, request->name_length) != 0)
        return DURABLE_DIVERGE;
    return DURABLE_EXECUTE;
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

/* Where each list first holds the other's first step, and what may follow from it. */
static dur_change compare(const durable_evidence *recorded, size_t recorded_count,
                          const durable_evidence *requested, size_t requested_count)
{
    size_t old = find_same(requested, requested_count, &recorded[0]);
    size_t new = find_same(recorded, recorded_count, &requested[0]);
    bool old_there = old < requested_count, new_there = new < recorded_count;
    bool inserted = old_there && go_on_alike(recorded, recorded_count, requested + old,
                                             requested_count - old);
    bool removed = new_there && go_on_alike(recorded + new, recorded_count - new, requested,
                                            requested_count);

    if (old_there && new_there && old == 1 && new == 1 &&
        go_on_alike(recorded + 2, recorded_count - 2, requested + 2, requested_count - 2))
        return DUR_CHANGE_REORDERED;
    if (inserted != removed) return inserted ? DUR_CHANGE_INSERTED : DUR_CHANGE_REMOVED;
    if (!old_there && !new_there &&
        go_on_alike(recorded + 1, recorded_count - 1, requested + 1, requested_count - 1))
        return DUR_CHANGE_RENAMED;
    return DUR_CHANGE_UNKNOWN;
}

DURABLE_INTERNAL dur_change durable_classify(const durable_evidence *recorded,
                                             size_t recorded_count,
                                             const durable_evidence *requested,
                                             size_t requested_count, bool left_early)
{
    if (requested_count == 0) return DUR_CHANGE_ENDED_EARLY;
    if (recorded_count == 0) return DUR_CHANGE_UNKNOWN;
    if (requested_count == 1 && left_early) return DUR_CHANGE_UNKNOWN;
    return compare(recorded, recorded_count, requested, requested_count);
}
