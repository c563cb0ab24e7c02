/*
 * test/crash: money that is moved by transactional steps, in several processes, under a storm of
 * kill -9: it is neither made nor lost, and each transfer happens once. DUR_SEED gives the seed;
 * DUR_TRANSFER_RUNS, DUR_TRANSFER_STEPS, DUR_TRANSFER_PROCESSES and DUR_TRANSFER_KILLS the size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "durable.h"
#include "support/fake_clock.h"
#include "support/place.h"
#include "support/process.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACCOUNTS 4
#define CENTS 600 /* of each account at first: some transfers ask for more than is there */
#define PROCESSES_MAX 8
#define KILL_WITHIN_US 20000

typedef struct storm {
    place here;
    int64_t runs, steps, processes, kills;
    int64_t shared; /* shared_commit_steps */
    process_gate keeper_is_there, keeper_may_go;
} storm;

static storm *it;

static int64_t number_from(const char *variable, int64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoll(text, NULL, 10) : otherwise;
}

/* Each connection leaves the write-ahead log as it grows. */
static sqlite3 *connect_to(const char *path)
{
    sqlite3 *db = NULL;

    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA busy_timeout = 10000; PRAGMA page_size = 1024;"
                         "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
                         "PRAGMA synchronous = NORMAL",
                     NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "transfer: %s\n", sqlite3_errmsg(db));
        _exit(100);
    }
    return db;
}

static int64_t ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    else
        print_error("%s: %s\n", sql, sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    return number;
}

/* ---- The processes that are killed --------------------------------------------------------- */

typedef struct worker {
    sqlite3 *db;
    int64_t run;
} worker;

/* Receives first: where the other account has not so much, that is taken back. */
static void move(dur_run *run, const worker *user, int64_t step, int64_t cents)
{
    int64_t from = (user->run + step) % ACCOUNTS, to = (user->run * 3 + step + 1) % ACCOUNTS;
    char sql[400];
    int result;

    if (from == to) to = (to + 1) % ACCOUNTS;
    snprintf(sql, sizeof sql,
             "INSERT INTO transfers VALUES (%lld, %lld, %lld, %lld, %lld);"
             "UPDATE accounts SET cents = cents + %lld WHERE id = %lld;"
             "UPDATE accounts SET cents = cents - %lld WHERE id = %lld",
             (long long)user->run, (long long)step, (long long)from, (long long)to,
             (long long)cents, (long long)cents, (long long)to, (long long)cents, (long long)from);
    result = sqlite3_exec(user->db, sql, NULL, NULL, NULL);
    if (sqlite3_extended_errcode(user->db) == SQLITE_CONSTRAINT_CHECK)
        dur_fail(run, "not so much");
    else if (result != SQLITE_OK)
        dur_stop(run, "%s", sqlite3_errmsg(user->db));
}

static int transfers(dur_run *run, void *context)
{
    const worker *user = context;

    for (int64_t step = 0; step < it->steps && dur_ok(run); step++) {
        int64_t cents = 1 + (user->run * 31 + step * 17) % 300, moved = 0;

        DUR_TX_STEP(run, "transfer", moved)
        {
            move(run, user, step, cents);
            moved = cents;
        }
        dur_catch(run);
    }
    return 0;
}

/* Gives how many runs have not ended yet. What goes wrong ends the process with 101. */
static int64_t pass(dur_log *log, worker *user, int64_t first)
{
    int64_t left = 0;

    for (int64_t i = 0; i < it->runs; i++) {
        char id[32];
        int code;

        user->run = (first + i) % it->runs;
        snprintf(id, sizeof id, "run-%lld", (long long)user->run);
        code = dur_execute(log, "transfers", id, NULL, transfers, user);
        left += code == DUR_OWNED;
        if (code == DUR_OK || code == DUR_OWNED) continue;
        fprintf(stderr, "transfer: %s: %s\n", dur_code_name(code), dur_errmsg(log));
        _exit(101);
    }
    return left;
}

/* A process_body: work until all runs have ended, here or elsewhere. */
static int work(void *context)
{
    dur_options options = DUR_OPTIONS_INIT;
    worker user = {connect_to(it->here.path), 0};
    dur_log *log = NULL;
    int64_t *first = context;

    options.shared_commit_steps = it->shared;
    options.busy_wait_ms = 60000;
    if (dur_open(user.db, &options, &log) != DUR_OK) return 102;
    while (pass(log, &user, *first) > 0) sqlite3_sleep(1); /* the others' runs: until they end */
    dur_close(log);
    return sqlite3_close(user.db) == SQLITE_OK ? 0 : 103;
}

/* A process_body: while it has the database open the write-ahead log is not given up. */
static int keep_open(void *context)
{
    sqlite3 *db = connect_to(it->here.path);
    bool told;

    (void)context;
    ask(db, "SELECT count(*) FROM accounts");
    process_gate_open(&it->keeper_is_there);
    told = process_gate_wait(&it->keeper_may_go);
    sqlite3_close(db);
    return told ? 0 : 1;
}

/* ---- The oracle ---------------------------------------------------------------------------- */

#define STEPS_WITH_RESULT "(SELECT count(*) FROM durable_steps WHERE kind > 0)"

/* At every moment: the sum is the same; as many transfers as results; and what they moved. */
static void check_moment(void)
{
    sqlite3 *db = connect_to(it->here.path);

    sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    assert_int_equal(ACCOUNTS * CENTS, ask(db, "SELECT sum(cents) FROM accounts"));
    assert_int_equal(0, ask(db, "SELECT (SELECT count(*) FROM transfers) - " STEPS_WITH_RESULT));
    assert_int_equal(0, ask(db, "SELECT (SELECT coalesce(sum(cents), 0) FROM transfers) -"
                                " (SELECT coalesce(sum(value), 0) FROM durable_steps"
                                " WHERE kind > 0)"));
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
}

/* Each account has what its transfers say. */
static void check_accounts(sqlite3 *db)
{
    assert_int_equal(0, ask(db, "SELECT count(*) FROM accounts AS a WHERE cents <> (SELECT 600 +"
                                " coalesce(sum(iif(t.receiver = a.id, t.cents, 0) -"
                                " iif(t.sender = a.id, t.cents, 0)), 0) FROM transfers AS t)"));
}

/*
 * So many commits are in the write-ahead log: of the frames that SQLite counts as valid each last
 * one of a commit has the database's new size, in the second four bytes of its header. No frame is
 * lost, as nobody gives the log up before the end.
 */
static int64_t count_commits(sqlite3 *db)
{
    int64_t page = ask(db, "PRAGMA page_size"), commits = 0;
    int frames = 0;
    char path[320];
    unsigned char header[24];
    FILE *file;

    assert_int_equal(SQLITE_OK, sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                                          &frames, NULL));
    snprintf(path, sizeof path, "%s-wal", it->here.path);
    file = fopen(path, "rb");
    assert_non_null(file);
    for (int i = 0; i < frames; i++) {
        assert_int_equal(0, fseek(file, (long)(32 + i * (24 + page)), SEEK_SET));
        assert_int_equal(1, fread(header, sizeof header, 1, file));
        commits += (header[4] | header[5] | header[6] | header[7]) != 0;
    }
    fclose(file);
    return commits;
}

/* Law 2: a step, whatever it came to, is one commit with all that its body did; else there are only
 * a run's claims and its end. Those that share a commit need fewer. */
static void check_commits(sqlite3 *db)
{
    int64_t steps = ask(db, "SELECT count(*) FROM durable_steps"),
            claims = ask(db, "SELECT sum(epoch) FROM durable_runs"),
            commits = count_commits(db);

    printf("transfer: %lld steps, %lld claims, %lld commits\n", (long long)steps, (long long)claims,
           (long long)commits);
    if (it->shared == 0)
        assert_int_equal(commits, steps + claims + it->runs);
    else
        assert_true(commits < steps + claims + it->runs);
}

static void check_end(void)
{
    sqlite3 *db = connect_to(it->here.path);

    assert_int_equal(it->runs, ask(db, "SELECT count(*) FROM durable_runs_view"
                                       " WHERE status = 'completed'"));
    assert_int_equal(it->runs * it->steps, ask(db, "SELECT count(*) FROM durable_steps"));
    assert_true(ask(db, "SELECT count(*) FROM durable_steps WHERE kind < 0") > 0);
    check_accounts(db);
    check_commits(db);
    sqlite3_close(db);
}

/* ---- The storm ----------------------------------------------------------------------------- */

static void make_database(void)
{
    sqlite3 *db;
    dur_log *log;

    place_clear(it->here.path);
    db = connect_to(it->here.path);
    assert_int_equal(SQLITE_OK,
                     sqlite3_exec(db,
                                  "CREATE TABLE accounts (id INTEGER PRIMARY KEY, cents INTEGER"
                                  " CHECK (cents >= 0));"
                                  "INSERT INTO accounts VALUES (0, 600), (1, 600), (2, 600),"
                                  " (3, 600);"
                                  "CREATE TABLE transfers (run, step, sender, receiver, cents,"
                                  " PRIMARY KEY (run, step))",
                                  NULL, NULL, NULL));
    assert_int_equal(DUR_OK, dur_open(db, NULL, &log));
    dur_close(log);
    assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

static void rage(fake_clock *chance)
{
    int64_t firsts[PROCESSES_MAX];
    pid_t pids[PROCESSES_MAX];
    int64_t killed = 0;

    for (int64_t i = 0; i < it->processes; i++) {
        firsts[i] = i * it->runs / it->processes;
        pids[i] = process_start(work, &firsts[i]);
    }
    for (int64_t i = 0; i < it->kills; i++) {
        int64_t at = (int64_t)(fake_clock_random(chance) % (uint64_t)it->processes);
        process_end end = process_kill_after(
            pids[at], (int64_t)(fake_clock_random(chance) % KILL_WITHIN_US));

        assert_true(!end.exited || end.code == 0);
        killed += !end.exited;
        check_moment();
        pids[at] = process_start(work, &firsts[at]);
    }
    for (int64_t i = 0; i < it->processes; i++) {
        process_end end = process_wait(pids[i]);

        assert_true(end.exited);
        assert_int_equal(end.code, 0);
    }
    printf("transfer: %lld processes were killed\n", (long long)killed);
    assert_true(killed > 0 || it->kills == 0);
}

static void run_storm(int64_t shared)
{
    uint64_t seed = (uint64_t)number_from("DUR_SEED", process_now_us());
    fake_clock chance;
    pid_t keeper;

    it->shared = shared;
    it->runs = number_from("DUR_TRANSFER_RUNS", 60);
    it->steps = number_from("DUR_TRANSFER_STEPS", 60);
    it->processes = number_from("DUR_TRANSFER_PROCESSES", 3);
    it->kills = number_from("DUR_TRANSFER_KILLS", 60);
    if (it->processes > PROCESSES_MAX) it->processes = PROCESSES_MAX;
    printf("transfer: DUR_SEED=%llu, %lld runs of %lld steps, %lld processes, %lld kills\n",
           (unsigned long long)seed, (long long)it->runs, (long long)it->steps,
           (long long)it->processes, (long long)it->kills);
    fake_clock_init(&chance, seed);
    make_database();
    assert_true(process_gate_make(&it->keeper_is_there) && process_gate_make(&it->keeper_may_go));
    keeper = process_start(keep_open, NULL);
    assert_true(process_gate_wait(&it->keeper_is_there));
    rage(&chance);
    check_moment();
    check_end();
    process_gate_open(&it->keeper_may_go);
    assert_int_equal(process_wait(keeper).code, 0);
    process_gate_close(&it->keeper_is_there);
    process_gate_close(&it->keeper_may_go);
}

static void money_is_moved_exactly_once(void **state)
{
    (void)state;
    run_storm(0);
}

static void so_it_is_where_steps_share_a_commit(void **state)
{
    (void)state;
    run_storm(5);
}

static int setup(void **state)
{
    (void)state;
    it = process_share(sizeof *it);
    return it && place_make(&it->here) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    place_remove(&it->here);
    process_unshare(it, sizeof *it);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(money_is_moved_exactly_once),
        cmocka_unit_test(so_it_is_where_steps_share_a_commit),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
