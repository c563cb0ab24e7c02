/* test/store: what the parts of the conformance suite share that are about children. */
#ifndef CONFORMANCE_CHILDREN_H
#define CONFORMANCE_CHILDREN_H

#include "store/conformance_waits.h"

/* With a root it is called: claimed at once, in nobody's queue. Without one it is started. */
typedef struct durable_child_spec {
    const char *id;
    const durable_fence *parent;
    int64_t position;
    int64_t root;
    int depth;
    int on_parent_end;
} durable_child_spec;

/* It must be created; gives its fence where it is called. */
static inline durable_fence create_child(conformance *c, const durable_child_spec *spec)
{
    const durable_caller caller = {.fence = spec->parent,
                                   .position = spec->position,
                                   .root = spec->root,
                                   .on_parent_end = spec->on_parent_end,
                                   .depth = spec->depth};
    durable_new_run new_run = spec->root ? plain_run(spec->id) : unclaimed_run(spec->id);
    durable_fence fence = {0, 0, 0, 0};
    bool created = false;

    if (spec->root) new_run.queue = DURABLE_QUEUE_CALLED;
    new_run.caller = &caller;
    assert_int_equal(c->store->methods->create_run(c->store, &new_run, &created, &fence), DUR_OK);
    assert_true(created);
    return fence;
}

/* What a parent remembers of a child. */
static inline durable_pending plain_child_row(int64_t position)
{
    return (durable_pending){.position = position,
                             .kind = DURABLE_KIND_CHILD,
                             .name = "mail",
                             .name_length = 4,
                             .began = 1100,
                             .due = DURABLE_NEVER,
                             .deadline = DURABLE_NEVER};
}

#endif
