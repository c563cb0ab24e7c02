/* test/api: changes of what steps are given, of what they give, and of how they are executed, that
 * old runs meet; see api/changes.h for what is asked of each row. */
#include "api/changes.h"

/* A step "value" that gives this, as a variable of that type, between two others. */
#define GIVES(name, type, result)                                                                  \
    CODE(name)                                                                                     \
    {                                                                                              \
        type value;                                                                                \
                                                                                                   \
        take(run, user, "a");                                                                      \
        DUR_STEP(run, "value", value) { value = result; }                                          \
        return take(run, user, "b"), 0;                                                            \
    }

typedef struct point {
    int32_t x, y;
} point;

typedef struct solid {
    int32_t x, y, z;
} solid;

static const point corner = {1, 2};
static const solid peak = {1, 2, 3};

/* ---- Types ---- */

GIVES(gives_int32, int32_t, 300)
GIVES(gives_int64, int64_t, 300)
GIVES(gives_small_int64, int64_t, 7)
GIVES(gives_int8, signed char, 7)
GIVES(gives_unsigned, uint64_t, 7)
GIVES(gives_negative, int, -7)
GIVES(gives_bool, bool, true)
GIVES(gives_real, double, 0.5)
GIVES(gives_float, float, 0.5f)
GIVES(gives_fine_real, double, 0.1)
GIVES(gives_text, const char *, "300")
GIVES(gives_point, point, corner)
GIVES(gives_solid, solid, peak)
GIVES(gives_any, dur_value, dur_integer(300))

CODE(gives_nothing)
{
    take(run, user, "a");
    take(run, user, "value");
    return take(run, user, "b"), 0;
}

CODE(gives_long_chars)
{
    char value[32];

    take(run, user, "a");
    DUR_STEP(run, "value", value) { strcpy(value, "a long name"); }
    return take(run, user, "b"), 0;
}

CODE(gives_short_chars)
{
    char value[8];

    take(run, user, "a");
    DUR_STEP(run, "value", value) { strcpy(value, "short"); }
    return take(run, user, "b"), 0;
}

CODE(asks_the_time)
{
    int64_t now;

    take(run, user, "a");
    heed(dur_now(run, "value", &now));
    return take(run, user, "b"), 0;
}

CODE(draws_a_uuid)
{
    char uuid[DUR_UUID_SIZE];

    take(run, user, "a");
    heed(dur_uuid(run, "value", uuid));
    return take(run, user, "b"), 0;
}

/* ---- Inputs ---- */

static void take_given(dur_run *run, void *user, const char *address)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    changing *it = user;

    take(run, user, "a");
    if (address) options.fingerprint = dur_fingerprint(0, address, strlen(address));
    DUR_STEP_VOID(run, "mail", &options) { it->bodies++; }
    take(run, user, "b");
}

CODE(mails_ann) { return take_given(run, user, "ann@example.org"), 0; }
CODE(mails_bob) { return take_given(run, user, "bob@example.org"), 0; }
CODE(mails_somebody) { return take_given(run, user, NULL), 0; }

CODE(mails_nobody) { return take(run, user, "a"), take(run, user, "b"), 0; }

/* ---- How it is executed ---- */

static int never_undone(dur_step *step, void *user)
{
    (void)user;
    return dur_record_result(step, dur_null());
}

static void take_so(dur_run *run, void *user, const dur_step_options *options, bool fails)
{
    changing *it = user;

    take(run, user, "a");
    DUR_STEP_VOID(run, "pay", options) {
        it->bodies++;
        if (fails) dur_fail(run, "no luck");
    }
    take(run, user, "b");
}

CODE(pays)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    return take_so(run, user, &options, false), 0;
}

CODE(pays_and_is_undone)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    options.undo = never_undone;
    return take_so(run, user, &options, false), 0;
}

CODE(pays_at_most_once)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    options.mode = DUR_AT_MOST_ONCE;
    return take_so(run, user, &options, false), 0;
}

CODE(pays_in_a_transaction)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    options.mode = DUR_TRANSACTIONAL;
    return take_so(run, user, &options, false), 0;
}

CODE(pays_in_time)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    options.timeout_ms = 1000;
    return take_so(run, user, &options, false), 0;
}

static void pay_patiently(dur_run *run, void *user, int64_t initial_ms, bool fails)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_retry policy = DUR_RETRY_INIT;

    policy.initial_ms = initial_ms;
    policy.jitter = DUR_JITTER_NONE;
    options.retry = &policy;
    take_so(run, user, &options, fails);
}

CODE(pays_patiently) { return pay_patiently(run, user, 1000, false), 0; }
CODE(fails_patiently) { return pay_patiently(run, user, 1000, true), 0; }
CODE(pays_more_patiently) { return pay_patiently(run, user, 60000, false), 0; }
CODE(tries_something_else) { return take_all(run, user, "axb"), 0; }

CODE(by_the_verbs)
{
    changing *it = user;
    dur_step *step = NULL;

    take(run, user, "a");
    if (dur_begin_step(run, "pay", NULL, &step) == DUR_EXECUTE) {
        it->bodies++;
        heed(dur_record_result(step, dur_null()));
    }
    return take(run, user, "b"), 0;
}

/* ---- Failures ---- */

CODE(fails_and_catches)
{
    take(run, user, "a");
    DUR_STEP(run, "pay") dur_fail(run, "no money");
    if (dur_catch(run)) take(run, user, "apologise");
    return take(run, user, "b"), 0;
}

CODE(fails_and_goes_on)
{
    take(run, user, "a");
    DUR_STEP(run, "pay") dur_fail(run, "no money");
    take(run, user, "apologise");
    return take(run, user, "b"), 0;
}

CODE(fails_and_fails) /* at its end, as nobody has caught it */
{
    take(run, user, "a");
    DUR_STEP(run, "pay") dur_fail(run, "no money");
    return 0;
}

#define MISMATCHES(at) DUR_MISMATCH, DUR_DIVERGES, at, DUR_CHANGE_RETYPED

static void types(void **state)
{
    static const change rows[] = {
        {"an integer widened", gives_int32, gives_int64, OPEN, NAMES, FITS(4)},
        {"an integer narrowed, and it fits", gives_small_int64, gives_int8, OPEN, NAMES, FITS(4)},
        {"an integer narrowed", gives_int64, gives_int8, OPEN, NAMES, MISMATCHES(2)},
        {"a sign lost, and it fits", gives_small_int64, gives_unsigned, OPEN, NAMES, FITS(4)},
        {"a sign lost", gives_negative, gives_unsigned, OPEN, NAMES, MISMATCHES(2)},
        {"an integer made a bool", gives_int64, gives_bool, OPEN, NAMES, MISMATCHES(2)},
        {"an integer made a real", gives_int64, gives_real, OPEN, NAMES, MISMATCHES(2)},
        {"an integer made a text", gives_int64, gives_text, OPEN, NAMES, MISMATCHES(2)},
        {"a text made an integer", gives_text, gives_int64, OPEN, NAMES, MISMATCHES(2)},
        {"a double made a float, and it fits", gives_real, gives_float, OPEN, NAMES, FITS(4)},
        {"a double made a float", gives_fine_real, gives_float, OPEN, NAMES, MISMATCHES(2)},
        {"a text made shorter", gives_long_chars, gives_short_chars, OPEN, NAMES, MISMATCHES(2)},
        {"a text made an array", gives_text, gives_short_chars, OPEN, NAMES, FITS(4)},
        {"an object grown", gives_point, gives_solid, OPEN, NAMES, MISMATCHES(2)},
        {"a value made a dur_value", gives_int64, gives_any, OPEN, NAMES, FITS(4)},
        {"a value dropped", gives_int64, gives_nothing, OPEN, NAMES, MISMATCHES(2)},
        {"a value added", gives_nothing, gives_int64, OPEN, NAMES, MISMATCHES(2)},
        {"a step made dur_now()", gives_text, asks_the_time, OPEN, NAMES, MISMATCHES(2)},
        {"dur_now() made dur_uuid()", asks_the_time, draws_a_uuid, OPEN, NAMES, MISMATCHES(2)},
        {"an integer narrowed", gives_int64, gives_int8, ENDED, NAMES, DUR_OK, DUR_DIVERGES, 2,
         DUR_CHANGE_RETYPED},
    };

    assert_changes(rows, sizeof rows / sizeof rows[0], *state);
}

static void inputs(void **state)
{
    static const change rows[] = {
        {"an argument changed", mails_ann, mails_bob, OPEN, NAMES, FITS(4)},
        {"an argument changed", mails_ann, mails_bob, OPEN, DUR_CHECK_INPUTS, DUR_OK, DUR_DIVERGES,
         2, DUR_CHANGE_INPUT},
        {"an argument changed", mails_ann, mails_bob, ENDED, DUR_CHECK_SIZES,
         DIVERGES_ENDED(2, INPUT)},
        {"the same argument", mails_ann, mails_ann, ENDED, DUR_CHECK_INPUTS, FITS_ENDED},
        {"a fingerprint added", mails_somebody, mails_ann, OPEN, DUR_CHECK_INPUTS, FITS(4)},
        {"a fingerprint dropped", mails_ann, mails_somebody, OPEN, DUR_CHECK_INPUTS, FITS(4)},
        {"a step with a fingerprint removed", mails_ann, mails_nobody, OPEN, DUR_CHECK_INPUTS,
         DIVERGES(2, REMOVED)},
    };

    assert_changes(rows, sizeof rows / sizeof rows[0], *state);
}

static void options(void **state)
{
    static const change rows[] = {
        {"compensation added to a step", pays, pays_and_is_undone, OPEN, NAMES, FITS(4)},
        {"a step made at most once", pays, pays_at_most_once, OPEN, NAMES, FITS(4)},
        {"a step made transactional", pays, pays_in_a_transaction, OPEN, NAMES, FITS(4)},
        {"a timeout added", pays, pays_in_time, OPEN, NAMES, FITS(4)},
        {"a retry policy added", pays, pays_patiently, OPEN, NAMES, FITS(4)},
        {"a macro made verbs", pays, by_the_verbs, OPEN, NAMES, FITS(4)},
        {"a retry policy changed, between two attempts", fails_patiently, pays_more_patiently,
         WAITING, NAMES, FITS(2)},
        {"a retry policy dropped, between two attempts", fails_patiently, pays, WAITING, NAMES,
         FITS(2)},
        {"a step made at most once, between two attempts", fails_patiently, pays_at_most_once,
         WAITING, NAMES, FITS(2)},
        {"a step replaced, between two attempts", fails_patiently, tries_something_else, WAITING,
         NAMES, DIVERGES(2, RENAMED)},
        {"a step removed, between two attempts", fails_patiently, mails_nobody, WAITING, NAMES,
         DIVERGES(2, RENAMED)},
    };

    assert_changes(rows, sizeof rows / sizeof rows[0], *state);
}

static void failures(void **state)
{
    static const change rows[] = {
        {"a failure is caught as before", fails_and_catches, fails_and_catches, OPEN, NAMES,
         FITS(5)},
        {"a failure is caught no more", fails_and_catches, fails_and_goes_on, OPEN, NAMES,
         DIVERGES(3, ENDED_EARLY)},
        {"a failure is caught now", fails_and_fails, fails_and_catches, OPEN, NAMES, FITS(3)},
    };

    assert_changes(rows, sizeof rows / sizeof rows[0], *state);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_MEMORY(types),
        IN_MEMORY(inputs),
        IN_MEMORY(options),
        IN_MEMORY(failures),
    };

    return cmocka_run_group_tests_name("api.code_change_values", tests, NULL, NULL);
}
