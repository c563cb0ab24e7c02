/*
 * examples: retention, a nightly clean-up, and an order that somebody has put on hold.
 *
 * Introduces the usage of: dur_pause, dur_resume, dur_terminate, dur_delete, dur_retain,
 * dur_retention.
 *
 *     16_retention [DATABASE]      default: retention.db in the current directory, made anew
 *
 * A shop takes an order a day, and each day its worker ships what it can. The order of Tuesday is
 * paused: the customer service looks at it. The order of Wednesday was a joke: it is terminated,
 * which does not let it clean up. Each night the shop deletes what ended two days ago or earlier,
 * a few runs at a time, so that nobody waits long for the database; the last one is kept, whatever
 * its age. The paused order has not ended, and is never deleted. (The days are a clock's that this
 * program sets itself.) Prints
 *
 *     Monday: shipped order-1
 *     Tuesday: order-2 is paused
 *     Wednesday: order-3 is terminated: it was a joke
 *     Thursday: shipped order-4
 *     Thursday night: 1 deleted, 3 left
 *     Friday: shipped order-5
 *     Friday night: 1 deleted, 3 left
 *     Saturday: resumed, shipped order-2
 *     Saturday night: 1 deleted, 2 left
 *     a month later: 1 deleted, 1 left
 *     order-2 is deleted by hand: 0 left
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_MS INT64_C(86400000)

/* ---- The shop ------------------------------------------------------------------------------- */

typedef struct shop {
    sqlite3 *db;
    dur_log *log;
    int64_t now_ms;
} shop;

static int64_t shop_clock(void *user)
{
    return ((shop *)user)->now_ms;
}

static int ship(dur_run *run, void *user)
{
    (void)user;
    DUR_STEP(run, "ship") { printf("shipped %s\n", dur_run_id(run)); }
    return 0;
}

static void expect_ok(shop *it, int code)
{
    if (code == DUR_OK)
        return;
    fprintf(stderr, "%s\n", dur_errmsg(it->log));
    exit(1);
}

static void new_order(shop *it, const char *day, const char *order)
{
    printf("%s: ", day);
    expect_ok(it, dur_start(it->log, "order", order, NULL));
}

static void work(shop *it)
{
    expect_ok(it, dur_work(it->log, NULL, NULL));
}

static int count_runs(void *user, int columns, char **values, char **names)
{
    (void)columns, (void)names;
    *(int *)user = atoi(values[0]);
    return 0;
}

static int orders_left(shop *it)
{
    int left = 0;

    sqlite3_exec(it->db, "SELECT count(*) FROM durable_runs", count_runs, &left, NULL);
    return left;
}

/* Batches, each a commit of its own: between two of them others may write. */
static void clean_up(shop *it, const char *when)
{
    dur_retention retention = DUR_RETENTION_INIT;
    int64_t deleted, all = 0;

    retention.older_than_ms = 2 * DAY_MS;
    retention.keep = 1;
    retention.max_runs = 2;
    do {
        expect_ok(it, dur_retain(it->log, &retention, &deleted));
        all += deleted;
    } while (deleted == retention.max_runs);
    printf("%s: %d deleted, %d left\n", when, (int)all, orders_left(it));
}

/* ---- A week --------------------------------------------------------------------------------- */

static void begin_of_week(shop *it)
{
    new_order(it, "Monday", "order-1");
    work(it);
    it->now_ms += DAY_MS;
    new_order(it, "Tuesday", "order-2");
    expect_ok(it, dur_pause(it->log, "order-2"));
    printf("order-2 is paused\n");
    work(it); /* there is nothing to be done */
    it->now_ms += DAY_MS;
    new_order(it, "Wednesday", "order-3");
    expect_ok(it, dur_terminate(it->log, "order-3", "it was a joke"));
    printf("order-3 is terminated: it was a joke\n");
    it->now_ms += DAY_MS;
    new_order(it, "Thursday", "order-4");
    work(it);
    clean_up(it, "Thursday night");
}

static void end_of_week(shop *it)
{
    it->now_ms += DAY_MS;
    new_order(it, "Friday", "order-5");
    work(it);
    clean_up(it, "Friday night");
    it->now_ms += DAY_MS;
    printf("Saturday: resumed, ");
    expect_ok(it, dur_resume(it->log, "order-2"));
    work(it);
    clean_up(it, "Saturday night");
    it->now_ms += 30 * DAY_MS;
    clean_up(it, "a month later");
    expect_ok(it, dur_delete(it->log, "order-2"));
    printf("order-2 is deleted by hand: %d left\n", orders_left(it));
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "retention.db";
    dur_options options = DUR_OPTIONS_INIT;
    shop it = {NULL, NULL, 1767571200000};

    remove(path);
    if (sqlite3_open(path, &it.db) != SQLITE_OK)
        return 1;
    options.now_ms = shop_clock;
    options.user = &it;
    if (dur_open(it.db, &options, &it.log) != DUR_OK) {
        fprintf(stderr, "%s\n", dur_errmsg(it.log));
        return 1;
    }
    expect_ok(&it, dur_register(it.log, "order", ship, &it));
    begin_of_week(&it);
    end_of_week(&it);
    dur_close(it.log);
    sqlite3_close(it.db);
    return 0;
}
