/* test/conformance: steps that are tried again: attempts, intervals, limits, and who is spared. */
#include "conformance/stage.h"

#include <stdio.h>

/* Fails until attempt `number`; 0: always. What the step is told of the last attempt is told. */
static int try_again(dur_run *run, void *user)
{
    stage *it = user;
    const char *done = NULL;

    DUR_STEP(run, "flaky", done, &it->step) {
        dur_step *step = dur_current_step(run);
        const char *last = dur_step_last_failure(step);
        int64_t attempt = dur_step_attempt(step);

        stage_body(it, "try/%lld", (long long)attempt);
        if (attempt == 1) assert_null(last);
        else assert_string_equal("down", last);
        if (attempt == it->number) done = "done";
        else dur_fail(run, "down");
    }
    dur_set_output(run, dur_text(done));
    return 0;
}

static void set_policy(stage *it, int64_t initial_ms, double coefficient, int64_t max_attempts)
{
    it->policy.initial_ms = initial_ms;
    it->policy.coefficient = coefficient;
    it->policy.max_attempts = max_attempts;
    it->policy.jitter = DUR_JITTER_NONE;
    it->step.retry = &it->policy;
}

/* Four attempts in four passes, counted in the log from one to the next, and no fifth. */
static void r1_12_four_attempts_and_no_more(void **state)
{
    stage *it = *state;

    set_policy(it, 1000, 1, 4);
    stage_begin(it, try_again, dur_null());
    stage_next(it);
    assert_pending(it, "1 step flaky #1 wakes 1000 NULL 'down'\n");
    stage_next(it);
    assert_pending(it, "1 step flaky #2 wakes 2000 NULL 'down'\n");
    stage_next(it);
    assert_pending(it, "1 step flaky #3 wakes 3000 NULL 'down'\n");
    assert_steps(it, "");
    stage_next(it);
    assert_story(it, "0: try/1 = DUR_SUSPENDED\n1000: try/2 = DUR_SUSPENDED\n"
                     "2000: try/3 = DUR_SUSPENDED\n3000: try/4 = DUR_FAILED\n");
    assert_failed(it, "down", "1 step flaky failure 'down' /4\n");
}

/* 2 s, then 2 s times 3; the third attempt succeeds, and the log says that it was the third. */
static void r1_14_intervals_grow_by_the_coefficient(void **state)
{
    stage *it = *state;

    set_policy(it, 2000, 3, 5);
    it->number = 3;
    stage_begin(it, try_again, dur_null());
    stage_next(it);
    assert_pending(it, "1 step flaky #1 wakes 2000 NULL 'down'\n");
    stage_next(it);
    assert_pending(it, "1 step flaky #2 wakes 8000 NULL 'down'\n");
    stage_next(it);
    assert_story(it, "0: try/1 = DUR_SUSPENDED\n2000: try/2 = DUR_SUSPENDED\n"
                     "8000: try/3 = DUR_OK\n");
    assert_completed(it, "'done'", "1 step flaky result 'done' /3\n");
}

/* ---- Which failures ------------------------------------------------------------------------ */

static const char *const outages[] = {"BusyError: line 1", "BusyError: line 2",
                                      "TransientError: line 3"};

static bool is_busy(const char *message, int64_t attempt, void *user)
{
    stage *it = user;

    assert_string_equal(outages[it->number + attempt - 1], message);
    return strncmp(message, "BusyError:", 10) == 0;
}

static int fail_in_kinds(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP_VOID(run, "call", &it->step) {
        int64_t attempt = dur_step_attempt(dur_current_step(run));

        stage_body(it, "call/%lld", (long long)attempt);
        dur_fail(run, "%s", outages[it->number + attempt - 1]);
    }
    return 0;
}

/* The policy looks at the failure and says no: one attempt, whatever its limits allow. */
static void r1_16_a_failure_of_the_wrong_kind_is_final(void **state)
{
    stage *it = *state;

    set_policy(it, 1000, 1, 5);
    it->policy.retryable = is_busy;
    it->policy.user = it;
    it->number = 2;
    stage_begin(it, fail_in_kinds, dur_null());
    stage_next(it);
    assert_story(it, "0: call/1 = DUR_FAILED\n");
    assert_failed(it, "TransientError: line 3",
                  "1 step call failure 'TransientError: line 3' /1\n");
}

/* Beyond: failures of the right kind are tried again, until one of the wrong kind comes. */
static void beyond_each_failure_is_judged_for_itself(void **state)
{
    stage *it = *state;

    set_policy(it, 1000, 1, 5);
    it->policy.retryable = is_busy;
    it->policy.user = it;
    stage_begin(it, fail_in_kinds, dur_null());
    stage_run_on(it);
    assert_story(it, "0: call/1 = DUR_SUSPENDED\n1000: call/2 = DUR_SUSPENDED\n"
                     "2000: call/3 = DUR_FAILED\n");
    assert_failed(it, "TransientError: line 3",
                  "1 step call failure 'TransientError: line 3' /3\n");
}

static int say_when(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP_VOID(run, "call", &it->step) {
        static const int64_t delays_ms[] = {30000, 0, DUR_NEVER};
        dur_step *step = dur_current_step(run);
        int64_t attempt = dur_step_attempt(step);

        stage_body(it, "call/%lld", (long long)attempt);
        assert_int_equal(DUR_OK, dur_retry_after(step, delays_ms[attempt - 1]));
        dur_fail(run, "come back later");
    }
    return 0;
}

/* Beyond: the failure itself says when to come back, at once or never; it needs no policy … */
static void beyond_the_failure_says_when_to_come_back(void **state)
{
    stage *it = *state;

    stage_begin(it, say_when, dur_null());
    stage_next(it);
    assert_pending(it, "1 step call #1 wakes 30000 NULL 'come back later'\n");
    stage_run_on(it);
    assert_story(it, "0: call/1 = DUR_SUSPENDED\n30000: call/2 = DUR_SUSPENDED\n"
                     "30000: call/3 = DUR_FAILED\n");
    assert_failed(it, "come back later", "1 step call failure 'come back later' /3\n");
}

/* … and where there is one, its intervals and its predicate have no say, but its limits hold. */
static void beyond_the_limits_hold_whatever_the_failure_says(void **state)
{
    stage *it = *state;

    set_policy(it, 1000, 1, 2);
    it->policy.retryable = is_busy;
    it->policy.user = it;
    stage_begin(it, say_when, dur_null());
    stage_run_on(it);
    assert_story(it, "0: call/1 = DUR_SUSPENDED\n30000: call/2 = DUR_FAILED\n");
    assert_failed(it, "come back later", "1 step call failure 'come back later' /2\n");
}

/* ---- Limits -------------------------------------------------------------------------------- */

/* Beyond: no interval is longer than the longest. */
static void beyond_intervals_grow_to_the_longest(void **state)
{
    stage *it = *state;

    set_policy(it, 1000, 2, 0);
    it->policy.max_interval_ms = 5000;
    it->number = 6;
    stage_begin(it, try_again, dur_null());
    stage_run_on(it);
    assert_story(it, "0: try/1 = DUR_SUSPENDED\n1000: try/2 = DUR_SUSPENDED\n"
                     "3000: try/3 = DUR_SUSPENDED\n7000: try/4 = DUR_SUSPENDED\n"
                     "12000: try/5 = DUR_SUSPENDED\n17000: try/6 = DUR_OK\n");
    assert_completed(it, "'done'", "1 step flaky result 'done' /6\n");
}

/* Beyond: the time for all attempts is limited as their number is; 10 s is still in time. */
static void beyond_the_time_for_all_attempts_is_limited(void **state)
{
    stage *it = *state;

    set_policy(it, 5000, 1, 0);
    it->policy.max_elapsed_ms = 10000;
    stage_begin(it, try_again, dur_null());
    stage_run_on(it);
    assert_story(it, "0: try/1 = DUR_SUSPENDED\n5000: try/2 = DUR_SUSPENDED\n"
                     "10000: try/3 = DUR_FAILED\n");
    assert_failed(it, "down", "1 step flaky failure 'down' /3\n");
}

/* Beyond: a policy that allows one attempt is none. */
static void beyond_one_attempt_means_no_retry(void **state)
{
    stage *it = *state;

    set_policy(it, 1000, 2, 1);
    stage_begin(it, try_again, dur_null());
    stage_next(it);
    assert_story(it, "0: try/1 = DUR_FAILED\n");
    assert_failed(it, "down", "1 step flaky failure 'down' /1\n");
}

/* Beyond: the default policy is the log's; its intervals double, and each pause is drawn from
 * between nothing and the interval. */
static void beyond_the_logs_own_policy_has_full_jitter(void **state)
{
    stage *it = *state;
    int64_t pauses_ms = 0;

    it->policy.max_attempts = 6;
    it->options.retry = &it->policy;
    it->number = 6;
    stage_begin(it, try_again, dur_null());
    for (int attempt = 1; attempt < 6; attempt++) {
        int64_t began = stage_ms(it), wakes;

        stage_next(it);
        assert_int_equal(DUR_SUSPENDED, it->last_code);
        wakes = stage_idle(it);
        assert_in_range(wakes, 0, 1000 << (attempt - 1));
        assert_in_range(stage_ms(it) - began, 0, attempt > 1 ? 1000 << (attempt - 2) : 0);
        pauses_ms += wakes;
    }
    stage_next(it);
    assert_int_equal(DUR_OK, it->last_code);
    assert_int_equal(pauses_ms, stage_ms(it));
    assert_in_range(pauses_ms, 1, 30999); /* five draws, each of the largest: one in 10^17 */
    assert_completed(it, "'done'", "1 step flaky result 'done' /6\n");
}

/* Beyond: short pauses may be slept through where the host allows it: one pass, the same rows. */
static void beyond_short_pauses_are_slept_through(void **state)
{
    stage *it = *state;

    set_policy(it, 2000, 3, 0);
    it->options.sleep_max_ms = 6000;
    it->number = 4;
    stage_begin(it, try_again, dur_null());
    stage_run_on(it);
    assert_story(it, "0: try/1 try/2 try/3 = DUR_SUSPENDED\n26000: try/4 = DUR_OK\n");
    assert_int_equal(8000, it->host.clock.slept_ms);
    assert_completed(it, "'done'", "1 step flaky result 'done' /4\n");
}

/* ---- And the rest of the run --------------------------------------------------------------- */

static int retry_in_the_middle(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP(run, "before") stage_body(it, "before");
    for (int i = 0; i < 2; i++) {
        DUR_STEP_VOID(run, "flaky", &it->step) {
            int64_t attempt = dur_step_attempt(dur_current_step(run));

            stage_body(it, "%c/%lld", 'a' + i, (long long)attempt);
            if (attempt < 2 || i == 1) dur_fail(run, "%c is down", 'a' + i);
        }
    }
    stage_tell(it, "[%s]", dur_ok(run) ? "well" : dur_catch(run));
    DUR_STEP(run, "after") stage_body(it, "after");
    return 0;
}

/* Beyond: attempts are the step's: others are not executed again, count for themselves, and what is
 * left when they are used up can be caught. A pass that is put off tells the workflow nothing. */
static void beyond_attempts_belong_to_their_step(void **state)
{
    stage *it = *state;

    set_policy(it, 1000, 2, 2);
    stage_begin(it, retry_in_the_middle, dur_null());
    stage_run_on(it);
    assert_story(it, "0: before a/1 [(null)] = DUR_SUSPENDED\n"
                     "1000: a/2 b/1 [(null)] = DUR_SUSPENDED\n"
                     "2000: b/2 [b is down] after = DUR_OK\n");
    assert_completed(it, "NULL",
                     "1 step before result NULL /1\n2 step flaky result NULL /2\n"
                     "3 step flaky failure 'b is down' /2\n4 step after result NULL /1\n");
}

/* Beyond: who gives up for good can leave the run to a person, who has one attempt more. */
static void beyond_a_run_is_parked_for_a_person(void **state)
{
    stage *it = *state;

    set_policy(it, 1000, 1, 2);
    it->policy.exhausted = DUR_EXHAUSTED_PARK;
    it->number = 3;
    stage_begin(it, try_again, dur_null());
    stage_run_on(it);
    assert_story(it, "0: try/1 = DUR_SUSPENDED\n1000: try/2 = DUR_PARKED\n");
    assert_steps(it, "");
    assert_int_equal(1, host_number(it->host.db, "SELECT count(*) FROM durable_runs_view"
                                                 " WHERE status = 'parked' AND wakes IS NULL"));
    assert_int_equal(DUR_OK, dur_execute(it->log, STAGE_WORKFLOW, STAGE_RUN, NULL, try_again, it));
    assert_int_equal(3, it->bodies);
    assert_completed(it, "'done'", "1 step flaky result 'done' /3\n");
}

static int remember_key(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP_VOID(run, "pay", &it->step) {
        const char *key = dur_step_idempotency_key(dur_current_step(run));

        stage_body(it, "pay");
        if (it->text[0]) assert_string_equal(it->text, key);
        snprintf(it->text, sizeof it->text, "%s", key);
        if (++it->number < 3) dur_fail(run, "line cut");
    }
    return 0;
}

/* Beyond: the outside world can tell that two attempts are one and the same payment. */
static void beyond_all_attempts_have_one_key(void **state)
{
    stage *it = *state;

    set_policy(it, 1000, 1, 3);
    stage_begin(it, remember_key, dur_null());
    stage_run_on(it);
    assert_story(it, "0: pay = DUR_SUSPENDED\n1000: pay = DUR_SUSPENDED\n2000: pay = DUR_OK\n");
    assert_completed(it, "NULL", "1 step pay result NULL /3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(r1_12_four_attempts_and_no_more),
        BOTH_WAYS(r1_14_intervals_grow_by_the_coefficient),
        BOTH_WAYS(r1_16_a_failure_of_the_wrong_kind_is_final),
        BOTH_WAYS(beyond_each_failure_is_judged_for_itself),
        BOTH_WAYS(beyond_the_failure_says_when_to_come_back),
        BOTH_WAYS(beyond_the_limits_hold_whatever_the_failure_says),
        BOTH_WAYS(beyond_intervals_grow_to_the_longest),
        BOTH_WAYS(beyond_the_time_for_all_attempts_is_limited),
        BOTH_WAYS(beyond_one_attempt_means_no_retry),
        BOTH_WAYS(beyond_the_logs_own_policy_has_full_jitter),
        BOTH_WAYS(beyond_short_pauses_are_slept_through),
        BOTH_WAYS(beyond_attempts_belong_to_their_step),
        BOTH_WAYS(beyond_a_run_is_parked_for_a_person),
        BOTH_WAYS(beyond_all_attempts_have_one_key),
    };

    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
