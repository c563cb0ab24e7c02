/* test/api: what the tests of steps share: a tally of bodies, and the verbs with their codes. */
#ifndef TEST_API_TALLY_H
#define TEST_API_TALLY_H

#include "api/script.h"

typedef struct test_tally {
    test_host *host;
    int bodies;
    int line; /* of a call site */
    bool mended;
    char keys[64][64];
    char word[64];
} test_tally;

static inline test_tally tally_for(test_host *host)
{
    test_tally fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.host = host;
    return fresh;
}

static inline int64_t count_rows(test_host *host)
{
    return host_number(host->db, "SELECT count(*) FROM durable_steps");
}

static inline dur_run *begin_open(dur_log *log)
{
    dur_run *run = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    return run;
}

static inline dur_step *begin(dur_run *run, const char *name, int expected)
{
    dur_step *step = NULL;

    assert_int_equal(expected, dur_begin_step(run, name, NULL, &step));
    assert_non_null(step);
    return step;
}

static inline void record(dur_step *step, int64_t number)
{
    assert_int_equal(DUR_OK, dur_record_result(step, dur_integer(number)));
}

static inline int never_called(dur_step *step, void *user)
{
    (void)step, (void)user;
    fail();
    return 0;
}

#endif
