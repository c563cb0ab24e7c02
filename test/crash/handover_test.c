/*
 * test/crash: law 6: the run of an owner that was killed is free at once. Whoever comes next opens
 * the log, claims, replays and goes on; it sleeps not once, and the dead one's lease, which has
 * minutes to go, is not waited for. How long it takes is measured in test/bench.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/handover.h"
#include "support/place.h"
#include "support/process.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#define STEPS 100

typedef struct book {
    place here;
    handover_way way;
    int steps;
    handover result;
} book;

static book *shared;

static int setup(void **state)
{
    (void)state;
    shared = process_share(sizeof *shared);
    return shared && place_make(&shared->here) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    place_remove(&shared->here);
    process_unshare(shared, sizeof *shared);
    return 0;
}

static int successor(void *user)
{
    (void)user;
    shared->result = handover_take(shared->here.path, shared->steps, shared->way, true);
    return 0;
}

/* In a process of its own, as after a crash. */
static void take_over(handover_way way, int steps)
{
    process_end end;

    shared->way = way;
    shared->steps = steps;
    end = process_run(successor, NULL);
    assert_true(end.exited && end.code == 0);
}

static void expect_taken_at_once(int replayed)
{
    const handover *it = &shared->result;

    if (it->code != DUR_OK) print_error("%s: %s\n", dur_code_name(it->code), it->message);
    assert_int_equal(it->code, DUR_OK);
    assert_int_equal(it->replayed, replayed);
    assert_int_equal(it->executed, 1);
    assert_int_equal(it->sleeps, 0);
    assert_true(it->lease_end_ms / 1000 > (int64_t)time(NULL) + 60);
}

static void a_killed_owners_run_is_executed_at_once(void **state)
{
    (void)state;
    place_clear(shared->here.path);
    assert_true(handover_leave(shared->here.path, STEPS, NULL));
    take_over(HANDOVER_EXECUTE, STEPS);
    expect_taken_at_once(STEPS);
}

static void a_worker_finds_a_killed_owners_run_at_once(void **state)
{
    (void)state;
    place_clear(shared->here.path);
    assert_true(handover_leave(shared->here.path, STEPS, NULL));
    take_over(HANDOVER_WORK, STEPS);
    expect_taken_at_once(STEPS);
}

/* Its parent has not asked for it yet: the system still lists the process. */
static void a_dead_owner_that_nobody_has_waited_for_is_dead(void **state)
{
    process_end end;
    pid_t dead = -1;

    (void)state;
    for (int way = HANDOVER_EXECUTE; way <= HANDOVER_WORK; way++) {
        place_clear(shared->here.path);
        assert_true(handover_leave(shared->here.path, STEPS, &dead));
        take_over((handover_way)way, STEPS);
        end = process_wait(dead);
        assert_true(!end.exited && end.signal == SIGKILL);
        expect_taken_at_once(STEPS);
    }
}

/* Each owner comes one step further than the one before it, and is killed. */
static void owners_killed_one_after_another_wait_for_none(void **state)
{
    (void)state;
    place_clear(shared->here.path);
    for (int steps = 0; steps < 2 * DUR_CLAIMS_MAX; steps++)
        assert_true(handover_leave(shared->here.path, steps, NULL));
    take_over(HANDOVER_WORK, 2 * DUR_CLAIMS_MAX - 1);
    expect_taken_at_once(2 * DUR_CLAIMS_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_owners_run_is_executed_at_once),
        cmocka_unit_test(a_worker_finds_a_killed_owners_run_at_once),
        cmocka_unit_test(a_dead_owner_that_nobody_has_waited_for_is_dead),
        cmocka_unit_test(owners_killed_one_after_another_wait_for_none),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
