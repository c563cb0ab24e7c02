/* test/support: the scenario of steps that run at most once: whatever fails, and whenever the
 * process dies, no body runs a second time. */
#include "support/fault_passes.h"

static const char receipt[] =
    "a receipt that is longer than what is kept without memory of its own, by some characters";

static bool was_done(const fault_world *world, const char *name)
{
    const fault_tally *tally = fault_world_tally(world, name);

    return tally && tally->executed > 0;
}

/* The law itself. */
static void do_once(fault_world *world, const char *name)
{
    if (was_done(world, name)) fault_broken(world, "'%s' was done twice", name);
    fault_effect(world, name);
}

static int verify_charge(dur_step *step, void *user)
{
    if (!was_done(user, "charge")) return DUR_EXECUTE;
    dur_record_result(step, dur_text(receipt));
    return 0;
}

/* One step that is verified, one that a person answers for. */
static int once_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    dur_step_options charge = DUR_STEP_OPTIONS_INIT, mail = DUR_STEP_OPTIONS_INIT;
    dur_value value = dur_null();
    int64_t number = 0;

    charge.mode = mail.mode = DUR_AT_MOST_ONCE;
    charge.in_doubt = DUR_IN_DOUBT_VERIFY;
    charge.verify = verify_charge;
    charge.user = world;
    DUR_STEP (run, "charge", value, &charge) {
        do_once(world, "charge");
        value = dur_text(receipt);
        if (world->unplugged) dur_stop(run, "unplugged");
    }
    fault_passed(world, run, "charge");
    DUR_STEP (run, "mail", number, &mail) {
        do_once(world, "mail");
        number = 7;
    }
    fault_passed(world, run, "mail");
    return fault_give_output(run, fault_mix_value(fault_mix(1, &number, sizeof number), value));
}

/* The first step is in doubt, and was done. */
int fault_once_begun(fault_world *world)
{
    int code;

    world->unplugged = true;
    code = fault_execute(world, once_workflow);
    world->unplugged = false;
    return code;
}

static int answer(fault_world *world)
{
    bool done = was_done(world, "mail");
    int code = dur_resolve_step(world->log, FAULT_ID, 2, done ? DUR_OK : DUR_EXECUTE,
                                done ? dur_integer(7) : dur_null(), NULL);

    return code == DUR_ENDED ? DUR_OK : code; /* an answer that failed may be in the log */
}

int fault_once_pass(fault_world *world)
{
    int code = fault_execute(world, once_workflow);

    for (int i = 0; i < 4 && code == DUR_PARKED; i++) {
        code = answer(world);
        if (code == DUR_OK) code = fault_execute(world, once_workflow);
    }
    return code;
}
