/*
 * test/support: writes the log that test/api/other_machines_test.c replays.
 *
 *     cc -Iinclude -Itest write_log.c … && write_log FILE
 *
 * big_endian_64.db was written by it on s390x, little_endian_32.db on i386. They stay as they are:
 * they stand for the logs that are out there. A later schema gets files of its own.
 */
#include <stdio.h>

#include <sqlite3.h>

#include "support/other_machines/workflow.h"

int main(int argc, char **argv)
{
    machine_seen seen;
    sqlite3 *db;
    dur_log *log;
    int code;

    memset(&seen, 0, sizeof seen);
    if (argc != 2 || sqlite3_open(argv[1], &db) != SQLITE_OK) return 1;
    sqlite3_exec(db, "PRAGMA page_size = 512", NULL, NULL, NULL); /* a small file */
    if (dur_open(db, NULL, &log) != DUR_OK) return 1;
    code = dur_execute(log, "machines", "the-run", NULL, see_everything, &seen);
    printf("%s: %s, %d bodies\n", dur_code_name(code), dur_errmsg(log), seen.bodies);
    dur_close(log);
    return sqlite3_close(db) == SQLITE_OK && code == DUR_STOPPED && seen.bodies == 11 ? 0 : 1;
}
