/* test/support: the scenario of an old run that goes on with patched code: past one patch, up to
 * another, and behind one that is retired; with fingerprints. */
#include "support/fault_passes.h"

static void take(dur_run *run, fault_world *world, const char *name, uint64_t fingerprint)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    options.fingerprint = fingerprint;
    DUR_STEP_VOID (run, name, &options)
        fault_effect(world, name);
    fault_passed(world, run, name);
}

/* Asked anew in each pass, it is answered alike: nothing but a stop stands against it. */
static bool ask(dur_run *run, fault_world *world, const char *id, bool expected)
{
    bool answer = dur_patch(run, id);

    if (dur_run_code(run) == DUR_OK && answer != expected)
        fault_broken(world, "patch '%s' was answered otherwise", id);
    if (dur_run_code(run) == DUR_OK && dur_patch(run, id) != answer)
        fault_broken(world, "patch '%s' was answered in two ways", id);
    if (answer) fault_acknowledge(world, id);
    return answer;
}

static int old_workflow(dur_run *run, void *user)
{
    fault_world *world = user;

    take(run, world, "first", 0);
    if (!dur_patch(run, "oldest")) return 1;
    fault_acknowledge(world, "oldest");
    take(run, world, "second", 7);
    dur_stop(run, "left");
    return 0;
}

static int patched_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    uint64_t digest = 1;

    if (ask(run, world, "past", false)) take(run, world, "never", 1);
    take(run, world, "first", 0);
    if (dur_retire_patch(run, "oldest") != DUR_OK) return 0;
    take(run, world, "second", 7);
    for (uint64_t i = 0; i < 2 && dur_ok(run); i++) {
        static const char *const names[] = {"new-0", "new-1"};

        if (!ask(run, world, "coming", true)) return 0;
        take(run, world, names[i], dur_fingerprint(0, names[i], strlen(names[i])));
        digest = fault_mix(digest, &i, sizeof i);
    }
    return fault_give_output(run, digest);
}

int fault_patched_begun(fault_world *world)
{
    int code = fault_execute(world, old_workflow);

    return code == DUR_STOPPED ? DUR_OK : code;
}

int fault_patched_pass(fault_world *world)
{
    return fault_execute(world, patched_workflow);
}
