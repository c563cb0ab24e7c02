/* test/store: law 8 in the SQLite store: what a worker asks for, and what it does, costs the same
 * whatever number of runs sleep. Plans alone do not tell: the steps of SQLite's machine are
 * counted. */
#include "store/conformance_kit.h"
#include "store/conformance_sqlite.h"

#include <sqlite3.h>

enum { FEW = 1000, MANY = 100000 };

#define FAR_DUE INT64_C(4000000000000)

static sqlite3 *database(const conformance *c)
{
    return ((const sqlite_world *)c->world)->host.db;
}

/* ---- Measuring ---- */

/* The machine's steps since the last call, by the statements of the connection that are still
 * prepared. */
static int count_machine_steps(sqlite3 *db)
{
    int steps = 0;

    for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s))
        steps += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1);
    return steps;
}

/* A scan of what is no table is none. */
static bool is_bad_line(const char *line)
{
    if (strstr(line, "TEMP B-TREE")) return true;
    return strncmp(line, "SCAN ", 5) == 0 && line[5] != '(' && strcmp(line, "SCAN next") != 0 &&
           strcmp(line, "SCAN CONSTANT ROW") != 0;
}

static void assert_plan_is_flat(sqlite3 *db, const char *sql)
{
    char *explained = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *plan = NULL;

    assert_int_equal(sqlite3_prepare_v2(db, explained, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(plan, 3);

        if (is_bad_line(line)) fail_msg("%s\n%s", line, sql);
    }
    sqlite3_finalize(plan);
    sqlite3_free(explained);
}

/* Of every statement about our tables that the connection has prepared. Gives their number. */
static int assert_plans_are_flat(sqlite3 *db)
{
    const char *texts[64];
    int count = 0;

    for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s)) {
        assert_true(count < 64);
        if (strstr(sqlite3_sql(s), "durable_") && !sqlite3_stmt_isexplain(s) &&
            !strstr(sqlite3_sql(s), "SAVEPOINT") && !strstr(sqlite3_sql(s), "PRAGMA"))
            texts[count++] = sqlite3_sql(s);
    }
    for (int i = 0; i < count; i++) assert_plan_is_flat(db, texts[i]);
    return count;
}

/* ---- Sleepers ---- */

/* Runs `from`.. of the queue "q": most wait for a time, one in ten for a signal only; of three
 * workflows and all priorities, besides one that sorts in front of them and one behind. Held ones
 * stand between them. */
static void add_sleepers(const conformance *c, int from, int to)
{
    host_run(database(c),
             "WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d)"
             " INSERT INTO durable_runs(run, epoch, token, status, claims, request, id, uid,"
             " workflow, behaviour, queue, priority, due, created, awaits)"
             " SELECT i + 1000, 0, 0, 5, 0, 0, 'sleeper-' || i, i, CASE i %% 5 WHEN 3 THEN 'a'"
             " WHEN 4 THEN 'z' ELSE 'w' || (i %% 5) END, 1, 'q', (i / 5) %% 8,"
             " iif(i %% 10 = 9, NULL, %lld + i), 0, char(10) || 'go' || char(10) FROM n",
             from, to, (long long)FAR_DUE);
    host_run(database(c),
             "INSERT INTO durable_claims(run, epoch, token, owner, lease_end, claims, queue,"
             " workflow) SELECT run, 1, 1, '1 boot space ' || (run %% 3) || ' 7 nonce', %lld + run,"
             " 1, queue, workflow FROM durable_runs WHERE due IS NULL AND run >= %d",
             (long long)FAR_DUE, from + 1000);
}

typedef struct tally {
    int count;
    char ids[4096];
} tally;

static int tally_due(const durable_due *due, void *context)
{
    tally *its = context;

    its->count++;
    assert_true(strlen(its->ids) + strlen(due->id) + 2 < sizeof its->ids);
    strcat(strcat(its->ids, due->id), " ");
    return 0;
}

static int tally_held(const durable_held *held, void *context)
{
    tally *its = context;

    its->count++;
    assert_true(held->lease_end > FAR_DUE);
    return 0;
}

static int first_due(const durable_due *due, void *context)
{
    (void)due;
    (void)context;
    return 1;
}

/* ---- The verbs, each with its steps ---- */

static int look_for_due(conformance *c)
{
    tally found = {0, ""};

    count_machine_steps(database(c));
    assert_int_equal(c->store->methods->find_due(c->store, "q", tally_due, &found), DUR_OK);
    assert_int_equal(found.count, 4 * 8 + 4); /* of "z" every other priority is held */
    /* Of each group the first one. */
    assert_non_null(strstr(found.ids, "sleeper-0 "));
    assert_non_null(strstr(found.ids, "sleeper-38 "));
    return count_machine_steps(database(c));
}

static int look_for_the_first(conformance *c)
{
    count_machine_steps(database(c));
    assert_int_equal(c->store->methods->find_due(c->store, "q", first_due, NULL), DUR_OK);
    return count_machine_steps(database(c));
}

static int look_for_held(conformance *c)
{
    tally found = {0, ""};

    count_machine_steps(database(c));
    assert_int_equal(c->store->methods->find_held(c->store, "q", tally_held, &found), DUR_OK);
    assert_int_equal(found.count, 3); /* owners, of one workflow */
    return count_machine_steps(database(c));
}

static int look_at_the_queue(conformance *c)
{
    static const durable_limits limits = {.max_active = 50, .max_active_process = 20};
    static const char process[] = "1 boot space 1 ";
    durable_queue found;

    assert_int_equal(c->store->methods->limit_queue(c->store, "q", &limits), DUR_OK);
    count_machine_steps(database(c));
    assert_int_equal(c->store->methods->look_at_queue(c->store, "q", process, strlen(process),
                                                      &found),
                     DUR_OK);
    assert_true(found.active == 50 && found.active_process == 20);
    return count_machine_steps(database(c));
}

/* Started, sent to, claimed, suspended, woken and ended, and the claim that a limit refuses. */
static int drive_a_run(conformance *c)
{
    const durable_store_methods *methods = c->store->methods;
    const char *const awaits[] = {"go", "stop"};
    const durable_suspension suspension = {.due = FAR_DUE, .awaits = awaits, .await_count = 2,
                                           .now = 1500};
    const durable_signal signal = {.name = "go", .value = datum_integer(1), .now = 1600};
    const durable_ending ending = {.status = DURABLE_COMPLETED, .clears_pending = true,
                                   .now = 1700};
    durable_new_run new_run = plain_run("driven");
    durable_fence fence = {0};
    durable_claim claim;
    bool done = false;

    new_run.queue = "q";
    new_run.owner = NULL;
    new_run.due = 1400;
    count_machine_steps(database(c));
    assert_int_equal(methods->create_run(c->store, &new_run, &done, &fence), DUR_OK);
    assert_true(done);
    claim = plain_claim(&fence);
    claim.seen_held = false;
    claim.limited = true;
    claim.process_length = 5;
    assert_int_equal(methods->claim_run(c->store, &claim, &done, &fence), DUR_OK);
    assert_false(done);
    claim.limited = false;
    assert_int_equal(methods->claim_run(c->store, &claim, &done, &fence), DUR_OK);
    assert_true(done);
    assert_int_equal(methods->suspend_run(c->store, &fence, &suspension), DUR_OK);
    assert_int_equal(methods->send_signal(c->store, "driven", &signal), DUR_OK);
    assert_true(look(c, "driven").due == 1600);
    claim = plain_claim(&fence);
    claim.seen_held = false;
    assert_int_equal(methods->claim_run(c->store, &claim, &done, &fence), DUR_OK);
    assert_int_equal(methods->end_run(c->store, &fence, &ending), DUR_OK);
    return count_machine_steps(database(c));
}

typedef struct cost {
    const char *what;
    int (*measure)(conformance *c);
    int bound; /* in steps: about twice what it takes today */
    int few;
} cost;

static void what_workers_do_costs_the_same_with_few_and_many_sleepers(void **state)
{
    cost costs[] = {{"find_due", look_for_due, 6000, 0},
                    {"find_due, the first group only", look_for_the_first, 160, 0},
                    {"find_held", look_for_held, 480, 0},
                    {"look_at_queue", look_at_the_queue, 1500, 0},
                    {"the life of a run", drive_a_run, 3000, 0}};
    enum { COSTS = sizeof costs / sizeof costs[0] };
    conformance *c = *state;

    add_sleepers(c, 0, FEW);
    for (int round = 0; round < 3; round++) {
        if (round == 1) add_sleepers(c, FEW, MANY);
        if (round == 2) host_run(database(c), "ANALYZE"); /* the planner may not change its mind */
        for (int i = 0; i < COSTS; i++) {
            int steps = costs[i].measure(c);

            if (round == 0) costs[i].few = steps;
            print_message("%-32s %6d sleepers: %5d steps\n", costs[i].what, round ? MANY : FEW,
                          steps);
            if (steps > costs[i].bound) fail_msg("%s took %d steps", costs[i].what, steps);
            if (steps > costs[i].few * 3 / 2) fail_msg("%s is not flat", costs[i].what);
            host_run(database(c), "DELETE FROM durable_runs WHERE id = 'driven'");
        }
        assert_true(assert_plans_are_flat(database(c)) > 10);
    }
}

/* ---- Idle ---- */

static int any_signal(const durable_signal_record *record, void *context)
{
    (void)record;
    (void)context;
    return DUR_OK;
}

static int any_pending(const durable_pending *pending, void *context)
{
    (void)pending;
    (void)context;
    return 0;
}

/* A worker with nothing to do asks while somebody else holds the write lock, and does not wait. */
static void looking_for_work_takes_no_write_lock(void **state)
{
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    test_host *host = &((sqlite_world *)c->world)->host;
    durable_fence fence = start(c, "order-1");
    tally found = {0, ""};
    durable_queue queue;
    int64_t version;

    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    host_run(host->other, "BEGIN IMMEDIATE");
    assert_int_equal(methods->find_due(c->store, "q", tally_due, &found), DUR_OK);
    assert_int_equal(methods->find_held(c->store, "q", tally_held, &found), DUR_OK);
    assert_int_equal(methods->look_at_queue(c->store, "q", "1 ", 2, &queue), DUR_OK);
    assert_int_equal(methods->peek_signal(c->store, fence.run, "go", any_signal, NULL),
                     DUR_NOT_FOUND);
    assert_int_equal(methods->load_pending(c->store, fence.run, any_pending, NULL, NULL), DUR_OK);
    assert_int_equal(methods->read_version(c->store, &version), DUR_OK);
    assert_int_equal(host->clock.sleeps, 0);
    assert_true(c->subject->is_idle(c->world));
    host_run(host->other, "COMMIT");
}

static void a_commit_of_another_connection_is_a_new_version(void **state)
{
    conformance *c = *state;
    test_host *host = &((sqlite_world *)c->world)->host;
    int64_t before, same, after;

    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_int_equal(c->store->methods->read_version(c->store, &before), DUR_OK);
    assert_int_equal(c->store->methods->read_version(c->store, &same), DUR_OK);
    host_run(host->other, "INSERT INTO durable_queues VALUES('q', 1, 1, 1, 1)");
    assert_int_equal(c->store->methods->read_version(c->store, &after), DUR_OK);
    assert_true(same == before && after != before);
}

/* Who made the log may have been stopped before its indexes. */
static void a_log_without_its_indexes_gets_them_when_it_is_opened(void **state)
{
    conformance *c = *state;
    tally found = {0, ""};

    for (int one_kept = 0; one_kept < 2; one_kept++) {
        host_run(database(c), "DROP INDEX durable_runs_due; DROP INDEX durable_claims_by_queue;"
                              "DROP INDEX durable_signals_by_key");
        if (!one_kept) host_run(database(c), "DROP INDEX durable_signals_sent");
        reopen(c);
        assert_int_equal(host_number(database(c), "SELECT count(*) FROM sqlite_schema"
                                                  " WHERE type = 'index' AND sql NOT NULL"),
                         8);
        assert_int_equal(c->store->methods->find_due(c->store, "q", tally_due, &found), DUR_OK);
    }
}

/* ---- Edited by hand ---- */

static int note_id(const char *id, void *context)
{
    tally *its = context;

    assert_true(++its->count < 100);
    strcat(strcat(its->ids, id), " ");
    return 0;
}

static int note_due(const durable_due *due, void *context)
{
    return note_id(due->id, context);
}

static int note_held(const durable_held *held, void *context)
{
    return note_id(held->id, context);
}

/* Three runs in a row of one group; the edit strikes the middle one, then the first one, too. */
static void assert_edited_are_passed_over(conformance *c, const char *table, const char *edit,
                                          bool is_held)
{
    static const char *const left[] = {"order-1 ", "order-3 "};
    const durable_store_methods *methods = c->store->methods;
    const char *queue = plain_run("order-1").queue;

    for (int i = 0; i < 3; i++) {
        static const char *const ids[] = {"order-1", "order-2", "order-3"};
        durable_fence fence = start(c, ids[i]);

        if (!is_held) assert_int_equal(methods->release_run(c->store, &fence, 1500 + i), DUR_OK);
        host_run(database(c), "UPDATE durable_claims SET lease_end = 5000 + run WHERE run = %d",
                 (int)fence.run);
    }
    for (int i = 0; i < 2; i++) {
        tally found = {0, ""};
        int code;

        host_run(database(c), "UPDATE %s SET %s WHERE run IN (SELECT run FROM durable_runs"
                              " WHERE id = 'order-%d')", table, edit, 2 - i);
        code = is_held ? methods->find_held(c->store, queue, note_held, &found)
                       : methods->find_due(c->store, queue, note_due, &found);
        if (code != DUR_OK || strcmp(found.ids, left[i]) != 0)
            fail_msg("after %s: code %d, found %s", edit, code, found.ids);
        assert_true(c->subject->is_idle(c->world));
    }
    host_run(database(c), "DELETE FROM durable_runs");
}

/* Law 9: whoever edits one run stops no other one, nor the worker: neither by what the columns
 * cannot hold, nor by an end without a thought of the due time; also where the edit would lead the
 * next seek back to the same row. */
static void edited_runs_are_passed_over_and_hide_nothing(void **state)
{
    static const char *const due[] = {
        "due = 'x'", "due = 9.3e18", "due = x'00'", "due = 1.5", "priority = 'x'", "priority = 0.5",
        "priority = -1", "priority = 8", "priority = 5000000000", "workflow = x'00'",
        "workflow = 'a' || char(0) || 'b'", "workflow = printf('%.300c', 'w')",
        "id = run || printf('%.300c', 'w')", "id = CAST(run AS BLOB)",
        "status = 2", "status = 3, failure = 'cancelled'", "status = 4", "status = 'x'"};
    static const char *const held[] = {
        "lease_end = 'x'", "lease_end = 9.3e18", "lease_end = 1.5", "owner = x'00'",
        "workflow = x'00'", "owner = printf('%.300c', 'w')"};

    for (size_t i = 0; i < sizeof due / sizeof due[0]; i++)
        assert_edited_are_passed_over(*state, "durable_runs", due[i], false);
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++)
        assert_edited_are_passed_over(*state, "durable_claims", held[i], true);
}

int main(void)
{
    static const sqlite_variant memory = {.journal = HOST_MEMORY};
    static const sqlite_variant rollback = {.journal = HOST_ROLLBACK};
    static const sqlite_variant wal = {.journal = HOST_WAL};
    static conformance_subject in_memory, with_rollback, in_wal;

#define DUE_TEST(test, subject)                                                                    \
    {#test " (" #subject ")", test, conformance_setup, conformance_teardown, &(subject)}
    static const struct CMUnitTest tests[] = {
        DUE_TEST(what_workers_do_costs_the_same_with_few_and_many_sleepers, in_memory),
        DUE_TEST(looking_for_work_takes_no_write_lock, with_rollback),
        DUE_TEST(looking_for_work_takes_no_write_lock, in_wal),
        DUE_TEST(a_commit_of_another_connection_is_a_new_version, with_rollback),
        DUE_TEST(a_commit_of_another_connection_is_a_new_version, in_wal),
        DUE_TEST(a_log_without_its_indexes_gets_them_when_it_is_opened, with_rollback),
        DUE_TEST(edited_runs_are_passed_over_and_hide_nothing, in_memory),
    };

    in_memory = sqlite_subject("memory", &memory);
    with_rollback = sqlite_subject("rollback", &rollback);
    in_wal = sqlite_subject("WAL", &wal);
    return cmocka_run_group_tests_name("store.sqlite_due", tests, NULL, NULL);
}
