/* test/crash: the soak: the laws about all runs together, each a query that must find nothing. */
#if defined(__unix__) || defined(__APPLE__)

#include "soak.h"

#include <stdio.h>

int soak_none(sqlite3 *db, const char *law, const char *sql)
{
    int64_t count = soak_ask(db, sql);

    if (count == 0) return 0;
    fprintf(stderr, "BROKEN %s: %lld: %s: %s\n", law, (long long)count, sqlite3_errmsg(db), sql);
    return 1;
}

static int check_owners(sqlite3 *db)
{
    return soak_none(db, "a fenced owner has recorded", "SELECT count(*) FROM soak_zombies") +
           soak_none(db, "a step of a claim that never was",
                     "SELECT count(*) FROM durable_steps WHERE NOT EXISTS(SELECT 1 FROM"
                     " soak_claims WHERE run = step >> 27"
                     " AND soak_claims.epoch = durable_steps.epoch)") +
           soak_none(db, "epochs go down along a run", /* a callback stays open beside others */
                     "SELECT count(*) FROM (SELECT epoch < lag(epoch) OVER"
                     " (PARTITION BY step >> 27 ORDER BY step) AS down FROM durable_steps"
                     " WHERE abs(kind) <> 5) WHERE down") +
           soak_none(db, "an epoch was claimed twice, or left out",
                     "SELECT count(*) FROM (SELECT count(*) <> max(epoch) OR"
                     " count(DISTINCT epoch) <> max(epoch) AS wrong FROM soak_claims GROUP BY run)"
                     " WHERE wrong");
}

/* Pacing: no claim comes before the time that the one before it has left, and each moves it on. The
 * clock of SQL may round down. */
static int check_queues(sqlite3 *db)
{
    return soak_none(db, "\"single\" had several active",
                     "SELECT count(*) FROM soak_claims WHERE queue = 'single' AND active > 1") +
           soak_none(db, "\"narrow\" had more than two active",
                     "SELECT count(*) FROM soak_claims WHERE queue = 'narrow' AND active > 2") +
           soak_none(db, "\"paced\" was claimed too early",
                     "SELECT count(*) FROM soak_claims WHERE queue = 'paced'"
                     " AND at < not_before_us / 1000 - 1") +
           soak_none(db, "\"paced\" was faster than 25 a second",
                     "SELECT count(*) FROM (SELECT not_before_us < 40000 + lag(not_before_us) OVER"
                     " (ORDER BY rowid) AS fast FROM soak_claims WHERE queue = 'paced')"
                     " WHERE fast");
}

static int check_effects(sqlite3 *db)
{
    return soak_none(db, "a step was recorded whose effect never happened",
                     "SELECT count(*) FROM durable_steps AS s JOIN durable_runs AS r"
                     " ON r.run = s.step >> 27 WHERE s.name IN ('step', 'try', 'poll')"
                     " AND s.attempt > (SELECT count(*) FROM soak_effects AS e WHERE e.run = r.id"
                     " AND e.position = s.step & 134217727)") +
           soak_none(db, "an effect that joined its record did not happen exactly once",
                     "SELECT count(*) FROM durable_steps AS s JOIN durable_runs AS r"
                     " ON r.run = s.step >> 27 WHERE r.workflow = 'joined'"
                     " AND 1 <> (SELECT count(*) FROM soak_effects AS e WHERE e.run = r.id"
                     " AND e.position = s.step & 134217727)") +
           soak_none(db, "an effect of a step that was not recorded",
                     "SELECT count(*) FROM soak_effects AS e WHERE NOT EXISTS(SELECT 1"
                     " FROM durable_runs AS r JOIN durable_steps AS s"
                     " ON s.step = (r.run << 27) + e.position WHERE r.id = e.run)");
}

static int check_remains(sqlite3 *db)
{
    return soak_none(db, "something is pending", "SELECT count(*) FROM durable_pending") +
           soak_none(db, "somebody holds a claim", "SELECT count(*) FROM durable_claims") +
           soak_none(db, "a run that has ended is due",
                     "SELECT count(*) FROM durable_runs WHERE due NOT NULL OR awaits NOT NULL") +
           soak_none(db, "integrity_check",
                     "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
}

int soak_check(void)
{
    sqlite3 *db = soak_connect();
    int wrong;

    if (!db) return 1;
    soak_sql(db, "CREATE INDEX soak_by_position ON soak_effects(run, position);"
                 "CREATE INDEX soak_by_epoch ON soak_claims(run, epoch)");
    wrong = soak_check_runs(db) + soak_check_signals(db) + check_owners(db) + check_queues(db) +
            check_effects(db) + check_remains(db);
    sqlite3_close(db);
    return wrong;
}

#else
typedef int soak_oracle_needs_posix;
#endif
