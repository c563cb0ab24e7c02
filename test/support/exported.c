/* test/support: logs as text, on their way out and in. */
#include "support/exported.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

int exported_write(const char *line, size_t length, void *user)
{
    exported_buffer *buffer = user;

    if (buffer->most_lines && buffer->lines == buffer->most_lines) return 1;
    if (buffer->size - buffer->length < length + 1) {
        buffer->size = 2 * (buffer->size + length + 1);
        buffer->text = realloc(buffer->text, buffer->size);
        if (!buffer->text) abort();
    }
    memcpy(buffer->text + buffer->length, line, length);
    buffer->length += length;
    buffer->text[buffer->length] = '\0';
    buffer->lines++;
    return 0;
}

int exported_code(dur_log *log, const char *run_id, const dur_export_options *options,
                  char **text)
{
    exported_buffer buffer = {0};
    int code = dur_export(log, run_id, options, exported_write, &buffer);

    if (text) *text = buffer.text;
    else free(buffer.text);
    return code;
}

char *exported_text(dur_log *log, const char *run_id)
{
    char *text;
    int code = exported_code(log, run_id, NULL, &text);

    if (code != DUR_OK) fail_msg("%s: %s", dur_code_name(code), dur_errmsg(log));
    return text;
}

int exported_import(dur_log *log, const char *text)
{
    return dur_import(log, text, strlen(text));
}

dur_log *exported_open(const char *text, const dur_options *options)
{
    dur_log *log;

    assert_int_equal(dur_open_recording(NULL, options, &log), DUR_OK);
    if (exported_import(log, text) != DUR_OK) fail_msg("%s\n%s", dur_errmsg(log), text);
    return log;
}

char *exported_replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *changed;

    if (!at) fail_msg("no \"%s\" in\n%s", from, text);
    changed = malloc(strlen(text) + strlen(to) + 1);
    if (!at || !changed) abort();
    memcpy(changed, text, (size_t)(at - text));
    strcpy(changed + (at - text), to);
    strcat(changed, at + strlen(from));
    return changed;
}
