/*
 * examples: hello, one workflow from its start to its recorded output.
 *
 * Introduces the usage of: dur_open, dur_execute, DUR_STEP, dur_input, dur_set_output, dur_output,
 * dur_as_text, dur_errmsg, dur_close.
 *
 *     01_hello [DATABASE]        default: hello.db in the current directory
 *
 * The program opens a SQLite database, as it would anyway, and hands the connection to the
 * library. It then executes the run "greeting-1" twice. The first time the workflow function is
 * called; the second time the answer comes from the log and the function is not called at all.
 * Start the program again tomorrow with the same database: now neither call runs anything, and the
 * greeting is still the one of today.
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Outside its steps a workflow is deterministic. The clock is not, so asking it is a step. */
static int greet(dur_run *run, void *user)
{
    const char *name = dur_as_text(dur_input(run));
    int *calls = user;
    int hour;
    char greeting[80];

    *calls += 1;
    DUR_STEP(run, "look-at-the-clock", hour) {
        printf("  executing look-at-the-clock\n");
        hour = (int)(time(NULL) / 3600 % 24);
    }
    DUR_STEP(run, "write-greeting", greeting) {
        printf("  executing write-greeting\n");
        snprintf(greeting, sizeof greeting, "Hello %s, it was %d o'clock UTC.", name, hour);
    }
    dur_set_output(run, dur_text(greeting));
    return 0;
}

/* Open the log, execute the run, print what came of it. Gives the code of dur_execute(). */
static int start(sqlite3 *db, int *calls, char *answer, size_t size)
{
    dur_start_options options = DUR_START_OPTIONS_INIT;
    dur_log *log;
    int code;

    options.input = dur_text("world");
    code = dur_open(db, NULL, &log);
    if (code == DUR_OK)
        code = dur_execute(log, "greet", "greeting-1", &options, greet, calls);
    if (code == DUR_OK)
        snprintf(answer, size, "%s", dur_as_text(dur_output(log)));
    else
        fprintf(stderr, "%s: %s\n", dur_code_name(code), dur_errmsg(log));
    dur_close(log);
    return code;
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "hello.db";
    char first[128], second[128];
    int first_calls = 0, second_calls = 0;
    bool good;
    sqlite3 *db;

    if (sqlite3_open(path, &db) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
        sqlite3_close(db);
        return 1;
    }
    printf("first execute:\n");
    good = start(db, &first_calls, first, sizeof first) == DUR_OK;
    printf("  calls of the workflow function: %d\n", first_calls);
    printf("second execute:\n");
    good = good && start(db, &second_calls, second, sizeof second) == DUR_OK;
    printf("  calls of the workflow function: %d\n", second_calls);
    sqlite3_close(db);

    if (!good || first_calls > 1 || second_calls != 0 || strcmp(first, second) != 0) {
        fprintf(stderr, "that is not what a durable run does\n");
        return 1;
    }
    printf("%s\n", second);
    return 0;
}
