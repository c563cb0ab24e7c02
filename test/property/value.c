/* test/property: values of all types, made from a seed. */
#include "play.h"

#include <math.h>
#include <stdio.h>

typedef struct thing {
    int64_t number;
    uint32_t half, other_half;
} thing;

static dur_value make_real(uint64_t seed)
{
    static const double strange[] = {0.0, -0.0, 1e308, 5e-324};

    if (seed % 7 == 0) return dur_real((double)NAN);
    if (seed % 7 == 1) return dur_real(-(double)INFINITY);
    if (seed % 7 == 2) return dur_real(strange[seed / 7 % 4]);
    return dur_real((double)(int64_t)seed / 3.0);
}

static dur_value make_text(uint64_t seed, char text[400], size_t most)
{
    size_t length = seed % 11 == 0 ? most : (size_t)(seed % 11) - 1;

    if (length > most) length = most;
    memset(text, 'a' + (int)(seed % 26), length);
    text[length] = '\0';
    return dur_text_n(text, length);
}

static dur_value make_any(uint64_t seed, char text[400])
{
    switch (seed / 64 % 7) {
    case 0: return dur_null();
    case 1: return dur_integer((int64_t)seed);
    case 2: return dur_unsigned(seed);
    case 3: return make_real(seed);
    case 4: return make_text(seed, text, 390);
    case 5: memcpy(text, "a\0\xff", 4); return dur_text_n(text, 3 + (size_t)(seed & 1));
    default: memcpy(text, &seed, sizeof seed); return dur_blob(text, (size_t)(seed % 9));
    }
}

static dur_value make_object(uint64_t seed, char text[400])
{
    thing one = {(int64_t)seed, (uint32_t)seed, 7};

    memcpy(text, &one, sizeof one);
    return dur_object(text, sizeof one);
}

dur_value value_make(step_form form, uint64_t seed, char text[400])
{
    switch (form) {
    case FORM_VOID: return dur_null();
    case FORM_INT: return dur_integer((int32_t)seed);
    case FORM_BOOL: return dur_integer((int64_t)(seed & 1));
    case FORM_REAL: return make_real(seed);
    case FORM_TEXT: return make_text(seed, text, 300);
    case FORM_CHARS: return make_text(seed, text, 20);
    case FORM_OBJECT: return make_object(seed, text);
    default: return make_any(seed, text);
    }
}

static bool has_bytes(dur_value value)
{
    return value.type == DUR_TEXT || value.type == DUR_BLOB || value.type == DUR_OBJECT;
}

bool value_equals(dur_value one, dur_value other)
{
    if (one.type != other.type) return false;
    if (one.type == DUR_NULL) return true;
    if (!has_bytes(one)) return memcmp(&one.as, &other.as, sizeof one.as.integer) == 0;
    return one.length == other.length &&
           (one.length == 0 || memcmp(one.as.bytes, other.as.bytes, one.length) == 0);
}

uint64_t value_fold(uint64_t hash, dur_value value)
{
    int type = (int)value.type;

    hash = chance_mix(hash, &type, sizeof type);
    if (value.type == DUR_NULL) return hash;
    if (has_bytes(value)) return chance_mix(hash, value.as.bytes, value.length);
    return chance_mix(hash, &value.as.integer, sizeof value.as.integer);
}

void player_fold(player *it, dur_value value)
{
    it->hash = value_fold(it->hash, value);
}
