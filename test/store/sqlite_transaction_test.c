/* test/store: the SQLite store's transactions around steps: what the host's own statements did
 * stands or falls with the record, alone, shared, and in transactions of the host. */
#include "store/conformance_kit.h"
#include "store/conformance_sqlite.h"

#include <sqlite3.h>

static sqlite3 *database(const conformance *c)
{
    return ((const sqlite_world *)c->world)->host.db;
}

static int begin(conformance *c, int64_t shared)
{
    return c->store->methods->begin_transaction(c->store, shared, false);
}

static int end(conformance *c, bool keep)
{
    return c->store->methods->end_transaction(c->store, keep);
}

static int append_inside(conformance *c, durable_fence *fence, int64_t position)
{
    durable_outcome outcome = plain_outcome(fence, position);
    int code;

    outcome.in_transaction = true;
    code = c->store->methods->append_outcomes(c->store, &outcome, 1);
    return code == DUR_OK ? outcome.verdict : code;
}

/* A step whose body pays, or takes the payment back with its record. */
static void pay(conformance *c, durable_fence *fence, int64_t position, int64_t shared, bool keep)
{
    assert_int_equal(begin(c, shared), DUR_OK);
    host_run(database(c), "INSERT INTO payments VALUES (%lld)", (long long)position);
    assert_int_equal(append_inside(c, fence, position), DUR_OK);
    assert_int_equal(end(c, keep), DUR_OK);
}

static durable_fence start_paying(conformance *c)
{
    host_run(database(c), "CREATE TABLE payments (position)");
    return start(c, "order-1");
}

static int64_t count(sqlite3 *db, const char *table)
{
    return host_number(db, "SELECT count(*) FROM %s", table);
}

/* As another process sees it: so many payments, and as many records. */
static void assert_committed(const conformance *c, int64_t expected)
{
    sqlite3 *other = host_connect(&((const sqlite_world *)c->world)->host, SQLITE_OPEN_READONLY);

    assert_true(count(other, "payments") == expected);
    assert_true(count(other, "durable_steps") == expected);
    sqlite3_close(other);
}

static void assert_here(const conformance *c, int64_t expected)
{
    assert_true(count(database(c), "payments") == expected);
    assert_true(count(database(c), "durable_steps") == expected);
}

/* ---- Alone ---- */

static void a_steps_sql_and_its_record_are_one(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_paying(c), before;

    pay(c, &fence, 1, 1, true);
    assert_true(sqlite3_get_autocommit(database(c)));
    assert_committed(c, 1);
    before = fence;
    pay(c, &fence, 2, 1, false);
    assert_true(sqlite3_get_autocommit(database(c)));
    assert_committed(c, 1);
    pay(c, &before, 2, 1, true);
    assert_committed(c, 2);
}

static void nothing_is_seen_of_it_before_it_is_kept(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_paying(c);

    assert_int_equal(begin(c, 1), DUR_OK);
    host_run(database(c), "INSERT INTO payments VALUES (1)");
    assert_int_equal(append_inside(c, &fence, 1), DUR_OK);
    assert_committed(c, 0);
    assert_int_equal(end(c, true), DUR_OK);
    assert_committed(c, 1);
}

/* The lock is taken before the body: what that has read is still so when it writes. */
static void the_write_lock_is_taken_before_the_body(void **state)
{
    conformance *c = *state;
    sqlite3 *other;

    start_paying(c);
    other = host_connect(&((const sqlite_world *)c->world)->host, SQLITE_OPEN_READWRITE);
    assert_int_equal(begin(c, 1), DUR_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_BUSY);
    assert_int_equal(end(c, false), DUR_OK);
    host_run(other, "BEGIN IMMEDIATE; COMMIT");
    sqlite3_close(other);
}

/* Before and after its record: nothing is recorded on top, and no later step suffers from it. */
static void assert_told_of(conformance *c, const char *what)
{
    durable_fence fence = start_paying(c);

    for (int keep = 0; keep < 2; keep++) {
        assert_int_equal(begin(c, 1), DUR_OK);
        host_run(database(c), "%s", what);
        if (!keep) assert_int_equal(append_inside(c, &fence, 1), DUR_ROLLED_BACK);
        assert_int_equal(end(c, keep), DUR_ROLLED_BACK);
        if (!sqlite3_get_autocommit(database(c))) host_run(database(c), "COMMIT");
        assert_committed(c, 0);
    }
    fence.provisional = 0;
    pay(c, &fence, 1, 1, true);
    assert_committed(c, 1);
}

static void a_body_that_commits_is_told(void **state)
{
    assert_told_of(*state, "COMMIT");
}

static void a_body_that_rolls_back_is_told(void **state)
{
    assert_told_of(*state, "ROLLBACK");
}

/* The trap: a transaction is open, but not the one that the body was given. */
static void a_body_that_begins_another_transaction_is_told(void **state)
{
    assert_told_of(*state, "COMMIT; BEGIN");
}

/* ---- In a transaction of the host ---- */

static void in_the_hosts_transaction_it_is_a_savepoint(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_paying(c), before;

    host_run(database(c), "BEGIN");
    pay(c, &fence, 1, 1, true);
    assert_false(sqlite3_get_autocommit(database(c)));
    assert_true(fence.provisional == 1);
    before = fence;
    pay(c, &fence, 2, 5, false);
    assert_here(c, 1);
    pay(c, &before, 2, 5, true);
    assert_here(c, 2);
    assert_int_equal(c->store->methods->commit_shared(c->store), DUR_OK);
    assert_false(sqlite3_get_autocommit(database(c))); /* it is the host's to commit */
    assert_committed(c, 0);
    host_run(database(c), "COMMIT");
    assert_committed(c, 2);
}

/* ---- Shared ---- */

static void the_last_of_so_many_steps_commits_them_all(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_paying(c);

    pay(c, &fence, 1, 3, true);
    pay(c, &fence, 2, 3, true);
    assert_committed(c, 0);
    assert_here(c, 2);
    pay(c, &fence, 3, 3, true);
    assert_true(sqlite3_get_autocommit(database(c)));
    assert_committed(c, 3);
    pay(c, &fence, 4, 3, true);
    assert_committed(c, 3);
    assert_int_equal(c->store->methods->commit_shared(c->store), DUR_OK);
    assert_true(sqlite3_get_autocommit(database(c)));
    assert_committed(c, 4);
}

/* Another verb's write is never part of what may be taken back. */
static void another_write_is_preceded_by_the_commit(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_paying(c);

    pay(c, &fence, 1, 5, true);
    assert_int_equal(c->store->methods->renew_lease(c->store, &fence, 9000), DUR_OK);
    assert_true(sqlite3_get_autocommit(database(c)));
    assert_committed(c, 1);
    pay(c, &fence, 2, 5, true);
    assert_int_equal(c->store->methods->cancel_run(c->store, "order-1", 1600), DUR_OK);
    assert_true(sqlite3_get_autocommit(database(c)));
    assert_committed(c, 2);
}

static void the_host_may_commit_a_shared_transaction(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_paying(c);

    pay(c, &fence, 1, 5, true);
    host_run(database(c), "COMMIT");
    assert_committed(c, 1);
    pay(c, &fence, 2, 5, true);
    assert_int_equal(c->store->methods->commit_shared(c->store), DUR_OK);
    assert_committed(c, 2);
    record(c, &fence, 3);
}

/* The records went with it, and the next write says so. */
static void what_the_host_rolls_back_is_noticed(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_paying(c), before = fence;

    pay(c, &fence, 1, 5, true);
    pay(c, &fence, 2, 5, true);
    host_run(database(c), "ROLLBACK");
    assert_committed(c, 0);
    assert_int_equal(c->store->methods->confirm(c->store, &fence), DUR_ROLLED_BACK);
    assert_int_equal(append(c, plain_outcome(&fence, 3)), DUR_ROLLED_BACK);
    pay(c, &before, 1, 1, true);
    assert_committed(c, 1);
}

/* A crash between the commits: what others had seen is all that there is. */
static void a_shared_commit_that_did_not_come_leaves_nothing(void **state)
{
    conformance *c = *state;
    durable_fence fence = start_paying(c);

    pay(c, &fence, 1, 2, true);
    pay(c, &fence, 2, 2, true);
    pay(c, &fence, 3, 2, true);
    host_run(database(c), "ROLLBACK");
    assert_committed(c, 2);
}

/* ---- Another database ---- */

/* A crash can split an attached commit: it is refused but where the host wants it all the same. */
static void an_attached_log_refuses(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(c->store->methods->begin_transaction(c->store, 1, false), DUR_MISUSE);
    assert_true(sqlite3_get_autocommit(database(c)));
    assert_int_equal(c->store->methods->begin_transaction(c->store, 1, true), DUR_OK);
    assert_int_equal(append_inside(c, &fence, 1), DUR_OK);
    assert_int_equal(end(c, true), DUR_OK);
    assert_int_equal(load_all(c, fence.run).count, 1);
}

#define GUEST_TEST(function, subject)                                                              \
    {#function " (" #subject ")", function, conformance_setup, conformance_teardown, &subject}
#define ON_DISK_TEST(function) GUEST_TEST(function, with_rollback), GUEST_TEST(function, in_wal)

int main(void)
{
    static const sqlite_variant rollback = {.journal = HOST_ROLLBACK};
    static const sqlite_variant wal = {.journal = HOST_WAL};
    static const sqlite_variant elsewhere = {
        .journal = HOST_WAL, .schema = "log", .before = "ATTACH ':memory:' AS log"};
    static conformance_subject with_rollback, in_wal, attached;
    const struct CMUnitTest tests[] = {
        ON_DISK_TEST(a_steps_sql_and_its_record_are_one),
        GUEST_TEST(nothing_is_seen_of_it_before_it_is_kept, in_wal),
        ON_DISK_TEST(the_write_lock_is_taken_before_the_body),
        ON_DISK_TEST(a_body_that_commits_is_told),
        ON_DISK_TEST(a_body_that_rolls_back_is_told),
        ON_DISK_TEST(a_body_that_begins_another_transaction_is_told),
        GUEST_TEST(in_the_hosts_transaction_it_is_a_savepoint, in_wal),
        GUEST_TEST(the_last_of_so_many_steps_commits_them_all, in_wal),
        ON_DISK_TEST(another_write_is_preceded_by_the_commit),
        ON_DISK_TEST(the_host_may_commit_a_shared_transaction),
        ON_DISK_TEST(what_the_host_rolls_back_is_noticed),
        ON_DISK_TEST(a_shared_commit_that_did_not_come_leaves_nothing),
        GUEST_TEST(an_attached_log_refuses, attached),
    };

    with_rollback = sqlite_subject("rollback", &rollback);
    in_wal = sqlite_subject("WAL", &wal);
    attached = sqlite_subject("attached", &elsewhere);
    return cmocka_run_group_tests_name("store.sqlite_transaction", tests, NULL, NULL);
}
