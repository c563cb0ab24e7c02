/* test/api: the test bench: a clock that jumps, scripted steps and callbacks, signals at their
 * times. */
#include "api/benched.h"

#include <string.h>
#include <time.h>

/* ---- Time ---------------------------------------------------------------------------------- */

#define MONTHS 12

static int subscription(dur_run *run, void *user)
{
    int *charges = user;
    char name[24];

    for (int month = 1; month <= MONTHS && dur_ok(run); month++) {
        sqlite3_snprintf(sizeof name, name, "charge-%d", month);
        DUR_STEP(run, name) { ++*charges; }
        if (dur_sleep(run, "a-month", 30 * DAY_MS) != DUR_OK) return 0;
    }
    return dur_set_output(run, dur_integer(*charges));
}

/* Steps stand in the log at the very times at which a year would have brought them. */
static void a_year_passes_at_once(void **state)
{
    test_host *host = *state;
    dur_testbench *bench = bench_on(host->db, NULL);
    clock_t began = clock();
    int charges = 0;

    assert_int_equal(DUR_OK, dur_testbench_register(bench, "subscription", subscription, &charges));
    assert_bench(DUR_OK, dur_testbench_run(bench, "subscription", "ann", NULL), bench);
    assert_int_equal(MONTHS, charges);
    assert_int_equal(MONTHS, dur_output(dur_testbench_log(bench)).as.integer);
    assert_true(bench_at(bench) == MONTHS * 30 * DAY_MS);
    assert_int_equal(MONTHS + 1, dur_testbench_passes(bench));
    assert_int_equal(MONTHS, dur_testbench_bodies(bench, NULL));
    assert_int_equal(1, dur_testbench_bodies(bench, "charge-7"));
    assert_int_equal(0, dur_testbench_crashes(bench));
    assert_int_equal(0, host_number(host->db,
                                    "SELECT count(*) FROM durable_steps WHERE name LIKE"
                                    " 'charge-%%' AND began <> strftime('%%s', '2000-01-01') * 1000"
                                    " + (substr(name, 8) - 1) * 30 * 86400000"));
    assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 1);
    /* It has ended: to ask again changes nothing. */
    assert_bench(DUR_OK, dur_testbench_run(bench, "subscription", "ann", NULL), bench);
    assert_int_equal(MONTHS, dur_output(dur_testbench_log(bench)).as.integer);
    assert_int_equal(MONTHS + 1, dur_testbench_passes(bench));
    dur_testbench_close(bench);
}

static void its_clock_is_in_the_tests_hand_and_never_goes_back(void **state)
{
    dur_testbench_options options = DUR_TESTBENCH_OPTIONS_INIT;
    dur_testbench *bench;

    (void)state;
    options.start_ms = 5000;
    bench = bench_on(NULL, &options);
    assert_true(dur_testbench_now(bench) == 5000);
    dur_testbench_set_time(bench, 7000);
    dur_testbench_set_time(bench, 6999);
    dur_testbench_set_time(bench, -1);
    assert_true(dur_testbench_now(bench) == 7000);
    dur_testbench_close(bench);
}

static int start_late(dur_run *run, void *user)
{
    return dur_now(run, "now", user);
}

static void a_run_that_is_to_begin_later_begins_then(void **state)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_testbench *bench = bench_on(NULL, NULL);
    int64_t began = 0;

    (void)state;
    start.start_at_ms = BENCH_START_MS + DAY_MS;
    start.queue = "a-queue-that-nobody-serves";
    start.input = dur_integer(7);
    dur_testbench_register(bench, "late", start_late, &began);
    assert_bench(DUR_OK, dur_testbench_run(bench, "late", "r", &start), bench);
    assert_true(began == BENCH_START_MS + DAY_MS);
    start.input = dur_integer(8);
    assert_bench(DUR_CONFLICT, dur_testbench_run(bench, "late", "r", &start), bench);
    dur_testbench_close(bench);
}

/* ---- Steps --------------------------------------------------------------------------------- */

typedef struct shop {
    dur_step_options options;
    dur_retry policy;
    int64_t payment;
    int bodies, undone;
    int64_t verified;
    char failure[128];
} shop;

static void open_shop(shop *it)
{
    const dur_step_options options = DUR_STEP_OPTIONS_INIT;
    const dur_retry policy = DUR_RETRY_INIT;

    memset(it, 0, sizeof *it);
    it->options = options;
    it->policy = policy;
    it->policy.jitter = DUR_JITTER_NONE;
    it->options.retry = &it->policy;
    it->options.user = it;
}

static int order(dur_run *run, void *user)
{
    shop *it = user;
    int64_t payment = 0;
    const char *failure;

    DUR_STEP(run, "charge", payment, &it->options)
    {
        it->bodies++;
        payment = 17;
    }
    it->payment = payment;
    failure = dur_catch(run);
    if (failure) sqlite3_snprintf(sizeof it->failure, it->failure, "%s", failure);
    if (dur_ok(run)) dur_set_output(run, dur_integer(payment));
    return 0;
}

static dur_testbench *bench_of_shop(test_host *host, shop *it)
{
    dur_testbench *bench = bench_on(host->db, NULL);

    assert_int_equal(DUR_OK, dur_testbench_register(bench, "order", order, it));
    return bench;
}

/* Its policy's pauses and all. */
static void a_scripted_step_fails_and_succeeds_without_its_body(void **state)
{
    dur_script script = DUR_SCRIPT_INIT;
    shop it;
    dur_testbench *bench;

    open_shop(&it);
    bench = bench_of_shop(*state, &it);
    script.failures = 2;
    script.takes_ms = 50;
    script.value = dur_integer(4711);
    assert_int_equal(DUR_OK, dur_testbench_script(bench, "charge", &script));
    assert_bench(DUR_OK, dur_testbench_run(bench, "order", "42", NULL), bench);
    assert_int_equal(4711, it.payment);
    assert_int_equal(0, it.bodies);
    assert_int_equal(3, dur_testbench_bodies(bench, "charge"));
    assert_true(bench_at(bench) == 50 + 1000 + 50 + 2000 + 50);
    assert_int_equal(1, host_number(((test_host *)*state)->db,
                                    "SELECT count(*) FROM durable_steps WHERE attempt = 3 AND"
                                    " took = 50 AND began = %lld",
                                    (long long)BENCH_START_MS + 3100));
    dur_testbench_close(bench);
}

static void a_step_may_fail_for_good_or_at_last_be_itself(void **state)
{
    dur_script script = DUR_SCRIPT_INIT;
    shop it;
    dur_testbench *bench;

    open_shop(&it);
    it.policy.max_attempts = 3;
    bench = bench_of_shop(*state, &it);
    script.failures = -1;
    script.failure = "no money";
    assert_int_equal(DUR_OK, dur_testbench_script(bench, "charge", &script));
    assert_bench(DUR_OK, dur_testbench_run(bench, "order", "1", NULL), bench);
    assert_string_equal("no money", it.failure);
    assert_true(bench_at(bench) == 3000);
    script.failures = 1;
    script.executes = true;
    script.run_id = "2";
    assert_int_equal(DUR_OK, dur_testbench_script(bench, "charge", &script));
    assert_bench(DUR_OK, dur_testbench_run(bench, "order", "2", NULL), bench);
    assert_int_equal(17, it.payment);
    assert_int_equal(1, it.bodies);
    /* The other run's script is still there; without any the step runs. */
    assert_bench(DUR_OK, dur_testbench_run(bench, "order", "3", NULL), bench);
    assert_int_equal(1, it.bodies);
    assert_int_equal(DUR_OK, dur_testbench_script(bench, "charge", NULL));
    assert_bench(DUR_OK, dur_testbench_run(bench, "order", "4", NULL), bench);
    assert_int_equal(2, it.bodies);
    dur_testbench_close(bench);
}

static void a_steps_time_is_over_in_the_log(void **state)
{
    dur_script script = DUR_SCRIPT_INIT;
    shop it;
    dur_testbench *bench;

    open_shop(&it);
    it.options.timeout_ms = 10 * SECOND_MS;
    it.policy.coefficient = 1;
    bench = bench_of_shop(*state, &it);
    script.failures = -1;
    script.takes_ms = 4 * SECOND_MS;
    assert_int_equal(DUR_OK, dur_testbench_script(bench, "charge", &script));
    assert_bench(DUR_OK, dur_testbench_run(bench, "order", "1", NULL), bench);
    assert_string_equal("timed out after 10000 ms: scripted failure", it.failure);
    assert_int_equal(3, dur_testbench_bodies(bench, "charge")); /* at 0, 5 and 10 s */
    assert_true(bench_at(bench) == 14 * SECOND_MS);
    dur_testbench_close(bench);
}

/* Killed at each attempt, until the library parks the poison pill. */
static void a_step_that_never_answers_is_killed_when_the_claim_has_ended(void **state)
{
    dur_script script = DUR_SCRIPT_INIT;
    shop it;
    dur_testbench *bench;

    open_shop(&it);
    bench = bench_of_shop(*state, &it);
    script.never = true;
    assert_int_equal(DUR_OK, dur_testbench_script(bench, "charge", &script));
    assert_bench(DUR_PARKED, dur_testbench_run(bench, "order", "1", NULL), bench);
    assert_has(dur_errmsg(dur_testbench_log(bench)), "claimed 10 times in a row");
    assert_int_equal(10, dur_testbench_crashes(bench));
    assert_int_equal(10, dur_testbench_bodies(bench, "charge"));
    assert_true(bench_at(bench) == 10 * 600 * SECOND_MS);
    /* Parked, it is executed as by hand. */
    assert_int_equal(DUR_OK, dur_testbench_script(bench, "charge", NULL));
    assert_bench(DUR_OK, dur_testbench_run(bench, "order", "1", NULL), bench);
    assert_int_equal(17, it.payment);
    dur_testbench_close(bench);
}

static int verify(dur_step *step, void *user)
{
    shop *it = user;

    it->verified++;
    return it->verified == 1 ? DUR_EXECUTE : dur_record_result(step, dur_integer(99));
}

/* In doubt after the first death, it is to be tried again; after the second its fate is known. */
static void what_runs_at_most_once_and_never_answers_is_in_doubt(void **state)
{
    dur_script script = DUR_SCRIPT_INIT;
    shop it;
    dur_testbench *bench;

    open_shop(&it);
    it.options.mode = DUR_AT_MOST_ONCE;
    it.options.in_doubt = DUR_IN_DOUBT_VERIFY;
    it.options.verify = verify;
    bench = bench_of_shop(*state, &it);
    script.never = true;
    assert_int_equal(DUR_OK, dur_testbench_script(bench, "charge", &script));
    assert_bench(DUR_OK, dur_testbench_run(bench, "order", "1", NULL), bench);
    assert_int_equal(99, it.payment);
    assert_int_equal(2, dur_testbench_bodies(bench, "charge"));
    assert_int_equal(2, dur_testbench_crashes(bench));
    it.options.in_doubt = DUR_IN_DOUBT_PARK;
    it.options.verify = NULL;
    assert_bench(DUR_PARKED, dur_testbench_run(bench, "order", "2", NULL), bench);
    assert_has(dur_errmsg(dur_testbench_log(bench)), "in doubt");
    assert_int_equal(DUR_OK, dur_resolve_step(dur_testbench_log(bench), "2", 1, DUR_OK,
                                              dur_integer(3), NULL));
    assert_bench(DUR_OK, dur_testbench_run(bench, "order", "2", NULL), bench);
    assert_int_equal(3, it.payment);
    dur_testbench_close(bench);
}

static int unbook(dur_step *step, void *user)
{
    shop *it = user;

    it->undone++;
    return dur_record_result(step, dur_null());
}

static int trip(dur_run *run, void *user)
{
    shop *it = user;

    DUR_STEP(run, "book", it->payment, &it->options) { it->bodies++; }
    DUR_STEP(run, "fly") { dur_fail(run, "fog"); }
    return 0;
}

/* A script is for steps, or for what undoes them. */
static void undo_steps_have_scripts_of_their_own(void **state)
{
    dur_testbench *bench = bench_on(((test_host *)*state)->db, NULL);
    dur_script script = DUR_SCRIPT_INIT;
    shop it;

    open_shop(&it);
    it.options.undo = unbook;
    dur_testbench_register(bench, "trip", trip, &it);
    script.value = dur_integer(1);
    dur_testbench_script(bench, "book", &script);
    assert_bench(DUR_FAILED, dur_testbench_run(bench, "trip", "1", NULL), bench);
    assert_int_equal(0, it.bodies);
    assert_int_equal(1, it.undone);
    script.undoes = true;
    script.failures = 2;
    dur_testbench_script(bench, "book", &script);
    assert_bench(DUR_FAILED, dur_testbench_run(bench, "trip", "2", NULL), bench);
    assert_string_equal("fog", dur_errmsg(dur_testbench_log(bench)));
    assert_int_equal(1, it.undone);
    assert_int_equal(2 + 4, dur_testbench_bodies(bench, "book"));
    assert_true(bench_at(bench) == 3000);
    dur_testbench_close(bench);
}

/* ---- Callbacks ----------------------------------------------------------------------------- */

typedef struct desk {
    dur_callback_options options;
    int code;
    int64_t at_ms;
    dur_value value;
    char failure[64];
} desk;

static int approval(dur_run *run, void *user)
{
    desk *it = user;
    dur_step *callback;
    const char *failure;

    if (dur_begin_callback(run, "approval", &it->options, &callback) != DUR_OK) return 0;
    DUR_STEP(run, "ask") { (void)dur_callback_token(callback); }
    it->code = dur_await(callback, &it->value);
    if (it->code == DUR_SUSPENDED) return 0;
    failure = dur_catch(run);
    if (failure) sqlite3_snprintf(sizeof it->failure, it->failure, "%s", failure);
    if (dur_now(run, "now", &it->at_ms) == DUR_OK) it->at_ms -= BENCH_START_MS;
    return 0;
}

static void callbacks_are_answered_when_their_script_says(void **state)
{
    const dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    dur_testbench *bench = bench_on(((test_host *)*state)->db, NULL);
    dur_script script = DUR_SCRIPT_INIT, slow = DUR_SCRIPT_INIT;
    desk it = {options, 0, 0, {DUR_NULL, {0}, 0}, ""};

    dur_testbench_register(bench, "approval", approval, &it);
    script.takes_ms = 3 * DAY_MS;
    script.failures = 1;
    script.failure = "rejected";
    script.value = dur_integer(1);
    slow.takes_ms = 4 * DAY_MS; /* the answer comes while this step is at work: it is kept */
    dur_testbench_script(bench, "approval", &script);
    assert_bench(DUR_OK, dur_testbench_run(bench, "approval", "1", NULL), bench);
    assert_int_equal(DUR_FAILED, it.code);
    assert_string_equal("rejected", it.failure);
    assert_true(it.at_ms == 3 * DAY_MS);
    assert_bench(DUR_OK, dur_testbench_run(bench, "approval", "2", NULL), bench);
    assert_int_equal(DUR_OK, it.code);
    assert_int_equal(1, it.value.as.integer);
    assert_true(it.at_ms == 6 * DAY_MS);
    it.options.timeout_ms = 4 * DAY_MS - 1;
    dur_testbench_script(bench, "ask", &slow);
    assert_bench(DUR_OK, dur_testbench_run(bench, "approval", "3", NULL), bench);
    assert_int_equal(DUR_OK, it.code);
    assert_true(it.at_ms == 10 * DAY_MS);
    dur_testbench_close(bench);
}

static void a_callback_that_nobody_answers_times_out_or_waits(void **state)
{
    const dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    dur_testbench *bench = bench_on(((test_host *)*state)->db, NULL);
    dur_script script = DUR_SCRIPT_INIT;
    desk it = {options, 0, 0, {DUR_NULL, {0}, 0}, ""};

    dur_testbench_register(bench, "approval", approval, &it);
    script.never = true;
    dur_testbench_script(bench, "approval", &script);
    assert_bench(DUR_SUSPENDED, dur_testbench_run(bench, "approval", "1", NULL), bench);
    assert_has(dur_errmsg(dur_testbench_log(bench)), "nothing is known that could wake it");
    assert_true(bench_at(bench) == 0);
    it.options.timeout_ms = DAY_MS;
    assert_bench(DUR_OK, dur_testbench_run(bench, "approval", "2", NULL), bench);
    assert_int_equal(DUR_TIMED_OUT, it.code);
    assert_true(it.at_ms == DAY_MS);
    dur_testbench_close(bench);
}

/* With signs of life it is waited for, without them it is not. */
static void a_callback_lives_as_long_as_its_heart_beats(void **state)
{
    const dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    dur_testbench *bench = bench_on(((test_host *)*state)->db, NULL);
    dur_script script = DUR_SCRIPT_INIT;
    desk it = {options, 0, 0, {DUR_NULL, {0}, 0}, ""};

    dur_testbench_register(bench, "approval", approval, &it);
    it.options.heartbeat_ms = HOUR_MS;
    script.takes_ms = DAY_MS;
    dur_testbench_script(bench, "approval", &script);
    assert_bench(DUR_OK, dur_testbench_run(bench, "approval", "1", NULL), bench);
    assert_int_equal(DUR_TIMED_OUT, it.code);
    assert_true(it.at_ms == HOUR_MS);
    script.beats_ms = HOUR_MS - 1;
    dur_testbench_script(bench, "approval", &script);
    assert_bench(DUR_OK, dur_testbench_run(bench, "approval", "2", NULL), bench);
    assert_int_equal(DUR_OK, it.code);
    assert_true(it.at_ms == HOUR_MS + DAY_MS);
    /* It lives and does not answer: the callback's own time is over. */
    script.never = true;
    it.options.timeout_ms = 2 * DAY_MS;
    dur_testbench_script(bench, "approval", &script);
    assert_bench(DUR_OK, dur_testbench_run(bench, "approval", "3", NULL), bench);
    assert_int_equal(DUR_TIMED_OUT, it.code);
    assert_true(it.at_ms == HOUR_MS + 3 * DAY_MS);
    dur_testbench_close(bench);
}

/* ---- Signals ------------------------------------------------------------------------------- */

static int collect(dur_run *run, void *user)
{
    char *told = user;
    dur_value value;
    int64_t now;

    told[0] = '\0';
    while (dur_receive(run, "mail", 10 * DAY_MS, &value) == DUR_OK &&
           dur_now(run, "now", &now) == DUR_OK)
        sqlite3_snprintf(64, told + strlen(told), "%s@%lld ",
                         value.type == DUR_TEXT ? (const char *)value.as.bytes : "",
                         (long long)((now - BENCH_START_MS) / HOUR_MS));
    return 0;
}

/* Asked for before the run is there, and in any order; those of one time in theirs. */
static void signals_come_at_their_times(void **state)
{
    dur_testbench *bench = bench_on(((test_host *)*state)->db, NULL);
    char told[200];

    dur_testbench_register(bench, "collect", collect, told);
    dur_testbench_signal_at(bench, BENCH_START_MS + 5 * HOUR_MS, "r", "mail", dur_text("five"));
    dur_testbench_signal_at(bench, BENCH_START_MS, "r", "mail", dur_text("now"));
    dur_testbench_signal_at(bench, BENCH_START_MS - 9, "r", "mail", dur_text("before"));
    dur_testbench_signal_at(bench, BENCH_START_MS + 5 * HOUR_MS, "r", "mail", dur_text("again"));
    dur_testbench_signal_at(bench, BENCH_START_MS + HOUR_MS, "r", "mail", dur_text("one"));
    assert_bench(DUR_OK, dur_testbench_run(bench, "collect", "r", NULL), bench);
    assert_string_equal("before@0 now@0 one@1 five@5 again@5 ", told);
    assert_true(bench_at(bench) == 5 * HOUR_MS + 10 * DAY_MS);
    dur_testbench_close(bench);
}

static void a_signal_that_cannot_be_sent_is_told(void **state)
{
    dur_testbench *bench = bench_on(((test_host *)*state)->db, NULL);
    dur_script script = DUR_SCRIPT_INIT;
    char told[200];
    shop it;

    open_shop(&it);
    dur_testbench_register(bench, "collect", collect, told);
    dur_testbench_register(bench, "order", order, &it);
    dur_testbench_signal_at(bench, BENCH_START_MS + HOUR_MS, "nobody", "mail", dur_null());
    assert_bench(DUR_NOT_FOUND, dur_testbench_run(bench, "collect", "r", NULL), bench);
    assert_has(dur_errmsg(dur_testbench_log(bench)), "nobody");
    assert_true(bench_at(bench) == HOUR_MS);
    assert_bench(DUR_OK, dur_testbench_run(bench, "collect", "r", NULL), bench);
    dur_testbench_signal_at(bench, dur_testbench_now(bench) + HOUR_MS, "r", "mail", dur_null());
    script.value = dur_integer(5);
    script.takes_ms = DAY_MS; /* also where its time comes in the middle of a body */
    dur_testbench_script(bench, "charge", &script);
    assert_bench(DUR_ENDED, dur_testbench_run(bench, "order", "1", NULL), bench);
    assert_bench(DUR_OK, dur_testbench_run(bench, "order", "1", NULL), bench);
    assert_int_equal(1, dur_testbench_bodies(bench, "charge"));
    dur_testbench_close(bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_year_passes_at_once),
        cmocka_unit_test(its_clock_is_in_the_tests_hand_and_never_goes_back),
        cmocka_unit_test(a_run_that_is_to_begin_later_begins_then),
        IN_MEMORY(a_scripted_step_fails_and_succeeds_without_its_body),
        IN_MEMORY(a_step_may_fail_for_good_or_at_last_be_itself),
        IN_MEMORY(a_steps_time_is_over_in_the_log),
        IN_MEMORY(a_step_that_never_answers_is_killed_when_the_claim_has_ended),
        IN_MEMORY(what_runs_at_most_once_and_never_answers_is_in_doubt),
        IN_MEMORY(undo_steps_have_scripts_of_their_own),
        IN_MEMORY(callbacks_are_answered_when_their_script_says),
        IN_MEMORY(a_callback_that_nobody_answers_times_out_or_waits),
        IN_MEMORY(a_callback_lives_as_long_as_its_heart_beats),
        IN_MEMORY(signals_come_at_their_times),
        IN_MEMORY(a_signal_that_cannot_be_sent_is_told),
    };

    return cmocka_run_group_tests_name("api.testbench", tests, NULL, NULL);
}
