/* test/api: replay checks: what they say of a run at every place that it can be left at, and that
 * nothing is executed or written meanwhile. */
#include "api/script.h"

#include <stdio.h>

#define ID "tour-1"

/* ---- A tour through all that a workflow can ask for ------------------------------------------ */

typedef struct tour {
    int bodies;
    int stop_after; /* bodies of a pass; 0: none */
    int jobs;       /* that an executor was handed */
    bool fails;     /* at its end */
    bool answered;
} tour;

static void count_body(dur_run *run, tour *it)
{
    it->bodies++;
    if (it->stop_after && it->bodies >= it->stop_after) dur_stop(run, "enough");
}

static int undo_booking(dur_step *step, void *user)
{
    ((tour *)user)->bodies++;
    return dur_record_result(step, dur_null());
}

static int leaf(dur_run *run, void *user)
{
    int64_t size = 0;

    DUR_STEP(run, "measure", size) {
        size = 7;
        count_body(run, user);
    }
    return dur_set_output(run, dur_integer(size));
}

/* Waits for a signal of its own, after one step. */
static int waiter(dur_run *run, void *user)
{
    DUR_STEP(run, "prepare") { count_body(run, user); }
    if (dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    DUR_STEP(run, "finish") { count_body(run, user); }
    return 0;
}

static void no_executor(dur_job *const *jobs, size_t count, void *user)
{
    (void)jobs;
    ((tour *)user)->jobs += (int)count;
}

static int fan(dur_run *run, tour *it, bool with_executor)
{
    dur_branch branches[3] = {{"one", leaf, it, dur_null()},
                              {"two", waiter, it, dur_null()},
                              {"three", waiter, it, dur_null()}};
    dur_batch_options options = DUR_BATCH_OPTIONS_INIT;

    if (with_executor) options.execute = no_executor;
    options.user = it;
    return dur_parallel(run, "fan", branches, 3, &options, NULL);
}

static bool with_executor;

static int walk(dur_run *run, void *user)
{
    dur_step_options book = DUR_STEP_OPTIONS_INIT;
    const dur_value items[2] = {dur_integer(1), dur_integer(2)};
    tour *it = user;
    dur_step *approval = NULL;
    int64_t booking = 0, now = 0;

    book.undo = undo_booking;
    book.user = it;
    DUR_STEP(run, "book", booking, &book) {
        booking = 12;
        count_body(run, it);
    }
    if (dur_now(run, "now", &now) != DUR_OK) return 0;
    if (dur_begin_callback(run, "approval", NULL, &approval) != DUR_OK) return 0;
    DUR_STEP(run, "ask") { count_body(run, it); }
    if (dur_sleep(run, "pause", 1000) != DUR_OK) return 0;
    if (dur_call(run, "pack", NULL, leaf, it, NULL) != DUR_OK) return 0;
    if (dur_map(run, "each", items, 2, leaf, it, NULL, NULL) != DUR_OK) return 0;
    if (dur_await(approval, NULL) != DUR_OK) return 0;
    if (dur_call(run, "wait", NULL, waiter, it, NULL) != DUR_OK) return 0;
    if (fan(run, it, with_executor) != DUR_OK) return 0;
    DUR_STEP(run, "ship") { count_body(run, it); }
    if (it->fails) dur_fail(run, "no parcel");
    return 0;
}

/* ---- Checking without a trace ---------------------------------------------------------------- */

static dur_report *check(test_host *host, dur_log *log, const dur_check_options *options,
                         dur_workflow *fn, tour *it, int expected)
{
    char *before = host_log_rows(host->db, "main"), *after;
    int changes = sqlite3_total_changes(host->db);
    dur_report *report = NULL;
    int bodies = it->bodies;

    it->stop_after = 0;
    assert_code(expected, dur_replay_check(log, "tour", options, fn, it, &report), log);
    after = host_log_rows(host->db, "main");
    assert_string_equal(before, after);
    sqlite3_free(before);
    sqlite3_free(after);
    assert_int_equal(changes, sqlite3_total_changes(host->db));
    assert_int_equal(bodies, it->bodies);
    assert_int_equal(0, it->jobs);
    assert_int_equal(0, host_active_statements(host->db));
    assert_non_null(report);
    return report;
}

static dur_check_options options_of(const char *id)
{
    dur_check_options options = DUR_CHECK_OPTIONS_INIT;

    options.run_id = id;
    return options;
}

static void assert_fits_so_far(test_host *host, dur_log *log, tour *it, int64_t position,
                               const char *part)
{
    dur_check_options options = options_of(ID);
    dur_report *report;

    for (int strict = DUR_CHECK_NAMES; strict <= DUR_CHECK_SIZES; strict++) {
        options.strictness = strict;
        report = check(host, log, &options, walk, it, DUR_OK);
        assert_int_equal(DUR_FITS_SO_FAR, dur_report_verdict(report));
        assert_int_equal(position, dur_report_position(report));
        assert_has(dur_report_text(report), part);
        assert_string_equal(ID, dur_report_run_id(report));
        assert_null(dur_report_divergence(report));
        dur_free_report(report);
    }
}

static int pass(dur_log *log, tour *it)
{
    it->bodies = 0;
    return dur_execute(log, "tour", ID, NULL, walk, it);
}

static void answer_approval(test_host *host, dur_log *log)
{
    char token[DUR_TOKEN_SIZE];
    char *uid = host_rows(host->db, "SELECT uid FROM durable_runs WHERE id = '" ID "'");

    uid[strcspn(uid + 5, "'") + 5] = '\0';
    snprintf(token, sizeof token, "%lld.3.%s",
             (long long)host_number(host->db, "SELECT run FROM durable_runs WHERE id = '" ID "'"),
             uid + 5);
    assert_code(DUR_OK, dur_complete_callback(log, token, dur_null()), log);
    sqlite3_free(uid);
}

static void send_go(dur_log *log, const char *id)
{
    assert_code(DUR_OK, dur_signal(log, id, "go", dur_null(), NULL), log);
}

/* From the first step to the end, a pass at a time. Law 5 in advance: nothing runs, nothing is
 * written. */
static void every_place_is_told(test_host *host, dur_log *log, tour *it)
{
    it->stop_after = 1;
    assert_code(DUR_STOPPED, pass(log, it), log);
    assert_fits_so_far(host, log, it, 1, "position 1 with step \"book\"");
    it->stop_after = 2;
    assert_code(DUR_STOPPED, pass(log, it), log);
    assert_fits_so_far(host, log, it, 4, "step \"ask\"");
    it->stop_after = 0;
    assert_code(DUR_SUSPENDED, pass(log, it), log);
    assert_fits_so_far(host, log, it, 5, "timer \"pause\"");
    fake_clock_advance(&host->clock, 1000);
    it->stop_after = 1;
    assert_code(DUR_STOPPED, pass(log, it), log);
    assert_fits_so_far(host, log, it, 6, "child \"tour-1/6\", position 1: step \"measure\"");
    it->stop_after = 2;
    assert_code(DUR_STOPPED, pass(log, it), log);
    assert_fits_so_far(host, log, it, 7, "child \"tour-1/7/1\", position 1: step \"measure\"");
    it->stop_after = 0;
    assert_code(DUR_SUSPENDED, pass(log, it), log);
    assert_fits_so_far(host, log, it, 3, "callback \"approval\"");
    answer_approval(host, log);
    assert_fits_so_far(host, log, it, 3, "callback \"approval\"");
    assert_code(DUR_SUSPENDED, pass(log, it), log);
    assert_fits_so_far(host, log, it, 8, "child \"tour-1/8\", position 2: receive \"go\"");
    send_go(log, "tour-1/8");
    assert_code(DUR_SUSPENDED, pass(log, it), log);
    assert_fits_so_far(host, log, it, 9, "child \"tour-1/9/2\", position 2: receive \"go\"");
    with_executor = true;
    assert_fits_so_far(host, log, it, 9, "child \"tour-1/9/2\", position 2: receive \"go\"");
    with_executor = false;
    send_go(log, "tour-1/9/2");
    assert_code(DUR_SUSPENDED, pass(log, it), log);
    assert_fits_so_far(host, log, it, 9, "child \"tour-1/9/3\", position 2: receive \"go\"");
    send_go(log, "tour-1/9/3");
}

static void assert_fits_ended(test_host *host, dur_log *log, tour *it)
{
    dur_check_options options = options_of(ID);
    dur_report *report;

    options.strictness = DUR_CHECK_SIZES;
    report = check(host, log, &options, walk, it, DUR_OK);
    assert_int_equal(DUR_FITS_ENDED, dur_report_verdict(report));
    assert_int_equal(0, dur_report_position(report));
    assert_int_equal(1, dur_report_count(report, DUR_FITS_ENDED));
    assert_has(dur_report_text(report), "comes to the recorded end");
    dur_free_report(report);
}

static void law5_a_run_is_checked_wherever_it_was_left(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    tour it = {0};

    every_place_is_told(host, log, &it);
    assert_code(DUR_OK, pass(log, &it), log);
    assert_fits_ended(host, log, &it);
    dur_close(log);
}

static void a_run_that_failed_and_was_undone_fits(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    tour it = {.fails = true};

    every_place_is_told(host, log, &it);
    assert_code(DUR_FAILED, pass(log, &it), log);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps WHERE kind = 7"));
    assert_fits_ended(host, log, &it);
    dur_close(log);
}

static void another_end_is_a_divergence(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_check_options options = options_of(ID);
    dur_report *report;
    tour it = {0};

    every_place_is_told(host, log, &it);
    assert_code(DUR_OK, pass(log, &it), log);
    it.fails = true;
    report = check(host, log, &options, walk, &it, DUR_DIVERGED);
    assert_int_equal(DUR_DIVERGES, dur_report_verdict(report));
    assert_int_equal(DUR_CHANGE_OUTCOME, dur_report_divergence(report)->change);
    assert_has(dur_report_text(report), "the end of the run (completed)");
    assert_has(dur_errmsg(log), "the end of the run (completed)");
    dur_free_report(report);
    dur_close(log);
}

static void a_cancelled_run_fits(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    tour it = {0};

    assert_code(DUR_SUSPENDED, pass(log, &it), log);
    assert_code(DUR_OK, dur_cancel(log, ID), log);
    assert_fits_so_far(host, log, &it, 5, "timer \"pause\"");
    assert_code(DUR_CANCELLED, pass(log, &it), log);
    assert_fits_ended(host, log, &it);
    dur_close(log);
}

/* Beside a living owner: it is neither asked nor disturbed. */
static void a_run_that_somebody_holds_is_checked(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host), *other = host_log(host);
    dur_step *step = NULL;
    dur_run *run = NULL;
    tour it = {0};

    assert_code(DUR_OK, dur_begin_run(other, "tour", ID, NULL, &run), other);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "book", NULL, &step));
    assert_fits_so_far(host, log, &it, 1, "step \"book\"");
    assert_int_equal(DUR_OK, dur_record_result(step, dur_integer(12)));
    assert_fits_so_far(host, log, &it, 2, "step \"now\"");
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "now", NULL, &step));
    assert_int_equal(DUR_OK, dur_record_result(step, dur_integer(1)));
    dur_close_run(run);
    dur_close(other);
    dur_close(log);
}

/* ---- What does not fit ----------------------------------------------------------------------- */

static int renamed(dur_run *run, void *user)
{
    int64_t booking = 0;

    DUR_STEP(run, "reserve", booking) { count_body(run, user); }
    DUR_STEP(run, "now") { count_body(run, user); }
    return 0;
}

static int retyped(dur_run *run, void *user)
{
    const char *booking = NULL;

    DUR_STEP(run, "book", booking) { count_body(run, user); }
    return 0;
}

static int shorter(dur_run *run, void *user)
{
    int64_t booking = 0;

    DUR_STEP(run, "book", booking) { count_body(run, user); }
    return 0;
}

/* As the tour begins. */
static bool begin_alike(dur_run *run, void *user)
{
    dur_step *approval = NULL;
    int64_t booking = 0, now = 0;

    DUR_STEP(run, "book", booking) { count_body(run, user); }
    if (dur_now(run, "now", &now) != DUR_OK) return false;
    if (dur_begin_callback(run, "approval", NULL, &approval) != DUR_OK) return false;
    DUR_STEP(run, "ask") { count_body(run, user); }
    return true;
}

static int other_wait(dur_run *run, void *user)
{
    if (!begin_alike(run, user)) return 0;
    return dur_sleep(run, "rest", 5) == DUR_OK ? 0 : 1;
}

static int longer_child(dur_run *run, void *user)
{
    DUR_STEP(run, "weigh") { count_body(run, user); }
    return 0;
}

static int other_child(dur_run *run, void *user)
{
    if (!begin_alike(run, user)) return 0;
    if (dur_sleep(run, "pause", 5) != DUR_OK) return 0;
    return dur_call(run, "pack", NULL, longer_child, user, NULL) == DUR_OK ? 0 : 1;
}

static void assert_diverges(test_host *host, dur_log *log, dur_workflow *fn, tour *it, int code,
                            const char *run_id, int64_t position, dur_change change)
{
    dur_check_options options = options_of(ID);
    dur_report *report = check(host, log, &options, fn, it, code);
    const dur_divergence *divergence = dur_report_divergence(report);

    assert_int_equal(DUR_DIVERGES, dur_report_verdict(report));
    assert_non_null(divergence);
    assert_string_equal(run_id, divergence->run_id);
    assert_int_equal(position, divergence->position);
    assert_int_equal(position, dur_report_position(report));
    assert_int_equal(change, divergence->change);
    assert_string_equal(dur_report_text(report), divergence->text);
    assert_null(strstr(divergence->text, "is parked"));
    dur_free_report(report);
}

static void law5_what_does_not_fit_is_told_and_nobody_is_parked(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    tour it = {0};

    assert_code(DUR_SUSPENDED, pass(log, &it), log);
    assert_diverges(host, log, renamed, &it, DUR_DIVERGED, ID, 1, DUR_CHANGE_RENAMED);
    assert_diverges(host, log, retyped, &it, DUR_MISMATCH, ID, 1, DUR_CHANGE_RETYPED);
    assert_diverges(host, log, shorter, &it, DUR_DIVERGED, ID, 2, DUR_CHANGE_ENDED_EARLY);
    assert_diverges(host, log, other_wait, &it, DUR_DIVERGED, ID, 5, DUR_CHANGE_UNKNOWN);
    fake_clock_advance(&host->clock, 1000);
    it.stop_after = 2;
    assert_code(DUR_STOPPED, pass(log, &it), log);
    it.stop_after = 0;
    assert_code(DUR_SUSPENDED, pass(log, &it), log); /* the child has its rows */
    assert_diverges(host, log, shorter, &it, DUR_DIVERGED, ID, 2, DUR_CHANGE_ENDED_EARLY);
    dur_close(log);
}

static void a_child_that_is_open_is_checked_with_its_parent(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    tour it = {0};

    assert_code(DUR_SUSPENDED, pass(log, &it), log);
    fake_clock_advance(&host->clock, 1000);
    it.stop_after = 1;
    assert_code(DUR_STOPPED, pass(log, &it), log);
    host_run(host->db, "INSERT INTO durable_steps(step, kind, name, format, value, low, epoch,"
                       " attempt, began, took) SELECT (run << 27) + 1, 1, 'measure', NULL, 7, 1, 1,"
                       " 1, 5, 0 FROM durable_runs WHERE id = 'tour-1/6'");
    assert_fits_so_far(host, log, &it, 6, "child \"tour-1/6\", position 2: the end: completed");
    assert_diverges(host, log, other_child, &it, DUR_DIVERGED, "tour-1/6", 1, DUR_CHANGE_RENAMED);
    dur_close(log);
}

/* ---- How much is compared -------------------------------------------------------------------- */

typedef struct given {
    uint64_t fingerprint;
    dur_value output, input;
    int bodies;
} given;

static int quiet_child(dur_run *run, void *user)
{
    (void)run, (void)user;
    return 0;
}

static int giver(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_child_options child = DUR_CHILD_OPTIONS_INIT;
    given *it = user;

    options.fingerprint = it->fingerprint;
    DUR_STEP_VOID(run, "pay", &options) { it->bodies++; }
    child.input = it->input;
    if (dur_call(run, "child", &child, quiet_child, NULL, NULL) != DUR_OK) return 0;
    return dur_set_output(run, it->output);
}

static dur_change change_at(dur_log *log, given *it, int strictness)
{
    dur_check_options options = options_of("given");
    dur_report *report = NULL;
    dur_change change = DUR_CHANGE_UNKNOWN;
    int code;

    options.strictness = strictness;
    code = dur_replay_check(log, NULL, &options, giver, it, &report);
    assert_non_null(report);
    assert_true(code == DUR_OK || code == DUR_DIVERGED);
    if (code == DUR_DIVERGED) change = dur_report_divergence(report)->change;
    assert_int_equal(code == DUR_OK ? DUR_FITS_ENDED : DUR_DIVERGES, dur_report_verdict(report));
    dur_free_report(report);
    return change;
}

static void strictness_is_what_is_asked_for(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    given it = {dur_fingerprint(0, "7 EUR", 5), dur_text("done"), dur_integer(7), 0}, now;

    assert_code(DUR_OK, dur_execute(log, "giver", "given", NULL, giver, &it), log);
    now = it;
    now.fingerprint = dur_fingerprint(0, "8 EUR", 5);
    assert_int_equal(DUR_CHANGE_UNKNOWN, change_at(log, &now, DUR_CHECK_NAMES));
    assert_int_equal(DUR_CHANGE_INPUT, change_at(log, &now, DUR_CHECK_INPUTS));
    now.fingerprint = 0; /* given on one side only: not compared */
    assert_int_equal(DUR_CHANGE_UNKNOWN, change_at(log, &now, DUR_CHECK_SIZES));
    now = it;
    now.output = dur_text("DONE"); /* of the same size */
    assert_int_equal(DUR_CHANGE_UNKNOWN, change_at(log, &now, DUR_CHECK_SIZES));
    now.output = dur_text("finished");
    assert_int_equal(DUR_CHANGE_UNKNOWN, change_at(log, &now, DUR_CHECK_INPUTS));
    assert_int_equal(DUR_CHANGE_OUTCOME, change_at(log, &now, DUR_CHECK_SIZES));
    now = it;
    now.input = dur_text("seven");
    assert_int_equal(DUR_CHANGE_UNKNOWN, change_at(log, &now, DUR_CHECK_INPUTS));
    assert_int_equal(DUR_CHANGE_INPUT, change_at(log, &now, DUR_CHECK_SIZES));
    assert_int_equal(1, it.bodies);
    dur_close(log);
}

static void a_check_may_end_before_the_record_does(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_check_options options = options_of(ID);
    tour it = {0};
    dur_report *report;

    assert_code(DUR_SUSPENDED, pass(log, &it), log);
    options.until = 1; /* what comes after the first step does not fit */
    report = check(host, log, &options, shorter, &it, DUR_DIVERGED);
    dur_free_report(report);
    report = check(host, log, &options, other_wait, &it, DUR_OK);
    assert_int_equal(2, dur_report_position(report));
    assert_has(dur_report_text(report), "no further");
    dur_free_report(report);
    dur_close(log);
}

/* ---- Which run, and misuse ------------------------------------------------------------------- */

static void law9_a_check_that_cannot_be_is_told(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_check_options options = options_of("nobody"), wrong = options_of(ID);
    dur_report *report = NULL;
    tour it = {0};

    assert_code(DUR_SUSPENDED, pass(log, &it), log);
    assert_code(DUR_NOT_FOUND, dur_replay_check(log, "tour", &options, walk, &it, &report), log);
    assert_null(report);
    assert_has(dur_errmsg(log), "\"nobody\"");
    assert_code(DUR_MISUSE, dur_replay_check(log, "tour", NULL, NULL, &it, &report), log);
    assert_code(DUR_MISUSE, dur_replay_check(log, "tour", NULL, walk, &it, NULL), log);
    assert_int_equal(DUR_MISUSE, dur_replay_check(NULL, "tour", NULL, walk, &it, &report));
    wrong.strictness = 3;
    assert_code(DUR_MISUSE, dur_replay_check(log, "tour", &wrong, walk, &it, &report), log);
    wrong = options_of(ID);
    wrong.until = -1;
    assert_code(DUR_MISUSE, dur_replay_check(log, "tour", &wrong, walk, &it, &report), log);
    options = options_of(ID);
    assert_code(DUR_MISUSE, dur_replay_check_all(log, &options, &report), log);
    assert_null(report);
    assert_has(dur_errmsg(log), "run_id");
    assert_code(DUR_CONFLICT, dur_replay_check(log, "other", &options, walk, &it, &report), log);
    assert_has(dur_report_text(report), "workflow \"tour\"");
    assert_int_equal(DUR_UNREADABLE, dur_report_verdict(report));
    dur_free_report(report);
    dur_free_report(NULL);
    assert_string_equal("no report", dur_report_text(NULL));
    assert_int_equal(DUR_UNREADABLE, dur_report_verdict(NULL));
    dur_close(log);
}

static int closing(dur_run *run, void *user)
{
    DUR_STEP(run, "book") { }
    dur_close(user);
    return 0;
}

/* The log goes when the check has ended, which it stands under. */
static void law9_a_log_that_is_closed_by_what_is_checked(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_report *report = NULL;
    tour it = {0};

    assert_code(DUR_SUSPENDED, pass(log, &it), log);
    assert_int_equal(DUR_MISUSE, dur_replay_check(log, "tour", NULL, closing, log, &report));
    dur_free_report(report);
    assert_null(sqlite3_next_stmt(host->db, NULL));
}

static void the_only_run_of_a_workflow_needs_no_name(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_report *report = NULL;
    tour it = {0};

    assert_code(DUR_NOT_FOUND, dur_replay_check(log, "tour", NULL, walk, &it, &report), log);
    assert_code(DUR_SUSPENDED, pass(log, &it), log);
    fake_clock_advance(&host->clock, 1000);
    assert_code(DUR_SUSPENDED, pass(log, &it), log); /* has children that it calls */
    assert_code(DUR_OK, dur_start(log, "other", "x", NULL), log);
    report = check(host, log, NULL, walk, &it, DUR_OK);
    assert_string_equal(ID, dur_report_run_id(report));
    dur_free_report(report);
    assert_code(DUR_MISUSE, dur_replay_check(log, NULL, NULL, walk, &it, &report), log);
    assert_has(dur_errmsg(log), "several runs");
    dur_close(log);
}

/* ---- A whole log ----------------------------------------------------------------------------- */

typedef struct told {
    int runs, diverged;
    char last[64];
} told;

static void tell(const dur_report *report, void *user)
{
    told *it = user;

    it->runs++;
    if (dur_report_verdict(report) != DUR_DIVERGES) return;
    it->diverged++;
    snprintf(it->last, sizeof it->last, "%s", dur_report_run_id(report));
}

static int one_step(dur_run *run, void *user)
{
    DUR_STEP(run, "one") { count_body(run, user); }
    return dur_sleep(run, "nap", 1000) == DUR_OK ? 0 : 1;
}

static int one_other(dur_run *run, void *user)
{
    DUR_STEP(run, "two") { count_body(run, user); }
    return 0;
}

#define MANY 150

static void make_many(dur_log *log, tour *it)
{
    char id[32];

    for (int i = 0; i < MANY; i++) {
        snprintf(id, sizeof id, "run-%d", i);
        assert_code(DUR_SUSPENDED, dur_execute(log, "one", id, NULL, one_step, it), log);
    }
    assert_code(DUR_SUSPENDED, pass(log, it), log);
    assert_code(DUR_OK, dur_start(log, "foreign", "f", NULL), log);
}

/* Before a deploy: all open runs, more than one page of them, against what is registered. */
static void law5_all_open_runs_are_checked_before_new_code_meets_them(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_check_options options = DUR_CHECK_OPTIONS_INIT;
    dur_report *report = NULL;
    told counted = {0, 0, ""};
    tour it = {0};
    char *before, *after;
    int bodies;

    make_many(log, &it);
    bodies = it.bodies;
    before = host_log_rows(host->db, "main");
    options.checked = tell;
    options.user = &counted;
    assert_code(DUR_OK, dur_register(log, "one", one_step, &it), log);
    assert_code(DUR_OK, dur_register(log, "tour", walk, &it), log);
    assert_code(DUR_OK, dur_replay_check_all(log, &options, &report), log);
    assert_int_equal(MANY + 2, counted.runs);
    assert_int_equal(DUR_UNKNOWN, dur_report_verdict(report));
    assert_int_equal(MANY + 1, dur_report_count(report, DUR_FITS_SO_FAR));
    assert_int_equal(1, dur_report_count(report, DUR_UNKNOWN));
    dur_free_report(report);

    assert_code(DUR_OK, dur_register(log, "one", one_other, &it), log);
    assert_code(DUR_DIVERGED, dur_replay_check_all(log, &options, &report), log);
    assert_int_equal(MANY, dur_report_count(report, DUR_DIVERGES));
    assert_int_equal(MANY, counted.diverged);
    assert_int_equal(DUR_DIVERGES, dur_report_verdict(report));
    assert_has(dur_report_text(report), "1 fit, 150 diverge, 0 cannot be checked, 1 are of");
    assert_has(dur_report_text(report), "run \"run-99\" (workflow \"one\"): code and log disagree");
    assert_null(strstr(dur_report_text(report), "run \"run-100\""));
    assert_has(dur_report_text(report), "and 50 more");
    dur_free_report(report);
    after = host_log_rows(host->db, "main");
    assert_string_equal(before, after);
    assert_int_equal(bodies, it.bodies);
    sqlite3_free(before);
    sqlite3_free(after);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(law5_a_run_is_checked_wherever_it_was_left),
        IN_MEMORY(a_run_that_failed_and_was_undone_fits),
        IN_MEMORY(another_end_is_a_divergence),
        IN_MEMORY(a_cancelled_run_fits),
        IN_MEMORY(a_run_that_somebody_holds_is_checked),
        IN_MEMORY(law5_what_does_not_fit_is_told_and_nobody_is_parked),
        IN_MEMORY(a_child_that_is_open_is_checked_with_its_parent),
        IN_MEMORY(strictness_is_what_is_asked_for),
        IN_MEMORY(a_check_may_end_before_the_record_does),
        IN_MEMORY(law9_a_check_that_cannot_be_is_told),
        IN_MEMORY(law9_a_log_that_is_closed_by_what_is_checked),
        IN_MEMORY(the_only_run_of_a_workflow_needs_no_name),
        IN_MEMORY(law5_all_open_runs_are_checked_before_new_code_meets_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
