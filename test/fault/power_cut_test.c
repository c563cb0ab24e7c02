/*
 * test/fault: law 3, DUR_OK means as durable as the host's `synchronous` makes a commit, when the
 * power goes. Two connections work on two runs in one file; the power is cut at the Nth call that
 * matters, N rising until the work is done before it. What synchronous=OFF loses proves that the
 * equipment is honest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fake_clock.h"
#include "support/fault_power.h"
#include "support/fault_vfs.h"
#include "support/place.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define SIDES 2
#define STEPS 4
#define VALUE_BYTES 3000

static place here;

/* One connection with its run, and what the world outside the database saw of it. */
typedef struct side {
    sqlite3 *db;
    dur_log *log;
    dur_run *run;
    fake_clock clock;
    bool acknowledged[STEPS];
    int executed[STEPS];
    bool completed;
    bool begun_anew; /* it was not completed when this life began */
} side;

typedef struct setting {
    const char *name;
    const char *journal_mode;
    const char *synchronous;
    bool unlink_is_sure;
    bool may_lose;    /* acknowledged steps may be lost … */
    bool may_corrupt; /* … and the database damaged; both must happen then, or no control */
} setting;

typedef struct harm {
    int64_t cuts;
    int64_t writes; /* that were not kept whole */
    int64_t lost;   /* cuts that lost something acknowledged */
    int64_t damaged;
} harm;

/* ---- The host ------------------------------------------------------------------------------ */

static bool connect_side(side *it, const setting *how)
{
    dur_options options = DUR_OPTIONS_INIT;
    char pragmas[200];

    snprintf(pragmas, sizeof pragmas,
             "PRAGMA journal_mode = %s; PRAGMA synchronous = %s; PRAGMA wal_autocheckpoint = 6",
             how->journal_mode, how->synchronous);
    fake_clock_install(&it->clock, &options);
    it->clock.owner_alive = DUR_OWNER_DEAD; /* the machine has started anew */
    return sqlite3_open_v2(here.path, &it->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                           FAULT_VFS_NAME) == SQLITE_OK &&
           sqlite3_exec(it->db, pragmas, NULL, NULL, NULL) == SQLITE_OK &&
           dur_open(it->db, &options, &it->log) == DUR_OK;
}

static void disconnect_side(side *it)
{
    dur_close_run(it->run);
    dur_close(it->log);
    assert_int_equal(sqlite3_close(it->db), SQLITE_OK);
    it->run = NULL;
    it->log = NULL;
    it->db = NULL;
}

static bool begin_side(side *it, int number)
{
    char id[16];
    int code;

    snprintf(id, sizeof id, "run-%d", number);
    code = dur_begin_run(it->log, "power", id, NULL, &it->run);
    it->completed = code == DUR_REPLAYED;
    it->begun_anew = code == DUR_OK;
    return code == DUR_OK || code == DUR_REPLAYED;
}

static bool make_step(side *it, int number)
{
    unsigned char bytes[VALUE_BYTES];
    char name[16];
    dur_step *step;
    int code;

    if (!it->run) return true;
    snprintf(name, sizeof name, "step-%d", number);
    code = dur_begin_step(it->run, name, NULL, &step);
    if (code == DUR_EXECUTE) {
        it->executed[number]++;
        memset(bytes, number + 1, sizeof bytes);
        code = dur_record_result(step, dur_blob(bytes, sizeof bytes));
        it->acknowledged[number] = code == DUR_OK;
    }
    return code == DUR_OK || code == DUR_REPLAYED;
}

static bool complete_side(side *it)
{
    if (it->run && dur_complete_run(it->run, dur_text("done")) == DUR_OK) it->completed = true;
    return it->completed;
}

/* Both runs, step by step in turn, until they are done or the power is off. */
static bool work(side sides[SIDES])
{
    for (int i = 0; i < SIDES; i++)
        if (!begin_side(&sides[i], i)) return false;
    for (int number = 0; number < STEPS; number++)
        for (int i = 0; i < SIDES; i++)
            if (!make_step(&sides[i], number)) return false;
    for (int i = 0; i < SIDES; i++)
        if (!complete_side(&sides[i])) return false;
    return true;
}

static int setup(void **state)
{
    (void)state;
    return place_make(&here) && fault_vfs_register() == SQLITE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fault_power_forget();
    fault_vfs_reset();
    place_remove(&here);
    return 0;
}

/* ---- After the cut ------------------------------------------------------------------------- */

static bool integrity_is_ok(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW &&
              strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;

    sqlite3_finalize(statement);
    return ok;
}

static int64_t steps_recorded(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int64_t count = -1;

    if (sqlite3_prepare_v2(db, "SELECT count(*) FROM durable_steps", -1, &statement, NULL) ==
            SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return count;
}

/* Did the second life do again what the first was told is recorded? */
static bool is_lost(const side *before, const side *after)
{
    bool lost = before->completed && after->begun_anew;

    for (int number = 0; number < STEPS; number++)
        lost = lost || (before->acknowledged[number] && after->executed[number] > 0);
    return lost;
}

/* Work on after the cut, as processes that start anew. False: too damaged. */
static bool work_on(side sides[SIDES], const setting *how)
{
    bool sound = true;

    for (int i = 0; i < SIDES && sound; i++)
        sound = connect_side(&sides[i], how) && integrity_is_ok(sides[i].db);
    return sound && work(sides) && steps_recorded(sides[0].db) == SIDES * STEPS &&
           integrity_is_ok(sides[0].db);
}

static void init_sides(side sides[SIDES], uint64_t seed)
{
    memset(sides, 0, SIDES * sizeof *sides);
    for (int i = 0; i < SIDES; i++)
        fake_clock_init(&sides[i].clock, seed + (uint64_t)i);
}

static void disconnect(side sides[SIDES])
{
    for (int i = 0; i < SIDES; i++)
        disconnect_side(&sides[i]);
}

/* A database with an empty log, from here on watched. */
static void prepare(side sides[SIDES], const setting *how)
{
    fault_vfs_reset();
    fault_power_forget();
    place_clear(here.path);
    init_sides(sides, 1);
    for (int i = 0; i < SIDES; i++)
        assert_true(connect_side(&sides[i], how));
    disconnect(sides);
    fault_power_watch(how->unlink_is_sure);
    for (int i = 0; i < SIDES; i++)
        assert_true(connect_side(&sides[i], how));
}

/* One cut; false when the work was done before it came. */
static bool cut(const setting *how, int64_t nth, uint64_t seed, harm *all)
{
    side before[SIDES];
    side after[SIDES];
    bool done;
    bool lost = false;
    bool sound;

    prepare(before, how);
    fault_vfs_arm_cut(FAULT_POWER_OPERATIONS, nth);
    done = work(before);
    fault_power_off();
    disconnect(before);
    fault_vfs_disarm();
    all->cuts++;
    all->writes += fault_power_restore(seed);
    init_sides(after, 100);
    sound = work_on(after, how);
    disconnect(after);
    for (int i = 0; i < SIDES; i++)
        lost = lost || is_lost(&before[i], &after[i]);
    all->lost += lost;
    all->damaged += !sound;
    if ((lost && !how->may_lose) || (!sound && !how->may_corrupt))
        print_error("%s: call %lld, seed %llu: %s\n", how->name, (long long)nth,
                    (unsigned long long)seed, lost ? "an acknowledged step was lost" : "damaged");
    return !done;
}

static int64_t number_from(const char *variable, int64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoll(text, NULL, 10) : otherwise;
}

/* DUR_SEED gives the first seed, DUR_POWER_ROUNDS how many seeds each call is cut with. */
static void cutting_the_power_keeps_what_the_setting_promises(void **state)
{
    const setting *how = *state;
    uint64_t seed = (uint64_t)number_from("DUR_SEED", 1);
    int64_t rounds = number_from("DUR_POWER_ROUNDS", 1);
    harm all = {0, 0, 0, 0};

    for (int64_t round = 0; round < rounds; round++)
        for (int64_t nth = 1; cut(how, nth, seed, &all); nth++)
            seed++;
    printf("power: %-22s seeds to %llu: %lld cuts, %lld writes harmed, %lld lost, %lld damaged\n",
           how->name, (unsigned long long)seed, (long long)all.cuts, (long long)all.writes,
           (long long)all.lost, (long long)all.damaged);
    assert_true(all.writes > 0);
    if (!how->may_lose) assert_int_equal(all.lost, 0);
    if (!how->may_corrupt)
        assert_int_equal(all.damaged, 0);
    else
        assert_true(all.lost + all.damaged > 0);
}

static const setting settings[] = {
    {"WAL, FULL", "WAL", "FULL", true, false, false},
    {"WAL, NORMAL", "WAL", "NORMAL", true, true, false},
    {"WAL, OFF: the control", "WAL", "OFF", true, true, true},
    {"DELETE, FULL", "DELETE", "FULL", true, false, false},
    {"DELETE, EXTRA", "DELETE", "EXTRA", false, false, false},
    {"TRUNCATE, FULL", "TRUNCATE", "FULL", true, false, false},
    {"PERSIST, FULL", "PERSIST", "FULL", true, false, false},
    {"DELETE, OFF: the control", "DELETE", "OFF", true, true, true},
};

int main(void)
{
    struct CMUnitTest tests[sizeof settings / sizeof settings[0]];
    size_t count = sizeof settings / sizeof settings[0];

    for (size_t i = 0; i < count; i++)
        tests[i] =
            (struct CMUnitTest){settings[i].name, cutting_the_power_keeps_what_the_setting_promises,
                                NULL, NULL, (void *)(uintptr_t)&settings[i]};
    return _cmocka_run_group_tests("cutting the power", tests, count, setup, teardown);
}
