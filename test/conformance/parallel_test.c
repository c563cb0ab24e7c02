/* test/conformance: branches, one after the other or side by side, until a policy is met. */
#include "conformance/batch.h"

static int give_all(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (branch_out(run, user, "fan", do_as_told, &batch) == DUR_OK) give_results(run, &batch);
    return 0;
}

static int give_all_by_steps(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (branch_out(run, user, "fan", do_in_step, &batch) == DUR_OK) give_results(run, &batch);
    return 0;
}

static int count_all(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (branch_out(run, user, "fan", do_as_told, &batch) == DUR_OK) give_counts(run, &batch);
    return 0;
}

/* Play the words in one pass, and hold the run against its counts and the batch's line. */
static void play(stage *it, const char *words, const char *story, const char *counts,
                 const char *line)
{
    char output[64], rows[256], told[128];

    snprintf(output, sizeof output, "'%s'", counts);
    snprintf(rows, sizeof rows, "1 child fan result %s /1\n", line);
    snprintf(told, sizeof told, "0:%s = DUR_OK\n", story);
    stage_begin(it, count_all, dur_text(words));
    stage_next(it);
    assert_story(it, told);
    assert_completed(it, output, rows);
}

/* ---- What the field requires ---------------------------------------------------------------- */

/* The name is not left out here: the log is read by people. Its branches may have none. */
static void r8_2_branches_without_names(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    stage_begin(it, give_all, dur_text("alpha beta"));
    stage_next(it);
    assert_story(it, "0: alpha beta = DUR_OK\n");
    assert_family(it, "the-run 1 child fan result " BATCH_LINE("all completed", 2, 2, 2, 0) "\n"
                      "the-run/1 1 child branch result 'alpha'\n"
                      "the-run/1 2 child branch result 'beta'\n");
    assert_completed(it, "'alpha,beta'",
                     "1 child fan result " BATCH_LINE("all completed", 2, 2, 2, 0) " /1\n");
}

typedef struct parts {
    int32_t k;
    char v[4];
} parts;

static const parts object = {7, "v"};

static int give_kind(dur_run *run, void *user)
{
    int64_t which = dur_input(run).as.integer;

    stage_body(user, "%lld", (long long)which);
    if (which == 0) dur_set_output(run, dur_text("hello"));
    if (which == 1) dur_set_output(run, dur_integer(42));
    if (which == 2) dur_set_output(run, dur_object(&object, sizeof object));
    if (which == 3) dur_set_output(run, dur_real(0.5));
    return 0;
}

static int give_kinds(dur_run *run, void *user)
{
    stage *it = user;
    dur_branch branches[5] = {{NULL, give_kind, it, dur_integer(0)},
                              {NULL, give_kind, it, dur_integer(1)},
                              {NULL, give_kind, it, dur_integer(2)},
                              {NULL, give_kind, it, dur_integer(3)},
                              {NULL, give_kind, it, dur_integer(4)}};
    dur_batch batch = {0};

    if (dur_parallel(run, "hetero", branches, 5, &it->batch, &batch) != DUR_OK) return 0;
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    assert_string_equal("hello", dur_as_text(batch.values[0]));
    assert_int_equal(42, batch.values[1].as.integer);
    assert_int_equal(DUR_OBJECT, batch.values[2].type);
    assert_memory_equal(&object, batch.values[2].as.bytes, sizeof object);
    assert_true(batch.values[3].type == DUR_REAL && batch.values[3].as.real == 0.5);
    assert_int_equal(DUR_NULL, batch.values[4].type);
    return 0;
}

/* Stronger: they are read back from the log in a later pass. */
static void r8_4_each_branch_gives_a_value_of_its_own_kind(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    stage_begin(it, give_kinds, dur_null());
    stage_next(it);
    stage_next(it);
    assert_story(it, "0: 0 1 2 3 4 = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_completed(it, "NULL",
                     "1 child hetero result " BATCH_LINE("all completed", 5, 5, 5, 0)
                     " /1\n2 timer rest result NULL /1\n");
}

static void r8_6_the_first_failure_ends_it(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    it->batch.fails_fast = true;
    play(it, "ok !boom never", " ok !boom", "failures failed +1 -1 of 2",
         BATCH_LINE("too many failures", 3, 2, 1, 1));
}

static void r8_8_enough_successes_end_it(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    it->batch.min_successes = 2;
    play(it, "a b c d", " a b", "min ok +2 -0 of 2",
         BATCH_LINE("min successes reached", 4, 2, 2, 0));
}

static void r8_10_more_failures_than_tolerated_end_it(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    it->batch.max_failures = 1;
    play(it, "!a !b c", " !a !b", "failures failed +0 -2 of 2",
         BATCH_LINE("too many failures", 3, 2, 0, 2));
}

/* There is no flat form: a branch is always a child, whose steps are its own. What comes out is the
 * same. */
static void r8_12_a_branch_with_a_step(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    stage_begin(it, give_all_by_steps, dur_text("fa fb"));
    stage_next(it);
    assert_story(it, "0: fa fb = DUR_OK\n");
    assert_family(it, "the-run 1 child fan result " BATCH_LINE("all completed", 2, 2, 2, 0) "\n"
                      "the-run/1 1 child branch result 'fa'\n"
                      "the-run/1 2 child branch result 'fb'\n"
                      "the-run/1/1 1 step say result 'fa'\n"
                      "the-run/1/2 1 step say result 'fb'\n");
    assert_completed(it, "'fa,fb'",
                     "1 child fan result " BATCH_LINE("all completed", 2, 2, 2, 0) " /1\n");
}

static void r8_14_a_branch_that_waits_is_met_by_one_that_is_done(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    stage_begin(it, give_all_after_waits, dur_text("b0 ~1"));
    stage_next(it);
    assert_pending(it, "1 child fan #0 wakes never NULL NULL\n");
    stage_next(it);
    assert_story(it, "0: b0 = DUR_SUSPENDED\n2000: ~1 = DUR_OK\n");
    assert_completed(it, "'b0,~1'",
                     "1 child fan result " BATCH_LINE("all completed", 2, 2, 2, 0) " /1\n");
}

static void r8_16_all_fail_and_that_is_tolerated(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    it->batch.max_failures = 3;
    play(it, "!a !b !c", " !a !b !c", "all failed +0 -3 of 3",
         BATCH_LINE("all completed", 3, 3, 0, 3));
}

static void r8_18_too_many_failures_come_before_enough_successes(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    it->batch.min_successes = 3;
    it->batch.max_failures = 1;
    play(it, "!a !b c d", " !a !b", "failures failed +0 -2 of 2",
         BATCH_LINE("too many failures", 4, 2, 0, 2));
}

static int look_at_each(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (branch_out(run, user, "fan", do_as_told, &batch) != DUR_OK) return 0;
    assert_int_equal(DUR_OK, batch.codes[0]);
    assert_int_equal(DUR_FAILED, batch.codes[1]);
    assert_string_equal("boom", dur_as_text(batch.values[1]));
    assert_int_equal(DUR_OK, batch.codes[2]);
    give_counts(run, &batch);
    return 0;
}

static void r8_20_what_each_branch_came_to_can_be_asked(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    it->batch.max_failures = 1;
    stage_begin(it, look_at_each, dur_text("ok !boom ok"));
    stage_next(it);
    assert_story(it, "0: ok !boom ok = DUR_OK\n");
    assert_completed(it, "'all failed +2 -1 of 3'",
                     "1 child fan result " BATCH_LINE("all completed", 3, 3, 2, 1) " /1\n");
}

static void r8_22_a_share_of_failures_that_is_just_tolerated(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    it->batch.max_failure_percent = 25.0;
    play(it, "!a b c d", " !a b c d", "all failed +3 -1 of 4",
         BATCH_LINE("all completed", 4, 4, 3, 1));
}

/* ---- Beyond --------------------------------------------------------------------------------- */

/* The first success, whatever failed before. */
static void beyond_the_first_success(void **state)
{
    stage *it = *state;

    it->batch.min_successes = 1;
    play(it, "!a !b c d", " !a !b c", "min failed +1 -2 of 3",
         BATCH_LINE("min successes reached", 4, 3, 1, 2));
}

static void beyond_a_share_of_failures_that_is_too_large(void **state)
{
    stage *it = *state;

    it->batch.max_failure_percent = 25.0;
    play(it, "!a b !c d", " !a b !c", "failures failed +1 -2 of 3",
         BATCH_LINE("too many failures", 4, 3, 1, 2));
}

/* Without a policy failures are outcomes, and every branch runs. */
static void beyond_without_a_policy_all_run(void **state)
{
    stage *it = *state;

    play(it, "!a b !c d", " !a b !c d", "all failed +2 -2 of 4",
         BATCH_LINE("all completed", 4, 4, 2, 2));
}

static void beyond_no_branches(void **state)
{
    stage *it = *state;

    play(it, "", "", "all ok +0 -0 of 0", BATCH_LINE("all completed", 0, 0, 0, 0));
}

/* A policy that cannot be met is told before anything has started. */
static void beyond_an_invalid_policy_starts_nothing(void **state)
{
    stage *it = *state;

    it->batch.min_successes = 3;
    stage_begin(it, count_all, dur_text("a b"));
    stage_next(it);
    assert_int_equal(DUR_MISUSE, it->last_code);
    assert_has(it->last_message, "more min_successes than branches");
    assert_family(it, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(r8_2_branches_without_names),
        BOTH_WAYS(r8_4_each_branch_gives_a_value_of_its_own_kind),
        BOTH_WAYS(r8_6_the_first_failure_ends_it),
        BOTH_WAYS(r8_8_enough_successes_end_it),
        BOTH_WAYS(r8_10_more_failures_than_tolerated_end_it),
        BOTH_WAYS(r8_12_a_branch_with_a_step),
        BOTH_WAYS(r8_14_a_branch_that_waits_is_met_by_one_that_is_done),
        BOTH_WAYS(r8_16_all_fail_and_that_is_tolerated),
        BOTH_WAYS(r8_18_too_many_failures_come_before_enough_successes),
        BOTH_WAYS(r8_20_what_each_branch_came_to_can_be_asked),
        BOTH_WAYS(r8_22_a_share_of_failures_that_is_just_tolerated),
        BOTH_WAYS(beyond_the_first_success),
        BOTH_WAYS(beyond_a_share_of_failures_that_is_too_large),
        BOTH_WAYS(beyond_without_a_policy_all_run),
        BOTH_WAYS(beyond_no_branches),
        BOTH_WAYS(beyond_an_invalid_policy_starts_nothing),
    };

    return cmocka_run_group_tests_name("parallel", tests, NULL, NULL);
}
