/*
 * test/crash: the law of steps that run at most once, by processes that are killed at random
 * instants between the intent and the record of such a step. The effect is a line in a file outside
 * the database, synced; however often its process dies, no step has it twice, and what the log says
 * of it is so. DUR_SEED gives the seed, DUR_AT_MOST_ONCE_KILLS the number of kills.
 */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "durable.h"
#include "support/fake_clock.h"
#include "support/place.h"
#include "support/process.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEPS 3
#define LINES_MAX 256
#define RUN_ID "the-run"
#define PASSES_MAX 40

/* Lies in memory that outlives the children. */
typedef struct book {
    place here;
    char effects[320];
    process_gate gate; /* opened when the first step is asked for that has no outcome yet */
    int in_doubt;      /* the policy */
    bool done[STEPS];  /* seen recorded */
    bool opened;
    int64_t opened_us, span_us; /* when; and how long it was to the step's record */
    int64_t draws;
    int doubts, done_doubts; /* steps that were found in doubt; whose effect was there */
    int code;
    char message[512];
} book_t;

/* A line of the file. */
typedef struct effect {
    int step;
    int64_t attempt, number;
} effect;

static book_t *book;
static const char *const step_names[STEPS] = {"charge", "ship", "thank"};

/* ---- The world outside ---------------------------------------------------------------------- */

static void have_effect(int step, int64_t attempt, int64_t number)
{
    char line[80];
    int length = snprintf(line, sizeof line, "%d %lld %lld\n", step, (long long)attempt,
                          (long long)number);
    int file = open(book->effects, O_WRONLY | O_APPEND | O_CREAT, 0600);

    if (file < 0 || write(file, line, (size_t)length) != length || fsync(file) != 0) abort();
    close(file);
}

static int read_effects(effect effects[LINES_MAX])
{
    FILE *file = fopen(book->effects, "r");
    long long attempt, number;
    int count = 0, step;

    if (!file) return 0;
    while (count < LINES_MAX && fscanf(file, "%d %lld %lld\n", &step, &attempt, &number) == 3)
        effects[count++] = (effect){step, attempt, number};
    fclose(file);
    return count;
}

/* What is known of this attempt; 0: it has had no effect. */
static int64_t look_for_effect(int step, int64_t attempt)
{
    effect effects[LINES_MAX];
    int count = read_effects(effects);

    for (int i = 0; i < count; i++)
        if (effects[i].step == step && effects[i].attempt == attempt) return effects[i].number;
    return 0;
}

/* ---- The workflow --------------------------------------------------------------------------- */

static void note_doubt(int64_t number)
{
    book->doubts++;
    if (number) book->done_doubts++;
}

static int verify(dur_step *step, void *user)
{
    int64_t number = look_for_effect((int)dur_step_position(step) - 1, dur_step_attempt(step));

    (void)user;
    note_doubt(number);
    if (number == 0) return DUR_EXECUTE;
    dur_record_result(step, dur_integer(number));
    return 0;
}

/* The window opens here. */
static void open_gate(int step)
{
    if (book->opened || book->done[step]) return;
    book->opened = true;
    book->opened_us = process_now_us();
    process_gate_open(&book->gate);
}

/* And here it closes. A step that was settled without its body took less. */
static void note_done(int step, bool executed)
{
    int64_t took_us = process_now_us() - book->opened_us;

    if (executed && !book->done[step]) book->span_us = took_us + 1;
    book->done[step] = true;
}

static int workflow(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_retry policy = DUR_RETRY_INIT;
    int64_t number = 0;

    (void)user;
    policy.initial_ms = 1;
    policy.jitter = DUR_JITTER_NONE;
    policy.coefficient = 1;
    options.mode = DUR_AT_MOST_ONCE;
    options.in_doubt = book->in_doubt;
    if (book->in_doubt == DUR_IN_DOUBT_VERIFY) options.verify = verify;
    if (book->in_doubt == DUR_IN_DOUBT_RETRY) options.retry = &policy;
    for (int i = 0; i < STEPS && dur_ok(run); i++) {
        bool executed = false;

        open_gate(i);
        DUR_STEP (run, step_names[i], number, &options) {
            dur_step *step = dur_current_step(run);

            executed = true;
            if (dur_step_last_failure(step)) book->doubts++;
            number = ++book->draws;
            have_effect(i, dur_step_attempt(step), number);
        }
        if (dur_catch(run)) book->doubts++;
        if (dur_ok(run)) note_done(i, executed);
    }
    return 0;
}

/* ---- A process ------------------------------------------------------------------------------ */

static int64_t ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t answer = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

/* A person looks at the parked run, and at the world: whatever the policy, so many processes may
 * have died in a row that the run is parked. The last answer may be in the log, too. */
static int answer_as_a_person(dur_log *log, sqlite3 *db)
{
    int64_t position = ask(db, "SELECT position FROM durable_pending_view");
    int64_t attempt = ask(db, "SELECT attempts + 1 FROM durable_pending_view");
    int64_t number;
    int code;

    if (position < 1) return DUR_OK;
    number = look_for_effect((int)position - 1, attempt);
    note_doubt(number);
    code = dur_resolve_step(log, RUN_ID, position, number ? DUR_OK : DUR_EXECUTE,
                            number ? dur_integer(number) : dur_null(), NULL);
    return code == DUR_ENDED ? DUR_OK : code;
}

static int execute(dur_log *log, sqlite3 *db)
{
    int code = DUR_PARKED;

    for (int i = 0; i < PASSES_MAX && code == DUR_PARKED; i++) {
        code = dur_execute(log, "pay", RUN_ID, NULL, workflow, NULL);
        if (code == DUR_PARKED && answer_as_a_person(log, db) != DUR_OK) break;
    }
    return code;
}

static int pay_child(void *user)
{
    dur_options options = DUR_OPTIONS_INIT;
    dur_log *log = NULL;
    sqlite3 *db = NULL;

    (void)user;
    options.sleep_max_ms = 1000;
    if (sqlite3_open(book->here.path, &db) != SQLITE_OK) return 2;
    if (sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK) return 2;
    book->code = dur_open(db, &options, &log);
    if (book->code == DUR_OK) book->code = execute(log, db);
    snprintf(book->message, sizeof book->message, "%s", dur_errmsg(log));
    dur_close(log);
    sqlite3_close(db);
    if (!book->opened) process_gate_open(&book->gate);
    return book->code == DUR_OK ? 0 : 1;
}

/* ---- The oracle ----------------------------------------------------------------------------- */

static void broken(int step, const char *law)
{
    fail_msg("BROKEN policy %d, step \"%s\": %s", book->in_doubt, step_names[step], law);
}

/* Of a step recorded as done its effect is there, once, with this number; of one that failed it may
 * be there. An attempt that is retried is another one. */
static void check_step(int step, const effect *effects, int count, sqlite3 *db)
{
    char sql[200];
    int64_t recorded, attempt;
    int times = 0;

    snprintf(sql, sizeof sql,
             "SELECT iif(outcome = 'result', value, 0) FROM durable_steps_view WHERE position = %d",
             step + 1);
    recorded = ask(db, sql);
    snprintf(sql, sizeof sql, "SELECT attempt FROM durable_steps_view WHERE position = %d",
             step + 1);
    attempt = ask(db, sql);
    if (recorded < 0) broken(step, "it has no outcome");
    for (int i = 0; i < count; i++) {
        if (effects[i].step != step) continue;
        for (int j = 0; j < i; j++)
            if (effects[j].step == step && effects[j].attempt == effects[i].attempt)
                broken(step, "an attempt had its effect twice");
        times++;
        if (effects[i].attempt == attempt && recorded && effects[i].number != recorded)
            broken(step, "another number is recorded");
    }
    if (book->in_doubt != DUR_IN_DOUBT_RETRY && times > 1) broken(step, "it ran twice");
    if (recorded && look_for_effect(step, attempt) == 0) broken(step, "it is done, but was not");
    if (book->in_doubt != DUR_IN_DOUBT_FAIL && !recorded) broken(step, "it has failed");
}

static void check(void)
{
    effect effects[LINES_MAX];
    int count = read_effects(effects);
    sqlite3 *db = NULL;

    assert_in_range(count, 0, LINES_MAX - 1);
    assert_int_equal(sqlite3_open(book->here.path, &db), SQLITE_OK);
    for (int step = 0; step < STEPS; step++) check_step(step, effects, count, db);
    assert_int_equal(ask(db, "SELECT count(*) FROM durable_pending"), 0);
    sqlite3_close(db);
}

/* ---- The storm ------------------------------------------------------------------------------ */

static int64_t number_from(const char *variable, int64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoll(text, NULL, 10) : otherwise;
}

static void begin_run(int in_doubt)
{
    place_clear(book->here.path);
    unlink(book->effects);
    memset(book->done, 0, sizeof book->done);
    book->in_doubt = in_doubt;
}

/* A process is killed at an instant between its asking for the step and the step's record, as long
 * as that took when it was last seen. */
static bool kill_one(fake_clock *chance)
{
    int64_t delay_us = (int64_t)(fake_clock_random(chance) % (uint64_t)book->span_us);
    process_end end;
    pid_t pid;

    book->opened = false;
    pid = process_start(pay_child, NULL);
    assert_true(process_gate_wait(&book->gate));
    end = process_kill_after(pid, delay_us);
    if (end.exited && end.code != 0) fail_msg("%s: %s", dur_code_name(book->code), book->message);
    return !end.exited;
}

/* How long a step takes that nobody disturbs. */
static void measure_span(void)
{
    process_end end;
    pid_t pid;

    begin_run(DUR_IN_DOUBT_PARK);
    book->opened = false;
    pid = process_start(pay_child, NULL);
    assert_true(process_gate_wait(&book->gate));
    end = process_wait(pid);
    assert_true(end.exited && end.code == 0);
    assert_true(book->span_us > 0);
    check();
}

static void no_step_has_its_effect_twice_however_often_its_process_is_killed(void **state)
{
    uint64_t seed = (uint64_t)number_from("DUR_SEED", process_now_us());
    int64_t wanted = number_from("DUR_AT_MOST_ONCE_KILLS", 300);
    int64_t kills = 0, runs = 0;
    fake_clock chance;

    (void)state;
    printf("crash: DUR_SEED=%llu DUR_AT_MOST_ONCE_KILLS=%lld\n", (unsigned long long)seed,
           (long long)wanted);
    fake_clock_init(&chance, seed);
    measure_span();
    while (kills < wanted) {
        begin_run((int)(runs++ % 4));
        while (kill_one(&chance)) kills++;
        check();
    }
    printf("crash: %lld runs, %lld kills, %d steps found in doubt (of those that were asked about,"
           " %d were done)\n",
           (long long)runs, (long long)kills, book->doubts, book->done_doubts);
    assert_true(book->doubts > 0);
}

/* ---- ---------------------------------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    book = process_share(sizeof *book);
    if (!book || !place_make(&book->here) || !process_gate_make(&book->gate)) return -1;
    snprintf(book->effects, sizeof book->effects, "%s/effects", book->here.directory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    place_remove(&book->here);
    process_gate_close(&book->gate);
    process_unshare(book, sizeof *book);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_step_has_its_effect_twice_however_often_its_process_is_killed),
    };

    return cmocka_run_group_tests_name("at most once", tests, setup, teardown);
}
