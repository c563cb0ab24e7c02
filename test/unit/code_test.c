/* test/unit: the table of codes: numbers that never change, a name and a text for each. */
#include "durable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>

typedef struct code_row {
    int number;
    const char *name;
    const char *text;
} code_row;

static const code_row rows[] = {
#define ROW(name, number, text) {name, #name, text},
    DUR_CODE_MAP(ROW)
#undef ROW
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

/* "The numbers never change": this list is the released one, and only grows. */
static void numbers_are_the_released_ones(void **state)
{
    static const code_row released[] = {
        {0, "DUR_OK", ""},
        {1, "DUR_EXECUTE", ""},
        {2, "DUR_REPLAYED", ""},
        {3, "DUR_FAILED", ""},
        {-1, "DUR_MISUSE", ""},
        {-2, "DUR_NOMEM", ""},
        {-3, "DUR_BUSY", ""},
        {-4, "DUR_INTERRUPTED", ""},
        {-5, "DUR_FULL", ""},
        {-6, "DUR_IOERR", ""},
        {-7, "DUR_READONLY", ""},
        {-8, "DUR_CORRUPT", ""},
        {-9, "DUR_FOREIGN", ""},
        {-10, "DUR_VERSION_TOO_NEW", ""},
        {-11, "DUR_CONFLICT", ""},
        {-12, "DUR_OWNED", ""},
        {-13, "DUR_LOST", ""},
        {-14, "DUR_DIVERGED", ""},
        {-15, "DUR_MISMATCH", ""},
        {-16, "DUR_PARKED", ""},
        {-17, "DUR_ROLLED_BACK", ""},
        {-18, "DUR_HOST_STATEMENT", ""},
        {-19, "DUR_STALE_READ", ""},
        {-20, "DUR_TOO_BIG", ""},
        {-21, "DUR_NOT_FOUND", ""},
        {-22, "DUR_UNSUPPORTED", ""},
        {-23, "DUR_DATABASE", ""},
    };

    (void)state;
    assert_true(ROW_COUNT >= sizeof released / sizeof released[0]);
    for (size_t i = 0; i < sizeof released / sizeof released[0]; i++)
        assert_string_equal(dur_code_name(released[i].number), released[i].name);
}

static void every_code_has_its_name_and_a_text_of_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        assert_string_equal(dur_code_name(rows[i].number), rows[i].name);
        assert_string_equal(dur_code_text(rows[i].number), rows[i].text);
        assert_true(strlen(rows[i].text) > 10);
        for (const char *at = rows[i].text; *at; at++) assert_true(*at >= ' ' && *at < 0x7f);
    }
}

static void numbers_and_names_and_texts_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++)
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(rows[i].number, rows[j].number);
            assert_string_not_equal(rows[i].name, rows[j].name);
            assert_string_not_equal(rows[i].text, rows[j].text);
        }
}

static void other_numbers_are_unknown_codes(void **state)
{
    static const int others[] = {8, 9, 126, DUR_CODE_LAST_, 128, INT_MAX, -28, -128, INT_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_string_equal(dur_code_name(others[i]), "unknown code");
        assert_string_equal(dur_code_text(others[i]), "unknown code");
    }
}

static void the_version_is_the_one_of_the_header(void **state)
{
    char version[32];

    (void)state;
    snprintf(version, sizeof version, "%d.%d.%d", DUR_VERSION_MAJOR, DUR_VERSION_MINOR,
             DUR_VERSION_PATCH);
    assert_string_equal(DUR_VERSION, version);
    assert_string_equal(dur_version(), DUR_VERSION);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_the_released_ones),
        cmocka_unit_test(every_code_has_its_name_and_a_text_of_one_line),
        cmocka_unit_test(numbers_and_names_and_texts_are_unique),
        cmocka_unit_test(other_numbers_are_unknown_codes),
        cmocka_unit_test(the_version_is_the_one_of_the_header),
    };

    return cmocka_run_group_tests_name("unit.code", tests, NULL, NULL);
}
