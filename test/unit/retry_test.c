/* test/unit: when a step is tried again: intervals, jitter and limits. All of it is pure. */
#include "engine/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/fake_clock.h"

#include <math.h>

static dur_retry given(int64_t initial_ms, double coefficient, int64_t max_interval_ms)
{
    dur_retry policy = DUR_RETRY_INIT;

    policy.initial_ms = initial_ms;
    policy.coefficient = coefficient;
    policy.max_interval_ms = max_interval_ms;
    policy.jitter = DUR_JITTER_NONE;
    return policy;
}

static dur_retry filled(const dur_retry *policy)
{
    const char *problem = "";
    dur_retry full;

    assert_true(durable_retry_fill(policy, &full, &problem));
    assert_null(problem);
    return full;
}

/* ---- Filling in ---- */

static void nothing_given_is_the_defaults_of_the_manual(void **state)
{
    const dur_retry zero = DUR_RETRY_INIT;
    const dur_retry policies[] = {filled(NULL), filled(&zero)};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const dur_retry *full = &policies[i];

        assert_true(full->size == sizeof *full);
        assert_true(full->initial_ms == 1000);
        assert_true(full->coefficient >= 2 && full->coefficient <= 2);
        assert_true(full->max_interval_ms == 100000);
        assert_true(full->max_attempts == 0 && full->max_elapsed_ms == 0);
        assert_int_equal(full->jitter, DUR_JITTER_FULL);
        assert_int_equal(full->exhausted, DUR_EXHAUSTED_FAIL);
        assert_true(full->retryable == NULL);
    }
}

static void the_longest_interval_is_a_hundred_first_ones_or_what_a_number_holds(void **state)
{
    const dur_retry small = given(7, 0, 0), large = given(INT64_MAX / 100, 0, 0);
    const dur_retry larger = given(INT64_MAX / 100 + 1, 0, 0), largest = given(INT64_MAX, 0, 0);

    (void)state;
    assert_true(filled(&small).max_interval_ms == 700);
    assert_true(filled(&large).max_interval_ms == INT64_MAX / 100 * 100);
    assert_true(filled(&larger).max_interval_ms == INT64_MAX);
    assert_true(filled(&largest).max_interval_ms == INT64_MAX);
}

static bool always(const char *message, int64_t attempt, void *user)
{
    return message && attempt > 0 && user;
}

static void what_is_given_stays(void **state)
{
    dur_retry policy = {sizeof policy, 5, 1.5, 50, 7, 900, DUR_JITTER_NONE, DUR_EXHAUSTED_PARK,
                        always, &policy};
    dur_retry full = filled(&policy);

    (void)state;
    assert_true(full.initial_ms == 5 && full.max_interval_ms == 50);
    assert_true(full.coefficient >= 1.5 && full.coefficient <= 1.5);
    assert_true(full.max_attempts == 7 && full.max_elapsed_ms == 900);
    assert_int_equal(full.jitter, DUR_JITTER_NONE);
    assert_int_equal(full.exhausted, DUR_EXHAUSTED_PARK);
    assert_true(full.retryable == always && full.user == &policy);
}

/* A struct of an older header ends early; what it lacks is the default. A newer one's is longer. */
static void structs_of_other_versions_are_read_as_far_as_both_know(void **state)
{
    dur_retry policy = {offsetof(dur_retry, max_attempts), 5, 3, 50, 7, 900, DUR_JITTER_NONE,
                        DUR_EXHAUSTED_PARK, NULL, NULL};
    struct {
        dur_retry known;
        char unknown[64];
    } newer = {DUR_RETRY_INIT, {1}};
    dur_retry full = filled(&policy);

    (void)state;
    assert_true(full.initial_ms == 5 && full.max_interval_ms == 50);
    assert_true(full.max_attempts == 0 && full.max_elapsed_ms == 0);
    assert_int_equal(full.jitter, DUR_JITTER_FULL);
    assert_int_equal(full.exhausted, DUR_EXHAUSTED_FAIL);
    newer.known.size = sizeof newer;
    newer.known.max_attempts = 3;
    full = filled(&newer.known);
    assert_true(full.size == sizeof full && full.max_attempts == 3);
}

static void assert_wrong(const dur_retry *policy, const char *word)
{
    const char *problem = NULL;
    dur_retry full;

    assert_false(durable_retry_fill(policy, &full, &problem));
    assert_non_null(problem);
    assert_true(full.initial_ms >= 0 && full.max_interval_ms >= 0); /* safe to reckon with */
    if (!strstr(problem, word)) fail_msg("\"%s\" does not speak of its %s", problem, word);
}

/* Law 9: each field that is wrong is refused with words of its own. */
static void wrong_policies_are_refused(void **state)
{
    static const double coefficients[] = {-1, -0.5, 0.5, 0.999999, 1000001, 1e300};
    dur_retry policy = DUR_RETRY_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof coefficients / sizeof coefficients[0]; i++) {
        policy.coefficient = coefficients[i];
        assert_wrong(&policy, "coefficient");
    }
    policy.coefficient = (double)NAN;
    assert_wrong(&policy, "coefficient");
    policy.coefficient = (double)INFINITY;
    assert_wrong(&policy, "coefficient");
    policy.coefficient = 0;
    for (int field = 0; field < 4; field++) {
        dur_retry one = policy;
        int64_t *const fields[] = {&one.initial_ms, &one.max_interval_ms, &one.max_attempts,
                                   &one.max_elapsed_ms};

        *fields[field] = -1;
        assert_wrong(&one, "negative");
        *fields[field] = INT64_MIN;
        assert_wrong(&one, "negative");
    }
    for (int wrong = -1; wrong <= 2; wrong += 3) {
        dur_retry one = policy, other = policy;

        one.jitter = wrong;
        assert_wrong(&one, "jitter");
        other.exhausted = wrong;
        assert_wrong(&other, "exhausted");
    }
    policy.size = 0;
    assert_wrong(&policy, "DUR_RETRY_INIT");
    policy.size = sizeof policy.size;
    assert_wrong(&policy, "DUR_RETRY_INIT");
    policy.size = 65537;
    assert_wrong(&policy, "DUR_RETRY_INIT");
}

/* ---- Intervals ---- */

typedef struct interval_row {
    int64_t initial_ms;
    double coefficient;
    int64_t max_interval_ms;
    int64_t attempt;
    int64_t interval_ms;
} interval_row;

static void the_interval_follows_from_the_attempt(void **state)
{
    static const interval_row rows[] = {
        {0, 0, 0, 1, 1000},
        {0, 0, 0, 2, 2000},
        {0, 0, 0, 3, 4000},
        {0, 0, 0, 7, 64000},
        {0, 0, 0, 8, 100000},
        {0, 0, 0, 9, 100000},
        {100, 3, 1000000, 1, 100},
        {100, 3, 1000000, 5, 8100},
        {100, 1.5, 1000000, 4, 337},
        {100, 1, 0, 1, 100},
        {100, 1, 0, 1000000, 100},
        {100, 1, 0, INT64_MAX, 100},
        {500, 2, 300, 1, 300}, /* longer than the longest */
        {500, 2, 300, 5, 300},
        {1, 1000000, INT64_MAX, 2, 1000000},
        {1, 1000000, INT64_MAX, 4, INT64_C(1000000000000000000)},
        {1, 1000000, INT64_MAX, 5, INT64_MAX},
        {1, 2, INT64_MAX, 63, INT64_C(1) << 62},
        {1, 2, INT64_MAX, 64, INT64_MAX},
        {1, 2, INT64_MAX, INT64_MAX, INT64_MAX},
        {0, 0, 0, INT64_MAX, 100000},
        {INT64_MAX, 2, 0, 1, INT64_MAX},
        {INT64_MAX, 1, INT64_MAX, INT64_MAX, INT64_MAX},
        {1, 1, 1, 5, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const interval_row *row = &rows[i];
        const dur_retry policy = given(row->initial_ms, row->coefficient, row->max_interval_ms);
        const dur_retry full = filled(&policy);
        int64_t interval = durable_retry_interval(&full, row->attempt);

        if (interval != row->interval_ms)
            fail_msg("row %d: %lld ms", (int)i, (long long)interval);
    }
}

/* A coefficient hardly above 1, and an attempt's number out of an edited log, take no time. */
static void the_smallest_growth_and_the_largest_attempt_end(void **state)
{
    const dur_retry policy = given(1, 1.0000000000000002, INT64_MAX);
    const dur_retry full = filled(&policy);

    (void)state;
    assert_true(durable_retry_interval(&full, 1000) == 1);
    assert_true(durable_retry_interval(&full, INT64_MAX) == INT64_MAX);
}

static void intervals_never_shrink_and_never_pass_the_longest(void **state)
{
    fake_clock chance;
    const uint64_t seed = 20;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    fake_clock_init(&chance, seed);
    for (int i = 0; i < 2000; i++) {
        const dur_retry policy =
            given((int64_t)(fake_clock_random(&chance) >> (1 + fake_clock_random(&chance) % 62)),
                  1 + (double)(fake_clock_random(&chance) % 1000) / 100,
                  (int64_t)(fake_clock_random(&chance) >> (1 + fake_clock_random(&chance) % 62)));
        const dur_retry full = filled(&policy);
        int64_t before = 0;

        for (int64_t attempt = 1; attempt <= 100; attempt++) {
            int64_t interval = durable_retry_interval(&full, attempt);

            assert_true(interval >= before && interval <= full.max_interval_ms);
            before = interval;
        }
    }
}

/* ---- Jitter ---- */

static void without_jitter_the_pause_is_the_interval(void **state)
{
    const dur_retry policy = given(1000, 2, 60000);
    const dur_retry full = filled(&policy);

    (void)state;
    assert_true(durable_retry_pause(&full, 3, 0) == 4000);
    assert_true(durable_retry_pause(&full, 3, UINT64_MAX) == 4000);
    assert_true(durable_retry_pause(&full, INT64_MAX, 12345) == 60000);
}

static void jitter_stays_between_nothing_and_the_interval(void **state)
{
    static const uint64_t ends[] = {0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    static const int64_t intervals[] = {1, 2, 999, 1000, 100000, INT64_MAX - 1, INT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof intervals / sizeof intervals[0]; i++) {
        dur_retry policy = given(intervals[i], 1, intervals[i]), full;

        policy.jitter = DUR_JITTER_FULL;
        full = filled(&policy);
        for (size_t j = 0; j < sizeof ends / sizeof ends[0]; j++) {
            int64_t pause = durable_retry_pause(&full, 1, ends[j]);

            assert_true(pause >= 0 && pause <= intervals[i]);
        }
    }
}

/* Each pause of a small interval comes up about as often as the others: 11 of them in 110,000
 * draws, each within a tenth of 10,000 (ten standard deviations). */
static void jitter_is_drawn_evenly_with_both_ends(void **state)
{
    const uint64_t seed = 21;
    dur_retry policy = given(10, 1, 10), full;
    int counts[11] = {0};
    fake_clock chance;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    fake_clock_init(&chance, seed);
    policy.jitter = DUR_JITTER_FULL;
    full = filled(&policy);
    for (int i = 0; i < 110000; i++) {
        int64_t pause = durable_retry_pause(&full, 1, fake_clock_random(&chance));

        assert_in_range(pause, 0, 10);
        counts[pause]++;
    }
    for (int i = 0; i <= 10; i++) assert_in_range(counts[i], 9000, 11000);
}

/* ---- Limits ---- */

static bool is_exhausted(int64_t max_attempts, int64_t max_elapsed_ms, int64_t attempt,
                         int64_t began, int64_t due)
{
    dur_retry policy = DUR_RETRY_INIT, full;

    policy.max_attempts = max_attempts;
    policy.max_elapsed_ms = max_elapsed_ms;
    full = filled(&policy);
    return durable_retry_is_exhausted(&full, attempt, began, due);
}

static void attempts_are_used_up_with_the_last_one(void **state)
{
    (void)state;
    assert_true(is_exhausted(1, 0, 1, 0, 0)); /* 1: no retry */
    assert_false(is_exhausted(3, 0, 1, 0, INT64_MAX));
    assert_false(is_exhausted(3, 0, 2, 0, INT64_MAX));
    assert_true(is_exhausted(3, 0, 3, 0, 0));
    assert_true(is_exhausted(3, 0, 4, 0, 0));
    assert_false(is_exhausted(0, 0, INT64_MAX, INT64_MIN, INT64_MAX)); /* no limit */
    assert_false(is_exhausted(INT64_MAX, 0, INT64_MAX - 1, 0, 0));
    assert_true(is_exhausted(INT64_MAX, 0, INT64_MAX, 0, 0));
}

/* No attempt begins later than this after the first began: exactly then it still may. */
static void time_is_used_up_where_the_next_attempt_lies_behind_it(void **state)
{
    (void)state;
    assert_false(is_exhausted(0, 5000, 1, 1000, 6000));
    assert_true(is_exhausted(0, 5000, 1, 1000, 6001));
    assert_true(is_exhausted(9, 5000, 1, 1000, INT64_MAX));
    assert_true(is_exhausted(2, 5000, 2, 1000, 1001)); /* either limit */
    assert_false(is_exhausted(0, 5000, 1, 6000, 1000)); /* a clock that was set back */
    assert_true(is_exhausted(0, INT64_MAX - 1, 1, INT64_MIN, INT64_MAX));
    assert_false(is_exhausted(0, INT64_MAX, 1, INT64_MIN, INT64_MAX));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_given_is_the_defaults_of_the_manual),
        cmocka_unit_test(the_longest_interval_is_a_hundred_first_ones_or_what_a_number_holds),
        cmocka_unit_test(what_is_given_stays),
        cmocka_unit_test(structs_of_other_versions_are_read_as_far_as_both_know),
        cmocka_unit_test(wrong_policies_are_refused),
        cmocka_unit_test(the_interval_follows_from_the_attempt),
        cmocka_unit_test(the_smallest_growth_and_the_largest_attempt_end),
        cmocka_unit_test(intervals_never_shrink_and_never_pass_the_longest),
        cmocka_unit_test(without_jitter_the_pause_is_the_interval),
        cmocka_unit_test(jitter_stays_between_nothing_and_the_interval),
        cmocka_unit_test(jitter_is_drawn_evenly_with_both_ends),
        cmocka_unit_test(attempts_are_used_up_with_the_last_one),
        cmocka_unit_test(time_is_used_up_where_the_next_attempt_lies_behind_it),
    };

    return cmocka_run_group_tests_name("unit.retry", tests, NULL, NULL);
}
