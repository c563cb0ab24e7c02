/* test/api: parents that end while children are open, what the log's views show of families, and
 * how far they may go. */
#include "api/family.h"

#define SECOND INT64_C(1000)

typedef struct clan {
    family base;
    dur_log *log;
    int policy;
    int64_t timeout_ms;
    bool fails; /* the child */
} clan;

static int child_waits(dur_run *run, void *user)
{
    clan *it = user;

    it->base.child_passes++;
    if (dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    if (it->fails) dur_fail(run, "child: no luck");
    return 0;
}

/* Starts two, asks for none of them, and returns. */
static int leaves_two(dur_run *run, void *user)
{
    clan *it = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_step *child;

    it->base.passes++;
    options.on_parent_end = it->policy;
    options.timeout_ms = it->timeout_ms;
    if (dur_start_child(run, "one", "child", &options, &child) != DUR_OK) return 0;
    if (dur_start_child(run, "two", "child", &options, &child) != DUR_OK) return 0;
    DUR_STEP(run, "work") { it->base.bodies++; }
    dur_set_output(run, dur_text("done"));
    return 0;
}

static void open_clan_with(clan *it, test_host *host, dur_workflow *parent,
                           const dur_options *options)
{
    memset(it, 0, sizeof *it);
    it->base = family_of(host, NULL);
    assert_code(DUR_OK, dur_open(host->db, options, &it->log), it->log);
    assert_code(DUR_OK, dur_register(it->log, "parent", parent, it), it->log);
    assert_code(DUR_OK, dur_register(it->log, "child", child_waits, it), it->log);
}

static void open_clan(clan *it, test_host *host, dur_workflow *parent)
{
    dur_options options = host_options(host);

    open_clan_with(it, host, parent, &options);
}

static void start(clan *it, int64_t deadline_ms)
{
    dur_start_options options = DUR_START_OPTIONS_INIT;

    options.deadline_ms = deadline_ms;
    assert_code(DUR_OK, dur_start(it->log, "parent", PARENT, &options), it->log);
}

static void work(clan *it)
{
    assert_code(DUR_OK, dur_work(it->log, NULL, NULL), it->log);
}

static void let_go(clan *it, const char *id)
{
    assert_code(DUR_OK, dur_signal(it->log, id, "go", dur_null(), NULL), it->log);
    work(it);
}

/* ---- Waiting for them ------------------------------------------------------------------------ */

/* It completes when both have ended, in either order; its function is called again, and no body of
 * it runs twice. What they came to does not matter to a workflow that did not ask. */
static void a_parent_waits_for_what_it_has_not_awaited(void **state)
{
    clan it;

    open_clan(&it, *state, leaves_two);
    it.fails = true;
    start(&it, 0);
    work(&it);
    assert_int_equal(DUR_RUN_SUSPENDED, family_status(it.log, PARENT));
    let_go(&it, "the-run/2");
    assert_int_equal(DUR_RUN_SUSPENDED, family_status(it.log, PARENT));
    let_go(&it, "the-run/1");
    assert_int_equal(DUR_COMPLETED, family_status(it.log, PARENT));
    assert_int_equal(1, it.base.bodies);
    assert_int_equal(2, host_number(it.base.host->db,
                                    "SELECT count(*) FROM durable_steps_view WHERE run_id = %Q"
                                    " AND kind = 'child' AND outcome = 'failure'", PARENT));
    assert_int_equal(0, host_number(it.base.host->db, "SELECT count(*) FROM durable_signals"));
    assert_code(DUR_OK, dur_execute(it.log, "parent", PARENT, NULL, leaves_two, &it), it.log);
    assert_string_equal("done", dur_as_text(dur_output(it.log)));
    dur_close(it.log);
}

/* Asked to end while it waits for them at its end: so are they. */
static void a_parent_that_waits_at_its_end_is_cancelled(void **state)
{
    clan it;

    open_clan(&it, *state, leaves_two);
    start(&it, 0);
    work(&it);
    assert_code(DUR_OK, dur_cancel(it.log, PARENT), it.log);
    work(&it);
    work(&it);
    assert_int_equal(3, host_number(it.base.host->db, "SELECT count(*) FROM durable_runs_view"
                                                      " WHERE status = 'cancelled'"));
    assert_int_equal(0, host_number(it.base.host->db, "SELECT count(*) FROM durable_pending"));
    assert_int_equal(1, it.base.bodies);
    dur_close(it.log);
}

static void a_parent_that_waits_at_its_end_times_out(void **state)
{
    clan it;

    open_clan(&it, *state, leaves_two);
    start(&it, FAKE_CLOCK_START_MS + 5 * SECOND);
    work(&it);
    fake_clock_advance(&it.base.host->clock, 5 * SECOND - 1);
    work(&it);
    assert_int_equal(DUR_RUN_SUSPENDED, family_status(it.log, PARENT));
    fake_clock_advance(&it.base.host->clock, 1);
    work(&it);
    work(&it);
    assert_int_equal(DUR_RUN_TIMED_OUT, family_status(it.log, PARENT));
    assert_int_equal(0, host_number(it.base.host->db, "SELECT count(*) FROM durable_runs_view"
                                                      " WHERE ended IS NULL"));
    dur_close(it.log);
}

/* One of them alone times out: that is its end, and the parent completes with the other's. */
static void children_that_time_out_have_ended(void **state)
{
    clan it;

    open_clan(&it, *state, leaves_two);
    it.timeout_ms = 2 * SECOND;
    start(&it, 0);
    work(&it);
    let_go(&it, "the-run/1");
    fake_clock_advance(&it.base.host->clock, 2 * SECOND);
    work(&it);
    assert_int_equal(DUR_COMPLETED, family_status(it.log, "the-run/1"));
    assert_int_equal(DUR_RUN_TIMED_OUT, family_status(it.log, "the-run/2"));
    assert_int_equal(DUR_COMPLETED, family_status(it.log, PARENT));
    dur_close(it.log);
}

/* A host that runs its workflow itself: dur_complete_run() suspends, and is called again. */
static void a_run_without_a_callback_waits_for_its_children(void **state)
{
    clan it;
    dur_run *run = NULL;
    dur_step *child = NULL;

    open_clan(&it, *state, NULL);
    assert_code(DUR_OK, dur_begin_run(it.log, "parent", PARENT, NULL, &run), it.log);
    assert_code(DUR_OK, dur_start_child(run, "one", "child", NULL, &child), it.log);
    assert_code(DUR_SUSPENDED, dur_complete_run(run, dur_integer(1)), it.log);
    dur_close_run(run);
    work(&it);
    let_go(&it, "the-run/1");
    assert_code(DUR_OK, dur_begin_run(it.log, "parent", PARENT, NULL, &run), it.log);
    assert_code(DUR_OK, dur_start_child(run, "one", "child", NULL, &child), it.log);
    assert_code(DUR_OK, dur_complete_run(run, dur_integer(1)), it.log);
    dur_close_run(run);
    assert_int_equal(DUR_COMPLETED, family_status(it.log, PARENT));
    dur_close(it.log);
}

/* ---- Depth ----------------------------------------------------------------------------------- */

static int starts_itself(dur_run *run, void *user)
{
    clan *it = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_step *child = NULL;

    it->base.passes++;
    options.on_parent_end = DUR_CHILD_LEAVE;
    it->base.code = dur_start_child(run, "next", "parent", &options, &child);
    return 0;
}

/* The depth is the log's, not the stack's. */
static void started_children_are_nested_to_a_limit(void **state)
{
    clan it;

    open_clan(&it, *state, starts_itself);
    start(&it, 0);
    work(&it);
    assert_int_equal(DUR_DEPTH_MAX + 1, it.base.passes);
    assert_int_equal(DUR_MISUSE, it.base.code);
    assert_int_equal(DUR_DEPTH_MAX + 1, host_number(it.base.host->db,
                                                    "SELECT count(*) FROM durable_runs"));
    dur_close(it.log);
}

/* ---- What is seen ---------------------------------------------------------------------------- */

static int waits(dur_run *run, void *user)
{
    (void)user;
    return dur_receive(run, "go", DUR_FOREVER, NULL) < 0 ? 1 : 0;
}

static int one_of_each(dur_run *run, void *user)
{
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_step *child;

    options.timeout_ms = 60 * SECOND;
    if (dur_start_child(run, "started", "child", &options, &child) != DUR_OK) return 0;
    if (dur_call(run, "called", NULL, waits, user, NULL) != DUR_OK) return 0;
    return 0;
}

static void assert_view(clan *it, const char *expected, const char *query)
{
    char *rows = host_rows(it->base.host->db, "%s", query);
    char *wanted = sqlite3_mprintf("%s.", expected);

    assert_same(wanted, rows);
}

/* Law 10's public format: as a person reads it with any SQLite client. */
static void views_show_families(void **state)
{
    clan it;

    open_clan(&it, *state, one_of_each);
    start(&it, 0);
    work(&it);
    assert_code(DUR_OK, dur_cancel(it.log, "the-run/1"), it.log);
    assert_view(&it,
                "row 'the-run'|NULL|'parent'|'parent'|'suspended'|0|NULL\n"
                "row 'the-run/1'|'the-run'|'child'|'child'|'suspended'|1|'2026-01-01 00:01:00.000'"
                "\nrow 'the-run/2'|'the-run'|'called'|''|'suspended'|0|NULL\n",
                "SELECT id, parent, workflow, queue, status, cancelling, deadline"
                " FROM durable_runs_view ORDER BY id");
    assert_view(&it,
                "row 'the-run'|1|'started'|'child'\nrow 'the-run'|2|'called'|'child'\n"
                "row 'the-run/1'|1|'go'|'receive'\nrow 'the-run/2'|1|'go'|'receive'\n",
                "SELECT run_id, position, name, kind FROM durable_pending_view"
                " ORDER BY run_id, position");
    dur_close(it.log);
}

/* A log in another schema: its families live there, triggers and all. */
static void a_log_in_another_schema_keeps_families(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    clan it;

    host_run(host->db, "ATTACH ':memory:' AS side");
    options.schema = "side";
    open_clan_with(&it, host, one_of_each, &options);
    start(&it, 0);
    work(&it);
    assert_int_equal(3, host_number(host->db, "SELECT count(*) FROM side.durable_runs"));
    let_go(&it, "the-run/1");
    let_go(&it, "the-run/2");
    assert_int_equal(DUR_COMPLETED, family_status(it.log, PARENT));
    host_run(host->db, "DELETE FROM side.durable_runs WHERE id = %Q", PARENT);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM side.durable_runs"));
    dur_close(it.log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_parent_waits_for_what_it_has_not_awaited),
        IN_EVERY_JOURNAL(a_parent_that_waits_at_its_end_is_cancelled),
        IN_EVERY_JOURNAL(a_parent_that_waits_at_its_end_times_out),
        IN_EVERY_JOURNAL(children_that_time_out_have_ended),
        IN_EVERY_JOURNAL(a_run_without_a_callback_waits_for_its_children),
        IN_EVERY_JOURNAL(started_children_are_nested_to_a_limit),
        IN_EVERY_JOURNAL(views_show_families),
        IN_MEMORY(a_log_in_another_schema_keeps_families),
    };

    return cmocka_run_group_tests_name("api.child_end", tests, NULL, NULL);
}
