/* test/store: whole logs in the SQLite store: over rows that somebody edited, beside writers, in
 * the host's transactions, and in connections of the store's own. */
#include "store/conformance_kit.h"
#include "store/conformance_rows.h"
#include "store/conformance_sqlite.h"
#include "store/sqlite/sqlite_store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static test_host *host_of(const conformance *c)
{
    return &((sqlite_world *)c->world)->host;
}

static sqlite3 *database(const conformance *c)
{
    return host_of(c)->db;
}

static void assert_rows(conformance *c, const char *run_id, int code, const char *words)
{
    narrative lines;

    narrative_init(&lines);
    assert_int_equal(rows_of(c->store, run_id, &lines), code);
    if (words) assert_has(c->store->error.message, words);
    narrative_free(&lines);
    assert_true(c->subject->is_idle(c->world));
}

/* Of the host's name and this. */
static int open_own(conformance *c, const char *name, durable_sqlite_place place,
                    durable_store **store)
{
    const dur_options host_s = host_options(host_of(c));
    durable_sqlite_options options;
    char path[300];
    int code;

    memset(&options, 0, sizeof options);
    durable_clock_init(&options.clock, &host_s);
    snprintf(path, sizeof path, "%s%s", host_of(c)->path, name);
    code = durable_sqlite_open_own(path, place, &options, store);
    assert_non_null(*store);
    if (code != DUR_OK) assert_int_equal((*store)->error.code, code);
    return code;
}

/* ---- Rows that somebody has edited --------------------------------------------------------- */

static void what_is_damaged_is_named(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    record(c, &fence, 1);
    record(c, &fence, 2);
    host_run(database(c), "UPDATE durable_steps SET kind = 'x' WHERE step & 134217727 = 2");
    assert_rows(c, NULL, DUR_CORRUPT, "run \"order-1\", position 2: its column \"kind\"");
    host_run(database(c), "DELETE FROM durable_steps");
    host_run(database(c), "INSERT INTO durable_signals(run, name, sent) VALUES(1, x'00', 1)");
    assert_rows(c, "order-1", DUR_CORRUPT, "run \"order-1\": its column \"name\"");
    host_run(database(c), "DELETE FROM durable_signals");
    host_run(database(c), "UPDATE durable_runs SET behaviour = 'one'");
    assert_rows(c, NULL, DUR_CORRUPT, "run \"order-1\": its column \"behaviour\"");
    host_run(database(c), "UPDATE durable_runs SET behaviour = 1;"
                          "INSERT INTO durable_queues VALUES('q', -1, 0, 0, 0)");
    assert_rows(c, "order-1", DUR_OK, NULL);
    assert_rows(c, NULL, DUR_CORRUPT, "queue \"q\": its column \"max_active\"");
}

static void runs_that_are_each_others_parents_are_no_family(void **state)
{
    conformance *c = *state;

    start(c, "a");
    start(c, "b");
    start(c, "c");
    host_run(database(c), "UPDATE durable_runs SET called_at = 1, parent = iif(id = 'a', 2, 1)"
                          " WHERE id IN ('a', 'b')");
    assert_rows(c, NULL, DUR_CORRUPT, "2 runs are each other's parents");
    assert_rows(c, "a", DUR_CORRUPT, "parent of its own parents");
    assert_rows(c, "c", DUR_OK, NULL);
    host_run(database(c), "UPDATE durable_runs SET origin = 1 WHERE id = 'c'");
    assert_rows(c, "c", DUR_OK, NULL); /* where its origin stands comes to an end */
}

static void what_is_called_belongs_to_its_caller(void **state)
{
    conformance *c = *state;

    start(c, "a");
    start(c, "b");
    start(c, "c");
    host_run(database(c), "UPDATE durable_runs SET parent = 1, called_at = 1, root = 3,"
                          " queue = '' WHERE id = 'b'");
    assert_rows(c, NULL, DUR_CORRUPT, "run \"b\": its column \"root\"");
    host_run(database(c), "UPDATE durable_runs SET root = 1 WHERE id = 'b'");
    assert_rows(c, NULL, DUR_OK, NULL);
    host_run(database(c), "UPDATE durable_runs SET parent = 99 WHERE id = 'b'");
    assert_rows(c, NULL, DUR_CORRUPT, "run \"b\": the run that calls it is gone");
}

/* ---- Many ---------------------------------------------------------------------------------- */

#define CHAIN 20000

static void add_chain(conformance *c)
{
    host_run(database(c),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO durable_runs(run, epoch, token, status, claims, request, id, uid,"
             " workflow, behaviour, queue, priority, created, ended, parent, called_at, depth,"
             " origin) SELECT i, 0, 0, 2, 0, 0, 'run-' || i, 'u', 'w', 1, 'w', 0, 5, 6,"
             " nullif(i - 1, 0), iif(i > 1, 1, NULL), i - 1,"
             " iif(i > 300, NULL, nullif(i %% 100, 0)) FROM n",
             CHAIN);
}

typedef struct counted {
    int64_t runs, parents, origins;
} counted;

static int count_rows(const durable_row *row, void *context)
{
    counted *count = context;

    if (row->type != DURABLE_ROW_RUN) return DUR_OK;
    count->runs++;
    count->parents += row->of.run.parent != NULL;
    count->origins += row->of.run.origin != NULL;
    return DUR_OK;
}

/* Each one started by the one before it: no stack grows with them. The first hundred name
 * themselves, which is no origin. */
static void a_chain_of_children_may_be_long(void **state)
{
    conformance *c = *state;
    counted count = {0, 0, 0};
    durable_store *other;

    add_chain(c);
    assert_int_equal(c->store->methods->visit_rows(c->store, "run-11", count_rows, &count),
                     DUR_OK);
    assert_true(count.runs == CHAIN - 10 && count.parents == CHAIN - 11);
    assert_int_equal(open_own(c, "", DURABLE_SQLITE_MEMORY, &other), DUR_OK);
    assert_int_equal(rows_copy(c->store, NULL, other), DUR_OK);
    count = (counted){0, 0, 0};
    assert_int_equal(other->methods->visit_rows(other, NULL, count_rows, &count), DUR_OK);
    assert_true(count.runs == CHAIN && count.origins == 198);
    other->methods->close(other);
}

/* ---- One moment ---------------------------------------------------------------------------- */

typedef struct disturbed {
    sqlite3 *other;
    int64_t steps;
} disturbed;

static int write_meanwhile(const durable_row *row, void *context)
{
    disturbed *its = context;

    if (row->type == DURABLE_ROW_STEP) its->steps++;
    if (row->type == DURABLE_ROW_RUN)
        host_run(its->other, "UPDATE durable_runs SET id = id || '!';"
                             "DELETE FROM durable_steps; DELETE FROM durable_signals");
    return DUR_OK;
}

/* Another connection deletes what the visit has not come to. */
static void a_visit_shows_one_moment(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "a");
    disturbed its = {host_connect(host_of(c), SQLITE_OPEN_READWRITE), 0};

    record(c, &fence, 1);
    fence = start(c, "b");
    record(c, &fence, 1);
    assert_int_equal(c->store->methods->visit_rows(c->store, NULL, write_meanwhile, &its), DUR_OK);
    assert_true(its.steps == 2);
    assert_int_equal(sqlite3_txn_state(database(c), NULL), SQLITE_TXN_NONE);
    its.steps = 0;
    assert_int_equal(c->store->methods->visit_rows(c->store, "a!!", write_meanwhile, &its), DUR_OK);
    assert_true(its.steps == 0);
    sqlite3_close(its.other);
}

/* ---- A guest ------------------------------------------------------------------------------- */

static durable_row row_named(const char *id)
{
    return (durable_row){.type = DURABLE_ROW_RUN,
                         .of.run = {.id = id,
                                    .uid = "u",
                                    .workflow = "w",
                                    .status = DURABLE_RUNNING,
                                    .behaviour = 1,
                                    .queue = "w",
                                    .due = 5,
                                    .deadline = DURABLE_NEVER,
                                    .generation = 1}};
}

static int import_one(conformance *c, const char *id, bool keep)
{
    durable_row row = row_named(id);
    durable_row signal = {.type = DURABLE_ROW_SIGNAL,
                          .of.signal = {.address = "mail", .received = -1}};

    assert_int_equal(c->store->methods->begin_import(c->store), DUR_OK);
    assert_int_equal(sqlite3_last_insert_rowid(database(c)), 4711);
    assert_int_equal(c->store->methods->put_row(c->store, &row), DUR_OK);
    assert_int_equal(c->store->methods->put_row(c->store, &signal), DUR_OK);
    assert_int_equal(sqlite3_last_insert_rowid(database(c)), 4711);
    return c->store->methods->end_import(c->store, keep);
}

/* Law 1. */
static void an_import_joins_the_hosts_transaction(void **state)
{
    conformance *c = *state;
    sqlite3 *db = database(c);

    host_run(db, "CREATE TABLE mine(x INTEGER PRIMARY KEY); INSERT INTO mine VALUES(4711)");
    assert_int_equal(import_one(c, "alone", true), DUR_OK);
    assert_true(sqlite3_get_autocommit(db));
    host_run(db, "BEGIN; DELETE FROM mine; INSERT INTO mine VALUES(4711)");
    assert_int_equal(import_one(c, "rolled back", true), DUR_OK);
    assert_false(sqlite3_get_autocommit(db));
    assert_true(exists(c, "rolled back"));
    host_run(db, "ROLLBACK");
    assert_false(exists(c, "rolled back"));
    host_run(db, "BEGIN; DELETE FROM mine; INSERT INTO mine VALUES(4711)");
    assert_int_equal(import_one(c, "taken back", false), DUR_OK);
    assert_int_equal(import_one(c, "kept", true), DUR_OK);
    host_run(db, "COMMIT");
    assert_false(exists(c, "taken back"));
    assert_true(exists(c, "kept") && exists(c, "alone"));
    assert_int_equal(host_number(db, "SELECT count(*) FROM durable_signals"), 2);
}

static void an_import_waits_for_no_half_stepped_write(void **state)
{
    conformance *c = *state;
    sqlite3_stmt *statement;

    host_run(database(c), "CREATE TABLE mine(x); INSERT INTO mine VALUES(1), (2)");
    assert_int_equal(sqlite3_prepare_v2(database(c), "UPDATE mine SET x = 3 RETURNING x", -1,
                                        &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_int_equal(c->store->methods->begin_import(c->store), DUR_HOST_STATEMENT);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    host_run(database(c), "DELETE FROM mine; INSERT INTO mine(rowid, x) VALUES(4711, 1)");
    assert_int_equal(import_one(c, "order-1", true), DUR_OK);
}

/* The host's trigger ends the transaction: the rows behind that are not committed one by one. */
static void rows_do_not_outlive_their_transaction(void **state)
{
    conformance *c = *state;
    durable_row first = row_named("first"), second = row_named("bang"), third = row_named("third");
    const durable_store_methods *methods = c->store->methods;

    host_run(database(c), "CREATE TRIGGER bang AFTER INSERT ON durable_runs WHEN new.id = 'bang'"
                          " BEGIN SELECT RAISE(ROLLBACK, 'bang'); END");
    assert_int_equal(methods->begin_import(c->store), DUR_OK);
    assert_int_equal(methods->put_row(c->store, &first), DUR_OK);
    assert_int_not_equal(methods->put_row(c->store, &second), DUR_OK);
    assert_int_equal(methods->put_row(c->store, &third), DUR_MISUSE);
    assert_int_equal(methods->end_import(c->store, false), DUR_OK);
    assert_false(exists(c, "first"));
    assert_false(exists(c, "third"));
    start(c, "first");
}

static void a_trigger_that_ignores_rows_is_noticed(void **state)
{
    conformance *c = *state;
    durable_row row = row_named("order-1");

    host_run(database(c), "CREATE TRIGGER ignores BEFORE INSERT ON durable_runs"
                          " BEGIN SELECT RAISE(IGNORE); END");
    assert_int_equal(c->store->methods->begin_import(c->store), DUR_OK);
    assert_int_equal(c->store->methods->put_row(c->store, &row), DUR_DATABASE);
    assert_int_equal(c->store->methods->end_import(c->store, false), DUR_OK);
}

/* ---- Connections of its own ---------------------------------------------------------------- */

static void assert_own_is(conformance *c, const char *name, durable_sqlite_place place, int code,
                          const char *words)
{
    durable_store *store;

    assert_int_equal(open_own(c, name, place, &store), code);
    assert_has(store->error.message, words);
    store->methods->close(store);
}

static void a_new_file_is_made_where_there_is_none(void **state)
{
    conformance *c = *state;
    durable_store *store;
    unsigned char *before, *after;
    size_t before_size, after_size;
    char path[300];

    start(c, "order-1");
    assert_int_equal(open_own(c, "-new", DURABLE_SQLITE_NEW_FILE, &store), DUR_OK);
    assert_int_equal(rows_copy(c->store, NULL, store), DUR_OK);
    store->methods->close(store);
    snprintf(path, sizeof path, "%s-new", host_of(c)->path);
    before = host_file(path, &before_size);
    assert_own_is(c, "-new", DURABLE_SQLITE_NEW_FILE, DUR_CONFLICT, "it is there already");
    after = host_file(path, &after_size);
    assert_int_equal(before_size, after_size);
    assert_memory_equal(before, after, before_size);
    free(before);
    free(after);
    assert_int_equal(open_own(c, "-new", DURABLE_SQLITE_READ_FILE, &store), DUR_OK);
    assert_int_equal(store->methods->visit_rows(store, "order-1", count_rows, &(counted){0, 0, 0}),
                     DUR_OK);
    store->methods->close(store);
    durable_sqlite_remove(path);
    assert_int_equal(access(path, F_OK), -1);
}

static void what_cannot_be_opened_is_told(void **state)
{
    conformance *c = *state;
    char path[300];
    FILE *file;

    assert_own_is(c, "-nowhere/new", DURABLE_SQLITE_NEW_FILE, DUR_IOERR, "cannot make it");
    assert_own_is(c, "-none", DURABLE_SQLITE_READ_FILE, DUR_IOERR, "cannot open it");
    snprintf(path, sizeof path, "%s-text", host_of(c)->path);
    file = fopen(path, "wb");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) fputs("this is no database\n", file);
    assert_int_equal(fclose(file), 0);
    assert_own_is(c, "-text", DURABLE_SQLITE_READ_FILE, DUR_CORRUPT, "not a database");
    assert_own_is(c, "-text", DURABLE_SQLITE_NEW_FILE, DUR_CONFLICT, "it is there already");
    unlink(path);
    host_run(database(c), "VACUUM INTO '%q-vacuumed'", host_of(c)->path);
    assert_own_is(c, "-vacuumed", DURABLE_SQLITE_READ_FILE, DUR_OK, "");
    host_run(database(c), "ATTACH '%q-other' AS other; CREATE TABLE other.mine(x)",
             host_of(c)->path);
    assert_own_is(c, "-other", DURABLE_SQLITE_READ_FILE, DUR_INVALID, "a database without a log");
}

#define TEST(function)                                                                             \
    cmocka_unit_test_prestate_setup_teardown(function, conformance_setup, conformance_teardown,    \
                                             (void *)(uintptr_t)&subject)

int main(void)
{
    static const sqlite_variant wal = {.journal = HOST_WAL};
    const conformance_subject subject = sqlite_subject("store.sqlite_whole", &wal);
    const struct CMUnitTest tests[] = {
        TEST(what_is_damaged_is_named),
        TEST(runs_that_are_each_others_parents_are_no_family),
        TEST(what_is_called_belongs_to_its_caller),
        TEST(a_chain_of_children_may_be_long),
        TEST(a_visit_shows_one_moment),
        TEST(an_import_joins_the_hosts_transaction),
        TEST(an_import_waits_for_no_half_stepped_write),
        TEST(rows_do_not_outlive_their_transaction),
        TEST(a_trigger_that_ignores_rows_is_noticed),
        TEST(a_new_file_is_made_where_there_is_none),
        TEST(what_cannot_be_opened_is_told),
    };

    return cmocka_run_group_tests_name("store.sqlite_whole", tests, NULL, NULL);
}
