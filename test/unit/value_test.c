/* test/unit: public values and the form in which a store keeps them. */
#include "base/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <limits.h>
#include <math.h>

static durable_datum encode(dur_value value)
{
    durable_datum datum;

    memset(&datum, 0xA5, sizeof datum);
    assert_int_equal(durable_value_encode(value, &datum), DUR_OK);
    return datum;
}

static dur_value decode(const durable_datum *datum)
{
    dur_value value;

    memset(&value, 0xA5, sizeof value);
    assert_int_equal(durable_value_decode(datum, &value), DUR_OK);
    return value;
}

static int decode_code(const durable_datum *datum)
{
    dur_value value;

    return durable_value_decode(datum, &value);
}

/* ---- Numbers ---- */

static void null_is_kept_as_null(void **state)
{
    durable_datum datum = encode(dur_null());
    dur_value value = decode(&datum);

    (void)state;
    assert_int_equal(datum.type, DURABLE_DATUM_NULL);
    assert_int_equal(datum.format, DURABLE_FORMAT_PLAIN);
    assert_int_equal(value.type, DUR_NULL);
    assert_int_equal(value.length, 0);
}

static void integers_are_kept_as_they_are(void **state)
{
    static const int64_t integers[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 53};

    (void)state;
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        durable_datum datum = encode(dur_integer(integers[i]));
        dur_value value = decode(&datum);

        assert_int_equal(datum.type, DURABLE_DATUM_INTEGER);
        assert_int_equal(datum.format, DURABLE_FORMAT_PLAIN);
        assert_int_equal(value.type, DUR_INTEGER);
        assert_true(value.as.integer == integers[i]);
    }
}

static void unsigned_integers_above_int64_max_have_a_format_of_their_own(void **state)
{
    static const uint64_t integers[] = {UINT64_C(0x8000000000000000), UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        durable_datum datum = encode(dur_unsigned(integers[i]));
        dur_value value = decode(&datum);

        assert_int_equal(datum.type, DURABLE_DATUM_INTEGER);
        assert_int_equal(datum.format, DURABLE_FORMAT_UNSIGNED);
        assert_true(datum.integer < 0);
        assert_int_equal(value.type, DUR_UNSIGNED);
        assert_true(value.as.unsigned_integer == integers[i]);
    }
}

/* Also where a host has filled the struct itself. */
static void smaller_unsigned_integers_are_plain_integers(void **state)
{
    dur_value value = dur_unsigned(UINT64_MAX);
    durable_datum datum;

    (void)state;
    value.as.unsigned_integer = INT64_MAX;
    datum = encode(value);
    assert_int_equal(datum.format, DURABLE_FORMAT_PLAIN);
    assert_true(datum.integer == INT64_MAX);
    assert_int_equal(decode(&datum).type, DUR_INTEGER);
    assert_int_equal(dur_unsigned(7).type, DUR_INTEGER);
}

static void assert_bits_kept(uint64_t bits, int type, int format)
{
    dur_value value = dur_real(0.0);
    durable_datum datum;

    /* By way of memory: some machines change a signalling NaN that passes a register. */
    memcpy(&value.as.real, &bits, sizeof bits);
    datum = encode(value);
    assert_int_equal(datum.type, type);
    assert_int_equal(datum.format, format);
    value = decode(&datum);
    assert_int_equal(value.type, DUR_REAL);
    assert_memory_equal(&value.as.real, &bits, sizeof bits);
}

static void reals_keep_their_bits(void **state)
{
    static const double reals[] = {0.0,     -0.0,     1.0,      -1.5,           0.1,
                                   DBL_MAX, -DBL_MAX, DBL_MIN, 4.9406564584124654e-324};
    uint64_t bits;

    (void)state;
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        memcpy(&bits, &reals[i], sizeof bits);
        assert_bits_kept(bits, DURABLE_DATUM_REAL, DURABLE_FORMAT_PLAIN);
    }
    assert_bits_kept(UINT64_C(0x7FF0000000000000), DURABLE_DATUM_REAL, DURABLE_FORMAT_PLAIN);
    assert_bits_kept(UINT64_C(0xFFF0000000000000), DURABLE_DATUM_REAL, DURABLE_FORMAT_PLAIN);
}

static void what_is_not_a_number_keeps_its_payload_as_an_integer(void **state)
{
    static const uint64_t quiet[] = {UINT64_C(0x7FF8000000000000), UINT64_C(0xFFF8000000000000),
                                     UINT64_C(0x7FF8000000000001), UINT64_C(0xFFFFFFFFFFFFFFFF),
                                     UINT64_C(0x7FFDEADBEEF12345)};

    (void)state;
    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++)
        assert_bits_kept(quiet[i], DURABLE_DATUM_INTEGER, DURABLE_FORMAT_NAN);
#if !defined(__i386__) /* whose registers make every NaN a quiet one */
    assert_bits_kept(UINT64_C(0x7FF0000000000001), DURABLE_DATUM_INTEGER, DURABLE_FORMAT_NAN);
    assert_bits_kept(UINT64_C(0xFFF7FFFFFFFFFFFF), DURABLE_DATUM_INTEGER, DURABLE_FORMAT_NAN);
#endif
}

/* ---- Bytes ---- */

static void assert_bytes(dur_value value, int datum_type, int format)
{
    durable_datum datum = encode(value);
    dur_value back;

    assert_int_equal(datum.type, datum_type);
    assert_int_equal(datum.format, format);
    assert_int_equal(datum.length, value.length);
    assert_non_null(datum.bytes);
    if (value.length) assert_ptr_equal(datum.bytes, value.as.bytes); /* not copied */
    back = decode(&datum);
    assert_int_equal(back.type, value.type);
    assert_int_equal(back.length, value.length);
    if (value.length) assert_memory_equal(back.as.bytes, value.as.bytes, value.length);
}

static void text_that_is_utf8_is_kept_as_text(void **state)
{
    (void)state;
    assert_bytes(dur_text("text"), DURABLE_DATUM_TEXT, DURABLE_FORMAT_PLAIN);
    assert_bytes(dur_text(""), DURABLE_DATUM_TEXT, DURABLE_FORMAT_PLAIN);
    assert_bytes(dur_text_n(NULL, 0), DURABLE_DATUM_TEXT, DURABLE_FORMAT_PLAIN);
    assert_bytes(dur_text("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\n\t\x01\x7F"), DURABLE_DATUM_TEXT,
                 DURABLE_FORMAT_PLAIN);
    assert_bytes(dur_text_n("cut here", 3), DURABLE_DATUM_TEXT, DURABLE_FORMAT_PLAIN);
    assert_bytes(dur_text("\xEF\xBF\xBD"), DURABLE_DATUM_TEXT, DURABLE_FORMAT_PLAIN);
    assert_int_equal(encode(dur_text(NULL)).type, DURABLE_DATUM_NULL);
}

static void text_that_sqlite_would_not_give_back_is_kept_as_a_blob(void **state)
{
    (void)state;
    assert_bytes(dur_text("\xFF"), DURABLE_DATUM_BLOB, DURABLE_FORMAT_TEXT);
    assert_bytes(dur_text("half a character \xE2\x82"), DURABLE_DATUM_BLOB, DURABLE_FORMAT_TEXT);
    assert_bytes(dur_text("\xC0\x80"), DURABLE_DATUM_BLOB, DURABLE_FORMAT_TEXT);
    assert_bytes(dur_text("\xED\xA0\x80"), DURABLE_DATUM_BLOB, DURABLE_FORMAT_TEXT);
    assert_bytes(dur_text("\xEF\xBF\xBE"), DURABLE_DATUM_BLOB, DURABLE_FORMAT_TEXT); /* U+FFFE */
    assert_bytes(dur_text("\xEF\xBF\xBF"), DURABLE_DATUM_BLOB, DURABLE_FORMAT_TEXT); /* U+FFFF */
    assert_bytes(dur_text_n("a\0b", 3), DURABLE_DATUM_BLOB, DURABLE_FORMAT_TEXT);
    assert_bytes(dur_text_n("\0", 1), DURABLE_DATUM_BLOB, DURABLE_FORMAT_TEXT);
    assert_bytes(dur_text_n("a\0", 2), DURABLE_DATUM_BLOB, DURABLE_FORMAT_TEXT);
}

static void blobs_are_kept_as_blobs(void **state)
{
    (void)state;
    assert_bytes(dur_blob("\0\1\xFF", 3), DURABLE_DATUM_BLOB, DURABLE_FORMAT_PLAIN);
    assert_bytes(dur_blob("", 0), DURABLE_DATUM_BLOB, DURABLE_FORMAT_PLAIN);
    assert_bytes(dur_blob(NULL, 0), DURABLE_DATUM_BLOB, DURABLE_FORMAT_PLAIN);
}

/* By the library's documented numbers, not by its own code. */
static int format_of_this_machine(void)
{
    const unsigned probe = 1;
    int format = 16;

    if (*(const unsigned char *)&probe == 0) format += 1;
    if (sizeof(void *) == 8) format += 2;
    return format;
}

static void objects_are_marked_with_their_machine(void **state)
{
    const struct { int64_t a; double b; } object = {7, 1.5};

    (void)state;
    assert_bytes(dur_object(&object, sizeof object), DURABLE_DATUM_BLOB, format_of_this_machine());
    assert_bytes(dur_object("", 0), DURABLE_DATUM_BLOB, format_of_this_machine());
}

/* ---- Bad input (law 9) and other machines (law 10) ---- */

static void values_that_make_no_sense_are_misuse(void **state)
{
    static const int types[] = {7, 8, -1, 100, INT_MAX};
    durable_datum datum;
    dur_value value;

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        value = dur_integer(1);
        memcpy(&value.type, &types[i], sizeof value.type);
        assert_int_equal(durable_value_encode(value, &datum), DUR_MISUSE);
    }
    assert_int_equal(durable_value_encode(dur_text_n(NULL, 1), &datum), DUR_MISUSE);
    assert_int_equal(durable_value_encode(dur_blob(NULL, 1), &datum), DUR_MISUSE);
    assert_int_equal(durable_value_encode(dur_object(NULL, 1), &datum), DUR_MISUSE);
}

static void objects_of_another_machine_do_not_match(void **state)
{
    durable_datum datum = encode(dur_object("12345678", 8));

    (void)state;
    for (int format = DURABLE_FORMAT_OBJECT; format < DURABLE_FORMAT_OBJECT + 4; format++) {
        datum.format = format;
        assert_int_equal(decode_code(&datum),
                         format == format_of_this_machine() ? DUR_OK : DUR_MISMATCH);
    }
}

static bool go_together(int format, int type)
{
    switch (format) {
    case 0: return true;
    case 1: return type == DURABLE_DATUM_INTEGER;
    case 2: return type == DURABLE_DATUM_INTEGER;
    case 3: return type == DURABLE_DATUM_BLOB;
    default: return format >= 16 && format <= 19 && type == DURABLE_DATUM_BLOB;
    }
}

static durable_datum datum_of(int type, int format)
{
    durable_datum datum = {type, format, 0, 1.5, "text", 4};

    /* An integer that fits its format. */
    datum.integer = format == DURABLE_FORMAT_NAN ? INT64_C(0x7FF8000000000000) : -1;
    return datum;
}

static void formats_and_types_that_do_not_go_together_are_corrupt(void **state)
{
    static const int formats[] = {0,  1,  2,  3,  4,  5,   15,      16,     17,
                                  18, 19, 20, 32, -1, 255, INT_MIN, INT_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        for (int type = DURABLE_DATUM_NULL; type <= DURABLE_DATUM_BLOB; type++) {
            durable_datum datum = datum_of(type, formats[i]);
            int code = decode_code(&datum);

            if (!go_together(formats[i], type))
                assert_int_equal(code, DUR_CORRUPT);
            else
                assert_true(code == DUR_OK || (formats[i] >= 16 && code == DUR_MISMATCH));
        }
}

static void integers_that_do_not_fit_their_format_are_corrupt(void **state)
{
    static const int64_t no_nans[] = {0, 1, INT64_C(0x7FF0000000000000), INT64_MIN,
                                      INT64_C(0x3FF0000000000000)};
    durable_datum datum = {.type = DURABLE_DATUM_INTEGER};

    (void)state;
    datum.format = DURABLE_FORMAT_NAN;
    for (size_t i = 0; i < sizeof no_nans / sizeof no_nans[0]; i++) {
        datum.integer = no_nans[i];
        assert_int_equal(decode_code(&datum), DUR_CORRUPT);
    }
    datum.format = DURABLE_FORMAT_UNSIGNED;
    datum.integer = 0;
    assert_int_equal(decode_code(&datum), DUR_CORRUPT);
    datum.integer = INT64_MAX;
    assert_int_equal(decode_code(&datum), DUR_CORRUPT);
}

static void unknown_kept_types_are_corrupt(void **state)
{
    static const int types[] = {-1, 5, 100, INT_MAX, INT_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        for (int format = 0; format < 20; format++) {
            durable_datum datum = datum_of(types[i], format);

            assert_int_equal(decode_code(&datum), DUR_CORRUPT);
        }
}

/* A value that could not be decoded is null, never something undefined. */
static void a_value_that_is_corrupt_decodes_to_null(void **state)
{
    durable_datum datum = {.type = 5};
    dur_value value;

    (void)state;
    memset(&value, 0xA5, sizeof value);
    assert_int_equal(durable_value_decode(&datum, &value), DUR_CORRUPT);
    assert_int_equal(value.type, DUR_NULL);
    assert_int_equal(value.length, 0);
}

/* ---- Equality ---- */

static void equality_is_of_type_format_and_bits(void **state)
{
    const dur_value values[] = {
        dur_null(),          dur_integer(0),        dur_integer(1),   dur_integer(-1),
        dur_unsigned(UINT64_MAX), dur_real(0.0),    dur_real(-0.0),   dur_real(1.0),
        dur_real((double)NAN), dur_real(-(double)NAN), dur_text(""),  dur_text("a"),
        dur_text("b"),       dur_text("aa"),        dur_blob("", 0),  dur_blob("a", 1),
        dur_text_n("\xFF", 1), dur_blob("\xFF", 1), dur_object("a", 1)};

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
            durable_datum a = encode(values[i]), b = encode(values[j]);

            assert_int_equal(durable_datum_equal(&a, &b), i == j);
        }
}

static void equality_looks_at_bytes_not_at_pointers(void **state)
{
    const char first[] = "a\0b", second[] = "a\0b", third[] = "a\0c";
    durable_datum a = encode(dur_blob(first, 3)), b = encode(dur_blob(second, 3));
    durable_datum c = encode(dur_blob(third, 3));
    durable_datum none = {.type = DURABLE_DATUM_BLOB}, empty = encode(dur_blob("", 0));

    (void)state;
    assert_true(durable_datum_equal(&a, &b));
    assert_false(durable_datum_equal(&a, &c));
    assert_true(durable_datum_equal(&none, &empty)); /* NULL bytes of no length */
}

static void types_have_names_for_messages(void **state)
{
    (void)state;
    assert_string_equal(durable_type_name(DUR_NULL), "null");
    assert_string_equal(durable_type_name(DUR_INTEGER), "integer");
    assert_string_equal(durable_type_name(DUR_UNSIGNED), "unsigned integer");
    assert_string_equal(durable_type_name(DUR_REAL), "real");
    assert_string_equal(durable_type_name(DUR_TEXT), "text");
    assert_string_equal(durable_type_name(DUR_BLOB), "blob");
    assert_string_equal(durable_type_name(DUR_OBJECT), "object");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_kept_as_null),
        cmocka_unit_test(integers_are_kept_as_they_are),
        cmocka_unit_test(unsigned_integers_above_int64_max_have_a_format_of_their_own),
        cmocka_unit_test(smaller_unsigned_integers_are_plain_integers),
        cmocka_unit_test(reals_keep_their_bits),
        cmocka_unit_test(what_is_not_a_number_keeps_its_payload_as_an_integer),
        cmocka_unit_test(text_that_is_utf8_is_kept_as_text),
        cmocka_unit_test(text_that_sqlite_would_not_give_back_is_kept_as_a_blob),
        cmocka_unit_test(blobs_are_kept_as_blobs),
        cmocka_unit_test(objects_are_marked_with_their_machine),
        cmocka_unit_test(values_that_make_no_sense_are_misuse),
        cmocka_unit_test(objects_of_another_machine_do_not_match),
        cmocka_unit_test(formats_and_types_that_do_not_go_together_are_corrupt),
        cmocka_unit_test(integers_that_do_not_fit_their_format_are_corrupt),
        cmocka_unit_test(unknown_kept_types_are_corrupt),
        cmocka_unit_test(a_value_that_is_corrupt_decodes_to_null),
        cmocka_unit_test(equality_is_of_type_format_and_bits),
        cmocka_unit_test(equality_looks_at_bytes_not_at_pointers),
        cmocka_unit_test(types_have_names_for_messages),
    };

    return cmocka_run_group_tests_name("unit.value", tests, NULL, NULL);
}
