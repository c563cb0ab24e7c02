/* test/api: restarting from a position: what is refused, and what was done before. */
#include "api/refused.h"
#include "api/restarted.h"

static int source_workflow(dur_run *run, void *user)
{
    int *bodies = user;
    int64_t number = 0;

    DUR_STEP(run, "first", number) { number = ++*bodies; }
    DUR_STEP(run, "second") { ++*bodies; }
    DUR_STEP(run, "third") { ++*bodies; }
    return 0;
}

static int execute(dur_log *log, int *bodies)
{
    return dur_execute(log, "source", "the-run", NULL, source_workflow, bodies);
}

/* ---- Twice --------------------------------------------------------------------------------- */

static void the_same_restart_is_told_from_another(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    int bodies = 0;

    assert_code(DUR_OK, execute(log, &bodies), log);
    assert_code(DUR_OK, restart_replaced(log, "again", 3, 1, dur_integer(5)), log);
    assert_code(DUR_REPLAYED, restart_replaced(log, "again", 3, 1, dur_integer(5)), log);
    assert_has(dur_errmsg(log), "\"the-run\"");
    assert_has(dur_errmsg(log), "\"again\"");
    assert_code(DUR_CONFLICT, restart_replaced(log, "again", 3, 1, dur_integer(6)), log);
    assert_code(DUR_CONFLICT, restart(log, "again", 3), log);
    assert_code(DUR_CONFLICT, restart(log, "again", 2), log);
    assert_code(DUR_CONFLICT, restart(log, "the-run", 2), log);
    assert_has(dur_errmsg(log), "choose another id");
    dur_close(log);
}

/* ---- Misuse -------------------------------------------------------------------------------- */

static void what_is_wrong_is_told(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_restart_options options = DUR_RESTART_OPTIONS_INIT;
    char *long_id = repeat('x', DUR_NAME_MAX + 1);
    int bodies = 0;

    assert_code(DUR_OK, execute(log, &bodies), log);
    assert_int_equal(DUR_MISUSE, dur_restart(NULL, "the-run", "a", 1, NULL));
    assert_refused(DUR_MISUSE, dur_restart(log, NULL, "a", 1, NULL), log, "run id");
    assert_refused(DUR_MISUSE, dur_restart(log, "the-run", NULL, 1, NULL), log, "new run's id");
    assert_refused(DUR_MISUSE, dur_restart(log, "the-run", "", 1, NULL), log, "new run's id");
    assert_refused(DUR_MISUSE, dur_restart(log, "the-run", long_id, 1, NULL), log, "255 bytes");
    assert_refused(DUR_MISUSE, dur_restart(log, long_id, "a", 1, NULL), log, "255 bytes");
    assert_refused(DUR_MISUSE, restart(log, "a", 0), log, "position 1 to 4");
    assert_refused(DUR_MISUSE, restart(log, "a", -1), log, "position 1 to 4");
    assert_refused(DUR_MISUSE, restart(log, "a", 5), log, "position 1 to 4");
    assert_refused(DUR_MISUSE, restart_replaced(log, "a", 3, 3, dur_null()), log, "position 3");
    assert_refused(DUR_MISUSE, restart_replaced(log, "a", 3, -1, dur_null()), log, "replace_at");
    assert_refused(DUR_MISUSE, restart_replaced(log, "a", 3, 0, dur_integer(1)), log,
                   "no replace_at");
    options.replace_at = 1;
    options.value.type = (dur_type)77;
    assert_refused(DUR_MISUSE, dur_restart(log, "the-run", "a", 3, &options), log, "type 77");
    options.value = dur_null();
    options.queue = "a\nb";
    assert_refused(DUR_MISUSE, dur_restart(log, "the-run", "a", 3, &options), log, "queue");
    options.size = 0;
    assert_refused(DUR_MISUSE, dur_restart(log, "the-run", "a", 3, &options), log,
                   "DUR_RESTART_OPTIONS_INIT");
    assert_refused(DUR_NOT_FOUND, dur_restart(log, "nobody", "a", 1, NULL), log, "\"nobody\"");
    free(long_id);
    dur_close(log);
}

static int call_it(dur_run *run, void *user)
{
    if (dur_call(run, "child", NULL, source_workflow, user, NULL) != DUR_OK) return 0;
    return 0;
}

static void a_called_child_is_refused(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    int bodies = 0;

    assert_code(DUR_OK, dur_execute(log, "calls", "the-run", NULL, call_it, &bodies), log);
    assert_refused(DUR_CONFLICT, dur_restart(log, "the-run/1", "again", 1, NULL), log,
                   "restart the parent");
    dur_close(log);
}

typedef struct test_inside {
    dur_log *log;
    int code;
} test_inside;

/* It is a write like any other: refused while a transactional step is open. */
static int restart_inside(dur_run *run, void *user)
{
    test_inside *it = user;

    DUR_TX_STEP(run, "pay") { it->code = restart(it->log, "again", 1); }
    return 0;
}

static void a_transactional_step_is_left_alone(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_inside it = {log, DUR_OK};

    assert_code(DUR_OK, dur_execute(log, "inside", "the-run", NULL, restart_inside, &it), log);
    assert_int_equal(DUR_MISUSE, it.code);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_runs"));
    dur_close(log);
}

/* ---- The host's connection ----------------------------------------------------------------- */

static int ignore_steps(void *user, int action, const char *table, const char *column,
                        const char *schema, const char *trigger)
{
    (void)column, (void)schema, (void)trigger;
    return action == SQLITE_INSERT && strcmp(table, user) == 0 ? SQLITE_IGNORE : SQLITE_OK;
}

/* Law 3: OK means recorded, also where an authorizer of the host's ignores what is written. */
static void what_is_ignored_is_told(void **state)
{
    static const char *const tables[] = {"durable_runs", "durable_steps"};
    test_host *host = *state;
    dur_log *log = host_log(host);
    int bodies = 0;

    assert_code(DUR_OK, execute(log, &bodies), log);
    for (int i = 0; i < 2; i++) {
        sqlite3_set_authorizer(host->db, ignore_steps, (void *)(uintptr_t)tables[i]);
        assert_code(DUR_DATABASE, restart(log, "again", 3), log);
        sqlite3_set_authorizer(host->db, NULL, NULL);
        assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_runs"));
    }
    assert_code(DUR_OK, restart(log, "again", 3), log);
    assert_int_equal(2, steps_of(host, "again"));
    dur_close(log);
}

/* Law 3: another connection writes meanwhile, nothing is changed, and it may be tried again. */
static void a_busy_database_is_waited_for(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    int bodies = 0;

    assert_code(DUR_OK, execute(log, &bodies), log);
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    host_run(host->other, "BEGIN IMMEDIATE");
    assert_code(DUR_BUSY, restart(log, "again", 3), log);
    host_run(host->other, "COMMIT");
    assert_code(DUR_OK, restart(log, "again", 3), log);
    assert_int_equal(2, steps_of(host, "again"));
    dur_close(log);
}

static void a_value_that_is_too_big(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    char *text = repeat('x', 4000);
    int bodies = 0, limit = sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, -1);

    assert_code(DUR_OK, execute(log, &bodies), log);
    sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, 3000);
    assert_code(DUR_TOO_BIG, restart_replaced(log, "again", 3, 1, dur_text(text)), log);
    sqlite3_limit(host->db, SQLITE_LIMIT_LENGTH, limit);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_runs"));
    free(text);
    dur_close(log);
}

/* Law 9: what somebody has edited is copied as it is, or it is an error; never more than that. */
static void an_edited_log_is_no_trap(void **state)
{
    static const char *const edits[] = {
        "UPDATE durable_steps SET kind = -9223372036854775807 - 1",
        "UPDATE durable_steps SET kind = 'x', low = x'00', epoch = 1.5, value = NULL",
        "UPDATE durable_runs SET input_format = 'x', queue = NULL WHERE 0",
        "UPDATE durable_runs SET parent = run, root = NULL, called_at = 'x'",
        "UPDATE durable_runs SET root = run, parent = run, called_at = 1, ended = 1, due = NULL",
        "UPDATE durable_runs SET status = 99, request = 'x', restarted_at = -4, origin = 'x'",
        ("INSERT INTO durable_steps SELECT (1 << 27) + 134217727, kind, name, format, value, low,"
         " epoch, attempt, began, took, fingerprint, site FROM durable_steps LIMIT 1"),
    };

    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        test_host host;
        dur_log *log;
        int bodies = 0, code;

        (void)state;
        memset(&host, 0, sizeof host);
        host_open(&host, HOST_MEMORY);
        log = host_log(&host);
        assert_code(DUR_OK, execute(log, &bodies), log);
        host_run(host.db, "%s", edits[i]);
        code = restart(log, "again", 3);
        assert_true(code == DUR_OK || code == DUR_CORRUPT || code == DUR_CONFLICT);
        code = dur_execute(log, "source", "again", NULL, source_workflow, &bodies);
        assert_true(code == DUR_OK || code < 0);
        assert_int_equal(0, host_active_statements(host.db));
        dur_close(log);
        host_close(&host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(the_same_restart_is_told_from_another),
        IN_MEMORY(what_is_wrong_is_told),
        IN_MEMORY(a_called_child_is_refused),
        IN_MEMORY(a_transactional_step_is_left_alone),
        IN_EVERY_JOURNAL(what_is_ignored_is_told),
        ON_DISK(a_busy_database_is_waited_for),
        IN_MEMORY(a_value_that_is_too_big),
        IN_MEMORY(an_edited_log_is_no_trap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
