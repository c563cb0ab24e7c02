/* test/api: the rates of queues hold for every worker on the file, whatever the clock does. */
#include "api/pair.h"

static void a_rate_holds_for_all_together(void **state)
{
    test_host *host = *state;
    pair two;

    open_pair(&two, host);
    limit(&two.mine, 0, 0, 2, 0); /* a second is the default */
    start_runs(&two.mine, 4);
    assert_passes(&two.mine, "run-1: DUR_OK\n");
    assert_int_equal(500, two.mine.wake_ms);
    assert_passes(&two.theirs, "");
    assert_int_equal(500, two.theirs.wake_ms);
    fake_clock_advance(&host->clock, 499);
    assert_passes(&two.theirs, "");
    fake_clock_advance(&host->clock, 1);
    assert_passes(&two.theirs, "run-2: DUR_OK\n");
    assert_passes(&two.mine, "");
    fake_clock_advance(&host->clock, 10000); /* what was not used is not saved up */
    assert_passes(&two.mine, "run-3: DUR_OK\n");
    assert_passes(&two.theirs, "");
    close_pair(&two);
}

/* In any period there are no more than that, however the clock ticks. */
static void no_period_sees_one_too_many(void **state)
{
    test_host *host = *state;
    int64_t started[40];
    int count = 0;
    pair two;

    open_pair(&two, host);
    limit(&two.mine, 0, 0, 7, 1000);
    start_runs(&two.mine, 40);
    while (count < 40) {
        test_crew *crew = count % 2 ? &two.mine : &two.theirs;

        assert_code(DUR_OK, crew_work(crew), crew->log);
        if (crew->passes.text[0]) started[count++] = host->clock.now_ms;
        fake_clock_advance(&host->clock, 1);
    }
    for (int i = 7; i < 40; i++) assert_true(started[i] - started[i - 7] >= 1000);
    assert_true(started[39] - started[0] <= 39 * 144); /* and hardly fewer */
    close_pair(&two);
}

/* A worker that is held up after it has asked its clock, with another one at work meanwhile. They
 * know different workflows, so that no run is between them. */
typedef struct hold_up {
    test_crew *others;
    int64_t now_ms;
    int64_t held_ms;
    int at; /* so many readings from now; 0: not any more */
} hold_up;

static int64_t held_up_after_reading(void *user)
{
    hold_up *it = user;
    int64_t now = it->now_ms;

    if (it->at == 0 || --it->at > 0) return now;
    it->now_ms += it->held_ms;
    assert_code(DUR_OK, crew_work(it->others), it->others->log);
    return now;
}

static int held_up_by_a_question(const char *owner_mark, void *user)
{
    hold_up *it = user;

    assert_non_null(owner_mark);
    it->now_ms += it->held_ms;
    return DUR_OWNER_DEAD;
}

static int64_t never_held_up(void *user)
{
    return ((hold_up *)user)->now_ms;
}

static void open_held_up_pair(pair *two, test_host *host, hold_up *it)
{
    dur_options mine = DUR_OPTIONS_INIT, theirs = DUR_OPTIONS_INIT;

    mine.now_ms = held_up_after_reading;
    mine.owner_alive = held_up_by_a_question;
    theirs.now_ms = never_held_up;
    mine.user = theirs.user = it;
    it->others = &two->theirs;
    open_pair_with(two, host, &mine, &theirs);
    limit(&two->theirs, 0, 0, 1, 1000);
    assert_code(DUR_OK, dur_register(two->theirs.log, "other", crew_workflow, &two->theirs),
                two->theirs.log);
    assert_code(DUR_OK, dur_register(two->theirs.log, "work", NULL, NULL), two->theirs.log);
}

/* A run for each of them in the queue. */
static void start_two(pair *two, int number)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    char id[16];

    snprintf(id, sizeof id, "mine-%d", number);
    crew_start(&two->mine, "work", 0, id);
    snprintf(id, sizeof id, "theirs-%d", number);
    start.queue = "work";
    assert_code(DUR_OK, dur_start(two->theirs.log, "other", id, &start), two->theirs.log);
}

/* Clocks that were set back are believed: a time that was asked for and is old is none. */
static void a_late_claim_is_no_clock_that_was_set_back(void **state)
{
    hold_up it = {NULL, FAKE_CLOCK_START_MS, 0, 0};
    bool fired;
    int round = 0;
    pair two;

    open_held_up_pair(&two, *state, &it);
    do {
        start_two(&two, ++round);
        two.mine.bodies = two.theirs.bodies = 0;
        it.now_ms += 1000;
        it.held_ms = round % 2 ? 1 : 999;
        it.at = (round + 1) / 2;
        assert_code(DUR_OK, crew_work(&two.mine), two.mine.log);
        assert_int_equal(1, two.mine.bodies + two.theirs.bodies);
        fired = it.at == 0;
        it.at = 0;
        it.now_ms += 1000; /* whoever was late */
        assert_code(DUR_OK, crew_work(two.mine.bodies ? &two.theirs : &two.mine), two.mine.log);
        assert_true(two.mine.bodies == 1 && two.theirs.bodies == 1);
    } while (fired);
    assert_true(round > 8); /* before the claim, in it, and behind it */
    close_pair(&two);
}

/* Before it looked at the queue: it does not even try. */
static void a_late_look_is_no_clock_that_was_set_back(void **state)
{
    hold_up it = {NULL, FAKE_CLOCK_START_MS, 1, 0};
    pair two;

    open_held_up_pair(&two, *state, &it);
    start_two(&two, 1);
    it.at = 2; /* the call's beginning, and this */
    assert_passes(&two.mine, "");
    assert_int_equal(1, two.theirs.bodies);
    assert_int_equal(1000, two.mine.wake_ms);
    close_pair(&two);
}

/* The host is asked about an owner before its run is claimed, and takes its time. */
static void a_claim_counts_from_when_it_is_made(void **state)
{
    test_host *host = *state;
    hold_up it = {NULL, FAKE_CLOCK_START_MS, 0, 0};
    dur_run *run = NULL;
    pair two;

    open_held_up_pair(&two, host, &it);
    assert_code(DUR_OK, dur_begin_run(two.theirs.log, "work", "held", NULL, &run), two.theirs.log);
    it.held_ms = 1500;
    assert_passes(&two.mine, "held: DUR_OK\n");
    assert_true(it.now_ms > FAKE_CLOCK_START_MS + 1500);
    assert_true((it.now_ms + 1000) * 1000 ==
                host_number(host->db, "SELECT next_us FROM durable_queues"));
    dur_close_run(run);
    close_pair(&two);
}

static void hold(test_crew *crew, const char *queue, dur_run **run)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.queue = queue;
    assert_code(DUR_OK, dur_begin_run(crew->log, "work", queue, &start, run), crew->log);
}

/* One queue's time is of a clock that was set back, and that of the others is not. What a dead
 * owner has left in each is looked at in some order, and first comes what he would lose first. */
static void a_clock_that_was_set_back_is_told_from_other_queues(void **state)
{
    static const char *const queues[] = {"another", "middle", "work"};
    test_host *host = *state;
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;
    dur_run *runs[3];
    pair two;

    limits.max_starts = 1;
    open_pair(&two, host);
    for (int i = 0; i < 3; i++) {
        assert_code(DUR_OK, dur_serve_queue(two.mine.log, queues[i], &limits), two.mine.log);
        hold(&two.theirs, queues[i], &runs[i]);
    }
    host_run(host->db, "UPDATE durable_claims SET lease_end = lease_end + (queue = 'middle')");
    host_run(host->db,
             "UPDATE durable_queues"
             " SET next_us = %lld + iif(queue = 'middle', 9000000000, 500000)",
             (long long)host->clock.now_ms * 1000);
    host->clock.owner_alive = DUR_OWNER_DEAD;
    assert_passes(&two.mine, "middle: DUR_OK\n");
    assert_int_equal(500, two.mine.wake_ms);
    for (int i = 0; i < 3; i++) dur_close_run(runs[i]);
    close_pair(&two);
}

/* While others hold the write lock, a claim waits with the time in its hand. */
static test_host *locked;

static void unlock_at_last(void *user)
{
    fake_clock *clock = user;

    if (clock->slept_ms < 1500 || sqlite3_get_autocommit(locked->other)) return;
    host_run(locked->other, "ROLLBACK");
}

static void a_claim_that_waited_for_the_lock_counts_from_then(void **state)
{
    test_host *host = locked = *state;
    pair two;

    open_pair(&two, host);
    limit(&two.mine, 0, 0, 1, 1000);
    assert_code(DUR_OK, dur_serve_queue(two.theirs.log, "work", NULL), two.theirs.log);
    start_runs(&two.mine, 2);
    host->clock.on_sleep = unlock_at_last;
    host->clock.on_sleep_user = &host->clock;
    host_run(host->other, "BEGIN IMMEDIATE");
    assert_passes(&two.mine, "run-1: DUR_OK\n");
    assert_true(host->clock.slept_ms >= 1500);
    assert_passes(&two.theirs, "");
    assert_int_equal(1000, two.theirs.wake_ms);
    close_pair(&two);
}

/* "At most so many passes in any period_ms": also where there is more than one a ms. */
static void a_rate_may_be_finer_than_the_clock(void **state)
{
    test_host *host = *state;
    int passes = 0;
    pair two;

    open_pair(&two, host);
    limit(&two.mine, 0, 0, 5, 2);
    start_runs(&two.mine, 20);
    for (int ms = 0; ms < 4; ms++) {
        assert_code(DUR_OK, crew_work(ms % 2 ? &two.mine : &two.theirs), two.mine.log);
        assert_int_equal(1, (ms % 2 ? &two.mine : &two.theirs)->wake_ms);
        fake_clock_advance(&host->clock, 1);
        passes = two.mine.bodies + two.theirs.bodies;
        assert_int_equal(passes, (5 * (ms + 1) + 1) / 2);
    }
    close_pair(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(a_rate_holds_for_all_together),
        IN_WAL(no_period_sees_one_too_many),
        ON_DISK(a_late_claim_is_no_clock_that_was_set_back),
        ON_DISK(a_late_look_is_no_clock_that_was_set_back),
        ON_DISK(a_claim_counts_from_when_it_is_made),
        IN_WAL(a_clock_that_was_set_back_is_told_from_other_queues),
        ON_DISK(a_claim_that_waited_for_the_lock_counts_from_then),
        IN_WAL(a_rate_may_be_finer_than_the_clock),
    };

    return cmocka_run_group_tests_name("api.queue_rates", tests, NULL, NULL);
}
