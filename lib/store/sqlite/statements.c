/* store/sqlite: every statement that runs more than once. @ stands for the schema. */
#include "store/sqlite/statements.h"

/* The next key lies above those of all rows, so that a run deleted by hand, whose rows were
 * forgotten, does not leave them to a stranger. The signals are those that have not been received,
 * and those that have a key: there are no others. */
#define NEXT_RUN_KEY                                                                               \
    "(SELECT max(coalesce((SELECT max(run) FROM @durable_runs), 0),"                               \
    " coalesce((SELECT max(run) FROM @durable_claims), 0),"                                        \
    " coalesce((SELECT max(step) FROM @durable_steps) >> 27, 0),"                                  \
    " coalesce((SELECT max(step) FROM @durable_pending) >> 27, 0),"                                \
    " coalesce((SELECT max(run) FROM @durable_signals INDEXED BY durable_signals_sent"             \
    " WHERE received IS NULL), 0),"                                                                \
    " coalesce((SELECT max(run) FROM @durable_signals INDEXED BY durable_signals_by_key"           \
    " WHERE key NOT NULL), 0)) + 1 AS next)"

#define REPLAYED "step, kind, name, format, value"

/* Without an upper bound and a LIMIT, which would cost something for each row: whoever reads stops
 * by himself. */
#define FROM_STEP " FROM @durable_steps WHERE step >= ?1 ORDER BY step"

/* Most steps have no fingerprint, and do not pay for a column more. */
#define APPENDED "step, kind, name, format, value, low, epoch, attempt, began, took, site"
#define APPENDED_VALUES "?4, ?5, ?6, ?7, ?8, ?9, ?2, ?10, ?11, ?12, ?13"

#define OF_FENCE " WHERE run = ?1 AND epoch = ?2 AND token = ?3"
#define LAST_CLAIMS " claims = (SELECT claims FROM @durable_claims WHERE run = ?1)"
#define BEHIND_FENCE " WHERE run = ?1 AND EXISTS(SELECT 1 FROM @durable_claims" OF_FENCE ")"

#define NEVER "9223372036854775807"

/* Asked to end at ?2, a run that waits, is parked, or is to begin later, is due then. */
#define ASK_TO_END                                                                                 \
    "UPDATE @durable_runs SET request = 1, status = iif(status = 4, 1, status),"                   \
    " failure = iif(status = 4, NULL, failure),"                                                   \
    " due = iif((status IN (4, 5) OR due NOT NULL) AND (due IS NULL OR due > ?2), ?2, due)"

/* The parameters of a signal behind its address. */
#define SIGNAL_COLUMNS "(run, name, key, format, value, failure, sent)"
#define SIGNAL_VALUES "?3, ?4, ?5, ?6, ?7"

/* A callback that is still waited for: parameter 2 is its address, 7 the time now, 9 the key of its
 * pending row. */
#define OF_CALLER " WHERE r.run = ?1 AND r.uid = ?8 AND r.status IN (1, 4, 5)"
#define IS_OPEN                                                                                    \
    " AND EXISTS(SELECT 1 FROM @durable_pending WHERE step = ?9 AND kind = 5"                      \
    " AND (due IS NULL OR due >= ?7))"                                                             \
    " AND NOT EXISTS(SELECT 1 FROM @durable_signals WHERE run = ?1 AND name = ?2"                  \
    " AND received IS NULL)"

/* A sum without the overflow that would make a real number of it. */
#define LATER_BY(now, interval) "min(" now ", 9223372036854775807 - " interval ") + " interval

/*
 * One seek a group: what comes right behind the largest key that a row of the last group can have.
 * Without that third column SQLite would walk through all of the group, which the plan does not
 * tell. INDEXED BY, so that no statistics of the host's change the way. A claim leaves the run's
 * row as it is, due time and all, which would be two more pages to write: those that are held now,
 * and they are few, are passed over. So are rows that somebody has edited: runs that were ended or
 * parked by hand and have kept their due time, and those that hold what we never write. One such
 * row must neither hide its group nor end the look of all. The + keeps the planner from a walk
 * through the priorities instead of the seek.
 */
#define IS_INTEGER(column) " AND typeof(" column ") = 'integer'"
#define IS_NAME(column)                                                                            \
    " AND typeof(" column ") = 'text' AND length(" column ") < 256"                                \
    " AND instr(" column ", char(0)) = 0"
#define NEXT_DUE                                                                                   \
    "SELECT workflow, priority, due, id FROM @durable_runs AS r INDEXED BY durable_runs_due"       \
    " WHERE due NOT NULL AND queue = ?1"                                                           \
    " AND (workflow, priority, due) > (?2, ?3, 9223372036854775807)"                               \
    IS_INTEGER("due") IS_INTEGER("priority") " AND +priority BETWEEN 0 AND 7" IS_NAME("workflow")  \
    " AND status IN (1, 5)" IS_NAME("id")                                                          \
    " AND NOT EXISTS(SELECT 1 FROM @durable_claims WHERE run = r.run)"                             \
    " ORDER BY workflow, priority, due LIMIT 1"
#define NEXT_HELD                                                                                  \
    "SELECT c.owner AS owner, c.workflow AS workflow, c.lease_end AS lease_end, r.id AS id"        \
    " FROM @durable_claims AS c INDEXED BY durable_claims_by_queue"                                \
    " CROSS JOIN @durable_runs AS r ON r.run = c.run WHERE c.queue = ?1"                           \
    " AND (c.owner, c.workflow, c.lease_end) > (?2, ?3, 9223372036854775807)"                      \
    IS_INTEGER("c.lease_end") IS_NAME("c.owner") IS_NAME("c.workflow") IS_NAME("r.id")             \
    " ORDER BY c.owner, c.workflow, c.lease_end LIMIT 1"

/* Marks are ASCII: those that begin so lie before what its last character counted up gives. */
#define CLAIMS_OF_QUEUE                                                                            \
    "SELECT 1 FROM @durable_claims INDEXED BY durable_claims_by_queue WHERE queue = ?1"
#define OF_PROCESS                                                                                 \
    " AND owner >= ?3 AND owner < substr(?3, 1, length(?3) - 1)"                                   \
    " || char(unicode(substr(?3, -1)) + 1)"

static const char *const statement_texts[DURABLE_SQL_COUNT] = {
    [DURABLE_SQL_BEGIN] =
        "BEGIN",
    [DURABLE_SQL_COMMIT] =
        "COMMIT",
    [DURABLE_SQL_ROLLBACK] =
        "ROLLBACK",
    [DURABLE_SQL_SAVEPOINT] =
        "SAVEPOINT durable_write_of_ours",
    [DURABLE_SQL_RELEASE] =
        "RELEASE durable_write_of_ours",
    [DURABLE_SQL_ROLLBACK_TO] =
        "ROLLBACK TO durable_write_of_ours",
    [DURABLE_SQL_EMERGENCY] =
        "CREATE TABLE @durable_emergency(x)",
    [DURABLE_SQL_FIND_RUN] =
        "SELECT r.run AS run, r.id AS id, r.uid AS uid, r.workflow AS workflow,"
        " iif(c.run, 1, r.status) AS status, r.behaviour AS behaviour,"
        " coalesce(c.epoch, r.epoch) AS epoch, coalesce(c.token, r.token) AS token,"
        " c.owner AS owner, coalesce(c.lease_end, 0) AS lease_end,"
        " coalesce(c.claims, r.claims) AS claims, r.created AS created, r.ended AS ended,"
        " r.input_format AS input_format, r.input AS input,"
        " r.output_format AS output_format, r.output AS output,"
        " iif(c.run, NULL, r.failure) AS failure, r.queue AS queue,"
        " r.priority AS priority, iif(c.run, NULL, r.due) AS due, r.request AS request,"
        " r.deadline AS deadline, r.parent AS parent, r.called_at AS called_at, r.root AS root,"
        " r.depth AS depth, r.generation AS generation, r.restarted_at AS restarted_at,"
        " (SELECT o.id FROM @durable_runs AS o WHERE o.run = r.origin) AS origin"
        " FROM @durable_runs AS r LEFT JOIN @durable_claims AS c ON c.run = r.run"
        " WHERE r.id = ?1",
    [DURABLE_SQL_CREATE_RUN] =
        "INSERT INTO @durable_runs(run, epoch, token, status, claims, request, id, uid,"
        " workflow, code_version, behaviour, queue, priority, due, created, input_format,"
        " input, deadline, parent, called_at, root, on_parent_end, depth)"
        " SELECT next, 0, ?6, 1, 0, 0, ?1, ?2, ?3, ?4, ?5, ?10, ?11, ?12, ?7, ?8, ?9, ?13, ?14,"
        " ?15, ?16, ?17, ?18"
        " FROM " NEXT_RUN_KEY " WHERE next BETWEEN 1 AND 68719476735 AND (?14 IS NULL OR EXISTS("
        "SELECT 1 FROM @durable_claims WHERE run = ?14 AND epoch = ?19 AND token = ?20))",
    [DURABLE_SQL_TAKE_CLAIM] =
        "INSERT INTO @durable_claims(run, epoch, token, owner, lease_end, claims, queue,"
        " workflow)"
        " SELECT run, epoch + 1, ?5, ?4, ?6, ?7, queue, workflow FROM @durable_runs"
        " WHERE run = ?1 AND epoch = ?2 AND token = ?3 ON CONFLICT(run) DO NOTHING",
    [DURABLE_SQL_TAKE_OVER] =
        "UPDATE @durable_claims SET epoch = epoch + 1, token = ?5, owner = ?4,"
        " lease_end = ?6, claims = ?7" OF_FENCE,
    [DURABLE_SQL_RELEASE_RUN] =
        "UPDATE @durable_runs SET status = 1, epoch = ?2, token = ?3, failure = NULL,"
        " due = ?4, awaits = NULL," LAST_CLAIMS BEHIND_FENCE,
    [DURABLE_SQL_SUSPEND_RUN] =
        "UPDATE @durable_runs SET status = 5, epoch = ?2, token = ?3, failure = NULL,"
        " due = iif(request AND NOT ?6, ?7, nullif(min(coalesce(?4, " NEVER "), coalesce(("
        "SELECT min(b.due) FROM @durable_runs AS b WHERE b.root = ?1 AND b.due NOT NULL"
        " AND b.status = 5 AND NOT EXISTS(SELECT 1 FROM @durable_claims WHERE run = b.run)"
        "), " NEVER ")), " NEVER ")), awaits = ?5, claims = 0" BEHIND_FENCE,
    [DURABLE_SQL_END_RUN] =
        "UPDATE @durable_runs SET status = ?4, epoch = ?2, token = ?3," LAST_CLAIMS
        ", ended = iif(?4 = 4, NULL, ?5), due = NULL, awaits = NULL, output_format = ?6,"
        " output = ?7, failure = ?8" BEHIND_FENCE,
    [DURABLE_SQL_DROP_CLAIM] =
        "DELETE FROM @durable_claims" OF_FENCE,
    [DURABLE_SQL_RENEW_LEASE] =
        "UPDATE @durable_claims SET lease_end = ?4" OF_FENCE,
    [DURABLE_SQL_APPEND] =
        "INSERT INTO @durable_steps(" APPENDED ") SELECT " APPENDED_VALUES
        " FROM @durable_claims" OF_FENCE,
    [DURABLE_SQL_APPEND_FINGERPRINTED] =
        "INSERT INTO @durable_steps(" APPENDED ", fingerprint) SELECT " APPENDED_VALUES ", ?14"
        " FROM @durable_claims" OF_FENCE,
    [DURABLE_SQL_TAKE_BACK] =
        "DELETE FROM @durable_steps WHERE step = ?1",
    [DURABLE_SQL_LOOK_AT_FENCE] =
        "SELECT coalesce(c.epoch, r.epoch), coalesce(c.token, r.token),"
        " c.run IS NOT NULL, r.status"
        " FROM @durable_runs AS r LEFT JOIN @durable_claims AS c ON c.run = r.run"
        " WHERE r.run = ?1",
    [DURABLE_SQL_LOOK_AT_STEP] =
        "SELECT epoch FROM @durable_steps WHERE step = ?1",
    [DURABLE_SQL_LOAD] =
        "SELECT " REPLAYED FROM_STEP,
    [DURABLE_SQL_LOAD_DETAILS] =
        "SELECT " REPLAYED ", site, epoch, began, took, low, attempt, fingerprint" FROM_STEP,
    [DURABLE_SQL_SUMMARIZE] =
        "SELECT max(step), max(epoch) AS epoch, max(low) AS low,"
        " EXISTS(SELECT 1 FROM @durable_runs WHERE parent = ?1 >> 27 AND root NOT NULL"
        " AND ended IS NULL) FROM @durable_steps WHERE step BETWEEN ?1 AND ?2",
    [DURABLE_SQL_PUT_PENDING] =
        "INSERT OR REPLACE INTO @durable_pending(step, kind, name, attempt, began, due,"
        " deadline, interval, choice, format, value, failure, intent)"
        " SELECT ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16"
        " FROM @durable_claims" OF_FENCE,
    [DURABLE_SQL_LOAD_PENDING] =
        "SELECT step, kind, name, attempt, began, due, deadline, interval, choice, format,"
        " value, failure, intent FROM @durable_pending WHERE step BETWEEN ?1 AND ?2 ORDER BY step",
    [DURABLE_SQL_DROP_PENDING] =
        "DELETE FROM @durable_pending WHERE step BETWEEN ?1 AND ?2",
    [DURABLE_SQL_SEND_SIGNAL] =
        "INSERT INTO @durable_signals" SIGNAL_COLUMNS " SELECT r.run, ?2, " SIGNAL_VALUES
        " FROM @durable_runs AS r WHERE r.id = ?1 AND r.status IN (1, 4, 5)"
        " ON CONFLICT DO NOTHING",
    [DURABLE_SQL_ANSWER_CALLBACK] =
        "INSERT INTO @durable_signals" SIGNAL_COLUMNS " SELECT r.run, ?2, " SIGNAL_VALUES
        " FROM @durable_runs AS r" OF_CALLER IS_OPEN " ON CONFLICT DO NOTHING",
    [DURABLE_SQL_BEAT_CALLBACK] =
        "UPDATE @durable_pending SET due = iif(interval = 0, due,"
        " nullif(min(" LATER_BY("?7", "interval") ","
        " coalesce(deadline, 9223372036854775807)), 9223372036854775807))"
        " WHERE step = ?9 AND EXISTS(SELECT 1 FROM @durable_runs AS r" OF_CALLER ")" IS_OPEN,
    [DURABLE_SQL_LOOK_AT_ADDRESSEE] =
        "SELECT r.run, EXISTS(SELECT 1 FROM @durable_signals AS s WHERE s.run = r.run"
        " AND s.name = ?2 AND s.key = ?3), r.status NOT IN (1, 4, 5)"
        " FROM @durable_runs AS r WHERE r.id = ?1",
    [DURABLE_SQL_LOOK_AT_CALLER] =
        "SELECT r.run, EXISTS(SELECT 1 FROM @durable_signals AS s WHERE s.run = r.run"
        " AND s.name = ?2 AND s.key = ?3), 1"
        " FROM @durable_runs AS r WHERE r.run = ?1 AND r.uid = ?4",
    [DURABLE_SQL_WAKE_RUN] =
        "UPDATE @durable_runs SET due = ?2 WHERE run = ?1 AND status = 5"
        " AND (due IS NULL OR due > ?2) AND instr(awaits, char(10) || ?3 || char(10))",
    [DURABLE_SQL_WAKE_ROOT] =
        "UPDATE @durable_runs SET due = ?2 WHERE run = (SELECT root FROM @durable_runs"
        " WHERE run = ?1 AND status = 5 AND instr(awaits, char(10) || ?3 || char(10)))"
        " AND status = 5 AND (due IS NULL OR due > ?2)",
    [DURABLE_SQL_TELL_PARENT] =
        "INSERT INTO @durable_signals(run, name, format, value, failure, sent)"
        " SELECT p.run, char(9) || c.called_at, c.output_format, c.output, c.failure, ?2"
        " FROM @durable_runs AS c JOIN @durable_runs AS p ON p.run = c.parent"
        " WHERE c.run = ?1 AND p.status IN (1, 4, 5)",
    [DURABLE_SQL_LOOK_AT_PARENT] =
        "SELECT parent, called_at FROM @durable_runs WHERE run = ?1",
    [DURABLE_SQL_CANCEL_CHILDREN] =
        ASK_TO_END " WHERE parent = ?1 AND root IS NULL AND ended IS NULL AND request = 0"
        " AND ((1 << on_parent_end) & ?3)",
    [DURABLE_SQL_CANCEL_RUN] =
        ASK_TO_END " WHERE id = ?1 AND status IN (1, 4, 5) AND request = 0",
    [DURABLE_SQL_LOOK_AT_REQUEST] =
        "SELECT status, request & 1 FROM @durable_runs WHERE id = ?1",
    [DURABLE_SQL_RESOLVE_STEP] =
        "UPDATE @durable_pending SET intent = ?3, format = iif(?3 = 2, ?4, format),"
        " value = iif(?3 = 2, ?5, value), failure = iif(?3 = 3, ?6, failure)"
        " WHERE step = ((SELECT r.run FROM @durable_runs AS r WHERE r.id = ?1 AND r.status = 4"
        " AND NOT EXISTS(SELECT 1 FROM @durable_claims WHERE run = r.run)) << 27) + ?2"
        " AND ?2 BETWEEN 1 AND 134217727 AND intent = 1",
    [DURABLE_SQL_RESUME_RUN] =
        "UPDATE @durable_runs SET status = 1, due = ?2, failure = NULL"
        " WHERE id = ?1 AND status = 4",
    [DURABLE_SQL_RESUME_ROOT] =
        "UPDATE @durable_runs SET due = iif(status = 4, ?2, min(coalesce(due, ?2), ?2)),"
        " failure = NULL, status = iif(status = 4, 1, status)"
        " WHERE run = (SELECT root FROM @durable_runs WHERE id = ?1) AND status IN (4, 5)",
    [DURABLE_SQL_EARLIEST_DUE] =
        "WITH RECURSIVE below(run, status, due) AS ("
        "SELECT run, status, due FROM @durable_runs WHERE run = ?1"
        " UNION SELECT c.run, c.status, c.due FROM below AS b"
        " CROSS JOIN @durable_runs AS c ON c.parent = b.run"
        " WHERE c.root NOT NULL AND c.ended IS NULL)"
        " SELECT min(due) FROM below AS b WHERE status = 5 AND typeof(due) = 'integer'"
        " AND NOT EXISTS(SELECT 1 FROM @durable_claims WHERE run = b.run)",
    [DURABLE_SQL_STEP_SAVEPOINT] =
        DURABLE_STEP_SAVEPOINT,
    [DURABLE_SQL_STEP_RELEASE] =
        "RELEASE durable_step_of_ours",
    [DURABLE_SQL_STEP_ROLLBACK_TO] =
        "ROLLBACK TO durable_step_of_ours",
    [DURABLE_SQL_BODY_SAVEPOINT] =
        "SAVEPOINT durable_body_of_ours",
    [DURABLE_SQL_BODY_RELEASE] =
        "RELEASE durable_body_of_ours",
    [DURABLE_SQL_SHARED_SAVEPOINT] =
        "SAVEPOINT durable_shared_of_ours",
    [DURABLE_SQL_SHARED_RELEASE] =
        "RELEASE durable_shared_of_ours",
    [DURABLE_SQL_PEEK_SIGNAL] =
        "SELECT signal, format, value, failure, iif(typeof(sent) = 'integer', sent, 0)"
        " AS sent FROM @durable_signals"
        " INDEXED BY durable_signals_sent"
        " WHERE run = ?1 AND name = ?2 AND received IS NULL ORDER BY signal LIMIT 1",
    [DURABLE_SQL_DROP_SIGNAL] =
        "DELETE FROM @durable_signals WHERE signal = ?1 AND run = ?2 AND received IS NULL"
        " AND key IS NULL",
    [DURABLE_SQL_MARK_SIGNAL] =
        "UPDATE @durable_signals SET received = ?3, format = NULL, value = NULL,"
        " failure = NULL WHERE signal = ?1 AND run = ?2 AND received IS NULL"
        " AND key NOT NULL",
    [DURABLE_SQL_FIND_DUE] =
        NEXT_DUE,
    [DURABLE_SQL_FIND_HELD] =
        NEXT_HELD,
    [DURABLE_SQL_LOOK_AT_QUEUE] =
        "SELECT max_active, max_active_process, interval_us, next_us"
        " FROM @durable_queues WHERE queue = ?1",
    [DURABLE_SQL_LOOK_AT_CLAIM] =
        "SELECT queue, owner FROM @durable_claims WHERE run = ?1",
    [DURABLE_SQL_COUNT_ACTIVE] =
        "SELECT count(*) FROM (" CLAIMS_OF_QUEUE " LIMIT ?2)",
    [DURABLE_SQL_COUNT_ACTIVE_PROCESS] =
        "SELECT count(*) FROM (" CLAIMS_OF_QUEUE OF_PROCESS " LIMIT ?2)",
    [DURABLE_SQL_TAKE_TURN] =
        "UPDATE @durable_queues SET next_us = "
        LATER_BY("max(?2, iif(next_us <= ?3, next_us, ?2))", "interval_us")
        " WHERE queue = ?1 AND interval_us > 0 AND (next_us <= ?3"
        " OR (next_us = ?4 AND next_us > " LATER_BY("?3", "interval_us") "))",
    [DURABLE_SQL_LIMIT_QUEUE] =
        "INSERT INTO @durable_queues(queue, max_active, max_active_process, interval_us,"
        " next_us) VALUES(?1, ?2, ?3, ?4, 0) ON CONFLICT(queue) DO UPDATE SET"
        " max_active = excluded.max_active,"
        " max_active_process = excluded.max_active_process,"
        " interval_us = excluded.interval_us,"
        " next_us = iif(excluded.interval_us AND next_us, max(0, "
        LATER_BY("max(next_us, 0) - interval_us", "excluded.interval_us") "), 0)",
    [DURABLE_SQL_READ_VERSION] =
        "PRAGMA @data_version",
};

DURABLE_INTERNAL const char *durable_statement_text(durable_statement which)
{
    return statement_texts[which];
}
