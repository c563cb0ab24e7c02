/* test/fault: laws 1, 3 and 4 when memory runs out: the Nth allocation fails, N rising. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fault_alloc.h"
#include "support/fault_sweep.h"

#include <stdio.h>
#include <stdlib.h>

/* With DUR_FAULT_ALL in the environment each way tries each allocation, and all of a connection's
 * come through the failing allocator: some minutes. By default lookaside is on, as in a host, and
 * where statements are prepared, or much else is done, the four ways share the allocations among
 * them: those of making a log, of which there are thousands, every other one. */
static bool all;

static int setup(void **state)
{
    (void)state;
    all = getenv("DUR_FAULT_ALL") != NULL;
    if (fault_alloc_install(!all) != SQLITE_OK) return -1;
    return fault_sweep_setup() ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fault_sweep_teardown();
    return 0;
}

static int64_t stride_for(const fault_scenario *scenario)
{
    if (all) return 1;
    if (scenario->thin && !scenario->warm) return 2 * FAULT_WAYS;
    return scenario->warm && !scenario->thin ? 1 : FAULT_WAYS;
}

static void running_out_of_memory_breaks_no_law(void **state)
{
    const fault_scenario *scenario = *state;
    fault_sweep_result result =
        fault_sweep(scenario, &fault_kind_memory, "wal", stride_for(scenario));

    printf("fault: %-14s memory      wal    %6lld injections\n", scenario->name,
           (long long)result.fired);
    assert_true(result.fired > 0);
    assert_int_equal(result.failures, 0);
}

int main(void)
{
    struct CMUnitTest tests[32];
    size_t count = 0;
    const char *only = getenv("DUR_FAULT_SCENARIO");

    for (size_t i = 0; i < fault_scenario_count; i++) {
        if (fault_scenarios[i].files_only || (only && strcmp(only, fault_scenarios[i].name) != 0))
            continue;
        tests[count++] =
            (struct CMUnitTest){fault_scenarios[i].name, running_out_of_memory_breaks_no_law, NULL,
                                NULL, (void *)(uintptr_t)&fault_scenarios[i]};
    }
    return _cmocka_run_group_tests("running out of memory", tests, count, setup, teardown);
}
