/* test/engine: law 9: the ends of what a run may hold, and rows that cannot be what they say. */
#include "support/internal/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static dur_run *begin_run(engine_world *world)
{
    dur_run *run = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    return run;
}

/* ---- Ends ---- */

static void the_step_after_the_last_position_is_misuse(void **state)
{
    engine_world *world = *state;
    dur_run *run = begin_run(world);
    dur_step *step = NULL;

    run->position = DUR_POSITION_MAX; /* 134 million steps later */
    assert_int_equal(dur_begin_step(run, "last", NULL, &step), DUR_EXECUTE);
    assert_true(dur_step_position(step) == DUR_POSITION_MAX);
    assert_true(strlen(dur_step_idempotency_key(step)) <= 48);
    assert_int_equal(dur_record_result(step, dur_null()), DUR_OK);
    assert_int_equal(dur_begin_step(run, "after", NULL, &step), DUR_MISUSE);
    assert_null(step);
    dur_close_run(run);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #134217727 \"last\" result low 134217727: recorded\n"
                        "release run-1\n");
}

/* Names around the room that a handle has for them, and the longest one. */
static void names_of_every_length_are_recorded_and_replayed(void **state)
{
    static const size_t lengths[] = {1, 46, 47, 48, 49, 254, 255};
    engine_world *world = *state;

    for (int pass = 0; pass < 2; pass++) {
        dur_run *run = begin_run(world);

        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            char name[DUR_NAME_MAX + 1] = "";
            dur_step *step = NULL;

            memset(name, 'n', lengths[i]);
            assert_int_equal(dur_begin_step(run, name, NULL, &step),
                             pass ? DUR_REPLAYED : DUR_EXECUTE);
            memset(name, 'x', lengths[i]); /* the run has its own copy */
            if (!pass) assert_int_equal(dur_record_result(step, dur_integer((int64_t)i)), DUR_OK);
            if (pass) assert_true(dur_step_value(step).as.integer == (int64_t)i);
        }
        dur_close_run(run);
    }
}

static void a_bad_name_stops_the_run_and_records_nothing(void **state)
{
    engine_world *world = *state;
    char name[DUR_NAME_MAX + 2];
    const char *const names[] = {NULL, "", "a\nb", "\xff", name};

    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        dur_run *run = begin_run(world);
        dur_step *step = NULL;

        assert_int_equal(dur_begin_step(run, names[i], NULL, &step), DUR_MISUSE);
        assert_null(step);
        assert_int_equal(dur_run_code(run), DUR_MISUSE);
        assert_null(strchr(dur_run_errmsg(run), '\n'));
        dur_close_run(run);
    }
    assert_int_equal(count_in_story(world, "append"), 0);
}

static int spin(dur_run *run, void *context)
{
    int *asked = context;

    for (*asked = 0; *asked < 5000; ++*asked) {
        DUR_STEP(run, "again") { }
    }
    return 0;
}

/* "A loop that keeps calling on a stopped run is diagnosed, not left to spin in silence." */
static void a_loop_on_a_stopped_run_is_told_once_and_asks_the_store_nothing(void **state)
{
    engine_world *world = *state;
    int asked = 0;

    memory_store_fail(world->store, "append", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(dur_execute(world->log, "work", "run-1", NULL, spin, &asked), DUR_BUSY);
    assert_int_equal(asked, 5000);
    assert_int_equal(world->clock.warnings, 1);
    assert_non_null(strstr(world->clock.last_warning, "run-1"));
    assert_non_null(strstr(world->clock.last_warning, "again"));
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"again\" result low 1: DUR_BUSY\n");
}

/* ---- Rows that cannot be what they say ---- */

/* A run that nobody holds, with one step "a" whose value is this. */
static void put_step(engine_world *world, durable_datum value)
{
    durable_store *store = world->witness;
    durable_new_run new_run = {.id = "run-1",
                               .uid = "0123456789abcdef0123456789abcdef",
                               .workflow = "work",
                               .queue = "work",
                               .behaviour = DURABLE_BEHAVIOUR,
                               .owner = "another-owner",
                               .deadline = DURABLE_NEVER};
    durable_outcome outcome = {.position = 1,
                               .kind = DURABLE_KIND_STEP,
                               .name = "a",
                               .name_length = 1,
                               .value = value,
                               .low = 1,
                               .attempt = 1};
    durable_fence fence;
    bool created;

    outcome.fence = &fence;
    store->methods->create_run(store, &new_run, &created, &fence);
    store->methods->append_outcomes(store, &outcome, 1);
    store->methods->release_run(store, &fence, 0);
    memory_store_forget(store);
}

static void a_value_that_does_not_go_with_its_format_is_corrupt_and_named(void **state)
{
    engine_world *world = *state;
    const durable_datum value = {.type = DURABLE_DATUM_TEXT, .format = DURABLE_FORMAT_NAN,
                                 .bytes = "text", .length = 4};
    dur_run *run;
    dur_step *step = NULL;

    put_step(world, value);
    run = begin_run(world);
    assert_int_equal(dur_begin_step(run, "a", NULL, &step), DUR_CORRUPT);
    assert_non_null(strstr(dur_run_errmsg(run), "run-1"));
    assert_non_null(strstr(dur_run_errmsg(run), "position 1"));
    dur_close_run(run);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 1 rows\n"
                        "release run-1\n");
}

/* Law 10 ends where an object's bytes mean something else: the run waits for its own machine. */
static void an_object_of_another_machine_parks_the_run(void **state)
{
    engine_world *world = *state;
    durable_datum value;
    dur_run *run;
    dur_step *step = NULL;

    assert_int_equal(durable_value_encode(dur_object("object", 6), &value), DUR_OK);
    value.format ^= 1; /* the other byte order */
    put_step(world, value);
    run = begin_run(world);
    assert_int_equal(dur_begin_step(run, "a", NULL, &step), DUR_MISMATCH);
    dur_close_run(run);
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 1 rows\n"
                        "load run-1 1..134217727 in detail: 1 rows\n"
                        "end run-1 parked\n");
}

static int do_nothing(dur_run *run, void *context)
{
    (void)run;
    ++*(int *)context;
    return 0;
}

/* Runs of a later behaviour, or without their uid, are left as they are. */
static void a_run_that_this_library_cannot_go_on_with_is_not_claimed(void **state)
{
    engine_world *world = *state;
    durable_store *store = world->witness;
    durable_new_run newer = {.id = "newer",
                             .uid = "0123456789abcdef0123456789abcdef",
                             .workflow = "work",
                             .behaviour = DURABLE_BEHAVIOUR + 1,
                             .owner = "another-owner"};
    durable_new_run odd = newer;
    durable_fence fence;
    bool created;
    int calls = 0;

    odd.id = "odd";
    odd.uid = "short";
    odd.behaviour = DURABLE_BEHAVIOUR;
    store->methods->create_run(store, &newer, &created, &fence);
    store->methods->create_run(store, &odd, &created, &fence);
    memory_store_forget(store);
    assert_int_equal(dur_execute(world->log, "work", "newer", NULL, do_nothing, &calls),
                     DUR_VERSION_TOO_NEW);
    assert_int_equal(dur_execute(world->log, "work", "odd", NULL, do_nothing, &calls),
                     DUR_CORRUPT);
    assert_story(world, "find newer: running epoch 1\n"
                        "find odd: running epoch 1\n");
    assert_int_equal(calls, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ENGINE_TEST(the_step_after_the_last_position_is_misuse),
        ENGINE_TEST(names_of_every_length_are_recorded_and_replayed),
        ENGINE_TEST(a_bad_name_stops_the_run_and_records_nothing),
        ENGINE_TEST(a_loop_on_a_stopped_run_is_told_once_and_asks_the_store_nothing),
        ENGINE_TEST(a_value_that_does_not_go_with_its_format_is_corrupt_and_named),
        ENGINE_TEST(an_object_of_another_machine_parks_the_run),
        ENGINE_TEST(a_run_that_this_library_cannot_go_on_with_is_not_claimed),
    };

    return cmocka_run_group_tests_name("engine.limits", tests, NULL, NULL);
}
