/*
 * test/conformance: answers and heartbeats that come while a pass is made. They come whenever the
 * pass looks at the clock, at each of its looks in turn, over a connection of their own.
 */
#include "conformance/callback.h"

/* What the world does meanwhile. */
static struct {
    stage *it;
    int64_t looks; /* at the clock, until it acts; 0: it does not, or has acted */
    int64_t (*now_ms)(void *user);
    int (*act)(stage *it);
    int code; /* what it was told */
} world;

/* Only who has a token can act. */
static int64_t look_at_clock(void *user)
{
    if (world.looks > 0 && world.it->token[0][0] && --world.looks == 0)
        world.code = world.act(world.it);
    return world.now_ms(user);
}

static stage *set_stage(void **state, int (*act)(stage *it))
{
    stage *it;

    *state = (void *)(uintptr_t)&stage_by_worker;
    stage_setup(state);
    it = *state;
    world.it = it;
    world.looks = 0;
    world.now_ms = it->options.now_ms;
    world.act = act;
    world.code = DUR_SUSPENDED; /* nobody says that */
    it->options.now_ms = look_at_clock;
    it->options.busy_wait_ms = -1;
    return it;
}

static int send_answer(stage *it)
{
    return answer(it, 0, dur_text("granted"));
}

static int await_approval(dur_run *run, void *user)
{
    stage *it = user;

    return give_answer(run, ask(run, it, 0, "approval"));
}

/* ---- The answer and the wait --------------------------------------------------------------- */

/* Whenever it comes between the token's birth and the suspension, it is not lost. */
static bool answer_before_the_suspension(int64_t looks)
{
    void *state;
    stage *it = set_stage(&state, send_answer);
    bool acted;

    stage_begin(it, await_approval, dur_null());
    world.looks = looks;
    stage_next(it);
    acted = world.looks == 0;
    world.looks = 0;
    if (world.code != DUR_OK) {
        assert_true(!acted || world.code == DUR_BUSY);
        assert_int_equal(DUR_OK, send_answer(it));
    }
    if (it->last_code == DUR_SUSPENDED) stage_next(it);
    assert_int_equal(DUR_OK, it->last_code);
    assert_completed(it, "'granted'", "1 callback approval result 'granted' /1\n");
    stage_teardown(&state);
    return acted;
}

/* Beyond: no answer falls between the look and the wait. */
static void beyond_no_answer_is_lost_while_the_run_goes_to_sleep(void **state)
{
    int64_t looks = 1;

    (void)state;
    while (answer_before_the_suspension(looks)) looks++;
    assert_in_range(looks, 2, 100);
}

/* ---- The answer and the timeout ------------------------------------------------------------ */

/* Whoever was told that it counts has completed the run; else it timed out. */
static bool answer_in_the_pass_that_times_out(int64_t looks, int *counted)
{
    void *state;
    stage *it = set_stage(&state, send_answer);
    bool acted;

    it->callback.timeout_ms = 5000;
    stage_begin(it, await_approval, dur_null());
    stage_next(it);
    stage_advance(it, 5000);
    world.looks = looks;
    stage_next(it);
    acted = world.looks == 0;
    world.looks = 0;
    if (world.code == DUR_OK) {
        ++*counted;
        assert_completed(it, "'granted'", "1 callback approval result 'granted' /1\n");
    } else {
        assert_true(!acted || world.code == DUR_ENDED || world.code == DUR_BUSY);
        assert_failed(it, "no answer in time", "1 callback approval timed out NULL /1\n");
    }
    stage_teardown(&state);
    return acted;
}

/* Beyond: an answer and a timeout at once are one outcome, and both sides agree which. */
static void beyond_an_answer_and_a_timeout_at_once(void **state)
{
    int64_t looks = 1;
    int counted = 0;

    (void)state;
    while (answer_in_the_pass_that_times_out(looks, &counted)) looks++;
    assert_in_range(looks, 2, 100);
    assert_in_range(counted, 1, looks - 1);
}

/* ---- Heartbeats ---------------------------------------------------------------------------- */

static int send_heartbeat(stage *it)
{
    return dur_heartbeat_callback(stage_world(it), it->token[0]);
}

static int work_for_long(dur_run *run, void *user)
{
    stage *it = user;
    dur_step *callback = ask(run, it, 0, "approval");

    DUR_STEP(run, "work") {
        stage_body(it, "work");
        stage_advance(it, 4000);
        assert_int_equal(DUR_OK, send_heartbeat(it));
        stage_advance(it, 2000);
    }
    return give_answer(run, callback);
}

/* Beyond: a heartbeat counts that came while the run was busy with something else. */
static void beyond_a_heartbeat_during_a_step(void **state)
{
    stage *it = *state;

    it->callback.heartbeat_ms = 5000;
    stage_begin(it, work_for_long, dur_null());
    stage_next(it);
    assert_int_equal(3000, stage_idle(it));
    assert_int_equal(DUR_OK, send_answer(it));
    stage_next(it);
    assert_story(it, "0: work = DUR_SUSPENDED\n6000: = DUR_OK\n");
    assert_completed(it, "'granted'",
                     "1 callback approval result 'granted' /1\n2 step work result NULL /1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beyond_no_answer_is_lost_while_the_run_goes_to_sleep),
        cmocka_unit_test(beyond_an_answer_and_a_timeout_at_once),
        BOTH_WAYS(beyond_a_heartbeat_during_a_step),
    };

    return cmocka_run_group_tests_name("callback race", tests, NULL, NULL);
}
