/* test/unit: the arena: memory that is given back in one go, or back to a mark. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/fault_alloc.h"

#include <sqlite3.h>
#include <stdio.h>

/* What free functions were called with, in order. */
static char freed[256];

static void note_freed(void *memory)
{
    strncat(freed, memory, sizeof freed - strlen(freed) - 1);
}

static int begin(void **state)
{
    static durable_arena arena;

    memset(&arena, 0, sizeof arena);
    freed[0] = '\0';
    *state = &arena;
    return 0;
}

/* Whatever a test did: the arena gives everything back. */
static int end(void **state)
{
    fault_alloc_disarm();
    durable_arena_clear(*state);
    return fault_alloc_live() == 0 ? 0 : -1;
}

static bool own(durable_arena *arena, const char *name)
{
    return durable_arena_own(arena, (void *)(uintptr_t)name, note_freed);
}

static void a_copy_has_a_nul_after_it_and_stays_where_it_is(void **state)
{
    durable_arena *arena = *state;
    char *copies[2000];

    for (int i = 0; i < 2000; i++) {
        char text[32];

        copies[i] = durable_arena_copy(arena, text, (size_t)snprintf(text, sizeof text, "%d", i));
        assert_non_null(copies[i]);
    }
    for (int i = 0; i < 2000; i++) {
        char text[32];

        snprintf(text, sizeof text, "%d", i);
        assert_string_equal(copies[i], text);
    }
}

static void copies_of_every_size_are_whole(void **state)
{
    durable_arena *arena = *state;
    static char bytes[100001];

    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 7);
    for (size_t size = 0; size < sizeof bytes; size = size * 3 / 2 + 1) {
        char *copy = durable_arena_copy(arena, bytes, size);

        assert_non_null(copy);
        assert_memory_equal(copy, bytes, size);
        assert_int_equal(copy[size], 0);
    }
    assert_non_null(durable_arena_copy(arena, NULL, 0));
}

static void a_copy_of_impossible_size_is_refused(void **state)
{
    durable_arena *arena = *state;

    assert_null(durable_arena_copy(arena, "x", SIZE_MAX));
    assert_null(durable_arena_copy(arena, "x", SIZE_MAX - 1));
    assert_null(durable_arena_copy(arena, "x", SIZE_MAX / 2));
    assert_non_null(durable_arena_copy(arena, "x", 1));
}

static void what_is_owned_is_freed_newest_first(void **state)
{
    durable_arena *arena = *state;

    assert_true(own(arena, "a"));
    assert_true(own(arena, "b"));
    assert_non_null(durable_arena_copy(arena, "between", 7));
    assert_true(own(arena, "c"));
    durable_arena_clear(arena);
    assert_string_equal(freed, "cba");
}

static void release_frees_what_came_after_the_mark_and_no_more(void **state)
{
    durable_arena *arena = *state;
    uint64_t start = durable_arena_mark(arena), middle;
    char *before;

    assert_true(own(arena, "a"));
    before = durable_arena_copy(arena, "before", 6);
    middle = durable_arena_mark(arena);
    assert_true(own(arena, "b"));
    assert_non_null(durable_arena_copy(arena, "after", 5));
    assert_true(own(arena, "c"));
    durable_arena_release(arena, middle);
    assert_string_equal(freed, "cb");
    assert_string_equal(before, "before");
    durable_arena_release(arena, middle); /* a second time: nothing came since */
    assert_string_equal(freed, "cb");
    durable_arena_release(arena, start);
    assert_string_equal(freed, "cba");
}

static void a_mark_from_the_future_does_nothing(void **state)
{
    durable_arena *arena = *state;
    uint64_t mark;
    char *copy;

    durable_arena_release(arena, 0);
    durable_arena_release(arena, UINT64_MAX);
    assert_true(own(arena, "a"));
    copy = durable_arena_copy(arena, "copy", 4);
    mark = durable_arena_mark(arena);
    durable_arena_release(arena, mark);
    durable_arena_release(arena, mark + 1);
    durable_arena_release(arena, UINT64_MAX);
    assert_string_equal(freed, "");
    assert_string_equal(copy, "copy");
}

/* Every order of owned memory and of small and large copies, and every mark between them. */
static void every_mark_divides_before_from_after(void **state)
{
    enum { ACTS = 7 };
    durable_arena *arena = *state;
    static const char *const names[ACTS] = {"a", "b", "c", "d", "e", "f", "g"};
    static char large[3000];

    memset(large, 'L', sizeof large);
    for (unsigned pattern = 0; pattern < 2187; pattern++) /* 3 to the power of 7 */
        for (size_t at = 0; at <= ACTS; at++) {
            uint64_t mark = 0;
            char *copies[ACTS] = {NULL};
            unsigned rest = pattern;

            freed[0] = '\0';
            for (size_t i = 0; i < ACTS; i++, rest /= 3) {
                if (i == at) mark = durable_arena_mark(arena);
                if (rest % 3 == 0)
                    assert_true(own(arena, names[i]));
                else
                    copies[i] = durable_arena_copy(arena, large, rest % 3 == 1 ? 10 : 2900);
            }
            if (at == ACTS) mark = durable_arena_mark(arena);
            durable_arena_release(arena, mark);
            for (size_t i = 0; i < at; i++)
                if (copies[i]) assert_memory_equal(copies[i], large, 10);
            for (size_t i = 0; i < strlen(freed); i++)
                assert_true((size_t)(freed[i] - 'a') >= at && (i == 0 || freed[i] < freed[i - 1]));
            for (size_t i = 0; i < at; i++) assert_null(strchr(freed, (int)('a' + i)));
            durable_arena_clear(arena);
        }
}

/* Law 8: memory only for what was not released. */
static void a_loop_that_releases_takes_no_more_memory(void **state)
{
    durable_arena *arena = *state;
    static char bytes[700];
    uint64_t mark;
    int64_t live = 0;

    assert_non_null(durable_arena_copy(arena, bytes, 100));
    mark = durable_arena_mark(arena);
    for (int i = 0; i < 1000; i++) {
        for (int j = 0; j < 5; j++)
            assert_non_null(durable_arena_copy(arena, bytes, sizeof bytes));
        assert_true(own(arena, ""));
        durable_arena_release(arena, mark);
        if (i == 0) live = fault_alloc_live();
        assert_true(fault_alloc_live() <= live);
    }
}

static void a_loop_without_a_mark_before_it_keeps_one_chunk(void **state)
{
    durable_arena *arena = *state;
    int64_t asked;

    assert_non_null(durable_arena_copy(arena, "x", 1));
    durable_arena_release(arena, 0);
    asked = fault_alloc_asked();
    for (int i = 0; i < 1000; i++) {
        assert_non_null(durable_arena_copy(arena, "value", 5));
        durable_arena_release(arena, 0);
    }
    assert_true(fault_alloc_asked() == asked);
}

/* ---- Out of memory ---- */

static void without_memory_a_copy_is_null_and_the_arena_as_it_was(void **state)
{
    durable_arena *arena = *state;
    char *before = durable_arena_copy(arena, "before", 6);
    static char bytes[5000];
    uint64_t mark = durable_arena_mark(arena);

    fault_alloc_arm(1, true);
    assert_null(durable_arena_copy(arena, bytes, sizeof bytes));
    assert_true(durable_arena_mark(arena) == mark);
    fault_alloc_disarm();
    assert_string_equal(before, "before");
    assert_non_null(durable_arena_copy(arena, bytes, sizeof bytes));
}

static void without_memory_nothing_is_taken_over(void **state)
{
    durable_arena *arena = *state;

    for (int nth = 1; nth <= 2; nth++) {
        fault_alloc_arm(nth, true);
        assert_false(own(arena, "a"));
        assert_true(fault_alloc_fired() > 0);
        fault_alloc_disarm();
        durable_arena_clear(arena);
        assert_string_equal(freed, "");
    }
}

/* "Make sure that the next durable_arena_own() succeeds", whatever is copied in between: copies
 * that fill the chunk to each of its last bytes. */
static void after_a_reserve_one_hand_over_cannot_fail(void **state)
{
    durable_arena *arena = *state;
    static char bytes[2048];

    for (size_t size = 0; size < 1200; size++) {
        freed[0] = '\0';
        assert_true(durable_arena_reserve(arena));
        fault_alloc_arm(1, true);
        durable_arena_copy(arena, bytes, size);
        if (!own(arena, "a")) {
            fault_alloc_disarm();
            fail_msg("refused after a copy of %d bytes", (int)size);
        }
        fault_alloc_disarm();
        durable_arena_clear(arena);
        assert_string_equal(freed, "a");
    }
}

static void a_reserve_survives_a_release(void **state)
{
    durable_arena *arena = *state;
    static char bytes[600];

    for (size_t size = 0; size < sizeof bytes; size++) {
        uint64_t mark = durable_arena_mark(arena);

        assert_non_null(durable_arena_copy(arena, bytes, size));
        assert_true(durable_arena_reserve(arena));
        durable_arena_release(arena, mark);
        fault_alloc_arm(1, true);
        assert_true(own(arena, "a"));
        fault_alloc_disarm();
        durable_arena_clear(arena);
    }
}

static void a_reserve_without_memory_says_so(void **state)
{
    durable_arena *arena = *state;

    for (int nth = 1; nth <= 2; nth++) {
        fault_alloc_arm(nth, true);
        assert_false(durable_arena_reserve(arena));
        fault_alloc_disarm();
        durable_arena_clear(arena);
    }
    assert_true(durable_arena_reserve(arena));
    assert_true(durable_arena_reserve(arena)); /* a second one costs nothing */
}

int main(void)
{
#define ARENA_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
    static const struct CMUnitTest tests[] = {
        ARENA_TEST(a_copy_has_a_nul_after_it_and_stays_where_it_is),
        ARENA_TEST(copies_of_every_size_are_whole),
        ARENA_TEST(a_copy_of_impossible_size_is_refused),
        ARENA_TEST(what_is_owned_is_freed_newest_first),
        ARENA_TEST(release_frees_what_came_after_the_mark_and_no_more),
        ARENA_TEST(a_mark_from_the_future_does_nothing),
        ARENA_TEST(every_mark_divides_before_from_after),
        ARENA_TEST(a_loop_that_releases_takes_no_more_memory),
        ARENA_TEST(a_loop_without_a_mark_before_it_keeps_one_chunk),
        ARENA_TEST(without_memory_a_copy_is_null_and_the_arena_as_it_was),
        ARENA_TEST(without_memory_nothing_is_taken_over),
        ARENA_TEST(after_a_reserve_one_hand_over_cannot_fail),
        ARENA_TEST(a_reserve_survives_a_release),
        ARENA_TEST(a_reserve_without_memory_says_so),
    };

    if (fault_alloc_install(true) != SQLITE_OK) return 99;
    return cmocka_run_group_tests_name("unit.arena", tests, NULL, NULL);
}
