/* test/api: compensation on SQLite: in the host's transaction, through the verbs, with values of
 * every kind, under mischief of the undo functions, and as any SQLite client sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "support/host.h"

typedef struct order {
    test_host *host;
    dur_log *log;
    dur_run *run;
    void (*mischief)(struct order *, dur_step *); /* in the first undo, once */
    int undone;
    int charged;
    char seen[64];    /* the value in the last undo */
    const char *fails; /* the text of a failing undo; NULL: it does not */
    int inner_code;   /* what the mischief was answered */
    const char *text; /* that the step records */
    char key[64];     /* of the step */
} order;

static int refund(dur_step *step, void *user)
{
    order *it = user;
    void (*mischief)(order *, dur_step *) = it->mischief;
    const char *text = dur_as_text(dur_step_value(step));

    it->undone++;
    snprintf(it->seen, sizeof it->seen, "%s", text ? text : "none");
    it->mischief = NULL;
    if (mischief) mischief(it, step);
    if (it->fails) return dur_record_failure(step, it->fails);
    return dur_record_result(step, dur_text("refunded"));
}

static void charge(dur_run *run, order *it)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    const char *text;

    options.undo = refund;
    options.user = it;
    DUR_STEP(run, "charge", text, &options)
    {
        it->charged++;
        snprintf(it->key, sizeof it->key, "%s",
                 dur_step_idempotency_key(dur_current_step(run)));
        text = it->text;
    }
}

static int work(dur_run *run, void *user)
{
    order *it = user;

    it->run = run;
    charge(run, it);
    dur_fail(run, "out of tea");
    return 0;
}

static order new_order(test_host *host)
{
    order it;

    memset(&it, 0, sizeof it);
    it.host = host;
    it.text = "payment 7";
    return it;
}

static int execute(dur_log *log, order *it)
{
    it->log = log;
    return dur_execute(log, "w", "r", NULL, work, it);
}

static int64_t undo_rows(const order *it)
{
    return host_number(it->host->db, "SELECT count(*) FROM durable_steps_view WHERE kind = 'undo'"
                                     " AND name = 'charge' AND outcome = 'result'");
}

static void the_undo_is_a_step_in_the_view(void **state)
{
    order it = new_order(*state);
    dur_log *log = host_log(it.host);

    assert_code(DUR_FAILED, execute(log, &it), log);
    assert_string_equal(dur_errmsg(log), "out of tea");
    assert_string_equal(it.seen, "payment 7");
    assert_int_equal(undo_rows(&it), 1);
    assert_int_equal(host_number(it.host->db, "SELECT position FROM durable_steps_view"
                                              " WHERE kind = 'undo'"), 2);
    dur_close(log);
}

/* Law 1: undone in the host's transaction, it is as durable as that. */
static void a_rollback_takes_the_undo_back(void **state)
{
    order it = new_order(*state);
    dur_log *log = host_log(it.host);

    host_run(it.host->db, "BEGIN");
    assert_code(DUR_FAILED, execute(log, &it), log);
    assert_int_equal(undo_rows(&it), 1);
    host_run(it.host->db, "ROLLBACK");
    assert_code(DUR_FAILED, execute(log, &it), log);
    assert_int_equal(it.charged, 2);
    assert_int_equal(it.undone, 2);
    assert_int_equal(undo_rows(&it), 1);
    dur_close(log);
}

/* ---- The verbs ---- */

static dur_run *begin_charged(dur_log *log, order *it)
{
    dur_run *run = NULL;

    it->log = log;
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    it->run = run;
    charge(run, it);
    return run;
}

static void a_run_that_is_failed_by_hand_is_undone(void **state)
{
    order it = new_order(*state);
    dur_log *log = host_log(it.host);
    dur_run *run = begin_charged(log, &it);

    assert_code(DUR_OK, dur_fail_run(run, "by hand"), log);
    assert_int_equal(it.undone, 1);
    assert_int_equal(undo_rows(&it), 1);
    dur_close_run(run);
    assert_code(DUR_FAILED, execute(log, &it), log);
    assert_string_equal(dur_errmsg(log), "by hand");
    dur_close(log);
}

/* The end could not be written: it is tried again, the undo is not, and the run takes no step in
 * between. */
static void an_end_that_is_written_later_undoes_nothing_twice(void **state)
{
    order it = new_order(*state);
    dur_log *log = host_log(it.host);
    dur_run *run = begin_charged(log, &it);
    dur_step *step;

    it.fails = "no connection";
    host_run(it.host->db, "CREATE TRIGGER no_end BEFORE UPDATE ON durable_runs"
                          " BEGIN SELECT RAISE(ABORT, 'not now'); END");
    assert_true(dur_fail_run(run, "by hand") < 0);
    assert_code(DUR_FAILED, dur_begin_step(run, "more", NULL, &step), log);
    host_run(it.host->db, "DROP TRIGGER no_end");
    dur_fail_run(run, "by hand");
    assert_int_equal(it.undone, 1);
    dur_close_run(run);
    assert_code(DUR_FAILED, execute(log, &it), log);
    assert_string_equal(dur_errmsg(log), "by hand; undoing \"charge\" failed: no connection");
    assert_int_equal(it.undone, 1);
    dur_close(log);
}

/* ---- Values and words ---- */

static void a_large_result_is_handed_to_what_undoes_it(void **state)
{
    order it = new_order(*state);
    dur_log *log = host_log(it.host);
    char text[5000];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    it.text = text;
    assert_code(DUR_FAILED, execute(log, &it), log);
    assert_int_equal(strlen(it.seen), sizeof it.seen - 1);
    dur_close(log);
}

static void a_long_failure_is_cut_at_a_character(void **state)
{
    order it = new_order(*state);
    dur_log *log = host_log(it.host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    char text[1001];

    for (size_t i = 0; i + 1 < sizeof text; i += 2) memcpy(text + i, "\xc3\xbc", 2);
    text[1000] = '\0';
    it.fails = text;
    assert_code(DUR_FAILED, execute(log, &it), log);
    assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
    assert_has(info.failure, "out of tea; undoing \"charge\" failed: \xc3\xbc");
    assert_true(strlen(info.failure) >= 999 && strlen(info.failure) <= 1000);
    assert_int_equal((unsigned char)info.failure[strlen(info.failure) - 1], 0xbc);
    dur_close(log);
}

/* ---- Mischief ---- */

static void close_the_run(order *it, dur_step *step)
{
    (void)step;
    dur_close_run(it->run);
}

static void close_the_log(order *it, dur_step *step)
{
    (void)step;
    dur_close(it->log);
}

static void end_the_run(order *it, dur_step *step)
{
    (void)step;
    it->inner_code = dur_complete_run(it->run, dur_null());
}

static void begin_inside(order *it, dur_step *step)
{
    dur_step *inner;

    (void)step;
    it->inner_code = dur_begin_step(it->run, "inner", NULL, &inner);
}

static void stop_the_pass(order *it, dur_step *step)
{
    (void)step;
    dur_stop(it->run, "not now");
}

static void fail_the_body(order *it, dur_step *step)
{
    (void)step;
    dur_fail(it->run, "said by dur_fail");
}

/* Law 9: the pass ends, the run does not, and the next one goes on. */
static void mischief_in_an_undo_ends_the_pass(void **state)
{
    static const struct {
        void (*mischief)(order *, dur_step *);
        int code;
    } cases[] = {
        {close_the_run, DUR_MISUSE},
        {end_the_run, DUR_MISUSE},
        {begin_inside, DUR_MISUSE},
        {stop_the_pass, DUR_STOPPED},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        order it = new_order(*state);
        dur_log *log = host_log(it.host);

        it.mischief = cases[i].mischief;
        assert_code(cases[i].code, execute(log, &it), log);
        assert_int_equal(undo_rows(&it), 0);
        assert_code(DUR_FAILED, execute(log, &it), log);
        assert_int_equal(it.undone, 2);
        assert_int_equal(it.charged, 1);
        host_run(it.host->db, "DELETE FROM durable_runs");
        dur_close(log);
    }
}

static void a_log_that_is_closed_in_an_undo_leaves_the_rest_to_the_next_pass(void **state)
{
    order it = new_order(*state);
    dur_log *log = host_log(it.host);

    it.mischief = close_the_log;
    assert_int_equal(execute(log, &it), DUR_MISUSE);
    log = host_log(it.host);
    assert_code(DUR_FAILED, execute(log, &it), log);
    assert_int_equal(it.undone, 2);
    assert_int_equal(undo_rows(&it), 1);
    dur_close(log);
}

static void dur_fail_in_an_undo_is_its_failure(void **state)
{
    order it = new_order(*state);
    dur_log *log = host_log(it.host);

    it.mischief = fail_the_body;
    assert_code(DUR_FAILED, execute(log, &it), log);
    assert_string_equal(dur_errmsg(log), "out of tea; undoing \"charge\" failed: said by dur_fail");
    dur_close(log);
}

/* ---- Steps open beside each other ---- */

static int note_undone(dur_step *step, void *user)
{
    int *count = user;

    ++*count;
    return dur_record_result(step, dur_null());
}

/* Law 5, the positions of undo steps lie behind rows that were recorded out of order. */
static void undo_steps_stand_behind_all_that_was_open(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_step *a, *b, *c;
    dur_run *run;
    int undone[3] = {0, 0, 0};

    options.undo = note_undone;
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    options.user = &undone[0];
    assert_code(DUR_EXECUTE, dur_begin_step(run, "a", &options, &a), log);
    options.user = &undone[1];
    assert_code(DUR_EXECUTE, dur_begin_step(run, "b", &options, &b), log);
    options.user = &undone[2];
    assert_code(DUR_EXECUTE, dur_begin_step(run, "c", &options, &c), log);
    assert_code(DUR_OK, dur_record_result(c, dur_integer(3)), log);
    assert_code(DUR_OK, dur_record_failure(a, "broken"), log);
    assert_code(DUR_FAILED, dur_begin_step(run, "d", NULL, &b), log);
    assert_code(DUR_FAILED, dur_complete_run(run, dur_null()), log);
    dur_close_run(run);
    for (int i = 0; i < 3; i++) assert_int_equal(undone[i], 1);
    assert_int_equal(host_number(host->db, "SELECT min(position) FROM durable_steps_view WHERE"
                                           " kind = 'undo'"), 4);
    dur_close(log);
}

static void compare_keys(order *it, dur_step *step)
{
    assert_string_equal(dur_undone_key(step), it->key);
    assert_string_not_equal(dur_step_idempotency_key(step), it->key);
    it->inner_code = 1;
}

/* What became of a step that was interrupted can be asked by its key. */
static void an_undo_knows_the_key_of_what_it_undoes(void **state)
{
    order it = new_order(*state);
    dur_log *log = host_log(it.host);

    it.mischief = compare_keys;
    assert_code(DUR_FAILED, execute(log, &it), log);
    assert_int_equal(it.inner_code, 1);
    assert_null(dur_undone_key(NULL));
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(the_undo_is_a_step_in_the_view),
        IN_EVERY_JOURNAL(a_rollback_takes_the_undo_back),
        IN_MEMORY(an_undo_knows_the_key_of_what_it_undoes),
        IN_MEMORY(a_run_that_is_failed_by_hand_is_undone),
        IN_MEMORY(an_end_that_is_written_later_undoes_nothing_twice),
        IN_MEMORY(a_large_result_is_handed_to_what_undoes_it),
        IN_MEMORY(a_long_failure_is_cut_at_a_character),
        IN_MEMORY(mischief_in_an_undo_ends_the_pass),
        IN_MEMORY(a_log_that_is_closed_in_an_undo_leaves_the_rest_to_the_next_pass),
        IN_MEMORY(dur_fail_in_an_undo_is_its_failure),
        IN_MEMORY(undo_steps_stand_behind_all_that_was_open),
    };
    return cmocka_run_group_tests_name("compensation", tests, NULL, NULL);
}
