/* test/crash: the copies of examples/14_fan_out.c on the test bench: branches that fail, wait, are
 * cancelled and clean up, whenever their process dies. */
#include "crash/on_bench.h"

#define main example_main
#include "examples/14_fan_out.c"
#undef main

static night the_night;

/* Rome is busy for half an hour, quito for too long. */
static void begin_busy_night(void)
{
    begin_night(&the_night);
    the_night.mirrors[1].busy_min = 30;
    the_night.mirrors[3].busy_min = 90;
}

static void the_copies_are_the_same(void **state)
{
    const on_bench what = {"back-up", back_up, &the_night, begin_busy_night,
                           {DUR_NULL, {0}, 0}, MIDNIGHT_MS, DUR_OK, 14};

    (void)state;
    on_bench_disturb(&what);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_copies_are_the_same)};

    (void)example_main;
    return cmocka_run_group_tests_name("crash.example_fan_out", tests, NULL, NULL);
}
