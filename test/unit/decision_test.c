/* test/unit: what the log says to a request, and what a change of code is called. Both are pure:
 * these tests are tables. */
#include "engine/decision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- The decision ---- */

typedef struct decision_row {
    const char *what;
    int64_t recorded_position; /* 0: no row */
    int recorded_kind;
    const char *recorded_name;
    int64_t position;
    int kind;
    const char *name;
    durable_decision decision;
} decision_row;

static void the_decision_follows_from_history_and_request(void **state)
{
    static const decision_row rows[] = {
        {"no row is left", 0, 0, "", 1, 1, "charge", DURABLE_EXECUTE},
        {"no row is left, later", 0, 0, "", DUR_POSITION_MAX, 1, "charge", DURABLE_EXECUTE},
        {"the same step", 1, 1, "charge", 1, 1, "charge", DURABLE_REPLAY},
        {"the same step, at the end", DUR_POSITION_MAX, 1, "x", DUR_POSITION_MAX, 1, "x",
         DURABLE_REPLAY},
        {"another name", 1, 1, "charge", 1, 1, "ship", DURABLE_DIVERGE},
        {"another case", 1, 1, "charge", 1, 1, "Charge", DURABLE_DIVERGE},
        {"a longer name", 1, 1, "charge", 1, 1, "charge2", DURABLE_DIVERGE},
        {"a shorter name", 1, 1, "charge", 1, 1, "charg", DURABLE_DIVERGE},
        {"another kind", 1, 1, "charge", 1, 2, "charge", DURABLE_DIVERGE},
        {"a row only further on", 2, 1, "charge", 1, 1, "charge", DURABLE_GAP},
        {"a row only further on, of another name", 9, 1, "ship", 3, 1, "charge", DURABLE_GAP},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const decision_row *row = &rows[i];
        const durable_step_record recorded = {.position = row->recorded_position,
                                              .kind = row->recorded_kind,
                                              .name = row->recorded_name,
                                              .name_length = strlen(row->recorded_name)};
        const durable_request request = {row->position, row->kind, row->name, strlen(row->name)};
        durable_decision decision =
            durable_decide(row->recorded_position ? &recorded : NULL, &request);

        if (decision != row->decision) fail_msg("%s: decided %d", row->what, (int)decision);
    }
}

/* Names are compared by their lengths: neither side needs a NUL. */
static void names_in_a_decision_need_no_nul(void **state)
{
    const durable_step_record recorded = {
        .position = 1, .kind = 1, .name = "charge and more", .name_length = 6};
    const durable_request request = {1, 1, "charge it", 6};

    (void)state;
    assert_int_equal(durable_decide(&recorded, &request), DURABLE_REPLAY);
}

/* What waits at a position is held against the request like a row, but for its outcome. */
static void what_is_pending_goes_on_only_with_the_same_request(void **state)
{
    static const struct {
        const char *what;
        int pending_kind, kind;
        const char *pending_name, *name;
        durable_decision decision;
    } rows[] = {
        {"the same timer", DURABLE_KIND_TIMER, DURABLE_KIND_TIMER, "nap", "nap", DURABLE_EXECUTE},
        {"the same step", DURABLE_KIND_STEP, DURABLE_KIND_STEP, "nap", "nap", DURABLE_EXECUTE},
        {"another name", DURABLE_KIND_TIMER, DURABLE_KIND_TIMER, "nap", "nip", DURABLE_DIVERGE},
        {"a longer name", DURABLE_KIND_TIMER, DURABLE_KIND_TIMER, "nap", "naps", DURABLE_DIVERGE},
        {"a shorter name", DURABLE_KIND_TIMER, DURABLE_KIND_TIMER, "nap", "na", DURABLE_DIVERGE},
        {"a step for a timer", DURABLE_KIND_TIMER, DURABLE_KIND_STEP, "nap", "nap",
         DURABLE_DIVERGE},
        {"a receive for a select", DURABLE_KIND_SELECT, DURABLE_KIND_RECEIVE, "nap", "nap",
         DURABLE_DIVERGE},
        {"a callback for a receive", DURABLE_KIND_RECEIVE, DURABLE_KIND_CALLBACK, "nap", "nap",
         DURABLE_DIVERGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const durable_pending pending = {.position = 3,
                                         .kind = rows[i].pending_kind,
                                         .name = rows[i].pending_name,
                                         .name_length = strlen(rows[i].pending_name)};
        const durable_request request = {3, rows[i].kind, rows[i].name, strlen(rows[i].name)};
        durable_decision decision = durable_decide_pending(&pending, &request);

        if (decision != rows[i].decision)
            fail_msg("%s: decided %d", rows[i].what, (int)decision);
    }
}

/* ---- The class of a change ---- */

/* Steps as letters: each letter is one step's name. A capital letter is another kind. */
typedef struct change_row {
    const char *recorded;
    const char *requested;
    bool left_early;
    dur_change change;
} change_row;

static size_t evidence(const char *letters, durable_evidence *list)
{
    static const char names[26][2] = {"a", "b", "c", "d", "e", "f", "g", "h", "i",
                                      "j", "k", "l", "m", "n", "o", "p", "q", "r",
                                      "s", "t", "u", "v", "w", "x", "y", "z"};
    size_t count = strlen(letters);

    assert_true(count <= DURABLE_EVIDENCE_MAX);
    for (size_t i = 0; i < count; i++) {
        bool capital = letters[i] >= 'A' && letters[i] <= 'Z';

        list[i].kind = capital ? 2 : 1;
        list[i].name = names[letters[i] - (capital ? 'A' : 'a')];
    }
    return count;
}

static dur_change classify(const char *recorded, const char *requested, bool left_early)
{
    durable_evidence old[DURABLE_EVIDENCE_MAX], new[DURABLE_EVIDENCE_MAX];
    size_t old_count = evidence(recorded, old), new_count = evidence(requested, new);

    return durable_classify(old, old_count, new, new_count, left_early);
}

static void assert_classes(const change_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        dur_change change = classify(rows[i].recorded, rows[i].requested, rows[i].left_early);

        if (change != rows[i].change)
            fail_msg("recorded \"%s\", requested \"%s\": class %d, not %d", rows[i].recorded,
                     rows[i].requested, (int)change, (int)rows[i].change);
    }
}

#define ASSERT_CLASSES(rows) assert_classes(rows, sizeof(rows) / sizeof((rows)[0]))

static void a_new_step_before_the_recorded_one_is_inserted(void **state)
{
    static const change_row rows[] = {
        {"abcd", "xabc", false, DUR_CHANGE_INSERTED}, {"abcd", "xyab", false, DUR_CHANGE_INSERTED},
        {"abcd", "xyza", false, DUR_CHANGE_INSERTED}, {"a", "xabc", false, DUR_CHANGE_INSERTED},
        {"ab", "xa", false, DUR_CHANGE_INSERTED},     {"abcd", "xabc", true, DUR_CHANGE_INSERTED},
        {"abcd", "Aabc", false, DUR_CHANGE_INSERTED},
    };

    (void)state;
    ASSERT_CLASSES(rows);
}

static void a_recorded_step_that_is_not_asked_for_any_more_is_removed(void **state)
{
    static const change_row rows[] = {
        {"abcd", "bcde", false, DUR_CHANGE_REMOVED}, {"abcd", "cdef", false, DUR_CHANGE_REMOVED},
        {"abcd", "defg", false, DUR_CHANGE_REMOVED}, {"ab", "b", false, DUR_CHANGE_REMOVED},
        {"ab", "bcde", false, DUR_CHANGE_REMOVED},   {"aab", "b", false, DUR_CHANGE_REMOVED},
    };

    (void)state;
    ASSERT_CLASSES(rows);
}

static void another_name_with_the_same_steps_after_it_is_renamed(void **state)
{
    static const change_row rows[] = {
        {"abcd", "xbcd", false, DUR_CHANGE_RENAMED}, {"ab", "xbcd", false, DUR_CHANGE_RENAMED},
        {"a", "x", false, DUR_CHANGE_RENAMED},       {"a", "xyzu", false, DUR_CHANGE_RENAMED},
        {"abcd", "Abcd", false, DUR_CHANGE_RENAMED}, {"abcd", "xb", true, DUR_CHANGE_RENAMED},
    };

    (void)state;
    ASSERT_CLASSES(rows);
}

static void two_neighbours_that_changed_places_are_reordered(void **state)
{
    static const change_row rows[] = {
        {"abcd", "bacd", false, DUR_CHANGE_REORDERED},
        {"ab", "ba", false, DUR_CHANGE_REORDERED},
        {"abcd", "ba", true, DUR_CHANGE_REORDERED},
    };

    (void)state;
    ASSERT_CLASSES(rows);
}

static void code_that_ends_while_steps_are_recorded_ended_early(void **state)
{
    static const change_row rows[] = {
        {"abcd", "", false, DUR_CHANGE_ENDED_EARLY},
        {"a", "", false, DUR_CHANGE_ENDED_EARLY},
    };

    (void)state;
    ASSERT_CLASSES(rows);
}

static void what_the_code_did_not_show_is_unknown(void **state)
{
    static const change_row rows[] = {
        {"abcd", "xyzu", false, DUR_CHANGE_UNKNOWN}, /* nothing in common */
        {"abcd", "xbyz", false, DUR_CHANGE_UNKNOWN},
        {"abcd", "x", true, DUR_CHANGE_UNKNOWN}, /* it left after its first request */
        {"abcd", "b", true, DUR_CHANGE_UNKNOWN},
        {"abcd", "xayz", false, DUR_CHANGE_UNKNOWN}, /* the old one again, but not its followers */
        {"abcd", "cxyz", false, DUR_CHANGE_UNKNOWN},
        {"", "abcd", false, DUR_CHANGE_UNKNOWN},
    };

    (void)state;
    ASSERT_CLASSES(rows);
}

/* Loops ask for the same names again and again. Two steps that are said to have changed places must
 * not be contradicted by what follows them. */
static void in_loops_reordered_is_not_said_against_the_evidence(void **state)
{
    (void)state;
    assert_int_not_equal(classify("abab", "baba", false), DUR_CHANGE_REORDERED);
    assert_int_not_equal(classify("abac", "bacd", false), DUR_CHANGE_REORDERED);
    assert_int_equal(classify("abac", "bacd", false), DUR_CHANGE_REMOVED);
    assert_int_equal(classify("abcd", "baba", false), DUR_CHANGE_UNKNOWN);
    assert_int_equal(classify("abab", "baab", false), DUR_CHANGE_REORDERED);
}

static void in_loops_the_other_classes_are_told_too(void **state)
{
    static const change_row rows[] = {
        {"abab", "xaba", false, DUR_CHANGE_INSERTED},
        {"xaba", "abab", false, DUR_CHANGE_REMOVED},
        {"aaab", "b", false, DUR_CHANGE_REMOVED},
        {"aaaa", "xaaa", false, DUR_CHANGE_INSERTED},
    };

    (void)state;
    ASSERT_CLASSES(rows);
}

/* The class is a claim about evidence: whatever the lists are, a class that is named must hold by
 * its definition. All lists of up to three steps over three names are tried. */
static bool holds(dur_change change, const char *old, const char *new)
{
    switch (change) {
    case DUR_CHANGE_INSERTED: return strchr(new, old[0]) != NULL;
    case DUR_CHANGE_REMOVED: return strchr(old, new[0]) != NULL;
    case DUR_CHANGE_REORDERED:
        return old[0] && old[1] && new[0] == old[1] && new[1] == old[0] &&
               (!old[2] || !new[2] || old[2] == new[2]);
    case DUR_CHANGE_RENAMED: return !old[1] || !new[1] || old[1] == new[1];
    case DUR_CHANGE_ENDED_EARLY: return new[0] == '\0';
    default: return change == DUR_CHANGE_UNKNOWN;
    }
}

static void spell(unsigned number, char *letters)
{
    size_t length = 0;

    for (; number; number /= 4)
        if (number % 4) letters[length++] = (char)('a' + number % 4 - 1);
    letters[length] = '\0';
}

static void no_class_is_named_that_the_evidence_contradicts(void **state)
{
    char old[5], new[5];

    (void)state;
    for (unsigned i = 1; i < 64; i++)
        for (unsigned j = 0; j < 64; j++) {
            dur_change change;

            spell(i, old);
            spell(j, new);
            if (old[0] == new[0]) continue; /* no divergence */
            change = classify(old, new, false);
            if (!holds(change, old, new))
                fail_msg("recorded \"%s\", requested \"%s\": class %d", old, new, (int)change);
        }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_decision_follows_from_history_and_request),
        cmocka_unit_test(names_in_a_decision_need_no_nul),
        cmocka_unit_test(what_is_pending_goes_on_only_with_the_same_request),
        cmocka_unit_test(a_new_step_before_the_recorded_one_is_inserted),
        cmocka_unit_test(a_recorded_step_that_is_not_asked_for_any_more_is_removed),
        cmocka_unit_test(another_name_with_the_same_steps_after_it_is_renamed),
        cmocka_unit_test(two_neighbours_that_changed_places_are_reordered),
        cmocka_unit_test(code_that_ends_while_steps_are_recorded_ended_early),
        cmocka_unit_test(what_the_code_did_not_show_is_unknown),
        cmocka_unit_test(in_loops_reordered_is_not_said_against_the_evidence),
        cmocka_unit_test(in_loops_the_other_classes_are_told_too),
        cmocka_unit_test(no_class_is_named_that_the_evidence_contradicts),
    };

    return cmocka_run_group_tests_name("unit.decision", tests, NULL, NULL);
}
