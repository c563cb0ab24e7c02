/* test/support: the scenario of a run that fails and is undone, one of its undo steps at the second
 * attempt. */
#include "support/fault_passes.h"

#define SECOND_MS 1000

static const char reservation[] =
    "a reservation that is longer than what is kept without memory of its own";

/* Law 4: an undo step that was acknowledged is over. */
static int answer(dur_step *step, fault_world *world, const char *name, bool *acknowledged)
{
    int code;

    if (*acknowledged) fault_broken(world, "'%s' ran once more", name);
    fault_effect(world, name);
    code = dur_record_result(step, dur_null());
    *acknowledged = code == DUR_OK;
    return code;
}

static int put_back(dur_step *step, void *user)
{
    fault_world *world = user;
    const char *text = dur_as_text(dur_step_value(step));

    if (!text || strcmp(text, reservation) != 0)
        fault_broken(world, "what undoes a step is not told its result");
    return answer(step, world, "put back", &world->put_back);
}

static int refund(dur_step *step, void *user)
{
    fault_world *world = user;

    if (dur_step_attempt(step) > 1) return answer(step, world, "refund", &world->refunded);
    fault_effect(world, "refund#1");
    return dur_record_failure(step, "no connection");
}

static int undone_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    dur_retry patient = DUR_RETRY_INIT;
    dur_step_options reserve = DUR_STEP_OPTIONS_INIT, charge = DUR_STEP_OPTIONS_INIT;
    const char *text;

    patient.initial_ms = SECOND_MS;
    patient.jitter = DUR_JITTER_NONE;
    reserve.undo = put_back;
    charge.undo = refund;
    charge.retry = &patient;
    reserve.user = charge.user = world;
    DUR_STEP (run, "reserve", text, &reserve) {
        fault_effect(world, "reserve");
        text = reservation;
    }
    fault_passed(world, run, "reserve");
    DUR_STEP_VOID (run, "charge", &charge) {
        fault_effect(world, "charge");
        dur_retry_after(dur_current_step(run), DUR_NEVER);
        dur_fail(run, "no money");
    }
    DUR_STEP (run, "never")
        fault_effect(world, "never");
    return 0;
}

int fault_undone_pass(fault_world *world)
{
    return fault_drive(world, undone_workflow);
}
