/*
 * durable_cmocka.h - assertions about recorded runs, for unit tests with cmocka (1.1.5 or later).
 *
 * Optional, and header only: it needs durable.h and cmocka, which it includes with what that needs.
 * It is C11, and C++11 or later. A recording is what dur_export_file() or dur_export_database() has
 * written: keep it beside the tests, and they tell whether the code of today goes on with the runs
 * of yesterday.
 *
 *     static void orders_of_last_year_go_on(void **state)
 *     {
 *         dur_assert_replays("fixtures/order-42.jsonl", order, *state);
 *     }
 *
 *     static void an_order_is_charged_and_shipped(void **state)
 *     {
 *         dur_log *log = dur_assert_recording("fixtures/order-42.jsonl");
 *
 *         (void)state;
 *         dur_assert_steps(log, "42", "charge", "ship", NULL);
 *         dur_assert_step_integer(log, "42", "charge", 1, 4711);
 *         dur_assert_status(log, "42", DUR_COMPLETED);
 *         dur_close(log);
 *     }
 *
 * An assertion that fails prints what it found, with the whole report where code and recording
 * disagree, and ends the test at the line where it stands. Each argument is evaluated once. cmocka
 * leaves a test by longjmp(), which must not leave a workflow: assert nothing within one.
 *
 * All of this is here since version 0.1.0.
 */
#ifndef DURABLE_CMOCKA_H
#define DURABLE_CMOCKA_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "durable.h"

#ifdef __cplusplus
extern "C" {
#endif
#include <cmocka.h>
#ifdef __cplusplus
}
#endif

/* ==== Code against recordings =============================================================== */

/*
 * The function fits the only run of the recording that is no child: all that is recorded, and the
 * end, where it has ended. No body is executed; `user` is given to the function.
 */
#define dur_assert_replays(path, fn, user)                                                         \
    dur_assert_replays_with(path, DUR_NIL_, DUR_NIL_, fn, user)

/* The same, of a workflow (NULL: whatever its name) and with a dur_check_options (NULL: none):
 * which run, how strictly, until where. */
#define dur_assert_replays_with(path, workflow, options, fn, user)                                 \
    dur_cmocka_replays_(path, workflow, options, fn, user, DUR_CMOCKA_HERE_)

/* The same, where the run has not ended, and the code goes on behind what is recorded: with this
 * position. */
#define dur_assert_goes_on_at(path, fn, user, position)                                            \
    dur_cmocka_goes_on_at_(path, fn, user, position, DUR_CMOCKA_HERE_)

/*
 * The function does not fit: at this position, by this change (a dur_change). For what is known to
 * be so, and shall stay known; and, with the same arguments as above, for checks with options.
 */
#define dur_assert_diverges(path, fn, user, position, change)                                      \
    dur_assert_diverges_with(path, DUR_NIL_, DUR_NIL_, fn, user, position, change)
#define dur_assert_diverges_with(path, workflow, options, fn, user, position, change)              \
    dur_cmocka_diverges_(path, workflow, options, fn, user, position, change, DUR_CMOCKA_HERE_)

/* Of a log that is open, such as that of a test bench: the run fits the function; all of its runs
 * that have not ended fit the functions that are registered, and none is unknown. */
#define dur_assert_log_replays(log, workflow, options, fn, user)                                   \
    dur_cmocka_log_replays_(log, workflow, options, fn, user, DUR_CMOCKA_HERE_)
#define dur_assert_all_replay(log) dur_cmocka_all_replay_(log, DUR_CMOCKA_HERE_)

/* ==== What is recorded ====================================================================== */

/* The log of a recording, in memory, to be closed by dur_close(). */
#define dur_assert_recording(path) dur_cmocka_recording_(path, DUR_CMOCKA_HERE_)

/* The run has recorded exactly these positions, whatever their kind, in this order: steps, waits,
 * children, patch markers, undo steps. The names end with NULL. */
#define dur_assert_steps(log, run_id, ...)                                                         \
    do {                                                                                           \
        const char *const dur_cmocka_names_[] = {__VA_ARGS__, DUR_NIL_};                           \
        dur_cmocka_steps_(log, run_id, dur_cmocka_names_, DUR_CMOCKA_HERE_);                       \
    } while (0)

/* How many positions of this name it has recorded: 0: none. */
#define dur_assert_step_count(log, run_id, name, count)                                            \
    dur_cmocka_count_(log, run_id, name, count, DUR_CMOCKA_HERE_)

/*
 * The nth position of this name, from 1 on, or the last one: -1, has this result, or this failure,
 * or timed out. Numbers are compared with their type, and bit for bit; an int, a bool and an enum
 * are integers, a float is a real.
 */
#define dur_assert_step_value(log, run_id, name, nth, value)                                       \
    dur_cmocka_step_(log, run_id, name, nth, DUR_OK, value, DUR_CMOCKA_HERE_)
#define dur_assert_step_null(log, run_id, name, nth)                                               \
    dur_assert_step_value(log, run_id, name, nth, dur_null())
#define dur_assert_step_integer(log, run_id, name, nth, integer)                                   \
    dur_assert_step_value(log, run_id, name, nth, dur_integer(integer))
#define dur_assert_step_real(log, run_id, name, nth, real)                                         \
    dur_assert_step_value(log, run_id, name, nth, dur_real(real))
#define dur_assert_step_text(log, run_id, name, nth, text)                                         \
    dur_assert_step_value(log, run_id, name, nth, dur_text(text))
#define dur_assert_step_blob(log, run_id, name, nth, bytes, length)                                \
    dur_assert_step_value(log, run_id, name, nth, dur_blob(bytes, length))
#define dur_assert_step_failed(log, run_id, name, nth, message)                                    \
    dur_cmocka_step_(log, run_id, name, nth, DUR_FAILED, dur_text(message), DUR_CMOCKA_HERE_)
#define dur_assert_step_timed_out(log, run_id, name, nth)                                          \
    dur_cmocka_step_(log, run_id, name, nth, DUR_TIMED_OUT, dur_null(), DUR_CMOCKA_HERE_)

/* The run has this status (a dur_status); this input; this output, and is completed; this failure,
 * or report, whatever it came to by it. */
#define dur_assert_status(log, run_id, status)                                                     \
    dur_cmocka_status_(log, run_id, status, DUR_CMOCKA_HERE_)
#define dur_assert_input(log, run_id, value)                                                       \
    dur_cmocka_input_(log, run_id, value, DUR_CMOCKA_HERE_)
#define dur_assert_output(log, run_id, value)                                                      \
    dur_cmocka_output_(log, run_id, value, DUR_CMOCKA_HERE_)
#define dur_assert_failure(log, run_id, message)                                                   \
    dur_cmocka_failure_(log, run_id, message, DUR_CMOCKA_HERE_)

/* ==== Under the assertions: nothing below is for direct use ================================= */

typedef struct dur_cmocka_place_ {
    const char *file;
    int line;
} dur_cmocka_place_;

static inline dur_cmocka_place_ dur_cmocka_here_(const char *file, int line)
{
    dur_cmocka_place_ place;

    place.file = file;
    place.line = line;
    return place;
}

#define DUR_CMOCKA_HERE_ dur_cmocka_here_(__FILE__, __LINE__)

/* A cast that pleases the strictest compiler of either language. */
#ifdef __cplusplus
#define DUR_CMOCKA_AS_(type, value) static_cast<type>(value)
#else
#define DUR_CMOCKA_AS_(type, value) ((type)(value))
#endif

/* ---- Words --------------------------------------------------------------------------------- */

enum {
    DUR_CMOCKA_PART_ = 900, /* cmocka prints the first 1023 bytes of what it is given at once */
    DUR_CMOCKA_SHOWN_ = 640,
    DUR_CMOCKA_EXCERPT_ = 120, /* bytes of a long value, with so many before a difference: */
    DUR_CMOCKA_BEFORE_ = 40,
    DUR_CMOCKA_ROWS_BEFORE_ = 5, /* rows of a table, around a difference */
    DUR_CMOCKA_ROWS_BEHIND_ = 12
};

/* Lines of text. */
static inline void dur_cmocka_tell_(const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        bool ends = length <= DUR_CMOCKA_PART_;

        if (!ends) length = DUR_CMOCKA_PART_;
        print_error("%.*s%s", DUR_CMOCKA_AS_(int, length), text, ends ? "\n" : "");
        text += length;
        if (*text == '\n') text++;
    }
}

static inline void dur_cmocka_add_(char *to, const char *text)
{
    size_t length = strlen(to);

    if (length < DUR_CMOCKA_SHOWN_ - 1) strncat(to, text, DUR_CMOCKA_SHOWN_ - 1 - length);
}

static inline void dur_cmocka_add_byte_(char *to, dur_type type, unsigned char byte)
{
    char text[8];

    if (type != DUR_TEXT) snprintf(text, sizeof text, "%02x", byte);
    else if (byte == '"' || byte == '\\') snprintf(text, sizeof text, "\\%c", byte);
    else if (byte < 0x20 || byte == 0x7f) snprintf(text, sizeof text, "\\x%02x", byte);
    else snprintf(text, sizeof text, "%c", byte);
    dur_cmocka_add_(to, text);
}

/* A part of a text or a blob, from a byte on. */
static inline void dur_cmocka_add_bytes_(char *to, dur_value value, size_t from)
{
    const unsigned char *bytes = DUR_CMOCKA_AS_(const unsigned char *, value.as.bytes);
    size_t end = from + DUR_CMOCKA_EXCERPT_;
    char size[48];

    if (end > value.length) end = value.length;
    dur_cmocka_add_(to, from > 0 ? "..." : "");
    dur_cmocka_add_(to, value.type == DUR_TEXT ? "\"" : "x'");
    for (size_t i = from; i < end; i++) dur_cmocka_add_byte_(to, value.type, bytes[i]);
    dur_cmocka_add_(to, value.type == DUR_TEXT ? "\"" : "'");
    dur_cmocka_add_(to, end < value.length ? "..." : "");
    snprintf(size, sizeof size, " (%s of %zu bytes)",
             value.type == DUR_TEXT   ? "text"
             : value.type == DUR_BLOB ? "blob"
                                      : "object",
             value.length);
    dur_cmocka_add_(to, size);
}

static inline void dur_cmocka_add_value_(char *to, dur_value value, size_t from)
{
    char text[80];

    if (value.type >= DUR_TEXT) {
        dur_cmocka_add_bytes_(to, value, from);
        return;
    }
    if (value.type == DUR_INTEGER)
        snprintf(text, sizeof text, "%" PRId64 " (integer)", value.as.integer);
    else if (value.type == DUR_UNSIGNED)
        snprintf(text, sizeof text, "%" PRIu64 " (unsigned)", value.as.unsigned_integer);
    else if (value.type == DUR_REAL)
        snprintf(text, sizeof text, "%.17g (real, %a)", value.as.real, value.as.real);
    else snprintf(text, sizeof text, "null");
    dur_cmocka_add_(to, text);
}

static inline void dur_cmocka_add_outcome_(char *to, int outcome, dur_value value, size_t from)
{
    if (outcome == DUR_TIMED_OUT) {
        dur_cmocka_add_(to, "timed out");
        return;
    }
    if (outcome == DUR_FAILED) dur_cmocka_add_(to, "failed: ");
    dur_cmocka_add_value_(to, value, from);
}

static inline const char *dur_cmocka_status_name_(dur_status status)
{
    static const char *const names[] = {"unknown",   "running",   "completed", "failed",
                                        "parked",    "suspended", "cancelled", "timed out",
                                        "continued", "terminated"};

    return status >= DUR_RUNNING && status <= DUR_RUN_TERMINATED ? names[status] : names[0];
}

static inline const char *dur_cmocka_change_name_(dur_change change)
{
    static const char *const names[] = {"DUR_CHANGE_UNKNOWN",  "DUR_CHANGE_INSERTED",
                                        "DUR_CHANGE_REMOVED",  "DUR_CHANGE_RENAMED",
                                        "DUR_CHANGE_REORDERED", "DUR_CHANGE_ENDED_EARLY",
                                        "DUR_CHANGE_RETYPED",  "DUR_CHANGE_INPUT",
                                        "DUR_CHANGE_OUTCOME"};

    return change >= DUR_CHANGE_UNKNOWN && change <= DUR_CHANGE_OUTCOME ? names[change] : "?";
}

/* A call that failed, in the log's own words. */
static inline void dur_cmocka_refuse_(const dur_log *log, const char *what, int code,
                                      dur_cmocka_place_ place)
{
    print_error("%s gave %s:\n", what, dur_code_name(code));
    dur_cmocka_tell_(dur_errmsg(log));
    _fail(place.file, place.line);
}

/* ---- Values -------------------------------------------------------------------------------- */

static inline bool dur_cmocka_same_(dur_value a, dur_value b)
{
    if (a.type != b.type) return false;
    if (a.type >= DUR_TEXT)
        return a.length == b.length &&
               (a.length == 0 || memcmp(a.as.bytes, b.as.bytes, a.length) == 0);
    return a.type == DUR_NULL || memcmp(&a.as, &b.as, sizeof a.as.integer) == 0;
}

/* Where two texts or blobs differ first; else 0. */
static inline size_t dur_cmocka_difference_(dur_value a, dur_value b)
{
    const unsigned char *left, *right;
    size_t at = 0;

    if (a.type < DUR_TEXT || b.type < DUR_TEXT) return 0;
    left = DUR_CMOCKA_AS_(const unsigned char *, a.as.bytes);
    right = DUR_CMOCKA_AS_(const unsigned char *, b.as.bytes);
    while (at < a.length && at < b.length && left[at] == right[at]) at++;
    return at;
}

/* Both sides, one below the other. */
static inline void dur_cmocka_tell_both_(int outcome, dur_value expected, int recorded_outcome,
                                         dur_value recorded)
{
    size_t at = dur_cmocka_difference_(expected, recorded);
    size_t from = at > DUR_CMOCKA_BEFORE_ ? at - DUR_CMOCKA_BEFORE_ : 0;
    char shown[DUR_CMOCKA_SHOWN_] = "";

    dur_cmocka_add_outcome_(shown, outcome, expected, from);
    print_error("    expected: %s\n", shown);
    shown[0] = '\0';
    dur_cmocka_add_outcome_(shown, recorded_outcome, recorded, from);
    print_error("    recorded: %s\n", shown);
    if (at > 0) print_error("    they differ from byte %zu on\n", at);
}

/* ---- Replay checks ------------------------------------------------------------------------- */

/* What a check is to come to. */
typedef struct dur_cmocka_wish_ {
    dur_verdict verdict; /* DUR_FITS_ENDED stands for both that fit */
    int64_t position;
    dur_change change;
} dur_cmocka_wish_;

static inline dur_cmocka_wish_ dur_cmocka_wish_for_(dur_verdict verdict, int64_t position,
                                                    dur_change change)
{
    dur_cmocka_wish_ wish;

    wish.verdict = verdict;
    wish.position = position;
    wish.change = change;
    return wish;
}

static inline bool dur_cmocka_comes_true_(const dur_cmocka_wish_ *wish, const dur_report *report)
{
    const dur_divergence *divergence = dur_report_divergence(report);
    dur_verdict verdict = dur_report_verdict(report);

    if (wish->verdict == DUR_FITS_ENDED)
        return verdict == DUR_FITS_ENDED || verdict == DUR_FITS_SO_FAR;
    if (verdict != wish->verdict || dur_report_position(report) != wish->position) return false;
    return verdict != DUR_DIVERGES || (divergence && divergence->change == wish->change);
}

static inline void dur_cmocka_tell_wish_(const char *path, const dur_cmocka_wish_ *wish,
                                         const dur_report *report)
{
    const dur_divergence *divergence = dur_report_divergence(report);

    if (wish->verdict == DUR_FITS_ENDED)
        print_error("%s: the code does not fit what is recorded:\n", path);
    else if (wish->verdict == DUR_FITS_SO_FAR)
        print_error("%s: the code was expected to go on at position %" PRId64 ":\n", path,
                    wish->position);
    else
        print_error("%s: the code was expected to diverge at position %" PRId64 ", by %s%s%s:\n",
                    path, wish->position, dur_cmocka_change_name_(wish->change),
                    divergence ? ", and not by " : "",
                    divergence ? dur_cmocka_change_name_(divergence->change) : "");
    dur_cmocka_tell_(dur_report_text(report));
}

/* True: as it was wished. Else what is wrong has been told. */
static inline bool dur_cmocka_check_(dur_log *log, const char *path, const char *workflow,
                                     const dur_check_options *options, dur_workflow *fn, void *user,
                                     const dur_cmocka_wish_ *wish)
{
    dur_report *report = DUR_NIL_;
    int code = dur_replay_check(log, workflow, options, fn, user, &report);
    bool good = report && dur_cmocka_comes_true_(wish, report);

    if (report && !good) dur_cmocka_tell_wish_(path, wish, report);
    if (!report) {
        print_error("%s: the replay check gave %s:\n", path, dur_code_name(code));
        dur_cmocka_tell_(dur_errmsg(log));
    }
    dur_free_report(report);
    return good;
}

/* NULL: it could not be opened, and why has been told. */
static inline dur_log *dur_cmocka_open_(const char *path)
{
    dur_log *log = DUR_NIL_;
    int code = dur_open_recording(path, DUR_NIL_, &log);

    if (code == DUR_OK) return log;
    print_error("%s cannot be opened: %s:\n", path, dur_code_name(code));
    dur_cmocka_tell_(dur_errmsg(log));
    dur_close(log);
    return DUR_NIL_;
}

static inline void dur_cmocka_file_(const char *path, const char *workflow,
                                    const dur_check_options *options, dur_workflow *fn, void *user,
                                    const dur_cmocka_wish_ *wish, dur_cmocka_place_ place)
{
    dur_log *log = dur_cmocka_open_(path);
    bool good = log && dur_cmocka_check_(log, path, workflow, options, fn, user, wish);

    dur_close(log);
    if (!good) _fail(place.file, place.line);
}

static inline void dur_cmocka_replays_(const char *path, const char *workflow,
                                       const dur_check_options *options, dur_workflow *fn,
                                       void *user, dur_cmocka_place_ place)
{
    dur_cmocka_wish_ wish = dur_cmocka_wish_for_(DUR_FITS_ENDED, 0, DUR_CHANGE_UNKNOWN);

    dur_cmocka_file_(path, workflow, options, fn, user, &wish, place);
}

static inline void dur_cmocka_goes_on_at_(const char *path, dur_workflow *fn, void *user,
                                          int64_t position, dur_cmocka_place_ place)
{
    dur_cmocka_wish_ wish = dur_cmocka_wish_for_(DUR_FITS_SO_FAR, position, DUR_CHANGE_UNKNOWN);

    dur_cmocka_file_(path, DUR_NIL_, DUR_NIL_, fn, user, &wish, place);
}

static inline void dur_cmocka_diverges_(const char *path, const char *workflow,
                                        const dur_check_options *options, dur_workflow *fn,
                                        void *user, int64_t position, dur_change change,
                                        dur_cmocka_place_ place)
{
    dur_cmocka_wish_ wish = dur_cmocka_wish_for_(DUR_DIVERGES, position, change);

    dur_cmocka_file_(path, workflow, options, fn, user, &wish, place);
}

static inline void dur_cmocka_log_replays_(dur_log *log, const char *workflow,
                                           const dur_check_options *options, dur_workflow *fn,
                                           void *user, dur_cmocka_place_ place)
{
    dur_cmocka_wish_ wish = dur_cmocka_wish_for_(DUR_FITS_ENDED, 0, DUR_CHANGE_UNKNOWN);

    if (!dur_cmocka_check_(log, "the log", workflow, options, fn, user, &wish))
        _fail(place.file, place.line);
}

static inline void dur_cmocka_all_replay_(dur_log *log, dur_cmocka_place_ place)
{
    dur_report *report = DUR_NIL_;
    int code = dur_replay_check_all(log, DUR_NIL_, &report);
    bool good = code == DUR_OK && dur_report_count(report, DUR_UNKNOWN) == 0;

    if (!good) print_error("the functions do not fit all open runs of the log:\n");
    if (!good) dur_cmocka_tell_(report ? dur_report_text(report) : dur_errmsg(log));
    dur_free_report(report);
    if (!good) _fail(place.file, place.line);
}

static inline dur_log *dur_cmocka_recording_(const char *path, dur_cmocka_place_ place)
{
    dur_log *log = dur_cmocka_open_(path);

    if (!log) _fail(place.file, place.line);
    return log;
}

/* ---- Steps --------------------------------------------------------------------------------- */

/* Names that are expected, against the rows that are visited; the second time with a table. */
typedef struct dur_cmocka_table_ {
    const char *const *names; /* up to a NULL */
    size_t row;
    size_t expected;   /* names that have been met, one a row */
    size_t difference; /* the first row that differs */
    bool differs;
    bool shows;
} dur_cmocka_table_;

static inline bool dur_cmocka_is_shown_(const dur_cmocka_table_ *table)
{
    return table->row + DUR_CMOCKA_ROWS_BEFORE_ >= table->difference &&
           table->row <= table->difference + DUR_CMOCKA_ROWS_BEHIND_;
}

static inline void dur_cmocka_show_row_(const dur_cmocka_table_ *table, const char *expected,
                                        const char *recorded)
{
    if (!dur_cmocka_is_shown_(table)) return;
    print_error("  %c %-28.200s %s\n", table->row == table->difference ? '>' : ' ',
                expected ? expected : "-", recorded);
}

static inline void dur_cmocka_show_step_(const dur_cmocka_table_ *table, const char *expected,
                                         const dur_recorded_step *step)
{
    char shown[DUR_CMOCKA_SHOWN_];

    snprintf(shown, sizeof shown, "%" PRId64 " %s \"%.200s\": ", step->position, step->kind,
             step->name);
    dur_cmocka_add_outcome_(shown, step->outcome, step->value, 0);
    dur_cmocka_show_row_(table, expected, shown);
}

static inline int dur_cmocka_row_(const dur_recorded_step *step, void *user)
{
    dur_cmocka_table_ *table = DUR_CMOCKA_AS_(dur_cmocka_table_ *, user);
    const char *expected = table->names[table->expected];

    if (table->shows) dur_cmocka_show_step_(table, expected, step);
    else if (!table->differs && (!expected || strcmp(expected, step->name) != 0)) {
        table->differs = true;
        table->difference = table->row;
    }
    if (expected) table->expected++;
    table->row++;
    return 0;
}

/* What is expected behind the last row. */
static inline void dur_cmocka_rest_(dur_cmocka_table_ *table)
{
    const char *expected = table->names[table->expected];

    if (!table->shows && !table->differs && expected) {
        table->differs = true;
        table->difference = table->row;
    }
    for (; table->shows && expected; expected = table->names[++table->expected], table->row++)
        dur_cmocka_show_row_(table, expected, "-");
    if (table->shows && table->row > table->difference + DUR_CMOCKA_ROWS_BEHIND_ + 1)
        print_error("    ... up to row %zu\n", table->row);
}

static inline void dur_cmocka_visit_(dur_cmocka_table_ *table, dur_log *log, const char *run_id,
                                     dur_cmocka_place_ place)
{
    int code;

    table->row = table->expected = 0;
    code = dur_visit_steps(log, run_id, 0, dur_cmocka_row_, table);
    if (code != DUR_OK) dur_cmocka_refuse_(log, "dur_visit_steps()", code, place);
    dur_cmocka_rest_(table);
}

static inline void dur_cmocka_steps_(dur_log *log, const char *run_id, const char *const *names,
                                     dur_cmocka_place_ place)
{
    dur_cmocka_table_ table;

    memset(&table, 0, sizeof table);
    table.names = names;
    dur_cmocka_visit_(&table, log, run_id, place);
    if (!table.differs) return;
    print_error("run \"%s\" has recorded other steps than expected:\n", run_id);
    print_error("    %-28s %s\n", "expected", "recorded");
    if (table.difference > DUR_CMOCKA_ROWS_BEFORE_) print_error("    ...\n");
    table.shows = true;
    dur_cmocka_visit_(&table, log, run_id, place);
    _fail(place.file, place.line);
}

/* One of the positions of a name. */
typedef struct dur_cmocka_wanted_ {
    const char *run_id;
    const char *name;
    int64_t nth; /* 0: they are only counted */
    int64_t met;
    int64_t count;
    int outcome;
    dur_value value;
    bool wrong;
} dur_cmocka_wanted_;

static inline void dur_cmocka_tell_step_(const dur_cmocka_wanted_ *wanted,
                                         const dur_recorded_step *step)
{
    print_error("run \"%s\", position %" PRId64 ", %s \"%s\"", wanted->run_id, step->position,
                step->kind, step->name);
    if (wanted->count > 1)
        print_error(", number %" PRId64 " of %" PRId64, wanted->met, wanted->count);
    if (step->site[0]) print_error(", %s", step->site);
    print_error(":\n");
    dur_cmocka_tell_both_(wanted->outcome, wanted->value, step->outcome, step->value);
}

static inline int dur_cmocka_compare_(const dur_recorded_step *step, void *user)
{
    dur_cmocka_wanted_ *wanted = DUR_CMOCKA_AS_(dur_cmocka_wanted_ *, user);

    if (strcmp(step->name, wanted->name) != 0 || ++wanted->met != wanted->nth) return 0;
    wanted->wrong =
        step->outcome != wanted->outcome || !dur_cmocka_same_(step->value, wanted->value);
    if (wanted->wrong) dur_cmocka_tell_step_(wanted, step);
    return 1;
}

static inline int64_t dur_cmocka_count_of_(dur_log *log, const char *run_id, const char *name,
                                           dur_cmocka_place_ place)
{
    dur_cmocka_wanted_ wanted;
    int code;

    memset(&wanted, 0, sizeof wanted);
    wanted.name = name;
    code = dur_visit_steps(log, run_id, 0, dur_cmocka_compare_, &wanted);
    if (code != DUR_OK) dur_cmocka_refuse_(log, "dur_visit_steps()", code, place);
    return wanted.met;
}

static inline void dur_cmocka_count_(dur_log *log, const char *run_id, const char *name,
                                     int64_t count, dur_cmocka_place_ place)
{
    int64_t found = dur_cmocka_count_of_(log, run_id, name, place);

    if (found == count) return;
    print_error("run \"%s\" has recorded \"%s\" %" PRId64 " times, not %" PRId64 "\n", run_id, name,
                found, count);
    _fail(place.file, place.line);
}

static inline void dur_cmocka_step_(dur_log *log, const char *run_id, const char *name, int64_t nth,
                                    int outcome, dur_value value, dur_cmocka_place_ place)
{
    dur_cmocka_wanted_ wanted;
    int code;

    memset(&wanted, 0, sizeof wanted);
    wanted.run_id = run_id;
    wanted.name = name;
    wanted.count = dur_cmocka_count_of_(log, run_id, name, place);
    wanted.nth = nth == -1 ? wanted.count : nth;
    wanted.outcome = outcome;
    wanted.value = value;
    if (wanted.nth < 1 || wanted.nth > wanted.count) {
        print_error("run \"%s\" has recorded \"%s\" %" PRId64 " times: there is no number %" PRId64
                    "\n",
                    run_id, name, wanted.count, nth);
        _fail(place.file, place.line);
    }
    code = dur_visit_steps(log, run_id, 0, dur_cmocka_compare_, &wanted);
    if (code != DUR_OK) dur_cmocka_refuse_(log, "dur_visit_steps()", code, place);
    if (wanted.wrong) _fail(place.file, place.line);
}

/* ---- Runs ---------------------------------------------------------------------------------- */

static inline dur_run_info dur_cmocka_info_(dur_log *log, const char *run_id,
                                            dur_cmocka_place_ place)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    int code = dur_read_run(log, run_id, &info);

    if (code != DUR_OK) dur_cmocka_refuse_(log, "dur_read_run()", code, place);
    return info;
}

static inline void dur_cmocka_tell_run_(const char *run_id, const dur_run_info *info)
{
    print_error("run \"%s\" is %s%s\n", run_id, dur_cmocka_status_name_(info->status),
                info->failure ? ":" : "");
    if (info->failure) dur_cmocka_tell_(info->failure);
}

static inline void dur_cmocka_status_(dur_log *log, const char *run_id, dur_status status,
                                      dur_cmocka_place_ place)
{
    dur_run_info info = dur_cmocka_info_(log, run_id, place);

    if (info.status == status) return;
    print_error("expected: %s; but ", dur_cmocka_status_name_(status));
    dur_cmocka_tell_run_(run_id, &info);
    _fail(place.file, place.line);
}

static inline void dur_cmocka_input_(dur_log *log, const char *run_id, dur_value value,
                                     dur_cmocka_place_ place)
{
    dur_run_info info = dur_cmocka_info_(log, run_id, place);

    if (dur_cmocka_same_(info.input, value)) return;
    print_error("run \"%s\" has another input:\n", run_id);
    dur_cmocka_tell_both_(DUR_OK, value, DUR_OK, info.input);
    _fail(place.file, place.line);
}

static inline void dur_cmocka_output_(dur_log *log, const char *run_id, dur_value value,
                                      dur_cmocka_place_ place)
{
    dur_run_info info;

    dur_cmocka_status_(log, run_id, DUR_COMPLETED, place);
    info = dur_cmocka_info_(log, run_id, place);
    if (dur_cmocka_same_(info.output, value)) return;
    print_error("run \"%s\" has another output:\n", run_id);
    dur_cmocka_tell_both_(DUR_OK, value, DUR_OK, info.output);
    _fail(place.file, place.line);
}

static inline void dur_cmocka_failure_(dur_log *log, const char *run_id, const char *message,
                                       dur_cmocka_place_ place)
{
    dur_run_info info = dur_cmocka_info_(log, run_id, place);

    if (info.failure && strcmp(info.failure, message) == 0) return;
    print_error("expected: failure \"%s\"; but ", message);
    dur_cmocka_tell_run_(run_id, &info);
    _fail(place.file, place.line);
}

#endif /* DURABLE_CMOCKA_H */
