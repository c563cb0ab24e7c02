/* test/support: a run whose owner is killed in the middle, and the process that goes on. */
#if defined(__unix__) || defined(__APPLE__)

#define _DEFAULT_SOURCE

#include "support/handover.h"

#include "support/process.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Who executes the workflow. */
typedef struct owner {
    const char *path;
    int steps;
    process_gate *reached; /* the owner to be killed opens it in its last body; NULL: the other */
    handover result;
} owner;

/* ---- The workflow ---------------------------------------------------------------------------- */

static int64_t body(owner *it, int step)
{
    if (step > it->steps && it->reached) {
        process_gate_open(it->reached);
        for (;;)
            pause();
    }
    if (it->result.executed++ == 0) it->result.reached_us = process_now_us();
    return step;
}

static int workflow(dur_run *run, void *user)
{
    owner *it = user;
    int64_t sum = 0;

    for (int step = 1; dur_ok(run) && step <= it->steps + 1; step++) {
        int executed = it->result.executed;
        int64_t value = 0;

        DUR_STEP (run, "step", value)
            value = body(it, step);
        if (it->result.executed == executed) it->result.replayed++;
        sum += value;
    }
    return dur_ok(run) && dur_set_output(run, dur_integer(sum)) == DUR_OK ? 0 : 1;
}

/* ---- The owners ------------------------------------------------------------------------------ */

static void count_sleep(int64_t duration_ms, void *user)
{
    owner *it = user;

    it->result.sleeps++;
    sqlite3_sleep((int)duration_ms);
}

static void note_pass(const char *name, const char *run_id, int code, const char *message,
                      void *user)
{
    owner *it = user;

    (void)name;
    (void)run_id;
    it->result.code = code;
    snprintf(it->result.message, sizeof it->result.message, "%s", message);
}

static void work(dur_log *log, owner *it)
{
    dur_work_options options = DUR_WORK_OPTIONS_INIT;
    int code;

    it->result.code = DUR_NOT_FOUND;
    options.passed = note_pass;
    options.user = it;
    code = dur_register(log, HANDOVER_WORKFLOW, workflow, it);
    if (code == DUR_OK) code = dur_work(log, &options, NULL);
    if (code != DUR_OK) note_pass(NULL, NULL, code, dur_errmsg(log), it);
}

static int64_t lease_end(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int64_t end = 0;

    if (sqlite3_prepare_v2(db, "SELECT lease_end FROM durable_claims", -1, &statement, NULL) ==
            SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        end = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return end;
}

static void own(owner *it, handover_way way, bool look)
{
    dur_options options = DUR_OPTIONS_INIT;
    sqlite3 *db = NULL;
    dur_log *log = NULL;
    int code;

    options.sleep = count_sleep;
    options.user = it;
    if (sqlite3_open(it->path, &db) != SQLITE_OK) {
        it->result.code = DUR_DATABASE;
        snprintf(it->result.message, sizeof it->result.message, "%s", sqlite3_errmsg(db));
        sqlite3_close(db);
        return;
    }
    if (look) it->result.lease_end_ms = lease_end(db);
    code = dur_open(db, &options, &log);
    if (code == DUR_OK && way == HANDOVER_WORK) {
        work(log, it);
    } else {
        if (code == DUR_OK)
            code = dur_execute(log, HANDOVER_WORKFLOW, HANDOVER_ID, NULL, workflow, it);
        note_pass(NULL, NULL, code, dur_errmsg(log), it);
    }
    dur_close(log);
    sqlite3_close(db);
}

static bool make_database(const char *path)
{
    sqlite3 *db = NULL;
    bool made = sqlite3_open(path, &db) == SQLITE_OK &&
                sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) == SQLITE_OK;

    sqlite3_close(db);
    return made;
}

static int own_until_killed(void *user)
{
    own(user, HANDOVER_EXECUTE, false);
    return 1;
}

/* Until it is dead, and without taking note of it. */
static bool await_death(pid_t pid)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0 && info.si_code == CLD_KILLED;
}

bool handover_leave(const char *path, int steps, pid_t *dead)
{
    process_gate reached;
    owner first;
    bool left;
    pid_t pid;

    if (!make_database(path) || !process_gate_make(&reached)) return false;
    memset(&first, 0, sizeof first);
    first.path = path;
    first.steps = steps;
    first.reached = &reached;
    pid = process_start(own_until_killed, &first);
    left = pid > 0 && process_gate_wait(&reached);
    process_kill(pid);
    left = await_death(pid) && left;
    if (dead)
        *dead = pid;
    else
        process_wait(pid);
    process_gate_close(&reached);
    return left;
}

handover handover_take(const char *path, int steps, handover_way way, bool look)
{
    owner second;

    memset(&second, 0, sizeof second);
    second.path = path;
    second.steps = steps;
    own(&second, way, look);
    return second.result;
}

#else
typedef int handover_needs_posix;
#endif
