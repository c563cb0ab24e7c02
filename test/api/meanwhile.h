/* test/api: what a host may do with its transactions while a script runs. */
#ifndef TEST_API_MEANWHILE_H
#define TEST_API_MEANWHILE_H

#include "api/script.h"

static inline void begin(test_script *script)
{
    host_run(script->host->db, "BEGIN");
}

static inline void savepoint(test_script *script)
{
    host_run(script->host->db, "SAVEPOINT here");
}

static inline void rollback_to(test_script *script)
{
    host_run(script->host->db, "ROLLBACK TO here");
}

static inline void release(test_script *script)
{
    host_run(script->host->db, "RELEASE here");
}

static inline void rollback(test_script *script)
{
    host_run(script->host->db, "ROLLBACK");
}

static inline void rollback_and_begin(test_script *script)
{
    host_run(script->host->db, "ROLLBACK; BEGIN");
}

static inline void commit(test_script *script)
{
    host_run(script->host->db, "COMMIT");
}

static inline void commit_and_begin(test_script *script)
{
    host_run(script->host->db, "COMMIT; BEGIN IMMEDIATE");
}

#endif
