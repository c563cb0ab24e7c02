/* test/api: what DUR_STEP records of each kind of variable, live and on replay. */
#include "api/pass.h"

#include <limits.h>

/* ---- Numbers --------------------------------------------------------------------------------- */

enum colour { RED, GREEN = 77 };
enum below { MINUS = -5, PLUS = 5 };

/* type, field, value: every integer at both its ends, and what else counts. */
#define INTEGERS(X)                                                                                \
    X(bool, bool_false, false)                                                                     \
    X(bool, bool_true, true)                                                                       \
    X(char, char_min, CHAR_MIN)                                                                    \
    X(char, char_max, CHAR_MAX)                                                                    \
    X(signed char, schar_min, SCHAR_MIN)                                                           \
    X(signed char, schar_max, SCHAR_MAX)                                                           \
    X(unsigned char, uchar_zero, 0)                                                                \
    X(unsigned char, uchar_max, UCHAR_MAX)                                                         \
    X(short, short_min, SHRT_MIN)                                                                  \
    X(short, short_max, SHRT_MAX)                                                                  \
    X(unsigned short, ushort_zero, 0)                                                              \
    X(unsigned short, ushort_max, USHRT_MAX)                                                       \
    X(int, int_min, INT_MIN)                                                                       \
    X(int, int_max, INT_MAX)                                                                       \
    X(int, int_minus_one, -1)                                                                      \
    X(unsigned, uint_zero, 0)                                                                      \
    X(unsigned, uint_max, UINT_MAX)                                                                \
    X(long, long_min, LONG_MIN)                                                                    \
    X(long, long_max, LONG_MAX)                                                                    \
    X(unsigned long, ulong_zero, 0)                                                                \
    X(unsigned long, ulong_max, ULONG_MAX)                                                         \
    X(long long, llong_min, LLONG_MIN)                                                             \
    X(long long, llong_max, LLONG_MAX)                                                             \
    X(unsigned long long, ullong_zero, 0)                                                          \
    X(unsigned long long, ullong_middle, (unsigned long long)LLONG_MAX + 1)                        \
    X(unsigned long long, ullong_max, ULLONG_MAX)                                                  \
    X(int8_t, int8_min, INT8_MIN)                                                                  \
    X(uint16_t, uint16_max, UINT16_MAX)                                                            \
    X(int32_t, int32_min, INT32_MIN)                                                               \
    X(uint64_t, uint64_max, UINT64_MAX)                                                            \
    X(size_t, size_max, SIZE_MAX)                                                                  \
    X(enum colour, colour_zero, RED)                                                               \
    X(enum colour, colour_last, GREEN)                                                             \
    X(enum below, below_zero, MINUS)                                                               \
    X(enum below, above_zero, PLUS)

typedef struct integers {
#define FIELD(type, field, value) type field;
    INTEGERS(FIELD)
#undef FIELD
    int bodies;
} integers;

static void integer_steps(dur_run *run, void *user)
{
    integers *all = user;

#define STEP(type, field, value)                                                                   \
    DUR_STEP(run, #field, all->field) {                                                            \
        assert_true(all->field == 0);                                                              \
        all->bodies++;                                                                             \
        all->field = value;                                                                        \
    }                                                                                              \
    assert_true(all->field == value);
    INTEGERS(STEP)
#undef STEP
}

/* Point 2: integers of every width and signedness come back as they went in. */
static void integers_of_every_width(void **state)
{
    integers live, replayed;

    memset(&live, 0x5a, sizeof live);
    memset(&replayed, 0xa5, sizeof replayed);
    live.bodies = replayed.bodies = 0;
    memset(&live.bool_true, 0, sizeof live.bool_true); /* no trap representations */
    memset(&live.bool_false, 0, sizeof live.bool_false);
    memset(&replayed.bool_true, 0, sizeof replayed.bool_true);
    memset(&replayed.bool_false, 0, sizeof replayed.bool_false);
    make_pass(*state, integer_steps, &live, DUR_OK);
    assert_true(live.bodies > 30);
    make_pass(*state, integer_steps, &replayed, DUR_OK);
    assert_int_equal(0, replayed.bodies);
}

/* ---- Floating point, bit for bit ------------------------------------------------------------- */

static const uint64_t double_bits[] = {
    0x0000000000000000u, /* 0.0 */
    0x8000000000000000u, /* -0.0 */
    0x3ff0000000000000u, /* 1.0, which SQLite would like to store as an integer */
    0xc340000000000000u, /* -2^53 */
    0x3fb999999999999au, /* 0.1 */
    0x0000000000000001u, /* the smallest */
    0x800fffffffffffffu, /* the largest subnormal, negative */
    0x7fefffffffffffffu, /* DBL_MAX */
    0x7ff0000000000000u, /* infinity */
    0xfff0000000000000u, /* -infinity */
    0x7ff8000000000000u, /* NaN */
    0xfff8000000000000u, /* -NaN */
    0x7ff8dead0000beefu, /* NaN with a payload */
    0x7ff0000000000001u, /* a signalling NaN */
};
#define DOUBLES (sizeof double_bits / sizeof double_bits[0])

static const uint32_t float_bits[] = {
    0x00000000u, 0x80000000u, 0x3f800000u, 0x3dcccccdu, 0x00000001u, 0x807fffffu,
    0x7f7fffffu, 0x7f800000u, 0xff800000u, 0x7fc00000u, 0xffc00000u, 0x7fc0beefu,
};
#define FLOATS (sizeof float_bits / sizeof float_bits[0])

static void floating_steps(dur_run *run, void *user)
{
    int *bodies = user;

    for (size_t i = 0; i < DOUBLES; i++) {
        double number = 7.0;

        DUR_STEP(run, "double", number) {
            ++*bodies;
            memcpy(&number, &double_bits[i], sizeof number);
        }
        assert_memory_equal(&double_bits[i], &number, sizeof number);
    }
    for (size_t i = 0; i < FLOATS; i++) {
        float number = 7.0f;

        DUR_STEP(run, "float", number) {
            ++*bodies;
            memcpy(&number, &float_bits[i], sizeof number);
        }
        assert_memory_equal(&float_bits[i], &number, sizeof number);
    }
}

static void floating_point_bit_for_bit(void **state)
{
    int bodies = 0;

    make_pass(*state, floating_steps, &bodies, DUR_OK);
    assert_int_equal(DOUBLES + FLOATS, bodies);
    make_pass(*state, floating_steps, &bodies, DUR_OK);
    assert_int_equal(DOUBLES + FLOATS, bodies);
}

/* ---- Text ------------------------------------------------------------------------------------ */

static const char *const texts[] = {
    "plain",
    "",
    NULL,
    "line\nbreak\ttab\x01",
    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", /* two, three and four bytes */
    "\xff\xfe not UTF-8 \xc3",
    "\xed\xa0\x80 a surrogate",
    "\xef\xbf\xbf a noncharacter",
    "'; DROP TABLE durable_runs; --",
};
#define TEXTS (sizeof texts / sizeof texts[0])

static void text_steps(dur_run *run, void *user)
{
    int *bodies = user;

    for (size_t i = 0; i < TEXTS; i++) {
        const char *text = "before";

        DUR_STEP(run, "text", text) {
            assert_string_equal("", text);
            ++*bodies;
            text = texts[i];
        }
        if (texts[i])
            assert_string_equal(texts[i], text);
        else
            assert_null(text);
    }
}

static void text_of_every_kind(void **state)
{
    int bodies = 0;

    make_pass(*state, text_steps, &bodies, DUR_OK);
    assert_int_equal(TEXTS, bodies);
    make_pass(*state, text_steps, &bodies, DUR_OK);
    assert_int_equal(TEXTS, bodies);
}

/* The same in a UTF-16 database: the bytes survive SQLite's conversions. */
static void text_of_every_kind_in_utf16(void **state)
{
    test_host host;
    int bodies = 0;

    (void)state;
    host_open_encoded(&host, HOST_ROLLBACK, "UTF-16be");
    make_pass(&host, text_steps, &bodies, DUR_OK);
    make_pass(&host, text_steps, &bodies, DUR_OK);
    assert_int_equal(TEXTS, bodies);
    host_close(&host);
}

typedef struct chars {
    char empty[8], part[8], full[4], one[1];
    int bodies;
} chars;

static void chars_steps(dur_run *run, void *user)
{
    chars *all = user;

    DUR_STEP(run, "empty", all->empty) { all->bodies++; }
    DUR_STEP(run, "part", all->part) {
        assert_memory_equal("\0\0\0\0\0\0\0\0", all->part, 8);
        all->bodies++;
        memcpy(all->part, "abc", 4);
    }
    DUR_STEP(run, "full", all->full) {
        all->bodies++;
        memcpy(all->full, "ABCD", 4); /* without a NUL */
    }
    DUR_STEP(run, "one", all->one) { all->one[0] = 'x'; }
    assert_string_equal("", all->empty);
    assert_memory_equal("abc", all->part, 4);
    assert_memory_equal("ABCD", all->full, 4);
    assert_int_equal('x', all->one[0]);
}

static void char_arrays_with_and_without_a_nul(void **state)
{
    chars live, replayed;

    memset(&live, 0x5a, sizeof live);
    memset(&replayed, 0xa5, sizeof replayed);
    live.bodies = replayed.bodies = 0;
    make_pass(*state, chars_steps, &live, DUR_OK);
    assert_int_equal(3, live.bodies);
    make_pass(*state, chars_steps, &replayed, DUR_OK);
    assert_int_equal(0, replayed.bodies);
}

/* ---- Objects --------------------------------------------------------------------------------- */

typedef struct tool_call {
    int number;
    double weight;
    char name[12];
} tool_call;

typedef union word {
    uint32_t whole;
    unsigned char bytes[4];
} word;

typedef struct objects {
    tool_call call, calls[3];
    int numbers[5];
    word word;
    unsigned char raw[4];
    long double wide;
    int bodies;
} objects;

static void object_steps(dur_run *run, void *user)
{
    static const tool_call none;
    static const int primes[5] = {2, 3, 5, 7, 11};
    const tool_call wanted = {7, 0.1, "search"};
    objects *all = user;

    DUR_STEP(run, "struct", all->call) {
        assert_memory_equal(&none, &all->call, sizeof none);
        all->bodies++;
        all->call.number = wanted.number;
        all->call.weight = wanted.weight;
        memcpy(all->call.name, wanted.name, sizeof wanted.name);
    }
    DUR_STEP(run, "structs", all->calls) { all->calls[2].number = 9; }
    DUR_STEP(run, "numbers", all->numbers) { memcpy(all->numbers, primes, sizeof primes); }
    DUR_STEP(run, "union", all->word) { all->word.whole = 0x01020304u; }
    DUR_STEP(run, "unsigned chars", all->raw) { memcpy(all->raw, "\0\xff\0\1", 4); }
    DUR_STEP(run, "long double", all->wide) { all->wide = 1.0L / 3.0L; }
    assert_int_equal(wanted.number, all->call.number);
    assert_memory_equal(&wanted.weight, &all->call.weight, sizeof wanted.weight);
    assert_string_equal(wanted.name, all->call.name);
    assert_int_equal(0, all->calls[1].number);
    assert_int_equal(9, all->calls[2].number);
    assert_memory_equal(primes, all->numbers, sizeof primes);
    assert_int_equal(0x01020304u, all->word.whole);
    assert_memory_equal("\0\xff\0\1", all->raw, 4);
    assert_true(all->wide == 1.0L / 3.0L);
}

static void objects_and_arrays(void **state)
{
    objects live, replayed;

    memset(&live, 0x5a, sizeof live);
    memset(&replayed, 0xa5, sizeof replayed);
    live.bodies = replayed.bodies = 0;
    make_pass(*state, object_steps, &live, DUR_OK);
    make_pass(*state, object_steps, &replayed, DUR_OK);
    assert_int_equal(1, live.bodies);
    assert_int_equal(0, replayed.bodies);
}

/* ---- dur_value ------------------------------------------------------------------------------- */

static size_t make_values(dur_value *values)
{
    static const char bytes[] = "a\0b\xff";
    size_t count = 0;

    values[count++] = dur_null();
    values[count++] = dur_integer(INT64_MIN);
    values[count++] = dur_integer(INT64_MAX);
    values[count++] = dur_unsigned(UINT64_MAX);
    values[count++] = dur_unsigned(12); /* an integer like any other */
    values[count++] = dur_real(-0.0);
    values[count++] = dur_real(1.0);
    values[count++] = dur_text("text");
    values[count++] = dur_text("");
    values[count++] = dur_text_n(bytes, 4);
    values[count++] = dur_text_n(NULL, 0);
    values[count++] = dur_blob(bytes, 4);
    values[count++] = dur_blob(bytes, 0);
    values[count++] = dur_blob(NULL, 0);
    values[count++] = dur_object(bytes, 4);
    values[count++] = dur_object(NULL, 0);
    return count;
}

static void assert_value(const dur_value *expected, const dur_value *actual)
{
    assert_int_equal(expected->type, actual->type);
    assert_int_equal(expected->length, actual->length);
    if (expected->type >= DUR_TEXT) {
        if (expected->length)
            assert_memory_equal(expected->as.bytes, actual->as.bytes, expected->length);
    } else if (expected->type != DUR_NULL) {
        assert_int_equal(expected->as.integer, actual->as.integer); /* the bits, of a real too */
    }
}

static void value_steps(dur_run *run, void *user)
{
    int *bodies = user;
    dur_value values[16];
    size_t count = make_values(values);

    for (size_t i = 0; i < count; i++) {
        dur_value value = dur_integer(-1);

        DUR_STEP(run, "value", value) {
            assert_int_equal(DUR_NULL, value.type);
            ++*bodies;
            value = values[i];
        }
        assert_value(&values[i], &value);
    }
}

/* Replayed text is followed by a NUL that its length does not count. */
static void replayed_text_ends_with_nul(dur_run *run, void *user)
{
    dur_value values[16];
    size_t count = make_values(values);

    (void)user;
    for (size_t i = 0; i < count; i++) {
        dur_value value;

        DUR_STEP(run, "value", value) { fail(); }
        assert_value(&values[i], &value);
        if (value.type == DUR_TEXT)
            assert_int_equal('\0', ((const char *)value.as.bytes)[value.length]);
    }
}

static void values_of_every_type(void **state)
{
    int bodies = 0;

    make_pass(*state, value_steps, &bodies, DUR_OK);
    make_pass(*state, value_steps, &bodies, DUR_OK);
    make_pass(*state, replayed_text_ends_with_nul, &bodies, DUR_OK);
    assert_int_equal(16, bodies);
}

/* What a client reads: SQLite's own types, and text as text. */
static void a_log_reads_well(void **state)
{
    test_host *host = *state;
    int bodies = 0;

    make_pass(host, value_steps, &bodies, DUR_OK);
    assert_same(host_rows(host->db, "SELECT typeof(value) FROM durable_steps ORDER BY step "
                                    "LIMIT 9"),
                sqlite3_mprintf("row 'null'\nrow 'integer'\nrow 'integer'\nrow 'integer'\n"
                                "row 'integer'\nrow 'real'\nrow 'real'\nrow 'text'\n"
                                "row 'text'\n."));
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps "
                                              "WHERE value = 'text' AND name = 'value'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WAL(integers_of_every_width),
        IN_WAL(floating_point_bit_for_bit),
        IN_WAL(text_of_every_kind),
        IN_WAL(text_of_every_kind_in_utf16),
        IN_WAL(char_arrays_with_and_without_a_nul),
        IN_WAL(objects_and_arrays),
        IN_WAL(values_of_every_type),
        IN_WAL(a_log_reads_well),
    };

    return cmocka_run_group_tests_name("step values", tests, NULL, NULL);
}
