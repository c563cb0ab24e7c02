/* test/api: a workflow of four steps that counts its bodies, with a place for a test's own doings
 * before, in and after each. */
#ifndef TEST_API_SCRIPT_H
#define TEST_API_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/host.h"

#define SCRIPT_STEPS 4

typedef struct test_script {
    test_host *host;

    /* Each doing is done once and forgotten; the last one in `before` comes before the return. */
    void (*before[SCRIPT_STEPS + 1])(struct test_script *);
    void (*inside[SCRIPT_STEPS])(struct test_script *);

    int passes;
    int bodies[SCRIPT_STEPS];
    int64_t values[SCRIPT_STEPS];
    int64_t rows_at_start; /* in the log, when the last pass began; -1: no pass yet */
} test_script;

static inline test_script script_for(test_host *host)
{
    test_script fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.host = host;
    fresh.rows_at_start = -1;
    return fresh;
}

static inline void script_do(test_script *script, void (**doing)(struct test_script *))
{
    void (*now)(struct test_script *) = *doing;

    *doing = NULL;
    if (now) now(script);
}

/* Step n gives 100 + n. */
static inline int script_workflow(dur_run *run, void *user)
{
    static const char *const names[SCRIPT_STEPS] = {"first", "second", "third", "fourth"};
    test_script *script = user;

    script->passes++;
    script->rows_at_start = host_number(script->host->db, "SELECT count(*) FROM durable_steps");
    for (int i = 0; i < SCRIPT_STEPS; i++) {
        script_do(script, &script->before[i]);
        DUR_STEP(run, names[i], script->values[i]) {
            script->bodies[i]++;
            script->values[i] = 100 + i;
            script_do(script, &script->inside[i]);
        }
    }
    script_do(script, &script->before[SCRIPT_STEPS]);
    return 0;
}

static inline int script_execute(test_script *script, dur_log *log)
{
    return dur_execute(log, "script", "the-run", NULL, script_workflow, script);
}

/* Rows of the run in the log; the tables of a connection's "main". */
static inline int64_t script_rows(const test_script *script)
{
    return host_number(script->host->db, "SELECT count(*) FROM durable_steps");
}

#define assert_bodies(script, first, second, third, fourth)                                        \
    do {                                                                                           \
        assert_int_equal(first, (script)->bodies[0]);                                              \
        assert_int_equal(second, (script)->bodies[1]);                                             \
        assert_int_equal(third, (script)->bodies[2]);                                              \
        assert_int_equal(fourth, (script)->bodies[3]);                                             \
    } while (0)

/* The run is completed, and so is its log. */
static inline void script_assert_done(const test_script *script, dur_log *log)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    for (int i = 0; i < SCRIPT_STEPS; i++) assert_int_equal(100 + i, script->values[i]);
    assert_int_equal(SCRIPT_STEPS, script_rows(script));
    assert_code(DUR_OK, dur_read_run(log, "the-run", &info), log);
    assert_int_equal(DUR_COMPLETED, info.status);
}

#endif
