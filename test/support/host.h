/* test/support: the host's side of a test: its database in each journal mode, and a picture of all
 * that the library has to leave as it was. */
#ifndef TEST_SUPPORT_HOST_H
#define TEST_SUPPORT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "durable.h"
#include "support/fake_clock.h"

typedef enum host_journal { HOST_MEMORY = 0, HOST_ROLLBACK = 1, HOST_WAL = 2 } host_journal;

typedef struct test_host {
    host_journal journal;
    char directory[160]; /* "" while closed */
    char path[200];
    sqlite3 *db;    /* the host's connection */
    sqlite3 *other; /* a second one, for those who want one; see host_connect() */

    fake_clock clock; /* what host_options() hands to the library */
} test_host;

/* Open a database in a fresh temporary directory; host_close() may be called at any time and twice.
 * Failures are failures of the test. */
void host_open(test_host *host, host_journal journal);
void host_open_encoded(test_host *host, host_journal journal, const char *encoding);
void host_close(test_host *host);

/* One more connection to the same file; the caller closes it. */
sqlite3 *host_connect(const test_host *host, int flags);

/* Close and open the host's connection, as a program that starts again. */
void host_reconnect(test_host *host);

/* For cmocka: *state is a const host_journal * before the setup, a test_host * after it. */
int host_setup(void **state);
int host_teardown(void **state);
extern const host_journal host_in_memory, host_with_rollback, host_with_wal;

#define HOST_TEST_(function, name, journal)                                                        \
    {#function " (" name ")", function, host_setup, host_teardown, (void *)(uintptr_t)&(journal)}
#define IN_MEMORY(function) HOST_TEST_(function, "memory", host_in_memory)
#define IN_WAL(function) HOST_TEST_(function, "WAL", host_with_wal)
#define ON_DISK(function)                                                                          \
    HOST_TEST_(function, "rollback", host_with_rollback), IN_WAL(function)
#define IN_EVERY_JOURNAL(function) IN_MEMORY(function), ON_DISK(function)

/* Options with this host's fake clock. */
dur_options host_options(test_host *host);

/* A log in the host's connection with those options. */
dur_log *host_log(test_host *host);

/* SQL of the host's own, formatted as by sqlite3_mprintf(). Failures are failures of the test. */
void host_run(sqlite3 *db, const char *format, ...);
int64_t host_number(sqlite3 *db, const char *format, ...);

/* All rows of a query, or of a schema's log, as text; sqlite3_free() it. */
char *host_rows(sqlite3 *db, const char *format, ...);
char *host_log_rows(sqlite3 *db, const char *schema);

/* Every PRAGMA that answers and has no side effect, every limit and setting of the connection, and
 * every table, row, index, view and trigger but those of the log; sqlite3_free() it. */
char *host_picture(sqlite3 *db);

/* How many statements of the connection are active. */
int host_active_statements(sqlite3 *db);

/* May any statement of the connection still hold these bytes (as text or in hexadecimal)? */
bool host_statements_hold(sqlite3 *db, const char *bytes);

/* The content of a file; free() it. */
unsigned char *host_file(const char *path, size_t *size);

/* Assertions that tell what they saw. */
void host_assert_code(int expected, int actual, const dur_log *log, const char *file, int line);
void host_assert_has(const char *text, const char *part, const char *file, int line);
void host_assert_same(char *before, char *after, const char *file, int line);

#define assert_code(expected, actual, log)                                                         \
    do {                                                                                           \
        int code_of_call = (actual);                                                               \
        host_assert_code((expected), code_of_call, (log), __FILE__, __LINE__);                     \
    } while (0)
#define assert_has(text, part) host_assert_has((text), (part), __FILE__, __LINE__)
/* Frees both texts. */
#define assert_same(before, after) host_assert_same((before), (after), __FILE__, __LINE__)

#endif
