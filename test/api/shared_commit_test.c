/* test/api: transactional steps in a row that share one commit: in order, and durable with it. */
#include "api/bank.h"

#define STEPS 7
#define SHARED 3

/* What another connection sees: that is what a crash would leave. */
static int64_t seen(const bank *it)
{
    return host_number(it->host->other, "SELECT count(*) FROM durable_steps");
}

/* Whatever was seen: as many steps as transfers, and in order. */
static void assert_prefix(const bank *it)
{
    sqlite3 *db = it->host->other;

    assert_int_equal(BANK_CENTS - seen(it), bank_cents(db, "ann"));
    assert_int_equal(BANK_CENTS + seen(it), bank_cents(db, "bob"));
    assert_int_equal(seen(it), host_number(db, "SELECT coalesce(max(position), 0) FROM"
                                               " durable_steps_view"));
}

static void open_shared(bank *it, test_host *host)
{
    dur_options options = host_options(host);

    bank_open(it, host);
    dur_close(it->log);
    options.shared_commit_steps = SHARED;
    assert_int_equal(DUR_OK, dur_open(host->db, &options, &it->log));
    if (!host->other) host->other = host_connect(host, SQLITE_OPEN_READWRITE);
}

static void transfer(bank *it, dur_run *run, int number)
{
    char name[16];

    sqlite3_snprintf(sizeof name, name, "transfer-%d", number);
    DUR_TX_STEP(run, name)
        bank_move(it, 1);
}

static int transfers(dur_run *run, void *user)
{
    bank *it = user;

    for (int i = 0; i < STEPS && dur_ok(run); i++) {
        transfer(it, run, i);
        if (it->code == 0) assert_int_equal((i + 1) / SHARED * SHARED, seen(it));
        assert_prefix(it);
    }
    return 0;
}

static void so_many_steps_share_a_commit(void **state)
{
    bank it;

    open_shared(&it, *state);
    bank_count_commits(&it);
    assert_code(DUR_OK, bank_execute(&it, transfers), it.log);
    assert_int_equal(5, it.commits); /* start, 3 + 3 + 1 steps, end */
    assert_bank(&it, STEPS, STEPS, STEPS);
    it.code = 1;
    assert_code(DUR_OK, bank_execute(&it, transfers), it.log);
    assert_bank(&it, STEPS, STEPS, STEPS);
    dur_close(it.log);
}

/* ---- What makes the commit come earlier ---------------------------------------------------- */

enum { PLAIN, AT_MOST_ONCE, SLEEPS, RECEIVES, STOPS, ENDS, FAILS, KINDS };

static void other_kind(bank *it, dur_run *run)
{
    dur_step_options once = DUR_STEP_OPTIONS_INIT;

    once.mode = DUR_AT_MOST_ONCE;
    if (it->code == PLAIN) DUR_STEP(run, "plain")
        assert_int_equal(2, seen(it));
    if (it->code == AT_MOST_ONCE) DUR_STEP_VOID(run, "once", &once)
        assert_int_equal(2, seen(it));
    if (it->code == SLEEPS) assert_int_equal(DUR_SUSPENDED, dur_sleep(run, "sleep", 1000));
    if (it->code == RECEIVES)
        assert_int_equal(DUR_SUSPENDED, dur_receive(run, "go", DUR_FOREVER, NULL));
    if (it->code == STOPS) dur_stop(run, "now");
    if (it->code == FAILS) dur_fail(run, "no");
}

static int two_and_another(dur_run *run, void *user)
{
    bank *it = user;

    transfer(it, run, 0);
    transfer(it, run, 1);
    assert_int_equal(0, seen(it));
    other_kind(it, run);
    return it->code == FAILS;
}

/* What is to be seen outside comes after the commit of what went before; a wait, the end and the
 * close leave nothing open. */
static void anything_else_commits_first(void **state)
{
    static const int codes[KINDS] = {DUR_OK, DUR_OK, DUR_SUSPENDED, DUR_SUSPENDED, DUR_STOPPED,
                                     DUR_OK, DUR_FAILED};
    bank it;

    for (int kind = 0; kind < KINDS; kind++) {
        open_shared(&it, *state);
        it.code = kind;
        assert_code(codes[kind], bank_execute(&it, two_and_another), it.log);
        assert_int_equal(1, sqlite3_get_autocommit(it.host->db));
        assert_true(seen(&it) >= 2);
        assert_int_equal(BANK_CENTS - 2, bank_cents(it.host->other, "ann"));
        assert_int_equal(2, it.bodies);
        host_run(it.host->db, "DELETE FROM durable_runs; DELETE FROM accounts");
        dur_close(it.log);
    }
}

static void closing_the_log_commits(void **state)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_step *step;
    dur_run *run;
    bank it;

    open_shared(&it, *state);
    options.mode = DUR_TRANSACTIONAL;
    assert_int_equal(DUR_OK, dur_begin_run(it.log, "bank", "the-run", NULL, &run));
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "one", &options, &step));
    bank_move(&it, 1);
    assert_int_equal(DUR_OK, dur_record_result(step, dur_null()));
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "two", &options, &step));
    bank_move(&it, 1);
    assert_int_equal(0, seen(&it));
    dur_close(it.log);
    assert_int_equal(1, seen(&it));
    assert_prefix(&it);
    dur_close_run(run);
    assert_bank(&it, 1, 2, 1);
}

static void a_write_of_the_same_log_commits(void **state)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_step *step;
    dur_run *run;
    bank it;

    open_shared(&it, *state);
    options.mode = DUR_TRANSACTIONAL;
    assert_int_equal(DUR_OK, dur_begin_run(it.log, "bank", "the-run", NULL, &run));
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "one", &options, &step));
    bank_move(&it, 1);
    assert_int_equal(DUR_OK, dur_record_result(step, dur_null()));
    assert_int_equal(0, seen(&it));
    assert_code(DUR_OK, dur_signal(it.log, "the-run", "go", dur_null(), NULL), it.log);
    assert_int_equal(1, seen(&it));
    assert_int_equal(1, sqlite3_get_autocommit(it.host->db));
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), it.log);
    dur_close_run(run);
    dur_close(it.log);
}

/* ---- Failures ------------------------------------------------------------------------------ */

static int one_fails(dur_run *run, void *user)
{
    bank *it = user;

    transfer(it, run, 0);
    DUR_TX_STEP(run, "fails") {
        bank_move(it, 10);
        dur_fail(run, "no");
    }
    assert_true(dur_catch(run) || !dur_ok(run));
    transfer(it, run, 2);
    return 0;
}

/* A body that fails takes back its own changes alone. */
static void a_failure_takes_back_no_other_step(void **state)
{
    bank it;

    open_shared(&it, *state);
    assert_code(DUR_OK, bank_execute(&it, one_fails), it.log);
    assert_bank(&it, 2, 3, 3);
    dur_close(it.log);
}

static int refuse_commit(void *context)
{
    int *left = context;

    return (*left)-- == 0;
}

/* Law 3: where the commit fails, all that it would have made durable is gone together, and runs
 * again. Each commit is refused once, from the first step's on. */
static void law3_a_failing_commit_takes_back_all_of_it(void **state)
{
    bank it;

    for (int refused = 1;; refused++) {
        int left = refused, code;

        open_shared(&it, *state);
        it.code = 1;
        sqlite3_commit_hook(it.host->db, refuse_commit, &left);
        code = bank_execute(&it, transfers);
        sqlite3_commit_hook(it.host->db, NULL, NULL);
        assert_int_equal(1, sqlite3_get_autocommit(it.host->db));
        assert_prefix(&it);
        if (code != DUR_OK) {
            assert_true(code == DUR_DATABASE || code == DUR_ROLLED_BACK);
            assert_true(seen(&it) < STEPS || left < 0);
            assert_code(DUR_OK, bank_execute(&it, transfers), it.log);
        }
        assert_int_equal(STEPS, seen(&it));
        assert_prefix(&it);
        host_run(it.host->db, "DELETE FROM durable_runs; DELETE FROM accounts");
        dur_close(it.log);
        if (left >= 0) break;
        assert_true(refused < 10);
    }
}

static int host_rolls_back(dur_run *run, void *user)
{
    bank *it = user;

    transfer(it, run, 0);
    transfer(it, run, 1);
    if (it->code-- == 1) host_run(it->host->db, "ROLLBACK");
    transfer(it, run, 2);
    return 0;
}

/* The host ends what it has not begun: that is found before another body runs. */
static void law3_a_rollback_of_the_hosts_is_found_out(void **state)
{
    bank it;

    open_shared(&it, *state);
    it.code = 1;
    assert_code(DUR_ROLLED_BACK, bank_execute(&it, host_rolls_back), it.log);
    assert_bank(&it, 0, 2, 0);
    assert_code(DUR_OK, bank_execute(&it, host_rolls_back), it.log);
    assert_bank(&it, 3, 5, 3);
    dur_close(it.log);
}

/* ---- A plain step that was open before ----------------------------------------------------- */

/* Law 3: its outcome is recorded in a commit of its own, after what the others share. */
static void law3_an_open_plain_step_is_not_lost_with_them(void **state)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_step *plain, *step;
    dur_run *run;
    bank it;

    open_shared(&it, *state);
    options.mode = DUR_TRANSACTIONAL;
    assert_int_equal(DUR_OK, dur_begin_run(it.log, "bank", "the-run", NULL, &run));
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "plain", NULL, &plain));
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "one", &options, &step));
    bank_move(&it, 1);
    assert_int_equal(DUR_OK, dur_record_result(step, dur_null()));
    assert_int_equal(0, seen(&it));
    assert_code(DUR_OK, dur_record_result(plain, dur_null()), it.log);
    assert_int_equal(2, seen(&it));
    assert_int_equal(1, sqlite3_get_autocommit(it.host->db));
    assert_code(DUR_OK, dur_complete_run(run, dur_null()), it.log);
    dur_close_run(run);
    dur_close(it.log);
}

/* ---- In a transaction of the host's -------------------------------------------------------- */

/* Law 1: nothing is shared there, and nothing committed. */
static void law1_the_hosts_transaction_is_the_hosts(void **state)
{
    bank it;

    open_shared(&it, *state);
    it.code = 1;
    host_run(it.host->db, "BEGIN");
    assert_code(DUR_OK, bank_execute(&it, transfers), it.log);
    assert_int_equal(0, sqlite3_get_autocommit(it.host->db));
    assert_int_equal(0, seen(&it));
    host_run(it.host->db, "COMMIT");
    assert_bank(&it, STEPS, STEPS, STEPS);
    dur_close(it.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WAL(so_many_steps_share_a_commit),
        IN_WAL(anything_else_commits_first),
        IN_WAL(closing_the_log_commits),
        IN_WAL(a_write_of_the_same_log_commits),
        IN_WAL(a_failure_takes_back_no_other_step),
        IN_WAL(law3_a_failing_commit_takes_back_all_of_it),
        IN_WAL(law3_a_rollback_of_the_hosts_is_found_out),
        IN_WAL(law3_an_open_plain_step_is_not_lost_with_them),
        IN_WAL(law1_the_hosts_transaction_is_the_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
