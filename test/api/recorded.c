/* test/api: a workflow that does all that a log can hold, and waits. */
#include "api/recorded.h"

/* Two, one and four bytes a character, and what JSON wants escaped. */
#define TEXT "\xC3\xA4\t\x01/\\\"\x7F\xF0\x9F\x90\xA2"

#define COUNT_BODY(user) ((recorded *)(user))->bodies++

/* ---- The workflows ------------------------------------------------------------------------- */

int recorded_courier(dur_run *run, void *user)
{
    DUR_STEP(run, "drive") { COUNT_BODY(user); }
    if (dur_receive(run, "arrived", DUR_FOREVER, NULL) != DUR_OK) return 0;
    return dur_set_output(run, dur_text("delivered"));
}

static int pack(dur_run *run, void *user)
{
    const char *box = "";

    DUR_STEP(run, "fold", box) {
        COUNT_BODY(user);
        box = "box \"7\"";
    }
    if (dur_sleep(run, "glue dries", 60000) != DUR_OK) return 0;
    return dur_set_output(run, dur_text(box));
}

static int break_it(dur_step *step, void *user)
{
    COUNT_BODY(user);
    return dur_record_failure(step, "broken\n\"for good\"");
}

static int undo_nothing(dur_step *step, void *user)
{
    COUNT_BODY(user);
    return dur_record_result(step, dur_null());
}

static void record_values(dur_run *run, void *user)
{
    static const unsigned char bytes[] = {0, 1, 0xFE, 0xFF};
    struct {
        char letters[6];
    } object = {"hello"};
    double real = 0;
    uint64_t large = 0;
    int64_t small = 0;
    const char *text = "";
    dur_value blob = dur_null();

    DUR_STEP(run, "smallest", small) { COUNT_BODY(user), small = INT64_MIN; }
    DUR_STEP(run, "largest", large) { COUNT_BODY(user), large = UINT64_MAX; }
    DUR_STEP(run, "minus zero", real) { COUNT_BODY(user), real = -0.0; }
    DUR_STEP(run, "text", text) { COUNT_BODY(user), text = TEXT; }
    DUR_STEP(run, "no text", text) { COUNT_BODY(user), text = "\xFFz"; }
    DUR_STEP(run, "blob", blob) { COUNT_BODY(user), blob = dur_blob(bytes, sizeof bytes); }
    DUR_STEP(run, "object", object) { COUNT_BODY(user); }
}

static void fail_and_catch(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    options.undo = undo_nothing;
    options.user = user;
    options.fingerprint = UINT64_C(0xFEDCBA9876543210);
    if (dur_replay_or_run(run, "fragile", &options, break_it, user, NULL) == DUR_FAILED)
        dur_catch(run);
}

static void try_again(dur_run *run, recorded *it)
{
    dur_retry retry = DUR_RETRY_INIT;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int64_t done = 0;

    retry.initial_ms = 5000;
    retry.jitter = DUR_JITTER_NONE;
    options.retry = &retry;
    DUR_STEP(run, "flaky", done, &options) {
        it->bodies++;
        done = 1;
        if (!it->ready) dur_fail(run, "not ready");
    }
}

int recorded_tour(dur_run *run, void *user)
{
    recorded *it = user;
    dur_step *approval = NULL, *courier = NULL;
    dur_value box = dur_null(), answer = dur_null();

    record_values(run, it);
    fail_and_catch(run, it);
    if (!dur_patch(run, "new way")) return 0;
    if (dur_begin_callback(run, "approval", NULL, &approval) != DUR_OK) return 0;
    memcpy(it->token, dur_callback_token(approval), sizeof it->token);
    if (dur_start_child(run, "courier", "courier", NULL, &courier) != DUR_OK) return 0;
    if (dur_receive(run, "payment", DUR_FOREVER, NULL) != DUR_OK) return 0;
    if (dur_receive(run, "nothing", 1000, NULL) != DUR_TIMED_OUT) return 0;
    try_again(run, it);
    if (dur_call(run, "pack", NULL, pack, it, &box) != DUR_OK) return 0;
    if (dur_await(approval, &answer) != DUR_OK || dur_await(courier, NULL) != DUR_OK) return 0;
    return dur_set_output(run, answer);
}

/* ---- Driving ------------------------------------------------------------------------------- */

static void open_log(recorded *it)
{
    dur_options options = DUR_OPTIONS_INIT;

    fake_clock_install(&it->clock, &options);
    assert_int_equal(sqlite3_open(":memory:", &it->db), SQLITE_OK);
    options.code_version = "v\xFF.1";
    if (dur_open(it->db, &options, &it->log) != DUR_OK) fail_msg("%s", dur_errmsg(it->log));
    assert_code(DUR_OK, dur_register(it->log, "tour", recorded_tour, it), it->log);
    assert_code(DUR_OK, dur_register(it->log, "courier", recorded_courier, it), it->log);
}

void recorded_open_empty(recorded *it)
{
    memset(it, 0, sizeof *it);
    fake_clock_init(&it->clock, 1);
    open_log(it);
}

void recorded_work(recorded *it, int64_t until_ms)
{
    int64_t wake = 0;

    for (int i = 0; i < 100; i++) {
        int code = dur_work(it->log, NULL, &wake);

        if (code < 0) fail_msg("%s: %s", dur_code_name(code), dur_errmsg(it->log));
        if (wake < 0 || it->clock.now_ms + wake > until_ms) return;
        fake_clock_advance(&it->clock, wake);
    }
    fail_msg("there is always something due");
}

void recorded_open(recorded *it)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;

    recorded_open_empty(it);
    limits.max_active = 7;
    assert_code(DUR_OK, dur_serve_queue(it->log, "tour", &limits), it->log);
    start.input = dur_text("Ada");
    start.priority = 3;
    start.deadline_ms = FAKE_CLOCK_START_MS + 86400000;
    assert_code(DUR_OK, dur_start(it->log, "tour", "tour", &start), it->log);
    options.key = "first";
    assert_code(DUR_OK, dur_signal(it->log, "tour", "payment", dur_integer(7), &options), it->log);
    assert_code(DUR_OK, dur_signal(it->log, "tour", "payment", dur_real(0.5), NULL), it->log);
    options.failure = "too late";
    options.key = NULL;
    assert_code(DUR_OK, dur_signal(it->log, "tour", "weather", dur_null(), &options), it->log);
    recorded_work(it, FAKE_CLOCK_START_MS + 2000);
}

void recorded_close(recorded *it)
{
    dur_close(it->log);
    assert_int_equal(sqlite3_close(it->db), SQLITE_OK);
}

char *recorded_move(recorded *it)
{
    char *text = exported_text(it->log, NULL), *again;

    recorded_close(it);
    open_log(it);
    if (exported_import(it->log, text) != DUR_OK) fail_msg("%s\n%s", dur_errmsg(it->log), text);
    again = exported_text(it->log, NULL);
    assert_string_equal(again, text);
    free(again);
    return text;
}
