/* base: text put together with SQLite's own printf. */
#include "base/text.h"

#include <sqlite3.h>

DURABLE_INTERNAL void durable_print_list(char *buffer, size_t size, const char *format,
                                         va_list arguments)
{
    sqlite3_vsnprintf((int)size, buffer, format, arguments);
}

DURABLE_INTERNAL void durable_print(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    durable_print_list(buffer, size, format, arguments);
    va_end(arguments);
}

DURABLE_INTERNAL durable_text *durable_text_new(void)
{
    return (durable_text *)sqlite3_str_new(NULL);
}

DURABLE_INTERNAL void durable_text_add(durable_text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    sqlite3_str_vappendf((sqlite3_str *)text, format, arguments);
    va_end(arguments);
}

DURABLE_INTERNAL char *durable_text_finish(durable_text *text)
{
    return sqlite3_str_finish((sqlite3_str *)text);
}
