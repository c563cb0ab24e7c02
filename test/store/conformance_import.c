/* test/store: the conformance suite, imports: what is refused, what is taken back; and lists. */
#include "store/conformance_rows.h"
#include "store/conformance_children.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int begin(conformance *c)
{
    return c->store->methods->begin_import(c->store);
}

static int put_row(conformance *c, durable_row row)
{
    return c->store->methods->put_row(c->store, &row);
}

static int end(conformance *c, bool keep)
{
    return c->store->methods->end_import(c->store, keep);
}

/* ---- Rows that nothing is special about ---- */

static durable_row plain_run_row(const char *id)
{
    return (durable_row){.type = DURABLE_ROW_RUN,
                         .of.run = {.id = id,
                                    .uid = "0123456789abcdef",
                                    .workflow = "order",
                                    .status = DURABLE_RUNNING,
                                    .behaviour = 1,
                                    .queue = "orders",
                                    .due = 1000,
                                    .deadline = DURABLE_NEVER,
                                    .created = 1000,
                                    .epoch = 1,
                                    .claims = 1,
                                    .generation = 1}};
}

static durable_row child_row(const char *id, const char *parent, bool called)
{
    durable_row row = plain_run_row(id);

    row.of.run.parent = parent;
    row.of.run.called_at = 1;
    row.of.run.called = called;
    if (called) row.of.run.queue = DURABLE_QUEUE_CALLED;
    return row;
}

static durable_row plain_step_row(int64_t position)
{
    return (durable_row){.type = DURABLE_ROW_STEP,
                         .of.step = {.position = position,
                                     .kind = DURABLE_KIND_STEP,
                                     .name = "step",
                                     .name_length = 4,
                                     .value = datum_integer(7),
                                     .low = position,
                                     .epoch = 1,
                                     .attempt = 1}};
}

static durable_row plain_pending_row(int64_t position)
{
    return (durable_row){.type = DURABLE_ROW_PENDING, .of.pending = plain_pending(position)};
}

static durable_row plain_signal_row(const char *key, int64_t received)
{
    return (durable_row){
        .type = DURABLE_ROW_SIGNAL,
        .of.signal = {.address = "mail", .key = key, .sent = 1, .received = received}};
}

/* ---- What does not fit ---- */

/* The row is refused behind a run with a row of each kind; nothing remains. */
static void assert_misfit(conformance *c, durable_row row, int code)
{
    assert_int_equal(begin(c), DUR_OK);
    assert_int_equal(put_row(c, plain_run_row("order-1")), DUR_OK);
    assert_int_equal(put_row(c, plain_step_row(1)), DUR_OK);
    assert_int_equal(put_row(c, plain_pending_row(2)), DUR_OK);
    assert_int_equal(put_row(c, plain_signal_row("k", -1)), DUR_OK);
    assert_int_equal(put_row(c, row), code);
    assert_int_equal(c->store->error.code, code);
    assert_true(c->store->error.message[0]);
    assert_int_equal(put_row(c, plain_run_row("order-2")), DUR_MISUSE);
    assert_int_equal(end(c, false), DUR_OK);
    assert_false(exists(c, "order-1"));
    assert_false(exists(c, "order-2"));
}

#define MISFIT(made, change)                                                                       \
    do {                                                                                           \
        durable_row row = (made);                                                                  \
        change;                                                                                    \
        assert_misfit(c, row, DUR_INVALID);                                                        \
    } while (0)

static void runs_that_do_not_fit_are_refused(void **state)
{
    conformance *c = *state;

    start(c, "there");
    MISFIT(plain_run_row("order-1"), (void)row);
    MISFIT(plain_run_row(NULL), (void)row);
    MISFIT(plain_run_row("a"), row.of.run.uid = NULL);
    MISFIT(plain_run_row("a"), row.of.run.queue = "");
    MISFIT(plain_run_row("a"), row.of.run.status = 0);
    MISFIT(plain_run_row("a"), row.of.run.status = DURABLE_TERMINATED + 1);
    MISFIT(plain_run_row("a"), row.of.run.ended = 5);
    MISFIT(plain_run_row("a"), row.of.run.request = 4);
    MISFIT(plain_run_row("a"), row.of.run.behaviour = 0);
    MISFIT(plain_run_row("a"), row.of.run.generation = 0);
    MISFIT(plain_run_row("a"), row.of.run.epoch = -1);
    MISFIT(plain_run_row("a"), row.of.run.epoch = INT64_MAX);
    MISFIT(plain_run_row("a"), row.of.run.claims = INT64_MAX);
    MISFIT(plain_run_row("a"), row.of.run.priority = 8);
    MISFIT(plain_run_row("a"), row.of.run.on_parent_end = 3);
    MISFIT(plain_run_row("a"), row.of.run.restarted_at = -1);
    MISFIT(plain_run_row("a"), row.of.run.awaits = "mail");
    MISFIT(plain_run_row("a"), row.of.run.called_at = 1);
    MISFIT(plain_run_row("a"), row.of.run.input.format = -1);
    MISFIT(plain_run_row("a"), row.of.run.origin = "nobody");
    MISFIT(plain_run_row("a"), row.of.run.origin = "there"); /* it did not come with these */
    MISFIT(plain_run_row("a"), row.of.run.origin = "a");
    MISFIT(child_row("a", "nobody", false), (void)row);
    MISFIT(child_row("a", "there", true), (void)row);
    MISFIT(child_row("a", "a", true), (void)row);
    MISFIT(child_row("a", NULL, true), row.of.run.called_at = 0);
    MISFIT(child_row("a", "order-1", true), row.of.run.queue = "orders");
    MISFIT(child_row("a", "order-1", false), row.of.run.called_at = 0);
    MISFIT(child_row("a", "order-1", false), row.of.run.called_at = DUR_POSITION_MAX + 1);
    assert_misfit(c, plain_run_row("there"), DUR_CONFLICT);
}

static void rows_of_runs_that_do_not_fit_are_refused(void **state)
{
    conformance *c = *state;

    MISFIT(plain_step_row(1), (void)row);
    MISFIT(plain_step_row(0), (void)row);
    MISFIT(plain_step_row(DUR_POSITION_MAX + 1), (void)row);
    MISFIT(plain_step_row(3), row.of.step.kind = 0);
    MISFIT(plain_step_row(3), row.of.step.name = NULL);
    MISFIT(plain_step_row(3), row.of.step.outcome = 3);
    MISFIT(plain_step_row(3), row.of.step.outcome = DURABLE_OUTCOME_FAILURE);
    MISFIT(plain_step_row(3), row.of.step.outcome = DURABLE_OUTCOME_TIMED_OUT);
    MISFIT(plain_step_row(3), row.of.step.low = 0);
    MISFIT(plain_step_row(3), row.of.step.low = 4);
    MISFIT(plain_step_row(3), row.of.step.epoch = -1);
    MISFIT(plain_pending_row(2), (void)row);
    MISFIT(plain_pending_row(0), (void)row);
    MISFIT(plain_pending_row(3), row.of.pending.kind = 0);
    MISFIT(plain_pending_row(3), row.of.pending.intent = 4);
    MISFIT(plain_pending_row(3), row.of.pending.attempt = -1);
    MISFIT(plain_pending_row(3), row.of.pending.interval = -1);
    MISFIT(plain_signal_row("k", -1), (void)row); /* the key comes twice */
    MISFIT(plain_signal_row("k", 3), (void)row);
    MISFIT(plain_signal_row(NULL, 3), (void)row); /* it would not have stayed */
    MISFIT(plain_signal_row(NULL, -2), (void)row);
    MISFIT(plain_signal_row(NULL, -1), row.of.signal.address = "");
    MISFIT(plain_signal_row(NULL, -1), row.type = 77);
}

static void nothing_belongs_to_no_run(void **state)
{
    conformance *c = *state;
    const durable_row rows[] = {plain_step_row(1), plain_pending_row(1),
                                plain_signal_row(NULL, -1)};

    start(c, "there");
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(begin(c), DUR_OK);
        assert_int_equal(put_row(c, rows[i]), DUR_INVALID);
        assert_int_equal(end(c, false), DUR_OK);
    }
    assert_int_equal(load_all(c, 1).count, 0);
}

/* ---- Keeping and taking back ---- */

static void an_import_is_kept_as_a_whole(void **state)
{
    conformance *c = *state;

    assert_int_equal(begin(c), DUR_OK);
    assert_int_equal(put_row(c, plain_run_row("order-1")), DUR_OK);
    assert_int_equal(put_row(c, child_row("child", "order-1", true)), DUR_OK);
    assert_int_equal(put_row(c, child_row("below", "child", true)), DUR_OK);
    assert_int_equal(put_row(c, child_row("started", "below", false)), DUR_OK);
    assert_int_equal(end(c, true), DUR_OK);
    reopen(c);
    assert_true(look(c, "below").root == look(c, "order-1").run);
    assert_true(look(c, "below").parent == look(c, "child").run);
    assert_true(look(c, "started").root == 0 && look(c, "started").depth == 3);
}

static void a_row_that_was_refused_keeps_all_of_them_out(void **state)
{
    conformance *c = *state;

    assert_int_equal(begin(c), DUR_OK);
    assert_int_equal(put_row(c, plain_run_row("order-1")), DUR_OK);
    assert_int_equal(put_row(c, plain_step_row(0)), DUR_INVALID);
    assert_int_equal(end(c, true), DUR_MISUSE);
    assert_false(exists(c, "order-1"));
    start(c, "order-1");
}

static void an_import_that_is_not_ended_is_taken_back_with_the_store(void **state)
{
    conformance *c = *state;

    start(c, "there");
    assert_int_equal(begin(c), DUR_OK);
    assert_int_equal(put_row(c, plain_run_row("order-1")), DUR_OK);
    reopen(c);
    assert_false(exists(c, "order-1"));
    assert_true(exists(c, "there"));
}

static void imports_begin_and_end_one_at_a_time(void **state)
{
    conformance *c = *state;

    assert_int_equal(put_row(c, plain_run_row("order-1")), DUR_MISUSE);
    assert_int_equal(end(c, true), DUR_OK); /* none has begun */
    assert_int_equal(begin(c), DUR_OK);
    assert_int_equal(begin(c), DUR_MISUSE);
    assert_int_equal(c->store->methods->begin_transaction(c->store, 0, true), DUR_MISUSE);
    assert_int_equal(c->store->methods->end_transaction(c->store, true), DUR_OK);
    assert_int_equal(put_row(c, plain_run_row("order-1")), DUR_OK);
    assert_int_equal(end(c, true), DUR_OK);
    assert_int_equal(end(c, true), DUR_OK);
    assert_true(exists(c, "order-1"));
    assert_int_equal(c->store->methods->begin_transaction(c->store, 0, true), DUR_OK);
    assert_int_equal(begin(c), DUR_MISUSE);
    assert_int_equal(c->store->methods->end_transaction(c->store, false), DUR_OK);
}

static void assert_not_now(int code, bool other)
{
    if (!other || code != DUR_BUSY) assert_int_equal(code, DUR_MISUSE);
}

static void assert_others_wait(conformance *c, durable_fence *fence, bool other)
{
    const durable_store_methods *methods = c->store->methods;
    durable_outcome outcome = plain_outcome(fence, 1);
    durable_new_run new_run = unclaimed_run("new");
    bool created;

    assert_not_now(methods->append_outcomes(c->store, &outcome, 1), other);
    outcome.in_transaction = true;
    assert_not_now(methods->append_outcomes(c->store, &outcome, 1), other);
    assert_not_now(methods->create_run(c->store, &new_run, &created, NULL), other);
    assert_not_now(methods->cancel_run(c->store, "there", 1), other);
    assert_not_now(methods->release_run(c->store, fence, 1), other);
}

static void other_writes_are_refused_meanwhile(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "there");
    durable_store *first;

    assert_int_equal(begin(c), DUR_OK);
    assert_others_wait(c, &fence, false);
    first = use_other(c);
    assert_others_wait(c, &fence, true);
    close_other(c, first);
    assert_int_equal(put_row(c, plain_run_row("order-1")), DUR_OK);
    assert_others_wait(c, &fence, false);
    assert_int_equal(end(c, true), DUR_OK);
    record(c, &fence, 1);
}

/* ---- The end of a visit ---- */

static int stop_at_step(const durable_row *row, void *context)
{
    ++*(int *)context;
    return row->type == DURABLE_ROW_STEP ? DUR_STOPPED : DUR_OK;
}

static void what_the_visitor_returns_ends_the_visit(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    int rows = 0;

    record(c, &fence, 1);
    record(c, &fence, 2);
    start(c, "order-2");
    assert_int_equal(c->store->methods->visit_rows(c->store, NULL, stop_at_step, &rows),
                     DUR_STOPPED);
    assert_int_equal(rows, 2);
    record(c, &fence, 3); /* nothing is left open */
}

static int go_on(const durable_row *row, void *context)
{
    (void)row, (void)context;
    return DUR_OK;
}

static void damaged_rows_end_a_visit(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    record(c, &fence, 1);
    c->subject->damage_step(c->world, "order-1", 1);
    assert_int_equal(c->store->methods->visit_rows(c->store, NULL, go_on, NULL), DUR_CORRUPT);
    fence = start(c, "order-2");
    assert_int_equal(put(c, &fence, plain_pending(1)), DUR_OK);
    c->subject->damage_pending(c->world, "order-2", 1);
    assert_int_equal(c->store->methods->visit_rows(c->store, "order-2", go_on, NULL), DUR_CORRUPT);
}

/* ---- Lists ---- */

typedef struct listing {
    narrative ids;
    int64_t last;
    size_t most;
} listing;

static int add_listed(const durable_listed *listed, void *context)
{
    listing *list = context;

    assert_string_equal(listed->workflow, "order");
    assert_true(listed->run > list->last);
    list->last = listed->run;
    narrative_add(&list->ids, " %s", listed->id);
    return --list->most == 0;
}

static void assert_list(conformance *c, int64_t after, bool open, int64_t limit, size_t most,
                        const char *expected)
{
    listing list = {.most = most};

    narrative_init(&list.ids);
    assert_int_equal(
        c->store->methods->list_runs(c->store, after, open, limit, add_listed, &list), DUR_OK);
    assert_string_equal(list.ids.text, expected);
    narrative_free(&list.ids);
}

static void runs_are_listed_in_the_order_of_their_keys(void **state)
{
    conformance *c = *state;
    durable_fence d = start(c, "d"), c_run, b = start(c, "b");
    const durable_child_spec called = {
        .id = "d/1", .parent = &d, .position = 1, .root = d.run, .depth = 1};
    const durable_child_spec started = {.id = "s", .parent = &d, .position = 2, .depth = 1};

    create_child(c, &called);
    create_child(c, &started);
    c_run = start(c, "c");
    start_unclaimed(c, "a", 5);
    end_as(c, &b, DURABLE_COMPLETED);
    end_as(c, &c_run, DURABLE_PARKED);
    assert_list(c, 0, false, 100, 100, " d b s c a");
    assert_list(c, 0, true, 100, 100, " d s c a");
    assert_list(c, d.run, false, 2, 100, " b s");
    assert_list(c, b.run, true, 100, 1, " s");
    assert_list(c, 0, true, 0, 100, "");
    assert_list(c, INT64_MAX, false, 100, 100, "");
}

size_t conformance_import_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest all[] = {
        cmocka_unit_test(runs_that_do_not_fit_are_refused),
        cmocka_unit_test(rows_of_runs_that_do_not_fit_are_refused),
        cmocka_unit_test(nothing_belongs_to_no_run),
        cmocka_unit_test(an_import_is_kept_as_a_whole),
        cmocka_unit_test(a_row_that_was_refused_keeps_all_of_them_out),
        cmocka_unit_test(an_import_that_is_not_ended_is_taken_back_with_the_store),
        cmocka_unit_test(imports_begin_and_end_one_at_a_time),
        cmocka_unit_test(other_writes_are_refused_meanwhile),
        cmocka_unit_test(what_the_visitor_returns_ends_the_visit),
        cmocka_unit_test(damaged_rows_end_a_visit),
        cmocka_unit_test(runs_are_listed_in_the_order_of_their_keys),
    };

    *tests = all;
    return COUNT(all);
}
