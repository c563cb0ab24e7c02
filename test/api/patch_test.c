/* test/api: patch markers in a host's database: as rows, in its transactions, in shared commits, in
 * children and branches, beside a locked database; the engine's tests have the table. */
#include "api/script.h"

#include <stdio.h>

#define ID "order-7"
#define PATCHED_ROWS "1 step reserve, 2 patch check-fraud, 3 step fraud, 4 step charge"

static void assert_rows(sqlite3 *db, const char *expected)
{
    char *rows = host_rows(db, "SELECT group_concat(row, ', ') FROM (SELECT position || ' ' || kind"
                               " || ' ' || name AS row FROM durable_steps_view"
                               " WHERE run_id = '" ID "' ORDER BY position)");
    char *wanted = sqlite3_mprintf("row '%s'\n.", expected);

    assert_same(wanted, rows);
}

/* ---- An order, before fraud was looked for, and after ---- */

typedef struct shop {
    test_host *host;
    bool patched;   /* the new code */
    bool retired;   /* the one after it */
    int frauds, charges;
    const char *before, *behind; /* SQL of the workflow's own around the patch; NULL: none */
    bool locks;     /* somebody else takes the lock before it */
    bool leaves;    /* behind it */
    int result;     /* of the retirement */
} shop;

static void charge(dur_run *run, shop *it)
{
    DUR_STEP(run, "charge") { it->charges++; }
}

static int order(dur_run *run, void *user)
{
    shop *it = user;
    bool looks = it->retired;

    DUR_STEP(run, "reserve") {}
    if (it->before) host_run(it->host->db, "%s", it->before);
    if (it->locks) host_run(it->host->other, "BEGIN IMMEDIATE");
    if (it->patched) looks = dur_patch(run, "check-fraud");
    if (it->retired) it->result = dur_retire_patch(run, "check-fraud");
    if (it->behind) host_run(it->host->db, "%s", it->behind);
    if (it->leaves) dur_stop(run, "left");
    if (looks) DUR_STEP(run, "fraud") { it->frauds++; }
    charge(run, it);
    return 0;
}

static shop shop_of(test_host *host, bool patched)
{
    shop fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.host = host;
    fresh.patched = patched;
    return fresh;
}

static int execute(dur_log *log, shop *it)
{
    return dur_execute(log, "order", ID, NULL, order, it);
}

static void a_marker_is_a_row_that_people_can_read(void **state)
{
    test_host *host = *state;
    shop it = shop_of(host, true);
    dur_log *log = host_log(host);

    assert_code(DUR_OK, execute(log, &it), log);
    assert_rows(host->db, PATCHED_ROWS);
    assert_int_equal(1, host_number(host->db,
                                    "SELECT count(*) FROM durable_steps WHERE kind = 9"
                                    " AND value IS NULL AND format IS NULL AND low = 2"
                                    " AND attempt = 1 AND fingerprint IS NULL AND site IS NULL"));
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps_view WHERE kind"
                                              " = 'patch' AND outcome = 'result'"));
    dur_close(log);
}

/* An old run, one of the new code, and one of the code after it, through all three. */
static void runs_of_three_versions(void **state)
{
    static const char *const rows[] = {
        "1 step reserve, 2 step charge",
        PATCHED_ROWS,
        "1 step reserve, 2 step fraud, 3 step charge"};
    /* By the old code, the patched one, and the one behind it. */
    static const int expected[3][3] = {{DUR_OK, DUR_OK, DUR_DIVERGED},
                                       {DUR_DIVERGED, DUR_OK, DUR_OK},
                                       {DUR_DIVERGED, DUR_DIVERGED, DUR_OK}};
    test_host *host = *state;

    for (int was = 0; was < 3; was++) {
        for (int is = 0; is < 3; is++) {
            shop recorded = shop_of(host, was == 1), met = shop_of(host, is == 1);
            dur_log *log = host_log(host);

            recorded.retired = was == 2;
            met.retired = is == 2;
            host_run(host->db, "DELETE FROM durable_runs; CREATE TEMP TRIGGER stay BEFORE UPDATE"
                               " ON durable_runs WHEN new.status = 2 BEGIN"
                               " SELECT RAISE(ABORT, 'stay'); END");
            assert_code(DUR_DATABASE, execute(log, &recorded), log);
            host_run(host->db, "DROP TRIGGER stay");
            assert_rows(host->db, rows[was]);
            assert_code(expected[was][is], execute(log, &met), log);
            assert_int_equal(0, met.frauds + met.charges);
            assert_rows(host->db, rows[was]);
            dur_close(log);
        }
    }
}

/* ---- Transactions ---- */

/* Law 2 and 3: in the host's transaction it joins it, and is as durable as that. */
static void a_marker_joins_the_hosts_transaction(void **state)
{
    test_host *host = *state;
    shop it = shop_of(host, true);
    dur_log *log = host_log(host);

    it.leaves = true;
    host_run(host->db, "BEGIN");
    assert_code(DUR_STOPPED, execute(log, &it), log);
    assert_int_equal(0, sqlite3_get_autocommit(host->db));
    host_run(host->db, "COMMIT");
    assert_rows(host->db, "1 step reserve, 2 patch check-fraud");
    it.leaves = false;
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(1, it.frauds);
    dur_close(log);
}

/* Rolled back behind the answer: nothing is executed on top of a marker that is gone, and the next
 * pass is asked anew. */
static void a_marker_that_is_rolled_back_stops_the_run(void **state)
{
    test_host *host = *state;
    shop it = shop_of(host, true);
    dur_log *log = host_log(host);

    it.before = "BEGIN";
    it.behind = "ROLLBACK";
    assert_code(DUR_ROLLED_BACK, execute(log, &it), log);
    assert_int_equal(0, it.frauds + it.charges);
    assert_rows(host->db, "1 step reserve");
    it.before = it.behind = NULL;
    assert_code(DUR_OK, execute(log, &it), log);
    assert_rows(host->db, PATCHED_ROWS);
    dur_close(log);
}

static int share(dur_run *run, void *user)
{
    shop *it = user;

    DUR_TX_STEP(run, "first") host_run(it->host->db, "INSERT INTO t VALUES(1)");
    it->result = (int)host_number(it->host->other, "SELECT count(*) FROM durable_steps");
    if (!dur_patch(run, "x")) return 1;
    it->frauds = (int)host_number(it->host->other, "SELECT count(*) FROM durable_steps");
    DUR_TX_STEP(run, "second") host_run(it->host->db, "INSERT INTO t VALUES(2)");
    return 0;
}

/* What waits for a shared commit is committed before it. */
static void a_marker_comes_behind_the_shared_commit(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    shop it = shop_of(host, true);
    dur_log *log = NULL;

    options.shared_commit_steps = 5;
    host_run(host->db, "CREATE TABLE t(x)");
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_int_equal(DUR_OK, dur_open(host->db, &options, &log));
    assert_code(DUR_OK, dur_execute(log, "share", ID, NULL, share, &it), log);
    assert_int_equal(0, it.result);
    assert_int_equal(2, it.frauds);
    assert_rows(host->db, "1 step first, 2 patch x, 3 step second");
    dur_close(log);
}

static int ask_in_transaction(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    shop *it = user;
    dur_step *step = NULL;

    options.mode = DUR_TRANSACTIONAL;
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "transfer", &options, &step));
    host_run(it->host->db, "INSERT INTO t VALUES(1)");
    assert_false(dur_patch(run, "x"));
    assert_int_not_equal(DUR_OK, dur_record_result(step, dur_null()));
    return 0;
}

/* Nothing but a step's own record ends up in its transaction. */
static void inside_an_open_step_with_a_transaction_it_is_misuse(void **state)
{
    test_host *host = *state;
    shop it = shop_of(host, true);
    dur_log *log = host_log(host);

    host_run(host->db, "CREATE TABLE t(x)");
    assert_code(DUR_MISUSE, dur_execute(log, "tx", ID, NULL, ask_in_transaction, &it), log);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM t"));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    dur_close(log);
}

static void a_locked_database_stops_the_run_and_the_next_pass_asks_again(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    shop it = shop_of(host, true);
    dur_log *log = NULL;

    options.busy_wait_ms = -1;
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_int_equal(DUR_OK, dur_open(host->db, &options, &log));
    it.locks = true;
    assert_code(DUR_BUSY, execute(log, &it), log);
    assert_int_equal(0, it.frauds + it.charges);
    host_run(host->other, "ROLLBACK");
    it.locks = false;
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(1, it.frauds);
    assert_rows(host->db, PATCHED_ROWS);
    dur_close(log);
}

/* ---- Children and branches: each its own ---- */

typedef struct parent {
    bool patches;
    bool answers[3]; /* the parent's before and behind, the child's */
} parent;

static int child(dur_run *run, void *user)
{
    parent *it = user;

    DUR_STEP(run, "work") {}
    it->answers[2] = dur_patch(run, "x");
    return 0;
}

static int call_one(dur_run *run, void *user)
{
    parent *it = user;

    if (it->patches) it->answers[0] = dur_patch(run, "x");
    if (dur_call(run, "child", NULL, child, it, NULL) != DUR_OK) return 1;
    it->answers[1] = dur_patch(run, "x");
    return 0;
}

/* The parent has begun to call when the patch comes: it goes the old way, and its child, which has
 * not come so far, the new one. */
static void a_patch_in_a_called_child_is_that_childs_own(void **state)
{
    test_host *host = *state;
    parent it = {true, {false, false, false}};
    dur_log *log = host_log(host);

    host_run(host->db, "CREATE TEMP TRIGGER stay BEFORE INSERT ON durable_steps WHEN new.name ="
                       " 'work' BEGIN SELECT RAISE(ABORT, 'stay'); END");
    it.patches = false;
    assert_code(DUR_DATABASE, dur_execute(log, "call", ID, NULL, call_one, &it), log);
    host_run(host->db, "DROP TRIGGER stay");
    it.patches = true;
    assert_code(DUR_OK, dur_execute(log, "call", ID, NULL, call_one, &it), log);
    assert_false(it.answers[0]);
    assert_false(it.answers[1]);
    assert_true(it.answers[2]);
    assert_rows(host->db, "1 child child");
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps WHERE kind = 9"));
    dur_close(log);
}

static int fan_out(dur_run *run, void *user)
{
    dur_branch branches[3] = {{"left", child, user, dur_null()},
                              {"middle", child, user, dur_null()},
                              {"right", child, user, dur_null()}};
    dur_batch batch = {0};

    return dur_parallel(run, "fan", branches, 3, NULL, &batch) == DUR_OK ? 0 : 1;
}

static void a_patch_in_a_branch_is_that_branchs_own(void **state)
{
    test_host *host = *state;
    parent it = {true, {false, false, false}};
    dur_log *log = host_log(host);

    assert_code(DUR_OK, dur_execute(log, "fan", ID, NULL, fan_out, &it), log);
    assert_int_equal(3, host_number(host->db, "SELECT count(*) FROM durable_steps_view WHERE kind ="
                                              " 'patch' AND position = 2"));
    dur_close(log);
}

/* ---- Chains ---- */

static int go_on(dur_run *run, void *user)
{
    shop *it = user;
    int64_t turn = dur_input(run).as.integer;

    it->frauds += dur_patch(run, "x");
    if (turn == 2) return 0;
    if (dur_continue_as_new(run, dur_integer(turn + 1)) != DUR_OK) return 1;
    it->charges += dur_patch(run, "x");
    if (it->leaves) it->result = dur_patch(run, "y") ? 1 : dur_run_code(run);
    return 0;
}

/* Each run of a chain has answers of its own; behind its end no new ones are given. */
static void a_successor_asks_anew(void **state)
{
    test_host *host = *state;
    shop it = shop_of(host, true);
    dur_log *log = host_log(host);

    it.leaves = true;
    assert_code(DUR_MISUSE, dur_execute(log, "chain", ID, NULL, go_on, &it), log);
    assert_int_equal(DUR_MISUSE, it.result);
    it = shop_of(host, true);
    for (int i = 0; i < 2; i++)
        assert_code(DUR_SUSPENDED, dur_execute(log, "chain", ID, NULL, go_on, &it), log);
    assert_code(DUR_OK, dur_execute(log, "chain", ID, NULL, go_on, &it), log);
    assert_int_equal(3, it.frauds);
    assert_int_equal(2, it.charges);
    assert_int_equal(3, host_number(host->db, "SELECT count(*) FROM durable_steps_view WHERE kind ="
                                              " 'patch' AND position = 1"));
    dur_close(log);
}

/* ---- Checks ---- */

static dur_verdict check(dur_log *log, shop *it)
{
    dur_report *report = NULL;
    dur_verdict verdict;

    dur_replay_check(log, "order", NULL, order, it, &report);
    verdict = dur_report_verdict(report);
    dur_free_report(report);
    return verdict;
}

/* An old run that has ended is complete without the patch; one that goes on takes it. Nothing is
 * written. */
static void a_check_asks_and_leaves_no_marker(void **state)
{
    test_host *host = *state;
    shop old = shop_of(host, false), new = shop_of(host, true);
    dur_log *log = host_log(host);

    old.leaves = true;
    assert_code(DUR_STOPPED, execute(log, &old), log);
    assert_int_equal(DUR_FITS_SO_FAR, check(log, &new));
    old.leaves = false;
    assert_code(DUR_OK, execute(log, &old), log);
    assert_int_equal(DUR_FITS_ENDED, check(log, &new));
    assert_rows(host->db, "1 step reserve, 2 step charge");
    assert_int_equal(0, new.frauds + new.charges);
    dur_close(log);
}

static int reserve_and_check(dur_run *run, void *user)
{
    shop *it = user;

    DUR_STEP(run, "reserve") {}
    if (it->patched && dur_patch(run, "check-fraud")) DUR_STEP(run, "fraud") { it->frauds++; }
    return 0;
}

static void a_patch_behind_the_last_step_of_an_ended_run_fits(void **state)
{
    test_host *host = *state;
    shop it = shop_of(host, false);
    dur_log *log = host_log(host);
    dur_report *report = NULL;

    assert_code(DUR_OK, dur_execute(log, "order", ID, NULL, reserve_and_check, &it), log);
    it.patched = true;
    assert_code(DUR_OK, dur_replay_check(log, "order", NULL, reserve_and_check, &it, &report), log);
    assert_int_equal(DUR_FITS_ENDED, dur_report_verdict(report));
    dur_free_report(report);
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_MEMORY(a_marker_is_a_row_that_people_can_read),
        IN_MEMORY(runs_of_three_versions),
        IN_EVERY_JOURNAL(a_marker_joins_the_hosts_transaction),
        IN_EVERY_JOURNAL(a_marker_that_is_rolled_back_stops_the_run),
        ON_DISK(a_marker_comes_behind_the_shared_commit),
        IN_MEMORY(inside_an_open_step_with_a_transaction_it_is_misuse),
        ON_DISK(a_locked_database_stops_the_run_and_the_next_pass_asks_again),
        IN_MEMORY(a_patch_in_a_called_child_is_that_childs_own),
        IN_MEMORY(a_patch_in_a_branch_is_that_branchs_own),
        IN_MEMORY(a_successor_asks_anew),
        IN_MEMORY(a_check_asks_and_leaves_no_marker),
        IN_MEMORY(a_patch_behind_the_last_step_of_an_ended_run_fits),
    };

    return cmocka_run_group_tests_name("api.patch", tests, NULL, NULL);
}
