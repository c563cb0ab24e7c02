/* test/conformance: processes that die in the body of a step, which is executed again. */
#include "conformance/callback.h"
#include "support/process.h"

#include <unistd.h>

#define DIED 9

/* In the child of the test: make a pass, in which it dies. */
static int pass_and_die(void *user)
{
    stage *it = user;

    stage_in_child(it);
    it->number = DIED;
    stage_next(it);
    return 1;
}

static void let_a_child_die(stage *it)
{
    process_end end = process_run(pass_and_die, it);

    assert_true(end.exited);
    assert_int_equal(DIED, end.code);
}

static void die_if_told(stage *it)
{
    if (it->number == DIED) _exit(DIED);
}

static int die_between_steps(dur_run *run, void *user)
{
    stage *it = user;
    int64_t first = 0, second = 0;

    DUR_STEP(run, "first", first) {
        stage_body(it, "first");
        first = it->number == DIED ? 1 : 2; /* by whom it was executed */
    }
    DUR_STEP(run, "second", second) {
        stage_body(it, "second");
        die_if_told(it);
        second = 10 * first;
    }
    dur_set_output(run, dur_integer(second));
    return 0;
}

/* Beyond: what the dead process had recorded is not executed again; the step that it died in is, as
 * the same attempt. Another worker takes the run over at once. */
static void beyond_the_step_of_a_dead_process_is_executed_again(void **state)
{
    stage *it = *state;

    stage_begin(it, die_between_steps, dur_null());
    let_a_child_die(it);
    assert_steps(it, "1 step first result 1 /1\n");
    stage_next(it);
    assert_story(it, "0: second = DUR_OK\n");
    assert_completed(it, "10", "1 step first result 1 /1\n2 step second result 10 /1\n");
}

static int fail_or_die(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP_VOID(run, "flaky", &it->step) {
        dur_step *step = dur_current_step(run);
        int64_t attempt = dur_step_attempt(step);
        dur_value carried = dur_step_details(step);

        stage_body(it, "try/%lld/%lld", (long long)attempt, (long long)carried.as.integer);
        if (it->number == DIED) {
            assert_int_equal(DUR_OK, dur_heartbeat(step, dur_integer(70)));
            die_if_told(it);
        }
        if (attempt < 3) dur_fail(run, "down");
    }
    return 0;
}

/* Beyond: a death between two failures neither counts as an attempt nor makes others forgotten, and
 * what the dead one had stored is there for the next. */
static void beyond_a_death_neither_counts_nor_forgets_attempts(void **state)
{
    stage *it = *state;

    it->policy.initial_ms = 1000;
    it->policy.coefficient = 2;
    it->policy.jitter = DUR_JITTER_NONE;
    it->policy.max_attempts = 3;
    it->step.retry = &it->policy;
    stage_begin(it, fail_or_die, dur_null());
    stage_next(it);
    stage_advance(it, 1000);
    let_a_child_die(it);
    assert_pending(it, "1 step flaky #1 wakes never 70 'down'\n");
    stage_next(it);
    assert_pending(it, "1 step flaky #2 wakes 3000 70 'down'\n");
    stage_next(it);
    assert_story(it, "0: try/1/0 = DUR_SUSPENDED\n1000: try/2/70 = DUR_SUSPENDED\n"
                     "3000: try/3/70 = DUR_OK\n");
    assert_completed(it, "NULL", "1 step flaky result NULL /3\n");
}

static int submit_or_die(dur_run *run, void *user)
{
    stage *it = user;
    dur_step *callback = NULL;

    if (dur_begin_callback(run, "approval", &it->callback, &callback) != DUR_OK) return 0;
    DUR_STEP(run, "submit") {
        stage_body(it, "submit");
        if (it->number == DIED) {
            /* The mail goes out, and is answered, before the step is recorded. */
            assert_int_equal(DUR_OK, dur_complete_callback(it->log, dur_callback_token(callback),
                                                           dur_text("granted")));
            die_if_told(it);
        }
        stage_hand_out(it, 0, callback);
    }
    return give_answer(run, callback);
}

/* Beyond: a submitter that dies behind its work is executed again, with the same token; an answer
 * to the first one's mail is not lost, and one to the second one's comes too late. */
static void beyond_an_answer_to_a_dead_submitter(void **state)
{
    stage *it = *state;

    stage_begin(it, submit_or_die, dur_null());
    let_a_child_die(it);
    stage_next(it);
    assert_int_equal(DUR_ENDED, answer(it, 0, dur_text("again")));
    assert_story(it, "0: submit = DUR_OK\n");
    assert_completed(it, "'granted'",
                     "1 callback approval result 'granted' /1\n2 step submit result NULL /1\n");
}

static int wait_or_die(dur_run *run, void *user)
{
    stage *it = user;

    if (dur_sleep(run, "rest", 5000) != DUR_OK) return 0;
    DUR_STEP(run, "work") {
        stage_body(it, "work");
        die_if_told(it);
    }
    return 0;
}

/* Beyond: a process that dies after a wait has waited for all that come after it. */
static void beyond_a_wait_is_over_for_the_next_process_too(void **state)
{
    stage *it = *state;

    stage_begin(it, wait_or_die, dur_null());
    stage_next(it);
    stage_advance(it, 5000);
    let_a_child_die(it);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n5000: work = DUR_OK\n");
    assert_completed(it, "NULL", "1 timer rest result NULL /1\n2 step work result NULL /1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BY_A_WORKER(beyond_the_step_of_a_dead_process_is_executed_again),
        BY_A_WORKER(beyond_a_death_neither_counts_nor_forgets_attempts),
        BY_A_WORKER(beyond_an_answer_to_a_dead_submitter),
        BY_A_WORKER(beyond_a_wait_is_over_for_the_next_process_too),
    };

    return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
