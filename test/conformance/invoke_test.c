/* test/conformance: children that are started by a workflow's name, for another worker, and
 * awaited. */
#include "conformance/invoke.h"

#include <stdio.h>

/* ---- What the field requires ----------------------------------------------------------------- */

static int name_from_input(dur_run *run, void *user)
{
    (void)user;
    return give_target(run, dur_as_text(dur_input(run)));
}

static void r5_2_an_invocation_has_the_name_it_was_given(void **state)
{
    stage *it = *state;

    stage_begin(it, name_from_input, dur_text("quote"));
    stage_next(it);
    assert_pending(it, "1 child quote #0 wakes never NULL NULL\n");
    assert_int_equal(-1, stage_idle(it));
    stage_advance(it, 1000);
    serve(it, CHILD, echo, DUR_OK);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( echo )\n1000: = DUR_OK\n");
    assert_completed(it, "'quote'", "1 child quote result 'quote' /1\n");
}

static void r5_4_null_goes_out_and_comes_back(void **state)
{
    stage *it = *state;

    stage_begin(it, give, dur_null());
    stage_next(it);
    serve(it, CHILD, echo, DUR_OK);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( echo )\n0: = DUR_OK\n");
    assert_completed(it, "NULL", "1 child invoke result NULL /1\n");
}

static int catch_target(dur_run *run, void *user)
{
    stage *it = user;
    const char *failure;

    if (dur_await(invoke(run, "invoke", dur_null()), NULL) == DUR_SUSPENDED) return 0;
    failure = dur_catch(run);
    stage_tell(it, "[%s]", failure ? failure : "none");
    dur_set_output(run, dur_text("fallback"));
    return 0;
}

static void r5_6_a_targets_failure_is_caught(void **state)
{
    stage *it = *state;

    stage_begin(it, catch_target, dur_null());
    stage_next(it);
    serve(it, CHILD, refuse, DUR_FAILED);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( refuse )\n0: [TargetError: not today] = DUR_OK\n");
    assert_completed(it, "'fallback'",
                     "1 child invoke failure 'TargetError: not today' /1\n");
}

static int for_a_tenant(dur_run *run, void *user)
{
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_step *child = NULL;
    dur_value value = dur_null();

    (void)user;
    options.input = dur_text("payload");
    options.queue = dur_as_text(dur_input(run));
    if (dur_start_child(run, "invoke", TARGET, &options, &child) != DUR_OK) return 0;
    if (dur_await(child, &value) == DUR_OK) dur_set_output(run, value);
    return 0;
}

/* Who may execute it is a question of its queue: only those who serve the tenant's. */
static void r5_8_a_tenant_has_a_queue_of_its_own(void **state)
{
    stage *it = *state;
    dur_log *world;

    stage_begin(it, for_a_tenant, dur_text("tenant-7"));
    stage_next(it);
    world = stage_world(it);
    assert_int_equal(1, host_number(it->host.db, "SELECT count(*) FROM durable_runs_view"
                                                 " WHERE id = '" CHILD "'"
                                                 " AND queue = 'tenant-7'"
                                                 " AND workflow = '" TARGET "'"));
    if (it->by_worker) {
        assert_code(DUR_OK, dur_register(world, TARGET, echo, it), world);
        assert_code(DUR_OK, dur_work(world, NULL, NULL), world);
        assert_story(it, "0: = DUR_SUSPENDED\n");
    }
    assert_code(DUR_OK, dur_serve_queue(world, "tenant-7", NULL), world);
    serve(it, CHILD, echo, DUR_OK);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( echo )\n0: = DUR_OK\n");
    assert_completed(it, "'payload'", "1 child invoke result 'payload' /1\n");
}

static int catch_and_rest(dur_run *run, void *user)
{
    stage *it = user;
    const char *failure;

    if (dur_await(invoke(run, "invoke", dur_null()), NULL) == DUR_SUSPENDED) return 0;
    failure = dur_catch(run);
    stage_tell(it, "[%s]", failure ? failure : "none");
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    dur_set_output(run, dur_text("fallback"));
    return 0;
}

static void r5_10_replay_raises_the_targets_failure_again(void **state)
{
    stage *it = *state;

    stage_begin(it, catch_and_rest, dur_null());
    stage_next(it);
    serve(it, CHILD, refuse, DUR_FAILED);
    stage_run_on(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( refuse )\n"
                     "0: [TargetError: not today] = DUR_SUSPENDED\n"
                     "1000: [TargetError: not today] = DUR_OK\n");
    assert_completed(it, "'fallback'", "1 child invoke failure 'TargetError: not today' /1\n"
                                       "2 timer rest result NULL /1\n");
}

static int use_result(dur_run *run, void *user)
{
    stage *it = user;
    dur_value value = dur_null();
    char text[32];

    if (dur_await(invoke(run, "invoke", dur_input(run)), &value) != DUR_OK) return 0;
    DUR_STEP(run, "use", text) {
        stage_body(it, "use");
        snprintf(text, sizeof text, "<%s>", dur_as_text(value));
    }
    dur_set_output(run, dur_text(text));
    return 0;
}

static void r5_12_a_step_uses_what_the_target_gave(void **state)
{
    stage *it = *state;

    stage_begin(it, use_result, dur_text("word"));
    stage_next(it);
    serve(it, CHILD, echo, DUR_OK);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( echo )\n0: use = DUR_OK\n");
    assert_completed(it, "'<word>'",
                     "1 child invoke result 'word' /1\n2 step use result '<word>' /1\n");
}

static int one_after_the_other(dur_run *run, void *user)
{
    dur_value first = dur_null(), second = dur_null();

    (void)user;
    if (dur_await(invoke(run, "one", dur_integer(30)), &first) != DUR_OK) return 0;
    if (dur_await(invoke(run, "two", dur_integer(12)), &second) != DUR_OK) return 0;
    dur_set_output(run, dur_integer(first.as.integer + second.as.integer));
    return 0;
}

static void r5_14_one_after_the_other(void **state)
{
    stage *it = *state;

    stage_begin(it, one_after_the_other, dur_null());
    stage_next(it);
    serve(it, CHILD, echo, DUR_OK);
    stage_next(it);
    assert_pending(it, "2 child two #0 wakes never NULL NULL\n");
    stage_advance(it, 500);
    serve(it, STAGE_RUN "/2", echo, DUR_OK);
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n( echo )\n0: = DUR_SUSPENDED\n( echo )\n"
                     "500: = DUR_OK\n");
    assert_completed(it, "42", "1 child one result 30 /1\n2 child two result 12 /1\n");
}

static int shout_result(dur_run *run, void *user)
{
    dur_value value = dur_null();
    char text[16] = "";

    (void)user;
    if (dur_await(invoke(run, "invoke", dur_input(run)), &value) != DUR_OK) return 0;
    for (size_t i = 0; i < value.length && i < sizeof text - 1; i++)
        text[i] = (char)(dur_as_text(value)[i] - 'a' + 'A');
    dur_set_output(run, dur_text(text));
    return 0;
}

/* No deserializer: the log keeps the target's bytes, and the workflow reads them as it likes. */
static void r5_16_the_workflow_reads_the_result_as_it_likes(void **state)
{
    stage *it = *state;

    stage_begin(it, shout_result, dur_text("hello"));
    stage_next(it);
    serve(it, CHILD, echo, DUR_OK);
    stage_next(it);
    assert_completed(it, "'HELLO'", "1 child invoke result 'hello' /1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(r5_2_an_invocation_has_the_name_it_was_given),
        BOTH_WAYS(r5_4_null_goes_out_and_comes_back),
        BOTH_WAYS(r5_6_a_targets_failure_is_caught),
        BOTH_WAYS(r5_8_a_tenant_has_a_queue_of_its_own),
        BOTH_WAYS(r5_10_replay_raises_the_targets_failure_again),
        BOTH_WAYS(r5_12_a_step_uses_what_the_target_gave),
        BOTH_WAYS(r5_14_one_after_the_other),
        BOTH_WAYS(r5_16_the_workflow_reads_the_result_as_it_likes),
    };

    return cmocka_run_group_tests_name("invoke", tests, NULL, NULL);
}
