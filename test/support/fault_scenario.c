/* test/support: what a host does with the library, in scenarios that faults are swept over. */
#include "support/fault_scenario.h"

#include "support/fault_vfs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LARGE_BYTES 20000

/* ---- The world ----------------------------------------------------------------------------- */

static int host_sql(fault_world *world, const char *sql)
{
    return sqlite3_exec(world->db, sql, NULL, NULL, NULL);
}

static int attach(fault_world *world)
{
    char *sql = sqlite3_mprintf("ATTACH '%q-side' AS %s", world->path, world->scenario->schema);
    int code = sql ? host_sql(world, sql) : SQLITE_NOMEM;

    sqlite3_free(sql);
    return code;
}

static int set_journal_mode(fault_world *world)
{
    char sql[100];

    snprintf(sql, sizeof sql, "PRAGMA journal_mode = %s", world->journal_mode);
    return host_sql(world, sql);
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

/* The step's effect on the world outside the database. */
static void effect(fault_world *world, const char *name)
{
    tally(world, name)->executed++;
}

static void acknowledge(fault_world *world, const char *name)
{
    tally(world, name)->acknowledged = true;
}

/* After a DUR_STEP: a run that goes on says that the step is recorded. */
static void passed(fault_world *world, dur_run *run, const char *name)
{
    if (dur_ok(run)) acknowledge(world, name);
}

/* What was acknowledged in a transaction that is gone is not recorded. */
static void unacknowledge_all(fault_world *world)
{
    for (size_t i = 0; i < world->tally_count; i++)
        world->tallies[i].acknowledged = false;
}

/* ---- Digests: every byte of every value ends up in the run's output ------------------------ */

static uint64_t mix(uint64_t digest, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < count; i++)
        digest = (digest ^ at[i]) * UINT64_C(1099511628211); /* FNV-1a */
    return digest;
}

static uint64_t mix_value(uint64_t digest, dur_value value)
{
    digest = mix(digest, &value.type, sizeof value.type);
    if (value.type == DUR_TEXT || value.type == DUR_BLOB || value.type == DUR_OBJECT)
        return mix(digest, value.as.bytes, value.length);
    return mix(digest, &value.as.integer, sizeof value.as.integer);
}

static int give_output(dur_run *run, uint64_t digest)
{
    char text[32];

    if (!dur_ok(run)) return 1;
    snprintf(text, sizeof text, "%016llx", (unsigned long long)digest);
    return dur_set_output(run, dur_text(text)) == DUR_OK ? 0 : 1;
}

static int note_output(fault_world *world, int code)
{
    dur_value output = dur_output(world->log);

    if (code == DUR_OK && output.type == DUR_TEXT)
        snprintf(world->output, sizeof world->output, "%s", (const char *)output.as.bytes);
    return code;
}

static int execute(fault_world *world, dur_workflow *workflow)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.input = dur_text("what the run was started with");
    return note_output(
        world, dur_execute(world->log, world->scenario->name, FAULT_ID, &start, workflow, world));
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
    return dur_execute(world->log, "warm", "warm-run", NULL, warm_workflow, NULL);
}

/* ---- values: steps of each kind, on a database that has no log yet ------------------------- */

struct point {
    int32_t x, y;
};

static uint64_t value_numbers(dur_run *run, fault_world *world, uint64_t digest)
{
    int64_t integer = 0;
    uint64_t large = 0;
    double real = 0;
    bool flag = false;

    DUR_STEP (run, "integer", integer) {
        effect(world, "integer");
        integer = -7;
    }
    passed(world, run, "integer");
    DUR_STEP (run, "unsigned", large) {
        effect(world, "unsigned");
        large = UINT64_MAX;
    }
    passed(world, run, "unsigned");
    DUR_STEP (run, "real", real) {
        effect(world, "real");
        real = -0.0;
    }
    passed(world, run, "real");
    DUR_STEP (run, "flag", flag) {
        effect(world, "flag");
        flag = true;
    }
    passed(world, run, "flag");
    digest = mix(digest, &integer, sizeof integer);
    digest = mix(digest, &large, sizeof large);
    digest = mix(digest, &real, sizeof real);
    return mix(digest, &flag, sizeof flag);
}

static uint64_t value_bytes(dur_run *run, fault_world *world, uint64_t digest)
{
    const char *text = NULL;
    char chars[16];
    struct point point;
    dur_value blob;
    double not_a_number = 0;

    DUR_STEP (run, "text", text) {
        effect(world, "text");
        text = "a text";
    }
    passed(world, run, "text");
    DUR_STEP (run, "chars", chars) {
        effect(world, "chars");
        strcpy(chars, "chars");
    }
    passed(world, run, "chars");
    DUR_STEP (run, "object", point) {
        effect(world, "object");
        point.x = 3;
        point.y = 4;
    }
    passed(world, run, "object");
    DUR_STEP (run, "blob", blob) {
        effect(world, "blob");
        blob = dur_text_n("nul\0 and \xff", 10);
    }
    passed(world, run, "blob");
    DUR_STEP (run, "nan", not_a_number) {
        effect(world, "nan");
        not_a_number = (double)NAN;
    }
    passed(world, run, "nan");
    DUR_STEP (run, "nothing")
        effect(world, "nothing");
    passed(world, run, "nothing");
    digest = text ? mix(digest, text, strlen(text)) : digest;
    digest = mix(digest, chars, strlen(chars));
    digest = mix(digest, &point, sizeof point);
    return mix_value(mix(digest, &not_a_number, sizeof not_a_number), blob);
}

static int values_workflow(dur_run *run, void *user)
{
    uint64_t digest = mix_value(1, dur_input(run));

    digest = value_numbers(run, user, digest);
    if (dur_ok(run)) digest = value_bytes(run, user, digest);
    return give_output(run, digest);
}

static int values_pass(fault_world *world)
{
    return execute(world, values_workflow);
}

/* ---- large: text and blobs larger than a page ---------------------------------------------- */

static char *large_text(char fill)
{
    char *text = malloc(LARGE_BYTES + 1);

    if (!text) abort();
    memset(text, fill, LARGE_BYTES);
    text[LARGE_BYTES] = '\0';
    return text;
}

static int large_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    const char *text = NULL;
    dur_value blob;
    uint64_t digest = 1;

    DUR_STEP (run, "large-text", text) {
        effect(world, "large-text");
        text = dur_own(run, large_text('t'), free);
    }
    passed(world, run, "large-text");
    DUR_STEP (run, "large-blob", blob) {
        char *bytes = dur_own(run, large_text('b'), free);

        effect(world, "large-blob");
        blob = dur_blob(bytes, bytes ? LARGE_BYTES : 0);
    }
    passed(world, run, "large-blob");
    if (dur_ok(run)) digest = mix_value(mix(digest, text, strlen(text)), blob);
    return give_output(run, digest);
}

static int large_pass(fault_world *world)
{
    return execute(world, large_workflow);
}

/* ---- caught, failed: a failed step that is handled, and one that is not -------------------- */

static int caught_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    const char *message;
    int64_t after = 0;
    uint64_t digest = 1;

    DUR_STEP (run, "fails") {
        effect(world, "fails");
        dur_fail(run, "no answer after %d tries", 3);
    }
    message = dur_catch(run);
    if (message) {
        acknowledge(world, "fails");
        digest = mix(digest, message, strlen(message));
    }
    DUR_STEP (run, "after", after) {
        effect(world, "after");
        after = 5;
    }
    passed(world, run, "after");
    return give_output(run, mix(digest, &after, sizeof after));
}

static int caught_pass(fault_world *world)
{
    return execute(world, caught_workflow);
}

static int failed_workflow(dur_run *run, void *user)
{
    fault_world *world = user;

    DUR_STEP (run, "first")
        effect(world, "first");
    passed(world, run, "first");
    DUR_STEP (run, "fails") {
        effect(world, "fails");
        dur_fail(run, "out of paper");
    }
    DUR_STEP (run, "never")
        effect(world, "never");
    return 0;
}

static int failed_pass(fault_world *world)
{
    int code = execute(world, failed_workflow);

    if (code == DUR_FAILED) acknowledge(world, "fails");
    return code;
}

/* ---- resume: a loop of function steps, half of it done ------------------------------------- */

typedef struct loop_step {
    fault_world *world;
    const char *name;
    int64_t number;
} loop_step;

static int loop_body(dur_step *step, void *user)
{
    loop_step *this_step = user;
    char text[150];

    effect(this_step->world, this_step->name);
    snprintf(text, sizeof text, "answer %lld%*s", (long long)this_step->number,
             this_step->world->scenario->large ? 100 : 1, ".");
    return dur_record_result(step, dur_text(text));
}

static int loop(dur_run *run, fault_world *world, int64_t count, uint64_t *digest)
{
    int code = DUR_OK;

    for (int64_t i = 0; i < count && code == DUR_OK; i++) {
        uint64_t mark = dur_mark(run);
        char name[32];
        loop_step this_step = {world, name, i};
        dur_value value;

        snprintf(name, sizeof name, "loop-%lld", (long long)i);
        code = dur_replay_or_run(run, name, NULL, loop_body, &this_step, &value);
        if (code == DUR_OK) {
            acknowledge(world, name);
            *digest = mix_value(*digest, value);
        }
        dur_release(run, mark);
    }
    return code;
}

static int loop_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    uint64_t digest = 1;

    if (loop(run, world, world->scenario->steps, &digest) != DUR_OK) return 1;
    return give_output(run, digest);
}

static int half_loop_pass(fault_world *world)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_run *run = NULL;
    uint64_t digest = 1;
    int code;

    start.input = dur_text("what the run was started with");
    code = dur_begin_run(world->log, world->scenario->name, FAULT_ID, &start, &run);
    if (code == DUR_OK) code = loop(run, world, world->scenario->prepared, &digest);
    if (world->scenario->claimed_by_dead)
        world->open_run = run;
    else
        dur_close_run(run);
    return code;
}

static int loop_pass(fault_world *world)
{
    return execute(world, loop_workflow);
}

/* ---- diverged: code that no longer matches the half-done loop ------------------------------ */

static int diverging_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    uint64_t digest = 1;

    if (loop(run, world, 1, &digest) != DUR_OK) return 1;
    DUR_STEP (run, "inserted")
        effect(world, "inserted");
    DUR_STEP (run, "loop-1")
        effect(world, "loop-1");
    DUR_STEP (run, "loop-2")
        effect(world, "loop-2");
    return 0;
}

static int diverged_pass(fault_world *world)
{
    return execute(world, diverging_workflow);
}

/* ---- explicit: the verbs without a callback, several steps open at once -------------------- */

static bool worth_a_second_try(int code)
{
    return code == DUR_BUSY || code == DUR_NOMEM || code == DUR_FULL || code == DUR_IOERR ||
           code == DUR_DATABASE;
}

static int record(fault_world *world, dur_step *step, const char *name, dur_value value)
{
    int code = dur_record_result(step, value);

    if (worth_a_second_try(code)) code = dur_record_result(step, value);
    if (code == DUR_OK) acknowledge(world, name);
    return code;
}

/* A step that is replayed needs no record; one that is executed gets its effect now. */
static int begin(fault_world *world, dur_run *run, const char *name, dur_step **step)
{
    int code = dur_begin_step(run, name, NULL, step);

    if (code == DUR_EXECUTE)
        effect(world, name);
    else if (code == DUR_REPLAYED)
        *step = NULL;
    return code == DUR_EXECUTE || code == DUR_REPLAYED ? DUR_OK : code;
}

static int explicit_steps(fault_world *world, dur_run *run)
{
    static const char *const names[] = {"open-a", "open-b", "open-c", "open-d"};
    static const int order[] = {2, 0, 3, 1};
    dur_step *steps[4] = {NULL, NULL, NULL, NULL};
    int code = DUR_OK;
    int recorded = DUR_OK;

    for (int i = 0; i < 4 && code == DUR_OK; i++)
        code = begin(world, run, names[i], &steps[i]);
    for (int i = 0; i < 4; i++) {
        int at = order[i];
        int result = steps[at] ? record(world, steps[at], names[at], dur_integer(at)) : DUR_OK;

        if (recorded == DUR_OK) recorded = result;
    }
    return code != DUR_OK ? code : recorded;
}

static int explicit_pass(fault_world *world)
{
    dur_run *run = NULL;
    int code = dur_begin_run(world->log, world->scenario->name, FAULT_ID, NULL, &run);

    if (code == DUR_REPLAYED) return note_output(world, DUR_OK);
    if (code != DUR_OK) return code;
    code = explicit_steps(world, run);
    if (code == DUR_OK) code = dur_complete_run(run, dur_text("explicit"));
    if (worth_a_second_try(code)) code = dur_complete_run(run, dur_text("explicit"));
    note_output(world, code);
    dur_close_run(run);
    return code;
}

/* ---- host-commit, host-rollback: inside the host's transaction ----------------------------- */

static int in_transaction(fault_world *world, const char *end)
{
    int code;

    if (host_sql(world, "BEGIN; CREATE TABLE IF NOT EXISTS business(x); "
                        "INSERT INTO business VALUES (1)") != SQLITE_OK) {
        host_sql(world, "ROLLBACK");
        return FAULT_HOST_FAILED;
    }
    code = execute(world, values_workflow);
    if (sqlite3_get_autocommit(world->db)) {
        unacknowledge_all(world);
        return code == DUR_OK ? DUR_MISUSE : code; /* it vanished: OK would be a lie */
    }
    if (code == DUR_OK && host_sql(world, end) == SQLITE_OK && strcmp(end, "COMMIT") == 0)
        return code;
    unacknowledge_all(world);
    world->output[0] = '\0';
    if (!sqlite3_get_autocommit(world->db))
        host_sql(world, "ROLLBACK");
    else if (code == DUR_OK && strcmp(end, "ROLLBACK") == 0)
        return code;
    return code == DUR_OK ? FAULT_HOST_FAILED : code;
}

static int host_commit_pass(fault_world *world)
{
    return in_transaction(world, "COMMIT");
}

static int host_rollback_pass(fault_world *world)
{
    return in_transaction(world, "ROLLBACK");
}

/* ---- read: a finished run is read ---------------------------------------------------------- */

static int read_pass(fault_world *world)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    int code = dur_read_run(world->log, FAULT_ID, &info);

    if (code != DUR_OK) return code;
    if (info.status != DUR_COMPLETED || !info.workflow || info.output.type != DUR_TEXT ||
        info.input.type != DUR_TEXT || info.ended_ms == 0)
        return DUR_CORRUPT;
    snprintf(world->output, sizeof world->output, "%s", (const char *)info.output.as.bytes);
    return DUR_OK;
}

/* ---- renewal: steps that use up the lease -------------------------------------------------- */

static int renewal_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    dur_step_options slow = DUR_STEP_OPTIONS_INIT;
    int64_t value = 0;

    slow.lease_ms = 10 * world->scenario->lease_ms;
    DUR_STEP (run, "uses-most", value) {
        effect(world, "uses-most");
        fake_clock_advance(&world->clock, world->scenario->lease_ms * 3 / 4);
        value = 1;
    }
    passed(world, run, "uses-most");
    DUR_STEP (run, "slow", value, &slow) {
        effect(world, "slow");
        fake_clock_advance(&world->clock, world->scenario->lease_ms * 5);
        value = 2;
    }
    passed(world, run, "slow");
    DUR_STEP (run, "last", value) {
        effect(world, "last");
        value = 3;
    }
    passed(world, run, "last");
    return give_output(run, mix(1, &value, sizeof value));
}

static int renewal_pass(fault_world *world)
{
    return execute(world, renewal_workflow);
}

const fault_scenario fault_scenarios[] = {
    {.name = "open", .pass = loop_pass, .steps = 2, .opens = true},
    {.name = "values",
     .prepare = read_pass,
     .pass = values_pass,
     .memory_only = true,
     .warm = true},
    {.name = "large", .prepare = read_pass, .pass = large_pass, .large = true, .warm = true},
    {.name = "caught", .prepare = read_pass, .pass = caught_pass, .warm = true},
    {.name = "failed",
     .prepare = read_pass,
     .pass = failed_pass,
     .expected = DUR_FAILED,
     .warm = true},
    {.name = "resume", .prepare = half_loop_pass, .pass = loop_pass, .steps = 6, .prepared = 3},
    {.name = "long", /* more than one batch of a replay */
     .prepare = half_loop_pass,
     .pass = loop_pass,
     .steps = 62,
     .prepared = 60,
     .large = true,
     .warm = true},
    {.name = "takeover",
     .prepare = half_loop_pass,
     .pass = loop_pass,
     .steps = 4,
     .prepared = 2,
     .claimed_by_dead = true},
    {.name = "diverged",
     .prepare = half_loop_pass,
     .pass = diverged_pass,
     .expected = DUR_DIVERGED,
     .finish = loop_pass,
     .steps = 6,
     .prepared = 4,
     .executes_nothing = true,
     .warm = true},
    {.name = "explicit", .prepare = read_pass, .pass = explicit_pass, .warm = true},
    {.name = "host-commit", .prepare = read_pass, .pass = host_commit_pass, .repeats = true},
    {.name = "host-rollback",
     .prepare = read_pass,
     .pass = host_rollback_pass,
     .finish = values_pass,
     .repeats = true},
    {.name = "read",
     .prepare = loop_pass,
     .pass = read_pass,
     .steps = 4,
     .executes_nothing = true,
     .opens = true},
    {.name = "attached",
     .pass = loop_pass,
     .steps = 2,
     .schema = "side",
     .opens = true,
     .files_only = true},
    {.name = "renewal",
     .prepare = read_pass,
     .pass = renewal_pass,
     .lease_ms = 60000,
     .warm = true},
};
const size_t fault_scenario_count = sizeof fault_scenarios / sizeof fault_scenarios[0];
