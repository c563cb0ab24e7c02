/* test/conformance: children that are called, beyond what is required: failures, several, values,
 * and the outside world. */
#include "conformance/callback.h"
#include "conformance/child.h"

#include <stdlib.h>

/* Gives its input, by way of a step. */
static int one_step(dur_run *run, void *user)
{
    stage *it = user;
    const char *text;

    DUR_STEP(run, "echo", text) {
        stage_body(it, "echo");
        text = dur_as_text(dur_input(run));
    }
    dur_set_output(run, dur_text(text));
    return 0;
}

static int step_and_wait(dur_run *run, void *user)
{
    stage *it = user;
    const char *text;

    DUR_STEP(run, "echo", text) {
        stage_body(it, "echo");
        text = dur_as_text(dur_input(run));
    }
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    dur_set_output(run, dur_text(text));
    return 0;
}

static int failing_step(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP_VOID(run, "break", &it->step) {
        stage_body(it, "break/%lld", (long long)dur_step_attempt(dur_current_step(run)));
        dur_fail(run, "BrokenError: it broke");
    }
    return 0;
}

static void be_patient(stage *it, int64_t max_attempts)
{
    it->policy.initial_ms = 1000;
    it->policy.coefficient = 1;
    it->policy.jitter = DUR_JITTER_NONE;
    it->policy.max_attempts = max_attempts;
    it->step.retry = &it->policy;
}

/* ---- Beyond: failures ------------------------------------------------------------------------ */

static int catch_and_rest(dur_run *run, void *user)
{
    stage *it = user;
    const char *failure;

    if (call(run, it, "fragile", failing_step, NULL) == DUR_SUSPENDED) return 0;
    failure = dur_catch(run);
    stage_tell(it, "[%s]", failure ? failure : "none");
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    dur_set_output(run, dur_text("recovered"));
    return 0;
}

/* Beyond: a failure is caught, and raised again by replay, without the child. */
static void beyond_a_failure_is_caught_in_each_pass(void **state)
{
    stage *it = *state;

    stage_begin(it, catch_and_rest, dur_null());
    stage_run_on(it);
    assert_story(it, "0: break/1 [BrokenError: it broke] = DUR_SUSPENDED\n"
                     "1000: [BrokenError: it broke] = DUR_OK\n");
    assert_completed(it, "'recovered'", "1 child fragile failure 'BrokenError: it broke' /1\n"
                                        "2 timer rest result NULL /1\n");
}

static int fails_by_itself(dur_run *run, void *user)
{
    (void)user;
    dur_fail(run, "Refused: not today");
    return 0;
}

static int catch_at_each_level(dur_run *run, void *user)
{
    stage *it = user;
    const char *failure;

    call(run, it, "refuses", fails_by_itself, NULL);
    failure = dur_catch(run);
    stage_tell(it, "[%s]", failure ? failure : "none");
    dur_fail(run, "Outer: %s", failure ? failure : "none");
    return 0;
}

static int catch_outer(dur_run *run, void *user)
{
    stage *it = user;
    const char *failure;

    call(run, it, "wraps", catch_at_each_level, NULL);
    failure = dur_catch(run);
    dur_set_output(run, dur_text(failure));
    return 0;
}

/* Beyond: a failure without a step, caught by a child that fails in its own words. */
static void beyond_a_failure_is_put_into_other_words(void **state)
{
    stage *it = *state;

    stage_begin(it, catch_outer, dur_null());
    stage_next(it);
    assert_story(it, "0: [Refused: not today] = DUR_OK\n");
    assert_completed(it, "'Outer: Refused: not today'",
                     "1 child wraps failure 'Outer: Refused: not today' /1\n");
}

static int second_attempt(dur_run *run, void *user)
{
    stage *it = user;
    int64_t attempts = 0;

    DUR_STEP(run, "flaky", attempts, &it->step) {
        attempts = dur_step_attempt(dur_current_step(run));
        stage_body(it, "flaky/%lld", (long long)attempts);
        if (attempts < 2) dur_fail(run, "down");
    }
    dur_set_output(run, dur_integer(attempts));
    return 0;
}

static int call_flaky(dur_run *run, void *user)
{
    return give_child(run, user, "flaky child", second_attempt);
}

/* Beyond: a step of the child that comes through at its second attempt. */
static void beyond_a_step_within_is_tried_again(void **state)
{
    stage *it = *state;

    be_patient(it, 5);
    stage_begin(it, call_flaky, dur_null());
    stage_run_on(it);
    assert_story(it, "0: flaky/1 = DUR_SUSPENDED\n1000: flaky/2 = DUR_OK\n");
    assert_completed(it, "2", "1 child flaky child result 2 /1\n");
}

/* ---- Beyond: several ------------------------------------------------------------------------- */

static int three_of_a_name(dur_run *run, void *user)
{
    stage *it = user;
    int64_t length = 0;

    for (int i = 0; i < 3; i++) {
        dur_value value = dur_null();

        if (call(run, it, "again", step_and_wait, &value) != DUR_OK) return 0;
        length += (int64_t)value.length;
    }
    dur_set_output(run, dur_integer(length));
    return 0;
}

/* Beyond: children of one name, one after the other, each with a wait. */
static void beyond_children_of_one_name(void **state)
{
    stage *it = *state;

    stage_begin(it, three_of_a_name, dur_text("four"));
    stage_run_on(it);
    assert_story(it, "0: echo = DUR_SUSPENDED\n1000: echo = DUR_SUSPENDED\n"
                     "2000: echo = DUR_SUSPENDED\n3000: = DUR_OK\n");
    assert_completed(it, "12", "1 child again result 'four' /1\n2 child again result 'four' /1\n"
                               "3 child again result 'four' /1\n");
}

static int nested_waiting(dur_run *run, void *user)
{
    stage *it = user;
    dur_value value = dur_null();

    DUR_STEP(run, "before") { stage_body(it, "before"); }
    if (call(run, it, "slow", step_and_wait, &value) != DUR_OK) return 0;
    if (dur_sleep(run, "middle rest", 500) != DUR_OK) return 0;
    dur_set_output(run, value);
    return 0;
}

static int call_nested_waiting(dur_run *run, void *user)
{
    return give_child(run, user, "outer", nested_waiting);
}

/* Beyond: waits at two depths, one behind the other. */
static void beyond_waits_at_two_depths(void **state)
{
    stage *it = *state;

    stage_begin(it, call_nested_waiting, dur_text("deep"));
    stage_run_on(it);
    assert_story(it, "0: before echo = DUR_SUSPENDED\n1000: = DUR_SUSPENDED\n1500: = DUR_OK\n");
    assert_completed(it, "'deep'", "1 child outer result 'deep' /1\n");
}

/* ---- Beyond: values -------------------------------------------------------------------------- */

#define LARGE ((size_t)5 << 20)

static int large_output(dur_run *run, void *user)
{
    char *bytes = malloc(LARGE);

    stage_body(user, "large");
    assert_non_null(bytes);
    memset(bytes, 'x', LARGE);
    dur_set_output(run, dur_blob(bytes, LARGE));
    free(bytes);
    return 0;
}

static int call_large(dur_run *run, void *user)
{
    stage *it = user;
    dur_value value = dur_null();

    if (call(run, it, "large", large_output, &value) != DUR_OK) return 0;
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    assert_int_equal(DUR_BLOB, value.type);
    assert_int_equal('x', ((const char *)value.as.bytes)[LARGE - 1]);
    dur_set_output(run, dur_integer((int64_t)value.length));
    return 0;
}

/* Beyond: an output of 5 MB, which other systems replay by running the child again. */
static void beyond_a_large_output_is_kept(void **state)
{
    stage *it = *state;

    stage_begin(it, call_large, dur_null());
    stage_run_on(it);
    assert_story(it, "0: large = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_completed(it, "5242880", "1 child large result blob of 5242880 /1\n"
                                    "2 timer rest result NULL /1\n");
}

typedef struct crate {
    int32_t count;
    double weight;
    char label[12];
} crate;

static int weigh(dur_run *run, void *user)
{
    stage *it = user;
    crate packed;

    DUR_STEP(run, "weigh", packed) {
        stage_body(it, "weigh");
        packed.count = 3;
        packed.weight = 0.5;
        strcpy(packed.label, "fragile");
    }
    dur_set_output(run, dur_object(&packed, sizeof packed));
    return 0;
}

static int call_weigh(dur_run *run, void *user)
{
    stage *it = user;
    dur_value value = dur_null();
    crate packed;

    if (call(run, it, "scales", weigh, &value) != DUR_OK) return 0;
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    assert_int_equal(DUR_OBJECT, value.type);
    assert_int_equal(sizeof packed, value.length);
    memcpy(&packed, value.as.bytes, sizeof packed);
    stage_tell(it, "%d*%.1f %s", (int)packed.count, packed.weight, packed.label);
    return 0;
}

/* Beyond: an output with parts, in the pass after the child's last. */
static void beyond_an_output_with_parts(void **state)
{
    stage *it = *state;

    stage_begin(it, call_weigh, dur_null());
    stage_run_on(it);
    assert_story(it, "0: weigh = DUR_SUSPENDED\n1000: 3*0.5 fragile = DUR_OK\n");
}

/* ---- Beyond: the outside world --------------------------------------------------------------- */

static int receive_within(dur_run *run, void *user)
{
    dur_value value = dur_null();

    (void)user;
    if (dur_receive(run, "letter", DUR_FOREVER, &value) == DUR_OK) dur_set_output(run, value);
    return 0;
}

static int call_receiving(dur_run *run, void *user)
{
    return give_child(run, user, "mailbox", receive_within);
}

/* Beyond: a signal to the child's own id makes its parent due. */
static void beyond_a_signal_to_the_child_wakes_the_parent(void **state)
{
    stage *it = *state;

    stage_begin(it, call_receiving, dur_null());
    stage_next(it);
    assert_int_equal(-1, stage_idle(it));
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, dur_signal(stage_world(it), STAGE_RUN "/1", "letter",
                                        dur_text("dear child"), NULL));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_completed(it, "'dear child'", "1 child mailbox result 'dear child' /1\n");
}

static int submit_and_await(dur_run *run, void *user)
{
    stage *it = user;
    dur_step *callback = ask(run, it, 0, "approval");

    DUR_STEP(run, "submit") { stage_body(it, "submit"); }
    return give_answer(run, callback);
}

static int call_submitting(dur_run *run, void *user)
{
    return give_child(run, user, "wrapper", submit_and_await);
}

/* The callback is the child's, and so is its token; the answer wakes the parent. */
static void r7_8_a_callback_is_awaited_within_a_child(void **state)
{
    stage *it = *state;

    stage_begin(it, call_submitting, dur_null());
    stage_next(it);
    assert_int_equal(-1, stage_idle(it));
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("granted")));
    stage_next(it);
    assert_story(it, "0: submit = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_family(it, "the-run 1 child wrapper result 'granted'\n"
                      "the-run/1 1 callback approval result 'granted'\n"
                      "the-run/1 2 step submit result NULL\n");
    assert_completed(it, "'granted'", "1 child wrapper result 'granted' /1\n");
}

/* Beyond: the callback within times out, at its time and no earlier. */
static void beyond_a_callback_within_times_out(void **state)
{
    stage *it = *state;

    it->callback.timeout_ms = 3000;
    stage_begin(it, call_submitting, dur_null());
    stage_run_on(it);
    assert_story(it, "0: submit = DUR_SUSPENDED\n3000: = DUR_FAILED\n");
    assert_failed(it, "no answer in time", "1 child wrapper failure 'no answer in time' /1\n");
}

static int poll_within(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP_VOID(run, "ready", &it->step) {
        int64_t attempt = dur_step_attempt(dur_current_step(run));

        stage_body(it, "look/%lld", (long long)attempt);
        if (attempt < 3) dur_not_yet(dur_current_step(run), dur_null());
    }
    return 0;
}

static int call_polling(dur_run *run, void *user)
{
    return give_child(run, user, "watch", poll_within);
}

/* Beyond: a condition that is waited for within. */
static void beyond_a_condition_is_waited_for_within(void **state)
{
    stage *it = *state;

    it->policy.initial_ms = 1000;
    it->policy.coefficient = 1;
    it->policy.jitter = DUR_JITTER_NONE;
    it->step.poll = &it->policy;
    stage_begin(it, call_polling, dur_null());
    stage_run_on(it);
    assert_story(it, "0: look/1 = DUR_SUSPENDED\n1000: look/2 = DUR_SUSPENDED\n"
                     "2000: look/3 = DUR_OK\n");
    assert_completed(it, "NULL", "1 child watch result NULL /1\n");
}

static int nameless(dur_run *run, void *user)
{
    return dur_call(run, NULL, NULL, one_step, user, NULL) == DUR_OK ? 0 : 1;
}

/* Beyond: the log is read by people: a child without a name is refused. */
static void beyond_a_child_needs_a_name(void **state)
{
    stage *it = *state;

    stage_begin(it, nameless, dur_null());
    stage_next(it);
    assert_int_equal(DUR_MISUSE, it->last_code);
    assert_family(it, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(beyond_a_failure_is_caught_in_each_pass),
        BOTH_WAYS(beyond_a_failure_is_put_into_other_words),
        BOTH_WAYS(beyond_a_step_within_is_tried_again),
        BOTH_WAYS(beyond_children_of_one_name),
        BOTH_WAYS(beyond_waits_at_two_depths),
        BOTH_WAYS(beyond_a_large_output_is_kept),
        BOTH_WAYS(beyond_an_output_with_parts),
        BOTH_WAYS(beyond_a_signal_to_the_child_wakes_the_parent),
        BOTH_WAYS(r7_8_a_callback_is_awaited_within_a_child),
        BOTH_WAYS(beyond_a_callback_within_times_out),
        BOTH_WAYS(beyond_a_condition_is_waited_for_within),
        BOTH_WAYS(beyond_a_child_needs_a_name),
    };

    return cmocka_run_group_tests_name("child_beyond", tests, NULL, NULL);
}
