/* test/api: children within children, and children that come to no good. */
#include "api/family.h"

#define SECOND INT64_C(1000)

static int rests(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    DUR_STEP(run, "before") { it->bodies++; }
    if (dur_sleep(run, "rest", 5 * SECOND) != DUR_OK) return 0;
    dur_set_output(run, dur_text("rested"));
    return 0;
}

/* ---- Nested ---------------------------------------------------------------------------------- */

static int second_level(dur_run *run, void *user)
{
    family *it = user;
    dur_value value;

    if (dur_call(run, "third", NULL, rests, it, &value) == DUR_OK) dur_set_output(run, value);
    return 0;
}

static int first_level(dur_run *run, void *user)
{
    family *it = user;
    dur_value value;

    DUR_STEP(run, "own") { it->bodies += 10; }
    if (dur_call(run, "second", NULL, second_level, it, &value) == DUR_OK)
        dur_set_output(run, value);
    return 0;
}

/* The wait of the innermost is that of all; all are resumed, and no body runs twice. */
static void three_deep_they_wait_and_go_on_together(void **state)
{
    family it = family_of(*state, first_level);
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_log *log = host_log(it.host);

    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    assert_int_equal(4, host_number(it.host->db, "SELECT count(*) FROM durable_runs_view"
                                                 " WHERE status = 'suspended'"));
    assert_code(DUR_OK, dur_read_run(log, PARENT, &info), log);
    assert_true(info.wake_ms == FAKE_CLOCK_START_MS + 5 * SECOND);
    assert_int_equal(DUR_RUN_SUSPENDED, family_status(log, CHILD "/2/1"));
    dur_close(log);
    fake_clock_advance(&it.host->clock, 5 * SECOND);
    log = host_log(it.host);
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_string_equal("rested", dur_as_text(dur_output(log)));
    assert_int_equal(11, it.bodies);
    assert_int_equal(4, host_number(it.host->db, "SELECT count(*) FROM durable_runs_view"
                                                 " WHERE status = 'completed'"));
    dur_close(log);
}

static int calls_itself(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    it->code = dur_call(run, "deeper", NULL, calls_itself, it, NULL);
    return 0;
}

/* DUR_DEPTH_MAX levels and no more: DUR_MISUSE, in every level's words the innermost one's. */
static void children_are_nested_to_a_limit(void **state)
{
    family it = family_of(*state, calls_itself);
    dur_log *log = host_log(it.host);

    assert_code(DUR_MISUSE, dur_execute(log, "deep", PARENT, NULL, calls_itself, &it), log);
    assert_has(dur_errmsg(log), "nested deeper than 32");
    assert_int_equal(DUR_DEPTH_MAX + 1, it.child_passes);
    assert_int_equal(DUR_DEPTH_MAX + 1, host_number(it.host->db, "SELECT count(*)"
                                                                 " FROM durable_runs"));
    dur_close(log);
}

/* ---- Failing --------------------------------------------------------------------------------- */

static int fails(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    dur_fail(run, "no luck with %d", 13);
    return 0;
}

static void an_uncaught_failure_fails_the_parent(void **state)
{
    family it = family_of(*state, fails);
    dur_log *log = host_log(it.host);

    assert_code(DUR_FAILED, family_execute(&it, log), log);
    assert_string_equal("no luck with 13", dur_errmsg(log));
    assert_int_equal(DUR_FAILED, it.code);
    assert_int_equal(DUR_RUN_FAILED, family_status(log, CHILD));
    assert_int_equal(1, family_rows(&it, PARENT));
    assert_code(DUR_FAILED, family_execute(&it, log), log);
    assert_int_equal(1, it.passes);
    dur_close(log);
}

static void a_failure_is_caught_live_and_on_replay(void **state)
{
    family it = family_of(*state, fails);
    dur_log *log = host_log(it.host);

    it.catches = true;
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_string_equal("no luck with 13", it.caught);
    forget_end(&it, PARENT);
    it.caught[0] = '\0';
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_string_equal("no luck with 13", it.caught);
    assert_int_equal(DUR_FAILED, it.code);
    assert_int_equal(1, it.child_passes);
    dur_close(log);
}

static int fails_to_retry(dur_run *run, void *user)
{
    family *it = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    options.retry = &it->retry;
    DUR_STEP_VOID(run, "flaky", &options) {
        if (it->bodies++ < 1) dur_fail(run, "down");
    }
    return 0;
}

/* A child that is parked parks its parent; resuming the parent resumes the child. */
static void a_parked_child_parks_its_parent(void **state)
{
    family it = family_of(*state, fails_to_retry);
    dur_log *log = host_log(it.host);

    it.retry.max_attempts = 1;
    it.retry.exhausted = DUR_EXHAUSTED_PARK;
    assert_code(DUR_PARKED, family_execute(&it, log), log);
    assert_has(dur_errmsg(log), "flaky");
    assert_int_equal(DUR_RUN_PARKED, family_status(log, PARENT));
    assert_int_equal(DUR_RUN_PARKED, family_status(log, CHILD));
    assert_code(DUR_OK, dur_register(log, "parent", parent_workflow, &it), log);
    assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    assert_int_equal(1, it.passes);
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_int_equal(2, it.bodies);
    assert_int_equal(DUR_COMPLETED, family_status(log, CHILD));
    dur_close(log);
}

static int changes(dur_run *run, void *user)
{
    family *it = user;

    if (it->passes == 2) {
        DUR_STEP(run, "other") { it->bodies += 100; }
    } else {
        DUR_STEP(run, "before") { it->bodies++; }
    }
    if (dur_sleep(run, "rest", SECOND) != DUR_OK) return 0;
    return 0;
}

/* Law 5: the child's code has changed: no body, no row, both parked; mended, both go on. */
static void a_diverged_child_parks_its_parent(void **state)
{
    family it = family_of(*state, changes);
    dur_log *log = host_log(it.host);

    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    fake_clock_advance(&it.host->clock, SECOND);
    assert_code(DUR_DIVERGED, family_execute(&it, log), log);
    assert_int_equal(1, it.bodies);
    assert_int_equal(DUR_RUN_PARKED, family_status(log, PARENT));
    assert_int_equal(DUR_RUN_PARKED, family_status(log, CHILD));
    assert_non_null(dur_get_divergence(log));
    assert_string_equal(CHILD, dur_get_divergence(log)->run_id);
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_int_equal(1, it.bodies);
    dur_close(log);
}

/* ---- What a child may not do ----------------------------------------------------------------- */

static int asks_nothing(dur_run *run, void *user)
{
    family *it = user;

    (void)run;
    it->child_passes++;
    return 0;
}

/* It stands for a place in its parent's code, which alone calls it. */
static void a_called_child_is_executed_by_its_parent_only(void **state)
{
    family it = family_of(*state, fails_to_retry);
    dur_log *log = host_log(it.host);

    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    assert_code(DUR_CONFLICT, dur_execute(log, "child", CHILD, NULL, asks_nothing, &it), log);
    assert_has(dur_errmsg(log), "execute the parent");
    assert_int_equal(0, it.child_passes);
    assert_code(DUR_CONFLICT, dur_start(log, "another", CHILD, NULL), log);
    fake_clock_advance(&it.host->clock, SECOND);
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_code(DUR_CONFLICT, dur_execute(log, "child", CHILD, NULL, asks_nothing, &it), log);
    dur_close(log);
}

typedef struct outsider {
    family *it;
    dur_run *parent;
} outsider;

static int asks_the_parent(dur_run *run, void *user)
{
    outsider *it = user;

    (void)run;
    DUR_STEP(it->parent, "stolen") { it->it->bodies++; }
    return 0;
}

static int lends_itself(dur_run *run, void *user)
{
    outsider it = {user, run};

    return dur_call(run, "child", NULL, asks_the_parent, &it, NULL) == DUR_OK ? 0 : 1;
}

/* Its positions would shift on replay, where the child is not called. */
static void the_parent_is_not_asked_while_its_child_runs(void **state)
{
    family it = family_of(*state, NULL);
    dur_log *log = host_log(it.host);

    assert_code(DUR_MISUSE, dur_execute(log, "parent", PARENT, NULL, lends_itself, &it), log);
    assert_has(dur_errmsg(log), "stolen");
    assert_int_equal(0, it.bodies);
    assert_int_equal(0, family_rows(&it, NULL));
    dur_close(log);
}

static int calls_in_a_body(dur_run *run, void *user)
{
    family *it = user;

    DUR_STEP(run, "outer") {
        it->code = dur_call(run, "child", NULL, asks_nothing, it, NULL);
    }
    return 0;
}

/* The body runs only once: on replay the child's position would be missing. */
static void a_body_calls_no_child_of_its_run(void **state)
{
    family it = family_of(*state, NULL);
    dur_log *log = host_log(it.host);

    assert_code(DUR_MISUSE, dur_execute(log, "parent", PARENT, NULL, calls_in_a_body, &it), log);
    assert_int_equal(DUR_MISUSE, it.code);
    assert_int_equal(0, it.child_passes);
    dur_close(log);
}

static int call_with(dur_run *run, void *user)
{
    family *it = user;

    it->code = dur_call(run, "child", &it->options, it->child, it, NULL);
    return 0;
}

/* Law 9. */
static void wrong_options_are_refused(void **state)
{
    dur_log *log = host_log(*state);
    char id[8];

    for (int i = 0; i < 6; i++) {
        family it = family_of(*state, asks_nothing);

        if (i == 0) it.options.timeout_ms = -1;
        if (i == 1) it.options.on_parent_end = 7;
        if (i == 2) it.options.run_id = "";
        if (i == 3) it.options.run_id = "a\nb";
        if (i == 4) it.options.size = 3;
        if (i == 5) it.child = NULL;
        snprintf(id, sizeof id, "r%d", i);
        assert_code(DUR_MISUSE, dur_execute(log, "parent", id, NULL, call_with, &it), log);
        assert_int_equal(DUR_MISUSE, it.code);
        assert_int_equal(0, it.child_passes);
    }
    assert_int_equal(DUR_MISUSE, dur_call(NULL, "child", NULL, asks_nothing, NULL, NULL));
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(three_deep_they_wait_and_go_on_together),
        IN_MEMORY(children_are_nested_to_a_limit),
        IN_EVERY_JOURNAL(an_uncaught_failure_fails_the_parent),
        IN_EVERY_JOURNAL(a_failure_is_caught_live_and_on_replay),
        IN_EVERY_JOURNAL(a_parked_child_parks_its_parent),
        IN_EVERY_JOURNAL(a_diverged_child_parks_its_parent),
        IN_EVERY_JOURNAL(a_called_child_is_executed_by_its_parent_only),
        IN_MEMORY(the_parent_is_not_asked_while_its_child_runs),
        IN_MEMORY(a_body_calls_no_child_of_its_run),
        IN_MEMORY(wrong_options_are_refused),
    };

    return cmocka_run_group_tests_name("api.child_trouble", tests, NULL, NULL);
}
