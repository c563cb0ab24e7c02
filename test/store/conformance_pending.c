/* test/store: the conformance suite, pending rows: put, load, clear. */
#include "store/conformance_waits.h"

#include <stdlib.h>

static void a_pending_row_is_loaded_as_it_was_put(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_pending pending = plain_pending(3);
    durable_run_record before = look(c, "order-1"), after;
    waits rows;

    pending.name = "charge and more";
    pending.choice = 4;
    pending.interval = 250;
    pending.deadline = 8000;
    pending.details = datum_text("half done");
    assert_int_equal(put(c, &fence, pending), DUR_OK);
    rows = load_waits(c, fence.run);
    assert_int_equal(rows.count, 1);
    assert_same_pending(&rows.rows[0], &pending);
    assert_int_equal(rows.rows[0].name_length, 6);

    /* Nothing in the run's row changes, and it is no step. */
    after = look(c, "order-1");
    assert_same_run(&before, &after);
    assert_int_equal(load_all(c, fence.run).count, 0);
    assert_true(summarize(c, fence.run).last == 0);
}

static void every_kind_of_wait_is_kept(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    waits rows;

    for (int kind = DURABLE_KIND_STEP; kind <= DURABLE_KIND_CALLBACK; kind++) {
        durable_pending pending = plain_pending(kind);

        pending.kind = kind;
        pending.failure = kind % 2 ? NULL : "";
        assert_int_equal(put(c, &fence, pending), DUR_OK);
    }
    rows = load_waits(c, fence.run);
    assert_int_equal(rows.count, DURABLE_KIND_CALLBACK);
    for (int kind = DURABLE_KIND_STEP; kind <= DURABLE_KIND_CALLBACK; kind++) {
        const durable_pending *row = &rows.rows[kind - 1];

        assert_int_equal(row->kind, kind);
        if (kind % 2)
            assert_null(row->failure);
        else
            assert_string_equal(row->failure, "");
    }
}

static void every_datum_passes_as_details(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_datum specimens[64];
    size_t count = datum_specimens(specimens, 64);
    waits rows;

    for (size_t i = 0; i < count; i++) {
        durable_pending pending = plain_pending((int64_t)i + 1);

        pending.details = specimens[i];
        assert_int_equal(put(c, &fence, pending), DUR_OK);
    }
    rows = load_waits(c, fence.run);
    assert_int_equal(rows.count, count);
    for (size_t i = 0; i < count; i++) assert_datum(&rows.rows[i].details, &specimens[i]);
}

static void details_of_a_mebibyte_come_back_whole(void **state)
{
    enum { MEBIBYTE = 1 << 20 };
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_pending pending = plain_pending(1);
    unsigned char *bytes = malloc(MEBIBYTE);
    waits rows;

    assert_non_null(bytes);
    for (size_t i = 0; i < MEBIBYTE; i++) bytes[i] = (unsigned char)(i * 31 + i / 256);
    pending.details = datum_blob(keep(c, bytes, MEBIBYTE), MEBIBYTE);
    free(bytes);
    assert_int_equal(put(c, &fence, pending), DUR_OK);
    rows = load_waits(c, fence.run);
    assert_same_pending(&rows.rows[0], &pending);
}

static void numbers_of_any_size_and_names_of_any_length_pass_through_put(void **state)
{
    conformance *c = *state;
    static const int64_t numbers[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 40};
    durable_fence fence = start(c, "order-1");
    char name[DUR_NAME_MAX];

    for (size_t i = 0; i < sizeof name; i++) name[i] = "\xe2\x82\xac"[i % 3];
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        durable_pending pending = plain_pending(i % 2 ? 1 : DUR_POSITION_MAX);
        const durable_pending *found;
        waits rows;

        pending.name = name;
        pending.name_length = i ? sizeof name : 3;
        pending.began = pending.deadline = numbers[i];
        pending.due = ~numbers[i];
        pending.attempt = numbers[i] & (INT64_MAX - 1); /* counted up, and never negative */
        pending.interval = numbers[i] & INT64_MAX;
        pending.choice = numbers[i];
        assert_int_equal(put(c, &fence, pending), DUR_OK);
        rows = load_waits(c, fence.run);
        found = &rows.rows[i % 2 ? 0 : rows.count - 1];
        assert_same_pending(found, &pending);
    }
}

static void a_row_put_over_an_earlier_one_takes_its_place_whole(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_pending earlier = plain_pending(1), later = plain_callback(1);
    waits rows;

    earlier.details = datum_text("half done");
    earlier.choice = 3;
    assert_int_equal(put(c, &fence, earlier), DUR_OK);
    assert_int_equal(put(c, &fence, later), DUR_OK);
    assert_int_equal(put(c, &fence, later), DUR_OK); /* law 3 */
    rows = load_waits(c, fence.run);
    assert_int_equal(rows.count, 1);
    assert_same_pending(&rows.rows[0], &later);
    assert_null(rows.rows[0].failure);
}

static void rows_are_loaded_in_order_and_only_those_of_the_run(void **state)
{
    conformance *c = *state;
    static const int64_t positions[] = {5, DUR_POSITION_MAX, 1, 70, 3};
    static const int64_t sorted[] = {1, 3, 5, 70, DUR_POSITION_MAX};
    enum { COUNT = sizeof positions / sizeof positions[0] };
    durable_fence first = start(c, "order-1"), second = start(c, "order-2");
    durable_fence third = start(c, "order-3");
    waits rows;

    assert_int_equal(put(c, &first, plain_pending(DUR_POSITION_MAX)), DUR_OK);
    assert_int_equal(put(c, &third, plain_pending(1)), DUR_OK);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(put(c, &second, plain_pending(positions[i])), DUR_OK);
    rows = load_waits(c, second.run);
    assert_int_equal(rows.count, COUNT);
    for (size_t i = 0; i < COUNT; i++) assert_true(rows.rows[i].position == sorted[i]);
    assert_int_equal(load_waits(c, first.run).count, 1);
    assert_int_equal(load_waits(c, third.run).count, 1);
}

static int count_to_2(const durable_pending *pending, void *context)
{
    (void)pending;
    return ++*(int *)context == 2;
}

static void a_visitor_that_has_enough_ends_the_load_of_pending_rows(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    int visits = 0;

    for (int64_t i = 1; i <= 3; i++) assert_int_equal(put(c, &fence, plain_pending(i)), DUR_OK);
    assert_int_equal(
        c->store->methods->load_pending(c->store, fence.run, count_to_2, &visits, NULL), DUR_OK);
    assert_int_equal(visits, 2);
    assert_true(c->subject->is_idle(c->world));
    assert_int_equal(load_waits(c, fence.run).count, 3);
}

static void a_run_that_waits_for_nothing_or_is_none_has_no_pending_rows(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(load_waits(c, fence.run).count, 0);
    assert_int_equal(load_waits(c, 1000000).count, 0);
    assert_int_equal(put(c, &fence, plain_pending(1)), DUR_OK);
    c->subject->delete_run(c->world, "order-1");
    assert_int_equal(load_waits(c, fence.run).count, 0);
}

static int count_visits(const durable_pending *pending, void *context)
{
    (void)pending;
    ++*(int *)context;
    return 0;
}

static void a_damaged_pending_row_is_corrupt_and_its_position_told(void **state)
{
    conformance *c = *state;
    const durable_store_methods *methods = c->store->methods;
    durable_fence fence = start(c, "order-1");
    int64_t position = -1;
    int visits = 0;

    assert_int_equal(put(c, &fence, plain_pending(2)), DUR_OK);
    assert_int_equal(put(c, &fence, plain_pending(5)), DUR_OK);
    c->subject->damage_pending(c->world, "order-1", 5);
    assert_int_equal(
        methods->load_pending(c->store, fence.run, count_visits, &visits, &position), DUR_CORRUPT);
    assert_true(position == 5 && visits == 1);
    assert_int_equal(c->store->error.code, DUR_CORRUPT);
    assert_true(c->subject->is_idle(c->world));
    assert_int_equal(methods->load_pending(c->store, fence.run, count_visits, &visits, NULL),
                     DUR_CORRUPT);
}

static void put_prolongs_the_claim_in_the_same_act(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_pending pending = plain_pending(1);

    assert_int_equal(c->store->methods->put_pending(c->store, &fence, &pending, 7000), DUR_OK);
    assert_true(look(c, "order-1").lease_end == 7000);
    assert_int_equal(c->store->methods->put_pending(c->store, &fence, &pending, 0), DUR_OK);
    assert_true(look(c, "order-1").lease_end == 7000);
    assert_int_equal(load_waits(c, fence.run).count, 1);
}

/* The trap: retry counts and waits that a restart forgets. */
static void pending_rows_outlive_claims_and_stores(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_pending pending = plain_pending(1);
    waits rows;

    pending.details = datum_integer(42);
    assert_int_equal(put(c, &fence, pending), DUR_OK);
    assert_int_equal(suspend(c, &fence, 2000, NULL), DUR_OK);
    fence = claim_run_of(c, "order-1");
    release(c, &fence, 2000);
    fence = claim_run_of(c, "order-1");
    end_as(c, &fence, DURABLE_PARKED);
    reopen(c);
    fence = claim_run_of(c, "order-1");
    rows = load_waits(c, fence.run);
    assert_int_equal(rows.count, 1);
    assert_same_pending(&rows.rows[0], &pending);
}

static void end_clears_the_pending_rows_of_its_run_where_it_is_told_to(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "kept"), second = start(c, "cleared");
    durable_fence other = start(c, "other");
    durable_ending ending = {.status = DURABLE_FAILED, .failure = "no", .now = 1900};

    for (int64_t i = 1; i <= 2; i++) {
        assert_int_equal(put(c, &first, plain_pending(i)), DUR_OK);
        assert_int_equal(put(c, &second, plain_pending(i * 100)), DUR_OK);
        assert_int_equal(put(c, &other, plain_pending(i)), DUR_OK);
    }
    assert_int_equal(c->store->methods->end_run(c->store, &first, &ending), DUR_OK);
    ending.clears_pending = true;
    assert_int_equal(c->store->methods->end_run(c->store, &second, &ending), DUR_OK);
    assert_int_equal(load_waits(c, first.run).count, 2);
    assert_int_equal(load_waits(c, second.run).count, 0);
    assert_int_equal(load_waits(c, other.run).count, 2);
}

static void who_is_fenced_off_clears_and_puts_nothing(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1");
    durable_pending later = plain_callback(1);
    const durable_suspension suspension = {.pending = &later, .due = 4000, .now = 1500};
    durable_ending ending = {.status = DURABLE_FAILED, .clears_pending = true, .now = 1900};

    assert_int_equal(put(c, &first, plain_pending(1)), DUR_OK);
    take_over(c, &first);
    assert_int_equal(verdict_of_gone(c, c->store->methods->end_run(c->store, &first, &ending)),
                     DUR_LOST);
    assert_int_equal(load_waits(c, first.run).count, 1);
    assert_int_equal(verdict_of_gone(c, put(c, &first, later)), DUR_LOST);
    assert_int_equal(
        verdict_of_gone(c, c->store->methods->suspend_run(c->store, &first, &suspension)),
        DUR_LOST);
    assert_int_equal(load_waits(c, first.run).count, 1);
    assert_int_equal(load_waits(c, first.run).rows[0].kind, DURABLE_KIND_STEP);
    assert_string_equal(look(c, "order-1").owner, "owner-2");
}

size_t conformance_pending_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(a_pending_row_is_loaded_as_it_was_put),
        cmocka_unit_test(every_kind_of_wait_is_kept),
        cmocka_unit_test(every_datum_passes_as_details),
        cmocka_unit_test(details_of_a_mebibyte_come_back_whole),
        cmocka_unit_test(numbers_of_any_size_and_names_of_any_length_pass_through_put),
        cmocka_unit_test(a_row_put_over_an_earlier_one_takes_its_place_whole),
        cmocka_unit_test(rows_are_loaded_in_order_and_only_those_of_the_run),
        cmocka_unit_test(a_visitor_that_has_enough_ends_the_load_of_pending_rows),
        cmocka_unit_test(a_run_that_waits_for_nothing_or_is_none_has_no_pending_rows),
        cmocka_unit_test(a_damaged_pending_row_is_corrupt_and_its_position_told),
        cmocka_unit_test(put_prolongs_the_claim_in_the_same_act),
        cmocka_unit_test(pending_rows_outlive_claims_and_stores),
        cmocka_unit_test(end_clears_the_pending_rows_of_its_run_where_it_is_told_to),
        cmocka_unit_test(who_is_fenced_off_clears_and_puts_nothing),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
