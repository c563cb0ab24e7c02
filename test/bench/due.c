/*
 * test/bench: what it costs a worker to find work among runs that sleep, 1,000 or 1,000,000 of
 * them: due.1k is a dur_work() that finds the one run that is due, claims it, calls its function,
 * and gives it back; wake.1k is one that finds nothing and tells when to call again. Both with
 * sleepers of a higher priority and with due runs of workflows that are not registered in front.
 * The baselines of due.1m and wake.1m are these.
 *
 * Checkpoints are not part of the time, as in resume.c.
 */
#include "fixture.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>

#define FEW_RUNS 1000
#define EVERY 3 /* of the runs, so many are the registered workflow's */
#define FLAT_BAR 1.5
#define CHECKPOINT_EVERY 200 /* passes */

typedef struct sleepers {
    char path[4096];
    int64_t *keys; /* runs that may be made due */
    int64_t key_count;
    bench_random random;
    fixture_log fixture;
    sqlite3_stmt *make_due;
    sqlite3_stmt *put_to_sleep;
    int64_t key;    /* the run that is due */
    int64_t passes; /* of it and those before */
} sleepers;

static const char make_due[] = "UPDATE durable_runs SET due = 2000 WHERE run = ?1";
static const char put_to_sleep[] =
    "UPDATE durable_runs SET status = 5, claims = 0, failure = NULL, due = " FIXTURE_SLEEP
    " + run * 1000 WHERE run = ?1";

static void change(sleepers *self, sqlite3_stmt *statement)
{
    sqlite3_bind_int64(statement, 1, self->key);
    if (sqlite3_step(statement) != SQLITE_DONE)
        bench_die("changing a run: %s", sqlite3_errmsg(self->fixture.db));
    sqlite3_reset(statement);
}

/* The workflow has no time to lose: it has been claimed. */
static int leave_at_once(dur_run *run, void *user)
{
    sleepers *self = user;

    self->passes++;
    dur_stop(run, "measured");
    return 0;
}

static void work_once(sleepers *self, int64_t *wake_ms)
{
    dur_work_options options = DUR_WORK_OPTIONS_INIT;

    options.max_passes = 1;
    fixture_expect(&self->fixture, dur_work(self->fixture.log, &options, wake_ms), DUR_OK,
                   "working");
}

/* Work on sleepers: one of them, chosen at random, becomes due. */
static void claim_due(void *context, int64_t count)
{
    sleepers *self = context;

    for (int64_t i = 0; i < count; i++) {
        int64_t passes = self->passes;

        bench_pause();
        self->key = self->keys[bench_random_below(&self->random, self->key_count)];
        change(self, self->make_due);
        bench_resume();
        work_once(self, NULL);
        bench_pause();
        if (self->passes != passes + 1)
            bench_die("working: the due run was not found");
        change(self, self->put_to_sleep);
        if (self->passes % CHECKPOINT_EVERY == 0)
            bench_execute(self->fixture.db, "PRAGMA wal_checkpoint");
        bench_resume();
    }
}

/* Work on sleepers: none of them is due. */
static void find_wake(void *context, int64_t count)
{
    sleepers *self = context;
    int64_t passes = self->passes;

    for (int64_t i = 0; i < count; i++) {
        int64_t wake_ms = -1;

        work_once(self, &wake_ms);
        if (wake_ms <= 0)
            bench_die("working: no wake time was found");
    }
    if (self->passes != passes)
        bench_die("working: a run was found due that is not");
}

/* ---- Races ----------------------------------------------------------------------------------- */

static void open_sleepers(const bench_options *options, sleepers *self, const char *name,
                          int64_t runs)
{
    self->key_count = runs / EVERY / 2;
    self->keys = bench_choose_runs(options, runs, self->key_count, EVERY);
    self->random = bench_random_seeded(options->seed);
    snprintf(self->path, sizeof self->path, "%s", bench_path(options, name));
    fixture_sleepers(self->path, runs);
    fixture_open(&self->fixture, self->path, "NORMAL");
    fixture_expect(&self->fixture,
                   dur_register(self->fixture.log, FIXTURE_WORKFLOW, leave_at_once, self), DUR_OK,
                   "registering");
    bench_execute(self->fixture.db, "PRAGMA wal_autocheckpoint = 0");
    self->make_due = bench_prepare(self->fixture.db, make_due);
    self->put_to_sleep = bench_prepare(self->fixture.db, put_to_sleep);
}

static void close_sleepers(sleepers *self)
{
    sqlite3_finalize(self->make_due);
    sqlite3_finalize(self->put_to_sleep);
    fixture_close(&self->fixture);
    bench_remove_database(self->path);
    free(self->keys);
}

/* The few are the yardstick of the many. */
static void race(const bench_options *options, sleepers *both, bench_work *work, const char *few,
                 const char *many)
{
    bench_racer racers[] = {{.work = work, .context = &both[0]},
                            {.work = work, .context = &both[1]}};

    if (!bench_wanted(options, few) && !bench_wanted(options, many))
        return;
    bench_race(racers, 2, bench_scaled(options, 2000, 20), bench_rounds(options, 21));
    bench_print_row(options, &(bench_row){.name = few,
                                          .unit = "us/call",
                                          .value = racers[0].median_ns / 1e3});
    bench_print_row(options, &(bench_row){.name = many,
                                          .unit = "us/call",
                                          .value = racers[1].median_ns / 1e3,
                                          .baseline = racers[0].median_ns / 1e3,
                                          .ratio = racers[1].ratio,
                                          .bar_of = BENCH_BAR_OF_RATIO,
                                          .bar = FLAT_BAR});
}

void bench_due(const bench_options *options)
{
    sleepers *both = NULL;

    if (!bench_wanted(options, "due.1") && !bench_wanted(options, "wake.1"))
        return;
    both = bench_allocate(2 * sizeof *both);
    open_sleepers(options, &both[0], "sleepers-few", FEW_RUNS);
    open_sleepers(options, &both[1], "sleepers-many", bench_scaled(options, BENCH_MANY, FEW_RUNS));
    race(options, both, claim_due, "due.1k", "due.1m");
    race(options, both, find_wake, "wake.1k", "wake.1m");
    close_sleepers(&both[0]);
    close_sleepers(&both[1]);
    free(both);
}
