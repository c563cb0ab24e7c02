/* test/api: fingerprints of what steps are given: computed as RFC 9923 says, and recorded with
 * whatever a step comes to, in every mode. */
#include "api/script.h"

#include <stdio.h>

#define MARK UINT64_C(0x85944171f73967e8) /* of "foobar"; above INT64_MAX */

/* ---- The number ---- */

typedef struct vector {
    const char *text;
    uint64_t hash;
} vector;

/* Of RFC 9923 and its authors' test suite. */
static void it_is_the_64_bit_fnv_1a(void **state)
{
    static const vector vectors[] = {{"", UINT64_C(0xcbf29ce484222325)},
                                     {"a", UINT64_C(0xaf63dc4c8601ec8c)},
                                     {"foobar", MARK},
                                     {"chongo was here!\n", UINT64_C(0x46810940eff5f915)}};

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        size_t length = strlen(vectors[i].text);

        assert_true(dur_fingerprint(0, vectors[i].text, length) == vectors[i].hash);
    }
}

static void parts_are_as_the_whole(void **state)
{
    static const char text[] = "foobar";

    (void)state;
    for (size_t cut = 0; cut <= 6; cut++) {
        uint64_t before = dur_fingerprint(0, text, cut);

        assert_true(dur_fingerprint(before, &text[cut], 6 - cut) == MARK);
    }
    assert_true(dur_fingerprint(MARK, NULL, 0) == MARK);
    assert_true(dur_fingerprint(0, NULL, 0) == dur_fingerprint(0, "", 0));
}

/* These bytes come to 0 by FNV-1a alone; a byte that the hash equals does, too. */
static void it_is_never_0(void **state)
{
    static const unsigned char zero[] = {0xd5, 0x6b, 0xb9, 0x53, 0x42, 0x87, 0x08, 0x36};

    (void)state;
    assert_true(dur_fingerprint(0, zero, sizeof zero) != 0);
    assert_true(dur_fingerprint(0x41, "A", 1) != 0);
}

/* ---- The record ---- */

typedef struct given {
    test_host *host;
    uint64_t fingerprint;
    dur_step_options options;
    bool fails, leaves;
    int bodies, until; /* attempts that fail first */
} given;

static given give(test_host *host)
{
    const dur_step_options options = DUR_STEP_OPTIONS_INIT;
    given fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.host = host;
    fresh.options = options;
    fresh.options.file = NULL;
    fresh.options.fingerprint = MARK;
    return fresh;
}

static int take(dur_run *run, void *user)
{
    given *it = user;
    int64_t value = 0;

    DUR_STEP(run, "before") {}
    DUR_STEP(run, "given", value, &it->options) {
        it->bodies++;
        value = 7;
        if (it->leaves) dur_stop(run, "left");
        if (it->fails || it->bodies <= it->until) dur_fail(run, "no luck");
    }
    dur_catch(run);
    DUR_STEP(run, "behind") {}
    return 0;
}

static int execute(dur_log *log, given *it)
{
    return dur_execute(log, "give", "the-run", NULL, take, it);
}

/* The one step has it, as an unsigned number; its neighbours have none, though the statements are
 * used again. */
static void assert_recorded(test_host *host, const char *outcome)
{
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps_view WHERE name ="
                                              " 'given' AND outcome = '%s' AND fingerprint ="
                                              " '9625390261332436968'", outcome));
    assert_int_equal(2, host_number(host->db, "SELECT count(*) FROM durable_steps WHERE name IN"
                                              " ('before', 'behind') AND fingerprint IS NULL"));
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps WHERE"
                                              " typeof(fingerprint) = 'integer' AND fingerprint ="
                                              " -8821353812377114648"));
}

static void of_results_and_failures_in_every_mode(void **state)
{
    static const int modes[] = {DUR_AT_LEAST_ONCE, DUR_TRANSACTIONAL, DUR_AT_MOST_ONCE};
    test_host *host = *state;

    for (int i = 0; i < 6; i++) {
        given it = give(host);
        dur_log *log = host_log(host);

        it.options.mode = modes[i / 2];
        it.fails = i % 2 != 0;
        assert_code(DUR_OK, execute(log, &it), log);
        assert_recorded(host, it.fails ? "failure" : "result");
        assert_int_equal(1, it.bodies);
        host_run(host->db, "DELETE FROM durable_runs");
        dur_close(log);
    }
}

static void of_the_attempt_that_decides(void **state)
{
    test_host *host = *state;
    dur_retry patient = DUR_RETRY_INIT;
    given it = give(host);
    dur_log *log = host_log(host);

    patient.jitter = DUR_JITTER_NONE;
    it.options.retry = &patient;
    it.until = 1;
    assert_code(DUR_SUSPENDED, execute(log, &it), log);
    fake_clock_advance(&host->clock, 1000);
    assert_code(DUR_OK, execute(log, &it), log);
    assert_recorded(host, "result");
    dur_close(log);
}

static void of_a_step_out_of_time(void **state)
{
    test_host *host = *state;
    dur_retry patient = DUR_RETRY_INIT;
    given it = give(host);
    dur_log *log = host_log(host);

    patient.jitter = DUR_JITTER_NONE;
    it.options.retry = &patient;
    it.options.timeout_ms = 500;
    it.until = 1;
    assert_code(DUR_OK, execute(log, &it), log);
    assert_recorded(host, "failure");
    dur_close(log);
}

static int was_done(dur_step *step, void *user)
{
    (void)user;
    dur_record_result(step, dur_integer(7));
    return 0;
}

static void of_a_step_that_was_in_doubt(void **state)
{
    test_host *host = *state;

    for (int i = 0; i < 2; i++) { /* asked for, answered by a person */
        given it = give(host);
        dur_log *log = host_log(host);

        it.options.mode = DUR_AT_MOST_ONCE;
        if (i == 0) {
            it.options.in_doubt = DUR_IN_DOUBT_VERIFY;
            it.options.verify = was_done;
        }
        it.leaves = true;
        assert_code(DUR_STOPPED, execute(log, &it), log);
        if (i == 1) {
            assert_code(DUR_PARKED, execute(log, &it), log);
            assert_code(DUR_OK, dur_resolve_step(log, "the-run", 2, DUR_OK, dur_integer(7), NULL),
                        log);
        }
        assert_code(DUR_OK, execute(log, &it), log);
        assert_int_equal(1, it.bodies);
        assert_recorded(host, "result");
        host_run(host->db, "DELETE FROM durable_runs");
        dur_close(log);
    }
}

static void of_an_outcome_that_was_kept(void **state)
{
    test_host *host = *state;
    given it = give(host);
    dur_log *log = host_log(host);

    host_run(host->db, "CREATE TEMP TRIGGER full BEFORE INSERT ON durable_steps WHEN new.name ="
                       " 'given' BEGIN SELECT RAISE(ABORT, 'full'); END");
    assert_code(DUR_DATABASE, execute(log, &it), log);
    host_run(host->db, "DROP TRIGGER full");
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(1, it.bodies);
    assert_recorded(host, "result");
    dur_close(log);
}

static int give_by_function(dur_step *step, void *user)
{
    (void)user;
    return dur_record_result(step, dur_integer(7));
}

static int take_by_verbs(dur_run *run, void *user)
{
    given *it = user;
    dur_step_options plain = DUR_STEP_OPTIONS_INIT;
    dur_step *step = NULL;
    int code;

    DUR_STEP(run, "before") {}
    if (it->fails) {
        code = dur_begin_step(run, "given", &it->options, &step);
        if (code == DUR_EXECUTE) dur_record_result(step, dur_integer(7));
    } else {
        code = dur_replay_or_run(run, "given", &it->options, give_by_function, NULL, NULL);
    }
    assert_true(code >= 0);
    DUR_STEP_VOID(run, "behind", &plain) {}
    return 0;
}

static void of_the_verbs(void **state)
{
    test_host *host = *state;

    for (int i = 0; i < 2; i++) {
        given it = give(host);
        dur_log *log = host_log(host);

        it.fails = i == 0;
        assert_code(DUR_OK, dur_execute(log, "give", "the-run", NULL, take_by_verbs, &it), log);
        assert_recorded(host, "result");
        host_run(host->db, "DELETE FROM durable_runs");
        dur_close(log);
    }
}

/* A handle is used again some steps later, and an older program's options are shorter. */
static int take_many(dur_run *run, void *user)
{
    dur_step_options marked = DUR_STEP_OPTIONS_INIT, plain = DUR_STEP_OPTIONS_INIT;
    dur_step_options older = DUR_STEP_OPTIONS_INIT;

    (void)user;
    marked.fingerprint = older.fingerprint = MARK;
    older.size = offsetof(dur_step_options, fingerprint);
    for (int i = 0; i < 40; i++) {
        DUR_STEP_VOID(run, "marked", &marked) {}
        DUR_STEP_VOID(run, "none", &plain) {}
        DUR_STEP(run, "none") {}
        DUR_STEP_VOID(run, "none", &older) {}
    }
    return 0;
}

static void none_is_left_over_from_others(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    assert_code(DUR_OK, dur_execute(log, "give", "the-run", NULL, take_many, NULL), log);
    assert_int_equal(40, host_number(host->db, "SELECT count(*) FROM durable_steps WHERE name ="
                                               " 'marked' AND fingerprint NOT NULL"));
    assert_int_equal(120, host_number(host->db, "SELECT count(*) FROM durable_steps WHERE name ="
                                                " 'none' AND fingerprint IS NULL"));
    dur_close(log);
}

/* Replay looks at none: only checks do. */
static void replay_does_not_compare_them(void **state)
{
    test_host *host = *state;
    given it = give(host);
    dur_log *log = host_log(host);

    host_run(host->db, "CREATE TEMP TRIGGER full BEFORE INSERT ON durable_steps WHEN new.name ="
                       " 'behind' BEGIN SELECT RAISE(ABORT, 'full'); END");
    assert_code(DUR_DATABASE, execute(log, &it), log);
    host_run(host->db, "DROP TRIGGER full");
    it.options.fingerprint = 1;
    assert_code(DUR_OK, execute(log, &it), log);
    assert_int_equal(1, it.bodies);
    assert_recorded(host, "result");
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_64_bit_fnv_1a),
        cmocka_unit_test(parts_are_as_the_whole),
        cmocka_unit_test(it_is_never_0),
        IN_EVERY_JOURNAL(of_results_and_failures_in_every_mode),
        IN_MEMORY(of_the_attempt_that_decides),
        IN_MEMORY(of_a_step_out_of_time),
        IN_MEMORY(of_a_step_that_was_in_doubt),
        IN_MEMORY(of_an_outcome_that_was_kept),
        IN_MEMORY(of_the_verbs),
        IN_MEMORY(none_is_left_over_from_others),
        IN_MEMORY(replay_does_not_compare_them),
    };

    return cmocka_run_group_tests_name("api.fingerprint", tests, NULL, NULL);
}
