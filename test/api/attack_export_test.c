/*
 * test/api: logs at the edge of what is allowed. Law 9: what a host may write into a log can be
 * exported, and imported again.
 */
#include "support/exported.h"
#include "support/fake_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdlib.h>

typedef struct place {
    fake_clock clock;
    sqlite3 *db;
    dur_log *log;
} place;

static void place_open(place *it)
{
    dur_options options = DUR_OPTIONS_INIT;

    fake_clock_init(&it->clock, 1);
    fake_clock_install(&it->clock, &options);
    assert_int_equal(sqlite3_open(":memory:", &it->db), SQLITE_OK);
    assert_int_equal(dur_open(it->db, &options, &it->log), DUR_OK);
}

static void place_close(place *it)
{
    dur_close(it->log);
    assert_int_equal(sqlite3_close(it->db), SQLITE_OK);
}

static void assert_comes_back(place *it)
{
    char *text = exported_text(it->log, NULL), *again;
    place other;

    place_open(&other);
    if (exported_import(other.log, text) != DUR_OK) fail_msg("%s", dur_errmsg(other.log));
    again = exported_text(other.log, NULL);
    assert_string_equal(again, text);
    free(again);
    free(text);
    place_close(&other);
}

static void a_queue_with_the_largest_limits_comes_back(void **state)
{
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;
    place it;

    (void)state;
    place_open(&it);
    limits.max_active = limits.max_active_process = INT64_MAX;
    assert_int_equal(dur_serve_queue(it.log, "endless", &limits), DUR_OK);
    assert_comes_back(&it);
    place_close(&it);
}

/* For ever, as a host may say it. */
static int waits_for_ever(dur_run *run, void *user)
{
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    dur_step *callback = NULL;

    (void)user;
    options.timeout_ms = options.heartbeat_ms = INT64_MAX;
    if (dur_begin_callback(run, "answer", &options, &callback) != DUR_OK) return 0;
    return dur_await(callback, NULL);
}

static void a_callback_with_the_longest_heartbeat_comes_back(void **state)
{
    place it;

    (void)state;
    place_open(&it);
    assert_int_equal(dur_execute(it.log, "w", "r", NULL, waits_for_ever, NULL), DUR_SUSPENDED);
    assert_comes_back(&it);
    place_close(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_with_the_largest_limits_comes_back),
        cmocka_unit_test(a_callback_with_the_longest_heartbeat_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
