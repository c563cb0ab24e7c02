/* test/support: a scenario of branches: one is quick, one fails, one waits and decides, and one is
 * cancelled by that. */
#include "support/fault_passes.h"

#define SECOND_MS 1000

static const char quick_text[] =
    "a branch's output that is longer than what is kept without memory of its own";

typedef struct branch_role {
    fault_world *world;
    const char *step;
    int64_t nap_ms;
    bool fails;
} branch_role;

static void work_in_branch(dur_run *run, const branch_role *role, const char *name)
{
    DUR_STEP (run, name)
        fault_effect(role->world, name);
    fault_passed(role->world, run, name);
}

static int branch_workflow(dur_run *run, void *user)
{
    const branch_role *role = user;

    if (role->nap_ms && dur_sleep(run, "nap", role->nap_ms) != DUR_OK) {
        if (dur_cancelled(run)) work_in_branch(run, role, "tidy");
        return 0;
    }
    work_in_branch(run, role, role->step);
    if (role->fails) dur_fail(run, "no luck");
    if (dur_ok(run)) dur_set_output(run, dur_text(quick_text));
    return 0;
}

static uint64_t mix_batch(uint64_t digest, const dur_batch *batch)
{
    digest = fault_mix(digest, &batch->reason, sizeof batch->reason);
    for (size_t i = 0; i < batch->count; i++) {
        digest = fault_mix(digest, &batch->codes[i], sizeof batch->codes[i]);
        digest = fault_mix_value(digest, batch->values[i]);
    }
    return digest;
}

static int branches_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    branch_role roles[] = {{world, "slow-work", 7 * SECOND_MS, false},
                           {world, "quick-work", 0, false},
                           {world, "bad-work", 0, true},
                           {world, "late-work", 900 * SECOND_MS, false}};
    dur_branch branches[] = {{"slow", branch_workflow, &roles[0], dur_integer(1)},
                             {"quick", branch_workflow, &roles[1], dur_integer(2)},
                             {"bad", branch_workflow, &roles[2], dur_integer(3)},
                             {"late", branch_workflow, &roles[3], dur_integer(4)}};
    dur_batch_options options = DUR_BATCH_OPTIONS_INIT;
    dur_batch batch = {0};

    options.min_successes = 2;
    if (dur_parallel(run, "batch", branches, 4, &options, &batch) != DUR_OK) return 0;
    fault_acknowledge(world, "batch");
    if (batch.codes[0] != DUR_OK || batch.codes[1] != DUR_OK || batch.codes[2] != DUR_FAILED ||
        batch.codes[3] != DUR_CANCELLED)
        fault_broken(world, "the batch came to %d %d %d %d", batch.codes[0], batch.codes[1],
                     batch.codes[2], batch.codes[3]);
    return fault_give_output(run, mix_batch(1, &batch));
}

int fault_branches_begun(fault_world *world)
{
    return fault_execute(world, branches_workflow);
}

int fault_branches_pass(fault_world *world)
{
    return fault_drive(world, branches_workflow);
}
