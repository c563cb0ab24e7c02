/*
 * test/crash: processes forked from one parent are different owners of different runs, although
 * they inherit the state of SQLite's random number generator.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "durable.h"
#include "support/process.h"

#include <sqlite3.h>
#include <stdio.h>

#define CHILDREN 4

typedef struct child {
    char id[16];
    char key[64]; /* the idempotency key of the run's first step */
    int code;
} child;

static int workflow(dur_run *run, void *user)
{
    child *it = user;

    DUR_STEP (run, "pay")
        snprintf(it->key, sizeof it->key, "%s", dur_step_idempotency_key(dur_current_step(run)));
    return 0;
}

static int execute(void *user)
{
    child *it = user;
    sqlite3 *db = NULL;
    dur_log *log = NULL;

    if (sqlite3_open(":memory:", &db) != SQLITE_OK) return 1;
    it->code = dur_open(db, NULL, &log);
    if (it->code == DUR_OK) it->code = dur_execute(log, "forked", it->id, NULL, workflow, it);
    dur_close(log);
    sqlite3_close(db);
    return 0;
}

static void forked_processes_never_share_an_idempotency_key(void **state)
{
    child *children = process_share(CHILDREN * sizeof *children);
    unsigned char drawn[8];

    (void)state;
    assert_non_null(children);
    sqlite3_randomness((int)sizeof drawn, drawn);
    for (int i = 0; i < CHILDREN; i++) {
        snprintf(children[i].id, sizeof children[i].id, "run-%d", i);
        process_run(execute, &children[i]);
        assert_int_equal(children[i].code, DUR_OK);
        assert_true(children[i].key[0] != '\0');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(children[i].key, children[j].key);
    }
    process_unshare(children, CHILDREN * sizeof *children);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forked_processes_never_share_an_idempotency_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
