/* test/api: exports of runs in states that are easily forgotten: held and paused at once; and what
 * a redaction of every text leaves alone, so that the recording still replays. */
#include "api/script.h"

static int append(const char *line, size_t length, void *user)
{
    char **text = user;
    char *longer = sqlite3_mprintf("%s%.*s", *text ? *text : "", (int)length, line);

    sqlite3_free(*text);
    *text = longer;
    return 0;
}

static char *exported(dur_log *log, const dur_export_options *options)
{
    char *text = NULL;

    assert_code(DUR_OK, dur_export(log, NULL, options, append, &text), log);
    assert_non_null(text);
    return text;
}

static dur_log *recording_of(const char *text)
{
    dur_log *log = NULL;

    assert_code(DUR_OK, dur_open_recording(NULL, NULL, &log), log);
    assert_code(DUR_OK, dur_import(log, text, strlen(text)), log);
    return log;
}

static int one_step(dur_run *run, void *user)
{
    DUR_STEP(run, "one") { ++*(int *)user; }
    return 0;
}

/* While its owner works, and after the owner has died. */
static void a_run_that_is_held_and_paused_is_exported(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host), *other = host_log(host), *copy;
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_run *run = NULL;
    char *text, *again;
    int bodies = 0;

    assert_code(DUR_OK, dur_begin_run(other, "w", "r", NULL, &run), other);
    assert_code(DUR_OK, dur_pause(log, "r"), log);
    text = exported(log, NULL);
    assert_has(text, "\"paused\":true");
    copy = recording_of(text);
    again = exported(copy, NULL);
    assert_string_equal(text, again);
    assert_code(DUR_OK, dur_read_run(copy, "r", &info), copy);
    assert_true(info.paused && info.wake_ms == 0);
    assert_code(DUR_SUSPENDED, dur_execute(copy, "w", "r", NULL, one_step, &bodies), copy);
    assert_code(DUR_OK, dur_resume(copy, "r"), copy);
    assert_code(DUR_OK, dur_execute(copy, "w", "r", NULL, one_step, &bodies), copy);
    assert_int_equal(1, bodies);
    sqlite3_free(text);
    sqlite3_free(again);
    dur_close(copy);
    dur_close_run(run);
    dur_close(other);
    dur_close(log);
}

static int branch(dur_run *run, void *user)
{
    const char *secret = NULL;

    (void)user;
    DUR_STEP(run, "secret", secret) { secret = "4929-1234"; }
    return dur_set_output(run, dur_text("4929-1234"));
}

static int batches(dur_run *run, void *user)
{
    const dur_value items[2] = {dur_text("4929-1"), dur_text("4929-2")};
    dur_batch batch = {0};

    if (dur_map(run, "each", items, 2, branch, user, NULL, &batch) != DUR_OK) return 0;
    assert_int_equal(2, batch.succeeded);
    return 0;
}

static void hide(const dur_exported *what, dur_value *value, void *user)
{
    (void)what, (void)user;
    if (value->type == DUR_TEXT) *value = dur_text("***");
}

static void a_batch_whose_texts_are_hidden_replays(void **state)
{
    test_host *host = *state;
    dur_export_options options = DUR_EXPORT_OPTIONS_INIT;
    dur_log *log = host_log(host), *copy;
    dur_report *report = NULL;
    char *text;

    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, batches, NULL), log);
    options.redact = hide;
    text = exported(log, &options);
    assert_null(strstr(text, "4929"));
    copy = recording_of(text);
    assert_code(DUR_OK, dur_replay_check(copy, "w", NULL, batches, NULL, &report), copy);
    assert_int_equal(DUR_FITS_ENDED, dur_report_verdict(report));
    dur_free_report(report);
    sqlite3_free(text);
    dur_close(copy);
    dur_close(log);
}

/* Callbacks that do what they must not. */
typedef struct meddler {
    dur_log *log;
    int code;
    bool closes;
} meddler;

static int meddle(meddler *it)
{
    if (it->closes) dur_close(it->log);
    else it->code = dur_export(it->log, NULL, NULL, append, NULL);
    return 0;
}

static int meddle_writing(const char *line, size_t length, void *user)
{
    (void)line, (void)length;
    return meddle(user);
}

static int meddle_visiting(const dur_recorded_step *step, void *user)
{
    (void)step;
    return meddle(user);
}

static void law9_callbacks_that_call_the_log_are_refused(void **state)
{
    test_host *host = *state;
    meddler it = {host_log(host), DUR_OK, false};
    int bodies = 0;

    assert_code(DUR_OK, dur_execute(it.log, "w", "r", NULL, one_step, &bodies), it.log);
    assert_code(DUR_OK, dur_export(it.log, NULL, NULL, meddle_writing, &it), it.log);
    assert_int_equal(DUR_MISUSE, it.code);
    it.code = DUR_OK;
    assert_code(DUR_OK, dur_visit_steps(it.log, "r", 0, meddle_visiting, &it), it.log);
    assert_int_equal(DUR_MISUSE, it.code);
    assert_code(DUR_OK, dur_visit_steps(it.log, "r", 2, meddle_visiting, &it), it.log);
    it.closes = true;
    assert_int_equal(DUR_MISUSE, dur_visit_steps(it.log, "r", 0, meddle_visiting, &it));
    it.log = host_log(host);
    assert_int_equal(DUR_MISUSE, dur_export(it.log, NULL, NULL, meddle_writing, &it));
    assert_null(sqlite3_next_stmt(host->db, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_run_that_is_held_and_paused_is_exported),
        IN_MEMORY(law9_callbacks_that_call_the_log_are_refused),
        IN_MEMORY(a_batch_whose_texts_are_hidden_replays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
