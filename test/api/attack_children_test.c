/* test/api: what was found by attacking families: requests to end that come between positions that
 * are open at once or behind the workflow's return, and children that lay hands on their parent. */
#include "api/family.h"

#define SECOND INT64_C(1000)

typedef struct attacked {
    family base;
    dur_log *log;
    dur_workflow *parent;
    bool undo_fails;
    bool crashes;
    int undone;
    dur_run *by_hand; /* a parent without a callback */
} attacked;

static int child_waits(dur_run *run, void *user)
{
    attacked *it = user;

    it->base.child_passes++;
    if (dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    return 0;
}

static void open_attacked(attacked *it, test_host *host, dur_workflow *parent)
{
    dur_options options = host_options(host);

    memset(it, 0, sizeof *it);
    it->base = family_of(host, NULL);
    it->parent = parent;
    assert_code(DUR_OK, dur_open(host->db, &options, &it->log), it->log);
    assert_code(DUR_OK, dur_register(it->log, "child", child_waits, it), it->log);
}

static int go(attacked *it)
{
    return dur_execute(it->log, "parent", PARENT, NULL, it->parent, it);
}

static bool is_cancelling(dur_log *log, const char *id)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_OK, dur_read_run(log, id, &info), log);
    return info.cancelling;
}

/* ---- Behind the return ----------------------------------------------------------------------- */

static int undo_work(dur_step *step, void *user)
{
    attacked *it = user;

    if (it->undo_fails) return dur_record_failure(step, "not now");
    it->undone++;
    return dur_record_result(step, dur_null());
}

static int works_and_leaves_a_child(dur_run *run, void *user)
{
    attacked *it = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_step *child;

    it->base.passes++;
    options.retry = &it->base.retry;
    options.undo = undo_work;
    options.user = it;
    DUR_STEP_VOID(run, "work", &options) { it->base.bodies++; }
    return dur_start_child(run, "one", "child", NULL, &child) == DUR_OK ? 0 : 1;
}

/* It has returned, waits for its child, and hears there that it is to end; what it undoes takes two
 * passes. The second one hears it at the same place. */
static void a_request_heard_behind_the_return_is_heard_there_again(void **state)
{
    attacked it;

    open_attacked(&it, *state, works_and_leaves_a_child);
    assert_code(DUR_SUSPENDED, go(&it), it.log);
    assert_code(DUR_OK, dur_cancel(it.log, PARENT), it.log);
    it.undo_fails = true;
    assert_code(DUR_SUSPENDED, go(&it), it.log);
    fake_clock_advance(&it.base.host->clock, 5 * SECOND);
    it.undo_fails = false;
    assert_code(DUR_CANCELLED, go(&it), it.log);
    assert_int_equal(1, it.undone);
    assert_int_equal(1, it.base.bodies);
    assert_int_equal(DUR_RUN_CANCELLED, family_status(it.log, PARENT));
    assert_true(is_cancelling(it.log, "the-run/2"));
    dur_close(it.log);
}

/* ---- Between open positions ------------------------------------------------------------------ */

static int opens_and_calls(dur_run *run, void *user)
{
    attacked *it = user;
    dur_step *open = NULL;

    it->base.passes++;
    if (dur_begin_step(run, "open", NULL, &open) < 0) return 0;
    it->base.code = dur_call(run, "one", NULL, child_waits, it, NULL);
    if (it->base.code == DUR_OK) dur_record_result(open, dur_null());
    return 0;
}

/* A step without an outcome stands before the child: the child hears of it first all the same. */
static void an_open_step_before_a_child_does_not_hear_first(void **state)
{
    attacked it;

    open_attacked(&it, *state, opens_and_calls);
    assert_code(DUR_SUSPENDED, go(&it), it.log);
    assert_code(DUR_OK, dur_cancel(it.log, PARENT), it.log);
    assert_code(DUR_CANCELLED, go(&it), it.log);
    assert_int_equal(DUR_CANCELLED, it.base.code);
    assert_int_equal(DUR_RUN_CANCELLED, family_status(it.log, "the-run/2"));
    assert_int_equal(DUR_RUN_CANCELLED, family_status(it.log, PARENT));
    dur_close(it.log);
}

static int opens_and_starts(dur_run *run, void *user)
{
    attacked *it = user;
    dur_step *open = NULL, *child;

    it->base.passes++;
    if (dur_begin_step(run, "open", NULL, &open) < 0) return 0;
    if (dur_start_child(run, "one", "child", NULL, &child) != DUR_OK) return 0;
    if (dur_sleep(run, "pause", 10 * SECOND) != DUR_OK) return 0;
    dur_record_result(open, dur_null());
    return dur_await(child, NULL) == DUR_OK ? 0 : 1;
}

/* Nor does it hide a started child, which is to end with its parent. */
static void an_open_step_before_a_started_child_does_not_hide_it(void **state)
{
    attacked it;

    open_attacked(&it, *state, opens_and_starts);
    assert_code(DUR_SUSPENDED, go(&it), it.log);
    assert_code(DUR_OK, dur_cancel(it.log, PARENT), it.log);
    assert_code(DUR_CANCELLED, go(&it), it.log);
    assert_int_equal(DUR_RUN_CANCELLED, family_status(it.log, PARENT));
    assert_true(is_cancelling(it.log, "the-run/2"));
    dur_close(it.log);
}

static int fails_beside_a_child(dur_run *run, void *user)
{
    attacked *it = user;
    dur_step *open = NULL, *child;

    it->base.passes++;
    if (dur_begin_step(run, "open", NULL, &open) < 0) return 0;
    if (dur_start_child(run, "one", "child", NULL, &child) != DUR_OK) return 0;
    if (open) dur_record_failure(open, "no luck");
    if (it->crashes) dur_stop(run, "crash");
    return 0;
}

/* Its parent fails before it asks for it again: the child is cancelled as in a single pass. */
static void a_child_beside_a_failure_is_cancelled_by_a_later_pass(void **state)
{
    attacked it;

    open_attacked(&it, *state, fails_beside_a_child);
    it.crashes = true;
    assert_code(DUR_STOPPED, go(&it), it.log);
    it.crashes = false;
    assert_code(DUR_FAILED, go(&it), it.log);
    assert_int_equal(DUR_RUN_FAILED, family_status(it.log, PARENT));
    assert_true(is_cancelling(it.log, "the-run/2"));
    dur_close(it.log);
}

/* ---- Parked together ------------------------------------------------------------------------- */

static int gives_up(dur_run *run, void *user)
{
    attacked *it = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    it->base.retry.max_attempts = 1;
    it->base.retry.exhausted = DUR_EXHAUSTED_PARK;
    options.retry = &it->base.retry;
    DUR_STEP_VOID(run, "flaky", &options) { dur_fail(run, "down"); }
    return 0;
}

static int calls_and_catches(dur_run *run, void *user)
{
    attacked *it = user;

    it->base.code = dur_call(run, "one", NULL, gives_up, it, NULL);
    catch_failure(&it->base, run);
    return 0;
}

/* A child that was parked has parked its parent: asked to end, both are taken up again. */
static void a_parked_child_that_is_to_end_takes_its_parent_along(void **state)
{
    attacked it;

    open_attacked(&it, *state, calls_and_catches);
    it.base.catches = true;
    assert_code(DUR_OK, dur_register(it.log, "parent", calls_and_catches, &it), it.log);
    assert_code(DUR_OK, dur_start(it.log, "parent", PARENT, NULL), it.log);
    assert_code(DUR_OK, dur_work(it.log, NULL, NULL), it.log);
    assert_int_equal(DUR_RUN_PARKED, family_status(it.log, PARENT));
    assert_code(DUR_OK, dur_cancel(it.log, CHILD), it.log);
    assert_code(DUR_OK, dur_work(it.log, NULL, NULL), it.log);
    assert_int_equal(DUR_RUN_CANCELLED, family_status(it.log, CHILD));
    assert_int_equal(DUR_COMPLETED, family_status(it.log, PARENT));
    dur_close(it.log);
}

/* ---- Hands on the parent --------------------------------------------------------------------- */

static int closes_parent(dur_run *run, void *user)
{
    attacked *it = user;

    (void)run;
    dur_close_run(it->by_hand);
    return 0;
}

/* A parent without a callback is not to be closed under its own call. */
static void a_child_cannot_close_its_parent(void **state)
{
    attacked it;

    open_attacked(&it, *state, NULL);
    assert_code(DUR_OK, dur_begin_run(it.log, "parent", PARENT, NULL, &it.by_hand), it.log);
    assert_int_equal(DUR_MISUSE, dur_call(it.by_hand, "one", NULL, closes_parent, &it, NULL));
    assert_has(dur_run_errmsg(it.by_hand), "dur_close_run()");
    dur_close_run(it.by_hand);
    assert_code(DUR_OK, dur_begin_run(it.log, "parent", PARENT, NULL, &it.by_hand), it.log);
    dur_close_run(it.by_hand);
    dur_close(it.log);
}

static int names_itself(dur_run *run, void *user)
{
    attacked *it = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;

    options.run_id = PARENT;
    it->base.code = dur_call(run, "one", &options, child_waits, it, NULL);
    return 0;
}

/* Its parent's id names another run than the child. */
static void a_child_cannot_be_its_parent(void **state)
{
    attacked it;

    open_attacked(&it, *state, names_itself);
    assert_code(DUR_CONFLICT, go(&it), it.log);
    assert_int_equal(DUR_CONFLICT, it.base.code);
    assert_int_equal(0, it.base.child_passes);
    dur_close(it.log);
}

/* ---- Transactions of the host's -------------------------------------------------------------- */

static int starts_in_a_lost_transaction(dur_run *run, void *user)
{
    attacked *it = user;
    sqlite3 *db = it->base.host->db;
    dur_step *child;

    if (it->crashes) host_run(db, "BEGIN");
    if (dur_start_child(run, "one", "child", &it->base.options, &child) != DUR_OK) return 0;
    if (it->crashes) host_run(db, "ROLLBACK");
    DUR_STEP(run, "work") { it->base.bodies++; }
    if (it->crashes) host_run(db, "BEGIN");
    if (it->base.catches) it->base.code = dur_await(child, NULL);
    return 0;
}

/* The child is gone with the transaction in which it was started: the run is told, and starts it
 * again, also where it waits for it within the next transaction. */
static void a_parent_does_not_wait_for_a_child_that_never_was(void **state)
{
    attacked it;

    open_attacked(&it, *state, starts_in_a_lost_transaction);
    it.crashes = it.base.catches = true;
    assert_code(DUR_ROLLED_BACK, go(&it), it.log);
    host_run(it.base.host->db, "COMMIT");
    it.crashes = false;
    assert_code(DUR_SUSPENDED, go(&it), it.log);
    assert_int_equal(1, it.base.bodies);
    assert_int_equal(DUR_RUNNING, family_status(it.log, "the-run/1"));
    dur_close(it.log);
}

/* Nor does it complete without one that is to outlive it. */
static void a_parent_does_not_leave_a_child_that_never_was(void **state)
{
    attacked it;

    open_attacked(&it, *state, starts_in_a_lost_transaction);
    it.base.options.on_parent_end = DUR_CHILD_LEAVE;
    it.crashes = true;
    assert_code(DUR_ROLLED_BACK, go(&it), it.log);
    host_run(it.base.host->db, "COMMIT");
    it.crashes = false;
    assert_code(DUR_OK, go(&it), it.log);
    assert_int_equal(1, it.base.bodies);
    assert_int_equal(DUR_RUNNING, family_status(it.log, "the-run/1"));
    dur_close(it.log);
}

/* ---- Clocks ---------------------------------------------------------------------------------- */

static int64_t slow_clock(void *user)
{
    const attacked *it = user;

    return it->base.host->clock.now_ms - 5 * SECOND;
}

static void executes_with_a_slow_clock(dur_job *const *jobs, size_t count, void *user)
{
    attacked *it = user;
    dur_options options = DUR_OPTIONS_INIT;
    sqlite3 *db = host_connect(it->base.host, SQLITE_OPEN_READWRITE);
    dur_log *log;

    options.now_ms = slow_clock;
    options.user = it;
    assert_code(DUR_OK, dur_open(db, &options, &log), log);
    for (size_t i = 0; i < count; i++) dur_run_job(jobs[i], log);
    dur_close(log);
    sqlite3_close(db);
}

static int branch(dur_run *run, void *user)
{
    attacked *it = user;

    DUR_STEP(run, "work") { it->base.bodies++; }
    return 0;
}

static int fans_out(dur_run *run, void *user)
{
    attacked *it = user;
    const dur_branch branches[] = {{"one", branch, it, dur_null()},
                                   {"two", branch, it, dur_null()}};
    dur_batch_options options = DUR_BATCH_OPTIONS_INIT;

    options.execute = executes_with_a_slow_clock;
    options.user = it;
    it->base.code = dur_parallel(run, "fan", branches, 2, &options, NULL);
    return 0;
}

/* The branches are put into the log by a clock that goes before those of the threads: they are
 * executed all the same, as nobody would wake the run for them later. */
static void a_branch_is_begun_by_whatever_clock(void **state)
{
    attacked it;

    open_attacked(&it, *state, fans_out);
    assert_code(DUR_OK, go(&it), it.log);
    assert_int_equal(2, it.base.bodies);
    dur_close(it.log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_request_heard_behind_the_return_is_heard_there_again),
        IN_EVERY_JOURNAL(an_open_step_before_a_child_does_not_hear_first),
        IN_EVERY_JOURNAL(an_open_step_before_a_started_child_does_not_hide_it),
        IN_EVERY_JOURNAL(a_child_beside_a_failure_is_cancelled_by_a_later_pass),
        IN_EVERY_JOURNAL(a_parked_child_that_is_to_end_takes_its_parent_along),
        IN_MEMORY(a_child_cannot_close_its_parent),
        IN_MEMORY(a_child_cannot_be_its_parent),
        IN_EVERY_JOURNAL(a_parent_does_not_wait_for_a_child_that_never_was),
        IN_EVERY_JOURNAL(a_parent_does_not_leave_a_child_that_never_was),
        IN_WAL(a_branch_is_begun_by_whatever_clock),
    };

    return cmocka_run_group_tests_name("api.attack_children", tests, NULL, NULL);
}
