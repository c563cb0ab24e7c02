/*
 * test/property: random programs come to the same where their process is killed.
 *
 * The whole library, on a file: a child drives the program and is killed with SIGKILL at a random
 * call of SQLite's to the system; another one goes on, and so forth. DUR_SEED and
 * DURABLE_PROPERTY_KILLED_PROGRAMS as in programs_test.c.
 */
#include "support/fault_vfs.h"
#include "support/place.h"
#include "support/process.h"
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PROGRAMS_IN_CI 50
#define KILLS_MAX 6

typedef struct victim {
    const whole_program *program;
    disturbing how;
    outer_world *outside;
    int64_t at; /* the call at which it is killed; 0: it is not */
} victim;

static int live(void *user)
{
    victim *it = user;
    world mine;

    if (it->at) fault_vfs_arm_kill(FAULT_ALL, it->at);
    if (!world_open(&mine, it->program, &it->how, it->outside)) return 1;
    drive(&mine);
    world_close(&mine);
    return 0;
}

/* Until one lives to see the end. */
static void kill_until_finished(victim *it, uint64_t *chance)
{
    for (int kills = 0;; kills++) {
        process_end end;

        it->at = kills < KILLS_MAX ? 1 + chance_below(chance, 40 << chance_below(chance, 6)) : 0;
        end = process_run(live, it);
        it->how.goes_on = true;
        if (!end.exited && it->at) continue;
        assert_true(end.exited);
        assert_int_equal(end.code, 0);
        return;
    }
}

static char *look(victim *it, const char *expected)
{
    world mine;
    char *found, *wrong = NULL;

    it->how.vfs = NULL;
    assert_true(world_open(&mine, it->program, &it->how, it->outside));
    found = picture_take(&mine);
    check_effects(&mine);
    if (it->outside->violation[0] || strcmp(expected, found) != 0)
        wrong = trial_describe(&mine, expected, found);
    world_close(&mine);
    free(found);
    return wrong;
}

/* The undisturbed one stays in memory, without a process of its own. */
static void play_killed(const whole_program *program, outer_world *outside, const char *path)
{
    uint64_t chance = program->seed;
    disturbing calm = {.store = IN_MEMORY_STORE};
    victim it = {.program = program, .outside = outside};
    char *expected = NULL, *wrong;

    wrong = trial_run(program, &calm, NULL, &expected);
    memset(outside, 0, sizeof *outside);
    fake_clock_init(&outside->clock, chance);
    it.how.goes_on = true;
    it.how.store = ON_SQLITE;
    it.how.path = path;
    it.how.vfs = FAULT_VFS_NAME;
    it.how.chance = chance_next(&chance);
    if (!wrong) {
        kill_until_finished(&it, &chance);
        wrong = look(&it, expected);
    }
    if (wrong) {
        program_print(program);
        fail_msg("DUR_SEED=%" PRIu64 " DURABLE_PROPERTY_KILLED_PROGRAMS=1\n%s", program->seed,
                 wrong);
    }
    free(expected);
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void programs_come_to_the_same_however_often_they_are_killed(void **state)
{
    uint64_t seed = number_from("DUR_SEED", 1);
    uint64_t count = number_from("DURABLE_PROPERTY_KILLED_PROGRAMS", PROGRAMS_IN_CI);
    outer_world *outside = process_share(sizeof *outside);
    static whole_program program;
    place here;

    (void)state;
    assert_non_null(outside);
    assert_true(place_make_in_memory(&here));
    print_message("programs of the seeds %" PRIu64 " to %" PRIu64 "\n", seed, seed + count - 1);
    for (uint64_t i = 0; i < count; i++) {
        program_make(&program, seed + i);
        play_killed(&program, outside, here.path);
        place_clear(here.path);
    }
    place_remove(&here);
    process_unshare(outside, sizeof *outside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_come_to_the_same_however_often_they_are_killed),
    };

    if (fault_vfs_register() != 0) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
