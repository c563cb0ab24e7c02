/* test/fault: law 9 of replay checks: the Nth allocation fails, N rising, once and for good. The
 * verdict is right or there is none; nothing is executed, written or left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fake_clock.h"
#include "support/fault_alloc.h"
#include "support/host.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

typedef struct world {
    sqlite3 *db;
    fake_clock clock;
    dur_log *log;
    int bodies;
    bool changed; /* the code is new */
} world;

static int leaf(dur_run *run, void *user)
{
    world *it = user;

    DUR_STEP(run, it->changed ? "weigh" : "measure") { it->bodies++; }
    return dur_receive(run, "go", DUR_FOREVER, NULL) == DUR_OK ? 0 : 1;
}

static int walk(dur_run *run, void *user)
{
    const dur_value items[2] = {dur_integer(1), dur_text("a second item, of some length")};
    world *it = user;
    dur_step *approval = NULL;
    const char *text = NULL;

    DUR_STEP(run, "write", text) {
        it->bodies++;
        text = "a text that needs memory of its own when it is replayed";
    }
    if (dur_begin_callback(run, "approval", NULL, &approval) != DUR_OK) return 0;
    if (dur_map(run, "each", items, 2, leaf, it, NULL, NULL) != DUR_OK) return 0;
    return dur_await(approval, NULL) == DUR_OK ? 0 : 1;
}

static void open_world(world *it)
{
    dur_options options = DUR_OPTIONS_INIT;

    memset(it, 0, sizeof *it);
    fake_clock_init(&it->clock, 1);
    fake_clock_install(&it->clock, &options);
    assert_int_equal(SQLITE_OK, sqlite3_open(":memory:", &it->db));
    assert_int_equal(DUR_OK, dur_open(it->db, &options, &it->log));
    assert_int_equal(DUR_OK, dur_register(it->log, "walk", walk, it));
    assert_code(DUR_SUSPENDED, dur_execute(it->log, "walk", "r", NULL, walk, it), it->log);
    it->bodies = 0;
}

static void close_world(world *it)
{
    dur_close(it->log);
    assert_int_equal(SQLITE_OK, sqlite3_close(it->db));
}

static int check_one(world *it, dur_report **report)
{
    return dur_replay_check(it->log, "walk", NULL, walk, it, report);
}

static int check_all(world *it, dur_report **report)
{
    return dur_replay_check_all(it->log, NULL, report);
}

/* What a check without memory may say: the truth, or nothing. */
static void assert_true_or_silent(const world *it, int code, const dur_report *report)
{
    int expected = it->changed ? DUR_DIVERGED : DUR_OK;

    assert_true(code == expected || code == DUR_NOMEM);
    if (code == DUR_NOMEM || !report) return;
    assert_int_equal(it->changed ? DUR_DIVERGES : DUR_FITS_SO_FAR, dur_report_verdict(report));
    assert_true(dur_report_text(report)[0] != '\0');
}

/* True while the fault fires. */
static bool try_with(int64_t nth, bool persistent, bool changed,
                     int (*check)(world *, dur_report **))
{
    int64_t live = fault_alloc_live(), fired;
    dur_report *report = NULL;
    char *before, *after;
    world it;
    int code;

    open_world(&it);
    it.changed = changed;
    before = host_log_rows(it.db, "main");
    fault_alloc_arm(nth, persistent);
    code = check(&it, &report);
    fault_alloc_disarm();
    fired = fault_alloc_fired();
    assert_true_or_silent(&it, code, report);
    dur_free_report(report);
    assert_int_equal(changed ? DUR_DIVERGED : DUR_OK, check(&it, &report));
    dur_free_report(report);
    after = host_log_rows(it.db, "main");
    assert_string_equal(before, after);
    sqlite3_free(before);
    sqlite3_free(after);
    assert_int_equal(0, it.bodies);
    assert_int_equal(0, host_active_statements(it.db));
    close_world(&it);
    assert_int_equal(live, fault_alloc_live());
    return fired > 0;
}

/* DUR_FAULT_STRIDE in the environment: only each so manieth, from a random one on (DUR_SEED),
 * unless DUR_FAULT_ALL is there, too. */
static int64_t stride(void)
{
    const char *text = getenv("DUR_FAULT_STRIDE");
    int64_t each = text && !getenv("DUR_FAULT_ALL") ? strtoll(text, NULL, 10) : 1;

    return each > 1 ? each : 1;
}

static int64_t random_first(void)
{
    const char *text = getenv("DUR_SEED");
    int64_t seed = text ? strtoll(text, NULL, 10) : (int64_t)time(NULL);

    print_message("one in %lld allocations, DUR_SEED=%lld\n", (long long)stride(),
                  (long long)seed);
    return (seed > 0 ? seed : 0) % stride() + 1;
}

static void sweep(bool changed, int (*check)(world *, dur_report **))
{
    for (int persistent = 0; persistent < 2; persistent++) {
        int64_t nth = random_first(), trials = 0;

        for (; try_with(nth, persistent, changed, check); nth += stride()) trials++;
        print_message("%lld of %lld allocations failed, %s\n", (long long)trials,
                      (long long)nth - 1, persistent ? "and all behind each" : "one at a time");
        assert_true(nth > 20 && trials > 1);
    }
}

static void law9_a_check_without_memory_says_nothing_wrong(void **state)
{
    (void)state;
    sweep(false, check_one);
    sweep(true, check_one);
}

static void law9_a_check_of_all_without_memory_says_nothing_wrong(void **state)
{
    (void)state;
    sweep(false, check_all);
    sweep(true, check_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law9_a_check_without_memory_says_nothing_wrong),
        cmocka_unit_test(law9_a_check_of_all_without_memory_says_nothing_wrong),
    };

    if (fault_alloc_install(false) != SQLITE_OK) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
