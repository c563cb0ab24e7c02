/* test/conformance: steps that run at most once in each attempt: a process that dies in the body is
 * a failed attempt, whose retry the policy decides, and never a second run of the same one. */
#include "conformance/stage.h"
#include "support/process.h"

#include <unistd.h>

#define DIED 9
#define IN_DOUBT "in doubt: the process ended before its outcome was recorded"

/* What the bodies did to the world, in memory that outlives the children. */
typedef struct effects {
    int bodies;
    int64_t attempts[16];
} effects;

static effects *world;

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

static void charge(stage *it, dur_run *run, dur_step *step, int64_t fails_until)
{
    int64_t attempt = dur_step_attempt(step);

    stage_body(it, "%s/%lld", dur_as_text(dur_input(run)), (long long)attempt);
    world->attempts[world->bodies++] = attempt;
    if (it->number == DIED) _exit(DIED);
    if (attempt <= fails_until) dur_fail(run, "declined");
}

static int pay(dur_run *run, void *user)
{
    stage *it = user;
    const char *result = NULL;

    DUR_STEP(run, "charge", result, &it->step) {
        charge(it, run, dur_current_step(run), 0);
        result = "succeeded";
    }
    dur_set_output(run, dur_text(result));
    return 0;
}

static void begin(stage *it, dur_workflow *workflow, int in_doubt, int64_t max_attempts)
{
    memset(world, 0, sizeof *world);
    it->step.mode = DUR_AT_MOST_ONCE;
    it->step.in_doubt = in_doubt;
    it->policy.initial_ms = 2000;
    it->policy.coefficient = 1;
    it->policy.jitter = DUR_JITTER_NONE;
    it->policy.max_attempts = max_attempts;
    if (max_attempts) it->step.retry = &it->policy;
    stage_begin(it, workflow, dur_text("card"));
}

/* The body runs twice, once in each attempt: before the crash, and when the pause is over. */
static void r1_18_a_crash_is_a_failed_attempt_and_the_next_one_succeeds(void **state)
{
    stage *it = *state;

    begin(it, pay, DUR_IN_DOUBT_RETRY, 3);
    let_a_child_die(it);
    assert_pending(it, "1 step charge #0 wakes never NULL NULL\n");
    stage_next(it);
    assert_pending(it, "1 step charge #1 wakes 2000 NULL '" IN_DOUBT "'\n");
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n2000: card/2 = DUR_OK\n");
    assert_int_equal(2, world->bodies);
    assert_int_equal(1, world->attempts[0]);
    assert_int_equal(2, world->attempts[1]);
    assert_completed(it, "'succeeded'", "1 step charge result 'succeeded' /2\n");
}

/* Beyond: where nobody crashes such a step is like any other. */
static void beyond_without_a_crash_it_runs_once(void **state)
{
    stage *it = *state;

    begin(it, pay, DUR_IN_DOUBT_RETRY, 0);
    stage_next(it);
    assert_story(it, "0: card/1 = DUR_OK\n");
    assert_int_equal(1, world->bodies);
    assert_completed(it, "'succeeded'", "1 step charge result 'succeeded' /1\n");
}

/* Beyond: without a retry strategy the crash is the step's failure, and the run's. */
static void beyond_a_crash_without_retry_fails_the_run(void **state)
{
    stage *it = *state;

    begin(it, pay, DUR_IN_DOUBT_RETRY, 0);
    let_a_child_die(it);
    stage_next(it);
    assert_story(it, "0: = DUR_FAILED\n");
    assert_int_equal(1, world->bodies);
    assert_failed(it, IN_DOUBT, "1 step charge failure '" IN_DOUBT "' /1\n");
}

static int pay_or_send_a_bill(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP_VOID(run, "charge", &it->step)
        charge(it, run, dur_current_step(run), 0);
    if (dur_catch(run)) {
        DUR_STEP(run, "bill") stage_body(it, "bill");
        dur_set_output(run, dur_text("billed"));
    }
    return 0;
}

/* Beyond: the interruption is caught like any failure, and the run goes on. */
static void beyond_a_crash_is_caught(void **state)
{
    stage *it = *state;

    begin(it, pay_or_send_a_bill, DUR_IN_DOUBT_FAIL, 5);
    let_a_child_die(it);
    stage_next(it);
    assert_story(it, "0: bill = DUR_OK\n");
    assert_int_equal(1, world->bodies);
    assert_completed(it, "'billed'", "1 step charge failure '" IN_DOUBT "' /1\n"
                                     "2 step bill result NULL /1\n");
}

/* Beyond: every attempt crashes; as many as the policy allows are made, and each once. */
static void beyond_crashes_use_up_the_attempts(void **state)
{
    stage *it = *state;

    begin(it, pay, DUR_IN_DOUBT_RETRY, 3);
    let_a_child_die(it);
    for (int i = 1; i < 3; i++) {
        stage_next(it);
        stage_advance(it, 2000);
        let_a_child_die(it);
    }
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n2000: = DUR_SUSPENDED\n4000: = DUR_FAILED\n");
    assert_int_equal(3, world->bodies);
    for (int i = 0; i < 3; i++) assert_int_equal(i + 1, world->attempts[i]);
    assert_failed(it, IN_DOUBT, "1 step charge failure '" IN_DOUBT "' /3\n");
}

static int pay_at_the_third(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP_VOID(run, "charge", &it->step)
        charge(it, run, dur_current_step(run), 2);
    return 0;
}

/* Beyond: failures that the body reports and crashes are counted together. */
static void beyond_failures_and_crashes_are_counted_together(void **state)
{
    stage *it = *state;

    begin(it, pay_at_the_third, DUR_IN_DOUBT_RETRY, 3);
    stage_next(it);
    stage_advance(it, 2000);
    let_a_child_die(it);
    assert_pending(it, "1 step charge #1 wakes never NULL 'declined'\n");
    stage_next(it);
    stage_next(it);
    assert_story(it, "0: card/1 = DUR_SUSPENDED\n2000: = DUR_SUSPENDED\n"
                     "4000: card/3 = DUR_OK\n");
    assert_int_equal(3, world->bodies);
    assert_completed(it, "NULL", "1 step charge result NULL /3\n");
}

static int pay_and_die_behind_it(dur_run *run, void *user)
{
    stage *it = user;
    bool dies = it->number == DIED;

    it->number = 0;
    DUR_STEP_VOID(run, "charge", &it->step)
        charge(it, run, dur_current_step(run), 0);
    if (dies) _exit(DIED);
    return 0;
}

/* Beyond: once its outcome is recorded a crash means nothing to it. */
static void beyond_a_crash_behind_the_step_is_none_in_it(void **state)
{
    stage *it = *state;

    begin(it, pay_and_die_behind_it, DUR_IN_DOUBT_RETRY, 3);
    let_a_child_die(it);
    assert_steps(it, "1 step charge result NULL /1\n");
    stage_next(it);
    assert_story(it, "0: = DUR_OK\n");
    assert_int_equal(1, world->bodies);
    assert_completed(it, "NULL", "1 step charge result NULL /1\n");
}

/* Beyond: the other semantics: the step is executed again, as the same attempt. */
static void beyond_at_least_once_it_is_executed_again(void **state)
{
    stage *it = *state;

    begin(it, pay, DUR_IN_DOUBT_PARK, 3);
    it->step.mode = DUR_AT_LEAST_ONCE;
    let_a_child_die(it);
    stage_next(it);
    assert_story(it, "0: card/1 = DUR_OK\n");
    assert_int_equal(2, world->bodies);
    assert_completed(it, "'succeeded'", "1 step charge result 'succeeded' /1\n");
}

static int ask_the_bank(dur_step *step, void *user)
{
    stage_tell(user, "ask/%lld", (long long)dur_step_attempt(step));
    return world->bodies ? dur_record_result(step, dur_text("succeeded")) : DUR_EXECUTE;
}

/* Beyond: who can ask the outside world need not try again. */
static void beyond_the_outside_world_is_asked(void **state)
{
    stage *it = *state;

    it->step.verify = ask_the_bank;
    it->step.user = it;
    begin(it, pay, DUR_IN_DOUBT_VERIFY, 3);
    let_a_child_die(it);
    stage_next(it);
    assert_story(it, "0: ask/1 = DUR_OK\n");
    assert_int_equal(1, world->bodies);
    assert_completed(it, "'succeeded'", "1 step charge result 'succeeded' /1\n");
}

/* Beyond: nor who can ask a person. No worker takes the run up before there is an answer. */
static void beyond_a_person_is_asked(void **state)
{
    stage *it = *state;

    begin(it, pay, DUR_IN_DOUBT_PARK, 3);
    let_a_child_die(it);
    stage_next(it);
    assert_int_equal(-1, stage_idle(it));
    assert_code(DUR_OK,
                dur_resolve_step(stage_world(it), STAGE_RUN, 1, DUR_OK, dur_text("paid"), NULL),
                stage_world(it));
    stage_next(it);
    assert_story(it, "0: = DUR_PARKED\n0: = DUR_OK\n");
    assert_int_equal(1, world->bodies);
    assert_completed(it, "'paid'", "1 step charge result 'paid' /1\n");
}

static int share(void **state)
{
    (void)state;
    world = process_share(sizeof *world);
    return world ? 0 : -1;
}

static int unshare(void **state)
{
    (void)state;
    process_unshare(world, sizeof *world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BY_A_WORKER(r1_18_a_crash_is_a_failed_attempt_and_the_next_one_succeeds),
        BOTH_WAYS(beyond_without_a_crash_it_runs_once),
        BY_A_WORKER(beyond_a_crash_without_retry_fails_the_run),
        BY_A_WORKER(beyond_a_crash_is_caught),
        BY_A_WORKER(beyond_crashes_use_up_the_attempts),
        BY_A_WORKER(beyond_failures_and_crashes_are_counted_together),
        BY_A_WORKER(beyond_a_crash_behind_the_step_is_none_in_it),
        BY_A_WORKER(beyond_at_least_once_it_is_executed_again),
        BY_A_WORKER(beyond_the_outside_world_is_asked),
        BY_A_WORKER(beyond_a_person_is_asked),
    };

    return cmocka_run_group_tests_name("steps, at most once", tests, share, unshare);
}
