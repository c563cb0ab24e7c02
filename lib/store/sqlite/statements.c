/* store/sqlite: every statement that runs more than once. @ stands for the schema. */
#include "store/sqlite/statements.h"

/* The next key lies above the runs, the claims and the steps, so that a run deleted by hand, whose
 * rows were forgotten, does not leave them to a stranger. */
#define NEXT_RUN_KEY                                                                               \
    "(SELECT max(coalesce((SELECT max(run) FROM @durable_runs), 0),"                               \
    " coalesce((SELECT max(run) FROM @durable_claims), 0),"                                        \
    " coalesce((SELECT max(step) FROM @durable_steps) >> 27, 0)) + 1 AS next)"

#define REPLAYED "step, kind, name, format, value"

/* Without an upper bound and a LIMIT, which would cost something for each row: whoever reads stops
 * by himself. */
#define FROM_STEP " FROM @durable_steps WHERE step >= ?1 ORDER BY step"

#define OF_FENCE " WHERE run = ?1 AND epoch = ?2 AND token = ?3"
#define LAST_CLAIMS " claims = (SELECT claims FROM @durable_claims WHERE run = ?1)"
#define BEHIND_FENCE " WHERE run = ?1 AND EXISTS(SELECT 1 FROM @durable_claims" OF_FENCE ")"

DURABLE_INTERNAL const char *durable_statement_text(durable_statement which)
{
    switch (which) {
    case DURABLE_SQL_BEGIN: return "BEGIN";
    case DURABLE_SQL_COMMIT: return "COMMIT";
    case DURABLE_SQL_ROLLBACK: return "ROLLBACK";
    case DURABLE_SQL_SAVEPOINT: return "SAVEPOINT durable_write_of_ours";
    case DURABLE_SQL_RELEASE: return "RELEASE durable_write_of_ours";
    case DURABLE_SQL_ROLLBACK_TO: return "ROLLBACK TO durable_write_of_ours";
    case DURABLE_SQL_EMERGENCY: return "CREATE TABLE @durable_emergency(x)";
    case DURABLE_SQL_FIND_RUN:
        return "SELECT r.run AS run, r.id AS id, r.uid AS uid, r.workflow AS workflow,"
               " iif(c.run, 1, r.status) AS status, r.behaviour AS behaviour,"
               " coalesce(c.epoch, r.epoch) AS epoch, coalesce(c.token, r.token) AS token,"
               " c.owner AS owner, coalesce(c.lease_end, 0) AS lease_end,"
               " coalesce(c.claims, r.claims) AS claims, r.created AS created, r.ended AS ended,"
               " r.input_format AS input_format, r.input AS input,"
               " r.output_format AS output_format, r.output AS output,"
               " iif(c.run, NULL, r.failure) AS failure"
               " FROM @durable_runs AS r LEFT JOIN @durable_claims AS c ON c.run = r.run"
               " WHERE r.id = ?1";
    case DURABLE_SQL_CREATE_RUN:
        return "INSERT INTO @durable_runs(run, epoch, token, status, claims, request, id, uid,"
               " workflow, code_version, behaviour, queue, priority, due, created, input_format,"
               " input)"
               " SELECT next, 0, ?6, 1, 0, 0, ?1, ?2, ?3, ?4, ?5, ?3, 0, ?7, ?7, ?8, ?9"
               " FROM " NEXT_RUN_KEY " WHERE next BETWEEN 1 AND 68719476735";
    case DURABLE_SQL_TAKE_CLAIM:
        return "INSERT INTO @durable_claims(run, epoch, token, owner, lease_end, claims)"
               " SELECT run, epoch + 1, ?5, ?4, ?6, ?7 FROM @durable_runs"
               " WHERE run = ?1 AND epoch = ?2 AND token = ?3 ON CONFLICT(run) DO NOTHING";
    case DURABLE_SQL_TAKE_OVER:
        return "UPDATE @durable_claims SET epoch = epoch + 1, token = ?5, owner = ?4,"
               " lease_end = ?6, claims = ?7" OF_FENCE;
    case DURABLE_SQL_RELEASE_RUN:
        return "UPDATE @durable_runs SET status = 1, epoch = ?2, token = ?3, failure = NULL,"
               LAST_CLAIMS BEHIND_FENCE;
    case DURABLE_SQL_END_RUN:
        return "UPDATE @durable_runs SET status = ?4, epoch = ?2, token = ?3," LAST_CLAIMS
               ", ended = iif(?4 = 4, NULL, ?5), output_format = ?6, output = ?7, failure = ?8"
               BEHIND_FENCE;
    case DURABLE_SQL_DROP_CLAIM: return "DELETE FROM @durable_claims" OF_FENCE;
    case DURABLE_SQL_RENEW_LEASE: return "UPDATE @durable_claims SET lease_end = ?4" OF_FENCE;
    case DURABLE_SQL_APPEND:
        return "INSERT INTO @durable_steps(step, kind, name, format, value, low, epoch, attempt,"
               " began, took, site)"
               " SELECT ?4, ?5, ?6, ?7, ?8, ?9, ?2, ?10, ?11, ?12, ?13"
               " FROM @durable_claims" OF_FENCE;
    case DURABLE_SQL_LOOK_AT_FENCE:
        return "SELECT coalesce(c.epoch, r.epoch), coalesce(c.token, r.token),"
               " c.run IS NOT NULL, r.status"
               " FROM @durable_runs AS r LEFT JOIN @durable_claims AS c ON c.run = r.run"
               " WHERE r.run = ?1";
    case DURABLE_SQL_LOOK_AT_STEP: return "SELECT epoch FROM @durable_steps WHERE step = ?1";
    case DURABLE_SQL_LOAD:
        return "SELECT " REPLAYED FROM_STEP;
    case DURABLE_SQL_LOAD_DETAILS:
        return "SELECT " REPLAYED ", site, epoch, began" FROM_STEP;
    case DURABLE_SQL_SUMMARIZE:
        return "SELECT max(step), max(epoch) AS epoch, max(low) AS low FROM @durable_steps"
               " WHERE step BETWEEN ?1 AND ?2";
    case DURABLE_SQL_COUNT: break;
    }
    return "";
}
