/* test/bench: the rows of the benchmark, in groups. Each group makes its databases, holds its races
 * and prints its rows; a row that is not asked for costs nothing. */
#ifndef DURABLE_BENCH_ROWS_H
#define DURABLE_BENCH_ROWS_H

#include "bench.h"

void bench_record(const bench_options *options);     /* record.… and record.instructions */
void bench_replay(const bench_options *options);     /* replay.… and replay.instructions */
void bench_check(const bench_options *options);      /* check.… */
void bench_resumption(const bench_options *options); /* resume.… and resume.instructions */
void bench_attempt(const bench_options *options);    /* attempt.normal */
void bench_transaction(const bench_options *options); /* tx.… */
void bench_due(const bench_options *options);        /* due.… and wake.… */
void bench_signal(const bench_options *options);     /* signal.same.… and signal.across.… */
void bench_lifecycle(const bench_options *options);  /* lifecycle.start… and lifecycle.execute… */
void bench_takeover(const bench_options *options);   /* takeover */
void bench_children(const bench_options *options);   /* children.… */
void bench_restart(const bench_options *options);    /* restart.10k */
void bench_history(const bench_options *options);    /* export.100k and import.100k */
void bench_retain(const bench_options *options);     /* retain.run */
void bench_size(const bench_options *options);       /* text_bytes…, run_heap_bytes */

/* The library's work on a long run of such values, whose count is that of its steps and whose
 * context a fixture_log, against a scan of the same rows. */
void bench_race_scan(const bench_options *options, const char *name, size_t length,
                     bench_work *work, double bar);

/* In the program executed again under callgrind: who does it, "library" or "raw" (or, of
 * the lifecycle, "library-execute" or "raw-execute"). */
void bench_record_counted(const bench_options *options, const char *who);
void bench_replay_counted(const bench_options *options, const char *who);
void bench_resumption_counted(const bench_options *options, const char *who);
void bench_lifecycle_counted(const bench_options *options, const char *who);

#endif
