/* test/bench: what it costs to replay a step: the library through a long run against a scan that
 * reads the same columns of the same rows. */
#include "fixture.h"
#include "rows.h"
#include "yardstick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLAY_BAR 1.5
#define REPLAY_BAR_INSTRUCTIONS 2500
#define COUNTED_STEPS 20000
#define COUNTED_LENGTH 16

static const int64_t first_run = 1;

/* A pass over the run: claim, replay, release. The count of claims is set back, because a run that
 * is claimed again and again without recording anything is parked. */
static void library_replay(void *context, int64_t count)
{
    fixture_log *fixture = context;
    char id[FIXTURE_ID_SIZE];
    dur_run *run = NULL;

    fixture_id(id, first_run);
    run = fixture_begin(fixture, id);
    fixture_replay(fixture, run, count);
    bench_pause();
    dur_close_run(run);
    bench_execute(fixture->db, "UPDATE durable_runs SET claims = 1 WHERE run = 1");
    bench_resume();
}

void bench_race_scan(const bench_options *options, const char *name, size_t length,
                     bench_work *work, double bar)
{
    int64_t steps = bench_scaled(options, BENCH_MANY, 1000);
    char path[4096];
    fixture_log fixture;
    yard_file file;
    bench_racer racers[] = {{.work = yard_scan, .context = &file},
                            {.work = work, .context = &fixture}};

    if (!bench_wanted(options, name))
        return;
    snprintf(path, sizeof path, "%s", bench_path(options, "replay"));
    fixture_long_run(path, steps, length);
    fixture_open(&fixture, path, "NORMAL");
    yard_open(&file, path, "NORMAL", YARD_PACKED, &first_run, 1, options->seed);
    bench_race(racers, 2, steps, bench_rounds(options, 9));
    yard_close(&file);
    fixture_close(&fixture);
    bench_remove_database(path);
    bench_print_row(options, &(bench_row){.name = name,
                                          .unit = "us/step",
                                          .value = racers[1].median_ns / 1e3,
                                          .baseline = racers[0].median_ns / 1e3,
                                          .ratio = racers[1].ratio,
                                          .bar_of = BENCH_BAR_OF_RATIO,
                                          .bar = bar});
}

/* ---- Instructions ---------------------------------------------------------------------------- */

static int64_t counted_steps(const bench_options *options)
{
    return bench_scaled(options, COUNTED_STEPS, 1000);
}

void bench_replay_counted(const bench_options *options, const char *who)
{
    const char *path = bench_path(options, "replay-counted");
    int64_t count = counted_steps(options);
    fixture_log fixture;
    yard_file file;

    if (strcmp(who, "library") == 0) {
        fixture_open(&fixture, path, "NORMAL");
        bench_counted(library_replay, &fixture, count);
        fixture_close(&fixture);
    } else {
        yard_open(&file, path, "NORMAL", YARD_PACKED, &first_run, 1, options->seed);
        bench_counted(yard_scan, &file, count);
        yard_close(&file);
    }
}

static double count_one(const bench_options *options, const char *who, const char **reason)
{
    return bench_count_instructions(options, (const char *[]){"replay", who, NULL}, reason) /
           (double)counted_steps(options);
}

static void count_instructions(const bench_options *options)
{
    char path[4096];
    bench_row row = {.name = "replay.instructions",
                     .unit = "instructions",
                     .bar_of = BENCH_BAR_OF_VALUE,
                     .bar = REPLAY_BAR_INSTRUCTIONS};

    if (!bench_wanted(options, row.name))
        return;
    snprintf(path, sizeof path, "%s", bench_path(options, "replay-counted"));
    fixture_long_run(path, counted_steps(options), COUNTED_LENGTH);
    row.value = count_one(options, "library", &row.skipped);
    if (row.value > 0)
        row.baseline = count_one(options, "raw", &row.skipped);
    if (row.baseline > 0) {
        row.skipped = NULL;
        row.ratio = row.value / row.baseline;
    }
    bench_remove_database(path);
    bench_print_row(options, &row);
}

void bench_replay(const bench_options *options)
{
    bench_race_scan(options, "replay.16", 16, library_replay, REPLAY_BAR);
    bench_race_scan(options, "replay.256", 256, library_replay, REPLAY_BAR);
    count_instructions(options);
}
