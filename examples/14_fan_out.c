/*
 * examples: fan-out, one job given to many, until enough of them have done it.
 *
 * Introduces the usage of: dur_parallel, dur_branch, dur_batch_options (min_successes,
 * max_failures, max_concurrency), dur_batch, dur_map, dur_cancelled in a branch.
 *
 *     14_fan_out [DATABASE]              default: fan_out.db in the current directory, made anew
 *
 * Each night a backup is copied to mirrors. Three copies are enough; when two mirrors have failed
 * something is wrong with the net, and a person should look. At most three mirrors are asked at
 * once; one that is busy says when to come back, and the others go on meanwhile. Who is still
 * waiting when three have it is told that it is no longer needed.
 *
 * The minutes are those of a clock of this program's own, so that the night goes by at once. Prints
 *
 *     monday
 *       0 min: oslo has it
 *       0 min: rome is busy for 120 min
 *       0 min: lima is down
 *       0 min: quito is busy for 30 min
 *       0 min: cairo has it
 *       30 min: quito has it
 *       30 min: rome is no longer needed
 *       oslo: key 1, rome: cancelled, lima: no route, quito: key 4, cairo: key 5
 *       enough: 3 copies, 1 failure, 5 of 5 were asked
 *       3 of 3 copies are sound
 *     tuesday
 *       0 min: oslo is down
 *       0 min: rome has it
 *       0 min: lima is down
 *       oslo: no route, rome: key 2, lima: no route, quito: not asked, cairo: not asked
 *       the run has failed: too many mirrors are down
 *     monday, once more
 *       it is done: 3 copies
 *
 * Every mirror is a run of its own inside the batch, which is one of the night's: killed anywhere,
 * the program goes on where it was, and asks nobody twice who has answered.
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define MIDNIGHT_MS INT64_C(1893456000000) /* 1 January 2030 */
#define MIRRORS 5

/* The world outside: what a mirror says when it is asked. */
typedef struct mirror {
    struct night *night;
    const char *name;
    int key;
    int busy_min;
    bool down;
} mirror;

typedef struct night {
    int64_t now_ms;
    mirror mirrors[MIRRORS];
} night;

static int64_t now(void *user)
{
    const night *tonight = user;

    return tonight->now_ms;
}

static void say(const mirror *one, const char *words)
{
    printf("  %d min: %s %s\n", (int)((one->night->now_ms - MIDNIGHT_MS) / MINUTE_MS), one->name,
           words);
}

/* ---- A branch ------------------------------------------------------------------------------- */

/* Ask first. Where the answer is "later", wait; where nobody needs it any more, say so. */
static int copy_to_mirror(dur_run *run, void *user)
{
    mirror *one = user;
    int64_t busy_min = 0, key = 0;
    char words[64];

    DUR_STEP(run, "ask", busy_min)
    {
        busy_min = one->busy_min;
        snprintf(words, sizeof words, "is busy for %d min", one->busy_min);
        if (one->down)
            dur_fail(run, "no route");
        if (one->down || busy_min)
            say(one, one->down ? "is down" : words);
    }
    if (busy_min && dur_sleep(run, "come-back", busy_min * MINUTE_MS) != DUR_OK) {
        if (dur_cancelled(run))
            DUR_STEP(run, "call-off") { say(one, "is no longer needed"); }
        return 0;
    }
    DUR_STEP(run, "copy", key)
    {
        key = one->key;
        say(one, "has it");
    }
    dur_set_output(run, dur_integer(key));
    return 0;
}

/* An item of dur_map() is its branch's input. */
static int is_sound(dur_run *run, void *user)
{
    bool sound = false;

    (void)user;
    DUR_STEP(run, "read-back", sound) { sound = dur_input(run).as.integer > 0; }
    if (!sound)
        dur_fail(run, "it cannot be read");
    return 0;
}

/* ---- The night ------------------------------------------------------------------------------ */

static void tell_mirror(const mirror *one, int code, dur_value value, const char *before)
{
    printf("%s%s: ", before, one->name);
    switch (code) {
    case DUR_OK: printf("key %d", (int)value.as.integer); break;
    case DUR_FAILED: printf("%s", dur_as_text(value)); break;
    case DUR_CANCELLED: printf("cancelled"); break;
    default: printf("not asked"); break;
    }
}

/* In the order of the list, whoever was first. */
static void tell_batch(const night *tonight, const dur_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        tell_mirror(&tonight->mirrors[i], batch->codes[i], batch->values[i], i ? ", " : "  ");
    printf("\n");
    if (batch->reason == DUR_MIN_SUCCESSES_REACHED)
        printf("  enough: %d copies, %d failure, %d of %d were asked\n", (int)batch->succeeded,
               (int)batch->failed, (int)batch->started, (int)batch->count);
}

static int verify(dur_run *run, const dur_batch *copies)
{
    dur_value keys[MIRRORS];
    dur_batch checks = {0};
    size_t count = 0;

    for (size_t i = 0; i < copies->count; i++)
        if (copies->codes[i] == DUR_OK)
            keys[count++] = copies->values[i];
    if (dur_map(run, "verify", keys, count, is_sound, NULL, NULL, &checks) != DUR_OK)
        return 0;
    DUR_STEP(run, "tell")
    {
        printf("  %d of %d copies are sound\n", (int)checks.succeeded, (int)checks.count);
    }
    dur_set_output(run, dur_integer((int64_t)checks.succeeded));
    return 0;
}

static int back_up(dur_run *run, void *user)
{
    night *tonight = user;
    dur_branch branches[MIRRORS];
    dur_batch_options options = DUR_BATCH_OPTIONS_INIT;
    dur_batch copies = {0};

    memset(branches, 0, sizeof branches);
    for (size_t i = 0; i < MIRRORS; i++) {
        branches[i].name = tonight->mirrors[i].name;
        branches[i].fn = copy_to_mirror;
        branches[i].user = &tonight->mirrors[i];
    }
    options.min_successes = 3;
    options.max_failures = 1;
    options.max_concurrency = 3;
    if (dur_parallel(run, "copy", branches, MIRRORS, &options, &copies) != DUR_OK)
        return 0;
    DUR_STEP(run, "report") { tell_batch(tonight, &copies); }
    if (copies.reason != DUR_MIN_SUCCESSES_REACHED) {
        dur_fail(run, "too many mirrors are down");
        return 1;
    }
    return verify(run, &copies);
}

/* ---- Driving it ----------------------------------------------------------------------------- */

/* Execute the run whenever it is due; the clock jumps to that time. */
static int drive(dur_log *log, const char *day, night *tonight)
{
    int code;

    while ((code = dur_execute(log, "backup", day, NULL, back_up, tonight)) == DUR_SUSPENDED) {
        dur_run_info info = DUR_RUN_INFO_INIT;

        if (dur_read_run(log, day, &info) != DUR_OK || info.wake_ms <= tonight->now_ms)
            break;
        tonight->now_ms = info.wake_ms;
    }
    return code;
}

static void begin_night(night *tonight)
{
    static const char *const names[MIRRORS] = {"oslo", "rome", "lima", "quito", "cairo"};

    memset(tonight, 0, sizeof *tonight);
    tonight->now_ms = MIDNIGHT_MS;
    for (int i = 0; i < MIRRORS; i++) {
        tonight->mirrors[i].night = tonight;
        tonight->mirrors[i].name = names[i];
        tonight->mirrors[i].key = i + 1;
    }
    tonight->mirrors[2].down = true;
}

static bool play(dur_log *log, night *tonight)
{
    bool good;

    printf("monday\n");
    tonight->mirrors[1].busy_min = 120;
    tonight->mirrors[3].busy_min = 30;
    good = drive(log, "monday", tonight) == DUR_OK;

    printf("tuesday\n");
    begin_night(tonight);
    tonight->mirrors[0].down = true;
    good = drive(log, "tuesday", tonight) == DUR_FAILED && good;
    printf("  the run has failed: %s\n", dur_errmsg(log));

    printf("monday, once more\n");
    good = drive(log, "monday", tonight) == DUR_OK && good;
    printf("  it is done: %d copies\n", (int)dur_output(log).as.integer);
    return good;
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "fan_out.db";
    dur_options options = DUR_OPTIONS_INIT;
    night tonight;
    sqlite3 *db;
    dur_log *log = NULL;
    bool good = false;

    remove(path);
    begin_night(&tonight);
    options.now_ms = now;
    options.user = &tonight;
    if (sqlite3_open(path, &db) == SQLITE_OK && dur_open(db, &options, &log) == DUR_OK)
        good = play(log, &tonight);
    if (!good)
        fprintf(stderr, "that is not how a backup fans out: %s\n", dur_errmsg(log));
    dur_close(log);
    sqlite3_close(db);
    return good ? 0 : 1;
}
