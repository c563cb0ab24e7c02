/* test/api: runs that are asked to end: whatever they are at, once, and with time to clean up. */
#include "api/family.h"

#define SECOND INT64_C(1000)
#define RUN "the-run"

typedef struct patient {
    test_host *host;
    dur_log *log;
    int passes, bodies, cleaned;
    int code;      /* of the wait */
    bool cancelled; /* dur_cancelled() */
    bool waits_to_clean;
    char token[DUR_TOKEN_SIZE];
    void (*meanwhile)(struct patient *it); /* in the step's body */
} patient;

static patient patient_of(test_host *host)
{
    patient fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.host = host;
    fresh.log = host_log(host);
    return fresh;
}

/* A step, a wait, and a clean-up where it was cancelled. */
static int waits(dur_run *run, void *user)
{
    patient *it = user;

    it->passes++;
    DUR_STEP(run, "work") {
        it->bodies++;
        if (it->meanwhile) it->meanwhile(it);
    }
    it->code = dur_receive(run, "go", DUR_FOREVER, NULL);
    it->cancelled = dur_cancelled(run);
    if (!it->cancelled) return 0;
    DUR_STEP(run, "clean") { it->cleaned++; }
    if (it->waits_to_clean && dur_sleep(run, "settle", SECOND) != DUR_OK) return 0;
    DUR_STEP(run, "sweep") { it->cleaned += 10; }
    return 0;
}

static int execute(patient *it, dur_workflow *workflow)
{
    return dur_execute(it->log, "work", RUN, NULL, workflow, it);
}

static int ask_to_end(patient *it)
{
    return dur_cancel(it->log, RUN);
}

/* "row 'position kind name outcome'", one line a step. */
static void assert_steps(patient *it, const char *expected)
{
    char *rows = host_rows(it->host->db, "SELECT position || ' ' || kind || ' ' || name || ' '"
                                         " || outcome FROM durable_steps_view WHERE run_id = %Q"
                                         " ORDER BY position", RUN);
    char *wanted = sqlite3_mprintf("%s.", expected);

    assert_same(wanted, rows);
}

static void assert_ended(patient *it, dur_status status, const char *words, const char *failure)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_OK, dur_read_run(it->log, RUN, &info), it->log);
    assert_int_equal(status, info.status);
    assert_string_equal(failure, info.failure);
    assert_true(info.ended_ms == it->host->clock.now_ms);
    assert_int_equal(0, info.wake_ms);
    assert_int_equal(DUR_NULL, info.output.type);
    assert_int_equal(1, host_number(it->host->db, "SELECT count(*) FROM durable_runs_view WHERE"
                                                  " id = %Q AND status = %Q AND ended IS NOT NULL"
                                                  " AND owner IS NULL AND wakes IS NULL",
                                    RUN, words));
    assert_int_equal(0, host_number(it->host->db, "SELECT count(*) FROM durable_pending"));
}

/* ---- In each status -------------------------------------------------------------------------- */

/* It ends without waiting for what it waited for; the request takes the wait's position. */
static void a_run_that_waits_ends_at_once(void **state)
{
    patient it = patient_of(*state);
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_SUSPENDED, execute(&it, waits), it.log);
    fake_clock_advance(&it.host->clock, SECOND);
    assert_code(DUR_OK, ask_to_end(&it), it.log);
    assert_code(DUR_OK, dur_read_run(it.log, RUN, &info), it.log);
    assert_true(info.cancelling);
    assert_int_equal(DUR_RUN_SUSPENDED, info.status);
    assert_true(info.wake_ms == it.host->clock.now_ms);
    assert_code(DUR_CANCELLED, execute(&it, waits), it.log);
    assert_int_equal(DUR_CANCELLED, it.code);
    assert_string_equal("cancelled", dur_errmsg(it.log));
    assert_steps(&it, "row '1 step work result'\nrow '2 cancel cancel result'\n"
                      "row '3 step clean result'\nrow '4 step sweep result'\n");
    assert_ended(&it, DUR_RUN_CANCELLED, "cancelled", "cancelled");
    assert_code(DUR_CANCELLED, execute(&it, waits), it.log);
    assert_int_equal(2, it.passes);
    dur_close(it.log);
}

static int sleeps_long(dur_run *run, void *user)
{
    patient *it = user;

    it->passes++;
    it->code = dur_sleep(run, "long", 1000 * SECOND);
    return 0;
}

/* By a worker; one that does not look at dur_cancelled() is cancelled all the same. */
static void a_sleeping_run_does_not_wait_for_its_timer(void **state)
{
    patient it = patient_of(*state);
    int64_t wake_ms = 0;

    assert_code(DUR_OK, dur_register(it.log, "work", sleeps_long, &it), it.log);
    assert_code(DUR_OK, dur_start(it.log, "work", RUN, NULL), it.log);
    assert_code(DUR_OK, dur_work(it.log, NULL, &wake_ms), it.log);
    assert_true(wake_ms == 1000 * SECOND);
    assert_code(DUR_OK, ask_to_end(&it), it.log);
    assert_code(DUR_OK, dur_work(it.log, NULL, &wake_ms), it.log);
    assert_true(wake_ms == -1);
    assert_int_equal(2, it.passes);
    assert_ended(&it, DUR_RUN_CANCELLED, "cancelled", "cancelled");
    dur_close(it.log);
}

/* Before its first pass: the code is called, asks for its first step, and no body runs. */
static void a_run_that_was_never_taken_up(void **state)
{
    patient it = patient_of(*state);

    assert_code(DUR_OK, dur_start(it.log, "work", RUN, NULL), it.log);
    assert_code(DUR_OK, ask_to_end(&it), it.log);
    assert_code(DUR_CANCELLED, execute(&it, waits), it.log);
    assert_int_equal(0, it.bodies);
    assert_steps(&it, "row '1 cancel cancel result'\nrow '2 step clean result'\n"
                      "row '3 step sweep result'\n");
    dur_close(it.log);
}

static int parks(dur_run *run, void *user)
{
    patient *it = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_retry once = DUR_RETRY_INIT;

    it->passes++;
    once.max_attempts = 1;
    once.exhausted = DUR_EXHAUSTED_PARK;
    options.retry = &once;
    DUR_STEP_VOID(run, "flaky", &options) {
        it->bodies++;
        dur_fail(run, "down");
    }
    return 0;
}

/* It is taken out of the park, to end; the attempt that a person was to decide on is not made. */
static void a_parked_run(void **state)
{
    patient it = patient_of(*state);

    assert_code(DUR_PARKED, execute(&it, parks), it.log);
    assert_code(DUR_OK, ask_to_end(&it), it.log);
    assert_code(DUR_OK, dur_register(it.log, "work", parks, &it), it.log);
    assert_code(DUR_OK, dur_work(it.log, NULL, NULL), it.log);
    assert_int_equal(1, it.bodies);
    assert_ended(&it, DUR_RUN_CANCELLED, "cancelled", "cancelled");
    dur_close(it.log);
}

static int retries(dur_run *run, void *user)
{
    patient *it = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_retry patiently = DUR_RETRY_INIT;

    it->passes++;
    patiently.initial_ms = 100 * SECOND;
    options.retry = &patiently;
    DUR_STEP_VOID(run, "flaky", &options) {
        it->bodies++;
        dur_fail(run, "down");
    }
    return 0;
}

/* In the pause before an attempt: that is not made. */
static void a_run_that_is_to_try_again(void **state)
{
    patient it = patient_of(*state);

    assert_code(DUR_SUSPENDED, execute(&it, retries), it.log);
    assert_code(DUR_OK, ask_to_end(&it), it.log);
    assert_code(DUR_CANCELLED, execute(&it, retries), it.log);
    assert_int_equal(1, it.bodies);
    assert_steps(&it, "row '1 cancel cancel result'\n");
    assert_ended(&it, DUR_RUN_CANCELLED, "cancelled", "cancelled");
    dur_close(it.log);
}

static void cancel_meanwhile(patient *it)
{
    dur_log *other = host_log(it->host);

    it->meanwhile = NULL;
    assert_code(DUR_OK, dur_cancel(other, RUN), other);
    dur_close(other);
}

/* While a pass runs: the body's outcome is recorded, and the next wait is not waited for; the run
 * is due at once. */
static void a_run_whose_pass_is_being_made(void **state)
{
    patient it = patient_of(*state);
    dur_run_info info = DUR_RUN_INFO_INIT;

    it.meanwhile = cancel_meanwhile;
    assert_code(DUR_SUSPENDED, execute(&it, waits), it.log);
    assert_code(DUR_OK, dur_read_run(it.log, RUN, &info), it.log);
    assert_true(info.wake_ms == it.host->clock.now_ms);
    assert_code(DUR_CANCELLED, execute(&it, waits), it.log);
    assert_int_equal(1, it.bodies);
    assert_int_equal(11, it.cleaned);
    dur_close(it.log);
}

static int completes(dur_run *run, void *user)
{
    patient *it = user;

    it->passes++;
    DUR_STEP(run, "work") {
        if (it->meanwhile) it->meanwhile(it);
    }
    dur_set_output(run, dur_integer(1));
    return 0;
}

/* It may still complete: it never waited. */
static void a_run_that_completes_first(void **state)
{
    patient it = patient_of(*state);

    it.meanwhile = cancel_meanwhile;
    assert_code(DUR_OK, execute(&it, completes), it.log);
    assert_code(DUR_ENDED, ask_to_end(&it), it.log);
    assert_has(dur_errmsg(it.log), "nothing to cancel");
    assert_code(DUR_OK, execute(&it, completes), it.log);
    dur_close(it.log);
}

static int fails(dur_run *run, void *user)
{
    (void)user;
    dur_fail(run, "broken");
    return 0;
}

static void asked_again_missing_and_ended(void **state)
{
    patient it = patient_of(*state);

    assert_code(DUR_NOT_FOUND, ask_to_end(&it), it.log);
    assert_code(DUR_OK, dur_start(it.log, "work", RUN, NULL), it.log);
    assert_code(DUR_OK, ask_to_end(&it), it.log);
    assert_code(DUR_REPLAYED, ask_to_end(&it), it.log);
    assert_code(DUR_CANCELLED, execute(&it, sleeps_long), it.log);
    assert_code(DUR_ENDED, ask_to_end(&it), it.log);
    assert_code(DUR_FAILED, dur_execute(it.log, "work", "other", NULL, fails, NULL), it.log);
    assert_code(DUR_ENDED, dur_cancel(it.log, "other"), it.log);
    assert_code(DUR_MISUSE, dur_cancel(it.log, ""), it.log);
    assert_code(DUR_MISUSE, dur_cancel(it.log, NULL), it.log);
    assert_int_equal(DUR_MISUSE, dur_cancel(NULL, RUN));
    assert_false(dur_cancelled(NULL));
    dur_close(it.log);
}

/* ---- Cleaning up ----------------------------------------------------------------------------- */

/* A wait of the clean-up is waited for; the pass after it replays the request from its row. */
static void the_clean_up_may_wait(void **state)
{
    patient it = patient_of(*state);

    it.waits_to_clean = true;
    assert_code(DUR_SUSPENDED, execute(&it, waits), it.log);
    assert_code(DUR_OK, ask_to_end(&it), it.log);
    assert_code(DUR_SUSPENDED, execute(&it, waits), it.log);
    assert_int_equal(1, it.cleaned);
    assert_code(DUR_SUSPENDED, execute(&it, waits), it.log);
    assert_int_equal(2, it.passes);
    dur_close(it.log);
    fake_clock_advance(&it.host->clock, SECOND);
    it.log = host_log(it.host);
    assert_code(DUR_CANCELLED, execute(&it, waits), it.log);
    assert_true(it.cancelled);
    assert_int_equal(11, it.cleaned);
    assert_steps(&it, "row '1 step work result'\nrow '2 cancel cancel result'\n"
                      "row '3 step clean result'\nrow '4 timer settle result'\n"
                      "row '5 step sweep result'\n");
    assert_ended(&it, DUR_RUN_CANCELLED, "cancelled", "cancelled");
    dur_close(it.log);
}

static int looks_too_early(dur_run *run, void *user)
{
    patient *it = user;

    it->passes++;
    it->cancelled = dur_cancelled(run);
    DUR_STEP(run, "work") { it->bodies++; }
    it->code = dur_receive(run, "go", DUR_FOREVER, NULL);
    return 0;
}

/* False before it has been delivered: a stop is what lifts. */
static void asked_before_it_is_told(void **state)
{
    patient it = patient_of(*state);

    assert_code(DUR_SUSPENDED, execute(&it, looks_too_early), it.log);
    assert_false(it.cancelled);
    assert_code(DUR_OK, ask_to_end(&it), it.log);
    assert_code(DUR_CANCELLED, execute(&it, looks_too_early), it.log);
    assert_false(it.cancelled);
    assert_int_equal(1, it.bodies);
    dur_close(it.log);
}

static int awaits_answer(dur_run *run, void *user)
{
    patient *it = user;
    dur_step *callback = NULL;

    it->passes++;
    if (dur_begin_callback(run, "answer", NULL, &callback) == DUR_OK)
        snprintf(it->token, sizeof it->token, "%s", dur_callback_token(callback));
    it->code = dur_await(callback, NULL);
    if (!dur_cancelled(run)) return 0;
    DUR_STEP(run, "clean") { it->cleaned++; }
    return 0;
}

/* The callback is asked for first, and takes the request's place; who answers is told so. */
static void while_a_callback_is_awaited(void **state)
{
    patient it = patient_of(*state);

    assert_code(DUR_SUSPENDED, execute(&it, awaits_answer), it.log);
    assert_code(DUR_OK, ask_to_end(&it), it.log);
    assert_code(DUR_CANCELLED, execute(&it, awaits_answer), it.log);
    assert_int_equal(1, it.cleaned);
    assert_ended(&it, DUR_RUN_CANCELLED, "cancelled", "cancelled");
    assert_code(DUR_ENDED, dur_complete_callback(it.log, it.token, dur_null()), it.log);
    dur_close(it.log);
}

/* In a transaction of the host's it joins that. */
static void the_request_is_rolled_back(void **state)
{
    patient it = patient_of(*state);

    assert_code(DUR_SUSPENDED, execute(&it, waits), it.log);
    host_run(it.host->db, "BEGIN");
    assert_code(DUR_OK, ask_to_end(&it), it.log);
    host_run(it.host->db, "ROLLBACK");
    assert_code(DUR_SUSPENDED, execute(&it, waits), it.log);
    assert_int_equal(1, it.passes);
    assert_code(DUR_OK, dur_signal(it.log, RUN, "go", dur_null(), NULL), it.log);
    assert_code(DUR_OK, execute(&it, waits), it.log);
    dur_close(it.log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_run_that_waits_ends_at_once),
        IN_EVERY_JOURNAL(a_sleeping_run_does_not_wait_for_its_timer),
        IN_EVERY_JOURNAL(a_run_that_was_never_taken_up),
        IN_EVERY_JOURNAL(a_parked_run),
        IN_EVERY_JOURNAL(a_run_that_is_to_try_again),
        IN_EVERY_JOURNAL(a_run_whose_pass_is_being_made),
        IN_MEMORY(a_run_that_completes_first),
        IN_EVERY_JOURNAL(asked_again_missing_and_ended),
        IN_EVERY_JOURNAL(the_clean_up_may_wait),
        IN_MEMORY(asked_before_it_is_told),
        IN_EVERY_JOURNAL(while_a_callback_is_awaited),
        IN_EVERY_JOURNAL(the_request_is_rolled_back),
    };

    return cmocka_run_group_tests_name("api.cancel", tests, NULL, NULL);
}
