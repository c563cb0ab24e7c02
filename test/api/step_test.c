/* test/api: steps by the macro and by the verbs: their order, their bodies, their failures. */
#include "api/script.h"

#include <stdio.h>
#include <stdlib.h>

/* The file as the library names it in messages: without its directories. */
#define THIS_FILE "step_test.c"

typedef struct test_tally {
    test_host *host;
    int bodies;
    int line; /* of a call site */
    bool mended;
    char keys[64][64];
    char word[64];
} test_tally;

static test_tally tally_for(test_host *host)
{
    test_tally fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.host = host;
    return fresh;
}

static int64_t count_rows(test_host *host)
{
    return host_number(host->db, "SELECT count(*) FROM durable_steps");
}

/* ---- Loops, helpers, statements -------------------------------------------------------------- */

static int helper(dur_run *run, test_tally *tally, int number)
{
    int doubled;

    DUR_STEP(run, "double", doubled) {
        tally->bodies++;
        doubled = 2 * number;
    }
    return doubled;
}

static int loop_and_help(dur_run *run, void *user)
{
    test_tally *tally = user;
    int sum = 0, count;

    DUR_STEP(run, "count", count) { count = 5; }
    for (int i = 0; i < count; i++) {
        int square;

        DUR_STEP(run, "square", square) {
            tally->bodies++;
            square = i * i;
            if (i == 2) continue; /* a normal end */
            square += 100;
        }
        sum += square + helper(run, tally, i);
    }
    return dur_set_output(run, dur_integer(sum));
}

/* Point 2: steps in loops and in helper functions; `continue` is a normal end. */
static void loops_and_helpers(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_tally work = tally_for(host);

    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, loop_and_help, &work), log);
    assert_int_equal(10, work.bodies);
    assert_int_equal(0 + 1 + 4 + 9 + 16 + 400 + 20, dur_output(log).as.integer);
    assert_int_equal(11, count_rows(host));
    /* the end taken back, so that the same steps are asked for again */
    host_run(host->db, "UPDATE durable_runs SET status = 1, output = NULL");
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, loop_and_help, &work), log);
    assert_int_equal(10, work.bodies);
    assert_int_equal(0 + 1 + 4 + 9 + 16 + 400 + 20, dur_output(log).as.integer);
    dur_close(log);
}

/* ---- Bodies that are left early -------------------------------------------------------------- */

static int leave_by_break(dur_run *run, void *user)
{
    test_tally *tally = user;

    tally->line = __LINE__ + 1;
    DUR_STEP(run, "left") {
        tally->bodies++;
        if (!tally->mended) break;
    }
    DUR_STEP(run, "next") { tally->bodies += 10; }
    return 0;
}

static int leave_by_goto(dur_run *run, void *user)
{
    test_tally *tally = user;

    tally->line = __LINE__ + 1;
    DUR_STEP(run, "left") {
        tally->bodies++;
        if (!tally->mended) goto out;
    }
out:
    DUR_STEP(run, "next") { tally->bodies += 10; }
    return 0;
}

static int leave_by_return(dur_run *run, void *user)
{
    test_tally *tally = user;

    tally->line = __LINE__ + 1;
    DUR_STEP(run, "left") {
        tally->bodies++;
        if (!tally->mended) return 0;
    }
    DUR_STEP(run, "next") { tally->bodies += 10; }
    return 0;
}

static int leave_at_the_end(dur_run *run, void *user)
{
    test_tally *tally = user;

    if (tally->mended) DUR_STEP(run, "next") { tally->bodies += 10; }
    tally->line = __LINE__ + 1;
    DUR_STEP(run, "left") {
        tally->bodies++;
        if (!tally->mended) break;
    }
    return 0;
}

/* A workflow that pays no heed still cannot complete the run. */
static int leave_and_set_output(dur_run *run, void *user)
{
    test_tally *tally = user;

    tally->line = __LINE__ + 1;
    DUR_STEP(run, "left") {
        tally->bodies++;
        if (!tally->mended) break;
    }
    (void)dur_set_output(run, dur_text("as if nothing had happened"));
    (void)dur_catch(run);
    if (tally->mended) DUR_STEP(run, "next") { tally->bodies += 10; }
    return 0;
}

/* Section 4: `break`, `goto` and `return` out of a body are caught, with name and call site, and
 * nothing is recorded. */
static void leaving_a_body_is_caught(void **state)
{
    dur_workflow *const ways[] = {leave_by_break, leave_by_goto, leave_by_return,
                                  leave_at_the_end, leave_and_set_output};
    test_host *host = *state;
    dur_log *log = host_log(host);
    char site[64];

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        test_tally work = tally_for(host);

        assert_code(DUR_MISUSE, dur_execute(log, "w", "r", NULL, ways[i], &work), log);
        snprintf(site, sizeof site, "%s:%d", THIS_FILE, work.line);
        assert_has(dur_errmsg(log), site);
        assert_has(dur_errmsg(log), "left");
        assert_int_equal(1, work.bodies);
        assert_int_equal(0, count_rows(host));
        work.mended = true;
        assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, ways[i], &work), log);
        assert_int_equal(12, work.bodies);
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    }
    dur_close(log);
}

/* By the verbs: the next call on the run tells, whichever it is. */
static void leaving_a_body_is_told_by_the_next_call(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    DUR_STEP(run, "left") { break; }
    assert_int_equal(DUR_MISUSE, dur_begin_step(run, "next", NULL, &step));
    assert_null(step);
    assert_has(dur_run_errmsg(run), "left");
    assert_has(dur_run_errmsg(run), THIS_FILE);
    dur_close_run(run);

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    DUR_STEP(run, "left") { break; }
    assert_code(DUR_MISUSE, dur_complete_run(run, dur_null()), log);
    assert_has(dur_errmsg(log), "left");
    dur_close_run(run);
    assert_int_equal(0, count_rows(host));
    dur_close(log);
}

/* ---- A step in the body of a step ------------------------------------------------------------ */

static int nest_macros(dur_run *run, void *user)
{
    test_tally *tally = user;
    int inner = 5;

    DUR_STEP(run, "outer") {
        tally->bodies++;
        if (!tally->mended) DUR_STEP(run, "inner", inner) { tally->bodies += 100; }
    }
    if (!tally->mended) assert_int_equal(0, inner);
    return 0;
}

static int nest_a_verb(dur_run *run, void *user)
{
    test_tally *tally = user;
    dur_step *step = NULL;

    DUR_STEP(run, "outer") {
        tally->bodies++;
        if (!tally->mended) assert_int_equal(DUR_MISUSE, dur_begin_step(run, "inner", NULL, &step));
    }
    assert_null(step);
    return 0;
}

static int never_called(dur_step *step, void *user)
{
    (void)step, (void)user;
    fail();
    return 0;
}

static int nest_a_callback(dur_run *run, void *user)
{
    test_tally *tally = user;

    DUR_STEP(run, "outer") {
        tally->bodies++;
        if (!tally->mended)
            assert_int_equal(DUR_MISUSE,
                             dur_replay_or_run(run, "inner", NULL, never_called, NULL, NULL));
    }
    return 0;
}

/* Section 4: a step begun inside a body is misuse, since on replay the body does not run. */
static void a_step_inside_a_body_is_refused(void **state)
{
    dur_workflow *const ways[] = {nest_macros, nest_a_verb, nest_a_callback};
    test_host *host = *state;
    dur_log *log = host_log(host);

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        test_tally work = tally_for(host);

        assert_code(DUR_MISUSE, dur_execute(log, "w", "r", NULL, ways[i], &work), log);
        assert_has(dur_errmsg(log), "inner");
        assert_has(dur_errmsg(log), "outer");
        assert_int_equal(1, work.bodies);
        assert_int_equal(0, count_rows(host));
        work.mended = true;
        assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, ways[i], &work), log);
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    }
    dur_close(log);
}

/* ---- Several open steps ---------------------------------------------------------------------- */

static dur_run *begin_open(dur_log *log)
{
    dur_run *run = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    return run;
}

static dur_step *begin(dur_run *run, const char *name, int expected)
{
    dur_step *step = NULL;

    assert_int_equal(expected, dur_begin_step(run, name, NULL, &step));
    assert_non_null(step);
    return step;
}

static void record(dur_step *step, int64_t number)
{
    assert_int_equal(DUR_OK, dur_record_result(step, dur_integer(number)));
}

/* Section 4: begun in a fixed order, recorded in any. A gap that this leaves is legal. */
static void open_steps_are_recorded_in_any_order(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    dur_step *steps[4];

    for (int i = 0; i < 4; i++) {
        steps[i] = begin(run, names[i], DUR_EXECUTE);
        assert_int_equal(i + 1, dur_step_position(steps[i]));
    }
    record(steps[2], 30);
    record(steps[0], 10);
    dur_close_run(run); /* b and d are lost */
    assert_int_equal(2, count_rows(host));

    run = begin_open(log);
    assert_int_equal(10, dur_step_value(begin(run, "a", DUR_REPLAYED)).as.integer);
    steps[1] = begin(run, "b", DUR_EXECUTE);
    assert_int_equal(30, dur_step_value(begin(run, "c", DUR_REPLAYED)).as.integer);
    steps[3] = begin(run, "d", DUR_EXECUTE);
    record(steps[3], 40);
    record(steps[1], 20);
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), log);
    dur_close_run(run);
    assert_same(host_rows(host->db, "SELECT name, value FROM durable_steps ORDER BY step"),
                sqlite3_mprintf("row 'a'|10\nrow 'b'|20\nrow 'c'|30\nrow 'd'|40\n."));
    dur_close(log);
}

/* A macro step goes on beside open ones. */
static void a_macro_step_beside_open_ones(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    dur_step *open = begin(run, "open", DUR_EXECUTE);
    int64_t position = 0;

    DUR_STEP(run, "macro", position) {
        assert_non_null(dur_current_step(run));
        position = dur_step_position(dur_current_step(run));
    }
    assert_null(dur_current_step(run));
    assert_int_equal(2, position);
    record(open, 1);
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), log);
    dur_close_run(run);
    dur_close(log);
}

/* Law 9: a row that is missing although later ones knew it recorded is damage, not a gap. */
static void law9_a_lost_row_is_told_from_a_gap(void **state)
{
    test_host *host = *state;

    for (int lost = 1; lost <= 3; lost++) {
        test_script script = script_for(host);
        dur_log *log = host_log(host);
        char place[32];

        assert_code(DUR_OK, script_execute(&script, log), log);
        host_run(host->db, "UPDATE durable_runs SET status = 1; "
                           "DELETE FROM durable_steps WHERE (step & 0x7ffffff) = %d", lost);
        assert_code(DUR_CORRUPT, script_execute(&script, log), log);
        assert_has(dur_errmsg(log), "the-run");
        snprintf(place, sizeof place, "%d", lost);
        assert_has(dur_errmsg(log), place);
        assert_bodies(&script, 1, 1, 1, 1);
        assert_int_equal(3, count_rows(host));
        dur_close(log);
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    }
}

/* A gap with a lost row behind it: the legal one does not hide the other. */
static void law9_a_lost_row_behind_a_gap(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    dur_step *steps[5], *step = NULL;
    int code = DUR_OK;

    for (int i = 0; i < 5; i++) steps[i] = begin(run, names[i], DUR_EXECUTE);
    record(steps[0], 1);
    record(steps[2], 3);
    record(steps[1], 2); /* from here on all below "d" is recorded */
    record(steps[3], 4);
    dur_close_run(run);
    host_run(host->db, "DELETE FROM durable_steps WHERE name = 'b'");
    code = dur_begin_run(log, "w", "r", NULL, &run);
    for (int i = 0; i < 5 && code >= 0; i++) code = dur_begin_step(run, names[i], NULL, &step);
    assert_code(DUR_CORRUPT, code, log);
    assert_has(dur_errmsg(log), "2");
    dur_close_run(run);
    dur_close(log);
}

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

/* ---- Idempotency keys ------------------------------------------------------------------------ */

static int note_keys(dur_run *run, void *user)
{
    test_tally *tally = user;

    for (int i = 0; i < 3; i++) {
        DUR_STEP(run, "call") {
            dur_step *step = dur_current_step(run);
            const char *key = dur_step_idempotency_key(step);

            assert_int_equal(i + 1, dur_step_position(step));
            assert_string_equal(key, dur_step_idempotency_key(step));
            snprintf(tally->keys[tally->bodies++], 64, "%s", key);
            if (i == 1 && !tally->mended) break; /* this attempt fails */
        }
    }
    return 0;
}

static void assert_key(const char *key)
{
    assert_in_range(strlen(key), 1, 48);
    for (const char *c = key; *c; c++) assert_in_range(*c, '!', '~');
}

/* A key is the same for every attempt at a step and another for every other step of any run. */
static void keys_are_stable_and_unique(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_tally work = tally_for(host);

    assert_code(DUR_MISUSE, dur_execute(log, "w", "r", NULL, note_keys, &work), log);
    dur_close(log);
    log = host_log(host);
    work.mended = true;
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, note_keys, &work), log);
    assert_code(DUR_OK, dur_execute(log, "w", "other", NULL, note_keys, &work), log);
    host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, note_keys, &work), log); /* a new run */

    assert_int_equal(2 + 2 + 3 + 3, work.bodies);
    assert_string_equal(work.keys[1], work.keys[2]); /* the second attempt at the second step */
    for (int i = 0; i < work.bodies; i++) {
        assert_key(work.keys[i]);
        for (int j = 0; j < i; j++)
            if (!(i == 2 && j == 1)) assert_string_not_equal(work.keys[i], work.keys[j]);
    }
    dur_close(log);
}

/* By the verbs, open and replayed alike. */
static void keys_of_replayed_steps(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    dur_step *step = begin(run, "call", DUR_EXECUTE);
    char key[64];

    snprintf(key, sizeof key, "%s", dur_step_idempotency_key(step));
    assert_key(key);
    record(step, 1);
    dur_close_run(run);
    run = begin_open(log);
    assert_string_equal(key, dur_step_idempotency_key(begin(run, "call", DUR_REPLAYED)));
    dur_close_run(run);
    dur_close(log);
}

/* ---- A loop on a stopped run ----------------------------------------------------------------- */

static int spin(dur_run *run, void *user)
{
    test_tally *tally = user;
    bool done = false;

    DUR_STEP(run, "first") { break; }
    for (int i = 0; i < 1000000 && !done; i++) {
        DUR_STEP(run, "poll", done) { tally->bodies++; }
        done = tally->host->clock.warnings > 0;
    }
    return 0;
}

/* Section 4: a loop that goes on asking a stopped run is diagnosed, not left to spin in silence. */
static void a_loop_on_a_stopped_run_is_diagnosed(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_tally work = tally_for(host);

    assert_code(DUR_MISUSE, dur_execute(log, "w", "the-run", NULL, spin, &work), log);
    assert_int_equal(0, work.bodies);
    assert_int_equal(1, host->clock.warnings);
    assert_has(host->clock.last_warning, "the-run");
    assert_has(host->clock.last_warning, "dur_ok");
    assert_null(strchr(host->clock.last_warning, '\n'));
    dur_close(log);
}

static int spin_long(dur_run *run, void *user)
{
    (void)user;
    DUR_STEP(run, "first") { break; }
    for (int i = 0; i < 100000; i++) DUR_STEP(run, "poll");
    return 0;
}

/* … and not told in every round either. */
static void a_long_loop_is_not_told_every_time(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    assert_code(DUR_MISUSE, dur_execute(log, "w", "the-run", NULL, spin_long, NULL), log);
    assert_in_range(host->clock.warnings, 1, 20);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WAL(loops_and_helpers),
        IN_WAL(leaving_a_body_is_caught),
        IN_WAL(leaving_a_body_is_told_by_the_next_call),
        IN_WAL(a_step_inside_a_body_is_refused),
        IN_WAL(open_steps_are_recorded_in_any_order),
        IN_WAL(a_macro_step_beside_open_ones),
        IN_WAL(law9_a_lost_row_is_told_from_a_gap),
        IN_WAL(law9_a_lost_row_behind_a_gap),
        IN_WAL(law4_a_failure_is_recorded_and_replayed),
        IN_WAL(an_unhandled_failure_fails_the_run),
        IN_WAL(a_run_fails_in_words_or_by_number),
        IN_WAL(long_failures_are_cut_at_a_character),
        IN_WAL(record_failure_by_the_verbs),
        IN_WAL(replay_a_failure_by_the_verbs),
        IN_WAL(replay_or_run_live_and_replayed),
        IN_WAL(replay_or_run_without_an_answer),
        IN_WAL(replay_or_run_inside_itself),
        IN_WAL(replay_or_run_on_a_stopped_run),
        IN_WAL(keys_are_stable_and_unique),
        IN_WAL(keys_of_replayed_steps),
        IN_WAL(a_loop_on_a_stopped_run_is_diagnosed),
        IN_WAL(a_long_loop_is_not_told_every_time),
    };

    return cmocka_run_group_tests_name("step", tests, NULL, NULL);
}
