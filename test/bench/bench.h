/* test/bench: the benchmark's kit: options, races, counted work, result rows, temporary files. */
#ifndef DURABLE_BENCH_H
#define DURABLE_BENCH_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of runs in the large database, and of steps in the long run, at --scale 1. */
#define BENCH_MANY 1000000

/* So many runs, chosen at random among those in the database, are open at once. */
#define BENCH_OPEN_RUNS 1000

typedef struct bench_options {
    bool json;
    bool check;        /* a missed bar is exit code 1 */
    bool shapes;       /* measure table shapes instead of the library */
    bool serialized;   /* connections with a mutex */
    const char *only;  /* prefix of the names of rows to measure; "": all */
    int rounds;        /* 0: each row's own choice */
    double scale;      /* of every count of rows, runs and steps */
    uint64_t seed;     /* of every choice of a run */
    const char *program;   /* how to execute this program again */
    const char *directory; /* for databases; removed at the end */
} bench_options;

/* ---- Errors: a benchmark that cannot go on says why and ends --------------------------------- */

_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the program unless `code` is SQLITE_OK, SQLITE_ROW or SQLITE_DONE. */
void bench_sqlite(sqlite3 *db, int code, const char *doing);

void *bench_allocate(size_t size);

/* ---- Numbers --------------------------------------------------------------------------------- */

typedef struct bench_random {
    uint64_t state; /* never 0 */
} bench_random;

bench_random bench_random_seeded(uint64_t seed);
int64_t bench_random_below(bench_random *random, int64_t limit); /* 0 to limit - 1 */

/* `count` different keys out of 1 to `runs`, each a multiple of `step`, in rising order. */
int64_t *bench_choose_runs(const bench_options *options, int64_t runs, int64_t count, int64_t step);

/* `count` times --scale, at least `least`. */
int64_t bench_scaled(const bench_options *options, int64_t count, int64_t least);

/* ---- Databases ------------------------------------------------------------------------------- */

/* The path of a file in the benchmark's directory, in static memory. */
const char *bench_path(const bench_options *options, const char *name);

/* Open in WAL mode with `synchronous` NORMAL or FULL and otherwise SQLite's defaults, without a
 * mutex: of the library as of SQLite each connection is used by one thread at a time. After
 * bench_serialize() with a mutex, as sqlite3_open() does it where SQLite is built so. */
void bench_serialize(void);
sqlite3 *bench_open(const char *path, const char *synchronous);
void bench_set_synchronous(sqlite3 *db, const char *synchronous);
void bench_close(sqlite3 *db);
void bench_execute(sqlite3 *db, const char *sql);
sqlite3_stmt *bench_prepare(sqlite3 *db, const char *sql);
int64_t bench_query_integer(sqlite3 *db, const char *sql);
/* Written to the disk and read into memory, so that neither goes on while something is timed. */
void bench_settle_file(const char *path);
void bench_copy_file(const char *from, const char *to);
void bench_remove_database(const char *path);
void bench_remove_directory(const char *path);

/* ---- Races: medians of interleaved rounds ---------------------------------------------------- */

#define BENCH_RACERS_MAX 16

/* Do a piece of work `count` times. */
typedef void bench_work(void *context, int64_t count);

typedef struct bench_racer {
    bench_work *work;
    void *context;
    double median_ns; /* out: of one piece of work */
    double ratio;     /* out: median over the rounds of this racer's time to the first one's */
} bench_racer;

/* Each round lets every racer work `count` times, in an order that turns from round to round. The
 * first racer is the one the others are compared with, round by round. A first round warms up. */
void bench_race(bench_racer *racers, size_t racer_count, int64_t count, int rounds);

/* Work may leave out of its own time what lies between these two. */
void bench_pause(void);
void bench_resume(void);

/* Of `numbers`, which it sorts, the one that this part of them (0 to 1) lies below. */
double bench_quantile(double *numbers, size_t count, double quantile);

int bench_rounds(const bench_options *options, int rounds); /* --rounds, or this row's own */

/* ---- Instructions ---------------------------------------------------------------------------- */

/* Does the work; callgrind counts what happens in here, and nothing else. */
void bench_counted(bench_work *work, void *context, int64_t count);

/* Instructions that this program spends in bench_counted() when it is executed again under
 * callgrind with `--counted` and these arguments (NULL at the end). Negative: not measured, and
 * *reason says why. */
double bench_count_instructions(const bench_options *options, const char *const *arguments,
                                const char **reason);

/* ---- Rows of the result ---------------------------------------------------------------------- */

typedef enum bench_bar_of { BENCH_NO_BAR = 0, BENCH_BAR_OF_RATIO, BENCH_BAR_OF_VALUE } bench_bar_of;

typedef struct bench_row {
    const char *name;
    const char *unit;
    double value;
    double baseline;       /* 0: there is none */
    double ratio;          /* 0: there is none */
    double cheapest;       /* the second baseline, the cheapest shape; 0: there is none */
    double cheapest_ratio; /* 0: there is none */
    bench_bar_of bar_of;
    double bar;
    const char *skipped; /* NULL: measured; else why not */
} bench_row;

/* Is the row of that name asked for? A prefix that is longer than the name counts too, so that
 * groups can ask for what their names have in common. */
bool bench_wanted(const bench_options *options, const char *name);

void bench_print_head(const bench_options *options);
void bench_print_row(const bench_options *options, const bench_row *row);
/* False where a bar was missed. */
bool bench_print_foot(const bench_options *options);

#endif
