/* test/store: waiting in the SQLite store: signals sent by SQL, single statements, triggers that
 * the host has switched off, limits beside dead owners, and what the views tell. */
#include "store/conformance_kit.h"
#include "store/conformance_sqlite.h"
#include "store/conformance_waits.h"

#include <sqlite3.h>

static sqlite3 *database(const conformance *c)
{
    return ((const sqlite_world *)c->world)->host.db;
}

static durable_signal signal_at(int64_t now)
{
    return (durable_signal){.name = "go", .value = datum_integer(7), .now = now};
}

/* A run that is suspended until 9000, or until "go" or the answer of callback 3 comes. */
static durable_fence suspended(conformance *c, const char *id)
{
    static const char *const awaits[] = {"go", "\t3"};
    const durable_suspension suspension = {.due = 9000, .awaits = awaits, .await_count = 2,
                                           .now = 1500};
    const durable_pending pending = {.position = 3, .kind = DURABLE_KIND_CALLBACK, .name = "ask",
                                     .name_length = 3, .began = 1500, .due = 8000,
                                     .deadline = DURABLE_NEVER, .interval = 500};
    durable_fence fence = start(c, id);

    assert_int_equal(c->store->methods->put_pending(c->store, &fence, &pending, 0), DUR_OK);
    assert_int_equal(c->store->methods->suspend_run(c->store, &fence, &suspension), DUR_OK);
    return fence;
}

static int answer(conformance *c, const durable_fence *fence, int64_t now)
{
    const durable_callback callback = {fence->run, 3, look(c, "order-1").uid};
    const durable_signal signal = signal_at(now);

    return c->store->methods->answer_callback(c->store, &callback, &signal);
}

static void switch_triggers(const conformance *c, int on)
{
    assert_int_equal(sqlite3_db_config(database(c), SQLITE_DBCONFIG_ENABLE_TRIGGER, on, NULL),
                     SQLITE_OK);
}

/* ---- Sending ---- */

static void a_signal_sent_by_sql_wakes_and_is_received(void **state)
{
    conformance *c = *state;
    durable_fence fence = suspended(c, "order-1");
    durable_outcome outcome;
    durable_claim claim = plain_claim(&fence);
    bool claimed = false;

    claim.seen_held = false;
    host_run(database(c), "INSERT INTO durable_signals(run, name, value, sent)"
                          " SELECT run, 'other', 1, 1600 FROM durable_runs WHERE id = 'order-1'");
    assert_true(look(c, "order-1").due == 9000);
    host_run(database(c), "INSERT INTO durable_signals(run, name, value, sent)"
                          " SELECT run, 'go', 1, 1600 FROM durable_runs WHERE id = 'order-1'");
    assert_true(look(c, "order-1").due == 1600);
    assert_int_equal(c->store->methods->claim_run(c->store, &claim, &claimed, &fence), DUR_OK);
    assert_true(claimed);
    outcome = plain_outcome(&fence, 1);
    outcome.kind = DURABLE_KIND_RECEIVE;
    outcome.takes_signal = host_number(database(c), "SELECT signal FROM durable_signals"
                                                    " WHERE name = 'go'");
    assert_int_equal(append(c, outcome), DUR_OK);
    assert_int_equal(host_number(database(c), "SELECT count(*) FROM durable_signals"), 1);
}

/* With the host's triggers switched off we do what they do, alone and in a transaction. */
static void signals_wake_without_triggers_too(void **state)
{
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    const durable_signal signal = signal_at(1600);

    for (int joined = 0; joined < 2; joined++) {
        durable_fence fence = suspended(c, "order-1");

        switch_triggers(c, 0);
        if (joined) host_run(database(c), "BEGIN");
        assert_int_equal(methods->send_signal(c->store, "order-1", &signal), DUR_OK);
        assert_true(look(c, "order-1").due == 1600);
        host_run(database(c), "UPDATE durable_runs SET due = NULL");
        assert_int_equal(answer(c, &fence, 1700), DUR_OK);
        assert_true(look(c, "order-1").due == 1700);
        assert_int_equal(answer(c, &fence, 1800), DUR_ENDED);
        if (joined) host_run(database(c), "COMMIT");
        assert_true(sqlite3_get_autocommit(database(c)));
        switch_triggers(c, 1);
        host_run(database(c), "DELETE FROM durable_runs");
        assert_int_equal(host_number(database(c), "SELECT count(*) FROM durable_signals"), 0);
        assert_int_equal(host_number(database(c), "SELECT count(*) FROM durable_pending"), 0);
    }
}

static int count_statement(unsigned kind, void *context, void *statement, void *text)
{
    (void)kind;
    (void)statement;
    /* What a trigger runs is told as a comment. */
    if (strncmp(text, "--", 2) != 0) ++*(int *)context;
    return 0;
}

/* So that they can be functions of SQL, called from a trigger. */
static void starting_and_sending_are_one_statement_each(void **state)
{
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    const durable_signal signal = signal_at(1600);
    durable_new_run new_run = plain_run("order-2");
    durable_fence fence = suspended(c, "order-1");
    bool created = false;
    int count = 0;

    new_run.owner = NULL;
    new_run.due = 1500;
    for (int joined = 0; joined < 2; joined++) {
        const durable_callback callback = {fence.run, 3, look(c, "order-1").uid};

        if (joined) host_run(database(c), "BEGIN");
        assert_int_equal(methods->read_version(c->store, &(int64_t){0}), DUR_OK);
        sqlite3_trace_v2(database(c), SQLITE_TRACE_STMT, count_statement, &count);
        count = 0;
        assert_int_equal(methods->create_run(c->store, &new_run, &created, NULL), DUR_OK);
        assert_true(created && count == 1);
        assert_int_equal(methods->send_signal(c->store, "order-1", &signal), DUR_OK);
        assert_int_equal(count, 2);
        assert_int_equal(methods->beat_callback(c->store, &callback, 1600), DUR_OK);
        assert_int_equal(count, 3);
        assert_int_equal(methods->answer_callback(c->store, &callback, &signal), DUR_OK);
        assert_int_equal(count, 4);
        sqlite3_trace_v2(database(c), 0, NULL, NULL);
        if (joined) host_run(database(c), "ROLLBACK");
        host_run(database(c), "DELETE FROM durable_signals;"
                              "DELETE FROM durable_runs WHERE id = 'order-2'");
    }
    assert_true(look(c, "order-1").due == 1600);
}

static void what_was_sent_in_a_transaction_goes_with_it(void **state)
{
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    const durable_signal signal = signal_at(1600);
    const durable_limits limits = {.max_active = 1};
    durable_new_run new_run = plain_run("order-2");
    durable_queue queue;
    bool created = false;

    suspended(c, "order-1");
    new_run.owner = NULL;
    host_run(database(c), "BEGIN");
    assert_int_equal(methods->create_run(c->store, &new_run, &created, NULL), DUR_OK);
    assert_int_equal(methods->send_signal(c->store, "order-1", &signal), DUR_OK);
    assert_int_equal(methods->limit_queue(c->store, "q", &limits), DUR_OK);
    host_run(database(c), "ROLLBACK");
    assert_false(exists(c, "order-2"));
    assert_true(look(c, "order-1").due == 9000);
    assert_int_equal(host_number(database(c), "SELECT count(*) FROM durable_signals"), 0);
    assert_int_equal(methods->look_at_queue(c->store, "q", "1 ", 2, &queue), DUR_OK);
    assert_true(queue.limits.max_active == 0);
}

/* Law 9: of whatever type the time is that somebody sends with, the run becomes due at an integer:
 * at latest now, and not later than it was to be anyway. */
static void a_signal_sent_by_sql_with_no_integer_for_a_time_wakes_now(void **state)
{
    static const char *const times[] = {"datetime('now')", "julianday('now')", "1.5", "x'00'",
                                        "''"};
    conformance *c = *state;

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        for (int64_t due = 9000; due > 0; due = due == 9000 ? DURABLE_NEVER : 0) {
            durable_fence fence = start(c, "order-1");
            durable_signal_record record;
            int64_t now = host_number(database(c), "SELECT 1000 * strftime('%%s', 'now')");

            assert_int_equal(suspend(c, &fence, due, "go"), DUR_OK);
            host_run(database(c), "INSERT INTO durable_signals(run, name, value, sent)"
                                  " SELECT run, 'go', 7, %s FROM durable_runs", times[i]);
            if (due == 9000)
                assert_true(look(c, "order-1").due == 9000);
            else
                assert_in_range(look(c, "order-1").due - now, 0, 60000);
            assert_true(peek(c, fence.run, "go", &record));
            assert_true(record.sent == 0 && record.value.integer == 7);
            c->subject->delete_run(c->world, "order-1");
            host_run(database(c), "DELETE FROM durable_signals");
        }
    }
}

/* ---- Deleted by hand ---- */

static void a_run_deleted_by_hand_takes_its_waits_and_signals_along(void **state)
{
    conformance *c = *state;
    const durable_signal signal = signal_at(1600);

    suspended(c, "order-1");
    suspended(c, "order-2");
    assert_int_equal(c->store->methods->send_signal(c->store, "order-1", &signal), DUR_OK);
    assert_int_equal(c->store->methods->send_signal(c->store, "order-2", &signal), DUR_OK);
    host_run(database(c), "UPDATE durable_signals SET key = 'k', received = 1;"
                          "DELETE FROM durable_runs WHERE id = 'order-1'");
    assert_int_equal(host_number(database(c), "SELECT count(*) FROM durable_signals"), 1);
    assert_int_equal(host_number(database(c), "SELECT count(*) FROM durable_pending"), 1);
}

/* Where the triggers were off, rows stay behind: no new run is given their key. */
static void forgotten_signals_do_not_come_to_a_new_run(void **state)
{
    static const char *const forgotten[] = {
        "UPDATE durable_signals SET run = 40; DELETE FROM durable_pending",
        "UPDATE durable_signals SET run = 41, key = 'k', received = 1; DELETE FROM durable_pending",
        "UPDATE durable_pending SET step = (42 << 27) + 3; DELETE FROM durable_signals"};
    conformance *c = *state;
    const durable_signal signal = signal_at(1600);

    for (size_t i = 0; i < sizeof forgotten / sizeof forgotten[0]; i++) {
        suspended(c, "order-1");
        assert_int_equal(c->store->methods->send_signal(c->store, "order-1", &signal), DUR_OK);
        switch_triggers(c, 0);
        host_run(database(c), "%s; DELETE FROM durable_runs", forgotten[i]);
        switch_triggers(c, 1);
        assert_true(start(c, "order-2").run == 41 + (int64_t)i);
        host_run(database(c), "DELETE FROM durable_runs; DELETE FROM durable_signals;"
                              "DELETE FROM durable_pending");
    }
}

/* ---- Limits ---- */

/* Of six runs that a dead process holds; its successor may have them, though two is the limit now:
 * they count already. Only as many as one process may hold. */
static void a_lowered_limit_does_not_leave_runs_with_the_dead(void **state)
{
    const durable_limits limits = {.max_active = 2, .max_active_process = 3};
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    durable_fence fences[6], taken;
    bool claimed = false;

    for (int i = 0; i < 6; i++) {
        const char id[] = {(char)('a' + i), '\0'};
        durable_new_run new_run = plain_run(id);

        new_run.queue = "q";
        new_run.owner = "1 boot dead 1";
        fences[i] = start_run(c, &new_run);
    }
    assert_int_equal(methods->limit_queue(c->store, "q", &limits), DUR_OK);
    for (int i = 0; i < 6; i++) {
        durable_claim claim = plain_claim(&fences[i]);

        claim.owner = i % 2 ? "1 boot next 2" : "1 boot next 1";
        claim.process_length = strlen("1 boot next ");
        claim.limited = true;
        assert_int_equal(methods->claim_run(c->store, &claim, &claimed, &taken), DUR_OK);
        assert_true(claimed == (i < 3));
    }
    assert_int_equal(host_number(database(c), "SELECT count(*) FROM durable_claims"
                                              " WHERE owner GLOB '1 boot next *'"),
                     3);
}

/* A claim that a limit refuses has changed nothing, alone or in the host's transaction. */
static void a_refused_claim_leaves_the_log_as_it_was(void **state)
{
    const durable_limits limits = {.max_active = 9, .max_active_process = 9, .interval_us = 1000};
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    durable_fence fence = suspended(c, "order-1"), taken;
    durable_claim claim = plain_claim(&fence);
    char *before, *after;
    bool claimed = true;

    claim.seen_held = false;
    claim.limited = true;
    claim.process_length = 5;
    claim.now = 1000;
    host_run(database(c), "UPDATE durable_runs SET queue = 'q'");
    assert_int_equal(methods->limit_queue(c->store, "q", &limits), DUR_OK);
    host_run(database(c), "UPDATE durable_queues SET next_us = 1001000");
    before = host_log_rows(database(c), "main");
    for (int joined = 0; joined < 2; joined++) {
        if (joined) host_run(database(c), "BEGIN");
        assert_int_equal(methods->claim_run(c->store, &claim, &claimed, &taken), DUR_OK);
        assert_false(claimed);
        assert_true(sqlite3_get_autocommit(database(c)) == !joined);
        after = host_log_rows(database(c), "main");
        assert_string_equal(before, after);
        sqlite3_free(after);
        if (joined) host_run(database(c), "COMMIT");
    }
    sqlite3_free(before);
    claim.now = 1001;
    assert_int_equal(methods->claim_run(c->store, &claim, &claimed, &taken), DUR_OK);
    assert_true(claimed);
    assert_int_equal(host_number(database(c), "SELECT next_us FROM durable_queues"), 1002000);
}

/* An interval that reaches beyond the end of time is no overflow. */
static void the_largest_numbers_do_not_overflow(void **state)
{
    const durable_limits limits = {INT64_MAX, INT64_MAX, INT64_MAX};
    const durable_pending pending = {.position = 3, .kind = DURABLE_KIND_CALLBACK, .name = "ask",
                                     .name_length = 3, .due = INT64_MAX - 1,
                                     .deadline = DURABLE_NEVER,
                                     .interval = INT64_MAX};
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    durable_fence fence = start(c, "order-1");
    const durable_callback callback = {fence.run, 3, look(c, "order-1").uid};
    durable_claim claim = plain_claim(&fence);
    bool claimed = false;

    assert_int_equal(methods->put_pending(c->store, &fence, &pending, 0), DUR_OK);
    assert_int_equal(methods->beat_callback(c->store, &callback, INT64_MAX - 1), DUR_OK);
    assert_int_equal(host_number(database(c), "SELECT due IS NULL FROM durable_pending"), 1);
    host_run(database(c), "UPDATE durable_claims SET queue = 'q'");
    assert_int_equal(methods->limit_queue(c->store, "q", &limits), DUR_OK);
    claim.limited = true;
    claim.now = INT64_MAX - 1;
    assert_int_equal(methods->claim_run(c->store, &claim, &claimed, &fence), DUR_OK);
    assert_true(claimed);
    assert_int_equal(host_number(database(c), "SELECT typeof(next_us) = 'integer'"
                                              " FROM durable_queues"),
                     1);
}

/* ---- Views ---- */

static void assert_view(const conformance *c, const char *query, const char *expected)
{
    char *rows = host_rows(database(c), "%s", query);

    assert_string_equal(rows, expected);
    sqlite3_free(rows);
}

static void the_views_tell_what_a_run_waits_for(void **state)
{
    conformance *c = *state;
    durable_signal signal = signal_at(1600);
    durable_fence fence = suspended(c, "order-1"), other = start(c, "order-2");
    durable_outcome outcome = plain_outcome(&other, 1);

    signal.key = "k";
    assert_view(c, "SELECT status, wakes, awaits FROM durable_runs_view WHERE id = 'order-1'",
                "row 'suspended'|'1970-01-01 00:00:09.000'|'go, callback 3'\n.");
    assert_view(c, "SELECT run_id, position, name, kind, attempts, wakes, heartbeat_ms"
                   " FROM durable_pending_view",
                "row 'order-1'|3|'ask'|'callback'|0|'1970-01-01 00:00:08.000'|500\n.");
    assert_int_equal(c->store->methods->send_signal(c->store, "order-2", &signal), DUR_OK);
    assert_int_equal(answer(c, &fence, 1700), DUR_OK);
    outcome.kind = DURABLE_KIND_RECEIVE;
    outcome.takes_signal = 1;
    assert_int_equal(append(c, outcome), DUR_OK);
    assert_view(c, "SELECT run_id, name, key, value, failure, received_at FROM durable_signals_view"
                   " ORDER BY signal",
                "row 'order-2'|'go'|'k'|NULL|NULL|1\n"
                "row 'order-1'|'callback 3'|NULL|7|NULL|NULL\n.");
    outcome = plain_outcome(&other, 2);
    outcome.kind = DURABLE_KIND_SELECT;
    outcome.outcome = DURABLE_OUTCOME_TIMED_OUT;
    outcome.value = datum_null();
    assert_int_equal(append(c, outcome), DUR_OK);
    assert_view(c, "SELECT position, kind, outcome FROM durable_steps_view",
                "row 1|'receive'|'result'\nrow 2|'select'|'timed out'\n.");
    assert_true(host_number(database(c), "SELECT format = 4 AND kind = 4 AND value IS NULL"
                                         " FROM durable_steps WHERE kind = 4"));
}

int main(void)
{
    static const sqlite_variant memory = {.journal = HOST_MEMORY};
    static const sqlite_variant rollback = {.journal = HOST_ROLLBACK};
    static const sqlite_variant wal = {.journal = HOST_WAL};
    static conformance_subject in_memory, with_rollback, in_wal;

#define WAITS_TEST(test, subject)                                                                  \
    {#test " (" #subject ")", test, conformance_setup, conformance_teardown, &(subject)}
    static const struct CMUnitTest tests[] = {
        WAITS_TEST(a_signal_sent_by_sql_wakes_and_is_received, in_memory),
        WAITS_TEST(a_signal_sent_by_sql_with_no_integer_for_a_time_wakes_now, in_memory),
        WAITS_TEST(signals_wake_without_triggers_too, with_rollback),
        WAITS_TEST(signals_wake_without_triggers_too, in_wal),
        WAITS_TEST(starting_and_sending_are_one_statement_each, with_rollback),
        WAITS_TEST(starting_and_sending_are_one_statement_each, in_wal),
        WAITS_TEST(what_was_sent_in_a_transaction_goes_with_it, in_wal),
        WAITS_TEST(a_run_deleted_by_hand_takes_its_waits_and_signals_along, in_memory),
        WAITS_TEST(forgotten_signals_do_not_come_to_a_new_run, in_memory),
        WAITS_TEST(a_lowered_limit_does_not_leave_runs_with_the_dead, in_memory),
        WAITS_TEST(a_refused_claim_leaves_the_log_as_it_was, with_rollback),
        WAITS_TEST(a_refused_claim_leaves_the_log_as_it_was, in_wal),
        WAITS_TEST(the_largest_numbers_do_not_overflow, in_memory),
        WAITS_TEST(the_views_tell_what_a_run_waits_for, in_memory),
    };

    in_memory = sqlite_subject("memory", &memory);
    with_rollback = sqlite_subject("rollback", &rollback);
    in_wal = sqlite_subject("WAL", &wal);
    return cmocka_run_group_tests_name("store.sqlite_waits", tests, NULL, NULL);
}
