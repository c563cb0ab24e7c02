/* test/api: runs that continue as new: a chain under one id, and what it is to whom. */
#include "api/meter.h"

/* ---- The chain ------------------------------------------------------------------------------- */

static void it_ends_and_goes_on_under_its_id(void **state)
{
    meter it = meter_of(*state, 3);
    dur_run_info info;

    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    assert_has(dur_errmsg(it.log), "run \"meter\": it has continued as new");
    info = meter_look(it.log, METER);
    assert_int_equal(DUR_RUNNING, info.status);
    assert_int_equal(2, info.generation);
    assert_string_equal("meter~1", info.origin);
    assert_int_equal(1, info.input.as.integer);
    assert_int_equal(0, info.restarted_at);
    assert_true(info.wake_ms == it.host->clock.now_ms);
    assert_int_equal(0, info.claims);
    info = meter_look(it.log, "meter~1");
    assert_int_equal(DUR_RUN_CONTINUED, info.status);
    assert_int_equal(1, info.generation);
    assert_null(info.origin);
    assert_null(info.failure);
    assert_int_equal(DUR_NULL, info.output.type);
    assert_true(info.ended_ms == it.host->clock.now_ms);
    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    assert_code(DUR_OK, meter_execute(&it), it.log);
    assert_int_equal(3, dur_output(it.log).as.integer);
    assert_int_equal(3, it.passes);
    assert_int_equal(3, it.bodies);
    assert_string_equal("meter~2", meter_look(it.log, METER).origin);
    assert_code(DUR_OK, meter_execute(&it), it.log); /* final */
    assert_int_equal(3, it.passes);
    dur_close(it.log);
}

/* To whoever starts it or executes it the chain is one run, with the input of the first. */
static void it_is_one_run_to_who_executes_it(void **state)
{
    meter it = meter_of(*state, 4);
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.input = dur_integer(1);
    assert_code(DUR_OK, dur_start(it.log, "meter", METER, &start), it.log);
    for (int i = 0; i < 2; i++) {
        assert_code(DUR_SUSPENDED,
                    dur_execute(it.log, "meter", METER, &start, meter_workflow, &it), it.log);
        assert_code(DUR_REPLAYED, dur_start(it.log, "meter", METER, &start), it.log);
    }
    assert_code(DUR_CONFLICT, dur_start(it.log, "other", METER, &start), it.log);
    assert_code(DUR_OK, dur_execute(it.log, "meter", METER, &start, meter_workflow, &it), it.log);
    assert_int_equal(4, dur_output(it.log).as.integer);
    assert_int_equal(3, it.bodies);
    dur_close(it.log);
}

static void one_that_has_continued_is_not_executed(void **state)
{
    meter it = meter_of(*state, 2);
    dur_run *run;

    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    assert_code(DUR_ENDED,
                dur_execute(it.log, "meter", "meter~1", NULL, meter_workflow, &it), it.log);
    assert_has(dur_errmsg(it.log), "run \"meter~1\": it has continued as new");
    assert_code(DUR_ENDED, dur_begin_run(it.log, "meter", "meter~1", NULL, &run), it.log);
    assert_code(DUR_ENDED, dur_signal(it.log, "meter~1", "x", dur_null(), NULL), it.log);
    assert_code(DUR_ENDED, dur_cancel(it.log, "meter~1"), it.log);
    assert_int_equal(1, it.passes);
    dur_close(it.log);
}

static int continue_with(meter *it, dur_run *run)
{
    char text[] = "a text that is no longer there when the run ends";

    (void)it;
    assert_code(DUR_OK, dur_continue_as_new(run, dur_text("not this one")), NULL);
    assert_code(DUR_OK, dur_continue_as_new(run, dur_text(text)), NULL);
    assert_true(dur_ok(run));
    memset(text, 'x', sizeof text - 1);
    return 0;
}

static void the_last_input_counts_and_is_copied(void **state)
{
    meter it = meter_of(*state, 2);
    dur_run_info info;

    it.finish = continue_with;
    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    info = meter_look(it.log, METER);
    assert_int_equal(DUR_TEXT, info.input.type);
    assert_string_equal("a text that is no longer there when the run ends",
                        (const char *)info.input.as.bytes);
    dur_close(it.log);
}

static void queue_priority_and_deadline_are_taken_over(void **state)
{
    meter it = meter_of(*state, 2);
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_run_info info;

    start.queue = "readings";
    start.priority = 5;
    start.deadline_ms = it.host->clock.now_ms + 1000;
    assert_code(DUR_OK, dur_start(it.log, "meter", METER, &start), it.log);
    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    info = meter_look(it.log, METER);
    assert_string_equal("readings", info.queue);
    assert_int_equal(5, info.priority);
    assert_true(info.deadline_ms == start.deadline_ms);
    fake_clock_advance(&it.host->clock, 1000);
    assert_code(DUR_TIMED_OUT, meter_execute(&it), it.log);
    assert_int_equal(1, it.bodies);
    dur_close(it.log);
}

static void of_a_handle_it_is_ended_by_completing_it(void **state)
{
    meter it = meter_of(*state, 2);
    dur_run *run;

    assert_code(DUR_OK, dur_begin_run(it.log, "meter", METER, NULL, &run), it.log);
    assert_code(DUR_OK, dur_continue_as_new(run, dur_integer(5)), it.log);
    assert_code(DUR_SUSPENDED, dur_complete_run(run, dur_integer(9)), it.log);
    assert_code(DUR_MISUSE, dur_continue_as_new(run, dur_integer(6)), it.log);
    assert_has(dur_run_errmsg(run), "the run has ended");
    dur_close_run(run);
    assert_int_equal(5, meter_look(it.log, METER).input.as.integer);
    assert_code(DUR_OK, dur_begin_run(it.log, "meter", METER, NULL, &run), it.log);
    dur_close_run(run); /* without an end nothing goes on */
    assert_int_equal(2, meter_look(it.log, METER).generation);
    dur_close(it.log);
}

/* ---- What comes behind it -------------------------------------------------------------------- */

static int asks_for_a_step(meter *it, dur_run *run)
{
    (void)dur_continue_as_new(run, dur_null());
    DUR_STEP(run, "behind") { it->bodies += 100; }
    return 0;
}

static int asks_for_a_wait(meter *it, dur_run *run)
{
    (void)it;
    (void)dur_continue_as_new(run, dur_null());
    assert_int_equal(DUR_MISUSE, dur_sleep(run, "behind", 5));
    assert_int_equal(DUR_MISUSE, dur_continue_as_new(run, dur_null()));
    return 0;
}

static int asks_for_an_answer(meter *it, dur_run *run)
{
    dur_step *callback = NULL;

    (void)it;
    assert_int_equal(DUR_OK, dur_begin_callback(run, "behind", NULL, &callback));
    (void)dur_continue_as_new(run, dur_null());
    assert_int_equal(DUR_MISUSE, dur_await(callback, NULL));
    return 0;
}

static int asks_for_a_patch(meter *it, dur_run *run)
{
    (void)it;
    (void)dur_continue_as_new(run, dur_null());
    assert_false(dur_patch(run, "behind"));
    return 0;
}

static void nothing_is_asked_of_the_run_behind_it(void **state)
{
    int (*const ways[])(meter *, dur_run *) = {asks_for_a_step, asks_for_a_wait,
                                               asks_for_a_patch, asks_for_an_answer};

    for (size_t i = 0; i < 4; i++) {
        meter it = meter_of(*state, 2);

        it.finish = ways[i];
        assert_code(DUR_MISUSE, meter_execute(&it), it.log);
        assert_has(dur_errmsg(it.log), "\"behind\" is asked for behind dur_continue_as_new()");
        assert_int_equal(1, meter_look(it.log, METER).generation);
        assert_int_equal(DUR_RUNNING, meter_look(it.log, METER).status);
        assert_true(it.bodies <= 1);
        dur_close(it.log);
    }
}

static int fails_by_its_return(meter *it, dur_run *run)
{
    (void)it;
    (void)dur_continue_as_new(run, dur_null());
    return 3;
}

static int fails_by_its_words(meter *it, dur_run *run)
{
    (void)it;
    (void)dur_continue_as_new(run, dur_null());
    dur_fail(run, "no more meters");
    return 0;
}

/* Asked for while a failure stands uncaught: that is the end of the run. */
static int fails_before(meter *it, dur_run *run)
{
    (void)it;
    DUR_STEP(run, "fails") { dur_fail(run, "broken"); }
    assert_int_equal(DUR_FAILED, dur_continue_as_new(run, dur_null()));
    return 0;
}

static void a_failure_wins(void **state)
{
    int (*const ways[])(meter *, dur_run *) = {fails_by_its_return, fails_by_its_words,
                                               fails_before};
    static const char *const failures[] = {"workflow returned 3", "no more meters", "broken"};

    for (size_t i = 0; i < 3; i++) {
        meter it = meter_of(*state, 2);

        it.finish = ways[i];
        assert_code(DUR_FAILED, meter_execute(&it), it.log);
        assert_string_equal(failures[i], meter_look(it.log, METER).failure);
        assert_int_equal(DUR_RUN_FAILED, meter_look(it.log, METER).status);
        assert_false(meter_exists(it.log, "meter~1"));
        dur_close(it.log);
        host_run(it.host->db, "DELETE FROM durable_runs");
    }
}

static void continue_in_the_body(meter *it, dur_run *run)
{
    DUR_STEP(run, "body")
    {
        it->undone = dur_continue_as_new(run, dur_null());
    }
}

static void a_body_is_no_place_for_it(void **state)
{
    meter it = meter_of(*state, 2);

    it.act = continue_in_the_body;
    assert_code(DUR_MISUSE, meter_execute(&it), it.log);
    assert_int_equal(DUR_MISUSE, it.undone);
    assert_has(dur_errmsg(it.log), "behind the body");
    assert_false(meter_exists(it.log, "meter~1"));
    dur_close(it.log);
}

static int with_no_value(meter *it, dur_run *run)
{
    dur_value none = dur_null();

    (void)it;
    none.type = (dur_type)99;
    assert_int_equal(DUR_MISUSE, dur_continue_as_new(run, none));
    assert_int_equal(DUR_MISUSE, dur_run_code(run));
    return 0;
}

static void wrong_calls_are_told(void **state)
{
    meter it = meter_of(*state, 2);

    it.finish = with_no_value;
    assert_code(DUR_MISUSE, meter_execute(&it), it.log);
    assert_has(dur_errmsg(it.log), "an input that is no value");
    assert_int_equal(DUR_MISUSE, dur_continue_as_new(NULL, dur_null()));
    dur_close(it.log);
}

/* ---- Ids ------------------------------------------------------------------------------------- */

static void an_id_needs_room_for_its_number(void **state)
{
    meter it = meter_of(*state, 2);
    char id[DUR_NAME_MAX + 1], old[DUR_NAME_MAX + 4];

    memset(id, 'm', sizeof id);
    id[DUR_NAME_MAX - 19] = '\0';
    assert_code(DUR_MISUSE, dur_execute(it.log, "meter", id, NULL, meter_workflow, &it), it.log);
    assert_has(dur_errmsg(it.log), "needs a run whose id is shorter");
    id[DUR_NAME_MAX - 20] = '\0';
    snprintf(old, sizeof old, "%s~1", id);
    assert_code(DUR_SUSPENDED, dur_execute(it.log, "meter", id, NULL, meter_workflow, &it),
                it.log);
    assert_int_equal(DUR_RUN_CONTINUED, meter_look(it.log, old).status);
    dur_close(it.log);
}

static void an_id_that_another_run_has_is_a_conflict(void **state)
{
    meter it = meter_of(*state, 3);

    assert_code(DUR_OK, dur_start(it.log, "meter", "meter~1", NULL), it.log);
    assert_code(DUR_CONFLICT, meter_execute(&it), it.log);
    assert_has(dur_errmsg(it.log), "there is another run of the id \"meter~1\"");
    assert_int_equal(DUR_RUNNING, meter_look(it.log, METER).status);
    host_run(it.host->db, "DELETE FROM durable_runs WHERE id = 'meter~1'");
    assert_code(DUR_OK, meter_drive(&it), it.log); /* what was recorded is */
    assert_int_equal(3, it.bodies);
    dur_close(it.log);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static int continues_at_once(dur_run *run, void *user)
{
    meter *it = user;

    it->passes++;
    return dur_continue_as_new(run, dur_null());
}

/* A run that has not heard of it goes on; its successor hears of it at its first request. */
static void a_request_to_end_is_handed_on(void **state)
{
    meter it = meter_of(*state, 5);

    assert_code(DUR_OK, dur_start(it.log, "meter", METER, NULL), it.log);
    assert_code(DUR_OK, dur_cancel(it.log, METER), it.log);
    assert_code(DUR_SUSPENDED,
                dur_execute(it.log, "meter", METER, NULL, continues_at_once, &it), it.log);
    assert_true(meter_look(it.log, METER).cancelling);
    assert_code(DUR_REPLAYED, dur_cancel(it.log, METER), it.log);
    assert_code(DUR_CANCELLED, meter_execute(&it), it.log);
    assert_int_equal(0, it.bodies);
    assert_int_equal(DUR_RUN_CANCELLED, meter_look(it.log, METER).status);
    dur_close(it.log);
}

static int cleans_up(dur_run *run, void *user)
{
    meter *it = user;

    DUR_STEP(run, "read") { it->bodies++; }
    if (!dur_cancelled(run)) return 0;
    DUR_STEP(run, "clean") { it->undone++; }
    return dur_continue_as_new(run, dur_null());
}

static void one_that_has_heard_of_it_ends_so(void **state)
{
    meter it = meter_of(*state, 5);

    assert_code(DUR_OK, dur_start(it.log, "meter", METER, NULL), it.log);
    assert_code(DUR_OK, dur_cancel(it.log, METER), it.log);
    assert_code(DUR_CANCELLED, dur_execute(it.log, "meter", METER, NULL, cleans_up, &it), it.log);
    assert_int_equal(1, it.undone);
    assert_int_equal(0, it.bodies);
    assert_false(meter_exists(it.log, "meter~1"));
    dur_close(it.log);
}

static int undo_read(dur_step *step, void *user)
{
    ((meter *)user)->undone++;
    return dur_record_result(step, dur_null());
}

static int fails_in_the_second(meter *it, dur_run *run)
{
    if (dur_input(run).type == DUR_NULL) return dur_continue_as_new(run, dur_integer(1));
    (void)it;
    dur_fail(run, "it broke");
    return 0;
}

/* What a run of the chain has left to be undone is not the next one's. */
static void compensation_is_not_handed_on(void **state)
{
    meter it = meter_of(*state, 5);

    it.options.undo = undo_read;
    it.options.user = &it;
    it.finish = fails_in_the_second;
    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    assert_int_equal(0, it.undone);
    assert_code(DUR_FAILED, meter_execute(&it), it.log);
    assert_int_equal(2, it.bodies);
    assert_int_equal(1, it.undone);
    dur_close(it.log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(it_ends_and_goes_on_under_its_id),
        IN_MEMORY(it_is_one_run_to_who_executes_it),
        IN_MEMORY(one_that_has_continued_is_not_executed),
        IN_MEMORY(the_last_input_counts_and_is_copied),
        IN_MEMORY(queue_priority_and_deadline_are_taken_over),
        IN_EVERY_JOURNAL(of_a_handle_it_is_ended_by_completing_it),
        IN_MEMORY(nothing_is_asked_of_the_run_behind_it),
        IN_MEMORY(a_failure_wins),
        IN_MEMORY(a_body_is_no_place_for_it),
        IN_MEMORY(wrong_calls_are_told),
        IN_MEMORY(an_id_needs_room_for_its_number),
        IN_EVERY_JOURNAL(an_id_that_another_run_has_is_a_conflict),
        IN_MEMORY(a_request_to_end_is_handed_on),
        IN_MEMORY(one_that_has_heard_of_it_ends_so),
        IN_MEMORY(compensation_is_not_handed_on),
    };

    return cmocka_run_group_tests_name("api.continue", tests, NULL, NULL);
}
