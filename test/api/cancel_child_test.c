/* test/api: requests to end and deadlines of families: they pass down to the innermost, which gets
 * them first, and its parents clean up after it. */
#include "api/family.h"

#define SECOND INT64_C(1000)

static int64_t cleaned(family *it)
{
    return host_number(it->host->db, "SELECT count(*) FROM durable_steps_view"
                                     " WHERE name = 'clean'");
}

/* Waits, and cleans up where it is to end. */
static int waits(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    if (dur_receive(run, "go", DUR_FOREVER, NULL) == DUR_OK) dur_set_output(run, dur_text("went"));
    if (!dur_cancelled(run)) return 0;
    DUR_STEP(run, "clean") { it->bodies++; }
    return 0;
}

/* Cleans up behind its child. */
static int tidy_parent(dur_run *run, void *user)
{
    family *it = user;

    it->passes++;
    it->code = dur_call(run, "child", &it->options, it->child, it, &it->value);
    catch_failure(it, run);
    DUR_STEP(run, "after") { it->bodies += 100; }
    if (!dur_cancelled(run)) return 0;
    DUR_STEP(run, "clean") { it->bodies += 10; }
    return 0;
}

static int execute(family *it, dur_log *log)
{
    return dur_execute(log, "parent", PARENT, NULL, tidy_parent, it);
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* The child hears of it first, and cleans up; then the parent, before it has to catch anything.
 * What the child came to is the parent's row. */
static void a_request_reaches_the_child_first(void **state)
{
    family it = family_of(*state, waits);
    dur_log *log = host_log(it.host);

    it.catches = true;
    assert_code(DUR_SUSPENDED, execute(&it, log), log);
    assert_code(DUR_OK, dur_cancel(log, PARENT), log);
    assert_code(DUR_CANCELLED, execute(&it, log), log);
    assert_int_equal(DUR_CANCELLED, it.code);
    assert_string_equal("", it.caught);
    assert_int_equal(11, it.bodies);
    assert_int_equal(DUR_RUN_CANCELLED, family_status(log, CHILD));
    assert_int_equal(DUR_RUN_CANCELLED, family_status(log, PARENT));
    assert_int_equal(2, cleaned(&it));
    dur_close(log);
}

/* The innermost of three first. */
static int middle(dur_run *run, void *user)
{
    family *it = user;

    if (dur_call(run, "inner", NULL, waits, it, NULL) == DUR_SUSPENDED) return 0;
    dur_catch(run);
    DUR_STEP(run, "after") { it->bodies += 1000; }
    if (!dur_cancelled(run)) return 0;
    DUR_STEP(run, "clean") { it->bodies += 5; }
    return 0;
}

static void a_request_reaches_the_innermost_first(void **state)
{
    family it = family_of(*state, middle);
    dur_log *log = host_log(it.host);
    int64_t wake_ms = 0;

    it.catches = true;
    assert_code(DUR_OK, dur_register(log, "parent", tidy_parent, &it), log);
    assert_code(DUR_OK, dur_start(log, "parent", PARENT, NULL), log);
    assert_code(DUR_OK, dur_work(log, NULL, &wake_ms), log);
    assert_true(wake_ms == -1);
    assert_code(DUR_OK, dur_cancel(log, PARENT), log);
    assert_code(DUR_OK, dur_work(log, NULL, &wake_ms), log);
    assert_int_equal(16, it.bodies);
    assert_int_equal(3, host_number(it.host->db, "SELECT count(*) FROM durable_runs_view"
                                                 " WHERE status = 'cancelled'"));
    assert_int_equal(3, cleaned(&it));
    dur_close(log);
}

static int cleans_slowly(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    if (dur_receive(run, "go", DUR_FOREVER, NULL) == DUR_OK) return 0;
    if (!dur_cancelled(run)) return 0;
    if (dur_sleep(run, "settle", 5 * SECOND) != DUR_OK) return 0;
    DUR_STEP(run, "clean") { it->bodies++; }
    return 0;
}

/* The parent waits for the child's clean-up, without spinning: it is due when that is. */
static void the_parent_waits_for_its_childs_clean_up(void **state)
{
    family it = family_of(*state, cleans_slowly);
    dur_log *log = host_log(it.host);
    dur_run_info info = DUR_RUN_INFO_INIT;

    it.catches = true;
    assert_code(DUR_SUSPENDED, execute(&it, log), log);
    assert_code(DUR_OK, dur_cancel(log, PARENT), log);
    assert_code(DUR_SUSPENDED, execute(&it, log), log);
    assert_code(DUR_OK, dur_read_run(log, PARENT, &info), log);
    assert_true(info.wake_ms == it.host->clock.now_ms + 5 * SECOND);
    assert_code(DUR_SUSPENDED, execute(&it, log), log);
    assert_int_equal(2, it.passes);
    fake_clock_advance(&it.host->clock, 5 * SECOND);
    assert_code(DUR_CANCELLED, execute(&it, log), log);
    assert_int_equal(11, it.bodies);
    dur_close(log);
}

/* The child alone is asked to end: its parent goes on with that. */
static void a_request_to_the_child_alone(void **state)
{
    family it = family_of(*state, waits);
    dur_log *log = host_log(it.host);
    dur_run_info info = DUR_RUN_INFO_INIT;

    it.catches = true;
    assert_code(DUR_SUSPENDED, execute(&it, log), log);
    assert_code(DUR_OK, dur_cancel(log, CHILD), log);
    assert_code(DUR_OK, dur_read_run(log, PARENT, &info), log);
    assert_true(info.wake_ms == it.host->clock.now_ms);
    assert_false(info.cancelling);
    assert_code(DUR_OK, execute(&it, log), log);
    assert_string_equal("cancelled", it.caught);
    assert_int_equal(101, it.bodies);
    assert_int_equal(DUR_COMPLETED, family_status(log, PARENT));
    dur_close(log);
}

/* A child that has not begun when the request comes is not begun. */
static void a_child_that_was_not_begun_is_not_called(void **state)
{
    family it = family_of(*state, waits);
    dur_log *log = host_log(it.host);

    assert_code(DUR_OK, dur_start(log, "parent", PARENT, NULL), log);
    assert_code(DUR_OK, dur_cancel(log, PARENT), log);
    assert_code(DUR_CANCELLED, execute(&it, log), log);
    assert_int_equal(DUR_CANCELLED, it.code);
    assert_int_equal(0, it.child_passes);
    assert_int_equal(10, it.bodies);
    assert_int_equal(1, host_number(it.host->db, "SELECT count(*) FROM durable_runs"));
    dur_close(log);
}

/* ---- Deadlines ------------------------------------------------------------------------------- */

static int execute_until(family *it, dur_log *log, int64_t deadline_ms)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.deadline_ms = deadline_ms;
    return dur_execute(log, "parent", PARENT, &start, tidy_parent, it);
}

/* The wait does not outlast it, by a ms; both end as timed out, after their clean-up. */
static void a_deadline_passes_down(void **state)
{
    family it = family_of(*state, waits);
    dur_log *log = host_log(it.host);
    int64_t deadline_ms = FAKE_CLOCK_START_MS + 7 * SECOND;
    dur_run_info info = DUR_RUN_INFO_INIT;

    it.catches = true;
    assert_code(DUR_SUSPENDED, execute_until(&it, log, deadline_ms), log);
    assert_code(DUR_OK, dur_read_run(log, CHILD, &info), log);
    assert_true(info.deadline_ms == deadline_ms);
    assert_string_equal("", info.queue);
    assert_code(DUR_OK, dur_read_run(log, PARENT, &info), log);
    assert_true(info.deadline_ms == deadline_ms);
    assert_true(info.wake_ms == deadline_ms);
    fake_clock_advance(&it.host->clock, 7 * SECOND - 1);
    assert_code(DUR_SUSPENDED, execute(&it, log), log);
    assert_int_equal(1, it.passes);
    fake_clock_advance(&it.host->clock, 1);
    assert_code(DUR_TIMED_OUT, execute(&it, log), log);
    assert_int_equal(DUR_TIMED_OUT, it.code);
    assert_string_equal("", it.caught);
    assert_int_equal(11, it.bodies);
    assert_int_equal(2, host_number(it.host->db, "SELECT count(*) FROM durable_runs_view"
                                                 " WHERE status = 'timed out'"));
    assert_code(DUR_TIMED_OUT, execute(&it, log), log);
    dur_close(log);
}

/* The child's own limit ends the child alone; it is never behind its parent's. */
static void a_childs_limit_ends_the_child_alone(void **state)
{
    family it = family_of(*state, waits);
    dur_log *log = host_log(it.host);

    it.catches = true;
    it.options.timeout_ms = 2 * SECOND;
    assert_code(DUR_SUSPENDED, execute_until(&it, log, FAKE_CLOCK_START_MS + 9 * SECOND), log);
    fake_clock_advance(&it.host->clock, 2 * SECOND);
    assert_code(DUR_OK, execute(&it, log), log);
    assert_string_equal("its deadline has passed", it.caught);
    assert_int_equal(101, it.bodies);
    assert_int_equal(DUR_RUN_TIMED_OUT, family_status(log, CHILD));
    assert_int_equal(DUR_COMPLETED, family_status(log, PARENT));
    dur_close(log);
}

static void a_childs_limit_is_never_behind_its_parents(void **state)
{
    family it = family_of(*state, waits);
    dur_log *log = host_log(it.host);
    dur_run_info info = DUR_RUN_INFO_INIT;

    it.options.timeout_ms = 100 * SECOND;
    assert_code(DUR_SUSPENDED, execute_until(&it, log, FAKE_CLOCK_START_MS + SECOND), log);
    assert_code(DUR_OK, dur_read_run(log, CHILD, &info), log);
    assert_true(info.deadline_ms == FAKE_CLOCK_START_MS + SECOND);
    dur_close(log);
}

static int sleeps_long(dur_run *run, void *user)
{
    family *it = user;

    it->passes++;
    it->code = dur_sleep(run, "long", 100 * SECOND);
    return 0;
}

static int awaits_for_ever(dur_run *run, void *user)
{
    family *it = user;
    dur_step *callback = NULL;

    it->passes++;
    if (dur_begin_callback(run, "answer", NULL, &callback) != DUR_OK) return 0;
    it->code = dur_await(callback, NULL);
    return 0;
}

static int receives_for_ever(dur_run *run, void *user)
{
    family *it = user;

    it->passes++;
    it->code = dur_receive(run, "go", DUR_FOREVER, NULL);
    return 0;
}

static int selects_for_ever(dur_run *run, void *user)
{
    family *it = user;
    dur_case one = dur_on_signal("go");
    size_t which;

    it->passes++;
    it->code = dur_select(run, "any", &one, 1, &which);
    return 0;
}

static int tries_for_ever(dur_run *run, void *user)
{
    family *it = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    it->passes++;
    it->retry.initial_ms = 100 * SECOND;
    options.retry = &it->retry;
    DUR_STEP_VOID(run, "flaky", &options) {
        it->bodies++;
        dur_fail(run, "down");
    }
    return 0;
}

/* Whatever it waits for: woken by a worker at its deadline, and timed out. */
static void a_deadline_ends_each_kind_of_wait(void **state)
{
    static dur_workflow *const workflows[] = {sleeps_long, awaits_for_ever, receives_for_ever,
                                              selects_for_ever, tries_for_ever};
    dur_log *log = host_log(*state);
    char id[8];

    for (size_t i = 0; i < sizeof workflows / sizeof workflows[0]; i++) {
        family it = family_of(*state, NULL);
        dur_start_options start = DUR_START_OPTIONS_INIT;
        int64_t wake_ms = 0;

        start.deadline_ms = it.host->clock.now_ms + 10 * SECOND;
        snprintf(id, sizeof id, "r%d", (int)i);
        assert_code(DUR_OK, dur_register(log, "w", workflows[i], &it), log);
        assert_code(DUR_OK, dur_start(log, "w", id, &start), log);
        assert_code(DUR_OK, dur_work(log, NULL, &wake_ms), log);
        assert_true(wake_ms == 10 * SECOND);
        fake_clock_advance(&it.host->clock, wake_ms);
        assert_code(DUR_OK, dur_work(log, NULL, &wake_ms), log);
        assert_int_equal(2, it.passes);
        assert_int_equal(DUR_RUN_TIMED_OUT, family_status(log, id));
        assert_true(it.bodies <= 1);
    }
    dur_close(log);
}

static int slow_body(dur_run *run, void *user)
{
    family *it = user;

    it->passes++;
    DUR_STEP(run, "slow") { fake_clock_advance(&it->host->clock, 20 * SECOND); }
    DUR_STEP(run, "next") { it->bodies++; }
    return 0;
}

/* A body that runs is not interrupted, and its outcome is recorded; the next one does not begin. */
static void a_body_that_runs_is_not_interrupted(void **state)
{
    family it = family_of(*state, NULL);
    dur_log *log = host_log(it.host);
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.deadline_ms = FAKE_CLOCK_START_MS + 10 * SECOND;
    assert_code(DUR_TIMED_OUT, dur_execute(log, "w", PARENT, &start, slow_body, &it), log);
    assert_int_equal(0, it.bodies);
    assert_int_equal(1, host_number(it.host->db, "SELECT count(*) FROM durable_steps_view"
                                                 " WHERE name = 'slow' AND kind = 'step'"));
    assert_int_equal(1, host_number(it.host->db, "SELECT count(*) FROM durable_steps_view"
                                                 " WHERE name = 'deadline' AND kind = 'cancel'"
                                                 " AND position = 2"));
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_request_reaches_the_child_first),
        IN_EVERY_JOURNAL(a_request_reaches_the_innermost_first),
        IN_EVERY_JOURNAL(the_parent_waits_for_its_childs_clean_up),
        IN_EVERY_JOURNAL(a_request_to_the_child_alone),
        IN_EVERY_JOURNAL(a_child_that_was_not_begun_is_not_called),
        IN_EVERY_JOURNAL(a_deadline_passes_down),
        IN_EVERY_JOURNAL(a_childs_limit_ends_the_child_alone),
        IN_MEMORY(a_childs_limit_is_never_behind_its_parents),
        IN_EVERY_JOURNAL(a_deadline_ends_each_kind_of_wait),
        IN_MEMORY(a_body_that_runs_is_not_interrupted),
    };

    return cmocka_run_group_tests_name("api.cancel_child", tests, NULL, NULL);
}
