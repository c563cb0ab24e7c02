/* test/api: law 10, logs written on machines of another byte order and another word size. The files
 * and the program that wrote them are in test/support/other_machines. */
#include "api/tally.h"

#include <stdio.h>

#include "support/other_machines/workflow.h"

static void load(test_host *host, const char *name)
{
    char path[512];
    sqlite3 *file;
    sqlite3_backup *backup;

    snprintf(path, sizeof path, "%s/test/support/other_machines/%s", DUR_SOURCE_DIR, name);
    assert_int_equal(SQLITE_OK, sqlite3_open_v2(path, &file, SQLITE_OPEN_READONLY, NULL));
    backup = sqlite3_backup_init(host->db, "main", file, "main");
    assert_non_null(backup);
    assert_int_equal(SQLITE_DONE, sqlite3_backup_step(backup, -1));
    assert_int_equal(SQLITE_OK, sqlite3_backup_finish(backup));
    sqlite3_close(file);
}

static void assert_seen(const machine_seen *seen)
{
    assert_true(seen->least == INT64_MIN);
    assert_true(seen->most == UINT64_MAX);
    assert_true(seen->nan_bits == UINT64_C(0xFFF8000000000123));
    assert_true(seen->small <= -DBL_MIN && seen->small >= -DBL_MIN);
    assert_true(seen->third <= 1.0F / 3 && seen->third >= 1.0F / 3);
    assert_true(seen->truth);
    assert_memory_equal(seen->name, "8 bytes!", 8);
    assert_string_equal(seen->text, "gr\xc3\xbc\xc3\x9f dich");
    assert_int_equal(3, seen->blob_length);
    assert_string_equal(seen->caught, "out of paper");
}

static void assert_replays_up_to_the_object(test_host *host, const char *name)
{
    machine_seen seen;
    const dur_divergence *report;
    dur_log *log;

    load(host, name);
    log = host_log(host);
    memset(&seen, 0, sizeof seen);
    assert_code(DUR_MISMATCH, dur_execute(log, "machines", "the-run", NULL, see_everything, &seen),
                log);
    assert_has(dur_errmsg(log), "byte order");
    assert_int_equal(0, seen.bodies);
    assert_int_equal(0, seen.pair.first);
    assert_seen(&seen);
    report = dur_get_divergence(log);
    assert_non_null(report);
    assert_int_equal(DUR_CHANGE_RETYPED, report->change);
    assert_int_equal(11, report->position);
    dur_close(log);
}

static void law10_a_log_of_a_big_endian_machine(void **state)
{
    assert_replays_up_to_the_object(*state, "big_endian_64.db");
}

static void law10_a_log_of_a_32_bit_machine(void **state)
{
    assert_replays_up_to_the_object(*state, "little_endian_32.db");
}

/* The same on one machine: everything is replayed, the object too. */
static void law10_a_log_of_this_machine(void **state)
{
    test_host *host = *state;
    machine_seen seen;
    dur_log *log = host_log(host);

    for (int pass = 0; pass < 2; pass++) {
        memset(&seen, 0, sizeof seen);
        assert_code(DUR_STOPPED,
                    dur_execute(log, "machines", "the-run", NULL, see_everything, &seen), log);
        assert_int_equal(pass == 0 ? 11 : 0, seen.bodies);
        assert_seen(&seen);
        assert_int_equal(2, seen.pair.second);
    }
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(law10_a_log_of_a_big_endian_machine),
        IN_MEMORY(law10_a_log_of_a_32_bit_machine),
        IN_MEMORY(law10_a_log_of_this_machine),
    };

    return cmocka_run_group_tests_name("other machines", tests, NULL, NULL);
}
