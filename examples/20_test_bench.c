/*
 * examples: a test bench, a year of subscription in some milliseconds.
 *
 * Introduces the usage of: dur_testbench, dur_testbench_options.always_replay, dur_script,
 * dur_testbench_signal_at, dur_testbench_crash, dur_testbench_bodies.
 *
 *     20_test_bench
 *
 * A magazine charges its subscribers once a month, tries again where a card is refused, and ends
 * the subscription when its reader asks for it. To see whether the function below does that one
 * would have to wait for a year. The bench has a clock of its own, which jumps to whatever comes
 * next; the card company is a script, the reader a signal at a given time, and the power fails
 * where a test wants it to. Everything is in memory, and no second time is different. Prints
 *
 *     a year: 12 months paid, on day 360
 *     a card that is refused twice: 12 months paid, on day 360, after 14 tries
 *     a reader who has had enough: 5 months paid, on day 149
 *     replayed as often as can be: 12 months paid, on day 360
 *     power failures around charge 1 to 12: 12 months paid each time
 *     a card company that never answers: parked
 */
#include <durable.h>
#include <stdio.h>

#define MONTHS 12
#define DAY_MS INT64_C(86400000)
#define MONTH_MS (30 * DAY_MS)

/* ---- What is tested, as it would run for a year -------------------------------------------- */

static int subscription(dur_run *run, void *user)
{
    dur_retry patience = DUR_RETRY_INIT;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int64_t paid = 0;
    int month;

    (void)user;
    patience.initial_ms = 1000;
    patience.max_attempts = 5;
    options.retry = &patience;
    for (month = 1; month <= MONTHS && dur_ok(run); month++) {
        int64_t receipt = 0;

        DUR_STEP(run, "charge", receipt, &options) { receipt = 1; /* ask the card company here */ }
        paid += receipt != 0;
        if (!dur_ok(run))
            return 0;
        switch (dur_receive(run, "cancel", MONTH_MS, NULL)) {
        case DUR_TIMED_OUT: break; /* a month has passed, and nobody has complained */
        case DUR_OK: return dur_set_output(run, dur_integer(paid));
        default: return 0;
        }
    }
    return dur_set_output(run, dur_integer(paid));
}

/* ---- The tests ----------------------------------------------------------------------------- */

/* Open a bench, set it up by `prepare`, and let the subscription run. NULL, and a message: no. */
static dur_testbench *play(int expected, bool always_replay, int (*prepare)(dur_testbench *, int),
                           int number)
{
    dur_testbench_options options = DUR_TESTBENCH_OPTIONS_INIT;
    dur_testbench *bench;
    int code;

    options.always_replay = always_replay;
    code = dur_testbench_open(NULL, &options, &bench);
    if (code == DUR_OK)
        code = dur_testbench_register(bench, "subscription", subscription, NULL);
    if (code == DUR_OK && prepare)
        code = prepare(bench, number);
    if (code == DUR_OK)
        code = dur_testbench_run(bench, "subscription", "ada", NULL);
    if (code == expected)
        return bench;
    fprintf(stderr, "%s: %s\n", dur_code_name(code), dur_errmsg(dur_testbench_log(bench)));
    dur_testbench_close(bench);
    return NULL;
}

static int months_paid(dur_testbench *bench)
{
    return (int)dur_output(dur_testbench_log(bench)).as.integer;
}

static int day(const dur_testbench *bench)
{
    const int64_t start_ms = INT64_C(946684800000); /* what dur_testbench_options.start_ms says */

    return (int)((dur_testbench_now(bench) - start_ms) / DAY_MS);
}

/* The bench tells what came of it, and is closed. */
static bool tell(const char *story, dur_testbench *bench, const char *more, int64_t count,
                 const char *unit)
{
    if (!bench)
        return false;
    printf("%s: %d months paid, on day %d", story, months_paid(bench), day(bench));
    if (more)
        printf(", %s %d %s", more, (int)count, unit);
    printf("\n");
    dur_testbench_close(bench);
    return true;
}

static int refuse_twice(dur_testbench *bench, int number)
{
    dur_script script = DUR_SCRIPT_INIT;

    (void)number;
    script.failures = 2;
    script.failure = "card refused";
    script.value = dur_integer(4711);
    return dur_testbench_script(bench, "charge", &script);
}

static int never_answer(dur_testbench *bench, int number)
{
    dur_script script = DUR_SCRIPT_INIT;

    (void)number;
    script.never = true;
    return dur_testbench_script(bench, "charge", &script);
}

static int cancel_in_may(dur_testbench *bench, int number)
{
    (void)number;
    return dur_testbench_signal_at(bench, dur_testbench_now(bench) + 5 * MONTH_MS - 1, "ada",
                                   "cancel", dur_null());
}

/* Charges are the odd ones of its records, waits the even ones. */
static int fail_around_charge(dur_testbench *bench, int number)
{
    int code = dur_testbench_crash(bench, DUR_CRASH_BEFORE, 2 * number - 1);

    return code == DUR_OK ? dur_testbench_crash(bench, DUR_CRASH_AFTER, 2 * number - 1) : code;
}

static bool survives_power_failures(void)
{
    int charge;

    for (charge = 1; charge <= MONTHS; charge++) {
        dur_testbench *bench = play(DUR_OK, false, fail_around_charge, charge);
        bool good = bench && months_paid(bench) == MONTHS && dur_testbench_crashes(bench) == 2 &&
                    dur_testbench_bodies(bench, "charge") == MONTHS + 1;

        dur_testbench_close(bench);
        if (!good)
            return false;
    }
    printf("power failures around charge 1 to %d: %d months paid each time\n", MONTHS, MONTHS);
    return true;
}

static bool is_parked_in_the_end(void)
{
    dur_testbench *bench = play(DUR_PARKED, false, never_answer, 0);

    if (!bench)
        return false;
    printf("a card company that never answers: parked\n");
    dur_testbench_close(bench);
    return true;
}

int main(void)
{
    dur_testbench *bench = play(DUR_OK, false, NULL, 0);
    bool good = tell("a year", bench, NULL, 0, NULL);

    bench = good ? play(DUR_OK, false, refuse_twice, 0) : NULL;
    good = tell("a card that is refused twice", bench, "after",
                dur_testbench_bodies(bench, "charge"), "tries");
    bench = good ? play(DUR_OK, false, cancel_in_may, 0) : NULL;
    good = tell("a reader who has had enough", bench, NULL, 0, NULL);
    bench = good ? play(DUR_OK, true, NULL, 0) : NULL;
    good = tell("replayed as often as can be", bench, NULL, 0, NULL);
    return good && survives_power_failures() && is_parked_in_the_end() ? 0 : 1;
}
