/*
 * test/crash: a run survives kill -9 at random instants, as often as it comes. DUR_SEED gives the
 * seed, DUR_CRASH_ROUNDS the number of runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/crash_run.h"
#include "support/fake_clock.h"
#include "support/process.h"

#include <stdio.h>
#include <stdlib.h>

/* Fewer kills in a row than DUR_CLAIMS_MAX: no run is parked. */
#define KILLS_MAX (DUR_CLAIMS_MAX - 2)

static crash_book *book;

static int setup(void **state)
{
    (void)state;
    book = process_share(sizeof *book);
    return book && place_make(&book->here) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    place_remove(&book->here);
    process_unshare(book, sizeof *book);
    return 0;
}

static int64_t number_from(const char *variable, int64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoll(text, NULL, 10) : otherwise;
}

/* How long a child takes that nobody kills. */
static int64_t undisturbed_us(void)
{
    int64_t began = process_now_us();
    process_end end;

    crash_book_reset(book);
    end = process_run(crash_child, book);
    assert_true(end.exited && end.code == 0);
    return process_now_us() - began;
}

/* Kill until it finishes; gives the number of kills. */
static int64_t kill_until_finished(fake_clock *chance, int64_t span_us, const char *where)
{
    int64_t kills = 0;
    process_end end;

    crash_book_reset(book);
    do {
        pid_t pid = process_start(crash_child, book);

        if (kills < KILLS_MAX)
            end = process_kill_after(pid, (int64_t)(fake_clock_random(chance) % (uint64_t)span_us));
        else
            end = process_wait(pid);
        kills += !end.exited;
    } while (!end.exited);
    if (end.code != 0) print_error("%s: %s: %s\n", where, dur_code_name(book->code), book->message);
    assert_int_equal(end.code, 0);
    assert_int_equal(book->sleeps, 0);
    assert_int_equal(crash_check(book, where), 0);
    return kills;
}

static void a_run_survives_kills_at_random_instants(void **state)
{
    uint64_t seed = (uint64_t)number_from("DUR_SEED", process_now_us());
    int64_t rounds = number_from("DUR_CRASH_ROUNDS", 100);
    int64_t kills = 0;
    fake_clock chance;

    (void)state;
    printf("crash: DUR_SEED=%llu DUR_CRASH_ROUNDS=%lld\n", (unsigned long long)seed,
           (long long)rounds);
    fake_clock_init(&chance, seed);
    for (int64_t round = 0; round < rounds; round++) {
        char where[64];
        int64_t span_us;

        book->journal_mode = round % 2 ? "DELETE" : "WAL";
        span_us = undisturbed_us();
        snprintf(where, sizeof where, "%s, round %lld", book->journal_mode, (long long)round);
        kills += kill_until_finished(&chance, span_us, where);
    }
    printf("crash: %lld kills at random instants\n", (long long)kills);
    assert_true(kills > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_survives_kills_at_random_instants),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
