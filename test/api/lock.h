/* test/api: a second connection that holds the write lock. */
#ifndef TEST_API_LOCK_H
#define TEST_API_LOCK_H

#include "api/script.h"

static inline test_host *with_other(void **state)
{
    test_host *host = *state;

    host_run(host->db, "CREATE TABLE mine (x)");
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    return host;
}

static inline void lock(test_script *script)
{
    host_run(script->host->other, "BEGIN IMMEDIATE; INSERT INTO mine VALUES (1)");
}

static inline void unlock(test_host *host)
{
    host_run(host->other, "ROLLBACK");
}

#endif
