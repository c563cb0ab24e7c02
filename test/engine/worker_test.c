/* test/engine: what a worker takes, in which order, and what it leaves alone. */
#include "engine/worker.h"

#include <stdio.h>

/* ---- Idle ---- */

static void an_idle_worker_only_looks(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    assert_passes(&all, "");
    assert_int_equal(-1, all.wake_ms);
    assert_story(all.world, "held work: none\n"
                            "due work: none\n");
    dismiss(&all);
}

static void without_a_workflow_there_is_nothing_to_look_at(void **state)
{
    crew all = crew_for(*state);

    start_with(&all, "run-1", 0, 0);
    memory_store_forget(all.world->witness);
    assert_passes(&all, "");
    assert_int_equal(-1, all.wake_ms);
    assert_story(all.world, "");
    dismiss(&all);
}

/* ---- Due ---- */

static void a_started_run_is_claimed_once_and_executed(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    start_with(&all, "run-1", 0, 0);
    assert_passes(&all, "run-1: DUR_OK\n");
    assert_int_equal(-1, all.wake_ms);
    assert_int_equal(1, all.bodies);
    assert_story(all.world, "create run-1 epoch 0 due 1767225600000\n"
                            "held work: none\n"
                            "due work: run-1 at 1767225600000\n"
                            "queue work\n"
                            "find run-1: running epoch 0\n"
                            "claim run-1 after epoch 0 claims 1 limited\n"
                            "append run-1 #1 \"step\" result low 1: recorded\n"
                            "end run-1 completed\n"
                            "due work: none\n"
                            "held work: none\n");
    dismiss(&all);
}

static void a_run_is_not_taken_before_its_time(void **state)
{
    crew all = crew_for(*state);
    int64_t start_at = now_of(&all) + 5000;

    enlist(&all);
    start_with(&all, "run-1", 0, start_at);
    start_with(&all, "run-2", 7, start_at + 1);
    assert_passes(&all, "");
    assert_int_equal(5000, all.wake_ms);
    fake_clock_advance(&all.world->clock, 4999);
    assert_passes(&all, "");
    assert_int_equal(1, all.wake_ms);
    fake_clock_advance(&all.world->clock, 1);
    assert_passes(&all, "run-1: DUR_OK\n");
    assert_int_equal(1, all.wake_ms);
    fake_clock_advance(&all.world->clock, -3600000); /* the clock is set back */
    assert_passes(&all, "");
    assert_int_equal(3600001, all.wake_ms);
    fake_clock_advance(&all.world->clock, 3600001);
    assert_passes(&all, "run-2: DUR_OK\n");
    dismiss(&all);
}

static void larger_priorities_go_first_and_the_longest_due_among_equals(void **state)
{
    crew all = crew_for(*state);
    int64_t now = now_of(&all);

    enlist(&all);
    start_with(&all, "low-1", 0, 0);
    start_with(&all, "high-2", 5, now + 20);
    start_with(&all, "high-1", 5, now + 10);
    start_with(&all, "top", 7, now + 30);
    fake_clock_advance(&all.world->clock, 30);
    assert_passes(&all, "top: DUR_OK\n"
                        "high-1: DUR_OK\n"
                        "high-2: DUR_OK\n"
                        "low-1: DUR_OK\n");
    dismiss(&all);
}

/* No starvation: "each eighth pass takes the longest due of all". */
static void each_eighth_pass_takes_the_longest_due_of_all(void **state)
{
    crew all = crew_for(*state);
    char id[16];

    enlist(&all);
    start_with(&all, "old-1", 0, 0);
    start_with(&all, "old-2", 0, 0);
    fake_clock_advance(&all.world->clock, 1);
    for (int i = 1; i <= 14; i++) {
        snprintf(id, sizeof id, "new-%d", i);
        start_with(&all, id, 7, 0);
    }
    all.options.max_passes = 16;
    assert_passes(&all, "new-1: DUR_OK\nnew-2: DUR_OK\nnew-3: DUR_OK\nnew-4: DUR_OK\n"
                        "new-5: DUR_OK\nnew-6: DUR_OK\nnew-7: DUR_OK\nold-1: DUR_OK\n"
                        "new-8: DUR_OK\nnew-9: DUR_OK\nnew-10: DUR_OK\nnew-11: DUR_OK\n"
                        "new-12: DUR_OK\nnew-13: DUR_OK\nnew-14: DUR_OK\nold-2: DUR_OK\n");
    dismiss(&all);
}

/* The turn is the log's, not the call's: one pass a call starves nobody either. */
static void the_eighth_pass_counts_over_all_calls(void **state)
{
    crew all = crew_for(*state);
    char id[16];

    enlist(&all);
    all.options.max_passes = 1;
    start_with(&all, "old", 0, 0);
    fake_clock_advance(&all.world->clock, 1);
    for (int i = 1; i <= 8; i++) {
        snprintf(id, sizeof id, "new-%d", i);
        start_with(&all, id, 7, 0);
    }
    for (int i = 1; i <= 7; i++) assert_int_equal(DUR_OK, work(&all));
    narrative_clear(&all.passes);
    assert_passes(&all, "old: DUR_OK\n");
    dismiss(&all);
}

static void runs_of_unregistered_workflows_are_left_alone(void **state)
{
    crew all = crew_for(*state);
    dur_start_options start = DUR_START_OPTIONS_INIT;

    enlist(&all);
    start.queue = "work";
    start.priority = 7;
    assert_int_equal(DUR_OK, dur_start(all.world->log, "other", "stranger", &start));
    start_with(&all, "run-1", 0, 0);
    fake_clock_advance(&all.world->clock, 1);
    assert_passes(&all, "run-1: DUR_OK\n");
    assert_int_equal(-1, all.wake_ms); /* nothing of ours will be due */
    dismiss(&all);
}

static void a_workflow_can_be_taken_back(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    start_with(&all, "run-1", 0, 0);
    assert_int_equal(DUR_OK, dur_register(all.world->log, "work", NULL, NULL));
    assert_passes(&all, "");
    enlist(&all);
    assert_passes(&all, "run-1: DUR_OK\n");
    dismiss(&all);
}

static void another_queue_is_served_once_it_is_named(void **state)
{
    crew all = crew_for(*state);
    dur_start_options start = DUR_START_OPTIONS_INIT;

    enlist(&all);
    start.queue = "nightly";
    assert_int_equal(DUR_OK, dur_start(all.world->log, "work", "run-1", &start));
    assert_passes(&all, "");
    assert_int_equal(-1, all.wake_ms);
    for (int i = 0; i < 2; i++) /* twice is once */
        assert_int_equal(DUR_OK, dur_serve_queue(all.world->log, "nightly", NULL));
    assert_int_equal(DUR_OK, dur_serve_queue(all.world->log, "work", NULL));
    memory_store_forget(all.world->witness);
    assert_passes(&all, "run-1: DUR_OK\n");
    assert_int_equal(2, count_in_story(all.world, "due nightly"));
    assert_int_equal(2, count_in_story(all.world, "due work"));
    dismiss(&all);
}

/* ---- Waiting runs ---- */

static int wait_an_hour(dur_run *run, void *user)
{
    crew *all = user;

    if (dur_sleep(run, "hour", 3600000) != DUR_OK) return 0;
    DUR_STEP(run, "step") { all->bodies++; }
    return 0;
}

static void a_run_that_waits_is_taken_when_it_is_due(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    assert_int_equal(DUR_OK, dur_register(all.world->log, "work", wait_an_hour, &all));
    start_with(&all, "run-1", 0, 0);
    assert_passes(&all, "run-1: DUR_SUSPENDED\n");
    assert_int_equal(3600000, all.wake_ms);
    engine_world_succeed(all.world); /* the process ends meanwhile */
    assert_int_equal(DUR_OK, dur_register(all.world->log, "work", wait_an_hour, &all));
    fake_clock_advance(&all.world->clock, 3600000);
    assert_passes(&all, "run-1: DUR_OK\n");
    assert_int_equal(1, all.bodies);
    dismiss(&all);
}

/* By hand it is not executed before its time, and `fn` is not called. */
static void by_hand_a_waiting_run_says_until_when(void **state)
{
    crew all = crew_for(*state);
    dur_run *run;

    enlist(&all);
    start_with(&all, "run-1", 0, now_of(&all) + 86400000);
    memory_store_forget(all.world->witness);
    assert_int_equal(DUR_SUSPENDED,
                     dur_execute(all.world->log, "work", "run-1", NULL, count_steps, &all));
    assert_string_equal("run \"run-1\": it waits until 2026-01-02 00:00:00 UTC (1767312000000)",
                        dur_errmsg(all.world->log));
    assert_int_equal(DUR_SUSPENDED, dur_begin_run(all.world->log, "work", "run-1", NULL, &run));
    assert_null(run);
    assert_story(all.world, "find run-1: running epoch 0\n"
                            "find run-1: running epoch 0\n");
    fake_clock_advance(&all.world->clock, 86400000);
    assert_int_equal(DUR_OK,
                     dur_execute(all.world->log, "work", "run-1", NULL, count_steps, &all));
    assert_int_equal(1, all.bodies);
    dismiss(&all);
}

static int wait_for_mail(dur_run *run, void *user)
{
    crew *all = user;

    if (dur_receive(run, "mail", DUR_FOREVER, NULL) != DUR_OK) return 0;
    all->bodies++;
    return 0;
}

static void a_signal_makes_a_run_due_at_once(void **state)
{
    crew all = crew_for(*state);

    assert_int_equal(DUR_OK, dur_register(all.world->log, "work", wait_for_mail, &all));
    all.options.user = &all;
    start_with(&all, "run-1", 0, 0);
    assert_passes(&all, "run-1: DUR_SUSPENDED\n");
    assert_int_equal(-1, all.wake_ms);
    assert_int_equal(DUR_SUSPENDED,
                     dur_execute(all.world->log, "work", "run-1", NULL, wait_for_mail, &all));
    assert_string_equal("run \"run-1\": it waits for a signal", dur_errmsg(all.world->log));
    assert_int_equal(DUR_OK, dur_signal(all.world->log, "run-1", "mail", dur_null(), NULL));
    assert_passes(&all, "run-1: DUR_OK\n");
    assert_int_equal(1, all.bodies);
    dismiss(&all);
}

/* ---- Left behind ---- */

static void what_a_dead_owner_left_behind_goes_first(void **state)
{
    crew all = crew_for(*state);

    hold(&all, "begun-1");
    hold(&all, "begun-2");
    engine_world_succeed(all.world);
    enlist(&all);
    start_with(&all, "new", 7, 0);
    assert_passes(&all, "begun-1: DUR_OK\n"
                        "begun-2: DUR_OK\n"
                        "new: DUR_OK\n");
    assert_int_equal(-1, all.wake_ms);
    dismiss(&all);
}

static void what_a_living_owner_holds_is_left_to_it(void **state)
{
    crew all = crew_for(*state);

    hold(&all, "theirs");
    engine_world_join(all.world);
    all.world->clock.owner_alive = DUR_OWNER_ALIVE;
    enlist(&all);
    assert_passes(&all, "");
    assert_int_equal(1000, all.wake_ms); /* its death is no commit: look again */
    fake_clock_advance(&all.world->clock, 599900);
    assert_passes(&all, "");
    assert_int_equal(100, all.wake_ms); /* the lease ends earlier */
    fake_clock_advance(&all.world->clock, 100);
    assert_passes(&all, "theirs: DUR_OK\n");
    dismiss(&all);
}

static void what_another_owner_holds_does_not_hold_up_what_is_due(void **state)
{
    crew all = crew_for(*state);

    hold(&all, "theirs");
    engine_world_join(all.world);
    all.world->clock.owner_alive = DUR_OWNER_ALIVE;
    enlist(&all);
    start_with(&all, "ours", 0, 0);
    assert_passes(&all, "ours: DUR_OK\n");
    assert_int_equal(1000, all.wake_ms);
    dismiss(&all);
}

static void a_run_that_is_open_here_is_left_to_its_handle(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    hold(&all, "open");
    start_with(&all, "behind", 0, 0);
    assert_passes(&all, "behind: DUR_OK\n");
    assert_int_equal(-1, all.wake_ms);
    fake_clock_advance(&all.world->clock, 700000); /* nor after its lease: nobody else is there */
    assert_passes(&all, "");
    dismiss(&all);
}

/* The handle is open still, but its claim is gone: the run was given back when it was suspended. */
static void a_waiting_run_whose_handle_is_open_is_taken(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    assert_int_equal(DUR_SUSPENDED, dur_sleep(hold(&all, "run-1"), "second", 1000));
    assert_int_equal(DUR_OK, dur_register(all.world->log, "work", wait_an_hour, &all));
    fake_clock_advance(&all.world->clock, 1000);
    narrative_clear(&all.passes);
    assert_int_equal(DUR_OK, work(&all));
    assert_string_equal("run-1: DUR_DIVERGED\n", all.passes.text); /* another name: but taken */
    dismiss(&all);
}

/* ---- Bounds ---- */

static void a_call_makes_no_more_passes_than_it_was_told(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    for (int i = 0; i < 3; i++) start_with(&all, i == 0 ? "a" : i == 1 ? "b" : "c", 0, 0);
    all.options.max_passes = 2;
    assert_passes(&all, "a: DUR_OK\nb: DUR_OK\n");
    assert_int_equal(0, all.wake_ms);
    assert_passes(&all, "c: DUR_OK\n");
    assert_int_equal(-1, all.wake_ms);
    dismiss(&all);
}

static void take_a_second(crew *all, dur_run *run)
{
    (void)run;
    fake_clock_advance(&all->world->clock, 1000);
}

static void no_pass_begins_after_the_budget(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    start_with(&all, "a", 0, 0);
    start_with(&all, "b", 0, 0);
    all.options.budget_ms = 999;
    all.act = take_a_second;
    assert_passes(&all, "a: DUR_OK\n");
    assert_int_equal(0, all.wake_ms);
    all.options.budget_ms = 1000;
    start_with(&all, "c", 0, 0);
    all.act = take_a_second;
    assert_passes(&all, "b: DUR_OK\nc: DUR_OK\n");
    dismiss(&all);
}

/* Started in one batch, 100 of them: the clock goes backwards in each pass. */
static int set_the_clock_back(dur_run *run, void *user)
{
    crew *all = user;
    char id[32];

    fake_clock_advance(&all->world->clock, -1000);
    all->bodies++;
    snprintf(id, sizeof id, "next-%d", all->bodies);
    start_with(all, id, 0, 0);
    return dur_ok(run) ? 0 : 1;
}

static void a_clock_that_goes_backwards_makes_no_call_endless(void **state)
{
    crew all = crew_for(*state);

    assert_int_equal(DUR_OK, dur_register(all.world->log, "work", set_the_clock_back, &all));
    all.options.user = &all;
    all.options.budget_ms = 1;
    start_with(&all, "first", 0, 0);
    assert_int_equal(DUR_OK, work(&all));
    assert_int_equal(100, all.bodies); /* the default of max_passes */
    assert_int_equal(0, all.wake_ms);
    dismiss(&all);
}

/* ---- Misuse ---- */

static void work_within_work(crew *all, dur_run *run)
{
    (void)run;
    assert_int_equal(DUR_MISUSE, dur_work(all->world->log, NULL, NULL));
    assert_int_equal(DUR_MISUSE, dur_work_loop(all->world->log, NULL));
    assert_non_null(strstr(dur_errmsg(all->world->log), "at work already"));
}

static void a_workflow_does_not_call_the_worker(void **state)
{
    crew all = crew_for(*state);

    enlist(&all);
    start_with(&all, "run-1", 0, 0);
    all.act = work_within_work;
    assert_passes(&all, "run-1: DUR_OK\n");
    start_with(&all, "run-2", 0, 0);
    assert_passes(&all, "run-2: DUR_OK\n"); /* and the one that ran is not harmed */
    dismiss(&all);
}

static void close_the_log(crew *all, dur_run *run)
{
    (void)run;
    dur_close(all->world->log);
}

/* Law 9: wrong, but no undefined behaviour. */
static void a_workflow_that_closes_the_log_ends_the_work(void **state)
{
    engine_world *world = *state;
    crew all = crew_for(world);

    enlist(&all);
    start_with(&all, "run-1", 0, 0);
    all.act = close_the_log;
    assert_int_equal(DUR_MISUSE, work(&all));
    assert_string_equal("", all.passes.text);
    assert_int_equal(0, all.bodies);
    world->dead_count = 0;
    world->store = memory_store_share(world->witness);
    world->log = durable_log_new(world->store, DUR_OK, &world->options);
    dismiss(&all);
}

static void wrong_options_are_misuse(void **state)
{
    crew all = crew_for(*state);
    dur_log *log = all.world->log;

    for (int i = 0; i < 4; i++) {
        dur_work_options options = DUR_WORK_OPTIONS_INIT;

        if (i == 0) options.size = 0;
        if (i == 1) options.max_passes = -1;
        if (i == 2) options.budget_ms = -1;
        if (i == 3) options.poll_ms = -1;
        assert_int_equal(DUR_MISUSE, dur_work(log, &options, NULL));
        assert_int_equal(DUR_MISUSE, dur_work_loop(log, &options));
    }
    assert_int_equal(DUR_MISUSE, dur_work(NULL, NULL, NULL));
    assert_int_equal(DUR_MISUSE, dur_work_loop(NULL, NULL));
    dur_stop_work_loop(NULL);
    assert_int_equal(DUR_MISUSE, dur_register(log, "", count_steps, NULL));
    assert_int_equal(DUR_MISUSE, dur_register(NULL, "work", count_steps, NULL));
    assert_int_equal(DUR_MISUSE, dur_serve_queue(log, NULL, NULL));
    dismiss(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(an_idle_worker_only_looks),
        ENGINE_TEST(without_a_workflow_there_is_nothing_to_look_at),
        ENGINE_TEST(a_started_run_is_claimed_once_and_executed),
        ENGINE_TEST(a_run_is_not_taken_before_its_time),
        ENGINE_TEST(larger_priorities_go_first_and_the_longest_due_among_equals),
        ENGINE_TEST(each_eighth_pass_takes_the_longest_due_of_all),
        ENGINE_TEST(the_eighth_pass_counts_over_all_calls),
        ENGINE_TEST(runs_of_unregistered_workflows_are_left_alone),
        ENGINE_TEST(a_workflow_can_be_taken_back),
        ENGINE_TEST(another_queue_is_served_once_it_is_named),
        ENGINE_TEST(a_run_that_waits_is_taken_when_it_is_due),
        ENGINE_TEST(by_hand_a_waiting_run_says_until_when),
        ENGINE_TEST(a_signal_makes_a_run_due_at_once),
        ENGINE_TEST(what_a_dead_owner_left_behind_goes_first),
        ENGINE_TEST(what_a_living_owner_holds_is_left_to_it),
        ENGINE_TEST(what_another_owner_holds_does_not_hold_up_what_is_due),
        ENGINE_TEST(a_run_that_is_open_here_is_left_to_its_handle),
        ENGINE_TEST(a_waiting_run_whose_handle_is_open_is_taken),
        ENGINE_TEST(a_call_makes_no_more_passes_than_it_was_told),
        ENGINE_TEST(no_pass_begins_after_the_budget),
        ENGINE_TEST(a_clock_that_goes_backwards_makes_no_call_endless),
        ENGINE_TEST(a_workflow_does_not_call_the_worker),
        ENGINE_TEST(a_workflow_that_closes_the_log_ends_the_work),
        ENGINE_TEST(wrong_options_are_misuse),
    };

    return cmocka_run_group_tests_name("engine.worker", tests, NULL, NULL);
}
