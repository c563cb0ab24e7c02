/* test/unit: which bytes are text, and which text may be a name. The reference here decodes to code
 * points and judges those, where the library judges ranges of bytes. */
#include "base/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

/* ---- The reference ---- */

/* The number of bytes of the sequence at `bytes`, by what its first byte announces. */
static size_t announced(unsigned char first)
{
    if (first < 0x80) return 1;
    if (first >= 0xC0 && first < 0xE0) return 2;
    if (first >= 0xE0 && first < 0xF0) return 3;
    if (first >= 0xF0 && first < 0xF8) return 4;
    return 0;
}

static bool is_character(uint32_t point, size_t count)
{
    static const uint32_t lowest[] = {0, 0x01, 0x80, 0x800, 0x10000};

    if (point < lowest[count]) return false; /* overlong, or NUL */
    if (point >= 0xD800 && point <= 0xDFFF) return false;
    return point <= 0x10FFFF && point != 0xFFFE && point != 0xFFFF;
}

static bool reference_valid(const unsigned char *bytes, size_t length)
{
    static const unsigned char mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};

    for (size_t at = 0; at < length;) {
        size_t count = announced(bytes[at]);
        uint32_t point;

        if (count == 0 || count > length - at) return false;
        point = bytes[at] & mask[count];
        for (size_t i = 1; i < count; i++) {
            if (bytes[at + i] < 0x80 || bytes[at + i] > 0xBF) return false;
            point = point << 6 | (bytes[at + i] & 0x3Fu);
        }
        if (!is_character(point, count)) return false;
        at += count;
    }
    return true;
}

/* ---- UTF-8 ---- */

/* From memory of exactly this size, so that a sanitizer sees a step too far. */
static void assert_judged_alike(const unsigned char *bytes, size_t length)
{
    bool valid = durable_utf8_valid((const char *)bytes, length);

    if (valid != reference_valid(bytes, length)) {
        for (size_t i = 0; i < length; i++) print_error("%02x ", bytes[i]);
        fail_msg("judged %s", valid ? "valid" : "invalid");
    }
}

static void every_sequence_of_1_and_2_bytes_is_judged_right(void **state)
{
    unsigned char *bytes = malloc(2);

    (void)state;
    assert_non_null(bytes);
    assert_true(durable_utf8_valid("", 0));
    for (unsigned first = 0; first < 256; first++) {
        bytes[0] = (unsigned char)first;
        for (unsigned second = 0; second < 256; second++) {
            bytes[1] = (unsigned char)second;
            assert_judged_alike(bytes, 2);
        }
        bytes[1] = (unsigned char)first;
        assert_judged_alike(bytes + 1, 1);
    }
    free(bytes);
}

/* The bytes at which the rules change, on both sides. */
static const unsigned char edges[] = {0x00, 0x01, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBD,
                                      0xBE, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC,
                                      0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF};

#define EDGE_COUNT (sizeof edges / sizeof edges[0])

static void sequences_of_3_and_4_bytes_at_the_edges_are_judged_right(void **state)
{
    unsigned char *bytes = malloc(4);

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < EDGE_COUNT * EDGE_COUNT * EDGE_COUNT * EDGE_COUNT; i++) {
        bytes[0] = edges[i % EDGE_COUNT];
        bytes[1] = edges[i / EDGE_COUNT % EDGE_COUNT];
        bytes[2] = edges[i / EDGE_COUNT / EDGE_COUNT % EDGE_COUNT];
        bytes[3] = edges[i / EDGE_COUNT / EDGE_COUNT / EDGE_COUNT];
        assert_judged_alike(bytes, 4);
        assert_judged_alike(bytes + 1, 3);
    }
    free(bytes);
}

static void every_character_is_valid_in_its_own_form_only(void **state)
{
    (void)state;
    for (uint32_t point = 0x10000; point <= 0x10FFFF; point += 0x3FF) {
        const unsigned char bytes[] = {(unsigned char)(0xF0 | point >> 18),
                                       (unsigned char)(0x80 | (point >> 12 & 0x3F)),
                                       (unsigned char)(0x80 | (point >> 6 & 0x3F)),
                                       (unsigned char)(0x80 | (point & 0x3F))};

        assert_true(durable_utf8_valid((const char *)bytes, 4));
    }
    for (uint32_t point = 0; point <= 0xFFFF; point++) {
        const unsigned char bytes[] = {(unsigned char)(0xE0 | point >> 12),
                                       (unsigned char)(0x80 | (point >> 6 & 0x3F)),
                                       (unsigned char)(0x80 | (point & 0x3F))};
        bool valid = point >= 0x800 && !(point >= 0xD800 && point <= 0xDFFF) && point < 0xFFFE;

        assert_int_equal(durable_utf8_valid((const char *)bytes, 3), valid);
    }
}

/* Runs of ASCII are looked at eight bytes at a time. */
static void a_bad_byte_is_seen_wherever_it_stands_in_ascii(void **state)
{
    static const unsigned char bad[] = {0x00, 0x80, 0xC2, 0xFF};

    (void)state;
    for (size_t length = 1; length <= 40; length++)
        for (size_t at = 0; at < length; at++)
            for (size_t i = 0; i < sizeof bad; i++) {
                char *text = malloc(length);

                assert_non_null(text);
                memset(text, 0x01, length);
                assert_true(durable_utf8_valid(text, length));
                memset(text, 'a', length);
                text[at] = (char)bad[i];
                assert_false(durable_utf8_valid(text, length));
                free(text);
            }
}

static void characters_are_seen_wherever_they_stand_in_ascii(void **state)
{
    static const char *const characters[] = {"\xC2\x80", "\xEF\xBF\xBD", "\xF4\x8F\xBF\xBF"};
    char text[48];

    (void)state;
    for (size_t i = 0; i < sizeof characters / sizeof characters[0]; i++)
        for (size_t at = 0; at < 24; at++) {
            size_t length = strlen(characters[i]);

            memset(text, 'a', sizeof text);
            memcpy(text + at, characters[i], length);
            assert_true(durable_utf8_valid(text, sizeof text));
            assert_true(durable_utf8_valid(text, at + length));
            assert_false(durable_utf8_valid(text, at + length - 1)); /* cut */
        }
}

/* ---- Names ---- */

static bool is_name(const char *text)
{
    return durable_name_valid(text, strlen(text));
}

static void names_have_1_to_255_bytes(void **state)
{
    char name[DUR_NAME_MAX + 2];

    (void)state;
    assert_false(is_name(""));
    memset(name, 'n', sizeof name);
    for (size_t length = 1; length <= DUR_NAME_MAX; length++) {
        name[length] = '\0';
        assert_true(is_name(name));
        name[length] = 'n';
    }
    name[DUR_NAME_MAX + 1] = '\0';
    assert_false(is_name(name));
}

/* A name that is too long is refused by its length: its bytes are not even there. */
static void a_name_is_not_read_further_than_needed(void **state)
{
    char *name = malloc(1);

    (void)state;
    assert_non_null(name);
    name[0] = 'n';
    assert_false(durable_name_valid(name, DUR_NAME_MAX + 1));
    assert_false(durable_name_valid(name, 10000000));
    free(name);
}

static void names_have_no_control_characters(void **state)
{
    (void)state;
    for (int byte = 1; byte < 0x80; byte++) {
        const char name[] = {'a', (char)byte, 'b', '\0'};

        assert_int_equal(is_name(name), byte >= 0x20 && byte != 0x7f);
    }
}

static void names_are_valid_utf8(void **state)
{
    char name[DUR_NAME_MAX + 1];

    (void)state;
    assert_true(is_name("\xC3\xA9t\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"));
    assert_true(is_name("\xC2\x85")); /* above 0x7f only UTF-8 counts */
    assert_false(is_name("\xC3"));
    assert_false(is_name("\xED\xA0\x80"));
    assert_false(is_name("\xEF\xBF\xBE"));
    assert_false(is_name("\xEF\xBF\xBF"));
    for (size_t i = 0; i < DUR_NAME_MAX; i++) name[i] = "\xE2\x82\xAC"[i % 3];
    name[DUR_NAME_MAX] = '\0';
    assert_true(is_name(name)); /* 85 characters of three bytes */
    name[DUR_NAME_MAX - 1] = '\0';
    assert_false(is_name(name)); /* the last one cut */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sequence_of_1_and_2_bytes_is_judged_right),
        cmocka_unit_test(sequences_of_3_and_4_bytes_at_the_edges_are_judged_right),
        cmocka_unit_test(every_character_is_valid_in_its_own_form_only),
        cmocka_unit_test(a_bad_byte_is_seen_wherever_it_stands_in_ascii),
        cmocka_unit_test(characters_are_seen_wherever_they_stand_in_ascii),
        cmocka_unit_test(names_have_1_to_255_bytes),
        cmocka_unit_test(a_name_is_not_read_further_than_needed),
        cmocka_unit_test(names_have_no_control_characters),
        cmocka_unit_test(names_are_valid_utf8),
    };

    return cmocka_run_group_tests_name("unit.utf8", tests, NULL, NULL);
}
