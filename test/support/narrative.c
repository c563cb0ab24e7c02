/* test/support: a narrative, the lines of what happened, which tests compare exactly. */
#include "support/narrative.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void make_room(narrative *story, size_t more)
{
    if (story->length + more + 1 <= story->room)
        return;
    story->room = 2 * (story->length + more + 1);
    story->text = realloc(story->text, story->room);
    if (!story->text)
        abort();
}

void narrative_init(narrative *story)
{
    memset(story, 0, sizeof *story);
    make_room(story, 0);
    narrative_clear(story);
}

void narrative_free(narrative *story)
{
    free(story->text);
    memset(story, 0, sizeof *story);
}

void narrative_clear(narrative *story)
{
    story->length = 0;
    story->text[0] = '\0';
}

void narrative_add(narrative *story, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        abort();
    make_room(story, (size_t)length);
    va_start(arguments, format);
    vsnprintf(story->text + story->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    story->length += (size_t)length;
}
