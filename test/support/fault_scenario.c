/* test/support: what a host does with the library, in scenarios that faults are swept over. */
#include "support/fault_passes.h"

#include "support/fault_vfs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- The world ----------------------------------------------------------------------------- */

int fault_host_sql(fault_world *world, const char *sql)
{
    return sqlite3_exec(world->db, sql, NULL, NULL, NULL);
}

static int attach(fault_world *world)
{
    char *sql = sqlite3_mprintf("ATTACH '%q-side' AS %s", world->path, world->scenario->schema);
    int code = sql ? fault_host_sql(world, sql) : SQLITE_NOMEM;

    sqlite3_free(sql);
    return code;
}

static int set_journal_mode(fault_world *world)
{
    char sql[100];

    snprintf(sql, sizeof sql, "PRAGMA journal_mode = %s", world->journal_mode);
    return fault_host_sql(world, sql);
}

int fault_world_connect(fault_world *world)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int code = sqlite3_open_v2(world->path, &world->db, flags, FAULT_VFS_NAME);

    if (code == SQLITE_OK && world->scenario->schema) code = attach(world);
    if (code == SQLITE_OK && world->journal_mode) code = set_journal_mode(world);
    return code;
}

int fault_world_open(fault_world *world)
{
    dur_options options = DUR_OPTIONS_INIT;

    fake_clock_install(&world->clock, &options);
    options.schema = world->scenario->schema;
    options.lease_ms = world->scenario->lease_ms;
    options.shared_commit_steps = world->scenario->shared_steps;
    options.code_version = "1";
    return dur_open(world->db, &options, &world->log);
}

void fault_world_close(fault_world *world)
{
    dur_close(world->log);
    dur_close_run(world->open_run);
    world->open_run = NULL;
    world->log = NULL;
}

int fault_world_disconnect(fault_world *world)
{
    int code = sqlite3_close(world->db);

    if (code == SQLITE_OK) world->db = NULL;
    return code;
}

const fault_tally *fault_world_tally(const fault_world *world, const char *name)
{
    for (size_t i = 0; i < world->tally_count; i++)
        if (strcmp(world->tallies[i].name, name) == 0) return &world->tallies[i];
    return NULL;
}

static fault_tally *tally(fault_world *world, const char *name)
{
    fault_tally *found = (fault_tally *)fault_world_tally(world, name);

    if (found) return found;
    if (world->tally_count == FAULT_TALLIES_MAX) abort();
    found = &world->tallies[world->tally_count++];
    snprintf(found->name, sizeof found->name, "%s", name);
    return found;
}

void fault_effect(fault_world *world, const char *name)
{
    fault_tally *found = tally(world, name);

    if (found->acknowledged && !world->scenario->repeats)
        fault_broken(world, "'%s' ran after it had been acknowledged", name);
    found->executed++;
}

void fault_broken(fault_world *world, const char *format, ...)
{
    va_list arguments;

    if (world->broken[0]) return;
    va_start(arguments, format);
    vsnprintf(world->broken, sizeof world->broken, format, arguments);
    va_end(arguments);
}

void fault_acknowledge(fault_world *world, const char *name)
{
    tally(world, name)->acknowledged = true;
}

void fault_passed(fault_world *world, dur_run *run, const char *name)
{
    if (dur_ok(run)) fault_acknowledge(world, name);
}

void fault_unacknowledge_all(fault_world *world)
{
    for (size_t i = 0; i < world->tally_count; i++)
        world->tallies[i].acknowledged = false;
}

/* ---- Digests: every byte of every value ends up in the run's output ------------------------ */

uint64_t fault_mix(uint64_t digest, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < count; i++)
        digest = (digest ^ at[i]) * UINT64_C(1099511628211); /* FNV-1a */
    return digest;
}

uint64_t fault_mix_value(uint64_t digest, dur_value value)
{
    digest = fault_mix(digest, &value.type, sizeof value.type);
    if (value.type == DUR_TEXT || value.type == DUR_BLOB || value.type == DUR_OBJECT)
        return fault_mix(digest, value.as.bytes, value.length);
    return fault_mix(digest, &value.as.integer, sizeof value.as.integer);
}

int fault_give_output(dur_run *run, uint64_t digest)
{
    char text[32];

    if (!dur_ok(run)) return 1;
    snprintf(text, sizeof text, "%016llx", (unsigned long long)digest);
    return dur_set_output(run, dur_text(text)) == DUR_OK ? 0 : 1;
}

int fault_note_output(fault_world *world, int code)
{
    dur_value output = dur_output(world->log);

    if (code == DUR_OK && output.type == DUR_TEXT)
        snprintf(world->output, sizeof world->output, "%s", (const char *)output.as.bytes);
    return code;
}

int fault_execute(fault_world *world, dur_workflow *workflow)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.input = dur_text("what the run was started with");
    return fault_note_output(
        world, dur_execute(world->log, world->scenario->name, FAULT_ID, &start, workflow, world));
}

/* It is due at the time that the log gives, and not before; the clock is never set back. */
static int wait_until_due(fault_world *world)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    int code = dur_read_run(world->log, FAULT_ID, &info);

    if (code != DUR_OK) return code;
    if (info.status != DUR_RUN_SUSPENDED || info.wake_ms == 0) return DUR_SUSPENDED;
    if (info.wake_ms > world->clock.now_ms) world->clock.now_ms = info.wake_ms;
    return DUR_OK;
}

int fault_drive(fault_world *world, dur_workflow *workflow)
{
    int code = fault_execute(world, workflow);

    for (int i = 0; i < 8 && code == DUR_SUSPENDED; i++) {
        code = wait_until_due(world);
        if (code == DUR_OK) code = fault_execute(world, workflow);
    }
    return code;
}

bool fault_worth_a_second_try(int code)
{
    return code == DUR_BUSY || code == DUR_NOMEM || code == DUR_FULL || code == DUR_IOERR ||
           code == DUR_DATABASE;
}

/* ---- Warming up ---------------------------------------------------------------------------- */

static int warm_workflow(dur_run *run, void *user)
{
    (void)user;
    DUR_STEP (run, "warm")
        ;
    return 0;
}

int fault_world_warm_up(fault_world *world)
{
    fault_pass *more = world->scenario->warm_too;
    int code = dur_execute(world->log, "warm", "warm-run", NULL, warm_workflow, NULL);

    return code == DUR_OK && more ? more(world) : code;
}

const fault_scenario fault_scenarios[] = {
    {.name = "open", .pass = fault_loop_pass, .steps = 2, .opens = true, .thin = true},
    {.name = "values",
     .prepare = fault_read_pass,
     .pass = fault_values_pass,
     .memory_only = true,
     .warm = true},
    {.name = "large",
     .prepare = fault_read_pass,
     .pass = fault_large_pass,
     .large = true,
     .warm = true},
    {.name = "caught", .prepare = fault_read_pass, .pass = fault_caught_pass, .warm = true},
    {.name = "failed",
     .prepare = fault_read_pass,
     .pass = fault_failed_pass,
     .expected = DUR_FAILED,
     .warm = true},
    {.name = "resume",
     .prepare = fault_half_loop_pass,
     .pass = fault_loop_pass,
     .steps = 6,
     .prepared = 3},
    {.name = "long", /* more than one batch of a replay */
     .prepare = fault_half_loop_pass,
     .pass = fault_loop_pass,
     .steps = 62,
     .prepared = 60,
     .large = true,
     .warm = true},
    {.name = "takeover",
     .prepare = fault_half_loop_pass,
     .pass = fault_loop_pass,
     .steps = 4,
     .prepared = 2,
     .claimed_by_dead = true},
    {.name = "diverged",
     .prepare = fault_half_loop_pass,
     .pass = fault_diverged_pass,
     .expected = DUR_DIVERGED,
     .finish = fault_loop_pass,
     .steps = 6,
     .prepared = 4,
     .executes_nothing = true,
     .warm = true},
    {.name = "explicit", .prepare = fault_read_pass, .pass = fault_explicit_pass, .warm = true},
    {.name = "host-commit",
     .prepare = fault_read_pass,
     .pass = fault_host_commit_pass,
     .repeats = true},
    {.name = "host-rollback",
     .prepare = fault_read_pass,
     .pass = fault_host_rollback_pass,
     .finish = fault_values_pass,
     .repeats = true},
    {.name = "read",
     .prepare = fault_loop_pass,
     .pass = fault_read_pass,
     .steps = 4,
     .executes_nothing = true,
     .opens = true},
    {.name = "attached",
     .pass = fault_loop_pass,
     .steps = 2,
     .schema = "side",
     .opens = true,
     .files_only = true},
    {.name = "renewal",
     .prepare = fault_read_pass,
     .pass = fault_renewal_pass,
     .lease_ms = 60000,
     .warm = true},
    {.name = "transfer",
     .prepare = fault_transfer_begun,
     .pass = fault_transfer_pass,
     .transactional = true,
     .warm = true},
    {.name = "shared",
     .prepare = fault_transfer_begun,
     .pass = fault_transfer_pass,
     .transactional = true,
     .shared_steps = 2,
     .warm = true,
     .thin = true},
    {.name = "retry",
     .prepare = fault_retry_begun,
     .pass = fault_retry_pass,
     .warm = true,
     .thin = true},
    {.name = "timer",
     .prepare = fault_timer_begun,
     .pass = fault_timer_pass,
     .warm = true,
     .thin = true},
    {.name = "receive",
     .prepare = fault_receive_begun,
     .pass = fault_receive_pass,
     .warm = true,
     .thin = true},
    {.name = "select",
     .prepare = fault_select_begun,
     .pass = fault_select_pass,
     .warm = true,
     .thin = true},
    {.name = "callback",
     .prepare = fault_read_pass,
     .pass = fault_callback_pass,
     .warm = true,
     .thin = true},
    {.name = "once",
     .prepare = fault_once_begun,
     .pass = fault_once_pass,
     .warm = true,
     .thin = true},
    {.name = "branches",
     .prepare = fault_branches_begun,
     .pass = fault_branches_pass,
     .warm = true,
     .thin = true},
    {.name = "called",
     .prepare = fault_called_begun,
     .pass = fault_called_pass,
     .warm = true,
     .thin = true},
    {.name = "started",
     .prepare = fault_read_pass,
     .pass = fault_started_pass,
     .warm = true,
     .thin = true},
    {.name = "continued",
     .prepare = fault_continued_begun,
     .pass = fault_continued_pass,
     .warm = true,
     .thin = true},
    {.name = "undone",
     .prepare = fault_read_pass,
     .pass = fault_undone_pass,
     .expected = DUR_FAILED,
     .large = true,
     .warm = true,
     .thin = true},
    {.name = "restart",
     .prepare = fault_restart_begun,
     .pass = fault_restart_pass,
     .large = true,
     .warm = true,
     .warm_too = fault_restart_other,
     .thin = true},
    {.name = "patched",
     .prepare = fault_patched_begun,
     .pass = fault_patched_pass,
     .warm = true,
     .thin = true},
    {.name = "control",
     .prepare = fault_control_begun,
     .pass = fault_control_pass,
     .warm = true,
     .warm_too = fault_control_other,
     .thin = true},
    {.name = "work",
     .prepare = fault_read_pass,
     .pass = fault_work_pass,
     .warm = true,
     .thin = true},
};
const size_t fault_scenario_count = sizeof fault_scenarios / sizeof fault_scenarios[0];
