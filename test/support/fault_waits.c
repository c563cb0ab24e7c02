/* test/support: scenarios of runs that wait: for another attempt, a moment, a signal, an answer. */
#include "support/fault_passes.h"

#include <stdio.h>

#define SECOND_MS 1000

static const char signal_text[] =
    "a signal's value that is longer than what is kept without memory of its own";

/* A step that is over once its run has said so. */
static int note_wait(fault_world *world, const char *name, int code)
{
    if (code == DUR_OK || code == DUR_TIMED_OUT || code == DUR_FAILED)
        fault_acknowledge(world, name);
    return code;
}

/* The time that the run was first seen to wait for is the one it waits for ever after. */
static void check_deadline(fault_world *world)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    if (dur_read_run(world->log, FAULT_ID, &info) != DUR_OK) return;
    if (info.status != DUR_RUN_SUSPENDED || info.wake_ms == 0) return;
    if (world->deadline_ms == 0) world->deadline_ms = info.wake_ms;
    if (info.wake_ms != world->deadline_ms)
        fault_broken(world, "it waits until %lld, and waited until %lld",
                     (long long)info.wake_ms, (long long)world->deadline_ms);
}

/* Sent again, it has no effect: whoever was told of an error cannot know. */
static int send(fault_world *world, const char *name, const char *key)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;
    int code;

    options.key = key;
    code = dur_signal(world->log, FAULT_ID, name, dur_text(signal_text), &options);
    return code == DUR_REPLAYED || code == DUR_ENDED ? DUR_OK : code;
}

/* ---- retry: an attempt that was put off, one that beats, one that comes through ------------ */

static void attempt_upload(dur_run *run, fault_world *world)
{
    dur_step *step = dur_current_step(run);
    dur_value details = dur_step_details(step);
    int64_t attempt = dur_step_attempt(step);
    char name[32];

    snprintf(name, sizeof name, "upload#%lld", (long long)attempt);
    fault_effect(world, attempt < 3 ? name : "upload");
    if (attempt > 1 && !dur_step_last_failure(step))
        fault_broken(world, "attempt %lld knows of no failure", (long long)attempt);
    if (attempt == 3 && world->beaten && details.type != DUR_TEXT)
        fault_broken(world, "the heartbeat's details are lost");
    if (attempt == 2 && dur_heartbeat(step, dur_text(signal_text)) == DUR_OK) world->beaten = true;
    if (attempt < 3) dur_fail(run, "no connection");
}

static int retry_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    dur_retry patient = DUR_RETRY_INIT;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int64_t uploaded = 0;

    patient.initial_ms = SECOND_MS;
    patient.jitter = DUR_JITTER_NONE;
    options.retry = &patient;
    DUR_STEP (run, "upload", uploaded, &options) {
        attempt_upload(run, world);
        uploaded = 7;
    }
    fault_passed(world, run, "upload");
    DUR_STEP (run, "after")
        fault_effect(world, "after");
    fault_passed(world, run, "after");
    return fault_give_output(run, fault_mix(1, &uploaded, sizeof uploaded));
}

/* The attempts that have failed so far are in the log. */
static int put_off(fault_world *world, int code)
{
    if (code != DUR_SUSPENDED) return code;
    fault_acknowledge(world, fault_world_tally(world, "upload#2") ? "upload#2" : "upload#1");
    return code;
}

int fault_retry_begun(fault_world *world)
{
    return put_off(world, fault_execute(world, retry_workflow));
}

int fault_retry_pass(fault_world *world)
{
    int code = put_off(world, fault_execute(world, retry_workflow));

    if (code != DUR_SUSPENDED) return code;
    fake_clock_advance(&world->clock, SECOND_MS);
    code = put_off(world, fault_execute(world, retry_workflow));
    return code == DUR_SUSPENDED ? fault_drive(world, retry_workflow) : code;
}

/* ---- timer: two of them, one of which is waited for already -------------------------------- */

static int timer_workflow(dur_run *run, void *user)
{
    fault_world *world = user;

    if (note_wait(world, "nap", dur_sleep(run, "nap", 7 * SECOND_MS)) != DUR_OK) return 0;
    if (world->clock.now_ms < world->deadline_ms) fault_broken(world, "it slept too short");
    if (note_wait(world, "past", dur_sleep_until(run, "past", 5)) != DUR_OK) return 0;
    DUR_STEP (run, "after")
        fault_effect(world, "after");
    fault_passed(world, run, "after");
    return fault_give_output(run, 1);
}

int fault_timer_begun(fault_world *world)
{
    int code = fault_execute(world, timer_workflow);

    check_deadline(world);
    fake_clock_advance(&world->clock, SECOND_MS);
    return code;
}

int fault_timer_pass(fault_world *world)
{
    check_deadline(world);
    return fault_drive(world, timer_workflow);
}

/* ---- receive: one signal with a key, one that was buffered, one that does not come --------- */

static int receive_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    uint64_t digest = 1;
    dur_value value;

    if (note_wait(world, "order", dur_receive(run, "order", DUR_FOREVER, &value))) return 0;
    digest = fault_mix_value(digest, value);
    if (note_wait(world, "more", dur_receive(run, "more", DUR_FOREVER, &value))) return 0;
    digest = fault_mix_value(digest, value);
    if (note_wait(world, "late", dur_receive(run, "late", SECOND_MS, &value)) != DUR_TIMED_OUT)
        return 0;
    DUR_STEP (run, "after")
        fault_effect(world, "after");
    fault_passed(world, run, "after");
    return fault_give_output(run, digest);
}

int fault_receive_begun(fault_world *world)
{
    int code = fault_execute(world, receive_workflow);

    return code == DUR_SUSPENDED ? send(world, "more", NULL) : code;
}

int fault_receive_pass(fault_world *world)
{
    int code = send(world, "order", "first");

    return code == DUR_OK ? fault_drive(world, receive_workflow) : code;
}

/* ---- select: a signal wins, and a timer wins ----------------------------------------------- */

static int select_one(fault_world *world, dur_run *run, const char *name, int64_t duration_ms,
                      size_t wins)
{
    dur_case cases[2];
    size_t which = 2;
    int code;

    cases[0] = dur_on_timer(duration_ms);
    cases[1] = dur_on_signal("go");
    code = note_wait(world, name, dur_select(run, name, cases, 2, &which));
    if (code == DUR_OK && which != wins)
        fault_broken(world, "case %d of '%s' won", (int)which, name);
    return code;
}

static int select_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    dur_value value;

    if (select_one(world, run, "first", 900 * SECOND_MS, 1) != DUR_OK) return 0;
    if (note_wait(world, "go", dur_receive(run, "go", 0, &value)) != DUR_OK) return 0;
    if (select_one(world, run, "second", SECOND_MS, 0) != DUR_OK) return 0;
    return fault_give_output(run, fault_mix_value(1, value));
}

int fault_select_begun(fault_world *world)
{
    return fault_execute(world, select_workflow);
}

int fault_select_pass(fault_world *world)
{
    int code = send(world, "go", "once");

    return code == DUR_OK ? fault_drive(world, select_workflow) : code;
}

/* ---- callback: a token that is told in a step, a heartbeat, an answer ---------------------- */

static int callback_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    dur_step *approval = NULL;
    dur_value value;

    options.timeout_ms = 900 * SECOND_MS;
    options.heartbeat_ms = 60 * SECOND_MS;
    if (dur_begin_callback(run, "approval", &options, &approval) != DUR_OK) return 0;
    DUR_STEP (run, "ask") {
        fault_effect(world, "ask");
        snprintf(world->token, sizeof world->token, "%s", dur_callback_token(approval));
    }
    fault_passed(world, run, "ask");
    if (strcmp(world->token, dur_callback_token(approval)) != 0 && dur_ok(run))
        fault_broken(world, "the token that was told is not the callback's");
    if (note_wait(world, "approval", dur_await(approval, &value)) != DUR_OK) return 0;
    return fault_give_output(run, fault_mix_value(1, value));
}

/* Of all answers one counts: here each is the same. */
static int answer(fault_world *world)
{
    int code = dur_heartbeat_callback(world->log, world->token);

    if (code == DUR_OK)
        code = dur_complete_callback(world->log, world->token, dur_text(signal_text));
    return code == DUR_ENDED ? DUR_OK : code;
}

int fault_callback_pass(fault_world *world)
{
    int code = fault_execute(world, callback_workflow);

    if (code != DUR_SUSPENDED) return code;
    code = answer(world);
    return code == DUR_OK ? fault_execute(world, callback_workflow) : code;
}
