/* test/api: changes of what runs wait for, of their children and branches, that old runs meet; see
 * api/changes.h for what is asked of each row. */
#include "api/changes.h"

/* ---- Timers ---- */

static void nap(dur_run *run, void *user, const char *name, int64_t duration_ms)
{
    take(run, user, "a");
    if (name) heed(dur_sleep(run, name, duration_ms));
    take(run, user, "b");
}

CODE(never_sleeps) { return nap(run, user, NULL, 0), 0; }
CODE(has_slept) { return nap(run, user, "nap", 0), 0; }
CODE(has_slept_under_another_name) { return nap(run, user, "rest", 0), 0; }
CODE(sleeps) { return nap(run, user, "nap", 60000), 0; }
CODE(sleeps_longer) { return nap(run, user, "nap", 600000), 0; }
CODE(sleeps_under_another_name) { return nap(run, user, "rest", 60000), 0; }

CODE(sleeps_until)
{
    take(run, user, "a");
    heed(dur_sleep_until(run, "nap", FAKE_CLOCK_START_MS + 60000));
    return take(run, user, "b"), 0;
}

/* ---- Signals ---- */

static void receive(dur_run *run, void *user, const char *name, int64_t timeout_ms)
{
    take(run, user, "a");
    heed(dur_receive(run, name, timeout_ms, NULL));
    take(run, user, "b");
}

CODE(receives_go) { return receive(run, user, "go", DUR_FOREVER), 0; }
CODE(receives_start) { return receive(run, user, "start", DUR_FOREVER), 0; }
CODE(receives_go_soon) { return receive(run, user, "go", 1000), 0; }
CODE(has_looked_for_go) { return receive(run, user, "go", 0), 0; }
CODE(has_looked_for_start) { return receive(run, user, "start", 0), 0; }

CODE(selects_go)
{
    dur_case cases[] = {dur_on_signal("go"), dur_on_timer(0)};
    size_t which = 0;

    take(run, user, "a");
    heed(dur_select(run, "go", cases, 2, &which));
    return take(run, user, "b"), 0;
}

CODE(steps_to_go) { return take(run, user, "a"), take(run, user, "go"), take(run, user, "b"), 0; }

/* ---- Callbacks ---- */

static void call_back(dur_run *run, void *user, const char *name)
{
    dur_step *callback = NULL;

    take(run, user, "a");
    heed(dur_begin_callback(run, name, NULL, &callback));
    if (callback) heed(dur_await(callback, NULL));
    take(run, user, "b");
}

CODE(calls_back) { return call_back(run, user, "paid"), 0; }
CODE(calls_back_under_another_name) { return call_back(run, user, "billed"), 0; }
CODE(only_a_and_b) { return take_all(run, user, "ab"), 0; }

CODE(calls_back_and_sleeps)
{
    dur_step *callback = NULL;

    take(run, user, "a");
    heed(dur_begin_callback(run, "paid", NULL, &callback));
    heed(dur_sleep(run, "nap", 1000));
    if (callback) heed(dur_await(callback, NULL));
    return 0;
}

/* ---- Children ---- */

CODE(packs) { return take(run, user, "wrap"), 0; }
CODE(packs_twice) { return take(run, user, "wrap"), take(run, user, "label"), 0; }

CODE(packs_slowly)
{
    take(run, user, "wrap");
    heed(dur_sleep(run, "dry", 60000));
    return 0;
}

CODE(packs_slowly_and_labels)
{
    take(run, user, "wrap");
    take(run, user, "label");
    heed(dur_sleep(run, "dry", 60000));
    return 0;
}

static void call(dur_run *run, void *user, const char *name, dur_workflow *child, const char *input)
{
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;

    options.input = dur_text(input);
    take(run, user, "a");
    heed(dur_call(run, name, &options, child, user, NULL));
    take(run, user, "b");
}

CODE(calls_pack) { return call(run, user, "pack", packs, "tea"), 0; }
CODE(calls_pack_with_more) { return call(run, user, "pack", packs, "tea and milk"), 0; }
CODE(calls_wrap) { return call(run, user, "wrap", packs, "tea"), 0; }
CODE(calls_pack_twice) { return call(run, user, "pack", packs_twice, "tea"), 0; }
CODE(calls_slow) { return call(run, user, "pack", packs_slowly, "tea"), 0; }
CODE(calls_slow_with_more) { return call(run, user, "pack", packs_slowly, "milk"), 0; }
CODE(calls_slow_and_label) { return call(run, user, "pack", packs_slowly_and_labels, "tea"), 0; }
CODE(packs_by_a_step)
{
    take(run, user, "a");
    take(run, user, "pack");
    return take(run, user, "b"), 0;
}

static void start(dur_run *run, void *user, const char *workflow)
{
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_step *child = NULL;

    options.input = dur_text("tea");
    take(run, user, "a");
    heed(dur_start_child(run, "pack", workflow, &options, &child));
    if (child) heed(dur_await(child, NULL));
    take(run, user, "b");
}

CODE(starts_pack) { return start(run, user, "packing"), 0; }
CODE(starts_another) { return start(run, user, "boxing"), 0; }

/* ---- Branches ---- */

static void fan(dur_run *run, void *user, const char *const *names, size_t count,
                dur_workflow *branch)
{
    dur_branch branches[4];
    dur_batch batch = {0};

    for (size_t i = 0; i < count; i++)
        branches[i] = (dur_branch){names[i], branch, user, dur_null()};
    take(run, user, "a");
    heed(dur_parallel(run, "fan", branches, count, NULL, &batch));
    take(run, user, "b");
}

static const char *const numbers[] = {"one", "two", "three", "four"};
static const char *const others[] = {"one", "zwei", "three", "four"};

CODE(three_branches) { return fan(run, user, numbers, 3, packs), 0; }
CODE(four_branches) { return fan(run, user, numbers, 4, packs), 0; }
CODE(two_branches) { return fan(run, user, numbers, 2, packs), 0; }
CODE(another_branch) { return fan(run, user, others, 3, packs), 0; }
CODE(three_slow_branches) { return fan(run, user, numbers, 3, packs_slowly), 0; }
CODE(four_slow_branches) { return fan(run, user, numbers, 4, packs_slowly), 0; }
CODE(two_slow_branches) { return fan(run, user, numbers, 2, packs_slowly), 0; }
CODE(another_slow_branch) { return fan(run, user, others, 3, packs_slowly), 0; }

/* A living run is stopped there, not parked. */
#define CONFLICTS(at) DUR_CONFLICT, DUR_DIVERGES, at, DUR_CHANGE_INPUT
#define MISMATCHES(at) DUR_MISMATCH, DUR_DIVERGES, at, DUR_CHANGE_RETYPED
#define WAITS(at) DUR_SUSPENDED, DUR_FITS_SO_FAR, at, 0

static void timers(void **state)
{
    static const change rows[] = {
        {"a sleep added", never_sleeps, sleeps, OPEN, NAMES, DIVERGES(2, INSERTED)},
        {"a sleep removed", has_slept, never_sleeps, OPEN, NAMES, DIVERGES(2, REMOVED)},
        {"a sleep renamed", has_slept, has_slept_under_another_name, OPEN, NAMES,
         DIVERGES(2, RENAMED)},
        {"a sleep made longer", has_slept, sleeps_longer, OPEN, NAMES, FITS(4)},
        {"a sleep removed, while it sleeps", sleeps, never_sleeps, WAITING, NAMES,
         DIVERGES(2, RENAMED)},
        {"a sleep renamed, while it sleeps", sleeps, sleeps_under_another_name, WAITING, NAMES,
         DIVERGES(2, RENAMED)},
        {"a sleep made longer, while it sleeps", sleeps, sleeps_longer, WAITING, NAMES, FITS(2)},
        {"a sleep until a time, while it sleeps", sleeps, sleeps_until, WAITING, NAMES, FITS(2)},
    };

    assert_changes(rows, sizeof rows / sizeof rows[0], *state);
}

static void signals(void **state)
{
    static const change rows[] = {
        {"a signal's name changed", has_looked_for_go, has_looked_for_start, OPEN, NAMES,
         DIVERGES(2, RENAMED)},
        {"a signal's name changed, while it waits", receives_go, receives_start, WAITING, NAMES,
         DIVERGES(2, RENAMED)},
        {"a receive made a select", has_looked_for_go, selects_go, OPEN, NAMES,
         DIVERGES(2, RENAMED)},
        {"a receive made a select, while it waits", receives_go, selects_go, WAITING, NAMES,
         DIVERGES(2, RENAMED)},
        {"a receive made a step", has_looked_for_go, steps_to_go, OPEN, NAMES,
         DIVERGES(2, RENAMED)},
        {"a timeout added, while it waits", receives_go, receives_go_soon, WAITING, NAMES,
         WAITS(2)},
        {"a callback renamed, while it is open", calls_back, calls_back_under_another_name, WAITING,
         NAMES, DIVERGES(2, RENAMED)},
        {"a callback removed, while it is open", calls_back, only_a_and_b, WAITING, NAMES,
         DIVERGES(2, RENAMED)},
        {"a sleep added behind an open callback", calls_back, calls_back_and_sleeps, WAITING, NAMES,
         WAITS(3)},
    };

    assert_changes(rows, sizeof rows / sizeof rows[0], *state);
}

static void children(void **state)
{
    static const change rows[] = {
        {"a child added", only_a_and_b, calls_pack, OPEN, NAMES, DIVERGES(2, INSERTED)},
        {"a child removed", calls_pack, only_a_and_b, OPEN, NAMES, DIVERGES(2, REMOVED)},
        {"a child renamed", calls_pack, calls_wrap, OPEN, NAMES, DIVERGES(2, RENAMED)},
        {"a child made a step", calls_pack, packs_by_a_step, OPEN, NAMES, DIVERGES(2, RENAMED)},
        {"a child's steps changed, when it has ended", calls_pack, calls_pack_twice, OPEN, NAMES,
         FITS(4)},
        {"a child's steps changed, while it waits", calls_slow, calls_slow_and_label, WAITING,
         NAMES, DIVERGES(2, INSERTED)},
        {"a child's input changed", calls_pack, calls_pack_with_more, OPEN, NAMES, FITS(4)},
        {"a child's input changed", calls_pack, calls_pack_with_more, OPEN, DUR_CHECK_SIZES, DUR_OK,
         DUR_DIVERGES, 2, DUR_CHANGE_INPUT},
        {"a child called that was started, while it waits", starts_pack, calls_pack, WAITING, NAMES,
         DIVERGES(2, UNKNOWN)},
        {"a child started that was called", calls_pack, starts_pack, OPEN, NAMES, FITS(4)},
        {"a child started that was called, while it waits", calls_slow, starts_pack, WAITING, NAMES,
         DIVERGES(2, UNKNOWN)},
        {"a child's input changed, while it waits", calls_slow, calls_slow_with_more, WAITING,
         NAMES, CONFLICTS(2)},
        {"a started child of another workflow", starts_pack, starts_another, WAITING, NAMES,
         WAITS(2)},
    };

    assert_changes(rows, sizeof rows / sizeof rows[0], *state);
}

static void branches(void **state)
{
    static const change rows[] = {
        {"a branch added, when all have ended", three_branches, four_branches, OPEN, NAMES,
         MISMATCHES(2)},
        {"a branch removed, when all have ended", three_branches, two_branches, OPEN, NAMES,
         MISMATCHES(2)},
        {"a branch renamed, when all have ended", three_branches, another_branch, OPEN, NAMES,
         FITS(4)},
        {"a branch added, while they wait", three_slow_branches, four_slow_branches, WAITING, NAMES,
         CONFLICTS(2)},
        {"a branch removed, while they wait", three_slow_branches, two_slow_branches, WAITING,
         NAMES, CONFLICTS(2)},
        {"a branch renamed, while they wait", three_slow_branches, another_slow_branch, WAITING,
         NAMES, DIVERGES(2, RENAMED)},
    };

    assert_changes(rows, sizeof rows / sizeof rows[0], *state);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_MEMORY(timers),
        IN_MEMORY(signals),
        IN_MEMORY(children),
        IN_MEMORY(branches),
    };

    return cmocka_run_group_tests_name("api.code_change_waits", tests, NULL, NULL);
}
