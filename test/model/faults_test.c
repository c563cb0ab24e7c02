/*
 * test/model: each fault that other engines had, and each check of ours left out, is found by the
 * search. That is what shows that it looks at anything; and the narratives tell why the checks are
 * there.
 */
#include "worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FENCED "an owner that was fenced has changed the log"
#define ASLEEP "a run is asleep, and the signal that it awaits is there"

typedef struct fault {
    const char *what;
    unsigned faults;
    int world;
    bool same_tokens;
    const char *broken;
} fault;

static const fault faults[] = {
    {"epoch not checked by append, and the random numbers are not random",
     MODEL_APPEND_IGNORES_EPOCH, WORLD_TWO_OWNERS, true, FENCED},
    {"token not checked by append, and a backup makes the epochs repeat",
     MODEL_APPEND_IGNORES_TOKEN, WORLD_BACKUP, false, FENCED},
    {"neither epoch nor token checked by append",
     MODEL_APPEND_IGNORES_EPOCH | MODEL_APPEND_IGNORES_TOKEN, WORLD_TWO_OWNERS, false, FENCED},
    {"claim without compare and swap", MODEL_CLAIM_COMPARES_NOTHING, WORLD_TWO_OWNERS, false,
     "a claim was taken that nobody had seen to be free"},
    {"a run is claimed that has ended since its lease was seen to have run out",
     MODEL_ENDED_IS_CLAIMED, WORLD_TWO_OWNERS, false, "a run that has ended was claimed"},
    {"signal checked and run suspended in two transactions", MODEL_SUSPEND_DOES_NOT_LOOK,
     WORLD_TWO_OWNERS, false, ASLEEP},
    {"a signal does not make the run due that awaits it", MODEL_SEND_WAKES_NOBODY,
     WORLD_TWO_OWNERS, false, ASLEEP},
    {"signal consumed in one transaction and recorded in another", MODEL_CONSUME_THEN_RECORD,
     WORLD_TWO_OWNERS, false, "a signal was lost"},
    {"signal recorded in one transaction and consumed in another", MODEL_RECORD_THEN_CONSUME,
     WORLD_TWO_OWNERS, false, "a signal that was received waits to be received again"},
    {"timeout recorded, and the late signal removed", MODEL_TIMEOUT_EATS_SIGNAL,
     WORLD_TWO_OWNERS, false, "a signal was lost"},
    {"a signal's time decides before the deadline, too, and the clock jumps back",
     MODEL_STAMP_ALONE_COUNTS, WORLD_CLOCK_JUMPS, false,
     "a pass ends with the run due for what it did not want"},
    {"expired lease never claimed", MODEL_EXPIRED_STAYS_HELD, WORLD_TWO_OWNERS, false,
     search_stuck},
    {"suspend keeps the claim", MODEL_SUSPEND_KEEPS_CLAIM, WORLD_TWO_OWNERS, false,
     "a run that is suspended or has ended is held"},
    {"zombie's end accepted", MODEL_END_IGNORES_FENCE, WORLD_TWO_OWNERS, false, FENCED},
    {"zombie's suspension accepted", MODEL_SUSPEND_IGNORES_FENCE, WORLD_TWO_OWNERS, false, FENCED},
    {"zombie's release accepted", MODEL_RELEASE_IGNORES_FENCE, WORLD_LOST_ANSWERS, false, FENCED},
};

#define FAULT_COUNT (sizeof faults / sizeof faults[0])

static void search_for(const fault *one, bool plain, search_result *result)
{
    model_world world = world_of(one->world);

    world.faults = one->faults;
    world.same_tokens = one->same_tokens;
    world.plain = plain;
    world.name = one->what;
    world_search(&world, result);
}

static void every_fault_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        search_result result;

        search_for(&faults[i], false, &result);
        if (!result.broken) fail_msg("%s: not found", faults[i].what);
        assert_non_null(result.narrative);
        print_message("%s", result.narrative);
        assert_string_equal(result.broken, faults[i].broken);
        assert_null(strstr(result.narrative, SEARCH_LOST));
        search_free(&result);
    }
}

/* Taking states for the same that differ in names only hides no fault and makes none up: the
 * shortest way to each is as long where they are told apart. */
static void what_is_taken_for_the_same_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        search_result canonical, plain;

        search_for(&faults[i], false, &canonical);
        search_for(&faults[i], true, &plain);
        assert_non_null(canonical.broken);
        assert_non_null(plain.broken);
        assert_string_equal(canonical.broken, plain.broken);
        assert_int_equal(canonical.depth, plain.depth);
        assert_true(canonical.states <= plain.states);
        search_free(&canonical);
        search_free(&plain);
    }
}

/* One in full, so that a reader sees what a narrative looks like. The number in front is the
 * clock's. */
static void a_signal_is_lost_between_check_and_wait(void **state)
{
    static const fault lost = {"lost wake-up", MODEL_SUSPEND_DOES_NOT_LOOK, WORLD_TWO_SIGNALS,
                               false, ASLEEP};
    search_result result;

    (void)state;
    search_for(&lost, false, &result);
    assert_string_equal(result.narrative,
                        "0  Ann   looks: the run is at epoch 0 and due\n"
                        "0  Ann   claims: epoch 1, lease until 2\n"
                        "0  Ann   replays; next is position 1\n"
                        "0  Ann   looks for a signal: none; deadline 2\n"
                        "0        signal 1 is sent\n"
                        "0  Ann   suspends the run, due at 2\n"
                        ASLEEP "\n");
    search_free(&result);
}

/* The same fault, with a token that is not looked at; the backup is what makes it matter. */
static void a_backup_makes_epochs_repeat(void **state)
{
    search_result result;

    (void)state;
    search_for(&faults[1], false, &result);
    assert_non_null(strstr(result.narrative, "the backup is restored: epoch 0 instead of 1"));
    search_free(&result);
}

/* A search that was cut short says so, rather than that all is well. */
static void too_many_states_are_told(void **state)
{
    model_world world = world_of(WORLD_TWO_OWNERS);
    search_result result;

    (void)state;
    search_all(&world, 1000, &result);
    assert_true(result.too_large);
    assert_int_equal(result.states, 1000);
    search_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_is_found),
        cmocka_unit_test(what_is_taken_for_the_same_is_the_same),
        cmocka_unit_test(a_signal_is_lost_between_check_and_wait),
        cmocka_unit_test(a_backup_makes_epochs_repeat),
        cmocka_unit_test(too_many_states_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
