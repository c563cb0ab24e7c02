/* test/api: children beside open steps, under code that has changed, and in wrong calls. */
#include "api/family.h"

#define SECOND INT64_C(1000)

static int naps(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    if (dur_sleep(run, "nap", SECOND) != DUR_OK) return 0;
    dur_set_output(run, dur_integer(7));
    return 0;
}

static int start(family *it, dur_run *run, dur_step **child)
{
    *child = NULL;
    return dur_start_child(run, "child", "child", &it->options, child);
}

/* ---- Beside open steps ----------------------------------------------------------------------- */

static int calls_beside_a_step(dur_run *run, void *user)
{
    family *it = user;
    dur_step *step = NULL;
    int code = dur_begin_step(run, "beside", NULL, &step);

    it->passes++;
    if (code != DUR_EXECUTE && code != DUR_REPLAYED) return 0;
    it->code = dur_call(run, "child", NULL, naps, it, &it->value);
    if (code == DUR_EXECUTE) {
        it->bodies++;
        assert_int_equal(DUR_OK, dur_record_result(step, dur_integer(5)));
    }
    return 0;
}

/* The child waits, and the parent with it; but a step that was begun before may be recorded as long
 * as the pass lasts. */
static void a_step_is_open_while_a_child_waits(void **state)
{
    family it = family_of(*state, NULL);
    dur_log *log = host_log(it.host);
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_SUSPENDED,
                dur_execute(log, "parent", PARENT, NULL, calls_beside_a_step, &it), log);
    assert_int_equal(1, family_rows(&it, PARENT));
    assert_code(DUR_OK, dur_read_run(log, PARENT, &info), log);
    assert_int_equal(DUR_RUN_SUSPENDED, info.status);
    assert_true(info.wake_ms == FAKE_CLOCK_START_MS + SECOND);
    fake_clock_advance(&it.host->clock, SECOND);
    assert_code(DUR_OK, dur_execute(log, "parent", PARENT, NULL, calls_beside_a_step, &it), log);
    assert_int_equal(1, it.bodies);
    assert_int_equal(7, it.value.as.integer);
    dur_close(log);
}

static int starts_in_a_body(dur_run *run, void *user)
{
    family *it = user;
    dur_step *child;

    DUR_STEP(run, "outer") { it->code = start(it, run, &child); }
    return 0;
}

static void a_body_starts_no_child_of_its_run(void **state)
{
    family it = family_of(*state, NULL);
    dur_log *log = host_log(it.host);

    assert_code(DUR_MISUSE, dur_execute(log, "parent", PARENT, NULL, starts_in_a_body, &it), log);
    assert_int_equal(DUR_MISUSE, it.code);
    assert_int_equal(1, host_number(it.host->db, "SELECT count(*) FROM durable_runs"));
    dur_close(log);
}

/* ---- Requests that come meanwhile ------------------------------------------------------------ */

static int cancelled_meanwhile(dur_run *run, void *user)
{
    family *it = user;
    dur_log *other;

    it->child_passes++;
    DUR_STEP(run, "body") {
        it->bodies++;
        other = host_log(it->host);
        assert_code(DUR_OK, dur_cancel(other, it->caught), other);
        dur_close(other);
    }
    if (dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    return 0;
}

/* To the parent or to the child, while the child's body runs: both are due at once, and end. */
static void a_request_comes_while_the_child_runs(void **state)
{
    static const char *const ids[] = {PARENT, CHILD};

    for (int i = 0; i < 2; i++) {
        family it = family_of(*state, cancelled_meanwhile);
        dur_log *log = host_log(it.host);
        dur_run_info info = DUR_RUN_INFO_INIT;

        it.catches = i == 0; /* the child's end, which is no failure of the parent's own */
        strcpy(it.caught, ids[i]);
        assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
        assert_code(DUR_OK, dur_read_run(log, PARENT, &info), log);
        assert_true(info.wake_ms == it.host->clock.now_ms);
        assert_code(i ? DUR_FAILED : DUR_CANCELLED, family_execute(&it, log), log);
        assert_int_equal(DUR_RUN_CANCELLED, family_status(log, CHILD));
        assert_int_equal(1, it.bodies);
        host_run(it.host->db, "DELETE FROM durable_runs");
        dur_close(log);
    }
}

/* ---- Code that has changed ------------------------------------------------------------------- */

static int changes(dur_run *run, void *user)
{
    family *it = user;
    dur_step *child;

    it->passes++;
    if (it->bodies == 0) { /* how it was */
        it->code = dur_call(run, "child", NULL, naps, it, NULL);
    } else if (it->bodies == 1) {
        it->code = dur_call(run, "renamed", NULL, naps, it, NULL);
    } else if (it->bodies == 2) {
        DUR_STEP(run, "child") { fail(); }
    } else if (it->bodies == 3) {
        it->code = start(it, run, &child);
        if (it->code == DUR_OK) it->code = dur_await(child, NULL);
    }
    return 0;
}

/* Law 5: another name, a step instead of a child, a started child instead of a called one, nothing
 * at all: the run is parked, nothing is executed; mended, it goes on. */
static void a_child_that_is_asked_for_otherwise_diverges(void **state)
{
    for (int change = 1; change <= 4; change++) {
        family it = family_of(*state, NULL);
        dur_log *log = host_log(it.host);

        assert_code(DUR_SUSPENDED, dur_execute(log, "parent", PARENT, NULL, changes, &it), log);
        fake_clock_advance(&it.host->clock, SECOND);
        it.bodies = change;
        assert_code(DUR_DIVERGED, dur_execute(log, "parent", PARENT, NULL, changes, &it), log);
        assert_int_equal(1, it.child_passes);
        assert_int_equal(0, family_rows(&it, NULL));
        it.bodies = 0;
        assert_code(DUR_OK, dur_execute(log, "parent", PARENT, NULL, changes, &it), log);
        host_run(it.host->db, "DELETE FROM durable_runs");
        dur_close(log);
    }
}

static int was_started(dur_run *run, void *user)
{
    family *it = user;
    dur_step *child;

    it->passes++;
    if (it->passes == 2) {
        it->code = dur_call(run, "child", NULL, naps, it, NULL);
    } else if (start(it, run, &child) == DUR_OK) {
        it->code = dur_await(child, NULL);
    }
    return 0;
}

/* The other way round. */
static void a_started_child_is_not_called(void **state)
{
    family it = family_of(*state, NULL);
    dur_log *log = host_log(it.host);

    assert_code(DUR_SUSPENDED, dur_execute(log, "parent", PARENT, NULL, was_started, &it), log);
    host_run(it.host->db, "UPDATE durable_runs SET due = 0 WHERE id = %Q", PARENT);
    assert_code(DUR_DIVERGED, dur_execute(log, "parent", PARENT, NULL, was_started, &it), log);
    assert_int_equal(0, it.child_passes);
    assert_code(DUR_SUSPENDED, dur_execute(log, "parent", PARENT, NULL, was_started, &it), log);
    dur_close(log);
}

/* ---- Calls that are wrong -------------------------------------------------------------------- */

static int misuses(dur_run *run, void *user)
{
    family *it = user;
    dur_step *child = NULL, *callback = NULL;
    dur_child_options options = it->options;

    if (start(it, run, &child) != DUR_OK) return 0;
    if (dur_begin_callback(run, "callback", NULL, &callback) != DUR_OK) return 0;
    assert_int_equal(DUR_MISUSE, dur_record_result(child, dur_null()));
    assert_int_equal(DUR_MISUSE, dur_record_failure(child, "no"));
    assert_null(dur_child_id(callback));
    assert_null(dur_child_id(NULL));
    assert_int_equal(1, dur_step_position(child));
    assert_true(dur_ok(run));
    options.priority = 8;
    it->code = dur_start_child(run, "other", "child", &options, &child);
    assert_null(child);
    return 0;
}

/* Law 9. */
static void handles_of_children_are_no_steps(void **state)
{
    family it = family_of(*state, NULL);
    dur_log *log = host_log(it.host);
    dur_step *child = NULL;

    assert_code(DUR_MISUSE, dur_execute(log, "parent", PARENT, NULL, misuses, &it), log);
    assert_int_equal(DUR_MISUSE, it.code);
    assert_has(dur_errmsg(log), "priority");
    assert_int_equal(DUR_MISUSE, dur_start_child(NULL, "a", "b", NULL, &child));
    assert_int_equal(2, host_number(it.host->db, "SELECT count(*) FROM durable_runs"));
    dur_close(log);
}

static int fails_at_length(dur_run *run, void *user)
{
    char message[1001];

    (void)user;
    memset(message, 'm', 1000);
    message[1000] = '\0';
    dur_fail(run, "%s", message);
    return 0;
}

static int passes_it_on(dur_run *run, void *user)
{
    family *it = user;

    return dur_call(run, "inner", NULL, fails_at_length, it, NULL) == DUR_OK ? 0 : 1;
}

/* The longest message there is comes up two levels whole. */
static void a_long_failure_comes_up_whole(void **state)
{
    family it = family_of(*state, passes_it_on);
    dur_log *log = host_log(it.host);

    assert_code(DUR_FAILED, family_execute(&it, log), log);
    assert_int_equal(3, host_number(it.host->db, "SELECT count(*) FROM durable_runs_view"
                                                 " WHERE length(failure) = 1000"));
    assert_int_equal(2, host_number(it.host->db, "SELECT count(*) FROM durable_steps_view"
                                                 " WHERE length(value) = 1000"));
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_step_is_open_while_a_child_waits),
        IN_MEMORY(a_body_starts_no_child_of_its_run),
        IN_EVERY_JOURNAL(a_request_comes_while_the_child_runs),
        IN_EVERY_JOURNAL(a_child_that_is_asked_for_otherwise_diverges),
        IN_EVERY_JOURNAL(a_started_child_is_not_called),
        IN_MEMORY(handles_of_children_are_no_steps),
        IN_MEMORY(a_long_failure_comes_up_whole),
    };

    return cmocka_run_group_tests_name("api.child_mischief", tests, NULL, NULL);
}
