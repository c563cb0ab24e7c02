/* test/api: runs that are ended from outside, whoever holds them and whatever they are at. */
#define _POSIX_C_SOURCE 200809L

#include "api/controlled.h"

#include "support/process.h"

#include <unistd.h>

static void terminate_it(controlled *it)
{
    assert_code(DUR_OK, dur_terminate(it->log, RUN, "wrong customer"), it->log);
}

static void assert_terminated(controlled *it, const char *run_id)
{
    dur_run_info info = controlled_info(it, run_id);

    assert_int_equal(DUR_RUN_TERMINATED, info.status);
    assert_string_equal("wrong customer", info.failure);
    assert_true(info.ended_ms == it->host->clock.now_ms && info.wake_ms == 0);
    assert_int_equal(1, host_number(it->host->db, "SELECT count(*) FROM durable_runs_view WHERE"
                                                  " id = %Q AND status = 'terminated' AND owner"
                                                  " IS NULL AND ended IS NOT NULL",
                                    run_id));
    assert_int_equal(0, host_number(it->host->db, "SELECT count(*) FROM durable_pending_view WHERE"
                                                  " run_id = %Q", run_id));
}

/* ---- Whatever it is at ----------------------------------------------------------------------- */

static void a_run_that_waits_ends_without_its_code(void **state)
{
    controlled it = controlled_of(*state);

    controlled_serve(&it);
    controlled_start(&it, RUN);
    assert_int_equal(1, controlled_work(&it));
    terminate_it(&it);
    assert_terminated(&it, RUN);
    assert_int_equal(0, controlled_work(&it));
    assert_code(DUR_TERMINATED, controlled_execute(&it, RUN), it.log);
    assert_string_equal("wrong customer", dur_errmsg(it.log));
    assert_int_equal(1, it.passes);
    dur_close(it.log);
}

/* Law 6: its owner is stopped at its next write, and no body runs any more. */
static void who_holds_it_has_lost_it(void **state)
{
    controlled it = controlled_of(*state);

    controlled_serve(&it);
    it.meanwhile = terminate_it;
    assert_code(DUR_LOST, controlled_execute(&it, RUN), it.log);
    assert_has(dur_errmsg(it.log), "the run was terminated");
    assert_int_equal(1, it.bodies);
    assert_terminated(&it, RUN);
    assert_int_equal(0, host_number(it.host->db, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(0, controlled_work(&it));
    assert_code(DUR_TERMINATED, controlled_execute(&it, RUN), it.log);
    dur_close(it.log);
}

static int undo_it(dur_step *undo, void *user)
{
    ((controlled *)user)->bodies += 100;
    return dur_record_result(undo, dur_null());
}

static void nothing_is_undone(void **state)
{
    controlled it = controlled_of(*state);

    it.options.undo = undo_it;
    it.options.user = &it;
    assert_code(DUR_SUSPENDED, controlled_execute(&it, RUN), it.log);
    terminate_it(&it);
    assert_code(DUR_TERMINATED, controlled_execute(&it, RUN), it.log);
    assert_int_equal(1, it.bodies);
    dur_close(it.log);
}

static void what_was_kept_for_it_is_dropped(void **state)
{
    controlled it = controlled_of(*state);
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_begin_run(it.log, "work", RUN, NULL, &run), it.log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "work", NULL, &step));
    terminate_it(&it);
    assert_int_equal(DUR_LOST, dur_record_result(step, dur_integer(7)));
    assert_int_equal(DUR_LOST, dur_run_code(run));
    dur_close_run(run);
    assert_terminated(&it, RUN);
    dur_close(it.log);
}

static void a_reason_is_cut_and_may_be_missing(void **state)
{
    controlled it = controlled_of(*state);
    char reason[1200];

    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    controlled_start(&it, "a");
    controlled_start(&it, "b");
    assert_code(DUR_OK, dur_terminate(it.log, "a", NULL), it.log);
    assert_string_equal("terminated", controlled_info(&it, "a").failure);
    assert_code(DUR_OK, dur_terminate(it.log, "b", reason), it.log);
    assert_int_equal(1000, strlen(controlled_info(&it, "b").failure));
    dur_close(it.log);
}

/* ---- Children and parents -------------------------------------------------------------------- */

static int calls(dur_run *run, void *user)
{
    controlled *it = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;

    it->code = dur_call(run, "child", &options, controlled_workflow, it, NULL);
    return 0;
}

static void what_it_calls_ends_with_it(void **state)
{
    controlled it = controlled_of(*state);

    assert_code(DUR_SUSPENDED, dur_execute(it.log, "family", RUN, NULL, calls, &it), it.log);
    assert_code(DUR_CONFLICT, dur_terminate(it.log, RUN "/1", NULL), it.log);
    assert_has(dur_errmsg(it.log), "a part of the run \"" RUN "\"");
    terminate_it(&it);
    assert_terminated(&it, RUN);
    assert_terminated(&it, RUN "/1");
    assert_code(DUR_ENDED, controlled_go(&it, RUN "/1"), it.log);
    assert_code(DUR_TERMINATED, dur_execute(it.log, "family", RUN, NULL, calls, &it), it.log);
    dur_close(it.log);
}

/* While the child's body runs: the child is lost first, and nothing is written behind it. */
static void a_call_that_is_going_on_is_lost(void **state)
{
    controlled it = controlled_of(*state);

    it.meanwhile = terminate_it;
    assert_code(DUR_OWNED, dur_execute(it.log, "family", RUN, NULL, calls, &it), it.log);
    assert_has(dur_errmsg(it.log), "the run was terminated");
    assert_int_equal(1, it.bodies);
    assert_terminated(&it, RUN);
    assert_terminated(&it, RUN "/1");
    assert_int_equal(0, host_number(it.host->db, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(0, host_number(it.host->db, "SELECT count(*) FROM durable_claims"));
    dur_close(it.log);
}

static int starts(dur_run *run, void *user)
{
    controlled *it = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_step *child = NULL;

    it->passes++;
    options.run_id = "mail";
    if (dur_start_child(run, "child", "work", &options, &child) != DUR_OK) return 0;
    it->code = dur_await(child, NULL);
    if (it->code == DUR_FAILED) {
        const char *failure = dur_catch(run);

        dur_set_output(run, dur_text(failure));
    }
    return 0;
}

static void its_parent_is_told(void **state)
{
    controlled it = controlled_of(*state);

    assert_code(DUR_OK, dur_register(it.log, "family", starts, &it), it.log);
    assert_code(DUR_OK, dur_start(it.log, "family", RUN, NULL), it.log);
    assert_int_equal(1, controlled_work(&it));
    assert_code(DUR_OK, dur_terminate(it.log, "mail", "wrong customer"), it.log);
    assert_int_equal(1, controlled_work(&it));
    assert_int_equal(DUR_FAILED, it.code);
    assert_int_equal(DUR_COMPLETED, controlled_info(&it, RUN).status);
    assert_has(controlled_info(&it, RUN).output.as.bytes, "wrong customer");
    dur_close(it.log);
}

/* What the trigger does, we do where the host has switched it off. */
static void its_parent_is_told_without_triggers(void **state)
{
    test_host *host = *state;

    sqlite3_db_config(host->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    its_parent_is_told(state);
}

static void children_that_it_has_started_are_cancelled(void **state)
{
    controlled it = controlled_of(*state);

    assert_code(DUR_SUSPENDED, dur_execute(it.log, "family", RUN, NULL, starts, &it), it.log);
    terminate_it(&it);
    assert_true(controlled_info(&it, "mail").cancelling);
    controlled_serve(&it);
    assert_int_equal(1, controlled_work(&it));
    assert_int_equal(DUR_RUN_CANCELLED, controlled_info(&it, "mail").status);
    assert_int_equal(0, host_number(it.host->db, "SELECT count(*) FROM durable_signals"));
    dur_close(it.log);
}

/* ---- Trouble ------------------------------------------------------------------------------- */

/* Law 1. */
static void what_is_rolled_back_was_not_done(void **state)
{
    controlled it = controlled_of(*state);

    assert_code(DUR_SUSPENDED, dur_execute(it.log, "family", RUN, NULL, calls, &it), it.log);
    host_run(it.host->db, "BEGIN");
    terminate_it(&it);
    assert_terminated(&it, RUN);
    host_run(it.host->db, "ROLLBACK");
    assert_int_equal(DUR_RUN_SUSPENDED, controlled_info(&it, RUN).status);
    assert_int_equal(DUR_RUN_SUSPENDED, controlled_info(&it, RUN "/1").status);
    assert_code(DUR_OK, controlled_go(&it, RUN "/1"), it.log);
    assert_code(DUR_OK, dur_execute(it.log, "family", RUN, NULL, calls, &it), it.log);
    dur_close(it.log);
}

/* One commit or none: what an authorizer of the host's refuses takes all of it back. */
static int refuse_claims(void *user, int action, const char *a, const char *b, const char *c,
                         const char *d)
{
    (void)user, (void)b, (void)c, (void)d;
    return action == SQLITE_DELETE && a && strcmp(a, "durable_claims") == 0 ? SQLITE_DENY
                                                                            : SQLITE_OK;
}

static void what_is_refused_half_way_is_not_done(void **state)
{
    controlled it = controlled_of(*state);

    assert_code(DUR_SUSPENDED, dur_execute(it.log, "family", RUN, NULL, calls, &it), it.log);
    sqlite3_set_authorizer(it.host->db, refuse_claims, NULL);
    assert_code(DUR_DATABASE, dur_terminate(it.log, RUN, NULL), it.log);
    sqlite3_set_authorizer(it.host->db, NULL, NULL);
    assert_int_equal(DUR_RUN_SUSPENDED, controlled_info(&it, RUN).status);
    assert_int_equal(DUR_RUN_SUSPENDED, controlled_info(&it, RUN "/1").status);
    terminate_it(&it);
    dur_close(it.log);
}

/* ---- Other processes ------------------------------------------------------------------------- */

static int terminate_from_outside(void *user)
{
    test_host *host = user;
    dur_log *log;
    int code;

    host->db = host_connect(host, SQLITE_OPEN_READWRITE);
    log = host_log(host);
    code = dur_terminate(log, RUN, "wrong customer");
    dur_close(log);
    return code == DUR_OK ? 0 : 1;
}

static void terminate_by_another_process(controlled *it)
{
    process_end end = process_run(terminate_from_outside, it->host);

    assert_true(end.exited && end.code == 0);
}

static void another_process_terminates_what_a_living_owner_holds(void **state)
{
    controlled it = controlled_of(*state);

    it.meanwhile = terminate_by_another_process;
    assert_code(DUR_LOST, controlled_execute(&it, RUN), it.log);
    assert_int_equal(1, it.bodies);
    assert_terminated(&it, RUN);
    dur_close(it.log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_run_that_waits_ends_without_its_code),
        IN_EVERY_JOURNAL(who_holds_it_has_lost_it),
        IN_MEMORY(nothing_is_undone),
        IN_MEMORY(what_was_kept_for_it_is_dropped),
        IN_MEMORY(a_reason_is_cut_and_may_be_missing),
        IN_EVERY_JOURNAL(what_it_calls_ends_with_it),
        IN_EVERY_JOURNAL(a_call_that_is_going_on_is_lost),
        IN_EVERY_JOURNAL(its_parent_is_told),
        IN_EVERY_JOURNAL(its_parent_is_told_without_triggers),
        IN_MEMORY(children_that_it_has_started_are_cancelled),
        IN_EVERY_JOURNAL(what_is_rolled_back_was_not_done),
        IN_EVERY_JOURNAL(what_is_refused_half_way_is_not_done),
        ON_DISK(another_process_terminates_what_a_living_owner_holds),
    };

    return cmocka_run_group_tests_name("api.terminate", tests, NULL, NULL);
}
