/*
 * test/crash: laws 3, 4 and 6 of runs that wait, through kill -9 at every call: a child is killed
 * at the Nth call that SQLite makes to its VFS, N rising until one lives to its end; the next one
 * finishes the run, at once: no lease is waited for. The scenarios are those that faults are swept
 * over; the host's state, its clock and what it has seen of the world outside lie in memory that
 * outlives the children.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fault_look.h"
#include "support/fault_vfs.h"
#include "support/place.h"
#include "support/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct shared {
    fault_world world;
    int64_t kill_at; /* 0: never */
    int code;
    char message[512];
} shared;

static shared *book;
static place template_place, trial_place;

/* What an undisturbed run comes to. */
typedef struct undisturbed {
    fault_world prepared, finished;
    uint64_t rows;
} undisturbed;

static int setup(void **state)
{
    (void)state;
    book = process_share(sizeof *book);
    return book && place_make_in_memory(&template_place) && place_make_in_memory(&trial_place)
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    place_remove(&template_place);
    place_remove(&trial_place);
    process_unshare(book, sizeof *book);
    return 0;
}

/* ---- One process --------------------------------------------------------------------------- */

static int use_database(fault_pass *pass)
{
    fault_world *world = &book->world;

    fault_vfs_register();
    fault_vfs_reset();
    if (book->kill_at > 0) fault_vfs_arm_kill(FAULT_ALL, book->kill_at);
    if (fault_world_connect(world) != SQLITE_OK) return 2;
    book->code = fault_world_open(world);
    if (book->code == DUR_OK && pass) book->code = pass(world);
    snprintf(book->message, sizeof book->message, "%s", dur_errmsg(world->log));
    fault_world_close(world);
    return fault_world_disconnect(world) == SQLITE_OK ? 0 : 3;
}

static int prepare_child(void *user)
{
    (void)user;
    return use_database(book->world.scenario->prepare);
}

static int pass_child(void *user)
{
    (void)user;
    return use_database(book->world.scenario->pass);
}

/* The next process begins where the dead one left the world, but for what died with it. */
static process_end run_child(process_body *body, int64_t kill_at)
{
    book->world.db = NULL;
    book->world.log = NULL;
    book->world.open_run = NULL;
    book->kill_at = kill_at;
    return process_run(body, NULL);
}

static void run_undisturbed(process_body *body, const char *where)
{
    process_end end = run_child(body, 0);

    if (!end.exited || end.code != 0)
        print_error("%s: %s: %s\n", where, dur_code_name(book->code), book->message);
    assert_true(end.exited);
    assert_int_equal(end.code, 0);
}

/* ---- The sweep ----------------------------------------------------------------------------- */

static void make_reference(const fault_scenario *scenario, const char *journal_mode,
                           undisturbed *reference)
{
    fault_picture found;

    memset(book, 0, sizeof *book);
    book->world.scenario = scenario;
    book->world.path = template_place.path;
    book->world.journal_mode = journal_mode;
    fake_clock_init(&book->world.clock, 1);
    place_clear(template_place.path);
    run_undisturbed(prepare_child, "prepare");
    reference->prepared = book->world;
    place_clear(trial_place.path);
    assert_true(place_copy(template_place.path, trial_place.path));
    book->world.path = trial_place.path;
    run_undisturbed(pass_child, "undisturbed");
    assert_int_equal(book->code, scenario->expected);
    reference->finished = book->world;
    fault_look(&book->world, &found);
    assert_true(found.digest != 0);
    assert_int_equal(found.left, 0);
    assert_string_equal(book->world.broken, "");
    reference->rows = found.digest;
}

static int executed(const fault_world *world, const char *name)
{
    const fault_tally *tally = fault_world_tally(world, name);

    return tally ? tally->executed : 0;
}

static void broken(const char *where, const char *name, const char *law)
{
    fail_msg("BROKEN %s: %s: %s", where, name, law);
}

/* What was acknowledged before the kill is recorded, and what was recorded did not run again. */
static void check_final(const fault_world *killed, const fault_picture *found, const char *where)
{
    for (size_t i = 0; i < killed->tally_count; i++) {
        const fault_tally *tally = &killed->tallies[i];
        bool recorded = fault_picture_holds(found, tally->name);

        if (tally->acknowledged && !recorded)
            broken(where, tally->name, "acknowledged, and not recorded");
        if (recorded && executed(&book->world, tally->name) != tally->executed)
            broken(where, tally->name, "recorded, and ran again");
    }
}

/* The rows are those of an undisturbed run; a body that was killed has run once more, no more. */
static void check_end(const undisturbed *reference, const char *where)
{
    const fault_world *finished = &reference->finished;
    fault_picture found;

    fault_look(&book->world, &found);
    if (found.digest != reference->rows) broken(where, found.text, "other rows");
    assert_string_equal(book->world.output, finished->output);
    if (book->world.broken[0]) broken(where, "the host", book->world.broken);
    for (size_t i = 0; i < finished->tally_count; i++) {
        const char *name = finished->tallies[i].name;
        int once = finished->tallies[i].executed, times = executed(&book->world, name);

        if (times < once || times > once + 1)
            broken(where, name, "did not run once, or once more");
    }
}

/* False: nobody was killed, the child had less to do than that. */
static bool kill_and_finish(const undisturbed *reference, int64_t nth, const char *where)
{
    fault_world killed;
    fault_picture found;
    process_end end;

    place_clear(trial_place.path);
    assert_true(place_copy(template_place.path, trial_place.path));
    book->world = reference->prepared;
    book->world.path = trial_place.path;
    end = run_child(pass_child, nth);
    if (end.exited) {
        assert_int_equal(end.code, 0);
        assert_int_equal(book->code, book->world.scenario->expected);
        check_end(reference, where);
        return false;
    }
    assert_int_equal(end.signal, SIGKILL);
    killed = book->world;
    fault_look(&book->world, &found);
    run_undisturbed(pass_child, where);
    if (book->code != book->world.scenario->expected)
        broken(where, dur_code_name(book->code), book->message);
    assert_int_equal(book->world.clock.sleeps, killed.clock.sleeps);
    check_final(&killed, &found, where);
    check_end(reference, where);
    return true;
}

/* DUR_FAULT_STRIDE in the environment, as for the sweeps of faults: only each so manieth call. */
static int64_t stride_of_kills(void)
{
    const char *text = getenv("DUR_FAULT_STRIDE");
    int64_t stride = text ? strtoll(text, NULL, 10) : 1;

    return stride > 1 ? stride : 1;
}

static void sweep(const fault_scenario *scenario, const char *journal_mode)
{
    undisturbed reference;
    int64_t stride = stride_of_kills(), kills = 0;
    int64_t nth = 1 + (int64_t)process_now_us() % stride;
    char where[96];

    make_reference(scenario, journal_mode, &reference);
    do {
        snprintf(where, sizeof where, "%s, %s, killed at call %lld", scenario->name, journal_mode,
                 (long long)nth);
        if (!kill_and_finish(&reference, nth, where)) break;
        kills++;
        nth += stride;
    } while (true);
    printf("crash: %s, %s, killed %lld times, at one in %lld of %lld calls\n", scenario->name,
           journal_mode, (long long)kills, (long long)stride, (long long)nth - 1);
    assert_true(nth > 20);
}

static void a_run_that_waits_survives_a_kill_at_every_call(void **state)
{
    sweep(*state, "WAL");
    sweep(*state, "DELETE");
}

int main(void)
{
    static const char *const names[] = {"retry", "timer", "receive", "select",
                                        "callback", "once", "called", "started", "restart",
                                        "continued", "control", "work"};
    struct CMUnitTest tests[sizeof names / sizeof names[0]];
    size_t count = 0;

    for (size_t i = 0; i < fault_scenario_count; i++)
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++)
            if (strcmp(fault_scenarios[i].name, names[j]) == 0)
                tests[count++] = (struct CMUnitTest){
                    names[j], a_run_that_waits_survives_a_kill_at_every_call, NULL, NULL,
                    (void *)(uintptr_t)&fault_scenarios[i]};
    if (count != sizeof names / sizeof names[0]) return 1;
    return _cmocka_run_group_tests("kills of runs that wait", tests, count, setup, teardown);
}
