/*
 * test/crash: a workflow of an example on the test bench: whichever record its process dies before
 * or after, and however often it is replayed, its log comes to the same.
 *
 * The test includes the example's source, whose main() it names otherwise.
 */
#ifndef ON_BENCH_H
#define ON_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/host.h"

typedef struct on_bench {
    const char *name; /* of the workflow */
    dur_workflow *fn;
    void *user;
    void (*begin)(void); /* the world outside is as at first. NULL: there is none */
    dur_value input;
    int64_t start_ms;
    int expected;
    int bodies; /* undisturbed */
} on_bench;

/* The steps of all runs, what they came to, and when they began. */
static inline char *on_bench_rows(sqlite3 *db)
{
    return host_rows(db, "SELECT run_id, position, kind, name, outcome, value, began"
                         " FROM durable_steps_view ORDER BY 1, 2");
}

/* Undisturbed where `record` is 0. Gives what came of it; sqlite3_free() it. */
static inline char *on_bench_play(const on_bench *what, bool always_replay, int when,
                                  int64_t record)
{
    dur_testbench_options options = DUR_TESTBENCH_OPTIONS_INIT;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_testbench *bench;
    test_host host;
    char *rows;

    memset(&host, 0, sizeof host);
    host_open(&host, HOST_MEMORY);
    options.always_replay = always_replay;
    options.start_ms = what->start_ms;
    assert_int_equal(DUR_OK, dur_testbench_open(host.db, &options, &bench));
    assert_int_equal(DUR_OK,
                     dur_testbench_register(bench, what->name, what->fn, what->user));
    if (what->begin) what->begin();
    if (record) assert_int_equal(DUR_OK, dur_testbench_crash(bench, when, record));
    start.input = what->input;
    assert_code(what->expected, dur_testbench_run(bench, what->name, "r", &start),
                dur_testbench_log(bench));
    assert_int_equal(record > 0, dur_testbench_crashes(bench));
    if (record && when == DUR_CRASH_AFTER)
        assert_int_equal(what->bodies, dur_testbench_bodies(bench, NULL));
    assert_in_range(dur_testbench_bodies(bench, NULL), what->bodies, what->bodies + 1);
    rows = on_bench_rows(host.db);
    dur_testbench_close(bench);
    host_close(&host);
    return rows;
}

/* Both crashes at every record, and a pass for every body. */
static inline void on_bench_disturb(const on_bench *what)
{
    char *expected = on_bench_play(what, false, 0, 0);
    int64_t records = 0;

    for (const char *at = expected; *at; at++) records += *at == '\n';
    assert_true(records > 1);
    for (int64_t n = 1; n <= records; n++) {
        for (int when = DUR_CRASH_BEFORE; when <= DUR_CRASH_AFTER; when++) {
            char *rows = on_bench_play(what, false, when, n);

            if (strcmp(expected, rows) != 0)
                print_error("%s record %d\n", when ? "after" : "before", (int)n);
            assert_string_equal(expected, rows);
            sqlite3_free(rows);
        }
    }
    assert_same(expected, on_bench_play(what, true, 0, 0));
}

#endif
