/* test/store: what the tests of the conformance suite share. */
#ifndef CONFORMANCE_KIT_H
#define CONFORMANCE_KIT_H

#include "store/conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct kept kept;

typedef struct conformance {
    const conformance_subject *subject;
    void *world;
    durable_store *store;
    kept *memory; /* freed after the test */
} conformance;

int conformance_setup(void **state);
int conformance_teardown(void **state);

/* A copy that lives as long as the test; NULL gives NULL. */
void *keep(conformance *c, const void *bytes, size_t length);

/* Close the store and open another one on the same log. */
void reopen(conformance *c);

/* ---- Data ---- */

durable_datum datum_null(void);
durable_datum datum_integer(int64_t integer);
durable_datum datum_real(double real);
durable_datum datum_text(const char *text);
durable_datum datum_blob(const void *bytes, size_t length);
durable_datum datum_format(durable_datum datum, int format);

/* Everything that a store must give back as it went in, well over a dozen of them. */
size_t datum_specimens(durable_datum *specimens, size_t room);

void assert_datum(const durable_datum *actual, const durable_datum *expected);

/* ---- Runs ---- */

#define RUN_TOKEN 11
#define RUN_LEASE 2000
#define RUN_NOW 1000

/* A run that nothing is special about. */
durable_new_run plain_run(const char *id);

/* Create it, which must succeed. */
durable_fence start(conformance *c, const char *id);
durable_fence start_run(conformance *c, const durable_new_run *new_run);

/* The run as it is now, which must exist; kept for the test. */
durable_run_record look(conformance *c, const char *id);
bool exists(conformance *c, const char *id);
void assert_same_run(const durable_run_record *a, const durable_run_record *b);

/* A claim on what `fence` holds, by "owner-2" with token 22 until 5000, second in a row. */
durable_claim plain_claim(const durable_fence *fence);

/* Another owner claims the run, which must succeed; gives its fence. */
durable_fence take_over(conformance *c, const durable_fence *fence);

/* Likewise of a run that was given back with that fence. */
durable_fence take_up(conformance *c, const durable_fence *fence);

/* The same fence with another epoch and token. */
durable_fence other_fence(durable_fence fence, int64_t epoch, int64_t token);

/* The code, with DUR_ROLLED_BACK taken for DUR_LOST where a deletion may look like a rollback. */
int verdict_of_gone(const conformance *c, int code);

/* ---- Steps ---- */

/* A result that nothing is special about: name "step", value 7, own position as low. */
durable_outcome plain_outcome(durable_fence *fence, int64_t position);

/* Append one outcome, which must give DUR_OK; gives the verdict. */
int append(conformance *c, durable_outcome outcome);

/* Append a plain outcome that must be recorded. */
void record(conformance *c, durable_fence *fence, int64_t position);

typedef struct history {
    durable_step_record *rows;
    size_t count, room;
} history;

/* The rows, kept for the test; the load must succeed. */
history load(conformance *c, int64_t run, int64_t from, int64_t to, int64_t limit, bool details);
history load_all(conformance *c, int64_t run);

durable_history_summary summarize(conformance *c, int64_t run);

/* The tables of the parts of the suite. */
size_t conformance_run_tests(const struct CMUnitTest **tests);
size_t conformance_fence_tests(const struct CMUnitTest **tests);
size_t conformance_step_tests(const struct CMUnitTest **tests);
size_t conformance_due_tests(const struct CMUnitTest **tests);
size_t conformance_suspend_tests(const struct CMUnitTest **tests);
size_t conformance_pending_tests(const struct CMUnitTest **tests);
size_t conformance_signal_tests(const struct CMUnitTest **tests);
size_t conformance_receipt_tests(const struct CMUnitTest **tests);
size_t conformance_callback_tests(const struct CMUnitTest **tests);
size_t conformance_head_tests(const struct CMUnitTest **tests);
size_t conformance_queue_tests(const struct CMUnitTest **tests);
size_t conformance_rate_tests(const struct CMUnitTest **tests);
size_t conformance_child_tests(const struct CMUnitTest **tests);
size_t conformance_request_tests(const struct CMUnitTest **tests);
size_t conformance_continue_tests(const struct CMUnitTest **tests);
size_t conformance_transaction_tests(const struct CMUnitTest **tests);
size_t conformance_restart_tests(const struct CMUnitTest **tests);
size_t conformance_restart_child_tests(const struct CMUnitTest **tests);
size_t conformance_control_tests(const struct CMUnitTest **tests);
size_t conformance_deletion_tests(const struct CMUnitTest **tests);
size_t conformance_row_tests(const struct CMUnitTest **tests);
size_t conformance_import_tests(const struct CMUnitTest **tests);
size_t conformance_version_tests(const struct CMUnitTest **tests);

#endif
