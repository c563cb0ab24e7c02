/* test/support: the scenario of a run that is restarted with another answer: what it has called and
 * received stands before that, and is not executed again. */
#include "support/fault_passes.h"

#define SOURCE_ID "source-run"

static const char first_answer[] =
    "an answer that is longer than what is kept without memory of its own: pay";
static const char other_answer[] =
    "an answer that is longer than what is kept without memory of its own: wait";

/* Who executes what the source has recorded; `world` is NULL for the source itself. */
static void note_execution(fault_world *world, const char *name)
{
    if (world)
        fault_broken(world, "'%s' is executed, though it was recorded before the restart", name);
}

static int twice_workflow(dur_run *run, void *user)
{
    int64_t twice = 0;

    DUR_STEP (run, "double", twice) {
        note_execution(user, "double");
        twice = 2 * dur_input(run).as.integer;
    }
    if (twice == 4) dur_fail(run, "two is too many");
    dur_set_output(run, dur_integer(twice));
    return 0;
}

static int begin_workflow(dur_run *run, fault_world *world, uint64_t *digest)
{
    const dur_value items[] = {dur_integer(1), dur_integer(2)};
    dur_value mail = dur_null();
    dur_batch batch;

    if (dur_map(run, "map", items, 2, twice_workflow, world, NULL, &batch) != DUR_OK) return 1;
    for (size_t i = 0; i < batch.count; i++) *digest = fault_mix_value(*digest, batch.values[i]);
    if (dur_receive(run, "mail", DUR_FOREVER, &mail) != DUR_OK) return 1;
    *digest = fault_mix_value(*digest, mail);
    return 0;
}

/* The run that is there before: its bodies are not counted. */
static int source_workflow(dur_run *run, void *user)
{
    const char *answer = NULL;
    uint64_t digest = 1;

    (void)user;
    if (begin_workflow(run, NULL, &digest) != 0) return 0;
    DUR_STEP (run, "ask", answer)
        answer = first_answer;
    DUR_STEP (run, "pay")
        ;
    dur_fail(run, "paid by mistake");
    return 0;
}

int fault_restart_begun(fault_world *world)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_signal_options keyed = DUR_SIGNAL_OPTIONS_INIT;
    int code;

    start.input = dur_text("what the run was started with");
    code = dur_start(world->log, world->scenario->name, SOURCE_ID, &start);
    for (int i = 0; i < 2 && code == DUR_OK; i++) {
        keyed.key = i ? "mail-2" : "mail-1";
        code = dur_signal(world->log, SOURCE_ID, "mail", dur_integer(i), &keyed);
    }
    if (code != DUR_OK) return code;
    code = dur_execute(world->log, world->scenario->name, SOURCE_ID, NULL, source_workflow, world);
    return code == DUR_FAILED ? DUR_OK : code;
}

static int restarted_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    const char *answer = NULL;
    dur_value mail = dur_null();
    uint64_t digest = 1;

    if (begin_workflow(run, world, &digest) != 0) return 0;
    DUR_STEP (run, "ask", answer)
        note_execution(world, "ask");
    if (dur_ok(run) && (!answer || strcmp(answer, other_answer) != 0))
        fault_broken(world, "the answer was not replaced");
    DUR_STEP (run, "wait")
        fault_effect(world, "wait");
    fault_passed(world, run, "wait");
    if (dur_receive(run, "mail", DUR_FOREVER, &mail) != DUR_OK) return 0;
    return fault_give_output(run, fault_mix_value(digest, mail));
}

static int restart_as(fault_world *world, const char *id)
{
    dur_restart_options options = DUR_RESTART_OPTIONS_INIT;

    options.replace_at = 3;
    options.value = dur_text(other_answer);
    options.with_signals = true;
    return dur_restart(world->log, SOURCE_ID, id, 4, &options);
}

int fault_restart_other(fault_world *world)
{
    return restart_as(world, "warm-restart");
}

int fault_restart_pass(fault_world *world)
{
    int code = restart_as(world, FAULT_ID);

    if (code != DUR_OK && code != DUR_REPLAYED) return code;
    return fault_execute(world, restarted_workflow);
}
