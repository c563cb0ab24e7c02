/* test/store: the conformance suite, signals: in order, once for a key, kept for the receiver. */
#include "store/conformance_waits.h"

#include <stdio.h>
#include <stdlib.h>

static durable_signal keyed(const char *name, const char *key, int64_t integer)
{
    durable_signal signal = plain_signal(name, integer, 1400);

    signal.key = key;
    return signal;
}

static int64_t peeked(conformance *c, int64_t run, const char *address)
{
    durable_signal_record record;

    assert_true(peek(c, run, address, &record));
    return record.value.integer;
}

static void a_signal_is_peeked_as_it_was_sent(void **state)
{
    conformance *c = *state;
    durable_signal signal = plain_signal("approval", 0, 1400);
    durable_signal_record record, again;
    int64_t run = start(c, "order-1").run;

    signal.value = datum_text("yes");
    assert_int_equal(send(c, "order-1", signal), DUR_OK);
    assert_true(peek(c, run, "approval", &record));
    assert_datum(&record.value, &signal.value);
    assert_null(record.failure);
    assert_true(record.sent == 1400 && record.signal != 0);
    assert_true(peek(c, run, "approval", &again)); /* to look takes nothing away */
    assert_true(again.signal == record.signal);
}

static void a_rejection_has_its_message_and_no_value(void **state)
{
    conformance *c = *state;
    durable_signal signal = {.name = "approval", .failure = "no: \xe2\x82\xac", .now = 1400};
    durable_signal_record record;
    int64_t run = start(c, "order-1").run;

    assert_int_equal(send(c, "order-1", signal), DUR_OK);
    assert_true(peek(c, run, "approval", &record));
    assert_string_equal(record.failure, "no: \xe2\x82\xac");
    assert_int_equal(record.value.type, DURABLE_DATUM_NULL);
    signal.name = "other";
    signal.failure = "";
    assert_int_equal(send(c, "order-1", signal), DUR_OK);
    assert_true(peek(c, run, "other", &record));
    assert_string_equal(record.failure, "");
}

static void every_datum_passes_as_a_signal(void **state)
{
    conformance *c = *state;
    durable_datum specimens[64];
    size_t count = datum_specimens(specimens, 64);
    int64_t run = start(c, "order-1").run;

    for (size_t i = 0; i < count; i++) {
        durable_signal signal = plain_signal(NULL, 0, 1400);
        durable_signal_record record;
        char name[32];

        snprintf(name, sizeof name, "signal-%zu", i);
        signal.name = name;
        signal.value = specimens[i];
        if (i % 2) signal.key = "key";
        assert_int_equal(send(c, "order-1", signal), DUR_OK);
        assert_true(peek(c, run, name, &record));
        assert_datum(&record.value, &specimens[i]);
    }
}

static void a_signal_of_a_mebibyte_comes_back_whole(void **state)
{
    enum { MEBIBYTE = 1 << 20 };
    conformance *c = *state;
    durable_signal signal = plain_signal("approval", 0, 1400);
    durable_signal_record record;
    int64_t run = start(c, "order-1").run;
    unsigned char *bytes = malloc(MEBIBYTE);

    assert_non_null(bytes);
    for (size_t i = 0; i < MEBIBYTE; i++) bytes[i] = (unsigned char)(i * 31 + i / 256);
    signal.value = datum_blob(keep(c, bytes, MEBIBYTE), MEBIBYTE);
    free(bytes);
    assert_int_equal(send(c, "order-1", signal), DUR_OK);
    assert_true(peek(c, run, "approval", &record));
    assert_datum(&record.value, &signal.value);
}

/* The order is that of sending, whatever the senders' clocks say. */
static void signals_are_received_in_the_order_in_which_they_were_sent(void **state)
{
    conformance *c = *state;
    static const int64_t times[] = {1400, INT64_MAX, INT64_MIN, 1400, 0};
    static const char *const keys[] = {NULL, "z", NULL, "a", NULL}; /* nor what their keys are */
    enum { COUNT = sizeof times / sizeof times[0] };
    durable_fence fence = start(c, "order-1");

    for (int64_t i = 0; i < COUNT; i++) {
        durable_signal signal = plain_signal("approval", i, times[i]);

        signal.key = keys[i];
        assert_int_equal(send(c, "order-1", signal), DUR_OK);
        assert_int_equal(send(c, "order-1", plain_signal("other", i, 0)), DUR_OK);
    }
    for (int64_t i = 0; i < COUNT; i++) {
        durable_signal_record record;

        assert_true(peek(c, fence.run, "approval", &record));
        assert_true(record.value.integer == i && record.sent == times[i]);
        receive(c, &fence, i + 1, "approval");
    }
    assert_false(peek(c, fence.run, "approval", NULL));
}

static void names_of_signals_are_told_apart_byte_by_byte(void **state)
{
    conformance *c = *state;
    static const char *const names[] = {"a",  "A",  "a ",  " a",   "1",    "01",
                                        "%",  "_",  "'",   "1e0",  "null", "\xc3\xa9",
                                        "e\xcc\x81"};
    enum { COUNT = sizeof names / sizeof names[0] };
    int64_t run = start(c, "order-1").run;

    for (int64_t i = 0; i < COUNT; i++) {
        assert_false(peek(c, run, names[i], NULL));
        assert_int_equal(send(c, "order-1", plain_signal(names[i], i, 1400)), DUR_OK);
    }
    for (int64_t i = 0; i < COUNT; i++) assert_true(peeked(c, run, names[i]) == i);
}

static void names_and_keys_of_255_bytes_count_whole(void **state)
{
    conformance *c = *state;
    char name[DUR_NAME_MAX + 1], key[DUR_NAME_MAX + 1];
    int64_t run = start(c, "order-1").run;

    memset(name, 'n', DUR_NAME_MAX);
    memset(key, 'k', DUR_NAME_MAX);
    name[DUR_NAME_MAX] = key[DUR_NAME_MAX] = '\0';
    assert_int_equal(send(c, "order-1", keyed(name, key, 1)), DUR_OK);
    assert_int_equal(send(c, "order-1", keyed(name, key, 2)), DUR_REPLAYED);
    key[DUR_NAME_MAX - 1] = 'l';
    assert_int_equal(send(c, "order-1", keyed(name, key, 3)), DUR_OK);
    assert_true(peeked(c, run, name) == 1);
    name[DUR_NAME_MAX - 1] = 'm';
    assert_false(peek(c, run, name, NULL));
}

static void signals_stay_in_their_run(void **state)
{
    conformance *c = *state;
    int64_t first = start(c, "order-1").run, second = start(c, "order-2").run;

    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    assert_false(peek(c, second, "approval", NULL));
    assert_int_equal(send(c, "order-2", plain_signal("approval", 2, 1400)), DUR_OK);
    assert_true(peeked(c, first, "approval") == 1);
    assert_true(peeked(c, second, "approval") == 2);
    assert_false(peek(c, 1000000, "approval", NULL));
}

static void signals_without_a_key_count_each(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    receive(c, &fence, 1, "approval");
    receive(c, &fence, 2, "approval");
    assert_false(peek(c, fence.run, "approval", NULL));
}

static void of_signals_with_one_key_the_first_counts(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(send(c, "order-1", keyed("approval", "mail-7", 1)), DUR_OK);
    assert_int_equal(send(c, "order-1", keyed("approval", "mail-7", 2)), DUR_REPLAYED);
    assert_int_equal(send(c, "order-1", keyed("approval", "MAIL-7", 3)), DUR_OK);
    assert_true(peeked(c, fence.run, "approval") == 1);
    receive(c, &fence, 1, "approval");
    assert_int_equal(send(c, "order-1", keyed("approval", "mail-7", 4)), DUR_REPLAYED);
    assert_true(peeked(c, fence.run, "approval") == 3);
    receive(c, &fence, 2, "approval");
    assert_int_equal(send(c, "order-1", keyed("approval", "mail-7", 5)), DUR_REPLAYED);
    reopen(c);
    assert_int_equal(send(c, "order-1", keyed("approval", "MAIL-7", 6)), DUR_REPLAYED);
    assert_false(peek(c, fence.run, "approval", NULL));
    assert_int_equal(send(c, "order-1", plain_signal("approval", 7, 1400)), DUR_OK);
    assert_true(peeked(c, fence.run, "approval") == 7);
}

static void a_key_counts_for_one_name_of_one_run(void **state)
{
    conformance *c = *state;

    start(c, "order-1");
    start(c, "order-2");
    assert_int_equal(send(c, "order-1", keyed("approval", "mail-7", 1)), DUR_OK);
    assert_int_equal(send(c, "order-1", keyed("payment", "mail-7", 2)), DUR_OK);
    assert_int_equal(send(c, "order-2", keyed("approval", "mail-7", 3)), DUR_OK);
    assert_int_equal(send(c, "order-2", keyed("approval", "mail-7", 4)), DUR_REPLAYED);
}

static void a_replayed_signal_changes_nothing(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_signal late = keyed("approval", "mail-7", 2);
    durable_run_record before, after;

    assert_int_equal(send(c, "order-1", keyed("approval", "mail-7", 1)), DUR_OK);
    receive(c, &fence, 1, "approval");
    assert_int_equal(suspend(c, &fence, 4000, "approval"), DUR_OK);
    before = look(c, "order-1");
    late.now = 1600;
    assert_int_equal(send(c, "order-1", late), DUR_REPLAYED);
    after = look(c, "order-1");
    assert_same_run(&before, &after);
}

static void a_run_that_does_not_exist_is_not_found(void **state)
{
    conformance *c = *state;

    start(c, "order-1");
    assert_int_equal(send(c, "order-2", plain_signal("approval", 1, 1400)), DUR_NOT_FOUND);
    assert_int_equal(c->store->error.code, DUR_NOT_FOUND);
    assert_true(strlen(c->store->error.message) > 0);
    assert_null(strstr(c->store->error.message, "order-2"));
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    c->subject->delete_run(c->world, "order-1");
    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_NOT_FOUND);
    assert_int_equal(send(c, "order-2", keyed("approval", "mail-7", 1)), DUR_NOT_FOUND);
}

static void a_run_that_has_ended_receives_nothing_more(void **state)
{
    conformance *c = *state;
    durable_fence completed = start(c, "completed"), failed = start(c, "failed");
    int64_t run = completed.run;

    assert_int_equal(send(c, "completed", plain_signal("approval", 1, 1400)), DUR_OK);
    end_as(c, &completed, DURABLE_COMPLETED);
    end_as(c, &failed, DURABLE_FAILED);
    assert_int_equal(send(c, "completed", plain_signal("payment", 2, 1400)), DUR_ENDED);
    assert_int_equal(c->store->error.code, DUR_ENDED);
    assert_true(strlen(c->store->error.message) > 0);
    assert_int_equal(send(c, "failed", keyed("approval", "mail-7", 2)), DUR_ENDED);
    assert_null(strstr(c->store->error.message, "failed"));
    assert_false(peek(c, run, "payment", NULL));
    assert_true(peeked(c, run, "approval") == 1); /* what was sent before stays with the run */
}

/* Its sender asks again because an answer was lost: the signal is there, whatever came after it. */
static void a_key_that_is_taken_is_taken_when_the_run_has_ended(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(send(c, "order-1", keyed("approval", "mail-7", 1)), DUR_OK);
    assert_int_equal(send(c, "order-1", keyed("payment", "mail-8", 1)), DUR_OK);
    receive(c, &fence, 1, "approval");
    end_as(c, &fence, DURABLE_COMPLETED);
    assert_int_equal(send(c, "order-1", keyed("approval", "mail-7", 2)), DUR_REPLAYED);
    assert_int_equal(send(c, "order-1", keyed("payment", "mail-8", 2)), DUR_REPLAYED);
    assert_int_equal(send(c, "order-1", keyed("payment", "mail-9", 2)), DUR_ENDED);
}

static void a_run_that_has_not_ended_receives_whatever_its_state(void **state)
{
    conformance *c = *state;
    durable_fence parked = start(c, "parked"), suspended = start(c, "suspended");
    static const char *const ids[] = {"held", "parked", "suspended", "unclaimed"};

    start(c, "held");
    end_as(c, &parked, DURABLE_PARKED);
    assert_int_equal(suspend(c, &suspended, DURABLE_NEVER, NULL), DUR_OK);
    start_unclaimed(c, "unclaimed", 3000);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        durable_run_record before = look(c, ids[i]), after;

        assert_int_equal(send(c, ids[i], plain_signal("approval", 5, 1400)), DUR_OK);
        after = look(c, ids[i]);
        assert_same_run(&before, &after); /* nobody awaited it */
        assert_true(peeked(c, after.run, "approval") == 5);
    }
}

/* The successor of a deleted run has neither its signals nor its keys. */
static void signals_and_keys_go_with_their_run(void **state)
{
    conformance *c = *state;
    int64_t run;

    start(c, "order-1");
    assert_int_equal(send(c, "order-1", keyed("approval", "mail-7", 1)), DUR_OK);
    assert_int_equal(send(c, "order-1", plain_signal("approval", 2, 1400)), DUR_OK);
    c->subject->delete_run(c->world, "order-1");
    run = start(c, "order-1").run;
    assert_false(peek(c, run, "approval", NULL));
    assert_int_equal(send(c, "order-1", keyed("approval", "mail-7", 3)), DUR_OK);
    assert_true(peeked(c, run, "approval") == 3);
}

static int answer(const durable_signal_record *record, void *context)
{
    (void)record;
    return *(const int *)context;
}

static int tell(const durable_signal_record *record, void *context)
{
    durable_store *store = context;

    (void)record;
    return durable_error_set(&store->error, DUR_CORRUPT, "what is that");
}

static void what_the_visitor_returns_is_the_result_of_peek(void **state)
{
    conformance *c = *state;
    int answers[] = {DUR_CONFLICT, DUR_REPLAYED, DUR_TIMED_OUT, DUR_OK};
    int64_t run = start(c, "order-1").run;

    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        assert_int_equal(
            c->store->methods->peek_signal(c->store, run, "approval", answer, &answers[i]),
            answers[i]);
        assert_true(c->subject->is_idle(c->world));
    }
    assert_int_equal(c->store->methods->peek_signal(c->store, run, "approval", tell, c->store),
                     DUR_CORRUPT);
    assert_string_equal(c->store->error.message, "what is that");
}

static void a_signal_outlives_claims_and_stores(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    assert_int_equal(send(c, "order-1", plain_signal("approval", 1, 1400)), DUR_OK);
    release(c, &fence, 1700);
    reopen(c);
    fence = claim_run_of(c, "order-1");
    assert_true(peeked(c, fence.run, "approval") == 1);
    receive(c, &fence, 1, "approval");
    reopen(c);
    assert_false(peek(c, fence.run, "approval", NULL));
}

size_t conformance_signal_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest table[] = {
        cmocka_unit_test(a_signal_is_peeked_as_it_was_sent),
        cmocka_unit_test(a_rejection_has_its_message_and_no_value),
        cmocka_unit_test(every_datum_passes_as_a_signal),
        cmocka_unit_test(a_signal_of_a_mebibyte_comes_back_whole),
        cmocka_unit_test(signals_are_received_in_the_order_in_which_they_were_sent),
        cmocka_unit_test(names_of_signals_are_told_apart_byte_by_byte),
        cmocka_unit_test(names_and_keys_of_255_bytes_count_whole),
        cmocka_unit_test(signals_stay_in_their_run),
        cmocka_unit_test(signals_without_a_key_count_each),
        cmocka_unit_test(of_signals_with_one_key_the_first_counts),
        cmocka_unit_test(a_key_counts_for_one_name_of_one_run),
        cmocka_unit_test(a_replayed_signal_changes_nothing),
        cmocka_unit_test(a_run_that_does_not_exist_is_not_found),
        cmocka_unit_test(a_run_that_has_ended_receives_nothing_more),
        cmocka_unit_test(a_key_that_is_taken_is_taken_when_the_run_has_ended),
        cmocka_unit_test(a_run_that_has_not_ended_receives_whatever_its_state),
        cmocka_unit_test(signals_and_keys_go_with_their_run),
        cmocka_unit_test(what_the_visitor_returns_is_the_result_of_peek),
        cmocka_unit_test(a_signal_outlives_claims_and_stores),
    };

    *tests = table;
    return sizeof table / sizeof table[0];
}
