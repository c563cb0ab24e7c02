/*
 * test/bench: what it costs to record a step: one row, one commit.
 *
 * Three racers, each with a connection and a file of its own: the library on its log; a prepared
 * INSERT into a copy of the same file, which is the baseline; and the same INSERT into the cheapest
 * table there is, so that a slow table of ours could not hide behind a slow baseline.
 */
#include "fixture.h"
#include "rows.h"
#include "yardstick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEW_RUNS 10
#define COUNTED_STEPS 2000 /* under callgrind: two checkpoints of the default size */
#define RECORD_BAR_NORMAL 1.15
#define RECORD_BAR_FULL 1.05
#define RECORD_BAR_INSTRUCTIONS 1.25
#define BARRED_LENGTH 16

/* ---- The library as a racer ------------------------------------------------------------------ */

typedef struct library_writer {
    fixture_log fixture;
    dur_run **runs;
    int64_t run_count;
    bench_random random;
    dur_value value;
    char bytes[YARD_VALUE_MAX];
} library_writer;

static void library_record(void *context, int64_t count)
{
    library_writer *writer = context;

    for (int64_t i = 0; i < count; i++)
        fixture_record(&writer->fixture,
                       writer->runs[bench_random_below(&writer->random, writer->run_count)],
                       writer->value);
}

/* Each run is replayed to its end and gets a step; the raw writers add theirs in prepare_raw(). */
static void open_library(library_writer *writer, const char *path, const char *synchronous,
                         const int64_t *open, int64_t open_count, size_t length, uint64_t seed)
{
    char id[FIXTURE_ID_SIZE];

    memset(writer->bytes, 'v', sizeof writer->bytes);
    writer->value = dur_text_n(writer->bytes, length);
    writer->random = bench_random_seeded(seed);
    writer->run_count = open_count;
    writer->runs = bench_allocate((size_t)open_count * sizeof *writer->runs);
    fixture_open(&writer->fixture, path, "OFF");
    for (int64_t i = 0; i < open_count; i++) {
        fixture_id(id, open[i]);
        writer->runs[i] = fixture_begin(&writer->fixture, id);
        fixture_record(&writer->fixture, writer->runs[i], writer->value);
    }
    bench_set_synchronous(writer->fixture.db, synchronous);
}

static void close_library(library_writer *writer)
{
    bench_set_synchronous(writer->fixture.db, "OFF");
    for (int64_t i = 0; i < writer->run_count; i++)
        dur_close_run(writer->runs[i]);
    fixture_close(&writer->fixture);
    free(writer->runs);
}

/* ---- Raw SQLite as a racer ------------------------------------------------------------------- */

typedef struct raw_writer {
    yard_file file;
    yard_writer writer;
} raw_writer;

static void open_raw(raw_writer *raw, const char *path, const char *synchronous,
                     const int64_t *open, int64_t open_count, size_t length, uint64_t seed)
{
    yard_open(&raw->file, path, "OFF", YARD_PACKED, open, open_count, seed);
    yard_prepare(&raw->writer, &raw->file, YARD_UNFENCED, length);
    for (int64_t i = 0; i < open_count; i++)
        yard_record_at(&raw->writer, i);
    bench_set_synchronous(raw->file.db, synchronous);
}

static void close_raw(raw_writer *raw)
{
    yard_finish(&raw->writer);
    yard_close(&raw->file);
}

/* ---- Files ----------------------------------------------------------------------------------- */

typedef struct record_files {
    char library[4096];
    char raw[4096];
    char cheapest[4096];
} record_files;

static void fill_files(const bench_options *options, record_files *files, int64_t runs)
{
    sqlite3 *db = NULL;

    snprintf(files->library, sizeof files->library, "%s", bench_path(options, "record-library"));
    snprintf(files->raw, sizeof files->raw, "%s", bench_path(options, "record-raw"));
    snprintf(files->cheapest, sizeof files->cheapest, "%s", bench_path(options, "record-cheapest"));
    fixture_runs(files->library, runs, 16, 2, BARRED_LENGTH);
    bench_copy_file(files->library, files->raw);
    db = bench_open(files->cheapest, "OFF");
    yard_fill(db, YARD_PACKED, runs);
    bench_close(db);
    bench_settle_file(files->raw);
    bench_settle_file(files->cheapest);
}

static void remove_files(const record_files *files)
{
    bench_remove_database(files->library);
    bench_remove_database(files->raw);
    bench_remove_database(files->cheapest);
}

/* ---- Races ----------------------------------------------------------------------------------- */

typedef struct record_race {
    const char *mode; /* of the row's name */
    const char *synchronous;
    const char *where;
    size_t length;
    int64_t count;
    int rounds;
    const int64_t *open;
    int64_t open_count;
} record_race;

static double bar_of(const record_race *race)
{
    if (race->length != BARRED_LENGTH)
        return 0;
    return strcmp(race->mode, "full") == 0 ? RECORD_BAR_FULL : RECORD_BAR_NORMAL;
}

static void print_race(const bench_options *options, const record_race *race,
                       const bench_racer *racers)
{
    char name[64];
    bench_row row = {.name = name,
                     .unit = "us/step",
                     .value = racers[1].median_ns / 1e3,
                     .baseline = racers[0].median_ns / 1e3,
                     .ratio = racers[1].ratio,
                     .cheapest = racers[2].median_ns / 1e3,
                     .cheapest_ratio = racers[1].ratio / racers[2].ratio,
                     .bar = bar_of(race)};

    row.bar_of = row.bar > 0 ? BENCH_BAR_OF_RATIO : BENCH_NO_BAR;
    snprintf(name, sizeof name, "record.%s.%zu.%s", race->mode, race->length, race->where);
    bench_print_row(options, &row);
}

static void hold(const bench_options *options, const record_files *files, const record_race *race)
{
    library_writer *library = bench_allocate(sizeof *library);
    raw_writer *raw = bench_allocate(2 * sizeof *raw);
    bench_racer racers[] = {{.work = yard_record, .context = &raw[0].writer},
                            {.work = library_record, .context = library},
                            {.work = yard_record, .context = &raw[1].writer}};

    open_library(library, files->library, race->synchronous, race->open, race->open_count,
                 race->length, options->seed);
    open_raw(&raw[0], files->raw, race->synchronous, race->open, race->open_count, race->length,
             options->seed);
    open_raw(&raw[1], files->cheapest, race->synchronous, race->open, race->open_count,
             race->length, options->seed);
    bench_race(racers, 3, bench_scaled(options, race->count, 10),
               bench_rounds(options, race->rounds));
    close_library(library);
    close_raw(&raw[0]);
    close_raw(&raw[1]);
    free(library);
    free(raw);
    print_race(options, race, racers);
}

/* The rows are the same: of the last one in both files each column has the same type, and text and
 * blobs the same length. */
static void check_same_rows(const record_files *files)
{
    static const char last[] =
        "SELECT group_concat(s, ' ') FROM (SELECT typeof(kind) || name || "
        "typeof(format) || typeof(value) || length(value) || typeof(low) || typeof(epoch) || "
        "typeof(attempt) || typeof(began) || length(began) || typeof(took) || typeof(fingerprint) "
        "|| ifnull(site, '-') AS s FROM durable_steps ORDER BY step DESC LIMIT 1)";
    sqlite3 *library = bench_open(files->library, "OFF");
    sqlite3 *raw = bench_open(files->raw, "OFF");
    sqlite3_stmt *a = bench_prepare(library, last);
    sqlite3_stmt *b = bench_prepare(raw, last);

    bench_sqlite(library, sqlite3_step(a), "comparing rows");
    bench_sqlite(raw, sqlite3_step(b), "comparing rows");
    if (strcmp((const char *)sqlite3_column_text(a, 0), (const char *)sqlite3_column_text(b, 0)))
        bench_die("the library records %s, the yardstick %s", sqlite3_column_text(a, 0),
                  sqlite3_column_text(b, 0));
    sqlite3_finalize(a);
    sqlite3_finalize(b);
    bench_close(library);
    bench_close(raw);
}

static void hold_if_wanted(const bench_options *options, const record_files *files,
                           const record_race *race)
{
    char name[64];

    snprintf(name, sizeof name, "record.%s.%zu.%s", race->mode, race->length, race->where);
    if (bench_wanted(options, name))
        hold(options, files, race);
}

static bool any_wanted(const bench_options *options, const char *where)
{
    static const char *const names[] = {"normal.16", "normal.256", "normal.4096",
                                        "full.16",   "full.256",   "full.4096"};
    char name[64];
    bool wanted = false;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(name, sizeof name, "record.%s.%s", names[i], where);
        wanted = wanted || bench_wanted(options, name);
    }
    return wanted;
}

static void race_at(const bench_options *options, const char *where, int64_t runs,
                    const int64_t *open, int64_t open_count)
{
    static const size_t lengths[] = {16, 256, 4096};
    record_files files;

    if (!any_wanted(options, where))
        return;
    fill_files(options, &files, runs);
    for (int full = 0; full < 2; full++)
        for (size_t i = 0; i < 3; i++)
            hold_if_wanted(options, &files,
                           &(record_race){.mode = full ? "full" : "normal",
                                          .synchronous = full ? "FULL" : "NORMAL",
                                          .where = where,
                                          .length = lengths[i],
                                          .count = full ? 100 : lengths[i] > 1000 ? 1000 : 5000,
                                          .rounds = full ? 41 : 15,
                                          .open = open,
                                          .open_count = open_count});
    check_same_rows(&files);
    remove_files(&files);
}

/* ---- Instructions ---------------------------------------------------------------------------- */

static int64_t counted_steps(const bench_options *options)
{
    return bench_scaled(options, COUNTED_STEPS, 200);
}

void bench_record_counted(const bench_options *options, const char *who)
{
    const int64_t newest = FEW_RUNS;
    const char *path = bench_path(options, "record-counted");
    library_writer *library = bench_allocate(sizeof *library);
    raw_writer *raw = bench_allocate(sizeof *raw);
    int64_t count = counted_steps(options);

    if (strcmp(who, "library") == 0) {
        open_library(library, path, "NORMAL", &newest, 1, BARRED_LENGTH, options->seed);
        library_record(library, count / 2);
        bench_counted(library_record, library, count);
        close_library(library);
    } else {
        open_raw(raw, path, "NORMAL", &newest, 1, BARRED_LENGTH, options->seed);
        yard_record(&raw->writer, count / 2);
        bench_counted(yard_record, &raw->writer, count);
        close_raw(raw);
    }
    free(library);
    free(raw);
}

static double count_one(const bench_options *options, const char *who, const char **reason)
{
    char path[4096];
    double total = 0;

    snprintf(path, sizeof path, "%s", bench_path(options, "record-counted"));
    fixture_runs(path, FEW_RUNS, 1, 1, BARRED_LENGTH);
    total = bench_count_instructions(options, (const char *[]){"record", who, NULL}, reason);
    bench_remove_database(path);
    return total / (double)counted_steps(options);
}

static void count_instructions(const bench_options *options)
{
    bench_row row = {.name = "record.instructions",
                     .unit = "instructions",
                     .bar_of = BENCH_BAR_OF_RATIO,
                     .bar = RECORD_BAR_INSTRUCTIONS};

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

void bench_record(const bench_options *options)
{
    const int64_t newest = FEW_RUNS;
    int64_t many = bench_scaled(options, BENCH_MANY, BENCH_OPEN_RUNS);
    int64_t *random = bench_choose_runs(options, many, BENCH_OPEN_RUNS, 1);

    race_at(options, "tail", FEW_RUNS, &newest, 1);
    race_at(options, "random", many, random, BENCH_OPEN_RUNS);
    count_instructions(options);
    free(random);
}
