/* test/compat: law 10, the recordings of earlier versions: opened, checked, exported, imported, and
 * gone on with. How they were made, and where new ones come from: make_golden.c. */
#include <durable_cmocka.h>

#include "golden.h"

#include <stdlib.h>

#include "support/host.h"

static const char *const versions[] = {"0.1.0"};
static const char *const recordings[] = {"order", "everything"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Files ---- */

typedef struct recording {
    const char *name;
    char db[512], text[512];
} recording;

/* Each recording of each version. */
static void each(void (*act)(recording *it))
{
    recording it;

    for (size_t i = 0; i < COUNT(versions) * COUNT(recordings); i++) {
        const char *folder = versions[i / COUNT(recordings)];

        it.name = recordings[i % COUNT(recordings)];
        snprintf(it.db, sizeof it.db, "%s/test/compat/golden/%s/%s.db", DUR_SOURCE_DIR, folder,
                 it.name);
        snprintf(it.text, sizeof it.text, "%s/test/compat/golden/%s/%s.jsonl", DUR_SOURCE_DIR,
                 folder, it.name);
        act(&it);
    }
}

typedef struct buffer {
    char *bytes;
    size_t length;
} buffer;

static buffer read_whole(const char *path)
{
    buffer whole = {NULL, 0};

    whole.bytes = (char *)host_file(path, &whole.length);
    assert_non_null(whole.bytes);
    assert_true(whole.length > 0);
    return whole;
}

static void assert_same_bytes(buffer expected, buffer found)
{
    size_t at = 0, line = 1;

    for (; at < expected.length && at < found.length; at++) {
        if (expected.bytes[at] != found.bytes[at]) break;
        if (expected.bytes[at] == '\n') line++;
    }
    if (at == expected.length && at == found.length) return;
    print_error("they differ in line %zu\n", line);
    for (; at > 0 && expected.bytes[at - 1] != '\n'; at--) continue;
    print_error("expected: %.*s\n", (int)strcspn(expected.bytes + at, "\n"), expected.bytes + at);
    print_error("found:    %.*s\n", (int)strcspn(found.bytes + at, "\n"), found.bytes + at);
    fail();
}

/* A world of its own, in memory. */
static void open_world(golden *world, dur_options *options)
{
    sqlite3 *db;

    assert_int_equal(SQLITE_OK, sqlite3_open(":memory:", &db));
    golden_init(world, db, options);
}

static void open_log(golden *world, const dur_options *options, dur_log **log)
{
    int code = golden_open(world, options, log);

    assert_code(DUR_OK, code, *log);
}

static void close_world(golden *world, dur_log *log)
{
    dur_close(log);
    assert_int_equal(SQLITE_OK, sqlite3_close(world->db));
}

static int append(const char *line, size_t length, void *user)
{
    buffer *to = user;

    to->bytes = realloc(to->bytes, to->length + length + 1);
    assert_non_null(to->bytes);
    memcpy(to->bytes + to->length, line, length);
    to->length += length;
    to->bytes[to->length] = '\0';
    return 0;
}

static void assert_exports(dur_log *log, const char *path)
{
    buffer expected = read_whole(path), found = {NULL, 0};

    assert_code(DUR_OK, dur_export(log, NULL, NULL, append, &found), log);
    assert_same_bytes(expected, found);
    free(expected.bytes);
    free(found.bytes);
}

/* ---- Only looked at ---- */

static bool has_words_of_the_recordings(void)
{
    const uint16_t one = 1;

    return *(const unsigned char *)&one == 1 && sizeof(void *) == 8;
}

/* An object is of its machine; one run was parked because it does not fit; and what was ended from
 * outside would go on. */
static dur_verdict verdict_for(const char *id, const char *status)
{
    bool ended = strcmp(status, "suspended") && strcmp(status, "running") &&
                 strcmp(status, "parked") && strcmp(status, "terminated");

    if (strcmp(id, "diverged") == 0) return DUR_DIVERGES;
    if (strcmp(id, "object") == 0 && !has_words_of_the_recordings()) return DUR_DIVERGES;
    return ended ? DUR_FITS_ENDED : DUR_FITS_SO_FAR;
}

static void check_run(dur_log *log, golden *world, const char *id, const char *workflow,
                      const char *status)
{
    dur_check_options options = DUR_CHECK_OPTIONS_INIT;
    dur_report *report = NULL;

    options.run_id = id;
    options.strictness = DUR_CHECK_SIZES;
    dur_replay_check(log, workflow, &options, golden_find(workflow), world, &report);
    if (dur_report_verdict(report) != verdict_for(id, status)) {
        print_error("run \"%s\" (%s): %s\n%s\n", id, status, dur_errmsg(log),
                    dur_report_text(report));
        fail();
    }
    dur_free_report(report);
}

static void check_runs(dur_log *log, golden *world)
{
    sqlite3_stmt *runs = NULL;
    int count = 0;

    assert_int_equal(SQLITE_OK,
                     sqlite3_prepare_v2(world->db, "SELECT id, workflow, status FROM"
                                                   " durable_runs_view WHERE queue <> ''",
                                        -1, &runs, NULL));
    for (; sqlite3_step(runs) == SQLITE_ROW; count++)
        check_run(log, world, (const char *)sqlite3_column_text(runs, 0),
                  (const char *)sqlite3_column_text(runs, 1),
                  (const char *)sqlite3_column_text(runs, 2));
    sqlite3_finalize(runs);
    assert_true(count > 0);
    assert_int_equal(0, world->bodies);
}

static void look_at(recording *it)
{
    buffer before = read_whole(it->db), after;
    golden world;
    dur_options options;
    dur_log *log = NULL;
    sqlite3 *db;

    assert_int_equal(SQLITE_OK, sqlite3_open(it->db, &db));
    golden_init(&world, db, &options);
    options.read_only = true;
    open_log(&world, &options, &log);
    check_runs(log, &world);
    assert_exports(log, it->text);
    close_world(&world, log);
    after = read_whole(it->db);
    assert_same_bytes(before, after);
    free(before.bytes);
    free(after.bytes);
}

/* Law 10: they are opened, each run fits the functions that made it, and what is exported is what
 * was exported then; not a byte of the file changes. */
static void law10_recordings_are_read_as_they_were_written(void **state)
{
    (void)state;
    each(look_at);
}

static char *tables_of(sqlite3 *db)
{
    return host_rows(db, "SELECT sql FROM sqlite_schema WHERE name GLOB 'durable_*'"
                         " AND sql NOT NULL ORDER BY name");
}

/* Until a version is released its recordings are made anew whenever its tables change. */
static void compare_tables(recording *it)
{
    golden world;
    dur_options options;
    dur_log *log = NULL;
    sqlite3 *db;
    char *theirs, *ours;

    if (!strstr(it->db, "/" DUR_VERSION "/")) return;
    assert_int_equal(SQLITE_OK, sqlite3_open_v2(it->db, &db, SQLITE_OPEN_READONLY, NULL));
    open_world(&world, &options);
    open_log(&world, &options, &log);
    theirs = tables_of(db);
    ours = tables_of(world.db);
    assert_string_equal(ours, theirs);
    sqlite3_free(theirs);
    sqlite3_free(ours);
    sqlite3_close(db);
    close_world(&world, log);
}

static void recordings_of_this_version_have_its_tables(void **state)
{
    (void)state;
    each(compare_tables);
}

/* ---- Imported ---- */

static void import_it(recording *it)
{
    buffer text = read_whole(it->text);
    golden world;
    dur_options options;
    dur_log *log = dur_assert_recording(it->text);

    assert_exports(log, it->text);
    dur_close(log);
    open_world(&world, &options);
    open_log(&world, &options, &log);
    assert_code(DUR_OK, dur_import(log, text.bytes, text.length), log);
    check_runs(log, &world);
    assert_exports(log, it->text);
    close_world(&world, log);
    free(text.bytes);
}

/* Law 10: an exported log of an earlier version is the log that it was exported from. */
static void law10_exports_are_imported_as_they_were(void **state)
{
    (void)state;
    each(import_it);
}

/* ---- Gone on with ---- */

/* What each run of everything.db comes to, when its signals have come and its time has passed. */
static const char *const ends_of_everything =
    "row 'answered'|'completed'|0.25\n"
    "row 'before-the-patch'|'completed'|NULL\n"
    "row 'cancelled'|'cancelled'|NULL\n"
    "row 'cancelling'|'cancelled'|NULL\n"
    "row 'crowd'|'completed'|3\n"
    "row 'deadline'|'completed'|NULL\n"
    "row 'diverged'|'terminated'|NULL\n"
    "row 'doubt'|'completed'|0.75\n"
    "row 'family'|'completed'|5\n"
    "row 'family-again'|'completed'|5\n"
    "row 'family-again/5'|'completed'|5\n"
    "row 'family/4'|'completed'|'early'\n"
    "row 'family/5'|'completed'|5\n"
    "row 'gap'|'completed'|NULL\n"
    "row 'held'|'completed'|4711\n"
    "row 'later'|'completed'|5\n"
    "row 'meter'|'completed'|3\n"
    "row 'meter~1'|'continued'|NULL\n"
    "row 'meter~2'|'continued'|NULL\n"
    "row 'object'|'completed'|NULL\n"
    "row 'order-1'|'completed'|4711\n"
    "row 'order-1-again'|'completed'|18\n"
    "row 'patched'|'completed'|NULL\n"
    "row 'paused'|'completed'|5\n"
    "row 'terminated'|'terminated'|NULL\n"
    "row 'timed-out'|'timed out'|NULL\n"
    "row 'undone'|'failed'|NULL\n"
    "row 'values'|'completed'|'NaN'\n"
    "row 'waits'|'completed'|'granted'\n"
    ".";

/* What persons and other programs do. Each is done once, when its run has come so far. */
static void help(dur_log *log, golden *world)
{
    static const char *const goes[] = {"family/5",  "family/6", "family-again/4", "family-again/5",
                                       "family-again/6", "crowd/1/2", "cancelling", "deadline",
                                       "before-the-patch", "patched", "later", "paused"};

    for (size_t i = 0; i < COUNT(goes); i++) {
        dur_signal_options once = DUR_SIGNAL_OPTIONS_INIT;

        once.key = "help";
        dur_signal(log, goes[i], "go", dur_integer(5), &once);
    }
    dur_signal(log, "meter", "stop", dur_null(), NULL);
    dur_resolve_step(log, "doubt", 1, DUR_OK, dur_real(0.75), NULL);
    dur_resume(log, "paused");
    dur_terminate(log, "diverged", "nobody knows what it was");
    if (world->approval[0]) dur_complete_callback(log, world->approval, dur_text("granted"));
}

static void finish(recording *it, dur_log *log, golden *world)
{
    char *ends;

    for (int day = 0; day < 40; day++) {
        assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
        help(log, world);
        world->now_ms += GOLDEN_DAY_MS;
    }
    ends = host_rows(world->db, "SELECT id, status, output FROM durable_runs_view"
                                " WHERE queue <> '' ORDER BY id");
    if (strcmp(it->name, "everything") == 0) assert_string_equal(ends_of_everything, ends);
    sqlite3_free(ends);
    assert_int_equal(0, host_number(world->db, "SELECT count(*) FROM durable_runs_view"
                                               " WHERE ended IS NULL"));
    assert_int_equal(0, host_number(world->db, "SELECT count(*) FROM durable_pending_view"));
}

static void go_on_with_copy(recording *it)
{
    golden world;
    dur_options options;
    dur_log *log = NULL;
    sqlite3 *file;
    sqlite3_backup *backup;

    open_world(&world, &options);
    assert_int_equal(SQLITE_OK, sqlite3_open_v2(it->db, &file, SQLITE_OPEN_READONLY, NULL));
    backup = sqlite3_backup_init(world.db, "main", file, "main");
    assert_non_null(backup);
    assert_int_equal(SQLITE_DONE, sqlite3_backup_step(backup, -1));
    assert_int_equal(SQLITE_OK, sqlite3_backup_finish(backup));
    sqlite3_close(file);
    world.now_ms += 10 * GOLDEN_DAY_MS;
    open_log(&world, &options, &log);
    finish(it, log, &world);
    close_world(&world, log);
}

static void go_on_with_import(recording *it)
{
    golden world;
    dur_options options;
    dur_log *log = NULL;

    open_world(&world, &options);
    world.now_ms += 10 * GOLDEN_DAY_MS;
    open_log(&world, &options, &log);
    assert_code(DUR_OK, dur_import_file(log, it->text), log);
    finish(it, log, &world);
    close_world(&world, log);
}

/* Law 10: what was under way goes on to its end. */
static void law10_unfinished_runs_of_recordings_come_to_their_end(void **state)
{
    (void)state;
    each(go_on_with_copy);
    each(go_on_with_import);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law10_recordings_are_read_as_they_were_written),
        cmocka_unit_test(recordings_of_this_version_have_its_tables),
        cmocka_unit_test(law10_exports_are_imported_as_they_were),
        cmocka_unit_test(law10_unfinished_runs_of_recordings_come_to_their_end),
    };

    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
