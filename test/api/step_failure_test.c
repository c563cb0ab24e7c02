/* test/api: steps that fail, and steps as functions: caught, replayed, or the end of the run. */
#include "api/tally.h"

#include <stdio.h>

/* ---- Failures -------------------------------------------------------------------------------- */

static int fail_and_catch(dur_run *run, void *user)
{
    test_tally *tally = user;
    int number = 0;
    const char *caught;

    assert_null(dur_catch(run));
    DUR_STEP(run, "charge", number) {
        tally->bodies++;
        number = 1;
        dur_fail(run, "card %d of %s was refused: %5.2f%%", 17, "Ada", 12.345);
        dur_fail(run, "too late");
        assert_true(dur_ok(run) || !dur_ok(run)); /* may be asked in a body */
    }
    assert_int_equal(0, number);
    assert_false(dur_ok(run));
    assert_int_equal(DUR_OK, dur_run_code(run));
    caught = dur_catch(run);
    assert_non_null(caught);
    snprintf(tally->word, sizeof tally->word, "%s", caught);
    assert_true(dur_ok(run));
    DUR_STEP(run, "apologize") { tally->bodies++; }
    return tally->mended ? 0 : -1;
}

/* Section 4: a failure is an outcome like any other: recorded, replayed with its message, and the
 * workflow may handle it. */
static void law4_a_failure_is_recorded_and_replayed(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_tally work = tally_for(host);

    for (int pass = 0; pass < 2; pass++) {
        work.word[0] = '\0';
        assert_code(DUR_FAILED, dur_execute(log, "w", "r", NULL, fail_and_catch, &work), log);
        assert_string_equal("card 17 of Ada was refused: 12.35%", work.word);
        assert_int_equal(2, work.bodies);
        assert_int_equal(2, count_rows(host));
        host_run(host->db, "UPDATE durable_runs SET status = 1");
    }
    work.mended = true;
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, fail_and_catch, &work), log);
    assert_int_equal(2, work.bodies);
    dur_close(log);
}

static int fail_and_go_on(dur_run *run, void *user)
{
    test_tally *tally = user;
    int number = 7;

    DUR_STEP(run, "charge") {
        tally->bodies++;
        dur_fail(run, "card refused");
    }
    DUR_STEP(run, "ship", number) { tally->bodies += 100; }
    assert_int_equal(0, number);
    assert_null(dur_catch(run)); /* too late */
    return 0;
}

static int fail_and_return(dur_run *run, void *user)
{
    test_tally *tally = user;

    DUR_STEP(run, "charge") {
        tally->bodies++;
        dur_fail(run, "card refused");
    }
    return 0;
}

/* Section 4: unhandled, it fails the run at the next step or at return, however the code ends. */
static void an_unhandled_failure_fails_the_run(void **state)
{
    dur_workflow *const ways[] = {fail_and_go_on, fail_and_return};
    test_host *host = *state;
    dur_log *log = host_log(host);

    for (size_t i = 0; i < 2; i++) {
        dur_run_info info = DUR_RUN_INFO_INIT;
        test_tally work = tally_for(host);

        assert_code(DUR_FAILED, dur_execute(log, "w", "r", NULL, ways[i], &work), log);
        assert_has(dur_errmsg(log), "card refused");
        assert_int_equal(1, work.bodies);
        assert_int_equal(1, count_rows(host));
        assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
        assert_int_equal(DUR_RUN_FAILED, info.status);
        assert_has(info.failure, "card refused");
        assert_code(DUR_FAILED, dur_execute(log, "w", "r", NULL, ways[i], &work), log);
        assert_has(dur_errmsg(log), "card refused");
        assert_int_equal(1, work.bodies);
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    }
    dur_close(log);
}

static int fail_outside_a_body(dur_run *run, void *user)
{
    test_tally *tally = user;

    DUR_STEP(run, "count") { tally->bodies++; }
    dur_fail(run, "stock of %d is not enough", 3);
    dur_fail(run, "too late");
    DUR_STEP(run, "after") { tally->bodies += 100; }
    return 0;
}

static int fail_by_number(dur_run *run, void *user)
{
    (void)run, (void)user;
    return 42;
}

static int fail_with_words_and_number(dur_run *run, void *user)
{
    (void)user;
    dur_fail(run, "words");
    return 42;
}

/* Outside a body the run itself fails; and so it does by its return. */
static void a_run_fails_in_words_or_by_number(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_tally work = tally_for(host);

    assert_code(DUR_FAILED, dur_execute(log, "w", "a", NULL, fail_outside_a_body, &work), log);
    assert_has(dur_errmsg(log), "stock of 3 is not enough");
    assert_int_equal(1, work.bodies);
    assert_code(DUR_FAILED, dur_execute(log, "w", "b", NULL, fail_by_number, NULL), log);
    assert_has(dur_errmsg(log), "42");
    assert_code(DUR_FAILED, dur_execute(log, "w", "c", NULL, fail_with_words_and_number, NULL),
                log);
    assert_has(dur_errmsg(log), "words");
    dur_close(log);
}

static int fail_at_length(dur_run *run, void *user)
{
    static const char two_bytes[] = "\xc3\xa4";
    char long_text[3001];
    const char *caught;

    (void)user;
    for (size_t i = 0; i < 1500; i++) memcpy(long_text + 2 * i, two_bytes, 2);
    long_text[3000] = '\0';
    for (int shift = 0; shift < 2; shift++) {
        size_t length;

        DUR_STEP(run, "long") { dur_fail(run, "%s%s", shift ? "x" : "", long_text); }
        caught = dur_catch(run);
        length = strlen(caught);
        assert_in_range(length, 999, 1000);
        assert_memory_equal(two_bytes, caught + length - 2, 2); /* cut at a character */
    }
    return 0;
}

static void long_failures_are_cut_at_a_character(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, fail_at_length, NULL), log);
    assert_int_equal(2, host_number(host->db, "SELECT count(*) FROM durable_steps WHERE "
                                              "length(CAST(value AS BLOB)) BETWEEN 999 AND 1000"));
    dur_close(log);
}

/* A message is text for people: what is no UTF-8 becomes question marks. */
static void failures_are_kept_as_text(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);

    assert_int_equal(DUR_OK, dur_record_failure(begin(run, "a", DUR_EXECUTE), "caf\xe9 \x80!"));
    assert_string_equal("caf? ?!", dur_catch(run));
    dur_close_run(run);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps_view "
                                              "WHERE value = 'caf? ?!'"));
    dur_close(log);
}

/* By the verbs; NULL is "step failed". */
static void record_failure_by_the_verbs(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    dur_step *step = NULL;

    assert_int_equal(DUR_OK, dur_record_failure(begin(run, "a", DUR_EXECUTE), NULL));
    assert_false(dur_ok(run));
    assert_string_equal("step failed", dur_catch(run));
    assert_int_equal(DUR_OK, dur_record_failure(begin(run, "b", DUR_EXECUTE), "broken"));
    assert_int_equal(DUR_FAILED, dur_begin_step(run, "c", NULL, &step));
    assert_null(step);
    assert_int_equal(DUR_FAILED, dur_run_code(run));
    assert_code(DUR_FAILED, dur_complete_run(run, dur_null()), log);
    assert_has(dur_errmsg(log), "broken");
    dur_close_run(run);
    assert_int_equal(2, count_rows(host));
    dur_close(log);
}

/* Replayed, a failure is DUR_FAILED and counts until it is caught. */
static void replay_a_failure_by_the_verbs(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    dur_step *step = NULL;

    assert_int_equal(DUR_OK, dur_record_failure(begin(run, "a", DUR_EXECUTE), "broken"));
    assert_non_null(dur_catch(run));
    record(begin(run, "b", DUR_EXECUTE), 2);
    dur_close_run(run);

    run = begin_open(log);
    assert_int_equal(DUR_FAILED, dur_begin_step(run, "a", NULL, &step));
    assert_int_equal(DUR_NULL, dur_step_value(step).type);
    assert_string_equal("broken", dur_catch(run));
    assert_int_equal(2, dur_step_value(begin(run, "b", DUR_REPLAYED)).as.integer);
    assert_null(dur_catch(run));
    dur_close_run(run);
    dur_close(log);
}

/* ---- dur_replay_or_run ----------------------------------------------------------------------- */

static int answer_text(dur_step *step, void *user)
{
    char text[] = "an answer on the stack";
    test_tally *tally = user;
    int code;

    tally->bodies++;
    code = dur_record_result(step, dur_text(text));
    memset(text, '#', sizeof text);
    return code;
}

static int answer_failure(dur_step *step, void *user)
{
    ((test_tally *)user)->bodies++;
    return dur_record_failure(step, "refused");
}

static int answer_seven(dur_step *step, void *user)
{
    (void)step;
    ((test_tally *)user)->bodies++;
    return 7;
}

static int no_answer(dur_step *step, void *user)
{
    (void)step;
    ((test_tally *)user)->bodies++;
    return 0;
}

static int fail_in_words(dur_step *step, void *user)
{
    (void)step;
    dur_fail(user, "in %s", "words");
    return 0;
}

static int fail_in_words_and_by_number(dur_step *step, void *user)
{
    (void)step;
    dur_fail(user, "in %s", "words");
    return 3;
}

/* dur_fail() in a step function fails that step. */
static void replay_or_run_that_fails_in_words(void **state)
{
    dur_step_fn *const ways[] = {fail_in_words, fail_in_words_and_by_number};
    test_host *host = *state;
    dur_log *log = host_log(host);

    for (int pass = 0; pass < 2; pass++) {
        dur_run *run = begin_open(log);

        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(DUR_FAILED, dur_replay_or_run(run, "s", NULL, ways[i], run, NULL));
            assert_string_equal("in words", dur_catch(run));
        }
        assert_int_equal(2, count_rows(host));
        dur_close_run(run);
    }
    dur_close(log);
}

/* All ways through it that go on, live and replayed alike. */
static void replay_or_run_live_and_replayed(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_tally work = tally_for(host);

    for (int pass = 0; pass < 2; pass++) {
        dur_run *run = begin_open(log);
        dur_value value = dur_integer(9);

        assert_int_equal(DUR_OK, dur_replay_or_run(run, "a", NULL, answer_text, &work, &value));
        assert_int_equal(DUR_TEXT, value.type);
        assert_string_equal("an answer on the stack", value.as.bytes);
        assert_int_equal(DUR_OK, dur_replay_or_run(run, "b", NULL, answer_text, &work, NULL));
        assert_int_equal(DUR_FAILED,
                         dur_replay_or_run(run, "c", NULL, answer_failure, &work, &value));
        assert_int_equal(DUR_NULL, value.type);
        assert_string_equal("refused", dur_catch(run));
        assert_int_equal(DUR_FAILED, dur_replay_or_run(run, "d", NULL, answer_seven, &work, NULL));
        assert_string_equal("step function returned 7", dur_catch(run));
        assert_int_equal(4, work.bodies);
        dur_close_run(run);
    }
    assert_int_equal(4, count_rows(host));
    dur_close(log);
}

static void replay_or_run_without_an_answer(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_tally work = tally_for(host);
    dur_run *run = begin_open(log);

    assert_int_equal(DUR_MISUSE, dur_replay_or_run(run, "mute", NULL, no_answer, &work, NULL));
    assert_has(dur_run_errmsg(run), "mute");
    assert_int_equal(0, count_rows(host));
    dur_close_run(run);

    run = begin_open(log);
    assert_int_equal(DUR_MISUSE, dur_replay_or_run(run, "no function", NULL, NULL, NULL, NULL));
    assert_has(dur_run_errmsg(run), "position 1");
    dur_close_run(run);

    run = begin_open(log);
    assert_int_equal(DUR_OK, dur_replay_or_run(run, "mute", NULL, answer_text, &work, NULL));
    dur_close_run(run);
    assert_int_equal(1, count_rows(host));
    dur_close(log);
}

static int ask_again(dur_step *step, void *user)
{
    dur_run *run = user;

    assert_int_equal(DUR_MISUSE, dur_replay_or_run(run, "inner", NULL, never_called, NULL, NULL));
    assert_has(dur_run_errmsg(run), "inner");
    return dur_record_result(step, dur_null());
}

/* A step function is a body too. */
static void replay_or_run_inside_itself(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);

    assert_int_equal(DUR_MISUSE, dur_replay_or_run(run, "outer", NULL, ask_again, run, NULL));
    assert_int_equal(0, count_rows(host));
    dur_close_run(run);
    dur_close(log);
}

/* On a stopped run nothing is called, and the result is nothing. */
static void replay_or_run_on_a_stopped_run(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    dur_value value = dur_integer(9);

    record(begin(run, "recorded", DUR_EXECUTE), 1);
    dur_close_run(run);
    run = begin_open(log);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(DUR_DIVERGED,
                         dur_replay_or_run(run, "asked", NULL, never_called, NULL, &value));
        assert_int_equal(DUR_NULL, value.type);
    }
    dur_close_run(run);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WAL(law4_a_failure_is_recorded_and_replayed),
        IN_WAL(an_unhandled_failure_fails_the_run),
        IN_WAL(a_run_fails_in_words_or_by_number),
        IN_WAL(long_failures_are_cut_at_a_character),
        IN_WAL(failures_are_kept_as_text),
        IN_WAL(record_failure_by_the_verbs),
        IN_WAL(replay_a_failure_by_the_verbs),
        IN_WAL(replay_or_run_live_and_replayed),
        IN_WAL(replay_or_run_that_fails_in_words),
        IN_WAL(replay_or_run_without_an_answer),
        IN_WAL(replay_or_run_inside_itself),
        IN_WAL(replay_or_run_on_a_stopped_run),
    };

    return cmocka_run_group_tests_name("step failure", tests, NULL, NULL);
}
