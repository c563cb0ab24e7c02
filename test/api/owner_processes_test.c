/* test/api: laws 6 and 8, owners in processes of their own: living, dead, and dying again. */
#define _POSIX_C_SOURCE 200809L

#include "api/owners.h"

#include "support/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct test_visitor {
    test_host *host;
    process_gate claimed, leave;
    int steps; /* to record before it stays */
} test_visitor;

/* A process of its own: connection, log and random numbers. */
static dur_log *open_in_child(test_host *host)
{
    fake_clock_init(&host->clock, (uint64_t)getpid());
    host->db = host_connect(host, SQLITE_OPEN_READWRITE);
    return host_log(host);
}

static int claim_and_die(void *user)
{
    test_visitor *visitor = user;
    dur_run *run = claim(open_in_child(visitor->host));

    for (int i = 0; i < visitor->steps; i++)
        if (dur_record_result(begin(run, "s"), dur_null()) != DUR_OK) return 1;
    begin(run, "unfinished");
    return 0; /* without a word */
}

static int claim_and_stay(void *user)
{
    test_visitor *visitor = user;
    dur_run *run = claim(open_in_child(visitor->host));

    process_gate_open(&visitor->claimed);
    process_gate_wait(&visitor->leave);
    dur_close_run(run);
    return 0;
}

/* Close what must not cross a fork. */
static void leave_database(test_host *host)
{
    dur_close(host_log(host)); /* so that the tables are there */
    assert_int_equal(SQLITE_OK, sqlite3_close(host->db));
    host->db = NULL;
}

static void come_back(test_host *host)
{
    host->db = host_connect(host, SQLITE_OPEN_READWRITE);
}

/* The same run executed in two processes: one of them is told. */
static void law6_a_live_process_holds_its_run(void **state)
{
    test_host *host = *state;
    test_visitor visitor = {host, {-1, -1}, {-1, -1}, 0};
    process_end end;
    dur_log *log;
    pid_t child;

    leave_database(host);
    assert_true(process_gate_make(&visitor.claimed));
    assert_true(process_gate_make(&visitor.leave));
    child = process_start(claim_and_stay, &visitor);
    assert_true(child > 0);
    process_gate_wait(&visitor.claimed);
    come_back(host);
    log = host_log(host);
    assert_owned(log);
    assert_int_equal(1, host->clock.owner_questions);
    process_gate_open(&visitor.leave);
    end = process_wait(child);
    assert_true(end.exited && end.code == 0);
    dur_close_run(claim(log));
    dur_close(log);
    process_gate_close(&visitor.claimed);
    process_gate_close(&visitor.leave);
}

/* A dead owner on this machine is known at once: no lease is waited for. */
static void law6_a_dead_process_is_succeeded_at_once(void **state)
{
    test_host *host = *state;
    test_visitor visitor = {host, {-1, -1}, {-1, -1}, 2};
    process_end end;
    dur_step *step = NULL;
    dur_log *log;
    dur_run *run;

    leave_database(host);
    end = process_run(claim_and_die, &visitor);
    assert_true(end.exited && end.code == 0);
    come_back(host);
    log = host_log(host);
    run = claim(log);
    for (int i = 0; i < 2; i++)
        assert_int_equal(DUR_REPLAYED, dur_begin_step(run, "s", NULL, &step));
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "unfinished", NULL, &step));
    dur_close_run(run);
    dur_close(log);
}

/* A zombie holds nothing: dead, only not buried. */
static void law6_a_zombie_is_dead(void **state)
{
    test_host *host = *state;
    test_visitor visitor = {host, {-1, -1}, {-1, -1}, 0};
    siginfo_t info;
    pid_t child;
    dur_log *log;

    leave_database(host);
    assert_true(process_gate_make(&visitor.claimed));
    assert_true(process_gate_make(&visitor.leave));
    child = process_start(claim_and_stay, &visitor);
    assert_true(child > 0);
    process_gate_wait(&visitor.claimed);
    process_kill(child);
    assert_int_equal(0, waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    come_back(host);
    log = host_log(host);
    dur_close_run(claim(log));
    dur_close(log);
    process_wait(child);
    process_gate_close(&visitor.claimed);
    process_gate_close(&visitor.leave);
}

/* ---- A run that kills every owner ------------------------------------------------------------ */

static int do_nothing(dur_run *run, void *user)
{
    (void)run;
    ++*(int *)user;
    return 0;
}

/* Law 8, section 5: claimed ten times in a row without a new row, it is parked; then a person's
 * execute goes on. */
static void law8_a_poison_pill_is_parked(void **state)
{
    test_host *host = *state;
    test_visitor visitor = {host, {-1, -1}, {-1, -1}, 0};
    dur_run_info info = DUR_RUN_INFO_INIT;
    int passes = 0;
    dur_log *log;

    leave_database(host);
    for (int i = 0; i < DUR_CLAIMS_MAX; i++) {
        process_end end = process_run(claim_and_die, &visitor);

        assert_true(end.exited && end.code == 0);
    }
    come_back(host);
    log = host_log(host);
    assert_code(DUR_PARKED, dur_execute(log, "w", "the-run", NULL, do_nothing, &passes), log);
    assert_has(dur_errmsg(log), "the-run");
    assert_has(dur_errmsg(log), "10");
    assert_int_equal(0, passes);
    assert_code(DUR_OK, dur_read_run(log, "the-run", &info), log);
    assert_int_equal(DUR_RUN_PARKED, info.status);
    assert_non_null(info.failure);
    assert_code(DUR_OK, dur_execute(log, "w", "the-run", NULL, do_nothing, &passes), log);
    assert_int_equal(1, passes);
    dur_close(log);
}

/* A row on the way starts the count anew. */
static void law8_progress_is_not_poison(void **state)
{
    test_host *host = *state;
    test_visitor visitor = {host, {-1, -1}, {-1, -1}, 0};
    int passes = 0;
    dur_log *log;

    leave_database(host);
    for (int i = 1; i < DUR_CLAIMS_MAX; i++) {
        process_end end;

        visitor.steps = i == DUR_CLAIMS_MAX - 1;
        end = process_run(claim_and_die, &visitor);
        assert_true(end.exited && end.code == 0);
    }
    come_back(host);
    log = host_log(host);
    for (int i = 0; i < DUR_CLAIMS_MAX - 1; i++) dur_close_run(claim(log));
    assert_code(DUR_DIVERGED, dur_execute(log, "w", "the-run", NULL, do_nothing, &passes), log);
    assert_int_equal(1, passes); /* asked, not parked as poison */
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(law6_a_live_process_holds_its_run),
        ON_DISK(law6_a_dead_process_is_succeeded_at_once),
        IN_WAL(law6_a_zombie_is_dead),
        IN_WAL(law8_a_poison_pill_is_parked),
        IN_WAL(law8_progress_is_not_poison),
    };

    return cmocka_run_group_tests_name("owner processes", tests, NULL, NULL);
}
