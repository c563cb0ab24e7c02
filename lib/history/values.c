/* history: values as text, exact to the bit whatever machine wrote them. */
#include "history/format.h"

#include "base/text.h"

/* The names of objects' machines, by format - DURABLE_FORMAT_OBJECT. */
static const char *const machines[] = {"little32", "big32", "little64", "big64"};

#define SIGN (UINT64_C(1) << 63)
#define MANTISSA_BITS 52
#define MANTISSA ((UINT64_C(1) << MANTISSA_BITS) - 1)
#define EXPONENT_MOST 0x7FF
#define EXPONENT_BIAS 1023

/* ---- Doubles ------------------------------------------------------------------------------- */

static bool is_nan(uint64_t bits)
{
    return (bits & ~SIGN) > (uint64_t)EXPONENT_MOST << MANTISSA_BITS;
}

/* The mantissa behind the point, without zeros at its end. */
static void print_mantissa(char digits[16], uint64_t mantissa)
{
    size_t length;

    durable_print(digits, 16, ".%013llx", (unsigned long long)mantissa);
    length = strlen(digits);
    while (digits[length - 1] == '0') length--;
    digits[length == 1 ? 0 : length] = '\0';
}

DURABLE_INTERNAL void durable_real_print(char text[DURABLE_REAL_SIZE], uint64_t bits)
{
    uint64_t mantissa = bits & MANTISSA;
    const char *sign = bits & SIGN ? "-" : "";
    int exponent = (int)(bits >> MANTISSA_BITS & EXPONENT_MOST);
    char digits[16];

    if (is_nan(bits)) {
        durable_print(text, DURABLE_REAL_SIZE, "nan:%016llx", (unsigned long long)bits);
    } else if (exponent == EXPONENT_MOST) {
        durable_print(text, DURABLE_REAL_SIZE, "%sinfinity", sign);
    } else {
        int power = exponent ? exponent - EXPONENT_BIAS : mantissa ? 1 - EXPONENT_BIAS : 0;

        print_mantissa(digits, mantissa);
        durable_print(text, DURABLE_REAL_SIZE, "%s0x%d%sp%s%d", sign, exponent != 0, digits,
                      power < 0 ? "" : "+", power);
    }
}

DURABLE_INTERNAL size_t durable_hex_number(const char *text, size_t most, uint64_t *number)
{
    size_t count = 0;

    *number = 0;
    for (; count < most; count++) {
        char digit = text[count];

        if (digit >= '0' && digit <= '9')
            *number = *number << 4 | (uint64_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            *number = *number << 4 | (uint64_t)(digit - 'a' + 10);
        else
            break;
    }
    return count;
}

/* "p-1022" and the like; anything else gives some number, which does not print as it. */
static int parse_power(const char *text)
{
    bool negative = text[0] == 'p' && text[1] == '-';
    int power = 0;

    for (size_t i = 2; i < 6 && text[0] && text[1] && text[i] >= '0' && text[i] <= '9'; i++)
        power = power * 10 + (text[i] - '0');
    return negative ? -power : power;
}

/* What text that begins "0x" may stand for. */
static uint64_t guess_bits(const char *text)
{
    bool normal = text[2] == '1';
    uint64_t mantissa = 0;
    size_t at = 2, digits;
    int exponent;

    if (text[at]) at++;
    if (text[at] == '.') {
        digits = durable_hex_number(text + at + 1, MANTISSA_BITS / 4, &mantissa);
        mantissa <<= MANTISSA_BITS - 4 * digits;
        at += 1 + digits;
    }
    exponent = normal ? parse_power(text + at) + EXPONENT_BIAS : 0;
    if (exponent < 0 || exponent >= EXPONENT_MOST) return 0;
    return (uint64_t)exponent << MANTISSA_BITS | mantissa;
}

/* Guess boldly, and see whether it prints as the same text: so there is but one text for each. */
DURABLE_INTERNAL bool durable_real_parse(const char *text, uint64_t *bits)
{
    char again[DURABLE_REAL_SIZE];
    bool negative = text[0] == '-';
    const char *rest = text + negative;

    *bits = 0;
    if (strncmp(rest, "nan:", 4) == 0)
        durable_hex_number(rest + 4, 16, bits);
    else if (strcmp(rest, "infinity") == 0)
        *bits = (uint64_t)EXPONENT_MOST << MANTISSA_BITS;
    else if (strncmp(rest, "0x", 2) == 0)
        *bits = guess_bits(rest);
    if (negative) *bits |= SIGN;
    durable_real_print(again, *bits);
    return strcmp(again, text) == 0;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static void add_member(durable_line *line, const char *name, const char *text)
{
    durable_line_add_string(line, "{\"");
    durable_line_add_string(line, name);
    durable_line_add_string(line, "\":\"");
    durable_line_add_string(line, text);
    durable_line_add_string(line, "\"}");
}

static void add_bytes(durable_line *line, const char *name, const void *bytes, size_t length)
{
    durable_line_add_string(line, "{\"");
    durable_line_add_string(line, name);
    durable_line_add_string(line, "\":\"");
    durable_line_add_hex(line, bytes, length);
    durable_line_add_string(line, "\"}");
}

DURABLE_INTERNAL void durable_line_add_text(durable_line *line, const char *text, size_t length)
{
    if (durable_utf8_valid(text, length))
        durable_line_add_quoted(line, text, length);
    else
        add_bytes(line, "text", text, length);
}

static const char *blob_name(int format)
{
    if (format == DURABLE_FORMAT_PLAIN) return "blob";
    if (format == DURABLE_FORMAT_TEXT) return "text";
    if (format < DURABLE_FORMAT_OBJECT || format > DURABLE_FORMAT_OBJECT + 3) return NULL;
    return machines[format - DURABLE_FORMAT_OBJECT];
}

DURABLE_INTERNAL bool durable_datum_fits(const durable_datum *datum)
{
    bool plain = datum->format == DURABLE_FORMAT_PLAIN;

    switch (datum->type) {
    case DURABLE_DATUM_NULL:
    case DURABLE_DATUM_TEXT: return plain;
    case DURABLE_DATUM_REAL: return plain && !durable_is_nan(datum->real);
    case DURABLE_DATUM_BLOB: return blob_name(datum->format) != NULL;
    case DURABLE_DATUM_INTEGER:
        return plain || (datum->format == DURABLE_FORMAT_UNSIGNED && datum->integer < 0) ||
               (datum->format == DURABLE_FORMAT_NAN && is_nan((uint64_t)datum->integer));
    default: return false;
    }
}

static void add_integer_datum(durable_line *line, const durable_datum *datum)
{
    char text[DURABLE_REAL_SIZE];

    if (datum->format == DURABLE_FORMAT_PLAIN) {
        durable_line_add_integer(line, datum->integer);
    } else if (datum->format == DURABLE_FORMAT_NAN) {
        durable_real_print(text, (uint64_t)datum->integer);
        add_member(line, "real", text);
    } else {
        durable_print(text, sizeof text, "%llu", (unsigned long long)datum->integer);
        add_member(line, "unsigned", text);
    }
}

static void add_real_datum(durable_line *line, double real)
{
    char text[DURABLE_REAL_SIZE];
    uint64_t bits;

    memcpy(&bits, &real, sizeof bits);
    durable_real_print(text, bits);
    add_member(line, "real", text);
}

DURABLE_INTERNAL void durable_line_add_datum(durable_line *line, const durable_datum *datum)
{
    switch (datum->type) {
    case DURABLE_DATUM_INTEGER: add_integer_datum(line, datum); break;
    case DURABLE_DATUM_REAL: add_real_datum(line, datum->real); break;
    case DURABLE_DATUM_TEXT: durable_line_add_text(line, datum->bytes, datum->length); break;
    case DURABLE_DATUM_BLOB:
        add_bytes(line, blob_name(datum->format), datum->bytes, datum->length);
        break;
    default: durable_line_add_string(line, "null"); break;
    }
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* A NaN that is to keep its bits does not pass through a double: some machines quieten it. */
static int read_real(const char *text, durable_datum *datum, const char **expected)
{
    uint64_t bits;

    *expected = "a double such as \"0x1.8p+1\", \"infinity\" or \"nan:7ff8000000000000\"";
    if (!durable_real_parse(text, &bits)) return DUR_INVALID;
    datum->type = is_nan(bits) ? DURABLE_DATUM_INTEGER : DURABLE_DATUM_REAL;
    if (!is_nan(bits)) {
        memcpy(&datum->real, &bits, sizeof bits);
        return DUR_OK;
    }
    memcpy(&datum->integer, &bits, sizeof bits);
    datum->format = DURABLE_FORMAT_NAN;
    return DUR_OK;
}

static int read_unsigned(const char *text, size_t length, durable_datum *datum,
                         const char **expected)
{
    uint64_t number = 0;

    *expected = "a number from 9223372036854775808 to 18446744073709551615";
    if (length > 20) return DUR_INVALID;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)text[i] - '0';

        if (digit > 9 || number > (UINT64_MAX - digit) / 10) return DUR_INVALID;
        number = number * 10 + digit;
    }
    if (number <= (uint64_t)INT64_MAX) return DUR_INVALID;
    return durable_value_encode(dur_unsigned(number), datum);
}

static int read_bytes(const char *text, size_t length, durable_arena *arena, durable_datum *datum,
                      const char **expected)
{
    char *bytes = durable_arena_copy(arena, text, length / 2);

    *expected = "bytes as pairs of hex digits in lower case";
    if (!bytes) return DUR_NOMEM;
    if (length % 2) return DUR_INVALID;
    for (size_t i = 0; i < length / 2; i++) {
        uint64_t byte;

        if (durable_hex_number(text + 2 * i, 2, &byte) != 2) return DUR_INVALID;
        bytes[i] = (char)byte;
    }
    datum->type = DURABLE_DATUM_BLOB;
    datum->bytes = bytes;
    datum->length = length / 2;
    return DUR_OK;
}

/* The format of the bytes; -1: it is no such name. */
static int format_of(const char *name)
{
    if (strcmp(name, "blob") == 0) return DURABLE_FORMAT_PLAIN;
    if (strcmp(name, "text") == 0) return DURABLE_FORMAT_TEXT;
    for (int i = 0; i < 4; i++)
        if (strcmp(name, machines[i]) == 0) return DURABLE_FORMAT_OBJECT + i;
    return -1;
}

DURABLE_INTERNAL int durable_datum_of_member(const char *name, const char *text, size_t length,
                                             durable_arena *arena, durable_datum *datum,
                                             const char **expected)
{
    int format = format_of(name);

    memset(datum, 0, sizeof *datum);
    if (strcmp(name, "real") == 0) return read_real(text, datum, expected);
    if (strcmp(name, "unsigned") == 0) return read_unsigned(text, length, datum, expected);
    *expected = "a value: null, an integer, a text, or an object with one member of those that the "
                "format knows";
    if (format < 0) return DUR_INVALID;
    datum->format = format;
    return read_bytes(text, length, arena, datum, expected);
}
