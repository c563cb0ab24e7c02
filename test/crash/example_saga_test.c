/* test/crash: the saga of examples/13_saga.c on the test bench: charged, not shipped, and undone,
 * the bank being out of order at first, whenever its process dies. */
#include "crash/on_bench.h"

#include <stdio.h>
#include <stdlib.h>

#define main example_main
#include "examples/13_saga.c"
#undef main

static shop tea_shop = {BEGAN_MS};

static void the_saga_ends_the_same(void **state)
{
    const on_bench what = {
        "order", order, &tea_shop, NULL, {DUR_NULL, {0}, 0}, BEGAN_MS, DUR_FAILED, 7};

    (void)state;
    on_bench_disturb(&what);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_saga_ends_the_same)};

    (void)example_main;
    return cmocka_run_group_tests_name("crash.example_saga", tests, NULL, NULL);
}
