/* test/bench: durable_bench, the library's costs as ratios to hand-written SQLite. */
#include "bench.h"
#include "rows.h"
#include "shapes.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] =
    "usage: durable_bench [options]\n"
    "  --json          one JSON object a line: name, value, unit, baseline, ratio, bar, pass\n"
    "  --only PREFIX   only rows whose name begins so\n"
    "  --rounds N      rounds of each race (default: each row's own)\n"
    "  --scale F       times every number of rows, runs and steps (default 1)\n"
    "  --seed N        of every choice of a run (default 1)\n"
    "  --check         exit code 1 if a bar is missed\n"
    "  --serialized    connections that lock their mutex at each call, as with sqlite3_open()\n"
    "                  (default: SQLITE_OPEN_NOMUTEX, one thread at a time)\n"
    "  --shapes        compare table shapes and places for the fence, in raw SQLite\n"
    "value is a median over interleaved rounds, baseline that of raw SQLite doing the same, and\n"
    "ratio the median over the rounds of the one divided by the other in the same round.\n"
    "The baseline of due.1m and wake.1m is their row of 1,000 sleepers, and that of takeover the\n"
    "start of a bare program.\n"
    "Databases (up to 2 GB) are made under TMPDIR, or /tmp, and removed.\n";

_Noreturn static void explain(void)
{
    fputs(usage, stderr);
    exit(2);
}

static const char *argument_of(char **arguments, int *at)
{
    if (!arguments[*at + 1])
        explain();
    *at += 1;
    return arguments[*at];
}

/* Gives the arguments of a counted piece of work, NULL in the ordinary case. */
static char **read_options(bench_options *options, char **arguments)
{
    for (int i = 1; arguments[i]; i++) {
        const char *name = arguments[i];

        if (strcmp(name, "--json") == 0)
            options->json = true;
        else if (strcmp(name, "--check") == 0)
            options->check = true;
        else if (strcmp(name, "--shapes") == 0)
            options->shapes = true;
        else if (strcmp(name, "--serialized") == 0)
            options->serialized = true;
        else if (strcmp(name, "--no-mutex") == 0)
            options->serialized = false;
        else if (strcmp(name, "--only") == 0)
            options->only = argument_of(arguments, &i);
        else if (strcmp(name, "--rounds") == 0)
            options->rounds = atoi(argument_of(arguments, &i));
        else if (strcmp(name, "--scale") == 0)
            options->scale = atof(argument_of(arguments, &i));
        else if (strcmp(name, "--seed") == 0)
            options->seed = strtoull(argument_of(arguments, &i), NULL, 10);
        else if (strcmp(name, "--directory") == 0)
            options->directory = argument_of(arguments, &i);
        else if (strcmp(name, "--counted") == 0 && arguments[i + 1] && arguments[i + 2])
            return arguments + i + 1;
        else
            explain();
    }
    if (options->rounds < 0 || !(options->scale > 0))
        explain();
    return NULL;
}

static int run_all(const bench_options *options)
{
    bench_print_head(options);
    if (options->shapes) {
        bench_shapes(options);
    } else {
        bench_record(options);
        bench_replay(options);
        bench_check(options);
        bench_resumption(options);
        bench_attempt(options);
        bench_transaction(options);
        bench_due(options);
        bench_signal(options);
        bench_lifecycle(options);
        bench_children(options);
        bench_restart(options);
        bench_history(options);
        bench_retain(options);
        bench_takeover(options);
        bench_size(options);
    }
    return bench_print_foot(options) || !options->check ? 0 : 1;
}

static volatile pid_t child;

static void end_child(int signal_number)
{
    kill(child, signal_number);
}

/* In a process of its own, so that the databases go away however it ends. */
static int run_in_child(bench_options *options)
{
    char directory[4000];
    const char *base = getenv("TMPDIR");
    int status = 0;

    snprintf(directory, sizeof directory, "%s/durable_bench.XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(directory))
        bench_die("%s: %s", directory, strerror(errno));
    options->directory = directory;
    child = fork();
    if (child == 0)
        exit(run_all(options));
    signal(SIGINT, end_child); /* and what was interrupted goes on */
    signal(SIGTERM, end_child);
    if (child < 0 || waitpid(child, &status, 0) != child)
        fprintf(stderr, "durable_bench: %s\n", strerror(errno));
    bench_remove_directory(directory);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

/* The program is its own child under callgrind. */
static int run_counted(const bench_options *options, char **arguments)
{
    if (strcmp(arguments[0], "shape") == 0)
        bench_shapes_counted(options, arguments + 1);
    else if (strcmp(arguments[0], "record") == 0)
        bench_record_counted(options, arguments[1]);
    else if (strcmp(arguments[0], "replay") == 0)
        bench_replay_counted(options, arguments[1]);
    else if (strcmp(arguments[0], "resume") == 0)
        bench_resumption_counted(options, arguments[1]);
    else if (strcmp(arguments[0], "lifecycle") == 0)
        bench_lifecycle_counted(options, arguments[1]);
    else
        explain();
    return 0;
}

int main(int argument_count, char **arguments)
{
    static char program[4096];
    bench_options options = {.only = "", .scale = 1, .seed = 1, .program = program};
    char **counted = NULL;

    if (argument_count < 1 || readlink("/proc/self/exe", program, sizeof program - 1) < 0)
        explain();
    counted = read_options(&options, arguments);
    if (options.serialized)
        bench_serialize();
    if (!counted)
        return run_in_child(&options);
    return run_counted(&options, counted);
}
