/* test/api: steps that run at most once, on SQLite: what is committed before the body, and what
 * transactions of the host's have to do with it. */
#include "api/charge.h"

/* ---- Before the body ------------------------------------------------------------------------ */

/* Law 2: the outcome's commit clears it. */
static void the_intent_is_committed_before_the_body(void **state)
{
    test_host *host = *state;
    order it = new_order(host);
    dur_log *log = host_log(host);

    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(it.pending, 1);
    assert_int_equal(it.committed, 1);
    assert_int_equal(host_number(host->db, "SELECT count(*) FROM durable_pending"), 0);
    assert_string_equal(it.text, "charged");
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(it.bodies, 1);
    dur_close(log);
}

/* Law 1: the intent would be as provisional as that. */
static void it_is_refused_in_a_transaction_of_the_hosts(void **state)
{
    static const char *const begins[] = {"BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT of_the_host"};
    test_host *host = *state;
    dur_log *log = host_log(host);

    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        order it = new_order(host);

        host_run(host->db, "%s", begins[i]);
        assert_code(DUR_MISUSE, execute(log, &it), log);
        assert_has(dur_errmsg(log), "run \"order-1\": position 1, step \"charge\": it runs at most"
                                    " once, which has to be committed before it runs: end the"
                                    " transaction that is open on the connection");
        assert_int_equal(it.bodies, 0);
        assert_false(sqlite3_get_autocommit(host->db));
        host_run(host->db, i == 1 ? "COMMIT" : i ? "RELEASE of_the_host" : "ROLLBACK");
        assert_int_equal(host_number(host->db, "SELECT count(*) FROM durable_pending"), 0);
    }
    {
        order it = new_order(host);

        assert_code(DUR_OK, execute(log, &it), log);
        assert_int_equal(it.bodies, 1);
    }
    dur_close(log);
}

static void open_shared(test_host *host, dur_log **log)
{
    dur_options options = host_options(host);

    options.shared_commit_steps = 100;
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_code(DUR_OK, dur_open(host->db, &options, log), *log);
}

static int note_and_charge(dur_run *run, void *user)
{
    DUR_TX_STEP(run, "note") {}
    return charge(run, user);
}

/* What transactional steps have left to a shared commit is committed first, with the run's own rows
 * as with those of another run. */
static void a_shared_commit_comes_before_the_intent(void **state)
{
    test_host *host = *state;
    order it = new_order(host), neighbour = new_order(host);
    dur_run *run = NULL;
    dur_step *step = NULL;
    dur_log *log = NULL;

    open_shared(host, &log);
    assert_code(DUR_OK, dur_execute(log, "sell", "order-1", NULL, note_and_charge, &it), log);
    assert_int_equal(it.committed, 1);
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    DUR_TX_STEP(run, "open") {}
    assert_false(sqlite3_get_autocommit(host->db));
    assert_code(DUR_OK, dur_execute(log, "charge", "order-2", NULL, charge, &neighbour), log);
    assert_int_equal(neighbour.committed, 1);
    assert_int_equal(host_number(host->other, "SELECT count(*) FROM durable_steps_view WHERE"
                                              " name = 'open'"),
                     1);
    assert_code(DUR_EXECUTE, dur_begin_step(run, "next", NULL, &step), log);
    assert_code(DUR_OK, dur_record_result(step, dur_null()), log);
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), log);
    dur_close_run(run);
    dur_close(log);
}

/* What settles a doubt may be part of one: rolled back, the doubt is there again. */
static void a_doubt_can_be_settled_in_a_transaction_of_the_hosts(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);

    it.in_doubt = DUR_IN_DOUBT_VERIFY;
    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, execute(log, &it), log);
    host_run(host->db, "ROLLBACK");
    assert_int_equal(host_number(host->db, "SELECT count(*) FROM durable_pending"), 1);
    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, execute(log, &it), log);
    host_run(host->db, "COMMIT");
    assert_int_equal(host_number(host->db, "SELECT count(*) FROM durable_pending"), 0);
    assert_int_equal(it.verified, 2);
    assert_int_equal(it.bodies, 1);
    dur_close(log);
}

/* Law 1. */
static void the_connection_is_left_as_it_was(void **state)
{
    test_host *host = *state;
    order it = new_order(host);
    dur_log *log = host_log(host);
    char *before;

    host_run(host->db, "CREATE TABLE theirs(x); INSERT INTO theirs(rowid) VALUES(4711)");
    sqlite3_free(host_picture(host->db)); /* looking for the first time opens "temp" */
    before = host_picture(host->db);
    it.unplugged = true;
    assert_code(DUR_STOPPED, execute(log, &it), log);
    assert_code(DUR_PARKED, execute(log, &it), log);
    assert_code(DUR_OK, dur_resolve_step(log, "order-1", 1, DUR_EXECUTE, dur_null(), NULL), log);
    it.unplugged = false;
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(sqlite3_last_insert_rowid(host->db), 4711);
    assert_int_equal(host_active_statements(host->db), 0);
    assert_same(before, host_picture(host->db));
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(the_intent_is_committed_before_the_body),
        IN_EVERY_JOURNAL(it_is_refused_in_a_transaction_of_the_hosts),
        ON_DISK(a_shared_commit_comes_before_the_intent),
        IN_EVERY_JOURNAL(a_doubt_can_be_settled_in_a_transaction_of_the_hosts),
        IN_EVERY_JOURNAL(the_connection_is_left_as_it_was),
    };

    return cmocka_run_group_tests_name("api.at_most_once", tests, NULL, NULL);
}
