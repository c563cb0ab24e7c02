/* test/api: law 6, an owner whose own clock says that its lease has run out asks before it acts. */
#include "api/owners.h"

#define HOUR INT64_C(3600000)

/* The two owners of one file, with a clock each. */
typedef struct rivals {
    test_host *mine;
    test_host theirs;
    dur_log *my_log, *their_log;
    bool take, record; /* what the other one does while the first one's machine sleeps */
    int bodies;
} rivals;

static rivals open_rivals(void **state)
{
    rivals both;

    memset(&both, 0, sizeof both);
    both.mine = *state;
    both.theirs = *both.mine;
    fake_clock_init(&both.theirs.clock, 2);
    both.mine->other = both.theirs.db = host_connect(both.mine, SQLITE_OPEN_READWRITE);
    return both;
}

static void open_logs(rivals *both)
{
    both->my_log = host_log(both->mine);
    both->their_log = host_log(&both->theirs);
}

static void close_logs(rivals *both)
{
    dur_close(both->my_log);
    dur_close(both->their_log);
}

static void sleep_for_hours(rivals *both)
{
    fake_clock_advance(&both->mine->clock, 8 * HOUR);
    fake_clock_advance(&both->theirs.clock, 8 * HOUR);
}

/* The other owner makes its pass, or only begins one, or lets the run be. */
static dur_run *meanwhile(rivals *both)
{
    dur_run *run = NULL;
    dur_step *step = NULL;

    sleep_for_hours(both);
    if (!both->take) return NULL;
    run = claim(both->their_log);
    if (both->record) {
        assert_int_equal(DUR_REPLAYED, dur_begin_step(run, "one", NULL, &step));
        assert_int_equal(DUR_OK, dur_record_result(begin(run, "two"), dur_integer(2)));
    }
    return run;
}

static void sleep_between_two_steps(rivals *both, int expected)
{
    dur_run *mine = claim(both->my_log), *theirs;
    int64_t two = 0;

    assert_int_equal(DUR_OK, dur_record_result(begin(mine, "one"), dur_null()));
    theirs = meanwhile(both);
    DUR_STEP(mine, "two", two) {
        both->bodies++;
        two = 1;
        if (!both->take) assert_owned(both->their_log); /* renewed before the body */
    }
    assert_int_equal(expected, dur_run_code(mine));
    assert_code(expected, dur_complete_run(mine, dur_null()), both->my_log);
    dur_close_run(mine);
    dur_close_run(theirs);
}

/* Law 6: somebody has taken the run over: no body runs, nothing is written. */
static void law6_no_body_runs_after_a_takeover(void **state)
{
    rivals both = open_rivals(state);

    open_logs(&both);
    both.take = true;
    sleep_between_two_steps(&both, DUR_LOST);
    assert_has(dur_errmsg(both.my_log), "the-run");
    assert_int_equal(0, both.bodies);
    assert_int_equal(1, host_number(both.theirs.db, "SELECT count(*) FROM durable_steps"));
    close_logs(&both);
}

/* … nor where that one has recorded the step, and has left already. */
static void law6_no_body_runs_after_another_ones_record(void **state)
{
    rivals both = open_rivals(state);

    open_logs(&both);
    both.take = both.record = true;
    sleep_between_two_steps(&both, DUR_LOST);
    assert_int_equal(0, both.bodies);
    assert_int_equal(2, host_number(both.theirs.db, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(2, host_number(both.theirs.db, "SELECT max(value) FROM durable_steps"));
    close_logs(&both);
}

/* Law 6: the lease is no fence: where nobody took over, the owner goes on, with a new lease. */
static void law6_a_late_owner_renews_before_the_body(void **state)
{
    rivals both = open_rivals(state);

    open_logs(&both);
    sleep_between_two_steps(&both, DUR_OK);
    assert_int_equal(1, both.bodies);
    close_logs(&both);
}

/* The verb answers like the macro. */
static void law6_the_verb_says_so_too(void **state)
{
    rivals both = open_rivals(state);
    dur_run *mine, *theirs;
    dur_step *step = NULL;

    open_logs(&both);
    both.take = true;
    mine = claim(both.my_log);
    assert_int_equal(DUR_OK, dur_record_result(begin(mine, "one"), dur_null()));
    theirs = meanwhile(&both);
    assert_int_equal(DUR_LOST, dur_begin_step(mine, "two", NULL, &step));
    assert_null(step);
    dur_close_run(mine);
    dur_close_run(theirs);
    close_logs(&both);
}

/* Law 3: the renewal waits for a busy database like every other write, and no body runs without. */
static void law3_a_late_owner_meets_a_busy_database(void **state)
{
    rivals both = open_rivals(state);
    dur_run *mine;
    dur_step *step = NULL;

    open_logs(&both);
    mine = claim(both.my_log);
    sleep_for_hours(&both);
    host_run(both.theirs.db, "BEGIN IMMEDIATE");
    assert_int_equal(DUR_BUSY, dur_begin_step(mine, "one", NULL, &step));
    assert_null(step);
    host_run(both.theirs.db, "COMMIT");
    dur_close_run(mine);
    mine = claim(both.my_log);
    assert_int_equal(DUR_OK, dur_record_result(begin(mine, "one"), dur_null()));
    dur_close_run(mine);
    close_logs(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(law6_no_body_runs_after_a_takeover),
        ON_DISK(law6_no_body_runs_after_another_ones_record),
        ON_DISK(law6_a_late_owner_renews_before_the_body),
        ON_DISK(law6_the_verb_says_so_too),
        ON_DISK(law3_a_late_owner_meets_a_busy_database),
    };

    return cmocka_run_group_tests_name("attack_lease", tests, NULL, NULL);
}
