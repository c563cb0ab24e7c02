/* test/support: scenarios of transactional steps: money in the host's own table, which is moved
 * with the step's record or not at all; see fault_look(). */
#include "support/fault_passes.h"

#include <stdio.h>

int fault_transfer_begun(fault_world *world)
{
    return fault_host_sql(world, "CREATE TABLE accounts (name TEXT PRIMARY KEY, cents INTEGER);"
                                 "INSERT INTO accounts VALUES ('ann', 1000), ('bob', 0)");
}

/* What the host cannot do it tries again in another pass; the library need not know why. */
static void move(fault_world *world, dur_run *run, int64_t cents)
{
    char sql[200];

    snprintf(sql, sizeof sql,
             "UPDATE accounts SET cents = cents - %lld WHERE name = 'ann';"
             "UPDATE accounts SET cents = cents + %lld WHERE name = 'bob'",
             (long long)cents, (long long)cents);
    if (fault_host_sql(world, sql) != SQLITE_OK) dur_stop(run, "the bank is closed");
}

/* Sharing a commit, OK does not mean durable. */
static void moved(fault_world *world, dur_run *run, const char *name)
{
    if (world->scenario->shared_steps == 0) fault_passed(world, run, name);
}

static void transfer(fault_world *world, dur_run *run, const char *name, int64_t *cents)
{
    int64_t amount = *cents;

    DUR_TX_STEP(run, name, *cents)
    {
        fault_effect(world, name);
        move(world, run, amount);
        *cents = amount;
    }
    moved(world, run, name);
}

static void transfer_in_vain(fault_world *world, dur_run *run)
{
    DUR_TX_STEP(run, "in-vain")
    {
        fault_effect(world, "in-vain");
        move(world, run, 500);
        dur_fail(run, "bob is not at home");
    }
    if (dur_catch(run)) moved(world, run, "in-vain");
}

static int transfer_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    int64_t cents[] = {1, 20, 300};
    bool receipt = false;

    transfer(world, run, "transfer-1", &cents[0]);
    transfer_in_vain(world, run);
    transfer(world, run, "transfer-2", &cents[1]);
    transfer(world, run, "transfer-3", &cents[2]);
    DUR_STEP(run, "receipt", receipt)
    {
        fault_effect(world, "receipt");
        receipt = true;
    }
    fault_passed(world, run, "receipt");
    return fault_give_output(run, fault_mix(fault_mix(1, cents, sizeof cents), &receipt, 1));
}

int fault_transfer_pass(fault_world *world)
{
    int code = fault_execute(world, transfer_workflow);

    return code == DUR_STOPPED ? FAULT_HOST_FAILED : code;
}
