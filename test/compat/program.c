/* test/compat: a small program as a stranger would write it; each way to get libdurable builds and
 * runs it. It prints "durable VERSION" when all went well. */
#include <durable.h>
#include <sqlite3.h>

#include <stdio.h>
#include <string.h>

static int executed;

static int count_sheep(dur_run *run, void *user)
{
    int sheep = 0;
    const char *last = "";

    (void)user;
    for (int i = 0; dur_ok(run) && i < 3; i++) {
        DUR_STEP(run, "count", sheep)
        {
            executed++;
            sheep = i + 1;
        }
    }
    DUR_STEP(run, "name", last)
    {
        executed++;
        last = "Dolly";
    }
    dur_set_output(run, sheep == 3 ? dur_text(last) : dur_null());
    return 0;
}

static int run_twice(dur_log *log)
{
    dur_value output;

    for (int i = 0; i < 2; i++) {
        if (dur_execute(log, "count-sheep", "night-1", NULL, count_sheep, NULL) != DUR_OK)
            return 1;
        output = dur_output(log);
        if (output.type != DUR_TEXT || output.length != 5 || memcmp(output.as.bytes, "Dolly", 5))
            return 1;
    }
    return executed != 4;
}

int main(void)
{
    sqlite3 *db = NULL;
    dur_log *log = NULL;
    int bad;

    if (sqlite3_open(":memory:", &db) != SQLITE_OK)
        return 1;
    bad = dur_open(db, NULL, &log) != DUR_OK || run_twice(log);
    if (bad)
        fprintf(stderr, "%s (%d steps executed)\n", dur_errmsg(log), executed);
    dur_close(log);
    if (sqlite3_close(db) != SQLITE_OK)
        bad = 1;
    if (strcmp(dur_version(), DUR_VERSION) != 0)
        bad = 1;
    if (!bad)
        printf("durable %s\n", dur_version());
    return bad;
}
