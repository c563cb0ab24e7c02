/* test/api: law 9: options that do not go together are refused, with a message that says what to
 * do; and logs that are not in "main" refuse transactional steps unless they are told otherwise. */
#include "api/bank.h"

static int never_verifies(dur_step *step, void *user)
{
    (void)step, (void)user;
    fail();
    return DUR_EXECUTE;
}

/* ---- Options ------------------------------------------------------------------------------- */

typedef struct wrong {
    int mode, in_doubt;
    dur_verify_fn *verify;
    int64_t timeout_ms;
    const char *message;
} wrong;

static int asks_wrongly(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    const wrong *it = user;

    options.mode = it->mode;
    options.in_doubt = it->in_doubt;
    options.verify = it->verify;
    options.timeout_ms = it->timeout_ms;
    DUR_STEP_VOID(run, "wrong", &options)
        fail();
    return 0;
}

static void law9_wrong_options_are_refused(void **state)
{
    static const wrong cases[] = {
        {-1, 0, NULL, 0, "mode must be"},
        {3, 0, NULL, 0, "mode must be"},
        {DUR_AT_MOST_ONCE, -1, NULL, 0, "in_doubt must be"},
        {DUR_AT_MOST_ONCE, 4, NULL, 0, "in_doubt must be"},
        {DUR_AT_LEAST_ONCE, DUR_IN_DOUBT_FAIL, NULL, 0, "is for DUR_AT_MOST_ONCE"},
        {DUR_TRANSACTIONAL, DUR_IN_DOUBT_RETRY, NULL, 0, "is for DUR_AT_MOST_ONCE"},
        {DUR_AT_MOST_ONCE, DUR_IN_DOUBT_VERIFY, NULL, 0, "needs a verify function"},
        {DUR_AT_MOST_ONCE, DUR_IN_DOUBT_PARK, never_verifies, 0, "only called with in_doubt"},
        {DUR_TRANSACTIONAL, 0, never_verifies, 0, "only called with in_doubt"},
        {DUR_AT_LEAST_ONCE, 0, NULL, -1, "timeout_ms must not be negative"},
    };
    test_host *host = *state;
    dur_log *log = host_log(host);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wrong it = cases[i];

        assert_code(DUR_MISUSE, dur_execute(log, "modes", "the-run", NULL, asks_wrongly, &it), log);
        assert_has(dur_errmsg(log), it.message);
        assert_has(dur_errmsg(log), "run \"the-run\": position 1");
    }
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    dur_close(log);
}

static void law9_a_negative_number_of_steps_is_refused(void **state)
{
    dur_options options = host_options(*state);
    dur_log *log;

    options.shared_commit_steps = -1;
    assert_int_equal(DUR_MISUSE, dur_open(((test_host *)*state)->db, &options, &log));
    assert_has(dur_errmsg(log), "shared_commit_steps must not be negative");
    dur_close(log);
}

/* A program that was built with an older header has no modes. */
static int older(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_step *step;

    (void)user;
    options.size = offsetof(dur_step_options, mode);
    options.mode = 99;
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "plain", &options, &step));
    assert_int_equal(DUR_OK, dur_record_result(step, dur_null()));
    return 0;
}

static void law10_an_older_programs_options_are_plain(void **state)
{
    dur_log *log = host_log(*state);

    assert_code(DUR_OK, dur_execute(log, "modes", "the-run", NULL, older, NULL), log);
    dur_close(log);
}

/* ---- Logs elsewhere ------------------------------------------------------------------------ */

static int transfers(dur_run *run, void *user)
{
    DUR_TX_STEP(run, "transfer")
        bank_move(user, 10);
    return 0;
}

static void assert_refused_unless_told(test_host *host, const char *schema, const char *attach)
{
    dur_options options = host_options(host);
    bank it;

    bank_open(&it, host);
    dur_close(it.log);
    if (attach) host_run(host->db, attach, host->path);
    options.schema = schema;
    assert_int_equal(DUR_OK, dur_open(host->db, &options, &it.log));
    assert_code(DUR_MISUSE, bank_execute(&it, transfers), it.log);
    assert_has(dur_errmsg(it.log), "transactional_when_attached");
    assert_int_equal(0, it.bodies);
    dur_close(it.log);
    options.transactional_when_attached = true;
    assert_int_equal(DUR_OK, dur_open(host->db, &options, &it.log));
    assert_code(DUR_OK, bank_execute(&it, transfers), it.log);
    assert_int_equal(1, it.bodies);
    assert_int_equal(BANK_CENTS - 10, bank_cents(host->db, "ann"));
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM %w.durable_steps", schema));
    dur_close(it.log);
}

static void an_attached_log_refuses_them_unless_told(void **state)
{
    assert_refused_unless_told(*state, "side", "ATTACH '%q-side' AS side");
}

static void a_temporary_log_refuses_them_unless_told(void **state)
{
    assert_refused_unless_told(*state, "temp", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(law9_wrong_options_are_refused),
        IN_MEMORY(law9_a_negative_number_of_steps_is_refused),
        IN_MEMORY(law10_an_older_programs_options_are_plain),
        ON_DISK(an_attached_log_refuses_them_unless_told),
        ON_DISK(a_temporary_log_refuses_them_unless_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
