/*
 * test/bench: what a retention costs for each run that it deletes: runs of 10 steps that have
 * ended, in batches of 100, each one commit. The yardstick deletes the same rows of the same
 * tables in the same batches; it knows which runs they are, that they have nothing but their
 * steps, and that nobody refers to them, and its triggers are switched off.
 */
#include "fixture.h"
#include "rows.h"
#include "yardstick.h"

#include <stdio.h>

#define STEPS 10
#define BATCH 100
#define RUNS 2000 /* of each round */
#define LENGTH 16

/* ---- The library ----------------------------------------------------------------------------- */

static void retain_library(void *context, int64_t count)
{
    fixture_log *self = context;
    dur_retention retention = DUR_RETENTION_INIT;

    retention.max_runs = BATCH;
    for (int64_t i = 0; i < count; i += BATCH) {
        int64_t deleted = 0;

        fixture_expect(self, dur_retain(self->log, &retention, &deleted), DUR_OK, "deleting");
        if (deleted != BATCH)
            bench_die("%lld runs were deleted", (long long)deleted);
    }
}

/* ---- Raw SQLite ------------------------------------------------------------------------------ */

enum { BEGIN, DELETE_STEPS, DELETE_RUN, COMMIT, COUNT };

typedef struct raw_log {
    sqlite3 *db;
    int64_t deleted; /* keys count from 1 */
    sqlite3_stmt *statements[COUNT];
} raw_log;

static const char *const texts[COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [DELETE_STEPS] = ("DELETE FROM durable_steps WHERE step BETWEEN ?1 << 27 AND (?1 << 27) + "
                      "134217727"),
    [DELETE_RUN] = "DELETE FROM durable_runs WHERE run = ?1",
    [COMMIT] = "COMMIT",
};

static void step(raw_log *self, int which, int64_t run)
{
    sqlite3_stmt *statement = self->statements[which];

    if (run)
        sqlite3_bind_int64(statement, 1, run);
    if (sqlite3_step(statement) != SQLITE_DONE || sqlite3_reset(statement) != SQLITE_OK)
        bench_die("%s: %s", texts[which], sqlite3_errmsg(self->db));
}

static void retain_raw(void *context, int64_t count)
{
    raw_log *self = context;

    for (int64_t i = 0; i < count; i += BATCH) {
        step(self, BEGIN, 0);
        for (int j = 0; j < BATCH; j++) {
            self->deleted++;
            step(self, DELETE_STEPS, self->deleted);
            step(self, DELETE_RUN, self->deleted);
        }
        step(self, COMMIT, 0);
    }
}

static void open_raw(raw_log *self, const char *path)
{
    self->db = bench_open(path, "NORMAL");
    sqlite3_db_config(self->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    for (int i = 0; i < COUNT; i++) self->statements[i] = bench_prepare(self->db, texts[i]);
}

static void close_raw(raw_log *self)
{
    for (int i = 0; i < COUNT; i++) sqlite3_finalize(self->statements[i]);
    bench_close(self->db);
}

/* ---- The row --------------------------------------------------------------------------------- */

/* All of them have ended, one after the other. */
static void make_ended(const char *path, int64_t runs)
{
    sqlite3 *db;

    fixture_runs(path, runs, 1, STEPS, LENGTH);
    db = bench_open(path, "NORMAL");
    bench_execute(db, "UPDATE durable_runs SET status = 2, due = NULL,"
                      " ended = 1600000000000 + run");
    bench_close(db);
    bench_settle_file(path);
}

/* They have deleted as much as each other. */
static void check_rest(sqlite3 *library, sqlite3 *raw, int64_t runs)
{
    const char *count = "SELECT count(*) * 1000000 + (SELECT count(*) FROM durable_steps)"
                        " FROM durable_runs";
    int64_t ours = bench_query_integer(library, count), theirs = bench_query_integer(raw, count);

    if (ours != theirs || ours >= runs * 1000000)
        bench_die("%lld and %lld rows are left", (long long)ours, (long long)theirs);
}

void bench_retain(const bench_options *options)
{
    char path[4096], raw_path[4096];
    int64_t count = bench_scaled(options, RUNS, BATCH) / BATCH * BATCH;
    int rounds = bench_rounds(options, 9);
    fixture_log library;
    raw_log raw = {.deleted = 0};
    bench_racer racers[] = {{.work = retain_raw, .context = &raw},
                            {.work = retain_library, .context = &library}};

    if (!bench_wanted(options, "retain.run")) return;
    snprintf(path, sizeof path, "%s", bench_path(options, "retain"));
    snprintf(raw_path, sizeof raw_path, "%s", bench_path(options, "retain-raw"));
    make_ended(path, count * (rounds + 1));
    bench_copy_file(path, raw_path);
    fixture_open(&library, path, "NORMAL");
    open_raw(&raw, raw_path);
    bench_race(racers, 2, count, rounds);
    check_rest(library.db, raw.db, count * (rounds + 1));
    close_raw(&raw);
    fixture_close(&library);
    bench_remove_database(path);
    bench_remove_database(raw_path);
    bench_print_row(options, &(bench_row){.name = "retain.run",
                                          .unit = "us/run",
                                          .value = racers[1].median_ns / 1e3,
                                          .baseline = racers[0].median_ns / 1e3,
                                          .ratio = racers[1].ratio});
}
