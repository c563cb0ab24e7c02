/* history: text that grows, and how JSON wants it escaped. */
#include "history/format.h"

static const char hex_digits[] = "0123456789abcdef";

/* Room for `more` bytes. */
static char *make_room(durable_line *line, size_t more)
{
    size_t size = line->size ? line->size : 256;
    char *bytes;

    if (line->failed) return NULL;
    if (line->size - line->length >= more) return line->bytes + line->length;
    if (more > SIZE_MAX / 4 - line->length) {
        line->failed = true;
        return NULL;
    }
    while (size - line->length < more) size *= 2;
    bytes = durable_allocate_raw(size);
    if (!bytes) {
        line->failed = true;
        return NULL;
    }
    if (line->length) memcpy(bytes, line->bytes, line->length);
    durable_free(line->bytes);
    line->bytes = bytes;
    line->size = size;
    return bytes + line->length;
}

DURABLE_INTERNAL void durable_line_add(durable_line *line, const char *bytes, size_t length)
{
    char *room = make_room(line, length);

    if (!room || length == 0) return;
    memcpy(room, bytes, length);
    line->length += length;
}

DURABLE_INTERNAL void durable_line_add_string(durable_line *line, const char *string)
{
    durable_line_add(line, string, strlen(string));
}

DURABLE_INTERNAL void durable_line_add_integer(durable_line *line, int64_t integer)
{
    char digits[24];
    char *at = digits + sizeof digits;
    uint64_t rest = integer < 0 ? UINT64_C(0) - (uint64_t)integer : (uint64_t)integer;

    do {
        *--at = hex_digits[rest % 10];
        rest /= 10;
    } while (rest);
    if (integer < 0) *--at = '-';
    durable_line_add(line, at, (size_t)(digits + sizeof digits - at));
}

DURABLE_INTERNAL void durable_line_add_hex(durable_line *line, const void *bytes, size_t length)
{
    const unsigned char *from = bytes;
    char *room = NULL;

    if (length == 0) return;
    if (length <= SIZE_MAX / 4) room = make_room(line, length * 2);
    if (!room) {
        line->failed = true;
        return;
    }
    for (size_t i = 0; i < length; i++) {
        *room++ = hex_digits[from[i] >> 4];
        *room++ = hex_digits[from[i] & 0x0F];
    }
    line->length += length * 2;
}

/* RFC 8259, section 7: quotation mark, reverse solidus, and the control characters. */
static void add_escaped(durable_line *line, unsigned char byte)
{
    static const char letters[] = "btnvfr"; /* from 8 on; JSON has no \v */
    char escape[6] = {'\\', 'u', '0', '0', hex_digits[byte >> 4], hex_digits[byte & 0x0F]};

    if (byte >= 0x20u)
        escape[1] = (char)byte;
    else if (byte >= 8 && byte <= 13 && byte != 11)
        escape[1] = letters[byte - 8];
    durable_line_add(line, escape, escape[1] == 'u' ? 6 : 2);
}

DURABLE_INTERNAL void durable_line_add_quoted(durable_line *line, const char *text, size_t length)
{
    size_t written = 0;

    durable_line_add(line, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte >= 0x20u && byte != '"' && byte != '\\') continue;
        durable_line_add(line, text + written, i - written);
        add_escaped(line, byte);
        written = i + 1;
    }
    durable_line_add(line, text + written, length - written);
    durable_line_add(line, "\"", 1);
}

DURABLE_INTERNAL void durable_line_free(durable_line *line)
{
    durable_free(line->bytes);
    memset(line, 0, sizeof *line);
}
