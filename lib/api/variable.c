/* api: between the variable of a DUR_STEP and a value. */
#include "api/variable.h"

#include "base/text.h"

#include <float.h>

/* ---- Numbers ------------------------------------------------------------------------------- */

/* Integers of a size are copied through the exact-width type of that size: `long` and `long long`
 * are two types with one representation. */
static int64_t read_signed(const void *variable, size_t size)
{
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;

    switch (size) {
    case 1: memcpy(&i8, variable, 1); return i8;
    case 2: memcpy(&i16, variable, 2); return i16;
    case 4: memcpy(&i32, variable, 4); return i32;
    default: memcpy(&i64, variable, 8); return i64;
    }
}

static uint64_t read_unsigned(const void *variable, size_t size)
{
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    switch (size) {
    case 1: memcpy(&u8, variable, 1); return u8;
    case 2: memcpy(&u16, variable, 2); return u16;
    case 4: memcpy(&u32, variable, 4); return u32;
    default: memcpy(&u64, variable, 8); return u64;
    }
}

static void write_bits(void *variable, size_t size, uint64_t bits)
{
    uint8_t u8 = (uint8_t)bits;
    uint16_t u16 = (uint16_t)bits;
    uint32_t u32 = (uint32_t)bits;

    switch (size) {
    case 1: memcpy(variable, &u8, 1); break;
    case 2: memcpy(variable, &u16, 2); break;
    case 4: memcpy(variable, &u32, 4); break;
    default: memcpy(variable, &bits, 8); break;
    }
}

static bool write_signed(void *variable, size_t size, dur_value value)
{
    int64_t integer = value.as.integer;

    if (value.type != DUR_INTEGER) return false;
    if (size < 8) {
        int64_t most = (INT64_C(1) << (size * 8 - 1)) - 1;

        if (integer > most || integer < -most - 1) return false;
    }
    write_bits(variable, size, (uint64_t)integer);
    return true;
}

static bool write_unsigned(void *variable, size_t size, dur_value value)
{
    uint64_t integer = value.as.unsigned_integer;

    if (value.type != DUR_INTEGER && value.type != DUR_UNSIGNED) return false;
    if (value.type == DUR_INTEGER && value.as.integer < 0) return false;
    if (size < 8 && integer >> (size * 8)) return false;
    write_bits(variable, size, integer);
    return true;
}

static bool write_bool(void *variable, dur_value value)
{
    bool truth = value.as.integer != 0;

    if (value.type != DUR_INTEGER || value.as.integer < 0 || value.as.integer > 1) return false;
    memcpy(variable, &truth, sizeof truth);
    return true;
}

/* A NaN's bits are moved by hand: the processor would make a signalling one quiet. A float has 23
 * bits of fraction, a double 52. */
#define FRACTION_DIFFERENCE 29
#define DOUBLE_NAN_BITS UINT64_C(0x7FF0000000000000)
#define FLOAT_NAN_BITS UINT32_C(0x7F800000)
#define FLOAT_FRACTION_BITS UINT32_C(0x007FFFFF)

static double widen(const void *variable)
{
    float narrow;
    double wide;
    uint32_t bits;
    uint64_t wide_bits;

    memcpy(&narrow, variable, sizeof narrow);
    if (!durable_is_nan((double)narrow)) return (double)narrow;
    memcpy(&bits, variable, sizeof bits);
    wide_bits = ((uint64_t)(bits >> 31) << 63) | DOUBLE_NAN_BITS |
                ((uint64_t)(bits & FLOAT_FRACTION_BITS) << FRACTION_DIFFERENCE);
    memcpy(&wide, &wide_bits, sizeof wide);
    return wide;
}

static bool narrow_nan(float *narrow, double wide)
{
    uint64_t wide_bits;
    uint32_t bits;

    memcpy(&wide_bits, &wide, sizeof wide_bits);
    bits = ((uint32_t)(wide_bits >> 63) << 31) | FLOAT_NAN_BITS |
           ((uint32_t)(wide_bits >> FRACTION_DIFFERENCE) & FLOAT_FRACTION_BITS);
    memcpy(narrow, &bits, sizeof bits);
    return (wide_bits & ((UINT64_C(1) << FRACTION_DIFFERENCE) - 1)) == 0;
}

/* Whether a float holds it exactly; the infinities it does. */
static bool is_float(double real)
{
    bool infinite = real > DBL_MAX || real < -DBL_MAX;

    if (!infinite && (real > (double)FLT_MAX || real < -(double)FLT_MAX)) return false;
    return !((double)(float)real < real) && !((double)(float)real > real);
}

static bool write_real(void *variable, size_t size, dur_value value)
{
    float narrow;

    if (value.type != DUR_REAL) return false;
    if (size == sizeof(double)) {
        memcpy(variable, &value.as.real, size);
        return true;
    }
    if (durable_is_nan(value.as.real)) {
        if (!narrow_nan(&narrow, value.as.real)) return false;
    } else {
        if (!is_float(value.as.real)) return false;
        narrow = (float)value.as.real;
    }
    memcpy(variable, &narrow, sizeof narrow);
    return true;
}

/* ---- Bytes --------------------------------------------------------------------------------- */

static size_t length_up_to(const char *text, size_t most)
{
    const char *end = memchr(text, '\0', most);

    return end ? (size_t)(end - text) : most;
}

static bool has_nul(dur_value value)
{
    return value.length > 0 && memchr(value.as.bytes, '\0', value.length) != NULL;
}

static bool write_text(void *variable, dur_value value)
{
    const char *text = value.as.bytes;

    if (value.type == DUR_NULL)
        text = NULL;
    else if (value.type != DUR_TEXT || has_nul(value))
        return false;
    memcpy(variable, &text, sizeof text);
    return true;
}

static bool write_chars(void *variable, size_t size, dur_value value)
{
    if (value.type != DUR_TEXT || value.length > size || has_nul(value)) return false;
    if (value.length) memcpy(variable, value.as.bytes, value.length);
    return true;
}

static bool write_object(void *variable, size_t size, dur_value value)
{
    if (value.type != DUR_OBJECT || value.length != size) return false;
    memcpy(variable, value.as.bytes, size);
    return true;
}

/* ---- The door ------------------------------------------------------------------------------ */

DURABLE_INTERNAL dur_value durable_variable_read(const void *variable, size_t size, int type)
{
    const char *text;
    double real;
    dur_value value;
    bool truth;

    switch (type) {
    case DUR_VAR_SIGNED_: return dur_integer(read_signed(variable, size));
    case DUR_VAR_UNSIGNED_: return dur_unsigned(read_unsigned(variable, size));
    case DUR_VAR_BOOL_: memcpy(&truth, variable, sizeof truth); return dur_integer(truth ? 1 : 0);
    case DUR_VAR_REAL_:
        if (size == sizeof(float)) return dur_real(widen(variable));
        memcpy(&real, variable, sizeof real);
        return dur_real(real);
    case DUR_VAR_TEXT_: memcpy(&text, variable, sizeof text); return dur_text(text);
    case DUR_VAR_CHARS_: return dur_text_n(variable, length_up_to(variable, size));
    case DUR_VAR_VALUE_: memcpy(&value, variable, sizeof value); return value;
    case DUR_VAR_OBJECT_: return dur_object(variable, size);
    default: return dur_null();
    }
}

DURABLE_INTERNAL void durable_variable_clear(void *variable, size_t size, int type)
{
    const char *text = "";

    if (type == DUR_VAR_TEXT_)
        memcpy(variable, &text, sizeof text);
    else if (size)
        memset(variable, 0, size);
}

DURABLE_INTERNAL bool durable_variable_write(void *variable, size_t size, int type, dur_value value)
{
    durable_variable_clear(variable, size, type);
    switch (type) {
    case DUR_VAR_SIGNED_: return write_signed(variable, size, value);
    case DUR_VAR_UNSIGNED_: return write_unsigned(variable, size, value);
    case DUR_VAR_BOOL_: return write_bool(variable, value);
    case DUR_VAR_REAL_: return write_real(variable, size, value);
    case DUR_VAR_TEXT_: return write_text(variable, value);
    case DUR_VAR_CHARS_: return write_chars(variable, size, value);
    case DUR_VAR_VALUE_: memcpy(variable, &value, sizeof value); return true;
    case DUR_VAR_OBJECT_: return write_object(variable, size, value);
    default: return value.type == DUR_NULL;
    }
}

DURABLE_INTERNAL void durable_variable_describe(char *text, size_t text_size, size_t size, int type)
{
    int bits = (int)size * 8;

    switch (type) {
    case DUR_VAR_SIGNED_: durable_print(text, text_size, "int%d_t", bits); break;
    case DUR_VAR_UNSIGNED_: durable_print(text, text_size, "uint%d_t", bits); break;
    case DUR_VAR_BOOL_: durable_print(text, text_size, "bool"); break;
    case DUR_VAR_REAL_: durable_print(text, text_size, size == 4 ? "float" : "double"); break;
    case DUR_VAR_TEXT_: durable_print(text, text_size, "const char *"); break;
    case DUR_VAR_CHARS_: durable_print(text, text_size, "char[%d]", (int)size); break;
    case DUR_VAR_VALUE_: durable_print(text, text_size, "dur_value"); break;
    case DUR_VAR_OBJECT_: durable_print(text, text_size, "object of %d bytes", (int)size); break;
    default: durable_print(text, text_size, "unknown"); break;
    }
}
