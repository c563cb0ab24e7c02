/* test/unit: law 7: time, chance and sleep are the host's where it wants them, else SQLite's; and
 * reckoning with times stops at the ends of their numbers. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/fake_clock.h"
#include "support/process.h"

#include <time.h>

static void without_callbacks_the_clock_is_the_systems(void **state)
{
    const dur_options options = DUR_OPTIONS_INIT;
    durable_clock clock;
    int64_t before = (int64_t)time(NULL) * 1000, now;

    (void)state;
    durable_clock_init(&clock, &options);
    now = durable_clock_now(&clock);
    assert_true(now >= before - 1000 && now <= (int64_t)time(NULL) * 1000 + 1000);
    durable_clock_sleep(&clock, 0);
    assert_true(durable_clock_now(&clock) >= now);
}

static void without_callbacks_no_two_draws_are_alike(void **state)
{
    const dur_options options = DUR_OPTIONS_INIT;
    durable_clock first, second;
    uint64_t numbers[200];

    (void)state;
    durable_clock_init(&first, &options);
    durable_clock_init(&second, &options);
    for (size_t i = 0; i < 200; i++) {
        durable_clock_random(i % 2 ? &first : &second, &numbers[i], sizeof numbers[i]);
        for (size_t j = 0; j < i; j++) assert_true(numbers[i] != numbers[j]);
    }
}

static int draw(void *user)
{
    const dur_options options = DUR_OPTIONS_INIT;
    durable_clock clock;

    durable_clock_init(&clock, &options);
    durable_clock_random(&clock, user, sizeof(uint64_t));
    return 0;
}

/* Processes that share a past must not share a future: the fence depends on it. */
static void forked_processes_draw_apart(void **state)
{
    uint64_t *shared = process_share(2 * sizeof *shared), warm;

    (void)state;
    assert_non_null(shared);
    draw(&warm); /* SQLite's generator is seeded before the forks */
    process_run(draw, &shared[0]);
    process_run(draw, &shared[1]);
    assert_true(shared[0] != 0 && shared[1] != 0 && shared[0] != shared[1]);
    process_unshare(shared, 2 * sizeof *shared);
}

static void with_callbacks_everything_is_the_hosts(void **state)
{
    dur_options options = DUR_OPTIONS_INIT;
    fake_clock fake, same;
    durable_clock clock;
    uint64_t drawn, expected;

    (void)state;
    fake_clock_init(&fake, 7);
    fake_clock_init(&same, 7);
    fake_clock_install(&fake, &options);
    durable_clock_init(&clock, &options);
    assert_true(durable_clock_now(&clock) == FAKE_CLOCK_START_MS);
    durable_clock_sleep(&clock, 1234);
    assert_true(fake.slept_ms == 1234);
    assert_true(durable_clock_now(&clock) == FAKE_CLOCK_START_MS + 1234);
    durable_clock_random(&clock, &drawn, sizeof drawn);
    expected = fake_clock_random(&same);
    assert_true(drawn == expected);
}

static void times_stop_at_the_ends_of_their_numbers(void **state)
{
    (void)state;
    assert_true(durable_time_after(1000, 500) == 1500);
    assert_true(durable_time_after(-1000, 500) == -500);
    assert_true(durable_time_after(INT64_MIN, INT64_MAX) == -1);
    assert_true(durable_time_after(1, INT64_MAX) == INT64_MAX);
    assert_true(durable_time_after(INT64_MAX, 0) == INT64_MAX);
    assert_true(durable_time_after(INT64_MAX, 1) == INT64_MAX);

    assert_true(durable_time_between(1000, 1500) == 500);
    assert_true(durable_time_between(-500, 500) == 1000);
    assert_true(durable_time_between(1500, 1000) == 0);
    assert_true(durable_time_between(INT64_MAX, INT64_MIN) == 0);
    assert_true(durable_time_between(INT64_MIN, INT64_MAX) == INT64_MAX);
    assert_true(durable_time_between(INT64_MIN, -1) == INT64_MAX);
    assert_true(durable_time_between(-1, INT64_MAX) == INT64_MAX);
    assert_true(durable_time_between(0, INT64_MAX) == INT64_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_callbacks_the_clock_is_the_systems),
        cmocka_unit_test(without_callbacks_no_two_draws_are_alike),
        cmocka_unit_test(forked_processes_draw_apart),
        cmocka_unit_test(with_callbacks_everything_is_the_hosts),
        cmocka_unit_test(times_stop_at_the_ends_of_their_numbers),
    };

    return cmocka_run_group_tests_name("unit.clock", tests, NULL, NULL);
}
