/* test/support: scenarios inside the host's transaction. */
#include "support/fault_passes.h"

/* ---- host-commit, host-rollback: inside the host's transaction ----------------------------- */

static int in_transaction(fault_world *world, const char *end)
{
    int code;

    if (fault_host_sql(world, "BEGIN; CREATE TABLE IF NOT EXISTS business(x); "
                              "INSERT INTO business VALUES (1)") != SQLITE_OK) {
        fault_host_sql(world, "ROLLBACK");
        return FAULT_HOST_FAILED;
    }
    code = fault_values_pass(world);
    if (sqlite3_get_autocommit(world->db)) {
        fault_unacknowledge_all(world);
        return code == DUR_OK ? DUR_MISUSE : code; /* it vanished: OK would be a lie */
    }
    if (code == DUR_OK && fault_host_sql(world, end) == SQLITE_OK && strcmp(end, "COMMIT") == 0)
        return code;
    fault_unacknowledge_all(world);
    world->output[0] = '\0';
    if (!sqlite3_get_autocommit(world->db))
        fault_host_sql(world, "ROLLBACK");
    else if (code == DUR_OK && strcmp(end, "ROLLBACK") == 0)
        return code;
    return code == DUR_OK ? FAULT_HOST_FAILED : code;
}

int fault_host_commit_pass(fault_world *world)
{
    return in_transaction(world, "COMMIT");
}

int fault_host_rollback_pass(fault_world *world)
{
    return in_transaction(world, "ROLLBACK");
}
