/*
 * examples: two workers on one file, one of them killed, and everything done once.
 *
 * Introduces the usage of: dur_work_loop, dur_stop_work_loop in a signal handler, dur_serve_queue,
 * dur_queue_limits, dur_start_options.queue and .priority, many dur_start() in one transaction.
 *
 *     11_two_workers [DATABASE]        default: workers.db in the current directory, made anew
 *
 * A photo shop has 24 pictures to develop, four of them express, and 12 posters to print. Two
 * processes work on them, each with its own connection; they know nothing of each other. There is
 * one printer, so the queue "printer" has a limit that holds for both together. The express
 * pictures have the highest priority; but one pass in eight is for what has waited longest.
 *
 * Poster 5 is a bad one: the worker that takes it first gets a SIGKILL in the middle of printing.
 * The other one takes the run over, and with it the place at the printer, and the poster is printed
 * again, for nothing of it was recorded. But all is entered in the books once, because there the
 * row and the record of the step are one commit. On Linux a worker sees that an owner is dead;
 * elsewhere the lease has to end first, so it is a short one there. Prints
 *
 *     one worker was killed, one was asked to stop
 *     24 pictures and 12 posters, each in the books once
 *     begun twice: poster-5
 *     printed at the same time: never more than 1
 *     the express pictures were taken first, but for one pass in eight
 *
 * POSIX only: fork() and kill().
 */
#define _XOPEN_SOURCE 700
#include <durable.h>
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PICTURES = 20, EXPRESS = 4, POSTERS = 12, ALL = PICTURES + EXPRESS + POSTERS };
#define BAD_ONE "poster-5"

typedef struct shop {
    sqlite3 *db;
    int bell; /* a byte for each run that has ended: the parent sleeps until it has heard all */
} shop;

/* ---- SQL of our own ------------------------------------------------------------------------- */

static const char *const tables =
    "PRAGMA journal_mode = WAL;"
    /* A row whenever somebody begins or ends to work on something, in this order. */
    "CREATE TABLE diary(id INTEGER PRIMARY KEY, worker INT, run TEXT, event TEXT);"
    "CREATE TABLE books(run TEXT PRIMARY KEY);";

/* Run SQL made as by sqlite3_mprintf(). */
static bool change(sqlite3 *db, const char *format, ...)
{
    va_list arguments;
    char *sql;
    bool good;

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    good = sql && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    return good;
}

static int number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int result = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        result = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return result;
}

static sqlite3 *open_shop(const char *path)
{
    sqlite3 *db;

    if (sqlite3_open(path, &db) == SQLITE_OK && sqlite3_busy_timeout(db, 10000) == SQLITE_OK)
        return db;
    fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
    sqlite3_close(db);
    return NULL;
}

static void remove_database(const char *path)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    size_t i;

    for (i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *file = sqlite3_mprintf("%s%s", path, suffixes[i]);
        if (file)
            remove(file);
        sqlite3_free(file);
    }
}

/* ---- The workflow --------------------------------------------------------------------------- */

static bool note(shop *here, const char *run_id, const char *event)
{
    return change(here->db, "INSERT INTO diary(worker, run, event) VALUES(%d, %Q, %Q)",
                  (int)getpid(), run_id, event);
}

static bool is_bad_one(shop *here, const char *run_id)
{
    return strcmp(run_id, BAD_ONE) == 0 &&
           number(here->db, "SELECT count(*) FROM diary WHERE run = '" BAD_ONE "'") == 1;
}

/* At least once: a worker can die in here. */
static void do_work(shop *here, dur_run *run)
{
    bool good = note(here, dur_run_id(run), "begin");

    if (good && is_bad_one(here, dur_run_id(run)))
        raise(SIGKILL);
    sqlite3_sleep(10); /* light falls on the paper */
    if (!good || !note(here, dur_run_id(run), "end"))
        dur_stop(run, "no diary now: %s", sqlite3_errmsg(here->db));
}

static void write_down(shop *here, dur_run *run)
{
    if (!change(here->db, "INSERT INTO books(run) VALUES(%Q)", dur_run_id(run)))
        dur_stop(run, "no books now: %s", sqlite3_errmsg(here->db));
}

static int make(dur_run *run, void *user)
{
    shop *here = user;

    DUR_STEP(run, "work") { do_work(here, run); }
    if (!dur_ok(run))
        return 0;

    /* Exactly once: the row and the record of the step are in one transaction. */
    if (!change(here->db, "BEGIN IMMEDIATE")) {
        dur_stop(run, "no transaction now: %s", sqlite3_errmsg(here->db));
        return 0;
    }
    DUR_STEP(run, "enter") { write_down(here, run); }
    if (!dur_ok(run) || !change(here->db, "COMMIT"))
        change(here->db, "ROLLBACK");
    return 0;
}

/* ---- A worker ------------------------------------------------------------------------------- */

/* What the handler may touch: set before it is installed, NULL again before the log is closed. */
static dur_log *volatile log_of_this_worker;

static void on_terminate(int number_of_signal)
{
    (void)number_of_signal;
    dur_stop_work_loop(log_of_this_worker); /* returns when the pass that runs has ended */
}

static void ring(const char *workflow, const char *run_id, int code, const char *message,
                 void *user)
{
    const shop *here = user;

    (void)workflow;
    if (code != DUR_OK)
        fprintf(stderr, "%s: %s: %s\n", run_id, dur_code_name(code), message);
    else if (write(here->bell, "!", 1) != 1)
        perror("bell");
}

static int serve(shop *here, dur_log *log)
{
    dur_queue_limits one_at_a_time = DUR_QUEUE_LIMITS_INIT;
    dur_work_options work = DUR_WORK_OPTIONS_INIT;
    int code = dur_register(log, "make", make, here);

    one_at_a_time.max_active = 1; /* written into the log: it holds for all processes */
    work.passed = ring;
    work.user = here;
    if (code == DUR_OK)
        code = dur_serve_queue(log, "lab", NULL);
    if (code == DUR_OK)
        code = dur_serve_queue(log, "printer", &one_at_a_time);
    return code == DUR_OK ? dur_work_loop(log, &work) : code;
}

static int be_worker(const char *path, int bell)
{
    shop here = {open_shop(path), bell};
    dur_options options = DUR_OPTIONS_INIT;
    struct sigaction action;
    dur_log *log = NULL;
    int code = DUR_DATABASE;

#ifndef __linux__
    options.lease_ms = 1000; /* nobody sees there that an owner is gone */
#endif
    if (here.db)
        code = dur_open(here.db, &options, &log);
    log_of_this_worker = log;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_terminate;
    sigaction(SIGTERM, &action, NULL);
    if (code == DUR_OK)
        code = serve(&here, log);
    if (code != DUR_OK)
        fprintf(stderr, "worker: %s: %s\n", dur_code_name(code), dur_errmsg(log));
    log_of_this_worker = NULL;
    dur_close(log);
    sqlite3_close(here.db);
    return code == DUR_OK ? 0 : 1;
}

/* ---- The shop ------------------------------------------------------------------------------- */

static bool start_jobs(dur_log *log, const char *kind, int count, const char *queue, int priority)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    char run_id[32];
    int i;

    start.queue = queue;
    start.priority = priority;
    for (i = 1; i <= count; i++) {
        snprintf(run_id, sizeof run_id, "%s-%d", kind, i);
        if (dur_start(log, "make", run_id, &start) != DUR_OK)
            return false;
    }
    return true;
}

/* All of today's orders, or none: one transaction. */
static bool take_orders(const char *path)
{
    sqlite3 *db = open_shop(path);
    dur_log *log = NULL;
    bool good = false;

    if (db && change(db, "%s", tables) && dur_open(db, NULL, &log) == DUR_OK &&
        change(db, "BEGIN IMMEDIATE")) {
        good = start_jobs(log, "picture", PICTURES, "lab", 0) &&
               start_jobs(log, "express", EXPRESS, "lab", 7) &&
               start_jobs(log, "poster", POSTERS, "printer", 1);
        good = change(db, good ? "COMMIT" : "ROLLBACK") && good;
    }
    if (!good && db)
        fprintf(stderr, "%s: %s %s\n", path, sqlite3_errmsg(db), dur_errmsg(log));
    dur_close(log);
    sqlite3_close(db);
    return good;
}

/* A child must not inherit an open connection: the parent has none now. */
static pid_t start_worker(const char *path, const int bell[2])
{
    pid_t worker = fork();

    if (worker == 0) {
        close(bell[0]);
        _exit(be_worker(path, bell[1]));
    }
    return worker;
}

/* Gives what it was told, for a chain of checks. */
static bool check(bool good, const char *text)
{
    if (good)
        printf("%s\n", text);
    else
        fprintf(stderr, "not so: %s\n", text);
    return good;
}

/* Until every run has rung, or both workers are gone. */
static bool wait_for_all(int bell)
{
    int rung = 0;
    char sound;

    while (rung < ALL) {
        ssize_t got = read(bell, &sound, 1);
        if (got == 1)
            rung++;
        else if (got == 0 || errno != EINTR)
            return false;
    }
    return true;
}

static bool run_shop(const char *path)
{
    int bell[2], i, killed = 0, stopped = 0;
    pid_t workers[2];
    bool all;

    if (pipe(bell) != 0)
        return false;
    for (i = 0; i < 2; i++)
        workers[i] = start_worker(path, bell);
    close(bell[1]);
    all = wait_for_all(bell[0]);
    for (i = 0; i < 2; i++) {
        int status = 0;
        if (workers[i] < 0)
            continue;
        kill(workers[i], SIGTERM);
        waitpid(workers[i], &status, 0);
        killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        stopped += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    close(bell[0]);
    return check(all && killed == 1 && stopped == 1,
                 "one worker was killed, one was asked to stop");
}

static bool read_books(sqlite3 *db)
{
    int pictures = number(db, "SELECT count(*) FROM books WHERE run NOT LIKE 'poster-%'");
    int posters = number(db, "SELECT count(*) FROM books WHERE run LIKE 'poster-%'");
    int ended = number(db, "SELECT count(*) FROM durable_runs_view WHERE status = 'completed'");
    int begun = number(db, "SELECT count(*) FROM diary WHERE event = 'begin'");
    int begun_bad = number(db, "SELECT count(*) FROM diary WHERE event = 'begin'"
                               " AND run = '" BAD_ONE "'");
    /* Alone at the printer: what ends there is what was begun last. */
    int together = number(db, "SELECT count(*) FROM (SELECT run, event, lag(run) OVER (ORDER BY"
                              " id) AS before FROM diary WHERE run LIKE 'poster-%')"
                              " WHERE event = 'end' AND run <> before");
    /* What a worker took up before an express picture, though it could have waited: among four
     * passes and those between them, one may have been the eighth. */
    int early = number(db, "SELECT max(early) FROM (SELECT count(DISTINCT a.run) AS early"
                           " FROM diary AS a JOIN diary AS b ON a.worker = b.worker"
                           " AND a.id < b.id WHERE a.run NOT LIKE 'express-%'"
                           " AND b.run LIKE 'express-%' GROUP BY a.worker)");
    bool good = check(pictures == PICTURES + EXPRESS && posters == POSTERS && ended == ALL,
                      "24 pictures and 12 posters, each in the books once");

    good = check(begun == ALL + 1 && begun_bad == 2, "begun twice: " BAD_ONE)
           && good;
    good = check(together == 0, "printed at the same time: never more than 1") && good;
    return check(early <= 1, "the express pictures were taken first, but for one pass in eight") &&
           good;
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "workers.db";
    sqlite3 *db;
    bool good;

    setvbuf(stdout, NULL, _IONBF, 0);
    remove_database(path);
    good = take_orders(path) && run_shop(path);
    db = open_shop(path);
    good = db && read_books(db) && good;
    sqlite3_close(db);
    if (!good)
        fprintf(stderr, "that is not how two workers share a file\n");
    return good ? 0 : 1;
}
