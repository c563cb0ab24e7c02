/*
 * test/fault: laws 1, 3 and 9 of exports and imports: memory and files fail at the Nth call, N
 * rising, once and for good, and processes are killed there. What was exported is whole, or not
 * there; what was imported is there, or nothing of it; and without the fault it works. With
 * DUR_FAULT_ALL in the environment each allocation fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/exported.h"
#include "support/fault_alloc.h"
#include "support/fault_vfs.h"
#include "support/host.h"
#include "support/place.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The world ----------------------------------------------------------------------------- */

static place here;
static char *tour;               /* what is exported and imported */
static char jsonl[320], database[320]; /* files that hold it */
static char made[320];           /* a file that is exported to */

typedef struct world {
    sqlite3 *db;
    dur_log *log;
} world;

static int leaf(dur_run *run, void *user)
{
    (void)user;
    DUR_STEP(run, "measure") {}
    return dur_receive(run, "go", DUR_FOREVER, NULL) == DUR_OK ? 0 : 1;
}

static int walk(dur_run *run, void *user)
{
    static const unsigned char bytes[3000];
    dur_value blob = dur_null();
    dur_step *approval = NULL;

    DUR_STEP(run, "write", blob) { blob = dur_blob(bytes, sizeof bytes); }
    if (dur_begin_callback(run, "approval", NULL, &approval) != DUR_OK) return 0;
    if (dur_call(run, "inner", NULL, leaf, user, NULL) != DUR_OK) return 0;
    return dur_await(approval, NULL) == DUR_OK ? 0 : 1;
}

static void open_world(world *it)
{
    assert_int_equal(sqlite3_open_v2(here.path, &it->db,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, FAULT_VFS_NAME),
                     SQLITE_OK);
    assert_int_equal(dur_open(it->db, NULL, &it->log), DUR_OK);
}

static void close_world(world *it)
{
    dur_close(it->log);
    assert_int_equal(sqlite3_close(it->db), SQLITE_OK);
}

static void fill_world(world *it)
{
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;

    limits.max_active = 5;
    assert_code(DUR_OK, dur_serve_queue(it->log, "q", &limits), it->log);
    assert_code(DUR_SUSPENDED, dur_execute(it->log, "walk", "r", NULL, walk, NULL), it->log);
    assert_code(DUR_OK, dur_signal(it->log, "r", "hello", dur_text("world"), NULL), it->log);
}

static int setup(void **state)
{
    world it;

    (void)state;
    if (fault_vfs_register() != SQLITE_OK || !place_make_in_memory(&here)) return -1;
    sqlite3_vfs_register(sqlite3_vfs_find(FAULT_VFS_NAME), 1); /* for files of the library's own */
    snprintf(jsonl, sizeof jsonl, "%s/tour.jsonl", here.directory);
    snprintf(database, sizeof database, "%s/tour.db", here.directory);
    snprintf(made, sizeof made, "%s/made", here.directory);
    open_world(&it);
    fill_world(&it);
    tour = exported_text(it.log, NULL);
    assert_code(DUR_OK, dur_export_file(it.log, NULL, NULL, jsonl), it.log);
    assert_code(DUR_OK, dur_export_database(it.log, NULL, NULL, database), it.log);
    close_world(&it);
    place_clear(here.path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_vfs_reset();
    free(tour);
    place_remove(&here);
    return 0;
}

/* ---- What is done -------------------------------------------------------------------------- */

typedef struct doing {
    const char *name;
    bool full; /* the log is full before, and is not changed; else empty */
    int (*act)(world *it);
    bool makes;       /* the file `made` */
    bool opens;       /* a database, for which SQLite does not tell a lack of memory from others */
    int64_t stride;   /* of so many allocations one fails, as most are those of another doing */
} doing;

static int act_export(world *it)
{
    char *text;
    int code = exported_code(it->log, NULL, NULL, &text);

    if (code == DUR_OK) assert_string_equal(text, tour);
    free(text);
    return code;
}

static int act_export_file(world *it)
{
    return dur_export_file(it->log, NULL, NULL, made);
}

static int act_export_database(world *it)
{
    return dur_export_database(it->log, "r", NULL, made);
}

static int act_import(world *it)
{
    return exported_import(it->log, tour);
}

static int act_import_file(world *it)
{
    return dur_import_file(it->log, jsonl);
}

static int act_import_database(world *it)
{
    return dur_import_file(it->log, database);
}

static int open_recording(const char *path)
{
    char *text;
    dur_log *log;
    int code = dur_open_recording(path, NULL, &log), exported;

    if (code != DUR_OK && log) assert_true(dur_errmsg(log)[0] != '\0');
    if (code == DUR_OK) {
        exported = exported_code(log, NULL, NULL, &text);
        if (exported == DUR_OK) assert_string_equal(text, tour);
        else code = exported;
        free(text);
    }
    dur_close(log);
    return code;
}

static int act_open_text(world *it)
{
    (void)it;
    return open_recording(jsonl);
}

static int act_open_database(world *it)
{
    (void)it;
    return open_recording(database);
}

static const doing doings[] = {
    {"export", true, act_export, false, false, 1},
    {"export to a file", true, act_export_file, true, false, 9},
    {"export to a database", true, act_export_database, true, true, 11},
    {"import", false, act_import, false, false, 1},
    {"import of a file", false, act_import_file, false, false, 9},
    {"import of a database", false, act_import_database, false, true, 11},
    {"recording of a text", true, act_open_text, false, false, 13},
    {"recording of a database", true, act_open_database, false, true, 13},
};

/* The world before it. */
static void prepare(world *it, const doing *what)
{
    open_world(it);
    if (what->full) assert_code(DUR_OK, exported_import(it->log, tour), it->log);
}

/* What it came to: all or nothing; and it can be done again. `deletes` is false where no file can
 * be removed, also by who means well. */
static void judge(world *it, const doing *what, int code, bool deletes)
{
    int64_t runs;
    int again = DUR_OK;

    assert_int_equal(host_active_statements(it->db), 0);
    assert_true(sqlite3_get_autocommit(it->db));
    runs = host_number(it->db, "SELECT count(*) FROM durable_runs");
    if (what->full || code == DUR_OK) assert_int_equal(runs, 2);
    else assert_true(runs == 0 || runs == 2); /* a commit that failed may have been made */
    if (what->makes && (deletes || code == DUR_OK))
        assert_int_equal(access(made, F_OK) == 0, code == DUR_OK);
    place_clear(made);
    if (code != DUR_OK && (what->full || runs == 0)) again = what->act(it);
    if (again != DUR_OK) fail_msg("again: %s: %s", dur_code_name(again), dur_errmsg(it->log));
    if (what->full || code == DUR_OK || again == DUR_OK) {
        char *text = exported_text(it->log, NULL);

        assert_string_equal(text, tour);
        free(text);
    }
    place_clear(made);
}

static void clear(world *it)
{
    close_world(it);
    place_clear(here.path);
}

/* ---- Memory -------------------------------------------------------------------------------- */

static bool without_memory(const doing *what, int64_t nth, bool persistent)
{
    int64_t live = fault_alloc_live(), fired;
    world it;
    int code;

    prepare(&it, what);
    fault_alloc_arm(nth, persistent);
    code = what->act(&it);
    fault_alloc_disarm();
    fired = fault_alloc_fired();
    if (code != DUR_OK && code != DUR_NOMEM && !(what->opens && code == DUR_IOERR))
        fail_msg("%s, allocation %lld: %s: %s", what->name, (long long)nth, dur_code_name(code),
                 dur_errmsg(it.log));
    judge(&it, what, code, true);
    clear(&it);
    assert_int_equal(fault_alloc_live(), live);
    return fired > 0;
}

static void laws3_and_9_without_memory_it_is_done_or_not(void **state)
{
    const doing *what = *state;

    for (int persistent = 0; persistent < 2; persistent++) {
        const char *stride = getenv("DUR_FAULT_STRIDE");
        int64_t step = getenv("DUR_FAULT_ALL") ? 1 : what->stride * (persistent ? 4 : 1);
        int64_t nth = 1, trials = 0;

        if (stride) step *= atoll(stride);
        for (; without_memory(what, nth, persistent); nth += step) trials++;
        print_message("%s: %lld allocations of %lld failed, %s\n", what->name, (long long)trials,
                      (long long)nth, persistent ? "and all behind each" : "one at a time");
        assert_true(trials > 1);
    }
}

/* ---- Files --------------------------------------------------------------------------------- */

static bool may_be(int code)
{
    static const int codes[] = {DUR_OK, DUR_IOERR, DUR_FULL, DUR_BUSY, DUR_DATABASE, DUR_CORRUPT,
                                DUR_READONLY, DUR_INVALID, DUR_NOMEM};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i] == code) return true;
    return false;
}

static bool with_bad_files(const doing *what, unsigned operations, int sqlite_code, int64_t nth,
                           bool persistent)
{
    int64_t fired;
    world it;
    int code;

    prepare(&it, what);
    fault_vfs_arm(operations, sqlite_code, nth, persistent);
    code = what->act(&it);
    fired = fault_vfs_fired();
    fault_vfs_disarm();
    if (!may_be(code))
        fail_msg("%s, call %lld: %s: %s", what->name, (long long)nth, dur_code_name(code),
                 dur_errmsg(it.log));
    judge(&it, what, code, !(operations & FAULT_BIT(FAULT_DELETE)));
    clear(&it);
    return fired > 0;
}

static void laws3_and_9_with_bad_files_it_is_done_or_not(void **state)
{
    static const struct {
        unsigned operations;
        int code;
    } faults[] = {
        {FAULT_BIT(FAULT_OPEN), SQLITE_CANTOPEN},   {FAULT_BIT(FAULT_READ), SQLITE_IOERR_READ},
        {FAULT_BIT(FAULT_WRITE), SQLITE_FULL},      {FAULT_BIT(FAULT_WRITE), SQLITE_IOERR_WRITE},
        {FAULT_BIT(FAULT_SYNC), SQLITE_IOERR_FSYNC}, {FAULT_BIT(FAULT_DELETE), SQLITE_IOERR_DELETE},
        {FAULT_BIT(FAULT_COMMIT), SQLITE_IOERR},
    };
    const doing *what = *state;
    int64_t all = 0;

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        for (int persistent = 0; persistent < 2; persistent++) {
            int64_t nth = 1;

            while (with_bad_files(what, faults[i].operations, faults[i].code, nth, persistent))
                nth++;
            all += nth - 1;
        }
    }
    print_message("%s: %lld calls failed\n", what->name, (long long)all);
}

/* A disk that is full behind so many bytes, for what stdio writes. */
static void a_text_that_does_not_fit_leaves_no_file(void **state)
{
    struct rlimit before, limit;
    world it;

    (void)state;
    prepare(&it, &doings[1]);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (size_t most = 0; most < strlen(tour); most += 97) {
        int code;

        limit = before;
        limit.rlim_cur = most;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        code = dur_export_file(it.log, NULL, NULL, made);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_code(DUR_IOERR, code, it.log);
        assert_has(dur_errmsg(it.log), "cannot write");
        assert_int_not_equal(access(made, F_OK), 0);
    }
    assert_code(DUR_OK, dur_export_file(it.log, NULL, NULL, made), it.log);
    place_clear(made);
    clear(&it);
}

/* ---- Killed -------------------------------------------------------------------------------- */

/* True: it was killed. */
static bool killed_at(const doing *what, int64_t nth)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        world it;

        if (sqlite3_open_v2(here.path, &it.db, SQLITE_OPEN_READWRITE, FAULT_VFS_NAME) != SQLITE_OK)
            _exit(3);
        if (dur_open(it.db, NULL, &it.log) != DUR_OK) _exit(4);
        fault_vfs_arm_kill(FAULT_ALL, nth);
        _exit(what->act(&it) == DUR_OK ? 0 : 5);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) return true;
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

/* A file that is there after a death is whole, or is no log. */
static void judge_made(void)
{
    dur_log *log;
    char *text;
    int code;

    if (access(made, F_OK) != 0) return;
    code = dur_open_recording(made, NULL, &log);
    if (code == DUR_OK) {
        text = exported_text(log, NULL);
        assert_int_equal(strstr(text, "\"run\":\"r\"") != NULL,
                         strstr(text, "\"run\":\"r/3\"") != NULL);
        if (strstr(text, "{\"run\"")) assert_non_null(strstr(text, "\"hello\""));
        free(text);
    } else if (code != DUR_INVALID && code != DUR_READONLY) { /* it is to be rolled back first */
        fail_msg("%s: %s", dur_code_name(code), dur_errmsg(log));
    }
    dur_close(log);
    place_clear(made);
}

static void law3_killed_anywhere_it_is_done_or_not(void **state)
{
    const doing *what = *state;
    bool killed = true;
    int64_t nth;

    for (nth = 1; killed; nth++) {
        world it;
        int64_t runs;

        prepare(&it, what);
        close_world(&it);
        killed = killed_at(what, nth);
        judge_made();
        open_world(&it);
        runs = host_number(it.db, "SELECT count(*) FROM durable_runs");
        assert_true(runs == 2 || (runs == 0 && !what->full && killed));
        clear(&it);
    }
    print_message("%s: killed at %lld calls\n", what->name, (long long)nth - 2);
    assert_true(nth > 2);
}

int main(void)
{
    const size_t all = sizeof doings / sizeof doings[0];
    struct CMUnitTest tests[3 * sizeof doings / sizeof doings[0] + 1];
    size_t count = 0;

    for (size_t i = 0; i < all; i++) {
        void *what = (void *)(uintptr_t)&doings[i];

        tests[count++] = (struct CMUnitTest){
            doings[i].name, laws3_and_9_without_memory_it_is_done_or_not, NULL, NULL, what};
        tests[count++] = (struct CMUnitTest){
            doings[i].name, laws3_and_9_with_bad_files_it_is_done_or_not, NULL, NULL, what};
        if (!doings[i].full || doings[i].makes)
            tests[count++] = (struct CMUnitTest){
                doings[i].name, law3_killed_anywhere_it_is_done_or_not, NULL, NULL, what};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(a_text_that_does_not_fit_leaves_no_file);
    if (fault_alloc_install(false) != SQLITE_OK) return 1;
    return _cmocka_run_group_tests("exports and imports", tests, count, setup, teardown);
}
