/*
 * test/bench: what it costs to resume a run of 10 steps on a log that is open: claim it and replay
 * it, against one UPDATE that claims the row and one SELECT that reads the steps.
 *
 * The yardstick changes one row. The library's claim changes four places: it takes the run out of
 * the index by which workers find what is due, and puts it into the one by which they find what a
 * dead owner has left behind.
 *
 * Giving the claim back afterwards is not part of the time of either. Nor are checkpoints, which
 * would fall by turns into the one part or always into the other, as the numbers of pages happen
 * to add up.
 */
#include "fixture.h"
#include "rows.h"
#include "yardstick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 10
#define LENGTH 16
#define FEW_RUNS 1000
#define EVERY 50 /* of many runs, so many have 10 steps */
#define COUNTED_RUNS 500
#define RESUME_BAR 1.3
#define CHECKPOINT_EVERY 200 /* resumes */
#define LEASE_MS 600000
#define NOW_MS INT64_C(1790000000000)

typedef struct resumer resumer;

struct resumer {
    bench_work *resume; /* the run with this id */
    void (*leave)(resumer *self);
    char id[FIXTURE_ID_SIZE];
    const int64_t *runs; /* to choose from */
    int64_t run_count;
    bench_random random;
    sqlite3_stmt *give_back;
    int64_t left; /* so many runs were resumed and left */
    fixture_log fixture; /* the library's, */
    dur_run *run;
    sqlite3 *db; /* or raw SQLite's */
    sqlite3_stmt *claim;
    sqlite3_stmt *scan;
};

static void choose(resumer *self)
{
    fixture_id(self->id, self->runs[bench_random_below(&self->random, self->run_count)]);
}

static void give_back(resumer *self)
{
    sqlite3_stmt *statement = self->give_back;

    sqlite3_bind_text(statement, 1, self->id, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE)
        bench_die("giving a run back: %s", sqlite3_errmsg(sqlite3_db_handle(statement)));
    sqlite3_reset(statement);
}

static void leave(resumer *self)
{
    self->leave(self);
    if (++self->left % CHECKPOINT_EVERY == 0)
        bench_execute(sqlite3_db_handle(self->give_back), "PRAGMA wal_checkpoint");
}

/* Work on a resumer: runs chosen at random. */
static void resume_many(void *context, int64_t count)
{
    resumer *self = context;

    for (int64_t i = 0; i < count; i++) {
        bench_pause();
        choose(self);
        bench_resume();
        self->resume(self, 1);
        bench_pause();
        leave(self);
        bench_resume();
    }
}

static void resume_counted(resumer *self, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        choose(self);
        bench_counted(self->resume, self, 1);
        leave(self);
    }
}

/* ---- The library ----------------------------------------------------------------------------- */

/* A run that is claimed again and again without recording anything would be parked. */
static const char forget_claims[] = "UPDATE durable_runs SET claims = 1 WHERE id = ?1";

static void resume_library(void *context, int64_t count)
{
    resumer *self = context;

    (void)count;
    self->run = fixture_begin(&self->fixture, self->id);
    fixture_replay(&self->fixture, self->run, STEPS);
}

static void leave_library(resumer *self)
{
    dur_close_run(self->run);
    give_back(self);
}

static void open_library(resumer *self, const char *path)
{
    self->resume = resume_library;
    self->leave = leave_library;
    fixture_open(&self->fixture, path, "NORMAL");
    self->give_back = bench_prepare(self->fixture.db, forget_claims);
}

static void close_library(resumer *self)
{
    sqlite3_finalize(self->give_back);
    fixture_close(&self->fixture);
}

/* ---- Raw SQLite ------------------------------------------------------------------------------ */

/* The yardstick keeps the owner where anybody would: in the run's row. */
static const char add_owner[] = "ALTER TABLE durable_runs ADD COLUMN owner TEXT;"
                                "ALTER TABLE durable_runs ADD COLUMN lease_end INTEGER";
static const char claim_run[] =
    "UPDATE durable_runs SET owner = ?2, epoch = epoch + 1, token = ?3, lease_end = ?4, "
    "claims = claims + 1, status = 1 WHERE id = ?1 AND (owner IS NULL OR lease_end < ?5) "
    "RETURNING run";
static const char scan_steps[] =
    "SELECT step, " YARD_SCAN_COLUMNS
    "WHERE step BETWEEN ?1 << 27 AND (?1 << 27) + 134217727 ORDER BY step";
static const char release_run[] =
    "UPDATE durable_runs SET owner = NULL, lease_end = 0, claims = 1 WHERE id = ?1";

/* As long as the library's. */
static const char owner[] =
    "1:5f0c5bb1-9d4c-4a52-8a35-0f6d1a2b3c4d:4026531836:4711:123456:0123456789abcdef";

static int64_t claim_raw(resumer *self)
{
    sqlite3_stmt *statement = self->claim;
    int64_t token = bench_random_below(&self->random, INT64_MAX);
    int64_t run = 0;

    sqlite3_bind_text(statement, 1, self->id, -1, SQLITE_STATIC);
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

static void resume_raw(void *context, int64_t count)
{
    resumer *self = context;

    (void)count;
    sqlite3_bind_int64(self->scan, 1, claim_raw(self));
    if (yard_read_rows(self->scan) != STEPS)
        bench_die("resuming: the run has not %d steps", STEPS);
}

static void open_raw(resumer *self, const char *path)
{
    self->resume = resume_raw;
    self->leave = give_back;
    self->db = bench_open(path, "NORMAL");
    bench_execute(self->db, add_owner);
    self->claim = bench_prepare(self->db, claim_run);
    self->scan = bench_prepare(self->db, scan_steps);
    self->give_back = bench_prepare(self->db, release_run);
}

static void close_raw(resumer *self)
{
    sqlite3_finalize(self->claim);
    sqlite3_finalize(self->scan);
    sqlite3_finalize(self->give_back);
    bench_close(self->db);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void race(const bench_options *options, const char *name, int64_t runs, int64_t every)
{
    int64_t chosen = every == 1 ? runs : runs / every / 2;
    char library_path[4096];
    char raw_path[4096];
    resumer library = {.run_count = chosen, .random = bench_random_seeded(options->seed)};
    resumer raw = library;
    bench_racer racers[] = {{.work = resume_many, .context = &raw},
                            {.work = resume_many, .context = &library}};
    int64_t *keys = NULL;

    if (!bench_wanted(options, name))
        return;
    library.runs = raw.runs = keys = bench_choose_runs(options, runs, chosen, every);
    snprintf(library_path, sizeof library_path, "%s", bench_path(options, "resume-library"));
    snprintf(raw_path, sizeof raw_path, "%s", bench_path(options, "resume-raw"));
    fixture_runs(library_path, runs, every, STEPS, LENGTH);
    bench_copy_file(library_path, raw_path);
    bench_settle_file(raw_path);
    open_library(&library, library_path);
    open_raw(&raw, raw_path);
    bench_execute(library.fixture.db, "PRAGMA wal_autocheckpoint = 0");
    bench_execute(raw.db, "PRAGMA wal_autocheckpoint = 0");
    bench_race(racers, 2, bench_scaled(options, 2000, 20), bench_rounds(options, 21));
    close_library(&library);
    close_raw(&raw);
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

/* ---- Instructions ---------------------------------------------------------------------------- */

static int64_t counted_runs(const bench_options *options)
{
    return bench_scaled(options, COUNTED_RUNS, 50);
}

void bench_resumption_counted(const bench_options *options, const char *who)
{
    const char *path = bench_path(options, "resume-counted");
    int64_t *keys = bench_choose_runs(options, FEW_RUNS, FEW_RUNS, 1);
    resumer self = {.runs = keys,
                    .run_count = FEW_RUNS,
                    .random = bench_random_seeded(options->seed)};
    bool library = strcmp(who, "library") == 0;

    if (library)
        open_library(&self, path);
    else
        open_raw(&self, path);
    resume_many(&self, counted_runs(options) / 2);
    resume_counted(&self, counted_runs(options));
    if (library)
        close_library(&self);
    else
        close_raw(&self);
    free(keys);
}

static double count_one(const bench_options *options, const char *who, const char **reason)
{
    char path[4096];
    double total = 0;

    snprintf(path, sizeof path, "%s", bench_path(options, "resume-counted"));
    fixture_runs(path, FEW_RUNS, 1, STEPS, LENGTH);
    total = bench_count_instructions(options, (const char *[]){"resume", who, NULL}, reason);
    bench_remove_database(path);
    return total / (double)counted_runs(options);
}

static void count_instructions(const bench_options *options)
{
    bench_row row = {.name = "resume.instructions", .unit = "instructions"};

    if (!bench_wanted(options, row.name))
        return;
    row.value = count_one(options, "library", &row.skipped);
    if (row.value > 0)
        row.baseline = count_one(options, "raw", &row.skipped);
    if (row.baseline > 0) {
        row.skipped = NULL;
        row.ratio = row.value / row.baseline;
    }
    bench_print_row(options, &row);
}

void bench_resumption(const bench_options *options)
{
    race(options, "resume.1k", FEW_RUNS, 1);
    race(options, "resume.1m", bench_scaled(options, BENCH_MANY, FEW_RUNS), EVERY);
    count_instructions(options);
}
