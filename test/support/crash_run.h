/*
 * test/support: a run whose process is killed, and the book that outlives it. The book lies in
 * memory shared between parent and children: what the bodies did to the world, what the library
 * said, so that an exact oracle can look at the database afterwards. POSIX only.
 */
#ifndef CRASH_RUN_H
#define CRASH_RUN_H

#include "durable.h"
#include "support/place.h"

#define CRASH_STEPS 7
#define CRASH_EXECUTIONS_MAX 64
#define CRASH_ID "the-run"

typedef struct crash_step {
    int executed;
    int64_t drawn[CRASH_EXECUTIONS_MAX]; /* the number each execution drew; no two are alike */
    bool seen;                           /* the library said that the step is recorded … */
    int64_t value;                       /* … with this value */
    int executed_after;   /* executions begun when it had been seen recorded: must stay 0 */
    int changes_of_value; /* another value was seen later: must stay 0 */
} crash_step;

typedef struct crash_book {
    place here;
    const char *journal_mode;
    int64_t kill_at; /* the Nth call of the VFS in the next child kills it; 0: none */
    int64_t draws;
    crash_step steps[CRASH_STEPS];
    int code;          /* of the child's last dur_execute() */
    char message[512]; /* its dur_errmsg() */
    int64_t sleeps;    /* of the library, waiting: what a lease would cost */
    char output[64];
} crash_book;

/* Forget all but the place and the journal mode, and remove the database. */
void crash_book_reset(crash_book *book);

/* A process_body: open the database, execute the run, close. Exits with 0 where it gave DUR_OK. */
int crash_child(void *book);

/* Look at the database and the book when the run has finished. Each broken law is printed to
 * stderr, with `where` in front; gives their number. */
int crash_check(const crash_book *book, const char *where);

/* The number of steps recorded so far, as any SQLite client sees it; -1: no log. */
int64_t crash_recorded(const crash_book *book);

#endif
