/*
 * examples: crash and resume, a program that dies hard and goes on where it was.
 *
 * Introduces the usage of: dur_step_idempotency_key, dur_current_step, dur_stop,
 * dur_options.owner_alive.
 *
 *     02_crash_and_resume [DATABASE]        default: crash.db in the current directory, made anew
 *
 * A device updates its firmware in three steps: download, flash, switch. This program plays the
 * power supply: it starts itself as a worker, and the worker is gone without a farewell twice,
 *
 *     start 1   after "download" was recorded, before "flash" began
 *     start 2   in the middle of "flash": the chip is written, the record is not
 *     start 3   runs to the end
 *
 * A recorded step never runs again: there is one download. A step that was cut off does run again:
 * there are two flashes. That is what "at least once" means, and why the outside world gets a key
 * with which it can tell a repetition from a new wish.
 */
#include <durable.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIVE, DIE_BEFORE_FLASH, DIE_IN_FLASH };

typedef struct updater {
    sqlite3 *db;
    int fate;
} updater;

static void die(void)
{
    printf("    -- the power fails --\n");
    fflush(stdout);
#ifdef SIGKILL
    raise(SIGKILL);
#endif
    _Exit(1);
}

/* The outside world is a table here. Each execution leaves a row in `work`; the chip, which knows
 * the keys that it has seen, is written once for each. Where that does not work just now, because
 * the database is busy, say, the pass ends and nothing is recorded: the next start tries again. */
static void do_work(updater *worker, dur_run *run, const char *what)
{
    const char *key = dur_step_idempotency_key(dur_current_step(run));
    char *sql = sqlite3_mprintf("INSERT INTO work(what) VALUES(%Q);"
                                "INSERT OR IGNORE INTO chip(key, what) VALUES(%Q, %Q);",
                                what, key, what);

    if (!sql || sqlite3_exec(worker->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        dur_stop(run, "%s: %s", what, sqlite3_errmsg(worker->db));
    sqlite3_free(sql);
    printf("    executing %s\n", what);
}

static int update(dur_run *run, void *user)
{
    updater *worker = user;
    int version;

    DUR_STEP(run, "download", version) {
        do_work(worker, run, "download");
        version = 42;
    }
    if (worker->fate == DIE_BEFORE_FLASH)
        die();
    DUR_STEP(run, "flash") {
        do_work(worker, run, "flash");
        if (worker->fate == DIE_IN_FLASH)
            die();
    }
    DUR_STEP(run, "switch") { do_work(worker, run, "switch"); }
    dur_set_output(run, dur_integer(version));
    return 0;
}

/* On Linux the library sees for itself that the last owner's process is gone. Elsewhere it would
 * wait for the lease to end; a host that knows better, as this one does, can say so. */
static int nobody_else(const char *owner_mark, void *user)
{
    (void)owner_mark;
    (void)user;
    return DUR_OWNER_DEAD;
}

static int be_worker(sqlite3 *db, int fate)
{
    updater worker = {db, fate};
    dur_options options = DUR_OPTIONS_INIT;
    dur_log *log;
    int code;

    options.owner_alive = nobody_else;
    code = dur_open(db, &options, &log);
    if (code == DUR_OK)
        code = dur_execute(log, "update", "update-42", NULL, update, &worker);
    if (code != DUR_OK)
        fprintf(stderr, "%s: %s\n", dur_code_name(code), dur_errmsg(log));
    dur_close(log);
    return code;
}

/* Start this very program as a worker. True if it lived to the end. cmd.exe eats one pair of
 * quotation marks. */
static bool start_worker(const char *program, const char *path, int fate)
{
#ifdef _WIN32
    const char *format = "\"\"%s\" \"%s\" worker %d\"";
#else
    const char *format = "\"%s\" \"%s\" worker %d";
#endif
    char *command = sqlite3_mprintf(format, program, path, fate);
    bool lived = command && system(command) == 0;

    sqlite3_free(command);
    return lived;
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

static int play(const char *program, const char *path, sqlite3 *db)
{
    bool lived[3];
    int downloads, flashes, written;

    sqlite3_exec(db, "CREATE TABLE work(what TEXT); CREATE TABLE chip(key TEXT PRIMARY KEY, what)",
                 NULL, NULL, NULL);
    printf("start 1\n");
    lived[0] = start_worker(program, path, DIE_BEFORE_FLASH);
    printf("start 2\n");
    lived[1] = start_worker(program, path, DIE_IN_FLASH);
    printf("start 3\n");
    lived[2] = start_worker(program, path, LIVE);

    downloads = number(db, "SELECT count(*) FROM work WHERE what = 'download'");
    flashes = number(db, "SELECT count(*) FROM work WHERE what = 'flash'");
    written = number(db, "SELECT count(*) FROM chip WHERE what = 'flash'");
    printf("downloaded %d time, flash executed %d times, chip written %d time\n", downloads,
           flashes, written);
    if (lived[0] || lived[1] || !lived[2] || downloads != 1 || flashes != 2 || written != 1 ||
        number(db, "SELECT count(*) FROM durable_steps_view") != 3) {
        fprintf(stderr, "that is not how a durable run resumes\n");
        return 1;
    }
    return 0;
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

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "crash.db";
    bool is_worker = count > 3 && strcmp(arguments[2], "worker") == 0;
    sqlite3 *db;
    int result;

    setvbuf(stdout, NULL, _IONBF, 0); /* what is printed before a crash shall be seen */
    if (!is_worker)
        remove_database(path);
    if (sqlite3_open(path, &db) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
        sqlite3_close(db);
        return 1;
    }
    sqlite3_busy_timeout(db, 5000);
    if (is_worker)
        result = be_worker(db, atoi(arguments[3])) == DUR_OK ? 0 : 1;
    else
        result = play(arguments[0], path, db);
    sqlite3_close(db);
    return result;
}
