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

/* Bits of `request`. What makes a run due leaves a paused one as it is. */
#define TO_END "(request & 1)"
#define IS_PAUSED "(request & 2)"
#define UNLESS_PAUSED " AND request & 2 = 0"

/* A run that has not ended; while it is claimed, it is what it was before. */
#define IS_OPEN_RUN(prefix) prefix "status IN (1, 4, 5)"

/* Asked to end at ?2, a run that waits, is parked, paused, or is to begin later, is due then. */
#define ASK_TO_END                                                                                 \
    "UPDATE @durable_runs SET request = 1, status = iif(status = 4, 1, status),"                   \
    " failure = iif(status = 4, NULL, failure),"                                                   \
    " due = iif((status IN (4, 5) OR due NOT NULL OR " IS_PAUSED ")"                               \
    " AND (due IS NULL OR due > ?2), ?2, due)"

/* Of the runs r: those that may be deleted, with what they call. Nobody holds them, they are not
 * called themselves, and nothing open refers to them: no parent, no child that they, or what they
 * call, have started, and no run that continues them or was restarted from them. */
#define MAY_BE_DELETED                                                                             \
    "(r.ended NOT NULL AND r.root IS NULL AND NOT " IS_OPEN_RUN("r.")                              \
    " AND NOT EXISTS(SELECT 1 FROM @durable_claims WHERE run = r.run)"                             \
    " AND NOT EXISTS(SELECT 1 " OPEN_PARENT ") AND NOT EXISTS(SELECT 1 " OPEN_CHILD ")"            \
    " AND NOT EXISTS(SELECT 1 " OPEN_CHILD_BELOW ") AND NOT EXISTS(SELECT 1 " OPEN_HEIR "))"
#define OPEN_PARENT                                                                                \
    "FROM @durable_runs AS o WHERE o.run = r.parent AND o.ended IS NULL"
#define OPEN_CHILD                                                                                 \
    "FROM @durable_runs AS o INDEXED BY durable_runs_by_parent"                                    \
    " WHERE o.parent = r.run AND o.ended IS NULL AND o.root IS NULL"
#define OPEN_CHILD_BELOW                                                                           \
    "FROM @durable_runs AS b INDEXED BY durable_runs_by_root"                                      \
    " CROSS JOIN @durable_runs AS o INDEXED BY durable_runs_by_parent ON o.parent = b.run"         \
    " WHERE b.root = r.run AND o.ended IS NULL AND o.root IS NULL"
#define OPEN_HEIR                                                                                  \
    "FROM @durable_runs AS o INDEXED BY durable_runs_by_origin"                                    \
    " WHERE o.origin = r.run AND o.ended IS NULL"

/* ?2 is when, ?3 is why. */
#define AS_TERMINATED                                                                              \
    "status = 9, epoch = coalesce((SELECT c.epoch FROM @durable_claims AS c"                       \
    " WHERE c.run = durable_runs.run), epoch), token = coalesce((SELECT c.token"                   \
    " FROM @durable_claims AS c WHERE c.run = durable_runs.run), token), request = " TO_END ","    \
    " ended = ?2, due = NULL, awaits = NULL, output_format = NULL, output = NULL, failure = ?3"
#define OF_RUN_AND_BELOW(column)                                                                   \
    " WHERE " column " IN (SELECT ?1 UNION ALL SELECT run FROM @durable_runs WHERE root = ?1)"

/* Ended runs that are not called, in the order of their ends. Somebody may have edited in what is
 * no time. */
#define ENDED_RUNS                                                                                 \
    " FROM @durable_runs AS r INDEXED BY durable_runs_ended WHERE ended NOT NULL AND root IS NULL" \
    IS_INTEGER("ended")

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
 * and they are few, are passed over. So are rows that somebody has edited: runs that were ended,
 * parked or paused by hand and have kept their due time, and those that hold what we never write.
 * One such row must neither hide its group nor end the look of all. The + keeps the planner from a
 * walk through the priorities instead of the seek.
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
    " AND status IN (1, 5)" UNLESS_PAUSED IS_NAME("id")                                            \
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

/* Of the rows that are copied: no claim of the new run has recorded them. What a cancelled or
 * failed run did to clean up, or to undo, is not what it would have done otherwise: nothing is
 * copied from there on. A value that may be replaced is that of a step, a receipt, a callback or a
 * child. */
#define STEP_COLUMNS                                                                               \
    "(step, kind, name, format, value, low, epoch, attempt, began, took, fingerprint, site)"
#define COPIED_STEP(value)                                                                         \
    " SELECT step + ?3, kind, name, " value ", low, 0, attempt, began, took, fingerprint, site"    \
    " FROM @durable_steps WHERE step "
#define IS_REPLACEABLE " AND kind IN (1, 3, 5, 6) AND format IS NOT 4"
#define FREE_KEY " next BETWEEN 1 AND 68719476735"

/* A run r with its claim c, if it has one. */
#define RUN_COLUMNS                                                                                \
    "r.run AS run, r.id AS id, r.uid AS uid, r.workflow AS workflow,"                              \
    " iif(c.run, 1, r.status) AS status, r.behaviour AS behaviour,"                                \
    " coalesce(c.epoch, r.epoch) AS epoch, coalesce(c.token, r.token) AS token,"                   \
    " c.owner AS owner, coalesce(c.lease_end, 0) AS lease_end,"                                    \
    " coalesce(c.claims, r.claims) AS claims, r.created AS created, r.ended AS ended,"             \
    " r.input_format AS input_format, r.input AS input,"                                           \
    " r.output_format AS output_format, r.output AS output,"                                       \
    " iif(c.run, NULL, r.failure) AS failure, r.queue AS queue,"                                   \
    " r.priority AS priority, iif(c.run, NULL, r.due) AS due, r.request AS request,"               \
    " r.deadline AS deadline, r.parent AS parent, r.called_at AS called_at, r.root AS root,"       \
    " r.depth AS depth, r.generation AS generation, r.restarted_at AS restarted_at,"               \
    " (SELECT o.id FROM @durable_runs AS o WHERE o.run = r.origin) AS origin"
#define OF_RUNS " FROM @durable_runs AS r LEFT JOIN @durable_claims AS c ON c.run = r.run"

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
        "SELECT " RUN_COLUMNS OF_RUNS " WHERE r.id = ?1",
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
        " WHERE run = ?1 AND epoch = ?2 AND token = ?3 AND " IS_OPEN_RUN("") UNLESS_PAUSED
        " ON CONFLICT(run) DO NOTHING",
    [DURABLE_SQL_TAKE_OVER] =
        "UPDATE @durable_claims SET epoch = epoch + 1, token = ?5, owner = ?4,"
        " lease_end = ?6, claims = ?7" OF_FENCE,
    [DURABLE_SQL_RELEASE_RUN] =
        "UPDATE @durable_runs SET status = 1, epoch = ?2, token = ?3, failure = NULL,"
        " due = iif(" IS_PAUSED ", NULL, ?4), awaits = NULL," LAST_CLAIMS BEHIND_FENCE,
    [DURABLE_SQL_SUSPEND_RUN] =
        "UPDATE @durable_runs SET status = 5, epoch = ?2, token = ?3, failure = NULL,"
        " due = iif(" IS_PAUSED ", NULL, iif(" TO_END " AND NOT ?6, ?7,"
        " nullif(min(coalesce(?4, " NEVER "), coalesce(("
        "SELECT min(b.due) FROM @durable_runs AS b WHERE b.root = ?1 AND b.due NOT NULL"
        " AND b.status = 5 AND NOT EXISTS(SELECT 1 FROM @durable_claims WHERE run = b.run)"
        "), " NEVER ")), " NEVER "))), awaits = ?5, claims = 0" BEHIND_FENCE,
    [DURABLE_SQL_END_RUN] =
        "UPDATE @durable_runs SET status = ?4, epoch = ?2, token = ?3," LAST_CLAIMS
        ", request = iif(?4 IN (4, 8), request, " TO_END "), ended = iif(?4 = 4, NULL, ?5),"
        " due = NULL, awaits = NULL, output_format = ?6,"
        " output = ?7, failure = ?8" BEHIND_FENCE,
    [DURABLE_SQL_RENAME_RUN] =
        "UPDATE @durable_runs SET id = ?2 WHERE run = ?1",
    [DURABLE_SQL_CREATE_SUCCESSOR] =
        "INSERT INTO @durable_runs(run, epoch, token, status, claims, request, id, uid,"
        " workflow, code_version, behaviour, queue, priority, due, created, input_format,"
        " input, deadline, parent, called_at, root, on_parent_end, depth, generation, origin)"
        " SELECT next, 0, 0, iif(root NOT NULL, 5, 1), 0, request, ?2, ?3, workflow, ?4, ?5,"
        " queue, priority, iif(request & 2, NULL, ?6), ?7, ?8, ?9, deadline, parent, called_at,"
        " root, on_parent_end, depth, generation + 1, run"
        " FROM @durable_runs, " NEXT_RUN_KEY " WHERE run = ?1 AND next BETWEEN 1 AND 68719476735",
    /* What an address of a callback begins with, a tab, comes before every name. */
    [DURABLE_SQL_HAND_ON_SIGNALS] =
        "UPDATE @durable_signals INDEXED BY durable_signals_sent SET run = ?2"
        " WHERE run = ?1 AND received IS NULL AND name >= char(10)",
    [DURABLE_SQL_HAND_ON_KEYS] =
        "UPDATE @durable_signals INDEXED BY durable_signals_by_key SET run = ?2, received = 0"
        " WHERE run = ?1 AND key NOT NULL AND received NOT NULL AND name >= char(10)",
    [DURABLE_SQL_END_PAUSE] =
        "UPDATE @durable_runs SET request = request & 1 WHERE run = ?1 AND request & 2",
    [DURABLE_SQL_WAKE_ROOT_OF] =
        "UPDATE @durable_runs SET due = ?2 WHERE run = (SELECT root FROM @durable_runs"
        " WHERE run = ?1) AND status = 5 AND request & 2 = 0 AND (due IS NULL OR due > ?2)",
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
        "UPDATE @durable_runs SET due = ?2 WHERE run = ?1 AND status = 5" UNLESS_PAUSED
        " AND (due IS NULL OR due > ?2) AND instr(awaits, char(10) || ?3 || char(10))",
    [DURABLE_SQL_WAKE_ROOT] =
        "UPDATE @durable_runs SET due = ?2 WHERE run = (SELECT root FROM @durable_runs"
        " WHERE run = ?1 AND status = 5 AND instr(awaits, char(10) || ?3 || char(10)))"
        " AND status = 5" UNLESS_PAUSED " AND (due IS NULL OR due > ?2)",
    [DURABLE_SQL_TELL_PARENT] =
        "INSERT INTO @durable_signals(run, name, format, value, failure, sent)"
        " SELECT p.run, char(9) || c.called_at, c.output_format, c.output, c.failure, ?2"
        " FROM @durable_runs AS c JOIN @durable_runs AS p ON p.run = c.parent"
        " WHERE c.run = ?1 AND p.status IN (1, 4, 5)",
    [DURABLE_SQL_LOOK_AT_PARENT] =
        "SELECT parent, called_at FROM @durable_runs WHERE run = ?1",
    [DURABLE_SQL_CANCEL_CHILDREN] =
        ASK_TO_END " WHERE parent = ?1 AND root IS NULL AND ended IS NULL"
        " AND " TO_END " = 0 AND ((1 << on_parent_end) & ?3)",
    [DURABLE_SQL_CANCEL_RUN] =
        ASK_TO_END " WHERE id = ?1 AND " IS_OPEN_RUN("") " AND request <> 1",
    [DURABLE_SQL_LOOK_AT_REQUEST] =
        "SELECT r.status, r.request, r.run, r.root NOT NULL,"
        " (SELECT o.id FROM @durable_runs AS o WHERE o.run = r.root)"
        " FROM @durable_runs AS r WHERE r.id = ?1",
    [DURABLE_SQL_RESOLVE_STEP] =
        "UPDATE @durable_pending SET intent = ?3, format = iif(?3 = 2, ?4, format),"
        " value = iif(?3 = 2, ?5, value), failure = iif(?3 = 3, ?6, failure)"
        " WHERE step = ((SELECT r.run FROM @durable_runs AS r WHERE r.id = ?1 AND r.status = 4"
        " AND NOT EXISTS(SELECT 1 FROM @durable_claims WHERE run = r.run)) << 27) + ?2"
        " AND ?2 BETWEEN 1 AND 134217727 AND intent = 1",
    [DURABLE_SQL_RESUME_RUN] =
        "UPDATE @durable_runs SET status = 1, due = iif(" IS_PAUSED ", NULL, ?2), failure = NULL"
        " WHERE id = ?1 AND status = 4",
    [DURABLE_SQL_RESUME_ROOT] =
        "UPDATE @durable_runs SET due = iif(" IS_PAUSED ", NULL,"
        " iif(status = 4, ?2, min(coalesce(due, ?2), ?2))),"
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
    [DURABLE_SQL_PAUSE_RUN] =
        "UPDATE @durable_runs SET request = request | 2, due = NULL WHERE id = ?1 AND "
        IS_OPEN_RUN("") " AND root IS NULL" UNLESS_PAUSED,
    [DURABLE_SQL_UNPAUSE_RUN] =
        "UPDATE @durable_runs SET request = " TO_END ", due = iif(status = 4, NULL, ?2)"
        " WHERE id = ?1 AND " IS_OPEN_RUN("") " AND root IS NULL AND " IS_PAUSED,
    [DURABLE_SQL_TERMINATE_RUN] =
        "UPDATE @durable_runs SET " AS_TERMINATED " WHERE id = ?1 AND " IS_OPEN_RUN("")
        " AND root IS NULL",
    [DURABLE_SQL_TERMINATE_BELOW] =
        "UPDATE @durable_runs SET " AS_TERMINATED " WHERE root = ?1 AND ended IS NULL",
    [DURABLE_SQL_CANCEL_BELOW] =
        ASK_TO_END " WHERE parent IN (SELECT ?1 UNION ALL SELECT b.run FROM @durable_runs AS b"
        " WHERE b.root = ?1 AND b.ended IS NULL) AND root IS NULL AND ended IS NULL"
        " AND " TO_END " = 0 AND ((1 << on_parent_end) & ?3)",
    [DURABLE_SQL_DROP_CLAIMS_OF] =
        "DELETE FROM @durable_claims" OF_RUN_AND_BELOW("run"),
    [DURABLE_SQL_DROP_PENDING_BELOW] =
        "DELETE FROM @durable_pending WHERE step IN (SELECT k.step FROM @durable_runs AS r"
        " CROSS JOIN @durable_pending AS k"
        " ON k.step BETWEEN r.run << 27 AND (r.run << 27) + 134217727 WHERE r.root = ?1)",
    [DURABLE_SQL_DELETE_RUN] =
        "DELETE FROM @durable_runs AS r WHERE r.run = ?1 AND " MAY_BE_DELETED,
    [DURABLE_SQL_LOOK_AT_DELETION] =
        "SELECT r.run, r.root NOT NULL, (SELECT o.id FROM @durable_runs AS o WHERE o.run = r.root),"
        " r.ended NOT NULL AND NOT " IS_OPEN_RUN("r.")
        " AND NOT EXISTS(SELECT 1 FROM @durable_claims WHERE run = r.run),"
        " (SELECT o.id " OPEN_PARENT "), coalesce((SELECT o.id " OPEN_CHILD " LIMIT 1),"
        " (SELECT o.id " OPEN_CHILD_BELOW " LIMIT 1)), (SELECT o.id " OPEN_HEIR " LIMIT 1)"
        " FROM @durable_runs AS r WHERE r.id = ?1",
    [DURABLE_SQL_LAST_NOT_KEPT] =
        "SELECT ended, run" ENDED_RUNS " AND (?1 IS NULL OR workflow = ?1)"
        " ORDER BY ended DESC, run DESC LIMIT 1 OFFSET ?2",
    [DURABLE_SQL_LOOK_AT_ENDED] =
        "SELECT run, ended, (?5 IS NULL OR workflow = ?5) AND " MAY_BE_DELETED ENDED_RUNS
        " AND (ended, run) > (?1, ?2) AND (ended, run) <= (?3, ?4)"
        " ORDER BY ended, run LIMIT ?6",
    [DURABLE_SQL_RESTART_RUN] =
        "INSERT INTO @durable_runs(run, epoch, token, status, claims, request, id, uid,"
        " workflow, code_version, behaviour, origin, restarted_at, queue, priority, due, created,"
        " input_format, input)"
        " SELECT next, 0, 0, 1, 0, 0, ?2, ?3, r.workflow, ?4, r.behaviour, r.run, ?5,"
        " coalesce(?6, r.queue), r.priority, ?7, ?7, r.input_format, r.input"
        " FROM " NEXT_RUN_KEY " CROSS JOIN @durable_runs AS r"
        " WHERE r.id = ?1 AND r.root IS NULL AND" FREE_KEY " ON CONFLICT DO NOTHING",
    [DURABLE_SQL_LOOK_AT_RESTART] =
        "SELECT s.run, s.root NOT NULL, n.run, n.origin IS s.run AND n.restarted_at IS ?3"
        " AND n.queue IS coalesce(?4, s.queue),"
        " (SELECT step & 134217727 FROM @durable_steps WHERE step BETWEEN s.run << 27"
        " AND (s.run << 27) + 134217727 ORDER BY step DESC LIMIT 1),"
        " (SELECT step & 134217727 FROM @durable_steps WHERE step >= s.run << 27"
        " AND step < (s.run << 27) + ?3 AND kind IN (7, -7, 8, -8) ORDER BY step LIMIT 1),"
        " (SELECT step & 134217727 FROM @durable_steps WHERE step BETWEEN s.run << 27"
        " AND (s.run << 27) + 134217727 ORDER BY step LIMIT 1)"
        " FROM @durable_runs AS s LEFT JOIN @durable_runs AS n ON n.id = ?2 WHERE s.id = ?1",
    [DURABLE_SQL_COMPARE_COPY] =
        "SELECT NOT EXISTS(SELECT 1 FROM @durable_steps AS n CROSS JOIN @durable_steps AS s"
        " ON s.step = n.step - ?3 WHERE n.step BETWEEN ?1 AND ?2 AND n.epoch = 0"
        " AND n.step IS NOT ?4 AND (n.format IS NOT s.format OR n.value IS NOT s.value"
        " OR typeof(n.value) <> typeof(s.value)))"
        " AND (?4 IS NULL OR EXISTS(SELECT 1 FROM @durable_steps WHERE step = ?4"
        " AND format IS ?5 AND value IS ?6 AND typeof(value) = typeof(?6)" IS_REPLACEABLE "))",
    [DURABLE_SQL_COPY_STEPS] =
        "INSERT INTO @durable_steps" STEP_COLUMNS COPIED_STEP("format, value")
        "BETWEEN ?1 AND ?2 ORDER BY step",
    [DURABLE_SQL_COPY_REPLACED] =
        "INSERT INTO @durable_steps" STEP_COLUMNS COPIED_STEP("?4, ?5") "= ?1" IS_REPLACEABLE,
    [DURABLE_SQL_NEXT_CALLED] =
        "SELECT run, parent, called_at FROM @durable_runs INDEXED BY durable_runs_by_root"
        " WHERE root = ?1 AND due IS NULL AND run > ?2 AND ended NOT NULL"
        " AND substr(id, -length(called_at) - 1) = '/' || called_at ORDER BY run LIMIT 1",
    [DURABLE_SQL_LOOK_AT_COPY] =
        "SELECT id, uid FROM @durable_runs WHERE run = ?1",
    [DURABLE_SQL_COPY_CHILD] =
        "INSERT INTO @durable_runs(run, epoch, token, status, claims, request, id, uid,"
        " workflow, code_version, behaviour, parent, called_at, root, on_parent_end, depth,"
        " deadline, queue, priority, created, ended, input_format, input, output_format, output,"
        " failure)"
        " SELECT next, c.epoch, c.token, c.status, c.claims, c.request, ?3,"
        " substr(?4, 1, 23) || printf('%09x', next), c.workflow, c.code_version, c.behaviour,"
        " p.run, c.called_at, ?5, c.on_parent_end, p.depth + 1, c.deadline, c.queue, c.priority,"
        " c.created, c.ended, c.input_format, c.input, c.output_format, c.output, c.failure"
        " FROM " NEXT_RUN_KEY " CROSS JOIN @durable_runs AS c ON c.run = ?1"
        " CROSS JOIN @durable_runs AS p ON p.run = ?2 WHERE" FREE_KEY
        " AND EXISTS(SELECT 1 FROM @durable_steps WHERE step = (p.run << 27) + c.called_at"
        " AND kind IN (6, -6))",
    [DURABLE_SQL_COPY_SIGNALS] =
        "INSERT INTO @durable_signals" SIGNAL_COLUMNS " SELECT ?2, name, key, format, value,"
        " failure, sent FROM @durable_signals INDEXED BY durable_signals_sent"
        " WHERE run = ?1 AND received IS NULL AND substr(name, 1, 1) <> char(9) ORDER BY signal",
    [DURABLE_SQL_COPY_KEYS] =
        "INSERT INTO @durable_signals(run, name, key, sent, received)"
        " SELECT ?2, name, key, sent, received FROM @durable_signals"
        " INDEXED BY durable_signals_by_key WHERE run = ?1 AND key NOT NULL AND received < ?3"
        " ORDER BY signal",
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
    [DURABLE_SQL_LIST_RUNS] =
        "SELECT run, id, workflow FROM @durable_runs WHERE run > ?1 AND root IS NULL"
        " AND (status IN (1, 4, 5) OR NOT ?2) ORDER BY run LIMIT ?3",
    [DURABLE_SQL_VISIT_QUEUES] =
        "SELECT queue FROM @durable_queues",
    [DURABLE_SQL_VISIT_ONE] =
        "SELECT run, root FROM @durable_runs WHERE id = ?1",
    [DURABLE_SQL_VISIT_TOPS] =
        "SELECT run FROM @durable_runs AS r WHERE NOT EXISTS("
        "SELECT 1 FROM @durable_runs AS p WHERE p.run = r.parent) ORDER BY run",
    /* The deepest of those that wait to be visited is next: children come before their parent's
     * later siblings. `top` is the run that workers take up for it. */
    [DURABLE_SQL_VISIT_TREE] =
        "WITH RECURSIVE tree(run, called_at, level, top) AS (SELECT ?1, 0, 0, ?1"
        " UNION ALL SELECT c.run, c.called_at, t.level + 1, iif(c.root NOT NULL, t.top, c.run)"
        " FROM tree AS t CROSS JOIN @durable_runs AS c ON c.parent = t.run"
        " ORDER BY 3 DESC, 2, 1) SELECT run, top FROM tree",
    [DURABLE_SQL_VISIT_PARENT] =
        "SELECT p.run, r.called_at FROM @durable_runs AS r"
        " LEFT JOIN @durable_runs AS p ON p.run = r.parent WHERE r.run = ?1",
    [DURABLE_SQL_VISIT_RUN] =
        "SELECT " RUN_COLUMNS ", r.code_version AS code_version,"
        " r.on_parent_end AS on_parent_end, iif(c.run, NULL, r.awaits) AS awaits,"
        " (SELECT p.id FROM @durable_runs AS p WHERE p.run = r.parent) AS parent_id,"
        " (SELECT o.run FROM @durable_runs AS o WHERE o.run = r.origin) AS origin_run"
        OF_RUNS " WHERE r.run = ?1",
    [DURABLE_SQL_VISIT_SIGNALS] =
        "SELECT signal FROM @durable_signals WHERE run = ?1 AND received IS NULL"
        " UNION SELECT signal FROM @durable_signals WHERE run = ?1 AND key NOT NULL ORDER BY 1",
    [DURABLE_SQL_VISIT_SIGNAL] =
        "SELECT signal, format, value, failure, iif(typeof(sent) = 'integer', sent, 0)"
        " AS sent, name, key, received FROM @durable_signals WHERE signal = ?1",
    [DURABLE_SQL_COUNT_RUNS] =
        "SELECT count(*) FROM @durable_runs",
    [DURABLE_SQL_IMPORT_KEY] =
        "SELECT next FROM " NEXT_RUN_KEY,
    [DURABLE_SQL_IMPORT_FIND] =
        "SELECT run, root, depth FROM @durable_runs WHERE id = ?1",
    [DURABLE_SQL_IMPORT_QUEUE] =
        "INSERT INTO @durable_queues(queue, max_active, max_active_process, interval_us,"
        " next_us) VALUES(?1, ?2, ?3, ?4, 0) ON CONFLICT DO NOTHING",
    [DURABLE_SQL_IMPORT_RUN] =
        "INSERT INTO @durable_runs(token, run, epoch, status, claims, request, id, uid, workflow,"
        " code_version, behaviour, parent, called_at, root, on_parent_end, depth, generation,"
        " origin, restarted_at, deadline, queue, priority, due, created, ended, input_format,"
        " input, output_format, output, failure, awaits) VALUES(0, ?1, ?2, ?3, ?4, ?5, ?6, ?7,"
        " ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25,"
        " ?26, ?27, ?28, ?29, ?30)",
    [DURABLE_SQL_IMPORT_STEP] =
        "INSERT INTO @durable_steps(step, kind, name, format, value, low, epoch, attempt, began,"
        " took, fingerprint, site) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [DURABLE_SQL_IMPORT_PENDING] =
        "INSERT INTO @durable_pending(step, kind, name, attempt, began, due, deadline, interval,"
        " choice, format, value, failure, intent)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    /* As if it were received: no trigger is to make the run due by what was sent long ago. */
    [DURABLE_SQL_IMPORT_SIGNAL] =
        "INSERT INTO @durable_signals(run, name, key, format, value, failure, sent, received)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [DURABLE_SQL_IMPORT_UNRECEIVED] =
        "UPDATE @durable_signals SET received = NULL WHERE signal = ?1",
    [DURABLE_SQL_READ_VERSION] =
        "PRAGMA @data_version",
};

DURABLE_INTERNAL const char *durable_statement_text(durable_statement which)
{
    return statement_texts[which];
}
