/* test/api: runs that have ended are deleted: which, what goes with them, and what it costs. */
#include "api/controlled.h"

static dur_retention retention_of(int64_t older_than_ms, int64_t max_runs)
{
    dur_retention retention = DUR_RETENTION_INIT;

    retention.older_than_ms = older_than_ms;
    retention.max_runs = max_runs;
    return retention;
}

static int64_t retain(controlled *it, dur_retention retention)
{
    int64_t deleted = -1;

    assert_code(DUR_OK, dur_retain(it->log, &retention, &deleted), it->log);
    return deleted;
}

static bool is_there(controlled *it, const char *run_id)
{
    return host_number(it->host->db, "SELECT count(*) FROM durable_runs WHERE id = %Q", run_id);
}

static int some_steps(dur_run *run, void *user)
{
    controlled *it = user;
    int64_t value = 0;

    it->passes++;
    for (int i = 0; i < 10; i++) DUR_STEP(run, "step", value) { value = i; }
    return 0;
}

static void end_one(controlled *it, const char *run_id)
{
    assert_code(DUR_OK, dur_execute(it->log, "work", run_id, NULL, some_steps, it), it->log);
}

static void end_many(controlled *it, const char *prefix, int count)
{
    for (int i = 0; i < count; i++) {
        char id[40];

        snprintf(id, sizeof id, "%s-%d", prefix, i);
        end_one(it, id);
        fake_clock_advance(&it->host->clock, SECOND);
    }
}

/* ---- Deleting ------------------------------------------------------------------------------ */

static int calls(dur_run *run, void *user)
{
    controlled *it = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;

    it->code = dur_call(run, "child", &options, some_steps, it, NULL);
    it->code = dur_call(run, "child", &options, controlled_workflow, it, NULL);
    return 0;
}

static void assert_deletes_all(controlled *it)
{
    assert_code(DUR_SUSPENDED, dur_execute(it->log, "family", RUN, NULL, calls, it), it->log);
    assert_code(DUR_OK, dur_signal(it->log, RUN, "news", dur_null(), NULL), it->log);
    assert_code(DUR_NOT_ENDED, dur_delete(it->log, RUN), it->log);
    assert_has(dur_errmsg(it->log), "run \"" RUN "\"");
    assert_has(dur_errmsg(it->log), "cancel or terminate it first");
    assert_code(DUR_CONFLICT, dur_delete(it->log, RUN "/1"), it->log);
    assert_code(DUR_OK, dur_terminate(it->log, RUN, NULL), it->log);
    assert_code(DUR_OK, dur_delete(it->log, RUN), it->log);
    assert_int_equal(0, controlled_rows(it));
    assert_code(DUR_NOT_FOUND, dur_delete(it->log, RUN), it->log);
    end_one(it, RUN);
}

static void a_run_goes_with_all_that_belongs_to_it(void **state)
{
    controlled it = controlled_of(*state);

    assert_deletes_all(&it);
    dur_close(it.log);
}

/* What the trigger does, we do where the host has switched it off. */
static void a_run_goes_with_all_that_belongs_to_it_without_triggers(void **state)
{
    controlled it = controlled_of(*state);

    sqlite3_db_config(it.host->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    assert_deletes_all(&it);
    assert_int_equal(1, retain(&it, retention_of(0, 0)));
    assert_int_equal(0, controlled_rows(&it));
    dur_close(it.log);
}

/* … and where it has our triggers call each other. */
static void triggers_may_be_recursive(void **state)
{
    controlled it = controlled_of(*state);

    host_run(it.host->db, "PRAGMA recursive_triggers = ON");
    assert_deletes_all(&it);
    dur_close(it.log);
}

static int starts(dur_run *run, void *user)
{
    controlled *it = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_step *child = NULL;

    options.run_id = "mail";
    options.on_parent_end = DUR_CHILD_LEAVE;
    it->code = dur_start_child(run, "child", "work", &options, &child);
    return 0;
}

static void what_an_open_run_refers_to_is_named(void **state)
{
    controlled it = controlled_of(*state);

    assert_code(DUR_OK, dur_execute(it.log, "family", RUN, NULL, starts, &it), it.log);
    assert_code(DUR_NOT_ENDED, dur_delete(it.log, RUN), it.log);
    assert_has(dur_errmsg(it.log), "its child \"mail\", which has not ended");
    assert_int_equal(0, retain(&it, retention_of(0, 0)));
    assert_code(DUR_OK, dur_terminate(it.log, "mail", NULL), it.log);
    assert_int_equal(2, retain(&it, retention_of(0, 0)));
    assert_int_equal(0, controlled_rows(&it));
    dur_close(it.log);
}

/* ---- Retention ----------------------------------------------------------------------------- */

static void by_age_by_count_and_by_workflow(void **state)
{
    controlled it = controlled_of(*state);
    dur_retention retention = retention_of(10 * SECOND, 0);

    end_many(&it, "a", 20); /* the last one ended a second ago */
    assert_int_equal(11, retain(&it, retention));
    assert_true(!is_there(&it, "a-10") && is_there(&it, "a-11"));
    retention = retention_of(0, 0);
    retention.keep = 6;
    retention.workflow = "other";
    assert_int_equal(0, retain(&it, retention));
    retention.workflow = "work";
    assert_int_equal(3, retain(&it, retention));
    assert_true(!is_there(&it, "a-13") && is_there(&it, "a-14"));
    assert_int_equal(5, retain(&it, retention_of(0, 5)));
    assert_int_equal(1, retain(&it, retention_of(0, 5)));
    assert_int_equal(0, controlled_rows(&it));
    dur_close(it.log);
}

static void a_batch_has_a_hundred_by_default(void **state)
{
    controlled it = controlled_of(*state);
    dur_retention retention = DUR_RETENTION_INIT;

    end_many(&it, "a", 103);
    assert_int_equal(100, retain(&it, retention));
    assert_code(DUR_OK, dur_retain(it.log, &retention, NULL), it.log);
    assert_int_equal(0, controlled_rows(&it));
    dur_close(it.log);
}

/* Law 1: in a transaction of the host's it is a part of that; and what is rolled back is found
 * again. */
static void a_batch_that_is_rolled_back_is_there_again(void **state)
{
    controlled it = controlled_of(*state);

    end_many(&it, "a", 6);
    host_run(it.host->db, "CREATE TABLE mine(x); INSERT INTO mine(rowid, x) VALUES(77, 1)");
    host_run(it.host->db, "BEGIN");
    assert_int_equal(3, retain(&it, retention_of(0, 3)));
    assert_int_equal(3, host_number(it.host->db, "SELECT count(*) FROM durable_runs"));
    assert_int_equal(77, sqlite3_last_insert_rowid(it.host->db));
    host_run(it.host->db, "ROLLBACK");
    assert_int_equal(6, host_number(it.host->db, "SELECT count(*) FROM durable_runs"));
    assert_int_equal(2, retain(&it, retention_of(0, 2)));
    assert_true(!is_there(&it, "a-1") && is_there(&it, "a-2"));
    host_run(it.host->db, "BEGIN");
    assert_code(DUR_OK, dur_delete(it.log, "a-5"), it.log);
    host_run(it.host->db, "ROLLBACK");
    assert_true(is_there(&it, "a-5"));
    dur_close(it.log);
}

/* Two who clean up at once: each batch is exact. */
static void another_one_cleans_up_meanwhile(void **state)
{
    controlled it = controlled_of(*state);
    controlled other = it;

    other.log = host_log(it.host);
    end_many(&it, "a", 12);
    assert_int_equal(3, retain(&it, retention_of(0, 3)));
    assert_int_equal(3, retain(&other, retention_of(0, 3)));
    assert_int_equal(3, retain(&it, retention_of(0, 3)));
    assert_int_equal(3, retain(&other, retention_of(0, 3)));
    assert_int_equal(0, retain(&it, retention_of(0, 3)));
    assert_int_equal(0, controlled_rows(&it));
    dur_close(other.log);
    dur_close(it.log);
}

static int64_t pages(controlled *it)
{
    return host_number(it->host->db, "PRAGMA page_count");
}

/* The file does not grow where as much is recorded as is deleted. */
static void the_space_is_used_again(void **state)
{
    controlled it = controlled_of(*state);
    int64_t full, grown;

    end_many(&it, "a", 200);
    full = pages(&it);
    while (retain(&it, retention_of(0, 64)) == 64) {}
    assert_int_equal(full, pages(&it));
    assert_true(host_number(it.host->db, "PRAGMA freelist_count") > full / 2);
    for (int round = 0; round < 5; round++) {
        char prefix[16];

        snprintf(prefix, sizeof prefix, "%d", round);
        end_many(&it, prefix, 200);
        while (retain(&it, retention_of(0, 64)) == 64) {}
    }
    grown = pages(&it) - full;
    assert_true(grown <= full / 10);
    dur_close(it.log);
}

/* ---- What it costs --------------------------------------------------------------------------- */

static int count_calls(void *user)
{
    ++*(int64_t *)user;
    return 0;
}

/* In units of 10 steps of SQLite's machine. */
static int64_t cost_of_batch(controlled *it)
{
    int64_t cost = 0;

    sqlite3_progress_handler(it->host->db, 10, count_calls, &cost);
    assert_int_equal(5, retain(it, retention_of(0, 5)));
    sqlite3_progress_handler(it->host->db, 0, NULL, NULL);
    return cost;
}

/* Law 8: what an open run refers to is passed over once, not for each batch; and how many there are
 * that are younger does not matter. */
static void batches_cost_the_same_whatever_stands_around(void **state)
{
    enum { REFERRED = 3000 };
    controlled it = controlled_of(*state);
    int64_t alone, first, next;

    end_many(&it, "a", 10);
    cost_of_batch(&it);
    alone = cost_of_batch(&it);
    controlled_start(&it, "open");
    host_run(it.host->db,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO durable_runs(epoch, token, status, claims, request, id, uid, workflow,"
             " behaviour, parent, called_at, queue, priority, created, ended)"
             " SELECT 1, 1, 2, 0, 0, 'child' || i, 'u' || i, 'work', 1,"
             " (SELECT run FROM durable_runs WHERE id = 'open'), i, '', 0, 0, %lld FROM n",
             REFERRED, (long long)it.host->clock.now_ms);
    end_many(&it, "b", 10);
    first = cost_of_batch(&it);
    next = cost_of_batch(&it);
    assert_true(first > REFERRED / 10);
    assert_true(next < 2 * alone);
    assert_int_equal(REFERRED + 1, host_number(it.host->db, "SELECT count(*) FROM durable_runs"));
    dur_close(it.log);
}

/* No look at a run goes through a table, or through an index from its beginning. */
static void every_look_is_a_seek(void **state)
{
    controlled it = controlled_of(*state);
    sqlite3_stmt *statement = NULL;
    int looked = 0;

    end_many(&it, "a", 3);
    assert_code(DUR_NOT_FOUND, dur_delete(it.log, "b"), it.log);
    retain(&it, retention_of(0, 1));
    while ((statement = sqlite3_next_stmt(it.host->db, statement)) != NULL) {
        char *plan;

        if (!strstr(sqlite3_sql(statement), "durable_runs_by_origin")) continue;
        plan = host_rows(it.host->db, "EXPLAIN QUERY PLAN %s", sqlite3_sql(statement));
        if (strstr(plan, "SCAN") && !strstr(plan, "SCAN CONSTANT")) fail_msg("%s", plan);
        if (strstr(plan, "TEMP B-TREE")) fail_msg("%s", plan);
        sqlite3_free(plan);
        looked++;
    }
    assert_int_equal(3, looked); /* to delete, to explain, to look for a batch */
    dur_close(it.log);
}

/* ---- Misuse -------------------------------------------------------------------------------- */

static void refuse(controlled *it, dur_retention retention, const char *why)
{
    int64_t deleted = -1;

    assert_code(DUR_MISUSE, dur_retain(it->log, &retention, &deleted), it->log);
    assert_has(dur_errmsg(it->log), why);
    assert_int_equal(0, deleted);
}

static void what_makes_no_sense_is_refused(void **state)
{
    controlled it = controlled_of(*state);
    dur_retention retention = DUR_RETENTION_INIT;

    assert_int_equal(DUR_MISUSE, dur_retain(NULL, &retention, NULL));
    assert_code(DUR_MISUSE, dur_retain(it.log, NULL, NULL), it.log);
    refuse(&it, retention_of(-1, 0), "older_than_ms");
    refuse(&it, retention_of(0, -1), "max_runs");
    retention.keep = -1;
    refuse(&it, retention, "keep");
    retention.keep = 0;
    retention.workflow = "";
    refuse(&it, retention, "workflow");
    retention.size = 0;
    refuse(&it, retention, "DUR_RETENTION_INIT");
    end_one(&it, RUN);
    assert_int_equal(0, retain(&it, retention_of(INT64_MAX, INT64_MAX)));
    assert_int_equal(1, retain(&it, retention_of(0, INT64_MAX)));
    dur_close(it.log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_run_goes_with_all_that_belongs_to_it),
        IN_EVERY_JOURNAL(a_run_goes_with_all_that_belongs_to_it_without_triggers),
        IN_MEMORY(triggers_may_be_recursive),
        IN_MEMORY(what_an_open_run_refers_to_is_named),
        IN_EVERY_JOURNAL(by_age_by_count_and_by_workflow),
        IN_MEMORY(a_batch_has_a_hundred_by_default),
        IN_EVERY_JOURNAL(a_batch_that_is_rolled_back_is_there_again),
        IN_MEMORY(another_one_cleans_up_meanwhile),
        IN_WAL(the_space_is_used_again),
        IN_MEMORY(batches_cost_the_same_whatever_stands_around),
        IN_MEMORY(every_look_is_a_seek),
        IN_MEMORY(what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests_name("api.retention", tests, NULL, NULL);
}
