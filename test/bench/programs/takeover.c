/*
 * test/bench: the program that takes over: opens the log of a dead process, finds and claims the
 * run that it held, replays its steps, says so with the run in its hands, and waits to be killed
 * like the one before it. The very first one has no predecessor, and records the steps.
 */
#include <durable.h>

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#define STEPS 100

static int work_through(dur_run *run, void *user)
{
    int64_t sum = 0;

    (void)user;
    for (int64_t i = 0; i < STEPS && dur_ok(run); i++) {
        int64_t value = 0;

        DUR_STEP(run, "work", value) { value = i; }
        sum += value;
    }
    if (!dur_ok(run) || sum != STEPS * (STEPS - 1) / 2)
        return 1;
    if (write(STDOUT_FILENO, "r", 1) != 1)
        return 1;
    for (;;)
        pause();
}

int main(int argument_count, char **arguments)
{
    sqlite3 *db = NULL;
    dur_log *log = NULL;
    int code = DUR_MISUSE;

    if (argument_count == 2 &&
        sqlite3_open_v2(arguments[1], &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
        code = dur_open(db, NULL, &log);
    if (code == DUR_OK)
        code = dur_register(log, "takeover", work_through, NULL);
    if (code == DUR_OK)
        code = dur_work(log, NULL, NULL);
    fprintf(stderr, "takeover: %s: %s\n", dur_code_name(code), dur_errmsg(log));
    return 1; /* the workflow never returns */
}
