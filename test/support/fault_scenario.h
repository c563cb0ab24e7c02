/*
 * test/support: what a host does with the library, in scenarios that faults are swept over. Each
 * one counts outside the database how often every step's body ran.
 */
#ifndef FAULT_SCENARIO_H
#define FAULT_SCENARIO_H

#include "support/fake_clock.h"

#include <sqlite3.h>

#define FAULT_TALLIES_MAX 80
#define FAULT_ID "the-run"

/* A pass that the host itself could not make: its own BEGIN, ATTACH or COMMIT failed, and it has
 * rolled back. No code of the library's. */
#define FAULT_HOST_FAILED 1000

/* What is known of one step, outside the database; or of one attempt at it, "name#2", whose failure
 * was recorded. */
typedef struct fault_tally {
    char name[32];
    int executed;      /* how often its body ran */
    bool acknowledged; /* the library said that its outcome is recorded */
} fault_tally;

struct fault_scenario;

/* One host process's worth of state. */
typedef struct fault_world {
    const struct fault_scenario *scenario;
    const char *path;
    const char *journal_mode; /* set at each connection; NULL: as the file has it */
    sqlite3 *db;
    dur_log *log;      /* NULL before dur_open() gave one */
    dur_run *open_run; /* left open by `prepare`, so that its claim stays */
    fake_clock clock;
    fault_tally tallies[FAULT_TALLIES_MAX];
    size_t tally_count;
    char output[128]; /* of the run, seen completed; "" else */
    int64_t deadline_ms; /* the first that the run was seen to wait for; 0: none */
    bool beaten;         /* a step's heartbeat was acknowledged */
    bool put_back, refunded; /* these undo steps were */
    bool unplugged;      /* the body is left in the middle */
    char token[DUR_TOKEN_SIZE]; /* of a callback, as the outside has it; "": nobody has told it */
    char broken[160]; /* a law that the host itself has seen broken; "": none */
} fault_world;

/* Whatever a host does with the run on world->log, from its start to its end; gives the library's
 * code, or FAULT_HOST_FAILED. */
typedef int fault_pass(fault_world *world);

typedef struct fault_scenario {
    const char *name;
    fault_pass *prepare; /* without faults, on a log of its own; NULL: an empty database */
    fault_pass *pass;    /* what the faults strike */
    int expected;        /* what it gives when undisturbed */
    fault_pass *finish;  /* leads to the run's end where `pass` does not; NULL: `pass` does */
    const char *schema;  /* where the log is; NULL: "main" */
    int64_t lease_ms;    /* as in dur_options */
    int64_t steps;       /* of a loop, some of which are done by `prepare`: */
    int64_t prepared;
    bool claimed_by_dead;  /* the prepared run is still claimed, by an owner that is gone */
    bool repeats;          /* bodies may run again: the host rolls their records back */
    bool transactional;    /* a body is taken back with its record, and runs again */
    int64_t shared_steps;  /* as shared_commit_steps in dur_options */
    bool large;            /* some values are larger than what is kept when memory is short */
    bool opens;            /* the faults strike dur_open() too */
    bool memory_only;      /* failing files would show nothing that other scenarios do not … */
    bool files_only;       /* … or failing allocations */
    bool warm;             /* where allocations fail: not those that prepare statements … */
    fault_pass *warm_too;  /* … of this either; NULL: of steps only */
    bool thin;             /* so many calls that not every way of failing strikes each of them */
    bool executes_nothing; /* no body may run in `pass` */
} fault_scenario;

extern const fault_scenario fault_scenarios[];
extern const size_t fault_scenario_count;

/* Open the host's connection with the fault VFS; attaches `<path>-side` as "side" where the
 * scenario's schema says so. SQLite's code. */
int fault_world_connect(fault_world *world);

/* dur_open() with the scenario's options and the world's clock. */
int fault_world_open(fault_world *world);

/* Another run, from beginning to end, so that the log has its statements. */
int fault_world_warm_up(fault_world *world);

/* Close the log, and the connection; harmless when there is none. */
void fault_world_close(fault_world *world);
int fault_world_disconnect(fault_world *world);

/* NULL: the step never ran and was never acknowledged. */
const fault_tally *fault_world_tally(const fault_world *world, const char *name);

#endif
