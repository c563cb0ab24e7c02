/* test/conformance: children that are started for another worker, beyond what is required. */
#include "conformance/invoke.h"

/* ---- Beyond: failures ------------------------------------------------------------------------ */

static void beyond_a_targets_failure_fails_the_run(void **state)
{
    stage *it = *state;

    stage_begin(it, give, dur_null());
    stage_next(it);
    serve(it, CHILD, refuse, DUR_FAILED);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( refuse )\n0: = DUR_FAILED\n");
    assert_failed(it, "TargetError: not today",
                  "1 child invoke failure 'TargetError: not today' /1\n");
}

static int wait_for_ever(dur_run *run, void *user)
{
    stage_tell(user, "wait");
    return dur_receive(run, "nothing", DUR_FOREVER, NULL) < 0 ? 1 : 0;
}

/* By hand it comes to `expected`; a worker looks whether it is due. */
static void look_at_waiting(stage *it, int expected)
{
    dur_log *log = stage_world(it);

    if (it->by_worker)
        assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    else
        assert_code(expected, dur_execute(log, TARGET, CHILD, NULL, wait_for_ever, it), log);
}

/* It has ended: so the parent hears of it, however. */
static void beyond_a_target_that_is_cancelled_fails_the_run(void **state)
{
    stage *it = *state;
    dur_log *world;

    stage_begin(it, give, dur_null());
    stage_next(it);
    serve(it, CHILD, wait_for_ever, DUR_SUSPENDED);
    world = stage_world(it);
    assert_code(DUR_OK, dur_cancel(world, CHILD), world);
    look_at_waiting(it, DUR_CANCELLED);
    narrative_add(&it->story, "\n");
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( wait )\n wait\n0: = DUR_FAILED\n");
    assert_failed(it, "cancelled", "1 child invoke failure 'cancelled' /1\n");
}

static int with_a_limit(dur_run *run, void *user)
{
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_step *child = NULL;
    const char *failure;

    options.timeout_ms = 3000;
    if (dur_start_child(run, "invoke", TARGET, &options, &child) != DUR_OK) return 0;
    if (dur_await(child, NULL) == DUR_SUSPENDED) return 0;
    failure = dur_catch(run);
    stage_tell(user, "[%s]", failure ? failure : "none");
    return 0;
}

/* The target's time is up: it ends by its deadline, not a ms early, and its parent hears of it. */
static void beyond_a_target_times_out(void **state)
{
    stage *it = *state;
    dur_log *world;
    dur_run_info info = DUR_RUN_INFO_INIT;

    stage_begin(it, with_a_limit, dur_null());
    stage_next(it);
    serve(it, CHILD, wait_for_ever, DUR_SUSPENDED);
    stage_advance(it, 2999);
    world = stage_world(it);
    look_at_waiting(it, DUR_SUSPENDED);
    stage_advance(it, 1);
    look_at_waiting(it, DUR_TIMED_OUT);
    assert_code(DUR_OK, dur_read_run(world, CHILD, &info), world);
    assert_int_equal(DUR_RUN_TIMED_OUT, info.status);
    narrative_add(&it->story, "\n");
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( wait )\n wait\n"
                     "3000: [its deadline has passed] = DUR_OK\n");
    assert_completed(it, "NULL", "1 child invoke failure 'its deadline has passed' /1\n");
}

/* ---- Beyond: the order of things ------------------------------------------------------------- */

static int rest_then_await(dur_run *run, void *user)
{
    dur_step *child = invoke(run, "invoke", dur_integer(5));
    dur_value value = dur_null();

    (void)user;
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    if (dur_await(child, &value) == DUR_OK) dur_set_output(run, value);
    return 0;
}

/* Beyond: the target ends during another wait: no pass is made for it, and awaiting it costs no
 * suspension. */
static void beyond_the_target_ends_during_another_wait(void **state)
{
    stage *it = *state;

    stage_begin(it, rest_then_await, dur_null());
    stage_next(it);
    stage_advance(it, 400);
    serve(it, CHILD, echo, DUR_OK);
    assert_int_equal(600, stage_idle(it));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( echo )\n1000: = DUR_OK\n");
    assert_completed(it, "5", "1 child invoke result 5 /1\n2 timer rest result NULL /1\n");
}

static int two_at_once(dur_run *run, void *user)
{
    dur_step *first = invoke(run, "one", dur_integer(1));
    dur_step *second = invoke(run, "two", dur_integer(2));
    dur_value one = dur_null(), two = dur_null();

    (void)user;
    if (dur_await(first, &one) != DUR_OK) return 0;
    if (dur_await(second, &two) != DUR_OK) return 0;
    dur_set_output(run, dur_integer(10 * one.as.integer + two.as.integer));
    return 0;
}

/* Beyond: two are open; the later one ends first, and does not wake the run. */
static void beyond_two_at_once_that_end_in_the_other_order(void **state)
{
    stage *it = *state;

    stage_begin(it, two_at_once, dur_null());
    stage_next(it);
    if (it->by_worker) {
        serve(it, CHILD, echo, DUR_OK); /* a worker takes both */
    } else {
        serve(it, STAGE_RUN "/2", echo, DUR_OK);
        assert_int_equal(-1, stage_idle(it));
        serve(it, CHILD, echo, DUR_OK);
    }
    stage_next(it);
    assert_completed(it, "12", "1 child one result 1 /1\n2 child two result 2 /1\n");
}

static int work_rest_invoke(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP(run, "work") { stage_body(it, "work"); }
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    return give_target(run, "invoke");
}

/* Beyond: after a step and a wait; the target is started once. */
static void beyond_after_a_step_and_a_wait(void **state)
{
    stage *it = *state;

    stage_begin(it, work_rest_invoke, dur_text("late"));
    stage_run_on(it);
    serve(it, STAGE_RUN "/3", echo, DUR_OK);
    stage_next(it);
    assert_story(it, "0: work = DUR_SUSPENDED\n1000: = DUR_SUSPENDED\n( echo )\n1000: = DUR_OK\n");
    assert_completed(it, "'late'", "1 step work result NULL /1\n2 timer rest result NULL /1\n"
                                   "3 child invoke result 'late' /1\n");
}

static int invoke_within(dur_run *run, void *user)
{
    dur_value value = dur_null();

    if (dur_call(run, "wrapper", NULL, give, user, &value) == DUR_OK) dur_set_output(run, value);
    return 0;
}

/* Beyond: started and awaited by a called child; its end wakes the run that workers take up. */
static void beyond_within_a_called_child(void **state)
{
    stage *it = *state;

    stage_begin(it, invoke_within, dur_null());
    stage_next(it);
    assert_int_equal(-1, stage_idle(it));
    serve(it, STAGE_RUN "/1/1", echo, DUR_OK);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( echo )\n0: = DUR_OK\n");
    assert_completed(it, "NULL", "1 child wrapper result NULL /1\n");
}

static int rest_once(dur_run *run, void *user)
{
    stage_tell(user, "pass");
    if (dur_sleep(run, "rest", 2000) != DUR_OK) return 0;
    dur_set_output(run, dur_text("rested"));
    return 0;
}

/* Beyond: a target that waits itself does not wake its parent before its end. */
static void beyond_a_target_that_waits(void **state)
{
    stage *it = *state;

    stage_begin(it, give, dur_null());
    stage_next(it);
    serve(it, CHILD, rest_once, DUR_SUSPENDED);
    assert_int_equal(-1, stage_idle(it));
    stage_advance(it, 2000);
    serve(it, CHILD, rest_once, DUR_OK);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( pass )\n( pass )\n2000: = DUR_OK\n");
    assert_completed(it, "'rested'", "1 child invoke result 'rested' /1\n");
}

typedef struct order {
    int64_t number;
    char item[16];
} order;

static int check_order(dur_run *run, void *user)
{
    dur_value input = dur_input(run);
    order received;

    assert_int_equal(DUR_OBJECT, input.type);
    assert_int_equal(sizeof received, input.length);
    memcpy(&received, input.as.bytes, sizeof received);
    stage_tell(user, "%lld %s", (long long)received.number, received.item);
    dur_set_output(run, dur_text(received.item));
    return 0;
}

static int send_order(dur_run *run, void *user)
{
    order sent;
    dur_value value = dur_null();

    (void)user;
    memset(&sent, 0, sizeof sent);
    sent.number = 17;
    strcpy(sent.item, "lamp");
    if (dur_await(invoke(run, "order", dur_object(&sent, sizeof sent)), &value) == DUR_OK)
        dur_set_output(run, value);
    return 0;
}

/* Beyond: an input with parts. */
static void beyond_an_input_with_parts(void **state)
{
    stage *it = *state;

    stage_begin(it, send_order, dur_null());
    stage_next(it);
    serve(it, CHILD, check_order, DUR_OK);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( 17 lamp )\n0: = DUR_OK\n");
    assert_completed(it, "'lamp'", "1 child order result 'lamp' /1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(beyond_a_targets_failure_fails_the_run),
        BOTH_WAYS(beyond_a_target_that_is_cancelled_fails_the_run),
        BOTH_WAYS(beyond_a_target_times_out),
        BOTH_WAYS(beyond_the_target_ends_during_another_wait),
        BOTH_WAYS(beyond_two_at_once_that_end_in_the_other_order),
        BOTH_WAYS(beyond_after_a_step_and_a_wait),
        BOTH_WAYS(beyond_within_a_called_child),
        BOTH_WAYS(beyond_a_target_that_waits),
        BOTH_WAYS(beyond_an_input_with_parts),
    };

    return cmocka_run_group_tests_name("invoke_beyond", tests, NULL, NULL);
}
