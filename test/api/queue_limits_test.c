/* test/api: limits of queues hold for every worker on the file. */
#include "api/crew.h"

#include <stdio.h>

/* Two workers on two connections; the clock is one. Both are in this process. */
typedef struct pair {
    test_host other;
    test_crew mine, theirs;
} pair;

static void open_pair_with(pair *two, test_host *host, const dur_options *mine,
                           const dur_options *theirs)
{
    two->other = *host;
    two->other.db = host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    crew_open(&two->mine, host, mine);
    crew_open(&two->theirs, &two->other, theirs);
}

static void open_pair(pair *two, test_host *host)
{
    dur_options options = host_options(host);

    open_pair_with(two, host, &options, &options);
}

static void close_pair(pair *two)
{
    crew_close(&two->mine);
    crew_close(&two->theirs);
}

static void limit(test_crew *crew, int64_t active, int64_t process, int64_t starts,
                  int64_t period_ms)
{
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;

    limits.max_active = active;
    limits.max_active_process = process;
    limits.max_starts = starts;
    limits.period_ms = period_ms;
    assert_code(DUR_OK, dur_serve_queue(crew->log, "work", &limits), crew->log);
}

static void start_runs(test_crew *crew, int count)
{
    char id[16];

    for (int i = 1; i <= count; i++) {
        snprintf(id, sizeof id, "run-%d", i);
        crew_start(crew, NULL, 0, id);
    }
}

/* ---- How many at once ------------------------------------------------------------------------ */

static test_crew *other_crew;

/* In a pass of mine: the others find no room, whatever the budget. */
static void find_no_room(test_crew *crew, dur_run *run)
{
    (void)crew, (void)run;
    assert_passes(other_crew, "");
    assert_int_equal(1000, other_crew->wake_ms);
}

static void find_room_for_one(test_crew *crew, dur_run *run)
{
    (void)crew, (void)run;
    other_crew->options.max_passes = 1;
    assert_passes(other_crew, "run-2: DUR_OK\n");
    assert_int_equal(0, other_crew->wake_ms);
}

static void assert_active(test_host *host, int64_t active, int64_t process,
                          void (*meanwhile)(test_crew *, dur_run *))
{
    pair two;

    open_pair(&two, host);
    limit(&two.mine, active, process, 0, 0); /* they hold for the others, too */
    assert_code(DUR_OK, dur_serve_queue(two.theirs.log, "work", NULL), two.theirs.log);
    start_runs(&two.mine, 3);
    other_crew = &two.theirs;
    two.mine.act = meanwhile;
    two.mine.options.max_passes = 1;
    assert_passes(&two.mine, "run-1: DUR_OK\n");
    two.theirs.options.max_passes = 0;
    assert_code(DUR_OK, crew_work(&two.theirs), two.theirs.log);
    assert_has(two.theirs.passes.text, "run-3: DUR_OK\n");
    assert_int_equal(3, two.mine.bodies + two.theirs.bodies);
    close_pair(&two);
}

static void one_at_a_time_in_all(void **state)
{
    assert_active(*state, 1, 0, find_no_room);
}

static void two_at_a_time_in_all(void **state)
{
    assert_active(*state, 2, 0, find_room_for_one);
}

/* Both connections are this process. */
static void one_at_a_time_in_a_process(void **state)
{
    assert_active(*state, 0, 1, find_no_room);
}

static void two_at_a_time_in_a_process(void **state)
{
    assert_active(*state, 5, 2, find_room_for_one);
}

/* "Runs executed by dur_execute() are counted, but not held back." */
static void runs_by_hand_are_counted_but_not_held_back(void **state)
{
    dur_run *first = NULL, *second = NULL;
    pair two;

    open_pair(&two, *state);
    limit(&two.mine, 1, 1, 0, 0);
    assert_code(DUR_OK, dur_begin_run(two.mine.log, "work", "first", NULL, &first), two.mine.log);
    assert_code(DUR_OK, dur_begin_run(two.mine.log, "work", "second", NULL, &second),
                two.mine.log);
    start_runs(&two.mine, 1);
    assert_passes(&two.theirs, "");
    dur_complete_run(first, dur_null());
    dur_close_run(first);
    assert_passes(&two.theirs, "");
    dur_complete_run(second, dur_null());
    dur_close_run(second);
    assert_passes(&two.theirs, "run-1: DUR_OK\n");
    close_pair(&two);
}

static int wait_for_mail(dur_run *run, void *user)
{
    (void)user;
    return dur_receive(run, "mail", DUR_FOREVER, NULL) == DUR_OK ? 0 : 1;
}

/* "A run that is suspended is not active." */
static void a_waiting_run_takes_no_room(void **state)
{
    pair two;

    open_pair(&two, *state);
    limit(&two.mine, 1, 1, 0, 0);
    start_runs(&two.mine, 3);
    assert_code(DUR_OK, dur_register(two.mine.log, "work", wait_for_mail, NULL), two.mine.log);
    assert_passes(&two.mine, "run-1: DUR_SUSPENDED\nrun-2: DUR_SUSPENDED\nrun-3: DUR_SUSPENDED\n");
    close_pair(&two);
}

static void another_queue_is_not_limited(void **state)
{
    dur_run *run = NULL;
    pair two;

    open_pair(&two, *state);
    limit(&two.mine, 1, 0, 0, 0);
    assert_code(DUR_OK, dur_serve_queue(two.theirs.log, "other", NULL), two.theirs.log);
    assert_code(DUR_OK, dur_begin_run(two.mine.log, "work", "held", NULL, &run), two.mine.log);
    start_runs(&two.mine, 1);
    crew_start(&two.mine, "other", 0, "elsewhere");
    assert_passes(&two.theirs, "elsewhere: DUR_OK\n");
    dur_close_run(run);
    close_pair(&two);
}

/* ---- How many in a time ---------------------------------------------------------------------- */

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

static int64_t never_held_up(void *user)
{
    return ((hold_up *)user)->now_ms;
}

static void open_held_up_pair(pair *two, test_host *host, hold_up *it)
{
    dur_options mine = DUR_OPTIONS_INIT, theirs = DUR_OPTIONS_INIT;

    mine.now_ms = held_up_after_reading;
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

/* ---- Setting them ---------------------------------------------------------------------------- */

static int64_t writes_of(test_host *host)
{
    return host_number(host->db, "SELECT total_changes()");
}

/* "One commit if they differ from those in the log; none otherwise." */
static void limits_are_written_once(void **state)
{
    test_host *host = *state;
    int64_t before;
    pair two;

    open_pair(&two, host);
    before = writes_of(host);
    limit(&two.mine, 0, 0, 0, 0);
    assert_int_equal(before, writes_of(host));
    limit(&two.mine, 3, 2, 0, 0);
    assert_true(writes_of(host) > before);
    before = writes_of(host);
    limit(&two.mine, 3, 2, 0, 5000); /* a period without a number of starts says nothing */
    assert_int_equal(before, writes_of(host));
    close_pair(&two);
}

static void limits_can_be_changed_and_taken_away(void **state)
{
    dur_run *run = NULL;
    pair two;

    open_pair(&two, *state);
    limit(&two.mine, 1, 0, 1, 3600000);
    assert_code(DUR_OK, dur_begin_run(two.mine.log, "work", "held", NULL, &run), two.mine.log);
    start_runs(&two.mine, 3);
    assert_passes(&two.theirs, "");
    limit(&two.mine, 2, 0, 1, 3600000); /* the others' next claim knows of it */
    assert_passes(&two.theirs, "run-1: DUR_OK\n");
    limit(&two.mine, 1, 0, 1, 3600000);
    assert_passes(&two.theirs, "");
    limit(&two.mine, 0, 0, 0, 0);
    assert_passes(&two.theirs, "run-2: DUR_OK\nrun-3: DUR_OK\n");
    dur_close_run(run);
    close_pair(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(one_at_a_time_in_all),
        ON_DISK(two_at_a_time_in_all),
        ON_DISK(one_at_a_time_in_a_process),
        ON_DISK(two_at_a_time_in_a_process),
        ON_DISK(runs_by_hand_are_counted_but_not_held_back),
        ON_DISK(a_waiting_run_takes_no_room),
        ON_DISK(another_queue_is_not_limited),
        ON_DISK(a_rate_holds_for_all_together),
        IN_WAL(no_period_sees_one_too_many),
        ON_DISK(a_late_claim_is_no_clock_that_was_set_back),
        ON_DISK(a_claim_that_waited_for_the_lock_counts_from_then),
        IN_WAL(a_rate_may_be_finer_than_the_clock),
        IN_WAL(limits_are_written_once),
        ON_DISK(limits_can_be_changed_and_taken_away),
    };

    return cmocka_run_group_tests_name("api.queue_limits", tests, NULL, NULL);
}
