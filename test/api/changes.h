/*
 * test/api: changes of code: what old code has recorded, met by new code, both living (on a copy of
 * the database) and in a replay check, which have to agree. A table of such changes is checked row
 * by row against what happens, and against what test/conformance/README.md says of it.
 */
#ifndef TEST_API_CHANGES_H
#define TEST_API_CHANGES_H

#include "api/script.h"

#include <stdio.h>
#include <stdlib.h>

#define CHANGED "order-42"

/* How the old code has left the run: at its end, without ending it; where it waits; ended. */
enum { CHANGE_OPEN = 0, CHANGE_WAITING = 1, CHANGE_ENDED = 2 };

typedef struct change {
    const char *name;
    dur_workflow *old, *new;
    int recorded;
    int strictness; /* of the check */
    int live;       /* what dur_execute() gives; an ended run is not executed */
    dur_verdict verdict;
    int64_t position; /* where it does not fit, or where the code would go on */
    dur_change change;
} change;

/* What the workflows of a table share. */
typedef struct changing {
    bool leaves;  /* at their end, without ending the run */
    dur_workflow *code;
    int bodies;
} changing;

/* A step without a value; one that counts its bodies. */
static inline void take(dur_run *run, void *user, const char *name)
{
    changing *it = user;

    DUR_STEP(run, name) { it->bodies++; }
}

/* Each letter a step, one after the other. */
static inline void take_all(dur_run *run, void *user, const char *letters)
{
    for (; *letters; letters++) {
        const char name[2] = {*letters, '\0'};

        take(run, user, name);
    }
}

/* What waits tells its code, which goes on asking here: so the class of a change can be told. */
static inline void heed(int code)
{
    (void)code;
}

static inline int run_changing(dur_run *run, void *user)
{
    changing *it = user;
    int result = it->code(run, user);

    if (it->leaves) dur_stop(run, "left");
    return result;
}

static inline int execute_changing(dur_log *log, dur_workflow *code, bool leaves, changing *it)
{
    memset(it, 0, sizeof *it);
    it->code = code;
    it->leaves = leaves;
    return dur_execute(log, "order", CHANGED, NULL, run_changing, it);
}

#define CODE(name) static int name(dur_run *run, void *user)

/* For the tables. */
#define OPEN CHANGE_OPEN
#define WAITING CHANGE_WAITING
#define ENDED CHANGE_ENDED
#define NAMES DUR_CHECK_NAMES
#define DIVERGES(at, class) DUR_DIVERGED, DUR_DIVERGES, at, DUR_CHANGE_##class
#define DIVERGES_ENDED(at, class) DUR_OK, DUR_DIVERGES, at, DUR_CHANGE_##class
#define FITS(at) DUR_OK, DUR_FITS_SO_FAR, at, 0
#define FITS_ENDED DUR_OK, DUR_FITS_ENDED, 0, 0

/* ---- Recording, and a copy ---- */

static inline void record_old(const change *row, dur_log *log)
{
    static const int expected[] = {DUR_STOPPED, DUR_SUSPENDED, DUR_OK};
    changing it;

    assert_code(expected[row->recorded],
                execute_changing(log, row->old, row->recorded == CHANGE_OPEN, &it), log);
}

static inline sqlite3 *copy_of(sqlite3 *db)
{
    sqlite3_backup *backup;
    sqlite3 *copy = NULL;

    assert_int_equal(SQLITE_OK, sqlite3_open(":memory:", &copy));
    backup = sqlite3_backup_init(copy, "main", db, "main");
    assert_non_null(backup);
    assert_int_equal(SQLITE_DONE, sqlite3_backup_step(backup, -1));
    assert_int_equal(SQLITE_OK, sqlite3_backup_finish(backup));
    return copy;
}

/* ---- The two ways ---- */

static inline void tell_row(const change *row, const char *what, int64_t expected, int64_t found)
{
    if (expected == found) return;
    print_error("\"%s\": %s: expected %lld, found %lld\n", row->name, what, (long long)expected,
                (long long)found);
    fail();
}

/* In a copy whose waits are over. Law 5: where it diverges nothing runs, and nothing is written. */
static inline void assert_lives(const change *row, test_host *host)
{
    dur_options options = host_options(host);
    sqlite3 *copy = copy_of(host->db);
    const dur_divergence *report;
    dur_log *log = NULL;
    int64_t rows = host_number(copy, "SELECT count(*) FROM durable_steps");
    changing it;
    int code;

    assert_int_equal(DUR_OK, dur_open(copy, &options, &log));
    host->clock.now_ms += 86400000; /* its timers are over, and what it waits for is looked at */
    host_run(copy, "UPDATE durable_runs SET due = 0 WHERE status = 5");
    code = execute_changing(log, row->new, false, &it);
    host->clock.now_ms -= 86400000;
    tell_row(row, dur_errmsg(log), row->live, code);
    report = dur_get_divergence(log);
    if (code == DUR_DIVERGED || code == DUR_MISMATCH) {
        tell_row(row, "bodies of a diverged run", 0, it.bodies);
        tell_row(row, "rows of a diverged run", rows,
                 host_number(copy, "SELECT count(*) FROM durable_steps"));
        tell_row(row, "position", row->position, report->position);
        tell_row(row, report->text, row->change, report->change);
    } else {
        assert_null(report);
    }
    dur_close(log);
    sqlite3_close(copy);
}

static inline void assert_checked(const change *row, test_host *host, dur_log *log)
{
    dur_check_options options = DUR_CHECK_OPTIONS_INIT;
    char *before = host_log_rows(host->db, "main");
    const dur_divergence *divergence;
    dur_report *report = NULL;
    changing it = {false, row->new, 0};

    options.strictness = row->strictness;
    dur_replay_check(log, "order", &options, run_changing, &it, &report);
    assert_non_null(report);
    tell_row(row, dur_report_text(report), row->verdict, dur_report_verdict(report));
    tell_row(row, "position of the check", row->verdict == DUR_FITS_ENDED ? 0 : row->position,
             dur_report_position(report));
    divergence = dur_report_divergence(report);
    tell_row(row, dur_report_text(report), row->change, divergence ? divergence->change : 0);
    tell_row(row, "bodies in the check", 0, it.bodies);
    dur_free_report(report);
    assert_same(before, host_log_rows(host->db, "main"));
}

/* ---- The table for people: DUR_PRINT_CHANGES in the environment prints its rows ---- */

static inline const char *change_words(dur_change class)
{
    static const char *const words[] = {"unknown",   "inserted",    "removed",
                                        "renamed",   "reordered",   "ended early",
                                        "retyped",   "input",       "outcome"};

    return words[class];
}

static inline void print_row(const change *row, char *line, size_t size)
{
    static const char *const recorded[] = {"open", "waits", "ended"};
    static const char *const strictness[] = {"", ", inputs", ", sizes"};
    char verdict[64];

    if (row->verdict == DUR_DIVERGES)
        snprintf(verdict, sizeof verdict, "diverges at %d: %s", (int)row->position,
                 change_words(row->change));
    else if (row->verdict == DUR_FITS_ENDED)
        snprintf(verdict, sizeof verdict, "fits to its end");
    else
        snprintf(verdict, sizeof verdict, "fits so far, goes on at %d", (int)row->position);
    snprintf(line, size, "| %s | %s%s | %s | %s |\n", row->name, recorded[row->recorded],
             strictness[row->strictness], dur_code_name(row->live), verdict);
}

static inline void assert_written(const change *row)
{
    size_t size = 0;
    unsigned char *file = host_file(DUR_SOURCE_DIR "/test/conformance/README.md", &size);
    char *text = malloc(size + 1), line[256];

    assert_non_null(text);
    memcpy(text, file, size);
    text[size] = '\0';
    print_row(row, line, sizeof line);
    if (getenv("DUR_PRINT_CHANGES")) printf("%s", line);
    else assert_has(text, line);
    free(text);
    free(file);
}

static inline void assert_changes(const change *rows, size_t count, test_host *host)
{
    for (size_t i = 0; i < count; i++) {
        dur_log *log = host_log(host);

        host_run(host->db, "DELETE FROM durable_runs");
        record_old(&rows[i], log);
        assert_checked(&rows[i], host, log);
        assert_lives(&rows[i], host);
        assert_written(&rows[i]);
        dur_close(log);
    }
}

#endif
