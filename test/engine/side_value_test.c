/* test/engine: side values: recorded once, replayed alike, whatever clock and chance say later. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct seen {
    int64_t now;
    uint64_t number;
    char uuid[DUR_UUID_SIZE];
    int codes[3];
} seen;

static int look(dur_run *run, void *user)
{
    seen *it = user;

    it->codes[0] = dur_now(run, "when", &it->now);
    it->codes[1] = dur_random(run, "dice", &it->number);
    it->codes[2] = dur_uuid(run, "id", it->uuid);
    if (dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    return 0;
}

static seen dirty(void)
{
    seen it;

    memset(&it, 0x5a, sizeof it);
    return it;
}

static void each_is_one_row_and_replayed_alike(void **state)
{
    engine_world *world = *state;
    seen first = dirty(), second = dirty();

    assert_int_equal(waits_execute(world, look, &first), DUR_SUSPENDED);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "append run-1 #1 \"when\" result low 1: recorded\n"
                        "append run-1 #2 \"dice\" result low 2: recorded\n"
                        "append run-1 #3 \"id\" result low 3: recorded\n"
                        "peek run-1 \"go\": none\n"
                        "suspend run-1 until never for \"go\" put #4 \"go\" attempt 0 due never\n");
    assert_true(first.now == WAITS_START_MS);
    memory_store_signal(world->witness, "run-1", "go", dur_null(), 5000);
    world->clock.now_ms = 5000;
    assert_int_equal(waits_execute(world, look, &second), DUR_OK);
    assert_int_equal(second.codes[0] | second.codes[1] | second.codes[2], DUR_OK);
    assert_true(second.now == first.now && second.number == first.number);
    assert_string_equal(second.uuid, first.uuid);
}

/* RFC 9562: version 4, variant 10, lower-case digits in five groups. */
static void a_uuid_has_the_form_that_it_must_have(void **state)
{
    engine_world *world = *state;
    seen it = dirty();

    waits_execute(world, look, &it);
    assert_int_equal(strlen(it.uuid), 36);
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        assert_non_null(strchr(dash ? "-" : "0123456789abcdef", it.uuid[i]));
    }
    assert_int_equal(it.uuid[14], '4');
    assert_non_null(strchr("89ab", it.uuid[19]));
}

static void a_store_that_fails_gives_nothing(void **state)
{
    engine_world *world = *state;
    seen it = dirty();

    memory_store_fail(world->store, "append", 1, DUR_BUSY, MEMORY_BEFORE);
    assert_int_equal(waits_execute(world, look, &it), DUR_BUSY);
    for (int i = 0; i < 3; i++) assert_int_equal(it.codes[i], DUR_BUSY);
    assert_true(it.now == 0 && it.number == 0);
    assert_string_equal(it.uuid, "");
}

/* ---- Values of other types ---- */

typedef struct unfit {
    int kind;         /* which side value replays what a step has recorded */
    bool fails;       /* a failure, not … */
    const char *text; /* NULL: the integer */
    int64_t integer;
    const char *says;
} unfit;

static int ask_for(dur_run *run, void *user)
{
    const unfit *one = user;
    seen it = dirty();
    int code = one->kind == 0   ? dur_now(run, "side", &it.now)
               : one->kind == 1 ? dur_random(run, "side", &it.number)
                                : dur_uuid(run, "side", it.uuid);

    assert_int_equal(code, DUR_MISMATCH);
    assert_false(dur_ok(run));
    assert_true(one->kind == 0   ? it.now == 0
                : one->kind == 1 ? it.number == 0
                                 : it.uuid[0] == '\0');
    return 0;
}

static void record_other(engine_world *world, const unfit *one)
{
    dur_value value = one->text ? dur_text(one->text) : dur_integer(one->integer);
    dur_run *run;
    dur_step *step;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "side", NULL, &step), DUR_EXECUTE);
    assert_int_equal(one->fails ? dur_record_failure(step, "no") : dur_record_result(step, value),
                     DUR_OK);
    dur_close_run(run);
}

/* Law 5. */
static void what_is_recorded_must_be_of_its_type(void **state)
{
    static const unfit cases[] = {
        {0, false, "soon", 0, "text, which is no time for dur_now()"},
        {0, true, NULL, 0, "a failure, which is no time for dur_now()"},
        {1, false, NULL, -1, "integer, which is no random number for dur_random()"},
        {1, false, "six", 0, "text, which is no random number for dur_random()"},
        {2, false, NULL, 7, "integer, which is no UUID for dur_uuid()"},
        {2, false, "short", 0, "text, which is no UUID for dur_uuid()"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unfit one = cases[i];
        engine_world world;

        engine_world_open(&world);
        record_other(&world, &one);
        assert_int_equal(waits_execute(&world, ask_for, &one), DUR_MISMATCH);
        waits_assert_says(&world, one.says);
        assert_non_null(dur_get_divergence(world.log));
        engine_world_close(&world);
    }
}

/* ---- Misuse ---- */

static int ask_nowhere(dur_run *run, void *user)
{
    const int *kind = user;
    int code = *kind == 0   ? dur_now(run, "side", NULL)
               : *kind == 1 ? dur_random(run, "side", NULL)
                            : dur_uuid(run, "side", NULL);

    assert_int_equal(code, DUR_MISUSE);
    return 0;
}

/* Law 9. */
static void a_place_that_is_missing_is_misuse(void **state)
{
    static const char *const says[] = {"dur_now() needs a place", "dur_random() needs a place",
                                       "dur_uuid() needs a place"};
    engine_world *world = *state;
    seen it = dirty();

    for (int kind = 0; kind < 3; kind++) {
        assert_int_equal(waits_execute(world, ask_nowhere, &kind), DUR_MISUSE);
        waits_assert_says(world, says[kind]);
    }
    assert_int_equal(dur_now(NULL, "side", &it.now), DUR_MISUSE);
    assert_int_equal(dur_random(NULL, "side", &it.number), DUR_MISUSE);
    assert_int_equal(dur_uuid(NULL, "side", it.uuid), DUR_MISUSE);
    assert_true(it.now == 0 && it.number == 0 && it.uuid[0] == '\0');
    assert_int_equal(count_in_story(world, "append"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAITS_TEST(each_is_one_row_and_replayed_alike),
        WAITS_TEST(a_uuid_has_the_form_that_it_must_have),
        WAITS_TEST(a_store_that_fails_gives_nothing),
        WAITS_TEST(what_is_recorded_must_be_of_its_type),
        WAITS_TEST(a_place_that_is_missing_is_misuse),
    };
    return cmocka_run_group_tests_name("side values", tests, NULL, NULL);
}
