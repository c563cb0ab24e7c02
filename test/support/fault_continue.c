/* test/support: the scenario of a run that goes on as new, twice, with signals on the way. */
#include "support/fault_passes.h"

#include <stdio.h>

#define RUNS 3

/* A run's number in its chain, and the digest of what came before it, as the input tells them. */
typedef struct link_input {
    int number;
    unsigned long long digest;
} link_input;

static link_input read_input(dur_run *run)
{
    link_input its = {1, 1};

    if (sscanf((const char *)dur_input(run).as.bytes, "run %d %llx", &its.number, &its.digest) == 2)
        return its;
    its.number = 1;
    its.digest = fault_mix_value(1, dur_input(run));
    return its;
}

static int go_on(dur_run *run, const link_input *its)
{
    char text[64];

    if (!dur_ok(run)) return 1;
    if (its->number == RUNS) return fault_give_output(run, its->digest);
    snprintf(text, sizeof text, "run %d %016llx", its->number + 1, its->digest);
    return dur_continue_as_new(run, dur_text(text)) == DUR_OK ? 0 : 1;
}

/* Each of them but the last receives one signal: they were all sent to the first. */
static int link_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    link_input its = read_input(run);
    dur_value value = dur_null();
    int64_t made = 0;
    char name[32];

    snprintf(name, sizeof name, "made-%d", its.number);
    DUR_STEP (run, name, made) {
        fault_effect(world, name);
        made = 17 + its.number;
    }
    fault_passed(world, run, name);
    if (its.number < RUNS && dur_receive(run, "note", DUR_FOREVER, &value) != DUR_OK) return 1;
    its.digest = fault_mix_value(fault_mix(its.digest, &made, sizeof made), value);
    return go_on(run, &its);
}

static int send(fault_world *world, const char *key, int64_t value)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;

    options.key = key;
    return dur_signal(world->log, FAULT_ID, "note", dur_integer(value), &options);
}

/* Two signals wait; the run has not begun. */
int fault_continued_begun(fault_world *world)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    int code;

    start.input = dur_text("what the run was started with");
    code = dur_start(world->log, world->scenario->name, FAULT_ID, &start);
    if (code == DUR_OK) code = send(world, "first", 1);
    if (code == DUR_OK) code = send(world, "second", 2);
    return code;
}

/* A key that was taken is so in each run of the chain. */
static int send_again(fault_world *world)
{
    int code = send(world, "first", 100);

    if (code == DUR_OK) fault_broken(world, "a key that was taken is free again");
    return code == DUR_REPLAYED || code == DUR_ENDED ? DUR_OK : code;
}

int fault_continued_pass(fault_world *world)
{
    int code = DUR_SUSPENDED;

    for (int i = 0; i < RUNS && code == DUR_SUSPENDED; i++) {
        code = send_again(world);
        if (code == DUR_OK) code = fault_execute(world, link_workflow);
    }
    return code;
}
