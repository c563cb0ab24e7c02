/* test/api: steps: their order, their bodies, their keys. */
#include "api/tally.h"

#include <stdio.h>

/* The file as the library names it in messages: without its directories. */
#define THIS_FILE "step_test.c"

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
        IN_WAL(keys_are_stable_and_unique),
        IN_WAL(keys_of_replayed_steps),
        IN_WAL(a_loop_on_a_stopped_run_is_diagnosed),
        IN_WAL(a_long_loop_is_not_told_every_time),
    };

    return cmocka_run_group_tests_name("step", tests, NULL, NULL);
}
