/* test/api: branches on an executor with real threads, each with a connection and a log of its own.
 * POSIX only. Meant for the thread sanitizer, too. */
#include "api/refused.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define BRANCHES 12
#define THREADS 4

typedef struct workshop workshop;

/* Touched by the thread that runs the branch, and by the run's behind the executor's return. */
typedef struct bench {
    workshop *shop;
    int64_t number;
    int calls, bodies, tidied;
} bench;

struct workshop {
    test_host *host;
    dur_log *log; /* the run's */
    bench benches[BRANCHES];
    dur_branch branches[BRANCHES];
    size_t count;
    dur_batch_options options;
    int code;
    int64_t sum;
    dur_batch batch;
    int reason;
    bool blocks;       /* branches wait for each other: they must run side by side */
    atomic_int inside; /* of them, at once */
    atomic_int most;
    int waves;
    /* What the threads take their jobs from. */
    dur_job *const *jobs;
    size_t job_count;
    atomic_size_t next;
    pthread_barrier_t barrier;
};

/* ---- The executor ---- */

/* One thread's: real clock, real sleeps. */
static void *work_off(void *user)
{
    workshop *shop = user;
    sqlite3 *db = host_connect(shop->host, SQLITE_OPEN_READWRITE);
    dur_log *log = NULL;
    size_t i;

    assert_int_equal(DUR_OK, dur_open(db, NULL, &log));
    while ((i = atomic_fetch_add(&shop->next, 1)) < shop->job_count)
        dur_run_job(shop->jobs[i], log);
    dur_close(log);
    sqlite3_close(db);
    return NULL;
}

static void execute_on_threads(dur_job *const *jobs, size_t count, void *user)
{
    workshop *shop = user;
    size_t threads = shop->blocks || count < THREADS ? count : THREADS;
    pthread_t ids[BRANCHES];

    shop->waves++;
    shop->jobs = jobs;
    shop->job_count = count;
    atomic_store(&shop->next, 0);
    if (shop->blocks) assert_int_equal(0, pthread_barrier_init(&shop->barrier, NULL,
                                                               (unsigned)count));
    for (size_t i = 0; i < threads; i++)
        assert_int_equal(0, pthread_create(&ids[i], NULL, work_off, shop));
    for (size_t i = 0; i < threads; i++) assert_int_equal(0, pthread_join(ids[i], NULL));
    if (shop->blocks) pthread_barrier_destroy(&shop->barrier);
}

/* ---- The workflow ---- */

static void note_inside(workshop *shop, int now)
{
    int most = atomic_load(&shop->most);

    while (now > most && !atomic_compare_exchange_weak(&shop->most, &most, now)) continue;
}

static int hammer(dur_run *run, void *user)
{
    bench *one = user;
    workshop *shop = one->shop;
    int64_t value = 0;
    char text[600];

    one->calls++;
    note_inside(shop, atomic_fetch_add(&shop->inside, 1) + 1);
    if (shop->blocks) pthread_barrier_wait(&shop->barrier);
    for (int i = 0; i < 5; i++) DUR_STEP(run, "strike", value) {
        one->bodies++;
        value += one->number;
    }
    atomic_fetch_sub(&shop->inside, 1);
    memset(text, 'x', sizeof text);
    if (one->number % 5 == 4) dur_fail(run, "%lld broke", (long long)one->number);
    if (one->number % 5 == 3) dur_set_output(run, dur_text_n(text, sizeof text));
    else dur_set_output(run, dur_integer(one->number));
    return 0;
}

static int run_shop(dur_run *run, void *user)
{
    workshop *shop = user;

    shop->code = dur_parallel(run, "shop", shop->branches, shop->count, &shop->options,
                              &shop->batch);
    if (shop->code != DUR_OK) return 0;
    shop->reason = (int)shop->batch.reason;
    shop->sum = 0;
    for (size_t i = 0; i < shop->count; i++) {
        const dur_value *value = &shop->batch.values[i];

        if (shop->batch.codes[i] == DUR_OK && value->type == DUR_INTEGER)
            shop->sum += value->as.integer;
        if (shop->batch.codes[i] == DUR_OK && value->type == DUR_TEXT)
            assert_int_equal(600, value->length);
    }
    return 0;
}

static void open_shop(workshop *shop, test_host *host, size_t count, dur_workflow *fn)
{
    const dur_batch_options options = DUR_BATCH_OPTIONS_INIT;

    memset(shop, 0, sizeof *shop);
    shop->host = host;
    assert_int_equal(DUR_OK, dur_open(host->db, NULL, &shop->log));
    shop->count = count;
    shop->options = options;
    shop->options.execute = execute_on_threads;
    shop->options.user = shop;
    for (size_t i = 0; i < count; i++) {
        shop->benches[i].shop = shop;
        shop->benches[i].number = (int64_t)i;
        shop->branches[i].fn = fn;
        shop->branches[i].user = &shop->benches[i];
    }
}

static int execute(workshop *shop)
{
    return dur_execute(shop->log, "shop", "the-run", NULL, run_shop, shop);
}

/* ---- Side by side ---- */

static void branches_run_on_threads_of_the_hosts(void **state)
{
    test_host *host = *state;
    workshop shop;

    open_shop(&shop, host, BRANCHES, hammer);
    assert_code(DUR_OK, execute(&shop), shop.log);
    assert_int_equal(1, shop.waves);
    assert_int_equal(DUR_ALL_COMPLETED, shop.reason);
    assert_int_equal(0 + 1 + 2 + 5 + 6 + 7 + 10 + 11, shop.sum);
    assert_int_equal(BRANCHES * 5 + BRANCHES + 1,
                     host_number(host->db, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(0, host_number(host->db, "SELECT count(owner) FROM durable_runs_view"));
    /* Each has its place among those that ended, from 1 on. */
    assert_int_equal(BRANCHES * (BRANCHES + 1) / 2,
                     host_number(host->db, "SELECT sum(DISTINCT attempt) FROM durable_steps_view"
                                           " WHERE run_id = 'the-run/1'"));
    for (size_t i = 0; i < BRANCHES; i++) assert_int_equal(5, shop.benches[i].bodies);
    dur_close(shop.log);
}

/* They meet at a barrier: none of them could pass it alone. */
static void branches_run_at_the_same_time(void **state)
{
    test_host *host = *state;
    workshop shop;

    open_shop(&shop, host, 8, hammer);
    shop.blocks = true;
    shop.options.max_concurrency = 4;
    assert_code(DUR_OK, execute(&shop), shop.log);
    assert_int_equal(2, shop.waves);
    assert_int_equal(4, atomic_load(&shop.most));
    dur_close(shop.log);
}

/* ---- Waiting, and being told that it is over ---- */

static int wait_for_word(dur_run *run, void *user)
{
    bench *one = user;

    one->calls++;
    if (dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) {
        if (dur_cancelled(run)) DUR_STEP (run, "tidy") one->tidied++;
        return 0;
    }
    dur_set_output(run, dur_integer(one->number));
    return 0;
}

static void branches_wait_and_are_cancelled_on_threads(void **state)
{
    test_host *host = *state;
    workshop shop;

    open_shop(&shop, host, 4, wait_for_word);
    shop.options.min_successes = 2;
    assert_code(DUR_SUSPENDED, execute(&shop), shop.log);
    assert_code(DUR_OK, dur_signal(shop.log, "the-run/1/3", "go", dur_null(), NULL), shop.log);
    assert_code(DUR_SUSPENDED, execute(&shop), shop.log);
    assert_code(DUR_OK, dur_signal(shop.log, "the-run/1/2", "go", dur_null(), NULL), shop.log);
    assert_code(DUR_OK, execute(&shop), shop.log);
    assert_int_equal(DUR_MIN_SUCCESSES_REACHED, shop.reason);
    assert_int_equal(1 + 2, shop.sum);
    assert_int_equal(1, shop.benches[0].tidied);
    assert_int_equal(1, shop.benches[3].tidied);
    assert_int_equal(0, shop.benches[1].tidied);
    assert_int_equal(2, host_number(host->db, "SELECT count(*) FROM durable_runs_view"
                                              " WHERE status = 'cancelled'"));
    dur_close(shop.log);
}

/* ---- Misuse ---- */

typedef struct misuse {
    workshop shop;
    dur_log *wrong;
    dur_log *right;
} misuse;

static void execute_wrongly(dur_job *const *jobs, size_t count, void *user)
{
    misuse *it = user;

    for (size_t i = 0; i < count; i++)
        dur_run_job(jobs[i], i == 1 || count == 1 ? it->wrong : it->right);
}

static void open_misuse(misuse *it, test_host *host)
{
    open_shop(&it->shop, host, 3, hammer);
    it->shop.options.execute = execute_wrongly;
    it->shop.options.user = it;
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_int_equal(DUR_OK, dur_open(host->other, NULL, &it->right));
    it->wrong = it->right;
}

/* The others are recorded; with the right log the batch goes on. */
static void assert_stops(misuse *it, int code, const char *part)
{
    assert_code(code, execute(&it->shop), it->shop.log);
    assert_message(dur_errmsg(it->shop.log), part);
    assert_int_equal(0, it->shop.benches[1].bodies);
    assert_int_equal(2, host_number(it->shop.host->db, "SELECT count(*) FROM durable_steps_view"
                                                       " WHERE run_id = 'the-run/1'"));
}

static void a_log_of_another_database_is_refused(void **state)
{
    test_host *host = *state;
    test_host elsewhere;
    misuse it;

    host_open(&elsewhere, HOST_MEMORY);
    open_misuse(&it, host);
    assert_int_equal(DUR_OK, dur_open(elsewhere.db, NULL, &it.wrong));
    assert_stops(&it, DUR_NOT_FOUND, "the branch is not in this log's database");
    dur_close(it.wrong);
    it.wrong = it.right;
    assert_code(DUR_OK, execute(&it.shop), it.shop.log);
    dur_close(it.right);
    dur_close(it.shop.log);
    host_close(&elsewhere);
}

static void a_log_that_did_not_open_is_refused(void **state)
{
    test_host *host = *state;
    dur_options options = DUR_OPTIONS_INIT;
    misuse it;

    open_misuse(&it, host);
    options.schema = "nowhere";
    assert_int_equal(DUR_MISUSE, dur_open(host->other, &options, &it.wrong));
    assert_stops(&it, DUR_MISUSE, "nowhere");
    dur_close(it.wrong);
    dur_close(it.right);
    dur_close(it.shop.log);
}

/* The run's own; and none at all. */
static void a_job_needs_a_log_of_its_own(void **state)
{
    test_host *host = *state;
    misuse it;

    open_misuse(&it, host);
    it.wrong = it.shop.log;
    assert_stops(&it, DUR_MISUSE, "another log than the run's");
    it.wrong = NULL;
    assert_stops(&it, DUR_MISUSE, "a log, not NULL");
    dur_close(it.right);
    dur_close(it.shop.log);
}

static void a_job_is_no_part_of_a_transaction(void **state)
{
    test_host *host = *state;
    misuse it;
    sqlite3 *third = host_connect(host, SQLITE_OPEN_READWRITE);

    open_misuse(&it, host);
    assert_int_equal(DUR_OK, dur_open(third, NULL, &it.wrong));
    host_run(third, "BEGIN");
    assert_stops(&it, DUR_MISUSE, "within a transaction on that log's connection");
    host_run(third, "COMMIT");
    assert_code(DUR_OK, execute(&it.shop), it.shop.log);
    dur_close(it.wrong);
    sqlite3_close(third);
    dur_close(it.right);
    dur_close(it.shop.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(branches_run_on_threads_of_the_hosts),
        ON_DISK(branches_run_at_the_same_time),
        ON_DISK(branches_wait_and_are_cancelled_on_threads),
        IN_WAL(a_log_of_another_database_is_refused),
        IN_WAL(a_log_that_did_not_open_is_refused),
        IN_WAL(a_job_needs_a_log_of_its_own),
        IN_WAL(a_job_is_no_part_of_a_transaction),
    };

    return cmocka_run_group_tests_name("executor", tests, NULL, NULL);
}
