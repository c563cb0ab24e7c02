/*
 * test/bench: how soon a signal is received: from before dur_signal() to the first instruction of
 * the workflow behind its dur_receive().
 *
 * signal.same: the run is woken by the next dur_work() of the sender itself. signal.across: it is
 * woken by another process in dur_work_loop() with its default pauses, which has been idle for so
 * long that they have grown to their full length; the signals come at random moments.
 */
#include "fixture.h"
#include "rows.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAME_SAMPLES 5000
#define ACROSS_SAMPLES 250
#define IDLE_MS 150 /* an idle loop's pauses of 1, 2, 4 … ms have reached their longest by then */
#define SPREAD_MS 50 /* and so long is that */
#define SIGNAL_NAME "answer"
#define WORKFLOW "receiver"

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Where a workflow puts what it has measured: a file that a parent reads, or a number here. */
typedef struct measured {
    int pipe; /* -1: none */
    int64_t latency_ns;
} measured;

/* The signal's value is when it was sent. */
static int receive_one(dur_run *run, void *user)
{
    measured *to = user;
    dur_value sent;

    if (dur_receive(run, SIGNAL_NAME, DUR_FOREVER, &sent) != DUR_OK)
        return 0;
    to->latency_ns = now_ns() - sent.as.integer;
    if (to->pipe >= 0 &&
        write(to->pipe, &to->latency_ns, sizeof to->latency_ns) != sizeof to->latency_ns)
        bench_die("telling a latency: %s", strerror(errno));
    return 0;
}

static void start_run(fixture_log *fixture, int64_t i)
{
    char id[FIXTURE_ID_SIZE];

    fixture_id(id, i);
    fixture_expect(fixture, dur_start(fixture->log, WORKFLOW, id, NULL), DUR_OK, "starting");
}

static void send_to(fixture_log *fixture, int64_t i)
{
    char id[FIXTURE_ID_SIZE];

    fixture_id(id, i);
    fixture_expect(fixture, dur_signal(fixture->log, id, SIGNAL_NAME, dur_integer(now_ns()), NULL),
                   DUR_OK, "sending");
}

static void open_receivers(fixture_log *fixture, const char *path, measured *to)
{
    fixture_open(fixture, path, "NORMAL");
    fixture_expect(fixture, dur_register(fixture->log, WORKFLOW, receive_one, to), DUR_OK,
                   "registering");
}

static void print_quantiles(const bench_options *options, const char *group, double *us,
                            size_t count)
{
    char name[64];

    snprintf(name, sizeof name, "%s.p50", group);
    bench_print_row(options, &(bench_row){.name = name,
                                          .unit = "us",
                                          .value = bench_quantile(us, count, 0.5)});
    snprintf(name, sizeof name, "%s.p99", group);
    bench_print_row(options, &(bench_row){.name = name,
                                          .unit = "us",
                                          .value = bench_quantile(us, count, 0.99)});
}

/* ---- In the same process --------------------------------------------------------------------- */

static void work(fixture_log *fixture)
{
    fixture_expect(fixture, dur_work(fixture->log, NULL, NULL), DUR_OK, "working");
}

static double sample_same(fixture_log *fixture, measured *to, int64_t i)
{
    start_run(fixture, i);
    work(fixture); /* now it waits */
    to->latency_ns = -1;
    send_to(fixture, i);
    work(fixture);
    if (to->latency_ns < 0)
        bench_die("the signal was not received");
    return (double)to->latency_ns / 1e3;
}

static void measure_same(const bench_options *options)
{
    size_t count = (size_t)bench_scaled(options, SAME_SAMPLES, 20);
    double *us = bench_allocate(count * sizeof *us);
    measured to = {.pipe = -1};
    fixture_log fixture;
    char path[4096];

    snprintf(path, sizeof path, "%s", bench_path(options, "signal-same"));
    open_receivers(&fixture, path, &to);
    for (size_t i = 0; i < count; i++)
        us[i] = sample_same(&fixture, &to, (int64_t)i + 1);
    fixture_close(&fixture);
    bench_remove_database(path);
    print_quantiles(options, "signal.same", us, count);
    free(us);
}

/* ---- Across processes ------------------------------------------------------------------------ */

_Noreturn static void receive_for_ever(const char *path, int pipe)
{
    measured to = {.pipe = pipe};
    fixture_log fixture;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    open_receivers(&fixture, path, &to);
    dur_work_loop(fixture.log, NULL);
    bench_die("the loop has ended: %s", dur_errmsg(fixture.log));
}

static double sample_across(fixture_log *fixture, int pipe, bench_random *random, int64_t i)
{
    int64_t latency_ns = 0;

    poll(NULL, 0, (int)(IDLE_MS + bench_random_below(random, SPREAD_MS)));
    send_to(fixture, i);
    if (read(pipe, &latency_ns, sizeof latency_ns) != sizeof latency_ns)
        bench_die("the receiver has failed");
    return (double)latency_ns / 1e3;
}

/* The runs are started first, and the receiver waits in all of them. It says nothing yet: what is
 * heard is its death. */
static void await_receivers(fixture_log *fixture, int pipe)
{
    const char *awake = "SELECT count(*) FROM durable_runs WHERE status <> 5";
    struct pollfd receiver = {.fd = pipe, .events = POLLIN};

    while (bench_query_integer(fixture->db, awake) > 0)
        if (poll(&receiver, 1, 1) > 0)
            bench_die("the receiver has failed");
}

static void send_all(const bench_options *options, const char *path, int pipe, double *us,
                     size_t count)
{
    bench_random random = bench_random_seeded(options->seed);
    fixture_log fixture;

    fixture_open(&fixture, path, "NORMAL");
    for (size_t i = 0; i < count; i++)
        start_run(&fixture, (int64_t)i + 1);
    await_receivers(&fixture, pipe);
    for (size_t i = 0; i < count; i++)
        us[i] = sample_across(&fixture, pipe, &random, (int64_t)i + 1);
    fixture_close(&fixture);
}

static void measure_across(const bench_options *options)
{
    size_t count = (size_t)bench_scaled(options, ACROSS_SAMPLES, 5);
    double *us = bench_allocate(count * sizeof *us);
    fixture_log fixture;
    char path[4096];
    int pipes[2];
    pid_t child = 0;

    snprintf(path, sizeof path, "%s", bench_path(options, "signal-across"));
    fixture_open(&fixture, path, "NORMAL"); /* the file is there, and no connection is open */
    fixture_close(&fixture);
    if (pipe(pipes) != 0)
        bench_die("pipe: %s", strerror(errno));
    fflush(stdout);
    child = fork();
    if (child == 0)
        receive_for_ever(path, pipes[1]);
    close(pipes[1]);
    if (child < 0)
        bench_die("starting a receiver: %s", strerror(errno));
    send_all(options, path, pipes[0], us, count);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(pipes[0]);
    bench_remove_database(path);
    print_quantiles(options, "signal.across", us, count);
    free(us);
}

void bench_signal(const bench_options *options)
{
    if (bench_wanted(options, "signal.same"))
        measure_same(options);
    if (bench_wanted(options, "signal.across"))
        measure_across(options);
}
