/*
 * test/bench: which shape of table, and which place for the fence: raw SQLite against itself.
 *
 * One file per shape, with the same runs in it; the ways to fence write to the same file in turns.
 * So what differs between two racers is the shape or the fence and nothing else.
 */
#include "shapes.h"

#include "yardstick.h"

#include <stdlib.h>
#include <string.h>

#include <stdio.h>
#include <stdlib.h>

#define LENGTH 16          /* of the value */
#define COUNTED_STEPS 2000 /* under callgrind: two checkpoints of the default size */
#define RACERS (YARD_SHAPES * YARD_FENCES)

typedef struct place {
    const char *name;
    int64_t runs; /* in the database, at --scale 1 */
    int64_t open; /* of these are open */
} place;

static const place places[] = {{"tail", 1000, 1}, {"random", BENCH_MANY, BENCH_OPEN_RUNS}};

static int64_t runs_at(const bench_options *options, const place *where)
{
    return bench_scaled(options, where->runs, where->open);
}

/* The tail is that of the newest run. */
static int64_t *open_runs(const bench_options *options, const place *where)
{
    int64_t *open = bench_choose_runs(options, runs_at(options, where), where->open, 1);

    if (where->open == 1)
        open[0] = runs_at(options, where);
    return open;
}

static const char *path_of(const bench_options *options, yard_shape shape, const place *where)
{
    char name[64];

    snprintf(name, sizeof name, "%s-%s", yard_shape_names[shape], where->name);
    return bench_path(options, name);
}

static void fill_files(const bench_options *options, const place *where)
{
    for (int shape = 0; shape < YARD_SHAPES; shape++) {
        const char *path = path_of(options, (yard_shape)shape, where);
        sqlite3 *db = bench_open(path, "OFF");

        yard_fill(db, (yard_shape)shape, runs_at(options, where));
        bench_close(db);
        bench_settle_file(path);
    }
}

static void remove_files(const bench_options *options, const place *where)
{
    for (int shape = 0; shape < YARD_SHAPES; shape++)
        bench_remove_database(path_of(options, (yard_shape)shape, where));
}

static void open_file(const bench_options *options, yard_file *file, yard_shape shape,
                      const place *where, const char *synchronous, const int64_t *open)
{
    yard_open(file, path_of(options, shape, where), synchronous, shape, open, where->open,
              options->seed);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void print_race(const bench_options *options, const bench_racer *racers, const char *what,
                       const char *unit)
{
    char name[64];

    for (int i = 0; i < RACERS; i++) {
        bench_row row = {.name = name,
                         .unit = unit,
                         .value = racers[i].median_ns / 1e3,
                         .baseline = racers[0].median_ns / 1e3,
                         .ratio = racers[i].ratio};

        snprintf(name, sizeof name, "%s.%s.%s", what, yard_shape_names[i / YARD_FENCES],
                 yard_fence_names[i % YARD_FENCES]);
        bench_print_row(options, &row);
    }
}

/* The fence's own price: each fenced way against the unfenced one of its own shape. */
static void print_fences(const bench_options *options, const bench_racer *racers, const char *what)
{
    char name[64];

    for (int i = 0; i < RACERS; i++) {
        const bench_racer *raw = &racers[i / YARD_FENCES * YARD_FENCES];
        bench_row row = {.name = name,
                         .unit = "us/step",
                         .value = racers[i].median_ns / 1e3,
                         .baseline = raw->median_ns / 1e3,
                         .ratio = racers[i].ratio / raw->ratio};

        if (i % YARD_FENCES == YARD_UNFENCED)
            continue;
        snprintf(name, sizeof name, "%s.%s.%s-fence", what, yard_shape_names[i / YARD_FENCES],
                 yard_fence_names[i % YARD_FENCES]);
        bench_print_row(options, &row);
    }
}

typedef struct contest {
    const place *where;
    const char *synchronous;
    const char *name;
    const char *unit;
    bench_work *work;
    int64_t count;
    int rounds;
} contest;

static void hold(const bench_options *options, const contest *race)
{
    int64_t *open = open_runs(options, race->where);
    yard_writer *writers = bench_allocate(RACERS * sizeof *writers);
    yard_file files[YARD_SHAPES];
    bench_racer racers[RACERS];

    for (int i = 0; i < RACERS; i++) {
        yard_file *file = &files[i / YARD_FENCES];

        if (i % YARD_FENCES == 0)
            open_file(options, file, (yard_shape)(i / YARD_FENCES), race->where,
                      race->synchronous, open);
        yard_prepare(&writers[i], file, (yard_fence)(i % YARD_FENCES), LENGTH);
        racers[i] = (bench_racer){.work = race->work, .context = &writers[i]};
    }
    bench_race(racers, RACERS, bench_scaled(options, race->count, 10),
               bench_rounds(options, race->rounds));
    for (int i = 0; i < RACERS; i++)
        yard_finish(&writers[i]);
    for (int i = 0; i < YARD_SHAPES; i++)
        yard_close(&files[i]);
    free(writers);
    free(open);
    print_race(options, racers, race->name, race->unit);
    if (race->work == yard_record)
        print_fences(options, racers, race->name);
}

static const contest contests[] = {
    {&places[0], "NORMAL", "shape.normal.tail", "us/step", yard_record, 5000, 11},
    {&places[0], "FULL", "shape.full.tail", "us/step", yard_record, 300, 11},
    {&places[1], "NORMAL", "shape.normal.random", "us/step", yard_record, 5000, 9},
    {&places[1], "FULL", "shape.full.random", "us/step", yard_record, 300, 9},
    {&places[1], "FULL", "shape.full.64-in-one", "us/commit", yard_record_64, 50, 9},
};

/* ---- Instructions ---------------------------------------------------------------------------- */

void bench_shapes_counted(const bench_options *options, char **arguments)
{
    yard_shape shape = (yard_shape)atoi(arguments[0]);
    yard_fence fence = (yard_fence)atoi(arguments[1]);
    const place *where = &places[atoi(arguments[2])];
    int64_t *open = open_runs(options, where);
    yard_writer *writer = bench_allocate(sizeof *writer);
    yard_file file;

    open_file(options, &file, shape, where, "NORMAL", open);
    yard_prepare(writer, &file, fence, LENGTH);
    yard_record(writer, 1000);
    bench_counted(yard_record, writer, COUNTED_STEPS);
    yard_finish(writer);
    yard_close(&file);
    free(writer);
    free(open);
}

static void count_one(const bench_options *options, int shape, int fence, int where, double *raw)
{
    char numbers[3][12];
    char name[64];
    const char *arguments[] = {"shape", numbers[0], numbers[1], numbers[2], NULL};
    bench_row row = {.name = name, .unit = "instructions"};
    double total = 0;

    snprintf(numbers[0], sizeof numbers[0], "%d", shape);
    snprintf(numbers[1], sizeof numbers[1], "%d", fence);
    snprintf(numbers[2], sizeof numbers[2], "%d", where);
    snprintf(name, sizeof name, "shape.instructions.%s.%s.%s", places[where].name,
             yard_shape_names[shape], yard_fence_names[fence]);
    total = bench_count_instructions(options, arguments, &row.skipped);
    if (total >= 0)
        row.skipped = NULL;
    row.value = total / COUNTED_STEPS;
    if (shape == 0 && fence == YARD_UNFENCED)
        *raw = row.value;
    row.baseline = *raw;
    row.ratio = row.value / *raw;
    bench_print_row(options, &row);
}

static void count_all(const bench_options *options, int where)
{
    char name[64];
    double raw = 0;

    snprintf(name, sizeof name, "shape.instructions.%s", places[where].name);
    if (!bench_wanted(options, name))
        return;
    for (int shape = 0; shape < YARD_SHAPES; shape++)
        for (int fence = 0; fence < YARD_FENCES; fence++)
            count_one(options, shape, fence, where, &raw);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* One long run in place of all the others. */
static void lengthen_run(yard_file *file, int64_t count)
{
    yard_writer *writer = bench_allocate(sizeof *writer);

    bench_execute(file->db, "BEGIN; DELETE FROM durable_steps");
    file->last[0] = 0;
    yard_prepare(writer, file, YARD_UNFENCED, LENGTH);
    yard_record(writer, count);
    yard_finish(writer);
    bench_execute(file->db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    free(writer);
}

static void scan_all(const bench_options *options)
{
    const int64_t first_run = 1;
    int64_t count = bench_scaled(options, BENCH_MANY, 1000);
    yard_file files[YARD_SHAPES];
    bench_racer racers[YARD_SHAPES];
    char name[64];

    for (int shape = 0; shape < YARD_SHAPES; shape++) {
        open_file(options, &files[shape], (yard_shape)shape, &places[0], "OFF", &first_run);
        lengthen_run(&files[shape], count);
        racers[shape] = (bench_racer){.work = yard_scan, .context = &files[shape]};
    }
    bench_race(racers, YARD_SHAPES, count, bench_rounds(options, 7));
    for (int shape = 0; shape < YARD_SHAPES; shape++) {
        bench_row row = {.name = name,
                         .unit = "us/step",
                         .value = racers[shape].median_ns / 1e3,
                         .baseline = racers[0].median_ns / 1e3,
                         .ratio = racers[shape].ratio};

        snprintf(name, sizeof name, "shape.scan.%s", yard_shape_names[shape]);
        bench_print_row(options, &row);
        yard_close(&files[shape]);
    }
}

void bench_shapes(const bench_options *options)
{
    for (int where = 0; where < 2; where++) {
        fill_files(options, &places[where]);
        count_all(options, where);
        for (size_t i = 0; i < sizeof contests / sizeof contests[0]; i++)
            if (contests[i].where == &places[where] && bench_wanted(options, contests[i].name))
                hold(options, &contests[i]);
        if (where == 0 && bench_wanted(options, "shape.scan"))
            scan_all(options);
        remove_files(options, &places[where]);
    }
}
