/* test/api: a test bench on a connection of the test's own, whose log can be looked at. */
#ifndef TEST_API_BENCHED_H
#define TEST_API_BENCHED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/host.h"

#define BENCH_START_MS INT64_C(946684800000) /* 2000-01-01 00:00:00 UTC */
#define SECOND_MS INT64_C(1000)
#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

#define assert_bench(expected, actual, bench)                                                      \
    do {                                                                                           \
        int code_of_bench = (actual);                                                              \
        host_assert_code((expected), code_of_bench, dur_testbench_log(bench), __FILE__, __LINE__); \
    } while (0)

/* What a bench says when nobody looks. */
static inline void bench_hears_nothing(const char *message, void *user)
{
    (void)message, (void)user;
}

/* On db, or on a connection of its own; `options` NULL: none. Trouble of others is not printed. */
static inline dur_testbench *bench_on(sqlite3 *db, const dur_testbench_options *options)
{
    dur_testbench_options quiet = DUR_TESTBENCH_OPTIONS_INIT;
    dur_options log = DUR_OPTIONS_INIT;
    dur_testbench *bench = NULL;

    if (options) quiet = *options;
    log.warn = bench_hears_nothing;
    if (!quiet.log) quiet.log = &log;
    assert_int_equal(DUR_OK, dur_testbench_open(db, &quiet, &bench));
    assert_non_null(bench);
    return bench;
}

static inline int64_t bench_at(const dur_testbench *bench)
{
    return dur_testbench_now(bench) - BENCH_START_MS;
}

#endif
