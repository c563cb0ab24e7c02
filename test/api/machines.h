/* test/api: the logs that other machines have written, opened on this one. */
#ifndef TEST_API_MACHINES_H
#define TEST_API_MACHINES_H

#include "api/tally.h"

#include <stdio.h>

static inline void load(test_host *host, const char *name)
{
    char path[512];
    sqlite3 *file;
    sqlite3_backup *backup;

    snprintf(path, sizeof path, "%s/test/support/other_machines/%s", DUR_SOURCE_DIR, name);
    assert_int_equal(SQLITE_OK, sqlite3_open_v2(path, &file, SQLITE_OPEN_READONLY, NULL));
    backup = sqlite3_backup_init(host->db, "main", file, "main");
    assert_non_null(backup);
    assert_int_equal(SQLITE_DONE, sqlite3_backup_step(backup, -1));
    assert_int_equal(SQLITE_OK, sqlite3_backup_finish(backup));
    sqlite3_close(file);
}

static inline void assert_goes_on(test_host *host, const char *name,
                           void (*story)(test_host *host, dur_log *log))
{
    dur_log *log;

    load(host, name);
    log = host_log(host);
    story(host, log);
    dur_close(log);
}

#endif
