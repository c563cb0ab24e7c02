/* base: errors, and the one table of codes with their texts. */
#include "base/error.h"

#include <sqlite3.h>

/* Step back over a UTF-8 sequence that the end of the buffer has cut in two. */
static void cut_at_character(char *text, size_t length)
{
    size_t start = length;

    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0u) == 0x80u) start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0xC0u) text[start - 1] = '\0';
}

/* A message is one line, whatever a name or SQLite's own text brings in. */
static void keep_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20u || *text == 0x7f) *text = ' ';
}

static void format_message(char *message, const char *format, va_list arguments)
{
    size_t length;

    sqlite3_vsnprintf(DURABLE_MESSAGE_SIZE, message, format, arguments);
    length = strlen(message);
    if (length == DURABLE_MESSAGE_SIZE - 1) cut_at_character(message, length);
    keep_one_line(message);
}

DURABLE_INTERNAL int durable_error_set(durable_error *error, int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    format_message(error->message, format, arguments);
    va_end(arguments);
    error->code = code;
    error->sqlite_code = 0;
    return code;
}

DURABLE_INTERNAL void durable_error_clear(durable_error *error)
{
    error->code = DUR_OK;
    error->sqlite_code = 0;
    error->message[0] = '\0';
}

DURABLE_INTERNAL void durable_error_copy(durable_error *to, const durable_error *from)
{
    to->code = from->code;
    to->sqlite_code = from->sqlite_code;
    memcpy(to->message, from->message, strlen(from->message) + 1);
}

DURABLE_INTERNAL void durable_error_append(durable_error *error, const char *format, ...)
{
    size_t used = strlen(error->message);
    va_list arguments;

    va_start(arguments, format);
    sqlite3_vsnprintf((int)(DURABLE_MESSAGE_SIZE - used), error->message + used, format, arguments);
    va_end(arguments);
    used += strlen(error->message + used);
    if (used == DURABLE_MESSAGE_SIZE - 1) cut_at_character(error->message, used);
    keep_one_line(error->message);
}

DURABLE_INTERNAL void durable_error_prefix(durable_error *error, const char *format, ...)
{
    char rest[DURABLE_MESSAGE_SIZE];
    va_list arguments;

    memcpy(rest, error->message, strlen(error->message) + 1);
    va_start(arguments, format);
    format_message(error->message, format, arguments);
    va_end(arguments);
    durable_error_append(error, "%s", rest);
}

DUR_API const char *dur_code_text(int code)
{
    switch (code) {
#define TEXT_OF_CODE(name, number, text)                                                           \
    case name: return text;
        DUR_CODE_MAP(TEXT_OF_CODE)
#undef TEXT_OF_CODE
    default: return "unknown code";
    }
}

DUR_API const char *dur_code_name(int code)
{
    switch (code) {
#define NAME_OF_CODE(name, number, text)                                                           \
    case name: return #name;
        DUR_CODE_MAP(NAME_OF_CODE)
#undef NAME_OF_CODE
    default: return "unknown code";
    }
}

DUR_API const char *dur_version(void)
{
    return DUR_VERSION;
}
