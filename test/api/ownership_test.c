/* test/api: law 6, a run has one owner, and a fence shuts the others out. */
#include "api/owners.h"

#define MINUTE INT64_C(60000)

/* Two logs on two connections to one file, each with its own clock. */
typedef struct pair {
    test_host *mine;
    test_host theirs;
    dur_log *my_log, *their_log;
} pair;

static void open_pair(pair *two, test_host *host, int64_t lease_ms)
{
    dur_options options = host_options(host);

    memset(two, 0, sizeof *two);
    two->mine = host;
    two->theirs.journal = host->journal;
    memcpy(two->theirs.path, host->path, sizeof host->path);
    fake_clock_init(&two->theirs.clock, 2);
    host->other = two->theirs.db = host_connect(host, SQLITE_OPEN_READWRITE);
    options.lease_ms = lease_ms;
    assert_code(DUR_OK, dur_open(host->db, &options, &two->my_log), two->my_log);
    fake_clock_install(&two->theirs.clock, &options);
    assert_code(DUR_OK, dur_open(two->theirs.db, &options, &two->their_log), two->their_log);
}

static void close_pair(pair *two)
{
    dur_close(two->my_log);
    dur_close(two->their_log);
}

static void pass_time(pair *two, int64_t ms)
{
    fake_clock_advance(&two->mine->clock, ms);
    fake_clock_advance(&two->theirs.clock, ms);
}

/* The same run cannot be opened twice: on one log, on two logs of one connection, on two. */
static void law6_a_run_is_opened_once(void **state)
{
    test_host *host = *state;
    dur_log *one = host_log(host), *two = host_log(host), *three;
    test_host other = *host;
    dur_run *run = claim(one);

    assert_owned(one);
    assert_owned(two);
    if (host->journal != HOST_MEMORY) {
        other.db = host->other = host_connect(host, SQLITE_OPEN_READWRITE);
        three = host_log(&other);
        assert_owned(three);
        dur_close(three);
    }
    assert_int_equal(DUR_OK, dur_record_result(begin(run, "s"), dur_null()));
    dur_close_run(run);
    run = claim(two); /* given back, it is anybody's at once */
    dur_close_run(run);
    dur_close(one);
    dur_close(two);
}

/* An owner that does not come back: the lease decides, to the millisecond. */
static void law6_the_lease_ends(void **state)
{
    pair two;
    dur_run *mine, *theirs;

    open_pair(&two, *state, 10 * MINUTE);
    mine = claim(two.my_log);
    pass_time(&two, 10 * MINUTE - 1);
    assert_owned(two.their_log);
    pass_time(&two, 1);
    theirs = claim(two.their_log);
    dur_close_run(mine);
    dur_close_run(theirs);
    close_pair(&two);
}

/* No lease given: ten minutes. */
static void law6_the_default_lease(void **state)
{
    pair two;
    dur_run *mine, *theirs;

    open_pair(&two, *state, 0);
    mine = claim(two.my_log);
    pass_time(&two, 599999);
    assert_owned(two.their_log);
    pass_time(&two, 1);
    theirs = claim(two.their_log);
    dur_close_run(mine);
    dur_close_run(theirs);
    close_pair(&two);
}

/* Law 6: an owner that lost its claim gets DUR_LOST and has changed nothing. */
static void law6_a_fenced_owner_changes_nothing(void **state)
{
    pair two;
    dur_run *mine, *theirs;
    dur_step *step;
    char *before;

    open_pair(&two, *state, MINUTE);
    mine = claim(two.my_log);
    step = begin(mine, "contested");
    pass_time(&two, 2 * MINUTE);
    theirs = claim(two.their_log);
    before = host_log_rows(two.theirs.db, "main");
    assert_code(DUR_LOST, dur_record_result(step, dur_text("mine")), two.my_log);
    assert_has(dur_errmsg(two.my_log), "the-run");
    assert_has(dur_errmsg(two.my_log), "contested");
    assert_int_equal(DUR_LOST, dur_run_code(mine));
    assert_int_equal(DUR_LOST, dur_begin_step(mine, "next", NULL, &step));
    assert_code(DUR_LOST, dur_complete_run(mine, dur_null()), two.my_log);
    dur_close_run(mine); /* gives back nothing that is not ours */
    assert_same(before, host_log_rows(two.theirs.db, "main"));

    assert_int_equal(DUR_OK, dur_record_result(begin(theirs, "contested"), dur_text("theirs")));
    assert_code(DUR_OK, dur_complete_run(theirs, dur_null()), two.their_log);
    dur_close_run(theirs);
    assert_int_equal(1, host_number(two.theirs.db, "SELECT count(*) FROM durable_steps "
                                                   "WHERE value = 'theirs'"));
    close_pair(&two);
}

/* Ending, too, is fenced; and so is giving back. */
static void law6_ending_is_fenced(void **state)
{
    pair two;
    dur_run *mine, *theirs;
    dur_run_info info = DUR_RUN_INFO_INIT;

    open_pair(&two, *state, MINUTE);
    mine = claim(two.my_log);
    pass_time(&two, 2 * MINUTE);
    theirs = claim(two.their_log);
    assert_code(DUR_LOST, dur_complete_run(mine, dur_text("mine")), two.my_log);
    assert_code(DUR_LOST, dur_fail_run(mine, "mine"), two.my_log);
    dur_close_run(mine);
    assert_code(DUR_OK, dur_read_run(two.their_log, "the-run", &info), two.their_log);
    assert_int_equal(DUR_RUNNING, info.status);
    pass_time(&two, MINUTE / 2);
    assert_owned(two.my_log);
    dur_close_run(theirs);
    close_pair(&two);
}

/* The lease is no fence: an owner that nobody has replaced goes on, however late. */
static void law6_a_late_owner_that_nobody_replaced(void **state)
{
    pair two;
    dur_run *mine;
    dur_step *step;

    open_pair(&two, *state, MINUTE);
    mine = claim(two.my_log);
    step = begin(mine, "slow");
    pass_time(&two, 60 * MINUTE);
    assert_int_equal(DUR_OK, dur_record_result(step, dur_null()));
    assert_owned(two.their_log); /* and the record renewed the lease */
    assert_code(DUR_OK, dur_complete_run(mine, dur_null()), two.my_log);
    dur_close_run(mine);
    close_pair(&two);
}

/* Recording renews the lease in the same commit. */
static void law6_records_renew_the_lease(void **state)
{
    pair two;
    dur_run *mine;

    open_pair(&two, *state, 10 * MINUTE);
    mine = claim(two.my_log);
    for (int i = 0; i < 10; i++) {
        pass_time(&two, 6 * MINUTE);
        assert_int_equal(DUR_OK, dur_record_result(begin(mine, "s"), dur_null()));
        assert_owned(two.their_log);
    }
    dur_close_run(mine);
    close_pair(&two);
}

/* Law 2: … and not in every one: nothing but the step is written until the lease is half used. */
static void count_other_writes(void *user, int what, const char *schema, const char *table,
                               sqlite3_int64 rowid)
{
    (void)what, (void)schema, (void)rowid;
    *(int *)user += strcmp(table, "durable_steps") != 0;
}

static void law2_the_lease_is_renewed_when_half_used(void **state)
{
    pair two;
    dur_run *mine;
    int others = 0;

    open_pair(&two, *state, 10 * MINUTE);
    mine = claim(two.my_log);
    sqlite3_update_hook(two.mine->db, count_other_writes, &others);
    for (int i = 0; i < 40; i++) {
        pass_time(&two, MINUTE / 10);
        assert_int_equal(DUR_OK, dur_record_result(begin(mine, "s"), dur_null()));
    }
    assert_int_equal(0, others);
    pass_time(&two, 2 * MINUTE);
    assert_int_equal(DUR_OK, dur_record_result(begin(mine, "s"), dur_null()));
    assert_int_equal(1, others);
    sqlite3_update_hook(two.mine->db, NULL, NULL);
    dur_close_run(mine);
    close_pair(&two);
}

/* A step that says how long it may take is given that time before its body. */
static void law6_a_step_with_its_own_lease(void **state)
{
    pair two;
    dur_run *mine, *theirs;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    bool ran = false;

    open_pair(&two, *state, MINUTE);
    options.lease_ms = 60 * MINUTE;
    mine = claim(two.my_log);
    DUR_STEP_VOID(mine, "long", &options) {
        ran = true;
        pass_time(&two, 60 * MINUTE - 1);
        assert_owned(two.their_log);
        pass_time(&two, 1);
        theirs = claim(two.their_log);
        dur_close_run(theirs);
    }
    assert_true(ran);
    assert_int_equal(DUR_LOST, dur_run_code(mine));
    dur_close_run(mine);
    close_pair(&two);
}

/* A host that knows better is asked before anything else; unknown leaves it to the lease. */
static void law6_the_host_knows_better(void **state)
{
    pair two;
    dur_run *mine, *theirs;

    open_pair(&two, *state, 10 * MINUTE);
    mine = claim(two.my_log);
    two.theirs.clock.owner_alive = DUR_OWNER_ALIVE;
    assert_owned(two.their_log);
    assert_int_equal(1, two.theirs.clock.owner_questions);
    two.theirs.clock.owner_alive = DUR_OWNER_UNKNOWN;
    assert_owned(two.their_log);
    two.theirs.clock.owner_alive = DUR_OWNER_DEAD;
    theirs = claim(two.their_log);
    assert_int_equal(DUR_LOST, dur_record_result(begin(mine, "s"), dur_null()));
    dur_close_run(mine);
    dur_close_run(theirs);
    assert_int_equal(0, two.mine->clock.owner_questions); /* nobody asks of himself */
    close_pair(&two);
}

/* Law 1: the callback is the host's code, and no statement is open while that runs. */
static int look_for_statements(const char *owner_mark, void *user)
{
    test_host *host = (test_host *)(void *)((char *)user - offsetof(test_host, clock));

    assert_non_null(owner_mark);
    host->clock.owner_questions++;
    assert_int_equal(0, host_active_statements(host->db));
    return DUR_OWNER_ALIVE;
}

static void law1_no_statement_is_open_in_a_callback(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    dur_log *one = host_log(host), *two = NULL;
    dur_run *run = claim(one);

    options.owner_alive = look_for_statements;
    assert_code(DUR_OK, dur_open(host->db, &options, &two), two);
    assert_owned(two);
    assert_int_equal(1, host->clock.owner_questions);
    dur_close_run(run);
    dur_close(one);
    dur_close(two);
}

/* dur_run_info.claims: how often the run was claimed for a pass. */
static void law6_claims_are_counted(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;

    for (int64_t i = 1; i <= 5; i++) {
        dur_close_run(claim(log));
        assert_code(DUR_OK, dur_read_run(log, "the-run", &info), log);
        assert_int_equal(i, info.claims);
    }
    dur_close(log);
}

/* Law 4: a position that somebody else has filled is never overwritten. */
static void law4_a_position_filled_by_hand(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = claim(log);
    dur_step *step = begin(run, "first");
    char *before;

    assert_int_equal(DUR_OK, dur_record_result(step, dur_integer(1)));
    step = begin(run, "second");
    host_run(host->db, "CREATE TEMP TABLE forged AS SELECT * FROM durable_steps;"
                       "UPDATE forged SET step = step + 1, name = 'forged', epoch = epoch + 1;"
                       "INSERT INTO durable_steps SELECT * FROM forged");
    before = host_log_rows(host->db, "main");
    assert_code(DUR_CORRUPT, dur_record_result(step, dur_integer(2)), log);
    assert_has(dur_errmsg(log), "the-run");
    assert_has(dur_errmsg(log), "position 2");
    assert_same(before, host_log_rows(host->db, "main"));
    assert_int_equal(DUR_CORRUPT, dur_run_code(run));
    dur_close_run(run);
    dur_close(log);
}

/* The run's row is deleted by hand under its owner, with and without its steps. */
static void law6_a_run_deleted_under_its_owner(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    for (int how = 0; how < 2; how++) {
        dur_run *run = claim(log);
        dur_step *step = begin(run, "s");
        char *before;

        assert_int_equal(DUR_OK, dur_record_result(step, dur_integer(1)));
        step = begin(run, "t");
        host_run(host->db, "DELETE FROM durable_runs");
        if (how == 1) host_run(host->db, "DELETE FROM durable_steps");
        before = host_log_rows(host->db, "main");
        assert_code(DUR_LOST, dur_record_result(step, dur_integer(2)), log);
        assert_has(dur_errmsg(log), "the-run");
        dur_close_run(run);
        assert_same(before, host_log_rows(host->db, "main"));

        run = claim(log); /* a new run under the old id: nothing of the old one is in it */
        assert_int_equal(DUR_OK, dur_record_result(begin(run, "anything"), dur_null()));
        assert_code(DUR_OK, dur_complete_run(run, dur_null()), log);
        dur_close_run(run);
        host_run(host->db, "DELETE FROM durable_runs; DELETE FROM durable_steps");
    }
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(law6_a_run_is_opened_once),
        ON_DISK(law6_the_lease_ends),
        IN_WAL(law6_the_default_lease),
        ON_DISK(law6_a_fenced_owner_changes_nothing),
        IN_WAL(law6_ending_is_fenced),
        IN_WAL(law6_a_late_owner_that_nobody_replaced),
        IN_WAL(law6_records_renew_the_lease),
        IN_WAL(law2_the_lease_is_renewed_when_half_used),
        IN_WAL(law6_a_step_with_its_own_lease),
        IN_WAL(law6_the_host_knows_better),
        IN_WAL(law1_no_statement_is_open_in_a_callback),
        IN_WAL(law6_claims_are_counted),
        IN_MEMORY(law4_a_position_filled_by_hand),
        IN_EVERY_JOURNAL(law6_a_run_deleted_under_its_owner),
    };

    return cmocka_run_group_tests_name("ownership", tests, NULL, NULL);
}
