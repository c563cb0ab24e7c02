/* base: time, random numbers and sleep, all of which the host can replace. */
#ifndef DURABLE_CLOCK_H
#define DURABLE_CLOCK_H

#include "base/base.h"

#define DURABLE_SALT_SIZE 16

typedef struct durable_clock {
    int64_t (*now_ms)(void *user);
    void (*random)(void *bytes, size_t count, void *user);
    void (*sleep)(int64_t duration_ms, void *user);
    void *user;
    void *vfs; /* the default VFS, whose clock is used where the host gave none */
    unsigned char salt[DURABLE_SALT_SIZE]; /* mixed into SQLite's random numbers */
} durable_clock;

/* NULL callbacks get SQLite's own. */
DURABLE_INTERNAL void durable_clock_init(durable_clock *clock, const dur_options *options);

DURABLE_INTERNAL int64_t durable_clock_now(const durable_clock *clock);
DURABLE_INTERNAL void durable_clock_random(const durable_clock *clock, void *bytes, size_t count);
DURABLE_INTERNAL void durable_clock_sleep(const durable_clock *clock, int64_t duration_ms);

/* Reckoning with times that a host's clock or an edited log may put anywhere: it stops at the ends
 * of int64_t. `duration_ms` is not negative; from `from` to `to`: 0 where that lies behind. */
DURABLE_INTERNAL int64_t durable_time_after(int64_t from, int64_t duration_ms);
DURABLE_INTERNAL int64_t durable_time_between(int64_t from, int64_t to);

/* The first us of a ms, stopping likewise; its last one is 999 later. */
DURABLE_INTERNAL int64_t durable_time_us(int64_t ms);

#define DURABLE_TIME_SIZE 48

/* A time for people, "2026-11-22 08:00:00 UTC"; any int64_t fits. */
DURABLE_INTERNAL void durable_time_print(char text[DURABLE_TIME_SIZE], int64_t ms);

#endif
