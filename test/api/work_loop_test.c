/* test/api: dur_work_loop(): stopped from elsewhere, woken by others. POSIX only. */
#include "api/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

/* What the sleeps of the loop do; the real sleep is SQLite's. */
typedef struct bed {
    atomic_int sleeps;
    int acts_in; /* the sleep in which `act` is called, 0: none */
    void (*act)(struct bed *bed);
    test_crew crew;
    test_host theirs;
    dur_log *their_log;
} bed;

static void sleep_in_bed(int64_t duration_ms, void *user)
{
    bed *it = user;
    int sleeps = atomic_fetch_add(&it->sleeps, 1) + 1;

    assert_in_range(duration_ms, 1, 100);
    if (sleeps == it->acts_in)
        it->act(it);
    else
        sqlite3_sleep((int)duration_ms);
}

static void make_bed(bed *it, test_host *host)
{
    dur_options options = DUR_OPTIONS_INIT;

    memset(it, 0, sizeof *it);
    options.sleep = sleep_in_bed;
    options.user = it;
    crew_open(&it->crew, host, &options);
    it->theirs = *host;
    it->theirs.db = host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_int_equal(DUR_OK, dur_open(it->theirs.db, NULL, &it->their_log));
}

static void strip_bed(bed *it)
{
    dur_close(it->their_log);
    crew_close(&it->crew);
}

static void stop_in_pass(test_crew *crew, dur_run *run)
{
    (void)run;
    dur_stop_work_loop(crew->log);
}

static int loop(bed *it)
{
    narrative_clear(&it->crew.passes);
    return dur_work_loop(it->crew.log, &it->crew.options);
}

/* ---- Stopping ---- */

static dur_log *interrupted;

static void on_signal(int number)
{
    (void)number;
    dur_stop_work_loop(interrupted);
}

static void raise_signal(bed *it)
{
    (void)it;
    assert_int_equal(0, raise(SIGUSR1));
}

static void a_signal_handler_stops_the_loop(void **state)
{
    struct sigaction action, before;
    bed it;

    make_bed(&it, *state);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    interrupted = it.crew.log;
    assert_int_equal(0, sigaction(SIGUSR1, &action, &before));
    it.acts_in = 3;
    it.act = raise_signal;
    assert_code(DUR_OK, loop(&it), it.crew.log);
    assert_int_equal(3, it.sleeps);
    assert_int_equal(0, sigaction(SIGUSR1, &before, NULL));
    strip_bed(&it);
}

/* Once the loop sleeps, so that it is its sleep that is cut short. */
static void *stop_a_sleeper(void *user)
{
    bed *it = user;

    while (atomic_load(&it->sleeps) < 3) sqlite3_sleep(1);
    dur_stop_work_loop(it->crew.log);
    return NULL;
}

static void another_thread_stops_the_loop(void **state)
{
    pthread_t thread;
    bed it;

    make_bed(&it, *state);
    it.crew.options.poll_ms = INT64_MAX; /* without a stop it would sleep for ever */
    assert_int_equal(0, pthread_create(&thread, NULL, stop_a_sleeper, &it));
    assert_code(DUR_OK, loop(&it), it.crew.log);
    assert_int_equal(0, pthread_join(thread, NULL));
    assert_true(atomic_load(&it.sleeps) >= 3);
    strip_bed(&it);
}

static int sleep_on(dur_run *run, void *user)
{
    bed *it = user;

    DUR_STEP(run, "long") {
        pthread_t thread;

        atomic_store(&it->sleeps, 3);
        assert_int_equal(0, pthread_create(&thread, NULL, stop_a_sleeper, it));
        assert_int_equal(0, pthread_join(thread, NULL));
    }
    return 0;
}

static void a_pass_that_runs_is_finished_first(void **state)
{
    bed it;

    make_bed(&it, *state);
    assert_code(DUR_OK, dur_register(it.crew.log, "work", sleep_on, &it), it.crew.log);
    crew_start(&it.crew, NULL, 0, "run-1");
    crew_start(&it.crew, NULL, 0, "run-2");
    assert_code(DUR_OK, loop(&it), it.crew.log);
    assert_string_equal("run-1: DUR_OK\n", it.crew.passes.text);
    strip_bed(&it);
}

/* ---- Waking ---- */

static void start_on_theirs(bed *it)
{
    it->crew.act = stop_in_pass;
    assert_code(DUR_OK, dur_start(it->their_log, "work", "theirs", NULL), it->their_log);
}

static void what_another_connection_starts_is_executed(void **state)
{
    bed it;

    make_bed(&it, *state);
    it.acts_in = 5;
    it.act = start_on_theirs;
    assert_code(DUR_OK, loop(&it), it.crew.log);
    assert_string_equal("theirs: DUR_OK\n", it.crew.passes.text);
    assert_int_equal(5, it.sleeps); /* noticed before the next sleep */
    strip_bed(&it);
}

static int receive(dur_run *run, void *user)
{
    bed *it = user;
    dur_value value;

    if (dur_receive(run, "mail", DUR_FOREVER, &value) != DUR_OK) return 0;
    assert_int_equal(42, value.as.integer);
    dur_stop_work_loop(it->crew.log);
    return 0;
}

static void signal_on_theirs(bed *it)
{
    assert_code(DUR_OK, dur_signal(it->their_log, "run-1", "mail", dur_integer(42), NULL),
                it->their_log);
}

static void what_another_connection_signals_is_received(void **state)
{
    bed it;

    make_bed(&it, *state);
    assert_code(DUR_OK, dur_register(it.crew.log, "work", receive, &it), it.crew.log);
    crew_start(&it.crew, NULL, 0, "run-1");
    it.acts_in = 5;
    it.act = signal_on_theirs;
    assert_code(DUR_OK, loop(&it), it.crew.log);
    assert_string_equal("run-1: DUR_SUSPENDED\nrun-1: DUR_OK\n", it.crew.passes.text);
    assert_int_equal(5, it.sleeps);
    strip_bed(&it);
}

static int ring(dur_run *run, void *user)
{
    bed *it = user;

    if (dur_sleep(run, "short", 20) != DUR_OK) return 0;
    dur_stop_work_loop(it->crew.log);
    return 0;
}

/* By the clock of the system, and without anybody's commit. */
static void a_timer_wakes_the_loop(void **state)
{
    bed it;

    make_bed(&it, *state);
    assert_code(DUR_OK, dur_register(it.crew.log, "work", ring, &it), it.crew.log);
    crew_start(&it.crew, NULL, 0, "run-1");
    it.crew.options.poll_ms = 1000000;
    assert_code(DUR_OK, loop(&it), it.crew.log);
    assert_string_equal("run-1: DUR_SUSPENDED\nrun-1: DUR_OK\n", it.crew.passes.text);
    strip_bed(&it);
}

/* ---- Two loops ---- */

#define RUNS 40

typedef struct hand {
    test_crew crew;
    test_host host;
    atomic_int *left;
    dur_log **logs; /* of both */
} hand;

static int count_down(dur_run *run, void *user)
{
    hand *it = user;
    bool last = false;

    DUR_STEP(run, "step") {
        it->crew.bodies++;
        last = atomic_fetch_sub(it->left, 1) == 1;
    }
    if (last)
        for (int i = 0; i < 2; i++) dur_stop_work_loop(it->logs[i]);
    return 0;
}

static void *work_by_hand(void *user)
{
    hand *it = user;

    return (void *)(intptr_t)dur_work_loop(it->crew.log, &it->crew.options);
}

/* Each run once, whoever does it. */
static void two_threads_share_one_file(void **state)
{
    test_host *host = *state;
    dur_options options = DUR_OPTIONS_INIT;
    dur_log *logs[2];
    atomic_int left = RUNS;
    hand hands[2];
    pthread_t threads[2];
    void *codes[2];
    char id[16];

    for (int i = 0; i < 2; i++) {
        hands[i].host = *host;
        if (i == 1) hands[i].host.db = host->other = host_connect(host, SQLITE_OPEN_READWRITE);
        crew_open(&hands[i].crew, &hands[i].host, &options);
        logs[i] = hands[i].crew.log;
        hands[i].left = &left;
        hands[i].logs = logs;
        assert_code(DUR_OK, dur_register(logs[i], "work", count_down, &hands[i]), logs[i]);
    }
    for (int i = 0; i < RUNS; i++) {
        snprintf(id, sizeof id, "run-%d", i);
        crew_start(&hands[0].crew, NULL, i % 8, id);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, work_by_hand, &hands[i]));
    for (int i = 0; i < 2; i++) assert_int_equal(0, pthread_join(threads[i], &codes[i]));
    for (int i = 0; i < 2; i++) assert_int_equal(DUR_OK, (intptr_t)codes[i]);
    assert_int_equal(RUNS, hands[0].crew.bodies + hands[1].crew.bodies);
    assert_int_equal(RUNS, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(RUNS, host_number(host->db, "SELECT count(*) FROM durable_runs_view"
                                                 " WHERE status = 'completed' AND claims = 1"));
    for (int i = 0; i < 2; i++) crew_close(&hands[i].crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(a_signal_handler_stops_the_loop),
        ON_DISK(another_thread_stops_the_loop),
        ON_DISK(a_pass_that_runs_is_finished_first),
        ON_DISK(what_another_connection_starts_is_executed),
        ON_DISK(what_another_connection_signals_is_received),
        ON_DISK(a_timer_wakes_the_loop),
        ON_DISK(two_threads_share_one_file),
    };

    return cmocka_run_group_tests_name("api.work_loop", tests, NULL, NULL);
}
