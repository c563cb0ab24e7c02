/* test/api: law 8: what a worker's call costs does not grow with the runs that wait. */
#include "api/crew.h"

#include <stdio.h>

/* So many runs that sleep, asked of SQLite itself: starting them one by one would take a while. */
static void put_sleepers(test_host *host, const char *workflow, int priority, int count,
                         int64_t due)
{
    host_run(host->db,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO durable_runs(epoch, token, status, claims, request, id, uid, workflow,"
             " behaviour, queue, priority, due, created)"
             " SELECT 1, i, 5, 0, 0, '%s-%d-' || i, lower(hex(randomblob(16))), '%s', 1, 'work',"
             " %d, %lld + i, 0 FROM n",
             count, workflow, priority, workflow, priority, due);
}

/* What one call costs in steps of SQLite's virtual machine, all statements together. */
static int64_t steps_of_call(test_crew *crew, const char *expected)
{
    sqlite3 *db = crew->host->db;
    sqlite3_stmt *statement = NULL;
    int64_t steps = 0;

    while ((statement = sqlite3_next_stmt(db, statement)) != NULL)
        sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    assert_passes(crew, expected);
    while ((statement = sqlite3_next_stmt(db, statement)) != NULL)
        steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    return steps;
}

typedef struct costs {
    int64_t idle;
    int64_t pass;
} costs;

/* Sleepers of ours and of others, of every priority; and due runs of workflows that are not
 * registered here in front of ours. */
static costs measure(test_host *host, int count)
{
    dur_options options = host_options(host);
    int64_t now = host->clock.now_ms;
    test_crew crew;
    costs found;

    crew_open(&crew, host, &options);
    for (int priority = 0; priority < 8; priority++) {
        put_sleepers(host, "work", priority, count / 16, now + 3600000);
        put_sleepers(host, "stranger", priority, count / 16, now - 3600000);
    }
    assert_passes(&crew, "");
    assert_int_equal(3600001, crew.wake_ms);
    found.idle = steps_of_call(&crew, "");
    crew_start(&crew, NULL, 0, "run-1");
    assert_passes(&crew, "run-1: DUR_OK\n");
    crew_start(&crew, NULL, 0, "run-2");
    found.pass = steps_of_call(&crew, "run-2: DUR_OK\n");
    assert_int_equal(3600001, crew.wake_ms);
    crew_close(&crew);
    return found;
}

static void law8_a_call_costs_the_same_with_many_sleepers(void **state)
{
    costs few = measure(*state, 1000), many;
    test_host *host = *state;

    host_run(host->db, "DELETE FROM durable_runs");
    many = measure(host, 100000);
    assert_true(few.idle > 0 && few.pass > 0);
    assert_true(many.idle <= few.idle);
    assert_true(many.pass <= few.pass);
    assert_in_range(many.idle, 1, 2000); /* 16 heads and the end of each list */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(law8_a_call_costs_the_same_with_many_sleepers),
    };

    return cmocka_run_group_tests_name("api.flat_work", tests, NULL, NULL);
}
