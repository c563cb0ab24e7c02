/* test/support: a narrative, the lines of what happened, which tests compare exactly. */
#ifndef NARRATIVE_H
#define NARRATIVE_H

#include "durable.h"

typedef struct narrative {
    char *text; /* every line ends with a newline; "" when nothing was told */
    size_t length;
    size_t room;
} narrative;

void narrative_init(narrative *story);
void narrative_free(narrative *story);

/* Forget what was told so far. */
void narrative_clear(narrative *story);

/* Add words to the last line; the words bring their own newline. */
void narrative_add(narrative *story, const char *format, ...) DUR_PRINTF_(2, 3);

#endif
