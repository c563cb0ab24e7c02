/* test/api: children that are started for any worker: who executes them, who hears of their end,
 * and what becomes of them when their parent ends. */
#include "api/family.h"

#define SECOND INT64_C(1000)

/* ---- The parent, and another program that serves "child" ------------------------------------- */

typedef struct nursery {
    family base;
    dur_log *log, *other; /* of the parent; of those who execute its children */
    int64_t rest_ms;      /* of the parent, before it awaits; 0: none */
    bool leaves;          /* it does not await it */
    bool fails;           /* and fails */
    char id_text[DUR_NAME_MAX + 1]; /* of the child, as its parent was told */
} nursery;

static int child_answers(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    DUR_STEP(run, "work") { it->bodies++; }
    dur_set_output(run, dur_integer(42));
    return 0;
}

static int child_waits(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    if (dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    dur_set_output(run, dur_integer(42));
    return 0;
}

static int parent_starts(dur_run *run, void *user)
{
    nursery *it = user;
    dur_step *child = NULL;

    it->base.passes++;
    it->base.code = dur_start_child(run, "child", "child", &it->base.options, &child);
    if (it->base.code != DUR_OK) return 0;
    snprintf(it->id_text, sizeof it->id_text, "%s", dur_child_id(child));
    if (it->rest_ms && dur_sleep(run, "rest", it->rest_ms) != DUR_OK) return 0;
    if (it->fails) dur_fail(run, "enough");
    if (it->leaves) return 0;
    it->base.code = dur_await(child, &it->base.value);
    catch_failure(&it->base, run);
    if (dur_ok(run)) dur_set_output(run, it->base.value);
    return 0;
}

static void open_nursery(nursery *it, test_host *host, dur_workflow *child)
{
    memset(it, 0, sizeof *it);
    it->base = family_of(host, child);
    it->log = host_log(host);
    if (host->journal == HOST_MEMORY) {
        it->other = host_log(host);
    } else {
        dur_options options = host_options(host);

        host->other = host_connect(host, SQLITE_OPEN_READWRITE);
        assert_code(DUR_OK, dur_open(host->other, &options, &it->other), it->other);
    }
    assert_code(DUR_OK, dur_register(it->log, "parent", parent_starts, it), it->log);
    assert_code(DUR_OK, dur_register(it->other, "child", child, &it->base), it->other);
    assert_code(DUR_OK, dur_start(it->log, "parent", PARENT, NULL), it->log);
}

static void close_nursery(nursery *it)
{
    dur_close(it->log);
    dur_close(it->other);
    if (it->base.host->other) assert_int_equal(SQLITE_OK, sqlite3_close(it->base.host->other));
    it->base.host->other = NULL;
}

/* Each works as long as something is due at this moment. */
static void work_both(nursery *it)
{
    for (int i = 0; i < 4; i++) {
        assert_code(DUR_OK, dur_work(it->log, NULL, NULL), it->log);
        assert_code(DUR_OK, dur_work(it->other, NULL, NULL), it->other);
    }
}

static int64_t count_told(nursery *it)
{
    return host_number(it->base.host->db, "SELECT count(*) FROM durable_signals");
}

/* ---- Executing and awaiting ------------------------------------------------------------------ */

static void it_is_executed_by_another_log_and_awaited(void **state)
{
    nursery it;

    open_nursery(&it, *state, child_answers);
    assert_code(DUR_OK, dur_work(it.log, NULL, NULL), it.log);
    assert_int_equal(1, it.base.passes);
    assert_int_equal(0, it.base.child_passes);
    assert_string_equal(CHILD, it.id_text);
    assert_int_equal(DUR_RUNNING, family_status(it.log, CHILD));
    assert_int_equal(DUR_RUN_SUSPENDED, family_status(it.log, PARENT));
    assert_code(DUR_OK, dur_work(it.other, NULL, NULL), it.other);
    assert_int_equal(1, it.base.child_passes);
    assert_int_equal(1, count_told(&it));
    assert_code(DUR_OK, dur_work(it.log, NULL, NULL), it.log);
    assert_int_equal(DUR_COMPLETED, family_status(it.log, PARENT));
    assert_int_equal(42, it.base.value.as.integer);
    assert_int_equal(0, count_told(&it));
    assert_string_equal(CHILD, it.id_text); /* on replay, too */
    close_nursery(&it);
}

/* A child that has ended before it is awaited costs no suspension. */
static void it_ends_before_it_is_awaited(void **state)
{
    nursery it;

    open_nursery(&it, *state, child_answers);
    it.rest_ms = 5 * SECOND;
    work_both(&it);
    assert_int_equal(1, it.base.child_passes);
    assert_int_equal(1, it.base.passes);
    fake_clock_advance(&it.base.host->clock, 5 * SECOND);
    assert_code(DUR_OK, dur_work(it.log, NULL, NULL), it.log);
    assert_int_equal(2, it.base.passes);
    assert_int_equal(DUR_COMPLETED, family_status(it.log, PARENT));
    assert_int_equal(42, it.base.value.as.integer);
    close_nursery(&it);
}

static int awaits_twice(dur_run *run, void *user)
{
    nursery *it = user;
    dur_step *child;
    dur_value first = dur_null(), second = dur_null();

    if (dur_start_child(run, "child", "child", NULL, &child) != DUR_OK) return 0;
    if (dur_await(child, &first) != DUR_OK) return 0;
    if (dur_await(child, &second) != DUR_OK) return 0;
    it->base.value = dur_integer(first.as.integer + second.as.integer);
    return 0;
}

static void it_is_awaited_twice_with_the_same_answer(void **state)
{
    nursery it;

    open_nursery(&it, *state, child_answers);
    assert_code(DUR_OK, dur_register(it.log, "parent", awaits_twice, &it), it.log);
    work_both(&it);
    assert_int_equal(84, it.base.value.as.integer);
    close_nursery(&it);
}

static int selects(dur_run *run, void *user)
{
    nursery *it = user;
    dur_step *children[2];
    dur_case cases[3];
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    size_t which = 9;

    options.on_parent_end = DUR_CHILD_CANCEL;
    if (dur_start_child(run, "one", "child", &options, &children[0]) != DUR_OK) return 0;
    if (dur_start_child(run, "two", "child", &options, &children[1]) != DUR_OK) return 0;
    cases[0] = dur_on_step(children[0]);
    cases[1] = dur_on_step(children[1]);
    cases[2] = dur_on_timer(60 * SECOND);
    if (dur_select(run, "first", cases, 3, &which) != DUR_OK) return 0;
    it->base.bodies = (int)which;
    if (which < 2 && dur_await(children[which], &it->base.value) != DUR_OK) return 0;
    return 0;
}

/* The one that ends first wins; the other is cancelled with the parent's end. */
static void the_first_of_two_is_selected(void **state)
{
    nursery it;

    open_nursery(&it, *state, child_waits);
    assert_code(DUR_OK, dur_register(it.log, "parent", selects, &it), it.log);
    work_both(&it);
    assert_int_equal(2, it.base.child_passes);
    assert_code(DUR_OK, dur_signal(it.log, "the-run/2", "go", dur_null(), NULL), it.log);
    work_both(&it);
    assert_int_equal(1, it.base.bodies);
    assert_int_equal(42, it.base.value.as.integer);
    assert_int_equal(DUR_COMPLETED, family_status(it.log, PARENT));
    assert_int_equal(DUR_RUN_CANCELLED, family_status(it.log, "the-run/1"));
    close_nursery(&it);
}

/* As started runs: in the queue of the options, with their priority; by default the workflow's. */
static void it_has_queue_and_priority_of_its_options(void **state)
{
    nursery it;
    dur_run_info info = DUR_RUN_INFO_INIT;

    open_nursery(&it, *state, child_answers);
    it.base.options.queue = "slow";
    it.base.options.priority = 6;
    it.base.options.input = dur_text("blue");
    it.base.options.run_id = "my child";
    work_both(&it);
    assert_string_equal("my child", it.id_text);
    assert_int_equal(0, it.base.child_passes);
    assert_code(DUR_OK, dur_read_run(it.log, "my child", &info), it.log);
    assert_string_equal("slow", info.queue);
    assert_int_equal(6, info.priority);
    assert_string_equal("child", info.workflow);
    assert_string_equal("blue", dur_as_text(info.input));
    assert_code(DUR_OK, dur_serve_queue(it.other, "slow", NULL), it.other);
    work_both(&it);
    assert_int_equal(DUR_COMPLETED, family_status(it.log, PARENT));
    close_nursery(&it);
}

/* One commit: its id is taken by another run, and nothing is started. */
static void its_id_is_taken_by_another_run(void **state)
{
    nursery it;

    open_nursery(&it, *state, child_answers);
    assert_code(DUR_OK, dur_start(it.log, "unserved", CHILD, NULL), it.log);
    assert_code(DUR_CONFLICT, dur_execute(it.log, "parent", PARENT, NULL, parent_starts, &it),
                it.log);
    assert_has(dur_errmsg(it.log), CHILD);
    assert_int_equal(2, host_number(it.base.host->db, "SELECT count(*) FROM durable_runs"));
    close_nursery(&it);
}

/* ---- Its end is told once -------------------------------------------------------------------- */

/* The parent's pass is left behind the answer, again and again: it is received once. */
static int stops_behind_the_answer(dur_run *run, void *user)
{
    nursery *it = user;
    dur_step *child;

    it->base.passes++;
    if (dur_start_child(run, "child", "child", NULL, &child) != DUR_OK) return 0;
    if (dur_await(child, &it->base.value) != DUR_OK) return 0;
    if (it->base.passes < 4) dur_stop(run, "not now");
    return 0;
}

static void its_end_is_told_exactly_once(void **state)
{
    nursery it;

    open_nursery(&it, *state, child_answers);
    assert_code(DUR_OK, dur_register(it.log, "parent", stops_behind_the_answer, &it), it.log);
    for (int i = 0; i < 8; i++) {
        work_both(&it);
        fake_clock_advance(&it.base.host->clock, SECOND);
    }
    assert_int_equal(4, it.base.passes);
    assert_int_equal(1, it.base.child_passes);
    assert_int_equal(1, family_rows(&it.base, PARENT));
    assert_int_equal(0, count_told(&it));
    assert_int_equal(DUR_COMPLETED, family_status(it.log, PARENT));
    close_nursery(&it);
}

/* The end's commit fails: neither is the child ended nor its parent told; then both. */
static void an_end_that_cannot_be_told_is_none(void **state)
{
    nursery it;

    open_nursery(&it, *state, child_answers);
    assert_code(DUR_OK, dur_work(it.log, NULL, NULL), it.log);
    host_run(it.base.host->db, "CREATE TRIGGER deaf BEFORE INSERT ON durable_signals"
                               " BEGIN SELECT RAISE(ABORT, 'deaf'); END");
    assert_true(dur_execute(it.other, "child", CHILD, NULL, child_answers, &it.base) < 0);
    assert_int_equal(DUR_RUNNING, family_status(it.log, CHILD));
    host_run(it.base.host->db, "DROP TRIGGER deaf");
    assert_code(DUR_OK, dur_execute(it.other, "child", CHILD, NULL, child_answers, &it.base),
                it.other);
    assert_int_equal(1, it.base.bodies);
    work_both(&it);
    assert_int_equal(DUR_COMPLETED, family_status(it.log, PARENT));
    close_nursery(&it);
}

/* The parent has ended meanwhile: nobody is told, and nothing is left over. */
static void a_parent_that_has_ended_is_not_told(void **state)
{
    nursery it;

    open_nursery(&it, *state, child_answers);
    it.leaves = true;
    it.base.options.on_parent_end = DUR_CHILD_LEAVE;
    assert_code(DUR_OK, dur_work(it.log, NULL, NULL), it.log);
    assert_int_equal(DUR_COMPLETED, family_status(it.log, PARENT));
    assert_code(DUR_OK, dur_work(it.other, NULL, NULL), it.other);
    assert_int_equal(DUR_COMPLETED, family_status(it.log, CHILD));
    assert_int_equal(0, count_told(&it));
    close_nursery(&it);
}

/* ---- When the parent ends -------------------------------------------------------------------- */

/* What the child comes to with each policy, and whether the parent waits for it. */
static void ends(void **state, int policy, bool fails, dur_status parent, dur_status child)
{
    nursery it;

    open_nursery(&it, *state, child_waits);
    it.base.options.on_parent_end = policy;
    it.rest_ms = SECOND;
    it.leaves = true;
    it.fails = fails;
    work_both(&it);
    assert_int_equal(DUR_RUN_SUSPENDED, family_status(it.log, CHILD));
    fake_clock_advance(&it.base.host->clock, SECOND);
    work_both(&it);
    assert_int_equal(parent, family_status(it.log, PARENT));
    assert_int_equal(child, family_status(it.log, CHILD));
    if (parent == DUR_RUN_SUSPENDED) {
        assert_code(DUR_OK, dur_signal(it.log, CHILD, "go", dur_null(), NULL), it.log);
        work_both(&it);
        assert_int_equal(DUR_COMPLETED, family_status(it.log, CHILD));
        assert_int_equal(DUR_COMPLETED, family_status(it.log, PARENT));
    }
    close_nursery(&it);
}

static void a_parent_that_completes(void **state)
{
    ends(state, DUR_CHILD_WAIT, false, DUR_RUN_SUSPENDED, DUR_RUN_SUSPENDED);
    host_run(((test_host *)*state)->db, "DELETE FROM durable_runs");
    ends(state, DUR_CHILD_CANCEL, false, DUR_COMPLETED, DUR_RUN_CANCELLED);
    host_run(((test_host *)*state)->db, "DELETE FROM durable_runs");
    ends(state, DUR_CHILD_LEAVE, false, DUR_COMPLETED, DUR_RUN_SUSPENDED);
}

static void a_parent_that_fails(void **state)
{
    ends(state, DUR_CHILD_WAIT, true, DUR_RUN_FAILED, DUR_RUN_CANCELLED);
    host_run(((test_host *)*state)->db, "DELETE FROM durable_runs");
    ends(state, DUR_CHILD_CANCEL, true, DUR_RUN_FAILED, DUR_RUN_CANCELLED);
    host_run(((test_host *)*state)->db, "DELETE FROM durable_runs");
    ends(state, DUR_CHILD_LEAVE, true, DUR_RUN_FAILED, DUR_RUN_SUSPENDED);
}

/* Cancelled, or past its deadline, while it awaits: its child hears of it. */
static void interrupted(void **state, int policy, bool cancels, dur_status child)
{
    nursery it;
    dur_start_options start = DUR_START_OPTIONS_INIT;

    open_nursery(&it, *state, child_waits);
    it.base.options.on_parent_end = policy;
    if (!cancels) {
        host_run(it.base.host->db, "DELETE FROM durable_runs");
        start.deadline_ms = it.base.host->clock.now_ms + 3 * SECOND;
        assert_code(DUR_OK, dur_start(it.log, "parent", PARENT, &start), it.log);
    }
    work_both(&it);
    assert_int_equal(DUR_RUN_SUSPENDED, family_status(it.log, PARENT));
    if (cancels) assert_code(DUR_OK, dur_cancel(it.log, PARENT), it.log);
    else fake_clock_advance(&it.base.host->clock, 3 * SECOND);
    assert_code(DUR_OK, dur_work(it.log, NULL, NULL), it.log);
    assert_int_equal(cancels ? DUR_RUN_CANCELLED : DUR_RUN_TIMED_OUT,
                     family_status(it.log, PARENT));
    work_both(&it);
    assert_int_equal(child, family_status(it.log, CHILD));
    close_nursery(&it);
    host_run(((test_host *)*state)->db, "DELETE FROM durable_runs");
}

static void a_parent_that_is_cancelled(void **state)
{
    interrupted(state, DUR_CHILD_WAIT, true, DUR_RUN_CANCELLED);
    interrupted(state, DUR_CHILD_CANCEL, true, DUR_RUN_CANCELLED);
    interrupted(state, DUR_CHILD_LEAVE, true, DUR_RUN_SUSPENDED);
}

/* The child's deadline is never behind its parent's: one that was left times out by itself. */
static void a_parent_that_times_out(void **state)
{
    interrupted(state, DUR_CHILD_WAIT, false, DUR_RUN_CANCELLED);
    interrupted(state, DUR_CHILD_CANCEL, false, DUR_RUN_CANCELLED);
    interrupted(state, DUR_CHILD_LEAVE, false, DUR_RUN_TIMED_OUT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(it_is_executed_by_another_log_and_awaited),
        IN_EVERY_JOURNAL(it_ends_before_it_is_awaited),
        IN_EVERY_JOURNAL(it_is_awaited_twice_with_the_same_answer),
        IN_EVERY_JOURNAL(the_first_of_two_is_selected),
        IN_EVERY_JOURNAL(it_has_queue_and_priority_of_its_options),
        IN_EVERY_JOURNAL(its_id_is_taken_by_another_run),
        IN_EVERY_JOURNAL(its_end_is_told_exactly_once),
        IN_EVERY_JOURNAL(an_end_that_cannot_be_told_is_none),
        IN_EVERY_JOURNAL(a_parent_that_has_ended_is_not_told),
        IN_EVERY_JOURNAL(a_parent_that_completes),
        IN_EVERY_JOURNAL(a_parent_that_fails),
        IN_EVERY_JOURNAL(a_parent_that_is_cancelled),
        IN_EVERY_JOURNAL(a_parent_that_times_out),
    };

    return cmocka_run_group_tests_name("api.child_start", tests, NULL, NULL);
}
