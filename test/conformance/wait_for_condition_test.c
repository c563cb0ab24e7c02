/*
 * test/conformance: a step that looks, and looks again later, until what it waits for is there. The
 * state goes from one look to the next in the log, as the step's details.
 */
#include "conformance/stage.h"

#define POLL "wait-for-state"

/* The state is counted up from `number` until it is the input. */
static int64_t poll_counter(dur_run *run, stage *it)
{
    int64_t reached = 0;

    DUR_STEP(run, POLL, reached, &it->step) {
        dur_step *step = dur_current_step(run);
        dur_value carried = dur_step_details(step);
        int64_t before = carried.type == DUR_NULL ? it->number : carried.as.integer;

        reached = before + 1;
        stage_body(it, "%lld->%lld", (long long)before, (long long)reached);
        if (reached < dur_input(run).as.integer) dur_not_yet(step, dur_integer(reached));
    }
    return reached;
}

static int poll_to_the_input(dur_run *run, void *user)
{
    int64_t reached = poll_counter(run, user);

    dur_set_output(run, dur_integer(reached));
    return 0;
}

static void poll_every(stage *it, int64_t interval_ms, double coefficient)
{
    it->policy.initial_ms = interval_ms;
    it->policy.coefficient = coefficient;
    it->policy.jitter = DUR_JITTER_NONE;
    it->step.poll = &it->policy;
}

static int already_there(dur_run *run, void *user)
{
    stage *it = user;
    int64_t found = 0;

    DUR_STEP(run, POLL, found, &it->step) {
        stage_body(it, "look");
        found = dur_input(run).as.integer;
        if (found < 5) dur_not_yet(dur_current_step(run), dur_integer(found));
    }
    dur_set_output(run, dur_integer(found));
    return 0;
}

/* What is there at the first look needs no second pass. */
static void r6_2_a_condition_that_holds_at_once(void **state)
{
    stage *it = *state;

    poll_every(it, 1000, 1);
    stage_begin(it, already_there, dur_integer(5));
    stage_next(it);
    assert_story(it, "0: look = DUR_OK\n");
    assert_completed(it, "5", "1 step " POLL " result 5 /1\n");
}

/* Each look goes on from the state that the last one left in the log. */
static void r6_4_the_state_goes_from_look_to_look(void **state)
{
    stage *it = *state;

    poll_every(it, 1000, 1);
    it->number = 5;
    stage_begin(it, poll_to_the_input, dur_integer(8));
    stage_next(it);
    assert_pending(it, "1 step " POLL " #1 wakes 1000 6 NULL\n");
    stage_next(it);
    assert_pending(it, "1 step " POLL " #2 wakes 2000 7 NULL\n");
    assert_steps(it, "");
    stage_next(it);
    assert_story(it, "0: 5->6 = DUR_SUSPENDED\n1000: 6->7 = DUR_SUSPENDED\n2000: 7->8 = DUR_OK\n");
    assert_completed(it, "8", "1 step " POLL " result 8 /3\n");
}

/* Three looks in vain, and the step has failed; uncaught, so has the run. */
static void r6_6_looks_are_limited(void **state)
{
    stage *it = *state;

    poll_every(it, 1000, 1);
    it->policy.max_attempts = 3;
    stage_begin(it, poll_to_the_input, dur_integer(1000));
    stage_run_on(it);
    assert_story(it, "0: 0->1 = DUR_SUSPENDED\n1000: 1->2 = DUR_SUSPENDED\n"
                     "2000: 2->3 = DUR_FAILED\n");
    assert_failed(it, "not yet, after 3 attempts",
                  "1 step " POLL " failure 'not yet, after 3 attempts' /3\n");
}

/* Fails at look `number`. */
static int look_fails(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP_VOID(run, POLL, &it->step) {
        dur_step *step = dur_current_step(run);
        int64_t attempt = dur_step_attempt(step);

        stage_body(it, "look/%lld", (long long)attempt);
        if (attempt == it->number) dur_fail(run, "CheckError: unreadable");
        else dur_not_yet(step, dur_null());
    }
    if (dur_input(run).type == DUR_TEXT && dur_catch(run)) dur_set_output(run, dur_input(run));
    return 0;
}

/* A look that fails is no "not yet": the step has failed, and the workflow catches it. */
static void r6_8_a_failing_look_is_caught(void **state)
{
    stage *it = *state;

    poll_every(it, 1000, 1);
    it->number = 1;
    stage_begin(it, look_fails, dur_text("recovered"));
    stage_next(it);
    assert_story(it, "0: look/1 = DUR_OK\n");
    assert_completed(it, "'recovered'",
                     "1 step " POLL " failure 'CheckError: unreadable' /1\n");
}

static int give_nothing(dur_run *run, void *user)
{
    stage *it = user;
    dur_value last = dur_integer(7);

    DUR_STEP(run, POLL, last, &it->step) {
        stage_body(it, "look");
        last = dur_null();
    }
    assert_int_equal(DUR_NULL, last.type);
    dur_set_output(run, last);
    return 0;
}

/* Nothing is a state, too. */
static void r6_10_the_last_state_is_null(void **state)
{
    stage *it = *state;

    poll_every(it, 1000, 1);
    stage_begin(it, give_nothing, dur_null());
    stage_next(it);
    assert_story(it, "0: look = DUR_OK\n");
    assert_completed(it, "NULL", "1 step " POLL " result NULL /1\n");
}

static int poll_then_multiply(dur_run *run, void *user)
{
    stage *it = user;
    int64_t reached = poll_counter(run, it), product = 0;

    DUR_STEP(run, "multiply", product) {
        stage_body(it, "multiply");
        product = 10 * reached;
    }
    dur_set_output(run, dur_integer(product));
    return 0;
}

/* What it came to is at hand for the next step, in the pass of the last look. */
static void r6_12_the_state_is_used_by_the_next_step(void **state)
{
    stage *it = *state;

    poll_every(it, 1000, 1);
    stage_begin(it, poll_then_multiply, dur_integer(2));
    stage_next(it);
    assert_pending(it, "1 step " POLL " #1 wakes 1000 1 NULL\n");
    stage_next(it);
    assert_story(it, "0: 0->1 = DUR_SUSPENDED\n1000: 1->2 multiply = DUR_OK\n");
    assert_completed(it, "20", "1 step " POLL " result 2 /2\n2 step multiply result 20 /1\n");
}

/* ---- Beyond -------------------------------------------------------------------------------- */

/* Beyond: pauses that grow, to a longest one. */
static void beyond_looks_with_growing_pauses(void **state)
{
    stage *it = *state;

    poll_every(it, 1000, 2);
    it->policy.max_interval_ms = 6000;
    stage_begin(it, poll_to_the_input, dur_integer(6));
    stage_run_on(it);
    assert_story(it, "0: 0->1 = DUR_SUSPENDED\n1000: 1->2 = DUR_SUSPENDED\n"
                     "3000: 2->3 = DUR_SUSPENDED\n7000: 3->4 = DUR_SUSPENDED\n"
                     "13000: 4->5 = DUR_SUSPENDED\n19000: 5->6 = DUR_OK\n");
    assert_completed(it, "6", "1 step " POLL " result 6 /6\n");
}

/* Beyond: patience has no limit of its own: passes in which nothing is recorded but a look are no
 * reason to park the run. */
static void beyond_a_hundred_looks(void **state)
{
    stage *it = *state;

    poll_every(it, 1000, 1);
    stage_begin(it, poll_to_the_input, dur_integer(100));
    stage_run_on(it);
    assert_int_equal(100, it->passes);
    assert_int_equal(100, it->bodies);
    assert_int_equal(99000, stage_ms(it));
    assert_completed(it, "100", "1 step " POLL " result 100 /100\n");
}

/* Beyond: a look that fails and is not caught, after others that did not; a policy for polling is
 * none for failures. */
static void beyond_a_failing_look_fails_the_run(void **state)
{
    stage *it = *state;

    poll_every(it, 1000, 1);
    it->number = 2;
    stage_begin(it, look_fails, dur_null());
    stage_run_on(it);
    assert_story(it, "0: look/1 = DUR_SUSPENDED\n1000: look/2 = DUR_FAILED\n");
    assert_failed(it, "CheckError: unreadable",
                  "1 step " POLL " failure 'CheckError: unreadable' /2\n");
}

/* Beyond: looks that are used up can be caught. */
static void beyond_looks_in_vain_are_caught(void **state)
{
    stage *it = *state;

    poll_every(it, 1000, 1);
    it->policy.max_attempts = 2;
    stage_begin(it, look_fails, dur_text("recovered"));
    stage_run_on(it);
    assert_story(it, "0: look/1 = DUR_SUSPENDED\n1000: look/2 = DUR_OK\n");
    assert_completed(it, "'recovered'",
                     "1 step " POLL " failure 'not yet, after 2 attempts' /2\n");
}

typedef struct progress {
    int64_t done;
    double share;
    char phase[16];
} progress;

static int poll_with_structure(dur_run *run, void *user)
{
    stage *it = user;
    progress now;

    DUR_STEP(run, POLL, now, &it->step) {
        dur_step *step = dur_current_step(run);
        dur_value carried = dur_step_details(step);

        memset(&now, 0, sizeof now);
        if (carried.type == DUR_OBJECT) memcpy(&now, carried.as.bytes, sizeof now);
        now.done++;
        now.share = (double)now.done / 4;
        strcpy(now.phase, now.done < 3 ? "copying" : "done");
        stage_body(it, "%lld:%s", (long long)now.done, now.phase);
        if (now.done < 3) dur_not_yet(step, dur_object(&now, sizeof now));
    }
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    if (now.share != 0.75) fail();
    dur_set_output(run, dur_text(now.phase));
    return 0;
}

/* Beyond: the state has parts. */
static void beyond_the_state_has_parts(void **state)
{
    stage *it = *state;

    poll_every(it, 1000, 1);
    stage_begin(it, poll_with_structure, dur_null());
    stage_run_on(it);
    assert_story(it, "0: 1:copying = DUR_SUSPENDED\n1000: 2:copying = DUR_SUSPENDED\n"
                     "2000: 3:done = DUR_SUSPENDED\n3000: = DUR_OK\n");
    assert_int_equal(2, host_number(it->host.db, "SELECT count(*) FROM durable_steps_view"));
    assert_int_equal(3, host_number(it->host.db, "SELECT attempt FROM durable_steps_view"
                                                 " WHERE name = '" POLL "'"));
}

static int poll_twice(dur_run *run, void *user)
{
    stage *it = user;
    int64_t first = poll_counter(run, it), second;

    if (!dur_ok(run)) return 0;
    second = poll_counter(run, it);
    dur_set_output(run, dur_integer(10 * first + second));
    return 0;
}

/* Beyond: two in a row have a state each. */
static void beyond_two_in_a_row_have_a_state_each(void **state)
{
    stage *it = *state;

    poll_every(it, 1000, 1);
    stage_begin(it, poll_twice, dur_integer(2));
    stage_run_on(it);
    assert_story(it, "0: 0->1 = DUR_SUSPENDED\n1000: 1->2 0->1 = DUR_SUSPENDED\n"
                     "2000: 1->2 = DUR_OK\n");
    assert_completed(it, "22", "1 step " POLL " result 2 /2\n2 step " POLL " result 2 /2\n");
}

static int look_stumbles(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP_VOID(run, POLL, &it->step) {
        dur_step *step = dur_current_step(run);
        int64_t attempt = dur_step_attempt(step);

        stage_body(it, "look/%lld/%lld", (long long)attempt,
                   (long long)dur_step_details(step).as.integer);
        if (attempt == 2) dur_fail(run, "stumbled");
        else if (attempt < 4) dur_not_yet(step, attempt == 1 ? dur_integer(7) : dur_null());
    }
    return 0;
}

/* Beyond: a look that fails under a retry policy too is tried again after that one's pause, with
 * the state that was there before it; and a state may become null again. */
static void beyond_a_failing_look_is_tried_again(void **state)
{
    dur_retry patient = DUR_RETRY_INIT;
    stage *it = *state;

    patient.initial_ms = 70;
    patient.coefficient = 1;
    patient.jitter = DUR_JITTER_NONE;
    poll_every(it, 1000, 1);
    it->step.retry = &patient;
    stage_begin(it, look_stumbles, dur_null());
    stage_run_on(it);
    assert_story(it, "0: look/1/0 = DUR_SUSPENDED\n1000: look/2/7 = DUR_SUSPENDED\n"
                     "1070: look/3/7 = DUR_SUSPENDED\n2070: look/4/0 = DUR_OK\n");
    assert_completed(it, "NULL", "1 step " POLL " result NULL /4\n");
}

/* Beyond: how long it may take in all is limited, too. */
static void beyond_the_time_for_all_looks_is_limited(void **state)
{
    stage *it = *state;

    poll_every(it, 4000, 1);
    it->policy.max_elapsed_ms = 10000;
    stage_begin(it, poll_to_the_input, dur_integer(1000));
    stage_run_on(it);
    assert_story(it, "0: 0->1 = DUR_SUSPENDED\n4000: 1->2 = DUR_SUSPENDED\n"
                     "8000: 2->3 = DUR_FAILED\n");
    assert_failed(it, "not yet, after 3 attempts",
                  "1 step " POLL " failure 'not yet, after 3 attempts' /3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(r6_2_a_condition_that_holds_at_once),
        BOTH_WAYS(r6_4_the_state_goes_from_look_to_look),
        BOTH_WAYS(r6_6_looks_are_limited),
        BOTH_WAYS(r6_8_a_failing_look_is_caught),
        BOTH_WAYS(r6_10_the_last_state_is_null),
        BOTH_WAYS(r6_12_the_state_is_used_by_the_next_step),
        BOTH_WAYS(beyond_looks_with_growing_pauses),
        BOTH_WAYS(beyond_a_hundred_looks),
        BOTH_WAYS(beyond_a_failing_look_fails_the_run),
        BOTH_WAYS(beyond_looks_in_vain_are_caught),
        BOTH_WAYS(beyond_the_state_has_parts),
        BOTH_WAYS(beyond_two_in_a_row_have_a_state_each),
        BOTH_WAYS(beyond_a_failing_look_is_tried_again),
        BOTH_WAYS(beyond_the_time_for_all_looks_is_limited),
    };

    return cmocka_run_group_tests_name("wait for condition", tests, NULL, NULL);
}
