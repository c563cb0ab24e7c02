/*
 * test/crash: law 6, fenced: a run has one owner, and an owner that lost its claim changes nothing.
 * The owners are processes; their clocks lie in shared memory, in the test's hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fake_clock.h"
#include "support/place.h"
#include "support/process.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STEPS 4
#define LEASE_MS 60000
#define STOPS_AT 1 /* the step in whose body the first owner is held up */

/* What outlives the children; each has one part of it. */
typedef struct owner {
    fake_clock clock;
    process_gate arrived; /* opened by the child in the body of step STOPS_AT */
    process_gate go_on;   /* where it then waits */
    bool is_held;
    int executed[STEPS];
    int code;
    char message[512];
} owner;

typedef struct book {
    place here;
    owner first;
    owner second;
    process_gate start;
} book;

static book *shared;

/* ---- The children -------------------------------------------------------------------------- */

static void body(owner *it, int number)
{
    it->executed[number]++;
    if (!it->is_held || number != STOPS_AT) return;
    process_gate_open(&it->arrived);
    if (!process_gate_wait(&it->go_on)) _exit(3);
}

static int workflow(dur_run *run, void *user)
{
    static const char *const names[STEPS] = {"one", "two", "three", "four"};
    int64_t sum = 0;

    for (int i = 0; i < STEPS; i++) {
        int64_t value = 0;

        DUR_STEP (run, names[i], value) {
            body(user, i);
            value = i + 1;
        }
        sum += value;
    }
    return dur_set_output(run, dur_integer(sum)) == DUR_OK ? 0 : 1;
}

/* Open the log, wait at the gate (NULL: none), execute, close. */
static int own_behind(owner *it, process_gate *gate)
{
    dur_options options = DUR_OPTIONS_INIT;
    sqlite3 *db = NULL;
    dur_log *log = NULL;

    fake_clock_install(&it->clock, &options);
    options.lease_ms = LEASE_MS;
    if (sqlite3_open(shared->here.path, &db) != SQLITE_OK ||
        sqlite3_busy_timeout(db, 10000) != SQLITE_OK)
        return 2;
    it->code = dur_open(db, &options, &log);
    if (gate && !process_gate_wait(gate)) return 3;
    if (it->code == DUR_OK) it->code = dur_execute(log, "owned", "the-run", NULL, workflow, it);
    snprintf(it->message, sizeof it->message, "%s", dur_errmsg(log));
    dur_close(log);
    sqlite3_close(db);
    return 0;
}

static int own(void *user)
{
    return own_behind(user, NULL);
}

static int own_from_the_start(void *user)
{
    return own_behind(user, &shared->start);
}

/* ---- The test's side ----------------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    shared = process_share(sizeof *shared);
    return shared && place_make(&shared->here) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    place_remove(&shared->here);
    process_unshare(shared, sizeof *shared);
    return 0;
}

static void init_owner(owner *it, uint64_t seed, bool is_held)
{
    memset(it, 0, sizeof *it);
    fake_clock_init(&it->clock, seed);
    it->is_held = is_held;
    assert_true(process_gate_make(&it->arrived));
    assert_true(process_gate_make(&it->go_on));
}

/* A database in WAL mode with an empty log; the first owner will be held up in a body. */
static void begin(bool first_is_held)
{
    sqlite3 *db = NULL;
    dur_log *log = NULL;

    place_clear(shared->here.path);
    init_owner(&shared->first, 11, first_is_held);
    init_owner(&shared->second, 12, false);
    assert_true(process_gate_make(&shared->start));
    assert_int_equal(sqlite3_open(shared->here.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(dur_open(db, NULL, &log), DUR_OK);
    dur_close(log);
    sqlite3_close(db);
}

static void end(void)
{
    process_gate_close(&shared->start);
    process_gate_close(&shared->first.arrived);
    process_gate_close(&shared->first.go_on);
    process_gate_close(&shared->second.arrived);
    process_gate_close(&shared->second.go_on);
}

static void advance_clocks(int64_t by_ms)
{
    fake_clock_advance(&shared->first.clock, by_ms);
    fake_clock_advance(&shared->second.clock, by_ms);
}

static void expect_code(const owner *it, int code)
{
    if (it->code != code)
        print_error("%s instead of %s: %s\n", dur_code_name(it->code), dur_code_name(code),
                    it->message);
    assert_int_equal(it->code, code);
}

static void expect_executed(const owner *it, const int executed[STEPS])
{
    for (int i = 0; i < STEPS; i++)
        assert_int_equal(it->executed[i], executed[i]);
}

/* All that is in the log's tables, as text. */
static char *dump(void)
{
    static const char *const tables[] = {"durable_log", "durable_runs", "durable_steps"};
    sqlite3 *db = NULL;
    sqlite3_str *text = sqlite3_str_new(NULL);

    assert_int_equal(sqlite3_open(shared->here.path, &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char sql[100];
        sqlite3_stmt *statement = NULL;

        snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY 1", tables[i]);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        while (sqlite3_step(statement) == SQLITE_ROW)
            for (int column = 0; column < sqlite3_column_count(statement); column++)
                sqlite3_str_appendf(text, "%s.%s=%Q\n", tables[i],
                                    sqlite3_column_name(statement, column),
                                    sqlite3_column_text(statement, column));
        sqlite3_finalize(statement);
    }
    sqlite3_close(db);
    return sqlite3_str_finish(text);
}

/* ---- The laws ------------------------------------------------------------------------------ */

static void a_run_that_a_live_process_holds_is_owned(void **state)
{
    static const int all[STEPS] = {1, 1, 1, 1};
    static const int none[STEPS] = {0, 0, 0, 0};
    pid_t first;

    (void)state;
    begin(true);
    first = process_start(own, &shared->first);
    assert_true(process_gate_wait(&shared->first.arrived));
    process_run(own, &shared->second);
    expect_code(&shared->second, DUR_OWNED);
    expect_executed(&shared->second, none);
    assert_int_equal(shared->second.clock.slept_ms, 0);

    process_gate_open(&shared->first.go_on);
    process_wait(first);
    expect_code(&shared->first, DUR_OK);
    expect_executed(&shared->first, all);

    process_run(own, &shared->second);
    expect_code(&shared->second, DUR_OK);
    expect_executed(&shared->second, none);
    end();
}

static void a_killed_owner_is_followed_at_once(void **state)
{
    static const int rest[STEPS] = {0, 1, 1, 1};
    pid_t first;
    process_end gone;

    (void)state;
    begin(true);
    first = process_start(own, &shared->first);
    assert_true(process_gate_wait(&shared->first.arrived));
    process_kill(first);
    gone = process_wait(first);
    assert_int_equal(gone.signal, SIGKILL);
    process_run(own, &shared->second);
    expect_code(&shared->second, DUR_OK);
    expect_executed(&shared->second, rest);
    assert_int_equal(shared->second.clock.slept_ms, 0);
    end();
}

/* Held up in a body, stopped, outlived by its lease, replaced, and woken up again. */
static void a_stopped_owner_that_is_replaced_changes_nothing(void **state)
{
    static const int begun[STEPS] = {1, 1, 0, 0};
    static const int rest[STEPS] = {0, 1, 1, 1};
    char *before;
    char *after;
    pid_t first;

    (void)state;
    begin(true);
    first = process_start(own, &shared->first);
    assert_true(process_gate_wait(&shared->first.arrived));
    process_stop(first);

    process_run(own, &shared->second);
    expect_code(&shared->second, DUR_OWNED);
    advance_clocks(LEASE_MS + 1);
    process_run(own, &shared->second);
    expect_code(&shared->second, DUR_OK);
    expect_executed(&shared->second, rest);

    before = dump();
    process_gate_open(&shared->first.go_on);
    process_continue(first);
    process_wait(first);
    after = dump();
    expect_code(&shared->first, DUR_LOST);
    expect_executed(&shared->first, begun);
    assert_string_equal(before, after);
    sqlite3_free(before);
    sqlite3_free(after);
    end();
}

/* The same while the second owner is still at work: the first does not disturb it. */
static void a_replaced_owner_does_not_disturb_the_next(void **state)
{
    static const int rest[STEPS] = {0, 1, 1, 1};
    pid_t first;
    pid_t second;

    (void)state;
    begin(true);
    shared->second.is_held = true;
    first = process_start(own, &shared->first);
    assert_true(process_gate_wait(&shared->first.arrived));
    process_stop(first);
    advance_clocks(LEASE_MS + 1);
    second = process_start(own, &shared->second);
    assert_true(process_gate_wait(&shared->second.arrived));

    process_gate_open(&shared->first.go_on);
    process_continue(first);
    process_wait(first);
    expect_code(&shared->first, DUR_LOST);

    process_gate_open(&shared->second.go_on);
    process_wait(second);
    expect_code(&shared->second, DUR_OK);
    expect_executed(&shared->second, rest);
    end();
}

static void of_two_that_start_together_one_works(void **state)
{
    int64_t rounds =
        getenv("DUR_CRASH_ROUNDS") ? strtoll(getenv("DUR_CRASH_ROUNDS"), NULL, 10) : 40;
    int64_t owned = 0;

    (void)state;
    for (int64_t round = 0; round < rounds; round++) {
        pid_t first;
        pid_t second;

        begin(false);
        first = process_start(own_from_the_start, &shared->first);
        second = process_start(own_from_the_start, &shared->second);
        process_gate_open(&shared->start);
        process_gate_open(&shared->start);
        process_wait(first);
        process_wait(second);
        if (shared->first.code == DUR_OWNED) {
            expect_code(&shared->second, DUR_OK);
        } else {
            expect_code(&shared->first, DUR_OK);
            if (shared->second.code != DUR_OWNED) expect_code(&shared->second, DUR_OK);
        }
        owned += (shared->first.code == DUR_OWNED) + (shared->second.code == DUR_OWNED);
        for (int i = 0; i < STEPS; i++)
            assert_int_equal(shared->first.executed[i] + shared->second.executed[i], 1);
        end();
    }
    printf("crash: %lld pairs started together, %lld times the other was the owner\n",
           (long long)rounds, (long long)owned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_a_live_process_holds_is_owned),
        cmocka_unit_test(a_killed_owner_is_followed_at_once),
        cmocka_unit_test(a_stopped_owner_that_is_replaced_changes_nothing),
        cmocka_unit_test(a_replaced_owner_does_not_disturb_the_next),
        cmocka_unit_test(of_two_that_start_together_one_works),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
