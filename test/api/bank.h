/* test/api: a bank in the host's database, for workflows of transactional steps. */
#ifndef TEST_API_BANK_H
#define TEST_API_BANK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/host.h"

#define BANK_CENTS 1000 /* of ann and of bob, at first */

/* What a test's workflow works with. */
typedef struct bank {
    test_host *host;
    dur_log *log;
    dur_retry policy;
    int bodies; /* that were begun */
    int code;   /* that the body saw */
    int commits; /* of the host's connection, while bank_count_commits() is in force */
} bank;

static inline void bank_open(bank *it, test_host *host)
{
    const dur_retry policy = DUR_RETRY_INIT;

    memset(it, 0, sizeof *it);
    it->host = host;
    it->policy = policy;
    it->policy.jitter = DUR_JITTER_NONE;
    host_run(host->db,
             "CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, cents INTEGER,"
             " CHECK (cents >= 0));"
             "INSERT OR IGNORE INTO accounts VALUES ('ann', %d), ('bob', %d)",
             BANK_CENTS, BANK_CENTS);
    it->log = host_log(host);
}

static inline int bank_note_commit(void *context)
{
    ((bank *)context)->commits++;
    return 0;
}

static inline void bank_count_commits(bank *it)
{
    it->commits = 0;
    sqlite3_commit_hook(it->host->db, bank_note_commit, it);
}

static inline int64_t bank_cents(sqlite3 *db, const char *name)
{
    return host_number(db, "SELECT cents FROM accounts WHERE name = %Q", name);
}

/* From ann to bob. False: ann has not so much. */
static inline bool bank_move(bank *it, int64_t cents)
{
    char sql[160];

    it->bodies++;
    sqlite3_snprintf(sizeof sql, sql,
                     "UPDATE accounts SET cents = cents + %lld WHERE name = 'bob';"
                     "UPDATE accounts SET cents = cents - %lld WHERE name = 'ann'",
                     (long long)cents, (long long)cents);
    return sqlite3_exec(it->host->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static inline int bank_execute(bank *it, dur_workflow *workflow)
{
    return dur_execute(it->log, "bank", "the-run", NULL, workflow, it);
}

static inline int64_t bank_rows(const bank *it)
{
    return host_number(it->host->db, "SELECT count(*) FROM durable_steps");
}

/* So much has been moved, in so many bodies; so many steps are recorded; and nothing is open. */
#define assert_bank(it, moved, begun, recorded)                                                    \
    do {                                                                                           \
        assert_int_equal(1, sqlite3_get_autocommit((it)->host->db));                               \
        assert_int_equal(BANK_CENTS - (moved), bank_cents((it)->host->db, "ann"));                 \
        assert_int_equal(BANK_CENTS + (moved), bank_cents((it)->host->db, "bob"));                 \
        assert_int_equal((begun), (it)->bodies);                                                   \
        assert_int_equal((recorded), bank_rows(it));                                               \
    } while (0)

#endif
