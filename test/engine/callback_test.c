/* test/engine: callbacks: one token, one answer, one wait. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

typedef struct approval {
    engine_world *world;
    int64_t timeout_ms, heartbeat_ms;
    bool catches;
    char token[DUR_TOKEN_SIZE];
    int begun, asked;
    int code, again_code; /* of two awaits */
    int64_t value, again_value;
    char caught[64];
} approval;

static int work(dur_run *run, void *context)
{
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    approval *user = context;
    dur_step *callback = NULL;
    dur_value value;
    const char *failure;

    options.timeout_ms = user->timeout_ms;
    options.heartbeat_ms = user->heartbeat_ms;
    options.file = NULL;
    user->code = dur_begin_callback(run, "approval", &options, &callback);
    if (user->code != DUR_OK) {
        assert_null(callback);
        return 0;
    }
    user->begun++;
    snprintf(user->token, sizeof user->token, "%s", dur_callback_token(callback));
    DUR_STEP(run, "ask") { user->asked++; }
    user->code = dur_await(callback, &value);
    user->value = value.as.integer;
    failure = user->catches ? dur_catch(run) : NULL;
    if (failure) snprintf(user->caught, sizeof user->caught, "%s", failure);
    if (user->code < 0 || user->code == DUR_SUSPENDED) return 0;
    user->again_code = dur_await(callback, &value);
    user->again_value = value.as.integer;
    if (user->catches) dur_catch(run);
    return 0;
}

static approval new_approval(engine_world *world, int64_t timeout_ms, int64_t heartbeat_ms)
{
    approval user;

    memset(&user, 0, sizeof user);
    user.world = world;
    user.timeout_ms = timeout_ms;
    user.heartbeat_ms = heartbeat_ms;
    return user;
}

static int answer_at(engine_world *world, int64_t now_ms, int64_t value)
{
    world->clock.now_ms = now_ms;
    return memory_store_answer(world->witness, "run-1", 1, dur_integer(value), now_ms);
}

/* ---- The narrative ---- */

/* The token's row is there before it is handed out; the answer's receipt is its outcome. */
static void a_callback_is_opened_awaited_and_answered(void **state)
{
    engine_world *world = *state;
    approval user = new_approval(world, 0, 0);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    waits_assert_says(world, "position 1: it waits for callback \"approval\"");
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "put run-1 #1 \"approval\" attempt 0 due never\n"
                        "append run-1 #2 \"ask\" result low 1: recorded\n"
                        "peek run-1 #1: none\n"
                        "suspend run-1 until never for #1\n");
    assert_int_equal(answer_at(world, 5000, 42), DUR_OK);
    assert_true(memory_store_due(world->witness, "run-1") == 5000);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_story(world, "somebody answers run-1 #1\n"
                        "find run-1: suspended epoch 1\n"
                        "claim run-1 after epoch 1 claims 1\n"
                        "load run-1 1..134217727: 1 rows\n"
                        "summarize run-1: last 2 epoch 1 low 1\n"
                        "pending run-1: 1 rows\n"
                        "peek run-1 #1: 1\n"
                        "append run-1 #1 \"approval\" result low 1 takes 1 clears: recorded\n"
                        "end run-1 completed\n");
    assert_int_equal(user.code, DUR_OK);
    assert_true(user.value == 42);
    assert_int_equal(user.asked, 1);
}

static void awaiting_twice_gives_the_same_and_costs_nothing(void **state)
{
    engine_world *world = *state;
    approval user = new_approval(world, 0, 0);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(answer_at(world, 1000, 42), DUR_OK);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_int_equal(user.again_code, DUR_OK);
    assert_true(user.again_value == 42);
    assert_int_equal(count_in_story(world, "takes 1"), 1);
}

static void the_token_is_the_same_for_every_owner(void **state)
{
    engine_world *world = *state;
    approval user = new_approval(world, 0, 0);
    char first[DUR_TOKEN_SIZE];

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    memcpy(first, user.token, sizeof first);
    assert_true(strlen(first) > 0 && strlen(first) < DUR_TOKEN_SIZE);
    assert_true(strspn(first, "0123456789abcdef.") == strlen(first));
    engine_world_succeed(world);
    assert_int_equal(answer_at(world, 1000, 42), DUR_OK);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_string_equal(user.token, first);
}

static void an_answer_through_the_token_completes_the_wait(void **state)
{
    engine_world *world = *state;
    approval user = new_approval(world, 0, 0);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(dur_complete_callback(world->log, user.token, dur_integer(7)), DUR_OK);
    assert_int_equal(dur_complete_callback(world->log, user.token, dur_integer(8)), DUR_ENDED);
    assert_int_equal(dur_fail_callback(world->log, user.token, "no"), DUR_ENDED);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_true(user.value == 7);
    assert_int_equal(dur_complete_callback(world->log, user.token, dur_integer(8)), DUR_ENDED);
}

/* ---- Failures ---- */

static int two_passes(dur_run *run, void *context)
{
    approval *user = context;
    int result = work(run, user);

    if (user->begun == 2) dur_stop(run, "once more");
    return result;
}

static void a_rejected_callback_can_be_caught_live_and_replayed(void **state)
{
    engine_world *world = *state;
    approval user = new_approval(world, 0, 0);

    user.catches = true;
    assert_int_equal(waits_execute(world, two_passes, &user), DUR_SUSPENDED);
    assert_int_equal(dur_fail_callback(world->log, user.token, "too dear"), DUR_OK);
    for (int pass = 0; pass < 2; pass++) {
        user.caught[0] = '\0';
        assert_int_equal(waits_execute(world, two_passes, &user), pass ? DUR_OK : DUR_STOPPED);
        assert_int_equal(user.code, DUR_FAILED);
        assert_int_equal(user.again_code, DUR_FAILED);
        assert_true(user.value == 0);
        assert_string_equal(user.caught, "too dear");
    }
    assert_true(waits_rows_written(world, "append run-1 #1 \"approval\" failure") == 1);
}

static void a_rejected_callback_that_nobody_catches_fails_the_run(void **state)
{
    engine_world *world = *state;
    approval user = new_approval(world, 0, 0);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(dur_fail_callback(world->log, user.token, NULL), DUR_OK);
    assert_int_equal(waits_execute(world, work, &user), DUR_FAILED);
    assert_string_equal(dur_errmsg(world->log), "rejected");
}

/* ---- Timeouts and heartbeats ---- */

/* The time runs from the opening, not from the awaiting. */
static void its_time_is_fixed_when_it_is_opened(void **state)
{
    engine_world *world = *state;
    approval user = new_approval(world, 5000, 0);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(count_in_story(world, "put run-1 #1 \"approval\" attempt 0 due 6000"), 1);
    for (int64_t now = -1000000; now < 6000; now += 7001)
        assert_int_equal(waits_execute_at(world, now, work, &user), DUR_SUSPENDED);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_OK);
    assert_int_equal(user.code, DUR_TIMED_OUT);
    assert_int_equal(user.again_code, DUR_TIMED_OUT);
    assert_int_equal(count_in_story(world, "append run-1 #1 \"approval\" timed out low 1 clears"),
                     1);
    assert_int_equal(answer_at(world, 6000, 1), DUR_ENDED);
}

/* Whoever answers is told whether it counts, though nobody has looked at the time yet. */
static void an_answer_in_time_counts_however_late_the_run_wakes(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        engine_world world;
        approval user;

        engine_world_open(&world);
        world.clock.now_ms = WAITS_START_MS;
        user = new_approval(&world, 5000, 0);
        assert_int_equal(waits_execute(&world, work, &user), DUR_SUSPENDED);
        assert_int_equal(answer_at(&world, 6000 + late, 42), late ? DUR_ENDED : DUR_OK);
        assert_int_equal(waits_execute_at(&world, 10000, work, &user), DUR_OK);
        assert_int_equal(user.code, late ? DUR_TIMED_OUT : DUR_OK);
        assert_true(user.value == (late ? 0 : 42));
        engine_world_close(&world);
    }
}

static void heartbeats_put_the_timeout_off(void **state)
{
    engine_world *world = *state;
    approval user = new_approval(world, 0, 2000);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(count_in_story(world, "suspend run-1 until 3000 for #1\n"), 1);
    for (int64_t now = 2500; now < 20000; now += 1500) {
        world->clock.now_ms = now;
        assert_int_equal(dur_heartbeat_callback(world->log, user.token), DUR_OK);
        /* Woken when it was due by the beat before, it finds the newer one. */
        if (memory_store_due(world->witness, "run-1") <= now)
            assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
        assert_int_equal(user.code, DUR_SUSPENDED);
    }
    assert_int_equal(waits_execute_at(world, 90000, work, &user), DUR_OK);
    assert_int_equal(user.code, DUR_TIMED_OUT);
    assert_int_equal(dur_heartbeat_callback(world->log, user.token), DUR_ENDED);
}

static void heartbeats_reach_no_further_than_the_deadline(void **state)
{
    engine_world *world = *state;
    approval user = new_approval(world, 5000, 2000);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    world->clock.now_ms = 2900;
    assert_int_equal(dur_heartbeat_callback(world->log, user.token), DUR_OK);
    world->clock.now_ms = 4800;
    assert_int_equal(dur_heartbeat_callback(world->log, user.token), DUR_OK);
    assert_int_equal(waits_execute_at(world, 5900, work, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_OK);
    assert_int_equal(user.code, DUR_TIMED_OUT);
}

/* A beat between the look and the record: what was read at the pass's beginning is read anew. */
static int beat_then_await(dur_run *run, void *context)
{
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    approval *user = context;
    dur_step *callback = NULL;

    options.heartbeat_ms = user->heartbeat_ms;
    if (dur_begin_callback(run, "approval", &options, &callback) != DUR_OK) return 0;
    if (user->begun++)
        assert_int_equal(dur_heartbeat_callback(user->world->log, dur_callback_token(callback)),
                         DUR_OK);
    user->code = dur_await(callback, NULL);
    return 0;
}

static void a_heartbeat_during_the_pass_counts(void **state)
{
    engine_world *world = *state;
    approval user = new_approval(world, 0, 2000);

    assert_int_equal(waits_execute(world, beat_then_await, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 3000, beat_then_await, &user), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 5000);
}

/* ---- Nobody awaits it ---- */

static int open_only(dur_run *run, void *context)
{
    dur_step *callback = NULL;

    if (dur_begin_callback(run, "approval", NULL, &callback) != DUR_OK) return 0;
    snprintf(((approval *)context)->token, DUR_TOKEN_SIZE, "%s", dur_callback_token(callback));
    return 0;
}

static void a_callback_that_nobody_awaits_goes_with_the_run(void **state)
{
    engine_world *world = *state;
    approval user = new_approval(world, 0, 0);

    assert_int_equal(waits_execute(world, open_only, &user), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "put run-1 #1 \"approval\" attempt 0 due never\n"
                        "end run-1 completed\n");
    assert_true(memory_store_pending(world->witness, "run-1") == 0);
    assert_int_equal(dur_complete_callback(world->log, user.token, dur_null()), DUR_ENDED);
    assert_int_equal(waits_execute(world, open_only, &user), DUR_OK);
}

/* ---- The moments between ---- */

/* Somebody answers at the nth look at the clock. */
static int race_in, race_code;

static int64_t racing_now(void *context)
{
    engine_world *world = context;

    if (race_in > 0 && --race_in == 0)
        race_code = memory_store_answer(world->witness, "run-1", 1, dur_integer(42),
                                        world->clock.now_ms);
    return world->clock.now_ms;
}

/* At whatever moment of the pass that is to time out: whoever is told that his answer counts is
 * heard, and the timeout is recorded only where he is not. */
static void an_answer_at_any_moment_wins_or_is_told_that_it_lost(void **state)
{
    int won = 0, lost = 0;

    (void)state;
    for (int nth = 1; !lost; nth++) {
        engine_world world;
        approval user;

        engine_world_open(&world);
        world.clock.now_ms = WAITS_START_MS;
        world.options.now_ms = racing_now;
        engine_world_succeed(&world);
        user = new_approval(&world, 5000, nth % 2 ? 0 : 5000);
        assert_int_equal(waits_execute(&world, work, &user), DUR_SUSPENDED);
        memory_store_forget(world.witness);
        race_in = nth;
        assert_int_equal(waits_execute_at(&world, 6000, work, &user), DUR_OK);
        assert_int_equal(race_in, 0); /* it happened within the pass */
        if (race_code == DUR_OK) {
            won++;
            assert_int_equal(user.code, DUR_OK);
            assert_true(user.value == 42);
            assert_int_equal(count_in_story(&world, "timed out low 1 clears: recorded"), 0);
        } else {
            lost++;
            assert_int_equal(race_code, DUR_ENDED);
            assert_int_equal(user.code, DUR_TIMED_OUT);
        }
        engine_world_close(&world);
    }
    assert_true(won >= 4);
}

/* The narrative of the closest one: between the last look and the record. */
static void an_answer_between_look_and_timeout_wins(void **state)
{
    bool met = false;

    (void)state;
    for (int nth = 1; !met; nth++) {
        engine_world other;
        approval user;

        engine_world_open(&other);
        other.clock.now_ms = WAITS_START_MS;
        other.options.now_ms = racing_now;
        engine_world_succeed(&other);
        user = new_approval(&other, 5000, 0);
        assert_int_equal(waits_execute(&other, work, &user), DUR_SUSPENDED);
        memory_store_forget(other.witness);
        race_in = nth;
        assert_int_equal(waits_execute_at(&other, 6000, work, &user), DUR_OK);
        assert_int_equal(race_code, DUR_OK);
        met = count_in_story(&other, "timed out") > 0;
        if (met)
            assert_story(&other, "find run-1: suspended epoch 1\n"
                                 "claim run-1 after epoch 1 claims 1\n"
                                 "load run-1 1..134217727: 1 rows\n"
                                 "summarize run-1: last 2 epoch 1 low 1\n"
                                 "pending run-1: 1 rows\n"
                                 "peek run-1 #1: none\n"
                                 "somebody answers run-1 #1\n"
                                 "append run-1 #1 \"approval\" timed out low 1 clears:"
                                 " DUR_CONFLICT\n"
                                 "peek run-1 #1: 1\n"
                                 "append run-1 #1 \"approval\" result low 1 takes 1 clears:"
                                 " recorded\n"
                                 "end run-1 completed\n");
        engine_world_close(&other);
    }
}

/* ---- Deaths and faults ---- */

static void reset_approval(engine_world *world, void *context)
{
    *(approval *)context = new_approval(world, 0, 0);
}

static void answer_once(engine_world *world, void *context)
{
    (void)context;
    if (memory_store_signals(world->witness, "run-1") == 0)
        assert_int_equal(answer_at(world, world->clock.now_ms + 10, 42), DUR_OK);
}

static void check_approval(engine_world *world, void *context, int code)
{
    const approval *user = context;

    assert_int_equal(code, DUR_OK);
    assert_int_equal(user->code, DUR_OK);
    assert_true(user->value == 42 && user->again_value == 42);
    assert_true(user->asked <= 2);
    assert_true(waits_rows_written(world, "append run-1 #1 \"approval\" result") == 1);
    assert_int_equal(memory_store_answer(world->witness, "run-1", 1, dur_null(), 1), DUR_ENDED);
}

static void a_death_or_a_fault_loses_no_answer(void **state)
{
    approval user;
    const waits_sweep sweep = {{work, &user, answer_once, NULL, 30}, reset_approval,
                               check_approval};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) >= 12);
    assert_true(waits_sweep_faults(&sweep) >= 48);
}

/* Opened again after a death, it has the time that it had. */
static void set_clock_on(engine_world *world, void *context)
{
    (void)context;
    world->clock.now_ms += 700;
}

static void reset_timed(engine_world *world, void *context)
{
    *(approval *)context = new_approval(world, 5000, 0);
}

static void check_timed(engine_world *world, void *context, int code)
{
    const approval *user = context;

    assert_int_equal(code, DUR_OK);
    assert_int_equal(user->code, DUR_TIMED_OUT);
    assert_true(world->clock.now_ms <= 6000 + 700);
    assert_true(waits_rows_written(world, "append run-1 #1 \"approval\" timed out") == 1);
}

static void a_death_moves_no_timeout_of_an_open_callback(void **state)
{
    approval user;
    const waits_sweep sweep = {{work, &user, NULL, set_clock_on, 30}, reset_timed, check_timed};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) >= 12);
}

/* ---- Misuse ---- */

static void assert_begin_is_refused(const dur_callback_options *options, bool with_place)
{
    engine_world world;
    dur_run *run = NULL;
    dur_step *callback = NULL;

    engine_world_open(&world);
    assert_int_equal(dur_begin_run(world.log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(
        dur_begin_callback(run, "approval", options, with_place ? &callback : NULL), DUR_MISUSE);
    assert_null(callback);
    assert_int_equal(dur_run_code(run), DUR_MISUSE);
    assert_non_null(strstr(dur_run_errmsg(run), "DUR_CALLBACK_OPTIONS_INIT"));
    dur_close_run(run);
    assert_int_equal(count_in_story(&world, "put"), 0);
    engine_world_close(&world);
}

static void wrong_options_are_refused(void **state)
{
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;

    (void)state;
    assert_begin_is_refused(&options, false);
    options.timeout_ms = -1;
    assert_begin_is_refused(&options, true);
    options.timeout_ms = 0;
    options.heartbeat_ms = -1;
    assert_begin_is_refused(&options, true);
    options.heartbeat_ms = 0;
    options.size = 0;
    assert_begin_is_refused(&options, true);
}

static void what_is_no_callback_cannot_be_awaited(void **state)
{
    engine_world *world = *state;
    dur_step *step = NULL;
    dur_run *run = NULL;

    assert_int_equal(dur_await(NULL, NULL), DUR_MISUSE);
    assert_null(dur_callback_token(NULL));
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "step", NULL, &step), DUR_EXECUTE);
    assert_int_equal(dur_await(step, NULL), DUR_MISUSE);
    assert_null(dur_callback_token(step));
    dur_close_run(run);
}

/* Its outcome comes from outside: the verbs of steps are not for it. */
static void a_callback_is_no_step_to_be_recorded(void **state)
{
    engine_world *world = *state;
    dur_step *callback = NULL;
    dur_run *run = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_callback(run, "approval", NULL, &callback), DUR_OK);
    memory_store_forget(world->witness);
    assert_int_equal(dur_record_result(callback, dur_null()), DUR_MISUSE);
    assert_int_equal(dur_record_failure(callback, "no"), DUR_MISUSE);
    assert_int_equal(dur_not_yet(callback, dur_null()), DUR_MISUSE);
    assert_int_equal(dur_heartbeat(callback, dur_null()), DUR_MISUSE);
    assert_int_equal(dur_retry_after(callback, 5), DUR_MISUSE);
    assert_story(world, "");
    assert_true(dur_ok(run));
    dur_close_run(run);
}

/* On replay the body would not run, and the answer not be asked for. */
static void nothing_is_awaited_in_a_body(void **state)
{
    engine_world *world = *state;
    dur_step *callback = NULL;
    dur_run *run = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_callback(run, "approval", NULL, &callback), DUR_OK);
    DUR_STEP(run, "body") { assert_int_equal(dur_await(callback, NULL), DUR_MISUSE); }
    assert_int_equal(dur_run_code(run), DUR_MISUSE);
    assert_non_null(strstr(dur_run_errmsg(run), "callback \"approval\" is awaited in the body of"
                                                " step \"body\""));
    dur_close_run(run);
    assert_int_equal(count_in_story(world, "append"), 0);
}

static void after_the_end_nothing_is_awaited(void **state)
{
    engine_world *world = *state;
    dur_step *callback = NULL;
    dur_run *run = NULL;

    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_callback(run, "approval", NULL, &callback), DUR_OK);
    assert_int_equal(dur_complete_run(run, dur_null()), DUR_OK);
    assert_int_equal(dur_await(callback, NULL), DUR_MISUSE);
    assert_non_null(strstr(dur_run_errmsg(run), "the run has ended: it waits for nothing more"));
    dur_close_run(run);
}

/* Law 6: what it remembers was settled by another owner while it slept. */
static void an_owner_that_lost_its_callback_is_told_so(void **state)
{
    engine_world *world = *state;
    approval user = new_approval(world, 0, 1000);
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    dur_step *callback;
    dur_log *first;
    dur_run *run;

    options.heartbeat_ms = 1000;
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_callback(run, "approval", &options, &callback), DUR_OK);
    first = engine_world_join(world);
    world->clock.now_ms += 700000; /* behind the lease, and the heartbeat */
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_int_equal(user.code, DUR_TIMED_OUT);
    assert_int_equal(dur_await(callback, NULL), DUR_LOST);
    assert_int_equal(dur_run_code(run), DUR_LOST);
    assert_ptr_not_equal(first, world->log);
    dur_close_run(run);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(an_owner_that_lost_its_callback_is_told_so),
        WAITS_TEST(a_callback_is_opened_awaited_and_answered),
        WAITS_TEST(awaiting_twice_gives_the_same_and_costs_nothing),
        WAITS_TEST(the_token_is_the_same_for_every_owner),
        WAITS_TEST(an_answer_through_the_token_completes_the_wait),
        WAITS_TEST(a_rejected_callback_can_be_caught_live_and_replayed),
        WAITS_TEST(a_rejected_callback_that_nobody_catches_fails_the_run),
        WAITS_TEST(its_time_is_fixed_when_it_is_opened),
        WAITS_TEST(an_answer_in_time_counts_however_late_the_run_wakes),
        WAITS_TEST(heartbeats_put_the_timeout_off),
        WAITS_TEST(heartbeats_reach_no_further_than_the_deadline),
        WAITS_TEST(a_heartbeat_during_the_pass_counts),
        WAITS_TEST(a_callback_that_nobody_awaits_goes_with_the_run),
        WAITS_TEST(an_answer_at_any_moment_wins_or_is_told_that_it_lost),
        WAITS_TEST(an_answer_between_look_and_timeout_wins),
        WAITS_TEST(a_death_or_a_fault_loses_no_answer),
        WAITS_TEST(a_death_moves_no_timeout_of_an_open_callback),
        WAITS_TEST(wrong_options_are_refused),
        WAITS_TEST(what_is_no_callback_cannot_be_awaited),
        WAITS_TEST(a_callback_is_no_step_to_be_recorded),
        WAITS_TEST(nothing_is_awaited_in_a_body),
        WAITS_TEST(after_the_end_nothing_is_awaited),
    };

    return cmocka_run_group_tests_name("engine.callback", tests, NULL, NULL);
}
