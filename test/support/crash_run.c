/* test/support: a run whose process is killed, and the book that outlives it. */
#if defined(__unix__) || defined(__APPLE__)

#include "support/crash_run.h"

#include "support/fault_vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define LARGE_BYTES 10000
#define FINAL_OUTPUT "3 steps, 10000 bytes, caught: no paper"

static const char *const step_names[CRASH_STEPS] = {"first",  "text",   "large", "fails",
                                                    "second", "open-a", "open-b"};

/* ---- The workflow -------------------------------------------------------------------------- */

/* The body's effect on the world: one number drawn, for ever. */
static int64_t draw(crash_book *book, int at)
{
    crash_step *step = &book->steps[at];
    int64_t number = ++book->draws;

    if (step->seen) step->executed_after++;
    if (step->executed < CRASH_EXECUTIONS_MAX) step->drawn[step->executed] = number;
    step->executed++;
    return number;
}

/* The library said that the step is recorded with this value. */
static void see(crash_book *book, int at, int64_t value)
{
    crash_step *step = &book->steps[at];

    if (step->seen && step->value != value) step->changes_of_value++;
    step->value = value;
    step->seen = true;
}

static int64_t number_in(const char *text)
{
    return text ? strtoll(text, NULL, 10) : 0;
}

/* Text that begins with the number drawn, `size` bytes long. */
static char *numbered_text(int64_t number, int size)
{
    char *text = malloc((size_t)size + 1);

    if (!text) abort();
    memset(text, '.', (size_t)size);
    text[size] = '\0';
    text[snprintf(text, (size_t)size, "%lld", (long long)number)] = ' ';
    return text;
}

static void macro_steps(dur_run *run, crash_book *book, size_t *length)
{
    int64_t number = 0;
    const char *text = NULL;
    const char *large = NULL;

    DUR_STEP (run, "first", number)
        number = draw(book, 0);
    if (dur_ok(run)) see(book, 0, number);
    DUR_STEP (run, "text", text)
        text = dur_own(run, numbered_text(draw(book, 1), 100), free);
    if (dur_ok(run)) see(book, 1, number_in(text));
    DUR_STEP (run, "large", large)
        large = dur_own(run, numbered_text(draw(book, 2), LARGE_BYTES), free);
    if (dur_ok(run)) see(book, 2, number_in(large));
    *length = large ? strlen(large) : 0;
}

static void failing_step(dur_run *run, crash_book *book, char *caught, size_t size)
{
    const char *message;

    DUR_STEP (run, "fails")
        dur_fail(run, "%lld no paper", (long long)draw(book, 3));
    message = dur_catch(run);
    if (!message) return;
    see(book, 3, number_in(message));
    snprintf(caught, size, "%s", strchr(message, ' ') + 1);
}

/* Two steps open at once, recorded in the other order. */
static void open_steps(dur_run *run, crash_book *book)
{
    dur_step *steps[2] = {NULL, NULL};
    int64_t numbers[2] = {0, 0};
    int codes[2] = {0, 0};

    for (int i = 0; i < 2; i++) {
        codes[i] = dur_begin_step(run, step_names[5 + i], NULL, &steps[i]);
        if (codes[i] == DUR_EXECUTE)
            numbers[i] = draw(book, 5 + i);
        else if (codes[i] == DUR_REPLAYED)
            numbers[i] = dur_step_value(steps[i]).as.integer;
        else
            return;
    }
    for (int i = 1; i >= 0; i--)
        if (codes[i] == DUR_REPLAYED || dur_record_result(steps[i], dur_integer(numbers[i])) == 0)
            see(book, 5 + i, numbers[i]);
}

static int crash_workflow(dur_run *run, void *user)
{
    crash_book *book = user;
    char caught[64] = "";
    char output[128];
    size_t length = 0;
    int64_t number = 0;

    macro_steps(run, book, &length);
    failing_step(run, book, caught, sizeof caught);
    DUR_STEP (run, "second", number)
        number = draw(book, 4);
    if (dur_ok(run)) see(book, 4, number);
    open_steps(run, book);
    snprintf(output, sizeof output, "3 steps, %d bytes, caught: %s", (int)length, caught);
    return dur_ok(run) && dur_set_output(run, dur_text(output)) == DUR_OK ? 0 : 1;
}

/* ---- The child ----------------------------------------------------------------------------- */

static void count_sleep(int64_t duration_ms, void *user)
{
    crash_book *book = user;

    book->sleeps++;
    sqlite3_sleep((int)duration_ms);
}

static int open_database(const crash_book *book, sqlite3 **db)
{
    char sql[100];
    int code = fault_vfs_register();

    if (code == SQLITE_OK)
        code = sqlite3_open_v2(book->here.path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                               FAULT_VFS_NAME);
    snprintf(sql, sizeof sql, "PRAGMA journal_mode = %s; PRAGMA synchronous = NORMAL",
             book->journal_mode);
    return code == SQLITE_OK ? sqlite3_exec(*db, sql, NULL, NULL, NULL) : code;
}

static void execute(crash_book *book, dur_log *log)
{
    dur_value output;

    book->code = dur_execute(log, "crash", CRASH_ID, NULL, crash_workflow, book);
    output = dur_output(log);
    if (book->code == DUR_OK && output.type == DUR_TEXT)
        snprintf(book->output, sizeof book->output, "%s", (const char *)output.as.bytes);
}

int crash_child(void *user)
{
    crash_book *book = user;
    dur_options options = DUR_OPTIONS_INIT;
    sqlite3 *db = NULL;
    dur_log *log = NULL;
    int code;

    options.sleep = count_sleep;
    options.user = book;
    fault_vfs_reset();
    if (book->kill_at > 0) fault_vfs_arm_kill(FAULT_ALL, book->kill_at);
    code = open_database(book, &db);
    if (code != SQLITE_OK) {
        book->code = DUR_DATABASE;
        snprintf(book->message, sizeof book->message, "host: %s", sqlite3_errmsg(db));
        sqlite3_close(db);
        return 2;
    }
    book->code = dur_open(db, &options, &log);
    if (book->code == DUR_OK) execute(book, log);
    snprintf(book->message, sizeof book->message, "%s", dur_errmsg(log));
    dur_close(log);
    if (sqlite3_close(db) != SQLITE_OK) return 3;
    return book->code == DUR_OK ? 0 : 1;
}

/* ---- The oracle ---------------------------------------------------------------------------- */

static int64_t ask(const crash_book *book, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t answer = -1;

    if (sqlite3_open(book->here.path, &db) == SQLITE_OK &&
        sqlite3_busy_timeout(db, 5000) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return answer;
}

int64_t crash_recorded(const crash_book *book)
{
    return ask(book, "SELECT count(*) FROM durable_steps");
}

static int expect(bool holds, const char *where, const char *law, const char *name)
{
    if (!holds) fprintf(stderr, "BROKEN %s: %s%s%s\n", where, name, name[0] ? ": " : "", law);
    return !holds;
}

static bool was_drawn(const crash_step *step, int64_t number)
{
    for (int i = 0; i < step->executed && i < CRASH_EXECUTIONS_MAX; i++)
        if (step->drawn[i] == number) return true;
    return false;
}

/* The number in the row: an integer, or what text begins with. */
static int64_t recorded_number(const crash_book *book, const char *name)
{
    char sql[200];

    snprintf(sql, sizeof sql, "SELECT CAST(value AS INTEGER) FROM durable_steps WHERE name = '%s'",
             name);
    return ask(book, sql);
}

static int check_step(const crash_book *book, int at, const char *where)
{
    const crash_step *step = &book->steps[at];
    const char *name = step_names[at];
    int64_t recorded = recorded_number(book, name);
    int broken = 0;

    broken += expect(step->executed >= 1, where, "its effect never happened", name);
    broken += expect(was_drawn(step, recorded), where,
                     "the recorded value is of no execution that happened", name);
    broken += expect(step->seen && step->value == recorded, where,
                     "the value seen is not the recorded one", name);
    broken += expect(step->executed_after == 0, where, "ran again after it was recorded", name);
    broken += expect(step->changes_of_value == 0, where, "a recorded value changed", name);
    return broken;
}

int crash_check(const crash_book *book, const char *where)
{
    int broken = 0;

    broken += expect(strcmp(book->output, FINAL_OUTPUT) == 0, where,
                     "another output than that of an undisturbed run", book->output);
    broken +=
        expect(crash_recorded(book) == CRASH_STEPS, where, "not every step is recorded once", "");
    broken += expect(ask(book, "SELECT count(DISTINCT name) FROM durable_steps") == CRASH_STEPS,
                     where, "a step is missing", "");
    broken += expect(ask(book, "SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1,
                     where, "integrity_check", "");
    for (int at = 0; at < CRASH_STEPS; at++)
        broken += check_step(book, at, where);
    return broken;
}

/* ---- Files --------------------------------------------------------------------------------- */

void crash_book_reset(crash_book *book)
{
    crash_book empty;

    memset(&empty, 0, sizeof empty);
    empty.here = book->here;
    empty.journal_mode = book->journal_mode;
    *book = empty;
    place_clear(book->here.path);
}

#else
typedef int crash_run_needs_posix;
#endif
