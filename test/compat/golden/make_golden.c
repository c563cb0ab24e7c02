/*
 * test/compat: makes the recordings that every later version has to open.
 *
 *     make_golden FOLDER        writes order.db, order.jsonl, everything.db and everything.jsonl
 *
 * It is built with the tests, as test/compat/golden/make_golden in the build folder. A version's
 * recordings lie in a folder of its number beside this file. They are written when the version is
 * released, and stay as they are from then on: they stand for the logs that are out there. What a
 * later version brings gets workflows of its own, and a folder.
 */
#include "golden.h"

#include <stdio.h>

static bool told(dur_log *log, const char *what, int expected, int code)
{
    if (code != expected)
        fprintf(stderr, "%s: %s, %s\n", what, dur_code_name(code), dur_errmsg(log));
    return code == expected;
}

#define MUST(expected, call)                                                                       \
    do {                                                                                           \
        if (!told(log, #call, (expected), (call))) return false;                                   \
    } while (0)

static int execute(dur_log *log, golden *world, const char *workflow, const char *id,
                   const dur_start_options *start)
{
    return dur_execute(log, workflow, id, start, golden_find(workflow), world);
}

/* ---- A finished order ---- */

static bool make_order(dur_log *log, golden *world)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.input = dur_text("tea");
    MUST(DUR_SUSPENDED, execute(log, world, "order", "order-1", &start));
    world->now_ms += GOLDEN_DAY_MS;
    MUST(DUR_OK, execute(log, world, "order", "order-1", NULL));
    return true;
}

/* ---- Everything ---- */

static bool make_values(dur_log *log, golden *world)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.input = dur_blob("\xff\0", 2);
    MUST(DUR_OK, execute(log, world, "values", "values", &start));
    MUST(DUR_OK, execute(log, world, "object", "object", NULL));
    return true;
}

/* Up to the second failed attempt, with a callback that nobody has answered and signals that were
 * not received. */
static bool make_waits(dur_log *log, golden *world)
{
    dur_signal_options keyed = DUR_SIGNAL_OPTIONS_INIT, rejection = DUR_SIGNAL_OPTIONS_INIT;

    keyed.key = "once";
    rejection.failure = "no cover";
    MUST(DUR_SUSPENDED, execute(log, world, "waits", "waits", NULL));
    MUST(DUR_OK, dur_signal(log, "waits", "word", dur_unsigned(UINT64_MAX), &keyed));
    MUST(DUR_OK, dur_signal(log, "waits", "late", dur_text_n("a\0b", 3), &keyed));
    MUST(DUR_OK, dur_signal(log, "waits", "payment", dur_null(), &rejection));
    MUST(DUR_OK, dur_signal(log, "waits", "nobody asks", dur_real(0.5), NULL));
    for (int day = 0; day < 3; day++) {
        world->now_ms += GOLDEN_DAY_MS;
        MUST(DUR_SUSPENDED, execute(log, world, "waits", "waits", NULL));
    }
    MUST(DUR_OK, dur_heartbeat_callback(log, world->approval));
    return true;
}

static bool make_family(dur_log *log, golden *world)
{
    dur_restart_options restart = DUR_RESTART_OPTIONS_INIT;

    MUST(DUR_SUSPENDED, execute(log, world, "family", "family", NULL));
    MUST(DUR_OK, dur_signal(log, "family/4", "go", dur_text("early"), NULL));
    MUST(DUR_OK, execute(log, world, "clerk", "family/4", NULL));
    MUST(DUR_SUSPENDED, execute(log, world, "family", "family", NULL));
    MUST(DUR_SUSPENDED, execute(log, world, "crowd", "crowd", NULL));
    MUST(DUR_OK, dur_restart(log, "family", "family-again", 5, NULL));
    restart.replace_at = 1;
    restart.value = dur_integer(18);
    restart.with_signals = true;
    MUST(DUR_OK, dur_restart(log, "order-1", "order-1-again", 2, &restart));
    MUST(DUR_SUSPENDED, execute(log, world, "order", "order-1-again", NULL));
    return true;
}

static bool make_doubts(dur_log *log, golden *world)
{
    static const char *const ids[] = {"doubt", "answered"};

    world->unplugged = true;
    for (int i = 0; i < 2; i++) {
        MUST(DUR_STOPPED, execute(log, world, "doubt", ids[i], NULL));
        MUST(DUR_PARKED, execute(log, world, "doubt", ids[i], NULL));
    }
    MUST(DUR_OK, dur_resolve_step(log, "answered", 1, DUR_OK, dur_real(0.25), NULL));
    MUST(DUR_STOPPED, execute(log, world, "gap", "gap", NULL));
    world->unplugged = false;
    return true;
}

static bool make_ends(dur_log *log, golden *world)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.input = dur_text("nothing left");
    MUST(DUR_FAILED, execute(log, world, "ends", "undone", &start));
    MUST(DUR_SUSPENDED, execute(log, world, "ends", "cancelled", NULL));
    MUST(DUR_OK, dur_cancel(log, "cancelled"));
    MUST(DUR_CANCELLED, execute(log, world, "ends", "cancelled", NULL));
    MUST(DUR_SUSPENDED, execute(log, world, "ends", "cancelling", NULL));
    MUST(DUR_OK, dur_cancel(log, "cancelling"));
    start.input = dur_null();
    start.deadline_ms = world->now_ms + GOLDEN_DAY_MS;
    MUST(DUR_SUSPENDED, execute(log, world, "ends", "timed-out", &start));
    world->now_ms += GOLDEN_DAY_MS;
    MUST(DUR_TIMED_OUT, execute(log, world, "ends", "timed-out", NULL));
    start.deadline_ms = world->now_ms + 1000 * GOLDEN_DAY_MS;
    MUST(DUR_SUSPENDED, execute(log, world, "ends", "deadline", &start));
    MUST(DUR_SUSPENDED, execute(log, world, "clerk", "terminated", NULL));
    MUST(DUR_OK, dur_terminate(log, "terminated", "nobody needs it"));
    MUST(DUR_SUSPENDED, execute(log, world, "clerk", "paused", NULL));
    MUST(DUR_OK, dur_pause(log, "paused"));
    return true;
}

static bool make_changes(dur_log *log, golden *world)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_signal_options keyed = DUR_SIGNAL_OPTIONS_INIT;
    const char *const keys[] = {"1", "2", "3"};

    start.input = dur_integer(1);
    MUST(DUR_OK, dur_start(log, "meter", "meter", &start));
    for (int i = 0; i < 3; i++) {
        keyed.key = keys[i];
        MUST(DUR_OK, dur_signal(log, "meter", "reading", dur_integer(i), &keyed));
    }
    for (int i = 0; i < 3; i++) MUST(DUR_SUSPENDED, execute(log, world, "meter", "meter", NULL));
    world->older = true;
    MUST(DUR_SUSPENDED, execute(log, world, "patched", "before-the-patch", NULL));
    world->older = false;
    MUST(DUR_SUSPENDED, execute(log, world, "patched", "patched", NULL));
    world->other = true;
    MUST(DUR_SUSPENDED, execute(log, world, "renamed", "diverged", NULL));
    world->other = false;
    MUST(DUR_OK, dur_signal(log, "diverged", "go", dur_null(), NULL));
    MUST(DUR_DIVERGED, execute(log, world, "renamed", "diverged", NULL));
    return true;
}

static bool make_queue(dur_log *log, golden *world)
{
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;
    dur_start_options start = DUR_START_OPTIONS_INIT;

    limits.max_active = 3;
    limits.max_active_process = 2;
    limits.max_starts = 10;
    MUST(DUR_OK, dur_serve_queue(log, "a queue", &limits));
    start.queue = "a queue";
    start.priority = 5;
    start.start_at_ms = world->now_ms + 30 * GOLDEN_DAY_MS;
    MUST(DUR_OK, dur_start(log, "clerk", "later", &start));
    return true;
}

static bool make_everything(dur_log *log, golden *world)
{
    return make_order(log, world) && make_values(log, world) && make_waits(log, world) &&
           make_family(log, world) && make_doubts(log, world) && make_ends(log, world) &&
           make_changes(log, world) && make_queue(log, world);
}

/* ---- Files ---- */

/* The database as it is in the middle of a pass: one run is held. */
static bool write_files(dur_log *log, golden *world, const char *folder, const char *name)
{
    char *db = sqlite3_mprintf("%s/%s.db", folder, name);
    char *text = sqlite3_mprintf("%s/%s.jsonl", folder, name);
    char *sql = sqlite3_mprintf("VACUUM INTO %Q", db);
    bool good = db && text && sql;

    if (good) {
        remove(db);
        remove(text);
        good = sqlite3_exec(world->db, sql, NULL, NULL, NULL) == SQLITE_OK;
        if (!good) fprintf(stderr, "%s: %s\n", db, sqlite3_errmsg(world->db));
    }
    good = good && told(log, text, DUR_OK, dur_export_file(log, NULL, NULL, text));
    sqlite3_free(db);
    sqlite3_free(text);
    sqlite3_free(sql);
    return good;
}

static bool write_held(dur_log *log, golden *world, const char *folder)
{
    dur_run *held = NULL;
    bool good;

    MUST(DUR_OK, dur_begin_run(log, "order", "held", NULL, &held));
    good = write_files(log, world, folder, "everything");
    dur_close_run(held);
    return good;
}

static bool make(const char *folder, bool everything)
{
    golden world;
    dur_options options;
    dur_log *log = NULL;
    sqlite3 *db;
    bool good = false;
    int code;

    if (sqlite3_open(":memory:", &db) != SQLITE_OK) return false;
    sqlite3_exec(db, "PRAGMA page_size = 512", NULL, NULL, NULL); /* small files */
    golden_init(&world, db, &options);
    code = golden_open(&world, &options, &log);
    if (told(log, "dur_open()", DUR_OK, code))
        good = everything ? make_everything(log, &world) && write_held(log, &world, folder)
                          : make_order(log, &world) && write_files(log, &world, folder, "order");
    dur_close(log);
    return sqlite3_close(db) == SQLITE_OK && good;
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: make_golden FOLDER\n");
        return 1;
    }
    return make(arguments[1], false) && make(arguments[1], true) ? 0 : 1;
}
