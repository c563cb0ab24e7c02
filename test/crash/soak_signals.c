/*
 * test/crash: the soak: every signal and every answer is accounted for. The senders' books are
 * compared with what the log has received and what it still holds.
 */
#if defined(__unix__) || defined(__APPLE__)

#include "soak.h"

#include <stdio.h>

/* sent: what the senders know. arrived: what the log knows; position is null while it waits. */
static const char tables[] =
    "CREATE TEMP TABLE sent(number INTEGER PRIMARY KEY, sender INTEGER, run TEXT, name TEXT,"
    " key TEXT, code INTEGER);"
    "CREATE TEMP TABLE arrived(number INTEGER, run TEXT, name TEXT, position INTEGER);"
    "INSERT INTO arrived SELECT iif(s.kind < 0, CAST(substr(s.value, 2) AS INTEGER), s.value),"
    " r.id, iif(abs(s.kind) = 5, char(9) || (s.step & 134217727), s.name), s.step & 134217727"
    " FROM durable_steps AS s JOIN durable_runs AS r ON r.run = s.step >> 27"
    " WHERE abs(s.kind) IN (3, 5) AND s.format IS NOT 4 AND s.name <> 'child';"
    "INSERT INTO arrived SELECT coalesce(CAST(substr(s.failure, 2) AS INTEGER), s.value), r.id,"
    " s.name, NULL FROM durable_signals AS s JOIN durable_runs AS r ON r.run = s.run"
    " WHERE s.received IS NULL;"
    "CREATE INDEX temp.arrived_by_number ON arrived(number);";

static bool insert_sent(sqlite3_stmt *insert, int sender, int64_t index)
{
    const soak_sent *sent = &soak->senders[sender].sent[index];
    soak_plan plan = soak_plan_of(soak->seed, sent->run);
    bool answers = sent->signal < 0;
    char id[SOAK_ID_SIZE], key[24];

    soak_id(id, sent->run);
    snprintf(key, sizeof key, "k%d", sent->signal);
    sqlite3_reset(insert);
    sqlite3_bind_int64(insert, 1, sender * SOAK_SENT_STEP + index);
    sqlite3_bind_int(insert, 2, sender);
    sqlite3_bind_text(insert, 3, id, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(insert, 4, answers ? "\t1" : soak_signal_name(&plan, sent->signal), -1,
                      SQLITE_STATIC);
    if (plan.keyed && !answers)
        sqlite3_bind_text(insert, 5, key, -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(insert, 5);
    if (sent->code == SOAK_NO_CODE)
        sqlite3_bind_null(insert, 6);
    else
        sqlite3_bind_int(insert, 6, sent->code);
    return sqlite3_step(insert) == SQLITE_DONE;
}

static bool load_books(sqlite3 *db)
{
    sqlite3_stmt *insert = NULL;
    bool loaded = sqlite3_prepare_v2(db, "INSERT INTO sent VALUES(?1, ?2, ?3, ?4, ?5, ?6)", -1,
                                     &insert, NULL) == SQLITE_OK;

    for (int sender = 0; sender < SOAK_SENDERS; sender++)
        for (int64_t i = 0; loaded && i < soak->senders[sender].sent_count; i++)
            loaded = insert_sent(insert, sender, i);
    sqlite3_finalize(insert);
    return loaded;
}

/* A signal whose sender was killed before it heard is there or not: either is right. */
static int check_each(sqlite3 *db)
{
    return soak_none(db, "a signal arrived that nobody sent so",
                     "SELECT count(*) FROM arrived AS a WHERE NOT EXISTS(SELECT 1 FROM sent"
                     " WHERE number = a.number AND run = a.run AND name = a.name)") +
           soak_none(db, "a signal arrived twice",
                     "SELECT count(*) - count(DISTINCT number) FROM arrived") +
           soak_none(db, "a signal was acknowledged and is neither received nor there",
                     "SELECT count(*) FROM sent WHERE code = 0"
                     " AND number NOT IN (SELECT number FROM arrived)") +
           soak_none(db, "a signal was refused and arrived all the same",
                     "SELECT count(*) FROM sent JOIN arrived USING (number) WHERE code <> 0") +
           soak_none(db, "one sender's signals were received in another order",
                     "SELECT count(*) FROM (SELECT number < lag(number) OVER (PARTITION BY"
                     " arrived.run, arrived.name, sender ORDER BY position) AS wrong"
                     " FROM arrived JOIN sent USING (number) WHERE position NOT NULL) WHERE wrong");
}

static int check_keys(sqlite3 *db)
{
    return soak_none(db, "two of one key arrived",
                     "SELECT count(*) FROM (SELECT 1 FROM sent JOIN arrived USING (number)"
                     " WHERE key NOT NULL GROUP BY sent.run, sent.name, key HAVING count(*) > 1)") +
           soak_none(db, "a key was taken by no signal",
                     "SELECT count(*) FROM (SELECT max(code = 2) AS taken,"
                     " max(number IN (SELECT number FROM arrived)) AS there FROM sent"
                     " WHERE key NOT NULL GROUP BY run, name, key) WHERE taken AND NOT there") +
           soak_none(db, "a key is marked as received at a place that received something else",
                     "SELECT count(*) FROM durable_signals AS s JOIN durable_runs AS r"
                     " ON r.run = s.run WHERE s.received NOT NULL AND s.name <> 'child'"
                     " AND NOT EXISTS(SELECT 1 FROM arrived JOIN sent USING (number)"
                     " WHERE arrived.run = r.id AND position = s.received AND key = s.key)");
}

/* Of all answers to one callback that were acknowledged, and of those recorded: one, the same. */
static int check_answers(sqlite3 *db)
{
    return soak_none(db, "several answers to one callback were acknowledged",
                     "SELECT count(*) FROM (SELECT 1 FROM sent WHERE name = char(9) || '1'"
                     " AND code = 0 GROUP BY run HAVING count(*) > 1)") +
           soak_none(db, "an answer was acknowledged and not recorded",
                     "SELECT count(*) FROM sent WHERE name = char(9) || '1' AND code = 0"
                     " AND number NOT IN (SELECT number FROM arrived WHERE position NOT NULL)") +
           soak_none(db, "an answer, or a child's word, is left over",
                     "SELECT count(*) FROM durable_signals WHERE received IS NULL"
                     " AND (name LIKE char(9) || '%' OR name = 'child')");
}

static void tell(sqlite3 *db)
{
    printf("soak: %lld signals and answers sent, %lld received, %lld left over, %lld refused, "
           "%lld of which nobody knows\n",
           (long long)soak_ask(db, "SELECT count(*) FROM sent"),
           (long long)soak_ask(db, "SELECT count(*) FROM arrived WHERE position NOT NULL"),
           (long long)soak_ask(db, "SELECT count(*) FROM arrived WHERE position IS NULL"),
           (long long)soak_ask(db, "SELECT count(*) FROM sent WHERE code <> 0"),
           (long long)soak_ask(db, "SELECT count(*) FROM sent WHERE code IS NULL"));
}

int soak_check_signals(sqlite3 *db)
{
    if (!soak_sql(db, tables) || !load_books(db)) {
        fprintf(stderr, "BROKEN the signals cannot be read: %s\n", sqlite3_errmsg(db));
        return 1;
    }
    tell(db);
    return check_each(db) + check_keys(db) + check_answers(db);
}

#else
typedef int soak_signals_need_posix;
#endif
