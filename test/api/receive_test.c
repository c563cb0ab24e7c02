/* test/api: signals through the public interface: values of every type, a host transaction that is
 * rolled back, and what any SQLite client sees. */
#include "api/pass.h"

#include <math.h>

/* ---- Values ---- */

typedef struct test_parcel {
    dur_value sent, received;
    char bytes[64]; /* of the received one, as the run goes */
    int code;
} test_parcel;

static int receive_parcel(dur_run *run, void *user)
{
    test_parcel *parcel = user;

    parcel->code = dur_receive(run, "parcel", DUR_FOREVER, &parcel->received);
    if (parcel->received.type >= DUR_TEXT) {
        assert_true(parcel->received.length < sizeof parcel->bytes);
        memcpy(parcel->bytes, parcel->received.as.bytes, parcel->received.length);
        parcel->bytes[parcel->received.length] = '\0';
        if (parcel->received.type == DUR_TEXT)
            assert_memory_equal(parcel->bytes, dur_as_text(parcel->received),
                                parcel->received.length + 1);
        parcel->received.as.bytes = parcel->bytes;
    }
    return parcel->code < 0 ? 1 : 0;
}

static void assert_alike(dur_value a, dur_value b)
{
    assert_int_equal(a.type, b.type);
    assert_true(a.length == b.length);
    if (a.type >= DUR_TEXT) {
        if (a.length) assert_memory_equal(a.as.bytes, b.as.bytes, a.length);
    } else if (a.type != DUR_NULL) {
        assert_true(a.as.unsigned_integer == b.as.unsigned_integer); /* bit for bit */
    }
}

/* Sent by one connection, received by another, alike to the bit, live and (law 2) replayed. */
static void values_of_every_type_pass_through_signals(void **state)
{
    test_host *host = *state;
    const struct { int32_t a, b; } object = {7, -7};
    const dur_value values[] = {dur_null(),
                                dur_integer(0),
                                dur_integer(INT64_MIN),
                                dur_integer(INT64_MAX),
                                dur_unsigned(UINT64_MAX),
                                dur_real(0.5),
                                dur_real(-0.0),
                                dur_real((double)NAN),
                                dur_real(-(double)INFINITY),
                                dur_text(""),
                                dur_text("gr\xc3\xbc\xc3\x9f"),
                                dur_text_n("a\0b", 3),
                                dur_text_n("\xff\xfe", 2),
                                dur_blob("", 0),
                                dur_blob("\0\1\2", 3),
                                dur_object(&object, sizeof object)};
    sqlite3 *db = host_connect(host, SQLITE_OPEN_READWRITE);
    dur_options options = host_options(host);
    dur_log *log = host_log(host), *sender = NULL;

    assert_int_equal(DUR_OK, dur_open(db, &options, &sender));
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        test_parcel parcel = {values[i], dur_null(), "", 0};
        char id[16];

        sqlite3_snprintf(sizeof id, id, "r%d", (int)i);
        assert_code(DUR_SUSPENDED, dur_execute(log, "w", id, NULL, receive_parcel, &parcel), log);
        assert_int_equal(DUR_NULL, parcel.received.type);
        assert_code(DUR_OK, dur_signal(sender, id, "parcel", values[i], NULL), sender);
        assert_code(DUR_OK, dur_execute(log, "w", id, NULL, receive_parcel, &parcel), log);
        assert_alike(values[i], parcel.received);
    }
    dur_close(sender);
    dur_close(log);
    sqlite3_close(db);
}

static void receive_each(dur_run *run, void *user)
{
    const dur_value *values = user;

    for (int i = 0; i < 3; i++) {
        test_parcel parcel = {values[i], dur_null(), "", 0};

        receive_parcel(run, &parcel);
        assert_int_equal(DUR_OK, parcel.code);
        assert_alike(values[i], parcel.received);
    }
}

static void replayed_receipts_are_alike(void **state)
{
    test_host *host = *state;
    dur_value values[] = {dur_text("one"), dur_unsigned(UINT64_MAX), dur_blob("\1\0", 2)};
    dur_log *log = host_log(host);
    char *before;

    assert_code(DUR_OK, dur_start(log, "values", "r", NULL), log);
    for (int i = 0; i < 3; i++)
        assert_code(DUR_OK, dur_signal(log, "r", "parcel", values[i], NULL), log);
    dur_close(log);
    make_pass(host, receive_each, values, DUR_OK);
    before = host_rows(host->db, "SELECT * FROM durable_steps ORDER BY step");
    make_pass(host, receive_each, values, DUR_OK);
    assert_same(before, host_rows(host->db, "SELECT * FROM durable_steps ORDER BY step"));
}

/* ---- In a transaction of the host's ---- */

/* Regression: a signal consumed in one transaction and recorded in another. The receipt and its row
 * go with the host's transaction, and the signal is back. */
static void a_receipt_that_is_rolled_back_gives_the_signal_back(void **state)
{
    test_host *host = *state;
    test_parcel parcel = {dur_integer(5), dur_null(), "", 0};
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_value value;

    assert_code(DUR_SUSPENDED, dur_execute(log, "w", "r", NULL, receive_parcel, &parcel), log);
    assert_code(DUR_OK, dur_signal(log, "r", "parcel", dur_integer(5), NULL), log);
    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_int_equal(DUR_OK, dur_receive(run, "parcel", DUR_FOREVER, &value));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_signals"
                                              " WHERE received IS NULL"));
    host_run(host->db, "ROLLBACK");
    dur_close_run(run);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_signals"
                                              " WHERE received IS NULL"));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_pending"));
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, receive_parcel, &parcel), log);
    assert_int_equal(5, parcel.received.as.integer);
    dur_close(log);
}

static void a_receipt_that_is_committed_is_one_with_the_hosts_work(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_value value;

    host_run(host->db, "CREATE TABLE stock (n)");
    assert_code(DUR_OK, dur_start(log, "w", "r", NULL), log);
    assert_code(DUR_OK, dur_signal(log, "r", "parcel", dur_integer(5), NULL), log);
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    host_run(host->db, "BEGIN; INSERT INTO stock VALUES (1)");
    assert_int_equal(DUR_OK, dur_receive(run, "parcel", DUR_FOREVER, &value));
    assert_int_equal(0, sqlite3_get_autocommit(host->db));
    host_run(host->db, "COMMIT");
    assert_int_equal(DUR_OK, dur_complete_run(run, value));
    dur_close_run(run);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM stock, durable_steps"));
    dur_close(log);
}

/* A suspension in the host's transaction goes with it, too. */
static void a_suspension_that_is_rolled_back_never_was(void **state)
{
    test_host *host = *state;
    test_parcel parcel = {dur_integer(5), dur_null(), "", 0};
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_log *log = host_log(host);

    host_run(host->db, "BEGIN");
    assert_code(DUR_SUSPENDED, dur_execute(log, "w", "r", NULL, receive_parcel, &parcel), log);
    host_run(host->db, "ROLLBACK");
    assert_code(DUR_NOT_FOUND, dur_read_run(log, "r", &info), log);
    host_run(host->db, "BEGIN");
    assert_code(DUR_SUSPENDED, dur_execute(log, "w", "r", NULL, receive_parcel, &parcel), log);
    host_run(host->db, "COMMIT");
    assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
    assert_int_equal(DUR_RUN_SUSPENDED, info.status);
    assert_code(DUR_OK, dur_signal(log, "r", "parcel", dur_integer(5), NULL), log);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, receive_parcel, &parcel), log);
    dur_close(log);
}

/* ---- Seen from outside ---- */

static void the_views_show_what_waits_and_what_was_sent(void **state)
{
    test_host *host = *state;
    test_parcel parcel = {dur_integer(5), dur_null(), "", 0};
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;
    dur_log *log = host_log(host);

    options.key = "mail-7";
    assert_code(DUR_SUSPENDED, dur_execute(log, "w", "r", NULL, receive_parcel, &parcel), log);
    assert_int_equal(1, host_number(host->db,
                                    "SELECT count(*) FROM durable_pending_view WHERE run_id = 'r'"
                                    " AND position = 1 AND kind = 'receive' AND name = 'parcel'"
                                    " AND attempts = 0 AND wakes IS NULL"));
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_runs_view"
                                              " WHERE id = 'r' AND status = 'suspended'"
                                              " AND owner IS NULL"));
    assert_code(DUR_OK, dur_signal(log, "r", "parcel", dur_integer(5), &options), log);
    assert_int_equal(1, host_number(host->db,
                                    "SELECT count(*) FROM durable_signals_view WHERE run_id = 'r'"
                                    " AND name = 'parcel' AND key = 'mail-7' AND value = 5"
                                    " AND received_at IS NULL"));
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, receive_parcel, &parcel), log);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_pending_view"));
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_signals_view"
                                              " WHERE received_at = 1"));
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps_view"
                                              " WHERE run_id = 'r' AND kind = 'receive'"
                                              " AND outcome = 'result' AND value = 5"));
    dur_close(log);
}

static int receive_in_time(dur_run *run, void *user)
{
    *(int *)user = dur_receive(run, "parcel", 5000, NULL);
    return 0;
}

static void a_timeout_is_shown_as_one(void **state)
{
    test_host *host = *state;
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_log *log = host_log(host);
    int code = 0;

    assert_code(DUR_SUSPENDED, dur_execute(log, "w", "r", NULL, receive_in_time, &code), log);
    assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
    assert_true(info.wake_ms == FAKE_CLOCK_START_MS + 5000);
    fake_clock_advance(&host->clock, 5000);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, receive_in_time, &code), log);
    assert_int_equal(DUR_TIMED_OUT, code);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps_view"
                                              " WHERE run_id = 'r' AND value IS NULL"
                                              " AND outcome NOT IN ('result', 'failure')"));
    dur_close(log);
}

/* Law 1: the host's connection is as it was, in the middle of everything. */
static void law1_waiting_leaves_the_connection_as_it_was(void **state)
{
    test_host *host = *state;
    test_parcel parcel = {dur_integer(5), dur_null(), "", 0};
    dur_log *log = host_log(host);
    char *before;

    host_run(host->db, "CREATE TABLE mine (x)");
    sqlite3_set_last_insert_rowid(host->db, -42);
    sqlite3_free(host_picture(host->db)); /* the first one opens "temp" */
    before = host_picture(host->db);
    assert_code(DUR_SUSPENDED, dur_execute(log, "w", "r", NULL, receive_parcel, &parcel), log);
    assert_int_equal(0, host_active_statements(host->db));
    assert_code(DUR_OK, dur_signal(log, "r", "parcel", dur_text("a secret text"), NULL), log);
    assert_int_equal(0, host_active_statements(host->db));
    assert_false(host_statements_hold(host->db, "a secret text"));
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, receive_parcel, &parcel), log);
    assert_int_equal(0, host_active_statements(host->db));
    assert_false(host_statements_hold(host->db, "a secret text"));
    assert_int_equal(-42, sqlite3_last_insert_rowid(host->db));
    assert_same(before, host_picture(host->db));
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON_DISK(values_of_every_type_pass_through_signals),
        IN_EVERY_JOURNAL(replayed_receipts_are_alike),
        IN_EVERY_JOURNAL(a_receipt_that_is_rolled_back_gives_the_signal_back),
        IN_EVERY_JOURNAL(a_receipt_that_is_committed_is_one_with_the_hosts_work),
        IN_EVERY_JOURNAL(a_suspension_that_is_rolled_back_never_was),
        IN_EVERY_JOURNAL(the_views_show_what_waits_and_what_was_sent),
        IN_EVERY_JOURNAL(a_timeout_is_shown_as_one),
        IN_EVERY_JOURNAL(law1_waiting_leaves_the_connection_as_it_was),
    };

    return cmocka_run_group_tests_name("api.receive", tests, NULL, NULL);
}
