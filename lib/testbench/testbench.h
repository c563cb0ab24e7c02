/* testbench: a log whose clock, outcomes and deaths a test decides. */
#ifndef DURABLE_TESTBENCH_H
#define DURABLE_TESTBENCH_H

#include "engine/engine.h"

/* A text of its own in a list. */
typedef struct durable_bench_name {
    struct durable_bench_name *next;
    char text[];
} durable_bench_name;

typedef struct durable_bench_script {
    struct durable_bench_script *next;
    dur_script is; /* its text and bytes lie behind the name */
    int64_t attempts;
    char name[];
} durable_bench_script;

/* A signal that is to be sent, or a callback that is to be answered or to show life. */
typedef struct durable_bench_event {
    struct durable_bench_event *next;
    int64_t time_ms;
    bool answers;         /* a callback, whose token is `to` */
    int64_t beats_ms;     /* … and until `ends_ms` it shows life so often; 0: it does not */
    int64_t ends_ms;
    const char *to;       /* a run's id, or a token */
    const char *name;     /* of a signal */
    const char *failure;  /* of an answer; NULL: the value */
    dur_value value;
    char text[];          /* all of these */
} durable_bench_event;

typedef struct durable_bench_crash {
    struct durable_bench_crash *next;
    int when;
    int64_t record; /* counted from the bench's first one */
} durable_bench_crash;

/* How many bodies of steps of that name were entered. */
typedef struct durable_bench_count {
    struct durable_bench_count *next;
    int64_t bodies;
    char name[];
} durable_bench_count;

struct dur_testbench {
    durable_store *store;              /* behind all of its logs */
    void (*abandon)(durable_store *store); /* roll back what is open there */
    dur_options options;               /* of each log */
    dur_retry retry;
    char *schema, *code_version;
    void (*warn)(const char *message, void *user); /* the host's, with its `user` */
    void (*long_run)(const char *run_id, int64_t steps, int64_t bytes, void *user);
    void *user;

    dur_log *log;                  /* NULL: it could not be opened again */
    durable_registered *workflows; /* those of a log that is gone */
    durable_served *queues;
    durable_bench_name *marks;     /* of the owners that its logs were */

    int64_t now_ms;
    uint64_t random_state;
    durable_bench_event *events;   /* by time, and as they came */
    durable_bench_name *tokens;    /* of callbacks that were seen to */
    durable_bench_script *scripts; /* the last one first */
    durable_bench_count *counts;
    durable_bench_crash *deaths;
    int64_t records;

    bool always_replay;
    int64_t max_passes;
    bool dead;          /* the log's process is; nothing is written any more */
    bool in_step;       /* a transactional one's transaction is open */
    bool dies_with_it;  /* … and when that has ended, the process dies */
    bool ends_pass;     /* the pass was ended for always_replay */
    int64_t bodies_in_pass;
    bool running;       /* in dur_testbench_run() */
    bool closed;        /* … in which it was closed */
    int trouble;        /* of what was sent while a body took its time */
    durable_error error;
    int64_t last_run;   /* the queues of runs up to this key are served */
    int64_t bodies, passes, crashes;
};

/* ---- testbench.c --------------------------------------------------------------------------- */

/* A bench with copies of the options, and no store yet. NULL: out of memory. */
DURABLE_INTERNAL dur_testbench *durable_bench_new(const dur_testbench_options *options,
                                                  const dur_options *log);

/* Its first log, on a store that it owns from now on. `open_code` is what opening that gave. */
DURABLE_INTERNAL int durable_bench_begin(dur_testbench *bench, durable_store *store, int open_code,
                                         void (*abandon)(durable_store *store));
DURABLE_INTERNAL void durable_bench_free(dur_testbench *bench);

/* After a death: the log is left, and another one opened. DUR_OK, DUR_NOMEM, or DUR_MISUSE where
 * the host has closed the log. */
DURABLE_INTERNAL int durable_bench_recover(dur_testbench *bench);

/* ---- clock.c ------------------------------------------------------------------------------- */

/* Into the options: the bench's time, chance and sleep. */
DURABLE_INTERNAL void durable_bench_set_clock(dur_testbench *bench, dur_options *options);

/* To be sent at its time. DUR_OK, DUR_NOMEM. */
DURABLE_INTERNAL int durable_bench_add_event(dur_testbench *bench,
                                             const durable_bench_event *event);

/* Let time pass, and send on the way what is to be sent. Not while a step's transaction is open,
 * which takes no other writes. */
DURABLE_INTERNAL void durable_bench_pass_time(dur_testbench *bench, int64_t until_ms);

/* Send what is due. DUR_OK, or what sending gave, with the log's error. */
DURABLE_INTERNAL int durable_bench_send_due(dur_testbench *bench);

/* ---- script.c ------------------------------------------------------------------------------ */

/* As dur_testbench_script(); NULL takes those of the name away. */
DURABLE_INTERNAL int durable_bench_set_script(dur_testbench *bench, const char *name,
                                              const dur_script *script);
DURABLE_INTERNAL int64_t durable_bench_count_of(const dur_testbench *bench, const char *name);

/* What the engine asks and tells, see dur_log. */
DURABLE_INTERNAL int durable_bench_before_step(dur_run *run, void *bench);
DURABLE_INTERNAL int durable_bench_before_body(dur_step *step, dur_value *value, void *bench);
DURABLE_INTERNAL int durable_bench_on_callback(dur_step *callback, void *bench);

/* ---- crash.c ------------------------------------------------------------------------------- */

DURABLE_INTERNAL int durable_bench_add_crash(dur_testbench *bench, int when, int64_t record);

/* The store as the bench's logs see it. NULL: out of memory. */
DURABLE_INTERNAL durable_store *durable_bench_guard(dur_testbench *bench);

/* Stop the run of a dead process. */
DURABLE_INTERNAL int durable_bench_stop_dead(dur_run *run);

/* ---- drive.c ------------------------------------------------------------------------------- */

/* As dur_testbench_run(); the names and options were checked. */
DURABLE_INTERNAL int durable_bench_run(dur_testbench *bench, const char *workflow,
                                       const char *run_id, const dur_start_options *start);

#endif
