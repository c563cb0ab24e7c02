/* test/api: what the tests of misuse share: refused, with a message that helps, nothing lost. */
#ifndef TEST_API_REFUSED_H
#define TEST_API_REFUSED_H

#include "api/script.h"

#include <stdlib.h>

static inline char *repeat(char c, size_t count)
{
    char *text = malloc(count + 1);

    assert_non_null(text);
    memset(text, c, count);
    text[count] = '\0';
    return text;
}

static inline int complete(dur_run *run, void *user)
{
    (void)run;
    if (user) ++*(int *)user;
    return 0;
}

static inline int answer(dur_step *step, void *user)
{
    (void)user;
    return dur_record_result(step, dur_null());
}

static inline dur_run *begin_open(dur_log *log)
{
    dur_run *run = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "orders", "order-7", NULL, &run), log);
    return run;
}

static inline dur_step *begin(dur_run *run, const char *name)
{
    dur_step *step = NULL;

    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, name, NULL, &step));
    return step;
}

/* A message for people: one line, not empty, and well-formed whatever was handed in. */
static inline void assert_message(const char *message, const char *part)
{
    assert_non_null(message);
    assert_int_not_equal('\0', message[0]);
    for (const char *c = message; *c; c++)
        assert_false(((unsigned char)*c < 0x20) || *c == 0x7f);
    assert_has(message, part);
}

#define assert_refused(expected, call, log, part)                                                  \
    do {                                                                                           \
        char *before = host_log_rows(host->db, "main");                                            \
        assert_code(expected, call, log);                                                          \
        assert_message(dur_errmsg(log), part);                                                     \
        assert_same(before, host_log_rows(host->db, "main"));                                      \
    } while (0)

#endif
