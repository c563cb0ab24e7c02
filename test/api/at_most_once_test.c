/* test/api: steps that run at most once, on SQLite: what is committed before the body, what a
 * person sees of a step in doubt, and how the answer gets into the log. */
#include "support/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

typedef struct order {
    test_host *host;
    int in_doubt;
    bool unplugged; /* the body is left in the middle */
    int bodies;
    int64_t pending, committed; /* rows with an intent, seen in the body by two connections */
    char key[64], verified_key[64];
    int verified;
    dur_value value; /* of the step; its bytes are gone with the run */
    char text[64];
} order;

static order new_order(test_host *host)
{
    order fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.host = host;
    return fresh;
}

static void copy_key(char copy[64], dur_step *step)
{
    sqlite3_snprintf(64, copy, "%s", dur_step_idempotency_key(step));
}

static int verify_charge(dur_step *step, void *user)
{
    order *it = user;

    it->verified++;
    copy_key(it->verified_key, step);
    return dur_record_result(step, dur_text("found"));
}

static const char seen_intents[] = "SELECT count(*) FROM durable_pending WHERE intent = 1";

static int charge(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    order *it = user;
    dur_value value = dur_null();

    options.mode = DUR_AT_MOST_ONCE;
    options.in_doubt = it->in_doubt;
    options.user = it;
    if (it->in_doubt == DUR_IN_DOUBT_VERIFY) options.verify = verify_charge;
    DUR_STEP(run, "charge", value, &options) {
        it->bodies++;
        copy_key(it->key, dur_current_step(run));
        it->pending = host_number(it->host->db, seen_intents);
        if (it->host->other) it->committed = host_number(it->host->other, seen_intents);
        value = dur_text("charged");
        if (it->unplugged) dur_stop(run, "unplugged");
    }
    if (!dur_ok(run)) return 0;
    it->value = value;
    if (dur_as_text(value))
        sqlite3_snprintf(sizeof it->text, it->text, "%s", dur_as_text(value));
    DUR_STEP(run, "ship") {}
    dur_set_output(run, value);
    return 0;
}

static int execute(dur_log *log, order *it)
{
    return dur_execute(log, "charge", "order-1", NULL, charge, it);
}

/* A run that is parked because its first step is in doubt. */
static dur_log *parked(test_host *host, order *it)
{
    dur_log *log = host_log(host);

    *it = new_order(host);
    it->unplugged = true;
    assert_code(DUR_STOPPED, execute(log, it), log);
    it->unplugged = false;
    assert_code(DUR_PARKED, execute(log, it), log);
    assert_int_equal(it->bodies, 1);
    return log;
}

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

/* ---- What a person sees, and answers -------------------------------------------------------- */

static void a_doubt_is_seen_in_any_client(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_OK, dur_read_run(log, "order-1", &info), log);
    assert_int_equal(DUR_RUN_PARKED, info.status);
    assert_has(info.failure, "position 1, step \"charge\": in doubt: the process ended before its"
                             " outcome was recorded; parked: find out whether it was done, and"
                             " answer by dur_resolve_step()");
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_pending_view WHERE"
                                              " run_id = 'order-1' AND position = 1 AND name ="
                                              " 'charge' AND kind = 'step' AND attempts = 0"));
    dur_close(log);
}

static void assert_same_value(dur_value expected, dur_value actual)
{
    assert_int_equal(expected.type, actual.type);
    assert_int_equal(expected.length, actual.length);
    if (expected.type >= DUR_TEXT)
        assert_memory_equal(expected.as.bytes, actual.as.bytes, expected.length);
    else
        assert_memory_equal(&expected.as, &actual.as, sizeof expected.as.integer);
}

/* Every kind of value is an answer, and comes back as it was given. */
static void an_answer_is_any_value(void **state)
{
    static const struct { int64_t a; char b[8]; } object = {7, "seven"};
    const dur_value values[] = {
        dur_null(), dur_integer(INT64_MIN), dur_unsigned(UINT64_MAX), dur_real((double)NAN),
        dur_real(-0.0), dur_text(""), dur_text("gr\xc3\xbc\xc3\x9f"), dur_text_n("a\0b\xff", 4),
        dur_blob("\0\1\2", 3), dur_object(&object, sizeof object)};
    test_host *host = *state;

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        order it;
        dur_log *log = parked(host, &it);

        assert_code(DUR_OK, dur_resolve_step(log, "order-1", 1, DUR_OK, values[i], NULL), log);
        assert_code(DUR_OK, execute(log, &it), log);
        assert_same_value(values[i], dur_output(log));
        assert_int_equal(it.bodies, 1);
        dur_close(log);
        log = host_log(host);
        assert_code(DUR_OK, execute(log, &it), log);
        assert_same_value(values[i], dur_output(log));
        dur_close(log);
        host_run(host->db, "DELETE FROM durable_runs WHERE id = 'order-1'");
    }
}

static void a_failure_is_an_answer(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);

    assert_code(DUR_OK,
                dur_resolve_step(log, "order-1", 1, DUR_FAILED, dur_null(), "no such card"), log);
    assert_code(DUR_FAILED, execute(log, &it), log);
    assert_string_equal(dur_errmsg(log), "no such card");
    assert_int_equal(it.bodies, 1);
    dur_close(log);
}

static void not_done_is_an_answer(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);

    assert_code(DUR_OK, dur_resolve_step(log, "order-1", 1, DUR_EXECUTE, dur_null(), NULL), log);
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(it.bodies, 2);
    assert_int_equal(it.pending, 1);
    assert_int_equal(1, host_number(host->db, "SELECT attempt FROM durable_steps_view WHERE"
                                              " position = 1"));
    dur_close(log);
}

static void workers_take_up_what_was_answered(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);
    dur_run_info info = DUR_RUN_INFO_INIT;
    int64_t next_wake_ms = 0;

    assert_code(DUR_OK, dur_register(log, "charge", charge, &it), log);
    assert_code(DUR_OK, dur_work(log, NULL, &next_wake_ms), log);
    assert_int_equal(next_wake_ms, -1);
    assert_code(DUR_OK, dur_resolve_step(log, "order-1", 1, DUR_OK, dur_text("paid"), NULL), log);
    assert_code(DUR_OK, dur_read_run(log, "order-1", &info), log);
    assert_int_equal(info.status, DUR_RUNNING);
    assert_true(info.wake_ms == host->clock.now_ms);
    assert_null(info.failure);
    assert_code(DUR_OK, dur_work(log, NULL, &next_wake_ms), log);
    assert_code(DUR_OK, dur_read_run(log, "order-1", &info), log);
    assert_int_equal(info.status, DUR_COMPLETED);
    assert_string_equal(it.text, "paid");
    dur_close(log);
}

/* An answer of the host's own transaction is as durable as that. */
static void an_answer_may_be_rolled_back(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);

    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, dur_resolve_step(log, "order-1", 1, DUR_OK, dur_text("no"), NULL), log);
    host_run(host->db, "ROLLBACK");
    assert_code(DUR_PARKED, execute(log, &it), log);
    assert_code(DUR_OK, dur_resolve_step(log, "order-1", 1, DUR_OK, dur_text("yes"), NULL), log);
    assert_code(DUR_OK, execute(log, &it), log);
    assert_string_equal(it.text, "yes");
    dur_close(log);
}

static void refused(dur_log *log, int code, const char *run_id, int64_t position, int answer,
                    dur_value value, const char *message, const char *says)
{
    assert_code(code, dur_resolve_step(log, run_id, position, answer, value, message), log);
    assert_has(dur_errmsg(log), says);
}

/* Law 9. */
static void wrong_answers_are_refused(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);
    const dur_value null = dur_null();
    dur_value wrong = null;
    char *before = host_log_rows(host->db, "main");

    wrong.type = (dur_type)99;
    assert_int_equal(DUR_MISUSE, dur_resolve_step(NULL, "order-1", 1, DUR_OK, null, NULL));
    refused(log, DUR_MISUSE, NULL, 1, DUR_OK, null, NULL, "the run id must be");
    refused(log, DUR_MISUSE, "order-1", 0, DUR_OK, null, NULL,
            "run \"order-1\", position 0: positions count from 1");
    refused(log, DUR_MISUSE, "order-1", 1, DUR_SUSPENDED, null, NULL,
            "the answer must be DUR_OK, DUR_FAILED or DUR_EXECUTE");
    refused(log, DUR_MISUSE, "order-1", 1, DUR_FAILED, dur_integer(1), "why",
            "a value goes with the answer DUR_OK only");
    refused(log, DUR_MISUSE, "order-1", 1, DUR_EXECUTE, dur_integer(1), NULL,
            "a value goes with the answer DUR_OK only");
    refused(log, DUR_MISUSE, "order-1", 1, DUR_OK, null, "why",
            "a message goes with the answer DUR_FAILED only");
    refused(log, DUR_MISUSE, "order-1", 1, DUR_OK, wrong, NULL, "the answer is no value (type 99)");
    refused(log, DUR_NOT_FOUND, "order-2", 1, DUR_OK, null, NULL,
            "run \"order-2\": there is no such run in this log");
    refused(log, DUR_ENDED, "order-1", 2, DUR_OK, null, NULL,
            "run \"order-1\": position 2: the run is not parked, or no step is in doubt there");
    refused(log, DUR_ENDED, "order-1", INT64_MAX, DUR_OK, null, NULL, "no step is in doubt there");
    assert_same(before, host_log_rows(host->db, "main"));
    dur_close(log);
}

static void an_answer_that_is_too_big_is_refused(void **state)
{
    test_host *host = *state;
    static char large[20000];
    order it;
    dur_log *log = parked(host, &it);
    int limit = sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, 10000);

    memset(large, 'x', sizeof large - 1);
    assert_code(DUR_TOO_BIG,
                dur_resolve_step(log, "order-1", 1, DUR_OK, dur_text(large), NULL), log);
    sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, limit);
    assert_code(DUR_PARKED, execute(log, &it), log);
    assert_code(DUR_OK, dur_resolve_step(log, "order-1", 1, DUR_OK, dur_text(large), NULL), log);
    /* Who cannot read it does not run the body instead. */
    sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, 10000);
    assert_int_not_equal(DUR_OK, execute(log, &it));
    sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, limit);
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(dur_output(log).length, sizeof large - 1);
    assert_int_equal(it.bodies, 1);
    dur_close(log);
}

/* ---- Verified ------------------------------------------------------------------------------- */

/* The outside world can be asked by the key that it was given. */
static void the_verify_function_has_the_bodys_key(void **state)
{
    test_host *host = *state;
    order it;
    dur_log *log = parked(host, &it);

    it.in_doubt = DUR_IN_DOUBT_VERIFY;
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(it.bodies, 1);
    assert_int_equal(it.verified, 1);
    assert_string_equal(it.key, it.verified_key);
    assert_string_equal(it.text, "found");
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(it.verified, 1);
    dur_close(log);
}

/* ---- In a child ----------------------------------------------------------------------------- */

static int call_charge(dur_run *run, void *user)
{
    dur_value output;

    if (dur_call(run, "charge", NULL, charge, user, &output) == DUR_OK)
        dur_set_output(run, output);
    return 0;
}

/* A child in doubt parks its parent; the answer is given to the child, and makes both due. */
static void a_childs_doubt_is_answered_by_its_own_id(void **state)
{
    test_host *host = *state;
    order it = new_order(host);
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;

    it.unplugged = true;
    assert_code(DUR_STOPPED, dur_execute(log, "sell", "order-1", NULL, call_charge, &it), log);
    it.unplugged = false;
    assert_code(DUR_PARKED, dur_execute(log, "sell", "order-1", NULL, call_charge, &it), log);
    assert_has(dur_errmsg(log), "step \"charge\": in doubt");
    assert_code(DUR_ENDED, dur_resolve_step(log, "order-1", 1, DUR_OK, dur_null(), NULL), log);
    assert_code(DUR_OK, dur_register(log, "sell", call_charge, &it), log);
    assert_code(DUR_OK, dur_resolve_step(log, "order-1/1", 1, DUR_OK, dur_text("paid"), NULL),
                log);
    assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    assert_code(DUR_OK, dur_read_run(log, "order-1", &info), log);
    assert_int_equal(info.status, DUR_COMPLETED);
    assert_string_equal(dur_as_text(info.output), "paid");
    assert_int_equal(it.bodies, 1);
    dur_close(log);
}

/* ---- A value that does not fit --------------------------------------------------------------- */

static int count_charges(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    order *it = user;
    int count = 0;

    options.mode = DUR_AT_MOST_ONCE;
    DUR_STEP(run, "charge", count, &options) {
        it->bodies++;
        dur_stop(run, "unplugged");
    }
    return 0;
}

/* It is recorded, and so final; the code that asks for it is told, and nothing runs. */
static void an_answer_of_another_type_is_a_mismatch(void **state)
{
    test_host *host = *state;
    order it = new_order(host);
    dur_log *log = host_log(host);

    assert_code(DUR_STOPPED, dur_execute(log, "w", "r", NULL, count_charges, &it), log);
    assert_code(DUR_PARKED, dur_execute(log, "w", "r", NULL, count_charges, &it), log);
    assert_code(DUR_OK, dur_resolve_step(log, "r", 1, DUR_OK, dur_text("three"), NULL), log);
    assert_code(DUR_MISMATCH, dur_execute(log, "w", "r", NULL, count_charges, &it), log);
    assert_int_equal(it.bodies, 1);
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
        IN_MEMORY(a_doubt_is_seen_in_any_client),
        IN_MEMORY(an_answer_is_any_value),
        IN_MEMORY(a_failure_is_an_answer),
        IN_MEMORY(not_done_is_an_answer),
        IN_EVERY_JOURNAL(workers_take_up_what_was_answered),
        IN_EVERY_JOURNAL(an_answer_may_be_rolled_back),
        IN_MEMORY(wrong_answers_are_refused),
        IN_MEMORY(an_answer_that_is_too_big_is_refused),
        IN_MEMORY(the_verify_function_has_the_bodys_key),
        IN_EVERY_JOURNAL(a_childs_doubt_is_answered_by_its_own_id),
        IN_MEMORY(an_answer_of_another_type_is_a_mismatch),
    };

    return cmocka_run_group_tests_name("api.at_most_once", tests, NULL, NULL);
}
