/* test/support: runs in doubt, and runs asked to end: on one machine, and then on another. */
#ifndef OTHER_MACHINES_DOUBTS_H
#define OTHER_MACHINES_DOUBTS_H

#include <sqlite3.h>

#include "support/other_machines/waits.h"

#define DOUBT_ID "doubtful-run"       /* its charge is in doubt; nobody has answered */
#define ANSWERED_ID "answered-run"    /* the answer is there; nobody has taken it up */
#define CANCELLED_ID "cancelled-run"  /* was asked to end, and has */
#define CANCELLING_ID "ending-run"    /* was asked to end */

typedef struct doubts_seen {
    sqlite3 *db; /* for the transactional step */
    bool unplugged;
    int bodies;
    int64_t booked;
    uint64_t charged_bits;
    uint64_t undone; /* the result of the step that was undone */
} doubts_seen;

/* A row exactly once, then a charge at most once, which the first machine leaves in the middle. */
static int see_doubts(dur_run *run, void *user)
{
    doubts_seen *seen = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    double charged = 0;

    DUR_TX_STEP(run, "book", seen->booked) {
        seen->bodies++;
        if (sqlite3_exec(seen->db, "INSERT INTO ledger(cents) VALUES(100)", NULL, NULL, NULL))
            dur_fail(run, "%s", sqlite3_errmsg(seen->db));
        seen->booked = 100;
    }
    options.mode = DUR_AT_MOST_ONCE;
    DUR_STEP(run, "charge", charged, &options) {
        seen->bodies++;
        charged = 0.5;
        if (seen->unplugged) dur_stop(run, "unplugged");
    }
    memcpy(&seen->charged_bits, &charged, sizeof charged);
    return 0;
}

static int execute_doubt(dur_log *log, const char *id, sqlite3 *db, bool unplugged,
                         doubts_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    seen->db = db;
    seen->unplugged = unplugged;
    return dur_execute(log, "doubts", id, NULL, see_doubts, seen);
}

static int take_back(dur_step *step, void *user)
{
    doubts_seen *seen = user;
    dur_value taken = dur_step_value(step);

    if (taken.type == DUR_UNSIGNED) seen->undone = taken.as.unsigned_integer;
    return dur_record_result(step, dur_null());
}

/* A run that waits, and when it is asked to end cleans up, and takes back what it has taken. */
static int see_an_end(dur_run *run, void *user)
{
    doubts_seen *seen = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    uint64_t taken = 0;

    options.undo = take_back;
    options.user = seen;
    DUR_STEP(run, "take", taken, &options) { taken = UINT64_MAX; }
    if (dur_receive(run, "go", DUR_FOREVER, NULL) == DUR_OK || !dur_cancelled(run)) return 0;
    DUR_STEP(run, "clean") { seen->bodies++; }
    return 0;
}

static int execute_end(dur_log *log, const char *id, doubts_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    return dur_execute(log, "ends", id, NULL, see_an_end, seen);
}

/* These give DUR_OK, or the code of the first call that gives another one than is meant. */
static int doubt_on_this_machine(dur_log *log, sqlite3 *db)
{
    static const char *const ids[] = {DOUBT_ID, ANSWERED_ID};
    doubts_seen seen;
    int code;

    if (sqlite3_exec(db, "CREATE TABLE ledger(cents INTEGER)", NULL, NULL, NULL) != SQLITE_OK)
        return DUR_DATABASE;
    for (int i = 0; i < 2; i++) {
        code = execute_doubt(log, ids[i], db, true, &seen);
        if (code != DUR_STOPPED || seen.bodies != 2) return code;
        code = execute_doubt(log, ids[i], db, true, &seen);
        if (code != DUR_PARKED || seen.bodies != 0) return code;
    }
    return dur_resolve_step(log, ANSWERED_ID, 2, DUR_OK, dur_real(a_nan()), NULL);
}

static int cancel_on_this_machine(dur_log *log)
{
    static const char *const ids[] = {CANCELLED_ID, CANCELLING_ID};
    doubts_seen seen;
    int code;

    for (int i = 0; i < 2; i++) {
        code = execute_end(log, ids[i], &seen);
        if (code != DUR_SUSPENDED) return code;
        code = dur_cancel(log, ids[i]);
        if (code != DUR_OK) return code;
    }
    code = execute_end(log, CANCELLED_ID, &seen);
    return code == DUR_CANCELLED && seen.undone == UINT64_MAX ? DUR_OK : code;
}

#endif
