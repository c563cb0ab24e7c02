/* test/bench: races between ways to do the same work: medians of interleaved rounds. */
#include "bench.h"

#include <stdlib.h>
#include <time.h>

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double paused_ns;
static double paused_since_ns;

void bench_pause(void)
{
    paused_since_ns = now_ns();
}

void bench_resume(void)
{
    paused_ns += now_ns() - paused_since_ns;
}

static double time_once(const bench_racer *racer, int64_t count)
{
    double start = now_ns();

    paused_ns = 0;
    racer->work(racer->context, count);
    return (now_ns() - start - paused_ns) / (double)count;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *numbers, int count)
{
    qsort(numbers, (size_t)count, sizeof *numbers, compare);
    return count % 2 ? numbers[count / 2] : (numbers[count / 2 - 1] + numbers[count / 2]) / 2;
}

double bench_quantile(double *numbers, size_t count, double quantile)
{
    size_t rank = (size_t)((double)count * quantile);

    qsort(numbers, count, sizeof *numbers, compare);
    return numbers[rank < count ? rank : count - 1];
}

/* times[racer * rounds + round], in ns of one piece of work. */
static void run_rounds(bench_racer *racers, size_t racer_count, int64_t count, int rounds,
                       double *times)
{
    for (int round = -1; round < rounds; round++) {
        for (size_t i = 0; i < racer_count; i++) {
            size_t racer = (i + (size_t)(round + 1)) % racer_count;
            double time = time_once(&racers[racer], count);

            if (round >= 0)
                times[racer * (size_t)rounds + (size_t)round] = time;
        }
    }
}

void bench_race(bench_racer *racers, size_t racer_count, int64_t count, int rounds)
{
    double *times = bench_allocate(racer_count * (size_t)rounds * sizeof *times);
    double *ratios = bench_allocate((size_t)rounds * sizeof *ratios);

    run_rounds(racers, racer_count, count, rounds, times);
    for (size_t i = 0; i < racer_count; i++) {
        for (int round = 0; round < rounds; round++)
            ratios[round] = times[i * (size_t)rounds + (size_t)round] / times[round];
        racers[i].ratio = median(ratios, rounds);
        if (i > 0) /* sorting destroys the order that the ratios need: the first comes last */
            racers[i].median_ns = median(times + i * (size_t)rounds, rounds);
    }
    racers[0].median_ns = median(times, rounds);
    free(ratios);
    free(times);
}
