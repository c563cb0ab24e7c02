/*
 * test/bench: what it costs to export and to import a step of a run of 100,000, as text. Export is
 * raced against the scan of a replay, which reads fewer columns and writes nothing; import against
 * prepared inserts of the same rows in one commit. Each import goes into an empty log in memory.
 */
#include "fixture.h"
#include "rows.h"
#include "yardstick.h"

#include <stdlib.h>
#include <string.h>

#define STEPS 100000
#define LENGTH 16

typedef struct exported_log {
    fixture_log fixture;
    char *text; /* NULL: count only */
    size_t length, size;
} exported_log;

static int take_line(const char *line, size_t length, void *user)
{
    exported_log *self = user;

    if (self->text) {
        if (self->size - self->length < length)
            bench_die("the exported text is longer than %zu bytes", self->size);
        memcpy(self->text + self->length, line, length);
    }
    self->length += length;
    return 0;
}

static void export_library(void *context, int64_t count)
{
    exported_log *self = context;

    (void)count;
    self->length = 0;
    fixture_expect(&self->fixture, dur_export(self->fixture.log, NULL, NULL, take_line, self),
                   DUR_OK, "exporting");
}

/* ---- Imports ------------------------------------------------------------------------------- */

static void open_empty(fixture_log *fixture)
{
    if (sqlite3_open(":memory:", &fixture->db) != SQLITE_OK) bench_die("no memory for a database");
    if (dur_open(fixture->db, NULL, &fixture->log) != DUR_OK)
        bench_die("%s", dur_errmsg(fixture->log));
}

static void import_library(void *context, int64_t count)
{
    exported_log *self = context;
    fixture_log empty;

    (void)count;
    bench_pause();
    open_empty(&empty);
    bench_resume();
    fixture_expect(&empty, dur_import(empty.log, self->text, self->length), DUR_OK, "importing");
    bench_pause();
    fixture_close(&empty);
    bench_resume();
}

static void insert_rows(sqlite3 *db, int64_t count)
{
    static const char value[LENGTH] = "sixteen letters";
    sqlite3_stmt *insert =
        bench_prepare(db, "INSERT INTO durable_steps VALUES(?1, 1, ?2, NULL, ?3, ?4, 1, 1,"
                          " 1790000000000, 0, NULL, ?5)");

    bench_execute(db, "BEGIN");
    for (int64_t i = 1; i <= count; i++) {
        sqlite3_bind_int64(insert, 1, (INT64_C(1) << 27) + i);
        sqlite3_bind_text(insert, 2, YARD_NAME, -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 3, value, LENGTH - 1, SQLITE_STATIC);
        sqlite3_bind_int64(insert, 4, i);
        sqlite3_bind_text(insert, 5, YARD_SITE, -1, SQLITE_STATIC);
        bench_sqlite(db, sqlite3_step(insert), "inserting");
        sqlite3_reset(insert);
    }
    bench_execute(db, "COMMIT");
    sqlite3_finalize(insert);
}

static void import_raw(void *context, int64_t count)
{
    fixture_log empty;

    (void)context;
    bench_pause();
    open_empty(&empty);
    bench_resume();
    insert_rows(empty.db, count);
    bench_pause();
    fixture_close(&empty);
    bench_resume();
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static void print_race(const bench_options *options, const char *name, const bench_racer *racers)
{
    bench_print_row(options, &(bench_row){.name = name,
                                          .unit = "us/step",
                                          .value = racers[1].median_ns / 1e3,
                                          .baseline = racers[0].median_ns / 1e3,
                                          .ratio = racers[1].ratio});
}

void bench_history(const bench_options *options)
{
    int64_t steps = bench_scaled(options, STEPS, 1000), run = 1;
    const char *path = bench_path(options, "history");
    exported_log exported = {.text = NULL};
    yard_file file;
    bench_racer out[] = {{.work = yard_scan, .context = &file},
                         {.work = export_library, .context = &exported}};
    bench_racer in[] = {{.work = import_raw, .context = &exported},
                        {.work = import_library, .context = &exported}};

    if (!bench_wanted(options, "export.100k") && !bench_wanted(options, "import.100k")) return;
    fixture_long_run(path, steps, LENGTH);
    fixture_open(&exported.fixture, path, "NORMAL");
    yard_open(&file, path, "NORMAL", YARD_PACKED, &run, 1, options->seed);
    if (bench_wanted(options, "export.100k")) {
        bench_race(out, 2, steps, bench_rounds(options, 7));
        print_race(options, "export.100k", out);
    }
    export_library(&exported, steps);
    exported.size = exported.length;
    exported.text = bench_allocate(exported.size);
    export_library(&exported, steps);
    if (bench_wanted(options, "import.100k")) {
        bench_race(in, 2, steps, bench_rounds(options, 5));
        print_race(options, "import.100k", in);
    }
    free(exported.text);
    yard_close(&file);
    fixture_close(&exported.fixture);
    bench_remove_database(path);
}
