/*
 * examples: patch, new code that meets a run which old code has begun.
 *
 * Introduces the usage of: dur_patch, dur_retire_patch, dur_replay_check, dur_report_text.
 *
 *     19_patch [DATABASE]       default: patch.db in the current directory, made anew
 *
 * A shop takes orders: reserve, charge, ship. One order has been charged when the program is
 * replaced by one that asks about fraud before it charges. The order that is charged goes on as it
 * began; the next one goes the new way, and has a marker in its log that says so. Some day no run
 * without a marker is left: the program after that has only the new way, and still passes the
 * markers of old runs. Before it is put to work a replay check says which runs would not fit.
 * Prints
 *
 *     the first program
 *       order-1: reserve, charge, and the shop closes
 *     the patched program
 *       order-1: ship
 *       order-2: reserve, fraud, and the shop closes
 *     would the program behind it do?
 *       order-1: no, at position 2
 *       order-2: yes, it would go on at position 4
 *     the program behind it
 *       order-2: charge, ship
 *     the log
 *       order-1 1 step reserve
 *       order-1 2 step charge
 *       order-1 3 step ship
 *       order-2 1 step reserve
 *       order-2 2 patch check-fraud
 *       order-2 3 step fraud
 *       order-2 4 step charge
 *       order-2 5 step ship
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

typedef struct shop {
    const char *closes; /* behind this step; NULL: not at all */
    int told;
} shop;

static void work(dur_run *run, shop *it, const char *name)
{
    DUR_STEP(run, name) { printf("%s%s", it->told++ ? ", " : "", name); }
    if (it->closes && strcmp(it->closes, name) == 0) {
        if (dur_ok(run)) printf(", and the shop closes");
        dur_stop(run, "the shop closes");
    }
}

/* ---- Three programs ------------------------------------------------------------------------- */

static int first_order(dur_run *run, void *user)
{
    work(run, user, "reserve");
    work(run, user, "charge");
    work(run, user, "ship");
    return 0;
}

static int patched_order(dur_run *run, void *user)
{
    work(run, user, "reserve");
    if (dur_patch(run, "check-fraud")) work(run, user, "fraud");
    work(run, user, "charge");
    work(run, user, "ship");
    return 0;
}

static int later_order(dur_run *run, void *user)
{
    work(run, user, "reserve");
    if (dur_retire_patch(run, "check-fraud") != DUR_OK) return 0;
    work(run, user, "fraud");
    work(run, user, "charge");
    work(run, user, "ship");
    return 0;
}

/* ---- What is done with them ------------------------------------------------------------------ */

static bool execute(dur_log *log, const char *run_id, dur_workflow *order, const char *closes)
{
    shop it = {closes, 0};
    int code;

    printf("  %s: ", run_id);
    code = dur_execute(log, "order", run_id, NULL, order, &it);
    printf("\n");
    return code == (closes ? DUR_STOPPED : DUR_OK);
}

/* No body runs in a check, and nothing is written. */
static bool would_do(dur_log *log, const char *run_id, bool expected)
{
    dur_check_options options = DUR_CHECK_OPTIONS_INIT;
    dur_report *report = NULL;
    shop it = {NULL, 0};
    bool fits;

    options.run_id = run_id;
    fits = dur_replay_check(log, "order", &options, later_order, &it, &report) == DUR_OK;
    printf("  %s: %s %lld\n", run_id, fits ? "yes, it would go on at position" : "no, at position",
           (long long)dur_report_position(report));
    if (fits != expected) fprintf(stderr, "%s\n", dur_report_text(report));
    dur_free_report(report);
    return fits == expected;
}

static void print_log(sqlite3 *db)
{
    sqlite3_stmt *rows = NULL;

    printf("the log\n");
    sqlite3_prepare_v2(db, "SELECT run_id, position, kind, name FROM durable_steps_view"
                           " ORDER BY run_id, position", -1, &rows, NULL);
    while (sqlite3_step(rows) == SQLITE_ROW)
        printf("  %s %d %s %s\n", (const char *)sqlite3_column_text(rows, 0),
               sqlite3_column_int(rows, 1), (const char *)sqlite3_column_text(rows, 2),
               (const char *)sqlite3_column_text(rows, 3));
    sqlite3_finalize(rows);
}

static bool play(sqlite3 *db, dur_log **log)
{
    if (dur_open(db, NULL, log) != DUR_OK) return false;
    printf("the first program\n");
    if (!execute(*log, "order-1", first_order, "charge")) return false;
    printf("the patched program\n");
    if (!execute(*log, "order-1", patched_order, NULL)) return false;
    if (!execute(*log, "order-2", patched_order, "fraud")) return false;
    printf("would the program behind it do?\n");
    if (!would_do(*log, "order-1", false) || !would_do(*log, "order-2", true)) return false;
    printf("the program behind it\n");
    if (!execute(*log, "order-2", later_order, NULL)) return false;
    print_log(db);
    return true;
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "patch.db";
    bool good = false;
    dur_log *log = NULL;
    sqlite3 *db;

    remove(path);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
    else
        good = play(db, &log);
    if (!good) fprintf(stderr, "that is not how code is changed: %s\n", dur_errmsg(log));
    dur_close(log);
    sqlite3_close(db);
    return good ? 0 : 1;
}
