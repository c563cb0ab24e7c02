/* test/support: the scenario of runs that are paused, resumed, terminated, and deleted. */
#include "support/fault_passes.h"

#include <stdio.h>

#define FAMILY "family"
#define OLD 3 /* runs that have ended */

/* ---- What the database holds in between ------------------------------------------------------ */

/* -1: it cannot be read now. */
static int64_t number(fault_world *world, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t found = -1;

    if (sqlite3_prepare_v2(world->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        found = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return found;
}

#define WITHOUT_RUN(table, run) "SELECT count(*) FROM " table " WHERE " run " NOT IN " ALL_RUNS
#define ALL_RUNS "(SELECT run FROM durable_runs)"

/* Each act is one commit: it is there, whole, or not at all. */
static void check_whole(fault_world *world)
{
    static const char *const orphans[] = {
        WITHOUT_RUN("durable_steps", "step >> 27"), WITHOUT_RUN("durable_pending", "step >> 27"),
        WITHOUT_RUN("durable_signals", "run"), WITHOUT_RUN("durable_claims", "run")};
    int64_t left = number(world, "SELECT count(*) FROM durable_runs WHERE workflow = 'old'");
    int64_t family = number(world, "SELECT count(*) FROM durable_runs WHERE id GLOB '" FAMILY "*'");
    int64_t ended = number(world, "SELECT count(*) FROM durable_runs WHERE id GLOB '" FAMILY "*'"
                                  " AND status = 9 AND failure = 'enough' AND ended NOT NULL");
    int64_t waits = number(world, "SELECT count(*) FROM durable_pending WHERE step >> 27 IN"
                                  " (SELECT run FROM durable_runs WHERE status = 9)");

    if (left > 0 && left != OLD && left != 1)
        fault_broken(world, "of %d runs %lld are left: a batch of 2 was torn", OLD,
                     (long long)left);
    if (family > 0 && family != 2) fault_broken(world, "a deletion was torn");
    if (ended > 0 && ended != 2) fault_broken(world, "a termination was torn");
    if (waits > 0) fault_broken(world, "a terminated run waits");
    for (size_t i = 0; i < sizeof orphans / sizeof orphans[0]; i++)
        if (number(world, orphans[i]) > 0)
            fault_broken(world, "rows are left of what was deleted: %s", orphans[i]);
}

/* ---- The runs ------------------------------------------------------------------------------ */

static int waiting_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    int64_t value = 0;

    DUR_STEP (run, "worked", value) {
        fault_effect(world, "worked");
        value = 11;
    }
    fault_passed(world, run, "worked");
    if (dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    fault_acknowledge(world, "go");
    DUR_STEP (run, "after") fault_effect(world, "after");
    fault_passed(world, run, "after");
    return fault_give_output(run, fault_mix(1, &value, sizeof value));
}

static int child_workflow(dur_run *run, void *user)
{
    (void)user;
    DUR_STEP (run, "of the child") {}
    if (dur_receive(run, "never", DUR_FOREVER, NULL) != DUR_OK) return 0;
    return 0;
}

static int family_workflow(dur_run *run, void *user)
{
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    int code = dur_call(run, "child", &options, child_workflow, user, NULL);

    return code == DUR_OK ? 0 : 1;
}

static int old_workflow(dur_run *run, void *user)
{
    (void)user;
    DUR_STEP (run, "of an old one") {}
    return 0;
}

static int put_family(fault_world *world, const char *id)
{
    int code = dur_execute(world->log, "family", id, NULL, family_workflow, world);

    return code == DUR_SUSPENDED ? DUR_OK : code;
}

static int put_old(fault_world *world, const char *prefix, int count)
{
    int code = DUR_OK;

    for (int i = 0; i < count && code == DUR_OK; i++) {
        char id[32];

        snprintf(id, sizeof id, "%s-%d", prefix, i);
        code = dur_execute(world->log, "old", id, NULL, old_workflow, world);
    }
    return code;
}

int fault_control_begun(fault_world *world)
{
    int code = put_family(world, FAMILY);

    if (code == DUR_OK) code = put_old(world, "old", OLD);
    return code == DUR_OK ? fault_execute(world, waiting_workflow) : code;
}

/* ---- The acts ------------------------------------------------------------------------------ */

/* Whoever was told of an error cannot know whether it was done: it may be asked for again. */
static int done(int code)
{
    return code == DUR_REPLAYED || code == DUR_NOT_FOUND ? DUR_OK : code;
}

static int pause_and_resume(fault_world *world)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    int code = done(dur_pause(world->log, FAULT_ID));

    if (code == DUR_OK) code = dur_read_run(world->log, FAULT_ID, &info);
    if (code != DUR_OK) return code;
    if (!info.paused || info.wake_ms) fault_broken(world, "it is not paused, or due");
    code = fault_execute(world, waiting_workflow);
    if (code != DUR_SUSPENDED) return code;
    return done(dur_resume(world->log, FAULT_ID));
}

static int retain(fault_world *world)
{
    dur_retention retention = DUR_RETENTION_INIT;
    int64_t deleted = 2;
    int code = DUR_OK;

    retention.workflow = "old";
    retention.max_runs = 2;
    while (code == DUR_OK && deleted == 2) {
        code = dur_retain(world->log, &retention, &deleted);
        if (code != DUR_OK && deleted) fault_broken(world, "an error, and runs that are deleted");
    }
    if (code == DUR_OK && number(world, "SELECT count(*) FROM durable_runs"
                                        " WHERE workflow = 'old'") > 0)
        fault_broken(world, "runs are left, and none was there to be deleted");
    return code;
}

static int send_go(fault_world *world)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;
    int code;

    options.key = "once";
    code = dur_signal(world->log, FAULT_ID, "go", dur_null(), &options);
    return code == DUR_REPLAYED ? DUR_OK : code;
}

static int act(fault_world *world, const char *family)
{
    int code = done(dur_terminate(world->log, family, "enough"));

    if (code == DUR_OK) code = done(dur_delete(world->log, family));
    return code == DUR_OK ? retain(world) : code;
}

/* A run that has ended answers so, once the pass has come to its end before. */
int fault_control_pass(fault_world *world)
{
    int code;

    check_whole(world);
    code = pause_and_resume(world);
    if (code == DUR_ENDED || code == DUR_OK) code = act(world, FAMILY);
    check_whole(world);
    if (code == DUR_OK) code = send_go(world);
    return code == DUR_OK || code == DUR_ENDED ? fault_execute(world, waiting_workflow) : code;
}

/* The same over other runs, so that the log has its statements. */
int fault_control_other(fault_world *world)
{
    dur_retention none = DUR_RETENTION_INIT;
    int code = put_family(world, "warm-family");

    none.workflow = "none";
    if (code == DUR_OK) code = dur_retain(world->log, &none, NULL);
    if (code == DUR_OK) code = dur_pause(world->log, "warm-family");
    if (code == DUR_OK) code = dur_resume(world->log, "warm-family");
    if (code == DUR_OK) code = dur_terminate(world->log, "warm-family", NULL);
    return code == DUR_OK ? dur_delete(world->log, "warm-family") : code;
}
