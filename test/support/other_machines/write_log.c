/*
 * test/support: writes the log that test/api/other_machines_test.c replays.
 *
 *     cc -Iinclude -Itest write_log.c … && write_log FILE
 *
 * big_endian_64.db was written by it on s390x, little_endian_32.db on i386. Once a version is
 * released they stay as they are: they stand for the logs that are out there. A later schema gets
 * files of its own.
 */
#include <stdio.h>

#include <sqlite3.h>

#include "support/other_machines/calls.h"
#include "support/other_machines/changes.h"
#include "support/other_machines/doubts.h"
#include "support/other_machines/waits.h"
#include "support/other_machines/workflow.h"

/* 2026-01-01 00:00:00 UTC, where the tests' clock begins. */
static int64_t now = INT64_C(1767225600000);

static int64_t tell_now(void *user)
{
    (void)user;
    return now;
}

static int told(dur_log *log, const char *what, int code)
{
    printf("%s: %s, %s\n", what, dur_code_name(code), dur_errmsg(log));
    return code;
}

static int write_log(dur_log *log, sqlite3 *db)
{
    machine_seen seen;
    waits_seen waits;
    int code;

    memset(&seen, 0, sizeof seen);
    code = dur_execute(log, "machines", "the-run", NULL, see_everything, &seen);
    if (told(log, "values", code) != DUR_STOPPED || seen.bodies != 11) return 1;
    if (told(log, "calls", call_on_this_machine(log)) != DUR_OK) return 1;
    if (told(log, "doubts", doubt_on_this_machine(log, db)) != DUR_OK) return 1;
    if (told(log, "ends", cancel_on_this_machine(log)) != DUR_OK) return 1;
    if (told(log, "changes", change_on_this_machine(log)) != DUR_OK) return 1;
    return told(log, "waits", wait_on_this_machine(log, &now, &waits)) == DUR_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    dur_options options = DUR_OPTIONS_INIT;
    sqlite3 *db;
    dur_log *log;
    int code;

    if (argc != 2 || sqlite3_open(argv[1], &db) != SQLITE_OK) return 1;
    sqlite3_exec(db, "PRAGMA page_size = 512", NULL, NULL, NULL); /* a small file */
    options.now_ms = tell_now;
    if (dur_open(db, &options, &log) != DUR_OK) return 1;
    code = write_log(log, db);
    dur_close(log);
    return sqlite3_close(db) == SQLITE_OK ? code : 1;
}
