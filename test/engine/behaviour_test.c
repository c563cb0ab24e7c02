/* test/engine: law 10, the number of the library's behaviour that each run keeps; see
 * lib/engine/behaviour.h. A log whose `behaviour` is raised is that of a newer library. */
#include "engine/worker.h"

enum { OLD = DURABLE_BEHAVIOUR, NEW = DURABLE_BEHAVIOUR + 1 };

static int note_number(const durable_run_record *record, void *context)
{
    *(int *)context = record->behaviour;
    return DUR_OK;
}

static int number_of(engine_world *world, const char *id)
{
    durable_store *store = world->witness;
    int number = 0;

    assert_int_equal(DUR_OK, store->methods->find_run(store, id, note_number, &number));
    return number;
}

/* The owner dies, and one with another library comes. */
static void succeed_with(engine_world *world, int behaviour)
{
    engine_world_succeed(world);
    world->log->behaviour = behaviour;
}

/* ---- Which number a run has ---- */

typedef struct family {
    bool waits;      /* before anything else */
    int own, called; /* what the handles say */
} family;

static int called(dur_run *run, void *user)
{
    family *all = user;

    all->called = run->behaviour;
    return 0;
}

static int numbered(dur_run *run, void *user)
{
    family *all = user;
    dur_step *child = NULL;

    all->own = run->behaviour;
    if (all->waits && dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    if (dur_call(run, "called", NULL, called, all, NULL) != DUR_OK) return 0;
    if (dur_start_child(run, "started", "work", NULL, &child) != DUR_OK) return 0;
    dur_stop(run, "enough");
    return 0;
}

static int execute(engine_world *world, const char *id, family *all)
{
    return dur_execute(world->log, "work", id, NULL, numbered, all);
}

static void a_run_has_the_number_of_the_library_that_starts_it(void **state)
{
    engine_world *world = *state;
    family all = {false, 0, 0};

    assert_int_equal(DUR_STOPPED, execute(world, "run-1", &all));
    assert_int_equal(OLD, all.own);
    assert_int_equal(OLD, number_of(world, "run-1"));
    world->log->behaviour = NEW;
    assert_int_equal(DUR_OK, dur_start(world->log, "work", "run-2", NULL));
    assert_int_equal(NEW, number_of(world, "run-2"));
    assert_int_equal(DUR_STOPPED, execute(world, "run-2", &all));
    assert_int_equal(NEW, all.own);
    assert_int_equal(NEW, all.called);
    assert_int_equal(NEW, number_of(world, "run-2/1"));
}

/* Whoever goes on with it, a run keeps its number; what it calls is a part of it, and can be gone
 * on with by those who began it; what it starts is a run of today. */
static void a_run_of_yesterday_keeps_its_number_for_all_that_it_calls(void **state)
{
    engine_world *world = *state;
    family all = {true, 0, 0};

    assert_int_equal(DUR_SUSPENDED, execute(world, "run-1", &all));
    succeed_with(world, NEW);
    assert_int_equal(DUR_OK, dur_signal(world->log, "run-1", "go", dur_null(), NULL));
    assert_int_equal(DUR_STOPPED, execute(world, "run-1", &all));
    assert_int_equal(OLD, all.own);
    assert_int_equal(OLD, all.called);
    assert_int_equal(OLD, number_of(world, "run-1"));
    assert_int_equal(OLD, number_of(world, "run-1/2"));
    assert_int_equal(NEW, number_of(world, "run-1/3"));
    succeed_with(world, OLD);
    assert_int_equal(DUR_STOPPED, execute(world, "run-1", &all));
}

static int branch(dur_run *run, void *user)
{
    ((family *)user)->called = run->behaviour;
    return 0;
}

static int batched(dur_run *run, void *user)
{
    const dur_branch branches[] = {{NULL, branch, user, {DUR_NULL, {0}, 0}}};
    family *all = user;

    if (all->waits && dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    return dur_parallel(run, "fan", branches, 1, NULL, NULL) != DUR_OK;
}

static void branches_have_the_number_of_their_run(void **state)
{
    engine_world *world = *state;
    family all = {true, 0, 0};

    assert_int_equal(DUR_SUSPENDED,
                     dur_execute(world->log, "work", "run-1", NULL, batched, &all));
    succeed_with(world, NEW);
    assert_int_equal(DUR_OK, dur_signal(world->log, "run-1", "go", dur_null(), NULL));
    assert_int_equal(DUR_OK, dur_execute(world->log, "work", "run-1", NULL, batched, &all));
    assert_int_equal(OLD, all.called);
    assert_int_equal(OLD, number_of(world, "run-1/2"));
    assert_int_equal(OLD, number_of(world, "run-1/2/1"));
}

static int begin_anew(dur_run *run, void *user)
{
    ((family *)user)->own = run->behaviour;
    if (dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    return dur_continue_as_new(run, dur_null());
}

static int call_one_that_begins_anew(dur_run *run, void *user)
{
    return dur_call(run, "called", NULL, begin_anew, user, NULL) != DUR_OK;
}

static void a_run_that_begins_anew_is_of_today(void **state)
{
    engine_world *world = *state;
    family all = {false, 0, 0};

    assert_int_equal(DUR_SUSPENDED,
                     dur_execute(world->log, "work", "run-1", NULL, begin_anew, &all));
    succeed_with(world, NEW);
    assert_int_equal(DUR_OK, dur_signal(world->log, "run-1", "go", dur_null(), NULL));
    assert_int_equal(DUR_SUSPENDED,
                     dur_execute(world->log, "work", "run-1", NULL, begin_anew, &all));
    assert_int_equal(OLD, all.own);
    assert_int_equal(OLD, number_of(world, "run-1~1"));
    assert_int_equal(NEW, number_of(world, "run-1"));
}

/* … but what a run calls stays a part of it. */
static void a_called_child_that_begins_anew_keeps_the_number(void **state)
{
    engine_world *world = *state;
    family all = {false, 0, 0};

    assert_int_equal(DUR_SUSPENDED, dur_execute(world->log, "work", "run-1", NULL,
                                                call_one_that_begins_anew, &all));
    succeed_with(world, NEW);
    assert_int_equal(DUR_OK, dur_signal(world->log, "run-1/1", "go", dur_null(), NULL));
    assert_int_equal(DUR_SUSPENDED, dur_execute(world->log, "work", "run-1", NULL,
                                                call_one_that_begins_anew, &all));
    assert_int_equal(OLD, number_of(world, "run-1/1"));
    assert_int_equal(OLD, number_of(world, "run-1/1~1"));
}

/* ---- A number that is not known here ---- */

static void assert_refused(dur_log *log, int code)
{
    assert_int_equal(DUR_VERSION_TOO_NEW, code);
    assert_non_null(strstr(dur_errmsg(log), "run \"run-1\""));
    assert_non_null(strstr(dur_errmsg(log), "number 2"));
    assert_non_null(strstr(dur_errmsg(log), "none above 1"));
    assert_non_null(strstr(dur_errmsg(log), "upgrade"));
}

/* Nothing is claimed or called. */
static void a_run_of_a_newer_library_is_refused(void **state)
{
    engine_world *world = *state;
    family all = {true, 0, 0};
    dur_run *run;

    world->log->behaviour = NEW;
    assert_int_equal(DUR_SUSPENDED, execute(world, "run-1", &all));
    succeed_with(world, OLD);
    all.own = 0;
    memory_store_forget(world->witness);
    assert_refused(world->log, execute(world, "run-1", &all));
    assert_refused(world->log, dur_begin_run(world->log, "work", "run-1", NULL, &run));
    assert_null(run);
    assert_int_equal(0, all.own);
    assert_story(world, "find run-1: suspended epoch 1\n"
                        "find run-1: suspended epoch 1\n");
    succeed_with(world, NEW);
    assert_int_equal(DUR_SUSPENDED, execute(world, "run-1", &all));
}

/* Everything but executing it: what goes through the log only. */
static void it_can_be_read_signalled_and_asked_to_end(void **state)
{
    engine_world *world = *state;
    dur_run_info info = DUR_RUN_INFO_INIT;
    family all = {true, 0, 0};

    world->log->behaviour = NEW;
    assert_int_equal(DUR_SUSPENDED, execute(world, "run-1", &all));
    succeed_with(world, OLD);
    assert_int_equal(DUR_REPLAYED, dur_start(world->log, "work", "run-1", NULL));
    assert_int_equal(DUR_OK, dur_signal(world->log, "run-1", "go", dur_null(), NULL));
    assert_int_equal(DUR_OK, dur_cancel(world->log, "run-1"));
    assert_int_equal(DUR_OK, dur_read_run(world->log, "run-1", &info));
    assert_int_equal(DUR_RUN_SUSPENDED, info.status);
    assert_true(info.cancelling);
    succeed_with(world, NEW);
    assert_int_equal(DUR_CANCELLED, execute(world, "run-1", &all));
}

static int give_output(dur_run *run, void *user)
{
    if (*(bool *)user) dur_fail(run, "no luck");
    dur_set_output(run, dur_integer(42));
    return 0;
}

/* What is over need not be executed. */
static void its_end_is_told_all_the_same(void **state)
{
    engine_world *world = *state;
    bool fails = false;

    world->log->behaviour = NEW;
    assert_int_equal(DUR_OK, dur_execute(world->log, "w", "good", NULL, give_output, &fails));
    fails = true;
    assert_int_equal(DUR_FAILED, dur_execute(world->log, "w", "bad", NULL, give_output, &fails));
    succeed_with(world, OLD);
    assert_int_equal(DUR_OK, dur_execute(world->log, "w", "good", NULL, give_output, &fails));
    assert_true(dur_output(world->log).as.integer == 42);
    assert_int_equal(DUR_FAILED, dur_execute(world->log, "w", "bad", NULL, give_output, &fails));
    assert_string_equal("no luck", dur_errmsg(world->log));
}

/* ---- Workers of two versions ---- */

/* One that its dead owner left, one that is due, and those of today behind them, on one queue. */
static void workers_of_an_older_library_leave_it_to_others(void **state)
{
    crew all = crew_for(*state);

    all.world->log->behaviour = NEW;
    hold(&all, "left");
    start_with(&all, "due", 7, 0);
    succeed_with(all.world, OLD);
    all.world->log->turn = 0;
    enlist(&all);
    start_with(&all, "behind", 0, 0);
    assert_passes(&all, "left: DUR_VERSION_TOO_NEW\n"
                        "due: DUR_VERSION_TOO_NEW\n"
                        "behind: DUR_OK\n");
    assert_int_equal(1, all.bodies);
    for (int i = 0; i < 2 * DUR_CLAIMS_MAX; i++) {
        fake_clock_advance(&all.world->clock, all.wake_ms);
        assert_int_equal(DUR_OK, work(&all));
        assert_null(strstr(all.passes.text, "DUR_PARKED"));
    }
    narrative_clear(&all.passes);
    fake_clock_advance(&all.world->clock, DURABLE_BACK_OFF_MOST_MS);
    succeed_with(all.world, NEW);
    all.world->log->turn = 0;
    enlist(&all);
    assert_passes(&all, "due: DUR_OK\nleft: DUR_OK\n");
    assert_int_equal(3, all.bodies);
    dismiss(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_run_has_the_number_of_the_library_that_starts_it),
        ENGINE_TEST(a_run_of_yesterday_keeps_its_number_for_all_that_it_calls),
        ENGINE_TEST(branches_have_the_number_of_their_run),
        ENGINE_TEST(a_run_that_begins_anew_is_of_today),
        ENGINE_TEST(a_called_child_that_begins_anew_keeps_the_number),
        ENGINE_TEST(a_run_of_a_newer_library_is_refused),
        ENGINE_TEST(it_can_be_read_signalled_and_asked_to_end),
        ENGINE_TEST(its_end_is_told_all_the_same),
        ENGINE_TEST(workers_of_an_older_library_leave_it_to_others),
    };

    return cmocka_run_group_tests_name("engine.behaviour", tests, NULL, NULL);
}
