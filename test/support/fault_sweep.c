/* test/support: sweeping faults over the scenarios. */
#if defined(__unix__) || defined(__APPLE__)

#include "support/fault_sweep.h"

#include "support/fault_alloc.h"
#include "support/fault_look.h"
#include "support/fault_vfs.h"
#include "support/place.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NTH_MAX 100000
#define FAILURES_SHOWN 40

const fault_kind fault_kind_memory = {"memory", 0, SQLITE_NOMEM, FAULT_EACH_WAY, {DUR_NOMEM}};

#define EACH_WAY(name, operation, sqlite_code, code)                                               \
    {                                                                                              \
        name, FAULT_BIT(operation), sqlite_code, FAULT_EACH_WAY,                                   \
        {                                                                                          \
            code                                                                                   \
        }                                                                                          \
    }
#define LASTING(name, operation, sqlite_code, code)                                                \
    {                                                                                              \
        name, FAULT_BIT(operation), sqlite_code, FAULT_LASTING,                                    \
        {                                                                                          \
            code                                                                                   \
        }                                                                                          \
    }

const fault_kind fault_kinds_io[] = {
    EACH_WAY("write", FAULT_WRITE, SQLITE_IOERR_WRITE, DUR_IOERR),
    LASTING("full", FAULT_WRITE, SQLITE_FULL, DUR_FULL),
    EACH_WAY("sync", FAULT_SYNC, SQLITE_IOERR_FSYNC, DUR_IOERR),
    EACH_WAY("truncate", FAULT_TRUNCATE, SQLITE_IOERR_TRUNCATE, DUR_IOERR),
    EACH_WAY("open", FAULT_OPEN, SQLITE_CANTOPEN, DUR_IOERR),
    EACH_WAY("read", FAULT_READ, SQLITE_IOERR_READ, DUR_IOERR),
    LASTING("size", FAULT_SIZE, SQLITE_IOERR_FSTAT, DUR_IOERR),
    EACH_WAY("delete", FAULT_DELETE, SQLITE_IOERR_DELETE, DUR_IOERR),
    LASTING("access", FAULT_ACCESS, SQLITE_IOERR_ACCESS, DUR_IOERR),
    EACH_WAY("lock", FAULT_LOCK, SQLITE_BUSY, DUR_BUSY),
    LASTING("lock-error", FAULT_LOCK, SQLITE_IOERR_LOCK, DUR_IOERR),
    EACH_WAY("shm-map", FAULT_SHM_MAP, SQLITE_IOERR_SHMMAP, DUR_IOERR),
    EACH_WAY("shm-lock", FAULT_SHM_LOCK, SQLITE_BUSY, DUR_BUSY),
    EACH_WAY("commit", FAULT_COMMIT, SQLITE_IOERR, DUR_IOERR),
};
const size_t fault_kind_io_count = sizeof fault_kinds_io / sizeof fault_kinds_io[0];

static place template_place;
static place trial_place;

/* The run as it ends when nothing disturbs it. */
typedef struct sweep_reference {
    fault_world prepared; /* tallies before the pass */
    fault_world finished; /* tallies and output after it */
    uint64_t rows;
} sweep_reference;

typedef struct trial {
    const sweep_reference *reference;
    const fault_kind *kind;
    const char *journal_mode;
    int64_t nth;
    bool persistent;
    bool reopens; /* the host gives up at once, and a fresh connection finishes the run */
    bool opened;  /* dur_open() was well: the log stayed open from then on */
    int code;     /* of the disturbed pass */
    fault_world world;
    fault_sweep_result *result;
} trial;

/* ---- Reporting ----------------------------------------------------------------------------- */

static void broken(trial *it, const char *format, ...) DUR_PRINTF_(2, 3);

static void broken(trial *it, const char *format, ...)
{
    va_list arguments;

    it->result->failures++;
    if (it->result->failures > FAILURES_SHOWN) return;
    fprintf(stderr, "BROKEN %s, %s, %s, call %lld %s, %s: ", it->world.scenario->name,
            it->kind->name, it->journal_mode, (long long)it->nth,
            it->persistent ? "and all after it" : "once",
            it->reopens ? "then reopened" : "then on the same log");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
}

static void impossible(const char *what)
{
    fprintf(stderr, "fault sweep: %s\n", what);
    abort();
}

/* ---- Files --------------------------------------------------------------------------------- */

bool fault_sweep_setup(void)
{
    return place_make_in_memory(&template_place) && place_make_in_memory(&trial_place) &&
           fault_vfs_register() == SQLITE_OK;
}

void fault_sweep_teardown(void)
{
    place_remove(&template_place);
    place_remove(&trial_place);
}

static void copy_template(void)
{
    char from[400];
    char to[400];

    place_clear(trial_place.path);
    if (!place_copy(template_place.path, trial_place.path)) impossible("the template is gone");
    snprintf(from, sizeof from, "%s-side", template_place.path);
    snprintf(to, sizeof to, "%s-side", trial_place.path);
    place_copy(from, to); /* if there is an attached database */
}

/* ---- The template and the reference -------------------------------------------------------- */

static void set_journal_mode(const fault_world *world, const char *journal_mode)
{
    char sql[200];

    snprintf(sql, sizeof sql, "PRAGMA main.journal_mode = %s; CREATE TABLE IF NOT EXISTS probe(x)",
             journal_mode);
    if (sqlite3_exec(world->db, sql, NULL, NULL, NULL) != SQLITE_OK) impossible("journal mode");
    if (!world->scenario->schema) return;
    snprintf(sql, sizeof sql, "PRAGMA %s.journal_mode = %s", world->scenario->schema, journal_mode);
    if (sqlite3_exec(world->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        impossible("journal mode of the attached database");
}

static void disconnect(fault_world *world)
{
    fault_world_close(world);
    if (fault_world_disconnect(world) != SQLITE_OK) impossible("the connection does not close");
}

/* A copy made while the run is claimed is as if the owner had died. */
static void leave_claimed(fault_world *world, const char *journal_mode)
{
    char sql[400];

    place_clear(trial_place.path);
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'", trial_place.path);
    if (sqlite3_exec(world->db, sql, NULL, NULL, NULL) != SQLITE_OK) impossible("VACUUM INTO");
    disconnect(world);
    place_clear(template_place.path);
    if (!place_copy(trial_place.path, template_place.path)) impossible("the copy is gone");
    if (fault_world_connect(world) != SQLITE_OK) impossible("the copy does not open");
    set_journal_mode(world, journal_mode);
}

static void make_template(const fault_scenario *scenario, const char *journal_mode,
                          fault_world *world)
{
    memset(world, 0, sizeof *world);
    world->scenario = scenario;
    world->path = template_place.path;
    fake_clock_init(&world->clock, 1);
    fault_vfs_reset();
    place_clear(template_place.path);
    if (fault_world_connect(world) != SQLITE_OK) impossible("the template does not open");
    set_journal_mode(world, journal_mode);
    if (scenario->prepare) {
        if (fault_world_open(world) != DUR_OK) impossible(dur_errmsg(world->log));
        scenario->prepare(world);
    }
    if (scenario->claimed_by_dead) leave_claimed(world, journal_mode);
    disconnect(world);
}

static void start_world(const sweep_reference *reference, const char *journal_mode,
                        fault_world *world)
{
    *world = reference->prepared;
    world->path = trial_place.path;
    if (strcmp(journal_mode, "wal") != 0) world->journal_mode = journal_mode;
    world->output[0] = '\0';
    fake_clock_init(&world->clock, 2);
    if (world->scenario->claimed_by_dead) world->clock.owner_alive = DUR_OWNER_DEAD;
    copy_template();
    fault_vfs_reset();
    if (fault_world_connect(world) != SQLITE_OK) impossible("the database does not open");
}

static void make_reference(const fault_scenario *scenario, const char *journal_mode,
                           sweep_reference *reference)
{
    fault_world *world = &reference->finished;
    fault_picture found;
    int code;

    make_template(scenario, journal_mode, &reference->prepared);
    start_world(reference, journal_mode, world);
    code = fault_world_open(world);
    if (code == DUR_OK) code = scenario->pass(world);
    if (code != scenario->expected) {
        fprintf(stderr, "undisturbed, %s gives %d, %s\n", scenario->name, code,
                dur_errmsg(world->log));
        impossible("the scenario itself is wrong");
    }
    if (scenario->finish && scenario->finish(world) != DUR_OK)
        impossible("the scenario does not finish");
    if (world->broken[0]) impossible(world->broken);
    disconnect(world);
    fault_look(world, &found);
    if (found.digest == 0) impossible("the scenario records nothing");
    if (found.left != 0) impossible("something is left behind an ended run");
    reference->rows = found.digest;
}

/* ---- The oracle ---------------------------------------------------------------------------- */

static void check_code(trial *it)
{
    bool allowed = it->code == it->world.scenario->expected;

    for (size_t i = 0; i < 4 && !allowed; i++)
        allowed = it->kind->allowed[i] != 0 && it->code == it->kind->allowed[i];
    if (it->world.scenario->repeats || it->world.scenario->transactional)
        allowed = allowed || it->code == FAULT_HOST_FAILED || it->code == DUR_ROLLED_BACK;
    if (!allowed)
        broken(it, "unexpected code %s (%d): %s", dur_code_name(it->code), it->code,
               dur_errmsg(it->world.log));
    if (it->code < 0 && it->world.log && dur_errmsg(it->world.log)[0] == '\0')
        broken(it, "%s without a message", dur_code_name(it->code));
    if (!it->world.log && it->code != DUR_NOMEM)
        broken(it, "%s without a log", dur_code_name(it->code));
}

static bool query_says_ok(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW &&
              strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;

    sqlite3_finalize(statement);
    return ok;
}

/* Law 1, guest: the connection is the host's, as it was. */
static void check_connection(trial *it)
{
    sqlite3 *db = it->world.db;

    for (sqlite3_stmt *at = sqlite3_next_stmt(db, NULL); at; at = sqlite3_next_stmt(db, at))
        if (sqlite3_stmt_busy(at)) broken(it, "a statement is active: %s", sqlite3_sql(at));
    if (!sqlite3_get_autocommit(db)) broken(it, "a transaction was left open");
    if (sqlite3_exec(db, "INSERT INTO probe VALUES (1)", NULL, NULL, NULL) != SQLITE_OK)
        broken(it, "the host cannot write: %s", sqlite3_errmsg(db));
    if (!query_says_ok(db, "PRAGMA integrity_check"))
        broken(it, "integrity_check: %s", sqlite3_errmsg(db));
}

/* Law 3: OK means recorded. */
static void check_recorded(trial *it, const fault_picture *found)
{
    const fault_scenario *scenario = it->world.scenario;
    int64_t status = scenario->expected == DUR_FAILED ? DUR_RUN_FAILED : DUR_COMPLETED;

    for (size_t i = 0; i < it->world.tally_count; i++) {
        const fault_tally *tally = &it->world.tallies[i];

        if (tally->acknowledged && !fault_picture_holds(found, tally->name))
            broken(it, "'%s' was acknowledged and is not recorded", tally->name);
    }
    if (found->torn) broken(it, "%lld cents are torn from their record", (long long)found->torn);
    if (it->code == scenario->expected && !scenario->finish && found->status != status)
        broken(it, "the code says that the run has ended; its row has status %lld",
               (long long)found->status);
}

static int executed(const fault_world *world, const char *name)
{
    const fault_tally *tally = fault_world_tally(world, name);

    return tally ? tally->executed : 0;
}

static void check_end(trial *it)
{
    const fault_world *finished = &it->reference->finished;
    fault_picture found;

    if (it->world.broken[0]) broken(it, "%s", it->world.broken);
    fault_look(&it->world, &found);
    if (found.digest != it->reference->rows)
        broken(it, "other rows than those of an undisturbed run:%s", found.text);
    if (found.torn) broken(it, "%lld cents are torn from their record", (long long)found.torn);
    if (strcmp(it->world.output, finished->output) != 0)
        broken(it, "output '%s' instead of '%s'", it->world.output, finished->output);
    if (!it->world.scenario->executes_nothing || it->world.scenario->finish)
        for (size_t i = 0; i < finished->tally_count; i++)
            if (finished->tallies[i].executed > 0 && /* a wait has no body */
                executed(&it->world, finished->tallies[i].name) == 0)
                broken(it, "'%s' never ran", finished->tallies[i].name);
}

static void pass_again(trial *it, const char *where)
{
    const fault_scenario *scenario = it->world.scenario;
    int code = scenario->pass(&it->world);

    if (code != scenario->expected)
        broken(it, "%s: %s (%d) once the fault was gone: %s", where, dur_code_name(code), code,
               dur_errmsg(it->world.log));
}

static void finish(trial *it, const char *where)
{
    const fault_scenario *scenario = it->world.scenario;
    int code;

    pass_again(it, where);
    if (!scenario->finish) return;
    code = scenario->finish(&it->world);
    if (code != DUR_OK)
        broken(it, "%s: the run does not finish: %s (%d): %s", where, dur_code_name(code), code,
               dur_errmsg(it->world.log));
}

static void open_again(trial *it)
{
    int code = fault_world_open(&it->world);

    if (code != DUR_OK)
        broken(it, "dur_open() once the fault was gone: %s (%d): %s", dur_code_name(code), code,
               dur_errmsg(it->world.log));
}

static bool is_attempt(const fault_tally *tally)
{
    return strchr(tally->name, '#') != NULL;
}

/* Law 3: while the log stays open, a failing database makes no body run twice; but an attempt whose
 * failure could not be recorded is made again. */
static void check_once(trial *it)
{
    const fault_world *finished = &it->reference->finished;
    int most = it->world.scenario->large && it->kind->operations == 0 ? 2 : 1;

    if (!it->opened || it->world.scenario->repeats || it->world.scenario->transactional) return;
    for (size_t i = 0; i < finished->tally_count; i++) {
        const fault_tally *tally = &finished->tallies[i];
        int times = executed(&it->world, tally->name);

        if (times > most && !is_attempt(tally)) broken(it, "'%s' ran %d times", tally->name, times);
    }
}

/* Law 4: what is recorded in `before` has not run since `was`. */
static void check_final(trial *it, const fault_picture *before, const fault_world *was)
{
    for (size_t i = 0; i < it->world.tally_count; i++) {
        const fault_tally *tally = &it->world.tallies[i];

        if (fault_picture_holds(before, tally->name) &&
            tally->executed != executed(was, tally->name))
            broken(it, "'%s' was recorded and ran again", tally->name);
    }
}

static void check_nothing_ran(trial *it)
{
    const fault_world *before = &it->reference->prepared;

    if (!it->world.scenario->executes_nothing) return;
    for (size_t i = 0; i < it->world.tally_count; i++)
        if (it->world.tallies[i].executed != executed(before, it->world.tallies[i].name))
            broken(it, "'%s' ran", it->world.tallies[i].name);
}

/* ---- One trial ----------------------------------------------------------------------------- */

static void arm(const trial *it)
{
    if (it->kind->operations == 0)
        fault_alloc_arm(it->nth, it->persistent);
    else
        fault_vfs_arm(it->kind->operations, it->kind->sqlite_code, it->nth, it->persistent);
}

static void disarm(void)
{
    fault_alloc_disarm();
    fault_vfs_disarm();
}

static int64_t fired(const trial *it)
{
    return it->kind->operations == 0 ? fault_alloc_fired() : fault_vfs_fired();
}

static bool is_warm(const trial *it)
{
    return it->world.scenario->warm && it->kind->operations == 0;
}

/* While the fault lasts, a host that keeps its log tries twice: what was kept at the first time
 * meets the fault again at the second. */
static void disturbed_pass(trial *it)
{
    bool strikes_open = it->world.scenario->opens;

    if (strikes_open) arm(it);
    it->code = fault_world_open(&it->world);
    it->opened = it->code == DUR_OK;
    if (it->opened && is_warm(it) && fault_world_warm_up(&it->world) != DUR_OK)
        impossible("the log does not warm up");
    if (!strikes_open) arm(it);
    if (it->opened) it->code = it->world.scenario->pass(&it->world);
    if (!it->opened || !it->persistent || it->reopens) return;
    check_code(it);
    it->code = it->world.scenario->pass(&it->world);
}

/* A host that could not roll back while the fault lasted does it now. */
static void host_rolls_back(trial *it)
{
    if (it->world.scenario->repeats && !sqlite3_get_autocommit(it->world.db))
        sqlite3_exec(it->world.db, "ROLLBACK", NULL, NULL, NULL);
}

/* The host tries again at once, with the log it has. */
static void recover_on_same_log(trial *it)
{
    fault_picture found;

    disarm();
    check_code(it);
    host_rolls_back(it);
    check_connection(it);
    fault_look(&it->world, &found);
    check_recorded(it, &found);
    check_nothing_ran(it);
    if (!it->opened) {
        fault_world_close(&it->world);
        open_again(it);
    }
    finish(it, "again");
    check_once(it);
    check_connection(it);
}

/* The host gives up while the fault lasts. */
static void recover_reopened(trial *it)
{
    fault_world was = it->world;
    fault_picture found;

    check_code(it);
    fault_world_close(&it->world);
    disarm();
    host_rolls_back(it);
    check_connection(it);
    if (fault_world_disconnect(&it->world) != SQLITE_OK)
        broken(it, "the connection does not close: %s", sqlite3_errmsg(it->world.db));
    fault_look(&it->world, &found);
    check_recorded(it, &found);
    check_nothing_ran(it);
    it->world.clock.owner_alive = DUR_OWNER_DEAD;
    if (fault_world_connect(&it->world) != SQLITE_OK)
        impossible("the database does not open again");
    open_again(it);
    finish(it, "reopened");
    check_final(it, &found, &was);
}

/* A run that has ended gives its outcome and runs nothing, for ever. */
static void check_replay(trial *it)
{
    const fault_scenario *scenario = it->world.scenario;
    fault_world was = it->world;
    int code;

    fault_world_close(&it->world);
    open_again(it);
    code = scenario->finish ? scenario->finish(&it->world) : scenario->pass(&it->world);
    if (code != (scenario->finish ? DUR_OK : scenario->expected))
        broken(it, "an ended run answers %s (%d)", dur_code_name(code), code);
    for (size_t i = 0; i < was.tally_count; i++)
        if (it->world.tallies[i].executed != was.tallies[i].executed)
            broken(it, "'%s' ran again in an ended run", was.tallies[i].name);
    check_end(it);
}

static bool run_trial(trial *it)
{
    int64_t live = fault_alloc_live();
    bool has_fired;

    start_world(it->reference, it->journal_mode, &it->world);
    disturbed_pass(it);
    has_fired = fired(it) > 0;
    if (it->reopens)
        recover_reopened(it);
    else
        recover_on_same_log(it);
    check_replay(it);
    fault_world_close(&it->world);
    if (fault_world_disconnect(&it->world) != SQLITE_OK)
        broken(it, "the connection does not close: %s", sqlite3_errmsg(it->world.db));
    if (fault_alloc_live() != live)
        broken(it, "%lld allocations leaked", (long long)(fault_alloc_live() - live));
    return has_fired;
}

static void sweep_one_way(trial *it, int64_t first, int64_t stride)
{
    bool has_fired = true;

    for (it->nth = first; has_fired && it->nth < NTH_MAX; it->nth += stride) {
        has_fired = run_trial(it);
        it->result->fired += has_fired;
    }
}

/* DUR_FAULT_STRIDE in the environment: only each so manieth is tried, from a random one on; for
 * builds in which each takes long. */
static int64_t thinning(void)
{
    const char *text = getenv("DUR_FAULT_STRIDE");
    int64_t stride = text && !getenv("DUR_FAULT_ALL") ? strtoll(text, NULL, 10) : 1;

    return stride > 1 ? stride : 1;
}

static int64_t random_start(void)
{
    static int64_t start;
    const char *text = getenv("DUR_SEED");

    if (start) return start;
    start = text ? strtoll(text, NULL, 10) : (int64_t)time(NULL);
    start = start > 0 ? start : 1;
    printf("fault: one in %lld (DUR_FAULT_STRIDE), from seed %lld on (DUR_SEED)\n",
           (long long)thinning(), (long long)start);
    return start;
}

static fault_sweep_result sweep_from(const fault_scenario *scenario, const fault_kind *kind,
                                     const char *journal_mode, int64_t stride, int64_t start)
{
    fault_sweep_result result = {0, 0};
    sweep_reference reference;
    int64_t first = start % stride + 1;

    make_reference(scenario, journal_mode, &reference);
    for (unsigned way = FAULT_ONCE_THEN_SAME_LOG; way <= FAULT_LASTING_THEN_REOPENED; way *= 2) {
        trial it = {.reference = &reference,
                    .kind = kind,
                    .journal_mode = journal_mode,
                    .persistent = (way & FAULT_LASTING) != 0,
                    .reopens =
                        way == FAULT_ONCE_THEN_REOPENED || way == FAULT_LASTING_THEN_REOPENED,
                    .world = reference.prepared,
                    .result = &result};

        if (kind->ways & way) sweep_one_way(&it, first, stride);
        first = first % stride + 1;
    }
    return result;
}

fault_sweep_result fault_sweep(const fault_scenario *scenario, const fault_kind *kind,
                               const char *journal_mode, int64_t stride)
{
    fault_sweep_result result;

    if (thinning() > 1) {
        result = sweep_from(scenario, kind, journal_mode, stride * thinning(), random_start());
        if (result.fired > 0) return result; /* or too few are there to be thinned */
    }
    return sweep_from(scenario, kind, journal_mode, stride, 0);
}

#else
typedef int fault_sweep_needs_posix;
#endif
