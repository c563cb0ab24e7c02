/* test/api: dur_start() and dur_signal() from a host's transaction, each a single statement. */
#include "api/script.h"

#include <stdio.h>

static int64_t count_of(test_host *host, const char *table)
{
    return host_number(host->db, "SELECT count(*) FROM %s", table);
}

static int order_workflow(dur_run *run, void *user)
{
    int *shipped = user;

    DUR_STEP(run, "ship") { ++*shipped; }
    return 0;
}

/* Law 1 and "the order's row and the run that ships it commit together". */
static void law1_a_run_is_started_with_the_hosts_own_rows(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    int shipped = 0;

    host_run(host->db, "CREATE TABLE orders (id)");
    assert_code(DUR_OK, dur_register(log, "ship", order_workflow, &shipped), log);
    host_run(host->db, "BEGIN; INSERT INTO orders VALUES (1)");
    assert_code(DUR_OK, dur_start(log, "ship", "order-1", NULL), log);
    assert_int_equal(0, sqlite3_get_autocommit(host->db));
    host_run(host->db, "ROLLBACK");
    assert_int_equal(0, count_of(host, "orders"));
    assert_int_equal(0, count_of(host, "durable_runs"));
    assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    assert_int_equal(0, shipped);

    host_run(host->db, "BEGIN; INSERT INTO orders VALUES (1)");
    assert_code(DUR_OK, dur_start(log, "ship", "order-1", NULL), log);
    assert_code(DUR_REPLAYED, dur_start(log, "ship", "order-1", NULL), log);
    host_run(host->db, "COMMIT");
    assert_int_equal(1, count_of(host, "orders"));
    assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    assert_int_equal(1, shipped);
    dur_close(log);
}

static void law1_a_savepoint_takes_the_run_with_it(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, dur_start(log, "ship", "order-1", NULL), log);
    host_run(host->db, "SAVEPOINT here");
    assert_code(DUR_OK, dur_start(log, "ship", "order-2", NULL), log);
    assert_code(DUR_OK, dur_signal(log, "order-1", "hurry", dur_null(), NULL), log);
    host_run(host->db, "ROLLBACK TO here; COMMIT");
    assert_int_equal(1, count_of(host, "durable_runs"));
    assert_int_equal(0, count_of(host, "durable_signals"));
    assert_code(DUR_NOT_FOUND, dur_signal(log, "order-2", "hurry", dur_null(), NULL), log);
    dur_close(log);
}

static void law1_a_signal_is_sent_with_the_hosts_own_rows(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    assert_code(DUR_OK, dur_start(log, "ship", "order-1", NULL), log);
    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, dur_signal(log, "order-1", "hurry", dur_integer(1), NULL), log);
    host_run(host->db, "ROLLBACK");
    assert_int_equal(0, count_of(host, "durable_signals"));
    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, dur_signal(log, "order-1", "hurry", dur_integer(1), NULL), log);
    host_run(host->db, "COMMIT");
    assert_int_equal(1, count_of(host, "durable_signals"));
    dur_close(log);
}

/* ---- A single statement ---------------------------------------------------------------------- */

typedef struct statement_log {
    int writes;
    char last[256];
} statement_log;

static int note_statement(unsigned event, void *context, void *statement, void *text)
{
    statement_log *noted = context;
    const char *sql = text;

    (void)event;
    if (sql[0] == '-' && sql[1] == '-') return 0; /* within a trigger of ours: part of it */
    if (sqlite3_stmt_readonly(statement)) return 0;
    noted->writes++;
    snprintf(noted->last, sizeof noted->last, "%s", sql);
    return 0;
}

#define assert_one_statement(host, call)                                                           \
    do {                                                                                           \
        statement_log noted = {0, ""};                                                             \
                                                                                                   \
        sqlite3_trace_v2((host)->db, SQLITE_TRACE_STMT, note_statement, &noted);                   \
        assert_int_equal(DUR_OK, (call));                                                          \
        sqlite3_trace_v2((host)->db, 0, NULL, NULL);                                               \
        if (noted.writes != 1) print_error("the last one: %s\n", noted.last);                      \
        assert_int_equal(1, noted.writes);                                                         \
    } while (0)

static void starting_and_sending_are_one_statement_each(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_signal_options keyed = DUR_SIGNAL_OPTIONS_INIT;

    start.input = dur_text("order 7");
    start.queue = "nightly";
    keyed.key = "mail-7";
    assert_code(DUR_OK, dur_start(log, "ship", "order-0", NULL), log);
    host_run(host->db, "BEGIN");
    assert_one_statement(host, dur_start(log, "ship", "order-1", &start));
    assert_one_statement(host, dur_signal(log, "order-1", "hurry", dur_integer(1), NULL));
    assert_one_statement(host, dur_signal(log, "order-1", "hurry", dur_integer(1), &keyed));
    assert_int_equal(0, host_active_statements(host->db));
    host_run(host->db, "COMMIT");
    dur_close(log);
}

/* ---- Others ---------------------------------------------------------------------------------- */

/* The host's own write is half done: our row would join it unseen. */
static void law1_a_half_stepped_write_is_refused(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    sqlite3_stmt *half = NULL;

    assert_code(DUR_OK, dur_start(log, "ship", "order-0", NULL), log);
    host_run(host->db, "CREATE TABLE orders (id); INSERT INTO orders VALUES (1), (2)");
    assert_int_equal(SQLITE_OK,
                     sqlite3_prepare_v2(host->db, "UPDATE orders SET id = id + 1 RETURNING id", -1,
                                        &half, NULL));
    assert_int_equal(SQLITE_ROW, sqlite3_step(half));
    assert_code(DUR_HOST_STATEMENT, dur_start(log, "ship", "order-1", NULL), log);
    assert_code(DUR_HOST_STATEMENT, dur_signal(log, "order-0", "x", dur_null(), NULL), log);
    sqlite3_finalize(half);
    assert_int_equal(1, count_of(host, "durable_runs"));
    assert_code(DUR_OK, dur_start(log, "ship", "order-1", NULL), log);
    dur_close(log);
}

static void law1_the_last_rowid_is_restored(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    host_run(host->db, "CREATE TABLE orders (id INTEGER PRIMARY KEY);"
                       "INSERT INTO orders VALUES (4242)");
    assert_code(DUR_OK, dur_start(log, "ship", "order-1", NULL), log);
    assert_int_equal(4242, sqlite3_last_insert_rowid(host->db));
    assert_code(DUR_OK, dur_signal(log, "order-1", "x", dur_null(), NULL), log);
    assert_int_equal(4242, sqlite3_last_insert_rowid(host->db));
    dur_close(log);
}

/* Law 3: OK is committed, for others to see at once. */
static void law3_what_was_started_is_seen_by_others(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.input = dur_text("order 7");
    start.priority = 3;
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_code(DUR_OK, dur_start(log, "ship", "order-1", &start), log);
    assert_int_equal(1, host_number(host->other,
                                    "SELECT count(*) FROM durable_runs_view WHERE id = 'order-1'"
                                    " AND workflow = 'ship' AND input = 'order 7'"));
    dur_close(log);
}

static void law9_a_read_only_database_is_told(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_host reader = *host;

    assert_code(DUR_OK, dur_start(log, "ship", "order-1", NULL), log);
    dur_close(log);
    reader.db = host->other = host_connect(host, SQLITE_OPEN_READONLY);
    log = host_log(&reader);
    assert_code(DUR_READONLY, dur_start(log, "ship", "order-2", NULL), log);
    assert_code(DUR_READONLY, dur_signal(log, "order-1", "x", dur_null(), NULL), log);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(law1_a_run_is_started_with_the_hosts_own_rows),
        IN_EVERY_JOURNAL(law1_a_savepoint_takes_the_run_with_it),
        IN_EVERY_JOURNAL(law1_a_signal_is_sent_with_the_hosts_own_rows),
        IN_EVERY_JOURNAL(starting_and_sending_are_one_statement_each),
        IN_EVERY_JOURNAL(law1_a_half_stepped_write_is_refused),
        IN_EVERY_JOURNAL(law1_the_last_rowid_is_restored),
        ON_DISK(law3_what_was_started_is_seen_by_others),
        ON_DISK(law9_a_read_only_database_is_told),
    };

    return cmocka_run_group_tests_name("api.start", tests, NULL, NULL);
}
