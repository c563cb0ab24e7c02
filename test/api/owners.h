/* test/api: what the tests of ownership share. */
#ifndef TEST_API_OWNERS_H
#define TEST_API_OWNERS_H

#include "api/script.h"

static inline dur_run *claim(dur_log *log)
{
    dur_run *run = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "the-run", NULL, &run), log);
    return run;
}

static inline void assert_owned(dur_log *log)
{
    dur_run *run = (dur_run *)(uintptr_t)log;

    assert_code(DUR_OWNED, dur_begin_run(log, "w", "the-run", NULL, &run), log);
    assert_null(run);
    assert_has(dur_errmsg(log), "the-run");
}

static inline dur_step *begin(dur_run *run, const char *name)
{
    dur_step *step = NULL;

    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, name, NULL, &step));
    return step;
}

#endif
