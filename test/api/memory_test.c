/* test/api: what a run owns is freed once and in time; a long loop needs one round's memory. */
#include "api/script.h"

#include <stdlib.h>

static int freed;

static void count_free(void *memory)
{
    freed++;
    free(memory);
}

static char *some_memory(const char *text)
{
    char *memory = malloc(strlen(text) + 1);

    assert_non_null(memory);
    return strcpy(memory, text);
}

/* Section 4: what the run owns is freed once, in time. */
static void what_the_run_owns_is_freed_once(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    uint64_t marks[3];

    freed = 0;
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    for (int i = 0; i < 3; i++) {
        const char *text;

        marks[i] = dur_mark(run);
        DUR_STEP(run, "s", text) {
            char *memory = some_memory("owned");

            text = dur_own(run, memory, count_free);
            assert_ptr_equal(memory, text);
        }
        assert_string_equal("owned", text);
    }
    assert_int_equal(0, freed);
    dur_release(run, marks[2] + 1000000); /* from the future */
    assert_int_equal(0, freed);
    dur_release(run, marks[2]);
    assert_int_equal(1, freed);
    dur_release(run, marks[2]);
    assert_int_equal(1, freed);
    dur_release(run, marks[0]);
    assert_int_equal(3, freed);
    assert_non_null(dur_own(run, some_memory("to the end"), count_free));
    assert_null(dur_own(run, NULL, count_free));
    dur_close_run(run);
    assert_int_equal(4, freed);
    dur_close(log);
}

/* … also when the log is closed first. */
static void what_the_run_owns_after_the_log(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;

    freed = 0;
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    dur_own(run, some_memory("owned"), count_free);
    dur_close(log);
    assert_int_equal(0, freed);
    dur_close_run(run);
    assert_int_equal(1, freed);
}

/* Law 8: a long loop that releases what it has read needs the memory of one round. */
static int long_loop(dur_run *run, void *user)
{
    char *large = user;

    for (int i = 0; i < 100; i++) {
        uint64_t mark = dur_mark(run);
        const char *text;

        DUR_STEP(run, "large", text) { text = large; }
        if (dur_run_code(run) == DUR_OK) assert_int_equal(100000, strlen(text));
        dur_release(run, mark);
    }
    return 0;
}

static void law8_released_values_do_not_pile_up(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    char *large = malloc(100001);
    sqlite3_int64 before;

    assert_non_null(large);
    memset(large, 'x', 100000);
    large[100000] = '\0';
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, long_loop, large), log);
    host_run(host->db, "UPDATE durable_runs SET status = 1, ended = NULL");
    before = sqlite3_memory_used();
    sqlite3_memory_highwater(1);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, long_loop, large), log);
    if (before > 0) /* SQLite counts its memory unless it was built not to */
        assert_true(sqlite3_memory_highwater(0) - before < 4 * 1000 * 1000);
    free(large);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(what_the_run_owns_is_freed_once),
        IN_MEMORY(what_the_run_owns_after_the_log),
        IN_WAL(law8_released_values_do_not_pile_up),
    };

    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
