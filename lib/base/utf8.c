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

DURABLE_INTERNAL bool durable_name_valid(const char *name, size_t *length)
{
    size_t count = 0;

    *length = 0;
    if (!name) return false;
    for (; name[count]; count++)
        if (count == DUR_NAME_MAX || (unsigned char)name[count] < 0x20u || name[count] == 0x7f)
            return false;
    *length = count;
    return count > 0 && durable_utf8_valid(name, count);
}
