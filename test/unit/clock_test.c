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
    /* time() knows seconds only, and may lag behind by a tick: it still tells the old second in the
     * first ms of a new one. */
    assert_true(now >= before - 1000 && now <= (int64_t)time(NULL) * 1000 + 2000);
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

static void assert_time(int64_t ms, const char *expected)
{
    char text[DURABLE_TIME_SIZE];

    durable_time_print(text, ms);
    assert_string_equal(text, expected);
}

static void times_are_told_as_dates(void **state)
{
    (void)state;
    assert_time(0, "1970-01-01 00:00:00 UTC");
    assert_time(999, "1970-01-01 00:00:00 UTC");
    assert_time(-1, "1969-12-31 23:59:59 UTC");
    assert_time(FAKE_CLOCK_START_MS, "2026-01-01 00:00:00 UTC");
    assert_time(INT64_C(951782399999), "2000-02-28 23:59:59 UTC");
    assert_time(INT64_C(951782400000), "2000-02-29 00:00:00 UTC");
    assert_time(INT64_C(1709251199001), "2024-02-29 23:59:59 UTC");
    assert_time(INT64_C(4107542400000), "2100-03-01 00:00:00 UTC");
    assert_time(INT64_C(253402300799999), "9999-12-31 23:59:59 UTC");
}

/* Whatever an edited log holds can be told. */
static void all_times_can_be_told(void **state)
{
    (void)state;
    assert_time(INT64_C(253402300800000), "10000-01-01 00:00:00 UTC");
    assert_time(INT64_C(-62162035200000), "0-03-01 00:00:00 UTC");
    assert_time(INT64_C(-62162035200001), "0-02-29 23:59:59 UTC");
    assert_time(INT64_MAX, "292278994-08-17 07:12:55 UTC");
    assert_time(INT64_MIN, "-292275055-05-16 16:47:04 UTC");
}

/* Every day of some centuries, against the C library's calendar. */
static void dates_are_those_of_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = -25000; day <= 80000; day++) {
        time_t seconds = (time_t)(day * 86400 + 43200);
        const struct tm *date = gmtime(&seconds);
        char text[DURABLE_TIME_SIZE], expected[DURABLE_TIME_SIZE];

        assert_non_null(date);
        assert_true(strftime(expected, sizeof expected, "%Y-%m-%d %H:%M:%S UTC", date) > 0);
        durable_time_print(text, (int64_t)seconds * 1000);
        assert_string_equal(text, expected);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_callbacks_the_clock_is_the_systems),
        cmocka_unit_test(without_callbacks_no_two_draws_are_alike),
        cmocka_unit_test(forked_processes_draw_apart),
        cmocka_unit_test(with_callbacks_everything_is_the_hosts),
        cmocka_unit_test(times_stop_at_the_ends_of_their_numbers),
        cmocka_unit_test(times_are_told_as_dates),
        cmocka_unit_test(all_times_can_be_told),
        cmocka_unit_test(dates_are_those_of_the_c_library),
    };

    return cmocka_run_group_tests_name("unit.clock", tests, NULL, NULL);
}
