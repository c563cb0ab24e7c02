/*
 * test/fuzz: any bytes as an exported log. Law 9: they are refused and nothing has changed, or what
 * was imported is exported, imported and exported again to the same bytes, read, visited, and
 * executed without a crash.
 *
 * The bytes are taken as they are, and as the lines between a right beginning and a right end,
 * which a fuzzer would have to count. All of it happens in a transaction that is rolled back.
 */
#include "durable.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void fail(const char *what, const char *why, const char *text)
{
    fprintf(stderr, "%s: %s\n%s\n", what, why, text ? text : "");
    abort();
}

/* ---- A log --------------------------------------------------------------------------------- */

typedef struct target {
    sqlite3 *db;
    dur_log *log;
} target;

static void say_nothing(const char *message, void *user)
{
    (void)message, (void)user;
}

static void target_open(target *it)
{
    dur_options options = DUR_OPTIONS_INIT;

    options.warn = say_nothing;
    if (sqlite3_open(":memory:", &it->db) != SQLITE_OK) fail("sqlite3_open()", "", NULL);
    if (dur_open(it->db, &options, &it->log) != DUR_OK)
        fail("dur_open()", dur_errmsg(it->log), NULL);
}

static void target_run(target *it, const char *sql)
{
    if (sqlite3_exec(it->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(sql, sqlite3_errmsg(it->db), NULL);
}

static int64_t target_rows(target *it)
{
    sqlite3_stmt *statement;
    int64_t rows = -1;

    if (sqlite3_prepare_v2(it->db,
                           "SELECT (SELECT count(*) FROM durable_runs)"
                           " + (SELECT count(*) FROM durable_steps)"
                           " + (SELECT count(*) FROM durable_pending)"
                           " + (SELECT count(*) FROM durable_signals)"
                           " + (SELECT count(*) FROM durable_queues)",
                           -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        rows = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return rows;
}

/* ---- Text ---------------------------------------------------------------------------------- */

typedef struct buffer {
    char *text;
    size_t length, size;
} buffer;

static int append(const char *line, size_t length, void *user)
{
    buffer *to = user;

    if (to->size - to->length < length + 1) {
        to->size = 2 * (to->size + length + 1);
        to->text = realloc(to->text, to->size);
        if (!to->text) abort();
    }
    if (length) memcpy(to->text + to->length, line, length);
    to->length += length;
    to->text[to->length] = '\0';
    return 0;
}

static buffer export_all(target *it, const char *imported)
{
    buffer text = {NULL, 0, 0};

    if (dur_export(it->log, NULL, NULL, append, &text) != DUR_OK)
        fail("what was imported cannot be exported", dur_errmsg(it->log), imported);
    return text;
}

/* ---- Living on ----------------------------------------------------------------------------- */

static int part(dur_run *run, void *user)
{
    (void)user;
    DUR_STEP(run, "one") {}
    return 0;
}

/* Asks for some of each kind; what the log holds may be anything. */
static int whole(dur_run *run, void *user)
{
    dur_step *callback = NULL, *child = NULL;
    dur_value value = dur_null();
    int64_t number = 0;
    const char *text = "";

    DUR_STEP(run, "one", number) { number = 1; }
    DUR_STEP(run, "two", text) { text = "2"; }
    if (dur_begin_callback(run, "three", NULL, &callback) != DUR_OK) return 0;
    if (dur_start_child(run, "four", "part", NULL, &child) != DUR_OK) return 0;
    if (dur_receive(run, "go", 1000, &value) != DUR_OK) dur_catch(run);
    if (dur_call(run, "pack", NULL, part, user, &value) != DUR_OK) dur_catch(run);
    if (!dur_patch(run, "new way")) return 0;
    if (dur_sleep(run, "five", 10) != DUR_OK) return 0;
    if (dur_await(callback, &value) != DUR_OK || dur_await(child, &value) != DUR_OK) return 0;
    return dur_set_output(run, value);
}

static int read_step(const dur_recorded_step *step, void *user)
{
    *(int64_t *)user += step->position + (int64_t)strlen(step->name) + (int64_t)strlen(step->kind);
    return 0;
}

static void live_on(target *it)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    int64_t sum = 0;
    int code = dur_read_run(it->log, "r", &info);

    if (code == DUR_OK) code = dur_visit_steps(it->log, "r", 0, read_step, &sum);
    if (code == DUR_OK) code = dur_execute(it->log, "w", "r", NULL, whole, NULL);
    if (code != DUR_NOT_FOUND && dur_errmsg(it->log)[0] == '\0' && code < 0)
        fail("an error without a message", dur_code_name(code), NULL);
}

/* ---- One input ----------------------------------------------------------------------------- */

static target first, second;

static void check_same(const buffer *text)
{
    buffer again;

    target_run(&second, "BEGIN");
    if (dur_import(second.log, text->text, text->length) != DUR_OK)
        fail("what was exported is not imported", dur_errmsg(second.log), text->text);
    again = export_all(&second, text->text);
    if (again.length != text->length || memcmp(again.text, text->text, text->length) != 0)
        fail("exported again it is another text", again.text, text->text);
    free(again.text);
    target_run(&second, "ROLLBACK");
}

static void try_text(const char *text, size_t length)
{
    int code;

    target_run(&first, "BEGIN");
    code = dur_import(first.log, text, length);
    if (sqlite3_get_autocommit(first.db)) fail("the host's transaction is over", "", NULL);
    if (code == DUR_OK) {
        buffer exported = export_all(&first, NULL);

        check_same(&exported);
        free(exported.text);
        live_on(&first);
    } else if (target_rows(&first) != 0) {
        fail("refused, and yet something is there", dur_errmsg(first.log), NULL);
    } else if (code != DUR_INVALID && code != DUR_VERSION_TOO_NEW && code != DUR_TOO_BIG) {
        fail("refused with another code", dur_errmsg(first.log), dur_code_name(code));
    }
    target_run(&first, "ROLLBACK");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    buffer text = {NULL, 0, 0};
    char end[48];
    long lines = 2;

    if (!first.log) target_open(&first), target_open(&second);
    append((const char *)bytes, size, &text);
    try_text(text.text, text.length);
    text.length = 0;
    append("{\"durable\":1}\n", 14, &text);
    append((const char *)bytes, size, &text);
    if (size && bytes[size - 1] != '\n') append("\n", 1, &text);
    for (size_t i = 14; i < text.length; i++) lines += text.text[i] == '\n';
    append(end, (size_t)snprintf(end, sizeof end, "{\"end\":%ld}\n", lines), &text);
    try_text(text.text, text.length);
    free(text.text);
    return 0;
}
