/*
 * test/fault: laws 1, 3 and 4 when files fail, for one journal mode: the body of io_wal_test and
 * io_rollback_test, which say which that is. With DUR_FAULT_ALL in the environment each way tries
 * each call, else each call of the longer ones beside a rollback journal is tried by half of them.
 */
#ifndef IO_SWEEP_H
#define IO_SWEEP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fault_sweep.h"
#include "support/fault_vfs.h"

#include <stdio.h>
#include <stdlib.h>

/* The journal mode in which this kind of fault is to be tried; NULL: it does not come up here. */
static const char *journal_mode_for(const fault_kind *kind);

static int64_t fired_by_kind[32];

static int64_t stride_for(const fault_scenario *scenario, const char *journal_mode)
{
    bool shares = scenario->thin && strcmp(journal_mode, "wal") != 0;

    return shares && !getenv("DUR_FAULT_ALL") ? 2 : 1;
}

static int setup(void **state)
{
    (void)state;
    return fault_sweep_setup() ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fault_sweep_teardown();
    return 0;
}

static void failing_files_break_no_law(void **state)
{
    const fault_scenario *scenario = *state;
    int64_t fired = 0;
    int64_t failures = 0;

    printf("fault: %-14s", scenario->name);
    for (size_t i = 0; i < fault_kind_io_count; i++) {
        const char *journal_mode = journal_mode_for(&fault_kinds_io[i]);
        fault_sweep_result result = {0, 0};

        if (journal_mode)
            result = fault_sweep(scenario, &fault_kinds_io[i], journal_mode,
                                 stride_for(scenario, journal_mode));
        if (result.fired > 0) printf(" %s %lld", fault_kinds_io[i].name, (long long)result.fired);
        fired_by_kind[i] += result.fired;
        fired += result.fired;
        failures += result.failures;
    }
    printf("; %lld injections\n", (long long)fired);
    assert_true(fired > 0);
    assert_int_equal(failures, 0);
}

static void every_kind_of_fault_has_fired(void **state)
{
    (void)state;
    for (size_t i = 0; i < fault_kind_io_count; i++)
        if (journal_mode_for(&fault_kinds_io[i]) && fired_by_kind[i] == 0)
            fail_msg("%s never fired", fault_kinds_io[i].name);
}

int main(void)
{
    struct CMUnitTest tests[33];
    size_t count = 0;
    const char *only = getenv("DUR_FAULT_SCENARIO");

    for (size_t i = 0; i < fault_scenario_count; i++) {
        if (fault_scenarios[i].memory_only || (only && strcmp(only, fault_scenarios[i].name) != 0))
            continue;
        tests[count++] = (struct CMUnitTest){fault_scenarios[i].name, failing_files_break_no_law,
                                             NULL, NULL, (void *)(uintptr_t)&fault_scenarios[i]};
    }
    if (!only) tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_kind_of_fault_has_fired);
    return _cmocka_run_group_tests("failing files", tests, count, setup, teardown);
}

#endif
