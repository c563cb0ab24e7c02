/*
 * test/bench: what it costs to resume a run of 10 steps on a log that is open: claim it and replay
 * it, against one UPDATE that claims the row and one SELECT that reads the steps.
 *
 * Giving the claim back afterwards is not part of the time of either.
 */
#include "fixture.h"
#include "rows.h"
#include "yardstick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 10
#define LENGTH 16
#define EVERY 50 /* of many runs, so many have 10 steps */
#define RESUME_BAR 1.3
#define LEASE_MS 600000
#define NOW_MS INT64_C(1790000000000)

typedef struct resumer {
    const int64_t *runs;
    int64_t run_count;
    bench_random random;
    fixture_log fixture;  /* of the library */
    sqlite3 *db;          /* of raw SQLite */
    sqlite3_stmt *claim;
    sqlite3_stmt *scan;
    sqlite3_stmt *give_back;
} resumer;

static void choose(resumer *self, char *id)
{
    bench_pause();
    fixture_id(id, self->runs[bench_random_below(&self->random, self->run_count)]);
    bench_resume();
}

static void run_on(sqlite3_stmt *statement, const char *id)
{
    sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE)
        bench_die("giving a run back: %s", sqlite3_errmsg(sqlite3_db_handle(statement)));
    sqlite3_reset(statement);
}

/* A run that is claimed again and again without recording anything would be parked. */
static const char forget_claims[] = "UPDATE durable_runs SET claims = 1 WHERE id = ?1";

/* ---- The library ----------------------------------------------------------------------------- */

static void library_resume(void *context, int64_t count)
{
    resumer *self = context;
    char id[FIXTURE_ID_SIZE];

    for (int64_t i = 0; i < count; i++) {
        dur_run *run = NULL;

        choose(self, id);
        run = fixture_begin(&self->fixture, id);
        fixture_replay(&self->fixture, run, STEPS);
        bench_pause();
        dur_close_run(run);
        run_on(self->give_back, id);
        bench_resume();
    }
}

/* ---- Raw SQLite ------------------------------------------------------------------------------ */

static const char claim[] =
    "UPDATE durable_runs SET owner = ?2, epoch = epoch + 1, token = ?3, lease_end = ?4, "
    "claims = claims + 1, status = 1 WHERE id = ?1 AND (owner IS NULL OR lease_end < ?5) "
    "RETURNING run";
static const char scan[] = "SELECT step, " YARD_SCAN_COLUMNS
                           "WHERE step BETWEEN ?1 << 27 AND (?1 << 27) + 134217727 ORDER BY step";
static const char give_back[] =
    "UPDATE durable_runs SET owner = NULL, lease_end = 0, claims = 1 WHERE id = ?1";

/* The yardstick keeps the owner where anybody would: in the run's row. */
static const char add_owner[] = "ALTER TABLE durable_runs ADD COLUMN owner TEXT;"
                                "ALTER TABLE durable_runs ADD COLUMN lease_end INTEGER";

/* As long as the library's. */
static const char owner[] =
    "1:5f0c5bb1-9d4c-4a52-8a35-0f6d1a2b3c4d:4026531836:4711:123456:0123456789abcdef";

static int64_t claim_raw(resumer *self, const char *id)
{
    sqlite3_stmt *statement = self->claim;
    int64_t token = bench_random_below(&self->random, INT64_MAX);
    int64_t run = 0;

    sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, owner, sizeof owner - 1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, token);
    sqlite3_bind_int64(statement, 4, NOW_MS + LEASE_MS);
    sqlite3_bind_int64(statement, 5, NOW_MS);
    if (sqlite3_step(statement) == SQLITE_ROW)
        run = sqlite3_column_int64(statement, 0);
    if (run == 0 || sqlite3_step(statement) != SQLITE_DONE)
        bench_die("claiming: %s", sqlite3_errmsg(self->db));
    sqlite3_reset(statement);
    return run;
}

static void raw_resume(void *context, int64_t count)
{
    resumer *self = context;
    char id[FIXTURE_ID_SIZE];

    for (int64_t i = 0; i < count; i++) {
        choose(self, id);
        sqlite3_bind_int64(self->scan, 1, claim_raw(self, id));
        if (yard_read_rows(self->scan) != STEPS)
            bench_die("resuming: the run has not %d steps", STEPS);
        bench_pause();
        run_on(self->give_back, id);
        bench_resume();
    }
}

/* ---- The race -------------------------------------------------------------------------------- */

static void open_both(const bench_options *options, resumer *library, resumer *raw,
                      const char *library_path, const char *raw_path, const int64_t *runs,
                      int64_t run_count)
{
    library->runs = raw->runs = runs;
    library->run_count = raw->run_count = run_count;
    library->random = raw->random = bench_random_seeded(options->seed);
    fixture_open(&library->fixture, library_path, "NORMAL");
    library->db = library->fixture.db;
    library->give_back = bench_prepare(library->db, forget_claims);
    raw->db = bench_open(raw_path, "NORMAL");
    bench_execute(raw->db, add_owner);
    raw->claim = bench_prepare(raw->db, claim);
    raw->scan = bench_prepare(raw->db, scan);
    raw->give_back = bench_prepare(raw->db, give_back);
}

static void close_both(resumer *library, resumer *raw)
{
    sqlite3_finalize(library->give_back);
    fixture_close(&library->fixture);
    sqlite3_finalize(raw->claim);
    sqlite3_finalize(raw->scan);
    sqlite3_finalize(raw->give_back);
    bench_close(raw->db);
}

static void race(const bench_options *options, const char *name, int64_t runs, int64_t every)
{
    int64_t chosen = every == 1 ? runs : runs / every / 2;
    int64_t *keys = NULL;
    char library_path[4096];
    char raw_path[4096];
    resumer library;
    resumer raw;
    bench_racer racers[] = {{.work = raw_resume, .context = &raw},
                            {.work = library_resume, .context = &library}};

    if (!bench_wanted(options, name))
        return;
    keys = bench_choose_runs(options, runs, chosen, every);
    snprintf(library_path, sizeof library_path, "%s", bench_path(options, "resume-library"));
    snprintf(raw_path, sizeof raw_path, "%s", bench_path(options, "resume-raw"));
    fixture_runs(library_path, runs, every, STEPS, LENGTH);
    bench_copy_file(library_path, raw_path);
    bench_settle_file(raw_path);
    open_both(options, &library, &raw, library_path, raw_path, keys, chosen);
    bench_race(racers, 2, bench_scaled(options, 2000, 20), bench_rounds(options, 15));
    close_both(&library, &raw);
    bench_remove_database(library_path);
    bench_remove_database(raw_path);
    free(keys);
    bench_print_row(options, &(bench_row){.name = name,
                                          .unit = "us/resume",
                                          .value = racers[1].median_ns / 1e3,
                                          .baseline = racers[0].median_ns / 1e3,
                                          .ratio = racers[1].ratio,
                                          .bar_of = BENCH_BAR_OF_RATIO,
                                          .bar = RESUME_BAR});
}

void bench_resumption(const bench_options *options)
{
    race(options, "resume.1k", 1000, 1);
    race(options, "resume.1m", bench_scaled(options, BENCH_MANY, 1000), EVERY);
}
