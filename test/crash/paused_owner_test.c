/*
 * test/crash: law 6, fenced, at every door: an owner is stopped by SIGSTOP, its lease ends, another
 * one takes the run over, and it is woken up just before it writes: a result, a failed attempt, a
 * heartbeat, a wait, the receipt of a signal, a callback, the end of the run. It is told DUR_LOST
 * and has changed nothing, whether the other has left the run by then or still works on it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fake_clock.h"
#include "support/host.h"
#include "support/place.h"
#include "support/process.h"

#include <stdio.h>
#include <unistd.h>

#define LEASE_MS 60000
#define NAP_MS 5000
#define RUN_ID "the-run"

/* What the first owner does when it wakes up. */
typedef enum act {
    RECORD,
    FAIL_FOR_A_RETRY,
    NOT_YET,
    HEARTBEAT,
    SLEEP,
    RECEIVE,
    RECEIVE_IN_VAIN,
    SELECT,
    CALLBACK,
    AWAIT,
    AWAIT_IN_VAIN,
    COMPLETE,
    FAIL,
    ACTS
} act;

static const char *const act_names[ACTS] = {
    "record",  "fail for a retry", "not yet", "heartbeat", "sleep", "receive",
    "receive in vain", "select", "callback", "await", "await in vain", "complete", "fail"};

typedef struct owner {
    fake_clock clock;
    process_gate arrived;
    process_gate go_on;
    bool is_held;
    int code;
    int heartbeat;
    char message[512];
} owner;

static struct book {
    place here;
    act what;
    owner first;
    owner second;
} *shared;

/* ---- The workflow ---------------------------------------------------------------------------- */

static void hold(owner *it)
{
    if (!it->is_held) return;
    process_gate_open(&it->arrived);
    if (!process_gate_wait(&it->go_on)) _exit(3);
}

/* The acts of a body; the second owner has no reason to fail. */
static void act_in_body(dur_run *run, owner *it)
{
    bool fails = it == &shared->first;
    dur_step *step = dur_current_step(run);

    hold(it);
    if (shared->what == FAIL_FOR_A_RETRY && fails) dur_fail(run, "no connection");
    if (shared->what == NOT_YET && fails) dur_not_yet(step, dur_integer(1));
    if (shared->what == HEARTBEAT) it->heartbeat = dur_heartbeat(step, dur_integer(1));
}

static int step_with_act(dur_run *run, owner *it)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_retry retry = DUR_RETRY_INIT;
    int64_t value = 0;

    options.retry = &retry;
    DUR_STEP (run, "held", value, &options) {
        act_in_body(run, it);
        value = 2;
    }
    return dur_ok(run) ? 0 : 1;
}

static int receive(dur_run *run, int64_t timeout_ms)
{
    int code = dur_receive(run, "go", timeout_ms, NULL);

    return code == DUR_OK || code == DUR_TIMED_OUT ? 0 : 1;
}

static int select_first(dur_run *run)
{
    dur_case cases[2] = {dur_on_timer(NAP_MS), dur_on_signal("go")};
    size_t which = 0;

    return dur_select(run, "first", cases, 2, &which) == DUR_OK && which == 1 ? 0 : 1;
}

/* Awaited, its time is not up when the owner wakes up; in vain, it is. */
static int callback(dur_run *run, owner *it, bool opens_first)
{
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    dur_step *opened = NULL;
    int code;

    options.timeout_ms = shared->what == AWAIT ? LEASE_MS + 1 + NAP_MS : NAP_MS;
    if (!opens_first) hold(it);
    if (dur_begin_callback(run, "approval", &options, &opened) != DUR_OK) return 1;
    if (opens_first) hold(it);
    code = dur_await(opened, NULL);
    return code == DUR_TIMED_OUT ? 0 : 1;
}

static int workflow(dur_run *run, void *user)
{
    owner *it = user;
    int64_t value = 0;

    DUR_STEP (run, "one", value)
        value = 1;
    if (!dur_ok(run)) return 1;
    if (shared->what <= HEARTBEAT) return step_with_act(run, it);
    if (shared->what >= CALLBACK && shared->what <= AWAIT_IN_VAIN)
        return callback(run, it, shared->what != CALLBACK);
    hold(it);
    switch (shared->what) {
    case SLEEP: return dur_sleep(run, "nap", NAP_MS) == DUR_OK ? 0 : 1;
    case RECEIVE: return receive(run, DUR_FOREVER);
    case RECEIVE_IN_VAIN: return receive(run, NAP_MS);
    case SELECT: return select_first(run);
    case FAIL: dur_fail(run, "it is no use"); break;
    default: break;
    }
    return 0;
}

/* ---- The owners ------------------------------------------------------------------------------ */

static void note_pass(const char *name, const char *run_id, int code, const char *message,
                      void *user)
{
    owner *it = user;

    (void)name;
    (void)run_id;
    it->code = code;
    snprintf(it->message, sizeof it->message, "%s", message);
}

static int own(void *user)
{
    owner *it = user;
    dur_options options = DUR_OPTIONS_INIT;
    dur_work_options work = DUR_WORK_OPTIONS_INIT;
    sqlite3 *db = NULL;
    dur_log *log = NULL;

    fake_clock_install(&it->clock, &options);
    options.lease_ms = LEASE_MS;
    work.passed = note_pass;
    work.user = it;
    work.max_passes = 1;
    it->code = DUR_NOT_FOUND; /* until a pass is told of */
    if (sqlite3_open(shared->here.path, &db) != SQLITE_OK ||
        dur_open(db, &options, &log) != DUR_OK ||
        dur_register(log, "paused", workflow, it) != DUR_OK ||
        dur_work(log, &work, NULL) != DUR_OK)
        note_pass("", "", DUR_DATABASE, dur_errmsg(log), it);
    dur_close(log);
    return sqlite3_close(db) == SQLITE_OK ? 0 : 2;
}

/* ---- The test's side ------------------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    shared = process_share(sizeof *shared);
    return shared && place_make(&shared->here) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    place_remove(&shared->here);
    process_unshare(shared, sizeof *shared);
    return 0;
}

static void init_owner(owner *it, uint64_t seed, bool is_held)
{
    memset(it, 0, sizeof *it);
    fake_clock_init(&it->clock, seed);
    it->is_held = is_held;
    assert_true(process_gate_make(&it->arrived));
    assert_true(process_gate_make(&it->go_on));
}

/* A run that was started, with a signal for those that want one. */
static void start_run(void)
{
    dur_options options = DUR_OPTIONS_INIT;
    fake_clock clock;
    sqlite3 *db = NULL;
    dur_log *log = NULL;
    bool signals = shared->what == RECEIVE || shared->what == SELECT;

    fake_clock_init(&clock, 3);
    fake_clock_install(&clock, &options);
    place_clear(shared->here.path);
    assert_int_equal(sqlite3_open(shared->here.path, &db), SQLITE_OK);
    host_run(db, "PRAGMA journal_mode = WAL");
    assert_code(DUR_OK, dur_open(db, &options, &log), log);
    assert_code(DUR_OK, dur_start(log, "paused", RUN_ID, NULL), log);
    if (signals)
        assert_code(DUR_OK, dur_signal(log, RUN_ID, "go", dur_integer(7), NULL), log);
    dur_close(log);
    sqlite3_close(db);
}

static void begin(act what, bool second_is_held)
{
    shared->what = what;
    start_run();
    init_owner(&shared->first, 1, true);
    init_owner(&shared->second, 2, second_is_held);
}

static void end(void)
{
    process_gate_close(&shared->first.arrived);
    process_gate_close(&shared->first.go_on);
    process_gate_close(&shared->second.arrived);
    process_gate_close(&shared->second.go_on);
}

static void advance_clocks(int64_t by_ms)
{
    fake_clock_advance(&shared->first.clock, by_ms);
    fake_clock_advance(&shared->second.clock, by_ms);
}

static char *dump(void)
{
    sqlite3 *db = NULL;
    char *rows;

    assert_int_equal(sqlite3_open(shared->here.path, &db), SQLITE_OK);
    rows = host_log_rows(db, "main");
    sqlite3_close(db);
    return rows;
}

static void expect_code(const owner *it, int code)
{
    if (it->code != code)
        print_error("%s: %s instead of %s: %s\n", act_names[shared->what], dur_code_name(it->code),
                    dur_code_name(code), it->message);
    assert_int_equal(it->code, code);
}

static void run_owner(owner *it)
{
    process_end gone = process_run(own, it);

    assert_true(gone.exited && gone.code == 0);
}

/* Held at its act, stopped, and left behind by its lease. */
static pid_t pause_first(void)
{
    pid_t first = process_start(own, &shared->first);

    assert_true(process_gate_wait(&shared->first.arrived));
    process_stop(first);
    run_owner(&shared->second); /* the lease still holds */
    expect_code(&shared->second, DUR_NOT_FOUND);
    advance_clocks(LEASE_MS + 1);
    return first;
}

/* It acts, is told that it has lost the run, and nothing has changed. */
static void wake_first(pid_t first)
{
    char *before = dump();
    process_end gone;

    process_gate_open(&shared->first.go_on);
    process_continue(first);
    gone = process_wait(first);
    assert_true(gone.exited && gone.code == 0);
    expect_code(&shared->first, DUR_LOST);
    if (shared->what == HEARTBEAT) assert_int_equal(shared->first.heartbeat, DUR_LOST);
    assert_same(before, dump());
}

static bool waits(act what)
{
    return what == SLEEP || what == RECEIVE_IN_VAIN || what == CALLBACK || what == AWAIT;
}

/* What the second owner has come to, and that the run ends as it would have without the first. */
static void expect_second_unharmed(void)
{
    if (waits(shared->what)) {
        expect_code(&shared->second, DUR_SUSPENDED);
        advance_clocks(NAP_MS);
        run_owner(&shared->second);
    }
    expect_code(&shared->second, shared->what == FAIL ? DUR_FAILED : DUR_OK);
    if (shared->what == HEARTBEAT) assert_int_equal(shared->second.heartbeat, DUR_OK);
}

static void an_owner_that_was_replaced_changes_nothing(void **state)
{
    (void)state;
    for (int what = 0; what < ACTS; what++) {
        pid_t first;

        begin((act)what, false);
        first = pause_first();
        run_owner(&shared->second);
        wake_first(first);
        expect_second_unharmed();
        end();
    }
}

static void an_owner_that_was_replaced_does_not_disturb_the_next_at_work(void **state)
{
    (void)state;
    for (int what = 0; what < ACTS; what++) {
        pid_t first, second;
        process_end gone;

        begin((act)what, false);
        first = pause_first();
        shared->second.is_held = true;
        second = process_start(own, &shared->second);
        assert_true(process_gate_wait(&shared->second.arrived));
        wake_first(first);
        process_gate_open(&shared->second.go_on);
        gone = process_wait(second);
        assert_true(gone.exited && gone.code == 0);
        shared->second.is_held = false;
        expect_second_unharmed();
        end();
    }
}

/* Nobody has replaced it yet: late as it is, it still holds the run. */
static void an_owner_that_nobody_has_replaced_goes_on(void **state)
{
    (void)state;
    for (int what = 0; what < ACTS; what++) {
        static const int expected[ACTS] = {
            [FAIL_FOR_A_RETRY] = DUR_SUSPENDED, [NOT_YET] = DUR_SUSPENDED,
            [SLEEP] = DUR_SUSPENDED,            [RECEIVE_IN_VAIN] = DUR_SUSPENDED,
            [CALLBACK] = DUR_SUSPENDED,         [AWAIT] = DUR_SUSPENDED,
            [FAIL] = DUR_FAILED};
        process_end gone;
        pid_t first;

        begin((act)what, false);
        first = pause_first();
        process_gate_open(&shared->first.go_on);
        process_continue(first);
        gone = process_wait(first);
        assert_true(gone.exited && gone.code == 0);
        expect_code(&shared->first, expected[what]);
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_owner_that_was_replaced_changes_nothing),
        cmocka_unit_test(an_owner_that_was_replaced_does_not_disturb_the_next_at_work),
        cmocka_unit_test(an_owner_that_nobody_has_replaced_goes_on),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
