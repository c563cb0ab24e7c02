/* test/crash: the soak: what its processes share, and those that execute and look on. */
#if defined(__unix__) || defined(__APPLE__)

#define _DEFAULT_SOURCE

#include "soak.h"
#include "support/process.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#define HOST_PATIENCE_US 30000000
#define ORPHAN_SECONDS 600

soak_book *soak;

/* ---- What all of them need ------------------------------------------------------------------ */

void soak_complain(const char *format, ...)
{
    int at = atomic_fetch_add(&soak->complaint_count, 1);
    va_list arguments;

    if (at >= SOAK_COMPLAINTS) return;
    va_start(arguments, format);
    vsnprintf(soak->complaints[at], sizeof soak->complaints[at], format, arguments);
    va_end(arguments);
}

void soak_expect(const char *what, const dur_log *log, int code, const int *allowed)
{
    if (code == DUR_BUSY) soak->busy++;
    for (; *allowed != SOAK_NO_CODE; allowed++)
        if (code == *allowed) return;
    soak_complain("%s: %s: %s", what, dur_code_name(code), dur_errmsg(log));
}

bool soak_sql(sqlite3 *db, const char *sql)
{
    int64_t deadline = process_now_us() + HOST_PATIENCE_US;
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

    while ((code & 0xff) == SQLITE_BUSY && process_now_us() < deadline) {
        sqlite3_sleep(1);
        code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    if (code != SQLITE_OK) soak_complain("host: %s: %s", sql, sqlite3_errmsg(db));
    return code == SQLITE_OK;
}

sqlite3 *soak_connect(void)
{
    sqlite3 *db = NULL;

    if (sqlite3_open(soak->here.path, &db) == SQLITE_OK &&
        soak_sql(db, "PRAGMA synchronous = NORMAL"))
        return db;
    soak_complain("open: %s", sqlite3_errmsg(db));
    sqlite3_close(db);
    return NULL;
}

void soak_end_with_parent(void)
{
    alarm(ORPHAN_SECONDS);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

bool soak_open(soak_worker *worker, const dur_options *options)
{
    static const int allowed[] = {DUR_OK, SOAK_NO_CODE};
    int code;

    worker->db = soak_connect();
    worker->log = NULL;
    if (!worker->db) return false;
    code = dur_open(worker->db, options, &worker->log);
    soak_expect("dur_open", worker->log, code, allowed);
    return code == DUR_OK;
}

void soak_close(soak_worker *worker)
{
    dur_close(worker->log);
    if (sqlite3_close(worker->db) != SQLITE_OK)
        soak_complain("close: %s", sqlite3_errmsg(worker->db));
}

/* ---- The host's tables ----------------------------------------------------------------------- */

#define NOW_MS "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
#define NOTE_CLAIM                                                                                 \
    " BEGIN INSERT INTO soak_claims SELECT new.run, new.epoch, new.queue, " NOW_MS                 \
    ", (SELECT count(*) FROM durable_claims WHERE queue = new.queue)"                              \
    ", (SELECT next_us FROM durable_queues WHERE queue = new.queue); END;"

/* Every claim is noted in the transaction that makes it, with how many there are then and the
 * queue's next time, before it is moved; so is every record of somebody who has no claim then. */
static const char host_tables[] =
    "CREATE TABLE soak_effects(run TEXT, position INTEGER);"
    "CREATE TABLE soak_claims(run INTEGER, epoch INTEGER, queue TEXT, at INTEGER, active INTEGER,"
    " not_before_us INTEGER);"
    "CREATE TABLE soak_zombies(step INTEGER, epoch INTEGER);"
    "CREATE TRIGGER soak_claimed AFTER INSERT ON durable_claims" NOTE_CLAIM
    "CREATE TRIGGER soak_taken AFTER UPDATE OF epoch ON durable_claims" NOTE_CLAIM
    "CREATE TRIGGER soak_recorded AFTER INSERT ON durable_steps WHEN NOT EXISTS("
    "  SELECT 1 FROM durable_claims WHERE run = new.step >> 27 AND epoch = new.epoch)"
    " BEGIN INSERT INTO soak_zombies VALUES(new.step, new.epoch); END;";

bool soak_prepare(void)
{
    soak_worker host;
    bool done;

    place_clear(soak->here.path);
    done = soak_open(&host, NULL) && soak_sql(host.db, "PRAGMA journal_mode = WAL") &&
           soak_sql(host.db, host_tables);
    soak_close(&host);
    return done;
}

/* ---- Executing ------------------------------------------------------------------------------- */

static dur_log *volatile log_of_loop;
static volatile sig_atomic_t told_to_stop;

static void stop_loop(int number)
{
    (void)number;
    told_to_stop = 1;
    dur_stop_work_loop(log_of_loop);
}

/* A fenced owner's pass ends with DUR_LOST; whatever else is no outcome must not come. */
static void note_pass(const char *workflow, const char *run_id, int code, const char *message,
                      void *user)
{
    int at = code + SOAK_CODES / 2;

    (void)workflow;
    (void)user;
    if (at >= 0 && at < SOAK_CODES) soak->passes[at]++;
    if (code == DUR_BUSY) soak->busy++;
    if (code != DUR_OK && code != DUR_FAILED && code != DUR_SUSPENDED && code != DUR_LOST)
        soak_complain("pass over %s: %s: %s", run_id, dur_code_name(code), message);
}

static int loop(const soak_worker *worker, uint64_t seed)
{
    static const int allowed[] = {DUR_OK, SOAK_NO_CODE};
    dur_work_options options = DUR_WORK_OPTIONS_INIT;
    int code;

    options.max_passes = (int64_t)(1 + seed % 10);
    options.poll_ms = (int64_t)(5 + seed % 31);
    options.passed = note_pass;
    log_of_loop = worker->log;
    if (told_to_stop) dur_stop_work_loop(worker->log);
    code = dur_work_loop(worker->log, &options);
    soak_expect("dur_work_loop", worker->log, code, allowed);
    log_of_loop = NULL;
    return code;
}

int soak_work(void *user)
{
    const soak_role *role = user;
    dur_options options = DUR_OPTIONS_INIT;
    soak_worker worker;
    int code = 1;

    soak_end_with_parent();
    signal(SIGTERM, stop_loop);
    options.lease_ms = role->lease_ms;
    options.sleep_max_ms = role->seed % 3 ? 0 : 4;
    if (soak_open(&worker, &options)) {
        soak_register(&worker);
        code = loop(&worker, role->seed);
    }
    soak_close(&worker);
    return code == DUR_OK ? 0 : 1;
}

/* ---- Looking on ------------------------------------------------------------------------------ */

int64_t soak_ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t answer = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

static void look_at_queues(sqlite3 *db)
{
    for (int i = 1; i < SOAK_QUEUES; i++) {
        int64_t limit = soak_queues[i].limits.max_active;
        char sql[120];

        snprintf(sql, sizeof sql, "SELECT count(*) FROM durable_claims WHERE queue = '%s'",
                 soak_queues[i].name);
        if (limit && soak_ask(db, sql) > limit) soak->over_limit++;
    }
    soak->looks++;
}

int soak_watch(void *user)
{
    sqlite3 *db = soak_connect();

    (void)user;
    soak_end_with_parent();
    if (!db) return 1;
    while (!soak->finish) {
        int64_t open = soak_ask(db, "SELECT count(*) FROM durable_runs WHERE ended IS NULL");
        int64_t steps = soak_ask(db, "SELECT count(*) FROM durable_steps");

        if (open >= 0) soak->open = open;
        if (steps >= 0) soak->steps = steps;
        for (int i = 0; i < 10 && !soak->finish; i++) {
            look_at_queues(db);
            sqlite3_sleep(2);
        }
    }
    sqlite3_close(db);
    return 0;
}

#else
typedef int soak_workers_need_posix;
#endif
