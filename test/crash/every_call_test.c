/*
 * test/crash: a run survives kill -9 at every call. A child is killed at the Nth call that SQLite
 * makes to its VFS, N rising until a child lives to its end; the next one finishes the run, at
 * once: no lease is waited for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/crash_run.h"
#include "support/process.h"

#include <signal.h>
#include <stdio.h>

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

static void print_child(const char *where)
{
    print_error("%s: %s: %s\n", where, dur_code_name(book->code), book->message);
}

/* Kill at `nth`, then finish. False: nobody was killed, the child had less to do than that. */
static bool kill_and_finish(int64_t nth, const char *where)
{
    process_end first;
    process_end second;

    crash_book_reset(book);
    book->kill_at = nth;
    first = process_run(crash_child, book);
    if (first.exited) {
        if (first.code != 0) print_child(where);
        assert_int_equal(first.code, 0);
        assert_int_equal(crash_check(book, where), 0);
        return false;
    }
    assert_int_equal(first.signal, SIGKILL);
    book->kill_at = 0;
    second = process_run(crash_child, book);
    if (!second.exited || second.code != 0) print_child(where);
    assert_true(second.exited);
    assert_int_equal(second.code, 0);
    assert_int_equal(book->sleeps, 0);
    assert_int_equal(crash_check(book, where), 0);
    return true;
}

static void a_run_survives_a_kill_at_every_call(void **state)
{
    int64_t nth = 1;
    char where[64];

    book->journal_mode = *state;
    do {
        snprintf(where, sizeof where, "%s, killed at call %lld", book->journal_mode,
                 (long long)nth);
    } while (kill_and_finish(nth, where) && ++nth);
    printf("crash: %s, killed at each of %lld calls\n", book->journal_mode, (long long)nth - 1);
    assert_true(nth > CRASH_STEPS);
}

/* Killed twice: at the Nth call, and at each of the first calls of the process that takes over. */
static void a_run_survives_a_second_kill_while_it_is_taken_over(void **state)
{
    static const int64_t first_kills[] = {40, 90, 140, 190};
    char where[64];

    book->journal_mode = *state;
    for (size_t i = 0; i < sizeof first_kills / sizeof first_kills[0]; i++) {
        for (int64_t second = 1; second < 60; second += 7) {
            process_end end;

            crash_book_reset(book);
            snprintf(where, sizeof where, "%s, killed at calls %lld and %lld", book->journal_mode,
                     (long long)first_kills[i], (long long)second);
            book->kill_at = first_kills[i];
            process_run(crash_child, book);
            book->kill_at = second;
            process_run(crash_child, book);
            book->kill_at = 0;
            end = process_run(crash_child, book);
            if (!end.exited || end.code != 0) print_child(where);
            assert_true(end.exited && end.code == 0);
            assert_int_equal(book->sleeps, 0);
            assert_int_equal(crash_check(book, where), 0);
        }
    }
}

int main(void)
{
    char wal[] = "WAL";
    char rollback[] = "DELETE";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(a_run_survives_a_kill_at_every_call, wal),
        cmocka_unit_test_prestate(a_run_survives_a_kill_at_every_call, rollback),
        cmocka_unit_test_prestate(a_run_survives_a_second_kill_while_it_is_taken_over, wal),
        cmocka_unit_test_prestate(a_run_survives_a_second_kill_while_it_is_taken_over, rollback),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
