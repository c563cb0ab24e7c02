/*
 * test/crash: a batch whose branches run on threads survives kill -9 at random instants: whatever
 * was acknowledged is never executed again, and each branch has one row. DUR_SEED gives the seed,
 * DUR_CRASH_ROUNDS the number of runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fake_clock.h"
#include "support/host.h"
#include "support/place.h"
#include "support/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define BRANCHES 5
#define STEPS 4
#define THREADS 3
#define KILLS_MAX (DUR_CLAIMS_MAX - 2) /* no run is parked */

/* What outlives the processes. */
typedef struct ledger {
    place here;
    const char *journal_mode;
    char message[256];
    atomic_int acknowledged[BRANCHES][STEPS];
    atomic_int again; /* steps that were executed after that */
    atomic_int output;
} ledger;

static ledger *book;

/* ---- The child ---- */

typedef struct gang {
    dur_job *const *jobs;
    size_t count;
    atomic_size_t next;
} gang;

static sqlite3 *connect(void)
{
    sqlite3 *db = NULL;
    char sql[64];

    if (sqlite3_open(book->here.path, &db) != SQLITE_OK) abort();
    sqlite3_busy_timeout(db, 5000);
    snprintf(sql, sizeof sql, "PRAGMA journal_mode = %s", book->journal_mode);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) abort();
    return db;
}

static void *toil(void *user)
{
    gang *all = user;
    sqlite3 *db = connect();
    dur_log *log = NULL;
    size_t i;

    if (dur_open(db, NULL, &log) == DUR_OK)
        while ((i = atomic_fetch_add(&all->next, 1)) < all->count) dur_run_job(all->jobs[i], log);
    dur_close(log);
    sqlite3_close(db);
    return NULL;
}

static void execute_jobs(dur_job *const *jobs, size_t count, void *user)
{
    gang all = {jobs, count, 0};
    pthread_t threads[THREADS];

    (void)user;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, toil, &all) != 0) abort();
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static int dig(dur_run *run, void *user)
{
    int64_t which = dur_input(run).as.integer, sum = 0, value = 0;

    (void)user;
    for (int i = 0; i < STEPS; i++) {
        DUR_STEP (run, "dig", value) {
            if (atomic_load(&book->acknowledged[which][i])) atomic_fetch_add(&book->again, 1);
            value = 10 * which + i;
        }
        if (dur_ok(run)) atomic_store(&book->acknowledged[which][i], 1);
        sum += value;
    }
    dur_set_output(run, dur_integer(sum));
    return 0;
}

static int excavate(dur_run *run, void *user)
{
    dur_value items[BRANCHES];
    dur_batch_options options = DUR_BATCH_OPTIONS_INIT;
    dur_batch batch = {0};
    int64_t sum = 0;

    (void)user;
    for (int i = 0; i < BRANCHES; i++) items[i] = dur_integer(i);
    options.execute = execute_jobs;
    options.max_concurrency = BRANCHES - 1;
    if (dur_map(run, "dig", items, BRANCHES, dig, NULL, &options, &batch) != DUR_OK) return 0;
    for (int i = 0; i < BRANCHES; i++) sum += batch.values[i].as.integer;
    dur_set_output(run, dur_integer(sum));
    return 0;
}

/* A lock that an owner of before has left may still be on its way out. */
static int child(void *user)
{
    sqlite3 *db = connect();
    dur_log *log = NULL;
    int code = dur_open(db, NULL, &log);

    (void)user;
    if (code == DUR_OK) code = dur_execute(log, "excavate", "site", NULL, excavate, NULL);
    snprintf(book->message, sizeof book->message, "%s: %s", dur_code_name(code), dur_errmsg(log));
    if (code == DUR_OK) atomic_store(&book->output, (int)dur_output(log).as.integer);
    dur_close(log);
    sqlite3_close(db);
    return code == DUR_OK ? 0 : 1;
}

/* ---- The parent ---- */

static int setup(void **state)
{
    (void)state;
    book = process_share(sizeof *book);
    return book && place_make(&book->here) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    place_remove(&book->here);
    process_unshare(book, sizeof *book);
    return 0;
}

static int64_t number_from(const char *variable, int64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoll(text, NULL, 10) : otherwise;
}

static void turn_page(void)
{
    place_clear(book->here.path);
    memset(book->acknowledged, 0, sizeof book->acknowledged);
    atomic_store(&book->output, 0);
}

static int64_t undisturbed_us(void)
{
    int64_t began = process_now_us();
    process_end end;

    turn_page();
    end = process_run(child, NULL);
    if (!end.exited || end.code) print_error("%s\n", book->message);
    assert_true(end.exited && end.code == 0);
    return process_now_us() - began;
}

static void check_rows(void)
{
    sqlite3 *db = connect();

    assert_int_equal(BRANCHES, host_number(db, "SELECT count(*) FROM durable_steps_view"
                                               " WHERE run_id = 'site/1'"));
    assert_int_equal(BRANCHES * (BRANCHES + 1) / 2,
                     host_number(db, "SELECT sum(DISTINCT attempt) FROM durable_steps_view"
                                     " WHERE run_id = 'site/1'"));
    assert_int_equal(BRANCHES * STEPS, host_number(db, "SELECT count(*) FROM durable_steps_view"
                                                       " WHERE run_id GLOB 'site/1/*'"));
    assert_int_equal(0, host_number(db, "SELECT count(*) FROM durable_pending"));
    assert_int_equal(0, host_number(db, "SELECT count(*) FROM durable_claims"));
    sqlite3_close(db);
}

static int64_t kill_until_finished(fake_clock *chance, int64_t span_us)
{
    int64_t kills = 0;
    process_end end;

    turn_page();
    do {
        pid_t pid = process_start(child, NULL);

        if (kills < KILLS_MAX)
            end = process_kill_after(pid, (int64_t)(fake_clock_random(chance) % (uint64_t)span_us));
        else
            end = process_wait(pid);
        kills += !end.exited;
    } while (!end.exited);
    if (end.code != 0) print_error("%s\n", book->message);
    assert_int_equal(0, end.code);
    assert_int_equal(0, atomic_load(&book->again));
    assert_int_equal(10 * STEPS * BRANCHES * (BRANCHES - 1) / 2 +
                         BRANCHES * STEPS * (STEPS - 1) / 2,
                     atomic_load(&book->output));
    check_rows();
    return kills;
}

static void a_batch_on_threads_survives_kills_at_random_instants(void **state)
{
    uint64_t seed = (uint64_t)number_from("DUR_SEED", process_now_us());
    int64_t rounds = number_from("DUR_CRASH_ROUNDS", 30);
    int64_t kills = 0;
    fake_clock chance;

    (void)state;
    printf("crash: DUR_SEED=%llu DUR_CRASH_ROUNDS=%lld\n", (unsigned long long)seed,
           (long long)rounds);
    fake_clock_init(&chance, seed);
    for (int64_t round = 0; round < rounds; round++) {
        book->journal_mode = round % 2 ? "DELETE" : "WAL";
        kills += kill_until_finished(&chance, undisturbed_us());
    }
    printf("crash: %lld kills at random instants\n", (long long)kills);
    assert_true(kills > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_on_threads_survives_kills_at_random_instants),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
