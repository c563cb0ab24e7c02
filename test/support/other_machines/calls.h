/* test/support: a workflow that calls children on one machine, and goes on on another. */
#ifndef OTHER_MACHINES_CALLS_H
#define OTHER_MACHINES_CALLS_H

#include "support/other_machines/waits.h"

#define CALLS_ID "calling-run"
#define CALLS_OPEN_ID CALLS_ID "/4" /* the child that has not ended on the first machine */

/* What a pass saw. A child that ended, one that failed and two branches are over on the first
 * machine; the last child waits there. */
typedef struct calls_seen {
    uint64_t output;
    char failure[32];
    dur_batch_reason reason;
    uint64_t branch_bits;
    char branch_failure[32];

    int ended;  /* passes over what is over */
    int bodies;
    char before[32];
    size_t go_length;
} calls_seen;

static int call_one_that_ends(dur_run *run, void *user)
{
    calls_seen *seen = user;
    uint64_t most = 0;

    seen->ended++;
    DUR_STEP(run, "most", most) { most = UINT64_MAX; }
    dur_set_output(run, dur_unsigned(most));
    return 0;
}

static int call_one_that_fails(dur_run *run, void *user)
{
    calls_seen *seen = user;

    seen->ended++;
    dur_fail(run, "gr\xc3\xbc\xc3\x9f dich");
    return 0;
}

/* A branch gives its input, and fails without one. */
static int call_branch(dur_run *run, void *user)
{
    calls_seen *seen = user;

    seen->ended++;
    if (dur_input(run).type == DUR_NULL) dur_fail(run, "no input");
    dur_set_output(run, dur_input(run));
    return 0;
}

static int call_one_that_waits(dur_run *run, void *user)
{
    calls_seen *seen = user;
    const char *before = NULL;
    dur_value go;

    DUR_STEP(run, "before", before) {
        seen->bodies++;
        before = "the wait";
    }
    copy_seen(seen->before, sizeof seen->before, before);
    if (dur_receive(run, "go", DUR_FOREVER, &go) != DUR_OK) return 0;
    dur_set_output(run, go);
    return 0;
}

static void see_branches(dur_run *run, calls_seen *seen)
{
    dur_value items[2];
    dur_batch batch = {0};

    items[0] = dur_null();
    items[1] = dur_real(a_nan());
    if (dur_map(run, "branches", items, 2, call_branch, seen, NULL, &batch) != DUR_OK) return;
    seen->reason = batch.reason;
    if (batch.codes[0] == DUR_FAILED)
        copy_seen(seen->branch_failure, sizeof seen->branch_failure,
                  dur_as_text(batch.values[0]));
    if (batch.codes[1] == DUR_OK && batch.values[1].type == DUR_REAL)
        memcpy(&seen->branch_bits, &batch.values[1].as.real, 8);
}

static int see_calls(dur_run *run, void *user)
{
    calls_seen *seen = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_value value;

    if (dur_call(run, "ends", NULL, call_one_that_ends, seen, &value) != DUR_OK) return 0;
    if (value.type == DUR_UNSIGNED) seen->output = value.as.unsigned_integer;
    if (dur_call(run, "fails", NULL, call_one_that_fails, seen, NULL) == DUR_FAILED)
        copy_seen(seen->failure, sizeof seen->failure, dur_catch(run));
    see_branches(run, seen);
    options.timeout_ms = 1000 * WAITS_DAY_MS;
    if (dur_call(run, "waits", &options, call_one_that_waits, seen, &value) != DUR_OK) return 0;
    seen->go_length = value.length;
    DUR_STEP(run, "after") { seen->bodies++; }
    return 0;
}

static int execute_calls(dur_log *log, calls_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    return dur_execute(log, "calls", CALLS_ID, NULL, see_calls, seen);
}

/* The first machine's pass; DUR_OK where it went as it should. */
static int call_on_this_machine(dur_log *log)
{
    calls_seen seen;
    int code = execute_calls(log, &seen);

    if (code != DUR_SUSPENDED) return code;
    return seen.ended == 4 && seen.bodies == 1 ? DUR_OK : DUR_MISUSE;
}

#endif
