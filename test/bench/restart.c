/*
 * test/bench: what a restart costs: a run of 10,000 steps is copied, all of it, into a new one; the
 * yardstick copies the same rows of the same table by one INSERT from a SELECT, and the run's row
 * by another, in one commit. Both copy one run again and again, each in a database of its own.
 */
#include "fixture.h"
#include "rows.h"
#include "yardstick.h"

#include <stdio.h>

#define STEPS 10000
#define RESTARTS 5 /* of each round */
#define LENGTH 16

typedef struct library_copies {
    fixture_log fixture;
    int64_t steps;
    int64_t made;
} library_copies;

static void restart_library(void *context, int64_t count)
{
    library_copies *self = context;
    char source[FIXTURE_ID_SIZE], id[64];

    fixture_id(source, 1);
    for (int64_t i = 0; i < count; i++) {
        snprintf(id, sizeof id, "again-%lld", (long long)self->made++);
        fixture_expect(&self->fixture,
                       dur_restart(self->fixture.log, source, id, self->steps + 1, NULL), DUR_OK,
                       "restarting");
    }
}

enum { BEGIN, INSERT_RUN, COPY_STEPS, COMMIT, COUNT };

typedef struct raw_copies {
    sqlite3 *db;
    int64_t made; /* the source has the key 1 */
    sqlite3_stmt *statements[COUNT];
} raw_copies;

#define STEP_COLUMNS                                                                               \
    "kind, name, format, value, low, epoch, attempt, began, took, fingerprint, site"

static const char *const texts[COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [INSERT_RUN] = ("INSERT INTO durable_runs(run, epoch, token, status, claims, request, id, uid, "
                    "workflow, behaviour, origin, restarted_at, queue, priority, due, created, "
                    "input_format, input) SELECT ?1, 0, 0, 1, 0, 0, 'again-' || ?1, "
                    "'0123456789abcdef0123456789abcdef', workflow, behaviour, run, 1, queue, "
                    "priority, 1790000000000, 1790000000000, input_format, input "
                    "FROM durable_runs WHERE run = 1"),
    [COPY_STEPS] = ("INSERT INTO durable_steps(step, " STEP_COLUMNS ") SELECT step + ((?1 - 1) "
                    "<< 27), " STEP_COLUMNS " FROM durable_steps WHERE step BETWEEN 1 << 27 AND "
                    "(1 << 27) + 134217727 ORDER BY step"),
    [COMMIT] = "COMMIT",
};

static void restart_raw(void *context, int64_t count)
{
    raw_copies *self = context;

    for (int64_t i = 0; i < count; i++) {
        self->made++;
        for (int which = 0; which < COUNT; which++) {
            sqlite3_stmt *statement = self->statements[which];

            sqlite3_bind_int64(statement, 1, self->made + 1); /* BEGIN refuses: no harm */
            if (sqlite3_step(statement) != SQLITE_DONE || sqlite3_reset(statement) != SQLITE_OK)
                bench_die("%s: %s", texts[which], sqlite3_errmsg(self->db));
        }
    }
}

static void open_raw(raw_copies *self, const char *path)
{
    self->db = bench_open(path, "NORMAL");
    for (int i = 0; i < COUNT; i++) self->statements[i] = bench_prepare(self->db, texts[i]);
}

static void close_raw(raw_copies *self)
{
    for (int i = 0; i < COUNT; i++) sqlite3_finalize(self->statements[i]);
    bench_close(self->db);
}

/* They have copied as much as each other. */
static void check_copies(const library_copies *library, const raw_copies *raw)
{
    const char *count = "SELECT count(*) FROM durable_steps";
    int64_t ours = bench_query_integer(library->fixture.db, count);
    int64_t theirs = bench_query_integer(raw->db, count);

    if (ours != theirs || ours != library->steps * (library->made + 1))
        bench_die("%lld rows were copied, and %lld", (long long)ours, (long long)theirs);
}

void bench_restart(const bench_options *options)
{
    char path[4096], raw_path[4096];
    library_copies library = {.steps = bench_scaled(options, STEPS, 100)};
    raw_copies raw = {.made = 0};
    bench_racer racers[] = {{.work = restart_raw, .context = &raw},
                            {.work = restart_library, .context = &library}};

    if (!bench_wanted(options, "restart.10k")) return;
    snprintf(path, sizeof path, "%s", bench_path(options, "restart"));
    snprintf(raw_path, sizeof raw_path, "%s", bench_path(options, "restart-raw"));
    fixture_long_run(path, library.steps, LENGTH);
    bench_copy_file(path, raw_path);
    fixture_open(&library.fixture, path, "NORMAL");
    open_raw(&raw, raw_path);
    bench_race(racers, 2, RESTARTS, bench_rounds(options, 9));
    check_copies(&library, &raw);
    close_raw(&raw);
    fixture_close(&library.fixture);
    bench_remove_database(path);
    bench_remove_database(raw_path);
    bench_print_row(options, &(bench_row){.name = "restart.10k",
                                          .unit = "us/run",
                                          .value = racers[1].median_ns / 1e3,
                                          .baseline = racers[0].median_ns / 1e3,
                                          .ratio = racers[1].ratio});
}
