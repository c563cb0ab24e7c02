/* base: time, random numbers and sleep, all of which the host can replace. */
#include "base/clock.h"

#include <limits.h>
#include <sqlite3.h>

/* SQLite counts milliseconds from noon in Greenwich on November 24, 4714 BC (Julian day 0). */
#define JULIAN_MS_OF_UNIX_EPOCH INT64_C(210866760000000)
#define MS_PER_DAY 86400000.0

DURABLE_INTERNAL void durable_clock_init(durable_clock *clock, const dur_options *options)
{
    clock->now_ms = options->now_ms;
    clock->random = options->random;
    clock->sleep = options->sleep;
    clock->user = options->user;
    clock->vfs = sqlite3_vfs_find(NULL);
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
    if (clock->random)
        clock->random(bytes, count, clock->user);
    else
        sqlite3_randomness((int)count, bytes);
}

DURABLE_INTERNAL void durable_clock_sleep(const durable_clock *clock, int64_t duration_ms)
{
    if (clock->sleep)
        clock->sleep(duration_ms, clock->user);
    else
        sqlite3_sleep(duration_ms > INT_MAX ? INT_MAX : (int)duration_ms);
}
