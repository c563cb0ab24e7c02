/* test/fault: laws 3 and 9 on the test bench: the Nth allocation fails, N rising, once and for
 * good: DUR_NOMEM, nothing leaks, and asked again the bench goes on where it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fault_alloc.h"
#include "support/host.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static void hear_nothing(const char *message, void *user)
{
    (void)message, (void)user;
}

static int open_bench(dur_testbench **bench)
{
    dur_testbench_options options = DUR_TESTBENCH_OPTIONS_INIT;
    dur_options log = DUR_OPTIONS_INIT;
    dur_retry retry = DUR_RETRY_INIT;

    log.warn = hear_nothing;
    log.code_version = "one";
    log.retry = &retry;
    options.log = &log;
    return dur_testbench_open(NULL, &options, bench);
}

/* ---- Opening ------------------------------------------------------------------------------- */

static void opening_gives_a_bench_or_nothing(void **state)
{
    bool fired = true;

    (void)state;
    for (int64_t n = 1; fired; n++) {
        int64_t live = fault_alloc_live();
        dur_testbench *bench = NULL;
        int code;

        fault_alloc_arm(n, n % 2);
        code = open_bench(&bench);
        fired = fault_alloc_fired() > 0;
        fault_alloc_disarm();
        if (code != DUR_NOMEM) assert_int_equal(DUR_OK, code);
        if (code == DUR_NOMEM) assert_true(fired);
        assert_int_equal(code == DUR_NOMEM, bench == NULL);
        dur_testbench_close(bench);
        assert_int_equal(live, fault_alloc_live());
        assert_in_range(n, 1, 100000);
    }
}

/* ---- Setting it up ------------------------------------------------------------------------- */

static int approve(dur_run *run, void *user)
{
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    dur_value value, go;
    dur_step *callback;
    int64_t payment = 0;

    (void)user;
    DUR_STEP(run, "charge", payment) { payment = 1; }
    if (dur_begin_callback(run, "approval", &options, &callback) != DUR_OK) return 0;
    if (dur_await(callback, &value) != DUR_OK) return 0;
    if (dur_receive(run, "go", DUR_FOREVER, &go) != DUR_OK) return 0;
    DUR_STEP(run, "ship") {}
    if (dur_ok(run)) dur_set_output(run, dur_integer(payment + value.as.integer));
    return 0;
}

/* In this order; *done counts those that were, so that no one is done twice. */
static int set_up(dur_testbench *bench, int *done)
{
    dur_script script = DUR_SCRIPT_INIT;
    int code = DUR_OK;

    script.failures = 1;
    script.failure = "a message of some length, which has to be copied";
    script.run_id = "r";
    script.value = dur_integer(10);
    for (; code == DUR_OK && *done < 5; *done += code == DUR_OK) switch (*done) {
        case 0: code = dur_testbench_register(bench, "approve", approve, NULL); break;
        case 1: code = dur_testbench_script(bench, "charge", &script); break;
        case 2:
            script.failures = 0;
            script.takes_ms = 60000;
            script.beats_ms = 50000;
            code = dur_testbench_script(bench, "approval", &script);
            break;
        case 3:
            code = dur_testbench_signal_at(bench, dur_testbench_now(bench) + 90000, "r", "go",
                                           dur_text("a text that has to be copied"));
            break;
        default: code = dur_testbench_crash(bench, DUR_CRASH_BEFORE, 3);
        }
    return code;
}

static void what_is_set_up_is_set_up_or_not(void **state)
{
    bool fired = true;

    (void)state;
    for (int64_t n = 1; fired; n++) {
        int64_t live = fault_alloc_live();
        dur_testbench *bench = NULL;
        int done = 0, code;

        assert_int_equal(DUR_OK, open_bench(&bench));
        fault_alloc_arm(n, false);
        code = set_up(bench, &done);
        fired = fault_alloc_fired() > 0;
        fault_alloc_disarm();
        assert_int_equal(fired ? DUR_NOMEM : DUR_OK, code);
        if (fired) assert_has(dur_errmsg(dur_testbench_log(bench)), "out of memory");
        assert_int_equal(DUR_OK, set_up(bench, &done));
        assert_int_equal(DUR_OK, dur_testbench_run(bench, "approve", "r", NULL));
        assert_int_equal(20, dur_output(dur_testbench_log(bench)).as.integer);
        assert_int_equal(1, dur_testbench_crashes(bench));
        dur_testbench_close(bench);
        assert_int_equal(live, fault_alloc_live());
    }
}

/* ---- Running ------------------------------------------------------------------------------- */

/* It is told, by DUR_NOMEM or by what a run out of memory comes to; and then all comes right. */
static void run_out_of_memory(int64_t n, bool *fired)
{
    int64_t live = fault_alloc_live();
    dur_testbench *bench = NULL;
    int done = 0, code;

    assert_int_equal(DUR_OK, open_bench(&bench));
    assert_int_equal(DUR_OK, set_up(bench, &done));
    fault_alloc_arm(n, false);
    code = dur_testbench_run(bench, "approve", "r", NULL);
    *fired = fault_alloc_fired() > 0;
    fault_alloc_disarm();
    if (code != DUR_OK && code != DUR_NOMEM)
        print_error("allocation %d: %s: %s\n", (int)n, dur_code_name(code),
                    dur_errmsg(dur_testbench_log(bench)));
    assert_true(code == DUR_OK || (*fired && code == DUR_NOMEM));
    code = dur_testbench_run(bench, "approve", "r", NULL);
    if (code != DUR_OK)
        print_error("allocation %d: %s: %s\n", (int)n, dur_code_name(code),
                    dur_errmsg(dur_testbench_log(bench)));
    assert_int_equal(DUR_OK, code);
    assert_int_equal(20, dur_output(dur_testbench_log(bench)).as.integer);
    dur_testbench_close(bench);
    assert_int_equal(live, fault_alloc_live());
}

/* Each so many allocations one, from a random one on; DUR_SEED plays a sweep again. */
#define STRIDE 7

static void a_run_goes_on_when_there_is_memory_again(void **state)
{
    const char *text = getenv("DUR_SEED");
    uint32_t seed = 0;
    bool fired = true;

    (void)state;
    if (text)
        seed = (uint32_t)strtoul(text, NULL, 10);
    else
        sqlite3_randomness((int)sizeof seed, &seed);
    print_message("DUR_SEED=%lu\n", (unsigned long)seed);
    for (int64_t n = 1 + seed % STRIDE; fired; n += STRIDE) run_out_of_memory(n, &fired);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_gives_a_bench_or_nothing),
        cmocka_unit_test(what_is_set_up_is_set_up_or_not),
        cmocka_unit_test(a_run_goes_on_when_there_is_memory_again),
    };

    if (fault_alloc_install(true) != SQLITE_OK) return 1;
    return cmocka_run_group_tests_name("fault.testbench_memory", tests, NULL, NULL);
}
