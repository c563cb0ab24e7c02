/* store/sqlite: every statement that runs more than once. @ stands for the schema. */
#include "store/sqlite/statements.h"

/* The next key lies above the runs and above the steps, so that a run deleted by hand, whose steps
 * were forgotten, does not leave them to a stranger. */
#define NEXT_RUN_KEY                                                                               \
    "(SELECT max(coalesce((SELECT max(run) FROM @durable_runs), 0),"                               \
    " coalesce((SELECT max(step) FROM @durable_steps) >> 27, 0)) + 1 AS next)"

DURABLE_INTERNAL const char *durable_statement_text(durable_statement which)
{
    switch (which) {
    case DURABLE_SQL_BEGIN: return "BEGIN IMMEDIATE";
    case DURABLE_SQL_COMMIT: return "COMMIT";
    case DURABLE_SQL_ROLLBACK: return "ROLLBACK";
    case DURABLE_SQL_SAVEPOINT: return "SAVEPOINT durable_write";
    case DURABLE_SQL_RELEASE: return "RELEASE durable_write";
    case DURABLE_SQL_ROLLBACK_TO: return "ROLLBACK TO durable_write";
    case DURABLE_SQL_FIND_RUN:
        return "SELECT run, id, uid, workflow, status, behaviour, epoch, token, owner, lease_end,"
               " claims, created, ended, input_format, input, output_format, output, failure"
               " FROM @durable_runs WHERE id = ?1";
    case DURABLE_SQL_CREATE_RUN:
        return "INSERT INTO @durable_runs(run, id, uid, workflow, code_version, behaviour, status,"
               " request, queue, priority, due, owner, epoch, token, lease_end, claims, created,"
               " input_format, input)"
               " SELECT next, ?1, ?2, ?3, ?4, ?5, 1, 0, ?3, 0, ?9, ?6, 1, ?7, ?8, 1, ?9, ?10, ?11"
               " FROM " NEXT_RUN_KEY " WHERE next BETWEEN 1 AND 68719476735";
    case DURABLE_SQL_CLAIM_RUN:
        return "UPDATE @durable_runs SET status = 1, owner = ?4, epoch = epoch + 1, token = ?5,"
               " lease_end = ?6, claims = ?7, failure = NULL, ended = NULL"
               " WHERE run = ?1 AND epoch = ?2 AND token = ?3";
    case DURABLE_SQL_RELEASE_RUN:
        return "UPDATE @durable_runs SET owner = NULL, lease_end = 0"
               " WHERE run = ?1 AND epoch = ?2 AND token = ?3";
    case DURABLE_SQL_END_RUN:
        return "UPDATE @durable_runs SET status = ?4, owner = NULL, lease_end = 0,"
               " ended = CASE ?4 WHEN 4 THEN NULL ELSE ?5 END,"
               " output_format = ?6, output = ?7, failure = ?8"
               " WHERE run = ?1 AND epoch = ?2 AND token = ?3";
    case DURABLE_SQL_RENEW_LEASE:
        return "UPDATE @durable_runs SET lease_end = ?4"
               " WHERE run = ?1 AND epoch = ?2 AND token = ?3";
    case DURABLE_SQL_APPEND:
        return "INSERT INTO @durable_steps(step, kind, outcome, name, format, value, low, epoch,"
               " attempt, began, took, site)"
               " SELECT ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?2, ?11, ?12, ?13, ?14"
               " FROM @durable_runs WHERE run = ?1 AND epoch = ?2 AND token = ?3";
    case DURABLE_SQL_LOOK_AT_FENCE:
        return "SELECT epoch, token FROM @durable_runs WHERE run = ?1";
    case DURABLE_SQL_LOOK_AT_STEP: return "SELECT epoch FROM @durable_steps WHERE step = ?1";
    case DURABLE_SQL_LOAD:
        return "SELECT step, kind, outcome, name, format, value FROM @durable_steps"
               " WHERE step BETWEEN ?1 AND ?2 ORDER BY step LIMIT ?3";
    case DURABLE_SQL_LOAD_DETAILS:
        return "SELECT step, kind, outcome, name, format, value, site, epoch, began"
               " FROM @durable_steps WHERE step BETWEEN ?1 AND ?2 ORDER BY step LIMIT ?3";
    case DURABLE_SQL_SUMMARIZE:
        return "SELECT max(step), max(epoch) AS epoch, max(low) AS low FROM @durable_steps"
               " WHERE step BETWEEN ?1 AND ?2";
    case DURABLE_SQL_COUNT: break;
    }
    return "";
}
