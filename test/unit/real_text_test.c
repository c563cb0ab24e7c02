/* test/unit: doubles in hexadecimal: each has one text, and each text is of one double. */
#include "history/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
    uint64_t bits;
    const char *text;
} reals[] = {
    {0, "0x0p+0"},
    {UINT64_C(0x8000000000000000), "-0x0p+0"},
    {UINT64_C(0x3FF0000000000000), "0x1p+0"},
    {UINT64_C(0xBFF8000000000000), "-0x1.8p+0"},
    {UINT64_C(0x4008000000000000), "0x1.8p+1"},
    {UINT64_C(0x3FB999999999999A), "0x1.999999999999ap-4"},
    {UINT64_C(0x7FEFFFFFFFFFFFFF), "0x1.fffffffffffffp+1023"},
    {UINT64_C(0x0010000000000000), "0x1p-1022"},
    {UINT64_C(0x000FFFFFFFFFFFFF), "0x0.fffffffffffffp-1022"},
    {UINT64_C(0x0000000000000001), "0x0.0000000000001p-1022"},
    {UINT64_C(0x8000000000000001), "-0x0.0000000000001p-1022"},
    {UINT64_C(0x7FF0000000000000), "infinity"},
    {UINT64_C(0xFFF0000000000000), "-infinity"},
    {UINT64_C(0x7FF8000000000000), "nan:7ff8000000000000"},
    {UINT64_C(0xFFF8000000000000), "nan:fff8000000000000"},
    {UINT64_C(0x7FF0000000000001), "nan:7ff0000000000001"},
};

static void each_double_has_its_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(reals); i++) {
        char text[DURABLE_REAL_SIZE];
        uint64_t bits;

        durable_real_print(text, reals[i].bits);
        assert_string_equal(text, reals[i].text);
        assert_true(durable_real_parse(text, &bits));
        assert_true(bits == reals[i].bits);
    }
}

/* What another way of writing would give is refused, so that a text changes with its value only. */
static void nothing_else_is_a_double(void **state)
{
    static const char *const texts[] = {
        "", "-", "0", "1.5", "0x", "0x1", "0x1p", "0x1p0", "0x1p+00", "0x1p+01", "0x1p-0",
        "0x1.p+0", "0x1.0p+0", "0x1.80p+0", "0x1.8P+0", "0X1.8p+0", "0x1.8p+1024", "0x1.8p-1023",
        "0x1.8p+99999", "0x1.8p+0 ", " 0x1.8p+0", "+0x1.8p+0", "--0x1p+0", "0x2p+0", "0x0p+1",
        "0x0.8p-1021", "0x1.fffffffffffff8p+0", "0x1.Ap+0", "nan", "nan:", "nan:7ff8",
        "nan:7FF8000000000000", "nan:7ff0000000000000", "nan:3ff0000000000000",
        "-nan:7ff8000000000000", "nan:7ff80000000000000", "inf", "Infinity", "+infinity",
        "-infinity ", "p+0", ".8p+0", "0x.8p+0"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        uint64_t bits;

        if (durable_real_parse(texts[i], &bits))
            fail_msg("\"%s\" was taken for %016" PRIx64, texts[i], bits);
    }
}

/* By the platform's own printf, which knows of the same form, where both say the same. */
static void random_doubles_are_as_the_platform_writes_them(void **state)
{
    uint64_t chance = UINT64_C(0x9E3779B97F4A7C15);

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[DURABLE_REAL_SIZE], theirs[64];
        uint64_t again;
        double real;

        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        durable_real_print(text, chance);
        assert_true(durable_real_parse(text, &again));
        assert_true(again == chance);
        memcpy(&real, &chance, sizeof real);
        if (strncmp(text, "nan", 3) == 0) continue;
        snprintf(theirs, sizeof theirs, "%a", real);
        assert_true(strtod(text, NULL) == real);
        if (strstr(theirs, "0x1")) assert_string_equal(text, theirs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_double_has_its_text),
        cmocka_unit_test(nothing_else_is_a_double),
        cmocka_unit_test(random_doubles_are_as_the_platform_writes_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
