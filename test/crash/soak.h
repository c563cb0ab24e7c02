/*
 * test/crash: the soak: many processes work on one file and are killed and stopped at random, and
 * an exact oracle looks at what they leave. POSIX only.
 *
 *   soak_plan.c       what each run is to do, as a function of its number and the seed
 *   soak_workflows.c  the workflows that do it
 *   soak_workers.c    the processes that execute and look on, and what all of them share
 *   soak_senders.c    the processes that start runs and send to them
 *   soak_oracle.c     whether the database holds what it must: the laws about all runs together
 *   soak_stories.c    … what each run has left
 *   soak_signals.c    … signals and callbacks
 *   soak_test.c       the parent: starts, kills, stops and continues them
 */
#ifndef SOAK_H
#define SOAK_H

#include "durable.h"
#include "support/fake_clock.h"
#include "support/place.h"

#include <sqlite3.h>
#include <stdatomic.h>

#define SOAK_WORKERS_MAX 16
#define SOAK_SENDERS 2
#define SOAK_ID_SIZE 40
#define SOAK_PLAN_SIZE 100

/* A worker with a short lease has this one. */
#define SOAK_SHORT_LEASE_MS 200

/* ---- Plans --------------------------------------------------------------------------------- */

typedef enum soak_kind {
    SOAK_PLAIN = 0, /* steps, each with an effect on a table of the host's */
    SOAK_JOINED,    /* steps in a transaction of the host's, with their effects */
    SOAK_SLEEPY,    /* steps and timers */
    SOAK_STUBBORN,  /* a step that fails, with a retry policy */
    SOAK_POLLER,    /* a step that looks until something holds */
    SOAK_LONG,      /* a step with heartbeats */
    SOAK_LISTENER,  /* receives signals, however long they take */
    SOAK_PATIENT,   /* receives signals, but not for ever */
    SOAK_CHOOSER,   /* the first of two signals and a timer */
    SOAK_ASKER,     /* a callback */
    SOAK_PARENT,    /* starts children in a step and waits for a signal of each */
    SOAK_CHILD,
    SOAK_KINDS
} soak_kind;

/* How a stubborn run ends. */
enum { SOAK_SUCCEEDS = 0, SOAK_CATCHES = 1, SOAK_GIVES_UP = 2 };

typedef struct soak_plan {
    soak_kind kind;
    int count;      /* steps, signals, polls, children … */
    int fails;      /* attempts that fail */
    int ending;     /* of a stubborn run */
    int sends;      /* signals to be sent to it */
    int pause_ms;   /* of timers and retries */
    int timeout_ms; /* 0: none */
    int keyed;      /* the signals have keys */
    int queue;      /* index into soak_queues */
    int priority;
} soak_plan;

/* Queues with limits; the first stands for the workflow's own queue, which has none. */
typedef struct soak_queue {
    const char *name;
    dur_queue_limits limits;
} soak_queue;

#define SOAK_QUEUES 4
extern const soak_queue soak_queues[SOAK_QUEUES];

/* Of a kind: its workflow's name. */
extern const char *const soak_names[SOAK_KINDS];

/* The plan of run `number`, and of its children; as text, which is the run's input, and back. */
soak_plan soak_plan_of(uint64_t seed, int64_t number);
soak_plan soak_plan_of_child(uint64_t seed, int64_t number, int child);
void soak_plan_print(const soak_plan *plan, char text[SOAK_PLAN_SIZE]);
bool soak_plan_parse(const char *text, soak_plan *plan);

/* "r17" and "r17.2". */
void soak_id(char id[SOAK_ID_SIZE], int64_t number);
void soak_child_id(char id[SOAK_ID_SIZE], const char *parent, int child);
int64_t soak_number(const char *id);

/* The name of the n-th signal that is sent to a run of this plan, and its key's number. */
const char *soak_signal_name(const soak_plan *plan, int n);

/* Put the run into the log, as its plan says. */
int soak_start(dur_log *log, const char *id, const soak_plan *plan);

/* ---- What outlives the processes ----------------------------------------------------------- */

/* One message, callback's answer, or attempt to send one; written before the call, its code after
 * it. Its number, which is its value, is sender * SOAK_SENT_STEP + index. */
typedef struct soak_sent {
    int64_t run;
    int signal; /* the n-th of its plan; -1: an answer to its callback */
    _Atomic int code;
} soak_sent;

#define SOAK_SENT_STEP INT64_C(1000000000)
#define SOAK_NO_CODE 1000 /* killed in between: nobody knows */

/* What is known of a run outside the database. */
typedef struct soak_slot {
    atomic_bool started;
    atomic_bool settled;    /* nobody needs to send to it any more */
    atomic_uint delivered;  /* bits: which of its signals have been taken */
    atomic_bool has_token;
    char token[DUR_TOKEN_SIZE];
} soak_slot;

typedef struct soak_sender {
    atomic_llong next; /* of the runs that this sender starts, the next one */
    atomic_llong sent_count;
    int64_t sent_room;
    soak_sent *sent;
} soak_sender;

#define SOAK_CODES 64
#define SOAK_COMPLAINTS 12

typedef struct soak_book {
    place here;
    uint64_t seed;
    int64_t runs;
    int workers;
    soak_slot *slots;
    soak_sender senders[SOAK_SENDERS];
    atomic_llong started;   /* every run before this one is in the log */
    atomic_llong settled;   /* every run before this one is settled */
    atomic_llong open;      /* runs in the log that have not ended, as the watcher sees it */
    atomic_llong steps;     /* recorded ones, likewise */
    atomic_llong looks;     /* of the watcher */
    atomic_int over_limit;  /* looks at which a queue had more active runs than it may */
    atomic_bool finish;     /* the watcher and the senders are to end */
    atomic_llong passes[SOAK_CODES]; /* of the workers, by code + SOAK_CODES / 2 */
    atomic_llong busy;      /* DUR_BUSY, to whomever */
    atomic_llong heartbeats_lost;
    atomic_int complaint_count;
    char complaints[SOAK_COMPLAINTS][300];
} soak_book;

extern soak_book *soak;

/* Something that must not happen has happened; the first of them are kept. */
void soak_complain(const char *format, ...) DUR_PRINTF_(1, 2);

/* Complain if `code` is none of those that the caller has to reckon with; counts DUR_BUSY. The list
 * ends with SOAK_NO_CODE. */
void soak_expect(const char *what, const dur_log *log, int code, const int *allowed);

/* ---- The processes -------------------------------------------------------------------------- */

/* What a workflow is given. */
typedef struct soak_worker {
    sqlite3 *db;
    dur_log *log;
} soak_worker;

/* Register all workflows and serve all queues. */
void soak_register(soak_worker *worker);

/* SQL of the host's own; waits for a busy database itself. */
bool soak_sql(sqlite3 *db, const char *sql);

/* Open a connection to the file, as every process does; NULL: it could not (and has complained).
 * With a log, and close both. */
sqlite3 *soak_connect(void);
bool soak_open(soak_worker *worker, const dur_options *options);
void soak_close(soak_worker *worker);

/* A process of a test that was ended from outside must not work on for ever. */
void soak_end_with_parent(void);

/* Make the file, the log, and the host's tables and triggers. */
bool soak_prepare(void);

/* Process bodies. `user` points to a soak_role. */
typedef struct soak_role {
    int index;
    uint64_t seed; /* of this process */
    int64_t lease_ms;
} soak_role;

int soak_work(void *user);
int soak_send(void *user);
int soak_watch(void *user);

/* ---- The oracle ----------------------------------------------------------------------------- */

/* Look at the database when all is over; prints each broken law to stderr, gives their number. */
int soak_check(void);

/* Its parts. */
int soak_check_runs(sqlite3 *db);
int soak_check_signals(sqlite3 *db);

/* The one number that a query gives; -1 where there is none. */
int64_t soak_ask(sqlite3 *db, const char *sql);

/* A query that counts what breaks a law must give 0. */
int soak_none(sqlite3 *db, const char *law, const char *sql);

#endif
