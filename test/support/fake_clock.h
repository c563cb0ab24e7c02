/*
 * test/support: time, sleep, chance and the other callbacks of dur_options, in a test's hand.
 *
 *     fake_clock clock;
 *     dur_options options = DUR_OPTIONS_INIT;
 *
 *     fake_clock_init(&clock, 1);
 *     fake_clock_install(&clock, &options);
 *     ...
 *     fake_clock_advance(&clock, 700000);
 *
 * The five callbacks of dur_options share one user pointer, so all five live here. The struct has
 * no pointers of its own but those to the hooks, so that it can also lie in memory that a test
 * shares with its children.
 */
#ifndef FAKE_CLOCK_H
#define FAKE_CLOCK_H

#include "durable.h"

/* What the clock says after fake_clock_init(): 2026-01-01 00:00:00 UTC. */
#define FAKE_CLOCK_START_MS ((int64_t)1767225600000)

typedef struct fake_clock {
    int64_t now_ms;
    int64_t tick_ms; /* each reading advances the clock by this; 0: time stands still */
    int64_t readings;

    int64_t sleeps; /* how often the library slept, and for how long; sleeping takes no time but
                     * advances the clock */
    int64_t slept_ms;
    void (*on_sleep)(void *user); /* called in each sleep, to let go of a lock for example */
    void *on_sleep_user;

    uint64_t random_state; /* splitmix64 */
    int64_t random_bytes;  /* handed out so far */

    int owner_alive; /* what to answer: DUR_OWNER_UNKNOWN, DUR_OWNER_ALIVE or DUR_OWNER_DEAD */
    int64_t owner_questions;
    char last_owner[256];

    int64_t warnings;
    char last_warning[1024];
} fake_clock;

/* Start at FAKE_CLOCK_START_MS, standing still, all counters 0, random numbers from `seed`. Two
 * clocks that take part in one log need different seeds: the fence depends on it. */
void fake_clock_init(fake_clock *clock, uint64_t seed);

/* Set the five callbacks and their user pointer; the other options stay as they are. The clock
 * must outlive the log. */
void fake_clock_install(fake_clock *clock, dur_options *options);

void fake_clock_advance(fake_clock *clock, int64_t by_ms);

/* The next number of the clock's generator, for tests that need chance of their own. */
uint64_t fake_clock_random(fake_clock *clock);

#endif
