/*
 * test/bench: what a replay check costs: a run of a million steps against a scan that reads the
 * same columns of the same rows; and all open runs of a log with a hundred thousand short ones,
 * against a statement that lists them and a scan of each one's steps.
 */
#include "fixture.h"
#include "rows.h"
#include "yardstick.h"

#include <stdio.h>

#define CHECK_BAR 2.0
#define OPEN_RUNS 100000
#define OPEN_STEPS 3
#define LENGTH 16
#define RELEASE_EVERY 1000

static const int64_t first_run = 1;

/* As many steps as the run has recorded, and one more. */
static int replay_all(dur_run *run, void *user)
{
    uint64_t mark = dur_mark(run);
    dur_step *step = NULL;
    int64_t *sum = user;

    for (int64_t i = 1; dur_begin_step(run, YARD_NAME, NULL, &step) == DUR_REPLAYED; i++) {
        dur_value value = dur_step_value(step);

        *sum += ((const char *)value.as.bytes)[0];
        if (i % RELEASE_EVERY == 0) dur_release(run, mark);
    }
    return 0;
}

/* ---- One long run ---------------------------------------------------------------------------- */

static void check_long(void *context, int64_t count)
{
    fixture_log *fixture = context;
    dur_check_options options = DUR_CHECK_OPTIONS_INIT;
    char id[FIXTURE_ID_SIZE];
    dur_report *report = NULL;
    int64_t sum = 0;

    fixture_id(id, first_run);
    options.run_id = id;
    fixture_expect(fixture,
                   dur_replay_check(fixture->log, FIXTURE_WORKFLOW, &options, replay_all, &sum,
                                    &report),
                   DUR_OK, "checking a run");
    if (dur_report_position(report) != count + 1)
        bench_die("the check ended at position %lld", (long long)dur_report_position(report));
    dur_free_report(report);
}

/* ---- All open runs --------------------------------------------------------------------------- */

static void check_open(void *context, int64_t count)
{
    fixture_log *fixture = context;
    dur_report *report = NULL;
    int64_t sum = 0;

    fixture_expect(fixture, dur_register(fixture->log, FIXTURE_WORKFLOW, replay_all, &sum), DUR_OK,
                   "registering a workflow");
    fixture_expect(fixture, dur_replay_check_all(fixture->log, NULL, &report), DUR_OK,
                   "checking all runs");
    if (dur_report_count(report, DUR_FITS_SO_FAR) != count)
        bench_die("not all runs were checked: %s", dur_report_text(report));
    dur_free_report(report);
}

typedef struct raw_reader {
    sqlite3 *db;
    sqlite3_stmt *list, *scan;
} raw_reader;

static void read_raw(void *context, int64_t count)
{
    raw_reader *raw = context;
    int64_t rows = 0, runs = 0;

    while (sqlite3_step(raw->list) == SQLITE_ROW) {
        runs++;
        sqlite3_bind_int64(raw->scan, 1, sqlite3_column_int64(raw->list, 0));
        rows += yard_read_rows(raw->scan);
        sqlite3_reset(raw->scan);
    }
    sqlite3_reset(raw->list);
    if (runs != count || rows != count * OPEN_STEPS)
        bench_die("%lld runs and %lld rows were read", (long long)runs, (long long)rows);
}

static void open_raw(raw_reader *raw, const char *path)
{
    raw->db = bench_open(path, "NORMAL");
    raw->list = bench_prepare(raw->db, "SELECT run, id, workflow, status FROM durable_runs"
                                       " WHERE ended IS NULL");
    raw->scan = bench_prepare(raw->db, "SELECT step, " YARD_SCAN_COLUMNS
                                       "WHERE step BETWEEN ?1 << 27 AND (?1 << 27) + 134217727");
}

static void close_raw(raw_reader *raw)
{
    sqlite3_finalize(raw->list);
    sqlite3_finalize(raw->scan);
    bench_close(raw->db);
}

static void race_open(const bench_options *options)
{
    int64_t runs = bench_scaled(options, OPEN_RUNS, 100);
    char path[4096];
    fixture_log fixture;
    raw_reader raw;
    bench_racer racers[] = {{.work = read_raw, .context = &raw},
                            {.work = check_open, .context = &fixture}};

    if (!bench_wanted(options, "check.open_100k")) return;
    snprintf(path, sizeof path, "%s", bench_path(options, "check-open"));
    fixture_runs(path, runs, 1, OPEN_STEPS, LENGTH);
    fixture_open(&fixture, path, "NORMAL");
    open_raw(&raw, path);
    bench_race(racers, 2, runs, bench_rounds(options, 5));
    close_raw(&raw);
    fixture_close(&fixture);
    bench_remove_database(path);
    bench_print_row(options, &(bench_row){.name = "check.open_100k",
                                          .unit = "us/run",
                                          .value = racers[1].median_ns / 1e3,
                                          .baseline = racers[0].median_ns / 1e3,
                                          .ratio = racers[1].ratio});
}

void bench_check(const bench_options *options)
{
    bench_race_scan(options, "check.1m", LENGTH, check_long, CHECK_BAR);
    race_open(options);
}
