/* test/bench: databases with the library's own tables, filled as the library itself fills them. */
#include "fixture.h"

#include "yardstick.h"

#include <stdio.h>
#include <string.h>

/* How often a long replay gives back what it was handed out. */
#define RELEASE_EVERY 1024

static const dur_step_options site = {.size = sizeof(dur_step_options), .file = YARD_FILE,
                                      .line = YARD_LINE};

void fixture_expect(fixture_log *fixture, int code, int expected, const char *doing)
{
    if (code != expected)
        bench_die("%s: %s: %s", doing, dur_code_name(code), dur_errmsg(fixture->log));
}

void fixture_id(char *id, int64_t run)
{
    snprintf(id, FIXTURE_ID_SIZE, "order-%08lld", (long long)run);
}

void fixture_open(fixture_log *fixture, const char *path, const char *synchronous)
{
    fixture->db = bench_open(path, synchronous);
    fixture_expect(fixture, dur_open(fixture->db, NULL, &fixture->log), DUR_OK, "opening the log");
}

void fixture_close(fixture_log *fixture)
{
    dur_close(fixture->log);
    bench_close(fixture->db);
}

dur_run *fixture_begin(fixture_log *fixture, const char *id)
{
    dur_run *run = NULL;

    fixture_expect(fixture, dur_begin_run(fixture->log, FIXTURE_WORKFLOW, id, NULL, &run), DUR_OK,
                   "beginning a run");
    return run;
}

int64_t fixture_replay(fixture_log *fixture, dur_run *run, int64_t most)
{
    uint64_t mark = dur_mark(run);
    int64_t count = 0;
    int64_t sum = 0;
    dur_step *step = NULL;

    for (; count < most; count++) {
        dur_value value;
        int code = dur_begin_step(run, YARD_NAME, &site, &step);

        if (code == DUR_EXECUTE)
            bench_die("replaying: the run has %lld steps only", (long long)count);
        fixture_expect(fixture, code, DUR_REPLAYED, "replaying");
        value = dur_step_value(step);
        sum += ((const char *)value.as.bytes)[0];
        if (count % RELEASE_EVERY == RELEASE_EVERY - 1)
            dur_release(run, mark);
    }
    if (sum == 0 && most > 0)
        bench_die("replaying: no values came back");
    return count;
}

void fixture_record(fixture_log *fixture, dur_run *run, dur_value value)
{
    dur_step *step = NULL;
    int code = dur_begin_step(run, YARD_NAME, &site, &step);

    while (code == DUR_REPLAYED) { /* what was recorded by an earlier race */
        dur_release(run, 0);
        code = dur_begin_step(run, YARD_NAME, &site, &step);
    }
    fixture_expect(fixture, code, DUR_EXECUTE, "asking for a step");
    fixture_expect(fixture, dur_record_result(step, value), DUR_OK, "recording");
}

/* ---- Copies ---------------------------------------------------------------------------------- */

/* Columns and what a copied row gets there; the other columns are simply copied. */
typedef const char *const copied_values[][2];

static const copied_values every_copy = {
    {"run", "n.i"},
    {"id", "printf('order-%08d', n.i)"},
    {"uid", "lower(hex(randomblob(16)))"},
    {"step", "(n.i << 27) + n.p"},
    {"low", "n.p"},
    {NULL, NULL},
};

/* All are suspended, in one queue. Of three runs one belongs to a workflow that nobody registers,
 * and is due; one sleeps with the highest priority; and one just sleeps. */
static const copied_values sleepers = {
    {"status", "5"},
    {"claims", "0"},
    {"workflow", "iif(n.i % 3 = 1, printf('absent-%d', n.i % 2), t.workflow)"},
    {"priority", "iif(n.i % 3 = 2, 7, 0)"},
    {"due", "iif(n.i % 3 = 1, 1000, " FIXTURE_SLEEP " + n.i * 1000)"},
    {NULL, NULL},
};

static const char *value_of(const copied_values *values, const char *column)
{
    for (size_t i = 0; values && (*values)[i][0]; i++)
        if (strcmp((*values)[i][0], column) == 0)
            return (*values)[i][1];
    return NULL;
}

/* "INSERT INTO table SELECT ... FROM n, table AS t WHERE <the one row there is>", for whatever
 * columns the table has. */
static void append_copy(sqlite3_str *sql, sqlite3 *db, const char *table, const char *where,
                        const copied_values *values)
{
    sqlite3_stmt *columns = bench_prepare(db, "SELECT name FROM pragma_table_info(?1)");
    const char *separator = "";

    sqlite3_bind_text(columns, 1, table, -1, SQLITE_STATIC);
    sqlite3_str_appendf(sql, "INSERT INTO %s SELECT ", table);
    while (sqlite3_step(columns) == SQLITE_ROW) {
        const char *column = (const char *)sqlite3_column_text(columns, 0);
        const char *value = value_of(values, column);

        if (!value)
            value = value_of(&every_copy, column);
        if (value)
            sqlite3_str_appendf(sql, "%s%s", separator, value);
        else
            sqlite3_str_appendf(sql, "%st.\"%w\"", separator, column);
        separator = ", ";
    }
    sqlite3_finalize(columns);
    sqlite3_str_appendf(sql, " FROM n CROSS JOIN %s AS t WHERE %s", table, where);
}

/* One row for each i from `first` to `last` that is a multiple of `every`. `i` and `p` say which of
 * run and position that number is. */
static void copy_rows(sqlite3 *db, const char *table, const char *where,
                      const copied_values *values, int64_t first, int64_t last, int64_t every,
                      const char *i, const char *p)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    char *text = NULL;

    sqlite3_str_appendf(sql,
                        "WITH RECURSIVE c (x) AS (VALUES (%lld) UNION ALL SELECT x + 1 FROM c "
                        "WHERE x < %lld), n (i, p) AS (SELECT %s, %s FROM c WHERE x %% %lld = 0) ",
                        (long long)first, (long long)last, i, p, (long long)every);
    append_copy(sql, db, table, where, values);
    text = sqlite3_str_finish(sql);
    if (!text)
        bench_die("out of memory");
    if (first <= last)
        bench_execute(db, text);
    sqlite3_free(text);
}

#define FIRST_STEP "t.step = (1 << 27) + 1"

/* The first run with its first steps, recorded by the library. */
static sqlite3 *begin_file(const char *path, int64_t steps, size_t length)
{
    static char bytes[YARD_VALUE_MAX];
    fixture_log fixture;
    char id[FIXTURE_ID_SIZE];
    dur_run *run = NULL;

    memset(bytes, 'v', sizeof bytes);
    fixture_open(&fixture, path, "OFF");
    fixture_id(id, 1);
    run = fixture_begin(&fixture, id);
    for (int64_t i = 0; i < steps; i++)
        fixture_record(&fixture, run, dur_text_n(bytes, length));
    dur_close_run(run);
    dur_close(fixture.log);
    if (bench_query_integer(fixture.db, "SELECT min(step) FROM durable_steps") != (1 << 27) + 1)
        bench_die("the first run's first step has another key than 1 * 2^27 + 1");
    bench_execute(fixture.db, "PRAGMA cache_size = -262144; BEGIN");
    return fixture.db;
}

static void end_file(sqlite3 *db, const char *path)
{
    bench_execute(db, "COMMIT");
    bench_close(db);
    bench_settle_file(path);
}

void fixture_runs(const char *path, int64_t runs, int64_t every, int64_t steps, size_t length)
{
    sqlite3 *db = begin_file(path, steps, length);
    char position[32];

    copy_rows(db, "durable_runs", "t.run = 1", NULL, 2, runs, 1, "x", "1");
    /* A pass for each position, so that pages filled in order are split by what comes between. */
    for (int64_t p = 1; p <= steps; p++) {
        snprintf(position, sizeof position, "%lld", (long long)p);
        copy_rows(db, "durable_steps", FIRST_STEP, NULL, 2, runs, p == 1 ? 1 : every, "x",
                  position);
    }
    end_file(db, path);
}

void fixture_long_run(const char *path, int64_t steps, size_t length)
{
    sqlite3 *db = begin_file(path, 1, length);

    copy_rows(db, "durable_steps", FIRST_STEP, NULL, 2, steps, 1, "1", "x");
    end_file(db, path);
}

void fixture_sleepers(const char *path, int64_t runs)
{
    sqlite3 *db = begin_file(path, 1, 16);

    copy_rows(db, "durable_runs", "t.run = 1", &sleepers, 2, runs, 1, "x", "1");
    bench_execute(db, "UPDATE durable_runs SET status = 5, claims = 0, due = " FIXTURE_SLEEP
                      " WHERE run = 1");
    end_file(db, path);
}
