/* test/store: the SQLite store as a guest: in transactions that the host rolls back, beside its
 * half-stepped statements, behind its locks; and over rows that somebody edited. */
#include "store/conformance_kit.h"
#include "store/conformance_sqlite.h"

#include <sqlite3.h>

static sqlite3 *database(const conformance *c)
{
    return ((const sqlite_world *)c->world)->host.db;
}

static test_host *host_of(const conformance *c)
{
    return &((sqlite_world *)c->world)->host;
}

/* What each verb that takes a fence comes to. */
static void assert_every_verb_is(conformance *c, const durable_fence *fence, int expected)
{
    const durable_store_methods *methods = c->store->methods;
    durable_ending ending = {.status = DURABLE_COMPLETED, .now = 1500};
    const durable_suspension suspension = {.due = 9000, .now = 1500};
    const durable_pending pending = {.position = 100, .kind = DURABLE_KIND_STEP, .name = "step",
                                     .name_length = 4, .due = 5, .deadline = DURABLE_NEVER};
    durable_fence copies[7] = {*fence, *fence, *fence, *fence, *fence, *fence, *fence};
    durable_outcome outcome = plain_outcome(&copies[0], 100);
    int code = methods->append_outcomes(c->store, &outcome, 1);

    assert_int_equal(code == DUR_OK ? outcome.verdict : code, expected);
    assert_int_equal(methods->renew_lease(c->store, &copies[1], 9000), expected);
    assert_int_equal(methods->end_run(c->store, &copies[2], &ending), expected);
    assert_int_equal(methods->release_run(c->store, &copies[3], 1500), expected);
    assert_int_equal(methods->suspend_run(c->store, &copies[4], &suspension), expected);
    assert_int_equal(methods->put_pending(c->store, &copies[5], &pending, 0), expected);
    assert_int_equal(methods->put_pending(c->store, &copies[6], &pending, 9000), expected);
    assert_true(c->subject->is_idle(c->world));
}

/* ---- Rolled back ---- */

static void a_start_that_was_rolled_back_is_told_from_a_loss(void **state)
{
    conformance *c = *state;
    durable_fence fence;

    host_run(database(c), "BEGIN");
    fence = start(c, "order-1");
    host_run(database(c), "ROLLBACK");
    assert_every_verb_is(c, &fence, DUR_ROLLED_BACK);
    assert_false(exists(c, "order-1"));
}

static void a_claim_that_was_rolled_back_is_told_from_a_loss(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second;
    durable_run_record before = look(c, "order-1"), after;

    host_run(database(c), "BEGIN");
    second = take_over(c, &first);
    host_run(database(c), "ROLLBACK");
    assert_every_verb_is(c, &second, DUR_ROLLED_BACK);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
    record(c, &first, 1);
}

/* The epoch that was rolled back is given again, to somebody else. */
static void a_claim_rolled_back_and_made_by_another_is_lost_or_rolled_back(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second, third;
    durable_claim other = plain_claim(&first);
    durable_outcome outcome;
    bool claimed = false;
    int verdict;

    host_run(database(c), "BEGIN");
    second = take_over(c, &first);
    host_run(database(c), "ROLLBACK");
    other.token = 33;
    assert_int_equal(c->store->methods->claim_run(c->store, &other, &claimed, &third), DUR_OK);
    assert_true(claimed && third.epoch == second.epoch);
    outcome = plain_outcome(&second, 1);
    verdict = append(c, outcome);
    assert_true(verdict == DUR_LOST || verdict == DUR_ROLLED_BACK);
    assert_int_equal(load_all(c, first.run).count, 0);
    record(c, &third, 1);
}

static void a_record_that_was_rolled_back_is_noticed_by_the_next_write(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    record(c, &fence, 1);
    host_run(database(c), "BEGIN");
    record(c, &fence, 2);
    record(c, &fence, 3);
    host_run(database(c), "ROLLBACK");
    assert_every_verb_is(c, &fence, DUR_ROLLED_BACK);
    assert_int_equal(load_all(c, fence.run).count, 1);
}

static void a_record_undone_by_a_savepoint_is_noticed_in_the_same_transaction(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    host_run(database(c), "BEGIN; SAVEPOINT one");
    record(c, &fence, 1);
    host_run(database(c), "ROLLBACK TO one");
    assert_every_verb_is(c, &fence, DUR_ROLLED_BACK);
    host_run(database(c), "COMMIT");
    assert_int_equal(load_all(c, fence.run).count, 0);
}

static void a_record_that_was_committed_by_the_host_stays(void **state)
{
    conformance *c = *state;
    durable_fence fence;

    host_run(database(c), "BEGIN");
    fence = start(c, "order-1");
    record(c, &fence, 1);
    host_run(database(c), "COMMIT");
    record(c, &fence, 2);
    assert_true(fence.provisional == 0);
    host_run(database(c), "BEGIN");
    record(c, &fence, 3);
    host_run(database(c), "ROLLBACK");
    assert_int_equal(append(c, plain_outcome(&fence, 4)), DUR_ROLLED_BACK);
    assert_int_equal(load_all(c, fence.run).count, 2);
}

/* Each run of an array has its own verdict here too. */
static void in_an_array_only_the_runs_that_were_rolled_back_are(void **state)
{
    conformance *c = *state;
    durable_fence good = start(c, "good"), undone = start(c, "undone");
    durable_outcome outcomes[3];

    host_run(database(c), "BEGIN");
    record(c, &undone, 1);
    host_run(database(c), "ROLLBACK");
    outcomes[0] = plain_outcome(&good, 1);
    outcomes[1] = plain_outcome(&undone, 2);
    outcomes[2] = plain_outcome(&good, 2);
    assert_int_equal(c->store->methods->append_outcomes(c->store, outcomes, 3), DUR_OK);
    assert_int_equal(outcomes[0].verdict, DUR_OK);
    assert_int_equal(outcomes[1].verdict, DUR_ROLLED_BACK);
    assert_int_equal(outcomes[2].verdict, DUR_OK);
    assert_int_equal(load_all(c, good.run).count, 2);
    assert_int_equal(load_all(c, undone.run).count, 0);
}

/* A trigger of the host ends its transaction under us: reported, never papered over. */
static void a_trigger_that_rolls_the_host_back_is_reported(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_outcome outcome = plain_outcome(&fence, 1);
    int code;

    host_run(database(c), "CREATE TABLE business(x); CREATE TRIGGER no BEFORE INSERT ON"
                          " durable_steps BEGIN SELECT raise(ROLLBACK, 'no'); END");
    host_run(database(c), "BEGIN; INSERT INTO business VALUES(1)");
    code = c->store->methods->append_outcomes(c->store, &outcome, 1);
    assert_int_equal(code == DUR_OK ? outcome.verdict : code, DUR_ROLLED_BACK);
    assert_int_equal(c->store->error.code, DUR_ROLLED_BACK);
    assert_int_equal(host_number(database(c), "SELECT count(*) FROM business"), 0);
    assert_int_equal(load_all(c, fence.run).count, 0);
}

/* ---- Beside the host ---- */

static void beside_a_half_stepped_write_of_the_host_nothing_is_written(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), second;
    durable_new_run new_run = plain_run("order-2");
    durable_claim claim = plain_claim(&fence);
    const durable_signal signal = {.name = "go", .value = datum_null(), .now = 1500};
    const durable_limits limits = {.max_active = 1};
    sqlite3_stmt *statement = NULL;
    bool done;

    host_run(database(c), "CREATE TABLE business(x); INSERT INTO business VALUES(1), (2), (3)");
    assert_int_equal(sqlite3_prepare_v2(database(c), "UPDATE business SET x = x + 1 RETURNING x",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    if (sqlite3_txn_state(database(c), NULL) == SQLITE_TXN_WRITE) {
        const durable_store_methods *methods = c->store->methods;
        durable_outcome outcome = plain_outcome(&fence, 1);

        assert_int_equal(methods->append_outcomes(c->store, &outcome, 1), DUR_HOST_STATEMENT);
        assert_int_equal(methods->create_run(c->store, &new_run, &done, &second),
                         DUR_HOST_STATEMENT);
        assert_int_equal(methods->claim_run(c->store, &claim, &done, &second),
                         DUR_HOST_STATEMENT);
        assert_int_equal(methods->renew_lease(c->store, &fence, 9000), DUR_HOST_STATEMENT);
        assert_int_equal(methods->release_run(c->store, &fence, 1500), DUR_HOST_STATEMENT);
        new_run.owner = NULL;
        assert_int_equal(methods->create_run(c->store, &new_run, &done, NULL),
                         DUR_HOST_STATEMENT);
        assert_int_equal(methods->send_signal(c->store, "order-1", &signal), DUR_HOST_STATEMENT);
        assert_int_equal(methods->limit_queue(c->store, "q", &limits), DUR_HOST_STATEMENT);
    }
    while (sqlite3_step(statement) == SQLITE_ROW) { }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(host_number(database(c), "SELECT sum(x) FROM business"), 9);
    assert_false(exists(c, "order-2"));
    assert_int_equal(load_all(c, fence.run).count, 0);
    record(c, &fence, 1);
}

static void the_hosts_last_rowid_is_left_as_it_was(void **state)
{
    conformance *c = *state;
    durable_fence fence;
    durable_outcome renewing;
    durable_ending ending = {.status = DURABLE_COMPLETED, .now = 1500};
    const durable_signal signal = {.name = "go", .value = datum_null(), .now = 1500};
    const durable_limits limits = {.max_active = 1};
    const durable_pending pending = {.position = 3, .kind = DURABLE_KIND_STEP, .name = "step",
                                     .name_length = 4, .due = 5, .deadline = DURABLE_NEVER};

    sqlite3_set_last_insert_rowid(database(c), 4711);
    fence = start(c, "order-1");
    assert_true(sqlite3_last_insert_rowid(database(c)) == 4711);
    fence = take_over(c, &fence);
    assert_true(sqlite3_last_insert_rowid(database(c)) == 4711);
    record(c, &fence, 1);
    assert_true(sqlite3_last_insert_rowid(database(c)) == 4711);
    record(c, &fence, 1); /* there already */
    assert_true(sqlite3_last_insert_rowid(database(c)) == 4711);
    renewing = plain_outcome(&fence, 2);
    renewing.lease_end = 9000;
    assert_int_equal(append(c, renewing), DUR_OK);
    assert_true(sqlite3_last_insert_rowid(database(c)) == 4711);
    assert_int_equal(c->store->methods->send_signal(c->store, "order-1", &signal), DUR_OK);
    assert_true(sqlite3_last_insert_rowid(database(c)) == 4711);
    assert_int_equal(c->store->methods->put_pending(c->store, &fence, &pending, 9000), DUR_OK);
    assert_true(sqlite3_last_insert_rowid(database(c)) == 4711);
    assert_int_equal(c->store->methods->limit_queue(c->store, "q", &limits), DUR_OK);
    assert_true(sqlite3_last_insert_rowid(database(c)) == 4711);
    assert_int_equal(c->store->methods->end_run(c->store, &fence, &ending), DUR_OK);
    assert_true(sqlite3_last_insert_rowid(database(c)) == 4711);
}

/* ---- Behind locks ---- */

static void a_locked_database_is_waited_for_and_then_busy(void **state)
{
    conformance *c = *state;
    test_host *host = host_of(c);
    durable_fence fence = start(c, "order-1");
    durable_outcome outcome = plain_outcome(&fence, 1);

    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    host_run(host->other, "BEGIN IMMEDIATE");
    assert_int_equal(c->store->methods->append_outcomes(c->store, &outcome, 1), DUR_BUSY);
    assert_true(host->clock.slept_ms == 5000);
    assert_true(sqlite3_get_autocommit(host->db));
    assert_true(c->subject->is_idle(c->world));
    host_run(host->other, "COMMIT");
    record(c, &fence, 1);
}

static void let_go(void *user)
{
    test_host *host = user;

    if (host->clock.sleeps == 3) host_run(host->other, "COMMIT");
}

static void a_lock_that_is_let_go_in_time_costs_only_the_wait(void **state)
{
    conformance *c = *state;
    test_host *host = host_of(c);
    durable_fence fence = start(c, "order-1");

    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    host_run(host->other, "BEGIN IMMEDIATE");
    host->clock.on_sleep = let_go;
    host->clock.on_sleep_user = host;
    record(c, &fence, 1);
    assert_int_equal(host->clock.sleeps, 3);
    assert_true(host->clock.slept_ms < 100);
}

/* In WAL: the host's own read has grown old. Waiting would not help, and nothing is waited. */
static void an_old_snapshot_of_the_host_is_a_stale_read(void **state)
{
    conformance *c = *state;
    test_host *host = host_of(c);
    durable_fence fence = start(c, "order-1");
    durable_outcome outcome = plain_outcome(&fence, 1);

    host_run(host->db, "CREATE TABLE business(x)");
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    host_run(host->db, "BEGIN; SELECT * FROM business");
    host_run(host->other, "INSERT INTO business VALUES(1)");
    assert_int_equal(c->store->methods->append_outcomes(c->store, &outcome, 1), DUR_STALE_READ);
    assert_int_equal(host->clock.sleeps, 0);
    assert_false(sqlite3_get_autocommit(host->db)); /* the host's transaction is still there */
    host_run(host->db, "COMMIT");
    record(c, &fence, 1);
}

/* ---- Rows that somebody edited (law 9) ---- */

/* Of a run that is held, and of one that was given back. */
static void an_epoch_at_the_end_of_numbers_is_not_counted_up(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), taken;

    for (int given_back = 0; given_back < 2; given_back++) {
        durable_claim claim;
        bool claimed = false;
        int code;

        host_run(database(c), "UPDATE durable_claims SET epoch = 9223372036854775807;"
                              "UPDATE durable_runs SET epoch = 9223372036854775807");
        fence.epoch = INT64_MAX;
        claim = plain_claim(&fence);
        code = c->store->methods->claim_run(c->store, &claim, &claimed, &taken);
        assert_true(code != DUR_OK || !claimed);
        host_run(database(c), "DELETE FROM durable_claims");
    }
    assert_int_equal(host_number(database(c), "SELECT count(*) FROM durable_runs"
                                              " WHERE epoch = 9223372036854775807"),
                     1);
}

static int ignore_run(const durable_run_record *record, void *context)
{
    (void)record;
    (void)context;
    return DUR_OK;
}

/* Edit a run that is held, or was given back; it must not be read then. */
static void assert_edit_is_corrupt(conformance *c, bool held, const char *table, const char *edit)
{
    const durable_store_methods *methods = c->store->methods;
    durable_fence fence = start(c, "order-1");

    if (!held) assert_int_equal(methods->release_run(c->store, &fence, 1500), DUR_OK);
    host_run(database(c), "UPDATE %s SET %s", table, edit);
    if (methods->find_run(c->store, "order-1", ignore_run, NULL) != DUR_CORRUPT)
        fail_msg("a run with %s in %s was read", edit, table);
    assert_int_equal(c->store->error.code, DUR_CORRUPT);
    assert_true(c->subject->is_idle(c->world));
    host_run(database(c), "DELETE FROM durable_runs; DELETE FROM durable_claims");
}

static void a_run_with_impossible_columns_is_corrupt(void **state)
{
    static const char *const both[] = {
        "epoch = 'one'", "epoch = 1.5",  "epoch = 9223372036854775807",
        "epoch = -1",    "token = 'x'",  "claims = 'x'",
        "claims = -1",   "claims = 1.5", "claims = 9223372036854775807"};
    static const char *const claims[] = {"lease_end = 'x'", "owner = x'00'"};
    static const char *const runs[] = {
        "status = 0",       "status = 10",      "status = 'x'",     "behaviour = 1e12",
        "behaviour = 0",    "created = 'x'",    "ended = 'x'",      "workflow = x'00'",
        "uid = x'00'",      "failure = x'00'",  "input_format = 'x'", "output_format = 5000000000",
        "input_format = 4", "queue = x'00'",    "priority = 'x'",     "due = 'x'"};
    conformance *c = *state;

    for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
        assert_edit_is_corrupt(c, true, "durable_claims", both[i]);
        assert_edit_is_corrupt(c, false, "durable_runs", both[i]);
    }
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++)
        assert_edit_is_corrupt(c, true, "durable_claims", claims[i]);
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++)
        assert_edit_is_corrupt(c, false, "durable_runs", runs[i]);
}

static int ignore_step(const durable_step_record *record, void *context)
{
    (void)record;
    (void)context;
    return 0;
}

static void a_step_with_impossible_columns_is_corrupt(void **state)
{
    static const char *const edits[] = {"kind = 'x'",       "kind = 5000000000", "kind = 0",
                                        "kind = -1", /* a failure whose message is no text */
                                        "name = x'00'",     "format = 'x'",      "site = x'00'",
                                        "format = 5000000000", "epoch = 'x'",    "began = 'x'",
                                        "format = 4", /* timed out, and yet a value */
                                        "format = 4, value = NULL, kind = -1"};
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        int64_t position = -1;

        record(c, &fence, 1);
        host_run(database(c), "UPDATE durable_steps SET %s", edits[i]);
        if (c->store->methods->load_history(c->store, fence.run, 1, DUR_POSITION_MAX, 10, true,
                                            ignore_step, NULL, &position) != DUR_CORRUPT)
            fail_msg("a step with %s was read", edits[i]);
        assert_true(position == 1);
        assert_true(c->subject->is_idle(c->world));
        host_run(database(c), "DELETE FROM durable_steps");
    }
}

static int ignore_pending(const durable_pending *pending, void *context)
{
    (void)pending;
    (void)context;
    return 0;
}

static int ignore_signal(const durable_signal_record *record, void *context)
{
    (void)record;
    (void)context;
    return DUR_OK;
}

static void a_pending_row_with_impossible_columns_is_corrupt(void **state)
{
    static const char *const edits[] = {
        "kind = 'x'",    "kind = 0",   "kind = -1",        "name = x'00'", "attempt = 'x'",
        "attempt = -1",  "attempt = 9223372036854775807",  "began = 'x'",  "due = 'x'",
        "due = 9.3e18",  "deadline = 'x'", "interval = 'x'", "interval = -1", "choice = 'x'",
        "format = 'x'",  "format = 4", "failure = x'00'"};
    const durable_pending pending = {.position = 3, .kind = DURABLE_KIND_STEP, .name = "step",
                                     .name_length = 4, .due = 5, .deadline = DURABLE_NEVER};
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    durable_fence fence = start(c, "order-1");

    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        int64_t position = -1;

        assert_int_equal(methods->put_pending(c->store, &fence, &pending, 0), DUR_OK);
        host_run(database(c), "UPDATE durable_pending SET %s", edits[i]);
        if (methods->load_pending(c->store, fence.run, ignore_pending, NULL, &position) !=
            DUR_CORRUPT)
            fail_msg("a pending row with %s was read", edits[i]);
        assert_true(position == 3);
        assert_true(c->subject->is_idle(c->world));
    }
}

static void a_signal_with_impossible_columns_is_corrupt(void **state)
{
    static const char *const edits[] = {"format = 'x'", "format = 4", "failure = x'00'",
                                        "signal = 0"};
    const durable_signal signal = {.name = "go", .value = datum_integer(1), .now = 1500};
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    durable_fence fence = start(c, "order-1");

    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        assert_int_equal(methods->send_signal(c->store, "order-1", &signal), DUR_OK);
        host_run(database(c), "UPDATE durable_signals SET %s", edits[i]);
        if (methods->peek_signal(c->store, fence.run, "go", ignore_signal, NULL) != DUR_CORRUPT)
            fail_msg("a signal with %s was read", edits[i]);
        assert_true(c->subject->is_idle(c->world));
        host_run(database(c), "DELETE FROM durable_signals");
    }
}

static void a_queue_with_impossible_columns_is_corrupt(void **state)
{
    static const char *const edits[] = {"max_active = 'x'", "max_active_process = -1",
                                        "interval_us = 1.5", "next_us = 'x'"};
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    const durable_limits limits = {.max_active = 1};
    durable_queue found;

    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        assert_int_equal(methods->limit_queue(c->store, "q", &limits), DUR_OK);
        host_run(database(c), "UPDATE durable_queues SET %s", edits[i]);
        if (methods->look_at_queue(c->store, "q", "p", 1, &found) != DUR_CORRUPT)
            fail_msg("a queue with %s was read", edits[i]);
        assert_true(c->subject->is_idle(c->world));
        host_run(database(c), "DELETE FROM durable_queues");
    }
}

/* The next run's key lies above every run's and every step's; where these were edited up to the end
 * of numbers there is none left, and nothing may overflow. */
static void a_log_whose_keys_are_used_up_starts_nothing(void **state)
{
    static const char *const edits[] = {
        ("INSERT INTO durable_steps(step, kind, name, format, low, epoch, attempt, began,"
         " took) VALUES(9223372036854775807, 1, 'x', 0, 1, 1, 1, 0, 0)"),
        "UPDATE durable_runs SET run = 9223372036854775807",
        "UPDATE durable_runs SET run = 1099511627776",
        "UPDATE durable_runs SET run = 68719476735",
    };
    conformance *c = *state;

    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        durable_new_run new_run = plain_run("order-2");
        durable_fence fence;
        bool created = false;
        int code;

        start(c, "order-1");
        host_run(database(c), "%s", edits[i]);
        code = c->store->methods->create_run(c->store, &new_run, &created, &fence);
        if (code == DUR_OK || created) fail_msg("a run was started after: %s", edits[i]);
        assert_false(exists(c, "order-2"));
        host_run(database(c), "DELETE FROM durable_steps; DELETE FROM durable_runs;"
                              "DELETE FROM durable_claims");
    }
}

/* Steps of a run that was deleted without them are no stranger's. */
static void forgotten_steps_do_not_come_to_a_new_run(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    record(c, &fence, 1);
    host_run(database(c), "DELETE FROM durable_runs");
    fence = start(c, "order-1");
    assert_int_equal(load_all(c, fence.run).count, 0);
    record(c, &fence, 1);
}

/* Nor does a claim that somebody left behind: a start is claimed by who started it, or is none. */
static void a_forgotten_claim_does_not_come_to_a_new_run(void **state)
{
    conformance *c = *state;
    durable_new_run new_run = plain_run("order-1");
    durable_fence fence;
    bool created = false;
    int code;

    host_run(database(c), "INSERT INTO durable_claims(run, epoch, token, owner, lease_end, claims,"
                          " queue, workflow) VALUES(1, 7, 7, 'somebody', 9000, 1, 'q', 'w')");
    code = c->store->methods->create_run(c->store, &new_run, &created, &fence);
    if (code == DUR_OK) {
        assert_true(created);
        assert_string_equal(look(c, "order-1").owner, "owner-1");
        record(c, &fence, 1);
    } else {
        assert_false(exists(c, "order-1"));
    }
}

/* Who deletes a run by hand need not know of its claim and steps: its owner loses it, and other
 * runs keep theirs. */
static void a_run_deleted_by_hand_is_lost_to_its_owner(void **state)
{
    conformance *c = *state;
    durable_fence before = start(c, "order-0"), fence = start(c, "order-1");
    durable_fence behind = start(c, "order-2");

    record(c, &before, DUR_POSITION_MAX);
    record(c, &fence, 1);
    record(c, &fence, DUR_POSITION_MAX);
    record(c, &behind, 1);
    host_run(database(c), "DELETE FROM durable_runs WHERE id = 'order-1'");
    assert_every_verb_is(c, &fence, DUR_LOST);
    assert_int_equal(host_number(database(c), "SELECT count(*) FROM durable_claims"), 2);
    assert_int_equal(host_number(database(c), "SELECT count(*) FROM durable_steps"), 2);
}

int main(void)
{
    static const sqlite_variant memory = {.journal = HOST_MEMORY};
    static const sqlite_variant rollback = {.journal = HOST_ROLLBACK};
    static const sqlite_variant wal = {.journal = HOST_WAL};
    static conformance_subject in_memory, with_rollback, in_wal;

#define GUEST_TEST(test, subject)                                                                  \
    {#test " (" #subject ")", test, conformance_setup, conformance_teardown, &(subject)}
#define IN_EVERY_JOURNAL_MODE(test)                                                                \
    GUEST_TEST(test, in_memory), GUEST_TEST(test, with_rollback), GUEST_TEST(test, in_wal)
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL_MODE(a_start_that_was_rolled_back_is_told_from_a_loss),
        IN_EVERY_JOURNAL_MODE(a_claim_that_was_rolled_back_is_told_from_a_loss),
        IN_EVERY_JOURNAL_MODE(a_claim_rolled_back_and_made_by_another_is_lost_or_rolled_back),
        IN_EVERY_JOURNAL_MODE(a_record_that_was_rolled_back_is_noticed_by_the_next_write),
        IN_EVERY_JOURNAL_MODE(a_record_undone_by_a_savepoint_is_noticed_in_the_same_transaction),
        IN_EVERY_JOURNAL_MODE(a_record_that_was_committed_by_the_host_stays),
        IN_EVERY_JOURNAL_MODE(in_an_array_only_the_runs_that_were_rolled_back_are),
        IN_EVERY_JOURNAL_MODE(a_trigger_that_rolls_the_host_back_is_reported),
        IN_EVERY_JOURNAL_MODE(beside_a_half_stepped_write_of_the_host_nothing_is_written),
        IN_EVERY_JOURNAL_MODE(the_hosts_last_rowid_is_left_as_it_was),
        GUEST_TEST(a_locked_database_is_waited_for_and_then_busy, with_rollback),
        GUEST_TEST(a_locked_database_is_waited_for_and_then_busy, in_wal),
        GUEST_TEST(a_lock_that_is_let_go_in_time_costs_only_the_wait, with_rollback),
        GUEST_TEST(a_lock_that_is_let_go_in_time_costs_only_the_wait, in_wal),
        GUEST_TEST(an_old_snapshot_of_the_host_is_a_stale_read, in_wal),
        GUEST_TEST(an_epoch_at_the_end_of_numbers_is_not_counted_up, in_memory),
        GUEST_TEST(a_run_with_impossible_columns_is_corrupt, in_memory),
        GUEST_TEST(a_step_with_impossible_columns_is_corrupt, in_memory),
        GUEST_TEST(a_pending_row_with_impossible_columns_is_corrupt, in_memory),
        GUEST_TEST(a_signal_with_impossible_columns_is_corrupt, in_memory),
        GUEST_TEST(a_queue_with_impossible_columns_is_corrupt, in_memory),
        GUEST_TEST(a_log_whose_keys_are_used_up_starts_nothing, in_memory),
        GUEST_TEST(forgotten_steps_do_not_come_to_a_new_run, in_memory),
        GUEST_TEST(a_forgotten_claim_does_not_come_to_a_new_run, in_memory),
        GUEST_TEST(a_run_deleted_by_hand_is_lost_to_its_owner, in_memory),
    };

    in_memory = sqlite_subject("memory", &memory);
    with_rollback = sqlite_subject("rollback", &rollback);
    in_wal = sqlite_subject("WAL", &wal);
    return cmocka_run_group_tests_name("store.sqlite_host", tests, NULL, NULL);
}
