/*
 * examples: sleep a day, a run that waits while no program runs.
 *
 * Introduces the usage of: dur_sleep, dur_sleep_until, dur_run_info.wake_ms, DUR_RUN_SUSPENDED,
 * dur_work_options.passed.
 *
 *     08_sleep_a_day [DATABASE]              default: sleep.db in the current directory, made anew
 *     08_sleep_a_day DATABASE start HOUR     one start of the program, at that hour
 *
 * Somebody tries a program for a week. He gets a letter at once, one after a day, and one when the
 * week is over. Between them the run is a few rows in the log. Cron, say, starts this program now
 * and then; it does what is due, tells when it should be back, and ends.
 *
 * So that the week goes by at once, the hour is an argument: the clock of the log says so many
 * hours after the beginning of the trial. Without an hour the program starts itself five times.
 * Prints
 *
 *     hour 0
 *       letter: welcome
 *       the run sleeps for 24 hours more
 *     hour 3
 *       the run sleeps for 21 hours more
 *     hour 30
 *       letter: did you know?
 *       the run sleeps for 138 hours more
 *     hour 168
 *       letter: your week is over
 *       the run has ended, after 3 passes
 *     hour 1000
 *       the run has ended, after 3 passes
 *
 * At hour 30 the day was over for six hours, and nobody was there. That does no harm: a deadline is
 * a time in the log, not an alarm that can be missed.
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define FIRST_HOUR_MS INT64_C(1893488400000) /* 1 January 2030, 9 o'clock */

/* The clock that dur_options.now_ms asks; leave it out and the log asks the system. */
static int64_t now(void *user)
{
    const int64_t *hour = user;

    return FIRST_HOUR_MS + *hour * HOUR_MS;
}

static void send_letter(const char *text)
{
    printf("  letter: %s\n", text);
}

/*
 * dur_sleep() gives DUR_OK when the time is over, at once where it is over already. Anything else
 * means: leave, freeing what is yours. The function is called again, from the top, when it is time.
 */
static int trial(dur_run *run, void *user)
{
    int64_t end_ms = dur_input(run).as.integer;

    (void)user;
    DUR_STEP(run, "welcome") { send_letter("welcome"); }
    if (dur_sleep(run, "a-day", 24 * HOUR_MS) != DUR_OK)
        return 0;
    DUR_STEP(run, "hint") { send_letter("did you know?"); }
    if (dur_sleep_until(run, "the-end", end_ms) != DUR_OK)
        return 0;
    DUR_STEP(run, "good-bye") { send_letter("your week is over"); }
    return 0;
}

static void complain(const char *workflow, const char *run_id, int code, const char *message,
                     void *user)
{
    (void)workflow;
    (void)user;
    if (code != DUR_OK && code != DUR_SUSPENDED)
        fprintf(stderr, "%s: %s: %s\n", run_id, dur_code_name(code), message);
}

/* Do what is due. Started with the same id and input a second time, the run is just there. */
static int work_off(dur_log *log)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_work_options work = DUR_WORK_OPTIONS_INIT;
    int code;

    start.input = dur_integer(FIRST_HOUR_MS + 7 * 24 * HOUR_MS);
    work.passed = complain;
    code = dur_start(log, "trial", "trial-of-ada", &start);
    if (code != DUR_OK && code != DUR_REPLAYED)
        return code;
    code = dur_register(log, "trial", trial, NULL);
    if (code != DUR_OK)
        return code;
    return dur_work(log, &work, NULL);
}

/* What cron would want to know. */
static int tell_when(dur_log *log, int64_t hour)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    int code = dur_read_run(log, "trial-of-ada", &info);

    if (code == DUR_OK && info.status == DUR_RUN_SUSPENDED)
        printf("  the run sleeps for %d hours more\n",
               (int)((info.wake_ms - now(&hour)) / HOUR_MS));
    else if (code == DUR_OK && info.status == DUR_COMPLETED)
        printf("  the run has ended, after %d passes\n", (int)info.claims);
    return code;
}

static int start_program(sqlite3 *db, int64_t hour)
{
    dur_options options = DUR_OPTIONS_INIT;
    dur_log *log;
    int code;

    options.now_ms = now;
    options.user = &hour;
    code = dur_open(db, &options, &log);
    if (code == DUR_OK)
        code = work_off(log);
    if (code == DUR_OK)
        code = tell_when(log, hour);
    if (code != DUR_OK)
        fprintf(stderr, "%s: %s\n", dur_code_name(code), dur_errmsg(log));
    dur_close(log);
    return code;
}

/* Start this very program as cron would. cmd.exe eats one pair of quotation marks. */
static bool start_at(const char *program, const char *path, int hour)
{
#ifdef _WIN32
    const char *format = "\"\"%s\" \"%s\" start %d\"";
#else
    const char *format = "\"%s\" \"%s\" start %d";
#endif
    char *command = sqlite3_mprintf(format, program, path, hour);
    bool good;

    printf("hour %d\n", hour);
    good = command && system(command) == 0;
    sqlite3_free(command);
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

static int play(const char *program, const char *path, sqlite3 *db)
{
    static const int hours[] = {0, 3, 30, 168, 1000};
    bool good = true;
    size_t i;

    for (i = 0; i < sizeof hours / sizeof *hours; i++)
        good = start_at(program, path, hours[i]) && good;
    if (!good ||
        number(db, "SELECT count(*) FROM durable_runs_view WHERE status = 'completed'") != 1) {
        fprintf(stderr, "that is not how a run sleeps\n");
        return 1;
    }
    return 0;
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "sleep.db";
    bool one_start = count > 3 && strcmp(arguments[2], "start") == 0;
    sqlite3 *db;
    int result;

    setvbuf(stdout, NULL, _IONBF, 0); /* two processes print, in this order */
    if (!one_start)
        remove(path);
    if (sqlite3_open(path, &db) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
        sqlite3_close(db);
        return 1;
    }
    if (one_start)
        result = start_program(db, atoi(arguments[3])) == DUR_OK ? 0 : 1;
    else
        result = play(arguments[0], path, db);
    sqlite3_close(db);
    return result;
}
