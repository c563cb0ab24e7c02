/* test/conformance: callbacks: a token goes out, and one answer comes back, or none in time. */
#include "conformance/callback.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Answers ------------------------------------------------------------------------------- */

static int await_approval(dur_run *run, void *user)
{
    stage *it = user;

    return give_answer(run, ask(run, it, 0, "approval"));
}

/* The run waits for its callback under the name it was given, and gives what was answered. */
static void r4_2_a_callback_has_the_name_it_was_given(void **state)
{
    stage *it = *state;

    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    assert_pending(it, "1 callback approval #0 wakes never NULL NULL\n");
    assert_int_equal(-1, stage_idle(it));
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("granted")));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_completed(it, "'granted'", "1 callback approval result 'granted' /1\n");
}

/* A rejection that nobody catches fails the run, with the message that came from outside. */
static void r4_6_an_uncaught_rejection_fails_the_run(void **state)
{
    stage *it = *state;

    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, reject(it, 0, "RejectedError: not approved"));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n1000: = DUR_FAILED\n");
    assert_failed(it, "RejectedError: not approved",
                  "1 callback approval failure 'RejectedError: not approved' /1\n");
}

static int await_number(dur_run *run, void *user)
{
    stage *it = user;
    dur_value count = dur_null();

    if (dur_await(ask(run, it, 0, "count"), &count) != DUR_OK) return 0;
    assert_int_equal(DUR_INTEGER, count.type);
    snprintf(it->text, sizeof it->text, "%lld, doubled %lld", (long long)count.as.integer,
             (long long)(2 * count.as.integer));
    dur_set_output(run, dur_text(it->text));
    return 0;
}

/* An answer has a type: a number comes as the number that it is. */
static void r4_16_a_number_is_answered(void **state)
{
    stage *it = *state;

    stage_begin(it, await_number, dur_null());
    stage_next(it);
    assert_int_equal(DUR_OK, answer(it, 0, dur_integer(42)));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n0: = DUR_OK\n");
    assert_completed(it, "'42, doubled 84'", "1 callback count result 42 /1\n");
}

/* Beyond: "nothing" is an answer, too, and a rejection may come without words. */
static void beyond_an_answer_of_nothing(void **state)
{
    stage *it = *state;

    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    assert_int_equal(DUR_OK, answer(it, 0, dur_null()));
    stage_next(it);
    assert_completed(it, "NULL", "1 callback approval result NULL /1\n");
}

static void beyond_a_rejection_without_words(void **state)
{
    stage *it = *state;

    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    assert_int_equal(DUR_OK, reject(it, 0, NULL));
    stage_next(it);
    assert_failed(it, "rejected", "1 callback approval failure 'rejected' /1\n");
}

/* Beyond: 3 MB are an answer. */
static void beyond_a_large_answer(void **state)
{
    stage *it = *state;
    char *large = malloc(3000001);

    assert_non_null(large);
    memset(large, 'x', 3000000);
    large[3000000] = '\0';
    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text(large)));
    free(large);
    stage_next(it);
    assert_completed(it, "text of 3000000",
                     "1 callback approval result text of 3000000 /1\n");
}

/* Beyond: one answer counts. Who comes second is told so, before the run has noticed the first
 * answer and after; so is who has a token that nobody gave out. */
static void beyond_exactly_one_answer_counts(void **state)
{
    stage *it = *state;
    char forged[DUR_TOKEN_SIZE];

    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    memcpy(forged, it->token[0], sizeof forged);
    forged[strlen(forged) - 1] = (char)(forged[strlen(forged) - 1] == '1' ? '2' : '1');
    assert_int_not_equal(DUR_OK, dur_complete_callback(stage_world(it), forged, dur_null()));
    assert_int_equal(DUR_MISUSE, dur_complete_callback(stage_world(it), "no token", dur_null()));
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("first")));
    assert_int_equal(DUR_ENDED, answer(it, 0, dur_text("second")));
    assert_int_equal(DUR_ENDED, reject(it, 0, "third"));
    stage_next(it);
    assert_int_equal(DUR_ENDED, answer(it, 0, dur_text("fourth")));
    assert_int_equal(DUR_ENDED, dur_heartbeat_callback(stage_world(it), it->token[0]));
    assert_story(it, "0: = DUR_SUSPENDED\n0: = DUR_OK\n");
    assert_completed(it, "'first'", "1 callback approval result 'first' /1\n");
}

/* ---- Out of time --------------------------------------------------------------------------- */

/* No heartbeat for 5 s is a timeout; a workflow that makes a failure of it fails. */
static void r4_4_a_callback_without_heartbeats_times_out(void **state)
{
    stage *it = *state;

    it->callback.heartbeat_ms = 5000;
    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    assert_pending(it, "1 callback approval #0 wakes 5000 NULL NULL\n");
    assert_int_equal(5000, host_number(it->host.db, "SELECT heartbeat_ms"
                                                    " FROM durable_pending_view"));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n5000: = DUR_FAILED\n");
    assert_failed(it, "no answer in time", "1 callback approval timed out NULL /1\n");
}

/* Who still is at it. */
static void beat(stage *it)
{
    assert_int_equal(DUR_OK, dur_heartbeat_callback(stage_world(it), it->token[0]));
}

/* Beyond: each heartbeat gives it 5 s more. It moves the callback's time, not the run's, which is
 * looked at when it would have been over, and goes on waiting. */
static void beyond_heartbeats_keep_a_callback_alive(void **state)
{
    stage *it = *state;

    it->callback.heartbeat_ms = 5000;
    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    stage_advance(it, 4000);
    beat(it);
    assert_pending(it, "1 callback approval #0 wakes 9000 NULL NULL\n");
    stage_next(it);
    stage_advance(it, 3000);
    beat(it);
    assert_pending(it, "1 callback approval #0 wakes 13000 NULL NULL\n");
    stage_next(it);
    stage_advance(it, 3999);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("granted")));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n5000: = DUR_SUSPENDED\n9000: = DUR_SUSPENDED\n"
                     "12999: = DUR_OK\n");
    assert_completed(it, "'granted'", "1 callback approval result 'granted' /1\n");
}

/* Beyond: when the heartbeats stop, it times out, 5 s after the last one. */
static void beyond_heartbeats_that_stop(void **state)
{
    stage *it = *state;

    it->callback.heartbeat_ms = 5000;
    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    stage_advance(it, 3000);
    beat(it);
    stage_run_on(it);
    assert_story(it, "0: = DUR_SUSPENDED\n5000: = DUR_SUSPENDED\n8000: = DUR_FAILED\n");
    assert_failed(it, "no answer in time", "1 callback approval timed out NULL /1\n");
}

/* Beyond: heartbeats do not move the limit of the whole. */
static void beyond_heartbeats_do_not_move_the_deadline(void **state)
{
    stage *it = *state;

    it->callback.heartbeat_ms = 5000;
    it->callback.timeout_ms = 6000;
    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    assert_pending(it, "1 callback approval #0 wakes 5000 NULL NULL\n");
    stage_advance(it, 4000);
    beat(it);
    assert_pending(it, "1 callback approval #0 wakes 6000 NULL NULL\n");
    stage_run_on(it);
    assert_story(it, "0: = DUR_SUSPENDED\n5000: = DUR_SUSPENDED\n6000: = DUR_FAILED\n");
    assert_failed(it, "no answer in time", "1 callback approval timed out NULL /1\n");
}

/* Beyond: an hour of heartbeats, each a second before the time is up. So many passes in which
 * nothing is recorded do not park the run. */
static void beyond_heartbeats_for_an_hour(void **state)
{
    stage *it = *state;

    it->callback.heartbeat_ms = 60000;
    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    for (int minute = 0; minute < 60; minute++) {
        stage_advance(it, stage_idle(it) - 1000);
        beat(it);
        stage_next(it);
        assert_int_equal(DUR_SUSPENDED, it->last_code);
    }
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("granted")));
    stage_next(it);
    assert_completed(it, "'granted'", "1 callback approval result 'granted' /1\n");
}

/* Beyond: who answers is told whether it counts, and the run sees the same: a late answer does not,
 * though nobody has noticed yet that the time is over. */
static void beyond_a_late_answer_is_refused_before_the_timeout_is_noticed(void **state)
{
    stage *it = *state;

    it->callback.timeout_ms = 5000;
    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    stage_advance(it, 7000);
    assert_int_equal(DUR_ENDED, answer(it, 0, dur_text("late")));
    assert_int_equal(DUR_ENDED, dur_heartbeat_callback(stage_world(it), it->token[0]));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n7000: = DUR_FAILED\n");
    assert_failed(it, "no answer in time", "1 callback approval timed out NULL /1\n");
}

static void beyond_an_answer_after_the_timeout_is_refused(void **state)
{
    stage *it = *state;

    it->callback.timeout_ms = 5000;
    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    stage_next(it);
    assert_int_equal(DUR_ENDED, answer(it, 0, dur_text("late")));
    assert_int_equal(DUR_ENDED, reject(it, 0, "late"));
    assert_int_equal(DUR_ENDED, dur_heartbeat_callback(stage_world(it), it->token[0]));
    assert_story(it, "0: = DUR_SUSPENDED\n5000: = DUR_FAILED\n");
    assert_failed(it, "no answer in time", "1 callback approval timed out NULL /1\n");
    assert_int_equal(0, host_number(it->host.db, "SELECT count(*) FROM durable_signals_view"));
}

/* Beyond: an answer in the last millisecond counts, however late somebody looks. */
static void beyond_an_answer_in_time_counts_however_late_it_is_seen(void **state)
{
    stage *it = *state;

    it->callback.timeout_ms = 5000;
    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    stage_advance(it, 4999);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("just in time")));
    stage_advance(it, 100000);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n104999: = DUR_OK\n");
    assert_completed(it, "'just in time'", "1 callback approval result 'just in time' /1\n");
}

/* ---- Several ------------------------------------------------------------------------------- */

static int await_two(dur_run *run, void *user)
{
    stage *it = user;
    dur_step *a = ask(run, it, 0, "a"), *b = ask(run, it, 1, "b");
    dur_value first, second;

    if (dur_await(a, &first) != DUR_OK) return 0;
    stage_tell(it, "a");
    if (dur_await(b, &second) != DUR_OK) return 0;
    stage_tell(it, "b");
    snprintf(it->text, sizeof it->text, "%s %s", dur_as_text(first), dur_as_text(second));
    dur_set_output(run, dur_text(it->text));
    return 0;
}

/* Both are open from the first pass on; each answer that is waited for makes one pass. */
static void r4_18_two_callbacks_are_awaited_in_order(void **state)
{
    stage *it = *state;

    stage_begin(it, await_two, dur_null());
    stage_next(it);
    assert_pending(it, "1 callback a #0 wakes never NULL NULL\n"
                       "2 callback b #0 wakes never NULL NULL\n");
    assert_string_not_equal(it->token[0], it->token[1]);
    stage_advance(it, 3000);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("one")));
    stage_next(it);
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, answer(it, 1, dur_text("two")));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n3000: a = DUR_SUSPENDED\n4000: a b = DUR_OK\n");
    assert_completed(it, "'one two'",
                     "1 callback a result 'one' /1\n2 callback b result 'two' /1\n");
}

/* Beyond: the other way round: the answer to b waits until it is b's turn, without a pass. */
static void beyond_two_callbacks_are_answered_in_the_other_order(void **state)
{
    stage *it = *state;

    stage_begin(it, await_two, dur_null());
    stage_next(it);
    assert_int_equal(DUR_OK, answer(it, 1, dur_text("two")));
    assert_int_equal(-1, stage_idle(it));
    stage_advance(it, 1000);
    assert_int_equal(DUR_OK, answer(it, 0, dur_text("one")));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n1000: a b = DUR_OK\n");
    assert_completed(it, "'one two'",
                     "1 callback a result 'one' /1\n2 callback b result 'two' /1\n");
}

static int ask_in_vain(dur_run *run, void *user)
{
    stage *it = user;

    if (!ask(run, it, 0, "unheard")) return 0;
    DUR_STEP(run, "work") stage_body(it, "work");
    return 0;
}

/* Beyond: nobody has to await a callback; its token ends with the run. */
static void beyond_a_callback_that_nobody_awaits(void **state)
{
    stage *it = *state;

    stage_begin(it, ask_in_vain, dur_null());
    stage_next(it);
    assert_int_equal(DUR_ENDED, answer(it, 0, dur_text("too late")));
    assert_story(it, "0: work = DUR_OK\n");
    assert_completed(it, "NULL", "2 step work result NULL /1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(r4_2_a_callback_has_the_name_it_was_given),
        BOTH_WAYS(r4_4_a_callback_without_heartbeats_times_out),
        BOTH_WAYS(r4_6_an_uncaught_rejection_fails_the_run),
        BOTH_WAYS(r4_16_a_number_is_answered),
        BOTH_WAYS(r4_18_two_callbacks_are_awaited_in_order),
        BOTH_WAYS(beyond_an_answer_of_nothing),
        BOTH_WAYS(beyond_a_rejection_without_words),
        BOTH_WAYS(beyond_a_large_answer),
        BOTH_WAYS(beyond_exactly_one_answer_counts),
        BOTH_WAYS(beyond_heartbeats_keep_a_callback_alive),
        BOTH_WAYS(beyond_heartbeats_that_stop),
        BOTH_WAYS(beyond_heartbeats_do_not_move_the_deadline),
        BOTH_WAYS(beyond_heartbeats_for_an_hour),
        BOTH_WAYS(beyond_a_late_answer_is_refused_before_the_timeout_is_noticed),
        BOTH_WAYS(beyond_an_answer_after_the_timeout_is_refused),
        BOTH_WAYS(beyond_an_answer_in_time_counts_however_late_it_is_seen),
        BOTH_WAYS(beyond_two_callbacks_are_answered_in_the_other_order),
        BOTH_WAYS(beyond_a_callback_that_nobody_awaits),
    };

    return cmocka_run_group_tests_name("callback", tests, NULL, NULL);
}
