/* test/api: runs that are paused: nobody takes them up until they are resumed. */
#define _POSIX_C_SOURCE 200809L

#include "api/controlled.h"

#include "support/process.h"

#include <unistd.h>

static void pause_it(controlled *it)
{
    assert_code(DUR_OK, dur_pause(it->log, RUN), it->log);
}

static void resume_it(controlled *it)
{
    assert_code(DUR_OK, dur_resume(it->log, RUN), it->log);
}

static void assert_paused(controlled *it, dur_status status)
{
    dur_run_info info = controlled_info(it, RUN);

    assert_true(info.paused && info.wake_ms == 0);
    assert_int_equal(status, info.status);
    assert_int_equal(1, host_number(it->host->db, "SELECT count(*) FROM durable_runs_view WHERE"
                                                  " id = %Q AND paused AND wakes IS NULL", RUN));
}

/* ---- Whoever would take it up ---------------------------------------------------------------- */

static void a_paused_run_is_not_executed(void **state)
{
    controlled it = controlled_of(*state);

    assert_code(DUR_SUSPENDED, controlled_execute(&it, RUN), it.log);
    assert_code(DUR_OK, controlled_go(&it, RUN), it.log);
    pause_it(&it);
    assert_paused(&it, DUR_RUN_SUSPENDED);
    assert_code(DUR_SUSPENDED, controlled_execute(&it, RUN), it.log);
    assert_has(dur_errmsg(it.log), "run \"" RUN "\"");
    assert_has(dur_errmsg(it.log), "paused: dur_resume()");
    assert_int_equal(1, it.passes);
    resume_it(&it);
    assert_true(controlled_info(&it, RUN).wake_ms == it.host->clock.now_ms);
    assert_code(DUR_OK, controlled_execute(&it, RUN), it.log);
    assert_int_equal(2, it.bodies);
    dur_close(it.log);
}

static void a_paused_run_is_no_work(void **state)
{
    controlled it = controlled_of(*state);

    controlled_serve(&it);
    controlled_start(&it, RUN);
    pause_it(&it);
    assert_int_equal(0, controlled_work(&it));
    assert_true(it.wake_ms == -1);
    assert_paused(&it, DUR_RUNNING);
    resume_it(&it);
    assert_int_equal(1, controlled_work(&it));
    assert_int_equal(1, it.bodies);
    dur_close(it.log);
}

static int parks(dur_run *run, void *user)
{
    controlled *it = user;

    it->passes++;
    DUR_STEP(run, "renamed") { it->bodies++; }
    return 0;
}

static void a_parked_run_is_paused_and_still_parked(void **state)
{
    controlled it = controlled_of(*state);

    assert_code(DUR_SUSPENDED, controlled_execute(&it, RUN), it.log);
    assert_code(DUR_OK, controlled_go(&it, RUN), it.log);
    assert_code(DUR_DIVERGED, dur_execute(it.log, "work", RUN, NULL, parks, &it), it.log);
    pause_it(&it);
    assert_paused(&it, DUR_RUN_PARKED);
    assert_code(DUR_SUSPENDED, controlled_execute(&it, RUN), it.log);
    assert_has(dur_errmsg(it.log), "parked");
    assert_has(dur_errmsg(it.log), "dur_resume()");
    resume_it(&it);
    assert_int_equal(DUR_RUN_PARKED, controlled_info(&it, RUN).status);
    controlled_serve(&it);
    assert_int_equal(0, controlled_work(&it));
    assert_code(DUR_OK, controlled_execute(&it, RUN), it.log);
    dur_close(it.log);
}

static void pause_meanwhile(controlled *it)
{
    pause_it(it);
}

/* A pass goes on; what it waits for then is kept until the run is resumed. */
static void a_pass_that_runs_meanwhile_goes_on(void **state)
{
    controlled it = controlled_of(*state);

    controlled_serve(&it);
    controlled_start(&it, RUN);
    it.meanwhile = pause_meanwhile;
    assert_int_equal(1, controlled_work(&it));
    assert_int_equal(1, it.bodies);
    assert_paused(&it, DUR_RUN_SUSPENDED);
    assert_code(DUR_OK, controlled_go(&it, RUN), it.log);
    assert_int_equal(0, controlled_work(&it));
    resume_it(&it);
    assert_int_equal(1, controlled_work(&it));
    assert_int_equal(DUR_COMPLETED, controlled_info(&it, RUN).status);
    dur_close(it.log);
}

static int sleeps(dur_run *run, void *user)
{
    controlled *it = user;

    it->passes++;
    it->code = dur_sleep(run, "night", 10 * SECOND);
    DUR_STEP(run, "after") { it->bodies++; }
    return 0;
}

static void time_goes_on_for_a_paused_run(void **state)
{
    controlled it = controlled_of(*state);

    assert_code(DUR_OK, dur_register(it.log, "work", sleeps, &it), it.log);
    controlled_start(&it, RUN);
    assert_int_equal(1, controlled_work(&it));
    pause_it(&it);
    fake_clock_advance(&it.host->clock, 5 * SECOND);
    resume_it(&it);
    assert_int_equal(1, controlled_work(&it)); /* it looks, and sleeps on */
    assert_true(it.wake_ms == 5 * SECOND);
    pause_it(&it);
    fake_clock_advance(&it.host->clock, 60 * SECOND);
    assert_int_equal(0, controlled_work(&it));
    resume_it(&it);
    assert_int_equal(1, controlled_work(&it));
    assert_int_equal(1, it.bodies);
    dur_close(it.log);
}

static void to_cancel_it_ends_the_pause(void **state)
{
    controlled it = controlled_of(*state);

    controlled_serve(&it);
    controlled_start(&it, RUN);
    assert_int_equal(1, controlled_work(&it));
    pause_it(&it);
    assert_code(DUR_OK, dur_cancel(it.log, RUN), it.log);
    assert_false(controlled_info(&it, RUN).paused);
    assert_int_equal(1, controlled_work(&it));
    assert_int_equal(DUR_RUN_CANCELLED, controlled_info(&it, RUN).status);
    dur_close(it.log);
}

/* ---- Children ------------------------------------------------------------------------------ */

static int calls(dur_run *run, void *user)
{
    controlled *it = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;

    it->code = dur_call(run, "child", &options, controlled_workflow, it, NULL);
    return 0;
}

static void what_it_calls_is_paused_with_it(void **state)
{
    controlled it = controlled_of(*state);

    assert_code(DUR_OK, dur_register(it.log, "family", calls, &it), it.log);
    assert_code(DUR_OK, dur_start(it.log, "family", RUN, NULL), it.log);
    assert_int_equal(1, controlled_work(&it));
    assert_code(DUR_CONFLICT, dur_pause(it.log, RUN "/1"), it.log);
    assert_has(dur_errmsg(it.log), "run \"" RUN "/1\"");
    assert_has(dur_errmsg(it.log), "a part of the run \"" RUN "\"");
    pause_it(&it);
    assert_code(DUR_OK, controlled_go(&it, RUN "/1"), it.log);
    assert_int_equal(0, controlled_work(&it));
    assert_true(it.wake_ms == -1);
    resume_it(&it);
    assert_int_equal(1, controlled_work(&it));
    assert_int_equal(DUR_COMPLETED, controlled_info(&it, RUN).status);
    dur_close(it.log);
}

/* ---- Trouble ------------------------------------------------------------------------------- */

/* Where the host has switched our triggers off we wake by hand, and leave paused ones in peace. */
static void a_signal_wakes_no_paused_run_without_triggers(void **state)
{
    controlled it = controlled_of(*state);

    sqlite3_db_config(it.host->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    assert_code(DUR_OK, dur_register(it.log, "family", calls, &it), it.log);
    assert_code(DUR_OK, dur_start(it.log, "family", RUN, NULL), it.log);
    controlled_serve(&it);
    controlled_start(&it, "other");
    assert_int_equal(2, controlled_work(&it));
    pause_it(&it);
    assert_code(DUR_OK, dur_pause(it.log, "other"), it.log);
    assert_code(DUR_OK, controlled_go(&it, RUN "/1"), it.log);
    assert_code(DUR_OK, controlled_go(&it, "other"), it.log);
    assert_true(controlled_info(&it, RUN "/1").wake_ms == it.host->clock.now_ms);
    assert_paused(&it, DUR_RUN_SUSPENDED);
    assert_int_equal(0, controlled_work(&it));
    resume_it(&it);
    assert_code(DUR_OK, dur_resume(it.log, "other"), it.log);
    assert_int_equal(2, controlled_work(&it));
    dur_close(it.log);
}

/* Law 1: in a transaction of the host's it is a part of that. */
static void a_pause_that_is_rolled_back_was_none(void **state)
{
    controlled it = controlled_of(*state);

    controlled_serve(&it);
    controlled_start(&it, RUN);
    host_run(it.host->db, "BEGIN");
    pause_it(&it);
    assert_true(controlled_info(&it, RUN).paused);
    host_run(it.host->db, "ROLLBACK");
    assert_false(controlled_info(&it, RUN).paused);
    pause_it(&it);
    host_run(it.host->db, "BEGIN");
    resume_it(&it);
    host_run(it.host->db, "ROLLBACK");
    assert_paused(&it, DUR_RUNNING);
    assert_int_equal(0, controlled_work(&it));
    dur_close(it.log);
}

static void a_time_to_start_at_does_not_outlive_a_pause(void **state)
{
    controlled it = controlled_of(*state);
    dur_start_options start = DUR_START_OPTIONS_INIT;

    controlled_serve(&it);
    start.start_at_ms = it.host->clock.now_ms + 60 * SECOND;
    assert_code(DUR_OK, dur_start(it.log, "work", RUN, &start), it.log);
    pause_it(&it);
    resume_it(&it);
    assert_int_equal(1, controlled_work(&it));
    dur_close(it.log);
}

/* ---- Other processes ------------------------------------------------------------------------- */

static int claim_and_die(void *user)
{
    test_host *host = user;
    dur_run *run = NULL;

    fake_clock_init(&host->clock, (uint64_t)getpid());
    host->db = host_connect(host, SQLITE_OPEN_READWRITE);
    return dur_begin_run(host_log(host), "work", RUN, NULL, &run) == DUR_OK ? 0 : 1;
}

/* Laws 6 and 8: the claim that a dead owner has left of a paused run is given back by the next
 * worker, and the run stands in nobody's way. */
static void the_claim_of_a_dead_owner_is_given_back(void **state)
{
    test_host *host = *state;
    controlled it;
    process_end end;

    dur_close(host_log(host)); /* so that the tables are there */
    assert_int_equal(SQLITE_OK, sqlite3_close(host->db));
    host->db = NULL;
    end = process_run(claim_and_die, host);
    assert_true(end.exited && end.code == 0);
    host->db = host_connect(host, SQLITE_OPEN_READWRITE);
    it = controlled_of(host);
    pause_it(&it);
    controlled_serve(&it);
    controlled_start(&it, "behind-it");
    assert_code(DUR_SUSPENDED, controlled_execute(&it, RUN), it.log);
    assert_int_equal(1, controlled_work(&it));
    assert_true(it.wake_ms == -1);
    assert_int_equal(1, it.bodies);
    assert_paused(&it, DUR_RUNNING);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_claims"));
    resume_it(&it);
    assert_int_equal(1, controlled_work(&it));
    assert_int_equal(DUR_RUN_SUSPENDED, controlled_info(&it, RUN).status);
    dur_close(it.log);
}

static int pause_from_outside(void *user)
{
    test_host *host = user;
    dur_log *log;
    int code;

    fake_clock_init(&host->clock, (uint64_t)getpid());
    host->db = host_connect(host, SQLITE_OPEN_READWRITE);
    log = host_log(host);
    code = dur_pause(log, RUN);
    dur_close(log);
    return code == DUR_OK ? 0 : 1;
}

static void pause_by_another_process(controlled *it)
{
    process_end end = process_run(pause_from_outside, it->host);

    assert_true(end.exited && end.code == 0);
}

/* While its owner lives, and is at it. */
static void another_process_pauses_it(void **state)
{
    controlled it = controlled_of(*state);

    controlled_serve(&it);
    controlled_start(&it, RUN);
    it.meanwhile = pause_by_another_process;
    assert_int_equal(1, controlled_work(&it));
    assert_int_equal(1, it.bodies);
    assert_paused(&it, DUR_RUN_SUSPENDED);
    dur_close(it.log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_paused_run_is_not_executed),
        IN_EVERY_JOURNAL(a_paused_run_is_no_work),
        IN_MEMORY(a_parked_run_is_paused_and_still_parked),
        IN_EVERY_JOURNAL(a_pass_that_runs_meanwhile_goes_on),
        IN_MEMORY(time_goes_on_for_a_paused_run),
        IN_MEMORY(to_cancel_it_ends_the_pause),
        IN_EVERY_JOURNAL(what_it_calls_is_paused_with_it),
        IN_EVERY_JOURNAL(a_signal_wakes_no_paused_run_without_triggers),
        IN_EVERY_JOURNAL(a_pause_that_is_rolled_back_was_none),
        IN_MEMORY(a_time_to_start_at_does_not_outlive_a_pause),
        ON_DISK(the_claim_of_a_dead_owner_is_given_back),
        ON_DISK(another_process_pauses_it),
    };

    return cmocka_run_group_tests_name("api.pause", tests, NULL, NULL);
}
