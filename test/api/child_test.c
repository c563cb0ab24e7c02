/* test/api: children that are called: scopes that are cached, that wait with their parent, and that
 * fail into it. */
#include "api/family.h"

#define SECOND INT64_C(1000)

/* ---- Finished -------------------------------------------------------------------------------- */

static int answers(dur_run *run, void *user)
{
    family *it = user;
    int64_t value = 0;

    it->child_passes++;
    DUR_STEP(run, "compute", value) {
        it->bodies++;
        value = 42;
    }
    dur_set_output(run, dur_integer(value));
    return 0;
}

/* Law 4, and law 8: once finished it is one row of its parent, for which neither its function is
 * called nor its steps are read: they can be gone. */
static void a_finished_child_is_its_parents_row(void **state)
{
    family it = family_of(*state, answers);
    dur_log *log = host_log(it.host);

    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_int_equal(42, dur_output(log).as.integer);
    assert_int_equal(1, family_rows(&it, CHILD));
    assert_int_equal(2, family_rows(&it, PARENT));
    forget_end(&it, PARENT);
    host_run(it.host->db, "DELETE FROM durable_runs WHERE id = %Q", CHILD);
    assert_int_equal(0, family_rows(&it, CHILD));
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_int_equal(42, dur_output(log).as.integer);
    assert_int_equal(2, it.passes);
    assert_int_equal(1, it.child_passes);
    dur_close(log);
}

static int stops_after_the_call(dur_run *run, void *user)
{
    family *it = user;

    it->passes++;
    it->code = dur_call(run, "child", &it->options, it->child, it, &it->value);
    if (it->passes == 1) dur_stop(run, "not now");
    return 0;
}

/* Law 4: a pass that ends behind the call does not call again, on another connection either. */
static void a_finished_child_is_not_called_in_the_next_pass(void **state)
{
    family it = family_of(*state, answers);
    dur_log *log = host_log(it.host);

    assert_code(DUR_STOPPED, dur_execute(log, "parent", PARENT, NULL, stops_after_the_call, &it),
                log);
    dur_close(log);
    log = host_log(it.host);
    assert_code(DUR_OK, dur_execute(log, "parent", PARENT, NULL, stops_after_the_call, &it), log);
    assert_int_equal(42, it.value.as.integer);
    assert_int_equal(1, it.child_passes);
    dur_close(log);
}

/* A child that had ended when its parent's process died, before that had its row: its end is there,
 * and is not made a second time. */
static void a_child_that_ended_before_its_parents_row(void **state)
{
    family it = family_of(*state, answers);
    dur_log *log = host_log(it.host);

    host_run(it.host->db, "CREATE TABLE trouble (on_row INTEGER);"
                          "INSERT INTO trouble VALUES (1);"
                          "CREATE TRIGGER fail_row BEFORE INSERT ON durable_steps"
                          " WHEN abs(NEW.kind) = 6 AND EXISTS (SELECT 1 FROM trouble)"
                          " BEGIN SELECT RAISE(ABORT, 'not now'); END");
    assert_true(family_execute(&it, log) < 0);
    assert_int_equal(DUR_COMPLETED, family_status(log, CHILD));
    host_run(it.host->db, "DELETE FROM trouble");
    dur_close(log);
    log = host_log(it.host);
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_int_equal(42, dur_output(log).as.integer);
    assert_int_equal(1, it.child_passes);
    dur_close(log);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static int sleeps(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    DUR_STEP(run, "before") { it->bodies++; }
    if (dur_sleep(run, "rest", 5 * SECOND) != DUR_OK) return 0;
    dur_set_output(run, dur_text("rested"));
    return 0;
}

/* The parent's wake is the child's, by dur_read_run() and by the view. */
static void a_timer_of_the_child_suspends_both(void **state)
{
    family it = family_of(*state, sleeps);
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_log *log = host_log(it.host);

    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    assert_code(DUR_OK, dur_read_run(log, PARENT, &info), log);
    assert_int_equal(DUR_RUN_SUSPENDED, info.status);
    assert_true(info.wake_ms == FAKE_CLOCK_START_MS + 5 * SECOND);
    assert_int_equal(DUR_RUN_SUSPENDED, family_status(log, CHILD));
    fake_clock_advance(&it.host->clock, 5 * SECOND - 1);
    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    assert_int_equal(1, it.passes);
    fake_clock_advance(&it.host->clock, 1);
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_string_equal("rested", dur_as_text(dur_output(log)));
    assert_int_equal(2, it.child_passes);
    assert_int_equal(1, it.bodies);
    assert_int_equal(0, host_number(it.host->db, "SELECT count(*) FROM durable_pending_view"));
    dur_close(log);
}

/* One worker, which knows the parent's workflow alone, drives both to the end. */
static void a_worker_takes_up_the_parent(void **state)
{
    family it = family_of(*state, sleeps);
    dur_log *log = host_log(it.host);
    int64_t wake_ms = -2;

    assert_code(DUR_OK, dur_register(log, "parent", parent_workflow, &it), log);
    assert_code(DUR_OK, dur_start(log, "parent", PARENT, NULL), log);
    assert_code(DUR_OK, dur_work(log, NULL, &wake_ms), log);
    assert_true(wake_ms == 5 * SECOND);
    fake_clock_advance(&it.host->clock, wake_ms);
    assert_code(DUR_OK, dur_work(log, NULL, &wake_ms), log);
    assert_true(wake_ms == -1);
    assert_int_equal(DUR_COMPLETED, family_status(log, PARENT));
    assert_int_equal(2, it.passes);
    dur_close(log);
}

static int receives(dur_run *run, void *user)
{
    family *it = user;
    dur_value value;

    it->child_passes++;
    if (dur_receive(run, "letter", DUR_FOREVER, &value) == DUR_OK) dur_set_output(run, value);
    return 0;
}

/* It is sent to the child's own id; sent to the parent it is another's. */
static void a_signal_to_the_child_makes_its_parent_due(void **state)
{
    family it = family_of(*state, receives);
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_log *log = host_log(it.host);

    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    assert_code(DUR_OK, dur_signal(log, PARENT, "letter", dur_text("no"), NULL), log);
    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    assert_int_equal(1, it.passes);
    fake_clock_advance(&it.host->clock, SECOND);
    assert_code(DUR_OK, dur_signal(log, CHILD, "letter", dur_text("yes"), NULL), log);
    assert_code(DUR_OK, dur_read_run(log, PARENT, &info), log);
    assert_true(info.wake_ms == FAKE_CLOCK_START_MS + SECOND);
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_string_equal("yes", dur_as_text(dur_output(log)));
    dur_close(log);
}

/* A signal that comes in the same transaction as the look, on another connection: not lost. */
static void a_signal_before_the_wait_is_there(void **state)
{
    family it = family_of(*state, receives);
    dur_log *log = host_log(it.host);

    it.options.run_id = "chosen";
    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    assert_code(DUR_OK, dur_signal(log, "chosen", "letter", dur_integer(1), NULL), log);
    assert_code(DUR_OK, dur_signal(log, "chosen", "letter", dur_integer(2), NULL), log);
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_int_equal(1, dur_output(log).as.integer);
    assert_code(DUR_ENDED, dur_signal(log, "chosen", "letter", dur_integer(3), NULL), log);
    dur_close(log);
}

static int asks(dur_run *run, void *user)
{
    family *it = user;
    dur_step *callback = NULL;
    dur_value value;

    it->child_passes++;
    if (dur_begin_callback(run, "answer", NULL, &callback) != DUR_OK) return 0;
    snprintf(it->token, sizeof it->token, "%s", dur_callback_token(callback));
    if (dur_await(callback, &value) == DUR_OK) dur_set_output(run, value);
    return 0;
}

static void a_callback_of_the_child_is_answered(void **state)
{
    family it = family_of(*state, asks);
    dur_log *log = host_log(it.host);

    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    assert_code(DUR_OK, dur_complete_callback(log, it.token, dur_real(0.5)), log);
    assert_code(DUR_ENDED, dur_complete_callback(log, it.token, dur_real(0.25)), log);
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_true(dur_output(log).as.real == 0.5);
    assert_int_equal(2, it.child_passes);
    dur_close(log);
}

static int retries(dur_run *run, void *user)
{
    family *it = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int64_t attempt = 0;

    it->child_passes++;
    options.retry = &it->retry;
    DUR_STEP(run, "flaky", attempt, &options) {
        attempt = dur_step_attempt(dur_current_step(run));
        if (attempt < 3) dur_fail(run, "down");
    }
    dur_set_output(run, dur_integer(attempt));
    return 0;
}

static void a_pause_before_a_retry_suspends_both(void **state)
{
    family it = family_of(*state, retries);
    dur_log *log = host_log(it.host);

    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    fake_clock_advance(&it.host->clock, SECOND);
    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    fake_clock_advance(&it.host->clock, 2 * SECOND);
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_int_equal(3, dur_output(log).as.integer);
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_finished_child_is_its_parents_row),
        IN_EVERY_JOURNAL(a_finished_child_is_not_called_in_the_next_pass),
        IN_WAL(a_child_that_ended_before_its_parents_row),
        IN_EVERY_JOURNAL(a_timer_of_the_child_suspends_both),
        IN_EVERY_JOURNAL(a_worker_takes_up_the_parent),
        IN_EVERY_JOURNAL(a_signal_to_the_child_makes_its_parent_due),
        IN_MEMORY(a_signal_before_the_wait_is_there),
        IN_EVERY_JOURNAL(a_callback_of_the_child_is_answered),
        IN_EVERY_JOURNAL(a_pause_before_a_retry_suspends_both),
    };

    return cmocka_run_group_tests_name("api.child", tests, NULL, NULL);
}
