/* test/api: callbacks on SQLite: a token goes through the outside world and comes back once. */
#include "api/benched.h"
#include "api/script.h"

#include <ctype.h>

typedef struct approval {
    dur_callback_options options;
    char token[DUR_TOKEN_SIZE];
    char answer[64];
    dur_type type;
    int code, mails;
} approval;

static approval approval_for(int64_t timeout_ms, int64_t heartbeat_ms)
{
    const dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    approval fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.options = options;
    fresh.options.timeout_ms = timeout_ms;
    fresh.options.heartbeat_ms = heartbeat_ms;
    return fresh;
}

static int ask(dur_run *run, void *context)
{
    approval *user = context;
    dur_step *callback = NULL;
    dur_value answer;

    if (dur_begin_callback(run, "approval", &user->options, &callback) != DUR_OK) return 1;
    DUR_STEP(run, "mail")
    {
        user->mails++;
        strcpy(user->token, dur_callback_token(callback));
    }
    user->code = dur_await(callback, &answer);
    user->type = answer.type;
    if (answer.type == DUR_TEXT)
        sqlite3_snprintf(sizeof user->answer, user->answer, "%s", dur_as_text(answer));
    return 0;
}

static int execute(dur_log *log, approval *user)
{
    return dur_execute(log, "w", "r", NULL, ask, user);
}

static void a_token_is_printable_and_hard_to_guess(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    approval first = approval_for(0, 0), second = approval_for(0, 0);
    char other[DUR_TOKEN_SIZE];

    assert_code(DUR_SUSPENDED, execute(log, &first), log);
    for (const char *c = first.token; *c; c++) assert_true(isgraph((unsigned char)*c));
    assert_code(DUR_SUSPENDED, dur_execute(log, "w", "s", NULL, ask, &second), log);
    assert_string_not_equal(first.token, second.token);
    /* A token that was made up in any digit is none of this run's. */
    for (size_t i = 0; first.token[i]; i++) {
        int code;

        strcpy(other, first.token);
        other[i] = other[i] == '1' ? '2' : '1';
        code = dur_complete_callback(log, other, dur_null());
        assert_true(code == DUR_NOT_FOUND || code == DUR_MISUSE || code == DUR_ENDED);
    }
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_signals"));
    dur_close(log);
}

/* Opened, mailed and answered by three programs. */
static void an_answer_comes_from_anywhere_once(void **state)
{
    test_host *host = *state;
    approval user = approval_for(0, 0);
    dur_log *log = host_log(host);

    assert_code(DUR_SUSPENDED, execute(log, &user), log);
    dur_close(log);
    host_reconnect(host);
    log = host_log(host);
    assert_code(DUR_OK, dur_complete_callback(log, user.token, dur_text("gr\xc3\xbc\xc3\x9f")),
                log);
    assert_code(DUR_ENDED, dur_complete_callback(log, user.token, dur_text("no")), log);
    assert_code(DUR_ENDED, dur_fail_callback(log, user.token, "no"), log);
    dur_close(log);
    host_reconnect(host);
    log = host_log(host);
    assert_code(DUR_OK, execute(log, &user), log);
    assert_int_equal(DUR_OK, user.code);
    assert_string_equal("gr\xc3\xbc\xc3\x9f", user.answer);
    assert_int_equal(1, user.mails);
    assert_code(DUR_ENDED, dur_complete_callback(log, user.token, dur_text("no")), log);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps_view WHERE"
                                              " kind = 'callback' AND outcome = 'result'"));
    dur_close(log);
}

static void a_rejection_fails_the_run_unless_it_is_caught(void **state)
{
    test_host *host = *state;
    approval user = approval_for(0, 0);
    dur_log *log = host_log(host);

    assert_code(DUR_SUSPENDED, execute(log, &user), log);
    assert_code(DUR_OK, dur_fail_callback(log, user.token, "too dear"), log);
    assert_code(DUR_FAILED, execute(log, &user), log);
    assert_int_equal(DUR_FAILED, user.code);
    assert_int_equal(DUR_NULL, user.type);
    assert_string_equal("too dear", dur_errmsg(log));
    dur_close(log);
}

/* The answer joins the host's transaction: rolled back, somebody else may answer. */
static void an_answer_that_is_rolled_back_was_none(void **state)
{
    test_host *host = *state;
    approval user = approval_for(0, 0);
    dur_log *log = host_log(host);

    assert_code(DUR_SUSPENDED, execute(log, &user), log);
    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, dur_complete_callback(log, user.token, dur_text("yes")), log);
    host_run(host->db, "ROLLBACK");
    assert_code(DUR_SUSPENDED, execute(log, &user), log);
    assert_code(DUR_OK, dur_complete_callback(log, user.token, dur_text("no")), log);
    assert_code(DUR_OK, execute(log, &user), log);
    assert_string_equal("no", user.answer);
    dur_close(log);
}

/* An await in a transaction that is rolled back: the answer is there again. */
static void a_receipt_that_is_rolled_back_gives_the_answer_back(void **state)
{
    test_host *host = *state;
    approval user = approval_for(0, 0);
    dur_log *log = host_log(host);

    assert_code(DUR_SUSPENDED, execute(log, &user), log);
    assert_code(DUR_OK, dur_complete_callback(log, user.token, dur_text("yes")), log);
    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, execute(log, &user), log);
    host_run(host->db, "ROLLBACK");
    user.answer[0] = '\0';
    assert_code(DUR_OK, execute(log, &user), log);
    assert_string_equal("yes", user.answer);
    dur_close(log);
}

/* Signs of life at 1500, 3000, … ms: without them its time were up at 2000. */
static void its_time_is_up_and_heartbeats_put_that_off(void **state)
{
    test_host *host = *state;
    approval user = approval_for(9000, 2000);
    dur_testbench *bench = bench_on(host->db, NULL);
    dur_script alive = DUR_SCRIPT_INIT;
    dur_log *log = dur_testbench_log(bench);

    alive.never = true;
    alive.beats_ms = 1500;
    dur_testbench_register(bench, "w", ask, &user);
    dur_testbench_script(bench, "approval", &alive);
    assert_bench(DUR_OK, dur_testbench_run(bench, "w", "r", NULL), bench);
    assert_int_equal(DUR_TIMED_OUT, user.code);
    assert_true(bench_at(bench) == 9000);
    assert_code(DUR_ENDED, dur_heartbeat_callback(log, user.token), log);
    assert_code(DUR_ENDED, dur_complete_callback(log, user.token, dur_null()), log);
    dur_testbench_close(bench);
}

static void wrong_tokens_are_refused(void **state)
{
    static const char *const wrong[] = {"", ".", "1.1", "1.1.", "1.1.xyz", "x",
                                        "-1.1.0123456789abcdef0123456789abcdef",
                                        "1.1.0123456789ABCDEF0123456789abcdef",
                                        "01.1.0123456789abcdef0123456789abcdef",
                                        "99999999999999999999.1.0123456789abcdef0123456789abcdef"};
    test_host *host = *state;
    dur_log *log = host_log(host);

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_code(DUR_MISUSE, dur_complete_callback(log, wrong[i], dur_null()), log);
        assert_code(DUR_MISUSE, dur_fail_callback(log, wrong[i], NULL), log);
        assert_code(DUR_MISUSE, dur_heartbeat_callback(log, wrong[i]), log);
    }
    assert_code(DUR_MISUSE, dur_complete_callback(log, NULL, dur_null()), log);
    assert_code(DUR_NOT_FOUND,
                dur_complete_callback(log, "1.1.0123456789abcdef0123456789abcdef", dur_null()),
                log);
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_token_is_printable_and_hard_to_guess),
        ON_DISK(an_answer_comes_from_anywhere_once),
        IN_EVERY_JOURNAL(a_rejection_fails_the_run_unless_it_is_caught),
        IN_EVERY_JOURNAL(an_answer_that_is_rolled_back_was_none),
        IN_EVERY_JOURNAL(a_receipt_that_is_rolled_back_gives_the_answer_back),
        IN_EVERY_JOURNAL(its_time_is_up_and_heartbeats_put_that_off),
        IN_EVERY_JOURNAL(wrong_tokens_are_refused),
    };

    return cmocka_run_group_tests_name("api.callback_api", tests, NULL, NULL);
}
