/*
 * test/crash: traps that other engines fell into, each by its name: a run stuck after an expired
 * lease, a zombie's result accepted, a write lock taken by an idle poll, a lease shorter than the
 * longest step. Two owners are two logs on two connections to one file; their clock is the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/host.h"

#include <string.h>

#define LEASE_MS 1000
#define RUN_ID "the-run"
#define WORKFLOW "trap"

/* The second owner, and what it is told. */
typedef struct world {
    test_host *host;
    dur_log *first;
    dur_log *second;
    fake_clock second_clock;
    int passes;
    int code;
    int readings; /* of a clock that lets others write */
    int64_t next_wake_ms;
} world;

static int one_step(dur_run *run, void *user)
{
    int64_t value = 0;

    (void)user;
    DUR_STEP (run, "only", value)
        value = 2;
    return dur_ok(run) && dur_set_output(run, dur_integer(value)) == DUR_OK ? 0 : 1;
}

static dur_log *open_log(sqlite3 *db, fake_clock *clock)
{
    dur_options options = DUR_OPTIONS_INIT;
    dur_log *log = NULL;

    fake_clock_install(clock, &options);
    options.lease_ms = LEASE_MS;
    assert_code(DUR_OK, dur_open(db, &options, &log), log);
    return log;
}

static void begin(world *it, test_host *host)
{
    memset(it, 0, sizeof *it);
    it->host = host;
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    fake_clock_init(&it->second_clock, 2);
    it->first = open_log(host->db, &host->clock);
    it->second = open_log(host->other, &it->second_clock);
    assert_code(DUR_OK, dur_register(it->second, WORKFLOW, one_step, NULL), it->second);
}

static void end(world *it)
{
    dur_close(it->first);
    dur_close(it->second);
}

static void advance(world *it, int64_t by_ms)
{
    fake_clock_advance(&it->host->clock, by_ms);
    fake_clock_advance(&it->second_clock, by_ms);
}

static void note_pass(const char *workflow, const char *run_id, int code, const char *message,
                      void *user)
{
    world *it = user;

    (void)workflow;
    (void)run_id;
    (void)message;
    it->passes++;
    it->code = code;
}

/* One call of dur_work() by the second owner; gives the number of its passes. */
static int work(world *it)
{
    dur_work_options options = DUR_WORK_OPTIONS_INIT;

    options.passed = note_pass;
    options.user = it;
    it->passes = 0;
    assert_code(DUR_OK, dur_work(it->second, &options, &it->next_wake_ms), it->second);
    return it->passes;
}

static void expect_lost(int code, const dur_run *run)
{
    if (code != DUR_LOST) print_error("%s: %s\n", dur_code_name(code), dur_run_errmsg(run));
    assert_int_equal(code, DUR_LOST);
}

/* ---- A run stuck after an expired lease ------------------------------------------------------ */

/* The owner lives, and does nothing any more. The worker knows to the millisecond when it may have
 * the run, and then has it. */
static void no_run_is_stuck_after_an_expired_lease(void **state)
{
    world it;
    dur_run *run = NULL;

    begin(&it, *state);
    assert_code(DUR_OK, dur_begin_run(it.first, WORKFLOW, RUN_ID, NULL, &run), it.first);
    advance(&it, 1);
    assert_int_equal(work(&it), 0);
    assert_int_equal(it.next_wake_ms, LEASE_MS - 1);
    advance(&it, it.next_wake_ms - 1);
    assert_int_equal(work(&it), 0);
    assert_int_equal(it.next_wake_ms, 1);
    advance(&it, 1);
    assert_int_equal(work(&it), 1);
    assert_int_equal(it.code, DUR_OK);
    assert_int_equal(it.next_wake_ms, -1);
    assert_int_equal(it.second_clock.sleeps, 0);
    dur_close_run(run);
    end(&it);
}

/* The same in a queue whose only place the dead claim takes. */
static void no_queue_is_stuck_after_an_expired_lease(void **state)
{
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;
    world it;
    dur_run *run = NULL;

    begin(&it, *state);
    limits.max_active = 1;
    assert_code(DUR_OK, dur_serve_queue(it.second, WORKFLOW, &limits), it.second);
    assert_code(DUR_OK, dur_begin_run(it.first, WORKFLOW, RUN_ID, NULL, &run), it.first);
    assert_code(DUR_OK, dur_start(it.first, WORKFLOW, "another", NULL), it.first);
    assert_int_equal(work(&it), 0);
    advance(&it, LEASE_MS);
    assert_int_equal(work(&it), 2);
    dur_close_run(run);
    end(&it);
}

/* ---- A zombie's result accepted -------------------------------------------------------------- */

static void no_zombies_result_is_accepted(void **state)
{
    world it;
    dur_run *run = NULL;
    dur_step *step = NULL;
    dur_value output;
    char *before;

    begin(&it, *state);
    assert_code(DUR_OK, dur_begin_run(it.first, WORKFLOW, RUN_ID, NULL, &run), it.first);
    assert_code(DUR_EXECUTE, dur_begin_step(run, "only", NULL, &step), it.first);
    advance(&it, LEASE_MS);
    assert_int_equal(work(&it), 1);
    before = host_log_rows(it.host->other, "main");
    expect_lost(dur_record_result(step, dur_integer(1)), run);
    expect_lost(dur_complete_run(run, dur_integer(1)), run);
    dur_close_run(run);
    assert_same(before, host_log_rows(it.host->other, "main"));
    assert_code(DUR_OK, dur_execute(it.first, WORKFLOW, RUN_ID, NULL, one_step, NULL), it.first);
    output = dur_output(it.first);
    assert_int_equal(output.as.integer, 2);
    end(&it);
}

/* ---- A write lock taken by an idle poll ------------------------------------------------------ */

/* All that may be there while nothing is due: a sleeper, one that waits for a signal, one that a
 * live owner holds, one of a workflow that nobody here knows, and one that has ended. */
static int sleeps_long(dur_run *run, void *user)
{
    (void)user;
    return dur_sleep(run, "nap", 86400000) == DUR_OK ? 0 : 1;
}

static int listens(dur_run *run, void *user)
{
    (void)user;
    return dur_receive(run, "go", DUR_FOREVER, NULL) == DUR_OK ? 0 : 1;
}

static void fill(const world *it, dur_run **held)
{
    dur_log *log = it->first;
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;

    limits.max_active = 3;
    limits.max_starts = 1000000;
    assert_code(DUR_OK, dur_serve_queue(it->second, WORKFLOW, &limits), it->second);
    assert_code(DUR_SUSPENDED, dur_execute(log, WORKFLOW, "sleeper", NULL, sleeps_long, NULL), log);
    assert_code(DUR_SUSPENDED, dur_execute(log, WORKFLOW, "listener", NULL, listens, NULL), log);
    assert_code(DUR_OK, dur_begin_run(log, WORKFLOW, "held", NULL, held), log);
    assert_code(DUR_OK, dur_start(log, "stranger", "strange", NULL), log);
    assert_code(DUR_OK, dur_execute(log, WORKFLOW, "ended", NULL, one_step, NULL), log);
}

/* Somebody writes all the time: the poll neither waits for it nor is told DUR_BUSY. */
static void an_idle_poll_goes_past_a_held_write_lock(void **state)
{
    world it;
    dur_run *held = NULL;

    begin(&it, *state);
    fill(&it, &held);
    host_run(it.host->db, "BEGIN IMMEDIATE");
    for (int i = 0; i < 3; i++)
        assert_int_equal(work(&it), 0);
    assert_int_equal(it.second_clock.sleeps, 0);
    assert_int_equal(it.next_wake_ms, LEASE_MS);
    host_run(it.host->db, "ROLLBACK");
    dur_close_run(held);
    end(&it);
}

static int64_t write_in_between(void *user)
{
    world *it = user;

    it->readings++;
    assert_int_not_equal(sqlite3_txn_state(it->host->other, NULL), SQLITE_TXN_WRITE);
    host_run(it->host->db, "INSERT INTO written DEFAULT VALUES");
    return FAKE_CLOCK_START_MS;
}

/* Whenever the poll looks at its clock another connection can write, without any waiting. */
static void an_idle_poll_takes_no_write_lock(void **state)
{
    dur_options options = DUR_OPTIONS_INIT;
    world it;
    dur_run *held = NULL;
    int64_t changes;

    begin(&it, *state);
    fill(&it, &held);
    dur_close(it.second);
    host_run(it.host->db, "CREATE TABLE written(id INTEGER PRIMARY KEY)");
    options.now_ms = write_in_between;
    options.user = &it;
    assert_code(DUR_OK, dur_open(it.host->other, &options, &it.second), it.second);
    assert_code(DUR_OK, dur_register(it.second, WORKFLOW, one_step, NULL), it.second);
    assert_code(DUR_OK, dur_serve_queue(it.second, WORKFLOW, NULL), it.second);
    it.readings = 0;
    changes = sqlite3_total_changes(it.host->other);
    for (int i = 0; i < 3; i++)
        assert_code(DUR_OK, dur_work(it.second, NULL, &it.next_wake_ms), it.second);
    assert_true(it.readings >= 3);
    assert_int_equal(sqlite3_total_changes(it.host->other), changes);
    dur_close_run(held);
    end(&it);
}

/* ---- A lease shorter than the longest step --------------------------------------------------- */

#define SLICES 5 /* of a step that takes twice the lease, and half of it */

/* The step's body, in which the other owner tries to have the run. */
typedef struct slow {
    world *it;
    bool beats;
    int64_t lease_ms;
    int executed;
    int taken; /* passes of the other owner meanwhile */
} slow;

static int slow_workflow(dur_run *run, void *user)
{
    slow *step = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int64_t value = 0;

    options.lease_ms = step->lease_ms;
    DUR_STEP (run, "only", value, &options) {
        step->executed++;
        for (int i = 0; i < SLICES; i++) {
            advance(step->it, LEASE_MS / 2);
            if (step->beats &&
                dur_heartbeat(dur_current_step(run), dur_integer(i)) != DUR_OK)
                break;
            step->taken += work(step->it);
        }
        value = 2;
    }
    return dur_ok(run) && dur_set_output(run, dur_integer(value)) == DUR_OK ? 0 : 1;
}

static void heartbeats_keep_a_run_beyond_its_lease(void **state)
{
    world it;
    slow step = {&it, true, 0, 0, 0};

    begin(&it, *state);
    assert_code(DUR_OK, dur_execute(it.first, WORKFLOW, RUN_ID, NULL, slow_workflow, &step),
                it.first);
    assert_int_equal(step.executed, 1);
    assert_int_equal(step.taken, 0);
    end(&it);
}

/* A step that says how long it may take. */
static void a_steps_own_lease_keeps_a_run(void **state)
{
    world it;
    slow step = {&it, false, (SLICES + 1) * LEASE_MS, 0, 0};

    begin(&it, *state);
    assert_code(DUR_OK, dur_execute(it.first, WORKFLOW, RUN_ID, NULL, slow_workflow, &step),
                it.first);
    assert_int_equal(step.executed, 1);
    assert_int_equal(step.taken, 0);
    end(&it);
}

/* Without either: the next owner takes the run over once, and ends it; the first is told at its
 * record, and the result is the other's. */
static void without_heartbeats_the_next_owner_takes_the_run(void **state)
{
    world it;
    slow step = {&it, false, 0, 0, 0};

    begin(&it, *state);
    assert_code(DUR_LOST, dur_execute(it.first, WORKFLOW, RUN_ID, NULL, slow_workflow, &step),
                it.first);
    assert_int_equal(step.executed, 1);
    assert_int_equal(step.taken, 1);
    assert_int_equal(it.code, DUR_OK);
    assert_int_equal(host_number(it.host->db, "SELECT count(*) FROM durable_steps"), 1);
    assert_int_equal(host_number(it.host->db, "SELECT epoch FROM durable_steps"), 2);
    end(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(no_run_is_stuck_after_an_expired_lease),
        ON_DISK(no_queue_is_stuck_after_an_expired_lease),
        ON_DISK(no_zombies_result_is_accepted),
        ON_DISK(an_idle_poll_goes_past_a_held_write_lock),
        ON_DISK(an_idle_poll_takes_no_write_lock),
        ON_DISK(heartbeats_keep_a_run_beyond_its_lease),
        ON_DISK(a_steps_own_lease_keeps_a_run),
        ON_DISK(without_heartbeats_the_next_owner_takes_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
