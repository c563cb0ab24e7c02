/* test/api: law 5, divergence is caught before it does harm: nothing runs, nothing is written but
 * the parking, the report tells both sides and the class, and matching code goes on. */
#include "api/script.h"

#include <stdio.h>

#define THIS_FILE "divergence_test.c"
#define ID "order-7"

/* ---- Code that asks for the steps of a list -------------------------------------------------- */

typedef struct test_walk {
    const char *names; /* one letter a step */
    int bodies;
    int passes;
    int result; /* of the workflow */
    int line;   /* of the call site */
    bool polite; /* leave when the run is stopped */
} test_walk;

static int ask(dur_run *run, void *user)
{
    test_walk *walk = user;
    char name[2] = "";

    walk->passes++;
    for (const char *letter = walk->names; *letter; letter++) {
        if (walk->polite && !dur_ok(run)) break;
        name[0] = *letter;
        walk->line = __LINE__ + 1;
        DUR_STEP(run, name) { walk->bodies++; }
    }
    return walk->result;
}

/* An unfinished run with these steps recorded, a second of the clock apart. */
static void record(test_host *host, const char *names)
{
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    char name[2] = "";

    assert_code(DUR_OK, dur_begin_run(log, "orders", ID, NULL, &run), log);
    for (const char *letter = names; *letter; letter++) {
        dur_step_options options = DUR_STEP_OPTIONS_INIT;
        dur_step *step = NULL;

        name[0] = *letter;
        options.file = "some/where/recorded.c";
        options.line = 100 + (int)(letter - names);
        assert_int_equal(DUR_EXECUTE, dur_begin_step(run, name, &options, &step));
        fake_clock_advance(&host->clock, 1000);
        assert_int_equal(DUR_OK, dur_record_result(step, dur_null()));
    }
    dur_close_run(run);
    dur_close(log);
}

static int replay(dur_log *log, test_walk *walk)
{
    return dur_execute(log, "orders", ID, NULL, ask, walk);
}

static char *steps_of(test_host *host)
{
    return host_rows(host->db, "SELECT * FROM durable_steps ORDER BY step");
}

/* What may never change in a run's row, however it diverges. */
static char *run_of(test_host *host)
{
    return host_rows(host->db,
                     "SELECT id, uid, workflow, input, output, created FROM durable_runs");
}

static void forget(test_host *host)
{
    host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
}

/* ---- The report ------------------------------------------------------------------------------ */

static void assert_side(const dur_step_info *side, int64_t position, const char *name)
{
    assert_int_equal(position, side->position);
    if (position == 0) return;
    assert_string_equal("step", side->kind);
    assert_string_equal(name, side->name);
}

static void assert_one_line(const char *text)
{
    assert_null(strchr(text, '\n'));
    assert_int_not_equal('\0', text[0]);
}

typedef struct expectation {
    const char *recorded, *asked;
    dur_change change;
    int64_t position;
    const char *recorded_there, *asked_there; /* NULL: absent */
} expectation;

static void assert_report(const expectation *expected, const dur_divergence *report)
{
    int64_t last = (int64_t)strlen(expected->recorded);
    int64_t at = expected->position;
    char name[2] = "";

    assert_non_null(report);
    assert_string_equal(ID, report->run_id);
    assert_string_equal("orders", report->workflow);
    assert_int_equal(at, report->position);
    assert_int_equal(expected->change, report->change);
    assert_side(&report->recorded, expected->recorded_there ? at : 0, expected->recorded_there);
    assert_side(&report->requested, expected->asked_there ? at : 0, expected->asked_there);
    name[0] = at > 1 ? expected->recorded[at - 2] : '\0';
    assert_side(&report->before, at > 1 ? at - 1 : 0, name);
    name[0] = at < last ? expected->recorded[at] : '\0';
    assert_side(&report->after, at < last ? at + 1 : 0, name);
    assert_has(report->text, ID);
    assert_has(report->text, "orders");
    if (expected->recorded_there) assert_has(report->text, expected->recorded_there);
    if (expected->asked_there) assert_has(report->text, expected->asked_there);
}

/* Recorded like this, asked for like that: everything that law 5 says. */
static void assert_diverges(test_host *host, const expectation *expected)
{
    test_walk asked = {expected->asked, 0, 0, 0, 0, false};
    test_walk mended = {expected->recorded, 0, 0, 0, 0, false};
    dur_run_info info = DUR_RUN_INFO_INIT;
    char *steps, *run;
    dur_log *log;

    record(host, expected->recorded);
    steps = steps_of(host);
    run = run_of(host);
    log = host_log(host);
    assert_null(dur_get_divergence(log));
    assert_code(DUR_DIVERGED, replay(log, &asked), log);
    assert_int_equal(0, asked.bodies);
    assert_int_equal(1, asked.passes);
    assert_one_line(dur_errmsg(log));
    assert_has(dur_errmsg(log), ID);
    if (expected->asked_there) assert_has(dur_errmsg(log), expected->asked_there);
    assert_report(expected, dur_get_divergence(log));
    assert_same(steps, steps_of(host));
    assert_same(run, run_of(host));
    assert_code(DUR_OK, dur_read_run(log, ID, &info), log);
    assert_int_equal(DUR_RUN_PARKED, info.status);
    assert_string_equal(dur_get_divergence(log)->text, info.failure);

    assert_code(DUR_OK, replay(log, &mended), log); /* code that matches goes on */
    assert_int_equal(0, mended.bodies);
    assert_code(DUR_OK, dur_read_run(log, ID, &info), log);
    assert_int_equal(DUR_COMPLETED, info.status);
    assert_null(info.failure);
    dur_close(log);
    forget(host);
}

/* Law 5: each class of change, in the middle, at the start and at the end. */
static void law5_every_class_of_change(void **state)
{
    static const expectation expectations[] = {
        {"abcdef", "axbcdef", DUR_CHANGE_INSERTED, 2, "b", "x"},
        {"abcdef", "xabcdef", DUR_CHANGE_INSERTED, 1, "a", "x"},
        {"abcdef", "axybcdef", DUR_CHANGE_INSERTED, 2, "b", "x"},
        {"abcdef", "acdef", DUR_CHANGE_REMOVED, 2, "b", "c"},
        {"abcdef", "bcdef", DUR_CHANGE_REMOVED, 1, "a", "b"},
        {"abcdef", "axcdef", DUR_CHANGE_RENAMED, 2, "b", "x"},
        {"abcdef", "xbcdef", DUR_CHANGE_RENAMED, 1, "a", "x"},
        {"abcdef", "acbdef", DUR_CHANGE_REORDERED, 2, "b", "c"},
        {"abcdef", "bacdef", DUR_CHANGE_REORDERED, 1, "a", "b"},
        {"abcdef", "abcd", DUR_CHANGE_ENDED_EARLY, 5, "e", NULL},
        {"abcdef", "abcde", DUR_CHANGE_ENDED_EARLY, 6, "f", NULL},
        {"abcdef", "", DUR_CHANGE_ENDED_EARLY, 1, "a", NULL},
        {"a", "", DUR_CHANGE_ENDED_EARLY, 1, "a", NULL},
        {"abcdef", "avwxyz", DUR_CHANGE_UNKNOWN, 2, "b", "v"},
    };

    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++)
        assert_diverges(*state, &expectations[i]);
}

/* A workflow that leaves as soon as it hears of the stop has not shown enough of its way. */
static void law5_a_polite_workflow_shows_too_little(void **state)
{
    test_host *host = *state;
    test_walk asked = {"axcdef", 0, 0, 0, 0, true};
    dur_log *log;

    record(host, "abcdef");
    log = host_log(host);
    assert_code(DUR_DIVERGED, replay(log, &asked), log);
    assert_int_equal(DUR_CHANGE_UNKNOWN, dur_get_divergence(log)->change);
    assert_int_equal(2, dur_get_divergence(log)->position);
    assert_int_equal(0, asked.bodies);
    dur_close(log);
}

/* Both sides tell where in the code they stand and when it was. */
static void law5_the_report_shows_call_sites_and_times(void **state)
{
    test_host *host = *state;
    test_walk asked = {"axcdef", 0, 0, 0, 0, false};
    int64_t start = host->clock.now_ms;
    const dur_divergence *report;
    char site[64];
    dur_log *log;

    record(host, "abcdef");
    log = host_log(host);
    assert_code(DUR_DIVERGED, replay(log, &asked), log);
    report = dur_get_divergence(log);
    snprintf(site, sizeof site, "%s:%d", THIS_FILE, asked.line);
    assert_string_equal("recorded.c:101", report->recorded.site);
    assert_string_equal("recorded.c:100", report->before.site);
    assert_string_equal("recorded.c:102", report->after.site);
    assert_string_equal(site, report->requested.site);
    assert_int_equal(start, report->before.recorded_ms);
    assert_int_equal(start + 1000, report->recorded.recorded_ms);
    assert_int_equal(start + 2000, report->after.recorded_ms);
    assert_int_equal(0, report->requested.recorded_ms);
    assert_has(report->text, "recorded.c:101");
    assert_has(report->text, site);
    assert_has(report->text, "2");
    assert_has(report->text, "\n"); /* for people, in some lines */
    dur_close(log);
}

/* By the verbs, and steps that did not tell their place. */
static void law5_steps_without_a_call_site(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "orders", ID, NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "a", NULL, &step));
    assert_int_equal(DUR_OK, dur_record_result(step, dur_null()));
    dur_close_run(run);
    assert_code(DUR_OK, dur_begin_run(log, "orders", ID, NULL, &run), log);
    assert_int_equal(DUR_DIVERGED, dur_begin_step(run, "x", NULL, &step));
    assert_null(step);
    assert_int_equal(DUR_DIVERGED, dur_begin_step(run, "a", NULL, &step)); /* it stays stopped */
    assert_int_equal(DUR_DIVERGED, dur_run_code(run));
    assert_code(DUR_DIVERGED, dur_complete_run(run, dur_null()), log);
    dur_close_run(run);
    assert_non_null(dur_get_divergence(log));
    assert_string_equal("", dur_get_divergence(log)->recorded.site);
    assert_string_equal("", dur_get_divergence(log)->requested.site);
    dur_close(log);
}

/* ---- What the code cannot do ----------------------------------------------------------------- */

/* Law 5: recorded steps that were not asked for, by the verbs: neither way of ending the run. */
static void law5_a_run_cannot_end_with_steps_left(void **state)
{
    test_host *host = *state;
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_run *run = NULL;
    dur_step *step = NULL;
    dur_log *log;

    record(host, "abc");
    log = host_log(host);
    for (int fails = 0; fails < 2; fails++) {
        assert_code(DUR_OK, dur_begin_run(log, "orders", ID, NULL, &run), log);
        assert_int_equal(DUR_REPLAYED, dur_begin_step(run, "a", NULL, &step));
        assert_code(DUR_DIVERGED,
                    fails ? dur_fail_run(run, "why") : dur_complete_run(run, dur_null()), log);
        dur_close_run(run);
        assert_int_equal(DUR_CHANGE_ENDED_EARLY, dur_get_divergence(log)->change);
        assert_int_equal(2, dur_get_divergence(log)->position);
        assert_code(DUR_OK, dur_read_run(log, ID, &info), log);
        assert_int_equal(DUR_RUN_PARKED, info.status);
    }
    dur_close(log);
}

/* A run closed without an end has not ended early: it may go on where it was. */
static void law5_a_run_left_is_no_divergence(void **state)
{
    test_host *host = *state;
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_run *run = NULL;
    dur_log *log;

    record(host, "abc");
    log = host_log(host);
    assert_code(DUR_OK, dur_begin_run(log, "orders", ID, NULL, &run), log);
    dur_close_run(run);
    assert_null(dur_get_divergence(log));
    assert_code(DUR_OK, dur_read_run(log, ID, &info), log);
    assert_int_equal(DUR_RUNNING, info.status);
    dur_close(log);
}

static int swallow(dur_run *run, void *user)
{
    int *bodies = user;
    dur_value value;
    dur_step *step;

    DUR_STEP(run, "x") { ++*bodies; }
    (void)dur_catch(run);
    dur_fail(run, "as if it had failed");
    if (dur_begin_step(run, "a", NULL, &step) > 0) ++*bodies;
    if (dur_replay_or_run(run, "b", NULL, NULL, NULL, &value) >= 0) ++*bodies;
    (void)dur_set_output(run, dur_text("as if it had gone well"));
    return 0;
}

/* Law 5: whatever the workflow does afterwards, it has diverged. */
static void law5_a_divergence_cannot_be_swallowed(void **state)
{
    test_host *host = *state;
    dur_run_info info = DUR_RUN_INFO_INIT;
    int bodies = 0;
    dur_log *log;

    record(host, "abc");
    log = host_log(host);
    assert_code(DUR_DIVERGED, dur_execute(log, "orders", ID, NULL, swallow, &bodies), log);
    assert_int_equal(0, bodies);
    assert_code(DUR_OK, dur_read_run(log, ID, &info), log);
    assert_int_equal(DUR_RUN_PARKED, info.status);
    assert_int_equal(DUR_NULL, info.output.type);
    dur_close(log);
}

/* A workflow that fails with recorded steps left has diverged, too. */
static void law5_failing_early_is_a_divergence(void **state)
{
    test_host *host = *state;
    test_walk asked = {"ab", 0, 0, 1, 0, false};
    dur_log *log;

    record(host, "abcd");
    log = host_log(host);
    assert_code(DUR_DIVERGED, replay(log, &asked), log);
    assert_int_equal(DUR_CHANGE_ENDED_EARLY, dur_get_divergence(log)->change);
    assert_int_equal(3, dur_get_divergence(log)->position);
    dur_close(log);
}

static int fail_first(dur_run *run, void *user)
{
    const bool *catches = user;

    DUR_STEP(run, "a") { dur_fail(run, "no luck"); }
    if (*catches) assert_has(dur_catch(run), "no luck");
    DUR_STEP(run, "b") { }
    if (*catches) DUR_STEP(run, "c") { fail(); }
    return 0;
}

/* Law 5: code that no longer handles a failure which the recorded code had handled takes another
 * way; to fail the run for it would throw the recorded steps away. */
static void law5_a_failure_handled_no_more(void **state)
{
    test_host *host = *state;
    dur_run_info info = DUR_RUN_INFO_INIT;
    bool catches = false;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "orders", ID, NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "a", NULL, &step));
    assert_int_equal(DUR_OK, dur_record_failure(step, "no luck"));
    assert_non_null(dur_catch(run));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(DUR_EXECUTE, dur_begin_step(run, i ? "c" : "b", NULL, &step));
        assert_int_equal(DUR_OK, dur_record_result(step, dur_null()));
    }
    dur_close_run(run);
    assert_code(DUR_DIVERGED, dur_execute(log, "orders", ID, NULL, fail_first, &catches), log);
    assert_int_equal(2, dur_get_divergence(log)->position);
    assert_code(DUR_OK, dur_read_run(log, ID, &info), log);
    assert_int_equal(DUR_RUN_PARKED, info.status);
    catches = true;
    assert_code(DUR_OK, dur_execute(log, "orders", ID, NULL, fail_first, &catches), log);
    dur_close(log);
}

/* ---- Parking --------------------------------------------------------------------------------- */

/* What one commit has written. */
typedef struct writes {
    int steps, runs, claims, others;
} writes;

typedef struct commits {
    writes each[3];
    int count;
} commits;

static void count_writes(void *user, int what, const char *schema, const char *table,
                         sqlite3_int64 rowid)
{
    commits *counted = user;
    writes *now = &counted->each[counted->count < 2 ? counted->count : 2];

    (void)what, (void)schema, (void)rowid;
    if (strcmp(table, "durable_steps") == 0)
        now->steps++;
    else if (strcmp(table, "durable_runs") == 0)
        now->runs++;
    else if (strcmp(table, "durable_claims") == 0)
        now->claims++;
    else
        now->others++;
}

static int count_commit(void *user)
{
    ((commits *)user)->count++;
    return 0;
}

/* Law 5: parked once a pass. The first commit takes the claim, the second one writes status and
 * report, and gives the claim back. */
static void law5_a_run_is_parked_by_one_write(void **state)
{
    static const writes claimed = {0, 0, 1, 0}, parked = {0, 1, 1, 0}, nothing = {0, 0, 0, 0};
    test_host *host = *state;
    dur_log *log;

    record(host, "abcdef");
    log = host_log(host);
    for (int pass = 0; pass < 3; pass++) {
        test_walk asked = {"axyzabcdef", 0, 0, 0, 0, false};
        commits counted;

        memset(&counted, 0, sizeof counted);
        sqlite3_update_hook(host->db, count_writes, &counted);
        sqlite3_commit_hook(host->db, count_commit, &counted);
        assert_code(DUR_DIVERGED, replay(log, &asked), log);
        sqlite3_update_hook(host->db, NULL, NULL);
        sqlite3_commit_hook(host->db, NULL, NULL);
        assert_int_equal(2, counted.count);
        assert_memory_equal(&claimed, &counted.each[0], sizeof claimed);
        assert_memory_equal(&parked, &counted.each[1], sizeof parked);
        assert_memory_equal(&nothing, &counted.each[2], sizeof nothing);
        assert_non_null(dur_get_divergence(log));
    }
    dur_close(log);
}

/* Another process takes the run over while this one is about to park it. */
static int diverge_while_robbed(dur_run *run, void *user)
{
    test_host other = *(const test_host *)user;
    dur_options options = host_options(&other);
    dur_log *log = NULL;
    dur_run *stolen = NULL;

    DUR_STEP(run, "x") { fail(); }
    other.clock.owner_alive = DUR_OWNER_DEAD;
    other.clock.random_state += 12345;
    other.db = host_connect(&other, SQLITE_OPEN_READWRITE);
    assert_code(DUR_OK, dur_open(other.db, &options, &log), log);
    assert_code(DUR_OK, dur_begin_run(log, "orders", ID, NULL, &stolen), log);
    dur_close_run(stolen);
    dur_close(log);
    assert_int_equal(SQLITE_OK, sqlite3_close(other.db));
    return 0;
}

/* Law 6: parking is fenced; who lost the run in the meantime parks nothing. */
static void law6_a_run_taken_over_is_not_parked(void **state)
{
    test_host *host = *state;
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_log *log;
    int code;

    record(host, "abc");
    log = host_log(host);
    code = dur_execute(log, "orders", ID, NULL, diverge_while_robbed, host);
    assert_true(code == DUR_LOST || code == DUR_DIVERGED);
    assert_code(DUR_OK, dur_read_run(log, ID, &info), log);
    assert_int_equal(DUR_RUNNING, info.status);
    assert_null(info.failure);
    dur_close(log);
}

/* Law 5, inside the host's transaction: parking joins it, and goes with it. */
static void law5_parking_joins_the_transaction(void **state)
{
    test_host *host = *state;
    test_walk asked = {"ax", 0, 0, 0, 0, false};
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_log *log;

    record(host, "abc");
    log = host_log(host);
    host_run(host->db, "BEGIN");
    assert_code(DUR_DIVERGED, replay(log, &asked), log);
    assert_code(DUR_OK, dur_read_run(log, ID, &info), log);
    assert_int_equal(DUR_RUN_PARKED, info.status);
    host_run(host->db, "ROLLBACK");
    assert_code(DUR_OK, dur_read_run(log, ID, &info), log);
    assert_int_equal(DUR_RUNNING, info.status);
    asked.names = "abc";
    assert_code(DUR_OK, replay(log, &asked), log);
    dur_close(log);
}

/* Law 4: a step added behind all recorded ones is no divergence: it is executed. */
static void law4_steps_behind_the_last_are_executed(void **state)
{
    test_host *host = *state;
    test_walk asked = {"abcxyz", 0, 0, 0, 0, false};
    dur_log *log;

    record(host, "abc");
    log = host_log(host);
    assert_code(DUR_OK, replay(log, &asked), log);
    assert_int_equal(3, asked.bodies);
    assert_int_equal(6, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    dur_close(log);
}

/* Law 5: another kind of entry than a step, such as a later version may write. */
static void law5_another_kind(void **state)
{
    test_host *host = *state;
    test_walk asked = {"abc", 0, 0, 0, 0, false};
    dur_log *log;

    record(host, "abc");
    host_run(host->db, "UPDATE durable_steps SET kind = 7 WHERE name = 'b'");
    log = host_log(host);
    assert_code(DUR_DIVERGED, replay(log, &asked), log);
    assert_int_equal(0, asked.bodies);
    assert_int_equal(2, dur_get_divergence(log)->position);
    assert_string_not_equal("step", dur_get_divergence(log)->recorded.kind);
    assert_string_equal("step", dur_get_divergence(log)->requested.kind);
    dur_close(log);
}

/* ---- Names, gaps, size ----------------------------------------------------------------------- */

/* Names count byte for byte: length, case and all. */
static void law5_names_are_compared_byte_for_byte(void **state)
{
    static const char *const asked[] = {"Charge", "charg", "charge ", "charge1", "charg\xc3\xa9"};
    test_host *host = *state;

    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        dur_log *log = host_log(host);
        dur_run *run = NULL;
        dur_step *step = NULL;

        assert_code(DUR_OK, dur_begin_run(log, "orders", ID, NULL, &run), log);
        assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "charge", NULL, &step));
        assert_int_equal(DUR_OK, dur_record_result(step, dur_null()));
        dur_close_run(run);
        assert_code(DUR_OK, dur_begin_run(log, "orders", ID, NULL, &run), log);
        assert_int_equal(DUR_DIVERGED, dur_begin_step(run, asked[i], NULL, &step));
        assert_has(dur_run_errmsg(run), asked[i]);
        assert_has(dur_run_errmsg(run), "charge");
        dur_close_run(run);
        dur_close(log);
        forget(host);
    }
}

/* Law 5, where a gap was left by steps that were open when the program died. */
static void law5_divergence_behind_a_gap(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *one = NULL, *two = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "orders", ID, NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "a", NULL, &one));
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "b", NULL, &two));
    assert_int_equal(DUR_OK, dur_record_result(two, dur_null()));
    dur_close_run(run);
    assert_code(DUR_OK, dur_begin_run(log, "orders", ID, NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "anything", NULL, &one));
    assert_int_equal(DUR_DIVERGED, dur_begin_step(run, "x", NULL, &two));
    assert_code(DUR_DIVERGED, dur_record_result(one, dur_null()), log); /* the run is stopped */
    dur_close_run(run);
    assert_int_equal(2, dur_get_divergence(log)->position);
    assert_string_equal("b", dur_get_divergence(log)->recorded.name);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    dur_close(log);
}

/* Section 4: the run left with the gap not even asked for has ended early. */
static void law5_ended_early_before_a_gap(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *one = NULL, *two = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "orders", ID, NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "a", NULL, &one));
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "b", NULL, &two));
    assert_int_equal(DUR_OK, dur_record_result(two, dur_null()));
    dur_close_run(run);
    assert_code(DUR_OK, dur_begin_run(log, "orders", ID, NULL, &run), log);
    assert_code(DUR_DIVERGED, dur_complete_run(run, dur_null()), log);
    dur_close_run(run);
    assert_int_equal(DUR_CHANGE_ENDED_EARLY, dur_get_divergence(log)->change);
    assert_string_equal("b", dur_get_divergence(log)->recorded.name);
    dur_close(log);
}

/* Far from the start, beyond every batch that replay reads. */
static void law5_divergence_far_from_the_start(void **state)
{
    static char names[3001], asked[3001];
    const expectation expected = {names, asked, DUR_CHANGE_RENAMED, 2500, "z", "X"};
    test_host *host = *state;

    for (int i = 0; i < 3000; i++) names[i] = (char)('a' + i % 5 * 7 % 26);
    memcpy(asked, names, sizeof asked);
    names[2499] = 'z';
    asked[2499] = 'X';
    assert_diverges(host, &expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WAL(law5_every_class_of_change),
        IN_MEMORY(law5_every_class_of_change),
        IN_WAL(law5_a_polite_workflow_shows_too_little),
        IN_WAL(law5_the_report_shows_call_sites_and_times),
        IN_WAL(law5_steps_without_a_call_site),
        IN_WAL(law5_a_run_cannot_end_with_steps_left),
        IN_WAL(law5_a_run_left_is_no_divergence),
        IN_WAL(law5_a_divergence_cannot_be_swallowed),
        IN_WAL(law5_failing_early_is_a_divergence),
        IN_WAL(law5_a_failure_handled_no_more),
        IN_WAL(law5_a_run_is_parked_by_one_write),
        IN_WAL(law6_a_run_taken_over_is_not_parked),
        IN_WAL(law5_parking_joins_the_transaction),
        IN_WAL(law4_steps_behind_the_last_are_executed),
        IN_WAL(law5_another_kind),
        IN_WAL(law5_names_are_compared_byte_for_byte),
        IN_WAL(law5_divergence_behind_a_gap),
        IN_WAL(law5_ended_early_before_a_gap),
        IN_WAL(law5_divergence_far_from_the_start),
    };

    return cmocka_run_group_tests_name("divergence", tests, NULL, NULL);
}
