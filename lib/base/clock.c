/* base: time, random numbers and sleep, all of which the host can replace. */
#include "base/clock.h"

#include <limits.h>
#include <sqlite3.h>

/* SQLite counts milliseconds from noon in Greenwich on November 24, 4714 BC (Julian day 0). */
#define JULIAN_MS_OF_UNIX_EPOCH INT64_C(210866760000000)
#define MS_PER_DAY 86400000.0

/* Processes that were forked after SQLite's first random number would go on drawing the same ones:
 * each log mixes in bytes that it has from the operating system. */
static void draw_salt(sqlite3_vfs *vfs, unsigned char salt[DURABLE_SALT_SIZE])
{
    if (vfs) vfs->xRandomness(vfs, DURABLE_SALT_SIZE, (char *)salt);
}

DURABLE_INTERNAL void durable_clock_init(durable_clock *clock, const dur_options *options)
{
    clock->now_ms = options->now_ms;
    clock->random = options->random;
    clock->sleep = options->sleep;
    clock->user = options->user;
    clock->vfs = sqlite3_vfs_find(NULL);
    memset(clock->salt, 0, sizeof clock->salt);
    if (!clock->random) draw_salt(clock->vfs, clock->salt);
}

static int64_t vfs_now(sqlite3_vfs *vfs)
{
    sqlite3_int64 julian_ms = 0;
    double julian_days = 0;

    if (!vfs) return 0;
    if (vfs->iVersion >= 2 && vfs->xCurrentTimeInt64) {
        vfs->xCurrentTimeInt64(vfs, &julian_ms);
    } else {
        vfs->xCurrentTime(vfs, &julian_days);
        julian_ms = (sqlite3_int64)(julian_days * MS_PER_DAY);
    }
    return julian_ms - JULIAN_MS_OF_UNIX_EPOCH;
}

DURABLE_INTERNAL int64_t durable_clock_now(const durable_clock *clock)
{
    return clock->now_ms ? clock->now_ms(clock->user) : vfs_now(clock->vfs);
}

DURABLE_INTERNAL void durable_clock_random(const durable_clock *clock, void *bytes, size_t count)
{
    unsigned char *drawn = bytes;

    if (clock->random) {
        clock->random(bytes, count, clock->user);
        return;
    }
    sqlite3_randomness((int)count, bytes);
    for (size_t i = 0; i < count; i++) drawn[i] ^= clock->salt[i % DURABLE_SALT_SIZE];
}

DURABLE_INTERNAL void durable_clock_sleep(const durable_clock *clock, int64_t duration_ms)
{
    if (clock->sleep)
        clock->sleep(duration_ms, clock->user);
    else
        sqlite3_sleep(duration_ms > INT_MAX ? INT_MAX : (int)duration_ms);
}

DURABLE_INTERNAL int64_t durable_time_after(int64_t from, int64_t duration_ms)
{
    return from > INT64_MAX - duration_ms ? INT64_MAX : from + duration_ms;
}

DURABLE_INTERNAL int64_t durable_time_between(int64_t from, int64_t to)
{
    if (to <= from) return 0;
    return from < 0 && to > INT64_MAX + from ? INT64_MAX : to - from;
}
