/* base: time, random numbers and sleep, all of which the host can replace. */
#include "base/clock.h"

#include "base/text.h"

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

DURABLE_INTERNAL int64_t durable_time_us(int64_t ms)
{
    if (ms > INT64_MAX / 1000) return INT64_MAX;
    return ms < INT64_MIN / 1000 ? INT64_MIN : ms * 1000;
}

DURABLE_INTERNAL int64_t durable_time_between(int64_t from, int64_t to)
{
    if (to <= from) return 0;
    return from < 0 && to > INT64_MAX + from ? INT64_MAX : to - from;
}

/* Rounds down, also below zero. */
static int64_t divide(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

/* The civil date, in years that begin on March 1, so that the leap day is the last one: Howard
 * Hinnant, "chrono-Compatible Low-Level Date Algorithms" (civil_from_days). */
DURABLE_INTERNAL void durable_time_print(char text[DURABLE_TIME_SIZE], int64_t ms)
{
    int64_t seconds = divide(ms, 1000), day_since_1970 = divide(seconds, 86400);
    int64_t second_of_day = seconds - day_since_1970 * 86400;
    int64_t days = day_since_1970 + 719468; /* since March 1 of the year 0 */
    int64_t era = divide(days, 146097), of_era = days - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* from March */
    int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
    int64_t year = year_of_era + era * 400 + (month >= 10);

    durable_print(text, DURABLE_TIME_SIZE, "%lld-%02lld-%02lld %02lld:%02lld:%02lld UTC",
                  (long long)year, (long long)(month < 10 ? month + 3 : month - 9), (long long)day,
                  (long long)(second_of_day / 3600), (long long)(second_of_day / 60 % 60),
                  (long long)(second_of_day % 60));
}
