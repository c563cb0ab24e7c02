/* test/bench: errors, numbers and databases for the benchmark. */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void bench_die(const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fputs("durable_bench: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(2);
}

void bench_sqlite(sqlite3 *db, int code, const char *doing)
{
    if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
        bench_die("%s: %s", doing, db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
}

void *bench_allocate(size_t size)
{
    void *memory = calloc(1, size);

    if (!memory)
        bench_die("out of memory");
    return memory;
}

bench_random bench_random_seeded(uint64_t seed)
{
    bench_random random = {seed * 0x9e3779b97f4a7c15u + 1};

    return random;
}

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators"). */
int64_t bench_random_below(bench_random *random, int64_t limit)
{
    uint64_t x = random->state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    random->state = x;
    return (int64_t)(((x * 0x2545f4914f6cdd1du) >> 1) % (uint64_t)limit);
}

int64_t *bench_choose_runs(const bench_options *options, int64_t runs, int64_t count, int64_t step)
{
    bench_random random = bench_random_seeded(options->seed);
    int64_t *keys = bench_allocate((size_t)count * sizeof *keys);
    int64_t width = runs / step / count;

    if (width < 1)
        bench_die("%lld runs are too few to choose %lld of them", (long long)runs,
                  (long long)count);
    for (int64_t i = 0; i < count; i++)
        keys[i] = step * (1 + i * width + bench_random_below(&random, width));
    return keys;
}

int bench_rounds(const bench_options *options, int rounds)
{
    return options->rounds ? options->rounds : rounds;
}

int64_t bench_scaled(const bench_options *options, int64_t count, int64_t least)
{
    int64_t scaled = (int64_t)((double)count * options->scale);

    return scaled > least ? scaled : least;
}

const char *bench_path(const bench_options *options, const char *name)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/%s.db", options->directory, name);
    return path;
}

/* Both the library and its yardstick use a connection from one thread at a time. */
static int open_mutex = SQLITE_OPEN_NOMUTEX;

void bench_set_synchronous(sqlite3 *db, const char *synchronous)
{
    char pragma[64];

    snprintf(pragma, sizeof pragma, "PRAGMA synchronous = %s", synchronous);
    bench_execute(db, pragma);
}

void bench_serialize(void)
{
    open_mutex = SQLITE_OPEN_FULLMUTEX;
}

sqlite3 *bench_open(const char *path, const char *synchronous)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | open_mutex;
    sqlite3 *db = NULL;

    bench_sqlite(NULL, sqlite3_open_v2(path, &db, flags, NULL), path);
    bench_execute(db, "PRAGMA journal_mode = WAL");
    bench_set_synchronous(db, synchronous);
    return db;
}

void bench_close(sqlite3 *db)
{
    if (sqlite3_close(db) != SQLITE_OK)
        bench_die("closing: %s", sqlite3_errmsg(db));
}

void bench_execute(sqlite3 *db, const char *sql)
{
    bench_sqlite(db, sqlite3_exec(db, sql, NULL, NULL, NULL), sql);
}

sqlite3_stmt *bench_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    bench_sqlite(db, sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL),
                 sql);
    return statement;
}

int64_t bench_query_integer(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = bench_prepare(db, sql);
    int64_t result = 0;

    bench_sqlite(db, sqlite3_step(statement), sql);
    result = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return result;
}

void bench_settle_file(const char *path)
{
    static char buffer[1 << 20];
    FILE *file = fopen(path, "r+b");

    if (!file || fsync(fileno(file)) != 0)
        bench_die("settling %s: %s", path, strerror(errno));
    while (fread(buffer, 1, sizeof buffer, file) > 0)
        continue;
    fclose(file);
}

void bench_copy_file(const char *from, const char *to)
{
    static char buffer[1 << 20];
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    size_t got = 0;

    if (!in || !out)
        bench_die("copying %s: %s", from, strerror(errno));
    while ((got = fread(buffer, 1, sizeof buffer, in)) > 0)
        if (fwrite(buffer, 1, got, out) != got)
            bench_die("writing %s: %s", to, strerror(errno));
    if (fclose(out) != 0 || ferror(in))
        bench_die("copying %s: %s", from, strerror(errno));
    fclose(in);
}

void bench_remove_database(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[4200];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

void bench_remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry = NULL;
    char name[4096 + 256];

    while (directory && (entry = readdir(directory)) != NULL) {
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        unlink(name);
    }
    if (directory)
        closedir(directory);
    rmdir(path);
}
