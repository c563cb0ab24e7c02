/* test/api: law 1, the host's house and rules: what it forbids, changes, names and counts. */
#include "api/script.h"

#include <stdio.h>

/* ---- What the host forbids ------------------------------------------------------------------- */

/* An authorizer that says no to one action on one table; NULL: to none. */
typedef struct bouncer {
    int action;
    const char *table;
} bouncer;

static int authorize(void *user, int action, const char *a, const char *b, const char *c,
                     const char *d)
{
    const bouncer *rule = user;

    (void)b, (void)c, (void)d;
    if (rule->table && action == rule->action && a && strcmp(a, rule->table) == 0)
        return SQLITE_DENY;
    return SQLITE_OK;
}

static bouncer the_bouncer;

static void forbid_steps(test_script *script)
{
    the_bouncer.action = SQLITE_INSERT;
    the_bouncer.table = "durable_steps";
    sqlite3_set_authorizer(script->host->db, authorize, &the_bouncer);
}

/* The host's authorizer decides; what it refuses is kept and written when it agrees. */
static void law3_an_authorizer_that_refuses_the_row(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.inside[1] = forbid_steps;
    assert_code(DUR_DATABASE, script_execute(&script, log), log);
    assert_has(dur_errmsg(log), "not authorized");
    assert_has(dur_errmsg(log), "the-run");
    assert_int_equal(SQLITE_AUTH, dur_sqlite_errcode(log) & 0xff);
    sqlite3_set_authorizer(host->db, NULL, NULL);
    assert_int_equal(1, script_rows(&script));
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 1, 1, 1, 1);
    script_assert_done(&script, log);
    dur_close(log);
}

static void law9_an_authorizer_that_refuses_the_tables(void **state)
{
    test_host *host = *state;
    bouncer rule = {SQLITE_CREATE_TABLE, "durable_steps"};
    dur_options options = host_options(host);
    dur_log *log = NULL;

    sqlite3_set_authorizer(host->db, authorize, &rule);
    assert_code(DUR_DATABASE, dur_open(host->db, &options, &log), log);
    assert_has(dur_errmsg(log), "not authorized");
    dur_close(log);
    sqlite3_set_authorizer(host->db, NULL, NULL);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM sqlite_schema"));
    dur_close(host_log(host));
}

/* A commit hook may turn each of our commits into a ROLLBACK. */
static int veto(void *user)
{
    return *(const bool *)user;
}

static bool is_vetoed;

static void begin_veto(test_script *script)
{
    (void)script;
    is_vetoed = true;
}

static void law3_a_commit_hook_that_vetoes(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    is_vetoed = false;
    sqlite3_commit_hook(host->db, veto, &is_vetoed);
    script.inside[2] = begin_veto;
    assert_code(DUR_DATABASE, script_execute(&script, log), log);
    assert_int_equal(SQLITE_CONSTRAINT_COMMITHOOK, dur_sqlite_errcode(log));
    assert_int_equal(2, script_rows(&script));
    is_vetoed = false;
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_int_equal(3, script.rows_at_start);
    assert_bodies(&script, 1, 1, 1, 1);
    script_assert_done(&script, log);
    dur_close(log);
}

/* ---- What the host changes ------------------------------------------------------------------- */

static void change_the_schema(test_script *script)
{
    int done = script->bodies[0] + script->bodies[1] + script->bodies[2];

    host_run(script->host->db, "CREATE TABLE IF NOT EXISTS mine (x); ALTER TABLE mine ADD COLUMN "
                               "y%d; CREATE INDEX by_y%d ON mine (y%d); ANALYZE; REINDEX",
             done, done, done);
}

static void vacuum(test_script *script)
{
    host_run(script->host->db, "VACUUM; PRAGMA optimize; PRAGMA integrity_check");
}

static void attach_and_detach(test_script *script)
{
    host_run(script->host->db, "ATTACH ':memory:' AS guest_room; CREATE TABLE guest_room.bed (x);"
                               "DETACH guest_room");
}

/* Law 1: no lock, no statement and no cursor of ours is in the way between two calls. */
static void law1_the_host_rebuilds_its_house(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.before[0] = vacuum;
    script.before[1] = change_the_schema;
    script.inside[1] = attach_and_detach;
    script.before[2] = vacuum;
    script.inside[2] = change_the_schema;
    script.before[3] = attach_and_detach;
    script.before[4] = vacuum;
    assert_code(DUR_OK, script_execute(&script, log), log);
    script_assert_done(&script, log);
    dur_close(log);
}

static void to_wal(test_script *script)
{
    assert_same(host_rows(script->host->db, "PRAGMA journal_mode = WAL"),
                sqlite3_mprintf("row 'wal'\n."));
}

static void to_delete(test_script *script)
{
    assert_same(host_rows(script->host->db, "PRAGMA journal_mode = DELETE"),
                sqlite3_mprintf("row 'delete'\n."));
}

static void checkpoint(test_script *script)
{
    assert_int_equal(SQLITE_OK, sqlite3_wal_checkpoint_v2(script->host->db, NULL,
                                                          SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
}

/* The journal mode is the host's, also in the middle of a workflow. */
static void law1_the_host_changes_the_journal_mode(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log = host_log(host);

    script.before[0] = to_wal;
    script.before[1] = to_delete;
    script.inside[2] = to_wal;
    script.before[3] = checkpoint;
    script.before[4] = to_delete;
    assert_code(DUR_OK, script_execute(&script, log), log);
    script_assert_done(&script, log);
    dur_close(log);
}

static void drop_steps(test_script *script)
{
    host_run(script->host->db, "DROP VIEW durable_steps_view; DROP VIEW durable_runs_view;"
                               "DROP TABLE durable_steps");
}

static void drop_everything(test_script *script)
{
    drop_steps(script);
    host_run(script->host->db, "DROP TABLE durable_runs; DROP TABLE durable_claims;"
                               "DROP TABLE durable_log");
}

/* Law 9: a log that is dropped under a run is an error, and no crash. */
static void law9_the_tables_are_dropped_under_a_run(void **state)
{
    void (*const ways[])(test_script *) = {drop_steps, drop_everything};
    test_host *host = *state;

    for (size_t i = 0; i < 2; i++) {
        test_host fresh;
        test_script script = script_for(&fresh);
        dur_log *log;

        host_open(&fresh, host->journal);
        log = host_log(&fresh);
        script.inside[1] = ways[i];
        assert_true(script_execute(&script, log) < 0);
        assert_has(dur_errmsg(log), "the-run");
        assert_bodies(&script, 1, 1, 0, 0);
        dur_close(log);
        assert_null(sqlite3_next_stmt(fresh.db, NULL));
        host_close(&fresh);
    }
}

/* ---- What the host names --------------------------------------------------------------------- */

/* Temporary tables shadow those of main for whoever does not name the schema. */
static void law1_shadows_in_the_temp_schema(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log;

    host_run(host->db, "CREATE TEMP TABLE durable_log (x); CREATE TEMP TABLE durable_runs (x);"
                       "CREATE TEMP TABLE durable_claims (x); CREATE TEMP TABLE durable_steps (x)");
    log = host_log(host);
    host_run(host->db, "CREATE TEMP VIEW durable_runs_view AS SELECT 1");
    assert_code(DUR_OK, dur_execute(log, "script", "the-run", NULL, script_workflow, &script), log);
    assert_bodies(&script, 1, 1, 1, 1);
    assert_int_equal(4, host_number(host->db, "SELECT count(*) FROM main.durable_steps"));
    assert_int_equal(4, host_number(host->db, "SELECT steps FROM main.durable_runs_view"));
    assert_int_equal(4, host_number(host->db, "SELECT count(*) FROM main.durable_steps_view"));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM temp.durable_steps"));
    dur_close(log);
}

static int count_pass(dur_run *run, void *user)
{
    int number;

    DUR_STEP(run, "count", number) { number = ++*(int *)user; }
    return dur_set_output(run, dur_integer(number));
}

/* Logs in three schemas of one connection do not see each other. */
static void law1_a_log_in_each_schema(void **state)
{
    static const char *const schemas[] = {"main", "temp", "side", "a \"quoted\" name"};
    test_host *host = *state;
    dur_log *logs[4];
    int bodies = 0;

    host_run(host->db, "ATTACH ':memory:' AS side; ATTACH ':memory:' AS \"a \"\"quoted\"\" name\"");
    for (int i = 0; i < 4; i++) {
        dur_options options = host_options(host);

        options.schema = schemas[i];
        assert_code(DUR_OK, dur_open(host->db, &options, &logs[i]), logs[i]);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++) {
            assert_code(DUR_OK, dur_execute(logs[i], "w", "r", NULL, count_pass, &bodies), logs[i]);
            assert_int_equal(i + 1, dur_output(logs[i]).as.integer);
        }
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM \"%w\".durable_steps_view",
                                        schemas[i]));
        host_run(host->db, "DELETE FROM \"%w\".durable_runs", schemas[i]);
        dur_close(logs[i]);
    }
}

/* The host's savepoint may have any name, ours included. */
static void law1_a_savepoint_of_the_same_name(void **state)
{
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log;

    host_run(host->db, "SAVEPOINT durable_write; CREATE TABLE mine (x)");
    log = host_log(host);
    assert_code(DUR_OK, script_execute(&script, log), log);
    host_run(host->db, "INSERT INTO mine VALUES (1); ROLLBACK TO durable_write");
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM sqlite_schema"));
    host_run(host->db, "RELEASE durable_write");
    assert_int_equal(1, sqlite3_get_autocommit(host->db));
    assert_code(DUR_OK, script_execute(&script, log), log);
    assert_bodies(&script, 2, 2, 2, 2);
    script_assert_done(&script, log);
    dur_close(log);
}

/* Functions of the host's may bear the names of SQLite's own. */
static void answer_nonsense(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    (void)count, (void)arguments;
    sqlite3_result_text(context, "nonsense", -1, SQLITE_STATIC);
}

static void law1_functions_of_the_same_names(void **state)
{
    static const char *const names[] = {"lower", "upper", "printf", "strftime", "length", "like"};
    test_host *host = *state;
    test_script script = script_for(host);
    dur_log *log;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (int arguments = 1; arguments <= 3; arguments++)
            sqlite3_create_function(host->db, names[i], arguments, SQLITE_UTF8, NULL,
                                    answer_nonsense, NULL, NULL);
    log = host_log(host);
    dur_close(log);
    log = host_log(host);
    assert_code(DUR_OK, script_execute(&script, log), log);
    script_assert_done(&script, log);
    dur_close(log);
}

/* ---- What the host counts -------------------------------------------------------------------- */

typedef struct ledger {
    int commits, steps, others;
} ledger;

static int count_commit(void *user)
{
    ((ledger *)user)->commits++;
    return 0;
}

static void count_row(void *user, int what, const char *schema, const char *table,
                      sqlite3_int64 rowid)
{
    ledger *counted = user;

    (void)schema, (void)rowid;
    if (strcmp(table, "durable_steps") == 0) {
        assert_int_equal(SQLITE_INSERT, what); /* insert-only */
        counted->steps++;
    } else {
        counted->others++;
    }
}

static ledger the_ledger;

static int many_steps(dur_run *run, void *user)
{
    (void)user;
    for (int i = 0; i < 50; i++) {
        ledger before = the_ledger;
        int number;
        bool ran = false;

        DUR_STEP(run, "s", number) {
            ran = true;
            number = i;
        }
        assert_int_equal(before.commits + ran, the_ledger.commits);
        assert_int_equal(before.steps + ran, the_ledger.steps);
        assert_int_equal(before.others, the_ledger.others);
    }
    return 0;
}

/* Law 2: one outcome, one commit, one row; a replayed step costs no write at all. */
static void law2_one_commit_and_one_row_a_step(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    const ledger nothing = {0, 0, 0};

    the_ledger = nothing;
    sqlite3_commit_hook(host->db, count_commit, &the_ledger);
    sqlite3_update_hook(host->db, count_row, &the_ledger);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, many_steps, NULL), log);
    assert_int_equal(50, the_ledger.steps);
    assert_in_range(the_ledger.commits, 50, 50 + 3);
    host_run(host->db, "UPDATE durable_runs SET status = 1, ended = NULL");
    the_ledger = nothing;
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, many_steps, NULL), log);
    assert_int_equal(0, the_ledger.steps);
    assert_in_range(the_ledger.commits, 0, 3);
    the_ledger = nothing;
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, many_steps, NULL), log);
    assert_int_equal(0, the_ledger.commits); /* completed: nothing at all */
    dur_close(log);
}

/* Law 9: limits so small that nothing can be prepared are an error. */
static void law9_limits_too_small_to_work(void **state)
{
    static const int limits[] = {SQLITE_LIMIT_SQL_LENGTH, SQLITE_LIMIT_VARIABLE_NUMBER,
                                 SQLITE_LIMIT_COLUMN, SQLITE_LIMIT_EXPR_DEPTH,
                                 SQLITE_LIMIT_VDBE_OP};
    test_host *host = *state;
    dur_log *log = host_log(host);

    dur_close(log);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        test_script script = script_for(host);
        dur_options options = host_options(host);
        int before = sqlite3_limit(host->db, limits[i], 3);
        int code = dur_open(host->db, &options, &log);

        if (code == DUR_OK)
            code = dur_execute(log, "script", "never", NULL, script_workflow, &script);
        assert_true(code < 0);
        dur_close(log);
        sqlite3_limit(host->db, limits[i], before);
        assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(law3_an_authorizer_that_refuses_the_row),
        IN_EVERY_JOURNAL(law9_an_authorizer_that_refuses_the_tables),
        IN_EVERY_JOURNAL(law3_a_commit_hook_that_vetoes),
        IN_EVERY_JOURNAL(law1_the_host_rebuilds_its_house),
        ON_DISK(law1_the_host_changes_the_journal_mode),
        IN_EVERY_JOURNAL(law9_the_tables_are_dropped_under_a_run),
        IN_MEMORY(law1_shadows_in_the_temp_schema),
        IN_MEMORY(law1_a_log_in_each_schema),
        IN_EVERY_JOURNAL(law1_a_savepoint_of_the_same_name),
        IN_MEMORY(law1_functions_of_the_same_names),
        IN_EVERY_JOURNAL(law2_one_commit_and_one_row_a_step),
        IN_MEMORY(law9_limits_too_small_to_work),
    };

    return cmocka_run_group_tests_name("house rules", tests, NULL, NULL);
}
