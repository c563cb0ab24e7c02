/*
 * test/conformance: a callback, a step that hands its token to the outside world, and the wait for
 * the answer: three positions of the run, where others make one operation of them.
 */
#include "conformance/callback.h"

/* The submitter fails until attempt `number`; 0: it does not fail; -1: always. */
static dur_step *submit(dur_run *run, stage *it, int which, const char *name)
{
    dur_step *callback = NULL;

    if (dur_begin_callback(run, name, &it->callback, &callback) != DUR_OK) return NULL;
    DUR_STEP_VOID(run, "submit", &it->step) {
        int64_t attempt = dur_step_attempt(dur_current_step(run));

        stage_body(it, "submit/%lld", (long long)attempt);
        if (it->number >= 0 && attempt >= it->number) stage_hand_out(it, which, callback);
        else dur_fail(run, "SubmitError: nobody is there");
    }
    return dur_ok(run) ? callback : NULL;
}

static int wait_for_callback(dur_run *run, void *user)
{
    stage *it = user;

    return give_answer(run, submit(run, it, 0, "approval"));
}

#define SUBMITTED "2 step submit result NULL /1\n"

/* The name is the callback's; the token is handed out once; the answer is the result. */
static void r7_2_the_operation_has_the_name_it_was_given(void **state)
{
    stage *it = *state;

    stage_begin(it, wait_for_callback, dur_null());
    stage_next(it);
    assert_steps(it, SUBMITTED);
    assert_pending(it, "1 callback approval #0 wakes never NULL NULL\n");
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("granted")));
    stage_next(it);
    assert_story(it, "0: submit/1 = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_completed(it, "'granted'", "1 callback approval result 'granted' /1\n" SUBMITTED);
}

/* A rejection that nobody catches. */
static void r7_4_an_uncaught_rejection_fails_the_run(void **state)
{
    stage *it = *state;

    stage_begin(it, wait_for_callback, dur_null());
    stage_next(it);
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, reject(it, 0, "RejectedError: not approved"));
    stage_next(it);
    assert_story(it, "0: submit/1 = DUR_SUSPENDED\n1000: = DUR_FAILED\n");
    assert_failed(it, "RejectedError: not approved",
                  "1 callback approval failure 'RejectedError: not approved' /1\n" SUBMITTED);
}

/* Whatever goes wrong is told, and the run completes. */
static int recover(dur_run *run, void *user)
{
    stage *it = user;
    dur_value value = dur_null();
    int code = dur_await(submit(run, it, 0, "approval"), &value);
    const char *failure = dur_catch(run);

    if (failure) stage_tell(it, "[%s]", failure);
    if (code == DUR_TIMED_OUT) dur_set_output(run, dur_text("timed-out-handled"));
    else dur_set_output(run, failure ? dur_text("recovered") : value);
    return 0;
}

/* A rejection that is caught. */
static void r7_6_a_caught_rejection(void **state)
{
    stage *it = *state;

    stage_begin(it, recover, dur_null());
    stage_next(it);
    assert_int_equal(DUR_OK, reject(it, 0, "RejectedError: not approved"));
    stage_next(it);
    assert_story(it, "0: submit/1 = DUR_SUSPENDED\n0: [RejectedError: not approved] = DUR_OK\n");
    assert_completed(it, "'recovered'",
                     "1 callback approval failure 'RejectedError: not approved' /1\n" SUBMITTED);
}

static int rest_work_wait(dur_run *run, void *user)
{
    stage *it = user;

    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    DUR_STEP(run, "work") stage_body(it, "work");
    return give_answer(run, submit(run, it, 0, "approval"));
}

/* A wait, a step, then the operation: two suspensions, and each body in one pass only. */
static void r7_10_after_a_wait_and_a_step(void **state)
{
    stage *it = *state;

    stage_begin(it, rest_work_wait, dur_null());
    stage_next(it);
    stage_next(it);
    assert_pending(it, "3 callback approval #0 wakes never NULL NULL\n");
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("granted")));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n1000: work submit/1 = DUR_SUSPENDED\n2000: = DUR_OK\n");
    assert_completed(it, "'granted'",
                     "1 timer rest result NULL /1\n2 step work result NULL /1\n"
                     "3 callback approval result 'granted' /1\n4 step submit result NULL /1\n");
}

/* No heartbeat, no answer. */
static void r7_12_missing_heartbeats_fail_the_run(void **state)
{
    stage *it = *state;

    it->callback.heartbeat_ms = 5000;
    stage_begin(it, wait_for_callback, dur_null());
    stage_next(it);
    stage_next(it);
    assert_story(it, "0: submit/1 = DUR_SUSPENDED\n5000: = DUR_FAILED\n");
    assert_failed(it, "no answer in time", "1 callback approval timed out NULL /1\n" SUBMITTED);
}

/* A timeout that is handled. */
static void r7_14_a_handled_timeout(void **state)
{
    stage *it = *state;

    it->callback.timeout_ms = 3000;
    stage_begin(it, recover, dur_null());
    stage_next(it);
    assert_pending(it, "1 callback approval #0 wakes 3000 NULL NULL\n");
    stage_next(it);
    assert_story(it, "0: submit/1 = DUR_SUSPENDED\n3000: = DUR_OK\n");
    assert_completed(it, "'timed-out-handled'",
                     "1 callback approval timed out NULL /1\n" SUBMITTED);
}

/* ---- Beyond: the submitter ---------------------------------------------------------------- */

static void be_patient(stage *it, int64_t max_attempts)
{
    it->policy.initial_ms = 1000;
    it->policy.coefficient = 1;
    it->policy.jitter = DUR_JITTER_NONE;
    it->policy.max_attempts = max_attempts;
    it->step.retry = &it->policy;
}

/* Beyond: the submitter is tried again like any step, for one and the same callback. */
static void beyond_a_submitter_is_tried_again(void **state)
{
    stage *it = *state;

    be_patient(it, 3);
    it->number = 2;
    stage_begin(it, wait_for_callback, dur_null());
    stage_next(it);
    assert_pending(it, "1 callback approval #0 wakes never NULL NULL\n"
                       "2 step submit #1 wakes 1000 NULL 'SubmitError: nobody is there'\n");
    stage_next(it);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("granted")));
    stage_next(it);
    assert_story(it, "0: submit/1 = DUR_SUSPENDED\n1000: submit/2 = DUR_SUSPENDED\n"
                     "1000: = DUR_OK\n");
    assert_completed(it, "'granted'",
                     "1 callback approval result 'granted' /1\n2 step submit result NULL /2\n");
}

/* Beyond: a submitter that fails for good fails the operation, uncaught … */
static void beyond_a_failing_submitter_fails_the_run(void **state)
{
    stage *it = *state;

    be_patient(it, 2);
    it->number = -1;
    stage_begin(it, wait_for_callback, dur_null());
    stage_run_on(it);
    assert_story(it, "0: submit/1 = DUR_SUSPENDED\n1000: submit/2 = DUR_FAILED\n");
    assert_failed(it, "SubmitError: nobody is there",
                  "2 step submit failure 'SubmitError: nobody is there' /2\n");
}

/* … or caught, and nobody waits for an answer that cannot come. */
static void beyond_a_failing_submitter_is_caught(void **state)
{
    stage *it = *state;

    it->number = -1;
    stage_begin(it, recover, dur_null());
    stage_next(it);
    assert_story(it, "0: submit/1 [SubmitError: nobody is there] = DUR_OK\n");
    assert_completed(it, "'recovered'",
                     "2 step submit failure 'SubmitError: nobody is there' /1\n");
}

static int answered_at_once(dur_run *run, void *user)
{
    stage *it = user;
    dur_step *callback = NULL;

    if (dur_begin_callback(run, "approval", &it->callback, &callback) != DUR_OK) return 0;
    DUR_STEP(run, "submit") {
        stage_body(it, "submit");
        stage_hand_out(it, 0, callback);
        assert_int_equal(DUR_OK, answer(it, 0, dur_text("at once")));
    }
    return give_answer(run, callback);
}

/* Beyond: an answer that comes while the submitter still runs is not lost, and nothing suspends. */
static void beyond_an_answer_while_submitting(void **state)
{
    stage *it = *state;

    stage_begin(it, answered_at_once, dur_null());
    stage_next(it);
    assert_story(it, "0: submit = DUR_OK\n");
    assert_completed(it, "'at once'", "1 callback approval result 'at once' /1\n" SUBMITTED);
}

/* ---- Beyond: the answer ------------------------------------------------------------------- */

/* Beyond: a timeout that is not handled. */
static void beyond_a_timeout_fails_the_run(void **state)
{
    stage *it = *state;

    it->callback.timeout_ms = 3000;
    stage_begin(it, wait_for_callback, dur_null());
    stage_run_on(it);
    assert_story(it, "0: submit/1 = DUR_SUSPENDED\n3000: = DUR_FAILED\n");
    assert_failed(it, "no answer in time", "1 callback approval timed out NULL /1\n" SUBMITTED);
}

/* Beyond: heartbeats carry it over the interval, and the answer comes. */
static void beyond_heartbeats_then_an_answer(void **state)
{
    stage *it = *state;

    it->callback.heartbeat_ms = 5000;
    stage_begin(it, wait_for_callback, dur_null());
    stage_next(it);
    for (int beat = 0; beat < 2; beat++) {
        stage_advance(it, 3000);
        assert_int_equal(DUR_OK, dur_heartbeat_callback(stage_world(it), it->token[0]));
    }
    stage_advance(it, 3000);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("granted")));
    stage_next(it);
    assert_story(it, "0: submit/1 = DUR_SUSPENDED\n9000: = DUR_OK\n");
    assert_completed(it, "'granted'", "1 callback approval result 'granted' /1\n" SUBMITTED);
}

static int wait_for_two(dur_run *run, void *user)
{
    stage *it = user;
    dur_value first = dur_null();

    if (dur_await(submit(run, it, 0, "manager"), &first) != DUR_OK) return 0;
    stage_tell(it, "[%s]", dur_as_text(first));
    return give_answer(run, submit(run, it, 1, "director"));
}

/* Beyond: one after the other; the second one's submitter runs when the first one is answered. */
static void beyond_two_operations_in_a_row(void **state)
{
    stage *it = *state;

    stage_begin(it, wait_for_two, dur_null());
    stage_next(it);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("yes")));
    stage_next(it);
    assert_int_equal(DUR_ENDED, answer(it, 0, dur_text("no")));
    assert_int_equal(DUR_OK, answer(it, 1, dur_text("granted")));
    stage_next(it);
    assert_story(it, "0: submit/1 = DUR_SUSPENDED\n0: [yes] submit/1 = DUR_SUSPENDED\n"
                     "0: [yes] = DUR_OK\n");
    assert_completed(it, "'granted'",
                     "1 callback manager result 'yes' /1\n" SUBMITTED
                     "3 callback director result 'granted' /1\n4 step submit result NULL /1\n");
}

static int wait_then_use(dur_run *run, void *user)
{
    stage *it = user;
    dur_value value = dur_null();
    int64_t doubled = 0;

    if (dur_await(submit(run, it, 0, "amount"), &value) != DUR_OK) return 0;
    DUR_STEP(run, "double", doubled) {
        stage_body(it, "double");
        doubled = 2 * value.as.integer;
    }
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    dur_set_output(run, dur_integer(doubled));
    return 0;
}

/* Beyond: a step works with the answer, once, and replays after another wait. */
static void beyond_the_answer_is_used_by_a_step(void **state)
{
    stage *it = *state;

    stage_begin(it, wait_then_use, dur_null());
    stage_next(it);
    assert_int_equal(DUR_OK, answer(it, 0, dur_integer(21)));
    stage_run_on(it);
    assert_story(it, "0: submit/1 = DUR_SUSPENDED\n0: double = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_completed(it, "42",
                     "1 callback amount result 21 /1\n" SUBMITTED
                     "3 step double result 42 /1\n4 timer rest result NULL /1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(r7_2_the_operation_has_the_name_it_was_given),
        BOTH_WAYS(r7_4_an_uncaught_rejection_fails_the_run),
        BOTH_WAYS(r7_6_a_caught_rejection),
        BOTH_WAYS(r7_10_after_a_wait_and_a_step),
        BOTH_WAYS(r7_12_missing_heartbeats_fail_the_run),
        BOTH_WAYS(r7_14_a_handled_timeout),
        BOTH_WAYS(beyond_a_submitter_is_tried_again),
        BOTH_WAYS(beyond_a_failing_submitter_fails_the_run),
        BOTH_WAYS(beyond_a_failing_submitter_is_caught),
        BOTH_WAYS(beyond_an_answer_while_submitting),
        BOTH_WAYS(beyond_a_timeout_fails_the_run),
        BOTH_WAYS(beyond_heartbeats_then_an_answer),
        BOTH_WAYS(beyond_two_operations_in_a_row),
        BOTH_WAYS(beyond_the_answer_is_used_by_a_step),
    };

    return cmocka_run_group_tests_name("wait for callback", tests, NULL, NULL);
}
