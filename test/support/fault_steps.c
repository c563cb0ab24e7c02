/* test/support: scenarios of runs that execute steps, and of runs that are read. */
#include "support/fault_passes.h"

#include <stdio.h>

/* ---- caught, failed: a failed step that is handled, and one that is not -------------------- */

static int caught_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    const char *message;
    int64_t after = 0;
    uint64_t digest = 1;

    DUR_STEP (run, "fails") {
        fault_effect(world, "fails");
        dur_fail(run, "no answer after %d tries", 3);
    }
    message = dur_catch(run);
    if (message) {
        fault_acknowledge(world, "fails");
        digest = fault_mix(digest, message, strlen(message));
    }
    DUR_STEP (run, "after", after) {
        fault_effect(world, "after");
        after = 5;
    }
    fault_passed(world, run, "after");
    return fault_give_output(run, fault_mix(digest, &after, sizeof after));
}

int fault_caught_pass(fault_world *world)
{
    return fault_execute(world, caught_workflow);
}

static int failed_workflow(dur_run *run, void *user)
{
    fault_world *world = user;

    DUR_STEP (run, "first")
        fault_effect(world, "first");
    fault_passed(world, run, "first");
    DUR_STEP (run, "fails") {
        fault_effect(world, "fails");
        dur_fail(run, "out of paper");
    }
    DUR_STEP (run, "never")
        fault_effect(world, "never");
    return 0;
}

int fault_failed_pass(fault_world *world)
{
    int code = fault_execute(world, failed_workflow);

    if (code == DUR_FAILED) fault_acknowledge(world, "fails");
    return code;
}

/* ---- resume: a loop of function steps, half of it done ------------------------------------- */

typedef struct loop_step {
    fault_world *world;
    const char *name;
    int64_t number;
} loop_step;

static int loop_body(dur_step *step, void *user)
{
    loop_step *this_step = user;
    char text[150];

    fault_effect(this_step->world, this_step->name);
    snprintf(text, sizeof text, "answer %lld%*s", (long long)this_step->number,
             this_step->world->scenario->large ? 100 : 1, ".");
    return dur_record_result(step, dur_text(text));
}

static int loop(dur_run *run, fault_world *world, int64_t count, uint64_t *digest)
{
    int code = DUR_OK;

    for (int64_t i = 0; i < count && code == DUR_OK; i++) {
        uint64_t mark = dur_mark(run);
        char name[32];
        loop_step this_step = {world, name, i};
        dur_value value;

        snprintf(name, sizeof name, "loop-%lld", (long long)i);
        code = dur_replay_or_run(run, name, NULL, loop_body, &this_step, &value);
        if (code == DUR_OK) {
            fault_acknowledge(world, name);
            *digest = fault_mix_value(*digest, value);
        }
        dur_release(run, mark);
    }
    return code;
}

static int loop_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    uint64_t digest = 1;

    if (loop(run, world, world->scenario->steps, &digest) != DUR_OK) return 1;
    return fault_give_output(run, digest);
}

int fault_half_loop_pass(fault_world *world)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_run *run = NULL;
    uint64_t digest = 1;
    int code;

    start.input = dur_text("what the run was started with");
    code = dur_begin_run(world->log, world->scenario->name, FAULT_ID, &start, &run);
    if (code == DUR_OK) code = loop(run, world, world->scenario->prepared, &digest);
    if (world->scenario->claimed_by_dead)
        world->open_run = run;
    else
        dur_close_run(run);
    return code;
}

int fault_loop_pass(fault_world *world)
{
    return fault_execute(world, loop_workflow);
}

/* ---- diverged: code that no longer matches the half-done loop ------------------------------ */

static int diverging_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    uint64_t digest = 1;

    if (loop(run, world, 1, &digest) != DUR_OK) return 1;
    DUR_STEP (run, "inserted")
        fault_effect(world, "inserted");
    DUR_STEP (run, "loop-1")
        fault_effect(world, "loop-1");
    DUR_STEP (run, "loop-2")
        fault_effect(world, "loop-2");
    return 0;
}

int fault_diverged_pass(fault_world *world)
{
    return fault_execute(world, diverging_workflow);
}

/* ---- explicit: the verbs without a callback, several steps open at once -------------------- */

static int record(fault_world *world, dur_step *step, const char *name, dur_value value)
{
    int code = dur_record_result(step, value);

    if (fault_worth_a_second_try(code)) code = dur_record_result(step, value);
    if (code == DUR_OK) fault_acknowledge(world, name);
    return code;
}

/* A step that is replayed needs no record; one that is executed gets its effect now. */
static int begin(fault_world *world, dur_run *run, const char *name, dur_step **step)
{
    int code = dur_begin_step(run, name, NULL, step);

    if (code == DUR_EXECUTE)
        fault_effect(world, name);
    else if (code == DUR_REPLAYED)
        *step = NULL;
    return code == DUR_EXECUTE || code == DUR_REPLAYED ? DUR_OK : code;
}

static int explicit_steps(fault_world *world, dur_run *run)
{
    static const char *const names[] = {"open-a", "open-b", "open-c", "open-d"};
    static const int order[] = {2, 0, 3, 1};
    dur_step *steps[4] = {NULL, NULL, NULL, NULL};
    int code = DUR_OK;
    int recorded = DUR_OK;

    for (int i = 0; i < 4 && code == DUR_OK; i++)
        code = begin(world, run, names[i], &steps[i]);
    for (int i = 0; i < 4; i++) {
        int at = order[i];
        int result = steps[at] ? record(world, steps[at], names[at], dur_integer(at)) : DUR_OK;

        if (recorded == DUR_OK) recorded = result;
    }
    return code != DUR_OK ? code : recorded;
}

int fault_explicit_pass(fault_world *world)
{
    dur_run *run = NULL;
    int code = dur_begin_run(world->log, world->scenario->name, FAULT_ID, NULL, &run);

    if (code == DUR_REPLAYED) return fault_note_output(world, DUR_OK);
    if (code != DUR_OK) return code;
    code = explicit_steps(world, run);
    if (code == DUR_OK) code = dur_complete_run(run, dur_text("explicit"));
    if (fault_worth_a_second_try(code)) code = dur_complete_run(run, dur_text("explicit"));
    fault_note_output(world, code);
    dur_close_run(run);
    return code;
}

/* ---- read: a finished run is read ---------------------------------------------------------- */

int fault_read_pass(fault_world *world)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    int code = dur_read_run(world->log, FAULT_ID, &info);

    if (code != DUR_OK) return code;
    if (info.status != DUR_COMPLETED || !info.workflow || info.output.type != DUR_TEXT ||
        info.input.type != DUR_TEXT || info.ended_ms == 0)
        return DUR_CORRUPT;
    snprintf(world->output, sizeof world->output, "%s", (const char *)info.output.as.bytes);
    return DUR_OK;
}

/* ---- renewal: steps that use up the lease -------------------------------------------------- */

static int renewal_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    dur_step_options slow = DUR_STEP_OPTIONS_INIT;
    int64_t value = 0;

    slow.lease_ms = 10 * world->scenario->lease_ms;
    DUR_STEP (run, "uses-most", value) {
        fault_effect(world, "uses-most");
        fake_clock_advance(&world->clock, world->scenario->lease_ms * 3 / 4);
        value = 1;
    }
    fault_passed(world, run, "uses-most");
    DUR_STEP (run, "slow", value, &slow) {
        fault_effect(world, "slow");
        fake_clock_advance(&world->clock, world->scenario->lease_ms * 5);
        value = 2;
    }
    fault_passed(world, run, "slow");
    DUR_STEP (run, "last", value) {
        fault_effect(world, "last");
        value = 3;
    }
    fault_passed(world, run, "last");
    return fault_give_output(run, fault_mix(1, &value, sizeof value));
}

int fault_renewal_pass(fault_world *world)
{
    return fault_execute(world, renewal_workflow);
}
