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

/* A word that begins with '~' waits first. */
static int do_after_a_wait(dur_run *run, void *user)
{
    const char *word = dur_as_text(dur_input(run));

    if (word[0] == '~' && dur_sleep(run, "nap", 1000 * (int64_t)strlen(word)) != DUR_OK) return 0;
    return do_in_step(run, user);
}

static int give_all_after_waits(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (branch_out(run, user, "fan", do_after_a_wait, &batch) == DUR_OK)
        give_results(run, &batch);
    return 0;
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

/* They wait side by side, and end in another order than they stand in. */
static void beyond_waits_side_by_side(void **state)
{
    stage *it = *state;

    stage_begin(it, give_all_after_waits, dur_text("~long now ~"));
    stage_run_on(it);
    assert_story(it, "0: now = DUR_SUSPENDED\n1000: ~ = DUR_SUSPENDED\n5000: ~long = DUR_OK\n");
    assert_completed(it, "'~long,now,~'",
                     "1 child fan result " BATCH_LINE("all completed", 3, 3, 3, 0) " /1\n");
}

static void beyond_a_wait_takes_up_a_place(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 2;
    stage_begin(it, give_all_after_waits, dur_text("~ ~~~ a b"));
    stage_run_on(it);
    assert_story(it, "0: = DUR_SUSPENDED\n1000: ~ a b = DUR_SUSPENDED\n3000: ~~~ = DUR_OK\n");
    assert_completed(it, "'~,~~~,a,b'",
                     "1 child fan result " BATCH_LINE("all completed", 4, 4, 4, 0) " /1\n");
}

/* A race: who waits when it is decided is cancelled, and has no result. */
static int race(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (branch_out(run, user, "fan", do_after_a_wait, &batch) != DUR_OK) return 0;
    stage_tell(user, "%s", dur_code_name(batch.codes[0]));
    give_results(run, &batch);
    return 0;
}

static void beyond_a_race(void **state)
{
    stage *it = *state;

    it->batch.min_successes = 1;
    stage_begin(it, race, dur_text("~slow ~"));
    stage_run_on(it);
    assert_story(it, "0: = DUR_SUSPENDED\n1000: ~ DUR_CANCELLED = DUR_OK\n");
    assert_int_equal(1, host_number(it->host.db, "SELECT count(*) FROM durable_runs_view"
                                                 " WHERE status = 'cancelled'"));
    assert_completed(it, "'~'", "1 child fan result "
                                BATCH_LINE("min successes reached", 2, 2, 1, 0) " /1\n");
}

/* A signal to a branch wakes the run. */
static int receive_word(dur_run *run, void *user)
{
    dur_value value = dur_null();

    if (dur_receive(run, "go", DUR_FOREVER, &value) != DUR_OK) return 0;
    stage_body(user, "%s", dur_as_text(value));
    dur_set_output(run, value);
    return 0;
}

static int receive_all(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (branch_out(run, user, "fan", receive_word, &batch) == DUR_OK) give_results(run, &batch);
    return 0;
}

static void beyond_signals_to_branches(void **state)
{
    stage *it = *state;

    stage_begin(it, receive_all, dur_text("a b"));
    stage_next(it);
    stage_advance(it, 500);
    assert_int_equal(DUR_OK, dur_signal(stage_world(it), "the-run/1/2", "go", dur_text("two"),
                                        NULL));
    stage_next(it);
    stage_advance(it, 500);
    assert_int_equal(DUR_OK, dur_signal(stage_world(it), "the-run/1/1", "go", dur_text("one"),
                                        NULL));
    stage_next(it);
    assert_story(it, "0: = DUR_SUSPENDED\n500: two = DUR_SUSPENDED\n1000: one = DUR_OK\n");
    assert_family(it, "the-run 1 child fan result " BATCH_LINE("all completed", 2, 2, 2, 0) "\n"
                      "the-run/1 1 child branch result 'one'\n"
                      "the-run/1 2 child branch result 'two'\n"
                      "the-run/1/1 1 receive go result 'one'\n"
                      "the-run/1/2 1 receive go result 'two'\n");
    assert_completed(it, "'one,two'",
                     "1 child fan result " BATCH_LINE("all completed", 2, 2, 2, 0) " /1\n");
}

/* A step in a branch is tried again while the others go on. */
static int do_with_retry(dur_run *run, void *user)
{
    stage *it = user;
    const char *word = dur_as_text(dur_input(run));

    DUR_STEP_VOID(run, "try", &it->step) {
        int64_t attempt = dur_step_attempt(dur_current_step(run));

        stage_body(it, "%s/%lld", word, (long long)attempt);
        if (word[0] == '?' && attempt < 3) dur_fail(run, "not yet");
    }
    if (dur_ok(run)) dur_set_output(run, dur_input(run));
    return 0;
}

static int retry_all(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (branch_out(run, user, "fan", do_with_retry, &batch) == DUR_OK) give_results(run, &batch);
    return 0;
}

static void beyond_retries_within(void **state)
{
    stage *it = *state;

    it->policy.initial_ms = 1000;
    it->policy.coefficient = 1;
    it->policy.jitter = DUR_JITTER_NONE;
    it->step.retry = &it->policy;
    stage_begin(it, retry_all, dur_text("? b"));
    stage_run_on(it);
    assert_story(it, "0: ?/1 b/1 = DUR_SUSPENDED\n1000: ?/2 = DUR_SUSPENDED\n2000: ?/3 = DUR_OK\n");
    assert_completed(it, "'?,b'",
                     "1 child fan result " BATCH_LINE("all completed", 2, 2, 2, 0) " /1\n");
}

/* A batch in a branch of a batch. */
static int nest_within(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (branch_out(run, user, "inner", do_as_told, &batch) == DUR_OK) give_results(run, &batch);
    return 0;
}

static int nest(dur_run *run, void *user)
{
    stage *it = user;
    dur_branch branches[2] = {{"left", nest_within, it, dur_text("a b")},
                              {"right", nest_within, it, dur_text("c d")}};
    dur_batch batch = {0};

    if (dur_parallel(run, "outer", branches, 2, NULL, &batch) == DUR_OK)
        give_results(run, &batch);
    return 0;
}

static void beyond_a_batch_within_a_batch(void **state)
{
    stage *it = *state;

    stage_begin(it, nest, dur_null());
    stage_next(it);
    assert_story(it, "0: a b c d = DUR_OK\n");
    assert_completed(it, "'a,b,c,d'",
                     "1 child outer result " BATCH_LINE("all completed", 2, 2, 2, 0) " /1\n");
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
        BOTH_WAYS(beyond_waits_side_by_side),
        BOTH_WAYS(beyond_a_wait_takes_up_a_place),
        BOTH_WAYS(beyond_a_race),
        BOTH_WAYS(beyond_signals_to_branches),
        BOTH_WAYS(beyond_retries_within),
        BOTH_WAYS(beyond_a_batch_within_a_batch),
        BOTH_WAYS(beyond_an_invalid_policy_starts_nothing),
    };

    return cmocka_run_group_tests_name("parallel", tests, NULL, NULL);
}
