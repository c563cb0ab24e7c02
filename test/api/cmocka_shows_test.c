/* test/api: durable_cmocka.h: what its assertions print where a run has recorded other things. */
#include "api/asserted.h"

/* ---- Sequences side by side ---- */

static void expect_fraud(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_steps(log, "42", "charge", "fraud", "weigh", NULL));
}

static void expect_more(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_steps(log, "42", "charge", "weigh", "note", "seal", "nothing", "insure", "hurry",
                        "ship", "ship", "ship", "invoice", "archive", NULL));
}

static void expect_nothing(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_steps(log, "42", NULL));
}

static void expect_of_nobody(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_steps(log, "43", "charge", NULL));
}

static void both_sequences_are_shown(void **state)
{
    fixture it = fixture_of(*state, false);

    assert_fails(&it, expect_fraud,
                 "run \"42\" has recorded other steps than expected:\n"
                 "    expected                     recorded\n"
                 "    charge                       1 step \"charge\": 4711 (integer)\n"
                 "  > fraud                        2 step \"weigh\": 0.10000000000000001 (real, "
                 "0x1.999999999999ap-4)\n"
                 "    weigh                        3 step \"note\": \"fragile: two eggs, and a "
                 "letter to whom it may concern\" (text of 54 bytes)\n"
                 "    -                            4 step \"seal\": x'0001ff' (blob of 3 bytes)\n"
                 "    -                            5 step \"nothing\": null\n"
                 "    -                            6 step \"insure\": failed: \"too fragile\" "
                 "(text of 11 bytes)\n"
                 "    -                            7 receive \"hurry\": timed out\n"
                 "    -                            8 step \"ship\": 10 (integer)\n"
                 "    -                            9 step \"ship\": 20 (integer)\n"
                 "    -                            10 step \"ship\": 30 (integer)\n");
    assert_fails(&it, expect_more,
                 "run \"42\" has recorded other steps than expected:\n"
                 "    expected                     recorded\n"
                 "    ...\n"
                 "    insure                       6 step \"insure\": failed: \"too fragile\" "
                 "(text of 11 bytes)\n"
                 "    hurry                        7 receive \"hurry\": timed out\n"
                 "    ship                         8 step \"ship\": 10 (integer)\n"
                 "    ship                         9 step \"ship\": 20 (integer)\n"
                 "    ship                         10 step \"ship\": 30 (integer)\n"
                 "  > invoice                      -\n"
                 "    archive                      -\n");
    assert_fails(&it, expect_nothing,
                 "run \"42\" has recorded other steps than expected:\n"
                 "    expected                     recorded\n"
                 "  > -                            1 step \"charge\": 4711 (integer)\n"
                 "    -                            2 step \"weigh\": 0.10000000000000001 (real, "
                 "0x1.999999999999ap-4)\n"
                 "    -                            3 step \"note\": \"fragile: two eggs, and a "
                 "letter to whom it may concern\" (text of 54 bytes)\n"
                 "    -                            4 step \"seal\": x'0001ff' (blob of 3 bytes)\n"
                 "    -                            5 step \"nothing\": null\n"
                 "    -                            6 step \"insure\": failed: \"too fragile\" "
                 "(text of 11 bytes)\n"
                 "    -                            7 receive \"hurry\": timed out\n"
                 "    -                            8 step \"ship\": 10 (integer)\n"
                 "    -                            9 step \"ship\": 20 (integer)\n"
                 "    -                            10 step \"ship\": 30 (integer)\n");
    assert_fails(&it, expect_of_nobody,
                 "dur_visit_steps() gave DUR_NOT_FOUND:\n"
                 "run \"43\": there is no such run in this log\n");
    drop(&it);
}

static int tick(dur_run *run, void *user)
{
    (void)user;
    for (int i = 0; i < 40 && dur_ok(run); i++)
        DUR_STEP(run, i == 20 ? "tock" : "tick") {}
    return 0;
}

#define TEN_TICKS "tick", "tick", "tick", "tick", "tick", "tick", "tick", "tick", "tick", "tick"

static void expect_only_ticks(fixture *it, dur_log *log)
{
    (void)log;
    log = host_log(it->host);
    assert_code(DUR_OK, dur_execute(log, "tick", "clock", NULL, tick, NULL), log);
    AT(dur_assert_steps(log, "clock", TEN_TICKS, TEN_TICKS, TEN_TICKS, TEN_TICKS, NULL));
}

static void a_long_sequence_is_shown_around_the_difference(void **state)
{
    fixture it = fixture_of(*state, false);

    assert_fails(&it, expect_only_ticks,
                 "run \"clock\" has recorded other steps than expected:\n"
                 "    expected                     recorded\n"
                 "    ...\n"
                 "    tick                         16 step \"tick\": null\n"
                 "    tick                         17 step \"tick\": null\n"
                 "    tick                         18 step \"tick\": null\n"
                 "    tick                         19 step \"tick\": null\n"
                 "    tick                         20 step \"tick\": null\n"
                 "  > tick                         21 step \"tock\": null\n"
                 "    tick                         22 step \"tick\": null\n"
                 "    tick                         23 step \"tick\": null\n"
                 "    tick                         24 step \"tick\": null\n"
                 "    tick                         25 step \"tick\": null\n"
                 "    tick                         26 step \"tick\": null\n"
                 "    tick                         27 step \"tick\": null\n"
                 "    tick                         28 step \"tick\": null\n"
                 "    tick                         29 step \"tick\": null\n"
                 "    tick                         30 step \"tick\": null\n"
                 "    tick                         31 step \"tick\": null\n"
                 "    tick                         32 step \"tick\": null\n"
                 "    tick                         33 step \"tick\": null\n"
                 "    ... up to row 40\n");
    drop(&it);
}

/* ---- Values ---- */

static void expect_another_number(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_step_integer(log, "42", "ship", 2, 21));
}

static void expect_another_type(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_step_integer(log, "42", "weigh", 1, 0));
}

static void expect_another_text(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_step_text(log, "42", "note", 1,
                            "fragile: two eggs, and a letter to whom it might concern"));
}

static void expect_another_blob(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_step_blob(log, "42", "seal", 1, "\0\1\2\3", 4));
}

static void expect_success(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_step_null(log, "42", "insure", 1));
}

static void expect_a_fourth(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_step_integer(log, "42", "ship", 4, 40));
}

static void expect_one_parcel(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_step_count(log, "42", "ship", 1));
}

static void both_values_are_shown(void **state)
{
    fixture it = fixture_of(*state, false);

    assert_fails(&it, expect_another_number,
                 "run \"42\", position 9, step \"ship\", number 2 of 3, asserted.h:N:\n"
                 "    expected: 21 (integer)\n"
                 "    recorded: 20 (integer)\n");
    assert_fails(&it, expect_another_type,
                 "run \"42\", position 2, step \"weigh\", asserted.h:N:\n"
                 "    expected: 0 (integer)\n"
                 "    recorded: 0.10000000000000001 (real, 0x1.999999999999ap-4)\n");
    assert_fails(&it, expect_another_text,
                 "run \"42\", position 3, step \"note\", asserted.h:N:\n"
                 "    expected: ...\"ile: two eggs, and a letter to whom it might concern\" "
                 "(text of 56 bytes)\n"
                 "    recorded: ...\"ile: two eggs, and a letter to whom it may concern\" (text "
                 "of 54 bytes)\n"
                 "    they differ from byte 44 on\n");
    assert_fails(&it, expect_another_blob,
                 "run \"42\", position 4, step \"seal\", asserted.h:N:\n"
                 "    expected: x'00010203' (blob of 4 bytes)\n"
                 "    recorded: x'0001ff' (blob of 3 bytes)\n"
                 "    they differ from byte 2 on\n");
    assert_fails(&it, expect_success,
                 "run \"42\", position 6, step \"insure\", asserted.h:N:\n"
                 "    expected: null\n"
                 "    recorded: failed: \"too fragile\" (text of 11 bytes)\n");
    assert_fails(&it, expect_a_fourth,
                 "run \"42\" has recorded \"ship\" 3 times: there is no number 4\n");
    assert_fails(&it, expect_one_parcel,
                 "run \"42\" has recorded \"ship\" 3 times, not 1\n");
    drop(&it);
}

/* ---- Ends ---- */

static void expect_another_end(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_status(log, "42", DUR_RUN_CANCELLED));
}

static void expect_another_output(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_output(log, "42", dur_text("delivered")));
}

static void expect_another_input(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_input(log, "42", dur_null()));
}

static void expect_a_failure(fixture *it, dur_log *log)
{
    (void)it;
    AT(dur_assert_failure(log, "42", "too fragile"));
}

static void what_the_run_came_to_is_shown(void **state)
{
    fixture it = fixture_of(*state, false);

    assert_fails(&it, expect_another_end, "expected: cancelled; but run \"42\" is completed\n");
    assert_fails(&it, expect_another_output, "run \"42\" has another output:\n"
                                             "    expected: \"delivered\" (text of 9 bytes)\n"
                                             "    recorded: \"sent\" (text of 4 bytes)\n");
    assert_fails(&it, expect_another_input, "run \"42\" has another input:\n"
                                            "    expected: null\n"
                                            "    recorded: 17 (integer)\n");
    assert_fails(&it, expect_a_failure,
                 "expected: failure \"too fragile\"; but run \"42\" is completed\n");
    drop(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(both_sequences_are_shown),
        IN_MEMORY(a_long_sequence_is_shown_around_the_difference),
        IN_MEMORY(both_values_are_shown),
        IN_MEMORY(what_the_run_came_to_is_shown),
    };

    return cmocka_run_group_tests_name("cmocka shows", tests, NULL, NULL);
}
