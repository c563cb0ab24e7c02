/*
 * test/property: random programs come to the same whatever happens to those who execute them.
 *
 * Laws 2 to 6 at once: results, recorded values, ends and effects are the same whether a program
 * runs undisturbed, its owners die, it is stopped before and within each step, its store fails, or
 * it is left and opened again at every wait.
 *
 *     DUR_SEED=17 DURABLE_PROPERTY_PROGRAMS=1000000 property_programs_test      by hand
 *     DUR_SEED=4711 DURABLE_PROPERTY_PROGRAMS=1 property_programs_test          that one again
 *
 * DUR_PROPERTY_STORE=0 plays all on the in-memory store, =1 on SQLite; DUR_PROPERTY_TELL tells each
 * seed before it is played, DUR_PROPERTY_SHOW shows a failing log, DUR_PROPERTY_WHOLE does not make
 * a failing program smaller.
 */
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Each is played eight times, one time in twenty on SQLite. */
#define PROGRAMS_IN_CI 2000

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void show(const whole_program *program, const char *wrong)
{
    whole_program smaller = *program;
    char *less;

    program_print(program);
    fprintf(stderr, "%s", wrong);
    if (getenv("DUR_PROPERTY_WHOLE")) return;
    trial_shrink(&smaller);
    fprintf(stderr, "as small as it still fails (the first of some tries):\n");
    program_print(&smaller);
    for (int i = 0; i < 60; i++) {
        less = trial_run_all(&smaller);
        if (less) fprintf(stderr, "%s", less);
        free(less);
        if (less) return;
        smaller.seed += UINT64_C(0x100000000);
    }
}

static void programs_come_to_the_same_however_they_are_disturbed(void **state)
{
    uint64_t seed = number_from("DUR_SEED", 1);
    uint64_t count = number_from("DURABLE_PROPERTY_PROGRAMS", PROGRAMS_IN_CI);
    static whole_program program;

    (void)state;
    print_message("programs of the seeds %" PRIu64 " to %" PRIu64 "\n", seed, seed + count - 1);
    for (uint64_t i = 0; i < count; i++) {
        char *wrong;

        if (getenv("DUR_PROPERTY_TELL")) fprintf(stderr, "seed %" PRIu64 "\n", seed + i);
        program_make(&program, seed + i);
        wrong = trial_run_all(&program);
        if (wrong) show(&program, wrong);
        free(wrong);
        if (wrong) fail_msg("DUR_SEED=%" PRIu64 " DURABLE_PROPERTY_PROGRAMS=1", seed + i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_come_to_the_same_however_they_are_disturbed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
