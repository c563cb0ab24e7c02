/* test/engine: steps whose body runs at most once: what is written before it, and a step that was
 * begun and has no outcome. */
#include "intents.h"

/* ---- The intent ---- */

/* Law 2: one commit more than a plain step, which the outcome's commit clears. */
static void the_intent_is_written_before_the_body(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "put run-1 #1 \"charge\" attempt 0 due 0 intent\n"
                        "append run-1 #1 \"charge\" result low 1 clears: recorded\n"
                        "end run-1 completed\n");
    assert_string_equal(user.receipt, "receipt 1");
    assert_int_equal(user.calls, 1);
}

static void replay_neither_writes_nor_asks(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.in_doubt = DUR_IN_DOUBT_VERIFY;
    user.dies_after = true;
    assert_int_equal(waits_execute(world, pay, &user), DUR_IOERR);
    engine_world_succeed(world);
    user.receipt[0] = '\0';
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_int_equal(count_in_story(world, "put"), 0);
    assert_int_equal(count_in_story(world, "append"), 0);
    assert_string_equal(user.receipt, "receipt 1");
    assert_int_equal(user.calls, 1);
    assert_int_equal(user.questions, 0);
}

static void without_an_intent_no_body_runs(void **state)
{
    static const int codes[] = {DUR_BUSY, DUR_FULL, DUR_LOST};

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        engine_world world;
        payment user;

        engine_world_open(&world);
        user = new_payment(&world);
        memory_store_fail(world.store, "put", 1, codes[i], MEMORY_BEFORE);
        assert_int_equal(waits_execute(&world, pay, &user), codes[i]);
        waits_assert_says(&world, "position 1, step \"charge\": ");
        assert_int_equal(user.calls, 0);
        assert_true(memory_store_pending(world.witness, "run-1") == 0);
        engine_world_succeed(&world);
        assert_int_equal(waits_execute(&world, pay, &user), DUR_OK);
        assert_int_equal(user.calls, 1);
        engine_world_close(&world);
    }
}

/* The commit failed, and is there: whoever comes next cannot know that no body ran. */
static void an_intent_that_survived_its_failure_is_a_doubt(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    memory_store_fail(world->store, "put", 1, DUR_IOERR, MEMORY_AFTER);
    assert_int_equal(waits_execute(world, pay, &user), DUR_IOERR);
    assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
    assert_int_equal(user.calls, 0);
}

/* Its failure is known: the retry policy holds, and each attempt has its own intent. */
static void a_failure_that_the_body_reports_is_no_doubt(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.retries = true;
    user.failures = 1;
    assert_int_equal(waits_execute(world, pay, &user), DUR_SUSPENDED);
    assert_int_equal(waits_execute_at(world, 2000, pay, &user), DUR_OK);
    assert_story(world, "find run-1: none\n"
                        "create run-1 epoch 1\n"
                        "put run-1 #1 \"charge\" attempt 0 due 0 intent\n"
                        "suspend run-1 until 2000 put #1 \"charge\" attempt 1 due 2000\n"
                        "find run-1: suspended epoch 1\n"
                        "claim run-1 after epoch 1 claims 1\n"
                        "load run-1 1..134217727: 0 rows\n"
                        "pending run-1: 1 rows\n"
                        "put run-1 #1 \"charge\" attempt 1 due 0 intent\n"
                        "append run-1 #1 \"charge\" result low 1 clears: recorded\n"
                        "end run-1 completed\n");
    assert_int_equal(user.calls, 2);
    assert_true(user.attempts[0] == 1 && user.attempts[1] == 2);
}

/* The same where the pause is slept through. */
static void each_attempt_of_a_pass_has_its_own_intent(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    world->options.sleep_max_ms = 60000;
    engine_world_succeed(world);
    user.retries = true;
    user.failures = 2;
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_int_equal(count_in_story(world, " intent\n"), 3);
    assert_int_equal(count_in_story(world, "attempt 2 due 0 intent\n"), 1);
    assert_int_equal(user.calls, 3);

    user = new_payment(world);
    user.retries = true;
    user.failures = 9;
    user.dies_at = 2;
    assert_int_equal(dur_execute(world->log, "work", "run-2", NULL, pay, &user), DUR_IOERR);
    engine_world_succeed(world);
    user.failures = 0;
    assert_int_equal(dur_execute(world->log, "work", "run-2", NULL, pay, &user), DUR_PARKED);
    assert_int_equal(user.calls, 2);
}

/* An outcome that could not be recorded is kept, and written first: nobody is in doubt. */
static void an_outcome_that_was_kept_leaves_no_doubt(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    memory_store_fail(world->store, "append", 1, DUR_FULL, MEMORY_BEFORE);
    assert_int_equal(waits_execute(world, pay, &user), DUR_FULL);
    assert_true(memory_store_pending(world->witness, "run-1") == 1);
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_int_equal(user.calls, 1);
    assert_string_equal(user.receipt, "receipt 1");
}

static void but_not_beyond_the_log_that_kept_it(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    memory_store_fail(world->store, "append", 1, DUR_FULL, MEMORY_BEFORE);
    assert_int_equal(waits_execute(world, pay, &user), DUR_FULL);
    engine_world_succeed(world);
    assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
    assert_int_equal(user.calls, 1);
}

/* What it had done so far nobody has recorded. */
static void a_body_that_stops_the_run_is_in_doubt(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.stops = true;
    assert_int_equal(waits_execute(world, pay, &user), DUR_STOPPED);
    assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
    assert_int_equal(user.calls, 1);
}

/* Its heartbeats are the intent, too. */
static void heartbeats_keep_the_intent(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.beats = true;
    let_it_die(world, &user);
    assert_int_equal(count_in_story(world, "put run-1 #1 \"charge\" attempt 0 due 0 intent\n"), 2);
    user.in_doubt = DUR_IN_DOUBT_VERIFY;
    user.says = SAY_DETAILS;
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_string_equal(user.receipt, "detail 7");
}

/* ---- Parked for a person ---- */

static void a_step_in_doubt_parks_its_run(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    let_it_die(world, &user);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
    waits_assert_says(world, "run \"run-1\": position 1, step \"charge\": in doubt: the process"
                             " ended before its outcome was recorded; parked: find out whether it"
                             " was done, and answer by dur_resolve_step()");
    assert_story(world, "find run-1: running epoch 1\n"
                        "claim run-1 after epoch 1 claims 2\n"
                        "load run-1 1..134217727: 0 rows\n"
                        "pending run-1: 1 rows\n"
                        "end run-1 parked\n");
    assert_int_equal(user.calls, 1);
    assert_string_equal(user.receipt, "");
}

static void executed_without_an_answer_it_is_parked_again(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    let_it_die(world, &user);
    for (int i = 0; i < 3 * DUR_CLAIMS_MAX; i++) {
        assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
        waits_assert_says(world, "in doubt");
    }
    assert_int_equal(user.calls, 1);
    assert_true(memory_store_pending(world->witness, "run-1") == 1);
}

/* The code has become another one; what was begun under the old one is still in doubt. */
static void code_that_knows_of_no_intent_runs_no_body(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    let_it_die(world, &user);
    user.mode = DUR_AT_LEAST_ONCE;
    assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
    user.without_options = true;
    assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
    assert_int_equal(user.calls, 1);
}

/* Law 5. */
static void a_renamed_step_in_doubt_diverges(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.in_doubt = DUR_IN_DOUBT_VERIFY;
    let_it_die(world, &user);
    user.name = "debit";
    assert_int_equal(waits_execute(world, pay, &user), DUR_DIVERGED);
    assert_int_equal(user.questions, 0);
    user.name = "charge";
    assert_int_equal(waits_execute(world, pay, &user), DUR_OK);
    assert_int_equal(user.calls, 1);
    assert_int_equal(user.questions, 1);
}

static int leave_early(dur_run *run, void *user)
{
    (void)run;
    (void)user;
    return 0;
}

static void code_that_does_not_ask_for_it_diverges(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    let_it_die(world, &user);
    assert_int_equal(waits_execute(world, leave_early, NULL), DUR_DIVERGED);
    assert_int_equal(waits_execute(world, pay, &user), DUR_PARKED);
    waits_assert_says(world, "in doubt");
}

/* ---- Several at once ---- */

static int pay_two(dur_run *run, void *context)
{
    payment *user = context;
    dur_step_options options = payment_options(user);
    dur_step *first = NULL, *second = NULL;

    if (dur_begin_step(run, "one", &options, &first) < 0) return 0;
    if (dur_begin_step(run, "two", &options, &second) < 0) return 0;
    if (user->dies_at == 1) {
        user->dies_at = 0;
        memory_store_die(user->world->store, 0);
    }
    dur_record_result(second, dur_integer(2));
    dur_record_result(first, dur_integer(1));
    return 0;
}

static void each_of_several_doubts_is_settled(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    user.in_doubt = DUR_IN_DOUBT_VERIFY;
    user.says = SAY_DONE;
    user.dies_at = 1;
    assert_int_equal(waits_execute(world, pay_two, &user), DUR_IOERR);
    engine_world_succeed(world);
    assert_int_equal(waits_execute(world, pay_two, &user), DUR_OK);
    assert_int_equal(user.questions, 2);
    assert_int_equal(count_in_story(world, "#1 \"one\" result low 1 clears: recorded"), 1);
    assert_int_equal(count_in_story(world, "#2 \"two\" result low 2 clears: recorded"), 1);
}

static int pay_beside(dur_run *run, void *context)
{
    payment *user = context;
    dur_step_options options = payment_options(user);
    dur_step *beside = NULL, *charge = NULL;
    int code = dur_begin_step(run, "beside", NULL, &beside);

    if (code < 0) return 0;
    if (dur_begin_step(run, "charge", &options, &charge) == DUR_EXECUTE) {
        user->calls++;
        memory_store_die(user->world->store, 0);
    }
    if (code == DUR_EXECUTE) user->code = dur_record_result(beside, dur_null());
    return 0;
}

/* While the run is held the others may still be recorded, and their rows tell no lie. */
static void what_is_open_beside_a_doubt_is_recorded(void **state)
{
    engine_world *world = *state;
    payment user = new_payment(world);

    assert_int_equal(waits_execute(world, pay_beside, &user), DUR_IOERR);
    engine_world_succeed(world);
    memory_store_forget(world->witness);
    assert_int_equal(waits_execute(world, pay_beside, &user), DUR_PARKED);
    assert_int_equal(user.code, DUR_OK);
    assert_int_equal(count_in_story(world, "#1 \"beside\" result low 1: recorded"), 1);
    assert_int_equal(waits_execute(world, pay_beside, &user), DUR_PARKED);
    waits_assert_says(world, "position 2, step \"charge\": in doubt");
    assert_int_equal(user.calls, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(the_intent_is_written_before_the_body),
        WAITS_TEST(replay_neither_writes_nor_asks),
        WAITS_TEST(without_an_intent_no_body_runs),
        WAITS_TEST(an_intent_that_survived_its_failure_is_a_doubt),
        WAITS_TEST(a_failure_that_the_body_reports_is_no_doubt),
        WAITS_TEST(each_attempt_of_a_pass_has_its_own_intent),
        WAITS_TEST(an_outcome_that_was_kept_leaves_no_doubt),
        WAITS_TEST(but_not_beyond_the_log_that_kept_it),
        WAITS_TEST(a_body_that_stops_the_run_is_in_doubt),
        WAITS_TEST(heartbeats_keep_the_intent),
        WAITS_TEST(a_step_in_doubt_parks_its_run),
        WAITS_TEST(executed_without_an_answer_it_is_parked_again),
        WAITS_TEST(code_that_knows_of_no_intent_runs_no_body),
        WAITS_TEST(a_renamed_step_in_doubt_diverges),
        WAITS_TEST(code_that_does_not_ask_for_it_diverges),
        WAITS_TEST(each_of_several_doubts_is_settled),
        WAITS_TEST(what_is_open_beside_a_doubt_is_recorded),
    };

    return cmocka_run_group_tests_name("engine.intent", tests, NULL, NULL);
}
