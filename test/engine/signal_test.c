/* test/engine: receiving signals: buffered, in order, each once; timeouts, and what comes too
 * late. */
#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#define RECEIVES_MAX 16

/* Receives so many signals "mail", and then one "bell" if it is to. */
typedef struct inbox {
    engine_world *world;
    int receives;
    int64_t timeout_ms;
    bool catches;
    int codes[RECEIVES_MAX];
    int64_t values[RECEIVES_MAX];
    char caught[64];
    void (*between)(struct inbox *user); /* called behind each receive */
    int64_t set_clock_to;                /* at the beginning of the pass; 0: leave it */
} inbox;

static int work(dur_run *run, void *context)
{
    inbox *user = context;

    if (user->set_clock_to) user->world->clock.now_ms = user->set_clock_to;
    for (int i = 0; i < user->receives; i++) {
        dur_value value = dur_integer(99);
        const char *failure;

        user->codes[i] = dur_receive(run, "mail", user->timeout_ms, &value);
        if (user->codes[i] != DUR_OK) assert_int_equal(value.type, DUR_NULL);
        user->values[i] = value.as.integer;
        failure = user->catches ? dur_catch(run) : NULL;
        if (failure) snprintf(user->caught, sizeof user->caught, "%s", failure);
        if (user->codes[i] < 0 || user->codes[i] == DUR_SUSPENDED) return 0;
        if (user->between) user->between(user);
    }
    return 0;
}

static inbox new_inbox(engine_world *world, int receives, int64_t timeout_ms)
{
    inbox user;

    memset(&user, 0, sizeof user);
    user.world = world;
    user.receives = receives;
    user.timeout_ms = timeout_ms;
    return user;
}

static void send(engine_world *world, int64_t value)
{
    assert_int_equal(memory_store_signal(world->witness, "run-1", "mail", dur_integer(value),
                                         world->clock.now_ms),
                     DUR_OK);
}

static void reject(engine_world *world, const char *message)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;

    options.failure = message;
    assert_int_equal(dur_signal(world->log, "run-1", "mail", dur_null(), &options), DUR_OK);
}

/* ---- The narrative ---- */

static void a_run_waits_for_a_signal_and_is_woken_by_it(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 1, DUR_FOREVER);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    waits_assert_says(world, "position 1: it waits for signal \"mail\"");
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "peek run-1 \"mail\": none\n"
                        "suspend run-1 until never for \"mail\" put #1 \"mail\" attempt 0 due"
                        " never\n");
    assert_int_equal(waits_execute_at(world, INT64_C(1) << 60, work, &user), DUR_SUSPENDED);
    assert_story(world, "find run-1: suspended epoch 1\n");
    world->clock.now_ms = 7000;
    send(world, 42);
    assert_true(memory_store_due(world->witness, "run-1") == 7000);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_story(world, "somebody signals run-1 \"mail\"\n"
                        "find run-1: suspended epoch 1\n"
                        "claim run-1 after epoch 1 claims 1\n"
                        "load run-1 1..134217727: 0 rows\n"
                        "pending run-1: 1 rows\n"
                        "peek run-1 \"mail\": 1\n"
                        "append run-1 #1 \"mail\" result low 1 takes 1 clears: recorded\n"
                        "end run-1 completed\n");
    assert_true(user.values[0] == 42);
    assert_true(memory_store_signals(world->witness, "run-1") == 0);
}

/* Sent before the receiver is there, and all before it asks a second time. */
static void signals_are_buffered_and_received_in_order(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 4, DUR_FOREVER);

    assert_int_equal(dur_start(world->log, "work", "run-1", NULL), DUR_OK);
    for (int64_t i = 1; i <= 3; i++) send(world, i);
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    for (int i = 0; i < 3; i++) assert_true(user.values[i] == i + 1);
    send(world, 4);
    send(world, 5);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    for (int i = 0; i < 4; i++) assert_true(user.values[i] == i + 1);
    assert_true(memory_store_signals(world->witness, "run-1") == 1); /* it stays with the run */
}

/* Law 2: a receipt that is there at once is one row and one commit; replayed it costs nothing. */
static void a_signal_that_is_there_costs_no_suspension(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 2, DUR_FOREVER);

    assert_int_equal(dur_start(world->log, "work", "run-1", NULL), DUR_OK);
    send(world, 1);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_story(world, "find run-1: running epoch 0\n"
                        "claim run-1 after epoch 0 claims 1\n"
                        "peek run-1 \"mail\": 1\n"
                        "append run-1 #1 \"mail\" result low 1 takes 1: recorded\n"
                        "peek run-1 \"mail\": none\n"
                        "suspend run-1 until never for \"mail\" put #2 \"mail\" attempt 0 due"
                        " never\n");
    send(world, 2);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_int_equal(count_in_story(world, "peek"), 1);
    assert_true(user.values[0] == 1 && user.values[1] == 2);
}

/* Another name's signals are not looked at, and not woken by. */
static void other_names_are_other_signals(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 1, DUR_FOREVER);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(memory_store_signal(world->witness, "run-1", "Mail", dur_null(), 1000),
                     DUR_OK);
    assert_true(memory_store_due(world->witness, "run-1") == DURABLE_NEVER);
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    send(world, 1);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_true(memory_store_signals(world->witness, "run-1") == 1);
}

/* ---- Timeouts ---- */

static void nothing_in_time_is_an_outcome(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 1, 5000);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    waits_assert_says(world, "it waits for signal \"mail\" until 1970-01-01 00:00:06 UTC");
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute_at(world, 5999, work, &user), DUR_SUSPENDED);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_OK);
    assert_int_equal(user.codes[0], DUR_TIMED_OUT);
    assert_story(world, "find run-1: suspended epoch 1\n"
                        "claim run-1 after epoch 1 claims 1\n"
                        "load run-1 1..134217727: 0 rows\n"
                        "pending run-1: 1 rows\n"
                        "peek run-1 \"mail\": none\n"
                        "append run-1 #1 \"mail\" timed out low 1 clears: recorded\n"
                        "end run-1 completed\n");
}

static void stop_once(inbox *user)
{
    user->between = NULL;
    memory_store_die(user->world->store, 0);
}

/* The outcome stays, whatever was sent since. */
static void a_timeout_is_replayed_as_one(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 2, 5000);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    user.between = stop_once;
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_IOERR);
    send(world, 8);
    engine_world_succeed(world);
    assert_int_equal(waits_execute_at(world, 0, work, &user), DUR_OK);
    assert_int_equal(user.codes[0], DUR_TIMED_OUT);
    assert_int_equal(user.codes[1], DUR_OK);
    assert_true(user.values[1] == 8);
}

/* Sent behind the deadline, and there when the run wakes late: it is the next one's. */
static void a_late_signal_is_not_eaten_by_the_waiter_that_gave_up(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 2, 5000);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    world->clock.now_ms = 6001;
    send(world, 8);
    assert_int_equal(waits_execute_at(world, 9000, work, &user), DUR_OK);
    assert_int_equal(user.codes[0], DUR_TIMED_OUT);
    assert_int_equal(user.codes[1], DUR_OK);
    assert_true(user.values[1] == 8);
}

static void a_signal_in_time_counts_however_late_the_run_wakes(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 2, 5000);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    world->clock.now_ms = 6000;
    send(world, 8);
    world->clock.now_ms = 6001;
    send(world, 9);
    assert_int_equal(waits_execute_at(world, 900000, work, &user), DUR_OK);
    assert_true(user.values[0] == 8 && user.values[1] == 9);
}

static void zero_takes_what_is_there_and_waits_for_nothing(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 3, 0);

    assert_int_equal(dur_start(world->log, "work", "run-1", NULL), DUR_OK);
    send(world, 1);
    send(world, 2);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    assert_story(world, "find run-1: running epoch 0\n"
                        "claim run-1 after epoch 0 claims 1\n"
                        "peek run-1 \"mail\": 1\n"
                        "append run-1 #1 \"mail\" result low 1 takes 1: recorded\n"
                        "peek run-1 \"mail\": 2\n"
                        "append run-1 #2 \"mail\" result low 2 takes 2: recorded\n"
                        "peek run-1 \"mail\": none\n"
                        "append run-1 #3 \"mail\" timed out low 3: recorded\n"
                        "end run-1 completed\n");
    assert_true(user.values[0] == 1 && user.values[1] == 2);
    assert_int_equal(user.codes[2], DUR_TIMED_OUT);
}

/* A signal whose sender's clock goes ahead of ours is there, whatever it says; without a deadline,
 * and before one. */
static void a_senders_clock_that_goes_ahead_delays_no_receipt(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 2, 5000);

    assert_int_equal(dur_start(world->log, "work", "run-1", NULL), DUR_OK);
    world->clock.now_ms = 3600000;
    send(world, 1);
    send(world, 2);
    assert_int_equal(waits_execute_at(world, 1000, work, &user), DUR_OK);
    assert_true(user.values[0] == 1 && user.values[1] == 2);
}

static void a_timeout_beyond_all_times_is_for_ever(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 1, INT64_MAX);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    assert_int_equal(count_in_story(world, "suspend run-1 until never for \"mail\""), 1);
}

/* ---- Clocks that jump ---- */

static void a_clock_that_jumps_moves_no_deadline(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 1, 5000);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    for (int64_t now = -1000000; now < 6000; now += 7001)
        assert_int_equal(waits_execute_at(world, now, work, &user), DUR_SUSPENDED);
    user.set_clock_to = 1;
    assert_int_equal(waits_execute_at(world, 6000, work, &user), DUR_SUSPENDED);
    assert_true(memory_store_due(world->witness, "run-1") == 6000);
    user.set_clock_to = 0;
    assert_int_equal(waits_execute_at(world, INT64_MAX, work, &user), DUR_OK);
    assert_int_equal(user.codes[0], DUR_TIMED_OUT);
}

/* ---- Rejections ---- */

static void a_rejection_is_a_failure_that_can_be_caught(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 2, DUR_FOREVER);

    user.catches = true;
    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    reject(world, "not today");
    send(world, 5);
    memory_store_forget(world->witness);
    user.between = stop_once;
    assert_int_equal(waits_execute(world, work, &user), DUR_IOERR);
    assert_int_equal(count_in_story(world, "append run-1 #1 \"mail\" failure low 1 takes 1 clears:"
                                           " recorded"),
                     1);
    for (int pass = 0; pass < 2; pass++) { /* live and replayed */
        assert_int_equal(user.codes[0], DUR_FAILED);
        assert_string_equal(user.caught, "not today");
        user.caught[0] = '\0';
        user.codes[0] = 0;
        engine_world_succeed(world);
        if (!pass) assert_int_equal(waits_execute(world, work, &user), DUR_OK);
    }
    assert_true(user.values[1] == 5);
}

static void a_rejection_that_nobody_catches_fails_the_run(void **state)
{
    engine_world *world = *state;
    inbox user = new_inbox(world, 2, DUR_FOREVER);

    assert_int_equal(waits_execute(world, work, &user), DUR_SUSPENDED);
    reject(world, "not today");
    assert_int_equal(waits_execute(world, work, &user), DUR_FAILED);
    assert_string_equal(dur_errmsg(world->log), "not today");
    assert_int_equal(user.codes[1], DUR_FAILED); /* it asked for one more */
    assert_int_equal(dur_signal(world->log, "run-1", "mail", dur_null(), NULL), DUR_ENDED);
}

/* ---- Races ---- */

/* Regression: a signal lost between check and wait. It comes between the look and the suspension,
 * which sees it: the run is due at once. */
static void a_signal_between_look_and_suspension_is_not_lost(void **state)
{
    engine_world *world = *state;
    dur_run *run = NULL;
    dur_step *step = NULL;

    /* An open step puts time between the look and the suspension. */
    assert_int_equal(dur_begin_run(world->log, "work", "run-1", NULL, &run), DUR_OK);
    assert_int_equal(dur_begin_step(run, "beside", NULL, &step), DUR_EXECUTE);
    assert_int_equal(dur_receive(run, "mail", DUR_FOREVER, NULL), DUR_SUSPENDED);
    send(world, 3);
    assert_int_equal(dur_record_result(step, dur_null()), DUR_OK);
    world->clock.now_ms = 1500;
    dur_close_run(run);
    assert_int_equal(count_in_story(world, "suspend run-1 until never for \"mail\": due now\n"), 1);
    assert_true(memory_store_due(world->witness, "run-1") == 1500);
}

/* Somebody signals at the nth look at the clock. */
static int race_in;

static int64_t racing_now(void *context)
{
    engine_world *world = context;

    if (race_in > 0 && --race_in == 0) send(world, 8);
    return world->clock.now_ms;
}

static void open_racing(engine_world *world)
{
    engine_world_open(world);
    world->clock.now_ms = WAITS_START_MS;
    world->options.now_ms = racing_now;
    engine_world_succeed(world);
}

/* At whatever moment of the pass that begins to wait: it is received, or the run is due at once. */
static void a_signal_at_any_moment_of_the_first_pass_wakes_the_run(void **state)
{
    int moments = 0;

    (void)state;
    for (int nth = 2; race_in == 0; nth++) { /* at the first one there is no run yet */
        engine_world world;
        inbox user;
        int code;

        open_racing(&world);
        user = new_inbox(&world, 1, DUR_FOREVER);
        race_in = nth;
        code = waits_execute(&world, work, &user);
        if (race_in == 0) {
            moments++;
            if (code == DUR_SUSPENDED) code = waits_execute(&world, work, &user);
            assert_int_equal(code, DUR_OK);
            assert_true(user.values[0] == 8);
        }
        engine_world_close(&world);
    }
    race_in = 0;
    assert_true(moments >= 1);
}

/* At whatever moment of the pass that times out: it is received, or stays for the next one. */
static void a_signal_at_any_moment_of_the_last_pass_is_not_lost(void **state)
{
    int received = 0, kept = 0;

    (void)state;
    for (int nth = 1; race_in == 0; nth++) {
        engine_world world;
        inbox user;

        open_racing(&world);
        user = new_inbox(&world, 1, 5000);
        assert_int_equal(waits_execute(&world, work, &user), DUR_SUSPENDED);
        race_in = nth;
        assert_int_equal(waits_execute_at(&world, 6000, work, &user), DUR_OK);
        if (race_in == 0) {
            bool is_received = user.codes[0] == DUR_OK;

            received += is_received;
            kept += !is_received;
            if (!is_received) assert_int_equal(user.codes[0], DUR_TIMED_OUT);
            assert_true(memory_store_signals(world.witness, "run-1") == (is_received ? 0 : 1));
        }
        engine_world_close(&world);
    }
    race_in = 0;
    assert_true(received >= 2 && kept >= 1);
}

/* ---- Deaths and faults ---- */

static void reset_inbox(engine_world *world, void *context)
{
    *(inbox *)context = new_inbox(world, 3, DUR_FOREVER);
}

/* The nth suspension sends the nth signals. */
static void send_more(engine_world *world, void *context)
{
    inbox *user = context;
    int64_t sent = (int64_t)count_in_story(world, "somebody signals");

    (void)user;
    world->clock.now_ms += 10;
    if (sent < 3) send(world, sent + 1);
}

/* Regression: a signal consumed in one transaction and recorded in another. At whichever verb an
 * owner dies or a store fails, each is received once, in order. */
static void check_inbox(engine_world *world, void *context, int code)
{
    const inbox *user = context;
    char row[96];

    assert_int_equal(code, DUR_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(user->codes[i], DUR_OK);
        assert_true(user->values[i] == i + 1);
        snprintf(row, sizeof row, "append run-1 #%d \"mail\" result low %d takes %d", i + 1, i + 1,
                 i + 1);
        assert_true(waits_rows_written(world, row) == 1);
    }
    assert_true(memory_store_signals(world->witness, "run-1") == 0);
    assert_true(memory_store_pending(world->witness, "run-1") == 0);
}

static void a_death_at_any_verb_loses_and_doubles_no_signal(void **state)
{
    inbox user;
    const waits_sweep sweep = {{work, &user, send_more, NULL, 30}, reset_inbox, check_inbox};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) >= 18);
}

static void a_failing_store_loses_and_doubles_no_signal(void **state)
{
    inbox user;
    const waits_sweep sweep = {{work, &user, send_more, NULL, 30}, reset_inbox, check_inbox};

    (void)state;
    assert_true(waits_sweep_faults(&sweep) >= 72);
}

static void reset_timed(engine_world *world, void *context)
{
    *(inbox *)context = new_inbox(world, 1, 5000);
}

/* Times out once, whoever records it; and a signal that comes later is still there. */
static void check_timed(engine_world *world, void *context, int code)
{
    const inbox *user = context;

    assert_int_equal(code, DUR_OK);
    assert_int_equal(user->codes[0], DUR_TIMED_OUT);
    assert_true(waits_rows_written(world, "append run-1 #1 \"mail\" timed out") == 1);
    assert_true(world->clock.now_ms >= 6000);
}

static void a_death_or_a_fault_moves_no_timeout(void **state)
{
    inbox user;
    const waits_sweep sweep = {{work, &user, NULL, NULL, 30}, reset_timed, check_timed};

    (void)state;
    assert_true(waits_sweep_deaths(&sweep) >= 9);
    assert_true(waits_sweep_faults(&sweep) >= 36);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(a_run_waits_for_a_signal_and_is_woken_by_it),
        WAITS_TEST(signals_are_buffered_and_received_in_order),
        WAITS_TEST(a_signal_that_is_there_costs_no_suspension),
        WAITS_TEST(other_names_are_other_signals),
        WAITS_TEST(nothing_in_time_is_an_outcome),
        WAITS_TEST(a_timeout_is_replayed_as_one),
        WAITS_TEST(a_late_signal_is_not_eaten_by_the_waiter_that_gave_up),
        WAITS_TEST(a_signal_in_time_counts_however_late_the_run_wakes),
        WAITS_TEST(zero_takes_what_is_there_and_waits_for_nothing),
        WAITS_TEST(a_senders_clock_that_goes_ahead_delays_no_receipt),
        WAITS_TEST(a_timeout_beyond_all_times_is_for_ever),
        WAITS_TEST(a_clock_that_jumps_moves_no_deadline),
        WAITS_TEST(a_rejection_is_a_failure_that_can_be_caught),
        WAITS_TEST(a_rejection_that_nobody_catches_fails_the_run),
        WAITS_TEST(a_signal_between_look_and_suspension_is_not_lost),
        WAITS_TEST(a_signal_at_any_moment_of_the_first_pass_wakes_the_run),
        WAITS_TEST(a_signal_at_any_moment_of_the_last_pass_is_not_lost),
        WAITS_TEST(a_death_at_any_verb_loses_and_doubles_no_signal),
        WAITS_TEST(a_failing_store_loses_and_doubles_no_signal),
        WAITS_TEST(a_death_or_a_fault_moves_no_timeout),
    };

    return cmocka_run_group_tests_name("engine.signal", tests, NULL, NULL);
}
