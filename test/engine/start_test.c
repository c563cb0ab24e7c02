/* test/engine: putting runs into the log, for others to execute. */
#include "engine/worker.h"

static void start_puts_one_row_and_executes_nothing(void **state)
{
    engine_world *world = *state;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_run_info info = DUR_RUN_INFO_INIT;

    start.input = dur_text("order 7");
    start.queue = "nightly";
    start.priority = 3;
    start.start_at_ms = FAKE_CLOCK_START_MS + 60000;
    assert_int_equal(DUR_OK, dur_start(world->log, "work", "run-1", &start));
    assert_story(world, "create run-1 epoch 0 due 1767225660000\n");
    assert_int_equal(DUR_OK, dur_read_run(world->log, "run-1", &info));
    assert_int_equal(DUR_RUNNING, info.status);
    assert_string_equal("work", info.workflow);
    assert_string_equal("order 7", dur_as_text(info.input));
    assert_string_equal("nightly", info.queue);
    assert_int_equal(3, info.priority);
    assert_int_equal(FAKE_CLOCK_START_MS + 60000, info.wake_ms);
    assert_int_equal(FAKE_CLOCK_START_MS, info.created_ms);
    assert_int_equal(0, info.claims);
}

static void the_queue_defaults_to_the_workflow_and_the_time_to_now(void **state)
{
    static const int64_t early[] = {0, 1, -5, INT64_MIN, FAKE_CLOCK_START_MS};
    engine_world *world = *state;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_int_equal(DUR_OK, dur_start(world->log, "work", "run-1", NULL));
    for (size_t i = 0; i < sizeof early / sizeof early[0]; i++) {
        start.start_at_ms = early[i];
        assert_int_equal(DUR_OK, dur_start(world->log, "work", "run-2", &start));
        assert_int_equal(DUR_OK, dur_read_run(world->log, i == 0 ? "run-1" : "run-2", &info));
        assert_string_equal("work", info.queue);
        assert_int_equal(0, info.priority);
        assert_int_equal(FAKE_CLOCK_START_MS, info.wake_ms);
        memory_store_delete_run(world->witness, "run-2");
    }
}

static void a_time_that_never_comes_is_a_time(void **state)
{
    engine_world *world = *state;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    crew all = crew_for(world);

    start.start_at_ms = INT64_MAX;
    assert_int_equal(DUR_OK, dur_start(world->log, "work", "run-1", &start));
    assert_int_equal(DUR_SUSPENDED,
                     dur_execute(world->log, "work", "run-1", NULL, count_steps, &all));
    enlist(&all);
    assert_passes(&all, "");
    assert_int_equal(INT64_MAX - 1 - FAKE_CLOCK_START_MS, all.wake_ms);
    dismiss(&all);
}

static void starting_twice_starts_once(void **state)
{
    engine_world *world = *state;
    dur_start_options start = DUR_START_OPTIONS_INIT, other = DUR_START_OPTIONS_INIT;

    start.input = dur_integer(7);
    assert_int_equal(DUR_OK, dur_start(world->log, "work", "run-1", &start));
    assert_int_equal(DUR_REPLAYED, dur_start(world->log, "work", "run-1", &start));
    assert_string_equal("run \"run-1\": it was started before", dur_errmsg(world->log));
    start.priority = 7; /* these are no part of what the run is */
    start.start_at_ms = 5;
    assert_int_equal(DUR_REPLAYED, dur_start(world->log, "work", "run-1", &start));
    assert_int_equal(DUR_REPLAYED, dur_start(world->log, "work", "run-1", NULL));
    assert_int_equal(DUR_CONFLICT, dur_start(world->log, "work", "run-1", &other));
    assert_non_null(strstr(dur_errmsg(world->log), "run \"run-1\""));
    assert_int_equal(DUR_CONFLICT, dur_start(world->log, "play", "run-1", &start));
    assert_story(world, "create run-1 epoch 0 due 1767225600000\n"
                        "create run-1 epoch 0 due 1767225600000: taken\n"
                        "find run-1: running epoch 0\n"
                        "create run-1 epoch 0 due 1767225600000: taken\n"
                        "find run-1: running epoch 0\n"
                        "create run-1 epoch 0 due 1767225600000: taken\n"
                        "find run-1: running epoch 0\n"
                        "create run-1 epoch 0 due 1767225600000: taken\n"
                        "find run-1: running epoch 0\n"
                        "create run-1 epoch 0 due 1767225600000: taken\n"
                        "find run-1: running epoch 0\n");
}

static void a_run_that_has_ended_was_started_before(void **state)
{
    engine_world *world = *state;
    crew all = crew_for(world);

    assert_int_equal(DUR_OK,
                     dur_execute(world->log, "work", "run-1", NULL, count_steps, &all));
    assert_int_equal(DUR_REPLAYED, dur_start(world->log, "work", "run-1", NULL));
    dismiss(&all);
}

static void what_was_started_can_be_executed_by_hand(void **state)
{
    engine_world *world = *state;
    crew all = crew_for(world);

    assert_int_equal(DUR_OK, dur_start(world->log, "work", "run-1", NULL));
    assert_int_equal(DUR_OK,
                     dur_execute(world->log, "work", "run-1", NULL, count_steps, &all));
    assert_story(world, "create run-1 epoch 0 due 1767225600000\n"
                        "find run-1: running epoch 0\n"
                        "claim run-1 after epoch 0 claims 1\n" /* no limits by hand */
                        "append run-1 #1 \"step\" result low 1: recorded\n"
                        "end run-1 completed\n"); /* a new run has nothing to load */
    dismiss(&all);
}

static void a_failing_store_starts_nothing(void **state)
{
    static const int codes[] = {DUR_BUSY, DUR_FULL, DUR_IOERR, DUR_READONLY, DUR_TOO_BIG};
    engine_world *world = *state;

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        memory_store_fail(world->store, "create", 1, codes[i], MEMORY_BEFORE);
        assert_int_equal(codes[i], dur_start(world->log, "work", "run-1", NULL));
        assert_non_null(strstr(dur_errmsg(world->log), "run \"run-1\""));
    }
    /* A commit that failed and survived: starting again finds it. */
    memory_store_fail(world->store, "create", 1, DUR_IOERR, MEMORY_AFTER);
    assert_int_equal(DUR_IOERR, dur_start(world->log, "work", "run-1", NULL));
    assert_int_equal(DUR_REPLAYED, dur_start(world->log, "work", "run-1", NULL));
}

static void wrong_start_options_are_misuse(void **state)
{
    engine_world *world = *state;
    crew all = crew_for(world);
    dur_run *run;

    for (int i = 0; i < 6; i++) {
        dur_start_options start = DUR_START_OPTIONS_INIT;

        if (i == 0) start.size = 0;
        if (i == 1) start.priority = -1;
        if (i == 2) start.priority = 8;
        if (i == 3) start.queue = "";
        if (i == 4) start.queue = "a\nb";
        if (i == 5) start.input.type = (dur_type)99;
        assert_int_equal(DUR_MISUSE, dur_start(world->log, "work", "run-1", &start));
        assert_int_equal(DUR_MISUSE, dur_begin_run(world->log, "work", "run-1", &start, &run));
        assert_int_equal(DUR_MISUSE,
                         dur_execute(world->log, "work", "run-1", &start, count_steps, &all));
    }
    assert_int_equal(DUR_MISUSE, dur_start(world->log, NULL, "run-1", NULL));
    assert_int_equal(DUR_MISUSE, dur_start(world->log, "work", NULL, NULL));
    assert_int_equal(DUR_MISUSE, dur_start(NULL, "work", "run-1", NULL));
    assert_story(world, "");
    dismiss(&all);
}

/* "For dur_start()": a call that executes at once has no time to start at. */
static void only_dur_start_takes_a_time(void **state)
{
    engine_world *world = *state;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    crew all = crew_for(world);

    start.start_at_ms = 1;
    assert_int_equal(DUR_MISUSE,
                     dur_execute(world->log, "work", "run-1", &start, count_steps, &all));
    assert_non_null(strstr(dur_errmsg(world->log), "start_at_ms is for dur_start()"));
    start.start_at_ms = 0;
    start.queue = "nightly";
    start.priority = 7;
    assert_int_equal(DUR_OK,
                     dur_execute(world->log, "work", "run-1", &start, count_steps, &all));
    dismiss(&all);
}

/* A program of an earlier header gives a smaller struct: no queue, no priority. */
static void a_smaller_struct_is_an_earlier_one(void **state)
{
    engine_world *world = *state;
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_run_info info = DUR_RUN_INFO_INIT;

    start.size = offsetof(dur_start_options, queue);
    start.input = dur_integer(7);
    start.queue = "not to be read";
    start.priority = 99;
    assert_int_equal(DUR_OK, dur_start(world->log, "work", "run-1", &start));
    info.size = offsetof(dur_run_info, wake_ms);
    info.priority = 4242;
    assert_int_equal(DUR_OK, dur_read_run(world->log, "run-1", &info));
    assert_int_equal(7, info.input.as.integer);
    assert_int_equal(4242, info.priority); /* not touched */
    info.size = sizeof info;
    assert_int_equal(DUR_OK, dur_read_run(world->log, "run-1", &info));
    assert_string_equal("work", info.queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(start_puts_one_row_and_executes_nothing),
        ENGINE_TEST(the_queue_defaults_to_the_workflow_and_the_time_to_now),
        ENGINE_TEST(a_time_that_never_comes_is_a_time),
        ENGINE_TEST(starting_twice_starts_once),
        ENGINE_TEST(a_run_that_has_ended_was_started_before),
        ENGINE_TEST(what_was_started_can_be_executed_by_hand),
        ENGINE_TEST(a_failing_store_starts_nothing),
        ENGINE_TEST(wrong_start_options_are_misuse),
        ENGINE_TEST(only_dur_start_takes_a_time),
        ENGINE_TEST(a_smaller_struct_is_an_earlier_one),
    };

    return cmocka_run_group_tests_name("engine.start", tests, NULL, NULL);
}
