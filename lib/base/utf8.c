/* base: which bytes are text, and which text may be a name. */
#include "base/value.h"

/* ASCII without NUL, eight bytes at a time: most text is nothing else. The test for a zero byte in
 * a word is the well-known one of Alan Mycroft (1987). */
static size_t skip_ascii(const unsigned char *bytes, size_t length)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    size_t at = 0;

    for (; at + 8 <= length; at += 8) {
        uint64_t word;

        memcpy(&word, bytes + at, sizeof word);
        if ((word & tops) || ((word - ones) & ~word & tops)) break;
    }
    while (at < length && bytes[at] != 0 && bytes[at] < 0x80u) at++;
    return at;
}

/* The number of bytes of the well-formed sequence that begins here; 0: not well-formed. The ranges
 * are those of table 3-7 of the Unicode Standard. */
static size_t sequence_length(const unsigned char *bytes, size_t length)
{
    unsigned char lead = bytes[0];
    unsigned char low = 0x80, high = 0xBF;
    size_t count = lead >= 0xF0u ? 4 : lead >= 0xE0u ? 3 : 2;

    if (lead < 0xC2u || lead > 0xF4u || length < count) return 0;
    if (lead == 0xE0u) low = 0xA0;
    if (lead == 0xEDu) high = 0x9F; /* surrogates */
    if (lead == 0xF0u) low = 0x90;
    if (lead == 0xF4u) high = 0x8F;
    if (bytes[1] < low || bytes[1] > high) return 0;
    for (size_t i = 2; i < count; i++)
        if ((bytes[i] & 0xC0u) != 0x80u) return 0;
    if (lead == 0xEFu && bytes[1] == 0xBFu && bytes[2] >= 0xBEu) return 0; /* U+FFFE, U+FFFF */
    return count;
}

DURABLE_INTERNAL bool durable_utf8_valid(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = skip_ascii(bytes, length);

    while (at < length) {
        size_t count = sequence_length(bytes + at, length - at);

        if (count == 0) return false;
        at += count;
        at += skip_ascii(bytes + at, length - at);
    }
    return true;
}

/* Whether one of eight bytes is below 0x20, or 0x7f, or not ASCII. The first two by Mycroft's test
 * again: less than n is what borrows when n is taken away. */
static bool needs_a_closer_look(const char *eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    uint64_t word, deletes;

    memcpy(&word, eight, sizeof word);
    deletes = word ^ (ones * 0x7F);
    return (word & tops) || ((word - ones * 0x20) & tops) || ((deletes - ones) & ~deletes & tops);
}

/* Eight bytes at a time, the last eight where they overlap: names are asked for at each step. */
static bool is_plain(const char *name, size_t length)
{
    if (length < 8) return false;
    for (size_t at = 0; at + 8 < length; at += 8)
        if (needs_a_closer_look(name + at)) return false;
    return !needs_a_closer_look(name + length - 8);
}

static bool has_control(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20u || name[i] == 0x7f) return true;
    return false;
}

DURABLE_INTERNAL bool durable_name_valid(const char *name, size_t length)
{
    if (length == 0 || length > DUR_NAME_MAX) return false;
    if (is_plain(name, length)) return true;
    return !has_control(name, length) && durable_utf8_valid(name, length);
}
