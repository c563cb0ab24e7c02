/* test/engine: what the tests of steps that run at most once share; see intents.h. */
#include "intents.h"

#include <stdio.h>

payment new_payment(engine_world *world)
{
    const dur_retry policy = DUR_RETRY_INIT;
    payment user;

    memset(&user, 0, sizeof user);
    user.world = world;
    user.run_id = "run-1";
    user.name = "charge";
    user.mode = DUR_AT_MOST_ONCE;
    user.policy = policy;
    user.policy.jitter = DUR_JITTER_NONE;
    return user;
}

/* ---- The verify function ---- */

/* Its bytes are gone when it returns. */
static int say_text(dur_step *step, const char *text)
{
    char *copy = durable_copy_text(text, strlen(text));
    int code;

    assert_non_null(copy);
    code = dur_record_result(step, dur_text(copy));
    memset(copy, '?', strlen(copy));
    durable_free(copy);
    return code;
}

static int say_details(dur_step *step)
{
    char text[32];

    snprintf(text, sizeof text, "detail %lld", (long long)dur_step_details(step).as.integer);
    return say_text(step, text);
}

/* As the world knows it: the attempt that was made last has failed, or has come through. */
static int say_truth(const payment *user, dur_step *step)
{
    int64_t attempt = dur_step_attempt(step);
    char text[32];

    if (user->calls == 0 || user->attempts[user->calls - 1] < attempt) return DUR_EXECUTE;
    snprintf(text, sizeof text, "receipt %lld", (long long)attempt);
    if (attempt > user->failures) dur_record_result(step, dur_text(text));
    else dur_record_failure(step, "declined");
    return 0;
}

static int ask_for_a_step(dur_run *run)
{
    DUR_STEP(run, "inner") fail_msg("a step runs in a verify function");
    return 0;
}

static int verify_payment(dur_step *step, void *context)
{
    payment *user = context;
    dur_run *run = step->run;

    user->questions++;
    assert_ptr_equal(dur_current_step(run), step);
    switch (user->says) {
    case SAY_DONE: user->code = say_text(step, "verified"); return 0;
    case SAY_DETAILS: user->code = say_details(step); return 0;
    case SAY_FAILED: user->code = dur_record_failure(step, "declined"); return 0;
    case SAY_EXECUTE: return DUR_EXECUTE;
    case SAY_TRUTH: return say_truth(user, step);
    case SAY_FAIL: dur_fail(run, "declined by the bank"); return 0;
    case SAY_STOP: dur_stop(run, "the bank is closed"); return DUR_EXECUTE;
    case SAY_STEP: return ask_for_a_step(run);
    case SAY_NOT_YET: user->code = dur_not_yet(step, dur_null()); return 0;
    case SAY_LOST: memory_store_take_over(user->world->witness, user->run_id); return DUR_EXECUTE;
    case SAY_CLOSE:
        dur_close(user->world->log);
        user->world->log = NULL;
        return DUR_EXECUTE;
    case SAY_NOTHING: break;
    }
    return 0;
}

/* ---- The workflow ---- */

dur_step_options payment_options(payment *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    options.mode = user->mode;
    options.in_doubt = user->in_doubt;
    if (user->in_doubt == DUR_IN_DOUBT_VERIFY) options.verify = verify_payment;
    options.user = user;
    options.timeout_ms = user->timeout_ms;
    if (user->retries) options.retry = &user->policy;
    return options;
}

/* False: the attempt fails. */
static bool charge(payment *user, dur_run *run, dur_step *step, char receipt[80])
{
    const char *failure = dur_step_last_failure(step);
    int64_t attempt = dur_step_attempt(step);

    assert_true(user->calls < 64);
    user->attempts[user->calls++] = attempt;
    snprintf(user->last_failure, sizeof user->last_failure, "%s", failure ? failure : "none");
    snprintf(receipt, 80, "receipt %lld", (long long)attempt);
    if (user->beats) assert_int_equal(dur_heartbeat(step, dur_integer(7)), DUR_OK);
    if (attempt == user->dies_at || user->dies_next) {
        user->dies_at = 0;
        user->dies_next = false;
        memory_store_die(user->world->store, 0);
    }
    if (user->stops) dur_stop(run, "not now");
    user->stops = false;
    return attempt > user->failures;
}

static void charge_by_verbs(payment *user, dur_run *run, const dur_step_options *options)
{
    dur_step *step = NULL;
    char receipt[80];
    int code = dur_begin_step(run, user->name, options, &step);

    while (code == DUR_EXECUTE)
        code = charge(user, run, step, receipt) ? dur_record_result(step, dur_text(receipt))
                                                : dur_record_failure(step, "declined");
    if (code == DUR_REPLAYED)
        snprintf(receipt, sizeof receipt, "%s", dur_as_text(dur_step_value(step)));
    if (code == DUR_OK || code == DUR_REPLAYED) snprintf(user->receipt, 80, "%s", receipt);
}

static void charge_in_scope(payment *user, dur_run *run, const dur_step_options *options)
{
    const char *value = NULL;
    char receipt[80];

    DUR_STEP(run, user->name, value, options) {
        value = receipt;
        if (!charge(user, run, dur_current_step(run), receipt)) dur_fail(run, "declined");
    }
    if (dur_ok(run)) snprintf(user->receipt, sizeof user->receipt, "%s", value);
}

int pay(dur_run *run, void *context)
{
    payment *user = context;
    dur_step_options options = payment_options(user);
    const char *failure;

    if (user->by_verbs)
        charge_by_verbs(user, run, &options);
    else
        charge_in_scope(user, run, user->without_options ? NULL : &options);
    if (user->dies_after) {
        user->dies_after = false;
        memory_store_die(user->world->store, 0);
    }
    failure = user->catches ? dur_catch(run) : NULL;
    if (failure) snprintf(user->caught, sizeof user->caught, "%s", failure);
    return 0;
}

int execute_payment(engine_world *world, payment *user)
{
    return dur_execute(world->log, "work", user->run_id, NULL, pay, user);
}

void let_it_die(engine_world *world, payment *user)
{
    int calls = user->calls;

    user->dies_next = true;
    assert_int_equal(execute_payment(world, user), DUR_IOERR);
    assert_int_equal(user->calls, calls + 1);
    engine_world_succeed(world);
}
