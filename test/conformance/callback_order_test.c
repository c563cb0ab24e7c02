/* test/conformance: callbacks among steps and waits: in which pass what is noticed, and replay. */
#include "conformance/callback.h"

/* ---- Something else before the answer ------------------------------------------------------ */

static int ask_work_await(dur_run *run, void *user)
{
    stage *it = user;
    dur_step *callback = ask(run, it, 0, "approval");

    DUR_STEP(run, "work") stage_body(it, "work");
    return give_answer(run, callback);
}

/* The deadline counts from the callback's beginning, and the step has run once. */
static void r4_8_no_answer_after_a_step_and_the_run_fails(void **state)
{
    stage *it = *state;

    it->callback.timeout_ms = 5000;
    stage_begin(it, ask_work_await, dur_null());
    stage_next(it);
    assert_steps(it, "2 step work result NULL /1\n");
    assert_pending(it, "1 callback approval #0 wakes 5000 NULL NULL\n");
    stage_next(it);
    assert_story(it, "0: work = DUR_SUSPENDED\n5000: = DUR_FAILED\n");
    assert_failed(it, "no answer in time",
                  "1 callback approval timed out NULL /1\n2 step work result NULL /1\n");
}

/* Beyond: the same with an answer in time. */
static void beyond_an_answer_after_a_step(void **state)
{
    stage *it = *state;

    it->callback.timeout_ms = 5000;
    stage_begin(it, ask_work_await, dur_null());
    stage_next(it);
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("granted")));
    stage_next(it);
    assert_story(it, "0: work = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_completed(it, "'granted'",
                     "1 callback approval result 'granted' /1\n2 step work result NULL /1\n");
}

static int ask_rest_await(dur_run *run, void *user)
{
    stage *it = user;
    dur_step *callback = ask(run, it, 0, "approval");

    if (dur_sleep(run, "rest", 5000) != DUR_OK) return 0;
    stage_tell(it, "rested");
    return give_answer(run, callback);
}

/* Stronger: what comes while the run waits for something else wakes nobody; one pass less. */
static void r4_10_a_rejection_during_a_wait(void **state)
{
    stage *it = *state;

    stage_begin(it, ask_rest_await, dur_null());
    stage_next(it);
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, reject(it, 0, "RejectedError: not approved"));
    assert_int_equal(4000, stage_idle(it));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n5000: rested = DUR_FAILED\n");
    assert_failed(it, "RejectedError: not approved",
                  "1 callback approval failure 'RejectedError: not approved' /1\n"
                  "2 timer rest result NULL /1\n");
}

/* Beyond: the same with an answer; and if there is none, a time that ran out during the wait has
 * run out after it. */
static void beyond_an_answer_during_a_wait(void **state)
{
    stage *it = *state;

    stage_begin(it, ask_rest_await, dur_null());
    stage_next(it);
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("granted")));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n5000: rested = DUR_OK\n");
    assert_completed(it, "'granted'",
                     "1 callback approval result 'granted' /1\n2 timer rest result NULL /1\n");
}

static void beyond_a_timeout_during_a_wait(void **state)
{
    stage *it = *state;

    it->callback.timeout_ms = 3000;
    stage_begin(it, ask_rest_await, dur_null());
    stage_next(it);
    assert_int_equal(5000, stage_idle(it));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n5000: rested = DUR_FAILED\n");
    assert_failed(it, "no answer in time",
                  "1 callback approval timed out NULL /1\n2 timer rest result NULL /1\n");
}

/* Beyond: no answer during the wait: the run goes on waiting, for the callback alone. */
static void beyond_an_answer_after_a_wait(void **state)
{
    stage *it = *state;

    stage_begin(it, ask_rest_await, dur_null());
    stage_next(it);
    stage_next(it);
    assert_int_equal(-1, stage_idle(it));
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("granted")));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n5000: rested = DUR_SUSPENDED\n6000: rested = DUR_OK\n");
    assert_completed(it, "'granted'",
                     "1 callback approval result 'granted' /1\n2 timer rest result NULL /1\n");
}

/* ---- Something else after the answer ------------------------------------------------------- */

/* Tells what came, whatever it is, and goes on. */
static int await_and_rest(dur_run *run, void *user)
{
    stage *it = user;
    dur_value value = dur_null();
    int code = dur_await(ask(run, it, 0, "approval"), &value);

    if (code == DUR_OK) stage_tell(it, "[%s]", dur_as_text(value));
    else if (code == DUR_FAILED) stage_tell(it, "[rejected: %s]", dur_catch(run));
    else if (code == DUR_TIMED_OUT) stage_tell(it, "[nothing came]");
    else return 0;
    if (dur_sleep(run, "rest", 2000) != DUR_OK) return 0;
    dur_set_output(run, dur_text(code == DUR_OK ? dur_as_text(value) : "handled"));
    return 0;
}

/* Three passes; the last one is told the answer again, from the log. */
static void r4_12_an_answer_is_replayed_after_a_wait(void **state)
{
    stage *it = *state;

    stage_begin(it, await_and_rest, dur_null());
    stage_next(it);
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("granted")));
    stage_next(it);
    assert_steps(it, "1 callback approval result 'granted' /1\n");
    assert_pending(it, "2 timer rest #0 wakes 3000 NULL NULL\n");
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n1000: [granted] = DUR_SUSPENDED\n"
                     "3000: [granted] = DUR_OK\n");
    assert_completed(it, "'granted'",
                     "1 callback approval result 'granted' /1\n2 timer rest result NULL /1\n");
}

/* A timeout is an outcome like others: handled, and told again after the wait. */
static void r4_14_a_timeout_is_handled_and_replayed_after_a_wait(void **state)
{
    stage *it = *state;

    it->callback.timeout_ms = 3000;
    stage_begin(it, await_and_rest, dur_null());
    stage_next(it);
    stage_next(it);
    assert_steps(it, "1 callback approval timed out NULL /1\n");
    assert_int_equal(DUR_ENDED, answer(it, 0, dur_text("late")));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n3000: [nothing came] = DUR_SUSPENDED\n"
                     "5000: [nothing came] = DUR_OK\n");
    assert_completed(it, "'handled'",
                     "1 callback approval timed out NULL /1\n2 timer rest result NULL /1\n");
}

/* Beyond: the same for a rejection that is caught. */
static void beyond_a_rejection_is_caught_and_replayed_after_a_wait(void **state)
{
    stage *it = *state;

    stage_begin(it, await_and_rest, dur_null());
    stage_next(it);
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, reject(it, 0, "RejectedError: not approved"));
    stage_next(it);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n"
                     "1000: [rejected: RejectedError: not approved] = DUR_SUSPENDED\n"
                     "3000: [rejected: RejectedError: not approved] = DUR_OK\n");
    assert_completed(it, "'handled'",
                     "1 callback approval failure 'RejectedError: not approved' /1\n"
                     "2 timer rest result NULL /1\n");
}

/* Beyond: the same for heartbeats that stay out. */
static void beyond_missing_heartbeats_are_handled(void **state)
{
    stage *it = *state;

    it->callback.heartbeat_ms = 5000;
    stage_begin(it, await_and_rest, dur_null());
    stage_run_on(it);
    assert_story(it, "0: = DUR_SUSPENDED\n5000: [nothing came] = DUR_SUSPENDED\n"
                     "7000: [nothing came] = DUR_OK\n");
    assert_completed(it, "'handled'",
                     "1 callback approval timed out NULL /1\n2 timer rest result NULL /1\n");
}

static int await_twice(dur_run *run, void *user)
{
    stage *it = user;
    dur_step *callback = ask(run, it, 0, "approval");
    dur_value value = dur_null();

    if (dur_await(callback, NULL) != DUR_OK) return 0;
    DUR_STEP(run, "work") stage_body(it, "work");
    if (dur_await(callback, &value) != DUR_OK) return 0;
    dur_set_output(run, value);
    return 0;
}

/* Beyond: who asks twice is told twice. */
static void beyond_an_answer_may_be_asked_for_twice(void **state)
{
    stage *it = *state;

    stage_begin(it, await_twice, dur_null());
    stage_next(it);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("granted")));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n0: work = DUR_OK\n");
    assert_completed(it, "'granted'",
                     "1 callback approval result 'granted' /1\n2 step work result NULL /1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(r4_8_no_answer_after_a_step_and_the_run_fails),
        BOTH_WAYS(r4_10_a_rejection_during_a_wait),
        BOTH_WAYS(r4_12_an_answer_is_replayed_after_a_wait),
        BOTH_WAYS(r4_14_a_timeout_is_handled_and_replayed_after_a_wait),
        BOTH_WAYS(beyond_an_answer_after_a_step),
        BOTH_WAYS(beyond_an_answer_during_a_wait),
        BOTH_WAYS(beyond_a_timeout_during_a_wait),
        BOTH_WAYS(beyond_an_answer_after_a_wait),
        BOTH_WAYS(beyond_a_rejection_is_caught_and_replayed_after_a_wait),
        BOTH_WAYS(beyond_missing_heartbeats_are_handled),
        BOTH_WAYS(beyond_an_answer_may_be_asked_for_twice),
    };

    return cmocka_run_group_tests_name("callback order", tests, NULL, NULL);
}
