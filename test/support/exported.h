/* test/support: logs as text, on their way out and in. */
#ifndef TEST_SUPPORT_EXPORTED_H
#define TEST_SUPPORT_EXPORTED_H

#include "durable.h"

/* A run, or the whole log (NULL), as text; free() it. Failures are failures of the test. */
char *exported_text(dur_log *log, const char *run_id);

/* What exporting comes to, and what was written until then (may be NULL, else free() it). */
int exported_code(dur_log *log, const char *run_id, const dur_export_options *options,
                  char **text);

/* A dur_write_fn; its user is an exported_buffer, zeroed to begin with. */
typedef struct exported_buffer {
    char *text; /* with a NUL behind it */
    size_t length, size;
    size_t most_lines; /* 0: as many as come */
    size_t lines;
} exported_buffer;

int exported_write(const char *line, size_t length, void *user);

/* Import what another one exported, with the length that it has. */
int exported_import(dur_log *log, const char *text);

/* A log in memory that holds what `text` says, to be closed; a failure is one of the test. */
dur_log *exported_open(const char *text, const dur_options *options);

/* `text` with the first `from` in it replaced; free() it. A text without it is a failure. */
char *exported_replace(const char *text, const char *from, const char *to);

#endif
