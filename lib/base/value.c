/* base: public values and the form in which a store keeps them. */
#include "base/value.h"

static bool is_machine_big_endian(void)
{
    const uint16_t probe = 1;
    unsigned char first;

    memcpy(&first, &probe, 1);
    return first == 0;
}

DURABLE_INTERNAL bool durable_is_nan(double real)
{
    const uint64_t infinity = UINT64_C(0x7FF0000000000000);
    uint64_t bits;

    memcpy(&bits, &real, sizeof bits);
    return (bits & ~(UINT64_C(1) << 63)) > infinity;
}

static int object_format(void)
{
    return DURABLE_FORMAT_OBJECT + (is_machine_big_endian() ? 1 : 0) +
           (sizeof(void *) == 8 ? 2 : 0);
}

static void encode_integer(int64_t integer, int format, durable_datum *datum)
{
    datum->type = DURABLE_DATUM_INTEGER;
    datum->integer = integer;
    datum->format = format;
}

static void encode_real(double real, durable_datum *datum)
{
    if (durable_is_nan(real)) { /* SQLite would make a NULL of it */
        int64_t bits;

        memcpy(&bits, &real, sizeof bits);
        encode_integer(bits, DURABLE_FORMAT_NAN, datum);
        return;
    }
    datum->type = DURABLE_DATUM_REAL;
    datum->real = real;
}

static void encode_unsigned(uint64_t integer, durable_datum *datum)
{
    int64_t bits;

    memcpy(&bits, &integer, sizeof bits);
    encode_integer(bits, bits < 0 ? DURABLE_FORMAT_UNSIGNED : DURABLE_FORMAT_PLAIN, datum);
}

static int encode_bytes(dur_value value, durable_datum *datum)
{
    if (!value.as.bytes && value.length) return DUR_MISUSE;
    datum->bytes = value.as.bytes ? value.as.bytes : "";
    datum->length = value.length;
    datum->type = DURABLE_DATUM_BLOB;
    if (value.type == DUR_OBJECT) {
        datum->format = object_format();
    } else if (value.type == DUR_TEXT) {
        if (durable_utf8_valid(datum->bytes, datum->length))
            datum->type = DURABLE_DATUM_TEXT;
        else
            datum->format = DURABLE_FORMAT_TEXT;
    }
    return DUR_OK;
}

DURABLE_INTERNAL int durable_value_encode(dur_value value, durable_datum *datum)
{
    memset(datum, 0, sizeof *datum);
    switch (value.type) {
    case DUR_NULL: return DUR_OK;
    case DUR_INTEGER: encode_integer(value.as.integer, DURABLE_FORMAT_PLAIN, datum); return DUR_OK;
    case DUR_UNSIGNED: encode_unsigned(value.as.unsigned_integer, datum); return DUR_OK;
    case DUR_REAL: encode_real(value.as.real, datum); return DUR_OK;
    case DUR_TEXT:
    case DUR_BLOB:
    case DUR_OBJECT: return encode_bytes(value, datum);
    default: return DUR_MISUSE;
    }
}

static int decode_plain(const durable_datum *datum, dur_value *value)
{
    switch (datum->type) {
    case DURABLE_DATUM_NULL: *value = dur_null(); return DUR_OK;
    case DURABLE_DATUM_INTEGER: *value = dur_integer(datum->integer); return DUR_OK;
    case DURABLE_DATUM_REAL: *value = dur_real(datum->real); return DUR_OK;
    case DURABLE_DATUM_TEXT: *value = dur_text_n(datum->bytes, datum->length); return DUR_OK;
    case DURABLE_DATUM_BLOB: *value = dur_blob(datum->bytes, datum->length); return DUR_OK;
    default: return DUR_CORRUPT;
    }
}

static int decode_nan(const durable_datum *datum, dur_value *value)
{
    double real;

    memcpy(&real, &datum->integer, sizeof real);
    if (datum->type != DURABLE_DATUM_INTEGER || !durable_is_nan(real)) return DUR_CORRUPT;
    *value = dur_real(real);
    return DUR_OK;
}

static int decode_unsigned(const durable_datum *datum, dur_value *value)
{
    uint64_t integer;

    memcpy(&integer, &datum->integer, sizeof integer);
    if (datum->type != DURABLE_DATUM_INTEGER || datum->integer >= 0) return DUR_CORRUPT;
    *value = dur_unsigned(integer);
    return DUR_OK;
}

DURABLE_INTERNAL int durable_value_decode(const durable_datum *datum, dur_value *value)
{
    *value = dur_null();
    switch (datum->format) {
    case DURABLE_FORMAT_PLAIN: return decode_plain(datum, value);
    case DURABLE_FORMAT_NAN: return decode_nan(datum, value);
    case DURABLE_FORMAT_UNSIGNED: return decode_unsigned(datum, value);
    case DURABLE_FORMAT_TEXT:
        if (datum->type != DURABLE_DATUM_BLOB) return DUR_CORRUPT;
        *value = dur_text_n(datum->bytes, datum->length);
        return DUR_OK;
    default: break;
    }
    if (datum->format < DURABLE_FORMAT_OBJECT || datum->format > DURABLE_FORMAT_OBJECT + 3 ||
        datum->type != DURABLE_DATUM_BLOB)
        return DUR_CORRUPT;
    if (datum->format != object_format()) return DUR_MISMATCH;
    *value = dur_object(datum->bytes, datum->length);
    return DUR_OK;
}

DURABLE_INTERNAL bool durable_datum_equal(const durable_datum *a, const durable_datum *b)
{
    if (a->type != b->type || a->format != b->format) return false;
    switch (a->type) {
    case DURABLE_DATUM_NULL: return true;
    case DURABLE_DATUM_INTEGER: return a->integer == b->integer;
    case DURABLE_DATUM_REAL: return memcmp(&a->real, &b->real, sizeof a->real) == 0;
    default:
        return a->length == b->length &&
               (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
    }
}

DURABLE_INTERNAL const char *durable_type_name(dur_type type)
{
    switch (type) {
    case DUR_NULL: return "null";
    case DUR_INTEGER: return "integer";
    case DUR_UNSIGNED: return "unsigned integer";
    case DUR_REAL: return "real";
    case DUR_TEXT: return "text";
    case DUR_BLOB: return "blob";
    case DUR_OBJECT: return "object";
    }
    return "unknown type";
}
