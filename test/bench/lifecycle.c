/*
 * test/bench: what a short run costs from its start to its end: one step, and the commits around
 * it.
 *
 * lifecycle.start: put into the log (1 commit), found and claimed by a worker (1), its step (1),
 * its end (1). lifecycle.execute: the same by dur_execute(), where starting and claiming are one
 * commit. The yardstick does the same to the same tables in as many commits, and knows which run is
 * next.
 */
#include "fixture.h"
#include "rows.h"
#include "yardstick.h"

#include <stdio.h>
#include <string.h>

#define LENGTH 16
#define RUNS 200 /* that are started before the first of them is worked on */
#define COUNTED_RUNS 1000 /* under callgrind */

static const char value[] = "a result of 16 b";

/* ---- The library ----------------------------------------------------------------------------- */

typedef struct library_runs {
    fixture_log fixture;
    int64_t started;
    int64_t ended;
} library_runs;

static int one_step(dur_run *run, void *user)
{
    library_runs *self = user;
    dur_step_options options = {.size = sizeof options, .file = YARD_FILE, .line = YARD_LINE};
    dur_step *step = NULL;

    fixture_expect(&self->fixture, dur_begin_step(run, YARD_NAME, &options, &step), DUR_EXECUTE,
                   "asking for a step");
    fixture_expect(&self->fixture, dur_record_result(step, dur_text_n(value, LENGTH)), DUR_OK,
                   "recording");
    self->ended++;
    return 0;
}

static void start_and_work(void *context, int64_t count)
{
    library_runs *self = context;
    dur_work_options options = DUR_WORK_OPTIONS_INIT;
    char id[FIXTURE_ID_SIZE];

    options.max_passes = count;
    for (int64_t i = 0; i < count; i++) {
        fixture_id(id, ++self->started);
        fixture_expect(&self->fixture, dur_start(self->fixture.log, FIXTURE_WORKFLOW, id, NULL),
                       DUR_OK, "starting");
    }
    fixture_expect(&self->fixture, dur_work(self->fixture.log, &options, NULL), DUR_OK, "working");
    if (self->ended != self->started)
        bench_die("working: %lld runs of %lld have ended", (long long)self->ended,
                  (long long)self->started);
}

static void execute(void *context, int64_t count)
{
    library_runs *self = context;
    char id[FIXTURE_ID_SIZE];

    for (int64_t i = 0; i < count; i++) {
        fixture_id(id, ++self->started);
        fixture_expect(
            &self->fixture,
            dur_execute(self->fixture.log, FIXTURE_WORKFLOW, id, NULL, one_step, self), DUR_OK,
            "executing");
    }
}

static void open_library(library_runs *self, const char *path)
{
    fixture_open(&self->fixture, path, "NORMAL");
    fixture_expect(&self->fixture,
                   dur_register(self->fixture.log, FIXTURE_WORKFLOW, one_step, self), DUR_OK,
                   "registering");
}

/* ---- Raw SQLite ------------------------------------------------------------------------------ */

enum { BEGIN, COMMIT, INSERT_RUN, INSERT_CLAIM, TAKE_RUN, INSERT_STEP, END_RUN, DROP_CLAIM, COUNT };

typedef struct raw_runs {
    sqlite3 *db;
    int64_t started;
    sqlite3_stmt *statements[COUNT];
} raw_runs;

#define OWNER "1:5f0c5bb1-9d4c-4a52-8a35-0f6d1a2b3c4d:4026531836:4711:123456 0123456789abcdef"

static const char *const texts[COUNT] = {
    "BEGIN IMMEDIATE",
    "COMMIT",
    ("INSERT INTO durable_runs(epoch, token, status, claims, request, id, uid, workflow, "
     "behaviour, queue, priority, due, created) VALUES (0, 7712345678901234567, 1, 0, 0, ?2, "
     "'0123456789abcdef0123456789abcdef', '" FIXTURE_WORKFLOW "', 1, '" FIXTURE_WORKFLOW
     "', 0, 1790000000000, 1790000000000)"),
    ("INSERT INTO durable_claims(run, epoch, token, owner, lease_end, claims, queue, workflow) "
     "VALUES (?1, 1, 6677889900112233445, '" OWNER "', 1790000600000, 1, '" FIXTURE_WORKFLOW
     "', '" FIXTURE_WORKFLOW "')"),
    "UPDATE durable_runs SET due = NULL WHERE run = ?1",
    ("INSERT INTO durable_steps(step, kind, name, value, low, epoch, attempt, began, took, site) "
     "VALUES ((?1 << 27) + 1, 1, '" YARD_NAME "', ?2, 1, 1, 1, 1790000000000, 0, '" YARD_SITE
     "')"),
    ("UPDATE durable_runs SET status = 2, epoch = 1, token = 6677889900112233445, claims = 1, "
     "ended = 1790000000000, due = NULL WHERE run = ?1"),
    "DELETE FROM durable_claims WHERE run = ?1",
};

static void step(raw_runs *self, int which, int64_t run, const char *text)
{
    sqlite3_stmt *statement = self->statements[which];

    if (run)
        sqlite3_bind_int64(statement, 1, run);
    if (text)
        sqlite3_bind_text(statement, 2, text, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE || sqlite3_reset(statement) != SQLITE_OK)
        bench_die("%s: %s", texts[which], sqlite3_errmsg(self->db));
}

static void insert_run(raw_runs *self)
{
    char id[FIXTURE_ID_SIZE];

    fixture_id(id, ++self->started);
    step(self, INSERT_RUN, 0, id);
}

static void claim_run(raw_runs *self, int64_t run)
{
    step(self, BEGIN, 0, NULL);
    step(self, INSERT_CLAIM, run, NULL);
    step(self, TAKE_RUN, run, NULL);
    step(self, COMMIT, 0, NULL);
}

static void step_and_end(raw_runs *self, int64_t run)
{
    step(self, INSERT_STEP, run, value);
    step(self, BEGIN, 0, NULL);
    step(self, END_RUN, run, NULL);
    step(self, DROP_CLAIM, run, NULL);
    step(self, COMMIT, 0, NULL);
}

static void start_and_work_raw(void *context, int64_t count)
{
    raw_runs *self = context;
    int64_t before = self->started;

    for (int64_t i = 0; i < count; i++)
        insert_run(self);
    for (int64_t run = before + 1; run <= self->started; run++) {
        claim_run(self, run);
        step_and_end(self, run);
    }
}

/* A run that is claimed as it is made is never due. */
static void execute_raw(void *context, int64_t count)
{
    raw_runs *self = context;

    for (int64_t i = 0; i < count; i++) {
        step(self, BEGIN, 0, NULL);
        insert_run(self);
        step(self, INSERT_CLAIM, self->started, NULL);
        step(self, COMMIT, 0, NULL);
        step_and_end(self, self->started);
    }
}

static void open_raw(raw_runs *self, const char *path)
{
    fixture_log fixture;

    fixture_open(&fixture, path, "NORMAL"); /* makes the tables */
    fixture_close(&fixture);
    self->db = bench_open(path, "NORMAL");
    for (int i = 0; i < COUNT; i++)
        self->statements[i] = bench_prepare(self->db, texts[i]);
}

static void close_raw(raw_runs *self)
{
    for (int i = 0; i < COUNT; i++)
        sqlite3_finalize(self->statements[i]);
    bench_close(self->db);
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* What both did is the same: runs that have ended, each with its step, and no claim. */
static void check_ended(const char *path, int64_t runs)
{
    sqlite3 *db = bench_open(path, "NORMAL");

    if (bench_query_integer(db, "SELECT count(*) FROM durable_runs WHERE status = 2") != runs ||
        bench_query_integer(db, "SELECT count(*) FROM durable_steps") != runs ||
        bench_query_integer(db, "SELECT count(*) FROM durable_claims") != 0)
        bench_die("%s: not all of %lld runs have ended", path, (long long)runs);
    bench_close(db);
}

static void race(const bench_options *options, const char *name, bench_work *work,
                 bench_work *raw_work)
{
    library_runs library = {.started = 0};
    raw_runs raw = {.started = 0};
    bench_racer racers[] = {{.work = raw_work, .context = &raw},
                            {.work = work, .context = &library}};
    char path[4096];
    char raw_path[4096];

    if (!bench_wanted(options, name))
        return;
    snprintf(path, sizeof path, "%s", bench_path(options, "lifecycle-library"));
    snprintf(raw_path, sizeof raw_path, "%s", bench_path(options, "lifecycle-raw"));
    open_library(&library, path);
    open_raw(&raw, raw_path);
    bench_race(racers, 2, bench_scaled(options, RUNS, 10), bench_rounds(options, 31));
    fixture_close(&library.fixture);
    close_raw(&raw);
    check_ended(path, library.started);
    check_ended(raw_path, raw.started);
    bench_remove_database(path);
    bench_remove_database(raw_path);
    bench_print_row(options, &(bench_row){.name = name,
                                          .unit = "us/run",
                                          .value = racers[1].median_ns / 1e3,
                                          .baseline = racers[0].median_ns / 1e3,
                                          .ratio = racers[1].ratio});
}

/* ---- Instructions ---------------------------------------------------------------------------- */

static int64_t counted_runs(const bench_options *options)
{
    return bench_scaled(options, COUNTED_RUNS, 20);
}

/* In portions as long as those of the race, each behind another. */
static void count_portions(bench_work *work, void *context, int64_t count)
{
    int64_t portion = count < RUNS ? count : RUNS;

    work(context, portion);
    for (int64_t done = 0; done < count; done += portion)
        bench_counted(work, context, portion);
}

void bench_lifecycle_counted(const bench_options *options, const char *who)
{
    const char *path = bench_path(options, "lifecycle-counted");
    bool executes = strstr(who, "-execute") != NULL;
    library_runs library = {.started = 0};
    raw_runs raw = {.started = 0};

    if (strncmp(who, "library", 7) == 0) {
        open_library(&library, path);
        count_portions(executes ? execute : start_and_work, &library, counted_runs(options));
        fixture_close(&library.fixture);
    } else {
        open_raw(&raw, path);
        count_portions(executes ? execute_raw : start_and_work_raw, &raw, counted_runs(options));
        close_raw(&raw);
    }
}

static double count_one(const bench_options *options, const char *who, const char **reason)
{
    char path[4096];
    double total = 0;

    snprintf(path, sizeof path, "%s", bench_path(options, "lifecycle-counted"));
    total = bench_count_instructions(options, (const char *[]){"lifecycle", who, NULL}, reason);
    bench_remove_database(path);
    return total / (double)counted_runs(options);
}

static void count_instructions(const bench_options *options, const char *name,
                               const char *const who[2])
{
    bench_row row = {.name = name, .unit = "instructions"};

    if (!bench_wanted(options, row.name))
        return;
    row.value = count_one(options, who[0], &row.skipped);
    if (row.value > 0)
        row.baseline = count_one(options, who[1], &row.skipped);
    if (row.baseline > 0) {
        row.skipped = NULL;
        row.ratio = row.value / row.baseline;
    }
    bench_print_row(options, &row);
}

void bench_lifecycle(const bench_options *options)
{
    race(options, "lifecycle.start", start_and_work, start_and_work_raw);
    race(options, "lifecycle.execute", execute, execute_raw);
    count_instructions(options, "lifecycle.start.instructions",
                       (const char *const[]){"library", "raw"});
    count_instructions(options, "lifecycle.execute.instructions",
                       (const char *const[]){"library-execute", "raw-execute"});
}
