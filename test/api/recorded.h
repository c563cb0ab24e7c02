/*
 * test/api: a workflow that does all that a log can hold, and waits: for the tests of exports and
 * imports.
 *
 *     recorded it;
 *
 *     recorded_open(&it);        a log in memory, and in it the run "tour", which waits
 *     ... exported_text(it.log, NULL) ...
 *     recorded_close(&it);
 */
#ifndef TEST_API_RECORDED_H
#define TEST_API_RECORDED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdlib.h>

#include "support/exported.h"
#include "support/fake_clock.h"
#include "support/host.h"

typedef struct recorded {
    fake_clock clock; /* the first member: the callbacks' user pointer is this one's too */
    sqlite3 *db;
    dur_log *log;
    int bodies;                /* that ran */
    bool ready;                /* the step that is tried again succeeds */
    char token[DUR_TOKEN_SIZE]; /* of the callback */
} recorded;

/* A log, empty, or with the run "tour" and its children as far as they come. */
void recorded_open_empty(recorded *it);
void recorded_open(recorded *it);
void recorded_close(recorded *it);

/* Its workflow, and that of the child it starts; `user` is the struct. */
int recorded_tour(dur_run *run, void *user);
int recorded_courier(dur_run *run, void *user);

/* Work, and let the clock jump to what is due next, until nothing is due before that time. */
void recorded_work(recorded *it, int64_t until_ms);

/* Export all of it, close it, and import it into another log, from which another export is the
 * same: its text, to be freed. */
char *recorded_move(recorded *it);

#endif
