/* test/api: side values on SQLite: what the log shows of them, numbers of every size, and the
 * library's own clock and chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "support/host.h"

#define NUMBERS 64

typedef struct seen {
    int64_t now;
    uint64_t numbers[NUMBERS];
    char uuid[DUR_UUID_SIZE];
    bool goes_on;
} seen;

static int look(dur_run *run, void *user)
{
    seen *it = user;

    assert_int_equal(dur_now(run, "when", &it->now), DUR_OK);
    for (int i = 0; i < NUMBERS; i++)
        assert_int_equal(dur_random(run, "dice", &it->numbers[i]), DUR_OK);
    assert_int_equal(dur_uuid(run, "id", it->uuid), DUR_OK);
    if (!it->goes_on) dur_stop(run, "later");
    return 0;
}

/* Numbers above INT64_MAX are kept, too: of 64 drawn evenly there are some (2^-64 that not). */
static void a_replay_gives_what_was_recorded(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    seen first, second;
    int above = 0;

    memset(&first, 0, sizeof first);
    assert_code(DUR_STOPPED, dur_execute(log, "w", "r", NULL, look, &first), log);
    dur_close(log);
    host_reconnect(host);
    fake_clock_advance(&host->clock, 5000);
    memset(&second, 0, sizeof second);
    second.goes_on = true;
    log = host_log(host);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, look, &second), log);
    assert_true(first.now == host->clock.now_ms - 5000 && second.now == first.now);
    assert_memory_equal(second.numbers, first.numbers, sizeof first.numbers);
    assert_string_equal(second.uuid, first.uuid);
    for (int i = 0; i < NUMBERS; i++) above += first.numbers[i] > INT64_MAX;
    assert_true(above > 0 && above < NUMBERS);
    dur_close(log);
}

/* Any SQLite client sees what the workflow saw. */
static void each_is_a_row_that_can_be_read(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    seen it;

    memset(&it, 0, sizeof it);
    it.goes_on = true;
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, look, &it), log);
    assert_int_equal(NUMBERS + 2, host_number(host->db, "SELECT count(*) FROM durable_steps_view"
                                                        " WHERE kind = 'step'"));
    assert_true(it.now == host_number(host->db, "SELECT value FROM durable_steps_view"
                                                " WHERE name = 'when'"));
    assert_int_equal(1, host_number(host->db, "SELECT value = %Q FROM durable_steps_view"
                                              " WHERE name = 'id'", it.uuid));
    dur_close(log);
}

/* Without callbacks of the host's: the time of SQLite's VFS, and no number twice. */
static void the_library_has_a_clock_and_chance_of_its_own(void **state)
{
    test_host *host = *state;
    dur_options options = DUR_OPTIONS_INIT;
    dur_log *log = NULL;
    seen it;
    int64_t before, after;

    assert_int_equal(DUR_OK, dur_open(host->db, &options, &log));
    memset(&it, 0, sizeof it);
    it.goes_on = true;
    before = host_number(host->db, "SELECT strftime('%%s', 'now')");
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, look, &it), log);
    after = host_number(host->db, "SELECT strftime('%%s', 'now')");
    assert_true(it.now / 1000 >= before && it.now / 1000 <= after);
    for (int i = 0; i < NUMBERS; i++)
        for (int j = 0; j < i; j++) assert_true(it.numbers[i] != it.numbers[j]);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(a_replay_gives_what_was_recorded),
        IN_MEMORY(each_is_a_row_that_can_be_read),
        IN_MEMORY(the_library_has_a_clock_and_chance_of_its_own),
    };
    return cmocka_run_group_tests_name("side values", tests, NULL, NULL);
}
