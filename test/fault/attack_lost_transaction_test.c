/* test/fault: law 1, SQLite may end the host's transaction by itself where memory runs out, also
 * under a statement of ours that only reads. That is reported as what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fault_alloc.h"
#include "support/host.h"

#include <stdio.h>

#define STEPS 3

typedef struct pass {
    bool one_more; /* a step that the log does not hold */
    bool leave;    /* by dur_stop() */
} pass;

static int replay(dur_run *run, void *user)
{
    const pass *self = user;
    int number = 0;

    for (int i = 0; i < STEPS && dur_ok(run); i++) {
        DUR_STEP(run, "s", number) number = 10 * i;
        if (dur_ok(run)) assert_int_equal(10 * i, number);
    }
    if (self->one_more) DUR_STEP(run, "one more") number = 1;
    if (self->leave) dur_stop(run, "later");
    return 0;
}

static int execute(dur_log *log, bool one_more, bool leave)
{
    pass self = {one_more, leave};

    return dur_execute(log, "w", "r", NULL, replay, &self);
}

/* The log works on. */
static void pass_in_vain(test_host *host, dur_log *log)
{
    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, execute(log, false, false), log);
    host_run(host->db, "ROLLBACK");
}

/* One pass in a transaction of the host's whose nth allocation fails; has the transaction gone? */
static bool lose(test_host *host, int64_t nth, const pass *self, bool *fired)
{
    dur_log *log;
    int code;
    bool gone;

    host_reconnect(host);
    log = host_log(host);
    host_run(host->db, "BEGIN; INSERT INTO mine VALUES (1)");
    fault_alloc_arm(nth, false);
    code = execute(log, self->one_more, self->leave);
    gone = sqlite3_get_autocommit(host->db) != 0;
    *fired = fault_alloc_fired() > 0;
    fault_alloc_disarm();
    if (gone)
        assert_code(DUR_ROLLED_BACK, code, log);
    else
        host_run(host->db, "ROLLBACK");
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM mine"));
    assert_int_equal(0, host_active_statements(host->db));
    pass_in_vain(host, log);
    dur_close(log);
    return gone;
}

static void law1_a_transaction_lost_is_told(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    const pass ways[] = {{false, false}, {true, false}, {false, true}, {true, true}};

    host_run(host->db, "CREATE TABLE mine (x)");
    assert_code(DUR_STOPPED, execute(log, false, true), log);
    dur_close(log);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        int64_t lost = 0;
        bool fired = true;

        for (int64_t nth = 1; fired; nth++) lost += lose(host, nth, &ways[i], &fired);
        printf("fault: %lld transactions lost%s%s\n", (long long)lost,
               ways[i].one_more ? ", with a step to record" : "",
               ways[i].leave ? ", in a pass that is left" : "");
        assert_true(lost > 0);
    }
    assert_int_equal(STEPS, host_number(host->db, "SELECT count(*) FROM durable_steps"));
}

static int install(void **state)
{
    (void)state;
    return fault_alloc_install(false) == SQLITE_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {ON_DISK(law1_a_transaction_lost_is_told)};

    return cmocka_run_group_tests_name("attack_lost_transaction", tests, install, NULL);
}
