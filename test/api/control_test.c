/* test/api: what is done to runs from outside: arguments, messages, and the host's connection. */
#include "api/controlled.h"

static int pause_run(dur_log *log, const char *run_id)
{
    return dur_pause(log, run_id);
}

static int resume_run(dur_log *log, const char *run_id)
{
    return dur_resume(log, run_id);
}

static int terminate_run(dur_log *log, const char *run_id)
{
    return dur_terminate(log, run_id, "enough");
}

static int delete_run(dur_log *log, const char *run_id)
{
    return dur_delete(log, run_id);
}

static int retain_runs(dur_log *log, const char *run_id)
{
    dur_retention retention = DUR_RETENTION_INIT;

    (void)run_id;
    return dur_retain(log, &retention, NULL);
}

typedef int control_fn(dur_log *log, const char *run_id);
static control_fn *const all[] = {pause_run, resume_run, terminate_run, delete_run, retain_runs};
#define ALL 5
#define BY_ID 4

/* ---- Arguments and messages ------------------------------------------------------------------ */

static void arguments_are_checked(void **state)
{
    controlled it = controlled_of(*state);

    for (int i = 0; i < BY_ID; i++) {
        assert_int_equal(DUR_MISUSE, all[i](NULL, RUN));
        assert_code(DUR_MISUSE, all[i](it.log, NULL), it.log);
        assert_code(DUR_MISUSE, all[i](it.log, ""), it.log);
        assert_code(DUR_MISUSE, all[i](it.log, "\xff"), it.log);
        assert_code(DUR_NOT_FOUND, all[i](it.log, "no-run"), it.log);
        assert_has(dur_errmsg(it.log), "run \"no-run\"");
    }
    dur_close(it.log);
}

static void messages_name_the_run_and_how_it_ended(void **state)
{
    controlled it = controlled_of(*state);

    controlled_start(&it, RUN);
    assert_code(DUR_REPLAYED, dur_resume(it.log, RUN), it.log);
    assert_string_equal("run \"" RUN "\": it is not paused", dur_errmsg(it.log));
    assert_code(DUR_OK, dur_pause(it.log, RUN), it.log);
    assert_code(DUR_REPLAYED, dur_pause(it.log, RUN), it.log);
    assert_string_equal("run \"" RUN "\": it is paused already", dur_errmsg(it.log));
    assert_code(DUR_OK, dur_terminate(it.log, RUN, NULL), it.log);
    assert_code(DUR_REPLAYED, dur_terminate(it.log, RUN, NULL), it.log);
    assert_string_equal("run \"" RUN "\": it was terminated before", dur_errmsg(it.log));
    for (int i = 0; i < 2; i++) {
        assert_code(DUR_ENDED, all[i](it.log, RUN), it.log);
        assert_has(dur_errmsg(it.log), "run \"" RUN "\" has ended (terminated)");
    }
    assert_code(DUR_ENDED, controlled_go(&it, RUN), it.log);
    assert_has(dur_errmsg(it.log), "(terminated)");
    dur_close(it.log);
}

/* ---- The host's connection ------------------------------------------------------------------- */

static void prepare(controlled *it)
{
    it->host->clock.now_ms += SECOND;
    controlled_start(it, RUN);
    controlled_start(it, "other");
    assert_code(DUR_OK, dur_terminate(it->log, "other", NULL), it->log);
}

/* Law 1: nothing of the host's is changed, and nothing is left active. */
static void the_connection_is_left_as_it_was(void **state)
{
    controlled it = controlled_of(*state);

    prepare(&it);
    host_run(it.host->db, "CREATE TABLE mine(x); INSERT INTO mine(rowid, x) VALUES(77, 1)");
    sqlite3_free(host_picture(it.host->db)); /* its first look at "temp" makes that */
    for (int i = 0; i < ALL; i++) {
        char *before = host_picture(it.host->db);
        int code = all[i](it.log, RUN);

        assert_true(code == DUR_OK);
        assert_same(before, host_picture(it.host->db));
        assert_int_equal(77, sqlite3_last_insert_rowid(it.host->db));
        assert_int_equal(0, host_active_statements(it.host->db));
        assert_int_equal(1, sqlite3_get_autocommit(it.host->db));
        assert_false(host_statements_hold(it.host->db, RUN));
    }
    assert_int_equal(0, controlled_rows(&it));
    dur_close(it.log);
}

/* … and in a transaction of the host's they are a part of it, all of them. */
static void all_of_them_join_and_are_rolled_back(void **state)
{
    controlled it = controlled_of(*state);
    char *before;

    prepare(&it);
    before = host_log_rows(it.host->db, "main");
    host_run(it.host->db, "BEGIN");
    for (int i = 0; i < ALL; i++) {
        assert_code(DUR_OK, all[i](it.log, RUN), it.log);
        assert_int_equal(0, sqlite3_get_autocommit(it.host->db));
    }
    assert_int_equal(0, controlled_rows(&it));
    host_run(it.host->db, "ROLLBACK");
    assert_same(before, host_log_rows(it.host->db, "main"));
    dur_close(it.log);
}

static void in_a_transactional_body(controlled *it)
{
    for (int i = 0; i < ALL; i++) {
        dur_log *second = host_log(it->host);

        assert_code(DUR_MISUSE, all[i](it->log, "other"), it->log);
        assert_has(dur_errmsg(it->log), "a transactional step is open");
        assert_code(DUR_MISUSE, all[i](second, "other"), second);
        dur_close(second);
    }
}

static void a_transactional_step_shuts_them_out(void **state)
{
    controlled it = controlled_of(*state);

    prepare(&it);
    it.options.mode = DUR_TRANSACTIONAL;
    it.meanwhile = in_a_transactional_body;
    assert_code(DUR_SUSPENDED, controlled_execute(&it, RUN), it.log);
    assert_int_equal(1, it.bodies);
    assert_int_equal(DUR_RUN_TERMINATED, controlled_info(&it, "other").status);
    dur_close(it.log);
}

static void a_half_stepped_write_of_the_hosts_shuts_them_out(void **state)
{
    controlled it = controlled_of(*state);
    sqlite3_stmt *half = NULL;

    prepare(&it);
    host_run(it.host->db, "CREATE TABLE mine(x)");
    assert_int_equal(SQLITE_OK,
                     sqlite3_prepare_v2(it.host->db,
                                        "INSERT INTO mine VALUES(1), (2) RETURNING x", -1, &half,
                                        NULL));
    assert_int_equal(SQLITE_ROW, sqlite3_step(half));
    for (int i = 0; i < ALL; i++)
        assert_code(DUR_HOST_STATEMENT, all[i](it.log, i < BY_ID - 1 ? RUN : "other"), it.log);
    sqlite3_finalize(half);
    for (int i = 0; i < ALL; i++) assert_code(DUR_OK, all[i](it.log, RUN), it.log);
    dur_close(it.log);
}

/* A database that is busy is waited for, and then nothing has changed. */
static void a_busy_database_is_told(void **state)
{
    controlled it = controlled_of(*state);
    char *before;

    prepare(&it);
    before = host_log_rows(it.host->db, "main");
    it.host->other = host_connect(it.host, SQLITE_OPEN_READWRITE);
    host_run(it.host->other, "BEGIN IMMEDIATE");
    for (int i = 0; i < ALL; i++)
        assert_code(DUR_BUSY, all[i](it.log, i < BY_ID - 1 ? RUN : "other"), it.log);
    host_run(it.host->other, "ROLLBACK");
    assert_same(before, host_log_rows(it.host->db, "main"));
    for (int i = 0; i < ALL; i++) assert_code(DUR_OK, all[i](it.log, RUN), it.log);
    dur_close(it.log);
}

/* Law 9: an edited log: somebody has paused or ended a run by hand, and left it half so. */
static void what_was_paused_by_hand_is_paused(void **state)
{
    controlled it = controlled_of(*state);

    controlled_serve(&it);
    controlled_start(&it, RUN);
    controlled_start(&it, "other");
    host_run(it.host->db, "UPDATE durable_runs SET request = 2 WHERE id = %Q", RUN);
    assert_int_equal(1, controlled_work(&it));
    assert_true(controlled_info(&it, RUN).paused);
    assert_code(DUR_OK, dur_resume(it.log, RUN), it.log);
    assert_int_equal(1, controlled_work(&it));
    host_run(it.host->db, "UPDATE durable_runs SET ended = 'soon' WHERE id = %Q", RUN);
    assert_code(DUR_NOT_ENDED, dur_delete(it.log, RUN), it.log);
    assert_code(DUR_OK, retain_runs(it.log, NULL), it.log);
    assert_int_equal(2, host_number(it.host->db, "SELECT count(*) FROM durable_runs"));
    dur_close(it.log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_MEMORY(arguments_are_checked),
        IN_MEMORY(messages_name_the_run_and_how_it_ended),
        IN_EVERY_JOURNAL(the_connection_is_left_as_it_was),
        IN_EVERY_JOURNAL(all_of_them_join_and_are_rolled_back),
        IN_EVERY_JOURNAL(a_transactional_step_shuts_them_out),
        IN_EVERY_JOURNAL(a_half_stepped_write_of_the_hosts_shuts_them_out),
        ON_DISK(a_busy_database_is_told),
        IN_MEMORY(what_was_paused_by_hand_is_paused),
    };

    return cmocka_run_group_tests_name("api.control", tests, NULL, NULL);
}
