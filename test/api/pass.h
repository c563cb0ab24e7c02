/* test/api: a pass over a run that can be made again and again, since it does not end it. */
#ifndef TEST_API_PASS_H
#define TEST_API_PASS_H

#include "api/script.h"

typedef void pass_steps(dur_run *run, void *user);

/* The first pass executes, the second replays: two logs, so that nothing is left in memory. */
static inline void make_pass(test_host *host, pass_steps *steps, void *user, int expected)
{
    dur_log *log = host_log(host);
    dur_run *run = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "values", "r", NULL, &run), log);
    steps(run, user);
    if (expected == DUR_OK) assert_string_equal("", dur_run_errmsg(run));
    assert_int_equal(expected, dur_run_code(run));
    dur_close_run(run);
    dur_close(log);
}

#endif
