/* test/api: limits of queues hold for every worker on the file. */
#include "api/pair.h"

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
        IN_WAL(limits_are_written_once),
        ON_DISK(limits_can_be_changed_and_taken_away),
    };

    return cmocka_run_group_tests_name("api.queue_limits", tests, NULL, NULL);
}
