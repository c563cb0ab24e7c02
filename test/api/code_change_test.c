/* test/api: changes of code that old runs meet: steps, loops, branches, patches and ends; see
 * api/changes.h for what is asked of each row. */
#include "api/changes.h"

/* ---- Steps ---- */

CODE(a_to_d) { return take_all(run, user, "abcd"), 0; }
CODE(x_in_front) { return take_all(run, user, "xabcd"), 0; }
CODE(x_in_the_middle) { return take_all(run, user, "abxcd"), 0; }
CODE(x_at_the_end) { return take_all(run, user, "abcdx"), 0; }
CODE(without_a) { return take_all(run, user, "bcd"), 0; }
CODE(without_b) { return take_all(run, user, "acd"), 0; }
CODE(without_d) { return take_all(run, user, "abc"), 0; }
CODE(b_is_x) { return take_all(run, user, "axcd"), 0; }
CODE(d_is_x) { return take_all(run, user, "abcx"), 0; }
CODE(b_and_c_swapped) { return take_all(run, user, "acbd"), 0; }
CODE(a_moved_behind_c) { return take_all(run, user, "bcad"), 0; }
CODE(a_moved_to_the_end) { return take_all(run, user, "bcda"), 0; }
CODE(all_is_new) { return take_all(run, user, "wxyz"), 0; }
CODE(nothing) { return (void)run, (void)user, 0; }

CODE(polite_without_b)
{
    take(run, user, "a");
    if (!dur_ok(run)) return 0;
    take(run, user, "c");
    if (dur_ok(run)) take(run, user, "d");
    return 0;
}

/* ---- Loops and branches ---- */

CODE(three_turns) { return take_all(run, user, "tttz"), 0; }
CODE(four_turns) { return take_all(run, user, "ttttz"), 0; }
CODE(two_turns) { return take_all(run, user, "ttz"), 0; }
CODE(two_steps_a_turn) { return take_all(run, user, "tututuz"), 0; }
CODE(goes_left) { return take_all(run, user, "alz"), 0; }
CODE(goes_right) { return take_all(run, user, "arz"), 0; }

/* ---- Patches ---- */

CODE(patched_for_x)
{
    take(run, user, "a");
    if (dur_patch(run, "x")) take(run, user, "x");
    return take_all(run, user, "bcd"), 0;
}

CODE(patched_behind_all)
{
    take_all(run, user, "abcd");
    if (dur_patch(run, "x")) take(run, user, "x");
    return 0;
}

CODE(patched_without_an_old_way)
{
    take(run, user, "a");
    if (!dur_patch(run, "x")) take(run, user, "o");
    return take_all(run, user, "xbcd"), 0;
}

CODE(retired_for_x)
{
    take(run, user, "a");
    heed(dur_retire_patch(run, "x"));
    return take_all(run, user, "xbcd"), 0;
}

CODE(new_way_alone) { return take_all(run, user, "axbcd"), 0; }

CODE(patched_under_another_id)
{
    take(run, user, "a");
    if (dur_patch(run, "y")) take(run, user, "x");
    return take_all(run, user, "bcd"), 0;
}

/* ---- Ends ---- */

CODE(ends_at_b) { return take_all(run, user, "ab"), 0; }
CODE(fails_at_its_end) { return take_all(run, user, "abcd"), 1; }
CODE(gives_a_number)
{
    heed(dur_set_output(run, dur_integer(7)));
    return take_all(run, user, "abcd"), 0;
}

CODE(gives_a_text)
{
    heed(dur_set_output(run, dur_text("seven")));
    return take_all(run, user, "abcd"), 0;
}

CODE(goes_on_as_new)
{
    take_all(run, user, "abcd");
    return dur_continue_as_new(run, dur_null()) == DUR_OK ? 0 : 1;
}

static void steps_loops_and_branches(void **state)
{
    static const change rows[] = {
        {"nothing is changed", a_to_d, a_to_d, OPEN, NAMES, FITS(5)},
        {"nothing is changed", a_to_d, a_to_d, ENDED, NAMES, FITS_ENDED},
        {"a step added in front", a_to_d, x_in_front, OPEN, NAMES, DIVERGES(1, INSERTED)},
        {"a step added in the middle", a_to_d, x_in_the_middle, OPEN, NAMES, DIVERGES(3, INSERTED)},
        {"a step added at the end", a_to_d, x_at_the_end, OPEN, NAMES, FITS(5)},
        {"a step added at the end", a_to_d, x_at_the_end, ENDED, NAMES, DIVERGES_ENDED(5, OUTCOME)},
        {"the first step removed", a_to_d, without_a, OPEN, NAMES, DIVERGES(1, REMOVED)},
        {"a step removed", a_to_d, without_b, OPEN, NAMES, DIVERGES(2, REMOVED)},
        {"a step removed, by code that leaves when it is stopped", a_to_d, polite_without_b, OPEN,
         NAMES, DIVERGES(2, UNKNOWN)},
        {"the last step removed", a_to_d, without_d, OPEN, NAMES, DIVERGES(4, ENDED_EARLY)},
        {"a step renamed", a_to_d, b_is_x, OPEN, NAMES, DIVERGES(2, RENAMED)},
        {"the last step renamed", a_to_d, d_is_x, OPEN, NAMES, DIVERGES(4, RENAMED)},
        {"two neighbours swapped", a_to_d, b_and_c_swapped, OPEN, NAMES, DIVERGES(2, REORDERED)},
        {"a step moved two places on", a_to_d, a_moved_behind_c, OPEN, NAMES, DIVERGES(1, UNKNOWN)},
        {"a step moved to the end", a_to_d, a_moved_to_the_end, OPEN, NAMES, DIVERGES(1, UNKNOWN)},
        {"another workflow altogether", a_to_d, all_is_new, OPEN, NAMES, DIVERGES(1, UNKNOWN)},
        {"nothing is left of it", a_to_d, nothing, OPEN, NAMES, DIVERGES(1, ENDED_EARLY)},
        {"a loop makes a turn more", three_turns, four_turns, OPEN, NAMES, DIVERGES(4, INSERTED)},
        {"a loop makes a turn less", three_turns, two_turns, OPEN, NAMES, DIVERGES(3, REMOVED)},
        {"a step added in each turn of a loop", three_turns, two_steps_a_turn, OPEN, NAMES,
         DIVERGES(2, UNKNOWN)},
        {"the other branch is taken", goes_left, goes_right, OPEN, NAMES, DIVERGES(2, RENAMED)},
    };

    assert_changes(rows, sizeof rows / sizeof rows[0], *state);
}

static void patches(void **state)
{
    static const change rows[] = {
        {"a step added behind a patch", a_to_d, patched_for_x, OPEN, NAMES, FITS(5)},
        {"a step added behind a patch", a_to_d, patched_for_x, ENDED, NAMES, FITS_ENDED},
        {"a step added behind a patch, at the end", a_to_d, patched_behind_all, OPEN, NAMES,
         FITS(5)},
        {"a step added behind a patch, at the end", a_to_d, patched_behind_all, ENDED, NAMES,
         FITS_ENDED},
        {"a patch whose old way is another one", a_to_d, patched_without_an_old_way, OPEN, NAMES,
         DIVERGES(2, INSERTED)},
        {"a patch that a run has taken", patched_for_x, patched_for_x, ENDED, NAMES, FITS_ENDED},
        {"a patch forgotten", patched_for_x, new_way_alone, OPEN, NAMES, DIVERGES(2, REMOVED)},
        {"a patch forgotten, and its new way", patched_for_x, a_to_d, OPEN, NAMES,
         DIVERGES(2, REMOVED)},
        {"a patch that got another id", patched_for_x, patched_under_another_id, OPEN, NAMES,
         DIVERGES(2, REMOVED)},
        {"a patch retired", patched_for_x, retired_for_x, OPEN, NAMES, FITS(7)},
        {"a patch retired too early", a_to_d, retired_for_x, OPEN, NAMES, DIVERGES(2, INSERTED)},
        {"a retired patch gone", retired_for_x, new_way_alone, OPEN, NAMES, FITS(6)},
        {"a retired patch gone too early", patched_for_x, new_way_alone, ENDED, NAMES,
         DIVERGES_ENDED(2, REMOVED)},
    };

    assert_changes(rows, sizeof rows / sizeof rows[0], *state);
}

static void ends(void **state)
{
    static const change rows[] = {
        {"it ends earlier", a_to_d, ends_at_b, OPEN, NAMES, DIVERGES(3, ENDED_EARLY)},
        {"it ends earlier", a_to_d, ends_at_b, ENDED, NAMES, DIVERGES_ENDED(3, ENDED_EARLY)},
        {"it fails where it has completed", a_to_d, fails_at_its_end, ENDED, NAMES,
         DIVERGES_ENDED(5, OUTCOME)},
        {"it continues as new where it has completed", a_to_d, goes_on_as_new, ENDED, NAMES,
         DIVERGES_ENDED(5, OUTCOME)},
        {"its output has another type", gives_a_number, gives_a_text, ENDED, NAMES, FITS_ENDED},
        {"its output has another type", gives_a_number, gives_a_text, ENDED, DUR_CHECK_SIZES,
         DIVERGES_ENDED(5, OUTCOME)},
    };

    assert_changes(rows, sizeof rows / sizeof rows[0], *state);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_MEMORY(steps_loops_and_branches),
        IN_MEMORY(patches),
        IN_MEMORY(ends),
    };

    return cmocka_run_group_tests_name("api.code_change", tests, NULL, NULL);
}
