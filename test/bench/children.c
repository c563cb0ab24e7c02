/*
 * test/bench: what children cost their parent: time and memory.
 *
 * children.call: a child of one step that is called: put into the log, claimed and remembered by
 * its parent (1 commit), its step (1), its end (1), its parent's row (1). children.start: one that
 * is started for a worker (1), found and claimed (1), its step (1), its end, which is told to its
 * parent (1), and received by that (1). The yardstick writes the same rows in as many commits, and
 * knows which run is next. children.heap_bytes: what a parent holds when it has called so many
 * children, or has replayed them, whichever is more.
 */
#include "fixture.h"
#include "rows.h"
#include "yardstick.h"

#include <stdio.h>
#include <stdlib.h>

#define LENGTH 16
#define CHILDREN 1000 /* of each round */
#define FAMILY 10000  /* of the parent whose memory is measured */
#define CHILD "child"
#define PARENT "parent"

static const char value[] = "a result of 16 b";

/* ---- The library ----------------------------------------------------------------------------- */

typedef struct library_family {
    fixture_log fixture;
    dur_run *parent;
    dur_step **children;
    int64_t ended;
} library_family;

static int one_step(dur_run *run, void *user)
{
    library_family *self = user;
    dur_step_options options = {.size = sizeof options, .file = YARD_FILE, .line = YARD_LINE};
    dur_step *step = NULL;

    fixture_expect(&self->fixture, dur_begin_step(run, YARD_NAME, &options, &step), DUR_EXECUTE,
                   "asking for a step");
    fixture_expect(&self->fixture, dur_record_result(step, dur_text_n(value, LENGTH)), DUR_OK,
                   "recording");
    self->ended++;
    return 0;
}

static void call_one(library_family *self)
{
    fixture_expect(&self->fixture, dur_call(self->parent, CHILD, NULL, one_step, self, NULL),
                   DUR_OK, "calling");
}

static void call_children(void *context, int64_t count)
{
    library_family *self = context;

    for (int64_t i = 0; i < count; i++)
        call_one(self);
}

static void start_children(void *context, int64_t count)
{
    library_family *self = context;
    dur_child_options child = DUR_CHILD_OPTIONS_INIT;
    dur_work_options options = DUR_WORK_OPTIONS_INIT;
    int64_t before = self->ended;

    options.max_passes = count;
    for (int64_t i = 0; i < count; i++)
        fixture_expect(&self->fixture,
                       dur_start_child(self->parent, CHILD, FIXTURE_WORKFLOW, &child,
                                       &self->children[i]),
                       DUR_OK, "starting");
    fixture_expect(&self->fixture, dur_work(self->fixture.log, &options, NULL), DUR_OK, "working");
    if (self->ended - before != count)
        bench_die("working: not all of %lld children have ended", (long long)count);
    for (int64_t i = 0; i < count; i++)
        fixture_expect(&self->fixture, dur_await(self->children[i], NULL), DUR_OK, "awaiting");
}

static void open_library(library_family *self, const char *path, int64_t count)
{
    fixture_open(&self->fixture, path, "NORMAL");
    fixture_expect(&self->fixture,
                   dur_register(self->fixture.log, FIXTURE_WORKFLOW, one_step, self), DUR_OK,
                   "registering");
    self->parent = fixture_begin(&self->fixture, PARENT);
    self->children = bench_allocate((size_t)count * sizeof(dur_step *));
}

static void close_library(library_family *self)
{
    dur_close_run(self->parent);
    fixture_close(&self->fixture);
    free(self->children);
}

/* ---- Raw SQLite ------------------------------------------------------------------------------ */

enum {
    BEGIN,
    COMMIT,
    INSERT_PARENT,
    INSERT_CALLED,
    INSERT_STARTED,
    INSERT_CLAIM,
    TAKE_RUN,
    PUT_PENDING,
    INSERT_STEP,
    END_RUN,
    DROP_CLAIM,
    TELL,
    INSERT_ROW,
    DROP_PENDING,
    DROP_SIGNAL,
    COUNT
};

typedef struct raw_family {
    sqlite3 *db;
    int64_t last; /* the key of the youngest run; the parent's is 1 */
    sqlite3_stmt *statements[COUNT];
} raw_family;

#define OWNER "1:5f0c5bb1-9d4c-4a52-8a35-0f6d1a2b3c4d:4026531836:4711:123456 0123456789abcdef"
#define RUN_COLUMNS                                                                                \
    "INSERT INTO durable_runs(epoch, token, status, claims, request, id, uid, workflow, "          \
    "behaviour, queue, priority, due, created, parent, called_at, root, on_parent_end, depth) "    \
    "VALUES (0, 7712345678901234567, 1, 0, 0, "
#define UID "'0123456789abcdef0123456789abcdef'"
#define NOW "1790000000000"

/* ?1 is a run, ?2 the position of its parent. */
static const char *const texts[COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [INSERT_PARENT] = (RUN_COLUMNS "'" PARENT "', " UID ", '" FIXTURE_WORKFLOW "', 1, '"
                       FIXTURE_WORKFLOW "', 0, NULL, " NOW ", NULL, NULL, NULL, 0, 0)"),
    [INSERT_CALLED] = (RUN_COLUMNS "'" PARENT "/' || ?2, " UID ", '" CHILD "', 1, '', 0, NULL, " NOW
                       ", 1, ?2, 1, 0, 1)"),
    [INSERT_STARTED] = (RUN_COLUMNS "'" PARENT "/' || ?2, " UID ", '" FIXTURE_WORKFLOW "', 1, '"
                        FIXTURE_WORKFLOW "', 0, " NOW ", " NOW ", 1, ?2, NULL, 0, 1)"),
    [INSERT_CLAIM] = ("INSERT INTO durable_claims(run, epoch, token, owner, lease_end, claims, "
                      "queue, workflow) VALUES (?1, 1, 6677889900112233445, '" OWNER
                      "', 1790000600000, 1, '" FIXTURE_WORKFLOW "', '" FIXTURE_WORKFLOW "')"),
    [TAKE_RUN] = "UPDATE durable_runs SET due = NULL WHERE run = ?1",
    [PUT_PENDING] = ("INSERT OR REPLACE INTO durable_pending(step, kind, name, attempt, began, "
                     "due, deadline, interval, choice, format, value, failure, intent) VALUES "
                     "((1 << 27) + ?2, 6, '" CHILD "', 0, " NOW ", NULL, NULL, 0, 0, NULL, NULL, "
                     "NULL, 0)"),
    [INSERT_STEP] = ("INSERT INTO durable_steps(step, kind, name, value, low, epoch, attempt, "
                     "began, took, site) VALUES ((?1 << 27) + 1, 1, '" YARD_NAME "', '"
                     "a result of 16 b', 1, 1, 1, " NOW ", 0, '" YARD_SITE "')"),
    [END_RUN] = ("UPDATE durable_runs SET status = 2, epoch = 1, token = 6677889900112233445, "
                 "claims = 1, ended = " NOW ", due = NULL WHERE run = ?1"),
    [DROP_CLAIM] = "DELETE FROM durable_claims WHERE run = ?1",
    [TELL] = ("INSERT INTO durable_signals(run, name, value, sent) VALUES (1, char(9) || ?2, NULL, "
              NOW ")"),
    [INSERT_ROW] = ("INSERT INTO durable_steps(step, kind, name, value, low, epoch, attempt, "
                    "began, took, site) VALUES ((1 << 27) + ?2, 6, '" CHILD "', NULL, ?2, 1, 1, "
                    NOW ", 0, 'children.c:42')"),
    [DROP_PENDING] = "DELETE FROM durable_pending WHERE step = (1 << 27) + ?2",
    [DROP_SIGNAL] = ("DELETE FROM durable_signals WHERE run = 1 AND name = char(9) || ?2"
                     " AND received IS NULL"),
};

/* The child with this key is called at the position before it. */
static void step(raw_family *self, int which, int64_t run)
{
    sqlite3_stmt *statement = self->statements[which];

    sqlite3_bind_int64(statement, 1, run); /* those without parameters refuse, which is no harm */
    sqlite3_bind_int64(statement, 2, run - 1);
    if (sqlite3_step(statement) != SQLITE_DONE || sqlite3_reset(statement) != SQLITE_OK)
        bench_die("%s: %s", texts[which], sqlite3_errmsg(self->db));
}

/* These in one commit; -1 at their end. */
static void commit(raw_family *self, int64_t run, const int *which)
{
    step(self, BEGIN, run);
    for (; *which >= 0; which++)
        step(self, *which, run);
    step(self, COMMIT, run);
}

static void call_children_raw(void *context, int64_t count)
{
    raw_family *self = context;

    for (int64_t i = 0; i < count; i++) {
        int64_t run = ++self->last;

        commit(self, run, (const int[]){INSERT_CALLED, PUT_PENDING, INSERT_CLAIM, -1});
        step(self, INSERT_STEP, run);
        commit(self, run, (const int[]){END_RUN, DROP_CLAIM, -1});
        commit(self, run, (const int[]){INSERT_ROW, DROP_PENDING, -1});
    }
}

static void start_children_raw(void *context, int64_t count)
{
    raw_family *self = context;
    int64_t before = self->last;

    for (int64_t i = 0; i < count; i++)
        commit(self, ++self->last, (const int[]){INSERT_STARTED, PUT_PENDING, -1});
    for (int64_t run = before + 1; run <= self->last; run++) {
        commit(self, run, (const int[]){INSERT_CLAIM, TAKE_RUN, -1});
        step(self, INSERT_STEP, run);
        commit(self, run, (const int[]){END_RUN, DROP_CLAIM, TELL, -1});
    }
    for (int64_t run = before + 1; run <= self->last; run++)
        commit(self, run, (const int[]){INSERT_ROW, DROP_PENDING, DROP_SIGNAL, -1});
}

static void open_raw(raw_family *self, const char *path)
{
    fixture_log fixture;

    fixture_open(&fixture, path, "NORMAL"); /* makes the tables */
    fixture_close(&fixture);
    self->db = bench_open(path, "NORMAL");
    for (int i = 0; i < COUNT; i++)
        self->statements[i] = bench_prepare(self->db, texts[i]);
    step(self, INSERT_PARENT, 1);
    step(self, INSERT_CLAIM, 1);
    self->last = 1;
}

static void close_raw(raw_family *self)
{
    for (int i = 0; i < COUNT; i++)
        sqlite3_finalize(self->statements[i]);
    bench_close(self->db);
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* What both did is the same: children that have ended, each a row of its parent, and nothing that
 * is pending. */
static void check_ended(const char *path, int64_t children)
{
    sqlite3 *db = bench_open(path, "NORMAL");

    if (bench_query_integer(db, "SELECT count(*) FROM durable_runs WHERE status = 2"
                                " AND parent = 1") != children ||
        bench_query_integer(db, "SELECT count(*) FROM durable_steps") != 2 * children ||
        bench_query_integer(db, "SELECT count(*) FROM durable_pending") != 0 ||
        bench_query_integer(db, "SELECT count(*) FROM durable_signals") != 0)
        bench_die("%s: not all of %lld children have ended", path, (long long)children);
    bench_close(db);
}

static void race(const bench_options *options, const char *name, bench_work *work,
                 bench_work *raw_work)
{
    int64_t count = bench_scaled(options, CHILDREN, 10);
    library_family library = {.parent = NULL};
    raw_family raw = {.last = 0};
    bench_racer racers[] = {{.work = raw_work, .context = &raw},
                            {.work = work, .context = &library}};
    char path[4096];
    char raw_path[4096];

    if (!bench_wanted(options, name))
        return;
    snprintf(path, sizeof path, "%s", bench_path(options, "children-library"));
    snprintf(raw_path, sizeof raw_path, "%s", bench_path(options, "children-raw"));
    open_library(&library, path, count);
    open_raw(&raw, raw_path);
    bench_race(racers, 2, count, bench_rounds(options, 15));
    close_library(&library);
    close_raw(&raw);
    check_ended(path, library.ended);
    check_ended(raw_path, raw.last - 1);
    bench_remove_database(path);
    bench_remove_database(raw_path);
    bench_print_row(options, &(bench_row){.name = name,
                                          .unit = "us/child",
                                          .value = racers[1].median_ns / 1e3,
                                          .baseline = racers[0].median_ns / 1e3,
                                          .ratio = racers[1].ratio});
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static int64_t connection_memory(sqlite3 *db)
{
    static const int kinds[] = {SQLITE_DBSTATUS_CACHE_USED, SQLITE_DBSTATUS_SCHEMA_USED,
                                SQLITE_DBSTATUS_STMT_USED};
    int64_t sum = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int current = 0;
        int highest = 0;

        bench_sqlite(db, sqlite3_db_status(db, kinds[i], &current, &highest, 0), "measuring");
        sum += current;
    }
    return sum;
}

/* The library's heap with the parent open behind so many children, without the connection's. */
static int64_t heap_behind(library_family *family, int64_t count)
{
    int64_t bytes = 0;

    family->parent = fixture_begin(&family->fixture, PARENT);
    for (int64_t i = 0; i < count; i++)
        call_one(family);
    bytes = sqlite3_memory_used() - connection_memory(family->fixture.db);
    dur_close_run(family->parent);
    return bytes;
}

static void measure_heap(const bench_options *options)
{
    int64_t count = bench_scaled(options, FAMILY, 100);
    library_family family = {.parent = NULL};
    bench_row row = {.name = "children.heap_bytes", .unit = "bytes"};
    int64_t live = 0;
    int64_t replayed = 0;
    int64_t without = 0;

    if (!bench_wanted(options, row.name))
        return;
    fixture_open(&family.fixture, bench_path(options, "children-heap"), "OFF");
    heap_behind(&family, 1); /* fills the connection's cache */
    live = heap_behind(&family, count);
    replayed = heap_behind(&family, count);
    without = sqlite3_memory_used() - connection_memory(family.fixture.db);
    if (family.ended != count)
        bench_die("%lld children of %lld were called", (long long)family.ended, (long long)count);
    fixture_close(&family.fixture);
    bench_remove_database(bench_path(options, "children-heap"));
    row.value = (double)((live > replayed ? live : replayed) - without);
    if (row.value <= 0)
        row.skipped = "this SQLite does not count its memory";
    bench_print_row(options, &row);
}

void bench_children(const bench_options *options)
{
    race(options, "children.call", call_children, call_children_raw);
    race(options, "children.start", start_children, start_children_raw);
    measure_heap(options);
}
