/* test/conformance: branches that wait while others go on. */
#include "conformance/batch.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(beyond_waits_side_by_side),
        BOTH_WAYS(beyond_a_wait_takes_up_a_place),
        BOTH_WAYS(beyond_a_race),
        BOTH_WAYS(beyond_signals_to_branches),
        BOTH_WAYS(beyond_retries_within),
        BOTH_WAYS(beyond_a_batch_within_a_batch),
    };

    return cmocka_run_group_tests_name("parallel_waits", tests, NULL, NULL);
}
