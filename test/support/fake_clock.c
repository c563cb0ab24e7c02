/* test/support: time, sleep, chance and the other callbacks of dur_options, in a test's hand. */
#include "support/fake_clock.h"

#include <stdio.h>

static int64_t now_ms(void *user)
{
    fake_clock *clock = user;
    int64_t now = clock->now_ms;

    clock->readings++;
    clock->now_ms += clock->tick_ms;
    return now;
}

static void sleep_ms(int64_t duration_ms, void *user)
{
    fake_clock *clock = user;

    clock->sleeps++;
    clock->slept_ms += duration_ms;
    clock->now_ms += duration_ms;
    if (clock->on_sleep) clock->on_sleep(clock->on_sleep_user);
}

static void random_bytes(void *bytes, size_t count, void *user)
{
    fake_clock *clock = user;
    unsigned char *to = bytes;

    clock->random_bytes += (int64_t)count;
    while (count > 0) {
        uint64_t number = fake_clock_random(clock);
        size_t part = count < sizeof number ? count : sizeof number;

        memcpy(to, &number, part);
        to += part;
        count -= part;
    }
}

static int owner_alive(const char *owner_mark, void *user)
{
    fake_clock *clock = user;

    clock->owner_questions++;
    snprintf(clock->last_owner, sizeof clock->last_owner, "%s", owner_mark);
    return clock->owner_alive;
}

static void warn(const char *message, void *user)
{
    fake_clock *clock = user;

    clock->warnings++;
    snprintf(clock->last_warning, sizeof clock->last_warning, "%s", message);
}

void fake_clock_init(fake_clock *clock, uint64_t seed)
{
    memset(clock, 0, sizeof *clock);
    clock->now_ms = FAKE_CLOCK_START_MS;
    clock->random_state = seed;
    clock->owner_alive = DUR_OWNER_UNKNOWN;
}

void fake_clock_install(fake_clock *clock, dur_options *options)
{
    options->now_ms = now_ms;
    options->sleep = sleep_ms;
    options->random = random_bytes;
    options->owner_alive = owner_alive;
    options->warn = warn;
    options->user = clock;
}

void fake_clock_advance(fake_clock *clock, int64_t by_ms)
{
    clock->now_ms += by_ms;
}

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
uint64_t fake_clock_random(fake_clock *clock)
{
    uint64_t z;

    clock->random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = clock->random_state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
