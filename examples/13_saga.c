/*
 * examples: saga, steps that are undone when the order fails.
 *
 * Introduces the usage of: dur_step_options.undo, dur_undo_fn, dur_step_value in an undo function,
 * dur_run_info.failure, durable_steps_view.
 *
 *     13_saga [DATABASE]        default: saga.db in the current directory, made anew
 *
 * An order reserves goods, charges a card and ships. Each step says beforehand what takes it back;
 * when the parcel cannot be shipped the run fails, and what was begun is undone, the newest first.
 * The undo functions are steps of their own: recorded, so that none runs twice, and tried again by
 * the policy of the step that they undo. The bank is out of order at first, so the refund waits,
 * and nobody holds the run meanwhile. (The clock is one that the program moves; see 07_retry.)
 *
 * The step that failed is undone, too: a part of its effect may be there. It has no result. Prints
 *
 *     0:00 reserve: 3 cups of tea
 *     0:00 charge: payment 4711
 *     0:00 ship: the courier is on strike
 *     0:00 undo ship: nothing is on its way
 *     0:00 undo charge: the bank is out of order
 *     the order waits
 *     0:01 undo charge: payment 4711 is refunded
 *     0:01 undo reserve: 3 cups of tea are back on the shelf
 *     the order has failed: the courier is on strike
 *     1 step reserve: result
 *     2 step charge: result
 *     3 step ship: failure
 *     4 undo ship: result
 *     5 undo charge: result
 *     6 undo reserve: result
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define BEGAN_MS 1800000000000

typedef struct shop {
    int64_t now_ms;
} shop;

static int64_t now(void *user)
{
    const shop *tea = user;

    return tea->now_ms;
}

static void tell_time(const shop *tea)
{
    int seconds = (int)((tea->now_ms - BEGAN_MS) / 1000);

    printf("%d:%02d ", seconds / 60, seconds % 60);
}

/* ---- What takes a step back ----------------------------------------------------------------- */

/* They answer as step functions do. dur_step_value() is what the step itself has recorded. */
static int put_back(dur_step *step, void *user)
{
    tell_time(user);
    printf("undo reserve: %d cups of tea are back on the shelf\n",
           (int)dur_step_value(step).as.integer);
    return dur_record_result(step, dur_null());
}

static int refund(dur_step *step, void *user)
{
    tell_time(user);
    if (dur_step_attempt(step) == 1) {
        printf("undo charge: the bank is out of order\n");
        return dur_record_failure(step, "the bank is out of order");
    }
    printf("undo charge: payment %d is refunded\n", (int)dur_step_value(step).as.integer);
    return dur_record_result(step, dur_null());
}

/* A real one would ask the courier, by the key that the step was asked with. */
static int call_back(dur_step *step, void *user)
{
    tell_time(user);
    if (dur_step_value(step).type == DUR_NULL)
        printf("undo ship: nothing is on its way\n");
    return dur_record_result(step, dur_null());
}

/* ---- The workflow --------------------------------------------------------------------------- */

static dur_step_options undone_by(dur_undo_fn *undo, shop *tea, const dur_retry *retry)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    options.undo = undo;
    options.user = tea; /* lives as long as the run: undo functions run behind the workflow */
    options.retry = retry;
    return options;
}

static int order(dur_run *run, void *user)
{
    shop *tea = user;
    dur_retry patient = DUR_RETRY_INIT;
    dur_step_options reserving = undone_by(put_back, tea, NULL);
    dur_step_options charging = undone_by(refund, tea, &patient);
    dur_step_options shipping = undone_by(call_back, tea, NULL);
    int cups, payment;
    const char *parcel;

    patient.jitter = DUR_JITTER_NONE;
    DUR_STEP(run, "reserve", cups, &reserving) {
        cups = 3;
        tell_time(tea);
        printf("reserve: %d cups of tea\n", cups);
    }
    DUR_STEP(run, "charge", payment, &charging) {
        payment = 4711;
        tell_time(tea);
        printf("charge: payment %d\n", payment);
    }
    DUR_STEP(run, "ship", parcel, &shipping) {
        tell_time(tea);
        printf("ship: the courier is on strike\n");
        dur_fail(run, "the courier is on strike");
    }
    return 0; /* nobody has caught the failure: the run has failed */
}

/* ---- The program ---------------------------------------------------------------------------- */

static bool print_steps(sqlite3 *db)
{
    sqlite3_stmt *rows = NULL;
    int count = 0;

    sqlite3_prepare_v2(db, "SELECT position, kind, name, outcome FROM durable_steps_view"
                           " WHERE run_id = 'order-1' ORDER BY position", -1, &rows, NULL);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        printf("%d %s %s: %s\n", sqlite3_column_int(rows, 0),
               (const char *)sqlite3_column_text(rows, 1),
               (const char *)sqlite3_column_text(rows, 2),
               (const char *)sqlite3_column_text(rows, 3));
        count++;
    }
    sqlite3_finalize(rows);
    return count == 6;
}

static bool play(sqlite3 *db, shop *tea, dur_log **log)
{
    dur_options options = DUR_OPTIONS_INIT;
    dur_run_info info = DUR_RUN_INFO_INIT;

    options.now_ms = now;
    options.user = tea;
    if (dur_open(db, &options, log) != DUR_OK)
        return false;
    if (dur_execute(*log, "order", "order-1", NULL, order, tea) != DUR_SUSPENDED)
        return false;
    printf("the order waits\n");
    if (dur_read_run(*log, "order-1", &info) != DUR_OK)
        return false;
    tea->now_ms = info.wake_ms; /* where a real program would sleep, or do something else */
    if (dur_execute(*log, "order", "order-1", NULL, order, tea) != DUR_FAILED)
        return false;
    printf("the order has failed: %s\n", dur_errmsg(*log));
    return print_steps(db);
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "saga.db";
    shop tea = {BEGAN_MS};
    bool good = false;
    dur_log *log = NULL;
    sqlite3 *db;

    remove(path);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
    else
        good = play(db, &tea, &log);
    if (!good)
        fprintf(stderr, "that is not how an order is undone: %s\n", dur_errmsg(log));
    dur_close(log);
    sqlite3_close(db);
    return good ? 0 : 1;
}
