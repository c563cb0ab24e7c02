/* test/bench: instructions of a piece of work, by executing this program again under callgrind. */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a file of its own, so that it is neither inlined nor cloned: callgrind finds it by name. */
void bench_counted(bench_work *work, void *context, int64_t count)
{
    work(context, count);
}

#define LINE_MAX_ARGUMENTS 32

static void execute_counted(const bench_options *options, const char *const *arguments,
                            const char *output)
{
    char scale[32];
    char seed[32];
    const char *line[LINE_MAX_ARGUMENTS] = {
        "valgrind", "-q", "--tool=callgrind", "--collect-atstart=no",
        "--toggle-collect=bench_counted", output, options->program, "--directory",
        options->directory, "--scale", scale, "--seed", seed,
        options->serialized ? "--serialized" : "--no-mutex", "--counted"};
    size_t length = 15;

    snprintf(scale, sizeof scale, "%.17g", options->scale);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)options->seed);
    for (size_t i = 0; arguments[i] && length < LINE_MAX_ARGUMENTS - 1; i++)
        line[length++] = arguments[i];
    execvp(line[0], (char *const *)(uintptr_t)line);
    _exit(errno == ENOENT ? 127 : 126);
}

static double read_summary(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[512];
    double total = -1;

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "summary: ", 9) == 0 || strncmp(line, "totals: ", 8) == 0)
            total = strtod(strchr(line, ' '), NULL);
    if (file)
        fclose(file);
    return total;
}

double bench_count_instructions(const bench_options *options, const char *const *arguments,
                                const char **reason)
{
    static const char option[] = "--callgrind-out-file=";
    char output[4200];
    const char *path = output + sizeof option - 1;
    const char *profile = getenv("DUR_BENCH_PROFILE"); /* a folder to keep the profile in */
    double total = -1;
    int status = 0;
    pid_t child = 0;

    snprintf(output, sizeof output, "%s%s/callgrind.%s.%s", option,
             profile ? profile : options->directory, arguments[0], arguments[1]);
    fflush(stdout);
    child = fork();
    if (child == 0)
        execute_counted(options, arguments, output);
    if (child < 0 || waitpid(child, &status, 0) != child)
        bench_die("starting valgrind: %s", strerror(errno));
    *reason = "valgrind is not installed";
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return -1;
    *reason = "valgrind could not run the program";
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        total = read_summary(path);
    return total;
}
