/* test/support: scenarios of children: one that is called and waits, one that is started and
 * awaited. */
#include "support/fault_passes.h"

#include <stdio.h>

#define SECOND_MS 1000
#define STARTED "started-child"
#define STARTED_ID FAULT_ID "/2"

static void give_number(dur_run *run, fault_world *world, const char *name, int64_t *number)
{
    DUR_STEP(run, name, *number) {
        fault_effect(world, name);
        *number = 17;
    }
    fault_passed(world, run, name);
}

/* ---- called: a child with a step on each side of a wait ------------------------------------- */

static int called_child(dur_run *run, void *user)
{
    fault_world *world = user;
    int64_t early = 0, late = 0;

    give_number(run, world, "early", &early);
    if (dur_sleep(run, "nap", 7 * SECOND_MS) != DUR_OK) return 0;
    fault_acknowledge(world, "nap");
    give_number(run, world, "late", &late);
    return fault_give_output(run, fault_mix_value(fault_mix(1, &early, sizeof early),
                                                  dur_input(run)));
}

static int called_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_value output = dur_null();
    int64_t before = 0, after = 0;

    options.input = dur_text("what the child was called with");
    give_number(run, world, "before", &before);
    if (dur_call(run, "child", &options, called_child, world, &output) != DUR_OK) return 0;
    fault_acknowledge(world, "child");
    give_number(run, world, "after", &after);
    return fault_give_output(run, fault_mix_value(1, output));
}

int fault_called_begun(fault_world *world)
{
    return fault_execute(world, called_workflow);
}

int fault_called_pass(fault_world *world)
{
    return fault_drive(world, called_workflow);
}

/* ---- started: executed by the same host, as a worker would ----------------------------------- */

static int started_child(dur_run *run, void *user)
{
    fault_world *world = user;
    int64_t made = 0;

    give_number(run, world, "made", &made);
    return fault_give_output(run, fault_mix_value(1, dur_input(run)));
}

static int started_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_value output = dur_null();
    dur_step *child = NULL;
    int64_t before = 0, after = 0;

    options.input = dur_text("what the child was started with");
    give_number(run, world, "before", &before);
    if (dur_start_child(run, "child", STARTED, &options, &child) != DUR_OK) return 0;
    if (strcmp(dur_child_id(child), STARTED_ID) != 0)
        fault_broken(world, "the child's id is %s", dur_child_id(child));
    if (dur_await(child, &output) != DUR_OK) return 0;
    fault_acknowledge(world, "child");
    give_number(run, world, "after", &after);
    return fault_give_output(run, fault_mix_value(1, output));
}

int fault_started_pass(fault_world *world)
{
    int code = fault_execute(world, started_workflow);

    if (code != DUR_SUSPENDED) return code;
    code = dur_execute(world->log, STARTED, STARTED_ID, NULL, started_child, world);
    return code == DUR_OK ? fault_execute(world, started_workflow) : code;
}
