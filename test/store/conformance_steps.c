/* test/store: the conformance suite, steps: append, load, summarize. */
#include "store/conformance_kit.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Append ---- */

static void an_appended_outcome_is_loaded_as_it_was(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_outcome outcome = plain_outcome(&fence, 1);
    history rows;

    outcome.name = "charge and more";
    outcome.name_length = 6;
    outcome.value = datum_text("paid");
    assert_int_equal(append(c, outcome), DUR_OK);
    rows = load_all(c, fence.run);
    assert_int_equal(rows.count, 1);
    assert_true(rows.rows[0].position == 1 && rows.rows[0].epoch == 1);
    assert_true(rows.rows[0].began == 1100);
    assert_int_equal(rows.rows[0].kind, DURABLE_KIND_STEP);
    assert_int_equal(rows.rows[0].outcome, DURABLE_OUTCOME_RESULT);
    assert_int_equal(rows.rows[0].name_length, 6);
    assert_memory_equal(rows.rows[0].name, "charge", 6);
    assert_string_equal(rows.rows[0].site, "order.c:12");
    assert_datum(&rows.rows[0].value, &outcome.value);
}

static void a_failure_is_kept_as_a_failure(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_outcome outcome = plain_outcome(&fence, 1);
    history rows;

    outcome.outcome = DURABLE_OUTCOME_FAILURE;
    outcome.value = datum_text("card declined");
    outcome.site = NULL;
    assert_int_equal(append(c, outcome), DUR_OK);
    rows = load_all(c, fence.run);
    assert_int_equal(rows.rows[0].outcome, DURABLE_OUTCOME_FAILURE);
    assert_datum(&rows.rows[0].value, &outcome.value);
    assert_null(rows.rows[0].site);
}

static void every_datum_passes_as_a_step_value(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_datum specimens[64];
    size_t count = datum_specimens(specimens, 64);
    history rows;

    for (size_t i = 0; i < count; i++) {
        durable_outcome outcome = plain_outcome(&fence, (int64_t)i + 1);

        outcome.value = specimens[i];
        assert_int_equal(append(c, outcome), DUR_OK);
    }
    rows = load_all(c, fence.run);
    assert_int_equal(rows.count, count);
    for (size_t i = 0; i < count; i++) assert_datum(&rows.rows[i].value, &specimens[i]);
}

static void values_of_a_mebibyte_come_back_whole(void **state)
{
    enum { MEBIBYTE = 1 << 20 };
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_outcome blob = plain_outcome(&fence, 1), text = plain_outcome(&fence, 2);
    unsigned char *bytes = malloc(MEBIBYTE);
    history rows;

    assert_non_null(bytes);
    for (size_t i = 0; i < MEBIBYTE; i++) bytes[i] = (unsigned char)(i * 31 + i / 256);
    blob.value = datum_blob(keep(c, bytes, MEBIBYTE), MEBIBYTE);
    for (size_t i = 0; i < MEBIBYTE; i++) bytes[i] = (unsigned char)('!' + i % 90);
    text.value = datum_blob(keep(c, bytes, MEBIBYTE), MEBIBYTE);
    text.value.type = DURABLE_DATUM_TEXT;
    free(bytes);
    assert_int_equal(append(c, blob), DUR_OK);
    assert_int_equal(append(c, text), DUR_OK);
    rows = load_all(c, fence.run);
    assert_datum(&rows.rows[0].value, &blob.value);
    assert_datum(&rows.rows[1].value, &text.value);
}

static void step_names_of_1_and_of_255_bytes_come_back_whole(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_outcome shortest = plain_outcome(&fence, 1), longest = plain_outcome(&fence, 2);
    durable_outcome number = plain_outcome(&fence, 3);
    char name[DUR_NAME_MAX];
    history rows;

    for (size_t i = 0; i < sizeof name; i++) name[i] = "\xe2\x82\xac"[i % 3];
    shortest.name_length = 1;
    longest.name = name;
    longest.name_length = sizeof name;
    number.name = "1e3";
    number.name_length = 3;
    assert_int_equal(append(c, shortest), DUR_OK);
    assert_int_equal(append(c, longest), DUR_OK);
    assert_int_equal(append(c, number), DUR_OK);
    rows = load_all(c, fence.run);
    assert_int_equal(rows.rows[0].name_length, 1);
    assert_memory_equal(rows.rows[0].name, "s", 1);
    assert_int_equal(rows.rows[1].name_length, sizeof name);
    assert_memory_equal(rows.rows[1].name, name, sizeof name);
    assert_int_equal(rows.rows[2].name_length, 3);
    assert_memory_equal(rows.rows[2].name, "1e3", 3);
}

static void positions_reach_from_1_to_the_last_and_stay_in_their_run(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second = start(c, "order-2");
    durable_fence third = start(c, "order-3");
    history rows;

    record(c, &first, DUR_POSITION_MAX);
    record(c, &second, 1);
    record(c, &second, DUR_POSITION_MAX);
    record(c, &third, 1);
    rows = load_all(c, first.run);
    assert_int_equal(rows.count, 1);
    assert_true(rows.rows[0].position == DUR_POSITION_MAX);
    rows = load_all(c, second.run);
    assert_int_equal(rows.count, 2);
    assert_true(rows.rows[0].position == 1 && rows.rows[1].position == DUR_POSITION_MAX);
    rows = load_all(c, third.run);
    assert_int_equal(rows.count, 1);
    assert_true(rows.rows[0].position == 1);
    assert_true(summarize(c, second.run).last == DUR_POSITION_MAX);
}

static void numbers_of_any_size_pass_through_append(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_outcome outcome = plain_outcome(&fence, 1);
    static const int64_t began[] = {0, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 32};

    for (size_t i = 0; i < sizeof began / sizeof began[0]; i++) {
        outcome.position = (int64_t)i + 1;
        outcome.began = began[i];
        outcome.took = ~began[i];
        outcome.attempt = INT64_MAX;
        assert_int_equal(append(c, outcome), DUR_OK);
        assert_true(load_all(c, fence.run).rows[i].began == began[i]);
    }
}

/* Law 3 for append: a commit that failed and survived is tried again. */
static void the_same_outcome_twice_is_recorded_once_and_ok(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_datum specimens[64];
    size_t count = datum_specimens(specimens, 64);

    for (size_t i = 0; i < count; i++) {
        durable_outcome outcome = plain_outcome(&fence, (int64_t)i + 1);

        outcome.value = specimens[i];
        assert_int_equal(append(c, outcome), DUR_OK);
        assert_int_equal(append(c, outcome), DUR_OK);
    }
    reopen(c);
    assert_int_equal(load_all(c, fence.run).count, count);
}

/* Law 4. The fence is good, but somebody else was there. */
static void the_row_of_another_owner_is_corrupt_and_keeps_its_place(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second;
    durable_outcome outcome;
    history rows;

    record(c, &first, 1);
    second = take_over(c, &first);
    outcome = plain_outcome(&second, 1);
    outcome.name = "other";
    outcome.name_length = 5;
    outcome.value = datum_text("other");
    outcome.lease_end = 8888;
    assert_int_equal(append(c, outcome), DUR_CORRUPT);
    rows = load_all(c, first.run);
    assert_int_equal(rows.count, 1);
    assert_true(rows.rows[0].epoch == 1);
    assert_memory_equal(rows.rows[0].name, "step", 4);
    assert_true(rows.rows[0].value.integer == 7);
    assert_true(look(c, "order-1").lease_end == 5000);
}

/* Law 4, whatever the verdict is. */
static void a_position_that_holds_a_row_keeps_it(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_outcome outcome = plain_outcome(&fence, 1);
    history rows;

    record(c, &fence, 1);
    outcome.name = "other";
    outcome.name_length = 5;
    outcome.value = datum_text("other");
    append(c, outcome);
    rows = load_all(c, fence.run);
    assert_int_equal(rows.count, 1);
    assert_memory_equal(rows.rows[0].name, "step", 4);
    assert_true(rows.rows[0].value.integer == 7);
}

static void append_renews_the_lease_in_the_same_act(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), second;
    durable_outcome outcome = plain_outcome(&first, 1);

    assert_int_equal(append(c, outcome), DUR_OK);
    assert_true(look(c, "order-1").lease_end == RUN_LEASE); /* 0 leaves it */
    outcome = plain_outcome(&first, 2);
    outcome.lease_end = 3000;
    assert_int_equal(append(c, outcome), DUR_OK);
    assert_true(look(c, "order-1").lease_end == 3000);
    outcome.lease_end = 3500; /* recorded already, but the claim is ours */
    assert_int_equal(append(c, outcome), DUR_OK);
    assert_true(look(c, "order-1").lease_end >= 3000);
    second = take_over(c, &first);
    outcome = plain_outcome(&first, 3);
    outcome.lease_end = 9999;
    assert_int_equal(append(c, outcome), DUR_LOST);
    assert_true(look(c, "order-1").lease_end == 5000);
    record(c, &second, 3);
}

/* "Nothing in a run's row changes when a step is recorded." */
static void append_changes_nothing_in_the_run(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_run_record before = look(c, "order-1"), after;

    record(c, &fence, 1);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
}

static void append_of_no_outcomes_is_ok(void **state)
{
    conformance *c = *state;
    durable_outcome none;

    start(c, "order-1");
    memset(&none, 0, sizeof none);
    assert_int_equal(c->store->methods->append_outcomes(c->store, &none, 0), DUR_OK);
}

static void each_outcome_of_an_array_gets_its_own_verdict(void **state)
{
    conformance *c = *state;
    durable_fence good = start(c, "good"), lost = start(c, "lost"), gone = start(c, "gone");
    durable_fence old = start(c, "old"), current;
    durable_outcome outcomes[8];
    static const int verdicts[] = {DUR_OK, DUR_LOST,    DUR_OK, DUR_LOST,
                                   DUR_OK, DUR_CORRUPT, DUR_OK, DUR_OK};

    record(c, &good, 1);
    record(c, &old, 1);
    current = take_over(c, &old);
    take_over(c, &lost);
    c->subject->delete_run(c->world, "gone");
    outcomes[0] = plain_outcome(&good, 2);
    outcomes[1] = plain_outcome(&lost, 1);
    outcomes[2] = plain_outcome(&good, 1); /* there already */
    outcomes[3] = plain_outcome(&gone, 1);
    outcomes[4] = plain_outcome(&current, 2);
    outcomes[5] = plain_outcome(&current, 1); /* another owner's */
    outcomes[6] = plain_outcome(&good, 3);
    outcomes[7] = plain_outcome(&good, 3); /* twice in one array */
    assert_int_equal(c->store->methods->append_outcomes(c->store, outcomes, 8), DUR_OK);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(verdict_of_gone(c, outcomes[i].verdict), verdicts[i]);
    assert_int_equal(load_all(c, good.run).count, 3);
    assert_int_equal(load_all(c, lost.run).count, 0);
    assert_int_equal(load_all(c, gone.run).count, 0);
    assert_int_equal(load_all(c, old.run).count, 2);
}

static void an_array_of_many_outcomes_of_several_runs_is_appended_whole(void **state)
{
    enum { RUNS = 4, EACH = 60 };
    conformance *c = *state;
    durable_fence fences[RUNS];
    durable_outcome outcomes[RUNS * EACH];

    for (size_t run = 0; run < RUNS; run++) {
        char id[16];

        snprintf(id, sizeof id, "order-%zu", run);
        fences[run] = start(c, id);
    }
    for (size_t i = 0; i < RUNS * EACH; i++) { /* out of order within each run */
        outcomes[i] = plain_outcome(&fences[i % RUNS], (int64_t)(EACH - i / RUNS));
        outcomes[i].value = datum_integer((int64_t)i);
        outcomes[i].low = 1;
    }
    assert_int_equal(c->store->methods->append_outcomes(c->store, outcomes, RUNS * EACH), DUR_OK);
    for (size_t i = 0; i < RUNS * EACH; i++) assert_int_equal(outcomes[i].verdict, DUR_OK);
    for (size_t run = 0; run < RUNS; run++) {
        history rows = load_all(c, fences[run].run);

        assert_int_equal(rows.count, EACH);
        for (size_t i = 0; i < EACH; i++) {
            assert_true(rows.rows[i].position == (int64_t)i + 1);
            assert_true(rows.rows[i].value.integer == (int64_t)((EACH - 1 - i) * RUNS + run));
        }
    }
}

/* ---- Load ---- */

static durable_fence start_with_positions(conformance *c, const int64_t *positions, size_t count)
{
    durable_fence fence = start(c, "order-1");

    for (size_t i = 0; i < count; i++) record(c, &fence, positions[i]);
    return fence;
}

static void assert_loads(conformance *c, int64_t run, int64_t from, int64_t to, int64_t limit,
                         const char *expected)
{
    history rows = load(c, run, from, to, limit, false);
    char found[256] = "";
    size_t length = 0;

    for (size_t i = 0; i < rows.count; i++)
        length += (size_t)snprintf(found + length, sizeof found - length, "%s%d", i ? " " : "",
                                   (int)rows.rows[i].position);
    assert_string_equal(found, expected);
}

static void load_visits_the_rows_of_its_range_in_order(void **state)
{
    conformance *c = *state;
    static const int64_t positions[] = {4, 1, 9, 2, 6};
    int64_t run = start_with_positions(c, positions, 5).run;

    assert_loads(c, run, 1, DUR_POSITION_MAX, 100, "1 2 4 6 9");
    assert_loads(c, run, 2, 6, 100, "2 4 6");
    assert_loads(c, run, 3, 5, 100, "4");
    assert_loads(c, run, 4, 4, 100, "4");
    assert_loads(c, run, 5, 5, 100, "");
    assert_loads(c, run, 10, DUR_POSITION_MAX, 100, "");
    assert_loads(c, run, 6, 2, 100, ""); /* an empty range */
}

static void load_visits_at_most_limit_rows(void **state)
{
    conformance *c = *state;
    static const int64_t positions[] = {1, 2, 4, 6, 9};
    int64_t run = start_with_positions(c, positions, 5).run;

    assert_loads(c, run, 1, DUR_POSITION_MAX, 2, "1 2");
    assert_loads(c, run, 3, DUR_POSITION_MAX, 2, "4 6");
    assert_loads(c, run, 7, DUR_POSITION_MAX, 2, "9");
    assert_loads(c, run, 1, DUR_POSITION_MAX, 5, "1 2 4 6 9");
    assert_loads(c, run, 1, DUR_POSITION_MAX, INT64_MAX, "1 2 4 6 9");
    assert_loads(c, run, 1, DUR_POSITION_MAX, 0, "");
}

static void load_of_a_run_without_rows_or_of_none_visits_nobody(void **state)
{
    conformance *c = *state;
    int64_t run = start(c, "order-1").run;

    assert_loads(c, run, 1, DUR_POSITION_MAX, 100, "");
    assert_loads(c, run + 1, 1, DUR_POSITION_MAX, 100, "");
    assert_loads(c, 1000000, 1, DUR_POSITION_MAX, 100, "");
}

static void load_gives_site_epoch_and_began_only_where_details_are_asked_for(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    history rows;

    record(c, &fence, 1);
    rows = load(c, fence.run, 1, 1, 1, true);
    assert_string_equal(rows.rows[0].site, "order.c:12");
    assert_true(rows.rows[0].epoch == 1 && rows.rows[0].began == 1100);
    assert_true(rows.rows[0].took == 5 && rows.rows[0].low == 1 && rows.rows[0].attempt == 1);
    rows = load(c, fence.run, 1, 1, 1, false);
    assert_null(rows.rows[0].site);
    assert_memory_equal(rows.rows[0].name, "step", 4);
    assert_true(rows.rows[0].value.integer == 7);
}

static void every_kind_of_row_is_kept(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    history rows;

    for (int kind = DURABLE_KIND_STEP; kind <= DURABLE_KIND_PATCH; kind++) {
        durable_outcome outcome = plain_outcome(&fence, kind);

        outcome.kind = kind;
        if (kind == DURABLE_KIND_PATCH) outcome.value = (durable_datum){0};
        assert_int_equal(append(c, outcome), DUR_OK);
    }
    rows = load_all(c, fence.run);
    assert_int_equal(rows.count, DURABLE_KIND_PATCH);
    for (int i = 0; i < DURABLE_KIND_PATCH; i++) assert_int_equal(rows.rows[i].kind, i + 1);
    assert_int_equal(rows.rows[DURABLE_KIND_PATCH - 1].value.type, DURABLE_DATUM_NULL);
}

static void assert_fingerprints(conformance *c, int64_t run, const uint64_t *expected, size_t count)
{
    history rows = load(c, run, 1, DUR_POSITION_MAX, 100, true);

    assert_int_equal(rows.count, count);
    for (size_t i = 0; i < count; i++) assert_true(rows.rows[i].fingerprint == expected[i]);
    rows = load(c, run, 1, DUR_POSITION_MAX, 100, false);
    for (size_t i = 0; i < count; i++) assert_true(rows.rows[i].fingerprint == 0);
}

/* Of results, failures and what timed out; those beside them have none. */
static void fingerprints_are_kept_of_those_that_have_one(void **state)
{
    static const uint64_t fingerprints[] = {0,         1, 0, INT64_MAX, UINT64_C(1) << 63,
                                            UINT64_MAX, 0, 7};
    enum { COUNT = sizeof fingerprints / sizeof fingerprints[0] };
    conformance *c = *state;
    durable_fence fence = start(c, "order-1"), other = start(c, "order-2");
    durable_outcome outcomes[COUNT];

    for (int i = 0; i < COUNT; i++) {
        durable_outcome outcome = plain_outcome(&fence, i + 1);

        outcome.fingerprint = fingerprints[i];
        outcome.outcome = i % 3;
        if (i % 3 == DURABLE_OUTCOME_FAILURE) outcome.value = datum_text("card declined");
        if (i % 3 == DURABLE_OUTCOME_TIMED_OUT) outcome.value = (durable_datum){0};
        outcomes[i] = outcome;
        outcomes[i].fence = &other;
        assert_int_equal(append(c, outcome), DUR_OK);
        assert_int_equal(append(c, outcome), DUR_OK); /* once more: it has the effect of once */
    }
    assert_fingerprints(c, fence.run, fingerprints, COUNT);
    assert_int_equal(c->store->methods->append_outcomes(c->store, outcomes, COUNT), DUR_OK);
    assert_fingerprints(c, other.run, fingerprints, COUNT);
}

static int stop_at_2(const durable_step_record *record, void *context)
{
    int64_t *last = context;

    *last = record->position;
    return *last == 2 ? -99 : 0; /* not a code: the visitor's own word for "enough" */
}

/* Law 5, and "that is no error". */
static void a_visitor_that_has_enough_ends_the_load_without_error(void **state)
{
    conformance *c = *state;
    static const int64_t positions[] = {1, 2, 3, 4};
    int64_t run = start_with_positions(c, positions, 4).run, last = 0;

    assert_int_equal(c->store->methods->load_history(c->store, run, 1, DUR_POSITION_MAX, 100,
                                                     false, stop_at_2, &last, NULL),
                     DUR_OK);
    assert_true(last == 2);
    assert_true(c->subject->is_idle(c->world));
    assert_loads(c, run, 1, DUR_POSITION_MAX, 100, "1 2 3 4");
}

static int count_rows(const durable_step_record *record, void *context)
{
    (void)record;
    ++*(int64_t *)context;
    return 0;
}

static void a_damaged_row_is_corrupt_and_its_position_told(void **state)
{
    conformance *c = *state;
    static const int64_t positions[] = {1, 2, 3, 4};
    int64_t run = start_with_positions(c, positions, 4).run, position = -1, rows = 0;
    const durable_store_methods *methods = c->store->methods;

    c->subject->damage_step(c->world, "order-1", 3);
    assert_int_equal(methods->load_history(c->store, run, 1, DUR_POSITION_MAX, 100, true,
                                           count_rows, &rows, &position),
                     DUR_CORRUPT);
    assert_true(position == 3 && rows == 2);
    assert_int_equal(c->store->error.code, DUR_CORRUPT);
    assert_true(c->subject->is_idle(c->world));
    assert_int_equal(methods->load_history(c->store, run, 1, DUR_POSITION_MAX, 100, false,
                                           count_rows, &rows, NULL),
                     DUR_CORRUPT);
    assert_loads(c, run, 1, 2, 100, "1 2");
    assert_loads(c, run, 4, 4, 100, "4");
}

/* ---- Summarize ---- */

static void a_run_without_rows_is_summarized_by_zeros(void **state)
{
    conformance *c = *state;
    durable_history_summary summary = summarize(c, start(c, "order-1").run);

    assert_true(summary.last == 0 && summary.last_epoch == 0 && summary.low == 0);
    summary = summarize(c, 1000000);
    assert_true(summary.last == 0 && summary.last_epoch == 0 && summary.low == 0);
}

static void the_summary_has_the_highest_position_epoch_and_low(void **state)
{
    conformance *c = *state;
    durable_fence first = start(c, "order-1"), neighbour = start(c, "order-2"), second;
    durable_outcome outcome;
    durable_history_summary summary;

    outcome = plain_outcome(&first, 1);
    assert_int_equal(append(c, outcome), DUR_OK);
    outcome = plain_outcome(&first, 4);
    outcome.low = 2;
    assert_int_equal(append(c, outcome), DUR_OK);
    summary = summarize(c, first.run);
    assert_true(summary.last == 4 && summary.last_epoch == 1 && summary.low == 2);

    second = take_over(c, &first);
    outcome = plain_outcome(&second, 3); /* the highest low is not at the highest position */
    assert_int_equal(append(c, outcome), DUR_OK);
    summary = summarize(c, first.run);
    assert_true(summary.last == 4 && summary.last_epoch == 2 && summary.low == 3);

    summary = summarize(c, neighbour.run);
    assert_true(summary.last == 0 && summary.last_epoch == 0 && summary.low == 0);
}

size_t conformance_step_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(an_appended_outcome_is_loaded_as_it_was),
        cmocka_unit_test(a_failure_is_kept_as_a_failure),
        cmocka_unit_test(every_datum_passes_as_a_step_value),
        cmocka_unit_test(values_of_a_mebibyte_come_back_whole),
        cmocka_unit_test(step_names_of_1_and_of_255_bytes_come_back_whole),
        cmocka_unit_test(positions_reach_from_1_to_the_last_and_stay_in_their_run),
        cmocka_unit_test(numbers_of_any_size_pass_through_append),
        cmocka_unit_test(the_same_outcome_twice_is_recorded_once_and_ok),
        cmocka_unit_test(the_row_of_another_owner_is_corrupt_and_keeps_its_place),
        cmocka_unit_test(a_position_that_holds_a_row_keeps_it),
        cmocka_unit_test(append_renews_the_lease_in_the_same_act),
        cmocka_unit_test(append_changes_nothing_in_the_run),
        cmocka_unit_test(append_of_no_outcomes_is_ok),
        cmocka_unit_test(each_outcome_of_an_array_gets_its_own_verdict),
        cmocka_unit_test(an_array_of_many_outcomes_of_several_runs_is_appended_whole),
        cmocka_unit_test(load_visits_the_rows_of_its_range_in_order),
        cmocka_unit_test(load_visits_at_most_limit_rows),
        cmocka_unit_test(load_of_a_run_without_rows_or_of_none_visits_nobody),
        cmocka_unit_test(load_gives_site_epoch_and_began_only_where_details_are_asked_for),
        cmocka_unit_test(every_kind_of_row_is_kept),
        cmocka_unit_test(fingerprints_are_kept_of_those_that_have_one),
        cmocka_unit_test(a_visitor_that_has_enough_ends_the_load_without_error),
        cmocka_unit_test(a_damaged_row_is_corrupt_and_its_position_told),
        cmocka_unit_test(a_run_without_rows_is_summarized_by_zeros),
        cmocka_unit_test(the_summary_has_the_highest_position_epoch_and_low),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
