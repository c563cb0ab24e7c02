/* test/bench: databases with the library's own tables, filled as the library itself fills them. */
#ifndef DURABLE_FIXTURE_H
#define DURABLE_FIXTURE_H

#include "bench.h"

#include <durable.h>

#define FIXTURE_WORKFLOW "agent"

/* How the run with this key is named. `id` has room for FIXTURE_ID_SIZE bytes. */
#define FIXTURE_ID_SIZE 32
void fixture_id(char *id, int64_t run);

/* A log of `runs` runs that nobody holds, with keys from 1. Every one has a first step, every
 * `every`-th one `steps` of them, all with values of `length` bytes. The library records the first
 * run; the others are copies of its rows, whatever columns it has. */
void fixture_runs(const char *path, int64_t runs, int64_t every, int64_t steps, size_t length);

/* The same with one run of `steps` steps. */
void fixture_long_run(const char *path, int64_t steps, size_t length);

/* The same with `runs` runs that wait, and no steps but the first run's. Those whose keys are
 * multiples of 3 are of FIXTURE_WORKFLOW and sleep until some FIXTURE_SLEEP, in Unix ms; of the
 * others one half sleeps with the highest priority, and the other one is due, but of workflows that
 * nobody registers. */
#define FIXTURE_SLEEP "4000000000000"
void fixture_sleepers(const char *path, int64_t runs);

/* A log that a benchmark has open. */
typedef struct fixture_log {
    sqlite3 *db;
    dur_log *log;
} fixture_log;

void fixture_open(fixture_log *fixture, const char *path, const char *synchronous);
void fixture_close(fixture_log *fixture);

/* The run, claimed, or the end of the program. */
dur_run *fixture_begin(fixture_log *fixture, const char *id);

/* Replay steps until the log has no answer, or `most` of them. Gives their number. */
int64_t fixture_replay(fixture_log *fixture, dur_run *run, int64_t most);

/* Record one step with this value. */
void fixture_record(fixture_log *fixture, dur_run *run, dur_value value);

/* Ends the program where `code` is not `expected`. */
void fixture_expect(fixture_log *fixture, int code, int expected, const char *doing);

#endif
