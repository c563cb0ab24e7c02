/*
 * test/bench: what it costs to record that an attempt has failed and the step is to be tried again:
 * the library, which sleeps the pause through, against a prepared upsert into the same table.
 */
#include "fixture.h"
#include "rows.h"
#include "yardstick.h"

#include <stdio.h>
#include <string.h>

#define ATTEMPT_FAILURE "the model did not answer"
#define PAUSE_MS 1

/* ---- The library ----------------------------------------------------------------------------- */

typedef struct attempts {
    fixture_log fixture;
    dur_run *run;
    dur_step *step;
    dur_retry retry;
    int64_t now_ms; /* the pauses pass on this clock only */
} attempts;

static int64_t tell_time(void *user)
{
    attempts *self = user;

    return self->now_ms;
}

static void let_time_pass(int64_t duration_ms, void *user)
{
    attempts *self = user;

    self->now_ms += duration_ms;
}

static void fail_attempts(void *context, int64_t count)
{
    attempts *self = context;

    for (int64_t i = 0; i < count; i++)
        fixture_expect(&self->fixture, dur_record_failure(self->step, ATTEMPT_FAILURE),
                       DUR_EXECUTE, "failing");
}

/* A policy that goes on for ever, at the same pace. The lease is never near its end. */
static void open_library(attempts *self, const char *path)
{
    dur_options options = DUR_OPTIONS_INIT;
    dur_step_options step = {.size = sizeof step,
                             .file = YARD_FILE,
                             .line = YARD_LINE,
                             .retry = &self->retry};

    self->retry = (dur_retry){.size = sizeof self->retry,
                              .initial_ms = PAUSE_MS,
                              .coefficient = 1,
                              .jitter = DUR_JITTER_NONE};
    self->now_ms = INT64_C(1790000000000);
    options.now_ms = tell_time;
    options.sleep = let_time_pass;
    options.user = self;
    options.sleep_max_ms = 2 * PAUSE_MS;
    self->fixture.db = bench_open(path, "NORMAL");
    fixture_expect(&self->fixture, dur_open(self->fixture.db, &options, &self->fixture.log), DUR_OK,
                   "opening the log");
    self->run = fixture_begin(&self->fixture, "retried");
    fixture_expect(&self->fixture, dur_begin_step(self->run, YARD_NAME, &step, &self->step),
                   DUR_EXECUTE, "asking for a step");
    fail_attempts(self, 1);
}

static void close_library(attempts *self)
{
    dur_close_run(self->run);
    fixture_close(&self->fixture);
}

/* ---- Raw SQLite ------------------------------------------------------------------------------ */

typedef struct raw_attempts {
    sqlite3 *db;
    sqlite3_stmt *upsert;
    int64_t attempt;
} raw_attempts;

static const char upsert[] =
    "INSERT OR REPLACE INTO durable_pending(step, kind, name, attempt, began, due, deadline, "
    "interval, choice, format, value, failure) "
    "VALUES (?1, 1, ?2, ?3, ?4, ?5, NULL, 0, 0, NULL, NULL, ?6)";

static void fail_raw(void *context, int64_t count)
{
    const int64_t began = INT64_C(1790000000000);
    raw_attempts *self = context;
    sqlite3_stmt *statement = self->upsert;

    for (int64_t i = 0; i < count; i++) {
        int64_t attempt = ++self->attempt;

        sqlite3_bind_int64(statement, 1, (INT64_C(1) << 27) + 1);
        sqlite3_bind_text(statement, 2, YARD_NAME, sizeof YARD_NAME - 1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 3, attempt);
        sqlite3_bind_int64(statement, 4, began);
        sqlite3_bind_int64(statement, 5, began + attempt);
        sqlite3_bind_text(statement, 6, ATTEMPT_FAILURE, sizeof ATTEMPT_FAILURE - 1, SQLITE_STATIC);
        if (sqlite3_step(statement) != SQLITE_DONE || sqlite3_reset(statement) != SQLITE_OK)
            bench_die("failing: %s", sqlite3_errmsg(self->db));
    }
}

/* ---- The race -------------------------------------------------------------------------------- */

void bench_attempt(const bench_options *options)
{
    char path[4096];
    char raw_path[4096];
    attempts library = {.run = NULL};
    raw_attempts raw = {.attempt = 0};
    bench_racer racers[] = {{.work = fail_raw, .context = &raw},
                            {.work = fail_attempts, .context = &library}};

    if (!bench_wanted(options, "attempt.normal"))
        return;
    snprintf(path, sizeof path, "%s", bench_path(options, "attempt-library"));
    snprintf(raw_path, sizeof raw_path, "%s", bench_path(options, "attempt-raw"));
    open_library(&library, path);
    bench_execute(library.fixture.db, "PRAGMA wal_checkpoint(TRUNCATE)");
    bench_copy_file(path, raw_path);
    raw.db = bench_open(raw_path, "NORMAL");
    raw.upsert = bench_prepare(raw.db, upsert);
    bench_race(racers, 2, bench_scaled(options, 5000, 10), bench_rounds(options, 15));
    close_library(&library);
    sqlite3_finalize(raw.upsert);
    bench_close(raw.db);
    bench_remove_database(path);
    bench_remove_database(raw_path);
    bench_print_row(options, &(bench_row){.name = "attempt.normal",
                                          .unit = "us/attempt",
                                          .value = racers[1].median_ns / 1e3,
                                          .baseline = racers[0].median_ns / 1e3,
                                          .ratio = racers[1].ratio});
}
