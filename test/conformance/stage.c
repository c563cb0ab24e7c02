/* test/conformance: driving a run pass by pass, and holding its log against what is expected. */
#include "conformance/stage.h"

#include <stdio.h>
#include <stdlib.h>

#define PASSES_MAX 1000

const bool stage_by_hand = false, stage_by_worker = true;

/* ---- Setting up ---------------------------------------------------------------------------- */

int stage_setup(void **state)
{
    const dur_retry policy = DUR_RETRY_INIT;
    const dur_step_options step = DUR_STEP_OPTIONS_INIT;
    const dur_callback_options callback = DUR_CALLBACK_OPTIONS_INIT;
    const dur_batch_options batch = DUR_BATCH_OPTIONS_INIT;
    const dur_start_options start = DUR_START_OPTIONS_INIT;
    const bool *by_worker = *state;
    stage *it = calloc(1, sizeof *it);

    assert_non_null(it);
    *state = it;
    it->by_worker = *by_worker;
    host_open(&it->host, it->by_worker ? HOST_WAL : HOST_MEMORY);
    it->options = host_options(&it->host);
    it->policy = policy;
    it->step = step;
    it->callback = callback;
    it->batch = batch;
    it->start = start;
    narrative_init(&it->story);
    return 0;
}

int stage_teardown(void **state)
{
    stage *it = *state;

    dur_close(it->log);
    dur_close(it->world);
    host_close(&it->host);
    narrative_free(&it->story);
    free(it);
    return 0;
}

static dur_log *open_log(stage *it, sqlite3 *db)
{
    dur_log *log = NULL;

    assert_code(DUR_OK, dur_open(db, &it->options, &log), log);
    return log;
}

dur_log *stage_world(stage *it)
{
    return it->by_worker ? it->world : it->log;
}

void stage_advance(stage *it, int64_t by_ms)
{
    fake_clock_advance(&it->host.clock, by_ms);
}

int64_t stage_ms(const stage *it)
{
    return it->host.clock.now_ms - FAKE_CLOCK_START_MS;
}

/* ---- Telling ------------------------------------------------------------------------------- */

static void tell(stage *it, const char *format, va_list arguments)
{
    char words[256];

    vsnprintf(words, sizeof words, format, arguments);
    narrative_add(&it->story, " %s", words);
}

void stage_tell(stage *it, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    tell(it, format, arguments);
    va_end(arguments);
}

void stage_body(stage *it, const char *format, ...)
{
    va_list arguments;

    it->bodies++;
    va_start(arguments, format);
    tell(it, format, arguments);
    va_end(arguments);
}

void stage_hand_out(stage *it, int which, dur_step *callback)
{
    const char *token = dur_callback_token(callback);

    assert_non_null(token);
    assert_true(strlen(token) < DUR_TOKEN_SIZE);
    if (it->token[which][0]) assert_string_equal(it->token[which], token);
    memcpy(it->token[which], token, strlen(token) + 1);
}

/* ---- Passes -------------------------------------------------------------------------------- */

static int make_pass(dur_run *run, void *user)
{
    stage *it = user;

    it->passes++;
    narrative_add(&it->story, "%lld:", (long long)stage_ms(it));
    return it->workflow(run, it);
}

static void note_pass(const char *workflow, const char *run_id, int code, const char *message,
                      void *user)
{
    stage *it = user;

    assert_string_equal(STAGE_WORKFLOW, workflow);
    assert_string_equal(STAGE_RUN, run_id);
    it->last_code = code;
    snprintf(it->last_message, sizeof it->last_message, "%s", message);
    narrative_add(&it->story, " = %s\n", dur_code_name(code));
}

static int execute(stage *it)
{
    return dur_execute(it->log, STAGE_WORKFLOW, STAGE_RUN, &it->start, make_pass, it);
}

static int64_t work(stage *it)
{
    dur_work_options options = DUR_WORK_OPTIONS_INIT;
    int64_t next_wake_ms = -2;

    options.max_passes = 1;
    options.passed = note_pass;
    options.user = it;
    assert_code(DUR_OK, dur_work(it->log, &options, &next_wake_ms), it->log);
    return next_wake_ms;
}

/* A pass, if the run is due. */
static bool pass_if_due(stage *it)
{
    int passes = it->passes;

    if (it->by_worker) {
        work(it);
    } else {
        stage_restart(it);
        it->last_code = execute(it);
        if (it->passes > passes)
            note_pass(STAGE_WORKFLOW, STAGE_RUN, it->last_code, dur_errmsg(it->log), it);
    }
    assert_in_range(it->passes - passes, 0, 1);
    return it->passes > passes;
}

static void enter(stage *it)
{
    it->log = open_log(it, it->host.db);
    if (it->by_worker)
        assert_code(DUR_OK, dur_register(it->log, STAGE_WORKFLOW, make_pass, it), it->log);
}

void stage_restart(stage *it)
{
    dur_close(it->log);
    if (it->by_worker) host_reconnect(&it->host);
    enter(it);
}

/* The parent's connections must not be touched here, not even to be closed. */
void stage_in_child(stage *it)
{
    it->host.clock.random_state ^= UINT64_C(0x5555555555555555);
    it->host.db = host_connect(&it->host, SQLITE_OPEN_READWRITE);
    it->host.other = it->host.db;
    enter(it);
    it->world = it->log;
}

void stage_begin(stage *it, dur_workflow *workflow, dur_value input)
{
    it->workflow = workflow;
    it->start.input = input;
    stage_restart(it);
    if (!it->by_worker) return;
    it->host.other = host_connect(&it->host, SQLITE_OPEN_READWRITE);
    it->world = open_log(it, it->host.other);
    assert_code(DUR_OK, dur_start(it->world, STAGE_WORKFLOW, STAGE_RUN, &it->start), it->world);
}

/* By the library's own account. */
static int64_t due_in(stage *it)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_OK, dur_read_run(stage_world(it), STAGE_RUN, &info), stage_world(it));
    return info.wake_ms ? info.wake_ms - it->host.clock.now_ms : -1;
}

int64_t stage_idle(stage *it)
{
    int64_t due = due_in(it);

    if (it->by_worker) {
        int passes = it->passes;

        assert_int_equal(due, work(it));
        assert_int_equal(passes, it->passes);
    } else {
        assert_false(pass_if_due(it));
        assert_int_equal(DUR_SUSPENDED, it->last_code);
    }
    return due;
}

void stage_next(stage *it)
{
    if (it->passes > 0 && due_in(it) > 0) stage_advance(it, stage_idle(it));
    assert_true(pass_if_due(it));
}

void stage_run_on(stage *it)
{
    do {
        stage_next(it);
        assert_true(it->passes < PASSES_MAX);
    } while (it->last_code == DUR_SUSPENDED && due_in(it) >= 0);
}

/* ---- What the log says --------------------------------------------------------------------- */

#define LINES(columns, view)                                                                       \
    "SELECT coalesce(group_concat(line, ''), '') FROM (SELECT " columns                            \
    " || char(10) AS line FROM " view " WHERE run_id = '" STAGE_RUN "' ORDER BY position)"

#define SHORT(value)                                                                               \
    "CASE WHEN length(" value ") > 100 THEN typeof(" value ") || ' of ' || length(" value ")"      \
    " WHEN typeof(" value ") = 'real' THEN printf('%!.17g', " value ")"                            \
    " ELSE quote(" value ") END"

#define SINCE_START(time)                                                                          \
    "CASE WHEN " time " IS NULL THEN 'never'"                                                      \
    " ELSE CAST(round((julianday(" time ") - julianday('2026-01-01')) * 86400000) AS INTEGER) END"

static const char steps_query[] = LINES(
    "position || ' ' || kind || ' ' || name || ' ' || outcome || ' ' || " SHORT("value")
    " || ' /' || attempt",
    "durable_steps_view");

static const char pending_query[] = LINES(
    "position || ' ' || kind || ' ' || name || ' #' || attempts || ' wakes ' || "
    SINCE_START("wakes") " || ' ' || " SHORT("details") " || ' ' || quote(failure)",
    "durable_pending_view");

static const char run_query[] = "SELECT status || ' ' || iif(status = 'failed', failure, " SHORT(
    "output") ") FROM durable_runs_view WHERE id = '" STAGE_RUN "'";

/* Read by a client that has nothing to do with the log. */
static char *read_text(stage *it, const char *query)
{
    sqlite3 *db = it->by_worker ? it->host.other : it->host.db;
    sqlite3_stmt *statement = NULL;
    char *text;

    if (sqlite3_prepare_v2(db, query, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        print_error("%s: %s\n", query, sqlite3_errmsg(db));
    text = sqlite3_mprintf("%s", sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    assert_non_null(text);
    return text;
}

static void assert_text(const char *expected, char *actual, const char *file, int line)
{
    bool same = strcmp(expected, actual) == 0;

    if (!same) print_error("expected:\n%s\nbut it is:\n%s\n", expected, actual);
    sqlite3_free(actual);
    _assert_true(same, "as expected", file, line);
}

void stage_assert_story(stage *it, const char *story, const char *file, int line)
{
    assert_text(story, sqlite3_mprintf("%s", it->story.text), file, line);
}

void stage_assert_pending(stage *it, const char *rows, const char *file, int line)
{
    assert_text(rows, read_text(it, pending_query), file, line);
}

void stage_assert_steps(stage *it, const char *rows, const char *file, int line)
{
    assert_text(rows, read_text(it, steps_query), file, line);
}

/* ---- The end ------------------------------------------------------------------------------- */

static void assert_run(stage *it, dur_status status, const char *said, const char *file, int line)
{
    char *row = read_text(it, run_query);

    if (status == DUR_RUN_FAILED) {
        host_assert_has(row, "failed ", file, line);
        host_assert_has(row, said, file, line);
        sqlite3_free(row);
    } else {
        char *expected = sqlite3_mprintf("completed %s", said);

        assert_text(expected, row, file, line);
        sqlite3_free(expected);
    }
}

static void assert_nobody_holds_it(stage *it, const char *file, int line)
{
    stage_assert_pending(it, "", file, line);
    assert_int_equal(0, host_number(it->host.db, "SELECT count(owner) FROM durable_runs_view"));
    assert_int_equal(0, host_number(it->host.db, "SELECT count(wakes) FROM durable_runs_view"));
    if (it->by_worker) assert_int_equal(-1, work(it));
}

/* Law 4, and what replay is for: the recorded outcomes lead to the same end, and no body runs. */
static void replay_all(stage *it, int expected)
{
    int passes = it->passes, bodies = it->bodies;

    stage_restart(it);
    assert_code(expected, execute(it), it->log);
    assert_int_equal(passes, it->passes);
    host_run(it->host.db,
             "UPDATE durable_runs SET status = 1, ended = NULL WHERE id = '" STAGE_RUN "'");
    assert_code(expected, execute(it), it->log);
    assert_int_equal(passes + 1, it->passes);
    assert_int_equal(bodies, it->bodies);
}

void stage_assert_end(stage *it, dur_status status, const char *said, const char *rows,
                      const char *file, int line)
{
    for (int again = 0; again < 2; again++) {
        assert_run(it, status, said, file, line);
        stage_assert_steps(it, rows, file, line);
        assert_nobody_holds_it(it, file, line);
        if (again == 0) replay_all(it, status == DUR_COMPLETED ? DUR_OK : DUR_FAILED);
    }
}
