/*
 * examples: approval, a run that waits for a person, and another program that gives the answer.
 *
 * Introduces the usage of: dur_receive, dur_signal, dur_signal_options, DUR_TIMED_OUT, dur_catch
 * for a rejection, dur_begin_callback, dur_callback_token, dur_await, dur_complete_callback,
 * DUR_ENDED, dur_start in a transaction of the host's.
 *
 *     09_approval [DATABASE]                         default: approval.db, made anew; plays all
 *     09_approval DATABASE HOUR work                 the service: does what is due, and ends
 *     09_approval DATABASE HOUR claim RUN EUROS      a form: files an expense claim
 *     09_approval DATABASE HOUR approve RUN CLICK    a button of the chief's
 *     09_approval DATABASE HOUR reject RUN REASON    the other button
 *     09_approval DATABASE HOUR answer TOKEN yes|no  the link in a letter to the board
 *
 * A claim waits two days for the chief's signal, which is sent to the run by its id. When none
 * comes it escalates: the board gets a letter with a token, which can be used once, by whoever has
 * it, and has a week. Each line that begins with an hour is a process of its own; they have nothing
 * in common but the database. The hour is what their clock shows, so that the days go by at once.
 * Played without arguments, it prints
 *
 *     hour 0: claim lunch 20
 *     hour 0: work
 *       lunch: please approve 20 euros
 *     hour 1: approve lunch click-1
 *     hour 1: approve lunch click-1
 *       that was a double click
 *     hour 1: work
 *       lunch: 20 euros are paid
 *     hour 2: approve lunch click-2
 *       lunch is settled already
 *     hour 2: claim yacht 90000
 *     hour 2: reject yacht too large for the pond
 *     hour 2: work
 *       yacht: please approve 90000 euros
 *       yacht: no: too large for the pond
 *     hour 3: claim lamp 35
 *     hour 3: work
 *       lamp: please approve 35 euros
 *     hour 52: work
 *       lamp: the chief is silent, the board is asked
 *     hour 60: answer TOKEN yes
 *     hour 61: answer TOKEN no
 *       somebody has answered already, or it is too late
 *     hour 62: work
 *       lamp: 35 euros are paid
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define FIRST_HOUR_MS INT64_C(1893488400000) /* 1 January 2030, 9 o'clock */

/* One start of this program. */
typedef struct office {
    const char *program;
    const char *path;
    sqlite3 *db;
    dur_log *log;
    int hour;
} office;

/* ---- SQL of our own ------------------------------------------------------------------------- */

static const char *const tables =
    "CREATE TABLE IF NOT EXISTS claims(run TEXT PRIMARY KEY, euros INT);"
    "CREATE TABLE IF NOT EXISTS payments(key TEXT PRIMARY KEY, run TEXT, euros INT);"
    "CREATE TABLE IF NOT EXISTS letters(run TEXT PRIMARY KEY, token TEXT);";

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

/* The first column of the first row as text, for sqlite3_free(); NULL if there is none. */
static char *look_up(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    char *text = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        text = sqlite3_mprintf("%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return text;
}

/* ---- The workflow --------------------------------------------------------------------------- */

/* A letter that is written twice after a crash has the same token in it. */
static void write_letter(dur_run *run, office *here, const char *token)
{
    if (!change(here->db, "INSERT OR REPLACE INTO letters(run, token) VALUES(%Q, %Q)",
                dur_run_id(run), token))
        dur_stop(run, "no letter now: %s", sqlite3_errmsg(here->db));
    printf("  %s: the chief is silent, the board is asked\n", dur_run_id(run));
}

/* The callback is opened before the letter that holds its token is written, and awaited after it.
 * True: the board says yes. */
static bool ask_the_board(dur_run *run, office *here)
{
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    dur_step *board;
    dur_value answer;

    options.timeout_ms = 7 * 24 * HOUR_MS;
    if (dur_begin_callback(run, "board", &options, &board) != DUR_OK)
        return false;
    DUR_STEP(run, "write-to-the-board") {
        write_letter(run, here, dur_callback_token(board));
    }
    if (dur_await(board, &answer) != DUR_OK) /* a week without an answer is a no, too */
        return false;
    return dur_as_text(answer) && strcmp(dur_as_text(answer), "yes") == 0;
}

static void pay(dur_run *run, office *here, int euros)
{
    if (!change(here->db, "INSERT OR IGNORE INTO payments(key, run, euros) VALUES(%Q, %Q, %d)",
                dur_step_idempotency_key(dur_current_step(run)), dur_run_id(run), euros))
        dur_stop(run, "cannot pay now: %s", sqlite3_errmsg(here->db));
    printf("  %s: %d euros are paid\n", dur_run_id(run), euros);
}

static int settle(dur_run *run, void *user)
{
    office *here = user;
    int euros = (int)dur_input(run).as.integer;
    bool approved = false;

    DUR_STEP(run, "ask-the-chief") {
        printf("  %s: please approve %d euros\n", dur_run_id(run), euros);
    }
    switch (dur_receive(run, "approval", 48 * HOUR_MS, NULL)) {
    case DUR_OK: approved = true; break;
    case DUR_FAILED: /* a rejection, with its reason */
        printf("  %s: no: %s\n", dur_run_id(run), dur_catch(run));
        break;
    case DUR_TIMED_OUT: approved = ask_the_board(run, here); break;
    default: break; /* DUR_SUSPENDED, or an error: the run is stopped */
    }
    if (!dur_ok(run))
        return 0; /* what `approved` says now is no decision */
    if (approved)
        DUR_STEP(run, "pay") { pay(run, here, euros); }
    dur_set_output(run, dur_text(approved ? "paid" : "refused"));
    return 0;
}

/* ---- The programs --------------------------------------------------------------------------- */

static int64_t now(void *user)
{
    const office *here = user;

    return FIRST_HOUR_MS + here->hour * HOUR_MS;
}

/* dur_work() itself succeeds, whatever the runs come to: this is where their trouble is told. */
static void complain(const char *workflow, const char *run_id, int code, const char *message,
                     void *user)
{
    (void)workflow;
    (void)user;
    if (code != DUR_OK && code != DUR_SUSPENDED)
        fprintf(stderr, "%s: %s: %s\n", run_id, dur_code_name(code), message);
}

static int work(office *here)
{
    dur_work_options options = DUR_WORK_OPTIONS_INIT;
    int code = dur_register(here->log, "settle", settle, here);

    options.passed = complain;
    return code == DUR_OK ? dur_work(here->log, &options, NULL) : code;
}

/* The row of the claim and the run that settles it: both or neither. */
static int claim(office *here, const char *run_id, const char *euros)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    int code = DUR_DATABASE;

    start.input = dur_integer(atoi(euros));
    if (change(here->db, "BEGIN IMMEDIATE; INSERT INTO claims(run, euros) VALUES(%Q, %d)", run_id,
               atoi(euros)))
        code = dur_start(here->log, "settle", run_id, &start);
    if (code == DUR_OK && change(here->db, "COMMIT"))
        return DUR_OK;
    change(here->db, "ROLLBACK");
    return code == DUR_OK ? DUR_DATABASE : code;
}

/* The click's number is the key: however often the browser sends it, it counts once. */
static int approve(office *here, const char *run_id, const char *click)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;
    int code;

    options.key = click;
    code = dur_signal(here->log, run_id, "approval", dur_null(), &options);
    if (code == DUR_REPLAYED)
        printf("  that was a double click\n");
    if (code == DUR_ENDED)
        printf("  %s is settled already\n", run_id);
    return code == DUR_REPLAYED || code == DUR_ENDED ? DUR_OK : code;
}

static int reject(office *here, const char *run_id, const char *reason)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;

    options.failure = reason;
    return dur_signal(here->log, run_id, "approval", dur_null(), &options);
}

static int answer(office *here, const char *token, const char *word)
{
    int code = dur_complete_callback(here->log, token, dur_text(word));

    if (code == DUR_ENDED)
        printf("  somebody has answered already, or it is too late\n");
    return code == DUR_ENDED ? DUR_OK : code;
}

static int do_part(office *here, const char *what, const char *first, const char *second)
{
    if (strcmp(what, "claim") == 0)
        return claim(here, first, second);
    if (strcmp(what, "approve") == 0)
        return approve(here, first, second);
    if (strcmp(what, "reject") == 0)
        return reject(here, first, second);
    if (strcmp(what, "answer") == 0)
        return answer(here, first, second);
    return work(here);
}

static int start_program(office *here, int count, char **arguments)
{
    const char *what = count > 3 ? arguments[3] : "work";
    dur_options options = DUR_OPTIONS_INIT;
    int code;

    here->hour = atoi(arguments[2]);
    options.now_ms = now;
    options.user = here;
    code = dur_open(here->db, &options, &here->log);
    if (code == DUR_OK)
        code = do_part(here, what, count > 4 ? arguments[4] : "", count > 5 ? arguments[5] : "");
    if (code != DUR_OK)
        fprintf(stderr, "%s: %s\n", dur_code_name(code), dur_errmsg(here->log));
    dur_close(here->log);
    return code == DUR_OK ? 0 : 1;
}

/* ---- The play: everybody's part, one process after the other --------------------------------- */

/* Start this very program. cmd.exe eats one pair of quotation marks. */
static bool start(office *here, int hour, const char *what, const char *first, const char *second)
{
#ifdef _WIN32
    const char *format = "\"\"%s\" \"%s\" %d %s \"%s\" \"%s\"\"";
#else
    const char *format = "\"%s\" \"%s\" %d %s \"%s\" \"%s\"";
#endif
    char *command = sqlite3_mprintf(format, here->program, here->path, hour, what, first, second);
    bool is_answer = strcmp(what, "answer") == 0, good;

    printf("hour %d: %s%s%s%s%s\n", hour, what, *first ? " " : "", is_answer ? "TOKEN" : first,
           *second ? " " : "", second);
    good = command && system(command) == 0;
    sqlite3_free(command);
    return good;
}

static bool play(office *here)
{
    char *token, *paid;
    bool good = start(here, 0, "claim", "lunch", "20") && start(here, 0, "work", "", "") &&
                start(here, 1, "approve", "lunch", "click-1") &&
                start(here, 1, "approve", "lunch", "click-1") &&
                start(here, 1, "work", "", "") &&
                start(here, 2, "approve", "lunch", "click-2") &&
                /* this answer is there before the run asks for it */
                start(here, 2, "claim", "yacht", "90000") &&
                start(here, 2, "reject", "yacht", "too large for the pond") &&
                start(here, 2, "work", "", "") &&
                start(here, 3, "claim", "lamp", "35") && start(here, 3, "work", "", "") &&
                start(here, 52, "work", "", "");

    token = look_up(here->db, "SELECT token FROM letters WHERE run = 'lamp'");
    good = good && token && start(here, 60, "answer", token, "yes") &&
           start(here, 61, "answer", token, "no") && start(here, 62, "work", "", "");
    paid = look_up(here->db, "SELECT group_concat(line) FROM (SELECT run || ' ' || euros AS line"
                             " FROM payments ORDER BY run)");
    good = good && paid && strcmp(paid, "lamp 35,lunch 20") == 0;
    sqlite3_free(token);
    sqlite3_free(paid);
    return good;
}

int main(int count, char **arguments)
{
    office here = {arguments[0], count > 1 ? arguments[1] : "approval.db", NULL, NULL, 0};
    int result = 1;

    setvbuf(stdout, NULL, _IONBF, 0); /* several processes print, in this order */
    if (count <= 2)
        remove(here.path);
    if (sqlite3_open(here.path, &here.db) != SQLITE_OK || !change(here.db, "%s", tables)) {
        fprintf(stderr, "%s: %s\n", here.path, sqlite3_errmsg(here.db));
    } else if (count > 2) {
        result = start_program(&here, count, arguments);
    } else {
        result = play(&here) ? 0 : 1;
        if (result != 0)
            fprintf(stderr, "that is not how an approval is waited for\n");
    }
    sqlite3_close(here.db);
    return result;
}
