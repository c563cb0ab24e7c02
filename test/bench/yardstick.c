/* test/bench: the yardstick: hand-written prepared-statement SQLite, in several table shapes. */
#include "yardstick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A run's token is this plus its key, so that it takes 8 bytes and needs no look-up. */
#define FIRST_TOKEN INT64_C(6677889900112233445)
#define BEGAN_MS INT64_C(1790000000000)

const char *const yard_shape_names[YARD_SHAPES] = {"packed", "clustered", "logged"};
const char *const yard_fence_names[YARD_FENCES] = {"unfenced", "wide", "narrow", "live"};

/* ---- Tables ---------------------------------------------------------------------------------- */

#define STEP_COLUMNS                                                                               \
    "kind INTEGER, name TEXT, format INTEGER, value, low INTEGER, "                                \
    "epoch INTEGER, attempt INTEGER, began INTEGER, took INTEGER, fingerprint, site TEXT"

static const char *const create_steps[YARD_SHAPES] = {
    "CREATE TABLE durable_steps (step INTEGER PRIMARY KEY, " STEP_COLUMNS ")",
    "CREATE TABLE durable_steps (run INTEGER, position INTEGER, " STEP_COLUMNS
    ", PRIMARY KEY (run, position)) WITHOUT ROWID",
    "CREATE TABLE durable_steps (entry INTEGER PRIMARY KEY, run INTEGER, position "
    "INTEGER, " STEP_COLUMNS ", UNIQUE (run, position))"};

#define CLAIM_COLUMNS                                                                              \
    "(run INTEGER PRIMARY KEY, epoch INTEGER, token INTEGER, owner INTEGER, lease_end INTEGER)"

static const char create_runs[] =
    "CREATE TABLE durable_runs (run INTEGER PRIMARY KEY, epoch INTEGER, token INTEGER, "
    "status INTEGER, lease_end INTEGER, owner TEXT, claims INTEGER, request INTEGER, "
    "id TEXT UNIQUE, uid TEXT, workflow TEXT, code_version TEXT, behaviour INTEGER, "
    "parent INTEGER, queue TEXT, priority INTEGER, due INTEGER, created INTEGER, ended INTEGER, "
    "input_format INTEGER, input, output_format INTEGER, output, failure TEXT);"
    "CREATE TABLE narrow_claims " CLAIM_COLUMNS ";"
    "CREATE TABLE live_claims " CLAIM_COLUMNS;

static const char fill_runs[] =
    "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "
    "INSERT INTO durable_runs SELECT i, 1, 6677889900112233445 + i, 1, 1790000600000, "
    "'5f0c5bb1-9d4c-4a52-8a35-0f6d1a2b3c4d:4026531836:4711:123456:89abcdef', 1, 0, "
    "printf('order-%08d', i), lower(hex(randomblob(16))), 'agent', '1.4.2', 1, NULL, NULL, 4, "
    "NULL, 1790000000000, NULL, 0, '{\"task\":\"answer the letter\"}', NULL, NULL, NULL FROM n";

static const char fill_claims[] =
    "INSERT INTO narrow_claims SELECT run, epoch, token, 1, lease_end FROM durable_runs";

static const char fill_steps[] =
    "INSERT INTO durable_steps SELECT %s, 1, '" YARD_NAME "', NULL, 'a first result..', 1, 1, 1, "
    "1790000000000, 12, NULL, '" YARD_SITE "' FROM durable_runs WHERE run %% %d = 0";

static const char *const fill_keys[YARD_SHAPES] = {"run * 134217728 + %d", "run, %d",
                                                   "NULL, run, %d"};

/* Filled in order, every page is full and would be split by the first row that comes between. A
 * second pass splits them, as the runs of a database that has been at work for a while would. */
static void fill_pass(sqlite3 *db, yard_shape shape, int position, int every)
{
    char key[64];
    char sql[512];

    snprintf(key, sizeof key, fill_keys[shape], position);
    snprintf(sql, sizeof sql, fill_steps, key, every);
    bench_execute(db, sql);
}

void yard_fill(sqlite3 *db, yard_shape shape, int64_t runs)
{
    sqlite3_stmt *statement = NULL;

    bench_execute(db, "BEGIN");
    bench_execute(db, create_runs);
    bench_execute(db, create_steps[shape]);
    statement = bench_prepare(db, fill_runs);
    sqlite3_bind_int64(statement, 1, runs);
    bench_sqlite(db, sqlite3_step(statement), "filling");
    sqlite3_finalize(statement);
    bench_execute(db, fill_claims);
    fill_pass(db, shape, 1, 1);
    fill_pass(db, shape, 2, 16);
    bench_execute(db, "COMMIT");
}

/* ---- Files ----------------------------------------------------------------------------------- */

#define END_PACKED                                                                                 \
    "SELECT max(step) & 134217727 FROM durable_steps "                                             \
    "WHERE step BETWEEN ?1 << 27 AND (?1 << 27) + 134217727"

static const char *const ends[YARD_SHAPES] = {
    END_PACKED,
    "SELECT max(position) FROM durable_steps WHERE run = ?1",
    "SELECT max(position) FROM durable_steps WHERE run = ?1"};

static void find_ends(yard_file *file)
{
    sqlite3_stmt *statement = bench_prepare(file->db, ends[file->shape]);

    for (int64_t i = 0; i < file->open_count; i++) {
        sqlite3_bind_int64(statement, 1, file->open[i]);
        bench_sqlite(file->db, sqlite3_step(statement), "finding the ends");
        file->last[i] = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
}

void yard_open(yard_file *file, const char *path, const char *synchronous, yard_shape shape,
               const int64_t *open, int64_t open_count, uint64_t seed)
{
    file->db = bench_open(path, synchronous);
    file->shape = shape;
    file->open = open;
    file->open_count = open_count;
    file->random = bench_random_seeded(seed);
    file->last = bench_allocate((size_t)open_count * sizeof *file->last);
    find_ends(file);
}

void yard_close(yard_file *file)
{
    bench_close(file->db);
    free(file->last);
}

/* ---- Recording ------------------------------------------------------------------------------- */

#define TOKEN_PARAMETER 15
#define INSERT_COLUMNS                                                                             \
    "kind, name, format, value, low, epoch, attempt, began, took, site"
#define INSERT_VALUES "?3, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?14"

/* Parameters: 1 the run, 2 the position or the packed key, then the columns in order. */
static const char *const insert_keys[YARD_SHAPES] = {"step", "run, position", "run, position"};
static const char *const insert_key_values[YARD_SHAPES] = {"?2", "?1, ?2", "?1, ?2"};
static const char *const fence_tables[YARD_FENCES] = {NULL, "durable_runs", "narrow_claims",
                                                      "live_claims"};

/* In live_claims stand the runs that are open, and no others. */
static void claim_open_runs(const yard_file *file)
{
    sqlite3_stmt *insert = bench_prepare(
        file->db, "INSERT OR IGNORE INTO live_claims SELECT * FROM narrow_claims WHERE run = ?1");

    bench_execute(file->db, "BEGIN");
    for (int64_t i = 0; i < file->open_count; i++) {
        sqlite3_bind_int64(insert, 1, file->open[i]);
        bench_sqlite(file->db, sqlite3_step(insert), "claiming");
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    bench_execute(file->db, "COMMIT");
}

void yard_prepare(yard_writer *writer, yard_file *file, yard_fence fence, size_t length)
{
    char sql[512];
    int used = 0;

    writer->file = file;
    writer->fence = fence;
    writer->length = length;
    memset(writer->value, 'v', length);
    if (fence == YARD_LIVE)
        claim_open_runs(file);
    used = snprintf(sql, sizeof sql, "INSERT INTO durable_steps (%s, " INSERT_COLUMNS ") ",
                    insert_keys[file->shape]);
    snprintf(sql + used, sizeof sql - (size_t)used,
             fence == YARD_UNFENCED ? "VALUES (%s, " INSERT_VALUES ")"
                                    : "SELECT %s, " INSERT_VALUES
                                      " FROM %s WHERE run = ?1 AND epoch = ?9 AND token = ?15",
             insert_key_values[file->shape], fence_tables[fence]);
    writer->insert = bench_prepare(file->db, sql);
}

void yard_finish(yard_writer *writer)
{
    sqlite3_finalize(writer->insert);
}

static void bind_key(yard_writer *writer, int64_t run, int64_t position)
{
    bool packed = writer->file->shape == YARD_PACKED;

    if (writer->fence != YARD_UNFENCED)
        sqlite3_bind_int64(writer->insert, TOKEN_PARAMETER, FIRST_TOKEN + run);
    if (writer->fence != YARD_UNFENCED || !packed)
        sqlite3_bind_int64(writer->insert, 1, run);
    sqlite3_bind_int64(writer->insert, 2, packed ? run * 134217728 + position : position);
}

static void bind_columns(yard_writer *writer, int64_t position)
{
    sqlite3_stmt *insert = writer->insert;

    sqlite3_bind_int(insert, 3, 1);
    sqlite3_bind_text(insert, 5, YARD_NAME, sizeof YARD_NAME - 1, SQLITE_STATIC);
    sqlite3_bind_null(insert, 6);
    sqlite3_bind_text(insert, 7, writer->value, (int)writer->length, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 8, position);
    sqlite3_bind_int64(insert, 9, 1);
    sqlite3_bind_int64(insert, 10, 1);
    sqlite3_bind_int64(insert, 11, BEGAN_MS + position);
    sqlite3_bind_int64(insert, 12, 0);
    sqlite3_bind_text(insert, 14, YARD_SITE, sizeof YARD_SITE - 1, SQLITE_STATIC);
}

void yard_record_at(yard_writer *writer, int64_t i)
{
    yard_file *file = writer->file;
    int64_t position = ++file->last[i];

    bind_key(writer, file->open[i], position);
    bind_columns(writer, position);
    if (sqlite3_step(writer->insert) != SQLITE_DONE || sqlite3_reset(writer->insert) != SQLITE_OK)
        bench_die("recording: %s", sqlite3_errmsg(file->db));
    if (sqlite3_changes(file->db) != 1)
        bench_die("recording: the fence did not match");
}

void yard_record(void *context, int64_t count)
{
    yard_writer *writer = context;

    for (int64_t i = 0; i < count; i++)
        yard_record_at(writer, bench_random_below(&writer->file->random,
                                                  writer->file->open_count));
}

void yard_record_64(void *context, int64_t count)
{
    yard_writer *writer = context;

    for (int64_t i = 0; i < count; i++) {
        bench_execute(writer->file->db, "BEGIN IMMEDIATE");
        yard_record(writer, 64);
        bench_execute(writer->file->db, "COMMIT");
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

#define SCAN_PACKED                                                                                \
    "SELECT step, " YARD_SCAN_COLUMNS                                                              \
    "WHERE step BETWEEN 134217729 AND 134217728 + ?1 ORDER BY step"
#define SCAN_BY_RUN                                                                                \
    "SELECT position, " YARD_SCAN_COLUMNS                                                          \
    "WHERE run = 1 AND position BETWEEN 1 AND ?1 ORDER BY position"

static const char *const scans[YARD_SHAPES] = {SCAN_PACKED, SCAN_BY_RUN, SCAN_BY_RUN};

static int64_t read_row(sqlite3_stmt *scan)
{
    int64_t sum = sqlite3_column_int64(scan, 0);

    sum += sqlite3_column_int(scan, 1) + sqlite3_column_int(scan, 3);
    sum += sqlite3_column_text(scan, 2)[0] + sqlite3_column_bytes(scan, 2);
    sum += ((const unsigned char *)sqlite3_column_blob(scan, 4))[0];
    return sum + sqlite3_column_bytes(scan, 4);
}

int64_t yard_read_rows(sqlite3_stmt *scan)
{
    int64_t rows = 0;
    int64_t sum = 0;

    for (; sqlite3_step(scan) == SQLITE_ROW; rows++)
        sum += read_row(scan);
    if (sqlite3_reset(scan) != SQLITE_OK || (rows > 0 && sum == 0))
        bench_die("scanning: %s", sqlite3_errmsg(sqlite3_db_handle(scan)));
    return rows;
}

void yard_scan(void *context, int64_t count)
{
    yard_file *file = context;
    sqlite3_stmt *scan = bench_prepare(file->db, scans[file->shape]);
    int64_t rows = 0;

    sqlite3_bind_int64(scan, 1, count);
    rows = yard_read_rows(scan);
    if (rows != count)
        bench_die("scanning: %lld rows of %lld", (long long)rows, (long long)count);
    sqlite3_finalize(scan);
}
