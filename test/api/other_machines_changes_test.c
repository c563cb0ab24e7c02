/* test/api: law 10, what other machines have continued, patched, restarted and paused goes on here;
 * and all of their logs as text. */
#include "api/machines.h"

#include <stdlib.h>

#include "support/other_machines/changes.h"

static void assert_checks(dur_log *log, const char *id)
{
    dur_check_options options = DUR_CHECK_OPTIONS_INIT;
    dur_report *report = NULL;
    changes_seen seen;

    memset(&seen, 0, sizeof seen);
    options.run_id = id;
    options.strictness = DUR_CHECK_SIZES;
    assert_code(DUR_OK, dur_replay_check(log, "patched", &options, see_a_patch, &seen, &report),
                log);
    assert_int_equal(DUR_FITS_SO_FAR, dur_report_verdict(report));
    assert_int_equal(0, seen.bodies);
    dur_free_report(report);
}

/* The chain goes on with the signal that was handed over, and keeps the keys that were taken; the
 * marker counts, here and in a copy of the run; what is paused is paused. */
static void assert_changes_go_on(test_host *host, dur_log *log)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    changes_seen seen;

    (void)host;
    assert_code(DUR_REPLAYED, send_next(log, "first"), log);
    assert_code(DUR_SUSPENDED, execute_chain(log, &seen), log);
    assert_code(DUR_OK, send_next(log, "third"), log);
    assert_code(DUR_OK, execute_chain(log, &seen), log);
    assert_true(dur_output(log).as.unsigned_integer == UINT64_MAX - 2);
    assert_code(DUR_OK, dur_read_run(log, CHAIN_ID, &info), log);
    assert_int_equal(3, info.generation);
    assert_string_equal(CHAIN_ID "~2", info.origin);

    assert_checks(log, PATCHED_ID);
    assert_checks(log, UNPATCHED_ID);
    assert_code(DUR_SUSPENDED, execute_patched(log, PATCHED_ID, false, &seen), log);
    assert_code(DUR_SUSPENDED, execute_patched(log, RESTARTED_ID, false, &seen), log);
    assert_true(seen.patched);
    assert_int_equal(1, seen.bodies);
    assert_code(DUR_OK, dur_read_run(log, RESTARTED_ID, &info), log);
    assert_string_equal(PATCHED_ID, info.origin);
    assert_int_equal(2, info.restarted_at);

    assert_code(DUR_OK, dur_signal(log, PAUSED_ID, "go", dur_null(), NULL), log);
    assert_code(DUR_SUSPENDED, execute_patched(log, PAUSED_ID, false, &seen), log);
    assert_code(DUR_OK, dur_resume(log, PAUSED_ID), log);
    assert_code(DUR_OK, execute_patched(log, PAUSED_ID, false, &seen), log);
    assert_true(seen.patched);
    assert_code(DUR_OK, dur_signal(log, UNPATCHED_ID, "go", dur_null(), NULL), log);
    assert_code(DUR_OK, execute_patched(log, UNPATCHED_ID, false, &seen), log);
    assert_false(seen.patched);
}

/* Law 10: runs of changing code: continued, patched, restarted, paused. */
static void law10_changes_of_a_big_endian_machine(void **state)
{
    assert_goes_on(*state, "big_endian_64.db", assert_changes_go_on);
}

static void law10_changes_of_a_32_bit_machine(void **state)
{
    assert_goes_on(*state, "little_endian_32.db", assert_changes_go_on);
}

static void law10_changes_of_this_machine(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    assert_code(DUR_OK, change_on_this_machine(log), log);
    dur_close(log);
    log = host_log(host);
    assert_changes_go_on(host, log);
    dur_close(log);
}

/* ---- As text --------------------------------------------------------------------------------- */

typedef struct exported_text {
    char *bytes;
    size_t length;
} exported_text;

static int append_line(const char *line, size_t length, void *user)
{
    exported_text *to = user;

    to->bytes = realloc(to->bytes, to->length + length + 1);
    assert_non_null(to->bytes);
    memcpy(to->bytes + to->length, line, length);
    to->length += length;
    to->bytes[to->length] = '\0';
    return 0;
}

static void assert_exports(test_host *host, const char *name, const char *object)
{
    exported_text there = {NULL, 0}, here = {NULL, 0};
    dur_log *log, *copy = NULL;

    load(host, name);
    log = host_log(host);
    assert_code(DUR_OK, dur_export(log, NULL, NULL, append_line, &there), log);
    assert_has(there.bytes, object);
    assert_code(DUR_OK, dur_open_recording(NULL, NULL, &copy), copy);
    assert_code(DUR_OK, dur_import(copy, there.bytes, there.length), copy);
    assert_code(DUR_OK, dur_export(copy, NULL, NULL, append_line, &here), copy);
    assert_string_equal(there.bytes, here.bytes);
    dur_close(copy);
    dur_close(log);
    free(there.bytes);
    free(here.bytes);
}

/* Law 10: their logs are exported, and imported, as they are; an object keeps its machine. */
static void law10_logs_of_other_machines_are_exported_and_imported(void **state)
{
    assert_exports(*state, "big_endian_64.db", "{\"big64\":\"0000000100000002\"}");
    assert_exports(*state, "little_endian_32.db", "{\"little32\":\"0100000002000000\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(law10_changes_of_a_big_endian_machine),
        IN_MEMORY(law10_changes_of_a_32_bit_machine),
        IN_MEMORY(law10_changes_of_this_machine),
        IN_MEMORY(law10_logs_of_other_machines_are_exported_and_imported),
    };

    return cmocka_run_group_tests_name("other machines, changes", tests, NULL, NULL);
}
