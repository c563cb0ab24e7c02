/* test/conformance: children that are called: a scope of its own, one row of its parent. */
#include "conformance/child.h"
#include "support/process.h"

#include <unistd.h>

#define DIED 9

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

/* ---- What the field requires ---------------------------------------------------------------- */

static int name_from_input(dur_run *run, void *user)
{
    stage *it = user;

    return give_child(run, it, dur_as_text(dur_input(run)), one_step);
}

/* The name is in the parent's row; the steps are the child's. */
static void r3_2_a_child_has_the_name_it_was_given(void **state)
{
    stage *it = *state;

    stage_begin(it, name_from_input, dur_text("north wing"));
    stage_next(it);
    assert_story(it, "0: echo = DUR_OK\n");
    assert_family(it, "the-run 1 child north wing result 'north wing'\n"
                      "the-run/1 1 step echo result 'north wing'\n");
    assert_completed(it, "'north wing'", "1 child north wing result 'north wing' /1\n");
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

static int call_failing(dur_run *run, void *user)
{
    return give_child(run, user, "fragile", failing_step);
}

static void r3_4_a_childs_failure_fails_the_run(void **state)
{
    stage *it = *state;

    stage_begin(it, call_failing, dur_null());
    stage_next(it);
    assert_story(it, "0: break/1 = DUR_FAILED\n");
    assert_family(it, "the-run 1 child fragile failure 'BrokenError: it broke'\n"
                      "the-run/1 1 step break failure 'BrokenError: it broke'\n");
    assert_failed(it, "BrokenError: it broke",
                  "1 child fragile failure 'BrokenError: it broke' /1\n");
}

static int step_and_inner(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP(run, "outer") { stage_body(it, "outer"); }
    return give_child(run, it, "inner", one_step);
}

static int call_nested(dur_run *run, void *user)
{
    return give_child(run, user, "nest", step_and_inner);
}

/* Each level has positions of its own. */
static void r3_6_children_within_children(void **state)
{
    stage *it = *state;

    stage_begin(it, call_nested, dur_text("egg"));
    stage_next(it);
    assert_story(it, "0: outer echo = DUR_OK\n");
    assert_family(it, "the-run 1 child nest result 'egg'\n"
                      "the-run/1 1 step outer result NULL\n"
                      "the-run/1 2 child inner result 'egg'\n"
                      "the-run/1/2 1 step echo result 'egg'\n");
    assert_completed(it, "'egg'", "1 child nest result 'egg' /1\n");
}

static void be_patient(stage *it, int64_t max_attempts)
{
    it->policy.initial_ms = 1000;
    it->policy.coefficient = 1;
    it->policy.jitter = DUR_JITTER_NONE;
    it->policy.max_attempts = max_attempts;
    it->step.retry = &it->policy;
}

/* The pause before the second attempt suspends child and parent; then both fail. */
static void r3_8_retries_that_are_used_up_fail_the_child(void **state)
{
    stage *it = *state;

    be_patient(it, 2);
    stage_begin(it, call_failing, dur_null());
    stage_next(it);
    assert_pending(it, "1 child fragile #0 wakes never NULL NULL\n");
    stage_next(it);
    assert_story(it, "0: break/1 = DUR_SUSPENDED\n1000: break/2 = DUR_FAILED\n");
    assert_failed(it, "BrokenError: it broke",
                  "1 child fragile failure 'BrokenError: it broke' /1\n");
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

static int call_waiting(dur_run *run, void *user)
{
    return give_child(run, user, "slow", step_and_wait);
}

static void r3_10_a_step_and_a_wait_within(void **state)
{
    stage *it = *state;

    stage_begin(it, call_waiting, dur_text("snail"));
    stage_next(it);
    stage_next(it);
    assert_story(it, "0: echo = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_family(it, "the-run 1 child slow result 'snail'\n"
                      "the-run/1 1 step echo result 'snail'\n"
                      "the-run/1 2 timer rest result NULL\n");
    assert_completed(it, "'snail'", "1 child slow result 'snail' /1\n");
}

static int die_in_step(dur_run *run, void *user)
{
    stage *it = user;
    const char *text;

    DUR_STEP(run, "echo", text) {
        if (it->number == DIED) _exit(DIED);
        stage_body(it, "echo/%lld", (long long)dur_step_attempt(dur_current_step(run)));
        text = dur_as_text(dur_input(run));
    }
    dur_set_output(run, dur_text(text));
    return 0;
}

static int call_dying(dur_run *run, void *user)
{
    return give_child(run, user, "mortal", die_in_step);
}

static int pass_and_die(void *user)
{
    stage *it = user;

    stage_in_child(it);
    it->number = DIED;
    stage_next(it);
    return 1;
}

/* A process dies in the body: both claims are the dead one's, and are taken over at once; the step
 * is executed again, as the same attempt. */
static void r3_12_a_child_whose_process_died_goes_on(void **state)
{
    stage *it = *state;
    process_end end;

    stage_begin(it, call_dying, dur_text("phoenix"));
    end = process_run(pass_and_die, it);
    assert_true(end.exited);
    assert_int_equal(DIED, end.code);
    assert_family(it, "");
    assert_int_equal(2, host_number(it->host.other, "SELECT count(*) FROM durable_runs"));
    stage_next(it);
    assert_story(it, "0: echo/1 = DUR_OK\n");
    assert_family(it, "the-run 1 child mortal result 'phoenix'\n"
                      "the-run/1 1 step echo result 'phoenix'\n");
    assert_completed(it, "'phoenix'", "1 child mortal result 'phoenix' /1\n");
}

/* The child's own step gives 'hello child'; the child writes it otherwise. */
static int shout(dur_run *run, void *user)
{
    stage *it = user;
    char text[16];

    DUR_STEP(run, "echo", text) {
        stage_body(it, "echo");
        strcpy(text, dur_as_text(dur_input(run)));
    }
    for (char *c = text; *c; c++)
        if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
    dur_set_output(run, dur_text(text));
    return 0;
}

static int call_shouting(dur_run *run, void *user)
{
    return give_child(run, user, "loud", shout);
}

/* There is no serializer between child and log: what the child's function makes of it is kept. */
static void r3_14_the_childs_bytes_are_kept_as_it_gives_them(void **state)
{
    stage *it = *state;

    stage_begin(it, call_shouting, dur_text("hello child"));
    stage_next(it);
    assert_story(it, "0: echo = DUR_OK\n");
    assert_family(it, "the-run 1 child loud result 'HELLO CHILD'\n"
                      "the-run/1 1 step echo result 'hello child'\n");
    assert_completed(it, "'HELLO CHILD'", "1 child loud result 'HELLO CHILD' /1\n");
}

static int nothing(dur_run *run, void *user)
{
    (void)run;
    stage_body(user, "nothing");
    return 0;
}

static int call_nothing(dur_run *run, void *user)
{
    return give_child(run, user, "void", nothing);
}

static void r3_16_a_child_without_a_step_gives_null(void **state)
{
    stage *it = *state;

    stage_begin(it, call_nothing, dur_null());
    stage_next(it);
    assert_story(it, "0: nothing = DUR_OK\n");
    assert_family(it, "the-run 1 child void result NULL\n");
    assert_completed(it, "NULL", "1 child void result NULL /1\n");
}

static int child_step_wait(dur_run *run, void *user)
{
    stage *it = user;
    dur_value value = dur_null();
    const char *text;

    if (call(run, it, "slow", step_and_wait, &value) != DUR_OK) return 0;
    stage_tell(it, "[%s]", dur_as_text(value));
    DUR_STEP(run, "after", text) {
        stage_body(it, "after");
        text = dur_as_text(value);
    }
    if (dur_sleep(run, "outer rest", 2000) != DUR_OK) return 0;
    dur_set_output(run, dur_text(text));
    return 0;
}

/* The third pass replays the child from its row: neither its function nor its steps. */
static void r3_18_a_step_and_a_wait_within_and_after(void **state)
{
    stage *it = *state;

    stage_begin(it, child_step_wait, dur_text("twice"));
    stage_run_on(it);
    assert_story(it, "0: echo = DUR_SUSPENDED\n1000: [twice] after = DUR_SUSPENDED\n"
                     "3000: [twice] = DUR_OK\n");
    assert_family(it, "the-run 1 child slow result 'twice'\n"
                      "the-run 2 step after result 'twice'\n"
                      "the-run 3 timer outer rest result NULL\n"
                      "the-run/1 1 step echo result 'twice'\n"
                      "the-run/1 2 timer rest result NULL\n");
    assert_completed(it, "'twice'", "1 child slow result 'twice' /1\n"
                                    "2 step after result 'twice' /1\n"
                                    "3 timer outer rest result NULL /1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(r3_2_a_child_has_the_name_it_was_given),
        BOTH_WAYS(r3_4_a_childs_failure_fails_the_run),
        BOTH_WAYS(r3_6_children_within_children),
        BOTH_WAYS(r3_8_retries_that_are_used_up_fail_the_child),
        BOTH_WAYS(r3_10_a_step_and_a_wait_within),
        BY_A_WORKER(r3_12_a_child_whose_process_died_goes_on),
        BOTH_WAYS(r3_14_the_childs_bytes_are_kept_as_it_gives_them),
        BOTH_WAYS(r3_16_a_child_without_a_step_gives_null),
        BOTH_WAYS(r3_18_a_step_and_a_wait_within_and_after),
    };

    return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
