/* test/bench: the yardstick: hand-written prepared-statement SQLite, in several table shapes. */
#ifndef DURABLE_YARDSTICK_H
#define DURABLE_YARDSTICK_H

#include "bench.h"

/* The longest value that is recorded. */
#define YARD_VALUE_MAX 4096

/* What every row says that is written here or through the library. */
#define YARD_NAME "ask-model"
#define YARD_FILE "agent.c"
#define YARD_LINE 42
#define YARD_SITE "agent.c:42"

/* Where a step's row lives. */
typedef enum yard_shape {
    YARD_PACKED,    /* rowid = run * 2^27 + position; the library's own tables look so too */
    YARD_CLUSTERED, /* WITHOUT ROWID on (run, position) */
    YARD_LOGGED,    /* rowid in the order of writing, unique index on (run, position) */
    YARD_SHAPES
} yard_shape;

/* What an insert asks before it writes. */
typedef enum yard_fence {
    YARD_UNFENCED,
    YARD_WIDE,   /* epoch and token in the run's own row, of 200 bytes and more */
    YARD_NARROW, /* epoch and token in a table of some 35 bytes a row, one for each run */
    YARD_LIVE,   /* the same, but only for the runs that are being worked on */
    YARD_FENCES
} yard_fence;

extern const char *const yard_shape_names[YARD_SHAPES];
extern const char *const yard_fence_names[YARD_FENCES];

/* Create tables in the shape, and `runs` runs with one step each. */
void yard_fill(sqlite3 *db, yard_shape shape, int64_t runs);

/* A database, and the runs in it that are worked on. */
typedef struct yard_file {
    sqlite3 *db;
    yard_shape shape;
    const int64_t *open; /* the keys of these runs */
    int64_t open_count;
    int64_t *last; /* the position last written of each */
    bench_random random;
} yard_file;

/* Use a filled database: one of yard_fill(), or a copy of a log. The keys stay the caller's. */
void yard_open(yard_file *file, const char *path, const char *synchronous, yard_shape shape,
               const int64_t *open, int64_t open_count, uint64_t seed);
void yard_close(yard_file *file);

/* One way to append steps to a file. */
typedef struct yard_writer {
    yard_file *file;
    sqlite3_stmt *insert;
    yard_fence fence;
    size_t length; /* of the value */
    char value[YARD_VALUE_MAX];
} yard_writer;

void yard_prepare(yard_writer *writer, yard_file *file, yard_fence fence, size_t length);
void yard_finish(yard_writer *writer);

/* One step of open run number `i`. */
void yard_record_at(yard_writer *writer, int64_t i);
/* Work on a yard_writer: one step, one commit, each into an open run chosen at random. */
void yard_record(void *writer, int64_t count);
/* Work on a yard_writer: 64 steps of 64 runs, one commit. */
void yard_record_64(void *writer, int64_t count);

/* Work on a yard_file: read what a replay needs of the first `count` steps of run 1. */
void yard_scan(void *file, int64_t count);
/* The same for the rows of a statement with the columns of yard_scan(); gives their number. */
int64_t yard_read_rows(sqlite3_stmt *scan);

/* The columns that a replay needs, without the key. */
#define YARD_SCAN_COLUMNS "kind, name, format, value FROM durable_steps "

#endif
