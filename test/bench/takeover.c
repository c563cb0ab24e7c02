/*
 * test/bench: how soon a new process goes on where a killed one was: from the start of a program to
 * the moment at which it holds the run and has replayed its 100 steps, beyond the start of a bare
 * program that opens the same file and reads one row.
 *
 * Each program ends by SIGKILL as soon as it has said that it is there. So each one that takes over
 * has a killed predecessor, and both kinds find the file as such a death leaves it: with a WAL that
 * nobody has closed.
 */
#include "fixture.h"
#include "rows.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STARTS 101
#define TAKEOVER_BAR_MS 5

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

_Noreturn static void become(const char *program, const char *path, int out)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    execl(program, program, path, (char *)NULL);
    _exit(127);
}

/* From before its start to its word, in ms. */
static double start_and_kill(const char *program, const char *path)
{
    double began = 0;
    double took = 0;
    char word = 0;
    int pipes[2];
    ssize_t got = 0;
    pid_t child = 0;

    if (pipe2(pipes, O_CLOEXEC) != 0)
        bench_die("pipe: %s", strerror(errno));
    began = now_ms();
    child = fork();
    if (child == 0)
        become(program, path, pipes[1]);
    close(pipes[1]);
    got = read(pipes[0], &word, 1);
    took = now_ms() - began;
    close(pipes[0]);
    if (child < 0 || got != 1)
        bench_die("%s has failed", program);
    kill(child, SIGKILL);
    if (waitpid(child, NULL, 0) != child)
        bench_die("waiting for %s: %s", program, strerror(errno));
    return took;
}

/* A run that is claimed again and again without recording anything would be parked. The WAL stays
 * behind, short. */
static void forget_claims(const char *path)
{
    sqlite3 *db = bench_open(path, "NORMAL");

    bench_sqlite(db, sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), "keeping");
    bench_execute(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    bench_execute(db, "UPDATE durable_claims SET claims = 1");
    bench_close(db);
}

static void begin_file(const char *path)
{
    fixture_log fixture;

    fixture_open(&fixture, path, "NORMAL");
    fixture_expect(&fixture, dur_start(fixture.log, "takeover", "killed", NULL), DUR_OK,
                   "starting a run");
    fixture_close(&fixture);
    start_and_kill(BENCH_TAKEOVER, path); /* records the steps */
}

static void check_claims(const char *path, int64_t expected)
{
    sqlite3 *db = bench_open(path, "NORMAL");
    int64_t claims = bench_query_integer(db, "SELECT sum(epoch) FROM durable_claims");

    if (claims != expected)
        bench_die("taking over: %lld claims instead of %lld", (long long)claims,
                  (long long)expected);
    bench_close(db);
}

void bench_takeover(const bench_options *options)
{
    int starts = (int)bench_scaled(options, STARTS, 3);
    double *bare = bench_allocate((size_t)starts * sizeof *bare);
    double *beyond = bench_allocate((size_t)starts * sizeof *beyond);
    char path[4096];

    if (bench_wanted(options, "takeover")) {
        snprintf(path, sizeof path, "%s", bench_path(options, "takeover"));
        begin_file(path);
        for (int i = 0; i < starts; i++) {
            forget_claims(path);
            bare[i] = start_and_kill(BENCH_BARE, path);
            forget_claims(path);
            beyond[i] = start_and_kill(BENCH_TAKEOVER, path) - bare[i];
        }
        check_claims(path, starts + 1);
        bench_remove_database(path);
        bench_print_row(options,
                        &(bench_row){.name = "takeover",
                                     .unit = "ms beyond",
                                     .value = bench_quantile(beyond, (size_t)starts, 0.5),
                                     .baseline = bench_quantile(bare, (size_t)starts, 0.5),
                                     .bar_of = BENCH_BAR_OF_VALUE,
                                     .bar = TAKEOVER_BAR_MS});
    }
    free(bare);
    free(beyond);
}
