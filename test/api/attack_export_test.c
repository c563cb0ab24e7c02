/*
 * test/api: exports at the edge. Law 9: what a host may write into a log can be exported, and
 * imported again; and it is of one moment, whoever writes beside it.
 */
#include "support/exported.h"
#include "support/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Large numbers ------------------------------------------------------------------------- */

static void assert_comes_back(dur_log *log)
{
    char *text = exported_text(log, NULL), *again;
    dur_log *other = exported_open(text, NULL);

    again = exported_text(other, NULL);
    assert_string_equal(again, text);
    free(again);
    free(text);
    dur_close(other);
}

static void a_queue_with_the_largest_limits_comes_back(void **state)
{
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;
    dur_log *log = host_log(*state);

    limits.max_active = limits.max_active_process = INT64_MAX;
    assert_int_equal(dur_serve_queue(log, "endless", &limits), DUR_OK);
    assert_comes_back(log);
    dur_close(log);
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
    dur_log *log = host_log(*state);

    assert_int_equal(dur_execute(log, "w", "r", NULL, waits_for_ever, NULL), DUR_SUSPENDED);
    assert_comes_back(log);
    dur_close(log);
}

/* ---- Beside others who write --------------------------------------------------------------- */

typedef struct neighbour {
    dur_log *log;
    int started;
    exported_buffer text;
} neighbour;

/* One run more, by another process for all that the log can see, with each line. */
static int start_and_write(const char *line, size_t length, void *user)
{
    neighbour *it = user;
    char id[16];

    snprintf(id, sizeof id, "new %d", it->started++);
    assert_int_equal(dur_start(it->log, "w", id, NULL), DUR_OK);
    return exported_write(line, length, &it->text);
}

/* A whole log is exported as it stands at one moment, to its last line. */
static void what_is_started_meanwhile_is_not_in_it(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_options options = host_options(host);
    sqlite3 *other = host_connect(host, SQLITE_OPEN_READWRITE);
    neighbour it = {NULL, 0, {NULL, 0, 0, 0, 0}};
    char *before;

    assert_int_equal(dur_start(log, "w", "old", NULL), DUR_OK);
    before = exported_text(log, NULL);
    assert_int_equal(dur_open(other, &options, &it.log), DUR_OK);
    if (dur_export(log, NULL, NULL, start_and_write, &it) != DUR_OK)
        fail_msg("%s", dur_errmsg(log));
    assert_string_equal(it.text.text, before);
    assert_int_equal(it.started, 3);
    free(before);
    free(it.text.text);
    dur_close(it.log);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(a_queue_with_the_largest_limits_comes_back),
        IN_MEMORY(a_callback_with_the_longest_heartbeat_comes_back),
        IN_WAL(what_is_started_meanwhile_is_not_in_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
