/* test/crash: the letters of examples/08_sleep_a_day.c on the test bench: each is sent on its day,
 * whenever the program dies. */
#include "crash/on_bench.h"

#define main example_main
#include "examples/08_sleep_a_day.c"
#undef main

static void each_letter_has_its_day(void **state)
{
    const dur_value end = dur_integer(FIRST_HOUR_MS + 7 * 24 * HOUR_MS);
    on_bench what = {"trial", trial, NULL, NULL, end, FIRST_HOUR_MS, DUR_OK, 3};

    (void)state;
    on_bench_disturb(&what);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_letter_has_its_day)};

    (void)example_main;
    return cmocka_run_group_tests_name("crash.example_sleep", tests, NULL, NULL);
}
