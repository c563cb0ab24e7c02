/* test/support: runs that continue, are patched, restarted and paused: on one machine, and then on
 * another. */
#ifndef OTHER_MACHINES_CHANGES_H
#define OTHER_MACHINES_CHANGES_H

#include "durable.h"

#define CHAIN_ID "chain-run"         /* its second generation waits; a signal with a key is there */
#define PATCHED_ID "patched-run"     /* past the marker */
#define UNPATCHED_ID "older-run"     /* past the place, without one */
#define RESTARTED_ID "restarted-run" /* of the patched one, behind the marker; not begun */
#define PAUSED_ID "paused-run"

typedef struct changes_seen {
    bool older; /* the code as it was before the patch */
    int bodies;
    bool patched;
    uint64_t input;
} changes_seen;

/* From UINT64_MAX down, a generation for each signal but the last. */
static int see_a_chain(dur_run *run, void *user)
{
    changes_seen *seen = user;

    seen->input = dur_input(run).as.unsigned_integer;
    if (dur_receive(run, "next", DUR_FOREVER, NULL) != DUR_OK) return 0;
    if (seen->input > UINT64_MAX - 2)
        return dur_continue_as_new(run, dur_unsigned(seen->input - 1));
    return dur_set_output(run, dur_unsigned(seen->input));
}

static int see_a_patch(dur_run *run, void *user)
{
    changes_seen *seen = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    seen->patched = !seen->older && dur_patch(run, "audit");
    options.fingerprint = dur_fingerprint(0, "all machines", 12);
    DUR_STEP_VOID(run, "work", &options) { seen->bodies++; }
    return dur_receive(run, "go", DUR_FOREVER, NULL) == DUR_FAILED;
}

static int execute_chain(dur_log *log, changes_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    return dur_execute(log, "chain", CHAIN_ID, NULL, see_a_chain, seen);
}

static int execute_patched(dur_log *log, const char *id, bool older, changes_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    seen->older = older;
    return dur_execute(log, "patched", id, NULL, see_a_patch, seen);
}

static int send_next(dur_log *log, const char *key)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;

    options.key = key;
    return dur_signal(log, CHAIN_ID, "next", dur_null(), &options);
}

/* These give DUR_OK, or the code of the first call that gives another one than is meant. */
static int continue_on_this_machine(dur_log *log)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    changes_seen seen;
    int code;

    start.input = dur_unsigned(UINT64_MAX);
    code = dur_start(log, "chain", CHAIN_ID, &start);
    if (code == DUR_OK) code = send_next(log, "first");
    if (code != DUR_OK) return code;
    code = execute_chain(log, &seen); /* and begins anew */
    if (code == DUR_SUSPENDED) code = execute_chain(log, &seen);
    return code == DUR_SUSPENDED && seen.input == UINT64_MAX - 1 ? send_next(log, "second") : code;
}

static int change_on_this_machine(dur_log *log)
{
    static const char *const ids[] = {PATCHED_ID, UNPATCHED_ID, PAUSED_ID};
    changes_seen seen;
    int code = continue_on_this_machine(log);

    for (int i = 0; i < 3 && code == DUR_OK; i++) {
        code = execute_patched(log, ids[i], i == 1, &seen);
        code = code == DUR_SUSPENDED ? DUR_OK : code;
    }
    if (code == DUR_OK) code = dur_restart(log, PATCHED_ID, RESTARTED_ID, 2, NULL);
    if (code == DUR_OK) code = dur_pause(log, PAUSED_ID);
    return code;
}

#endif
