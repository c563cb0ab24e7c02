/* test/property: logs whose owners die; see world.h. */
#include "world.h"

#include "engine/engine.h"
#include "play.h"
#include "support/exported.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct thing {
    struct thing *next;
    max_align_t memory[];
} thing;

void *world_take(world *it, size_t size)
{
    thing *one = calloc(1, sizeof *one + size);

    if (!one) abort();
    one->next = it->things;
    it->things = one;
    return one->memory;
}

void world_drop(world *it)
{
    while (it->things) {
        thing *next = it->things->next;

        free(it->things);
        it->things = next;
    }
}

void world_accuse(world *it, const char *format, ...)
{
    va_list arguments;

    if (it->outside->violation[0]) return;
    va_start(arguments, format);
    vsnprintf(it->outside->violation, sizeof it->outside->violation, format, arguments);
    va_end(arguments);
}

/* ---- Dying --------------------------------------------------------------------------------- */

bool world_is_dead(const world *it)
{
    return it->db ? it->dead : memory_store_is_dead(it->store);
}

static void die(world *it)
{
    it->dead = true;
    if (!it->db) memory_store_die(it->store, 0);
}

bool world_lives_on(world *it)
{
    if (world_is_dead(it)) return false;
    if (it->hooks && --it->hooks == 0) die(it);
    return !world_is_dead(it);
}

/* On SQLite a dead owner's commits come to nothing, and that is all that anybody can see of it. */
static int on_commit(void *user)
{
    world *it = user;

    if (it->dead) return 1;
    if (it->acts && --it->acts == 0) it->dead = true;
    if (it->fails_in && --it->fails_in == 0) return 1;
    return it->dead;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static void arm(world *it)
{
    const disturbing *how = &it->disturbance;

    if (how->deaths && it->outside->passes++ < how->deaths) {
        if (chance_below(&it->chance, 3)) it->acts = 1 + chance_below(&it->chance, how->within);
        else it->hooks = 1 + chance_below(&it->chance, how->within / 3 + 1);
    } else if (how->troubles && it->outside->passes++ < how->troubles) {
        it->fails_in = 1 + chance_below(&it->chance, how->within);
    }
}

static void arm_memory(world *it)
{
    static const int codes[] = {DUR_BUSY, DUR_IOERR, DUR_FULL};

    if (it->acts) memory_store_die(it->store, it->acts);
    if (it->fails_in)
        memory_store_fail(it->store, NULL, it->fails_in, codes[chance_below(&it->chance, 3)],
                          chance_below(&it->chance, 2) ? MEMORY_AFTER : MEMORY_BEFORE);
}

static void open_log(world *it)
{
    it->acts = it->hooks = it->fails_in = 0;
    if (!it->disturbance.troubles) arm(it);
    if (it->db) {
        if (dur_open(it->db, &it->options, &it->log) != DUR_OK && !it->dead)
            world_accuse(it, "dur_open(): %s", dur_errmsg(it->log));
        if (it->disturbance.troubles) arm(it);
    } else {
        if (it->disturbance.troubles) arm(it);
        it->store = memory_store_share(it->witness);
        arm_memory(it);
        it->log = durable_log_new(it->store, DUR_OK, &it->options);
    }
    dur_register(it->log, KID_WORKFLOW, play, it);
    dur_register(it->log, MAIN_ID, play, it);
}

void world_succeed(world *it)
{
    dur_close(it->log);
    world_drop(it);
    it->dead = false;
    open_log(it);
}

static void set_options(world *it)
{
    const dur_options defaults = DUR_OPTIONS_INIT;

    it->options = defaults;
    fake_clock_install(&it->outside->clock, &it->options);
    it->outside->clock.owner_alive = DUR_OWNER_DEAD;
    it->options.sleep_max_ms = it->disturbance.sleeps ? INT64_C(7200000) : 0;
    it->options.shared_commit_steps = it->disturbance.shared_commit_steps;
}

static bool open_sqlite(world *it)
{
    const disturbing *how = &it->disturbance;
    const char *sql = "CREATE TABLE IF NOT EXISTS effects(body, node)";

    if (sqlite3_open_v2(how->path ? how->path : ":memory:", &it->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, how->vfs) != SQLITE_OK)
        return false;
    sqlite3_commit_hook(it->db, on_commit, it);
    return sqlite3_exec(it->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* ---- Moving -------------------------------------------------------------------------------- */

static int copy_effect(void *user, int count, char **columns, char **names)
{
    world *it = user;

    (void)count, (void)names;
    world_write(it, atoi(columns[0]), atoi(columns[1]));
    return 0;
}

/* A token names its run by the log's own key, and that is another one. */
static void renew_tokens(world *it, int body)
{
    const char *id = it->outside->run_ids[body];
    char *sql = sqlite3_mprintf("SELECT run FROM durable_runs WHERE id = %Q", id), key[24] = "";
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(it->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        snprintf(key, sizeof key, "%s", (const char *)sqlite3_column_text(statement, 0));
    for (int i = 0; i < NODES_MAX && key[0]; i++) {
        char *token = it->outside->traces[body][i].token, *renewed;

        if (!token[0]) continue;
        renewed = sqlite3_mprintf("%s%s", key, strchr(token, '.'));
        snprintf(token, DUR_TOKEN_SIZE, "%s", renewed);
        sqlite3_free(renewed);
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
}

void world_move(world *it)
{
    char *text = exported_text(it->log, NULL), *again;
    sqlite3 *old = it->db;

    dur_close(it->log);
    world_drop(it);
    sqlite3_commit_hook(old, NULL, NULL);
    if (!open_sqlite(it)) abort();
    sqlite3_exec(old, "SELECT body, node FROM effects", copy_effect, it, NULL);
    sqlite3_close(old);
    open_log(it);
    if (exported_import(it->log, text) != DUR_OK)
        world_accuse(it, "dur_import(): %.500s", dur_errmsg(it->log));
    again = exported_text(it->log, NULL);
    if (strcmp(again, text) != 0) world_accuse(it, "moved, the log is another one");
    for (int i = 0; i < it->program->count; i++) renew_tokens(it, i);
    free(text);
    free(again);
}

bool world_open(world *it, const whole_program *program, const disturbing *disturbance,
                outer_world *outside)
{
    memset(it, 0, sizeof *it);
    it->program = program;
    it->disturbance = *disturbance;
    it->chance = disturbance->chance;
    it->outside = outside;
    if (!disturbance->goes_on) {
        memset(outside, 0, sizeof *outside);
        fake_clock_init(&outside->clock, disturbance->chance + 1);
    }
    set_options(it);
    if (disturbance->store == IN_MEMORY_STORE) it->witness = memory_store_new();
    else if (!open_sqlite(it)) return false;
    open_log(it);
    return true;
}

void world_close(world *it)
{
    dur_close(it->log);
    world_drop(it);
    if (it->witness) it->witness->methods->close(it->witness);
    sqlite3_close(it->db);
}

/* ---- The host's own table ------------------------------------------------------------------ */

void world_write(world *it, int body, int index)
{
    char *sql;

    if (!it->db) return;
    sql = sqlite3_mprintf("INSERT INTO effects VALUES(%d, %d)", body, index);
    if (sqlite3_exec(it->db, sql, NULL, NULL, NULL) != SQLITE_OK && !it->dead)
        world_accuse(it, "%s: %s", sql, sqlite3_errmsg(it->db));
    sqlite3_free(sql);
}

int world_written(world *it, int body, int index)
{
    char *sql = sqlite3_mprintf("SELECT count(*) FROM effects WHERE body = %d AND node = %d", body,
                                index);
    sqlite3_stmt *statement;
    int count = -1;

    if (sqlite3_prepare_v2(it->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return count;
}
