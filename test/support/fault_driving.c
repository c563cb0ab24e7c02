/* test/support: scenarios of runs that are put into the log, and that workers take up. */
#include "support/fault_passes.h"

#include <stdio.h>

#define QUEUE "few"

/* What the pass over the run came to, that a worker made. */
typedef struct told {
    fault_world *world;
    int code;
} told;

static int work_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    int64_t value = 0;

    DUR_STEP (run, "worked", value) {
        fault_effect(world, "worked");
        value = 11;
    }
    fault_passed(world, run, "worked");
    if (dur_sleep(run, "nap", 1000) != DUR_OK) return 0;
    fault_acknowledge(world, "nap");
    return fault_give_output(run, fault_mix_value(fault_mix(1, &value, sizeof value),
                                                  dur_input(run)));
}

static void note_pass(const char *workflow, const char *run_id, int code, const char *message,
                      void *user)
{
    told *it = user;

    (void)message;
    it->code = code;
    if (strcmp(workflow, it->world->scenario->name) != 0 || strcmp(run_id, FAULT_ID) != 0)
        fault_broken(it->world, "a worker made a pass over %s, %s", workflow, run_id);
}

static int start(fault_world *world)
{
    dur_start_options options = DUR_START_OPTIONS_INIT;
    int code;

    options.input = dur_text("what the run was started with");
    options.queue = QUEUE;
    options.priority = 3;
    code = dur_start(world->log, world->scenario->name, FAULT_ID, &options);
    return code == DUR_REPLAYED ? DUR_OK : code;
}

/* It has ended where its output is there; else its own pass has told why not. */
static int look(fault_world *world, int told_code)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    int code = told_code < 0 ? told_code : dur_read_run(world->log, FAULT_ID, &info);

    if (code != DUR_OK || info.status != DUR_COMPLETED) return code ? code : DUR_SUSPENDED;
    snprintf(world->output, sizeof world->output, "%s", (const char *)info.output.as.bytes);
    return DUR_OK;
}

/* One round, and then the clock goes on to when the next one is worth while. A claim that could not
 * be given back ends with its lease: the limit counts it until then. */
static int work_once(fault_world *world)
{
    dur_work_options options = DUR_WORK_OPTIONS_INIT;
    told it = {world, DUR_OK};
    int64_t next_wake_ms = -1;
    int code;

    options.passed = note_pass;
    options.user = &it;
    code = dur_work(world->log, &options, &next_wake_ms);
    if (code == DUR_OK) code = look(world, it.code);
    if (code == DUR_SUSPENDED && next_wake_ms < 0)
        fault_broken(world, "nothing is known to become due, and the run has not ended");
    if (next_wake_ms > 0) fake_clock_advance(&world->clock, next_wake_ms);
    return code;
}

int fault_work_pass(fault_world *world)
{
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;
    int code;

    limits.max_active = 1;
    limits.max_active_process = 1;
    limits.max_starts = 10;
    code = dur_serve_queue(world->log, QUEUE, &limits);
    if (code == DUR_OK)
        code = dur_register(world->log, world->scenario->name, work_workflow, world);
    if (code == DUR_OK) code = start(world);
    if (code == DUR_OK) code = look(world, DUR_OK);
    for (int i = 0; i < 12 && code == DUR_SUSPENDED; i++) code = work_once(world);
    return code;
}
