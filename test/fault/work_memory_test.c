/* test/fault: laws 3, 4 and 9 of starting, sending and driving: the Nth allocation fails, N rising,
 * once and for good; afterwards everything is done once, and nothing is lost or left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fault_alloc.h"
#include "support/fake_clock.h"
#include "support/host.h"

#include <sqlite3.h>
#include <stdio.h>

typedef struct world {
    sqlite3 *db;
    fake_clock clock;
    dur_log *log;
    dur_run *left_behind;
    int bodies;
    int received;
} world;

static int workflow(dur_run *run, void *user)
{
    world *it = user;
    dur_value value;

    DUR_STEP(run, "step") { it->bodies++; }
    if (strcmp(dur_run_id(run), "waits") != 0) return 0;
    if (dur_receive(run, "mail", DUR_FOREVER, &value) == DUR_OK) it->received++;
    return 0;
}

/* Everything that a worker's program does before it works. */
static int prepare(world *it)
{
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;
    int code;

    limits.max_active = 10;
    code = dur_register(it->log, "work", workflow, it);
    if (code == DUR_OK) code = dur_serve_queue(it->log, "work", &limits);
    if (code == DUR_OK) code = dur_serve_queue(it->log, "nightly", NULL);
    if (code == DUR_OK) code = dur_start(it->log, "work", "run-1", NULL);
    if (code >= DUR_OK) code = dur_start(it->log, "work", "waits", NULL);
    return code;
}

static int send_mail(world *it)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;

    options.key = "mail-1";
    return dur_signal(it->log, "waits", "mail", dur_text("a letter of more than a few bytes"),
                      &options);
}

static void open_world(world *it, bool leaves_one_behind)
{
    dur_options options = DUR_OPTIONS_INIT;
    dur_log *dead = NULL;

    memset(it, 0, sizeof *it);
    fake_clock_init(&it->clock, 1);
    fake_clock_install(&it->clock, &options);
    it->clock.owner_alive = DUR_OWNER_DEAD;
    assert_int_equal(SQLITE_OK, sqlite3_open(":memory:", &it->db));
    assert_int_equal(DUR_OK, dur_open(it->db, &options, &it->log));
    if (!leaves_one_behind) return;
    assert_int_equal(DUR_OK, dur_open(it->db, &options, &dead));
    assert_int_equal(DUR_OK, dur_begin_run(dead, "work", "left", NULL, &it->left_behind));
    /* It dies: its claim stays, and nothing of it is written any more. */
    host_run(it->db, "CREATE TEMP TABLE kept AS SELECT * FROM durable_claims");
    dur_close(dead);
    dur_close_run(it->left_behind);
    host_run(it->db, "INSERT INTO durable_claims SELECT * FROM temp.kept;"
                     "UPDATE durable_runs SET due = NULL");
}

static void finish(world *it)
{
    int64_t wake_ms = 0;
    int code = prepare(it);

    assert_true(code == DUR_OK || code == DUR_REPLAYED);
    for (int i = 0; i < 50 && wake_ms >= 0; i++) {
        assert_code(DUR_OK, dur_work(it->log, NULL, &wake_ms), it->log);
        if (wake_ms > 0) fake_clock_advance(&it->clock, wake_ms);
    }
    code = send_mail(it);
    if (code != DUR_ENDED) {
        assert_true(code == DUR_OK || code == DUR_REPLAYED);
        assert_code(DUR_OK, dur_work(it->log, NULL, &wake_ms), it->log);
    }
    assert_int_equal(-1, wake_ms);
}

static void check(world *it)
{
    assert_int_equal(3, host_number(it->db, "SELECT count(*) FROM durable_runs_view"
                                            " WHERE status = 'completed'"));
    assert_int_equal(4, host_number(it->db, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(0, host_number(it->db, "SELECT count(*) FROM durable_claims"));
    assert_int_equal(0, host_number(it->db, "SELECT count(*) FROM durable_pending"));
    assert_int_equal(1, host_number(it->db, "SELECT count(*) FROM durable_signals"));
    assert_int_equal(3, it->bodies);
    assert_true(it->received >= 1); /* and again on each replay; there is one row of it */
    assert_int_equal(0, host_active_statements(it->db));
}

/* What may come of a call without memory. */
static bool is_expected(int code)
{
    return code == DUR_OK || code == DUR_REPLAYED || code == DUR_NOMEM;
}

/* True while the fault fires. */
static bool try_with(int64_t nth, bool persistent)
{
    int64_t live = fault_alloc_live(), fired, wake_ms = 0;
    int codes[4] = {DUR_NOMEM, DUR_NOMEM, DUR_NOMEM, DUR_NOMEM};
    world it;

    open_world(&it, true);
    fault_alloc_arm(nth, persistent);
    codes[0] = prepare(&it);
    codes[1] = dur_work(it.log, NULL, &wake_ms);
    codes[2] = send_mail(&it);
    codes[3] = dur_work(it.log, NULL, &wake_ms);
    fired = fault_alloc_fired();
    fault_alloc_disarm();
    for (int i = 0; i < 4; i++)
        assert_true(is_expected(codes[i]) || (i == 2 && codes[2] == DUR_NOT_FOUND));
    finish(&it);
    check(&it);
    dur_close(it.log);
    assert_int_equal(SQLITE_OK, sqlite3_close(it.db));
    assert_int_equal(live, fault_alloc_live());
    return fired > 0;
}

static void running_out_of_memory_loses_nothing(void **state)
{
    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        int64_t nth = 1;

        while (try_with(nth, persistent != 0)) nth++;
        assert_true(nth > 20);
        printf("fault: work           memory      %6lld allocations%s\n", (long long)nth - 1,
               persistent ? ", for good" : "");
    }
}

static int setup(void **state)
{
    (void)state;
    return fault_alloc_install(true) == SQLITE_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_out_of_memory_loses_nothing),
    };

    return cmocka_run_group_tests_name("fault.work_memory", tests, setup, NULL);
}
