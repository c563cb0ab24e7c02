/* test/conformance: steps: what they give, what replay gives back, and their failures. */
#include "conformance/stage.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Values -------------------------------------------------------------------------------- */

static int greet(dur_run *run, void *user)
{
    stage *it = user;
    const char *greeting = NULL;

    DUR_STEP(run, "custom_step_name", greeting) {
        stage_body(it, "greet");
        snprintf(it->text, sizeof it->text, "Hello, %s!", dur_as_text(dur_input(run)));
        greeting = it->text;
    }
    dur_set_output(run, dur_text(greeting));
    return 0;
}

/* A step has the name it was given, in the log too, and one pass is enough for it. */
static void r1_2_a_step_has_the_name_it_was_given(void **state)
{
    stage *it = *state;

    stage_begin(it, greet, dur_text("World"));
    stage_next(it);
    assert_story(it, "0: greet = DUR_OK\n");
    assert_completed(it, "'Hello, World!'", "1 step custom_step_name result 'Hello, World!' /1\n");
}

typedef struct response {
    char name[128];
    char tags[2][8];
    double share;
    int64_t count;
} response;

static int build_response(dur_run *run, void *user)
{
    stage *it = user;
    response built;

    DUR_STEP(run, "build", built) {
        stage_body(it, "build");
        memset(&built, 0, sizeof built);
        snprintf(built.name, sizeof built.name, "%s", dur_as_text(dur_input(run)));
        strcpy(built.tags[0], "admin");
        strcpy(built.tags[1], "active");
        built.share = 0.1;
        built.count = 2;
    }
    if (dur_sleep(run, "pause", 1000) != DUR_OK) return 0;
    snprintf(it->text, sizeof it->text, "%s: %s, %s; %.17g of %lld", built.name, built.tags[0],
             built.tags[1], built.share, (long long)built.count);
    dur_set_output(run, dur_text(it->text));
    return 0;
}

/* Stronger: the nested value comes from the log, in a pass that has not built it. */
static void r1_4_a_nested_value_comes_back_whole(void **state)
{
    stage *it = *state;
    char rows[128];

    snprintf(rows, sizeof rows,
             "1 step build result blob of %d /1\n2 timer pause result NULL /1\n",
             (int)sizeof(response));
    stage_begin(it, build_response, dur_text("Alice"));
    stage_run_on(it);
    assert_story(it, "0: build = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_completed(it, "'Alice: admin, active; 0.10000000000000001 of 2'", rows);
}

static int write_own_bytes(dur_run *run, void *user)
{
    stage *it = user;
    dur_value kept = dur_null();

    DUR_STEP(run, "encode", kept) {
        stage_body(it, "encode");
        kept = dur_input(run);
        for (size_t i = 0; i < kept.length; i++) {
            char byte = ((const char *)kept.as.bytes)[i];

            it->text[i] = (char)(byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte);
        }
        kept = dur_blob(it->text, kept.length);
    }
    dur_set_output(run, kept);
    return 0;
}

/* How the host writes its values is its own affair: what the body hands over is what is kept. */
static void r1_6_the_host_encodes_its_values_itself(void **state)
{
    stage *it = *state;

    stage_begin(it, write_own_bytes, dur_text("hello world"));
    stage_next(it);
    assert_story(it, "0: encode = DUR_OK\n");
    assert_completed(it, "X'48454C4C4F20574F524C44'",
                     "1 step encode result X'48454C4C4F20574F524C44' /1\n");
}

static int several_kinds(dur_run *run, void *user)
{
    stage *it = user;
    static const unsigned char bytes[] = {0, 1, 255, 0};
    dur_value blob = dur_null();
    const char *text = "", *none = "", *empty = NULL;
    uint64_t largest = 0;
    int64_t smallest = 0;
    double real = 0;
    bool yes = false;

    DUR_STEP(run, "text", text) text = "gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x99\x82", it->bodies++;
    DUR_STEP(run, "none", none) none = NULL, it->bodies++;
    DUR_STEP(run, "empty", empty) empty = "", it->bodies++;
    DUR_STEP(run, "largest", largest) largest = UINT64_MAX, it->bodies++;
    DUR_STEP(run, "smallest", smallest) smallest = INT64_MIN, it->bodies++;
    DUR_STEP(run, "real", real) real = 0.1 + 0.2, it->bodies++;
    DUR_STEP(run, "yes", yes) yes = true, it->bodies++;
    DUR_STEP(run, "bytes", blob) blob = dur_blob(bytes, sizeof bytes), it->bodies++;
    DUR_STEP(run, "nothing") it->bodies++;
    if (dur_sleep(run, "pause", 1) != DUR_OK) return 0;
    assert_string_equal("gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x99\x82", text);
    assert_null(none);
    assert_string_equal("", empty);
    assert_true(largest == UINT64_MAX && smallest == INT64_MIN && yes);
    assert_true(real == 0.1 + 0.2);
    assert_int_equal(DUR_BLOB, blob.type);
    assert_int_equal(sizeof bytes, blob.length);
    assert_memory_equal(bytes, blob.as.bytes, sizeof bytes);
    return 0;
}

/* Beyond: each kind of value, null among them, is the same on the far side of a suspension. */
static void beyond_every_kind_of_value_survives_a_suspension(void **state)
{
    stage *it = *state;

    stage_begin(it, several_kinds, dur_null());
    stage_run_on(it);
    assert_story(it, "0: = DUR_SUSPENDED\n1: = DUR_OK\n");
    assert_int_equal(9, it->bodies);
    assert_completed(it, "NULL",
                     "1 step text result 'gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x99\x82' /1\n"
                     "2 step none result NULL /1\n"
                     "3 step empty result '' /1\n"
                     "4 step largest result '18446744073709551615' /1\n"
                     "5 step smallest result -9223372036854775808 /1\n"
                     "6 step real result 0.30000000000000004 /1\n"
                     "7 step yes result 1 /1\n"
                     "8 step bytes result X'0001FF00' /1\n"
                     "9 step nothing result NULL /1\n"
                     "10 timer pause result NULL /1\n");
}

#define LARGE 5000000

static int make_large(dur_run *run, void *user)
{
    stage *it = user;
    const char *large = NULL;

    DUR_STEP(run, "large", large) {
        char *text = dur_own(run, malloc(LARGE + 1), free);

        stage_body(it, "large");
        assert_non_null(text);
        for (int i = 0; i < LARGE; i++) text[i] = (char)('a' + i % 26);
        text[LARGE] = '\0';
        large = text;
    }
    if (dur_sleep(run, "pause", 1000) != DUR_OK) return 0;
    for (int i = 0; i < LARGE; i++) {
        if (large[i] != (char)('a' + i % 26)) fail();
    }
    dur_set_output(run, dur_text(large));
    return 0;
}

/* Beyond: results far beyond what fits into a request, 5 MB, come back and go out. */
static void beyond_a_large_value_survives_a_suspension(void **state)
{
    stage *it = *state;

    stage_begin(it, make_large, dur_null());
    stage_run_on(it);
    assert_story(it, "0: large = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_completed(it, "text of 5000000",
                     "1 step large result text of 5000000 /1\n2 timer pause result NULL /1\n");
}

/* ---- Replay -------------------------------------------------------------------------------- */

static int compute_and_wait(dur_run *run, void *user)
{
    stage *it = user;
    const char *computed = NULL;

    DUR_STEP(run, "compute", computed) {
        stage_body(it, "compute");
        computed = "computed";
    }
    if (dur_sleep(run, "pause", 2000) != DUR_OK) return 0;
    dur_set_output(run, dur_text(computed));
    return 0;
}

/* A step before a wait runs in the pass that began it, and in no other. */
static void r1_8_a_finished_step_is_not_executed_after_the_wait(void **state)
{
    stage *it = *state;

    stage_begin(it, compute_and_wait, dur_null());
    stage_next(it);
    assert_steps(it, "1 step compute result 'computed' /1\n");
    assert_pending(it, "2 timer pause #0 wakes 2000 NULL NULL\n");
    stage_next(it);
    assert_story(it, "0: compute = DUR_SUSPENDED\n2000: = DUR_OK\n");
    assert_completed(it, "'computed'",
                     "1 step compute result 'computed' /1\n2 timer pause result NULL /1\n");
}

static int add_in_a_row(dur_run *run, void *user)
{
    stage *it = user;
    int64_t sum = dur_input(run).as.integer;

    for (int i = 0; i < 3 && dur_ok(run); i++) {
        int64_t before = sum;

        DUR_STEP(run, "add", sum) {
            stage_body(it, "add/%d", i);
            sum = before + 10;
        }
        if (i == 1 && dur_sleep(run, "between", 1000) != DUR_OK) return 0;
    }
    dur_set_output(run, dur_integer(sum));
    return 0;
}

/* Beyond: each step gets the result of the one before it, and steps need no name of their own. */
static void beyond_steps_of_one_name_follow_each_other(void **state)
{
    stage *it = *state;

    stage_begin(it, add_in_a_row, dur_integer(5));
    stage_run_on(it);
    assert_story(it, "0: add/0 add/1 = DUR_SUSPENDED\n1000: add/2 = DUR_OK\n");
    assert_completed(it, "35",
                     "1 step add result 15 /1\n2 step add result 25 /1\n"
                     "3 timer between result NULL /1\n4 step add result 35 /1\n");
}

/* ---- Failures ------------------------------------------------------------------------------ */

static int catch_and_wait(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP(run, "charge") {
        stage_body(it, "charge");
        dur_fail(run, "card refused");
    }
    stage_tell(it, "[%s]", dur_catch(run));
    if (dur_sleep(run, "pause", 1000) != DUR_OK) return 0;
    return 0;
}

/* The pass after the wait is told of the same failure, and the body is not called for it. */
static void r1_10_replay_tells_the_same_failure_again(void **state)
{
    stage *it = *state;

    stage_begin(it, catch_and_wait, dur_null());
    stage_next(it);
    stage_next(it);
    assert_story(it, "0: charge [card refused] = DUR_SUSPENDED\n1000: [card refused] = DUR_OK\n");
    assert_completed(it, "NULL",
                     "1 step charge failure 'card refused' /1\n2 timer pause result NULL /1\n");
}

static int fall_back(dur_run *run, void *user)
{
    stage *it = user;
    const char *result = NULL, *fallback = "none";

    DUR_STEP(run, "fetch", result) {
        stage_body(it, "fetch");
        dur_fail(run, "no route");
    }
    if (dur_catch(run)) fallback = "fallback_result";
    DUR_STEP(run, "use", result) {
        stage_body(it, "use");
        result = fallback;
    }
    dur_set_output(run, dur_text(result));
    return 0;
}

/* A failure that is caught is over: the next step runs, in the same pass. */
static void r1_20_a_caught_failure_lets_the_run_go_on(void **state)
{
    stage *it = *state;

    stage_begin(it, fall_back, dur_null());
    stage_next(it);
    assert_story(it, "0: fetch use = DUR_OK\n");
    assert_completed(it, "'fallback_result'",
                     "1 step fetch failure 'no route' /1\n"
                     "2 step use result 'fallback_result' /1\n");
}

static int fail_uncaught(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP(run, "first") stage_body(it, "first");
    DUR_STEP(run, "fetch") {
        stage_body(it, "fetch");
        dur_fail(run, "TransientError: no route to %s", "host");
    }
    DUR_STEP(run, "never") stage_body(it, "never");
    return 0;
}

/* Beyond: a failure that nobody catches ends the run, with its message; nothing runs after it. */
static void beyond_an_uncaught_failure_ends_the_run(void **state)
{
    stage *it = *state;

    stage_begin(it, fail_uncaught, dur_null());
    stage_next(it);
    assert_story(it, "0: first fetch = DUR_FAILED\n");
    assert_failed(it, "TransientError: no route to host",
                  "1 step first result NULL /1\n"
                  "2 step fetch failure 'TransientError: no route to host' /1\n");
}

static int fail_itself(dur_run *run, void *user)
{
    stage *it = user;

    DUR_STEP(run, "first") stage_body(it, "first");
    if (dur_sleep(run, "pause", 1000) != DUR_OK) return 0;
    dur_fail(run, "ValidationError: %d is out of range", 17);
    return 1;
}

/* Beyond: the workflow's own failure ends the run, too, after a suspension as before one. */
static void beyond_the_workflow_itself_fails(void **state)
{
    stage *it = *state;

    stage_begin(it, fail_itself, dur_null());
    stage_run_on(it);
    assert_story(it, "0: first = DUR_SUSPENDED\n1000: = DUR_FAILED\n");
    assert_failed(it, "ValidationError: 17 is out of range",
                  "1 step first result NULL /1\n2 timer pause result NULL /1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(r1_2_a_step_has_the_name_it_was_given),
        BOTH_WAYS(r1_4_a_nested_value_comes_back_whole),
        BOTH_WAYS(r1_6_the_host_encodes_its_values_itself),
        BOTH_WAYS(r1_8_a_finished_step_is_not_executed_after_the_wait),
        BOTH_WAYS(r1_10_replay_tells_the_same_failure_again),
        BOTH_WAYS(r1_20_a_caught_failure_lets_the_run_go_on),
        BOTH_WAYS(beyond_every_kind_of_value_survives_a_suspension),
        BOTH_WAYS(beyond_a_large_value_survives_a_suspension),
        BOTH_WAYS(beyond_steps_of_one_name_follow_each_other),
        BOTH_WAYS(beyond_an_uncaught_failure_ends_the_run),
        BOTH_WAYS(beyond_the_workflow_itself_fails),
    };

    return cmocka_run_group_tests_name("step", tests, NULL, NULL);
}
