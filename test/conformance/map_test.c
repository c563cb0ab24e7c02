/* test/conformance: one function for each item of a list. */
#include "conformance/batch.h"

#include <stdlib.h>

static int give_all(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (map_words(run, user, "each", do_as_told, &batch) == DUR_OK) give_results(run, &batch);
    return 0;
}

static int count_all(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (map_words(run, user, "each", do_as_told, &batch) == DUR_OK) give_counts(run, &batch);
    return 0;
}

static void play(stage *it, const char *words, const char *story, const char *counts,
                 const char *line)
{
    char output[64], rows[256], told[128];

    snprintf(output, sizeof output, "'%s'", counts);
    snprintf(rows, sizeof rows, "1 child each result %s /1\n", line);
    snprintf(told, sizeof told, "0:%s = DUR_OK\n", story);
    stage_begin(it, count_all, dur_text(words));
    stage_next(it);
    assert_story(it, told);
    assert_completed(it, output, rows);
}

/* ---- What the field requires ---------------------------------------------------------------- */

static int twice(dur_run *run, void *user)
{
    int64_t number = dur_input(run).as.integer;

    stage_body(user, "%lld", (long long)number);
    dur_set_output(run, dur_integer(2 * number));
    return 0;
}

static int double_all(dur_run *run, void *user)
{
    stage *it = user;
    const dur_value items[] = {dur_integer(1), dur_integer(2)};
    dur_batch batch = {0};

    if (dur_map(run, "double", items, 2, twice, it, &it->batch, &batch) == DUR_OK)
        give_results(run, &batch);
    return 0;
}

/* The batch has a name; its items have none of their own. */
static void r9_2_items_without_names(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    stage_begin(it, double_all, dur_null());
    stage_next(it);
    assert_story(it, "0: 1 2 = DUR_OK\n");
    assert_family(it, "the-run 1 child double result " BATCH_LINE("all completed", 2, 2, 2, 0)
                      "\nthe-run/1 1 child item result 2\nthe-run/1 2 child item result 4\n");
    assert_completed(it, "'2,4'",
                     "1 child double result " BATCH_LINE("all completed", 2, 2, 2, 0) " /1\n");
}

static int map_nothing(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (dur_map(run, "each", NULL, 0, do_as_told, user, NULL, &batch) == DUR_OK)
        give_results(run, &batch);
    return 0;
}

static void r9_4_no_items(void **state)
{
    stage *it = *state;

    stage_begin(it, map_nothing, dur_null());
    stage_next(it);
    assert_story(it, "0: = DUR_OK\n");
    assert_completed(it, "''",
                     "1 child each result " BATCH_LINE("all completed", 0, 0, 0, 0) " /1\n");
}

/* The batch does not fail its run; this is what makes a failure of it. */
static int fail_with_the_first(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (map_words(run, user, "each", do_as_told, &batch) != DUR_OK) return 0;
    for (size_t i = 0; i < batch.count; i++)
        if (batch.codes[i] == DUR_FAILED) dur_fail(run, "%s", dur_as_text(batch.values[i]));
    return 0;
}

static void r9_6_the_first_failure_is_passed_on(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    it->batch.fails_fast = true;
    stage_begin(it, fail_with_the_first, dur_text("!broken never"));
    stage_next(it);
    assert_story(it, "0: !broken = DUR_FAILED\n");
    assert_failed(it, "broken",
                  "1 child each result " BATCH_LINE("too many failures", 2, 1, 0, 1) " /1\n");
}

static void r9_8_one_failure_is_tolerated(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    it->batch.max_failures = 1;
    play(it, "a !b c", " a !b c", "all failed +2 -1 of 3",
         BATCH_LINE("all completed", 3, 3, 2, 1));
}

static void r9_10_a_larger_share_of_failures_than_tolerated_ends_it(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    it->batch.max_failure_percent = 25.0;
    play(it, "!a !b c d", " !a !b", "failures failed +0 -2 of 2",
         BATCH_LINE("too many failures", 4, 2, 0, 2));
}

static int give_all_by_steps(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (map_words(run, user, "each", do_in_step, &batch) == DUR_OK) give_results(run, &batch);
    return 0;
}

/* As 8-12. */
static void r9_12_an_item_with_a_step(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    stage_begin(it, give_all_by_steps, dur_text("fa fb"));
    stage_next(it);
    assert_story(it, "0: fa fb = DUR_OK\n");
    assert_family(it, "the-run 1 child each result " BATCH_LINE("all completed", 2, 2, 2, 0) "\n"
                      "the-run/1 1 child item result 'fa'\n"
                      "the-run/1 2 child item result 'fb'\n"
                      "the-run/1/1 1 step say result 'fa'\n"
                      "the-run/1/2 1 step say result 'fb'\n");
    assert_completed(it, "'fa,fb'",
                     "1 child each result " BATCH_LINE("all completed", 2, 2, 2, 0) " /1\n");
}

/* The host's own form of a result: what the branch gives is what the log holds, byte by byte. */
static int wrap(dur_run *run, void *user)
{
    char wrapped[64];

    stage_body(user, "%s", dur_as_text(dur_input(run)));
    snprintf(wrapped, sizeof wrapped, "wrapped:%s", dur_as_text(dur_input(run)));
    dur_set_output(run, dur_text(wrapped));
    return 0;
}

static int wrap_and_rest(dur_run *run, void *user)
{
    static const char head[] = "wrapped:";
    dur_batch batch = {0};
    char text[16];

    if (map_words(run, user, "each", wrap, &batch) != DUR_OK) return 0;
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    snprintf(text, sizeof text, "%s,%s", dur_as_text(batch.values[0]) + strlen(head),
             dur_as_text(batch.values[1]) + strlen(head));
    dur_set_output(run, dur_text(text));
    return 0;
}

#define WRAPPED "1 child each result " BATCH_LINE("all completed", 2, 2, 2, 0)

static void r9_14_and_r9_20_results_in_the_hosts_own_form(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    stage_begin(it, wrap_and_rest, dur_text("X Y"));
    stage_next(it);
    assert_family(it, "the-run " WRAPPED "\n"
                      "the-run/1 1 child item result 'wrapped:X'\n"
                      "the-run/1 2 child item result 'wrapped:Y'\n");
    stage_next(it);
    assert_story(it, "0: X Y = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_completed(it, "'X,Y'", WRAPPED " /1\n2 timer rest result NULL /1\n");
}

#define LARGE 71680

static int give_large(dur_run *run, void *user)
{
    char *large = malloc(LARGE);

    assert_non_null(large);
    stage_body(user, "%lld", (long long)dur_input(run).as.integer);
    memset(large, 'a' + (int)dur_input(run).as.integer, LARGE);
    dur_set_output(run, dur_text_n(large, LARGE));
    free(large);
    return 0;
}

static int give_much(dur_run *run, void *user)
{
    stage *it = user;
    const dur_value items[] = {dur_integer(0), dur_integer(1), dur_integer(2), dur_integer(3)};
    dur_batch batch = {0};

    if (dur_map(run, "large", items, 4, give_large, it, &it->batch, &batch) != DUR_OK) return 0;
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    for (size_t i = 0; i < 4; i++) {
        const char *text = dur_as_text(batch.values[i]);

        assert_true(batch.values[i].length == LARGE);
        assert_true(text[0] == (char)('a' + i) && text[LARGE - 1] == text[0]);
    }
    give_counts(run, &batch);
    return 0;
}

/* Stronger: nothing is stripped, and no item is executed again for its result. */
static void r9_16_results_that_are_large_together(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    stage_begin(it, give_much, dur_null());
    stage_next(it);
    stage_next(it);
    assert_story(it, "0: 0 1 2 3 = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_completed(it, "'all ok +4 -0 of 4'",
                     "1 child large result " BATCH_LINE("all completed", 4, 4, 4, 0)
                     " /1\n2 timer rest result NULL /1\n");
}

static int count_and_rest(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (map_words(run, user, "each", do_as_told, &batch) != DUR_OK) return 0;
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    give_counts(run, &batch);
    return 0;
}

static void r9_18_a_wait_behind_a_batch_with_a_failure(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 1;
    it->batch.max_failures = 1;
    stage_begin(it, count_and_rest, dur_text("ok !fail"));
    stage_next(it);
    stage_next(it);
    assert_story(it, "0: ok !fail = DUR_SUSPENDED\n1000: = DUR_OK\n");
    assert_completed(it, "'all failed +1 -1 of 2'",
                     "1 child each result " BATCH_LINE("all completed", 2, 2, 1, 1)
                     " /1\n2 timer rest result NULL /1\n");
}

/* ---- Beyond --------------------------------------------------------------------------------- */

static void beyond_enough_successes(void **state)
{
    stage *it = *state;

    it->batch.min_successes = 2;
    play(it, "a !b c d", " a !b c", "min failed +2 -1 of 3",
         BATCH_LINE("min successes reached", 4, 3, 2, 1));
}

static void beyond_more_failures_than_tolerated(void **state)
{
    stage *it = *state;

    it->batch.max_failures = 1;
    play(it, "!a b !c d", " !a b !c", "failures failed +1 -2 of 3",
         BATCH_LINE("too many failures", 4, 3, 1, 2));
}

static void beyond_items_in_order(void **state)
{
    stage *it = *state;

    stage_begin(it, give_all, dur_text("one two three four"));
    stage_next(it);
    assert_story(it, "0: one two three four = DUR_OK\n");
    assert_completed(it, "'one,two,three,four'",
                     "1 child each result " BATCH_LINE("all completed", 4, 4, 4, 0) " /1\n");
}

/* Items that wait, two at a time. */
static int nap_and_give(dur_run *run, void *user)
{
    if (dur_sleep(run, "nap", 1000) != DUR_OK) return 0;
    return do_in_step(run, user);
}

static int nap_all(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (map_words(run, user, "each", nap_and_give, &batch) == DUR_OK) give_results(run, &batch);
    return 0;
}

static void beyond_items_that_wait_two_at_a_time(void **state)
{
    stage *it = *state;

    it->batch.max_concurrency = 2;
    stage_begin(it, nap_all, dur_text("a b c"));
    stage_run_on(it);
    assert_story(it, "0: = DUR_SUSPENDED\n1000: a b = DUR_SUSPENDED\n2000: c = DUR_OK\n");
    assert_completed(it, "'a,b,c'",
                     "1 child each result " BATCH_LINE("all completed", 3, 3, 3, 0) " /1\n");
}

/* Two lists one after the other; the second one from what the first gave. */
static int map_twice(dur_run *run, void *user)
{
    stage *it = user;
    const dur_value items[] = {dur_integer(1), dur_integer(2), dur_integer(3)};
    dur_batch first = {0}, second = {0};

    if (dur_map(run, "double", items, 3, twice, it, NULL, &first) != DUR_OK) return 0;
    if (dur_map(run, "again", first.values, first.count, twice, it, NULL, &second) != DUR_OK)
        return 0;
    give_results(run, &second);
    return 0;
}

static void beyond_a_list_made_of_a_list(void **state)
{
    stage *it = *state;

    stage_begin(it, map_twice, dur_null());
    stage_next(it);
    assert_story(it, "0: 1 2 3 2 4 6 = DUR_OK\n");
    assert_completed(it, "'4,8,12'",
                     "1 child double result " BATCH_LINE("all completed", 3, 3, 3, 0)
                     " /1\n2 child again result " BATCH_LINE("all completed", 3, 3, 3, 0)
                     " /1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WAYS(r9_2_items_without_names),
        BOTH_WAYS(r9_4_no_items),
        BOTH_WAYS(r9_6_the_first_failure_is_passed_on),
        BOTH_WAYS(r9_8_one_failure_is_tolerated),
        BOTH_WAYS(r9_10_a_larger_share_of_failures_than_tolerated_ends_it),
        BOTH_WAYS(r9_12_an_item_with_a_step),
        BOTH_WAYS(r9_14_and_r9_20_results_in_the_hosts_own_form),
        BOTH_WAYS(r9_16_results_that_are_large_together),
        BOTH_WAYS(r9_18_a_wait_behind_a_batch_with_a_failure),
        BOTH_WAYS(beyond_enough_successes),
        BOTH_WAYS(beyond_more_failures_than_tolerated),
        BOTH_WAYS(beyond_items_in_order),
        BOTH_WAYS(beyond_items_that_wait_two_at_a_time),
        BOTH_WAYS(beyond_a_list_made_of_a_list),
    };

    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
