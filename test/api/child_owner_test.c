/* test/api: who holds a family: claims, leases and outcomes of children and of those above. */
#include "api/family.h"

#define SECOND INT64_C(1000)
#define STEPS 30

typedef struct household {
    family base;
    dur_log *log, *other; /* on two connections */
    int64_t step_ms;      /* so long each body takes */
    void (*inside)(struct household *it);
    int other_code;
    bool stops;           /* behind each new step */
    int steps;
} household;

static dur_log *open_with(household *it, sqlite3 *db, int64_t lease_ms)
{
    dur_options options = host_options(it->base.host);
    dur_log *log;

    options.lease_ms = lease_ms;
    options.busy_wait_ms = -1;
    assert_code(DUR_OK, dur_open(db, &options, &log), log);
    return log;
}

static void open_household(household *it, test_host *host, dur_workflow *child, int64_t lease_ms)
{
    memset(it, 0, sizeof *it);
    it->base = family_of(host, child);
    it->steps = STEPS;
    host_run(host->db, "CREATE TABLE mine (x)");
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    it->log = open_with(it, host->db, lease_ms);
    it->other = open_with(it, host->other, lease_ms);
}

static void close_household(household *it)
{
    dur_close(it->log);
    dur_close(it->other);
}

static int many_steps(dur_run *run, void *user)
{
    household *it = user;

    it->base.child_passes++;
    for (int i = 0; i < it->steps && dur_ok(run); i++) {
        int bodies = it->base.bodies;

        DUR_STEP(run, "step") {
            it->base.bodies++;
            fake_clock_advance(&it->base.host->clock, it->step_ms);
            if (it->inside) it->inside(it);
        }
        if (it->stops && bodies < it->base.bodies) dur_stop(run, "not now");
    }
    dur_set_output(run, dur_integer(it->base.bodies));
    return 0;
}

/* ---- Leases ---------------------------------------------------------------------------------- */

static void try_to_take(household *it)
{
    assert_code(DUR_OWNED, dur_execute(it->other, "parent", PARENT, NULL, parent_workflow, it),
                it->other);
    assert_true(dur_execute(it->other, "child", CHILD, NULL, many_steps, it) < 0);
}

/* Law 6: as long as its child records, a parent is held: its lease goes on with the child's. */
static void a_parent_is_held_while_its_child_works(void **state)
{
    household it;

    open_household(&it, *state, many_steps, 10 * SECOND);
    it.step_ms = 4 * SECOND;
    it.inside = try_to_take;
    assert_code(DUR_OK, family_execute(&it.base, it.log), it.log);
    assert_int_equal(STEPS, it.base.bodies);
    assert_int_equal(1, it.base.passes);
    close_household(&it);
}

static int one_long_step(dur_run *run, void *user)
{
    household *it = user;

    DUR_STEP(run, "long") {
        it->base.bodies++;
        for (int i = 0; i < 5; i++) {
            fake_clock_advance(&it->base.host->clock, 4 * SECOND);
            assert_int_equal(DUR_OK, dur_heartbeat(dur_current_step(run), dur_integer(i)));
            try_to_take(it);
        }
    }
    return 0;
}

/* So do the heartbeats of its body. */
static void a_parent_is_held_while_its_childs_heart_beats(void **state)
{
    household it;

    open_household(&it, *state, one_long_step, 10 * SECOND);
    assert_code(DUR_OK, family_execute(&it.base, it.log), it.log);
    assert_int_equal(1, it.base.bodies);
    close_household(&it);
}

static int naps(dur_run *run, void *user)
{
    household *it = user;

    for (int i = 0; i < 5; i++) {
        if (dur_sleep(run, "nap", 4 * SECOND) != DUR_OK) return 0;
        try_to_take(it);
    }
    return 0;
}

/* And its waits that are slept through. */
static void a_parent_is_held_while_its_child_naps(void **state)
{
    household it;
    dur_options options;

    open_household(&it, *state, naps, 10 * SECOND);
    dur_close(it.log);
    options = host_options(it.base.host);
    options.lease_ms = 10 * SECOND;
    options.sleep_max_ms = 5 * SECOND;
    assert_code(DUR_OK, dur_open(it.base.host->db, &options, &it.log), it.log);
    assert_code(DUR_OK, family_execute(&it.base, it.log), it.log);
    assert_int_equal(1, it.base.passes);
    close_household(&it);
}

static void take_over(household *it)
{
    it->inside = NULL;
    fake_clock_advance(&it->base.host->clock, 100 * SECOND);
    it->other_code = dur_execute(it->other, "parent", PARENT, NULL, parent_workflow, it);
}

/* Law 6: another owner took both when the lease was over: the slow one changes nothing more, in the
 * child and in the parent. */
static void a_family_that_was_taken_over_is_lost(void **state)
{
    household it;

    open_household(&it, *state, many_steps, 10 * SECOND);
    it.steps = 2;
    it.inside = take_over;
    assert_code(DUR_OWNED, family_execute(&it.base, it.log), it.log);
    assert_int_equal(DUR_OK, it.other_code);
    assert_int_equal(3, it.base.bodies);
    assert_int_equal(2, family_rows(&it.base, CHILD));
    assert_int_equal(2, family_rows(&it.base, PARENT));
    assert_code(DUR_OK, family_execute(&it.base, it.log), it.log);
    assert_int_equal(3, it.base.bodies);
    close_household(&it);
}

/* ---- Outcomes that could not be recorded ----------------------------------------------------- */

static void lock_database(household *it)
{
    it->inside = NULL;
    host_run(it->base.host->other, "BEGIN IMMEDIATE; INSERT INTO mine VALUES (1)");
}

/* Law 3: the result is kept by the log, and written by the next pass over the parent. */
static void a_childs_result_is_kept_while_the_database_is_busy(void **state)
{
    household it;

    open_household(&it, *state, many_steps, 0);
    it.steps = 2;
    it.inside = lock_database;
    assert_code(DUR_BUSY, family_execute(&it.base, it.log), it.log);
    assert_int_equal(1, it.base.bodies);
    host_run(it.base.host->other, "ROLLBACK");
    assert_code(DUR_OK, family_execute(&it.base, it.log), it.log);
    assert_int_equal(2, it.base.bodies);
    assert_int_equal(2, it.base.child_passes);
    close_household(&it);
}

/* A log that closes writes what it has kept of the child, and gives both back. */
static void a_childs_result_is_kept_until_the_log_closes(void **state)
{
    household it;

    open_household(&it, *state, many_steps, 0);
    it.steps = 1;
    it.inside = lock_database;
    assert_code(DUR_BUSY, family_execute(&it.base, it.log), it.log);
    host_run(it.base.host->other, "ROLLBACK");
    dur_close(it.log);
    it.log = NULL;
    assert_int_equal(1, family_rows(&it.base, CHILD));
    assert_int_equal(0, host_number(it.base.host->db, "SELECT count(owner) FROM durable_runs_view"
                                                      " WHERE id = %Q", CHILD));
    it.base.host->clock.owner_alive = DUR_OWNER_DEAD;
    assert_code(DUR_OK, family_execute(&it.base, it.other), it.other);
    assert_int_equal(1, it.base.bodies);
    close_household(&it);
}

/* ---- Claims in a row ------------------------------------------------------------------------- */

/* A child that comes on by a step in each pass is no poison pill, however many passes its parent
 * makes without a row of its own. */
static void a_parent_whose_child_comes_on_is_not_parked(void **state)
{
    household it;

    open_household(&it, *state, many_steps, 0);
    it.stops = true;
    for (int i = 0; i < STEPS; i++)
        assert_code(DUR_STOPPED, family_execute(&it.base, it.log), it.log);
    assert_code(DUR_OK, family_execute(&it.base, it.log), it.log);
    assert_int_equal(STEPS, it.base.bodies);
    close_household(&it);
}

static int never_comes_on(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    if (!it->catches) dur_stop(run, "never");
    return 0;
}

/* One that does not is parked, and parks its parent; mended and executed again, both go on. */
static void a_child_that_does_not_come_on_is_parked(void **state)
{
    household it;
    int code = DUR_STOPPED;

    open_household(&it, *state, never_comes_on, 0);
    for (int i = 0; i < 2 * DUR_CLAIMS_MAX && code == DUR_STOPPED; i++)
        code = family_execute(&it.base, it.log);
    assert_code(DUR_PARKED, code, it.log);
    assert_int_equal(DUR_CLAIMS_MAX, it.base.child_passes);
    assert_int_equal(DUR_RUN_PARKED, family_status(it.log, PARENT));
    assert_int_equal(DUR_RUN_PARKED, family_status(it.log, CHILD));
    it.base.catches = true; /* mended */
    assert_code(DUR_OK, family_execute(&it.base, it.log), it.log);
    close_household(&it);
}

/* ---- Deleted by hand ------------------------------------------------------------------------- */

static int waits(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    DUR_STEP(run, "before") { it->bodies++; }
    if (dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    return 0;
}

/* Its parent calls it anew: nothing is left of the first. */
static void a_called_child_that_is_deleted_begins_anew(void **state)
{
    household it;

    open_household(&it, *state, waits, 0);
    assert_code(DUR_SUSPENDED, family_execute(&it.base, it.log), it.log);
    host_run(it.base.host->other, "DELETE FROM durable_runs WHERE id = %Q", CHILD);
    it.base.host->clock.now_ms += SECOND;
    host_run(it.base.host->other, "UPDATE durable_runs SET due = 0 WHERE id = %Q", PARENT);
    assert_code(DUR_SUSPENDED, family_execute(&it.base, it.log), it.log);
    assert_int_equal(2, it.base.bodies);
    assert_code(DUR_OK, dur_signal(it.log, CHILD, "go", dur_null(), NULL), it.log);
    assert_code(DUR_OK, family_execute(&it.base, it.log), it.log);
    close_household(&it);
}

static int starts_and_awaits(dur_run *run, void *user)
{
    family *it = user;
    dur_step *child;

    it->passes++;
    if (dur_start_child(run, "child", "child", NULL, &child) != DUR_OK) return 0;
    it->code = dur_await(child, NULL);
    catch_failure(it, run);
    return 0;
}

/* Whoever awaits a started one is told, and does not wait for ever. */
static void a_started_child_that_is_deleted_is_a_failure(void **state)
{
    household it;

    open_household(&it, *state, waits, 0);
    it.base.catches = true;
    assert_code(DUR_SUSPENDED,
                dur_execute(it.log, "parent", PARENT, NULL, starts_and_awaits, &it), it.log);
    it.base.host->clock.now_ms = INT64_C(9000000000000); /* the trigger has SQLite's own clock */
    host_run(it.base.host->other, "DELETE FROM durable_runs WHERE id = %Q", CHILD);
    assert_code(DUR_OK, dur_execute(it.log, "parent", PARENT, NULL, starts_and_awaits, &it),
                it.log);
    assert_string_equal("the child was deleted", it.base.caught);
    close_household(&it);
}

/* ---- Guests ---------------------------------------------------------------------------------- */

static void look_around(household *it)
{
    assert_int_equal(0, host_active_statements(it->base.host->db));
    assert_int_equal(1, sqlite3_get_autocommit(it->base.host->db));
}

/* Law 1: between parent and child as elsewhere: no statement is active, no transaction open, and
 * the connection is left as it was found. */
static void a_family_is_a_guest(void **state)
{
    household it;
    char *before;

    open_household(&it, *state, many_steps, 0);
    assert_code(DUR_SUSPENDED,
                dur_execute(it.log, "other", "other", NULL, starts_and_awaits, &it), it.log);
    sqlite3_free(host_picture(it.base.host->db)); /* the first one opens "temp" by itself */
    before = host_picture(it.base.host->db);
    it.inside = look_around;
    assert_code(DUR_OK, family_execute(&it.base, it.log), it.log);
    assert_code(DUR_OK, dur_cancel(it.log, "other/1"), it.log);
    look_around(&it);
    assert_same(before, host_picture(it.base.host->db));
    close_household(&it);
}

/* A host that has switched triggers off: the parent is made due all the same. */
static void a_parent_is_told_without_triggers(void **state)
{
    household it;
    dur_run_info info = DUR_RUN_INFO_INIT;

    open_household(&it, *state, waits, 0);
    sqlite3_db_config(it.base.host->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    assert_code(DUR_SUSPENDED,
                dur_execute(it.log, "parent", PARENT, NULL, starts_and_awaits, &it), it.log);
    assert_code(DUR_OK, dur_signal(it.log, CHILD, "go", dur_null(), NULL), it.log);
    assert_code(DUR_OK, dur_execute(it.log, "child", CHILD, NULL, waits, &it), it.log);
    assert_code(DUR_OK, dur_read_run(it.log, PARENT, &info), it.log);
    assert_true(info.wake_ms == it.base.host->clock.now_ms);
    assert_code(DUR_OK, dur_execute(it.log, "parent", PARENT, NULL, starts_and_awaits, &it),
                it.log);
    close_household(&it);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON_DISK(a_parent_is_held_while_its_child_works),
        ON_DISK(a_parent_is_held_while_its_childs_heart_beats),
        ON_DISK(a_parent_is_held_while_its_child_naps),
        ON_DISK(a_family_that_was_taken_over_is_lost),
        IN_WAL(a_childs_result_is_kept_while_the_database_is_busy),
        IN_WAL(a_childs_result_is_kept_until_the_log_closes),
        ON_DISK(a_parent_whose_child_comes_on_is_not_parked),
        ON_DISK(a_child_that_does_not_come_on_is_parked),
        ON_DISK(a_called_child_that_is_deleted_begins_anew),
        ON_DISK(a_started_child_that_is_deleted_is_a_failure),
        ON_DISK(a_family_is_a_guest),
        ON_DISK(a_parent_is_told_without_triggers),
    };

    return cmocka_run_group_tests_name("api.child_owner", tests, NULL, NULL);
}
